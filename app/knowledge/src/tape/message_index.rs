//! The course of a whole run for the timeline: each message in a few words, each request, and how the verdict stood when.
//!
//! A fold like the picture, but of everything at once: the picture of a past moment is made anew, this is only looked up.
//! It is as long as the tape, and no longer.

use std::collections::VecDeque;

use protocol::ids::{MessageId, NodeId, OrderNumber, RequestId};
use protocol::message::{Answer, Ask, Step, Summary};
use protocol::order_book::Outcome;
use protocol::trace::{LauncherEvent, NodeEvent, Stay, TraceEvent, TraceRecord};
use rustc_hash::FxHashMap;

use crate::message_tracker::MessageTracker;
use crate::verdict::evidence::{Evidence, Judged};

/// Of a message's name or words, in bytes.
const LONGEST_TEXT: usize = 240;
/// What is kept of a message beside its entry here, of a request, and in a list, in bytes: a name, its place in a table.
const BESIDE: usize = 64;
/// Messages are looked up in groups of this size.
const GROUP: usize = 256;
/// Deliveries heard of before their sending.
const MOST_EARLY: usize = 512;
/// Requests that are known one by one; messages of later ones belong to none.
const MOST_REQUESTS: usize = 300_000;

/// A message's way from lane to lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageTrack {
    pub id: MessageId,
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
    pub request: Option<u32>,
    pub summary: Summary,
    /// The number of the entry that told of its sending.
    pub entry: usize,
    /// The number of the entry that told of its end, if one did.
    pub end_entry: Option<usize>,
}

impl MessageTrack {
    /// Whether its way had not ended by the end of the tape.
    pub fn is_open(&self) -> bool {
        self.end == u64::MAX
    }

