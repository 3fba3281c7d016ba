//! The one loop of a process: inputs → `handle` → … → `settle` → effects carried out, in their order → one write per peer, and
//! when QUIC has sent it, what the machines have put off.
//!
//! A [`Host`] drives one machine (a node) or many (the customers, all on one endpoint). It owns clock, timers, links and
//! transport; no machine sees any of them. There is no lock and no second loop: the host's owner calls
//! [`Host::ready`] and then [`Host::round`], for ever. What machines decide is not known here.

mod arrivals;
mod bombs;
mod carry_out;
mod facts;
mod failpoints;
mod postcodes;
mod steering;

use std::collections::VecDeque;
use std::task::Poll;

use protocol::ids::{Contact, NodeId, RequestId, Role, Span};
use protocol::machine::{Effects, Input, Machine, Settings, Timer};
use protocol::message::Answer;
use protocol::trace::{NodeEvent, NodeState};
use protocol::view_record::StoreAnswer;
use rustc_hash::FxHashMap;
use tokio::time::Instant;

use crate::alarm::Alarm;
use crate::cluster_clock::{ClusterClock, Timers};
use crate::durable::{DiskAnswer, DurableLog};
use crate::freezing::Standstill;
use crate::links::Links;
use crate::observation::Feed;
use crate::postcode_services::PostcodeServices;
use crate::transport::{Arrival, Transport};
use crate::view_record::{StoreError, ViewRecord};
use bombs::Bombs;
pub use bombs::Explosion;
use postcodes::Inquirer;

/// A settled request of a customer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// The customer that asked.
    pub customer: NodeId,
    /// Its request.
    pub request: RequestId,
    /// The answer to it.
    pub answer: Answer,
}

/// Machines and everything they live in.
pub struct Host<M> {
    actors: Vec<Option<Actor<M>>>,
    by_id: FxHashMap<NodeId, usize>,
    /// Cluster time when this round began.
    now: u64,
    clock: ClusterClock,
    timers: Timers,
    links: Links,
    transport: Transport,
    feed: Feed,
    record: Option<Box<dyn ViewRecord>>,
    /// What a store has answered, and whose question that was.
    recorded: VecDeque<Result<(u64, StoreAnswer), StoreError>>,
    asks_store: usize,
    /// Of a durable replica, the only actor here.
    disk: Option<DurableLog>,
    /// What its disk has answered, and from which cluster time on it is heard: a sync lasts as long as a hop of a message, so that
    /// it can be seen while time is slow.
    written: VecDeque<(u64, DiskAnswer)>,
    keeps: usize,
    inquirer: Option<Inquirer>,
    settings: Settings,
    /// Whether cluster time may be slower than real time: then timers are shown.
    slow: bool,
    /// Whether control messages are shown one by one.
    heartbeats: bool,
    timers_rung: u64,
    standstill: Standstill,
    /// What [`Host::ready`] found.
    arrivals: VecDeque<Arrival>,
    /// More had arrived than one round takes.
    behind: bool,
    given: VecDeque<(usize, Input)>,
    /// Actors that had an input and have not settled.
    touched: Vec<usize>,
    /// Actors that have put something off until what they say is on its way.
    put_off: Vec<usize>,
    /// Actors whose description may have changed, and when it may be looked at again.
    changed: Vec<usize>,
    describe_from: Instant,
    answers: Vec<Answered>,
    /// Peers on other machines that are not reached any more, or again.
    reach: Vec<(NodeId, bool)>,
    bombs: Bombs,
    alarm: Alarm,
}

struct Actor<M> {
    id: NodeId,
    role: Role,
    machine: M,
    effects: Effects,
    /// How many messages it has sent; numbers them.
    sent: u64,
    touched: bool,
    changed: bool,
    described: Option<NodeState>,
    /// Its armed timers, as reported last.
    armed: Vec<(Timer, u64)>,
}

