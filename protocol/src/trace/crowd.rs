//! What is told of customers only together, because there are too many for a fact each.

use serde::{Deserialize, Serialize};

use crate::judge::Contradictions;

/// Customers that are counted, not told of one by one. Each report replaces the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crowd {
    /// The number of customers that are counted here.
    pub customers: u32,
    /// Orders that they were told are placed.
    pub acknowledged: u64,
    /// Orders that were certainly not placed.
    pub refused: u64,
    /// Orders of which nobody knows what became.
    pub unknown: u64,
    /// Lists that they read.
    pub reads: u64,
    /// How long their answers took; none: there are none yet, or it was not measured.
    #[serde(default)]
    pub times: Option<CrowdTimes>,
    /// What was found when everything was over; none: it is not judged yet.
    pub judged: Option<CrowdJudged>,
}

/// How long answers took, in microseconds of cluster time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrowdTimes {
    /// Half of them at most.
    pub median: u64,
    /// 90 of 100 at most.
    pub ninety: u64,
    /// 99 of 100 at most.
    pub ninety_nine: u64,
    /// All of them at most.
    pub longest: u64,
}

/// Contradictions in all that customers asked and were told in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrowdJudged {
    /// Acknowledged orders that a later read could have missed.
    pub covered: u64,
    /// Orders that are missing.
    pub lost: u64,
    /// Orders that are stored twice.
    #[serde(alias = "twice")]
    pub doubled: u64,
    /// Reads that show less than was known.
    pub stale: u64,
    /// Pairs of orders in another order than they were placed in.
    #[serde(alias = "other")]
    pub reordered: u64,
    /// Orders in lists that nobody placed.
    #[serde(default)]
    pub invented: u64,
}

impl CrowdJudged {
    /// From the counts of a verdict. The fields stand here one by one, because facts travel in a format that names nothing.
    #[must_use]
    pub fn new(covered: u64, counts: Contradictions) -> Self {
        let Contradictions { lost, doubled, reordered, stale, invented } = counts;
        Self { covered, lost, doubled, stale, reordered, invented }
    }

    /// The counts alone.
    #[must_use]
    pub fn contradictions(&self) -> Contradictions {
        let Self { covered: _, lost, doubled, stale, reordered, invented } = *self;
        Contradictions { lost, doubled, reordered, stale, invented }
    }
}
