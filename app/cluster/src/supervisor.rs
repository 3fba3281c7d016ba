//! The one thread that starts, kills and reaps all processes of a run, and carries out what a person asked for.
//!
//! Everything it learns comes through one channel, so nothing here is shared or locked. It never waits for a process, and
//! it decides nothing about replication.

mod bombs;
mod confirmations;
mod inquiries;
mod links;
mod machines;
mod reach;
mod start;
mod steering;

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use node::control::{ControlCommand, Misbehaviour, NodeReport, ShownHistory, SteeringCommand};
use protocol::ids::{NodeId, View};
use protocol::postcode::PostcodeService;
use protocol::trace::{Bomb, Ending, LauncherEvent, NodeEvent, Started, TraceRecord};

use super::child::HowEnded;
use super::customers::{Customers, ToCustomers};
use super::durable_folder::DurableFolder;
use super::hosts::{HostKey, Hosts, Moved};
use super::incoming::{Confirmer, Incoming, ProcessKey};
use super::nodes::{Common, Kind, MOST_FRONT_ENDS, Node, Nodes};
use super::observer::Facts;
use super::own_etcd::OwnEtcd;
use super::replica_names::MOST_REPLICAS;
use super::run_directory::RunDirectory;
use super::{ClusterClock, ClusterOptions};
use confirmations::Confirmations;
use inquiries::Inquiries;
use knowledge::user_command::UserCommand;
use machines::Machines;
use steering::Steering;

/// How long after a refusal at the status socket the next one is shown.
const BETWEEN_TURNED_AWAY: Duration = Duration::from_secs(1);

pub(super) struct Supervisor {
    pub(super) options: ClusterOptions,
    pub(super) common: Common,
    pub(super) nodes: Nodes,
    pub(super) customers: Option<Customers>,
    pub(super) hosts: Hosts,
    machines: Machines,
    pub(super) steering: Steering,
    inquiries: Inquiries,
    confirmations: Confirmations,
    pub(super) clock: ClusterClock,
    pub(super) facts: Facts,
    pub(super) sender: Sender<Incoming>,
    pub(super) incoming: Receiver<Incoming>,
    pub(super) processes: u64,
    turned_away: Option<Instant>,
    /// In this program itself, once the cluster runs.
    pub(super) bomb: Option<Bomb>,
    own_etcd: Option<OwnEtcd>,
    // Last: the folder goes when the processes are gone.
    _run: RunDirectory,
}

impl Supervisor {
    pub fn new(
        options: ClusterOptions,
        (run, own_etcd): (RunDirectory, Option<OwnEtcd>),
        common: Common,
        clock: ClusterClock,
        facts: Facts,
        (sender, incoming): (Sender<Incoming>, Receiver<Incoming>),
    ) -> Self {
        Self {
            options,
            common,
            nodes: Nodes::default(),
            customers: None,
            hosts: Hosts::default(),
            machines: Machines::default(),
            steering: Steering::default(),
            inquiries: Inquiries::default(),
            confirmations: Confirmations::default(),
            clock,
            facts,
            sender,
            incoming,
            processes: 0,
            turned_away: None,
            bomb: None,
            own_etcd,
            _run: run,
        }
    }

    /// Until somebody stops it.
    pub fn run(&mut self) {
        self.bomb = self.options.bomb;
        loop {
            let patience = self.inquiries.patience().into_iter().chain(self.confirmations.patience());
            let patience = patience.chain(self.machines.patience()).min();
            let patience = patience.unwrap_or(Duration::from_secs(3600));
            match self.incoming.recv_timeout(patience) {
                Ok(Incoming::Stop) | Err(RecvTimeoutError::Disconnected) => return self.begin_shutdown(),
                Ok(incoming) => self.handle(incoming),
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.inquiries.answer_overdue();
            self.report_confirmed();
            self.keep_time();
            self.close_unused_door();
        }
    }

    pub(super) fn handle(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::Wanted(command) => {
                if let Err(error) = self.perform(command) {
                    self.fact(NodeId(0), LauncherEvent::CommandRefused { why: node::error_text::chain(&error).into() });
                }
            }
            Incoming::Asked(question) => self.on_question(question),
            Incoming::Reported(key, report) => self.on_report(key, report),
            Incoming::Confirmed(who, ticket, at) => self.on_confirmed(who, ticket, at),
            Incoming::Steered(key, event) => self.on_steered(key, &event),
            Incoming::Moved(Moved::In(key, name, node)) => self.moved_in(key, name, node),
            Incoming::Moved(Moved::Out(key, node)) => self.hosts.left(key, node),
            Incoming::AtTheDoor(news) => self.on_door_news(news),
            Incoming::TurnedAway(why) => self.on_turned_away(why),
            Incoming::Ended(key) => self.on_end(key),
            // Heard by a start, which breaks off. Later the app decides what is still to be done, and then stops.
            Incoming::Interrupted | Incoming::Stop => {}
        }
    }

