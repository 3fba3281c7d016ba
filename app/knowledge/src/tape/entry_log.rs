//! What a tape holds, entry after entry, encoded so that a long lecture fits into memory.
//!
//! Entries are numbered from the beginning of the run for ever; the oldest block may be let go. Nothing is interpreted here.

use std::collections::VecDeque;
use std::sync::Arc;

use super::Entry;

/// Entries in a block.
pub(super) const BLOCK: usize = 1024;

/// This many entries, one after the other.
#[derive(Clone, Debug, Default)]
struct Block {
    bytes: Vec<u8>,
    /// Where each entry ends.
    ends: Vec<u32>,
}

impl Block {
    fn get(&self, at: usize) -> Option<Entry> {
        let end = *self.ends.get(at)? as usize;
        let begin = at.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        postcard::from_bytes(&self.bytes[begin..end]).ok()
    }
}

/// Entries, oldest first. A clone shares all but the newest block.
#[derive(Clone, Debug, Default)]
pub struct EntryLog {
    full: VecDeque<Arc<Block>>,
    newest: Block,
    /// The number of the first entry that is still here.
    first: usize,
    bytes: usize,
}

impl EntryLog {
    /// The number of the first entry that is still here.
    pub fn first(&self) -> usize {
        self.first
    }

    /// The number that the next entry will have.
    pub fn end(&self) -> usize {
        self.first + self.full.len() * BLOCK + self.newest.ends.len()
    }

    /// How much memory the entries take, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes + self.newest.bytes.len() + (self.end() - self.first) * size_of::<u32>()
    }

    /// Adds one. False: it cannot be encoded, or is larger than any may be, and is not here.
    pub fn push(&mut self, entry: &Entry) -> bool {
        let begin = self.newest.bytes.len();
        let Ok(bytes) = postcard::to_extend(entry, std::mem::take(&mut self.newest.bytes)) else { return false };
        self.newest.bytes = bytes;
        let Ok(end) = u32::try_from(self.newest.bytes.len()) else {
            self.newest.bytes.truncate(begin);
            return false;
        };
        self.newest.ends.push(end);
        if self.newest.ends.len() == BLOCK {
            let mut block = std::mem::take(&mut self.newest);
            block.bytes.shrink_to_fit();
            self.bytes += block.bytes.len();
            self.full.push_back(Arc::new(block));
        }
        true
    }

    /// One entry, if it is still here.
    pub fn get(&self, number: usize) -> Option<Entry> {
        let at = number.checked_sub(self.first)?;
        match self.full.get(at / BLOCK) {
            Some(block) => block.get(at % BLOCK),
            None => self.newest.get(at - self.full.len() * BLOCK),
        }
    }

    pub fn from(&self, number: usize) -> impl Iterator<Item = Entry> {
        (number..self.end()).map_while(|number| self.get(number))
    }

    /// Lets the oldest block go; returns how many entries that were.
    pub(crate) fn drop_oldest(&mut self) -> usize {
        let Some(block) = self.full.pop_front() else { return 0 };
        self.bytes -= block.bytes.len();
        self.first += BLOCK;
        BLOCK
    }
}
