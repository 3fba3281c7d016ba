//! What is on its way through a link: a message, a question to a postcode service, or its verdict.

use std::time::Duration;

use protocol::ids::{Contact, MessageId, NodeId, RequestId};
use protocol::message::{Answer, Envelope, Message};
use protocol::postcode::{Postcode, Verdict};
use protocol::trace::Stay;

use super::Changed;
use crate::postcode_services::Turn;

/// Sender and receiver. The way back is another way.
pub type Way = (NodeId, NodeId);

/// Of a small message, with what it needs here.
const SMALL: usize = 256;
/// Of an entry of a state update, which it shares with the log; of an order in an answer.
const ENTRY: usize = 64;
const ORDER: usize = 512;

/// What is on its way through a link.
#[derive(Clone, Debug, PartialEq)]
pub enum Passing {
    /// A message to another node.
    Message {
        /// The receiver, and its address.
        to: Contact,
        /// The message.
        envelope: Envelope,
    },
    /// Step 11, on its way to a postcode service.
    Question(Box<Question>),
    /// Step 12, on its way back.
    Verdict(Box<ServiceAnswer>),
}

/// One attempt to learn about a postcode: step 11.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// Its name in traces.
    pub id: MessageId,
    /// The service.
    pub to: NodeId,
    /// Whether it is shown step by step.
    pub traced: bool,
    /// Which of the loop's actors asks.
    pub(crate) actor: usize,
    /// The service that it asks, and how many were asked before.
    pub(crate) turn: Turn,
    /// The order whose postcode it is.
    pub(crate) request: RequestId,
    /// The postcode in question.
    pub(crate) postcode: Postcode,
}

/// What a service said: step 12.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceAnswer {
    /// The question that it answers.
    pub question: Question,
    /// What it said.
    pub(crate) verdict: Verdict,
    /// How long it took, in real time.
    pub(crate) took: Duration,
}

impl Passing {
    /// Which link it is in.
    #[must_use]
    pub fn way(&self) -> Way {
        match self {
            Passing::Message { envelope, .. } => (envelope.from, envelope.to),
            Passing::Question(question) => (question.id.from, question.to),
            Passing::Verdict(answer) => (answer.question.to, answer.question.id.from),
        }
    }

    /// Its name in traces. A verdict has its question's number.
    #[must_use]
    pub fn id(&self) -> MessageId {
        match self {
            Passing::Message { envelope, .. } => MessageId { from: envelope.from, number: envelope.number },
            Passing::Question(question) => question.id,
            Passing::Verdict(answer) => MessageId { from: answer.question.to, ..answer.question.id },
        }
    }

    /// Whether it is shown step by step.
    #[must_use]
    pub fn is_traced(&self) -> bool {
        match self {
            Passing::Message { envelope, .. } => envelope.traced,
            Passing::Question(question) => question.traced,
            Passing::Verdict(answer) => answer.question.traced,
        }
    }

    pub(super) fn stays(&self, stay: Stay) -> Changed {
        Changed { message: self.id(), to: self.way().1, traced: self.is_traced(), stay }
    }

    /// About how many bytes it takes.
    pub(super) fn weight(&self) -> usize {
        let Passing::Message { envelope, .. } = self else { return SMALL };
        SMALL
            + match &envelope.message {
                Message::Snapshot(part) => part.piece.bytes() as usize,
                Message::StateUpdate(update) => update.entries.len() * ENTRY,
                Message::Reply { answer: Answer::History(page), .. } => page.orders.len() * ORDER,
                Message::Register { .. }
                | Message::Lookup { .. }
                | Message::Found { .. }
                | Message::ClaimFrontEnd
                | Message::ReadRecord
                | Message::RecordView { .. }
                | Message::Record { .. }
                | Message::ViewIs { .. }
                | Message::Status(_)
                | Message::Request { .. }
                | Message::Ack { .. }
                | Message::Reply { .. }
                | Message::Refused { .. }
                | Message::NotPrimary { .. }
                | Message::Busy { .. }
                | Message::LookUpAgain { .. }
                | Message::Waiting { .. } => 0,
            }
    }
}
