//! The course of a whole run for the timeline: each message in a few words, each request, and how the verdict stood when.
//!
//! A fold like the picture, but of everything at once: the picture of a past moment is made anew, this is only looked up.
//! It is as long as the tape, and no longer.

use std::collections::VecDeque;
use std::sync::Arc;

use protocol::ids::{MessageId, NodeId, OrderNumber, RequestId};
use protocol::message::{Answer, Ask};
use protocol::order_book::Outcome;
use protocol::trace::{Stay, TraceEvent, TraceRecord};
use rustc_hash::FxHashMap;

use crate::verdict::evidence::{Evidence, Judged};

/// Of a message's words, in bytes.
const LONGEST_LABEL: usize = 240;
/// What is kept of a message beside its entry here, of a request, and in a list, in bytes: its words, its place in a table.
const BESIDE: usize = 64;
/// Messages are looked up by so many.
const GROUP: usize = 256;
/// Deliveries heard of before their sending.
const MOST_EARLY: usize = 512;
/// Requests that are known one by one; messages of later ones belong to none.
const MOST_ERRANDS: usize = 300_000;

/// A message's way from lane to lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crossing {
    /// Which.
    pub id: MessageId,
    /// To whom.
    pub to: NodeId,
    /// When it entered its link, in cluster time.
    pub sent: u64,
    /// When its way ended; [`u64::MAX`] while it is on its way.
    pub end: u64,
    /// How its way ended.
    pub how: Arrival,
    /// Its number in the workflow; 0: none.
    pub step: u8,
    /// Which of the requests it belongs to.
    pub errand: Option<u32>,
    /// A few words.
    pub label: Arc<str>,
    /// The number of the entry that told of its sending.
    pub entry: usize,
    /// The number of the entry that told of its end, if one did.
    pub end_entry: Option<usize>,
}

impl Crossing {
    /// Whether its way had not ended by the end of the tape.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.end == u64::MAX
    }

    fn ends(&mut self, (at, how, entry): End) {
        (self.end, self.how, self.end_entry) = (at.max(self.sent), how, entry);
    }
}

/// How a message's way ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It has not.
    OnItsWay,
    /// It was handled.
    Delivered,
    /// It arrived, and the receiver did not do what it says.
    Refused,
    /// It never arrived.
    Lost,
}

/// A request of a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errand {
    /// Which.
    pub request: RequestId,
    /// Of whom, as a sender.
    pub node: NodeId,
    /// When it was asked, and when answered.
    pub span: (u64, Option<u64>),
    /// The number of the order it placed.
    pub number: Option<OrderNumber>,
    /// Whether it reads a history.
    pub reads: bool,
    /// The number of the entry that told of it.
    pub entry: usize,
}

/// A message that enters its link.
fn beginning(id: MessageId, to: NodeId, sent: u64, entry: usize) -> Crossing {
    let (how, end_entry) = (Arrival::OnItsWay, None);
    Crossing { id, to, sent, end: u64::MAX, how, step: 0, errand: None, label: Arc::from(""), entry, end_entry }
}

/// The end of a message's way: when, how, and the entry that told so.
type End = (u64, Arrival, Option<usize>);

/// What a group of messages spans.
#[derive(Clone, Copy, Debug)]
struct Span {
    first: u64,
    last: u64,
    open: usize,
}

/// The course of a run.
#[derive(Debug, Default)]
pub struct Chronicle {
    crossings: VecDeque<Crossing>,
    spans: VecDeque<Span>,
    /// Messages that were let go, a multiple of [`GROUP`].
    gone: usize,
    /// Messages on their way: where they stand, and when they leave their links.
    open: FxHashMap<(MessageId, NodeId), (usize, u64)>,
    early: VecDeque<(MessageId, NodeId, End)>,
    errands: Vec<Errand>,
    by_request: FxHashMap<RequestId, u32>,
    evidence: Evidence,
    /// How the verdict stood from which entry on.
    verdicts: VecDeque<(usize, Judged)>,
}

impl Chronicle {
    /// Messages, in the order in which they were heard of.
    pub fn crossings(&self) -> impl DoubleEndedIterator<Item = &Crossing> + ExactSizeIterator {
        self.crossings.iter()
    }

    /// Messages that were on their way at some time between two moments.
    pub fn between(&self, from: u64, to: u64) -> impl Iterator<Item = &Crossing> {
        let groups = self
            .spans
            .iter()
            .enumerate()
            .filter(move |(_, span)| span.first <= to && (span.open > 0 || span.last >= from));
        let messages = groups.flat_map(|(at, _)| {
            let end = ((at + 1) * GROUP).min(self.crossings.len());
            self.crossings.range(at * GROUP..end)
        });
        messages.filter(move |crossing| crossing.sent <= to && crossing.end >= from)
    }

