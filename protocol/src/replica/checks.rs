//! Orders that wait for a word about their postcode: \[11\] out, \[12\] back.
//!
//! Every order is asked about at once: the driver answers what it remembers on the spot and lets the others take their turns
//! at the services, so that no order waits behind one that nobody can check. Here it is decided how long an order waits,
//! what its customer is told meanwhile, and when nobody waits for it any more.

use std::collections::BTreeMap;

use super::Replica;
use super::answers::Owed;
use crate::ids::{Contact, CustomerId, OpNumber, RequestId, RequestNumber, Span, Timestamp};
use crate::machine::{Effect, Effects, Settings, Timer};
use crate::menu::check_items;
use crate::message::{Message, WaitReason};
use crate::order_book::{EntryEffect, Outcome, Rejection};
use crate::postcode::{Postcode, Verdict};
use crate::trace::{Refusal, TraceEvent, Unchecked};

/// Customers whose orders wait for a verdict, each with one (PROTOCOL section 8).
const MOST_CHECKS: usize = 8192;
/// Of orders that nobody could tell about, about so many are asked about again in one [`Settings::check_again_after`].
const AGAIN_AT_ONCE: u64 = 256;
/// A front-end repeats an order as long as its customer does. After so many repetitions that did not come, nobody waits.
const MISSED_REPETITIONS: u64 = 10;
/// A delayed order, its question and its verdict pass at most so many hops, with room to spare.
const HOPS_OF_A_CHECK: u64 = 16;

/// All orders that wait, one per customer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Checks(BTreeMap<CustomerId, Check>);

/// An order whose postcode is being looked up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Check {
    id: RequestId,
    front_end: Contact,
    traced: bool,
    since: OpNumber,
    postcode: Postcode,
    items: Vec<String>,
    /// How long it has waited for its verdict, counted in heartbeats of this primary.
    waited: Span,
    /// How long ago a front-end sent it, counted in the same way.
    unrepeated: Span,
    why: WaitReason,
    /// Nobody could tell, and the timer runs after which it is asked about again. Else the driver is at it.
    rests: bool,
}

impl Check {
    /// Nobody needs the verdict any more.
    fn end(&self, effects: &mut Effects) {
        match self.rests {
            true => effects.cancel_timer(Timer::CheckAgain(self.id)),
            false => effects.push(Effect::EndCheck { request: self.id }),
        }
    }

    /// Not an outcome: the customer may know why it waits, and for how long.
    fn tell(&self, traced: bool, effects: &mut Effects) {
        let Self { id, why, waited, .. } = *self;
        effects.send(self.front_end, traced, Message::Waiting { id, why, waited });
    }

    fn owed(&self) -> Owed {
        Owed { id: self.id, front_end: self.front_end, traced: self.traced }
    }
}

impl Checks {
    /// The order's check, if it is this one that waits.
    fn get_mut(&mut self, request: RequestId) -> Option<&mut Check> {
        self.0.get_mut(&request.customer).filter(|check| check.id == request)
    }

    fn take(&mut self, request: RequestId) -> Option<Check> {
        self.get_mut(request)?;
        self.0.remove(&request.customer)
    }

    /// The customer has gone on to request `to`: what it asked before is never executed here.
    pub(super) fn gone_beyond(&mut self, customer: CustomerId, to: RequestNumber, effects: &mut Effects) {
        if let Some(check) = self.0.get(&customer).filter(|check| check.id.number < to) {
            check.end(effects);
            self.0.remove(&customer);
        }
    }

    /// This primary asks no more.
    pub(super) fn end(&self, effects: &mut Effects) {
        self.0.values().for_each(|check| check.end(effects));
    }

    /// How many orders wait, and how long the first of them has.
    pub(super) fn report(&self) -> Option<Unchecked> {
        let longest =
            self.0.values().max_by_key(|check| check.waited).filter(|check| check.waited >= Span::millis(1000))?;
        // In whole seconds: this is looked at many times in one.
        let waited = Span::millis(longest.waited.0 / 1_000_000 * 1000);
        Some(Unchecked { orders: self.0.len() as u64, why: longest.why, waited })
    }

    /// The requests that wait.
    #[cfg(feature = "simulation")]
    pub(super) fn requests(&self) -> impl Iterator<Item = RequestId> + '_ {
        self.0.values().map(|check| check.id)
    }
}

impl Replica {
    /// An order that was not executed yet.
    pub(super) fn on_order(
        &mut self,
        owed: Owed,
        since: OpNumber,
        (postcode, items): (Postcode, Vec<String>),
        effects: &mut Effects,
    ) {
        let Owed { id, front_end, traced } = owed;
        if self.repeated(front_end, traced, id, effects) {
            return;
        }
        if self.is_full() {
            return Self::busy(&owed, effects);
        }
        if let Err(error) = check_items(&items) {
            return self.execute_rejection(owed, Rejection::Items(error), effects);
        }
        let Some(primary) = &mut self.primary else { return };
        let checks = &mut primary.checks.0;
        if checks.len() >= MOST_CHECKS && !checks.contains_key(&id.customer) {
            return Self::busy(&owed, effects);
        }
        primary.checks.gone_beyond(id.customer, id.number, effects);
        let (waited, unrepeated, why) = (Span(0), Span(0), WaitReason::Asked);
        let check = Check { id, front_end, traced, since, postcode, items, waited, unrepeated, why, rests: false };
        primary.checks.0.insert(id.customer, check);
        // [11]: the primary alone asks; its verdict travels in the entry.
        effects.push(Effect::CheckPostcode { request: id, postcode, traced });
    }

