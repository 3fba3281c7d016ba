//! What a measurement found, and how it is said.

use std::collections::BTreeMap;
use std::time::Duration;

use cluster::NodeStatus;
use hdrhistogram::Histogram;
use node::usage::Traffic;
use serde::Serialize;
use wording::ToldVerdict;

use super::BenchArguments;
use super::members::Recovered;
use super::seen::Troubles;
use crate::headless::{Failure, say};

/// What a process has used so far.
#[derive(Clone, Copy, Default)]
pub(super) struct Used {
    processor: u64,
    memory: u64,
    sleeps: u64,
    traffic: Traffic,
    /// Syncs of its disk, and microseconds in them.
    syncs: (u64, u64),
}

impl Used {
    fn since(&self, before: Self) -> Self {
        let syncs = (self.syncs.0.saturating_sub(before.syncs.0), self.syncs.1.saturating_sub(before.syncs.1));
        Self {
            processor: self.processor.saturating_sub(before.processor),
            memory: self.memory,
            sleeps: self.sleeps.saturating_sub(before.sleeps),
            traffic: self.traffic.since(before.traffic),
            syncs,
        }
    }
}

/// Of each process; this one, with the customers in it, is "customers".
pub(super) type Cost = BTreeMap<String, Used>;

/// What all processes have used so far, the customers' own traffic given.
pub(super) fn cost(nodes: &[NodeStatus], customers: Traffic) -> Cost {
    let used = |node: &NodeStatus| {
        let usage = node.usage?;
        let (processor, memory) = (usage.processor, usage.memory);
        let (sleeps, traffic, syncs) = (usage.sleeps, usage.traffic, usage.syncs);
        Some((node.name.clone(), Used { processor, memory, sleeps, traffic, syncs }))
    };
    let mut cost: Cost = nodes.iter().filter_map(used).collect();
    let (processor, memory) = (node::usage::processor(), node::usage::memory());
    let used = Used { processor, memory, sleeps: node::usage::sleeps(), traffic: customers, syncs: (0, 0) };
    cost.insert("customers".into(), used);
    cost
}

/// What else was measured in the same run.
pub(super) struct Yardsticks {
    /// Median of bare round trips, one now and then while customers order; in microseconds.
    pub meanwhile: f64,
    /// Median of bare round trips, back to back, before and after the orders.
    pub alone: f64,
    /// Median of a sync of the run's disk.
    pub sync: Option<f64>,
}

#[derive(Serialize)]
pub(super) struct Figures {
    replicas: u32,
    customers: u32,
    secs: u64,
    pub orders: u64,
    orders_per_s: u64,
    latency_us: Latency,
    /// Median latency divided by the median round trip that was measured meanwhile.
    ratio: f64,
    /// See [`Yardsticks::meanwhile`].
    quic_round_trip_us: f64,
    /// An order passes six links, so it cannot be faster.
    three_quic_round_trips_us: f64,
    /// Median latency divided by the median round trip while nothing else runs.
    ratio_alone: f64,
    quic_round_trip_alone_us: f64,
    fsync_us: Option<f64>,
    #[serde(flatten)]
    troubles: Troubles,
    /// Before the orders of this run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovered: Option<Recovered>,
    /// Of durable replicas, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    disk: BTreeMap<String, PerSync>,
    cpu_us_per_order: f64,
    cpu_us_per_order_by_process: BTreeMap<String, f64>,
    /// Of all processes together. A datagram is counted where it is sent.
    datagrams_per_order: f64,
    bytes_per_order: f64,
    system_calls_per_order: f64,
    per_order_by_process: BTreeMap<String, PerOrder>,
    /// Bytes of resident memory by process.
    rss: BTreeMap<String, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<ToldVerdict>,
}

#[derive(Serialize)]
struct Latency {
    p50: u64,
    p90: u64,
    p99: u64,
    p999: u64,
    max: u64,
}

