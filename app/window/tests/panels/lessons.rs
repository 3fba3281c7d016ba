//! Lessons by clicks on told facts: read, acted on early, predicted wrong and right, gone back, voted on (by phone, too), left and resumed.

#[path = "machines.rs"]
mod machines;
#[path = "phones.rs"]
mod phones;
#[path = "recording.rs"]
mod recording;

use std::time::Duration;

use egui::{Key, vec2};
use egui_kittest::kittest::Queryable;
use knowledge::user_command::UserCommand;
use protocol::trace::Rate;
use window::Window;
use window::panels::Selected;

use super::shown::{Shown, click, key, open, sized};
use super::taught::{SMALL, Taught};

/// On the first page of the small lesson.
fn begun() -> Taught {
    taken(open(Window::default()))
}

fn taken(harness: Shown) -> Taught {
    let mut taught = Taught::new(harness);
    taught.open(SMALL);
    click(&mut taught.harness, "Take the lesson");
    taught.begin();
    taught.harness.get_by_label("The actors");
    taught
}

fn says(taught: &Taught, words: &str) -> bool {
    taught.harness.query_all_by_label_contains(words).next().is_some()
}

fn orders(taught: &mut Taught) {
    click(&mut taught.harness, "Pad thai, 0 chosen");
    click(&mut taught.harness, "Place order · 1 item · £10.50");
    taught.go_on();
}

fn next(taught: &mut Taught) {
    click(&mut taught.harness, "Next");
    taught.go_on();
}

/// On the page that asks.
fn asked() -> Taught {
    let mut taught = begun();
    next(&mut taught);
    orders(&mut taught);
    assert!(says(&taught, "✓ Done."));
    next(&mut taught);
    taught.harness.get_by_label("What happens?");
    assert_eq!(taught.harness.state().picture.steering.rate, Rate::STOPPED, "the world stands still");
    taught
}

#[test]
fn a_lesson_is_taken_from_page_to_page_to_its_verdict() {
    let mut taught = asked();
    assert!(taught.harness.query_by_label("Next").is_none(), "the page waits for a prediction");
    click(&mut taught.harness, "A The primary ends.");
    click(&mut taught.harness, "See what happens");
    taught.go_on();
    assert!(says(&taught, "Your prediction came true.") && says(&taught, "It cannot say goodbye."));
    assert!(!says(&taught, "B Nothing happens"), "what was neither said nor happened makes room");
    assert_eq!(taught.harness.state().picture.steering.rate, Rate(10_000), "as fast as before");
    next(&mut taught);
    click(&mut taught.harness, "Finish");
    taught.go_on();
    taught.go_on();
    assert!(says(&taught, "What you saw") && says(&taught, "A lesson never strands anybody."));
    click(&mut taught.harness, "Show me: What happens?");
    taught.harness.get_by_label_contains("This is the past");
    taught.harness.get_by_label("Lesson: The primary dies mid-order");
}

#[test]
fn a_wrong_prediction_is_shown_beside_what_happened_and_why() {
    let mut taught = asked();
    click(&mut taught.harness, "B Nothing happens at all.");
    click(&mut taught.harness, "See what happens");
    taught.go_on();
    assert!(says(&taught, "Something else happened: A: The primary ends."));
    assert!(says(&taught, "Why not B: A crash ends a process at once."));
    assert!(says(&taught, "✗ your prediction") && says(&taught, "✓ this happened"));
    click(&mut taught.harness, "B Nothing happens at all.");
    assert!(says(&taught, "Why not B"), "nobody changes a prediction afterwards");
}

#[test]
fn what_is_done_early_counts_and_what_is_done_for_the_reader_too() {
    let mut early = begun();
    orders(&mut early);
    next(&mut early);
    assert!(says(&early, "✓ This has already happened."), "the order was placed on the page before");
    let mut done_for = begun();
    next(&mut done_for);
    click(&mut done_for.harness, "Do it for me");
    done_for.go_on();
    assert!(says(&done_for, "✓ Done."));
}

#[test]
fn a_hint_comes_after_a_while_and_a_page_can_be_skipped() {
    let mut taught = begun();
    next(&mut taught);
    assert!(!says(&taught, "Choose a dish at the left."));
    taught.now += 6_000;
    taught.go_on();
    assert!(says(&taught, "Choose a dish at the left."));
    click(&mut taught.harness, "Skip");
    taught.go_on();
    taught.harness.get_by_label("What happens?");
    assert!(taught.harness.state().picture.customers.iter().any(|it| it.waiting.is_some()), "the story goes on");
    click(&mut taught.harness, "Skip");
    taught.go_on();
    taught.harness.get_by_label("The end");
    assert!(!taught.harness.state().picture.nodes.get("replica-1").unwrap().runs());
}

