//! Which numbered step a delivery completes: sendings and deliveries are reported through different pipes, in any order.
//!
//! A small fold of facts, bounded. It does not know what waits for a step, or why.

use protocol::ids::MessageId;
use protocol::message::Step;
use protocol::trace::{MessageFacts, NodeEvent, TraceEvent, TraceRecord};

use crate::message_tracker::MessageTracker;

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

#[derive(Clone, Debug, Default)]
pub struct NumberedSteps {
    tracker: MessageTracker<MessageId, Step, u64, MOST_OPEN, MOST_OPEN>,
}

impl NumberedSteps {
    /// Takes a fact in; says what it tells of numbered messages.
    pub fn learn(&mut self, record: &TraceRecord) -> Vec<Passed> {
        let TraceEvent::Node(event) = &record.event else { return Vec::new() };
        if let NodeEvent::Sent { message, facts: MessageFacts { step: Some(step), .. }, .. } = event {
            let arrived = self.tracker.sent(*message, *step).map(|(step, at)| Passed::Arrived(step, at));
            [Passed::Sent(*step)].into_iter().chain(arrived).collect()
        } else if let NodeEvent::Delivered { message, .. } = event {
            let arrived = self.tracker.delivered(*message, record.at);
            arrived.map(|(step, at)| Passed::Arrived(step, at)).into_iter().collect()
        } else {
            Vec::new()
        }
    }
}
