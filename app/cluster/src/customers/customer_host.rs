//! The host of all customers: their names, what each waits for, and what each can be asked to do.
//!
//! One loop drives all their machines; what happens to them is traced by the host, what they are asked here.

mod explosions;

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use node::error_text;
use node::event_loop::Host;
use protocol::customer::Customer;
use protocol::ids::{Contact, CustomerId, NodeId, RequestId, RequestNumber, Role};
use protocol::machine::{Identity, Input, Wish};
use protocol::menu::check_items;
use protocol::message::Ask;
use protocol::name_servers::NameServers;
use protocol::postcode::Postcode;
use protocol::trace::{Actor, Ending, LauncherEvent, NodeEvent, Started, TraceEvent, TraceRecord};
use tokio::sync::mpsc::UnboundedReceiver;

use super::{NAMES, ToCustomers};
use crate::hosts::{Confirmation, HostKey, Moved, Register, ToHost};
use crate::observer::Facts;
use crate::{ClusterClock, random};
use knowledge::user_command::CustomerCommand;

const MOST_CUSTOMERS: usize = 1000;
/// At up to this many requests a second each one is shown step by step, at more a sample of about this many: the picture
/// must never slow the cluster.
const SHOWN_PER_SECOND: usize = 50;

/// Where all customers live.
pub(super) struct CustomerHost {
    host: Host<Customer>,
    name_servers: Vec<Contact>,
    clock: ClusterClock,
    facts: Facts,
    /// Where it is said who lives here, and under which key.
    registry: (HostKey, Register),
    residents: BTreeMap<CustomerId, Resident>,
    /// Frozen customers, and until when; none: until they are woken.
    frozen: BTreeMap<NodeId, Option<Instant>>,
    /// What is done once the next round is over.
    confirmations: Vec<Confirmation>,
    named: usize,
    asked_lately: VecDeque<Instant>,
}

struct Resident {
    node: NodeId,
    name: String,
    /// When the requests that wait for an answer were asked, in cluster time: one, or an order and its withdrawal.
    asked: BTreeMap<RequestId, u64>,
    /// What it asked last.
    last: Last,
}

/// Giving up means something else for each.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Order,
    Read,
    Withdrawal,
}

impl CustomerHost {
    pub fn new(
        host: Host<Customer>,
        name_servers: Vec<Contact>,
        clock: ClusterClock,
        facts: Facts,
        registry: (HostKey, Register),
    ) -> Self {
        let (residents, frozen, asked_lately) = (BTreeMap::new(), BTreeMap::new(), VecDeque::new());
        let confirmations = Vec::new();
        Self { host, name_servers, clock, facts, registry, residents, frozen, confirmations, named: 0, asked_lately }
    }

    /// Does what is asked, until nobody can ask any more.
    pub async fn live(mut self, mut waiting: UnboundedReceiver<ToCustomers>) {
        loop {
            let mut waking = Ok(());
            let next_waking = self.next_waking().map(Into::into);
            tokio::select! {
                () = self.host.ready() => {}
                () = node::alarm::passed(next_waking) => waking = self.wake_due(),
                told = waiting.recv() => match told {
                    None => return,
                    Some(command) => self.obey(command),
                }
            }
            if let Err(error) = waking.and_then(|()| self.host.round()) {
                return self.fact(
                    NodeId(0),
                    LauncherEvent::Log { text: format!("The customers have ended: {}", error_text::chain(&error)) },
                );
            }
            let now = self.clock.now();
            self.confirmations.drain(..).for_each(|confirmation| confirmation.done(now));
            self.explode().await;
            for answered in self.host.take_answers() {
                let now = self.clock.now();
                let Some(resident) = self.residents.values_mut().find(|it| it.node == answered.customer) else {
                    continue;
                };
                let took = resident.asked.get(&answered.request).map_or(0, |at| now.saturating_sub(*at));
                resident.asked.clear();
                let (request, answer) = (answered.request, answered.answer);
                self.host.trace(answered.customer, || NodeEvent::Answered { request, answer, took });
            }
        }
    }

    fn obey(&mut self, command: ToCustomers) {
        let done = match command {
            ToCustomers::AsHost(ToHost::Steer(command)) => self.host.steer(command),
            ToCustomers::AsHost(ToHost::Confirm(confirmation)) => {
                self.confirmations.push(confirmation);
                Ok(())
            }
            ToCustomers::Perform(command) => self.perform(command).map_err(|error| error_text::chain(&error).into()),
            ToCustomers::Wake(name) => self.wake_up(&name).map_err(|error| error_text::chain(&error).into()),
        };
        if let Err(why) = done {
            self.fact(NodeId(0), LauncherEvent::CommandRefused { why });
        }
    }

    fn wake_up(&mut self, name: &str) -> anyhow::Result<()> {
        let node = self.residents.values().find(|resident| resident.name == name).map(|resident| resident.node);
        self.wake(node.with_context(|| format!("There is no customer named {name}."))?)
    }

    fn perform(&mut self, command: CustomerCommand) -> anyhow::Result<()> {
        match command {
            CustomerCommand::AddCustomer { name, postcode, place } => self.add(name, postcode, place),
            CustomerCommand::MoveCustomer { customer, postcode, place } => {
                let resident = self.resident(customer)?;
                let (node, name) = (resident.node, resident.name.clone());
                self.fact(node, LauncherEvent::CustomerIs { customer, name, postcode, place });
                Ok(())
            }
            CustomerCommand::RemoveCustomer { customer } => {
                let node = self.resident(customer)?.node;
                self.forget(customer, node);
                self.fact(node, LauncherEvent::Ended { how: Ending::Removed, words: "removed".into() });
                Ok(())
            }
            CustomerCommand::PlaceOrder { customer, postcode, items } => {
                check_items(&items)?;
                self.ask(customer, Ask::Order { postcode: postcode.parse()?, items })
            }
            CustomerCommand::ReadHistory { customer, postcode, page } => {
                self.ask(customer, Ask::History { postcode: postcode.parse()?, page })
            }
            CustomerCommand::GiveUp { customer } => self.give_up(customer),
        }
    }

