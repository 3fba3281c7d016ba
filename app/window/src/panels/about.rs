//! The About box.

use egui::{Label, RichText, Ui};
use node::gazetteer::ATTRIBUTION;

use crate::theme::{self, size, text, tokens};
use crate::widgets::{button, closing_button, dialog, dim, heading, scrolling_in_dialog};

/// Room for the buttons at the foot of a box.
const BELOW: f32 = size::ROW + 4.0 * size::STEP;

/// What the program is, its version, and whose data and letters it shows.
pub(crate) fn about_ui(ui: &Ui, open: &mut bool) {
    let t = tokens(ui);
    let modal = dialog(ui, "about").show(ui.ctx(), |ui| {
        ui.set_width(440.0);
        let versions = versions();
        scrolling_in_dialog(ui, BELOW, |ui| {
            ui.label(RichText::new("Just Hungry").font(theme::strong(text::TITLE)).color(t.tomato_text));
            ui.add(Label::new(wording::ABOUT).wrap());
            heading(ui, "Versions");
            ui.label(&versions);
            heading(ui, "Data");
            for line in ATTRIBUTION {
                dim(ui, line);
            }
            dim(ui, "Letters: Inter by Rasmus Andersson, SIL Open Font License 1.1.");
        });
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            closing_button(ui, "Close");
            if button(ui, "Copy versions").clicked() {
                ui.ctx().copy_text(versions);
            }
        });
    });
    *open = !modal.should_close();
}

fn versions() -> String {
    let kind = if cfg!(debug_assertions) { "debug" } else { "release" };
    let system = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
    format!("just-hungry {} ({kind} build), {system}", env!("CARGO_PKG_VERSION"))
}
