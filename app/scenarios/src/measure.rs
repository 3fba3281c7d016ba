//! What is measured of a script: how long customers waited, and how soon orders were answered as before again.
//!
//! Answers are counted where customers are (`load::ordering`), when faults happened is known by the findings; here they are
//! put together. Whether that is as expected is judged elsewhere.

use std::time::Duration;

use serde::Serialize;

use super::Findings;
use cluster::load::Counts;

/// After a crash, gaps that begin so much later are not its fault.
const AFTERMATH: Duration = Duration::from_secs(10);

/// Longest wait of any customer after each crash; without a crash, in the whole run. In milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Gaps {
    /// The one in the middle.
    pub p50: u64,
    /// One in a hundred is longer.
    pub p99: u64,
    pub max: u64,
}

impl Gaps {
    /// `crashes`: when nodes were crashed, oldest first.
    pub fn of(counts: &Counts, crashes: &[Duration]) -> Self {
        let longest = |from: Duration, to: Duration| {
            let within = counts.gaps.values().filter(|(begin, end)| *end >= from && *begin <= to);
            within.map(|(begin, end)| (*end - *begin).as_millis() as u64).max().unwrap_or(0)
        };
        let ends = crashes.iter().skip(1).copied().chain([Duration::MAX]);
        let mut all: Vec<u64> =
            crashes.iter().zip(ends).map(|(at, next)| longest(*at, next.min(*at + AFTERMATH))).collect();
        if all.is_empty() {
            all.push(longest(Duration::ZERO, Duration::MAX));
        }
        all.sort_unstable();
        let at = |share: usize| all.get((all.len() * share / 100).min(all.len() - 1)).copied().unwrap_or(0);
        Gaps { p50: at(50), p99: at(99), max: at(100) }
    }
}

/// Orders a second from the first fault to the end, in percent of those before it. None: there was no calm second.
pub(crate) fn share_of_calm(counts: &Counts, findings: &Findings) -> Option<u64> {
    let calm = recovery(counts, findings).0.filter(|calm| *calm > 0)?;
    let first_fault = findings.first_fault?;
    let from = (first_fault.as_millis() / 100) as usize;
    let orders: u64 = counts.tenths.iter().skip(from).map(|orders| u64::from(*orders)).sum();
    let tenths = (findings.lasted.saturating_sub(first_fault).as_millis() / 100).max(1) as u64;
    Some(orders * 1000 / tenths / calm)
}

/// Orders a second before the first fault, and how long after the last step a whole second with half as many ended. None:
/// there was no calm second, or no such second afterwards.
pub fn recovery(counts: &Counts, findings: &Findings) -> (Option<u64>, Option<Duration>) {
    const SECOND: usize = 10;
    let tenth = |moment: Duration| (moment.as_millis() / 100) as usize;
    let within =
        |from: usize, to: usize| counts.tenths.iter().take(to).skip(from).map(|orders| u64::from(*orders)).sum::<u64>();
    let (Some(first_fault), Some(last_step)) = (findings.first_fault, findings.last_step) else { return (None, None) };
    // The first half second is for finding the front-end.
    let (from, to) = (SECOND / 2, tenth(first_fault));
    if to < from + SECOND {
        return (None, None);
    }
    let calm = within(from, to) * SECOND as u64 / (to - from) as u64;
    let begin = tenth(last_step) + 1;
    let mut seconds = (begin..).take_while(|at| at + SECOND <= tenth(findings.lasted));
    let recovered = seconds.find(|at| within(*at, at + SECOND) * 2 >= calm);
    let took = recovered.map(|at| Duration::from_millis(100 * (at + SECOND) as u64).saturating_sub(last_step));
    (Some(calm), took)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_belong_to_the_crash_before_them() {
        let second = Duration::from_secs;
        let mut counts = Counts::default();
        for (from, to) in [(1, 2), (5, 8), (5, 6), (40, 42), (40, 44)] {
            counts.wait(second(from), second(to));
        }
        assert_eq!(counts.gaps.len(), 3, "of those that begin together the longest");
        assert_eq!(Gaps::of(&counts, &[]).max, 4000, "without a crash: the longest of all");
        let after = Gaps::of(&counts, &[second(6), second(20)]);
        assert_eq!((after.p50, after.max), (3000, 3000), "what begins long after a crash is not its fault");
    }

    #[test]
    fn recovery_counts_to_the_end_of_the_first_good_second() {
        let mut counts = Counts::default();
        let orders = |counts: &mut Counts, from: u64, to: u64, each: u32| {
            let tenths = (from / 100..to / 100).map(Duration::from_millis);
            tenths.for_each(|tenth| (0..each).for_each(|_| counts.acknowledge(tenth * 100)));
        };
        orders(&mut counts, 0, 3000, 10);
        orders(&mut counts, 4000, 9000, 6);
        let mut findings = Findings::default();
        findings.first_fault = Some(Duration::from_secs(3));
        findings.last_step = Some(Duration::from_secs(3));
        findings.lasted = Duration::from_secs(9);
        let (calm, took) = recovery(&counts, &findings);
        assert_eq!(calm, Some(100));
        assert_eq!(took, Some(Duration::from_millis(1900)), "half as many within a second that ends so long after");
        assert_eq!(share_of_calm(&counts, &findings), Some(50), "60 for five seconds of six");
        findings.lasted = Duration::from_millis(4500);
        assert_eq!(recovery(&counts, &findings), (calm, None), "it ended too soon");
    }
}