    fn add(&mut self, name: Option<String>, postcode: Postcode, place: (i32, i32)) -> anyhow::Result<()> {
        if self.residents.len() >= MOST_CUSTOMERS {
            bail!("There are already {MOST_CUSTOMERS} customers. Remove one first.");
        }
        if name.as_ref().is_some_and(|name| self.residents.values().any(|resident| resident.name == *name)) {
            bail!("There is already a customer with this name. Choose another name.");
        }
        let name = name.unwrap_or_else(|| self.free_name());
        let customer = CustomerId(u128::from(random()?) << 64 | u128::from(random()?));
        let node = NodeId(random()?);
        let contact = self.host.contact(node);
        let name_servers = NameServers::of(&self.name_servers).context("no name server is known")?;
        let identity = Identity { me: contact, name: name.clone(), role: Role::Customer, name_servers };
        let machine = Customer::new(identity, self.host.settings().clone(), customer, RequestNumber(0));
        self.host.add(node, Role::Customer, machine);
        // Before anybody hears of it and lets it order: its links come first.
        self.register(Moved::In(self.registry.0, name.clone(), node));
        let (actor, pid) = (Actor::Role(Role::Customer), std::process::id());
        self.fact(node, LauncherEvent::Started(Started { name: name.clone(), actor, pid, contact }));
        self.fact(node, LauncherEvent::CustomerIs { customer, name: name.clone(), postcode, place });
        self.residents.insert(customer, Resident { node, name, asked: BTreeMap::new(), last: Last::Read });
        Ok(())
    }

    fn register(&self, news: Moved) {
        (self.registry.1)(news);
    }

    /// The next name nobody has; after all are used, with a number.
    fn free_name(&mut self) -> String {
        loop {
            let (round, at) = (self.named / NAMES.len(), self.named % NAMES.len());
            self.named += 1;
            let name = if round == 0 { NAMES[at].to_owned() } else { format!("{} {}", NAMES[at], round + 1) };
            if self.residents.values().all(|resident| resident.name != name) {
                return name;
            }
        }
    }

    fn resident(&self, customer: CustomerId) -> anyhow::Result<&Resident> {
        self.residents.get(&customer).ok_or_else(|| anyhow!("There is no such customer."))
    }

    fn ask(&mut self, customer: CustomerId, ask: Ask) -> anyhow::Result<()> {
        let resident = self.resident(customer)?;
        let (node, name) = (resident.node, resident.name.clone());
        let machine = self.host.machine(node).with_context(|| format!("{name}'s program is not running."))?;
        if machine.waiting().is_some() {
            bail!("{name} is still waiting for an answer. Wait for it, or cancel the order first.");
        }
        let request = machine.next_request();
        self.note_asked(customer, node, request, ask.clone());
        let traced = self.is_shown();
        self.host.give(node, Input::Wanted { wish: Wish::Ask(ask), traced });
        Ok(())
    }

    fn give_up(&mut self, customer: CustomerId) -> anyhow::Result<()> {
        let resident = self.resident(customer)?;
        let (node, name, last) = (resident.node, resident.name.clone(), resident.last);
        let machine = self.host.machine(node).with_context(|| format!("{name}'s program is not running."))?;
        if machine.waiting().is_none() {
            bail!("{name} has no open order to cancel.");
        }
        let request = machine.next_request();
        match last {
            Last::Order => self.note_asked(customer, node, request, Ask::Withdraw),
            // A read changes nothing: giving it up needs nobody's consent.
            Last::Read => {}
            Last::Withdrawal => bail!("{name} is already cancelling the order and is waiting for the outcome."),
        }
        self.host.give(node, Input::Wanted { wish: Wish::GiveUp, traced: true });
        Ok(())
    }

    fn note_asked(&mut self, customer: CustomerId, node: NodeId, request: RequestId, ask: Ask) {
        let now = self.clock.now();
        if let Some(resident) = self.residents.get_mut(&customer) {
            resident.last = match &ask {
                Ask::Order { .. } => Last::Order,
                Ask::History { .. } => Last::Read,
                Ask::Withdraw => Last::Withdrawal,
            };
            resident.asked.retain(|_, _| ask == Ask::Withdraw);
            resident.asked.insert(request, now);
        }
        self.host.trace(node, || NodeEvent::Asked { customer, request, ask });
    }

    /// Whether the next request is shown step by step.
    fn is_shown(&mut self) -> bool {
        let now = Instant::now();
        self.asked_lately.push_back(now);
        while self.asked_lately.front().is_some_and(|at| now - *at > Duration::from_secs(1)) {
            self.asked_lately.pop_front();
        }
        let lately = self.asked_lately.len();
        lately <= SHOWN_PER_SECOND || lately.is_multiple_of(lately.div_ceil(SHOWN_PER_SECOND))
    }

    fn fact(&self, node: NodeId, event: impl Into<TraceEvent>) {
        self.facts.push([TraceRecord { node, at: self.clock.now(), event: event.into() }]);
    }
}
