//! What the supervisor does with commands for time, messages, processes and injected bugs: each command goes to the processes
//! it concerns, and becomes a fact.
//!
//! No machine knows of them. Links have a file of their own.

use anyhow::{bail, ensure};
use node::control::{ControlCommand, SteeringCommand};
use protocol::acknowledge::Acknowledge;
use protocol::ids::{MessageId, NodeId, Span};
use protocol::machine::Timer;
use protocol::plant::Plant;
use protocol::trace::{
    DiskFault, Ending, Freezing, LauncherEvent, MachineEvent, MessageAct, NodeEvent, Rate, TraceEvent,
};

use super::Supervisor;
use super::links::LinkRules;
use crate::child::Signal;
use crate::hosts::HostKey;
use crate::incoming::ProcessKey;
use crate::nodes::Kind;
use knowledge::user_command::Until;

/// How long a hop lasts while time is slower than real time, unless a person wants it otherwise.
const SLOW_HOP: Span = Span::millis(10);
/// A hop lasts at most so long.
const LONGEST_HOP: Span = Span::millis(60_000);

/// How the cluster is steered, as far as the launcher has to remember it.
#[derive(Default)]
pub(crate) struct Steering {
    /// What a person wants a hop to last; none: it follows the rate.
    pub hop: Option<Span>,
    pub links: LinkRules,
    pub heartbeats: bool,
}

impl Supervisor {
    /// Tells the host of this actor: its process, or the customers' host. False: the id is not known.
    pub(crate) fn steer(&self, actor: NodeId, command: SteeringCommand) -> anyhow::Result<bool> {
        match self.nodes.all.iter().position(|node| node.id == actor) {
            Some(at) => self.tell(at, ControlCommand::Steer(command)).map(|()| true),
            None => Ok(self.hosts.tell_host_of(actor, command)),
        }
    }

    /// Tells every process and every customers' host.
    fn steer_all(&mut self, command: &SteeringCommand) {
        for process in self.nodes.all.iter().filter_map(|node| node.process.as_ref()) {
            process.tell(ControlCommand::Steer(command.clone()));
        }
        self.hosts.tell_all(command);
    }

    /// Time goes on at another rate, to a moment if one is given; the host of the hops is told first.
    pub(crate) fn set_clock(&mut self, rate: Rate, until: Option<u64>) -> anyhow::Result<()> {
        if rate > Rate::REAL || (rate < Rate::SLOWEST && rate != Rate::STOPPED) {
            bail!("Choose a speed from 1/1000 to real time, or stop time.");
        }
        self.use_hop(rate);
        let at = self.clock.set(rate, until);
        self.steer_all(&SteeringCommand::Clock { at, rate, until });
        let clock_is = (NodeId(0), LauncherEvent::ClockIs { rate, until });
        let waits_for = if rate == Rate::STOPPED { self.machines_that_run() } else { Vec::new() };
        if waits_for.is_empty() {
            self.fact(clock_is.0, clock_is.1);
        } else {
            // On one machine they hear it before anything else can happen; over a network that is seen only when they say so.
            self.fact(NodeId(0), LauncherEvent::Stopping { waits_for });
            self.confirmed_by_all(vec![clock_is, (NodeId(0), LauncherEvent::Stopping { waits_for: Vec::new() })]);
        }
        Ok(())
    }

    /// The app watches for what is no moment, and stops time when it has happened.
    pub(crate) fn run_until(&mut self, rate: Rate, until: Until) -> anyhow::Result<()> {
        if rate == Rate::STOPPED {
            bail!("Time is stopped, so nothing would happen. Choose a speed first.");
        }
        self.set_clock(
            rate,
            match until {
                Until::Moment(at) => Some(at),
                Until::NumberedStep | Until::ViewChange => None,
            },
        )
    }

    pub(crate) fn set_hop(&mut self, hop: Option<Span>) -> anyhow::Result<()> {
        if hop.is_some_and(|hop| hop > LONGEST_HOP) {
            bail!("A hop can last at most {} s.", LONGEST_HOP.0 / 1_000_000);
        }
        self.steering.hop = hop;
        let before = self.common.settings.hop;
        self.use_hop(self.clock.rate());
        if self.common.settings.hop == before {
            // It has this length already. The fact is reported all the same.
            self.fact(NodeId(0), LauncherEvent::HopIs { hop: before.0 });
        }
        Ok(())
    }

