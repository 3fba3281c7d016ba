//! Key frames: pictures kept at intervals, so that a moment of the past is a few entries away from one of them.
//!
//! There are at most [`MOST`], and they take at most [`MOST_BYTES`]: when they become more, every second one is let go and the
//! intervals double. A kept picture shares what did not change with its neighbours.

use crate::picture::Picture;

/// Key frames that are kept.
const MOST: usize = 128;
/// What they may take together, in bytes, counted as if they shared nothing.
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// The first interval, in entries.
const INTERVAL: usize = 512;

#[derive(Debug)]
struct Frame {
    /// The number of the entry before which it was so.
    end: usize,
    picture: Picture,
    weight: usize,
}

#[derive(Debug)]
pub(super) struct Frames {
    list: Vec<Frame>,
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
        let (mut kept, weight) = (picture.clone(), picture.weight());
        kept.now = at;
        self.list.push(Frame { end, picture: kept, weight });
        // One that is too heavy by itself is kept; the limits of a picture hold it down.
        while self.list.len() > MOST || (self.list.len() > 1 && self.weight() > MOST_BYTES) {
            self.interval *= 2;
            self.list.retain(|frame| frame.end.is_multiple_of(self.interval));
        }
    }

    fn weight(&self) -> usize {
        self.list.iter().map(|frame| frame.weight).sum()
    }

    /// The last one at or before `end`.
    pub fn before(&self, end: usize) -> Option<(usize, &Picture)> {
        let after = self.list.partition_point(|frame| frame.end <= end);
        let frame = self.list.get(after.checked_sub(1)?)?;
        Some((frame.end, &frame.picture))
    }

    /// Lets go of those before `first`.
    pub fn forget(&mut self, first: usize) {
        self.list.retain(|frame| frame.end >= first);
    }
}
