//! Every message of the protocol, in the order of the workflow \[1\]..\[14\]: the protocol's reference.
//!
//! A message is a *repeatable statement*: it may be lost, late, doubled or out of order, and the receiver must
//! still be right. What each receiver does with it stands in its `on_*` function.

mod fields;
mod on_tapes;
mod summary;

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ids::{
    Barrier, Contact, Fingerprint, FrontEndToken, NodeId, OpNumber, Position, ReplicaId, RequestId, Role, Span, View,
    ViewNumber,
};
use crate::order_book::{Entry, HistoryPage, Outcome, Piece, Reached};
use crate::postcode::Postcode;

/// Bytes in a part of a snapshot, about (PROTOCOL section 8).
pub const SNAPSHOT_PART: u32 = 64 * 1024;
/// Orders that earn one part of a snapshot while customers order (PROTOCOL section 6).
pub const ORDERS_A_PART: u32 = 40;

pub use fields::FieldValue;
pub use summary::Summary;

/// One of the workflow's steps, 1 to 14.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Step(pub u8);

/// A message with its address label. What is meant for another incarnation than the receiver's is dropped.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Envelope {
    /// The sender; with `number` the message's [`crate::ids::MessageId`].
    pub from: NodeId,
    /// The sender's count.
    pub number: u64,
    /// The receiver.
    pub to: NodeId,
    /// Whether this message is shown step by step. Decided once, where a customer sends its request, and passed
    /// on with whatever that request causes, so that what is shown is shown whole.
    pub traced: bool,
    /// The statement itself.
    pub message: Message,
}

/// What one actor says to another. Variants are only ever appended: their order is the wire format.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Message {
    /// \[1\] Replica and front-end → name server, each heartbeat: "I am alive, and my name is …".
    Register {
        /// As people call it: "replica-3".
        name: String,
        /// The role under which it registers.
        role: Role,
        /// A front-end's claim: of two front-ends the name server gives out the newer.
        token: Option<FrontEndToken>,
        /// A replica's: the newest operation it knows to be on every member (rule R14).
        commit: OpNumber,
    },
    /// \[2\] Front-end, \[7\] customer, and a joining replica → name server: "who plays this role?".
    Lookup {
        /// The role that is looked for.
        role: Role,
    },
    /// \[3\] \[8\] Name server → who looked up. Of front-ends only the newest is given.
    Found {
        /// The role that was looked for.
        role: Role,
        /// Names and contacts in the order of registration.
        who: Vec<(String, Contact)>,
        /// The newest operation that some replica said to be on every member: with it a customer begins (rule R14).
        commit: OpNumber,
    },
    /// \[2\] Front-end → name server: "I am the newest front-end; give me a token".
    ClaimFrontEnd,
    /// \[2\] Front-end → name server: "which view was recorded last?".
    ReadRecord,
    /// \[2\] Front-end → name server: compare-and-set of the recorded view (rule R13).
    RecordView {
        /// The proposer's token; an older one than the record's changes nothing.
        token: FrontEndToken,
        /// The number that must be recorded now.
        expected: ViewNumber,
        /// The view to record; its number is `expected` + 1.
        view: View,
    },
    /// \[3\] Name server → front-end, the answer to the three above: what is recorded now.
    Record {
        /// The newest front-end's token.
        token: FrontEndToken,
        /// The newest recorded view; number 0 if none ever was.
        view: View,
        /// Whether this answers a claim, so that `token` is the receiver's own.
        claimed: bool,
    },
    /// \[4\] Front-end → members and joiners, each heartbeat: "this view is recorded" (rule R12).
    ViewIs {
        /// The newest recorded view the front-end knows.
        view: View,
        /// Alive and registered, but not members: the primary is to bring them up.
        joiners: Vec<ReplicaId>,
        /// Where members and joiners listen.
        contacts: Vec<Contact>,
        /// How much longer than the silence limit the front-end bears a silence now, because nodes are slow to get
        /// processor time.
        patience: Span,
    },
    /// Replica → front-end, each heartbeat: where I stand.
    Status(Status),
    /// \[9\] Customer → front-end, \[10\] front-end → primary.
    Request {
        /// The same in every retry.
        id: RequestId,
        /// The newest operation that its customer knew to be committed when it sent this for the first time; the same in
        /// every retry. Of a withdrawal: that of the order it gives up. If the request is ever executed, it is as a later
        /// one (rule R14).
        since: OpNumber,
        /// What is asked for.
        ask: Ask,
    },
    /// \[5\] Primary → backups and joiners; without entries it is the heartbeat.
    StateUpdate(StateUpdate),
    /// \[5\] Primary → a joiner, or a backup whose history is not the primary's: the whole state, part by part (rule R6).
    Snapshot(Box<SnapshotPart>),
    /// \[6\] Backup or joiner → primary, for every update and part: where I am. The primary judges.
    Ack {
        /// The sender's view.
        view: ViewNumber,
        /// The sender's own position, none before its first snapshot.
        position: Option<Position>,
        /// Of the update that is answered; 0 for a snapshot part.
        barrier: Barrier,
        /// Of a part of a snapshot that is answered: what the sender has of the state.
        copy: Option<Copied>,
    },
    /// \[13\] Primary → front-end, \[14\] front-end → customer.
    Reply {
        /// The request that is answered.
        id: RequestId,
        /// The outcome, or the history that was read.
        answer: Answer,
        /// The view in which it was given, for show.
        view: ViewNumber,
        /// What is committed by now: since when the customer's next request is (rule R14).
        commit: OpNumber,
    },
    /// Replica → sender of a message with a lower view: "that view is over" (rule R1).
    Refused {
        /// The refusing replica's view.
        view: ViewNumber,
    },
    /// Replica → front-end: "I am not the primary".
    NotPrimary {
        /// The request that was not taken.
        id: RequestId,
        /// The replica's view.
        view: ViewNumber,
    },
    /// Primary or front-end: "full". No outcome: the same request may be sent again later.
    Busy {
        /// The request that was not taken.
        id: RequestId,
    },
    /// Retired front-end → customer: "there is a newer front-end; look it up".
    LookUpAgain {
        /// The request that was not taken.
        id: RequestId,
    },
    /// Primary → front-end → customer, whenever the order is repeated: "I have it, and this is why it waits". No outcome.
    Waiting {
        /// The order that waits.
        id: RequestId,
        /// Why it is not executed yet.
        why: WaitReason,
        /// How long this primary has had it.
        waited: Span,
    },
}

