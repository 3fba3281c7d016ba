//! Whether what a script waits for is so: by what the picture shows, and by what has happened since a moment.
//!
//! Which moment that is, the owner decides: a script counts from its last step, a lesson from the last thing that was waited for.

use std::collections::{BTreeMap, BTreeSet};

use protocol::ids::CustomerId;
use protocol::message::Answer;
use protocol::order_book::Outcome;
use protocol::trace::{MachineEvent, NodeEvent};

use super::resolving;
use crate::{NodeName, WaitFor};
use knowledge::picture::{Customer, Node, Picture, Receipt, Service};

/// What a node was in the newest view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    Primary,
    Backup,
    Other,
}

/// Something that happened and that can be waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Noted {
    ViewChange,
    /// A bomb went off.
    Failpoint,
    Suspicion,
    /// A message with this number was handled.
    Arrived(u8),
    /// A message with this number entered its link.
    Sent(u8),
    Ended(Place),
    Froze(Place),
    /// A message was refused.
    Refused,
    Asked(CustomerId),
    /// A customer was told that an order is placed.
    Placed(CustomerId),
}

/// What has happened since a moment.
#[derive(Clone, Debug, Default)]
pub struct Since {
    view_changes: bool,
    failpoints: bool,
    suspicions: bool,
    refused: bool,
    arrived: BTreeSet<u8>,
    sent: BTreeMap<u8, u64>,
    ended: BTreeSet<Place>,
    froze: BTreeSet<Place>,
    asked: BTreeSet<CustomerId>,
    placed: BTreeMap<CustomerId, u32>,
}

impl Noted {
    pub(super) fn of_node(event: &NodeEvent, place: impl FnOnce() -> Place) -> Option<Self> {
        if let NodeEvent::Exploded { .. } = event {
            Some(Noted::Failpoint)
        } else if let NodeEvent::Froze { .. } = event {
            Some(Noted::Froze(place()))
        } else if let NodeEvent::Asked { customer, .. } = event {
            Some(Noted::Asked(*customer))
        } else if let NodeEvent::Answered { request, answer: Answer::Outcome(Outcome::Placed { .. }), .. } = event {
            Some(Noted::Placed(request.customer))
        } else {
            None
        }
    }

    pub(super) fn of_machine(event: &MachineEvent) -> Option<Self> {
        if let MachineEvent::Refused { .. } = event {
            Some(Noted::Refused)
        } else if let MachineEvent::Suspects { suspected: true, .. } = event {
            Some(Noted::Suspicion)
        } else {
            None
        }
    }
}

impl Since {
    /// Takes in what happened.
    pub fn note(&mut self, noted: &Noted) {
        match noted {
            Noted::ViewChange => self.view_changes = true,
            Noted::Failpoint => self.failpoints = true,
            Noted::Suspicion => self.suspicions = true,
            Noted::Refused => self.refused = true,
            Noted::Arrived(step) => drop(self.arrived.insert(*step)),
            Noted::Sent(step) => *self.sent.entry(*step).or_default() += 1,
            Noted::Ended(place) => drop(self.ended.insert(*place)),
            Noted::Froze(place) => drop(self.froze.insert(*place)),
            Noted::Asked(customer) => drop(self.asked.insert(*customer)),
            Noted::Placed(customer) => *self.placed.entry(*customer).or_default() += 1,
        }
    }

    /// How many messages with a number were sent.
    pub fn messages(&self) -> u64 {
        self.sent.values().sum()
    }

    /// Whether it is so now. `draw` chooses where a name leaves a choice.
    #[must_use]
    pub fn holds(&self, what: &WaitFor, picture: &Picture, draw: u64) -> bool {
        let customer = |name: &String| resolving::customer(picture, name);
        let waits = |name: &String| customer(name).is_some_and(|it| it.waiting.is_some());
        let all = |name, so: &dyn Fn(&Node) -> bool| {
            let meant = resolving::nodes(picture, name, draw);
            !meant.is_empty() && meant.into_iter().all(so)
        };
        match what {
            WaitFor::Answered(name) => !waits(name),
            WaitFor::Asked(name) => waits(name) || customer(name).is_some_and(|it| self.asked.contains(&it.id)),
            WaitFor::Placed { customer: name, count } => {
                let told = customer(name).and_then(|it| self.placed.get(&it.id));
                told.copied().unwrap_or_default() == *count
            }
            WaitFor::Shows { customer: name, count } => customer(name).and_then(shown) == Some(*count as usize),
            WaitFor::ShowsTold { customer: name, than } => customer(name).is_some_and(|it| {
                let placed = |receipt: &&Receipt| matches!(receipt.outcome, Some(Outcome::Placed { .. }));
                let told = it.receipts.iter().filter(placed).count();
                shown(it).is_some_and(|shown| shown.cmp(&told) == *than)
            }),
            WaitFor::Copies(count) => equal_copies(picture) == *count as usize,
            WaitFor::Refused => self.refused,
            WaitFor::Serving => matches!(picture.service(), Service::Serving { .. }),
            WaitFor::Members(count) => {
                let wanted = count.map_or_else(|| resolving::running_replicas(picture), |count| count as usize);
                resolving::members(picture) == Some(wanted)
            }
            WaitFor::ViewChange => self.view_changes,
            WaitFor::Held(count) => {
                picture.traffic.flying().filter(|flying| flying.is_held()).count() >= *count as usize
            }
            WaitFor::Failpoint => self.failpoints,
            WaitFor::StepArrived(step) => self.arrived.contains(step),
            WaitFor::StepSent(step) => self.sent.contains_key(step),
            WaitFor::Stopped => picture.steering.is_stopped(picture.now),
            WaitFor::Goes => !picture.steering.is_stopped(picture.now),
            WaitFor::Leads(name) => all(name, &|node| node.leads()),
            WaitFor::Suspected => self.suspicions,
            WaitFor::Frozen(name) => {
                let stands_still = |node: &Node| picture.steering.frozen.contains_key(&node.id);
                place_named(name).is_some_and(|place| self.froze.contains(&place)) || all(name, &stands_still)
            }
            // A role does not outlive its owner.
            WaitFor::Ended(name) => match place_named(name) {
                Some(place) => self.ended.contains(&place),
                None => all(name, &|node| !node.runs()),
            },
            // A matter of time, not of facts.
            WaitFor::AWhile(_) | WaitFor::TheEnd(_) => true,
        }
    }
}

fn place_named(name: &NodeName) -> Option<Place> {
    match name {
        NodeName::Primary => Some(Place::Primary),
        NodeName::Backup => Some(Place::Backup),
        NodeName::Crashed | NodeName::Frozen | NodeName::Everybody | NodeName::SomeReplica | NodeName::Named(_) => None,
    }
}

/// How many orders of its own a customer read of last, without pre-defined ones.
fn shown(customer: &Customer) -> Option<usize> {
    let history = customer.history.as_ref()?;
    Some(history.orders.iter().filter(|order| order.number.is_some()).count())
}

/// How many running replicas hold everything that any of them holds.
pub(crate) fn equal_copies(picture: &Picture) -> usize {
    let held = picture.nodes.iter().filter(|node| node.runs()).filter_map(|node| node.replica()?.position);
    let held: Vec<_> = held.map(|position| position.op).collect();
    let most = held.iter().max();
    held.iter().filter(|op| Some(*op) == most).count()
}
