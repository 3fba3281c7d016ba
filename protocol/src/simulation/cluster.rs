//! A whole cluster in memory: real machines, virtual time, no thread and no socket.
//!
//! Deliberately without an opinion: what the network does, who dies when and who orders what comes from outside; here
//! machines are run as their drivers run them, and every step is shown to the checkers.

mod disks;
mod name_servers;
mod people;

use std::collections::BTreeMap;

use crate::customer::Customer;
use crate::front_end::FrontEnd;
use crate::ids::{Contact, CustomerId, NodeId, RequestId, RequestNumber, Role, Span, Timestamp};
use crate::machine::{Effect, Effects, Identity, Input, JournalRecord, Machine, Settings, Timer};
use crate::message::{Answer, Message, Summary};
use crate::name_server::StoreBug;
use crate::name_servers::NameServers;
use crate::plant::Plant;
use crate::random::mix;
use crate::simulation::broken_rule::BrokenRule;
use crate::simulation::checkers::Checkers;
use crate::simulation::disk::{Disk, SyncFate};
use crate::simulation::environment::{Environment, Fate, Slot};
use crate::simulation::node::{Actor, Doom, Life, Node, incarnation_id};
use crate::simulation::queue::Queue;
use crate::simulation::store::{Store, StoreFate};
use crate::trace::Failpoint;
use crate::view_record::StoreOperation;

/// Where slot 0 would listen if there were sockets.
pub(super) const FIRST_PORT: u16 = 10_000;
/// An actor, over all its incarnations.
#[derive(Debug)]
pub struct Seat {
    /// As people call it.
    pub name: String,
    /// The role of all its incarnations.
    pub role: Role,
    /// Its newest incarnation: a place in the list of nodes.
    pub node: usize,
    /// Customers: for ever. Others: 0.
    pub customer: CustomerId,
    /// Customers: number of the last request it made; kept over restarts.
    pub last: RequestNumber,
    /// Replicas: which pre-defined history it loads.
    pub preset: u32,
}

/// A message in its link.
#[derive(Clone, Debug)]
pub struct Flight {
    /// The sender's incarnation, and its address.
    pub from: Contact,
    /// The slot it was sent from.
    pub from_slot: Slot,
    /// The slot it goes to.
    pub to_slot: Slot,
    /// The incarnation it is meant for.
    pub to: NodeId,
    /// Whether a customer wants it shown.
    pub traced: bool,
    /// The statement on its way.
    pub message: Message,
}

#[derive(Debug)]
enum Event<P> {
    Arrive(Flight),
    Ring { node: usize, timer: Timer },
    Run { node: usize },
    Input { node: usize, input: Input },
    Sync { slot: Slot, node: usize, life: u64, fate: SyncFate },
    Store { node: usize, number: u64, operation: StoreOperation, fate: StoreFate },
    Plan(P),
}

/// What a step was.
#[derive(Debug)]
pub enum Stepped<P> {
    /// Something happened in the cluster.
    Happened,
    /// The owner of the cluster wanted to be reminded.
    Plan(P),
    /// Nothing will ever happen again.
    Nothing,
}

/// Lists of effects that were cut short by a crash, by the place of the cut.
#[derive(Clone, Debug, Default)]
pub struct CutLists {
    /// Right before a journal entry.
    pub before_journal: u64,
    /// Right after one.
    pub after_journal: u64,
    /// At any other place of a list.
    pub other: u64,
    /// In no list, but at these points of the work of a disk.
    pub at_disk: BTreeMap<Failpoint, u64>,
}

