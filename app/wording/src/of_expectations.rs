//! What a scenario expected and what was seen, in words.
//!
//! Whether the one meets the other is judged in `scenarios::expect`; nothing is compared here.

use std::time::Duration;

use super::{count, light_named};
use cluster::load::Agreement;
use knowledge::verdict::{Judgement, Verdict};
use protocol::judge::ContradictionKind;
use scenarios::{Comparison, Counted, Met, Outcome, Recovered, Redness};

/// What was expected: "at least 5 failovers".
pub fn expected(what: &Comparison) -> String {
    match what {
        Comparison::AtLeast(what, floor, _) => format!("at least {}", counted(*what, *floor)),
        Comparison::AtMost(what, ceiling, _) => format!("at most {}", counted(*what, *ceiling)),
        Comparison::LongestWait(longest, _) => format!("no customer waits longer than {}", millis(*longest)),
        Comparison::Recovery(within, _) => {
            format!("half of the calm rate within {} after the last step", millis(*within))
        }
        Comparison::ShareOfCalm(least, _) => format!("at least {least} % of the calm rate after the first fault"),
        Comparison::LightNamed(light, why, _) => {
            let turns = match why {
                Redness::BugInjected => "turns red: the bug is caught",
                Redness::OrdersGivenUp => "turns red: the loss is detected",
                Redness::NoReason => "stays green: no bug is on",
            };
            format!("the light {} {turns}", light_named(*light))
        }
        Comparison::LightRed(light) => format!("the light {} stays green", light_named(*light)),
        Comparison::Copies(_) => "the replicas become equal".into(),
        Comparison::StuckAt(_) => "every step is done".into(),
        Comparison::History(true, _) => "the answers to customers show the bug".into(),
        Comparison::History(false, _) => "the answers to customers are linearizable".into(),
    }
}

/// What was seen: "3 failovers".
pub fn seen(what: &Comparison) -> String {
    match what {
        Comparison::AtLeast(what, _, found) | Comparison::AtMost(what, _, found) => counted(*what, *found),
        Comparison::LongestWait(_, found) => format!("the longest wait was {}", millis(*found)),
        Comparison::Recovery(_, Recovered::After(took)) => format!("after {}", millis(*took)),
        Comparison::Recovery(_, Recovered::NotSeen) => "the scenario was stopped before that".into(),
        Comparison::Recovery(_, Recovered::Never) => "it did not come back".into(),
        Comparison::ShareOfCalm(_, Some(share)) => format!("{share} %"),
        Comparison::ShareOfCalm(_, None) => "there was no calm period before the first fault".into(),
        Comparison::LightNamed(_, _, false) => "it is green".into(),
        Comparison::LightNamed(_, _, true) | Comparison::LightRed(_) => "it is red".into(),
        Comparison::Copies(Agreement::Equal) => "they are equal".into(),
        Comparison::Copies(Agreement::Differ) => "two replicas at the same operation hold different orders".into(),
        Comparison::Copies(Agreement::Behind { caught_up, replicas }) => {
            format!("{caught_up} of {replicas} caught up in time")
        }
        Comparison::StuckAt(why) => why.clone(),
        Comparison::History(expects_red, verdict) => history(verdict, *expects_red),
    }
}

/// Each expectation that was met in this way, and what was seen instead, as a sentence; the verdict on the history and the step
/// that could not be done speak for themselves.
pub fn unmet(outcome: &Outcome, met: Met) -> Vec<String> {
    let mine = outcome.lines.iter().filter(|line| line.met == met);
    mine.filter_map(|line| sentence(&line.what)).collect()
}

