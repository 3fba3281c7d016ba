//! The nodes there are, alive or not, and how each kind of them is configured when it starts.
//!
//! A node keeps its name over restarts; what else it keeps depends on its kind. Nothing is started here.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use anyhow::Context;
use node::control::{DurablePlace, Duty, NodeConfig, Reach, RecordPlace, ServiceAddress, StandInKey};
use node::transport::identity::Authority;
use protocol::ids::{Contact, NodeId, Role};
use protocol::machine::Settings;
use protocol::plant::Plant;
use protocol::postcode::PostcodeService;
use protocol::trace::{Actor, Bomb, DiskFault, Ending, Freezing};

use super::durable_folder::DurableFolder;
use super::incoming::ProcessKey;
use super::launcher::Process;
use super::machines::MachineKey;
use super::machines::afar::Machine;
use super::replica_names::{name_of, number_of};
use super::{ClusterClock, random};

/// The most name servers, if their record is in a store.
pub(super) const MOST_NAME_SERVERS: u32 = 3;
/// The most front-ends at once, crashed ones included: more teach nothing, and would not fit beside each other.
pub(super) const MOST_FRONT_ENDS: usize = 3;

#[derive(Debug)]
pub(super) struct Node {
    /// "replica-2".
    pub name: String,
    pub kind: Kind,
    /// Of the newest incarnation.
    pub id: NodeId,
    /// Where it listened last; none before it was ready for the first time.
    pub contact: Option<Contact>,
    /// The keys of the name server: with them, peers can be told at once that old connections are gone.
    pub credentials: Option<node::control::Credentials>,
    pub process: Option<Process>,
    /// Whether it has said that it listens, in this incarnation.
    pub ready: bool,
    /// How its end is to be reported, if it was requested.
    pub wanted_end: Option<Ending>,
    /// Its own sentence about why it cannot go on.
    pub failure: Option<String>,
    /// Whether it was taken out of the picture.
    pub removed: bool,
    /// How it stands still, if it does.
    pub frozen: Option<Freezing>,
    /// What lies in it.
    pub bomb: Option<Bomb>,
    /// What is wrong with its disk because a person wants it so, whether it runs or not.
    pub disk_fault: Option<DiskFault>,
    /// Where it runs, if that is another machine.
    pub machine: Option<MachineKey>,
    /// The public key there, for which it is certified.
    pub key: Option<Vec<u8>>,
    /// Its machine was lost, so nobody knows whether its process has ended.
    pub out_of_sight: bool,
    /// Its machine has left, and its process ended before that.
    pub has_left: bool,
    /// The processes on other machines that it does not reach.
    pub unreached: BTreeSet<NodeId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    NameServer,
    FrontEnd,
    Replica { preset: u32 },
    StandIn(PostcodeService),
}

