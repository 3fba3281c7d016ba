//! A fixed moment of a cluster, told as facts: a failover has just happened, a replica is joining, and Grace's order is on
//! its way. For tests, pictures and measurements; no cluster runs.
#![expect(clippy::unwrap_used, reason = "a scene that cannot be told must fail whoever wants it")]

pub mod steered;

use knowledge::tape::Entry;
use protocol::ids::{
    Contact, CustomerId, Fingerprint, FrontEndToken, MessageId, NodeId, OpNumber, OrderNumber, Position, RequestId,
    RequestNumber, Role, View, ViewNumber,
};
use protocol::message::{Answer, Ask, Step, Summary};
use protocol::order_book::{HistoryPage, Order, OrderId, Outcome};
use protocol::postcode::{Postcode, PostcodeService, Verdict};
use protocol::trace::{
    Actor, Ending, LauncherEvent, MachineEvent, MessageFacts, NodeEvent, NodeState, ReplicaState, Standing, Started,
    TraceEvent, TraceRecord,
};
use window::Window;

pub const NAME_SERVER: NodeId = NodeId(1);
pub const FRONT_END: NodeId = NodeId(2);
pub const POSTCODES_IO: NodeId = NodeId(3);
pub const GET_THE_DATA: NodeId = NodeId(4);

/// The id of replica-1, replica-2 and so on.
pub fn replica(number: u64) -> NodeId {
    NodeId(10 + number)
}

/// The sending id of a customer, and its identity.
pub fn customer(number: u64) -> (NodeId, CustomerId) {
    (NodeId(100 + number), CustomerId(u128::from(number) << 96))
}

/// Facts, one after the other.
pub struct Scene {
    pub facts: Vec<TraceRecord>,
    messages: u64,
}

impl Scene {
    pub fn new() -> Self {
        Self { facts: Vec::new(), messages: 0 }
    }

    /// Tells a window all of it; then it is `now`.
    pub fn tell(&self, window: &mut Window, now: u64) {
        for fact in &self.facts {
            window.take_in(Entry::Fact(fact.clone()));
        }
        window.picture.set_now(now);
    }

    pub fn fact(&mut self, node: NodeId, at: u64, event: impl Into<TraceEvent>) {
        self.facts.push(TraceRecord { node, at, event: event.into() });
    }

    pub fn process(&mut self, name: &str, id: NodeId, actor: Actor, at: u64) {
        let address = format!("127.0.0.1:{}", 51_800 + id.0).parse().unwrap();
        let pid = 41_500 + id.0 as u32;
        let started = Started { name: name.into(), actor, pid, contact: Contact { id, address } };
        self.fact(id, at, LauncherEvent::Started(started));
    }

    /// A message that arrived, or (without `end`) is on its way for a second.
    pub fn message(&mut self, from: NodeId, to: NodeId, step: u8, summary: Summary, sent: u64, end: Option<u64>) {
        self.messages += 1;
        let message = MessageId { from, number: self.messages };
        let step = (step > 0).then_some(Step(step));
        let facts = MessageFacts { step, summary, request: None, fields: Vec::new(), delay: 1_000_000, held: false };
        self.fact(from, sent, NodeEvent::Sent { message, to, facts });
        if let Some(end) = end {
            self.fact(to, end, NodeEvent::Delivered { message, refused: None });
        }
    }

    pub fn stands(&mut self, id: NodeId, at: u64, standing: Standing, view: &View, op: u64, commit: u64) {
        let acting = standing == Standing::Primary;
        let state = ReplicaState {
            standing,
            view: view.clone(),
            acting,
            position: (op > 0).then_some(Position { op: OpNumber(op), fingerprint: Fingerprint(op * 977) }),
            commit: OpNumber(commit),
            ack_set: if acting { view.members.clone() } else { vec![] },
            joiners: if acting { vec![(replica(4), 16, 25)] } else { vec![] },
            loading: (standing == Standing::Joining).then_some((16, 25)),
            orders: OrderNumber(op.min(18)),
            postcodes: 23,
            sessions: 3,
            digest: Fingerprint(0x9f3c_0000_0000_00e1 ^ (op << 20)),
            ..ReplicaState::default()
        };
        self.fact(id, at, NodeEvent::State(NodeState::Replica(Box::new(state))));
    }

    pub fn lives(&mut self, number: u64, name: &str, postcode: &str, place: (f64, f64)) {
        let (node, customer) = customer(number);
        self.process(name, node, Actor::Role(Role::Customer), 1_000 + number);
        let place = ((place.0 * 1e6) as i32, (place.1 * 1e6) as i32);
        let postcode = postcode.parse().unwrap();
        let event = TraceEvent::Launcher(LauncherEvent::CustomerIs { customer, name: name.into(), postcode, place });
        self.fact(node, 1_000 + number, event);
        let state = NodeState::Customer { front_end: Some(FRONT_END), waiting: None, why: None };
        self.fact(node, 1_010 + number, NodeEvent::State(state));
    }

