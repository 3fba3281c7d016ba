//! Facts for observers. Nothing in the protocol ever reads one.
//!
//! Everything the window, the tape and the tests know of a running cluster is a fold of [`TraceRecord`]s. Machines
//! trace what only they know (roles, refusals, commits); the driver traces what it does for them (sends, deliveries,
//! postcode requests) and takes their description; the launcher traces processes; the customers' driver traces customers.

mod crowd;
mod denial;
mod failpoints;
mod launcher_event;
mod loss;
mod machine_event;
mod no_service;
mod node_event;
mod steering;
mod suspicion;

use std::borrow::Cow;

use serde::de::VariantAccess;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::disk::DiskState;
use crate::flat::{self, Flat, Named};
use crate::ids::{
    Contact, Fingerprint, FrontEndToken, NodeId, OpNumber, OrderNumber, Position, ReplicaId, RequestId, Role, Span,
    View, ViewNumber,
};
use crate::message::{FieldValue, Step, Summary, WaitReason};
use crate::postcode::PostcodeService;
use crate::view_record::Keeping;

pub use crowd::{Crowd, CrowdJudged, CrowdTimes};
pub use denial::{Denial, NoFreshStart};
pub use failpoints::{FAILPOINTS, Failpoint, Part};
pub use launcher_event::{LauncherEvent, MachineState, NoJoin};
pub use loss::Loss;
pub use machine_event::{MachineEvent, Note};
pub use no_service::NoService;
pub use node_event::NodeEvent;
pub use steering::{Blast, Bomb, DISK_FAULTS, DiskFault, Freezing, LinkRule, MessageAct, Rate, Stay};
pub use suspicion::{Sign, Suspicion};

/// A fact with who saw it and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TraceRecord {
    /// The process that saw it; the launcher speaks of a process under that process's id.
    pub node: NodeId,
    /// Cluster time in microseconds since the run began.
    pub at: u64,
    /// The fact itself.
    pub event: TraceEvent,
}

/// A fact, by the one who sees it. On tapes and in other JSON it is written without its speaker, as `{"Sent": {…}}`. What
/// several of them can say (`Log`, `CommandRefused`) therefore becomes the launcher's at once, so that a tape that is opened
/// holds what was recorded; the record's node says where it comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub enum TraceEvent {
    /// What the launcher says, under the id of the process that it speaks of.
    Launcher(LauncherEvent),
    /// What a node's driver says.
    Node(NodeEvent),
    /// What a machine says.
    Machine(MachineEvent),
}

impl TraceEvent {
    /// What a process or customer is called that this introduces.
    #[must_use]
    pub fn introduced(&self) -> Option<&str> {
        if let TraceEvent::Launcher(LauncherEvent::Started(started)) = self {
            Some(&started.name)
        } else if let TraceEvent::Launcher(LauncherEvent::CustomerIs { name, .. }) = self {
            Some(name)
        } else {
            None
        }
    }

    /// Why something that a person asked for is not done, if this says so: launcher and front-ends do.
    #[must_use]
    pub fn denial(&self) -> Option<&Denial> {
        match self {
            TraceEvent::Launcher(LauncherEvent::CommandRefused { why })
            | TraceEvent::Machine(MachineEvent::CommandRefused { why }) => Some(why),
            TraceEvent::Launcher(_) | TraceEvent::Node(_) | TraceEvent::Machine(_) => None,
        }
    }
}

impl From<LauncherEvent> for TraceEvent {
    fn from(event: LauncherEvent) -> Self {
        TraceEvent::Launcher(event)
    }
}

impl From<NodeEvent> for TraceEvent {
    fn from(event: NodeEvent) -> Self {
        match event {
            NodeEvent::Log { text } => LauncherEvent::Log { text }.into(),
            event => TraceEvent::Node(event),
        }
    }
}

impl From<MachineEvent> for TraceEvent {
    fn from(event: MachineEvent) -> Self {
        match event {
            MachineEvent::CommandRefused { why } => LauncherEvent::CommandRefused { why }.into(),
            event => TraceEvent::Machine(event),
        }
    }
}

