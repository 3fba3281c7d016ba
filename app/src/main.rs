//! One program for everything: a node, if the first argument says so; else a command; else the window.
//!
//! Only decides which, and with which exit status it ends.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    // Whatever is written from here on, by a library too, cannot be changed by others.
    #[cfg(unix)]
    {
        use rustix::fs::Mode;
        let others = Mode::WGRP.union(Mode::WOTH);
        let given = rustix::process::umask(others);
        rustix::process::umask(given.union(others));
    }
    // Before anything else: a node has nothing to do with command lines, windows and their libraries.
    if std::env::args_os().nth(1).is_some_and(|first| first == "node") {
        let node::arguments::Command::Node(arguments) = node::arguments::Arguments::parse().command;
        return node::run_node(arguments.role);
    }
    app::command_line::run()
}
