//! Scenarios in the window, by clicks on told facts: how one begins, how it ends, and what its card says.

use std::time::Duration;

use egui::{Key, Role};
use egui_kittest::kittest::Queryable;
use knowledge::user_command::{CustomerCommand, UserCommand};
use protocol::order_book::MOST_SESSIONS;
use protocol::plant::Plant;
use protocol::trace::{LauncherEvent, TraceRecord};
use window::Beginning;

use super::ended::{LESSON, STRICT, begin, end, open};
use super::{Shown, asked_for, chord, click, click_on, key, shown, type_into};
use crate::shown::look;

fn opened(text: &str) -> Shown {
    let mut harness = shown();
    open_scenario(&mut harness, "lesson.toml", text);
    harness
}

/// Asks whether to run this scenario.
pub fn open_scenario(harness: &mut Shown, name: &str, text: &str) {
    open(harness.state_mut(), name, text);
    harness.run_steps(3);
}

/// From its beginning, `now` milliseconds after the window opened, to its end, at which this many orders are lost.
fn run_through(harness: &mut Shown, now: u64, lost: u64) {
    let told = begin(harness.state_mut(), now);
    end(harness.state_mut(), &told, now, lost);
    harness.run_steps(3);
}

/// Opens this scenario and runs it to its end.
pub fn perform(harness: &mut Shown, text: &str, lost: u64) {
    open_scenario(harness, "lesson.toml", text);
    click(harness, "Run it");
    run_through(harness, 0, lost);
}

fn performed(text: &str, lost: u64) -> Shown {
    let mut harness = shown();
    perform(&mut harness, text, lost);
    harness
}

#[test]
fn a_mistake_that_is_caught_is_said_to_be_and_made_again_or_not_by_a_click() {
    let mut harness = opened(LESSON);
    assert!(harness.state_mut().play(Default::default()).is_empty());
    assert_eq!(harness.state_mut().take_beginning(), None, "not before somebody has agreed");
    click(&mut harness, "Run it");
    let told = begin(harness.state_mut(), 0);
    harness.run_steps(2);
    harness.get_by_label_contains("crowd: 300 customers, 4812 acknowledged");
    harness.get_by_label_contains("judged at the end");
    end(harness.state_mut(), &told, 0, 2);
    harness.run_steps(3);
    harness.get_by_label("✓ Caught");
    harness.get_by_label("✓ met: the light “lost” turns red: the bug is caught; it is red");
    harness.get_by_label("✓ met: at least 500 orders acknowledged; 4812 orders acknowledged");
    harness.get_by_label_contains("would end with exit status 1");
    click(&mut harness, "Run without the bug");
    assert!(harness.query_by_label("✓ Caught").is_none());
    run_through(&mut harness, 10_000, 0);
    harness.get_by_label("✓ Holds");
    harness.get_by_label("✓ met: the light “lost” stays green: no bug is on; it is green");
    harness.get_by_label_contains("would end with exit status 0");
    assert_eq!(harness.get_all_by_label("Without the bug, every promise was kept.").count(), 2, "card and banner");
    click(&mut harness, "Run with the bug…");
    assert!(harness.state_mut().take_beginning().is_none());
    let _ = harness.state_mut().play(Duration::from_secs(20));
    assert_eq!(harness.state_mut().take_beginning(), None, "nobody has agreed to it this time");
    click(&mut harness, "Run it");
    let _ = harness.state_mut().play(Duration::from_secs(21));
    assert!(harness.state_mut().take_beginning().is_some());
}

#[test]
fn what_was_expected_and_did_not_come_is_crossed_and_can_be_looked_at_again() {
    let mut harness = performed(STRICT, 0);
    harness.get_by_label("✗ A promise was broken");
    harness.get_by_label("✓ met: at least 500 orders acknowledged; 4812 orders acknowledged");
    harness.get_by_label("○ too few: at least 1 failover; 0 failovers");
    harness.get_by_label("✗ broken: no customer waits longer than 500 ms; the longest wait was 812 ms");
    harness.get_by_label("✓ met: at most 0 suspicions; 0 suspicions");
    key(&mut harness, Key::Escape);
    assert!(harness.query_by_label("✗ A promise was broken").is_none());
    click(&mut harness, "Result");
    click(&mut harness, "Run it again");
    let _ = harness.state_mut().play(Duration::from_secs(5));
    assert!(harness.state_mut().take_beginning().is_some());
}

#[test]
fn a_mistake_in_a_file_can_be_left_out_from_the_beginning() {
    let mut harness = opened(LESSON);
    click(&mut harness, "Run without the bug");
    run_through(&mut harness, 0, 0);
    harness.get_by_label("✓ Holds");
    assert!(!asked_for(&mut harness).contains(&UserCommand::SetPlant { plant: Some(Plant::AckBeforeReplicate) }));
}

