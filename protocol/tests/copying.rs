//! A whole state on its way from a primary to a replica that needs it, while customers go on ordering.
//!
//! Two machines and the messages between them. Whole clusters that lose such messages are in `random_schedules.rs`.

mod single;

use std::collections::VecDeque;

use protocol::ids::{NodeId, OpNumber, Timestamp, View, ViewNumber};
use protocol::machine::{Effect, Effects, Input, Machine, Settings, Timer};
use protocol::message::{Message, SnapshotPart};
use protocol::order_book::{Entry, EntryEffect, OrderBook, Outcome, PAGE, Sweep};
use protocol::postcode::Postcode;
use protocol::random::Random;
use protocol::replica::Replica;
use single::*;

const PRIMARY: u64 = ME;

fn settings(sessions: u32) -> Settings {
    Settings { most_sessions: sessions, snapshot_part: 2000, ..Settings::default() }
}

fn replica(id: u64, sessions: u32) -> Replica {
    let identity = protocol::machine::Identity { me: contact(id), ..identity(protocol::ids::Role::Replica) };
    Replica::new(identity, settings(sessions), OrderBook::preset(1).with_room_for(sessions))
}

/// A replica that leads this view alone.
fn primary(id: u64, number: u64, sessions: u32) -> Replica {
    let mut primary = replica(id, sessions);
    leads(&mut primary, id, number);
    primary
}

fn leads(replica: &mut Replica, id: u64, number: u64) -> Vec<Effect> {
    let effects = say(replica, FRONT_END, view_is(view(number, id, &[id]), &[JOINER], &[JOINER]));
    assert!(replica.acting());
    effects
}

#[expect(clippy::unwrap_used, reason = "a postcode of the right shape")]
fn durham(n: u64) -> Postcode {
    format!("DH{} 3LE", n % 9 + 1).parse().unwrap()
}

/// Customer `n` asks for the `number`th time: every third withdraws, the others order.
fn order(primary: &mut Replica, customer: u64, number: u64) -> Vec<Effect> {
    let ask = match customer % 3 {
        0 => protocol::message::Ask::Withdraw,
        _ => protocol::message::Ask::Order { postcode: durham(customer), items: vec!["Pad thai".into()] },
    };
    // Its stamp is the newest there is: nobody's session counts as lost.
    let since = primary.position().map_or(OpNumber(0), |here| here.op);
    let id = request(customer.into(), number);
    let mut effects = say(primary, FRONT_END, Message::Request { id, since, ask });
    effects.extend(give(primary, valid(id)));
    effects
}

/// What is between two machines: messages to the joiner, and its answers.
#[derive(Default)]
struct Between {
    there: VecDeque<Message>,
    back: VecDeque<Message>,
    /// Parts that were sent, and bytes in them.
    parts: u64,
    bytes: u64,
    /// The most parts, sessions and orders that one input made.
    longest: (usize, usize),
    /// Messages overtake one another.
    shuffle: Option<Random>,
}

/// The first, or any one.
fn take_one(messages: &mut VecDeque<Message>, shuffle: &mut Option<Random>) -> Option<Message> {
    let place = shuffle.as_mut().filter(|_| !messages.is_empty()).map_or(0, |it| it.below(messages.len() as u64));
    messages.swap_remove_front(place as usize)
}

impl Between {
    fn take(&mut self, effects: Vec<Effect>) {
        let to_joiner = each!(effects, Effect::Send { to, message, .. } if to.id == NodeId(JOINER) => message);
        let parts: Vec<&SnapshotPart> = each!(&to_joiner, Message::Snapshot(part) => &**part);
        let entries = parts.iter().map(|part| part.piece.ends.len() + part.piece.sessions.len()).sum();
        self.longest = (self.longest.0.max(parts.len()), self.longest.1.max(entries));
        self.parts += parts.len() as u64;
        self.bytes += parts.iter().map(|part| part.piece.bytes()).sum::<u64>();
        self.there.extend(to_joiner);
    }

