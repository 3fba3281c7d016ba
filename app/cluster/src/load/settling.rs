//! The quiet before and after a run: what the cluster holds before anybody orders, and whether all agree in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::Context;
use node::gazetteer::Gazetteer;
use protocol::ids::RequestId;
use protocol::message::{Answer, Ask};
use protocol::order_book::{Order, OrderBook};
use protocol::postcode::Postcode;
use protocol::trace::{NodeState, ReplicaState};

use super::{Entry, Load, Moment, Workload};
use crate::{Inquirer, NodeStatus};
use knowledge::picture::contradict;

/// How the copies compare when nothing goes wrong any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Agreement {
    /// All members of the newest view stand at the same operation and hold the same, and every replica is a member.
    #[default]
    Equal,
    /// Two stand at the same operation and hold different orders.
    Differ,
    /// Those that can be compared hold the same, but not all can be.
    Behind {
        /// How many are at the newest view's operation.
        caught_up: usize,
        replicas: usize,
    },
}

/// Areas that only the first postcode service knows; scenarios that silence it should not be about these.
const ONLY_FIRST_SERVICE: [&str; 4] = ["BT", "JE", "GY", "IM"];

/// Which of the pre-defined order books became everybody's: that of the first primary. Also the proof that the
/// cluster serves: none, if it does not answer as long as `waits` says that it may still.
///
/// # Errors
/// When no port can be opened, or when the cluster holds something else.
pub fn pre_defined(entry: &Entry, waits: impl FnMut() -> bool) -> anyhow::Result<Option<OrderBook>> {
    let books: Vec<OrderBook> = (1..=3).map(OrderBook::preset).collect();
    let postcodes: BTreeSet<Postcode> =
        books.iter().flat_map(|book| book.histories().map(|(postcode, _)| postcode).collect::<Vec<_>>()).collect();
    let look = Look { left: postcodes.iter().copied().collect(), found: BTreeMap::new() };
    let look = Load::start(entry.clone(), 1, None, Instant::now(), look)?.finish(waits)?;
    if look.found.len() < postcodes.len() {
        return Ok(None);
    }
    let is_it = |book: &&OrderBook| look.found.iter().all(|(at, orders)| book.history(*at, 0).orders == *orders);
    let why = "the cluster holds orders before the first order, and they are not pre-defined";
    books.iter().find(is_it).cloned().context(why).map(Some)
}

/// Reads each postcode once.
struct Look {
    left: Vec<Postcode>,
    found: BTreeMap<Postcode, Vec<Order>>,
}

impl Workload for Look {
    fn next(&mut self, _place: usize, _id: RequestId, _now: Moment) -> Option<Ask> {
        self.left.pop().map(|postcode| Ask::History { postcode, page: 0 })
    }

    fn answered(&mut self, _place: usize, answer: Answer, _now: Moment) {
        if let Answer::History(page) = answer {
            self.found.insert(page.postcode, page.orders);
        }
    }

    fn unknown(&mut self, _place: usize, _now: Moment) {}
}

/// Postcodes to order to: first those that have a history already.
pub fn postcodes(base: &OrderBook) -> Vec<Postcode> {
    let first: Vec<Postcode> = base.histories().map(|(postcode, _)| postcode).collect();
    let known: BTreeSet<Postcode> = first.iter().copied().collect();
    let others = Gazetteer::get().listed().filter(|postcode| !known.contains(postcode));
    let everywhere = others.filter(|postcode| !ONLY_FIRST_SERVICE.contains(&postcode.area()));
    first.into_iter().chain(everywhere).collect()
}

/// How the copies compare, as soon as all agree; at the latest when `waits` says so.
///
/// # Errors
/// When the cluster has ended.
pub fn agreement(inquirer: &Inquirer, mut waits: impl FnMut() -> bool) -> anyhow::Result<Agreement> {
    loop {
        let all = inquirer.status()?;
        let replicas: Vec<&ReplicaState> = all.iter().filter_map(replica).collect();
        let agreement = compare(&replicas);
        if agreement == Agreement::Equal || !waits() {
            return Ok(agreement);
        }
        // The question itself takes time on the other side; asking all the time would only be impolite.
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn replica(node: &NodeStatus) -> Option<&ReplicaState> {
    match &node.state {
        Some(NodeState::Replica(replica)) => Some(replica),
        Some(NodeState::NameServer { .. } | NodeState::FrontEnd { .. } | NodeState::Customer { .. }) | None => None,
    }
}

fn compare(replicas: &[&ReplicaState]) -> Agreement {
    if replicas.iter().any(|one| replicas.iter().any(|other| contradict(one, other))) {
        return Agreement::Differ;
    }
    let newest = replicas.iter().max_by_key(|replica| (replica.view.number, replica.position));
    let is_level = |replica: &&&ReplicaState| {
        newest.is_some_and(|newest| replica.view == newest.view && replica.position == newest.position)
    };
    let caught_up = replicas.iter().filter(is_level).count();
    let members = newest.map_or(0, |newest| newest.view.members.len());
    match caught_up == replicas.len() && caught_up == members && members > 0 {
        true => Agreement::Equal,
        false => Agreement::Behind { caught_up, replicas: replicas.len() },
    }
}
