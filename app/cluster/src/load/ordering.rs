//! What the customers of a scenario do: order and read, one request at a time, and write down what they asked and were told.
//!
//! The history is written as it happens, in the format of `history`. Judging it is `verdict`'s, faults are the scenario's.

mod named;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::time::Duration;

use hdrhistogram::Histogram;
use protocol::ids::{CustomerId, RequestId};
use protocol::menu::menu;
use protocol::message::{Answer, Ask};
use protocol::order_book::{Order, OrderBook, OrderId, Outcome, PAGE};
use protocol::postcode::Postcode;
use protocol::random::Random;
use protocol::trace::{Crowd, CrowdTimes};

use crate::load::{Counts, Moment, Workload, usual_dishes};
use knowledge::history::{Function, HistoryWriter, Kind, LineValue, OperationLine};
use named::Named;

/// A postcode is used for this many operations, then the next one: lists stay short enough to be read in one page.
const OPERATIONS_PER_POSTCODE: u64 = 80;
/// Answers that take longer count as this, in microseconds.
const SLOWEST: u64 = 3_600_000_000;
/// Intervals between two answers that are longer than this are kept.
const NOTABLE_GAP: Duration = Duration::from_millis(20);

/// Customers that order and read in turn.
pub struct OrderingLoad<W: Write> {
    history: HistoryWriter<W>,
    /// The first thing that went wrong while writing.
    failure: Option<std::io::Error>,
    random: Random,
    only_orders: bool,
    postcodes: Vec<Postcode>,
    /// What the cluster held before anybody ordered.
    base: OrderBook,
    operations: u64,
    until: Duration,
    open: BTreeMap<usize, Open>,
    /// Short names of customers, as they stand in order ids.
    names: BTreeMap<CustomerId, u64>,
    /// The number under which each place of the load goes in the history; a new one after an unknown outcome.
    processes: BTreeMap<usize, u64>,
    next_process: u64,
    last_answer: BTreeMap<usize, Duration>,
    /// Postcodes whose pre-defined orders are written.
    begun_at: BTreeSet<Postcode>,
    named: Named,
    /// What those without a name have been told, without what is judged in the end.
    crowd: Crowd,
    /// How long answers took, in microseconds of cluster time.
    times: Option<Histogram<u64>>,
    counts: Counts,
}

struct Open {
    op: u64,
    process: u64,
    postcode: Postcode,
    /// None: a read; else the order's id in the history.
    order: Option<String>,
    /// What earlier pages of a long list held.
    pages: Vec<String>,
}

impl<W: Write> OrderingLoad<W> {
    /// Customers order until `until` (as [`Moment`] counts), at these postcodes one after the other. `base`: what the
    /// cluster holds already.
    pub fn new(sink: W, seed: u64, postcodes: Vec<Postcode>, base: OrderBook, until: Duration) -> Self {
        Self {
            history: HistoryWriter::new(sink),
            failure: None,
            random: Random::new(seed),
            only_orders: false,
            postcodes,
            base,
            operations: 0,
            until,
            open: BTreeMap::new(),
            names: BTreeMap::new(),
            processes: BTreeMap::new(),
            next_process: 0,
            last_answer: BTreeMap::new(),
            begun_at: BTreeSet::new(),
            named: Named::default(),
            crowd: Crowd::default(),
            // Without it nothing is known of times, and all else is as it is.
            times: Histogram::new_with_bounds(1, SLOWEST, 3).ok(),
            counts: Counts::default(),
        }
    }

    /// Nobody reads before the end, and orders are of the size that is measured.
    #[must_use]
    pub fn without_reads(mut self) -> Self {
        self.only_orders = true;
        self
    }

    /// Customers ask for nothing more.
    pub fn end(&mut self) {
        self.until = Duration::ZERO;
    }

    /// How far those without a name have come.
    pub fn crowd(&self) -> Crowd {
        let all = self.times.as_ref().filter(|times| !times.is_empty());
        let times = all.map(|all| CrowdTimes {
            median: all.value_at_quantile(0.5),
            ninety: all.value_at_quantile(0.9),
            ninety_nine: all.value_at_quantile(0.99),
            longest: all.max(),
        });
        Crowd { times, ..self.crowd }
    }

    pub fn fault(&mut self, what: &str, at: Duration) {
        let written = self.history.fault(what, at.as_nanos() as u64);
        self.note(written);
    }

    /// The last reads: one of each postcode that was used, by customers that do nothing else.
    pub fn finish_with_reads(self) -> FinalReads<W> {
        let left = self.begun_at.iter().copied().collect();
        FinalReads { ordering: self, left }
    }

    /// Ends the history.
    ///
    /// # Errors
    /// The first thing that went wrong while writing.
    pub fn finish(self) -> std::io::Result<Counts> {
        match self.failure {
            Some(error) => Err(error),
            None => self.history.finish().map(|()| self.counts),
        }
    }

