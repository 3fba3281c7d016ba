//! Durable replicas (PROTOCOL section 9): what is said only when it is on disk, and what a restart brings back.

use protocol::ids::Span;
use protocol::simulation::{Conditions, simulate};

const SPAN: Span = Span::millis(60_000);

fn durable() -> Conditions {
    Conditions { durable: true, ..Conditions::honest(SPAN) }
}

/// The power goes, disks fail, are slow or unreadable, besides everything that happens to other clusters.
#[test]
fn nothing_is_lost_when_everything_dies() {
    let summary = simulate(1..121, durable(), |summary| summary.violations.is_empty());
    assert_eq!(summary.violations, [], "{summary:#?}");
    let count = |kind: &str| summary.faults.get(kind).copied().unwrap_or(0);
    for kind in ["disk: power cut", "disk: failing", "disk: slow", "disk: unreadable", "disk: sync failed"] {
        assert!(count(kind) > 20, "{kind}: {}", count(kind));
    }
    assert!(summary.acknowledged > 5_000, "{summary:#?}");
}
