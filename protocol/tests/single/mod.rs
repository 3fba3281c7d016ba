//! One machine by itself: give it an input, look at what it does. No cluster, no network, no time.
//!
//! Shared by the tests of single machines. What only one of them needs stays there.
#![allow(dead_code, reason = "each test program uses its part")]

use protocol::ids::{
    Contact, CustomerId, FrontEndToken, NodeId, OpNumber, RequestId, RequestNumber, Role, Span, View, ViewNumber,
};
use protocol::machine::{Effect, Effects, Identity, Input, Machine, Timer};
use protocol::message::Message;
use protocol::postcode::Postcode;
use protocol::trace::{MachineEvent, Refusal};

pub const NAME_SERVER: u64 = 1;
pub const FRONT_END: u64 = 2;
/// The machine that is tested, unless it is the name server.
pub const ME: u64 = 7;

pub fn contact(id: u64) -> Contact {
    Contact { id: NodeId(id), address: ([127, 0, 0, 1], 1000 + id as u16).into() }
}

pub fn identity(role: Role) -> Identity {
    Identity { me: contact(ME), name: "me".into(), role, name_server: contact(NAME_SERVER) }
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

pub fn found(role: Role, who: &[(&str, u64)]) -> Message {
    let who = who.iter().map(|(name, id)| ((*name).to_owned(), contact(*id))).collect();
    Message::Found { role, who, commit: OpNumber(0) }
}

pub fn record(token: u64, view: View, claimed: bool) -> Message {
    Message::Record { token: FrontEndToken(token), view, claimed }
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
    effects.drain().collect()
}

pub fn say(machine: &mut impl Machine, from: u64, message: Message) -> Vec<Effect> {
    give(machine, Input::Received { from: contact(from), traced: false, message })
}

pub fn ring(machine: &mut impl Machine, timer: Timer) -> Vec<Effect> {
    give(machine, Input::Rang(timer))
}

// Effects.

/// Messages, each with its receiver.
pub fn sent(effects: &[Effect]) -> Vec<(u64, &Message)> {
    let messages = effects.iter().filter_map(|effect| match effect {
        Effect::Send { to, message, .. } => Some((to.id.0, message)),
        _ => None,
    });
    messages.collect()
}

pub fn messages(effects: &[Effect]) -> Vec<&Message> {
    sent(effects).into_iter().map(|(_, message)| message).collect()
}

pub fn probed(effects: &[Effect]) -> Vec<u64> {
    let peers = effects.iter().filter_map(|effect| match effect {
        Effect::Probe { peer } => Some(peer.id.0),
        _ => None,
    });
    peers.collect()
}

pub fn timers(effects: &[Effect]) -> Vec<(Timer, Span)> {
    let timer = |effect: &Effect| match effect {
        Effect::SetTimer { timer, after } => Some((*timer, *after)),
        _ => None,
    };
    effects.iter().filter_map(timer).collect()
}

/// When a timer will ring that was set.
pub fn set(effects: &[Effect], wanted: Timer) -> Option<Span> {
    timers(effects).into_iter().find_map(|(timer, after)| (timer == wanted).then_some(after))
}

pub fn is_cancelled(effects: &[Effect], wanted: Timer) -> bool {
    effects.contains(&Effect::CancelTimer { timer: wanted })
}

pub fn traces(effects: &[Effect]) -> Vec<&MachineEvent> {
    let events = effects.iter().filter_map(|effect| match effect {
        Effect::Trace(event) => Some(event),
        _ => None,
    });
    events.collect()
}

pub fn refusals(effects: &[Effect]) -> Vec<Refusal> {
    let refusals = traces(effects).into_iter().filter_map(|event| match event {
        MachineEvent::Refused { why, .. } => Some(why.clone()),
        _ => None,
    });
    refusals.collect()
}
