//! Scenarios: what happens to a cluster at which moment, and what is expected. A scenario is a TOML file that is only data.
//!
//! A stranger's file is read within limits and refused with line and column: nothing it says opens
//! another file, nothing is allocated for what it merely claims, and no bug is injected without a person's consent.
//! [`ScriptRunner`] turns its steps into user commands; the caller passes them on.

#![expect(missing_docs, reason = "what its name says has no line")]

mod action;
mod built_in;
mod check;
mod draft;
mod expect;
mod file;
mod lesson;
pub mod lesson_run;
mod measure;
mod outcome;
mod recording;
pub mod scenario_run;
mod script_runner;
mod set_up;
mod switches;
mod words;
mod written;

#[cfg(test)]
mod facts_for_tests;
#[cfg(test)]
mod tests;

use std::io::{BufReader, Read};
use std::time::Duration;

use protocol::acknowledge::Acknowledge;
use protocol::judge::ContradictionKind;
use protocol::plant::Plant;
use thiserror::Error;

pub use action::{Action, EndName, Goal, NodeName, TimerName, WaitFor, Which};
pub use built_in::{BUILT_IN, MUSEUM, built_in, built_in_title};
pub use draft::{Draft, DraftPage, Fault, LONGEST_PAGE};
pub use expect::{Compared, Comparison, Counted, Met, Recovered, Redness};
use knowledge::recognition::recognise;
pub use lesson::{
    Choice, LESSONS, Lesson, Page, Part, Prediction, Prose, Quantity, Question, Run, Spot, TRANSLATIONS,
    built_in_lesson, built_in_lessons, markdown, parse_lesson, read_lesson, translate, typed, write_lesson,
};
pub use measure::Gaps;
pub use outcome::{Conclusion, Finished, Outcome};
pub use recording::{Recorder, Remark, Unsaid};
pub use script_runner::{Clocks, Findings, Patience, ResolvedStep, ScriptRunner, Times, resolved};
pub use set_up::{MapPart, Placement, SetUp, Settler, parse_set_up, read_set_up};
pub use switches::Unsafe;
pub use words::timer_name;

/// A larger file is refused unread, in bytes.
pub(crate) const LARGEST_FILE: u64 = 256 * 1024;

/// A script of faults, orders and expectations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// One sentence for people.
    pub title: String,
    /// How many replicas begin, 1 to 20.
    pub replicas: u32,
    /// How many customers order all the time, 0 to 1000; those with a name are the steps' own.
    pub customers: u32,
    /// How long customers order.
    pub lasts: Duration,
    /// The bug that is injected from the beginning. Never without consent.
    pub plant: Option<Plant>,
    /// How many copies answers wait for from the beginning. Fewer than all: never without consent.
    pub acknowledge: Acknowledge,
    /// What happens, in the order of time.
    pub steps: Vec<Step>,
    /// The steps begin again after so long; none: they happen once.
    pub again_after: Option<Duration>,
    /// How many customers' last requests the replicas remember.
    pub sessions: u32,
    /// It wants an etcd of its own for the view record, and two name servers.
    pub etcd: bool,
    /// Its replicas keep their state on disk.
    pub durable: bool,
    /// What it expects, besides the verdict.
    pub expect: Expectations,
}

/// How many members the etcd of a run has.
pub const ALL_STORE_MEMBERS: u32 = 3;

/// Something that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The earliest moment, in real time since the customers began, or since the steps began again. It comes after the
    /// step before it in any case.
    pub at: Duration,
    /// Its line in the file.
    pub line: usize,
    pub action: Action,
}

/// Floors and ceilings. Fewer acknowledged orders or faults than expected is too little evidence, not success.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectations {
    /// At least this many orders acknowledged.
    pub acknowledged: u64,
    /// At least this many changes of primary.
    pub failovers: u64,
    /// At least this many view changes.
    pub view_changes: u64,
    /// At most this many.
    pub at_most_view_changes: Option<u64>,
    /// No customer waited longer between two answers.
    pub longest_gap: Option<Duration>,
    /// At most this many timers rang while time stood still.
    pub timers_rung: Option<u64>,
    /// At most this many suspicions.
    pub suspicions: Option<u64>,
    /// At least this many faults.
    pub faults: u64,
    /// Of at least this many kinds.
    pub kinds: u64,
    /// At least this many bombs went off.
    pub failpoints: u64,
    /// At most so long after the last step, half as many orders a second are acknowledged as before the first one.
    pub recovers_within: Option<Duration>,
    /// After the first fault, at least this many percent of the orders a second before it are acknowledged.
    pub percent_of_calm: Option<u64>,
    /// These lights turn red with an injected bug, or after a fresh start; without, all stay green.
    pub red: Vec<Light>,
}

