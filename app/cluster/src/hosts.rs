//! Customers' hosts: the loops inside this program in which customers live, and how they are told what nodes are told.
//!
//! The window's customers share one, each load has its own. They follow the cluster's clock, settings and links like any
//! process. This file knows which customers each host has, but not what they do.

use node::control::SteeringCommand;
use protocol::ids::NodeId;

/// The name under which all customers of loads are meant together: there may be a thousand, and they have no faces.
pub const CROWD: &str = "customers";

/// Counts hosts; one is never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct HostKey(pub u64);

/// What a host is told.
pub(super) enum ToHost {
    /// As a node is.
    Steer(SteeringCommand),
    /// That it say when everything that was told before this is done.
    Confirm(Confirmation),
}

/// How a host says that it has done what it was told, and at which cluster time. A host that ends says so, too, by dropping this.
pub(super) struct Confirmation(Option<Box<dyn FnOnce(u64) + Send>>);

impl Confirmation {
    pub fn new(say: impl FnOnce(u64) + Send + 'static) -> Self {
        Self(Some(Box::new(say)))
    }

    /// It is done, at this cluster time.
    pub fn done(mut self, at: u64) {
        if let Some(say) = self.0.take() {
            say(at);
        }
    }
}

impl Drop for Confirmation {
    fn drop(&mut self) {
        if let Some(say) = self.0.take() {
            say(0);
        }
    }
}

/// A customer lives in a host from now on, or does not any more.
pub(super) enum Moved {
    In(HostKey, String, NodeId),
    Out(HostKey, NodeId),
}

/// Where that is said.
pub(super) type Register = Box<dyn Fn(Moved) + Send>;

/// Says something to a host. False: it is gone.
pub(super) type TellHost = Box<dyn Fn(ToHost) -> bool + Send>;

struct CustomersHost {
    key: HostKey,
    tell: TellHost,
    /// Its customers: name and node id.
    residents: Vec<(String, NodeId)>,
}

/// All of them.
#[derive(Default)]
pub(super) struct Hosts {
    all: Vec<CustomersHost>,
    begun: u64,
}

impl Hosts {
    /// One more, with those who live there already.
    pub fn add(&mut self, tell: TellHost, residents: Vec<(String, NodeId)>) -> HostKey {
        self.begun += 1;
        let key = HostKey(self.begun);
        self.all.push(CustomersHost { key, tell, residents });
        key
    }

    /// Somebody moved in.
    pub(crate) fn appeared(&mut self, key: HostKey, name: String, node: NodeId) {
        if let Some(host) = self.all.iter_mut().find(|host| host.key == key) {
            host.residents.push((name, node));
        }
    }

    /// Somebody moved out.
    pub fn left(&mut self, key: HostKey, node: NodeId) {
        if let Some(host) = self.all.iter_mut().find(|host| host.key == key) {
            host.residents.retain(|(_, resident)| *resident != node);
        }
    }

    /// It is gone.
    pub fn remove(&mut self, key: HostKey) {
        self.all.retain(|host| host.key != key);
    }

    /// Everybody of that name: one customer, or a whole crowd.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = NodeId> + 'a {
        let residents = self.all.iter().flat_map(|host| &host.residents);
        residents.filter(move |(resident, _)| resident == name).map(|(_, node)| *node)
    }

    /// Whether anybody has that name.
    pub fn knows(&self, name: &str) -> bool {
        self.named(name).next().is_some()
    }

    pub fn tell(&self, key: HostKey, command: SteeringCommand) {
        if let Some(host) = self.all.iter().find(|host| host.key == key) {
            (host.tell)(ToHost::Steer(command));
        }
    }

    /// Has a host say when it has done what it was told. False: it is gone.
    pub(crate) fn ask_to_confirm(&self, key: HostKey, confirmation: Confirmation) -> bool {
        let host = self.all.iter().find(|host| host.key == key);
        host.is_some_and(|host| (host.tell)(ToHost::Confirm(confirmation)))
    }

    /// In which host a customer lives.
    pub(crate) fn of(&self, node: NodeId) -> Option<HostKey> {
        self.all.iter().find(|host| host.has(node)).map(|host| host.key)
    }

    /// All of them.
    pub(crate) fn keys(&self) -> impl Iterator<Item = HostKey> + '_ {
        self.all.iter().map(|host| host.key)
    }

    /// Tells the host in which a customer lives. False: nobody of that id is known.
    pub(crate) fn tell_host_of(&self, node: NodeId, command: SteeringCommand) -> bool {
        self.all.iter().find(|host| host.has(node)).is_some_and(|host| (host.tell)(ToHost::Steer(command)))
    }

    /// Tells all, and forgets those that are gone.
    pub(crate) fn tell_all(&mut self, command: &SteeringCommand) {
        self.all.retain(|host| (host.tell)(ToHost::Steer(command.clone())));
    }
}

impl CustomersHost {
    fn has(&self, node: NodeId) -> bool {
        self.residents.iter().any(|(_, resident)| *resident == node)
    }
}