    fn moved_in(&mut self, host: HostKey, name: String, node: NodeId) {
        self.hosts.appeared(host, name.clone(), node);
        self.renew_links(&name);
    }

    fn perform(&mut self, command: UserCommand) -> anyhow::Result<()> {
        match command {
            UserCommand::AddReplica => self.add_replica()?,
            UserCommand::AddFrontEnd => self.add_front_end()?,
            UserCommand::Crash { node } => self.end(&node, Ending::Crashed)?,
            UserCommand::Remove { node } => self.end(&node, Ending::Removed)?,
            UserCommand::Restart { node } => self.restart(&node)?,
            UserCommand::CrashAll => self.crash_all()?,
            UserCommand::PowerOn => self.power_on()?,
            UserCommand::FreshStart { replica, after } => self.begin_afresh(&replica, &after)?,
            UserCommand::ShowOrders { node, from } => {
                self.tell(self.named(&node)?, ControlCommand::ShowOrders { from })?;
            }
            UserCommand::SetVerdictCache { on } => self.set_verdict_cache(on),
            UserCommand::Misbehave { service, how } => self.misbehave(service, how),
            UserCommand::KeepStoreMembers { members } => self.keep_store_members(members)?,
            UserCommand::SetRate { rate } => self.set_clock(rate, None)?,
            UserCommand::RunUntil { rate, until } => self.run_until(rate, until)?,
            UserCommand::SetHop { hop } => self.set_hop(hop)?,
            UserCommand::Message { message, to, act } => self.act_on_message(message, to, act)?,
            UserCommand::Ring { node, timer } => self.ring(node, timer)?,
            UserCommand::SetLinks { links, rule } => self.set_links(links, rule)?,
            UserCommand::MendAll => self.mend_all(),
            UserCommand::Freeze { node, how } => self.freeze(&node, how)?,
            UserCommand::Wake { node } => self.wake(&node)?,
            UserCommand::SetBomb { node, bomb } => self.set_bomb(&node, bomb)?,
            UserCommand::SetDisk { node, fault } => self.set_disk(&node, fault)?,
            UserCommand::SetPlant { plant } => self.set_plant(plant),
            UserCommand::SetAcknowledge { acknowledge } => self.set_acknowledge(acknowledge),
            UserCommand::ShowHeartbeats { on } => self.show_heartbeats(on),
            UserCommand::Customer(command) => self.perform_of_customer(command)?,
        }
        Ok(())
    }

    fn add_replica(&mut self) -> anyhow::Result<()> {
        if self.nodes.replicas_running() >= MOST_REPLICAS {
            bail!("There are already {MOST_REPLICAS} replicas. Remove one first.");
        }
        let replica = self.nodes.add_replica();
        self.launch(replica)
    }

    fn keep_store_members(&mut self, members: u32) -> anyhow::Result<()> {
        let own = self.own_etcd.as_mut();
        own.context("This run has not started the store of its view record, so it stops none of its members.")?
            .keep(members as usize)
    }

    fn add_front_end(&mut self) -> anyhow::Result<()> {
        self.refuse_front_end_too_many()?;
        let front_end = self.nodes.add(Kind::FrontEnd);
        self.launch(front_end)
    }

    fn refuse_front_end_too_many(&self) -> anyhow::Result<()> {
        if self.nodes.front_ends() >= MOST_FRONT_ENDS {
            bail!(
                "There are already {MOST_FRONT_ENDS} front-ends, and only the newest can change the view. Remove one first."
            );
        }
        Ok(())
    }

