//! The banner of the past, with the way to and fro, and the dialogues in which a tape is named.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use egui::{Frame, Key, Margin, Panel, RichText, Slider, Ui};

use super::timeline::Look;
use crate::theme::{self, text, tokens};
use crate::widgets::{button, dialog, dim, field, from_right, heading, pill};
use crate::wording;

/// Which moment is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The tape's name, if it is not this run's.
    pub tape: Option<String>,
    /// Cluster time in microseconds.
    pub at: u64,
    /// So many entries have happened.
    pub end: usize,
    /// The first that is kept, and how many there are.
    pub range: (usize, usize),
    /// Whether there is no cluster to go back to.
    pub alone: bool,
}

/// What was asked for in the banner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PastClick {
    /// Another moment.
    Look(Look),
    /// The present.
    BackToNow,
}

/// What is being typed about files.
#[derive(Debug)]
pub struct PastState {
    /// Whether it is asked where to save.
    pub saves: bool,
    /// Whether it is asked what to open.
    pub opens: bool,
    /// Whether it is asked which scenario to open.
    pub opens_scenario: bool,
    path: String,
    to_save: Option<PathBuf>,
    to_open: Option<PathBuf>,
    scenario_path: String,
    scenario_to_open: Option<PathBuf>,
    reported: Option<String>,
    /// Files that were saved or opened, newest first; remembered between runs.
    pub recent: Vec<PathBuf>,
}

/// This many are offered again.
const MOST_RECENT: usize = 5;

impl Default for PastState {
    fn default() -> Self {
        let path = "lecture.jhtape".to_owned();
        Self {
            saves: false,
            opens: false,
            opens_scenario: false,
            path,
            to_save: None,
            to_open: None,
            scenario_path: String::new(),
            scenario_to_open: None,
            reported: None,
            recent: Vec::new(),
        }
    }
}

impl PastState {
    /// Where to save, once that was decided.
    pub fn take_path_to_save(&mut self) -> Option<PathBuf> {
        self.to_save.take()
    }

    /// What to open, once that was decided.
    pub fn take_path_to_open(&mut self) -> Option<PathBuf> {
        self.to_open.take()
    }

    /// Which scenario to open, once that was decided.
    pub fn take_scenario_to_open(&mut self) -> Option<PathBuf> {
        self.scenario_to_open.take()
    }

    /// A file was saved or opened: it is offered again, and its folder is where the next one is looked for.
    pub fn remember(&mut self, path: &Path) {
        self.recent.retain(|other| other != path);
        self.recent.insert(0, path.to_owned());
        self.recent.truncate(MOST_RECENT);
        let is_scenario = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("toml"));
        let typed = if is_scenario { &mut self.scenario_path } else { &mut self.path };
        *typed = path.display().to_string();
    }

    /// Tells how it went with a file.
    pub fn report(&mut self, words: String) {
        self.reported = Some(words);
    }
}

/// The banner; without a past there is none.
pub fn past_banner_ui(ui: &mut Ui, shown: Option<&Shown>) -> Option<PastClick> {
    let shown = shown?;
    let t = tokens(ui);
    let mut clicked = None;
    let row = Frame::new().fill(t.saffron_wash).inner_margin(Margin::symmetric(16, 4));
    Panel::top("past").exact_size(36.0).frame(row).show(ui, |ui| {
        ui.horizontal_centered(|ui| {
            let title = if shown.tape.is_some() { "A tape" } else { "The past" };
            pill(ui, title, t.on_saffron, t.saffron);
            let words = match &shown.tape {
                Some(name) => format!("This is the tape {name}: {} s", wording::clock(shown.at)),
                None => format!("This is the past: {} s", wording::clock(shown.at)),
            };
            ui.label(RichText::new(words).font(theme::strong(text::BODY)).color(t.text));
            if button(ui, "◀")
                .accessible_name("one message back")
                .on_hover_text("One message back (arrow left)")
                .clicked()
            {
                clicked = Some(PastClick::Look(Look::Back));
            }
            if button(ui, "▶").accessible_name("one message on").on_hover_text("One message on (arrow right)").clicked()
            {
                clicked = Some(PastClick::Look(Look::On));
            }
            from_right(ui, |ui| {
                let back = match (&shown.tape, shown.alone) {
                    (_, true) => "To the end",
                    (Some(_), false) => "Close the tape",
                    (None, false) => "Back to now",
                };
                if button(ui, back).on_hover_text("End").clicked() {
                    clicked = Some(PastClick::BackToNow);
                }
                dim(ui, format!("{} of {}", shown.end, shown.range.1)).on_hover_text("Entries of the tape");
                ui.spacing_mut().slider_width = (ui.available_width() - 24.0).max(60.0);
                let (mut end, (first, last)) = (shown.end, shown.range);
                let slider = Slider::new(&mut end, first..=last).show_value(false);
                if ui.add(slider).accessible_name("moment").changed() {
                    clicked = Some(PastClick::Look(Look::After(end)));
                }
            });
        });
    });
    clicked
}

