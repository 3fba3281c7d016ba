//! Facts for observers. Nothing in the protocol ever reads one.
//!
//! Everything the window, the tape and the tests know of a running cluster is a fold of [`TraceRecord`]s. Machines
//! trace what only they know (roles, refusals, commits); the driver traces what it does for them (sends, deliveries,
//! postcode requests) and takes their description; the launcher traces processes; the customers' driver traces customers.

mod crowd;
mod denial;
mod failpoints;
mod loss;
mod no_service;
mod steering;
mod suspicion;

use serde::{Deserialize, Serialize};

use crate::ids::{
    Contact, CustomerId, Fingerprint, FrontEndToken, MessageId, NodeId, OpNumber, OrderNumber, Position, ReplicaId,
    RequestId, Role, Span, View, ViewNumber,
};
use crate::message::{Answer, Ask, FieldValue, Step, WaitReason};
use crate::plant::Plant;
use crate::postcode::{Postcode, PostcodeService, Verdict};
use crate::timer::Timer;

pub use crowd::{Crowd, CrowdJudged, CrowdTimes};
pub use denial::{Denial, NoFreshStart};
pub use failpoints::{FAILPOINTS, Failpoint, Part};
pub use loss::Loss;
pub use no_service::NoService;
pub use steering::{Blast, Bomb, Freezing, LinkRule, MessageAct, Rate, Stay};
pub use suspicion::{Sign, Suspicion};

/// A fact with who saw it and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TraceRecord {
    /// Who saw it; the launcher speaks of a process under that process's id.
    pub node: NodeId,
    /// Cluster time in microseconds since the run began.
    pub at: u64,
    /// The fact itself.
    pub event: TraceEvent,
}

/// A fact, by the one who sees it: launcher, driver, machine or customers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TraceEvent {
    /// Launcher: a process runs (or a customer appeared; then `pid` is the app's own).
    Started(Started),
    /// Launcher: a process ended, or a customer was removed.
    Ended {
        /// Whether somebody asked for it by name: crash and removal are wanted, a panic is not.
        how: Ending,
        /// Last words or exit status, for the log.
        words: String,
    },
    /// Driver: a message entered its link. Only of traced messages.
    Sent {
        /// The message that was sent.
        message: MessageId,
        /// Its receiver.
        to: NodeId,
        /// What people are shown.
        facts: MessageFacts,
    },
    /// Driver of the sender: how long a message stays in its link has changed since it was sent.
    Stays {
        /// A message that is still in its link.
        message: MessageId,
        /// Its receiver.
        to: NodeId,
        /// How long it stays there from now on.
        stay: Stay,
    },
    /// Driver of the receiver: the message left its link and was handled.
    Delivered {
        /// The message that arrived.
        message: MessageId,
        /// Why the receiver did not do what it says; none: it did.
        refused: Option<Refusal>,
    },
    /// Driver: the message will never arrive.
    Lost {
        /// The message that was lost.
        message: MessageId,
        /// To whom it was sent.
        to: NodeId,
        /// What became of it.
        why: Loss,
    },
    /// Machine: the message being handled was refused.
    Refused {
        /// The sender of that message.
        from: NodeId,
        /// What spoke against doing what it says.
        why: Refusal,
    },
    /// Machine of a replica: it changed its role.
    Became {
        /// The role it has now.
        standing: Standing,
        /// The view in which it has that role.
        view: View,
    },
    /// Machine of a primary: everything up to here is on every member of the ack set.
    Committed {
        /// The new commit number.
        op: OpNumber,
    },
    /// Machine of a primary: somebody entered the ack set (rule R4).
    TookIn {
        /// The joiner that every answer now needs.
        replica: ReplicaId,
    },
    /// Machine of a front-end, or of a name server: it stopped, or began again, to believe a replica (a front-end) alive.
    Suspects {
        /// The replica, or of a name server the front-end.
        replica: ReplicaId,
        /// True when the suspicion begins.
        suspected: bool,
        /// What it goes by; tapes of earlier versions do not say.
        #[serde(default)]
        why: Option<Sign>,
    },
    /// Machine of a primary: an order waits for its postcode. Driver: the request leaves (\[11\]).
    PostcodeAsked {
        /// Which message of the driver's.
        message: MessageId,
        /// The service's process (its node id).
        to: NodeId,
        /// Primary or fallback: the service that this attempt goes to.
        service: PostcodeService,
        /// The postcode of the order that waits.
        postcode: Postcode,
        /// The order that waits.
        request: RequestId,
    },
    /// Driver of a primary: the answer is there (\[12\]), or the attempt is over.
    PostcodeAnswered {
        /// The request's message.
        message: MessageId,
        /// The service's process (its node id).
        from: NodeId,
        /// The verdict; or that no service answered.
        verdict: Verdict,
        /// How long it took, in microseconds of real time.
        took: u64,
    },
    /// Driver: what the node believes now; sent when it changed, at most some 20 times a second.
    State(NodeState),
    /// Driver, while time is slower than real time: the armed timers, each with the cluster time at which it rings.
    Timers {
        /// Timers with the moments at which they ring, in microseconds of cluster time, in the order of moments.
        armed: Vec<(Timer, u64)>,
    },
    /// Driver, while time is slower than real time: a timer rang (of heartbeats only those that were let ring by hand).
    Rang {
        /// The timer that rang.
        timer: Timer,
    },
    /// Driver, or launcher for [`Freezing::Signal`]: the process stands still from now on.
    Froze {
        /// By itself, or by the operating system.
        how: Freezing,
    },
    /// Driver, or launcher: it goes on.
    Woke,
    /// Launcher: a bomb lies in this process, or none any more.
    BombIs {
        /// The bomb that lies there now; none: there is none any more.
        bomb: Option<Bomb>,
    },
    /// Driver, or launcher: the point was reached, the bomb goes off.
    Exploded {
        /// The bomb that went off.
        bomb: Bomb,
    },
    /// Driver: untraced messages since the last such event, per receiver: shown as flow.
    Flow {
        /// Receiver, messages of orders, messages of control.
        sent: Vec<(NodeId, u64, u64)>,
    },
    /// Customers' driver: a customer asked. The moment counts as the start of the operation.
    Asked {
        /// The customer, as it is known for ever.
        customer: CustomerId,
        /// The request, as in all messages about it.
        request: RequestId,
        /// An order, a history or a withdrawal.
        ask: Ask,
    },
    /// Customers' driver: the customer's answer (a receipt, if it is a placed order).
    Answered {
        /// The request as the customer made it.
        request: RequestId,
        /// The outcome, or the history that was read.
        answer: Answer,
        /// Microseconds of cluster time since it was asked.
        took: u64,
    },
    /// Customers' driver: what a customer is, when it appears and when its postcode changes.
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
    /// Customers' driver: how far customers have come that order all the time and are told of only together. The record's
    /// node is the first of them; the others follow it in number.
    Crowd(Crowd),
    /// Launcher: a page of a node's order history, as asked for.
    Orders {
        /// Histories by postcode, each oldest first: postcode, labels of its orders.
        histories: Vec<(Postcode, Vec<String>)>,
        /// How many postcodes there are in all.
        postcodes: u64,
    },
    /// Launcher: how long a hop lasts now, in microseconds of cluster time.
    HopIs {
        /// 0: as fast as it goes.
        hop: u64,
    },
    /// Launcher: how fast cluster time goes from now on.
    ClockIs {
        /// In millionths of real time; 0 while it stands still.
        rate: Rate,
        /// It stops by itself at this cluster time.
        until: Option<u64>,
    },
    /// Launcher: what a link does from now on, one way. Links go by name, they outlive the processes at their ends.
    LinkIs {
        /// From which node or customer.
        from: String,
        /// The name of the node or customer at the other end.
        to: String,
        /// The whole rule: it replaces the one before.
        rule: LinkRule,
    },
    /// Launcher: which bug is injected from now on.
    PlantIs {
        /// The bug; none: no bug is injected.
        plant: Option<Plant>,
    },
    /// Launcher: whether heartbeats are shown one by one.
    HeartbeatsAre {
        /// True: each is an event of its own. False: they are counted as flow.
        shown: bool,
    },
    /// Launcher, or machine of a front-end: something a person asked for is not done.
    CommandRefused {
        /// Why it cannot be done, as facts.
        why: Denial,
    },
    /// Anyone: a line for people.
    Log {
        /// A sentence for the log; nothing reads it.
        text: String,
    },
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
    /// A few words: "update 41".
    pub label: String,
    /// The request it carries or answers.
    pub request: Option<RequestId>,
    /// Its fields, as name and value.
    pub fields: Vec<(String, FieldValue)>,
    /// How long it stays in its link, in microseconds of cluster time: 0 unless a hop is slowed.
    pub delay: u64,
    /// Whether it is held by its link from the beginning; then `delay` is what is left once it is let go.
    pub held: bool,
}