    /// Slows hops as the rate wants it, unless a person wants it otherwise.
    fn use_hop(&mut self, rate: Rate) {
        let usual = if rate.is_slow() { SLOW_HOP } else { Span(0) };
        let hop = self.steering.hop.unwrap_or(usual);
        if hop != self.common.settings.hop {
            self.common.settings.hop = hop;
            self.retime();
            self.fact(NodeId(0), LauncherEvent::HopIs { hop: hop.0 });
        }
    }

    /// Everybody uses the present settings.
    fn retime(&mut self) {
        self.steer_all(&SteeringCommand::Retime(self.common.settings.clone()));
    }

    pub(crate) fn set_plant(&mut self, plant: Option<Plant>) {
        self.common.settings.plant = plant;
        self.retime();
        self.confirmed_by_all(vec![(NodeId(0), LauncherEvent::PlantIs { plant })]);
    }

    pub(crate) fn set_acknowledge(&mut self, acknowledge: Acknowledge) {
        self.common.settings.acknowledge = acknowledge;
        self.retime();
        self.confirmed_by_all(vec![(NodeId(0), LauncherEvent::AcknowledgeIs { acknowledge })]);
    }

    /// A disk that is full stays so, whatever becomes of the replica's process.
    pub(crate) fn set_disk(&mut self, name: &str, fault: Option<DiskFault>) -> anyhow::Result<()> {
        let at = self.named(name)?;
        ensure!(
            matches!(self.nodes.all[at].kind, Kind::Replica { .. }),
            "Only a replica keeps orders, and {name} is none."
        );
        ensure!(
            self.common.durable.is_some(),
            "{name} keeps its orders in memory, so it has no disk that could fail. Start a durable cluster."
        );
        let node = &mut self.nodes.all[at];
        node.disk_fault = fault;
        let id = node.id;
        let told = match node.process {
            Some(_) => vec![(id, SteeringCommand::Disk { node: id, fault })],
            None => Vec::new(),
        };
        self.steer_and_confirm(told, vec![(id, LauncherEvent::DiskIs { fault })]);
        Ok(())
    }

    pub(crate) fn show_heartbeats(&mut self, on: bool) {
        self.steering.heartbeats = on;
        self.steer_all(&SteeringCommand::ObserveHeartbeats(on));
        self.fact(NodeId(0), LauncherEvent::HeartbeatsAre { shown: on });
    }

    /// A message is in a link of its sender. Of what a service says, that link is its asker's.
    pub(crate) fn act_on_message(&mut self, message: MessageId, to: NodeId, act: MessageAct) -> anyhow::Result<()> {
        let owner = if self.is_service(message.from) { to } else { message.from };
        if !self.steer(owner, SteeringCommand::Message { message, to, act })? {
            bail!("The sender of this message has ended, so the messages in its links are lost.");
        }
        Ok(())
    }

    pub(crate) fn ring(&mut self, id: NodeId, timer: Timer) -> anyhow::Result<()> {
        if !self.steer(id, SteeringCommand::Ring { node: id, timer })? {
            bail!("The node of this timer has ended.");
        }
        Ok(())
    }

    pub(crate) fn freeze(&mut self, name: &str, how: Freezing) -> anyhow::Result<()> {
        let at = self.named(name)?;
        let node = &self.nodes.all[at];
        ensure!(node.process.is_some(), "{name} is not running.");
        if node.frozen.is_some() {
            bail!("{name} is already frozen. Wake it first.");
        }
        match how {
            Freezing::Cooperative if matches!(node.kind, Kind::StandIn(_)) => {
                bail!("A postcode service cannot freeze itself. Suspend its process (SIGSTOP), or make it hang.");
            }
            Freezing::Cooperative => {
                self.tell(at, ControlCommand::Freeze)?;
                // It says so itself, when its loop comes to it; a “wake” that comes before must not be refused.
                self.nodes.all[at].frozen = Some(how);
                Ok(())
            }
            Freezing::Signal => {
                self.signal(at, Signal::Stop)?;
                self.stands_still(at, Some(how));
                Ok(())
            }
        }
    }

    pub(crate) fn wake(&mut self, name: &str) -> anyhow::Result<()> {
        if self.hosts.knows(name) {
            let node = self.customer_named(name)?;
            return self.wake_customer(name, node);
        }
        let at = self.named(name)?;
        let node = &self.nodes.all[at];
        ensure!(node.process.is_some(), "{name} is not running.");
        match node.frozen {
            None => bail!("{name} is not frozen."),
            Some(Freezing::Signal) => {
                self.tell_time(at);
                self.signal(at, Signal::GoOn)?;
                self.stands_still(at, None);
            }
            Some(Freezing::Cooperative) => {
                self.tell_time(at);
                self.tell(at, ControlCommand::Wake)?;
                self.nodes.all[at].frozen = None;
            }
        }
        Ok(())
    }

