//! The last page: what was seen, what was predicted, the rule behind it, and what to try next.

use egui::{Label, RichText, Ui};

use super::{LessonClick, Shown, title};
use crate::theme::{self, size, text, tokens};
use crate::widgets::{button, dim, hairline, heading};
use scenarios::Conclusion;
use scenarios::lesson_run::LessonRun;

/// The whole page.
pub(super) fn end_ui(ui: &mut Ui, shown: &Shown<'_>, run: &LessonRun) -> Option<LessonClick> {
    let t = tokens(ui);
    let Some(outcome) = shown.outcome else {
        title(ui, shown.title);
        ui.add(Label::new(RichText::new(wording::LESSON_JUDGED).size(text::LARGE)).wrap());
        return None;
    };
    let mut clicked = None;
    title(ui, "What you saw");
    let (sign, ink) = match outcome.caught || outcome.conclusion == Conclusion::Holds {
        true => ("✓", t.basil_text),
        false => ("○", t.tomato_text),
    };
    let verdict = format!("{sign} {}", wording::result(outcome, run.lesson().unsafe_switches().next()));
    ui.add(Label::new(RichText::new(verdict).size(text::BODY).color(ink)).wrap());
    heading(ui, "Your predictions");
    let all = (0..run.lesson().pages.len()).filter_map(|number| run.revealed(number));
    ui.add(Label::new(RichText::new(wording::predictions(all)).size(text::BODY)).wrap());
    hairline(ui);
    for (number, (page, progress)) in run.pages().enumerate() {
        let Some(at) = progress.done_at else { continue };
        ui.horizontal_wrapped(|ui| {
            let right = run.revealed(number).and_then(|revealed| revealed.is_right());
            let (sign, ink) = match right {
                Some(true) => ("✓", t.basil_text),
                Some(false) => ("✗", t.tomato_text),
                None => ("·", t.dim),
            };
            ui.label(RichText::new(sign).color(ink));
            ui.add(Label::new(RichText::new(&page.title).size(text::BODY)).wrap());
            // In one line: a link that is torn in two is hard to click.
            let words = wording::SHOW_ME.replace(' ', "\u{a0}");
            let link = ui.link(RichText::new(words).size(text::SMALL));
            if link.accessible_name(format!("{}: {}", wording::SHOW_ME, page.title)).clicked() {
                clicked = Some(LessonClick::ShowMoment(at));
            }
        });
    }
    heading(ui, "The rule behind it");
    ui.add(Label::new(RichText::new(&run.lesson().rule).font(theme::strong(text::BODY))).wrap());
    if !run.lesson().try_next.is_empty() {
        heading(ui, "Try next");
    }
    for name in &run.lesson().try_next {
        if button(ui, &wording::try_next(name)).clicked() {
            clicked = Some(LessonClick::Try(name.clone()));
        }
    }
    ui.add_space(3.0 * size::STEP);
    ui.horizontal_wrapped(|ui| {
        if button(ui, "All lessons…").clicked() {
            clicked = Some(LessonClick::Catalogue);
        }
        if button(ui, "Take it again").clicked() {
            clicked = Some(LessonClick::StartOver);
        }
        if button(ui, "Close the lesson").clicked() {
            clicked = Some(LessonClick::Leave);
        }
    });
    dim(ui, "");
    clicked
}
