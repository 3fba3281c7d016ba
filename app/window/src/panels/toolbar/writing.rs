//! What the toolbar has for writing a lesson: the chip of a recording, and the entries that begin one or open a file again.

use egui::{Button, RichText, Ui};

use super::{ROOM_BESIDE_CHIP, ToolbarState};
use crate::theme::{self, size, text, tokens};

/// That a lesson is being recorded, and how many steps it has. A click stops the recording.
pub(super) fn recording_chip(ui: &mut Ui, words: &[String; 3]) -> bool {
    let t = tokens(ui);
    let room = ui.available_width() - ROOM_BESIDE_CHIP;
    let width = |words: &String| {
        let galley = ui.painter().layout_no_wrap(format!("● {words}"), theme::strong(text::SMALL), t.on_strong);
        galley.size().x + 24.0
    };
    let Some(fitting) = words.iter().find(|words| width(words) <= room).or(words.last()) else { return false };
    let shown = RichText::new(format!("● {fitting}")).font(theme::strong(text::SMALL)).color(t.on_strong);
    let chip = Button::new(shown).fill(t.tomato_text).min_size(egui::vec2(0.0, size::ROW));
    ui.add(chip).accessible_name(words[0].as_str()).on_hover_text(wording::STOP_RECORDING_MEANS).clicked()
}

/// The entries of the menu.
pub(super) fn entries(ui: &mut Ui, state: &mut ToolbarState) {
    let opened = ui.menu_button("Write a lesson", |ui| {
        for (words, means, which) in [
            (wording::RECORD_A_LESSON, wording::RECORDING_MEANS, &mut state.record_lesson),
            (wording::EDIT_A_LESSON, wording::OPEN_LESSON_HINT, &mut state.edit_lesson),
        ] {
            if ui.button(words).on_hover_text(means).clicked() {
                *which = true;
                ui.close();
            }
        }
    });
    opened.response.on_hover_text(wording::WRITE_MEANS);
}
