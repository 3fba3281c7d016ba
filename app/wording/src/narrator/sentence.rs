//! A sentence of the narrator, and the small words that all of them are made with.

use std::fmt;

/// How much a sentence matters: where there is room for one, the weightier one is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// What stands over the sentences that follow.
    Title,
    /// A message, a step of an order.
    Step,
    /// What a customer asked or was told.
    Answer,
    /// A fault, a repair, a change of the view.
    Event,
    /// A promise is broken: a light turns red.
    Alarm,
}

/// One thing that happens, and what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// When it happened, in microseconds of cluster time.
    pub at: u64,
    /// The step of the workflow, if it is one.
    pub step: Option<u8>,
    /// One sentence: what happens.
    pub what: String,
    /// At most one sentence more: who waits, why, or what follows.
    pub means: Option<String>,
    pub weight: Weight,
}

impl Sentence {
    pub(super) fn title(at: u64, words: String) -> Self {
        Self { at, step: None, what: words, means: None, weight: Weight::Title }
    }

    pub(super) fn step(at: u64, step: u8, what: String) -> Self {
        Self { at, step: Some(step), what: capital(&what), means: None, weight: Weight::Step }
    }

    pub(super) fn answer(at: u64, what: String) -> Self {
        Self { at, step: None, what: capital(&what), means: None, weight: Weight::Answer }
    }

    pub(super) fn event(at: u64, what: String) -> Self {
        Self { at, step: None, what: capital(&what), means: None, weight: Weight::Event }
    }

    pub(super) fn alarm(at: u64, what: String) -> Self {
        Self { at, step: None, what: capital(&what), means: None, weight: Weight::Alarm }
    }

    pub(super) fn means(self, means: impl Into<Option<String>>) -> Self {
        Self { means: means.into().map(|means| capital(&means)), ..self }
    }

    pub(super) fn of_weight(self, weight: Weight) -> Self {
        Self { weight, ..self }
    }

    /// What happens, with the number of its step in front: "Step 5: the primary sends …".
    #[must_use]
    pub fn numbered(&self) -> String {
        match self.step {
            None => self.what.clone(),
            Some(step) => format!("Step {step}: {}", small(&self.what)),
        }
    }
}

/// For the terminal: its time in front, what it means in a second line.
impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.weight == Weight::Title {
            return write!(f, "\n== {}", self.what);
        }
        write!(f, "{:>9}  {}", crate::clock(self.at), self.numbered())?;
        self.means.as_ref().map_or(Ok(()), |means| write!(f, "\n{:>11}{means}", ""))
    }
}

/// Words with which a sentence may begin that are no names.
const WORDS: [&str; 17] = [
    "the ", "both ", "all ", "nobody ", "a ", "an ", "its ", "until ", "it ", "every ", "only ", "nothing ", "they ",
    "before ", "no ", "view ", "such ",
];

/// A sentence begins with a capital, but a name stays as it is.
fn capital(words: &str) -> String {
    match WORDS.iter().any(|word| words.starts_with(word)) {
        true => words[..1].to_uppercase() + &words[1..],
        false => words.to_owned(),
    }
}

/// The same in the middle of a sentence.
fn small(words: &str) -> String {
    let lower = words.chars().next().map_or_else(String::new, |first| first.to_lowercase().to_string());
    let lower = lower + words.get(1..).unwrap_or_default();
    if WORDS.iter().any(|word| lower.starts_with(word)) { lower } else { words.to_owned() }
}

/// "0.24 s": a length of time that a person can picture.
pub(super) fn seconds(micros: u64) -> String {
    match micros {
        0..1_000 => "less than 1 ms".into(),
        1_000..20_000 => format!("{} ms", micros / 1_000),
        20_000..10_000_000 => format!("{:.2} s", micros as f64 / 1e6),
        _ => format!("{:.0} s", micros as f64 / 1e6),
    }
}

/// "Ada, Bob and Carol".
pub(super) fn list(names: &[String]) -> String {
    match names {
        [] => "nobody".into(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
