//! The dialog in which a file is named: by its path, or chosen from what is in its folder. Nothing is read here: the app
//! lists folders and opens and saves files, and says how it went.

mod named;
mod purpose;
mod rows;

use std::path::{Path, PathBuf};

use egui::{Key, Modifiers, RichText, Role, Ui, WidgetInfo};

pub use self::named::named;
pub use self::purpose::{Purpose, Saves};
use crate::folders::{Item, Listed, Sort, called, set_up_folder};
use crate::theme::text;
use crate::widgets::{button, checkbox, closing_button, destructive, dialog, dim, field, heading};
use rows::Rows;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decided {
    /// Save it there; whether what is there may be lost.
    Save {
        what: Saves,
        path: PathBuf,
        /// A person has agreed that the file of that name is replaced.
        replaces: bool,
    },
    /// Open it; it is expected to be of this sort, but its content decides.
    Open(PathBuf, Sort),
}

/// What is being typed and chosen about files.
#[derive(Debug, Default)]
pub struct FilesState {
    asked: Option<Purpose>,
    /// Whether the dialog has just been opened.
    is_new: bool,
    typed: String,
    /// Where the last file was; what is typed counts from there.
    folder: Option<PathBuf>,
    /// Where set-ups are looked for, if not among those that have a name.
    set_ups: Option<PathBuf>,
    rows: Rows,
    shows_all: bool,
    to_list: Option<PathBuf>,
    decided: Option<Decided>,
    replaces: Option<(Saves, PathBuf)>,
    reported: Option<String>,
    /// The name under which a tape was saved last.
    saved_as: Option<String>,
    /// Files that were saved or opened, newest first; remembered between runs.
    pub recent: Vec<PathBuf>,
}

/// This many are offered again.
const MOST_RECENT: usize = 5;

impl FilesState {
    pub fn ask(&mut self, purpose: Purpose) {
        self.typed = match purpose {
            Purpose::Save(Saves::Tape) if self.saved_as.is_some() => self.saved_as.clone().unwrap_or_default(),
            Purpose::Save(_) => purpose.example().into(),
            Purpose::Open(_) => String::new(),
        };
        (self.asked, self.is_new, self.shows_all) = (Some(purpose), true, false);
        self.rows = Rows::default();
    }

    /// Asks for a file in this folder, which was taken for one.
    pub(crate) fn ask_in(&mut self, folder: PathBuf, sort: Sort) {
        self.ask(Purpose::Open(sort));
        self.go(folder);
    }

    /// The folder that is to be listed now.
    pub(crate) fn take_folder_to_list(&mut self) -> Option<PathBuf> {
        self.to_list.take()
    }

    /// What is in a folder, or why that is not known.
    pub fn learn(&mut self, folder: &Path, listed: Listed) {
        self.rows.learn(folder, listed);
    }

    pub(crate) fn take_decided(&mut self) -> Option<Decided> {
        self.decided.take()
    }

    /// There is a file of that name: may it be lost?
    pub(crate) fn ask_to_replace(&mut self, what: Saves, path: PathBuf) {
        self.replaces = Some((what, path));
    }

    /// A file was saved or opened: it is offered again, and its folder is where the next one is looked for.
    pub fn remember(&mut self, path: &Path, was_saved: bool) {
        self.recent.retain(|other| other != path);
        self.recent.insert(0, path.to_owned());
        self.recent.truncate(MOST_RECENT);
        self.folder = path.parent().map(Path::to_owned);
        if was_saved {
            self.saved_as = path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
        }
    }

    /// A transcript was saved: it cannot be opened here, but its folder is where the next file is looked for.
    pub fn remember_folder(&mut self, path: &Path) {
        self.folder = path.parent().map(Path::to_owned);
    }

    /// Where files are looked for.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Files are looked for there from now on.
    pub fn go(&mut self, folder: PathBuf) {
        if self.asks_for_set_up() {
            self.set_ups = Some(folder);
        } else {
            self.folder = Some(folder);
        }
        if let Some(Purpose::Open(_)) = self.asked {
            self.typed.clear();
        } else {
            self.typed = split(&self.typed).1.to_owned();
        }
        self.rows.choose_nothing();
    }

    /// Tells how it went with a file.
    pub fn report(&mut self, words: String) {
        self.reported = Some(words);
    }

