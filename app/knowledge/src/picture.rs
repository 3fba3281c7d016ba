//! What the app believes of the cluster: a fold of [`TraceRecord`]s, and nothing else.
//!
//! Live view, recordings and tests draw the same fold of the same facts. Everything here is bounded, however long a
//! lecture lasts. Deliberately absent: egui, input and output, clocks (the caller says what time it is), and guesses:
//! what no fact has said is not shown.

mod belief;
mod concern;
mod customers;
mod front_ends;
mod log;
mod marks;
mod nodes;
mod rates;
mod risk;
mod stats;
mod steering;
mod total_loss;
mod traffic;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use protocol::ids::{NodeId, Role};
use protocol::message::Answer;
use protocol::order_book::Outcome;
use protocol::postcode::{Postcode, Verdict};
use protocol::trace::{
    Actor, Crowd, Denial, Ending, LauncherEvent, MachineEvent, NoService, NodeEvent, NodeState, Started, TraceEvent,
    TraceRecord,
};

pub use belief::{Belief, Truth};
pub use concern::Concern;
pub use customers::{Customer, Customers, Receipt, Waiting};
pub use front_ends::Precedence;
pub use log::{Log, LogLine};
pub use marks::{Mark, MarkKind};
pub use nodes::{Histories, Life, Node, Nodes};
pub use rates::Rates;
pub use stats::{Copies, Stats, contradict};
pub use steering::Steering;
pub use total_loss::TotalLoss;
pub use traffic::{End, Flow, MessageInFlight, Traffic};

/// At most this many refusals of commands are kept for the history of notifications.
const MOST_NOTICES: usize = 100;
/// Ends of processes that are remembered: of the members of a view, and of what came and went since.
const MOST_ENDS: usize = 1000;
/// No node says as much of itself as this, in bytes: last words are four KiB at most.
const LONGEST_TEXT: usize = 5000;
/// What a process takes, a customer with its receipts, and anything small, in bytes.
const NODE: usize = 2048;
const CUSTOMER: usize = 4096;
const SMALL: usize = 128;
/// Verdicts on postcodes that are remembered for the order form.
const MOST_VERDICTS: usize = 500;

/// What the app believes. Clones share what does not change, so that a moment can be kept cheaply.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    /// Cluster time in microseconds.
    pub now: u64,
    /// How long each hop lasts, in microseconds; 0 is real time.
    pub hop: u64,
    /// How it is steered.
    pub steering: Steering,
    pub nodes: Nodes,
    pub customers: Customers,
    /// Customers that order all the time and are told of only together: the first of them, and how far they are.
    pub crowd: Option<(NodeId, Crowd)>,
    pub traffic: Traffic,
    /// What was answered, and whether it is still there.
    /// Orders a second as time went on.
    pub rates: Rates,
    pub stats: Stats,
    /// What is worth a line for people.
    pub log: Log,
    /// Faults, view changes and the like, oldest first, the newest of them: for the timeline.
    pub marks: VecDeque<Arc<Mark>>,
    /// Commands that were refused: when, and why. Newest last.
    pub notices: VecDeque<(u64, Denial)>,
    verdicts: BTreeMap<Postcode, Verdict>,
    verdict_ages: VecDeque<Postcode>,
    newest_led: u64,
    /// When incarnations of nodes ended, newest last.
    ends: VecDeque<(NodeId, u64)>,
}

/// Whether orders are answered, and how safe they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Service {
    /// Nothing has been heard of a front-end or a primary yet.
    Starting,
    Serving {
        view: u64,
        members: usize,
        /// Those that run and hold all the primary holds.
        in_step: usize,
    },
    /// All members are gone, and what only they held with them: orders wait for a fresh start.
    Lost(TotalLoss),
    Waiting(Cause),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    NoFrontEnd,
    /// The front-ends that run have been told of a newer one, which does not run.
    OnlyRetired,
    /// No replica acts as primary, and the front-end has not said why.
    NoPrimary,
    /// What the front-end says of itself.
    FrontEnd(NoService),
}

impl Picture {
    /// Takes in a fact that nobody else needs: what a message says is most of a tape, and is not copied then.
    pub fn take(&mut self, record: TraceRecord) {
        self.begin(&record);
        match record.event {
            TraceEvent::Node(NodeEvent::Sent { message, to, facts }) => {
                self.traffic.sent(message, to, facts, record.at)
            }
            event => self.apply_event(&event, record.node, record.at),
        }
    }

