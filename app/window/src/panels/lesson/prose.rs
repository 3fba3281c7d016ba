//! A lesson's words: paragraphs with bold and italic runs, and terms that show their definition.

use egui::{Color32, Label, RichText, Ui};

use crate::theme;
use crate::widgets::term;
use scenarios::{Prose, Run};
use wording::Term;

/// Shows them.
pub(super) fn prose_ui(ui: &mut Ui, prose: &Prose, size: f32, ink: Color32) {
    ui.scope(|ui| {
        // A row is as high as its letters, the first one too.
        ui.spacing_mut().interact_size.y = 0.0;
        for paragraph in &prose.paragraphs {
            ui.horizontal_wrapped(|ui| {
                ui.spacing_mut().item_spacing = egui::Vec2::ZERO;
                for run in paragraph {
                    run_ui(ui, run, size, ink);
                }
            });
        }
    });
}

/// The height of a line, as a multiple of its letters.
pub(super) const LEADING: f32 = 1.4;

fn run_ui(ui: &mut Ui, run: &Run, size: f32, ink: Color32) {
    if let Some(known) = run.term.as_deref().and_then(|name| name.parse::<Term>().ok()) {
        term(ui, known, RichText::new(&run.text).size(size).color(ink).line_height(Some(size * LEADING)));
        return;
    }
    let font = if run.strong { theme::strong(size) } else { theme::plain(size) };
    let words = RichText::new(&run.text).font(font).color(ink).line_height(Some(size * LEADING));
    let words = if run.emphasis { words.italics() } else { words };
    ui.add(Label::new(words).wrap());
}
