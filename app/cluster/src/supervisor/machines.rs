//! Other machines as the supervisor has them: who is invited, who knocks, who has joined, and what runs there.
//!
//! A code is good for one machine and ten minutes of real time. A machine that was lost comes back by a secret of its own, and finds
//! the replicas again that ran there.

mod customers;
mod deciding;
mod disks;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use node::control::ControlCommand;
use protocol::ids::{NodeId, Role};
use protocol::trace::{LauncherEvent, MachineState, NoJoin};
use quinn::VarInt;
use tokio::sync::mpsc::UnboundedSender;

use super::Supervisor;
use crate::durable_folder::OnDisk;
use crate::incoming::{Confirmer, Incoming};
use crate::launcher::Process;
use crate::machines::afar::Machine;
use crate::machines::code::{Code, Secret, own_addresses, secret};
use crate::machines::door::{Decision, Door, DoorNews, Knocking, Tell};
use crate::machines::talk::CLOSE_MISBEHAVED;
use crate::machines::{CODE_IS_GOOD, Invitation, LONGEST_LOSS, MOST_MACHINES, MOST_NODES, MachineKey};
use crate::nodes::Node;
use crate::replica_names::MOST_REPLICAS;
use customers::Away;
use knowledge::machines::{CodeIs, GivenCode, JoinedMachine, KnockingMachine, MachinesStatus, Presence};
use node::transport::pinned::fingerprint;

/// Codes that are remembered, to tell a late machine why its code is not good.
const MOST_CODES: usize = 256;
/// Machines that may wait for a decision.
const MOST_KNOCKING: usize = 64;
/// Clocks of other machines are told the time this often: until then they drift by a millisecond or so.
const BETWEEN_TIMES: Duration = Duration::from_secs(20);
/// The longest name of a machine, in characters.
const LONGEST_NAME: usize = 40;

/// All of them.
#[derive(Default)]
pub(crate) struct Machines {
    door: Option<Door>,
    codes: Vec<Given>,
    knocking: Vec<Waiting>,
    all: Vec<Member>,
    last: u64,
    admits_all: bool,
    /// Whether a person invites; else the door is open for those only that have joined.
    invites: bool,
    /// When their processes were last told what time it is.
    timed: Option<Instant>,
}

/// A code that was given out.
struct Given {
    secret: Secret,
    role: Role,
    until: Instant,
    used: bool,
    addresses: Vec<IpAddr>,
}

struct Waiting {
    name: String,
    role: Role,
    secret: Secret,
    from: IpAddr,
    on_disk: Vec<OnDisk>,
    reply: UnboundedSender<Decision>,
}

struct Member {
    key: MachineKey,
    name: String,
    role: Role,
    again: Secret,
    from: IpAddr,
    machine: Option<Arc<Machine>>,
    /// The replicas that its disk held when it knocked.
    on_disk: Vec<OnDisk>,
    /// Since when nothing is heard from it, if it has not left.
    lost: Option<Instant>,
    /// It has been part of the cluster before.
    known: bool,
    /// The customer of the person there.
    away: Option<Away>,
}

impl Machines {
    pub fn name(&self, key: MachineKey) -> Option<&str> {
        self.all.iter().find(|member| member.key == key).map(|member| &*member.name)
    }

    fn member(&mut self, key: MachineKey) -> Option<&mut Member> {
        self.all.iter_mut().find(|member| member.key == key)
    }

    /// The customers on other machines, each with its name.
    fn away(&self) -> impl Iterator<Item = (&str, &Away)> {
        self.all.iter().filter_map(|member| Some((&*member.name, member.away.as_ref()?)))
    }

    fn joined(&self) -> usize {
        self.all.iter().filter(|member| member.machine.is_some()).count()
    }

    /// How many are here, on their way, or may come back.
    fn expected(&self) -> usize {
        let may_come_back = |member: &Member| member.lost.is_some_and(|lost| lost.elapsed() < LONGEST_LOSS);
        self.all.iter().filter(|member| member.machine.is_some() || !member.known || may_come_back(member)).count()
    }

