//! A fault while the window is drawn. It ends neither the program nor the cluster: the tape is saved, a page says what
//! happened and where the tape is, and the cluster goes on until the window is closed.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use egui::{CentralPanel, Frame, Label, RichText, ScrollArea, Ui, ViewportCommand};

use crate::theme::{self, text, tokens};
use crate::widgets::{button, main_button, scrolling};
use knowledge::tape::{self, Tape};

thread_local! {
    /// While something is guarded: what a panic said.
    static GUARDED: RefCell<Option<Option<String>>> = const { RefCell::new(None) };
}

/// A panic's words, if it happened in something guarded: then the window shows them.
pub fn takes(words: &str) -> bool {
    GUARDED.with_borrow_mut(|guarded| match guarded {
        Some(said) => {
            said.get_or_insert_with(|| words.to_owned());
            true
        }
        None => false,
    })
}

/// Does something that may break down.
///
/// # Errors
/// What the panic said, if it broke down.
pub(super) fn guarded<R>(work: impl FnOnce() -> R) -> Result<R, String> {
    GUARDED.set(Some(None));
    let done = catch_unwind(AssertUnwindSafe(work));
    let said = GUARDED.take().flatten();
    done.map_err(|_| said.unwrap_or_else(|| "no reason given".into()))
}

/// What the page says.
pub(super) struct Broken {
    what: String,
    tape: String,
}

impl Broken {
    /// Saves the tape, if there is one.
    pub fn after(what: String, tape: &Tape) -> Self {
        Self { what, tape: save(tape) }
    }
}

/// Saves the tape where the window keeps its memory, else among the temporary files. Returns a sentence.
fn save(tape: &Tape) -> String {
    if tape.end() == 0 {
        return wording::NO_TAPE_SAVED.into();
    }
    let name = format!("fault-{}.jhtape", std::process::id());
    let own = eframe::storage_dir(crate::NAME).filter(|folder| std::fs::create_dir_all(folder).is_ok());
    let places: Vec<PathBuf> = own.into_iter().chain([std::env::temp_dir()]).map(|folder| folder.join(&name)).collect();
    let mut why = String::new();
    for place in places {
        match tape::save(&tape.copy(), &place) {
            Ok(()) => return wording::tape_saved(&place),
            Err(error) => why = error.to_string(),
        }
    }
    wording::tape_not_saved(&why)
}

/// The page in place of all panels. True: the window is to be drawn again.
pub(super) fn broken_ui(ui: &mut Ui, broken: &Broken) -> bool {
    let t = tokens(ui);
    let frame = Frame::new().fill(t.background).inner_margin(24.0);
    let page = CentralPanel::default().frame(frame).show(ui, |ui| {
        let contents = |ui: &mut Ui| {
            ui.set_max_width(560.0);
            ui.label(RichText::new(wording::BROKEN_TITLE).font(theme::strong(text::TITLE)));
            ui.add_space(8.0);
            for words in [wording::BROKEN_MEANS, &broken.tape] {
                ui.add(Label::new(words).wrap());
                ui.add_space(4.0);
            }
            ui.add(Label::new(RichText::new(&broken.what).font(theme::mono()).color(t.dim)).wrap());
            ui.add_space(12.0);
            let again = main_button(ui, "Draw the window again", true).clicked();
            if button(ui, "Close, and end the cluster").clicked() {
                ui.send_viewport_cmd(ViewportCommand::Close);
            }
            again
        };
        scrolling(ui, ScrollArea::vertical(), contents)
    });
    page.inner
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::{Panel, vec2};
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;
    use knowledge::tape::Entry;

    #[test]
    fn a_window_that_broke_down_in_the_middle_of_its_panels_is_drawn_again() {
        let draw = |ui: &mut Ui, breaks: &mut Option<bool>| {
            let panels = |ui: &mut Ui| {
                Panel::top("bar").show(ui, |ui| ui.label("bar"));
                Panel::left("side").show(ui, |ui| {
                    ScrollArea::vertical().show(ui, |ui| {
                        assert_ne!(*breaks, Some(true), "a rectangle has no room");
                        ui.label("drawn");
                    });
                });
            };
            let done = if breaks.is_some() { guarded(|| panels(ui)) } else { Ok(()) };
            if done.is_err() {
                *breaks = None;
            }
            if breaks.is_none() {
                let broken = Broken { what: "a rectangle".into(), tape: "saved".into() };
                if broken_ui(ui, &broken) {
                    *breaks = Some(false);
                }
            }
        };
        let mut harness = Harness::builder()
            .with_size(vec2(600.0, 400.0))
            .with_context_setup(theme::install)
            .build_ui_state(draw, Some(false));
        harness.get_by_label("drawn");
        *harness.state_mut() = Some(true);
        harness.run_steps(3);
        assert!(harness.query_by_label("drawn").is_none());
        harness.get_by_label("Draw the window again").click();
        harness.run_steps(3);
        harness.get_by_label("drawn");
    }

    #[test]
    fn what_is_not_guarded_is_nobody_elses() {
        assert!(!takes("before"));
        assert_eq!(guarded(|| 4), Ok(4));
        let said = guarded(|| {
            assert!(takes("first") && takes("second"));
            panic!("not heard here: the hook of a test is another one");
        });
        assert_eq!(said, Err::<(), _>("first".to_owned()));
        assert!(!takes("after"));
    }

    #[test]
    fn the_tape_is_saved_and_the_sentence_says_where() {
        let mut tape = Tape::default();
        assert_eq!(save(&tape), wording::NO_TAPE_SAVED);
        let command = knowledge::user_command::UserCommand::AddReplica;
        tape.take_in(&mut knowledge::picture::Picture::default(), Entry::Command { at: 1, command });
        let said = save(&tape);
        let place = said.split(' ').find(|word| word.contains("jhtape")).map(|word| word.trim_end_matches('.'));
        let place = PathBuf::from(place.unwrap_or_else(|| panic!("{said}")));
        assert_eq!(tape::open(&place).map(|opened| opened.tape.end()).ok(), Some(1));
        std::fs::remove_file(place).unwrap();
    }
}