/// Why an order is not executed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum WaitReason {
    /// The postcode services were asked about its postcode, or it waits for its turn to be asked about.
    Asked,
    /// They were asked, and neither could tell. They are asked again.
    NobodyAnswers,
}

/// What a customer asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Ask {
    /// Place an order.
    Order {
        /// Where to deliver, and under which history the order is kept.
        postcode: Postcode,
        /// Names of dishes, 1 to 50.
        items: Vec<String>,
    },
    /// Read what was ordered to a postcode.
    History {
        /// The postcode whose orders are listed.
        postcode: Postcode,
        /// From 0; a page holds [`crate::order_book::PAGE`] orders, oldest first.
        page: u32,
    },
    /// Give up the request with the number before this one's: either it was placed, or it never will be.
    Withdraw,
}

/// The answer to an [`Ask`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Answer {
    /// To an order: its outcome. To a withdrawal: the outcome of the order that was given up.
    Outcome(Outcome),
    /// To a history request.
    History(HistoryPage),
    /// To an order or a withdrawal (rule R14): whether the order was placed is not known any more, for its customer's
    /// session was evicted. A late copy changes nothing.
    Expired,
}

/// Where a replica stands, as it tells the front-end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Status {
    /// The replica's view; 0 while it has never been in one.
    pub view: ViewNumber,
    /// Whether it acts as the primary of that view.
    pub acting: bool,
    /// Where its history ends; none before its first snapshot.
    pub position: Option<Position>,
    /// Highest operation it knows to be on every member.
    pub commit: OpNumber,
    /// Only of an acting primary: whose acknowledgement each answer needs. It counts for `view` only (rule R5).
    pub ack_set: Vec<ReplicaId>,
    /// Only of an acting primary: members of the ack set it has not heard for the silence limit.
    pub silent: Vec<ReplicaId>,
    /// How late its own loop has been since its last status: if it was silent, that may be why.
    pub late: Span,
}

/// New entries, or none: then a heartbeat.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StateUpdate {
    /// The sender's view; a lower one than the receiver's is refused (rule R1).
    pub view: View,
    /// Where the entries begin: they are applied only by a replica that stands exactly there.
    pub from: Position,
    /// Consecutive entries, at most 1024 and 256 KiB.
    pub entries: Vec<Arc<Entry>>,
    /// To be echoed (rule R9).
    pub barrier: Barrier,
    /// The sender's commit number, for show.
    pub commit: OpNumber,
}

/// One part of a whole state, which goes on changing while it is sent (PROTOCOL section 6).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SnapshotPart {
    /// The sender's view.
    pub view: View,
    /// The receiver's position for which this was made; the state is installed only instead of that one (rule R6).
    pub instead_of: Option<Position>,
    /// Where the sender stood when it made this part. With the last part, the receiver stands there.
    pub at: Position,
    /// About 64 KiB of the state; the first part is empty, and only asks what the receiver has.
    pub piece: Piece,
    /// Bytes of the state before this part, about.
    pub before: u64,
    /// Bytes of the whole state, about.
    pub all: u64,
}

impl SnapshotPart {
    /// The number of this part, from 1, and how many there are, about: each part counts as one of full size.
    #[must_use]
    pub fn number(&self) -> (u32, u32) {
        let number = parts(self.before) + 1;
        (number, number.max(parts(self.all)))
    }
}

/// How many parts of full size that is, and a smaller one.
fn parts(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(u64::from(SNAPSHOT_PART))).unwrap_or(u32::MAX - 1)
}

