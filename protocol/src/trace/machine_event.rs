//! What only a machine knows: its role, what it refuses, what it has committed, whom it suspects.

use serde::{Deserialize, Serialize};

use super::{Denial, Refusal, Sign, Standing};
use crate::disk::DiskTrouble;
use crate::ids::{NodeId, OpNumber, Position, ReplicaId, RequestId, View};
use crate::message::Summary;

/// A fact of a machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum MachineEvent {
    /// The message being handled was refused.
    Refused {
        /// The sender of that message.
        from: NodeId,
        /// What spoke against doing what it says.
        why: Refusal,
    },
    /// A replica: it changed its role.
    Became {
        /// The role it has now.
        standing: Standing,
        /// The view in which it has that role.
        view: View,
    },
    /// A primary: everything up to here is on every member of the ack set.
    Committed {
        /// The new commit number.
        op: OpNumber,
    },
    /// A primary: somebody entered the ack set (rule R4).
    TookIn {
        /// The joiner that every answer now needs.
        replica: ReplicaId,
    },
    /// A front-end, or a name server: it stopped, or began again, to believe a replica (a front-end) alive.
    Suspects {
        /// The replica, or of a name server the front-end.
        replica: ReplicaId,
        /// True when the suspicion begins.
        suspected: bool,
        /// What it goes by; tapes of earlier versions do not say.
        #[serde(default)]
        why: Option<Sign>,
    },
    /// A front-end: something a person asked for is not done.
    CommandRefused {
        /// Why it cannot be done, as facts.
        why: Denial,
    },
    /// Something for the log only; nothing else reads it.
    Noted(Note),
}

/// What a machine did that is worth a line of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Note {
    /// A name server: a name was not registered again, and is removed.
    Removed {
        /// The name.
        name: String,
    },
    /// A name server: the store of the view record does not answer, and no view can change.
    StoreSilent,
    /// A name server: the store answers again.
    StoreAnswers,
    /// A customer: its request has no answer, and it looks up the front-end again.
    LooksUp {
        /// The request.
        request: RequestId,
        /// Whether it was told since then why the request waits.
        heard: bool,
    },
    /// A primary: a request became an entry; its answer waits until every member has it.
    Executed {
        /// The request.
        request: RequestId,
        /// The entry's place.
        op: OpNumber,
        /// What the answer will be.
        outcome: Summary,
    },
    /// A replica: it replaced its state by a snapshot.
    Installed {
        /// Where the state stands.
        at: Position,
    },
    /// A durable replica: it was started again with what its file holds.
    Recovered {
        /// Where its history ends.
        at: Position,
        /// The newest view that it knows.
        view: View,
    },
    /// A durable replica: its disk cannot be used, and it says nothing until it can.
    DiskFails {
        /// What is wrong.
        why: DiskTrouble,
    },
    /// A durable replica: its disk works again.
    DiskWorks,
    /// A replica: a snapshot cannot be decoded, and it waits for another one.
    Undecodable {
        /// Where the snapshot stands.
        at: Position,
        /// The decoder's reason.
        error: String,
    },
}
