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
use crate::cluster::Inquirer;

/// Areas that only the first postcode service knows; scenarios that silence it should not be about these.
const ONLY_FIRST_SERVICE: [&str; 4] = ["BT", "JE", "GY", "IM"];

/// Which of the pre-defined order books became everybody's: that of the first primary. Also the proof that the
/// cluster serves: none, if it does not answer.
///
/// # Errors
/// When no port can be opened, or when the cluster holds something else.
pub fn pre_defined(entry: &Entry, patience: Duration) -> anyhow::Result<Option<OrderBook>> {
    let books: Vec<OrderBook> = (1..=3).map(OrderBook::preset).collect();
    let postcodes: BTreeSet<Postcode> =
        books.iter().flat_map(|book| book.histories().map(|(postcode, _)| postcode).collect::<Vec<_>>()).collect();
    let look = Look { left: postcodes.iter().copied().collect(), found: BTreeMap::new() };
    let look = Load::start(entry.clone(), 1, None, Instant::now(), look)?.finish(patience)?;
    if look.found.len() < postcodes.len() {
        return Ok(None);
    }
    let is_it = |book: &&OrderBook| look.found.iter().all(|(at, orders)| book.history(*at, 0).orders == *orders);
    let why = "the cluster holds orders before anybody has ordered, and they are none of the pre-defined ones";
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
#[must_use]
pub fn postcodes(base: &OrderBook) -> Vec<Postcode> {
    let first: Vec<Postcode> = base.histories().map(|(postcode, _)| postcode).collect();
    let known: BTreeSet<Postcode> = first.iter().copied().collect();
    let others = Gazetteer::get().listed().filter(|postcode| !known.contains(postcode));
    let everywhere = others.filter(|postcode| !ONLY_FIRST_SERVICE.contains(&postcode.area()));
    first.into_iter().chain(everywhere).collect()
}

/// Whether all members of the newest view come to stand at the same operation with the same content.
///
/// # Errors
/// When the cluster has ended.
pub fn replicas_equal(inquirer: &Inquirer, patience: Duration) -> anyhow::Result<bool> {
    let until = Instant::now() + patience;
    loop {
        let all = inquirer.status()?;
        let replicas: Vec<&ReplicaState> =
            all.iter()
                .filter_map(|node| match &node.state {
                    Some(NodeState::Replica(replica)) => Some(&**replica),
                    Some(NodeState::NameServer { .. } | NodeState::FrontEnd { .. } | NodeState::Customer { .. })
                    | None => None,
                })
                .collect();
        let members = replicas.iter().map(|replica| &replica.view).max_by_key(|view| view.number);
        let members = members.map_or(0, |view| view.members.len());
        let same = |replica: &&&ReplicaState| {
            let first = replicas[0];
            replica.position == first.position && replica.digest == first.digest && replica.view == first.view
        };
        if !replicas.is_empty() && replicas.len() == members && replicas.iter().filter(same).count() == members {
            return Ok(true);
        }
        if Instant::now() >= until {
            return Ok(false);
        }
        // The question itself takes time on the other side; asking all the time would only be impolite.
        std::thread::sleep(Duration::from_millis(50));
    }
}
