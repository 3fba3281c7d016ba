//! A primary and its peers: what it sends them, how much at once, when it sends it again, and what their answers count for.
//!
//! What a replica does otherwise is in `replica.rs`.

mod single;

use protocol::ids::{Barrier, NodeId, OpNumber, OrderNumber, Position, RequestId, Role, Span, Timestamp, ViewNumber};
use protocol::machine::{Effect, Effects, Input, Machine, Settings, Timer};
use protocol::message::{Copied, Message};
use protocol::order_book::{Entry, EntryEffect, OrderBook, Outcome, Reached};
use protocol::replica::Replica;
use single::*;

/// The primary of view 1 with one backup, which has acknowledged what there is.
fn primary(settings: Settings) -> Replica {
    let mut primary = with_book(settings, OrderBook::preset(1));
    acknowledges(&mut primary, 0);
    primary
}

/// The same, and the backup has said nothing yet.
fn with_book(settings: Settings, book: OrderBook) -> Replica {
    let mut primary = Replica::new(identity(Role::Replica), settings, book);
    say(&mut primary, FRONT_END, view_is(view(1, ME, &[ME, BACKUP]), &[], &[BACKUP]));
    primary
}

fn acknowledges(primary: &mut Replica, op: u64) -> Vec<Effect> {
    acknowledges_in(primary, 1, op, false)
}

fn acknowledges_in(primary: &mut Replica, view: u64, op: u64, traced: bool) -> Vec<Effect> {
    let (view, position) = (ViewNumber(view), primary.position_at(OpNumber(op)));
    let message = Message::Ack { view, position, barrier: Barrier(0), copy: None };
    give(primary, Input::Received { from: contact(BACKUP), traced, message })
}

/// Without anything that it sends in between.
fn many_withdraw(primary: &mut Replica, customers: u128) -> Vec<Effect> {
    let mut effects = Effects::new(false);
    for customer in 1..=customers {
        let message = withdraws(customer);
        primary.handle(Input::Received { from: contact(FRONT_END), traced: false, message }, &mut effects);
    }
    primary.settle(&mut effects);
    effects.drain().collect()
}

/// The first and the last operation of each update with entries.
fn updates(effects: &[Effect]) -> Vec<(u64, u64)> {
    each!(messages(effects), Message::StateUpdate(update) => (update.entries.first()?.op.0, update.entries.last()?.op.0))
}

/// With which order, counted from 0, each part of a snapshot begins, and with which the last one ends.
fn begins(effects: &[Effect]) -> Vec<u64> {
    each!(messages(effects), Message::Snapshot(part) => part.piece.from.orders)
}

fn replies(effects: &[Effect]) -> Vec<RequestId> {
    each!(messages(effects), Message::Reply { id, .. } => *id)
}

fn is_busy(effects: &[Effect]) -> bool {
    messages(effects).into_iter().any(|message| matches!(message, Message::Busy { .. }))
}

fn silent(effects: &[Effect]) -> Option<Vec<NodeId>> {
    statuses(effects).first().map(|status| status.silent.clone())
}

#[test]
fn a_peer_whose_history_is_not_known_is_sent_no_entries() {
    let mut primary = with_book(Settings::default(), OrderBook::preset(1));
    assert_eq!(updates(&say(&mut primary, FRONT_END, withdraws(1))), []);
    assert_eq!(updates(&acknowledges(&mut primary, 0)), [(1, 1)]);
}

#[test]
fn four_updates_are_on_the_way_and_the_rest_follows_together() {
    let mut primary = primary(Settings::default());
    let sent: Vec<_> = (1..=7).map(|customer| updates(&say(&mut primary, FRONT_END, withdraws(customer)))).collect();
    let one = |op| vec![(op, op)];
    assert_eq!(sent, [one(1), one(2), one(3), one(4), vec![], vec![], vec![]]);
    assert_eq!(updates(&acknowledges(&mut primary, 1)), [(5, 7)]);
}

#[test]
fn an_update_has_at_most_1024_entries() {
    let mut primary = primary(Settings::default());
    assert_eq!(updates(&many_withdraw(&mut primary, 1500)), [(1, 1024), (1025, 1500)]);
}

/// As large as an order may be here.
fn pudding() -> Vec<String> {
    vec!["Sticky toffee pudding".to_owned(); 50]
}

