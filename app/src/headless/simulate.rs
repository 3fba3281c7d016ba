//! `simulate`: whole clusters in memory, as many seeds as time allows, on as many threads as wanted.
//!
//! What a trial is stands in `protocol::simulation`; here seeds are handed out and summaries are added. The digest does not
//! depend on the number of threads.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use protocol::acknowledge::Acknowledge;
use protocol::ids::Span;
use protocol::plant::Plant;
use protocol::simulation::{Conditions, Record, Summary, simulate, simulate_one};
use serde_json::json;

use super::{Exit, Failure, places, say, say_json, signals};
use cluster::interrupt::Interrupt;

/// How many seeds are handed out at a time.
const PORTION: u64 = 8;

/// What to simulate.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("which").required(true).args(["seeds", "seed"])))]
pub struct SimulateArguments {
    /// Run all seeds from A to B − 1.
    #[arg(long, value_name = "A..B", value_parser = range)]
    seeds: Option<std::ops::Range<u64>>,
    /// Run this one seed.
    #[arg(long)]
    seed: Option<u64>,
    /// Write what happens in the one run to this file, step by step.
    #[arg(long, value_name = "FILE", requires = "seed")]
    trace: Option<PathBuf>,
    /// Virtual seconds with faults in each run.
    #[arg(long, value_name = "T", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    sim_secs: u64,
    /// How many copies there are before a customer is told “placed”: all, one or none. UNSAFE unless all: the checks must find it.
    #[arg(long, value_name = "COPIES", default_value_t)]
    acknowledge: Acknowledge,
    /// UNSAFE: switch on this bug in every node; the checks must find it.
    #[arg(long, value_name = "NAME")]
    plant: Option<Plant>,
    /// Run two or three name servers, and keep the view record in a store that fails at times.
    #[arg(long)]
    store: bool,
    /// Keep the state of replicas on disks that fail at times, and cut the power.
    #[arg(long)]
    durable: bool,
    /// Start no further runs after this many seconds of real time.
    #[arg(long, value_name = "S")]
    time_limit: Option<u64>,
    /// Number of threads. Default: one per processor.
    #[arg(long, value_name = "J", value_parser = clap::value_parser!(u32).range(1..=256))]
    jobs: Option<u32>,
    /// Print the result as one JSON object.
    #[arg(long)]
    json: bool,
}

fn range(text: &str) -> Result<std::ops::Range<u64>, String> {
    let bounds = text.split_once("..").and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?));
    bounds.filter(|range| !range.is_empty()).ok_or_else(|| "write it as 0..300".to_owned())
}

pub(super) fn perform(arguments: &SimulateArguments, interrupt: &Interrupt) -> Result<Exit, Failure> {
    places::must_differ(arguments.trace.as_deref().map(|path| ("the transcript", path)))?;
    let SimulateArguments { acknowledge, plant, .. } = *arguments;
    let record = if arguments.store { Record::Store(None) } else { Record::Journal };
    let conditions = Conditions {
        span: Span::millis(arguments.sim_secs * 1000),
        acknowledge,
        plant,
        record,
        durable: arguments.durable,
    };
    let begun = Instant::now();
    let (wanted, summary) = match (&arguments.seeds, arguments.seed) {
        (Some(seeds), _) => {
            let jobs = match arguments.jobs {
                Some(jobs) => jobs as usize,
                None => std::thread::available_parallelism().map_or(1, NonZero::get),
            };
            let until = arguments.time_limit.map(|seconds| begun + Duration::from_secs(seconds));
            (seeds.end - seeds.start, simulate_all(seeds.clone(), conditions, jobs, until, interrupt))
        }
        (None, seed) => {
            signals::end_when_asked(interrupt, "Undecided: stopped before the run was simulated.");
            let seed = seed.unwrap_or_default();
            if let Some(path) = &arguments.trace {
                write_transcript(seed, conditions, path)?;
            }
            (1, simulate(seed..seed + 1, conditions, |_| true))
        }
    };
    let took = begun.elapsed();
    if let Some(first) = summary.violations.first() {
        let version = env!("CARGO_PKG_VERSION");
        let planted = plant.map_or_else(String::new, |plant| format!(", --plant {plant}"));
        let fewer = if acknowledge.is_safe() { String::new() } else { format!(", --acknowledge {acknowledge}") };
        say(format!(
            "Seed {} (version {version}, --sim-secs {}{fewer}{planted}) after {:.3} s: {}",
            first.seed,
            arguments.sim_secs,
            first.at as f64 / 1e6,
            first.what
        ))?;
    }
    if arguments.json {
        let mut object = serde_json::to_value(&summary).map_err(anyhow::Error::from)?;
        object["hash"] = json!(format!("{:016x}", summary.hash));
        object["acknowledge"] = json!(acknowledge);
        object["plant"] = json!(plant.map(Plant::name));
        object["took_s"] = json!(took.as_secs_f64());
        say_json(&object)?;
    } else {
        say_summary(&summary, took)?;
    }
    Ok(match (summary.violations.is_empty(), summary.seeds, summary.acknowledged) {
        (false, ..) => Exit::Violation,
        (true, seeds, _) if seeds < wanted => Exit::Undecided,
        (true, _, 0) => Exit::TooLittleEvidence,
        (true, ..) => Exit::Holds,
    })
}

fn simulate_all(
    seeds: std::ops::Range<u64>,
    conditions: Conditions,
    jobs: usize,
    until: Option<Instant>,
    interrupt: &Interrupt,
) -> Summary {
    let next = AtomicU64::new(seeds.start);
    let sum = Mutex::new(Summary::default());
    let in_time = || !interrupt.is_asked() && until.is_none_or(|until| Instant::now() < until);
    let work = || {
        while in_time() {
            let from = next.fetch_add(PORTION, Ordering::Relaxed);
            if from >= seeds.end {
                return;
            }
            let summary = simulate(from..seeds.end.min(from + PORTION), conditions, |_| in_time());
            sum.lock().unwrap_or_else(std::sync::PoisonError::into_inner).add(summary);
        }
    };
    std::thread::scope(|threads| {
        for _ in 0..jobs {
            threads.spawn(work);
        }
    });
    sum.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn write_transcript(seed: u64, conditions: Conditions, path: &std::path::Path) -> Result<(), Failure> {
    let refuse =
        |error: std::io::Error| Failure::BadInput(format!("{}: {}", path.display(), node::error_text::io(&error)));
    let mut file = BufWriter::new(File::create(path).map_err(refuse)?);
    for line in simulate_one(seed, conditions, true).transcript {
        writeln!(file, "{line}").map_err(refuse)?;
    }
    file.flush().map_err(refuse)
}

fn say_summary(summary: &Summary, took: Duration) -> Result<(), Failure> {
    let faults: u64 = summary.faults.values().sum();
    say(format!(
        "{} seeds, {} s simulated in {:.1} s, {} events, {} faults of {} kinds, {} orders acknowledged, {} views.",
        summary.seeds,
        summary.simulated_s,
        took.as_secs_f64(),
        summary.events,
        faults,
        summary.faults.len(),
        summary.acknowledged,
        summary.views
    ))?;
    match summary.violations.len() {
        0 => say(format!("No violation. Digest {:016x}.", summary.hash)),
        number => {
            say(format!("{number} violations; in {} of them the healed cluster did not answer.", summary.stalled))
        }
    }
}
