//! Processes, each under the name that it keeps over restarts. Customers are not here: they are no processes.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use protocol::ids::{NodeId, OpNumber, View};
use protocol::postcode::Postcode;
use protocol::trace::{Actor, Ending, NoService, NodeState, ReplicaState, Standing, Started};
use protocol::view_record::Keeping;

use super::KeepNewest;

/// At most this many names of ended processes are remembered, for labels of late facts.
const MOST_NAMES: usize = 4096;
/// Facts may arrive before the news that their process has started: at most this many states are kept.
const MOST_EARLY: usize = 64;
/// Removed nodes that can be brought back.
const MOST_REMOVED: usize = 32;

/// One process, running or ended.
#[derive(Clone, Debug)]
pub struct Node {
    /// "replica-2": the same over restarts.
    pub name: String,
    pub actor: Actor,
    /// Its present or last incarnation.
    pub id: NodeId,
    /// Of the operating system.
    pub pid: u32,
    /// Where it listens, or listened.
    pub address: SocketAddr,
    /// The machine on which it runs, if that is another one than the launcher's.
    pub machine: Option<String>,
    /// Processes on other machines that it tries to reach, and does not.
    pub unreached: Vec<NodeId>,
    pub life: Life,
    /// Since when, in cluster time.
    pub since: u64,
    /// What it believes; of a process that has ended, what it believed last.
    pub state: Option<NodeState>,
    /// When it said so.
    pub state_at: u64,
    /// Of a replica that receives a state: since when it was seen to, and how many bytes it had then.
    receiving_from: Option<(u64, u64)>,
    /// Its order histories, as asked for.
    pub histories: Option<Histories>,
    /// Of a postcode service: how long the last answer took, in microseconds of real time.
    pub answered_in: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Life {
    Runs,
    Crashed,
    /// It ended by itself, with these last words.
    Exited(String),
}

/// A page of a node's order histories.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histories {
    /// When it was reported.
    pub at: u64,
    /// Postcode, labels of its newest orders, oldest first, and how many are older.
    pub pages: Vec<(Postcode, Vec<String>, u64)>,
    /// How many postcodes there are in all.
    pub postcodes: u64,
}

impl Node {
    /// Whether its disk holds a history, with which it can be started again.
    pub fn is_on_disk(&self) -> bool {
        self.replica().and_then(|replica| replica.disk.as_ref()).is_some_and(|disk| disk.kept.is_some())
    }

    pub fn runs(&self) -> bool {
        self.life == Life::Runs
    }

    /// What it believes, if it is a replica.
    pub fn replica(&self) -> Option<&ReplicaState> {
        match &self.state {
            Some(NodeState::Replica(state)) => Some(state),
            _ => None,
        }
    }

    /// How much longer it receives a state, in microseconds of cluster time, if it goes on as until now.
    pub fn receives_for(&self) -> Option<u64> {
        let ((since, first), (bytes, all)) = (self.receiving_from?, self.replica()?.loading?);
        let (came, left) = (bytes.checked_sub(first)?, all.saturating_sub(bytes));
        let micros = u128::from(self.state_at.saturating_sub(since)) * u128::from(left);
        u64::try_from(micros.checked_div(came.into())?).ok()
    }

    /// Where it keeps the view record, if it is a name server.
    pub fn keeping(&self) -> Option<Keeping> {
        match &self.state {
            Some(NodeState::NameServer { keeping, .. }) => Some(*keeping),
            Some(NodeState::FrontEnd { .. } | NodeState::Replica(_) | NodeState::Customer { .. }) | None => None,
        }
    }

    /// What it believes, if it is a front-end.
    pub fn front_end(&self) -> Option<FrontEndState<'_>> {
        match &self.state {
            Some(NodeState::FrontEnd { retired, view, alive, pending, waits_for, .. }) => {
                Some(FrontEndState { retired: *retired, view, alive, pending: *pending, waits_for: waits_for.as_ref() })
            }
            _ => None,
        }
    }

    /// Whether it runs and acts as primary, by its own account.
    pub fn leads(&self) -> bool {
        self.runs() && self.replica().is_some_and(|replica| replica.acting)
    }

    /// The view it believes in, if it has one.
    pub fn view(&self) -> Option<&View> {
        match self.state.as_ref()? {
            NodeState::NameServer { record, .. } => Some(record),
            NodeState::FrontEnd { view, .. } => Some(view),
            NodeState::Replica(replica) => Some(&replica.view),
            NodeState::Customer { .. } => None,
        }
        .filter(|view| view.number.0 > 0)
    }
}

