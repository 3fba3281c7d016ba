//! The controllable ways from this process to every other one, and to the postcode services and back.
//!
//! Everything that leaves passes here. While all links are at rest that costs one branch. A link can be cut, hold, delay,
//! lose and double what enters it; a hop slows all of them alike. Control messages are exempt from delay and holding
//! (PROTOCOL section 7), never from cuts and loss. This file only keeps and lets go: sending and tracing are the event
//! loop's.

mod acts;
mod passing;

use std::collections::BTreeMap;

use protocol::ids::{MessageId, NodeId, Span};
use protocol::random::Random;
use protocol::trace::{LinkRule, Loss, Stay};
use rustc_hash::FxHashMap;

pub use acts::Acted;
pub use passing::{Passing, Question, ServiceAnswer, Way};

/// How much may be in all links of a process together; what enters beyond that is lost, and traced as lost.
pub const MOST_IN_LINKS: usize = 8192;
/// The same in bytes, roughly.
const MOST_BYTES: usize = 32 * 1024 * 1024;

fn strikes(chance: &mut Random, per_mille: u16) -> bool {
    chance.chance(u32::from(per_mille) * 1000)
}

/// What happens to something that enters a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It leaves at once.
    Passes,
    /// It stays.
    Stays {
        /// How long, in microseconds of cluster time; of what is held: how long once it is let go.
        left: u64,
        /// Whether it is held.
        held: bool,
    },
    /// It never leaves.
    Lost(Loss),
}

/// Something whose stay in its link has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Its name in traces.
    pub message: MessageId,
    /// Its receiver.
    pub to: NodeId,
    /// Whether it is shown step by step.
    pub traced: bool,
    /// How long it stays now.
    pub stay: Stay,
}

/// The links of one process.
#[derive(Debug, Default)]
pub struct Links {
    /// Whether something is slowed, ruled or kept. If not, everything that enters passes.
    disturbed: bool,
    hop: u64,
    /// Only of links that do something.
    rules: FxHashMap<Way, LinkRule>,
    /// By the cluster time at which it leaves, then in the order of entering.
    slowed: BTreeMap<(u64, u64), Passing>,
    /// In the order of entering: with what is left of its stay.
    held: BTreeMap<u64, (u64, Passing)>,
    /// When the last thing that entered a link leaves it: nothing overtakes it when the delay gets shorter.
    last: FxHashMap<Way, u64>,
    entered: u64,
    bytes: usize,
    /// Something did not fit since there was room last.
    overflown: bool,
    chance: Random,
}

impl Links {
    /// Chance begins anew: the same seed and the same messages, the same losses.
    pub fn seed(&mut self, seed: u64) {
        self.chance = Random::new(seed);
    }

    /// From now on every hop lasts this long. What is on its way keeps its time.
    pub fn set_hop(&mut self, hop: Span) {
        self.hop = hop.0;
        self.look();
    }

    /// Whether everything passes at once.
    #[must_use]
    pub fn are_at_rest(&self) -> bool {
        !self.disturbed
    }

