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
    Acknowledge,
    Heartbeats,
    Link(String, String),
    State(NodeId),
    Frozen(NodeId),
    Bomb(NodeId),
    Disk(NodeId),
    Machine(NodeId),
    Reach(NodeId, NodeId),
    Stopping,
    Ended(NodeId),
}

/// The facts, in an order in which they can be folded.
#[derive(Clone, Debug, Default)]
pub(super) struct Checkpoint {
    facts: BTreeMap<Subject, TraceRecord>,
    names: BTreeMap<String, NodeId>,
}

impl Checkpoint {
    pub fn facts(&self) -> impl Iterator<Item = &TraceRecord> {
        self.facts.values()
    }

    pub fn apply(&mut self, record: &TraceRecord) {
        if let Some(subject) = self.subject_of(&record.event, record.node) {
            self.facts.insert(subject, record.clone());
        }
    }

    fn subject_of(&mut self, event: &TraceEvent, node: NodeId) -> Option<Subject> {
        Some(match event {
            TraceEvent::Launcher(LauncherEvent::Started(started)) => {
                // The incarnation before it, if it crashed, is no longer shown.
                if let Some(before) = self.names.insert(started.name.clone(), node) {
                    self.forget(before);
                }
                Subject::Process(node)
            }
            TraceEvent::Launcher(LauncherEvent::Ended { how: Ending::Removed, .. }) => {
                self.forget(node);
                return None;
            }
            TraceEvent::Launcher(LauncherEvent::Ended { how: Ending::Crashed | Ending::Exited, .. }) => {
                Subject::Ended(node)
            }
            TraceEvent::Launcher(LauncherEvent::CustomerIs { .. } | LauncherEvent::Crowd(_)) => Subject::Customer(node),
            TraceEvent::Launcher(LauncherEvent::HopIs { .. }) => Subject::Hop,
            TraceEvent::Launcher(LauncherEvent::ClockIs { .. }) => Subject::Clock,
            TraceEvent::Launcher(LauncherEvent::PlantIs { .. }) => Subject::Plant,
            TraceEvent::Launcher(LauncherEvent::AcknowledgeIs { .. }) => Subject::Acknowledge,
            TraceEvent::Launcher(LauncherEvent::RunsOn { .. }) => Subject::Machine(node),
            TraceEvent::Launcher(LauncherEvent::CannotReach { peer, .. } | LauncherEvent::CanReach { peer }) => {
                Subject::Reach(node, *peer)
            }
            TraceEvent::Launcher(LauncherEvent::Stopping { .. }) => Subject::Stopping,
            TraceEvent::Launcher(LauncherEvent::HeartbeatsAre { .. }) => Subject::Heartbeats,
            TraceEvent::Launcher(LauncherEvent::LinkIs { from, to, .. }) => Subject::Link(from.clone(), to.clone()),
            TraceEvent::Launcher(LauncherEvent::BombIs { .. }) => Subject::Bomb(node),
            TraceEvent::Launcher(LauncherEvent::DiskIs { .. }) => Subject::Disk(node),
            TraceEvent::Node(NodeEvent::State(_)) => Subject::State(node),
            TraceEvent::Node(NodeEvent::Froze { .. } | NodeEvent::Woke) => Subject::Frozen(node),
            TraceEvent::Node(NodeEvent::Exploded { .. }) => Subject::Bomb(node),
            TraceEvent::Launcher(_) | TraceEvent::Node(_) | TraceEvent::Machine(_) => return None,
        })
    }

    fn forget(&mut self, node: NodeId) {
        self.facts.retain(|subject, _| !matches!(subject, Subject::Reach(one, _) if *one == node));
        for subject in [
            Subject::Process(node),
            Subject::Customer(node),
            Subject::State(node),
            Subject::Frozen(node),
            Subject::Bomb(node),
            Subject::Disk(node),
            Subject::Machine(node),
            Subject::Ended(node),
        ] {
            self.facts.remove(&subject);
        }
    }
}
