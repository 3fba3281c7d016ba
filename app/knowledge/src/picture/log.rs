//! What is worth a line for people, newest last: facts, which are worded where they are shown.

use std::collections::VecDeque;
use std::sync::Arc;

use protocol::ids::{MessageId, NodeId, Role};
use protocol::machine::Timer;
use protocol::message::{Answer, Ask};
use protocol::order_book::{HistoryPage, Outcome, Rejection};
use protocol::postcode::Verdict;
use protocol::trace::{Actor, Denial, Loss, MessageFacts, NoFreshStart, TraceEvent, TraceRecord};

use super::{Nodes, shortened};

/// Lines that are kept.
const MOST_LINES: usize = 5000;
/// Of all lines together, in bytes: a hundred for each.
const MOST_TEXT: usize = 512 * 1024;

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub struct LogLine {
    /// Cluster time in microseconds.
    pub at: u64,
    /// Whose line it is.
    pub node: Option<Arc<str>>,
    /// What happened. Long texts are cut, and what a line never shows is left out: a message's fields, a history's orders.
    pub event: TraceEvent,
    /// The other node or customer that it speaks of, as people called it then.
    pub other: Option<Arc<str>>,
    /// The message it speaks of, and to whom that goes.
    pub message: Option<(MessageId, NodeId)>,
    /// Bytes of its texts.
    text: usize,
}

impl LogLine {
    /// The line that a fact leaves, if any; `nodes` know the names.
    pub(super) fn of(record: &TraceRecord, nodes: &Nodes) -> Option<Self> {
        let event = kept(&record.event)?;
        let node = match &event {
            TraceEvent::Started(started) => Some(started.name.as_str().into()),
            TraceEvent::CustomerIs { name, .. } => Some(name.as_str().into()),
            _ => nodes.shared_name_of(record.node),
        };
        let other = spoken_of(&event).map(|id| nodes.shared_name_of(id).unwrap_or_else(|| id.to_string().into()));
        let message = match &event {
            TraceEvent::Sent { message, to, .. } | TraceEvent::Lost { message, to, .. } => Some((*message, *to)),
            _ => None,
        };
        Some(Self { at: record.at, node, text: text_of(&event), event, other, message })
    }
}

/// All lines; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Log {
    lines: VecDeque<Arc<LogLine>>,
    /// Bytes of their texts.
    text: usize,
    /// Lines and bytes of text since the run began, those that are gone as well.
    ever: (usize, usize),
}

impl Log {
    /// Oldest first.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = &LogLine> + ExactSizeIterator {
        self.lines.iter().map(|line| &**line)
    }

    /// About how much memory they take beside an earlier copy, which shares its lines, in bytes.
    pub(super) fn weight_beside(&self, earlier: Option<&Self>) -> usize {
        let known = earlier.map_or((0, 0), |earlier| earlier.ever);
        let lines = self.lines.len().min(self.ever.0.saturating_sub(known.0));
        let text = self.text.min(self.ever.1.saturating_sub(known.1));
        self.lines.len() * size_of::<Arc<LogLine>>() + lines * size_of::<LogLine>() + text
    }

    pub(super) fn push(&mut self, line: Arc<LogLine>) {
        self.text += line.text;
        self.ever = (self.ever.0 + 1, self.ever.1 + line.text);
        self.lines.push_back(line);
        while self.lines.len() > MOST_LINES || self.text > MOST_TEXT {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.text -= oldest.text;
        }
    }
}

/// The other node or customer that a fact speaks of.
fn spoken_of(event: &TraceEvent) -> Option<NodeId> {
    match event {
        TraceEvent::Sent { to, .. } | TraceEvent::Lost { to, .. } => Some(*to),
        TraceEvent::Refused { from, .. } | TraceEvent::PostcodeAnswered { from, .. } => Some(*from),
        TraceEvent::CommandRefused {
            why: Denial::NotHere { node } | Denial::FreshStart(NoFreshStart::MayLive { member: node, .. }),
        } => Some(*node),
        TraceEvent::TookIn { replica } | TraceEvent::Suspects { replica, .. } => Some(*replica),
        TraceEvent::Rang { timer: Timer::Silence(node) } => Some(*node),
        _ => None,
    }
}

