//! How other parts of the app ask the supervisor about the running cluster, from any thread.

use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use anyhow::{Context, anyhow};
use protocol::ids::NodeId;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::hosts::ToHost;
use super::incoming::Incoming;
use super::machines::Invitation;
use super::machines::code::Code;
use super::question::{Admission, NodeStatus, Question, SteeringStatus};
use knowledge::machines::MachinesStatus;

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

    /// Invites another machine: its code.
    ///
    /// # Errors
    /// A sentence, when the cluster cannot listen for others, or has ended.
    pub fn invite(&self, invitation: Invitation) -> anyhow::Result<Code> {
        self.ask(|reply| Question::Invite { invitation, reply })?
    }

    /// Admits or refuses a machine that knocks.
    ///
    /// # Errors
    /// A sentence, when none of that name does.
    pub fn decide(&self, machine: &str, admitted: bool) -> anyhow::Result<()> {
        let machine = machine.to_owned();
        self.ask(|reply| Question::Decide { machine, admitted, reply })?
    }

    /// Admits each machine with a good code without a question, those that wait too, or asks a person.
    ///
    /// # Errors
    /// When the cluster has ended.
    pub fn admit_all(&self, all: bool) -> anyhow::Result<()> {
        self.ask(|reply| Question::AdmitAll { all, reply })
    }

    /// Makes every code worthless and refuses those that wait. When none that joined can come back, the cluster listens
    /// on this machine only.
    ///
    /// # Errors
    /// When the cluster has ended.
    pub fn end_invitation(&self) -> anyhow::Result<()> {
        self.ask(Question::EndInvitation)
    }

    /// The machines that have come, and those that may come.
    ///
    /// # Errors
    /// When the cluster has ended.
    pub fn machines(&self) -> anyhow::Result<MachinesStatus> {
        self.ask(Question::Machines)
    }

    /// From now on these customers of this program are told what their host must know, the present clock first. Returns
    /// when that is on its way.
    pub(crate) fn follow(&self, customers: Vec<NodeId>) -> anyhow::Result<UnboundedReceiver<ToHost>> {
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
