//! The lesson's cluster: as it is when the recording begins, in the steps of a lesson.

use std::time::Duration;

use protocol::ids::Role;
use protocol::order_book::MOST_SESSIONS;
use protocol::trace::{Actor, Rate};

use super::saying::{is_sayable, links_said};
use super::{Remark, named};
use crate::check::MOST_REPLICAS;
use crate::{Action, Expectations, Lesson, Scenario};
use knowledge::picture::Picture;
use knowledge::user_command::{LinkWay, UserCommand};

/// The lesson without pages, and what it cannot say.
pub(super) fn head(picture: &Picture, speed: Rate, caches_checks: bool) -> (Lesson, Vec<Remark>) {
    let mut remarks = Vec::new();
    let orders = picture.nodes.iter().filter_map(|node| node.replica()).map(|replica| replica.orders.0).max();
    if let Some(orders) = orders.filter(|orders| *orders > 0) {
        remarks.push(Remark::OrdersBefore(orders as usize));
    }
    let replicas = numbers(picture, Role::Replica, "replica-");
    let most = replicas.iter().copied().max().unwrap_or(3).clamp(1, MOST_REPLICAS);
    let mut steps = Vec::new();
    for customer in picture.customers.iter() {
        let action = Action::Customer { name: customer.name.clone(), postcode: customer.postcode };
        match is_sayable(&action) {
            true => steps.push(action),
            false => remarks.push(Remark::NameUnsaid(customer.name.clone())),
        }
    }
    if !caches_checks {
        steps.push(Action::VerdictCache(false));
    }
    let usual_hop = if picture.steering.rate.is_slow() || picture.steering.rate == Rate::STOPPED { 10_000 } else { 0 };
    if picture.hop != usual_hop && picture.hop != 10_000 {
        steps.push(Action::Hop(Some(Duration::from_micros(picture.hop))));
    }
    let front_ends = numbers(picture, Role::FrontEnd, "front-end-").into_iter().max().unwrap_or(1);
    steps.extend((2..=front_ends).map(|_| Action::AddFrontEnd));
    steps.extend(ways(picture, &mut remarks));
    for node in picture.nodes.iter() {
        let name = || named(&node.name);
        if !node.runs() {
            steps.push(Action::Crash(name()));
        } else if let Some(how) = picture.steering.frozen.get(&node.id) {
            steps.push(Action::Freeze(name(), *how));
        }
        if let Some(bomb) = picture.steering.bombs.get(&node.id) {
            steps.push(Action::Bomb(name(), Some(*bomb)));
        }
    }
    // Names of those that are gone are not given again.
    let gone = (1..=most).filter(|number| !replicas.contains(number));
    steps.extend(gone.map(|number| Action::Remove(named(&format!("replica-{number}")))));
    let world = Scenario {
        title: String::new(),
        replicas: most,
        customers: 0,
        lasts: Duration::MAX,
        plant: picture.steering.plant,
        acknowledge: picture.steering.acknowledge,
        steps: steps.into_iter().map(crate::step).collect(),
        again_after: None,
        sessions: MOST_SESSIONS,
        etcd: false,
        durable: picture.nodes.is_durable(),
        expect: Expectations::default(),
    };
    let lesson = Lesson {
        title: String::new(),
        goal: String::new(),
        rule: String::new(),
        minutes: 3,
        try_next: Vec::new(),
        speed,
        world,
        pages: Vec::new(),
    };
    (lesson, remarks)
}

/// Which numbers the names of these have; the first front-end's is 1.
fn numbers(picture: &Picture, role: Role, begin: &str) -> Vec<u32> {
    let nodes = picture.nodes.iter().filter(|node| node.actor == Actor::Role(role));
    nodes.map(|node| node.name.strip_prefix(begin).and_then(|number| number.parse().ok()).unwrap_or(1)).collect()
}

/// What links do.
fn ways(picture: &Picture, remarks: &mut Vec<Remark>) -> Vec<Action> {
    let mut steps = Vec::new();
    for ((from, to), rule) in &picture.steering.links {
        let links = vec![LinkWay { from: from.clone(), to: to.clone() }];
        match links_said(&UserCommand::SetLinks { links, rule: *rule }, picture) {
            Some(actions) => steps.extend(actions),
            None => remarks.push(Remark::LinkUnsaid(from.clone(), to.clone())),
        }
    }
    steps
}
