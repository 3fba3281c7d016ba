//! `run SCENARIO`: real processes, customers that order and read all the time, faults from the scenario, and a verdict.
//!
//! The end is quiet: faults are mended, everybody is answered, each postcode is read once more. Only then it is judged.

mod stage;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::workload::Tally;
use super::{Exit, Failure, check, launch, say, say_json, settle, validate};
use crate::cluster::ClusterOptions;
use crate::cluster::run_directory::HISTORY;
use crate::history;
use crate::scenario::{self, Scenario};
use crate::verdict::{Judgement, Verdict, judge};
use stage::{QUIET, Stage};

/// After a crash, gaps that begin so much later are not its fault.
const AFTERMATH: Duration = Duration::from_secs(10);

/// What to run.
#[derive(Debug, clap::Args)]
pub struct RunArguments {
    /// The name of a built-in scenario (steady, kill-primary, fe-ns, join-load, postcode-down), or a file.
    scenario: String,
    /// Everything random follows from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How long customers order; the scenario's own length if not given.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    secs: Option<u64>,
    /// How many customers; the scenario's own number if not given.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
    customers: Option<u32>,
    /// Write the history of what customers asked and were told here.
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
    /// Write all facts about the cluster here, as JSON lines.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// End with one JSON object.
    #[arg(long)]
    json: bool,
}

/// What came of it.
#[derive(Debug, Serialize)]
struct Report {
    scenario: String,
    seed: u64,
    secs: u64,
    acknowledged: u64,
    unknown: u64,
    refused: u64,
    reads: u64,
    faults: BTreeMap<&'static str, u64>,
    failovers: u64,
    view_changes: u64,
    gaps_ms: Gaps,
    replicas_equal: bool,
    /// Of the largest process, in bytes.
    rss_max: u64,
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

pub(super) fn perform(arguments: &RunArguments) -> Result<Exit, Failure> {
    let mut scenario = find(&arguments.scenario)?;
    if let Some(secs) = arguments.secs {
        let (wanted, planned) = (Duration::from_secs(secs), scenario.lasts);
        let share = |floor: u64| floor * wanted.as_millis() as u64 / planned.as_millis().max(1) as u64;
        scenario.expect.acknowledged = share(scenario.expect.acknowledged).max(1);
        scenario.expect.failovers = share(scenario.expect.failovers).min(scenario.expect.failovers.max(1));
        scenario.lasts = wanted;
    }
    scenario.customers = arguments.customers.unwrap_or(scenario.customers);
    let options = ClusterOptions { default_customers: false, replicas: scenario.replicas, ..ClusterOptions::usual()? };
    let mut stage = Stage::open(launch(options)?, arguments.trace.as_deref())?;
    let path = arguments.history.clone().unwrap_or_else(|| stage.cluster.directory().join(HISTORY));
    let tally = stage.play(&scenario, arguments.seed, create(&path)?)?;
    let verdict = history::read(BufReader::new(File::open(&path)?)).map(|history| judge(&history));
    let verdict = verdict.map_err(|error| Failure::Fault(error.into()))?;
    let report = stage.report(arguments, &scenario, tally, verdict)?;
    if arguments.json {
        say_json(&report)?;
    } else {
        say_report(&report)?;
    }
    Ok(exit(&report))
}

/// A built-in scenario by name, or one from a file.
fn find(name: &str) -> Result<Scenario, Failure> {
    let refuse = |error: scenario::ScenarioError| Failure::BadInput(format!("{name}: {error}"));
    match scenario::BUILT_IN.iter().find(|(known, _)| *known == name) {
        Some((_, text)) => scenario::parse(text).map_err(refuse),
        None => validate::read_scenario(check::open(name.as_ref())?)?.map_err(refuse),
    }
}

fn create(path: &Path) -> Result<BufWriter<File>, Failure> {
    let file = File::create(path).map_err(|error| Failure::BadInput(format!("{}: {error}", path.display())))?;
    Ok(BufWriter::with_capacity(256 * 1024, file))
}

impl Stage {
    fn report(
        &mut self,
        arguments: &RunArguments,
        scenario: &Scenario,
        tally: Tally,
        verdict: Verdict,
    ) -> Result<Report, Failure> {
        let replicas_equal = settle::replicas_equal(&self.cluster.inquirer(), QUIET)?;
        self.measure()?;
        self.take_facts()?;
        let expect = &scenario.expect;
        let gaps = self.gaps(&tally);
        let (mut too_little, mut broken) = (Vec::new(), Vec::new());
        if tally.acknowledged < expect.acknowledged {
            too_little.push(format!("{} orders acknowledged, {} expected", tally.acknowledged, expect.acknowledged));
        }
        if self.known.failovers < expect.failovers {
            too_little.push(format!("{} failovers, {} expected", self.known.failovers, expect.failovers));
        }
        if expect.longest_gap.is_some_and(|longest| gaps.max > longest.as_millis() as u64) {
            broken.push(format!("a customer waited {} ms", gaps.max));
        }
        if !replicas_equal {
            broken.push("the replicas did not become equal".into());
        }
        Ok(Report {
            scenario: arguments.scenario.clone(),
            seed: arguments.seed,
            secs: scenario.lasts.as_secs(),
            acknowledged: tally.acknowledged,
            unknown: tally.unknown,
            refused: tally.refused,
            reads: tally.reads,
            faults: self.faults.clone(),
            failovers: self.known.failovers,
            view_changes: self.known.view_changes,
            gaps_ms: gaps,
            replicas_equal,
            rss_max: self.rss_max,
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

fn say_report(report: &Report) -> Result<(), Failure> {
    let faults: Vec<_> = report.faults.iter().map(|(kind, number)| format!("{kind} {number}")).collect();
    say(format!("{}: {} s, seed {}", report.scenario, report.secs, report.seed))?;
    say(format!("faults: {}", if faults.is_empty() { "none".into() } else { faults.join(", ") }))?;
    say(format!("failovers: {}, view changes: {}", report.failovers, report.view_changes))?;
    let gaps = &report.gaps_ms;
    say(format!("longest waits of a customer: median {} ms, longest {} ms", gaps.p50, gaps.max))?;
    say(format!("replicas are {}", if report.replicas_equal { "equal" } else { "NOT equal" }))?;
    say(&report.verdict)?;
    for why in report.broken.iter().chain(&report.too_little) {
        say(format!("not as expected: {why}"))?;
    }
    Ok(())
}

fn exit(report: &Report) -> Exit {
    match report.verdict.verdict {
        Judgement::Violation => Exit::Violation,
        _ if !report.broken.is_empty() => Exit::Violation,
        Judgement::TooLittleEvidence => Exit::TooLittleEvidence,
        Judgement::Holds if !report.too_little.is_empty() => Exit::TooLittleEvidence,
        Judgement::Holds => Exit::Holds,
    }
}