/// What can come out wrong, each with a light of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Light {
    /// What customers were told contradicts itself in this way.
    Shows(ContradictionKind),
    /// Replicas that stand at the same place do not hold the same.
    ReplicasDiffer,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: {why}")]
pub struct ScenarioError {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    pub why: String,
}

impl serde::Serialize for Light {
    /// By its word in scenario files.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl std::fmt::Display for Light {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = words::LIGHTS.iter().find(|(_, light)| light == self).map_or("", |(word, _)| word);
        f.write_str(word)
    }
}

impl Scenario {
    /// Everything unsafe that it switches on.
    pub fn unsafe_switches(&self) -> impl Iterator<Item = Unsafe> + '_ {
        let from_the_beginning = self.plant.map(Unsafe::Plant).into_iter().chain(Unsafe::fewer(self.acknowledge));
        from_the_beginning.chain(self.steps.iter().filter_map(|step| Unsafe::of(&step.action)))
    }

    /// Whether it gives orders up for lost, by a fresh start.
    pub(crate) fn loses_orders(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.action, Action::FreshStart(_)))
    }

    #[must_use]
    pub fn made_safe(mut self) -> Self {
        (self.plant, self.acknowledge) = (None, Acknowledge::All);
        self.steps.retain(|step| !matches!(step.action, Action::Plant(_) | Action::Acknowledge(_)));
        self
    }
}

/// A step that is not bound to a moment.
fn step(action: Action) -> Step {
    Step { at: Duration::ZERO, line: 0, action }
}

/// Reads a scenario.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn parse(text: &str) -> Result<Scenario, ScenarioError> {
    if text.len() as u64 > LARGEST_FILE {
        return Err(ScenarioError { line: 1, column: 1, why: too_large() });
    }
    let file: file::File = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        located(text, at, error.message().to_owned())
    })?;
    let mut scenario = check::scenario(&file).map_err(|(at, why)| located(text, at, why))?;
    for (step, written) in scenario.steps.iter_mut().zip(&file.step) {
        step.line = located(text, written.action.span().start, String::new()).line;
    }
    Ok(scenario)
}

/// Reads a scenario within its limits.
///
/// # Errors
/// When it cannot be read at all; else the first thing that is wrong, with its place.
pub fn read(source: impl Read) -> std::io::Result<Result<Scenario, ScenarioError>> {
    Ok(utf_8(source)?.and_then(|text| parse(&text)))
}

/// The text of a file, within its limits.
fn utf_8(source: impl Read) -> std::io::Result<Result<String, ScenarioError>> {
    let mut bytes = Vec::new();
    let (_, source) = recognise(BufReader::new(source))?;
    source.take(LARGEST_FILE + 1).read_to_end(&mut bytes)?;
    Ok(match String::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(error) => {
            let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = valid.iter().filter(|byte| **byte == b'\n').count() + 1;
            let column = valid.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
            Err(ScenarioError { line, column, why: "this is not UTF-8 text".into() })
        }
    })
}

/// Reads one action as a line of JSON with the words of a step: {"do":"crash","node":"primary"}. Replicas of any number
/// and any customers may be named; whether they exist is seen when it is done.
///
/// # Errors
/// A sentence.
pub fn parse_action(line: &str) -> Result<Action, String> {
    let step: toml::Table = serde_json::from_str(line).map_err(|error| format!("not an action: {error}"))?;
    let step = toml::to_string(&step).map_err(|error| format!("not an action: {error}"))?;
    let step: file::FileStep = toml::from_str(&step).map_err(|error| format!("not an action: {}", error.message()))?;
    check::any_action(&step).map_err(|(_, why)| why)
}

/// The sentence for a file that is too large.
pub(crate) fn too_large() -> String {
    format!("a scenario has at most {} KiB", LARGEST_FILE / 1024)
}

fn located(text: &str, at: usize, why: String) -> ScenarioError {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    ScenarioError { line, column, why }
}
