//! Lessons: scenarios with words. A lesson is pages of one or two sentences beside the running cluster; a page may wait for something,
//! and may ask for a prediction, whose right answer is computed from what the processes do.
//!
//! One text file: Markdown that reads well by itself, with the program of each page in a block of TOML in the words of scenarios. How
//! it is performed stands in `lesson_run`; who shows it is not known here.

mod built_in;
mod file;
mod markdown;
mod prose;
pub(crate) mod reading;
#[cfg(test)]
mod tests;
mod writing;

use protocol::trace::Rate;

use crate::{Action, EndName, Light, NodeName, Scenario, Unsafe, WaitFor};
pub use built_in::{LESSONS, TRANSLATIONS, built_in_lesson, built_in_lessons};
pub(crate) use markdown::slug;
pub use prose::{Prose, Run};
pub use reading::{parse_lesson, read_lesson, translate};
pub use writing::{markdown, typed, write_lesson};

/// A lesson.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lesson {
    pub title: String,
    /// What the learner will understand: one sentence.
    pub goal: String,
    /// What holds whatever happens: one sentence, which stands at the end.
    pub rule: String,
    /// How long it takes, about.
    pub minutes: u32,
    /// Names of lessons and scenarios.
    pub try_next: Vec<String>,
    /// How fast time goes at the beginning.
    pub speed: Rate,
    /// The cluster, what is done before the first page, and what must hold in the end.
    pub world: Scenario,
    pub pages: Vec<Page>,
}

impl Lesson {
    /// Everything unsafe that it switches on.
    pub fn unsafe_switches(&self) -> impl Iterator<Item = Unsafe> + '_ {
        let of_prediction = |page: &'_ Page| page.prediction.iter().flat_map(|it| it.then.clone()).collect::<Vec<_>>();
        let steps =
            self.pages.iter().flat_map(move |page| [page.before.clone(), page.do_it.clone(), of_prediction(page)]);
        self.world.unsafe_switches().chain(steps.flatten().filter_map(|step| Unsafe::of(&step)))
    }
}

/// A page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The same in each translation.
    pub id: String,
    pub title: String,
    pub text: Prose,
    /// Shown after a while.
    pub hint: Prose,
    /// When the hint is shown, in seconds of the reader's time and not the cluster's.
    pub hint_after: u32,
    /// What it speaks of.
    pub spotlight: Vec<Spot>,
    /// Done when the page is opened for the first time.
    pub before: Vec<Action>,
    /// One of these ends the page. None: the reader does.
    pub until: Vec<WaitFor>,
    /// Time stands still once that has happened.
    pub stops: bool,
    /// Brings it about, for a reader who asks for that.
    pub do_it: Vec<Action>,
    pub prediction: Option<Prediction>,
}

impl Page {
    /// Whether it asks the reader for something other than to read.
    #[must_use]
    pub fn asks(&self) -> bool {
        !self.until.is_empty() || self.prediction.is_some()
    }
}

/// A question that is answered before it happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prediction {
    pub question: Question,
    /// What happens then. Time goes on afterwards.
    pub then: Vec<Action>,
    /// When one of these is so, it is seen who was right. None: when all has been done.
    pub until: Vec<WaitFor>,
    /// Why it happened so.
    pub explanation: Prose,
}

/// What is asked, how the facts answer it, and what a teacher would answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// One of these; the model's is the one with this number.
    Choice(Vec<Choice>, usize),
    /// Click on the node that will be this one; the model's.
    Node(NodeName, NodeName),
    /// A number; the model's.
    Number(Quantity, u64),
}

/// An answer to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// "A".
    pub letter: String,
    pub text: Prose,
    pub why_not: Prose,
    /// It is right if all of these are so.
    pub right_if: Vec<WaitFor>,
}

/// What can be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// "copies": running replicas that hold everything that any of them holds.
    Copies,
    /// "members": of the newest view.
    Members,
    /// "view": the number of the newest view.
    View,
    /// "messages": that were sent with a number of the workflow, since the prediction.
    Messages,
}

/// What a page can point at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spot {
    /// "primary", "backups", "Grace": nodes and customers.
    End(EndName),
    /// "link front-end > primary": the link and what is on it.
    Link(EndName, EndName),
    /// "messages 5": those of a step that are on their way.
    Messages(u8),
    /// "light lost".
    Light(Light),
    Part(Part),
}

/// A part of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// "order-form".
    OrderForm,
    /// "timeline".
    Timeline,
    /// "narrator".
    Narrator,
    /// "speed": Run, Stop, Step and the speeds.
    Speed,
    /// "lights".
    Lights,
}

pub(crate) const QUANTITIES: [(&str, Quantity); 4] = [
    ("copies", Quantity::Copies),
    ("members", Quantity::Members),
    ("view", Quantity::View),
    ("messages", Quantity::Messages),
];

pub(crate) const PARTS: [(&str, Part); 5] = [
    ("order-form", Part::OrderForm),
    ("timeline", Part::Timeline),
    ("narrator", Part::Narrator),
    ("speed", Part::Speed),
    ("lights", Part::Lights),
];
