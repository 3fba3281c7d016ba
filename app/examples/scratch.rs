//! scratch
#[path = "../tests/scene/mod.rs"]
mod scene;
use app::app::Window;
use egui::*;
use egui_kittest::{Harness, TestRenderer, kittest::Queryable};
use rasteriser::Rasteriser;
struct P(Rasteriser);
impl TestRenderer for P {
    fn handle_delta(&mut self, delta: &mut TexturesDelta) {
        self.0.update(delta);
    }
    fn render(&mut self, c: &Context, o: &FullOutput) -> Result<image::RgbaImage, String> {
        Ok(self.0.paint(c, o, c.content_rect().size(), app::theme::tokens_of(c.theme()).background))
    }
}
fn shot(name: &str, theme: Theme, size: Vec2, f: impl FnOnce(&mut Harness<'static, Window>)) {
    let mut w = Window::default();
    w.picture = scene::order_on_its_way().picture(scene::NOW);
    let _ = scene::crowd(4, 2, 2);
    w.focus.select_customer(scene::customer(2).1);
    let mut h = Harness::builder()
        .with_size(size)
        .with_theme(theme)
        .with_render_cursor(false)
        .with_step_dt(0.02)
        .with_context_setup(app::theme::install)
        .renderer(P(Rasteriser::default()))
        .build_ui_state(|ui, w: &mut Window| w.ui(ui), w);
    h.run_steps(3);
    f(&mut h);
    h.run_steps(4);
    h.render().unwrap().save(format!("/tmp/shots/s-{name}.png")).unwrap();
}
fn click(h: &mut Harness<'static, Window>, l: &str) {
    h.get_by_label(l).click();
    h.run_steps(3);
}
fn main() {
    let s = vec2(1280.0, 800.0);
    shot("about", Theme::Light, s, |h| {
        click(h, "Menu");
        click(h, "About");
    });
    shot("keys", Theme::Dark, s, |h| {
        h.key_press(Key::Questionmark);
    });
    shot("menu", Theme::Light, s, |h| {
        click(h, "Menu");
    });
    shot("measure", Theme::Light, s, |h| {
        click(h, "Measurements");
    });
    shot("log", Theme::Dark, s, |h| {
        click(h, "Log");
    });
    shot("present", Theme::Light, vec2(1920.0, 1080.0), |h| {
        click(h, "Present");
    });
    shot("context", Theme::Light, s, |h| {
        h.get_by_label_contains("node replica-3").click_secondary();
    });
    shot("message", Theme::Dark, s, |h| {
        h.get_by_label("message update 41 from replica-2 to replica-3").click();
    });
    shot("small", Theme::Light, vec2(1024.0, 640.0), |_| {});
    shot("refused", Theme::Light, s, |h| {
        let event = protocol::trace::TraceEvent::CommandRefused {
            why: "There are 20 replicas already. Remove one first, or crash one and start it again to see the same."
                .into(),
        };
        h.state_mut().picture.apply(&protocol::trace::TraceRecord {
            node: scene::NAME_SERVER,
            at: scene::NOW + 1,
            event,
        });
    });
    shot("zoomed", Theme::Light, s, |h| {
        let at = h.get_by_label_contains("customer Grace").rect().center() + vec2(20.0, 20.0);
        h.hover_at(at);
        h.run_steps(2);
        for _ in 0..6 {
            h.event(Event::Zoom(1.5));
            h.run_steps(1);
        }
    });
}
