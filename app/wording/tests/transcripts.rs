//! What the narrator tells of a run on real processes: of each lesson, each script of the bug museum, and the demonstration.
//!
//! `transcripts/NAME.jsonl.gz` has the facts of such a run, without those that the narrator makes nothing of; `NAME.txt` is what is
//! told about them. `UPDATE_TRANSCRIPTS=1` writes the texts anew: read them as a student would before you commit them. For
//! other facts, `just-hungry run museum/NAME --allow-plant --trace FOLDER/NAME.jsonl`, or
//! `just-hungry lesson NAME --answers model --allow-plant --trace FOLDER/lesson-NAME.jsonl`, then `RECORDED=FOLDER`.
#![expect(clippy::unwrap_used, reason = "a transcript that cannot be read must fail its test")]

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use protocol::ids::{NodeId, Role};
use protocol::message::FieldValue;
use protocol::trace::{Actor, LauncherEvent, MachineEvent, NodeEvent, Refusal, TraceEvent, TraceRecord};
use wording::narrator::{Narrator, Sentence};

const OTHERS: [&str; 1] = ["demo"];

/// Everything that is told: the bug museum, the lessons, the demonstration.
fn all() -> Vec<String> {
    let museum = protocol::plant::ALL.iter().map(|plant| plant.name().to_owned());
    let lessons = scenarios::LESSONS.iter().map(|(name, _)| format!("lesson-{name}"));
    museum.chain(lessons).chain(OTHERS.map(str::to_owned)).collect()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts")
}

fn facts(path: &Path) -> Vec<TraceRecord> {
    let file = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut text = String::new();
    match path.extension().is_some_and(|extension| extension == "gz") {
        true => GzDecoder::new(&file[..]).read_to_string(&mut text).unwrap(),
        false => (&file[..]).read_to_string(&mut text).unwrap(),
    };
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What is kept of a recording: what the narrator needs, and from whom a front-end heard when.
fn kept(mut record: TraceRecord, front_ends: &[NodeId]) -> Option<TraceRecord> {
    match &mut record.event {
        TraceEvent::Node(NodeEvent::Flow { sent }) => {
            sent.retain(|(to, _, control)| *control > 0 && front_ends.contains(to));
            if sent.is_empty() {
                return None;
            }
        }
        TraceEvent::Node(NodeEvent::Sent { facts, .. }) => {
            let needed =
                |(_, value): &(_, FieldValue)| matches!(value, FieldValue::Nodes { .. } | FieldValue::PartOf(..));
            facts.fields.retain(needed);
        }
        TraceEvent::Node(NodeEvent::Delivered { refused: Some(_), .. }) => return None,
        TraceEvent::Machine(MachineEvent::Refused { why: Refusal::DoesNotFit { .. }, .. }) => return None,
        TraceEvent::Node(_) | TraceEvent::Launcher(_) | TraceEvent::Machine(_) => {}
    }
    Narrator::needs(&record).then_some(record)
}

/// Ids and digests are long random numbers: short ones in the same order do as well.
fn with_short_numbers(text: &str) -> String {
    let is_long = |number: &&str| number.len() > 12;
    let numbers: BTreeSet<u128> =
        text.split(|c: char| !c.is_ascii_digit()).filter(is_long).map(|number| number.parse().unwrap()).collect();
    let mut short = text.to_owned();
    for (at, long) in numbers.iter().enumerate().rev() {
        short = short.replace(&long.to_string(), &(at + 1).to_string());
    }
    short
}

fn record(name: &str, from: &Path) {
    let facts = facts(&from.join(format!("{name}.jsonl")));
    let started = |fact: &TraceRecord| match &fact.event {
        TraceEvent::Launcher(LauncherEvent::Started(started)) if started.actor == Actor::Role(Role::FrontEnd) => {
            Some(fact.node)
        }
        _ => None,
    };
    let front_ends: Vec<NodeId> = facts.iter().filter_map(started).collect();
    let lines = facts.into_iter().filter_map(|fact| kept(fact, &front_ends));
    let lines: Vec<String> = lines.map(|record| serde_json::to_string(&record).unwrap()).collect();
    let mut file = GzEncoder::new(Vec::new(), Compression::best());
    file.write_all(with_short_numbers(&lines.join("\n")).as_bytes()).unwrap();
    std::fs::write(folder().join(format!("{name}.jsonl.gz")), file.finish().unwrap()).unwrap();
}

fn told(facts: &[TraceRecord]) -> Vec<Sentence> {
    let mut narrator = Narrator::default();
    facts.iter().for_each(|fact| narrator.hear(fact));
    narrator.tell_the_rest()
}

#[test]
fn each_script_is_told_as_a_story() {
    let mut wrong = Vec::new();
    for name in all() {
        if let Some(from) =
            std::env::var_os("RECORDED").filter(|from| Path::new(from).join(format!("{name}.jsonl")).exists())
        {
            record(&name, Path::new(&from));
        }
        let facts = facts(&folder().join(format!("{name}.jsonl.gz")));
        let text: Vec<String> = told(&facts).iter().map(ToString::to_string).collect();
        let (text, path) = (text.join("\n") + "\n", folder().join(format!("{name}.txt")));
        if std::env::var_os("UPDATE_TRANSCRIPTS").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        if std::fs::read_to_string(&path).unwrap_or_default() != text {
            wrong.push(format!("{name} is now told as:\n{text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A window hears little by little, and is told at once: it must hear the same story.
#[test]
fn it_is_the_same_story_however_often_it_is_asked_for() {
    for name in ["demo", "skip-slow-backup", "no-view-check"] {
        let mut facts = facts(&folder().join(format!("{name}.jsonl.gz")));
        let whole = told(&facts);
        facts.sort_by_key(|fact| fact.at);
        let mut narrator = Narrator::default();
        let mut told = Vec::new();
        for fact in &facts {
            told.extend(narrator.tell(fact.at));
            narrator.hear(fact);
        }
        told.extend(narrator.tell_the_rest());
        let words = |sentences: &[Sentence]| sentences.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(words(&told), words(&whole), "{name}");
    }
}

/// No sentence runs on, none is empty, and none shows what a person cannot see.
#[test]
fn sentences_are_short_and_name_what_can_be_seen() {
    let mut whats = BTreeSet::new();
    for name in all() {
        let facts = facts(&folder().join(format!("{name}.jsonl.gz")));
        let ids: Vec<String> = facts
            .iter()
            .filter(|fact| matches!(fact.event, TraceEvent::Launcher(LauncherEvent::Started(_))))
            .map(|fact| fact.node.to_string())
            .collect();
        for sentence in told(&facts) {
            let all = format!("{} {}", sentence.what, sentence.means.as_deref().unwrap_or("."));
            assert!(!ids.iter().any(|id| all.contains(id.as_str())), "{all}");
            assert!(sentence.what.ends_with('.') && sentence.what.len() <= 160, "{all}");
            assert!(sentence.means.is_none_or(|means| means.ends_with('.') && means.len() <= 200), "{all}");
            assert!(!all.contains(".."), "{all}");
            whats.insert(sentence.what);
        }
    }
    assert!(whats.len() > 100, "{}", whats.len());
}
