//! Windows drawn by lot: of any size and zoom, with any number of nodes and customers, anything selected and opened, live, in
//! the past, on a tape, and as a presentation. Each is drawn, and where there is room nothing covers anything.
#![expect(clippy::unwrap_used, reason = "a window that cannot be drawn must fail whoever wants it")]

use egui::{Key, vec2};
use egui_kittest::kittest::Queryable;
use knowledge::tape;
use protocol::random::Random;
use window::panels::timeline::Look;

use super::Shown;
use super::covering::{named, written};
use super::every_size::{nothing_covers_anything, open, told, zoom};

/// The number of windows.
const WINDOWS: u64 = 48;

/// A size: one in three is usual, one in three tiny or odd, the others anything.
fn size(random: &mut Random) -> egui::Vec2 {
    let usual = [(1280.0, 800.0), (1024.0, 768.0), (1920.0, 1080.0), (800.0, 600.0)];
    let (width, height) = match random.below(3) {
        0 => random.pick(&usual).unwrap(),
        1 => (random.between(1, 500) as f32, random.between(1, 400) as f32),
        _ => (random.between(300, 2200) as f32, random.between(200, 1400) as f32),
    };
    vec2(width, height)
}

/// Shows something, or does not: also where there is no room for it.
fn shows(harness: &mut Shown, random: &mut Random, replicas: u64) -> &'static str {
    match random.below(4) {
        0 if replicas > 0 => {
            let name = format!("replica-{}", random.between(1, replicas));
            harness.state_mut().focus.select_node(&name);
        }
        1 => {
            let first = harness.state().picture.customers.iter().next().map(|customer| customer.id);
            first.into_iter().for_each(|customer| harness.state_mut().focus.select_customer(customer));
        }
        _ => harness.state_mut().focus.select_node("front-end"),
    }
    harness.run_steps(2);
    let opened = random.pick(&["", "", "Menu", "Filter", "keys", "scenarios", "menu of a node"]).unwrap();
    match opened {
        "Menu" | "Filter" => {
            if let Some(button) = harness.query_by_label(opened) {
                button.click();
            }
        }
        "keys" => harness.key_press(Key::Questionmark),
        "scenarios" => harness.key_press(Key::L),
        "menu of a node" => {
            if let Some(node) = harness.query_all_by_label_contains("node front-end").next() {
                node.click_secondary();
            }
        }
        _ => {}
    }
    harness.run_steps(3);
    opened
}

fn drawn(seed: u64) {
    let random = &mut Random::new(seed);
    let room = size(random);
    let (replicas, customers) = match random.below(4) {
        0 => (random.below(21), random.below(31)),
        _ => (random.below(6), random.below(8)),
    };
    let told = told(replicas, customers);
    let mut harness = open(&told, room.x, room.y);
    harness.run_steps(2);
    let presents = random.below(3) == 0;
    harness.state_mut().appearance.presents = presents;
    harness.state_mut().appearance.beliefs = random.below(4) == 0;
    let moment = random.pick(&["live", "live", "past", "tape"]).unwrap();
    match moment {
        "past" => harness.state_mut().look(Look::Back),
        "tape" => {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a.jhtape");
            tape::save(&harness.state().tape.copy(), &path).unwrap();
            harness.state_mut().show_alone("a.jhtape".into(), tape::open(&path).unwrap());
        }
        _ => {}
    }
    harness.run_steps(2);
    let (key, steps) = if random.below(2) == 0 { (Key::Plus, random.below(10)) } else { (Key::Minus, random.below(6)) };
    zoom(&mut harness, key, steps);
    let opened = shows(&mut harness, random, replicas);
    let what = format!(
        "seed {seed}: {room:?}, {replicas} replicas, {customers} customers, {moment}, presents: {presents}, \
         {key:?} × {steps}, “{opened}”"
    );
    let window = harness.ctx.content_rect().expand(0.5);
    let usable = window::theme::size::USABLE_PRESENTED;
    if window.width() < usable.x || window.height() < usable.y {
        return;
    }
    nothing_covers_anything(&named(&harness, "node "), window, &what);
    let bar = ["run", "play", "stop", "step", "Menu", "Present", "End presentation"];
    let bar = bar.into_iter().filter_map(|label| Some((label.to_owned(), harness.query_by_label(label)?.rect())));
    let speed = named(&harness, "speed: ").into_iter();
    let bar: Vec<_> = bar.chain(speed).collect();
    assert!(bar.len() >= 6, "{bar:?}: {what}");
    nothing_covers_anything(&bar, window, &what);
    let lights = ["acknowledged", "lost", "stored twice", "read stale"];
    let lights: Vec<_> = lights.into_iter().flat_map(|words| written(&harness, words)).collect();
    assert!(lights.len() >= 4, "not all lights are in sight: {what}");
    let tabs = ["Timeline", "Log", "Measurements", "Filter"];
    let tabs = tabs.into_iter().filter_map(|label| Some((label.to_owned(), harness.query_by_label(label)?.rect())));
    nothing_covers_anything(&tabs.collect::<Vec<_>>(), window, &what);
}

#[test]
fn windows_drawn_by_lot_are_drawn_and_cover_nothing() {
    for seed in 1..=WINDOWS {
        drawn(seed);
    }
}
