//! A whole cluster in memory: the real machines, virtual time, and one seed that decides everything else.
//!
//! A trial runs a cluster with customers and faults, checks the invariants I1-I9 of PROTOCOL section 13 after every input
//! of every machine, and at the end demands that the healed cluster answers. The same seed gives the same run, so that
//! whatever a seed convicts can be looked at step by step. Deliberately without threads and clocks: for several
//! cores, or within a time limit, it is called several times.

mod broken_rule;
pub mod checkers;
pub mod cluster;
pub mod counts;
pub mod disk;
mod disk_faults;
pub mod environment;
mod faults;
mod healing;
mod network_conditions;
pub mod node;
mod plan;
pub mod queue;
pub mod store;
mod transcript;
mod trial;

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Serialize;

use crate::acknowledge::Acknowledge;
use crate::ids::Span;
use crate::name_server::StoreBug;
use crate::plant::Plant;
use crate::random::mix;
pub use crate::simulation::broken_rule::{BrokenRule, Demand, Rule};
pub use crate::simulation::trial::{Ended, Trial};

/// A seed that convicts something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Run it again to see it again.
    pub seed: u64,
    /// Virtual time in microseconds.
    pub at: u64,
    /// What did not hold.
    pub what: BrokenRule,
}

/// What simulations came to. Reports of several ranges of seeds can be added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// How many seeds ran to their end.
    pub seeds: u64,
    /// Invariants that did not hold.
    pub violations: Vec<Violation>,
    /// Virtual time that passed, in seconds.
    pub simulated_s: u64,
    /// Steps: messages, timers, inputs.
    pub events: u64,
    /// What was inflicted, by kind.
    pub faults: BTreeMap<String, u64>,
    /// Orders whose customers were told that they are placed.
    pub acknowledged: u64,
    /// Seeds whose healed cluster did not answer everything in time.
    pub stalled: u64,
    /// Seeds that lost all members of the newest view, where service was rightly refused.
    pub refused: u64,
    /// Customers that were told that nothing is known of their request any more: their sessions were evicted.
    pub expired: u64,
    /// Recorded views.
    pub views: u64,
    /// Moments with two acting primaries, of which one could not answer.
    pub two_primaries: u64,
    /// Longest wait for the last answer after healing, in milliseconds of virtual time.
    pub slowest_ms: u64,
    /// Digest of everything that happened; does not depend on how the seeds were divided into ranges.
    pub hash: u64,
}

impl Summary {
    /// Adds another summary.
    pub fn add(&mut self, other: Summary) {
        self.seeds += other.seeds;
        self.violations.extend(other.violations);
        self.violations.sort_by_key(|violation| violation.seed);
        self.simulated_s += other.simulated_s;
        self.events += other.events;
        for (kind, count) in other.faults {
            *self.faults.entry(kind).or_default() += count;
        }
        self.acknowledged += other.acknowledged;
        self.stalled += other.stalled;
        self.refused += other.refused;
        self.expired += other.expired;
        self.views += other.views;
        self.two_primaries += other.two_primaries;
        self.slowest_ms = self.slowest_ms.max(other.slowest_ms);
        self.hash = self.hash.wrapping_add(other.hash);
    }

    fn of(seed: u64, ended: &Ended) -> Self {
        let mut summary = Summary {
            seeds: 1,
            simulated_s: ended.simulated / 1_000_000,
            events: ended.events,
            acknowledged: ended.acknowledged,
            refused: u64::from(ended.refused),
            expired: ended.expired,
            views: ended.views,
            two_primaries: ended.two_primaries,
            slowest_ms: ended.slowest / 1000,
            hash: mix(ended.hash ^ mix(seed)),
            ..Summary::default()
        };
        ended.counts.add_to(&mut summary.faults);
        if let Some((at, what)) = &ended.violation {
            summary.stalled = u64::from(what.rule() == Rule::Liveness);
            summary.violations.push(Violation { seed, at: *at, what: what.clone() });
        }
        summary
    }
}

/// What is simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conditions {
    /// Virtual time with faults, before healing.
    pub span: Span,
    /// Whose copies answers wait for; anything but all: some seed must find it.
    pub acknowledge: Acknowledge,
    /// The bug injected into every machine: some seed must find it.
    pub plant: Option<Plant>,
    /// Where the view record is kept.
    pub record: Record,
    /// Replicas keep their state on disks (PROTOCOL section 9), and the power may go.
    pub durable: bool,
}

/// Where name servers keep the view record (PROTOCOL section 10).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Record {
    /// One name server, with a journal.
    #[default]
    Journal,
    /// Two or three name servers, with a store. If they have a bug, some seed must find it.
    Store(Option<StoreBug>),
}

impl Conditions {
    /// Machines without an injected bug, which wait for all copies.
    #[must_use]
    pub const fn honest(span: Span) -> Self {
        Self { span, acknowledge: Acknowledge::All, plant: None, record: Record::Journal, durable: false }
    }
}

/// Runs one seed: with faults, then healing. `with_transcript`: whether to write down what
/// happens, step by step.
///
/// A machine that panics is a violation as well.
#[must_use]
pub fn simulate_one(seed: u64, conditions: Conditions, with_transcript: bool) -> Ended {
    Trial::new(seed, conditions, with_transcript).run(conditions.span)
}

/// Runs all seeds of a range, as long as `go_on` says so (it is asked before each).
pub fn simulate(seeds: Range<u64>, conditions: Conditions, mut go_on: impl FnMut(&Summary) -> bool) -> Summary {
    let mut summary = Summary::default();
    for seed in seeds {
        if !go_on(&summary) {
            break;
        }
        let ended = std::panic::catch_unwind(|| simulate_one(seed, conditions, false));
        summary.add(match ended {
            Ok(ended) => Summary::of(seed, &ended),
            Err(_) => Summary {
                seeds: 1,
                violations: vec![Violation { seed, at: 0, what: BrokenRule::AssertionFailed() }],
                ..Summary::default()
            },
        });
    }
    summary
}
