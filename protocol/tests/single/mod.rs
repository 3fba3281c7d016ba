//! One machine by itself: give it an input, look at what it does. No cluster, no network, no time.
//!
//! Shared by the tests of single machines. What only one of them needs stays there.
#![allow(dead_code, unused_imports, reason = "each test program uses its part")]

use protocol::customer::Customer;
use protocol::front_end::FrontEnd;
use protocol::ids::{
    Contact, CustomerId, FrontEndToken, NodeId, OpNumber, Position, RequestId, RequestNumber, Role, Span, Timestamp,
    View, ViewNumber,
};
use protocol::machine::{Effect, Effects, Identity, Input, JournalRecord, Machine, Settings, Timer};
use protocol::message::{Ask, Copied, Message, SnapshotPart, Status};
use protocol::name_server::NameServer;
use protocol::order_book::{OrderBook, Reached, Sweep};
use protocol::postcode::{Postcode, PostcodeService, Verdict};
use protocol::trace::{MachineEvent, NodeState, Refusal};

/// What is wanted of each that fits the pattern, in their order.
macro_rules! each {
    ($all:expr, $pattern:pat $(if $so:expr)? => $wanted:expr) => {
        ($all.into_iter())
            .filter_map(|one| match one {
                $pattern $(if $so)? => Some($wanted),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
}
pub(crate) use each;

pub const NAME_SERVER: u64 = 1;
pub const FRONT_END: u64 = 2;
pub const BACKUP: u64 = 4;
pub const JOINER: u64 = 5;
/// The machine that is tested, unless it is the name server.
pub const ME: u64 = 7;

pub fn contact(id: u64) -> Contact {
    Contact { id: NodeId(id), address: ([127, 0, 0, 1], 1000 + id as u16).into() }
}

pub fn identity(role: Role) -> Identity {
    Identity { me: contact(ME), name: "me".into(), role, name_servers: contact(NAME_SERVER).into() }
}

pub fn view(number: u64, primary: u64, members: &[u64]) -> View {
    let members = members.iter().map(|id| NodeId(*id)).collect();
    View::new(ViewNumber(number), NodeId(primary), members)
}

pub fn request(customer: u128, number: u64) -> RequestId {
    RequestId { customer: CustomerId(customer), number: RequestNumber(number) }
}

#[expect(clippy::unwrap_used, reason = "a postcode of the right shape")]
pub fn postcode() -> Postcode {
    "DH1 3LE".parse().unwrap()
}

/// A customer that has asked for nothing yet.
pub fn customer() -> Customer {
    Customer::new(identity(Role::Customer), Settings::default(), CustomerId(1), RequestNumber(0))
}

pub fn name_server_with(journal: JournalRecord) -> NameServer {
    let identity = Identity { me: contact(NAME_SERVER), ..identity(Role::NameServer) };
    NameServer::new(identity, Settings::default(), journal)
}

// Messages.

pub fn view_is(view: View, joiners: &[u64], named: &[u64]) -> Message {
    let joiners = joiners.iter().map(|id| NodeId(*id)).collect();
    let contacts = named.iter().map(|id| contact(*id)).collect();
    Message::ViewIs { view, joiners, contacts, patience: Span(0) }
}

pub fn order_of(items: Vec<String>) -> Ask {
    Ask::Order { postcode: postcode(), items }
}

pub fn order() -> Ask {
    order_of(vec!["Pad thai".into()])
}

pub fn read() -> Ask {
    Ask::History { postcode: postcode(), page: 0 }
}

pub fn asks(customer: u128, number: u64, ask: Ask) -> Message {
    Message::Request { id: request(customer, number), since: OpNumber(0), ask }
}

pub fn orders(customer: u128) -> Message {
    asks(customer, 1, order())
}

pub fn withdraws(customer: u128) -> Message {
    asks(customer, 1, Ask::Withdraw)
}

pub fn registers(machine: &mut impl Machine, id: u64, name: &str, role: Role, token: Option<u64>) -> Vec<Effect> {
    let (name, token) = (name.to_owned(), token.map(FrontEndToken));
    say(machine, id, Message::Register { name, role, token, commit: OpNumber(0) })
}

pub fn found(role: Role, who: &[(&str, u64)]) -> Message {
    let who = who.iter().map(|(name, id)| ((*name).to_owned(), contact(*id))).collect();
    Message::Found { role, who, commit: OpNumber(0) }
}

pub fn record(token: u64, view: View, claimed: bool) -> Message {
    Message::Record { token: FrontEndToken(token), view, claimed }
}

/// Of a replica that has nothing of the state that it needs.
pub fn nothing() -> Option<Copied> {
    Some(Copied::Before { orders: Vec::new(), sessions: None })
}

/// All parts of a book in a view, the last of them at `at`, each of at most `room` bytes.
pub fn parts(book: &OrderBook, view: &View, at: Position, room: usize) -> Vec<SnapshotPart> {
    let (mut parts, mut sweep, mut before) = (Vec::new(), Sweep::default(), 0);
    while parts.last().is_none_or(|part: &SnapshotPart| part.piece.rest.is_none()) {
        let from = parts.last().map_or(Reached::default(), |part| part.piece.to);
        let piece = book.piece(from, room, at.op, &mut sweep);
        let bytes = piece.bytes();
        parts.push(SnapshotPart { view: view.clone(), instead_of: None, at, piece, before, all: book.bytes() });
        before += bytes;
    }
    parts
}

// Inputs.

/// The effects of its start.
pub fn start(machine: &mut impl Machine) -> Vec<Effect> {
    let mut effects = Effects::new(true);
    machine.start(&mut effects);
    effects.drain().collect()
}

/// The effects of one input.
pub fn give(machine: &mut impl Machine, input: Input) -> Vec<Effect> {
    let mut effects = Effects::new(true);
    machine.handle(input, &mut effects);
    machine.settle(&mut effects);
    machine.finish();
    effects.drain().collect()
}

pub fn say(machine: &mut impl Machine, from: u64, message: Message) -> Vec<Effect> {
    give(machine, Input::Received { from: contact(from), traced: false, message })
}

pub fn checked(request: RequestId, verdict: Verdict) -> Input {
    Input::PostcodeChecked { request, verdict, at: Timestamp(0) }
}

pub fn valid(request: RequestId) -> Input {
    checked(request, Verdict::Valid { place: None, by: PostcodeService::PostcodesIo })
}

pub fn ring(machine: &mut impl Machine, timer: Timer) -> Vec<Effect> {
    give(machine, Input::Rang(timer))
}

// Effects.

/// Messages, each with its receiver.
pub fn sent(effects: &[Effect]) -> Vec<(u64, &Message)> {
    each!(effects, Effect::Send { to, message, .. } => (to.id.0, message))
}

pub fn messages(effects: &[Effect]) -> Vec<&Message> {
    each!(effects, Effect::Send { message, .. } => message)
}

pub fn statuses(effects: &[Effect]) -> Vec<&Status> {
    each!(messages(effects), Message::Status(status) => status)
}

/// How many updates, heartbeats among them, and how many parts of snapshots.
pub fn updates_sent(effects: &[Effect]) -> usize {
    each!(messages(effects), Message::StateUpdate(_) => ()).len()
}

pub fn parts_sent(effects: &[Effect]) -> usize {
    each!(messages(effects), Message::Snapshot(_) => ()).len()
}

/// The view that a front-end asks the name server to record.
pub fn proposed(effects: &[Effect]) -> Option<&View> {
    each!(messages(effects), Message::RecordView { view, .. } => view).pop()
}

/// How much patience a front-end asks of the primary.
pub fn patience(effects: &[Effect]) -> Option<Span> {
    each!(messages(effects), Message::ViewIs { patience, .. } => *patience).first().copied()
}

pub fn probed(effects: &[Effect]) -> Vec<u64> {
    each!(effects, Effect::Probe { peer } => peer.id.0)
}

pub fn timers(effects: &[Effect]) -> Vec<(Timer, Span)> {
    each!(effects, Effect::SetTimer { timer, after } => (*timer, *after))
}

/// When a timer will ring that was set.
pub fn set(effects: &[Effect], wanted: Timer) -> Option<Span> {
    timers(effects).into_iter().find_map(|(timer, after)| (timer == wanted).then_some(after))
}

pub fn is_cancelled(effects: &[Effect], wanted: Timer) -> bool {
    effects.contains(&Effect::CancelTimer { timer: wanted })
}

pub fn traces(effects: &[Effect]) -> Vec<&MachineEvent> {
    each!(effects, Effect::Trace(event) => event)
}

pub fn refusals(effects: &[Effect]) -> Vec<Refusal> {
    each!(traces(effects), MachineEvent::Refused { why, .. } => why.clone())
}

// What front-ends tell observers.

/// Requests on their way.
pub fn pending(front_end: &FrontEnd) -> u64 {
    let NodeState::FrontEnd { pending, .. } = front_end.describe() else { panic!("a front-end") };
    pending
}
