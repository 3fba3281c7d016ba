//! The command line of a node: `node ROLE`, and nothing else. Everything that matters comes over standard input.

use std::fmt;

use clap::{Args, Parser, Subcommand, ValueEnum};
use protocol::postcode::PostcodeService;

use crate::control::Duty;

/// One node of Just Hungry, without the window. A launcher starts it; by hand it shows nothing.
#[derive(Debug, Parser)]
#[command(name = "just-hungry-node", version)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// There is one command; it has the same name in `just-hungry`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run one node of a cluster. It reads keys and settings from standard input, and ends when that ends.
    Node(NodeArguments),
}

/// What follows `node`.
#[derive(Clone, Copy, Debug, Args)]
pub struct NodeArguments {
    /// The role of the node, shown in process lists. Standard input must name the same role.
    pub role: NodeRole,
}

/// What a process can be, as the command line names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum NodeRole {
    /// Keeps the registry of nodes and the record of the newest view.
    NameServer,
    /// Forwards requests, suspects replicas and proposes views.
    FrontEnd,
    /// Holds the orders.
    Replica,
    /// Stands in for postcodes.io.
    PostcodesIo,
    /// Stands in for getthedata.com.
    Getthedata,
    /// Sends bytes back, for measurements.
    Echo,
}

impl NodeRole {
    /// How the command line names a duty.
    #[must_use]
    pub fn of(duty: &Duty) -> Self {
        match duty {
            Duty::NameServer { .. } => NodeRole::NameServer,
            Duty::FrontEnd => NodeRole::FrontEnd,
            Duty::Replica { .. } => NodeRole::Replica,
            Duty::StandIn { service: PostcodeService::PostcodesIo, .. } => NodeRole::PostcodesIo,
            Duty::StandIn { service: PostcodeService::GetTheData, .. } => NodeRole::Getthedata,
            Duty::Echo => NodeRole::Echo,
        }
    }
}

impl fmt::Display for NodeRole {
    /// As it is typed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NodeRole::NameServer => "name-server",
            NodeRole::FrontEnd => "front-end",
            NodeRole::Replica => "replica",
            NodeRole::PostcodesIo => "postcodes-io",
            NodeRole::Getthedata => "getthedata",
            NodeRole::Echo => "echo",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_typed_as_they_are_displayed() {
        for role in NodeRole::value_variants() {
            let arguments = Arguments::try_parse_from(["just-hungry-node", "node", &role.to_string()]).unwrap();
            let Command::Node(NodeArguments { role: parsed }) = arguments.command;
            assert_eq!(parsed, *role);
        }
    }
}
