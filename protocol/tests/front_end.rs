//! A front-end by itself: whom it tells of the view, what it asks the name server, how requests pass.
//!
//! Whom it believes dead is in `suspicion.rs`; which views follow is in `scenes.rs`.

mod single;

use protocol::front_end::FrontEnd;
use protocol::ids::{NodeId, OpNumber, RequestId, Role, Span, View, ViewNumber};
use protocol::machine::{Effect, Input, Machine, Settings, Timer};
use protocol::message::{Ask, Message, Status};
use protocol::trace::{NoService, NodeState, Refusal};
use single::*;

const A: u64 = 11;
const B: u64 = 12;
const CUSTOMER: u64 = 4;
const NAMES: [(&str, u64); 2] = [("replica-1", A), ("replica-2", B)];

/// It knows these replicas by name, and view 1, of A alone.
fn front_end(names: &[(&str, u64)]) -> FrontEnd {
    let mut front_end = FrontEnd::new(identity(Role::FrontEnd), Settings::default());
    say(&mut front_end, NAME_SERVER, found(Role::Replica, names));
    say(&mut front_end, NAME_SERVER, record(1, view(1, A, &[A]), true));
    front_end
}

fn status(view: u64, acting: bool) -> Message {
    Message::Status(Status { view: ViewNumber(view), acting, ..Status::default() })
}

/// The replicas that are told of the view, and whether the message is shown.
fn announced(effects: &[Effect]) -> Vec<(u64, bool)> {
    each!(effects, Effect::Send { to, traced, message: Message::ViewIs { .. } } => (to.id.0, *traced))
}

fn count(effects: &[Effect], wanted: &Message) -> usize {
    messages(effects).into_iter().filter(|message| *message == wanted).count()
}

const LOOKUP: Message = Message::Lookup { role: Role::Replica };

// Views.

#[test]
fn it_begins_by_claiming_that_it_is_the_newest() {
    let mut front_end = FrontEnd::new(identity(Role::FrontEnd), Settings::default());
    let effects = start(&mut front_end);
    let told: Vec<_> = sent(&effects).into_iter().skip(1).collect();
    assert_eq!(told, [(NAME_SERVER, &Message::ClaimFrontEnd), (NAME_SERVER, &LOOKUP)]);
    assert!(matches!(sent(&effects)[0], (NAME_SERVER, Message::Register { role: Role::FrontEnd, .. })));
    let Settings { heartbeat, forward_again_after, .. } = Settings::default();
    let again = [Timer::AskNameServer, Timer::ForwardAgain].map(|timer| (timer, forward_again_after));
    assert_eq!(timers(&effects), [[(Timer::Heartbeat, heartbeat)].as_slice(), &again].concat());
    assert_eq!(front_end.view(), &View::default());
    say(&mut front_end, NAME_SERVER, record(1, view(3, A, &[A]), true));
    assert_eq!(front_end.view(), &view(3, A, &[A]));
}

#[test]
fn a_new_view_is_told_to_all_and_shown_once() {
    let mut front_end = front_end(&NAMES);
    let effects = say(&mut front_end, NAME_SERVER, record(1, view(2, A, &[A, B]), false));
    assert_eq!(announced(&effects), [(A, true), (B, true)]);
    assert_eq!(announced(&ring(&mut front_end, Timer::Heartbeat)), [(A, false), (B, false)]);
    assert_eq!(announced(&say(&mut front_end, NAME_SERVER, record(1, view(2, A, &[A, B]), false))), []);
}

#[test]
fn whoever_is_new_or_has_moved_is_told_at_once() {
    let mut front_end = front_end(&NAMES);
    assert_eq!(announced(&say(&mut front_end, NAME_SERVER, found(Role::Replica, &NAMES))), []);
    let three = [NAMES.as_slice(), &[("replica-3", 13)]].concat();
    let effects = say(&mut front_end, NAME_SERVER, found(Role::Replica, &three));
    assert_eq!(announced(&effects), [(A, false), (B, false), (13, true)]);
    let mut moved = contact(B);
    moved.address.set_port(9);
    let who = vec![("replica-1".into(), contact(A)), ("replica-2".into(), moved)];
    let effects = say(&mut front_end, NAME_SERVER, Message::Found { role: Role::Replica, who, commit: OpNumber(0) });
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Send { to, .. } if *to == moved)));
}

