//! Two lanes to each peer, each a stream of its own: messages do not wait behind the parts of a state [5].
//!
//! Parts are large and come in numbers when a replica joins; a heartbeat or an order behind them would wait for all of them. Each
//! lane keeps its order; between the lanes there is none, and the protocol needs none (PROTOCOL, “The idea”).

use std::sync::{Mutex, MutexGuard, PoisonError};

use protocol::message::Message;
use tokio::sync::Notify;

/// Bytes that may wait in one lane; a peer that takes no more is frozen or dead, and what it misses is sent again.
const MOST_WAITING: usize = 4 * 1024 * 1024;

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
    closed: bool,
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
        if waiting.bytes.is_empty() {
            std::mem::swap(&mut waiting.bytes, frames);
        } else if waiting.bytes.len() > MOST_WAITING {
            return false;
        } else {
            waiting.bytes.append(frames);
        }
        drop(waiting);
        lane.wake.notify_one();
        true
    }

    /// Waits until there is something and swaps it into `frames`, which must be empty; false when the box is closed.
    pub(super) async fn take(&self, lane: Lane, frames: &mut Vec<u8>) -> bool {
        self.when_something_waits(lane, |waiting| std::mem::swap(waiting, frames)).await
    }

    /// Waits until there is something; false when the box is closed.
    pub(super) async fn something_waits(&self, lane: Lane) -> bool {
        self.when_something_waits(lane, |_| {}).await
    }

    async fn when_something_waits(&self, lane: Lane, mut then: impl FnMut(&mut Vec<u8>)) -> bool {
        let lane = self.lane(lane);
        loop {
            {
                let mut waiting = lane.frames();
                if waiting.closed {
                    return false;
                }
                if !waiting.bytes.is_empty() {
                    then(&mut waiting.bytes);
                    return true;
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
            self.lane(lane).frames().closed = true;
            self.lane(lane).wake.notify_one();
        }
    }
}
