//! What a message holds, for people: field by field, as it is declared. Nothing here is ever read back.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::on_tapes::{self, OnTapes};
use super::{Answer, Ask, Copied, Message, Summary, WaitReason, shown};
use crate::ids::{NodeId, OpNumber, Position, Role, View};
use crate::postcode::Postcode;

/// Members of a list that are named; of more only the number is told.
const MOST_NAMED: usize = 6;

/// What a field of a message holds. Nodes are told by their ids, as only the observer knows their names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub enum FieldValue {
    /// A number, a name, a list of names, a length of time.
    Words(String),
    /// There is none yet.
    NoneYet,
    /// Whether it is so.
    Is(bool),
    /// The number of a snapshot's part, from 1, and how many parts there are.
    Part(u32, u32),
    /// The number of a part, from 1, of the state at this operation.
    PartOf(u32, OpNumber),
    /// What became of an order.
    Told(Summary),
    /// How many orders, and to which postcode.
    Orders(u64, Postcode),
    /// Why an order is not executed yet.
    Waits(WaitReason),
    /// The request before this one.
    PreviousRequest,
    /// Nodes; of a long list only the first.
    Nodes {
        /// The first of them.
        first: Vec<NodeId>,
        /// How many follow.
        more: u64,
    },
}

impl Serialize for FieldValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        FieldValue::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for FieldValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        on_tapes::read(deserializer)
    }
}

impl<'de> OnTapes<'de> for FieldValue {
    fn tagged<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        FieldValue::deserialize(deserializer)
    }

    fn as_written(words: &str) -> Self {
        FieldValue::Words(words.to_owned())
    }
}

impl<T: ToString> From<T> for FieldValue {
    fn from(value: T) -> Self {
        FieldValue::Words(value.to_string())
    }
}

type Field = (Cow<'static, str>, FieldValue);
type Fields = Vec<Field>;

fn field(name: &'static str, value: impl Into<FieldValue>) -> Field {
    (name.into(), value.into())
}

fn position(name: &'static str, position: Option<Position>) -> Field {
    (name.into(), position.map_or(FieldValue::NoneYet, FieldValue::from))
}

fn nodes(name: &'static str, ids: &[NodeId]) -> Field {
    let first = ids.iter().take(MOST_NAMED).copied().collect();
    let more = ids.len().saturating_sub(MOST_NAMED) as u64;
    (name.into(), FieldValue::Nodes { first, more })
}

fn view(view: &View) -> Fields {
    vec![field("view", view.number), nodes("primary", &[view.primary]), nodes("members", &view.members)]
}

/// All fields of a message.
pub(super) fn of(message: &Message) -> Fields {
    match message {
        Message::Register { name, role, token, commit } => {
            let token = token.iter().map(|token| field("token", token));
            let commit = (*role == Role::Replica).then(|| field("commit", commit));
            [field("name", shown(name)), field("role", role)].into_iter().chain(token).chain(commit).collect()
        }
        Message::Lookup { role } => vec![field("role", role)],
        Message::Found { role, who, commit } => {
            let names: Vec<_> = who.iter().take(MOST_NAMED).map(|(name, _)| shown(name)).collect();
            let names = field("who", names.join(", "));
            vec![field("role", role), field("found", who.len()), names, field("commit", commit)]
        }
        Message::ClaimFrontEnd | Message::ReadRecord => Fields::new(),
        Message::RecordView { token, expected, view: next } => {
            [vec![field("token", token), field("expected view", expected)], view(next)].concat()
        }
        Message::Record { token, view: recorded, claimed } => {
            [vec![field("newest token", token)], view(recorded), vec![is("claimed", *claimed)]].concat()
        }
        Message::ViewIs { view: recorded, joiners, .. } => [view(recorded), vec![nodes("joiners", joiners)]].concat(),
        Message::Status(status) => vec![
            field("view", status.view),
            is("acting", status.acting),
            position("position", status.position),
            field("commit", status.commit),
            nodes("ack set", &status.ack_set),
            nodes("silent", &status.silent),
            field("late", format!("{} ms", status.late.0 / 1000)),
        ],
        Message::Request { id, since, ask } => {
            [vec![field("request", id)], asked(ask), vec![field("since", since)]].concat()
        }
        Message::StateUpdate(update) => vec![
            field("view", update.view.number),
            field("from", update.from),
            field("entries", update.entries.len()),
            field("barrier", update.barrier.0),
            field("commit", update.commit),
        ],
        Message::Snapshot(part) => vec![
            field("view", part.view.number),
            position("instead of", part.instead_of),
            field("at", part.at),
            ("part".into(), FieldValue::Part(part.number().0, part.number().1)),
            field("orders", part.piece.ends.len()),
            field("sessions", part.piece.sessions.len()),
            field("bytes", part.piece.bytes()),
        ],
        Message::Ack { view, position: at, barrier, copy } => {
            let part = copy.as_ref().and_then(|copy| match copy {
                Copied::Reached { at, .. } => Some(("part".into(), FieldValue::PartOf(copy.part().unwrap_or(1), *at))),
                Copied::Before { .. } => None,
            });
            let fields = [field("view", view), position("position", *at), field("barrier", barrier.0)];
            fields.into_iter().chain(part).collect()
        }
        Message::Reply { id, answer, view, commit } => {
            vec![field("request", id), answered(answer), field("view", view), field("commit", commit)]
        }
        Message::Refused { view } => vec![field("view", view)],
        Message::NotPrimary { id, view } => vec![field("request", id), field("view", view)],
        Message::Busy { id } | Message::LookUpAgain { id } => vec![field("request", id)],
        Message::Waiting { id, why, waited } => {
            let why = ("why".into(), FieldValue::Waits(*why));
            vec![field("request", id), why, field("waited", format!("{} ms", waited.0 / 1000))]
        }
    }
}

fn answered(answer: &Answer) -> Field {
    match answer {
        Answer::Outcome(outcome) => ("outcome".into(), FieldValue::Told(outcome.into())),
        Answer::History(page) => ("history".into(), FieldValue::Orders(page.total, page.postcode)),
        Answer::Expired => ("outcome".into(), FieldValue::Told(Summary::Expired)),
    }
}

fn asked(ask: &Ask) -> Fields {
    match ask {
        Ask::Order { postcode, items } => {
            let items: Vec<_> = items.iter().take(MOST_NAMED).map(|item| shown(item)).collect();
            vec![field("order to", postcode), field("items", items.join(", "))]
        }
        Ask::History { postcode, page } => vec![field("history of", postcode), field("page", page)],
        Ask::Withdraw => vec![("withdraws".into(), FieldValue::PreviousRequest)],
    }
}

fn is(name: &'static str, is: bool) -> Field {
    (name.into(), FieldValue::Is(is))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_old_tapes_are_words_and_new_ones_come_back_as_they_were() {
        assert_eq!(serde_json::from_str::<FieldValue>("\"replica-1\"").unwrap(), "replica-1".into());
        for value in [
            FieldValue::from("update 7"),
            FieldValue::NoneYet,
            FieldValue::Nodes { first: vec![NodeId(u64::MAX)], more: 2 },
        ] {
            let text = serde_json::to_string(&value).unwrap();
            assert_eq!(serde_json::from_str::<FieldValue>(&text).unwrap(), value, "{text}");
            let bytes = postcard::to_allocvec(&value).unwrap();
            assert_eq!(postcard::from_bytes::<FieldValue>(&bytes).unwrap(), value);
        }
    }
}
