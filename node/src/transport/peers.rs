//! The table of peers: the connection to each, and what waits to be sent to it.
//!
//! Belongs to the event loop alone. The only thing shared with a connection's tasks is its [`Outbox`].

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use protocol::ids::{Contact, MessageId, NodeId};
use protocol::message::Envelope;
use protocol::trace::Loss;
use rustc_hash::FxHashMap;
use tokio::time::Instant;

use super::framing::Framer;
use super::lanes::{Lane, Outbox};

/// After a failed dial; doubles up to the second.
const SHORTEST_PAUSE: Duration = Duration::from_millis(25);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);
/// A peer that could not be reached for this long is forgotten.
const FORGET_AFTER: Duration = Duration::from_secs(5);
/// How long a traced message that was sent may be lost with its connection: the idle time-out and some more.
const UNCERTAIN: Duration = Duration::from_millis(1500);
const MOST_UNCERTAIN: usize = 1024;
/// Routes are only a short cut; more than this many are thrown away and found again.
const MOST_ROUTES: usize = 1 << 17;

/// The other end: an address, and the one incarnation the certificate there names (none: customers).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct PeerKey {
    pub address: SocketAddr,
    pub id: Option<NodeId>,
}

impl PeerKey {
    pub(super) fn contact(self) -> Option<Contact> {
        self.id.map(|id| Contact { id, address: self.address })
    }
}

#[derive(Debug, Default)]
pub(super) struct Peers {
    by_key: FxHashMap<PeerKey, Peer>,
    routes: FxHashMap<NodeId, PeerKey>,
    /// Those with something to flush.
    dirty: Vec<PeerKey>,
}

#[derive(Debug)]
pub(super) struct Peer {
    state: State,
    dirty: bool,
    messages: Gathered,
    parts: Gathered,
}

/// What was gathered for one lane.
#[derive(Debug, Default)]
struct Gathered {
    frames: Vec<u8>,
    /// Traced messages whose arrival is not certain yet, oldest first.
    uncertain: VecDeque<(MessageId, NodeId, Instant)>,
}

#[derive(Debug)]
enum State {
    /// A connection is being made; what is put into the box is the first it will carry.
    Dialled { outbox: Arc<Outbox>, pause: Duration },
    /// This connection, the newest.
    Up { connection: u64, outbox: Arc<Outbox> },
    /// No answer came; not dialled before `until`.
    Down { since: Instant, until: Instant, pause: Duration },
}

impl Peers {
    /// Which entry a contact's messages go to. Customers are found by their endpoint's address alone.
    pub(super) fn route(&mut self, to: Contact) -> PeerKey {
        if let Some(key) = self.routes.get(&to.id).filter(|key| key.address == to.address) {
            return *key;
        }
        let named = PeerKey { address: to.address, id: Some(to.id) };
        let shared = PeerKey { address: to.address, id: None };
        let key = if !self.by_key.contains_key(&named) && self.by_key.contains_key(&shared) { shared } else { named };
        if self.routes.len() >= MOST_ROUTES {
            self.routes.clear();
        }
        self.routes.insert(to.id, key);
        key
    }

    /// The entry to append to. Calls `dial` if there is no connection yet.
    pub(super) fn for_sending(&mut self, key: PeerKey, dial: impl FnOnce(Arc<Outbox>)) -> &mut Peer {
        if !self.by_key.contains_key(&key) {
            self.forget_unreachable();
        }
        let now_down = || State::Down { since: Instant::now(), until: Instant::now(), pause: SHORTEST_PAUSE / 2 };
        let peer = self.by_key.entry(key).or_insert_with(|| Peer::new(now_down()));
        if let State::Down { until, pause, .. } = peer.state
            && key.id.is_some()
            && Instant::now() >= until
        {
            let outbox = Arc::new(Outbox::default());
            dial(outbox.clone());
            peer.state = State::Dialled { outbox, pause: (pause * 2).min(LONGEST_PAUSE) };
        }
        peer
    }

    pub(super) fn mark_dirty(&mut self, key: PeerKey) {
        if let Some(peer) = self.by_key.get_mut(&key).filter(|peer| !peer.dirty) {
            peer.dirty = true;
            self.dirty.push(key);
        }
    }

