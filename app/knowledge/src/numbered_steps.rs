//! Which numbered step a delivery completes: sendings and deliveries are reported through different pipes, in any order.
//!
//! A small fold of facts, bounded. Who waits for a step, and why, is not known here.

use std::collections::VecDeque;

use protocol::ids::MessageId;
use protocol::message::Step;
use protocol::trace::{NodeEvent, TraceEvent, TraceRecord};

/// The most sendings and deliveries that wait for each other.
const MOST_OPEN: usize = 4096;

/// A message with a number, as far as a fact completes the knowledge of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passed {
    /// It entered its link.
    Sent(Step),
    /// It was handled, at this cluster time.
    Arrived(Step, u64),
}

/// Numbered messages on their way.
#[derive(Clone, Debug, Default)]
pub struct NumberedSteps {
    open: VecDeque<(MessageId, Step)>,
    /// Messages that have arrived before anybody said that they were sent.
    early: VecDeque<(MessageId, u64)>,
}

impl NumberedSteps {
    /// Takes a fact in; says what it tells of numbered messages.
    pub fn learn(&mut self, record: &TraceRecord) -> Vec<Passed> {
        if let TraceEvent::Node(NodeEvent::Sent { message, facts, .. }) = &record.event {
            let Some(step) = facts.step else { return Vec::new() };
            if let Some(place) = self.early.iter().position(|(early, _)| early == message) {
                let at = self.early.remove(place).map_or(record.at, |(_, at)| at);
                return vec![Passed::Sent(step), Passed::Arrived(step, at)];
            }
            self.open.push_back((*message, step));
            self.open.drain(..self.open.len().saturating_sub(MOST_OPEN));
            return vec![Passed::Sent(step)];
        }
        let TraceEvent::Node(NodeEvent::Delivered { message, .. }) = &record.event else { return Vec::new() };
        match self.open.iter().position(|(open, _)| open == message) {
            Some(place) => {
                let step = self.open.remove(place).map(|(_, step)| step);
                step.map(|step| Passed::Arrived(step, record.at)).into_iter().collect()
            }
            None => {
                self.early.push_back((*message, record.at));
                self.early.drain(..self.early.len().saturating_sub(MOST_OPEN));
                Vec::new()
            }
        }
    }
}
