//! The way back: timeline, banner, search, filter and lights clicked on a fixed run; no cluster goes on meanwhile.

#[path = "scene/loss.rs"]
mod loss;
mod scene;
#[path = "scene/shown.rs"]
mod shown;

use egui::{Key, Modifiers, Pos2, Rect, pos2, vec2};
use egui_kittest::kittest::Queryable;
use knowledge::tape::{self, Entry};
use knowledge::user_command::UserCommand;
use protocol::trace::LauncherEvent;
use shown::{Shown, chord, click, drag, focus, key, look, open, say, shown, shown_at, type_into};
use window::Window;
use window::panels::Selected;
use window::panels::timeline::Look;

/// A moment with many of everything can be looked back from, too.
#[test]
fn a_crowd_has_a_past() {
    for told in [scene::crowd(20, 50, 200), scene::steered::steered(None)] {
        let mut harness = shown_at(&told, scene::NOW);
        key(&mut harness, Key::ArrowLeft);
        harness.get_by_label_contains("This is the past");
    }
}

/// Where a moment of cluster time, in seconds, stands on the ruler.
fn on_ruler(harness: &Shown, seconds: f32) -> Pos2 {
    let ruler: Rect = harness.get_by_label("now").rect();
    // Twelve seconds are shown, up to the moment that is shown first.
    let right = ruler.right() - window::theme::size::RIGHT_OF_NOW;
    pos2(right - (12.482 - seconds) / 12.0 * (right - ruler.left()), ruler.center().y)
}

#[test]
fn dragging_now_shows_the_whole_window_as_it_was() {
    let mut harness = shown();
    harness.get_by_label_contains("node replica-1: replica-1 · crashed");
    let (now, then) = (on_ruler(&harness, 12.48), on_ruler(&harness, 3.5));
    drag(&mut harness, now, then);
    assert!(harness.state().shows_past());
    harness.get_by_label_contains("This is the past: 3.");
    harness.get_by_label_contains("node replica-1: replica-1 · primary");
    assert!(harness.query_by_label_contains("node replica-4").is_none(), "it had not been started");
    assert_eq!(harness.state().picture.nodes.iter().count(), 8, "the present goes on meanwhile");
    click(&mut harness, "Back to now");
    assert!(!harness.state().shows_past());
    harness.get_by_label_contains("node replica-1: replica-1 · crashed");
}

#[test]
fn arrows_step_message_by_message_and_end_comes_back() {
    let mut harness = shown();
    key(&mut harness, Key::ArrowLeft);
    harness.get_by_label_contains("This is the past");
    let message = "message register front-end from front-end to name-server";
    assert!(harness.query_by_label(message).is_none(), "it was not sent yet");
    for _ in 0..2 {
        key(&mut harness, Key::ArrowLeft);
    }
    assert!(harness.query_by_label_contains("message update 41").is_none());
    key(&mut harness, Key::ArrowRight);
    harness.get_by_label_contains("message update 41");
    key(&mut harness, Key::Home);
    assert_eq!(harness.query_all_by_label_contains("node ").count(), 0, "nothing had started");
    key(&mut harness, Key::End);
    assert!(!harness.state().shows_past());
    harness.get_by_label(message);
}

#[test]
fn the_banner_has_a_slider_and_buttons() {
    let mut harness = shown();
    click(&mut harness, "Look back");
    click(&mut harness, "one message back");
    click(&mut harness, "one message forward");
    let slider = harness.get_by_label("moment").rect();
    drag(&mut harness, slider.right_center() - vec2(6.0, 0.0), slider.left_center() + vec2(4.0, 0.0));
    harness.get_by_label_contains("This is the past: 0.");
    key(&mut harness, Key::End);
    assert!(!harness.state().shows_past());
}

#[test]
fn nothing_can_be_done_in_the_past() {
    let mut harness = shown();
    look(&mut harness, Look::At(3_000_000));
    click(&mut harness, "+ Replica");
    assert_eq!(harness.state_mut().commands.take(), [], "the button is disabled");
    key(&mut harness, Key::N);
    assert_eq!(harness.state_mut().hand_over(1.0), []);
    harness.run_steps(3);
    harness.get_by_label_contains("which cannot be changed");
    key(&mut harness, Key::End);
    click(&mut harness, "+ Replica");
    assert_eq!(harness.state_mut().hand_over(2.0), [UserCommand::AddReplica]);
    let tape = &harness.state().tape;
    let last = tape.entry(tape.end() - 1);
    assert!(matches!(last, Some(Entry::Command { command: UserCommand::AddReplica, .. })), "it is on the tape");
}

