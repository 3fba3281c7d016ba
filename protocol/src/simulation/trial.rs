//! One seed: a cluster is started, customers use it, faults happen; then all faults stop, and it must be well again.
//!
//! What faults there are stands in `faults.rs`, what is demanded of the healed cluster in `healing.rs`. Nothing here knows
//! the protocol's rules: the checkers do.

use std::collections::BTreeMap;

use crate::acknowledge::Acknowledge;
use crate::ids::{CustomerId, RequestId, Role, Span};
use crate::machine::{Settings, Wish};
use crate::message::Ask;
use crate::message::{ORDERS_A_PART, SNAPSHOT_PART};
use crate::order_book::MOST_SESSIONS;
use crate::plant::Plant;
use crate::postcode::Postcode;
use crate::random::Random;
use crate::simulation::broken_rule::BrokenRule;
use crate::simulation::cluster::{Cluster, Stepped};
use crate::simulation::counts::{AT_DISKS, Counts, Fault};
use crate::simulation::environment::Slot;
use crate::simulation::network_conditions::{NetworkConditions, Rates, Services, StoreHealth};
use crate::simulation::node::Life;
use crate::simulation::plan::Plan;
use crate::simulation::store::Store;
use crate::simulation::{Conditions, Record};

/// How a trial ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The rule that did not hold, and when, in virtual microseconds.
    pub violation: Option<(u64, BrokenRule)>,
    /// Virtual time that passed, in microseconds.
    pub simulated: u64,
    /// Steps of the cluster.
    pub events: u64,
    /// Digest of all that happened.
    pub hash: u64,
    /// Faults by kind.
    pub counts: Counts,
    /// Orders whose customers were told that they are placed.
    pub acknowledged: u64,
    /// All members of the newest view were lost, and service was rightly refused.
    pub refused: bool,
    /// Customers that were told that nothing is known of their request any more (rule R14).
    pub expired: u64,
    /// Recorded views.
    pub views: u64,
    /// Moments in which two primaries acted (one of them unable to answer).
    pub two_primaries: u64,
    /// Longest wait for an answer after healing, in microseconds.
    pub slowest: u64,
    /// What happened, in words, if asked for.
    pub transcript: Vec<String>,
}

/// A customer as its person sees it.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) slot: Slot,
    /// Its request, and whether that is an order.
    pub(super) waits_for: Option<(RequestId, bool)>,
    /// It reads and never orders. Where only such customers are left, no open order holds a stale read up.
    pub(super) only_reads: bool,
}

/// A cluster with its customers and the faults that its seed inflicts.
#[derive(Debug)]
pub struct Trial {
    pub(super) cluster: Cluster<NetworkConditions>,
    pub(super) random: Random,
    pub(super) usual: Rates,
    pub(super) min_members: usize,
    /// Members of the newest view may all be lost.
    pub(super) reckless: bool,
    /// Mean time between faults.
    pub(super) fault_every: u64,
    /// Which faults this seed is about, as a set of numbers below [`super::faults::KINDS`].
    pub(super) kinds: u64,
    /// Actors that left for good.
    pub(super) removed: Vec<Slot>,
    /// Customers that left for good, whatever they waited for.
    pub(super) vanished: Vec<Slot>,
    pub(super) clients: Vec<Client>,
    pub(super) postcodes: Vec<Postcode>,
    /// How many of a million requests are reads, of customers that order.
    reads: u32,
    think: u64,
    /// All faults have stopped.
    pub(super) calm: bool,
    look_for_survivors: bool,
}

