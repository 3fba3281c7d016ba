//! What is said of how a scenario ended.

use protocol::plant::Plant;

use super::{count, denial, light_named};
use scenarios::{Conclusion, Findings, Outcome};

/// A scenario whose customers are coming.
pub const ENTERING: &str = "The customers come in…";
/// A scenario of which everything has happened.
pub const JUDGING: &str = "Everything is mended, read once more, and judged…";
/// A scenario that nobody answers.
pub const NO_ANSWER: &str =
    "It did not begin: the cluster does not answer. Mend links, wake and restart nodes, then try again.";
/// Why nothing can be ordered now.
pub const NO_PLACE_FOR_ORDERS: &str = "The scenario has not begun yet, or is being judged: an order would come too early or too late for it. Try again in a moment.";

/// Of answers while there are none.
pub const NO_ANSWERS: &str = "No answers yet.";
/// Of answers to a crowd.
pub const ONLY_TOGETHER: &str = "Single answers are shown of customers with a name only.";
/// Another cluster in this one's place.
pub const NEW_CLUSTER_MEANS: &str = "The cluster that runs here, if there is one, ends with its orders, faults and customers, and its tape goes: save it first if you need it. A new one begins as when the program was started.";
/// While it is being started.
pub const NEW_CLUSTER_STARTS: &str = "A new cluster starts…";
/// Said beside how far a scenario is, while a person keeps time stopped.
pub const SCENARIO_STANDS_STILL: &str = "Time stands still, and the scenario with it. Let time go on (Space).";

/// A scenario that cannot go on.
#[must_use]
pub fn stuck(why: &str) -> String {
    format!("It goes no further: {why}. Was something else done to the cluster meanwhile?")
}

/// How it ends, in a few words.
#[must_use]
pub fn conclusion(outcome: &Outcome) -> &'static str {
    match (outcome.conclusion, outcome.caught) {
        (_, true) if outcome.plants.is_empty() => "✓ The loss shows",
        (_, true) => "✓ Caught",
        (Conclusion::Holds, false) => "✓ It holds",
        (Conclusion::Violation, false) => "✗ A promise was broken",
        (Conclusion::Undecided, false) => "○ Undecided",
        (Conclusion::TooLittleEvidence, false) => "○ Too little evidence",
    }
}

/// What follows, in a sentence. `lesson`: the mistake that the scenario is about.
#[must_use]
pub fn result(outcome: &Outcome, lesson: Option<Plant>) -> String {
    let lights: Vec<String> = outcome.red.iter().map(|light| light_named(*light)).collect();
    let planted = !outcome.plants.is_empty();
    match (outcome.conclusion, planted) {
        _ if outcome.caught && !planted => {
            format!("Orders were lost, and it shows: {} turned red. Customers are served again.", lights.join(" and "))
        }
        _ if outcome.caught => format!("The mistake was caught: {} turned red.", lights.join(" and ")),
        (Conclusion::Holds, true) => "The mistake was made, and nothing was violated.".into(),
        (Conclusion::Holds, false) if lesson.is_some() => "Without the mistake nothing was violated.".into(),
        (Conclusion::Holds, false) => "Nothing was violated: everything is as expected.".into(),
        (Conclusion::Violation, true) => "The mistake was made, and it shows; but not all is as expected.".into(),
        (Conclusion::Violation, false) => "A promise was broken: see what is crossed.".into(),
        (Conclusion::Undecided, _) => "No verdict: it went no further.".into(),
        (Conclusion::TooLittleEvidence, true) => "The mistake was made, but was not caught this time.".into(),
        (Conclusion::TooLittleEvidence, false) => {
            "Nothing was violated, but too little happened to say that it holds.".into()
        }
    }
}

/// What happened, in numbers.
#[must_use]
pub fn performed(outcome: &Outcome) -> String {
    let faults = count(outcome.findings.all_faults() as usize, "fault", "faults");
    let changes = count(outcome.findings.view_changes as usize, "view change", "view changes");
    let orders = count(outcome.finished.counts.acknowledged as usize, "order acknowledged", "orders acknowledged");
    format!("{} s · {orders} · {faults} · {changes}", outcome.findings.lasted.as_secs())
}

/// How the same scenario ends in the terminal.
#[must_use]
pub fn exit_status(conclusion: Conclusion) -> String {
    let (status, words) = match conclusion {
        Conclusion::Holds => (0, "it holds"),
        Conclusion::Violation => (1, "a promise was broken"),
        Conclusion::Undecided => (3, "undecided"),
        Conclusion::TooLittleEvidence => (4, "too little evidence"),
    };
    format!("In the terminal, “just-hungry run” ends like this with exit status {status}: {words}.")
}

/// Commands that were refused, and steps that meant nobody.
#[must_use]
pub fn not_done(findings: &Findings) -> Vec<String> {
    let refused = findings.refused.iter().map(|why| denial(why, |id| id.to_string()));
    refused.chain(findings.skipped.iter().cloned()).collect()
}
