//! Several front-ends on real processes: each is a node like any other, and the newest one alone changes the view.

use std::collections::{BTreeMap, BTreeSet};

use knowledge::user_command::{LinkWay, UserCommand};
use protocol::ids::{NodeId, ViewNumber};
use protocol::trace::{
    Ending, Freezing, LauncherEvent, LinkRule, MachineEvent, NodeEvent, NodeState, Standing, TraceEvent, TraceRecord,
};

use crate::program::{RunningCluster, Talking, order, read};
use crate::scenario_run::{ScenarioRun, order as place_order};

impl ScenarioRun {
    /// Asks for one more, and gives its name and present incarnation.
    fn add_front_end(&mut self) -> (String, NodeId) {
        self.perform(UserCommand::AddFrontEnd);
        self.until_started()
    }

    /// Waits until this front-end says that there is a newer one, or that it is the newest.
    fn is_retired(&mut self, id: NodeId, wanted: bool) {
        self.until("its word", |record| match &record.event {
            TraceEvent::Node(NodeEvent::State(NodeState::FrontEnd { token: Some(_), retired, .. })) => {
                (record.node == id && *retired == wanted).then_some(())
            }
            _ => None,
        });
    }
}

fn node(name: &str) -> String {
    name.to_owned()
}

fn became_primary(record: &TraceRecord) -> Option<(ViewNumber, NodeId)> {
    match &record.event {
        TraceEvent::Machine(MachineEvent::Became { standing: Standing::Primary, view }) => {
            Some((view.number, record.node))
        }
        _ => None,
    }
}

#[test]
fn three_front_ends_are_added_frozen_crashed_restarted_and_removed() {
    let mut scenario_run = ScenarioRun::open();
    scenario_run.primary();
    let grace = scenario_run.customer("Grace");
    let first = scenario_run.until_event("the first one", |event| event.introduced() == Some("front-end"));
    let (name, second) = scenario_run.add_front_end();
    assert_eq!(name, "front-end-2");
    scenario_run.is_retired(second, false);
    scenario_run.is_retired(first, true);
    // Grace knows nobody yet, and finds the newest.
    scenario_run.perform(place_order(grace, &["Pad thai"]));
    let request = scenario_run.asked();
    scenario_run.answer(request);
    let goes_to =
        |fact: &TraceRecord, id| matches!(fact.event, TraceEvent::Node(NodeEvent::Sent { to, .. }) if to == id);
    let passed = |id| scenario_run.facts.iter().any(|fact| goes_to(fact, id));
    assert!(passed(second) && !passed(first));

    assert_eq!(scenario_run.add_front_end().0, "front-end-3");
    let why = scenario_run.refusal(UserCommand::AddFrontEnd);
    assert!(why.contains("There are already 3 front-ends"), "{why}");

    scenario_run.perform(UserCommand::Freeze { node: node("front-end-2"), how: Freezing::Cooperative });
    scenario_run.until("ice", |record| {
        (record.node == second && matches!(record.event, TraceEvent::Node(NodeEvent::Froze { .. }))).then_some(())
    });
    scenario_run.perform(UserCommand::Wake { node: node("front-end-2") });
    scenario_run.until("a thaw", |record| {
        (record.node == second && record.event == TraceEvent::Node(NodeEvent::Woke)).then_some(())
    });
    let links = vec![LinkWay { from: node("front-end-2"), to: node("name-server") }];
    scenario_run.perform(UserCommand::SetLinks { links, rule: LinkRule::CUT });
    scenario_run.until_event(
        "a cut",
        |event| matches!(event, TraceEvent::Launcher(LauncherEvent::LinkIs { from, .. }) if from == "front-end-2"),
    );
    scenario_run.perform(UserCommand::MendAll);

    scenario_run.ends(UserCommand::Crash { node: node("front-end-2") });
    scenario_run.perform(UserCommand::Restart { node: node("front-end-2") });
    let (name, again) = scenario_run.until_started();
    assert_eq!(name, "front-end-2");
    assert_ne!(again, second, "a front-end is somebody else each time");
    scenario_run.is_retired(again, false);

    // A removed front-end makes room, and comes back only while there is room.
    scenario_run.ends(UserCommand::Remove { node: node("front-end-3") });
    assert_eq!(scenario_run.add_front_end().0, "front-end-4");
    let why = scenario_run.refusal(UserCommand::Restart { node: node("front-end-3") });
    assert!(why.contains("There are already 3 front-ends"), "{why}");

    scenario_run.perform(UserCommand::CrashAll);
    let mut ended = BTreeSet::new();
    while ended.len() < 7 {
        let known = ended.clone();
        ended.insert(scenario_run.until("the end of all", |record| match record.event {
            TraceEvent::Launcher(LauncherEvent::Ended { how: Ending::Crashed, .. }) => {
                Some(record.node).filter(|id| !known.contains(id))
            }
            _ => None,
        }));
    }
    assert!(ended.contains(&first) && ended.contains(&again), "three replicas, three front-ends, the name server");
}

