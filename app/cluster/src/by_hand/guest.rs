//! One customer in a program of its own: the same customer as those of the window, with a name from the name server's
//! process.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::Context;
use node::transport::identity::OwnKey;
use protocol::ids::{CustomerId, NodeId, Role};
use protocol::postcode::Postcode;
use protocol::trace::{LauncherEvent, TraceEvent, TraceRecord};

use super::meeting_place::Card;
use super::{Guest, Knock, made_whole};
use crate::customers::{Customers, Rooms, ToCustomers, place_of};
use crate::hosts::Hosts;
use crate::observer::Facts;
use crate::{Admission, ClusterClock};
use knowledge::user_command::CustomerCommand;

/// A thread of this process does not answer later.
const LONGEST_START: Duration = Duration::from_secs(10);

/// Makes a key and knocks at the name server's process. `ask` carries the knock there.
///
/// # Errors
/// A sentence, when it is not admitted.
pub fn join(
    name_server: &Card,
    name: Option<String>,
    ask: impl FnOnce(Knock) -> anyhow::Result<Guest>,
) -> anyhow::Result<Guest> {
    let own = OwnKey::new()?;
    let guest = ask(Knock { role: Role::Customer, public_key: own.public(), pid: std::process::id(), name })?;
    let authority = name_server.authority.clone().unwrap_or_default();
    let credentials = made_whole(&own, guest.admission.credentials, &authority)?;
    Ok(Guest { admission: Admission { credentials, ..guest.admission }, ..guest })
}

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
    pub fn start(guest: Guest, home: Postcode, wake: impl Fn() + Send + Sync + 'static) -> anyhow::Result<Self> {
        let Guest { name, admission } = guest;
        let (facts, clock) = (Facts::default(), ClusterClock::at(admission.clock));
        let (sender, woken) = channel();
        facts.wake_with(std::sync::Arc::new(move || {
            let _ = sender.send(());
        }));
        // Nobody steers its links: what the supervisor would want to know is told to nobody.
        let (supervisor, _) = channel();
        let rooms = Rooms {
            credentials: admission.credentials,
            settings: admission.settings,
            listen: ([127, 0, 0, 1], 0).into(),
            observe: true,
            name_servers: admission.name_servers,
        };
        let customers = Customers::open(rooms, clock.clone(), (facts.clone(), supervisor), &mut Hosts::default())?;
        let place = place_of(home);
        let command = CustomerCommand::AddCustomer { name: Some(name.clone()), postcode: home, place };
        customers.tell(ToCustomers::Perform(command));
        let (id, node, first) = moved_in(&facts, &clock, &woken)?;
        facts.wake_with(std::sync::Arc::new(wake));
        facts.push(first);
        Ok(Self { customers, facts, clock, name, id, node })
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
