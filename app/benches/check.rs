//! How long `check` takes over a history of 100 000 operations with 2 % lost answers: read and judged in under 2 s.
//! `cargo bench -p just-hungry --bench check` prints both, and fails if it takes longer.
#![expect(clippy::print_stdout, reason = "its output is the figure")]
#![expect(clippy::unwrap_used, reason = "a benchmark may fail by unwrap")]

#[path = "../tests/made_history/mod.rs"]
mod made_history;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use knowledge::history;
use knowledge::verdict::{Judgement, judge};

/// What is promised.
const LONGEST: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let bytes = made_history::history(100_000, 20, 1);
    let begun = Instant::now();
    let history = history::read(&bytes[..]).unwrap();
    let read = begun.elapsed();
    let verdict = judge(&history);
    let all = begun.elapsed();
    let size = bytes.len() as f64 / 1_048_576.0;
    println!(
        "100000 operations, {} unknown orders, {size:.1} MiB: read in {read:?}, judged in {:?}",
        verdict.unknown,
        all - read
    );
    match verdict.verdict {
        Judgement::Holds if all < LONGEST => ExitCode::SUCCESS,
        Judgement::Holds => {
            println!("that is longer than {LONGEST:?}");
            ExitCode::FAILURE
        }
        Judgement::Violation | Judgement::TooLittleEvidence => {
            println!("{}", wording::told_verdict(verdict));
            ExitCode::FAILURE
        }
    }
}
