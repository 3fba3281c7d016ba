//! Messages: those on their way, those that have arrived, and the flow of those that are only counted.
//!
//! Sender and receiver report through different pipes, so a delivery may be heard of before its sending.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use protocol::ids::{MessageId, NodeId};
use protocol::postcode::Postcode;
use protocol::trace::{Loss, MessageFacts, Refusal, Stay};

use super::KeepNewest;
use crate::message_tracker::MessageTracker;

/// Messages on their way that are shown.
const MOST_FLYING: usize = 4096;
/// Messages that have arrived, for glow and inspector; all are on the tape.
const MOST_PASSED: usize = 1000;
/// Pairs of nodes between which messages are counted.
const MOST_FLOWS: usize = 10_000;
/// What a message with its fields takes, in bytes.
const MESSAGE: usize = 800;
/// What a flow takes.
const FLOW: usize = 64;
/// Deliveries heard of before their sending.
const MOST_EARLY: usize = 512;
/// A message whose end nobody reports is no longer shown after its delay and this many microseconds.
const PATIENCE: u64 = 10_000_000;

#[derive(Clone, Debug, PartialEq)]
pub struct MessageInFlight {
    pub id: MessageId,
    pub to: NodeId,
    pub facts: MessageFacts,
    /// When it entered its link, in cluster time.
    pub sent: u64,
    /// How long it stays in its link.
    pub stay: Stay,
    /// How far it had come when that was said last, and when that was.
    pub had_come: (f32, u64),
    /// When and how its way ended; none while it is on its way.
    pub end: Option<(u64, End)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Delivered,
    /// It arrived, and the receiver did not do what it says.
    Refused(Refusal),
    /// It never will be, and why.
    Lost(Loss),
}

impl MessageInFlight {
    fn new(id: MessageId, to: NodeId, facts: MessageFacts, sent: u64) -> Self {
        let stay = if facts.held { Stay::Held } else { Stay::Until(sent.saturating_add(facts.delay)) };
        Self { id, to, facts, sent, stay, had_come: (0.0, sent), end: None }
    }

    /// How far it has really come, from 0 to 1: it rests at the end of its delay until it is handled, and while it is
    /// held where it was.
    pub fn progress(&self, now: u64) -> f32 {
        let (share, since) = self.had_come;
        let Stay::Until(until) = self.stay else { return share };
        if until <= since {
            return 1.0;
        }
        let part = (now.saturating_sub(since) as f64 / (until - since) as f64).min(1.0) as f32;
        share + (1.0 - share) * part
    }

    /// Whether it is held in its link.
    pub fn is_held(&self) -> bool {
        self.end.is_none() && self.stay == Stay::Held
    }

    /// How strongly its way still glows `glow` microseconds after a glance: 1 at its arrival, then less, then none.
    pub fn glow(&self, now: u64, glow: u64) -> Option<f32> {
        let (ended, _) = self.end.as_ref()?;
        let age = now.saturating_sub(*ended);
        (age < glow).then(|| 1.0 - age as f32 / glow as f32)
    }
}

/// Messages that are only counted, from one node to another.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Flow {
    /// Orders and answers, in all.
    pub orders: u64,
    /// Control messages, in all.
    pub control: u64,
    /// Orders and answers a second, lately.
    pub rate: f32,
    /// When it was reported last.
    pub at: u64,
    /// When control messages were among them last; 0: never.
    pub beat: u64,
}

/// All messages; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    flying: MessageTracker<(MessageId, NodeId), Arc<MessageInFlight>, (u64, End), MOST_FLYING, MOST_EARLY>,
    passed: VecDeque<Arc<MessageInFlight>>,
    /// One of long ago that somebody looks at.
    recalled: Option<Arc<MessageInFlight>>,
    flows: BTreeMap<(NodeId, NodeId), Flow>,
    asked: BTreeMap<MessageId, Postcode>,
    newest_end: u64,
    /// Nobody's patience ends before this moment; none: nobody's at all.
    patience_ends: Option<u64>,
}

impl Traffic {
    /// About how much memory it takes, in bytes.
    pub(super) fn weight(&self) -> usize {
        (self.flying.open().len() + self.passed.len()) * MESSAGE + (self.flows.len() + self.asked.len()) * FLOW
    }

    /// Messages on their way, in the order of their senders.
    pub fn flying(&self) -> impl Iterator<Item = &MessageInFlight> {
        self.flying.open().map(|(_, flying)| &**flying)
    }

    /// Messages whose way has ended, oldest first.
    pub fn passed(&self) -> impl DoubleEndedIterator<Item = &MessageInFlight> {
        self.passed.iter().map(|flying| &**flying)
    }

    /// The message that leaves its link next, after `now`, if time goes on; those that are held stay.
    pub fn next_due(&self, now: u64) -> Option<&MessageInFlight> {
        self.departures(now).min_by_key(|(until, flying)| (*until, flying.id, flying.to)).map(|(_, flying)| flying)
    }

    /// Messages that will leave their links after `now`, each with its moment.
    pub fn departures(&self, now: u64) -> impl Iterator<Item = (u64, &MessageInFlight)> {
        self.flying().filter_map(move |flying| match flying.stay {
            Stay::Until(until) if until > now => Some((until, flying)),
            Stay::Until(_) | Stay::Held => None,
        })
    }

    pub fn find(&self, id: MessageId, to: NodeId) -> Option<&MessageInFlight> {
        let is_it = |flying: &&MessageInFlight| flying.id == id && flying.to == to;
        let passed = || self.passed().rev().find(is_it).or_else(|| self.recalled.as_deref().filter(is_it));
        self.flying.get((id, to)).map(|flying| &**flying).or_else(passed)
    }