    /// The operator's fresh start. That the members are dead is proven here: their processes were children, and have ended.
    fn begin_afresh(&mut self, name: &str, after: &View) -> anyhow::Result<()> {
        let at = self.named(name)?;
        let chosen = &self.nodes.all[at];
        if !matches!(chosen.kind, Kind::Replica { .. }) || chosen.process.is_none() {
            bail!(
                "{name} is not a running replica. Choose a running one: the new history begins with the orders it holds."
            );
        }
        let primary = chosen.id;
        let runs = |node: &&Node| node.process.is_some() && node.id != primary && after.members.contains(&node.id);
        let unseen = |node: &&Node| node.out_of_sight && after.members.contains(&node.id);
        if let Some(member) = self.nodes.all.iter().find(unseen) {
            bail!(
                "{} is a member of view {}, and its machine cannot be reached. Its process may still run and hold all orders. Bring the machine back, or end the program there and remove {}.",
                member.name,
                after.number,
                member.name
            );
        }
        if let Some(member) = self.nodes.all.iter().find(runs) {
            bail!(
                "{} is a member of view {} and its process is still running, so it may hold all orders. Wake it and mend its links, or crash it first.",
                member.name,
                after.number
            );
        }
        let is_off = |node: &&Node| {
            let keeps = |durable: &DurableFolder| {
                // Another machine's disk cannot be looked at from here.
                node.machine.is_some() || durable.replica(&node.name) == Some(node.id)
            };
            let is_member = !node.removed && node.id != primary && after.members.contains(&node.id);
            is_member && self.common.durable.as_ref().is_some_and(keeps)
        };
        if let Some(member) = self.nodes.all.iter().find(is_off) {
            bail!(
                "{} is a member of view {}. It is not running, but its orders are on its disk. Restart it, and nothing is lost. If its disk is lost, remove {} first.",
                member.name,
                after.number,
                member.name
            );
        }
        let mut told = false;
        for front_end in self.nodes.all.iter().filter(|node| node.kind == Kind::FrontEnd && node.process.is_some()) {
            let (node, after) = (front_end.id, after.number);
            told |= self.steer(node, SteeringCommand::BeginAfresh { node, after, primary })?;
        }
        if !told {
            bail!("No front-end is running, and only a front-end can begin a new view. Start one first.");
        }
        Ok(())
    }

    fn restart(&mut self, name: &str) -> anyhow::Result<()> {
        let at = self.named(name)?;
        let node = &self.nodes.all[at];
        if node.process.is_some() {
            bail!("{name} is still running. Crash it first, then restart it.");
        }
        if node.kind == Kind::FrontEnd && node.removed {
            self.refuse_front_end_too_many()?;
        }
        self.launch(at)
    }

    fn set_verdict_cache(&mut self, on: bool) {
        self.common.verdict_cache = on;
        for replica in self.nodes.all.iter().filter(|node| matches!(node.kind, Kind::Replica { .. })) {
            if let Some(process) = &replica.process {
                process.tell(ControlCommand::VerdictCache(on));
            }
        }
    }

    fn misbehave(&self, service: PostcodeService, how: Misbehaviour) {
        if let Some(node) = self.nodes.all.iter().find(|node| node.kind == Kind::StandIn(service))
            && let Some(process) = &node.process
        {
            process.tell(ControlCommand::Misbehave(how));
        }
    }

    pub(super) fn named(&self, name: &str) -> anyhow::Result<usize> {
        self.nodes.named(name).with_context(|| format!("There is no node named “{}”.", super::shown(name)))
    }

    fn end(&mut self, name: &str, how: Ending) -> anyhow::Result<()> {
        let at = self.named(name)?;
        let node = &mut self.nodes.all[at];
        match (&mut node.process, how) {
            (Some(process), how) => {
                node.wanted_end = Some(how);
                process.kill();
                Ok(())
            }
            (None, Ending::Removed) if !node.removed => {
                node.removed = true;
                // The person has seen to it that its process has ended.
                node.out_of_sight = false;
                let id = node.id;
                self.fact(id, LauncherEvent::Ended { how: Ending::Removed, words: "removed".into() });
                Ok(())
            }
            (None, _) => bail!("{name} is not running."),
        }
    }

    pub(super) fn tell(&self, at: usize, command: ControlCommand) -> anyhow::Result<()> {
        let node = &self.nodes.all[at];
        let process = node.process.as_ref().with_context(|| format!("{} is not running.", node.name))?;
        if !process.tell(command) {
            bail!("{} no longer reads the launcher's commands. Crash it and restart it.", node.name);
        }
        Ok(())
    }

    /// What concerns those who live in this program.
    pub(super) fn tell_customers(&self, command: ToCustomers) -> anyhow::Result<()> {
        self.customers.as_ref().context("The customers have not started yet. Wait a moment.")?.tell(command);
        Ok(())
    }

