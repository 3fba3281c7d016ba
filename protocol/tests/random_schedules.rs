//! Seeds: whole clusters under random faults, every invariant checked after every input, and service demanded at the end.
//!
//! A failure names its seed; `JUST_HUNGRY_SEED=17 cargo test -p just-hungry-protocol --test random_schedules the_seed --
//! --nocapture`
//! shows it step by step. More seeds: `just-hungry simulate`.

use protocol::ids::Span;
use protocol::simulation::{Conditions, Summary, simulate, simulate_one};

/// Virtual time with faults in each trial: ten minutes.
const LONG: Conditions = Conditions::honest(Span::millis(600_000));
/// Enough to see that two runs are the same.
const SHORT: Conditions = Conditions::honest(Span::millis(60_000));

#[test]
fn three_hundred_seeds_are_clean() {
    let summary = simulate(1..301, LONG, |summary| summary.violations.is_empty());
    assert_eq!(summary.violations, [], "{summary:#?}");
    assert_eq!(summary.seeds, 300);
    assert_enough(&summary);
}

/// An empty simulation finds nothing: this one did something, and of everything.
fn assert_enough(summary: &Summary) {
    assert!(summary.acknowledged > 300_000, "{summary:#?}");
    assert!(summary.simulated_s > 150_000, "{summary:#?}");
    assert!(summary.views > 10_000, "{summary:#?}");
    assert!(summary.two_primaries > 10_000, "{summary:#?}");
    assert!((1..60).contains(&summary.refused), "{summary:#?}");
    assert!(summary.expired > 1_000, "{summary:#?}");
    assert_eq!(summary.stalled, 0, "{summary:#?}");
    for (kind, count) in &summary.faults {
        assert!(*count >= 50, "{kind}: {count} in {summary:#?}");
    }
}

/// A customer that was started anew knew less than before. Its order was “expired”, and its older one was then executed.
#[test]
fn a_seed_that_once_seemed_to_break_r14_is_clean() {
    assert_eq!(simulate_one(8915, LONG, false).violation, None);
}

#[test]
fn the_same_seed_runs_the_same_way() {
    for seed in [1, 2, 3] {
        let (one, other) = (simulate_one(seed, SHORT, false), simulate_one(seed, SHORT, false));
        assert_eq!((one.hash, one.events), (other.hash, other.events), "seed {seed}");
        assert_ne!(one.hash, simulate_one(seed + 1, SHORT, false).hash);
    }
}

#[test]
fn ranges_add_up() {
    let mut parts = simulate(10..13, SHORT, |_| true);
    parts.add(simulate(13..16, SHORT, |_| true));
    assert_eq!(parts, simulate(10..16, SHORT, |_| true));
}

/// Shows one seed step by step; or tries the first this many, where three hundred take too long: `JUST_HUNGRY_SEED=..20`.
#[test]
fn the_seed_that_is_asked_for() {
    let Ok(asked) = std::env::var("JUST_HUNGRY_SEED") else { return };
    if let Some(end) = asked.strip_prefix("..").and_then(|end| end.parse().ok()) {
        let summary = simulate(1..end, LONG, |summary| summary.violations.is_empty());
        assert_eq!((summary.violations, summary.stalled), (vec![], 0));
    } else if let Ok(seed) = asked.parse() {
        let ended = simulate_one(seed, LONG, true);
        let transcript = ended.transcript.join("\n");
        assert!(ended.violation.is_none(), "{transcript}\n{:?}", ended.violation);
    }
}
