//! Opening and saving files, and listing folders: each on a thread of its own, so that the window never waits for a disk.
//! What a file is, its content says.

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, TryRecvError, channel};

use egui::Ui;

use super::Window;
use crate::folders::{Reader, Sort, called, set_up_folder};
use crate::narrating::transcript_of;
use crate::panels::files::{Decided, Saves, named};
use knowledge::recognition::{Kind, recognise};
use knowledge::tape::{self, Opened, SaveError};
use scenarios::{self, Lesson, Scenario, SetUp};
use wording::narrator::Transcript;

/// What a file holds that was opened.
enum File {
    /// With what is told of it.
    Tape(Box<(Opened, Transcript)>),
    Scenario(Box<Scenario>),
    Lesson(Box<Lesson>),
    SetUp(Box<SetUp>),
    /// It was to be a scenario, a lesson or a set-up and is none: a sentence with line and reason.
    NoScenario(String),
    /// It is a folder; this sort of file was expected.
    Folder(PathBuf, Sort),
}

enum Saved {
    Done,
    /// There is a file of that name, and nobody has agreed to lose it.
    WouldReplace(PathBuf),
    Failed(SaveError),
}

/// Writes what is to be saved.
type Save = Box<dyn FnOnce(&Path) -> Result<(), SaveError> + Send>;

#[derive(Default)]
pub(super) struct Files {
    saving: Option<(Saves, Receiver<Saved>)>,
    opening: Option<(String, Receiver<Result<File, String>>)>,
    saved_as: String,
    /// What is read or written now.
    path: PathBuf,
    folders: Reader,
}

impl Files {
    fn busy(&self) -> bool {
        self.saving.is_some() || self.opening.is_some()
    }
}

impl Window {
    pub(super) fn follow_files(&mut self, ui: &Ui, now: f64) {
        let dropped: Vec<PathBuf> =
            ui.input(|input| input.raw.dropped_files.iter().map(|file| file.path().to_owned()).collect());
        if let Some(path) = dropped.first() {
            self.authoring.edits = false;
            self.take_dropped(ui, path, dropped.len(), now);
        }
        match self.files_state.take_decided() {
            Some(Decided::Open(path, sort)) => self.begin_open(ui, &path, sort, now),
            Some(Decided::Save { what, path, replaces }) => self.begin_save(ui, what, path, replaces, now),
            None => {}
        }
        if let Some(folder) = self.files_state.take_folder_to_list() {
            let context = ui.ctx().clone();
            if let Err(why) = self.files.folders.begin(folder.clone(), move || context.request_repaint()) {
                self.files_state.learn(&folder, Err(why));
            }
        }
        if let Some((folder, listed)) = self.files.folders.take() {
            self.files_state.learn(&folder, listed);
            ui.ctx().request_repaint();
        }
        self.finish_files(now);
    }

    /// One file is shown at a time.
    fn take_dropped(&mut self, ui: &Ui, path: &Path, number: usize, now: f64) {
        // Some systems drop an address as if it were a path.
        let address = path.to_str().filter(|text| text.contains("://"));
        match address.map_or_else(|| Ok(path.to_owned()), |text| named(text, None)) {
            Err(why) => self.notices.say(now, why),
            Ok(path) => {
                if number > 1 {
                    self.notices.say(now, wording::several_dropped(number, &file_name(&path)));
                }
                self.begin_open(ui, &path, Sort::by_name(&path).unwrap_or(Sort::Tape), now);
            }
        }
    }

    fn begin_save(&mut self, ui: &Ui, what: Saves, path: PathBuf, replaces: bool, now: f64) {
        if self.files.busy() {
            return self.notices.say(now, wording::BUSY_WITH_FILE.into());
        }
        let (sender, receiver) = channel();
        let context = ui.ctx().clone();
        let whole = std::path::absolute(&path).unwrap_or_else(|_| path.clone());
        self.files.path.clone_from(&whole);
        let shown = called(whole.as_os_str(), 400);
        let (save, saved_as) = match what {
            Saves::Tape => self.save_of_tape(&shown),
            Saves::Transcript => self.save_of_transcript(&shown),
            Saves::SetUp => self.save_of_set_up(&path, &shown),
            Saves::Lesson => self.save_of_lesson(&shown),
        };
        self.files.saved_as = saved_as;
        self.files.saving = Some((what, receiver));
        let work = move || {
            let is_file = std::fs::symlink_metadata(&path).is_ok_and(|found| !found.is_dir());
            let saved = match is_file && !replaces {
                true => Saved::WouldReplace(whole),
                false => save(&path).map_or_else(Saved::Failed, |()| Saved::Done),
            };
            // Nobody waits for it once the window is closed.
            let _ = sender.send(saved);
            context.request_repaint();
        };
        self.begin("saving", work, now);
    }

