//! What a message holds, in words for people: field by field, as it is declared. Nothing here is ever parsed back.

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::{Answer, Ask, Message, WaitReason, shown};
use crate::ids::{NodeId, Position, Role, View};

/// Members of a list that are named; of more only the number is told.
const MOST_NAMED: usize = 6;

/// What a field of a message holds. Nodes are told by their ids, as only the observer knows their names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum FieldValue {
    /// Anything but nodes, as people read it.
    Words(String),
    /// Nodes; of a long list only the first.
    Nodes {
        /// The first of them.
        first: Vec<NodeId>,
        /// How many follow.
        more: u64,
    },
}

impl<'de> Deserialize<'de> for FieldValue {
    /// Tapes of the first format have words only, without saying so. Formats without names always say which it is.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        enum Tagged {
            Words(String),
            Nodes { first: Vec<NodeId>, more: u64 },
        }
        impl From<Tagged> for FieldValue {
            fn from(value: Tagged) -> Self {
                match value {
                    Tagged::Words(words) => FieldValue::Words(words),
                    Tagged::Nodes { first, more } => FieldValue::Nodes { first, more },
                }
            }
        }
        struct OnTapes;
        impl<'de> Visitor<'de> for OnTapes {
            type Value = FieldValue;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("words or nodes")
            }

            fn visit_str<E: de::Error>(self, words: &str) -> Result<FieldValue, E> {
                Ok(FieldValue::Words(words.to_owned()))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<FieldValue, A::Error> {
                Tagged::deserialize(de::value::MapAccessDeserializer::new(map)).map(FieldValue::from)
            }
        }
        match deserializer.is_human_readable() {
            true => deserializer.deserialize_any(OnTapes),
            false => Tagged::deserialize(deserializer).map(FieldValue::from),
        }
    }
}

impl<T: ToString> From<T> for FieldValue {
    fn from(value: T) -> Self {
        FieldValue::Words(value.to_string())
    }
}

type Field = (String, FieldValue);
type Fields = Vec<Field>;

fn field(name: &str, value: impl ToString) -> Field {
    (name.to_owned(), value.into())
}

fn position(name: &str, position: Option<Position>) -> Field {
    field(name, position.map_or("none yet".into(), |position| position.to_string()))
}

fn nodes(name: &str, ids: &[NodeId]) -> Field {
    let first = ids.iter().take(MOST_NAMED).copied().collect();
    let more = ids.len().saturating_sub(MOST_NAMED) as u64;
    (name.to_owned(), FieldValue::Nodes { first, more })
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
            [vec![field("newest token", token)], view(recorded), vec![field("answers a claim", yes(*claimed))]].concat()
        }
        Message::ViewIs { view: recorded, joiners, .. } => [view(recorded), vec![nodes("joiners", joiners)]].concat(),
        Message::Status(status) => vec![
            field("view", status.view),
            field("acting", yes(status.acting)),
            position("position", status.position),
            field("commit", status.commit),
            nodes("ack set", &status.ack_set),
            nodes("silent", &status.silent),
            field("its loop late by", format!("{} ms", status.late.0 / 1000)),
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
            field("part", format!("{} of {}", part.part.saturating_add(1), part.parts)),
            field("bytes", part.bytes.len()),
        ],
        Message::Ack { view, position: at, barrier, part } => {
            let part =
                part.iter().map(|(op, part)| field("part", format!("{} of the state at {op}", part.saturating_add(1))));
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
            let why = match why {
                WaitReason::Asked => "the postcode services have been asked",
                WaitReason::NobodyAnswers => "no postcode service answered",
            };
            vec![field("request", id), field("why", why), field("waited", format!("{} ms", waited.0 / 1000))]
        }
    }
}

fn answered(answer: &Answer) -> Field {
    match answer {
        Answer::Outcome(outcome) => field("outcome", outcome.label()),
        Answer::History(page) => field("history", format!("{} orders to {}", page.total, page.postcode)),
        Answer::Expired => field("outcome", "expired: unknown"),
    }
}

fn asked(ask: &Ask) -> Fields {
    match ask {
        Ask::Order { postcode, items } => {
            let items: Vec<_> = items.iter().take(MOST_NAMED).map(|item| shown(item)).collect();
            vec![field("order to", postcode), field("items", items.join(", "))]
        }
        Ask::History { postcode, page } => vec![field("history of", postcode), field("page", page)],
        Ask::Withdraw => vec![field("withdraws", "the previous request")],
    }
}

fn yes(is: bool) -> &'static str {
    if is { "yes" } else { "no" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_old_tapes_are_words_and_new_ones_come_back_as_they_were() {
        assert_eq!(serde_json::from_str::<FieldValue>("\"replica-1\"").unwrap(), "replica-1".into());
        for value in [FieldValue::from("update 7"), FieldValue::Nodes { first: vec![NodeId(u64::MAX)], more: 2 }] {
            let text = serde_json::to_string(&value).unwrap();
            assert_eq!(serde_json::from_str::<FieldValue>(&text).unwrap(), value, "{text}");
            let bytes = postcard::to_allocvec(&value).unwrap();
            assert_eq!(postcard::from_bytes::<FieldValue>(&bytes).unwrap(), value);
        }
    }
}
