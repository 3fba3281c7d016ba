//! Looking for something on a tape: "order 7", "view change", "replica-2", "\[5\]", or words of a message.
//!
//! A query is all of its words; each narrows what is found. What is found is only pointed at.

use protocol::text::without_invisible;

use super::{label, line_of_log};
use knowledge::picture::{Mark, MarkKind, Picture};
use knowledge::tape::{MessageIndex, MessageTrack, RequestTrack};

/// Hits that are told.
const MOST_HITS: usize = 500;

/// What a person looks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    words: Vec<Word>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Word {
    /// The order with this number, or a customer's request with it.
    Order(u64),
    /// Messages with this number in the workflow.
    Step(u8),
    ViewChange,
    /// Somebody or something failed.
    Fault,
    /// What people read, in small letters.
    Text(String),
}

/// Where something was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit<'a> {
    pub at: u64,
    pub what: Found<'a>,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Found<'a> {
    Message(&'a MessageTrack),
    Request(&'a RequestTrack),
    /// A fault, a view change.
    Mark(&'a Mark),
}

impl Query {
    /// Takes apart what was typed.
    pub fn parse(text: &str) -> Self {
        let text = without_invisible(text).to_lowercase();
        let mut words = Vec::new();
        let mut rest = text.split_whitespace().peekable();
        while let Some(word) = rest.next() {
            let number = rest.peek().and_then(|next| next.trim_start_matches('#').parse::<u64>().ok());
            words.push(match (word, number) {
                ("order" | "request", Some(number)) => Word::Order(number),
                ("step", Some(number)) => Word::Step(u8::try_from(number).unwrap_or(u8::MAX)),
                ("view", None) if rest.peek().is_some_and(|next| next.starts_with("change")) => Word::ViewChange,
                ("fault" | "faults" | "crash", _) => Word::Fault,
                _ => {
                    words.push(Self::single(word));
                    continue;
                }
            });
            if !matches!(words.last(), Some(Word::Fault)) {
                rest.next();
            }
        }
        Self { words }
    }

    fn single(word: &str) -> Word {
        if let Some(number) = word.strip_prefix('#').and_then(|number| number.parse().ok()) {
            return Word::Order(number);
        }
        let step = word.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).and_then(|step| step.parse().ok());
        step.map_or_else(|| Word::Text(word.to_owned()), Word::Step)
    }

    /// Whether nothing is looked for.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Whether a message is meant; `picture` knows names.
    pub fn means(&self, track: &MessageTrack, message_index: &MessageIndex, picture: &Picture) -> bool {
        self.words.iter().all(|word| match word {
            Word::Order(number) => {
                let request = track.request.and_then(|request| message_index.requests().get(request as usize));
                request.is_some_and(|request| is_order(request, *number))
            }
            Word::Step(step) => track.step == *step,
            Word::ViewChange | Word::Fault => false,
            Word::Text(text) => {
                let name = |id| picture.nodes.name_of(id).is_some_and(|name| contains(name, text));
                contains(&label(&track.summary), text) || name(track.id.from) || name(track.to)
            }
        })
    }

    fn means_request(&self, request: &RequestTrack, message_index: &MessageIndex) -> bool {
        self.words.iter().all(|word| match word {
            Word::Order(number) => is_order(request, *number),
            Word::Text(text) => contains(&message_index.name(request.id), text),
            Word::Step(_) | Word::ViewChange | Word::Fault => false,
        })
    }

    /// Whether a mark is meant.
    pub fn means_mark(&self, mark: &Mark) -> bool {
        self.words.iter().all(|word| match word {
            Word::ViewChange => matches!(mark.kind, MarkKind::View(_)),
            Word::Fault => mark.kind.is_fault(),
            Word::Text(text) => {
                contains(&line_of_log(&mark.line).1, text)
                    || mark.name.as_deref().is_some_and(|name| contains(name, text))
            }
            Word::Order(_) | Word::Step(_) => false,
        })
    }

    /// Everything that is meant, oldest first.
    pub fn hits<'a>(&self, message_index: &'a MessageIndex, picture: &'a Picture) -> Vec<Hit<'a>> {
        if self.is_empty() {
            return Vec::new();
        }
        let requests = message_index.requests().iter().filter(|request| self.means_request(request, message_index));
        let requests = requests.map(|request| Hit { at: request.span.0, what: Found::Request(request) });
        let messages = message_index.tracks().filter(|track| self.means(track, message_index, picture));
        let messages = messages.map(|track| Hit { at: track.sent, what: Found::Message(track) });
        let marks = picture.marks.iter().filter(|mark| self.means_mark(mark));
        let marks = marks.map(|mark| Hit { at: mark.at, what: Found::Mark(mark) });
        let mut hits: Vec<_> = marks.chain(requests.take(MOST_HITS)).chain(messages.take(MOST_HITS)).collect();
        hits.sort_by_key(|hit| hit.at);
        hits.truncate(MOST_HITS);
        hits
    }
}

/// Orders have numbers once they are placed; before, and for reads, only their customers count them.
fn is_order(request: &RequestTrack, number: u64) -> bool {
    match request.number {
        Some(order) => order.0 == number,
        None => request.id.number.0 == number,
    }
}

/// `text` is in small letters.
fn contains(words: &str, text: &str) -> bool {
    words.to_lowercase().contains(text)
}