    /// A peer that tries all the time must not fill the log.
    fn on_turned_away(&mut self, why: String) {
        if self.is_time_to_turn_away() {
            self.fact(NodeId(0), LauncherEvent::CommandRefused { why: why.into() });
        }
    }

    fn is_time_to_turn_away(&mut self) -> bool {
        let is_time = self.turned_away.is_none_or(|last| last.elapsed() >= BETWEEN_TURNED_AWAY);
        if is_time {
            self.turned_away = Some(Instant::now());
        }
        is_time
    }

    fn on_report(&mut self, key: ProcessKey, report: NodeReport) {
        let Some(node) = self.nodes.of_process(key) else { return };
        let id = node.id;
        match report {
            NodeReport::Ready { pid, contact } => {
                node.contact = Some(contact);
                // A durable replica whose file cannot be used has begun under its other id.
                let is_another = std::mem::replace(&mut node.id, contact.id) != contact.id;
                node.ready = true;
                let started = Started { name: node.name.clone(), actor: node.kind.actor(), pid, contact };
                let (bomb, fault, id, name) = (node.bomb, node.disk_fault, node.id, node.name.clone());
                self.fact(id, LauncherEvent::Started(started));
                if is_another {
                    self.renew_links(&name);
                }
                self.tell_machine(id);
                if bomb.is_some() {
                    self.fact(id, LauncherEvent::BombIs { bomb });
                }
                if fault.is_some() {
                    self.fact(id, LauncherEvent::DiskIs { fault });
                }
            }
            NodeReport::Refused { why } => self.fact(id, LauncherEvent::CommandRefused { why }),
            NodeReport::Confirmed { ticket, at } => self.on_confirmed(Confirmer::Process(key), ticket, at),
            NodeReport::Failed { why } => node.failure = Some(why),
            NodeReport::Reach { peer, reached } => self.on_reach(id, peer, reached),
            NodeReport::Status { state, usage } => self.inquiries.on_status(key, state, *usage),
            NodeReport::Orders { histories, postcodes } => {
                let older = histories.iter().map(|history| history.older).collect();
                let labels = |history: ShownHistory| (history.postcode, history.newest.iter().map(label).collect());
                let histories = histories.into_iter().map(labels).collect();
                self.fact(id, LauncherEvent::Orders { histories, older, postcodes });
            }
            NodeReport::Trace { records, dropped } => {
                self.facts.count_dropped(dropped);
                self.facts.push(records);
            }
        }
    }

    fn on_end(&mut self, key: ProcessKey) {
        self.inquiries.on_end(key);
        self.confirms_nothing(key);
        let Some(node) = self.nodes.of_process(key) else { return };
        let Some(process) = node.process.take() else { return };
        let HowEnded { code, status, words: last_words } = process.reap();
        node.out_of_sight = node.machine.is_some() && !node.has_left && code.is_none() && status.is_none();
        let how = match (node.wanted_end.take(), code) {
            (Some(wanted), _) => wanted,
            (None, Some(_)) => Ending::Exited,
            (None, None) => Ending::Crashed,
        };
        node.removed = how == Ending::Removed;
        (node.frozen, node.bomb) = (None, None);
        let ended = status.unwrap_or_else(|| if last_words.is_empty() { "ended".into() } else { last_words.clone() });
        let words = match (how, node.failure.take()) {
            (_, Some(why)) => why,
            (Ending::Exited, None) if !last_words.is_empty() => format!("{ended}: {last_words}"),
            (Ending::Exited | Ending::Crashed | Ending::Removed, None) => ended,
        };
        let id = node.id;
        self.is_reached_by_nobody(id);
        self.fact(id, LauncherEvent::Ended { how, words });
    }

    pub(super) fn fact(&self, node: NodeId, event: LauncherEvent) {
        self.facts.push([TraceRecord { node, at: self.clock.now(), event: event.into() }]);
    }

    /// What a process cannot say itself while it stands still.
    pub(super) fn fact_for(&self, node: NodeId, event: NodeEvent) {
        self.facts.push([TraceRecord { node, at: self.clock.now(), event: event.into() }]);
    }
}

/// An order in few words: "#12 Pad thai, Lemonade".
fn label(order: &protocol::order_book::Order) -> String {
    let items = order.items.join(", ");
    order.number.map_or(items.clone(), |number| format!("#{number} {items}"))
}
