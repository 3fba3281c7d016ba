//! A customer by itself: one request at a time, the same one again until it is answered, and to whom.
//!
//! That an order is placed once, whatever is lost, is in `scenes.rs`.

mod single;

use protocol::customer::Customer;
use protocol::ids::{Barrier, CustomerId, OpNumber, OrderNumber, RequestId, RequestNumber, Role, Span, ViewNumber};
use protocol::machine::{Effect, Input, Machine, Settings, Timer, Wish};
use protocol::message::{Answer, Ask, Message, WaitReason};
use protocol::order_book::Outcome;
use protocol::trace::NodeState;
use single::*;

const OTHER: u64 = 3;

fn found(front_ends: &[u64], commit: u64) -> Message {
    let who = front_ends.iter().map(|id| (format!("front-end-{id}"), contact(*id))).collect();
    Message::Found { role: Role::FrontEnd, who, commit: OpNumber(commit) }
}

fn wishes(customer: &mut Customer, wish: Wish) -> Vec<Effect> {
    give(customer, Input::Wanted { wish, traced: false })
}

/// It asked this as its first request, and a front-end has it.
fn waiting(ask: Ask) -> Customer {
    let mut customer = single::customer();
    wishes(&mut customer, Wish::Ask(ask));
    say(&mut customer, NAME_SERVER, found(&[FRONT_END], 5));
    customer
}

fn reply(id: RequestId, commit: u64) -> Message {
    let answer = Answer::Outcome(Outcome::Placed { number: OrderNumber(3) });
    Message::Reply { id, answer, view: ViewNumber(1), commit: OpNumber(commit) }
}

fn asks(number: u64, since: u64, ask: Ask) -> Message {
    Message::Request { id: request(1, number), since: OpNumber(since), ask }
}

const LOOKUP: Message = Message::Lookup { role: Role::FrontEnd };

#[test]
fn a_request_is_sent_again_and_after_two_misses_the_front_end_is_looked_up_again() {
    let mut customer = waiting(order());
    let Settings { retry_after, .. } = Settings::default();
    let again = ring(&mut customer, Timer::RetryRequest);
    assert_eq!(sent(&again), [(FRONT_END, &asks(1, 5, order()))]);
    assert_eq!(set(&again, Timer::RetryRequest), Some(retry_after));
    let lookup = ring(&mut customer, Timer::RetryRequest);
    assert_eq!(sent(&lookup), [(NAME_SERVER, &LOOKUP)]);
    assert!(is_cancelled(&lookup, Timer::RetryRequest));
    assert_eq!(set(&lookup, Timer::AskNameServer), Some(retry_after));
    // Found, it gets two more attempts.
    assert_eq!(sent(&say(&mut customer, NAME_SERVER, found(&[OTHER], 9))), [(OTHER, &asks(1, 5, order()))]);
    assert_eq!(sent(&ring(&mut customer, Timer::RetryRequest)), [(OTHER, &asks(1, 5, order()))]);
    assert_eq!(sent(&ring(&mut customer, Timer::RetryRequest)), [(NAME_SERVER, &LOOKUP)]);
}

#[test]
fn an_answer_ends_the_waiting_and_its_timers() {
    let mut customer = waiting(order());
    let id = request(1, 1);
    assert_eq!(customer.describe(), described(Some(id), None));
    let effects = say(&mut customer, FRONT_END, reply(request(1, 2), 0));
    assert_eq!((effects, customer.waiting()), (vec![], Some(id)), "that is the answer to something else");
    let effects = say(&mut customer, FRONT_END, reply(id, 7));
    let answer = Answer::Outcome(Outcome::Placed { number: OrderNumber(3) });
    assert!(effects.contains(&Effect::Answered { request: id, answer }));
    assert!(is_cancelled(&effects, Timer::RetryRequest) && is_cancelled(&effects, Timer::AskNameServer));
    assert_eq!(customer.describe(), described(None, None));
    assert_eq!(say(&mut customer, FRONT_END, reply(id, 7)), [], "twice is once");
    for timer in [Timer::RetryRequest, Timer::AskNameServer] {
        assert_eq!(ring(&mut customer, timer), [], "nothing waits");
    }
    // The next one has the next number, and says that it is younger than what was answered.
    assert_eq!(customer.next_request(), request(1, 2));
    let effects = wishes(&mut customer, Wish::Ask(read()));
    assert_eq!(sent(&effects), [(FRONT_END, &asks(2, 7, read()))]);
}

fn described(waiting: Option<RequestId>, why: Option<(WaitReason, Span)>) -> NodeState {
    NodeState::Customer { front_end: Some(contact(FRONT_END).id), waiting, why }
}

#[test]
fn one_request_at_a_time() {
    let mut customer = waiting(order());
    assert_eq!(wishes(&mut customer, Wish::Ask(order())), []);
    assert_eq!(customer.waiting(), Some(request(1, 1)));
    let mut idle = Customer::new(identity(Role::Customer), Settings::default(), CustomerId(1), RequestNumber(41));
    assert_eq!(wishes(&mut idle, Wish::GiveUp), [], "there is nothing to give up");
    assert_eq!(idle.next_request(), request(1, 42), "it goes on counting where it was");
}

