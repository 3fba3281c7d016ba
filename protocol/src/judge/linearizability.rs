//! The check of one postcode: ranks, then one scan from the highest rank down.
//!
//! Cost: the length of all lists together, and sorting the operations.

use std::collections::BTreeSet;

use super::{Act, Contradiction, End, Operation, OrderIndex, PostcodeHistory, Reason};

/// Place of an order that no list holds.
const NOWHERE: usize = usize::MAX;

/// Everything that contradicts linearizability at one postcode: the lists are all prefixes of one another and no operation ended before
/// another of lower rank began, exactly if this is empty.
#[must_use]
pub fn contradictions(here: &PostcodeHistory) -> Vec<Contradiction> {
    let placed = placed(here);
    let mut found = Findings { here, placed, longest_read: None, contradictions: Vec::new() };
    let (longest, by) = longest_list(here);
    found.longest_read = by;
    let places = found.places(longest);
    found.invented_or_refused(longest);
    let ranked = found.ranked(longest, &places);
    found.scan(ranked);
    found.contradictions
}

/// The line that placed each order, if any did.
fn placed(here: &PostcodeHistory) -> Vec<Option<usize>> {
    let mut lines = vec![None; here.orders as usize];
    for operation in &here.operations {
        if let Act::Place(order) = operation.act
            && let Some(line) = lines.get_mut(order as usize)
        {
            line.get_or_insert(operation.line);
        }
    }
    lines
}

/// The longest list that was read, and on which line; the pre-defined one if no list is longer.
fn longest_list(here: &PostcodeHistory) -> (&[OrderIndex], Option<usize>) {
    let base = (here.base.as_deref().unwrap_or_default(), None);
    let lists = here.operations.iter().filter_map(|operation| done_list(here, operation));
    let lists = lists.map(|(list, line)| (list, Some(line)));
    lists.fold(base, |longest, list| if list.0.len() > longest.0.len() { list } else { longest })
}

/// The list of a read that was answered, and its line.
fn done_list<'a>(here: &'a PostcodeHistory, operation: &'a Operation) -> Option<(&'a [OrderIndex], usize)> {
    match (&operation.act, operation.end) {
        (Act::Read(seen), Some((End::Done, _))) => Some((here.list(*seen), operation.line)),
        (Act::Read(_) | Act::Place(_), _) => None,
    }
}

/// An operation in its place in the only order there can be.
struct Ranked<'a> {
    rank: usize,
    operation: &'a Operation,
    end: u64,
}

struct Findings<'a> {
    here: &'a PostcodeHistory,
    /// The line that placed each order.
    placed: Vec<Option<usize>>,
    /// Where the longest list was read.
    longest_read: Option<usize>,
    contradictions: Vec<Contradiction>,
}

impl<'a> Findings<'a> {
    fn add(&mut self, reason: Reason, operations: Vec<usize>) {
        self.contradictions.push(Contradiction { kind: reason.kind(), reason, operations });
    }

    /// The line that placed an order, if any did, and the one that read the longest list.
    fn placed_and_read(&self, order: OrderIndex) -> Vec<usize> {
        self.placed(order).into_iter().chain(self.longest_read).collect()
    }

    fn placed(&self, order: OrderIndex) -> Option<usize> {
        self.placed.get(order as usize).copied().flatten()
    }

    /// Where each order stands in the longest list; an order that stands there twice is reported.
    fn places(&mut self, longest: &[OrderIndex]) -> Vec<usize> {
        let mut places = vec![NOWHERE; self.here.orders as usize];
        for (place, order) in longest.iter().enumerate() {
            match places.get_mut(*order as usize) {
                Some(known) if *known == NOWHERE => *known = place,
                _ => {
                    self.add(Reason::Twice(*order), self.placed_and_read(*order));
                }
            }
        }
        places
    }

    /// Orders in the longest list that nobody placed, or that were refused.
    fn invented_or_refused(&mut self, longest: &[OrderIndex]) {
        let mut known = vec![false; self.here.orders as usize];
        let mut refused = vec![None; self.here.orders as usize];
        for order in self.here.base.iter().flatten() {
            known[*order as usize] = true;
        }
        for operation in &self.here.operations {
            if let Act::Place(order) = operation.act {
                known[order as usize] = true;
                refused[order as usize] = matches!(operation.end, Some((End::NotDone, _))).then_some(operation.line);
            }
        }
        for order in longest {
            let index = *order as usize;
            if !known[index] {
                self.add(Reason::NobodyPlaced(*order), self.longest_read.into_iter().collect());
            }
            if let Some(line) = refused[index].take() {
                self.add(Reason::WasRefused(*order), vec![line]);
            }
        }
    }

