//! The whole window in every size, at every zoom, with few and many nodes and customers: it is drawn, and in a usable size
//! nothing covers anything.

use egui::{Event, Key, Modifiers, Rect, vec2};
use egui_kittest::kittest::Queryable;
use protocol::trace::{Actor, Standing};
use window::Window;

use super::{Shown, resize, select};
use crate::scene;
use crate::shown::sized;

/// A running cluster with this many replicas and customers.
pub fn told(replicas: u64, customers: u64) -> scene::Scene {
    let mut told = scene::Scene::new();
    scene::processes(&mut told);
    let members: Vec<_> = (1..=replicas).map(scene::replica).collect();
    for number in 4..=replicas {
        told.process(
            &format!("replica-{number}"),
            scene::replica(number),
            Actor::Role(protocol::ids::Role::Replica),
            40,
        );
    }
    if let Some(first) = members.first() {
        let view = scene::view(3, *first, &members);
        for id in &members {
            let standing = if id == first { Standing::Primary } else { Standing::Backup };
            told.stands(*id, 100, standing, &view, 7, 7);
        }
    }
    for number in 1..=customers {
        let north = 50.5 + (number % 9) as f64;
        told.lives(number, &format!("Customer {number}"), "EH1 1RE", (north, -4.0 + (number % 5) as f64));
    }
    told
}

pub fn open(told: &scene::Scene, width: f32, height: f32) -> Shown {
    let mut window = Window::default();
    told.tell(&mut window, 1_000_000);
    window.appearance.reduced_motion = true;
    sized(window, vec2(width, height))
}

pub fn zoom(harness: &mut Shown, key: Key, times: u64) {
    for _ in 0..times {
        harness.key_press_modifiers(Modifiers::COMMAND, key);
        harness.step();
    }
    harness.run_steps(2);
}

#[test]
fn every_size_and_every_zoom_is_drawn() {
    let sizes = [
        (1.0, 1.0),
        (1.0, 900.0),
        (900.0, 1.0),
        (37.0, 53.0),
        (160.0, 120.0),
        (320.0, 200.0),
        (400.0, 1200.0),
        (640.0, 400.0),
        (1024.0, 300.0),
        (1024.0, 768.0),
        (1280.0, 800.0),
        (3840.0, 2160.0),
    ];
    for (replicas, customers) in [(0, 0), (3, 3), (20, 50)] {
        let told = told(replicas, customers);
        // A crowd is dear to draw: a few sizes show what it does to a layout.
        let dense = sizes.iter().step_by(if replicas > 3 { 3 } else { 1 });
        for (width, height) in dense.copied() {
            let mut harness = open(&told, width, height);
            harness.run_steps(2);
            for presents in [false, true] {
                harness.state_mut().appearance.presents = presents;
                for beliefs in [false, true] {
                    harness.state_mut().appearance.beliefs = beliefs;
                    harness.state_mut().focus.select_node("replica-1");
                    harness.run_steps(2);
                }
                zoom(&mut harness, Key::Plus, 9);
                zoom(&mut harness, Key::Minus, 14);
                harness.key_press_modifiers(Modifiers::COMMAND, Key::Num0);
            }
            // Dialogs and lists over it.
            for key in [Key::Questionmark, Key::Escape, Key::L, Key::Escape] {
                harness.key_press(key);
                harness.run_steps(2);
            }
            for size in [(width * 0.3, height * 0.3), (1.0, 1.0), (width, height)] {
                harness.set_size(vec2(size.0, size.1));
                harness.run_steps(2);
            }
        }
    }
}

/// Where everything with one of these labels is.
fn places(harness: &Shown, labels: &[&str]) -> Vec<(String, Rect)> {
    labels.iter().map(|label| ((*label).to_owned(), harness.get_by_label(label).rect())).collect()
}

pub fn nothing_covers_anything(places: &[(String, Rect)], window: Rect, what: &str) {
    for (index, (name, one)) in places.iter().enumerate() {
        assert!(window.expand(0.5).contains_rect(*one), "{name} {one:?} is outside {window:?}: {what}");
        for (other_name, other) in &places[index + 1..] {
            let clear = !one.shrink(0.5).intersects(*other);
            assert!(clear, "{name} {one:?} covers {other_name} {other:?}: {what}");
        }
    }
}

#[test]
fn in_a_usable_size_nothing_covers_anything_and_all_can_be_reached() {
    let told = told(3, 3);
    for (width, height) in [(1280.0, 800.0), (1024.0, 768.0), (1920.0, 1080.0), (640.0, 400.0), (800.0, 600.0)] {
        for larger in [0, 5, 12] {
            for inspects in [false, true] {
                let mut harness = open(&told, width, height);
                harness.run_steps(3);
                zoom(&mut harness, Key::Plus, larger);
                if inspects {
                    select(&mut harness, "replica-2");
                }
                let what = format!("{width} × {height}, zoomed {larger} times");
                let window = harness.ctx.content_rect();
                let nodes = ["name-server", "front-end", "replica-1", "replica-2", "replica-3"];
                let nodes: Vec<String> = nodes.iter().map(|name| format!("node {name}")).collect();
                let card = |name: &String| (name.clone(), harness.get_by_label_contains(name).rect());
                let cards: Vec<(String, Rect)> = nodes.iter().map(card).collect();
                nothing_covers_anything(&cards, window, &what);
                let smallest = cards.iter().map(|(_, card)| card.height()).fold(f32::MAX, f32::min);
                assert!(smallest >= 22.0, "cards are {smallest} points high: {what}");
                let tabs = ["Timeline", "Log", "Measurements", "Filter", "Look back"];
                nothing_covers_anything(&places(&harness, &tabs), window, &what);
                let bar = ["run", "stop", "step", "Menu", "Present"];
                nothing_covers_anything(&places(&harness, &bar), window, &what);
                let form = harness.query_by_label_contains("Place order").map(|it| it.rect());
                match (form, inspects && window.width() < window::theme::size::ROOM_FOR_TWO_PANELS) {
                    (Some(button), false) => assert!(window.contains_rect(button), "{button:?}: {what}"),
                    (None, true) => assert!(harness.query_by_label("Order").is_some(), "{what}"),
                    (found, _) => panic!("{found:?}: {what}"),
                }
            }
        }
    }
}

#[test]
fn a_size_is_kept_as_it_was_chosen_and_drawn_as_the_window_allows() {
    let told = told(3, 3);
    let mut harness = open(&told, 1920.0, 1080.0);
    zoom(&mut harness, Key::Plus, 8);
    let chosen = harness.ctx.zoom_factor();
    assert!((chosen - 1.8).abs() < 0.01, "{chosen}");
    harness.event(Event::PointerGone);
    // The same window on a small projector.
    resize(&mut harness, vec2(800.0 / chosen, 600.0 / chosen));
    assert!(harness.ctx.zoom_factor() < 1.2, "{}", harness.ctx.zoom_factor());
    assert!(harness.ctx.content_rect().width() >= window::theme::size::USABLE.x - 1.0);
}
