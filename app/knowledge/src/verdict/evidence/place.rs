//! One postcode: what was placed and read there, and whether the newest answer fits in with it.
//!
//! The longest list read fixes the order of all it holds (see `verdict`). An answer fits if its list is a beginning of the
//! longest or continues it, and if nothing of a higher rank had ended before its operation began. Whatever does not fit is
//! left to `protocol::judge`, which sees all operations of the postcode and decides.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use protocol::ids::{CustomerId, RequestId};
use protocol::judge::{
    Act, Contradiction, ContradictionKind, End, Operation, OrderIndex, PostcodeHistory, Reason, Seen, contradictions,
};
use protocol::order_book::{HistoryPage, Order, OrderId, PAGE};
use protocol::postcode::Postcode;

use super::Contradicted;

/// A postcode with a contradiction and more operations than this is not judged again: it is convicted already.
const MOST_JUDGED: usize = 1000;
/// Contradictions that are told of one postcode.
const MOST_TOLD: usize = 20;

/// What an answer meant.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Consequence {
    /// How many orders were compared.
    pub compared: usize,
    /// A whole list was read.
    pub read: bool,
    /// How many acknowledged orders could have been missing in this list, and in none before.
    pub covered: usize,
    /// It does not fit: the postcode must be judged.
    pub suspicious: bool,
}

#[derive(Debug, Default)]
pub(super) struct Place {
    indices: HashMap<OrderId, OrderIndex>,
    orders: Vec<Known>,
    operations: Vec<Noted>,
    /// Operations without an answer.
    open: Vec<usize>,
    longest: Vec<OrderIndex>,
    /// Pre-defined orders at the beginning of the first list that was read; none before.
    base: Option<usize>,
    /// The highest rank of anything that has ended: twice the length of a list, twice an order's place and one.
    ended: usize,
    /// Acknowledged orders that no list has shown yet, by the end of their operation.
    unseen: BTreeMap<u64, OrderIndex>,
    /// Ends of acknowledged orders that no later read could have missed yet, earliest first.
    uncovered: VecDeque<u64>,
    /// What contradicts itself here.
    pub found: Vec<Contradicted>,
}

/// An order of which something is known.
#[derive(Debug)]
struct Known {
    id: OrderId,
    /// Where it stands in the longest list.
    place: Option<usize>,
    /// The operation that places it.
    operation: Option<usize>,
    digest: u64,
    /// Placed by somebody who is not watched here: nothing is known of when that was.
    foreign: bool,
}

#[derive(Debug)]
struct Noted {
    request: RequestId,
    act: Noticed,
    start: u64,
    end: Option<(End, u64)>,
    /// The highest rank of anything that had ended when it began.
    before: usize,
}

#[derive(Debug)]
enum Noticed {
    Placed(OrderIndex),
    Unanswered,
    /// A beginning of the longest list, so long; of a longer list only if not whole.
    Beginning {
        length: usize,
        whole: bool,
    },
    Other {
        list: Vec<OrderIndex>,
        whole: bool,
    },
}

fn digest(items: &[String]) -> u64 {
    let mut hasher = DefaultHasher::new();
    items.hash(&mut hasher);
    hasher.finish()
}

impl Place {
    /// An operation begins; returns which it is.
    pub fn asked(&mut self, request: RequestId, items: Option<&[String]>, moment: u64) -> usize {
        let operation = self.operations.len();
        let act = match items {
            None => Noticed::Unanswered,
            Some(items) => {
                let index = self.index(OrderId::Placed(request), items);
                self.orders[index as usize].operation.get_or_insert(operation);
                Noticed::Placed(index)
            }
        };
        self.operations.push(Noted { request, act, start: moment, end: None, before: self.ended });
        self.open.push(operation);
        operation
    }

    fn index(&mut self, id: OrderId, items: &[String]) -> OrderIndex {
        *self.indices.entry(id).or_insert_with(|| {
            self.orders.push(Known { id, place: None, operation: None, digest: digest(items), foreign: false });
            self.orders.len() as OrderIndex - 1
        })
    }

