//! What the launcher sees: processes and customers come and go, and what a person asked for holds from now on.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Bomb, Crowd, Denial, DiskFault, Ending, LinkRule, Rate, Started};
use crate::acknowledge::Acknowledge;
use crate::ids::{CustomerId, NodeId, Role};
use crate::plant::Plant;
use crate::postcode::Postcode;

/// A fact of the launcher, which speaks of a process under that process's id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum LauncherEvent {
    /// A process runs (or a customer appeared; then `pid` is the app's own).
    Started(Started),
    /// A process ended, or a customer was removed.
    Ended {
        /// Whether somebody asked for it by name: crash and removal are wanted, a panic is not.
        how: Ending,
        /// Last words or exit status, for the log.
        words: String,
    },
    /// A bomb lies in this process, or none any more.
    BombIs {
        /// The bomb that lies there now; none: there is none any more.
        bomb: Option<Bomb>,
    },
    /// What a customer is, when it appears and when its postcode changes.
    CustomerIs {
        /// Its id, which it keeps for ever.
        customer: CustomerId,
        /// What people call it.
        name: String,
        /// Where its orders go, unless it says otherwise.
        postcode: Postcode,
        /// Latitude and longitude in millionths of a degree.
        place: (i32, i32),
    },
    /// How far customers have come that order all the time and are told of only together. The record's
    /// node is the first of them; the others follow it in number.
    Crowd(Crowd),
    /// A page of a node's order history, as asked for.
    Orders {
        /// Histories by postcode, each oldest first: postcode, labels of its orders.
        histories: Vec<(Postcode, Vec<String>)>,
        /// How many orders of each are older than those; tapes of earlier versions do not say.
        #[serde(default)]
        older: Vec<u64>,
        /// How many postcodes there are in all.
        postcodes: u64,
    },
    /// How long a hop lasts now, in microseconds of cluster time.
    HopIs {
        /// 0: as fast as it goes.
        hop: u64,
    },
    /// How fast cluster time goes from now on.
    ClockIs {
        /// In millionths of real time; 0 while it stands still.
        rate: Rate,
        /// It stops by itself at this cluster time.
        until: Option<u64>,
    },
    /// What a link does from now on, one way. Links go by name, they outlive the processes at their ends.
    LinkIs {
        /// From which node or customer.
        from: String,
        /// The name of the node or customer at the other end.
        to: String,
        /// The whole rule: it replaces the one before.
        rule: LinkRule,
    },
    /// Which bug is injected from now on.
    PlantIs {
        /// The bug; none: no bug is injected.
        plant: Option<Plant>,
    },
    /// Whether heartbeats are shown one by one.
    HeartbeatsAre {
        /// True: each is an event of its own. False: they are counted as flow.
        shown: bool,
    },
    /// Something a person asked for is not done.
    CommandRefused {
        /// Why it cannot be done, as facts.
        why: Denial,
    },
    /// A line for people.
    Log {
        /// A sentence for the log; nothing reads it.
        text: String,
    },
    /// Whose copies answers wait for from now on; not said while it is all of them.
    AcknowledgeIs {
        /// Anything but all is unsafe.
        acknowledge: Acknowledge,
    },
    /// This process runs on another machine than the launcher. Said after each start.
    RunsOn {
        /// The machine's name.
        machine: String,
    },
    /// Another machine joins, or leaves.
    MachineIs {
        /// Its name, or what it calls itself.
        machine: String,
        /// What has become of it.
        is: MachineState,
    },
    /// Other machines can reach the cluster on these addresses from now on.
    ListensOn {
        /// Of the launcher's machine.
        addresses: Vec<IpAddr>,
    },
    /// What a person wants to be wrong with the disk of this durable replica from now on. Its process says what comes of it.
    DiskIs {
        /// None: the disk works as far as it really does.
        fault: Option<DiskFault>,
    },
    /// Time is to stop. It counts as stopped when these have confirmed: [`LauncherEvent::ClockIs`].
    Stopping {
        /// The names of machines.
        waits_for: Vec<String>,
    },
    /// This process tries to reach another one on another machine, and has not for some seconds: the network does not let it.
    CannotReach {
        /// The other process.
        peer: NodeId,
        /// The machine of this process; none: the launcher's.
        here: Option<String>,
        /// The machine of the other one.
        there: Option<String>,
    },
    /// That is over: it reaches the other process again, or one of them has ended.
    CanReach {
        /// The other process.
        peer: NodeId,
    },
}

/// What has become of a machine that wants to join, or has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MachineState {
    /// It has a valid code and waits for a person's decision.
    Knocks,
    /// It is not admitted.
    TurnedAway(NoJoin),
    /// It belongs to the cluster.
    Joined {
        /// Where it is.
        address: IpAddr,
    },
    /// Nothing is heard from it. What runs there may still run, unseen.
    Lost,
    /// It has left, and nothing of the cluster runs there any more.
    Left,
    /// It has not confirmed in time that its time stands still.
    DoesNotConfirm,
}

/// Why a machine is not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NoJoin {
    /// The secret of its code was never given out here.
    UnknownCode,
    /// The time of its code is over.
    Expired,
    /// Another machine has joined by this code.
    Used,
    /// It wants to be something else than what the code is for.
    OtherRole {
        /// What the code is for.
        invited: Role,
    },
    /// There are as many machines, or nodes, as there may be.
    TooMany,
    /// A person has refused it.
    ByPerson,
    /// Nobody has decided in time.
    NoDecision,
    /// The cluster keeps its orders on disk, and the machine offers none.
    NeedsDisk,
    /// The machine would keep orders on its disk, and the cluster keeps everything in memory.
    InMemory,
}
