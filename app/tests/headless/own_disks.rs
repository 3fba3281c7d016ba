//! Durable replicas whose disks are not the launcher's: of processes that are started by hand, and on other machines. Each is who
//! its folder says.

use std::path::Path;
use std::process::Stdio;

use rustix::process::Signal;

use crate::by_hand::{HOME, Hand, Judge};
use crate::machines::{Inviting, Machine, refused};
use crate::program::{RunningCluster, Talking, command, order, read};

#[test]
fn a_durable_replica_on_another_machine_comes_back_with_its_orders_in_this_run_and_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = (folder.path().join("here"), folder.path().join("there"));
    let (here, there) = (here.to_str().unwrap(), there.to_str().unwrap());
    let invites = || Inviting::on_loopback(&["--admit-all", "--durable", here]);
    let joins = |code: &str| {
        let mut command = command(&["join", code, "--name", "anna", "--json", "--durable", there]);
        command.stderr(Stdio::null());
        Machine(Talking::to(command))
    };
    let id = |host: &RunningCluster| {
        let status = host.status();
        let nodes = status["nodes"].as_array().unwrap().iter();
        nodes.clone().find(|node| node["name"] == "replica-4").unwrap()["id"].as_str().unwrap().to_owned()
    };
    let (first, before) = {
        let mut host = invites();
        let (code, why) = refused(&host.code, &[]);
        assert!(code == 2 && why.contains("keeps its orders on disk. Join with a folder on this machine"), "{why}");
        let mut anna = joins(&host.code);
        anna.until("runs");
        host.cluster.until_is("replica-4", "backup");
        let first = id(&host.cluster);
        let mut customer = host.cluster.customer();
        let mut places = |op: u64, item: &str| {
            let answer = customer.ask(&order(op, "DH1 3LE", &[item]));
            assert_eq!(answer["type"], "ok", "{answer}");
        };
        places(1, "Pad thai");
        // Its process is killed, and started again on the same disk.
        host.cluster.wants("crash", "replica-4");
        host.cluster.until("ended", "replica-4");
        host.cluster.wants("restart", "replica-4");
        assert_eq!(host.cluster.until("started", "replica-4")["node"]["id"], first);
        places(2, "Lemonade");
        let before = customer.ask(&read(9, "DH1 3LE"))["value"].clone();
        (first, before)
    };
    // The other disks are lost: only hers has everything. What the name server keeps stays.
    for replica in 1..=3 {
        std::fs::remove_dir_all(Path::new(here).join(format!("replica-{replica}"))).unwrap();
    }
    let mut host = invites();
    let mut anna = joins(&host.code);
    anna.until("runs");
    host.cluster.until_is("replica-4", "primary");
    assert_eq!(id(&host.cluster), first, "one member with its disk is enough");
    let found = host.cluster.customer().ask(&read(1, "DH1 3LE"));
    assert_eq!(found["value"].as_array().unwrap()[..], *before.as_array().unwrap(), "{found}");
    // In a cluster that keeps everything in memory, a folder would promise what does not hold.
    let memory = Inviting::on_loopback(&[]);
    let (code, why) = refused(&memory.code, &["--durable", there]);
    assert!(code == 2 && why.contains("keeps its orders in memory"), "{why}");
}

/// Everything is killed at once, and started again in another order: with its folder, each replica is who it was.
#[test]
fn a_cluster_on_disk_goes_on_after_all_its_processes_were_killed_at_once() {
    let hand = Hand::new();
    let disk = tempfile::tempdir().unwrap();
    let folder = |name: &str| disk.path().join(name).to_str().unwrap().to_owned();
    // Two replicas share a folder, which is the name server's, too; the third has one of its own.
    let (shared, own) = (folder("shared"), folder("own"));
    let replica = |hand: &Hand, folder: &str| {
        let mut replica = hand.start(&["replica", "--durable", folder]);
        let started = replica.is_there();
        ((started["name"].clone(), started["id"].clone()), replica)
    };
    let mut judge = Judge::default();
    let before = {
        let _name_server = hand.runs(&["name-server", "--durable", &shared]);
        let _front_end = hand.runs(&["front-end"]);
        let (status, why) = hand.output(&["replica"]);
        assert!(status == 2 && why.contains("keeps its orders on disk. Start the replica with --durable"), "{why}");
        let (first, mut one) = replica(&hand, &shared);
        one.becomes("primary");
        let (second, mut other) = replica(&hand, &own);
        other.becomes("backup");
        let (third, mut last) = replica(&hand, &shared);
        last.becomes("backup");
        let mut client = hand.runs(&["client"]);
        assert_eq!(client.ask(&format!("4 {HOME}"), &mut judge)["type"], "ok");
        [first, second, third]
    };
    // In memory it would look for the record where it is not.
    let _name_server = hand.runs(&["name-server", "--durable", &shared]);
    let _front_end = hand.runs(&["front-end"]);
    // The one with the folder of its own comes first, and is not taken for another one.
    let (second, _one) = replica(&hand, &own);
    let (first, _other) = replica(&hand, &shared);
    let (third, _last) = replica(&hand, &shared);
    assert_eq!([first, second, third], before);
    let mut client = hand.runs(&["client"]);
    let read = client.ask(&format!("history {HOME}"), &mut judge);
    assert!(read["value"].as_array().is_some_and(|orders| orders.len() >= 2), "{read}");
    assert_eq!(client.ask(&format!("4 {HOME}"), &mut judge)["type"], "ok");
}

#[test]
fn a_damaged_file_of_a_replica_makes_it_a_new_one_that_says_so() {
    let hand = Hand::new();
    let disk = tempfile::tempdir().unwrap();
    let folder = disk.path().join("disk").to_str().unwrap().to_owned();
    let _name_server = hand.runs(&["name-server", "--durable", &folder]);
    let _front_end = hand.runs(&["front-end"]);
    let mut first = hand.runs(&["replica", "--durable", &folder]);
    first.becomes("primary");
    let mut second = hand.start(&["replica", "--durable", &folder]);
    let before = second.is_there();
    second.becomes("backup");
    second.ends_by(Signal::KILL);
    let file = disk.path().join("disk").join(&second.name).join("orders.log");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[4200] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let mut again = hand.start(&["replica", "--durable", &folder]);
    let started = again.is_there();
    assert_eq!(started["name"], second.name);
    assert_ne!(started["id"], before["id"]);
    again.becomes("backup");
    assert!(file.with_extension("log.damaged").exists());
}
