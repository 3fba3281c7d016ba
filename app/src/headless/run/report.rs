//! What is told of a run: counts, gaps, lights, what is not as expected, and the verdict.
//!
//! Nothing is performed or judged here.

use std::collections::{BTreeMap, BTreeSet};

use protocol::plant::Plant;
use serde::Serialize;

use super::RunArguments;
use crate::headless::{Exit, Failure, say};
use cluster::load::Agreement;
use scenarios::{Conclusion, Gaps, Light, Met, Outcome};
use wording::{ToldVerdict, not_done, told_verdict, unmet};

/// What came of it.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    scenario: String,
    seed: u64,
    secs: u64,
    /// Mistakes made on purpose.
    plants: Vec<&'static str>,
    acknowledged: u64,
    unknown: u64,
    refused: u64,
    reads: u64,
    faults: BTreeMap<&'static str, u64>,
    failpoints: BTreeMap<&'static str, u64>,
    /// While time stood still.
    timers_rung: u64,
    /// While it was slower than real time.
    timers_rung_slowly: u64,
    suspicions: u64,
    failovers: u64,
    view_changes: u64,
    gaps_ms: Gaps,
    /// Orders acknowledged a second before the first fault.
    calm_per_s: Option<u64>,
    /// From the last step until half of that was reached again.
    recovery_ms: Option<u64>,
    replicas_equal: bool,
    /// Of the largest process, in bytes.
    rss_max: u64,
    /// Lights that are red.
    red: BTreeSet<Light>,
    /// Commands that were refused, and steps that meant nobody.
    not_done: Vec<String>,
    /// What was waited for in vain: the scenario went no further.
    in_vain: Option<String>,
    /// Floors that were not reached: too little happened to say anything.
    too_little: Vec<String>,
    /// Promises that were broken, beside the verdict.
    broken: Vec<String>,
    verdict: ToldVerdict,
    #[serde(skip)]
    conclusion: Conclusion,
}

impl Report {
    /// `largest`: memory of the largest process, in bytes.
    pub fn of(arguments: &RunArguments, outcome: Outcome, largest: u64) -> Self {
        let (too_little, broken) = (unmet(&outcome, Met::TooLittle), unmet(&outcome, Met::Broken));
        let Outcome { plants, findings, seen, finished, gaps, calm, recovery, red, conclusion, .. } = outcome;
        Report {
            scenario: arguments.scenario.clone(),
            seed: arguments.seed,
            secs: seen.lasted.as_secs(),
            plants: plants.into_iter().map(Plant::name).collect(),
            acknowledged: finished.counts.acknowledged,
            unknown: finished.counts.unknown,
            refused: finished.counts.refused,
            reads: finished.counts.reads,
            timers_rung: seen.rung_while_stopped,
            timers_rung_slowly: findings.timers_rung,
            suspicions: findings.suspicions,
            failovers: findings.failovers,
            view_changes: findings.view_changes,
            gaps_ms: gaps,
            calm_per_s: calm,
            recovery_ms: recovery.map(|recovery| recovery.as_millis() as u64),
            replicas_equal: finished.agreement == Agreement::Equal,
            rss_max: largest,
            red,
            not_done: not_done(&findings),
            in_vain: findings.in_vain,
            faults: findings.faults,
            failpoints: findings.failpoints,
            too_little,
            broken,
            verdict: told_verdict(finished.verdict),
            conclusion,
        }
    }

    /// What follows.
    pub fn conclusion(&self) -> Conclusion {
        self.conclusion
    }
}

/// A few lines for people.
pub(super) fn say_report(report: &Report) -> Result<(), Failure> {
    say(format!("{}: {} s, seed {}", report.scenario, report.secs, report.seed))?;
    if !report.plants.is_empty() {
        say(format!("UNSAFE: made on purpose: {}", report.plants.join(", ")))?;
    }
    let faults = report.faults.iter().chain(&report.failpoints);
    let faults: Vec<_> = faults.map(|(kind, number)| format!("{kind} {number}")).collect();
    say(format!("faults: {}", if faults.is_empty() { "none".into() } else { faults.join(", ") }))?;
    let (failovers, view_changes, suspicions) = (report.failovers, report.view_changes, report.suspicions);
    say(format!("failovers: {failovers}, view changes: {view_changes}, suspicions: {suspicions}"))?;
    let gaps = &report.gaps_ms;
    say(format!("longest waits of a customer: median {} ms, longest {} ms", gaps.p50, gaps.max))?;
    if let (Some(calm), Some(recovery)) = (report.calm_per_s, report.recovery_ms) {
        say(format!("calm: {calm} orders a second; half of that again {recovery} ms after the last step"))?;
    }
    say(format!("replicas are {}", if report.replicas_equal { "equal" } else { "NOT equal" }))?;
    say(&report.verdict)?;
    for light in &report.red {
        say(format!("red: {light}"))?;
    }
    for why in &report.not_done {
        say(format!("not done: {why}"))?;
    }
    for why in report.in_vain.iter().chain(&report.broken).chain(&report.too_little) {
        say(format!("not as expected: {why}"))?;
    }
    Ok(())
}

/// How the command ends.
pub(super) fn exit(conclusion: Conclusion) -> Exit {
    match conclusion {
        Conclusion::Holds => Exit::Holds,
        Conclusion::Violation => Exit::Violation,
        Conclusion::Undecided => Exit::Undecided,
        Conclusion::TooLittleEvidence => Exit::TooLittleEvidence,
    }
}
