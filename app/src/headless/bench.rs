//! `bench`: how many orders, how fast, at what cost; beside a bare QUIC round trip between two processes in the same run.
//!
//! The load generator is this process, on the same machine. Nothing is observed and nothing is written down, unless the cost
//! of that is to be measured (`watch`).

mod figures;
mod join;
mod measured;
mod members;
mod seen;
mod watch;
mod yardsticks;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use node::usage::Traffic;
use protocol::acknowledge::Acknowledge;
use protocol::machine::Settings;

use super::pulse::Pulse;
use super::{Exit, Failure, launch, places, say_json, trace_file};
use cluster::ClusterOptions;
use cluster::interrupt::Interrupt;
use cluster::load::Load;
use figures::{Figures, Yardsticks, cost};
use measured::{Measured, last_answers};
use seen::{Seen, Troubles};
use watch::Watch;
use yardsticks::{median, round_trips};

/// Before anything is measured.
const WARM_UP: Duration = Duration::from_millis(1000);
/// Round trips measured before and after the orders, back to back, when nothing else runs: the processor stays on the two
/// processes, and nothing they need leaves its caches.
const TRIPS_ALONE: usize = 2000;
/// Between two round trips while customers order. Such a trip meets the caches and the queues that each hop of an order meets.
const BETWEEN_TRIPS: Duration = Duration::from_millis(2);
/// Between two words on how far it has come.
const BETWEEN_WORDS: Duration = Duration::from_millis(500);

/// What to measure.
#[derive(Debug, clap::Args)]
pub struct BenchArguments {
    /// Number of replicas.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20))]
    replicas: u32,
    /// Number of customers, each with one open order at a time.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    customers: u32,
    /// Length of the measurement, in seconds.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3600))]
    secs: u64,
    /// How many copies there are before a customer is told “placed”: all, one or none. UNSAFE unless all.
    #[arg(long, value_name = "COPIES", default_value_t)]
    acknowledge: Acknowledge,
    #[command(flatten)]
    pulse: Pulse,
    /// Keep everything of the replicas and the name server in this folder; a replica acknowledges only what is on disk. Orders
    /// that are already there are kept.
    #[arg(long, value_name = "DIR")]
    durable: Option<PathBuf>,
    /// Collect all facts as the window does, to measure what that costs.
    #[arg(long)]
    observed: bool,
    /// Measure something else: place this many orders, then see how long a new replica takes to become a member, without load
    /// and while customers order.
    #[arg(long, value_name = "ORDERS", conflicts_with_all = ["secs", "acknowledge", "heartbeat", "suspect_after", "observed"], value_parser = clap::value_parser!(u64).range(1..=20_000_000))]
    join: Option<u64>,
    /// Write the history of all orders and answers to this file. That takes time, too.
    #[arg(long, value_name = "FILE", conflicts_with = "join")]
    history: Option<PathBuf>,
    /// At the end, read every postcode's orders and judge the history: exit status 1 if it is not linearizable.
    #[arg(long, requires = "history")]
    check: bool,
    /// Print the result as one JSON object.
    #[arg(long)]
    json: bool,
}

fn options(arguments: &BenchArguments, interrupt: &Interrupt) -> Result<ClusterOptions, Failure> {
    Ok(ClusterOptions {
        default_customers: arguments.observed,
        observe: arguments.observed,
        replicas: arguments.replicas,
        settings: Settings { acknowledge: arguments.acknowledge, ..arguments.pulse.settings()? },
        durable: arguments.durable.clone(),
        interrupt: interrupt.clone(),
        ..ClusterOptions::usual()?
    })
}

