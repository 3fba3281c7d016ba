//! The editor of a lesson, in the place of the inspector: its head, its pages with their steps in words, and what is typed on them.
//!
//! What a page may become is the draft's matter; here it is typed and clicked.

mod page;

use egui::{Label, RichText, ScrollArea, TextEdit, Ui};

use crate::theme::{self, size, text, tokens};
use crate::widgets::{button, closing_button, destructive, dialog, dim, hairline, heading, main_button, scrolling};
use scenarios::{Draft, Fault, WaitFor};

/// A lesson that is being written.
#[derive(Debug)]
pub(crate) struct Editor {
    pub draft: Draft,
    /// As it was saved last.
    saved: Option<Draft>,
    /// What the recording could not say.
    remarks: Vec<String>,
    /// The page that is open, from 0.
    page: usize,
    asks_discard: bool,
}

/// Asked for in the editor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EditorClick {
    /// To perform it, exactly as a lesson.
    Try,
    Save,
    /// A person has agreed, or nothing is lost.
    Discard,
}

/// What is done with pages, once all are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
enum PageClick {
    Open(usize),
    Move(usize, usize),
    Merge(usize),
    Split(usize),
    Insert(usize),
    Delete(usize),
    Ask(usize, WaitFor),
    AskNoMore(usize),
}

impl Editor {
    pub fn new(draft: Draft, remarks: Vec<String>, is_saved: bool) -> Self {
        let saved = is_saved.then(|| draft.clone());
        Self { draft, saved, remarks, page: 0, asks_discard: false }
    }

    pub fn is_unsaved(&self) -> bool {
        self.saved.as_ref() != Some(&self.draft)
    }

    /// It was written to a file as it is.
    pub fn is_saved(&mut self) {
        self.saved = Some(self.draft.clone());
    }

    fn follow(&mut self, click: PageClick) {
        let draft = &mut self.draft;
        match click {
            PageClick::Open(page) => self.page = page,
            PageClick::Move(page, other) => {
                draft.exchange(page, other);
                self.page = other;
            }
            PageClick::Merge(page) => {
                draft.merge_with_before(page);
                self.page = page.saturating_sub(1);
            }
            PageClick::Split(page) => draft.split(page),
            PageClick::Insert(page) => {
                draft.insert_after(page);
                self.page = page + 1;
            }
            PageClick::Delete(page) => draft.remove(page),
            PageClick::Ask(page, otherwise) => draft.ask(page, otherwise),
            PageClick::AskNoMore(page) => draft.ask_no_more(page),
        }
        self.page = self.page.min(self.draft.pages.len().saturating_sub(1));
    }
}

/// The whole panel.
pub(crate) fn editor_ui(ui: &mut Ui, editor: &mut Editor, refuses: Option<&str>) -> Option<EditorClick> {
    discard_ui(ui, editor).or_else(|| {
        let fault = editor.draft.lesson().err();
        let below = BUTTONS + if fault.is_some() { 2.0 * size::ROW } else { 0.0 };
        let room = (ui.available_height() - below).max(3.0 * size::ROW);
        let area = ScrollArea::vertical().id_salt("editor").auto_shrink(false).max_height(room);
        let clicked = scrolling(ui, area, |ui| {
            head_ui(ui, editor);
            pages_ui(ui, editor)
        });
        if let Some(click) = clicked {
            editor.follow(click);
        }
        buttons_ui(ui, editor, fault.as_ref(), refuses)
    })
}

/// Room for the buttons below.
const BUTTONS: f32 = 92.0;

fn head_ui(ui: &mut Ui, editor: &mut Editor) {
    heading(ui, "Your lesson");
    let Editor { draft, remarks, .. } = editor;
    let head = &mut draft.head;
    line(ui, &mut head.title, "Title", 200);
    lines(ui, &mut head.goal, "The reader will understand", 200, 2, wording::GOAL_MEANS);
    lines(ui, &mut head.rule, "The rule, shown at the end", 200, 2, wording::RULE_MEANS);
    ui.horizontal(|ui| {
        let label = dim(ui, "Minutes");
        ui.add(egui::DragValue::new(&mut head.minutes).range(1..=60)).labelled_by(label.id);
    });
    let t = tokens(ui);
    for remark in remarks {
        ui.add(Label::new(RichText::new(format!("! {remark}")).size(text::SMALL).color(t.saffron_text)).wrap());
    }
    ui.add_space(size::STEP);
}

