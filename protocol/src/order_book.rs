//! The replicated state: all orders, and which request of each customer was answered last.
//!
//! Entries are results, not commands: the primary alone decided them (passive replication), so applying one cannot
//! fail and needs no clock. The session table is part of this state (rule R8): what is known of retries must survive
//! the primary as the orders do. It has room for a million customers; whom it evicts stands in `order_book/sessions.rs`
//! (rule R14).

mod copying;
mod orders;
mod sessions;

use std::collections::BTreeMap;
use std::ops::Bound;

use serde::{Deserialize, Serialize};

use crate::fingerprint::digest_of;
use crate::ids::{CustomerId, Fingerprint, OpNumber, OrderNumber, Position, RequestId, Span, Timestamp, ViewNumber};
use crate::menu::ItemsError;
use crate::postcode::{Postcode, PostcodeService};
pub use copying::{Piece, PieceError, Reached, Rest};
use orders::{Orders, Record};
use sessions::Sessions;
pub use sessions::{MOST_SESSIONS, Session, Sweep};

/// Orders on one page of a history.
pub const PAGE: usize = 100;

/// One operation of the shared history.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// Its place in the history.
    pub op: OpNumber,
    /// The view in which it was executed.
    pub view: ViewNumber,
    /// Whose request it settles.
    pub request: RequestId,
    /// What it changes in the order book.
    pub effect: EntryEffect,
    /// What the customer is told once it is committed.
    pub outcome: Outcome,
}

/// What an entry changes besides the session of its customer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EntryEffect {
    /// An order enters the history of its postcode.
    Accepted {
        /// Where to deliver, and under which history the order is kept.
        postcode: Postcode,
        /// Names of the dishes to deliver.
        items: Vec<String>,
        /// The number of the order, from 1 and without gaps.
        number: OrderNumber,
        /// When the primary accepted it.
        at: Timestamp,
    },
    /// Nothing, but that it was said must be remembered (rule R8).
    Rejected,
    /// Nothing, but that the given-up request can no longer be executed.
    Withdrawn,
}

/// What became of an order, for good.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Outcome {
    /// It is in the book.
    Placed {
        /// The number of the order, from 1 and without gaps.
        number: OrderNumber,
    },
    /// It is not in the book and never will be.
    Rejected {
        /// What speaks against the order.
        why: Rejection,
    },
    /// It was given up before it was executed and never will be.
    NeverPlaced,
}

/// Why an order was rejected.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Rejection {
    /// A postcode service said no.
    Postcode {
        /// The service's reason, as a sentence.
        why: String,
        /// The service that gave the verdict.
        by: PostcodeService,
    },
    /// The items are no order.
    Items(ItemsError),
    /// Nobody could tell whether the postcode exists, and the cluster was told not to wait longer.
    Unchecked {
        /// How long it was tried.
        waited: Span,
    },
}

/// Which order, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum OrderId {
    /// Loaded with the base data, counted from 1.
    Preset(u32),
    /// Placed by this request.
    Placed(RequestId),
}

/// An order in the book.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Order {
    /// The order's id, unique in all histories.
    pub id: OrderId,
    /// Its number; preset orders have none.
    pub number: Option<OrderNumber>,
    /// Names of the dishes that were ordered.
    pub items: Vec<String>,
    /// When it was accepted; 0 for preset orders.
    pub at: Timestamp,
}

/// An order whose dishes somebody else holds, so that none is copied. Its digest is that of the [`Order`]: the same fields.
#[derive(Clone, Copy, Serialize)]
struct Entered<'a> {
    id: OrderId,
    number: Option<OrderNumber>,
    items: &'a [String],
    at: Timestamp,
}

/// One page of what was ordered to a postcode, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct HistoryPage {
    /// The postcode whose orders these are.
    pub postcode: Postcode,
    /// Which page, from 0.
    pub page: u32,
    /// How many orders the whole history has.
    pub total: u64,
    /// Those of this page.
    pub orders: Vec<Order>,
}

