//! `run SCENARIO`: real processes, customers that order and read all the time, faults from the scenario, and a verdict.
//!
//! The end is quiet: faults are mended, everybody is answered, each postcode is read once more. Only then it is judged.

mod stage;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::time::Duration;

use protocol::plant::Plant;
use serde::Serialize;

use super::workload::Tally;
use super::{Exit, Failure, check, launch, say, say_json, settle, validate};
use crate::cluster::ClusterOptions;
use crate::cluster::run_directory::HISTORY;
use crate::history;
use crate::scenario::{self, Evidence, Findings, Light, Performance, Scenario, Unmet};
use crate::verdict::{Judgement, Verdict, judge};
use stage::{QUIET, Stage};

/// After a crash, gaps that begin so much later are not its fault.
const AFTERMATH: Duration = Duration::from_secs(10);

/// What to run.
#[derive(Debug, clap::Args)]
pub struct RunArguments {
    /// The name of a built-in scenario (steady, kill-primary, fe-ns, join-load, postcode-down, chaos, freeze, partitions,
    /// sleep, stopped), of the bug museum (“museum/no-view-check”, or another mistake's name), or a file.
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
    /// UNSAFE: make this mistake on purpose, and none that the scenario names.
    #[arg(long, value_name = "NAME", value_parser = plant, group = "consent")]
    plant: Option<Plant>,
    /// UNSAFE: the scenario may make mistakes on purpose.
    #[arg(long, group = "consent")]
    allow_plant: bool,
    /// Leave out the mistakes that the scenario would make on purpose.
    #[arg(long, group = "consent")]
    without_plant: bool,
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

fn plant(name: &str) -> Result<Plant, String> {
    name.parse()
}

pub(super) fn perform(arguments: &RunArguments) -> Result<Exit, Failure> {
    let mut scenario = with_consent(find(&arguments.scenario)?, arguments)?;
    if let Some(secs) = arguments.secs {
        shorten(&mut scenario, Duration::from_secs(secs));
    }
    scenario.customers = arguments.customers.unwrap_or(scenario.customers);
    let options = ClusterOptions { default_customers: false, replicas: scenario.replicas, ..ClusterOptions::usual()? };
    let performance = Performance::new(scenario, arguments.seed);
    let mut stage = Stage::open(launch(options)?, performance, arguments.trace.as_deref())?;
    let path = arguments.history.clone().unwrap_or_else(|| stage.cluster.directory().join(HISTORY));
    let tally = stage.play(arguments.seed, create(&path)?)?;
    let verdict = history::read(BufReader::new(File::open(&path)?)).map(|history| judge(&history));
    let verdict = verdict.map_err(|error| Failure::Fault(error.into()))?;
    let report = stage.report(arguments, tally, verdict)?;
    if arguments.json {
        say_json(&report)?;
    } else {
        say_report(&report)?;
    }
    Ok(exit(&report))
}

/// No mistake is made on purpose unless the person at the terminal has said so.
fn with_consent(mut scenario: Scenario, arguments: &RunArguments) -> Result<Scenario, Failure> {
    if arguments.allow_plant {
        return Ok(scenario);
    }
    if arguments.plant.is_some() || arguments.without_plant {
        scenario = scenario.without_plants();
        scenario.plant = arguments.plant;
        return Ok(scenario);
    }
    let first = scenario.plants().next();
    match first {
        None => Ok(scenario),
        Some(plant) => Err(Failure::BadInput(format!(
            "This scenario makes a mistake on purpose: {plant}. {} Say --allow-plant to let it, or --without-plant to see \
             that nothing happens without.",
            plant.sentence()
        ))),
    }
}

/// Another length than planned: floors in proportion, never higher than planned unless it lasts longer.
fn shorten(scenario: &mut Scenario, wanted: Duration) {
    let planned = scenario.lasts.as_millis().max(1) as u64;
    let share = |floor: u64| floor * wanted.as_millis() as u64 / planned;
    let expect = &mut scenario.expect;
    // A script without repetitions has as many orders and faults as steps.
    let repeats = scenario.again_after.is_some() || scenario.customers > 0;
    if repeats || wanted < scenario.lasts {
        expect.acknowledged = share(expect.acknowledged).max(expect.acknowledged.min(1));
    }
    for floor in [&mut expect.failovers, &mut expect.view_changes, &mut expect.faults, &mut expect.failpoints] {
        *floor = share(*floor).min((*floor).max(1));
    }
    expect.kinds = share(expect.kinds).min(expect.kinds);
    scenario.lasts = wanted;
}

/// A built-in scenario by name, or one from a file.
fn find(name: &str) -> Result<Scenario, Failure> {
    let refuse = |error: scenario::ScenarioError| Failure::BadInput(format!("{name}: {error}"));
    match scenario::built_in(name) {
        Some(text) => scenario::parse(text).map_err(refuse),
        None => validate::read_scenario(check::open(name.as_ref())?)?.map_err(refuse),
    }
}

fn create(path: &Path) -> Result<BufWriter<File>, Failure> {
    let file = File::create(path).map_err(|error| Failure::BadInput(format!("{}: {error}", path.display())))?;
    Ok(BufWriter::with_capacity(256 * 1024, file))
}

impl Stage {
    fn report(&mut self, arguments: &RunArguments, tally: Tally, verdict: Verdict) -> Result<Report, Failure> {
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

fn say_report(report: &Report) -> Result<(), Failure> {
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

fn exit(report: &Report) -> Exit {
    match report.verdict.verdict {
        Judgement::Violation => Exit::Violation,
        _ if !report.broken.is_empty() => Exit::Violation,
        _ if report.in_vain.is_some() => Exit::Undecided,
        Judgement::TooLittleEvidence => Exit::TooLittleEvidence,
        Judgement::Holds if !report.too_little.is_empty() => Exit::TooLittleEvidence,
        Judgement::Holds => Exit::Holds,
    }
}
