//! The page of help: the fourteen steps with their picture, the glossary, and the keys. Nothing of it depends on the cluster.

mod steps;

use egui::{Grid, Label, RichText, ScrollArea, Ui};
use wording::{Term, Topic};

use crate::theme::{self, size, text, tokens};
use crate::widgets::{closing_button, dialog, dim, field, hairline, heading, scrolling, tabs};

/// What is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Page {
    #[default]
    Steps,
    Words,
    Keys,
}

/// Whether the page is open, where, and what is searched for.
#[derive(Debug, Default)]
pub struct HelpState {
    open: bool,
    page: Page,
    wanted: String,
}

impl HelpState {
    /// Opens it there.
    pub fn show(&mut self, page: Page) {
        (self.open, self.page) = (true, page);
    }
}

/// Room for what stands around the part that scrolls.
const AROUND: f32 = 3.0 * size::ROW + 26.0 * size::STEP;
/// The page at its widest, in points.
const WIDTH: f32 = 640.0;

pub(crate) fn help_ui(ui: &Ui, state: &mut HelpState) {
    if !state.open {
        return;
    }
    let width = WIDTH.min(ui.content_rect().width() - 64.0).max(0.0);
    let modal = dialog(ui, "help").show(ui.ctx(), |ui| {
        ui.set_width(width);
        ui.horizontal(|ui| {
            let choices = [(Page::Steps, "The fourteen steps"), (Page::Words, "Words"), (Page::Keys, "Keys")];
            state.page = tabs(ui, state.page, &choices).unwrap_or(state.page);
        });
        hairline(ui);
        if state.page == Page::Words {
            field(ui, &mut state.wanted, "Search the words", "Show only words with …", 240.0);
        }
        // Of the same height whatever is shown: then nothing moves from under the pointer.
        let height = (ui.ctx().content_rect().height() - AROUND).max(2.0 * size::ROW);
        let area = ScrollArea::vertical().id_salt(state.page as u8);
        let area = area.max_height(height).min_scrolled_height(height).auto_shrink(false);
        scrolling(ui, area, |ui| match state.page {
            Page::Steps => steps::steps_ui(ui),
            Page::Words => words(ui, &state.wanted),
            Page::Keys => keys(ui),
        });
        ui.add_space(8.0);
        closing_button(ui, "Close");
    });
    state.open = !modal.should_close();
}

/// The glossary, or those of its terms in which the words occur.
fn words(ui: &mut Ui, wanted: &str) {
    let wanted = wanted.trim().to_lowercase();
    let has = |term: &Term| term.explained().to_lowercase().contains(&wanted);
    let mut found = false;
    for topic in Topic::ALL {
        let terms: Vec<Term> = Term::of(topic).filter(has).collect();
        if terms.is_empty() {
            continue;
        }
        found = true;
        heading(ui, topic.title());
        terms.into_iter().for_each(|term| entry(ui, term));
    }
    if !found {
        dim(ui, wording::NO_SUCH_WORD);
    }
}

/// A term and its definition.
fn entry(ui: &mut Ui, term: Term) {
    ui.add(Label::new(RichText::new(wording::capitalised(&term.word())).font(theme::strong(text::BODY))).wrap());
    ui.add(Label::new(RichText::new(term.definition()).color(tokens(ui).text)).wrap());
    ui.add_space(size::STEP);
}

fn keys(ui: &mut Ui) {
    ui.spacing_mut().interact_size.y = 18.0;
    Grid::new("keys").num_columns(2).spacing([24.0, 8.0]).show(ui, |ui| {
        for (keys, does) in wording::SHORTCUTS {
            ui.label(RichText::new(keys).font(theme::strong(text::BODY)));
            ui.label(does);
            ui.end_row();
        }
    });
}
