//! The window on a scene, without a screen, and what a hand does to it: clicks, keys, drags. No cluster runs behind it.

use egui::{Key, Modifiers, Pos2, Vec2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use knowledge::tape::Entry;
use protocol::ids::NodeId;
use protocol::trace::{TraceEvent, TraceRecord};
use window::Window;
use window::panels::timeline::Look;

use crate::scene::{self, Scene};

pub type Shown = Harness<'static, Window>;

/// A window that has been told what it shows.
pub fn open(window: Window) -> Shown {
    let mut harness = sized(window, vec2(1280.0, 800.0));
    harness.run_steps(3);
    harness
}

/// Of this size, and not drawn yet.
pub fn sized(window: Window, size: Vec2) -> Shown {
    Harness::builder()
        .with_size(size)
        .with_step_dt(0.02)
        .with_context_setup(window::theme::install)
        .build_ui_state(|ui, window: &mut Window| window.ui(ui), window)
}

/// Of this scene, with Grace as the customer that orders.
pub fn shown_at(told: &Scene, now: u64) -> Shown {
    let mut window = Window::default();
    told.tell(&mut window, now);
    window.focus.customer = Some(scene::customer(2).1);
    open(window)
}

/// Grace's order is on its way.
pub fn shown() -> Shown {
    shown_at(&scene::order_on_its_way(), scene::NOW)
}

pub fn click(harness: &mut Shown, label: &str) {
    harness.get_by_label(label).click();
    harness.run_steps(3);
}

pub fn key(harness: &mut Shown, key: Key) {
    chord(harness, Modifiers::NONE, key);
}

pub fn chord(harness: &mut Shown, modifiers: Modifiers, key: Key) {
    harness.key_press_modifiers(modifiers, key);
    harness.run_steps(3);
}

pub fn focus(harness: &mut Shown, label: &str) {
    harness.get_by_label(label).focus();
    harness.run_steps(2);
}

pub fn type_into(harness: &mut Shown, label: &str, text: &str) {
    focus(harness, label);
    harness.get_by_label(label).type_text(text);
    harness.run_steps(3);
}

pub fn look(harness: &mut Shown, look: Look) {
    harness.state_mut().look(look);
    harness.run_steps(3);
}

/// The next fact.
pub fn say(harness: &mut Shown, node: NodeId, event: impl Into<TraceEvent>) {
    let at = harness.state().picture.now + 1;
    harness.state_mut().take_in(Entry::Fact(TraceRecord { node, at, event: event.into() }));
    harness.run_steps(3);
}

pub fn drag(harness: &mut Shown, from: Pos2, to: Pos2) {
    harness.drag_at(from);
    harness.run_steps(2);
    for share in [0.3, 0.7, 1.0] {
        harness.hover_at(from.lerp(to, share));
        harness.run_steps(2);
    }
    harness.drop_at(to);
    harness.run_steps(3);
}
