//! A long lecture told as entries of a tape: orders and reads, a failover now and then. For tests and measurements of the
//! tape; no cluster runs.
#![expect(clippy::unwrap_used, reason = "a lecture that cannot be told must fail whoever wants it")]

use knowledge::tape::Entry;
use knowledge::user_command::UserCommand;
use protocol::ids::{
    Contact, CustomerId, Fingerprint, MessageId, NodeId, OpNumber, OrderNumber, Position, RequestId, RequestNumber,
    Role, View, ViewNumber,
};
use protocol::message::{Answer, Ask, Step, Summary};
use protocol::order_book::{HistoryPage, Order, OrderId, Outcome};
use protocol::postcode::{Postcode, PostcodeService, Verdict};
use protocol::trace::{
    Actor, Ending, LauncherEvent, MachineEvent, MessageFacts, NodeEvent, NodeState, ReplicaState, Standing, Started,
    TraceEvent, TraceRecord,
};

const FRONT_END: NodeId = NodeId(2_000_000_000_000_002);
const SERVICE: NodeId = NodeId(3_000_000_000_000_003);
/// A failover after each group of this many orders.
const LIFETIME: u64 = 400;
/// Orders to a postcode before the next one is used.
const PER_POSTCODE: u64 = 40;

/// The primary and the backups when order `number` is placed.
fn replicas(number: u64) -> (NodeId, [NodeId; 2]) {
    let first = 5_000_000_000_000_000 + number / LIFETIME;
    (NodeId(first), [NodeId(first + 1), NodeId(first + 2)])
}

struct Telling {
    entries: Vec<Entry>,
    at: u64,
    sent: u64,
    messages: usize,
    book: Vec<Order>,
}

/// At least this many messages, with all that belongs to them.
pub fn lecture(messages: usize) -> Vec<Entry> {
    let mut narrator = Telling { entries: Vec::new(), at: 0, sent: 0, messages: 0, book: Vec::new() };
    narrator.begin();
    let mut number = 0;
    while narrator.messages < messages {
        number += 1;
        if number % LIFETIME == 0 {
            narrator.fail_over(number);
        }
        narrator.order(number);
        if number % 5 == 0 {
            narrator.read(number);
        }
        if number % PER_POSTCODE == 0 {
            narrator.book.clear();
        }
    }
    narrator.entries
}

fn postcode(number: u64) -> Postcode {
    let turn = (number - 1) / PER_POSTCODE;
    format!("M{} {}AE", turn / 9 % 90 + 1, turn % 9 + 1).parse().unwrap()
}

fn customer(number: u64) -> (NodeId, CustomerId) {
    let which = number % 3 + 1;
    (NodeId(7_000_000_000_000_000 + which), CustomerId((u128::from(which) << 96) + 0x1234_5678_9abc_def0))
}

impl Telling {
    fn fact(&mut self, node: NodeId, event: impl Into<TraceEvent>) {
        self.at += 150;
        self.entries.push(Entry::Fact(TraceRecord { node, at: self.at, event: event.into() }));
    }

    fn process(&mut self, id: NodeId, name: &str, actor: Actor) {
        let contact = Contact { id, address: "127.0.0.1:51842".parse().unwrap() };
        self.fact(id, LauncherEvent::Started(Started { name: name.into(), actor, pid: 41_500, contact }));
    }

    fn begin(&mut self) {
        self.process(FRONT_END, "front-end", Actor::Role(Role::FrontEnd));
        self.process(SERVICE, "postcodes.io", Actor::Service(PostcodeService::PostcodesIo));
        let (primary, backups) = replicas(0);
        for (name, id) in ["replica-1", "replica-2", "replica-3"].iter().zip([primary, backups[0], backups[1]]) {
            self.process(id, name, Actor::Role(Role::Replica));
        }
        for (number, name) in [(0, "Muriel"), (1, "Grace"), (2, "Alan")] {
            let (node, customer) = customer(number);
            self.process(node, name, Actor::Role(Role::Customer));
            let place = (55_950_000 - number as i32 * 1_000_000, -3_188_000);
            let name = name.to_owned();
            self.fact(node, LauncherEvent::CustomerIs { customer, name, postcode: postcode(1), place });
        }
        self.stand(1);
    }

