//! What the narrator tells in the window: of this run as facts arrive, and of a tape that is opened as a whole.

use egui::Context;
use protocol::trace::{Rate, TraceRecord};

use super::Window;
use knowledge::tape::{Entry, Tape};
use wording::narrator::{Narrator, Sentence, Transcript};

/// Of this run.
#[derive(Debug, Default)]
pub(super) struct Narration {
    narrator: Narrator,
    pub transcript: Transcript,
}

impl Narration {
    pub fn hear(&mut self, record: &TraceRecord) {
        self.narrator.hear(record);
    }

    /// All that can be told by now.
    pub fn tell(&mut self, now: u64) {
        self.transcript.extend(self.narrator.tell(now));
    }
}

/// All that is told of a tape.
pub(super) fn transcript_of(tape: &Tape) -> Transcript {
    let (mut narrator, mut transcript) = (Narrator::default(), Transcript::default());
    for number in tape.first()..tape.end() {
        if let Some(Entry::Fact(record)) = tape.entry(number) {
            narrator.hear(&record);
            transcript.extend(narrator.tell(tape.time_at(number)));
        }
    }
    transcript.extend(narrator.tell_the_rest());
    transcript
}

impl Window {
    /// The sentence of the moment that is shown; the pictures are exchanged.
    pub(super) fn told(&self) -> Option<Sentence> {
        let picture = &self.picture;
        let rate = match (&self.past, picture.steering.is_stopped(picture.now)) {
            (Some(_), _) | (None, true) => Rate::STOPPED,
            (None, false) => picture.steering.rate,
        };
        self.shown_transcript().shown(picture.now, rate).cloned()
    }

    /// What waits to be told is told when it is time, although no fact may come then.
    pub(super) fn repaint_when_something_is_to_be_told(&self, context: &Context) {
        let picture = &self.picture;
        let Some(next) = self.narration.narrator.next().filter(|_| self.past.is_none()) else { return };
        let wait = next.saturating_sub(picture.now) as f64 / 1e6;
        let rate = f64::from(picture.steering.rate.0) / f64::from(Rate::REAL.0);
        if rate > 0.0 && !picture.steering.is_stopped(picture.now) {
            context.request_repaint_after_secs((wait / rate).clamp(0.02, 5.0) as f32);
        }
    }
}
