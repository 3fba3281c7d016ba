//! Carrying out what machines ask for, and tracing it: nobody can forget to trace a send, because sends only happen here.

use anyhow::Context;
use protocol::ids::Contact;
use protocol::machine::{Effect, Machine};
use protocol::message::{Envelope, Message};
use protocol::trace::{MessageFacts, TraceEvent};

use super::{Answered, Host};

impl<M: Machine> Host<M> {
    pub(super) fn carry_out_touched(&mut self) -> anyhow::Result<()> {
        for index in 0..self.touched.len() {
            self.carry_out(self.touched[index])?;
        }
        Ok(())
    }

    /// Everything one actor asked for, in its order.
    pub(super) fn carry_out(&mut self, at: usize) -> anyhow::Result<()> {
        let Some(actor) = self.actors[at].as_mut().filter(|actor| !actor.effects.is_empty()) else { return Ok(()) };
        let id = actor.id;
        // The list leaves the actor while it is worked on, and comes back empty with its room.
        let mut effects = std::mem::take(&mut actor.effects);
        for effect in effects.drain() {
            match effect {
                Effect::Send { to, traced, message } => self.send(at, to, traced, message),
                Effect::SetTimer { timer, after } => self.timers.set(at, timer, self.now + after.0),
                Effect::CancelTimer { timer } => self.timers.cancel(at, timer),
                Effect::CheckPostcode { request, postcode, traced } => {
                    self.check_postcode(at, request, postcode, traced)
                }
                Effect::Journal(record) => {
                    let journal = self.journal.as_ref().context("Only a name server has a journal.")?;
                    journal.write(&record)?;
                }
                Effect::Answered { request, answer } => self.answers.push(Answered { customer: id, request, answer }),
                Effect::Trace(event) => self.trace(id, || event),
            }
        }
        if let Some(actor) = self.actors[at].as_mut() {
            actor.effects = effects;
        }
        Ok(())
    }

    fn send(&mut self, at: usize, to: Contact, traced: bool, message: Message) {
        let Some(actor) = self.actors[at].as_mut() else { return };
        actor.sent += 1;
        let envelope = Envelope { from: actor.id, number: actor.sent, to: to.id, traced, message };
        if self.feed.is_observed() {
            let role = actor.role;
            self.observe_send(role, &envelope);
        }
        if let Some(envelope) = self.links.enter(to, envelope, self.now) {
            self.transport.send(to, &envelope);
        }
    }

    fn observe_send(&mut self, role: protocol::ids::Role, envelope: &Envelope) {
        let Envelope { from, number, to, traced, ref message } = *envelope;
        let control = message.is_control(traced);
        if !traced {
            return self.feed.count(from, to, control);
        }
        let facts = MessageFacts {
            step: message.step(role),
            label: message.label(),
            request: message.request(),
            fields: message.fields(),
            delay: self.links.delay(control),
            held: false,
        };
        let message = protocol::ids::MessageId { from, number };
        self.feed.note(from, self.clock.now(), TraceEvent::Sent { message, to, facts });
    }
}
