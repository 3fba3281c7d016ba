//! Facts on their way from the processes to the observers: a bounded queue that never makes a process wait.
//!
//! What does not fit is counted, not awaited: first the events of single messages, whose loss only
//! thins out the picture, and only far beyond that everything else. Nothing is interpreted here.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use protocol::ids::NodeId;
use protocol::trace::{LauncherEvent, MachineEvent, NodeEvent, TraceEvent, TraceRecord};

/// From this many waiting facts on, events of single messages are dropped.
const MOST_STEPS: usize = 100_000;
/// From this many on, everything is dropped.
const MOST_FACTS: usize = 200_000;

type Wake = Arc<dyn Fn() + Send + Sync>;

/// The queue; clones share it.
#[derive(Clone, Default)]
pub struct Facts(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    records: VecDeque<TraceRecord>,
    dropped: u64,
    wake: Option<Wake>,
    /// Whether `wake` was called since facts were last taken.
    woken: bool,
    /// Heartbeats since facts were last taken, by sender: a cluster at rest must wake nobody.
    pulse: BTreeMap<NodeId, TraceRecord>,
    /// Another queue that is given everything, too.
    copy: Option<Facts>,
}

impl Facts {
    /// Calls `wake` whenever facts come to an empty queue, unless they are heartbeats.
    pub fn wake_with(&self, wake: Wake) {
        self.waiting().wake = Some(wake);
    }

    /// Gives everything that comes from now on to another queue, too.
    pub(crate) fn copy_to(&self, other: Facts) {
        self.waiting().copy = Some(other);
    }

    /// Adds facts, oldest first, or counts what does not fit.
    pub fn push(&self, records: impl IntoIterator<Item = TraceRecord>) {
        let copy = self.waiting().copy.clone();
        let Some(copy) = copy else { return self.keep(records) };
        let records: Vec<TraceRecord> = records.into_iter().collect();
        copy.keep(records.iter().cloned());
        self.keep(records);
    }

    /// The same, for this queue only: for who puts back what it has taken.
    pub(crate) fn keep(&self, records: impl IntoIterator<Item = TraceRecord>) {
        let mut waiting = self.waiting();
        for record in records {
            let Some(record) = waiting.keep_if_pulse(record) else { continue };
            let most = if is_of_one_message(&record.event) { MOST_STEPS } else { MOST_FACTS };
            if waiting.records.len() < most {
                waiting.records.push_back(record);
            } else {
                waiting.dropped += 1;
            }
        }
        let wake = (!waiting.woken && !waiting.records.is_empty()).then(|| waiting.wake.clone()).flatten();
        waiting.woken |= wake.is_some();
        drop(waiting);
        if let Some(wake) = wake {
            wake();
        }
    }

    /// Counts facts that were lost before they came here.
    pub(crate) fn count_dropped(&self, dropped: u64) {
        let mut waiting = self.waiting();
        waiting.dropped += dropped;
        let copy = waiting.copy.clone();
        drop(waiting);
        copy.into_iter().for_each(|copy| copy.waiting().dropped += dropped);
    }

    /// Takes all facts, oldest first. If some are missing, the last one says how many.
    #[must_use]
    pub fn take(&self, now: u64) -> Vec<TraceRecord> {
        let (mut records, dropped) = self.take_counted();
        if dropped > 0 {
            let text = format!("{dropped} events came too fast to be shown; they are missing from the window");
            records.push(TraceRecord { node: NodeId(0), at: now, event: LauncherEvent::Log { text }.into() });
        }
        records
    }

    /// Takes all facts, oldest first, and how many are missing.
    pub(crate) fn take_counted(&self) -> (Vec<TraceRecord>, u64) {
        let mut waiting = self.waiting();
        waiting.woken = false;
        let mut records: Vec<_> = waiting.records.drain(..).collect();
        records.extend(std::mem::take(&mut waiting.pulse).into_values());
        (records, std::mem::take(&mut waiting.dropped))
    }

