//! Questions of other parts of the app about the running cluster, and how the supervisor answers them.
//!
//! Who has not answered in time is left out, not waited for: a frozen process must not freeze `status`.

use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use node::control::{ClockReading, ControlCommand, Credentials, SteeringCommand, Usage};
use protocol::ids::{Contact, NodeId, Role, Span};
use protocol::machine::Settings;
use protocol::plant::Plant;
use protocol::trace::{Actor, Bomb, Freezing, LinkRule, NodeState, Rate};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::hosts::{CROWD, TellHost};
use super::launcher::{Process, ProcessKey};
use super::nodes::{Common, Nodes};
use super::supervisor::{Incoming, Supervisor};
use knowledge::user_command::LinkWay;

/// A process that has not answered after so long is left out.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long the supervisor may take to answer: it waits for no process longer than a second.
const SLOWEST_ANSWER: Duration = Duration::from_secs(10);

/// Asks the supervisor; may be used from any thread.
#[derive(Clone)]
pub struct Inquirer {
    sender: Sender<Incoming>,
}

impl Inquirer {
    pub(super) fn new(sender: Sender<Incoming>) -> Self {
        Self { sender }
    }

    /// Every node with what it believes and uses. Waits, at most a second or so.
    ///
    /// # Errors
    /// When the cluster has ended.
    pub fn status(&self) -> anyhow::Result<Vec<NodeStatus>> {
        self.ask(Question::Status)
    }

    /// Keys for one more customers' endpoint.
    ///
    /// # Errors
    /// When the cluster has ended.
    pub fn admission(&self) -> anyhow::Result<Admission> {
        self.ask(Question::Admission)?
    }

    /// How the cluster is steered.
    ///
    /// # Errors
    /// When the cluster has ended.
    pub fn steering(&self) -> anyhow::Result<SteeringStatus> {
        self.ask(Question::Steering)
    }

    /// From now on these customers of this program are told what their host must know, the present clock first. Returns
    /// when that is on its way.
    pub fn follow(&self, customers: Vec<NodeId>) -> anyhow::Result<UnboundedReceiver<SteeringCommand>> {
        let (sender, commands) = unbounded_channel();
        let tell = Box::new(move |command| sender.send(command).is_ok());
        self.ask(|reply| Question::Follow { customers, tell, reply })?;
        Ok(commands)
    }

    /// Somebody who may not was refused something: that is shown, if it does not happen all the time.
    pub fn turned_away(&self, why: &str) {
        // Nobody is there to be shown it only when the cluster has ended.
        let _ = self.sender.send(Incoming::TurnedAway(why.to_owned()));
    }

    fn ask<T>(&self, question: impl FnOnce(Sender<T>) -> Question) -> anyhow::Result<T> {
        let (reply, answer) = channel();
        self.sender.send(Incoming::Asked(question(reply))).map_err(|_| anyhow!("the cluster has ended"))?;
        answer.recv_timeout(SLOWEST_ANSWER).context("the cluster did not answer")
    }
}

/// What can be asked.
pub(super) enum Question {
    /// Which nodes there are, and what each believes and uses.
    Status(Sender<Vec<NodeStatus>>),
    /// Keys for one more customers' endpoint, in another process.
    Admission(Sender<anyhow::Result<Admission>>),
    /// How the cluster is steered.
    Steering(Sender<SteeringStatus>),
    /// Customers in this program want to follow clock, settings and links, under one name. Answered when their first
    /// orders are given.
    Follow {
        /// Who.
        customers: Vec<NodeId>,
        /// How their host is told.
        tell: TellHost,
        /// The answer.
        reply: Sender<()>,
    },
}

/// How the cluster is steered, as `status` shows it.
#[derive(Clone, Debug)]
pub struct SteeringStatus {
    /// Cluster time now, in microseconds.
    pub at: u64,
    /// How fast it goes; not at all once it has stopped by itself.
    pub rate: Rate,
    /// How long a hop lasts.
    pub hop: Span,
    /// The injected bug.
    pub plant: Option<Plant>,
    /// Links that are not mended.
    pub links: Vec<(LinkWay, LinkRule)>,
}

/// A node as `status` shows it.
#[derive(Clone, Debug)]
pub struct NodeStatus {
    /// "replica-2".
    pub name: String,
    /// What it is.
    pub actor: Actor,
    /// Its newest incarnation.
    pub id: NodeId,
    /// Of the operating system; none while it does not run.
    pub pid: Option<u32>,
    /// Where it listens, or listened.
    pub contact: Option<Contact>,
    /// How it stands still, if it does: then it is not asked.
    pub frozen: Option<Freezing>,
    /// What lies in it.
    pub bomb: Option<Bomb>,
    /// What it believes; none if it did not say.
    pub state: Option<NodeState>,
    /// What it uses; none if it did not say.
    pub usage: Option<Usage>,
}

