//! Watching for what time was let go for: facts go by, and one of them says that it has happened.
//!
//! A moment of cluster time is nothing to watch for: every clock stops there by itself.

use protocol::ids::ViewNumber;
use protocol::trace::{MachineEvent, Standing, TraceEvent, TraceRecord};

use knowledge::numbered_steps::{NumberedSteps, Passed};
use knowledge::user_command::{Until, UserCommand};

/// What is watched for, and what must be known for it.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// What time goes on for, and since when.
    waits_for: Option<(Until, u64)>,
    newest: ViewNumber,
    numbered: NumberedSteps,
}

impl Watch {
    /// Takes in a person's command: a new command about time replaces the one before.
    pub fn asked(&mut self, command: &UserCommand, now: u64) {
        if let UserCommand::RunUntil { until, .. } = command {
            self.waits_for = Some((*until, now));
        } else if let UserCommand::SetRate { .. } = command {
            self.waits_for = None;
        }
    }

    /// Takes facts in. True, once: what time was let go for has happened.
    pub(crate) fn has_happened(&mut self, records: &[TraceRecord]) -> bool {
        let mut happened = false;
        for record in records {
            let passed = self.numbered.learn(record);
            let newer = self.newer_view(&record.event);
            let Some((until, since)) = self.waits_for else { continue };
            happened |= match until {
                Until::NumberedStep => passed.iter().any(|it| matches!(it, Passed::Arrived(_, at) if *at > since)),
                Until::ViewChange => newer && record.at >= since,
                Until::Moment(_) => false,
            };
        }
        if happened {
            self.waits_for = None;
        }
        happened
    }

    fn newer_view(&mut self, event: &TraceEvent) -> bool {
        let TraceEvent::Machine(MachineEvent::Became { standing: Standing::Primary | Standing::Backup, view }) = event
        else {
            return false;
        };
        let newer = view.number > self.newest;
        self.newest = self.newest.max(view.number);
        newer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::ids::{MessageId, NodeId, View};
    use protocol::message::{Step, Summary};
    use protocol::trace::{MessageFacts, NodeEvent, Rate};

    fn run(until: Until) -> UserCommand {
        UserCommand::RunUntil { rate: Rate::REAL, until }
    }

    fn record(at: u64, event: impl Into<TraceEvent>) -> TraceRecord {
        TraceRecord { node: NodeId(1), at, event: event.into() }
    }

    fn sent(number: u64, step: Option<u8>) -> TraceRecord {
        let facts = MessageFacts {
            step: step.map(Step),
            summary: Summary::Heartbeat,
            request: None,
            fields: Vec::new(),
            delay: 0,
            held: false,
        };
        let message = MessageId { from: NodeId(1), number };
        record(5, NodeEvent::Sent { message, to: NodeId(2), facts })
    }

    fn delivered(number: u64, at: u64) -> TraceRecord {
        record(at, NodeEvent::Delivered { message: MessageId { from: NodeId(1), number }, refused: None })
    }

    #[test]
    fn a_numbered_step_is_one_that_arrives_after_the_wish() {
        let mut watch = Watch::default();
        assert!(!watch.has_happened(&[sent(1, Some(9)), sent(2, None), sent(3, Some(10))]));
        watch.asked(&run(Until::NumberedStep), 10);
        assert!(!watch.has_happened(&[delivered(2, 12)]), "it has no number");
        assert!(!watch.has_happened(&[delivered(1, 9)]), "it had arrived before");
        assert!(watch.has_happened(&[delivered(3, 13)]));
        assert!(!watch.has_happened(&[sent(4, Some(10)), delivered(4, 20)]), "only once");
        watch.asked(&run(Until::NumberedStep), 20);
        assert!(watch.has_happened(&[delivered(5, 21), sent(5, Some(13))]), "in any order");
        watch.asked(&run(Until::NumberedStep), 30);
        watch.asked(&UserCommand::SetRate { rate: Rate::REAL }, 31);
        assert!(!watch.has_happened(&[sent(6, Some(9)), delivered(6, 32)]), "nobody waits any more");
    }

    #[test]
    fn a_view_change_is_a_newer_view_than_any() {
        let became = |number: u64, at: u64| {
            let view = View { number: ViewNumber(number), ..View::default() };
            record(at, MachineEvent::Became { standing: Standing::Backup, view })
        };
        let mut watch = Watch::default();
        assert!(!watch.has_happened(&[became(1, 1), became(2, 2)]));
        watch.asked(&run(Until::ViewChange), 3);
        assert!(!watch.has_happened(&[became(2, 4)]), "another member of the same view");
        assert!(watch.has_happened(&[became(3, 5)]));
    }
}
