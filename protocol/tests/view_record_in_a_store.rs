//! Several name servers with the view record in a store: whole clusters under random faults, of the store as well.
//!
//! The store is slow, silent, answers twice, and carries out what was given up. Every invariant is checked after every
//! input, and two bugs that a name server could have are found.

use protocol::ids::Span;
use protocol::name_server::StoreBug;
use protocol::simulation::{Conditions, Record, Rule, Summary, simulate};

const SPAN: Span = Span::millis(300_000);
/// Seeds within which a bug is found.
const ENOUGH: u64 = 200;

fn with_store(bug: Option<StoreBug>) -> Conditions {
    Conditions { record: Record::Store(bug), ..Conditions::honest(SPAN) }
}

#[test]
fn two_hundred_seeds_are_clean() {
    let summary = simulate(1..201, with_store(None), |summary| summary.violations.is_empty());
    assert_eq!((&summary.violations[..], summary.stalled, summary.seeds), (&[][..], 0, 200), "{summary:#?}");
    assert!(summary.acknowledged > 30_000 && summary.views > 1_000, "{summary:#?}");
    let of_store: Vec<_> = summary.faults.iter().filter(|(kind, _)| kind.starts_with("store: ")).collect();
    assert_eq!(of_store.len(), 5, "{summary:#?}");
    assert!(of_store.iter().all(|(_, count)| **count >= 50), "{summary:#?}");
}

fn until_one_convicts(bug: StoreBug) -> Summary {
    simulate(1..ENOUGH, with_store(Some(bug)), |summary| summary.violations.is_empty())
}

#[test]
fn a_write_that_is_repeated_blindly_is_found() {
    let summary = until_one_convicts(StoreBug::RepeatsBlindly);
    let rules: Vec<_> = summary.violations.iter().map(|violation| violation.what.rule()).collect();
    assert!(matches!(rules[..], [Rule::I9 | Rule::I7]), "{summary:#?}");
}

#[test]
fn a_write_that_is_believed_without_an_answer_is_found() {
    let summary = until_one_convicts(StoreBug::BelievesUnanswered);
    let rules: Vec<_> = summary.violations.iter().map(|violation| violation.what.rule()).collect();
    assert_eq!(rules, [Rule::R12], "{summary:#?}");
}

#[test]
fn the_same_seed_runs_the_same_way() {
    let run = || simulate(7..9, Conditions { span: Span::millis(60_000), ..with_store(None) }, |_| true);
    assert_eq!(run(), run());
}
