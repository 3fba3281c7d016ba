//! Pictures of the window compared with those that were looked at and found good. `UPDATE_SNAPSHOTS=1` renews them.

mod scene;

use app::app::Window;
use egui::{Context, FullOutput, TexturesDelta, Theme, vec2};
use egui_kittest::{Harness, SnapshotOptions, TestRenderer};
use image::RgbaImage;
use rasteriser::Rasteriser;

/// Paints the harness's passes on the processor.
struct Painter(Rasteriser);

impl TestRenderer for Painter {
    fn handle_delta(&mut self, delta: &mut TexturesDelta) {
        self.0.update(delta);
    }

    fn render(&mut self, context: &Context, output: &FullOutput) -> Result<RgbaImage, String> {
        let background = app::theme::tokens_of(context.theme()).background;
        Ok(self.0.paint(context, output, context.content_rect().size(), background))
    }
}

fn painted(theme: Theme, told: &scene::Scene) -> Harness<'static, Window> {
    let mut window = Window::default();
    told.tell(&mut window, scene::NOW);
    window.focus.select_customer(scene::customer(2).1);
    window.focus.select_node("replica-2");
    let mut harness = Harness::builder()
        .with_size(vec2(1120.0, 720.0))
        .with_theme(theme)
        .with_render_cursor(false)
        .with_context_setup(app::theme::install)
        .renderer(Painter(Rasteriser::default()))
        .build_ui_state(|ui, window: &mut Window| window.ui(ui), window);
    harness.run_steps(4);
    harness
}

fn compare(name: &str, theme: Theme, told: &scene::Scene) {
    // Other processors may round a shade differently; a label that moved changes thousands of pixels.
    painted(theme, told).snapshot_options(name, &SnapshotOptions::new().threshold(1.5).max_failed_pixels(400));
}

#[test]
fn an_order_on_its_way_by_day() {
    compare("order-light", Theme::Light, &scene::order_on_its_way());
}

#[test]
fn an_order_on_its_way_by_night() {
    compare("order-dark", Theme::Dark, &scene::order_on_its_way());
}

#[test]
fn the_same_crowd_gives_the_same_bytes() {
    let picture = || painted(Theme::Light, &scene::crowd(20, 50, 200)).render().unwrap();
    assert!(picture() == picture());
}
