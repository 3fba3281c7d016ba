//! The past: which moment the window shows, and of which tape. The cluster goes on, or stays stopped, meanwhile.
//!
//! While a moment of the past is shown, nothing can be done to the cluster. Saving and opening files happens on threads of
//! their own, so that the window never waits for a disk.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, TryRecvError, channel};

use egui::{Key, Modifiers, Ui};

use super::Window;
use crate::panels::Selected;
use crate::panels::past::{PastClick, Shown};
use crate::panels::timeline::{Course, Look};
use crate::panels::toolbar::PlayClick;
use crate::picture::Picture;
use crate::scenario::{self, Scenario};
use crate::tape::{self, Entry, Moment, Opened, SaveError, Tape};
use crate::theme::time;
use crate::user_command::UserCommand;
use crate::verdict::evidence::Judged;
use crate::wording;

/// A moment that is not the present.
pub(super) struct Past {
    /// Of another tape than this run's.
    opened: Option<Box<OpenedTape>>,
    moment: Moment,
    /// While it is played: the moment it has come to, in microseconds of cluster time, with what is left of one.
    plays: Option<f64>,
}

/// Another tape.
struct OpenedTape {
    name: String,
    tape: Tape,
    /// At its end.
    tip: Picture,
}

/// What a file holds that was opened.
enum File {
    Tape(Box<Opened>),
    Scenario(Box<Scenario>),
    /// It was to be a scenario and is none: a sentence with line and reason.
    NoScenario(String),
}

/// What happens with files meanwhile.
#[derive(Default)]
pub(super) struct Files {
    saving: Option<Receiver<Result<(), SaveError>>>,
    opening: Option<(String, Receiver<Result<File, String>>)>,
    saved_as: String,
    /// What is read or written now.
    path: PathBuf,
}

impl Files {
    fn busy(&self) -> bool {
        self.saving.is_some() || self.opening.is_some()
    }
}

impl Window {
    /// Takes in what the cluster told, or what was asked of it.
    pub fn take_in(&mut self, entry: Entry) {
        self.tape.take_in(&mut self.picture, entry);
    }

    /// What was asked for and may be handed over now; it is on the tape from then on.
    pub fn hand_over(&mut self, now: f64) -> Vec<UserCommand> {
        let commands = self.commands.take();
        if commands.is_empty() {
            return commands;
        }
        if let Some(why) = self.refuses() {
            self.notices.say(now, why.into());
            return Vec::new();
        }
        let (commands, late): (Vec<_>, Vec<_>) = commands.into_iter().partition(|command| self.may_ask(command));
        if !late.is_empty() {
            self.notices.say(now, wording::NO_PLACE_FOR_ORDERS.into());
        }
        for command in &commands {
            if matches!(command, UserCommand::AddCustomer { .. }) {
                self.focus.await_customer(&self.picture);
            }
            let at = self.picture.now;
            self.take_in(Entry::Command { at, command: command.clone() });
        }
        commands
    }