fn sentence(what: &Comparison) -> Option<String> {
    Some(match what {
        Comparison::AtLeast(_, floor, _) => format!("{}, {floor} expected", seen(what)),
        Comparison::AtMost(_, ceiling, _) => format!("{}, at most {ceiling} expected", seen(what)),
        Comparison::LongestWait(_, found) => format!("a customer waited {}", millis(*found)),
        Comparison::Recovery(_, Recovered::After(took)) => {
            format!("half of the calm rate came back only after {}", millis(*took))
        }
        Comparison::Recovery(_, Recovered::Never) => "half of the calm rate did not come back".into(),
        Comparison::Recovery(_, Recovered::NotSeen) | Comparison::ShareOfCalm(_, None) => seen(what),
        Comparison::ShareOfCalm(least, Some(share)) => {
            format!("{share} % of the calm rate was left after the first fault, {least} % expected")
        }
        Comparison::LightNamed(light, _, false) => format!("the light {} did not turn red", light_named(*light)),
        Comparison::LightNamed(light, _, true) | Comparison::LightRed(light) => {
            format!("the light {} is red", light_named(*light))
        }
        Comparison::Copies(Agreement::Behind { .. }) => format!("the replicas did not become equal: {}", seen(what)),
        Comparison::Copies(_) => seen(what),
        Comparison::StuckAt(_) | Comparison::History(..) => return None,
    })
}

fn counted(what: Counted, number: u64) -> String {
    let (one, several) = match what {
        Counted::OrdersAcknowledged => ("order acknowledged", "orders acknowledged"),
        Counted::Failovers => ("failover", "failovers"),
        Counted::ViewChanges => ("view change", "view changes"),
        Counted::Faults => ("fault", "faults"),
        Counted::KindsOfFault => ("kind of fault", "kinds of fault"),
        Counted::BombsGoneOff => ("bomb went off", "bombs went off"),
        Counted::TimersRungInStandstill => ("timer rang while time was stopped", "timers rang while time was stopped"),
        Counted::Suspicions => ("suspicion", "suspicions"),
    };
    count(number as usize, one, several)
}

fn kind_of_contradiction(kind: ContradictionKind) -> &'static str {
    match kind {
        ContradictionKind::Lost => "lost",
        ContradictionKind::Doubled => "stored twice",
        ContradictionKind::Reordered => "reordered",
        ContradictionKind::Stale => "read stale",
        ContradictionKind::Invented => "invented",
    }
}

fn millis(time: Duration) -> String {
    format!("{} ms", time.as_millis())
}

fn history(verdict: &Verdict, expects_red: bool) -> String {
    match verdict.verdict {
        Judgement::Holds if expects_red => "no contradiction was found".into(),
        Judgement::Holds => "nothing lost, placed twice, reordered or stale".into(),
        Judgement::Violation => {
            let counts = ContradictionKind::ALL.map(|kind| (kind, verdict.contradictions.of(kind)));
            let some = counts.iter().filter(|(_, number)| *number > 0);
            some.map(|(kind, number)| format!("{number} × {}", kind_of_contradiction(*kind)))
                .collect::<Vec<_>>()
                .join(", ")
        }
        Judgement::TooLittleEvidence => "no acknowledged order was read afterwards".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scenarios::Light;

    #[test]
    fn what_is_not_as_expected_is_told_in_a_sentence() {
        let second = Duration::from_secs(1);
        for (what, told) in [
            (Comparison::AtLeast(Counted::OrdersAcknowledged, 5, 4), "4 orders acknowledged, 5 expected"),
            (Comparison::AtLeast(Counted::Failovers, 1, 0), "0 failovers, 1 expected"),
            (Comparison::AtMost(Counted::Suspicions, 0, 1), "1 suspicion, at most 0 expected"),
            (
                Comparison::AtMost(Counted::TimersRungInStandstill, 0, 1),
                "1 timer rang while time was stopped, at most 0 expected",
            ),
            (Comparison::LongestWait(second, 2 * second), "a customer waited 2000 ms"),
            (Comparison::Recovery(second, Recovered::Never), "half of the calm rate did not come back"),
            (
                Comparison::Recovery(second, Recovered::After(6 * second)),
                "half of the calm rate came back only after 6000 ms",
            ),
            (
                Comparison::ShareOfCalm(60, Some(13)),
                "13 % of the calm rate was left after the first fault, 60 % expected",
            ),
            (
                Comparison::LightNamed(Light::Shows(ContradictionKind::Lost), Redness::BugInjected, false),
                "the light “lost” did not turn red",
            ),
            (Comparison::LightRed(Light::Shows(ContradictionKind::Stale)), "the light “read stale” is red"),
            (
                Comparison::Copies(Agreement::Behind { caught_up: 1, replicas: 2 }),
                "the replicas did not become equal: 1 of 2 caught up in time",
            ),
        ] {
            assert_eq!(sentence(&what).as_deref(), Some(told));
        }
    }
}
