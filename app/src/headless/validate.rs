//! `validate FILE`: is this a scenario, a lesson, a set-up, a history or a tape, or where is it wrong? Opens nothing but that file.

use std::io::BufRead;
use std::path::Path;

use serde::Serialize;

use super::{Exit, Failure, check, say, say_json};
use knowledge::recognition::{Kind, recognise};
use knowledge::{history, tape};
use scenarios::{ScenarioError, Unsafe};

#[derive(Serialize)]
struct Found {
    ok: bool,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// Bugs and unsafe settings that a script would switch on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    plants: Vec<String>,
}

impl Found {
    fn right(kind: &'static str, plants: Vec<String>) -> Self {
        Self { ok: true, kind, line: None, column: None, why: None, plants }
    }
}

pub(super) fn perform(path: &Path, json: bool) -> Result<Exit, Failure> {
    let refuse = |error| {
        let why = node::error_text::io(&error);
        Failure::BadInput(format!("{} cannot be read: {why}.", path.display()))
    };
    let (kind, file) = recognise(check::open(path)?).map_err(refuse)?;
    let found = match kind {
        Kind::Tape => examine_tape(file),
        Kind::History => examine_history(file),
        Kind::Scenario => {
            examine_script("scenario", scenarios::read(file)?, |scenario| scenario.unsafe_switches().collect())
        }
        Kind::Lesson => {
            examine_script("lesson", scenarios::read_lesson(file)?, |lesson| lesson.unsafe_switches().collect())
        }
        Kind::SetUp => examine_script("set-up", scenarios::read_set_up(file)?, |set_up| {
            Unsafe::fewer(set_up.settings.acknowledge).into_iter().collect()
        }),
    };
    if json {
        say_json(&found)?;
    } else if let Some(why) = &found.why {
        let place: Vec<_> =
            [found.line.map(|line| format!("line {line}")), found.column.map(|at| format!("column {at}"))]
                .into_iter()
                .flatten()
                .collect();
        let colon = if place.is_empty() { "" } else { ": " };
        say(format!("{}: {}{colon}{why}", path.display(), place.join(", ")))?;
    } else {
        say(format!("{}: a {}, ok", path.display(), found.kind))?;
        if !found.plants.is_empty() {
            say(format!("UNSAFE: it switches on: {}", found.plants.join(", ")))?;
        }
    }
    Ok(if found.ok { Exit::Holds } else { Exit::BadInput })
}

/// A tape that can be read only in part is not ok; `replay` shows that part.
fn examine_tape(file: impl BufRead) -> Found {
    let (line, why) = match tape::read(file) {
        Ok(opened) if opened.bad_line.is_none() => {
            return Found::right("tape", Vec::new());
        }
        Ok(opened) => (opened.bad_line, opened.notes.join(" ")),
        Err(error) => (Some(1), error.to_string()),
    };
    Found { ok: false, kind: "tape", line, column: None, why: Some(why), plants: Vec::new() }
}

fn examine_history(file: impl BufRead) -> Found {
    let (kind, line, why) = match history::read(file) {
        Ok(_) => return Found::right("history", Vec::new()),
        Err(history::HistoryError::Line { line, why }) => ("history", Some(line), why),
        Err(error @ history::HistoryError::Unreadable(_)) => ("history", None, error.to_string()),
        Err(history::HistoryError::Foreign) => {
            ("unknown", None, "not a scenario, a lesson, a set-up, a history or a tape of Just Hungry".into())
        }
    };
    Found { ok: false, kind, line, column: None, why: Some(why), plants: Vec::new() }
}

fn examine_script<T>(
    kind: &'static str,
    read: Result<T, ScenarioError>,
    switches: impl FnOnce(&T) -> Vec<Unsafe>,
) -> Found {
    match read {
        Ok(script) => Found::right(kind, switches(&script).iter().map(Unsafe::to_string).collect()),
        Err(error) => Found {
            ok: false,
            kind,
            line: Some(error.line),
            column: Some(error.column),
            why: Some(error.why),
            plants: Vec::new(),
        },
    }
}
