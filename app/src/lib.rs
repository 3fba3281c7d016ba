//! The window of Just Hungry and the launcher of its cluster.

pub mod app;
pub mod cluster;
pub mod command_line;
pub mod headless;
pub mod history;
pub mod load;
pub mod numbered_steps;
pub mod panels;
pub mod picture;
pub mod random;
pub mod scenario;
pub mod stage;
pub mod tape;
pub mod theme;
pub mod user_command;
pub mod verdict;
pub mod widgets;
pub mod wording;
