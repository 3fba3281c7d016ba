//! The verdict while a run goes on: what customers asked and were told, judged answer by answer.
//!
//! Each answer costs as little as its list is long; only where something contradicts itself the whole postcode is judged as
//! `check` would, so that both say the same. The order of the customers' facts is their order in time: they all live in one
//! process. Asking nodes is not done here: what replicas say of themselves is the picture's statistics.

mod place;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use protocol::ids::{CustomerId, NodeId, OrderNumber, RequestId};
use protocol::judge::{ContradictionKind, Contradictions, End, Reason};
use protocol::message::{Answer, Ask};
use protocol::order_book::{HistoryPage, Outcome};
use protocol::postcode::Postcode;
use protocol::trace::{Crowd, LauncherEvent, NodeEvent, TraceEvent, TraceRecord};

use place::Place;

/// The most operations that are judged; later ones are only counted.
const MOST_OPERATIONS: usize = 200_000;
/// Orders in all lists that are compared; a stranger's tape may hold endless ones.
const MOST_COMPARED: usize = 100_000_000;

/// Counts for the lights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Lights {
    /// Orders whose customers were told that they are placed.
    pub acknowledged: u32,
    /// Requests that wait for an answer.
    pub waiting: u32,
    /// Orders that were never answered, and whose customer is gone.
    pub unknown: u32,
    /// Lists that were read to their end.
    pub reads: u32,
    /// Acknowledged orders that a later read could have missed.
    pub covered: u32,
    /// How much contradicts itself, and how.
    #[serde(flatten)]
    pub contradictions: Contradictions,
    /// Operations that came too late to be judged: there were too many.
    pub unjudged: u32,
    /// Customers that are told of only together.
    pub crowd: Crowd,
}

impl Lights {
    /// With what is known of customers that are told of only together. They were judged together with all others, so that
    /// one contradiction may be known from both sides: it counts once.
    #[must_use]
    pub fn together(self) -> Self {
        let few = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let judged = self.crowd.judged.unwrap_or_default();
        Self {
            acknowledged: self.acknowledged.saturating_add(few(self.crowd.acknowledged)),
            unknown: self.unknown.saturating_add(few(self.crowd.unknown)),
            reads: self.reads.saturating_add(few(self.crowd.reads)),
            covered: self.covered.max(few(judged.covered)),
            contradictions: self.contradictions.max(judged.contradictions()),
            ..self
        }
    }

    /// Whether nothing contradicts linearizability.
    pub fn is_linearizable(&self) -> bool {
        self.contradictions.is_empty()
    }
}

/// Two things that cannot both be so, with the requests of customers that contradict each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradicted {
    /// Of which kind; a repetition of an order is stored twice, though nobody asked for it.
    pub kind: ContradictionKind,
    /// What contradicts what, by the names of orders.
    pub reason: Reason<String>,
    /// Where; none: it is not about one postcode.
    pub postcode: Option<Postcode>,
    /// The requests that contradict each other.
    pub requests: Vec<RequestId>,
}

/// What is known at one moment. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    pub lights: Lights,
    /// What contradicts itself, in the order of postcodes.
    pub contradictions: Arc<[Contradicted]>,
}

impl Judged {
    /// Whether a request is part of a contradiction.
    pub fn convicts(&self, request: RequestId) -> bool {
        self.contradictions.iter().any(|contradiction| contradiction.requests.contains(&request))
    }
}

/// A customer's name and the operations that are under way.
#[derive(Debug)]
struct Known {
    node: NodeId,
    name: Arc<str>,
    open: Vec<Open>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    request: RequestId,
    postcode: Postcode,
    /// Which operation there; none: it is not judged.
    operation: Option<usize>,
    places: bool,
}

/// The fold of the customers' facts. It only grows, within its limit.
#[derive(Debug, Default)]
pub struct Evidence {
    customers: BTreeMap<CustomerId, Known>,
    places: BTreeMap<Postcode, Place>,
    numbers: HashMap<OrderNumber, RequestId>,
    /// Order numbers that were given to two orders.
    clashes: Vec<Contradicted>,
    /// Counts facts: the customers' time.
    moment: u64,
    operations: usize,
    compared: usize,
    judged: Judged,
}

impl Evidence {
    pub fn judged(&self) -> &Judged {
        &self.judged
    }

    /// What people call a request: "Grace/3".
    pub fn name(&self, request: RequestId) -> String {
        called(&self.customers, request)
    }

    /// Takes in a fact; tells whether what is known has changed.
    pub fn apply(&mut self, record: &TraceRecord) -> bool {
        match &record.event {
            TraceEvent::Launcher(LauncherEvent::CustomerIs { customer, name, .. }) => {
                self.is_called(*customer, record.node, name)
            }
            TraceEvent::Launcher(LauncherEvent::Ended { .. }) => self.gone(record.node),
            TraceEvent::Launcher(LauncherEvent::Crowd(crowd)) => {
                self.judged.lights.crowd = *crowd;
                true
            }
            TraceEvent::Node(NodeEvent::Asked { customer, request, ask }) => self.asked(*customer, *request, ask),
            TraceEvent::Node(NodeEvent::Answered { request, answer, .. }) => self.answered(*request, answer),
            TraceEvent::Launcher(_) | TraceEvent::Node(_) | TraceEvent::Machine(_) => false,
        }
    }