    fn note(&mut self, written: std::io::Result<()>) {
        if let Err(error) = written {
            self.failure.get_or_insert(error);
        }
    }

    fn process(&mut self, place: usize) -> u64 {
        if let Some(process) = self.processes.get(&place) {
            return *process;
        }
        self.next_process += 1;
        self.processes.insert(place, self.next_process);
        self.next_process
    }

    /// Where the next operation happens; the pre-defined orders of a postcode are written before its first one.
    fn postcode(&mut self) -> Postcode {
        let turn = self.operations / OPERATIONS_PER_POSTCODE;
        let postcode = self.postcodes[turn as usize % self.postcodes.len()];
        self.begin_at(postcode);
        self.operations += 1;
        postcode
    }

    fn begin_at(&mut self, postcode: Postcode) {
        if self.begun_at.insert(postcode) {
            let orders = self.base.history(postcode, 0).orders;
            let names: Vec<String> = orders.iter().map(|order| self.name(order)).collect();
            let written = self.history.init(postcode.as_str(), &names);
            self.note(written);
        }
    }

    fn order_name(&mut self, request: RequestId) -> String {
        let next = self.names.len() as u64 + 1;
        let customer = *self.names.entry(request.customer).or_insert(next);
        format!("c{customer}-{}", request.number)
    }

    fn name(&mut self, order: &Order) -> String {
        match order.id {
            OrderId::Preset(number) => format!("seed-{number}"),
            OrderId::Placed(request) => self.order_name(request),
        }
    }

    fn line(&mut self, kind: Kind, open: &Open, list: Option<&[String]>, at: Moment) {
        let (f, value) = match (&open.order, list) {
            (Some(order), _) => (Function::Place, LineValue::Order(order)),
            (None, Some(list)) => (Function::Read, LineValue::List(list)),
            (None, None) => (Function::Read, LineValue::Nothing(())),
        };
        let (process, op, time) = (open.process, open.op, at.as_nanos() as u64);
        let postcode = open.postcode.as_str();
        let written = self.history.operation(&OperationLine { process, kind, f, postcode, value, time, op });
        self.note(written);
    }

    fn begin(&mut self, place: usize, postcode: Postcode, order: Option<String>, now: Moment) {
        let process = self.process(place);
        let open = Open { op: self.operations, process, postcode, order, pages: Vec::new() };
        self.line(Kind::Invoke, &open, None, now);
        self.open.insert(place, open);
        self.last_answer.entry(place).or_insert(now);
    }

    fn take_answer(&mut self, place: usize, answer: &Answer, now: Moment) {
        let Some(mut open) = self.open.remove(&place) else { return };
        let before = self.last_answer.insert(place, now).unwrap_or(now);
        if now.saturating_sub(before) > NOTABLE_GAP {
            self.counts.wait(before, now);
        }
        if !self.close(&mut open, answer, now) {
            self.open.insert(place, open);
            return;
        }
        match answer {
            Answer::Outcome(Outcome::Placed { .. }) => self.crowd.acknowledged += 1,
            Answer::Outcome(Outcome::Rejected { .. } | Outcome::NeverPlaced) => self.crowd.refused += 1,
            Answer::History(_) => self.crowd.reads += 1,
            Answer::Expired => {
                self.crowd.unknown += 1;
                self.processes.remove(&place);
            }
        }
    }

    /// Writes an answer down. False: it was a full page of a list that goes on.
    fn close(&mut self, open: &mut Open, answer: &Answer, now: Moment) -> bool {
        match answer {
            Answer::Outcome(Outcome::Placed { .. }) => {
                self.counts.acknowledge(now);
                self.line(Kind::Ok, open, None, now);
            }
            Answer::Outcome(Outcome::Rejected { .. } | Outcome::NeverPlaced) => {
                self.counts.refused += 1;
                self.line(Kind::Fail, open, None, now);
            }
            // Whether it was placed is not known any more.
            Answer::Expired => {
                self.counts.unknown += 1;
                self.line(Kind::Info, open, None, now);
            }
            Answer::History(page) => {
                let names: Vec<String> = page.orders.iter().map(|order| self.name(order)).collect();
                open.pages.extend(names);
                // Full pages never change again, so the last one decides at which moment the whole list was read.
                if (open.pages.len() as u64) < page.total && page.orders.len() == PAGE {
                    return false;
                }
                self.counts.reads += 1;
                let list = std::mem::take(&mut open.pages);
                self.line(Kind::Ok, open, Some(&list), now);
            }
        }
        true
    }
}

