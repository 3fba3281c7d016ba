//! What comes to a host from outside: messages, losses, and time that went on without it.
//!
//! What its machines then do is carried out elsewhere (`carry_out`).

use std::net::SocketAddr;

use protocol::ids::{Contact, MessageId, Span};
use protocol::machine::{Input, Machine};
use protocol::message::Envelope;
use protocol::trace::NodeEvent;

use super::Host;
use crate::transport::Arrival;

/// Messages handled before the machines settle, so that no answer waits for an endless queue.
const MOST_MESSAGES: usize = 4096;
/// What arrives passes QUIC's endpoint, its connection and its reader before it is here; each of them may need a turn or two.
const TASKS_TO_PASS: usize = 8;

impl<M: Machine> Host<M> {
    /// What the network brought, up to as much as one round takes.
    pub(super) fn handle_arrivals(&mut self) {
        let mut messages = 0;
        self.behind = true;
        while messages < MOST_MESSAGES {
            let Some(arrival) = self.arrivals.pop_front().or_else(|| self.transport.try_arrival()) else {
                self.behind = false;
                return;
            };
            match arrival {
                Arrival::Messages { from, envelopes } => {
                    messages += envelopes.len();
                    for envelope in envelopes {
                        self.deliver(from, envelope);
                    }
                }
                Arrival::ConnectionLost { peer } => {
                    for at in 0..self.actors.len() {
                        self.handle(at, Input::ConnectionLost { peer });
                    }
                }
                Arrival::Reach { peer, reached } => self.reach.push((peer.id, reached)),
                Arrival::Lost { messages, why } => {
                    for (message, to) in messages {
                        self.trace(message.from, || NodeEvent::Lost { message, to, why: why.clone() });
                    }
                }
            }
        }
    }

    /// A message is here, and its receiver handles it.
    pub(super) fn deliver(&mut self, address: SocketAddr, envelope: Envelope) {
        let Some(at) = self.by_id.get(&envelope.to).copied() else {
            let why = || format!("a message for {}, which does not run here", envelope.to);
            return self.transport.refusals().add(address, why);
        };
        let from = Contact { id: envelope.from, address };
        let message = MessageId { from: envelope.from, number: envelope.number };
        let shown = self.shows(envelope.traced);
        let before = self.actors[at].as_ref().map_or(0, |actor| actor.effects.len());
        self.handle(at, Input::Received { from, traced: envelope.traced, message: envelope.message });
        if shown {
            self.note_delivered(at, message, before);
        }
    }

    /// Whether what came in time may still wait outside: see [`Self::has_overslept`] and [`Self::catch_up`].
    #[must_use]
    pub fn is_late(&self) -> bool {
        self.lateness(self.clock.now()) > self.settings.late_from().0
    }

    /// Whether it is so late that this process was itself frozen, or the machine slept. Then the launcher may have said something
    /// meanwhile that should be heard before the next round.
    #[must_use]
    pub fn has_overslept(&self) -> bool {
        self.lateness(self.clock.now()) > self.late()
    }

    /// By how much the first timer that is due is late: for that time this loop did not run, or was busy.
    fn lateness(&self, now: u64) -> u64 {
        self.timers.next().map_or(0, |due| now.saturating_sub(due))
    }

    /// A process that is this late counts as frozen.
    pub(super) fn late(&self) -> u64 {
        self.settings.frozen_from().0
    }

    /// If this loop is late, what came meanwhile still waits in the system, or on its way through QUIC's tasks: it is let in
    /// before a timer counts it as missing. Losing this future loses nothing.
    pub async fn catch_up(&mut self) {
        if self.is_late() {
            for _ in 0..TASKS_TO_PASS {
                tokio::task::yield_now().await;
            }
        }
    }

    /// A process that was itself late suspects no other for that (PROTOCOL section 7): its machines hear of it before any
    /// timer rings. Lateness is measured in cluster time, as silence is: however fast that goes, and also when it was set
    /// forward.
    pub(super) fn tell_if_late(&mut self) -> anyhow::Result<()> {
        let by = self.lateness(self.now);
        if by <= self.settings.late_from().0 {
            return Ok(());
        }
        tracing::info!("this loop was late by {} ms; no node is suspected for that time", by / 1000);
        for at in 0..self.actors.len() {
            self.handle(at, Input::Overslept { by: Span(by) });
        }
        self.carry_out_touched()
    }
}
