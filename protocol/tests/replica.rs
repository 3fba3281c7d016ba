//! A replica by itself: how it joins, whom it follows, what a primary does for its peers and its reads.
//!
//! The rules are played by whole clusters in `scenes.rs`; here is what only a close look at one machine shows.

mod single;

use std::sync::Arc;

use protocol::ids::{Barrier, Fingerprint, NodeId, OpNumber, OrderNumber, Position, Role, Span, View, ViewNumber};
use protocol::machine::{Effect, Effects, Identity, Input, Machine, Settings, Timer};
use protocol::message::{Answer, Ask, Copied, Message, StateUpdate, WaitReason};
use protocol::order_book::{Entry, EntryEffect, OrderBook, Outcome, Reached};
use protocol::postcode::Verdict;
use protocol::replica::Replica;
use protocol::trace::{MachineEvent, NodeState, Note, Refusal, ReplicaState, Unchecked};
use single::*;

fn replica() -> Replica {
    Replica::new(identity(Role::Replica), Settings::default(), OrderBook::preset(1))
}

/// The primary of view 1, with these other members.
fn primary(others: &[u64]) -> Replica {
    primary_with(Settings::default(), others)
}

fn primary_with(settings: Settings, others: &[u64]) -> Replica {
    let mut replica = Replica::new(identity(Role::Replica), settings, OrderBook::preset(1));
    let members = [&[ME], others].concat();
    say(&mut replica, FRONT_END, view_is(view(1, ME, &members), &[], others));
    assert!(replica.acting());
    replica
}

fn state(replica: &Replica) -> Box<ReplicaState> {
    let NodeState::Replica(state) = replica.describe() else { panic!("a replica") };
    state
}

/// Updates without entries, each with its receiver, whether it is shown, and its barrier.
fn beats(effects: &[Effect]) -> Vec<(u64, bool, u64)> {
    each!(effects, Effect::Send { to, traced, message: Message::StateUpdate(update) } if update.entries.is_empty() =>
        (to.id.0, *traced, update.barrier.0))
}

fn acknowledges(replica: &mut Replica, peer: u64, position: Option<Position>, barrier: u64) -> Vec<Effect> {
    let (view, barrier) = (replica.view().number, Barrier(barrier));
    say(replica, peer, Message::Ack { view, position, barrier, copy: nothing() })
}

// Joining.

#[test]
fn a_fresh_process_registers_and_looks_for_a_front_end_until_it_hears_one() {
    let mut replica = replica();
    let Settings { heartbeat, suspect_after, .. } = Settings::default();
    let lookup = Message::Lookup { role: Role::FrontEnd };
    let effects = start(&mut replica);
    let [(NAME_SERVER, Message::Register { role: Role::Replica, token: None, .. }), (NAME_SERVER, second)] =
        sent(&effects)[..]
    else {
        panic!("{effects:?}")
    };
    assert_eq!(*second, lookup);
    let silence = (Timer::FrontEndSilence, suspect_after.times(2));
    assert_eq!(timers(&effects), [silence, (Timer::Heartbeat, heartbeat)]);
    let effects = ring(&mut replica, Timer::FrontEndSilence);
    assert_eq!((sent(&effects), timers(&effects)), (vec![(NAME_SERVER, &lookup)], vec![silence]));
    // A status makes it known there.
    let effects = say(&mut replica, NAME_SERVER, found(Role::FrontEnd, &[("front-end", FRONT_END)]));
    assert_eq!(statuses(&effects).len(), 1);
    say(&mut replica, FRONT_END, view_is(view(1, 3, &[3]), &[], &[3]));
    let effects = say(&mut replica, NAME_SERVER, found(Role::FrontEnd, &[("front-end", FRONT_END)]));
    assert_eq!(effects, [], "one that has spoken knows it already");
}

fn at(op: u64, fingerprint: u64) -> Position {
    Position { op: OpNumber(op), fingerprint: Fingerprint(fingerprint) }
}

/// The parts of base data that are not the joiner's own, one order each.
fn three_parts(view_number: u64, at: Position) -> Vec<Message> {
    let parts = parts(&OrderBook::preset(2), &view(view_number, 3, &[3]), at, 1);
    assert_eq!(parts.len(), 3);
    parts.into_iter().map(|part| Message::Snapshot(Box::new(part))).collect()
}

