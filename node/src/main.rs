//! The `just-hungry-node` program: the same node as in `just-hungry`, without the window.

use std::process::ExitCode;

use clap::Parser;
use node::arguments::{Arguments, Command};

fn main() -> ExitCode {
    let Command::Node(arguments) = Arguments::parse().command;
    node::run_node(arguments.role)
}
