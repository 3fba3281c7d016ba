//! How a cluster starts: in which order, and what the next step waits for.
//!
//! Afterwards the supervisor's loop takes over; nothing here runs twice.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};
use node::EXIT_BAD_INPUT;
use node::control::{Reach, ServiceAddress};
use protocol::ids::{Contact, NodeId, Role};
use protocol::postcode::PostcodeService;
use protocol::trace::{Actor, Failpoint, LauncherEvent, NodeState, Started};
use protocol::view_record::Keeping;

use super::Supervisor;
use crate::by_hand::services;
use crate::child::HowEnded;
use crate::customers::{Customers, Rooms};
use crate::durable_folder::DurableFolder;
use crate::incoming::Incoming;
use crate::incoming::ProcessKey;
use crate::launcher::Process;
use crate::nodes::Kind;
use crate::question::Question;
use crate::{NotStarted, Postcodes};

/// How long a whole start without orders on disk may take, in real time: nothing else would end one whose process hangs.
const SLOWEST_START: Duration = Duration::from_secs(20);
/// A durable replica listens once it has read its file, which it does at ten times this pace or more: bytes a second.
const SLOWEST_READING: u64 = 5_000_000;
/// How often overdue answers are looked at meanwhile.
const PATIENCE: Duration = Duration::from_millis(200);
/// Between an answer that is not the wanted one and the next question; doubled each time, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);
/// A signal that killed a process has reached this one within so long, if it was sent to all.
const SAME_SIGNAL: Duration = Duration::from_millis(50);

/// When a start has taken too long, and how long that is.
#[derive(Clone, Copy)]
struct Deadline {
    at: Instant,
    allowed: Duration,
}

impl Deadline {
    fn after(allowed: Duration) -> Self {
        Self { at: Instant::now() + allowed, allowed }
    }
}

/// With this number of bytes on disk.
fn slowest_start(bytes: u64) -> Duration {
    SLOWEST_START + Duration::from_secs(bytes / SLOWEST_READING)
}

impl Supervisor {
    /// Starts everything, in the order in which one needs to know the other: name server and services, then the first
    /// replica (whose pre-defined orders become everybody's), then the rest.
    pub fn start(&mut self) -> anyhow::Result<()> {
        let deadline = Deadline::after(slowest_start(self.common.durable.as_ref().map_or(0, DurableFolder::bytes)));
        let acknowledge = self.common.settings.acknowledge;
        if !acknowledge.is_safe() {
            self.fact(NodeId(0), LauncherEvent::AcknowledgeIs { acknowledge });
        }
        let mut first: Vec<_> = (0..self.options.name_servers).map(|_| self.nodes.add(Kind::NameServer)).collect();
        match self.options.postcodes {
            Postcodes::StandIn => {
                let services = [PostcodeService::PostcodesIo, PostcodeService::GetTheData];
                first.extend(services.map(|service| self.nodes.add(Kind::StandIn(service))));
            }
            Postcodes::Live => self.name_live()?,
        }
        self.launch_all(&first, deadline)?;
        if let Some(durable) = &self.common.durable {
            let mut numbers = durable.replicas();
            self.nodes.highest = durable.highest();
            if self.nodes.highest > 0 {
                // Those that are missing are new ones: they have nothing, and join.
                let more = (self.options.replicas as usize).saturating_sub(numbers.len());
                numbers.extend(durable.free_numbers().take(more));
                return self.start_again(&numbers, deadline);
            }
        }
        let replica = self.nodes.add_replica();
        self.launch_all(&[replica], deadline)?;
        self.until("the first replica did not register", deadline, |state| match state {
            NodeState::NameServer { names, .. } => names.iter().any(|(_, role, _)| *role == Role::Replica),
            NodeState::FrontEnd { .. } | NodeState::Replica(_) | NodeState::Customer { .. } => false,
        })?;
        let front_end = self.nodes.add(Kind::FrontEnd);
        self.launch_all(&[front_end], deadline)?;
        self.until("the first replica did not become primary", deadline, |state| match state {
            NodeState::Replica(replica) => replica.acting,
            NodeState::NameServer { .. } | NodeState::FrontEnd { .. } | NodeState::Customer { .. } => false,
        })?;
        let rest: Vec<usize> = (1..self.options.replicas).map(|_| self.nodes.add_replica()).collect();
        self.launch_all(&rest, deadline)?;
        self.start_customers()
    }

    /// A durable cluster goes on with the replicas that it had on this machine, members or not.
    fn start_again(&mut self, numbers: &[u32], deadline: Deadline) -> anyhow::Result<()> {
        let mut all: Vec<usize> = numbers.iter().map(|number| self.nodes.add_replica_with(*number)).collect();
        all.push(self.nodes.add(Kind::FrontEnd));
        self.launch_all(&all, deadline)?;
        self.start_customers()
    }

    fn start_customers(&mut self) -> anyhow::Result<()> {
        let rooms = Rooms {
            credentials: self.common.authority.issue(Role::Customer, None)?,
            settings: self.common.settings.clone(),
            listen: (self.common.listen, 0).into(),
            reach: Reach::default(),
            observe: self.common.observe,
            name_servers: self.nodes.name_servers(),
        };
        let sender = self.sender.clone();
        // Fails only while everything ends.
        let register = move |moved| drop(sender.send(Incoming::Moved(moved)));
        let told = (self.facts.clone(), Box::new(register) as _);
        self.customers = Some(Customers::open(rooms, self.clock.clone(), told, &mut self.hosts)?);
        if self.options.default_customers
            && let Some(customers) = &self.customers
        {
            customers.add_default();
        }
        Ok(())
    }

