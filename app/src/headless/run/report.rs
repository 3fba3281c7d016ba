//! What is told of a run: counts, gaps, lights, what is not as expected, and the verdict.
//!
//! Nothing is run or judged here.

use serde::Serialize;

use super::RunArguments;
use crate::headless::{Exit, Failure, say};
use cluster::load::Agreement;
use scenarios::{Conclusion, Met, Outcome};
use wording::{ToldVerdict, not_done, told_verdict, unmet};

/// How it ended, and what of that only words tell.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    scenario: String,
    seed: u64,
    /// Memory of the largest process, in bytes.
    rss_max: u64,
    #[serde(flatten)]
    outcome: Outcome,
    /// Commands that were refused, and steps that meant nothing that was there.
    not_done: Vec<String>,
    /// Floors that were not reached: too little happened to say anything.
    too_little: Vec<String>,
    /// Promises that were broken, beside the verdict.
    broken: Vec<String>,
    verdict: ToldVerdict,
}

impl Report {
    /// `rss_max`: memory of the largest process, in bytes.
    pub fn of(arguments: &RunArguments, outcome: Outcome, rss_max: u64) -> Self {
        Report {
            scenario: arguments.scenario.clone(),
            seed: arguments.seed,
            rss_max,
            not_done: not_done(&outcome.findings),
            too_little: unmet(&outcome, Met::TooLittle),
            broken: unmet(&outcome, Met::Broken),
            verdict: told_verdict(outcome.finished.verdict.clone()),
            outcome,
        }
    }

    pub fn conclusion(&self) -> Conclusion {
        self.outcome.conclusion
    }
}

pub(super) fn say_report(report: &Report) -> Result<(), Failure> {
    let Outcome { plants, findings, finished, gaps, calm, recovery, red, .. } = &report.outcome;
    say(format!("{}: {} s, seed {}", report.scenario, findings.lasted.as_secs(), report.seed))?;
    if !plants.is_empty() {
        let names: Vec<_> = plants.iter().map(ToString::to_string).collect();
        say(format!("UNSAFE: with {}", names.join(", ")))?;
    }
    let faults = findings.faults.iter().chain(&findings.failpoints);
    let faults: Vec<_> = faults.map(|(kind, number)| format!("{kind} {number}")).collect();
    say(format!("faults: {}", if faults.is_empty() { "none".into() } else { faults.join(", ") }))?;
    let (failovers, view_changes, suspicions) = (findings.failovers, findings.view_changes, findings.suspicions);
    say(format!("failovers: {failovers}, view changes: {view_changes}, suspicions: {suspicions}"))?;
    say(format!("longest waits of a customer: median {} ms, maximum {} ms", gaps.p50, gaps.max))?;
    if let (Some(calm), Some(recovery)) = (calm, recovery) {
        let took = recovery.as_millis();
        say(format!("calm: {calm} orders a second; half of that again {took} ms after the last step"))?;
    }
    say(format!("replicas are {}", if finished.agreement == Agreement::Equal { "equal" } else { "NOT equal" }))?;
    say(&report.verdict)?;
    for light in red {
        say(format!("red: {light}"))?;
    }
    for why in &report.not_done {
        say(format!("skipped: {why}"))?;
    }
    for why in findings.stuck.iter().chain(&report.broken).chain(&report.too_little) {
        say(format!("not as expected: {why}"))?;
    }
    Ok(())
}

/// How the command ends.
pub(in crate::headless) fn exit(conclusion: Conclusion) -> Exit {
    match conclusion {
        Conclusion::Holds => Exit::Holds,
        Conclusion::Violation => Exit::Violation,
        Conclusion::Undecided => Exit::Undecided,
        Conclusion::TooLittleEvidence => Exit::TooLittleEvidence,
    }
}