    /// An order was acknowledged or refused.
    pub fn settled(&mut self, operation: usize, end: End, moment: u64) -> Consequence {
        self.open.retain(|open| *open != operation);
        let noted = &mut self.operations[operation];
        noted.end = Some((end, moment));
        let Noticed::Placed(order) = noted.act else { return Consequence::default() };
        let place = self.orders[order as usize].place;
        let mut suspicious = !self.found.is_empty();
        match (end, place) {
            (End::NotDone, place) => suspicious |= place.is_some(),
            (End::Done, Some(place)) => self.ended = self.ended.max(2 * place + 1),
            (End::Done, None) => drop(self.unseen.insert(moment, order)),
        }
        if end == End::Done {
            self.uncovered.push_back(moment);
        }
        Consequence { suspicious, ..Consequence::default() }
    }

    /// A page of a history was read. A page after the first continues the longest list, which never changes where it is full.
    /// `watched`: whose facts are seen here.
    pub fn read(
        &mut self,
        operation: usize,
        page: &HistoryPage,
        moment: u64,
        watched: &dyn Fn(CustomerId) -> bool,
    ) -> Consequence {
        self.open.retain(|open| *open != operation);
        let begins = page.page as usize * PAGE;
        let Some(before) = self.longest.get(..begins).map(<[_]>::to_vec) else { return Consequence::default() };
        let shown = page.orders.iter().map(|order: &Order| {
            let index = self.index(order.id, &order.items);
            let foreign = matches!(order.id, OrderId::Placed(request) if !watched(request.customer));
            self.orders[index as usize].foreign = foreign;
            index
        });
        let list: Vec<OrderIndex> = before.into_iter().chain(shown.collect::<Vec<_>>()).collect();
        let whole = list.len() as u64 >= page.total;
        let list_length = list.len();
        let fits = self.fits(operation, &list, whole);
        let start = self.operations[operation].start;
        let before = if whole { self.uncovered.partition_point(|end| *end < start) } else { 0 };
        let covered = self.uncovered.drain(..before).count();
        let noted = &mut self.operations[operation];
        noted.end = Some((End::Done, moment));
        noted.act = match self.longest.starts_with(&list) {
            true => Noticed::Beginning { length: list.len(), whole },
            false => Noticed::Other { list, whole },
        };
        let compared = list_length + self.longest.len();
        Consequence { compared, read: whole, covered, suspicious: !fits || !self.found.is_empty() }
    }

    /// Whether a list agrees with everything known; what it adds is known from then on.
    fn fits(&mut self, operation: usize, list: &[OrderIndex], whole: bool) -> bool {
        if self.base.is_none() {
            let preset = |order: &&OrderIndex| matches!(self.orders[**order as usize].id, OrderId::Preset(_));
            self.base = Some(list.iter().take_while(preset).count());
        }
        let known = list.len().min(self.longest.len());
        if list[..known] != self.longest[..known] || self.base.is_some_and(|base| list.len() < base) {
            return false;
        }
        let grows = list.len() > self.longest.len();
        if grows && !self.grow(list) {
            return false;
        }
        let rank = 2 * list.len();
        let noted = &self.operations[operation];
        let shows_too_little = whole && (noted.before > rank || self.unseen.range(..noted.start).next().is_some());
        self.ended = self.ended.max(rank);
        !shows_too_little
    }

    /// The longest list becomes longer. False: an order in it cannot stand there.
    fn grow(&mut self, list: &[OrderIndex]) -> bool {
        let old = self.longest.len();
        for (place, order) in list.iter().enumerate().skip(old) {
            let known = &mut self.orders[*order as usize];
            let asked_for = known.operation.is_some() || known.foreign || place < self.base.unwrap_or_default();
            let refused =
                known.operation.and_then(|at| self.operations[at].end).is_some_and(|end| end.0 == End::NotDone);
            if known.place.replace(place).is_some() || !asked_for || refused {
                return false;
            }
        }
        self.longest.extend_from_slice(&list[old..]);
        let placing = |order: &OrderIndex| Some(&self.operations[self.orders[*order as usize].operation?]);
        // What was acknowledged and now has its place ended before some that are still open began.
        let mut ranked = Vec::new();
        for (place, order) in list.iter().enumerate().skip(old) {
            if let Some((End::Done, end)) = placing(order).and_then(|noted| noted.end) {
                ranked.push((2 * place + 1, end));
            }
        }
        // From the last backwards: nothing that stands later may have ended before this began.
        let first_unseen = |unseen: &BTreeMap<u64, OrderIndex>| unseen.keys().next().copied().unwrap_or(u64::MAX);
        for (_, end) in &ranked {
            self.unseen.remove(end);
        }
        let mut first_end = first_unseen(&self.unseen);
        for order in list[old..].iter().rev() {
            let placing = |order: &OrderIndex| Some(&self.operations[self.orders[*order as usize].operation?]);
            let Some(noted) = placing(order) else { continue };
            if first_end < noted.start {
                return false;
            }
            if let Some((End::Done, end)) = noted.end {
                first_end = first_end.min(end);
            }
        }
        for (rank, end) in ranked {
            self.ended = self.ended.max(rank);
            for open in &self.open {
                let noted = &mut self.operations[*open];
                if noted.start > end {
                    noted.before = noted.before.max(rank);
                }
            }
        }
        true
    }

