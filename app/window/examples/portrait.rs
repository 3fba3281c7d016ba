//! Paints the window at a fixed moment into PNG files, without a display:
//! `cargo run -p just-hungry-window --example portrait -- FOLDER`.

#[path = "../tests/scene/mod.rs"]
mod scene;

use std::path::PathBuf;

use egui::{Context, Theme, vec2};
use window::Window;
use window::panels::Selected;

fn main() -> anyhow::Result<()> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| ".".into()));
    let usual = scene::order_on_its_way as fn() -> scene::Scene;
    let steered = || scene::steered::steered(None);
    let planted = || scene::steered::steered(Some(protocol::plant::Plant::AckBeforeReplicate));
    let crowd = || scene::crowd(20, 50, 200);
    let (small, large) = (vec2(1280.0, 800.0), vec2(1920.0, 1080.0));
    for (name, theme, size, told, beliefs) in [
        ("light-1280", Theme::Light, small, usual, false),
        ("dark-1280", Theme::Dark, small, usual, false),
        ("light-1920", Theme::Light, large, usual, false),
        ("steered-light", Theme::Light, small, steered, false),
        ("steered-dark", Theme::Dark, large, steered, false),
        ("steered-smallest", Theme::Light, vec2(1024.0, 640.0), steered, true),
        ("beliefs-light", Theme::Light, small, steered, true),
        ("planted-light", Theme::Light, small, planted, false),
        ("crowd", Theme::Light, vec2(1600.0, 1000.0), crowd, false),
    ] {
        let context = Context::default();
        window::theme::install(&context);
        context.set_theme(theme);
        let mut window = Window::default();
        told().tell(&mut window, scene::NOW);
        window.focus.selected = Selected::Node("replica-2".into());
        window.focus.customer = Some(scene::customer(2).1);
        window.appearance.beliefs = beliefs;
        let background = window::theme::tokens_of(theme).background;
        let picture = rasteriser::portrait(&context, size, 1.0, background, |ui| window.ui(ui));
        picture.save(folder.join(format!("{name}.png")))?;
    }
    Ok(())
}