/// What a customer in another process needs.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Admission {
    /// Keys of a customer.
    pub credentials: Credentials,
    /// The one address everybody is given.
    pub name_server: Contact,
    /// Timers.
    pub settings: Settings,
    /// What time it is in the cluster.
    pub clock: ClockReading,
}

/// Questions that wait for processes.
#[derive(Default)]
pub(super) struct Inquiries(Vec<Open>);

struct Open {
    reply: Sender<Vec<NodeStatus>>,
    until: Instant,
    waits_for: Vec<ProcessKey>,
    nodes: Vec<(Option<ProcessKey>, NodeStatus)>,
}

impl Inquiries {
    /// Asks the processes, and answers when they have.
    pub fn ask_status(&mut self, reply: Sender<Vec<NodeStatus>>, nodes: &Nodes) {
        let mut open = Open { reply, until: Instant::now() + PATIENCE, waits_for: Vec::new(), nodes: Vec::new() };
        for node in nodes.all.iter().filter(|node| !node.removed) {
            let process = node.process.as_ref().filter(|_| node.ready && node.frozen.is_none());
            if let Some(process) = process
                && process.tell(ControlCommand::ReportStatus)
            {
                open.waits_for.push(process.key);
            }
            let status = NodeStatus {
                name: node.name.clone(),
                actor: node.kind.actor(),
                id: node.id,
                pid: node.process.as_ref().map(Process::pid),
                contact: node.contact,
                frozen: node.frozen,
                bomb: node.bomb,
                state: None,
                usage: None,
            };
            open.nodes.push((process.map(|process| process.key), status));
        }
        self.0.push(open);
        self.answer_overdue();
    }

    /// A process has answered: it answers all who wait.
    pub fn on_status(&mut self, key: ProcessKey, state: Option<NodeState>, usage: Usage) {
        for open in &mut self.0 {
            open.waits_for.retain(|waiting| *waiting != key);
            for (_, status) in open.nodes.iter_mut().filter(|(process, _)| *process == Some(key)) {
                status.state = state.clone();
                status.usage = Some(usage);
            }
        }
    }

    /// A process will not answer any more.
    pub fn on_end(&mut self, key: ProcessKey) {
        for open in &mut self.0 {
            open.waits_for.retain(|waiting| *waiting != key);
        }
    }

    /// Answers what is complete or has waited long enough.
    pub fn answer_overdue(&mut self) {
        let now = Instant::now();
        self.0.retain_mut(|open| {
            let done = open.waits_for.is_empty() || open.until <= now;
            if done {
                let _ = open.reply.send(open.nodes.drain(..).map(|(_, status)| status).collect());
            }
            !done
        });
    }

    /// How long until the next one is overdue.
    pub fn patience(&self) -> Option<Duration> {
        self.0.iter().map(|open| open.until.saturating_duration_since(Instant::now())).min()
    }
}

impl Supervisor {
    pub(super) fn on_question(&mut self, question: Question) {
        // An asker that has gone away does not matter.
        match question {
            Question::Status(reply) => self.inquiries.ask_status(reply, &self.nodes),
            Question::Admission(reply) => drop(reply.send(admission(&self.nodes, &self.common))),
            Question::Steering(reply) => {
                let _ = reply.send(SteeringStatus {
                    at: self.clock.now(),
                    rate: self.clock.rate(),
                    hop: self.common.settings.hop,
                    plant: self.common.settings.plant,
                    links: self.steering.links.clone().into_iter().collect(),
                });
            }
            Question::Follow { customers, tell, reply } => {
                let customers = customers.into_iter().map(|id| (CROWD.to_owned(), id)).collect();
                let host = self.hosts.add(tell, customers);
                self.tell_new_host(host);
                self.renew_links(CROWD);
                let _ = reply.send(());
            }
        }
    }
}

fn admission(nodes: &Nodes, common: &Common) -> anyhow::Result<Admission> {
    Ok(Admission {
        credentials: common.authority.issue(Role::Customer, None)?,
        name_server: nodes.name_server().ok_or_else(|| anyhow!("the name server has no address yet"))?,
        settings: common.settings.clone(),
        clock: common.clock.reading(),
    })
}