    fn save_of_tape(&self, shown: &str) -> (Save, String) {
        let copy = self.shown_tape().copy();
        let saved_as = format!("Saved {} entries as {shown}.", copy.len());
        (Box::new(move |path| tape::save(&copy, path)), saved_as)
    }

    fn save_of_lesson(&self, shown: &str) -> (Save, String) {
        let text = self.written_lesson();
        (Box::new(move |path| tape::save_text(&text, path)), format!("Saved the lesson as {shown}."))
    }

    fn save_of_transcript(&self, shown: &str) -> (Save, String) {
        let transcript = self.shown_transcript();
        let saved_as = format!("Saved {} sentences as {shown}.", transcript.sentences().len());
        let text = transcript.text(wording::TRANSCRIPT_TITLE);
        (Box::new(move |path| tape::save_text(&text, path)), saved_as)
    }

    fn save_of_set_up(&self, path: &Path, shown: &str) -> (Save, String) {
        let name = called(path.file_stem().unwrap_or_default(), 60);
        let text = self.set_up_of_now(name).to_text();
        let save = move |path: &Path| {
            if path.parent().map(Path::to_owned) == set_up_folder() {
                let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
                made.map_err(|why| SaveError::Other { path: called(path.as_os_str(), 400), why })?;
            }
            tape::save_text(&text, path)
        };
        (Box::new(save), wording::set_up_saved(shown))
    }

    fn begin_open(&mut self, ui: &Ui, path: &Path, sort: Sort, now: f64) {
        if self.files.busy() {
            return self.notices.say(now, wording::BUSY_WITH_FILE.into());
        }
        let (sender, receiver) = channel();
        let (path, context) = (path.to_owned(), ui.ctx().clone());
        self.files.path = std::path::absolute(&path).unwrap_or_else(|_| path.clone());
        self.files.opening = Some((file_name(&path), receiver));
        let work = move || {
            let _ = sender.send(open(&path, sort));
            context.request_repaint();
        };
        self.begin("opening", work, now);
    }

    fn begin(&mut self, name: &str, work: impl FnOnce() + Send + 'static, now: f64) {
        if let Err(error) = std::thread::Builder::new().name(name.into()).spawn(work) {
            self.files = Files::default();
            self.notices.say(
                now,
                format!(
                    "The operating system did not provide a thread for {name} a file: {}.",
                    node::error_text::io(&error)
                ),
            );
        }
    }

