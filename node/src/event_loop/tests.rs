//! Scenes of a host with a machine that only writes down what happens to it: time, lateness, links, facts.
//!
//! Real time is tokio's, paused: it goes on by itself as soon as there is nothing to do, so an hour costs nothing.

mod links;
mod postcodes;
mod time;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use protocol::ids::{Contact, MessageId, RequestId, RequestNumber, Span};
use protocol::machine::{Effect, Effects, Wish};
use protocol::message::{Ask, Envelope, Message, Summary};
use protocol::trace::{MachineEvent, Rate, Refusal, TraceEvent, TraceRecord};

use super::*;
use crate::control::ClockReading;
use crate::transport::identity::Authority;

const ME: NodeId = NodeId(1);
const PEER: NodeId = NodeId(2);
/// As fast as a lecture.
const SLOW: Rate = Rate(10_000);
const SECOND: u64 = 1_000_000;

/// Writes down what happens to it, and beats: it sets its heartbeat again each time.
#[derive(Default)]
struct Probe {
    heard: Vec<Input>,
    beats: Option<Span>,
    /// How many postcodes it wanted to know of, and how many of those, the oldest, it needs no more.
    checks: u64,
    ended: u64,
    /// What it heard and has put off, and how often it was told that this can be done now.
    put_off: usize,
    finished: usize,
}

impl Probe {
    fn was_late(&self) -> bool {
        self.heard.iter().any(|input| matches!(input, Input::Overslept { .. }))
    }

    fn rung(&self) -> usize {
        self.heard.iter().filter(|input| matches!(input, Input::Rang(_))).count()
    }
}

impl Machine for Probe {
    fn start(&mut self, effects: &mut Effects) {
        if let Some(beats) = self.beats {
            effects.set_timer(Timer::Heartbeat, beats);
        }
    }

    fn handle(&mut self, input: Input, effects: &mut Effects) {
        match &input {
            Input::Rang(Timer::Heartbeat) => self.start(effects),
            Input::Received { from, message: Message::NotPrimary { .. }, .. } => {
                let from = from.id;
                effects.trace(|| MachineEvent::Refused { from, why: Refusal::NotPrimary });
            }
            Input::Wanted { wish: Wish::Ask(Ask::Order { postcode, .. }), traced } => {
                let (request, postcode, traced) = (check(self.checks), *postcode, *traced);
                self.checks += 1;
                effects.push(Effect::CheckPostcode { request, postcode, traced });
            }
            Input::Wanted { wish: Wish::GiveUp, .. } => {
                effects.push(Effect::EndCheck { request: check(self.ended) });
                self.ended += 1;
            }
            Input::Wanted { traced, .. } => effects.send(peer(), *traced, Message::ReadRecord),
            _ => {}
        }
        self.heard.push(input);
    }

    fn settle(&mut self, _effects: &mut Effects) {
        self.put_off = self.heard.len();
    }

    fn has_put_off(&self) -> bool {
        self.put_off > self.finished
    }

    fn finish(&mut self) {
        self.finished = self.put_off;
    }

    fn describe(&self) -> NodeState {
        NodeState::Customer { front_end: None, waiting: None, why: None }
    }
}

/// Which request its postcodes belong to, from 0.
fn check(number: u64) -> RequestId {
    RequestId { number: RequestNumber(number), ..RequestId::default() }
}

fn peer() -> Contact {
    Contact { id: PEER, address: ([127, 0, 0, 1], 9).into() }
}

/// A host of one [`Probe`], and what its observer has heard.
struct Scene {
    host: Host<Probe>,
    facts: Arc<Mutex<Vec<TraceRecord>>>,
}

impl Scene {
    fn new(probe: Probe, rate: Rate) -> Self {
        let credentials = Authority::new().unwrap().issue(Role::Replica, Some(ME)).unwrap();
        let transport = Transport::open(([127, 0, 0, 1], 0).into(), &credentials).unwrap();
        let facts = Arc::<Mutex<Vec<TraceRecord>>>::default();
        let heard = facts.clone();
        let feed = Feed::new(true, Box::new(move |records, _| heard.lock().unwrap().append(records)));
        let since_1970 = std::time::UNIX_EPOCH.elapsed().unwrap().as_micros() as u64;
        let clock = ClusterClock::started_at(ClockReading { wall: since_1970, cluster: SECOND, rate, until: None });
        let mut host = Host::new(transport, clock, &Settings::default(), feed);
        host.add(ME, Role::Replica, probe);
        host.round().unwrap();
        Self { host, facts }
    }

    fn beating(rate: Rate) -> Self {
        Self::new(Probe { beats: Some(Span::millis(50)), ..Probe::default() }, rate)
    }

    fn probe(&self) -> &Probe {
        &self.host.actors[0].as_ref().unwrap().machine
    }

    /// What was said to the observer since the last call.
    fn facts(&mut self) -> Vec<TraceEvent> {
        self.host.feed.flush_now();
        self.facts.lock().unwrap().drain(..).map(|record| record.event).collect()
    }

    /// Lives for this much real time; returns how many rounds that took.
    async fn live(&mut self, real: Duration) -> usize {
        let (end, mut rounds) = (Instant::now() + real, 0);
        while tokio::time::timeout_at(end, self.host.ready()).await.is_ok() {
            self.host.round().unwrap();
            rounds += 1;
        }
        rounds
    }

    /// Sets the stopped time forward by this much.
    fn set_forward(&mut self, by: u64) {
        self.host.set_clock(self.host.clock().now() + by, Rate::STOPPED, None);
        self.host.round().unwrap();
    }

    /// The machine sends its peer a message; its name.
    fn send(&mut self, traced: bool) -> MessageId {
        let ask = Ask::Withdraw;
        self.host.give(ME, Input::Wanted { wish: Wish::Ask(ask), traced });
        self.host.round().unwrap();
        MessageId { from: ME, number: self.host.actors[0].as_ref().unwrap().sent }
    }

    /// A message from the peer is here.
    fn deliver(&mut self, number: u64, traced: bool, message: Message) {
        let envelope = Envelope { from: PEER, number, to: ME, traced, message };
        self.host.deliver(peer().address, envelope);
        self.host.round().unwrap();
    }
}
