//! What a host tells its observers of itself: sendings, stays, deliveries, beliefs and armed timers.
//!
//! Without an observer none of this costs more than a branch. `protocol::trace` declares the facts and says what
//! each means.

use std::time::Duration;

use protocol::ids::{MessageId, NodeId, Role};
use protocol::machine::{Effect, Machine, Timer};
use protocol::message::{Envelope, Summary};
use protocol::trace::{MachineEvent, MessageFacts, NodeEvent, Stay};
use tokio::time::Instant;

use super::Host;
use crate::observation::LEEWAY;

/// Between two descriptions of what a node believes, and of its timers.
const BETWEEN_STATES: Duration = Duration::from_millis(50);

impl<M: Machine> Host<M> {
    /// Whether such a message is shown one by one.
    pub(super) fn shows(&self, traced: bool) -> bool {
        self.feed.is_observed() && (traced || self.heartbeats)
    }

    /// A message enters its link; `stay`: for how long, and whether it is held.
    pub(super) fn note_sent(&mut self, role: Role, envelope: &Envelope, stay: (u64, bool), copy: bool) {
        let Envelope { from, number, to, traced, ref message } = *envelope;
        if !self.shows(traced) {
            return self.feed.count(from, to, message.is_control(traced));
        }
        let summary = Summary::from(message);
        let facts = MessageFacts {
            step: message.step(role),
            summary: if copy { Summary::CopyOf(Box::new(summary)) } else { summary },
            request: message.request(),
            fields: message.fields(),
            delay: stay.0,
            held: stay.1,
        };
        let message = MessageId { from, number };
        self.feed.note(from, self.clock.now(), NodeEvent::Sent { message, to, facts });
    }

    pub(super) fn note_stay(&mut self, message: MessageId, to: NodeId, traced: bool, stay: Stay) {
        if self.shows(traced) {
            self.feed.note(message.from, self.clock.now(), NodeEvent::Stays { message, to, stay });
        }
    }

    /// A message was handled; `before`: how many effects its receiver had asked for until then.
    pub(super) fn note_delivered(&mut self, at: usize, message: MessageId, before: usize) {
        let Some(actor) = self.actors[at].as_ref() else { return };
        let why = |effect: &Effect| {
            let Effect::Trace(MachineEvent::Refused { why, .. }) = effect else { return None };
            Some(why.clone())
        };
        let refused = actor.effects.after(before).iter().find_map(why);
        self.feed.note(actor.id, self.clock.now(), NodeEvent::Delivered { message, refused });
    }

    /// A timer rang.
    pub(super) fn note_rang(&mut self, at: usize, timer: Timer) {
        if let Some(node) = self.actors[at].as_ref().map(|actor| actor.id) {
            self.trace(node, || NodeEvent::Rang { timer });
        }
    }

    /// Has every actor described again.
    pub(super) fn describe_all(&mut self) {
        if self.feed.is_observed() {
            for (at, actor) in self.actors.iter_mut().enumerate() {
                if let Some(actor) = actor.as_mut().filter(|actor| !actor.changed) {
                    actor.changed = true;
                    self.changed.push(at);
                }
            }
        }
    }

    /// When something must be described at the latest.
    pub(super) fn next_description(&self) -> Option<Instant> {
        (!self.changed.is_empty()).then_some(self.describe_from + LEEWAY)
    }

    /// Reports what the actors believe now, where it is something else than reported last.
    pub(super) fn describe_changed(&mut self) {
        if self.changed.is_empty() || Instant::now() < self.describe_from {
            return;
        }
        self.describe_from = Instant::now() + BETWEEN_STATES;
        let mut armed = self.armed_timers();
        let mut changed = std::mem::take(&mut self.changed);
        for at in changed.drain(..) {
            let Some(actor) = self.actors[at].as_mut() else { continue };
            actor.changed = false;
            let state = actor.state();
            if actor.described.as_ref() != Some(&state) {
                actor.described = Some(state.clone());
                self.feed.note(actor.id, self.now, NodeEvent::State(state));
            }
            let timers = armed.get_mut(at).map(std::mem::take).unwrap_or_default();
            if self.slow && actor.armed != timers {
                actor.armed.clone_from(&timers);
                self.feed.note(actor.id, self.now, NodeEvent::Timers { armed: timers });
            }
        }
        self.changed = changed; // Keeps its room.
    }

    /// By actor, while time is slow: at real time no viewer could follow them anyway.
    fn armed_timers(&self) -> Vec<Vec<(Timer, u64)>> {
        if !self.slow {
            return Vec::new();
        }
        let mut armed = vec![Vec::new(); self.actors.len()];
        for (at, timer, moment) in self.timers.armed() {
            armed[at].push((timer, moment));
        }
        armed
    }
}
