//! Clusters whose replicas keep their orders on disk: killed at once, started again, and with damaged files.

use std::collections::BTreeMap;
use std::path::Path;

use cluster::{Cluster, ClusterOptions};
use knowledge::user_command::{CustomerCommand, UserCommand};
use protocol::ids::{CustomerId, NodeId};
use protocol::message::Answer;
use protocol::order_book::Outcome;
use protocol::trace::{LauncherEvent, MachineEvent, NodeEvent, Note, Standing, TraceEvent};

use crate::program::{last_json, program};
use crate::scenario_run::{ScenarioRun, order};

fn options(folder: &Path) -> ClusterOptions {
    let program = env!("CARGO_BIN_EXE_just-hungry").into();
    ClusterOptions { program, durable: Some(folder.to_owned()), ..ClusterOptions::usual().unwrap() }
}

/// The ids of the replicas, by name.
fn replicas(run: &mut ScenarioRun) -> BTreeMap<String, NodeId> {
    run.until_all("three replicas", |facts| {
        let started = facts.iter().filter_map(|record| match &record.event {
            TraceEvent::Launcher(LauncherEvent::Started(started)) if started.name.starts_with("replica") => {
                Some((started.name.clone(), record.node))
            }
            _ => None,
        });
        let started: BTreeMap<_, _> = started.collect();
        (started.len() == 3).then_some(started)
    })
}

/// Until a view with all three.
fn serves(run: &mut ScenarioRun) {
    run.until_event("a primary with two backups", |event| {
        matches!(event, TraceEvent::Machine(MachineEvent::Became { standing: Standing::Primary, view }) if view.members.len() == 3)
    });
}

/// Grace orders, and it is placed.
fn places(run: &mut ScenarioRun, grace: CustomerId, items: &[&str]) {
    run.perform(order(grace, items));
    let request = run.asked();
    assert!(matches!(run.answer(request), Answer::Outcome(Outcome::Placed { .. })));
    run.perform(UserCommand::Customer(CustomerCommand::ReadHistory {
        customer: grace,
        postcode: "ne1 7ru".into(),
        page: 0,
    }));
    let request = run.asked();
    let Answer::History(page) = run.answer(request) else { panic!("no history") };
    let words = format!("{page:?}");
    assert!(items.iter().all(|item| words.contains(item)), "{words}");
}

/// Asks for what was placed in an earlier run.
fn remembers(run: &mut ScenarioRun, items: &[&str]) {
    let grace = run.customer("Grace");
    run.perform(UserCommand::Customer(CustomerCommand::ReadHistory {
        customer: grace,
        postcode: "ne1 7ru".into(),
        page: 0,
    }));
    let request = run.asked();
    let words = format!("{:?}", run.answer(request));
    assert!(items.iter().all(|item| words.contains(item)), "{items:?} in {words}");
}

#[test]
fn a_cluster_that_is_started_again_goes_on_with_its_replicas_and_orders() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("durable");
    let before = {
        let mut run = ScenarioRun::open_as(options(&folder));
        let before = replicas(&mut run);
        serves(&mut run);
        let grace = run.customer("Grace");
        places(&mut run, grace, &["Pad thai"]);
        let refusal = Cluster::launch(options(&folder)).err().unwrap().to_string();
        assert!(refusal.contains("Another cluster is using the folder"), "{refusal}");
        before
    };
    {
        let mut run = ScenarioRun::open_as(options(&folder));
        assert_eq!(replicas(&mut run), before);
        remembers(&mut run, &["Pad thai"]);
    }
    // One file is damaged: that replica begins empty, as another one, and gets everything from the others.
    let file = folder.join("replica-2").join("orders.log");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[4100] ^= 4;
    std::fs::write(&file, bytes).unwrap();
    let mut run = ScenarioRun::open_as(options(&folder));
    let after = replicas(&mut run);
    let same = |name: &str| after[name] == before[name];
    assert_eq!([same("replica-1"), same("replica-2"), same("replica-3")], [true, false, true]);
    run.until("a word about the damage", |record| match &record.event {
        TraceEvent::Launcher(LauncherEvent::Log { text }) | TraceEvent::Node(NodeEvent::Log { text })
            if text.contains("damaged") =>
        {
            Some(())
        }
        _ => None,
    });
    serves(&mut run);
    remembers(&mut run, &["Pad thai"]);
    assert!(folder.join("replica-2").join("orders.log.damaged").exists());
}

#[test]
fn a_replica_that_is_started_again_is_who_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = ScenarioRun::open_as(options(&folder.path().join("durable")));
    let before = replicas(&mut run);
    serves(&mut run);
    let grace = run.customer("Grace");
    places(&mut run, grace, &["Pad thai"]);
    run.ends(UserCommand::Crash { node: "replica-3".into() });
    run.perform(UserCommand::Restart { node: "replica-3".into() });
    assert_eq!(run.until_started(), ("replica-3".into(), before["replica-3"]));
    run.until_event("its recovery", |event| {
        matches!(event, TraceEvent::Machine(MachineEvent::Noted(Note::Recovered { .. })))
    });
    places(&mut run, grace, &["Lemonade"]);
}

/// Everything is killed at once, again and again, while customers order; the outside judge finds nothing.
#[test]
fn no_order_is_lost_when_the_power_goes_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("cuts.toml");
    let mut words = "title = \"power cuts\"\nreplicas = 3\ncustomers = 8\nseconds = 12\n".to_owned();
    for cut in 0..5 {
        let at = 1500 + 2000 * cut;
        words +=
            &format!("[[step]]\nat-ms = {at}\ndo = \"power-cut\"\n[[step]]\nat-ms = {}\ndo = \"power-on\"\n", at + 300);
    }
    words += "[expect]\nacknowledged = 200\n";
    std::fs::write(&script, words).unwrap();
    let durable = folder.path().join("durable");
    let arguments = ["run", script.to_str().unwrap(), "--durable", durable.to_str().unwrap(), "--json"];
    let output = program(&arguments);
    let report = last_json(&output);
    assert_eq!(output.status.code(), Some(0), "{report:#}");
}
