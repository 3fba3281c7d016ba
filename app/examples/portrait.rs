//! Paints the window at a fixed moment into PNG files, without a display: `cargo run --example portrait -- FOLDER`.

#[path = "../tests/scene/mod.rs"]
mod scene;

use std::path::PathBuf;

use app::app::Window;
use app::panels::Selected;
use egui::{Context, Theme, vec2};

fn main() -> anyhow::Result<()> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| ".".into()));
    for (name, theme, size, crowded) in [
        ("light-1280", Theme::Light, vec2(1280.0, 800.0), false),
        ("dark-1280", Theme::Dark, vec2(1280.0, 800.0), false),
        ("light-1920", Theme::Light, vec2(1920.0, 1080.0), false),
        ("crowd", Theme::Light, vec2(1600.0, 1000.0), true),
    ] {
        let context = Context::default();
        app::theme::install(&context);
        context.set_theme(theme);
        let told = if crowded { scene::crowd(20, 50, 200) } else { scene::order_on_its_way() };
        let mut window = Window::default();
        told.tell(&mut window, scene::NOW);
        window.focus.selected = Selected::Node("replica-2".into());
        window.focus.customer = Some(scene::customer(2).1);
        let background = app::theme::tokens_of(theme).background;
        let picture = rasteriser::portrait(&context, size, 1.0, background, |ui| window.ui(ui));
        picture.save(folder.join(format!("{name}.png")))?;
    }
    Ok(())
}