    /// One message each way; `lost` says which of them get lost.
    fn step(&mut self, primary: &mut Replica, id: u64, joiner: &mut Replica, mut lost: impl FnMut() -> bool) {
        if let Some(message) = take_one(&mut self.there, &mut self.shuffle).filter(|_| !lost()) {
            let answers = say(joiner, id, message);
            self.back.extend(each!(answers, Effect::Send { to, message, .. } if to.id == NodeId(id) => message));
        }
        if let Some(message) = take_one(&mut self.back, &mut self.shuffle).filter(|_| !lost()) {
            self.take(say(primary, JOINER, message));
        }
    }
}

/// Until the joiner stands where the primary stands: how many steps.
fn until_in_step(
    between: &mut Between,
    (primary, id): (&mut Replica, u64),
    joiner: &mut Replica,
    mut meanwhile: impl FnMut(u64, &mut Replica) -> Vec<Effect>,
    mut lost: impl FnMut() -> bool,
) -> u64 {
    for step in 0..100_000 {
        if joiner.position().is_some() && joiner.position() == primary.position() {
            return step;
        }
        let effects = meanwhile(step, primary);
        between.take(effects);
        between.step(primary, id, joiner, &mut lost);
        if between.there.is_empty() && between.back.is_empty() {
            between.take(give(primary, Input::Rang(Timer::Heartbeat)));
        }
    }
    panic!("{:?} never reached {:?}", joiner.position(), primary.position());
}

fn assert_same(one: &Replica, other: &Replica) {
    assert_eq!((one.position(), one.book().digest()), (other.position(), other.book().digest()));
    assert!(one.book() == other.book());
    assert!(one.book().histories().eq(other.book().histories()));
    let pages = |replica: &Replica| (0..9).map(|n| replica.book().history(durham(n), 0)).collect::<Vec<_>>();
    assert!(pages(one) == pages(other));
    assert!(pages(one).iter().any(|page| page.orders.len() == PAGE), "there is much to copy");
}

/// A number for each call, as random as needed.
fn dice(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut random = Random::new(seed);
    move |sides| random.below(sides)
}

#[test]
fn a_state_arrives_whole_while_it_changes_whatever_is_evicted_or_lost_meanwhile() {
    let cases = [(1_000_000, 0), (1_000_000, 10), (300, 0), (300, 10), (7, 5)];
    for (sessions, loss, shuffled) in
        cases.into_iter().flat_map(|(room, loss)| [(room, loss, false), (room, loss, true)])
    {
        let mut primary = primary(PRIMARY, 1, sessions);
        (0..2000).for_each(|n| drop(order(&mut primary, n, 1)));
        let mut joiner = replica(JOINER, 1);
        let (mut who, mut chance) = (dice(sessions.into()), dice(loss));
        let mut between = Between { shuffle: shuffled.then(|| Random::new(9)), ..Between::default() };
        let mut asked = vec![1; 3000];
        let meanwhile = |step: u64, primary: &mut Replica| {
            // Old customers come again, and new ones.
            let customer = who(3000);
            asked[customer as usize] += 1;
            if step.is_multiple_of(2) { order(primary, customer, asked[customer as usize]) } else { Vec::new() }
        };
        let lost = || loss > 0 && chance(loss) == 0;
        until_in_step(&mut between, (&mut primary, PRIMARY), &mut joiner, meanwhile, lost);
        assert_same(&primary, &joiner);
        assert!(between.parts > 20, "{} parts", between.parts);
        // R14: whom the copy remembers, and whom not, shows in what it evicts next.
        for book in [&primary, &joiner].map(|replica| replica.book()) {
            assert_eq!((book.sessions(), book.horizon()), (primary.book().sessions(), primary.book().horizon()));
        }
    }
}

