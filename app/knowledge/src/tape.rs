//! The tape: every fact and every command of a run in the order in which the app took them.
//!
//! Live view, a look back, and an opened file all draw the same fold of the same entries. Key frames make any moment quick
//! to come to, whatever the length. Memory is bounded: the oldest entries are let go when it is full, and that is counted.
//! Files are `file`'s and `reading`'s; nothing is drawn here.

mod checkpoint;
mod entry_log;
mod file;
mod frames;
mod message_index;
mod moment;
mod reading;

use std::collections::VecDeque;

use protocol::trace::{NodeEvent, TraceEvent, TraceRecord};
use serde::{Deserialize, Serialize};

use crate::picture::{MessageInFlight, Picture};
use crate::user_command::UserCommand;
use checkpoint::Checkpoint;
use entry_log::EntryLog;
pub use file::{SaveError, TapeCopy, save, save_text};
use frames::Frames;
pub use message_index::{Arrival, MessageIndex, MessageTrack, RequestTrack};
pub use moment::Moment;
pub use reading::{OpenError, Opened, open, read};

/// A live tape keeps this many bytes of entries, and of what is looked up about them, in memory: some hours of a lecture, some
/// minutes of heavy load.
const MOST_BYTES: usize = 96 * 1024 * 1024;

/// One thing that the app took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Entry {
    Fact(TraceRecord),
    /// A person, or a script, asked for something.
    Command {
        /// Cluster time in microseconds.
        at: u64,
        /// What was asked for.
        command: UserCommand,
    },
}

impl Entry {
    /// When it was taken; of a fact, when it happened.
    pub fn at(&self) -> u64 {
        match self {
            Entry::Fact(record) => record.at,
            Entry::Command { at, .. } => *at,
        }
    }

    /// Whether a person who goes step by step stops after it: messages and requests.
    fn is_a_step(&self) -> bool {
        match self {
            Entry::Fact(record) => matches!(
                record.event,
                TraceEvent::Node(
                    NodeEvent::Sent { .. }
                        | NodeEvent::Delivered { .. }
                        | NodeEvent::Lost { .. }
                        | NodeEvent::Asked { .. }
                        | NodeEvent::Answered { .. }
                )
            ),
            Entry::Command { .. } => false,
        }
    }
}

/// When an entry was taken, at the latest of all before it, and whether it is a step.
#[derive(Clone, Copy, Debug)]
struct Beat {
    at: u64,
    step: bool,
}

#[derive(Debug)]
pub struct Tape {
    entries: EntryLog,
    beats: VecDeque<Beat>,
    message_index: MessageIndex,
    frames: Frames,
    /// The picture before the first entry that is still here.
    base: Picture,
    /// What stood then, as facts: a file begins with them.
    checkpoint: Checkpoint,
    limit: usize,
}

impl Default for Tape {
    fn default() -> Self {
        Self::with_room(MOST_BYTES)
    }
}

impl Tape {
    /// An empty tape that keeps at most about this many bytes.
    pub fn with_room(limit: usize) -> Self {
        Self {
            entries: EntryLog::default(),
            beats: VecDeque::new(),
            message_index: MessageIndex::default(),
            frames: Frames::default(),
            base: Picture::default(),
            checkpoint: Checkpoint::default(),
            limit,
        }
    }

    /// Takes an entry in and folds it into the picture of the present.
    pub fn take_in(&mut self, picture: &mut Picture, entry: Entry) {
        let number = self.end();
        let kept = self.entries.push(&entry);
        let at = self.beats.back().map_or(self.base.now, |beat| beat.at).max(entry.at());
        let step = entry.is_a_step();
        if let Entry::Fact(record) = entry {
            if kept {
                self.message_index.apply(number, &record);
            }
            picture.take(record);
        }
        if !kept {
            return;
        }
        self.beats.push_back(Beat { at, step });
        self.frames.offer(number + 1, at, picture);
        while self.bytes() > self.limit && self.drop_oldest() {}
    }

    /// Lets the oldest entries go. What they led to stays, as the picture at the new beginning.
    fn drop_oldest(&mut self) -> bool {
        let first = self.entries.first();
        let leaving: Vec<Entry> = self.entries.from(first).take(entry_log::BLOCK).collect();
        let dropped = self.entries.drop_oldest();
        for entry in leaving.iter().take(dropped) {
            if let Entry::Fact(record) = entry {
                self.base.apply(record);
                self.checkpoint.apply(record);
            }
        }
        self.beats.drain(..dropped.min(self.beats.len()));
        self.frames.forget(self.entries.first());
        self.message_index.forget(self.entries.first());
        dropped > 0
    }

    /// The number of the first entry that is still here.
    pub fn first(&self) -> usize {
        self.entries.first()
    }

    /// The number that the next entry will have: how many were taken in all.
    pub fn end(&self) -> usize {
        self.entries.end()
    }

    /// One entry, if it is still here.
    pub fn entry(&self, number: usize) -> Option<Entry> {
        self.entries.get(number)
    }

    pub fn message_index(&self) -> &MessageIndex {
        &self.message_index
    }

    /// About how much memory the entries and what is looked up about them take, in bytes.
    pub fn bytes(&self) -> usize {
        self.entries.bytes() + self.beats.len() * size_of::<Beat>() + self.message_index.bytes()
    }

    /// The cluster time to which the entries before this one have come.
    pub fn time_at(&self, end: usize) -> u64 {
        let beat = end.checked_sub(self.first() + 1).and_then(|at| self.beats.get(at));
        beat.map_or(self.base.now, |beat| beat.at)
    }

    /// How many entries had been taken by a moment of cluster time.
    pub fn end_at(&self, time: u64) -> usize {
        self.first() + self.beats.partition_point(|beat| beat.at <= time)
    }

    /// Where the step before this place ends: that step undone.
    pub fn step_before(&self, end: usize) -> usize {
        let first = self.first();
        let before = self.beats.iter().take(end.saturating_sub(first)).rposition(|beat| beat.step);
        before.map_or(first, |at| first + at)
    }

    /// Where the step after this place ends.
    pub fn step_after(&self, end: usize) -> usize {
        let first = self.first();
        let skipped = end.saturating_sub(first);
        let after = self.beats.iter().skip(skipped).position(|beat| beat.step);
        after.map_or(self.end(), |at| first + skipped + at + 1)
    }

    /// A message of long ago as it was told of then, with its end.
    pub fn recall(&self, track: &MessageTrack) -> Option<MessageInFlight> {
        let mut alone = Picture::default();
        for number in [Some(track.entry), track.end_entry.filter(|end| *end != track.entry)].into_iter().flatten() {
            if let Some(Entry::Fact(record)) = self.entry(number) {
                alone.apply(&record);
            }
        }
        alone.traffic.find(track.id, track.to).cloned()
    }
}
