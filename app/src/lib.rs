//! The window of Just Hungry and the launcher of its cluster.

pub mod user_command;
