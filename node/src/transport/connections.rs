//! Making, accepting and attending connections: a reader and a writer task for each of the two lanes.
//!
//! Tasks report to the event loop and decide nothing: what a lost connection means is up to [`super::peers`] and the protocol.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use protocol::message::{Envelope, Summary};
use protocol::trace::Loss;
use quinn::{Connection, ConnectionError, Endpoint, Incoming, RecvStream, SendStream, VarInt};
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::time::{Instant, timeout, timeout_at};

use super::framing::FrameReader;
use super::handshakes::Handshakes;
use super::identity::{COMMON_NAME, PeerIdentity};
use super::lanes::{self, Lane, Outbox};
use super::limits::{DIAL, MOST_CONNECTIONS, RETRY_FROM, SLOWEST};
use super::outlets::plain;
use super::peers::PeerKey;
use super::unreached::BETWEEN_TRIES;

/// Why a connection was closed, as the peer sees it.
const CLOSE_NOTHING_WRONG: VarInt = VarInt::from_u32(0);
const CLOSE_BAD_FRAME: VarInt = VarInt::from_u32(1);
const CLOSE_WRONG_IDENTITY: VarInt = VarInt::from_u32(2);

/// QUIC sends first what has the higher priority; messages have 0.
const BEHIND_MESSAGES: i32 = -1;

/// What a connection's task tells the event loop.
#[derive(Debug)]
pub(super) enum ConnectionEvent {
    /// A connection can be used.
    Up { key: PeerKey, connection: u64, outbox: Arc<Outbox> },
    /// It ended. `silent`: nothing was heard any more.
    Down { key: PeerKey, connection: u64, why: Loss, silent: bool },
    /// A dial failed.
    NotReached { key: PeerKey, why: Loss },
    /// A peer that was not reached is to be tried again.
    TryAgain { key: PeerKey },
    /// All whole envelopes of one read that the sender was allowed to send.
    Messages { from: SocketAddr, envelopes: Vec<Envelope> },
}

/// Counts messages that were refused, and says so in the log once a second at most, so that a flood of them fills no disk.
#[derive(Debug, Default)]
pub struct Refusals {
    count: AtomicU64,
    /// Milliseconds since `born`, of the last line in the log.
    logged: AtomicU64,
}

impl Refusals {
    /// Counts one more, and logs why.
    pub fn add(&self, from: SocketAddr, why: impl FnOnce() -> String) {
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let now = std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_millis() as u64);
        if now.abs_diff(self.logged.load(Ordering::Relaxed)) >= 1000 {
            self.logged.store(now, Ordering::Relaxed);
            tracing::warn!("refused from {from}: {} ({count} refused so far)", why());
        }
    }

    /// How many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}

/// What all connection tasks of a process share.
#[derive(Clone, Debug)]
pub(super) struct Attendant {
    endpoint: Endpoint,
    reports: mpsc::Sender<ConnectionEvent>,
    refusals: Arc<Refusals>,
    handshakes: Arc<Handshakes>,
    /// Numbers the connections, so that a report about an old one is not taken for the new one's.
    connections: Arc<AtomicU64>,
}

impl Attendant {
    pub(super) fn new(endpoint: Endpoint, reports: mpsc::Sender<ConnectionEvent>) -> Self {
        Self { endpoint, reports, refusals: Arc::default(), handshakes: Arc::default(), connections: Arc::default() }
    }

    pub(super) fn connections(&self) -> u64 {
        self.endpoint.open_connections() as u64
    }

    pub(super) fn refusals(&self) -> Arc<Refusals> {
        self.refusals.clone()
    }

    pub(super) fn close(&self) {
        self.endpoint.close(CLOSE_NOTHING_WRONG, b"this process ends");
    }

    /// Accepts peers until the endpoint closes. A peer that has proved nothing yet takes no place from one that has.
    pub(super) async fn listen(self) {
        while let Some(incoming) = self.endpoint.accept().await {
            let unproven = self.handshakes.count();
            if self.endpoint.open_connections() >= MOST_CONNECTIONS + unproven {
                incoming.refuse();
            } else if unproven >= RETRY_FROM && incoming.may_retry() {
                // Only fails for those that may not retry.
                drop(incoming.retry());
            } else {
                let attendant = self.clone();
                self.handshakes.begin(|number| attendant.welcome(incoming, number));
            }
        }
    }