#[test]
fn no_input_makes_more_than_two_parts() {
    let mut primary = primary(PRIMARY, 1, 1_000_000);
    (0..5000).for_each(|n| drop(order(&mut primary, n, 1)));
    let mut joiner = replica(JOINER, 1);
    let mut between = Between::default();
    until_in_step(&mut between, (&mut primary, PRIMARY), &mut joiner, |_, _| Vec::new(), || false);
    assert_same(&primary, &joiner);
    let (parts, entries) = between.longest;
    assert_eq!(parts, 2);
    assert!(entries <= 2 * 2000 / 20, "{entries} orders and sessions");
    assert!(between.bytes <= primary.book().bytes() * 11 / 10, "{} bytes are sent twice", between.bytes);
}

/// A newcomer must not take much more than half from the customers.
#[test]
fn orders_pay_for_parts_and_so_do_heartbeats() {
    let mut primary = primary(PRIMARY, 1, 1_000_000);
    (0..30_000).for_each(|n| drop(order(&mut primary, n, 1)));
    let mut joiner = replica(JOINER, 1);
    let mut between = Between::default();
    let mut parts_after = |effects: Vec<Effect>, primary: &mut Replica| {
        let before = between.parts;
        between.take(effects);
        while !between.there.is_empty() || !between.back.is_empty() {
            between.step(primary, PRIMARY, &mut joiner, || false);
        }
        between.parts - before
    };
    let beats = |primary: &mut Replica| give(primary, Input::Rang(Timer::Heartbeat));
    // Until the joiner has said what it has. The first question was lost.
    let mut before = 40_000;
    while {
        let mut effects = order(&mut primary, before, 1);
        effects.extend(beats(&mut primary));
        before += 1;
        parts_after(effects, &mut primary) < 16
    } {}
    let price = u64::from(Settings::default().orders_a_part);
    let mut by_orders = 0;
    for n in 0..10 * price {
        let effects = order(&mut primary, 50_000 + n, 1);
        by_orders += parts_after(effects, &mut primary);
    }
    assert!((9..=10).contains(&by_orders), "{by_orders} parts");
    let mut by_heartbeats = 0;
    for n in 0..10 {
        let effects = order(&mut primary, 60_000 + n, 1);
        assert!(parts_after(effects, &mut primary) <= 1);
        let effects = beats(&mut primary);
        by_heartbeats += parts_after(effects, &mut primary);
    }
    assert_eq!(by_heartbeats, 160, "what was not used is not saved up");
    // There was an order before the first of them, and none before the second.
    let effects = beats(&mut primary);
    let all_the_rest = parts_after(effects, &mut primary);
    assert!(all_the_rest > 100, "{all_the_rest} parts");
    assert_same(&primary, &joiner);
}

/// The next primary has the same history. So what came from the first need not come again, not even its sessions.
#[test]
fn a_copy_that_one_primary_began_is_completed_by_the_next() {
    for uncommitted in [0, 1] {
        let mut first = primary(PRIMARY, 1, 1_000_000);
        let mut second = primary(BACKUP, 1, 1_000_000);
        for n in 0..2000 {
            order(&mut first, n, 1);
            order(&mut second, n, 1);
        }
        // The second one lacks what the first had not told it yet.
        (0..uncommitted).for_each(|n| drop(order(&mut first, n, 2)));
        let mut joiner = replica(JOINER, 1);
        let mut between = Between::default();
        for _ in 0..1000 {
            let [orders, all] = [&joiner, &first].map(|replica| match replica.describe() {
                protocol::trace::NodeState::Replica(state) => state.loading.map_or(0, |(bytes, _)| bytes),
                _ => 0,
            });
            if orders > first.book().bytes() * 4 / 5 {
                break;
            }
            assert_eq!(all, 0);
            if between.there.is_empty() && between.back.is_empty() {
                between.take(give(&mut first, Input::Rang(Timer::Heartbeat)));
            }
            between.step(&mut first, PRIMARY, &mut joiner, || false);
        }
        let mut between = Between::default();
        between.take(leads(&mut second, BACKUP, 2));
        until_in_step(&mut between, (&mut second, BACKUP), &mut joiner, |_, _| Vec::new(), || false);
        assert_same(&second, &joiner);
        let share = between.bytes * 100 / second.book().bytes();
        let most = if uncommitted == 0 { 25 } else { 75 };
        assert!((1..most).contains(&share), "{share} % of the state with {uncommitted} uncommitted");
    }
}

