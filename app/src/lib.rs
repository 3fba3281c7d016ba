//! Just Hungry from its command line: the window, or a command in the terminal.
//!
//! **Reading order.** [`command_line`] decides between the window and a [`headless`] command. Under both are crates:
//! `knowledge` (what is known of a run), `cluster` (the launcher and its customers), `scenarios` (what happens when, and
//! what is expected), `wording` (every sentence) and `window` (what is drawn).
//!
//! **Deliberately absent:** any rule of replication (`protocol`), and sockets and timers of nodes (`node`). Without the feature
//! `window` the program is the same, less its window.

pub mod command_line;
pub mod headless;
