//! Copies: how a replica gets the whole state, and from when on it counts as one more.

use protocol::ids::{NodeId, OpNumber};
use protocol::plant::Plant;

use super::Narrator;
use super::sentence::{Sentence, Weight};

/// Bytes of a state whose copying takes a time that people notice.
const LARGE: u64 = 1_000_000;

impl Narrator {
    /// [5] to some who hold nothing yet, or the wrong thing.
    pub(super) fn snapshot(&mut self, at: u64, from: NodeId, to: &[NodeId]) -> Option<Sentence> {
        self.known.state_from.extend(to.iter().map(|to| (*to, from)));
        for to in to {
            self.known.receiving.entry(*to).or_insert((at, 0));
        }
        let view = self.known.newest.number;
        let is_new = |to: &NodeId| self.known.is_new(format!("snapshot {from} {to} {view}"));
        let to: Vec<NodeId> = to.iter().copied().filter(is_new).collect();
        let first = *to.first()?;
        let (who, whom) = (self.known.role(from), self.known.names(to.iter().copied()));
        let (is, does, them) =
            if to.len() == 1 { ("is a member", "does", "it") } else { ("are members", "do", "they") };
        let newest = &self.known.newest;
        if newest.primary != from {
            let what = format!("{who} sends {whom} the whole state, although its view is over.");
            let means = format!("{} leads view {}.", self.known.called(newest.primary), newest.number);
            return Some(Sentence::step(at, 5, what).means(means).of_weight(Weight::Event));
        }
        if newest.members.contains(&first) {
            let what = format!("{who} sends {whom} the whole state, in place of what {whom} holds.");
            let means = format!("{whom} {is}, but the history there is not the primary's.");
            return Some(Sentence::step(at, 5, what).means(means).of_weight(Weight::Event));
        }
        let means = match to.len() {
            1 => format!("{whom} {does} not count as a copy until {them} has everything."),
            _ => format!("{whom} {does} not count as copies until {them} have everything."),
        };
        Some(Sentence::step(at, 5, format!("{who} sends {whom} the whole state.")).means(means))
    }

    /// A replica holds what it was sent, in the place of what it held.
    pub(super) fn installed(&mut self, node: NodeId, at: u64, op: OpNumber) {
        let confirmed = self.known.confirmed.entry(node).or_default();
        *confirmed = op.max(*confirmed);
        let Some(from) = self.known.state_from.get(&node).copied() else { return };
        let newest = &self.known.newest;
        if from == newest.primary || !newest.members.contains(&node) {
            return;
        }
        let (who, whom) = (self.known.called(node), self.known.called(from));
        let what = format!("{who}, a member of view {}, replaces all its orders by those of {whom}.", newest.number);
        let means = format!("{whom} no longer leads a view: what was placed without it is gone from {who}.");
        self.say(Sentence::event(at, what).means(means));
    }

    /// What a replica says of a state that is sent to it: bytes that have come, of bytes in all.
    pub(super) fn receives(&mut self, node: NodeId, at: u64, loading: Option<(u64, u64)>) {
        if let Some((_, all)) = loading {
            let (_, bytes) = self.known.receiving.entry(node).or_insert((at, all));
            *bytes = all;
        }
    }

    /// The primary waits for a replica from now on.
    pub(super) fn took_in(&mut self, primary: NodeId, at: u64, replica: NodeId) {
        self.finish_groups();
        self.known.backups.insert(replica);
        if !self.known.is_new(format!("took in {replica} {}", self.known.newest.number)) {
            return;
        }
        let name = self.known.called(replica);
        let (holds, last) = (self.known.confirmed.entry(replica).or_default(), self.known.last_op.get(&primary));
        let last = last.copied().unwrap_or_default();
        if !matches!(self.known.plant, Some(Plant::JoinerInEarly | Plant::KeepOwnPreset)) {
            // That is the rule; its last confirmation may not have been shown.
            *holds = last.max(*holds);
        } else if *holds < last {
            let what = format!(
                "{name} counts as a full copy from now on, although it does not hold all that the primary holds."
            );
            return self.say(Sentence::event(at, what));
        }
        let means = format!("From now on the primary waits for {name} before it answers anybody.");
        let what = match self.known.receiving.remove(&replica).filter(|(_, bytes)| *bytes >= LARGE) {
            Some((since, bytes)) => {
                let (megabytes, took) = (crate::of_nodes::megabytes(bytes), crate::duration(at.saturating_sub(since)));
                format!("{name} holds everything now: {megabytes} came in {took}.")
            }
            None => format!("{name} holds everything now."),
        };
        self.say(Sentence::event(at, what).means(means));
    }
}
