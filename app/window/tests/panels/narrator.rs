//! The narrator's strip: what it says, where it leads, and that it covers nothing and is never cut.

use egui::accesskit::Live;
use egui::{Key, Modifiers, Rect};
use egui_kittest::kittest::{NodeT, Queryable};
use protocol::trace::{Ending, LauncherEvent};

use crate::every_size::{open, told};
use crate::scene;
use crate::shown::{Shown, click, shown};
use wording::Term;

const CRASH: &str = "replica-1, the primary, has crashed.";

/// A cluster in which the primary has just crashed.
fn crashed(width: f32, height: f32) -> Shown {
    let mut told = told(3, 3);
    told.fact(scene::replica(1), 900_000, LauncherEvent::Ended { how: Ending::Crashed, words: String::new() });
    told.fact(scene::replica(1), 960_000, LauncherEvent::HopIs { hop: 0 });
    let mut harness = open(&told, width, height);
    harness.run_steps(4);
    harness
}

fn strip(harness: &Shown) -> Rect {
    harness.get_by_label_contains(CRASH).rect()
}

#[test]
fn a_sentence_is_shown_and_spoken() {
    let harness = crashed(1280.0, 800.0);
    let sentence = harness.get_by_label_contains(CRASH);
    assert_eq!(sentence.accesskit_node().data().live(), Some(Live::Polite), "a screen reader says it at once");
}

#[test]
fn its_time_leads_to_its_moment() {
    let mut harness = crashed(1280.0, 800.0);
    click(&mut harness, "show 0.900 s in the timeline");
    harness.run_steps(3);
    assert_eq!(harness.state().picture_shown_at(), Some(900_000));
    assert!(harness.query_by_label_contains(CRASH).is_some(), "of the past, too, it is the sentence of the moment");
    harness.state_mut().look(window::panels::timeline::Look::At(500_000));
    harness.run_steps(3);
    assert!(harness.query_by_label_contains(CRASH).is_none(), "that was later");
}

#[test]
fn it_covers_nothing_and_is_whole_in_every_size() {
    for (width, height) in [(1024.0, 768.0), (1280.0, 800.0), (1920.0, 1080.0)] {
        for (presents, larger) in [(false, 0), (false, 5), (true, 0)] {
            let mut harness = crashed(width, height);
            harness.state_mut().appearance.presents = presents;
            for _ in 0..larger {
                harness.key_press_modifiers(Modifiers::COMMAND, Key::Plus);
                harness.step();
            }
            harness.run_steps(4);
            let what = format!("{width} × {height}, presents: {presents}, larger: {larger}");
            let (strip, window) = (strip(&harness), harness.ctx.content_rect());
            assert!(window.contains_rect(strip), "{strip:?} is outside {window:?}: {what}");
            for name in ["name-server", "front-end", "replica-1", "replica-2", "replica-3"] {
                let node = harness.get_by_label_contains(&format!("node {name}")).rect();
                assert!(!strip.shrink(0.5).intersects(node), "{strip:?} covers {name} {node:?}: {what}");
            }
            let time = harness.get_by_label("show 0.900 s in the timeline").rect();
            assert!(strip.contains_rect(time), "{time:?} is outside {strip:?}: {what}");
        }
    }
}

#[test]
fn a_low_window_keeps_its_room_for_the_canvas() {
    let harness = crashed(3000.0, 100.0);
    assert!(harness.query_by_label_contains(CRASH).is_none(), "{:?}", harness.ctx.content_rect());
    strip(&crashed(900.0, 700.0));
}

#[test]
fn what_was_told_is_saved_as_a_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lecture.md");
    let mut harness = shown();
    click(&mut harness, "Menu");
    click(&mut harness, "Save transcript…");
    harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    harness.run_steps(2);
    harness.get_by_label("File").type_text(&path.display().to_string());
    harness.run_steps(2);
    harness.key_press(Key::Enter);
    let begun = std::time::Instant::now();
    while harness.query_by_label_contains("sentences as").is_none() {
        assert!(begun.elapsed().as_secs() < 60, "nothing was said");
        harness.run_steps(1);
    }
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("# Just Hungry") && text.contains(CRASH), "{text}");
}

#[test]
fn the_words_of_a_sentence_are_explained() {
    let harness = crashed(1280.0, 800.0);
    let described = harness.get_by_label_contains(CRASH).accesskit_node().description().unwrap_or_default();
    assert!(described.contains(&Term::Primary.definition()), "{described}");
}
