//! The faults of a trial: which one comes next, whom it hits, and when it is over.
//!
//! Each kind is counted, so that a thin simulation is noticed.

use crate::ids::{Contact, Role, Span};
use crate::machine::{Input, Settings};
use crate::simulation::counts::Fault;
use crate::simulation::environment::Slot;
use crate::simulation::network_conditions::{Cut, Rates, Services, StoreHealth};
use crate::simulation::node::{Actor, Doom, Life};
use crate::simulation::plan::{Flapping, Plan};
use crate::simulation::trial::{Client, Trial};
use crate::trace::NodeState;

/// Sets of slots have a bit for each; not all of them are for customers.
const MOST_SEATS: usize = 40;

/// How many different faults [`Trial::inflict`] knows.
pub const KINDS: u64 = 23;

impl Trial {
    /// The next fault: one of those this seed is about.
    pub(super) fn inflict(&mut self) {
        // Where there are disks, each seed is about them too.
        if self.cluster.disks.is_some() && self.random.chance(250_000) {
            return self.inflict_on_disks();
        }
        let kind = loop {
            let kind = self.random.below(KINDS);
            if self.kinds >> kind & 1 == 1 {
                break kind;
            }
            // A seed about nothing is about everything.
            if self.kinds & ((1 << KINDS) - 1) == 0 {
                break kind;
            }
        };
        match kind {
            0..=2 => self.kill_replica(),
            3 => self.kill_primary(),
            4 => self.kill_other(Role::FrontEnd, Fault::KillFrontEnd),
            5 => self.kill_other(Role::NameServer, Fault::KillNameServer),
            6 => self.kill_other(Role::Customer, Fault::KillCustomer),
            7 => self.kill_between_effects(),
            8 | 9 => self.freeze_replica(),
            10 => self.freeze_other(),
            11 => self.sleep(),
            12 => self.partition(),
            13 => self.isolate(),
            14 => self.cut_one_way(),
            15 => self.begin_flapping(),
            16 => self.storm(),
            17 => self.disturb_services(),
            18 => self.change_cast(),
            19 => self.tangle(),
            20 => self.bridge(),
            21 => self.vanish(),
            _ => self.whisper(),
        }
    }

    // Whom.

    pub(super) fn slots(&self, wanted: impl Fn(&Self, Slot) -> bool) -> Vec<Slot> {
        (0..self.cluster.seats.len()).filter(|slot| wanted(self, *slot)).collect()
    }

    pub(super) fn one_of(&mut self, role: Role, life: Life) -> Option<Slot> {
        let slots = self.slots(|trial, slot| {
            trial.cluster.seats[slot].role == role && trial.cluster.life(slot) == life && !trial.removed.contains(&slot)
        });
        self.random.pick(&slots)
    }

    /// Whether it is a front-end that runs and passes requests on.
    fn routes(&self, slot: Slot) -> bool {
        let node = self.cluster.node(slot);
        let state = node.actor.as_ref().filter(|_| node.life == Life::Running).map(Actor::describe);
        matches!(state, Some(NodeState::FrontEnd { retired: false, .. }))
    }

    fn primary(&self) -> Option<Slot> {
        let acting = |slot: &Slot| self.cluster.node(*slot).replica().is_some_and(crate::replica::Replica::acting);
        (0..self.cluster.seats.len()).find(acting)
    }

    fn is_member(&self, slot: Slot) -> bool {
        let id = self.cluster.node(slot).id;
        self.cluster.checkers.newest_view().is_some_and(|view| view.members.contains(&id))
    }

    /// Whether its process may be killed: a disk keeps what the process held.
    fn may_be_killed(&mut self, slot: Slot) -> bool {
        self.cluster.disks.is_some() || self.may_die(slot)
    }

