//! The list of a folder: which of it is shown, which row is chosen, and how it is drawn. Only the rows in sight are, so that
//! ten thousand cost no more than ten.

use std::path::{Path, PathBuf};

use egui::{Align2, Key, ScrollArea, Ui};

use crate::folders::{Item, Listed, Listing, Sort};
use crate::theme::{self, size, text, tokens};
use crate::widgets::{dim, elided, row};

/// What is in a folder, as far as it is shown.
#[derive(Debug, Default)]
pub(super) struct Rows {
    folder: Option<PathBuf>,
    /// None: it is being read.
    listed: Option<Listed>,
    /// Which of them are shown.
    shown: Vec<u32>,
    /// For which filter they were chosen: what was typed, whether all files are shown, and which sort is meant.
    filter: Option<(String, bool, Sort)>,
    /// Among those that are shown.
    chosen: Option<usize>,
    scrolls: bool,
    /// The list begins from its top again: what was scrolled to was another one.
    is_other: bool,
}

impl Rows {
    /// Shows another folder from now on. True: it must be read first.
    pub(crate) fn turn_to(&mut self, folder: &Path) -> bool {
        if self.folder.as_deref() == Some(folder) {
            return false;
        }
        *self = Self { folder: Some(folder.to_owned()), ..Self::default() };
        true
    }

    /// What is in a folder; another one may be shown by now.
    pub fn learn(&mut self, folder: &Path, listed: Listed) {
        if self.folder.as_deref() == Some(folder) {
            (self.listed, self.filter, self.chosen) = (Some(listed), None, None);
        }
    }

    fn items(&self) -> &[Item] {
        match &self.listed {
            Some(Ok(listing)) => &listing.items,
            Some(Err(_)) | None => &[],
        }
    }

    fn item(&self, row: usize) -> Option<&Item> {
        self.items().get(*self.shown.get(row)? as usize)
    }

    pub fn chosen(&self) -> Option<&Item> {
        self.item(self.chosen?)
    }

    /// The entry of this name, shown or not.
    pub fn called(&self, name: &str) -> Option<&Item> {
        self.items().iter().find(|item| !name.is_empty() && item.shown == name)
    }

    pub(crate) fn choose_nothing(&mut self) {
        self.chosen = None;
    }

    pub(crate) fn move_by(&mut self, by: isize) {
        let Some(last) = self.shown.len().checked_sub(1) else { return };
        let next = match self.chosen {
            Some(now) => now.saturating_add_signed(by),
            None if by < 0 => last,
            None => by as usize - 1,
        };
        (self.chosen, self.scrolls) = (Some(next.min(last)), true);
    }

    /// What is typed chooses the entry of that name, or else the first that begins so.
    pub(crate) fn choose_typed(&mut self, lower: &str) {
        self.chosen = None;
        if lower.is_empty() {
            return;
        }
        let named = |whole: bool| {
            let fits = |item: &Item| if whole { item.lower == lower } else { item.lower.starts_with(lower) };
            (0..self.shown.len()).find(|row| self.item(*row).is_some_and(fits))
        };
        let exact = named(true);
        // A file of this very name may be among those that are not shown: its path is typed already.
        let is_elsewhere = self.items().iter().any(|item| item.lower == lower);
        self.chosen = exact.or_else(|| if is_elsewhere { None } else { named(false) });
        self.scrolls = self.chosen.is_some();
    }

    /// Shows what has this in its name.
    pub fn filter(&mut self, lower: &str, all: bool, sort: Sort) {
        let is_it = |(known, known_all, known_sort): &(String, bool, Sort)| {
            known == lower && (*known_all, *known_sort) == (all, sort)
        };
        if self.listed.is_none() || self.filter.as_ref().is_some_and(is_it) {
            return;
        }
        let kept = self.chosen().map(|item| item.name.clone());
        let fits = |item: &Item| {
            let opens = item.is_folder || Sort::by_name(Path::new(&item.name)) == Some(sort);
            (all || (opens && !item.is_hidden())) && item.lower.contains(lower)
        };
        self.shown = (0..).zip(self.items()).filter(|(_, item)| fits(item)).map(|(at, _)| at).collect();
        let stays = |row: &usize| kept.is_some() && self.item(*row).map(|item| &item.name) == kept.as_ref();
        self.chosen = (0..self.shown.len()).find(stays);
        self.filter = Some((lower.to_owned(), all, sort));
        self.is_other = true;
    }

    /// Draws the list in this height. Returns the row that was clicked, and whether it is to be opened.
    pub fn ui(&mut self, ui: &mut Ui, height: f32) -> Option<(Item, bool)> {
        let mut area = ScrollArea::vertical().max_height(height).min_scrolled_height(height).auto_shrink(false);
        let each = size::ROW + ui.spacing().item_spacing.y;
        if std::mem::take(&mut self.is_other) {
            area = area.vertical_scroll_offset(0.0);
        }
        if let Some(chosen) = self.chosen.filter(|_| std::mem::take(&mut self.scrolls)) {
            area = area.vertical_scroll_offset((chosen as f32 * each - (height - each) / 2.0).max(0.0));
        }
        ui.scope(|ui| {
            ui.set_height(height);
            match &self.listed {
                None => drop(dim(ui, wording::READING_FOLDER)),
                Some(Err(why)) => drop(ui.add(egui::Label::new(why).wrap())),
                Some(Ok(_)) if self.shown.is_empty() => {
                    let is_typed = self.filter.as_ref().is_some_and(|(typed, ..)| !typed.is_empty());
                    drop(dim(ui, if is_typed { wording::NO_SUCH_NAME } else { wording::NOTHING_HERE }));
                }
                Some(Ok(Listing { is_cut, .. })) => {
                    if *is_cut {
                        dim(ui, wording::FOLDER_IS_CUT);
                    }
                    let rows = |ui: &mut Ui, range: std::ops::Range<usize>| {
                        range.filter_map(|at| Some((at, one(ui, self.item(at)?, self.chosen == Some(at))?))).last()
                    };
                    let clicked = area.show_rows(ui, size::ROW, self.shown.len(), rows).inner;
                    let (at, opens) = clicked?;
                    self.chosen = Some(at);
                    return Some((self.item(at)?.clone(), opens));
                }
            }
            None
        })
        .inner
    }
}

/// One row. Some: it was clicked; true: it is to be opened.
fn one(ui: &mut Ui, item: &Item, is_chosen: bool) -> Option<bool> {
    let t = tokens(ui);
    let name = format!("{} {}", if item.is_folder { "folder" } else { "file" }, item.shown);
    let mut response = row(ui, size::ROW, is_chosen, &name, |painter, rect| {
        let (font, ink) = match item.is_folder {
            true => (theme::strong(text::BODY), t.text),
            false => (theme::plain(text::BODY), t.text),
        };
        let words = if item.is_folder { format!("{}/", item.shown) } else { item.shown.clone() };
        let galley = elided(painter, &words, font, ink, rect.width() - 20.0);
        let at = Align2::LEFT_CENTER.anchor_size(rect.left_center() + egui::vec2(10.0, 0.0), galley.size()).min;
        painter.galley(at, galley, ink);
    });
    if !item.is_text() {
        response = response.on_hover_text(wording::NAME_IS_NO_TEXT);
    }
    let by_key =
        response.has_focus() && ui.input(|input| input.key_pressed(Key::Enter) || input.key_pressed(Key::Space));
    response.clicked().then(|| by_key || response.double_clicked())
}