impl Serialize for TraceEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            _ if !serializer.is_human_readable() => TraceEvent::serialize(self, serializer),
            TraceEvent::Launcher(event) => event.serialize(serializer),
            TraceEvent::Node(event) => event.serialize(serializer),
            TraceEvent::Machine(event) => event.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for TraceEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() { flat::read(deserializer) } else { TraceEvent::deserialize(deserializer) }
    }
}

impl<'de> Flat<'de> for TraceEvent {
    fn of<V: VariantAccess<'de>>(named: Named<V>) -> Result<Self, V::Error> {
        if named.is_of::<LauncherEvent>() {
            named.read().map(TraceEvent::Launcher)
        } else if named.is_of::<NodeEvent>() {
            named.read().map(TraceEvent::Node)
        } else {
            named.read().map(TraceEvent::Machine)
        }
    }
}

/// A process that runs, or a customer that appeared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// "replica-2", "front-end", "Grace". Kept over restarts; the node id is not.
    pub name: String,
    /// Its role, or the service that it is.
    pub actor: Actor,
    /// Of the operating system.
    pub pid: u32,
    /// Its node id, and the address on which it listens.
    pub contact: Contact,
}

/// Whatever stands in the picture: an actor of the protocol, or a postcode service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Actor {
    /// One of the four actors.
    Role(Role),
    /// A postcode service (or its stand-in).
    Service(PostcodeService),
}

/// How a process came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// A person crashed it, or somebody killed it from outside.
    Crashed,
    /// A person took it away: it is no longer shown.
    Removed,
    /// By itself, with an exit status.
    Exited,
}

/// A message as the picture shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageFacts {
    /// Its step of the workflow; a message without one is drawn quieter.
    pub step: Option<Step>,
    /// What it says at a glance; a label in words on tapes of earlier versions.
    #[serde(alias = "label")]
    pub summary: Summary,
    /// The request it carries or answers.
    pub request: Option<RequestId>,
    /// Its fields, as name and value.
    pub fields: Vec<(Cow<'static, str>, FieldValue)>,
    /// How long it stays in its link, in microseconds of cluster time: 0 unless a hop is slowed.
    pub delay: u64,
    /// Whether it is held by its link from the beginning; then `delay` is what is left once it is let go.
    pub held: bool,
}

/// Why a machine did not do what a message said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// R1: the sender's view is over.
    ViewIsOver {
        /// The sender's.
        theirs: ViewNumber,
        /// The receiver's.
        ours: ViewNumber,
    },
    /// The receiver is not the acting primary.
    NotPrimary,
    /// The entries begin where the receiver does not stand.
    DoesNotFit {
        /// The position after which the entries begin.
        from: Position,
        /// Where the receiver stands.
        ours: Option<Position>,
    },
    /// R6: a part of a snapshot that was made for another position, view or state.
    StaleSnapshot,
    /// R8: the customer has gone on to a later request.
    NumberUsed,
    /// R14: the customer has no session, and the request is older than what was evicted.
    Expired,
    /// R13: another view was recorded meanwhile, or a newer front-end holds the token.
    RecordMovedOn,
    /// A newer front-end exists.
    Retired,
    /// A limit of PROTOCOL section 8 is reached, or the view is smaller than the minimum.
    Busy,
    /// The order is larger than any may be (PROTOCOL section 8).
    Oversized,
}

/// The three things a replica can be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Standing {
    /// In no view yet, or left out of the newest one it knows.
    #[default]
    Joining,
    /// A member that follows.
    Backup,
    /// The member that executes.
    Primary,
}

