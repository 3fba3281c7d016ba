//! What a command knows of a running cluster: a small fold of its facts, enough to name nodes and to count failovers.
//!
//! The window's picture knows much more; this one draws nothing.

use std::collections::BTreeMap;

use protocol::ids::{NodeId, Role, ViewNumber};
use protocol::trace::{Actor, Ending, Standing, Started, TraceEvent, TraceRecord};

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
}
