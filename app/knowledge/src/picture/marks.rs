//! What stands out in the course of a run: faults, repairs, view changes, each at its moment and on its lane.
//!
//! Single messages are not here. Each mark has a line of the log too, and what happened stands there.

use std::sync::Arc;

use protocol::ids::NodeId;
use protocol::trace::{Actor, Ending, Standing, TraceEvent, TraceRecord};

use super::{KeepNewest, LogLine, Picture};

/// Marks that are kept.
const MOST_MARKS: usize = 1000;

/// One of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Cluster time in microseconds.
    pub at: u64,
    /// On whose lane; none: it concerns all.
    pub node: Option<NodeId>,
    /// What that is called.
    pub name: Option<String>,
    /// Of which kind.
    pub kind: MarkKind,
    /// What happened.
    pub line: Arc<LogLine>,
}

/// The kinds of marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkKind {
    /// A process started.
    Started,
    /// A process ended.
    Ended,
    /// Another primary acts, in this view.
    View(u64),
    /// A process stands still from here.
    Froze,
    /// … to here.
    Woke,
    /// A link does something from here on: what it is called is that of its sender.
    Link {
        /// Whether nothing passes.
        cut: bool,
        /// Whether it does nothing any more.
        mended: bool,
    },
    /// A bomb was laid or taken away.
    Bomb,
    /// It went off.
    Exploded,
    /// A bug is injected, or switched off.
    Plant,
    /// A replica is believed dead, or alive again.
    Suspicion,
    /// Time goes at another speed.
    Speed,
}

impl MarkKind {
    /// Whether somebody or something failed here.
    #[must_use]
    pub fn is_fault(self) -> bool {
        match self {
            MarkKind::Ended | MarkKind::Froze | MarkKind::Exploded | MarkKind::Plant => true,
            MarkKind::Link { mended, .. } => !mended,
            MarkKind::Started
            | MarkKind::View(_)
            | MarkKind::Woke
            | MarkKind::Bomb
            | MarkKind::Suspicion
            | MarkKind::Speed => false,
        }
    }
}

impl Picture {
    /// Keeps what stands out.
    pub(super) fn mark(&mut self, record: &TraceRecord, line: &Arc<LogLine>) {
        let Some(kind) = self.kind_of_mark(&record.event) else { return };
        if let MarkKind::View(number) = kind {
            self.newest_led = number;
        }
        let (node, name) = match &record.event {
            TraceEvent::LinkIs { from, .. } => (None, Some(from.clone())),
            TraceEvent::Started(started) => (Some(record.node), Some(started.name.clone())),
            TraceEvent::PlantIs { .. } | TraceEvent::ClockIs { .. } => (None, None),
            _ => (Some(record.node), self.nodes.name_of(record.node).map(str::to_owned)),
        };
        self.marks.push_back(Arc::new(Mark { at: record.at, node, name, kind, line: line.clone() }));
        self.marks.keep_newest(MOST_MARKS);
    }

    fn kind_of_mark(&self, event: &TraceEvent) -> Option<MarkKind> {
        Some(match event {
            TraceEvent::Started(started) => match started.actor {
                Actor::Role(protocol::ids::Role::Customer) => return None,
                Actor::Role(_) | Actor::Service(_) => MarkKind::Started,
            },
            TraceEvent::Ended { how: Ending::Crashed | Ending::Removed | Ending::Exited, .. } => MarkKind::Ended,
            TraceEvent::Became { standing: Standing::Primary, view } if view.number.0 > self.newest_led => {
                MarkKind::View(view.number.0)
            }
            TraceEvent::Froze { .. } => MarkKind::Froze,
            TraceEvent::Woke => MarkKind::Woke,
            TraceEvent::LinkIs { rule, .. } => MarkKind::Link { cut: rule.cut, mended: rule.is_mended() },
            TraceEvent::BombIs { .. } => MarkKind::Bomb,
            TraceEvent::Exploded { .. } => MarkKind::Exploded,
            TraceEvent::PlantIs { plant } if *plant != self.steering.plant => MarkKind::Plant,
            TraceEvent::Suspects { .. } => MarkKind::Suspicion,
            TraceEvent::ClockIs { rate, .. } if *rate != self.steering.rate => MarkKind::Speed,
            TraceEvent::Became { .. } | TraceEvent::PlantIs { .. } | TraceEvent::ClockIs { .. } => return None,
            TraceEvent::Sent { .. }
            | TraceEvent::Stays { .. }
            | TraceEvent::Delivered { .. }
            | TraceEvent::Lost { .. }
            | TraceEvent::Refused { .. }
            | TraceEvent::Committed { .. }
            | TraceEvent::TookIn { .. }
            | TraceEvent::PostcodeAsked { .. }
            | TraceEvent::PostcodeAnswered { .. }
            | TraceEvent::State(_)
            | TraceEvent::Timers { .. }
            | TraceEvent::Rang { .. }
            | TraceEvent::Flow { .. }
            | TraceEvent::Asked { .. }
            | TraceEvent::Answered { .. }
            | TraceEvent::CustomerIs { .. }
            | TraceEvent::Crowd(_)
            | TraceEvent::Orders { .. }
            | TraceEvent::HopIs { .. }
            | TraceEvent::HeartbeatsAre { .. }
            | TraceEvent::CommandRefused { .. }
            | TraceEvent::Log { .. } => return None,
        })
    }
}
