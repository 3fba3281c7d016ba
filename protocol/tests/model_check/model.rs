//! The model: what can happen next, and what must always hold.
//!
//! Front-ends hold no state that a rule reads, so they are folded into "any permitted view may be recorded and told"; a frozen
//! replica is one that is not scheduled; a lost message is one that is not delivered.

use std::collections::BTreeSet;

use protocol::acknowledge::Acknowledge;
use protocol::ids::{NodeId, OpNumber, Position, View, ViewNumber};
use protocol::machine::Settings;
use protocol::message::Ask;
use protocol::plant::Plant;
use stateright::{Model, Property};

use super::packet::Packet;
use super::state::{Call, Node, State, id_of};

/// What is explored, and how far.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// Replicas that are members at the start.
    pub members: usize,
    /// Fresh processes beside them.
    pub joiners: usize,
    /// What customers want.
    pub calls: Vec<Ask>,
    /// Views that may be recorded beyond those of the start.
    pub views: u64,
    /// Crashes.
    pub crashes: u8,
    /// Fresh processes that may come later; where replicas are durable, those that crashed.
    pub restarts: u8,
    /// Replicas keep their state on disks, which sync at any moment.
    pub durable: bool,
    /// Whether a primary's heartbeat may ring at any moment. Everything said stays deliverable anyway, so it is needed only
    /// to see that saying it again does no harm.
    pub heartbeats: bool,
    /// Whether each copy of an order may be told that the postcode does not exist.
    pub bad_postcodes: bool,
    /// How often each request may arrive while its customer waits.
    pub copies: u8,
    /// Customers whose last request is remembered.
    pub room: u32,
    /// Bytes in a part of a snapshot; 1: each order and each session is a part of its own.
    pub part: u32,
    /// Whose copies answers wait for.
    pub acknowledge: Acknowledge,
    /// The bug injected into every machine.
    pub plant: Option<Plant>,
}

/// A step.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A message arrives.
    Deliver(Packet),
    /// A front-end tells a replica of a recorded view.
    Tell(usize, usize),
    /// A copy of a request arrives at a replica, with a good postcode or not.
    Ask(usize, usize, bool),
    /// A customer takes an answer.
    Take(usize, u64),
    /// A front-end has a view recorded.
    Record(View),
    /// A primary's heartbeat rings.
    Ring(usize),
    /// A replica crashes.
    Crash(usize),
    /// A fresh process comes.
    Restart,
    /// What a durable replica was writing is on its disk.
    Sync(usize),
    /// A durable replica comes back with what is on its disk.
    Return(usize),
}

impl Configuration {
    /// Brings members in step, one view for each, as a real cluster begins.
    fn running(&self) -> State {
        let mut state = State::new(self.calls.len(), self.acknowledge);
        (0..self.members + self.joiners).for_each(|_| self.add_node(&mut state));
        for members in 1..=self.members {
            let number = state.newest().number.next();
            state.record(View::new(number, id_of(0), (0..members).map(id_of).collect()));
            (0..state.nodes.len()).for_each(|node| self.tell(&mut state, node, number.0 as usize));
            self.deliver_all(&mut state);
        }
        state.begin(self.members);
        state.crashes = self.crashes;
        state.restarts = self.restarts;
        state
    }

    /// Where heartbeats ring, one rings at once: whether a front-end has set its beat is then no part of the state.
    fn tell(&self, state: &mut State, node: usize, view: usize) {
        state.tell(node, view);
        if self.heartbeats {
            state.ring(node);
        }
    }

    fn add_node(&self, state: &mut State) {
        state.add_node(&self.settings(), self.durable);
    }

    fn settings(&self) -> Settings {
        let Self { acknowledge, plant, room, part, .. } = *self;
        // Any pace is a choice of when a part is made, and all choices are tried.
        let orders_a_part = 0;
        Settings { acknowledge, plant, most_sessions: room, snapshot_part: part, orders_a_part, ..Settings::default() }
    }

    fn deliver_all(&self, state: &mut State) {
        loop {
            let before = state.clone();
            for packet in before.packets.iter().filter(|packet| packet.to < self.members) {
                state.deliver(packet);
            }
            (0..state.disks.len()).for_each(|node| state.sync(node));
            if *state == before {
                return;
            }
        }
    }

    fn last_view(&self) -> u64 {
        self.members as u64 + self.views
    }
}

