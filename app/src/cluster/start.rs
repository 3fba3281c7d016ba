//! How a cluster starts: in which order, and what the next step waits for.
//!
//! Afterwards the supervisor's loop takes over; nothing here runs twice.

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use node::control::ServiceAddress;
use protocol::ids::{Contact, NodeId, Role};
use protocol::postcode::PostcodeService;
use protocol::trace::{Actor, Failpoint, NodeState, Started, TraceEvent};

use super::customers::Customers;
use super::inquiry::Question;
use super::launcher::{Process, ProcessKey};
use super::nodes::Kind;
use super::supervisor::{Incoming, Supervisor};
use super::{Postcodes, random};

/// A process that has not said that it listens after so long never will.
const SLOWEST_START: Duration = Duration::from_secs(20);
/// How often overdue answers are looked at meanwhile.
const PATIENCE: Duration = Duration::from_millis(200);

impl Supervisor {
    /// Starts everything, in the order in which one needs to know the other: name server and services, then the first
    /// replica (whose pre-defined orders become everybody's), then the rest.
    pub fn start(&mut self) -> anyhow::Result<()> {
        let mut first = vec![self.nodes.add(Kind::NameServer)];
        for service in [PostcodeService::PostcodesIo, PostcodeService::GetTheData] {
            match self.options.postcodes {
                Postcodes::StandIn => first.push(self.nodes.add(Kind::StandIn(service))),
                Postcodes::Live => self.name_live(service)?,
            }
        }
        self.launch_all(&first)?;
        let replica = self.nodes.add_replica();
        self.launch_all(&[replica])?;
        self.until("the first replica is registered", |state| match state {
            NodeState::NameServer { names, .. } => names.iter().any(|(_, role, _)| *role == Role::Replica),
            NodeState::FrontEnd { .. } | NodeState::Replica(_) | NodeState::Customer { .. } => false,
        })?;
        let front_end = self.nodes.add(Kind::FrontEnd);
        self.launch_all(&[front_end])?;
        self.until("the first replica leads", |state| match state {
            NodeState::Replica(replica) => replica.acting,
            NodeState::NameServer { .. } | NodeState::FrontEnd { .. } | NodeState::Customer { .. } => false,
        })?;
        let rest: Vec<usize> = (1..self.options.replicas).map(|_| self.nodes.add_replica()).collect();
        self.launch_all(&rest)?;
        let name_server = self.nodes.name_server().context("the name server has no address")?;
        let told = (self.facts.clone(), self.sender.clone());
        self.customers = Some(Customers::start(&self.common, name_server, self.clock.clone(), told, &mut self.hosts)?);
        if self.options.default_customers
            && let Some(customers) = &self.customers
        {
            customers.add_default();
        }
        Ok(())
    }

    /// A real service has no process here, but it is part of the picture.
    fn name_live(&mut self, service: PostcodeService) -> anyhow::Result<()> {
        let base_url = match service {
            PostcodeService::PostcodesIo => "https://api.postcodes.io".to_owned(),
            PostcodeService::GetTheData => "http://api.getthedata.com".to_owned(),
        };
        let id = NodeId(random()?);
        self.nodes.live_services.push(ServiceAddress { service, id, base_url });
        let contact = Contact { id, address: ([0, 0, 0, 0], 0).into() };
        let (name, actor) = (service.to_string(), Actor::Service(service));
        self.fact(id, TraceEvent::Started(Started { name, actor, pid: 0, contact }));
        Ok(())
    }

    /// Waits until something is so of what the nodes believe.
    fn until(&mut self, what: &str, so: impl Fn(&NodeState) -> bool) -> anyhow::Result<()> {
        let deadline = Instant::now() + SLOWEST_START;
        loop {
            let (reply, answer) = channel();
            self.handle(Incoming::Asked(Question::Status(reply)));
            let all = loop {
                if let Ok(all) = answer.try_recv() {
                    break all;
                }
                let left = deadline.saturating_duration_since(Instant::now());
                let incoming = self.incoming.recv_timeout(left.min(PATIENCE));
                match incoming {
                    Ok(Incoming::Stop) => bail!("the start was broken off"),
                    Ok(incoming) => self.handle(incoming),
                    Err(_) if left.is_zero() => bail!("waited {} s in vain until {what}", SLOWEST_START.as_secs()),
                    Err(_) => {}
                }
                self.inquiries.answer_overdue();
            };
            if all.iter().any(|node| node.state.as_ref().is_some_and(&so)) {
                return Ok(());
            }
        }
    }

    /// Starts a node, again or for the first time.
    pub(super) fn launch(&mut self, at: usize) -> anyhow::Result<()> {
        let before = self.nodes.all[at].id;
        let mut config = self.nodes.configuration(at, &self.common)?;
        self.arm(at, before, &mut config);
        config.links = self.own_links(config.id);
        self.processes += 1;
        let (key, sender) = (ProcessKey(self.processes), self.sender.clone());
        let (program, facts) = (self.options.program.clone(), self.facts.clone());
        let spawned = || self.reach(Failpoint::SupervisorChildSpawnedUnregistered);
        let process = Process::start(&program, key, config, sender, facts, spawned)?;
        let node = &mut self.nodes.all[at];
        (node.ready, node.removed, node.wanted_end, node.failure) = (false, false, None, None);
        node.process = Some(process);
        self.tell_newcomer(at);
        Ok(())
    }

    /// Starts some nodes and waits until all of them listen.
    fn launch_all(&mut self, which: &[usize]) -> anyhow::Result<()> {
        for at in which {
            self.launch(*at)?;
        }
        let deadline = Instant::now() + SLOWEST_START;
        while let Some(late) = which.iter().find(|at| !self.nodes.all[**at].ready) {
            let name = &self.nodes.all[*late].name;
            let left = deadline.saturating_duration_since(Instant::now());
            let incoming = match self.incoming.recv_timeout(left) {
                Ok(Incoming::Stop) => bail!("the start was broken off"),
                Ok(incoming) => incoming,
                Err(_) => bail!("{name} did not begin to listen within {} s", SLOWEST_START.as_secs()),
            };
            if let Incoming::Ended(key) = &incoming
                && let Some(node) = self.nodes.of_process(*key)
                && let Some(process) = node.process.take()
            {
                let (status, words) = process.reap();
                let status = status.map(|status| status.to_string()).unwrap_or_default();
                let why = node.failure.take().unwrap_or(if words.is_empty() { status } else { words });
                bail!("{} ended while it started: {why}", node.name);
            }
            self.handle(incoming);
        }
        Ok(())
    }
}