    /// Whether losing it would leave enough members of the newest view (PROTOCOL section 15). One that is frozen or cut
    /// off lives as well, but may already be on its way out of the view: such a gamble is rarely taken.
    pub(super) fn may_die(&mut self, slot: Slot) -> bool {
        let gamble = self.reckless || self.random.chance(3_000);
        let counts = |slot: &Slot| gamble || self.cluster.life(*slot) == Life::Running;
        let others = self.living_members().into_iter().filter(|other| *other != slot).filter(counts).count();
        let enough = self.min_members + usize::from(!gamble && self.cluster.environment.is_disturbed());
        self.reckless || !self.is_member(slot) || others >= enough
    }

    // How long, in microseconds.

    pub(super) fn around_silence(&mut self) -> u64 {
        let limit = self.cluster.settings.suspect_after.0;
        match self.random.below(4) {
            0 => self.random.between(1, limit / 2),
            1 => self.random.between(limit / 2, limit * 2),
            2 => self.random.between(limit, limit * 10),
            _ => self.random.between(1_000_000, 40_000_000),
        }
    }

    pub(super) fn at(&self, after: u64) -> u64 {
        self.cluster.now + after
    }

    // Kill.

    pub(super) fn kill(&mut self, slot: Slot, fault: Fault) {
        self.count(fault);
        self.cluster.kill(slot);
        self.back_later(slot);
        if self.random.chance(500_000) {
            self.everybody_hears_of(slot);
        }
    }

    fn back_later(&mut self, slot: Slot) {
        self.abandon(slot);
        let after = self.around_silence();
        self.cluster.plan(self.at(after), Plan::Restart(slot));
    }

    fn kill_replica(&mut self) {
        let Some(slot) = self.one_of(Role::Replica, Life::Running).filter(|slot| self.may_be_killed(*slot)) else {
            return;
        };
        let acting = self.cluster.node(slot).replica().is_some_and(crate::replica::Replica::acting);
        let fault = match (acting, self.is_member(slot)) {
            (true, _) => Fault::KillPrimary,
            (false, true) => Fault::KillBackup,
            (false, false) => Fault::KillJoiner,
        };
        self.kill(slot, fault);
    }

    fn kill_primary(&mut self) {
        if let Some(slot) = self.primary().filter(|slot| self.may_be_killed(*slot)) {
            self.kill(slot, Fault::KillPrimary);
        }
    }

    fn kill_other(&mut self, role: Role, fault: Fault) {
        if let Some(slot) = self.one_of(role, Life::Running) {
            self.kill(slot, fault);
        }
    }

    /// Dies in the middle of a list of effects: some are carried out, the others never.
    fn kill_between_effects(&mut self) {
        let role = [Role::Replica, Role::Replica, Role::NameServer, Role::FrontEnd][self.random.below(4) as usize];
        let Some(slot) = self.one_of(role, Life::Running).filter(|slot| self.may_be_killed(*slot)) else { return };
        let doom = match (role, self.random.below(4)) {
            (Role::NameServer, 0) => Doom::BeforeJournal,
            (Role::NameServer, 1 | 2) => Doom::AfterJournal,
            _ => Doom::After(self.random.below(30) as u32),
        };
        self.dies_and_comes_back(slot, doom);
    }

    pub(super) fn dies_and_comes_back(&mut self, slot: Slot, doom: Doom) {
        self.cluster.doom(slot, doom);
        self.back_later(slot);
        let again = self.random.between(10_000_000, 20_000_000);
        self.cluster.plan(self.at(again), Plan::Restart(slot));
    }

    /// A customer ends for good, rather one that waits for its order, and a new one comes. Nobody will ever repeat what it
    /// wanted, and often no postcode service tells about it either.
    fn vanish(&mut self) {
        if self.cluster.seats.len() >= MOST_SEATS {
            return;
        }
        let running = |client: &&Client| self.cluster.life(client.slot) == Life::Running;
        let running: Vec<_> =
            self.clients.iter().filter(running).map(|client| (client.slot, client.waits_for)).collect();
        let waits = running.iter().find(|(_, waits_for)| waits_for.is_some_and(|(_, order)| order));
        let Some((slot, _)) = waits.copied().or_else(|| self.random.pick(&running)) else { return };
        self.count(Fault::Vanished);
        self.cluster.kill(slot);
        self.vanished.push(slot);
        let only_reads = self.clients.iter().any(|client| client.slot == slot && client.only_reads);
        self.clients.retain(|client| client.slot != slot);
        self.add_client(format!("customer-{}", self.cluster.seats.len()), only_reads);
        if self.random.chance(500_000) {
            self.disturb_services();
        }
    }