/// Both propose, and the name server records each view once.
#[test]
fn of_two_front_ends_that_hear_all_replicas_only_one_changes_the_view() {
    let mut scenario_run = ScenarioRun::open();
    let primary = scenario_run.primary();
    // The first one cannot be told that there is a newer one: it goes on announcing, and proposes, too.
    let links = vec![LinkWay { from: node("name-server"), to: node("front-end") }];
    scenario_run.perform(UserCommand::SetLinks { links, rule: LinkRule::CUT });
    scenario_run.until_event("a cut", |event| matches!(event, TraceEvent::Launcher(LauncherEvent::LinkIs { .. })));
    let (_, second) = scenario_run.add_front_end();
    scenario_run.is_retired(second, false);
    scenario_run.perform(UserCommand::Crash { node: primary });
    let (_, leads) = scenario_run.until("a new primary", became_primary);
    scenario_run.until("its orders in a newer view of the second one", |record| match &record.event {
        TraceEvent::Node(NodeEvent::State(NodeState::FrontEnd { view, waits_for: None, .. })) => {
            (record.node == second && view.primary == leads).then_some(())
        }
        _ => None,
    });
    let mut led: BTreeMap<ViewNumber, NodeId> = BTreeMap::new();
    for (view, primary) in scenario_run.facts.iter().filter_map(became_primary) {
        assert_eq!(*led.entry(view).or_insert(primary), primary, "two primaries of view {view}");
    }
    let knows = |fact: &TraceRecord| {
        matches!(&fact.event, TraceEvent::Node(NodeEvent::State(NodeState::FrontEnd { retired: true, .. })))
    };
    assert!(!scenario_run.facts.iter().any(knows), "each takes itself for the one");
}

/// The older one takes over when the name server has forgotten the newer one.
#[test]
fn a_retired_front_end_returns_when_the_newer_one_is_gone() {
    let mut cluster = RunningCluster::of(Talking::start(&["cluster", "--replicas", "2", "--autoclean", "1"]));
    let mut customer = cluster.customer();
    let placed = |customer: &mut Talking, op: u64| {
        let answer = customer.ask(&order(op, "LS1 1UR", &["Pad thai"]));
        assert_eq!((&answer["type"], &answer["op"]), (&"ok".into(), &op.into()), "{answer}");
        answer["value"].clone()
    };
    let mut orders = vec![placed(&mut customer, 1)];
    cluster.talk.say(r#"{"do":"add-front-end"}"#);
    cluster.until("started", "front-end-2");
    orders.push(placed(&mut customer, 2));
    let retired = |cluster: &RunningCluster, name: &str| {
        let status = cluster.status();
        let nodes = status["nodes"].as_array().unwrap();
        nodes.iter().find(|node| node["name"] == name).unwrap_or_else(|| panic!("{status}"))["retired"].clone()
    };
    while retired(&cluster, "front-end") != true {}
    assert_eq!(retired(&cluster, "front-end-2"), false);
    cluster.wants("crash", "front-end-2");
    cluster.until("ended", "front-end-2");
    orders.push(placed(&mut customer, 3));
    assert_eq!(retired(&cluster, "front-end"), false);
    let answer = customer.ask(&read(4, "LS1 1UR"));
    assert_eq!(answer["value"], serde_json::json!(orders), "{answer}");
}
