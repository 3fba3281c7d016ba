//! What the network and the postcode services do in a simulation: chance, at rates that faults change.

use std::collections::BTreeMap;

use crate::disk::DiskTrouble;
use crate::ids::RequestId;
use crate::message::Message;
use crate::postcode::{Postcode, PostcodeService, Verdict};
use crate::random::{Random, mix};
use crate::simulation::counts::{Counts, Fault};
use crate::simulation::disk::SyncFate;
use crate::simulation::environment::{Environment, Fate, Slot};
use crate::simulation::plan::Plan;
use crate::simulation::store::StoreFate;

/// Links that are cut: from a slot to a set of slots.
pub type Cut = Vec<(Slot, u64)>;

/// How likely things are, in a million; delays in microseconds.
#[derive(Clone, Debug, Default)]
pub struct Rates {
    /// A message is lost.
    pub loss: u32,
    /// A message arrives twice.
    pub doubling: u32,
    /// A message takes up to a thousand times as long, and others overtake it.
    pub slow: u32,
    /// A message arrives up to two minutes late, after all it was about is over.
    pub late: u32,
    /// Shortest time on the way.
    pub least: u64,
    /// Longest time on the way of a message that is neither slow nor late.
    pub most: u64,
    /// Input waits, to be handled together with what arrives soon after.
    pub batching: u32,
}

/// What the postcode services do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Services {
    /// They answer in milliseconds.
    Well,
    /// Neither of them answers.
    Down,
    /// They take up to ten seconds.
    Slow,
    /// Each call gets an answer of its own.
    Contradict,
}

/// How the store of the view record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreHealth {
    /// It answers in milliseconds.
    Well,
    /// It has no majority, or cannot be reached. What was sent to it may still be carried out.
    Down,
    /// It loses some of what it is asked, and of what it answers, or is late.
    Unreliable,
}

/// How a disk is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiskHealth {
    /// It syncs in milliseconds.
    Well,
    /// Each sync takes seconds.
    Slow,
    /// No sync succeeds.
    Fails(DiskTrouble),
}

/// The environment of a trial: what a seed decides.
#[derive(Debug)]
pub struct NetworkConditions {
    /// How the network is now.
    pub rates: Rates,
    /// How the postcode services are now.
    pub services: Services,
    /// How the store is now.
    pub store: StoreHealth,
    /// How the disks are now, by slot; those that are not named are well.
    pub disks: BTreeMap<Slot, DiskHealth>,
    /// How many of a million deaths can be proved to somebody who asks.
    pub proofs: u32,
    /// What was inflicted so far.
    pub counts: Counts,
    random: Random,
    cuts: Vec<(u32, Cut)>,
    /// For each slot, the slots it does not reach: the union of all cuts.
    unreachable: Vec<u64>,
    cut_count: u32,
}

impl NetworkConditions {
    /// Services that answer, and links that only lose and slow messages at these rates.
    #[must_use]
    pub fn new(seed: u64, rates: Rates) -> Self {
        Self {
            rates,
            services: Services::Well,
            store: StoreHealth::Well,
            disks: BTreeMap::new(),
            proofs: 0,
            counts: Counts::default(),
            random: Random::new(mix(seed) ^ 0x77ea_74e2),
            cuts: Vec::new(),
            unreachable: vec![0; 64],
            cut_count: 0,
        }
    }

    /// Cuts links. Returns a number to mend them by.
    pub fn cut(&mut self, cut: Cut) -> u32 {
        self.cut_count += 1;
        self.cuts.push((self.cut_count, cut));
        self.join();
        self.cut_count
    }

    /// Mends the links of this cut, as far as no other cuts them as well.
    pub fn mend(&mut self, number: u32) {
        self.cuts.retain(|(known, _)| *known != number);
        self.join();
    }

    /// Whether some link is cut now, or messages get lost so often that somebody living may seem dead.
    #[must_use]
    pub fn is_disturbed(&self) -> bool {
        !self.cuts.is_empty() || self.rates.loss > 50_000 || self.rates.slow > 50_000
    }

    fn join(&mut self) {
        self.unreachable.fill(0);
        for (from, to) in self.cuts.iter().flat_map(|(_, cut)| cut) {
            self.unreachable[*from] |= to;
        }
    }

