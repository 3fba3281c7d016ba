//! The lines of the diagram: which nodes talk with each other, by their present roles. Pure.

use std::collections::BTreeSet;

use protocol::ids::{NodeId, Role};
use protocol::postcode::PostcodeService;
use protocol::trace::Actor;

use crate::panels::Focus;
use knowledge::picture::{Node, Picture};

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    Solid,
    Dashed,
    Dotted,
    /// They talk, but not as a step of the workflow.
    Faint,
}

/// Two who talk.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Relation<'a> {
    pub(super) from: (NodeId, &'a str),
    pub(super) to: (NodeId, &'a str),
    pub(super) pattern: Pattern,
    /// The workflow's steps written on the line.
    pub(super) steps: &'static [u8],
}

/// The lines to more followers than this are not numbered: it is the same on each.
const MOST_NUMBERED: usize = 4;
/// Of more replicas than this, only those lines are drawn along which orders go.
const MOST_FAINT: usize = 6;

/// The name of all customers that are told of only together, as links know it.
pub(super) const CROWD: &str = "customers";

/// Pairs that talk with each other, by their present roles, and pairs whose link is set to do something.
pub(super) fn relations<'a>(picture: &'a Picture, focus: &Focus) -> Vec<Relation<'a>> {
    let mut list = of_workflow(picture, focus);
    let mut known: BTreeSet<(&str, &str)> = list.iter().flat_map(|line| both(line.from.1, line.to.1)).collect();
    let running = |role: Role| picture.nodes.iter().filter(move |node| node.runs() && node.actor == Actor::Role(role));
    if running(Role::Replica).count() <= MOST_FAINT {
        for node in running(Role::FrontEnd).chain(running(Role::NameServer)) {
            for replica in running(Role::Replica).filter(|replica| !known.contains(&(&node.name, &replica.name))) {
                let (from, to) = ((node.id, node.name.as_str()), (replica.id, replica.name.as_str()));
                list.push(Relation { from, to, pattern: Pattern::Faint, steps: &[] });
            }
        }
        known.extend(list.iter().flat_map(|line| both(line.from.1, line.to.1)));
    }
    for (from, to) in picture.steering.links.keys() {
        if known.contains(&(from.as_str(), to.as_str())) {
            continue;
        }
        if let (Some(from), Some(to)) = (called(picture, from), called(picture, to)) {
            list.push(Relation { from, to, pattern: Pattern::Faint, steps: &[] });
            known.extend(both(from.1, to.1));
        }
    }
    list
}

fn both<'a>(one: &'a str, other: &'a str) -> [(&'a str, &'a str); 2] {
    [(one, other), (other, one)]
}

/// A node or customer by its name.
pub(super) fn called<'a>(picture: &'a Picture, name: &str) -> Option<(NodeId, &'a str)> {
    let node = picture.nodes.get(name).map(|node| (node.id, node.name.as_str()));
    let customer = || picture.customers.iter().find(|customer| customer.name == name);
    node.or_else(|| customer().map(|customer| (customer.node, customer.name.as_str())))
}

