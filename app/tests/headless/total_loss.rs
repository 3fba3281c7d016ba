//! All replicas die: what is lost is said, and the operator begins a new history.

use serde_json::json;

use knowledge::user_command::UserCommand;
use protocol::ids::View;
use protocol::trace::{NodeEvent, NodeState, TraceEvent};

use crate::program::{RunningCluster, last_json, program};
use crate::scenario_run::ScenarioRun;

#[test]
fn a_fresh_start_brings_service_back_and_shows_what_was_lost() {
    let output = program(&["run", "total-loss", "--json"]);
    let report = last_json(&output);
    assert_eq!(output.status.code(), Some(1), "a lost order is a violation, whoever gave it up: {report}");
    assert_eq!(
        (&report["red"], &report["not_done"], &report["stuck"]),
        (&json!(["lost"]), &json!([]), &json!(null)),
        "{report}"
    );
    assert_eq!((&report["acknowledged"], &report["replicas_equal"]), (&json!(2), &json!(true)), "{report}");
}

#[test]
fn a_terminal_hears_what_is_lost_and_orders_a_fresh_start() {
    let mut cluster = RunningCluster::start("2");
    cluster.talk.hear_until(|line| line["change"] == "became" && line["standing"] == "backup");
    cluster.wants("fresh-start", "replica-2");
    let refused = cluster.talk.hear_until(|line| line["change"] == "refused");
    assert!(refused["why"].as_str().unwrap().contains("not all members"), "{refused}");
    for name in ["replica-1", "replica-2"] {
        cluster.wants("crash", name);
    }
    let lost = cluster.talk.hear_until(|line| line["change"] == "lost");
    // The front-end notices it a little later.
    let reason = (0..1000).find_map(|_| {
        let status = program(&["status", "--dir", cluster.folder.to_str().unwrap()]);
        let said = String::from_utf8(status.stdout).unwrap();
        said.lines().find(|line| line.starts_with("front-end: ")).map(str::to_owned)
    });
    let reason = reason.unwrap();
    assert!(reason.contains("replica-1") && reason.contains("begin a new history (fresh start)"), "{reason}");
    assert_eq!(lost["members"].as_array().unwrap().len(), 2, "{lost}");
    assert!(lost["why"].as_str().unwrap().contains("fresh start") && lost["since"].as_f64() > Some(0.0), "{lost}");
    cluster.wants("restart", "replica-2");
    cluster.until("started", "replica-2");
    // The front-end has to hear of it, and that the others are dead: until then it refuses.
    for _ in 0..1000 {
        cluster.wants("fresh-start", "replica-2");
        let said = cluster.talk.hear_until(|line| line["change"] == "refused" || line["standing"] == "primary");
        if said["standing"] == "primary" {
            assert_eq!(said["node"]["name"], "replica-2", "{said}");
            return;
        }
    }
    panic!("no fresh start was accepted");
}

/// Whatever somebody asks for: nobody's orders are given up while the process that holds them runs.
#[test]
fn nobody_is_given_up_who_runs() {
    let mut scenario_run = ScenarioRun::open();
    scenario_run.primary();
    let view = scenario_run.until("the record", |record| match &record.event {
        TraceEvent::Node(NodeEvent::State(NodeState::NameServer { record, .. })) if record.members.len() == 3 => {
            Some(record.clone())
        }
        _ => None,
    });
    let order = |replica: &str, after: &View| UserCommand::FreshStart { replica: replica.into(), after: after.clone() };
    for (replica, after, expected) in [
        ("replica-2", view.clone(), "its process is still running"),
        ("front-end", view.clone(), "is not a running replica"),
        ("replica-9", view.clone(), "no node named"),
        ("replica-2", View::default(), "is not the newest"),
    ] {
        let why = scenario_run.refusal(order(replica, &after));
        assert!(why.contains(expected), "{expected}: {why}");
    }
}