    /// Whether the order waits already, or one that its customer asked later. Then it is told why it waits.
    fn repeated(&mut self, from: Contact, traced: bool, id: RequestId, effects: &mut Effects) -> bool {
        let Some(primary) = &mut self.primary else { return true };
        let Some(check) = primary.checks.0.get_mut(&id.customer).filter(|check| check.id.number >= id.number) else {
            return false;
        };
        if check.id != id {
            effects.trace(|| TraceEvent::Refused { from: from.id, why: Refusal::NumberUsed });
            return true;
        }
        check.front_end = from;
        check.traced |= traced;
        check.unrepeated = Span(0);
        check.tell(false, effects);
        true
    }

    /// [12]
    pub(super) fn on_verdict(&mut self, request: RequestId, verdict: Verdict, at: Timestamp, effects: &mut Effects) {
        if verdict == Verdict::NobodyAnswers {
            return self.on_no_verdict(request, effects);
        }
        // Withdrawn, abandoned, or its second copy was faster: nobody needs this verdict.
        let Some(check) = self.primary.as_mut().and_then(|primary| primary.checks.take(request)) else { return };
        if check.rests {
            effects.cancel_timer(Timer::CheckAgain(request));
        }
        if self.last_number(request) >= request.number {
            // R8: executed meanwhile.
            effects.trace(|| TraceEvent::Refused { from: check.front_end.id, why: Refusal::NumberUsed });
            return;
        }
        if self.may_be_forgotten(request, check.since) {
            // Its customer went beyond it meanwhile, and was then evicted.
            return self.expire(check.owed(), effects);
        }
        match verdict {
            Verdict::Valid { .. } => {
                let (number, owed) = (self.book.accepted().next(), check.owed());
                let Check { postcode, items, .. } = check;
                let effect = EntryEffect::Accepted { postcode, items, number, at };
                self.execute(owed, effect, Outcome::Placed { number }, effects);
            }
            Verdict::Invalid { why, by } => {
                self.execute_rejection(check.owed(), Rejection::Postcode { why, by }, effects);
            }
            Verdict::NobodyAnswers => unreachable!("handled above"),
        }
    }

    /// Not a verdict: the order waits, and is asked about again. Many that wait take turns, or they would do nothing else.
    fn on_no_verdict(&mut self, request: RequestId, effects: &mut Effects) {
        let Some(primary) = &mut self.primary else { return };
        let turns = 1 + primary.checks.0.len() as u64 / AGAIN_AT_ONCE;
        let Some(check) = primary.checks.get_mut(request) else { return };
        check.rests = true;
        effects.set_timer(Timer::CheckAgain(request), self.settings.check_again_after.times(turns));
        if std::mem::replace(&mut check.why, WaitReason::NobodyAnswers) != WaitReason::NobodyAnswers {
            check.tell(check.traced, effects);
        }
    }

    pub(super) fn on_check_again(&mut self, request: RequestId, effects: &mut Effects) {
        let Some(check) = self.primary.as_mut().and_then(|primary| primary.checks.get_mut(request)) else { return };
        if std::mem::take(&mut check.rests) {
            let Check { postcode, traced, .. } = *check;
            effects.push(Effect::CheckPostcode { request, postcode, traced });
        }
    }

    /// Each heartbeat: who has waited for how long. What no front-end has repeated for long leaves its place: its customer is
    /// gone, or comes again and begins anew, under the same id.
    pub(super) fn count_checks(&mut self, effects: &mut Effects) {
        let Some(primary) = &mut self.primary else { return };
        let (abandoned_after, refused_after) = (abandoned_after(&self.settings), refused_after(&self.settings));
        let mut refused = Vec::new();
        primary.checks.0.retain(|_, check| {
            check.waited.0 += self.settings.heartbeat.0;
            check.unrepeated.0 += self.settings.heartbeat.0;
            if check.unrepeated >= abandoned_after {
                check.end(effects);
                return false;
            }
            let is_refused = refused_after.is_some_and(|after| check.waited >= after);
            if is_refused {
                check.end(effects);
                refused.push(check.clone());
            }
            !is_refused
        });
        for check in refused {
            let forgotten = self.may_be_forgotten(check.id, check.since);
            if self.last_number(check.id) < check.id.number && !forgotten {
                self.execute_rejection(check.owed(), Rejection::Unchecked { waited: check.waited }, effects);
            }
        }
    }
}

fn abandoned_after(settings: &Settings) -> Span {
    settings.patient(settings.forward_again_after, 10).times(MISSED_REPETITIONS)
}

fn refused_after(settings: &Settings) -> Option<Span> {
    settings.refuse_unchecked_after.map(|after| settings.patient(after, HOPS_OF_A_CHECK))
}