#[test]
fn the_dead_are_spoken_to_while_they_are_members_or_registered_and_then_forgotten() {
    let told = |gone: u64, registered: &[(&str, u64)]| {
        let mut front_end = front_end(&NAMES);
        give(&mut front_end, Input::Gone { peer: NodeId(gone) });
        say(&mut front_end, NAME_SERVER, found(Role::Replica, registered));
        let effects = ring(&mut front_end, Timer::Heartbeat);
        announced(&effects).into_iter().map(|(to, _)| to).collect::<Vec<_>>()
    };
    assert_eq!(told(B, &NAMES), [A, B], "it is registered");
    assert_eq!(told(B, &NAMES[..1]), [A]);
    assert_eq!(told(A, &NAMES[1..]), [A, B], "it is a member");
    // A live replica is not forgotten because the name server did not name it.
    let mut front_end = front_end(&NAMES);
    say(&mut front_end, B, status(1, false));
    say(&mut front_end, NAME_SERVER, found(Role::Replica, &NAMES[..1]));
    assert_eq!(announced(&ring(&mut front_end, Timer::Heartbeat)).len(), 2);
}

#[test]
fn the_name_server_is_asked_who_a_stranger_is_until_it_says_so() {
    let mut front_end = front_end(&NAMES[..1]);
    say(&mut front_end, A, status(1, true));
    assert_eq!(count(&ring(&mut front_end, Timer::Heartbeat), &LOOKUP), 0, "all are known by name");
    assert_eq!(count(&say(&mut front_end, B, status(1, false)), &LOOKUP), 1);
    assert_eq!(count(&say(&mut front_end, B, status(1, false)), &LOOKUP), 0, "it was asked already");
    assert_eq!(count(&ring(&mut front_end, Timer::Heartbeat), &LOOKUP), 1);
    say(&mut front_end, NAME_SERVER, found(Role::Replica, &NAMES));
    assert_eq!(count(&ring(&mut front_end, Timer::Heartbeat), &LOOKUP), 0);
}

#[test]
fn a_replica_that_is_in_a_newer_view_is_a_reason_to_read_the_record_once() {
    for (number, reads) in [(0, 0), (1, 0), (2, 1)] {
        let mut front_end = front_end(&NAMES);
        let mut asks = |number| count(&say(&mut front_end, A, status(number, true)), &Message::ReadRecord);
        assert_eq!(asks(number), reads, "view {number}");
        assert_eq!(asks(number), 0, "it is asked already");
    }
    let mut front_end = front_end(&NAMES);
    say(&mut front_end, A, status(2, true));
    say(&mut front_end, NAME_SERVER, record(1, view(1, A, &[A]), false));
    assert_eq!(count(&say(&mut front_end, A, status(3, true)), &Message::ReadRecord), 1, "and again after an answer");
}

#[test]
fn a_record_with_its_own_token_or_an_older_one_does_not_retire_it() {
    for (token, retires) in [(0, false), (1, false), (2, true)] {
        let mut front_end = front_end(&NAMES);
        let effects = say(&mut front_end, NAME_SERVER, record(token, view(1, A, &[A]), false));
        assert_eq!(refusals(&effects), if retires { vec![Refusal::Retired] } else { vec![] });
        let NodeState::FrontEnd { retired, .. } = front_end.describe() else { panic!("a front-end") };
        assert_eq!(retired, retires, "token {token}");
    }
}

fn in_step(with: &[u64]) -> Message {
    let ack_set = with.iter().map(|id| NodeId(*id)).collect();
    Message::Status(Status { view: ViewNumber(1), acting: true, ack_set, ..Status::default() })
}

#[test]
fn there_is_one_proposal_at_a_time_and_one_in_a_second_while_nobody_is_dead() {
    let mut front_end = front_end(&NAMES);
    say(&mut front_end, B, status(1, false));
    ring(&mut front_end, Timer::Heartbeat);
    let effects = say(&mut front_end, A, in_step(&[A, B]));
    assert_eq!(proposed(&effects), Some(&view(2, A, &[A, B])));
    assert!(timers(&effects).contains(&(Timer::MayPropose, Span::millis(1000))));
    assert_eq!(proposed(&ring(&mut front_end, Timer::MayPropose)), None, "the name server has not answered");
    // Overdue: it is chosen anew, and asked for again.
    assert_eq!(proposed(&ring(&mut front_end, Timer::AskNameServer)), Some(&view(2, A, &[A, B])));
    say(&mut front_end, NAME_SERVER, record(1, view(2, A, &[A, B]), false));
    let effects = ring(&mut front_end, Timer::Silence(NodeId(B)));
    assert_eq!(proposed(&effects), None, "it may only be slow, and the second is not over");
    assert_eq!(proposed(&ring(&mut front_end, Timer::MayPropose)), Some(&view(3, A, &[A])));
}

/// Why customers wait; none while they are served.
fn waits_for(front_end: &FrontEnd) -> Option<NoService> {
    let NodeState::FrontEnd { waits_for, .. } = front_end.describe() else { panic!("a front-end") };
    waits_for
}

