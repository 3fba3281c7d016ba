//! Names for everything that is counted or told apart, each a type of its own, so that an operation
//! number can never be taken for a view number.
//!
//! Nothing here is generated: random ids come from the driver (the protocol has no randomness).

use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        pub struct $name(pub $inner);

        impl $name {
            /// The one after this; after the last one, which no honest count reaches, itself.
            #[must_use]
            pub fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

number! {
    /// Place of an entry in the history all replicas share, from 1. 0 is the base data itself.
    OpNumber(u64)
}
number! {
    /// Number of a view, from 1; 0 means "none yet". Recorded numbers grow by one (invariant I9).
    ViewNumber(u64)
}
number! {
    /// What makes a front-end the newest: only its holder may change the view. 0 means "nobody yet".
    FrontEndToken(u64)
}
number! {
    /// A primary's own counter, in its view: "everybody has answered me since this moment" (rule R9).
    Barrier(u64)
}
number! {
    /// A customer's own counter of requests, from 1.
    RequestNumber(u64)
}
number! {
    /// Number of an accepted order, from 1: how many orders had been accepted when this one was, itself included.
    OrderNumber(u64)
}

/// One incarnation of one actor: random at each start of a process, so that a restarted node is
/// a new one (rule R11). The name server keeps its own on disk: it is the one well-known actor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId(pub u64);

/// The [`NodeId`] of a replica.
pub type ReplicaId = NodeId;

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A customer for ever: random, 128 bit, unlike its [`NodeId`] kept over restarts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CustomerId(pub u128);

impl fmt::Display for CustomerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0 >> 96)
    }
}

/// One request, however often it is sent: what makes a retry the same request (rule R8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequestId {
    /// The customer that asks.
    pub customer: CustomerId,
    /// The customer's own count.
    pub number: RequestNumber,
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.customer, self.number)
    }
}

/// One message on its way: the sender's count of what it sent. Copies of a message share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MessageId {
    /// The incarnation that sent it.
    pub from: NodeId,
    /// The sender's count, from 1.
    pub number: u64,
}

/// Who, and where to reach them. The address is only ever handed to the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Contact {
    /// Which incarnation: others that answer at the address drop what is meant for it.
    pub id: NodeId,
    /// The socket it listens on.
    pub address: SocketAddr,
}

/// The four actors; also what a process's certificate names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Role {
    /// Keeps the registry of nodes and the record of the newest view.
    NameServer,
    /// Forwards requests, suspects replicas and proposes views.
    FrontEnd,
    /// Holds the orders: primary, backup or joining.
    Replica,
    /// Orders food.
    Customer,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::NameServer => "name server",
            Role::FrontEnd => "front-end",
            Role::Replica => "replica",
            Role::Customer => "customer",
        })
    }
}

/// Digest of a history: chained over the base data and every entry since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fingerprint(pub u64);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:016x}", self.0);
        write!(f, "{}…{}", &text[..4], &text[14..])
    }
}

/// Where a replica stands. Equal positions mean equal histories; a fresh process has none at all (rule R6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// The last operation applied.
    pub op: OpNumber,
    /// Digest of everything up to it.
    pub fingerprint: Fingerprint,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "op {} ({})", self.op, self.fingerprint)
    }
}

/// A numbered primary with its members: the only thing the cluster has to agree on (PROTOCOL section 2).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct View {
    /// Grows by one with each recorded view.
    pub number: ViewNumber,
    /// Executes; always one of the members, but for view 0.
    pub primary: ReplicaId,
    /// Everyone whose acknowledgement an answer needs, sorted.
    pub members: Vec<ReplicaId>,
    /// Of a fresh start, which only an operator orders (PROTOCOL section 10): a new history begins with what its primary
    /// holds, at this operation. None: the history goes on.
    #[serde(default)]
    pub begins_at: Option<OpNumber>,
}

impl View {
    /// A view in which the history goes on.
    #[must_use]
    pub fn new(number: ViewNumber, primary: ReplicaId, members: Vec<ReplicaId>) -> Self {
        Self { number, primary, members, begins_at: None }
    }
}

/// Milliseconds since 1970 by the wall clock of the primary that decided it. Shown, never compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(pub u64);

/// A length of cluster time, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span(pub u64);

impl Span {
    /// This many milliseconds.
    #[must_use]
    pub const fn millis(milliseconds: u64) -> Self {
        Self(milliseconds * 1000)
    }

    /// This many times as long.
    #[must_use]
    pub const fn times(self, factor: u64) -> Self {
        Self(self.0 * factor)
    }
}