fn of_workflow<'a>(picture: &'a Picture, focus: &Focus) -> Vec<Relation<'a>> {
    let running = |actor: Actor| picture.nodes.iter().filter(move |node| node.runs() && node.actor == actor);
    let end = |node: &'a Node| (node.id, node.name.as_str());
    let name_server = running(Actor::Role(Role::NameServer)).next();
    let front_ends = || running(Actor::Role(Role::FrontEnd));
    // A customer that does not know a front-end yet finds this one.
    let newest = picture.nodes.newest_front_end();
    let mut list = Vec::new();
    let mut line = |from, to, pattern, steps| list.push(Relation { from, to, pattern, steps });
    if let Some(name_server) = name_server {
        front_ends().for_each(|node| line(end(node), end(name_server), Pattern::Dashed, &[2, 3]));
        if let Some(first) = running(Actor::Role(Role::Replica)).next() {
            line(end(first), end(name_server), Pattern::Dashed, &[1]);
        }
        if let Some(customer) = focus.customer.and_then(|customer| picture.customers.get(customer)) {
            line((customer.node, &customer.name), end(name_server), Pattern::Dashed, &[7, 8]);
        }
    }
    for customer in picture.customers.iter() {
        let found = customer.front_end.and_then(|id| picture.nodes.of(id)).filter(|node| node.runs());
        if let Some(front_end) = found.or(newest) {
            let steps: &[u8] = if focus.customer == Some(customer.id) { &[9, 14] } else { &[] };
            line((customer.node, &customer.name), end(front_end), Pattern::Solid, steps);
        }
    }
    if let (Some((first, _)), Some(front_end)) = (picture.crowd, newest) {
        line((first, CROWD), end(front_end), Pattern::Solid, &[9, 14]);
    }
    let Some(primary) = picture.nodes.acting_primary() else { return list };
    if let Some(front_end) = newest {
        line(end(front_end), end(primary), Pattern::Solid, &[10, 13]);
    }
    // An older one that has not been told goes on asking whom it takes for primary.
    for older in front_ends().filter(|node| Some(node.id) != newest.map(|newest| newest.id)) {
        let asks = older.front_end().filter(|state| !state.retired).map(|state| state.view.primary);
        if let Some(primary) = asks.and_then(|id| picture.nodes.of(id)).filter(|node| node.runs()) {
            line(end(older), end(primary), Pattern::Solid, &[]);
        }
    }
    let followers = primary.replica().into_iter().flat_map(|state| {
        // One that has just become a member may still be among the joiners.
        let joiners = state.joiners.iter().map(|joiner| joiner.0).filter(|id| !state.view.members.contains(id));
        state.view.members.iter().copied().chain(joiners)
    });
    let runs = |id: NodeId| picture.nodes.of(id).filter(|node| node.runs() && node.id != primary.id);
    for (index, follower) in followers.filter_map(runs).enumerate() {
        let steps: &[u8] = if index < MOST_NUMBERED { &[5, 6] } else { &[] };
        line(end(primary), end(follower), Pattern::Solid, steps);
    }
    for (service, pattern, steps) in [
        (PostcodeService::PostcodesIo, Pattern::Solid, &[11u8, 12][..]),
        (PostcodeService::GetTheData, Pattern::Dotted, &[]),
    ] {
        running(Actor::Service(service)).for_each(|node| line(end(primary), end(node), pattern, steps));
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::ids::{Contact, View, ViewNumber};
    use protocol::trace::{
        LauncherEvent, LinkRule, NodeEvent, NodeState, ReplicaState, Standing, Started, TraceEvent, TraceRecord,
    };

    fn fact(node: u64, at: u64, event: impl Into<TraceEvent>) -> TraceRecord {
        TraceRecord { node: NodeId(node), at, event: event.into() }
    }

    fn started(name: &str, id: u64, role: Role) -> TraceRecord {
        let contact = Contact { id: NodeId(id), address: "127.0.0.1:4000".parse().unwrap() };
        let started = Started { name: name.into(), actor: Actor::Role(role), pid: 7, contact };
        fact(id, 0, LauncherEvent::Started(started))
    }

    fn leads(id: u64) -> TraceRecord {
        let view = View::new(ViewNumber(1), NodeId(id), vec![NodeId(3), NodeId(4)]);
        let state = ReplicaState { standing: Standing::Primary, view, acting: true, ..ReplicaState::default() };
        fact(id, 1, NodeEvent::State(NodeState::Replica(Box::new(state))))
    }

    fn cast() -> Picture {
        let mut picture = Picture::default();
        let cast = [("name-server", Role::NameServer), ("front-end", Role::FrontEnd)];
        let replicas = [("replica-1", Role::Replica), ("replica-2", Role::Replica)];
        for ((name, role), id) in cast.into_iter().chain(replicas).zip(1..) {
            picture.apply(&started(name, id, role));
        }
        picture
    }

    fn lines(picture: &Picture) -> Vec<(u64, u64, Vec<u8>)> {
        let lines = relations(picture, &Focus::default()).into_iter();
        lines.map(|line| (line.from.0.0, line.to.0.0, line.steps.to_vec())).collect()
    }

    #[test]
    fn the_lines_lead_to_whoever_is_primary_now() {
        let mut picture = cast();
        let always = vec![(2, 1, vec![2, 3]), (3, 1, vec![1])];
        let quiet = [(2, 3, vec![]), (2, 4, vec![]), (1, 3, vec![]), (1, 4, vec![])];
        let before: Vec<_> = lines(&picture);
        assert!(before.starts_with(&always) && quiet.iter().all(|line| before.contains(line) || line.1 == 3));
        picture.apply(&leads(4));
        let served = [always, vec![(2, 4, vec![10, 13]), (4, 3, vec![5, 6])]].concat();
        assert!(lines(&picture).starts_with(&served), "{:?}", lines(&picture));
        assert_eq!(lines(&picture).len(), 6, "front-end to the other replica, name server to the other");
    }

    fn front_end_says(picture: &mut Picture, id: u64, token: u64, retired: bool) {
        let view = View::new(ViewNumber(1), NodeId(3), vec![NodeId(3)]);
        let token = Some(protocol::ids::FrontEndToken(token));
        let (alive, suspicions) = (Vec::new(), Vec::new());
        let state = NodeState::FrontEnd { token, retired, view, alive, pending: 0, waits_for: None, suspicions };
        picture.apply(&fact(id, 2, NodeEvent::State(state)));
    }

    #[test]
    fn of_two_front_ends_the_newest_is_numbered_and_an_older_one_asks_until_it_is_told() {
        let mut picture = cast();
        picture.apply(&started("front-end-2", 5, Role::FrontEnd));
        picture.apply(&leads(4));
        front_end_says(&mut picture, 2, 1, false);
        front_end_says(&mut picture, 5, 2, false);
        let both = lines(&picture);
        for line in [(2, 1, vec![2, 3]), (5, 1, vec![2, 3]), (5, 4, vec![10, 13]), (2, 3, vec![])] {
            assert!(both.contains(&line), "{line:?} in {both:?}");
        }
        let solid = |picture: &Picture| {
            let all = relations(picture, &Focus::default()).into_iter();
            all.filter(|line| line.pattern == Pattern::Solid && line.from.0 == NodeId(2)).count()
        };
        assert_eq!(solid(&picture), 1, "it takes replica-1 for the primary");
        front_end_says(&mut picture, 2, 1, true);
        assert_eq!(solid(&picture), 0, "it only passes answers on");
        front_end_says(&mut picture, 2, 3, false);
        assert!(lines(&picture).contains(&(2, 4, vec![10, 13])), "started again, the first one is the newest");
    }

    #[test]
    fn a_link_that_does_something_has_a_line_whoever_runs() {
        let mut picture = cast();
        let (from, to, rule) = ("replica-2".into(), "replica-1".into(), LinkRule::CUT);
        picture.apply(&fact(0, 2, LauncherEvent::LinkIs { from, to, rule }));
        assert_eq!(lines(&picture).last(), Some(&(4, 3, vec![])));
    }
}
