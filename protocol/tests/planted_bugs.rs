//! The simulation finds every injected bug, and finds nothing without one.
//!
//! A test suite is worth the bugs it catches: each bug of `protocol::plant` is injected into whole clusters until some seed
//! finds it, and the same seeds are then run without it. What a seed does: `just-hungry simulate --seed 17
//! --sim-secs 100 --plant no-view-check --trace transcript.txt`.

#![expect(clippy::print_stdout, reason = "which seed found which bug is what a reader of the run wants to know")]

use std::collections::BTreeMap;

use protocol::acknowledge::Acknowledge;
use protocol::ids::Span;
use protocol::plant::{ALL, Plant};
use protocol::simulation::{Conditions, Rule, Summary, simulate};

/// At most this many seeds are tried before a bug counts as overlooked.
const MOST_SEEDS: u64 = 2000;
/// Virtual time with faults in each trial.
const SPAN: Span = Span::millis(100_000);

/// Each injected bug, and the invariants that may find it first: any other would mean that the bug does more, or something
/// else, than its description says.
const FOUND_OUT_BY: [(Plant, &[Rule]); 20] = [
    (Plant::AckBeforeReplicate, &[Rule::I2, Rule::I4, Rule::I6]),
    (Plant::SkipSlowBackup, &[Rule::R5]),
    (Plant::PromoteFirstRegistered, &[Rule::I9]),
    (Plant::RestartKeepsId, &[Rule::I3, Rule::I4, Rule::I5, Rule::I8]),
    (Plant::NoSessionTable, &[Rule::I7]),
    (Plant::SessionNotReplicated, &[Rule::I5, Rule::I7]),
    (Plant::NewIdOnRetry, &[Rule::I1]),
    (Plant::NoViewCheck, &[Rule::I2, Rule::I4, Rule::I5]),
    (Plant::ReenterView, &[Rule::I6, Rule::R5]),
    (Plant::JoinerInEarly, &[Rule::I8]),
    (Plant::KeepOwnPreset, &[Rule::I5]),
    (Plant::StoredReplyEarly, &[Rule::I6]),
    (Plant::RejectionNotLogged, &[Rule::I6]),
    (Plant::EvictedAreNew, &[Rule::I7]),
    (Plant::ReadWithoutBarrier, &[Rule::I1]),
    (Plant::ReadBeforeCommit, &[Rule::I1, Rule::R14]),
    (Plant::AnnounceBeforeRecording, &[Rule::R12]),
    (Plant::NsForgetsView, &[Rule::I7, Rule::I9, Rule::R12]),
    (Plant::SyncAfterAck, &[Rule::I1, Rule::I2, Rule::I4, Rule::I5]),
    (Plant::ResumeViewAfterRestart, &[Rule::I3, Rule::I5]),
];

/// Where an answer waits for fewer copies than all, the invariants that find out that an answered order is lost: two primaries
/// answered different orders, or one leads without an answered order. (What only all copies promise is not looked at.)
const LOST: [Rule; 3] = [Rule::I1, Rule::I2, Rule::I8];

/// The first seeds, up to the one that finds the bug.
fn until_convicted(plant: Plant) -> Summary {
    until_one_convicts(Conditions { plant: Some(plant), durable: plant.needs_disk(), ..Conditions::honest(SPAN) })
}

fn until_one_convicts(conditions: Conditions) -> Summary {
    simulate(1..MOST_SEEDS + 1, conditions, |summary| summary.violations.is_empty())
}

#[test]
fn each_is_convicted_and_an_honest_cluster_is_not() {
    let mut last_seeds = BTreeMap::new();
    for (plant, invariants) in FOUND_OUT_BY {
        let summary = until_convicted(plant);
        let found = summary.violations.first();
        let found = found.unwrap_or_else(|| panic!("{plant} was overlooked in {MOST_SEEDS} seeds: {summary:#?}"));
        println!("{plant}: seed {} after {:.1} s: {}", found.seed, found.at as f64 / 1e6, found.what);
        let rule = found.what.rule();
        assert!(invariants.contains(&rule), "{plant} was found out by {rule:?}, not by one of {invariants:?}");
        last_seeds.insert(found.seed, plant);
    }
    let (last, plant) = last_seeds.last_key_value().expect("there are plants");
    for durable in [false, true] {
        let conditions = Conditions { durable, ..Conditions::honest(SPAN) };
        let honest = simulate(1..last + 1, conditions, |summary| summary.violations.is_empty());
        assert_eq!(honest.violations, [], "convicted without {plant}, or any other");
        assert!(honest.acknowledged > 50 * last && honest.seeds == *last, "{honest:#?}");
    }
}

#[test]
fn fewer_copies_than_all_are_convicted_of_losing_an_order() {
    for acknowledge in [Acknowledge::One, Acknowledge::None] {
        let summary = until_one_convicts(Conditions { acknowledge, ..Conditions::honest(SPAN) });
        let found = summary.violations.first();
        let found = found.unwrap_or_else(|| panic!("{acknowledge} was overlooked in {MOST_SEEDS} seeds: {summary:#?}"));
        println!("{acknowledge}: seed {} after {:.1} s: {}", found.seed, found.at as f64 / 1e6, found.what);
        assert!(LOST.contains(&found.what.rule()) && summary.acknowledged > 0, "{acknowledge}: {}", found.what);
    }
}

#[test]
fn none_is_left_out() {
    assert_eq!(FOUND_OUT_BY.map(|(plant, _)| plant), ALL);
}
