//! The history of a run: what customers asked and were told, as JSON Lines (RELIABILITY, "History format").
//!
//! Written by `run`, read by `check`. Nothing is judged here: that is `verdict`'s. Order ids are kept as small numbers
//! within their postcode, because a long history repeats each of them in many lists.

mod reading;

use std::collections::BTreeMap;
use std::io::Write;

use serde::Serialize;
use thiserror::Error;

pub use reading::read;

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Function {
    /// Places an order.
    Place,
    /// Reads all orders of a postcode.
    Read,
}

/// What a line says about its operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It begins.
    Invoke,
    /// It is done.
    Ok,
    /// It certainly is not done, now or later.
    Fail,
    /// Nobody knows.
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
    /// Where.
    pub postcode: &'a str,
    /// What is placed or was read.
    pub value: LineValue<'a>,
    /// Nanoseconds of one monotonic clock shared by all customers.
    pub time: u64,
    /// Which operation, unique in the history.
    pub op: u64,
}

/// Writes a history line by line.
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

/// An order of one postcode, as an index into [`PostcodeHistory::names`].
pub type OrderIndex = u32;

/// All operations, by postcode: linearizability is checked for each postcode by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// What happened at each postcode.
    pub postcodes: BTreeMap<String, PostcodeHistory>,
}

/// What happened at one postcode.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PostcodeHistory {
    /// Order ids by index.
    pub names: Vec<String>,
    /// Pre-defined orders, oldest first; none if the history does not say.
    pub base: Option<Vec<OrderIndex>>,
    /// In the order in which they were asked.
    pub operations: Vec<Operation>,
}

/// One operation with its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// The line of its invocation, from 1.
    pub line: usize,
    /// What it did.
    pub act: Act,
    /// When it began.
    pub start: u64,
    /// How and when it ended; none if nobody knows.
    pub end: Option<(End, u64)>,
}

/// What an operation did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Placed this order.
    Place(OrderIndex),
    /// Read this list; empty until it is answered.
    Read(Vec<OrderIndex>),
}

/// A known end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Done.
    Done,
    /// Not done, now or later.
    NotDone,
}

/// Why a file is no history.
#[derive(Debug, Error)]
pub enum HistoryError {
    /// It cannot be read.
    #[error("the history cannot be read: {}", node::plain_words::io(.0))]
    Unreadable(#[from] std::io::Error),
    /// A line is not what the format allows.
    #[error("line {line}: {why}")]
    Line {
        /// From 1.
        line: usize,
        /// A sentence.
        why: String,
    },
}