#[test]
fn a_search_leads_from_hit_to_hit_and_selects_messages() {
    let mut harness = shown();
    type_into(&mut harness, "Search the timeline", "order to");
    harness.get_by_label("2 found");
    key(&mut harness, Key::Enter);
    harness.get_by_label("1 of 2");
    key(&mut harness, Key::Enter);
    harness.get_by_label("2 of 2");
    harness.get_by_label("Says: order to NE1 7RU");
    harness.get_by_label("To: replica-2");
    chord(&mut harness, Modifiers::SHIFT, Key::Enter);
    harness.get_by_label("1 of 2");
}

#[test]
fn lanes_and_kinds_can_be_left_out() {
    let mut harness = shown();
    harness.get_by_label("lane replica-1");
    click(&mut harness, "Filter");
    click(&mut harness, "Lane of replica-1");
    assert!(harness.query_by_label("lane replica-1").is_none());
    harness.get_by_label("Filter ●");
    click(&mut harness, "Show everything");
    harness.get_by_label("lane replica-1");
}

#[test]
fn the_timeline_zooms_pans_and_fits_by_keys() {
    let mut harness = shown();
    focus(&mut harness, "timeline of messages");
    harness.get_by_label("12.0 s");
    key(&mut harness, Key::ArrowUp);
    harness.get_by_label("6.0 s");
    key(&mut harness, Key::Minus);
    harness.get_by_label("12.0 s");
    key(&mut harness, Key::PageUp);
    key(&mut harness, Key::F);
    assert!(harness.query_by_label("12.0 s").is_none(), "the whole run is a little shorter");
    assert_eq!(harness.state_mut().commands.take(), [], "none of these keys was a speed");
}

#[test]
fn what_is_hovered_in_one_panel_is_lit_in_the_others() {
    let mut harness = shown();
    let lane = harness.get_by_label("lane replica-3").rect();
    harness.hover_at(lane.center());
    harness.run_steps(3);
    assert_eq!(harness.state().focus.hovered, Selected::Node("replica-3".into()));
    harness.hover_at(pos2(640.0, 420.0));
    harness.run_steps(3);
    assert_eq!(harness.state().focus.hovered, Selected::Nothing);
    // The message [9] on its way from Grace's lane to the front-end's.
    let (grace, front_end) = (harness.get_by_label("lane Grace").rect(), harness.get_by_label("lane front-end").rect());
    let middle = pos2(on_ruler(&harness, 6.4).x, (grace.center().y + front_end.center().y) / 2.0);
    harness.hover_at(middle);
    harness.run_steps(30);
    assert!(matches!(harness.state().focus.hovered, Selected::Message(..)), "{:?}", harness.state().focus.hovered);
    harness.get_by_label_contains("[9] order to NE1 7RU · Grace → front-end");
}

#[test]
fn a_red_light_says_why_and_names_the_pair() {
    let mut harness = shown_at(&loss::lost_order(), scene::NOW);
    harness.get_by_label("✗ 1 lost");
    harness.get_by_label("✗ history not linearizable");
    harness.get_by_label("✓ 0 stored twice");
    let light = harness.get_by_label("✗ 1 lost").rect();
    harness.hover_at(light.center());
    harness.run_steps(30);
    let why = "NE1 7RU: order Grace/2 was acknowledged, but is missing later";
    assert!(harness.query_all_by_label_contains(why).count() >= 2, "the light says it, and so does the narrator");
    // Before the answer nobody knew.
    look(&mut harness, Look::At(5_500_000));
    harness.get_by_label("✓ 0 lost");
    click(&mut harness, "Back to now");
    click(&mut harness, "✗ 1 lost");
    harness.get_by_label("✗ 1 lost");
}