/// Everything that is replicated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct OrderBook {
    orders: Orders,
    /// The places of each postcode's orders among all of them.
    histories: BTreeMap<Postcode, Vec<u32>>,
    sessions: Sessions,
    digest: Fingerprint,
}

impl OrderBook {
    /// The pre-defined order history. There are three `set`s, 1 to 3 (others are folded into these): each
    /// replica loads one when it starts, and only that of the very first primary is ever anybody's history.
    #[must_use]
    pub fn preset(set: u32) -> Self {
        let wanted = (set.saturating_sub(1) % 3 + 1).to_string();
        let mut book = Self::default();
        let lines = include_str!("../../resources/preset-orders.csv").lines().skip(1);
        let rows = lines.filter_map(|line| line.strip_prefix(&wanted)?.strip_prefix(',')?.split_once(','));
        for ((postcode, items), id) in rows.zip(1..) {
            if let Ok(postcode) = postcode.parse() {
                let items: Vec<_> = items.split(';').map(String::from).collect();
                let (id, number, at) = (OrderId::Preset(id), None, Timestamp(0));
                book.enter(postcode, Entered { id, number, items: &items, at });
            }
        }
        book
    }

    /// Whether an entry's order has the number that comes next here. If not, the histories differ already.
    #[must_use]
    pub fn fits(&self, entry: &Entry) -> bool {
        match entry.effect {
            EntryEffect::Accepted { number, .. } => number == self.accepted().next(),
            EntryEffect::Rejected | EntryEffect::Withdrawn => true,
        }
    }

    /// Applies a result. The same code on primary and backups.
    ///
    /// # Panics
    /// If the entry does not fit: its receiver asks [`OrderBook::fits`] before.
    pub fn apply(&mut self, entry: &Entry) {
        let session = Session { number: entry.request.number, outcome: entry.outcome.clone(), op: entry.op };
        self.digest.0 ^= digest_of(&(entry.request, &session.outcome)).0;
        self.digest.0 ^= self.sessions.remember(entry.request.customer, &session).0;
        match &entry.effect {
            EntryEffect::Accepted { postcode, items, number, at } => {
                assert!(self.fits(entry), "order numbers have no gaps (I1)");
                let id = OrderId::Placed(entry.request);
                self.enter(*postcode, Entered { id, number: Some(*number), items, at: *at });
            }
            EntryEffect::Rejected | EntryEffect::Withdrawn => {}
        }
    }

    fn enter(&mut self, postcode: Postcode, order: Entered<'_>) {
        let history = self.histories.entry(postcode).or_default();
        self.digest.0 ^= digest_of(&(postcode, history.len() as u64, order)).0;
        history.push(self.orders.len() as u32);
        let Entered { id, items, at, .. } = order;
        self.orders.push(&Record { postcode, id, items, at });
    }

    /// The same, with room for the sessions of this many customers. All replicas follow the very first primary's.
    #[must_use]
    pub fn with_room_for(mut self, sessions: u32) -> Self {
        self.sessions = Sessions::with_room_for(sessions);
        self
    }

    /// The last executed request of a customer; none also if its session was evicted.
    #[must_use]
    pub fn session(&self, customer: CustomerId) -> Option<Session> {
        self.sessions.get(customer)
    }

    /// R14: the newest entry whose session was evicted. What was asked before it was settled, by a customer without a
    /// session, may have been executed.
    #[must_use]
    pub fn horizon(&self) -> OpNumber {
        self.sessions.horizon()
    }

    /// Forgets who was told what: only a planted bug does that (rule R8).
    pub(crate) fn forget_sessions(&mut self) {
        self.sessions.clear();
    }

    /// How many customers' last requests are remembered.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// How many sessions were evicted so far.
    #[must_use]
    pub fn evicted(&self) -> u64 {
        self.sessions.evicted()
    }

    /// How many orders were accepted; the newest has this number.
    #[must_use]
    pub fn accepted(&self) -> OrderNumber {
        self.orders.accepted()
    }

