//! A lesson recorded, worded, tried, saved, and edited again, by clicks.

#[path = "../scene/recorded.rs"]
mod recorded;

use std::time::Instant;

use egui::{Key, Modifiers, vec2};
use egui_kittest::kittest::Queryable;
use scenarios::parse_lesson;
use window::Window;

use self::recorded::{begin, order_and_crash, settled, stop};
use crate::files::{drop_on, says, types};
use crate::shown::{chord, click, focus, sized};
use crate::taught::{SMALL, Taught};

/// What is recorded here, in a file. It is performed on real processes, too (`app/tests/headless/lessons.rs`).
const RECORDED: &str = include_str!("../../../tests/headless/recorded.md");

fn recording() -> Taught {
    // So high that every page is in sight.
    let mut harness = sized(Window::default(), vec2(1280.0, 1900.0));
    harness.run_steps(3);
    let mut taught = Taught::new(harness);
    settled(&mut taught);
    begin(&mut taught);
    taught
}

fn stopped() -> Taught {
    let mut taught = recording();
    order_and_crash(&mut taught);
    stop(&mut taught, "2 steps");
    taught
}

fn writes(taught: &mut Taught, field: &str, words: &str) {
    focus(&mut taught.harness, field);
    chord(&mut taught.harness, Modifiers::COMMAND, Key::A);
    taught.harness.get_by_label(field).type_text(words);
    taught.harness.run_steps(3);
}

#[test]
fn a_lesson_is_recorded_worded_tried_and_saved_as_a_file() {
    let mut taught = stopped();
    writes(&mut taught, "Title", "The primary dies");
    writes(&mut taught, "Text", "Order pad thai. +++ ``` is **no** fence.");
    click(&mut taught.harness, "Page 2: Crash the primary");
    writes(&mut taught, "Heading", "Now crash it");
    click(&mut taught.harness, "Try it");
    taught.begin();
    taught.harness.get_by_label("Grace orders Pad thai");
    assert!(taught.harness.query_by_label("Try it").is_none(), "the lesson stands in its place");
    taught.harness.get_by_label_contains("Lesson · The primary dies").click();
    taught.harness.run_steps(3);
    click(&mut taught.harness, "Leave the lesson");
    taught.go_on();
    taught.harness.get_by_label("Try it");
    let folder = tempfile::tempdir().unwrap();
    taught.harness.state_mut().files_state.go(folder.path().to_owned());
    click(&mut taught.harness, "Save…");
    types(&mut taught.harness, "mine.md");
    click(&mut taught.harness, "Save lesson");
    says(&mut taught.harness, "Saved the lesson as");
    chord(&mut taught.harness, Modifiers::NONE, Key::Escape);
    let file = std::fs::read_to_string(folder.path().join("mine.md")).unwrap();
    assert_eq!(file, RECORDED, "{file}");
    click(&mut taught.harness, "Close the editor");
    assert!(taught.harness.query_by_label("Try it").is_none());
    taught.harness.state_mut().files_state.go(folder.path().to_owned());
    for words in ["Menu", "Write a lesson", "Edit a lesson…"] {
        click(&mut taught.harness, words);
    }
    types(&mut taught.harness, "mine.md");
    click(&mut taught.harness, "Open lesson");
    says(&mut taught.harness, "Close the editor");
    taught.harness.get_by_label("Page 2: Now crash it");
}

#[test]
fn pages_are_made_and_unmade_and_what_is_missing_is_said() {
    let mut taught = stopped();
    click(&mut taught.harness, "Insert a page after it");
    says(&mut taught.harness, "Page 2 needs a heading.");
    writes(&mut taught, "Heading", "In between");
    says(&mut taught.harness, "Page 2 needs a text.");
    click(&mut taught.harness, "Delete page");
    click(&mut taught.harness, "Page 1: Grace orders Pad thai");
    click(&mut taught.harness, "Ask for a prediction");
    says(&mut taught.harness, "Each answer on page 1 needs words.");
    writes(&mut taught, "Answer A", "She is told.");
    writes(&mut taught, "Answer B", "She is not told.");
    assert!(taught.harness.query_by_label_contains("needs").is_none());
    click(&mut taught.harness, "No prediction");
    click(&mut taught.harness, "Move down");
    taught.harness.get_by_label("Page 1: Crash the primary");
    click(&mut taught.harness, "Merge with the page before");
    writes(&mut taught, "Title", " ");
    says(&mut taught.harness, "The lesson needs a title.");
    click(&mut taught.harness, "Discard…");
    click(&mut taught.harness, "Keep it");
    taught.harness.get_by_label("Try it");
    click(&mut taught.harness, "Discard…");
    click(&mut taught.harness, "Discard");
    assert!(taught.harness.query_by_label("Try it").is_none(), "the inspector is back");
}

#[test]
fn an_empty_recording_is_no_lesson_and_a_lesson_is_not_recorded() {
    let mut taught = recording();
    click(&mut taught.harness, "Recording a lesson · 0 steps · Stop");
    says(&mut taught.harness, "Nothing was recorded");
    taught.open(SMALL);
    click(&mut taught.harness, "Take the lesson");
    taught.begin();
    begin(&mut taught);
    says(&mut taught.harness, "A lesson or a scenario is running");
    assert!(taught.harness.query_by_label_contains("Recording a lesson ·").is_none());
}

#[test]
fn another_cluster_ends_a_recording_and_its_pages_are_kept() {
    let mut taught = recording();
    order_and_crash(&mut taught);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.md");
    std::fs::write(&path, SMALL).unwrap();
    drop_on(&mut taught.harness, &[path]);
    let begun = Instant::now();
    while taught.harness.query_by_label("Take the lesson").is_none() {
        assert!(begun.elapsed().as_secs() < 60);
        taught.harness.run_steps(1);
    }
    click(&mut taught.harness, "Take the lesson");
    taught.begin();
    taught.harness.get_by_label("The actors");
    taught.harness.get_by_label_contains("Lesson · A small lesson").click();
    taught.harness.run_steps(3);
    click(&mut taught.harness, "Leave the lesson");
    taught.go_on();
    taught.harness.get_by_label("Page 2: Crash the primary");
    assert!(parse_lesson(RECORDED).is_ok());
}
