//! What single machines do with what no honest peer says, and with what honest peers say at a bad moment: nobody panics,
//! nothing grows for ever, nobody's trouble becomes everybody's.
//!
//! Schedules of a whole cluster are not here but in `scenes.rs` and `random_schedules.rs`.

mod single;

use std::sync::Arc;

use protocol::front_end::FrontEnd;
use protocol::ids::{
    Barrier, Fingerprint, NodeId, OpNumber, OrderNumber, Position, RequestId, Role, Span, Timestamp, View, ViewNumber,
};
use protocol::machine::{Effect, Input, Machine, Settings, Timer, Wish};
use protocol::message::{Ask, Copied, Message, StateUpdate, Status, Summary, WaitReason};
use protocol::order_book::{Entry, EntryEffect, OrderBook, Outcome, Piece, Reached};
use protocol::postcode::Verdict;
use protocol::replica::Replica;
use protocol::trace::{MachineEvent, NodeState, Refusal};
use single::*;

fn replica() -> Replica {
    Replica::new(identity(Role::Replica), Settings::default(), OrderBook::preset(1))
}

/// All that may be members can be reached.
fn view_is(view: View, joiners: &[u64]) -> Message {
    single::view_is(view, joiners, &[3, 4, 5, 6, 7, 8, 9])
}

/// A replica that leads itself, with its pre-defined orders.
fn primary() -> Replica {
    let mut replica = replica();
    say(&mut replica, FRONT_END, view_is(view(1, ME, &[ME]), &[]));
    assert!(replica.acting());
    replica
}

fn accepted(op: u64, number: u64) -> Arc<Entry> {
    let number = OrderNumber(number);
    let effect =
        EntryEffect::Accepted { postcode: postcode(), items: vec!["Pad thai".into()], number, at: Timestamp(0) };
    let (op, outcome) = (OpNumber(op), Outcome::Placed { number });
    Arc::new(Entry { op, view: ViewNumber(2), request: request(1, op.0), effect, outcome })
}

// Replicas.

#[test]
fn entries_that_cannot_be_applied_are_not_believed() {
    let mut backup = primary();
    let stood = backup.position().unwrap();
    let entries = vec![accepted(1, 1), accepted(2, 9), accepted(3, 2)];
    let view = view(2, 3, &[3, ME]);
    let (barrier, commit) = (Barrier(1), OpNumber(u64::MAX));
    say(&mut backup, 3, Message::StateUpdate(StateUpdate { view, from: stood, entries, barrier, commit }));
    assert_eq!(backup.position().unwrap().op, OpNumber(1));
    assert_eq!(backup.book().accepted(), OrderNumber(1));
}

#[test]
fn a_history_that_ends_at_the_last_number_there_is_does_no_harm() {
    let mut joiner = replica();
    let at = Position { op: OpNumber(u64::MAX), fingerprint: Fingerprint(5) };
    let view = view(u64::MAX, 3, &[3]);
    for part in parts(&OrderBook::preset(2), &view, at, 1000) {
        say(&mut joiner, 3, Message::Snapshot(Box::new(part)));
    }
    assert_eq!(joiner.position(), Some(at));
    let entries = vec![accepted(0, 1), accepted(u64::MAX, u64::MAX)];
    let (barrier, commit) = (Barrier(u64::MAX), OpNumber(u64::MAX));
    say(&mut joiner, 3, Message::StateUpdate(StateUpdate { view, from: at, entries, barrier, commit }));
    assert_eq!(joiner.position(), Some(at));
}

#[test]
fn snapshots_beyond_the_limits_are_not_kept() {
    let changes: [fn(&mut Piece); 9] = [
        |piece| piece.orders = vec![0; 512 * 1024 + 1],
        |piece| piece.orders.truncate(20),
        |piece| piece.orders.clear(),
        |piece| piece.ends[0] = u32::MAX,
        |piece| piece.ends.reverse(),
        |piece| piece.to.orders = u64::MAX,
        |piece| piece.from.orders = u64::MAX,
        |piece| piece.from.sessions = OpNumber(u64::MAX),
        |piece| piece.sessions.reverse(),
    ];
    let mut book = OrderBook::preset(2);
    for op in 1..=2 {
        let (request, outcome) = (request(op.into(), 1), Outcome::NeverPlaced);
        book.apply(&Entry { request, effect: EntryEffect::Withdrawn, outcome, ..(*accepted(op, 0)).clone() });
    }
    for (n, change) in (0..).zip(changes) {
        let mut joiner = replica();
        let at = Position { op: OpNumber(3), fingerprint: Fingerprint(5) };
        let mut part = parts(&book, &view(2, 3, &[3]), at, 1000).remove(0);
        change(&mut part.piece);
        let effects = say(&mut joiner, 3, Message::Snapshot(Box::new(part)));
        let answers = messages(&effects);
        let has_nothing = |answer: &&Message| matches!(answer, Message::Ack { copy: Some(Copied::Before { .. }), .. });
        assert!(answers.iter().any(has_nothing), "{n}: {answers:?}");
        assert_eq!(joiner.position(), None, "{n}");
        let NodeState::Replica(state) = joiner.describe() else { panic!("a replica") };
        assert_eq!(state.loading, None);
    }
}