    /// Whether there are as many machines, nodes or running replicas as there can be. Those that are admitted and on their way
    /// will each have a replica.
    fn is_full(&self, role: Role, nodes: usize, replicas: usize) -> bool {
        let coming = self.all.iter().filter(|member| member.role == Role::Replica && !member.known).count();
        let no_node = role == Role::Replica && (nodes + coming >= MOST_NODES || replicas + coming >= MOST_REPLICAS);
        self.expected() >= MOST_MACHINES || no_node
    }

    /// How long until clocks there must be told the time, or the door may be closed; none: neither.
    pub fn patience(&self) -> Option<Duration> {
        let rest = |timed: Instant| BETWEEN_TIMES.saturating_sub(timed.elapsed());
        let time = (self.joined() > 0).then(|| self.timed.map_or(Duration::ZERO, rest));
        let door = (!self.invites && self.door.is_some()).then_some(LONGEST_LOSS);
        time.into_iter().chain(door).min()
    }

    /// The code with this secret, if it can be used now.
    fn good(&self, secret: &Secret, role: Option<Role>) -> Result<&Given, NoJoin> {
        let given = self.codes.iter().find(|given| given.secret == *secret).ok_or(NoJoin::UnknownCode)?;
        match role {
            _ if given.used => Err(NoJoin::Used),
            _ if given.until <= Instant::now() => Err(NoJoin::Expired),
            Some(role) if role != given.role => Err(NoJoin::OtherRole { invited: given.role }),
            Some(_) | None => Ok(given),
        }
    }

    /// What a machine can be called: as it calls itself, and not as another one.
    fn free_name(&self, wanted: &str, by_others: impl Fn(&str) -> bool) -> String {
        let plain = |c: &char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ' | '\'');
        let wanted: String = wanted.trim().chars().filter(plain).take(LONGEST_NAME).collect();
        let wanted = if wanted.is_empty() { "machine".to_owned() } else { wanted };
        let taken = |name: &str| {
            by_others(name)
                || self.all.iter().any(|other| other.name == name)
                || self.knocking.iter().any(|other| other.name == name)
        };
        let numbered = (2..).map(|number| format!("{wanted}-{number}"));
        std::iter::once(wanted.clone()).chain(numbered).find(|name| !taken(name)).unwrap_or(wanted)
    }
}

impl Supervisor {
    /// Gives out a code. The first time, the cluster begins to listen for others.
    pub(super) fn invite(&mut self, invitation: Invitation) -> anyhow::Result<Code> {
        ensure!(
            matches!(invitation.role, Role::Replica | Role::Customer),
            "Only replicas and customers can be invited."
        );
        if self.machines.door.is_none() {
            let addresses =
                if invitation.advertise.is_empty() { own_addresses()? } else { invitation.advertise.clone() };
            let door = Door::open(addresses.clone(), &self.common.authority, self.told_at_the_door())?;
            self.machines.door = Some(door);
            self.listen_on(addresses);
        }
        let door = self.machines.door.as_ref().context("nobody listens")?;
        ensure!(
            invitation.advertise.iter().all(|ip| door.addresses.contains(ip)),
            "The cluster listens on other addresses already. Start a new cluster to change them."
        );
        let addresses =
            if invitation.advertise.is_empty() { door.addresses.clone() } else { invitation.advertise.clone() };
        let code = Code {
            addresses,
            port: door.port,
            authority: fingerprint(self.common.authority.certificate()),
            role: invitation.role,
            secret: secret()?,
        };
        if self.machines.codes.len() >= MOST_CODES {
            self.machines.codes.remove(0);
        }
        self.machines.invites = true;
        let until = Instant::now() + CODE_IS_GOOD;
        self.machines.codes.push(Given {
            secret: code.secret,
            role: code.role,
            until,
            used: false,
            addresses: code.addresses.clone(),
        });
        Ok(code)
    }

    /// Where news of other machines go.
    fn told_at_the_door(&self) -> Tell {
        let sender = self.sender.clone();
        Arc::new(move |news| sender.send(Incoming::AtTheDoor(news)).is_ok())
    }

