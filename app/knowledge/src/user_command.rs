//! What a person can ask for, by a click or from a script. Asking changes nothing: the screen changes when a trace event
//! says so.

use node::control::Misbehaviour;
use protocol::acknowledge::Acknowledge;
use protocol::flat::{self, Flat, Named};
use protocol::ids::{CustomerId, MessageId, NodeId, Span, View};
use protocol::machine::Timer;
use protocol::plant::Plant;
use protocol::postcode::{Postcode, PostcodeService};
use protocol::trace::{Bomb, DiskFault, Freezing, LinkRule, MessageAct, Rate};
use serde::de::VariantAccess;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One command of a person. On tapes a customer's is written as any other: `{"PlaceOrder": {…}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub enum UserCommand {
    /// Something that a customer is to do.
    Customer(CustomerCommand),
    AddReplica,
    /// One more front-end, which takes over from the ones before: its token is newer.
    AddFrontEnd,
    /// Kill the process (SIGKILL, TerminateProcess).
    Crash {
        node: String,
    },
    /// Start a crashed or removed node again.
    Restart {
        node: String,
    },
    /// Take a node out of the picture, killing it if it runs.
    Remove {
        node: String,
    },
    /// Ask a replica for its order histories (answered by a `LauncherEvent::Orders`).
    ShowOrders {
        node: String,
        /// The first postcode wanted; none: from the beginning.
        from: Option<Postcode>,
    },
    /// Kill every replica, every front-end and the name server.
    CrashAll,
    /// All members of a view are gone: a new history begins with what this replica holds (a fresh start).
    FreshStart {
        replica: String,
        /// The view whose members are gone. Nothing happens if one of them runs, or if there is a newer view.
        after: View,
    },
    /// How fast cluster time goes from now on; it stops at [`Rate::STOPPED`].
    SetRate {
        rate: Rate,
    },
    /// Let time go until something has happened, then stop it.
    RunUntil {
        rate: Rate,
        until: Until,
    },
    /// How long each hop of a message takes.
    SetHop {
        /// In cluster time; none: 10 ms while time is slower than real time, else as fast as it goes.
        hop: Option<Span>,
    },
    /// Do something with a message that is in its link.
    Message {
        message: MessageId,
        to: NodeId,
        act: MessageAct,
    },
    /// Let an armed timer ring now.
    Ring {
        /// The present incarnation of a node, or a customer's.
        node: NodeId,
        timer: Timer,
    },
    /// What links do from now on; those that are not named stay as they are.
    SetLinks {
        links: Vec<LinkWay>,
        rule: LinkRule,
    },
    MendAll,
    /// The process stands still.
    Freeze {
        node: String,
        how: Freezing,
    },
    /// A frozen process goes on.
    Wake {
        node: String,
    },
    /// Lay a bomb in a node or customer, or take it away.
    SetBomb {
        node: String,
        bomb: Option<Bomb>,
    },
    /// Inject a bug from now on, or none. The person has confirmed it.
    SetPlant {
        plant: Option<Plant>,
    },
    /// How many copies answers wait for from now on. The person has confirmed anything but all.
    SetAcknowledge {
        acknowledge: Acknowledge,
    },
    /// A postcode stand-in answers badly from now on.
    Misbehave {
        service: PostcodeService,
        how: Misbehaviour,
    },
    /// Of the store that was started for this run: this many members run from now on, and the others are killed.
    KeepStoreMembers {
        members: u32,
    },
    /// Whether heartbeats are shown one by one.
    ShowHeartbeats {
        on: bool,
    },
    /// Whether primaries remember verdicts on postcodes.
    SetVerdictCache {
        on: bool,
    },
    /// What is wrong with the disk of a durable replica from now on; none: it works.
    SetDisk {
        node: String,
        fault: Option<DiskFault>,
    },
    /// Start every node that is not running. With replicas that keep their orders on disk, all of them are as they were.
    PowerOn,
}

/// What a person wants of a customer, or of the town: that one comes, or goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CustomerCommand {
    /// A new customer at a postcode; the panel has found the nearest one to where the person clicked.
    AddCustomer {
        /// None: the next free one of a list.
        name: Option<String>,
        postcode: Postcode,
        /// Latitude and longitude in millionths of a degree.
        place: (i32, i32),
    },
    MoveCustomer {
        customer: CustomerId,
        postcode: Postcode,
        /// Latitude and longitude in millionths of a degree.
        place: (i32, i32),
    },
    /// The customer goes away; its open request is abandoned.
    RemoveCustomer { customer: CustomerId },
    /// The customer places an order.
    PlaceOrder {
        customer: CustomerId,
        /// Where to deliver, as typed: the command is refused with a sentence if it is no postcode.
        postcode: String,
        items: Vec<String>,
    },
    /// The customer asks what was ordered to a postcode.
    ReadHistory {
        customer: CustomerId,
        postcode: String,
        /// From 0.
        page: u32,
    },
    /// The customer settles the order it waits for: either it was placed, or it never will be.
    GiveUp { customer: CustomerId },
}

impl From<CustomerCommand> for UserCommand {
    fn from(command: CustomerCommand) -> Self {
        UserCommand::Customer(command)
    }
}

impl Serialize for UserCommand {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let UserCommand::Customer(command) = self
            && serializer.is_human_readable()
        {
            return command.serialize(serializer);
        }
        UserCommand::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for UserCommand {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() { flat::read(deserializer) } else { UserCommand::deserialize(deserializer) }
    }
}

impl<'de> Flat<'de> for UserCommand {
    fn of<V: VariantAccess<'de>>(named: Named<V>) -> Result<Self, V::Error> {
        if named.is_of::<CustomerCommand>() {
            named.read().map(UserCommand::Customer)
        } else {
            UserCommand::deserialize(named.rest())
        }
    }
}

/// A link, one way, by the names of its ends: "front-end", "replica-2", "postcodes.io", "Grace".
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LinkWay {
    pub from: String,
    pub to: String,
}

/// Until when time goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Until {
    /// This moment of cluster time, in microseconds: every process stops there exactly.
    Moment(u64),
    /// A message with a number has arrived.
    NumberedStep,
    /// A replica has entered a newer view than any before.
    ViewChange,
}

/// Where panels put commands; the window hands them to the cluster once a frame.
#[derive(Debug, Default)]
pub struct CommandQueue {
    asked: Vec<UserCommand>,
    /// Why nothing can be asked for now, if that is so: what would ask for something is shown as disabled.
    pub refuses: Option<&'static str>,
}

impl CommandQueue {
    pub fn push(&mut self, command: impl Into<UserCommand>) {
        self.asked.push(command.into());
    }

    /// Asks for all of these, in order.
    pub fn extend(&mut self, commands: impl IntoIterator<Item = UserCommand>) {
        self.asked.extend(commands);
    }

    /// Takes everything that was asked for, in order.
    pub fn take(&mut self) -> Vec<UserCommand> {
        std::mem::take(&mut self.asked)
    }
}