    fn asks_for_set_up(&self) -> bool {
        self.asked.is_some_and(|purpose| purpose.sort() == Sort::SetUp)
    }

    /// Where files are looked for, or else where the program was started, or a person is at home.
    fn base(&self) -> PathBuf {
        let begun = || std::env::current_dir().ok().or_else(std::env::home_dir);
        let last = match self.asks_for_set_up() {
            true => self.set_ups.clone().or_else(set_up_folder),
            false => self.folder.clone(),
        };
        last.or_else(begun).unwrap_or_else(|| std::path::MAIN_SEPARATOR_STR.into())
    }

    /// The folder that is listed: what is typed may name another one.
    fn listed_folder(&self) -> PathBuf {
        let base = self.base();
        let typed = split(&self.typed).0;
        if typed.is_empty() {
            return base;
        }
        // An address on the net names no folder.
        named(typed, std::env::home_dir()).map_or(base.clone(), |path| base.join(path))
    }

    fn typed_path(&self) -> Result<PathBuf, String> {
        if let Some(item) = self.rows.called(split(&self.typed).1).filter(|item| !item.is_text()) {
            return Ok(self.listed_folder().join(&item.name));
        }
        named(&self.typed, std::env::home_dir()).map(|path| self.base().join(path))
    }

    /// What Enter and the button mean: enter a folder, or decide.
    fn decide(&mut self, purpose: Purpose) -> bool {
        let chosen = match purpose {
            Purpose::Save(_) => self.rows.called(split(&self.typed).1).filter(|item| item.is_folder),
            Purpose::Open(_) => self.rows.chosen(),
        };
        if let Some(item) = chosen.cloned() {
            return self.take(&item, purpose);
        }
        if self.typed.trim().is_empty() {
            return false;
        }
        match self.typed_path() {
            Ok(path) => self.decided = Some(decision(purpose, path)),
            Err(why) => self.report(why),
        }
        true
    }

    /// A row was opened. True: it was decided.
    fn take(&mut self, item: &Item, purpose: Purpose) -> bool {
        let path = self.listed_folder().join(&item.name);
        if item.is_folder {
            self.go(path);
            return false;
        }
        self.decided = Some(decision(purpose, path));
        true
    }
}

fn decision(purpose: Purpose, path: PathBuf) -> Decided {
    match purpose {
        Purpose::Save(what) => Decided::Save { what, path, replaces: false },
        Purpose::Open(sort) => Decided::Open(path, sort),
    }
}

/// The folder in what is typed, with its last stroke, and what comes after it.
fn split(typed: &str) -> (&str, &str) {
    let typed = typed.trim().trim_matches('"');
    if typed == "~" {
        return (typed, "");
    }
    typed.split_at(typed.rfind(std::path::is_separator).map_or(0, |at| at + 1))
}

/// The dialogs about files, if one is open.
pub(crate) fn files_ui(ui: &Ui, state: &mut FilesState) {
    if state.reported.is_some() {
        return reported_ui(ui, &mut state.reported);
    }
    if state.replaces.is_some() {
        return replaces_ui(ui, state);
    }
    let Some(purpose) = state.asked else { return };
    let folder = state.listed_folder();
    if state.rows.turn_to(&folder) {
        state.to_list = Some(folder);
    }
    let mut is_decided = false;
    let modal = dialog(ui, "file").show(ui.ctx(), |ui| {
        ui.set_width((ui.ctx().content_rect().width() - 80.0).clamp(200.0, 560.0));
        heading(ui, purpose.title());
        ui.add(egui::Label::new(purpose.hint()).wrap());
        is_decided = ask_ui(ui, state, purpose);
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            let can = !state.typed.trim().is_empty() || state.rows.chosen().is_some();
            if ui.add_enabled(can, egui::Button::new(purpose.title())).clicked() {
                is_decided |= state.decide(purpose);
            }
            closing_button(ui, "Cancel");
        });
        if is_decided {
            ui.close();
        }
    });
    state.is_new = false;
    if modal.should_close() {
        state.asked = None;
    }
}

