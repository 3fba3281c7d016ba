//! What stands out in the course of a run: faults, repairs, view changes, each at its moment and on its lane.
//!
//! Single messages are not here. Each mark has a line of the log too, and what happened stands there.

use std::sync::Arc;

use protocol::ids::{NodeId, Role};
use protocol::trace::{Actor, LauncherEvent, MachineEvent, NodeEvent, Note, Standing, TraceEvent, TraceRecord};

use super::{KeepNewest, LogLine, Picture};

const MOST_MARKS: usize = 1000;

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
    /// A disk does not work from here on, or works again.
    Disk {
        works: bool,
    },
    /// A bug is injected, or switched off; or answers wait for other copies from here on.
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
            MarkKind::Disk { works } => !works,
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
            TraceEvent::Launcher(
                LauncherEvent::PlantIs { .. } | LauncherEvent::AcknowledgeIs { .. } | LauncherEvent::ClockIs { .. }
            )
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
        let kind = match event {
            TraceEvent::Launcher(LauncherEvent::Started(started)) if started.actor == Actor::Role(Role::Customer) => {
                return None;
            }
            TraceEvent::Launcher(LauncherEvent::Started(_)) => MarkKind::Started,
            TraceEvent::Launcher(LauncherEvent::Ended { .. }) => MarkKind::Ended,
            TraceEvent::Launcher(LauncherEvent::LinkIs { rule, .. }) => {
                MarkKind::Link { cut: rule.cut, mended: rule.is_mended() }
            }
            TraceEvent::Launcher(LauncherEvent::BombIs { .. }) => MarkKind::Bomb,
            TraceEvent::Launcher(LauncherEvent::PlantIs { plant }) if *plant != self.steering.plant => MarkKind::Plant,
            TraceEvent::Launcher(LauncherEvent::AcknowledgeIs { acknowledge })
                if *acknowledge != self.steering.acknowledge =>
            {
                MarkKind::Plant
            }
            TraceEvent::Launcher(LauncherEvent::ClockIs { rate, .. }) if *rate != self.steering.rate => MarkKind::Speed,
            TraceEvent::Node(NodeEvent::Froze { .. }) => MarkKind::Froze,
            TraceEvent::Node(NodeEvent::Woke) => MarkKind::Woke,
            TraceEvent::Node(NodeEvent::Exploded { .. }) => MarkKind::Exploded,
            TraceEvent::Machine(MachineEvent::Became { standing: Standing::Primary, view })
                if view.number.0 > self.newest_led =>
            {
                MarkKind::View(view.number.0)
            }
            TraceEvent::Machine(MachineEvent::Suspects { .. }) => MarkKind::Suspicion,
            TraceEvent::Machine(MachineEvent::Noted(Note::DiskFails { .. })) => MarkKind::Disk { works: false },
            TraceEvent::Machine(MachineEvent::Noted(Note::DiskWorks)) => MarkKind::Disk { works: true },
            TraceEvent::Launcher(_) | TraceEvent::Node(_) | TraceEvent::Machine(_) => return None,
        };
        Some(kind)
    }
}