/// The machines with their environment, their checkers, and all that will happen.
#[derive(Debug)]
pub struct Cluster<S: Environment> {
    /// Virtual time in microseconds.
    pub now: u64,
    /// Network and postcode services.
    pub environment: S,
    /// All actors; the name server is the first.
    pub seats: Vec<Seat>,
    /// All incarnations there ever were.
    pub nodes: Vec<Node>,
    /// Of every node started from now on.
    pub settings: Settings,
    /// The invariants.
    pub checkers: Checkers,
    /// What customers were told since the owner last looked.
    pub answered: Vec<(Slot, RequestId, Answer)>,
    /// Messages that wait in their links.
    pub held: Vec<Flight>,
    /// What happened, in words, if anybody wants to know.
    pub transcript: Option<Vec<String>>,
    /// How many things have happened: deliveries, rings, inputs, plans.
    pub events: u64,
    /// Digest of everything that happened: equal for equal seeds.
    pub hash: u64,
    /// Lists of effects that were cut short by a crash.
    pub cut_lists: CutLists,
    /// Those of durable replicas, by slot; none: replicas keep everything in memory.
    pub disks: Option<BTreeMap<Slot, Disk>>,
    /// Keeps the view record, where the name servers have no journal; and which bug they have.
    pub store: Option<(Store, Option<StoreBug>)>,
    journal: JournalRecord,
    queue: Queue<Event<S::Plan>>,
    effects: Effects,
    list: Vec<Effect>,
}

impl<S: Environment> Cluster<S> {
    /// An empty place. `observed`: whether machines make trace events.
    #[must_use]
    pub fn new(environment: S, settings: Settings, observed: bool) -> Self {
        Self {
            now: 0,
            environment,
            seats: Vec::new(),
            nodes: Vec::new(),
            checkers: Checkers::of(settings.acknowledge),
            settings,
            answered: Vec::new(),
            held: Vec::new(),
            transcript: None,
            events: 0,
            hash: 0,
            cut_lists: CutLists::default(),
            disks: None,
            store: None,
            journal: JournalRecord::default(),
            queue: Queue::default(),
            effects: Effects::new(observed),
            list: Vec::new(),
        }
    }

    /// Another actor, which is not started yet. Name servers come first.
    pub fn seat(&mut self, name: String, role: Role, customer: CustomerId, preset: u32) -> Slot {
        self.assert_order(role);
        self.seats.push(Seat { name, role, node: usize::MAX, customer, last: RequestNumber(0), preset });
        self.seats.len() - 1
    }

    /// Starts a new incarnation of an actor that does not run. `entropy`: for its id.
    pub fn start(&mut self, slot: Slot, entropy: u64) {
        let (before, role) = (self.seats[slot].node, self.seats[slot].role);
        // Planted (R11): a replica comes back as the one it was, which to all others is the very same.
        // R11: and a durable one, if its disk says who it was.
        let planted = self.settings.plants(Plant::RestartKeepsId);
        let keeps_id = role == Role::Replica && before != usize::MAX && (planted || self.has_file(slot));
        let node = if keeps_id { before } else { self.nodes.len() };
        let id = match self.nodes.get(before) {
            Some(known) if keeps_id || role == Role::NameServer => known.id,
            _ => incarnation_id(node, entropy),
        };
        let me = Contact { id, address: address(slot) };
        let name_servers = NameServers::of(&self.name_servers()).unwrap_or(me.into());
        let seat = &self.seats[slot];
        let identity = Identity { me, name: seat.name.clone(), role: seat.role, name_servers };
        let settings = self.settings.clone();
        let actor = match seat.role {
            Role::NameServer => Actor::NameServer(Box::new(self.name_server(identity, settings))),
            Role::FrontEnd => Actor::FrontEnd(Box::new(FrontEnd::new(identity, settings))),
            Role::Replica => Actor::Replica(Box::new(self.replica(slot, identity, settings))),
            Role::Customer => Actor::Customer(Box::new(Customer::new(identity, settings, seat.customer, seat.last))),
        };
        self.seats[slot].node = node;
        let fresh = Node::new(slot, id, actor);
        match self.nodes.get_mut(node) {
            Some(former) => *former = fresh,
            None => self.nodes.push(fresh),
        }
        self.checkers.started(node, id);
        if let Some(Actor::Replica(replica)) = self.nodes[node].actor.as_ref().filter(|_| self.disks.is_some()) {
            self.checkers.observe(node, replica);
        }
        self.write(|cluster| format!("{} starts as {id}", cluster.seats[slot].name));
        let mut effects = std::mem::take(&mut self.effects);
        if let Some(actor) = &mut self.nodes[node].actor {
            actor.machine().start(&mut effects);
        }
        self.after_run(node, effects);
    }