#[test]
fn a_snapshot_is_installed_when_its_last_part_is_in() {
    let mut joiner = replica();
    let parts = three_parts(1, at(5, 1));
    let mut progress = Vec::new();
    for number in [1, 0, 2, 1, 0, 1, 2] {
        let effects = say(&mut joiner, 3, parts[number].clone());
        let [(3, Message::Ack { position, copy, .. })] = sent(&effects)[..] else { panic!("{effects:?}") };
        let orders = match copy {
            Some(Copied::Reached { to, .. }) => to.orders,
            Some(Copied::Before { .. }) | None => 0,
        };
        progress.push((position.is_some(), orders, state(&joiner).loading.is_some()));
    }
    let [nothing, one, whole] = [(false, 0, false), (false, 1, true), (true, 0, false)];
    let expected = [nothing, one, one, whole, whole, whole, whole];
    assert_eq!(progress, expected, "the last one overtakes the second; each is taken once, behind the one before it");
    assert_eq!((joiner.position(), joiner.book()), (Some(at(5, 1)), &OrderBook::preset(2)));
}

#[test]
fn a_state_is_complete_only_if_its_orders_are_the_ones_that_were_sent() {
    let mut joiner = replica();
    let mut parts = three_parts(1, at(5, 1));
    let other = three_parts(1, at(5, 1)).remove(0);
    let (Message::Snapshot(first), Message::Snapshot(changed)) = (&mut parts[0], other) else { panic!("parts") };
    let dish = changed.piece.orders.len() - 2;
    first.piece.orders[dish] ^= 1;
    let effects: Vec<_> = parts.into_iter().flat_map(|part| say(&mut joiner, 3, part)).collect();
    assert_eq!((joiner.position(), state(&joiner).loading), (None, None));
    let undecodable = |event: &&&MachineEvent| matches!(event, MachineEvent::Noted(Note::Undecodable { .. }));
    assert_eq!(traces(&effects).iter().filter(undecodable).count(), 1, "{effects:?}");
}

// Following.

fn update(view: View, from: Position, entries: Vec<Arc<Entry>>) -> Message {
    Message::StateUpdate(StateUpdate { view, from, entries, barrier: Barrier(3), commit: OpNumber(0) })
}

fn withdrawn(op: u64) -> Arc<Entry> {
    let (request, effect) = (request(1, op), EntryEffect::Withdrawn);
    Arc::new(Entry { op: OpNumber(op), view: ViewNumber(1), request, effect, outcome: Outcome::NeverPlaced })
}

#[test]
fn a_primary_does_not_follow_in_its_own_view_and_follows_in_a_newer_one() {
    let mut replica = primary(&[]);
    let here = replica.position().unwrap();
    assert_eq!(say(&mut replica, BACKUP, update(view(1, ME, &[ME]), here, vec![withdrawn(1)])), []);
    assert_eq!((replica.position(), replica.acting()), (Some(here), true));
    let newer = view(2, BACKUP, &[BACKUP, ME]);
    let effects = say(&mut replica, BACKUP, update(newer.clone(), here, vec![withdrawn(1)]));
    assert_eq!((replica.view(), replica.acting()), (&newer, false));
    let position = replica.position();
    assert_eq!(position.map(|position| position.op), Some(OpNumber(1)));
    let ack = Message::Ack { view: ViewNumber(2), position, barrier: Barrier(3), copy: None };
    assert!(sent(&effects).contains(&(BACKUP, &ack)), "{effects:?}");
    // R1: the view before is over.
    let effects = say(&mut replica, JOINER, update(view(1, JOINER, &[JOINER]), here, vec![]));
    assert_eq!(sent(&effects), [(JOINER, &Message::Refused { view: ViewNumber(2) })]);
}

#[test]
fn entries_that_do_not_fit_are_told_and_heartbeats_that_do_not_fit_are_not() {
    let mut replica = primary(&[]);
    let leads = view(2, BACKUP, &[BACKUP, ME]);
    let elsewhere = at(7, 7);
    let ours = replica.position();
    let effects = say(&mut replica, BACKUP, update(leads.clone(), elsewhere, vec![withdrawn(8)]));
    assert_eq!(refusals(&effects), [Refusal::DoesNotFit { from: elsewhere, ours }]);
    let effects = say(&mut replica, BACKUP, update(leads, elsewhere, vec![]));
    assert_eq!(refusals(&effects), []);
    assert_eq!(replica.position(), ours);
}