#[test]
fn nobody_waits_while_a_view_only_grows() {
    let mut front_end = front_end(&NAMES);
    say(&mut front_end, B, status(1, false));
    ring(&mut front_end, Timer::Heartbeat);
    assert!(proposed(&say(&mut front_end, A, in_step(&[A, B]))).is_some());
    assert_eq!(waits_for(&front_end), None, "the present view serves until then");
    // Also where it has fewer members than wanted, as long as it does not lose one.
    let settings = Settings { min_members: 3, ..Settings::default() };
    give(&mut front_end, Input::Retimed(settings));
    say(&mut front_end, NAME_SERVER, record(1, view(2, A, &[A, B]), false));
    assert_eq!(waits_for(&front_end), None);
    let effects = give(&mut front_end, Input::Gone { peer: NodeId(B) });
    assert_eq!(proposed(&effects), None, "it would be smaller than wanted");
    assert_eq!(waits_for(&front_end), Some(NoService::TooFew { answer: 1, wanted: 3 }));
}

#[test]
fn a_record_that_was_lost_is_not_begun_anew() {
    let mut front_end = FrontEnd::new(identity(Role::FrontEnd), Settings::default());
    say(&mut front_end, NAME_SERVER, record(1, View::default(), true));
    say(&mut front_end, NAME_SERVER, found(Role::Replica, &NAMES));
    say(&mut front_end, A, status(0, false));
    assert_eq!(proposed(&say(&mut front_end, B, status(3, false))), None, "that would be a second history");
    assert_eq!(waits_for(&front_end), Some(NoService::JournalLost { seen: ViewNumber(3) }));
}

#[test]
fn why_customers_wait_is_told() {
    let mut front_end = FrontEnd::new(identity(Role::FrontEnd), Settings::default());
    assert_eq!(waits_for(&front_end), Some(NoService::NameServerSilent));
    say(&mut front_end, NAME_SERVER, record(1, View::default(), true));
    assert_eq!(waits_for(&front_end), Some(NoService::NoReplica));
    say(&mut front_end, NAME_SERVER, found(Role::Replica, &NAMES[..1]));
    assert_eq!(waits_for(&front_end), Some(NoService::ReportsMissing));
    assert_eq!(proposed(&say(&mut front_end, A, status(0, false))), Some(&view(1, A, &[A])));
    assert_eq!(waits_for(&front_end), Some(NoService::FirstViewUnrecorded));
    say(&mut front_end, NAME_SERVER, record(1, view(1, A, &[A]), false));
    assert_eq!(waits_for(&front_end), None);
    say(&mut front_end, A, status(1, true));
    assert_eq!(waits_for(&front_end), None);
    // It stood down, and leads again only in a newer view.
    say(&mut front_end, A, status(1, false));
    assert_eq!(waits_for(&front_end), Some(NoService::ViewUnrecorded));
    give(&mut front_end, Input::Gone { peer: NodeId(A) });
    assert_eq!(
        waits_for(&front_end),
        Some(NoService::NoMember { awaited: vec![(NodeId(A), Some(NAMES[0].0.into()))] })
    );
}

#[test]
fn patience_is_bounded_and_begins_to_fade_at_once() {
    let mut front_end = front_end(&NAMES);
    let (view, late) = (ViewNumber(1), Span::millis(60_000));
    say(&mut front_end, A, Message::Status(Status { view, acting: true, late, ..Status::default() }));
    let most = Settings::default().most_patience();
    let told = patience(&ring(&mut front_end, Timer::Heartbeat)).unwrap_or_default();
    assert!(told < most && told.0 > most.0 * 9 / 10, "{told:?} of {most:?}");
}

#[test]
fn a_front_end_that_was_late_again_bears_silence_only_for_so_much_more() {
    let mut front_end = front_end(&NAMES);
    say(&mut front_end, A, status(1, true));
    let silence = Timer::Silence(NodeId(A));
    let late = |front_end: &mut FrontEnd, by| drop(give(front_end, Input::Overslept { by: Span::millis(by) }));
    late(&mut front_end, 30);
    // As long again as it was late, and twice as much for others that may be.
    assert_eq!(timers(&ring(&mut front_end, silence)), [(silence, Span::millis(90))]);
    late(&mut front_end, 20);
    assert_eq!(timers(&ring(&mut front_end, silence)), [(silence, Span::millis(20))]);
}

// Requests.

/// Requests that are passed on, and to whom.
fn forwarded(effects: &[Effect]) -> Vec<(u64, RequestId)> {
    each!(sent(effects), (to, Message::Request { id, .. }) => (to, *id))
}