/// Counts of one process, divided by the number of orders.
#[derive(Serialize)]
struct PerOrder {
    datagrams_sent: f64,
    /// Those of them that carry no message, as acknowledgements alone.
    datagrams_sent_bare: f64,
    bytes_sent: f64,
    datagrams_received: f64,
    bytes_received: f64,
    /// System calls that send.
    sends: f64,
    /// System calls that receive, also those that found nothing.
    receives: f64,
    /// How often a thread went to sleep, which is a system call, too.
    sleeps: f64,
}

/// What a durable replica's disk has done for all orders.
#[derive(Serialize)]
struct PerSync {
    syncs: u64,
    /// The mean.
    sync_us: f64,
    /// Orders that shared one sync, on average.
    orders_per_sync: f64,
    /// Orders for each millisecond that this disk spent in syncs: how much group commit gets out of a disk, fast or slow.
    orders_per_sync_ms: f64,
}

/// Of each process that has synced something. `placed`: orders in that time.
fn per_sync(used: &BTreeMap<&String, Used>, placed: u64) -> BTreeMap<String, PerSync> {
    let with_disk = used.iter().filter(|(_, used)| used.syncs.0 > 0);
    let figures = |(name, used): (&&String, &Used)| {
        let ((syncs, micros), orders) = (used.syncs, placed as f64);
        let per_sync = PerSync {
            syncs,
            sync_us: ratio(micros as f64, syncs as f64),
            orders_per_sync: ratio(orders, syncs as f64),
            orders_per_sync_ms: ratio(orders, micros as f64 / 1000.0),
        };
        ((*name).clone(), per_sync)
    };
    with_disk.map(figures).collect()
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { (part / whole * 100.0).round() / 100.0 } else { 0.0 }
}

impl Figures {
    /// `latencies`: of the orders in the measured time. What an order costs is counted over all that were `placed`, from
    /// before the first to after the last: each process is asked at another moment, and in between that would count.
    pub(super) fn of(
        arguments: &BenchArguments,
        measured: Duration,
        latencies: &Histogram<u64>,
        yardsticks: &Yardsticks,
        (before, after, placed): (&Cost, &Cost, u64),
        troubles: Troubles,
    ) -> Self {
        let orders = latencies.len();
        let each = |count: u64| ratio(count as f64, placed.max(1) as f64);
        let micros = |share: f64| latencies.value_at_quantile(share) / 1000;
        let p50 = latencies.value_at_quantile(0.5) as f64 / 1000.0;
        let used = |(name, after): (_, &Used)| (name, after.since(before.get(name).copied().unwrap_or_default()));
        let used: BTreeMap<&String, Used> = after.iter().map(used).collect();
        let sum = |what: fn(&Used) -> u64| each(used.values().map(what).sum());
        let Yardsticks { meanwhile, alone, sync } = *yardsticks;
        Self {
            replicas: arguments.replicas,
            customers: arguments.customers,
            secs: measured.as_secs(),
            orders,
            orders_per_s: (orders as f64 / measured.as_secs_f64().max(0.001)) as u64,
            latency_us: Latency {
                p50: micros(0.5),
                p90: micros(0.9),
                p99: micros(0.99),
                p999: micros(0.999),
                max: latencies.max() / 1000,
            },
            ratio: ratio(p50, meanwhile),
            quic_round_trip_us: meanwhile,
            three_quic_round_trips_us: (meanwhile * 30.0).round() / 10.0,
            ratio_alone: ratio(p50, alone),
            quic_round_trip_alone_us: alone,
            fsync_us: sync,
            troubles,
            disk: per_sync(&used, placed),
            cpu_us_per_order: sum(|used| used.processor),
            cpu_us_per_order_by_process: used
                .iter()
                .map(|(name, used)| ((*name).clone(), each(used.processor)))
                .collect(),
            datagrams_per_order: sum(|used| used.traffic.sent),
            bytes_per_order: sum(|used| used.traffic.sent_bytes),
            system_calls_per_order: sum(|used| used.traffic.sends + used.traffic.receives + used.sleeps),
            per_order_by_process: used
                .iter()
                .map(|(name, Used { sleeps, traffic, .. })| {
                    let per_order = PerOrder {
                        datagrams_sent: each(traffic.sent),
                        datagrams_sent_bare: each(traffic.sent_bare),
                        bytes_sent: each(traffic.sent_bytes),
                        datagrams_received: each(traffic.received),
                        bytes_received: each(traffic.received_bytes),
                        sends: each(traffic.sends),
                        receives: each(traffic.receives),
                        sleeps: each(*sleeps),
                    };
                    ((*name).clone(), per_order)
                })
                .collect(),
            rss: used.iter().map(|(name, used)| ((*name).clone(), used.memory)).collect(),
            recovered: None,
            verdict: None,
        }
    }

