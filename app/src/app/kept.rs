//! What is kept between runs, besides egui's own memory (theme, sizes of panels) and eframe's (the place and size of the window).

use std::path::PathBuf;

use eframe::Storage;

use crate::panels::toolbar::Appearance;
use crate::panels::workflow_diagram::DiagramState;

/// How things look, and which files were used.
#[derive(Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub(super) struct Kept {
    pub(super) appearance: Appearance,
    pub(super) diagram: DiagramState,
    pub(super) recent_files: Vec<PathBuf>,
}

/// Under which name it is kept. "window" is what eframe keeps the place and size of the window under, and "egui" its memory.
const KEPT: &str = "looks";

impl Kept {
    /// What was kept of the last run. A damaged memory is worth nothing: the window then looks as it does at first.
    pub(super) fn recall(storage: Option<&dyn Storage>) -> Self {
        let kept = storage.and_then(|storage| storage.get_string(KEPT));
        kept.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
    }

    /// Keeps it for the next run.
    pub(super) fn keep(&self, storage: &mut dyn Storage) {
        if let Ok(text) = serde_json::to_string(self) {
            storage.set_string(KEPT, text);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

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
}
