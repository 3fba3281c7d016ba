//! How many timers rang while time stood still, by the processes' own count. Nothing is asked here: what was heard is
//! compared with what was heard before.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use protocol::ids::NodeId;

/// Between two looks at the processes.
const BETWEEN: Duration = Duration::from_secs(1);

/// What was asked and heard.
#[derive(Debug, Default)]
pub(super) struct Measuring {
    /// Questions that are not answered yet, and whether time stood still when they were asked: what was counted before it
    /// stopped must not be heard as counted since.
    asked: VecDeque<bool>,
    last: Duration,
    /// Timers rung by each process when time had just been stopped.
    stopped_at: Option<BTreeMap<NodeId, u64>>,
    /// Time goes on after the answers that are under way.
    goes_on: bool,
}

impl Measuring {
    /// Whether it is time to look again: now and then, and as soon as time stands still.
    pub(crate) fn is_due(&self, now: Duration, stopped: bool) -> bool {
        let just_stopped = stopped && self.stopped_at.is_none();
        self.asked.is_empty() && (just_stopped || now >= self.last + BETWEEN)
    }

    /// Time goes on, for whatever reason: what was counted until now says nothing about the next standstill.
    pub(crate) fn time_goes(&mut self) {
        self.stopped_at = None;
        self.asked.iter_mut().for_each(|stopped| *stopped = false);
    }

    /// Whether an answer must be waited for before time goes on.
    pub(crate) fn is_under_way(&self) -> bool {
        self.goes_on && !self.asked.is_empty()
    }

    /// Time is to go on: true if the timers must be counted first, because time is stopped.
    pub(crate) fn ends_standstill(&mut self) -> bool {
        self.goes_on |= self.stopped_at.is_some();
        self.stopped_at.is_some()
    }

    /// The processes are asked; `stopped`: whether time stands still.
    pub fn begin(&mut self, now: Duration, stopped: bool) {
        self.asked.push_back(stopped);
        self.last = now;
    }

    /// The processes have answered: this many timers have rung since the answer before, if time stood still.
    pub fn take(&mut self, rung: &[(NodeId, u64)], stopped: bool) -> u64 {
        let stood_still = self.asked.pop_front().unwrap_or(false);
        let mut more = 0;
        if stopped && stood_still {
            match &mut self.stopped_at {
                None => self.stopped_at = Some(rung.iter().copied().collect()),
                Some(before) => {
                    for (node, rung) in rung {
                        let known = before.insert(*node, *rung).unwrap_or(*rung);
                        more += rung.saturating_sub(known);
                    }
                }
            }
        }
        if self.asked.is_empty() && std::mem::take(&mut self.goes_on) {
            self.stopped_at = None;
        }
        more
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_rings_while_time_stands_still_is_counted() {
        let mut measuring = Measuring::default();
        let (one, two) = (NodeId(1), NodeId(2));
        let look = |measuring: &mut Measuring, rung: &[(NodeId, u64)], stopped| {
            measuring.begin(Duration::ZERO, stopped);
            measuring.take(rung, stopped)
        };
        assert_eq!(look(&mut measuring, &[(one, 5)], false), 0);
        assert!(!measuring.ends_standstill(), "time goes anyway");
        assert_eq!(look(&mut measuring, &[(one, 9)], true), 0, "what rang before it stopped does not count");
        assert_eq!(look(&mut measuring, &[(one, 11), (two, 40)], true), 2, "of a new process nothing is known");
        assert!(measuring.ends_standstill());
        measuring.begin(Duration::ZERO, true);
        assert!(measuring.is_under_way());
        assert_eq!(measuring.take(&[(one, 12), (two, 41)], true), 2);
        assert!(!measuring.is_under_way());
        assert_eq!(look(&mut measuring, &[(one, 80), (two, 80)], true), 0, "it was stopped anew");
    }

    #[test]
    fn what_was_counted_before_time_stopped_and_is_heard_afterwards_begins_no_count() {
        let mut measuring = Measuring::default();
        let one = NodeId(1);
        measuring.begin(Duration::ZERO, false);
        assert_eq!(measuring.take(&[(one, 5)], true), 0);
        measuring.begin(Duration::ZERO, true);
        assert_eq!(measuring.take(&[(one, 9)], true), 0, "these four rang before it stopped");
        measuring.begin(Duration::ZERO, true);
        assert_eq!(measuring.take(&[(one, 10)], true), 1);
        measuring.begin(Duration::ZERO, true);
        measuring.time_goes();
        assert_eq!(measuring.take(&[(one, 70)], true), 0, "asked while it stood still, answered when it does so again");
        assert!(measuring.is_due(Duration::ZERO, true), "the new standstill has no beginning yet");
        measuring.begin(Duration::ZERO, true);
        assert_eq!(measuring.take(&[(one, 90)], true), 0, "these twenty rang while it went");
    }
}
