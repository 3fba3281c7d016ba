//! `bench`: how many orders, how fast, at what cost; beside a bare QUIC round trip between two processes in the same run.
//!
//! The load generator is this process, on the same machine. Nothing is observed and nothing is written down, unless the cost
//! of that is to be measured (`watch`).

mod join;
mod watch;

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use hdrhistogram::Histogram;
use node::control::{Duty, NodeConfig, NodeReport, Reach, read_frame, write_frame};
use node::transport::{limits, round_trip};
use protocol::acknowledge::Acknowledge;
use protocol::ids::{Contact, NodeId, RequestId};
use protocol::machine::Settings;
use protocol::message::{Answer, Ask};
use protocol::order_book::Outcome;
use serde::Serialize;

use super::{Exit, Failure, launch, say, say_json};
use cluster::interrupt::Interrupt;
use cluster::launcher::apart_from_the_terminal;
use cluster::load::{Endless, Load, Moment, Workload};
use cluster::{Admission, ClusterOptions, Inquirer, NodeStatus};
use watch::Watch;

/// Before anything is measured.
const WARM_UP: Duration = Duration::from_millis(1000);
/// About the size of an order on the wire, in bytes.
const MESSAGE: usize = 93;
/// Round trips measured before and after the orders, back to back, when nothing else runs: the processor stays on the two
/// processes, and nothing they need leaves its caches.
const TRIPS_ALONE: usize = 2000;
/// Between two round trips while customers order. Such a trip meets the caches and the queues that each hop of an order meets.
const BETWEEN_TRIPS: Duration = Duration::from_millis(2);
/// How long the last answers may take.
const LAST_ANSWERS: Duration = Duration::from_secs(10);

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
    /// Collect all facts as the window does, to measure what that costs.
    #[arg(long)]
    observed: bool,
    /// Instead, place this many orders, and measure how long a newcomer takes to become a member: without load, and while
    /// the customers order.
    #[arg(long, value_name = "ORDERS", conflicts_with_all = ["secs", "acknowledge", "observed"], value_parser = clap::value_parser!(u64).range(1..=20_000_000))]
    join: Option<u64>,
    /// Print the result as one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Figures {
    replicas: u32,
    customers: u32,
    secs: u64,
    orders: u64,
    orders_per_s: u64,
    latency_us: Latency,
    /// Median latency divided by the median round trip that was measured meanwhile.
    ratio: f64,
    /// Median of bare round trips, one now and then while customers order.
    quic_round_trip_us: f64,
    /// Median latency divided by the median round trip while nothing else runs.
    ratio_alone: f64,
    /// Median of bare round trips, back to back, before and after the orders.
    quic_round_trip_alone_us: f64,
    cpu_us_per_order: f64,
    cpu_us_per_order_by_process: BTreeMap<String, f64>,
    /// Bytes of resident memory by process.
    rss: BTreeMap<String, u64>,
    /// There is no durable mode yet.
    fsync_us: Option<u64>,
}

#[derive(Serialize)]
struct Latency {
    p50: u64,
    p99: u64,
    p999: u64,
    max: u64,
}

