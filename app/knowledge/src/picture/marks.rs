//! What stands out in the course of a run: faults, repairs, view changes, each at its moment and on its lane.
//!
//! Single messages are not here. Each mark has a line of the log too, and what happened stands there.

use std::sync::Arc;

use protocol::ids::NodeId;
use protocol::trace::{Actor, Ending, LauncherEvent, MachineEvent, NodeEvent, Standing, TraceEvent, TraceRecord};

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
    pub kind: MarkKind,
    pub line: Arc<LogLine>,
}

/// The kinds of marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkKind {
    Started,
    Ended,
    /// Another primary acts, in this view.
    View(u64),
    /// A process stands still from here.
    Froze,
    Woke,
    /// A link does something from here on: what it is called is that of its sender.
    Link {
        cut: bool,
        /// Whether it does nothing any more.
        mended: bool,
    },
    /// A bomb was laid or taken away.
    Bomb,
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
        let (node, name) = if let TraceEvent::Launcher(LauncherEvent::LinkIs { from, .. }) = &record.event {
            (None, Some(from.clone()))
        } else if matches!(
            record.event,
            TraceEvent::Launcher(LauncherEvent::PlantIs { .. } | LauncherEvent::ClockIs { .. })
        ) {
            (None, None)
        } else {
            let name = record.event.introduced().or_else(|| self.nodes.name_of(record.node));
            (Some(record.node), name.map(str::to_owned))
        };
        self.marks.push_back(Arc::new(Mark { at: record.at, node, name, kind, line: line.clone() }));
        self.marks.keep_newest(MOST_MARKS);
    }

    fn kind_of_mark(&self, event: &TraceEvent) -> Option<MarkKind> {
        match event {
            TraceEvent::Launcher(event) => self.kind_of_launcher(event),
            TraceEvent::Node(event) => kind_of_node(event),
            TraceEvent::Machine(event) => self.kind_of_machine(event),
        }
    }

    fn kind_of_launcher(&self, event: &LauncherEvent) -> Option<MarkKind> {
        match event {
            LauncherEvent::Started(started) => match started.actor {
                Actor::Role(protocol::ids::Role::Customer) => None,
                Actor::Role(_) | Actor::Service(_) => Some(MarkKind::Started),
            },
            LauncherEvent::Ended { how: Ending::Crashed | Ending::Removed | Ending::Exited, .. } => {
                Some(MarkKind::Ended)
            }
            LauncherEvent::LinkIs { rule, .. } => Some(MarkKind::Link { cut: rule.cut, mended: rule.is_mended() }),
            LauncherEvent::BombIs { .. } => Some(MarkKind::Bomb),
            LauncherEvent::PlantIs { plant } => (*plant != self.steering.plant).then_some(MarkKind::Plant),
            LauncherEvent::ClockIs { rate, .. } => (*rate != self.steering.rate).then_some(MarkKind::Speed),
            LauncherEvent::CustomerIs { .. }
            | LauncherEvent::Crowd(_)
            | LauncherEvent::Orders { .. }
            | LauncherEvent::HopIs { .. }
            | LauncherEvent::HeartbeatsAre { .. }
            | LauncherEvent::CommandRefused { .. }
            | LauncherEvent::Log { .. } => None,
        }
    }

    fn kind_of_machine(&self, event: &MachineEvent) -> Option<MarkKind> {
        match event {
            MachineEvent::Became { standing: Standing::Primary, view } => {
                (view.number.0 > self.newest_led).then_some(MarkKind::View(view.number.0))
            }
            MachineEvent::Suspects { .. } => Some(MarkKind::Suspicion),
            MachineEvent::Became { standing: Standing::Backup | Standing::Joining, .. }
            | MachineEvent::Refused { .. }
            | MachineEvent::Committed { .. }
            | MachineEvent::TookIn { .. }
            | MachineEvent::CommandRefused { .. }
            | MachineEvent::Noted(_) => None,
        }
    }
}

fn kind_of_node(event: &NodeEvent) -> Option<MarkKind> {
    match event {
        NodeEvent::Froze { .. } => Some(MarkKind::Froze),
        NodeEvent::Woke => Some(MarkKind::Woke),
        NodeEvent::Exploded { .. } => Some(MarkKind::Exploded),
        NodeEvent::Sent { .. }
        | NodeEvent::Stays { .. }
        | NodeEvent::Delivered { .. }
        | NodeEvent::Lost { .. }
        | NodeEvent::PostcodeAsked { .. }
        | NodeEvent::PostcodeAnswered { .. }
        | NodeEvent::State(_)
        | NodeEvent::Timers { .. }
        | NodeEvent::Rang { .. }
        | NodeEvent::Flow { .. }
        | NodeEvent::Asked { .. }
        | NodeEvent::Answered { .. }
        | NodeEvent::Log { .. } => None,
    }
}