    /// All operations that have a rank, lowest first. Lists that are no prefix of the longest are reported instead.
    fn ranked(&mut self, longest: &[OrderIndex], places: &[usize]) -> Vec<Ranked<'a>> {
        let here = self.here;
        let mut ranked = Vec::with_capacity(here.operations.len());
        if let Some(base) = &here.base
            && !longest.starts_with(base)
        {
            self.no_prefix(base, longest, places, 1);
        }
        for operation in &here.operations {
            match (&operation.act, operation.end) {
                (Act::Read(seen), Some((End::Done, end))) => {
                    let list = here.list(*seen);
                    if longest.starts_with(list) {
                        ranked.push(Ranked { rank: 2 * list.len(), operation, end });
                    } else {
                        self.no_prefix(list, longest, places, operation.line);
                    }
                    if here.base.as_ref().is_some_and(|base| list.len() < base.len()) {
                        self.add(Reason::LessThanPreset, vec![operation.line]);
                    }
                }
                (Act::Place(order), end) => {
                    let place = places[*order as usize];
                    match end {
                        // Between the read that saw `place` orders and the one that saw one more.
                        _ if place != NOWHERE => {
                            let done = end.filter(|(end, _)| *end == End::Done).map_or(u64::MAX, |(_, at)| at);
                            ranked.push(Ranked { rank: 2 * place + 1, operation, end: done });
                        }
                        Some((End::Done, end)) => ranked.push(Ranked { rank: NOWHERE, operation, end }),
                        Some((End::NotDone, _)) | None => {}
                    }
                }
                (Act::Read(_), _) => {}
            }
        }
        ranked.sort_by_key(|ranked| ranked.rank);
        ranked
    }

    /// Two lists that contradict each other: what the difference means.
    fn no_prefix(&mut self, list: &[OrderIndex], longest: &[OrderIndex], places: &[usize], line: usize) {
        let mut seen = BTreeSet::new();
        let doubled = list.iter().find(|order| !seen.insert(**order));
        if let Some(order) = doubled {
            return self.add(Reason::Twice(*order), vec![line]);
        }
        let missing = list.iter().find(|order| places[**order as usize] == NOWHERE);
        let differs = list.iter().zip(longest).find(|(one, other)| one != other);
        // A lost order is known by the line that placed it, however many lists show it.
        let placed = missing.and_then(|order| self.placed(*order));
        let reason = match (missing, differs) {
            (Some(order), _) => Reason::MissingInLongest(*order),
            (None, Some((one, other))) => Reason::Differ(*one, *other),
            // A list without a doubled or unknown order is a beginning of the longest, or differs from it.
            (None, None) => return,
        };
        self.add(reason, placed.into_iter().chain([line]).collect());
    }

    /// No operation may have ended before another of lower rank began.
    fn scan(&mut self, mut ranked: Vec<Ranked<'a>>) {
        let missing = ranked.split_off(ranked.partition_point(|ranked| ranked.rank < NOWHERE));
        self.lost(&missing, &ranked);
        let mut first_end: Option<&Ranked<'a>> = None;
        for group in ranked.chunk_by(|a, b| a.rank == b.rank).rev() {
            for low in group {
                if let Some(high) = first_end.filter(|high| high.end < low.operation.start) {
                    self.real_time(low, high);
                }
            }
            let first = group.iter().min_by_key(|ranked| ranked.end);
            first_end = first_end.into_iter().chain(first).min_by_key(|ranked| ranked.end);
        }
    }

    /// Each acknowledged order that is nowhere is told once, with the first read that misses it, or else the first order that
    /// has a place although it was placed later.
    fn lost(&mut self, missing: &[Ranked<'a>], others: &[Ranked<'a>]) {
        let by_start = |reads: bool| {
            let such = others.iter().map(|other| other.operation);
            let mut all: Vec<_> = such.filter(|it| matches!(it.act, Act::Read(_)) == reads).collect();
            all.sort_by_key(|operation| operation.start);
            all
        };
        let (reads, orders) = (by_start(true), by_start(false));
        let first_after =
            |all: &[&Operation], end: u64| all.get(all.partition_point(|it| it.start <= end)).map(|it| it.line);
        for lost in missing {
            let Act::Place(order) = lost.operation.act else { continue };
            if let Some(line) = first_after(&reads, lost.end).or_else(|| first_after(&orders, lost.end)) {
                self.add(Reason::MissingLater(order), vec![lost.operation.line, line]);
            }
        }
    }

    fn real_time(&mut self, low: &Ranked<'_>, high: &Ranked<'_>) {
        let reason = match (&high.operation.act, &low.operation.act) {
            (Act::Place(order), Act::Read(_)) => Reason::NotShown(*order),
            (Act::Read(_), Act::Read(_)) => Reason::ShowsLess,
            (Act::Place(order), Act::Place(later)) => Reason::StandsAfterLater(*order, *later),
            (Act::Read(_), Act::Place(order)) => Reason::ReadBeforePlaced(*order),
        };
        self.add(reason, vec![high.operation.line, low.operation.line]);
    }
}
