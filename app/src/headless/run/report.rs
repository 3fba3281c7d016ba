//! What is told of a run: counts, gaps, lights, what is not as expected, and the verdict.
//!
//! Nothing is performed here.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use protocol::plant::Plant;
use serde::Serialize;

use super::RunArguments;
use super::stage::{QUIET, Stage};
use crate::headless::workload::Tally;
use crate::headless::{Exit, Failure, say, settle};
use crate::scenario::{Evidence, Findings, Light, Unmet};
use crate::verdict::{Judgement, Verdict};

/// After a crash, gaps that begin so much later are not its fault.
const AFTERMATH: Duration = Duration::from_secs(10);

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
    verdict: Verdict,
}

/// Longest wait of any customer after each crash; without a crash, in the whole run.
#[derive(Debug, Default, Serialize)]
struct Gaps {
    p50: u64,
    p99: u64,
    max: u64,
}

impl Stage {
    pub fn report(&mut self, arguments: &RunArguments, tally: Tally, verdict: Verdict) -> Result<Report, Failure> {
        let replicas_equal = settle::replicas_equal(&self.cluster.inquirer(), QUIET)?;
        self.measure()?;
        self.take_facts(None)?;
        let (scenario, findings) = (self.performance.scenario(), self.performance.findings());
        let gaps = self.gaps(&tally);
        let (calm, recovery) = recovery(&tally, findings, self.lasted);
        let red = red_lights(&verdict, self.copies_differed);
        let evidence = Evidence {
            acknowledged: tally.acknowledged,
            longest_gap: Duration::from_millis(gaps.max),
            recovery,
            rung_while_stopped: self.rung_while_stopped,
            planted: scenario.plants().next().is_some(),
            red: red.clone(),
        };
        let Unmet { too_little, mut broken } = scenario.expect.compare(findings, &evidence);
        if !replicas_equal {
            broken.push("the replicas did not become equal".into());
        }
        let not_done = findings.refused.iter().chain(&findings.skipped).cloned().collect();
        Ok(Report {
            scenario: arguments.scenario.clone(),
            seed: arguments.seed,
            secs: self.lasted.as_secs(),
            plants: scenario.plants().map(Plant::name).collect(),
            acknowledged: tally.acknowledged,
            unknown: tally.unknown,
            refused: tally.refused,
            reads: tally.reads,
            faults: findings.faults.clone(),
            failpoints: findings.failpoints.clone(),
            timers_rung: self.rung_while_stopped,
            timers_rung_slowly: findings.timers_rung,
            suspicions: findings.suspicions,
            failovers: findings.failovers,
            view_changes: findings.view_changes,
            gaps_ms: gaps,
            calm_per_s: calm,
            recovery_ms: recovery.map(|recovery| recovery.as_millis() as u64),
            replicas_equal,
            rss_max: self.rss_max,
            red,
            not_done,
            in_vain: findings.in_vain.clone(),
            too_little,
            broken,
            verdict,
        })
    }

    fn gaps(&self, tally: &Tally) -> Gaps {
        let longest = |from: Duration, to: Duration| {
            let within = tally.gaps.iter().filter(|(begin, end)| *end >= from && *begin <= to);
            within.map(|(begin, end)| (*end - *begin).as_millis() as u64).max().unwrap_or(0)
        };
        let ends = self.crashes.iter().skip(1).copied().chain([Duration::MAX]);
        let mut all: Vec<u64> =
            self.crashes.iter().zip(ends).map(|(at, next)| longest(*at, next.min(*at + AFTERMATH))).collect();
        if all.is_empty() {
            all.push(longest(Duration::ZERO, Duration::MAX));
        }
        all.sort_unstable();
        let at = |share: usize| all.get((all.len() * share / 100).min(all.len() - 1)).copied().unwrap_or(0);
        Gaps { p50: at(50), p99: at(99), max: at(100) }
    }
}

/// Which lights a verdict turns on.
fn red_lights(verdict: &Verdict, copies_differed: bool) -> BTreeSet<Light> {
    let lights = [
        (Light::Lost, verdict.lost > 0),
        (Light::Twice, verdict.doubled > 0),
        (Light::Reordered, verdict.reordered > 0),
        (Light::Stale, verdict.stale > 0),
        (Light::Invented, verdict.invented > 0),
        (Light::ReplicasDiffer, copies_differed),
    ];
    lights.into_iter().filter(|(_, red)| *red).map(|(light, _)| light).collect()
}

/// Orders a second before the first fault, and how long after the last step a whole second with half as many ended. None:
/// there was no calm second, or no such second afterwards.
fn recovery(tally: &Tally, findings: &Findings, lasts: Duration) -> (Option<u64>, Option<Duration>) {
    const SECOND: usize = 10;
    let tenth = |moment: Duration| (moment.as_millis() / 100) as usize;
    let within =
        |from: usize, to: usize| tally.tenths.iter().take(to).skip(from).map(|orders| u64::from(*orders)).sum::<u64>();
    let (Some(first_fault), Some(last_step)) = (findings.first_fault, findings.last_step) else { return (None, None) };
    // The first half second is for finding the front-end.
    let (from, to) = (SECOND / 2, tenth(first_fault));
    if to < from + SECOND {
        return (None, None);
    }
    let calm = within(from, to) * SECOND as u64 / (to - from) as u64;
    let begin = tenth(last_step) + 1;
    let mut seconds = (begin..).take_while(|at| at + SECOND <= tenth(lasts));
    let recovered = seconds.find(|at| within(*at, at + SECOND) * 2 >= calm);
    let took = recovered.map(|at| Duration::from_millis(100 * (at + SECOND) as u64).saturating_sub(last_step));
    (Some(calm), took)
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
pub(super) fn exit(report: &Report) -> Exit {
    match report.verdict.verdict {
        Judgement::Violation => Exit::Violation,
        _ if !report.broken.is_empty() => Exit::Violation,
        _ if report.in_vain.is_some() => Exit::Undecided,
        Judgement::TooLittleEvidence => Exit::TooLittleEvidence,
        Judgement::Holds if !report.too_little.is_empty() => Exit::TooLittleEvidence,
        Judgement::Holds => Exit::Holds,
    }
}
