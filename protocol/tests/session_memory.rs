//! A million customers, and then one more: what the session table of a replica takes, measured as the process's memory.
//!
//! Alone in its program, for memory is counted by process.

use protocol::ids::{CustomerId, OpNumber, RequestId, RequestNumber, ViewNumber};
use protocol::order_book::{Entry, EntryEffect, MOST_SESSIONS, OrderBook, Outcome, Rejection};
use protocol::postcode::PostcodeService;

/// Resident memory in MiB.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().trim_end_matches(" kB").trim().parse::<u64>().ok()? / 1024)
}

/// The first request of another customer each time: ids are spread as random ones are.
fn entry(op: u64, effect: EntryEffect, outcome: Outcome) -> Entry {
    let half = |salt: u64| u128::from((op ^ salt).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29));
    let customer = CustomerId(half(1) << 64 | half(2));
    let request = RequestId { customer, number: RequestNumber(1) };
    Entry { op: OpNumber(op), view: ViewNumber(1), request, effect, outcome }
}

#[test]
#[expect(clippy::print_stdout, reason = "the figure is what a reader of the run wants to know")]
#[cfg(target_os = "linux")]
fn a_million_customers_take_at_most_64_mib_and_one_more_comes_in() {
    let before = resident().unwrap();
    let more = || resident().unwrap() - before;
    let mut book = OrderBook::default();
    let million = u64::from(MOST_SESSIONS);
    (1..=million).for_each(|op| book.apply(&entry(op, EntryEffect::Withdrawn, Outcome::NeverPlaced)));
    assert_eq!((book.sessions() as u64, book.evicted()), (million, 0));
    println!("{} MiB", more());
    assert!(more() <= 64, "{} MiB", more());
    // A rejection's reason takes room of its own, which others make for it.
    for op in million + 1..=million + 400_000 {
        let why = format!("{op} is no postcode, says a service that takes its time to tell why it is none.");
        let why = Rejection::Postcode { why, by: PostcodeService::PostcodesIo };
        book.apply(&entry(op, EntryEffect::Rejected, Outcome::Rejected { why }));
    }
    assert!(book.sessions() < 300_000 && book.horizon() > OpNumber(million), "{}", book.sessions());
    // The slots of the evicted are kept for others, so it is more than the reasons alone, but it has an end.
    assert!(more() <= 112, "{} MiB", more());
}
