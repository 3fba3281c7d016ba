//! The window of Just Hungry and the launcher of its cluster.

pub mod app;
pub mod history;
pub mod panels;
pub mod picture;
pub mod scenario;
pub mod theme;
pub mod user_command;
pub mod verdict;
pub mod widgets;
pub mod wording;