    // Freeze.

    fn freeze(&mut self, slot: Slot, after: u64) {
        self.cluster.freeze(slot);
        let node = self.cluster.seats[slot].node;
        self.cluster.plan(self.at(after), Plan::Wake(slot, node));
    }

    pub(super) fn wake(&mut self, slot: Slot, node: usize) {
        if self.cluster.seats[slot].node != node || self.cluster.life(slot) != Life::Frozen {
            return;
        }
        let (noticed, stood) = match self.random.below(3) {
            0 => (true, false),
            1 => (false, false),
            _ => (false, true),
        };
        match (noticed, stood) {
            (true, _) => {}
            (false, false) => self.count(Fault::Unnoticed),
            (false, true) => self.count(Fault::StoodStill),
        }
        self.cluster.wake(slot, noticed, stood);
    }

    fn freeze_replica(&mut self) {
        let primary = self.primary().filter(|_| self.random.chance(500_000));
        let Some(slot) = primary.or_else(|| self.one_of(Role::Replica, Life::Running)) else { return };
        let fault = if primary.is_some() { Fault::FreezePrimary } else { Fault::FreezeBackup };
        self.count(fault);
        let after = self.around_silence();
        self.freeze(slot, after);
    }

    fn freeze_other(&mut self) {
        let (role, fault) = match self.random.below(3) {
            0 => (Role::FrontEnd, Fault::FreezeFrontEnd),
            1 => (Role::NameServer, Fault::FreezeNameServer),
            _ => (Role::Customer, Fault::FreezeCustomer),
        };
        let Some(slot) = self.one_of(role, Life::Running) else { return };
        self.count(fault);
        let after = self.around_silence();
        self.freeze(slot, after);
    }

    /// The lid of the laptop is closed.
    fn sleep(&mut self) {
        self.count(Fault::Sleep);
        let after = self.around_silence();
        for slot in self.slots(|trial, slot| trial.cluster.life(slot) == Life::Running) {
            self.freeze(slot, after);
        }
    }

    // Cut.

    fn cut(&mut self, fault: Fault, cut: Cut) {
        let after = self.around_silence();
        self.cut_for(after, fault, cut);
    }

    fn cut_for(&mut self, after: u64, fault: Fault, cut: Cut) {
        self.count(fault);
        self.cluster.write(|_| format!("{}, for {:.1} s: {cut:?}", fault.name(), after as f64 / 1e6));
        let number = self.cluster.environment.cut(cut);
        self.cluster.plan(self.at(after), Plan::Mend(number));
    }

    fn everybody(&self) -> u64 {
        (1 << self.cluster.seats.len()) - 1
    }

    fn partition(&mut self) {
        let (all, side) = (self.everybody(), self.random.bits());
        let cut = (0..self.cluster.seats.len())
            .map(|slot| (slot, all & if side >> slot & 1 == 1 { !side } else { side }))
            .collect();
        self.cut(Fault::Partition, cut);
    }

    /// Reachability is not transitive: a replaced primary may still reach half of its backups and an old front-end.
    fn tangle(&mut self) {
        let seats = self.cluster.seats.len();
        let often = self.random.between(100_000, 600_000) as u32;
        let mut cut: Cut = (0..seats).map(|slot| (slot, 0)).collect();
        for one in 0..seats {
            for other in one + 1..seats {
                if self.random.chance(often) {
                    cut[one].1 |= 1 << other;
                    cut[other].1 |= 1 << one;
                }
            }
        }
        self.cut(Fault::Tangle, cut);
    }

