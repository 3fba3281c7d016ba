//! How a scenario ended, on a card: one line for each expectation, what follows, and buttons to run it again.
//!
//! Nothing is judged here: that is the scenario's own matter, in the window as in the terminal.

use egui::{Align, Color32, Label, Layout, Response, RichText, Role, Ui, WidgetInfo};

use crate::theme::{self, size, text, tokens};
use crate::widgets::{asking, button, destructive, dialog, dim, hairline, pill, scrolling_in_dialog};
use scenarios::{Compared, Conclusion, Met, Outcome, Unsafe};

#[derive(Clone, Debug)]
pub struct Told {
    pub title: String,
    pub outcome: Outcome,
    /// The injected bug, or the unsafe setting, that it is about, whether or not it was on this time.
    pub lesson: Option<Unsafe>,
}

/// Asked for on the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultClick {
    Close,
    /// The same once more.
    Again,
    /// Once more with its injected bug.
    With,
    Without,
}

/// As wide as the lines need.
const WIDTH: f32 = 660.0;
/// Room for what is above and below the lines.
const AROUND: f32 = 180.0;
/// Room of a sign with its word.
const SIGN: f32 = 84.0;
/// At most this many refused commands and skipped steps are listed one by one.
const MOST_NOT_DONE: usize = 4;

pub(crate) fn result_ui(ui: &Ui, told: &Told, refuses: Option<&str>) -> Option<ResultClick> {
    let mut clicked = None;
    let modal = dialog(ui, "result").show(ui.ctx(), |ui| {
        let whole = ui.ctx().content_rect();
        ui.set_width(WIDTH.min(whole.width() - 88.0).max(0.0));
        headline(ui, told);
        hairline(ui);
        scrolling_in_dialog(ui, AROUND, |ui| {
            columns(ui, ["", "expected", "seen"].map(|words| (words, tokens(ui).dim)), text::SMALL);
            told.outcome.lines.iter().for_each(|line| line_ui(ui, line));
            not_done(ui, &told.outcome);
        });
        ui.add_space(4.0);
        dim(ui, wording::exit_status(told.outcome.conclusion));
        ui.add_space(size::STEP);
        ui.horizontal(|ui| {
            if button(ui, "Close the result").clicked() {
                clicked = Some(ResultClick::Close);
            }
            clicked = clicked.or(asking(ui, refuses, |ui| again(ui, told)));
        });
    });
    clicked.or(modal.should_close().then_some(ResultClick::Close))
}

fn again(ui: &mut Ui, told: &Told) -> Option<ResultClick> {
    let Some(switch) = told.lesson else {
        return button(ui, "Run it again").clicked().then_some(ResultClick::Again);
    };
    let [with, without] = wording::run_with(switch);
    let with = destructive(ui, &with).clicked();
    let without = button(ui, &without).on_hover_text(wording::WITHOUT_MEANS).clicked();
    match (with, without) {
        (true, _) => Some(ResultClick::With),
        (false, true) => Some(ResultClick::Without),
        (false, false) => None,
    }
}

fn headline(ui: &mut Ui, told: &Told) {
    let t = tokens(ui);
    let outcome = &told.outcome;
    let (ink, ground) = match (outcome.conclusion, outcome.caught) {
        (Conclusion::Holds, _) => (t.on_strong, t.basil_text),
        (_, true) => (t.on_saffron, t.saffron),
        (Conclusion::Violation, false) => (t.on_strong, t.tomato_text),
        (Conclusion::Undecided | Conclusion::TooLittleEvidence, _) => (t.text, t.soft),
    };
    ui.horizontal(|ui| {
        pill(ui, wording::conclusion(outcome), ink, ground);
        dim(ui, wording::performed(outcome));
    });
    ui.add(Label::new(RichText::new(wording::result(outcome, told.lesson)).font(theme::strong(text::LARGE))).wrap());
    ui.add(Label::new(RichText::new(&told.title).size(text::BODY).color(t.dim)).wrap());
}

/// A sign and a word, what was expected, and what was seen.
fn line_ui(ui: &mut Ui, line: &Compared) {
    let t = tokens(ui);
    let (sign, ink) = match line.met {
        Met::Yes => ("✓ met", t.basil_text),
        Met::TooLittle => ("○ too few", t.text),
        Met::Broken => ("✗ broken", t.tomato_text),
    };
    let (expected, seen) = (wording::expected(&line.what), wording::seen(&line.what));
    let name = format!("{sign}: {expected}; {seen}");
    let row = columns(ui, [(sign, ink), (&expected, t.text), (&seen, ink)], text::BODY);
    row.widget_info(|| WidgetInfo::labeled(Role::Label, true, &name));
    hairline(ui);
}

/// Words side by side: a narrow column and two wide ones.
fn columns(ui: &mut Ui, columns: [(&str, Color32); 3], height: f32) -> Response {
    let gap = 3.0 * size::STEP;
    let half = (ui.available_width() - SIGN - 2.0 * gap) / 2.0;
    let row = ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = gap;
        for ((words, ink), width) in columns.into_iter().zip([SIGN, half, half]) {
            ui.allocate_ui_with_layout(egui::vec2(width, 0.0), Layout::top_down(Align::Min), |ui| {
                ui.set_width(width);
                ui.add(Label::new(RichText::new(words).size(height).color(ink)).wrap());
            });
        }
    });
    row.response
}

fn not_done(ui: &mut Ui, outcome: &Outcome) {
    let all = wording::not_done(&outcome.findings);
    for why in all.iter().take(MOST_NOT_DONE) {
        dim(ui, format!("Skipped: {why}"));
    }
    let more = all.len().saturating_sub(MOST_NOT_DONE);
    if more > 0 {
        dim(ui, format!("… and {more} more."));
    }
}
