//! A book is copied piece by piece while it goes on changing (rule R6).
//!
//! Orders are only ever added, so a copy gets them in their order. Sessions change, and the one that changed last is the last
//! of their list. So a copy that goes through the list misses nothing: a session that changes meanwhile is still ahead. When
//! both lists are at their ends, the copy holds all that is in the book *now*, and perhaps sessions that were evicted since.
//! What was evicted is older than everything that was not, so the horizon says which these are.

use serde::{Deserialize, Serialize};

use super::OrderBook;
use super::sessions::{Session, Sweep};
use crate::ids::{CustomerId, Fingerprint, OpNumber};

/// A session's bytes in a piece, about.
const SESSION: usize = 32;

/// How far a copy has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Reached {
    /// Orders, base data among them.
    pub orders: u64,
    /// All sessions whose last entry is no newer.
    pub sessions: OpNumber,
}

/// What follows in a copy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Piece {
    /// What the copy holds before.
    pub from: Reached,
    /// Digest of all orders that it holds before.
    pub before: Fingerprint,
    /// What it holds afterwards.
    pub to: Reached,
    /// Encoded orders, one after the other.
    pub orders: Vec<u8>,
    /// Where each of them ends.
    pub ends: Vec<u32>,
    /// Sessions, longest silent first.
    pub sessions: Vec<(CustomerId, Session)>,
    /// With the last piece.
    pub rest: Option<Rest>,
}

impl Piece {
    /// Whether nothing is in it: its receiver is only asked what it has.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty() && self.orders.is_empty() && self.sessions.is_empty() && self.rest.is_none()
    }

    /// Whether there is nothing but orders in it, which never change.
    #[must_use]
    pub fn is_of_orders(&self) -> bool {
        self.sessions.is_empty() && self.rest.is_none()
    }

    /// About how many bytes it has.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        (self.orders.len() + self.sessions.len() * SESSION) as u64
    }
}

/// What there is in a book besides orders and sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rest {
    /// How many customers there is room for.
    pub room: u32,
    /// The newest entry whose session was evicted.
    pub horizon: OpNumber,
    /// How many sessions were evicted.
    pub evicted: u64,
    /// Digest of the book.
    pub digest: Fingerprint,
    /// Digest of all orders, in their order.
    pub orders: Fingerprint,
}

/// Why a piece cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PieceError {
    /// It is not what follows.
    #[error("it does not continue this copy")]
    DoesNotFollow,
    /// What is to be an order is none.
    #[error("an order in it cannot be read")]
    NoOrder,
    /// The sessions are not in the order of their entries.
    #[error("a session in it is out of order")]
    OutOfOrder,
    /// The copy is complete, and its orders are not the ones that were sent.
    #[error("the orders are not the ones that were sent")]
    OtherOrders,
}

impl OrderBook {
    /// How many bytes the first `orders` orders take on their way, about.
    pub(crate) fn bytes_of_orders(&self, orders: u64) -> u64 {
        self.orders.bytes_of(orders)
    }

    /// How many bytes a copy takes on its way, about.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.orders.bytes() + (self.sessions.len() * SESSION) as u64
    }

    /// What follows in a copy that has come to `from`, in `room` bytes, about. The book's last entry is `here`.
    /// `sweep`: where the last piece ended, which is then found at once.
    #[must_use]
    pub fn piece(&self, from: Reached, room: usize, here: OpNumber, sweep: &mut Sweep) -> Piece {
        let (orders, ends) = self.orders.encoded(from.orders, room);
        let before = self.orders.digest_at(from.orders).unwrap_or_default();
        let mut to = Reached { orders: from.orders + ends.len() as u64, ..from };
        let (mut sessions, mut rest) = (Vec::new(), None);
        if to.orders == self.orders.len() {
            // A piece without an order has room for at least one session.
            let left = ((room.saturating_sub(orders.len()) / SESSION) as u64).max(u64::from(ends.is_empty()));
            sessions = self.sessions.after(from.sessions, left, sweep);
            to.sessions = sessions.last().map_or(from.sessions, |(_, session)| session.op);
            if self.sessions.newest().is_none_or(|newest| newest <= to.sessions) {
                to.sessions = to.sessions.max(here);
                let (orders, digest) = (self.orders.digest(), self.digest);
                rest = Some(Rest { digest, orders, ..self.sessions.rest() });
            }
        }
        Piece { from, before, to, orders, ends, sessions, rest }
    }

    /// Orders of this book from its beginning, each number with a digest of all orders up to there. Somebody whose digest is
    /// the same has the same orders. Few, and the further back, the fewer.
    #[must_use]
    pub fn beginnings(&self) -> Vec<(u64, Fingerprint)> {
        let all = self.orders.len();
        let back = std::iter::successors(Some(0), |back| Some(back * 8 + 64));
        let places = back.map_while(|back: u64| all.checked_sub(back)).filter(|orders| *orders > 0);
        places.filter_map(|orders| Some((orders, self.orders.digest_at(orders)?))).collect()
    }

    /// Whether this book has the orders of which [`OrderBook::beginnings`] told.
    #[must_use]
    pub fn begins_with(&self, (orders, digest): (u64, Fingerprint)) -> bool {
        self.orders.digest_at(orders) == Some(digest)
    }

    /// What a copy begins with that a piece continues: all orders of this book up to there, and its sessions.
    ///
    /// # Errors
    /// These are not the orders before the piece.
    pub fn before(&self, piece: &Piece) -> Result<OrderBook, PieceError> {
        let from = piece.from;
        if !self.begins_with((from.orders, piece.before)) {
            return Err(PieceError::DoesNotFollow);
        }
        let mut book = Self { orders: self.orders.beginning(from.orders), ..Self::default() };
        for (postcode, places) in &self.histories {
            let kept = places.partition_point(|place| u64::from(*place) < from.orders);
            if kept > 0 {
                book.histories.insert(*postcode, places[..kept].to_vec());
            }
        }
        if from.sessions > OpNumber(0) {
            book.sessions = self.sessions.clone();
        }
        Ok(book)
    }

    /// Adds a piece to a copy. Complete is the copy with the piece that has the rest.
    ///
    /// # Errors
    /// See [`PieceError`]; the copy is then good for nothing.
    pub fn take_in(&mut self, piece: &Piece) -> Result<(), PieceError> {
        let Reached { orders, .. } = piece.from;
        let continues = orders == self.orders.len() && piece.before == self.orders.digest();
        if !continues || piece.to.orders != orders + piece.ends.len() as u64 {
            return Err(PieceError::DoesNotFollow);
        }
        let mut begin = 0;
        for end in &piece.ends {
            let bytes = piece.orders.get(begin..*end as usize).ok_or(PieceError::NoOrder)?;
            let place = self.orders.len() as u32;
            let postcode = self.orders.push_encoded(bytes).ok_or(PieceError::NoOrder)?;
            self.histories.entry(postcode).or_default().push(place);
            begin = *end as usize;
        }
        let mut last = piece.from.sessions;
        for (customer, session) in &piece.sessions {
            if session.op <= last {
                return Err(PieceError::OutOfOrder);
            }
            last = session.op;
            self.sessions.put(*customer, session);
        }
        match &piece.rest {
            Some(rest) if rest.orders != self.orders.digest() => Err(PieceError::OtherOrders),
            Some(rest) => {
                self.sessions.complete(rest);
                self.digest = rest.digest;
                Ok(())
            }
            None => Ok(()),
        }
    }
}