/// It was away for longer than the primary keeps entries.
#[test]
fn a_replica_that_was_away_gets_only_the_orders_that_it_lacks() {
    let mut first = primary(PRIMARY, 1, 10);
    (0..20_000).for_each(|n| drop(order(&mut first, n % 900, n)));
    let mut joiner = replica(JOINER, 1);
    let mut between = Between::default();
    until_in_step(&mut between, (&mut first, PRIMARY), &mut joiner, |_, _| Vec::new(), || false);
    let whole = between.bytes;
    // Left out, it is waited for no more.
    say(&mut first, FRONT_END, view_is(view(2, PRIMARY, &[PRIMARY]), &[], &[]));
    (20_000..120_000).for_each(|n| drop(order(&mut first, n % 900, n)));
    assert_eq!(first.position_at(joiner.position().unwrap().op), None, "its entries are not kept any more");
    let before = first.book().bytes();
    let mut between = Between::default();
    between.take(leads(&mut first, PRIMARY, 3));
    until_in_step(&mut between, (&mut first, PRIMARY), &mut joiner, |_, _| Vec::new(), || false);
    assert_same(&first, &joiner);
    assert!(between.bytes < before - whole + before / 100, "{} of {before} bytes, {whole} were there", between.bytes);
}

/// What only it held is gone afterwards; what both hold is not sent again.
#[test]
fn a_replica_with_another_end_of_the_history_keeps_the_beginning() {
    let mut first = primary(PRIMARY, 1, 1_000_000);
    let mut other = primary(JOINER, 1, 1_000_000);
    for n in 0..3000 {
        order(&mut first, n, 1);
        order(&mut other, n, 1);
    }
    (3000..3010).for_each(|n| drop(order(&mut first, n, 1)));
    (4000..4050).for_each(|n| drop(order(&mut other, n, 1)));
    let mut between = Between::default();
    between.take(leads(&mut first, PRIMARY, 2));
    until_in_step(&mut between, (&mut first, PRIMARY), &mut other, |_, _| Vec::new(), || false);
    assert_same(&first, &other);
    let sessions = first.book().sessions() as u64 * 32;
    assert!(between.bytes < sessions + 20_000, "{} bytes", between.bytes);
}

/// Rule R6: the parts of two states are never mixed.
#[test]
fn parts_that_continue_nothing_change_nothing() {
    let (mut first, mut second) = (primary(PRIMARY, 1, 1_000_000), primary(BACKUP, 1, 1_000_000));
    (0..1000).for_each(|n| drop(order(&mut first, n, 1)));
    (1000..3000).for_each(|n| drop(order(&mut second, n, 1)));
    let of = |replica: &Replica, number: u64, id: u64| -> Vec<Message> {
        let parts = parts(replica.book(), &view(number, id, &[id]), replica.position().unwrap(), 2000);
        parts.into_iter().map(|part| Message::Snapshot(Box::new(part))).collect()
    };
    let (old, new) = (of(&first, 1, PRIMARY), of(&second, 2, BACKUP));
    let mut joiner = replica(JOINER, 1);
    for (n, part) in new.iter().enumerate() {
        // All that the first primary ever sent comes late and again, and so do the second one's later and earlier parts.
        let noise = old.iter().map(|part| (PRIMARY, part)).chain(new.iter().rev().map(|part| (BACKUP, part)));
        for (from, noise) in noise.filter(|(_, noise)| *noise != part) {
            if !matches!((n, noise), (_, Message::Snapshot(it)) if it.piece.from.orders == 0 && n == 0) {
                say(&mut joiner, from, noise.clone());
            }
        }
        say(&mut joiner, BACKUP, part.clone());
        if joiner.position().is_some() {
            assert_same(&second, &joiner);
        }
    }
    assert_same(&second, &joiner);
}