    async fn welcome(self, incoming: Incoming, number: u64) {
        let address = plain(incoming.remote_address());
        let connection = match incoming.accept() {
            Ok(connecting) => timeout(SLOWEST, connecting).await.ok().and_then(Result::ok),
            Err(_) => None,
        };
        if !self.handshakes.end(number) {
            return; // It has given way at this very moment.
        }
        let Some(connection) = connection else {
            tracing::debug!("the handshake with {address} failed");
            return;
        };
        match PeerIdentity::of(&connection) {
            Some(identity) => self.attend(connection, identity, Arc::default()).await,
            None => {
                self.refusals.add(address, || "its certificate names no role".into());
                connection.close(CLOSE_WRONG_IDENTITY, b"the certificate names no role");
            }
        }
    }

    /// Reaches a peer, whose first messages wait in `outbox`, or reports that it could not be reached.
    pub(super) async fn dial(self, key: PeerKey, outbox: Arc<Outbox>) {
        let connection = match self.endpoint.connect(key.address, COMMON_NAME) {
            Ok(connecting) => match timeout(DIAL, connecting).await {
                Ok(Ok(connection)) => Ok(connection),
                Ok(Err(error)) => Err(no_connection(&error)),
                Err(_) => Err(Loss::NoAnswer),
            },
            Err(error) => Err(no_connection(&error)),
        };
        let why = match connection {
            Ok(connection) => match PeerIdentity::of(&connection) {
                Some(identity) if identity.id == key.id => return self.attend(connection, identity, outbox).await,
                _ => {
                    connection.close(CLOSE_WRONG_IDENTITY, b"the connection was for another process");
                    Loss::AnotherAnswers
                }
            },
            Err(why) => why,
        };
        self.report(ConnectionEvent::NotReached { key, why }).await;
    }

    /// Reads and writes until the connection ends.
    async fn attend(self, connection: Connection, identity: PeerIdentity, outbox: Arc<Outbox>) {
        let key = PeerKey { address: plain(connection.remote_address()), id: identity.id };
        let number = self.connections.fetch_add(1, Ordering::Relaxed);
        let stream = match connection.open_uni().await {
            Ok(stream) => stream,
            Err(error) => return self.report(ConnectionEvent::NotReached { key, why: no_connection(&error) }).await,
        };
        tokio::spawn(write(stream, Lane::Messages, outbox.clone()));
        tokio::spawn(write_parts(connection.clone(), outbox.clone()));
        self.report(ConnectionEvent::Up { key, connection: number, outbox: outbox.clone() }).await;

        let why = self.read(&connection, identity).await;
        outbox.close();
        let silent = matches!(connection.close_reason(), Some(ConnectionError::TimedOut));
        tracing::debug!(peer = %key.address, ?why, "a connection ended");
        connection.close(CLOSE_NOTHING_WRONG, b"");
        self.report(ConnectionEvent::Down { key, connection: number, why, silent }).await;
    }

    /// Until the first of the lanes ends. Why the connection is of no use any more.
    async fn read(&self, connection: &Connection, identity: PeerIdentity) -> Loss {
        let first = match connection.accept_uni().await {
            Ok(first) => first,
            Err(error) => return no_connection(&error),
        };
        // A task of its own, so that waiting for messages asks one stream only.
        let (attendant, second) = (self.clone(), connection.clone());
        tokio::spawn(async move {
            if let Ok(stream) = second.accept_uni().await {
                attendant.read_lane(stream, &second, identity).await;
            }
        });
        self.read_lane(first, connection, identity).await
    }

    /// Until this lane ends, which ends the connection.
    async fn read_lane(&self, stream: RecvStream, connection: &Connection, identity: PeerIdentity) -> Loss {
        let from = plain(connection.remote_address());
        let why = match self.read_frames(stream, from, identity).await {
            Ok(()) => Loss::StreamEnded,
            Err(Ending::Connection(error)) => no_connection(&error),
            Err(Ending::Misbehaved(said)) => {
                self.refusals.add(from, || said.clone());
                connection.close(CLOSE_BAD_FRAME, said.as_bytes());
                Loss::NoConnection { said }
            }
        };
        // The first to close it decides on the reason.
        connection.close(CLOSE_NOTHING_WRONG, b"");
        why
    }

