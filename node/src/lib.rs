//! One node of Just Hungry as a process: sockets, clocks and files around a machine of `protocol`.

pub mod control;
pub mod gazetteer;
pub mod postcode_services;
pub mod stand_in;
pub mod transport;
