//! User commands on a real cluster, as the window gives them: what comes of them is facts, refusals too.

use cluster::{Cluster, ClusterOptions};
use knowledge::user_command::{CustomerCommand, UserCommand};
use protocol::ids::{Role, Span};
use protocol::message::{Answer, Step};
use protocol::order_book::Outcome;
use protocol::trace::{Actor, Ending, LauncherEvent, NodeEvent, TraceEvent};

use crate::scenario_run::{ScenarioRun, order};

#[test]
fn an_order_travels_all_its_steps_and_is_shown() {
    let mut scenario_run = ScenarioRun::open();
    let grace = scenario_run.customer("Grace");
    let primary = scenario_run.primary();
    assert_eq!(primary, "replica-1", "who registers first leads first");
    scenario_run.perform(order(grace, &["Katsu curry"]));
    let request = scenario_run.asked();
    let answer = scenario_run.answer(request);
    assert!(matches!(answer, Answer::Outcome(Outcome::Placed { .. })), "{answer:?}");
    for step in [7, 8, 9, 10, 5, 6, 13, 14] {
        scenario_run.until_event(
            &format!("step {step}"),
            |event| matches!(event, TraceEvent::Node(NodeEvent::Sent { facts, .. }) if facts.step == Some(Step(step))),
        );
    }
    scenario_run.until_event("step 12", |event| matches!(event, TraceEvent::Node(NodeEvent::PostcodeAnswered { .. })));
    scenario_run.perform(UserCommand::ShowOrders { node: primary, from: Some("NE1 7RU".parse().unwrap()) });
    let orders = scenario_run.until("its orders", |record| match &record.event {
        TraceEvent::Launcher(LauncherEvent::Orders { histories, .. }) => Some(histories[0].1.clone()),
        _ => None,
    });
    assert_eq!(orders, ["Fish and chips", "Falafel wrap, Lemonade", "#1 Katsu curry"]);
}

#[test]
fn customers_come_move_and_go() {
    let mut scenario_run = ScenarioRun::open();
    let grace = scenario_run.customer("Grace");
    // The last of those who live here from the beginning.
    scenario_run.customer("Alan");
    let (postcode, place) = ("DH1 3LE".parse().unwrap(), (54_770_000, -1_570_000));
    scenario_run.perform(CustomerCommand::AddCustomer { name: None, postcode, place });
    let name = scenario_run.until("a customer", |record| match &record.event {
        TraceEvent::Launcher(LauncherEvent::Started(started)) if started.actor == Actor::Role(Role::Customer) => {
            Some(started.name.clone())
        }
        _ => None,
    });
    assert_eq!(name, "Ada", "the next free name");
    scenario_run.perform(CustomerCommand::MoveCustomer { customer: grace, postcode, place });
    let home = scenario_run.until("a move", |record| match &record.event {
        TraceEvent::Launcher(LauncherEvent::CustomerIs { customer, postcode, .. }) if *customer == grace => {
            Some(*postcode)
        }
        _ => None,
    });
    assert_eq!(home, postcode);
    scenario_run.perform(CustomerCommand::RemoveCustomer { customer: grace });
    scenario_run.until_event("a removal", |event| {
        matches!(event, TraceEvent::Launcher(LauncherEvent::Ended { how: Ending::Removed, .. }))
    });
    let why = scenario_run.refusal(order(grace, &["Pad thai"]));
    assert!(why.contains("no such customer"), "{why}");
}

#[test]
fn what_cannot_be_ordered_is_refused_before_it_is_sent() {
    let mut scenario_run = ScenarioRun::open();
    let grace = scenario_run.customer("Grace");
    for (command, expected) in [
        (order(grace, &[]), "empty"),
        (order(grace, &["Stone"]), "not on the menu"),
        (
            UserCommand::Customer(CustomerCommand::ReadHistory { customer: grace, postcode: "here".into(), page: 0 }),
            "not a valid UK postcode",
        ),
        (UserCommand::Customer(CustomerCommand::GiveUp { customer: grace }), "no open order to cancel"),
        (UserCommand::Restart { node: "front-end".into() }, "is still running"),
    ] {
        let why = scenario_run.refusal(command);
        assert!(why.contains(expected), "{why}");
    }
}

