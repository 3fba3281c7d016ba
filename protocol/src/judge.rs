//! The judge: can what customers asked and were told have happened one operation after the other?
//!
//! Each postcode is a list of orders that only grows, and is judged by itself. This is exact and needs no search: the longest list
//! that was read fixes the place of each order, so each operation has a rank. How the history came about does not matter, and
//! nothing is asked of a node. Facts only: sentences about them are made where a person reads them.
//!
//! The same judge serves `just-hungry check`, the lights of the window, and the end of a simulated run.
//!
//! ```
//! use protocol::judge::{Act, ContradictionKind, End, Operation, PostcodeHistory, Seen, contradictions};
//!
//! let operation = |line, act, start, end| Operation { line, act, start, end: Some((End::Done, end)) };
//! let placed = operation(1, Act::Place(0), 10, 20);
//! let mut here = PostcodeHistory { orders: 1, base: Some(vec![]), operations: vec![placed], ..Default::default() };
//! here.operations.push(operation(2, Act::Read(Seen::Beginning(0)), 30, 40));
//! let found = contradictions(&here);
//! assert_eq!((found[0].kind, &found[0].operations[..]), (ContradictionKind::Lost, &[1, 2][..]));
//! ```

mod linearizability;

use serde::{Deserialize, Serialize};

use crate::ids::OrderNumber;

pub use linearizability::contradictions;

/// An order of one postcode, from 0 to less than [`PostcodeHistory::orders`].
pub type OrderIndex = u32;

/// What happened at one postcode.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PostcodeHistory {
    /// How many orders there are in the lists and operations.
    pub orders: OrderIndex,
    /// The longest list that was read, of those that continue each other: most lists are a beginning of it.
    pub longest: Vec<OrderIndex>,
    /// Lists that were read and are no beginning of it.
    pub others: Vec<Box<[OrderIndex]>>,
    /// Pre-defined orders, oldest first; none if the history does not say.
    pub base: Option<Vec<OrderIndex>>,
    /// In the order in which they were asked.
    pub operations: Vec<Operation>,
}

/// One operation with its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// What contradictions call it: usually the line of a file, from 1.
    pub line: usize,
    /// What it did.
    pub act: Act,
    /// When it began, on the clock of all operations here, in any unit.
    pub start: u64,
    /// How and when it ended; none if nobody knows.
    pub end: Option<(End, u64)>,
}

/// What an operation did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// Placed this order.
    Place(OrderIndex),
    /// Read this list; empty until it is answered.
    Read(Seen),
}

/// A list that was read. A long history repeats the same beginnings over and over, and has millions of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seen {
    /// This many orders from the beginning of [`PostcodeHistory::longest`].
    Beginning(u32),
    /// One of [`PostcodeHistory::others`].
    Other(u32),
}

/// A known end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Done.
    Done,
    /// Not done, now or later.
    NotDone,
}

impl PostcodeHistory {
    /// The orders of a list that was read here.
    #[must_use]
    pub fn list(&self, seen: Seen) -> &[OrderIndex] {
        match seen {
            Seen::Beginning(length) => self.longest.get(..length as usize).unwrap_or_default(),
            Seen::Other(which) => self.others.get(which as usize).map_or(&[], |list| list),
        }
    }

    /// Keeps a list that was read, in as little room as it needs.
    pub fn keep(&mut self, list: Vec<OrderIndex>) -> Seen {
        let length = list.len();
        if list.starts_with(&self.longest) {
            self.longest = list;
        } else if !self.longest.starts_with(&list) {
            return self.keep_apart(list);
        }
        // No list has more orders than there are indices.
        Seen::Beginning(length as u32)
    }

    /// Keeps a list that is no beginning of the longest.
    pub fn keep_apart(&mut self, list: Vec<OrderIndex>) -> Seen {
        self.others.push(list.into());
        Seen::Other(self.others.len() as u32 - 1)
    }
}

/// The kinds of contradiction that a customer can see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContradictionKind {
    /// An order that was acknowledged, or read by somebody, is missing.
    Lost,
    /// An order stands in a list twice.
    Doubled,
    /// Orders stand in another order than they were placed in, or in two different orders.
    Reordered,
    /// A read shows less than was known before it began.
    Stale,
    /// A list shows an order that nobody had asked for, or that was refused.
    Invented,
}

impl ContradictionKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Lost, Self::Doubled, Self::Reordered, Self::Stale, Self::Invented];
}

/// How many contradictions there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contradictions {
    /// Orders that are missing.
    pub lost: u64,
    /// Orders that are stored twice.
    pub doubled: u64,
    /// Pairs of orders in another order than they were placed in.
    pub reordered: u64,
    /// Reads that show less than was known.
    pub stale: u64,
    /// Orders in lists that nobody placed.
    pub invented: u64,
}