/// A field of one line with its name above it.
fn line(ui: &mut Ui, words: &mut String, name: &str, most: usize) {
    let label = dim(ui, name);
    let field = TextEdit::singleline(words).char_limit(most).margin(egui::vec2(8.0, 5.0)).desired_width(f32::INFINITY);
    ui.add(field).accessible_name(name).labelled_by(label.id);
}

/// A field of several lines with its name above it.
fn lines(ui: &mut Ui, words: &mut String, name: &str, most: usize, rows: usize, hint: &str) {
    let label = dim(ui, name);
    let field = TextEdit::multiline(words)
        .char_limit(most)
        .margin(egui::vec2(8.0, 5.0))
        .desired_rows(rows)
        .desired_width(f32::INFINITY);
    let field = ui.add(field).accessible_name(name).labelled_by(label.id);
    field.on_hover_text(hint);
}

fn pages_ui(ui: &mut Ui, editor: &mut Editor) -> Option<PageClick> {
    let mut clicked = None;
    heading(ui, "Pages");
    let open = editor.page;
    for number in 0..editor.draft.pages.len() {
        hairline(ui);
        if number == open {
            ui.push_id(("page", number), |ui| {
                clicked = clicked.take().or(page::page_ui(ui, &mut editor.draft, number))
            });
        } else {
            let title = editor.draft.pages.get(number).map_or("", |page| page.title.as_str());
            let words = format!("{}  {title}", number + 1);
            let name = format!("Page {}: {title}", number + 1);
            let response = crate::widgets::row(ui, size::ROW, false, &name, |painter, rect| {
                let galley = crate::widgets::elided(
                    painter,
                    &words,
                    theme::plain(text::BODY),
                    tokens_ink(painter),
                    rect.width() - 8.0,
                );
                painter.galley(
                    rect.left_center() + egui::vec2(4.0, -galley.size().y / 2.0),
                    galley,
                    tokens_ink(painter),
                );
            });
            if response.clicked() {
                clicked = Some(PageClick::Open(number));
            }
        }
    }
    hairline(ui);
    if editor.draft.pages.is_empty() && button(ui, "Insert a page").clicked() {
        clicked = Some(PageClick::Insert(0));
    }
    clicked
}

fn tokens_ink(painter: &egui::Painter) -> egui::Color32 {
    crate::theme::tokens_of(painter.ctx().theme()).text
}

fn buttons_ui(ui: &mut Ui, editor: &mut Editor, fault: Option<&Fault>, refuses: Option<&str>) -> Option<EditorClick> {
    let t = tokens(ui);
    let mut clicked = None;
    if let Some(fault) = fault {
        let words = RichText::new(wording::draft_fault(fault)).size(text::SMALL).color(t.tomato_text);
        ui.add(Label::new(words).wrap());
    }
    ui.add_space(size::STEP);
    let can = fault.is_none() && refuses.is_none();
    let tries = main_button(ui, "Try it", can);
    if tries.on_hover_text(wording::LESSON_BEGINS).clicked() {
        clicked = Some(EditorClick::Try);
    }
    ui.add_space(size::STEP);
    ui.horizontal(|ui| {
        let save = ui.add_enabled_ui(fault.is_none(), |ui| button(ui, "Save…")).inner;
        if save.on_hover_text(wording::SAVE_LESSON_HINT).clicked() {
            clicked = Some(EditorClick::Save);
        }
        if editor.is_unsaved() {
            editor.asks_discard |= destructive(ui, "Discard…").clicked();
        } else if button(ui, "Close").accessible_name("Close the editor").clicked() {
            clicked = Some(EditorClick::Discard);
        }
    });
    clicked
}

/// Asks before a draft is lost.
fn discard_ui(ui: &Ui, editor: &mut Editor) -> Option<EditorClick> {
    if !editor.asks_discard {
        return None;
    }
    let mut agreed = false;
    let modal = dialog(ui, "discard lesson").show(ui.ctx(), |ui| {
        ui.set_max_width(420.0);
        heading(ui, "Discard the lesson?");
        ui.add(Label::new(wording::DISCARD_MEANS).wrap());
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            agreed = destructive(ui, "Discard").clicked();
            closing_button(ui, "Keep it");
        });
        if agreed {
            ui.close();
        }
    });
    editor.asks_discard = !modal.should_close();
    agreed.then_some(EditorClick::Discard)
}