    /// Every node listens there and nowhere else, beside loopback.
    fn listen_on(&mut self, addresses: Vec<IpAddr>) {
        let also_listen: Vec<IpAddr> = addresses.iter().filter(|ip| !ip.is_loopback()).copied().collect();
        self.common.also_listen.clone_from(&also_listen);
        for process in
            self.nodes.all.iter().filter(|node| node.machine.is_none()).filter_map(|node| node.process.as_ref())
        {
            process.tell(ControlCommand::ListenOn(also_listen.clone()));
        }
        self.fact(NodeId(0), LauncherEvent::ListensOn { addresses });
    }

    /// No code is good any more, and those that wait are refused. Machines that have joined stay.
    pub(super) fn end_invitation(&mut self) {
        (self.machines.invites, self.machines.admits_all) = (false, false);
        let now = Instant::now();
        self.machines.codes.iter_mut().for_each(|given| given.until = given.until.min(now));
        for waiting in std::mem::take(&mut self.machines.knocking) {
            self.turn_away_by_person(waiting);
        }
        self.close_unused_door();
    }

    /// The door, and all nodes, listen for others only as long as somebody may come.
    pub(super) fn close_unused_door(&mut self) {
        if !self.machines.invites && self.machines.door.is_some() && self.machines.expected() == 0 {
            self.machines.door = None;
            self.listen_on(Vec::new());
        }
    }

    pub(super) fn on_door_news(&mut self, news: DoorNews) {
        match news {
            DoorNews::Knocked(knocking) => self.on_knock(*knocking),
            DoorNews::Joined(key, machine) => self.on_joined(key, machine),
            DoorNews::Orders(key, node, customer) => self.on_orders(key, node, customer),
            DoorNews::OrdersNoMore(key, node) => self.on_orders_no_more(key, node),
            DoorNews::Said(node, event) => self.fact(node, event),
            DoorNews::Gone(key, left) => self.on_machine_gone(key, left),
        }
    }

    fn on_knock(&mut self, knocking: Knocking) {
        let Knocking { knock, from, reply } = knocking;
        if let Some(member) = self.machines.all.iter_mut().find(|member| member.again == knock.secret) {
            if let Some(before) = member.machine.take() {
                // It knows that it has lost the connection; this side does not yet.
                before.connection.close(VarInt::from_u32(CLOSE_MISBEHAVED), b"it has come again");
            }
            let (key, name, again) = (member.key, member.name.clone(), member.again);
            let _ = reply.send(Decision::Yes { key, name, again });
            return;
        }
        let taken = |name: &str| self.nodes.named(name).is_some() || self.hosts.knows(name);
        let name = self.machines.free_name(&knock.name, taken);
        let role = match self.machines.good(&knock.secret, knock.role) {
            Ok(given) => given.role,
            Err(why) => return self.turn_away(&reply, name, why),
        };
        if let Some(why) =
            self.no_room(role).or((self.machines.knocking.len() >= MOST_KNOCKING).then_some(NoJoin::TooMany))
        {
            return self.turn_away(&reply, name, why);
        }
        if let Some(why) = self.disk_speaks_against(role, knock.on_disk.is_some()) {
            return self.turn_away(&reply, name, why);
        }
        let on_disk = knock.on_disk.unwrap_or_default();
        let waiting = Waiting { name: name.clone(), role, secret: knock.secret, from, on_disk, reply };
        if self.machines.admits_all {
            return self.admit(waiting);
        }
        let _ = waiting.reply.send(Decision::Wait);
        self.machines.knocking.retain(|waiting| !waiting.reply.is_closed());
        self.machines.knocking.push(waiting);
        self.machine_is(name, MachineState::Knocks);
    }

    /// A stranger that tries all the time must not fill the log.
    fn turn_away(&mut self, reply: &UnboundedSender<Decision>, name: String, why: NoJoin) {
        let _ = reply.send(Decision::No(why));
        if self.is_time_to_turn_away() {
            self.machine_is(name, MachineState::TurnedAway(why));
        }
    }

    fn no_room(&self, role: Role) -> Option<NoJoin> {
        let nodes = self.nodes.all.iter().filter(|node| !node.removed).count();
        self.machines.is_full(role, nodes, self.nodes.replicas_running()).then_some(NoJoin::TooMany)
    }