    /// Its newest incarnation.
    #[must_use]
    pub fn node(&self, slot: Slot) -> &Node {
        &self.nodes[self.seats[slot].node]
    }

    /// Its newest incarnation, as others would write to it.
    #[must_use]
    pub fn contact(&self, slot: Slot) -> Contact {
        Contact { id: self.node(slot).id, address: address(slot) }
    }

    /// Whether its newest incarnation runs, is frozen or dead.
    #[must_use]
    pub fn life(&self, slot: Slot) -> Life {
        self.nodes.get(self.seats[slot].node).map_or(Life::Dead, |node| node.life)
    }

    /// Kills it, as SIGKILL does.
    pub fn kill(&mut self, slot: Slot) {
        let node = self.seats[slot].node;
        self.write(|cluster| format!("{} is killed", cluster.seats[slot].name));
        self.nodes[node].die();
        self.disk_loses_power(slot);
        self.checkers.died(node);
    }

    /// It will die in the middle of a list of effects.
    pub fn doom(&mut self, slot: Slot, doom: Doom) {
        let node = self.seats[slot].node;
        self.nodes[node].doom = Some(doom);
    }

    /// Freezes it, as SIGSTOP does.
    pub fn freeze(&mut self, slot: Slot) {
        let node = self.seats[slot].node;
        if self.nodes[node].life == Life::Running {
            self.write(|cluster| format!("{} is frozen", cluster.seats[slot].name));
            self.nodes[node].life = Life::Frozen;
            self.nodes[node].frozen_since = self.now;
        }
    }

    /// Wakes it. `noticed`: whether it learns that it was late; `stood`: whether its clock stood still meanwhile.
    pub fn wake(&mut self, slot: Slot, noticed: bool, stood: bool) {
        let node = self.seats[slot].node;
        if self.nodes[node].life != Life::Frozen {
            return;
        }
        self.write(|cluster| format!("{} wakes, noticing {noticed}", cluster.seats[slot].name));
        for (timer, at) in self.nodes[node].wake(self.now, stood) {
            self.queue.plan(at, Event::Ring { node, timer });
        }
        if noticed {
            let by = Span(self.now - self.nodes[node].frozen_since);
            self.nodes[node].inbox.insert(0, Input::Overslept { by });
        }
        self.run(node);
    }

    /// Asks to be reminded at a moment.
    pub fn plan(&mut self, at: u64, plan: S::Plan) {
        self.queue.plan(at, Event::Plan(plan));
    }

    /// Gives a node an input other than a message, now.
    pub fn input(&mut self, slot: Slot, input: Input) {
        let node = self.seats[slot].node;
        if self.nodes[node].life != Life::Dead {
            self.arrived(node, input);
        }
    }

    /// A message that waited in its link goes on.
    pub fn release(&mut self, flight: Flight) {
        self.queue.plan(self.now, Event::Arrive(flight));
    }

    /// When the next thing happens.
    #[must_use]
    pub fn next_at(&self) -> Option<u64> {
        self.queue.next_at()
    }