/// The dialogues, if one is open.
pub fn files_ui(ui: &Ui, state: &mut PastState) {
    if state.saves {
        let hint =
            "The whole run as it was recorded, to be opened again without a cluster. A file of that name is replaced.";
        if let Some(named) = ask(ui, "Save tape", hint, &mut state.path, &state.recent, &mut state.saves) {
            match named {
                Ok(path) => state.to_save = Some(path),
                Err(why) => state.report(why),
            }
        }
    }
    if state.opens {
        let hint = "It is shown instead of the present; the cluster goes on meanwhile. You may also drop the file on the window.";
        if let Some(named) = ask(ui, "Open tape", hint, &mut state.path, &state.recent, &mut state.opens) {
            match named {
                Ok(path) => state.to_open = Some(path),
                Err(why) => state.report(why),
            }
        }
    }
    if state.opens_scenario {
        let (path, open) = (&mut state.scenario_path, &mut state.opens_scenario);
        if let Some(named) = ask(ui, "Open scenario", wording::OPEN_SCENARIO_HINT, path, &state.recent, open) {
            match named {
                Ok(path) => state.scenario_to_open = Some(path),
                Err(why) => state.report(why),
            }
        }
    }
    if let Some(words) = state.reported.clone() {
        let modal = dialog(ui, "reported").show(ui.ctx(), |ui| {
            ui.set_max_width(460.0);
            ui.add(egui::Label::new(words).wrap());
            ui.add_space(8.0);
            if button(ui, "Close").clicked() {
                ui.close();
            }
        });
        if modal.should_close() {
            state.reported = None;
        }
    }
}

/// What a person names: a path, with ~ for their own folder, or a file's URL as a file manager copies it.
///
/// # Errors
/// A sentence, if it names no file of this machine.
fn named(typed: &str, home: Option<PathBuf>) -> Result<PathBuf, String> {
    let typed = typed.trim().trim_matches('"');
    if let Some(url) = typed.strip_prefix("file://") {
        let path = url.strip_prefix("localhost").unwrap_or(url);
        return Ok(PathBuf::from(without_escapes(path)));
    }
    if typed.contains("://") {
        return Err(format!(
            "{typed} is an address on the net. Save the file on this machine first, then name it here."
        ));
    }
    Ok(match (typed.strip_prefix('~'), home) {
        (Some(""), Some(home)) => home,
        (Some(rest), Some(home)) if rest.starts_with('/') => home.join(rest.trim_start_matches('/')),
        _ => PathBuf::from(typed),
    })
}

/// "%20" is a space.
fn without_escapes(path: &str) -> OsString {
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let [first, after @ ..] = rest {
        let code = after.get(..2).and_then(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok());
        let escaped = code.filter(|_| *first == b'%');
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    // What is no text is kept as it can be told.
    String::from_utf8_lossy(&bytes).into_owned().into()
}

fn ask(
    ui: &Ui,
    title: &str,
    hint: &str,
    path: &mut String,
    recent: &[PathBuf],
    open: &mut bool,
) -> Option<Result<PathBuf, String>> {
    let mut decided = None;
    let modal = dialog(ui, title).show(ui.ctx(), |ui| {
        ui.set_width(420.0);
        heading(ui, title);
        ui.add(egui::Label::new(hint).wrap());
        let example = if title == "Open scenario" { "lesson.toml" } else { "lecture.jhtape" };
        let response = field(ui, path, "File", example, 400.0);
        let layer = ui.layer_id();
        if ui.memory(|memory| !memory.areas().visible_last_frame(&layer)) {
            response.request_focus();
        }
        for file in recent {
            let shown = file.display().to_string();
            let label =
                egui::Label::new(RichText::new(&shown).size(text::SMALL)).truncate().sense(egui::Sense::click());
            let response = ui.add(label).on_hover_text("Take this file again");
            response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, format!("recent: {shown}")));
            if response.clicked() {
                *path = shown;
            }
        }
        let entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            let clicked = ui.add_enabled(!path.trim().is_empty(), egui::Button::new(title)).clicked();
            if (clicked || entered) && !path.trim().is_empty() {
                decided = Some(named(path, std::env::home_dir()));
                ui.close();
            }
            if button(ui, "Cancel").clicked() {
                ui.close();
            }
        });
    });
    *open = !modal.should_close();
    decided
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_by_path_home_or_url() {
        let at = |typed: &str| named(typed, Some("/ada".into()));
        for (typed, path) in [
            (" lecture.jhtape ", "lecture.jhtape"),
            ("~/tapes/1.jhtape", "/ada/tapes/1.jhtape"),
            ("~", "/ada"),
            ("~ada/x", "~ada/x"),
            ("\"/tmp/a b\"", "/tmp/a b"),
            ("file:///tmp/a%20b%E6%97%A5", "/tmp/a b日"),
        ] {
            assert_eq!(at(typed), Ok(PathBuf::from(path)), "{typed}");
        }
        assert!(at("https://example.org/a.jhtape").unwrap_err().contains("on the net"));
    }

    #[test]
    fn a_file_that_was_used_is_offered_once_and_first() {
        let mut state = PastState::default();
        for name in ["1", "2", "3", "1", "4", "5", "6"] {
            state.remember(Path::new(name));
        }
        assert_eq!(state.recent, ["6", "5", "4", "1", "3"].map(PathBuf::from));
    }
}
