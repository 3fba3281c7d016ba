//! The catalogue of lessons: what each is about, what it makes clear, how long it takes, and which are finished.

use egui::{Label, RichText, ScrollArea, Ui};

use crate::theme::{self, size, text, tokens};
use crate::widgets::{asking, button, dialog, dim, hairline, heading, scrolling};

/// A lesson.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// From 1.
    pub number: usize,
    pub name: String,
    pub title: String,
    pub goal: String,
    pub minutes: u32,
    /// Whether it was taken to its end before.
    pub finished: bool,
    /// The page on which it was left.
    pub left_at: Option<usize>,
}

/// Asked for in the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CatalogueClick {
    /// A lesson, from a page on.
    Take(String, usize),
    /// One from a file.
    Open,
}

/// The catalogue, while it is open.
pub fn catalogue_ui(ui: &Ui, entries: &[Entry], open: &mut bool, refuses: Option<&str>) -> Option<CatalogueClick> {
    if !*open {
        return None;
    }
    let mut clicked = None;
    let modal = dialog(ui, "lessons").show(ui.ctx(), |ui| {
        let whole = ui.ctx().content_rect();
        ui.set_width(620.0_f32.min(whole.width() - 88.0).max(0.0));
        heading(ui, "Lessons");
        dim(ui, wording::LESSONS_MEAN);
        hairline(ui);
        let height = (whole.height() - 200.0).max(160.0);
        // As high from its first frame on: what grows under the pointer is clicked wrongly.
        let height = height.min(entries.len() as f32 * ENTRY);
        let area = ScrollArea::vertical().max_height(height).min_scrolled_height(height).auto_shrink(false);
        scrolling(ui, area, |ui| {
            for entry in entries {
                clicked = clicked.take().or(entry_ui(ui, entry, refuses));
            }
        });
        ui.add_space(2.0 * size::STEP);
        ui.horizontal(|ui| {
            if button(ui, "Close").clicked() {
                ui.close();
            }
            let opens = asking(ui, refuses, |ui| button(ui, "Open a lesson…"));
            if opens.on_hover_text(wording::OPEN_LESSON_HINT).clicked() {
                clicked = Some(CatalogueClick::Open);
            }
        });
    });
    *open = !modal.should_close() && clicked.is_none();
    clicked
}

fn entry_ui(ui: &mut Ui, entry: &Entry, refuses: Option<&str>) -> Option<CatalogueClick> {
    let t = tokens(ui);
    let mut clicked = None;
    ui.horizontal_top(|ui| {
        let (sign, ink) =
            if entry.finished { ("✓".to_owned(), t.basil_text) } else { (entry.number.to_string(), t.dim) };
        ui.allocate_ui(egui::vec2(24.0, size::ROW), |ui| {
            ui.set_width(24.0);
            let label = ui.label(RichText::new(sign).font(theme::strong(text::LARGE)).color(ink));
            if entry.finished {
                label.on_hover_text("Finished");
            }
        });
        let buttons = if entry.left_at.is_some() { ROOM_FOR_BUTTONS } else { ROOM_FOR_A_BUTTON };
        let room = (ui.available_width() - buttons).max(160.0);
        ui.vertical(|ui| {
            ui.set_width(room);
            ui.spacing_mut().item_spacing.y = 2.0;
            ui.add(Label::new(RichText::new(&entry.title).font(theme::strong(text::LARGE))).wrap());
            let goal = format!("{} {}", entry.goal, wording::minutes(entry.minutes));
            ui.add(Label::new(RichText::new(goal).size(text::BODY).color(t.dim)).wrap());
        });
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Min), |ui| {
            let words = if entry.left_at.is_some() { "Start over" } else { "Start" };
            let start = asking(ui, refuses, |ui| button(ui, words));
            if start.accessible_name(format!("{words}: {}", entry.title)).clicked() {
                clicked = Some(CatalogueClick::Take(entry.name.clone(), 0));
            }
            if let Some(page) = entry.left_at {
                let resume = asking(ui, refuses, |ui| button(ui, &format!("Go on at page {}", page + 1)));
                if resume.accessible_name(format!("Go on: {}", entry.title)).clicked() {
                    clicked = Some(CatalogueClick::Take(entry.name.clone(), page));
                }
            }
        });
    });
    hairline(ui);
    clicked
}

/// How high an entry is, about.
const ENTRY: f32 = 64.0;
const ROOM_FOR_BUTTONS: f32 = 228.0;
const ROOM_FOR_A_BUTTON: f32 = 80.0;
