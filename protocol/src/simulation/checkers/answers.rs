//! What customers are told, checked twice: against the committed history the moment it is told (I1, exact), and at the
//! end from the customers' own words alone.
//!
//! The second check asks the judge of `just-hungry check` ([`crate::judge`]).

use std::collections::{BTreeMap, BTreeSet};

use super::chain::Chain;
use crate::ids::{OpNumber, OrderNumber, RequestId, RequestNumber};
use crate::judge::{self, Act, End, Operation, OrderIndex, PostcodeHistory, contradictions};
use crate::machine::Wish;
use crate::message::{Answer, Ask};
use crate::order_book::{HistoryPage, OrderId, Outcome, PAGE};
use crate::postcode::Postcode;
use crate::simulation::broken_rule::BrokenRule;

/// One call of a customer, from the first time it was sent.
#[derive(Debug)]
struct Call {
    /// The highest op that some earlier answer makes this one come after.
    floor: OpNumber,
    invoked: u64,
    /// None for a withdrawal.
    postcode: Option<Postcode>,
}

/// What a finished call showed.
#[derive(Clone, Copy, Debug)]
enum Seen {
    /// This order is placed.
    Placed(RequestId),
    /// The history had this many orders.
    Length(u64),
}

/// A finished call on one postcode, as the end check sees it.
#[derive(Debug)]
struct Finished {
    invoked: u64,
    returned: u64,
    what: Seen,
}

/// What customers have asked and been answered so far.
#[derive(Debug, Default)]
pub struct Answers {
    open: BTreeMap<RequestId, Call>,
    /// Which requests withdraw the one before them.
    withdrawals: BTreeSet<RequestId>,
    /// The highest op that must lie before whatever is asked from now on.
    floor: OpNumber,
    finished: BTreeMap<Postcode, Vec<Finished>>,
    longest: BTreeMap<Postcode, Vec<OrderId>>,
    numbers: BTreeMap<OrderNumber, RequestId>,
    /// Orders whose customers were told that they are placed.
    pub acknowledged: u64,
    /// Customers that were told that nothing is known of their request any more.
    pub expired: u64,
}

impl Answers {
    /// A customer asks for the first time.
    pub fn asked(&mut self, now: u64, request: RequestId, wish: &Wish) {
        let postcode = match wish {
            Wish::Ask(Ask::Order { postcode, .. } | Ask::History { postcode, .. }) => Some(*postcode),
            Wish::Ask(Ask::Withdraw) | Wish::GiveUp | Wish::BeginAfresh { .. } => None,
        };
        if matches!(wish, Wish::Ask(Ask::Withdraw) | Wish::GiveUp) {
            self.withdrawals.insert(request);
        }
        self.open.insert(request, Call { floor: self.floor, invoked: now, postcode });
    }

    /// The order that a request withdraws, if it is a withdrawal.
    #[must_use]
    pub fn withdrawn_by(&self, request: RequestId) -> Option<RequestId> {
        let number = RequestNumber(request.number.0.saturating_sub(1));
        self.withdrawals.contains(&request).then_some(RequestId { number, ..request })
    }

    /// The history is lost that all answers so far were about. What is asked already may be answered from the new one.
    pub fn begin_anew(&mut self) {
        self.floor = OpNumber(0);
        self.open.values_mut().for_each(|call| call.floor = OpNumber(0));
        self.finished.clear();
        self.longest.clear();
        self.numbers.clear();
    }

    /// A customer has its answer.
    pub fn customer_answered(
        &mut self,
        now: u64,
        request: RequestId,
        answer: &Answer,
        chain: &Chain,
    ) -> Result<(), BrokenRule> {
        let call = self.open.remove(&request).ok_or(BrokenRule::AnsweredTwice(request))?;
        match (answer, call.postcode) {
            // Whether it was placed is what nobody knows.
            (Answer::Expired, _) => {
                self.expired += 1;
                Ok(())
            }
            (Answer::Outcome(outcome), None) => self.outcome(now, request, outcome, &call, chain, true),
            (Answer::Outcome(outcome), Some(_)) => self.outcome(now, request, outcome, &call, chain, false),
            (Answer::History(page), Some(asked)) if page.postcode == asked => self.history(now, page, &call, chain),
            (Answer::History(_), _) => Err(BrokenRule::NotItsHistory(request)),
        }
    }

    fn outcome(
        &mut self,
        now: u64,
        request: RequestId,
        outcome: &Outcome,
        call: &Call,
        chain: &Chain,
        withdrawal: bool,
    ) -> Result<(), BrokenRule> {
        let Some((op, _)) = chain.outcome(request).filter(|(_, truth)| *truth == outcome) else {
            return Err(BrokenRule::ToldUncommitted(request, outcome.clone()));
        };
        if op < call.floor {
            return Err(BrokenRule::OrderedTooEarly(request, op, call.floor));
        }
        self.floor = self.floor.max(op);
        let (order, invoked) = match withdrawal {
            false => (request, call.invoked),
            true => {
                let order = RequestId { number: RequestNumber(request.number.0 - 1), ..request };
                (order, self.open.remove(&order).map_or(call.invoked, |call| call.invoked))
            }
        };
        let Outcome::Placed { number } = outcome else { return Ok(()) };
        self.acknowledged += 1;
        if let Some(other) = self.numbers.insert(*number, order).filter(|other| *other != order) {
            return Err(BrokenRule::SameNumber(other, order, *number));
        }
        if let Some(postcode) = call.postcode {
            let what = Seen::Placed(order);
            self.finished.entry(postcode).or_default().push(Finished { invoked, returned: now, what });
        }
        Ok(())
    }