#[test]
fn an_update_has_at_most_256_kib() {
    let mut primary = primary(Settings::default());
    let mut effects = Effects::new(false);
    for customer in 1..=300 {
        let message = asks(customer, 1, order_of(pudding()));
        primary.handle(Input::Received { from: contact(FRONT_END), traced: false, message }, &mut effects);
        primary.handle(valid(request(customer, 1)), &mut effects);
    }
    primary.settle(&mut effects);
    let effects: Vec<_> = effects.drain().collect();
    let each = 60 + 50 * ("Sticky toffee pudding".len() as u64 + 1);
    let first = 256 * 1024 / each;
    assert_eq!(updates(&effects), [(1, first), (first + 1, 300)]);
}

#[test]
fn what_is_not_acknowledged_is_sent_again_in_the_third_heartbeat() {
    let again = |settings: Settings| {
        let mut primary = primary(settings);
        say(&mut primary, FRONT_END, withdraws(1));
        let sent = (1..=12).filter(|_| !updates(&ring(&mut primary, Timer::Heartbeat)).is_empty());
        sent.collect::<Vec<_>>()
    };
    assert_eq!(again(Settings::default()), [3, 6, 9, 12]);
    let hop = Span::millis(100);
    assert_eq!(again(Settings { hop, ..Settings::default() }), [9], "four slowed hops take eight heartbeats");
    // What moves is not sent again.
    let mut primary = primary(Settings::default());
    say(&mut primary, FRONT_END, withdraws(1));
    say(&mut primary, FRONT_END, withdraws(2));
    for op in [1, 2] {
        (0..2).for_each(|_| assert_eq!(updates(&ring(&mut primary, Timer::Heartbeat)), []));
        acknowledges(&mut primary, op);
    }
    (0..5).for_each(|_| assert_eq!(updates(&ring(&mut primary, Timer::Heartbeat)), []));
}

#[test]
fn eight_parts_of_a_snapshot_are_on_the_way() {
    let mut book = OrderBook::default();
    for n in 1..=1000 {
        let number = OrderNumber(n);
        let effect = EntryEffect::Accepted { postcode: postcode(), items: pudding(), number, at: Timestamp(0) };
        let (request, outcome) = (request(n.into(), 1), Outcome::Placed { number });
        book.apply(&Entry { op: OpNumber(n), view: ViewNumber(1), request, effect, outcome });
    }
    let mut primary = with_book(Settings::default(), book);
    let has = |copy| Message::Ack { view: ViewNumber(1), position: None, barrier: Barrier(0), copy };
    let reached = |orders| {
        let to = Reached { orders, sessions: OpNumber(0) };
        has(Some(Copied::Reached { to, bytes: orders * 1100, at: OpNumber(0) }))
    };
    let mut begun = begins(&say(&mut primary, BACKUP, has(nothing())));
    assert_eq!(begun.len(), 2, "one round makes two");
    let each = begun[1];
    assert!((50..64).contains(&each), "64 KiB have {each} of these orders");
    while let [first, more @ ..] = &begins(&say(&mut primary, BACKUP, has(nothing())))[..] {
        begun.extend([&[*first], more].concat());
    }
    let expected = |parts: std::ops::Range<u64>| parts.map(|part| part * each).collect::<Vec<_>>();
    assert_eq!(begun, expected(0..8), "eight are on the way");
    assert_eq!(begins(&say(&mut primary, BACKUP, reached(each))), expected(8..9));
    assert_eq!(begins(&say(&mut primary, BACKUP, reached(each))), [], "twice is once");
    assert_eq!(begins(&say(&mut primary, BACKUP, reached(3 * each))), expected(9..11));
    // Lost is what was not acknowledged.
    let mut again: Vec<_> = (0..3).flat_map(|_| begins(&ring(&mut primary, Timer::Heartbeat))).collect();
    while let more @ [_, ..] = &begins(&say(&mut primary, BACKUP, reached(3 * each)))[..] {
        again.extend(more);
    }
    assert_eq!(again, expected(3..11));
}

#[test]
fn a_new_joiner_is_asked_where_it_is_at_once() {
    let mut primary = primary(Settings::default());
    let joins = |primary: &mut Replica, joiners: &[u64]| {
        let one = view(1, ME, &[ME, BACKUP]);
        updates_sent(&say(primary, FRONT_END, view_is(one, joiners, &[BACKUP, JOINER])))
    };
    assert_eq!(joins(&mut primary, &[]), 0, "it has spoken in this heartbeat");
    assert_eq!(joins(&mut primary, &[JOINER]), 2);
    assert_eq!(joins(&mut primary, &[JOINER]), 0);
}

