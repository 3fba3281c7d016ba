//! Key frames: pictures kept at intervals, so that a moment of the past is a few entries away from one of them.
//!
//! There are at most [`MOST`], and they take at most [`MOST_BYTES`]: when they become more, every second one is let go and the
//! intervals double. A kept picture shares what did not change with its neighbours.

use crate::picture::Picture;

/// Key frames that are kept.
const MOST: usize = 128;
/// What they may take together, in bytes.
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
    pub(crate) fn offer(&mut self, end: usize, at: u64, picture: &Picture) {
        if !end.is_multiple_of(self.interval) {
            return;
        }
        // The clock of the present may have gone on since the last entry.
        let mut kept = picture.clone();
        kept.now = at;
        let weight = kept.weight_beside(self.list.last().map(|last| &last.picture));
        self.list.push(Frame { end, picture: kept, weight });
        // One that is too heavy by itself is kept; the limits of a picture hold it down.
        while self.list.len() > MOST || (self.list.len() > 1 && self.weight() > MOST_BYTES) {
            self.interval *= 2;
            self.list.retain(|frame| frame.end.is_multiple_of(self.interval));
            self.weigh();
        }
    }

    fn weight(&self) -> usize {
        self.list.iter().map(|frame| frame.weight).sum()
    }

    /// What a frame shared with one that was let go is its own from then on.
    fn weigh(&mut self) {
        for at in 0..self.list.len() {
            let earlier = at.checked_sub(1).and_then(|before| self.list.get(before));
            self.list[at].weight = self.list[at].picture.weight_beside(earlier.map(|frame| &frame.picture));
        }
    }

    /// The last one at or before `end`.
    pub fn before(&self, end: usize) -> Option<(usize, &Picture)> {
        let after = self.list.partition_point(|frame| frame.end <= end);
        let frame = self.list.get(after.checked_sub(1)?)?;
        Some((frame.end, &frame.picture))
    }

    pub fn forget(&mut self, first: usize) {
        let before = self.list.len();
        self.list.retain(|frame| frame.end >= first);
        if self.list.len() < before {
            self.weigh();
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::ids::NodeId;
    use protocol::trace::{LauncherEvent, TraceEvent, TraceRecord};

    use super::*;

    /// A long log is most of a picture, and most of it was there one frame before.
    #[test]
    fn what_frames_share_counts_once() {
        let (mut frames, mut picture) = (Frames::default(), Picture::default());
        let text = "It is away. ".repeat(8);
        let mut end = 0;
        while frames.list.len() < MOST {
            end += 1;
            if end <= 8_000 || end % 16 == 0 {
                let event = TraceEvent::Launcher(LauncherEvent::Log { text: text.clone() });
                picture.apply(&TraceRecord { node: NodeId(1), at: end as u64, event });
            }
            frames.offer(end, end as u64, &picture);
            assert!(frames.interval == INTERVAL, "{} frames of {} bytes", frames.list.len(), frames.weight());
        }
        let alone: usize = frames.list.iter().map(|frame| frame.picture.weight_beside(None)).sum();
        assert!(alone > MOST_BYTES && frames.weight() < MOST_BYTES, "{alone}, {}", frames.weight());
        frames.forget(end / 2);
        let first = &frames.list[0];
        assert_eq!(first.weight, first.picture.weight_beside(None), "it shares with nobody any more");
    }
}
