//! How a primary keeps each of its peers in step: updates, snapshots, heartbeats, silence [5] [6].
//!
//! Everything is measured in heartbeats, so that a stopped clock accuses nobody. What is on the way is bounded; what is not
//! acknowledged is sent again from the acknowledged position (go-back-n: acknowledgements are cumulative).

use std::collections::VecDeque;
use std::sync::Arc;

use super::Replica;
use super::log::{self, Log};
use super::primary::Primary;
use crate::ids::{Barrier, Contact, OpNumber, Position, ReplicaId, Span, View};
use crate::machine::{Effects, Settings};
use crate::message::{Message, SnapshotPart, StateUpdate};
use crate::order_book::{Entry, OrderBook};

/// At most so many entries in one update (PROTOCOL section 8).
const MOST_ENTRIES: usize = 1024;
/// About so many bytes of entries in one update.
const MOST_BYTES: usize = 256 * 1024;
/// At most so many updates with entries on the way to a peer.
const MOST_ON_THE_WAY: usize = 4;
/// Bytes in one part of a snapshot.
pub(super) const PART: usize = 64 * 1024;
/// Longer silence is not counted.
const MOST_UNHEARD: u64 = 1_000_000;
/// Parts on the way to a peer.
const WINDOW: u32 = 8;

/// What a primary knows of a member or joiner, in this view.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Peer {
    /// The end of what it is known to hold of this primary's history; none before its first answer that fits.
    pub(super) acked: Option<OpNumber>,
    /// The newest barrier it has answered.
    pub(super) echoed: Barrier,
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

/// A snapshot on its way to a peer. It stays what it was when it was made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Transfer {
    instead_of: Option<Position>,
    at: Position,
    bytes: Arc<Vec<u8>>,
    got: Vec<bool>,
    /// Parts below this were sent at least once.
    next: u32,
}

impl Transfer {
    fn new(instead_of: Option<Position>, at: Position, book: &OrderBook) -> Self {
        let bytes = postcard::to_stdvec(book).unwrap_or_else(|error| unreachable!("an order book encodes: {error}"));
        let parts = bytes.len().div_ceil(PART).max(1);
        Self { instead_of, at, bytes: Arc::new(bytes), got: vec![false; parts], next: 0 }
    }

    fn acknowledged(&self) -> u32 {
        self.got.iter().filter(|got| **got).count() as u32
    }

    fn part(&self, part: u32, view: &View) -> Message {
        let bytes = self.bytes.chunks(PART).nth(part as usize).unwrap_or_default().to_vec();
        let (instead_of, at, parts) = (self.instead_of, self.at, self.got.len() as u32);
        Message::Snapshot(SnapshotPart { view: view.clone(), instead_of, at, part, parts, bytes })
    }
}

impl Peer {
    /// Takes an acknowledgement and judges it: is the peer's history a beginning of this primary's?
    pub(super) fn on_ack(
        &mut self,
        at: Option<Position>,
        barrier: Barrier,
        part: Option<(OpNumber, u32)>,
        (log, book, here): (&Log, &OrderBook, Position),
    ) {
        self.unheard = 0;
        self.echoed = self.echoed.max(barrier);
        if let Some((op, part)) = part {
            self.on_part(op, part);
        }
        match at.filter(|at| log.holds(*at)) {
            Some(at) => self.on_fitting(at.op),
            // It once fitted in this view and nobody else writes to it: what does not fit now is an old answer.
            None if self.acked.is_some_and(|acked| at.is_none_or(|at| at.op < acked)) => {}
            None => self.need_snapshot(at, here, book),
        }
    }

    fn on_fitting(&mut self, op: OpNumber) {
        // Whoever fits needs no snapshot, even if an old answer once asked for one.
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

    fn on_part(&mut self, op: OpNumber, part: u32) {
        if let Some(snapshot) = self.snapshot.as_mut().filter(|snapshot| snapshot.at.op == op)
            && let Some(got @ false) = snapshot.got.get_mut(part as usize)
        {
            *got = true;
            self.stalled = 0;
        }
    }

    /// R6: made now, in this view, of the whole state, for the position the peer has.
    fn need_snapshot(&mut self, at: Option<Position>, here: Position, book: &OrderBook) {
        if self.snapshot.as_ref().is_none_or(|snapshot| snapshot.instead_of != at) {
            self.snapshot = Some(Transfer::new(at, here, book));
            self.on_the_way.clear();
            self.stalled = 0;
        }
    }

    /// Parts acknowledged of parts in all.
    pub(super) fn progress(&self) -> (u32, u32) {
        self.snapshot.as_ref().map_or((0, 0), |snapshot| (snapshot.acknowledged(), snapshot.got.len() as u32))
    }

    /// Whether it has been silent for so many heartbeats.
    pub(super) fn is_silent(&self, limit: u64) -> bool {
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
        if self.stalled > 2.max(Self::heartbeats_in(settings.hop.times(4), settings)) {
            self.stalled = 0;
            self.sent = self.acked.unwrap_or(self.sent);
            self.on_the_way.clear();
            if let Some(snapshot) = &mut self.snapshot {
                snapshot.next = snapshot.got.iter().position(|got| !got).unwrap_or(0) as u32;
            }
        }
    }

    pub(super) fn heartbeats_in(span: Span, settings: &Settings) -> u64 {
        span.0.div_ceil(settings.heartbeat.0.max(1))
    }

    pub(super) fn forgive(&mut self) {
        self.unheard = 0;
    }

    /// Its process is gone: that is silence enough.
    fn is_gone(&mut self) {
        self.unheard = MOST_UNHEARD;
    }
}

/// What is common to everything that is sent to peers in one round.
struct Round<'a> {
    view: &'a View,
    log: &'a Log,
    here: Position,
    barrier: Barrier,
    commit: OpNumber,
    traced: &'a dyn Fn(OpNumber, OpNumber) -> bool,
}

