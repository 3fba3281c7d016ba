//! What customers were told, in numbers.
//!
//! Sums only: which answer was right is judged from the history.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

/// What customers were told. All moments count from when the customers began.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Counts {
    pub acknowledged: u64,
    /// Orders certainly not placed.
    pub refused: u64,
    /// Orders of which nobody knows.
    pub unknown: u64,
    pub reads: u64,
    /// Intervals in which a customer waited long: from, to. Of those that begin in the same tenth of a second the longest,
    /// so that a thousand customers for a day fit into memory.
    #[serde(skip)]
    pub gaps: BTreeMap<u64, (Duration, Duration)>,
    /// Orders acknowledged in each tenth of a second.
    #[serde(skip)]
    pub tenths: Vec<u32>,
}

impl Counts {
    pub fn acknowledge(&mut self, now: Duration) {
        self.acknowledged += 1;
        let tenth = (now.as_millis() / 100) as usize;
        if self.tenths.len() <= tenth {
            self.tenths.resize(tenth + 1, 0);
        }
        self.tenths[tenth] += 1;
    }

    /// A customer waited long.
    pub fn wait(&mut self, from: Duration, to: Duration) {
        let longest = self.gaps.entry((from.as_millis() / 100) as u64).or_insert((from, to));
        if to.saturating_sub(from) > longest.1.saturating_sub(longest.0) {
            *longest = (from, to);
        }
    }
}
