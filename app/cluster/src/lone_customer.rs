//! One customer in a program of its own: the same customer as those of the window.

use std::net::IpAddr;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::Context;
use node::control::Reach;
use protocol::ids::{CustomerId, NodeId};
use protocol::postcode::Postcode;
use protocol::trace::{LauncherEvent, TraceEvent, TraceRecord};

use crate::customers::{Customers, Rooms, ToCustomers, place_of};
use crate::hosts::{Hosts, ToHost};
use crate::observer::Facts;
use crate::{Admission, ClusterClock};
use knowledge::user_command::CustomerCommand;

/// A thread of this process does not answer later.
const LONGEST_START: Duration = Duration::from_secs(10);

/// A customer. Dropping it ends its program's part in the cluster; what it has asked stays asked.
pub struct Customer {
    customers: Customers,
    facts: Facts,
    clock: ClusterClock,
    pub name: String,
    pub id: CustomerId,
    pub node: NodeId,
}

impl Customer {
    /// Lives from now on at a postcode. `wake` is called, from any thread, when there are facts.
    ///
    /// # Errors
    /// When no port can be opened.
    pub fn start(
        name: String,
        admission: Admission,
        home: Postcode,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> anyhow::Result<Self> {
        let here = (IpAddr::from([127, 0, 0, 1]), Reach::default());
        Self::start_at((name, admission), (home, here), Facts::default(), wake)
    }

    /// The same at another address, with its facts in this queue.
    pub(crate) fn start_at(
        (name, admission): (String, Admission),
        (home, (listen, reach)): (Postcode, (IpAddr, Reach)),
        facts: Facts,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> anyhow::Result<Self> {
        let clock = ClusterClock::at(admission.clock);
        let (sender, woken) = channel();
        facts.wake_with(std::sync::Arc::new(move || {
            let _ = sender.send(());
        }));
        let rooms = Rooms {
            credentials: admission.credentials,
            settings: admission.settings,
            listen: (listen, 0).into(),
            reach,
            observe: true,
            name_servers: admission.name_servers,
        };
        // Nobody here must know who lives where: links are set by ids.
        let nobody = |_| {};
        let customers =
            Customers::open(rooms, clock.clone(), (facts.clone(), Box::new(nobody)), &mut Hosts::default())?;
        let place = place_of(home);
        let command = CustomerCommand::AddCustomer { name: Some(name.clone()), postcode: home, place };
        customers.tell(ToCustomers::Perform(command));
        let (id, node, first) = moved_in(&facts, &clock, &woken)?;
        facts.wake_with(std::sync::Arc::new(wake));
        facts.keep(first);
        Ok(Self { customers, facts, clock, name, id, node })
    }

    /// Calls `wake`, from any thread, when there are facts.
    pub fn wake_with(&self, wake: impl Fn() + Send + Sync + 'static) {
        self.facts.wake_with(std::sync::Arc::new(wake));
    }

    /// What a launcher says to the host of its customers.
    pub(crate) fn steer(&self, said: ToHost) {
        self.customers.tell(ToCustomers::AsHost(said));
    }

    /// It goes on, if a bomb has frozen it.
    pub(crate) fn wake(&self) {
        self.customers.tell(ToCustomers::Wake(self.name.clone()));
    }

    /// Has it do something; what comes of it is a fact.
    pub fn perform(&self, command: CustomerCommand) {
        self.customers.tell(ToCustomers::Perform(command));
    }

    /// The facts that have come since the last time.
    pub fn take_facts(&self) -> Vec<TraceRecord> {
        self.facts.take(self.clock.now())
    }

    /// Cluster time, in microseconds.
    pub fn now(&self) -> u64 {
        self.clock.now()
    }
}

/// Waits until the customer is there; returns who it is, and the facts so far.
fn moved_in(
    facts: &Facts,
    clock: &ClusterClock,
    woken: &Receiver<()>,
) -> anyhow::Result<(CustomerId, NodeId, Vec<TraceRecord>)> {
    let mut all = Vec::new();
    loop {
        woken.recv_timeout(LONGEST_START).context("the customer's thread does not answer")?;
        all.extend(facts.take(clock.now()));
        let who = all.iter().find_map(|record: &TraceRecord| match &record.event {
            TraceEvent::Launcher(LauncherEvent::CustomerIs { customer, .. }) => Some((*customer, record.node)),
            TraceEvent::Launcher(_) | TraceEvent::Node(_) | TraceEvent::Machine(_) => None,
        });
        if let Some((customer, node)) = who {
            return Ok((customer, node, all));
        }
    }
}
