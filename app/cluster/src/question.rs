//! What other parts of the app ask about the running cluster, and what they are answered.

use std::sync::mpsc::Sender;

use node::control::{ClockReading, Credentials, Usage};
use protocol::acknowledge::Acknowledge;
use protocol::ids::{Contact, NodeId, Span};
use protocol::machine::Settings;
use protocol::plant::Plant;
use protocol::trace::{Actor, Bomb, DiskFault, Freezing, LinkRule, NodeState, Rate};

use super::hosts::TellHost;
use super::machines::Invitation;
use super::machines::code::Code;
use knowledge::machines::MachinesStatus;
use knowledge::user_command::LinkWay;

pub(super) enum Question {
    /// Which nodes there are, and what each believes and uses.
    Status(Sender<Vec<NodeStatus>>),
    /// Keys for one more customers' endpoint, in another process.
    Admission(Sender<anyhow::Result<Admission>>),
    /// How the cluster is steered.
    Steering(Sender<SteeringStatus>),
    /// A person invites another machine.
    Invite { invitation: Invitation, reply: Sender<anyhow::Result<Code>> },
    /// A person decides on a machine that knocks.
    Decide { machine: String, admitted: bool, reply: Sender<anyhow::Result<()>> },
    /// Whether each machine with a good code is admitted without a question.
    AdmitAll { all: bool, reply: Sender<()> },
    /// No code is good any more.
    EndInvitation(Sender<()>),
    /// The machines that have come, and those that may come.
    Machines(Sender<MachinesStatus>),
    /// Customers in this program want to follow clock, settings and links, under one name. Answered when their first
    /// orders are given.
    Follow {
        customers: Vec<NodeId>,
        /// How their host is told.
        tell: TellHost,
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
    /// How many copies answers wait for.
    pub acknowledge: Acknowledge,
    pub plant: Option<Plant>,
    /// Links that are not mended.
    pub links: Vec<(LinkWay, LinkRule)>,
}

/// A node as `status` shows it.
#[derive(Clone, Debug)]
pub struct NodeStatus {
    /// "replica-2".
    pub name: String,
    pub actor: Actor,
    pub id: NodeId,
    /// Of the operating system; none while it does not run.
    pub pid: Option<u32>,
    /// The machine on which it runs, if that is not the launcher's.
    pub machine: Option<String>,
    /// Where it listens, or listened.
    pub contact: Option<Contact>,
    /// The names of the nodes on other machines that it tries to reach, and does not.
    pub unreached: Vec<String>,
    /// How it stands still, if it does: then it is not asked.
    pub frozen: Option<Freezing>,
    /// What lies in it.
    pub bomb: Option<Bomb>,
    /// What is wrong with its disk because a person wants it so.
    pub disk_fault: Option<DiskFault>,
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
    /// The addresses everybody is given.
    pub name_servers: Vec<Contact>,
    pub settings: Settings,
    /// What time it is in the cluster.
    pub clock: ClockReading,
}
