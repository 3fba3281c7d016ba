//! Customers' hosts: the loops inside this program in which customers live, and how they are told what nodes are told.
//!
//! The window's customers share one, each load has its own. They follow the cluster's clock, settings and links like any
//! process; who lives where is known here, what customers do is not.

use node::control::LinkSetting;
use node::event_loop::Host;
use protocol::customer::Customer;
use protocol::ids::{MessageId, NodeId};
use protocol::machine::{Settings, Timer};
use protocol::trace::{Bomb, MessageAct, Rate};

/// The name under which all customers of loads are meant together: there may be a thousand, and they have no faces.
pub const CROWD: &str = "customers";

/// Counts hosts; one is never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct HostKey(pub u64);

/// What a host can be told: what `ControlCommand` is to a process.
#[derive(Clone, Debug)]
pub(crate) enum HostCommand {
    /// Cluster time is at least `at`, and goes at this rate.
    Clock {
        /// The launcher's reading.
        at: u64,
        /// How fast.
        rate: Rate,
        /// It stops by itself at this cluster time.
        until: Option<u64>,
    },
    /// Use these settings from now on.
    Retime(Settings),
    /// What a link does from now on.
    Link(LinkSetting),
    /// Do something with a message that is in one of its links.
    Message {
        /// Which.
        message: MessageId,
        /// To whom.
        to: NodeId,
        /// What.
        act: MessageAct,
    },
    /// Let an armed timer ring now.
    Ring {
        /// Whose.
        node: NodeId,
        /// Which.
        timer: Timer,
    },
    /// Trace control messages one by one, too, or only count them.
    ObserveHeartbeats(bool),
    /// Lay a bomb, or take it away.
    Bomb {
        /// In whom.
        node: NodeId,
        /// Which.
        bomb: Option<Bomb>,
    },
    /// A customer that stands still goes on.
    Wake {
        /// Who.
        node: NodeId,
    },
}

impl HostCommand {
    /// Does it.
    ///
    /// # Errors
    /// A sentence for people: what cannot be done, and why.
    pub(crate) fn obey(self, host: &mut Host<Customer>) -> Result<(), String> {
        match self {
            HostCommand::Clock { at, rate, until } => host.set_clock(at, rate, until),
            HostCommand::Retime(settings) => host.retime(&settings),
            HostCommand::Link(setting) => host.set_link(setting),
            HostCommand::Message { message, to, act } => return host.act_on(message, to, act),
            HostCommand::Ring { node, timer } => return host.ring(node, timer),
            HostCommand::ObserveHeartbeats(on) => host.observe_heartbeats(on),
            HostCommand::Bomb { node, bomb } => host.lay_bomb(node, bomb),
            HostCommand::Wake { node } => return host.resume(node).map_err(|error| error.to_string()),
        }
        Ok(())
    }
}

/// Says something to a host. False: it is gone.
pub(super) type TellHost = Box<dyn Fn(HostCommand) -> bool + Send>;

struct CustomersHost {
    key: HostKey,
    tell: TellHost,
    /// Who lives there: name and node id.
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
    pub fn appeared(&mut self, key: HostKey, name: String, node: NodeId) {
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

    /// Everybody of that name: one customer, or a whole crowd.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = NodeId> + 'a {
        let residents = self.all.iter().flat_map(|host| &host.residents);
        residents.filter(move |(resident, _)| resident == name).map(|(_, node)| *node)
    }

    /// Whether anybody has that name.
    pub fn knows(&self, name: &str) -> bool {
        self.named(name).next().is_some()
    }

    /// Tells one host.
    pub fn tell(&self, key: HostKey, command: HostCommand) {
        if let Some(host) = self.all.iter().find(|host| host.key == key) {
            (host.tell)(command);
        }
    }

    /// Tells the host in which a customer lives. False: nobody of that id is known.
    pub fn tell_host_of(&self, node: NodeId, command: HostCommand) -> bool {
        self.all.iter().find(|host| host.has(node)).is_some_and(|host| (host.tell)(command))
    }

    /// Tells all, and forgets those that are gone.
    pub fn tell_all(&mut self, command: &HostCommand) {
        self.all.retain(|host| (host.tell)(command.clone()));
    }
}

impl CustomersHost {
    fn has(&self, node: NodeId) -> bool {
        self.residents.iter().any(|(_, resident)| *resident == node)
    }
}
