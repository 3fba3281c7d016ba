//! Why a node believes another dead, and what came of that: for the log and the status, never for a rule.

use serde::{Deserialize, Serialize};

use crate::ids::{NodeId, Span};

/// A sign of life, or of its absence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Sign {
    /// Not a message for the silence limit.
    Silent {
        /// How long it has not been heard, in cluster time.
        silence: Span,
        /// How late the loop of the node that says so was in that time.
        late: Span,
    },
    /// Its port is closed: its process is gone.
    Gone,
    /// A message came from it.
    Heard {
        /// How late its own loop had been.
        late: Span,
    },
}

/// A suspicion of a front-end: which node, and why. It is over once the suspected was heard again.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Suspicion {
    /// The node that is suspected.
    pub of: NodeId,
    /// As people call it, if the front-end had heard that; processes come and go, names stay.
    pub name: Option<String>,
    /// The sign with which the suspicion began.
    pub why: Sign,
    /// How late the loop of the suspected had been, once it was heard again: then the suspicion was wrong.
    pub refuted: Option<Span>,
}