#[test]
fn a_change_of_role_is_told_to_the_front_end_at_once_and_only_once() {
    let mut replica = primary(&[BACKUP]);
    let effects = say(&mut replica, BACKUP, Message::Refused { view: ViewNumber(2) });
    let told: Vec<_> = statuses(&effects).into_iter().map(|status| (status.view, status.acting)).collect();
    assert_eq!(told, [(ViewNumber(1), false)], "it has stood down");
    assert!(traces(&effects).iter().any(|event| matches!(event, MachineEvent::Became { .. })));
    assert_eq!(say(&mut replica, BACKUP, Message::Refused { view: ViewNumber(2) }), []);
}

#[test]
fn how_late_its_loop_was_is_told_once_with_the_next_status() {
    let mut replica = primary(&[]);
    let late = |effects: &[Effect]| statuses(effects).into_iter().map(|status| status.late).collect::<Vec<_>>();
    let by = Span::millis(60);
    assert_eq!(late(&give(&mut replica, Input::Overslept { by })), [by]);
    assert_eq!(late(&say(&mut replica, FRONT_END, view_is(view(1, ME, &[ME]), &[], &[]))), [Span(0)]);
}

#[test]
fn a_primary_that_was_frozen_accuses_nobody_for_that_time() {
    let settings = Settings::default();
    let frozen = settings.frozen_from();
    let accused_after = |late: Option<Span>| {
        let mut replica = primary(&[BACKUP]);
        (0..4).for_each(|_| drop(ring(&mut replica, Timer::Heartbeat)));
        late.into_iter().for_each(|by| drop(give(&mut replica, Input::Overslept { by })));
        (5..40).find(|_| {
            ring(&mut replica, Timer::Heartbeat);
            !state(&replica).silent.is_empty()
        })
    };
    let usual = accused_after(None).unwrap();
    assert_eq!(accused_after(Some(Span(frozen.0 - 1))), Some(usual));
    assert_eq!(accused_after(Some(frozen)), Some(usual + 4), "its silence is counted anew");
}

// Peers.

#[test]
fn members_and_joiners_are_spoken_to_also_where_nobody_names_their_addresses_any_more() {
    let mut replica = primary(&[BACKUP]);
    let one = view(1, ME, &[ME, BACKUP]);
    let says = |replica: &mut Replica, joiners: &[u64], named: &[u64]| {
        say(replica, FRONT_END, view_is(one.clone(), joiners, named));
        ring(replica, Timer::Heartbeat);
        let effects = ring(replica, Timer::Heartbeat);
        beats(&effects).into_iter().map(|(to, ..)| to).collect::<Vec<_>>()
    };
    assert_eq!(says(&mut replica, &[JOINER], &[BACKUP, JOINER, 9]), [BACKUP, JOINER]);
    assert_eq!(says(&mut replica, &[JOINER], &[]), [BACKUP, JOINER]);
    assert_eq!(says(&mut replica, &[JOINER, 9], &[]), [BACKUP, JOINER], "where 9 listens was forgotten");
    // As a backup it keeps where the members are, for the day on which it leads.
    let mut backup = self::replica();
    say(&mut backup, FRONT_END, view_is(view(1, ME, &[ME]), &[], &[]));
    say(&mut backup, FRONT_END, view_is(view(2, BACKUP, &[ME, BACKUP, JOINER]), &[], &[BACKUP, JOINER]));
    say(&mut backup, FRONT_END, view_is(view(2, BACKUP, &[ME, BACKUP, JOINER]), &[], &[]));
    let effects = say(&mut backup, FRONT_END, view_is(view(3, ME, &[ME, JOINER]), &[], &[]));
    assert_eq!(beats(&effects).first().map(|(to, ..)| *to), Some(JOINER));
}

