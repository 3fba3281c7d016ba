//! What comes to a host from outside: messages, losses, and time that went on without it.
//!
//! What its machines then do is carried out elsewhere (`carry_out`).

use std::net::SocketAddr;

use protocol::ids::{Contact, MessageId};
use protocol::machine::{Input, Machine};
use protocol::message::Envelope;
use protocol::trace::TraceEvent;

use super::Host;
use crate::transport::Arrival;

/// Messages handled before the machines settle, so that nobody's answer waits for an endless queue.
const MOST_MESSAGES: usize = 4096;

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
                Arrival::Lost { messages, why } => {
                    for (message, to) in messages {
                        self.trace(message.from, || TraceEvent::Lost { message, to, why: why.clone() });
                    }
                }
            }
        }
    }

    /// A message is here: its receiver handles it, whoever that is.
    pub(super) fn deliver(&mut self, address: SocketAddr, envelope: Envelope) {
        let Some(at) = self.by_id.get(&envelope.to).copied() else {
            let why = || format!("a message for {}, who is not here (any more)", envelope.to);
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

    /// Whether this process was itself late: frozen, or the machine slept. Then the launcher may have said something
    /// meanwhile that should be heard before the next round.
    #[must_use]
    pub fn has_overslept(&self) -> bool {
        self.is_late_at(self.clock.now())
    }

    fn is_late_at(&self, now: u64) -> bool {
        self.timers.next().is_some_and(|due| now > due + self.late())
    }

    /// Whoever is late by so much accuses nobody.
    pub(super) fn late(&self) -> u64 {
        self.settings.suspect_after.0 / 2
    }

    /// A process that was itself late accuses nobody (PROTOCOL section 7): timers are restarted before any rings. Late is
    /// what is late in cluster time, in which others are accused: however fast that goes, also when it was set forward.
    pub(super) fn restart_if_late(&mut self) -> anyhow::Result<()> {
        if !self.is_late_at(self.now) {
            return Ok(());
        }
        tracing::info!("this process was late itself; it accuses nobody for the silence");
        for at in 0..self.actors.len() {
            self.handle(at, Input::Overslept);
        }
        self.carry_out_touched()
    }
}
