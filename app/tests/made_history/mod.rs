//! A history as a correct cluster would leave it, of any length: customers that overlap, and a share of lost answers.
//!
//! Made, not recorded: it says nothing about a cluster, only about who checks it.

use std::collections::BTreeMap;

use knowledge::history::{Function, HistoryWriter, Kind, LineValue, OperationLine};
use protocol::random::Random;

/// Customers at work at the same time.
const CUSTOMERS: u64 = 16;
/// Operations at one postcode, as `run` makes them.
const PER_POSTCODE: u64 = 80;

struct Made {
    customer: u64,
    op: u64,
    postcode: String,
    /// The order's name; none: a read.
    order: Option<String>,
    start: u64,
    /// When it happened; none: never.
    effect: Option<u64>,
    /// When it was answered; none: the answer was lost.
    end: Option<u64>,
    /// What a read saw.
    list: Vec<String>,
}

/// This many operations, with this many in a thousand unanswered.
pub fn history(operations: u64, unknown: u64, seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    let mut clocks = vec![0; CUSTOMERS as usize];
    let mut all: Vec<Made> = (0..operations).map(|op| one(op, unknown, &mut clocks, &mut random)).collect();
    let mut lists: BTreeMap<String, Vec<String>> = BTreeMap::new();
    all.sort_by_key(|made| made.effect);
    for made in all.iter_mut().filter(|made| made.effect.is_some()) {
        let list = lists.entry(made.postcode.clone()).or_default();
        match &made.order {
            Some(order) => list.push(order.clone()),
            None => made.list.clone_from(list),
        }
    }
    let mut lines: Vec<(u64, Kind, &Made)> = Vec::new();
    for made in &all {
        lines.push((made.start, Kind::Invoke, made));
        let (end, kind) = made.end.map_or((made.start + 1_000_000, Kind::Info), |end| (end, Kind::Ok));
        lines.push((end, kind, made));
    }
    lines.sort_by_key(|(time, _, _)| *time);
    let mut bytes = Vec::new();
    let mut writer = HistoryWriter::new(&mut bytes);
    for postcode in lists.keys() {
        writer.init(postcode, &[]).unwrap();
    }
    for (time, kind, made) in lines {
        writer.operation(&made.line(time, kind)).unwrap();
    }
    bytes
}

fn one(op: u64, unknown: u64, clocks: &mut [u64], random: &mut Random) -> Made {
    let customer = random.below(CUSTOMERS);
    let clock = &mut clocks[customer as usize];
    let start = *clock + 1 + random.below(200);
    let took = 1 + random.below(1_000);
    *clock = start + took;
    let lost = random.below(1_000) < unknown;
    let happened = !lost || random.below(2) == 0;
    Made {
        customer,
        op,
        postcode: format!("NE{} {}AA", op / PER_POSTCODE / 9 + 1, op / PER_POSTCODE % 9 + 1),
        order: (random.below(2) == 0).then(|| format!("c{customer}-{op}")),
        start,
        effect: happened.then(|| start + random.below(took)),
        end: (!lost).then_some(start + took),
        list: Vec::new(),
    }
}

impl Made {
    fn line(&self, time: u64, kind: Kind) -> OperationLine<'_> {
        let (f, value) = match (&self.order, kind) {
            (Some(order), _) => (Function::Place, LineValue::Order(order)),
            (None, Kind::Ok) => (Function::Read, LineValue::List(&self.list)),
            (None, Kind::Invoke | Kind::Fail | Kind::Info) => (Function::Read, LineValue::Nothing(())),
        };
        OperationLine { process: self.customer, kind, f, postcode: &self.postcode, value, time, op: self.op }
    }
}
