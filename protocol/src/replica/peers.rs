//! How a primary keeps each of its peers in step: updates, snapshots, heartbeats, silence [5] [6].
//!
//! Everything is measured in heartbeats, so that a stopped clock accuses nobody. What is on the way is bounded; what is not
//! acknowledged is sent again from the acknowledged position (go-back-n: acknowledgements are cumulative).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::log;
use super::pace::Pace;
use super::shared::Shared;
use super::transfer::Transfer;
use crate::ids::{Barrier, Contact, OpNumber, Position, ReplicaId, Span, View, ViewNumber};
use crate::machine::{Effects, Settings};
use crate::message::{Copied, Message, StateUpdate};
use crate::order_book::Entry;
use crate::plant::Plant;
use crate::trace::MachineEvent;

/// Entries in one update, at most (PROTOCOL section 8).
const MOST_ENTRIES: usize = 1024;
/// Bytes of entries in one update, about.
const MOST_BYTES: usize = 256 * 1024;
/// Updates with entries on the way to a peer, at most.
const MOST_ON_THE_WAY: usize = 4;
/// Longer silence is not counted.
const MOST_UNHEARD: u64 = 1_000_000;

/// What [`Message::Ack`] says.
#[derive(Clone, Debug)]
pub(super) struct Acknowledgement {
    pub(super) view: ViewNumber,
    pub(super) position: Option<Position>,
    pub(super) barrier: Barrier,
    pub(super) copy: Option<Copied>,
}

/// What a primary knows of a member or joiner, in this view.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Peer {
    /// The end of what it is known to hold of this primary's history; none before its first answer that fits.
    acked: Option<OpNumber>,
    /// The newest barrier it has answered.
    echoed: Barrier,
    /// The end of what was sent to it.
    sent: OpNumber,
    /// The ends of updates with entries that are not acknowledged.
    on_the_way: VecDeque<OpNumber>,
    snapshot: Option<Transfer>,
    /// Heartbeats since it was last heard.
    unheard: u64,
    /// Heartbeats since something that was sent got acknowledged.
    stalled: u64,
}

impl Peer {
    /// Takes an acknowledgement and judges it: is the peer's history a beginning of this primary's?
    fn on_ack(&mut self, ack: Acknowledgement, shared: &Shared) {
        let Acknowledgement { position: at, barrier, copy, .. } = ack;
        self.unheard = 0;
        self.echoed = self.echoed.max(barrier);
        match at.filter(|at| shared.log.holds(*at)) {
            Some(at) => self.on_fitting(at.op),
            // It once fitted in this view and nobody else writes to it: what does not fit now is an old answer.
            None if self.acked.is_some_and(|acked| at.is_none_or(|at| at.op < acked)) => {}
            None => self.need_snapshot(at, copy.as_ref(), shared),
        }
    }

    fn on_fitting(&mut self, op: OpNumber) {
        // A peer that fits needs no snapshot, even if an old answer once asked for one.
        self.snapshot = None;
        if self.acked.is_none_or(|acked| op > acked) {
            self.acked = Some(op);
            self.stalled = 0;
        }
        self.sent = self.sent.max(op);
        while self.on_the_way.front().is_some_and(|end| *end <= op) {
            self.on_the_way.pop_front();
        }
    }

    /// R6: a whole state is on its way to it, or begins now, for the position it has and from what it has of the state.
    fn need_snapshot(&mut self, at: Option<Position>, copied: Option<&Copied>, shared: &Shared) {
        if self.snapshot.as_ref().is_none_or(|snapshot| !snapshot.is_instead_of(at)) {
            self.snapshot = Some(Transfer::new(at));
            self.on_the_way.clear();
            self.stalled = 0;
        }
        if let (Some(snapshot), Some(copied)) = (&mut self.snapshot, copied)
            && snapshot.on_copied(copied, shared)
        {
            self.stalled = 0;
        }
    }

    /// After this entry it will want to be sent all of them, as far as that is known.
    fn wanted(&self) -> Option<OpNumber> {
        self.snapshot.as_ref().map_or(self.acked, Transfer::is_whole_since)
    }

    /// Bytes acknowledged of bytes in all, about.
    fn progress(&self) -> (u64, u64) {
        self.snapshot.as_ref().map_or((0, 0), Transfer::progress)
    }

    /// Whether it has been silent for more than `limit` heartbeats.
    fn is_silent(&self, limit: u64) -> bool {
        self.unheard > limit
    }

    /// Once a heartbeat. What made no progress for two heartbeats (or four slowed hops) counts as lost.
    fn watch(&mut self, settings: &Settings) {
        self.unheard = (self.unheard + 1).min(MOST_UNHEARD);
        if self.on_the_way.is_empty() && self.snapshot.is_none() {
            self.stalled = 0;
            return;
        }
        self.stalled += 1;
        if self.stalled > 2.max(heartbeats_in(settings.hop.times(4), settings)) {
            self.stalled = 0;
            self.sent = self.acked.unwrap_or(self.sent);
            self.on_the_way.clear();
            if let Some(snapshot) = &mut self.snapshot {
                snapshot.again();
            }
        }
    }
}

