//! Reads lines from a source that cannot be trusted: no line takes more memory than its reader allows.
//!
//! A line that is too long costs no more than the limit, and the rest is skipped only when the next line is wanted. So a
//! reader that stops there is not kept by a source that never ends its line. What a line means is the reader's matter.

use std::io::{self, BufRead, ErrorKind, Read};

/// The lines of a source.
#[derive(Debug)]
pub struct BoundedLines<R> {
    source: R,
    longest: usize,
    bytes: Vec<u8>,
    /// Of the line before, something is still in the source.
    is_within_line: bool,
}

impl<R: BufRead> BoundedLines<R> {
    /// `longest`: how many bytes a line may have, its line feed among them.
    pub fn new(source: R, longest: usize) -> Self {
        Self { source, longest, bytes: Vec::new(), is_within_line: false }
    }

    /// Waits for the next line, with its line feed, which the last may lack; none at the end of the source.
    ///
    /// # Errors
    /// [`ErrorKind::FileTooLarge`] if the line is longer than allowed; the one after it can be read. Else what the source
    /// says; an interruption by a signal is no error.
    pub fn next_line(&mut self) -> io::Result<Option<&[u8]>> {
        if std::mem::take(&mut self.is_within_line) {
            self.source.skip_until(b'\n')?;
        }
        self.bytes.clear();
        let more_than_allowed = self.longest as u64 + 1;
        let length = self.source.by_ref().take(more_than_allowed).read_until(b'\n', &mut self.bytes)?;
        self.is_within_line = length > self.longest && !self.bytes.ends_with(b"\n");
        Ok(match length {
            0 => None,
            length if length > self.longest => {
                return Err(io::Error::new(ErrorKind::FileTooLarge, "a line is too long"));
            }
            _ => Some(&self.bytes),
        })
    }

    /// The next line as text; none at the end of the source.
    ///
    /// # Errors
    /// As [`Self::next_line`]; [`ErrorKind::InvalidData`] if the line is not UTF-8.
    pub fn next_text(&mut self) -> io::Result<Option<&str>> {
        let text = self.next_line()?.map(std::str::from_utf8).transpose();
        text.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    /// Gives a few bytes at a time, is interrupted before each, and counts what was taken.
    struct Halting<'a> {
        rest: &'a [u8],
        taken: usize,
        interrupts: bool,
    }

    impl Read for Halting<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.interrupts = !self.interrupts;
            if self.interrupts {
                return Err(ErrorKind::Interrupted.into());
            }
            let some = self.rest.len().min(buffer.len()).min(3);
            self.taken += some;
            let (now, later) = self.rest.split_at(some);
            buffer[..some].copy_from_slice(now);
            self.rest = later;
            Ok(some)
        }
    }

    fn halting(rest: &[u8]) -> BufReader<Halting<'_>> {
        BufReader::with_capacity(4, Halting { rest, taken: 0, interrupts: false })
    }

    /// All lines of at most five bytes; none stands for one that is longer.
    fn lines(text: &str) -> Vec<Option<String>> {
        let mut lines = BoundedLines::new(halting(text.as_bytes()), 5);
        let mut all = Vec::new();
        loop {
            match lines.next_text() {
                Ok(Some(line)) => all.push(Some(line.to_owned())),
                Ok(None) => return all,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::FileTooLarge);
                    all.push(None);
                }
            }
        }
    }

    #[test]
    fn a_line_has_its_end_which_the_last_may_lack() {
        let whole = |line: &str| Some(line.to_owned());
        assert_eq!(lines(""), []);
        assert_eq!(lines("one\n\r\n\ntwo"), [whole("one\n"), whole("\r\n"), whole("\n"), whole("two")]);
    }

    #[test]
    fn a_line_that_is_too_long_is_told_and_the_next_is_read() {
        let whole = |line: &str| Some(line.to_owned());
        assert_eq!(lines("1234\n12345\n12\n"), [whole("1234\n"), None, whole("12\n")]);
        assert_eq!(lines("a line that is far too long\n12\n"), [None, whole("12\n")]);
        assert_eq!(lines("12345"), [whole("12345")]);
        assert_eq!(lines("123456"), [None]);
        assert_eq!(lines("123456\n\n"), [None, whole("\n")]);
    }

    #[test]
    fn no_more_is_taken_than_must_be() {
        let mut lines = BoundedLines::new(halting(&[b'x'; 10_000]), 20);
        assert_eq!(lines.next_line().unwrap_err().kind(), ErrorKind::FileTooLarge);
        assert!(lines.source.get_ref().taken < 30, "{}", lines.source.get_ref().taken);
        assert!(lines.bytes.capacity() < 1000, "{}", lines.bytes.capacity());
        assert_eq!(lines.next_line().unwrap(), None);
    }

    #[test]
    fn what_is_no_text_is_an_error_and_the_next_line_is_read() {
        let mut lines = BoundedLines::new(&b"\xff\xfe\nyes\n"[..], 5);
        assert_eq!(lines.next_text().unwrap_err().kind(), ErrorKind::InvalidData);
        assert_eq!(lines.next_text().unwrap(), Some("yes\n"));
        assert_eq!(lines.next_text().unwrap(), None);
    }
}
