//! The view record in a real etcd, and the orders on disk: after the end of all processes both together are the same cluster again.

use std::path::Path;
use std::process::Stdio;

use cluster::{Cluster, ClusterOptions, ViewRecord};
use node::control::EtcdAccess;
use rustix::process::Signal;
use serde_json::Value;

use crate::by_hand::{HOME, Hand, Judge};
use crate::etcd::etcd;
use crate::program::{RunningCluster, Talking, command, order, program, read, wait_until_gone};

fn launch(store: &str, folder: &str) -> RunningCluster {
    let mut command =
        command(&["cluster", "--name-servers", "2", "--view-record", store, "--durable", folder, "--replicas", "2"]);
    command.stderr(Stdio::null());
    RunningCluster::of(Talking::to(command))
}

/// Each replica with its id.
fn replicas(cluster: &RunningCluster) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let nodes = cluster.first["nodes"].as_array().unwrap().iter();
    let mut all: Vec<_> = nodes.map(|node| (text(&node["name"]), text(&node["id"]))).collect();
    all.retain(|(name, _)| name.starts_with("replica"));
    all.sort();
    all
}

#[test]
fn a_cluster_with_its_record_in_etcd_goes_on_in_the_next_run() {
    let Some(etcd) = etcd() else { return };
    let store = format!("etcd={}", etcd.access().endpoints.join(","));
    let parent = tempfile::tempdir().unwrap();
    let folder = |name: &str| parent.path().join(name).to_str().unwrap().to_owned();
    let (ours, others) = (folder("ours"), folder("others"));
    let (before, orders) = {
        let mut cluster = launch(&store, &ours);
        cluster.until_is("replica-2", "backup");
        let mut customer = cluster.customer();
        assert_eq!(customer.ask(&order(1, HOME, &["Pad thai"]))["type"], "ok");
        let orders = customer.ask(&read(2, HOME))["value"].clone();
        // The launcher, and with it everything.
        cluster.talk.child.kill().unwrap();
        wait_until_gone(&cluster.pids());
        (replicas(&cluster), orders)
    };
    {
        let cluster = launch(&store, &ours);
        assert_eq!(replicas(&cluster), before, "they are who they were");
        let mut customer = cluster.customer();
        assert_eq!(customer.ask(&read(1, HOME))["value"], orders);
        assert_eq!(customer.ask(&order(2, HOME, &["Lemonade"]))["type"], "ok");
    }
    let told = |arguments: &[&str]| {
        let output = program(&[&["cluster", "--durable", &ours], arguments].concat());
        let why = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{why}");
        why
    };
    let why = told(&[]);
    assert!(why.contains("keeps its view record in etcd") && why.contains("--view-record"), "{why}");
    // Another etcd does not have the record: nothing is begun anew there.
    let empty = crate::etcd::etcd().unwrap();
    let why = told(&["--view-record", &format!("etcd={}", empty.access().endpoints.join(","))]);
    assert!(why.contains("Name the etcd that holds the record"), "{why}");
    // Another folder is another cluster, beside the first one.
    let cluster = launch(&store, &others);
    let found = cluster.customer().ask(&read(1, HOME))["value"].clone();
    assert_eq!(found.as_array().unwrap().len(), orders.as_array().unwrap().len() - 1, "{found}");
    drop(cluster);
    let cluster = launch(&store, &ours);
    let found = cluster.customer().ask(&read(1, HOME))["value"].clone();
    assert_eq!(found.as_array().unwrap().len(), orders.as_array().unwrap().len() + 1, "{found}");
}

#[test]
fn another_folder_does_not_get_the_record_of_a_durable_cluster() {
    let Some(etcd) = etcd() else { return };
    let access = EtcdAccess { key: "just-hungry/the-only-one".into(), ..etcd.access() };
    let parent = tempfile::tempdir().unwrap();
    let options = |folder: &Path| {
        let (program, durable) = (env!("CARGO_BIN_EXE_just-hungry").into(), Some(folder.to_owned()));
        let view_record = ViewRecord::Etcd(access.clone());
        ClusterOptions { program, view_record, durable, ..ClusterOptions::usual().unwrap() }
    };
    let (ours, others) = (parent.path().join("ours"), parent.path().join("others"));
    for _ in 0..2 {
        drop(Cluster::launch(options(&ours)).unwrap());
    }
    let refusal = Cluster::launch(options(&others)).err().map(|error| format!("{error:#}")).unwrap_or_default();
    assert!(refusal.contains("the view record of another cluster"), "{refusal}");
    drop(Cluster::launch(options(&ours)).unwrap());
    // What says who it is, and what is in the folder, is for its user only.
    use std::os::unix::fs::PermissionsExt;
    for file in ["cluster", "view-record.elsewhere"] {
        let mode = std::fs::metadata(ours.join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

/// By hand: all are killed, and started again with the same folder and the same etcd.
#[test]
fn a_cluster_started_by_hand_with_both_goes_on_after_all_were_killed() {
    let Some(etcd) = etcd() else { return };
    let store = format!("etcd={}", etcd.access().endpoints.join(","));
    let hand = Hand::new();
    let disk = tempfile::tempdir().unwrap();
    let folder = |name: &str| disk.path().join(name).to_str().unwrap().to_owned();
    let (ours, others) = (folder("ours"), folder("others"));
    let name_server = ["name-server", "--view-record", &store, "--durable", &ours];
    let replica = ["replica", "--durable", &ours];
    let mut judge = Judge::default();
    // How many orders there are after each run. Which of the replicas brings its pre-defined ones is a matter of who registers first.
    let mut orders = Vec::new();
    for _ in 0..2 {
        let mut first = hand.runs(&name_server);
        let (code, why) = hand.output(&["name-server", "--view-record", &store, "--durable", &others]);
        assert!(code == 2 && why.contains("is not the one of the cluster"), "{why}");
        let mut second = hand.runs(&name_server);
        let _front_end = hand.runs(&["front-end"]);
        let mut replicas = [hand.runs(&replica), hand.runs(&replica)];
        let mut client = hand.runs(&["client"]);
        assert_eq!(client.ask(&format!("4 {HOME}"), &mut judge)["type"], "ok");
        let read = client.ask(&format!("history {HOME}"), &mut judge);
        orders.push(read["value"].as_array().unwrap().len());
        for process in [&mut first, &mut second].into_iter().chain(&mut replicas) {
            process.ends_by(Signal::KILL);
        }
    }
    assert_eq!(orders[1], orders[0] + 1, "{orders:?}");
    assert!(!std::path::Path::new(&others).exists(), "what is refused leaves nothing");
    let other = Hand::new();
    let (code, why) = other.output(&["name-server", "--view-record", &store, "--durable", &others]);
    assert!(code == 2 && why.contains("the view record of another cluster"), "{why}");
    let (code, why) = other.output(&["name-server", "--durable", &ours]);
    assert!(code == 2 && why.contains("Say where etcd answers, with --view-record"), "{why}");
}

/// An etcd that is not there at the start is named as the reason.
#[test]
fn a_start_without_an_answer_from_etcd_says_so() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let output = program(&["cluster", "--replicas", "1", "--view-record", &format!("etcd=http://{nobody}")]);
    let why = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && why.contains("did not answer. Check that it runs, and its addresses"), "{why}");
}