#[test]
fn another_tape_is_shown_instead_of_the_present_and_closed_again() {
    let mut told = Window::default();
    loss::lost_order().tell(&mut told, scene::NOW);
    let mut bytes = Vec::new();
    told.tape.copy().write(&mut bytes).unwrap();
    let mut harness = open(Window::default());
    harness.state_mut().show_tape("lecture.jhtape".into(), tape::read(&bytes[..]).unwrap(), 0.0);
    harness.run_steps(3);
    harness.get_by_label_contains("This is the tape lecture.jhtape");
    harness.get_by_label("✗ 1 lost");
    key(&mut harness, Key::ArrowLeft);
    harness.get_by_label_contains("node replica-2");
    // Meanwhile the cluster goes on.
    say(&mut harness, scene::NAME_SERVER, LauncherEvent::HopIs { hop: 7 });
    click(&mut harness, "Close the tape");
    assert!(!harness.state().shows_past());
    assert_eq!(harness.state().picture.hop, 7);
    assert_eq!(harness.query_all_by_label_contains("node ").count(), 0);
}

#[test]
fn a_tape_is_saved_from_the_menu_and_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lecture.jhtape");
    let mut harness = shown();
    let mut ask = |menu: &str, path: &std::path::Path, answer: &str| {
        click(&mut harness, "Menu");
        click(&mut harness, menu);
        assert!(harness.get_by_label("File").is_focused(), "one may type at once");
        chord(&mut harness, Modifiers::COMMAND, Key::A);
        harness.get_by_label("File").type_text(&path.display().to_string());
        harness.run_steps(2);
        harness.key_press(Key::Enter);
        // Saved and opened on another thread: its word is waited for, for as long as it takes.
        let begun = std::time::Instant::now();
        while harness.query_by_label_contains(answer).is_none() {
            assert!(begun.elapsed().as_secs() < 60, "nothing was said");
            harness.run_steps(1);
        }
    };
    ask("Save tape…", &folder.path().join("nowhere").join("x"), "The file was not saved: there is no folder");
    ask("Open tape…", &folder.path().join("nowhere"), "nowhere was not opened. The tape cannot be read");
    assert!(!path.exists());
    ask("Save tape…", &path, "Saved ");
    assert!(path.exists());
    let mut other = open(Window::default());
    click(&mut other, "Menu");
    other.get_by_label("Open tape…");
    let opened = tape::open(&path).unwrap();
    assert_eq!(opened.notes, Vec::<String>::new());
    assert_eq!(opened.tape.end(), harness.state().tape.end());
}

#[test]
fn a_window_in_the_past_is_not_repainted() {
    let mut harness = shown();
    harness.state_mut().look(Look::At(3_000_000));
    // Panics if frames go on being wanted.
    harness.run();
}

#[test]
fn space_plays_the_past_and_stops_it() {
    let mut harness = shown();
    key(&mut harness, Key::Num1);
    harness.state_mut().commands.take();
    look(&mut harness, Look::At(3_500_000));
    let then = harness.state().picture_shown_at();
    key(&mut harness, Key::Space);
    assert_eq!(harness.state_mut().commands.take(), [], "nothing is asked of the cluster");
    harness.run_steps(20);
    let later = harness.state().picture_shown_at();
    assert!(later > then, "it goes on: {then:?} to {later:?}");
    key(&mut harness, Key::Space);
    let stopped = harness.state().picture_shown_at();
    harness.run_steps(20);
    assert_eq!(harness.state().picture_shown_at(), stopped);
}

#[test]
fn what_the_past_refuses_is_disabled() {
    use egui_kittest::kittest::NodeT;
    let mut harness = shown();
    look(&mut harness, Look::At(3_500_000));
    for label in ["+ Replica", "+ Customer", "Cut…"] {
        assert!(harness.get_by_label(label).accesskit_node().is_disabled(), "{label}");
    }
}

#[test]
fn the_line_now_can_be_dragged_below_the_ruler() {
    let mut harness = shown();
    let (now, then) = (on_ruler(&harness, 12.48), on_ruler(&harness, 3.5));
    let below = vec2(0.0, 60.0);
    drag(&mut harness, now + below, then + below);
    harness.get_by_label_contains("This is the past: 3.");
}
