//! The past: which moment the window shows, and of which tape. The cluster goes on, or stays stopped, meanwhile.
//!
//! While a moment of the past is shown, nothing can be done to the cluster. Files are `files`'s.

use egui::{Key, Modifiers, Ui};

use super::Window;
use super::narrating::transcript_of;
use crate::panels::Selected;
use crate::panels::past::{PastClick, Shown};
use crate::panels::timeline::{Course, Look};
use crate::panels::toolbar::PlayClick;
use crate::panels::workflow_diagram::LastOfStep;
use crate::theme::time;
use knowledge::picture::Picture;
use knowledge::tape::{Moment, Opened, Tape};
use knowledge::verdict::evidence::Judged;
use wording::narrator::Transcript;

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
    tip: Picture,
    transcript: Transcript,
}

impl Window {
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
        let transcript = transcript_of(&opened.tape);
        self.show_told_tape(name, (opened, transcript), now);
    }

    /// The same of one with what is told of it.
    pub(super) fn show_told_tape(&mut self, name: String, (opened, transcript): (Opened, Transcript), now: f64) {
        for note in opened.notes {
            self.notices.say(now, note);
        }
        let moment = Moment::at(&opened.tape, opened.tape.end());
        let opened = OpenedTape { name, tape: opened.tape, tip: opened.picture, transcript };
        self.past = Some(Past { opened: Some(Box::new(opened)), moment, plays: None });
        self.bottom.timeline = Default::default();
    }

    /// Shows a tape, and there is no cluster to go back to.
    pub fn show_alone(&mut self, name: String, opened: Opened) {
        self.alone = true;
        self.show_tape(name, opened, 0.0);
    }

    /// Whether a moment of the past is shown.
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
    pub fn picture_shown_at(&self) -> Option<u64> {
        self.past.as_ref().map(|past| past.moment.picture.now)
    }

    pub(super) fn shown_tape(&self) -> &Tape {
        match &self.past {
            Some(Past { opened: Some(opened), .. }) => &opened.tape,
            _ => &self.tape,
        }
    }

    /// All that is told of it.
    pub(super) fn shown_transcript(&self) -> &Transcript {
        match &self.past {
            Some(Past { opened: Some(opened), .. }) => &opened.transcript,
            _ => &self.narration.transcript,
        }
    }

    /// How the verdict stands at the moment that is shown.
    pub(super) fn judged(&self) -> Judged {
        match &self.past {
            None => self.tape.message_index().judged().clone(),
            Some(past) => self.shown_tape().message_index().judged_at(past.moment.end),
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

    /// Looks at the last message of a step whose number was clicked; the pictures are exchanged.
    pub(super) fn select_last(&mut self, now: f64) {
        let Some(asked @ LastOfStep { step, ends }) = self.diagram.asks_last.take() else { return };
        let tape = self.shown_tape();
        let end = self.past.as_ref().map_or(tape.end(), |past| past.moment.end);
        match tape.message_index().last_of_step(step, ends, end) {
            Some(track) => self.focus.selected = Selected::Message(track.id, track.to),
            None => self.diagram.none_yet = Some((asked, now + time::NOTICE)),
        }
    }

    /// A message of long ago that is looked at comes from the tape; the pictures are exchanged.
    pub(super) fn recall_selected(&mut self) {
        let Selected::Message(id, to) = self.focus.selected else { return };
        if self.picture.traffic.find(id, to).is_some() {
            return;
        }
        let tape = self.shown_tape();
        let end = self.past.as_ref().map_or(tape.end(), |past| past.moment.end);
        let known = tape.message_index().find(id, to).filter(|track| track.entry < end);
        if let Some(flying) = known.and_then(|track| tape.recall(track)) {
            self.picture.traffic.recall(flying);
        }
    }
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