    /// The next thing happens.
    pub fn step(&mut self) -> Stepped<S::Plan> {
        let Some((at, event)) = self.queue.take_next() else { return Stepped::Nothing };
        self.now = at;
        self.events += 1;
        match event {
            Event::Plan(plan) => return Stepped::Plan(plan),
            Event::Arrive(flight) => self.arrive(flight),
            Event::Input { node, input } => {
                if self.nodes[node].life != Life::Dead {
                    self.arrived(node, input);
                }
            }
            Event::Sync { slot, node, life, fate } => self.synced((slot, node, life), fate),
            Event::Store { node, number, operation, fate } => self.store_carries_out(node, number, operation, fate),
            Event::Run { node } => {
                self.nodes[node].run_planned = false;
                self.run(node);
            }
            Event::Ring { node, timer } => match self.nodes[node].ring(timer, at) {
                (true, _) => self.arrived(node, Input::Rang(timer)),
                (false, Some(due)) => self.queue.plan(due, Event::Ring { node, timer }),
                (false, None) => {}
            },
        }
        Stepped::Happened
    }

    fn arrive(&mut self, flight: Flight) {
        let node = self.seats[flight.to_slot].node;
        let Some(receiver) = self.nodes.get(node) else { return };
        // A message for an earlier incarnation at the same address is dropped (PROTOCOL section 2).
        if receiver.life == Life::Dead || receiver.id != flight.to {
            return;
        }
        if !flight.message.may_be_sent_by(self.seats[flight.from_slot].role) {
            self.checkers.violate(BrokenRule::MayNotBeSent(flight.message.into()));
            return;
        }
        self.arrived(node, Input::Received { from: flight.from, traced: flight.traced, message: flight.message });
    }

    fn arrived(&mut self, node: usize, input: Input) {
        self.nodes[node].inbox.push(input);
        if self.nodes[node].life != Life::Running || self.nodes[node].run_planned {
            return;
        }
        match self.environment.batching_delay() {
            0 => self.run(node),
            wait => {
                self.nodes[node].run_planned = true;
                self.queue.plan(self.now + wait, Event::Run { node });
            }
        }
    }

    /// What the driver does: all inputs that wait, then settle once, then the effects in their order.
    fn run(&mut self, node: usize) {
        if self.nodes[node].life != Life::Running {
            return;
        }
        let mut effects = std::mem::take(&mut self.effects);
        let mut inbox = std::mem::take(&mut self.nodes[node].inbox);
        for input in inbox.drain(..) {
            self.note(node, &input);
            let Some(actor) = &mut self.nodes[node].actor else { break };
            actor.machine().handle(input, &mut effects);
            if let Actor::Replica(replica) = actor {
                // What may be put off is put off with every other entry, so that it is tried both ways.
                if replica.position().is_some_and(|position| position.op.0 % 2 == 0) {
                    replica.finish();
                }
                self.checkers.observe(node, replica);
            }
        }
        self.nodes[node].inbox = inbox;
        self.after_run(node, effects);
    }

    fn after_run(&mut self, node: usize, mut effects: Effects) {
        if let Some(actor) = &mut self.nodes[node].actor {
            actor.machine().settle(&mut effects);
            actor.machine().finish();
            if let Actor::Replica(replica) = actor {
                self.checkers.observe(node, replica);
            }
        }
        let mut list = std::mem::take(&mut self.list);
        list.extend(effects.drain());
        self.effects = effects;
        for effect in list.drain(..) {
            // What a machine says of itself is a fact even if its process dies before it can act on it.
            if let Effect::Trace(event) = effect {
                self.write(|cluster| format!("{}: {event:?}", cluster.name(node)));
            } else if self.nodes[node].life == Life::Running {
                self.carry_out_or_die(node, effect);
            }
        }
        self.list = list;
    }

    fn carry_out_or_die(&mut self, node: usize, effect: Effect) {
        let Some(doom) = self.nodes[node].doom else { return self.carry_out(node, effect) };
        let journal = matches!(effect, Effect::Journal(_));
        match doom {
            Doom::After(0) => self.cut_lists.other += 1,
            Doom::BeforeJournal if journal => self.cut_lists.before_journal += 1,
            Doom::AfterJournal if journal => {
                self.carry_out(node, effect);
                self.cut_lists.after_journal += 1;
            }
            Doom::After(left) => {
                self.nodes[node].doom = Some(Doom::After(left - 1));
                return self.carry_out(node, effect);
            }
            Doom::BeforeJournal | Doom::AfterJournal | Doom::AtDisk(_) => return self.carry_out(node, effect),
        }
        self.kill(self.nodes[node].slot);
    }

