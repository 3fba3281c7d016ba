//! Passive (primary-backup) replication, as pure state machines.

pub mod codec;
pub mod customer;
pub mod fingerprint;
pub mod front_end;
pub mod ids;
pub mod machine;
pub mod menu;
pub mod message;
pub mod name_server;
pub mod order_book;
pub mod postcode;
pub mod replica;
pub mod trace;
