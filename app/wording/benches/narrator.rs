//! What the narrator costs while much flows: 100 000 messages in a second, each sent and delivered, and a look at what is to be
//! told sixty times a second. `cargo bench -p just-hungry-wording --bench narrator` prints the share of one processor.
#![expect(clippy::print_stdout, reason = "its output is the figure")]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot be made must fail")]

use std::time::{Duration, Instant};

use protocol::ids::{
    Contact, CustomerId, MessageId, NodeId, OpNumber, OrderNumber, RequestId, RequestNumber, Role, View, ViewNumber,
};
use protocol::message::{Answer, Ask, Step, Summary};
use protocol::order_book::Outcome;
use protocol::trace::{
    Actor, LauncherEvent, MachineEvent, MessageFacts, NodeEvent, Note, Standing, Started, TraceEvent, TraceRecord,
};
use wording::narrator::Narrator;

const MESSAGES: u64 = 100_000;
const SECOND: u64 = 1_000_000;
/// Seconds of cluster time that are measured.
const SECONDS: u64 = 5;
const FRAME: u64 = SECOND / 60;

const CUSTOMER: NodeId = NodeId(90);
const FRONT_END: NodeId = NodeId(50);
const PRIMARY: NodeId = NodeId(1);
const BACKUPS: [NodeId; 2] = [NodeId(2), NodeId(3)];

/// Facts in the order of their time.
#[derive(Default)]
struct Facts {
    all: Vec<TraceRecord>,
    messages: u64,
}

impl Facts {
    fn note(&mut self, node: NodeId, at: u64, event: impl Into<TraceEvent>) {
        self.all.push(TraceRecord { node, at, event: event.into() });
    }

    fn message(&mut self, from: NodeId, to: NodeId, step: u8, summary: Summary, request: RequestId, at: u64) {
        self.messages += 1;
        let message = MessageId { from, number: self.messages };
        let (step, request, fields) = (Some(Step(step)), Some(request), Vec::new());
        let facts = MessageFacts { step, summary, request, fields, delay: 0, held: false };
        self.note(from, at, NodeEvent::Sent { message, to, facts });
        self.note(to, at + 1, NodeEvent::Delivered { message, refused: None });
    }

    fn start(&mut self) {
        let replicas = [(PRIMARY, "replica-1"), (BACKUPS[0], "replica-2"), (BACKUPS[1], "replica-3")];
        let replicas = replicas.map(|(id, name)| (id, name, Role::Replica));
        for (id, name, role) in replicas.into_iter().chain([(FRONT_END, "front-end", Role::FrontEnd)]) {
            let contact = Contact { id, address: "127.0.0.1:4000".parse().unwrap() };
            let started = Started { name: name.into(), actor: Actor::Role(role), pid: 7, contact };
            self.note(id, 1, LauncherEvent::Started(started));
        }
        let view = View::new(ViewNumber(1), PRIMARY, [&[PRIMARY][..], &BACKUPS].concat());
        self.note(PRIMARY, 2, MachineEvent::Became { standing: Standing::Primary, view });
    }

    /// One order from its customer and back: eight messages with a number.
    fn order(&mut self, number: u64, at: u64) {
        let customer = CustomerId(u128::from(number % 1000));
        let request = RequestId { customer, number: RequestNumber(number) };
        let postcode = "NE1 7RU".parse().unwrap();
        let (op, placed) = (OpNumber(number), Summary::Placed(OrderNumber(number)));
        let ask = Ask::Order { postcode, items: vec!["Pad thai".into()] };
        self.note(CUSTOMER, at, NodeEvent::Asked { customer, request, ask });
        self.message(CUSTOMER, FRONT_END, 9, Summary::Order(postcode), request, at);
        self.message(FRONT_END, PRIMARY, 10, Summary::Order(postcode), request, at + 2);
        self.note(PRIMARY, at + 4, MachineEvent::Noted(Note::Executed { request, op, outcome: placed.clone() }));
        BACKUPS.into_iter().for_each(|to| self.message(PRIMARY, to, 5, Summary::Update(op, op), request, at + 4));
        BACKUPS.into_iter().for_each(|from| self.message(from, PRIMARY, 6, Summary::Ack(op), request, at + 6));
        self.note(PRIMARY, at + 8, MachineEvent::Committed { op });
        self.message(PRIMARY, FRONT_END, 13, placed.clone(), request, at + 8);
        self.message(FRONT_END, CUSTOMER, 14, placed, request, at + 10);
        let answer = Answer::Outcome(Outcome::Placed { number: OrderNumber(number) });
        self.note(CUSTOMER, at + 12, NodeEvent::Answered { request, answer, took: 12 });
    }
}

fn main() {
    let mut facts = Facts::default();
    facts.start();
    let orders = MESSAGES * SECONDS / 8;
    let begins = SECOND;
    (1..=orders).for_each(|number| facts.order(number, begins + number * SECONDS * SECOND / orders));
    let mut narrator = Narrator::default();
    let (mut looks, mut longest, mut sentences) = (begins, Duration::ZERO, 0);
    let mut in_frame = Duration::ZERO;
    let begun = Instant::now();
    for fact in &facts.all {
        while fact.at >= looks {
            let look = Instant::now();
            sentences += narrator.tell(looks).len();
            longest = longest.max(look.elapsed() + std::mem::take(&mut in_frame));
            looks += FRAME;
        }
        let heard = Instant::now();
        narrator.hear(fact);
        in_frame += heard.elapsed();
    }
    sentences += narrator.tell_the_rest().len();
    let took = begun.elapsed().as_secs_f64();
    let (messages, number) = (facts.messages, facts.all.len());
    println!(
        "{messages} messages, {number} facts of {SECONDS} s: told in {took:.2} s, {:.2} µs a message, {:.0} % of one processor; {sentences} sentences; at most {:.2} ms for a frame",
        took * 1e6 / messages as f64,
        took * 100.0 / SECONDS as f64,
        longest.as_secs_f64() * 1e3
    );
    assert!(took < SECONDS as f64, "it does not keep up");
}
