//! One node of Just Hungry as a process: sockets, clocks and files around a machine of `protocol`.
//!
//! **Reading order.** [`arguments`] (how a process is told that it is a node), [`process`] (its life from standard input to
//! exit status), [`event_loop`] (everything that happens to a machine), and what the loop owns: [`cluster_clock`], [`links`],
//! [`transport`], [`view_record`] ([`storage`] or [`etcd`]), [`postcode_services`], [`freezing`]. [`control`] and [`observation`] are the way to the launcher and back.
//! [`stand_in`] plays the postcode services where there is no internet, from the data of [`gazetteer`].
//!
//! **Deliberately absent:** any rule of the protocol. What a machine does, and why, stands in `protocol`.

pub mod alarm;
pub mod arguments;
pub mod bounded_lines;
pub mod cluster_clock;
pub mod control;
pub mod durable;
pub mod error_text;
pub mod etcd;
pub mod event_loop;
pub mod freezing;
pub mod gazetteer;
pub mod http_connections;
pub mod links;
pub mod observation;
pub mod postcode_services;
pub mod process;
mod proof;
pub mod stand_in;
pub mod storage;
pub mod transport;
pub mod usage;
pub mod view_record;

pub use process::run_node;

/// Exit status: the launcher asked for something impossible, or a person started this process by hand.
pub const EXIT_BAD_INPUT: u8 = 2;
/// Exit status: a fault of the program itself, or of the machine under it.
pub const EXIT_FAULT: u8 = 70;
