//! What people want of a cluster in memory: customers, and its operator.

use super::Cluster;
use crate::customer::Customer;
use crate::ids::RequestId;
use crate::machine::{Input, Wish};
use crate::simulation::environment::{Environment, Slot};
use crate::simulation::node::{Actor, Life};

impl<S: Environment> Cluster<S> {
    /// A person wants something of a customer. The request it made, if it did: one that waits only gives up.
    pub fn wish(&mut self, slot: Slot, wish: Wish, traced: bool) -> Option<RequestId> {
        let node = self.seats[slot].node;
        let request = self.customer(slot).filter(|_| self.nodes[node].life == Life::Running)?.next_request();
        self.write(|cluster| format!("{} wants, as {request}: {wish:?}", cluster.seats[slot].name));
        self.checkers.asked(self.now, request, &wish);
        self.nodes[node].inbox.push(Input::Wanted { wish, traced });
        self.run(node);
        let made = self.customer(slot).is_none_or(|customer| customer.waiting() == Some(request));
        if made {
            self.seats[slot].last = request.number;
        }
        made.then_some(request)
    }

    /// The operator orders a fresh start of a front-end (PROTOCOL section 10), with the replica at `primary`.
    pub fn order_fresh_start(&mut self, front_end: Slot, primary: Slot) {
        let (node, primary) = (self.seats[front_end].node, self.node(primary).id);
        let after = self.checkers.newest_view().map(|view| view.number).unwrap_or_default();
        self.write(|_| format!("The operator orders a fresh start with {primary} after view {after}."));
        self.checkers.ordered_fresh_start(after, primary);
        self.nodes[node].inbox.push(Input::Wanted { wish: Wish::BeginAfresh { after, primary }, traced: true });
        self.run(node);
    }

    /// A customer that is not dead.
    #[must_use]
    pub fn customer(&self, slot: Slot) -> Option<&Customer> {
        match &self.node(slot).actor {
            Some(Actor::Customer(customer)) => Some(customer),
            _ => None,
        }
    }
}
