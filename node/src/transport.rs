//! Envelopes over QUIC: one connection per peer, two long-lived streams each way (one only for parts of states), one write
//! per stream and round.
//!
//! What is sent is gathered per peer until [`Transport::flush`]; what arrives comes in batches, one per read. A lost
//! message is no error here: messages are repeatable statements, so nothing is retried above QUIC. Delay, hold and
//! loss on purpose belong to `links`, not here.

mod connections;
pub mod framing;
mod handshakes;
pub mod identity;
mod lanes;
pub mod limits;
pub mod outlets;
mod peers;
pub mod pinned;
mod probe;
#[cfg(unix)]
mod quiet_runtime;
pub mod round_trip;
pub mod traffic;
mod unreached;

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use protocol::ids::{Contact, MessageId, NodeId};
use protocol::message::Envelope;
use protocol::trace::Loss;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::control::{Credentials, Reach};
use connections::{Attendant, ConnectionEvent, Refusals};
use framing::Framer;
use outlets::Outlets;
use peers::{Peer, PeerKey, Peers};
use probe::Probes;
use traffic::Counters;
use unreached::Unreached;

/// How many reads may wait for the loop before QUIC's flow control slows the peers.
const WAITING_READS: usize = 256;
/// How long [`Transport::written`] waits at most: a dial and a write of all that may wait.
const LONGEST_WRITE: Duration = Duration::from_millis(250);
/// Longer than QUIC takes to send what it was given, unless the peer takes no more.
const SENDING: Duration = Duration::from_millis(4);

/// What comes from the network.
#[derive(Debug)]
pub enum Arrival {
    /// Messages from one peer, in their order. Their senders' roles and incarnations were checked; whether the receiver
    /// lives here was not.
    Messages {
        /// The peer's address, which is where it listens.
        from: SocketAddr,
        /// At least one.
        envelopes: Vec<Envelope>,
    },
    /// The last connection to a peer closed.
    ConnectionLost {
        /// That peer. Customers' endpoints, which speak for many, are not reported.
        peer: Contact,
    },
    /// A peer on another machine that this process tries to reach has not been reached for some seconds, or is again.
    Reach {
        /// That peer.
        peer: Contact,
        /// Whether it is reached.
        reached: bool,
    },
    /// Observed messages that will not arrive, or arrived just before the connection closed.
    Lost {
        /// Each with its receiver.
        messages: Vec<(MessageId, NodeId)>,
        /// What became of them.
        why: Loss,
    },
}

/// The network as one process sees it. Must be made and used within one tokio runtime.
#[derive(Debug)]
pub struct Transport {
    attendant: Attendant,
    outlets: Arc<Outlets>,
    address: SocketAddr,
    peers: Peers,
    framer: Framer,
    reports: mpsc::Receiver<ConnectionEvent>,
    /// Found while sending or dialling; handed out with what arrives.
    losses: VecDeque<Arrival>,
    probes: Probes,
    unreached: Unreached,
    observed: Observed,
}

/// Which losses are reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Observed {
    /// None, because no observer is there.
    #[default]
    Nothing,
    /// Those of traced messages.
    Traced,
    /// Those of all messages.
    All,
}

impl Observed {
    fn concerns(self, traced: bool) -> bool {
        match self {
            Observed::Nothing => false,
            Observed::Traced => traced,
            Observed::All => true,
        }
    }
}

impl Transport {
    /// Listens, and accepts peers from now on.
    ///
    /// # Errors
    /// A sentence when the port is taken, or the credentials do not fit together.
    pub fn open(listen: SocketAddr, credentials: &Credentials) -> anyhow::Result<Self> {
        Self::open_with(listen, credentials, &Reach::default())
    }