pub(super) fn perform(arguments: &BenchArguments, interrupt: &Interrupt) -> Result<Exit, Failure> {
    if let Some(orders) = arguments.join {
        return join::perform(orders, arguments.replicas, arguments.customers, arguments.json, interrupt);
    }
    let options = ClusterOptions {
        default_customers: arguments.observed,
        observe: arguments.observed,
        replicas: arguments.replicas,
        settings: Settings { acknowledge: arguments.acknowledge, ..Settings::default() },
        interrupt: interrupt.clone(),
        ..ClusterOptions::usual()?
    };
    let cluster = launch(options)?;
    let inquirer = cluster.inquirer();
    let admission = inquirer.admission()?;
    let mut alone = round_trips(&admission, TRIPS_ALONE, Duration::ZERO, interrupt)?;
    let (watch, cluster) = match arguments.observed {
        true => (Some(Watch::begin(cluster)?), None),
        false => (None, Some(cluster)),
    };
    let begun = Instant::now();
    let measured = Duration::from_secs(arguments.secs);
    let workload = Measured::new(arguments.customers, measured)?;
    let load = Load::start(admission.clone(), arguments.customers, None, begun, workload)?;
    interrupt.wait(WARM_UP.saturating_sub(begun.elapsed()));
    let before = cost(&inquirer)?;
    // A quarter of the time, at the pace they have at best, so that the load does not end before them.
    let times = (measured / 4).as_millis() / BETWEEN_TRIPS.as_millis();
    let meanwhile = round_trips(&admission, times as usize, BETWEEN_TRIPS, interrupt)?;
    // Asked to end: what was measured until then is said.
    let is_early = interrupt.wait((WARM_UP + measured).saturating_sub(begun.elapsed()));
    let measured = measured.min(begun.elapsed().saturating_sub(WARM_UP));
    load.with(|workload| workload.until = workload.until.min(begun.elapsed()));
    let after = cost(&inquirer)?;
    let until = Instant::now() + LAST_ANSWERS;
    let workload = load.finish(|| Instant::now() < until)?;
    alone.extend(round_trips(&admission, TRIPS_ALONE, Duration::ZERO, interrupt)?);
    drop((watch, cluster));
    let trips = (median(meanwhile), median(alone));
    let figures = figures(arguments, measured, &workload.latencies, trips, (&before, &after));
    if arguments.json {
        say_json(&figures)?;
    } else {
        say_figures(&figures)?;
    }
    Ok(match (is_early, figures.orders) {
        (true, _) => Exit::Undecided,
        (false, 0) => Exit::TooLittleEvidence,
        (false, _) => Exit::Holds,
    })
}

/// In microseconds.
fn median(mut trips: Vec<Duration>) -> f64 {
    trips.sort_unstable();
    trips.get(trips.len() / 2).map_or(0.0, |trip| trip.as_nanos() as f64 / 1000.0)
}

/// Orders all the time, and notes how long those took that ended within the measured time.
struct Measured {
    asks: Endless,
    latencies: Histogram<u64>,
    asked: Vec<Moment>,
    until: Moment,
}

impl Measured {
    fn new(customers: u32, measured: Duration) -> anyhow::Result<Self> {
        let latencies = Histogram::new_with_bounds(1, 60_000_000_000, 3)?;
        let asked = vec![Duration::ZERO; customers as usize];
        Ok(Self { asks: Endless::default(), latencies, asked, until: WARM_UP + measured })
    }
}

impl Workload for Measured {
    fn next(&mut self, place: usize, id: RequestId, now: Moment) -> Option<Ask> {
        if now >= self.until {
            return None;
        }
        *self.asked.get_mut(place)? = now;
        self.asks.next(place, id, now)
    }

    fn answered(&mut self, place: usize, answer: Answer, now: Moment) {
        let placed = matches!(answer, Answer::Outcome(Outcome::Placed { .. }));
        if placed && now >= WARM_UP && now < self.until {
            let took = self.asked.get(place).map_or(Duration::ZERO, |asked| now.saturating_sub(*asked));
            self.latencies.saturating_record(took.as_nanos() as u64);
        }
    }

    fn unknown(&mut self, _place: usize, _now: Moment) {}
}

/// Processor time and memory by process; this process, with the customers in it, is "customers".
type Cost = BTreeMap<String, (u64, u64)>;

fn cost(inquirer: &Inquirer) -> anyhow::Result<Cost> {
    let all = inquirer.status()?;
    let used = |node: &NodeStatus| node.usage.map(|usage| (node.name.clone(), (usage.processor, usage.memory)));
    let mut cost: Cost = all.iter().filter_map(used).collect();
    cost.insert("customers".into(), (node::usage::processor(), node::usage::memory()));
    Ok(cost)
}