    /// Flows by sender and receiver.
    pub fn flows(&self) -> impl Iterator<Item = (NodeId, NodeId, &Flow)> {
        self.flows.iter().map(|((from, to), flow)| (*from, *to, flow))
    }

    /// Whether a message moves now. A glow is for the caller to ask about.
    pub fn moves(&self, now: u64) -> bool {
        self.flying().any(|flying| flying.progress(now) < 1.0 && !flying.is_held())
    }

    /// When the last message arrived.
    pub fn newest_end(&self) -> u64 {
        self.newest_end
    }

    /// Keeps a message of long ago in sight.
    pub fn recall(&mut self, flying: MessageInFlight) {
        self.recalled = Some(Arc::new(flying));
    }

    pub(super) fn sent(&mut self, id: MessageId, to: NodeId, facts: MessageFacts, at: u64) {
        let flying = MessageInFlight::new(id, to, facts, at);
        let stay = flying.stay;
        match self.flying.sent((id, to), Arc::new(flying)) {
            Some((flying, (arrived, end))) => self.pass(flying, arrived, end),
            None => self.wait_for(stay),
        }
    }

    pub(super) fn stays(&mut self, id: MessageId, to: NodeId, stay: Stay, at: u64) {
        if let Some(flying) = self.flying.get_mut((id, to)) {
            let flying = Arc::make_mut(flying);
            flying.had_come = (flying.progress(at), at);
            flying.stay = stay;
            self.wait_for(stay);
        }
    }

    pub(super) fn delivered(&mut self, id: MessageId, to: NodeId, refused: Option<&Refusal>, at: u64) {
        let end = refused.cloned().map_or(End::Delivered, End::Refused);
        if let Some((flying, (at, end))) = self.flying.delivered((id, to), (at, end)) {
            self.pass(flying, at, end);
        }
    }

    pub(super) fn lost(&mut self, id: MessageId, to: NodeId, why: &Loss, at: u64) {
        if let Some(flying) = self.flying.take((id, to)) {
            self.pass(flying, at, End::Lost(why.clone()));
        }
    }

    fn wait_for(&mut self, stay: Stay) {
        if let Stay::Until(until) = stay {
            let ends = until.saturating_add(PATIENCE);
            self.patience_ends = Some(self.patience_ends.map_or(ends, |other| other.min(ends)));
        }
    }

    fn pass(&mut self, mut flying: Arc<MessageInFlight>, at: u64, end: End) {
        self.newest_end = self.newest_end.max(at);
        let ended = at.max(flying.sent);
        Arc::make_mut(&mut flying).end = Some((ended, end));
        self.passed.push_back(flying);
        self.passed.keep_newest(MOST_PASSED);
    }

    /// A question to a postcode service was asked; its way is told as any message's.
    pub(super) fn postcode_asked(&mut self, id: MessageId, postcode: Postcode) {
        self.asked.insert(id, postcode);
        if self.asked.len() > MOST_FLYING {
            self.asked.pop_first();
        }
    }

    /// The attempt is over. Returns the postcode that was asked about.
    pub(super) fn postcode_answered(&mut self, id: MessageId) -> Option<Postcode> {
        self.asked.remove(&id)
    }

    pub(super) fn flowed(&mut self, from: NodeId, sent: &[(NodeId, u64, u64)], at: u64) {
        for (to, orders, control) in sent {
            if self.flows.len() >= MOST_FLOWS && !self.flows.contains_key(&(from, *to)) {
                continue;
            }
            let flow = self.flows.entry((from, *to)).or_default();
            let seconds = (at.saturating_sub(flow.at)).max(10_000) as f32 / 1e6;
            flow.rate = *orders as f32 / seconds;
            flow.orders = flow.orders.saturating_add(*orders);
            flow.control = flow.control.saturating_add(*control);
            flow.beat = if *control > 0 { at } else { flow.beat };
            flow.at = at;
        }
    }

    /// A process is gone: what was on its way to it will not arrive, nor will what was still in its own links.
    pub(super) fn ended(&mut self, id: NodeId, at: u64) {
        let in_its_link = |flying: &MessageInFlight| match flying.stay {
            Stay::Held => flying.id.from == id,
            Stay::Until(until) => flying.id.from == id && at < until,
        };
        let why = |(key, flying): ((MessageId, NodeId), &Arc<MessageInFlight>)| match (key.1 == id, in_its_link(flying))
        {
            (true, _) => Some((key, Loss::ReceiverEnded)),
            (false, true) => Some((key, Loss::SenderEnded)),
            (false, false) => None,
        };
        let orphans: Vec<_> = self.flying.open().filter_map(why).collect();
        for ((message, to), why) in orphans {
            self.lost(message, to, &why, at);
        }
        self.flows.retain(|(from, to), _| *from != id && *to != id);
        self.asked.retain(|message, _| message.from != id);
    }

    /// Time has come to `now`. What it does to messages does not depend on how often this is called.
    pub(super) fn go_on(&mut self, now: u64) {
        if self.patience_ends.is_none_or(|ends| now < ends) {
            return;
        }
        self.patience_ends = None;
        self.flying.retain(|flying| match flying.stay {
            Stay::Held => true,
            Stay::Until(until) => now < until.saturating_add(PATIENCE),
        });
        let stays: Vec<Stay> = self.flying().map(|flying| flying.stay).collect();
        stays.into_iter().for_each(|stay| self.wait_for(stay));
    }
}
