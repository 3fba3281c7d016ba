//! Carrying out what machines ask for, and tracing it: no send can go untraced, because sends only happen here.

use anyhow::Context;
use protocol::ids::{Contact, MessageId, NodeId};
use protocol::machine::{Effect, Input, Machine};
use protocol::message::{Envelope, Message};
use protocol::trace::{LinkRule, Loss, NodeEvent};

use super::{Answered, Host};
use crate::links::{Fate, MOST_IN_LINKS, Passing};

impl<M: Machine> Host<M> {
    pub(super) fn carry_out_touched(&mut self) -> anyhow::Result<()> {
        for index in 0..self.touched.len() {
            self.carry_out(self.touched[index])?;
        }
        Ok(())
    }

    /// Everything one actor asked for, in its order.
    pub(super) fn carry_out(&mut self, at: usize) -> anyhow::Result<()> {
        if !self.bombs.is_idle() {
            return self.carry_out_warily(at);
        }
        let Some(actor) = self.actors[at].as_mut().filter(|actor| !actor.effects.is_empty()) else { return Ok(()) };
        let id = actor.id;
        // The list leaves the actor while it is worked on, and comes back empty with its room.
        let mut effects = std::mem::take(&mut actor.effects);
        for effect in effects.drain() {
            self.carry_out_one(at, id, effect)?;
        }
        if let Some(actor) = self.actors[at].as_mut() {
            actor.effects = effects;
        }
        Ok(())
    }

    pub(super) fn carry_out_one(&mut self, at: usize, id: NodeId, effect: Effect) -> anyhow::Result<()> {
        match effect {
            Effect::Send { to, traced, message } => self.send(at, to, traced, message),
            Effect::SetTimer { timer, after } => self.timers.set(at, timer, self.now + after.0),
            Effect::CancelTimer { timer } => self.timers.cancel(at, timer),
            Effect::CheckPostcode { request, postcode, traced } => self.check_postcode(at, request, postcode, traced),
            Effect::EndCheck { request } => self.end_check(request),
            Effect::Probe { peer } => self.probe(at, id, peer),
            Effect::Journal(record) => {
                let journal = self.record.as_mut().context("Only a name server has a journal.")?;
                journal.keep(&record)?;
            }
            Effect::Store { number, operation } => {
                let store = self.record.as_mut().context("Only a name server has a store.")?;
                self.asks_store = at;
                store.begin(number, operation);
            }
            Effect::Keep { number, new_file, kept } => {
                let disk = self.disk.as_ref().context("Only a durable replica keeps records.")?;
                self.keeps = at;
                disk.keep(number, new_file, kept);
            }
            Effect::Answered { request, answer } => self.answers.push(Answered { customer: id, request, answer }),
            Effect::Trace(event) => self.feed.note(id, self.clock.now(), event),
        }
        Ok(())
    }

    /// What a link does not let through, a proof does not pass either; and while time stands still no node misses another.
    fn probe(&mut self, at: usize, me: NodeId, peer: Contact) {
        let LinkRule { cut, hold, .. } = self.links.rule((me, peer.id));
        if !cut && !hold && !self.clock.is_stopped() && self.transport.is_closed(peer.address) {
            self.given.push_back((at, Input::Gone { peer: peer.id }));
        }
    }

    fn send(&mut self, at: usize, to: Contact, traced: bool, message: Message) {
        let Some(actor) = self.actors[at].as_mut() else { return };
        actor.sent += 1;
        let envelope = Envelope { from: actor.id, number: actor.sent, to: to.id, traced, message };
        if self.links.are_at_rest() {
            if self.feed.is_observed() {
                let role = actor.role;
                self.note_sent(role, &envelope, (0, false), false);
            }
            return self.leave(to, &envelope);
        }
        if !self.links.doubles((envelope.from, envelope.to)) {
            return self.enter_link(at, to, envelope, false);
        }
        actor.sent += 1;
        let copy = Envelope { number: actor.sent, ..envelope.clone() };
        self.enter_link(at, to, envelope, false);
        self.enter_link(at, to, copy, true);
    }

    /// A message enters a link that may do something with it; `copy`: which the link made of another.
    pub(super) fn enter_link(&mut self, at: usize, to: Contact, envelope: Envelope, copy: bool) {
        let control = envelope.message.is_control(envelope.traced);
        let fate = self.links.fate((envelope.from, envelope.to), control, self.now);
        let stay = match fate {
            Fate::Passes | Fate::Lost(_) => (0, false),
            Fate::Stays { left, held } => (left, held),
        };
        if self.feed.is_observed()
            && let Some(role) = self.actors[at].as_ref().map(|actor| actor.role)
        {
            self.note_sent(role, &envelope, stay, copy);
        }
        match fate {
            Fate::Passes => self.leave(to, &envelope),
            Fate::Stays { left, held } => self.links.keep(Passing::Message { to, envelope }, left, held, self.now),
            Fate::Lost(why) => self.is_lost(Passing::Message { to, envelope }, why),
        }
    }

    /// Lets everything leave its link whose time there is over.
    pub(super) fn let_go(&mut self) {
        self.take_ended_attempts();
        // After an explosion nothing more leaves in this round.
        while !self.bombs.went_off()
            && let Some(passing) = self.links.take_due(self.now)
        {
            self.leaves(passing);
        }
    }

    /// A message leaves its link.
    fn leave(&mut self, to: Contact, envelope: &Envelope) {
        self.transport.send(to, envelope);
        if !self.bombs.is_idle() {
            self.has_left(envelope);
        }
    }

    /// Something leaves its link.
    pub(super) fn leaves(&mut self, passing: Passing) {
        match passing {
            Passing::Message { to, envelope } => self.leave(to, &envelope),
            Passing::Question(question) => self.question_is_there(question),
            Passing::Verdict(answer) => self.verdict_is_here(*answer),
        }
    }

    /// Something will never leave its link.
    pub(super) fn is_lost(&mut self, passing: Passing, why: Loss) {
        if why == Loss::LinksFull && self.links.overflow() {
            let text = || {
                format!(
                    "The links of this node hold {MOST_IN_LINKS} messages, the most they can. Further messages are lost: mend a link."
                )
            };
            self.trace(passing.way().0, || NodeEvent::Log { text: text() });
        }
        self.note_lost(&passing, why);
        match passing {
            Passing::Message { .. } => {}
            Passing::Question(question) => self.question_is_lost(*question),
            Passing::Verdict(answer) => self.question_is_lost(answer.question),
        }
    }

    pub(super) fn note_lost(&mut self, passing: &Passing, why: Loss) {
        if self.shows(passing.is_traced()) {
            let (message, (from, to)): (MessageId, _) = (passing.id(), passing.way());
            self.feed.note(from, self.clock.now(), NodeEvent::Lost { message, to, why });
        }
    }
}