    pub(super) fn admit_all(&mut self, all: bool) {
        self.machines.admits_all = all;
        if all {
            for waiting in std::mem::take(&mut self.machines.knocking) {
                self.admit(waiting);
            }
        }
    }

    /// Another machine may have used the code meanwhile.
    fn admit(&mut self, waiting: Waiting) {
        let good = self.machines.good(&waiting.secret, None).map(|_| ());
        let refused = good.err().filter(|why| *why != NoJoin::Expired).or_else(|| self.no_room(waiting.role));
        let Ok(again) = secret() else { return };
        if let Some(why) = refused {
            let _ = waiting.reply.send(Decision::No(why));
            return self.machine_is(waiting.name, MachineState::TurnedAway(why));
        }
        let machines = &mut self.machines;
        machines.last += 1;
        let (key, name) = (MachineKey(machines.last), waiting.name);
        if waiting.reply.send(Decision::Yes { key, name: name.clone(), again }).is_err() {
            return; // It has gone, and its code is still good.
        }
        machines.codes.iter_mut().filter(|given| given.secret == waiting.secret).for_each(|given| given.used = true);
        let (role, from, on_disk) = (waiting.role, waiting.from, waiting.on_disk);
        let (machine, lost, known, away) = (None, None, false, None);
        machines.all.push(Member { key, name, role, again, from, machine, on_disk, lost, known, away });
    }

    fn on_joined(&mut self, key: MachineKey, machine: Arc<Machine>) {
        let Some(member) = self.machines.member(key) else { return };
        (member.machine, member.lost) = (Some(machine), None);
        let (name, address, role) = (member.name.clone(), member.from, member.role);
        let (known, on_disk) = (std::mem::replace(&mut member.known, true), std::mem::take(&mut member.on_disk));
        self.machine_is(name, MachineState::Joined { address });
        if role == Role::Customer {
            if let Err(error) = self.start_customer(key) {
                self.fact(NodeId(0), LauncherEvent::CommandRefused { why: node::error_text::chain(&error).into() });
            }
            return;
        }
        let lost: Vec<usize> = if known {
            let all = self.nodes.all.iter().enumerate();
            all.filter(|(_, node)| node.machine == Some(key) && node.out_of_sight).map(|(at, _)| at).collect()
        } else {
            let at = self.replica_of(&on_disk);
            self.nodes.all[at].machine = Some(key);
            vec![at]
        };
        for at in lost {
            // The processes before have ended there: the agent sees to it before it comes again.
            if let Err(error) = self.launch(at) {
                self.fact(NodeId(0), LauncherEvent::CommandRefused { why: node::error_text::chain(&error).into() });
            }
        }
    }

    fn on_machine_gone(&mut self, key: MachineKey, left: bool) {
        let Some(member) = self.machines.member(key) else { return };
        // A connection that a newer one has replaced does not matter.
        if member.machine.as_ref().is_some_and(|machine| machine.connection.close_reason().is_none()) {
            return;
        }
        (member.machine, member.known) = (None, true);
        member.lost = (!left).then(Instant::now);
        let name = member.name.clone();
        self.end_customer(key);
        if left {
            // Its processes ended before it said so.
            let there = self.nodes.all.iter_mut().filter(|node| node.machine == Some(key));
            there.for_each(|node| (node.out_of_sight, node.has_left) = (false, true));
        }
        self.machine_is(name, if left { MachineState::Left } else { MachineState::Lost });
    }

    /// The machine on which a node is to run, if that is another one.
    pub(super) fn machine_of(&self, at: usize) -> anyhow::Result<Option<Arc<Machine>>> {
        let Some(key) = self.nodes.all[at].machine else { return Ok(None) };
        let member = self.machines.all.iter().find(|member| member.key == key).context("there is no such machine")?;
        let machine = member.machine.clone();
        let why = || format!("{} runs on {}, which cannot be reached now.", self.nodes.all[at].name, member.name);
        machine.map(Some).with_context(why)
    }

    /// A process has started: on which machine, if that is another one.
    pub(super) fn tell_machine(&self, id: NodeId) {
        let node = self.nodes.all.iter().find(|node| node.id == id);
        if let Some(machine) = node.and_then(|node| node.machine).and_then(|key| self.machines.name(key)) {
            self.fact(id, LauncherEvent::RunsOn { machine: machine.to_owned() });
        }
    }

