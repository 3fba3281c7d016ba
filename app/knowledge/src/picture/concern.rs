//! What a person should know although orders are answered: that one hangs, and how many copies are left.

use protocol::ids::{NodeId, Role};
use protocol::trace::Actor;
use protocol::view_record::Keeping;

use super::{Node, Picture};

/// A reason not to call the service safe. The first that applies is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Concern {
    /// A customer waits, and a link on its order's way is cut or holds what enters it.
    Blocked {
        customer: String,
        /// Where the link begins.
        from: String,
        to: String,
    },
    /// A customer waits for longer than an order takes.
    Hangs {
        customer: String,
        /// For how long, in microseconds of cluster time.
        waited: u64,
    },
    /// Members that the primary does not hear, or that are frozen: every answer waits for them.
    Silent(Vec<String>),
    /// Only one replica holds the orders.
    NoCopy { last: String },
    /// The store of the view record answers no name server: no view can change.
    NoViewChange,
    /// Fewer replicas hold the orders than there are.
    Fewer {
        /// Members of the view.
        members: usize,
        /// Replicas in the picture, running or not.
        replicas: usize,
    },
}

/// An order is answered sooner than this, in microseconds of cluster time, if nothing is wrong.
const LONGEST: u64 = 1_500_000;
/// Or in this many hops, if they are slowed.
const MOST_HOPS: u64 = 24;

impl Picture {
    /// Why the service is not quite safe although a primary answers orders; none if it is, or if nobody answers.
    pub fn concern(&self) -> Option<Concern> {
        let primary = self.nodes.acting_primary()?;
        let state = primary.replica()?;
        // Where fewer copies are enough, no answer waits for a backup that is blocked or silent.
        let waits = self.steering.acknowledge.is_safe();
        let backups: Vec<NodeId> = state.ack_set.iter().copied().filter(|id| waits && *id != primary.id).collect();
        let is_replica = |node: &&Node| node.actor == Actor::Role(Role::Replica);
        let replicas = self.nodes.iter().filter(is_replica).count();
        self.blocked(primary, &backups)
            .or_else(|| self.hangs())
            .or_else(|| if waits { self.silent(&state.silent, &backups) } else { None })
            .or_else(|| (state.view.members.len() == 1).then(|| Concern::NoCopy { last: primary.name.clone() }))
            .or_else(|| self.view_cannot_change().then_some(Concern::NoViewChange))
            .or_else(|| {
                let members = state.view.members.len();
                (members < replicas).then_some(Concern::Fewer { members, replicas })
            })
    }

    /// Whether a replica was a member, and a newer view than it knows is without it.
    pub fn is_left_out(&self, node: &Node) -> bool {
        let believes = node.replica().is_some_and(|replica| replica.view.members.contains(&node.id));
        believes && self.nodes.newest_view().is_some_and(|view| !view.members.contains(&node.id))
    }

    /// Whether each name server that runs waits for the store.
    fn view_cannot_change(&self) -> bool {
        let running = || self.nodes.iter().filter(|node| node.runs()).filter_map(|node| node.keeping());
        running().next().is_some() && running().all(Keeping::waits)
    }

    fn blocked(&self, primary: &Node, backups: &[NodeId]) -> Option<Concern> {
        let waiting = self.customers.iter().find(|customer| customer.waiting.is_some())?;
        let (customer, leader) = (waiting.name.as_str(), primary.name.as_str());
        let front_ends = self.nodes.front_ends().filter(|node| node.runs()).map(|node| node.name.as_str());
        // A second front-end is another way: then only what lies behind both blocks.
        let front_ends: Vec<&str> = front_ends.collect();
        let one = <[&str; 1]>::try_from(front_ends).ok();
        let mut ends: Vec<(&str, &str)> = Vec::new();
        if let Some([front_end]) = one {
            ends.extend([(customer, front_end), (front_end, leader)]);
        }
        ends.extend(backups.iter().filter_map(|id| self.nodes.of(*id)).map(|node| (leader, node.name.as_str())));
        let both = ends.into_iter().flat_map(|(from, to)| [(from, to), (to, from)]);
        let stops = |(from, to): &(&str, &str)| {
            let rule = self.steering.link(from, to);
            rule.cut || rule.hold
        };
        let (from, to) = both.into_iter().find(stops)?;
        Some(Concern::Blocked { customer: customer.into(), from: from.into(), to: to.into() })
    }

    fn hangs(&self) -> Option<Concern> {
        let longest = LONGEST.max(self.hop.saturating_mul(MOST_HOPS));
        let waited = |since: u64| self.now.saturating_sub(since);
        let waits = self.customers.iter().filter_map(|customer| Some((customer, customer.waiting.as_ref()?)));
        let (customer, waiting) = waits.min_by_key(|(_, waiting)| waiting.since)?;
        let waited = waited(waiting.since);
        (waited > longest).then(|| Concern::Hangs { customer: customer.name.clone(), waited })
    }

    fn silent(&self, silent: &[NodeId], backups: &[NodeId]) -> Option<Concern> {
        let frozen = backups.iter().filter(|id| self.steering.frozen.contains_key(id));
        let mut names: Vec<String> = silent.iter().chain(frozen).map(|id| self.name(*id)).collect();
        names.sort_unstable();
        names.dedup();
        (!names.is_empty()).then_some(Concern::Silent(names))
    }
}