    /// The primary goes on with a front-end and some customers while a newer front-end and the others replace it. Only its
    /// backups can tell it, or not even they; nobody tells the front-end that it is the older one.
    fn bridge(&mut self) {
        let (Some(primary), Some(older)) = (self.primary(), self.slots(Self::routes).first().copied()) else { return };
        let others = self.slots(|trial, slot| trial.cluster.seats[slot].role == Role::FrontEnd && slot != older);
        if let Some(other) = others.first().filter(|other| self.cluster.life(**other) != Life::Dead) {
            self.kill(*other, Fault::KillFrontEnd);
        }
        let newer = others.first().map_or(Plan::SecondFrontEnd, |other| Plan::Restart(*other));
        let after = self.random.between(10_000, 1_000_000);
        self.cluster.plan(self.at(after), newer);
        let (seats, lots, bridged) = (self.cluster.seats.len(), self.random.bits(), self.random.chance(500_000));
        let role = |slot: Slot| self.cluster.seats[slot].role;
        // A customer that waits for an order there keeps all reads waiting: sometimes only readers stay.
        let readers: u64 = self.clients.iter().filter(|client| client.only_reads).map(|client| 1 << client.slot).sum();
        let lots = if self.random.chance(500_000) { readers } else { lots };
        let stays = |slot: Slot| role(slot) == Role::Customer && lots >> slot & 1 == 1;
        let here = |slot: Slot| slot == primary || slot == older || stays(slot);
        let crosses = |one: Slot, other: Slot| bridged && one == primary && role(other) == Role::Replica;
        let joined = |one, other| here(one) == here(other) || crosses(one, other) || crosses(other, one);
        let apart = |one: Slot| (0..seats).filter(|other| !joined(one, *other)).map(|other| 1 << other).sum();
        let cut = (0..seats).map(|slot| (slot, apart(slot))).collect();
        // Long enough for the others to look the newer front-end up, and to be answered.
        let long = self.random.between(2_000_000, 30_000_000);
        self.cut_for(long, Fault::Bridge, cut);
    }

    fn someone(&mut self) -> Slot {
        let primary = self.primary().filter(|_| self.random.chance(400_000));
        primary.unwrap_or_else(|| self.random.below(self.cluster.seats.len() as u64) as Slot)
    }

    fn isolate(&mut self) {
        let (slot, all) = (self.someone(), self.everybody());
        let cut =
            (0..self.cluster.seats.len()).map(|other| (other, if other == slot { all } else { 1 << slot })).collect();
        self.cut(Fault::Isolated, cut);
    }

    fn cut_one_way(&mut self) {
        let (from, to) = (self.someone(), self.someone());
        let all = self.everybody();
        let cut = match self.random.below(3) {
            0 => vec![(from, all)],
            1 => (0..self.cluster.seats.len()).map(|other| (other, 1 << to)).collect(),
            _ => vec![(from, 1 << to)],
        };
        self.cut(Fault::OneWay, cut);
    }

    fn begin_flapping(&mut self) {
        self.count(Fault::Flap);
        let limit = self.cluster.settings.suspect_after.0;
        let (times, period) = (self.random.between(2, 20), self.random.between(limit / 2, limit * 2));
        let ends = (self.someone(), self.someone());
        self.flap(Flapping { times: times as u32, period, ends, cut: None });
    }

    pub(super) fn flap(&mut self, flapping: Flapping) {
        let Flapping { times, period, ends: (one, other), cut } = flapping;
        let cut = match cut {
            Some(number) => {
                self.cluster.environment.mend(number);
                None
            }
            None if times == 0 => return,
            None => Some(self.cluster.environment.cut(vec![(one, 1 << other), (other, 1 << one)])),
        };
        let next = Flapping { times: times.saturating_sub(1), cut, ..flapping };
        self.cluster.plan(self.at(period), Plan::Flap(next));
    }

    // NetworkConditions.

    fn storm(&mut self) {
        self.count(Fault::Storm);
        self.cluster.environment.rates = Rates {
            loss: self.random.below(300_000) as u32,
            doubling: self.random.below(200_000) as u32,
            slow: self.random.below(300_000) as u32,
            late: self.random.below(10_000) as u32,
            ..self.usual.clone()
        };
        let after = self.random.between(500_000, 15_000_000);
        self.cluster.plan(self.at(after), Plan::Calm);
    }

