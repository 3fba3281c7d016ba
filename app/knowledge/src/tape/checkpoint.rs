//! What stands at the beginning of a tape whose first entries were let go: the facts that a fold needs to begin there.
//!
//! Of each kind the newest one for each node, link or customer. Messages, receipts and log lines are not among them.

use std::collections::BTreeMap;

use protocol::ids::NodeId;
use protocol::trace::{Ending, LauncherEvent, NodeEvent, TraceEvent, TraceRecord};

/// What a fact replaces: an earlier one of the same kind, of the same subject.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Process(NodeId),
    Customer(NodeId),
    Hop,
    Clock,
    Plant,
    Heartbeats,
    Link(String, String),
    State(NodeId),
    Frozen(NodeId),
    Bomb(NodeId),
    Ended(NodeId),
}

/// The facts, in an order in which they can be folded.
#[derive(Clone, Debug, Default)]
pub(super) struct Checkpoint {
    facts: BTreeMap<Subject, TraceRecord>,
    names: BTreeMap<String, NodeId>,
}

impl Checkpoint {
    /// All of them.
    pub fn facts(&self) -> impl Iterator<Item = &TraceRecord> {
        self.facts.values()
    }

    pub fn apply(&mut self, record: &TraceRecord) {
        let subject = match &record.event {
            TraceEvent::Launcher(event) => self.subject_of_launcher(event, record.node),
            TraceEvent::Node(event) => subject_of_node(event, record.node),
            TraceEvent::Machine(_) => None,
        };
        if let Some(subject) = subject {
            self.facts.insert(subject, record.clone());
        }
    }

    fn subject_of_launcher(&mut self, event: &LauncherEvent, node: NodeId) -> Option<Subject> {
        Some(match event {
            LauncherEvent::Started(started) => {
                // The incarnation before it, if it crashed, is no longer shown.
                if let Some(before) = self.names.insert(started.name.clone(), node) {
                    self.forget(before);
                }
                Subject::Process(node)
            }
            LauncherEvent::Ended { how: Ending::Removed, .. } => {
                self.forget(node);
                return None;
            }
            LauncherEvent::Ended { how: Ending::Crashed | Ending::Exited, .. } => Subject::Ended(node),
            LauncherEvent::CustomerIs { .. } | LauncherEvent::Crowd(_) => Subject::Customer(node),
            LauncherEvent::HopIs { .. } => Subject::Hop,
            LauncherEvent::ClockIs { .. } => Subject::Clock,
            LauncherEvent::PlantIs { .. } => Subject::Plant,
            LauncherEvent::HeartbeatsAre { .. } => Subject::Heartbeats,
            LauncherEvent::LinkIs { from, to, .. } => Subject::Link(from.clone(), to.clone()),
            LauncherEvent::BombIs { .. } => Subject::Bomb(node),
            LauncherEvent::Orders { .. } | LauncherEvent::CommandRefused { .. } | LauncherEvent::Log { .. } => {
                return None;
            }
        })
    }

    fn forget(&mut self, node: NodeId) {
        for subject in [
            Subject::Process(node),
            Subject::Customer(node),
            Subject::State(node),
            Subject::Frozen(node),
            Subject::Bomb(node),
            Subject::Ended(node),
        ] {
            self.facts.remove(&subject);
        }
    }
}

fn subject_of_node(event: &NodeEvent, node: NodeId) -> Option<Subject> {
    match event {
        NodeEvent::State(_) => Some(Subject::State(node)),
        NodeEvent::Froze { .. } | NodeEvent::Woke => Some(Subject::Frozen(node)),
        NodeEvent::Exploded { .. } => Some(Subject::Bomb(node)),
        NodeEvent::Sent { .. }
        | NodeEvent::Stays { .. }
        | NodeEvent::Delivered { .. }
        | NodeEvent::Lost { .. }
        | NodeEvent::PostcodeAsked { .. }
        | NodeEvent::PostcodeAnswered { .. }
        | NodeEvent::Timers { .. }
        | NodeEvent::Rang { .. }
        | NodeEvent::Flow { .. }
        | NodeEvent::Asked { .. }
        | NodeEvent::Answered { .. }
        | NodeEvent::Log { .. } => None,
    }
}
