//! `replay FILE`: what happened on a tape, in the narrator's sentences or fact by fact, and how the verdict stands at its end. No
//! cluster is started.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use protocol::ids::NodeId;
use serde::Serialize;

use super::{Exit, Failure, say, say_json, warn};
use knowledge::picture::Picture;
use knowledge::tape::{self, Entry, Opened};
use knowledge::verdict::Judgement;
use knowledge::verdict::evidence::Lights;
use wording::Weight;
use wording::narrator::{Narrator, Sentence};

/// Lines that are written at once.
const PORTION: usize = 256;

/// Which tape, and which part.
#[derive(Debug, clap::Args)]
pub struct ReplayArguments {
    /// The file.
    file: PathBuf,
    /// Begin at this second of cluster time.
    #[arg(long, value_name = "S", default_value_t = 0.0)]
    from: f64,
    /// End at this second of cluster time.
    #[arg(long, value_name = "S")]
    until: Option<f64>,
    /// Print every fact and command on a line of its own, as in the window's log.
    #[arg(long)]
    facts: bool,
    /// Print one JSON object instead: a summary of the tape and the verdict.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    entries: usize,
    messages: usize,
    seconds: f64,
    complete: bool,
    verdict: Judgement,
    notes: Vec<String>,
    lights: Lights,
    contradictions: Vec<String>,
}

/// All of a tape, for people.
///
/// # Errors
/// When it cannot be opened.
pub fn replay(file: &std::path::Path) -> Result<Exit, Failure> {
    perform(&ReplayArguments { file: file.to_owned(), from: 0.0, until: None, facts: false, json: false })
}

pub(super) fn perform(arguments: &ReplayArguments) -> Result<Exit, Failure> {
    let opened = tape::open(&arguments.file).map_err(|error| Failure::BadInput(error.to_string()))?;
    let judged = opened.tape.message_index().judged().clone();
    // What is missing could have spoken against it.
    let verdict = match (judged.lights.is_linearizable(), opened.bad_line) {
        (false, _) => Judgement::Violation,
        (true, Some(_)) => Judgement::TooLittleEvidence,
        (true, None) => Judgement::Holds,
    };
    if arguments.json {
        let tape = &opened.tape;
        say_json(&Report {
            entries: tape.end(),
            messages: tape.message_index().tracks().len(),
            seconds: tape.time_at(tape.end()) as f64 / 1e6,
            complete: opened.bad_line.is_none(),
            verdict,
            notes: opened.notes.clone(),
            lights: judged.lights.together(),
            contradictions: judged.contradictions.iter().map(wording::contradiction).collect(),
        })?;
    } else {
        opened.notes.iter().for_each(warn);
        if arguments.facts { list(&opened, arguments) } else { narrate(&opened, arguments) }?;
        let lights = wording::lights(&judged, &opened.picture.stats);
        let lights = lights.iter().map(|light| {
            let sign = light.good.map_or("○", |good| if good { "✓" } else { "✗" });
            format!("{sign} {}", light.words)
        });
        say(lights.collect::<Vec<_>>().join("   "))?;
        if verdict == Judgement::TooLittleEvidence {
            say("Too little evidence: the tape is incomplete, and its missing part cannot be judged.")?;
        }
        for contradiction in judged.contradictions.iter() {
            say(format!("✗ {}.", wording::contradiction(contradiction)))?;
        }
    }
    Ok(verdict.into())
}

impl ReplayArguments {
    /// The part that is wanted, in microseconds of cluster time.
    fn wanted(&self) -> RangeInclusive<u64> {
        let until = self.until.map_or(u64::MAX, |until| (until * 1e6) as u64);
        (self.from * 1e6) as u64..=until
    }
}

/// What happened, as the narrator tells it.
fn narrate(opened: &Opened, arguments: &ReplayArguments) -> Result<(), Failure> {
    let wanted = arguments.wanted();
    let mut narrator = Narrator::default();
    let said =
        |sentences: Vec<Sentence>| sentences.iter().filter(|sentence| wanted.contains(&sentence.at)).try_for_each(say);
    for number in opened.tape.first()..opened.tape.end() {
        if let Some(Entry::Fact(record)) = opened.tape.entry(number) {
            narrator.hear(&record);
            said(narrator.tell(opened.tape.time_at(number)))?;
        }
    }
    said(narrator.tell_the_rest())
}

/// Every fact and command.
fn list(opened: &Opened, arguments: &ReplayArguments) -> Result<(), Failure> {
    let wanted = arguments.wanted();
    let mut picture = Picture::default();
    let mut lines: Vec<String> = Vec::new();
    for number in opened.tape.first()..opened.tape.end() {
        let Some(entry) = opened.tape.entry(number) else { break };
        if let Entry::Fact(record) = &entry {
            picture.apply(record);
        }
        if wanted.contains(&entry.at()) {
            lines.extend(line(&entry, &picture));
        }
        if lines.len() >= PORTION {
            say(std::mem::take(&mut lines).join("\n"))?;
        }
    }
    if lines.is_empty() { Ok(()) } else { say(lines.join("\n")) }
}

fn line(entry: &Entry, picture: &Picture) -> Option<String> {
    let record = match entry {
        Entry::Command { at, command } => {
            return Some(format!("{:>9}  {:<16}> asked: {command:?}", wording::clock(*at), "somebody"));
        }
        Entry::Fact(record) => record,
    };
    let name = |id: NodeId| picture.name(id);
    let (weight, text) = wording::log_line(&record.event, &name)?;
    let sign = match weight {
        Weight::Plain => " ",
        Weight::Good => "✓",
        Weight::Bad => "✗",
    };
    let node = picture.nodes.name_of(record.node).unwrap_or("–");
    Some(format!("{:>9}  {node:<16}{sign} {text}", wording::clock(record.at)))
}
