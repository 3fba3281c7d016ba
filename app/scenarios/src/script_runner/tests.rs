//! The engine on told facts and told time: no cluster, no waiting.

use std::cmp::Ordering;

use protocol::ids::{
    Contact, CustomerId, NodeId, OrderNumber, RequestId, RequestNumber, Role, Timestamp, View, ViewNumber,
};
use protocol::message::{Answer, Ask};
use protocol::order_book::{HistoryPage, Order, OrderId, Outcome};
use protocol::trace::{
    Actor, Ending, LauncherEvent, MachineEvent, NodeEvent, NodeState, ReplicaState, Standing, Started, TraceEvent,
};

use super::since::Since;
use super::*;
use crate::WaitFor;
use crate::facts_for_tests::{replica_state, started};
use crate::parse;

/// Facts told to picture and script runner, in order.
struct Told {
    script_runner: ScriptRunner,
    picture: Picture,
}

impl Told {
    fn new(steps: &str) -> Self {
        let text = format!("title = \"x\"\nreplicas = 3\ncustomers = 4\nseconds = 60\n{steps}");
        let script_runner = ScriptRunner::new(parse(&text).unwrap(), 1);
        let mut told = Self { script_runner, picture: Picture::default() };
        for number in 1..=3 {
            told.fact(number, LauncherEvent::Started(started(number)));
            told.fact(number, NodeEvent::State(NodeState::Replica(Box::new(state(number, 1)))));
        }
        told
    }

    fn front_end_starts(&mut self, id: u64, name: &str) {
        let contact = Contact { id: NodeId(id), address: "127.0.0.1:4009".parse().unwrap() };
        let started = Started { name: name.into(), actor: Actor::Role(Role::FrontEnd), pid: 9, contact };
        self.fact(id, LauncherEvent::Started(started));
    }

    fn fact(&mut self, node: u64, event: impl Into<TraceEvent>) {
        let record = TraceRecord { node: NodeId(node), at: 1, event: event.into() };
        self.picture.apply(&record);
        self.script_runner.learn(&record);
    }

    fn at(&mut self, ms: u64) -> Vec<UserCommand> {
        let resolved = self.script_runner.go_on(&self.picture, times(ms));
        resolved.into_iter().flat_map(|step| step.commands).collect()
    }
}

/// In real time, with nobody who slows it.
fn times(ms: u64) -> Times {
    let now = Duration::from_millis(ms);
    Times { real: now, script: now, patience: now }
}

fn view(primary: u64, number: u64) -> View {
    View::new(ViewNumber(number), NodeId(primary), vec![NodeId(1), NodeId(2), NodeId(3)])
}

/// The replica with the view's number leads.
fn state(of: u64, number: u64) -> ReplicaState {
    replica_state(of, view(number, number))
}

fn crash(number: u64) -> UserCommand {
    UserCommand::Crash { node: format!("replica-{number}") }
}

#[test]
fn a_step_is_done_at_its_time_and_the_next_after_its_fact() {
    let mut told = Told::new(
        "[[step]]\nat-ms = 100\ndo = \"crash\"\nnode = \"primary\"\n[[step]]\ndo = \"restart\"\nnode = \"crashed\"\n",
    );
    assert!(told.at(99).is_empty());
    assert_eq!(told.at(100), [crash(1)]);
    assert!(told.at(200).is_empty(), "nobody has said that it ended");
    told.fact(1, LauncherEvent::Ended { how: Ending::Crashed, words: String::new() });
    assert_eq!(told.at(201), [UserCommand::Restart { node: "replica-1".into() }]);
    assert_eq!(told.script_runner.findings().faults, [("crash", 1)].into(), "to mend is no fault");
    assert!(told.script_runner.next_step().is_none());
}

#[test]
fn waiting_ends_with_the_event_or_with_its_time() {
    let steps = "[[step]]\ndo = \"crash\"\nnode = \"front-end\"\n[[step]]\ndo = \"wait\"\nfor = \"view-change\"\n\
                 within-ms = 500\n[[step]]\ndo = \"crash\"\nnode = \"primary\"\n";
    let mut told = Told::new(steps);
    told.script_runner.begins(&told.picture);
    // There is no front-end to be crashed: left out after a while.
    assert!(told.at(0).is_empty() && told.at(5_000).is_empty());
    assert_eq!(told.script_runner.findings().skipped.len(), 1);
    let mut vain = told.script_runner.clone();
    told.fact(2, MachineEvent::Became { standing: Standing::Primary, view: view(2, 2) });
    assert_eq!(told.at(5_100), [crash(2)]);
    assert_eq!((told.script_runner.findings().view_changes, told.script_runner.findings().failovers), (1, 1));
    assert!(vain.go_on(&told.picture, times(5_499)).is_empty());
    assert!(vain.findings().stuck.is_none());
    assert!(vain.go_on(&told.picture, times(5_500)).is_empty());
    assert_eq!(
        vain.findings().stuck.as_deref(),
        Some("line 9: there was no view change within 500 ms of cluster time")
    );
    assert!(vain.is_over(Duration::from_secs(60)));
}

