//! What an order costs where no machine's speed matters: memory that stays, allocations, bytes between replicas, and how many
//! entries share an update under load.
//!
//! An allocator that counts is why this is a program of its own. It counts by thread, for tests run beside each other.
#![expect(unsafe_code, reason = "an allocator can only be written so; it hands everything on")]

mod single;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::VecDeque;

use protocol::codec;
use protocol::ids::{CustomerId, NodeId, OpNumber, OrderNumber, RequestId, RequestNumber, Role, Timestamp, ViewNumber};
use protocol::machine::{Effect, Effects, Identity, Input, Machine, Settings, Timer};
use protocol::menu::{Dish, menu};
use protocol::message::{Ask, Envelope, Message};
use protocol::order_book::{Entry, EntryEffect, OrderBook, Outcome};
use protocol::postcode::Postcode;
use protocol::replica::Replica;
use single::*;

const MIB: i64 = 1024 * 1024;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static HELD: Cell<i64> = const { Cell::new(0) };
}

struct Counting;

/// Growing counts as an allocation, too.
fn count(allocations: u64, bytes: i64) {
    // A thread that ends has no counters any more.
    let _ = ALLOCATIONS.try_with(|all| all.set(all.get() + allocations));
    let _ = HELD.try_with(|held| held.set(held.get() + bytes));
}