    /// Why nothing can be asked of the cluster now, if that is so.
    pub(super) fn refuses(&self) -> Option<&'static str> {
        Some(match &self.past.as_ref()?.opened {
            Some(_) if self.alone => wording::ONLY_A_TAPE,
            Some(_) => wording::TAPE_REFUSES,
            None => wording::PAST_REFUSES,
        })
    }

    /// Shows a tape instead of the present, from its end.
    pub fn show_tape(&mut self, name: String, opened: Opened, now: f64) {
        for note in opened.notes {
            self.notices.say(now, note);
        }
        let moment = Moment::at(&opened.tape, opened.tape.end());
        let opened = OpenedTape { name, tape: opened.tape, tip: opened.picture };
        self.past = Some(Past { opened: Some(Box::new(opened)), moment, plays: None });
        self.bottom.timeline = Default::default();
    }

    /// Shows a tape, and there is no cluster to go back to.
    pub fn show_alone(&mut self, name: String, opened: Opened) {
        self.alone = true;
        self.show_tape(name, opened, 0.0);
    }

    /// Whether a moment of the past is shown.
    #[must_use]
    pub fn shows_past(&self) -> bool {
        self.past.is_some()
    }

    /// The moment of the past takes the place of the present for as long as panels draw, or gives it back.
    pub(super) fn exchange_pictures(&mut self) {
        if let Some(past) = &mut self.past {
            std::mem::swap(&mut self.picture, &mut past.moment.picture);
        }
    }

    /// The moment of the past that is shown, in microseconds of cluster time.
    #[must_use]
    pub fn picture_shown_at(&self) -> Option<u64> {
        self.past.as_ref().map(|past| past.moment.picture.now)
    }

    fn shown_tape(&self) -> &Tape {
        match &self.past {
            Some(Past { opened: Some(opened), .. }) => &opened.tape,
            _ => &self.tape,
        }
    }

    /// How the verdict stands at the moment that is shown.
    pub(super) fn judged(&self) -> Judged {
        match &self.past {
            None => self.tape.chronicle().judged().clone(),
            Some(past) => self.shown_tape().chronicle().judged_at(past.moment.end),
        }
    }

    /// What the banner tells; the pictures are exchanged.
    pub(super) fn shown(&self) -> Option<Shown> {
        let past = self.past.as_ref()?;
        let tape = self.shown_tape();
        Some(Shown {
            tape: past.opened.as_ref().map(|opened| opened.name.clone()),
            at: self.picture.now,
            end: past.moment.end,
            range: (tape.first(), tape.end()),
            alone: self.alone,
        })
    }

    /// Goes to another moment; the pictures are not exchanged.
    pub fn look(&mut self, look: Look) {
        let tape = match &self.past {
            Some(Past { opened: Some(opened), .. }) => &opened.tape,
            _ => &self.tape,
        };
        let here = self.past.as_ref().map_or(tape.end(), |past| past.moment.end);
        let end = match look {
            Look::At(time) => tape.end_at(time),
            Look::After(end) => end.clamp(tape.first(), tape.end()),
            Look::Back => tape.step_before(here),
            Look::On => tape.step_after(here),
            Look::Now => tape.end(),
        };
        let is_now = look == Look::Now || (look == Look::On && here == tape.end());
        let at_end = end == tape.end();
        match &mut self.past {
            Some(Past { opened: None, .. }) if is_now => {
                self.past = None;
                self.bottom.timeline.follow(true, 0);
            }
            Some(Past { opened: Some(opened), moment, .. }) => go(moment, &opened.tape, look, end),
            Some(Past { opened: None, moment, .. }) => go(moment, &self.tape, look, end),
            None if is_now || at_end => {}
            None => {
                let edge = self.tape.time_at(self.tape.end());
                self.bottom.timeline.follow(false, edge);
                let mut moment = Moment::at(&self.tape, end);
                go(&mut moment, &self.tape, look, end);
                self.past = Some(Past { opened: None, moment, plays: None });
            }
        }
        if let Some(Past { plays: Some(at), moment, .. }) = &mut self.past {
            *at = moment.picture.now as f64;
        }
        // A line that is dragged is where the pointer is.
        if let Some(past) = self.past.as_ref().filter(|_| !matches!(look, Look::At(_))) {
            self.bottom.timeline.accompany(past.moment.picture.now);
        }
    }

    /// Lets the past go on at the chosen speed, or stops it; from its end it begins again.
    pub(super) fn play_past(&mut self, plays: bool) {
        let (first, end) = (self.shown_tape().first(), self.shown_tape().end());
        if plays && self.past.as_ref().is_some_and(|past| past.moment.end >= end) {
            self.look(Look::After(first));
        }
        if let Some(past) = &mut self.past {
            past.plays = plays.then_some(past.moment.picture.now as f64);
        }
    }

    /// Whether the past goes on by itself; none: the present is shown.
    pub(super) fn past_plays(&self) -> Option<bool> {
        self.past.as_ref().map(|past| past.plays.is_some())
    }

    /// Goes on by what has passed since the last frame; the pictures are not exchanged.
    fn play_on(&mut self, ui: &Ui) {
        let Some(at) = self.past.as_ref().and_then(|past| past.plays) else { return };
        // After a pause of the whole program it does not jump.
        let passed = f64::from(ui.input(|input| input.stable_dt).min(0.1));
        let at = at + passed * f64::from(self.toolbar.pace.chosen().0);
        self.look(Look::At(at as u64));
        let end = self.shown_tape().end();
        let Some(past) = &mut self.past else { return };
        past.plays = (past.moment.end < end).then_some(at);
        ui.ctx().request_repaint_after_secs(time::FRAME.0);
    }

    /// Shows the present again, or, of an opened tape, its end; a tape beside a cluster is closed.
    fn back_to_now(&mut self) {
        if !self.alone {
            self.past = None;
            self.bottom.timeline = Default::default();
        } else {
            self.look(Look::Now);
        }
    }

    /// Does what timeline, banner and keys asked for.
    pub(super) fn follow_looks(&mut self, ui: &Ui, click: Option<PastClick>) {
        let now = ui.input(|input| input.time);
        match click {
            Some(PastClick::Look(look)) => self.look(look),
            Some(PastClick::BackToNow) => self.back_to_now(),
            None => {}
        }
        if let Some(look) = self.bottom.timeline.take_look() {
            self.look(look);
            ui.ctx().request_repaint();
        }
        match self.toolbar.asked_of_past.take() {
            Some(PlayClick::Play(plays)) => self.play_past(plays),
            Some(PlayClick::Step) => self.look(Look::On),
            None => {}
        }
        self.play_on(ui);
        self.follow_files(ui, now);
    }

    /// Arrow left goes back a message. In the past arrow right goes on, Home and End to the beginning and to now; what other
    /// keys would do there, they do not.
    pub(super) fn past_keys(&mut self, ui: &Ui) {
        if ui.text_edit_focused() || self.diagram_takes_arrows(ui) {
            return;
        }
        let pressed = |key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
        if pressed(Key::ArrowLeft) {
            self.look(Look::Back);
        }
        if self.past.is_none() {
            return;
        }
        let first = self.shown_tape().first();
        for (key, look) in [(Key::ArrowRight, Look::On), (Key::Home, Look::After(first)), (Key::End, Look::Now)] {
            if pressed(key) {
                self.look(look);
            }
        }
    }

    fn diagram_takes_arrows(&self, ui: &Ui) -> bool {
        // A focused canvas or a menu uses arrows itself.
        egui::Popup::is_any_open(ui.ctx()) || ui.memory(|memory| memory.focused().is_some())
    }

    /// A message of long ago that is looked at comes from the tape; the pictures are exchanged.
    pub(super) fn recall_selected(&mut self) {
        let Selected::Message(id, to) = self.focus.selected else { return };
        if self.picture.traffic.find(id, to).is_some() {
            return;
        }
        let tape = self.shown_tape();
        let end = self.past.as_ref().map_or(tape.end(), |past| past.moment.end);
        let known = tape.chronicle().find(id, to).filter(|crossing| crossing.entry < end);
        if let Some(passage) = known.and_then(|crossing| tape.recall(crossing)) {
            self.picture.traffic.recall(passage);
        }
    }

    fn follow_files(&mut self, ui: &Ui, now: f64) {
        let dropped = ui.input(|input| input.raw.dropped_files.first().map(|file| file.path().to_owned()));
        if let Some(path) = dropped {
            let is_scenario = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("toml"));
            self.begin_open(ui, &path, if is_scenario { open_scenario } else { open_tape }, now);
        }
        if let Some(path) = self.past_state.take_path_to_open() {
            self.begin_open(ui, &path, open_tape, now);
        }
        if let Some(path) = self.past_state.take_scenario_to_open() {
            self.begin_open(ui, &path, open_scenario, now);
        }
        if let Some(path) = self.past_state.take_path_to_save() {
            self.begin_save(ui, path, now);
        }
        self.finish_files(now);
    }

    fn begin_save(&mut self, ui: &Ui, path: PathBuf, now: f64) {
        if self.files.busy() {
            return self.notices.say(now, wording::BUSY_WITH_FILE.into());
        }
        let (sender, receiver) = channel();
        let (copy, context) = (self.shown_tape().copy(), ui.ctx().clone());
        let whole = std::path::absolute(&path).unwrap_or_else(|_| path.clone());
        self.files.path.clone_from(&whole);
        self.files.saved_as = format!("Saved {} entries as {}.", copy.len(), whole.display());
        self.files.saving = Some(receiver);
        let save = move || {
            // Nobody waits for it once the window is closed.
            let _ = sender.send(tape::save(&copy, &path));
            context.request_repaint();
        };
        self.begin("saving", save, now);
    }

    fn begin_open(&mut self, ui: &Ui, path: &Path, open: fn(&Path) -> Result<File, String>, now: f64) {
        if self.files.busy() {
            return self.notices.say(now, wording::BUSY_WITH_FILE.into());
        }
        let (sender, receiver) = channel();
        let (path, context) = (path.to_owned(), ui.ctx().clone());
        self.files.path = std::path::absolute(&path).unwrap_or_else(|_| path.clone());
        self.files.opening = Some((file_name(&path), receiver));
        let work = move || {
            let _ = sender.send(open(&path));
            context.request_repaint();
        };
        self.begin("opening", work, now);
    }

    fn begin(&mut self, name: &str, work: impl FnOnce() + Send + 'static, now: f64) {
        if let Err(error) = std::thread::Builder::new().name(name.into()).spawn(work) {
            self.files = Files::default();
            self.notices.say(
                now,
                format!("The operating system gives no thread for {name} a file: {}.", node::plain_words::io(&error)),
            );
        }
    }

    fn finish_files(&mut self, now: f64) {
        if let Some(receiver) = &self.files.saving
            && let Some(outcome) = over(receiver.try_recv())
        {
            self.files.saving = None;
            if let Some(Ok(())) = &outcome {
                self.past_state.remember(&self.files.path);
            }
            match outcome {
                Some(Ok(())) => self.past_state.report(std::mem::take(&mut self.files.saved_as)),
                Some(Err(error)) => self.notices.say(now, error.to_string()),
                None => self.notices.say(now, "Saving the tape broke off.".into()),
            }
        }
        if let Some((name, receiver)) = &self.files.opening
            && let Some(outcome) = over(receiver.try_recv())
        {
            let name = name.clone();
            self.files.opening = None;
            if let Some(Ok(File::Tape(_) | File::Scenario(_))) = &outcome {
                self.past_state.remember(&self.files.path);
            }
            match outcome {
                Some(Ok(File::Tape(opened))) => self.show_tape(name, *opened, now),
                Some(Ok(File::Scenario(_))) if self.alone => self.notices.say(now, wording::ONLY_A_TAPE.into()),
                Some(Ok(File::Scenario(scenario))) => self.show_scenario(name, *scenario),
                Some(Ok(File::NoScenario(why))) => self.past_state.report(why),
                Some(Err(why)) => self.notices.say(now, why),
                None => self.notices.say(now, "Opening the file broke off.".into()),
            }
        }
    }
}