#[test]
fn a_view_it_cannot_lead_is_not_entered() {
    let mut replica = replica();
    for impossible in [view(2, ME, &[ME]), view(1, ME, &[3])] {
        say(&mut replica, FRONT_END, view_is(impossible, &[]));
        assert!(!replica.acting());
        assert_eq!(replica.view().number, ViewNumber(0));
    }
}

#[test]
fn a_joiner_that_one_of_two_front_ends_does_not_hear_is_brought_up_all_the_same() {
    let mut primary = primary();
    let one = view(1, ME, &[ME]);
    say(&mut primary, FRONT_END, view_is(one.clone(), &[3]));
    let nothing = Message::Ack { view: ViewNumber(1), position: None, barrier: Barrier(0), copy: nothing() };
    let effects = say(&mut primary, 3, nothing.clone());
    assert!(parts_sent(&effects) > 0);
    let unlisted = say(&mut primary, FRONT_END + 1, view_is(one.clone(), &[]));
    let listed = say(&mut primary, FRONT_END, view_is(one.clone(), &[3]));
    let answered = say(&mut primary, 3, nothing);
    for effects in [unlisted, listed, answered] {
        assert_eq!(parts_sent(&effects), 0, "the snapshot on its way was thrown away");
    }
    // It says nothing any more and nobody lists it: it is let go.
    for _ in 0..10 {
        give(&mut primary, Input::Rang(Timer::Heartbeat));
    }
    say(&mut primary, FRONT_END, view_is(one, &[]));
    let effects = give(&mut primary, Input::Rang(Timer::Heartbeat));
    assert_eq!(updates_sent(&effects), 0);
}

/// Requests whose postcodes are to be looked up, and those that nobody needs any more.
fn checks(effects: &[Effect]) -> (Vec<RequestId>, Vec<RequestId>) {
    let (mut asked, mut ended) = (Vec::new(), Vec::new());
    for effect in effects {
        match effect {
            Effect::CheckPostcode { request, .. } => asked.push(*request),
            Effect::EndCheck { request } => ended.push(*request),
            _ => {}
        }
    }
    (asked, ended)
}

#[test]
fn postcodes_nobody_can_tell_about_hold_nobody_up() {
    let mut primary = primary();
    for customer in 1..=350 {
        let effects = say(&mut primary, FRONT_END, orders(customer));
        assert_eq!(checks(&effects).0, [request(customer, 1)], "every order is asked about at once");
        let effects = give(&mut primary, checked(request(customer, 1), Verdict::NobodyAnswers));
        let told = messages(&effects);
        let why = |message: &&Message| matches!(message, Message::Waiting { why: WaitReason::NobodyAnswers, .. });
        assert_eq!(told.into_iter().filter(why).count(), 1, "its customer is told why it waits");
    }
    // The driver remembers this one's postcode.
    say(&mut primary, FRONT_END, orders(351));
    give(&mut primary, valid(request(351, 1)));
    assert_eq!(primary.book().accepted(), OrderNumber(1));
    // The turn of the others comes again when their timers ring, and no sooner.
    let ring = || Input::Rang(Timer::CheckAgain(request(1, 1)));
    assert_eq!(checks(&give(&mut primary, ring())).0, [request(1, 1)]);
    assert_eq!(checks(&give(&mut primary, ring())).0, []);
}