/// What a replica has of a state that is sent to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Copied {
    /// So much of the state of this view's primary.
    Reached {
        /// How far it has come.
        to: Reached,
        /// About how many bytes that are.
        bytes: u64,
        /// Where the primary stood when it made the newest part.
        at: OpNumber,
    },
    /// Nothing yet. What it has from elsewhere may be the beginning of the same.
    Before {
        /// Numbers of orders from the beginning, each with a digest of these.
        orders: Vec<(u64, Fingerprint)>,
        /// The sessions up to this entry, copied from somebody who stood at this position.
        sessions: Option<(OpNumber, Position)>,
    },
}

impl Copied {
    /// The number of the part that was received last, from 1.
    #[must_use]
    pub fn part(&self) -> Option<u32> {
        match self {
            Self::Reached { bytes, .. } => Some(parts(*bytes).max(1)),
            Self::Before { .. } => None,
        }
    }
}

impl Message {
    /// Which role a sender's certificate must name: a customer cannot announce a view.
    #[must_use]
    pub fn may_be_sent_by(&self, role: Role) -> bool {
        match self {
            Message::Register { role: named, .. } => role == *named && matches!(role, Role::Replica | Role::FrontEnd),
            Message::Lookup { .. } => role != Role::NameServer,
            Message::Found { .. } | Message::Record { .. } => role == Role::NameServer,
            Message::ClaimFrontEnd
            | Message::ReadRecord
            | Message::RecordView { .. }
            | Message::ViewIs { .. }
            | Message::LookUpAgain { .. } => role == Role::FrontEnd,
            Message::Request { .. } => matches!(role, Role::Customer | Role::FrontEnd),
            Message::Status(_)
            | Message::StateUpdate(_)
            | Message::Snapshot(_)
            | Message::Ack { .. }
            | Message::Refused { .. }
            | Message::NotPrimary { .. } => role == Role::Replica,
            Message::Reply { .. } | Message::Busy { .. } | Message::Waiting { .. } => {
                matches!(role, Role::Replica | Role::FrontEnd)
            }
        }
    }

    /// Whether the message is exempt from a link's delay and holding (PROTOCOL section 7); never from cuts and loss.
    #[must_use]
    pub fn is_control(&self, traced: bool) -> bool {
        match self {
            Message::ViewIs { .. } | Message::Status(_) | Message::Refused { .. } => true,
            Message::Register { .. }
            | Message::Ack { .. }
            | Message::Lookup { .. }
            | Message::Found { .. }
            | Message::ClaimFrontEnd
            | Message::ReadRecord
            | Message::RecordView { .. }
            | Message::Record { .. } => !traced,
            Message::StateUpdate(update) => update.entries.is_empty() && !traced,
            Message::Request { .. }
            | Message::Snapshot(_)
            | Message::Reply { .. }
            | Message::NotPrimary { .. }
            | Message::Busy { .. }
            | Message::LookUpAgain { .. }
            | Message::Waiting { .. } => false,
        }
    }

    /// The workflow's step that this message performs when `sender` sends it, if any.
    #[must_use]
    pub fn step(&self, sender: Role) -> Option<Step> {
        let number = match self {
            Message::Register { role: Role::Replica, .. } => 1,
            Message::Lookup { role } => match (sender, role) {
                (Role::FrontEnd, _) => 2,
                (Role::Customer, _) => 7,
                _ => return None,
            },
            Message::ClaimFrontEnd | Message::ReadRecord | Message::RecordView { .. } => 2,
            Message::Record { .. } | Message::Found { role: Role::Replica, .. } => 3,
            Message::ViewIs { .. } => 4,
            Message::StateUpdate(_) | Message::Snapshot(_) => 5,
            Message::Ack { .. } => 6,
            Message::Found { .. } => 8,
            Message::Request { .. } if sender == Role::Customer => 9,
            Message::Request { .. } => 10,
            Message::Reply { .. } if sender == Role::Replica => 13,
            Message::Reply { .. } => 14,
            Message::Register { .. }
            | Message::Status(_)
            | Message::Refused { .. }
            | Message::NotPrimary { .. }
            | Message::Busy { .. }
            | Message::LookUpAgain { .. }
            | Message::Waiting { .. } => return None,
        };
        Some(Step(number))
    }

    /// The request that a message carries or answers.
    #[must_use]
    pub fn request(&self) -> Option<RequestId> {
        match self {
            Message::Request { id, .. }
            | Message::Reply { id, .. }
            | Message::NotPrimary { id, .. }
            | Message::Busy { id }
            | Message::LookUpAgain { id }
            | Message::Waiting { id, .. } => Some(*id),
            Message::Register { .. }
            | Message::Lookup { .. }
            | Message::Found { .. }
            | Message::ClaimFrontEnd
            | Message::ReadRecord
            | Message::RecordView { .. }
            | Message::Record { .. }
            | Message::ViewIs { .. }
            | Message::Status(_)
            | Message::StateUpdate(_)
            | Message::Snapshot(_)
            | Message::Ack { .. }
            | Message::Refused { .. } => None,
        }
    }

    /// Its fields for people, as name and value, in the order in which they are declared. Lists are counted or cut short.
    #[must_use]
    pub fn fields(&self) -> Vec<(Cow<'static, str>, FieldValue)> {
        fields::of(self)
    }
}

/// A name, short and harmless enough to be shown or logged.
fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(40).collect()
}
