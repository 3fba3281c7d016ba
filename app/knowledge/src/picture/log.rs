//! What is worth a line for people, newest last: facts, which are worded where they are shown.

use std::collections::VecDeque;
use std::sync::Arc;

use protocol::ids::{MessageId, NodeId, Role};
use protocol::machine::Timer;
use protocol::message::{Answer, Ask};
use protocol::order_book::{HistoryPage, Outcome, Rejection};
use protocol::postcode::Verdict;
use protocol::trace::{
    Actor, Denial, LauncherEvent, Loss, MachineEvent, MessageFacts, NoFreshStart, NodeEvent, Note, TraceEvent,
    TraceRecord,
};

use super::{LONGEST_TEXT, Nodes, shortened};

const MOST_LINES: usize = 5000;
/// Of all lines together, in bytes: a hundred for each.
const MOST_TEXT: usize = 512 * 1024;

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
        let (event, text) = kept(&record.event)?;
        let node = event.introduced().map(Arc::from).or_else(|| nodes.shared_name_of(record.node));
        let other = spoken_of(&event).map(|id| nodes.shared_name_of(id).unwrap_or_else(|| id.to_string().into()));
        let message =
            if let TraceEvent::Node(NodeEvent::Sent { message, to, .. } | NodeEvent::Lost { message, to, .. }) = &event
            {
                Some((*message, *to))
            } else {
                None
            };
        Some(Self { at: record.at, node, text, event, other, message })
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
    if let Some(Denial::NotHere { node } | Denial::FreshStart(NoFreshStart::MayLive { member: node, .. })) =
        event.denial()
    {
        return Some(*node);
    }
    match event {
        TraceEvent::Node(
            NodeEvent::Sent { to: other, .. }
            | NodeEvent::Lost { to: other, .. }
            | NodeEvent::PostcodeAnswered { from: other, .. }
            | NodeEvent::Rang { timer: Timer::Silence(other) },
        )
        | TraceEvent::Machine(
            MachineEvent::Refused { from: other, .. }
            | MachineEvent::TookIn { replica: other }
            | MachineEvent::Suspects { replica: other, .. },
        ) => Some(*other),
        TraceEvent::Launcher(_) | TraceEvent::Node(_) | TraceEvent::Machine(_) => None,
    }
}

/// Whether a fact leaves no line: it is too small, or another fact beside it has one.
fn leaves_no_line(event: &TraceEvent) -> bool {
    match event {
        TraceEvent::Launcher(LauncherEvent::Started(started)) => started.actor == Actor::Role(Role::Customer),
        TraceEvent::Launcher(LauncherEvent::Crowd(_) | LauncherEvent::Orders { .. })
        | TraceEvent::Node(
            NodeEvent::PostcodeAsked { .. }
            | NodeEvent::Delivered { .. }
            | NodeEvent::Stays { .. }
            | NodeEvent::Timers { .. }
            | NodeEvent::State(_)
            | NodeEvent::Flow { .. },
        ) => true,
        TraceEvent::Launcher(_) | TraceEvent::Node(_) | TraceEvent::Machine(_) => false,
    }
}

/// What of a fact is kept for its line, and how many bytes that holds beside itself; none: it leaves no line.
fn kept(event: &TraceEvent) -> Option<(TraceEvent, usize)> {
    if leaves_no_line(event) {
        return None;
    }
    let mut kept = match event {
        TraceEvent::Node(NodeEvent::Sent { message, to, facts }) => {
            let MessageFacts { step, request, delay, held, .. } = *facts;
            let summary = facts.summary.shortened(LONGEST_TEXT);
            let facts = MessageFacts { step, summary, request, fields: Vec::new(), delay, held };
            NodeEvent::Sent { message: *message, to: *to, facts }.into()
        }
        TraceEvent::Node(NodeEvent::Answered { request, answer: Answer::History(page), took }) => {
            let HistoryPage { postcode, page, total, .. } = *page;
            let answer = Answer::History(HistoryPage { postcode, page, total, orders: Vec::new() });
            NodeEvent::Answered { request: *request, answer, took: *took }.into()
        }
        TraceEvent::Launcher(_) | TraceEvent::Node(_) | TraceEvent::Machine(_) => event.clone(),
    };
    let (texts, beside) = texts_of(&mut kept);
    let mut bytes = beside;
    for text in texts {
        *text = shortened(text);
        bytes += text.len();
    }
    Some((kept, bytes))
}

