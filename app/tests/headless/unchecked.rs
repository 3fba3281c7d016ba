//! While no service can check postcodes: a waiting customer knows why, an order that needs no check does not wait, and with
//! `--unchecked refuse` no order waits for ever.

use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::Value;

use crate::program::{RunningCluster, Talking, command, last_json, order, program};

/// A cluster whose postcode services are dead, once it has learned that M1 1AE exists.
fn cluster(arguments: &[&str]) -> RunningCluster {
    let begin = ["cluster", "--replicas", "1"];
    let mut cluster = RunningCluster::of(Talking::start(&[&begin, arguments].concat()));
    assert_eq!(cluster.customer().ask(&order(1, "M1 1AE", &["Pad thai"]))["type"], "ok");
    for service in ["postcodes.io", "getthedata.com"] {
        cluster.wants("crash", service);
        cluster.until("ended", service);
    }
    cluster
}

/// Orders once, and is gone after this many milliseconds.
fn gone_after(cluster: &RunningCluster, milliseconds: &str, line: &str) -> Value {
    let folder = cluster.folder.to_str().unwrap();
    let mut customer = command(&["customer", "--dir", folder, "--lines", "--deadline", milliseconds]);
    let mut customer =
        customer.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap();
    writeln!(customer.stdin.take().unwrap(), "{line}").unwrap();
    last_json(&customer.wait_with_output().unwrap())
}

#[test]
fn who_waits_knows_why_and_who_needs_no_check_is_answered() {
    let cluster = cluster(&[]);
    let waited = gone_after(&cluster, "3000", &order(2, "M1 1AF", &["Pad thai"]));
    assert_eq!(waited["type"], "info", "{waited}");
    let why = waited["why"].as_str().unwrap();
    assert!(why.contains("neither postcodes.io nor getthedata.com could check M1 1AF, for"), "{why}");
    let mut customer = cluster.customer();
    assert_eq!(customer.ask(&order(3, "M1 1AE", &["Pad thai"]))["type"], "ok", "its postcode is remembered");
    // The other's order is still in its place, for a while.
    let status = cluster.status();
    let primary = status["nodes"].as_array().unwrap().iter().find(|node| node["standing"] == "primary").unwrap();
    assert_eq!(primary["unchecked"]["orders"], 1, "{primary}");
    let told = program(&["status", "--dir", cluster.folder.to_str().unwrap()]);
    let told = String::from_utf8_lossy(&told.stdout);
    assert!(told.contains("1 order waits, the first for"), "{told}");
}

#[test]
fn a_cluster_that_was_told_to_refuse_refuses_what_nobody_could_check() {
    let cluster = cluster(&["--unchecked", "refuse", "--refuse-after", "2"]);
    let mut customer = cluster.customer();
    let refused = customer.ask(&order(2, "M1 1AF", &["Pad thai"]));
    assert_eq!(refused["type"], "fail", "{refused}");
    let why = refused["why"].as_str().unwrap();
    assert!(why.starts_with("The postcode could not be checked within 2 s"), "{why}");
    assert_eq!(customer.ask(&order(3, "M1 1AE", &["Pad thai"]))["type"], "ok");
}

/// Says yes to every postcode, as postcodes.io would, in answer to one question after the other.
fn says_yes(listener: &TcpListener) {
    for mut asker in listener.incoming().flatten() {
        let mut question = [0; 4096];
        let length = asker.read(&mut question).unwrap_or(0);
        let question = String::from_utf8_lossy(&question[..length]).into_owned();
        let postcode = question.split(['/', ' ']).nth(3).unwrap_or_default().replace("%20", " ");
        let body =
            serde_json::json!({"status": 200, "result": {"postcode": postcode, "country": "England"}}).to_string();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        let _ = asker.write_all(format!("{head}{body}").as_bytes());
    }
}

#[test]
fn a_stranger_on_the_port_of_a_dead_stand_in_is_not_believed() {
    let mut cluster = RunningCluster::start("1");
    let nodes = cluster.first["nodes"].as_array().unwrap();
    let stand_in = nodes.iter().find(|node| node["name"] == "postcodes.io").unwrap();
    let address = stand_in["addr"].as_str().unwrap().to_owned();
    cluster.wants("crash", "postcodes.io");
    cluster.until("ended", "postcodes.io");
    let listener = TcpListener::bind(address).unwrap();
    std::thread::spawn(move || says_yes(&listener));
    let mut customer = cluster.customer();
    let answer = customer.ask(&order(1, "ZZ99 9ZZ", &["Pad thai"]));
    assert_eq!(answer["type"], "fail", "{answer}");
    assert!(answer["why"].as_str().unwrap().contains("getthedata.com says"), "{answer}");
}
