//! Beginning again: another cluster, the same one, or one from a file, from any state.

use std::time::Duration;

use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable;
use knowledge::user_command::{CustomerCommand, UserCommand};
use protocol::acknowledge::Acknowledge;
use protocol::trace::Rate;
use scenarios::{SetUp, parse_set_up};
use window::Beginning;

use crate::files::{drop_on, says, types};
use crate::shown::{Shown, chord, click, key, shown};

const FRIDAY: &str = "set-up = \"Friday\"
replicas = 5
speed = 0.1
cache-postcode-checks = false

[[customer]]
name = \"Grace\"
postcode = \"NE1 7RU\"

[[node]]
name = \"replica-2\"
x = 0.75
y = 0.5
";

/// The cluster that the window asks for, if it does.
fn begins(harness: &mut Shown) -> Option<SetUp> {
    let _ = harness.state_mut().play(Duration::from_secs(40));
    match harness.state_mut().take_beginning()? {
        Beginning::SetUp(set_up) => Some(*set_up),
        Beginning::Empty { .. } => None,
    }
}

fn opened(text: &str) -> Shown {
    let folder = tempfile::tempdir().expect("there is a temporary folder");
    let path = folder.path().join("friday.toml");
    std::fs::write(&path, text).expect("it takes a file");
    let mut harness = shown();
    drop_on(&mut harness, &[path]);
    says(&mut harness, if text == FRIDAY { "Start a new cluster?" } else { "is not a valid set-up" });
    harness
}

#[test]
fn a_set_up_from_a_file_begins_after_a_question_and_gets_its_customers_and_places() {
    let mut harness = opened(FRIDAY);
    assert_eq!(begins(&mut harness), None, "it is only asked");
    harness.get_by_label("Friday");
    click(&mut harness, "Start a new cluster");
    assert_eq!(begins(&mut harness), Some(parse_set_up(FRIDAY).unwrap()));
    harness.state_mut().begin_again(Duration::from_secs(41), Err("nobody watches".into()));
    let told = harness.state_mut().play(Duration::from_secs(41));
    let is_grace = |command: &UserCommand| matches!(command, UserCommand::Customer(CustomerCommand::AddCustomer { name: Some(name), .. }) if name == "Grace");
    assert!(told.iter().any(is_grace) && told.contains(&UserCommand::SetVerdictCache { on: false }));
    assert_eq!(harness.state_mut().play(Duration::from_secs(42)), [], "it is told once");
    // Start over: the same again, and after a scenario, too.
    key(&mut harness, Key::L);
    click(&mut harness, "run kill-primary");
    let _ = harness.state_mut().play(Duration::from_secs(43));
    let _ = harness.state_mut().take_beginning();
    harness.state_mut().begin_again(Duration::from_secs(44), Err("nobody watches".into()));
    assert_eq!(harness.state_mut().play(Duration::from_secs(44)), [], "a scenario brings its own customers");
    chord(&mut harness, Modifiers::COMMAND | Modifiers::SHIFT, Key::N);
    harness.get_by_label_contains("Friday: 5 replicas, 1 customer, at 1/10 of real time.");
    click(&mut harness, "Start over");
    assert_eq!(begins(&mut harness), Some(parse_set_up(FRIDAY).unwrap()));
    harness.state_mut().begin_again(Duration::from_secs(45), Err("nobody watches".into()));
    assert!(harness.state_mut().play(Duration::from_secs(45)).iter().any(is_grace));
}

#[test]
fn the_cluster_of_now_is_saved_as_a_set_up_and_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("monday.toml");
    let mut harness = shown();
    click(&mut harness, "Menu");
    click(&mut harness, "Set-up");
    click(&mut harness, "Save set-up…");
    crate::shown::focus(&mut harness, "File");
    types(&mut harness, path.to_str().unwrap());
    harness.get_by_role_and_label(egui::Role::Button, "Save set-up").click();
    says(&mut harness, "Saved the set-up as");
    let saved = parse_set_up(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let picture = &harness.state().picture;
    let names: Vec<_> = picture.customers.iter().map(|customer| customer.name.clone()).collect();
    let settled = saved.customers.unwrap_or_default();
    assert!(!names.is_empty() && settled.iter().map(|settler| settler.name.clone()).eq(names));
    assert_eq!((saved.name.as_str(), saved.speed), ("monday", Rate::REAL), "as fast as time goes now");
}

#[test]
fn replicas_and_copies_are_chosen_for_a_new_cluster() {
    let mut harness = opened(FRIDAY);
    click(&mut harness, "As the program was started");
    click(&mut harness, "One backup");
    click(&mut harness, "Start a new cluster");
    let set_up = begins(&mut harness).unwrap();
    assert_eq!((set_up.replicas, set_up.customers, set_up.settings.acknowledge), (3, None, Acknowledge::One));
}

#[test]
fn a_set_up_that_is_wrong_is_refused_with_its_place() {
    let mut harness = opened(&FRIDAY.replace("replicas = 5", "replicas = 50"));
    says(&mut harness, "friday.toml is not a valid set-up: line 2, column 12: “replicas” is 50");
    assert_eq!(begins(&mut harness), None);
}