    pub(super) fn machine_is(&self, machine: String, is: MachineState) {
        self.fact(NodeId(0), LauncherEvent::MachineIs { machine, is });
    }

    /// The names of the machines on which processes run that can hear.
    pub(super) fn machines_that_run(&self) -> Vec<String> {
        let running = self.nodes.all.iter().filter(|node| node.frozen.is_none());
        let processes = running.filter_map(|node| Some(Confirmer::Process(node.process.as_ref()?.key)));
        self.machines_of(&processes.chain(self.hosts.keys().map(Confirmer::Host)).collect::<Vec<_>>())
    }

    /// The names of the other machines on which these processes and customers are.
    pub(super) fn machines_of(&self, those: &[Confirmer]) -> Vec<String> {
        let process = |node: &Node| Some(Confirmer::Process(node.process.as_ref()?.key));
        let is_one = |node: &&Node| process(node).is_some_and(|process| those.contains(&process));
        let machines = self.nodes.all.iter().filter(is_one).filter_map(|node| self.machines.name(node.machine?));
        let customers = self.machines.away().filter(|(_, away)| those.contains(&Confirmer::Host(away.host)));
        let mut names: Vec<String> = machines.chain(customers.map(|(name, _)| name)).map(str::to_owned).collect();
        names.sort();
        names.dedup();
        names
    }

    /// No two clocks go at quite the same speed: those of other machines are told the time now and then.
    pub(super) fn keep_time(&mut self) {
        if self.machines.patience().is_some_and(|patience| patience.is_zero()) {
            self.machines.timed = Some(Instant::now());
            let away = |(at, node): (usize, &Node)| (node.machine.is_some() && node.process.is_some()).then_some(at);
            let away: Vec<usize> = self.nodes.all.iter().enumerate().filter_map(away).collect();
            away.into_iter().for_each(|at| self.tell_time(at));
            self.machines.away().for_each(|(_, away)| self.tell_host_time(away.host));
        }
    }

    pub(super) fn machines_status(&mut self) -> MachinesStatus {
        self.machines.knocking.retain(|waiting| !waiting.reply.is_closed());
        let machines = &self.machines;
        let newest = machines.codes.last().filter(|_| machines.invites);
        MachinesStatus {
            addresses: machines.door.as_ref().map(|door| door.addresses.clone()).unwrap_or_default(),
            port: machines.door.as_ref().map(|door| door.port),
            newest: newest.and_then(|given| {
                let rest = given.until.saturating_duration_since(Instant::now());
                let is = match given.used {
                    true => CodeIs::Used,
                    false if rest.is_zero() => CodeIs::Expired,
                    false => CodeIs::Good(rest),
                };
                Some(GivenCode { code: self.code_of(given)?.to_string(), role: given.role, is })
            }),
            knocking: machines
                .knocking
                .iter()
                .map(|one| KnockingMachine { name: one.name.clone(), role: one.role, address: one.from })
                .collect(),
            joined: machines.all.iter().map(|member| self.joined_machine(member)).collect(),
            admits_all: machines.admits_all,
        }
    }

    fn joined_machine(&self, member: &Member) -> JoinedMachine {
        let there = self.nodes.all.iter().filter(|node| node.machine == Some(member.key) && !node.removed);
        let presence = match (&member.machine, member.lost) {
            (Some(_), _) => Presence::Connected,
            (None, Some(_)) => Presence::Lost,
            (None, None) => Presence::Left,
        };
        JoinedMachine {
            name: member.name.clone(),
            role: member.role,
            address: member.from,
            presence,
            clock: member.machine.as_ref().and_then(|machine| machine.clock()),
            processes: there.map(|node| (node.name.clone(), node.process.as_ref().and_then(Process::pid))).collect(),
        }
    }

    fn code_of(&self, given: &Given) -> Option<Code> {
        let door = self.machines.door.as_ref()?;
        Some(Code {
            addresses: given.addresses.clone(),
            port: door.port,
            authority: fingerprint(self.common.authority.certificate()),
            role: given.role,
            secret: given.secret,
        })
    }
}