#[test]
fn a_request_goes_to_the_primary_again_and_again_and_an_older_one_does_not() {
    let mut front_end = front_end(&NAMES);
    let id = request(1, 2);
    assert_eq!(forwarded(&say(&mut front_end, CUSTOMER, asks(1, 2, Ask::Withdraw))), [(A, id)]);
    assert_eq!(say(&mut front_end, CUSTOMER, asks(1, 1, Ask::Withdraw)), [], "its customer has gone beyond it");
    assert_eq!(
        forwarded(&say(&mut front_end, CUSTOMER, asks(1, 2, Ask::Withdraw))),
        [(A, id)],
        "its customer repeats it"
    );
    let again: Vec<_> = (0..12).map(|_| forwarded(&ring(&mut front_end, Timer::ForwardAgain)).len()).collect();
    assert_eq!(again, [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0], "not what came just now, and not for ever");
    assert_eq!(pending(&front_end), 0);
}

#[test]
fn while_the_record_cannot_be_read_requests_go_to_who_acts_in_the_newest_view() {
    let goes_to = |number: u64, acting: bool| {
        let mut front_end = front_end(&NAMES);
        say(&mut front_end, B, status(number, acting));
        forwarded(&say(&mut front_end, CUSTOMER, asks(1, 1, Ask::Withdraw)))[0].0
    };
    assert_eq!([goes_to(0, true), goes_to(1, true), goes_to(2, false), goes_to(2, true)], [A, A, A, B]);
    // Of two that act in newer views, the newer.
    let mut front_end = front_end(&NAMES);
    say(&mut front_end, A, status(3, true));
    say(&mut front_end, B, status(2, true));
    assert_eq!(forwarded(&say(&mut front_end, CUSTOMER, asks(1, 1, Ask::Withdraw)))[0].0, A);
}

#[test]
fn eight_thousand_customers_are_held_and_one_more_is_told_to_come_again() {
    let mut front_end = front_end(&NAMES);
    (1..=8192).for_each(|customer| drop(say(&mut front_end, CUSTOMER, asks(customer, 1, Ask::Withdraw))));
    assert_eq!(pending(&front_end), 8192);
    let effects = say(&mut front_end, CUSTOMER, asks(9000, 1, Ask::Withdraw));
    assert_eq!(sent(&effects), [(CUSTOMER, &Message::Busy { id: request(9000, 1) })]);
    assert_eq!(
        forwarded(&say(&mut front_end, CUSTOMER, asks(7, 2, Ask::Withdraw))),
        [(A, request(7, 2))],
        "it takes no more room"
    );
}

#[test]
fn a_busy_primarys_word_reaches_the_customer_that_waits_for_it() {
    let mut front_end = front_end(&NAMES);
    say(&mut front_end, CUSTOMER, asks(1, 2, Ask::Withdraw));
    let busy = |number| Message::Busy { id: request(1, number) };
    assert_eq!(sent(&say(&mut front_end, A, busy(1))), [], "nobody waits for that one");
    assert_eq!(sent(&say(&mut front_end, A, busy(2))), [(CUSTOMER, &busy(2))]);
    assert_eq!(pending(&front_end), 0);
}

#[test]
fn the_largest_order_passes() {
    let mut front_end = front_end(&NAMES);
    assert_eq!(forwarded(&say(&mut front_end, CUSTOMER, asks(1, 1, order_of(vec!["é".repeat(80); 50])))).len(), 1);
    for items in [vec!["x".into(); 51], vec!["é".repeat(81)]] {
        assert_eq!(refusals(&say(&mut front_end, CUSTOMER, asks(1, 1, order_of(items)))), [Refusal::Oversized]);
    }
}

#[test]
fn a_retired_front_end_sends_customers_to_the_newer_one() {
    let mut front_end = front_end(&NAMES);
    say(&mut front_end, NAME_SERVER, record(2, view(1, A, &[A]), false));
    let effects = say(&mut front_end, CUSTOMER, asks(1, 1, Ask::Withdraw));
    assert_eq!(sent(&effects), [(CUSTOMER, &Message::LookUpAgain { id: request(1, 1) })]);
    assert_eq!(announced(&ring(&mut front_end, Timer::Heartbeat)), [], "it leaves the replicas to the newer one");
    let lookup = Message::Lookup { role: Role::FrontEnd };
    assert_eq!(sent(&ring(&mut front_end, Timer::AskNameServer)), [(NAME_SERVER, &lookup)]);
    say(&mut front_end, NAME_SERVER, found(Role::FrontEnd, &[("other", 3)]));
    assert_eq!(announced(&ring(&mut front_end, Timer::Heartbeat)), []);
    let effects = say(&mut front_end, NAME_SERVER, found(Role::FrontEnd, &[("me", ME)]));
    assert_eq!(count(&effects, &Message::ClaimFrontEnd), 1, "no newer one lives");
}
