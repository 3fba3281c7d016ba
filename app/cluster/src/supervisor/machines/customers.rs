//! Customers on other machines: one for each machine that was invited to be one. The person there orders; here it is steered.

use anyhow::{Context, bail};
use node::control::Reach;
use protocol::ids::{CustomerId, NodeId, Role};

use super::super::Supervisor;
use crate::Admission;
use crate::customers::ToCustomers;
use crate::hosts::HostKey;
use crate::machines::MachineKey;
use crate::machines::customer_afar::CustomerAfar;
use crate::machines::talk::{CustomerThere, ToCustomer};
use knowledge::user_command::CustomerCommand;

/// Where they live, in turn: one picture would lie on the other.
const HOMES: [&str; 8] = ["DH1 3LE", "LS1 4DY", "BS1 5TR", "NR1 3JU", "CF10 1EP", "G1 1DN", "PL1 2AA", "L1 8JQ"];

/// The customer of a machine.
pub(super) struct Away {
    customer: CustomerAfar,
    pub host: HostKey,
    /// Once it has said who it is.
    pub who: Option<(NodeId, CustomerId)>,
}

impl Supervisor {
    /// The machine has joined, or has come back: its person gets a customer.
    pub(super) fn start_customer(&mut self, key: MachineKey) -> anyhow::Result<()> {
        self.end_customer(key);
        let member = self.machines.all.iter().find(|member| member.key == key).context("there is no such machine")?;
        let (machine, name) = (member.machine.clone().context("it has gone")?, member.name.clone());
        let public = machine.take_key().with_context(|| format!("{name} has not sent a key for its customer"))?;
        let name_servers = self.nodes.name_servers();
        anyhow::ensure!(!name_servers.is_empty(), "the name server has no address yet");
        let admission = Admission {
            credentials: self.common.authority.certify(Role::Customer, None, &public)?,
            name_servers,
            settings: self.common.settings.clone(),
            clock: self.clock.reading(),
        };
        let home = HOMES[key.0 as usize % HOMES.len()].parse()?;
        let reach = Reach { host: machine.hosts.clone(), also_listen: Vec::new() };
        let there = CustomerThere { name, admission, key: public, home, listen: machine.address, reach };
        let (customer, waiting) = CustomerAfar::new();
        let host = self.hosts.add(customer.tell_host(), Vec::new());
        customer.start(&machine, there, key, (waiting, self.told_at_the_door(), self.facts.clone()))?;
        if let Some(member) = self.machines.member(key) {
            member.away = Some(Away { customer, host, who: None });
        }
        self.tell_new_host(host);
        Ok(())
    }

    /// The connection is lost, and its customer with it.
    pub(super) fn end_customer(&mut self, key: MachineKey) {
        if let Some(away) = self.machines.member(key).and_then(|member| member.away.take()) {
            self.hosts.remove(away.host);
        }
    }

    /// A customer has said who it is. Two cannot be one.
    pub(super) fn on_orders(&mut self, key: MachineKey, node: NodeId, customer: CustomerId) {
        let is_taken = self.machines.away().any(|(_, away)| away.who.is_some_and(|(_, other)| other == customer));
        let Some(away) = self.machines.member(key).and_then(|member| member.away.as_mut()) else { return };
        if is_taken {
            return self.end_customer(key);
        }
        away.who = Some((node, customer));
        let host = away.host;
        if let Some(name) = self.machines.name(key).map(str::to_owned) {
            self.moved_in(host, name, node);
        }
    }

    /// It has ended, or its machine is lost.
    pub(super) fn on_orders_no_more(&mut self, key: MachineKey, node: NodeId) {
        if let Some(host) = self.machines.member(key).and_then(|member| Some(member.away.as_ref()?.host)) {
            self.hosts.left(host, node);
        }
    }

    /// What a person here asks of a customer, wherever it is.
    pub(crate) fn perform_of_customer(&mut self, command: CustomerCommand) -> anyhow::Result<()> {
        let customer = match &command {
            CustomerCommand::AddCustomer { .. } => None,
            CustomerCommand::MoveCustomer { customer, .. }
            | CustomerCommand::RemoveCustomer { customer }
            | CustomerCommand::PlaceOrder { customer, .. }
            | CustomerCommand::ReadHistory { customer, .. }
            | CustomerCommand::GiveUp { customer } => Some(*customer),
        };
        let is_it = |away: &Away| away.who.is_some_and(|(_, who)| Some(who) == customer);
        let Some((name, away)) = self.machines.away().find(|(_, away)| is_it(away)) else {
            return self.tell_customers(ToCustomers::Perform(command));
        };
        match command {
            CustomerCommand::PlaceOrder { .. }
            | CustomerCommand::ReadHistory { .. }
            | CustomerCommand::GiveUp { .. } => {
                bail!(
                    "{name} is the customer of the person at that machine. Only that person orders, reads and cancels."
                )
            }
            CustomerCommand::AddCustomer { .. }
            | CustomerCommand::MoveCustomer { .. }
            | CustomerCommand::RemoveCustomer { .. } => {
                if !away.customer.tell(ToCustomer::Perform(command)) {
                    bail!("{name} does not take the command now. Try again in a moment.");
                }
                Ok(())
            }
        }
    }

    /// A customer that a bomb has frozen goes on, wherever it is.
    pub(crate) fn wake_customer(&self, name: &str, node: NodeId) -> anyhow::Result<()> {
        let found = self.machines.away().find(|(_, away)| away.who.is_some_and(|(other, _)| other == node));
        let Some((_, away)) = found else { return self.tell_customers(ToCustomers::Wake(name.to_owned())) };
        if !away.customer.tell(ToCustomer::Wake) {
            bail!("{name} does not take the command now. Try again in a moment.");
        }
        Ok(())
    }
}