/// What is common to everything that is sent to peers in one round.
pub(super) struct Round<'a> {
    pub(super) shared: &'a Shared,
    pub(super) here: Position,
    pub(super) barrier: Barrier,
    pub(super) commit: OpNumber,
    /// Entries that are shown step by step.
    pub(super) traced_ops: &'a BTreeSet<OpNumber>,
}

impl Round<'_> {
    fn update(&self, from: Position, entries: Vec<Arc<Entry>>) -> Message {
        let (view, barrier, commit) = (self.shared.view.clone(), self.barrier, self.commit);
        Message::StateUpdate(StateUpdate { view, from, entries, barrier, commit })
    }

    /// Where the peer stands and what the primary's newest barrier is: nothing new.
    fn beat(&self, peer: &Peer, to: Contact, traced: bool, effects: &mut Effects) {
        let from = self.shared.log.position_at(peer.sent).filter(|_| peer.acked.is_some()).unwrap_or(self.here);
        effects.send(to, traced, self.update(from, Vec::new()));
    }

    /// New entries, as far as they may be on the way; or the next parts of a snapshot, at most `parts`.
    fn push(&self, peer: &mut Peer, to: Contact, parts: &mut u32, effects: &mut Effects) {
        if let Some(snapshot) = &mut peer.snapshot {
            while *parts > 0
                && let Some(part) = snapshot.next(self.shared)
            {
                effects.send(to, true, Message::Snapshot(Box::new(part)));
                *parts -= 1;
            }
            return;
        }
        let log = &self.shared.log;
        while peer.acked.is_some() && peer.sent < self.here.op && peer.on_the_way.len() < MOST_ON_THE_WAY {
            let Some(from) = log.position_at(peer.sent) else { return };
            let mut bytes = 0;
            let fits = |entry: &&Arc<Entry>| {
                bytes += log::size(entry);
                bytes <= MOST_BYTES
            };
            let entries: Vec<_> = log.after(peer.sent).take(MOST_ENTRIES).take_while(fits).cloned().collect();
            let Some(end) = entries.last().map(|entry| entry.op) else { return };
            let traced = self.traced_ops.range(from.op.next()..=end).next().is_some();
            effects.send(to, traced, self.update(from, entries));
            peer.sent = end;
            peer.on_the_way.push_back(end);
        }
    }
}

/// All members and joiners but the primary itself, and which of them every answer needs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Peers {
    peers: BTreeMap<ReplicaId, Peer>,
    ack_set: BTreeSet<ReplicaId>,
    /// Members of the ack set that were silent for the silence limit.
    silent: Vec<ReplicaId>,
    pace: Pace,
}

impl Peers {
    pub(super) fn of(view: &View, me: ReplicaId) -> Self {
        let ack_set: BTreeSet<_> = view.members.iter().copied().collect();
        let peers = ack_set.iter().filter(|id| **id != me).map(|id| (*id, Peer::default())).collect();
        Self { peers, ack_set, silent: Vec::new(), pace: Pace::default() }
    }

    pub(super) fn contains(&self, id: ReplicaId) -> bool {
        self.peers.contains_key(&id)
    }

