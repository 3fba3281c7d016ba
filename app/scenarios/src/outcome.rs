//! How a scenario ended: what was measured, what was expected, and what follows from both.
//!
//! One judgement for the window and for `run`. It is pure: facts were taken in by the run, the history was judged by
//! `verdict`; here they are put together, and the conclusion is drawn.

use std::collections::BTreeSet;
use std::time::Duration;

use protocol::judge::ContradictionKind;
use serde::{Serialize, Serializer};

use super::measure::{recovery, share_of_calm};
use super::{Compared, Comparison, Findings, Gaps, Light, Met, Scenario, Unsafe};
use cluster::load::{Agreement, Counts};
use knowledge::verdict::{Judgement, Verdict};

/// How it ends, as the exit statuses of `run` say it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conclusion {
    /// Everything is as expected.
    Holds,
    /// A promise was broken.
    Violation,
    /// Something that was waited for did not happen: there is no verdict.
    #[default]
    Undecided,
    /// Too little happened to say anything.
    TooLittleEvidence,
}

/// What is known when all have been answered and everything was read once more.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Finished {
    /// What customers were told.
    #[serde(flatten)]
    pub counts: Counts,
    /// On the history of the run.
    #[serde(skip)]
    pub verdict: Verdict,
    /// How the copies compared in the end.
    #[serde(rename = "replicas_equal", serialize_with = "are_equal")]
    pub agreement: Agreement,
}

fn are_equal<S: Serializer>(agreement: &Agreement, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bool(*agreement == Agreement::Equal)
}

/// How a scenario ended. What is left out where it is serialized is told in words.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Outcome {
    /// What was switched on that is unsafe: injected bugs, and fewer copies.
    pub plants: Vec<Unsafe>,
    /// Whether orders were given up for lost.
    #[serde(skip)]
    pub loses_orders: bool,
    /// How many steps the scenario has.
    #[serde(skip)]
    pub steps: usize,
    #[serde(flatten)]
    pub findings: Findings,
    /// What was known in the end.
    #[serde(flatten)]
    pub finished: Finished,
    /// How long customers waited.
    #[serde(rename = "gaps_ms")]
    pub gaps: Gaps,
    /// Orders acknowledged a second before the first fault.
    #[serde(rename = "calm_per_s")]
    pub calm: Option<u64>,
    /// From the last step until half of that was reached again.
    #[serde(rename = "recovery_ms", serialize_with = "millis")]
    pub recovery: Option<Duration>,
    /// Orders a second from the first fault on, in percent of those before; none: there was no calm.
    #[serde(skip)]
    pub share_of_calm: Option<u64>,
    /// Lights that are red.
    pub red: BTreeSet<Light>,
    /// Every expectation, with what was seen; what every scenario expects comes last.
    #[serde(skip)]
    pub lines: Vec<Compared>,
    #[serde(skip)]
    pub conclusion: Conclusion,
    /// Whether a bug was injected, or orders were given up for lost, and everything that was to turn red did.
    #[serde(skip)]
    pub caught: bool,
}

fn millis<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(|time| time.as_millis() as u64).serialize(serializer)
}

impl Outcome {
    pub fn of(scenario: &Scenario, findings: Findings, finished: Finished) -> Self {
        let (calm, recovery) = recovery(&finished.counts, &findings);
        let mut outcome = Self {
            plants: scenario.unsafe_switches().collect(),
            steps: scenario.steps.len(),
            loses_orders: scenario.loses_orders(),
            gaps: Gaps::of(&finished.counts, &findings.crashes),
            calm,
            recovery,
            share_of_calm: share_of_calm(&finished.counts, &findings),
            red: red_lights(&finished.verdict, findings.copies_differed),
            findings,
            finished,
            ..Self::default()
        };
        outcome.lines = scenario.expect.compare(&outcome);
        let expects_red = outcome.may_turn_red() && !scenario.expect.red.is_empty();
        let Self { findings, finished, lines, conclusion, caught, .. } = &mut outcome;
        let enough = lines.iter().all(|line| line.met != Met::TooLittle);
        *caught = expects_red && enough && findings.stuck.is_none();
        lines.push(equal(finished.agreement, findings.broken_off));
        let stuck = |why: &String| Compared { what: Comparison::StuckAt(why.clone()), met: Met::TooLittle };
        lines.extend(findings.stuck.as_ref().map(stuck));
        *conclusion = conclude(finished.verdict.verdict, findings, lines);
        lines.push(linearizable(&finished.verdict, expects_red));
        outcome
    }

    /// Whether something was done that breaks a promise, so that a light may turn red.
    pub(super) fn may_turn_red(&self) -> bool {
        self.loses_orders || !self.plants.is_empty()
    }
}

/// What follows; `lines` without the verdict's own.
fn conclude(verdict: Judgement, findings: &Findings, lines: &[Compared]) -> Conclusion {
    let some = |met: Met| lines.iter().any(|line| line.met == met);
    match verdict {
        Judgement::Violation => Conclusion::Violation,
        _ if some(Met::Broken) => Conclusion::Violation,
        _ if findings.stuck.is_some() => Conclusion::Undecided,
        Judgement::TooLittleEvidence => Conclusion::TooLittleEvidence,
        Judgement::Holds if some(Met::TooLittle) => Conclusion::TooLittleEvidence,
        Judgement::Holds => Conclusion::Holds,
    }
}

