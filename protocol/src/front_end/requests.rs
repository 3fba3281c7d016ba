//! How requests pass a front-end: [9] in, [10] on to the primary, [13] back, [14] out.
//!
//! A request is held only so that it can be forwarded again, in particular to the next primary; nothing is decided here.

use super::FrontEnd;
use crate::ids::{Contact, OpNumber, RequestId};
use crate::machine::{Effects, Timer};
use crate::menu::{LONGEST_ITEM, MOST_ITEMS};
use crate::message::{Ask, Message};
use crate::trace::{MachineEvent, Refusal};

/// Requests that are held, at most, one per customer (PROTOCOL section 8).
const MOST_PENDING: usize = 8192;
/// A request is forwarded again so often; then it is let go, unless its customer has repeated it. Some are never answered
/// (their numbers are used, their customers gone), and nobody else would ever take them away: the primary lets an order go
/// that no front-end repeats.
const MOST_FORWARDS: u32 = 10;

/// A request that was forwarded and not answered yet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Pending {
    id: RequestId,
    since: OpNumber,
    ask: Ask,
    customer: Contact,
    traced: bool,
    /// How often the timer to forward again has rung since the customer sent it last.
    rings: u32,
}

impl Pending {
    pub(super) fn new(customer: Contact, traced: bool, id: RequestId, since: OpNumber, ask: Ask) -> Self {
        Self { id, since, ask, customer, traced, rings: 0 }
    }
}

impl FrontEnd {
    /// [9]
    pub(super) fn on_request(&mut self, request: Pending, effects: &mut Effects) {
        let Pending { id, customer: from, traced, .. } = request;
        if self.retired {
            effects.trace(|| MachineEvent::Refused { from: from.id, why: Refusal::Retired });
            return effects.send(from, traced, Message::LookUpAgain { id });
        }
        if is_oversized(&request.ask) {
            effects.trace(|| MachineEvent::Refused { from: from.id, why: Refusal::Oversized });
            return;
        }
        match self.pending.get(&id.customer) {
            Some(held) if held.id.number > id.number => return,
            None if self.pending.len() >= MOST_PENDING => {
                if traced {
                    effects.trace(|| MachineEvent::Refused { from: from.id, why: Refusal::Busy });
                }
                return effects.send(from, traced, Message::Busy { id });
            }
            Some(_) | None => {}
        }
        self.forward(&request, effects);
        self.pending.insert(id.customer, request);
    }

    /// [10]
    fn forward(&self, pending: &Pending, effects: &mut Effects) {
        if let Some(primary) = self.primary() {
            let message = Message::Request { id: pending.id, since: pending.since, ask: pending.ask.clone() };
            effects.send(primary, pending.traced, message);
        }
    }

    /// The recorded one; or, while the name server is silent, one that acts in a newer view (PROTOCOL section 10).
    fn primary(&self) -> Option<Contact> {
        let acting = self.replicas.iter().filter_map(|(id, known)| {
            let status = known.status.as_ref().filter(|status| status.acting)?;
            Some((status.view, *id))
        });
        let recorded = (self.view.number, self.view.primary);
        let (_, primary) = acting.filter(|(view, _)| *view > recorded.0).max().unwrap_or(recorded);
        self.replicas.get(&primary)?.contact
    }

    /// A new view: its primary gets everything that is not answered yet.
    pub(super) fn forward_all(&mut self, effects: &mut Effects) {
        for pending in self.pending.values() {
            self.forward(pending, effects);
        }
    }

    pub(super) fn on_forward_again(&mut self, effects: &mut Effects) {
        self.pending.retain(|_, pending| pending.rings < MOST_FORWARDS);
        // Not what came just now.
        for pending in self.pending.values().filter(|pending| pending.rings > 0) {
            self.forward(pending, effects);
        }
        self.pending.values_mut().for_each(|pending| pending.rings += 1);
        self.forward_later(effects);
    }

    pub(super) fn forward_later(&self, effects: &mut Effects) {
        let again = self.settings.patient(self.settings.forward_again_after, 10);
        effects.set_timer(Timer::ForwardAgain, again);
    }

    /// [13], [14]: whatever was answered in whatever view is passed on: committed is committed.
    pub(super) fn on_reply(&mut self, traced: bool, reply: Message, effects: &mut Effects) {
        if let Some(customer) = self.take_pending(&reply) {
            effects.send(customer, traced, reply);
        }
    }

    /// No outcome: the customer will ask again.
    pub(super) fn on_busy(&mut self, id: RequestId, effects: &mut Effects) {
        let busy = Message::Busy { id };
        if let Some(customer) = self.take_pending(&busy) {
            effects.send(customer, false, busy);
        }
    }

    /// No outcome, and the customer goes on waiting, but it knows why.
    pub(super) fn on_waiting(&self, traced: bool, id: RequestId, waiting: Message, effects: &mut Effects) {
        if let Some(held) = self.pending.get(&id.customer).filter(|held| held.id == id) {
            effects.send(held.customer, traced, waiting);
        }
    }

    /// The customer that waits for this answer; none, if it has gone on or was answered already.
    fn take_pending(&mut self, answer: &Message) -> Option<Contact> {
        let id = answer.request()?;
        let held = self.pending.get(&id.customer)?;
        (held.id == id).then_some(held.customer).inspect(|_| {
            self.pending.remove(&id.customer);
        })
    }
}

/// Larger than any order on the menu (PROTOCOL section 8): no customer's program sends this, and it is not worth holding.
fn is_oversized(ask: &Ask) -> bool {
    match ask {
        Ask::Order { items, .. } => {
            items.len() > MOST_ITEMS || items.iter().any(|item| item.chars().count() > LONGEST_ITEM)
        }
        Ask::History { .. } | Ask::Withdraw => false,
    }
}
