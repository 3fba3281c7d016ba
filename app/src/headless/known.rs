//! What a command knows of a running cluster: a small fold of its facts, enough to name nodes and to count failovers.
//!
//! The window's picture knows much more; this one draws nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use node::control::Misbehaviour;
use protocol::ids::{NodeId, Role, Span, ViewNumber};
use protocol::trace::{Actor, Ending, Standing, Started, TraceEvent, TraceRecord};

use crate::cluster::Cluster;
use crate::scenario::{Action, NodeName};
use crate::user_command::UserCommand;

/// What is known now.
#[derive(Debug, Default)]
pub(super) struct Known {
    nodes: BTreeMap<String, KnownNode>,
    newest: ViewNumber,
    primary: Option<NodeId>,
    /// How often another replica became primary than the one before.
    pub failovers: u64,
    /// How many views came after the first one that was seen.
    pub view_changes: u64,
}

/// One node.
#[derive(Clone, Debug)]
pub(super) struct KnownNode {
    pub started: Started,
    pub alive: bool,
    pub crashed: bool,
    pub standing: Option<Standing>,
}

impl Known {
    /// Takes in a fact.
    pub fn learn(&mut self, record: &TraceRecord) {
        match &record.event {
            TraceEvent::Started(started) if started.actor != Actor::Role(Role::Customer) => {
                let node = KnownNode { started: started.clone(), alive: true, crashed: false, standing: None };
                self.nodes.insert(started.name.clone(), node);
            }
            TraceEvent::Ended { how, .. } => {
                if let Some(node) = self.by_id_mut(record.node) {
                    node.alive = false;
                    node.crashed = *how != Ending::Removed;
                    node.standing = None;
                }
            }
            TraceEvent::Became { standing, view } => {
                if let Some(node) = self.by_id_mut(record.node) {
                    node.standing = Some(*standing);
                }
                if view.number > self.newest {
                    self.view_changes += u64::from(self.newest.0 > 0);
                    self.newest = view.number;
                    self.failovers += u64::from(self.primary.is_some_and(|primary| primary != view.primary));
                    self.primary = Some(view.primary);
                }
            }
            TraceEvent::Started(_)
            | TraceEvent::Sent { .. }
            | TraceEvent::Delivered { .. }
            | TraceEvent::Stays { .. }
            | TraceEvent::Timers { .. }
            | TraceEvent::Rang { .. }
            | TraceEvent::Froze { .. }
            | TraceEvent::Woke
            | TraceEvent::BombIs { .. }
            | TraceEvent::Exploded { .. }
            | TraceEvent::ClockIs { .. }
            | TraceEvent::LinkIs { .. }
            | TraceEvent::PlantIs { .. }
            | TraceEvent::HeartbeatsAre { .. }
            | TraceEvent::Lost { .. }
            | TraceEvent::Refused { .. }
            | TraceEvent::Committed { .. }
            | TraceEvent::TookIn { .. }
            | TraceEvent::Suspects { .. }
            | TraceEvent::PostcodeAsked { .. }
            | TraceEvent::PostcodeAnswered { .. }
            | TraceEvent::State(_)
            | TraceEvent::Flow { .. }
            | TraceEvent::Asked { .. }
            | TraceEvent::Answered { .. }
            | TraceEvent::CustomerIs { .. }
            | TraceEvent::Orders { .. }
            | TraceEvent::HopIs { .. }
            | TraceEvent::CommandRefused { .. }
            | TraceEvent::Log { .. } => {}
        }
    }

    /// The node that has this id now.
    pub fn by_id(&self, id: NodeId) -> Option<&KnownNode> {
        self.nodes.values().find(|node| node.started.contact.id == id)
    }

    fn by_id_mut(&mut self, id: NodeId) -> Option<&mut KnownNode> {
        self.nodes.values_mut().find(|node| node.started.contact.id == id)
    }

    /// All nodes, by name.
    pub fn nodes(&self) -> impl Iterator<Item = &KnownNode> {
        self.nodes.values()
    }

    /// The living primary of the newest view.
    pub fn primary(&self) -> Option<&KnownNode> {
        self.by_id(self.primary?).filter(|node| node.alive && node.standing == Some(Standing::Primary))
    }

    /// Living backups, by name.
    pub fn backups(&self) -> Vec<&KnownNode> {
        self.nodes.values().filter(|node| node.alive && node.standing == Some(Standing::Backup)).collect()
    }

    /// Which nodes are meant now; `draw` chooses where there is a choice.
    fn meant(&self, name: &NodeName, draw: u64) -> Vec<String> {
        let name_of = |node: &KnownNode| node.started.name.clone();
        match name {
            NodeName::Primary => self.primary().map(name_of).into_iter().collect(),
            NodeName::Backup => {
                let backups = self.backups();
                let chosen = draw as usize % backups.len().max(1);
                backups.get(chosen).map(|node| name_of(node)).into_iter().collect()
            }
            NodeName::Crashed => self.nodes.values().filter(|node| node.crashed).map(name_of).collect(),
            NodeName::Named(name) => vec![name.clone()],
        }
    }

    /// Does it, and says what was done: kind of fault and, for crashes, the node. Nothing if nobody is meant now.
    pub fn perform(&self, cluster: &mut Cluster, action: &Action, draw: u64) -> Vec<(&'static str, String)> {
        let mut done = Vec::new();
        let mut each = |name: &NodeName, kind, command: fn(String) -> UserCommand| {
            for node in self.meant(name, draw) {
                cluster.perform(command(node.clone()));
                done.push((kind, node));
            }
        };
        match action {
            Action::Crash(name) => each(name, "crash", |node| UserCommand::Crash { node }),
            Action::Restart(name) => each(name, "restart", |node| UserCommand::Restart { node }),
            Action::Remove(name) => each(name, "remove", |node| UserCommand::Remove { node }),
            Action::AddReplica => {
                cluster.perform(UserCommand::AddReplica);
                done.push(("add-replica", String::new()));
            }
            Action::Misbehave(service, how) => {
                cluster.perform(UserCommand::Misbehave { service: *service, how: *how });
                let kind = if *how == Misbehaviour::None { "behave" } else { "misbehave" };
                done.push((kind, service.to_string()));
            }
            Action::VerdictCache(on) => {
                cluster.perform(UserCommand::SetVerdictCache { on: *on });
                done.push(("verdict-cache", String::new()));
            }
            Action::Hop(hop) => {
                cluster.perform(UserCommand::SetHop { hop: Some(span(*hop)) });
                done.push(("hop", String::new()));
            }
        }
        done
    }
}

/// The same length as cluster time counts it.
pub(super) fn span(duration: Duration) -> Span {
    Span(duration.as_micros() as u64)
}
