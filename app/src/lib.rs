//! The window of Just Hungry and the launcher of its cluster.
//!
//! **Reading order.** [`command_line`] (window or [`headless`] command), [`app`] (facts in, commands out), [`user_command`] (what a
//! person can ask for), [`cluster`] (who does it), [`picture`] (what the facts come to) and [`tape`] (how they are kept), [`panels`]
//! (what is seen of it). A [`scenario`] is performed on a [`stage`], in the window as in the terminal: [`load`] has its
//! customers, [`history`] what they were told, [`verdict`] what follows. [`recognition`] says what a file is that somebody gives us, and [`folders`] what lies
//! in a folder.
//!
//! **Deliberately absent:** any rule of replication (`protocol`), and sockets and timers of nodes (`node`). Panels see no cluster.

pub mod app;
pub mod cluster;
pub mod command_line;
pub mod folders;
pub mod headless;
pub mod history;
pub mod interrupt;
pub mod load;
pub mod numbered_steps;
pub mod panels;
pub mod picture;
pub mod recognition;
pub mod scenario;
pub mod stage;
pub mod tape;
pub mod theme;
pub mod user_command;
pub mod verdict;
pub mod widgets;
pub mod wording;