#[test]
fn how_far_a_joiner_is_can_be_seen() {
    let mut replica = primary(&[]);
    say(&mut replica, FRONT_END, view_is(view(1, ME, &[ME]), &[JOINER], &[JOINER]));
    assert_eq!(state(&replica).joiners, [(NodeId(JOINER), 0, 0)]);
    let effects = acknowledges(&mut replica, JOINER, None, 0);
    let bytes = replica.book().bytes();
    assert_eq!((parts_sent(&effects), &state(&replica).joiners[..]), (1, &[(NodeId(JOINER), 0, bytes)][..]));
    let to = Reached { orders: 2, sessions: OpNumber(0) };
    let copy = Some(Copied::Reached { to, bytes: 50, at: OpNumber(0) });
    say(&mut replica, JOINER, Message::Ack { view: ViewNumber(1), position: None, barrier: Barrier(0), copy });
    assert_eq!(state(&replica).joiners, [(NodeId(JOINER), 50, bytes)]);
}

#[test]
fn an_old_answer_of_a_peer_that_fits_asks_for_no_snapshot() {
    let mut replica = primary(&[BACKUP]);
    let base = replica.position().unwrap();
    acknowledges(&mut replica, BACKUP, Some(base), 0);
    say(&mut replica, FRONT_END, withdraws(1));
    let here = replica.position();
    acknowledges(&mut replica, BACKUP, here, 0);
    let snapshots = |replica: &mut Replica, position| parts_sent(&acknowledges(replica, BACKUP, position, 0));
    assert_eq!(snapshots(&mut replica, None), 0, "it had no history then");
    assert_eq!(snapshots(&mut replica, Some(at(0, 9))), 0, "it had another one then");
    assert!(snapshots(&mut replica, Some(at(1, 9))) > 0, "it has another one now");
}

// Reads.

#[test]
fn a_read_asks_everybody_once_and_is_shown_if_somebody_watches_it() {
    for traced in [false, true] {
        let mut replica = primary(&[BACKUP]);
        let base = replica.position();
        acknowledges(&mut replica, BACKUP, base, 0);
        let effects =
            give(&mut replica, Input::Received { from: contact(FRONT_END), traced, message: asks(1, 1, read()) });
        assert_eq!(beats(&effects), [(BACKUP, traced, 1)]);
        let effects = acknowledges(&mut replica, BACKUP, base, 0);
        assert_eq!(effects, [], "that was said before the read began, and nobody is asked twice");
        let effects = acknowledges(&mut replica, BACKUP, base, 1);
        assert!(matches!(messages(&effects)[..], [Message::Reply { .. }]), "{effects:?}");
    }
}

#[test]
fn many_long_histories_are_told_in_several_rounds() {
    let mut replica = primary(&[]);
    for customer in 1..=100 {
        say(&mut replica, FRONT_END, orders(customer));
        give(&mut replica, valid(request(customer, 1)));
    }
    let mut effects = Effects::new(false);
    for customer in 1001..=1150 {
        let message = asks(customer, 1, read());
        replica.handle(Input::Received { from: contact(FRONT_END), traced: false, message }, &mut effects);
    }
    let rounds = (0..3).map(|_| {
        replica.settle(&mut effects);
        effects.drain().filter(|effect| matches!(effect, Effect::Send { message: Message::Reply { .. }, .. })).count()
    });
    let rounds: Vec<_> = rounds.collect();
    assert_eq!(rounds, [100, 50, 0], "ten thousand orders at once are enough");
}

// What is put off until its messages are on their way.

fn said(from: u64, message: Message) -> Input {
    Input::Received { from: contact(from), traced: false, message }
}

/// An order, and the word of a service.
fn placed_by(customer: u128) -> [Input; 2] {
    [said(FRONT_END, orders(customer)), valid(request(customer, 1))]
}

/// Inputs that a driver hands over in one go, and whether it says later that the messages are on their way.
fn round(replica: &mut Replica, inputs: &[Input], finishes: bool) -> Vec<Effect> {
    let mut effects = Effects::new(true);
    inputs.iter().for_each(|input| replica.handle(input.clone(), &mut effects));
    replica.settle(&mut effects);
    if finishes {
        replica.finish();
        assert!(!replica.has_put_off());
    }
    effects.drain().collect()
}

/// One replica finishes what it puts off, one never does until the end: nobody can tell them apart.
fn nobody_sees_what_is_put_off(mut finishes: Replica, rounds: &[Vec<Input>]) -> Vec<Effect> {
    let (mut never, mut all, mut put_off) = (finishes.clone(), Vec::new(), 0);
    for inputs in rounds {
        let effects = round(&mut finishes, inputs, true);
        assert_eq!(round(&mut never, inputs, false), effects);
        put_off += usize::from(never.has_put_off());
        all.extend(effects);
    }
    assert!(put_off > 0);
    never.finish();
    assert!(never == finishes);
    assert_eq!(never.describe(), finishes.describe());
    all
}

