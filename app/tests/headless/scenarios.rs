//! The fault scenarios that ship, on real processes: time that stands still, freezing, sleep, partitions, chaos.
//!
//! Each is a run of the real program that must end well by itself; what it promises stands in its file.

use serde_json::Value;

use crate::program::{Talking, last_json, program};

/// Runs a scenario that must hold, and gives its report.
fn holds(arguments: &[&str]) -> Value {
    let output = program(&[&["run"], arguments, &["--json"]].concat());
    let report = last_json(&output);
    assert_eq!(output.status.code(), Some(0), "{report}");
    assert_eq!((&report["verdict"]["verdict"], &report["red"]), (&"holds".into(), &serde_json::json!([])), "{report}");
    report
}

fn number(report: &Value, name: &str) -> u64 {
    report[name].as_u64().unwrap_or_else(|| panic!("{name}: {report}"))
}

/// A minute without time, with eight messages held: the same minute as in a lecture.
#[test]
fn nothing_happens_while_time_stands_still_and_all_is_done_afterwards() {
    let report = holds(&["stopped"]);
    for nothing in ["timers_rung", "view_changes", "suspicions", "unknown"] {
        assert_eq!(number(&report, nothing), 0, "{nothing}: {report}");
    }
    assert!(number(&report, "secs") >= 67, "time stood still for less than a minute: {report}");
    assert_eq!(number(&report, "acknowledged"), 8, "{report}");
}

/// One after the other: they are about time, and would disturb each other.
#[test]
fn faults_of_every_kind_are_survived() {
    let report = holds(&["chaos"]);
    assert!(report["faults"].as_object().unwrap().len() >= 12, "{report}");
    assert!(number(&report, "recovery_ms") <= 5_000, "{report}");
    let report = holds(&["sleep"]);
    assert!(number(&report, "view_changes") <= 1, "{report}");
    assert!(number(&report, "recovery_ms") <= 4_000, "orders again after three seconds, counted for one: {report}");
    holds(&["sleep-one"]);
    let report = holds(&["freeze"]);
    for kind in ["freeze", "freeze-by-signal"] {
        assert_eq!(report["faults"][kind], 4, "{report}");
    }
    let report = holds(&["partitions"]);
    for (kind, least) in [("partition", 5), ("cut-one-way", 6), ("cut", 10)] {
        assert!(report["faults"][kind].as_u64() >= Some(least), "{report}");
    }
}

/// Two front-ends at once, both with customers: one history, whichever of them dies.
#[test]
fn customers_of_two_front_ends_see_one_history() {
    let report = holds(&["two-front-ends"]);
    assert_eq!(report["faults"], serde_json::json!({"crash": 4, "cut": 1, "freeze": 1, "partition": 1}), "{report}");
    assert!(number(&report, "failovers") >= 2, "{report}");
    assert_eq!(report["not_done"], serde_json::json!([]), "{report}");
}

/// A backup that dies again and again costs little: each death is noticed at once, and soon nobody relies on it.
#[test]
fn a_crash_loop_leaves_most_of_the_calm_rate() {
    let report = holds(&["crash-loop"]);
    assert!(report["faults"]["crash"].as_u64() >= Some(10), "{report}");
}

const UNSAFE: &str = r#"title = "A mistake that does not show"
replicas = 1
customers = 0
seconds = 1
plant = "reenter-view"

[[step]]
do = "customer"
name = "Ada"
postcode = "DH1 3LE"

[[step]]
do = "order"
customer = "Ada"
items = ["Pad thai"]

[[step]]
do = "wait"
for = "answered"
customer = "Ada"

[[step]]
do = "read"
customer = "Ada"

[expect]
acknowledged = 1
"#;

#[test]
fn no_mistake_is_made_on_purpose_without_consent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("unsafe.toml");
    std::fs::write(&path, UNSAFE).unwrap();
    let path = path.to_str().unwrap();
    let refused = program(&["run", path]);
    let words = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{words}");
    assert!(words.contains("reenter-view") && words.contains("--allow-plant"), "{words}");
    assert_eq!(program(&["validate", path]).status.code(), Some(0), "it may be looked at");
    assert_eq!(program(&["run", path, "--allow-plant", "--without-plant"]).status.code(), Some(2));
    assert_eq!(program(&["run", path, "--plant", "ivy"]).status.code(), Some(2));
    assert_eq!(holds(&[path, "--without-plant"])["plants"], serde_json::json!([]));
    let report = holds(&[path, "--allow-plant"]);
    assert_eq!(report["plants"], serde_json::json!(["reenter-view"]), "{report}");
    assert_eq!((number(&report, "acknowledged"), number(&report, "reads")), (1, 2), "hers, and the last one");
}