impl Round<'_> {
    fn update(&self, from: Position, entries: Vec<Arc<Entry>>) -> Message {
        let (view, barrier, commit) = (self.view.clone(), self.barrier, self.commit);
        Message::StateUpdate(StateUpdate { view, from, entries, barrier, commit })
    }

    /// New entries, as far as they may be on the way; or the next parts of a snapshot.
    fn push(&self, peer: &mut Peer, to: Contact, effects: &mut Effects) {
        if let Some(snapshot) = &mut peer.snapshot {
            let sent_not_acknowledged =
                |snapshot: &Transfer| snapshot.got[..snapshot.next as usize].iter().filter(|got| !**got).count() as u32;
            while snapshot.next < snapshot.got.len() as u32 && sent_not_acknowledged(snapshot) < WINDOW {
                if !snapshot.got[snapshot.next as usize] {
                    effects.send(to, true, snapshot.part(snapshot.next, self.view));
                }
                snapshot.next += 1;
            }
            return;
        }
        while peer.acked.is_some() && peer.sent < self.here.op && peer.on_the_way.len() < MOST_ON_THE_WAY {
            let Some(from) = self.log.position_at(peer.sent) else { return };
            let mut bytes = 0;
            let fits = |entry: &&Arc<Entry>| {
                bytes += log::size(entry);
                bytes <= MOST_BYTES
            };
            let entries: Vec<_> = self.log.after(peer.sent).take(MOST_ENTRIES).take_while(fits).cloned().collect();
            let Some(end) = entries.last().map(|entry| entry.op) else { return };
            effects.send(to, (self.traced)(from.op.next(), end), self.update(from, entries));
            peer.sent = end;
            peer.on_the_way.push_back(end);
        }
    }
}

impl Replica {
    /// Joiners are brought up outside the ack set; who is neither in it nor listed any more is let go, once it is silent:
    /// of two front-ends, one may list whom the other does not hear.
    pub(super) fn bring_up(&mut self, joiners: &[ReplicaId], effects: &mut Effects) {
        let (me, limit) = (self.id(), self.silence_limit());
        let Some(primary) = &mut self.primary else { return };
        let Primary { peers, ack_set, .. } = primary;
        peers.retain(|id, peer| ack_set.contains(id) || joiners.contains(id) || !peer.is_silent(limit));
        let known = peers.len();
        for joiner in joiners.iter().filter(|id| **id != me) {
            peers.entry(*joiner).or_default();
        }
        if peers.len() > known {
            self.beat(effects);
        }
    }

    /// The heartbeat: an update without entries to every peer. It asks "where are you?" and carries the barrier (R9).
    pub(super) fn beat(&mut self, effects: &mut Effects) {
        let traced = self.primary.as_ref().is_some_and(Primary::has_traced_read);
        self.each_peer(effects, |round, peer, to, effects| {
            let from = round.log.position_at(peer.sent).filter(|_| peer.acked.is_some()).unwrap_or(round.here);
            effects.send(to, traced, round.update(from, Vec::new()));
        });
    }

    /// Whatever every peer lacks and may be sent now.
    pub(super) fn push_updates(&mut self, effects: &mut Effects) {
        self.each_peer(effects, |round, peer, to, effects| round.push(peer, to, effects));
    }

    fn each_peer(&mut self, effects: &mut Effects, mut act: impl FnMut(&Round<'_>, &mut Peer, Contact, &mut Effects)) {
        let (Some(primary), Some(here)) = (&mut self.primary, self.position) else { return };
        let traced_ops = &primary.traced_ops;
        let round = Round {
            view: &self.view,
            log: &self.log,
            here,
            barrier: primary.barrier,
            commit: primary.commit,
            traced: &|first, last| traced_ops.range(first..=last).next().is_some(),
        };
        for (id, peer) in &mut primary.peers {
            if let Some(address) = self.addresses.get(id) {
                act(&round, peer, Contact { id: *id, address: *address }, effects);
            }
        }
    }

    /// Once a heartbeat: who is silent, and what has to be sent again.
    pub(super) fn watch_peers(&mut self, effects: &mut Effects) {
        let Some(primary) = &mut self.primary else { return };
        for (id, peer) in &mut primary.peers {
            peer.watch(&self.settings);
            // One heartbeat has just begun to be silent, the one before it was.
            if peer.unheard >= 2
                && peer.unheard < MOST_UNHEARD
                && let Some(address) = self.addresses.get(id)
            {
                effects.probe(Contact { id: *id, address: *address });
            }
        }
        self.note_silent();
    }

    /// This process was itself frozen: it accuses nobody (PROTOCOL section 7).
    pub(super) fn forgive_peers(&mut self) {
        if let Some(primary) = &mut self.primary {
            primary.peers.values_mut().for_each(Peer::forgive);
        }
        self.note_silent();
    }

    /// A proof of death: the front-end hears of it at once.
    pub(super) fn on_gone(&mut self, peer: ReplicaId) {
        if let Some(peer) = self.primary.as_mut().and_then(|primary| primary.peers.get_mut(&peer)) {
            peer.is_gone();
            self.note_silent();
        }
    }

    fn note_silent(&mut self) {
        let limit = self.silence_limit();
        let Some(primary) = &mut self.primary else { return };
        let before = primary.report().1;
        primary.note_silent(limit, &self.settings);
        self.status_due |= primary.report().1 != before;
    }

    /// Heartbeats after which a peer is silent.
    fn silence_limit(&self) -> u64 {
        Peer::heartbeats_in(Span(self.settings.suspect_after.0 + self.patience.0), &self.settings)
    }
}
