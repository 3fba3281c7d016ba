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
        let node = event.introduced().map(Arc::from).or_else(|| nodes.shared_name_of(record.node));
        let other = spoken_of(&event).map(|id| nodes.shared_name_of(id).unwrap_or_else(|| id.to_string().into()));
        let message =
            if let TraceEvent::Node(NodeEvent::Sent { message, to, .. } | NodeEvent::Lost { message, to, .. }) = &event
            {
                Some((*message, *to))
            } else {
                None
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
    if let Some(Denial::NotHere { node } | Denial::FreshStart(NoFreshStart::MayLive { member: node, .. })) =
        event.denial()
    {
        return Some(*node);
    }
    match event {
        TraceEvent::Launcher(_) => None,
        TraceEvent::Node(event) => match event {
            NodeEvent::Sent { to, .. } | NodeEvent::Lost { to, .. } => Some(*to),
            NodeEvent::PostcodeAnswered { from, .. } => Some(*from),
            NodeEvent::Rang { timer: Timer::Silence(node) } => Some(*node),
            NodeEvent::Rang { .. }
            | NodeEvent::Stays { .. }
            | NodeEvent::Delivered { .. }
            | NodeEvent::PostcodeAsked { .. }
            | NodeEvent::State(_)
            | NodeEvent::Timers { .. }
            | NodeEvent::Froze { .. }
            | NodeEvent::Woke
            | NodeEvent::Exploded { .. }
            | NodeEvent::Flow { .. }
            | NodeEvent::Asked { .. }
            | NodeEvent::Answered { .. }
            | NodeEvent::Log { .. } => None,
        },
        TraceEvent::Machine(event) => match event {
            MachineEvent::Refused { from, .. } => Some(*from),
            MachineEvent::TookIn { replica } | MachineEvent::Suspects { replica, .. } => Some(*replica),
            MachineEvent::Became { .. }
            | MachineEvent::Committed { .. }
            | MachineEvent::CommandRefused { .. }
            | MachineEvent::Noted(_) => None,
        },
    }
}

/// What of a fact is kept for its line; none: it leaves no line.
fn kept(event: &TraceEvent) -> Option<TraceEvent> {
    match event {
        TraceEvent::Launcher(event) => kept_of_launcher(event).map(TraceEvent::Launcher),
        TraceEvent::Node(event) => kept_of_node(event).map(TraceEvent::Node),
        TraceEvent::Machine(event) => Some(TraceEvent::Machine(kept_of_machine(event))),
    }
}

fn kept_of_launcher(event: &LauncherEvent) -> Option<LauncherEvent> {
    Some(match event {
        LauncherEvent::Started(started) if started.actor == Actor::Role(Role::Customer) => return None,
        LauncherEvent::Ended { how, words } => LauncherEvent::Ended { how: *how, words: shortened(words) },
        LauncherEvent::LinkIs { from, to, rule } => {
            LauncherEvent::LinkIs { from: shortened(from), to: shortened(to), rule: *rule }
        }
        LauncherEvent::CommandRefused { why } => LauncherEvent::CommandRefused { why: of_denial(why) },
        LauncherEvent::Log { text } => LauncherEvent::Log { text: shortened(text) },
        LauncherEvent::Started(_)
        | LauncherEvent::BombIs { .. }
        | LauncherEvent::CustomerIs { .. }
        | LauncherEvent::HopIs { .. }
        | LauncherEvent::ClockIs { .. }
        | LauncherEvent::PlantIs { .. }
        | LauncherEvent::HeartbeatsAre { .. } => event.clone(),
        LauncherEvent::Crowd(_) | LauncherEvent::Orders { .. } => return None,
    })
}

fn kept_of_node(event: &NodeEvent) -> Option<NodeEvent> {
    Some(match event {
        NodeEvent::Sent { message, to, facts } => {
            let MessageFacts { step, request, delay, held, .. } = *facts;
            let summary = facts.summary.shortened(LONGEST_TEXT);
            let facts = MessageFacts { step, summary, request, fields: Vec::new(), delay, held };
            NodeEvent::Sent { message: *message, to: *to, facts }
        }
        NodeEvent::Lost { message, to, why } => NodeEvent::Lost { message: *message, to: *to, why: of_loss(why) },
        NodeEvent::PostcodeAnswered { message, from, verdict, took } => {
            let verdict = match verdict {
                Verdict::Valid { place, by } => Verdict::Valid { place: place.as_deref().map(shortened), by: *by },
                Verdict::Invalid { why, by } => Verdict::Invalid { why: shortened(why), by: *by },
                Verdict::NobodyAnswers => Verdict::NobodyAnswers,
            };
            NodeEvent::PostcodeAnswered { message: *message, from: *from, verdict, took: *took }
        }
        NodeEvent::Answered { request, answer, took } => {
            NodeEvent::Answered { request: *request, answer: of_answer(answer), took: *took }
        }
        NodeEvent::Log { text } => NodeEvent::Log { text: shortened(text) },
        NodeEvent::Rang { .. }
        | NodeEvent::Froze { .. }
        | NodeEvent::Woke
        | NodeEvent::Exploded { .. }
        | NodeEvent::Asked { .. } => event.clone(),
        // Its sending has a line.
        NodeEvent::PostcodeAsked { .. }
        | NodeEvent::Delivered { .. }
        | NodeEvent::Stays { .. }
        | NodeEvent::Timers { .. }
        | NodeEvent::State(_)
        | NodeEvent::Flow { .. } => return None,
    })
}