    /// A real service has no process here, but it is part of the picture.
    fn name_live(&mut self) -> anyhow::Result<()> {
        self.nodes.live_services = services::live()?;
        for ServiceAddress { service, id, .. } in self.nodes.live_services.clone() {
            let contact = Contact { id, address: ([0, 0, 0, 0], 0).into() };
            let (name, actor) = (service.to_string(), Actor::Service(service));
            self.fact(id, LauncherEvent::Started(Started { name, actor, pid: 0, contact }));
        }
        Ok(())
    }

    /// Waits until something is so of what the nodes believe; `otherwise` says what was not so at the deadline.
    fn until(&mut self, otherwise: &str, deadline: Deadline, so: impl Fn(&NodeState) -> bool) -> anyhow::Result<()> {
        let mut pause = FIRST_PAUSE;
        let mut otherwise = otherwise.to_owned();
        loop {
            let (reply, answer) = channel();
            self.handle(Incoming::Asked(Question::Status(reply)));
            let all = loop {
                match answer.try_recv() {
                    Ok(all) => break all,
                    Err(_) => self.hear(deadline, PATIENCE, &otherwise)?,
                }
            };
            if all.iter().any(|node| matches!(node.state, Some(NodeState::NameServer { keeping: Keeping::Silent, .. })))
            {
                otherwise = "etcd, where --view-record keeps the view record, did not answer. Check that it runs, and its addresses. It was asked".into();
            }
            if all.iter().any(|node| node.state.as_ref().is_some_and(&so)) {
                return Ok(());
            }
            let again = Instant::now() + pause;
            while Instant::now() < again {
                self.hear(deadline, again.saturating_duration_since(Instant::now()), &otherwise)?;
            }
            pause = LONGEST_PAUSE.min(2 * pause);
        }
    }

    /// The only wait of a start. Takes in one thing that comes within `at_most`. What must end the start ends it here: a
    /// process that dies, an interrupt, the deadline.
    fn hear(&mut self, deadline: Deadline, at_most: Duration, otherwise: &str) -> anyhow::Result<()> {
        let left = deadline.at.saturating_duration_since(Instant::now());
        if left.is_zero() {
            bail!("The cluster did not start: {otherwise} within {} s.", deadline.allowed.as_secs());
        }
        match self.incoming.recv_timeout(left.min(at_most)) {
            Ok(Incoming::Stop | Incoming::Interrupted) | Err(RecvTimeoutError::Disconnected) => {
                return Err(NotStarted::BrokenOff.into());
            }
            Ok(Incoming::Ended(key)) => self.on_early_end(key)?,
            Ok(incoming) => self.handle(incoming),
            Err(RecvTimeoutError::Timeout) => {}
        }
        self.inquiries.answer_overdue();
        self.report_confirmed();
        Ok(())
    }

    /// A process that dies while the cluster starts ends the start, with its last words.
    fn on_early_end(&mut self, key: ProcessKey) -> anyhow::Result<()> {
        let Some(node) = self.nodes.of_process(key) else { return Ok(()) };
        let Some(process) = node.process.take() else { return Ok(()) };
        let HowEnded { code, status, words } = process.reap();
        let was_killed = status.is_some() && code.is_none();
        if was_killed && self.options.interrupt.wait(SAME_SIGNAL) {
            return Err(NotStarted::BrokenOff.into());
        }
        let status = status.unwrap_or_default();
        let why = node.failure.take().unwrap_or(if words.is_empty() { status } else { words });
        let why = format!("{} ended while starting: {why}", node.name);
        Err(match code == Some(EXIT_BAD_INPUT.into()) {
            true => NotStarted::NotHere(why).into(),
            false => anyhow!(why),
        })
    }

    /// Starts a node, again or for the first time.
    pub(crate) fn launch(&mut self, at: usize) -> anyhow::Result<()> {
        let before = self.nodes.all[at].id;
        let machine = self.machine_of(at)?;
        let mut config = self.nodes.configuration(at, &self.common, machine.as_deref())?;
        self.arm(at, before, &mut config);
        config.links = self.own_links(config.id);
        self.processes += 1;
        let (key, sender) = (ProcessKey(self.processes), self.sender.clone());
        let (program, facts) = (self.options.program.clone(), self.facts.clone());
        let told = (sender, facts);
        let public_key = self.nodes.all[at].key.clone();
        let spawned = || self.reach(Failpoint::SupervisorChildSpawnedUnregistered);
        let process = match machine.zip(public_key) {
            Some((machine, public_key)) => Process::start_afar(&machine, key, (public_key, config), told)?,
            None => Process::start(&program, key, config, told, spawned)?,
        };
        let node = &mut self.nodes.all[at];
        (node.ready, node.removed, node.wanted_end, node.failure) = (false, false, None, None);
        node.process = Some(process);
        (node.out_of_sight, node.has_left) = (false, false);
        self.tell_newcomer(at);
        Ok(())
    }

    /// Starts some nodes and waits until all of them listen.
    fn launch_all(&mut self, which: &[usize], deadline: Deadline) -> anyhow::Result<()> {
        for at in which {
            self.launch(*at)?;
        }
        while let Some(late) = which.iter().find(|at| !self.nodes.all[**at].ready) {
            let otherwise = format!("{} did not open its port", self.nodes.all[*late].name);
            self.hear(deadline, PATIENCE, &otherwise)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three replicas with 36 million orders, 3.9 GB each, once did not listen within 20 s, and their cluster could not be started again.
    #[test]
    fn a_start_may_take_longer_the_more_is_on_disk() {
        assert_eq!(slowest_start(1_000_000), SLOWEST_START);
        assert!(slowest_start(3 * 3_856_000_000) > Duration::from_secs(1800));
    }
}
