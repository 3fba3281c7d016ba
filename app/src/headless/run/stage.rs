//! A scenario as it is performed on real processes: customers order, steps happen, everything is mended, all is read once
//! more.
//!
//! What happens when is the performance's matter, which the window uses too; what came of it is judged by the caller.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use protocol::ids::{CustomerId, NodeId, Role};
use protocol::postcode::PostcodeService;
use protocol::trace::{Actor, MessageAct, Rate, TraceEvent};

use crate::cluster::Cluster;
use crate::headless::Failure;
use crate::headless::settle;
use crate::headless::workload::{Ordering, Tally};
use crate::load::{Entry, Load};
use crate::picture::{Copies, Life, Node, Picture, Service};
use crate::scenario::{Deed, Performance};
use crate::user_command::UserCommand;

/// A customer that has no answer after so long counts as "unknown", and goes on as somebody else.
const DEADLINE: Duration = Duration::from_secs(10);
/// How long the cluster may take to answer everybody and to agree once nothing goes wrong any more.
pub(super) const QUIET: Duration = Duration::from_secs(20);
/// Between two looks at what only time brings about.
const TICK: Duration = Duration::from_millis(20);
/// Between two looks at the processes.
const BETWEEN_MEASURES: Duration = Duration::from_secs(1);

type Orders = Load<Ordering<BufWriter<File>>>;

/// A running cluster with what is known of it, and the performance.
pub(super) struct Stage {
    pub cluster: Cluster,
    pub picture: Picture,
    pub performance: Performance,
    woken: Receiver<()>,
    trace: Option<BufWriter<File>>,
    /// When nodes were crashed, since the customers began.
    pub crashes: Vec<Duration>,
    pub rss_max: u64,
    /// Whether two replicas stood at the same place and did not hold the same, at any time.
    pub copies_differed: bool,
    /// When customers with a name were told to ask, as long as nothing says that they did.
    told: BTreeMap<CustomerId, Duration>,
    /// Timers rung by each process when time had just been stopped.
    stopped_at: Option<BTreeMap<NodeId, u64>>,
    pub rung_while_stopped: u64,
    measured: Instant,
    /// How long customers ordered.
    pub lasted: Duration,
}

impl Stage {
    /// Nothing has happened yet.
    pub fn open(cluster: Cluster, performance: Performance, trace: Option<&Path>) -> Result<Self, Failure> {
        let trace = trace.map(super::create).transpose()?;
        Ok(Self {
            woken: cluster.woken(),
            cluster,
            picture: Picture::default(),
            performance,
            trace,
            crashes: Vec::new(),
            rss_max: 0,
            copies_differed: false,
            told: BTreeMap::new(),
            stopped_at: None,
            rung_while_stopped: 0,
            measured: Instant::now(),
            lasted: Duration::ZERO,
        })
    }

    /// Everything that happens, up to the last read.
    pub fn play(&mut self, seed: u64, sink: BufWriter<File>) -> Result<Tally, Failure> {
        let entry = Entry::into_own(self.cluster.inquirer())?;
        let base = settle::pre_defined(&entry, QUIET)?;
        self.wait_for_calm()?;
        for command in self.performance.beginning() {
            self.cluster.perform(command);
        }
        // Whoever answers this has heard what was said before.
        self.measure()?;
        let begun = Instant::now();
        let customers = self.performance.scenario().customers;
        // As long as steps are left, however long they take.
        let ordering = Ordering::new(sink, seed, settle::postcodes(&base), base, Duration::MAX);
        let load = Load::start(entry.clone(), customers, Some(DEADLINE), begun, ordering)?;
        while !self.performance.is_over(begun.elapsed()) {
            self.take_facts(Some((&load, begun)))?;
            let deeds = self.performance.go_on(&self.picture, begun.elapsed());
            if deeds.is_empty() {
                self.wait()?;
            }
            for deed in deeds {
                self.do_it(deed, &load, begun)?;
            }
        }
        load.with(Ordering::end);
        self.lasted = begun.elapsed();
        self.mend();
        self.wait_for_the_named(&load, begun)?;
        let reads = load.finish(QUIET)?.finish_with_reads();
        let reads = Load::start(entry, 4, Some(DEADLINE), begun, reads)?.finish(QUIET)?;
        Ok(reads.ordering.finish()?)
    }

    /// Until all replicas that began are members: what happens before does not count.
    fn wait_for_calm(&mut self) -> Result<(), Failure> {
        let deadline = Instant::now() + QUIET;
        let replicas = self.performance.scenario().replicas as usize;
        loop {
            self.take_facts(None)?;
            if matches!(self.picture.service(), Service::Serving { members, .. } if members == replicas) {
                self.performance.begins(&self.picture);
                return Ok(());
            }
            if Instant::now() >= deadline {
                let why = "The replicas did not become members in time. Look at them with “status”.";
                return Err(Failure::Undecided(why.into()));
            }
            self.wait()?;
        }
    }

    /// Hands a deed over to the cluster.
    fn do_it(&mut self, deed: Deed, load: &Orders, begun: Instant) -> Result<(), Failure> {
        let now = begun.elapsed();
        if !deed.words.is_empty() {
            load.with(|ordering| ordering.fault(&deed.words, now));
        }
        let crashes = deed.faults.iter().filter(|kind| kind.starts_with("crash"));
        self.crashes.extend(crashes.map(|_| now));
        for command in deed.commands {
            if let UserCommand::PlaceOrder { customer, .. } | UserCommand::ReadHistory { customer, .. } = command {
                self.told.insert(customer, now);
            }
            if let UserCommand::SetRate { .. } | UserCommand::RunUntil { .. } = command {
                self.count_rung()?;
                self.stopped_at = None;
            }
            self.cluster.perform(command);
        }
        Ok(())
    }