fn open_tape(path: &Path) -> Result<File, String> {
    let refused = |error| format!("{} was not opened. {error}", file_name(path));
    tape::open(path).map(|opened| File::Tape(Box::new(opened))).map_err(refused)
}

fn open_scenario(path: &Path) -> Result<File, String> {
    let name = file_name(path);
    let unreadable = |error: std::io::Error| format!("{name} cannot be read: {}.", node::plain_words::io(&error));
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let found = scenario::read(file).map_err(unreadable)?;
    Ok(match found {
        Ok(scenario) => File::Scenario(Box::new(scenario)),
        Err(error) => File::NoScenario(format!("{name} is no scenario: {error}.")),
    })
}

fn go(moment: &mut Moment, tape: &Tape, look: Look, end: usize) {
    match look {
        Look::At(time) => moment.go_to_time(tape, time),
        Look::After(_) | Look::Back | Look::On | Look::Now => moment.go_to(tape, end),
    }
}

/// What the timeline is drawn from; the pictures are exchanged.
pub(super) fn course<'a>(shown: &'a Picture, past: Option<&'a Past>, own: &'a Tape, judged: &'a Judged) -> Course<'a> {
    match past {
        None => Course { shown, tip: shown, tape: own, end: own.end(), is_past: false, judged },
        Some(Past { opened: None, moment, .. }) => {
            Course { shown, tip: &moment.picture, tape: own, end: moment.end, is_past: true, judged }
        }
        Some(Past { opened: Some(opened), moment, .. }) => {
            Course { shown, tip: &opened.tip, tape: &opened.tape, end: moment.end, is_past: true, judged }
        }
    }
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
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    protocol::text::shown(&name, 60)
}