    fn finish_files(&mut self, now: f64) {
        if let Some((what, receiver)) = &self.files.saving
            && let Some(outcome) = over(receiver.try_recv())
        {
            let what = *what;
            self.files.saving = None;
            match outcome {
                Some(Saved::Done) => {
                    match what {
                        Saves::Tape => self.files_state.remember(&self.files.path, true),
                        // Those with a name are offered for each new cluster.
                        Saves::SetUp => {}
                        Saves::Lesson => {
                            self.files_state.remember_folder(&self.files.path);
                            self.lesson_is_saved();
                        }
                        Saves::Transcript => self.files_state.remember_folder(&self.files.path),
                    }
                    self.files_state.report(std::mem::take(&mut self.files.saved_as));
                }
                Some(Saved::WouldReplace(path)) => self.files_state.ask_to_replace(what, path),
                Some(Saved::Failed(error)) => self.notices.say(now, error.to_string()),
                None => self.notices.say(now, "Saving the file failed unexpectedly. Try again.".into()),
            }
        }
        if let Some((name, receiver)) = &self.files.opening
            && let Some(outcome) = over(receiver.try_recv())
        {
            let name = name.clone();
            self.files.opening = None;
            if let Some(Ok(File::Tape(_) | File::Scenario(_) | File::Lesson(_))) = &outcome {
                self.files_state.remember(&self.files.path, false);
            }
            match outcome {
                Some(Ok(File::Tape(opened))) => self.show_told_tape(name, *opened, now),
                Some(Ok(File::Scenario(_) | File::Lesson(_))) if self.alone => {
                    self.notices.say(now, wording::ONLY_A_TAPE.into())
                }
                Some(Ok(File::Scenario(scenario))) => self.show_scenario(name, *scenario),
                Some(Ok(File::Lesson(lesson))) if std::mem::take(&mut self.authoring.edits) => {
                    self.edit_lesson(*lesson)
                }
                Some(Ok(File::Lesson(lesson))) => self.show_lesson(name, *lesson),
                Some(Ok(File::SetUp(set_up))) => self.ask_for_cluster(*set_up),
                Some(Ok(File::NoScenario(why))) => self.files_state.report(why),
                Some(Ok(File::Folder(folder, sort))) => {
                    self.notices.say(now, wording::is_a_folder(&name));
                    self.files_state.ask_in(folder, sort);
                }
                Some(Err(why)) => self.notices.say(now, why),
                None => self.notices.say(now, "Opening the file failed unexpectedly. Try again.".into()),
            }
        }
    }
}

/// Opens whatever it is. What it was expected to be only decides how it is refused.
fn open(path: &Path, expected: Sort) -> Result<File, String> {
    let name = file_name(path);
    let unreadable = |error: std::io::Error| match expected {
        Sort::Tape => format!("{name} was not opened. {}", tape::OpenError::from(error)),
        Sort::Scenario | Sort::SetUp | Sort::Lesson => {
            format!("{name} cannot be read: {}.", node::error_text::io(&error))
        }
    };
    let found = std::fs::metadata(path).map_err(unreadable)?;
    if found.is_dir() {
        return Ok(File::Folder(path.to_owned(), expected));
    }
    if !found.is_file() {
        // A pipe would be waited for.
        return Err(unreadable(std::io::Error::new(std::io::ErrorKind::InvalidInput, "it is not a file")));
    }
    let file = BufReader::with_capacity(256 * 1024, std::fs::File::open(path).map_err(unreadable)?);
    let (kind, begun) = recognise(file).map_err(unreadable)?;
    match kind {
        Kind::Tape => open_tape(path),
        Kind::History => Err(wording::is_a_history(&name)),
        Kind::Lesson => match scenarios::read_lesson(begun).map_err(unreadable)? {
            Ok(lesson) => Ok(File::Lesson(Box::new(lesson))),
            Err(error) => Ok(File::NoScenario(format!("{name} is not a valid lesson: {error}."))),
        },
        Kind::SetUp => match scenarios::read_set_up(begun).map_err(unreadable)? {
            Ok(set_up) => Ok(File::SetUp(Box::new(set_up))),
            Err(error) => Ok(File::NoScenario(format!("{name} is not a valid set-up: {error}."))),
        },
        Kind::Scenario => match scenarios::read(begun).map_err(unreadable)? {
            Ok(scenario) => Ok(File::Scenario(Box::new(scenario))),
            Err(_) if expected == Sort::Tape => open_tape(path),
            Err(error) => Ok(File::NoScenario(format!("{name} is not a valid scenario: {error}."))),
        },
    }
}

fn open_tape(path: &Path) -> Result<File, String> {
    let refused = |error| format!("{} was not opened. {error}", file_name(path));
    let opened = tape::open(path).map_err(refused)?;
    let transcript = transcript_of(&opened.tape);
    Ok(File::Tape(Box::new((opened, transcript))))
}

/// None: not yet. Some(None): it never will.
fn over<T>(received: Result<T, TryRecvError>) -> Option<Option<T>> {
    match received {
        Ok(outcome) => Some(Some(outcome)),
        Err(TryRecvError::Disconnected) => Some(None),
        Err(TryRecvError::Empty) => None,
    }
}

/// What a tape is called on the screen.
pub fn file_name(path: &Path) -> String {
    called(path.file_name().unwrap_or(path.as_os_str()), 60)
}
