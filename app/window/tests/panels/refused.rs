//! While the past or a tape is shown, nothing can be asked for: whatever would ask is disabled and says why, in every panel,
//! menu and box; a key says it in a notice.

use std::collections::BTreeSet;
use std::time::Duration;

use egui::{Key, vec2};
use egui_kittest::kittest::Queryable;

use super::surfaces::{self, SURFACES, Surface, controls, everything, look_back};
use super::{Shown, asked_for, key};

/// In it, all of a list is in sight.
const ROOM: egui::Vec2 = vec2(1500.0, 1900.0);

/// Clicks all that is enabled and new: nothing is asked for, and no scenario begins. Points at all that is disabled: the
/// reason is
/// there.
fn walk(opened: &dyn Fn() -> Shown, name: &str, reason: &str, seen: &mut BTreeSet<String>) {
    let opened_first = opened();
    let mut harness = opened();
    let mut silent = Vec::new();
    let all = controls(&harness);
    for (label, enabled, at) in all {
        if !seen.insert(label.clone()) {
            continue;
        }
        if harness.query_all_by_label(&label).next().is_none() {
            harness = opened();
        }
        if enabled {
            let Some(control) = harness.query_all_by_label(&label).next() else { continue };
            control.click_accesskit();
            harness.run_steps(2);
            let asked = asked_for(&mut harness);
            assert_eq!(asked, [], "“{label}” looks enabled in {name}");
            // A scenario that is stopped mends what it broke: that is done, and not refused.
            let _ = harness.state_mut().play(Duration::ZERO);
            assert_eq!(harness.state_mut().take_beginning(), None, "“{label}” begins something in {name}");
            if over_all(&harness) != over_all(&opened_first) {
                harness = opened();
            }
            continue;
        }
        if harness.ctx.content_rect().contains(at.center()) {
            // What has just been clicked says nothing before the pointer moves.
            harness.hover_at(at.center() + vec2(3.0, 0.0));
            harness.run_steps(2);
            harness.hover_at(at.center());
            harness.run_steps(3);
            if harness.query_all_by_label_contains(reason).next().is_none() {
                silent.push(label);
            }
            harness.event(egui::Event::PointerGone);
        }
    }
    assert!(silent.is_empty(), "{silent:?} do not say why they are disabled in {name}");
}

/// What lies over everything else: a box, a menu.
fn over_all(harness: &Shown) -> (Option<egui::LayerId>, bool) {
    (harness.ctx.memory(|memory| memory.top_modal_layer()), egui::Popup::is_any_open(&harness.ctx))
}

fn disabled(harness: &Shown) -> BTreeSet<String> {
    controls(harness).into_iter().filter(|(_, enabled, _)| !enabled).map(|(label, ..)| label).collect()
}

#[test]
fn in_the_past_every_control_that_asks_for_something_is_disabled_and_says_why() {
    let mut seen = BTreeSet::new();
    for (name, open) in SURFACES {
        let opened = || {
            let mut harness = everything(ROOM);
            look_back(&mut harness);
            open(&mut harness);
            harness
        };
        walk(&opened, name, "which cannot be changed", &mut seen);
    }
    let opened = || {
        let mut harness = everything(ROOM);
        surfaces::result_of_a_lesson(&mut harness);
        look_back(&mut harness);
        harness
    };
    walk(&opened, "a result", "which cannot be changed", &mut seen);
}

#[test]
fn on_a_tape_without_a_cluster_the_same_is_disabled_and_a_new_cluster_is_offered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tape");
    knowledge::tape::save(&everything(ROOM).state().tape.copy(), &path).unwrap();
    let mut seen = BTreeSet::new();
    let surface = |name| SURFACES.into_iter().find(|(other, _)| *other == name).unwrap();
    let wanted =
        ["nothing selected", "a primary", "menu", "menu of a primary", "menu of a line", "scenarios", "museum"];
    for (name, open) in wanted.map(surface) as [Surface; 7] {
        let opened = || {
            let mut harness = everything(ROOM);
            harness.state_mut().show_alone("a.tape".into(), knowledge::tape::open(&path).unwrap());
            harness.run_steps(2);
            open(&mut harness);
            harness
        };
        walk(&opened, name, "no cluster is running", &mut seen);
    }
}

#[test]
fn what_is_refused_in_the_past_is_enabled_in_the_present() {
    for (surface, labels) in [
        ("menu", ["Show each heartbeat", "Crash every node…", "Mend all links"]),
        ("scenarios", ["run kill-primary", "Open a scenario…", "run chaos"]),
        (
            "museum",
            ["switch off ack-before-replicate", "switch on no-view-check", "run museum/no-view-check with the bug"],
        ),
    ] {
        let (_, open) = SURFACES.into_iter().find(|(name, _)| *name == surface).unwrap();
        for past in [false, true] {
            let mut harness = everything(ROOM);
            if past {
                look_back(&mut harness);
            }
            open(&mut harness);
            let disabled = disabled(&harness);
            for label in labels {
                assert!(harness.query_by_label(label).is_some(), "no {label} in {surface}");
                assert_eq!(disabled.contains(label), past, "{label}, past: {past}");
            }
        }
    }
}

#[test]
fn a_key_that_would_ask_for_something_in_the_past_says_why_not() {
    for pressed in [Key::N, Key::M, Key::C, Key::Z, Key::X] {
        let mut harness = everything(ROOM);
        harness.state_mut().focus.select_node("replica-2");
        look_back(&mut harness);
        key(&mut harness, pressed);
        assert_eq!(harness.state_mut().hand_over(1.0), [], "{pressed:?}");
        harness.run_steps(2);
        assert!(harness.query_all_by_label_contains("which cannot be changed").count() > 0, "{pressed:?}");
        assert!(!harness.state().diagram.cuts);
    }
}
