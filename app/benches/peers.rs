//! This program beside others on the same machine, in turn: Redis with two replicas, etcd with three members, and a bare chain
//! of processes that pass UDP datagrams on. `cargo bench -p just-hungry --bench peers` prints medians of three rounds.
//!
//! `--customers 1,16`, `--rounds 1` and `--secs 2` change what is measured. A server that is not installed is left out. Redis
//! and etcd have one hop less than this program, and nothing is encrypted there. etcd is asked through its JSON gateway.
#![expect(clippy::print_stdout, reason = "its output is the figure")]
#![expect(clippy::unwrap_used, reason = "a benchmark may fail by unwrap")]

#[path = "peers/chain.rs"]
mod chain;
#[path = "peers/load.rs"]
mod load;
#[path = "peers/servers.rs"]
mod servers;

use std::process::Command;
use std::time::Duration;

/// One measurement.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    per_s: f64,
    /// In microseconds.
    median: f64,
    p99: f64,
    /// Microseconds of processor time an order, load generator included; none: not known.
    processor: Option<f64>,
    /// In bare QUIC round trips of the same run, if there were any.
    trips: Option<f64>,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "hop") {
        return chain::hop(&arguments[1..]);
    }
    let option = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    let customers = option("--customers").unwrap_or("1,16,64,256,1000".into());
    let customers: Vec<u32> = customers.split(',').map(|number| number.parse().unwrap()).collect();
    let rounds: usize = option("--rounds").map_or(3, |rounds| rounds.parse().unwrap());
    let lasts = Duration::from_secs(option("--secs").map_or(3, |secs| secs.parse().unwrap()));
    println!("customers  what              orders/s  median µs    99 % µs  µs of processor/order  QUIC round trips");
    for customers in customers {
        type Measure = fn(u32, Duration) -> Option<Found>;
        let all: [(&str, Measure); 4] = [
            ("this program", this_program),
            ("Redis, WAIT 2", servers::redis),
            ("etcd in memory", servers::etcd),
            ("bare UDP chain", chain::measure_chain),
        ];
        // In turn, so that a machine that becomes slower does so for all.
        let mut found: [Vec<Found>; 4] = Default::default();
        for _ in 0..rounds {
            for ((_, measure), found) in all.iter().zip(&mut found) {
                found.extend(measure(customers, lasts));
            }
        }
        for ((what, _), found) in all.iter().zip(found) {
            say(customers, what, &found);
        }
    }
}

fn say(customers: u32, what: &str, found: &[Found]) {
    if found.is_empty() {
        return println!("{customers:>9}  {what:<16}  not measured: it is not installed");
    }
    let median = |figure: fn(&Found) -> Option<f64>, digits: usize| {
        let mut all: Vec<f64> = found.iter().filter_map(figure).collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).map_or("–".into(), |figure| format!("{figure:.digits$}"))
    };
    let (per_s, middle) = (median(|it| Some(it.per_s), 0), median(|it| Some(it.median), 0));
    let (p99, processor) = (median(|it| Some(it.p99), 0), median(|it| it.processor, 1));
    let trips = median(|it| it.trips, 2);
    println!("{customers:>9}  {what:<16}{per_s:>10}{middle:>11}{p99:>11}{processor:>23}{trips:>18}");
}

fn this_program(customers: u32, lasts: Duration) -> Option<Found> {
    let (customers, secs) = (customers.to_string(), lasts.as_secs().to_string());
    let program = env!("CARGO_BIN_EXE_just-hungry");
    let output = Command::new(program).args(["bench", "--json", "--customers", &customers, "--secs", &secs]).output();
    let figures: serde_json::Value = serde_json::from_slice(&output.unwrap().stdout).unwrap();
    let latency = |share: &str| figures["latency_us"][share].as_f64().unwrap();
    Some(Found {
        per_s: figures["orders_per_s"].as_f64().unwrap(),
        median: latency("p50"),
        p99: latency("p99"),
        processor: figures["cpu_us_per_order"].as_f64(),
        trips: figures["ratio"].as_f64(),
    })
}
