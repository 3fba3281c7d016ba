//! Every planted bug is found out by the simulation, and an honest cluster never is.
//!
//! A test suite is worth the bugs it catches: each mistake of `protocol::plant` is made by whole clusters until some seed
//! convicts it, and the very same seeds are then run without it. What a seed does: `just-hungry simulate --seed 17
//! --sim-secs 100 --plant no-view-check --trace story.txt`.

#![expect(clippy::print_stdout, reason = "which seed found which mistake is what a reader of the run wants to know")]

use std::collections::BTreeMap;

use protocol::ids::Span;
use protocol::plant::{ALL, Plant};
use protocol::simulation::{Conditions, Report, simulate};

/// At most so many seeds are tried before a mistake counts as overlooked.
const MOST_SEEDS: u64 = 2000;
/// Virtual time with faults in each trial.
const SPAN: Span = Span::millis(100_000);

/// Each mistake, and the invariants that may find it out first: another one would mean that it does more, or something
/// else, than its description says.
const FOUND_OUT_BY: [(Plant, &[&str]); 18] = [
    (Plant::AckBeforeReplicate, &["I2", "I4", "I6"]),
    (Plant::SkipSlowBackup, &["R5"]),
    (Plant::PromoteFirstRegistered, &["I9"]),
    (Plant::RestartKeepsId, &["I3", "I4", "I5", "I8"]),
    (Plant::NoSessionTable, &["I7"]),
    (Plant::SessionNotReplicated, &["I7"]),
    (Plant::NewIdOnRetry, &["I1"]),
    (Plant::NoViewCheck, &["I2", "I4", "I5"]),
    (Plant::ReenterView, &["I6", "R5"]),
    (Plant::JoinerInEarly, &["I8"]),
    (Plant::KeepOwnPreset, &["I5"]),
    (Plant::StoredReplyEarly, &["I6"]),
    (Plant::RejectionNotLogged, &["I6"]),
    (Plant::EvictedAreNew, &["I7"]),
    (Plant::ReadWithoutBarrier, &["I1"]),
    (Plant::ReadBeforeCommit, &["I1"]),
    (Plant::AnnounceBeforeRecording, &["R12"]),
    (Plant::NsForgetsView, &["I7", "I9", "R12"]),
];

/// The first seeds, up to the one that convicts.
fn until_convicted(plant: Plant) -> Report {
    let conditions = Conditions { span: SPAN, plant: Some(plant) };
    simulate(1..MOST_SEEDS + 1, conditions, |report| report.violations.is_empty())
}

#[test]
fn each_is_convicted_and_an_honest_cluster_is_not() {
    let mut last_seeds = BTreeMap::new();
    for (plant, invariants) in FOUND_OUT_BY {
        let report = until_convicted(plant);
        let found = report.violations.first();
        let found = found.unwrap_or_else(|| panic!("{plant} was overlooked in {MOST_SEEDS} seeds: {report:#?}"));
        println!("{plant}: seed {} after {:.1} s: {}", found.seed, found.at as f64 / 1e6, found.what);
        let expected = invariants.iter().any(|name| found.what.starts_with(&format!("{name}:")));
        assert!(expected, "{plant} was found out by {:?}, not by one of {invariants:?}", found.what);
        last_seeds.insert(found.seed, plant);
    }
    let (last, plant) = last_seeds.last_key_value().expect("there are plants");
    let honest = simulate(1..last + 1, Conditions::honest(SPAN), |report| report.violations.is_empty());
    assert_eq!(honest.violations, [], "convicted without {plant}, or any other");
    assert!(honest.acknowledged > 100 * last && honest.seeds == *last, "{honest:#?}");
}

#[test]
fn none_is_left_out() {
    assert_eq!(FOUND_OUT_BY.map(|(plant, _)| plant), ALL);
}
