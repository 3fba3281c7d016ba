//! The window on a scene, without a screen, and what a hand does to it: clicks, keys, drags. No cluster runs behind it.

use egui::{Key, Pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use window::Window;

use crate::scene::{self, Scene};

pub type Shown = Harness<'static, Window>;

/// A window that has been told what it shows.
pub fn open(window: Window) -> Shown {
    let mut harness = Harness::builder()
        .with_size(vec2(1280.0, 800.0))
        .with_step_dt(0.02)
        .with_context_setup(window::theme::install)
        .build_ui_state(|ui, window: &mut Window| window.ui(ui), window);
    harness.run_steps(3);
    harness
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
    harness.key_press(key);
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