impl Trial {
    /// A cluster with everything random chosen by `seed`. Of `conditions`, only what every machine is told.
    /// `with_transcript`: whether to write down what happens.
    #[must_use]
    pub fn new(seed: u64, conditions: Conditions, with_transcript: bool) -> Self {
        let mut random = Random::new(seed);
        let Conditions { acknowledge, plant, .. } = conditions;
        let settings = Settings { acknowledge, plant, ..settings(&mut random) };
        let usual = Rates {
            least: 20,
            most: [200, 1_000, 5_000][random.below(3) as usize],
            batching: [0, 100_000, 400_000][random.below(3) as usize],
            loss: [0, 0, 1_000, 20_000][random.below(4) as usize],
            doubling: [0, 0, 1_000, 20_000][random.below(4) as usize],
            slow: [0, 0, 500, 20_000][random.below(4) as usize],
            late: [0, 0, 100, 2_000][random.below(4) as usize],
        };
        let min_members = settings.min_members as usize;
        let observed = random.chance(100_000) || with_transcript;
        let mut cluster = Cluster::new(NetworkConditions::new(seed, usual.clone()), settings, observed);
        cluster.transcript = with_transcript.then(Vec::new);
        cluster.store = match conditions.record {
            Record::Journal => None,
            Record::Store(bug) => Some((Store::default(), bug)),
        };
        cluster.disks = conditions.durable.then(BTreeMap::new);
        cluster.environment.proofs = [0, 300_000, 1_000_000][random.below(3) as usize];
        // In some seeds there is room for few customers only, so that they forget one another (rule R14).
        if seed % 8 == 3 || plant == Some(Plant::EvictedAreNew) {
            cluster.settings.most_sessions = 1 + (seed / 8 % 4) as u32;
        }
        let mut trial = Self {
            cluster,
            usual,
            min_members,
            reckless: random.chance(30_000),
            fault_every: [500_000, 2_000_000, 5_000_000, 12_000_000][random.below(4) as usize],
            kinds: random.bits() | random.bits(),
            removed: Vec::new(),
            vanished: Vec::new(),
            clients: Vec::new(),
            postcodes: (0..[2, 6, 24][random.below(3) as usize]).map(|n| postcode(&mut random, n + 1)).collect(),
            reads: [250_000, 600_000][random.below(2) as usize],
            think: [100_000, 300_000, 1_000_000, 3_000_000][random.below(4) as usize],
            calm: false,
            look_for_survivors: false,
            random,
        };
        trial.start();
        trial
    }

    fn start(&mut self) {
        self.add_actor("name server".into(), Role::NameServer);
        if self.cluster.store.is_some() {
            for number in 2..=self.random.between(2, 3) {
                self.add_actor(format!("name server {number}"), Role::NameServer);
            }
            self.store_fault_later();
        }
        self.add_actor("front-end".into(), Role::FrontEnd);
        for number in 1..=self.random.between(self.min_members as u64, 4) {
            self.add_actor(format!("replica-{number}"), Role::Replica);
        }
        let (orderers, readers) = (self.random.between(1, 5), self.random.below(2));
        for number in 1..=orderers + readers {
            self.add_client(format!("customer-{number}"), number > orderers);
        }
        self.fault_later();
        if self.random.chance(400_000) {
            let at = self.random.between(500_000, 20_000_000);
            self.cluster.plan(at, Plan::SecondFrontEnd);
        }
    }

    /// Another actor appears and runs.
    pub(super) fn add_actor(&mut self, name: String, role: Role) -> Slot {
        let customer = match role {
            Role::Customer => CustomerId(u128::from(self.random.bits()) << 64 | u128::from(self.random.bits())),
            Role::NameServer | Role::FrontEnd | Role::Replica => CustomerId(0),
        };
        let slot = self.cluster.seat(name, role, customer, self.cluster.seats.len() as u32);
        self.cluster.start(slot, self.random.bits() >> 16);
        slot
    }

    /// Another customer appears, and will soon want something.
    pub(super) fn add_client(&mut self, name: String, only_reads: bool) {
        let slot = self.add_actor(name, Role::Customer);
        self.clients.push(Client { slot, waits_for: None, only_reads });
        self.think_later(slot);
    }

    /// One more fault of this kind.
    pub(super) fn count(&mut self, fault: Fault) {
        self.cluster.environment.counts.count(fault);
    }