fn equal(agreement: Agreement, broken_off: bool) -> Compared {
    let met = match agreement {
        Agreement::Equal => Met::Yes,
        Agreement::Behind { .. } if broken_off => Met::TooLittle,
        Agreement::Behind { .. } | Agreement::Differ => Met::Broken,
    };
    Compared { what: Comparison::Copies(agreement), met }
}

/// What the history shows. A bug that must be seen must not also be held against it.
fn linearizable(verdict: &Verdict, expects_red: bool) -> Compared {
    let met = match verdict.verdict {
        Judgement::Holds if expects_red => Met::TooLittle,
        Judgement::Violation if expects_red => Met::Yes,
        Judgement::Holds => Met::Yes,
        Judgement::Violation => Met::Broken,
        Judgement::TooLittleEvidence => Met::TooLittle,
    };
    Compared { what: Comparison::History(expects_red, verdict.clone()), met }
}

fn red_lights(verdict: &Verdict, copies_differed: bool) -> BTreeSet<Light> {
    let shown = ContradictionKind::ALL.into_iter().filter(|kind| verdict.contradictions.of(*kind) > 0);
    shown.map(Light::Shows).chain(copies_differed.then_some(Light::ReplicasDiffer)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Counted, built_in, parse};

    const SCENARIO: &str =
        "title = \"t\"\nreplicas = 3\ncustomers = 1\nseconds = 1\n[expect]\nacknowledged = 2\nfailovers = 1\n";

    fn finished(verdict: Judgement) -> Finished {
        let counts = Counts { acknowledged: 2, ..Counts::default() };
        Finished { counts, verdict: Verdict { verdict, ..Verdict::default() }, agreement: Agreement::Equal }
    }

    fn those(outcome: &Outcome, met: Met) -> Vec<Comparison> {
        outcome.lines.iter().filter(|line| line.met == met).map(|line| line.what.clone()).collect()
    }

    fn judged(text: &str, findings: &Findings, finished: Finished) -> Outcome {
        Outcome::of(&parse(text).unwrap(), findings.clone(), finished)
    }

    #[test]
    fn the_worst_decides() {
        let mut findings = Findings::default();
        findings.failovers = 1;
        let holds = judged(SCENARIO, &findings, finished(Judgement::Holds));
        assert_eq!(holds.conclusion, Conclusion::Holds);
        assert!(holds.lines.iter().all(|line| line.met == Met::Yes) && holds.lines.len() == 4, "{:?}", holds.lines);
        let unknown = judged(SCENARIO, &findings, finished(Judgement::TooLittleEvidence));
        assert_eq!(unknown.conclusion, Conclusion::TooLittleEvidence);
        findings.stuck = Some("line 3: no view change within 500 ms".into());
        assert_eq!(judged(SCENARIO, &findings, finished(Judgement::Holds)).conclusion, Conclusion::Undecided);
        let agreement = Agreement::Behind { caught_up: 1, replicas: 2 };
        let unequal = Finished { agreement, ..finished(Judgement::Holds) };
        let broken = judged(SCENARIO, &findings, unequal);
        assert_eq!(broken.conclusion, Conclusion::Violation);
        assert_eq!(those(&broken, Met::Broken), [Comparison::Copies(agreement)]);
        assert_eq!(judged(SCENARIO, &findings, finished(Judgement::Violation)).conclusion, Conclusion::Violation);
        let none = judged(SCENARIO, &Findings::default(), finished(Judgement::Holds));
        assert_eq!(none.conclusion, Conclusion::TooLittleEvidence);
        assert!(those(&none, Met::TooLittle).contains(&Comparison::AtLeast(Counted::Failovers, 1, 0)));
    }

    #[test]
    fn a_mistake_is_caught_only_if_it_was_made_and_seen() {
        let text = built_in("museum/ack-before-replicate").unwrap();
        let scenario = parse(text).unwrap();
        let mut findings = Findings::default();
        (findings.failovers, findings.view_changes) = (scenario.expect.failovers, scenario.expect.view_changes);
        for kind in ["crash", "cut", "hold", "freeze"] {
            findings.faults.insert(kind, 10);
        }
        findings.failpoints.insert("somewhere", 10);
        let mut end = finished(Judgement::Violation);
        end.counts.acknowledged = 100;
        end.verdict.contradictions.lost = 1;
        let caught = Outcome::of(&scenario, findings.clone(), end);
        assert!(caught.caught && caught.red == [Light::Shows(ContradictionKind::Lost)].into(), "{:?}", caught.lines);
        assert_eq!(caught.conclusion, Conclusion::Violation, "as the exit status says");
        let mut end = finished(Judgement::Holds);
        end.counts.acknowledged = 100;
        let missed = Outcome::of(&scenario, findings.clone(), end.clone());
        assert!(!missed.caught && missed.conclusion == Conclusion::TooLittleEvidence);
        let without = Outcome::of(&scenario.made_safe(), findings, end);
        assert!(!without.caught && without.conclusion == Conclusion::Holds, "{:?}", without.lines);
    }
}
