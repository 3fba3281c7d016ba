//! The banner of the past, with the way to and fro.

use egui::{Frame, Margin, Panel, RichText, Slider, Ui};

use super::timeline::Look;
use crate::theme::{self, text, tokens};
use crate::widgets::{button, dim, from_right, pill};

/// Which moment is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The tape's name, if it is not this run's.
    pub tape: Option<String>,
    /// Cluster time in microseconds.
    pub at: u64,
    /// How many entries have happened.
    pub end: usize,
    /// The first that is kept, and how many there are.
    pub range: (usize, usize),
    /// Whether there is no cluster to go back to.
    pub alone: bool,
}

/// What was asked for in the banner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PastClick {
    Look(Look),
    BackToNow,
}

/// The banner; without a past there is none.
pub(crate) fn past_banner_ui(ui: &mut Ui, shown: Option<&Shown>) -> Option<PastClick> {
    let shown = shown?;
    let t = tokens(ui);
    let mut clicked = None;
    let row = Frame::new().fill(t.saffron_wash).inner_margin(Margin::symmetric(16, 4));
    Panel::top("past").exact_size(36.0).frame(row).show(ui, |ui| {
        ui.horizontal_centered(|ui| {
            let title = if shown.tape.is_some() { "Tape" } else { "Past" };
            pill(ui, title, t.on_saffron, t.saffron);
            let words = match &shown.tape {
                Some(name) => format!("This is the tape {name}: {} s", wording::clock(shown.at)),
                None => format!("This is the past: {} s", wording::clock(shown.at)),
            };
            ui.label(RichText::new(words).font(theme::strong(text::BODY)).color(t.text));
            if button(ui, "◀").accessible_name("one message back").on_hover_text("One message back (←)").clicked() {
                clicked = Some(PastClick::Look(Look::Back));
            }
            if button(ui, "▶").accessible_name("one message forward").on_hover_text("One message forward (→)").clicked()
            {
                clicked = Some(PastClick::Look(Look::On));
            }
            from_right(ui, |ui| {
                let back = match (&shown.tape, shown.alone) {
                    (_, true) => "To the end",
                    (Some(_), false) => "Close the tape",
                    (None, false) => "Back to now",
                };
                if button(ui, back).on_hover_text("End").clicked() {
                    clicked = Some(PastClick::BackToNow);
                }
                dim(ui, format!("{} of {}", shown.end, shown.range.1)).on_hover_text("Entries of the tape");
                ui.spacing_mut().slider_width = (ui.available_width() - 24.0).max(60.0);
                let (mut end, (first, last)) = (shown.end, shown.range);
                let slider = Slider::new(&mut end, first..=last).show_value(false);
                if ui.add(slider).accessible_name("moment").changed() {
                    clicked = Some(PastClick::Look(Look::After(end)));
                }
            });
        });
    });
    clicked
}