pub(super) fn perform(arguments: &BenchArguments, interrupt: &Interrupt) -> Result<Exit, Failure> {
    if let Some(orders) = arguments.join {
        return join::perform(options(arguments, interrupt)?, orders, arguments.customers, arguments.json, interrupt);
    }
    places::must_differ(arguments.history.as_deref().map(|path| ("the history", path)))?;
    let history = arguments.history.as_deref().map(trace_file::create).transpose()?;
    let launched = Instant::now();
    let cluster = launch(options(arguments, interrupt)?)?;
    let inquirer = cluster.inquirer();
    let recovered = members::wait_for_all(&inquirer, arguments.replicas, launched, interrupt)?;
    let admission = inquirer.admission()?;
    let sync = yardsticks::sync(arguments.durable.as_deref().unwrap_or(cluster.directory()));
    let mut alone = round_trips(&admission, TRIPS_ALONE, Duration::ZERO, interrupt)?;
    let (watch, cluster) = match arguments.observed {
        true => (Some(Watch::begin(cluster)?), None),
        false => (None, Some(cluster)),
    };
    let seen = Seen::of(&inquirer)?;
    let before = cost(&inquirer.status()?, Traffic::default());
    let begun = Instant::now();
    let measured = Duration::from_secs(arguments.secs);
    let workload = Measured::new(arguments.customers, measured, history)?;
    let load = Load::start(admission.clone(), arguments.customers, None, begun, workload)?;
    interrupt.wait(WARM_UP.saturating_sub(begun.elapsed()));
    // A quarter of the time, at the pace they have at best, so that the load does not end before them.
    let times = (measured / 4).as_millis() / BETWEEN_TRIPS.as_millis();
    let meanwhile = round_trips(&admission, times as usize, BETWEEN_TRIPS, interrupt)?;
    // Asked to end: what was measured until then is said.
    let is_early = goes_on(WARM_UP + measured, begun, &load, interrupt);
    let measured = measured.min(begun.elapsed().saturating_sub(WARM_UP));
    load.with(|workload| workload.until = workload.until.min(begun.elapsed()));
    let counters = load.counters();
    let workload = load.finish(last_answers())?;
    let after = cost(&inquirer.status()?, counters.so_far());
    let troubles = Troubles::between(&seen, &Seen::of(&inquirer)?);
    alone.extend(round_trips(&admission, TRIPS_ALONE, Duration::ZERO, interrupt)?);
    let yardsticks = Yardsticks { meanwhile: median(meanwhile), alone: median(alone), sync };
    let mut figures = Figures::of(
        arguments,
        measured,
        &workload.latencies,
        &yardsticks,
        (&before, &after, workload.placed),
        troubles,
    );
    let verdict = match &arguments.history {
        Some(path) => workload.judged(&admission, path, begun, arguments.check)?,
        None => None,
    };
    drop((watch, cluster));
    let judged = verdict.as_ref().map(|verdict| Exit::from(verdict.verdict));
    figures.recovered = recovered;
    figures.verdict = verdict.map(wording::told_verdict);
    if arguments.json {
        say_json(&figures)?;
    } else {
        figures.say()?;
    }
    Ok(match (judged, is_early, figures.orders) {
        (Some(Exit::Violation), ..) => Exit::Violation,
        (_, true, _) => Exit::Undecided,
        (_, false, 0) => Exit::TooLittleEvidence,
        (judged, false, _) => judged.unwrap_or(Exit::Holds),
    })
}

/// Waits until the moment has come, and says how far it is where somebody may look. True: the program was interrupted.
fn goes_on(until: Duration, begun: Instant, load: &Load<Measured>, interrupt: &Interrupt) -> bool {
    let looked_at = std::io::stderr().is_terminal();
    while begun.elapsed() < until {
        let left = until.saturating_sub(begun.elapsed());
        if interrupt.wait(if looked_at { left.min(BETWEEN_WORDS) } else { left }) {
            return true;
        }
        if looked_at {
            let (past, orders) = (begun.elapsed().saturating_sub(WARM_UP), load.with(|load| load.latencies.len()));
            let rate = orders as f64 / past.as_secs_f64().max(0.001);
            let all = until.saturating_sub(WARM_UP).as_secs();
            // If even this cannot be said, nobody looks.
            let _ = write!(std::io::stderr(), "\r{} of {all} s: {rate:.0} orders per second ", past.as_secs());
        }
    }
    if looked_at {
        let _ = writeln!(std::io::stderr());
    }
    false
}
