//! A scenario as it is performed: customers order, steps happen at their time, everything is mended, all is read once more.
//!
//! What came of it is judged by the caller.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use protocol::ids::Role;
use protocol::postcode::PostcodeService;
use protocol::trace::Actor;

use crate::cluster::Cluster;
use crate::headless::Failure;
use crate::headless::known::{Known, KnownNode};
use crate::headless::settle;
use crate::headless::workload::{Ordering, Tally};
use crate::load::{Entry, Load};
use crate::random::Random;
use crate::scenario::{Action, NodeName, Scenario, Step};
use crate::user_command::UserCommand;

/// A customer that has no answer after so long counts as "unknown", and goes on as somebody else.
const DEADLINE: Duration = Duration::from_secs(10);
/// How long the cluster may take to answer everybody and to agree once nothing goes wrong any more.
pub(super) const QUIET: Duration = Duration::from_secs(20);
/// A running cluster with what is known of it.
pub(super) struct Stage {
    pub cluster: Cluster,
    pub known: Known,
    woken: Receiver<()>,
    trace: Option<BufWriter<File>>,
    pub faults: BTreeMap<&'static str, u64>,
    /// When nodes were crashed, since the customers began.
    pub crashes: Vec<Duration>,
    pub rss_max: u64,
}

impl Stage {
    /// Nothing has happened yet.
    pub fn open(cluster: Cluster, trace: Option<&Path>) -> Result<Self, Failure> {
        let trace = trace.map(super::create).transpose()?;
        let (sender, woken) = channel();
        cluster.wake_with(move || {
            let _ = sender.send(());
        });
        let (known, faults) = (Known::default(), BTreeMap::new());
        Ok(Self { cluster, known, woken, trace, faults, crashes: Vec::new(), rss_max: 0 })
    }

    /// Everything that happens, up to the last read.
    pub fn play(&mut self, scenario: &Scenario, seed: u64, sink: BufWriter<File>) -> Result<Tally, Failure> {
        let entry = Entry::into_own(self.cluster.inquirer())?;
        let base = settle::pre_defined(&entry, QUIET)?;
        let begun = Instant::now();
        let postcodes = settle::postcodes(&base);
        let ordering = Ordering::new(sink, seed, postcodes, base, scenario.lasts);
        let load = Load::start(entry.clone(), scenario.customers, Some(DEADLINE), begun, ordering)?;
        let mut random = Random::new(seed);
        for (at, step) in timetable(scenario) {
            self.watch(begun, at)?;
            let done = self.known.perform(&mut self.cluster, &step.action, random.number());
            for (kind, node) in done {
                *self.faults.entry(kind).or_default() += 1;
                load.with(|ordering| ordering.fault(&format!("{kind} {node}"), begun.elapsed()));
                if kind == "crash" {
                    self.crashes.push(begun.elapsed());
                }
            }
        }
        self.watch(begun, scenario.lasts)?;
        self.mend();
        let reads = load.finish(QUIET)?.finish_with_reads();
        let reads = Load::start(entry, 4, Some(DEADLINE), begun, reads)?.finish(QUIET)?;
        Ok(reads.ordering.finish()?)
    }

    /// Takes in facts until that moment.
    fn watch(&mut self, begun: Instant, until: Duration) -> Result<(), Failure> {
        loop {
            self.take_facts()?;
            let left = until.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Ok(());
            }
            match self.woken.recv_timeout(left.min(Duration::from_secs(1))) {
                Ok(()) => {}
                Err(RecvTimeoutError::Timeout) => self.measure()?,
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }

    /// Takes in what has happened.
    pub fn take_facts(&mut self) -> Result<(), Failure> {
        for record in self.cluster.take_facts() {
            self.known.learn(&record);
            if let Some(trace) = &mut self.trace {
                serde_json::to_writer(&mut *trace, &record).map_err(anyhow::Error::from)?;
                trace.write_all(b"\n")?;
            }
        }
        Ok(())
    }

    /// Looks at the memory of all processes.
    pub fn measure(&mut self) -> anyhow::Result<()> {
        let all = self.cluster.inquirer().status()?;
        let largest = all.iter().filter_map(|node| node.usage).map(|usage| usage.memory).max();
        self.rss_max = self.rss_max.max(largest.unwrap_or(0));
        Ok(())
    }

    /// Ends all faults, so that what was acknowledged can be read: services answer, and what is no replica runs.
    fn mend(&mut self) {
        for service in [PostcodeService::PostcodesIo, PostcodeService::GetTheData] {
            let how = node::control::Misbehaviour::None;
            self.cluster.perform(UserCommand::Misbehave { service, how });
        }
        let dead = |node: &&KnownNode| node.crashed && !matches!(node.started.actor, Actor::Role(Role::Replica));
        let names: Vec<String> = self.known.nodes().filter(dead).map(|node| node.started.name.clone()).collect();
        for name in names {
            let restart = Action::Restart(NodeName::Named(name));
            drop(self.known.perform(&mut self.cluster, &restart, 0));
        }
    }
}

/// Which step at which moment, repetitions included, up to the end.
fn timetable(scenario: &Scenario) -> impl Iterator<Item = (Duration, &Step)> {
    let rounds = match scenario.again_after {
        Some(period) => (scenario.lasts.as_millis() / period.as_millis().max(1)) as u32 + 1,
        None => 1,
    };
    let period = scenario.again_after.unwrap_or_default();
    (0..rounds)
        .flat_map(move |round| scenario.steps.iter().map(move |step| (period * round + step.at, step)))
        .take_while(|(at, _)| *at < scenario.lasts)
}