    /// A page of a history; beyond the end it is empty.
    #[must_use]
    pub fn history(&self, postcode: Postcode, page: u32) -> HistoryPage {
        self.earlier_history(postcode, page, self.length(postcode))
    }

    /// How many orders the history of a postcode has.
    #[must_use]
    pub fn length(&self, postcode: Postcode) -> usize {
        self.histories.get(&postcode).map_or(0, Vec::len)
    }

    /// A page of a history as it was when it had `length` orders: histories only ever grow.
    #[must_use]
    pub fn earlier_history(&self, postcode: Postcode, page: u32, length: usize) -> HistoryPage {
        let all = self.histories.get(&postcode).map_or(&[][..], Vec::as_slice);
        let earlier = &all[..length.min(all.len())];
        let places = earlier.iter().skip((page as usize).saturating_mul(PAGE)).take(PAGE);
        let orders = places.map(|place| self.orders.get(*place)).collect();
        HistoryPage { postcode, page, total: earlier.len() as u64, orders }
    }

    /// All histories in the order of postcodes, for inspection.
    pub fn histories(&self) -> impl Iterator<Item = (Postcode, Vec<Order>)> {
        let orders = |places: &Vec<u32>| places.iter().map(|place| self.orders.get(*place)).collect();
        self.histories.iter().map(move |(postcode, places)| (*postcode, orders(places)))
    }

    /// The lengths of all histories from this postcode on, in the order of postcodes; none: from the first one on.
    pub fn lengths(&self, from: Option<Postcode>) -> impl Iterator<Item = (Postcode, usize)> {
        let from = from.map_or(Bound::Unbounded, Bound::Included);
        self.histories.range((from, Bound::Unbounded)).map(|(postcode, places)| (*postcode, places.len()))
    }

    /// The newest orders of a history, oldest first, at most this many.
    #[must_use]
    pub fn newest(&self, postcode: Postcode, most: usize) -> Vec<Order> {
        let all = self.histories.get(&postcode).map_or(&[][..], Vec::as_slice);
        all[all.len().saturating_sub(most)..].iter().map(|place| self.orders.get(*place)).collect()
    }

    /// How many postcodes have a history.
    #[must_use]
    pub fn postcodes(&self) -> usize {
        self.histories.len()
    }

    /// Digest of the content, kept apart from the fingerprint of positions: two replicas with equal positions must
    /// show equal digests, or applying entries is broken.
    #[must_use]
    pub fn digest(&self) -> Fingerprint {
        self.digest
    }

    /// Digest of all that can be counted here. It finds what a copy lacks, whose content digest was told to it.
    #[cfg(feature = "simulation")]
    pub(crate) fn counts(&self) -> Fingerprint {
        let sessions = (self.sessions.len() as u64, self.sessions.newest(), self.sessions.rest());
        digest_of(&(self.digest, self.orders.digest(), self.histories.len() as u64, sessions))
    }

    /// A new history begins at `at` with what is here, the operator wants it so (PROTOCOL section 10, fresh start). Nobody's
    /// request is remembered: what was asked before may have been settled in the history that is lost (rule R14).
    pub(crate) fn begin_afresh(&mut self, at: OpNumber) -> Position {
        self.sessions.evict_all(at);
        Position { op: at, fingerprint: self.fingerprint(at) }
    }

    /// The position of a history that begins with this book: base data become operation 0 (PROTOCOL section 5).
    #[must_use]
    pub fn as_base(&self) -> Position {
        Position { op: OpNumber(0), fingerprint: self.fingerprint(OpNumber(0)) }
    }

    /// Of a history that begins at `at` with what is here.
    fn fingerprint(&self, at: OpNumber) -> Fingerprint {
        digest_of(&(self.orders.digest(), self.digest, self.sessions.rest(), at))
    }
}

impl Position {
    /// The position after one more entry: the fingerprint chains all entries since the base data (PROTOCOL section 2).
    #[must_use]
    pub fn after(self, entry: &Entry) -> Position {
        Position { op: entry.op, fingerprint: digest_of(&(self.fingerprint, entry)) }
    }
}

#[cfg(test)]
mod tests;
