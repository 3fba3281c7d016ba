//! Naming a file: by what is in its folder, by its path, or by dropping it. What it is, its content says.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use egui::{Key, Modifiers, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use window::Window;

use crate::resize;
use crate::scene;
use crate::shown::{Shown, chord, click, focus, key, open, shown};

/// What happens on another thread is waited for, for as long as it takes.
fn until(harness: &mut Shown, what: &str, holds: impl Fn(&Shown) -> bool) {
    let begun = Instant::now();
    while !holds(harness) {
        assert!(begun.elapsed().as_secs() < 60, "waited for: {what}");
        harness.run_steps(1);
    }
}

pub(super) fn says(harness: &mut Shown, words: &str) {
    until(harness, words, |harness| harness.query_by_label_contains(words).is_some());
}

fn a_tape(path: &Path) {
    let mut told = Window::default();
    scene::order_on_its_way().tell(&mut told, scene::NOW);
    knowledge::tape::save(&told.tape.copy(), path).expect("the temporary folder takes a tape");
}

const SCENARIO: &str = include_str!("../../../../resources/scenarios/steady.toml");

fn asks(harness: &mut Shown, entry: &str, folder: &Path) {
    harness.state_mut().files_state.go(folder.to_owned());
    click(harness, "Menu");
    click(harness, entry);
    let shown = folder.display().to_string();
    until(harness, "the folder", |harness| {
        harness.query_by_label_contains("Reading the folder").is_none()
            && harness.query_by_label(&format!("folder: {shown}")).is_some()
    });
    harness.run_steps(3);
}

pub(super) fn types(harness: &mut Shown, text: &str) {
    chord(harness, Modifiers::COMMAND, Key::A);
    harness.get_by_label("File").type_text(text);
    harness.run_steps(2);
}

/// The names of the rows, from above.
fn rows(harness: &Shown) -> Vec<String> {
    let all = harness.query_all_by_label_contains("").filter_map(|node| node.accesskit_node().label());
    all.filter(|label| label.starts_with("file ") || label.starts_with("folder ")).collect()
}

#[derive(Debug)]
struct Dropped(PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        fs::read(&self.0).map_err(|error| error.to_string())
    }
}

pub(super) fn drop_on(harness: &mut Shown, paths: &[PathBuf]) {
    for path in paths {
        harness.input_mut().dropped_files.push(Arc::new(Dropped(path.clone())));
    }
    harness.run_steps(1);
}

#[test]
fn a_file_is_chosen_from_the_list_of_its_folder_by_keys() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    for name in [".hidden.jhtape", "notes.txt", "other.jhtape"] {
        fs::write(folder.path().join(name), "").unwrap();
    }
    a_tape(&inner.join("lecture.jhtape"));
    let mut harness = shown();
    asks(&mut harness, "Open tape…", folder.path());
    assert_eq!(rows(&harness), ["folder inner", "file other.jhtape"]);
    click(&mut harness, "All files");
    assert_eq!(rows(&harness).len(), 4);
    click(&mut harness, "All files");
    focus(&mut harness, "File");
    types(&mut harness, "oth");
    assert_eq!(rows(&harness), ["file other.jhtape"]);
    types(&mut harness, "nothing like it");
    says(&mut harness, "No name here contains what you typed.");
    types(&mut harness, "inn");
    key(&mut harness, Key::Enter);
    says(&mut harness, "file lecture.jhtape");
    assert!(harness.get_by_label("File").is_focused(), "one may go on typing");
    harness.key_press_modifiers(Modifiers::ALT, Key::ArrowUp);
    says(&mut harness, "folder inner");
    key(&mut harness, Key::ArrowDown);
    key(&mut harness, Key::Enter);
    says(&mut harness, "file lecture.jhtape");
    key(&mut harness, Key::ArrowDown);
    key(&mut harness, Key::Enter);
    says(&mut harness, "This is the tape lecture.jhtape");
    let state = &harness.state().files_state;
    assert_eq!((state.recent.len(), state.folder()), (1, Some(inner.as_path())), "it is offered again");
}

#[test]
fn a_file_is_opened_by_two_clicks_and_again_from_the_recent_ones() {
    let folder = tempfile::tempdir().unwrap();
    a_tape(&folder.path().join("lecture.jhtape"));
    let mut harness = shown();
    asks(&mut harness, "Open tape…", folder.path());
    let at = harness.get_by_label("file lecture.jhtape").rect().center();
    // The clicks on the menu are long over.
    harness.run_steps(40);
    crate::press(&mut harness, at, egui::PointerButton::Primary, 2);
    says(&mut harness, "This is the tape lecture.jhtape");
    click(&mut harness, "Close the tape");
    asks(&mut harness, "Open tape…", &folder.path().join("gone"));
    says(&mut harness, "There is no folder");
    click(&mut harness, "Recent");
    click(&mut harness, &folder.path().join("lecture.jhtape").display().to_string());
    says(&mut harness, "This is the tape lecture.jhtape");
}