    fn carry_out(&mut self, node: usize, effect: Effect) {
        let slot = self.nodes[node].slot;
        match effect {
            Effect::Send { to, traced, message } => self.send(node, to, traced, message),
            Effect::SetTimer { timer, after } => {
                if let Some(at) = self.nodes[node].set_timer(timer, self.now + after.0) {
                    self.queue.plan(at, Event::Ring { node, timer });
                }
            }
            Effect::CancelTimer { timer } => self.nodes[node].cancel_timer(timer),
            Effect::CheckPostcode { request, postcode, .. } => {
                let (after, verdict) = self.environment.verdict(self.now, request, postcode);
                let at = Timestamp(self.now / 1000);
                let input = Input::PostcodeChecked { request, verdict, at };
                self.queue.plan(self.now + after, Event::Input { node, input });
            }
            Effect::Probe { peer } => self.probe(node, peer),
            Effect::Journal(record) => {
                self.write(|_| format!("journal: token {}, {:?}", record.token, record.view));
                self.checkers.journaled(&record);
                self.journal = record;
            }
            Effect::Keep { number, new_file, kept } => self.keep(node, number, new_file, kept),
            Effect::Store { number, operation } => self.ask_store(node, number, operation),
            Effect::Answered { request, answer } => {
                self.write(|cluster| format!("{} is told, to {request}: {answer:?}", cluster.seats[slot].name));
                self.hash = mix(self.hash ^ self.now ^ request.number.0);
                self.checkers.customer_answered(self.now, request, &answer);
                self.answered.push((slot, request, answer));
            }
            // It may be too late to take the question back: then the verdict comes, and nobody needs it.
            Effect::EndCheck { .. } | Effect::Trace(_) => {}
        }
    }

    /// A probe of somebody who lives is not answered, and one of the dead only where that can be proved.
    fn probe(&mut self, node: usize, peer: Contact) {
        let (from, to) = (self.nodes[node].slot, usize::from(peer.address.port() - FIRST_PORT));
        let lives = self.nodes.get(self.seats[to].node).is_some_and(|it| it.id == peer.id && it.life != Life::Dead);
        if !lives && self.environment.proves_death(from, to) {
            self.queue.plan(self.now, Event::Input { node, input: Input::Gone { peer: peer.id } });
        }
    }

    fn send(&mut self, node: usize, to: Contact, traced: bool, message: Message) {
        let from_slot = self.nodes[node].slot;
        let to_slot = usize::from(to.address.port() - FIRST_PORT);
        let journal = self.store.is_none().then_some(&self.journal);
        self.checkers.sent(node, journal, &message);
        let fate = self.environment.fate(self.now, from_slot, to_slot, &message);
        self.write(|cluster| {
            let names = (&cluster.seats[from_slot].name, &cluster.seats[to_slot].name);
            format!("  {} → {}: {:?} ({fate:?})", names.0, names.1, Summary::from(&message))
        });
        let from = Contact { id: self.nodes[node].id, address: address(from_slot) };
        let flight = Flight { from, from_slot, to_slot, to: to.id, traced, message };
        match fate {
            Fate::Lost => {}
            Fate::Arrives(after) => self.queue.plan(self.now + after, Event::Arrive(flight)),
            Fate::Twice(after, again) => {
                self.queue.plan(self.now + after, Event::Arrive(flight.clone()));
                self.queue.plan(self.now + again, Event::Arrive(flight));
            }
            Fate::Held => self.held.push(flight),
        }
    }
}

fn address(slot: Slot) -> std::net::SocketAddr {
    (std::net::Ipv4Addr::LOCALHOST, FIRST_PORT + slot as u16).into()
}