    fn disturb_services(&mut self) {
        let (services, fault) = match self.random.below(3) {
            0 => (Services::Down, Fault::ServicesDown),
            1 => (Services::Slow, Fault::ServicesSlow),
            _ => (Services::Contradict, Fault::ServicesContradict),
        };
        self.cluster.environment.services = services;
        self.count(fault);
        let after = self.random.between(500_000, 20_000_000);
        self.cluster.plan(self.at(after), Plan::ServicesWell);
    }

    pub(super) fn store_fault_later(&mut self) {
        let after = self.random.between(self.fault_every / 2, self.fault_every * 4);
        self.cluster.plan(self.at(after), Plan::StoreFault);
    }

    /// For as long as it takes to be noticed, or much longer.
    pub(super) fn disturb_store(&mut self) {
        let (store, fault) = match self.random.below(3) {
            0 => (StoreHealth::Down, Fault::StoreDown),
            _ => (StoreHealth::Unreliable, Fault::StoreUnreliable),
        };
        self.cluster.environment.store = store;
        self.count(fault);
        let after = self.around_silence();
        self.cluster.plan(self.at(after), Plan::StoreWell);
        self.store_fault_later();
    }

    // The cast.

    /// A replica or front-end comes; a replica leaves for good.
    fn change_cast(&mut self) {
        let replicas = self.slots(|trial, slot| trial.cluster.seats[slot].role == Role::Replica).len();
        match self.random.below(3) {
            0 if replicas - self.removed.len() < 6 && replicas < 16 => {
                self.count(Fault::Added);
                self.add_actor(format!("replica-{}", replicas + 1), Role::Replica);
            }
            1 if replicas - self.removed.len() > 2 => {
                let Some(slot) = self.one_of(Role::Replica, Life::Running).filter(|slot| self.may_die(*slot)) else {
                    return;
                };
                self.count(Fault::Removed);
                self.cluster.kill(slot);
                self.removed.push(slot);
            }
            2 => self.second_front_end(),
            _ => {}
        }
    }

    pub(super) fn second_front_end(&mut self) {
        let front_ends = self.slots(|trial, slot| trial.cluster.seats[slot].role == Role::FrontEnd);
        if front_ends.len() == 1 {
            self.count(Fault::SecondFrontEnd);
            self.add_actor("front-end-2".into(), Role::FrontEnd);
        }
    }

    /// Small things: settings change while running, connections close and open again, loops are late, proofs are wrong.
    fn whisper(&mut self) {
        if self.random.chance(200_000) {
            let peer = self.someone();
            let peer = self.cluster.node(peer).id;
            self.count(Fault::FalseProof);
            (0..self.cluster.seats.len()).for_each(|slot| self.cluster.input(slot, Input::Gone { peer }));
        } else if self.random.chance(250_000) {
            self.count(Fault::Starved);
            let (slot, limit) = (self.someone(), self.cluster.settings.suspect_after.0);
            let by = Span(self.random.between(limit / 25, limit / 2));
            self.cluster.input(slot, Input::Overslept { by });
        } else if self.random.chance(300_000) {
            self.count(Fault::Retimed);
            let heartbeat = Span::millis(self.random.between(150, 400));
            let suspect_after = Span(heartbeat.0 * self.random.between(3, 6));
            let settings = Settings { heartbeat, suspect_after, ..self.cluster.settings.clone() };
            self.cluster.settings = settings.clone();
            for slot in 0..self.cluster.seats.len() {
                self.cluster.input(slot, Input::Retimed(settings.clone()));
            }
        } else {
            let slot = self.someone();
            self.everybody_hears_of(slot);
        }
    }

    fn everybody_hears_of(&mut self, slot: Slot) {
        self.count(Fault::ConnectionHint);
        let peer: Contact = self.cluster.contact(slot);
        for other in (0..self.cluster.seats.len()).filter(|other| *other != slot) {
            self.cluster.input(other, Input::ConnectionLost { peer });
        }
    }
}
