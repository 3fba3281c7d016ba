//! Writing a tape to a file: compressed JSON Lines, a header first, whole or not at all.
//!
//! It is written beside its place under another name and then renamed, so that a full disk or a crash never leaves half a
//! tape where a whole one was. Reading is `reading`'s.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use protocol::trace::TraceRecord;
use serde::{Deserialize, Serialize};

use super::entry_log::EntryLog;
use super::{Entry, Tape};

/// The format that is written, and the newest that is read.
pub(super) const VERSION: u32 = 2;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Header {
    /// The format's version; no other file has this field.
    #[serde(rename = "just-hungry-tape")]
    pub version: u32,
    /// Of the program that wrote it.
    #[serde(default)]
    pub program: String,
    /// How many entries of the run's beginning are not on the tape.
    #[serde(default)]
    pub missing: u64,
    /// How many of the first entries say only what those had come to.
    #[serde(default, rename = "standing")]
    pub checkpoint: u64,
}

/// A line after the first.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Line {
    /// See [`Entry`].
    Fact(TraceRecord),
    /// See [`Entry`].
    Command {
        /// See [`Entry`].
        at: u64,
        /// See [`Entry`].
        command: crate::user_command::UserCommand,
    },
    /// The last line: nothing was cut off.
    End {
        /// How many entries there are.
        entries: u64,
    },
}

impl From<Entry> for Line {
    fn from(entry: Entry) -> Self {
        match entry {
            Entry::Fact(record) => Line::Fact(record),
            Entry::Command { at, command } => Line::Command { at, command },
        }
    }
}

/// Why a tape, or what is told of one, was not saved. Displayed as a sentence.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// Nothing to name the file by.
    #[error("“{0}” is not a file name. Enter one such as lecture.")]
    NoName(String),
    /// There is no such folder.
    #[error("The file was not saved: there is no folder “{0}”. Choose another folder, or create it first.")]
    NoFolder(String),
    /// The disk is full.
    #[error("The file was not saved: the disk is full. Free some space, or choose another place.")]
    Full,
    #[error("The file was not saved to “{path}”: {}. Choose another place.", node::error_text::io(why))]
    Other {
        path: String,
        /// What the operating system said.
        why: io::Error,
    },
}

/// What is written: a copy shares its entries with the tape, which may go on meanwhile, on another thread.
#[derive(Clone, Debug)]
pub struct TapeCopy {
    entries: EntryLog,
    checkpoint: Vec<TraceRecord>,
}

impl Tape {
    /// The tape as it is now, to be saved.
    pub fn copy(&self) -> TapeCopy {
        TapeCopy { entries: self.entries.clone(), checkpoint: self.checkpoint.facts().cloned().collect() }
    }
}

impl TapeCopy {
    pub fn len(&self) -> usize {
        self.entries.end() - self.entries.first() + self.checkpoint.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes all of it, compressed.
    ///
    /// # Errors
    /// Whatever the sink says.
    pub fn write(&self, sink: impl Write) -> io::Result<()> {
        let mut lines = GzEncoder::new(sink, Compression::new(4));
        let header = Header {
            version: VERSION,
            program: env!("CARGO_PKG_VERSION").into(),
            missing: self.entries.first() as u64,
            checkpoint: self.checkpoint.len() as u64,
        };
        line(&mut lines, &header)?;
        let checkpoint = self.checkpoint.iter().cloned().map(Entry::Fact);
        let mut entries = 0;
        for entry in checkpoint.chain(self.entries.from(self.entries.first())) {
            line(&mut lines, &Line::from(entry))?;
            entries += 1;
        }
        line(&mut lines, &Line::End { entries })?;
        lines.finish()?.flush()
    }
}

fn line(sink: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_vec(value)?;
    text.push(b'\n');
    sink.write_all(&text)
}

/// Saves a tape: it is there as a whole, or what was there before still is.
///
/// # Errors
/// See [`SaveError`].
pub fn save(tape: &TapeCopy, path: &Path) -> Result<(), SaveError> {
    save_whole(path, |file| tape.write(file))
}

/// Saves a text in the same way.
///
/// # Errors
/// See [`SaveError`].
pub fn save_text(text: &str, path: &Path) -> Result<(), SaveError> {
    save_whole(path, |file| file.write_all(text.as_bytes()))
}

fn save_whole(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> Result<(), SaveError> {
    let shown = |path: &Path| protocol::text::shown(&path.display().to_string(), usize::MAX);
    let Some(name) = path.file_name() else { return Err(SaveError::NoName(shown(path))) };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Err(SaveError::NoFolder(shown(folder)));
    }
    let mut part = name.to_owned();
    part.push(format!(".{}.part", std::process::id()));
    let part: PathBuf = folder.join(part);
    let written = write_part(&part, write).and_then(|()| fs::rename(&part, path));
    written.map_err(|why| {
        // Half a file helps nobody; if it cannot be removed either, the error is told all the same.
        let _ = fs::remove_file(&part);
        match why.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => SaveError::Full,
            _ => SaveError::Other { path: shown(path), why },
        }
    })
}