impl<M: Machine> Actor<M> {
    /// What its machine believes, with nothing put off.
    fn state(&mut self) -> NodeState {
        self.machine.finish();
        self.machine.describe()
    }
}

impl<M: Machine> Host<M> {
    /// A host without actors. Must be made within a tokio runtime.
    #[must_use]
    pub fn new(transport: Transport, clock: ClusterClock, settings: &Settings, feed: Feed) -> Self {
        let mut host = Self {
            actors: Vec::new(),
            by_id: FxHashMap::default(),
            now: clock.now(),
            clock,
            timers: Timers::default(),
            links: Links::default(),
            transport,
            feed,
            record: None,
            recorded: VecDeque::new(),
            asks_store: 0,
            disk: None,
            written: VecDeque::new(),
            keeps: 0,
            inquirer: None,
            settings: settings.clone(),
            slow: clock.rate().is_slow() || clock.until().is_some(),
            heartbeats: false,
            timers_rung: 0,
            standstill: Standstill::default(),
            arrivals: VecDeque::new(),
            behind: false,
            given: VecDeque::new(),
            touched: Vec::new(),
            put_off: Vec::new(),
            changed: Vec::new(),
            describe_from: Instant::now(),
            answers: Vec::new(),
            reach: Vec::new(),
            bombs: Bombs::default(),
            alarm: Alarm::at(Instant::now()),
        };
        host.links.set_hop(settings.hop);
        host.observe_losses();
        host
    }

    /// Name server: where its record is kept.
    #[must_use]
    pub fn with_record(mut self, record: Box<dyn ViewRecord>) -> Self {
        self.record = Some(record);
        self
    }

    /// Replica: where it asks about postcodes.
    #[must_use]
    pub fn with_postcode_services(mut self, services: PostcodeServices) -> Self {
        self.inquirer = Some(Inquirer::new(services));
        self
    }

    /// Durable replica: where it keeps its orders.
    #[must_use]
    pub fn with_disk(mut self, disk: DurableLog) -> Self {
        self.disk = Some(disk);
        self
    }

    /// The messages of an actor are numbered from here: one that was here before, under this id, has used lower numbers.
    pub fn number_from(&mut self, id: NodeId, number: u64) {
        if let Some(actor) = self.by_id.get(&id).and_then(|at| self.actors[*at].as_mut()) {
            actor.sent = actor.sent.max(number);
        }
    }

    /// Adds an actor and starts it; its effects are carried out in the next round.
    pub fn add(&mut self, id: NodeId, role: Role, machine: M) {
        let effects = Effects::new(self.feed.is_observed());
        let (sent, touched, changed, described, armed) = (0, false, false, None, Vec::new());
        let actor = Actor { id, role, machine, effects, sent, touched, changed, described, armed };
        if self.actors.is_empty() {
            self.links.seed(id.0);
        }
        let at = self.actors.iter().position(Option::is_none).unwrap_or(self.actors.len());
        if at == self.actors.len() {
            self.actors.push(None);
        }
        let actor = self.actors[at].insert(actor);
        actor.machine.start(&mut actor.effects);
        self.by_id.insert(id, at);
        self.touch(at);
    }

    /// Takes an actor away; what it sent stays sent.
    pub fn remove(&mut self, id: NodeId) {
        let Some(at) = self.by_id.remove(&id) else { return };
        self.actors[at] = None;
        self.timers.cancel_all(at);
        self.given.retain(|(of, _)| *of != at);
        self.touched.retain(|of| *of != at);
        self.changed.retain(|of| *of != at);
        self.bombs.forget(at);
    }

    /// An input for the next round. Nothing happens if no actor here has that id.
    pub fn give(&mut self, id: NodeId, input: Input) {
        if let Some(at) = self.by_id.get(&id) {
            self.given.push_back((*at, input));
        }
    }