/// A hundred thousand orders are no reason to stop: how much one round looks at does not grow with the state.
#[test]
fn a_piece_is_made_of_what_it_holds() {
    let mut book = OrderBook::preset(1);
    let mut number = protocol::ids::OrderNumber(0);
    for n in 1..=100_000_u64 {
        number = number.next();
        let effect =
            EntryEffect::Accepted { postcode: durham(n), items: vec!["Pad thai".into()], number, at: Timestamp(n) };
        let outcome = Outcome::Placed { number };
        let (op, request) = (OpNumber(n), request(n.into(), 1));
        book.apply(&Entry { op, view: ViewNumber(1), request, effect, outcome });
    }
    let at = protocol::ids::Position { op: OpNumber(100_000), fingerprint: protocol::ids::Fingerprint(1) };
    let parts = parts(&book, &View::default(), at, 64 * 1024);
    let bytes: u64 = parts.iter().map(|part| part.piece.bytes()).sum();
    assert_eq!(bytes, book.bytes());
    assert!(parts.iter().all(|part| part.piece.bytes() <= 64 * 1024));
    assert!(parts.len() as u64 <= bytes / (60 * 1024) + 2, "{} parts", parts.len());
    let mut effects = Effects::new(true);
    let mut joiner = replica(JOINER, 1);
    for part in parts {
        let message = Message::Snapshot(Box::new(SnapshotPart { view: view(1, PRIMARY, &[PRIMARY]), ..part }));
        joiner.handle(Input::Received { from: contact(PRIMARY), traced: false, message }, &mut effects);
    }
    assert_eq!(joiner.position(), Some(at));
    assert!(joiner.book() == &book);
}

/// Ann's session is made again after the last part was made: it is not in that part, and not in a first part made later.
#[test]
fn a_part_that_is_older_than_the_one_before_it_is_not_taken() {
    let withdraws = |op: u64, customer: u128, number: u64| Entry {
        op: OpNumber(op),
        view: ViewNumber(1),
        request: request(customer, number),
        effect: EntryEffect::Withdrawn,
        outcome: Outcome::NeverPlaced,
    };
    let mut book = OrderBook::default();
    let mut at = book.as_base();
    let mut apply = |book: &mut OrderBook, entry: Entry| {
        book.apply(&entry);
        at = at.after(&entry);
        at
    };
    let then = (1..=20).map(|op| apply(&mut book, withdraws(op, op.into(), 1))).last().unwrap();
    let of = view(1, PRIMARY, &[PRIMARY]);
    let old = parts(&book, &of, then, 200);
    let now = apply(&mut book, withdraws(21, 2, 2));
    // One session less has room, so that both first parts end at the same entry.
    let first = parts(&book, &of, now, 160).remove(0);
    let behind = old.iter().position(|part| part.piece.from == first.piece.to).expect("they end at the same entry");
    let mut joiner = replica(JOINER, 1);
    let mut take = |part: &SnapshotPart| {
        say(&mut joiner, PRIMARY, Message::Snapshot(Box::new(part.clone())));
        joiner.position()
    };
    assert_eq!(take(&first), None);
    old[behind..].iter().for_each(|part| assert_eq!(take(part), None, "{:?}", part.piece.to));
    let piece = book.piece(first.piece.to, 10_000, now.op, &mut Sweep::default());
    assert_eq!(take(&SnapshotPart { piece, ..first }), Some(now));
    assert!(joiner.book() == &book);
}
