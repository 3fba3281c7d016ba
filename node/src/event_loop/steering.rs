//! How a host obeys its launcher: its time, its links, what is in them, its timers, and whether it stands still.
//!
//! No machine learns of any of this. By construction, commands can come only over standard input (`observation`), or from
//! the program that owns the host.

use std::time::Duration;

use protocol::ids::{Contact, MessageId, NodeId};
use protocol::machine::{Input, Machine, Settings, Timer, Wish};
use protocol::message::Envelope;
use protocol::trace::{Denial, Freezing, Loss, MessageAct, NodeEvent, Rate, Stay};

use super::Host;
use crate::control::{LinkSetting, SteeringCommand};
use crate::freezing::Standstill;
use crate::links::{Acted, Changed, Passing};
use crate::transport::Observed;

impl<M: Machine> Host<M> {
    /// The switch with which another thread ends this host's standing still; a host without one is never woken.
    #[must_use]
    pub fn with_standstill(mut self, standstill: Standstill) -> Self {
        self.standstill = standstill;
        self
    }

    /// Obeys a command.
    ///
    /// # Errors
    /// The reason, if that cannot be done.
    pub fn steer(&mut self, command: SteeringCommand) -> Result<(), Denial> {
        match command {
            SteeringCommand::Clock { at, rate, until } => self.set_clock(at, rate, until),
            SteeringCommand::Retime(settings) => self.retime(settings),
            SteeringCommand::Link(setting) => self.set_link(setting),
            SteeringCommand::Message { message, to, act } => return self.act_on(message, to, act),
            SteeringCommand::Ring { node, timer } => return self.ring(node, timer),
            SteeringCommand::Bomb { node, bomb } => self.lay_bomb(node, bomb),
            SteeringCommand::Disk { node, fault } => match &self.disk {
                Some(disk) if self.by_id.contains_key(&node) => disk.set_fault(fault),
                Some(_) | None => return Err(Denial::NotHere { node }),
            },
            SteeringCommand::BeginAfresh { node, after, primary } => {
                self.give(node, Input::Wanted { wish: Wish::BeginAfresh { after, primary }, traced: true });
            }
            SteeringCommand::ObserveHeartbeats(one_by_one) => self.observe_heartbeats(one_by_one),
        }
        Ok(())
    }

    /// Cluster time goes at this rate, from the launcher's reading `at` on, and stops by itself at `until`.
    pub(super) fn set_clock(&mut self, at: u64, rate: Rate, until: Option<u64>) {
        // What the clock showed while this process slept was not seen by any actor here.
        let shows = self.clock.now();
        let seen = if shows > self.now + self.late() { self.now } else { shows };
        self.clock.set_after(seen, at, rate, until);
        if rate == Rate::REAL {
            // Observers forget armed timers at real time, so those that stay as they are must be told again afterwards.
            self.actors.iter_mut().flatten().for_each(|actor| actor.armed.clear());
        }
        self.slow = rate.is_slow() || until.is_some();
        if self.slow {
            self.describe_all();
        }
    }

    /// New settings for links and machines.
    pub(super) fn retime(&mut self, settings: Settings) {
        self.links.set_hop(settings.hop);
        for (at, _) in self.actors.iter().enumerate().filter(|(_, actor)| actor.is_some()) {
            self.given.push_back((at, Input::Retimed(settings.clone())));
        }
        self.settings = settings;
    }

    /// What a link of an actor here does from now on, or that of a postcode service back to it.
    pub fn set_link(&mut self, setting: LinkSetting) {
        let LinkSetting { from, to, rule } = setting;
        self.now = self.now.max(self.clock.now());
        let (changed, lost) = self.links.set_rule((from, to), rule, self.now);
        for Changed { message, to, traced, stay } in changed {
            self.note_stay(message, to, traced, stay);
        }
        for passing in lost {
            self.is_lost(passing, Loss::Cut);
        }
    }

    /// Does something with a message that is in a link, or with a question to a postcode service, or with its verdict.
    ///
    /// # Errors
    /// If it has left its link, or cannot be doubled.
    pub(super) fn act_on(&mut self, message: MessageId, to: NodeId, act: MessageAct) -> Result<(), Denial> {
        self.now = self.now.max(self.clock.now());
        match self.links.act(message, to, act, self.now).ok_or(Denial::MessageLeft)? {
            Acted::Nothing => {}
            Acted::Stays { stay, traced } => self.note_stay(message, to, traced, stay),
            Acted::Leaves(passing) => {
                self.note_stay(message, to, passing.is_traced(), Stay::Until(self.now));
                self.leaves(passing);
            }
            Acted::Dropped(passing) => self.is_lost(passing, Loss::Dropped),
            Acted::Doubles(Passing::Message { to, envelope }) => self.send_copy(to, envelope),
            Acted::Doubles(Passing::Question(_) | Passing::Verdict(_)) => {
                return Err(Denial::QuestionsAreNotDoubled);
            }
        }
        Ok(())
    }

    /// The same message once more, as the links treat it now.
    fn send_copy(&mut self, to: Contact, envelope: Envelope) {
        let Some(at) = self.by_id.get(&envelope.from).copied() else { return };
        let Some(actor) = self.actors[at].as_mut() else { return };
        actor.sent += 1;
        let copy = Envelope { number: actor.sent, ..envelope };
        self.enter_link(at, to, copy, true);
        self.transport.flush();
    }

    /// Lets an armed timer ring now, whatever time it is.
    ///
    /// # Errors
    /// If it is not armed.
    pub(super) fn ring(&mut self, node: NodeId, timer: Timer) -> Result<(), Denial> {
        let at = self.by_id.get(&node).copied().ok_or(Denial::NotHere { node })?;
        if !self.timers.is_set(at, timer) {
            return Err(Denial::TimerNotArmed);
        }
        self.timers.cancel(at, timer);
        self.timers_rung += 1;
        self.trace(node, || NodeEvent::Rang { timer });
        self.given.push_back((at, Input::Rang(timer)));
        Ok(())
    }

    /// Whether control messages are traced one by one, too, or only counted.
    pub(super) fn observe_heartbeats(&mut self, one_by_one: bool) {
        self.heartbeats = one_by_one;
        self.observe_losses();
    }

    pub(super) fn observe_losses(&mut self) {
        self.transport.set_observed(match (self.shows(true), self.shows(false)) {
            (false, _) => Observed::Nothing,
            (true, false) => Observed::Traced,
            (true, true) => Observed::All,
        });
    }

    /// How many timers rang so far, by themselves or by hand.
    #[must_use]
    pub fn timers_rung(&self) -> u64 {
        self.timers_rung
    }

    /// How many messages are held or slowed in links now.
    #[must_use]
    pub fn in_links(&self) -> u64 {
        self.links.kept() as u64
    }

    /// From now on a "wake" is heard, although this process does not stand still yet: its owner tells others first.
    pub fn begin_standstill(&self) {
        self.standstill.begin();
    }

    /// This process, told to by [`Self::begin_standstill`] or the thread that listens, stands still at this very point until
    /// it is woken or, if a time is named, until that much real time has passed; not at all if it was woken already.
    pub fn stand_still(&mut self, node: NodeId, at_most: Option<Duration>) {
        self.trace(node, || NodeEvent::Froze { how: Freezing::Cooperative });
        self.feed.flush_now();
        self.standstill.last(at_most);
        self.trace(node, || NodeEvent::Woke);
    }
}
