//! One seed: a cluster is started, customers use it, faults happen; then all faults stop, and it must be well again.
//!
//! What faults there are stands in `faults.rs`. Nothing here knows the protocol's rules: the checkers do.

use crate::ids::{CustomerId, RequestId, Role, Span};
use crate::machine::{Settings, Wish};
use crate::message::Ask;
use crate::postcode::Postcode;
use crate::simulation::cluster::{Cluster, Stepped};
use crate::simulation::node::{Actor, Life};
use crate::simulation::random::Random;
use crate::simulation::surroundings::Slot;
use crate::simulation::tally::{Fault, Tally};
use crate::simulation::weather::{Mood, Weather};
use crate::trace::NodeState;

/// How long the healed cluster may take to answer everything that is open, and again to have all replicas as members.
const PATIENCE: u64 = 120_000_000;
/// The healed cluster is watched for so long.
const QUIET: u64 = 10_000_000;

/// And may record so few views in that time: at one proposal a second, an endless change would record more.
const MOST_LATE_VIEWS: u64 = 4;

/// What a trial wants to be reminded of.
#[derive(Clone, Copy, Debug)]
pub enum Plan {
    /// Inflict another fault.
    Fault,
    /// Start this actor again, unless it runs.
    Restart(Slot),
    /// A second front-end appears, unless there is one. Whoever has found the first goes on with it.
    SecondFrontEnd,
    /// Cut the primary off with this front-end.
    Bridge(Slot),
    /// Wake this incarnation.
    Wake(Slot, usize),
    /// Mend this cut.
    Mend(u32),
    /// A link comes or goes: so many times more, every so many microseconds, between these; cut now by this.
    Flap(u32, u64, (Slot, Slot), Option<u32>),
    /// The storm is over.
    Calm,
    /// The postcode services are well.
    ServicesWell,
    /// This customer may want something.
    Think(Slot),
    /// This customer gives up, if it still waits for this.
    GiveUp(Slot, RequestId),
}

/// How a trial ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The invariant that did not hold, and when, in virtual microseconds.
    pub violation: Option<(u64, String)>,
    /// Virtual time that passed, in microseconds.
    pub simulated: u64,
    /// Steps of the cluster.
    pub events: u64,
    /// Digest of all that happened.
    pub hash: u64,
    /// Faults by kind.
    pub tally: Tally,
    /// Orders whose customers were told that they are placed.
    pub acknowledged: u64,
    /// All members of the newest view were lost, and service was rightly refused.
    pub refused: bool,
    /// Recorded views.
    pub views: u64,
    /// Moments in which two primaries acted (one of them unable to answer).
    pub two_primaries: u64,
    /// Longest wait for an answer after healing, in microseconds.
    pub slowest: u64,
    /// What happened, in words, if asked for.
    pub story: Vec<String>,
}

/// A customer as its person sees it.
#[derive(Debug)]
struct Patron {
    slot: Slot,
    waits_for: Option<(RequestId, bool)>,
}

/// See the module.
#[derive(Debug)]
pub struct Trial {
    pub(super) cluster: Cluster<Weather>,
    pub(super) random: Random,
    pub(super) usual: Mood,
    pub(super) min_members: usize,
    /// Members of the newest view may all be lost.
    pub(super) reckless: bool,
    /// Mean time between faults.
    pub(super) fault_every: u64,
    /// Which faults this seed is about, as a set of numbers below [`super::faults::KINDS`].
    pub(super) kinds: u64,
    /// Actors that left for good.
    pub(super) removed: Vec<Slot>,
    patrons: Vec<Patron>,
    postcodes: Vec<Postcode>,
    /// How many of a million requests are reads.
    reads: u32,
    think: u64,
    calm: bool,
    look_for_survivors: bool,
}