    pub fn asks(&mut self, number: u64, request: u64, items: &[&str], postcode: &str, at: u64) -> RequestId {
        let (node, customer) = customer(number);
        let request = RequestId { customer, number: RequestNumber(request) };
        let items = items.iter().map(|item| (*item).to_owned()).collect();
        let ask = Ask::Order { postcode: postcode.parse().unwrap(), items };
        self.fact(node, at, NodeEvent::Asked { customer, request, ask });
        request
    }

    pub fn placed(&mut self, request: RequestId, order: u64, took: u64, at: u64) {
        let answer = Answer::Outcome(Outcome::Placed { number: OrderNumber(order) });
        let node = NodeId(100 + (request.customer.0 >> 96) as u64);
        self.fact(node, at, NodeEvent::Answered { request, answer, took });
    }
}

/// Name server, front-end, three replicas and both services, in view 1.
pub fn processes(scene: &mut Scene) {
    scene.process("name-server", NAME_SERVER, Actor::Role(Role::NameServer), 10);
    scene.process("front-end", FRONT_END, Actor::Role(Role::FrontEnd), 20);
    for number in 1..=3 {
        scene.process(&format!("replica-{number}"), replica(number), Actor::Role(Role::Replica), 20 + number);
    }
    scene.process("postcodes.io", POSTCODES_IO, Actor::Service(PostcodeService::PostcodesIo), 30);
    scene.process("getthedata.com", GET_THE_DATA, Actor::Service(PostcodeService::GetTheData), 31);
}

pub fn view(number: u64, primary: NodeId, members: &[NodeId]) -> View {
    View::new(ViewNumber(number), primary, members.to_vec())
}

pub fn postcode(text: &str) -> Postcode {
    text.parse().unwrap()
}

/// An update with this operation alone.
pub fn update(op: u64) -> Summary {
    Summary::Update(OpNumber(op), OpNumber(op))
}

fn beliefs(scene: &mut Scene, at: u64, view: &View, alive: Vec<NodeId>) {
    let token = FrontEndToken(1);
    let contact = |id: NodeId| Contact { id, address: format!("127.0.0.1:{}", 51_800 + id.0).parse().unwrap() };
    let mut names = vec![("front-end".to_owned(), Role::FrontEnd, contact(FRONT_END))];
    names.extend(alive.iter().map(|id| (format!("replica-{}", id.0 - 10), Role::Replica, contact(*id))));
    scene.fact(
        NAME_SERVER,
        at,
        NodeEvent::State(NodeState::NameServer { names, token, record: view.clone(), keeping: Default::default() }),
    );
    let state = NodeState::FrontEnd {
        token: Some(token),
        retired: false,
        view: view.clone(),
        alive,
        pending: 1,
        waits_for: None,
        suspicions: Vec::new(),
    };
    scene.fact(FRONT_END, at, NodeEvent::State(state));
}

/// The moment of the design's picture: 12.482 s into the run, one second a hop.
pub fn order_on_its_way() -> Scene {
    let mut scene = Scene::new();
    let s = &mut scene;
    processes(s);
    let first = view(2, replica(1), &[replica(1), replica(2), replica(3)]);
    s.stands(replica(1), 100, Standing::Primary, &first, 40, 40);
    s.lives(1, "Muriel", "EH1 1RE", (55.9500, -3.1880));
    s.lives(2, "Grace", "NE1 7RU", (54.9738, -1.6131));
    s.lives(3, "Alan", "M13 9PL", (53.4668, -2.2339));
    s.lives(4, "Tim", "WC2N 5DU", (51.5081, -0.1248));
    for (number, items) in [(1, ["Chicken korma", "Garlic naan"]), (4, ["Pad thai", "Lemonade"])] {
        let request = s.asks(number, 1, &items, "EH1 1RE", 3_000_000);
        s.placed(request, 13 + number, 41_000, 3_040_000);
    }
    s.fact(NAME_SERVER, 2_000_000, LauncherEvent::HopIs { hop: 1_000_000 });
    s.fact(replica(1), 4_000_000, LauncherEvent::Ended { how: Ending::Crashed, words: String::new() });
    let now = view(3, replica(2), &[replica(2), replica(3)]);
    s.fact(replica(2), 4_264_000, MachineEvent::Became { standing: Standing::Primary, view: now.clone() });
    s.fact(replica(3), 4_266_000, MachineEvent::Became { standing: Standing::Backup, view: now.clone() });
    s.process("replica-4", replica(4), Actor::Role(Role::Replica), 4_300_000);
    beliefs(s, 4_300_000, &now, vec![replica(2), replica(3), replica(4)]);
    s.stands(replica(2), 4_300_000, Standing::Primary, &now, 41, 40);
    s.stands(replica(3), 4_300_000, Standing::Backup, &now, 40, 40);
    s.stands(replica(4), 4_300_000, Standing::Joining, &view(0, NodeId(0), &[]), 0, 0);
    grace_orders(s);
    scene
}

