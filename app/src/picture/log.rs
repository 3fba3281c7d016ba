//! Lines for people, newest last. What they say is worded in `wording`.

use std::collections::VecDeque;
use std::sync::Arc;

use protocol::ids::{MessageId, NodeId};

use crate::wording::Weight;

/// Lines that are kept.
const MOST_LINES: usize = 5000;
/// Of all lines together, in bytes: a hundred for each.
const MOST_TEXT: usize = 512 * 1024;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Cluster time in microseconds.
    pub at: u64,
    /// Whose line it is.
    pub node: Option<Arc<str>>,
    /// How it is shown.
    pub weight: Weight,
    /// A sentence without its subject.
    pub text: String,
    /// The message it speaks of, and to whom that goes.
    pub message: Option<(MessageId, NodeId)>,
}

/// All lines; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Log {
    lines: VecDeque<Arc<LogLine>>,
    /// Bytes of their texts.
    text: usize,
}

impl Log {
    /// Oldest first.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = &LogLine> + ExactSizeIterator {
        self.lines.iter().map(|line| &**line)
    }

    /// About how much memory they take, in bytes.
    pub(super) fn weight(&self) -> usize {
        self.text + self.lines.len() * size_of::<LogLine>()
    }

    pub(super) fn push(&mut self, line: LogLine) {
        self.text += line.text.len();
        self.lines.push_back(Arc::new(line));
        while self.lines.len() > MOST_LINES || self.text > MOST_TEXT {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.text -= oldest.text.len();
        }
    }
}
