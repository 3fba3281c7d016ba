//! What contradicts itself in what customers were told, and the verdict on a whole history, in words.
//!
//! Nothing is judged here.

use std::fmt;

use knowledge::verdict::evidence::Contradicted;
use knowledge::verdict::{Judgement, Verdict};
use protocol::judge::Reason;
use serde::Serialize;

/// A contradiction in a sentence without its full stop: where, and what contradicts what.
pub fn contradiction(it: &Contradicted) -> String {
    match it.postcode {
        Some(postcode) => format!("{postcode}: {}", reason(&it.reason)),
        None => reason(&it.reason),
    }
}

fn reason(why: &Reason<String>) -> String {
    match why {
        Reason::Twice(order) => format!("order {order} is in the history twice"),
        Reason::NobodyPlaced(order) => format!("order {order} is in the history, but no customer placed it"),
        Reason::WasRefused(order) => {
            format!("order {order} is in the history, but its customer was told that it was never placed")
        }
        Reason::LessThanPreset => "a read misses some of the pre-defined orders".into(),
        Reason::MissingInLongest(order) => format!("order {order} was read, but is missing from the longest history"),
        Reason::Differ(one, other) => format!("one history has {one} where another has {other}"),
        Reason::MissingLater(order) => format!("order {order} was acknowledged, but is missing later"),
        Reason::NotShown(order) => {
            format!("order {order} was acknowledged before a read began, but the read misses it")
        }
        Reason::ShowsLess => "a later read shows fewer orders than an earlier one".into(),
        Reason::StandsAfterLater(order, later) => format!("order {order} comes after {later}, which began later"),
        Reason::ReadBeforePlaced(order) => format!("order {order} was read before it was placed"),
        Reason::SameNumber(number, one, other) => {
            format!("order number {number} was given to both {one} and {other}: one of them is lost")
        }
    }
}

/// A verdict as it is told: a few lines for people, one JSON object for programs.
#[derive(Clone, Debug, Serialize)]
pub struct ToldVerdict {
    #[serde(flatten)]
    verdict: Verdict,
    violations: Vec<ToldContradiction>,
}

/// One contradiction, as programs read it.
#[derive(Clone, Debug, Serialize)]
struct ToldContradiction {
    kind: protocol::judge::ContradictionKind,
    postcode: String,
    why: String,
    /// Lines of the operations that contradict each other, as they were invoked.
    lines: Vec<usize>,
}

/// A verdict, with its contradictions in words.
pub fn told_verdict(verdict: Verdict) -> ToldVerdict {
    let violations = verdict.described.iter().map(|(postcode, it)| ToldContradiction {
        kind: it.kind,
        postcode: postcode.clone(),
        why: reason(&it.reason),
        lines: it.operations.clone(),
    });
    ToldVerdict { violations: violations.collect(), verdict }
}

impl fmt::Display for ToldVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let it = &self.verdict;
        writeln!(
            f,
            "{} orders acknowledged ({} of them read afterwards), {} unknown, {} rejected, {} reads.",
            it.acknowledged, it.covered, it.unknown, it.refused, it.reads
        )?;
        for violation in &self.violations {
            let lines: Vec<_> = violation.lines.iter().map(usize::to_string).collect();
            writeln!(f, "{}: {} (line {})", violation.postcode, violation.why, lines.join(" and "))?;
        }
        match it.verdict {
            Judgement::Holds => f.write_str(
                "No order was lost, placed twice or reordered, and no read was stale: the history is linearizable.",
            ),
            Judgement::Violation => {
                let counts = &it.contradictions;
                write!(
                    f,
                    "Not linearizable: {} lost, {} placed twice, {} reordered, {} stale reads, {} invented.",
                    counts.lost, counts.doubled, counts.reordered, counts.stale, counts.invented
                )
            }
            // The caller wanted more than there is.
            Judgement::TooLittleEvidence if it.covered > 0 => {
                f.write_str("Too little evidence: fewer orders were acknowledged than --at-least requires.")
            }
            Judgement::TooLittleEvidence => {
                f.write_str("Too little evidence: no acknowledged order was followed by a read of its postcode.")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::judge::ContradictionKind;

    use super::*;

    #[test]
    fn a_contradiction_names_where_and_what() {
        let reason = Reason::MissingLater("C1/1".to_owned());
        let postcode = Some("M1 1AE".parse().unwrap());
        let lost = Contradicted { kind: ContradictionKind::Lost, reason, postcode, requests: Vec::new() };
        assert_eq!(contradiction(&lost), "M1 1AE: order C1/1 was acknowledged, but is missing later");
    }
}