#[test]
fn what_did_not_happen_is_said_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vain.toml");
    let text = UNSAFE
        .replace("plant = \"reenter-view\"\n", "")
        .replace("[expect]", "[[step]]\ndo = \"wait\"\nfor = \"view-change\"\nwithin-ms = 300\n\n[expect]");
    std::fs::write(&path, text).unwrap();
    let output = program(&["run", path.to_str().unwrap(), "--json"]);
    let report = last_json(&output);
    assert_eq!(output.status.code(), Some(3), "{report}");
    assert_eq!(report["stuck"], "line 26: there was no view change within 300 ms of cluster time", "{report}");
}

/// From [7] to [14], one message after the other; between two steps time stands still, and it stands still at the end.
#[test]
fn an_order_is_followed_step_by_step() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("steps.toml");
    let steps = "[[step]]\ndo = \"step\"\ncount = 14\n\n[[step]]\ndo = \"wait\"\nfor = \"stopped\"\n\n\
                 [[step]]\ndo = \"wait\"\nfor = \"answered\"\ncustomer = \"Ada\"\nwithin-ms = 2000\n\n\
                 [[step]]\ndo = \"speed\"\nrate = 1.0\n";
    let text = UNSAFE.replace("plant = \"reenter-view\"\n", "").replace("replicas = 1", "replicas = 3");
    let (before, after) = text.split_once("[[step]]\ndo = \"wait\"").unwrap();
    let stop = before.replacen(
        "[[step]]\ndo = \"order\"",
        "[[step]]\ndo = \"speed\"\nrate = 0.0\n\n[[step]]\ndo = \"order\"",
        1,
    );
    std::fs::write(&path, format!("{stop}{steps}\n[[step]]\ndo = \"wait\"{after}")).unwrap();
    let report = holds(&[path.to_str().unwrap()]);
    assert_eq!(number(&report, "acknowledged"), 1, "{report}");
}

/// What a cluster is told on its standard input is what a scenario says; `status` shows how it is steered.
#[test]
fn a_cluster_is_steered_by_its_launcher_and_status_shows_how() {
    let mut cluster = crate::program::RunningCluster::start("2");
    for line in [
        r#"{"do":"cut","from":"replica-1","to":"replica-2"}"#,
        r#"{"do":"bomb","node":"front-end","at":"front-end-before-forward"}"#,
        r#"{"do":"freeze","node":"name-server","how":"signal"}"#,
        r#"{"do":"speed","rate":0.1}"#,
    ] {
        cluster.talk.say(line);
    }
    cluster.talk.say(r#"{"do":"speed","rate":7}"#);
    cluster.talk.hear_until(|line| line["change"] == "refused");
    // The line before was carried out before this one was refused; the supervisor's status shows it after a moment.
    let mut status = cluster.status();
    while status["rate"] != 0.1 {
        status = cluster.status();
    }
    let node = |name: &str| {
        let nodes = status["nodes"].as_array().unwrap();
        nodes.iter().find(|node| node["name"] == name).unwrap_or_else(|| panic!("{status}")).clone()
    };
    assert_eq!(node("name-server")["frozen"], "signal", "{status}");
    assert_eq!(node("front-end")["bomb"], "front-end-before-forward", "{status}");
    assert_eq!(status["links"].as_array().unwrap().len(), 2, "{status}");
    assert_eq!(status["hop_us"], 10_000, "{status}");
    let words = program(&["status", "--dir", cluster.folder.to_str().unwrap()]);
    let words = String::from_utf8_lossy(&words.stdout);
    for sentence in ["10 times slower", "name-server is frozen (signal)", "replica-1 → replica-2 is cut"] {
        assert!(words.contains(sentence), "{sentence}: {words}");
    }
    drop::<Talking>(cluster.talk);
}

/// Loopback, a password nobody else can read, and even with it nothing that steers.
#[test]
fn no_program_steers_a_cluster_through_its_status_socket() {
    use std::io::{BufRead, BufReader, Write};
    let mut cluster = crate::program::RunningCluster::start("1");
    let file = std::fs::read(cluster.folder.join("status-socket.json")).unwrap();
    let socket: Value = serde_json::from_slice(&file).unwrap();
    let password = socket["password"].as_str().unwrap();
    for (line, expected) in [
        (serde_json::json!({"password": "guessed", "wants": "status"}), "password is wrong"),
        (serde_json::json!({"password": password, "wants": {"crash": "replica-1"}}), "only the launcher can steer"),
    ] {
        let mut stream = std::net::TcpStream::connect(socket["address"].as_str().unwrap()).unwrap();
        writeln!(stream, "{line}").unwrap();
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer).unwrap();
        assert!(answer.contains(expected), "{answer}");
    }
    let shown = cluster.talk.hear_until(|line| line["change"] == "refused");
    assert!(shown["why"].as_str().unwrap().contains("came to the status socket"), "{shown}");
    assert!(cluster.status()["nodes"].as_array().unwrap().iter().all(|node| node["pid"].is_number()));
}
