//! Orders that wait for a verdict on their postcode: \[11\] out, \[12\] back.
//!
//! Every order is asked about at once: the driver answers what it remembers on the spot and lets the others take their turns
//! at the services, so that no order waits behind one that no service can check. Here it is decided how long an order waits,
//! what its customer is told meanwhile, and when nobody waits for it any more. The verdict is executed in `primary.rs`.

use std::collections::BTreeMap;

use super::answers::Owed;
use crate::ids::{CustomerId, OpNumber, RequestId, RequestNumber, Span};
use crate::machine::{Effect, Effects, Settings, Timer};
use crate::message::{Message, WaitReason};
use crate::postcode::Postcode;
use crate::trace::{Refusal, Unchecked};

/// Customers whose orders wait for a verdict, each with one (PROTOCOL section 8).
const MOST_CHECKS: usize = 8192;
/// Of orders that no service could tell about, about this many are asked about again in one
/// [`Settings::check_again_after`].
const AGAIN_AT_ONCE: u64 = 256;
/// A front-end repeats an order as long as its customer does. After this many repetitions that did not come, nobody waits.
const MISSED_REPETITIONS: u64 = 10;
/// A delayed order, its question and its verdict pass at most this many hops, with room to spare.
const HOPS_OF_A_CHECK: u64 = 16;

/// An order whose postcode is being looked up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Check {
    pub(super) owed: Owed,
    pub(super) since: OpNumber,
    pub(super) postcode: Postcode,
    pub(super) items: Vec<String>,
    /// How long it has waited for its verdict, counted in heartbeats of this primary.
    pub(super) waited: Span,
    /// How long ago a front-end sent it, counted in the same way.
    unrepeated: Span,
    why: WaitReason,
    /// No service could tell, and the timer runs after which they are asked again. Else the driver is at it.
    rests: bool,
}

impl Check {
    pub(super) fn new(owed: Owed, since: OpNumber, postcode: Postcode, items: Vec<String>) -> Self {
        let (waited, unrepeated, why) = (Span(0), Span(0), WaitReason::Asked);
        Self { owed, since, postcode, items, waited, unrepeated, why, rests: false }
    }

    fn id(&self) -> RequestId {
        self.owed.id
    }

    /// [11]: the primary alone asks; its verdict travels in the entry.
    fn ask(&self, effects: &mut Effects) {
        let Owed { id: request, traced, .. } = self.owed;
        effects.push(Effect::CheckPostcode { request, postcode: self.postcode, traced });
    }

    /// Nobody needs the verdict any more.
    fn end(&self, effects: &mut Effects) {
        match self.rests {
            true => effects.cancel_timer(Timer::CheckAgain(self.id())),
            false => effects.push(Effect::EndCheck { request: self.id() }),
        }
    }

    /// Not an outcome: the customer may know why it waits, and for how long.
    fn tell(&self, traced: bool, effects: &mut Effects) {
        let message = Message::Waiting { id: self.id(), why: self.why, waited: self.waited };
        effects.send(self.owed.front_end, traced, message);
    }
}

/// All orders that wait, one per customer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Checks(BTreeMap<CustomerId, Check>);

impl Checks {
    /// The order's check, if it is this one that waits.
    fn get_mut(&mut self, request: RequestId) -> Option<&mut Check> {
        self.0.get_mut(&request.customer).filter(|check| check.id() == request)
    }

    /// Whether the order waits already, or one that its customer asked later. Then it is told why it waits.
    pub(super) fn repeated(&mut self, owed: Owed, effects: &mut Effects) -> bool {
        let Some(check) = self.0.get_mut(&owed.id.customer).filter(|check| check.id().number >= owed.id.number) else {
            return false;
        };
        if check.id() != owed.id {
            owed.refused(Refusal::NumberUsed, effects);
            return true;
        }
        check.owed.front_end = owed.front_end;
        check.owed.traced |= owed.traced;
        check.unrepeated = Span(0);
        check.tell(false, effects);
        true
    }

    /// A new order, which waits from now on, if there is room for its customer.
    pub(super) fn begin(&mut self, check: Check, effects: &mut Effects) {
        let id = check.id();
        if self.0.len() >= MOST_CHECKS && !self.0.contains_key(&id.customer) {
            return check.owed.busy(effects);
        }
        // A customer that was restarted has forgotten the order that waits.
        self.gone_beyond(id.customer, id.number, effects);
        check.ask(effects);
        self.0.insert(id.customer, check);
    }

    /// The customer has gone on to request `to`: what it asked before is never executed here.
    pub(super) fn gone_beyond(&mut self, customer: CustomerId, to: RequestNumber, effects: &mut Effects) {
        if let Some(check) = self.0.get(&customer).filter(|check| check.id().number < to) {
            check.end(effects);
            self.0.remove(&customer);
        }
    }

    /// The verdict on this order is here. None: the order was withdrawn or abandoned, or this is its second verdict.
    pub(super) fn take(&mut self, request: RequestId, effects: &mut Effects) -> Option<Check> {
        self.get_mut(request)?;
        let check = self.0.remove(&request.customer)?;
        if check.rests {
            effects.cancel_timer(Timer::CheckAgain(request));
        }
        Some(check)
    }

    /// Not a verdict: the order waits, and is asked about again. Many that wait take turns, or they would do nothing else.
    pub(super) fn on_no_verdict(&mut self, request: RequestId, settings: &Settings, effects: &mut Effects) {
        let turns = 1 + self.0.len() as u64 / AGAIN_AT_ONCE;
        let Some(check) = self.get_mut(request) else { return };
        check.rests = true;
        effects.set_timer(Timer::CheckAgain(request), settings.check_again_after.times(turns));
        if std::mem::replace(&mut check.why, WaitReason::NobodyAnswers) != WaitReason::NobodyAnswers {
            check.tell(check.owed.traced, effects);
        }
    }

    pub(super) fn on_check_again(&mut self, request: RequestId, effects: &mut Effects) {
        if let Some(check) = self.get_mut(request)
            && std::mem::take(&mut check.rests)
        {
            check.ask(effects);
        }
    }

    /// Each heartbeat: how long each has waited. An order that no front-end has repeated for long leaves its place: its
    /// customer is gone, or comes again and begins anew, under the same id. Those that have waited too long leave as well,
    /// and are returned: they are to be refused.
    pub(super) fn count(&mut self, settings: &Settings, effects: &mut Effects) -> Vec<Check> {
        let (abandoned_after, refused_after) = (abandoned_after(settings), refused_after(settings));
        let mut refused = Vec::new();
        self.0.retain(|_, check| {
            check.waited.0 += settings.heartbeat.0;
            check.unrepeated.0 += settings.heartbeat.0;
            let is_abandoned = check.unrepeated >= abandoned_after;
            let is_refused = !is_abandoned && refused_after.is_some_and(|after| check.waited >= after);
            if is_abandoned || is_refused {
                check.end(effects);
            }
            refused.extend(is_refused.then(|| check.clone()));
            !is_abandoned && !is_refused
        });
        refused
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
        self.0.values().map(Check::id)
    }
}

fn abandoned_after(settings: &Settings) -> Span {
    settings.patient(settings.forward_again_after, 10).times(MISSED_REPETITIONS)
}

fn refused_after(settings: &Settings) -> Option<Span> {
    settings.refuse_unchecked_after.map(|after| settings.patient(after, HOPS_OF_A_CHECK))
}
