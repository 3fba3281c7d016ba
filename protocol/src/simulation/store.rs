//! A store for the view record, in memory: it counts revisions, and replaces a record only after the one that is expected.
//!
//! What becomes of an operation on its way to the store and back, the environment decides: it can be late, lost, answered
//! twice, or carried out when its name server has given it up.

use crate::view_record::{JournalRecord, Revision, StoreAnswer, StoreOperation};

/// After this time without an answer, in microseconds, a name server is told that there is none.
pub const PATIENCE: u64 = 1_500_000;

/// What becomes of an operation. Times in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreFate {
    /// It is carried out after this; none: never.
    pub carried_out: Option<u64>,
    /// The answer takes this long; none: it is lost.
    pub answered: Option<u64>,
    /// The same answer comes once more after this.
    pub again: Option<u64>,
}

impl StoreFate {
    /// What a store does that is well and near.
    pub const PROMPT: Self = Self { carried_out: Some(1_000), answered: Some(1_000), again: None };
}

/// What the store holds.
#[derive(Clone, Debug, Default)]
pub struct Store {
    revision: Revision,
    record: JournalRecord,
}

impl Store {
    /// Carries an operation out. Whether it has changed the record, and the answer.
    pub fn carry_out(&mut self, operation: StoreOperation) -> (bool, StoreAnswer) {
        match operation {
            StoreOperation::Write { after, record } if after == self.revision => {
                self.revision.0 += 1;
                self.record = record;
                (true, StoreAnswer::Written(self.revision))
            }
            StoreOperation::Read | StoreOperation::Write { .. } => {
                (false, StoreAnswer::Holds { revision: self.revision, record: self.record.clone() })
            }
        }
    }

    /// What is recorded now.
    #[must_use]
    pub fn record(&self) -> &JournalRecord {
        &self.record
    }
}
