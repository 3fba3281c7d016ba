//! How fast orders flow: many of them are counted, and told once a second of cluster time.

use std::collections::VecDeque;

use protocol::message::Answer;
use protocol::order_book::Outcome;
use protocol::trace::{LauncherEvent, NodeEvent, TraceEvent, TraceRecord};

use super::Narrator;
use super::news::{Due, News};
use super::sentence::{Sentence, seconds};

/// More requests than this in a second are told together.
const MANY: usize = 5;
/// A second of cluster time.
const SECOND: u64 = 1_000_000;

#[derive(Debug, Default)]
pub(super) struct Pace {
    /// When the latest requests were asked, at most one more than are many.
    asked: VecDeque<u64>,
    /// How many orders of a crowd were acknowledged in all.
    crowd: u64,
    /// Orders that were placed in the second that is being counted.
    placed: u64,
    /// Whether one is.
    counts: bool,
    /// The replica that took over since the last summary, and after which time.
    pub takeover: Option<(String, Option<u64>)>,
}

impl Pace {
    /// How many orders this fact says are placed, and whether so much flows that it is not told one by one.
    pub fn overhear(&mut self, record: &TraceRecord) -> (u64, bool) {
        let mut placed = 0;
        match &record.event {
            TraceEvent::Node(NodeEvent::Asked { .. }) => {
                self.asked.push_back(record.at);
                if self.asked.len() > MANY + 1 {
                    self.asked.pop_front();
                }
            }
            TraceEvent::Node(NodeEvent::Answered { answer: Answer::Outcome(Outcome::Placed { .. }), .. }) => placed = 1,
            TraceEvent::Launcher(LauncherEvent::Crowd(crowd)) => {
                placed = crowd.acknowledged.saturating_sub(self.crowd);
                self.crowd = crowd.acknowledged;
            }
            TraceEvent::Launcher(_) | TraceEvent::Node(_) | TraceEvent::Machine(_) => {}
        }
        let earliest = self.asked.front().filter(|_| self.asked.len() > MANY);
        let busy = earliest.is_some_and(|earliest| record.at.saturating_sub(*earliest) < SECOND);
        (placed, busy || self.crowd > 0)
    }
}

impl Narrator {
    /// This number of orders was placed.
    pub(super) fn placed(&mut self, at: u64, number: u64) {
        self.pace.placed += number;
        if !std::mem::replace(&mut self.pace.counts, true) {
            self.wait(at + SECOND, News::Due(Due::Second));
        }
    }

    /// A second is over.
    pub(super) fn second(&mut self, at: u64) {
        self.pace.counts = false;
        let placed = std::mem::take(&mut self.pace.placed);
        let takeover = self.pace.takeover.take();
        if placed <= MANY as u64 {
            return;
        }
        let took = takeover.map(|(name, after)| match after {
            Some(after) => format!("; {name} took over after {}", seconds(after)),
            None => format!("; {name} took over"),
        });
        let what = format!("{placed} orders in the last second{}.", took.unwrap_or_default());
        self.say(Sentence::answer(at, what));
    }
}
