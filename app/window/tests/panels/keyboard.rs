//! What the keyboard has the focus on can be seen, in every panel, menu and box, at every size in which the window is usable.

use egui::{Key, vec2};
use egui_kittest::kittest::Queryable;

use super::surfaces::{self, SURFACES, everything};
use super::{Shown, focus, key};

/// The most presses of Tab.
const MOST: usize = 100;

/// Tabs through all there is: what has the focus is in sight each time. Returns how many things had it.
fn tab_through(harness: &mut Shown, name: &str) -> usize {
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..MOST {
        key(harness, Key::Tab);
        let Some(id) = harness.ctx.memory(|memory| memory.focused()) else { continue };
        if !seen.insert(format!("{id:?}")) {
            break;
        }
        let Some(response) = harness.ctx.read_response(id) else { panic!("{id:?} is not there: {name}") };
        let (whole, seen) = (response.rect, response.interact_rect);
        // A canvas may be larger than what shows it.
        let wanted = whole.size().min(vec2(f32::INFINITY, 120.0)) * vec2(0.5, 0.8);
        let is_seen = seen.width() >= wanted.x && seen.height() >= wanted.y;
        let window = harness.ctx.content_rect().expand(1.0);
        assert!(is_seen && window.contains_rect(seen), "{whole:?} shows only {seen:?} in {name}");
    }
    seen.len()
}

/// As small as the window can be used: there is least room.
const SMALL: egui::Vec2 = vec2(760.0, 480.0);

#[test]
fn what_has_the_focus_is_in_sight_in_every_box() {
    for wanted in ["link", "museum", "keys", "about", "notifications", "a file's scenario"] {
        let (name, open) = SURFACES.into_iter().find(|(name, _)| *name == wanted).unwrap();
        let mut harness = everything(if wanted == "link" { vec2(1280.0, 800.0) } else { SMALL });
        open(&mut harness);
        assert!(tab_through(&mut harness, name) > 0, "nothing has the focus in {name}");
    }
    let mut harness = everything(SMALL);
    surfaces::result_of_a_lesson(&mut harness);
    assert!(tab_through(&mut harness, "a result") >= 3);
}

#[test]
fn what_has_the_focus_is_in_sight_in_every_panel() {
    for wanted in ["a front-end", "a customer", "the log", "filter"] {
        let (name, open) = SURFACES.into_iter().find(|(name, _)| *name == wanted).unwrap();
        let mut harness = everything(SMALL);
        open(&mut harness);
        assert!(tab_through(&mut harness, name) > 20, "the focus does not go through {name}");
    }
}

#[test]
fn a_focus_on_speeds_and_dishes_is_painted() {
    let mut harness = everything(vec2(1280.0, 800.0));
    for label in ["speed: 1/10", "Pad thai, 0 chosen"] {
        let before = ring_around(&harness, label);
        focus(&mut harness, label);
        let after = ring_around(&harness, label);
        assert!(after > before, "{label}: {before} outlines before, {after} with the focus");
    }
}

/// How many outlines in the colour of the focus are painted where this stands.
fn ring_around(harness: &Shown, label: &str) -> usize {
    let at = harness.get_by_label(label).rect();
    let sea = window::theme::tokens_of(harness.ctx.theme()).sea;
    let shapes = &harness.output().shapes;
    let is_ring = |shape: &egui::Shape| match shape {
        egui::Shape::Rect(rect) => {
            rect.stroke.color == sea && rect.stroke.width > 0.0 && at.expand(4.0).contains_rect(rect.rect)
        }
        _ => false,
    };
    shapes.iter().filter(|clipped| is_ring(&clipped.shape)).count()
}