fn figures(
    arguments: &BenchArguments,
    measured: Duration,
    latencies: &Histogram<u64>,
    (meanwhile, alone): (f64, f64),
    (before, after): (&Cost, &Cost),
) -> Figures {
    let orders = latencies.len();
    let each = |microseconds: u64| (microseconds as f64 / orders.max(1) as f64 * 100.0).round() / 100.0;
    let spent = |name: &str, (cpu, _): &(u64, u64)| cpu.saturating_sub(before.get(name).map_or(0, |(cpu, _)| *cpu));
    let micros = |share: f64| latencies.value_at_quantile(share) / 1000;
    let p50 = latencies.value_at_quantile(0.5) as f64 / 1000.0;
    let ratio_to = |trip: f64| if trip > 0.0 { (p50 / trip * 100.0).round() / 100.0 } else { 0.0 };
    Figures {
        replicas: arguments.replicas,
        customers: arguments.customers,
        secs: measured.as_secs(),
        orders,
        orders_per_s: (orders as f64 / measured.as_secs_f64().max(0.001)) as u64,
        latency_us: Latency { p50: micros(0.5), p99: micros(0.99), p999: micros(0.999), max: latencies.max() / 1000 },
        ratio: ratio_to(meanwhile),
        quic_round_trip_us: meanwhile,
        ratio_alone: ratio_to(alone),
        quic_round_trip_alone_us: alone,
        cpu_us_per_order: each(after.iter().map(|(name, cost)| spent(name, cost)).sum()),
        cpu_us_per_order_by_process: after.iter().map(|(name, cost)| (name.clone(), each(spent(name, cost)))).collect(),
        rss: after.iter().map(|(name, (_, memory))| (name.clone(), *memory)).collect(),
        fsync_us: None,
    }
}

fn say_figures(figures: &Figures) -> Result<(), Failure> {
    let Latency { p50, p99, p999, max } = figures.latency_us;
    say(format!("{} orders in {} s: {} per second", figures.orders, figures.secs, figures.orders_per_s))?;
    say(format!("latency: median {p50} µs, 99 % {p99} µs, 99.9 % {p999} µs, longest {max} µs"))?;
    let Figures { quic_round_trip_us: meanwhile, ratio, quic_round_trip_alone_us: alone, ratio_alone, .. } = figures;
    say(format!("bare QUIC round trip under load: {meanwhile:.1} µs; an order takes {ratio} times as long"))?;
    say(format!("bare QUIC round trip without load: {alone:.1} µs; an order takes {ratio_alone} times as long"))?;
    say(format!("processor time: {} µs per order, all processes together", figures.cpu_us_per_order))?;
    for (name, cpu) in &figures.cpu_us_per_order_by_process {
        let memory = figures.rss.get(name).map_or(0.0, |bytes| *bytes as f64 / 1_048_576.0);
        say(format!("  {name:<16}{cpu:>8.2} µs per order{memory:>10.1} MiB"))?;
    }
    Ok(())
}

/// Measures bare round trips with a process that only sends back, over the same kind of endpoint.
/// Fewer, if the program is interrupted.
fn round_trips(
    admission: &Admission,
    times: usize,
    pause: Duration,
    interrupt: &Interrupt,
) -> anyhow::Result<Vec<Duration>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut echo, contact) = start_echo(admission)?;
    let measured = runtime.block_on(async {
        let endpoint = limits::endpoint(([127, 0, 0, 1], 0).into(), &admission.credentials)?;
        round_trip::measure(&endpoint, contact.address, MESSAGE, times, pause, || !interrupt.is_asked()).await
    });
    let _ = echo.kill();
    echo.wait()?;
    measured
}

fn start_echo(admission: &Admission) -> anyhow::Result<(Child, Contact)> {
    let Admission { credentials, name_servers, clock, .. } = admission.clone();
    let program = std::env::current_exe().context("the program cannot find its own executable file")?;
    let mut command = Command::new(program);
    apart_from_the_terminal(&mut command);
    let mut echo = command
        .args(["node", "echo"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("the echo process cannot be started")?;
    let config = NodeConfig {
        name: "echo".into(),
        duty: Duty::Echo,
        id: NodeId(cluster::random()?),
        listen: ([127, 0, 0, 1], 0).into(),
        name_servers,
        settings: Settings::default(),
        credentials: Some(credentials),
        clock,
        links: Vec::new(),
        bomb: None,
        observe: false,
        reach: Reach::default(),
    };
    let (stdin, stdout) = (echo.stdin.as_mut(), echo.stdout.as_mut());
    let (stdin, stdout) = stdin.zip(stdout).context("the echo process has no pipes")?;
    write_frame(stdin, &config)?;
    match read_frame(stdout)? {
        Some(NodeReport::Ready { contact, .. }) => Ok((echo, contact)),
        other => {
            echo.kill()?;
            echo.wait()?;
            anyhow::bail!("the echo process did not start: {other:?}")
        }
    }
}