    async fn read_frames(
        &self,
        mut stream: RecvStream,
        from: SocketAddr,
        identity: PeerIdentity,
    ) -> Result<(), Ending> {
        let mut reader = FrameReader::default();
        let mut unfinished_since = None;
        loop {
            let read = stream.read(reader.room());
            let read = match unfinished_since {
                Some(since) => timeout_at(since + SLOWEST, read)
                    .await
                    .map_err(|_| Ending::Misbehaved("a frame was not complete".into()))?,
                None => read.await,
            };
            match read {
                Ok(Some(bytes)) => reader.filled(bytes),
                Ok(None) => return Ok(()),
                Err(quinn::ReadError::ConnectionLost(error)) => return Err(error.into()),
                Err(error) => return Err(Ending::Misbehaved(error.to_string())),
            }
            let mut envelopes = Vec::new();
            let whole = reader.take(&mut envelopes);
            if !reader.is_within_frame() {
                unfinished_since = None;
            } else if unfinished_since.is_none() || !envelopes.is_empty() {
                unfinished_since = Some(Instant::now());
            }
            envelopes.retain(|envelope| self.may_say(from, identity, envelope));
            if !envelopes.is_empty() {
                self.report(ConnectionEvent::Messages { from, envelopes }).await;
            }
            whole.map_err(|error| Ending::Misbehaved(error.to_string()))?;
        }
    }

    /// Whether the certificate's holder may send this, and in this name.
    fn may_say(&self, from: SocketAddr, identity: PeerIdentity, envelope: &Envelope) -> bool {
        let in_its_own_name = identity.id.is_none_or(|id| id == envelope.from);
        let fits_its_role = envelope.message.may_be_sent_by(identity.role);
        if !in_its_own_name {
            self.refusals.add(from, || format!("a message in the name of another node, {}", envelope.from));
        } else if !fits_its_role {
            self.refusals.add(from, || format!("{:?} from a {}", Summary::from(&envelope.message), identity.role));
        }
        in_its_own_name && fits_its_role
    }

    /// Has the loop try a peer again after a while.
    pub(super) async fn try_again(self, key: PeerKey) {
        tokio::time::sleep(BETWEEN_TRIES).await;
        self.report(ConnectionEvent::TryAgain { key }).await;
    }

    /// Waits if the loop is behind: then QUIC slows the peer. The loop has stopped listening only when the process ends.
    async fn report(&self, report: ConnectionEvent) {
        // There is nearly always room, and then nothing is to be waited for.
        if let Err(TrySendError::Full(report)) = self.reports.try_send(report) {
            drop(self.reports.send(report).await);
        }
    }
}

fn no_connection(error: &impl ToString) -> Loss {
    Loss::NoConnection { said: error.to_string() }
}

/// Why reading ended.
enum Ending {
    Connection(ConnectionError),
    Misbehaved(String),
}

impl From<ConnectionError> for Ending {
    fn from(error: ConnectionError) -> Self {
        Ending::Connection(error)
    }
}

/// Writes what the stream does not take at once, until the box or the stream closes.
async fn write(stream: SendStream, lane: Lane, outbox: Arc<Outbox>) {
    outbox.lend(lane, stream);
    let mut frames = Vec::new();
    while let Some(mut stream) = outbox.take(lane, &mut frames).await {
        if stream.write_all(&frames).await.is_err() {
            return; // The reader notices, too, and reports.
        }
        lanes::empty(&mut frames);
        outbox.lend(lane, stream);
    }
}

/// As [`write`], with a stream that is opened for the first part: most peers never get one.
async fn write_parts(connection: Connection, outbox: Arc<Outbox>) {
    if outbox.something_waits(Lane::Parts).await
        && let Ok(stream) = connection.open_uni().await
        && stream.set_priority(BEHIND_MESSAGES).is_ok()
    {
        write(stream, Lane::Parts, outbox).await;
    }
}
