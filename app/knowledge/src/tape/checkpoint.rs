//! What stands at the beginning of a tape whose first entries were let go: the facts that a fold needs to begin there.
//!
//! Of each kind the newest one for each node, link or customer. Messages, receipts and log lines are not among them.

use std::collections::BTreeMap;

use protocol::ids::NodeId;
use protocol::trace::{Ending, TraceEvent, TraceRecord};

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
        let node = record.node;
        let subject = match &record.event {
            TraceEvent::Started(started) => {
                // The incarnation before it, if it crashed, is no longer shown.
                if let Some(before) = self.names.insert(started.name.clone(), node) {
                    self.forget(before);
                }
                Subject::Process(node)
            }
            TraceEvent::Ended { how: Ending::Removed, .. } => return self.forget(node),
            TraceEvent::Ended { how: Ending::Crashed | Ending::Exited, .. } => Subject::Ended(node),
            TraceEvent::CustomerIs { .. } | TraceEvent::Crowd(_) => Subject::Customer(node),
            TraceEvent::State(_) => Subject::State(node),
            TraceEvent::HopIs { .. } => Subject::Hop,
            TraceEvent::ClockIs { .. } => Subject::Clock,
            TraceEvent::PlantIs { .. } => Subject::Plant,
            TraceEvent::HeartbeatsAre { .. } => Subject::Heartbeats,
            TraceEvent::LinkIs { from, to, .. } => Subject::Link(from.clone(), to.clone()),
            TraceEvent::Froze { .. } | TraceEvent::Woke => Subject::Frozen(node),
            TraceEvent::BombIs { .. } | TraceEvent::Exploded { .. } => Subject::Bomb(node),
            _ => return,
        };
        self.facts.insert(subject, record.clone());
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
