//! Processes come and go: orders stay, and nothing is left behind.

use crate::program::{RunningCluster, Talking, last_json, order, program, read};

fn values(answer: &serde_json::Value) -> Vec<&str> {
    answer["value"].as_array().unwrap_or_else(|| panic!("{answer}")).iter().filter_map(|it| it.as_str()).collect()
}

/// Places an order that must be acknowledged; its id.
fn placed(customer: &mut Talking, op: u64, postcode: &str) -> String {
    let answer = customer.ask(&order(op, postcode, &["Pad thai"]));
    assert_eq!((&answer["type"], &answer["op"]), (&"ok".into(), &op.into()), "{answer}");
    answer["value"].as_str().unwrap().to_owned()
}

#[test]
fn from_the_start_to_the_first_acknowledged_order() {
    let cluster = RunningCluster::start("3");
    let roles: Vec<_> = cluster.first["nodes"].as_array().unwrap().iter().map(|node| node["role"].clone()).collect();
    for role in ["name-server", "front-end", "replica", "postcodes.io", "getthedata.com"] {
        assert!(roles.iter().any(|it| it == role), "{role} is missing: {roles:?}");
    }
    let mut customer = cluster.customer();
    let first = placed(&mut customer, 1, "sw1a 1aa");
    let answer = customer.ask(&read(2, "SW1A 1AA"));
    assert_eq!(values(&answer).last(), Some(&&*first), "{answer}");
    let status = cluster.status();
    let primaries = status["nodes"].as_array().unwrap().iter().filter(|node| node["standing"] == "primary");
    assert_eq!(primaries.count(), 1, "{status}");
    assert_eq!(customer.end(), 0);
    let (folder, talk) = (cluster.folder, cluster.talk);
    assert_eq!(talk.end(), 0);
    assert!(!folder.exists(), "the folder of the run is left behind");
}

#[cfg(target_os = "linux")]
#[test]
fn nothing_is_left_when_the_launcher_is_killed() {
    let mut cluster = RunningCluster::start("3");
    let pids = cluster.pids();
    assert_eq!(pids.len(), 7);
    cluster.talk.child.kill().unwrap();
    crate::program::wait_until_gone(&pids);
    // Killed, it could not tidy up: another run may take the folder over.
    let folder = cluster.folder.to_str().unwrap().to_owned();
    drop(cluster);
    let mut next = Talking::start(&["cluster", "--replicas", "1", "--dir", &folder]);
    assert_eq!(next.hear()["dir"], *folder);
    assert_eq!(next.end(), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn being_asked_to_end_ends_all_processes() {
    use rustix::process::{Pid, Signal, kill_process};
    let mut cluster = RunningCluster::start("2");
    let pids = cluster.pids();
    kill_process(Pid::from_raw(cluster.talk.child.id() as i32).unwrap(), Signal::TERM).unwrap();
    assert_eq!(cluster.talk.child.wait().unwrap().code(), Some(0));
    crate::program::wait_until_gone(&pids);
}

#[test]
fn the_demonstration_kills_the_primary_in_the_middle_of_an_order() {
    let output = program(&["demo", "--json"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}");
    for step in 1..=14 {
        assert!(text.contains(&format!("  Step {step}: ")), "step {step} is missing: {text}");
    }
    let lines: Vec<&str> = text.lines().collect();
    let killed =
        lines.iter().position(|line| line.ends_with(", the primary, has crashed.")).expect("somebody is killed");
    let forwarded = lines[..killed].iter().rposition(|line| line.contains("  Step 10: ")).expect("an order before");
    assert!(!lines[forwarded..killed].iter().any(|line| line.contains("  Step 6: ")), "acknowledged before: {text}");
    let object = last_json(&output);
    assert_eq!((&object["verdict"], &object["acknowledged"]), (&"holds".into(), &2.into()), "{object}");
}

#[test]
fn a_primary_that_dies_loses_nothing() {
    let mut cluster = RunningCluster::start("3");
    let mut customer = cluster.customer();
    let first = placed(&mut customer, 1, "G2 1DU");
    cluster.until_is("replica-3", "backup");
    let primary = primary_of(&cluster);
    cluster.wants("crash", &primary);
    let ended = cluster.until("ended", &primary);
    assert_eq!(ended["how"], "crashed", "{ended}");
    let second = placed(&mut customer, 2, "G2 1DU");
    let answer = customer.ask(&read(3, "G2 1DU"));
    let tail: Vec<_> = values(&answer).into_iter().rev().take(2).collect();
    assert_eq!(tail, [&*second, &*first], "{answer}");
    assert_ne!(primary_of(&cluster), primary);
}

fn primary_of(cluster: &RunningCluster) -> String {
    let status = cluster.status();
    let nodes = status["nodes"].as_array().unwrap();
    let primary = nodes.iter().find(|node| node["standing"] == "primary").unwrap_or_else(|| panic!("{status}"));
    primary["name"].as_str().unwrap().to_owned()
}

#[test]
fn front_end_and_name_server_come_back() {
    let mut cluster = RunningCluster::start("2");
    let mut customer = cluster.customer();
    let mut orders = vec![placed(&mut customer, 1, "LS1 1UR")];
    for (op, node) in [(2, "front-end"), (3, "name-server")] {
        let before = cluster.first["nodes"].as_array().unwrap().iter().find(|it| it["name"] == node).unwrap().clone();
        cluster.wants("crash", node);
        cluster.until("ended", node);
        cluster.wants("restart", node);
        let started = cluster.until("started", node)["node"].clone();
        assert_ne!(started["pid"], before["pid"]);
        // The name server is the one well-known actor; a front-end gets a new id each time.
        assert_eq!(started["id"] == before["id"], node == "name-server");
        assert_eq!(started["addr"] == before["addr"], node == "name-server");
        orders.push(placed(&mut customer, op, "LS1 1UR"));
    }
    let answer = customer.ask(&read(4, "LS1 1UR"));
    assert_eq!(values(&answer), orders, "{answer}");
}

#[test]
fn who_joins_is_brought_up_and_can_lead() {
    let mut cluster = RunningCluster::start("1");
    let mut customer = cluster.customer();
    let orders: Vec<String> = (0..20).map(|op| placed(&mut customer, op, "CF10 1EP")).collect();
    cluster.talk.say(r#"{"do":"add-replica"}"#);
    cluster.until_is("replica-2", "backup");
    cluster.wants("remove", "replica-1");
    cluster.until("ended", "replica-1");
    cluster.until_is("replica-2", "primary");
    let answer = customer.ask(&read(20, "CF10 1EP"));
    assert_eq!(values(&answer), orders, "{answer}");
}

#[test]
fn who_stops_reading_us_ends_us_quietly() {
    use std::io::{BufRead, BufReader, Read};
    use std::process::Stdio;
    let mut child = crate::program::command(&["demo"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let mut words = String::new();
    child.stderr.take().unwrap().read_to_string(&mut words).unwrap();
    assert_eq!((child.wait().unwrap().code(), &*words), (Some(0), ""));
}
