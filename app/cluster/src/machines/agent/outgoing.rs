//! What a process here says, on its way to the launcher over a network that may be slow.
//!
//! What the launcher waits for goes first. Facts for observers are bounded, and give way: when the answers of the launcher take
//! longer, fewer are sent, because the cluster's own messages wait in the same network. What does not fit is counted.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use node::control::{NodeReport, write_frame};
use protocol::trace::TraceRecord;
use quinn::Connection;

use crate::machines::talk::{FromProcess, Writing};
use crate::observer::is_of_one_message;

/// When this many facts wait, further ones about single messages are only counted; when twice as many wait, all further ones are.
const MOST_WAITING: usize = 1000;
/// A fact takes at least about this many bytes on the wire; some, what a node believes for one, take several times as many.
const FACT: u64 = 80;
/// Facts of one frame.
const MOST_AT_ONCE: u64 = 400;
/// Bytes a second: at first, and the bounds.
const FIRST_RATE: u64 = 64 * 1024;
const RATES: std::ops::RangeInclusive<u64> = 1024..=8 * 1024 * 1024;
/// What facts may add to the time that a packet takes there and back.
const PATIENCE: Duration = Duration::from_millis(15);
/// Between two changes of the rate.
const BETWEEN_CHANGES: Duration = Duration::from_millis(100);

/// Facts, and how many more there were.
type Counted = (Vec<TraceRecord>, u64);

/// What waits, and the thread that sends it.
#[derive(Default)]
pub(super) struct Outgoing {
    waiting: Mutex<Waiting>,
    wake: Condvar,
}

#[derive(Default)]
struct Waiting {
    first: VecDeque<FromProcess>,
    facts: VecDeque<TraceRecord>,
    dropped: u64,
    over: bool,
}

impl Outgoing {
    /// Never waits. False: nobody sends any more.
    pub fn put(&self, report: NodeReport) -> bool {
        let mut waiting = self.waiting();
        match report {
            NodeReport::Trace { records, dropped } => {
                waiting.dropped += dropped;
                records.into_iter().for_each(|record| waiting.take_in(record));
            }
            other => waiting.first.push_back(FromProcess::Reports(other)),
        }
        let goes_on = !waiting.over;
        drop(waiting);
        self.wake.notify_one();
        goes_on
    }

    /// The last word, after what waits.
    pub fn end(&self, last: Option<FromProcess>) {
        let mut waiting = self.waiting();
        waiting.over = true;
        waiting.first.extend(last);
        drop(waiting);
        self.wake.notify_one();
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends until the last word is said, or the connection is gone.
    pub fn send(&self, mut to: Writing, connection: &Connection) {
        let mut pace = Pace::new(connection.rtt());
        let mut due = Instant::now();
        loop {
            // What goes first does not bring facts with it before their time.
            let most = self.pause_until(due).then(|| pace.at_once());
            let Sending { first, facts, over } = self.next(most);
            let facts = facts.map(|(records, dropped)| FromProcess::Reports(NodeReport::Trace { records, dropped }));
            let Ok((first, facts)) = frames(&first).and_then(|first| Ok((first, frames(facts.as_slice())?))) else {
                return self.waiting().over = true;
            };
            // Before its end, everything that is known of it.
            let all = if over { [&facts, &first] } else { [&first, &facts] };
            if all.into_iter().any(|frames| to.write_all(frames).is_err()) {
                // What comes later has nowhere to go.
                return self.waiting().over = true;
            }
            if over {
                // Fails only if the launcher is gone.
                let _ = to.1.finish();
                return;
            }
            if !facts.is_empty() {
                due = Instant::now() + pace.after(facts.len() as u64, connection.rtt(), Instant::now());
            }
        }
    }

    /// Waits for something to send: what goes first, and facts, `most` of them; none: no facts now.
    fn next(&self, most: Option<usize>) -> Sending {
        let is_empty = |waiting: &mut Waiting| {
            waiting.first.is_empty() && waiting.facts.is_empty() && waiting.dropped == 0 && !waiting.over
        };
        let waiting = self.wake.wait_while(self.waiting(), is_empty);
        let mut waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        let over = waiting.over;
        let most = if over { Some(waiting.facts.len()) } else { most.map(|most| most.min(waiting.facts.len())) };
        let facts =
            most.map(|most| (waiting.facts.drain(..most).collect::<Vec<_>>(), std::mem::take(&mut waiting.dropped)));
        let facts = facts.filter(|(facts, dropped)| !facts.is_empty() || *dropped > 0);
        let first = waiting.first.drain(..).collect();
        Sending { first, facts, over }
    }

    /// Facts wait until then; what goes first ends the pause. Whether it is their time.
    fn pause_until(&self, due: Instant) -> bool {
        let nothing_urgent = |waiting: &mut Waiting| waiting.first.is_empty() && !waiting.over;
        let left = due.saturating_duration_since(Instant::now());
        drop(self.wake.wait_timeout_while(self.waiting(), left, nothing_urgent));
        Instant::now() >= due
    }
}

/// What is sent together.
struct Sending {
    first: Vec<FromProcess>,
    facts: Option<Counted>,
    /// It is the last.
    over: bool,
}

/// As they go over the wire.
fn frames(words: &[FromProcess]) -> io::Result<Vec<u8>> {
    let mut frames = Vec::new();
    words.iter().try_for_each(|word| write_frame(&mut frames, word))?;
    Ok(frames)
}

impl Waiting {
    fn take_in(&mut self, record: TraceRecord) {
        let most = if is_of_one_message(&record.event) { MOST_WAITING } else { 2 * MOST_WAITING };
        if self.facts.len() < most {
            self.facts.push_back(record);
        } else {
            self.dropped += 1;
        }
    }
}

/// How fast facts are sent.
struct Pace {
    rate: u64,
    /// The shortest time there and back so far.
    shortest: Duration,
    changed: Option<Instant>,
}

impl Pace {
    fn new(round_trip: Duration) -> Self {
        Self { rate: FIRST_RATE, shortest: round_trip, changed: None }
    }