/// Why a machine did not do what a message said. Displayed as a sentence.
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

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refusal::ViewIsOver { theirs, ours } => {
                write!(f, "refused: view {theirs} is over, this node is in view {ours}")
            }
            Refusal::NotPrimary => f.write_str("refused: this node is not the primary"),
            Refusal::DoesNotFit { from, ours: Some(ours) } => {
                write!(f, "not applied: it begins at {from}, but this node is at {ours}")
            }
            Refusal::DoesNotFit { from, ours: None } => {
                write!(f, "not applied: it begins at {from}, but this node has no history yet")
            }
            Refusal::StaleSnapshot => f.write_str("dropped: this snapshot was made for another moment"),
            Refusal::NumberUsed => f.write_str("ignored: the customer has already sent a later request"),
            Refusal::Expired => f.write_str("not executed: the replicas have forgotten this customer"),
            Refusal::RecordMovedOn => f.write_str("not recorded: a newer view is recorded"),
            Refusal::Retired => f.write_str("refused: there is a newer front-end"),
            Refusal::Busy => f.write_str("refused: busy, try again later"),
            Refusal::Oversized => f.write_str("dropped: the order is too large"),
        }
    }
}

/// The three things a replica can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Standing {
    /// In no view yet, or left out of the newest one it knows.
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Of a primary: who must acknowledge.
    pub ack_set: Vec<ReplicaId>,
    /// Of a primary: those of the ack set that have been silent for the silence limit.
    pub silent: Vec<ReplicaId>,
    /// Of a primary: whom it brings up, and how far (parts acknowledged of parts in all; (0, 0) without snapshot).
    pub joiners: Vec<(ReplicaId, u32, u32)>,
    /// Of a joiner: parts received of parts in all.
    pub loading: Option<(u32, u32)>,
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
