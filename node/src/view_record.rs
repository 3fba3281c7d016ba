//! Where a name server keeps the view record: in a journal of its own, or in a store that several name servers use.
//!
//! A journal keeps a record at once, and must not be used by two. A store is asked, and answers later or never. Which of
//! the two a machine expects, it was told when it was made (PROTOCOL section 10).

use std::task::{Context, Poll};

use protocol::machine::JournalRecord;
use protocol::view_record::{StoreAnswer, StoreOperation};
use thiserror::Error;

use crate::storage::{Journal, JournalError};

/// Keeps the record.
pub trait ViewRecord: Send {
    /// Puts `record` in the place of the one before. It is safe when this returns (rule R12).
    ///
    /// # Errors
    /// When it may not be; then the name server must not answer.
    fn keep(&mut self, record: &JournalRecord) -> anyhow::Result<()>;

    /// Leaves what a crash in the middle of [`Self::keep`] would leave.
    ///
    /// # Errors
    /// When not even that can be written.
    fn keep_half(&mut self, record: &JournalRecord) -> anyhow::Result<()>;

    /// Begins an operation. There will be an answer, after a bounded time.
    fn begin(&mut self, number: u64, operation: StoreOperation);

    /// The next answer, with the number of its operation; wakes the loop when there is one.
    fn poll_answer(&mut self, context: &mut Context<'_>) -> Poll<Result<(u64, StoreAnswer), StoreError>>;
}

impl ViewRecord for Journal {
    fn keep(&mut self, record: &JournalRecord) -> anyhow::Result<()> {
        Ok(self.write(record)?)
    }

    fn keep_half(&mut self, record: &JournalRecord) -> anyhow::Result<()> {
        Ok(self.write_half(record)?)
    }

    /// A journal is asked nothing: its record was read when it was opened.
    fn begin(&mut self, number: u64, _operation: StoreOperation) {
        tracing::error!("operation {number} was meant for a store, but this name server has a journal");
    }

    fn poll_answer(&mut self, _context: &mut Context<'_>) -> Poll<Result<(u64, StoreAnswer), StoreError>> {
        Poll::Pending
    }
}

/// Why a store cannot be used. Each is a sentence that says what to do.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StoreError {
    /// Its record belongs to others.
    #[error(
        "The store holds, under the key {key}, the view record of another cluster ({theirs}; this one is {ours}). It is not overwritten. Give this cluster another name, or, if the other one is over for good, delete its record: etcdctl del {key}"
    )]
    OtherCluster {
        /// Where it is.
        key: String,
        /// The identity that it carries.
        theirs: String,
        /// The identity of this cluster.
        ours: String,
    },
    /// It has held the record, and does not.
    #[error(
        "The store holds nothing under the key {key}, but this cluster's view record was there. With another one, orders could be lost. Name the etcd that holds the record, or restore its data; or start a new cluster with another folder"
    )]
    Lost {
        /// Where it was.
        key: String,
    },
    /// What is under the key is no record.
    #[error(
        "The store holds, under the key {key}, something that is no view record of this version ({why}). It is not overwritten. Give this cluster another name, or delete it: etcdctl del {key}"
    )]
    NoRecord {
        /// Where it is.
        key: String,
        /// What is wrong with it.
        why: String,
    },
    /// It does not let this name server in.
    #[error(
        "The store refuses this name server: {0}. Check user, password and permissions of the view record's store."
    )]
    Refused(String),
    /// What was told about it cannot be right.
    #[error("{0}")]
    Setting(String),
}

/// Whether a name server ends because of what keeps its record, and not by a fault of this program.
#[must_use]
pub fn is_of_the_record(error: &anyhow::Error) -> bool {
    error.is::<JournalError>() || error.is::<StoreError>()
}
