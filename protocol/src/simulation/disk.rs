//! A durable replica's disk, in memory: it loses what was written and not synced.
//!
//! Records are kept as they were handed over; how they become bytes is not simulated.

use std::collections::VecDeque;

use crate::disk::{DiskTrouble, Kept};
use crate::replica::Recovered;

/// What becomes of a sync.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncFate {
    /// How long it takes, in microseconds.
    pub after: u64,
    /// It fails.
    pub fails: Option<DiskTrouble>,
}

impl SyncFate {
    /// What a disk does that is well.
    pub const PROMPT: Self = Self { after: 500, fails: None };
}

/// What was handed over at once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Batch {
    number: u64,
    new_file: bool,
    kept: Vec<Kept>,
}

/// What the disk holds, and what is on its way to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Disk {
    /// The present file; empty if there is none.
    file: Vec<Kept>,
    /// One that is not whole yet.
    new_file: Vec<Kept>,
    /// Handed over, and not being synced.
    waiting: VecDeque<Batch>,
    /// Being synced.
    syncing: Vec<Batch>,
    /// How often the power went.
    life: u64,
    /// A sync failed: everything is dropped until a new file begins.
    failed: bool,
}

impl Disk {
    /// What a process finds that is started now; none: an empty disk, or one that nobody can read.
    #[must_use]
    pub fn recover(&self) -> Option<Recovered> {
        let mut recovered = Recovered::default();
        self.file.iter().try_for_each(|kept| recovered.take(kept.clone())).ok()?;
        recovered.complete().ok()
    }

    /// More is to be written. Whether a sync must be begun.
    pub fn write(&mut self, number: u64, new_file: bool, kept: Vec<Kept>) -> bool {
        if kept.first() == Some(&Kept::Begins) {
            self.failed = false;
        }
        if !self.failed {
            self.waiting.push_back(Batch { number, new_file, kept });
        }
        self.begin_sync()
    }

    /// Everything that waits shares the next sync. Whether there is one.
    pub fn begin_sync(&mut self) -> bool {
        let begins = self.syncing.is_empty() && !self.waiting.is_empty();
        if begins {
            self.syncing = self.waiting.drain(..).collect();
        }
        begins
    }

    /// Whether it is writing.
    #[must_use]
    pub fn is_syncing(&self) -> bool {
        !self.syncing.is_empty()
    }

    /// How many records are being synced.
    #[must_use]
    pub fn unsynced(&self) -> usize {
        self.syncing.iter().map(|batch| batch.kept.len()).sum()
    }

    /// If what is being synced makes a new file whole: how many of its records come before the one that does.
    #[must_use]
    pub fn completes(&self) -> Option<usize> {
        let records = self.syncing.iter().flat_map(|batch| batch.kept.iter().map(|kept| (batch.new_file, kept)));
        records.enumerate().find(|(_, (new, kept))| *new && matches!(kept, Kept::Whole(_))).map(|(place, _)| place)
    }

    /// The sync has ended well. The newest number on disk.
    pub fn synced(&mut self) -> Option<u64> {
        let synced = std::mem::take(&mut self.syncing);
        let newest = synced.last().map(|batch| batch.number);
        for batch in synced {
            self.take(batch.new_file, batch.kept);
        }
        newest
    }

    /// The sync has failed. The oldest number that is not on disk.
    pub fn fail(&mut self) -> Option<u64> {
        let oldest = self.syncing.first().map(|batch| batch.number);
        (self.failed, self.syncing) = (true, Vec::new());
        // A new file may have been begun meanwhile.
        let again = self.waiting.iter().rposition(|batch| batch.kept.first() == Some(&Kept::Begins));
        match again {
            Some(place) => {
                self.failed = false;
                self.waiting.drain(..place);
            }
            None => self.waiting.clear(),
        }
        oldest
    }

    /// How often it lost its power. A sync belongs to one life.
    #[must_use]
    pub fn life(&self) -> u64 {
        self.life
    }

    /// The power goes: of what was being synced, the first records are there, `chance` decides how many, and nothing else.
    pub fn lose_power(&mut self, chance: usize) {
        self.life += 1;
        let lucky = chance % (self.unsynced() + 1);
        let records = std::mem::take(&mut self.syncing).into_iter().flat_map(|batch| {
            let new_file = batch.new_file;
            batch.kept.into_iter().map(move |kept| (new_file, kept))
        });
        for (new_file, kept) in records.take(lucky).collect::<Vec<_>>() {
            self.take(new_file, vec![kept]);
        }
        self.waiting.clear();
        self.new_file.clear();
        self.failed = false;
    }

    /// What is on it cannot be read any more.
    pub fn become_unreadable(&mut self) {
        *self = Self { life: self.life + 1, ..Self::default() };
    }

    fn take(&mut self, new_file: bool, kept: Vec<Kept>) {
        for record in kept {
            if record == Kept::Begins {
                self.new_file.clear();
            }
            let is_whole = matches!(record, Kept::Whole(_));
            if new_file { &mut self.new_file } else { &mut self.file }.push(record);
            if new_file && is_whole {
                self.file = std::mem::take(&mut self.new_file);
            }
        }
    }
}