    /// Runs it: `span` with faults, then healing.
    #[must_use]
    pub fn run(mut self, span: Span) -> Ended {
        while self.cluster.now < span.0 && self.violation().is_none() {
            match self.cluster.step() {
                Stepped::Happened => self.customers_were_told(),
                Stepped::Plan(plan) => self.remind(plan),
                Stepped::Nothing => break,
            }
            // Nothing more can happen.
            if self.look_for_survivors && self.all_lost() {
                break;
            }
            self.look_for_survivors = false;
        }
        let (refused, slowest) = self.heal();
        let Cluster { now, events, hash, transcript, checkers, environment, cut_lists, .. } = self.cluster;
        let mut counts = environment.counts;
        counts.add(Fault::CutList, cut_lists.other);
        counts.add(Fault::CutBeforeJournal, cut_lists.before_journal);
        counts.add(Fault::CutAfterJournal, cut_lists.after_journal);
        for (at, fault) in AT_DISKS {
            counts.add(fault, cut_lists.at_disk.get(&at).copied().unwrap_or(0));
        }
        Ended {
            acknowledged: checkers.acknowledged(),
            expired: checkers.expired(),
            views: checkers.newest_view().map_or(0, |view| view.number.0),
            two_primaries: checkers.two_primaries,
            violation: checkers.violation.map(|broken| (now, broken)),
            simulated: now,
            events,
            hash,
            counts,
            refused,
            slowest,
            transcript: transcript.unwrap_or_default(),
        }
    }

    pub(super) fn violation(&self) -> Option<&BrokenRule> {
        self.cluster.checkers.violation.as_ref()
    }

    pub(super) fn remind(&mut self, plan: Plan) {
        match plan {
            Plan::Think(slot) => self.think(slot),
            Plan::GiveUp(slot, request) => self.give_up(slot, request),
            Plan::Restart(slot) => self.restart(slot),
            Plan::Wake(slot, node) => self.wake(slot, node),
            Plan::Fault | Plan::SecondFrontEnd | Plan::Mend(_) | Plan::Flap(..) | Plan::Calm | Plan::ServicesWell
                if self.calm => {}
            Plan::StoreFault | Plan::StoreWell | Plan::DiskWell(_) if self.calm => {}
            Plan::StoreFault => self.disturb_store(),
            Plan::StoreWell => self.cluster.environment.store = StoreHealth::Well,
            Plan::DiskWell(slot) => _ = self.cluster.environment.disks.remove(&slot),
            Plan::Fault => {
                self.look_for_survivors = true;
                self.inflict();
                self.fault_later();
            }
            Plan::SecondFrontEnd => self.second_front_end(),
            Plan::Mend(cut) => self.cluster.environment.mend(cut),
            Plan::Flap(flapping) => self.flap(flapping),
            Plan::Calm => self.cluster.environment.rates = self.usual.clone(),
            Plan::ServicesWell => self.cluster.environment.services = Services::Well,
        }
    }

    fn fault_later(&mut self) {
        let after = self.random.between(self.fault_every / 4, self.fault_every * 2);
        self.cluster.plan(self.cluster.now + after, Plan::Fault);
    }

    // Customers.

    fn client(&mut self, slot: Slot) -> Option<&mut Client> {
        self.clients.iter_mut().find(|client| client.slot == slot)
    }

    fn think_later(&mut self, slot: Slot) {
        let after = self.random.between(self.think / 10, self.think * 2);
        self.cluster.plan(self.cluster.now + after, Plan::Think(slot));
    }

    /// A customer that waits for nothing wants something.
    fn think(&mut self, slot: Slot) {
        let idle = self.client(slot).filter(|client| client.waits_for.is_none());
        let Some(only_reads) = idle.map(|client| client.only_reads).filter(|_| !self.calm) else { return };
        let postcode = self.random.pick(&self.postcodes).unwrap_or(self.postcodes[0]);
        let ask = if only_reads || self.random.chance(self.reads) {
            Ask::History { postcode, page: u32::from(self.random.chance(50_000)) }
        } else {
            let nonsense = self.random.chance(10_000);
            let items = if nonsense { Vec::new() } else { vec!["Pad thai".into()] };
            Ask::Order { postcode, items }
        };
        if let Some(request) = self.ask(slot, ask)
            && self.random.chance(80_000)
        {
            let after = self.random.between(1_000, 4_000_000);
            self.cluster.plan(self.cluster.now + after, Plan::GiveUp(slot, request));
        }
    }

