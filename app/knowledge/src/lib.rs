//! What is known of a run: everything that facts and a person's commands come to.
//!
//! [`user_command`] is what a person can ask for, [`picture`] what the facts come to, [`tape`] how both are kept and shown again,
//! [`history`] what customers asked and were told, [`verdict`] what follows from it. [`recognition`] says what kind of file somebody
//! gives us.
//!
//! **Deliberately absent:** processes, sockets and clocks (`cluster`), sentences (`wording`), anything that is drawn (`window`).

#![expect(missing_docs, reason = "what its name says has no line")]

pub mod history;
pub mod machines;
mod message_tracker;
pub mod numbered_steps;
pub mod picture;
pub mod recognition;
pub mod tape;
pub mod user_command;
pub mod verdict;