fn write_part(part: &Path, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(part)?);
    write(&mut file)?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user_command::{CustomerCommand, UserCommand};
    use protocol::ids::{CustomerId, MessageId, NodeId, OpNumber};
    use protocol::message::Summary;
    use protocol::trace::{LauncherEvent, MachineEvent, NodeEvent, Rate, TraceEvent};

    /// As earlier versions wrote them: no line names the speaker.
    #[test]
    fn lines_of_old_tapes_are_read_and_written_as_ever() {
        let message = MessageId { from: NodeId(7), number: 1 };
        let said = [
            (r#"{"HopIs":{"hop":10000}}"#, TraceEvent::Launcher(LauncherEvent::HopIs { hop: 10_000 })),
            (
                r#"{"Delivered":{"message":{"from":7,"number":1},"refused":null}}"#,
                TraceEvent::Node(NodeEvent::Delivered { message, refused: None }),
            ),
            (r#""Woke""#, TraceEvent::Node(NodeEvent::Woke)),
            (r#"{"Committed":{"op":7}}"#, TraceEvent::Machine(MachineEvent::Committed { op: OpNumber(7) })),
            // All of them can say this.
            (r#"{"Log":{"text":"On."}}"#, TraceEvent::Launcher(LauncherEvent::Log { text: "On.".into() })),
        ];
        for (text, event) in said {
            let line = format!(r#"{{"fact":{{"node":1878616154555965789,"at":117343,"event":{text}}}}}"#);
            let Ok(Line::Fact(record)) = serde_json::from_str(&line) else { panic!("{line}") };
            assert_eq!(record.event, event);
            assert_eq!(serde_json::to_string(&Line::Fact(record)).unwrap(), line);
        }
        let unknown = r#"{"fact":{"node":1,"at":1,"event":{"Sung":{"text":"On."}}}}"#;
        assert!(serde_json::from_str::<Line>(unknown).unwrap_err().to_string().contains("unknown variant `Sung`"));
    }

    /// Messages had labels and fields in words; what is saved now says the same, and opens.
    #[test]
    fn messages_of_old_tapes_keep_their_words() {
        let line = r#"{"fact":{"node":7,"at":5,"event":{"Sent":{"message":{"from":7,"number":1},"to":8,"facts":{"step":5,"label":"update 41 (copy)","request":null,"fields":[["view","3"]],"delay":0,"held":false}}}}}"#;
        let read = |line: &str| {
            let Ok(Line::Fact(record)) = serde_json::from_str(line) else { panic!("{line}") };
            record
        };
        let old = read(line);
        let TraceEvent::Node(NodeEvent::Sent { facts, .. }) = &old.event else { panic!("{old:?}") };
        assert_eq!(facts.summary, Summary::AsWritten("update 41 (copy)".into()));
        assert_eq!(facts.fields, [("view".into(), "3".into())]);
        assert_eq!(read(&serde_json::to_string(&Line::Fact(old.clone())).unwrap()), old);
    }

    #[test]
    fn commands_of_old_tapes_are_read_and_written_as_ever() {
        let (customer, postcode) = (CustomerId(88_306_505_573_385_815_992_041_114_525_985_101_895), "EH1 1RE".into());
        let asked = [
            (r#"{"SetRate":{"rate":1000000}}"#, UserCommand::SetRate { rate: Rate::REAL }),
            (r#""MendAll""#, UserCommand::MendAll),
            (
                r#"{"ReadHistory":{"customer":88306505573385815992041114525985101895,"postcode":"EH1 1RE","page":0}}"#,
                CustomerCommand::ReadHistory { customer, postcode, page: 0 }.into(),
            ),
        ];
        for (text, wanted) in asked {
            let line = format!(r#"{{"command":{{"at":5,"command":{text}}}}}"#);
            let Ok(Line::Command { at, command }) = serde_json::from_str(&line) else { panic!("{line}") };
            assert_eq!((at, &command), (5, &wanted));
            assert_eq!(serde_json::to_string(&Line::Command { at, command }).unwrap(), line);
            let bytes = postcard::to_extend(&wanted, Vec::new()).unwrap();
            assert_eq!(postcard::from_bytes::<UserCommand>(&bytes), Ok(wanted));
        }
    }
}