fn grace_orders(s: &mut Scene) {
    let (grace, customer) = customer(2);
    let postcode = postcode("NE1 7RU");
    let orders = vec![
        Order { id: OrderId::Preset(1), number: None, items: vec!["Fish and chips".into()], at: Default::default() },
        order(9, &["Falafel wrap"]),
        order(12, &["Pad thai", "Mango lassi"]),
    ];
    let page = HistoryPage { postcode, page: 0, total: 3, orders };
    let read = RequestId { customer, number: RequestNumber(1) };
    s.fact(grace, 4_400_000, NodeEvent::Answered { request: read, answer: Answer::History(page), took: 900 });
    let request = s.asks(2, 2, &["Margherita pizza", "Garlic naan", "Garlic naan"], "NE1 7RU", 4_900_000);
    s.message(grace, NAME_SERVER, 7, Summary::LookUp(Role::FrontEnd), 4_900_000, Some(5_400_000));
    s.message(NAME_SERVER, grace, 8, Summary::FoundOne("front-end".into()), 5_400_000, Some(5_900_000));
    s.message(grace, FRONT_END, 9, Summary::Order(postcode), 5_900_000, Some(6_900_000));
    s.message(FRONT_END, replica(2), 10, Summary::Order(postcode), 6_900_000, Some(7_900_000));
    let message = MessageId { from: replica(2), number: 9_000 };
    let service = PostcodeService::PostcodesIo;
    let asked = TraceEvent::Node(NodeEvent::PostcodeAsked { message, to: POSTCODES_IO, service, postcode, request });
    s.fact(replica(2), 7_900_000, asked);
    s.message(replica(2), POSTCODES_IO, 11, Summary::DoesExist(postcode), 7_900_000, Some(8_900_000));
    s.message(POSTCODES_IO, replica(2), 12, Summary::Exists, 8_938_000, Some(9_940_000));
    let verdict = Verdict::Valid { place: Some("Newcastle upon Tyne".into()), by: service };
    let answered = TraceEvent::Node(NodeEvent::PostcodeAnswered { message, from: POSTCODES_IO, verdict, took: 38_000 });
    s.fact(replica(2), 9_940_000, answered);
    s.message(replica(2), replica(3), 5, update(41), 11_900_000, None);
    s.message(replica(2), replica(4), 5, Summary::Snapshot(17, 25), 12_000_000, None);
    s.message(FRONT_END, NAME_SERVER, 0, Summary::Register("front-end".into()), 11_850_000, None);
}

fn order(number: u64, items: &[&str]) -> Order {
    let request = RequestId { customer: customer(2).1, number: RequestNumber(number) };
    let items = items.iter().map(|item| (*item).to_owned()).collect();
    Order { id: OrderId::Placed(request), number: Some(OrderNumber(number)), items, at: Default::default() }
}

/// The scene's present.
pub const NOW: u64 = 12_482_000;

/// Many of everything: replicas, customers, and messages in flight.
pub fn crowd(replicas: u64, customers: u64, messages: u64) -> Scene {
    let mut scene = Scene::new();
    let s = &mut scene;
    processes(s);
    for number in 4..=replicas {
        s.process(&format!("replica-{number}"), replica(number), Actor::Role(Role::Replica), 40 + number);
    }
    let all: Vec<NodeId> = (1..=replicas).map(replica).collect();
    let view = view(7, replica(3), &all);
    for number in 1..=replicas {
        let standing = if number == 3 { Standing::Primary } else { Standing::Backup };
        s.stands(replica(number), 100, standing, &view, 40, 40);
    }
    beliefs(s, 200, &view, all);
    let gazetteer = node::gazetteer::Gazetteer::get();
    let habitable = gazetteer.labels().iter().filter(|label| gazetteer.nearest(label.point()).is_ok());
    for (number, label) in (1..=customers).zip(habitable.cycle()) {
        let nearest = gazetteer.nearest(label.point()).unwrap();
        let place = (nearest.point.latitude, nearest.point.longitude);
        // There are fewer names of towns than phones in a room, and no two customers have the same name.
        let name = if number > 100 { format!("{} {number}", label.name) } else { label.name.clone() };
        s.lives(number, &name, nearest.postcode.as_str(), place);
    }
    for number in 0..messages {
        let at = 12_000_000 + number * 900;
        let (from, to, step) = match number % 4 {
            0 => (customer(1 + number / 4 % customers).0, FRONT_END, 9),
            1 => (FRONT_END, replica(3), 10),
            2 => (replica(3), replica(1 + number % replicas), 5),
            _ => (FRONT_END, customer(1 + number % customers).0, 14),
        };
        s.message(from, to, step, Summary::Order(postcode("NE1 7RU")), at, None);
    }
    scene
}