    /// Begins or ends observation; it begins with what every actor believes.
    pub fn observe(&mut self, observed: bool) {
        self.feed.set_observed(observed);
        self.observe_losses();
        for at in 0..self.actors.len() {
            if let Some(actor) = &mut self.actors[at] {
                actor.effects.set_observed(observed || self.bombs.lies_in(at));
                actor.described = None;
                actor.armed.clear();
                self.touch(at);
            }
        }
    }

    /// An event that the host's owner saw.
    pub fn trace(&mut self, node: NodeId, event: impl FnOnce() -> NodeEvent) {
        if self.feed.is_observed() {
            self.feed.note(node, self.clock.now(), event());
        }
    }

    /// Waits until there is something to do. Losing this future loses nothing.
    pub async fn ready(&mut self) {
        if self.behind || !self.given.is_empty() || !self.arrivals.is_empty() || !self.touched.is_empty() {
            // Let the connections' tasks write what the last round left, and read on.
            return tokio::task::yield_now().await;
        }
        let wake = self.next_moment();
        let mut said = false;
        std::future::poll_fn(|context| {
            if let Poll::Ready(arrival) = self.transport.poll_arrival(context) {
                self.arrivals.push_back(arrival);
                return Poll::Ready(());
            }
            if let Some(Poll::Ready(answer)) = self.record.as_mut().map(|record| record.poll_answer(context)) {
                self.recorded.push_back(answer);
                return Poll::Ready(());
            }
            if let Some(Poll::Ready(answer)) = self.disk.as_mut().map(|disk| disk.poll_answer(context)) {
                self.written.push_back((self.heard_from(), answer));
                return Poll::Ready(());
            }
            if self.inquirer.as_mut().is_some_and(|inquirer| inquirer.poll_ended(context)) {
                return Poll::Ready(());
            }
            if !self.put_off.is_empty() {
                if !std::mem::replace(&mut said, true) {
                    // The connections' tasks come first: they send what the last round wrote.
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                self.finish();
            }
            let Some(wake) = wake else { return Poll::Pending };
            self.alarm.ring_at(wake);
            self.alarm.poll_due(context)
        })
        .await;
    }

    /// From when on an answer of the disk that is here now is heard; never before an earlier one.
    fn heard_from(&self) -> u64 {
        let from = match self.settings.hop {
            Span(0) => 0,
            hop => self.clock.now() + hop.0,
        };
        self.written.back().map_or(from, |(last, _)| from.max(*last))
    }

    fn next_moment(&self) -> Option<Instant> {
        let written = self.written.front().map(|(from, _)| *from);
        let cluster = self.timers.next().into_iter().chain(self.links.next()).chain(written).min();
        let cluster = cluster.and_then(|at| self.clock.real_moment(at));
        cluster.into_iter().chain(self.feed.due()).chain(self.next_description()).min()
    }

    /// Handles everything that waits, lets the machines settle, and carries out what they ask for.
    ///
    /// # Errors
    /// When the view record cannot be kept where it was to be: then this process must not go on.
    pub fn round(&mut self) -> anyhow::Result<()> {
        self.now = self.clock.now();
        self.tell_if_late()?;
        self.handle_arrivals();
        while let Some(answer) = self.recorded.pop_front() {
            let (number, answer) = answer?;
            self.handle(self.asks_store, Input::StoreAnswered { number, answer });
        }
        while let Some((_, answer)) = self.written.pop_front_if(|(from, _)| *from <= self.now) {
            match answer {
                DiskAnswer::Kept(number) => self.handle(self.keeps, Input::Kept { number }),
                DiskAnswer::Failed(number, why) => self.handle(self.keeps, Input::KeepFailed { number, why }),
                DiskAnswer::Reached(at) => self.disk_has_reached(at),
            }
        }
        // A timer that a message has just set anew must not ring.
        self.carry_out_touched()?;
        self.let_go();
        while let Some((at, timer)) = self.timers.take_due(self.now) {
            self.timers_rung += 1;
            if self.slow && timer != Timer::Heartbeat {
                self.note_rang(at, timer);
            }
            self.handle(at, Input::Rang(timer));
        }
        loop {
            while let Some((at, input)) = self.given.pop_front() {
                self.handle(at, input);
            }
            self.carry_out_touched()?;
            self.ask_waiting();
            if !self.given.is_empty() {
                continue; // A verdict was remembered: it belongs to the same batch.
            }
            self.settle_touched()?;
            self.ask_waiting();
            if self.given.is_empty() {
                break;
            }
        }
        self.transport.flush();
        self.describe_changed();
        self.feed.flush(self.now);
        Ok(())
    }

    fn handle(&mut self, at: usize, input: Input) {
        let input = if self.bombs.is_idle() { Some(input) } else { self.admit(at, input) };
        let Some(input) = input else { return };
        if let Some(actor) = self.actors.get_mut(at).and_then(Option::as_mut) {
            actor.machine.handle(input, &mut actor.effects);
            if !self.bombs.is_idle() {
                actor.machine.finish(); // A bomb looks at the machine at any moment.
            }
            self.touch(at);
        }
    }

    fn touch(&mut self, at: usize) {
        let Some(actor) = self.actors[at].as_mut() else { return };
        if !actor.touched {
            actor.touched = true;
            self.touched.push(at);
        }
        if !actor.changed && self.feed.is_observed() {
            actor.changed = true;
            self.changed.push(at);
        }
    }

    fn settle_touched(&mut self) -> anyhow::Result<()> {
        let mut touched = std::mem::take(&mut self.touched);
        for at in touched.drain(..) {
            if let Some(actor) = self.actors[at].as_mut() {
                actor.touched = false;
                actor.machine.settle(&mut actor.effects);
                if actor.machine.has_put_off() && !self.put_off.contains(&at) {
                    self.put_off.push(at);
                }
                self.carry_out(at)?;
            }
        }
        if self.touched.is_empty() {
            self.touched = touched; // Keeps its room.
        }
        Ok(())
    }

    /// Nothing is put off any longer.
    fn finish(&mut self) {
        for at in self.put_off.drain(..) {
            if let Some(actor) = &mut self.actors[at] {
                actor.machine.finish();
            }
        }
    }

    /// What was answered to customers since the last call.
    pub fn take_answers(&mut self) -> Vec<Answered> {
        std::mem::take(&mut self.answers)
    }

    /// Peers on other machines that are not reached any more (false), or again (true), since the last call. No machine is told.
    pub fn take_reach(&mut self) -> Vec<(NodeId, bool)> {
        std::mem::take(&mut self.reach)
    }

    /// An actor's machine, which has put nothing off.
    #[must_use]
    pub fn machine(&mut self, id: NodeId) -> Option<&M> {
        let actor = self.by_id.get(&id).and_then(|at| self.actors[*at].as_mut())?;
        actor.machine.finish();
        Some(&actor.machine)
    }

    /// Where an actor of this host can be reached.
    #[must_use]
    pub fn contact(&self, id: NodeId) -> Contact {
        Contact { id, address: self.transport.address() }
    }

    /// The network side, for what it counts.
    #[must_use]
    pub fn transport(&self) -> &Transport {
        &self.transport
    }

    /// What links and machines live by now; a new machine should, too.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Cluster time.
    #[must_use]
    pub fn clock(&self) -> &ClusterClock {
        &self.clock
    }

    /// Durable replica: how many syncs of its disk have ended well, and how long they took in all, in microseconds of real time.
    #[must_use]
    pub fn syncs(&self) -> (u64, u64) {
        self.disk.as_ref().map_or((0, 0), DurableLog::syncs)
    }

    /// Replica: remembers verdicts of postcode services, or forgets them all.
    pub fn set_verdict_cache(&mut self, on: bool) {
        if let Some(inquirer) = &mut self.inquirer {
            inquirer.set_cache(on);
        }
    }
}

#[cfg(test)]
mod tests;
