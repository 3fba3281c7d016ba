//! Customers: where they live, what they wait for, and the receipts they keep.

use std::collections::VecDeque;
use std::sync::Arc;

use protocol::ids::{CustomerId, NodeId, RequestId, Span};
use protocol::message::{Answer, Ask, WaitReason};
use protocol::order_book::{HistoryPage, Outcome};
use protocol::postcode::Postcode;

use super::KeepNewest;

/// Receipts a customer keeps for show.
const MOST_RECEIPTS: usize = 50;

#[derive(Clone, Debug)]
pub struct Customer {
    pub id: CustomerId,
    /// Under which it sends.
    pub node: NodeId,
    /// As people call it.
    pub name: String,
    pub postcode: Postcode,
    /// Latitude and longitude in millionths of a degree.
    pub place: (i32, i32),
    /// The machine of its person, if that is another one than the launcher's: only that person orders.
    pub machine: Option<String>,
    /// The front-end it has found.
    pub front_end: Option<NodeId>,
    /// What it waits for.
    pub waiting: Option<Waiting>,
    /// What became of its orders, oldest first.
    pub receipts: VecDeque<Receipt>,
    /// The last history it was told.
    pub history: Option<HistoryPage>,
}

/// A request that has not been answered.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub request: RequestId,
    /// What was asked; of an order that is being given up, the order.
    pub ask: Ask,
    /// Since when, in cluster time.
    pub since: u64,
    /// Whether the customer has asked to give it up.
    pub giving_up: bool,
    /// Why it waits, as the primary says, and since when, in cluster time.
    pub why: Option<(WaitReason, u64)>,
}

/// What became of an order, as its customer was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The request that placed it.
    pub request: RequestId,
    pub postcode: Option<Postcode>,
    pub items: Vec<String>,
    /// What became of it; none: that is not known any more.
    pub outcome: Option<Outcome>,
    /// Microseconds of cluster time from asking to the answer.
    pub took: u64,
    /// When it was answered, in cluster time.
    pub at: u64,
}

/// All customers; clones share those that do not change.
#[derive(Clone, Debug, Default)]
pub struct Customers {
    list: Vec<Arc<Customer>>,
}

impl Customers {
    /// In the order of their appearance.
    pub fn iter(&self) -> impl Iterator<Item = &Customer> {
        self.list.iter().map(|customer| &**customer)
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub fn get(&self, id: CustomerId) -> Option<&Customer> {
        self.iter().find(|customer| customer.id == id)
    }

    /// By the id under which it sends.
    pub fn of(&self, node: NodeId) -> Option<&Customer> {
        self.iter().find(|customer| customer.node == node)
    }

    fn get_mut(&mut self, id: CustomerId) -> Option<&mut Customer> {
        self.list.iter_mut().find(|customer| customer.id == id).map(Arc::make_mut)
    }

    pub(super) fn is(&mut self, id: CustomerId, node: NodeId, name: &str, postcode: Postcode, place: (i32, i32)) {
        if let Some(customer) = self.get_mut(id) {
            customer.node = node;
            name.clone_into(&mut customer.name);
            customer.postcode = postcode;
            customer.place = place;
            return;
        }
        self.list.push(Arc::new(Customer {
            id,
            node,
            name: name.to_owned(),
            postcode,
            place,
            machine: None,
            front_end: None,
            waiting: None,
            receipts: VecDeque::new(),
            history: None,
        }));
    }

    pub(super) fn is_on(&mut self, node: NodeId, machine: &str) {
        if let Some(customer) = self.list.iter_mut().find(|customer| customer.node == node) {
            Arc::make_mut(customer).machine = Some(machine.to_owned());
        }
    }

    pub(super) fn gone(&mut self, node: NodeId) {
        self.list.retain(|customer| customer.node != node);
    }

    /// What it waits for is told by its own facts, which come with the request: not here. `why`: it said so of a request.
    pub(super) fn believes(
        &mut self,
        node: NodeId,
        front_end: Option<NodeId>,
        why: Option<(RequestId, (WaitReason, Span))>,
        at: u64,
    ) {
        let Some(customer) = self.list.iter_mut().find(|customer| customer.node == node).map(Arc::make_mut) else {
            return;
        };
        customer.front_end = front_end;
        if let Some(waiting) = &mut customer.waiting {
            let said = why.filter(|(request, _)| *request == waiting.request);
            // What is heard late would seem to have begun late.
            let before = waiting.why.map_or(u64::MAX, |(_, since)| since);
            waiting.why = said.map(|(_, (why, waited))| (why, before.min(at.saturating_sub(waited.0))));
        }
    }

    pub(super) fn asked(&mut self, id: CustomerId, request: RequestId, ask: &Ask, at: u64) {
        let Some(customer) = self.get_mut(id) else { return };
        match (ask, &mut customer.waiting) {
            (Ask::Withdraw, Some(waiting)) => (waiting.giving_up, waiting.why) = (true, None),
            _ => {
                let ask = ask.clone();
                customer.waiting = Some(Waiting { request, ask, since: at, giving_up: false, why: None });
            }
        }
    }

    pub(super) fn answered(&mut self, request: RequestId, answer: &Answer, took: u64, at: u64) {
        let Some(customer) = self.get_mut(request.customer) else { return };
        let waiting = customer.waiting.take();
        match answer {
            Answer::History(page) => customer.history = Some(page.clone()),
            Answer::Outcome(_) | Answer::Expired => {
                // A withdrawal is answered under its own number; the receipt belongs to the order that was given up.
                let (request, ask) = waiting.map_or((request, None), |waiting| (waiting.request, Some(waiting.ask)));
                let (postcode, items) = match ask {
                    Some(Ask::Order { postcode, items }) => (Some(postcode), items),
                    Some(Ask::History { .. } | Ask::Withdraw) | None => (None, Vec::new()),
                };
                let outcome = match answer {
                    Answer::Outcome(outcome) => Some(outcome.clone()),
                    Answer::History(_) | Answer::Expired => None,
                };
                customer.receipts.push_back(Receipt { request, postcode, items, outcome, took, at });
                customer.receipts.keep_newest(MOST_RECEIPTS);
            }
        }
    }
}