    /// What every fact does.
    fn begin(&mut self, record: &TraceRecord) {
        self.now = self.now.max(record.at);
        self.traffic.go_on(self.now);
        if let Some(line) = LogLine::of(record, &self.nodes).map(Arc::new) {
            self.mark(record, &line);
            self.log.push(line);
        }
    }

    /// Takes in a fact. Facts of different processes may come in any order; those of one process come in theirs.
    pub fn apply(&mut self, record: &TraceRecord) {
        self.begin(record);
        self.apply_event(&record.event, record.node, record.at);
    }

    fn apply_event(&mut self, event: &TraceEvent, node: NodeId, at: u64) {
        match event {
            TraceEvent::Launcher(event) => self.apply_of_launcher(event, node, at),
            TraceEvent::Node(event) => self.apply_of_node(event, node, at),
            TraceEvent::Machine(event) => self.apply_of_machine(event, node, at),
        }
        if matches!(
            event,
            TraceEvent::Launcher(LauncherEvent::Ended { .. })
                | TraceEvent::Node(NodeEvent::State(_) | NodeEvent::Answered { .. })
                | TraceEvent::Machine(MachineEvent::Became { .. })
        ) {
            self.stats.compare(&self.nodes);
        }
        if let Some(why) = event.denial() {
            self.notices.push_back((at, log::of_denial(why)));
            self.notices.keep_newest(MOST_NOTICES);
        }
    }

    fn apply_of_launcher(&mut self, event: &LauncherEvent, node: NodeId, at: u64) {
        match event {
            LauncherEvent::Started(started) => self.start(node, at, started),
            LauncherEvent::Ended { how, words } => self.end(node, at, *how, words),
            LauncherEvent::CustomerIs { customer, name, postcode, place } => {
                self.customers.is(*customer, node, name, *postcode, *place);
            }
            LauncherEvent::Crowd(crowd) => {
                self.stats.crowd(crowd);
                self.rates.crowd(crowd.acknowledged, at);
                self.crowd = Some((node, *crowd));
            }
            LauncherEvent::Orders { histories, older, postcodes } => {
                self.nodes.shows_orders(node, (histories, older), *postcodes, at);
            }
            LauncherEvent::HopIs { hop } => self.hop = *hop,
            LauncherEvent::ClockIs { rate, until } => self.steering.clock_is(*rate, *until),
            LauncherEvent::LinkIs { from, to, rule } => self.steering.link_is(from, to, *rule),
            LauncherEvent::PlantIs { plant } => self.steering.plant = *plant,
            LauncherEvent::AcknowledgeIs { acknowledge } => self.steering.acknowledge = *acknowledge,
            LauncherEvent::HeartbeatsAre { shown } => self.steering.heartbeats = *shown,
            LauncherEvent::BombIs { bomb } => self.steering.bomb_is(node, *bomb),
            LauncherEvent::RunsOn { machine } => {
                self.nodes.run_on(node, machine);
                self.customers.is_on(node, machine);
            }
            LauncherEvent::CannotReach { peer, .. } => self.nodes.reaches(node, *peer, false),
            LauncherEvent::CanReach { peer } => self.nodes.reaches(node, *peer, true),
            LauncherEvent::DiskIs { fault } => self.steering.disk_is(node, *fault),
            LauncherEvent::Stopping { waits_for } => self.steering.stopping.clone_from(waits_for),
            LauncherEvent::MachineIs { .. }
            | LauncherEvent::ListensOn { .. }
            | LauncherEvent::CommandRefused { .. }
            | LauncherEvent::Log { .. } => {}
        }
    }

