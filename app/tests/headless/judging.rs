//! Verdicts as exit statuses: of recorded histories, of scenarios on real processes, of simulations.

use std::time::{Duration, Instant};

use crate::made_history;
use crate::program::{last_json, program};

/// Exit status of `check` on a history of these lines at one postcode.
#[track_caller]
fn check(lines: &[&str]) -> i32 {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.jsonl");
    let head = r#"{"type":"init","postcode":"NE1 1AB","value":["seed-0"]}"#;
    std::fs::write(&path, [&[head], lines].concat().join("\n")).unwrap();
    program(&["check", path.to_str().unwrap(), "--json"]).status.code().unwrap()
}

const PLACE: [&str; 2] = [
    r#"{"process":3,"type":"invoke","f":"place","postcode":"NE1 1AB","value":"c3-17","time":10,"op":41}"#,
    r#"{"process":3,"type":"ok","f":"place","postcode":"NE1 1AB","value":"c3-17","time":20,"op":41}"#,
];
const READ: &str = r#"{"process":5,"type":"invoke","f":"read","postcode":"NE1 1AB","value":null,"time":30,"op":42}"#;

fn answer(list: &str) -> String {
    format!(r#"{{"process":5,"type":"ok","f":"read","postcode":"NE1 1AB","value":{list},"time":40,"op":42}}"#)
}

#[test]
fn a_verdict_is_an_exit_status() {
    let read = |list: &str| check(&[PLACE[0], PLACE[1], READ, &answer(list)]);
    assert_eq!(read(r#"["seed-0","c3-17"]"#), 0);
    assert_eq!(read(r#"["seed-0"]"#), 1, "lost");
    assert_eq!(read(r#"["seed-0","c3-17","c3-17"]"#), 1, "doubled");
    assert_eq!(read(r#"["c3-17","seed-0"]"#), 1, "reordered");
    assert_eq!(read(r#"["seed-0","c3-17","c9-1"]"#), 1, "invented");
    assert_eq!(check(&[READ, "nonsense"]), 2);
    assert_eq!(check(&PLACE), 4, "nobody looked");
    assert_eq!(check(&[]), 4);
    assert_eq!(program(&["check", "/no/such/file"]).status.code(), Some(2));
}

/// The same in small as `cargo bench -p just-hungry --bench check` measures: lost answers do not make it slow.
#[test]
fn a_long_history_with_lost_answers_is_judged_quickly() {
    let bytes = made_history::history(10_000, 20, 7);
    let begun = Instant::now();
    let verdict = knowledge::verdict::judge(&knowledge::history::read(&bytes[..]).unwrap());
    assert_eq!(verdict.verdict, knowledge::verdict::Judgement::Holds, "{verdict:?}");
    assert!(verdict.unknown > 50 && verdict.acknowledged > 4_000, "{verdict:?}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}, without optimisation", begun.elapsed());
}

/// Swapping two orders in one of its lists is found.
#[test]
fn one_wrong_list_in_a_long_history_is_found() {
    let text = String::from_utf8(made_history::history(2_000, 20, 8)).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let is_list = |line: &String| line.contains("\"ok\",\"f\":\"read\"") && line.matches("\",\"c").count() > 3;
    let at = lines.iter().position(is_list).unwrap();
    let mut line: serde_json::Value = serde_json::from_str(&lines[at]).unwrap();
    line["value"].as_array_mut().unwrap().swap(0, 1);
    lines[at] = line.to_string();
    let verdict = knowledge::verdict::judge(&knowledge::history::read(lines.join("\n").as_bytes()).unwrap());
    assert!(verdict.contradictions.reordered > 0, "{verdict:?}");
}

#[test]
fn a_scenario_on_real_processes_ends_in_a_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.jsonl");
    let path = path.to_str().unwrap();
    let output = program(&["run", "kill-primary", "--secs", "4", "--seed", "7", "--history", path, "--json"]);
    let report = last_json(&output);
    assert_eq!(output.status.code(), Some(0), "{report}");
    assert!(report["failovers"].as_u64().unwrap() >= 1, "{report}");
    assert_eq!((&report["replicas_equal"], &report["verdict"]["lost"]), (&true.into(), &0.into()), "{report}");
    let judged = program(&["check", path, "--json"]);
    assert_eq!(judged.status.code(), Some(0));
    assert_eq!(last_json(&judged)["acknowledged"], report["acknowledged"]);
}

#[test]
fn every_other_scenario_holds() {
    for scenario in ["steady", "fe-ns", "join-load", "postcode-down"] {
        let output = program(&["run", scenario, "--json"]);
        assert_eq!(output.status.code(), Some(0), "{scenario}: {output:?}");
        let report = last_json(&output);
        assert_eq!(report["verdict"]["verdict"], "holds", "{report}");
    }
}

#[test]
fn simulations_are_the_same_however_they_are_divided() {
    let run = |jobs: &str| {
        let output = program(&["simulate", "--seeds", "0..20", "--sim-secs", "20", "--jobs", jobs, "--json"]);
        assert_eq!(output.status.code(), Some(0));
        let mut report = last_json(&output);
        report["took_s"] = 0.into();
        report
    };
    assert_eq!(run("1"), run("3"));
}

#[test]
fn a_measurement_has_figures() {
    let figures = last_json(&program(&["bench", "--secs", "1", "--customers", "4", "--json"]));
    for name in
        ["orders_per_s", "quic_round_trip_us", "three_quic_round_trips_us", "cpu_us_per_order", "ratio", "fsync_us"]
    {
        assert!(figures[name].as_f64().unwrap() > 0.0, "{name}: {figures}");
    }
    let latency = ["p50", "p90", "p99", "p999", "max"].map(|share| figures["latency_us"][share].as_u64().unwrap());
    assert!(latency.is_sorted() && latency[0] > 0, "{figures}");
    // An order passes six links; what several customers want may share a datagram.
    let counts = ["datagrams_per_order", "system_calls_per_order"].map(|name| figures[name].as_f64().unwrap());
    assert!(counts.iter().all(|count| (0.1..100.0).contains(count)), "{figures}");
    for process in ["customers", "front-end", "replica-1", "replica-2"] {
        let its = &figures["per_order_by_process"][process];
        assert!(its["bytes_sent"].as_f64() > Some(0.0) && its["sends"].as_f64() > Some(0.0), "{process}: {figures}");
        assert!(figures["rss"][process].as_u64() > Some(0), "{process}: {figures}");
    }
}

/// What the trip of an order costs, in counts that hardly depend on the machine: 8 messages in 8 datagrams without
/// acknowledgements of their own, and far fewer where customers come together, because what a round has for a peer is sent
/// at once and fits into one datagram.
#[test]
fn an_order_takes_few_datagrams_and_bytes() {
    let figures = |customers: &str| last_json(&program(&["bench", "--secs", "1", "--customers", customers, "--json"]));
    let each = |figures: &serde_json::Value, what: &str| figures[what].as_f64().unwrap();
    let alone = figures("1");
    // Heartbeats and what else passes meanwhile are in it, too.
    assert!((8.0..10.0).contains(&each(&alone, "datagrams_per_order")), "{alone}");
    assert!(each(&alone, "bytes_per_order") < 1700.0, "{alone}");
    let many = figures("64");
    assert!(each(&many, "datagrams_per_order") < 1.0, "{many}");
    assert!(each(&many, "bytes_per_order") < 800.0, "{many}");
    assert!(each(&many, "system_calls_per_order") < 2.0, "{many}");
    // A batch for the backups: the primary sends one datagram or more to each of them for every batch.
    let primary = &many["per_order_by_process"]["replica-1"];
    assert!(primary["sends"].as_f64() < Some(0.5), "at least eight orders in a batch: {many}");
}

#[test]
fn a_measurement_judges_its_own_history() {
    let folder = tempfile::tempdir().unwrap();
    let history = folder.path().join("history");
    let history = history.to_str().unwrap();
    let bench = ["bench", "--secs", "1", "--customers", "4", "--json", "--history", history, "--check"];
    let figures = last_json(&program(&bench));
    assert_eq!(figures["verdict"]["verdict"], "holds", "{figures}");
    let acknowledged = figures["verdict"]["acknowledged"].as_u64();
    assert!(acknowledged >= figures["orders"].as_u64() && acknowledged > Some(0), "{figures}");
    assert_eq!(last_json(&program(&["check", history, "--json"]))["acknowledged"].as_u64(), acknowledged);
}

/// What was placed is there again, and nothing but load is measured: all replicas are members before it begins.
#[test]
fn a_measurement_on_disk_goes_on_with_what_it_left() {
    let folder = tempfile::tempdir().unwrap();
    let durable = folder.path().join("disks");
    let bench = ["bench", "--secs", "1", "--customers", "4", "--json", "--durable", durable.to_str().unwrap()];
    let [first, second] = [(); 2].map(|()| last_json(&program(&bench)));
    assert!(first["recovered"].is_null(), "{first}");
    let recovered = &second["recovered"];
    assert!(recovered["orders"].as_u64() >= first["orders"].as_u64(), "{first} {second}");
    assert!(recovered["seconds"].as_f64() > Some(0.0), "{second}");
    for figures in [first, second] {
        // One that was suspected comes back.
        let [changes, suspicions] = ["view_changes", "suspicions"].map(|name| figures[name].as_u64().unwrap());
        assert!(changes <= 2 * suspicions, "{figures}");
    }
}

/// On a small history.
#[test]
fn a_newcomer_is_measured_with_and_without_load() {
    let figures = last_json(&program(&["bench", "--join", "500", "--replicas", "2", "--customers", "4", "--json"]));
    for when in ["without_load", "under_load"] {
        let joined = &figures[when];
        assert!(joined["orders"].as_u64() >= Some(500), "{figures}");
        assert!(joined["view_changes"].as_u64() >= Some(1) && joined["seconds"].as_f64() > Some(0.0), "{figures}");
    }
    assert!(figures["noticed"]["meanwhile_per_s"].as_u64() > Some(0), "{figures}");
}
