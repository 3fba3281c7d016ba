//! Opening a tape that may come from a stranger: as far as it can be read, within limits, and with a sentence about the rest.
//!
//! Lines are limited before they are kept, the whole is limited as it is decompressed, and names and moments are checked, so
//! that no file can take more memory or time than an honest tape of the largest size. Nothing else is ever opened.

mod escaping;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::GzDecoder;
use node::bounded_lines::BoundedLines;
use protocol::trace::TraceRecord;

use super::file::{Header, Line, VERSION};
use super::{Entry, Tape};
use crate::picture::Picture;
use crate::recognition::recognise;
use escaping::{escaped, for_people};

/// A longer line is refused before it is kept, in bytes.
const LONGEST_LINE: usize = 4 * 1024 * 1024;
/// So much text is read at most, whatever the compressed size, so that it comes to an end.
const MOST_TEXT: u64 = 1024 * 1024 * 1024;
const MOST_ENTRIES: usize = 2_000_000;
/// In memory, in bytes: more than any tape that was saved needs, because what is recorded is bounded, too.
const ROOM: usize = 100 * 1024 * 1024;
/// After this many invalid lines, the rest is skipped.
const MOST_BAD: usize = 100;
/// Names of processes, and customers, on one tape.
const MOST_NAMES: usize = 2_000;
/// No run lasts thirty years, in microseconds.
const LAST_MOMENT: u64 = 1_000_000_000_000_000;

/// A tape from a file.
#[derive(Debug)]
pub struct Opened {
    pub tape: Tape,
    /// The picture at its end.
    pub picture: Picture,
    /// Sentences about what could not be read; none: everything was.
    pub notes: Vec<String>,
    /// The first line that made no sense, if any.
    pub bad_line: Option<usize>,
}

/// Why a file is not opened at all. Displayed as a sentence.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be read.
    #[error("The tape cannot be read: {}. Check its name and its permissions.", node::error_text::io(.0))]
    Unreadable(#[from] io::Error),
    /// It is something else.
    #[error("This is not a tape of Just Hungry (line 1: {0}). To save a tape, use the menu of the window.")]
    NoTape(String),
}

/// Opens a file.
///
/// # Errors
/// When it cannot be read, or is no tape. A damaged tape is opened as far as it goes.
pub fn open(path: &Path) -> Result<Opened, OpenError> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file").into());
    }
    read(BufReader::with_capacity(256 * 1024, File::open(path)?))
}

/// Reads a tape, compressed or not.
///
/// # Errors
/// See [`open`].
pub fn read(mut source: impl BufRead) -> Result<Opened, OpenError> {
    let compressed = source.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    if compressed {
        read_lines(BufReader::with_capacity(256 * 1024, GzDecoder::new(source).take(MOST_TEXT + 1)))
    } else {
        read_lines(source.take(MOST_TEXT + 1))
    }
}

/// What a line turned out to be.
enum Got {
    Entry(Entry),
    End(u64),
}

struct Reading {
    header: Header,
    opened: Opened,
    line: usize,
    bad: usize,
    names: BTreeSet<String>,
    /// What its last line says, once that was read.
    ended: Option<u64>,
}

fn read_lines(source: impl BufRead) -> Result<Opened, OpenError> {
    let not_begun = |why: io::Error| match why.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
            OpenError::NoTape("the file is damaged at its beginning".into())
        }
        io::ErrorKind::FileTooLarge => OpenError::NoTape("it is longer than any line of a tape".into()),
        _ => OpenError::Unreadable(why),
    };
    let (_, source) = recognise(source).map_err(not_begun)?;
    let (mut lines, mut line) = (BoundedLines::new(source, LONGEST_LINE), 0);
    let first = loop {
        let Some(bytes) = lines.next_line().map_err(not_begun)? else {
            return Err(OpenError::NoTape("the file is empty".into()));
        };
        line += 1;
        if !bytes.trim_ascii().is_empty() {
            break bytes;
        }
    };
    let mut text = first.len() as u64;
    let header: Header =
        serde_json::from_slice(first).map_err(|error| OpenError::NoTape(for_people(&error.to_string())))?;
    let opened =
        Opened { tape: Tape::with_room(usize::MAX), picture: Picture::default(), notes: Vec::new(), bad_line: None };
    let mut reading = Reading { header, opened, line, bad: 0, names: BTreeSet::new(), ended: None };
    reading.greet();
    loop {
        let bytes = match lines.next_line() {
            Ok(None) => break,
            Ok(Some(bytes)) => bytes,
            Err(error) => {
                reading.damaged(&error);
                return Ok(reading.opened);
            }
        };
        reading.line += 1;
        text += bytes.len() as u64;
        if !reading.take_line(bytes, text) {
            return Ok(reading.opened);
        }
    }
    reading.finish();
    Ok(reading.opened)
}

