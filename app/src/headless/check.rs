//! `check FILE`: the verdict on a history that was recorded earlier.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use node::error_text;

use super::{Exit, Failure, say, say_json};
use knowledge::history;
use knowledge::recognition::{Kind, recognise};
use knowledge::verdict::{Judgement, judge};

/// What to check.
#[derive(Debug, clap::Args)]
pub struct CheckArguments {
    /// The history file, as written by `run --history`; "-" reads standard input.
    file: PathBuf,
    /// Require at least this many acknowledged orders; fewer are too little evidence.
    #[arg(long, default_value_t = 1)]
    at_least: u64,
    /// Print the result as one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn perform(arguments: &CheckArguments) -> Result<Exit, Failure> {
    let history = history::read(open_as(Kind::History, &arguments.file)?)
        .map_err(|error| Failure::BadInput(format!("{}: {error}", arguments.file.display())))?;
    let mut verdict = judge(&history);
    if verdict.verdict == Judgement::Holds && verdict.acknowledged < arguments.at_least {
        verdict.verdict = Judgement::TooLittleEvidence;
    }
    let exit = verdict.verdict.into();
    let told = wording::told_verdict(verdict);
    if arguments.json {
        say_json(&told)?
    } else {
        say(&told)?
    }
    Ok(exit)
}

/// A file a person named, or standard input, if it may be what it is wanted as.
pub(super) fn open_as(wanted: Kind, path: &Path) -> Result<Box<dyn BufRead>, Failure> {
    let refuse = |why: String| Failure::BadInput(format!("{} {why}", path.display()));
    let (kind, file) =
        recognise(open(path)?).map_err(|error| refuse(format!("cannot be read: {}.", node::error_text::io(&error))))?;
    match (wanted, kind) {
        (Kind::History | Kind::Scenario | Kind::Lesson | Kind::SetUp, Kind::Tape) => {
            Err(refuse("is a tape. To see it, run `just-hungry replay`.".into()))
        }
        (Kind::Scenario | Kind::Tape | Kind::Lesson | Kind::SetUp, Kind::History) => {
            Err(refuse("looks like a history. To judge it, run `just-hungry check`.".into()))
        }
        (Kind::History | Kind::Scenario | Kind::Tape | Kind::SetUp, Kind::Lesson) => {
            Err(refuse("is a lesson. To take it, run `just-hungry lesson`.".into()))
        }
        (Kind::History | Kind::Scenario | Kind::Tape | Kind::Lesson, Kind::SetUp) => {
            Err(refuse("is a set-up. To start a cluster like it, run `just-hungry gui --set-up`.".into()))
        }
        (Kind::Tape | Kind::History | Kind::Scenario | Kind::Lesson | Kind::SetUp, _) => Ok(Box::new(file)),
    }
}

/// A file a person named, or standard input.
pub(super) fn open(path: &Path) -> Result<Box<dyn BufRead>, Failure> {
    if path == Path::new("-") {
        return Ok(Box::new(BufReader::new(std::io::stdin())));
    }
    let refuse = |why: &dyn std::fmt::Display| Failure::BadInput(format!("{} cannot be read: {why}", path.display()));
    let file = File::open(path).map_err(|error| refuse(&error_text::io(&error)))?;
    match file.metadata() {
        Ok(found) if found.is_dir() => Err(refuse(&"it is a folder")),
        Ok(_) => Ok(Box::new(BufReader::with_capacity(256 * 1024, file))),
        Err(error) => Err(refuse(&error_text::io(&error))),
    }
}