impl<W: Write + Send + 'static> Workload for OrderingLoad<W> {
    fn next(&mut self, place: usize, id: RequestId, now: Moment) -> Option<Ask> {
        if let Some(open) = self.open.get(&place) {
            // Within a long list.
            let page = (open.pages.len() / PAGE) as u32;
            return Some(Ask::History { postcode: open.postcode, page });
        }
        if now >= self.until {
            return None;
        }
        let postcode = self.postcode();
        if !self.only_orders && self.random.below(2) == 0 {
            self.begin(place, postcode, None, now);
            return Some(Ask::History { postcode, page: 0 });
        }
        let dishes = menu();
        let items = match self.only_orders {
            true => usual_dishes(place),
            false => vec![dishes[self.random.below(dishes.len() as u64) as usize].name.to_owned()],
        };
        let name = self.order_name(id);
        self.begin(place, postcode, Some(name), now);
        Some(Ask::Order { postcode, items })
    }

    fn took(&mut self, micros: u64) {
        if let Some(times) = &mut self.times {
            times.saturating_record(micros);
        }
    }

    fn answered(&mut self, place: usize, answer: Answer, now: Moment) {
        self.take_answer(place, &answer, now);
    }

    fn unknown(&mut self, place: usize, now: Moment) {
        if let Some(open) = self.open.remove(&place) {
            self.counts.unknown += u64::from(open.order.is_some());
            self.crowd.unknown += u64::from(open.order.is_some());
            self.line(Kind::Info, &open, None, now);
            self.processes.remove(&place);
        }
    }
}

/// One read of each postcode, when nothing else happens any more.
pub struct FinalReads<W: Write> {
    ordering: OrderingLoad<W>,
    left: Vec<Postcode>,
}

impl<W: Write> FinalReads<W> {
    /// How far all have come, with these reads.
    pub fn crowd(&self) -> Crowd {
        self.ordering.crowd()
    }

    /// Ends the history.
    ///
    /// # Errors
    /// The first thing that went wrong while writing.
    pub fn finish(self) -> std::io::Result<Counts> {
        self.ordering.finish()
    }
}

impl<W: Write + Send + 'static> Workload for FinalReads<W> {
    fn next(&mut self, place: usize, _id: RequestId, now: Moment) -> Option<Ask> {
        // Places of this load are other customers than those of the load before.
        let place = place + usize::from(u16::MAX);
        if let Some(open) = self.ordering.open.get(&place) {
            let page = (open.pages.len() / PAGE) as u32;
            return Some(Ask::History { postcode: open.postcode, page });
        }
        let postcode = self.left.pop()?;
        self.ordering.operations += 1;
        self.ordering.begin(place, postcode, None, now);
        Some(Ask::History { postcode, page: 0 })
    }

    fn answered(&mut self, place: usize, answer: Answer, now: Moment) {
        self.ordering.last_answer.insert(place + usize::from(u16::MAX), now);
        self.ordering.take_answer(place + usize::from(u16::MAX), &answer, now);
    }

    fn unknown(&mut self, place: usize, now: Moment) {
        Workload::unknown(&mut self.ordering, place + usize::from(u16::MAX), now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use knowledge::history;
    use protocol::ids::{OrderNumber, RequestNumber, Timestamp};
    use protocol::judge::{Act, End};
    use protocol::order_book::HistoryPage;

    fn request(number: u64) -> RequestId {
        RequestId { customer: CustomerId(5), number: RequestNumber(number) }
    }

    fn page(postcode: Postcode, page: u32, total: u64) -> Answer {
        let one = |number: u64| Order {
            id: OrderId::Placed(request(number)),
            number: Some(OrderNumber(number)),
            items: vec!["Pad thai".into()],
            at: Timestamp(1),
        };
        let first = u64::from(page) * PAGE as u64 + 1;
        let orders = (first..=total.min(first + PAGE as u64 - 1)).map(one).collect();
        Answer::History(HistoryPage { postcode, page, total, orders })
    }

    #[test]
    fn a_long_list_is_read_page_by_page_and_written_as_one_read() {
        let postcode: Postcode = "DH1 3LE".parse().unwrap();
        let mut bytes = Vec::new();
        let mut ordering = OrderingLoad::new(&mut bytes, 1, vec![postcode], OrderBook::default(), Duration::MAX);
        ordering.begin(0, postcode, None, Duration::from_nanos(1));
        ordering.take_answer(0, &page(postcode, 0, 150), Duration::from_nanos(2));
        assert_eq!(ordering.open[&0].pages.len(), PAGE, "the read goes on");
        ordering.take_answer(0, &page(postcode, 1, 150), Duration::from_nanos(3));
        assert!(ordering.open.is_empty());
        assert_eq!(ordering.finish().unwrap().reads, 1);
        let history = history::read(&bytes[..]).unwrap();
        let here = &history.postcodes["DH1 3LE"];
        let [operation] = &here.history.operations[..] else { panic!("{history:?}") };
        assert_eq!(operation.end, Some((End::Done, 3)));
        let Act::Read(seen) = &operation.act else { panic!("{operation:?}") };
        assert_eq!(here.history.list(*seen), (0..150).collect::<Vec<_>>());
    }
}