/// Nobody can answer, so the person gives up; when the cluster is back, the order is settled one way or the other, and
/// a read of the history confirms the answer.
#[test]
fn giving_up_settles_an_order() {
    let mut scenario_run = ScenarioRun::open();
    let grace = scenario_run.customer("Grace");
    scenario_run.primary();
    scenario_run.ends(UserCommand::Crash { node: "front-end".into() });
    scenario_run.perform(order(grace, &["Pad thai"]));
    scenario_run.asked();
    let why = scenario_run.refusal(order(grace, &["Pad thai"]));
    assert!(why.contains("is still waiting"), "{why}");
    scenario_run.perform(CustomerCommand::GiveUp { customer: grace });
    let withdrawal = scenario_run.asked();
    scenario_run.perform(UserCommand::Restart { node: "front-end".into() });
    let answer = scenario_run.answer(withdrawal);
    scenario_run.perform(CustomerCommand::ReadHistory { customer: grace, postcode: "NE1 7RU".into(), page: 0 });
    let read = scenario_run.asked();
    let Answer::History(page) = scenario_run.answer(read) else { panic!("no history") };
    let placed = page.orders.iter().filter(|order| order.number.is_some()).count();
    match answer {
        Answer::Outcome(Outcome::NeverPlaced) => assert_eq!(placed, 0),
        Answer::Outcome(Outcome::Placed { .. }) => assert_eq!(placed, 1),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_slower_hop_is_a_fact_and_slows_orders() {
    let mut scenario_run = ScenarioRun::open();
    let grace = scenario_run.customer("Grace");
    scenario_run.primary();
    scenario_run.perform(UserCommand::SetHop { hop: Some(Span::millis(100)) });
    scenario_run.until_fact(LauncherEvent::HopIs { hop: 100_000 });
    scenario_run.perform(order(grace, &["Pad thai"]));
    let request = scenario_run.asked();
    scenario_run.answer(request);
    let took = scenario_run.until("how long", |record| match &record.event {
        TraceEvent::Node(NodeEvent::Answered { took, .. }) => Some(*took),
        _ => None,
    });
    assert!(took >= 600_000, "six hops at least, but only {took} µs");
}

#[test]
fn a_program_that_is_no_node_starts_nothing() {
    for (program, expected) in [("/no/such/program", "cannot be started"), ("/bin/false", "ended while starting")] {
        let options = ClusterOptions { program: program.into(), ..ClusterOptions::usual().unwrap() };
        let Err(error) = Cluster::launch(options) else { panic!("{program} started a cluster") };
        assert!(format!("{error:#}").contains(expected), "{error:#}");
    }
}

/// Keys and settings are told, not shown to everybody on the machine.
#[cfg(target_os = "linux")]
#[test]
fn arguments_and_environment_of_a_node_show_no_secret() {
    let mut scenario_run = ScenarioRun::open();
    let pid = scenario_run.until("a replica", |record| match &record.event {
        TraceEvent::Launcher(LauncherEvent::Started(started)) if started.name == "replica-1" => Some(started.pid),
        _ => None,
    });
    let read = |name: &str| std::fs::read(format!("/proc/{pid}/{name}")).unwrap();
    let arguments = String::from_utf8(read("cmdline")).unwrap();
    let arguments: Vec<&str> = arguments.split_terminator('\0').skip(1).collect();
    assert_eq!(arguments, ["node", "replica"]);
    let mut own: Vec<Vec<u8>> =
        std::fs::read("/proc/self/environ").unwrap().split(|b| *b == 0).map(Vec::from).collect();
    // How the allocator is set is no secret.
    own.push(b"GLIBC_TUNABLES=glibc.malloc.tcache_count=2000".into());
    own.sort();
    assert!(read("environ").split(|byte| *byte == 0).all(|entry| own.binary_search(&entry.to_vec()).is_ok()));
}
