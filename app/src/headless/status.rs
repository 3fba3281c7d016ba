//! `status --dir RUN`: what each node of a cluster in another process believes and uses.

use std::path::PathBuf;

use protocol::ids::Role;
use protocol::trace::{Actor, NodeState, Standing};
use serde::{Deserialize, Serialize};

use super::{Exit, Failure, door, say, say_json};
use crate::cluster::NodeStatus;

/// Of which cluster.
#[derive(Debug, clap::Args)]
pub struct StatusArguments {
    /// The folder of the run, as `cluster` names it.
    #[arg(long)]
    dir: PathBuf,
    /// End with one JSON object.
    #[arg(long)]
    json: bool,
}

/// One node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct StatusLine {
    name: String,
    /// "replica", "front-end", "name-server", "postcodes.io", "getthedata.com".
    role: String,
    id: String,
    /// None: not running.
    pid: Option<u32>,
    addr: Option<String>,
    /// "primary", "backup" or "joining", of a replica.
    standing: Option<String>,
    view: Option<u64>,
    primary: Option<String>,
    members: Vec<String>,
    ack_set: Vec<String>,
    op: Option<u64>,
    fingerprint: Option<String>,
    commit: Option<u64>,
    orders: Option<u64>,
    /// Customers whose last request is remembered.
    sessions: Option<u64>,
    /// Digest of orders and sessions.
    digest: Option<String>,
    /// Bytes of resident memory.
    rss: Option<u64>,
    cpu_us: Option<u64>,
    connections: Option<u64>,
    refused_messages: Option<u64>,
    /// Of a front-end without service.
    waits_for: Option<String>,
}

impl StatusLine {
    /// As the cluster tells it.
    pub fn of(node: &NodeStatus) -> Self {
        let mut line = Self {
            name: node.name.clone(),
            role: role(node.actor),
            id: node.id.to_string(),
            pid: node.pid,
            addr: node.contact.map(|contact| contact.address.to_string()),
            rss: node.usage.map(|usage| usage.memory),
            cpu_us: node.usage.map(|usage| usage.processor),
            connections: node.usage.map(|usage| usage.connections),
            refused_messages: node.usage.map(|usage| usage.refused_messages),
            ..Self::default()
        };
        let view = match &node.state {
            Some(NodeState::NameServer { record, .. }) => Some(record),
            Some(NodeState::FrontEnd { view, waits_for, .. }) => {
                line.waits_for.clone_from(waits_for);
                Some(view)
            }
            Some(NodeState::Replica(replica)) => {
                line.standing = Some(standing(replica.standing).into());
                line.ack_set = replica.ack_set.iter().map(ToString::to_string).collect();
                line.op = replica.position.map(|position| position.op.0);
                line.fingerprint = replica.position.map(|position| format!("{:016x}", position.fingerprint.0));
                line.commit = Some(replica.commit.0);
                line.orders = Some(replica.orders.0);
                line.sessions = Some(replica.sessions);
                line.digest = Some(format!("{:016x}", replica.digest.0));
                Some(&replica.view)
            }
            Some(NodeState::Customer { .. }) | None => None,
        };
        if let Some(view) = view {
            line.view = Some(view.number.0);
            line.primary = (view.number.0 > 0).then(|| view.primary.to_string());
            line.members = view.members.iter().map(ToString::to_string).collect();
        }
        line
    }
}

/// What a replica is, on the command line.
pub(super) fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Joining => "joining",
        Standing::Backup => "backup",
        Standing::Primary => "primary",
    }
}

/// The role's name on the command line.
pub(super) fn role(actor: Actor) -> String {
    match actor {
        Actor::Role(Role::NameServer) => "name-server".into(),
        Actor::Role(Role::FrontEnd) => "front-end".into(),
        Actor::Role(Role::Replica) => "replica".into(),
        Actor::Role(Role::Customer) => "customer".into(),
        Actor::Service(service) => service.to_string(),
    }
}

pub(super) fn perform(arguments: &StatusArguments) -> Result<Exit, Failure> {
    let nodes = door::status(&arguments.dir).map_err(|error| Failure::BadInput(format!("{error:#}")))?;
    if arguments.json {
        say_json(&serde_json::json!({ "nodes": nodes }))?;
        return Ok(Exit::Holds);
    }
    say(format!("{:<16}{:<10}{:<10}{:>6}{:>10}{:>10}{:>12}", "node", "pid", "is", "view", "op", "commit", "memory"))?;
    for node in nodes {
        let number = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
        let memory = node.rss.map_or_else(|| "-".into(), |bytes| format!("{:.1} MiB", bytes as f64 / 1_048_576.0));
        say(format!(
            "{:<16}{:<10}{:<10}{:>6}{:>10}{:>10}{:>12}",
            node.name,
            node.pid.map_or_else(|| "dead".into(), |pid| pid.to_string()),
            node.standing.as_deref().unwrap_or("-"),
            number(node.view),
            number(node.op),
            number(node.commit),
            memory
        ))?;
    }
    Ok(Exit::Holds)
}
