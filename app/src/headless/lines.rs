//! Lines of standard input, for every command that takes some: a line that is none is told as that, and the next one is read.
//!
//! What a line means is the command's matter.

use std::io::{BufRead, ErrorKind};
use std::thread;

use node::bounded_lines::BoundedLines;

/// The longest line that is read, in bytes, with its end.
const LONGEST: usize = 64 * 1024;

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line, without what surrounds its words. It is not empty.
    Words(String),
    /// A line without words.
    Blank,
    /// It is none: a sentence why.
    Bad(String),
}

/// Reads standard input on a thread of its own, which ends with the process, or when `hear` says that nobody listens any more.
/// `hear` is given none at the end of the input.
pub(super) fn of_standard_input(hear: impl FnMut(Option<Line>) -> bool + Send + 'static) -> anyhow::Result<()> {
    thread::Builder::new().name("input".into()).spawn(move || read(std::io::stdin().lock(), hear))?;
    Ok(())
}

fn read(input: impl BufRead, mut hear: impl FnMut(Option<Line>) -> bool) {
    let mut lines = BoundedLines::new(input, LONGEST);
    loop {
        let line = match lines.next_line().map(|line| line.map(std::str::from_utf8)) {
            Ok(Some(Ok(words))) if words.trim().is_empty() => Line::Blank,
            Ok(Some(Ok(words))) => Line::Words(words.trim().to_owned()),
            Ok(Some(Err(error))) => Line::Bad(format!("byte {} of the line is not UTF-8", error.valid_up_to() + 1)),
            Err(error) if error.kind() == ErrorKind::FileTooLarge => {
                Line::Bad(format!("a line must be shorter than {} KiB", LONGEST / 1024))
            }
            // An input that breaks off has ended, too.
            Ok(None) | Err(_) => break,
        };
        if !hear(Some(line)) {
            return;
        }
    }
    hear(None);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_line_is_told_and_the_next_is_read() {
        let long = "x".repeat(200_000);
        let input = [b"one\n\n \r\n\xff\xfetwo\n".as_slice(), long.as_bytes(), b"\nthree"].concat();
        let mut heard = Vec::new();
        read(&input[..], |line| {
            heard.push(line);
            true
        });
        let words = |words: &str| Some(Line::Words(words.into()));
        let none = |why: &str| Some(Line::Bad(why.into()));
        let bad = [none("byte 1 of the line is not UTF-8"), none("a line must be shorter than 64 KiB")];
        let [not_text, too_long] = bad;
        assert_eq!(
            heard,
            [words("one"), Some(Line::Blank), Some(Line::Blank), not_text, too_long, words("three"), None]
        );
    }

    #[test]
    fn a_line_that_fills_the_room_exactly_is_one() {
        let line = format!("{}\n", "x".repeat(LONGEST - 1));
        let mut heard = Vec::new();
        read(line.repeat(2).as_bytes(), |line| {
            heard.push(line);
            heard.len() < 2
        });
        assert_eq!(heard, [Some(Line::Words(line.trim().into())), Some(Line::Words(line.trim().into()))]);
    }
}