/// The field, the folder, and what is in it. True: it was decided.
fn ask_ui(ui: &mut Ui, state: &mut FilesState, purpose: Purpose) -> bool {
    let presses = |modifiers, key| ui.input_mut(|input| input.consume_key(modifiers, key));
    let up =
        presses(Modifiers::ALT, Key::ArrowUp) || (state.typed.is_empty() && presses(Modifiers::NONE, Key::Backspace));
    let (home, enter) = (presses(Modifiers::ALT, Key::Home), ui.input(|input| input.key_pressed(Key::Enter)));
    let steps = [(Key::ArrowUp, -1), (Key::ArrowDown, 1), (Key::PageUp, -8), (Key::PageDown, 8)];
    for (key, by) in steps {
        if presses(Modifiers::NONE, key) {
            state.rows.move_by(by);
        }
    }
    let width = ui.available_width() - 20.0;
    let typed = field(ui, &mut state.typed, "File", purpose.example(), width).on_hover_text(
        "Type a name or a path; ~ is your home folder. Typing also filters the list. Use the arrows to choose and Enter to open.",
    );
    let mut is_decided = enter && (typed.lost_focus() || typed.has_focus()) && state.decide(purpose);
    let went = folder_ui(ui, state, purpose, up, home, &mut is_decided);
    let filter = split(&state.typed).1.to_lowercase();
    let saves = matches!(purpose, Purpose::Save(_));
    // A name that is there already is shown among the others, not alone.
    state.rows.filter(if saves { "" } else { &filter }, state.shows_all, purpose.sort());
    if typed.changed() {
        state.rows.choose_typed(&filter);
    }
    let height = (ui.ctx().content_rect().height() - 330.0).clamp(72.0, 300.0);
    let clicked = state.rows.ui(ui, height);
    if let Some((item, opens)) = &clicked {
        if *opens {
            is_decided |= state.take(item, purpose);
        } else if saves && !item.is_folder {
            let folder = split(&state.typed).0.to_owned();
            state.typed = folder + &item.shown;
        }
    }
    let is_idle = ui.memory(|memory| memory.focused().is_none());
    if state.is_new || went || clicked.is_some_and(|(_, opens)| !opens) || is_idle {
        typed.request_focus();
    }
    checkbox(ui, &mut state.shows_all, "All files").on_hover_text("Show hidden files and all file types");
    is_decided
}

/// Up, Home, recent files, and which folder is listed. True: another one is, from now on.
fn folder_ui(ui: &mut Ui, state: &mut FilesState, purpose: Purpose, up: bool, home: bool, decided: &mut bool) -> bool {
    let folder = state.listed_folder();
    let mut goes = None;
    ui.horizontal(|ui| {
        if button(ui, "Up").on_hover_text("The parent folder (Alt ↑)").clicked() || up {
            goes = folder.parent().map(Path::to_owned);
        }
        if button(ui, "Home").on_hover_text("Your home folder (Alt Home)").clicked() || home {
            goes = std::env::home_dir();
        }
        let recent = state.recent.clone();
        let menu = ui.add_enabled_ui(!recent.is_empty(), |ui| {
            ui.menu_button(RichText::new("Recent").size(text::BODY), |ui| {
                for path in &recent {
                    let shown = called(path.as_os_str(), 200);
                    if ui.button(&shown).clicked() {
                        match purpose {
                            Purpose::Save(_) => state.typed = path.display().to_string(),
                            Purpose::Open(_) => {
                                state.decided = Some(decision(purpose, path.clone()));
                                *decided = true;
                            }
                        }
                        ui.close();
                    }
                }
            });
        });
        menu.response.on_disabled_hover_text("No file has been opened or saved yet");
        let shown = called(folder.as_os_str(), 400);
        let label = egui::Label::new(RichText::new(&shown).size(text::SMALL)).truncate();
        let response = ui.add(label);
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("folder: {shown}")));
    });
    let goes_elsewhere = goes.is_some();
    if let Some(folder) = goes {
        state.go(folder);
    }
    goes_elsewhere
}

fn reported_ui(ui: &Ui, reported: &mut Option<String>) {
    let Some(words) = reported.clone() else { return };
    let modal = dialog(ui, "reported").show(ui.ctx(), |ui| {
        ui.set_max_width(460.0);
        ui.add(egui::Label::new(words).wrap());
        ui.add_space(8.0);
        closing_button(ui, "Close");
    });
    if modal.should_close() {
        *reported = None;
    }
}