impl Model for Configuration {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![self.running()]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        if state.broken.is_some() {
            return;
        }
        let alive = |node: &usize| matches!(state.nodes[*node], Node::Alive(_));
        steps.extend(state.packets.iter().filter(|packet| alive(&packet.to)).cloned().map(Step::Deliver));
        steps.extend(state.replies.iter().map(|(call, digest)| Step::Take(*call, *digest)));
        for node in (0..state.nodes.len()).filter(alive) {
            let views = state.view_of(id_of(node)).0.max(1) as usize..state.record.len();
            steps.extend(views.map(|view| Step::Tell(node, view)));
            let acts = state.replica(node).is_some_and(|replica| replica.acting());
            for call in (0..self.calls.len()).filter(|call| acts && self.may_ask(state, *call)) {
                steps.push(Step::Ask(node, call, true));
                if self.bad_postcodes && matches!(self.calls[call], Ask::Order { .. }) {
                    steps.push(Step::Ask(node, call, false));
                }
            }
            if self.heartbeats && acts {
                steps.push(Step::Ring(node));
            }
            if state.crashes > 0 {
                steps.push(Step::Crash(node));
            }
        }
        let dead = |node: &usize| matches!(state.nodes[*node], Node::Dead(_));
        let may_return = || (0..state.disks.len()).filter(dead).map(Step::Return);
        match state.restarts > 0 {
            true if self.durable => steps.extend(may_return()),
            true => steps.push(Step::Restart),
            false => {}
        }
        steps.extend((0..state.disks.len()).filter(|node| state.disks[*node].is_syncing()).map(Step::Sync));
        if state.newest().number.0 < self.last_view() {
            steps.extend(next_views(state).map(Step::Record));
        }
    }

    fn next_state(&self, state: &State, step: Step) -> Option<State> {
        let mut next = state.clone();
        match step {
            Step::Deliver(packet) => next.deliver(&packet),
            Step::Tell(node, view) => self.tell(&mut next, node, view),
            Step::Ask(node, call, good) => next.ask(node, call, &self.calls, good),
            Step::Take(call, digest) => next.take(call, digest, &self.calls),
            Step::Record(view) => next.record(view),
            Step::Ring(node) => next.ring(node),
            Step::Crash(node) => next.crash(node),
            Step::Restart => {
                next.restarts -= 1;
                self.add_node(&mut next);
            }
            Step::Sync(node) => next.sync(node),
            Step::Return(node) => next.come_back(node, &self.settings()),
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always("no step breaks I1, I2, I6, I7, I8, I9", |_, state: &State| state.broken.is_none()),
            Property::always("I3: one able primary", |_, state: &State| one_able_primary(state)),
            Property::always("I4: members hold all answered", |model: &Self, state: &State| {
                // Only where answers wait for all copies: no other mode promises it.
                !model.acknowledge.is_safe() || members_hold_all_answered(state)
            }),
            Property::always("I5: equal entries, equal histories", |_, state: &State| equal_histories(state)),
            Property::always("I9: nobody is in a view that is not recorded", |_, state: &State| {
                state
                    .replicas()
                    .all(|replica| state.record.get(replica.view().number.0 as usize) == Some(replica.view()))
            }),
            // What must also be seen, or the exploration shows nothing.
            Property::sometimes("everybody is told", |_, state: &State| {
                state.calls.iter().all(|call| *call == Call::Told)
            }),
            Property::sometimes(
                "everybody is told, in the last view, after all crashes",
                |model: &Self, state: &State| {
                    let told = state.calls.iter().all(|call| *call == Call::Told);
                    let last = state.newest().number.0 == model.last_view();
                    told && last && state.crashes == 0 && state.answered.last().is_some_and(|op| *op > OpNumber(0))
                },
            ),
        ];
        if self.views > 0 {
            properties.push(Property::sometimes("two primaries act", |_, state: &State| {
                state.replicas().filter(|replica| replica.acting()).count() == 2
            }));
        }
        properties
    }
}

impl Configuration {
    /// A withdrawal needs an order to withdraw; nobody repeats what was answered.
    fn may_ask(&self, state: &State, call: usize) -> bool {
        let open = match self.calls[call] {
            Ask::Withdraw => !matches!(state.calls[call - 1], Call::Unasked),
            Ask::Order { .. } | Ask::History { .. } => true,
        };
        let waits = match state.calls[call] {
            Call::Unasked => true,
            Call::Open(_, copies) => copies < self.copies,
            Call::Told => false,
        };
        open && waits
    }
}

/// Whatever R13 allows.
fn next_views(state: &State) -> impl Iterator<Item = View> {
    let number = state.newest().number.next();
    let candidates: Vec<NodeId> = state.candidates().into_iter().collect();
    let sets = 1..1u32 << candidates.len();
    sets.flat_map(move |set| {
        let chosen = candidates.iter().enumerate().filter(|(place, _)| set >> place & 1 == 1);
        let members: Vec<NodeId> = chosen.map(|(_, id)| *id).collect();
        let primaries = members.clone();
        primaries.into_iter().map(move |primary| View::new(number, primary, members.clone()))
    })
}

fn one_able_primary(state: &State) -> bool {
    let able = state
        .replicas()
        .filter(|replica| replica.acting() && !replica.ack_set().any(|id| state.view_of(id) > replica.view().number));
    able.count() < 2
}

fn members_hold_all_answered(state: &State) -> bool {
    let answered = state.answered.iter().max().copied().unwrap_or_default();
    let members: BTreeSet<_> = state.newest().members.iter().copied().collect();
    let alive = (0..state.nodes.len()).filter(|node| members.contains(&id_of(*node)));
    alive.filter_map(|node| state.replica(node)).all(|replica| state.holds(replica, answered))
}

fn equal_histories(state: &State) -> bool {
    let entries = |replica: &protocol::replica::Replica| {
        let entries = replica.entries_after(OpNumber(0));
        entries.map(|entry| (entry.op, entry.view, replica.position_at(entry.op))).collect::<Vec<_>>()
    };
    let all: Vec<(OpNumber, ViewNumber, Option<Position>)> = state.replicas().flat_map(entries).collect();
    all.iter().all(|one| all.iter().all(|other| (one.0, one.1) != (other.0, other.1) || one.2 == other.2))
}