    /// The queue stays usable when a thread that held it has panicked: records are added whole.
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Keeps the newest count of a sender's heartbeats aside, added to what was counted before; gives back anything else.
    fn keep_if_pulse(&mut self, mut record: TraceRecord) -> Option<TraceRecord> {
        let TraceEvent::Node(NodeEvent::Flow { sent }) = &mut record.event else { return Some(record) };
        if sent.iter().any(|(_, orders, _)| *orders > 0) {
            return Some(record);
        }
        if let Some(TraceRecord { event: TraceEvent::Node(NodeEvent::Flow { sent: before }), .. }) =
            self.pulse.remove(&record.node)
        {
            for (to, _, control) in before {
                match sent.iter_mut().find(|(receiver, _, _)| *receiver == to) {
                    Some((_, _, count)) => *count += control,
                    None => sent.push((to, 0, control)),
                }
            }
        }
        self.pulse.insert(record.node, record);
        None
    }
}

/// Whether the loss of this event only thins out the picture.
pub(crate) fn is_of_one_message(event: &TraceEvent) -> bool {
    match event {
        TraceEvent::Node(
            NodeEvent::State(_)
            | NodeEvent::Asked { .. }
            | NodeEvent::Answered { .. }
            | NodeEvent::Froze { .. }
            | NodeEvent::Woke
            | NodeEvent::Exploded { .. },
        ) => false,
        TraceEvent::Machine(
            MachineEvent::Became { .. }
            | MachineEvent::TookIn { .. }
            | MachineEvent::Suspects { .. }
            | MachineEvent::CommandRefused { .. },
        ) => false,
        TraceEvent::Node(_) | TraceEvent::Machine(_) | TraceEvent::Launcher(LauncherEvent::Log { .. }) => true,
        TraceEvent::Launcher(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::ids::OpNumber;
    use std::sync::atomic::{AtomicU32, Ordering};

    fn fact(event: impl Into<TraceEvent>) -> TraceRecord {
        TraceRecord { node: NodeId(1), at: 0, event: event.into() }
    }

    #[test]
    fn what_does_not_fit_is_counted_and_what_matters_stays() {
        let facts = Facts::default();
        let woken = Arc::new(AtomicU32::new(0));
        let counter = woken.clone();
        facts.wake_with(Arc::new(move || {
            counter.fetch_add(1, Ordering::Relaxed);
        }));
        facts.push((0..MOST_STEPS as u64 + 5).map(|op| fact(MachineEvent::Committed { op: OpNumber(op) })));
        facts.push([fact(LauncherEvent::HopIs { hop: 1 })]);
        let taken = facts.take(7);
        assert_eq!(taken.len(), MOST_STEPS + 2);
        assert_eq!(taken[MOST_STEPS].event, TraceEvent::Launcher(LauncherEvent::HopIs { hop: 1 }));
        assert!(
            matches!(&taken[MOST_STEPS + 1].event, TraceEvent::Launcher(LauncherEvent::Log { text }) if text.starts_with("5 events"))
        );
        assert_eq!(woken.load(Ordering::Relaxed), 1);
        assert!(facts.take(8).is_empty());
    }

    #[test]
    fn heartbeats_wake_nobody_and_are_added_up() {
        let facts = Facts::default();
        let woken = Arc::new(AtomicU32::new(0));
        let counter = woken.clone();
        facts.wake_with(Arc::new(move || {
            counter.fetch_add(1, Ordering::Relaxed);
        }));
        for _ in 0..3 {
            facts.push([fact(NodeEvent::Flow { sent: vec![(NodeId(2), 0, 5)] })]);
        }
        assert_eq!(woken.load(Ordering::Relaxed), 0);
        facts.push([fact(LauncherEvent::HopIs { hop: 1 })]);
        facts.push([fact(LauncherEvent::HopIs { hop: 2 })]);
        assert_eq!(woken.load(Ordering::Relaxed), 1, "once until the facts are taken");
        assert_eq!(facts.take(1)[2].event, TraceEvent::Node(NodeEvent::Flow { sent: vec![(NodeId(2), 0, 15)] }));
        facts.push([fact(NodeEvent::Flow { sent: vec![(NodeId(2), 3, 5)] })]);
        assert_eq!(woken.load(Ordering::Relaxed), 2, "orders are worth a look");
    }
}
