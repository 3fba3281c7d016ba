//! A cluster in the test's own process, whose nodes are the real program: commands go in as from the window, facts come out.
//! Waits for events, never for a duration.

use std::sync::mpsc::Receiver;
use std::time::Instant;

use cluster::{Cluster, ClusterOptions};
use knowledge::user_command::{CustomerCommand, UserCommand};
use protocol::ids::{CustomerId, NodeId, RequestId};
use protocol::message::Answer;
use protocol::trace::{LauncherEvent, MachineEvent, NodeEvent, Standing, TraceEvent, TraceRecord};

use crate::program::PATIENCE;

/// A cluster in this process, whose nodes are the real program.
pub struct ScenarioRun {
    pub cluster: Cluster,
    woken: Receiver<()>,
    /// Since the last command.
    pub facts: Vec<TraceRecord>,
}

impl ScenarioRun {
    pub fn open() -> Self {
        let program = env!("CARGO_BIN_EXE_just-hungry").into();
        Self::open_as(ClusterOptions { program, ..ClusterOptions::usual().unwrap() })
    }

    pub fn open_as(options: ClusterOptions) -> Self {
        let cluster = Cluster::launch(options).unwrap();
        Self { woken: cluster.woken(), cluster, facts: Vec::new() }
    }

    /// Waits for a fact, among those that came before too, and takes something of it.
    pub fn until<T>(&mut self, what: &str, take: impl Fn(&TraceRecord) -> Option<T>) -> T {
        self.until_all(what, |facts| facts.iter().find_map(&take))
    }

    /// Waits for an event; gives its node.
    pub fn until_event(&mut self, what: &str, is_it: impl Fn(&TraceEvent) -> bool) -> NodeId {
        self.until(what, |record| is_it(&record.event).then_some(record.node))
    }

    pub fn until_fact(&mut self, wanted: impl Into<TraceEvent>) {
        let wanted = wanted.into();
        self.until_event(&format!("{wanted:?}"), |event| *event == wanted);
    }

    pub fn until_started(&mut self) -> (String, NodeId) {
        self.until("a start", |record| match &record.event {
            TraceEvent::Launcher(LauncherEvent::Started(started)) => Some((started.name.clone(), record.node)),
            _ => None,
        })
    }

    /// Performs what ends a process, and waits for that.
    pub fn ends(&mut self, command: UserCommand) {
        self.perform(command);
        self.until_event("an end", |event| matches!(event, TraceEvent::Launcher(LauncherEvent::Ended { .. })));
    }

    /// Waits until the facts since the last command say something together.
    pub fn until_all<T>(&mut self, what: &str, take: impl Fn(&[TraceRecord]) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.facts.extend(self.cluster.take_facts());
            if let Some(found) = take(&self.facts) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{what} did not come. What came: {:#?}", self.facts);
            let _ = self.woken.recv_timeout(left);
        }
    }

    /// Only what comes from now on counts.
    pub fn perform(&mut self, command: impl Into<UserCommand>) {
        self.facts.clear();
        drop(self.cluster.take_facts());
        self.cluster.perform(command);
    }

    pub fn customer(&mut self, wanted: &str) -> CustomerId {
        self.until(wanted, |record| match &record.event {
            TraceEvent::Launcher(LauncherEvent::CustomerIs { customer, name, .. }) if name == wanted => Some(*customer),
            _ => None,
        })
    }

    pub fn primary(&mut self) -> String {
        let id = self.until_event("a primary with two backups", |event| {
            matches!(event, TraceEvent::Machine(MachineEvent::Became { standing: Standing::Primary, view }) if view.members.len() == 3)
        });
        self.until("its name", |record| match &record.event {
            TraceEvent::Launcher(LauncherEvent::Started(started)) if record.node == id => Some(started.name.clone()),
            _ => None,
        })
    }

    pub fn refusal(&mut self, command: impl Into<UserCommand>) -> String {
        self.perform(command);
        self.until("a refusal", |record| match &record.event {
            TraceEvent::Launcher(LauncherEvent::CommandRefused { why }) => {
                Some(wording::denial(why, |id| id.to_string()))
            }
            _ => None,
        })
    }

    pub fn asked(&mut self) -> RequestId {
        self.until("a request", |record| match &record.event {
            TraceEvent::Node(NodeEvent::Asked { request, .. }) => Some(*request),
            _ => None,
        })
    }

    pub fn answer(&mut self, wanted: RequestId) -> Answer {
        self.until("an answer", |record| match &record.event {
            TraceEvent::Node(NodeEvent::Answered { request, answer, .. }) if *request == wanted => Some(answer.clone()),
            _ => None,
        })
    }
}

/// That customer orders to its postcode.
pub fn order(customer: CustomerId, items: &[&str]) -> UserCommand {
    let items = items.iter().map(|item| (*item).to_owned()).collect();
    UserCommand::Customer(CustomerCommand::PlaceOrder { customer, postcode: "ne1 7ru".into(), items })
}