impl Contradictions {
    /// How many there are of one kind.
    #[must_use]
    pub fn of(&self, kind: ContradictionKind) -> u64 {
        match kind {
            ContradictionKind::Lost => self.lost,
            ContradictionKind::Doubled => self.doubled,
            ContradictionKind::Reordered => self.reordered,
            ContradictionKind::Stale => self.stale,
            ContradictionKind::Invented => self.invented,
        }
    }

    /// One more of this kind.
    pub fn add(&mut self, kind: ContradictionKind) {
        *match kind {
            ContradictionKind::Lost => &mut self.lost,
            ContradictionKind::Doubled => &mut self.doubled,
            ContradictionKind::Reordered => &mut self.reordered,
            ContradictionKind::Stale => &mut self.stale,
            ContradictionKind::Invented => &mut self.invented,
        } += 1;
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Of two counts of overlapping contradictions: the higher for each kind.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            lost: self.lost.max(other.lost),
            doubled: self.doubled.max(other.doubled),
            reordered: self.reordered.max(other.reordered),
            stale: self.stale.max(other.stale),
            invented: self.invented.max(other.invented),
        }
    }
}

/// Two things that cannot both be so. `N` is what an order is called: its index here, its name where people read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction<N = OrderIndex> {
    /// The kind, by [`Reason::kind`].
    pub kind: ContradictionKind,
    /// What contradicts what.
    pub reason: Reason<N>,
    /// The operations that contradict each other, by their [`Operation::line`]; what was placed comes first.
    pub operations: Vec<usize>,
}

/// What contradicts what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason<N = OrderIndex> {
    /// The order stands in one list twice.
    Twice(N),
    /// The order stands in a list, and nobody placed it.
    NobodyPlaced(N),
    /// The order stands in a list, and its customer was told that it never will.
    WasRefused(N),
    /// A read shows less than the pre-defined orders.
    LessThanPreset,
    /// The order was read once, and is missing in a longer list.
    MissingInLongest(N),
    /// Two lists have different orders in the same place.
    Differ(N, N),
    /// The order was acknowledged, and is missing in what was seen later.
    MissingLater(N),
    /// The order was acknowledged before a read began that does not show it.
    NotShown(N),
    /// A later read shows less than an earlier one.
    ShowsLess,
    /// The first order stands after the second, which began later.
    StandsAfterLater(N, N),
    /// The order was read before it was placed.
    ReadBeforePlaced(N),
    /// One order number was given to two orders: one of them is lost.
    SameNumber(OrderNumber, N, N),
}

impl<N> Reason<N> {
    /// The kind of contradiction.
    #[must_use]
    pub fn kind(&self) -> ContradictionKind {
        match self {
            Self::LessThanPreset | Self::MissingInLongest(_) | Self::MissingLater(_) | Self::SameNumber(..) => {
                ContradictionKind::Lost
            }
            Self::Twice(_) => ContradictionKind::Doubled,
            Self::Differ(..) | Self::StandsAfterLater(..) => ContradictionKind::Reordered,
            Self::NotShown(_) | Self::ShowsLess => ContradictionKind::Stale,
            Self::NobodyPlaced(_) | Self::WasRefused(_) | Self::ReadBeforePlaced(_) => ContradictionKind::Invented,
        }
    }

    /// The same with other names.
    pub fn map<M>(self, mut name: impl FnMut(N) -> M) -> Reason<M> {
        match self {
            Self::Twice(order) => Reason::Twice(name(order)),
            Self::NobodyPlaced(order) => Reason::NobodyPlaced(name(order)),
            Self::WasRefused(order) => Reason::WasRefused(name(order)),
            Self::LessThanPreset => Reason::LessThanPreset,
            Self::MissingInLongest(order) => Reason::MissingInLongest(name(order)),
            Self::Differ(one, other) => Reason::Differ(name(one), name(other)),
            Self::MissingLater(order) => Reason::MissingLater(name(order)),
            Self::NotShown(order) => Reason::NotShown(name(order)),
            Self::ShowsLess => Reason::ShowsLess,
            Self::StandsAfterLater(order, later) => Reason::StandsAfterLater(name(order), name(later)),
            Self::ReadBeforePlaced(order) => Reason::ReadBeforePlaced(name(order)),
            Self::SameNumber(number, one, other) => Reason::SameNumber(number, name(one), name(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_that_continue_each_other_are_kept_once() {
        let mut here = PostcodeHistory::default();
        let lists: [&[OrderIndex]; 6] = [&[1], &[], &[1, 2, 3], &[1, 2], &[2, 1], &[1, 2, 3]];
        let seen: Vec<Seen> = lists.iter().map(|list| here.keep(list.to_vec())).collect();
        assert!(lists.iter().zip(&seen).all(|(list, seen)| here.list(*seen) == *list), "{seen:?}");
        assert_eq!(seen.iter().filter(|seen| matches!(seen, Seen::Other(_))).count(), 1, "{seen:?}");
    }
}
