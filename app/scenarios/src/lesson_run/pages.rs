//! How far a page is, what was answered, and what the processes answered.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::Prediction;

/// How far a page is that has been opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Progress {
    /// It is read; what it waits for has not happened, or it waits for nothing.
    #[default]
    Open,
    /// Of a prediction: it was made, and now it happens.
    Happening,
    /// What it waits for has happened, or the prediction was compared with the facts.
    Done,
}

/// When a page was opened.
#[derive(Clone, Copy, Debug)]
pub struct Opened {
    /// In cluster time, in microseconds.
    pub cluster: u64,
    pub real: Duration,
    /// As patience counts.
    patience: Duration,
}

/// A page of a lesson under way.
#[derive(Clone, Debug, Default)]
pub struct PageRun {
    pub opened: Option<Opened>,
    pub progress: Progress,
    /// Of a prediction: when it had happened, in real time. The last facts about that come a little later.
    pub(super) happened: Option<Duration>,
    /// When it was done, in cluster time.
    pub done_at: Option<u64>,
    /// It asked for what had already happened.
    pub was_so: bool,
    /// It was looked whether it is done.
    pub(super) was_looked_at: bool,
    /// What is done when it is opened is done.
    prepared: bool,
    /// The lesson did what it asks for.
    pub done_for: bool,
    /// The reader goes on as soon as it is done.
    pub skipped: bool,
    /// What was predicted.
    pub answer: Option<Answer>,
    pub fact: Option<Fact>,
    /// A show of hands, in rounds.
    pub votes: Vec<Votes>,
    /// What could not be done, as a sentence.
    pub trouble: Option<String>,
}

/// How many voted for each answer: by the place of a choice, from 0, or by the number itself where one is asked for. What nobody has
/// voted for may be left out.
pub type Votes = BTreeMap<u64, u32>;

/// A prediction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The choice with this number, from 0.
    Choice(usize),
    /// The node of this name.
    Node(String),
    Number(u64),
}

/// What the processes did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    Is(Answer),
    /// Something that none of the answers says.
    Other,
}

/// A prediction beside what happened.
#[derive(Clone, Copy, Debug)]
pub struct Revealed<'a> {
    pub prediction: &'a Prediction,
    /// None: it was shown without one.
    pub answer: Option<&'a Answer>,
    pub fact: &'a Fact,
}

impl PageRun {
    pub(super) fn open(&mut self, cluster: u64, real: Duration, patience: Duration) {
        self.opened = Some(Opened { cluster, real, patience });
    }

    /// Whether what it waits for is looked for: the page has changed what it changes when it is opened.
    pub(super) fn is_prepared(&mut self, is_idle: bool) -> bool {
        self.prepared |= is_idle;
        self.prepared
    }

    pub(super) fn opened_patience(&self) -> Duration {
        self.opened.map_or(Duration::ZERO, |opened| opened.patience)
    }
}

impl Revealed<'_> {
    /// Whether the prediction was right; none: there was none.
    #[must_use]
    pub fn is_right(&self) -> Option<bool> {
        let answer = self.answer?;
        Some(matches!(self.fact, Fact::Is(fact) if fact == answer))
    }
}