    fn ends(&mut self, (at, how, entry): End) {
        (self.end, self.how, self.end_entry) = (at.max(self.sent), how, entry);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    OnItsWay,
    Delivered,
    /// It arrived, and the receiver did not do what it says.
    Refused,
    Lost,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestTrack {
    pub id: RequestId,
    pub node: NodeId,
    /// When it was asked, and when answered.
    pub span: (u64, Option<u64>),
    /// The number of the order it placed.
    pub number: Option<OrderNumber>,
    /// Whether it reads a history.
    pub reads: bool,
    /// The number of the entry that reported it.
    pub entry: usize,
}

/// A message that enters its link.
fn beginning(id: MessageId, to: NodeId, sent: u64, entry: usize) -> MessageTrack {
    let (how, end_entry) = (Arrival::OnItsWay, None);
    MessageTrack {
        id,
        to,
        sent,
        end: u64::MAX,
        how,
        step: 0,
        request: None,
        summary: Summary::Heartbeat,
        entry,
        end_entry,
    }
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

#[derive(Debug, Default)]
pub struct MessageIndex {
    tracks: VecDeque<MessageTrack>,
    spans: VecDeque<Span>,
    /// Messages that were let go, a multiple of [`GROUP`].
    gone: usize,
    /// Messages on their way: where they stand, and when they leave their links.
    open: MessageTracker<(MessageId, NodeId), (usize, u64), End, { usize::MAX }, MOST_EARLY>,
    requests: Vec<RequestTrack>,
    by_request: FxHashMap<RequestId, u32>,
    evidence: Evidence,
    /// How the verdict stood from which entry on.
    verdicts: VecDeque<(usize, Judged)>,
}

impl MessageIndex {
    /// Messages, in the order in which they were heard of.
    pub fn tracks(&self) -> impl DoubleEndedIterator<Item = &MessageTrack> + ExactSizeIterator {
        self.tracks.iter()
    }

    /// Messages that were on their way at some time between two moments.
    pub fn between(&self, from: u64, to: u64) -> impl Iterator<Item = &MessageTrack> {
        let groups = self
            .spans
            .iter()
            .enumerate()
            .filter(move |(_, span)| span.first <= to && (span.open > 0 || span.last >= from));
        let messages = groups.flat_map(|(at, _)| {
            let end = ((at + 1) * GROUP).min(self.tracks.len());
            self.tracks.range(at * GROUP..end)
        });
        messages.filter(move |track| track.sent <= to && track.end >= from)
    }

    /// About how much memory it takes, in bytes.
    pub fn bytes(&self) -> usize {
        self.tracks.len() * (size_of::<MessageTrack>() + BESIDE)
            + self.open.open().len() * BESIDE
            + self.requests.len() * (size_of::<RequestTrack>() + BESIDE)
            + self.verdicts.len() * size_of::<(usize, Judged)>()
    }

    pub fn find(&self, id: MessageId, to: NodeId) -> Option<&MessageTrack> {
        self.tracks.iter().rev().find(|track| track.id == id && track.to == to)
    }

    /// The last message of a step between two, either way, that was sent before the entry of this number.
    #[must_use]
    pub fn last_of_step(&self, step: Step, (one, other): (NodeId, NodeId), before: usize) -> Option<&MessageTrack> {
        let between = |track: &MessageTrack| {
            (track.id.from, track.to) == (one, other) || (track.id.from, track.to) == (other, one)
        };
        self.tracks.iter().rev().find(|track| track.step == step.0 && track.entry < before && between(track))
    }

    /// All requests, in the order in which they were asked.
    pub fn requests(&self) -> &[RequestTrack] {
        &self.requests
    }

    /// A request's place among them.
    pub fn request(&self, request: RequestId) -> Option<u32> {
        self.by_request.get(&request).copied()
    }

    /// What people call a request.
    pub fn name(&self, request: RequestId) -> String {
        self.evidence.name(request)
    }

    /// How the verdict stood before the entry of this number.
    pub fn judged_at(&self, end: usize) -> Judged {
        let after = self.verdicts.partition_point(|(entry, _)| *entry < end);
        after.checked_sub(1).and_then(|at| self.verdicts.get(at)).map(|(_, judged)| judged.clone()).unwrap_or_default()
    }

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
            TraceEvent::Launcher(LauncherEvent::Ended { .. }) => self.process_ended(node, at),
            TraceEvent::Node(NodeEvent::Sent { message, to, facts }) => {
                let until = if facts.held { u64::MAX } else { at.saturating_add(facts.delay) };
                let step = facts.step.map_or(0, |step| step.0);
                let request = facts.request.and_then(|request| self.request(request));
                let summary = facts.summary.shortened(LONGEST_TEXT);
                self.sent(MessageTrack { step, request, summary, ..beginning(*message, *to, at, entry) }, until);
            }
            TraceEvent::Node(NodeEvent::Stays { message, to, stay }) => {
                if let Some((_, until)) = self.open.get_mut((*message, *to)) {
                    *until = match stay {
                        Stay::Held => u64::MAX,
                        Stay::Until(until) => *until,
                    };
                }
            }
            TraceEvent::Node(NodeEvent::Delivered { message, refused }) => {
                let how = if refused.is_some() { Arrival::Refused } else { Arrival::Delivered };
                if let Some(((place, _), end)) = self.open.delivered((*message, node), (at, how, Some(entry))) {
                    self.ended(place, end);
                }
            }
            TraceEvent::Node(NodeEvent::Lost { message, to, .. }) => {
                self.lost((*message, *to), at, Some(entry));
            }
            TraceEvent::Node(NodeEvent::Asked { request, ask, .. }) => self.asked(entry, *request, node, ask, at),
            TraceEvent::Node(NodeEvent::Answered { request, answer, .. }) => self.answered(*request, answer, at),
            TraceEvent::Launcher(_) | TraceEvent::Node(_) | TraceEvent::Machine(_) => {}
        }
    }

    fn sent(&mut self, mut track: MessageTrack, until: u64) {
        let place = self.gone + self.tracks.len();
        if let Some((_, end)) = self.open.sent((track.id, track.to), (place, until)) {
            track.ends(end);
        }
        self.push(track);
    }

    fn push(&mut self, track: MessageTrack) {
        if self.tracks.len().is_multiple_of(GROUP) {
            self.spans.push_back(Span { first: u64::MAX, last: 0, open: 0 });
        }
        if let Some(span) = self.spans.back_mut() {
            span.first = span.first.min(track.sent);
            match track.is_open() {
                true => span.open += 1,
                false => span.last = span.last.max(track.end),
            }
        }
        self.tracks.push_back(track);
    }

    fn lost(&mut self, key: (MessageId, NodeId), at: u64, entry: Option<usize>) {
        if let Some((place, _)) = self.open.take(key) {
            self.ended(place, (at, Arrival::Lost, entry));
        }
    }

    fn ended(&mut self, place: usize, end: End) {
        let Some(place) = place.checked_sub(self.gone) else { return };
        if let (Some(track), Some(span)) = (self.tracks.get_mut(place), self.spans.get_mut(place / GROUP)) {
            track.ends(end);
            span.open -= 1;
            span.last = span.last.max(track.end);
        }
    }

    /// What is on its way to a process that has ended is lost, and so is what was still in its links.
    fn process_ended(&mut self, node: NodeId, at: u64) {
        let is_lost = |((id, to), (_, until)): &((MessageId, NodeId), &(usize, u64))| {
            *to == node || (id.from == node && at < *until)
        };
        for key in self.open.open().filter(is_lost).map(|(key, _)| key).collect::<Vec<_>>() {
            self.lost(key, at, None);
        }
    }

    fn asked(&mut self, entry: usize, request: RequestId, node: NodeId, ask: &Ask, at: u64) {
        let place = self.requests.len() as u32;
        if self.requests.len() >= MOST_REQUESTS {
            return;
        }
        let reads = matches!(ask, Ask::History { .. });
        self.requests.push(RequestTrack { id: request, node, span: (at, None), number: None, reads, entry });
        self.by_request.insert(request, place);
    }

    fn answered(&mut self, request: RequestId, answer: &Answer, at: u64) {
        let Some(request) = self.by_request.get(&request).and_then(|at| self.requests.get_mut(*at as usize)) else {
            return;
        };
        request.span.1 = Some(at);
        if let Answer::Outcome(Outcome::Placed { number }) = answer {
            request.number = Some(*number);
        }
    }

    /// Lets go of what entries before this one told, as far as whole groups go.
    pub fn forget(&mut self, first: usize) {
        while self.tracks.len() > GROUP && self.tracks.get(GROUP - 1).is_some_and(|last| last.entry < first) {
            self.tracks.drain(..GROUP);
            self.spans.pop_front();
            self.gone += GROUP;
        }
        // The last of those that go says how the verdict stood at the beginning of what stays.
        let keep = self.verdicts.partition_point(|(entry, _)| *entry < first).saturating_sub(1);
        self.verdicts.drain(..keep);
    }
}