#[derive(Clone, Copy, Debug)]
pub struct FrontEndState<'a> {
    /// Whether a newer front-end exists.
    pub retired: bool,
    /// Newest recorded view it knows.
    pub view: &'a View,
    pub alive: &'a [NodeId],
    /// Requests on their way.
    pub pending: u64,
    /// Why there is no service.
    pub waits_for: Option<&'a NoService>,
}

/// All processes that are shown; clones share those that do not change.
#[derive(Clone, Debug, Default)]
pub struct Nodes {
    list: Vec<Arc<Node>>,
    names: BTreeMap<NodeId, Arc<str>>,
    name_ages: VecDeque<NodeId>,
    early: VecDeque<(NodeId, u64, NodeState)>,
    removed: VecDeque<(String, Actor)>,
}

/// What nodes are sorted by.
fn order(node: &Node) -> (Actor, u64, &str) {
    let digits = node.name.trim_start_matches(|character: char| !character.is_ascii_digit());
    (node.actor, digits.parse().unwrap_or(0), &node.name)
}

impl Nodes {
    /// In the order of the workflow, replicas by number: the same, whichever started first.
    pub fn iter(&self) -> impl Iterator<Item = &Node> {
        self.list.iter().map(|node| &**node)
    }

    pub fn get(&self, name: &str) -> Option<&Node> {
        self.iter().find(|node| node.name == name)
    }

    /// By incarnation: only the present one of each name is found.
    pub fn of(&self, id: NodeId) -> Option<&Node> {
        self.iter().find(|node| node.id == id)
    }

    /// What an incarnation of a process or a customer is called.
    pub fn name_of(&self, id: NodeId) -> Option<&str> {
        self.names.get(&id).map(|name| &**name)
    }

    pub(super) fn shared_name_of(&self, id: NodeId) -> Option<Arc<str>> {
        self.names.get(&id).cloned()
    }

    /// The acting primary of the newest view that has one.
    pub fn acting_primary(&self) -> Option<&Node> {
        let leading = self.iter().filter(|node| node.leads());
        leading.max_by_key(|node| node.replica().map(|replica| replica.view.number))
    }

    /// Whether replicas keep their state on disk.
    pub fn is_durable(&self) -> bool {
        self.iter().filter_map(Node::replica).any(|replica| replica.disk.is_some())
    }

    /// The newest view anybody who runs believes in.
    pub fn newest_view(&self) -> Option<&View> {
        self.iter().filter(|node| node.runs()).filter_map(Node::view).max_by_key(|view| view.number)
    }

    pub fn running(&self) -> usize {
        self.iter().filter(|node| node.runs()).count()
    }

    /// Nodes that were taken out of the picture and can be started again, newest last.
    pub fn removed(&self) -> impl Iterator<Item = &(String, Actor)> {
        self.removed.iter()
    }

    pub(super) fn is_called(&mut self, id: NodeId, name: &str) {
        if self.names.insert(id, name.into()).is_none() {
            self.name_ages.push_back(id);
        }
        if self.name_ages.len() > MOST_NAMES
            && let Some(oldest) = self.name_ages.pop_front()
        {
            self.names.remove(&oldest);
        }
    }

    pub(super) fn started(&mut self, id: NodeId, at: u64, started: &Started) {
        self.removed.retain(|(name, _)| *name != started.name);
        let present = self.list.iter().position(|node| node.name == started.name);
        let node = Node {
            name: started.name.clone(),
            actor: started.actor,
            id,
            pid: started.pid,
            address: started.contact.address,
            machine: None,
            unreached: Vec::new(),
            life: Life::Runs,
            since: at,
            state: None,
            state_at: at,
            receiving_from: None,
            histories: None,
            answered_in: None,
        };
        match present {
            Some(index) => self.list[index] = Arc::new(node),
            None => {
                let place = self.list.partition_point(|other| order(other) <= order(&node));
                self.list.insert(place, Arc::new(node));
            }
        }
        let early: Vec<_> = self.early.iter().filter(|early| early.0 == id).cloned().collect();
        self.early.retain(|early| early.0 != id);
        for (id, at, state) in early {
            self.believes(id, at, &state);
        }
    }