    fn history(&mut self, now: u64, page: &HistoryPage, call: &Call, chain: &Chain) -> Result<(), BrokenRule> {
        let truth = chain.history(page.postcode);
        check_page(page, truth)?;
        let before = page.total.checked_sub(1).map_or(OpNumber(0), |last| truth[last as usize].1);
        let lowest = before.max(call.floor);
        if truth.get(page.total as usize).is_some_and(|(_, op)| *op <= lowest) {
            return Err(BrokenRule::StaleHistory(page.postcode, page.total));
        }
        self.floor = self.floor.max(lowest);
        let what = Seen::Length(page.total);
        let finished = Finished { invoked: call.invoked, returned: now, what };
        self.finished.entry(page.postcode).or_default().push(finished);
        if page.page == 0 && page.total <= PAGE as u64 {
            let longest = self.longest.entry(page.postcode).or_default();
            let list = page.orders.iter().map(|order| order.id);
            if !list.clone().zip(&*longest).all(|(one, other)| one == *other) {
                return Err(BrokenRule::HistoriesDiffer(page.postcode));
            }
            if page.orders.len() > longest.len() {
                *longest = list.collect();
            }
        }
        Ok(())
    }

    /// All is quiet, and each postcode was read once more: the check from customers' words alone.
    pub fn at_the_end(&self) -> Result<(), BrokenRule> {
        self.finished.iter().try_for_each(|(postcode, calls)| {
            let longest = self.longest.get(postcode).map_or(&[][..], Vec::as_slice);
            // A history longer than a page was not read whole: nothing can be said of its end.
            if calls.iter().any(|call| matches!(call.what, Seen::Length(length) if length > longest.len() as u64)) {
                return Ok(());
            }
            in_order(*postcode, calls, longest)
        })
    }
}

/// What a page may show: the orders at its place in the committed history.
pub fn check_page(page: &HistoryPage, truth: &[(OrderId, OpNumber)]) -> Result<(), BrokenRule> {
    let start = page.page as usize * PAGE;
    let shown = (page.total as usize).saturating_sub(start).min(PAGE);
    let same = page.orders.iter().map(|order| order.id).eq(truth.iter().skip(start).take(shown).map(|(id, _)| *id));
    if page.total as usize > truth.len() || page.orders.len() != shown || !same {
        return Err(BrokenRule::ShowsUncommitted(page.postcode));
    }
    Ok(())
}

/// The judge's word on the calls at one postcode, whose longest list is known.
fn in_order(postcode: Postcode, calls: &[Finished], longest: &[OrderId]) -> Result<(), BrokenRule> {
    let presets = longest.iter().take_while(|id| matches!(id, OrderId::Preset(_))).count();
    let mut indices: BTreeMap<OrderId, OrderIndex> = longest.iter().copied().zip(0..).collect();
    let mut operations = Vec::with_capacity(calls.len());
    for (line, call) in calls.iter().enumerate() {
        let act = match call.what {
            Seen::Placed(request) => {
                let next = indices.len() as OrderIndex;
                Act::Place(*indices.entry(OrderId::Placed(request)).or_insert(next))
            }
            // A longer list was not read whole, and is not judged.
            Seen::Length(length) => Act::Read(judge::Seen::Beginning(length as OrderIndex)),
        };
        operations.push(Operation { line, act, start: call.invoked, end: Some((End::Done, call.returned)) });
    }
    // Orders whose customers were never answered may have been placed at any time.
    let placed: BTreeSet<_> = operations.iter().map(|operation| operation.act).collect();
    let unanswered = (presets..longest.len()).map(|index| Act::Place(index as OrderIndex));
    let unanswered = unanswered.filter(|act| !placed.contains(act));
    operations.extend(unanswered.map(|act| Operation { line: calls.len(), act, start: 0, end: None }));
    let here = PostcodeHistory {
        orders: indices.len() as OrderIndex,
        longest: (0..longest.len() as OrderIndex).collect(),
        others: Vec::new(),
        base: Some((0..presets as OrderIndex).collect()),
        operations,
    };
    match contradictions(&here).into_iter().next() {
        None => Ok(()),
        Some(contradiction) => Err(BrokenRule::HistoriesContradict(postcode, contradiction.reason)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::CustomerId;

    fn order(number: u64) -> RequestId {
        RequestId { customer: CustomerId(1), number: RequestNumber(number) }
    }

    fn postcode() -> Postcode {
        "DH1 3LE".parse().unwrap()
    }

    fn call(invoked: u64, returned: u64, what: Seen) -> Finished {
        Finished { invoked, returned, what }
    }

    #[test]
    fn lists_in_order_pass() {
        let longest = [OrderId::Preset(1), OrderId::Placed(order(1)), OrderId::Placed(order(2))];
        let calls = [
            call(0, 10, Seen::Placed(order(1))),
            call(5, 20, Seen::Length(1)),
            call(21, 30, Seen::Placed(order(2))),
            call(31, 32, Seen::Length(3)),
        ];
        assert_eq!(in_order(postcode(), &calls, &longest), Ok(()));
    }

    #[test]
    fn a_lost_order_is_found() {
        let longest = [OrderId::Preset(1)];
        assert!(
            in_order(postcode(), &[call(0, 10, Seen::Placed(order(1))), call(11, 12, Seen::Length(1))], &longest)
                .is_err()
        );
    }

    #[test]
    fn a_stale_read_is_found() {
        let longest = [OrderId::Placed(order(1)), OrderId::Placed(order(2))];
        let reads = [call(0, 10, Seen::Length(2)), call(11, 12, Seen::Length(1))];
        assert!(in_order(postcode(), &reads, &longest).is_err());
        let together = [call(0, 11, Seen::Length(2)), call(11, 12, Seen::Length(1))];
        assert_eq!(in_order(postcode(), &together, &longest), Ok(()));
    }
}
