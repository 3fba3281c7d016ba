//! The view record, and what a name server and a store say to each other where it is kept in a store (PROTOCOL section 10).
//!
//! The store can do two things: show the record, and replace it if it is still the one that was shown. Both take time, and
//! either may get no answer. The wire format, addresses and passwords are the driver's.

use serde::{Deserialize, Serialize};

use crate::ids::{FrontEndToken, View, ViewNumber};

/// What the name server keeps on disk, or in a store: the newest of these is all it remembers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct JournalRecord {
    /// The newest front-end's token.
    pub token: FrontEndToken,
    /// The newest recorded view.
    pub view: View,
}

impl JournalRecord {
    /// R13: whether the front-end with this token may record `view` after the one that it expects.
    pub(crate) fn may_be_followed_by(&self, token: FrontEndToken, expected: ViewNumber, view: &View) -> bool {
        token == self.token && expected == self.view.number && view.number == expected.next()
    }
}

/// Which of all versions of the record this is: the store counts them. 0: there is none yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Revision(pub u64);

/// What a name server asks of the store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum StoreOperation {
    /// Show the newest record.
    Read,
    /// Replace the record, if it is still the one of this revision.
    Write {
        /// The revision of the record that `record` was made from.
        after: Revision,
        /// What is to be recorded.
        record: JournalRecord,
    },
}

/// What became of an operation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum StoreAnswer {
    /// This is the newest record: the answer to a read, and to a write that came too late.
    Holds {
        /// Its revision.
        revision: Revision,
        /// The record; the default one, if there is none.
        record: JournalRecord,
    },
    /// It is recorded, as this revision.
    Written(Revision),
    /// There was no answer in time. The operation may have been carried out, or be carried out later, or never.
    Unanswered,
}

/// Where a name server keeps the view record, and how that goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Keeping {
    /// In its own journal.
    #[default]
    Journal,
    /// In a store that it has not read yet.
    Unread,
    /// In a store that answers.
    Store,
    /// In a store that does not answer: no view can change.
    Silent,
}

impl Keeping {
    /// Whether a change of the view would have to wait for the store.
    #[must_use]
    pub fn waits(self) -> bool {
        match self {
            Keeping::Journal | Keeping::Store => false,
            Keeping::Unread | Keeping::Silent => true,
        }
    }
}
