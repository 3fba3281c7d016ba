//! Questions about the cluster that wait for processes. A process that has not answered in time is left out, not waited for: a frozen
//! process must not freeze `status`.

use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use node::control::{ControlCommand, Usage};
use protocol::ids::Role;
use protocol::trace::NodeState;

use super::Supervisor;
use super::machines::Machines;
use crate::hosts::CROWD;
use crate::incoming::ProcessKey;
use crate::launcher::Process;
use crate::nodes::{Common, Nodes};
use crate::question::{Admission, NodeStatus, Question, SteeringStatus};

/// A process that has not answered after so long is left out.
const PATIENCE: Duration = Duration::from_secs(1);

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
    pub(crate) fn ask_status(&mut self, reply: Sender<Vec<NodeStatus>>, nodes: &Nodes, machines: &Machines) {
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
                pid: node.process.as_ref().and_then(Process::pid),
                machine: node.machine.and_then(|key| machines.name(key)).map(str::to_owned),
                contact: node.contact,
                unreached: nodes.unreached_by(node),
                frozen: node.frozen,
                bomb: node.bomb,
                disk_fault: node.disk_fault,
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
    pub(crate) fn on_end(&mut self, key: ProcessKey) {
        for open in &mut self.0 {
            open.waits_for.retain(|waiting| *waiting != key);
        }
    }

    /// Answers what is complete or has waited long enough.
    pub(crate) fn answer_overdue(&mut self) {
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
            Question::Status(reply) => self.inquiries.ask_status(reply, &self.nodes, &self.machines),
            Question::Admission(reply) => drop(reply.send(admission(&self.nodes, &self.common))),
            Question::Steering(reply) => {
                let _ = reply.send(SteeringStatus {
                    at: self.clock.now(),
                    rate: self.clock.rate(),
                    hop: self.common.settings.hop,
                    acknowledge: self.common.settings.acknowledge,
                    plant: self.common.settings.plant,
                    links: self.steering.links.clone().into_iter().collect(),
                });
            }
            Question::Invite { invitation, reply } => drop(reply.send(self.invite(invitation))),
            Question::Decide { machine, admitted, reply } => drop(reply.send(self.decide(&machine, admitted))),
            Question::AdmitAll { all, reply } => {
                self.admit_all(all);
                let _ = reply.send(());
            }
            Question::EndInvitation(reply) => {
                self.end_invitation();
                let _ = reply.send(());
            }
            Question::Machines(reply) => drop(reply.send(self.machines_status())),
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
    let name_servers = nodes.name_servers();
    anyhow::ensure!(!name_servers.is_empty(), "the name server has no address yet");
    Ok(Admission {
        credentials: common.authority.issue(Role::Customer, None)?,
        name_servers,
        settings: common.settings.clone(),
        clock: common.clock.reading(),
    })
}