    /// All faults stop. What is late stays late.
    pub fn heal(&mut self) {
        self.cuts.clear();
        self.join();
        self.services = Services::Well;
        self.store = StoreHealth::Well;
        self.disks.clear();
        self.rates = Rates { least: self.rates.least, most: self.rates.most, ..Rates::default() };
    }

    fn usual(&mut self) -> u64 {
        self.random.between(self.rates.least, self.rates.most)
    }

    fn delay(&mut self) -> u64 {
        if self.random.chance(self.rates.slow) {
            self.counts.count(Fault::Slow);
            let usual = self.usual();
            return usual * self.random.between(2, 1000);
        }
        if self.random.chance(self.rates.late) {
            self.counts.count(Fault::Late);
            return self.random.between(1_000_000, 120_000_000);
        }
        self.usual()
    }
}

impl Environment for NetworkConditions {
    type Plan = Plan;

    fn fate(&mut self, _now: u64, from: Slot, to: Slot, _message: &Message) -> Fate {
        if self.unreachable[from] >> to & 1 == 1 {
            return Fate::Lost;
        }
        if self.random.chance(self.rates.loss) {
            self.counts.count(Fault::Lost);
            return Fate::Lost;
        }
        let after = self.delay();
        if self.random.chance(self.rates.doubling) {
            self.counts.count(Fault::Doubled);
            return Fate::Twice(after, self.delay());
        }
        Fate::Arrives(after)
    }

    fn verdict(&mut self, _now: u64, _request: RequestId, postcode: Postcode) -> (u64, Verdict) {
        let by = PostcodeService::PostcodesIo;
        let after = match self.services {
            Services::Well | Services::Contradict => self.random.between(0, 20_000),
            Services::Slow => self.random.between(0, 10_000_000),
            Services::Down => return (self.random.between(0, 500_000), Verdict::NobodyAnswers),
        };
        let invalid = match self.services {
            Services::Contradict => self.random.chance(500_000),
            Services::Well | Services::Slow | Services::Down => postcode.as_str().starts_with("ZZ"),
        };
        match invalid {
            true => (after, Verdict::Invalid { why: "There is no such postcode.".into(), by }),
            false => (after, Verdict::Valid { place: None, by }),
        }
    }

    fn proves_death(&mut self, from: Slot, to: Slot) -> bool {
        let cut = self.unreachable[from] >> to & 1 == 1 || self.unreachable[to] >> from & 1 == 1;
        let proved = !cut && self.random.chance(self.proofs);
        self.counts.add(Fault::Proof, u64::from(proved));
        proved
    }

    fn store(&mut self) -> StoreFate {
        let (near, far) = (self.random.between(200, 5_000), self.random.between(1_000, 20_000_000));
        let (carried_out, answers) = match self.store {
            StoreHealth::Well => (Some(near), true),
            StoreHealth::Down => (self.random.chance(200_000).then_some(far), false),
            StoreHealth::Unreliable => {
                let carried_out = [Some(near), Some(near), Some(far), None][self.random.below(4) as usize];
                (carried_out, self.random.chance(600_000))
            }
        };
        self.counts.add(Fault::StoreLate, u64::from(carried_out != Some(near)));
        self.counts.add(Fault::StoreMute, u64::from(!answers));
        let answered = answers.then(|| self.random.between(200, 5_000));
        let twice = answers && self.random.chance(50_000);
        self.counts.add(Fault::StoreTwice, u64::from(twice));
        let again = twice.then(|| self.random.between(200, 10_000_000));
        StoreFate { carried_out, answered, again }
    }

    fn sync(&mut self, slot: Slot) -> SyncFate {
        let most = [2_000, 10_000, 200_000][self.random.below(3) as usize];
        let after = self.random.between(100, most);
        match self.disks.get(&slot).unwrap_or(&DiskHealth::Well) {
            DiskHealth::Well => SyncFate { after, fails: None },
            DiskHealth::Slow => SyncFate { after: self.random.between(500_000, 6_000_000), fails: None },
            DiskHealth::Fails(why) => {
                self.counts.count(Fault::SyncFailed);
                SyncFate { after, fails: Some(why.clone()) }
            }
        }
    }

    fn batching_delay(&mut self) -> u64 {
        if self.random.chance(self.rates.batching) { self.random.between(1, 2000) } else { 0 }
    }
}
