//! Tapes without a window: told line by line, judged, and refused where they are none; and one of real processes.

use std::path::{Path, PathBuf};

use knowledge::picture::Picture;
use knowledge::tape::{self, Entry, Tape};
use knowledge::user_command::{CustomerCommand, UserCommand};
use protocol::message::Answer;
use protocol::trace::{NodeEvent, TraceEvent};

use crate::lecture::lecture;
use crate::program::program;
use crate::scenario_run::{ScenarioRun, order};

fn saved(folder: &Path) -> PathBuf {
    let (mut recorded, mut picture) = (Tape::default(), Picture::default());
    lecture(5_000).into_iter().for_each(|entry| recorded.take_in(&mut picture, entry));
    let path = folder.join("lecture.jhtape");
    tape::save(&recorded.copy(), &path).unwrap();
    path
}

#[test]
fn a_tape_is_told_and_judged_without_a_cluster() {
    let folder = tempfile::tempdir().unwrap();
    let path = saved(folder.path());
    let path = path.to_str().unwrap();
    let told = String::from_utf8(program(&["replay", path]).stdout).unwrap();
    for part in [" orders in the last second", "takes over as the primary of view 2", "✓ history linearizable"] {
        assert!(told.contains(part), "{part} is missing in {told}");
    }
    let facts = program(&["replay", path, "--facts"]);
    let words = String::from_utf8(facts.stdout).unwrap();
    assert_eq!(facts.status.code(), Some(0), "{words}");
    for part in
        ["✓ is primary of view 2", "> asked: Crash", "[9] order to M1 1AE → front-end", "✓ history linearizable"]
    {
        assert!(words.contains(part), "{part} is missing in {words}");
    }
    let part =
        String::from_utf8(program(&["replay", path, "--facts", "--from", "0.5", "--until", "0.6"]).stdout).unwrap();
    assert!(part.lines().count() > 10 && part.len() < words.len() / 2);
    let report = program(&["replay", path, "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!((&report["complete"], &report["lights"]["lost"]), (&true.into(), &0.into()), "{report}");
    assert!(report["messages"].as_u64() >= Some(5_000), "{report}");
    let valid = program(&["validate", path]);
    assert_eq!(valid.status.code(), Some(0));
    assert!(String::from_utf8(valid.stdout).unwrap().contains("a tape, ok"));
}

#[test]
fn a_damaged_tape_is_told_as_far_as_it_goes_and_a_foreign_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read(saved(folder.path())).unwrap();
    let path = folder.path().join("cut.jhtape");
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let path = path.to_str().unwrap();
    let told = program(&["replay", path]);
    assert_eq!(told.status.code(), Some(4), "what is missing could have spoken against it");
    assert!(String::from_utf8(told.stderr).unwrap().contains("damaged or cut off at line"));
    assert!(String::from_utf8(told.stdout).unwrap().contains("Too little evidence: the tape is incomplete"));
    let invalid = program(&["validate", path, "--json"]);
    let found: serde_json::Value = serde_json::from_slice(&invalid.stdout).unwrap();
    assert_eq!((invalid.status.code(), &found["kind"]), (Some(2), &"tape".into()));
    assert!(found["line"].as_u64() > Some(100), "{found}");
    let foreign = folder.path().join("foreign.jhtape");
    std::fs::write(&foreign, "\u{1b}[2Jthis is no tape\n").unwrap();
    for arguments in [["replay", foreign.to_str().unwrap()], ["replay", "/no/such/file"]] {
        let refused = program(&arguments);
        let words = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(2), "{words}");
        assert!(words.contains("tape") && !words.trim_end().chars().any(char::is_control), "{words:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn without_a_display_a_tape_is_told_in_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let path = saved(folder.path());
    let told = program(&["gui", "--tape", path.to_str().unwrap()]);
    assert_eq!(told.status.code(), Some(0));
    assert!(String::from_utf8(told.stderr).unwrap().contains("The tape is shown in the terminal"));
    assert!(String::from_utf8(told.stdout).unwrap().contains("takes over as the primary of view 2"));
}

/// What real processes tell goes onto a tape, into a file, and comes back; the verdict is in favour.
#[test]
fn the_facts_of_real_processes_come_back_from_a_tape() {
    let mut scenario_run = ScenarioRun::open();
    scenario_run.primary();
    let grace = scenario_run.customer("Grace");
    let mut facts = std::mem::take(&mut scenario_run.facts);
    scenario_run.cluster.perform(order(grace, &["Pad thai"]));
    let request = scenario_run.asked();
    scenario_run.answer(request);
    let read =
        UserCommand::Customer(CustomerCommand::ReadHistory { customer: grace, postcode: "NE1 7RU".into(), page: 0 });
    scenario_run.cluster.perform(read.clone());
    scenario_run.until_event("a history", |event| {
        matches!(event, TraceEvent::Node(NodeEvent::Answered { answer: Answer::History(_), .. }))
    });
    facts.append(&mut scenario_run.facts);
    let (mut recorded, mut picture) = (Tape::default(), Picture::default());
    facts.into_iter().for_each(|fact| recorded.take_in(&mut picture, Entry::Fact(fact)));
    let asked = Entry::Command { at: picture.now, command: read };
    recorded.take_in(&mut picture, asked);
    let mut bytes = Vec::new();
    recorded.copy().write(&mut bytes).unwrap();
    let opened = tape::read(&bytes[..]).unwrap();
    assert_eq!(opened.notes, Vec::<String>::new());
    assert_eq!(opened.tape.end(), recorded.end());
    assert!((0..recorded.end()).all(|number| opened.tape.entry(number) == recorded.entry(number)));
    let lights = opened.tape.message_index().judged().lights;
    assert!(lights.is_linearizable() && lights.acknowledged == 1 && lights.covered == 1, "{lights:?}");
    let steps: Vec<u8> = opened.tape.message_index().tracks().map(|track| track.step).collect();
    for step in [9, 10, 11, 12, 5, 6, 13, 14] {
        assert!(steps.contains(&step), "[{step}] is not on the tape");
    }
}
