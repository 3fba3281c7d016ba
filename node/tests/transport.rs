//! Transports of one run talk to one another; others are kept out, and a peer that misbehaves loses only its own connection.

#![expect(clippy::unwrap_used, reason = "a step that fails fails its test")]

use std::net::SocketAddr;
use std::time::Duration;

use node::transport::framing;
use node::transport::identity::{Authority, COMMON_NAME};
use node::transport::limits::endpoint;
use node::transport::round_trip;
use node::transport::{Arrival, Observed, Transport};
use protocol::ids::{Contact, NodeId, OpNumber, Role, View, ViewNumber};
use protocol::message::{Envelope, Message, SnapshotPart};
use protocol::order_book::{OrderBook, Piece};
use protocol::trace::Loss;

/// Longer than anything here takes; a test that waits this long fails.
const PATIENCE: Duration = Duration::from_secs(20);

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

struct Node {
    transport: Transport,
    me: Contact,
    sent: u64,
}

impl Node {
    fn start(authority: &Authority, role: Role, id: u64) -> Self {
        let credentials = authority.issue(role, Some(NodeId(id))).unwrap();
        let mut transport = Transport::open(loopback(), &credentials).unwrap();
        transport.set_observed(Observed::Traced);
        let me = Contact { id: NodeId(id), address: transport.address() };
        Self { transport, me, sent: 0 }
    }

    fn send(&mut self, to: Contact, message: Message) {
        self.sent += 1;
        let envelope = Envelope { from: self.me.id, number: self.sent, to: to.id, traced: true, message };
        self.transport.send(to, &envelope);
        self.transport.flush();
    }

    async fn arrival(&mut self) -> Arrival {
        tokio::time::timeout(PATIENCE, self.transport.arrival()).await.expect("something should arrive")
    }

    /// The next messages, whatever else arrives before.
    async fn messages(&mut self) -> (SocketAddr, Vec<Envelope>) {
        loop {
            if let Arrival::Messages { from, envelopes } = self.arrival().await {
                return (from, envelopes);
            }
        }
    }
}

fn register(name: &str, role: Role) -> Message {
    Message::Register { name: name.into(), role, token: None, commit: OpNumber(0) }
}

/// A part of 64 KiB.
fn part(number: u64) -> Message {
    let piece = Piece { orders: vec![number as u8; 64 * 1024], ..Piece::default() };
    let view = View { number: ViewNumber(1), ..View::default() };
    let at = OrderBook::default().as_base();
    Message::Snapshot(Box::new(SnapshotPart { view, instead_of: None, at, piece, before: number, all: 60 }))
}

fn found() -> Message {
    Message::Found { role: Role::Replica, who: Vec::new(), commit: OpNumber(0) }
}

#[tokio::test]
async fn messages_go_both_ways_over_listening_addresses() {
    let authority = Authority::new().unwrap();
    let mut name_server = Node::start(&authority, Role::NameServer, 1);
    let mut replica = Node::start(&authority, Role::Replica, 2);
    replica.send(name_server.me, register("replica-1", Role::Replica));
    let (from, envelopes) = name_server.messages().await;
    assert_eq!(from, replica.me.address, "the address to answer to");
    assert_eq!(envelopes[0].message, register("replica-1", Role::Replica));
    name_server.send(replica.me, found());
    assert_eq!(replica.messages().await.1[0].message, found());
    assert_eq!(replica.transport.connections(), 1, "the answer came over the same connection");
}

