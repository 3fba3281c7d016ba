//! One program for everything: a node, if the first argument says so; else a command; else the window.
//!
//! Only decides which, and with which exit status it ends (RELIABILITY section 3).

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    // Before anything else: a node has nothing to do with command lines, windows and their libraries.
    if std::env::args_os().nth(1).is_some_and(|first| first == "node") {
        let node::arguments::Command::Node(arguments) = node::arguments::Arguments::parse().command;
        return node::run_node(arguments.role);
    }
    app::command_line::run()
}