impl Kind {
    pub fn actor(self) -> Actor {
        match self {
            Kind::NameServer => Actor::Role(Role::NameServer),
            Kind::FrontEnd => Actor::Role(Role::FrontEnd),
            Kind::Replica { .. } => Actor::Role(Role::Replica),
            Kind::StandIn(service) => Actor::Service(service),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Nodes {
    pub all: Vec<Node>,
    /// The real postcode services, if they are asked; else the stand-ins among the nodes are.
    pub live_services: Vec<ServiceAddress>,
    /// Replicas of this cluster have had numbers up to this one in earlier runs.
    pub highest: u32,
}

/// What all configurations of a run have in common.
pub(super) struct Common {
    pub authority: Authority,
    pub stand_in_key: StandInKey,
    pub listen: IpAddr,
    /// Where name servers keep the view record.
    pub keeps: RecordPlace,
    pub settings: Settings,
    pub verdict_cache: bool,
    pub clock: ClusterClock,
    pub observe: bool,
    /// Where replicas keep their orders, in a folder of their own each; none: in memory.
    pub durable: Option<DurableFolder>,
    /// Where others can reach this machine, once somebody was invited.
    pub also_listen: Vec<IpAddr>,
}

impl Common {
    /// Where a node of this kind keeps its orders, if it keeps them on disk.
    fn durable_of(&self, kind: Kind) -> Option<&DurableFolder> {
        self.durable.as_ref().filter(|_| matches!(kind, Kind::Replica { .. }))
    }

    fn place_in(&self, durable: &DurableFolder, node: &Node) -> anyhow::Result<DurablePlace> {
        let spare = NodeId(random()?);
        let certified = match &node.key {
            Some(key) => self.authority.certify(Role::Replica, Some(spare), key)?,
            None => self.authority.issue(Role::Replica, Some(spare))?,
        };
        // On another machine, its agent knows in which folder.
        Ok(DurablePlace { fault: node.disk_fault, ..durable.place(&node.name, (spare, Some(certified))) })
    }
}

impl Nodes {
    /// A new node, not started. Replicas and front-ends are named in the order of their appearance.
    pub fn add(&mut self, kind: Kind) -> usize {
        let name = match kind {
            Kind::NameServer => name_server_name(self.of_kind(Kind::NameServer).count() + 1),
            Kind::FrontEnd => front_end_name(self.of_kind(Kind::FrontEnd).count() + 1),
            Kind::Replica { .. } => name_of(self.highest_so_far() + 1),
            Kind::StandIn(service) => service.to_string(),
        };
        self.all.push(Node {
            name,
            kind,
            id: NodeId(0),
            contact: None,
            credentials: None,
            process: None,
            ready: false,
            wanted_end: None,
            failure: None,
            removed: false,
            frozen: None,
            bomb: None,
            disk_fault: None,
            machine: None,
            key: None,
            out_of_sight: false,
            has_left: false,
            unreached: BTreeSet::new(),
        });
        self.all.len() - 1
    }

    /// A new replica; its pre-defined orders are one of three sets in turn.
    pub fn add_replica(&mut self) -> usize {
        self.add_replica_with(self.highest_so_far() + 1)
    }

    /// The names of the nodes that this one does not reach.
    pub fn unreached_by(&self, node: &Node) -> Vec<String> {
        let is_one = |other: &&Node| node.unreached.contains(&other.id);
        self.all.iter().filter(is_one).map(|other| other.name.clone()).collect()
    }

    /// The replica with this number, which no other one has.
    pub fn add_replica_with(&mut self, number: u32) -> usize {
        let at = self.add(Kind::Replica { preset: number.saturating_sub(1) % 3 + 1 });
        self.all[at].name = name_of(number);
        at
    }

    fn highest_so_far(&self) -> u32 {
        self.all.iter().filter_map(|node| number_of(&node.name)).max().unwrap_or(0).max(self.highest)
    }

    pub(crate) fn replicas_running(&self) -> usize {
        self.all.iter().filter(|node| matches!(node.kind, Kind::Replica { .. }) && node.process.is_some()).count()
    }

    /// How many front-ends there are, dead or alive, that were not taken away.
    pub fn front_ends(&self) -> usize {
        self.of_kind(Kind::FrontEnd).filter(|node| !node.removed).count()
    }

    fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Node> {
        self.all.iter().filter(move |node| node.kind == kind)
    }

    pub fn named(&self, name: &str) -> Option<usize> {
        self.all.iter().position(|node| node.name == name)
    }

    /// The node whose process this is, if it is still known.
    pub(crate) fn of_process(&mut self, key: ProcessKey) -> Option<&mut Node> {
        self.all.iter_mut().find(|node| node.process.as_ref().is_some_and(|process| process.key == key))
    }

    /// The contacts of the name servers that have been ready. They keep them over restarts.
    pub fn name_servers(&self) -> Vec<Contact> {
        self.of_kind(Kind::NameServer).filter_map(|node| node.contact).collect()
    }

    /// The configuration of the next incarnation of a node, but for its links. The name server and the stand-ins come
    /// back as who they were and where they were; a durable replica is who its file says; a front-end or another replica gets a new id each time (rule R11), unless
    /// exactly this bug is injected.
    pub fn configuration(
        &mut self,
        at: usize,
        common: &Common,
        machine: Option<&Machine>,
    ) -> anyhow::Result<NodeConfig> {
        let host = machine.and_then(|machine| machine.hosts.first()).copied();
        let services = self.services(&common.stand_in_key, host);
        let name_servers = self.name_servers();
        let node = self.all.get_mut(at).context("there is no such node")?;
        let role = match node.kind {
            Kind::NameServer => Some(Role::NameServer),
            Kind::FrontEnd => Some(Role::FrontEnd),
            Kind::Replica { .. } => Some(Role::Replica),
            Kind::StandIn(_) => None,
        };
        let durable = common.durable_of(node.kind);
        // What lies on another machine's disk, its agent looks up: this is only who it may be.
        let known = match machine {
            Some(_) => durable.map(|_| node.id).filter(|id| *id != NodeId(0)),
            None => durable.and_then(|durable| durable.replica(&node.name)),
        };
        let keeps_id = common.settings.plants(Plant::RestartKeepsId);
        let returns = match node.kind {
            Kind::NameServer | Kind::StandIn(_) => node.contact.is_some(),
            Kind::Replica { .. } => keeps_id && node.contact.is_some(),
            Kind::FrontEnd => false,
        };
        let mut listen = SocketAddr::new(machine.map_or(common.listen, |machine| machine.address), 0);
        if let (true, Some(contact)) = (returns, node.contact) {
            listen = contact.address;
        } else {
            node.id = known.unwrap_or(NodeId(random()?));
            node.key = machine.map(|machine| machine.take_key().with_context(|| no_key(&node.name))).transpose()?;
            let certify = |role| match &node.key {
                Some(key) => common.authority.certify(role, Some(node.id), key),
                None => common.authority.issue(role, Some(node.id)),
            };
            node.credentials = role.map(certify).transpose()?;
        }
        let durable = durable.map(|durable| common.place_in(durable, node)).transpose()?;
        Ok(NodeConfig {
            name: node.name.clone(),
            duty: match node.kind {
                Kind::NameServer => Duty::NameServer { keeps: common.keeps.clone() },
                Kind::FrontEnd => Duty::FrontEnd,
                Kind::Replica { preset } => {
                    Duty::Replica { preset, services, verdict_cache: common.verdict_cache, durable }
                }
                Kind::StandIn(service) => Duty::StandIn { service, key: common.stand_in_key.clone() },
            },
            id: node.id,
            listen,
            name_servers,
            settings: common.settings.clone(),
            credentials: node.credentials.clone(),
            clock: common.clock.reading(),
            links: Vec::new(),
            bomb: None,
            observe: common.observe,
            reach: match machine {
                Some(machine) if host.is_some() => Reach { host: machine.hosts.clone(), also_listen: Vec::new() },
                Some(_) | None => Reach { host: Vec::new(), also_listen: common.also_listen.clone() },
            },
        })
    }

    /// The postcode services in the order of asking; `host`: where another machine finds the stand-ins.
    fn services(&self, key: &StandInKey, host: Option<IpAddr>) -> Vec<ServiceAddress> {
        if !self.live_services.is_empty() {
            return self.live_services.clone();
        }
        let all = [PostcodeService::PostcodesIo, PostcodeService::GetTheData];
        let address = |service| {
            let node = self.all.iter().find(|node| node.kind == Kind::StandIn(service))?;
            let contact = node.contact?;
            let ip = host.unwrap_or(contact.address.ip());
            let base_url = format!("http://{}", SocketAddr::new(ip, contact.address.port()));
            Some(ServiceAddress { service, id: contact.id, base_url, key: Some(key.clone()) })
        };
        all.into_iter().filter_map(address).collect()
    }
}

/// The same as [`front_end_name`] of name servers.
pub(super) fn name_server_name(nth: usize) -> String {
    if nth == 1 { "name-server".to_owned() } else { format!("name-server-{nth}") }
}

fn no_key(node: &str) -> String {
    format!("The machine of {node} has not sent a key for it yet. Try again in a moment")
}

/// The first one has no number: usually there is no other.
pub(super) fn front_end_name(nth: usize) -> String {
    if nth == 1 { "front-end".to_owned() } else { format!("front-end-{nth}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn front_ends_are_numbered_from_the_second_and_a_removed_ones_name_is_not_given_again() {
        let mut nodes = Nodes::default();
        let added: Vec<usize> = (0..3).map(|_| nodes.add(Kind::FrontEnd)).collect();
        nodes.add_replica();
        assert_eq!(nodes.front_ends(), 3);
        nodes.all[added[1]].removed = true;
        assert_eq!(nodes.front_ends(), MOST_FRONT_ENDS - 1);
        nodes.add(Kind::FrontEnd);
        // Numbers of replicas are never given twice, however many there were.
        let _ = (0..30).map(|_| nodes.add_replica()).last();
        assert_eq!(nodes.all.last().map(|node| node.name.as_str()), Some("replica-31"));
        let names: Vec<&str> = nodes.of_kind(Kind::FrontEnd).map(|node| node.name.as_str()).collect();
        assert_eq!(names, ["front-end", "front-end-2", "front-end-3", "front-end-4"]);
    }
}