    /// The same in a cluster on several machines.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with(listen: SocketAddr, credentials: &Credentials, reach: &Reach) -> anyhow::Result<Self> {
        let (endpoint, outlets) = limits::endpoint_with(listen, credentials, reach)?;
        let address = outlets.address();
        let (sender, reports) = mpsc::channel(WAITING_READS);
        let attendant = Attendant::new(endpoint, sender);
        tokio::spawn(attendant.clone().listen());
        Ok(Self {
            attendant,
            outlets,
            address,
            peers: Peers::default(),
            framer: Framer::default(),
            reports,
            losses: VecDeque::new(),
            probes: Probes::default(),
            unreached: Unreached::default(),
            observed: Observed::Nothing,
        })
    }

    /// Where this process can be reached.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes what was opened by [`Self::listen_on`] and is not among these.
    pub fn listen_only_on(&self, addresses: &[IpAddr]) {
        self.outlets.listen_only_on(addresses);
    }

    /// Listens on an address of this machine, too, at the same port.
    ///
    /// # Errors
    /// A sentence when that port is taken.
    pub fn listen_on(&self, ip: IpAddr) -> anyhow::Result<()> {
        self.outlets.listen_on(ip)
    }

    /// Sets which losses are reported.
    pub fn set_observed(&mut self, observed: Observed) {
        self.observed = observed;
    }

    /// Puts a message with the others for the same peer; dials the peer if there is no connection.
    pub fn send(&mut self, to: Contact, envelope: &Envelope) {
        let key = self.peers.route(to);
        let peer = Self::for_sending(&mut self.peers, &self.attendant, key);
        let observed = self.observed.concerns(envelope.traced);
        match peer.append(envelope, observed, &mut self.framer) {
            Ok(()) => self.peers.mark_dirty(key),
            Err(why) if observed => {
                let message = MessageId { from: envelope.from, number: envelope.number };
                self.losses.push_back(Arrival::Lost { messages: vec![(message, to.id)], why });
            }
            Err(_) => {}
        }
    }

    fn for_sending<'a>(peers: &'a mut Peers, attendant: &Attendant, key: PeerKey) -> &'a mut Peer {
        peers.for_sending(key, |outbox| drop(tokio::spawn(attendant.clone().dial(key, outbox))))
    }

    /// Hands all that was gathered to QUIC, one write per peer.
    pub fn flush(&mut self) {
        self.framer.forget();
        let losses = &mut self.losses;
        self.peers.flush(|messages, why| losses.push_back(Arrival::Lost { messages, why }));
    }

    /// Waits until what was flushed has left the process, or has waited long enough to count as lost.
    pub async fn written(&self) {
        let deadline = Instant::now() + LONGEST_WRITE;
        while !self.peers.is_taken() && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // QUIC's own tasks, which do not report what they do, send what the writers have handed to them.
        tokio::time::sleep(SENDING).await;
    }

    /// Whether it is proved that no process listens at an address any more. Never waits.
    pub fn is_closed(&mut self, address: SocketAddr) -> bool {
        // A loopback address that is meant on another machine says nothing of this one's ports.
        let is_there = self.outlets.are_elsewhere() && address.ip().is_loopback();
        !is_there && self.probes.is_closed(address, self.address.ip())
    }

    /// The next arrival. Losing this future loses nothing.
    pub async fn arrival(&mut self) -> Arrival {
        std::future::poll_fn(|context| self.poll_arrival(context)).await
    }

    /// As [`Self::arrival`], for loops that wait for several things at once.
    pub fn poll_arrival(&mut self, context: &mut Context<'_>) -> Poll<Arrival> {
        loop {
            if let Some(loss) = self.losses.pop_front() {
                return Poll::Ready(loss);
            }
            let Some(report) = ready!(self.reports.poll_recv(context)) else {
                return Poll::Pending; // Cannot happen: the attendant here can always report.
            };
            if let Some(arrival) = self.absorb(report) {
                return Poll::Ready(arrival);
            }
        }
    }

    /// The next arrival, if one is here already.
    pub fn try_arrival(&mut self) -> Option<Arrival> {
        loop {
            if let Some(loss) = self.losses.pop_front() {
                return Some(loss);
            }
            let report = self.reports.try_recv().ok()?;
            if let Some(arrival) = self.absorb(report) {
                return Some(arrival);
            }
        }
    }

    /// Keeps the table of peers up to date; what concerns others comes out.
    fn absorb(&mut self, report: ConnectionEvent) -> Option<Arrival> {
        match report {
            ConnectionEvent::Messages { from, envelopes } => Some(Arrival::Messages { from, envelopes }),
            ConnectionEvent::Up { key, connection, outbox } => {
                self.peers.up(key, connection, outbox);
                let peer = key.contact().filter(|_| self.unreached.reached(key))?;
                Some(Arrival::Reach { peer, reached: true })
            }
            ConnectionEvent::Down { key, connection, why, silent } => {
                let messages = self.peers.down(key, connection)?;
                if !messages.is_empty() {
                    self.losses.push_back(Arrival::Lost { messages, why });
                }
                if silent {
                    self.is_not_reached(key);
                }
                key.contact().map(|peer| Arrival::ConnectionLost { peer })
            }
            ConnectionEvent::NotReached { key, why } => {
                let messages = self.peers.not_reached(key);
                self.is_not_reached(key);
                (!messages.is_empty()).then_some(Arrival::Lost { messages, why })
            }
            ConnectionEvent::TryAgain { key } => {
                if self.unreached.has(key) {
                    Self::for_sending(&mut self.peers, &self.attendant, key);
                }
                None
            }
        }
    }

    /// A peer on another machine is tried again by itself: somebody must say when it is reached.
    fn is_not_reached(&mut self, key: PeerKey) {
        let Some(peer) = key.contact().filter(|peer| self.outlets.is_elsewhere(peer.address)) else { return };
        let next = self.unreached.failed(key, Instant::now());
        if next.tell {
            self.losses.push_back(Arrival::Reach { peer, reached: false });
        }
        if next.again {
            tokio::spawn(self.attendant.clone().try_again(key));
        }
    }

    /// What its endpoint counts.
    #[must_use]
    pub fn counters(&self) -> Arc<Counters> {
        self.outlets.counters()
    }

    /// How many connections are open.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.attendant.connections()
    }

    /// The counter of refused messages; other parts count theirs there, too.
    #[must_use]
    pub fn refusals(&self) -> Arc<Refusals> {
        self.attendant.refusals()
    }
}

impl Drop for Transport {
    /// Tells the peers at once, as far as the runtime still runs.
    fn drop(&mut self) {
        self.attendant.close();
    }
}