    fn apply_of_node(&mut self, event: &NodeEvent, node: NodeId, at: u64) {
        match event {
            NodeEvent::Sent { message, to, facts } => self.traffic.sent(*message, *to, facts.clone(), at),
            NodeEvent::Stays { message, to, stay } => self.traffic.stays(*message, *to, *stay, at),
            NodeEvent::Delivered { message, refused } => self.traffic.delivered(*message, node, refused.as_ref(), at),
            NodeEvent::Lost { message, to, why } => self.traffic.lost(*message, *to, why, at),
            NodeEvent::PostcodeAsked { message, postcode, .. } => self.traffic.postcode_asked(*message, *postcode),
            NodeEvent::PostcodeAnswered { message, from, verdict, took } => {
                let postcode = self.traffic.postcode_answered(*message);
                self.nodes.service_answered(*from, *took);
                if let Some(postcode) = postcode {
                    self.remember(postcode, verdict);
                }
            }
            NodeEvent::State(state) => self.state(node, at, state),
            NodeEvent::Flow { sent } => self.flowed(node, sent, at),
            NodeEvent::Asked { customer, request, ask } => self.customers.asked(*customer, *request, ask, at),
            NodeEvent::Answered { request, answer, took } => {
                self.stats.answered(answer, *took, at);
                if let Answer::Outcome(Outcome::Placed { .. }) = answer {
                    self.rates.placed(at);
                }
                self.customers.answered(*request, answer, *took, at);
            }
            NodeEvent::Timers { armed } => self.steering.timers_are(node, armed),
            NodeEvent::Rang { timer } => self.steering.rang(node, *timer, at),
            NodeEvent::Froze { how } => self.steering.froze(node, *how),
            NodeEvent::Woke => drop(self.steering.frozen.remove(&node)),
            NodeEvent::Exploded { .. } => self.steering.bomb_is(node, None),
            NodeEvent::Log { .. } => {}
        }
    }

    fn apply_of_machine(&mut self, event: &MachineEvent, node: NodeId, at: u64) {
        match event {
            MachineEvent::Became { standing, view } => {
                self.nodes.became(node, *standing, view);
                self.stats.became(*standing, at);
            }
            MachineEvent::Committed { op } => {
                self.nodes.committed(node, *op);
                self.stats.committed += 1;
            }
            MachineEvent::TookIn { .. }
            | MachineEvent::Suspects { .. }
            | MachineEvent::Refused { .. }
            | MachineEvent::CommandRefused { .. }
            | MachineEvent::Noted(_) => {}
        }
    }

    /// About how much memory it takes beside an earlier copy, in bytes. They share the lines of the log, which take most memory.
    pub(crate) fn weight_beside(&self, earlier: Option<&Self>) -> usize {
        let things = self.nodes.iter().count() * NODE + self.customers.iter().count() * CUSTOMER;
        let steered = self.steering.links.len() + self.steering.timers.len() + self.steering.bombs.len();
        let length = |why: &Denial| if let Denial::Words(words) = why { words.len() } else { SMALL };
        let notices: usize = self.notices.iter().map(|(_, why)| length(why)).sum();
        let log = self.log.weight_beside(earlier.map(|earlier| &earlier.log));
        things + self.traffic.weight() + log + steered * SMALL + notices + self.marks.len() * SMALL
    }

    /// Says what time it is; time never goes back.
    pub fn set_now(&mut self, now: u64) {
        self.now = self.now.max(now);
        self.traffic.go_on(self.now);
    }

    fn start(&mut self, id: NodeId, at: u64, started: &Started) {
        if started.actor != Actor::Role(Role::Customer) {
            self.nodes.started(id, at, started);
        }
        self.nodes.is_called(id, &started.name);
    }

    fn end(&mut self, id: NodeId, at: u64, how: Ending, words: &str) {
        let led = self.nodes.acting_primary().is_some_and(|primary| primary.id == id);
        self.nodes.ended(id, at, how, words);
        self.ends.push_back((id, at));
        self.ends.keep_newest(MOST_ENDS);
        self.customers.gone(id);
        self.steering.ended(id);
        self.traffic.ended(id, at);
        if led {
            self.stats.primary_ended(at);
        }
    }

    fn state(&mut self, id: NodeId, at: u64, state: &NodeState) {
        if let NodeState::Customer { front_end, waiting, why } = state {
            self.customers.believes(id, *front_end, waiting.zip(*why), at);
        }
        self.nodes.believes(id, at, state);
    }

    /// To a crowd it is one flow.
    fn flowed(&mut self, from: NodeId, sent: &[(NodeId, u64, u64)], at: u64) {
        let Some((first, crowd)) = self.crowd else { return self.traffic.flowed(from, sent, at) };
        let is_one_of_it = |to: NodeId| to.0.wrapping_sub(first.0) < u64::from(crowd.customers);
        let (to_crowd, others): (Vec<_>, Vec<_>) = sent.iter().partition(|(to, ..)| is_one_of_it(*to));
        self.traffic.flowed(from, &others, at);
        if !to_crowd.is_empty() {
            let sum =
                |all: (u64, u64), one: &(NodeId, u64, u64)| (all.0.saturating_add(one.1), all.1.saturating_add(one.2));
            let (orders, control) = to_crowd.iter().fold((0, 0), sum);
            self.traffic.flowed(from, &[(first, orders, control)], at);
        }
    }

