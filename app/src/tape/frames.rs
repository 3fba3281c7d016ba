//! Key frames: pictures kept at intervals, so that a moment of the past is a few entries away from one of them.
//!
//! There are at most [`MOST`]; as the tape grows, every second one is let go and the intervals double. A kept picture shares
//! what did not change with its neighbours.

use crate::picture::Picture;

/// Key frames that are kept.
const MOST: usize = 128;
/// The first interval, in entries.
const INTERVAL: usize = 512;

#[derive(Debug)]
pub(super) struct Frames {
    list: Vec<(usize, Picture)>,
    interval: usize,
}

impl Default for Frames {
    fn default() -> Self {
        Self { list: Vec::new(), interval: INTERVAL }
    }
}

impl Frames {
    /// Keeps the picture before the entry of number `end`, at time `at`, if it is time for one.
    pub fn offer(&mut self, end: usize, at: u64, picture: &Picture) {
        if !end.is_multiple_of(self.interval) {
            return;
        }
        // The clock of the present may have gone on since the last entry.
        let mut kept = picture.clone();
        kept.now = at;
        self.list.push((end, kept));
        if self.list.len() > MOST {
            self.interval *= 2;
            self.list.retain(|(end, _)| end.is_multiple_of(self.interval));
        }
    }

    /// The last one at or before `end`.
    pub fn before(&self, end: usize) -> Option<(usize, &Picture)> {
        let after = self.list.partition_point(|(frame, _)| *frame <= end);
        let (frame, picture) = self.list.get(after.checked_sub(1)?)?;
        Some((*frame, picture))
    }

    /// Lets go of those before `first`.
    pub fn forget(&mut self, first: usize) {
        self.list.retain(|(end, _)| *end >= first);
    }
}