    pub(super) fn say(&self) -> Result<(), Failure> {
        let Latency { p50, p90, p99, p999, max } = self.latency_us;
        say(format!("{} orders in {} s: {} per second", self.orders, self.secs, self.orders_per_s))?;
        say(format!("latency: median {p50} µs, 90 % {p90} µs, 99 % {p99} µs, 99.9 % {p999} µs, longest {max} µs"))?;
        let Troubles { view_changes, suspicions } = self.troubles;
        say(format!("view changes: {view_changes}, suspicions: {suspicions}"))?;
        if let Some(Recovered { orders, seconds }) = self.recovered {
            say(format!("recovered {orders} orders from disk in {seconds:.2} s"))?;
        }
        let Self { quic_round_trip_us: meanwhile, three_quic_round_trips_us: three, ratio, .. } = self;
        say(format!("bare QUIC round trip under load: {meanwhile:.1} µs; an order takes {ratio} times as long"))?;
        say(format!("three of them, as many as an order needs: {three:.1} µs"))?;
        let Self { quic_round_trip_alone_us: alone, ratio_alone, .. } = self;
        say(format!("bare QUIC round trip without load: {alone:.1} µs; an order takes {ratio_alone} times as long"))?;
        if let Some(sync) = self.fsync_us {
            say(format!("sync of the run's disk (4 KiB): {sync:.1} µs"))?;
        }
        for (name, PerSync { syncs, sync_us, orders_per_sync, orders_per_sync_ms }) in &self.disk {
            say(format!(
                "disk of {name}: {syncs} syncs of {sync_us} µs each, {orders_per_sync} orders in one, {orders_per_sync_ms} orders for each millisecond in syncs"
            ))?;
        }
        let Self { cpu_us_per_order: cpu, datagrams_per_order: datagrams, bytes_per_order: bytes, .. } = self;
        let calls = self.system_calls_per_order;
        say(format!("per order, all processes together: {cpu} µs of processor time, {datagrams} datagrams of"))?;
        say(format!("{bytes} bytes, {calls} system calls that send, receive, or wait asleep"))?;
        say("per order by process:       µs  datagrams    bare   bytes  received  sends  receives  sleeps      MiB")?;
        for (name, it) in &self.per_order_by_process {
            let memory = self.rss.get(name).map_or(0.0, |bytes| *bytes as f64 / 1_048_576.0);
            let cpu = self.cpu_us_per_order_by_process.get(name).copied().unwrap_or_default();
            let PerOrder { datagrams_sent, datagrams_sent_bare, bytes_sent, datagrams_received, .. } = it;
            let PerOrder { sends, receives, sleeps, .. } = it;
            say(format!(
                "  {name:<20}{cpu:>8.2}{datagrams_sent:>11.2}{datagrams_sent_bare:>8.2}{bytes_sent:>8.0}{datagrams_received:>10.2}{sends:>7.2}{receives:>10.2}{sleeps:>8.2}{memory:>9.1}"
            ))?;
        }
        self.verdict.as_ref().map_or(Ok(()), say)
    }
}