#[test]
fn nobody_sees_what_a_primary_puts_off() {
    let ack =
        |from, position, copy| said(from, Message::Ack { view: ViewNumber(1), position, barrier: Barrier(0), copy });
    let read = |customer| said(FRONT_END, asks(customer, 1, read()));
    let bad = |customer| said(FRONT_END, asks(customer, 1, order_of(Vec::new())));
    let mut ahead = primary(&[BACKUP]);
    (1..=2).for_each(|customer| placed_by(customer).into_iter().for_each(|input| drop(give(&mut ahead, input))));
    let at = |op| ack(BACKUP, ahead.position_at(OpNumber(op)), None);
    let joiner = said(FRONT_END, view_is(view(1, ME, &[ME, BACKUP]), &[JOINER], &[BACKUP, JOINER]));
    let rounds = [
        placed_by(1).to_vec(),
        // Answered in the round in which the next one is executed, and seen by the read behind that.
        [vec![at(0), at(1)], placed_by(2).to_vec(), vec![read(21)]].concat(),
        [placed_by(3).to_vec(), placed_by(4).to_vec(), vec![bad(5), said(FRONT_END, orders(4))]].concat(),
        vec![said(FRONT_END, asks(1, 2, Ask::Withdraw)), at(2)],
        // A joiner is sent the state of this very round.
        [vec![joiner, ack(JOINER, None, None)], placed_by(6).to_vec()].concat(),
        [vec![ack(JOINER, None, nothing())], placed_by(7).to_vec()].concat(),
    ];
    let effects = nobody_sees_what_is_put_off(primary(&[BACKUP]), &rounds);
    let parts = each!(messages(&effects), Message::Snapshot(part) if part.piece.rest.is_some() => part.at.op);
    assert_eq!(parts, [OpNumber(8)]);
    let told = each!(messages(&effects), Message::Reply { answer: Answer::Outcome(_), id, .. } => id.customer.0);
    assert_eq!(told, [1, 2]);
}

#[test]
fn nobody_sees_what_a_backup_puts_off() {
    let me = Identity { me: contact(BACKUP), ..identity(Role::Replica) };
    let mut primary = Replica::new(me, Settings::default(), OrderBook::preset(1));
    let first = view(1, BACKUP, &[BACKUP, ME]);
    say(&mut primary, FRONT_END, view_is(first.clone(), &[], &[ME]));
    let state = parts(primary.book(), &first, primary.position().unwrap(), 10_000);
    let state = state.into_iter().map(|part| said(BACKUP, Message::Snapshot(Box::new(part))));
    let base = primary.position();
    acknowledges(&mut primary, ME, base, 0);
    // The update of these customers' orders.
    let mut update = |customers: &[u128]| {
        let inputs = customers.iter().flat_map(|customer| placed_by(*customer));
        let effects = round(&mut primary, &inputs.collect::<Vec<_>>(), true);
        let updates = each!(messages(&effects), Message::StateUpdate(update) => update.clone());
        assert_eq!(updates.iter().map(|update| update.entries.len()).collect::<Vec<_>>(), [customers.len()]);
        said(BACKUP, Message::StateUpdate(updates[0].clone()))
    };
    let [one, two, three, four] = [&[1][..], &[2], &[3, 4], &[5]].map(&mut update);
    let leads = said(FRONT_END, view_is(view(2, ME, &[BACKUP, ME]), &[], &[BACKUP]));
    let rounds = [
        state.collect(),
        vec![one.clone()],
        vec![two, one, three],
        [vec![four, leads], placed_by(6).to_vec()].concat(),
    ];
    let effects = nobody_sees_what_is_put_off(replica(), &rounds);
    let acks = each!(messages(&effects), Message::Ack { position: Some(position), .. } => position.op.0);
    assert_eq!(acks, [0, 1, 2, 2, 4, 5]);
}

// Orders that wait for a word about their postcode.