impl Trial {
    /// A cluster with everything random chosen by `seed`. `tell`: whether to write its story.
    #[must_use]
    pub fn new(seed: u64, tell: bool) -> Self {
        let mut random = Random::new(seed);
        let settings = settings(&mut random);
        let usual = Mood {
            least: 20,
            most: [200, 1_000, 5_000][random.below(3) as usize],
            batching: [0, 100_000, 400_000][random.below(3) as usize],
            loss: [0, 0, 1_000, 20_000][random.below(4) as usize],
            doubling: [0, 0, 1_000, 20_000][random.below(4) as usize],
            slow: [0, 0, 500, 20_000][random.below(4) as usize],
            late: [0, 0, 100, 2_000][random.below(4) as usize],
        };
        let min_members = settings.min_members as usize;
        let observed = random.chance(100_000) || tell;
        let mut cluster = Cluster::new(Weather::new(seed, usual.clone()), settings, observed);
        cluster.story = tell.then(Vec::new);
        let mut trial = Self {
            cluster,
            usual,
            min_members,
            reckless: random.chance(30_000),
            fault_every: [500_000, 2_000_000, 5_000_000, 12_000_000][random.below(4) as usize],
            kinds: random.bits() | random.bits(),
            removed: Vec::new(),
            patrons: Vec::new(),
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
        self.add_actor("front-end".into(), Role::FrontEnd);
        for number in 1..=self.random.between(self.min_members as u64, 4) {
            self.add_actor(format!("replica-{number}"), Role::Replica);
        }
        for number in 1..=self.random.between(1, 5) {
            let slot = self.add_actor(format!("customer-{number}"), Role::Customer);
            self.patrons.push(Patron { slot, waits_for: None });
            self.think_later(slot);
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
        let Cluster { now, events, hash, story, checkers, around, cut_lists, .. } = self.cluster;
        let mut tally = around.tally;
        tally.add(Fault::CutList, cut_lists.other);
        tally.add(Fault::CutBeforeJournal, cut_lists.before_journal);
        tally.add(Fault::CutAfterJournal, cut_lists.after_journal);
        Ended {
            acknowledged: checkers.acknowledged(),
            views: checkers.newest_view().map_or(0, |view| view.number.0),
            two_primaries: checkers.two_primaries,
            violation: checkers.violation.map(|what| (now, what)),
            simulated: now,
            events,
            hash,
            tally,
            refused,
            slowest,
            story: story.unwrap_or_default(),
        }
    }

    fn violation(&self) -> Option<&String> {
        self.cluster.checkers.violation.as_ref()
    }

    fn remind(&mut self, plan: Plan) {
        match plan {
            Plan::Think(slot) => self.think(slot),
            Plan::GiveUp(slot, request) => self.give_up(slot, request),
            Plan::Restart(slot) => self.restart(slot),
            Plan::Wake(slot, node) => self.wake(slot, node),
            Plan::Fault
            | Plan::SecondFrontEnd
            | Plan::Bridge(_)
            | Plan::Mend(_)
            | Plan::Flap(..)
            | Plan::Calm
            | Plan::ServicesWell
                if self.calm => {}
            Plan::Fault => {
                self.look_for_survivors = true;
                self.inflict();
                self.fault_later();
            }
            Plan::SecondFrontEnd => self.second_front_end(),
            Plan::Bridge(older) => self.bridge(older),
            Plan::Mend(cut) => self.cluster.around.mend(cut),
            Plan::Flap(times, period, ends, cut) => self.flap(times, period, ends, cut),
            Plan::Calm => self.cluster.around.mood = self.usual.clone(),
            Plan::ServicesWell => self.cluster.around.services = super::weather::Services::Well,
        }
    }

    fn fault_later(&mut self) {
        let after = self.random.between(self.fault_every / 4, self.fault_every * 2);
        self.cluster.plan(self.cluster.now + after, Plan::Fault);
    }

    // Customers.

    fn patron(&mut self, slot: Slot) -> Option<&mut Patron> {
        self.patrons.iter_mut().find(|patron| patron.slot == slot)
    }

    fn think_later(&mut self, slot: Slot) {
        let after = self.random.between(self.think / 10, self.think * 2);
        self.cluster.plan(self.cluster.now + after, Plan::Think(slot));
    }

    /// A customer that waits for nothing wants something.
    fn think(&mut self, slot: Slot) {
        let idle = self.patron(slot).is_some_and(|patron| patron.waits_for.is_none());
        if self.calm || !idle {
            return;
        }
        let postcode = self.random.pick(&self.postcodes).unwrap_or(self.postcodes[0]);
        let reads = self.random.chance(self.reads);
        let ask = if reads {
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

    fn ask(&mut self, slot: Slot, ask: Ask) -> Option<RequestId> {
        let order = matches!(ask, Ask::Order { .. });
        let traced = self.random.chance(500_000);
        let request = self.cluster.wish(slot, Wish::Ask(ask), traced);
        match (request, self.patron(slot)) {
            (Some(request), Some(patron)) => patron.waits_for = Some((request, order)),
            _ => self.think_later(slot),
        }
        request
    }

    fn give_up(&mut self, slot: Slot, request: RequestId) {
        let Some((waits_for, order)) = self.patron(slot).and_then(|patron| patron.waits_for) else { return };
        if waits_for != request || self.cluster.life(slot) != Life::Running {
            return;
        }
        let withdrawal = self.cluster.wish(slot, Wish::GiveUp, true);
        self.cluster.around.tally.count(Fault::GaveUp);
        if let Some(patron) = self.patron(slot) {
            patron.waits_for = withdrawal.filter(|_| order).map(|request| (request, false));
        }
        if !order {
            self.think_later(slot);
        }
    }

    fn customers_were_told(&mut self) {
        while let Some((slot, request, _)) = self.cluster.answered.pop() {
            if let Some(patron) = self.patron(slot)
                && patron.waits_for.is_some_and(|(waits_for, _)| waits_for == request)
            {
                patron.waits_for = None;
                self.think_later(slot);
            }
        }
    }

    /// A customer's process is gone, and with it the knowledge that it waits for something.
    pub(super) fn abandon(&mut self, slot: Slot) {
        if let Some(patron) = self.patron(slot) {
            patron.waits_for = None;
        }
    }

    pub(super) fn restart(&mut self, slot: Slot) {
        if self.cluster.life(slot) != Life::Dead || self.removed.contains(&slot) {
            return;
        }
        self.abandon(slot);
        self.cluster.start(slot, self.random.bits() >> 16);
        self.cluster.around.tally.count(Fault::Restarted);
        if self.cluster.seats[slot].role == Role::Customer {
            self.think_later(slot);
        }
    }

    // The end.

    /// Members of the newest recorded view that are not dead.
    pub(super) fn living_members(&self) -> Vec<Slot> {
        let Some(view) = self.cluster.checkers.newest_view() else { return Vec::new() };
        let member = |slot: &Slot| {
            let node = self.cluster.node(*slot);
            node.life != Life::Dead && node.doom.is_none() && view.members.contains(&node.id)
        };
        (0..self.cluster.seats.len()).filter(|slot| *slot > 1 && member(slot)).collect()
    }

    /// Nobody is left who may lead or be led (PROTOCOL section 15). Proposals that are on their way may still bring it about.
    fn all_lost(&self) -> bool {
        let alive = |slot: usize| self.cluster.life(slot) != Life::Dead;
        let may_follow = |slot: &usize| self.cluster.checkers.may_follow(self.cluster.node(*slot).id);
        let begun = self.cluster.checkers.newest_view().is_some_and(|view| view.number.0 > 0);
        begun && !(0..self.cluster.seats.len()).filter(|slot| alive(*slot)).any(|slot| may_follow(&slot))
    }

    /// Too few are left to lead: the view must not shrink below the wanted number of copies (PROTOCOL section 6).
    fn too_few(&self) -> bool {
        let members = self.cluster.checkers.newest_view().map_or(0, |view| view.members.len());
        self.living_members().len() < self.min_members.min(members)
    }

    /// All faults stop, everybody runs, and all must be well. Whether service is rightly refused; the slowest answer.
    fn heal(&mut self) -> (bool, u64) {
        self.calm = true;
        self.cluster.tell(|_| "all faults stop".into());
        self.cluster.around.heal();
        for node in 0..self.cluster.nodes.len() {
            self.cluster.nodes[node].doom = None;
        }
        for slot in 0..self.cluster.seats.len() {
            self.cluster.wake(slot, true, false);
            self.restart(slot);
        }
        let began = self.cluster.now;
        let answered = |trial: &Self| trial.patrons.iter().all(|patron| patron.waits_for.is_none());
        let well = self.pass(PATIENCE, |trial| answered(trial) || trial.all_lost());
        let slowest = self.cluster.now - began;
        if self.all_lost() {
            self.must_refuse();
            return (true, 0);
        }
        if !well && self.too_few() {
            return (true, 0);
        }
        self.must("everybody is answered", answered);
        self.read_everything();
        self.must("all replicas are members and stand at the same place", Self::in_step);
        self.must_stay();
        if self.violation().is_none() {
            self.cluster.checkers.at_the_end();
        }
        (false, slowest)
    }

    /// Lets time pass until `done`, at most `limit`. Whether it is done.
    fn pass(&mut self, limit: u64, done: impl Fn(&Self) -> bool) -> bool {
        let end = self.cluster.now + limit;
        let mut next_look = 0;
        while self.violation().is_none() && self.cluster.now < end {
            if self.cluster.now >= next_look {
                if done(self) {
                    return true;
                }
                next_look = self.cluster.now + 10_000;
            }
            match self.cluster.step() {
                Stepped::Happened => self.customers_were_told(),
                Stepped::Plan(plan) => self.remind(plan),
                Stepped::Nothing => break,
            }
        }
        done(self)
    }

    fn must(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let well = self.pass(PATIENCE, done) || self.violation().is_some() || self.all_lost() || self.too_few();
        let waiting: Vec<_> = self.patrons.iter().filter_map(|patron| patron.waits_for).collect();
        let what = || format!("liveness: not within two minutes: {what}; waiting: {waiting:?}");
        self.cluster.checkers.expect(well, what);
    }

    fn read_everything(&mut self) {
        let Some(slot) = self.patrons.first().map(|patron| patron.slot) else { return };
        for postcode in self.postcodes.clone() {
            if self.violation().is_some() {
                return;
            }
            self.ask(slot, Ask::History { postcode, page: 0 });
            self.must("a history is read", |trial| trial.patrons.iter().all(|patron| patron.waits_for.is_none()));
        }
    }

    fn in_step(&self) -> bool {
        let Some(view) = self.cluster.checkers.newest_view() else { return false };
        let running =
            || (0..self.cluster.seats.len()).map(|slot| self.cluster.node(slot)).filter(|n| n.replica().is_some());
        let mut positions = running().filter_map(|node| node.replica()).map(crate::replica::Replica::position);
        let first = positions.next();
        running().all(|node| view.members.contains(&node.id)) && positions.all(|position| Some(position) == first)
    }

    /// A healed cluster has no reason to change its view, but for a proposal that was still on its way.
    fn must_stay(&mut self) {
        let view = |trial: &Self| trial.cluster.checkers.newest_view().map_or(0, |view| view.number.0);
        let before = view(self);
        self.pass(QUIET, |_| false);
        let after = view(self);
        self.cluster.checkers.expect(after <= before + MOST_LATE_VIEWS, || {
            format!("liveness: the healed cluster still changes its view, from {before} to {after}")
        });
    }

    /// All members of the newest view are gone: nobody invents a history, front-ends soon say so (PROTOCOL section 10).
    fn must_refuse(&mut self) {
        self.pass(QUIET, |_| false);
        let invented = !self.all_lost();
        self.cluster.checkers.expect(!invented, || "PROTOCOL section 10: all were lost, yet somebody leads".into());
        let refuses = |actor: &Actor| match actor.describe() {
            NodeState::FrontEnd { waits_for, retired, .. } => retired || waits_for.is_some(),
            _ => true,
        };
        let all_refuse = |trial: &Self| trial.cluster.nodes.iter().filter_map(|node| node.actor.as_ref()).all(refuses);
        let said = self.pass(QUIET, all_refuse);
        self.cluster.checkers.expect(said, || "PROTOCOL section 10: a front-end does not say whom it awaits".into());
    }
}

fn settings(random: &mut Random) -> Settings {
    let quick = random.chance(100_000);
    let heartbeat = Span::millis(if quick { random.between(50, 150) } else { random.between(150, 400) });
    Settings {
        plant: None,
        heartbeat,
        suspect_after: Span(heartbeat.0 * random.between(3, 6)),
        autoclean: Span::millis(random.between(1_000, 20_000)),
        retry_after: Span::millis(random.between(500, 2_000)),
        forward_again_after: Span::millis(random.between(300, 1_000)),
        check_again_after: Span::millis(random.between(100, 1_000)),
        min_members: if random.chance(100_000) { 2 } else { 1 },
        hop: Span(0),
    }
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