#[test]
fn steps_begin_again_and_stop_with_the_time() {
    let mut told = Told::new("[[step]]\nat-ms = 500\ndo = \"verdict-cache\"\non = true\n");
    let text = "title = \"x\"\nreplicas = 3\ncustomers = 1\nseconds = 3\nagain-after-ms = 1000\n[[step]]\nat-ms = 500\n\
                do = \"verdict-cache\"\non = true\n";
    told.script_runner = ScriptRunner::new(parse(text).unwrap(), 1);
    let done: usize = (0..100).map(|tick| told.at(tick * 100).len()).sum();
    assert_eq!(done, 3, "at 0.5, 1.5 and 2.5 s");
    assert!(told.script_runner.is_over(Duration::from_secs(3)));
}

#[test]
fn a_partition_cuts_both_ways_and_nothing_within_a_side() {
    let mut told = Told::new("[[step]]\ndo = \"partition\"\nside = [\"primary\", \"customers\"]\n");
    told.front_end_starts(8, "front-end");
    told.front_end_starts(9, "front-end-2");
    let commands = told.at(0);
    let [UserCommand::SetLinks { links, .. }] = &commands[..] else { panic!("{commands:?}") };
    let names: Vec<(&str, &str)> = links.iter().map(|way| (&*way.from, &*way.to)).collect();
    for cut in [("replica-1", "replica-2"), ("replica-3", "replica-1"), ("customers", "front-end-2")] {
        assert!(names.contains(&cut), "{cut:?} in {names:?}");
    }
    assert!(!names.contains(&("replica-2", "replica-3")) && !names.contains(&("front-end", "replica-2")));
    let talk = |(from, to): &(&str, &str)| !(*from == "customers" && to.starts_with("replica"));
    assert!(names.iter().all(talk), "customers never talk to replicas: {names:?}");
    assert_eq!(told.script_runner.findings().faults, [("partition", 1)].into());
}

#[test]
fn a_choice_follows_from_the_seed() {
    let choice = |seed| {
        let mut told = Told::new("[[step]]\ndo = \"crash\"\nnode = \"backup\"\n");
        told.script_runner = ScriptRunner::new(told.script_runner.scenario().clone(), seed);
        told.at(0)
    };
    assert_eq!(choice(7), choice(7));
    assert!((0..20).any(|seed| choice(seed) != choice(7)));
}

#[test]
fn a_new_front_end_is_waited_for_and_then_it_can_be_meant() {
    let mut told = Told::new("[[step]]\ndo = \"add-front-end\"\n[[step]]\ndo = \"crash\"\nnode = \"front-end-2\"\n");
    assert_eq!(told.at(0), [UserCommand::AddFrontEnd]);
    assert!(told.at(100).is_empty(), "it has not said that it listens");
    told.front_end_starts(9, "front-end-2");
    assert_eq!(told.at(101), [UserCommand::Crash { node: "front-end-2".into() }]);
    assert_eq!(told.script_runner.findings().faults, [("crash", 1)].into(), "one more is no fault");
}

#[test]
fn a_history_is_compared_with_what_its_reader_was_told() {
    let mut told = Told::new("");
    let (customer, postcode) = (CustomerId(1), "NE1 7RU".parse().unwrap());
    told.fact(8, LauncherEvent::CustomerIs { customer, name: "Grace".into(), postcode, place: (1, 2) });
    let request = |number| RequestId { customer, number: RequestNumber(number) };
    let holds = |told: &Told| {
        [Ordering::Less, Ordering::Equal, Ordering::Greater].map(|than| {
            Since::default().holds(&WaitFor::ShowsTold { customer: "Grace".into(), than }, &told.picture, 0)
        })
    };
    assert_eq!(holds(&told), [false; 3], "she has read nothing");
    let ask = Ask::Order { postcode, items: vec!["Pad thai".into()] };
    told.fact(8, NodeEvent::Asked { customer, request: request(1), ask });
    let answer = Answer::Outcome(Outcome::Placed { number: OrderNumber(1) });
    told.fact(8, NodeEvent::Answered { request: request(1), answer, took: 9 });
    for (read, orders) in [(2, 0), (3, 1), (4, 2)] {
        told.fact(8, NodeEvent::Asked { customer, request: request(read), ask: Ask::History { postcode, page: 0 } });
        let order = |number| Order {
            id: OrderId::Placed(request(1)),
            number: Some(OrderNumber(number)),
            items: vec!["Pad thai".into()],
            at: Timestamp(1),
        };
        let orders: Vec<_> = (1..=orders).map(order).collect();
        let page = HistoryPage { postcode, page: 0, total: orders.len() as u64, orders };
        told.fact(8, NodeEvent::Answered { request: request(read), answer: Answer::History(page), took: 9 });
        let expected = [read == 2, read == 3, read == 4];
        assert_eq!(holds(&told), expected);
    }
}
