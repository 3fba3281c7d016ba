//! Scenarios: what happens to a cluster at which moment, and what must come of it. A TOML file that is only data.
//!
//! A stranger's file is read within limits and refused with line and column (RELIABILITY A9, S12): nothing it says opens
//! another file, and nothing is allocated for what it merely claims. Performing one is `headless`'s.

mod check;
#[cfg(test)]
mod tests;

use std::time::Duration;

use protocol::postcode::PostcodeService;
use serde::Deserialize;
use thiserror::Error;

/// A larger file is refused unread, in bytes.
pub const LARGEST_FILE: u64 = 256 * 1024;

/// A script of faults and expectations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// One sentence for people.
    pub title: String,
    /// How many replicas begin, 1 to 20.
    pub replicas: u32,
    /// How many customers order all the time, 1 to 1000.
    pub customers: u32,
    /// How long customers order.
    pub lasts: Duration,
    /// What happens, in the order of time.
    pub steps: Vec<Step>,
    /// The steps begin again after so long; none: they happen once.
    pub again_after: Option<Duration>,
    /// What must come of it, beside the verdict.
    pub expect: Expectations,
}

/// Something that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Since the customers began, or since the steps began again.
    pub at: Duration,
    /// What.
    pub action: Action,
}

/// What can happen. Each has a name in the file, under `do`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// "crash": kill a process.
    Crash(NodeName),
    /// "restart": start a crashed process again.
    Restart(NodeName),
    /// "add-replica": one more.
    AddReplica,
    /// "remove": take a process away.
    Remove(NodeName),
    /// "misbehave": a stand-in answers badly from now on.
    Misbehave(PostcodeService, node::control::Misbehaviour),
    /// "verdict-cache": primaries remember verdicts, or ask each time.
    VerdictCache(bool),
    /// "hop": each hop takes so long.
    Hop(Duration),
}

/// Which node is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeName {
    /// Whichever replica is the primary then.
    Primary,
    /// One of the backups then, chosen by the seed.
    Backup,
    /// Every node that is crashed then.
    Crashed,
    /// This one: "front-end", "name-server", "replica-2", "postcodes.io", "getthedata.com".
    Named(String),
}

/// Floors and ceilings. Fewer acknowledged orders or faults than expected is too little evidence, not success.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectations {
    /// At least so many orders acknowledged.
    pub acknowledged: u64,
    /// At least so many changes of primary.
    pub failovers: u64,
    /// No customer waited longer between two answers.
    pub longest_gap: Option<Duration>,
}

/// Why a file is no scenario.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: {why}")]
pub struct ScenarioError {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// A sentence.
    pub why: String,
}

/// The scenarios that are built in, by name.
pub const BUILT_IN: [(&str, &str); 5] = [
    ("steady", include_str!("../../resources/scenarios/steady.toml")),
    ("kill-primary", include_str!("../../resources/scenarios/kill-primary.toml")),
    ("fe-ns", include_str!("../../resources/scenarios/fe-ns.toml")),
    ("join-load", include_str!("../../resources/scenarios/join-load.toml")),
    ("postcode-down", include_str!("../../resources/scenarios/postcode-down.toml")),
];

/// Reads a scenario.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn parse(text: &str) -> Result<Scenario, ScenarioError> {
    if text.len() as u64 > LARGEST_FILE {
        return Err(ScenarioError { line: 1, column: 1, why: too_large() });
    }
    let file: File = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        located(text, at, error.message().to_owned())
    })?;
    check::scenario(file).map_err(|(at, why)| located(text, at, why))
}

/// Reads one action as a line of JSON with the words of a step: {"do":"crash","node":"primary"}. Replicas of any number
/// may be named; whether they exist is seen when it is done.
///
/// # Errors
/// A sentence.
pub fn parse_action(line: &str) -> Result<Action, String> {
    let line: ActionLine = serde_json::from_str(line).map_err(|error| format!("not an action: {error}"))?;
    check::action_line(line)
}

/// The sentence for a file that is too large.
#[must_use]
pub fn too_large() -> String {
    format!("a scenario has at most {} KiB", LARGEST_FILE / 1024)
}

fn located(text: &str, at: usize, why: String) -> ScenarioError {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    ScenarioError { line, column, why }
}

/// The file as it is written, before limits and names are checked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    title: toml::Spanned<String>,
    replicas: toml::Spanned<i64>,
    customers: toml::Spanned<i64>,
    seconds: toml::Spanned<i64>,
    again_after_ms: Option<toml::Spanned<i64>>,
    #[serde(default)]
    step: Vec<FileStep>,
    #[serde(default)]
    expect: FileExpectations,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct FileStep {
    at_ms: toml::Spanned<i64>,
    #[serde(rename = "do")]
    action: toml::Spanned<String>,
    node: Option<toml::Spanned<String>>,
    how: Option<toml::Spanned<String>>,
    on: Option<toml::Spanned<bool>>,
    ms: Option<toml::Spanned<i64>>,
}

/// A step without its time.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ActionLine {
    #[serde(rename = "do")]
    action: String,
    node: Option<String>,
    how: Option<String>,
    on: Option<bool>,
    ms: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct FileExpectations {
    acknowledged: Option<toml::Spanned<i64>>,
    failovers: Option<toml::Spanned<i64>>,
    longest_gap_ms: Option<toml::Spanned<i64>>,
}
