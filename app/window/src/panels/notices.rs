//! What could not be done, and why: a notice that stays a while, and the list of all of them.

use egui::{Align, Frame, Label, Layout, Margin, Panel, RichText, Ui};

use crate::theme::{size, text, time, tokens};
use crate::widgets::{button, closing_button, dialog, dim, from_right, heading, scrolling_in_dialog};
use knowledge::picture::Picture;

/// Notices that are shown, and all that were.
#[derive(Debug, Default)]
pub struct NoticesState {
    /// Refusals by the cluster that were taken over from the picture.
    seen: usize,
    newest: Option<u64>,
    shown: Vec<(f64, String)>,
    past: Vec<String>,
    /// To be said in the next frame.
    announced: Vec<String>,
}

/// Notices kept for the list.
const MOST_PAST: usize = 100;

impl NoticesState {
    /// Says something at once.
    pub fn say(&mut self, now: f64, words: String) {
        self.past.push(words.clone());
        if self.past.len() > MOST_PAST {
            self.past.remove(0);
        }
        self.shown.retain(|(_, other)| *other != words);
        self.shown.push((now + time::NOTICE, words));
    }

    /// Something that was said is over.
    pub(crate) fn retract(&mut self, words: &str) {
        self.announced.retain(|other| other != words);
        self.shown.retain(|(_, other)| other != words);
    }

    /// Says something as soon as a frame is drawn.
    pub fn announce(&mut self, words: String) {
        self.announced.push(words);
    }

    /// Takes over what was announced, and what the cluster refused, since the last time.
    pub fn follow(&mut self, now: f64, picture: &Picture) {
        for words in std::mem::take(&mut self.announced) {
            self.say(now, words);
        }
        let newest = picture.notices.back().map(|(at, _)| *at);
        if newest == self.newest && picture.notices.len() == self.seen {
            return;
        }
        let after = self.newest;
        let fresh: Vec<String> = picture
            .notices
            .iter()
            .filter(|(at, _)| after.is_none_or(|after| *at > after))
            .map(|(_, why)| wording::denial(why, |id| picture.name(id)))
            .collect();
        (self.newest, self.seen) = (newest, picture.notices.len());
        fresh.into_iter().for_each(|words| self.say(now, words));
    }
}

/// The notices of the moment, in rows of their own under the toolbar and the banner: they cover nothing.
pub(crate) fn notices_ui(ui: &mut Ui, state: &mut NoticesState) {
    let now = ui.input(|input| input.time);
    state.shown.retain(|(until, _)| *until > now);
    let Some(soonest) = state.shown.iter().map(|(until, _)| *until).reduce(f64::min) else { return };
    ui.ctx().request_repaint_after_secs((soonest - now) as f32 + 0.02);
    let t = tokens(ui);
    let frame = Frame::new().fill(t.tomato_wash).inner_margin(Margin::symmetric(16, 4));
    let mut closed = None;
    Panel::top("notices").frame(frame).show(ui, |ui| {
        for (index, (_, words)) in state.shown.iter().enumerate().rev().take(MOST_SHOWN) {
            ui.horizontal(|ui| {
                from_right(ui, |ui| {
                    if button(ui, "Close").clicked() {
                        closed = Some(index);
                    }
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        ui.add(Label::new(RichText::new(words).size(text::BODY).color(t.text)).wrap());
                    });
                });
            });
        }
    });
    if let Some(index) = closed {
        state.shown.remove(index);
    }
}

/// Of more notices than this only the newest are shown; all of them stand in the list.
const MOST_SHOWN: usize = 3;

/// All notices of this run, newest first.
pub(crate) fn past_notices_ui(ui: &Ui, state: &NoticesState, open: &mut bool) {
    let modal = dialog(ui, "past notices").show(ui.ctx(), |ui| {
        ui.set_width(480.0);
        heading(ui, "Notifications");
        if state.past.is_empty() {
            dim(ui, wording::NO_NOTICES);
        }
        scrolling_in_dialog(ui, 2.0 * size::ROW + 4.0 * size::STEP, |ui| {
            for words in state.past.iter().rev() {
                ui.add(Label::new(words).wrap());
                ui.separator();
            }
        });
        closing_button(ui, "Close");
    });
    *open = !modal.should_close();
}
