//! A moment of the past: the picture as it was, and how it gets to another moment quickly.
//!
//! Forwards entry by entry; backwards from the nearest key frame. On the way it keeps a few pictures, because a person who looks
//! back goes to and fro.

use super::{Entry, Tape};
use crate::picture::Picture;

/// Pictures that are kept on the way.
const MOST_NEAR: usize = 24;
/// Entries between them.
const APART: usize = 512;

/// Where a person looks.
#[derive(Clone, Debug)]
pub struct Moment {
    /// How many entries of the run have happened.
    pub end: usize,
    /// The picture after them.
    pub picture: Picture,
    near: Vec<(usize, Picture)>,
}

impl Moment {
    /// The nearest moment at or before `end` that the tape knows at once.
    pub(super) fn of(tape: &Tape, end: usize) -> Self {
        let (frame, picture) = tape.frames.before(end).unwrap_or((tape.first(), &tape.base));
        Self { end: frame.max(tape.first()), picture: picture.clone(), near: Vec::new() }
    }

    /// The moment before the entry of this number.
    pub fn at(tape: &Tape, end: usize) -> Self {
        let mut moment = Self::of(tape, end);
        moment.go_to(tape, end);
        moment
    }

    /// Goes to another moment of the same tape: before the entry of this number.
    pub fn go_to(&mut self, tape: &Tape, end: usize) {
        let end = end.clamp(tape.first(), tape.end());
        self.near.retain(|(at, _)| *at >= tape.first());
        self.start_near(tape, end);
        for entry in tape.entries.from(self.end).take(end.saturating_sub(self.end)) {
            if let Entry::Fact(record) = entry {
                self.picture.take(record);
            }
            self.end += 1;
            if self.end.is_multiple_of(APART) && end - self.end < APART * MOST_NEAR {
                self.keep();
            }
        }
        self.end = end;
        self.picture.now = tape.time_at(end);
        self.picture.set_now(tape.time_at(end));
    }

    /// Goes to a moment of cluster time, which may lie between two entries: messages are on their way then, too.
    pub fn go_to_time(&mut self, tape: &Tape, time: u64) {
        let end = tape.end_at(time);
        self.go_to(tape, end);
        if end < tape.end() {
            self.picture.set_now(time);
        }
    }

    /// Begins where the way is shortest: here, at a picture kept on an earlier way, or at a key frame.
    fn start_near(&mut self, tape: &Tape, end: usize) {
        let known = Self::of(tape, end);
        let near = self.near.iter().filter(|(at, _)| *at <= end).max_by_key(|(at, _)| *at);
        let best = near.map_or(known.end, |(at, _)| known.end.max(*at));
        if self.end <= end && self.end >= best && self.end >= tape.first() {
            return;
        }
        match near {
            Some((at, picture)) if *at >= known.end => (self.end, self.picture) = (*at, picture.clone()),
            _ => (self.end, self.picture) = (known.end, known.picture),
        }
    }

    fn keep(&mut self) {
        if self.near.iter().any(|(at, _)| *at == self.end) {
            return;
        }
        self.near.push((self.end, self.picture.clone()));
        if self.near.len() > MOST_NEAR {
            // The farthest is of least use.
            let here = self.end;
            let farthest = (0..self.near.len()).max_by_key(|at| self.near[*at].0.abs_diff(here));
            farthest.map(|at| self.near.swap_remove(at));
        }
    }
}