#[test]
fn eight_thousand_customers_may_wait_for_verdicts_and_one_more_is_told_that_it_is_too_much() {
    let mut primary = primary();
    let busy = |effects: &[Effect]| messages(effects).iter().any(|message| matches!(message, Message::Busy { .. }));
    assert!((1..=8192).all(|customer| !busy(&say(&mut primary, FRONT_END, orders(customer)))));
    assert!(busy(&say(&mut primary, FRONT_END, orders(8193))));
    // One of them may go on to its next request; a withdrawal makes room.
    let next = asks(7, 2, order());
    assert_eq!(checks(&say(&mut primary, FRONT_END, next)), (vec![request(7, 2)], vec![request(7, 1)]));
    let withdraws = asks(8, 2, Ask::Withdraw);
    assert_eq!(checks(&say(&mut primary, FRONT_END, withdraws)).1, [request(8, 1)]);
    assert!(!busy(&say(&mut primary, FRONT_END, orders(8193))));
}

#[test]
fn what_no_front_end_repeats_leaves_its_place_and_may_come_again() {
    let mut primary = primary();
    let beat = |primary: &mut Replica| checks(&give(primary, Input::Rang(Timer::Heartbeat))).1;
    say(&mut primary, FRONT_END, orders(1));
    say(&mut primary, FRONT_END, orders(2));
    let mut ended = Vec::new();
    for beats in 0..200 {
        if beats % 20 == 0 {
            say(&mut primary, FRONT_END, orders(2));
        }
        ended.extend(beat(&mut primary));
    }
    assert_eq!(ended, [request(1, 1)]);
    give(&mut primary, valid(request(1, 1)));
    assert_eq!(primary.book().accepted(), OrderNumber(0), "a verdict about what was let go is nobody's");
    assert_eq!(checks(&say(&mut primary, FRONT_END, orders(1))).0, [request(1, 1)]);
    give(&mut primary, valid(request(1, 1)));
    give(&mut primary, valid(request(2, 1)));
    assert_eq!(primary.book().accepted(), OrderNumber(2));
    // A primary that is replaced needs none of its verdicts.
    say(&mut primary, FRONT_END, orders(3));
    let effects = say(&mut primary, FRONT_END, view_is(view(2, 3, &[3, ME]), &[]));
    assert_eq!(checks(&effects).1, [request(3, 1)]);
}

/// A restarted customer has forgotten its order, and asks for nothing, which is rejected at once.
fn asks_for_nothing(primary: &mut Replica) {
    let nothing = asks(1, 2, order_of(Vec::new()));
    let effects = say(primary, FRONT_END, nothing);
    assert_eq!((checks(&effects), primary.position().map(|at| at.op)), ((vec![], vec![]), Some(OpNumber(1))));
}

#[test]
fn an_order_that_its_restarted_customer_has_gone_beyond_is_not_executed_when_its_verdict_comes() {
    let mut primary = primary();
    say(&mut primary, FRONT_END, orders(1));
    asks_for_nothing(&mut primary);
    let effects = give(&mut primary, valid(request(1, 1)));
    assert_eq!((refusals(&effects), messages(&effects)), (vec![Refusal::NumberUsed], vec![]));
    assert_eq!(primary.position().map(|at| at.op), Some(OpNumber(1)));
}

#[test]
fn an_order_that_its_restarted_customer_has_gone_beyond_is_not_rejected_when_it_has_waited_too_long() {
    let settings = Settings { refuse_unchecked_after: Some(Span::millis(500)), ..Settings::default() };
    let heartbeats = 500 / 50;
    let mut primary = Replica::new(identity(Role::Replica), settings, OrderBook::preset(1));
    say(&mut primary, FRONT_END, view_is(view(1, ME, &[ME]), &[]));
    say(&mut primary, FRONT_END, orders(1));
    asks_for_nothing(&mut primary);
    let beat = |_| checks(&give(&mut primary, Input::Rang(Timer::Heartbeat))).1;
    assert_eq!((0..heartbeats).flat_map(beat).collect::<Vec<_>>(), [request(1, 1)]);
    assert_eq!(primary.position().map(|at| at.op), Some(OpNumber(1)));
}

#[test]
fn numbers_at_both_ends_are_numbers() {
    let mut primary = primary();
    for id in [request(1, 0), request(2, 1), request(3, u64::MAX)] {
        let effects = say(&mut primary, FRONT_END, Message::Request { id, since: OpNumber(0), ask: Ask::Withdraw });
        let answers = messages(&effects);
        assert!(answers.iter().any(|answer| matches!(answer, Message::Reply { id: of, .. } if *of == id)), "{id}");
    }
    let last_page = Ask::History { postcode: postcode(), page: u32::MAX };
    say(&mut primary, FRONT_END, asks(4, 1, last_page));
    assert_eq!(primary.book().accepted(), OrderNumber(0));
}