    /// One write per peer with something new. `lost` is told of traced messages that a full outbox does not take.
    pub(super) fn flush(&mut self, mut lost: impl FnMut(Vec<(MessageId, NodeId)>, Loss)) {
        for key in self.dirty.drain(..) {
            let Some(peer) = self.by_key.get_mut(&key) else { continue };
            peer.dirty = false;
            let (State::Up { outbox, .. } | State::Dialled { outbox, .. }) = &peer.state else { continue };
            for (lane, gathered) in [(Lane::Messages, &mut peer.messages), (Lane::Parts, &mut peer.parts)] {
                if gathered.frames.is_empty() || outbox.put(lane, &mut gathered.frames) {
                    continue;
                }
                gathered.frames.clear();
                let messages: Vec<_> = gathered.take_uncertain().collect();
                if !messages.is_empty() {
                    lost(messages, Loss::ReceiverFull);
                }
            }
        }
    }

    /// Whether the connections' writers have taken all that was flushed. What waits for a dial has not been taken.
    pub(super) fn is_taken(&self) -> bool {
        self.by_key.values().all(|peer| match &peer.state {
            State::Up { outbox, .. } | State::Dialled { outbox, .. } => outbox.is_empty(),
            State::Down { .. } => true,
        })
    }

    /// A connection is there: it replaces an older one.
    pub(super) fn up(&mut self, key: PeerKey, connection: u64, outbox: Arc<Outbox>) {
        if !self.by_key.contains_key(&key) {
            self.forget_unreachable();
        }
        let state = State::Up { connection, outbox };
        if let Some(peer) = self.by_key.get_mut(&key) {
            peer.state = state;
        } else {
            self.by_key.insert(key, Peer::new(state));
        }
    }

    /// A connection ended. None: the peer has another. Else: the traced messages that may be lost with it.
    pub(super) fn down(&mut self, key: PeerKey, connection: u64) -> Option<Vec<(MessageId, NodeId)>> {
        let peer = self.by_key.get_mut(&key)?;
        if !matches!(peer.state, State::Up { connection: newest, .. } if newest == connection) {
            return None;
        }
        let now = Instant::now();
        peer.state = State::Down { since: now, until: now, pause: SHORTEST_PAUSE / 2 };
        Some(peer.take_uncertain())
    }

    /// A dial failed. The traced messages that waited for it are lost.
    pub(super) fn not_reached(&mut self, key: PeerKey) -> Vec<(MessageId, NodeId)> {
        let Some(peer) = self.by_key.get_mut(&key) else { return Vec::new() };
        let State::Dialled { pause, .. } = peer.state else { return Vec::new() };
        let now = Instant::now();
        peer.state = State::Down { since: now, until: now + pause, pause };
        peer.take_uncertain()
    }

    fn forget_unreachable(&mut self) {
        let now = Instant::now();
        self.by_key.retain(|_, peer| !matches!(peer.state, State::Down { since, .. } if now - since > FORGET_AFTER));
        let by_key = &self.by_key;
        self.routes.retain(|_, key| by_key.contains_key(key));
    }
}

impl Peer {
    fn new(state: State) -> Self {
        Self { state, dirty: false, messages: Gathered::default(), parts: Gathered::default() }
    }

    /// Gathers a message, or says why it will not be sent.
    pub(super) fn append(&mut self, envelope: &Envelope, observed: bool, framer: &mut Framer) -> Result<(), Loss> {
        if matches!(self.state, State::Down { .. }) {
            return Err(Loss::NoAnswer);
        }
        match Lane::of(&envelope.message) {
            Lane::Messages => self.messages.append(envelope, observed, framer),
            Lane::Parts => self.parts.append(envelope, observed, framer),
        }
    }

    /// The connection is gone, and with it what was gathered for it.
    fn take_uncertain(&mut self) -> Vec<(MessageId, NodeId)> {
        let [mut messages, mut parts] = [&mut self.messages, &mut self.parts].map(std::mem::take);
        messages.take_uncertain().chain(parts.take_uncertain()).collect()
    }
}

impl Gathered {
    fn append(&mut self, envelope: &Envelope, observed: bool, framer: &mut Framer) -> Result<(), Loss> {
        framer.append(envelope, &mut self.frames).map_err(|_| Loss::TooLarge)?;
        if observed {
            let now = Instant::now();
            let certain = |entry: &&(_, _, Instant)| now - entry.2 > UNCERTAIN;
            while self.uncertain.len() >= MOST_UNCERTAIN || self.uncertain.front().filter(certain).is_some() {
                self.uncertain.pop_front();
            }
            let message = MessageId { from: envelope.from, number: envelope.number };
            self.uncertain.push_back((message, envelope.to, now));
        }
        Ok(())
    }

    /// The messages that may be lost, oldest first.
    fn take_uncertain(&mut self) -> impl Iterator<Item = (MessageId, NodeId)> {
        let now = Instant::now();
        let uncertain = self.uncertain.drain(..).filter(move |(_, _, sent)| now - *sent <= UNCERTAIN);
        uncertain.map(|(message, to, _)| (message, to))
    }
}