#[test]
fn an_order_is_given_up_by_a_withdrawal_and_a_read_at_once() {
    let mut customer = waiting(order());
    say(&mut customer, NAME_SERVER, found(&[FRONT_END], 9));
    let effects = wishes(&mut customer, Wish::GiveUp);
    // It says since when the order was, which it settles (rule R14).
    assert_eq!(sent(&effects), [(FRONT_END, &asks(2, 5, Ask::Withdraw))]);
    assert_eq!(wishes(&mut customer, Wish::GiveUp), [], "a withdrawal cannot be given up");
    let mut customer = waiting(read());
    let effects = wishes(&mut customer, Wish::GiveUp);
    assert_eq!((sent(&effects), customer.waiting()), (vec![], None));
    assert!(is_cancelled(&effects, Timer::RetryRequest));
}

#[test]
fn why_it_waits_is_known_while_the_primary_goes_on_saying_so() {
    let mut customer = waiting(order());
    let (why, waited) = (WaitReason::NobodyAnswers, Span::millis(700));
    let waits = |id| Message::Waiting { id, why, waited };
    say(&mut customer, FRONT_END, waits(request(1, 9)));
    assert_eq!(customer.why(), None, "that is about something else");
    say(&mut customer, FRONT_END, waits(request(1, 1)));
    assert_eq!(customer.describe(), described(Some(request(1, 1)), Some((why, waited))));
    ring(&mut customer, Timer::RetryRequest);
    assert_eq!(customer.why(), Some((why, waited)), "it was said since the last attempt");
    ring(&mut customer, Timer::RetryRequest);
    assert_eq!(customer.why(), None, "it was not said again");
}

#[test]
fn a_busy_cluster_is_asked_again_soon() {
    let mut customer = waiting(order());
    let soon = Settings::default().heartbeat.times(2);
    let busy = |number| Message::Busy { id: request(1, number) };
    assert_eq!(timers(&say(&mut customer, FRONT_END, busy(1))), [(Timer::RetryRequest, soon)]);
    assert_eq!(say(&mut customer, FRONT_END, busy(2)), [], "that is about something else");
}

#[test]
fn a_retired_front_end_is_left_for_the_newer_one() {
    let retired = |number| Message::LookUpAgain { id: request(1, number) };
    for (from, number, why) in [(OTHER, 1, "it does not ask that one"), (FRONT_END, 2, "it asks something else")] {
        assert_eq!(say(&mut waiting(order()), from, retired(number)), [], "{why}");
    }
    let mut customer = waiting(order());
    let effects = say(&mut customer, FRONT_END, retired(1));
    // Not at once: the newer one must have registered.
    assert_eq!(timers(&effects), [(Timer::AskNameServer, Settings::default().heartbeat)]);
    assert!(is_cancelled(&effects, Timer::RetryRequest));
    assert_eq!(sent(&ring(&mut customer, Timer::AskNameServer)), [(NAME_SERVER, &LOOKUP)]);
}

#[test]
fn a_lost_connection_to_its_front_end_is_a_reason_to_look_it_up_at_once() {
    let lost = |id| Input::ConnectionLost { peer: contact(id) };
    let mut customer = waiting(order());
    assert_eq!(give(&mut customer, lost(OTHER)), []);
    assert_eq!(sent(&give(&mut customer, lost(FRONT_END))), [(NAME_SERVER, &LOOKUP)]);
    assert_eq!(give(&mut customer, lost(FRONT_END)), [], "it is not its front-end any more");
}

#[test]
fn while_there_is_no_front_end_it_looks_again_and_again() {
    let mut customer = single::customer();
    assert_eq!(sent(&wishes(&mut customer, Wish::Ask(order()))), [(NAME_SERVER, &LOOKUP)]);
    let effects = say(&mut customer, NAME_SERVER, found(&[], 0));
    assert_eq!(timers(&effects), [(Timer::AskNameServer, Settings::default().heartbeat.times(2))]);
    assert_eq!(sent(&ring(&mut customer, Timer::AskNameServer)), [(NAME_SERVER, &LOOKUP)]);
    say(&mut customer, NAME_SERVER, found(&[FRONT_END], 0));
    assert_eq!(say(&mut customer, NAME_SERVER, found(&[], 0)), [], "it knows one, and goes on asking it");
}

#[test]
fn where_messages_are_slowed_it_is_patient() {
    let settings = Settings { hop: Span::millis(300), ..Settings::default() };
    let mut customer = waiting(order());
    assert_eq!(give(&mut customer, Input::Retimed(settings.clone())), []);
    let again = ring(&mut customer, Timer::RetryRequest);
    assert_eq!(set(&again, Timer::RetryRequest), Some(settings.hop.times(16)));
    assert_eq!(set(&again, Timer::AskNameServer), Some(settings.hop.times(16)));
}

#[test]
fn what_others_say_to_each_other_is_not_for_it() {
    let mut customer = waiting(order());
    let ack = Message::Ack { view: ViewNumber(1), position: None, barrier: Barrier(0), copy: None };
    for message in
        [ack, LOOKUP, Message::ClaimFrontEnd, Message::Found { role: Role::Replica, who: vec![], commit: OpNumber(0) }]
    {
        assert_eq!(say(&mut customer, FRONT_END, message), []);
    }
}