    pub(super) fn ask(&mut self, slot: Slot, ask: Ask) -> Option<RequestId> {
        let order = matches!(ask, Ask::Order { .. });
        let traced = self.random.chance(500_000);
        let request = self.cluster.wish(slot, Wish::Ask(ask), traced);
        match (request, self.client(slot)) {
            (Some(request), Some(client)) => client.waits_for = Some((request, order)),
            _ => self.think_later(slot),
        }
        request
    }

    fn give_up(&mut self, slot: Slot, request: RequestId) {
        let Some((waits_for, order)) = self.client(slot).and_then(|client| client.waits_for) else { return };
        if waits_for != request || self.cluster.life(slot) != Life::Running {
            return;
        }
        let withdrawal = self.cluster.wish(slot, Wish::GiveUp, true);
        self.count(Fault::GaveUp);
        if let Some(client) = self.client(slot) {
            client.waits_for = withdrawal.filter(|_| order).map(|request| (request, false));
        }
        if !order {
            self.think_later(slot);
        }
    }

    pub(super) fn customers_were_told(&mut self) {
        while let Some((slot, request, _)) = self.cluster.answered.pop() {
            if let Some(client) = self.client(slot)
                && client.waits_for.is_some_and(|(waits_for, _)| waits_for == request)
            {
                client.waits_for = None;
                self.think_later(slot);
            }
        }
    }

    /// A customer's process is gone, and with it the knowledge that it waits for something.
    pub(super) fn abandon(&mut self, slot: Slot) {
        if let Some(client) = self.client(slot) {
            client.waits_for = None;
        }
    }

    pub(super) fn restart(&mut self, slot: Slot) {
        let is_gone = self.removed.contains(&slot) || self.vanished.contains(&slot);
        if self.cluster.life(slot) != Life::Dead || is_gone {
            return;
        }
        self.abandon(slot);
        self.cluster.start(slot, self.random.bits() >> 16);
        self.count(Fault::Restarted);
        if self.cluster.seats[slot].role == Role::Customer {
            self.think_later(slot);
        }
    }
}

fn settings(random: &mut Random) -> Settings {
    let quick = random.chance(100_000);
    let heartbeat = Span::millis(if quick { random.between(50, 150) } else { random.between(150, 400) });
    let mut settings = Settings {
        acknowledge: Acknowledge::All,
        plant: None,
        heartbeat,
        suspect_after: Span(heartbeat.0 * random.between(3, 6)),
        autoclean: Span::millis(random.between(1_000, 20_000)),
        retry_after: Span::millis(random.between(500, 2_000)),
        forward_again_after: Span::millis(random.between(300, 1_000)),
        check_again_after: Span::millis(random.between(100, 1_000)),
        min_members: if random.chance(100_000) { 2 } else { 1 },
        hop: Span(0),
        refuse_unchecked_after: random.chance(300_000).then(|| Span::millis(random.between(500, 12_000))),
        most_sessions: MOST_SESSIONS,
        // Mostly so small that a state has many parts.
        snapshot_part: [300, 2_000, 10_000, SNAPSHOT_PART][random.below(4) as usize],
        orders_a_part: 0,
    };
    // With the smallest parts a copy would take minutes: heartbeats, which earn parts, are longer here than usual.
    if settings.snapshot_part >= 10_000 {
        settings.orders_a_part = ORDERS_A_PART;
    }
    settings
}

/// Some real, some with a preset history, some that no service knows.
fn postcode(random: &mut Random, number: u64) -> Postcode {
    let letters = |random: &mut Random| char::from(b'A' + random.below(20) as u8);
    let area = match number % 12 {
        0 => "ZZ",
        1..=3 => "DH",
        4..=6 => "NE",
        _ => "M",
    };
    let text = format!("{area}{} {}{}{}", number % 9 + 1, random.below(10), letters(random), letters(random));
    text.parse().unwrap_or_else(|error| unreachable!("{text}: {error}"))
}
