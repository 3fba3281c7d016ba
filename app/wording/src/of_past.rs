//! What is said of the past, of tapes, and of the verdict.

use knowledge::picture::{Copies, Stats};
use knowledge::verdict::evidence::Judged;
use protocol::ids::RequestId;
use protocol::judge::ContradictionKind;

use super::{Term, contradiction};

/// What the ruler of the timeline is for.
pub const SCRUB_HINT: &str = "Drag to go to another moment (← and →: one message; End: now)";
/// What can be searched for.
pub const SEARCH_HINT: &str = "order 7, view change, Grace…";
/// Why nothing can be done in the past.
pub const PAST_REFUSES: &str =
    "You are looking at the past, which cannot be changed. Go back to now (End), then try again.";
/// Why nothing can be done on a tape.
pub const TAPE_REFUSES: &str = "This is a tape, which cannot be changed. Close it to go back to the cluster.";
/// The same where the program shows only a tape.
pub const ONLY_A_TAPE: &str = "This is a tape, and no cluster is running. Start a new cluster first (Ctrl N).";
/// What the buttons and Space do while the past is shown.
pub const PLAY_MEANS: &str = "Plays the recording at the chosen speed (Space). The cluster keeps running.";

/// "12.0 s · 1 of 21 drawn": how much is shown, and which share of its messages is drawn.
pub fn shown_part(span: u64, stride: usize) -> String {
    let span = super::duration(span);
    if stride > 1 { format!("{span} · 1 of {stride} drawn") } else { span }
}

/// One light of the status bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Light {
    /// None: nothing can be said yet.
    pub good: Option<bool>,
    pub words: String,
    /// What it is about.
    pub term: Term,
    /// Why it is as it is; empty where its words say it.
    pub why: String,
    /// The request to look at, if the reason is a contradiction between requests.
    pub leads_to: Option<RequestId>,
}

impl Light {
    /// What it is about and why it is as it is, for a person who asks.
    pub fn explained(&self) -> String {
        format!("{} {}", self.term.explained(), self.why).trim_end().to_owned()
    }
}

// What the lights are called, here and wherever else one is spoken of.
const LOST: &str = "lost";
const TWICE: &str = "stored twice";
const STALE: &str = "read stale";
const IDENTICAL: &str = "replicas identical";
const LINEARIZABLE: &str = "history linearizable";

/// The light of the window that shows what a scenario expects, and what it shows by it, where that is only one of several.
pub fn light_named(light: scenarios::Light) -> String {
    match light {
        scenarios::Light::Shows(ContradictionKind::Lost) => format!("“{LOST}”"),
        scenarios::Light::Shows(ContradictionKind::Doubled) => format!("“{TWICE}”"),
        scenarios::Light::Shows(ContradictionKind::Stale) => format!("“{STALE}”"),
        scenarios::Light::Shows(ContradictionKind::Reordered) => format!("“{LINEARIZABLE}” (reordered)"),
        scenarios::Light::Shows(ContradictionKind::Invented) => {
            format!("“{LINEARIZABLE}” (an order that was never placed)")
        }
        scenarios::Light::ReplicasDiffer => format!("“{IDENTICAL}”"),
    }
}