#[tokio::test]
async fn what_was_sent_while_dialling_arrives_in_order_and_large_messages_fit() {
    let authority = Authority::new().unwrap();
    let mut primary = Node::start(&authority, Role::Replica, 1);
    let mut joiner = Node::start(&authority, Role::Replica, 2);
    for number in 0..8 {
        primary.send(joiner.me, part(number));
    }
    let mut numbers = Vec::new();
    while numbers.len() < 8 {
        numbers.extend(joiner.messages().await.1.iter().map(|envelope| envelope.number));
    }
    assert_eq!(numbers, (1..=8).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_a_stream_has_no_room_for_follows_in_order() {
    const BURST: u64 = 60;
    let authority = Authority::new().unwrap();
    let mut primary = Node::start(&authority, Role::Replica, 1);
    let mut joiner = Node::start(&authority, Role::Replica, 2);
    for burst in 0..3 {
        // 3.8 MB at once, of which QUIC's flow control lets 2 MB pass before the receiver reads.
        (0..BURST).for_each(|number| primary.send(joiner.me, part(number)));
        let mut numbers = Vec::new();
        while numbers.len() < BURST as usize {
            numbers.extend(joiner.messages().await.1.iter().map(|envelope| envelope.number));
        }
        assert_eq!(numbers, (burst * BURST + 1..=(burst + 1) * BURST).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_message_does_not_wait_behind_the_parts_of_a_state() {
    const PARTS: usize = 60;
    let authority = Authority::new().unwrap();
    let mut primary = Node::start(&authority, Role::Replica, 1);
    let mut joiner = Node::start(&authority, Role::Replica, 2);
    for number in 0..PARTS {
        primary.send(joiner.me, part(number as u64));
    }
    primary.send(joiner.me, register("replica-1", Role::Replica));
    let mut arrived = Vec::new();
    while arrived.len() <= PARTS {
        arrived.extend(joiner.messages().await.1.iter().map(|envelope| envelope.number as usize));
    }
    let sent_last = PARTS + 1;
    assert_ne!(arrived.last(), Some(&sent_last), "it came after all parts");
    arrived.retain(|number| *number != sent_last);
    assert_eq!(arrived, (1..=PARTS).collect::<Vec<_>>(), "the parts keep their order");
}

#[tokio::test]
async fn a_role_says_only_what_it_may_and_only_in_its_own_name() {
    let authority = Authority::new().unwrap();
    let mut name_server = Node::start(&authority, Role::NameServer, 1);
    let mut customer = Node::start(&authority, Role::Customer, 2);
    customer.send(name_server.me, register("replica-1", Role::Replica));
    customer.send(name_server.me, Message::ClaimFrontEnd);
    customer.me.id = NodeId(3);
    customer.send(name_server.me, Message::Lookup { role: Role::FrontEnd });
    customer.me.id = NodeId(2);
    customer.send(name_server.me, Message::Lookup { role: Role::FrontEnd });
    let (_, envelopes) = name_server.messages().await;
    assert_eq!(envelopes.len(), 1);
    assert_eq!((envelopes[0].from, envelopes[0].number), (NodeId(2), 4));
    assert_eq!(name_server.transport.refusals().count(), 3);
}

#[tokio::test]
async fn a_peer_of_another_run_is_refused_and_told_lost() {
    let mut name_server = Node::start(&Authority::new().unwrap(), Role::NameServer, 1);
    let mut stranger = Node::start(&Authority::new().unwrap(), Role::Replica, 2);
    stranger.send(name_server.me, register("replica-1", Role::Replica));
    let Arrival::Lost { messages, .. } = stranger.arrival().await else { panic!("only a loss can be reported") };
    assert_eq!(messages[0].1, name_server.me.id);
    assert!(name_server.transport.try_arrival().is_none());
}

#[tokio::test]
async fn messages_for_another_incarnation_at_the_same_address_are_lost() {
    let authority = Authority::new().unwrap();
    let mut restarted = Node::start(&authority, Role::Replica, 8);
    let mut backup = Node::start(&authority, Role::Replica, 2);
    let gone = Contact { id: NodeId(7), address: restarted.me.address };
    backup.send(gone, Message::Refused { view: ViewNumber(3) });
    let Arrival::Lost { why, .. } = backup.arrival().await else { panic!("only a loss can be reported") };
    assert_eq!(why, Loss::AnotherAnswers);
    backup.send(restarted.me, Message::Refused { view: ViewNumber(4) });
    assert_eq!(restarted.messages().await.1[0].message, Message::Refused { view: ViewNumber(4) });
}

#[tokio::test]
async fn nobody_at_the_address_is_a_loss_and_a_process_that_comes_later_is_reached() {
    let authority = Authority::new().unwrap();
    let mut backup = Node::start(&authority, Role::Replica, 2);
    let primary = Node::start(&authority, Role::Replica, 1);
    let contact = primary.me;
    drop(primary);
    backup.send(contact, Message::Refused { view: ViewNumber(1) });
    assert!(matches!(backup.arrival().await, Arrival::Lost { .. }));
    let credentials = authority.issue(Role::Replica, Some(contact.id)).unwrap();
    let mut again = Transport::open(contact.address, &credentials).unwrap();
    let reached = async {
        loop {
            backup.send(contact, Message::Refused { view: ViewNumber(2) });
            tokio::select! {
                Arrival::Messages { envelopes, .. } = again.arrival() => return envelopes,
                _ = backup.transport.arrival() => {}
            }
        }
    };
    let envelopes = tokio::time::timeout(PATIENCE, reached).await.unwrap();
    assert_eq!(envelopes[0].message, Message::Refused { view: ViewNumber(2) });
}

#[tokio::test]
async fn a_malformed_frame_closes_that_connection_with_a_reason_and_no_other() {
    let authority = Authority::new().unwrap();
    let mut name_server = Node::start(&authority, Role::NameServer, 1);
    let mut honest = Node::start(&authority, Role::Replica, 2);
    honest.send(name_server.me, register("replica-1", Role::Replica));
    name_server.messages().await;

    let credentials = authority.issue(Role::Replica, Some(NodeId(3))).unwrap();
    for rubbish in [&[0xff; 4][..], &[0, 0, 0, 0], &[3, 0, 0, 0, 1, 0xff, 0xff]] {
        let endpoint = endpoint(loopback(), &credentials).unwrap();
        let connection = endpoint.connect(name_server.me.address, COMMON_NAME).unwrap().await.unwrap();
        let mut stream = connection.open_uni().await.unwrap();
        stream.write_all(rubbish).await.unwrap();
        let closed = tokio::time::timeout(PATIENCE, connection.closed()).await.unwrap();
        let quinn::ConnectionError::ApplicationClosed(close) = closed else { panic!("{closed}") };
        assert!(!close.reason.is_empty());
    }
    assert_eq!(name_server.transport.refusals().count(), 3);

    honest.send(name_server.me, register("replica-1", Role::Replica));
    assert_eq!(name_server.messages().await.1.len(), 1, "the honest peer's connection still carries");
}

#[tokio::test]
async fn good_frames_before_a_bad_one_still_count() {
    let authority = Authority::new().unwrap();
    let mut name_server = Node::start(&authority, Role::NameServer, 1);
    let credentials = authority.issue(Role::Replica, Some(NodeId(3))).unwrap();
    let endpoint = endpoint(loopback(), &credentials).unwrap();
    let connection = endpoint.connect(name_server.me.address, COMMON_NAME).unwrap().await.unwrap();
    let mut stream = connection.open_uni().await.unwrap();
    let message = register("replica-1", Role::Replica);
    let envelope = Envelope { from: NodeId(3), number: 1, to: NodeId(1), traced: false, message };
    let mut frames = Vec::new();
    framing::Framer::default().append(&envelope, &mut frames).unwrap();
    frames.extend([0xff; 8]);
    stream.write_all(&frames).await.unwrap();
    assert_eq!(name_server.messages().await.1, [envelope]);
}

#[tokio::test]
async fn a_peer_that_ends_is_reported_by_its_contact() {
    let authority = Authority::new().unwrap();
    let mut name_server = Node::start(&authority, Role::NameServer, 1);
    let mut replica = Node::start(&authority, Role::Replica, 2);
    replica.send(name_server.me, register("replica-1", Role::Replica));
    name_server.messages().await;
    let contact = replica.me;
    drop(replica);
    let Arrival::ConnectionLost { peer } = name_server.arrival().await else { panic!("the connection was lost") };
    assert_eq!(peer, contact);
}

/// An endpoint, and where a peer of it echoes.
fn with_an_echo() -> (quinn::Endpoint, SocketAddr) {
    let authority = Authority::new().unwrap();
    let [here, there] = [1, 2].map(|id| authority.issue(Role::Customer, Some(NodeId(id))).unwrap());
    let there = endpoint(loopback(), &there).unwrap();
    let address = there.local_addr().unwrap();
    tokio::spawn(round_trip::echo(there));
    (endpoint(loopback(), &here).unwrap(), address)
}

/// Ten datagrams of the largest size do not fit into one call to the kernel: none of them would be sent.
#[tokio::test]
async fn a_burst_of_the_largest_datagrams_is_not_lost() {
    let (here, address) = with_an_echo();
    let connection = here.connect(address, COMMON_NAME).unwrap().await.unwrap();
    let mut stream = connection.open_uni().await.unwrap();
    let mut back = None;
    let burst = vec![7; 100_000];
    let mut answer = vec![0; burst.len()];
    // The first of them while QUIC finds out how large a datagram may be.
    for _ in 0..50 {
        stream.write_all(&burst).await.unwrap();
        if back.is_none() {
            back = Some(connection.accept_uni().await.unwrap());
        }
        let read = back.as_mut().unwrap().read_exact(&mut answer);
        tokio::time::timeout(PATIENCE, read).await.unwrap().unwrap();
    }
    let path = connection.stats().path;
    assert_eq!(path.current_mtu, 8192);
    assert_eq!(path.lost_packets, 0);
}

#[tokio::test]
async fn an_echo_gives_back_what_it_gets() {
    let (here, address) = with_an_echo();
    let taken =
        tokio::time::timeout(PATIENCE, round_trip::measure(&here, address, 100, 10, Duration::ZERO, || true)).await;
    assert_eq!(taken.unwrap().unwrap().len(), 10);
}