impl Reading {
    fn note(&mut self, words: String) {
        self.opened.notes.push(words);
    }

    fn greet(&mut self) {
        let Header { version, missing, .. } = self.header;
        if version != VERSION {
            self.note(format!(
                "This tape has format {version}, but this program reads format {VERSION}. Parts of the tape may be missing."
            ));
        }
        if missing > 0 {
            self.note(format!(
                "The first {missing} entries of this run are missing from the tape, because memory was full."
            ));
        }
    }

    fn damaged(&mut self, error: &io::Error) {
        let line = self.line + 1;
        self.opened.bad_line.get_or_insert(line);
        self.note(match error.kind() {
            io::ErrorKind::FileTooLarge => {
                format!(
                    "Line {line} is longer than {} MiB; only the tape before it is shown.",
                    LONGEST_LINE / 1024 / 1024
                )
            }
            _ => format!("The file is damaged or cut off at line {line}; only the tape before it is shown."),
        });
    }

    /// False: nothing more is read.
    fn take_line(&mut self, bytes: &[u8], text: u64) -> bool {
        let tape = &self.opened.tape;
        if text > MOST_TEXT || tape.end() >= MOST_ENTRIES || tape.bytes() + bytes.len() > ROOM {
            self.note(format!("The tape is too large; only the part before line {} is shown.", self.line));
            self.opened.bad_line.get_or_insert(self.line);
            return false;
        }
        if self.ended.is_some() {
            return self.make_no_sense("there is a line after the end of the tape");
        }
        match self.understand(bytes) {
            Ok(Got::Entry(entry)) => {
                let Opened { tape, picture, .. } = &mut self.opened;
                tape.take_in(picture, entry);
                true
            }
            Ok(Got::End(entries)) => {
                self.ended = Some(entries);
                true
            }
            Err(_) if !bytes.ends_with(b"\n") => {
                self.line -= 1;
                self.finish();
                false
            }
            Err(why) => self.make_no_sense(&why),
        }
    }

    fn make_no_sense(&mut self, why: &str) -> bool {
        self.bad += 1;
        let line = self.line;
        if self.bad == 1 {
            self.opened.bad_line.get_or_insert(line);
            self.note(format!("Line {line} is not valid and is skipped: {why}."));
        }
        if self.bad == MOST_BAD {
            self.note(format!("Too many lines are not valid; only the tape before line {line} is shown."));
        }
        self.bad < MOST_BAD
    }

    fn understand(&mut self, bytes: &[u8]) -> Result<Got, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())?;
        let line: Line = serde_json::from_str(&escaped(text)).map_err(|error| for_people(&error.to_string()))?;
        let entry = match line {
            Line::End { entries } => return Ok(Got::End(entries)),
            Line::Fact(record) => {
                self.check(&record)?;
                Entry::Fact(record)
            }
            Line::Command { at, command } => Entry::Command { at, command },
        };
        if entry.at() > LAST_MOMENT {
            return Err("its time is later than the longest possible run".into());
        }
        Ok(Got::Entry(entry))
    }

    /// Nobody has thousands of processes and customers: a picture of them would take all memory.
    fn check(&mut self, record: &TraceRecord) -> Result<(), String> {
        let Some(name) = record.event.introduced() else { return Ok(()) };
        if name.len() > 200 {
            return Err("a name has more than 200 letters".into());
        }
        if self.names.len() >= MOST_NAMES && !self.names.contains(name) {
            return Err(format!("there are more than {MOST_NAMES} processes and customers"));
        }
        self.names.insert(name.to_owned());
        Ok(())
    }

    fn finish(&mut self) {
        let (entries, line) = (self.opened.tape.end() as u64, self.line);
        match self.ended {
            None => {
                self.opened.bad_line.get_or_insert(line + 1);
                self.note(format!("The tape was cut off after line {line}; only the part before that is shown."));
            }
            Some(said) if said != entries && self.bad == 0 => {
                self.opened.bad_line.get_or_insert(line);
                self.note(format!("Line {line} announces {said} entries, but the tape has {entries}."));
            }
            Some(_) => {}
        }
    }
}
