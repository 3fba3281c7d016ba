//! `run SCENARIO`: real processes, customers that order and read all the time, faults from the scenario, and a verdict.
//!
//! The end is quiet: faults are mended, everybody is answered, each postcode is read once more. Only then it is judged. A
//! signal to end brings that about early, and in a few seconds.

mod report;

use std::path::{Path, PathBuf};
use std::time::Duration;

use protocol::acknowledge::Acknowledge;
use protocol::machine::Settings;
use protocol::plant::Plant;
use protocol::trace::TraceRecord;

use super::play::{Witness, play};
use super::pulse::Pulse;
use super::trace_file::{TraceFile, create};
use super::view_record::NameServersArguments;
use super::{Exit, Failure, check, launch, places, say_json};
use cluster::interrupt::Interrupt;
use cluster::run_directory::HISTORY;
use cluster::{ClusterOptions, NAME_SERVERS_WITH_ETCD, ViewRecord};
use knowledge::picture::Picture;
use knowledge::recognition::Kind;
pub(super) use report::exit;
use report::{Report, say_report};
use scenarios::scenario_run::ScenarioRun;
use scenarios::{self, Action, Scenario, ScriptRunner};

/// What to run.
#[derive(Debug, clap::Args)]
pub struct RunArguments {
    /// A built-in scenario (demo, steady, kill-primary, fe-ns, two-front-ends, crash-loop, join-load, postcode-down,
    /// chaos, freeze, partitions, sleep, sleep-one, stopped, one-per-failpoint, etcd-down, power-cut, disk-full,
    /// one-per-disk-failpoint), of the bug museum (“museum/no-view-check”, or another bug's name), or a file.
    scenario: String,
    /// The seed of all random choices.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How long customers order, in seconds. Default: the scenario's own length.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    secs: Option<u64>,
    /// Number of customers. Default: the scenario's own number.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
    customers: Option<u32>,
    /// Write the history of all requests and answers to this file.
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
    /// Write all facts about the cluster to this file, as JSON lines.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// UNSAFE: switch on this bug, instead of any bug that the scenario names.
    #[arg(long, value_name = "NAME", value_parser = plant, group = "consent")]
    plant: Option<Plant>,
    /// How many copies there are before a customer is told “placed”, whatever the scenario says: all, one or none. UNSAFE unless all.
    #[arg(long, value_name = "COPIES")]
    acknowledge: Option<Acknowledge>,
    /// UNSAFE: allow the scenario to switch on bugs and to answer before all copies are there.
    #[arg(long, group = "consent")]
    allow_plant: bool,
    /// Run the scenario without the bugs that it would switch on.
    #[arg(long, group = "consent")]
    without_plant: bool,
    /// Keep all orders in this folder: see `just-hungry cluster --help`.
    #[arg(long, value_name = "DIR")]
    durable: Option<PathBuf>,
    #[command(flatten)]
    pulse: Pulse,
    #[command(flatten)]
    store: NameServersArguments,
    /// Print the result as one JSON object.
    #[arg(long)]
    json: bool,
}

fn plant(name: &str) -> Result<Plant, String> {
    name.parse()
}

pub(super) fn perform(arguments: &RunArguments, interrupt: &Interrupt) -> Result<Exit, Failure> {
    let script = scenarios::built_in(&arguments.scenario).is_none().then_some(Path::new(&arguments.scenario));
    let files = [
        ("the scenario", script),
        ("the history", arguments.history.as_deref()),
        ("the facts", arguments.trace.as_deref()),
    ];
    places::must_differ(files.into_iter().filter_map(|(what, path)| Some((what, path?))))?;
    let mut scenario = with_consent(find(&arguments.scenario)?, arguments)?;
    if let Some(secs) = arguments.secs {
        shorten(&mut scenario, Duration::from_secs(secs));
    }
    scenario.customers = arguments.customers.unwrap_or(scenario.customers);
    let (replicas, durable_in_run, interrupt) = (scenario.replicas, scenario.durable, interrupt.clone());
    let settings = Settings { most_sessions: scenario.sessions, ..arguments.pulse.settings()? };
    let (name_servers, view_record) = match scenario.etcd {
        true => (NAME_SERVERS_WITH_ETCD, ViewRecord::OwnEtcd),
        false => (arguments.store.name_servers()?, arguments.store.place()?),
    };
    let options = ClusterOptions {
        default_customers: false,
        replicas,
        durable: arguments.durable.clone(),
        durable_in_run,
        settings,
        name_servers,
        view_record,
        interrupt: interrupt.clone(),
        ..ClusterOptions::usual()?
    };
    let script_runner = ScriptRunner::new(scenario, arguments.seed);
    let mut trace = TraceFile::create(arguments.trace.as_deref())?;
    // A file that cannot be written is refused before anything is started.
    arguments.history.as_deref().map(create).transpose()?;
    let cluster = launch(options)?;
    let path = arguments.history.clone().unwrap_or_else(|| cluster.directory().join(HISTORY));
    let (outcome, largest) = play(cluster, script_runner, &path, &mut trace, &interrupt)?;
    let report = Report::of(arguments, outcome, largest);
    if arguments.json {
        say_json(&report)?;
    } else {
        say_report(&report)?;
    }
    Ok(exit(report.conclusion()))
}

impl Witness<ScenarioRun> for TraceFile {
    fn learn(&mut self, record: &TraceRecord) -> Result<(), Failure> {
        self.write(record)
    }

    fn go_on(&mut self, _run: &mut ScenarioRun, _picture: &Picture) -> Result<(), Failure> {
        Ok(())
    }

    fn end(&mut self) -> Result<(), Failure> {
        self.finish()
    }
}

/// No bug is injected unless the person at the terminal has agreed.
fn with_consent(mut scenario: Scenario, arguments: &RunArguments) -> Result<Scenario, Failure> {
    if let Some(chosen) = arguments.acknowledge {
        scenario.acknowledge = Acknowledge::All;
        scenario.steps.retain(|step| !matches!(step.action, Action::Acknowledge(_)));
        scenario = agreed(scenario, arguments)?;
        scenario.acknowledge = chosen;
        return Ok(scenario);
    }
    agreed(scenario, arguments)
}

fn agreed(mut scenario: Scenario, arguments: &RunArguments) -> Result<Scenario, Failure> {
    if arguments.allow_plant {
        return Ok(scenario);
    }
    if arguments.plant.is_some() || arguments.without_plant {
        scenario = scenario.made_safe();
        scenario.plant = arguments.plant;
        return Ok(scenario);
    }
    let first = scenario.unsafe_switches().next();
    match first {
        None => Ok(scenario),
        Some(switch) => Err(Failure::BadInput(format!(
            "{} Use --allow-plant to run it with the bug, or --without-plant to run it without.",
            wording::switches_on("scenario", switch)
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
    let found = match scenarios::built_in(name) {
        Some(text) => scenarios::parse(text),
        None => scenarios::read(check::open_as(Kind::Scenario, name.as_ref())?)?,
    };
    found.map_err(|error| Failure::BadInput(format!("{name}: {error}")))
}
