//! What a file is: a tape, a history, a scenario, a lesson or a set-up. All that read one ask here, so that nobody takes it for something else.
//!
//! A byte order mark of UTF-8 and blank lines before the first one are let pass. Whether the file is right is its reader's
//! business.

use std::io::{self, BufRead, Chain, Cursor, ErrorKind, Read};

use serde::Deserialize;

/// A first line that is longer is not read to its end before the file is known, in bytes.
const LONGEST_HEAD: usize = 64 * 1024;
const UTF_8: &[u8] = b"\xef\xbb\xbf";
const UTF_16: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];
const GZIP: &[u8] = b"\x1f\x8b";

/// What the beginning of a file says that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A recording of a run, compressed or not.
    Tape,
    /// What customers asked and were told.
    History,
    Scenario,
    /// Pages with words, in Markdown.
    Lesson,
    /// How a cluster begins.
    SetUp,
}

/// A file from its beginning, of which the first part was looked at.
pub type Begun<R> = Chain<Cursor<Vec<u8>>, R>;

/// Looks at the beginning of a file, and returns it without its byte order mark.
///
/// # Errors
/// Whatever reading meets, and that the text is in UTF-16, which nothing here reads.
pub fn recognise<R: BufRead>(mut source: R) -> io::Result<(Kind, Begun<R>)> {
    let mut head = Vec::new();
    while first_line(&head).is_none() && head.len() < LONGEST_HEAD {
        let more = match source.fill_buf() {
            Ok(more) => more,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            // Told by its reader, after what was read before it.
            Err(_) if !head.is_empty() => break,
            Err(error) => return Err(error),
        };
        if more.is_empty() {
            break;
        }
        head.extend_from_slice(more);
        let length = more.len();
        source.consume(length);
        if head.starts_with(GZIP) {
            break;
        }
    }
    if UTF_16.iter().any(|mark| head.starts_with(mark)) {
        return Err(io::Error::new(ErrorKind::Unsupported, "its text is in UTF-16; save it as UTF-8 and try again"));
    }
    if head.starts_with(UTF_8) {
        head.drain(..UTF_8.len());
    }
    Ok((kind(&head), Cursor::new(head).chain(source)))
}

/// The first line that is not blank, if it has come to its end.
fn first_line(head: &[u8]) -> Option<&[u8]> {
    let head = head.strip_prefix(UTF_8).unwrap_or(head);
    let mut lines = head.split_inclusive(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    lines.next().filter(|line| line.ends_with(b"\n"))
}

fn kind(head: &[u8]) -> Kind {
    #[derive(Deserialize)]
    struct First {
        #[serde(rename = "just-hungry-tape")]
        tape: Option<serde::de::IgnoredAny>,
    }
    let line = first_line(head).unwrap_or(head).trim_ascii();
    match serde_json::from_slice::<First>(line) {
        _ if head.starts_with(GZIP) => Kind::Tape,
        Ok(First { tape: Some(_) }) => Kind::Tape,
        // JSON of whatever kind: the reader of histories says what is missing.
        _ if line.starts_with(b"{") => Kind::History,
        _ if line == b"+++" => Kind::Lesson,
        _ if line.strip_prefix(b"set-up").is_some_and(|rest| rest.trim_ascii_start().starts_with(b"=")) => Kind::SetUp,
        _ => Kind::Scenario,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn the_first_line_that_is_not_blank_decides() {
        for (text, expected) in [
            ("{\"just-hungry-tape\":1}\n", Kind::Tape),
            ("\n \r\n{ \"just-hungry-tape\" : 1 }\n", Kind::Tape),
            ("{\"program\":\"0.1.0\", \"just-hungry-tape\":1}", Kind::Tape),
            ("{\"type\":\"init\",\"postcode\":\"M1 1AE\",\"value\":[]}\n{\"just-hungry-tape\":1}\n", Kind::History),
            ("{\"type\":\"module\"}", Kind::History),
            ("{\n\"just-hungry-tape\":1}\n", Kind::History),
            ("title = \"x\"\n{\"just-hungry-tape\":1}\n", Kind::Scenario),
            ("# {\"just-hungry-tape\":1}\n", Kind::Scenario),
            ("", Kind::Scenario),
            ("+++\ntitle = \"x\"\n", Kind::Lesson),
            ("\r\n+++\r\n", Kind::Lesson),
            ("+++ x\n", Kind::Scenario),
            ("\nset-up = \"Friday\"\n", Kind::SetUp),
            ("set-up=\"Friday\"", Kind::SetUp),
            ("set-upper = 1\n", Kind::Scenario),
        ] {
            for mark in ["", "\u{feff}"] {
                let marked = format!("{mark}{text}");
                // However few bytes come at once.
                let source = io::BufReader::with_capacity(1, marked.as_bytes());
                let (found, mut rest) = recognise(source).unwrap();
                let mut read = String::new();
                rest.read_to_string(&mut read).unwrap();
                assert_eq!((found, read.as_str()), (expected, text), "{marked:?}");
            }
        }
        assert_eq!(recognise(&b"\x1f\x8b\x08"[..]).unwrap().0, Kind::Tape);
        assert!(recognise(&b"\xff\xfe{\0"[..]).unwrap_err().to_string().contains("UTF-16"));
    }
}