    /// About how much memory it takes, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.crossings.len() * (size_of::<Crossing>() + BESIDE)
            + self.open.len() * BESIDE
            + self.errands.len() * (size_of::<Errand>() + BESIDE)
            + self.verdicts.len() * size_of::<(usize, Judged)>()
    }

    /// One message.
    #[must_use]
    pub fn find(&self, id: MessageId, to: NodeId) -> Option<&Crossing> {
        self.crossings.iter().rev().find(|crossing| crossing.id == id && crossing.to == to)
    }

    /// All requests, in the order in which they were asked.
    #[must_use]
    pub fn errands(&self) -> &[Errand] {
        &self.errands
    }

    /// A request's place among them.
    #[must_use]
    pub fn errand(&self, request: RequestId) -> Option<u32> {
        self.by_request.get(&request).copied()
    }

    /// What people call a request.
    #[must_use]
    pub fn name(&self, request: RequestId) -> String {
        self.evidence.name(request)
    }

    /// How the verdict stood before the entry of this number.
    #[must_use]
    pub fn judged_at(&self, end: usize) -> Judged {
        let after = self.verdicts.partition_point(|(entry, _)| *entry < end);
        after.checked_sub(1).and_then(|at| self.verdicts.get(at)).map(|(_, judged)| judged.clone()).unwrap_or_default()
    }

    /// How it stands now.
    #[must_use]
    pub fn judged(&self) -> &Judged {
        self.evidence.judged()
    }

    /// Takes in the fact that is this entry.
    pub fn apply(&mut self, entry: usize, record: &TraceRecord) {
        if self.evidence.apply(record) {
            self.verdicts.push_back((entry, self.evidence.judged().clone()));
        }
        let (node, at) = (record.node, record.at);
        match &record.event {
            TraceEvent::Sent { message, to, facts } => {
                let until = if facts.held { u64::MAX } else { at.saturating_add(facts.delay) };
                let step = facts.step.map_or(0, |step| step.0);
                let errand = facts.request.and_then(|request| self.errand(request));
                let label = Arc::from(&facts.label[..facts.label.floor_char_boundary(LONGEST_LABEL)]);
                self.sent(Crossing { step, errand, label, ..beginning(*message, *to, at, entry) }, until);
            }
            TraceEvent::Stays { message, to, stay } => {
                if let Some((_, until)) = self.open.get_mut(&(*message, *to)) {
                    *until = match stay {
                        Stay::Held => u64::MAX,
                        Stay::Until(until) => *until,
                    };
                }
            }
            TraceEvent::Delivered { message, refused } => {
                let how = if refused.is_some() { Arrival::Refused } else { Arrival::Delivered };
                let end = (at, how, Some(entry));
                if !self.ended(*message, node, end) {
                    self.early.push_back((*message, node, end));
                    self.early.drain(..self.early.len().saturating_sub(MOST_EARLY));
                }
            }
            TraceEvent::Lost { message, to, .. } => {
                self.ended(*message, *to, (at, Arrival::Lost, Some(entry)));
            }
            TraceEvent::Ended { .. } => self.process_ended(node, at),
            TraceEvent::Asked { request, ask, .. } => self.asked(entry, *request, node, ask, at),
            TraceEvent::Answered { request, answer, .. } => self.answered(*request, answer, at),
            _ => {}
        }
    }

    fn sent(&mut self, mut crossing: Crossing, until: u64) {
        let key = (crossing.id, crossing.to);
        let early = self.early.iter().position(|early| (early.0, early.1) == key);
        if let Some((_, _, end)) = early.and_then(|at| self.early.remove(at)) {
            crossing.ends(end);
        } else {
            self.open.insert(key, (self.gone + self.crossings.len(), until));
        }
        self.push(crossing);
    }

    fn push(&mut self, crossing: Crossing) {
        if self.crossings.len().is_multiple_of(GROUP) {
            self.spans.push_back(Span { first: u64::MAX, last: 0, open: 0 });
        }
        if let Some(span) = self.spans.back_mut() {
            span.first = span.first.min(crossing.sent);
            match crossing.is_open() {
                true => span.open += 1,
                false => span.last = span.last.max(crossing.end),
            }
        }
        self.crossings.push_back(crossing);
    }

    fn ended(&mut self, id: MessageId, to: NodeId, end: End) -> bool {
        let Some((place, _)) = self.open.remove(&(id, to)) else { return false };
        let Some(place) = place.checked_sub(self.gone) else { return true };
        if let (Some(crossing), Some(span)) = (self.crossings.get_mut(place), self.spans.get_mut(place / GROUP)) {
            crossing.ends(end);
            span.open -= 1;
            span.last = span.last.max(crossing.end);
        }
        true
    }

    /// What is on its way to a process that has ended is lost, and so is what was still in its links.
    fn process_ended(&mut self, node: NodeId, at: u64) {
        let lost = |(key, (_, until)): (&(MessageId, NodeId), &(usize, u64))| {
            (key.1 == node || (key.0.from == node && at < *until)).then_some(*key)
        };
        for (id, to) in self.open.iter().filter_map(lost).collect::<Vec<_>>() {
            self.ended(id, to, (at, Arrival::Lost, None));
        }
    }

    fn asked(&mut self, entry: usize, request: RequestId, node: NodeId, ask: &Ask, at: u64) {
        let place = self.errands.len() as u32;
        if self.errands.len() >= MOST_ERRANDS {
            return;
        }
        let reads = matches!(ask, Ask::History { .. });
        self.errands.push(Errand { request, node, span: (at, None), number: None, reads, entry });
        self.by_request.insert(request, place);
    }

    fn answered(&mut self, request: RequestId, answer: &Answer, at: u64) {
        let Some(errand) = self.by_request.get(&request).and_then(|at| self.errands.get_mut(*at as usize)) else {
            return;
        };
        errand.span.1 = Some(at);
        if let Answer::Outcome(Outcome::Placed { number }) = answer {
            errand.number = Some(*number);
        }
    }

    /// Lets go of what entries before this one told, as far as whole groups go.
    pub fn forget(&mut self, first: usize) {
        while self.crossings.len() > GROUP && self.crossings.get(GROUP - 1).is_some_and(|last| last.entry < first) {
            self.crossings.drain(..GROUP);
            self.spans.pop_front();
            self.gone += GROUP;
        }
        // The last of those that go says how the verdict stood at the beginning of what stays.
        let keep = self.verdicts.partition_point(|(entry, _)| *entry < first).saturating_sub(1);
        self.verdicts.drain(..keep);
    }
}
