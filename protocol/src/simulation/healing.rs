//! The end of a trial: all faults stop, everybody runs, and the cluster must be well again.
//!
//! Safety alone would be worthless: a frozen cluster breaks no promise. Where all members of the newest view were lost,
//! being well means to refuse (PROTOCOL section 10). Invariants are not looked at here; the checkers go on.

use crate::customer::Customer;
use crate::ids::RequestId;
use crate::message::Ask;
use crate::replica::Replica;
use crate::simulation::broken_rule::{BrokenRule, Demand};
use crate::simulation::cluster::Stepped;
use crate::simulation::environment::Slot;
use crate::simulation::network_conditions::Services;
use crate::simulation::node::{Actor, Life, Node};
use crate::simulation::trial::Trial;
use crate::trace::NodeState;

/// How long the healed cluster may take to answer everything that is open, and again to have all replicas as members.
const PATIENCE: u64 = 120_000_000;
/// The healed cluster is watched for so long.
const QUIET: u64 = 10_000_000;
/// And may record so few views in that time: at one proposal a second, an endless change would record more.
const MOST_LATE_VIEWS: u64 = 4;

impl Trial {
    /// All faults stop, everybody runs, and all must be well. Whether service is rightly refused; the slowest answer.
    pub(super) fn heal(&mut self) -> (bool, u64) {
        self.calm = true;
        self.cluster.write(|_| "all faults stop".into());
        self.cluster.environment.heal();
        for node in 0..self.cluster.nodes.len() {
            self.cluster.nodes[node].doom = None;
        }
        for slot in 0..self.cluster.seats.len() {
            self.cluster.wake(slot, true, false);
            self.restart(slot);
        }
        self.orders_of_nobody_must_leave();
        let began = self.cluster.now;
        let answered = |trial: &Self| trial.clients.iter().all(|client| client.waits_for.is_none());
        let well = self.pass(PATIENCE, |trial| answered(trial) || trial.all_lost());
        let slowest = self.cluster.now - began;
        if self.all_lost() {
            self.must_refuse();
            if self.begin_afresh() {
                self.must_serve();
            }
            return (true, 0);
        }
        if !well && self.too_few() {
            return (true, 0);
        }
        self.must_serve();
        (false, slowest)
    }

    fn must_serve(&mut self) {
        self.must(Demand::Answers, |trial| trial.clients.iter().all(|client| client.waits_for.is_none()));
        self.read_everything();
        self.must(Demand::InStep, Self::in_step);
        self.must_stay();
        if self.violation().is_none() {
            self.cluster.checkers.at_the_end();
        }
    }

    /// The operator orders a fresh start of the newest front-end (PROTOCOL section 10). False if there is no view to follow,
    /// or nobody to begin with.
    fn begin_afresh(&mut self) -> bool {
        let slots = || 0..self.cluster.seats.len();
        let proposes = |slot: &usize| {
            let state = self.cluster.node(*slot).actor.as_ref().map(Actor::describe);
            matches!(state, Some(NodeState::FrontEnd { token: Some(_), retired: false, .. }))
        };
        let (front_end, replica) =
            (slots().find(proposes), slots().find(|slot| self.cluster.node(*slot).replica().is_some()));
        let (Some(front_end), Some(replica)) = (front_end, replica) else { return false };
        self.cluster.order_fresh_start(front_end, replica);
        self.must(Demand::FreshStart, |trial| !trial.all_lost());
        true
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

    fn must(&mut self, demand: Demand, done: impl Fn(&Self) -> bool) {
        let well = self.pass(PATIENCE, done) || self.violation().is_some() || self.all_lost() || self.too_few();
        let waiting: Vec<_> = self.clients.iter().filter_map(|client| client.waits_for).collect();
        self.cluster.checkers.expect(well, || BrokenRule::NotInTime(demand, waiting));
    }

    /// Orders whose customers are gone leave their places at the primary while no postcode service tells about them.
    fn orders_of_nobody_must_leave(&mut self) {
        if self.vanished.is_empty() {
            return;
        }
        self.cluster.environment.services = Services::Down;
        self.must(Demand::ChecksEnd, |trial| {
            let waits = |request: RequestId| {
                let customers = trial.clients.iter().filter_map(|client| trial.cluster.customer(client.slot));
                customers.filter_map(Customer::waiting).any(|waiting| waiting == request)
            };
            trial.cluster.nodes.iter().filter_map(Node::replica).flat_map(Replica::unchecked).all(waits)
        });
        self.cluster.environment.services = Services::Well;
    }

    fn read_everything(&mut self) {
        let Some(slot) = self.clients.first().map(|client| client.slot) else { return };
        for postcode in self.postcodes.clone() {
            if self.violation().is_some() {
                return;
            }
            self.ask(slot, Ask::History { postcode, page: 0 });
            self.must(Demand::Read, |trial| trial.clients.iter().all(|client| client.waits_for.is_none()));
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
        let is_quiet = after <= before + MOST_LATE_VIEWS;
        self.cluster.checkers.expect(is_quiet, || BrokenRule::StillChanges(before, after));
    }

    /// All members of the newest view are gone: none invents a history, front-ends soon say so (PROTOCOL section 10).
    fn must_refuse(&mut self) {
        self.pass(QUIET, |_| false);
        let invented = !self.all_lost();
        self.cluster.checkers.expect(!invented, BrokenRule::SomebodyLeads);
        let refuses = |actor: &Actor| match actor.describe() {
            NodeState::FrontEnd { waits_for, retired, .. } => retired || waits_for.is_some(),
            _ => true,
        };
        let all_refuse = |trial: &Self| trial.cluster.nodes.iter().filter_map(|node| node.actor.as_ref()).all(refuses);
        let said = self.pass(QUIET, all_refuse);
        self.cluster.checkers.expect(said, BrokenRule::FrontEndIsSilent);
    }

    // The survivors.

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
    pub(super) fn all_lost(&self) -> bool {
        // One that is started again from its disk is who it was.
        let returns = |slot: usize| !self.removed.contains(&slot) && self.cluster.has_file(slot);
        let alive = |slot: usize| self.cluster.life(slot) != Life::Dead || returns(slot);
        let may_follow = |slot: &usize| self.cluster.checkers.may_follow(self.cluster.node(*slot).id);
        let begun = self.cluster.checkers.newest_view().is_some_and(|view| view.number.0 > 0);
        begun && !(0..self.cluster.seats.len()).filter(|slot| alive(*slot)).any(|slot| may_follow(&slot))
    }

    /// Too few are left to lead: the view must not shrink below the wanted number of copies (PROTOCOL section 6).
    fn too_few(&self) -> bool {
        let members = self.cluster.checkers.newest_view().map_or(0, |view| view.members.len());
        self.living_members().len() < self.min_members.min(members)
    }
}
