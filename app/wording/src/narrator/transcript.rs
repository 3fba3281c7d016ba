//! What has been told so far: for the window, which shows one sentence, and for the file in which it is kept.

use std::collections::VecDeque;
use std::fmt::Write;

use protocol::trace::Rate;

use super::known::at_rate;
use super::sentence::{Sentence, Weight};

/// Sentences that are kept: some hours of a lecture.
const MOST: usize = 20_000;
/// A weightier sentence stands at least so long before a lighter one takes its place, in microseconds before a person's eyes.
const STANDS: u64 = 3_000_000;

/// The sentences of a run, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Transcript {
    sentences: VecDeque<Sentence>,
}

impl Transcript {
    /// Adds sentences, each at its time.
    pub fn extend(&mut self, sentences: impl IntoIterator<Item = Sentence>) {
        for sentence in sentences {
            let place = self.sentences.partition_point(|other| other.at <= sentence.at);
            self.sentences.insert(place, sentence);
            if self.sentences.len() > MOST {
                self.sentences.pop_front();
            }
        }
    }

    /// All of them.
    pub fn sentences(&self) -> impl DoubleEndedIterator<Item = &Sentence> + ExactSizeIterator {
        self.sentences.iter()
    }

    /// The sentence to show at a moment, when time goes at this rate: the latest, unless a weightier one was just said.
    #[must_use]
    pub fn shown(&self, now: u64, rate: Rate) -> Option<&Sentence> {
        let end = self.sentences.partition_point(|sentence| sentence.at <= now);
        let stands = at_rate(STANDS, rate);
        let mut shown: Option<&Sentence> = None;
        for sentence in self.sentences.range(..end).rev().filter(|sentence| sentence.weight != Weight::Title) {
            if shown.is_some() && sentence.at.saturating_add(stands) < now {
                break;
            }
            if shown.is_none_or(|shown| sentence.weight > shown.weight) {
                shown = Some(sentence);
            }
        }
        shown
    }

    /// All of it as a text that is read anywhere (Markdown).
    #[must_use]
    pub fn text(&self, title: &str) -> String {
        let mut text = format!("# {title}\n\nTimes are seconds of cluster time.\n\n");
        for sentence in &self.sentences {
            // Writing to a string cannot fail.
            let _ = match (sentence.weight, &sentence.means) {
                (Weight::Title, _) => writeln!(text, "\n## {}\n", sentence.what),
                (_, None) => writeln!(text, "- `{}` {}", crate::clock(sentence.at), sentence.numbered()),
                (_, Some(means)) => {
                    writeln!(text, "- `{}` {} *{means}*", crate::clock(sentence.at), sentence.numbered())
                }
            };
        }
        text
    }
}