/// All lights, from the left.
pub fn lights(judged: &Judged, stats: &Stats) -> Vec<Light> {
    let counts = judged.lights.together();
    let told = |kind: ContradictionKind| {
        let first = judged.contradictions.iter().find(|contradiction| contradiction.kind == kind);
        let crowd = judged.lights.crowd.judged.is_some_and(|judged| judged.contradictions().of(kind) > 0);
        let otherwise = if crowd { JUDGED_TOGETHER } else { NONE_SO_FAR };
        let why = first.map_or(otherwise.to_owned(), |it| format!("{}.", contradiction(it)));
        (why, first.and_then(|it| it.requests.last()).copied())
    };
    let count = |number: u64, words: &str, term: Term, (why, leads_to): (String, Option<RequestId>)| {
        let good = Some(number == 0);
        Light { good, words: format!("{number} {words}"), term, why, leads_to }
    };
    // Both may be about the same orders.
    let found = counts.contradictions;
    let lost = found.lost.max(stats.lost);
    let lost_why = match (found.lost, stats.lost) {
        (0, missing) if missing > 0 => {
            let why = format!(
                "The acting primary holds {missing} orders fewer than were acknowledged. They are lost unless a replica that holds them becomes primary."
            );
            (why, None)
        }
        _ => told(ContradictionKind::Lost),
    };
    let acknowledged = Light {
        good: Some(true),
        words: format!("{} acknowledged", counts.acknowledged),
        term: Term::Acknowledged,
        why: match counts.waiting {
            0 => String::new(),
            waiting => format!("{waiting} more are waiting for an answer."),
        },
        leads_to: None,
    };
    let unknown = Light {
        good: (counts.unknown == 0).then_some(true),
        words: format!("{} unknown", counts.unknown),
        term: Term::Unknown,
        why: String::new(),
        leads_to: None,
    };
    vec![
        acknowledged,
        count(lost, LOST, Term::Lost, lost_why),
        count(found.doubled, TWICE, Term::StoredTwice, told(ContradictionKind::Doubled)),
        unknown,
        count(found.stale, STALE, Term::ReadStale, told(ContradictionKind::Stale)),
        copies(stats.copies),
        linearizable(judged),
    ]
}

fn copies(copies: Copies) -> Light {
    let (good, words) = match copies {
        Copies::Nowhere => (None, "no copy anywhere"),
        Copies::OnDiskOnly => (None, "copies on disk only"),
        Copies::Alone => (None, "one copy only"),
        Copies::CatchingUp => (None, "replicas catching up"),
        Copies::Identical => (Some(true), IDENTICAL),
        Copies::Differ => (Some(false), "replicas differ"),
    };
    Light { good, words: words.into(), term: Term::ReplicasIdentical, why: String::new(), leads_to: None }
}

fn linearizable(judged: &Judged) -> Light {
    let counts = judged.lights.together();
    let (good, words, why) = if judged.contradictions.is_empty() && !counts.is_linearizable() {
        (Some(false), "history not linearizable", JUDGED_TOGETHER.to_owned())
    } else if !counts.is_linearizable() {
        let all: Vec<String> = judged.contradictions.iter().take(5).map(contradiction).collect();
        (Some(false), "history not linearizable", format!("{}.", all.join(".\n")))
    } else if counts.covered == 0 && counts.crowd.customers > 0 {
        (None, "judged at the end", CROWD_WAITS.to_owned())
    } else if counts.covered == 0 {
        (None, "no order read yet", NO_EVIDENCE.to_owned())
    } else {
        let why =
            format!("{} acknowledged orders were read afterwards, in {} histories.", counts.covered, counts.reads);
        (Some(true), LINEARIZABLE, why)
    };
    let late = match counts.unjudged {
        0 => String::new(),
        unjudged => format!(" There were too many operations: the latest {unjudged} are not judged."),
    };
    let leads_to = judged.contradictions.first().and_then(|it| it.requests.last()).copied();
    Light { good, words: words.into(), term: Term::HistoryLinearizable, why: why + &late, leads_to }
}

/// Of a crowd whose customers contradict each other.
const JUDGED_TOGETHER: &str =
    "The answers to the scenario's customers were judged together, and they contradict each other.";
/// Of a crowd that still orders.
const CROWD_WAITS: &str = "The scenario's customers keep ordering. Their answers are judged together at the end, after a last read of every history.";
const NONE_SO_FAR: &str = "None so far.";
const NO_EVIDENCE: &str =
    "No history has been read after an order to its postcode, so there is nothing to judge yet. Read a history.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_light_that_is_spoken_of_is_one_of_the_window() {
        let mut judged = Judged::default();
        judged.lights.covered = 1;
        let mut stats = Stats::default();
        stats.copies = Copies::Identical;
        let shown: Vec<String> = lights(&judged, &stats).into_iter().map(|light| light.words).collect();
        let kinds = ContradictionKind::ALL.map(scenarios::Light::Shows);
        for light in kinds.into_iter().chain([scenarios::Light::ReplicasDiffer]) {
            let named = light_named(light);
            let name = named.trim_start_matches('“').split('”').next().unwrap();
            assert!(shown.iter().any(|words| words.trim_start_matches("0 ") == name), "{named}: {shown:?}");
        }
    }
}
