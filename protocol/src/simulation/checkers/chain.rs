//! All histories there ever were: a tree of entries, of which one branch is committed.
//!
//! Only an acting primary may grow the tree; everybody else must stand on it. So a replica whose log differs from its
//! primary's (I5) stands nowhere, and the tree is read from one replica only, once per entry.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ids::{Fingerprint, OpNumber, OrderNumber, Position, RequestId, RequestNumber, ViewNumber};
use crate::order_book::{Entry, EntryEffect, OrderBook, OrderId, Outcome};
use crate::postcode::Postcode;
use crate::simulation::broken_rule::BrokenRule;

/// A place in the tree.
pub type Place = u32;

#[derive(Debug)]
struct Node {
    op: OpNumber,
    fingerprint: Fingerprint,
    parent: Place,
    /// None for base data.
    entry: Option<Arc<Entry>>,
    /// Digest of the order book there, as the first replica to stand there had it.
    digest: Option<Fingerprint>,
}

/// The tree, and its committed branch.
#[derive(Debug, Default)]
pub struct Chain {
    nodes: Vec<Node>,
    by_op: Vec<Vec<Place>>,
    /// The committed branch: index is the op. Empty before the first view has a primary.
    committed: Vec<Place>,
    /// Where each request was executed last, committed or not.
    executed: BTreeMap<RequestId, Place>,
    /// Committed requests.
    settled: BTreeMap<RequestId, OpNumber>,
    /// Committed histories: which order, by which op.
    histories: BTreeMap<Postcode, Vec<(OrderId, OpNumber)>>,
    /// Requests of which somebody was told that nothing is known any more, and what was committed then.
    expired: BTreeMap<RequestId, OpNumber>,
    accepted: OrderNumber,
}

impl Chain {
    /// Where somebody with this position stands.
    #[must_use]
    pub fn find(&self, position: Position) -> Option<Place> {
        let places = self.by_op.get(position.op.0 as usize)?;
        places.iter().copied().find(|place| self.nodes[*place as usize].fingerprint == position.fingerprint)
    }

    /// The place on the way to `place` with this op.
    #[must_use]
    pub fn ancestor(&self, mut place: Place, op: OpNumber) -> Option<Place> {
        while self.nodes[place as usize].op > op && place != 0 {
            place = self.nodes[place as usize].parent;
        }
        (self.nodes[place as usize].op == op || place == 0).then_some(place)
    }

    /// The op of a place.
    #[must_use]
    pub fn op(&self, place: Place) -> OpNumber {
        self.nodes[place as usize].op
    }

    /// The first primary of all begins the one history there may be.
    /// `anew`: after a fresh start, at any operation.
    pub fn begin(&mut self, book: &OrderBook, position: Position, anew: bool) -> Result<Place, BrokenRule> {
        if (position.op != OpNumber(0) && !anew) || !self.nodes.is_empty() {
            return Err(BrokenRule::SecondHistory(position));
        }
        for (postcode, orders) in book.histories() {
            self.histories.insert(postcode, orders.iter().map(|order| (order.id, OpNumber(0))).collect());
        }
        self.accepted = book.accepted();
        // Below its beginning a history is its base data.
        self.committed.resize(position.op.0 as usize + 1, 0);
        Ok(self.add(position, 0, None))
    }

    fn add(&mut self, at: Position, parent: Place, entry: Option<Arc<Entry>>) -> Place {
        let place = self.nodes.len() as Place;
        self.nodes.push(Node { op: at.op, fingerprint: at.fingerprint, parent, entry, digest: None });
        let op = at.op.0 as usize;
        if self.by_op.len() <= op {
            self.by_op.resize_with(op + 1, Vec::new);
        }
        self.by_op[op].push(place);
        place
    }

    /// A primary of `view` appended `entry` after `parent`. I5, I7.
    pub fn grow(&mut self, parent: Place, entry: &Arc<Entry>, view: ViewNumber) -> Result<Place, BrokenRule> {
        let Node { op, fingerprint, .. } = self.nodes[parent as usize];
        let at = Position { op, fingerprint }.after(entry);
        if let Some(place) = self.find(at) {
            return Ok(place);
        }
        if entry.op != op.next() {
            return Err(BrokenRule::Gap(entry.op, op));
        }
        if entry.view != view {
            return Err(BrokenRule::EntryOfAnotherView(view, entry.view));
        }
        let twin = self.by_op.get(entry.op.0 as usize).into_iter().flatten();
        if twin.copied().any(|place| self.nodes[place as usize].entry.as_ref().is_some_and(|e| e.view == view)) {
            return Err(BrokenRule::TwoEntries(entry.op, view));
        }
        let earlier = self.executed.get(&entry.request);
        if earlier.is_some_and(|place| self.ancestor(parent, self.op(*place)) == Some(*place)) {
            return Err(BrokenRule::ExecutedAgain(entry.request, entry.op));
        }
        let newest = (RequestId { number: entry.request.number.next(), ..entry.request })..=(RequestId {
            number: RequestNumber(u64::MAX),
            ..entry.request
        });
        // A primary that was replaced and does not know it may still execute what is over: nobody will hear of it.
        let here = |op: OpNumber| self.ancestor(parent, op) == self.committed.get(op.0 as usize).copied();
        if let Some((later, _)) = self.settled.range(newest).find(|(_, op)| here(**op)) {
            return Err(BrokenRule::ExecutedAfter(entry.request, *later));
        }
        let place = self.add(at, parent, Some(Arc::clone(entry)));
        self.executed.insert(entry.request, place);
        Ok(place)
    }

