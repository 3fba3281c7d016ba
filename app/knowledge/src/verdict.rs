//! Whether a history is linearizable: exact for append-only lists, and fast.
//!
//! The longest list read fixes the order of all it holds, so each operation has a rank: an order its place, a read the
//! length it saw; acknowledged orders nobody read come last, unknown ones nobody read do not matter. The history is
//! linearizable exactly if all lists are prefixes of one another and no operation ended before another of lower rank
//! began. Nothing is guessed and nothing is searched; how the history came about does not matter here.

pub mod evidence;
mod linearizability;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::Serialize;

use crate::history::{Act, End, History, OrderIndex, PostcodeHistory};

/// At most so many violations are described; all are counted.
const MOST_DESCRIBED: usize = 20;

/// What a history shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// How it ends.
    pub verdict: Judgement,
    /// Orders the customer was told are placed.
    pub acknowledged: u64,
    /// Orders whose outcome nobody knows.
    pub unknown: u64,
    /// Orders that were certainly not placed.
    pub refused: u64,
    /// Lists that were read.
    pub reads: u64,
    /// Acknowledged orders that a later read could have missed.
    pub covered: u64,
    /// Postcodes with operations.
    pub postcodes: u64,
    /// How many orders are lost; of the other kinds, how many violations there are.
    pub lost: u64,
    /// See `lost`.
    pub doubled: u64,
    /// See `lost`.
    pub reordered: u64,
    /// See `lost`.
    pub stale: u64,
    /// See `lost`.
    pub invented: u64,
    /// The first of them.
    pub violations: Vec<Violation>,
}

/// How a verdict ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judgement {
    /// Linearizable, on evidence.
    Holds,
    /// Not linearizable.
    Violation,
    /// No acknowledged order that a later read could have missed: nothing was put to the test.
    #[default]
    TooLittleEvidence,
}

/// One contradiction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Of which kind.
    pub kind: ViolationKind,
    /// Where.
    pub postcode: String,
    /// A sentence for people.
    pub why: String,
    /// Lines of the operations that contradict each other, as they were invoked.
    pub lines: Vec<usize>,
    /// The order that is there though nobody placed it, by its place among the postcode's orders.
    #[serde(skip)]
    pub unasked: Option<OrderIndex>,
}

/// The kinds of contradiction a customer can see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ViolationKind {
    /// An order that was acknowledged, or read by somebody, is missing.
    Lost,
    /// An order stands in a list twice.
    Doubled,
    /// Orders stand in another order than they were placed in, or in two different orders.
    Reordered,
    /// A read shows less than was known before it began.
    Stale,
    /// A list shows an order that nobody had asked for, or that was refused.
    Invented,
}

/// Judges a history.
///
/// ```
/// use app::{history, verdict::{Judgement, judge}};
///
/// let placed = r#"{"type":"init","postcode":"NE1 1AB","value":["seed-0"]}
/// {"process":3,"type":"invoke","f":"place","postcode":"NE1 1AB","value":"c3-17","time":10,"op":41}
/// {"process":3,"type":"ok","f":"place","postcode":"NE1 1AB","value":"c3-17","time":20,"op":41}
/// {"process":5,"type":"invoke","f":"read","postcode":"NE1 1AB","value":null,"time":30,"op":42}
/// "#;
/// let ends_with = |list: &str| {
///     let read = r#"{"process":5,"type":"ok","f":"read","postcode":"NE1 1AB","time":40,"op":42,"value":"#;
///     let history = history::read(format!("{placed}{read}{list}}}\n").as_bytes())?;
///     Ok::<_, history::HistoryError>(judge(&history).verdict)
/// };
/// assert_eq!(ends_with(r#"["seed-0","c3-17"]"#)?, Judgement::Holds);
/// assert_eq!(ends_with(r#"["seed-0"]"#)?, Judgement::Violation, "the order is lost");
/// # Ok::<(), history::HistoryError>(())
/// ```
#[must_use]
pub fn judge(history: &History) -> Verdict {
    let mut verdict = Verdict::default();
    let mut lost = BTreeSet::new();
    for (postcode, here) in &history.postcodes {
        count(here, &mut verdict);
        for violation in linearizability::violations(postcode, here) {
            // One order that several reads miss is one lost order, asked for in one line.
            let is_known = violation.kind == ViolationKind::Lost && !lost.insert(violation.lines.first().copied());
            verdict.add(violation, is_known);
        }
    }
    let violated = verdict.lost + verdict.doubled + verdict.reordered + verdict.stale + verdict.invented > 0;
    verdict.verdict = match (violated, verdict.covered) {
        (true, _) => Judgement::Violation,
        (false, 0) => Judgement::TooLittleEvidence,
        (false, _) => Judgement::Holds,
    };
    verdict
}

impl Verdict {
    fn add(&mut self, violation: Violation, is_known: bool) {
        *match violation.kind {
            ViolationKind::Lost => &mut self.lost,
            ViolationKind::Doubled => &mut self.doubled,
            ViolationKind::Reordered => &mut self.reordered,
            ViolationKind::Stale => &mut self.stale,
            ViolationKind::Invented => &mut self.invented,
        } += u64::from(!is_known);
        if self.violations.len() < MOST_DESCRIBED {
            self.violations.push(violation);
        }
    }
}

fn count(here: &PostcodeHistory, verdict: &mut Verdict) {
    let done_reads = here.operations.iter().filter(|o| matches!((&o.act, o.end), (Act::Read(_), Some((End::Done, _)))));
    let last_read = done_reads.clone().map(|read| read.start).max();
    verdict.reads += done_reads.count() as u64;
    verdict.postcodes += 1;
    for operation in here.operations.iter().filter(|o| matches!(o.act, Act::Place(_))) {
        match operation.end {
            Some((End::Done, end)) => {
                verdict.acknowledged += 1;
                verdict.covered += u64::from(last_read.is_some_and(|start| start > end));
            }
            Some((End::NotDone, _)) => verdict.refused += 1,
            None => verdict.unknown += 1,
        }
    }
}

impl std::fmt::Display for Verdict {
    /// A few lines for people.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            f,
            "{} orders acknowledged ({} of them read afterwards), {} unknown, {} refused, {} reads.",
            self.acknowledged, self.covered, self.unknown, self.refused, self.reads
        )?;
        for violation in &self.violations {
            let lines: Vec<_> = violation.lines.iter().map(usize::to_string).collect();
            writeln!(f, "{}: {} (line {})", violation.postcode, violation.why, lines.join(" and "))?;
        }
        match self.verdict {
            Judgement::Holds => {
                f.write_str("Nothing lost, doubled or reordered, no read stale: the history is linearizable.")
            }
            Judgement::Violation => write!(
                f,
                "Not linearizable: {} lost, {} doubled, {} reordered, {} stale, {} invented.",
                self.lost, self.doubled, self.reordered, self.stale, self.invented
            ),
            // The caller wanted more than there is.
            Judgement::TooLittleEvidence if self.covered > 0 => {
                write!(f, "Too little evidence: fewer orders were acknowledged than were asked for.")
            }
            Judgement::TooLittleEvidence => {
                f.write_str("Too little evidence: no acknowledged order was followed by a read of its postcode.")
            }
        }
    }
}