#[test]
fn orders_come_too_late_while_a_scenario_is_judged_and_too_early_before_it_begins() {
    let mut harness = opened(STRICT);
    click(&mut harness, "Run it");
    let order = UserCommand::Customer(CustomerCommand::PlaceOrder {
        customer: super::scene::customer(1).1,
        postcode: "EH1 1RE".into(),
        items: vec!["Pad thai".into()],
    });
    let mut early = opened(STRICT);
    click(&mut early, "Run it");
    let _ = early.state_mut().play(Duration::ZERO);
    let load_driver = Box::new(super::ended::Told::default());
    early.state_mut().begin_again(Duration::ZERO, Ok(load_driver));
    early.state_mut().commands.push(order.clone());
    assert_eq!(early.state_mut().hand_over(0.0), [], "its history does not begin yet");
    let _told = begin(harness.state_mut(), 0);
    harness.state_mut().commands.push(order.clone());
    assert_eq!(harness.state_mut().hand_over(0.0).len(), 1, "as long as it goes on, whoever wants may order");
    let event = LauncherEvent::CommandRefused { why: "no such customer".into() }.into();
    let record = TraceRecord { node: super::scene::NAME_SERVER, at: 2, event };
    harness.state_mut().learn(&record, Duration::from_millis(8));
    for ms in [1_100, 1_200, 1_250] {
        let _ = harness.state_mut().play(Duration::from_millis(ms));
    }
    harness.state_mut().commands.push(order);
    assert_eq!(harness.state_mut().hand_over(0.0), []);
    harness.run_steps(2);
    harness.get_by_label_contains("The scenario is starting or being judged");
}

#[test]
fn the_scenario_of_the_card_is_performed_again_though_another_file_was_opened_meanwhile() {
    let mut harness = performed(STRICT, 0);
    key(&mut harness, Key::Escape);
    open_scenario(&mut harness, "other.toml", &STRICT.replace("replicas = 3", "replicas = 1"));
    click(&mut harness, "Cancel");
    click(&mut harness, "Result");
    click(&mut harness, "Run it again");
    let _ = harness.state_mut().play(Duration::from_secs(5));
    assert_eq!(
        harness.state_mut().take_beginning(),
        Some(Beginning::Empty { replicas: 3, sessions: MOST_SESSIONS, etcd: false, durable: false })
    );
}

/// Opened by its path: read on a thread, so frames go on until it is there.
fn open_path(harness: &mut Shown, path: &str, until: &str) {
    key(harness, Key::L);
    click(harness, "Open a scenario…");
    type_into(harness, "File", path);
    harness.get_by_role_and_label(Role::Button, "Open scenario").click();
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while harness.query_by_label_contains(until).is_none() {
        assert!(std::time::Instant::now() < deadline, "“{until}” is not shown");
        harness.run_steps(1);
        std::thread::yield_now();
    }
}

#[test]
fn a_file_that_is_no_scenario_is_refused_with_line_and_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wrong.toml");
    std::fs::write(&path, STRICT.replace("seconds = 1", "seconds = -1")).unwrap();
    let mut harness = shown();
    open_path(&mut harness, path.to_str().unwrap(), "wrong.toml is not a valid scenario: line 4, column 11");
    let path = folder.path().join("right.toml");
    std::fs::write(&path, STRICT).unwrap();
    click(&mut harness, "Close");
    let mut harness = shown();
    open_path(&mut harness, path.to_str().unwrap(), "Run right.toml?");
    click(&mut harness, "Cancel");
    assert!(harness.state_mut().play(Default::default()).is_empty());
    assert_eq!(harness.state_mut().take_beginning(), None);
}

#[test]
fn a_scenario_is_performed_from_the_list_and_stopped_in_its_banner() {
    let mut harness = shown();
    key(&mut harness, Key::L);
    click(&mut harness, "run kill-primary");
    assert_eq!(asked_for(&mut harness), []);
    assert!(harness.query_by_label("run kill-primary").is_none(), "the list closes");
    let at = Duration::from_secs(5);
    assert_eq!(harness.state_mut().play(at), []);
    let beginning = Some(Beginning::Empty { replicas: 3, sessions: MOST_SESSIONS, etcd: false, durable: false });
    assert_eq!(harness.state_mut().take_beginning(), beginning, "it begins with a cluster of its own");
    harness.run_steps(2);
    harness.get_by_label("Waiting until all replicas are members…");
    // Here they never do.
    assert_eq!(harness.state_mut().play(at + Duration::from_secs(60)), []);
    harness.run_steps(2);
    harness.get_by_label_contains("The scenario did not begin");
    click_on(&mut harness, "Close: ");
    assert!(harness.state_mut().play(at + Duration::from_secs(61)).contains(&UserCommand::MendAll));
    harness.run_steps(2);
    assert!(harness.query_by_label_contains("The scenario did not begin").is_none());
}

