//! The line at the bottom: what customers were told, and whether that is so. Each light says why on hover; a red one leads to
//! the requests that contradict each other.

use egui::{Label, Rect, Response, RichText, Sense, Ui};
use protocol::ids::RequestId;

use crate::theme::{self, size, text, tokens};
use crate::widgets::{Explains, dim, dim_of, from_right};
use knowledge::picture::Picture;
use knowledge::verdict::evidence::Judged;
use wording::{self, Light, Term};

/// What came of the line.
#[derive(Debug, Default)]
pub struct StatusBar {
    /// The request to look at, if a red light was clicked.
    pub wanted: Option<RequestId>,
    /// Where each light stands.
    pub lights: Vec<(Term, Rect)>,
}

/// The whole line.
pub fn status_bar_ui(ui: &mut Ui, picture: &Picture, judged: &Judged) -> StatusBar {
    let mut bar = StatusBar::default();
    let stats = &picture.stats;
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = 14.0;
        let lights = wording::lights(judged, stats);
        let height = fitting_height(ui, &lights);
        for light in lights {
            let response = light_ui(ui, &light, height);
            bar.lights.push((light.term, response.rect));
            if light.good == Some(false) && response.clicked() {
                bar.wanted = light.leads_to;
            }
        }
        from_right(ui, |ui| {
            ui.spacing_mut().item_spacing.x = 14.0;
            // What has no room beside the lights is left out; all of it stands among the measurements.
            let has_room = |ui: &Ui| ui.available_width() > ROOM;
            if has_room(ui) {
                dim(ui, wording::count(picture.nodes.running(), "process", "processes"));
            }
            if let Some(median) = stats.percentile(50).filter(|_| has_room(ui)) {
                dim(ui, format!("answered in {}", wording::duration(median))).on_hover_text(wording::MEDIAN_MEANS);
            }
            if let Some(failover) = stats.failover.filter(|_| has_room(ui)) {
                dim_of(ui, format!("last failover {}", wording::duration(failover))).explains(Term::Failover);
            }
        });
    });
    bar
}

/// Room that one of the words at the right needs.
const ROOM: f32 = 132.0;

/// How high letters may be so that all lights are in sight: in a narrow window, or a presentation, they are smaller.
fn fitting_height(ui: &Ui, lights: &[Light]) -> f32 {
    let letters = theme::plain(text::SMALL);
    let width = |light: &Light| {
        let words = format!("{} {}", sign(light), light.words);
        ui.painter().layout_no_wrap(words, letters.clone(), tokens(ui).text).size().x
    };
    let gaps = lights.len() as f32 * ui.spacing().item_spacing.x;
    let whole: f32 = lights.iter().map(width).sum();
    text::SMALL * ((ui.available_width() - gaps) / whole.max(1.0)).clamp(0.6, 1.0)
}

fn sign(light: &Light) -> &'static str {
    match light.good {
        Some(true) => "✓",
        Some(false) => "✗",
        None => "○",
    }
}

/// A tick, a cross or a ring before the words, never colour alone.
fn light_ui(ui: &mut Ui, light: &Light, height: f32) -> Response {
    let t = tokens(ui);
    let ink = match light.good {
        Some(true) => t.basil_text,
        Some(false) => t.tomato_text,
        None => t.dim,
    };
    let mut words = RichText::new(format!("{} {}", sign(light), light.words)).size(height).color(ink);
    if light.good == Some(false) {
        words = words.strong().background_color(t.tomato_wash);
    }
    let response = ui.add(Label::new(words).selectable(false).sense(Sense::click()));
    if response.has_focus() {
        ui.painter().rect_stroke(response.rect.expand(2.0), 4.0, (size::OUTLINE, t.sea), egui::StrokeKind::Inside);
    }
    response.explains_all(&[light.term], &light.why)
}