fn kept_of_machine(event: &MachineEvent) -> MachineEvent {
    match event {
        MachineEvent::CommandRefused { why } => MachineEvent::CommandRefused { why: of_denial(why) },
        MachineEvent::Noted(Note::Removed { name }) => MachineEvent::Noted(Note::Removed { name: shortened(name) }),
        MachineEvent::Noted(Note::Undecodable { at, error }) => {
            MachineEvent::Noted(Note::Undecodable { at: *at, error: shortened(error) })
        }
        MachineEvent::Noted(_)
        | MachineEvent::Refused { .. }
        | MachineEvent::Became { .. }
        | MachineEvent::Committed { .. }
        | MachineEvent::TookIn { .. }
        | MachineEvent::Suspects { .. } => event.clone(),
    }
}

fn of_answer(answer: &Answer) -> Answer {
    match answer {
        Answer::Outcome(Outcome::Rejected { why: Rejection::Postcode { why, by } }) => {
            let why = Rejection::Postcode { why: shortened(why), by: *by };
            Answer::Outcome(Outcome::Rejected { why })
        }
        Answer::History(page) => {
            let HistoryPage { postcode, page, total, .. } = *page;
            Answer::History(HistoryPage { postcode, page, total, orders: Vec::new() })
        }
        Answer::Outcome(_) | Answer::Expired => answer.clone(),
    }
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
        TraceEvent::Launcher(event) => text_of_launcher(event),
        TraceEvent::Node(event) => text_of_node(event),
        TraceEvent::Machine(event) => match event {
            MachineEvent::Became { view, .. } => size_of_val(view.members.as_slice()),
            MachineEvent::CommandRefused { why: Denial::Words(text) }
            | MachineEvent::Noted(Note::Removed { name: text } | Note::Undecodable { error: text, .. }) => text.len(),
            MachineEvent::Noted(_)
            | MachineEvent::CommandRefused { .. }
            | MachineEvent::Refused { .. }
            | MachineEvent::Committed { .. }
            | MachineEvent::TookIn { .. }
            | MachineEvent::Suspects { .. } => 0,
        },
    }
}

fn text_of_launcher(event: &LauncherEvent) -> usize {
    match event {
        LauncherEvent::Started(started) => started.name.len(),
        LauncherEvent::Ended { words: text, .. }
        | LauncherEvent::CustomerIs { name: text, .. }
        | LauncherEvent::CommandRefused { why: Denial::Words(text) }
        | LauncherEvent::Log { text } => text.len(),
        LauncherEvent::LinkIs { from, to, .. } => from.len() + to.len(),
        LauncherEvent::BombIs { .. }
        | LauncherEvent::Crowd(_)
        | LauncherEvent::Orders { .. }
        | LauncherEvent::HopIs { .. }
        | LauncherEvent::ClockIs { .. }
        | LauncherEvent::PlantIs { .. }
        | LauncherEvent::HeartbeatsAre { .. }
        | LauncherEvent::CommandRefused { .. } => 0,
    }
}

fn text_of_node(event: &NodeEvent) -> usize {
    match event {
        NodeEvent::Sent { facts, .. } => facts.summary.text(),
        NodeEvent::Lost { why: Loss::NoConnection { said: text }, .. }
        | NodeEvent::PostcodeAnswered { verdict: Verdict::Valid { place: Some(text), .. }, .. }
        | NodeEvent::PostcodeAnswered { verdict: Verdict::Invalid { why: text, .. }, .. }
        | NodeEvent::Answered {
            answer: Answer::Outcome(Outcome::Rejected { why: Rejection::Postcode { why: text, .. } }),
            ..
        }
        | NodeEvent::Log { text } => text.len(),
        NodeEvent::Asked { ask: Ask::Order { items, .. }, .. } => items.iter().map(|item| item.len() + 24).sum(),
        NodeEvent::Stays { .. }
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
        | NodeEvent::Answered { .. } => 0,
    }
}
