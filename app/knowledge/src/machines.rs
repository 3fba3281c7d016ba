//! What is known of other machines: what a cluster knows of those that join it, and what a machine knows of the cluster it joined.
//!
//! No sentences, and nothing that reaches a machine.

use std::net::IpAddr;
use std::time::Duration;

use protocol::ids::Role;
use protocol::trace::NoJoin;

/// The machines that have come, and those that may come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MachinesStatus {
    /// Where others reach the cluster; nowhere unless a person has invited.
    pub addresses: Vec<IpAddr>,
    /// At which port a machine knocks.
    pub port: Option<u16>,
    /// The newest code; none: nobody is invited.
    pub newest: Option<GivenCode>,
    /// Those that wait for a decision.
    pub knocking: Vec<KnockingMachine>,
    /// Those that have joined, the first one first.
    pub joined: Vec<JoinedMachine>,
    /// Whether each that has a good code is admitted without a question.
    pub admits_all: bool,
}

impl MachinesStatus {
    /// How many can be reached now.
    pub fn connected(&self) -> usize {
        self.joined.iter().filter(|machine| machine.presence == Presence::Connected).count()
    }
}

/// A code that was given out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenCode {
    pub code: String,
    /// What the other machine becomes.
    pub role: Role,
    pub is: CodeIs,
}

/// Whether a code still lets a machine in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeIs {
    /// For so long, in real time.
    Good(Duration),
    /// A machine has joined with it.
    Used,
    Expired,
}

/// A machine that waits for a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnockingMachine {
    pub name: String,
    pub role: Role,
    pub address: IpAddr,
}

/// A machine that has joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinedMachine {
    pub name: String,
    pub role: Role,
    pub address: IpAddr,
    pub presence: Presence,
    /// None: it has not said.
    pub clock: Option<ClockOffset>,
    /// The processes that the cluster has there, with the pid of those that run.
    pub processes: Vec<(String, Option<u32>)>,
}

/// Whether a machine can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    Connected,
    /// Nothing is heard from it.
    Lost,
    /// It has left on its own.
    Left,
}

/// What a machine has measured of the other one's wall clock. It is for people: nothing is decided by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ClockOffset {
    /// How far its own wall clock is ahead, in microseconds.
    pub ahead: i64,
    /// How far off that may be, in microseconds.
    pub within: u64,
}

/// What a person asks of the cluster about other machines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AskedOfMachines {
    /// How it is.
    Look,
    /// A code for one replica, or one customer.
    Invite(Role),
    Decide {
        machine: String,
        admitted: bool,
    },
    AdmitAll(bool),
    /// No code is good any more.
    EndInvitation,
}

/// This machine in another one's cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stay {
    pub is: StayIs,
    /// What it is called there.
    pub name: Option<String>,
    /// Where that cluster was reached.
    pub at: Option<IpAddr>,
    /// What runs here for it.
    pub runs: Vec<(String, u32)>,
    /// It was asleep, and has joined again since.
    pub slept: bool,
}

impl Stay {
    /// Whether there is anything to leave.
    pub fn goes_on(&self) -> bool {
        !matches!(self.is, StayIs::Nowhere | StayIs::Over(_))
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StayIs {
    #[default]
    Nowhere,
    Dials,
    /// A person there decides.
    Waits,
    Joined,
    /// It is tried again.
    Lost,
    /// A person here has asked to leave.
    Leaves,
    Over(StayOver),
}

/// How a stay ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StayOver {
    Left,
    ClusterEnded,
    NotAdmitted(NoJoin),
    /// It could not begin, or go on: a sentence says why.
    NoWay(String),
}