/// What of a fact is kept for its line; none: it leaves no line.
fn kept(event: &TraceEvent) -> Option<TraceEvent> {
    Some(match event {
        TraceEvent::Started(started) if started.actor == Actor::Role(Role::Customer) => return None,
        TraceEvent::Ended { how, words } => TraceEvent::Ended { how: *how, words: shortened(words) },
        TraceEvent::Sent { message, to, facts } => {
            let MessageFacts { step, request, delay, held, .. } = *facts;
            let facts = MessageFacts { step, label: shortened(&facts.label), request, fields: Vec::new(), delay, held };
            TraceEvent::Sent { message: *message, to: *to, facts }
        }
        TraceEvent::Lost { message, to, why } => TraceEvent::Lost { message: *message, to: *to, why: of_loss(why) },
        TraceEvent::PostcodeAnswered { message, from, verdict, took } => {
            let verdict = match verdict {
                Verdict::Valid { place, by } => Verdict::Valid { place: place.as_deref().map(shortened), by: *by },
                Verdict::Invalid { why, by } => Verdict::Invalid { why: shortened(why), by: *by },
                Verdict::NobodyAnswers => Verdict::NobodyAnswers,
            };
            TraceEvent::PostcodeAnswered { message: *message, from: *from, verdict, took: *took }
        }
        TraceEvent::Answered { request, answer, took } => {
            let answer = match answer {
                Answer::Outcome(Outcome::Rejected { why: Rejection::Postcode { why, by } }) => {
                    let why = Rejection::Postcode { why: shortened(why), by: *by };
                    Answer::Outcome(Outcome::Rejected { why })
                }
                Answer::History(page) => {
                    let HistoryPage { postcode, page, total, .. } = *page;
                    Answer::History(HistoryPage { postcode, page, total, orders: Vec::new() })
                }
                Answer::Outcome(_) | Answer::Expired => answer.clone(),
            };
            TraceEvent::Answered { request: *request, answer, took: *took }
        }
        TraceEvent::LinkIs { from, to, rule } => {
            TraceEvent::LinkIs { from: shortened(from), to: shortened(to), rule: *rule }
        }
        TraceEvent::CommandRefused { why } => TraceEvent::CommandRefused { why: of_denial(why) },
        TraceEvent::Log { text } => TraceEvent::Log { text: shortened(text) },
        TraceEvent::Started(_)
        | TraceEvent::Refused { .. }
        | TraceEvent::Became { .. }
        | TraceEvent::Committed { .. }
        | TraceEvent::TookIn { .. }
        | TraceEvent::Suspects { .. }
        | TraceEvent::Rang { .. }
        | TraceEvent::Froze { .. }
        | TraceEvent::Woke
        | TraceEvent::BombIs { .. }
        | TraceEvent::Exploded { .. }
        | TraceEvent::Asked { .. }
        | TraceEvent::CustomerIs { .. }
        | TraceEvent::HopIs { .. }
        | TraceEvent::ClockIs { .. }
        | TraceEvent::PlantIs { .. }
        | TraceEvent::HeartbeatsAre { .. } => event.clone(),
        // Its sending has a line.
        TraceEvent::PostcodeAsked { .. }
        | TraceEvent::Delivered { .. }
        | TraceEvent::Stays { .. }
        | TraceEvent::Timers { .. }
        | TraceEvent::State(_)
        | TraceEvent::Crowd(_)
        | TraceEvent::Flow { .. }
        | TraceEvent::Orders { .. } => return None,
    })
}

fn of_loss(why: &Loss) -> Loss {
    match why {
        Loss::NoConnection { said } => Loss::NoConnection { said: shortened(said) },
        known => known.clone(),
    }
}

/// A reason without more of its words than are shown.
pub(super) fn of_denial(why: &Denial) -> Denial {
    match why {
        Denial::Words(words) => Denial::Words(shortened(words)),
        known => known.clone(),
    }
}

/// Bytes of what a kept fact holds beside itself.
fn text_of(event: &TraceEvent) -> usize {
    match event {
        TraceEvent::Started(started) => started.name.len(),
        TraceEvent::Ended { words: text, .. }
        | TraceEvent::Lost { why: Loss::NoConnection { said: text }, .. }
        | TraceEvent::CustomerIs { name: text, .. }
        | TraceEvent::CommandRefused { why: Denial::Words(text) }
        | TraceEvent::Log { text } => text.len(),
        TraceEvent::Sent { facts, .. } => facts.label.len(),
        TraceEvent::Became { view, .. } => size_of_val(view.members.as_slice()),
        TraceEvent::PostcodeAnswered { verdict: Verdict::Valid { place: Some(text), .. }, .. }
        | TraceEvent::PostcodeAnswered { verdict: Verdict::Invalid { why: text, .. }, .. }
        | TraceEvent::Answered {
            answer: Answer::Outcome(Outcome::Rejected { why: Rejection::Postcode { why: text, .. } }),
            ..
        } => text.len(),
        TraceEvent::Asked { ask: Ask::Order { items, .. }, .. } => items.iter().map(|item| item.len() + 24).sum(),
        TraceEvent::LinkIs { from, to, .. } => from.len() + to.len(),
        _ => 0,
    }
}