// SAFETY: the system's allocator does everything; the counters neither allocate nor unwind.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size() as i64);
        // SAFETY: the caller keeps the same promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(0, -(layout.size() as i64));
        // SAFETY: the caller keeps the same promises.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(1, size as i64 - layout.size() as i64);
        // SAFETY: the caller keeps the same promises.
        unsafe { System.realloc(place, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What `act` leaves allocated, in bytes, and how often it allocated.
fn counted<T>(act: impl FnOnce() -> T) -> (T, i64, u64) {
    let before = (HELD.get(), ALLOCATIONS.get());
    let done = act();
    (done, HELD.get() - before.0, ALLOCATIONS.get() - before.1)
}

/// As many dishes as make an order of about 100 bytes.
fn dishes() -> Vec<String> {
    let mut letters = 0;
    let wanted = |dish: &&Dish| {
        letters += dish.name.len();
        letters < 70
    };
    menu().iter().take_while(wanted).map(|dish| dish.name.to_owned()).collect()
}

#[expect(clippy::unwrap_used, reason = "a postcode of the right shape")]
fn postcode_of(n: u64) -> Postcode {
    format!("DH{} {}LE", n % 90 + 1, n / 90 % 10).parse().unwrap()
}

fn accepted(op: u64, customers: u64) -> Entry {
    let customer = CustomerId(u128::from((op % customers).wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 64);
    let (request, number) = (RequestId { customer, number: RequestNumber(op) }, OrderNumber(op));
    let effect = EntryEffect::Accepted {
        postcode: postcode_of(op),
        items: dishes(),
        number,
        at: Timestamp(1_800_000_000_000_000),
    };
    Entry { op: OpNumber(op), view: ViewNumber(1), request, effect, outcome: Outcome::Placed { number } }
}

#[test]
#[expect(clippy::print_stdout, reason = "the figure is what a reader of the run wants to know")]
fn a_million_orders_take_at_most_160_mib() {
    let (book, held, _) = counted(|| {
        let mut book = OrderBook::default();
        (1..=1_000_000).for_each(|op| book.apply(&accepted(op, 1000)));
        book
    });
    let each = book.bytes() / 1_000_000;
    println!("{} MiB for orders of {each} bytes", held / MIB);
    assert!((95..=110).contains(&each), "{each}");
    assert!(held <= 160 * MIB, "{} MiB", held / MIB);
}

/// Three replicas, and what is between them, encoded as on the network.
struct Trio {
    replicas: Vec<(u64, Replica)>,
    effects: Effects,
    given: VecDeque<(usize, Input)>,
    bytes: Vec<u8>,
    /// Messages between them, their bytes, and the most entries in one.
    sent: u64,
    sent_bytes: u64,
    entries: usize,
}

const REPLICAS: [u64; 3] = [11, 12, 13];

#[expect(clippy::unwrap_used, reason = "a test may fail by unwrap")]
impl Trio {
    fn new() -> Self {
        let replica = |id: u64| {
            let identity = Identity { me: contact(id), ..identity(Role::Replica) };
            (id, Replica::new(identity, Settings::default(), OrderBook::preset(1)))
        };
        let replicas = REPLICAS.map(replica).into();
        let mut trio = Self {
            replicas,
            effects: Effects::new(false),
            given: VecDeque::new(),
            bytes: Vec::new(),
            sent: 0,
            sent_bytes: 0,
            entries: 0,
        };
        for at in 0..REPLICAS.len() {
            let message = view_is(view(1, REPLICAS[0], &REPLICAS), &[], &REPLICAS);
            trio.given.push_back((at, Input::Received { from: contact(FRONT_END), traced: false, message }));
        }
        trio.run();
        trio.beat();
        trio
    }

    fn primary(&self) -> &Replica {
        &self.replicas[0].1
    }

    /// A heartbeat of the primary, and all that follows.
    fn beat(&mut self) {
        self.given.push_back((0, Input::Rang(Timer::Heartbeat)));
        self.run();
    }

    /// All that waits is handled, a round of each replica after the other, as often as there is something.
    fn run(&mut self) {
        while !self.given.is_empty() {
            for at in 0..self.replicas.len() {
                self.round(at);
            }
        }
    }

    fn round(&mut self, at: usize) {
        for _ in 0..self.given.len() {
            let Some((to, input)) = self.given.pop_front() else { break };
            match to == at {
                true => self.replicas[at].1.handle(input, &mut self.effects),
                false => self.given.push_back((to, input)),
            }
        }
        self.carry_out(at);
        self.replicas[at].1.settle(&mut self.effects);
        self.carry_out(at);
        self.replicas[at].1.finish();
    }

    fn carry_out(&mut self, at: usize) {
        let from = contact(self.replicas[at].0);
        for effect in self.effects.drain() {
            match effect {
                Effect::Send { to, traced, message } => {
                    let Some(receiver) = REPLICAS.iter().position(|id| NodeId(*id) == to.id) else { continue };
                    if let Message::StateUpdate(update) = &message {
                        self.entries = self.entries.max(update.entries.len());
                    }
                    let envelope = Envelope { from: from.id, number: 1, to: to.id, traced, message };
                    self.bytes.clear();
                    codec::encode(&envelope, &mut self.bytes).unwrap();
                    self.sent += 1;
                    self.sent_bytes += self.bytes.len() as u64;
                    let Envelope { message, .. } = codec::decode(&self.bytes).unwrap();
                    self.given.push_back((receiver, Input::Received { from, traced, message }));
                }
                Effect::CheckPostcode { request, .. } => self.given.push_back((at, valid(request))),
                _ => {}
            }
        }
    }

    /// Each of `customers` orders `times` times, all of them at once each time.
    fn order(&mut self, customers: u64, times: u64) -> Costs {
        let mut costs = Costs::default();
        let before = (self.sent, self.sent_bytes);
        self.entries = 0;
        for _ in 0..times {
            let (since, first) = (self.primary().position().unwrap().op, self.primary().book().accepted().0);
            for customer in 1..=customers {
                let id = request(customer.into(), first + 1);
                let ask = Ask::Order { postcode: postcode_of(customer), items: dishes() };
                let message = Message::Request { id, since, ask };
                self.given.push_back((0, Input::Received { from: contact(FRONT_END), traced: false, message }));
            }
            costs.allocations += counted(|| self.run()).2;
            costs.orders += self.primary().book().accepted().0 - first;
        }
        assert_eq!(costs.orders, customers * times);
        (costs.messages, costs.bytes) = (self.sent - before.0, self.sent_bytes - before.1);
        costs
    }
}

#[derive(Default)]
struct Costs {
    orders: u64,
    allocations: u64,
    messages: u64,
    bytes: u64,
}

/// What allocates, and why: a backup takes an order out of the bytes it came in (a list, each dish, and the entry that its log and
/// its answer share), twice; the primary makes an entry of a request. The rest belongs to a message, and many orders share it.
#[test]
#[expect(clippy::print_stdout, reason = "the figure is what a reader of the run wants to know")]
fn an_order_allocates_little_on_its_way_through_three_replicas_and_many_share_their_messages() {
    for (customers, allocations, messages, bytes) in
        [(1, 29.0, 4.0, 290), (16, 19.0, 0.25, 195), (256, 18.5, 0.016, 195)]
    {
        let mut trio = Trio::new();
        trio.order(customers, 300);
        let costs = trio.order(customers, 100);
        let each = |count: u64| count as f64 / costs.orders as f64;
        println!(
            "{customers} customers, of each order: {:.1} allocations, {:.2} messages, {:.0} bytes; {} entries in one update",
            each(costs.allocations),
            each(costs.messages),
            each(costs.bytes),
            trio.entries
        );
        assert!(each(costs.allocations) <= allocations, "{}", each(costs.allocations));
        assert!(each(costs.messages) <= messages, "{}", each(costs.messages));
        assert!(costs.bytes <= bytes * costs.orders, "{}", each(costs.bytes));
        assert_eq!(trio.entries as u64, customers, "all that was asked at once is one update");
    }
}