#[test]
fn orders_that_have_waited_too_long_are_rejected_in_the_same_heartbeat() {
    let limit = Some(Span::millis(1000));
    let mut replica = primary_with(Settings { refuse_unchecked_after: limit, ..Settings::default() }, &[]);
    (1..=2).for_each(|customer| drop(say(&mut replica, FRONT_END, orders(customer))));
    let beats: Vec<_> = (0..30).flat_map(|_| ring(&mut replica, Timer::Heartbeat)).collect();
    let told =
        each!(messages(&beats), Message::Reply { id, answer: Answer::Outcome(Outcome::Rejected { .. }), .. } => id);
    assert_eq!(told, [&request(1, 1), &request(2, 1)]);
}

#[test]
fn orders_that_have_waited_for_a_second_are_reported_in_whole_seconds() {
    let mut replica = primary(&[]);
    let beat = |replica: &mut Replica, times: u32| {
        (0..times).for_each(|_| drop(ring(replica, Timer::Heartbeat)));
        state(replica).unchecked
    };
    let waits = |orders, why, seconds: u64| Some(Unchecked { orders, why, waited: Span::millis(seconds * 1000) });
    say(&mut replica, FRONT_END, orders(1));
    assert_eq!(beat(&mut replica, 19), None);
    assert_eq!(beat(&mut replica, 1), waits(1, WaitReason::Asked, 1));
    say(&mut replica, FRONT_END, orders(2));
    give(&mut replica, checked(request(1, 1), Verdict::NobodyAnswers));
    assert_eq!(beat(&mut replica, 39), waits(2, WaitReason::NobodyAnswers, 2));
    assert_eq!(beat(&mut replica, 1), waits(2, WaitReason::NobodyAnswers, 3));
    give(&mut replica, valid(request(1, 1)));
    assert_eq!(state(&replica).unchecked, waits(1, WaitReason::Asked, 2));
}

#[test]
fn the_more_orders_nobody_can_tell_about_the_longer_their_turns_take() {
    let again = Settings::default().check_again_after;
    for (customers, turns) in [(1, 1), (255, 1), (256, 2), (600, 3)] {
        let mut replica = primary(&[]);
        (1..=customers).for_each(|customer| drop(say(&mut replica, FRONT_END, orders(customer))));
        let request = request(1, 1);
        let effects = give(&mut replica, checked(request, Verdict::NobodyAnswers));
        assert_eq!(timers(&effects), [(Timer::CheckAgain(request), again.times(turns))], "{customers}");
    }
}

#[test]
fn an_order_is_shown_to_its_end_once_it_was_sent_to_be_shown() {
    for (first, second) in [(false, false), (false, true), (true, false)] {
        let mut replica = primary(&[]);
        for traced in [first, second] {
            give(&mut replica, Input::Received { from: contact(FRONT_END), traced, message: orders(1) });
        }
        let effects = give(&mut replica, valid(request(1, 1)));
        let shown = each!(&effects, Effect::Send { traced, message: Message::Reply { .. }, .. } => *traced);
        assert_eq!(shown, [first || second]);
    }
}

/// R14: “expired” says that nothing is known of a request. An older request that arrives later and opens a session changes that.
#[test]
fn an_expired_request_may_find_the_session_of_an_older_one() {
    let mut replica = primary_with(Settings { most_sessions: 1, ..Settings::default() }, &[]);
    let asks = |number, since| Message::Request { id: request(1, number), since: OpNumber(since), ask: order() };
    let answers = |replica: &mut Replica, message| {
        let mut effects = say(replica, FRONT_END, message);
        effects.extend(
            each!(&effects, Effect::CheckPostcode { request, .. } => *request)
                .into_iter()
                .flat_map(|request| give(replica, valid(request))),
        );
        each!(effects, Effect::Send { message: Message::Reply { id, answer, .. }, .. } => (id.number.0, answer))
    };
    let placed = |number| Answer::Outcome(Outcome::Placed { number: OrderNumber(number) });
    for customer in [2, 3] {
        answers(&mut replica, orders(customer));
    }
    assert_eq!(answers(&mut replica, asks(6, 0)), [(6, Answer::Expired)]);
    assert_eq!(answers(&mut replica, asks(5, 2)), [(5, placed(3))]);
    assert_eq!(answers(&mut replica, asks(6, 0)), [(6, placed(4))]);
    assert_eq!(answers(&mut replica, asks(6, 0)), [(6, placed(4))], "once");
}