#[test]
fn going_back_shows_the_tape_and_undoes_nothing() {
    let mut taught = asked();
    click(&mut taught.harness, "Back");
    taught.harness.get_by_label("An order");
    taught.harness.get_by_label_contains("This is the past");
    assert!(says(&taught, "The cluster stands where you left it."));
    key(&mut taught.harness, Key::PageUp);
    taught.harness.get_by_label("The actors");
    key(&mut taught.harness, Key::PageDown);
    taught.harness.get_by_label("An order");
    click(&mut taught.harness, "On to page 3");
    taught.harness.get_by_label("What happens?");
    assert!(!says(&taught, "This is the past"));
    assert!(taught.harness.state().picture.customers.iter().any(|it| it.waiting.is_some()), "nothing was undone");
}

#[test]
fn a_clicker_turns_no_page_that_waits() {
    let mut taught = asked();
    key(&mut taught.harness, Key::PageDown);
    taught.go_on();
    taught.harness.get_by_label("What happens?");
}

#[test]
fn a_room_votes_twice_and_both_votes_are_drawn() {
    let mut taught = asked();
    taught.vote([3, 5, 1]);
    taught.vote([8, 1, 0]);
    assert!(says(&taught, "3 → 8") && says(&taught, "5 → 1"));
    click(&mut taught.harness, "See what happens");
    taught.go_on();
    assert!(says(&taught, "Your prediction came true."), "most hands of the last vote were for A");
    assert!(says(&taught, "5 → 1"), "what was voted for stays in sight");
}

#[test]
fn a_lesson_that_is_left_is_gone_on_with_where_it_was_left() {
    let mut taught = Taught::new(open(Window::default()));
    click(&mut taught.harness, "Menu");
    taught.harness.get_by_label_contains("Lessons…").click();
    // A long list needs some frames until each entry has its place.
    taught.harness.run_steps(12);
    click(&mut taught.harness, "Start: The primary dies mid-order");
    taught.begin();
    taught.harness.get_by_label("Three copies");
    next(&mut taught);
    next(&mut taught);
    taught.harness.get_by_label("Place an order");
    taught.harness.get_by_label_contains("The primary dies mid-order").click();
    taught.harness.run_steps(3);
    click(&mut taught.harness, "Leave the lesson");
    taught.go_on();
    assert!(taught.harness.query_by_label("Place an order").is_none(), "the inspector is back");
    key(&mut taught.harness, Key::K);
    click(&mut taught.harness, "Go on: The primary dies mid-order");
    taught.begin();
    taught.go_on();
    taught.go_on();
    taught.harness.get_by_label("Place an order");
}

#[test]
fn a_lesson_survives_another_size_another_zoom_and_a_presentation() {
    for (width, height, zoom, presents) in [
        (1024.0, 768.0, 1.0, false),
        (1280.0, 800.0, 1.5, false),
        (853.0, 533.0, 1.0, true),
        (480.0, 320.0, 1.0, false),
    ] {
        let mut taught = taken(sized(Window::default(), vec2(width, height)));
        taught.harness.set_pixels_per_point(zoom);
        taught.harness.state_mut().appearance.presents = presents;
        taught.go_on();
        taught.harness.get_by_label("The actors");
        next(&mut taught);
        taught.harness.get_by_label("An order");
        click(&mut taught.harness, "Do it for me");
        taught.go_on();
        next(&mut taught);
        taught.harness.get_by_label("What happens?");
        let rect = taught.harness.get_by_label("See what happens").rect();
        // In the smallest windows everything scrolls.
        assert!((rect.bottom() <= height || height < 400.0) && rect.right() <= width, "{width} x {height}: {rect:?}");
    }
}

#[test]
fn while_time_stands_still_a_page_says_so_and_nothing_fails() {
    let mut taught = begun();
    next(&mut taught);
    key(&mut taught.harness, Key::Space);
    taught.go_on();
    assert_eq!(taught.harness.state().picture.steering.rate, Rate::STOPPED);
    taught.harness.run_steps(2);
    assert!(says(&taught, "Time stands still. Press Run to go on."));
    let _ = taught.harness.state_mut().play(Duration::from_secs(600));
    taught.harness.run_steps(2);
    taught.harness.get_by_label("An order");
    assert_eq!(taught.harness.state().focus.selected, Selected::Nothing);
}

#[test]
fn beside_a_page_a_click_on_a_node_says_what_can_be_done_with_it() {
    let mut taught = begun();
    let at = crate::place(&taught.harness, "node replica-2").center();
    crate::press(&mut taught.harness, at, egui::PointerButton::Primary, 1);
    taught.harness.run_steps(3);
    click(&mut taught.harness, "Crash replica-2");
    let crash = UserCommand::Crash { node: "replica-2".into() };
    assert_eq!(crate::asked_for(&mut taught.harness), [crash], "the page has the inspector's place");
}