#[test]
fn a_file_that_is_there_is_replaced_only_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lecture.jhtape");
    fs::write(&path, "something else").unwrap();
    let mut harness = shown();
    asks(&mut harness, "Save tape…", folder.path());
    click(&mut harness, "file lecture.jhtape");
    key(&mut harness, Key::Enter);
    says(&mut harness, "already has a file lecture.jhtape. Its present contents will be lost.");
    click(&mut harness, "Keep it");
    assert_eq!(fs::read(&path).unwrap(), b"something else");
    assert!(harness.get_by_label("File").is_focused(), "another name can be given");
    key(&mut harness, Key::Enter);
    says(&mut harness, "already has a file lecture.jhtape");
    click(&mut harness, "Replace");
    says(&mut harness, "Saved ");
    assert!(knowledge::tape::open(&path).unwrap().notes.is_empty());
}

#[test]
fn ten_thousand_files_cost_no_more_rows_than_are_in_sight() {
    let folder = tempfile::tempdir().unwrap();
    for at in 0..10_000 {
        fs::write(folder.path().join(format!("{at:05}.jhtape")), "").unwrap();
    }
    let mut harness = shown();
    asks(&mut harness, "Open tape…", folder.path());
    assert!((3..30).contains(&rows(&harness).len()), "{}", rows(&harness).len());
    key(&mut harness, Key::ArrowUp);
    says(&mut harness, "file 09999.jhtape");
    let few = tempfile::tempdir().unwrap();
    a_tape(&few.path().join("few.jhtape"));
    types(&mut harness, &format!("{}/", few.path().display()));
    says(&mut harness, "file few.jhtape");
    types(&mut harness, "");
    chord(&mut harness, Modifiers::COMMAND, Key::A);
    key(&mut harness, Key::Delete);
    says(&mut harness, "file 00000.jhtape");
    types(&mut harness, "1234");
    assert_eq!(rows(&harness), ["file 01234.jhtape", "file 11234.jhtape"][..1]);
}

/// A laptop with a projector: 150 % of 1024×768.
#[test]
fn the_dialog_has_room_in_a_small_window() {
    let folder = tempfile::tempdir().unwrap();
    for at in 0..100 {
        fs::write(folder.path().join(format!("{}{at}.jhtape", "long-".repeat(30))), "").unwrap();
    }
    for size in [vec2(683.0, 512.0), vec2(1024.0, 768.0), vec2(1920.0, 1080.0)] {
        let mut harness = shown();
        resize(&mut harness, size);
        harness.state_mut().files_state.go(folder.path().to_owned());
        harness.state_mut().files_state.ask(window::panels::files::Purpose::Open(window::folders::Sort::Scenario));
        says(&mut harness, "There is nothing to open here");
        click(&mut harness, "All files");
        let window = egui::Rect::from_min_size(egui::Pos2::ZERO, size);
        for label in ["File", "Up", "Home", "Recent", "All files", "Open scenario", "Cancel"] {
            let places: Vec<_> = harness.query_all_by_label(label).map(|node| node.rect()).collect();
            assert!(!places.is_empty() && places.iter().all(|rect| window.contains_rect(*rect)), "{label}: {places:?}");
        }
        assert!(rows(&harness).len() >= 2, "in {size:?}");
    }
}

#[test]
fn what_is_dropped_is_told_by_its_content() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    a_tape(&at("tape.toml"));
    fs::write(at("lesson.jhtape"), SCENARIO).unwrap();
    fs::write(at("history.jhtape"), "{\"type\":\"init\",\"postcode\":\"M1 1AE\",\"value\":[]}\n").unwrap();
    let mut harness = open(Window::default());
    drop_on(&mut harness, &[at("tape.toml")]);
    says(&mut harness, "This is the tape tape.toml");
    drop_on(&mut harness, &[at("lesson.jhtape")]);
    says(&mut harness, "Run it");
    key(&mut harness, Key::Escape);
    drop_on(&mut harness, &[at("history.jhtape")]);
    says(&mut harness, "history.jhtape looks like a history");
}

#[test]
fn each_thing_that_is_dropped_gets_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    a_tape(&at("a.jhtape"));
    a_tape(&at("b.jhtape"));
    let mut harness = open(Window::default());
    drop_on(&mut harness, &[at("a.jhtape"), at("b.jhtape"), at("c")]);
    says(&mut harness, "3 files were dropped. The window shows one at a time, so only a.jhtape is opened.");
    says(&mut harness, "This is the tape a.jhtape");
    drop_on(&mut harness, &["https://example.org/a.jhtape".into()]);
    says(&mut harness, "is a web address");
    drop_on(&mut harness, &[at("gone.jhtape")]);
    says(&mut harness, "gone.jhtape was not opened");
    drop_on(&mut harness, &[folder.path().to_owned()]);
    says(&mut harness, "is a folder. Choose a file in it.");
    says(&mut harness, "file b.jhtape");
    key(&mut harness, Key::Escape);
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        let no_text = folder.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9.jhtape"));
        a_tape(&no_text);
        drop_on(&mut harness, std::slice::from_ref(&no_text));
        says(&mut harness, "This is the tape caf\\xe9.jhtape");
        let uri = format!("file://{}/caf%E9.jhtape", folder.path().display());
        asks(&mut harness, "Open tape…", folder.path());
        says(&mut harness, "file caf\\xe9.jhtape");
        types(&mut harness, &uri);
        key(&mut harness, Key::Enter);
        until(&mut harness, "the dialog closes", |harness| harness.query_by_label("File").is_none());
        assert_eq!(harness.state().files_state.recent[0], no_text);
    }
}