/// A reason without more of its words than are shown.
pub(super) fn of_denial(why: &Denial) -> Denial {
    match why {
        Denial::Words(words) => Denial::Words(shortened(words)),
        known => known.clone(),
    }
}

/// The texts in a fact that may be long, and the bytes of its lists.
fn texts_of(event: &mut TraceEvent) -> (Vec<&mut String>, usize) {
    let texts = match event {
        TraceEvent::Launcher(event) => texts_of_launcher(event),
        TraceEvent::Node(NodeEvent::Asked { ask: Ask::Order { items, .. }, .. }) => {
            let list = size_of_val(items.as_slice());
            return (items.iter_mut().collect(), list);
        }
        TraceEvent::Node(NodeEvent::Sent { facts, .. }) => return (Vec::new(), facts.summary.text()),
        TraceEvent::Node(event) => texts_of_node(event),
        TraceEvent::Machine(MachineEvent::Became { view, .. }) => {
            return (Vec::new(), size_of_val(view.members.as_slice()));
        }
        TraceEvent::Machine(
            MachineEvent::CommandRefused { why: Denial::Words(text) }
            | MachineEvent::Noted(Note::Removed { name: text } | Note::Undecodable { error: text, .. }),
        ) => {
            vec![text]
        }
        TraceEvent::Machine(_) => Vec::new(),
    };
    (texts, 0)
}

fn texts_of_launcher(event: &mut LauncherEvent) -> Vec<&mut String> {
    match event {
        LauncherEvent::Started(started) => vec![&mut started.name],
        LauncherEvent::Ended { words: text, .. }
        | LauncherEvent::CustomerIs { name: text, .. }
        | LauncherEvent::CommandRefused { why: Denial::Words(text) }
        | LauncherEvent::Log { text } => vec![text],
        LauncherEvent::LinkIs { from, to, .. } => vec![from, to],
        LauncherEvent::RunsOn { machine } | LauncherEvent::MachineIs { machine, .. } => vec![machine],
        LauncherEvent::Stopping { waits_for } => waits_for.iter_mut().collect(),
        LauncherEvent::CannotReach { here, there, .. } => here.iter_mut().chain(there).collect(),
        LauncherEvent::BombIs { .. }
        | LauncherEvent::DiskIs { .. }
        | LauncherEvent::Crowd(_)
        | LauncherEvent::Orders { .. }
        | LauncherEvent::HopIs { .. }
        | LauncherEvent::ClockIs { .. }
        | LauncherEvent::PlantIs { .. }
        | LauncherEvent::AcknowledgeIs { .. }
        | LauncherEvent::HeartbeatsAre { .. }
        | LauncherEvent::ListensOn { .. }
        | LauncherEvent::CanReach { .. }
        | LauncherEvent::CommandRefused { .. } => Vec::new(),
    }
}

fn texts_of_node(event: &mut NodeEvent) -> Vec<&mut String> {
    match event {
        NodeEvent::Lost { why: Loss::NoConnection { said: text }, .. }
        | NodeEvent::PostcodeAnswered { verdict: Verdict::Valid { place: Some(text), .. }, .. }
        | NodeEvent::PostcodeAnswered { verdict: Verdict::Invalid { why: text, .. }, .. }
        | NodeEvent::Answered {
            answer: Answer::Outcome(Outcome::Rejected { why: Rejection::Postcode { why: text, .. } }),
            ..
        }
        | NodeEvent::Log { text } => vec![text],
        NodeEvent::Sent { .. }
        | NodeEvent::Stays { .. }
        | NodeEvent::Delivered { .. }
        | NodeEvent::Lost { .. }
        | NodeEvent::PostcodeAsked { .. }
        | NodeEvent::PostcodeAnswered { .. }
        | NodeEvent::State(_)
        | NodeEvent::Timers { .. }
        | NodeEvent::Rang { .. }
        | NodeEvent::Froze { .. }
        | NodeEvent::Woke
        | NodeEvent::Exploded { .. }
        | NodeEvent::Flow { .. }
        | NodeEvent::Asked { .. }
        | NodeEvent::Answered { .. } => Vec::new(),
    }
}
