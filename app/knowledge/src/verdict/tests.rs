//! Histories with a violation each: it is found, and nothing else is. Histories are drawn as one line per operation.

use super::*;
use crate::history::read;

/// One operation: act ("+a" places a, "?" or "?ab" reads that list), start, end (0: nobody knows; negative: refused).
type Drawn<'a> = (&'a str, u64, i64);

fn judged(base: &str, operations: &[Drawn<'_>]) -> Verdict {
    let mut events = Vec::new();
    for (op, (act, start, end)) in operations.iter().enumerate() {
        let (f, value) = match act.strip_prefix('+') {
            Some(order) => ("place", format!("\"{order}\"")),
            None => ("read", list(&act[1..])),
        };
        let line = |kind: &str, value: &str, time: u64| {
            let head = format!("{{\"process\":{op},\"type\":\"{kind}\",\"f\":\"{f}\",\"postcode\":\"M1 1AE\"");
            format!("{head},\"value\":{value},\"time\":{time},\"op\":{op}}}\n")
        };
        let asked = if f == "read" { "null" } else { &value };
        events.push((*start, 0, line("invoke", asked, *start)));
        match end {
            0 => events.push((u64::MAX, 1, line("info", asked, *start))),
            _ => {
                let kind = if *end > 0 { "ok" } else { "fail" };
                events.push((end.unsigned_abs(), 1, line(kind, &value, end.unsigned_abs())));
            }
        }
    }
    events.sort();
    let mut text = format!("{{\"type\":\"init\",\"postcode\":\"M1 1AE\",\"value\":{}}}\n", list(base));
    text.extend(events.into_iter().map(|(_, _, line)| line));
    judge(&read(text.as_bytes()).unwrap())
}

fn list(orders: &str) -> String {
    let quoted: Vec<_> = orders.chars().map(|order| format!("\"{order}\"")).collect();
    format!("[{}]", quoted.join(","))
}

#[track_caller]
fn holds(base: &str, operations: &[Drawn<'_>]) {
    let verdict = judged(base, operations);
    assert_eq!(verdict.verdict, Judgement::Holds, "{verdict:?}");
}

#[track_caller]
fn shows(kind: ContradictionKind, base: &str, operations: &[Drawn<'_>]) {
    let verdict = judged(base, operations);
    assert_eq!(verdict.verdict, Judgement::Violation, "{verdict:?}");
    assert!(verdict.described.iter().all(|(_, it)| it.kind == kind), "{verdict:?}");
}

#[test]
fn correct_histories_hold() {
    holds("s", &[("+a", 1, 2), ("?sa", 3, 4)]);
    // Concurrent orders may stand in either order, concurrent reads may see either state.
    holds("", &[("+a", 1, 9), ("+b", 2, 8), ("?", 3, 7), ("?b", 4, 7), ("?ba", 10, 11)]);
    // An unknown order may be there, late or never.
    holds("", &[("+a", 1, 0), ("+b", 2, 3), ("?b", 4, 5), ("?ba", 6, 7)]);
    holds("", &[("+a", 1, 0), ("+b", 2, 3), ("?b", 4, 5), ("?b", 6, 7)]);
    // A refused order is not there.
    holds("", &[("+a", 1, -2), ("+b", 3, 4), ("?b", 5, 6)]);
    // The last order was not read any more: nothing contradicts it.
    holds("", &[("+a", 1, 2), ("?a", 3, 4), ("+b", 3, 5)]);
}

#[test]
fn lost_orders_are_found() {
    shows(ContradictionKind::Lost, "", &[("+a", 1, 2), ("+b", 3, 4), ("?b", 5, 6)]);
    shows(ContradictionKind::Lost, "s", &[("+a", 1, 2), ("?s", 3, 4)]);
    shows(ContradictionKind::Lost, "st", &[("?s", 1, 2), ("+a", 3, 4), ("?sta", 5, 6)]);
    // Nobody was told that a is placed, but somebody has read it.
    shows(ContradictionKind::Lost, "", &[("+a", 1, 0), ("?a", 3, 4), ("+b", 5, 6), ("+c", 7, 8), ("?bc", 9, 10)]);
}

#[test]
fn one_order_that_several_operations_miss_is_one_lost_order() {
    let verdict = judged("", &[("+a", 1, 2), ("+b", 3, 4), ("?b", 5, 6), ("?b", 7, 8)]);
    assert_eq!(verdict.contradictions.lost, 1, "as the light says: {verdict:?}");
    assert_eq!(verdict.described.len(), 1, "told once");
    assert_eq!(
        judged("", &[("+a", 1, 2), ("+b", 3, 4), ("?", 5, 6), ("+c", 7, 8), ("?c", 9, 10)]).contradictions.lost,
        2
    );
    let read = judged("", &[("+a", 1, 2), ("?a", 3, 4), ("+b", 5, 6), ("+c", 7, 8), ("?bc", 9, 10), ("?a", 3, 5)]);
    assert_eq!(read.contradictions.lost, 1, "acknowledged, read twice, and gone: {read:?}");
}

#[test]
fn doubled_orders_are_found() {
    shows(ContradictionKind::Doubled, "", &[("+a", 1, 2), ("?aa", 3, 4)]);
    shows(ContradictionKind::Doubled, "", &[("+a", 1, 2), ("+b", 1, 2), ("?aa", 3, 4), ("?aba", 5, 6)]);
}

#[test]
fn reordered_orders_are_found() {
    shows(ContradictionKind::Reordered, "", &[("+a", 1, 2), ("+b", 3, 4), ("?ba", 5, 6)]);
    shows(ContradictionKind::Reordered, "", &[("+a", 1, 5), ("+b", 1, 5), ("?ba", 6, 7), ("?ab", 6, 7)]);
}

#[test]
fn stale_reads_are_found() {
    shows(ContradictionKind::Stale, "", &[("+a", 1, 2), ("?", 3, 4), ("?a", 5, 6)]);
    // Nobody knows whether a is placed until somebody reads it; from then on it must be seen.
    shows(ContradictionKind::Stale, "", &[("+a", 1, 0), ("?a", 3, 4), ("?", 5, 6), ("+b", 7, 8), ("?ab", 9, 10)]);
}

#[test]
fn invented_orders_are_found() {
    shows(ContradictionKind::Invented, "", &[("+a", 1, 2), ("?ax", 3, 4)]);
    shows(ContradictionKind::Invented, "", &[("+a", 1, -2), ("+b", 3, 4), ("?ab", 5, 6)]);
    shows(ContradictionKind::Invented, "", &[("+b", 1, 2), ("?ba", 3, 4), ("+a", 5, 6)]);
}

#[test]
fn without_a_later_read_there_is_no_evidence() {
    for operations in [&[][..], &[("+a", 1, 2)], &[("?", 1, 2)], &[("+a", 3, 5), ("?", 1, 4)]] {
        assert_eq!(judged("", operations).verdict, Judgement::TooLittleEvidence);
    }
}

/// A hundred thousand operations of 32 customers, two in a hundred unknown, a postcode for every hundred orders; judged
/// in time that grows with the length of the lists (G: two seconds when optimised; tests are not).
#[test]
fn a_long_history_is_judged_quickly() {
    let mut text = String::new();
    let mut book: Vec<String> = Vec::new();
    for op in 0..100_000u64 {
        let (postcode, time) = (format!("AB{} 1CD", op / 200), op * 10);
        if op % 200 == 0 {
            book.clear();
        }
        let process = op % 32;
        let mut line = |kind: &str, f: &str, value: &str, time: u64| {
            let head = format!("{{\"process\":{process},\"type\":\"{kind}\",\"f\":\"{f}\",\"postcode\":\"{postcode}\"");
            text.push_str(&format!("{head},\"value\":{value},\"time\":{time},\"op\":{op}}}\n"));
        };
        if op % 2 == 0 {
            let name = format!("\"c{process}-{op}\"");
            line("invoke", "place", &name, time);
            let unknown = op % 100 == 0;
            line(if unknown { "info" } else { "ok" }, "place", &name, time + 5);
            book.push(name);
        } else {
            line("invoke", "read", "null", time);
            line("ok", "read", &format!("[{}]", book.join(",")), time + 5);
        }
    }
    let begun = std::time::Instant::now();
    let verdict = judge(&read(text.as_bytes()).unwrap());
    let took = begun.elapsed();
    assert_eq!(verdict.verdict, Judgement::Holds, "{verdict:?}");
    assert_eq!((verdict.acknowledged, verdict.unknown, verdict.reads), (49_000, 1_000, 50_000));
    assert!(took.as_secs() < 30, "took {took:?}");
}

#[test]
fn a_random_walk_over_small_histories_agrees_with_a_search() {
    let mut seed = 1u64;
    let mut next = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let (mut right, mut wrong) = (0, 0);
    for _ in 0..4_000 {
        let orders = ["a", "b", "c"];
        let lists = ["", "a", "b", "ab", "ba", "abc", "bac"];
        let mut operations: Vec<(String, u64, i64)> = Vec::new();
        for order in orders {
            let start = 1 + next(12);
            let end = if next(4) == 0 { 0 } else { (start + 1 + next(8)) as i64 };
            operations.push((format!("+{order}"), start, end));
        }
        for _ in 0..3 {
            let start = 1 + next(16);
            operations.push((format!("?{}", lists[next(7) as usize]), start, (start + 1 + next(8)) as i64));
        }
        let drawn: Vec<Drawn<'_>> = operations.iter().map(|(act, start, end)| (&**act, *start, *end)).collect();
        let found = judged("", &drawn);
        let expected = linearizable(&drawn, &mut vec![false; drawn.len()], String::new());
        assert_eq!(found.verdict != Judgement::Violation, expected, "{drawn:?} {found:?}");
        *if expected { &mut right } else { &mut wrong } += 1;
    }
    assert!(right > 100 && wrong > 100, "{right} right, {wrong} wrong");
}

/// By trying every order of operations: the definition itself.
fn linearizable(operations: &[Drawn<'_>], done: &mut Vec<bool>, book: String) -> bool {
    let end = |at: i64| if at == 0 { i64::MAX } else { at };
    let open: Vec<usize> = (0..operations.len()).filter(|at| !done[*at]).collect();
    if open.iter().all(|at| operations[*at].2 == 0) {
        return true;
    }
    let first_end = open.iter().map(|at| end(operations[*at].2)).min().unwrap_or(i64::MAX);
    for at in open {
        let (act, start, _) = operations[at];
        if start as i64 > first_end || (act.starts_with('?') && act[1..] != book) {
            continue;
        }
        done[at] = true;
        let then = match act.strip_prefix('+') {
            Some(order) => format!("{book}{order}"),
            None => book.clone(),
        };
        if linearizable(operations, done, then) {
            done[at] = false;
            return true;
        }
        done[at] = false;
    }
    false
}
