//! The window of Just Hungry and the launcher of its cluster.

pub mod history;
pub mod scenario;
pub mod user_command;
pub mod verdict;
