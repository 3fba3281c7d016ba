//! What only a machine knows: its role, what it refuses, what it has committed, whom it suspects.

use serde::{Deserialize, Serialize};

use super::{Denial, Refusal, Sign, Standing};
use crate::ids::{NodeId, OpNumber, ReplicaId, View};

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
    /// A line for people.
    Log {
        /// A sentence for the log; nothing reads it.
        text: String,
    },
}