    fn remember(&mut self, postcode: Postcode, verdict: &Verdict) {
        if self.verdicts.insert(postcode, verdict.clone()).is_none() {
            self.verdict_ages.push_back(postcode);
        }
        if self.verdict_ages.len() > MOST_VERDICTS
            && let Some(oldest) = self.verdict_ages.pop_front()
        {
            self.verdicts.remove(&oldest);
        }
    }

    /// What a service last said of a postcode, if any was asked.
    pub fn verdict(&self, postcode: Postcode) -> Option<&Verdict> {
        self.verdicts.get(&postcode)
    }

    /// What people call an incarnation of a process or customer; its id if it never said.
    pub fn name(&self, id: NodeId) -> String {
        self.nodes.name_of(id).map_or_else(|| id.to_string(), str::to_owned)
    }

    /// Whether orders are answered, by what front-end and primary say of themselves.
    pub fn service(&self) -> Service {
        let front_ends = || self.nodes.front_ends();
        if front_ends().next().is_some() && !front_ends().any(Node::runs) {
            return Service::Waiting(Cause::NoFrontEnd);
        }
        let retired = |node: &Node| node.front_end().is_some_and(|state| state.retired);
        if front_ends().next().is_some() && front_ends().filter(|node| node.runs()).all(retired) {
            return Service::Waiting(Cause::OnlyRetired);
        }
        if let Some(loss) = self.total_loss() {
            return Service::Lost(loss);
        }
        // A primary may believe that it leads while no front-end can reach it.
        let mut reasons = front_ends()
            .filter(|node| node.runs())
            .filter_map(Node::front_end)
            .filter(|state| !state.retired)
            .map(|state| state.waits_for);
        let first = reasons.next().flatten();
        if let Some(why) = first.filter(|_| reasons.all(|why| why.is_some())) {
            return Service::Waiting(Cause::FrontEnd(why.clone()));
        }
        let Some(primary) = self.nodes.acting_primary() else {
            let why = front_ends().filter_map(Node::front_end).find_map(|state| state.waits_for);
            return match (why, self.nodes.newest_view()) {
                (Some(why), _) => Service::Waiting(Cause::FrontEnd(why.clone())),
                (None, Some(_)) => Service::Waiting(Cause::NoPrimary),
                (None, None) => Service::Starting,
            };
        };
        let Some(state) = primary.replica() else { return Service::Starting };
        let in_step = |id: &&NodeId| {
            let replica = self.nodes.of(**id).filter(|node| node.runs()).and_then(Node::replica);
            replica.is_some_and(|replica| replica.position == state.position)
        };
        Service::Serving {
            view: state.view.number.0,
            members: state.view.members.len(),
            in_step: state.view.members.iter().filter(in_step).count(),
        }
    }

    /// The message that leaves its link next if time goes on, and when; frozen senders let nothing go.
    pub fn next_due(&self) -> Option<(u64, &MessageInFlight)> {
        let going = self.traffic.departures(self.now).filter(|(_, it)| !self.steering.frozen.contains_key(&it.id.from));
        going.min_by_key(|(until, flying)| (*until, flying.id, flying.to))
    }

    /// Whether something on the screen moves by itself as time goes on.
    pub fn moves(&self) -> bool {
        !self.steering.is_stopped(self.now) && self.traffic.moves(self.now)
    }
}

/// A text as it is shown: what is far longer than anything that a node says of itself is cut. The tape has it whole.
fn shortened(text: &str) -> String {
    if text.len() <= LONGEST_TEXT {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(LONGEST_TEXT)])
}

/// Keeping the newest of a list.
pub(crate) trait KeepNewest {
    /// Drops the oldest until at most this many are left.
    fn keep_newest(&mut self, most: usize);
}

impl<T> KeepNewest for VecDeque<T> {
    fn keep_newest(&mut self, most: usize) {
        self.drain(..self.len().saturating_sub(most));
    }
}

#[cfg(test)]
mod tests;
