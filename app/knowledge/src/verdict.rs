//! The verdict on a history: the judge of `protocol::judge`, at each postcode.
//!
//! Names are put in the place of indices here, and contradictions counted; sentences are made where a person reads them.

pub mod evidence;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use protocol::judge::{Act, Contradiction, ContradictionKind, Contradictions, End, PostcodeHistory, contradictions};
use serde::Serialize;

use crate::history::History;

/// At most this many violations are described; all are counted.
const MOST_DESCRIBED: usize = 20;

/// What a history shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
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
    pub postcodes: u64,
    /// How many contradictions there are.
    #[serde(flatten)]
    pub contradictions: Contradictions,
    /// The first of them, each with its postcode. Told apart from the counts: as sentences, where a person reads them.
    #[serde(skip)]
    pub described: Vec<(String, Contradiction<String>)>,
}

/// How a verdict ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judgement {
    Holds,
    Violation,
    /// No acknowledged order that a later read could have missed: nothing was put to the test.
    #[default]
    TooLittleEvidence,
}

/// Judges a history.
///
/// ```
/// use knowledge::{history, verdict::{Judgement, judge}};
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
pub fn judge(history: &History) -> Verdict {
    let mut verdict = Verdict::default();
    let mut lost = BTreeSet::new();
    for (postcode, here) in &history.postcodes {
        count(&here.history, &mut verdict);
        for contradiction in contradictions(&here.history) {
            // One order that several reads miss is one lost order, asked for in one line.
            let is_lost = contradiction.kind == ContradictionKind::Lost;
            if !is_lost || lost.insert(contradiction.operations.first().copied()) {
                verdict.contradictions.add(contradiction.kind);
            }
            if verdict.described.len() < MOST_DESCRIBED {
                let Contradiction { kind, reason, operations } = contradiction;
                let reason = reason.map(|order| here.names.get(order).unwrap_or("?").to_owned());
                verdict.described.push((postcode.clone(), Contradiction { kind, reason, operations }));
            }
        }
    }
    verdict.verdict = match (verdict.contradictions.is_empty(), verdict.covered) {
        (false, _) => Judgement::Violation,
        (true, 0) => Judgement::TooLittleEvidence,
        (true, _) => Judgement::Holds,
    };
    verdict
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