    fn stand(&mut self, number: u64) {
        let (primary, backups) = replicas(number);
        let view = View::new(ViewNumber(number / LIFETIME + 1), primary, vec![primary, backups[0], backups[1]]);
        for id in [primary, backups[0], backups[1]] {
            let acting = id == primary;
            let state = ReplicaState {
                standing: if acting { Standing::Primary } else { Standing::Backup },
                view: view.clone(),
                acting,
                position: Some(Position {
                    op: OpNumber(number),
                    fingerprint: Fingerprint(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
                }),
                commit: OpNumber(number),
                ack_set: if acting { view.members.clone() } else { vec![] },
                orders: OrderNumber(number),
                postcodes: 23,
                sessions: 3,
                digest: Fingerprint(number.wrapping_mul(0x2545_f491_4f6c_dd1d)),
                ..ReplicaState::default()
            };
            self.fact(id, NodeEvent::State(NodeState::Replica(Box::new(state))));
        }
    }

    fn fail_over(&mut self, number: u64) {
        let (before, _) = replicas(number - 1);
        let (primary, backups) = replicas(number);
        let name = format!("replica-{}", (number / LIFETIME - 1) % 3 + 1);
        let command = UserCommand::Crash { node: name.clone() };
        self.entries.push(Entry::Command { at: self.at, command });
        self.fact(before, LauncherEvent::Ended { how: Ending::Crashed, words: "signal: 9 (SIGKILL)".into() });
        let view = View::new(ViewNumber(number / LIFETIME + 1), primary, backups.to_vec());
        self.at += 300_000;
        self.fact(primary, MachineEvent::Became { standing: Standing::Primary, view });
        self.process(backups[1], &name, Actor::Role(Role::Replica));
        self.stand(number);
    }

    fn message(&mut self, from: NodeId, to: NodeId, step: u8, summary: Summary, request: RequestId) {
        self.sent += 1;
        self.messages += 1;
        let message = MessageId { from, number: self.sent };
        let field = |name: &'static str, value: String| (name.into(), value.into());
        let fields = vec![
            field("view", "3".into()),
            field("from", format!("op {} (9f3c…e1)", self.sent)),
            field("request", request.to_string()),
            field("barrier", (self.sent * 3).to_string()),
        ];
        let facts =
            MessageFacts { step: Some(Step(step)), summary, request: Some(request), fields, delay: 0, held: false };
        self.fact(from, NodeEvent::Sent { message, to, facts });
        self.fact(to, NodeEvent::Delivered { message, refused: None });
    }

    fn order(&mut self, number: u64) {
        let (node, customer) = customer(number);
        let request = RequestId { customer, number: RequestNumber(number) };
        let (primary, backups) = replicas(number);
        let (postcode, items) = (postcode(number), vec!["Margherita pizza".to_owned(), "Garlic naan".to_owned()]);
        let ask = Ask::Order { postcode, items: items.clone() };
        self.fact(node, NodeEvent::Asked { customer, request, ask });
        self.message(node, FRONT_END, 9, Summary::Order(postcode), request);
        self.message(FRONT_END, primary, 10, Summary::Order(postcode), request);
        let (message, service) = (MessageId { from: primary, number: self.sent + 1 }, PostcodeService::PostcodesIo);
        self.fact(primary, NodeEvent::PostcodeAsked { message, to: SERVICE, service, postcode, request });
        self.message(primary, SERVICE, 11, Summary::DoesExist(postcode), request);
        self.message(SERVICE, primary, 12, Summary::Exists, request);
        let verdict = Verdict::Valid { place: Some("Manchester".into()), by: service };
        self.fact(primary, NodeEvent::PostcodeAnswered { message, from: SERVICE, verdict, took: 900 });
        for backup in backups {
            self.message(primary, backup, 5, Summary::Update(OpNumber(number), OpNumber(number)), request);
            self.message(backup, primary, 6, Summary::Ack(OpNumber(number)), request);
        }
        self.fact(primary, MachineEvent::Committed { op: OpNumber(number) });
        self.message(primary, FRONT_END, 13, Summary::Placed(OrderNumber(number)), request);
        self.message(FRONT_END, node, 14, Summary::Placed(OrderNumber(number)), request);
        let number = OrderNumber(number);
        self.book.push(Order { id: OrderId::Placed(request), number: Some(number), items, at: Default::default() });
        let answer = Answer::Outcome(Outcome::Placed { number });
        self.fact(node, NodeEvent::Answered { request, answer, took: 2_400 });
        self.stand(number.0);
    }

    fn read(&mut self, order: u64) {
        let (node, customer) = customer(order);
        let request = RequestId { customer, number: RequestNumber(1_000_000 + order) };
        let postcode = postcode(order);
        self.fact(node, NodeEvent::Asked { customer, request, ask: Ask::History { postcode, page: 0 } });
        self.message(node, FRONT_END, 9, Summary::History(postcode), request);
        self.message(FRONT_END, node, 14, Summary::Orders(self.book.len() as u64), request);
        let orders = self.book.clone();
        let answer = Answer::History(HistoryPage { postcode, page: 0, total: orders.len() as u64, orders });
        self.fact(node, NodeEvent::Answered { request, answer, took: 800 });
    }
}
