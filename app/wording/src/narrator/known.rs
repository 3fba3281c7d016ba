//! What the narrator knows: names, who leads, what links do, what became of each request.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use protocol::acknowledge::Acknowledge;
use protocol::ids::{CustomerId, MessageId, NodeId, OpNumber, OrderNumber, RequestId, Role, View};
use protocol::message::Ask;
use protocol::plant::Plant;
use protocol::trace::{
    Actor, LauncherEvent, LinkRule, NoService, Rate, ReplicaState, Sign, Standing, TraceEvent, TraceRecord,
};

use super::news::Sent;
use super::sentence::list;

/// Requests, and messages, that are remembered.
const MOST: usize = 4_000;

/// A request of a customer.
#[derive(Debug)]
pub(super) struct Request {
    pub ask: Ask,
    pub asked: u64,
    /// How often its customer has sent it.
    pub sent: u32,
    /// To which replicas front-ends have passed it on.
    pub passed_to: Vec<NodeId>,
    /// The replicas that executed it, and which operation it became there.
    pub executed: Vec<(NodeId, OpNumber)>,
    /// Its number among the orders, once a primary has said that.
    pub number: Option<OrderNumber>,
    /// Replicas that have answered it.
    pub answered_by: Vec<NodeId>,
    /// Whether its customer has an answer.
    pub told: bool,
}

impl Request {
    pub fn new(ask: Ask, asked: u64) -> Self {
        let (passed_to, executed, answered_by) = (Vec::new(), Vec::new(), Vec::new());
        Self { ask, asked, sent: 0, passed_to, executed, number: None, answered_by, told: false }
    }

    pub fn is_order(&self) -> bool {
        matches!(self.ask, Ask::Order { .. })
    }

    pub fn is_read(&self) -> bool {
        matches!(self.ask, Ask::History { .. })
    }

    /// Which operation it became last, wherever.
    pub fn op(&self) -> Option<OpNumber> {
        self.executed.last().map(|(_, op)| *op)
    }
}

#[derive(Debug)]
pub(super) struct Known {
    names: HashMap<NodeId, String>,
    pub actors: HashMap<NodeId, Actor>,
    pub by_name: BTreeMap<String, NodeId>,
    pub customers: HashMap<CustomerId, String>,
    /// Processes that have ended, and when.
    pub ended: HashMap<NodeId, u64>,
    pub frozen: HashMap<NodeId, u64>,
    pub links: BTreeMap<(String, String), LinkRule>,
    /// When somebody heard from somebody, at least.
    heard: HashMap<(NodeId, NodeId), u64>,
    /// What each replica believes to be.
    pub stands: HashMap<NodeId, (Standing, View)>,
    pub newest: View,
    /// Whose confirmation the newest primary needs, without itself.
    pub backups: BTreeSet<NodeId>,
    /// By whom a node is suspected, and what that goes by.
    pub suspected: HashMap<NodeId, (NodeId, Sign)>,
    /// Views that the name server said to have recorded.
    pub recorded: BTreeSet<u64>,
    pub requests: BTreeMap<RequestId, Request>,
    /// Which request became an operation, and by whose work: two primaries may use the same number.
    pub ops: BTreeMap<OpNumber, Vec<(NodeId, RequestId)>>,
    /// The primary of each view.
    pub led: BTreeMap<u64, NodeId>,
    /// From whom each replica got the whole state last.
    pub state_from: HashMap<NodeId, NodeId>,
    /// Since when each replica has received a state that is on its way to it, and how many bytes that has in all.
    pub receiving: HashMap<NodeId, (u64, u64)>,
    /// The front-end that claimed last to be the newest.
    pub newest_front_end: Option<NodeId>,
    pub last_op: HashMap<NodeId, OpNumber>,
    /// Up to where each replica has confirmed.
    pub confirmed: HashMap<NodeId, OpNumber>,
    pub committed: OpNumber,
    pub messages: BTreeMap<MessageId, Sent>,
    /// What was told once and is not told again.
    pub said: HashSet<String>,
    /// What each replica said of itself last.
    pub states: BTreeMap<NodeId, ReplicaState>,
    /// Front-ends that serve nobody: since when, and why.
    pub waits: HashMap<NodeId, (u64, NoService)>,
    /// A name server had no answer from the store of the view record.
    pub store_silent: bool,
    pub plant: Option<Plant>,
    pub acknowledge: Acknowledge,
    /// How fast time goes where the telling has come to.
    pub rate: Rate,
    /// How fast it goes now.
    pub goes: Rate,
    pub hop: u64,
    /// Only one process is heard.
    pub alone: bool,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            names: HashMap::new(),
            actors: HashMap::new(),
            by_name: BTreeMap::new(),
            customers: HashMap::new(),
            ended: HashMap::new(),
            frozen: HashMap::new(),
            links: BTreeMap::new(),
            heard: HashMap::new(),
            stands: HashMap::new(),
            newest: View::default(),
            backups: BTreeSet::new(),
            suspected: HashMap::new(),
            recorded: BTreeSet::new(),
            requests: BTreeMap::new(),
            ops: BTreeMap::new(),
            led: BTreeMap::new(),
            state_from: HashMap::new(),
            receiving: HashMap::new(),
            newest_front_end: None,
            last_op: HashMap::new(),
            confirmed: HashMap::new(),
            committed: OpNumber(0),
            messages: BTreeMap::new(),
            said: HashSet::new(),
            states: BTreeMap::new(),
            waits: HashMap::new(),
            store_silent: false,
            plant: None,
            acknowledge: Acknowledge::All,
            rate: Rate::REAL,
            goes: Rate::REAL,
            hop: 0,
            alone: false,
        }
    }
}

