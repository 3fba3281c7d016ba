//! What is kept between runs, besides egui's own memory (theme, sizes of panels) and eframe's (the place and size of the window).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use eframe::Storage;

use super::Window;
use crate::panels::toolbar::Appearance;
use crate::panels::workflow_diagram::DiagramState;

/// How things look, and which files were used.
#[derive(Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub(super) struct Kept {
    pub(super) appearance: Appearance,
    pub(super) diagram: DiagramState,
    pub(super) recent_files: Vec<PathBuf>,
    /// Lessons that were taken to their end.
    pub(super) finished_lessons: BTreeSet<String>,
    /// A lesson that was left, and on which page.
    pub(super) left_lesson: Option<(String, usize)>,
    /// A lesson that was recorded or written and is in no file yet.
    pub(super) unsaved_lesson: Option<String>,
    /// Whether an order was ever placed.
    pub(super) has_ordered: bool,
    /// Where files are looked for.
    pub(super) folder: Option<PathBuf>,
}

/// Under which name it is kept. "window" is what eframe keeps the place and size of the window under, and "egui" its memory.
const KEPT: &str = "looks";

impl Kept {
    /// What was kept of the last run. A damaged memory is worth nothing: the window then looks as it does at first.
    pub(super) fn recall(storage: Option<&dyn Storage>) -> Self {
        let kept = storage.and_then(|storage| storage.get_string(KEPT));
        kept.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
    }

    /// Of this window. A name that is no text cannot be kept.
    pub(super) fn of(window: &Window) -> Self {
        let is_text = |path: &&Path| path.to_str().is_some();
        let recent = window.files_state.recent.iter().map(PathBuf::as_path).filter(is_text);
        Self {
            appearance: window.appearance,
            diagram: window.diagram.clone(),
            recent_files: recent.map(Path::to_owned).collect(),
            finished_lessons: window.lessons.finished.clone(),
            left_lesson: window.lessons.left.clone(),
            unsaved_lesson: window.unsaved_lesson(),
            has_ordered: !window.greets,
            folder: window.files_state.folder().filter(is_text).map(Path::to_owned),
        }
    }

    /// A window that takes up what was kept.
    pub(super) fn window(self) -> Window {
        let Kept {
            appearance,
            diagram,
            recent_files,
            finished_lessons,
            left_lesson,
            unsaved_lesson,
            has_ordered,
            folder,
        } = self;
        let mut window = Window { appearance, diagram, greets: !has_ordered, ..Window::default() };
        (window.lessons.finished, window.lessons.left) = (finished_lessons, left_lesson);
        if let Some(text) = unsaved_lesson {
            window.take_up_unsaved(&text);
        }
        recent_files.iter().rev().for_each(|file| window.files_state.remember(file, false));
        if let Some(folder) = folder {
            window.files_state.go(folder);
        }
        window
    }

    pub(super) fn keep(&self, storage: &mut dyn Storage) {
        if let Ok(text) = serde_json::to_string(self) {
            storage.set_string(KEPT, text);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use knowledge::user_command::{CustomerCommand, UserCommand};

    use super::*;

    #[derive(Default)]
    struct Memory(BTreeMap<String, String>);

    impl Storage for Memory {
        fn get_string(&self, key: &str) -> Option<String> {
            self.0.get(key).cloned()
        }

        fn set_string(&mut self, key: &str, value: String) {
            self.0.insert(key.to_owned(), value);
        }

        fn remove_string(&mut self, key: &str) {
            self.0.remove(key);
        }

        fn flush(&mut self) {}
    }

    #[test]
    fn looks_and_files_come_back_and_the_size_of_the_window_is_left_alone() {
        let mut memory = Memory::default();
        // As eframe writes them, before the program is asked what it wants kept.
        for key in ["window", "egui"] {
            memory.set_string(key, "its own".into());
        }
        let appearance = Appearance { presents: true, beliefs: true, ..Appearance::default() };
        let kept = Kept { appearance, recent_files: vec!["a.jhtape".into()], ..Kept::default() };
        kept.keep(&mut memory);
        for key in ["window", "egui"] {
            assert_eq!(memory.get_string(key).as_deref(), Some("its own"), "{key}");
        }
        let back = Kept::recall(Some(&memory));
        assert!(back.appearance.presents && back.appearance.beliefs);
        assert_eq!(back.recent_files, kept.recent_files);
        memory.set_string(KEPT, "damaged".into());
        assert!(!Kept::recall(Some(&memory)).appearance.presents);
    }

    #[test]
    fn recent_files_and_their_folder_are_taken_up_in_the_next_run() {
        let mut window = Window::default();
        window.files_state.remember(Path::new("/ada/a.jhtape"), true);
        window.files_state.remember(Path::new("/tim/b.toml"), false);
        window.files_state.go("/ada/tapes".into());
        let next = |window: &Window| {
            let text = serde_json::to_string(&Kept::of(window)).unwrap();
            serde_json::from_str::<Kept>(&text).unwrap().window()
        };
        let again = next(&next(&window));
        assert_eq!(again.files_state.recent, ["/tim/b.toml", "/ada/a.jhtape"].map(PathBuf::from));
        assert_eq!(again.files_state.folder(), Some(Path::new("/ada/tapes")));
        #[cfg(unix)]
        {
            let no_text: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"/caf\xe9/x.jhtape");
            window.files_state.remember(Path::new(no_text), true);
            let again = next(&window);
            assert_eq!((again.files_state.recent.len(), again.files_state.folder()), (2, Some(Path::new("/tim"))));
        }
        let older = serde_json::from_str::<Kept>("{}").unwrap().window();
        assert_eq!(older.files_state.folder(), None);
    }

    #[test]
    fn a_lesson_that_is_in_no_file_is_there_again_in_the_next_run() {
        let mut window = Window::default();
        assert_eq!(window.unsaved_lesson(), None);
        let (_, text) = scenarios::built_in_lesson("primary-dies").unwrap();
        window.take_up_unsaved(text);
        let unsaved = window.unsaved_lesson();
        let next = serde_json::to_string(&Kept::of(&window)).unwrap();
        let next = serde_json::from_str::<Kept>(&next).unwrap().window();
        assert!(unsaved.is_some());
        assert_eq!(next.unsaved_lesson(), unsaved);
        window.lesson_is_saved();
        assert_eq!(Kept::of(&window).unsaved_lesson, None);
    }

    #[test]
    fn the_first_start_greets_until_an_order_was_placed_and_never_again() {
        let mut window = serde_json::from_str::<Kept>("{}").unwrap().window();
        assert!(window.greets);
        let next = |window: &Window| Kept::of(window).window().greets;
        assert!(next(&window), "nothing was ordered");
        let (customer, postcode) = (protocol::ids::CustomerId(1), String::new());
        let order = CustomerCommand::PlaceOrder { customer, postcode, items: Vec::new() };
        window.commands.push(UserCommand::Customer(order));
        let _ = window.hand_over(0.0);
        assert!(!window.greets && !next(&window));
    }
}
