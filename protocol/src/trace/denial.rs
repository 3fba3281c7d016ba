//! Why something that a person asked for is not done.

use serde::{Deserialize, Serialize};

use crate::ids::{NodeId, ReplicaId, ViewNumber};

/// Why something that a person asked for is not done.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Denial {
    /// The message has left its link.
    MessageLeft,
    /// A question to a postcode service cannot be doubled: HTTP asks once.
    QuestionsAreNotDoubled,
    /// The node whose timer was meant does not live in this process.
    NotHere {
        /// The node that was named in the command.
        node: NodeId,
    },
    /// The timer has rung already, or its machine does not need it any more.
    TimerNotArmed,
    /// A fresh start is refused.
    FreshStart(NoFreshStart),
    /// The launcher says why: what, why, what to do.
    Words(String),
}

/// Why a front-end refuses a fresh start.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum NoFreshStart {
    /// The name server has not answered yet, and without it no view can be recorded.
    NameServerSilent,
    /// No history has begun yet.
    NoHistory,
    /// The order names another view than the newest.
    NotTheNewest {
        /// The view that it names.
        after: ViewNumber,
        /// The view that is newest by now.
        newest: ViewNumber,
    },
    /// A member of the newest view may still live, and hold all orders.
    MayLive {
        /// The member that lives.
        member: ReplicaId,
        /// The newest view.
        view: ViewNumber,
    },
    /// The chosen replica serves and holds all orders.
    Serves,
    /// The chosen replica does not answer.
    DoesNotAnswer,
}

impl<T: Into<String>> From<T> for Denial {
    fn from(words: T) -> Self {
        Denial::Words(words.into())
    }
}