impl Known {
    /// What holds as soon as it is heard: names, and the speed of time.
    pub fn overhear(&mut self, record: &TraceRecord) {
        match &record.event {
            TraceEvent::Launcher(LauncherEvent::Started(started)) => {
                self.names.insert(record.node, started.name.clone());
            }
            TraceEvent::Launcher(LauncherEvent::CustomerIs { customer, name, .. }) => {
                self.customers.insert(*customer, name.clone());
                self.names.insert(record.node, name.clone());
            }
            TraceEvent::Launcher(LauncherEvent::ClockIs { rate, .. }) => self.goes = *rate,
            TraceEvent::Launcher(_) | TraceEvent::Node(_) | TraceEvent::Machine(_) => {}
        }
    }

    pub fn flowed(&mut self, from: NodeId, sent: &[(NodeId, u64, u64)], at: u64) {
        sent.iter().filter(|(_, _, control)| *control > 0).for_each(|(to, ..)| self.hears(*to, from, at));
    }

    pub fn hears(&mut self, listener: NodeId, speaker: NodeId, at: u64) {
        let last = self.heard.entry((listener, speaker)).or_default();
        *last = at.max(*last);
    }

    /// When a node heard another one last, at least.
    pub fn last_heard(&self, listener: NodeId, speaker: NodeId) -> Option<u64> {
        self.heard.get(&(listener, speaker)).copied()
    }

    /// A length of real time, as cluster time goes where the telling has come to.
    pub fn in_cluster_time(&self, micros: u64) -> u64 {
        at_rate(micros, self.rate)
    }

    /// What people call a node.
    pub fn name(&self, id: NodeId) -> String {
        self.names.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }

    /// The same in the middle of a sentence.
    pub fn called(&self, id: NodeId) -> String {
        match self.name(id).as_str() {
            "front-end" => "the front-end".into(),
            "name-server" => "the name server".into(),
            name => name.to_owned(),
        }
    }

    /// The same, and of the only one that believes it leads: "the primary".
    pub fn role(&self, id: NodeId) -> String {
        if self.primary() == Some(id) && self.leading().count() == 1 { "the primary".into() } else { self.called(id) }
    }

    pub fn names(&self, ids: impl IntoIterator<Item = NodeId>) -> String {
        let mut names: Vec<String> = ids.into_iter().map(|id| self.called(id)).collect();
        names.sort_unstable();
        list(&names)
    }

    pub fn customer(&self, request: RequestId) -> String {
        self.customers.get(&request.customer).cloned().unwrap_or_else(|| "a customer".into())
    }

    pub fn is_replica(&self, id: NodeId) -> bool {
        self.actors.get(&id) == Some(&Actor::Role(Role::Replica))
    }

    pub fn runs(&self, id: NodeId) -> bool {
        self.actors.contains_key(&id) && !self.ended.contains_key(&id)
    }

    pub fn has_ended(&self, name: &str) -> bool {
        self.by_name.get(name).is_some_and(|id| self.ended.contains_key(id))
    }

    /// Whether any postcode service runs.
    pub fn service_runs(&self) -> bool {
        self.actors.iter().any(|(id, actor)| matches!(actor, Actor::Service(_)) && self.runs(*id))
    }

    /// All running nodes of a role.
    pub fn of_role(&self, role: Role) -> impl Iterator<Item = NodeId> {
        let of_role = move |(_, actor): &(&NodeId, &Actor)| **actor == Actor::Role(role);
        let mut nodes: Vec<NodeId> = self.actors.iter().filter(of_role).map(|(id, _)| *id).collect();
        nodes.retain(|id| self.runs(*id));
        nodes.sort_unstable_by_key(|id| self.name(*id));
        nodes.into_iter()
    }

    /// The acting primary of the newest view.
    pub fn primary(&self) -> Option<NodeId> {
        let leads = |id: &NodeId| self.believes_it_leads(*id);
        Some(self.newest.primary).filter(leads)
    }

    pub fn believes_it_leads(&self, id: NodeId) -> bool {
        self.runs(id) && self.stands.get(&id).is_some_and(|(standing, _)| *standing == Standing::Primary)
    }

    fn leading(&self) -> impl Iterator<Item = NodeId> {
        self.stands.keys().copied().filter(|id| self.believes_it_leads(*id))
    }