#[test]
fn a_backup_that_missed_a_heartbeat_is_probed_and_a_proof_of_its_death_is_reported_at_once() {
    let mut primary = primary(Settings::default());
    assert_eq!(probed(&ring(&mut primary, Timer::Heartbeat)), [], "the heartbeat has just begun");
    assert_eq!(probed(&ring(&mut primary, Timer::Heartbeat)), [BACKUP]);
    assert_eq!(probed(&ring(&mut primary, Timer::Heartbeat)), [BACKUP]);
    acknowledges(&mut primary, 0);
    assert_eq!(probed(&ring(&mut primary, Timer::Heartbeat)), [], "it was heard");
    let effects = give(&mut primary, Input::Gone { peer: NodeId(BACKUP) });
    assert_eq!(silent(&effects), Some(vec![NodeId(BACKUP)]));
    assert_eq!(probed(&ring(&mut primary, Timer::Heartbeat)), [], "nothing is left to find out");
    assert_eq!(silent(&acknowledges(&mut primary, 0)), None);
    assert_eq!(silent(&ring(&mut primary, Timer::Heartbeat)), Some(vec![]), "a word refutes the proof");
}

#[test]
fn acknowledgements_of_an_earlier_view_do_not_count() {
    let mut primary = primary(Settings::default());
    say(&mut primary, FRONT_END, view_is(view(2, ME, &[ME, BACKUP]), &[], &[BACKUP]));
    say(&mut primary, FRONT_END, withdraws(1));
    assert_eq!(replies(&acknowledges_in(&mut primary, 1, 1, false)), []);
    assert_eq!(replies(&acknowledges_in(&mut primary, 2, 1, false)), [request(1, 1)]);
}

/// What is shown counts when it has arrived on the screen: the quiet answer to a heartbeat must not overtake it.
#[test]
fn where_messages_are_slowed_a_shown_entry_counts_once_its_shown_acknowledgement_is_there() {
    let slow = Settings { hop: Span::millis(100), ..Settings::default() };
    for (settings, shown, waits) in
        [(slow.clone(), true, true), (slow, false, false), (Settings::default(), true, false)]
    {
        let mut primary = primary(settings);
        say(&mut primary, FRONT_END, withdraws(1));
        give(&mut primary, Input::Received { from: contact(FRONT_END), traced: shown, message: withdraws(2) });
        let quiet = replies(&acknowledges_in(&mut primary, 1, 2, false));
        let before = [request(1, 1), request(2, 1)];
        assert_eq!(quiet, before[..if waits { 1 } else { 2 }]);
        assert_eq!(replies(&acknowledges_in(&mut primary, 1, 2, true)), before[quiet.len()..]);
    }
}

#[test]
fn four_thousand_entries_may_be_uncommitted_and_no_more() {
    let mut primary = primary(Settings::default());
    assert!(!is_busy(&many_withdraw(&mut primary, 4096)));
    assert!(is_busy(&say(&mut primary, FRONT_END, withdraws(9000))));
    acknowledges(&mut primary, 1);
    assert!(!is_busy(&say(&mut primary, FRONT_END, withdraws(9000))));
}

#[test]
fn a_view_that_is_smaller_than_wanted_takes_no_orders() {
    for (min_members, busy) in [(1, false), (2, false), (3, true)] {
        let mut primary = primary(Settings { min_members, ..Settings::default() });
        assert_eq!(is_busy(&say(&mut primary, FRONT_END, withdraws(1))), busy, "{min_members}");
    }
}

#[test]
fn an_address_that_was_named_is_kept_until_the_next_naming() {
    let mut replica = primary(Settings::default());
    say(&mut replica, FRONT_END, view_is(view(2, BACKUP, &[ME, BACKUP]), &[], &[JOINER]));
    let effects = say(&mut replica, FRONT_END, view_is(view(3, ME, &[ME]), &[JOINER], &[]));
    let to: Vec<_> = single::sent(&effects).into_iter().map(|(to, _)| to).collect();
    assert!(to.contains(&JOINER), "{to:?}");
}

/// R14: whether it was placed is not known any more, so it is not executed, not even as a rejection.
#[test]
fn an_order_that_waits_too_long_and_whose_customer_was_forgotten_is_not_executed() {
    for (room, entries) in [(1, 2), (10, 3)] {
        let refuse_unchecked_after = Some(Span::millis(1000));
        let mut primary = primary(Settings { refuse_unchecked_after, most_sessions: room, ..Settings::default() });
        say(&mut primary, FRONT_END, asks(1, 1, order_of(pudding())));
        say(&mut primary, FRONT_END, withdraws(2));
        say(&mut primary, FRONT_END, withdraws(3));
        (0..25).for_each(|_| drop(ring(&mut primary, Timer::Heartbeat)));
        assert_eq!(primary.position().map(|Position { op, .. }| op.0), Some(entries), "room for {room}");
    }
}