/// Asks before a file is replaced. To keep the old file, a person can type another name.
fn replaces_ui(ui: &Ui, state: &mut FilesState) {
    let Some((what, path)) = state.replaces.clone() else { return };
    let shown = |part: Option<&std::ffi::OsStr>| called(part.unwrap_or_default(), 200);
    let (name, folder) = (shown(path.file_name()), shown(path.parent().map(Path::as_os_str)));
    let mut replaces = false;
    let modal = dialog(ui, "replaces").show(ui.ctx(), |ui| {
        ui.set_max_width(460.0);
        heading(ui, "Replace the file?");
        ui.add(egui::Label::new(wording::replaces(&name, &folder)).wrap());
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            let keep = button(ui, "Keep it");
            if ui.memory(|memory| memory.focused().is_none()) {
                keep.request_focus();
            }
            replaces = destructive(ui, "Replace").clicked();
            if keep.clicked() || replaces {
                ui.close();
            }
        });
        dim(ui, "Keep the file and choose another name");
    });
    if modal.should_close() {
        state.replaces = None;
        if replaces {
            state.decided = Some(Decided::Save { what, path, replaces });
        } else {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            state.ask(Purpose::Save(what));
            state.go(path.parent().unwrap_or(Path::new("")).to_owned());
            state.typed = name.unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folders::Listing;

    #[test]
    fn a_file_that_was_used_is_offered_once_and_first_and_its_folder_is_where_one_looks() {
        let mut state = FilesState::default();
        for name in ["/a/1", "/a/2", "/a/3", "/b/1", "/a/1", "/a/4", "/c/5"] {
            state.remember(Path::new(name), name == "/a/4");
        }
        assert_eq!(state.recent, ["/c/5", "/a/4", "/a/1", "/b/1", "/a/3"].map(PathBuf::from));
        assert_eq!(state.folder(), Some(Path::new("/c")));
        state.ask(Purpose::Save(Saves::Tape));
        assert_eq!((state.typed.as_str(), state.listed_folder()), ("4", PathBuf::from("/c")));
        state.ask(Purpose::Open(Sort::Tape));
        assert_eq!(state.typed, "");
    }

    #[test]
    fn what_is_typed_may_name_another_folder() {
        let mut state = FilesState { folder: Some("/ada".into()), ..FilesState::default() };
        for (typed, folder, path) in [
            ("x", "/ada", "/ada/x"),
            ("tapes/x", "/ada/tapes", "/ada/tapes/x"),
            ("/tmp/x", "/tmp/", "/tmp/x"),
            ("\"/tmp/a b\"", "/tmp/", "/tmp/a b"),
            ("file:///tmp/x", "/tmp/", "/tmp/x"),
        ] {
            state.typed = typed.into();
            let found = (state.listed_folder(), state.typed_path());
            assert_eq!(found, (PathBuf::from(folder), Ok(PathBuf::from(path))), "{typed}");
        }
    }

    #[test]
    fn enter_goes_into_a_folder_and_opens_a_file_by_its_own_name() {
        let mut state = FilesState::default();
        state.go("/ada".into());
        state.ask(Purpose::Open(Sort::Tape));
        let item = |name: &[u8], is_folder| Item::new(os(name), is_folder);
        let items = vec![item(b"tapes", true), item(b"caf\xe9.jhtape", false)];
        assert!(state.rows.turn_to(Path::new("/ada")));
        state.learn(Path::new("/ada"), Ok(Listing { items, is_cut: false }));
        state.rows.filter("", false, Sort::Tape);
        state.rows.move_by(1);
        assert!(!state.decide(Purpose::Open(Sort::Tape)));
        assert_eq!(state.folder(), Some(Path::new("/ada/tapes")));
        state.go("/ada".into());
        state.rows.move_by(2);
        assert!(state.decide(Purpose::Open(Sort::Tape)));
        let path = Path::new("/ada").join(os(b"caf\xe9.jhtape"));
        assert_eq!(state.take_decided(), Some(Decided::Open(path, Sort::Tape)));
    }

    fn os(name: &[u8]) -> std::ffi::OsString {
        #[cfg(unix)]
        return std::os::unix::ffi::OsStringExt::from_vec(name.to_vec());
        #[cfg(not(unix))]
        return String::from_utf8_lossy(name).into_owned().into();
    }
}