    /// Why nothing gets from one to another, as the rest of a sentence.
    pub fn blocked(&self, from: NodeId, to: NodeId) -> Option<String> {
        let (one, other) = (self.name(from), self.name(to));
        let rule = self.links.get(&(one.clone(), other.clone())).copied().unwrap_or_default();
        let (from, to) = (self.called(from), self.called(to));
        if rule.cut {
            Some(format!("the link from {from} to {to} is cut"))
        } else if rule.hold {
            Some(format!("the link from {from} to {to} holds messages back"))
        } else {
            None
        }
    }

    /// Why a backup does not confirm, as far as it is known.
    pub fn hinders(&self, primary: NodeId, backup: NodeId) -> Option<String> {
        if self.ended.contains_key(&backup) {
            return Some(format!("{} has crashed", self.called(backup)));
        }
        if self.frozen.contains_key(&backup) {
            return Some(format!("{} is frozen", self.called(backup)));
        }
        self.blocked(primary, backup).or_else(|| self.blocked(backup, primary))
    }

    /// The same, or that it is slow.
    pub fn delays(&self, primary: NodeId, backup: NodeId) -> Option<String> {
        let slow = |from: NodeId, to: NodeId| {
            let rule = self.links.get(&(self.name(from), self.name(to))).filter(|rule| rule.delay.0 > 0)?;
            Some(format!("the link from {} to {} {}", self.called(from), self.called(to), crate::link(rule)))
        };
        self.hinders(primary, backup).or_else(|| slow(primary, backup)).or_else(|| slow(backup, primary))
    }

    /// Backups of which no confirmation of this operation is known, and why they do not confirm.
    pub fn lacking(&self, primary: NodeId, op: OpNumber) -> Vec<(NodeId, String)> {
        self.behind(primary, op, Self::hinders)
    }

    /// The same, by any such reason.
    pub fn behind(
        &self,
        primary: NodeId,
        op: OpNumber,
        why: impl Fn(&Self, NodeId, NodeId) -> Option<String>,
    ) -> Vec<(NodeId, String)> {
        let others = self.backups.iter().filter(|id| **id != primary);
        let behind = others.filter(|id| self.confirmed.get(id).is_none_or(|confirmed| *confirmed < op));
        behind.filter_map(|id| Some((*id, why(self, primary, *id)?))).collect()
    }

    /// Whom a primary must ask, by the view in which it believes to be.
    pub fn asked_by(&self, primary: NodeId) -> Vec<NodeId> {
        let members = self.stands.get(&primary).map(|(_, view)| view.members.clone()).unwrap_or_default();
        members.into_iter().filter(|id| *id != primary).collect()
    }

    /// Which customers of these requests have no answer yet, as a sentence.
    pub fn untold(&self, requests: &[RequestId]) -> Option<String> {
        let waits = |request: &&RequestId| self.requests.get(request).is_none_or(|known| !known.told);
        let customers: Vec<String> = requests.iter().filter(waits).map(|request| self.customer(*request)).collect();
        let has = if customers.len() > 1 { "have" } else { "has" };
        (!customers.is_empty()).then(|| format!("{} {has} not been told yet.", list(&customers)))
    }

    /// Which requests became these operations at a primary, or before its time; none, if that is not known.
    pub fn became_of(&self, primary: NodeId, first: OpNumber, last: OpNumber) -> Vec<RequestId> {
        let of = |(_, by): (&OpNumber, &Vec<(NodeId, RequestId)>)| {
            by.iter().rfind(|(node, _)| *node == primary).or(by.last()).map(|(_, request)| *request)
        };
        self.ops.range(first..=last).filter_map(of).collect()
    }

    /// A primary sends everything to those who wait for it: as far as is known, its last operation is this.
    pub fn reaches(&mut self, primary: NodeId, op: OpNumber) {
        let last = self.last_op.entry(primary).or_default();
        *last = op.max(*last);
    }

    /// Whether this is said for the first time.
    pub fn is_new(&mut self, what: String) -> bool {
        if self.said.len() > MOST {
            self.said.clear();
        }
        self.said.insert(what)
    }

    pub fn remember(&mut self, sent: Sent) {
        self.messages.insert(sent.message, sent);
        if self.messages.len() > MOST {
            self.messages.pop_first();
        }
    }

    /// "Ada's order", "the orders of Ada and Bob"; of requests that are not known, "an order".
    pub fn orders(&self, requests: &[RequestId]) -> String {
        match requests {
            [] => "an order".into(),
            [one] => format!("{}'s order", self.customer(*one)),
            several => {
                let mut names: Vec<String> = several.iter().map(|request| self.customer(*request)).collect();
                names.dedup();
                format!("the orders of {}", list(&names))
            }
        }
    }

    pub fn trim(&mut self) {
        while self.requests.len() > MOST {
            self.requests.pop_first();
        }
        while self.ops.len() > MOST {
            self.ops.pop_first();
        }
    }
}

/// A length of real time in cluster time that goes at a rate.
pub(super) fn at_rate(micros: u64, rate: Rate) -> u64 {
    (u128::from(micros) * u128::from(rate.0) / u128::from(Rate::REAL.0)) as u64
}
