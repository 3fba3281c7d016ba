//! The order book of a replica that speaks before it writes: the newest entry of its history gets into the book only when
//! what was to be said of it is on its way.
//!
//! The entry is in the log, has its place in the history, and is known to fit. So only those who look into the book need to wait
//! for it, and while one customer orders, nobody does: its orders take two per cent less. Nothing else changes.

use std::ops::Deref;
use std::sync::Arc;

use crate::order_book::{Entry, OrderBook};

/// An order book that lags by at most one entry. It can only be looked at when it does not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct LateBook {
    book: OrderBook,
    /// The newest entry, if it is not in the book.
    late: Option<Arc<Entry>>,
}

impl LateBook {
    /// The entry that comes next; it fits.
    pub(super) fn append(&mut self, entry: Arc<Entry>) {
        self.catch_up();
        self.late = Some(entry);
    }

    /// The book with all entries in it.
    pub(super) fn catch_up(&mut self) -> &mut OrderBook {
        if let Some(entry) = self.late.take() {
            self.book.apply(&entry);
        }
        &mut self.book
    }

    /// Whether the newest entry is not in the book.
    pub(super) fn is_late(&self) -> bool {
        self.late.is_some()
    }

    /// About how many bytes the book takes, with or without its newest entry.
    pub(super) fn bytes(&self) -> u64 {
        self.book.bytes()
    }
}

impl From<OrderBook> for LateBook {
    fn from(book: OrderBook) -> Self {
        Self { book, late: None }
    }
}

/// For those who cannot change it. [`LateBook::catch_up`] comes before every input and before whatever they do, so they find
/// all entries; that it was forgotten is noticed, as the answer would be wrong.
impl Deref for LateBook {
    type Target = OrderBook;

    fn deref(&self) -> &OrderBook {
        assert!(self.late.is_none(), "nobody may look into the book before its newest entry is in it");
        &self.book
    }
}