    /// Waits for a fact, or a short while.
    fn wait(&mut self) -> Result<(), Failure> {
        match self.woken.recv_timeout(TICK) {
            Ok(()) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(anyhow::anyhow!("the cluster has ended").into()),
        }
        if self.measured.elapsed() >= BETWEEN_MEASURES {
            self.measure()?;
        }
        Ok(())
    }

    /// Takes in what has happened, for picture and performance, and writes down what customers with a name did.
    pub fn take_facts(&mut self, orders: Option<(&Orders, Instant)>) -> Result<(), Failure> {
        for record in self.cluster.take_facts() {
            if let (TraceEvent::Ended { .. }, Some((load, begun))) = (&record.event, orders) {
                self.note_gone(record.node, load, begun.elapsed());
            }
            self.picture.apply(&record);
            self.performance.learn(&record);
            self.copies_differed |= self.picture.ledger.copies == Copies::Differ;
            if let Some((load, begun)) = orders {
                self.note_named(&record.event, load, begun.elapsed());
            }
            if let Some(trace) = &mut self.trace {
                serde_json::to_writer(&mut *trace, &record).map_err(anyhow::Error::from)?;
                trace.write_all(b"\n")?;
            }
        }
        self.picture.set_now(self.cluster.now());
        Ok(())
    }

    /// If a customer with a name is gone, nobody waits for its answer.
    fn note_gone(&self, node: NodeId, load: &Orders, now: Duration) {
        if let Some(customer) = self.picture.customers.of(node) {
            load.with(|ordering| ordering.named_is_gone(customer.id, now));
        }
    }

    fn note_named(&mut self, event: &TraceEvent, load: &Orders, now: Duration) {
        if let TraceEvent::Asked { customer, request, ask } = event {
            let asked = self.told.remove(customer).unwrap_or(now);
            load.with(|ordering| ordering.named_asked(*request, ask, asked));
        } else if let TraceEvent::Answered { request, answer, .. } = event
            && let Some((postcode, page)) = load.with(|ordering| ordering.named_answered(*request, answer, now))
        {
            let (customer, postcode) = (request.customer, postcode.to_string());
            self.cluster.perform(UserCommand::ReadHistory { customer, postcode, page });
        } else if let TraceEvent::CommandRefused { .. } = event {
            // It was that, if anything: a step waits until it is known that they asked.
            self.told.clear();
        }
    }

    /// Looks at all processes: their memory, and whether a timer rings while time stands still.
    pub fn measure(&mut self) -> anyhow::Result<()> {
        self.measured = Instant::now();
        let all = self.cluster.inquirer().status()?;
        let largest = all.iter().filter_map(|node| node.usage).map(|usage| usage.memory).max();
        self.rss_max = self.rss_max.max(largest.unwrap_or(0));
        if self.picture.steering.rate == Rate::STOPPED {
            let rung = all.iter().filter_map(|node| Some((node.id, node.usage?.timers_rung)));
            match &mut self.stopped_at {
                None => self.stopped_at = Some(rung.collect()),
                Some(before) => {
                    for (node, rung) in rung {
                        let known = before.insert(node, rung).unwrap_or(rung);
                        self.rung_while_stopped += rung.saturating_sub(known);
                    }
                }
            }
        }
        Ok(())
    }

    /// Before time goes on: how many timers have rung since it was stopped.
    fn count_rung(&mut self) -> anyhow::Result<()> {
        if self.stopped_at.is_some() { self.measure() } else { Ok(()) }
    }

    /// Ends all faults, so that what was acknowledged can be read: time goes, links and services are as they should be,
    /// nobody stands still, and what is no replica runs. A mistake that is made on purpose stays.
    fn mend(&mut self) {
        let mut commands =
            vec![UserCommand::SetRate { rate: Rate::REAL }, UserCommand::SetHop { hop: None }, UserCommand::MendAll];
        for service in [PostcodeService::PostcodesIo, PostcodeService::GetTheData] {
            commands.push(UserCommand::Misbehave { service, how: node::control::Misbehaviour::None });
        }
        let held = self.picture.traffic.flying().filter(|passage| passage.is_held());
        commands.extend(held.map(|it| UserCommand::Message { message: it.id, to: it.to, act: MessageAct::LetGo }));
        for id in self.picture.steering.bombs.keys() {
            commands.push(UserCommand::SetBomb { node: self.picture.name(*id), bomb: None });
        }
        for id in self.picture.steering.frozen.keys() {
            commands.push(UserCommand::Wake { node: self.picture.name(*id) });
        }
        let dead = |node: &&Node| node.life != Life::Runs && node.actor != Actor::Role(Role::Replica);
        let dead = self.picture.nodes.iter().filter(dead);
        commands.extend(dead.map(|node| UserCommand::Restart { node: node.name.clone() }));
        for command in commands {
            self.cluster.perform(command);
        }
    }

    /// Until every customer with a name has its answer, or nobody can expect one any more.
    fn wait_for_the_named(&mut self, load: &Orders, begun: Instant) -> Result<(), Failure> {
        let deadline = Instant::now() + QUIET;
        loop {
            self.take_facts(Some((load, begun)))?;
            if self.told.is_empty() && !load.with(|ordering| ordering.named_wait()) {
                return Ok(());
            }
            if Instant::now() >= deadline {
                load.with(|ordering| ordering.forget_named(begun.elapsed()));
                return Ok(());
            }
            self.wait()?;
        }
    }
}