    /// Judges the whole postcode; `name` tells what people call a request. Returns how many orders were compared.
    pub fn judge(&mut self, postcode: Postcode, name: &dyn Fn(RequestId) -> String) -> usize {
        if !self.found.is_empty() && self.operations.len() > MOST_JUDGED {
            return 0;
        }
        let called = |order: OrderIndex| match self.orders[order as usize].id {
            OrderId::Preset(number) => format!("pre-defined {number}"),
            OrderId::Placed(request) => name(request),
        };
        // What others placed may have begun at any time, and nobody knows whether it was answered.
        let foreign = (0..).zip(&self.orders).filter(|(_, order)| order.foreign);
        let foreign =
            foreign.map(|(index, _)| Operation { line: usize::MAX, act: Act::Place(index), start: 0, end: None });
        let mut here = PostcodeHistory {
            orders: self.orders.len() as OrderIndex,
            longest: self.longest.clone(),
            others: Vec::new(),
            base: Some(self.base()),
            operations: foreign.collect(),
        };
        for (at, noted) in self.operations.iter().enumerate() {
            let operation = operation(at + 1, noted, &mut here);
            here.operations.push(operation);
        }
        let told = contradictions(&here).into_iter().take(MOST_TOLD).map(|contradiction| {
            let Contradiction { kind, reason, operations } = contradiction;
            let request = |line: &usize| Some(self.operations.get(line.checked_sub(1)?)?.request);
            let kind = match reason {
                Reason::NobodyPlaced(order) if self.is_repetition(order) => ContradictionKind::Doubled,
                _ => kind,
            };
            let requests = operations.iter().filter_map(request).collect();
            Contradicted { kind, reason: reason.map(called), postcode: Some(postcode), requests }
        });
        self.found = told.collect();
        self.operations.len() * self.longest.len()
    }

    fn base(&self) -> Vec<OrderIndex> {
        let presets = (0..).zip(&self.orders).filter(|(_, order)| matches!(order.id, OrderId::Preset(_)));
        presets.map(|(index, _)| index).take(self.base.unwrap_or_default()).collect()
    }

    /// Whether an order that nobody placed has the dishes of another order of the same customer: it is that one, again.
    fn is_repetition(&self, unasked: OrderIndex) -> bool {
        let Some(order) = self.orders.get(unasked as usize).filter(|order| !order.foreign) else { return false };
        let placed = |order: &Known| match order.id {
            OrderId::Placed(request) => Some(request.customer),
            OrderId::Preset(_) => None,
        };
        let same = |other: &Known| other.operation.is_some() && other.digest == order.digest;
        placed(order).is_some() && self.orders.iter().any(|other| same(other) && placed(other) == placed(order))
    }
}

/// An operation as the verdict reads it; a list that is no beginning of the longest is kept `here`.
fn operation(line: usize, noted: &Noted, here: &mut PostcodeHistory) -> Operation {
    let (act, whole) = match &noted.act {
        Noticed::Placed(order) => (Act::Place(*order), true),
        Noticed::Unanswered => (Act::Read(Seen::Beginning(0)), true),
        // A list of all orders of a postcode is far shorter than four thousand million.
        Noticed::Beginning { length, whole } => (Act::Read(Seen::Beginning(*length as u32)), *whole),
        Noticed::Other { list, whole } => (Act::Read(here.keep_apart(list.clone())), *whole),
    };
    // A page of a longer list counts for what it shows: that it does not show more proves nothing.
    let start = if whole { noted.start } else { 0 };
    Operation { line, act, start, end: noted.end }
}
