//! What a front-end lacks to serve customers: for the window and the status, never for a rule.

use serde::{Deserialize, Serialize};

use crate::ids::{ReplicaId, ViewNumber};

/// Why a front-end serves nobody at the moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum NoService {
    /// There is a newer front-end, and customers are told to look it up.
    Retired,
    /// The name server has not answered yet, and without it no view can be recorded.
    NameServerSilent,
    /// The name server has no record although a replica has seen a view: its journal was lost.
    JournalLost {
        /// The newest view that a replica has seen.
        seen: ViewNumber,
    },
    /// Some registered replica has not yet said where it stands.
    ReportsMissing,
    /// No replica is registered and alive.
    NoReplica,
    /// The name server has not recorded the first view yet.
    FirstViewUnrecorded,
    /// No member of the newest view answers, and no other replica holds all orders.
    NoMember {
        /// One of these is awaited, each with the name that the name server told.
        awaited: Vec<(ReplicaId, Option<String>)>,
    },
    /// A view of those that answer would have fewer members than wanted.
    TooFew {
        /// Members that answer.
        answer: u32,
        /// Members that a view must have at least.
        wanted: u32,
    },
    /// The name server has not recorded the next view yet.
    ViewUnrecorded,
}