    pub(super) fn reaches(&mut self, id: NodeId, peer: NodeId, reached: bool) {
        if let Some(node) = self.list.iter_mut().find(|node| node.id == id).map(Arc::make_mut) {
            node.unreached.retain(|other| *other != peer);
            node.unreached.extend((!reached).then_some(peer));
        }
    }

    pub(super) fn run_on(&mut self, id: NodeId, machine: &str) {
        if let Some(node) = self.list.iter_mut().find(|node| node.id == id) {
            Arc::make_mut(node).machine = Some(machine.to_owned());
        }
    }

    pub(super) fn ended(&mut self, id: NodeId, at: u64, how: Ending, words: &str) {
        let Some(index) = self.list.iter().position(|node| node.id == id) else { return };
        let life = match how {
            Ending::Removed => {
                let node = self.list.remove(index);
                self.removed.push_back((node.name.clone(), node.actor));
                self.removed.keep_newest(MOST_REMOVED);
                return;
            }
            Ending::Crashed => Life::Crashed,
            Ending::Exited => Life::Exited(super::shortened(words)),
        };
        let node = Arc::make_mut(&mut self.list[index]);
        (node.life, node.since) = (life, at);
    }

    pub(super) fn believes(&mut self, id: NodeId, at: u64, state: &NodeState) {
        if let Some(node) = self.node_mut(id) {
            let received = |node: &Node| node.replica().and_then(|replica| Some(replica.loading?.0));
            let before = received(node);
            node.state = Some(state.clone());
            node.state_at = at;
            let now = received(node);
            if now.is_none() || now < before {
                node.receiving_from = None;
            }
            node.receiving_from = node.receiving_from.or(now.map(|bytes| (at, bytes)));
        } else if !self.names.contains_key(&id) {
            self.early.push_back((id, at, state.clone()));
            self.early.keep_newest(MOST_EARLY);
        }
    }

    fn node_mut(&mut self, id: NodeId) -> Option<&mut Node> {
        self.list.iter_mut().find(|node| node.id == id).map(Arc::make_mut)
    }

    fn replica_mut(&mut self, id: NodeId) -> Option<&mut ReplicaState> {
        match self.node_mut(id)?.state.as_mut()? {
            NodeState::Replica(state) => Some(state),
            NodeState::NameServer { .. } | NodeState::FrontEnd { .. } | NodeState::Customer { .. } => None,
        }
    }

    /// A change of role is told at once; the whole state follows.
    pub(super) fn became(&mut self, id: NodeId, standing: Standing, view: &View) {
        if let Some(state) = self.replica_mut(id)
            && view.number >= state.view.number
        {
            state.standing = standing;
            state.acting = standing == Standing::Primary;
            state.view = view.clone();
        }
    }

    pub(super) fn committed(&mut self, id: NodeId, op: OpNumber) {
        if let Some(state) = self.replica_mut(id) {
            state.commit = state.commit.max(op);
        }
    }

    pub(super) fn service_answered(&mut self, id: NodeId, took: u64) {
        if let Some(node) = self.node_mut(id) {
            node.answered_in = Some(took);
        }
    }

    pub(super) fn shows_orders(
        &mut self,
        id: NodeId,
        (histories, older): (&[(Postcode, Vec<String>)], &[u64]),
        postcodes: u64,
        at: u64,
    ) {
        if let Some(node) = self.node_mut(id) {
            let older = older.iter().copied().chain(std::iter::repeat(0));
            let pages =
                histories.iter().zip(older).map(|((postcode, orders), older)| (*postcode, orders.clone(), older));
            node.histories = Some(Histories { at, pages: pages.collect(), postcodes });
        }
    }
}
