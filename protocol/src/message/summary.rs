//! What a message says, as far as people see it at a glance: facts, which are put into words where they are shown.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::on_tapes::{self, OnTapes};
use super::{Answer, Ask, Copied, Message, WaitReason, shown};
use crate::ids::{OpNumber, OrderNumber, Role, ViewNumber};
use crate::order_book::Outcome;
use crate::postcode::Postcode;

/// What a message says, or a question to a postcode service, in the few facts that are shown of each. Small, and quick to
/// make and to copy: an observed cluster makes one for every message.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[expect(missing_docs, reason = "most variants are named like the message, the answer or the verdict that they sum up")]
pub enum Summary {
    /// A node registers under this name.
    Register(Arc<str>),
    LookUp(Role),
    /// A look-up found exactly one, of this name.
    FoundOne(Arc<str>),
    /// A look-up found none or several.
    Found(u64),
    ClaimFrontEnd,
    ReadRecord,
    RecordView(ViewNumber),
    Record(ViewNumber),
    ViewIs(ViewNumber),
    Status(ViewNumber),
    Order(Postcode),
    History(Postcode),
    Withdraw,
    /// The first and the last operation of a state update.
    Update(OpNumber, OpNumber),
    /// A state update without entries.
    Heartbeat,
    /// The number of a snapshot's part, from 1, and how many parts there are.
    Snapshot(u32, u32),
    Ack(OpNumber),
    /// The number of the part of a snapshot that is acknowledged, from 1.
    AckPart(u32),
    /// An acknowledgement of a replica without a history.
    AckNothing,
    Placed(OrderNumber),
    Rejected,
    NeverPlaced,
    /// The number of orders in the history that was read.
    Orders(u64),
    Expired,
    Refused(ViewNumber),
    NotPrimary,
    Busy,
    LookUpAgain,
    Waiting(WaitReason),
    /// A postcode service is asked about this one.
    DoesExist(Postcode),
    Exists,
    DoesNotExist,
    NobodyAnswers,
    /// Its link doubled a message that says this.
    CopyOf(Box<Summary>),
    /// As a tape of an earlier version has it in words.
    AsWritten(Arc<str>),
}

impl Summary {
    /// The bytes of text that it holds, and copies share.
    #[must_use]
    pub fn text(&self) -> usize {
        match self {
            Self::Register(text) | Self::FoundOne(text) | Self::AsWritten(text) => text.len(),
            Self::CopyOf(first) => size_of::<Self>() + first.text(),
            _ => 0,
        }
    }

    /// The same with at most this many bytes of text: a tape may hold anything.
    #[must_use]
    pub fn shortened(&self, most: usize) -> Self {
        let cut = |text: &Arc<str>| match text.len() > most {
            true => Arc::from(&text[..text.floor_char_boundary(most)]),
            false => Arc::clone(text),
        };
        match self {
            Self::Register(name) => Self::Register(cut(name)),
            Self::FoundOne(name) => Self::FoundOne(cut(name)),
            Self::AsWritten(words) => Self::AsWritten(cut(words)),
            Self::CopyOf(first) => Self::CopyOf(Box::new(first.shortened(most))),
            short => short.clone(),
        }
    }
}

impl From<&Outcome> for Summary {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Placed { number } => Self::Placed(*number),
            Outcome::Rejected { .. } => Self::Rejected,
            Outcome::NeverPlaced => Self::NeverPlaced,
        }
    }
}

impl From<&Message> for Summary {
    /// Also of messages that are refused, whatever they hold.
    fn from(message: &Message) -> Self {
        match message {
            Message::Register { name, .. } => Self::Register(shown(name).into()),
            Message::Lookup { role } => Self::LookUp(*role),
            Message::Found { who, .. } => match &who[..] {
                [(name, _)] => Self::FoundOne(shown(name).into()),
                none_or_several => Self::Found(none_or_several.len() as u64),
            },
            Message::ClaimFrontEnd => Self::ClaimFrontEnd,
            Message::ReadRecord => Self::ReadRecord,
            Message::RecordView { view, .. } => Self::RecordView(view.number),
            Message::Record { view, .. } => Self::Record(view.number),
            Message::ViewIs { view, .. } => Self::ViewIs(view.number),
            Message::Status(status) => Self::Status(status.view),
            Message::Request { ask: Ask::Order { postcode, .. }, .. } => Self::Order(*postcode),
            Message::Request { ask: Ask::History { postcode, .. }, .. } => Self::History(*postcode),
            Message::Request { ask: Ask::Withdraw, .. } => Self::Withdraw,
            Message::StateUpdate(update) => match (update.entries.first(), update.entries.last()) {
                (Some(first), Some(last)) => Self::Update(first.op, last.op),
                _ => Self::Heartbeat,
            },
            Message::Snapshot(part) => {
                let (part, of) = part.number();
                Self::Snapshot(part, of)
            }
            Message::Ack { copy: Some(copy @ Copied::Reached { .. }), .. } => Self::AckPart(copy.part().unwrap_or(1)),
            Message::Ack { position: Some(position), .. } => Self::Ack(position.op),
            Message::Ack { .. } => Self::AckNothing,
            Message::Reply { answer: Answer::Outcome(outcome), .. } => outcome.into(),
            Message::Reply { answer: Answer::History(page), .. } => Self::Orders(page.total),
            Message::Reply { answer: Answer::Expired, .. } => Self::Expired,
            Message::Refused { view } => Self::Refused(*view),
            Message::NotPrimary { .. } => Self::NotPrimary,
            Message::Busy { .. } => Self::Busy,
            Message::LookUpAgain { .. } => Self::LookUpAgain,
            Message::Waiting { why, .. } => Self::Waiting(*why),
        }
    }
}

impl Serialize for Summary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Summary::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Summary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        on_tapes::read(deserializer)
    }
}

impl<'de> OnTapes<'de> for Summary {
    fn tagged<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Summary::deserialize(deserializer)
    }

    fn as_written(words: &str) -> Self {
        Self::AsWritten(words.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_old_tapes_are_kept_and_new_summaries_come_back_as_they_were() {
        let read = |text: &str| serde_json::from_str::<Summary>(text).unwrap();
        assert_eq!(read("\"claim front-end\""), Summary::AsWritten("claim front-end".into()));
        let update = Summary::Update(OpNumber(1), OpNumber(2));
        let all = [
            Summary::Register("replica-1".into()),
            Summary::ClaimFrontEnd,
            Summary::Waiting(WaitReason::Asked),
            update,
        ];
        for summary in all.map(|first| Summary::CopyOf(Box::new(first))).iter().flat_map(|copy| {
            let Summary::CopyOf(first) = copy else { unreachable!() };
            [copy.clone(), (**first).clone()]
        }) {
            assert_eq!(read(&serde_json::to_string(&summary).unwrap()), summary);
            let bytes = postcard::to_allocvec(&summary).unwrap();
            assert_eq!(postcard::from_bytes::<Summary>(&bytes).unwrap(), summary);
        }
    }

    #[test]
    fn a_summary_is_small_whatever_a_tape_holds() {
        assert!(size_of::<Summary>() <= 24, "{}", size_of::<Summary>());
        let long = Summary::CopyOf(Box::new(Summary::AsWritten("ü".repeat(1000).into())));
        assert_eq!(long.shortened(241).text(), 240 + size_of::<Summary>());
    }
}
