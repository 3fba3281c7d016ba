//! How the cluster is steered: its time, its links, what is frozen or mined, and which bug is injected.

use std::collections::{BTreeMap, VecDeque};

use protocol::acknowledge::Acknowledge;
use protocol::ids::NodeId;
use protocol::machine::Timer;
use protocol::plant::Plant;
use protocol::trace::{Bomb, DiskFault, Freezing, LinkRule, Rate};

use super::KeepNewest;

/// Timers that rang lately.
const MOST_RUNG: usize = 100;
/// Nodes, and links, of which anything is kept.
const MOST_STEERED: usize = 10_000;

/// What facts have reported.
#[derive(Clone, Debug, PartialEq)]
pub struct Steering {
    /// How fast cluster time goes.
    pub rate: Rate,
    /// It stops by itself at this cluster time.
    pub until: Option<u64>,
    /// Links that do something, by the names of their ends, one way.
    pub links: BTreeMap<(String, String), LinkRule>,
    /// Processes that stand still.
    pub frozen: BTreeMap<NodeId, Freezing>,
    /// Bombs that lie in processes and customers.
    pub bombs: BTreeMap<NodeId, Bomb>,
    /// What is wrong with disks because a person wanted it so. It outlives the processes.
    pub disks: BTreeMap<NodeId, DiskFault>,
    /// Armed timers and when they ring, as last reported: only while time is slower than real time.
    pub timers: BTreeMap<NodeId, Vec<(Timer, u64)>>,
    /// Timers that rang lately, and when: only while time is slower than real time. Newest last.
    pub rung: VecDeque<(NodeId, Timer, u64)>,
    pub plant: Option<Plant>,
    /// How many copies answers wait for.
    pub acknowledge: Acknowledge,
    /// Whether heartbeats are shown one by one.
    pub heartbeats: bool,
    /// The machines that have not confirmed yet that their time stands still, while it is to stop.
    pub stopping: Vec<String>,
}

impl Default for Steering {
    fn default() -> Self {
        Self {
            rate: Rate::REAL,
            until: None,
            links: BTreeMap::new(),
            frozen: BTreeMap::new(),
            bombs: BTreeMap::new(),
            disks: BTreeMap::new(),
            timers: BTreeMap::new(),
            rung: VecDeque::new(),
            plant: None,
            acknowledge: Acknowledge::All,
            heartbeats: false,
            stopping: Vec::new(),
        }
    }
}

impl Steering {
    /// What a link does, one way.
    pub fn link(&self, from: &str, to: &str) -> LinkRule {
        self.links.get(&(from.to_owned(), to.to_owned())).copied().unwrap_or_default()
    }

    /// Whether something is switched on that breaks a promise: an injected bug, or answers that wait for fewer copies than all.
    pub fn is_unsafe(&self) -> bool {
        self.plant.is_some() || !self.acknowledge.is_safe()
    }

    /// Whether time stands still at `now`.
    pub fn is_stopped(&self, now: u64) -> bool {
        self.rate == Rate::STOPPED || self.until.is_some_and(|until| now >= until)
    }

    pub(super) fn clock_is(&mut self, rate: Rate, until: Option<u64>) {
        self.rate = rate;
        self.until = until;
        if rate == Rate::REAL {
            self.timers.clear();
        }
    }

    pub(super) fn link_is(&mut self, from: &str, to: &str, rule: LinkRule) {
        let way = (from.to_owned(), to.to_owned());
        if rule.is_mended() {
            self.links.remove(&way);
        } else if self.links.len() < MOST_STEERED || self.links.contains_key(&way) {
            self.links.insert(way, rule);
        }
    }

    pub(super) fn bomb_is(&mut self, node: NodeId, bomb: Option<Bomb>) {
        match bomb {
            Some(bomb) => keep(&mut self.bombs, node, bomb),
            None => drop(self.bombs.remove(&node)),
        }
    }

    pub(super) fn disk_is(&mut self, node: NodeId, fault: Option<DiskFault>) {
        match fault {
            Some(fault) => keep(&mut self.disks, node, fault),
            None => drop(self.disks.remove(&node)),
        }
    }

    pub(super) fn timers_are(&mut self, node: NodeId, armed: &[(Timer, u64)]) {
        // Nodes tell them only while time is slow. That it is slow, the launcher tells, perhaps a little later.
        keep(&mut self.timers, node, armed.to_vec());
    }

    pub(super) fn froze(&mut self, node: NodeId, how: Freezing) {
        keep(&mut self.frozen, node, how);
    }

    pub(super) fn rang(&mut self, node: NodeId, timer: Timer, at: u64) {
        if let Some(armed) = self.timers.get_mut(&node) {
            armed.retain(|(other, _)| *other != timer);
        }
        self.rung.push_back((node, timer, at));
        self.rung.keep_newest(MOST_RUNG);
    }

    /// The armed timer that rings next, after `now`, of a node that is not frozen.
    pub fn next_timer(&self, now: u64) -> Option<(NodeId, Timer, u64)> {
        let going = self.timers.iter().filter(|(node, _)| !self.frozen.contains_key(node));
        let armed = going.flat_map(|(node, armed)| armed.iter().map(|(timer, at)| (*node, *timer, *at)));
        armed.filter(|(_, _, at)| *at > now).min_by_key(|(_, _, at)| *at)
    }

    pub(super) fn ended(&mut self, node: NodeId) {
        self.frozen.remove(&node);
        self.bombs.remove(&node);
        self.timers.remove(&node);
    }
}

/// No cluster has this many nodes, but a damaged tape may say so.
fn keep<T>(map: &mut BTreeMap<NodeId, T>, node: NodeId, value: T) {
    if map.len() < MOST_STEERED || map.contains_key(&node) {
        map.insert(node, value);
    }
}
