//! The customers that live in the window, or the one of a terminal: real machines, all on one endpoint, in a thread with a loop of its own.
//!
//! What they do is a fact when it happens; what they cannot do is refused with a sentence. They are added, moved, and asked
//! to order by commands; nothing here orders by itself (`load` does).

mod customer_host;

use std::net::SocketAddr;
use std::sync::mpsc::channel;
use std::thread::JoinHandle;

use anyhow::Context;
use node::cluster_clock::ClusterClock as NodeClock;
use node::control::{Credentials, Reach};
use node::event_loop::Host;
use node::gazetteer::{Finding, Gazetteer};
use node::observation::Feed;
use node::transport::Transport;
use protocol::customer::Customer;
use protocol::ids::Contact;
use protocol::machine::Settings;
use protocol::postcode::Postcode;
use protocol::trace::TraceRecord;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::ClusterClock;
use super::hosts::{Hosts, Register, ToHost};
use super::observer::Facts;
use customer_host::CustomerHost;
use knowledge::user_command::CustomerCommand;

/// Names for new customers, in turn; the first three have pre-defined orders at their postcodes.
pub(super) const NAMES: [&str; 20] = [
    "Muriel", "Grace", "Alan", "Ada", "Edsger", "Barbara", "Leslie", "Nancy", "Tony", "Radia", "Donald", "Frances",
    "Maurice", "Kathleen", "Tim", "Karen", "Robin", "Sophie", "Dennis", "Margaret",
];
const DEFAULT_POSTCODES: [&str; 3] = ["EH1 1RE", "NE1 7RU", "M1 1AE"];

/// A handle; dropping it ends the customers.
pub(super) struct Customers {
    told: Option<UnboundedSender<ToCustomers>>,
    thread: Option<JoinHandle<()>>,
}

/// What the customers' thread is told.
pub(super) enum ToCustomers {
    /// What a person asked of a customer.
    Perform(CustomerCommand),
    /// A frozen customer goes on.
    Wake(String),
    /// What all hosts are told.
    AsHost(ToHost),
}

/// What the customers of a program share.
pub(super) struct Rooms {
    pub credentials: Credentials,
    pub settings: Settings,
    pub listen: SocketAddr,
    /// On another machine: where the first one is.
    pub reach: Reach,
    pub observe: bool,
    pub name_servers: Vec<Contact>,
}

impl Customers {
    /// Opens their endpoint. They are told what all customers' hosts are told, and `register` who they are.
    ///
    /// # Errors
    /// When no port can be opened.
    pub(crate) fn open(
        rooms: Rooms,
        clock: ClusterClock,
        (facts, register): (Facts, Register),
        hosts: &mut Hosts,
    ) -> anyhow::Result<Self> {
        let (told, waiting) = unbounded_channel();
        let (ready, opened) = channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        // Weak: this way to them must not keep the customers alive.
        let steered = told.downgrade();
        let tell = move |said| steered.upgrade().is_some_and(|told| told.send(ToCustomers::AsHost(said)).is_ok());
        let registry = (hosts.add(Box::new(tell), Vec::new()), register);
        let thread = std::thread::Builder::new().name("customers".into()).spawn(move || {
            // As a task: waking the future that the runtime blocks on costs two system calls more each time.
            let life = runtime.spawn(async move {
                match host(&rooms, &clock, facts.clone()) {
                    Ok(host) => {
                        let _ = ready.send(Ok(()));
                        let told = rooms.name_servers;
                        CustomerHost::new(host, told, clock, facts, registry).live(waiting).await;
                    }
                    Err(error) => drop(ready.send(Err(error))),
                }
            });
            // An error is a panic, which has been reported where it happened.
            drop(runtime.block_on(life));
        })?;
        opened.recv().context("the thread of the customers ended unexpectedly")??;
        Ok(Self { told: Some(told), thread: Some(thread) })
    }

    /// Muriel, Grace and Alan move in.
    pub(crate) fn add_default(&self) {
        for (postcode, name) in DEFAULT_POSTCODES.iter().zip(NAMES) {
            if let Ok(postcode) = postcode.parse() {
                let (name, place) = (Some(name.to_owned()), place_of(postcode));
                self.tell(ToCustomers::Perform(CustomerCommand::AddCustomer { name, postcode, place }));
            }
        }
    }

    /// Has them do it.
    pub fn tell(&self, command: ToCustomers) {
        if let Some(told) = &self.told {
            // Fails only if the thread has ended, which it reported.
            let _ = told.send(command);
        }
    }
}

impl Drop for Customers {
    fn drop(&mut self) {
        self.told = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

pub(super) fn place_of(postcode: Postcode) -> (i32, i32) {
    match Gazetteer::get().find(postcode) {
        Finding::Live(unit) => unit.point.map_or((0, 0), |point| point.in_millionths()),
        Finding::Closed(_) | Finding::Unknown => (0, 0),
    }
}

fn host(rooms: &Rooms, clock: &ClusterClock, facts: Facts) -> anyhow::Result<Host<Customer>> {
    let transport = Transport::open_with(rooms.listen, &rooms.credentials, &rooms.reach)?;
    let sink = move |records: &mut Vec<TraceRecord>, dropped: &mut u64| {
        facts.count_dropped(std::mem::take(dropped));
        facts.push(records.drain(..));
    };
    let feed = Feed::new(rooms.observe, Box::new(sink));
    Ok(Host::new(transport, NodeClock::started_at(clock.reading()), &rooms.settings, feed))
}