/// What a node believes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NodeState {
    /// Of the name server.
    NameServer {
        /// All registered names, each with its role and its newest contact.
        names: Vec<(String, Role, Contact)>,
        /// Newest front-end's token.
        token: FrontEndToken,
        /// Newest recorded view.
        record: View,
        /// Where that is kept; tapes of earlier versions do not say.
        #[serde(default)]
        keeping: Keeping,
    },
    /// Of a front-end.
    FrontEnd {
        /// Its token; none before the name server answered its claim.
        token: Option<FrontEndToken>,
        /// Whether a newer front-end exists.
        retired: bool,
        /// Newest recorded view it knows.
        view: View,
        /// Replicas it hears.
        alive: Vec<ReplicaId>,
        /// Requests on their way.
        pending: u64,
        /// Why it serves nobody; none while it serves.
        waits_for: Option<NoService>,
        /// The last suspicions, oldest first.
        #[serde(default)]
        suspicions: Vec<Suspicion>,
    },
    /// Of a replica.
    Replica(Box<ReplicaState>),
    /// Of a customer.
    Customer {
        /// The front-end it found.
        front_end: Option<NodeId>,
        /// The request it waits for.
        waiting: Option<RequestId>,
        /// Why, as the primary says, and for how long it had waited then.
        why: Option<(WaitReason, Span)>,
    },
}

/// What a replica believes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaState {
    /// Primary, backup or joining.
    pub standing: Standing,
    /// The newest view it has entered.
    pub view: View,
    /// Whether it acts as primary.
    pub acting: bool,
    /// Where its history ends.
    pub position: Option<Position>,
    /// Highest committed operation it knows of.
    pub commit: OpNumber,
    /// Of a primary: the replicas that must acknowledge.
    pub ack_set: Vec<ReplicaId>,
    /// Of a primary: those of the ack set that have been silent for the silence limit.
    pub silent: Vec<ReplicaId>,
    /// Of a primary: whom it brings up, and how far (bytes acknowledged of bytes in all, about; (0, 0) without snapshot).
    pub joiners: Vec<(ReplicaId, u64, u64)>,
    /// Of a joiner: bytes received of bytes in all, about.
    pub loading: Option<(u64, u64)>,
    /// Accepted orders in the book.
    pub orders: OrderNumber,
    /// Postcodes with a history.
    pub postcodes: u64,
    /// Customers whose last request is remembered.
    pub sessions: u64,
    /// Customers whose last request was forgotten, to make room for others (rule R14).
    pub evicted: u64,
    /// Digest of order book and session table, computed apart from the position's.
    pub digest: Fingerprint,
    /// Of a primary: orders that have waited for their verdicts for a second or longer.
    pub unchecked: Option<Unchecked>,
    /// Of a durable replica; tapes of earlier versions do not say.
    #[serde(default)]
    pub disk: Option<DiskState>,
}

/// Orders that wait because nobody has told whether their postcodes exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unchecked {
    /// The number of orders that wait.
    pub orders: u64,
    /// Why the one waits that has waited longest.
    pub why: WaitReason,
    /// How long it has, in whole seconds.
    pub waited: Span,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::MessageId;

    #[test]
    fn formats_without_names_keep_the_speaker() {
        let said = [
            TraceEvent::from(LauncherEvent::HopIs { hop: 1 }),
            TraceEvent::from(NodeEvent::Woke),
            TraceEvent::from(NodeEvent::Delivered { message: MessageId { from: NodeId(1), number: 7 }, refused: None }),
            TraceEvent::from(MachineEvent::Committed { op: OpNumber(7) }),
        ];
        for event in said {
            let bytes = postcard::to_extend(&event, Vec::new()).unwrap();
            assert_eq!(postcard::from_bytes::<TraceEvent>(&bytes), Ok(event));
        }
    }

    #[test]
    fn what_several_can_say_is_one_fact_whoever_says_it() {
        let text = || String::from("It is away.");
        let log = TraceEvent::from(LauncherEvent::Log { text: text() });
        assert_eq!(TraceEvent::from(NodeEvent::Log { text: text() }), log);
        let why = || Denial::Words(text());
        let refused = TraceEvent::from(MachineEvent::CommandRefused { why: why() });
        assert_eq!(refused, TraceEvent::from(LauncherEvent::CommandRefused { why: why() }));
        assert_eq!(refused.denial(), Some(&why()));
    }
}