    /// Equal positions, equal books.
    pub fn digest(&mut self, place: Place, digest: Fingerprint) -> Result<(), BrokenRule> {
        let node = &mut self.nodes[place as usize];
        let first = *node.digest.get_or_insert(digest);
        if first == digest { Ok(()) } else { Err(BrokenRule::TwoOrderBooks(node.op)) }
    }

    /// Highest committed op.
    #[must_use]
    pub fn committed(&self) -> OpNumber {
        OpNumber(self.committed.len().saturating_sub(1) as u64)
    }

    /// A primary that stands at `place` says that everything up to `op` is committed. I2, and I7 of what is new.
    pub fn commit(&mut self, place: Place, op: OpNumber) -> Result<(), BrokenRule> {
        if self.op(place) < op {
            return Err(BrokenRule::CommittedAhead(op, self.op(place)));
        }
        let known = self.committed().min(op);
        if self.ancestor(place, known) != self.committed.get(known.0 as usize).copied() {
            return Err(BrokenRule::CommitsDiffer(known));
        }
        for next in self.committed.len() as u64..=op.0 {
            let Some(place) = self.ancestor(place, OpNumber(next)) else { break };
            self.committed.push(place);
            let Some(entry) = self.nodes[place as usize].entry.clone() else { continue };
            if self.is_expired(entry.request) {
                return Err(BrokenRule::ExecutedExpired(entry.request, OpNumber(next)));
            }
            self.settled.insert(entry.request, entry.op);
            self.enter(&entry)?;
        }
        Ok(())
    }

    /// I1: order numbers are gapless; I7: what the customer is told is what happened.
    fn enter(&mut self, entry: &Entry) -> Result<(), BrokenRule> {
        match (&entry.effect, &entry.outcome) {
            (EntryEffect::Accepted { postcode, number, .. }, Outcome::Placed { number: answered }) => {
                self.accepted = self.accepted.next();
                if *number != self.accepted || answered != number {
                    return Err(BrokenRule::NumberedWrongly(self.accepted, entry.request, *number));
                }
                let order = (OrderId::Placed(entry.request), entry.op);
                self.histories.entry(*postcode).or_default().push(order);
                Ok(())
            }
            (EntryEffect::Rejected, Outcome::Rejected { .. }) => Ok(()),
            (EntryEffect::Withdrawn, outcome) => {
                let RequestId { customer, number } = entry.request;
                let given_up = RequestId { customer, number: RequestNumber(number.0 - 1) };
                let truth = self.outcome(given_up).map_or(&Outcome::NeverPlaced, |(_, outcome)| outcome);
                if truth == outcome {
                    return Ok(());
                }
                Err(BrokenRule::GivenUpWrongly(given_up, outcome.clone().into(), truth.clone().into()))
            }
            (effect, outcome) => {
                Err(BrokenRule::OutcomeIsNotEffect(entry.request, outcome.clone().into(), effect.clone().into()))
            }
        }
    }

    /// Somebody was told that nothing is known of a request any more: it must not be executed as a newcomer's (R14).
    pub fn expire(&mut self, request: RequestId) {
        if !self.settled.contains_key(&request) {
            let committed = self.committed();
            self.expired.entry(request).or_insert(committed);
        }
    }

    /// Whether a request must not be executed any more. An older request of its customer that is executed after the answer
    /// opens a session again, and a late copy of the request finds it.
    fn is_expired(&self, request: RequestId) -> bool {
        let RequestId { customer, number } = request;
        let older = RequestId { customer, number: RequestNumber(0) }..RequestId { customer, number };
        self.expired.get(&request).is_some_and(|told| !self.settled.range(older).any(|(_, op)| op > told))
    }

    /// Whether somebody at `place` holds the committed op.
    #[must_use]
    pub fn holds(&self, place: Place, op: OpNumber) -> bool {
        self.op(place) >= op && self.ancestor(place, op) == self.committed.get(op.0 as usize).copied()
    }

    /// What was committed for a request.
    #[must_use]
    pub fn outcome(&self, request: RequestId) -> Option<(OpNumber, &Outcome)> {
        let op = *self.settled.get(&request)?;
        let entry = self.nodes[self.committed[op.0 as usize] as usize].entry.as_ref()?;
        Some((op, &entry.outcome))
    }

    /// The committed history of a postcode.
    #[must_use]
    pub fn history(&self, postcode: Postcode) -> &[(OrderId, OpNumber)] {
        self.histories.get(&postcode).map_or(&[], Vec::as_slice)
    }
}