#[test]
fn a_scenario_of_the_museum_is_performed_with_its_mistake_only_after_a_question() {
    let mut harness = shown();
    key(&mut harness, Key::L);
    click(&mut harness, "Bug museum");
    click(&mut harness, "run museum/ack-before-replicate with the bug");
    assert_eq!(harness.state_mut().play(Duration::ZERO), []);
    assert_eq!(harness.state_mut().take_beginning(), None);
    click(&mut harness, "Run it");
    assert_eq!(harness.state_mut().play(Duration::ZERO), []);
    assert_eq!(
        harness.state_mut().take_beginning(),
        Some(Beginning::Empty { replicas: 1, sessions: MOST_SESSIONS, etcd: false, durable: false })
    );
    harness.state_mut().begin_again(Duration::ZERO, Err("nobody watches".into()));
    harness.run_steps(2);
    assert!(harness.query_by_label_contains("node replica").is_none(), "nothing of the cluster before is shown");
    harness.get_by_label_contains("nobody watches");
    harness.get_by_label_contains("Close: The primary answers");
}

/// Asks for a new cluster by its key, and agrees.
fn new_cluster(harness: &mut Shown) {
    chord(harness, egui::Modifiers::COMMAND, Key::N);
    click(harness, "Start a new cluster");
    assert!(!asked_for(harness).contains(&UserCommand::AddReplica), "the key means nothing else");
    let _ = harness.state_mut().play(Duration::from_secs(40));
    assert_eq!(harness.state_mut().take_beginning(), Some(Beginning::SetUp(Box::default())));
    harness.run_steps(2);
    harness.get_by_label_contains("Starting a new cluster…");
    harness.state_mut().begin_again(Duration::from_secs(40), Err("nobody watches".into()));
    harness.run_steps(3);
    assert!(harness.query_by_label_contains("node replica").is_none(), "nothing of before is shown");
    assert!(harness.query_by_label_contains("crowd").is_none() && !harness.state().shows_past());
    assert!(harness.query_by_label_contains("nobody watches").is_none(), "no scenario is performed on it");
    assert!(harness.query_by_label_contains("Starting a new cluster…").is_none(), "it has started");
}

#[test]
fn a_new_cluster_brings_back_the_beginning_from_any_state() {
    let mut after = performed(LESSON, 2);
    after.get_by_label("✓ Caught");
    after.get_by_label_contains("2 lost");
    new_cluster(&mut after);
    assert!(after.query_by_label("✓ Caught").is_none() && after.query_by_label_contains("2 lost").is_none());

    let mut during = opened(STRICT);
    click(&mut during, "Run it");
    let _told = begin(during.state_mut(), 0);
    new_cluster(&mut during);

    let mut starting = opened(STRICT);
    click(&mut starting, "Run it");
    let _ = starting.state_mut().play(Duration::ZERO);
    assert!(starting.state_mut().take_beginning().is_some());
    new_cluster(&mut starting);

    let mut past = shown();
    look(&mut past, window::panels::timeline::Look::Back);
    assert!(past.state().shows_past());
    new_cluster(&mut past);

    let mut menu = shown();
    click(&mut menu, "Menu");
    click(&mut menu, "New cluster…");
    click(&mut menu, "Cancel");
    let _ = menu.state_mut().play(Duration::ZERO);
    assert_eq!(menu.state_mut().take_beginning(), None, "nobody has agreed");
}

#[test]
fn a_new_cluster_takes_the_place_of_a_tape_and_says_so_when_it_cannot() {
    let mut harness = shown();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tape");
    knowledge::tape::save(&harness.state().tape.copy(), &path).unwrap();
    harness.state_mut().show_alone("a.tape".into(), knowledge::tape::open(&path).unwrap());
    harness.run_steps(2);
    assert!(harness.state().shows_past());
    new_cluster(&mut harness);
    harness.state_mut().cannot_begin("The cluster cannot be started: no reason");
    harness.run_steps(2);
    harness.get_by_label_contains("The cluster cannot be started: no reason");
}

#[test]
fn one_count_is_the_same_wherever_it_is_shown() {
    let mut harness = performed(LESSON, 2);
    harness.get_by_label("✓ met: at least 500 orders acknowledged; 4812 orders acknowledged");
    assert!(harness.query_all_by_label_contains("2 × lost").count() > 0);
    harness.get_by_label("✗ 2 lost");
    harness.get_by_label("✓ 4812 acknowledged");
    harness.get_by_label_contains("crowd: 300 customers, 4812 acknowledged");
    click(&mut harness, "Close the result");
    click(&mut harness, "Measurements");
    for shown in [
        "Orders acknowledged: 4812",
        "Rejected: 3",
        "Histories read: 4790",
        "Answered, median: 1.2 ms",
        "99 % within: 9.0 ms",
        "Slowest: 812 ms",
    ] {
        harness.get_by_label(shown);
    }
    assert!(harness.query_by_label("There are no answers yet.").is_none());
}