#[test]
fn summaries_bear_whatever_a_message_holds() {
    let copy = Some(Copied::Reached { to: Reached::default(), bytes: u64::MAX, at: OpNumber(1) });
    let part = Message::Ack { view: ViewNumber(1), position: None, barrier: Barrier(0), copy };
    assert_eq!(Summary::from(&part), Summary::AckPart(u32::MAX - 1));
    let name = format!("\u{1b}[31m{}", "x".repeat(100_000));
    let register = Message::Register { name, role: Role::Replica, token: None, commit: OpNumber(0) };
    let Summary::Register(name) = Summary::from(&register) else { panic!("it registers") };
    assert!(name.len() < 90 && !name.contains('\u{1b}'), "{name}");
}

// Front-ends.

/// A front-end that holds a token and knows `view`, whose primary is replica 3.
fn front_end(view: View) -> FrontEnd {
    let mut front_end = FrontEnd::new(identity(Role::FrontEnd), Settings::default());
    say(&mut front_end, 1, found(Role::Replica, &[("replica-1", 3)]));
    say(&mut front_end, 1, record(1, view, true));
    front_end
}

#[test]
fn orders_larger_than_any_are_not_held() {
    let mut front_end = front_end(view(1, 3, &[3]));
    for items in [vec![String::new(); 51], vec!["x".repeat(81)]] {
        let effects = say(&mut front_end, 4, asks(1, 1, order_of(items)));
        assert_eq!(messages(&effects), Vec::<&Message>::new());
        assert_eq!(pending(&front_end), 0);
    }
}

#[test]
fn what_nobody_answers_and_nobody_repeats_is_let_go() {
    let mut front_end = front_end(view(1, 3, &[3]));
    let asks = asks(1, 1, order());
    for _ in 0..30 {
        say(&mut front_end, 4, asks.clone());
        give(&mut front_end, Input::Rang(Timer::ForwardAgain));
        assert_eq!(pending(&front_end), 1);
    }
    for _ in 0..30 {
        give(&mut front_end, Input::Rang(Timer::ForwardAgain));
    }
    assert_eq!(pending(&front_end), 0);
}

#[test]
fn a_lone_primary_that_stood_down_leads_a_newer_view() {
    let mut front_end = front_end(view(4, 3, &[3]));
    let position = Some(Position { op: OpNumber(1), fingerprint: Fingerprint(5) });
    let status = Status { view: ViewNumber(4), position, ..Status::default() };
    let effects = say(&mut front_end, 3, Message::Status(status));
    assert_eq!(proposed(&effects), Some(&view(5, 3, &[3])));
}

/// Nobody answers a front-end that announces nothing any more.
#[test]
fn a_retired_front_end_suspects_nobody_until_it_is_alone_again() {
    let mut front_end = front_end(view(1, 3, &[3]));
    let suspicions =
        |effects: &[Effect]| each!(traces(effects), MachineEvent::Suspects { suspected: true, .. } => ()).len();
    let silence = || Input::Rang(Timer::Silence(NodeId(3)));
    say(&mut front_end, 1, record(2, view(1, 3, &[3]), false));
    assert_eq!(suspicions(&give(&mut front_end, silence())), 0);
    let NodeState::FrontEnd { retired, alive, .. } = front_end.describe() else { panic!("a front-end") };
    assert!(retired && alive.is_empty(), "it hears nobody, and says so");
    let effects = say(&mut front_end, 1, found(Role::FrontEnd, &[("me", ME)]));
    let told = |message: &&Message| matches!(message, Message::ClaimFrontEnd | Message::ViewIs { .. });
    assert_eq!(messages(&effects).into_iter().filter(told).count(), 2);
    assert_eq!(suspicions(&give(&mut front_end, silence())), 1, "now it asks, and silence counts");
}

// Customers.

#[test]
fn a_customer_told_to_look_up_again_does_not_run_in_a_circle() {
    let mut customer = customer();
    give(&mut customer, Input::Wanted { wish: Wish::Ask(order()), traced: false });
    let found = found(Role::FrontEnd, &[("front-end", FRONT_END)]);
    let id = customer.waiting().unwrap();
    assert_eq!(messages(&say(&mut customer, 1, found.clone())).len(), 1);
    let effects = say(&mut customer, FRONT_END, Message::LookUpAgain { id });
    assert_eq!(messages(&effects), Vec::<&Message>::new());
    let effects = give(&mut customer, Input::Rang(Timer::AskNameServer));
    assert_eq!(messages(&effects), [&Message::Lookup { role: Role::FrontEnd }]);
    assert_eq!(messages(&say(&mut customer, 1, found)).len(), 1);
}
