//! The history of a run: what customers asked and were told, as JSON Lines.
//!
//! Written by `run`, read by `check`. Nothing is judged here: that is `verdict`'s. Order ids are kept as small numbers
//! within their postcode, because a long history repeats each of them in many lists.

mod reading;

use std::collections::BTreeMap;
use std::io::Write;

use protocol::judge::{OrderIndex, PostcodeHistory};
use serde::Serialize;
use thiserror::Error;

pub use reading::read;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Function {
    Place,
    /// Reads all orders of a postcode.
    Read,
}

/// What a line says about its operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Invoke,
    Ok,
    /// It certainly is not done, now or later.
    Fail,
    Info,
}

/// What the value of a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum LineValue<'a> {
    /// A read that has no answer yet, or never got one.
    Nothing(()),
    /// The id of the order that is placed.
    Order(&'a str),
    /// The whole list that was read, oldest first.
    List(&'a [String]),
}

/// One line about an operation; the order of the fields is that of the format.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct OperationLine<'a> {
    /// One customer; a new number after an unknown outcome.
    pub process: u64,
    /// What the line says.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// What the operation does.
    pub f: Function,
    pub postcode: &'a str,
    /// What is placed or was read.
    pub value: LineValue<'a>,
    /// Nanoseconds of one monotonic clock shared by all customers.
    pub time: u64,
    /// Which operation, unique in the history.
    pub op: u64,
}

#[derive(Debug)]
pub struct HistoryWriter<W: Write>(W);

impl<W: Write> HistoryWriter<W> {
    /// Writes to `sink`; give it a buffer of its own.
    pub fn new(sink: W) -> Self {
        Self(sink)
    }

    /// The pre-defined orders of a postcode, before its first operation.
    ///
    /// # Errors
    /// Whatever writing meets.
    pub fn init(&mut self, postcode: &str, value: &[String]) -> std::io::Result<()> {
        #[derive(Serialize)]
        struct Init<'a> {
            r#type: &'static str,
            postcode: &'a str,
            value: &'a [String],
        }
        self.line(&Init { r#type: "init", postcode, value })
    }

    /// One line of an operation.
    ///
    /// # Errors
    /// Whatever writing meets.
    pub fn operation(&mut self, line: &OperationLine<'_>) -> std::io::Result<()> {
        self.line(line)
    }

    /// A fault that was injected: for readers, checkers ignore it.
    ///
    /// # Errors
    /// Whatever writing meets.
    pub fn fault(&mut self, what: &str, time: u64) -> std::io::Result<()> {
        #[derive(Serialize)]
        struct Fault<'a> {
            r#type: &'static str,
            value: &'a str,
            time: u64,
        }
        self.line(&Fault { r#type: "fault", value: what, time })
    }

    /// Writes out what is buffered.
    ///
    /// # Errors
    /// Whatever writing meets.
    pub fn finish(mut self) -> std::io::Result<()> {
        self.0.flush()
    }

    fn line(&mut self, line: &impl Serialize) -> std::io::Result<()> {
        serde_json::to_writer(&mut self.0, line)?;
        self.0.write_all(b"\n")
    }
}

/// All operations, by postcode: linearizability is checked for each postcode by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// What happened at each postcode.
    pub postcodes: BTreeMap<String, NamedHistory>,
}

/// What happened at one postcode, and what its orders are called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedHistory {
    /// Order ids by index; as many as the history has orders.
    pub names: Names,
    pub history: PostcodeHistory,
}

impl NamedHistory {
    /// The index of a new order.
    fn name(&mut self, name: &str) -> OrderIndex {
        self.history.orders += 1;
        self.names.push(name)
    }
}

/// Many short names, one after the other, without a piece of memory for each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    text: String,
    /// A history has room for far less than four GiB of names.
    ends: Vec<u32>,
}

impl Names {
    pub fn get(&self, index: OrderIndex) -> Option<&str> {
        let index = index as usize;
        let begin = index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default();
        self.text.get(begin as usize..*self.ends.get(index)? as usize)
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len() as OrderIndex).filter_map(|index| self.get(index))
    }

    fn push(&mut self, name: &str) -> OrderIndex {
        self.text.push_str(name);
        self.ends.push(self.text.len() as u32);
        (self.ends.len() - 1) as OrderIndex
    }
}

impl FromIterator<String> for Names {
    fn from_iter<I: IntoIterator<Item = String>>(all: I) -> Self {
        let mut names = Self::default();
        for name in all {
            names.push(&name);
        }
        names
    }
}

#[derive(Debug, Error)]
pub enum HistoryError {
    /// It cannot be read.
    #[error("the history cannot be read: {}", node::error_text::io(.0))]
    Unreadable(#[from] std::io::Error),
    /// JSON lines, but of something else.
    #[error("this is not a history: no line describes an order or a read")]
    Foreign,
    /// A line is not what the format allows.
    #[error("line {line}: {why}")]
    Line {
        /// From 1.
        line: usize,
        why: String,
    },
}