    fn is_called(&mut self, customer: CustomerId, node: NodeId, name: &str) -> bool {
        let known = Known { node, name: name.into(), open: Vec::new() };
        let known = self.customers.entry(customer).or_insert(known);
        known.node = node;
        false
    }

    fn asked(&mut self, customer: CustomerId, request: RequestId, ask: &Ask) -> bool {
        self.moment += 1;
        let Some(known) = self.customers.get_mut(&customer) else { return false };
        let (postcode, items) = match ask {
            Ask::Order { postcode, items } => (*postcode, Some(items)),
            Ask::History { postcode, .. } => (*postcode, None),
            // It settles the order that is under way.
            Ask::Withdraw => return false,
        };
        // A read that was given up: nobody waits for it any more, and it changed nothing.
        let left = known.open.iter().filter(|open| open.places).count() as u32;
        self.judged.lights.waiting = self.judged.lights.waiting.saturating_sub(known.open.len() as u32);
        self.judged.lights.unknown += left;
        known.open.clear();
        let judged = self.operations < MOST_OPERATIONS && self.compared < MOST_COMPARED;
        let operation = judged.then(|| {
            let place = self.places.entry(postcode).or_default();
            place.asked(request, items.map(|items| &items[..]), self.moment)
        });
        self.operations += usize::from(judged);
        self.judged.lights.unjudged += u32::from(!judged);
        self.judged.lights.waiting += 1;
        known.open.push(Open { request, postcode, operation, places: items.is_some() });
        true
    }

    fn answered(&mut self, request: RequestId, answer: &Answer) -> bool {
        self.moment += 1;
        let Some(known) = self.customers.get_mut(&request.customer) else { return false };
        // A withdrawal is answered under its own number, but about the order that is under way.
        let Some(open) = known.open.pop() else { return false };
        self.judged.lights.waiting = self.judged.lights.waiting.saturating_sub(1);
        match answer {
            Answer::History(page) => self.read(open, page),
            Answer::Outcome(outcome) => self.settled(open, outcome),
            // It stays open for ever, as if its customer had gone.
            Answer::Expired => self.judged.lights.unknown += u32::from(open.places),
        }
        true
    }

    fn settled(&mut self, open: Open, outcome: &Outcome) {
        let end = match outcome {
            Outcome::Placed { number } => {
                self.judged.lights.acknowledged += 1;
                self.numbered(*number, open.request);
                End::Done
            }
            Outcome::Rejected { .. } | Outcome::NeverPlaced => End::NotDone,
        };
        let place = self.places.get_mut(&open.postcode);
        let news = open.operation.zip(place).map(|(at, place)| place.settled(at, end, self.moment));
        self.note(open, news.unwrap_or_default());
    }

    /// Two orders with one number cannot both be in the book.
    fn numbered(&mut self, number: OrderNumber, request: RequestId) {
        let first = *self.numbers.entry(number).or_insert(request);
        if first != request {
            let reason = Reason::SameNumber(number, self.name(first), self.name(request));
            let requests = vec![first, request];
            self.clashes.push(Contradicted { kind: reason.kind(), reason, postcode: None, requests });
            self.collect();
        }
    }

    fn read(&mut self, open: Open, page: &HistoryPage) {
        let (customers, moment) = (&self.customers, self.moment);
        let watched = |customer: CustomerId| customers.contains_key(&customer);
        let place = self.places.get_mut(&open.postcode);
        let news = open.operation.zip(place).map(|(at, place)| place.read(at, page, moment, &watched));
        self.note(open, news.unwrap_or_default());
    }

    fn note(&mut self, open: Open, news: place::Consequence) {
        self.compared += news.compared;
        self.judged.lights.reads += u32::from(news.read);
        self.judged.lights.covered += news.covered as u32;
        if news.suspicious
            && let Some(place) = self.places.get_mut(&open.postcode)
        {
            let customers = &self.customers;
            self.compared += place.judge(open.postcode, &|request| called(customers, request));
            self.collect();
        }
    }

    fn gone(&mut self, node: NodeId) -> bool {
        let Some(known) = self.customers.values_mut().find(|known| known.node == node) else { return false };
        self.judged.lights.waiting = self.judged.lights.waiting.saturating_sub(known.open.len() as u32);
        self.judged.lights.unknown += known.open.iter().filter(|open| open.places).count() as u32;
        !std::mem::take(&mut known.open).is_empty()
    }

    /// All contradictions, and how many there are of each kind.
    fn collect(&mut self) {
        let found = self.places.values().flat_map(|place| &place.found);
        self.judged.contradictions = found.chain(&self.clashes).cloned().collect();
        let mut counts = Contradictions::default();
        // One order that several reads miss is one lost order; it was asked for before any of them.
        let mut lost = BTreeSet::new();
        for it in self.judged.contradictions.iter() {
            if it.kind != ContradictionKind::Lost || lost.insert(it.requests.first()) {
                counts.add(it.kind);
            }
        }
        self.judged.lights.contradictions = counts;
    }
}

fn called(customers: &BTreeMap<CustomerId, Known>, request: RequestId) -> String {
    match customers.get(&request.customer) {
        Some(known) => format!("{}/{}", known.name, request.number),
        None => request.to_string(),
    }
}