    /// How many things are in links now.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.slowed.len() + self.held.len()
    }

    /// What a link does.
    #[must_use]
    pub fn rule(&self, way: Way) -> LinkRule {
        self.rules.get(&way).copied().unwrap_or_default()
    }

    /// Whether what enters this link now arrives twice. Chance decides anew at each call.
    pub fn doubles(&mut self, way: Way) -> bool {
        let doubling = self.rule(way).doubling;
        strikes(&mut self.chance, doubling)
    }

    /// What happens to something that enters a link at `now`. Chance decides anew at each call.
    pub fn fate(&mut self, way: Way, control: bool, now: u64) -> Fate {
        let rule = self.rule(way);
        if rule.cut {
            return Fate::Lost(Loss::Cut);
        }
        if strikes(&mut self.chance, rule.loss) {
            return Fate::Lost(Loss::Chance);
        }
        if control {
            return Fate::Passes;
        }
        let mut left = self.hop + rule.delay.0;
        if rule.jitter == Span(0) {
            let first = self.last.get(&way).copied().unwrap_or_default();
            left = left.max(first.saturating_sub(now));
        } else {
            left += self.chance.between(0, rule.jitter.0);
        }
        match (left, rule.hold) {
            (0, false) => Fate::Passes,
            _ if self.kept() >= MOST_IN_LINKS || self.bytes >= MOST_BYTES => Fate::Lost(Loss::LinksFull),
            (_, true) => Fate::Stays { left: self.hop + rule.delay.0, held: true },
            (left, false) => Fate::Stays { left, held: false },
        }
    }

    /// Something did not fit. True: it is the first since there was room.
    pub fn overflow(&mut self) -> bool {
        !std::mem::replace(&mut self.overflown, true)
    }

    /// Keeps something as its fate says.
    pub fn keep(&mut self, passing: Passing, left: u64, held: bool, now: u64) {
        self.entered += 1;
        self.bytes += passing.weight();
        if held {
            self.held.insert(self.entered, (left, passing));
        } else {
            let last = self.last.entry(passing.way()).or_default();
            *last = (*last).max(now + left);
            self.slowed.insert((now + left, self.entered), passing);
        }
        self.disturbed = true;
    }

    /// What a link does from now on. What is in it is lost if it is cut, and let go if it holds no more; a mended link keeps
    /// nothing longer than a hop. Returns whose stay has changed, and what is lost.
    pub fn set_rule(&mut self, way: Way, rule: LinkRule, now: u64) -> (Vec<Changed>, Vec<Passing>) {
        if rule.is_mended() {
            self.rules.remove(&way);
        } else {
            self.rules.insert(way, rule);
        }
        if rule.cut {
            let lost = self.empty(|other| other == way);
            return (Vec::new(), lost);
        }
        let mut changed = Vec::new();
        if rule.is_mended() {
            self.hurry(way, now + self.hop, &mut changed);
        }
        if !rule.hold {
            let longest = if rule.is_mended() { self.hop } else { u64::MAX };
            self.let_go_all(way, longest, now, &mut changed);
        }
        self.look();
        (changed, Vec::new())
    }

    /// Takes out all that one sender's links still keep.
    pub fn take_from(&mut self, sender: NodeId) -> Vec<Passing> {
        self.empty(|(from, _)| from == sender)
    }

    /// Takes out all that is in such links.
    fn empty(&mut self, such: impl Fn(Way) -> bool) -> Vec<Passing> {
        let slowed = self.slowed.extract_if(.., |_, passing| such(passing.way())).map(|(_, passing)| passing);
        let mut lost: Vec<Passing> = slowed.collect();
        lost.extend(self.held.extract_if(.., |_, (_, it)| such(it.way())).map(|(_, (_, passing))| passing));
        self.bytes -= lost.iter().map(Passing::weight).sum::<usize>();
        self.look();
        lost
    }

    /// What is slowed on this way leaves it at `latest`.
    fn hurry(&mut self, way: Way, latest: u64, changed: &mut Vec<Changed>) {
        let late = self.slowed.extract_if((latest + 1, 0).., |_, passing| passing.way() == way);
        for ((_, order), passing) in late.collect::<Vec<_>>() {
            changed.push(passing.stays(Stay::Until(latest)));
            self.slowed.insert((latest, order), passing);
        }
        if let Some(last) = self.last.get_mut(&way) {
            *last = latest.min(*last);
        }
    }

    fn let_go_all(&mut self, way: Way, longest: u64, now: u64, changed: &mut Vec<Changed>) {
        let held = self.held.extract_if(.., |_, (_, passing)| passing.way() == way).collect::<Vec<_>>();
        for (order, (left, passing)) in held {
            let last = self.last.entry(way).or_default();
            *last = (*last).max(now + left.min(longest));
            changed.push(passing.stays(Stay::Until(*last)));
            self.slowed.insert((*last, order), passing);
        }
    }

    /// When the next thing leaves its link.
    #[must_use]
    pub fn next(&self) -> Option<u64> {
        self.slowed.first_key_value().map(|((at, _), _)| *at)
    }

    /// Takes out what leaves its link now, the earliest first.
    pub fn take_due(&mut self, now: u64) -> Option<Passing> {
        let first = self.slowed.first_entry().filter(|entry| entry.key().0 <= now)?;
        let passing = first.remove();
        self.left(&passing);
        Some(passing)
    }

    fn left(&mut self, passing: &Passing) {
        self.bytes -= passing.weight();
        self.look();
    }

    fn look(&mut self) {
        if self.slowed.is_empty() {
            self.last.clear();
        }
        self.overflown &= self.kept() > MOST_IN_LINKS / 2 || self.bytes > MOST_BYTES / 2;
        self.disturbed = self.hop > 0 || !self.rules.is_empty() || self.kept() > 0;
    }
}

#[cfg(test)]
mod tests;
