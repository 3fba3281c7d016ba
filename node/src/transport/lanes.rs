//! Two lanes to each peer, each a stream of its own: messages do not wait behind the parts of a state [5].
//!
//! Parts are large and come in numbers when a replica joins; a heartbeat or an order behind them would wait for all of them. Each
//! lane keeps its order; between the lanes there is none, and the protocol needs none (PROTOCOL, “The idea”).

use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use protocol::message::Message;
use quinn::SendStream;
use tokio::sync::Notify;

/// Bytes that may wait in one lane; a peer that takes no more is frozen or dead, and what it misses is sent again.
const MOST_WAITING: usize = 4 * 1024 * 1024;
/// How much room is kept for the next round.
const ROOM_TO_KEEP: usize = 256 * 1024;

/// Which stream a message takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// All messages but parts of a state.
    Messages,
    /// Parts of a state. QUIC sends of this lane only what the other one leaves room for.
    Parts,
}

impl Lane {
    pub(super) const ALL: [Lane; 2] = [Lane::Messages, Lane::Parts];

    pub(super) fn of(message: &Message) -> Self {
        if let Message::Snapshot(_) = message { Lane::Parts } else { Lane::Messages }
    }
}

/// What waits to be written to one connection. Shared by the loop, which puts, and the connection's writers, which take.
///
/// What a stream has room for does not wait: the loop itself writes it, and no message waits for a writer's turn.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    messages: Waiting,
    parts: Waiting,
}

/// What waits in one lane.
#[derive(Debug, Default)]
struct Waiting {
    frames: Mutex<Frames>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct Frames {
    bytes: Vec<u8>,
    /// None: it is not open yet, or the writer has it.
    stream: Option<SendStream>,
    closed: bool,
}

impl Frames {
    /// How many of these bytes the stream takes at once: none if others wait before them.
    fn write(&mut self, bytes: &[u8]) -> usize {
        let Some(stream) = self.stream.as_mut().filter(|_| self.bytes.is_empty()) else { return 0 };
        let mut written = 0;
        while written < bytes.len() {
            // Nobody is to be woken: what has no room goes to the writer, which waits for it.
            match Pin::new(&mut *stream).poll_write(&mut Context::from_waker(Waker::noop()), &bytes[written..]) {
                Poll::Ready(Ok(more)) => written += more,
                Poll::Ready(Err(_)) => return bytes.len(), // The reader notices, too, and reports.
                Poll::Pending => break,
            }
        }
        written
    }
}

/// Empties it, and keeps some room.
pub(super) fn empty(frames: &mut Vec<u8>) {
    frames.clear();
    frames.shrink_to(ROOM_TO_KEEP);
}

impl Waiting {
    fn frames(&self) -> MutexGuard<'_, Frames> {
        self.frames.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outbox {
    fn lane(&self, lane: Lane) -> &Waiting {
        match lane {
            Lane::Messages => &self.messages,
            Lane::Parts => &self.parts,
        }
    }

    /// Empties `frames` into the lane; false if it holds too much already. Into a closed box everything vanishes.
    pub(super) fn put(&self, lane: Lane, frames: &mut Vec<u8>) -> bool {
        let lane = self.lane(lane);
        let mut waiting = lane.frames();
        let written = waiting.write(frames);
        if written == frames.len() {
            empty(frames);
            return true;
        }
        if waiting.bytes.len() > MOST_WAITING {
            return false;
        }
        if waiting.bytes.is_empty() && written == 0 {
            std::mem::swap(&mut waiting.bytes, frames);
        } else {
            waiting.bytes.extend_from_slice(&frames[written..]);
            empty(frames);
        }
        drop(waiting);
        lane.wake.notify_one();
        true
    }

    /// From now on the loop writes to this stream, as long as it takes all.
    pub(super) fn lend(&self, lane: Lane, stream: SendStream) {
        let mut waiting = self.lane(lane).frames();
        if !waiting.closed {
            waiting.stream = Some(stream);
        }
    }

    /// Waits until there is something that the stream did not take, swaps it into `frames`, which must be empty, and gives the
    /// stream back; none when the box is closed.
    pub(super) async fn take(&self, lane: Lane, frames: &mut Vec<u8>) -> Option<SendStream> {
        self.something_waits(lane).await;
        let mut waiting = self.lane(lane).frames();
        std::mem::swap(&mut waiting.bytes, frames);
        waiting.stream.take()
    }

    /// Waits until there is something; false when the box is closed.
    pub(super) async fn something_waits(&self, lane: Lane) -> bool {
        let lane = self.lane(lane);
        loop {
            {
                let waiting = lane.frames();
                if waiting.closed || !waiting.bytes.is_empty() {
                    return !waiting.closed;
                }
            }
            lane.wake.notified().await;
        }
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        Lane::ALL.iter().all(|lane| self.lane(*lane).frames().bytes.is_empty())
    }

    /// No more is taken.
    pub(super) fn close(&self) {
        for lane in Lane::ALL {
            let mut waiting = self.lane(lane).frames();
            waiting.closed = true;
            waiting.stream = None;
            drop(waiting);
            self.lane(lane).wake.notify_one();
        }
    }
}
