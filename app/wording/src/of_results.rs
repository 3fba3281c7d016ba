//! What is said of how a scenario ended.

use super::{count, denial, light_named};
use scenarios::{Conclusion, Findings, Outcome, Unsafe};

/// A scenario whose customers are coming.
pub const ENTERING: &str = "The customers are arriving…";
/// A scenario of which everything has happened.
pub const JUDGING: &str = "All faults are mended; the histories are read and judged…";
/// A scenario that nobody answers.
pub const NO_ANSWER: &str =
    "The scenario did not begin: the cluster does not answer. Mend links, wake or restart nodes, then try again.";
/// Why nothing can be ordered now.
pub const NO_PLACE_FOR_ORDERS: &str =
    "The scenario is starting or being judged, so it takes no orders now. Try again in a moment.";

/// Over the plot of orders.
pub const ORDERS_A_SECOND: &str = "Orders a second";
/// The same, explained.
pub const ORDERS_A_SECOND_MEAN: &str = "Acknowledged orders a second of cluster time, of all customers together. Red lines are faults, purple ones new views; between a fault and the next orders lies the failover.";
/// Over the histogram.
pub const TIMES_OF_ANSWERS: &str = "How long the latest answers took";

/// The plot of orders, for those who cannot see it.
#[must_use]
pub fn rates_now(now: f64, most: f64) -> String {
    format!("orders a second: {now:.0} now, at most {most:.0}")
}

/// Of answers while there are none.
pub const NO_ANSWERS: &str = "There are no answers yet.";
/// Of answers to a crowd.
pub const ONLY_TOGETHER: &str = "Single answers are shown for named customers only.";
/// Another cluster in this one's place.
pub const NEW_CLUSTER_MEANS: &str = "This ends the present cluster with its orders, faults and customers, and discards its tape: save the tape first if you need it.";
/// The last cluster of a person's own, begun again.
pub const START_OVER_MEANS: &str = "This ends the present cluster with its orders, faults and customers, and discards its tape: save the tape first if you need it. The new one begins like the last one did.";
/// While it is being started.
pub const NEW_CLUSTER_STARTS: &str = "Starting a new cluster…";
/// Said beside how far a scenario is, while a person keeps time stopped.
pub const SCENARIO_STANDS_STILL: &str = "Time is stopped, so the scenario waits. Press Space to go on.";

/// A scenario that cannot go on: what it waited for did not happen.
pub fn stuck(why: &str) -> String {
    format!("The scenario is stuck: {why}. Perhaps the cluster was changed by hand.")
}

/// How it ends, in a few words.
pub fn conclusion(outcome: &Outcome) -> &'static str {
    match (outcome.conclusion, outcome.caught) {
        (_, true) if outcome.plants.is_empty() => "✓ Loss detected",
        (_, true) => "✓ Caught",
        (Conclusion::Holds, false) => "✓ Holds",
        (Conclusion::Violation, false) => "✗ A promise was broken",
        (Conclusion::Undecided, false) => "○ Undecided",
        (Conclusion::TooLittleEvidence, false) => "○ Too little evidence",
    }
}

/// What follows, in a sentence. `lesson`: the bug, or other unsafe switch, that the scenario is about.
pub fn result(outcome: &Outcome, lesson: Option<Unsafe>) -> String {
    let lights: Vec<String> = outcome.red.iter().map(|light| light_named(*light)).collect();
    let planted = !outcome.plants.is_empty();
    let it = outcome.plants.first().copied().or(lesson).map_or("bug", super::of_copies::kind_of);
    match (outcome.conclusion, planted) {
        _ if outcome.caught && !planted => {
            format!(
                "Orders were lost, and the verdict shows it: {} turned red. Customers are served again.",
                lights.join(" and ")
            )
        }
        _ if outcome.caught => format!("The {it} was caught: {} turned red.", lights.join(" and ")),
        (Conclusion::Holds, true) => format!("The {it} was on, and no promise was broken."),
        (Conclusion::Holds, false) if lesson.is_some() => format!("Without the {it}, every promise was kept."),
        (Conclusion::Holds, false) => "Every promise was kept, and everything is as expected.".into(),
        (Conclusion::Violation, true) => format!("The {it} broke a promise, but not everything is as expected."),
        (Conclusion::Violation, false) => "A promise was broken: see the lines marked ✗.".into(),
        (Conclusion::Undecided, _) => {
            let script = if lesson.is_some() { "lesson" } else { "scenario" };
            match outcome.findings.stopped_at {
                0 => format!("No verdict: the {script} was stopped."),
                step => format!("No verdict: the {script} stopped at step {step} of {}.", outcome.steps),
            }
        }
        (Conclusion::TooLittleEvidence, true) => format!("The {it} was on, but it was not caught this time."),
        (Conclusion::TooLittleEvidence, false) => {
            "No promise was broken, but too little happened for a verdict.".into()
        }
    }
}

/// What happened, in numbers.
pub fn performed(outcome: &Outcome) -> String {
    let faults = count(outcome.findings.all_faults() as usize, "fault", "faults");
    let changes = count(outcome.findings.view_changes as usize, "view change", "view changes");
    let orders = count(outcome.finished.counts.acknowledged as usize, "order acknowledged", "orders acknowledged");
    format!("{} s · {orders} · {faults} · {changes}", outcome.findings.lasted.as_secs())
}

/// How the same scenario ends in the terminal.
pub fn exit_status(conclusion: Conclusion) -> String {
    let (status, words) = match conclusion {
        Conclusion::Holds => (0, "it holds"),
        Conclusion::Violation => (1, "a promise was broken"),
        Conclusion::Undecided => (3, "undecided"),
        Conclusion::TooLittleEvidence => (4, "too little evidence"),
    };
    format!("In the terminal, “just-hungry run” would end with exit status {status}: {words}.")
}

/// Commands that were refused, and steps that meant nobody.
pub fn not_done(findings: &Findings) -> Vec<String> {
    let refused = findings.refused.iter().map(|why| denial(why, |id| id.to_string()));
    refused.chain(findings.skipped.iter().cloned()).collect()
}