    /// How many facts are sent in one frame: about a twentieth of a second's worth.
    fn at_once(&self) -> usize {
        (self.rate / 20 / FACT).clamp(2, MOST_AT_ONCE) as usize
    }

    /// This number of bytes was sent: how long nothing follows.
    fn after(&mut self, size: u64, round_trip: Duration, now: Instant) -> Duration {
        self.shortest = self.shortest.min(round_trip);
        if self.changed.is_none_or(|changed| now - changed >= BETWEEN_CHANGES) {
            self.changed = Some(now);
            let is_slowed = round_trip > self.shortest + PATIENCE;
            let rate = if is_slowed { self.rate / 2 } else { self.rate + self.rate / 10 };
            self.rate = rate.clamp(*RATES.start(), *RATES.end());
        }
        Duration::from_micros(size * 1_000_000 / self.rate)
    }
}

#[cfg(test)]
mod tests {
    use protocol::ids::{NodeId, OpNumber};
    use protocol::trace::{LauncherEvent, MachineEvent, TraceEvent};

    use super::*;

    fn trace(event: impl Into<TraceEvent>, number: usize) -> NodeReport {
        let record = TraceRecord { node: NodeId(1), at: 0, event: event.into() };
        NodeReport::Trace { records: vec![record; number], dropped: 0 }
    }

    #[test]
    fn facts_that_do_not_fit_are_counted_and_what_the_launcher_waits_for_goes_first() {
        let outgoing = Outgoing::default();
        outgoing.put(trace(MachineEvent::Committed { op: OpNumber(1) }, MOST_WAITING + 7));
        outgoing.put(trace(LauncherEvent::HopIs { hop: 1 }, 1));
        outgoing.put(NodeReport::Confirmed { ticket: 3, at: 9 });
        let Sending { first, facts, over } = outgoing.next(None);
        assert!(matches!(first[..], [FromProcess::Reports(NodeReport::Confirmed { ticket: 3, at: 9 })]) && !over);
        assert!(facts.is_none(), "it is not their time");
        let Sending { first, facts, over } = outgoing.next(Some(10));
        assert!(first.is_empty() && !over);
        assert!(facts.is_some_and(|(records, dropped)| (records.len(), dropped) == (10, 7)));
        // The last word comes with all that waits.
        outgoing.end(None);
        let Sending { facts, over, .. } = outgoing.next(None);
        assert!(over && facts.is_some_and(|(records, dropped)| (records.len(), dropped) == (MOST_WAITING - 9, 0)));
    }

    #[test]
    fn facts_give_way_when_the_network_slows_and_come_back() {
        let begun = Instant::now();
        let (quick, slow) = (Duration::from_millis(1), Duration::from_millis(80));
        let mut pace = Pace::new(quick);
        let mut at = begun;
        let mut run = |pace: &mut Pace, round_trip: Duration, times: u32| {
            (0..times)
                .map(|_| {
                    at += BETWEEN_CHANGES;
                    pace.after(4096, round_trip, at)
                })
                .last()
        };
        let before = run(&mut pace, quick, 10);
        assert!(pace.rate > FIRST_RATE);
        let slowed = run(&mut pace, slow, 20);
        assert!(slowed > before && pace.rate == *RATES.start() && pace.at_once() < 10);
        run(&mut pace, quick, 100);
        assert_eq!((pace.rate, pace.at_once()), (*RATES.end(), MOST_AT_ONCE as usize));
    }
}