    /// Whose acknowledgement each answer needs: the peers' and the primary's own.
    pub(super) fn ack_set(&self) -> impl Iterator<Item = ReplicaId> + '_ {
        self.ack_set.iter().copied()
    }

    pub(super) fn silent(&self) -> &[ReplicaId] {
        &self.silent
    }

    /// Which peers are being brought up, and how far (bytes acknowledged of bytes in all, about).
    pub(super) fn joiners(&self) -> Vec<(ReplicaId, u64, u64)> {
        let outside = self.peers.iter().filter(|(id, _)| !self.ack_set.contains(id));
        outside.map(|(id, peer)| (*id, peer.progress().0, peer.progress().1)).collect()
    }

    /// The end of what this peer is known to hold.
    #[cfg(feature = "simulation")]
    pub(super) fn acked_by(&self, id: ReplicaId) -> Option<OpNumber> {
        self.peers.get(&id)?.acked
    }

    /// The end of what everybody in the ack set holds, with `own` for the primary itself; none: somebody's is not known.
    pub(super) fn held_by_all(&self, own: Option<OpNumber>) -> Option<OpNumber> {
        let acked = |id: &ReplicaId| self.peers.get(id).map_or(own, |peer| peer.acked);
        self.ack_set.iter().map(acked).min().flatten()
    }

    /// After this entry, joiners will want to be sent all of them.
    pub(super) fn wanted_by_joiners(&self) -> OpNumber {
        let joiners = self.peers.iter().filter(|(id, _)| !self.ack_set.contains(id));
        let wanted = joiners.filter_map(|(_, peer)| peer.wanted());
        wanted.min().unwrap_or(OpNumber(u64::MAX))
    }

    /// The end of what one backup in the ack set holds at least, with `own` where there is no other; none: nobody's is known.
    pub(super) fn held_by_one(&self, own: Option<OpNumber>) -> Option<OpNumber> {
        let mut backups = self.ack_set.iter().filter_map(|id| self.peers.get(id)).peekable();
        if backups.peek().is_none() {
            return own;
        }
        backups.filter_map(|peer| peer.acked).max()
    }

    /// The newest barrier that everybody in the ack set has echoed.
    pub(super) fn confirmed(&self) -> Barrier {
        let echoed = self.ack_set.iter().filter_map(|id| self.peers.get(id)).map(|peer| peer.echoed);
        echoed.min().unwrap_or(Barrier(u64::MAX))
    }

    /// R4: joiners that hold all up to `enough` enter the ack set. Whether there were any.
    pub(super) fn take_in(&mut self, enough: OpNumber, effects: &mut Effects) -> bool {
        let before = self.ack_set.len();
        let in_step = self.peers.iter().filter(|(_, peer)| peer.acked.is_some_and(|acked| acked >= enough));
        for replica in in_step.map(|(id, _)| *id) {
            if self.ack_set.insert(replica) {
                effects.trace(|| MachineEvent::TookIn { replica });
            }
        }
        self.ack_set.len() > before
    }

    pub(super) fn on_ack(&mut self, from: ReplicaId, ack: Acknowledgement, shared: &Shared) {
        if let Some(peer) = self.peers.get_mut(&from) {
            peer.on_ack(ack, shared);
        }
    }

    /// Joiners are brought up outside the ack set. A peer that is neither in it nor listed any more is let go, once it is
    /// silent: of two front-ends, one may list a joiner that the other does not hear. Whether somebody is new.
    pub(super) fn bring_up(&mut self, joiners: &[ReplicaId], shared: &Shared) -> bool {
        let limit = silence_limit(shared);
        self.peers.retain(|id, peer| self.ack_set.contains(id) || joiners.contains(id) || !peer.is_silent(limit));
        let known = self.peers.len();
        for joiner in joiners.iter().filter(|id| **id != shared.id()) {
            self.peers.entry(*joiner).or_default();
        }
        self.peers.len() > known
    }

    /// The heartbeat: an update without entries to every peer. It asks "where are you?" and carries the barrier (R9).
    pub(super) fn beat(&mut self, round: &Round<'_>, traced: bool, effects: &mut Effects) {
        for (id, peer) in &self.peers {
            if let Some(to) = round.shared.contact(*id) {
                round.beat(peer, to, traced, effects);
            }
        }
    }

    /// Whether a whole state is on its way to somebody.
    pub(super) fn are_sent_state(&self) -> bool {
        self.peers.values().any(|peer| peer.snapshot.is_some())
    }

    /// All that each peer lacks and may be sent now.
    pub(super) fn push(&mut self, round: &Round<'_>, effects: &mut Effects) {
        let may = self.pace.parts(round.shared);
        let mut parts = may;
        for (id, peer) in &mut self.peers {
            if let Some(to) = round.shared.contact(*id) {
                round.push(peer, to, &mut parts, effects);
            }
        }
        self.pace.made(may - parts, round.shared);
    }

    /// Once a heartbeat: which peers are silent, and what has to be sent again.
    pub(super) fn watch(&mut self, shared: &mut Shared, effects: &mut Effects) {
        self.pace.heartbeat(shared);
        for (id, peer) in &mut self.peers {
            peer.watch(&shared.settings);
            // One heartbeat has just begun to be silent, the one before it was.
            if peer.unheard >= 2
                && peer.unheard < MOST_UNHEARD
                && let Some(contact) = shared.contact(*id)
            {
                effects.probe(contact);
            }
        }
        self.note_silent(shared);
    }

    /// All silence is counted anew.
    pub(super) fn forgive(&mut self, shared: &mut Shared) {
        self.peers.values_mut().for_each(|peer| peer.unheard = 0);
        self.note_silent(shared);
    }

    /// Its process is gone: that is silence enough.
    pub(super) fn on_gone(&mut self, id: ReplicaId, shared: &mut Shared) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.unheard = MOST_UNHEARD;
            self.note_silent(shared);
        }
    }

    /// R5: a silent peer is reported, never skipped.
    fn note_silent(&mut self, shared: &mut Shared) {
        let limit = silence_limit(shared);
        let silent = self.peers.iter().filter(|(id, peer)| self.ack_set.contains(id) && peer.is_silent(limit));
        let mut silent: Vec<_> = silent.map(|(id, _)| *id).collect();
        // Planted: it is skipped and not reported, so that the recorded view goes on to count it as a full copy.
        if shared.plants(Plant::SkipSlowBackup) {
            self.ack_set.retain(|id| !silent.contains(id));
            silent.clear();
        }
        shared.status_due |= silent != self.silent;
        self.silent = silent;
    }
}

/// Heartbeats after which a peer is silent.
fn silence_limit(shared: &Shared) -> u64 {
    heartbeats_in(Span(shared.settings.suspect_after.0 + shared.patience.0), &shared.settings)
}

fn heartbeats_in(span: Span, settings: &Settings) -> u64 {
    span.0.div_ceil(settings.heartbeat.0.max(1))
}