    fn signal(&mut self, at: usize, signal: Signal) -> anyhow::Result<()> {
        self.nodes.all[at].process.as_mut().map_or(Ok(()), |process| process.signal(signal))
    }

    /// A process that stood still counts time from when it hears what was said meanwhile: it must hear what time it is now.
    pub(crate) fn tell_time(&self, at: usize) {
        let reading = self.clock.reading();
        let command = SteeringCommand::Clock { at: reading.cluster, rate: reading.rate, until: reading.until };
        // Fails only if it has just ended.
        let _ = self.tell(at, ControlCommand::Steer(command));
    }

    /// A process was stopped by signal, or let go on.
    fn stands_still(&mut self, at: usize, how: Option<Freezing>) {
        let node = &mut self.nodes.all[at];
        node.frozen = how;
        let id = node.id;
        self.fact_for(id, how.map_or(NodeEvent::Woke, |how| NodeEvent::Froze { how }));
    }

    pub(crate) fn crash_all(&mut self) -> anyhow::Result<()> {
        let of_protocol = |kind: Kind| matches!(kind, Kind::NameServer | Kind::FrontEnd | Kind::Replica { .. });
        let mut any = false;
        for node in self.nodes.all.iter_mut().filter(|node| of_protocol(node.kind)) {
            if let Some(process) = &mut node.process {
                node.wanted_end = Some(Ending::Crashed);
                process.kill();
                any = true;
            }
        }
        if !any {
            bail!("No node is running, so there is nothing to crash.");
        }
        Ok(())
    }

    /// Starts everything again that is not running and was not taken away.
    pub(crate) fn power_on(&mut self) -> anyhow::Result<()> {
        let ended = |at: &usize| self.nodes.all[*at].process.is_none() && !self.nodes.all[*at].removed;
        let ended: Vec<usize> = (0..self.nodes.all.len()).filter(ended).collect();
        if ended.is_empty() {
            bail!("All nodes are running, so there is nothing to start.");
        }
        ended.into_iter().try_for_each(|at| self.launch(at))
    }

    /// What a process said of itself that the launcher has to remember.
    pub(crate) fn on_steered(&mut self, key: ProcessKey, event: &TraceEvent) {
        if let TraceEvent::Machine(MachineEvent::TookIn { replica }) = event {
            return self.on_taken_in(*replica);
        }
        if matches!(event, TraceEvent::Node(NodeEvent::Froze { .. } | NodeEvent::Exploded { .. })) {
            self.confirms_nothing(key);
        }
        let Some(node) = self.nodes.of_process(key) else { return };
        if let TraceEvent::Node(NodeEvent::Froze { how }) = event {
            node.frozen = Some(*how);
        } else if let TraceEvent::Node(NodeEvent::Woke) = event {
            // Nobody woke it: it was frozen by a bomb, and its time is over.
            let by_itself = node.frozen.take().is_some();
            let at = self.nodes.all.iter().position(|node| node.process.as_ref().is_some_and(|it| it.key == key));
            at.filter(|_| by_itself).into_iter().for_each(|at| self.tell_time(at));
        } else if let TraceEvent::Node(NodeEvent::Exploded { .. }) = event {
            node.bomb = None;
            // It may have gone off before the launcher had said that it lies there.
            let id = node.id;
            self.fact(id, LauncherEvent::BombIs { bomb: None });
        }
    }

    /// What a process that has just been started must know, and is not in its configuration.
    pub(crate) fn tell_newcomer(&self, at: usize) {
        let node = &self.nodes.all[at];
        if self.steering.heartbeats
            && let Some(process) = &node.process
        {
            process.tell(ControlCommand::Steer(SteeringCommand::ObserveHeartbeats(true)));
        }
        self.renew_links(&node.name);
    }

    /// What a customers' host that is there now must know.
    pub(crate) fn tell_new_host(&self, key: HostKey) {
        self.tell_host_time(key);
        self.hosts.tell(key, SteeringCommand::Retime(self.common.settings.clone()));
        self.hosts.tell(key, SteeringCommand::ObserveHeartbeats(self.steering.heartbeats));
    }

    pub(crate) fn tell_host_time(&self, key: HostKey) {
        let reading = self.clock.reading();
        let (at, rate, until) = (reading.cluster, reading.rate, reading.until);
        self.hosts.tell(key, SteeringCommand::Clock { at, rate, until });
    }
}
