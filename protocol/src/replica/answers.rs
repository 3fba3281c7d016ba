//! When the primary answers, and what: never anything uncommitted (rule R7), and a read only after everybody who could
//! have gone on without this primary has confirmed that it has not (rule R9).

use std::collections::{BTreeMap, VecDeque};

use super::shared::Shared;
use crate::ids::{Barrier, Contact, OpNumber, RequestId, ViewNumber};
use crate::machine::Effects;
use crate::message::{Answer, Message};
use crate::order_book::OrderBook;
use crate::plant::Plant;
use crate::postcode::Postcode;
use crate::trace::{MachineEvent, Refusal};

/// Reads that wait, at most (PROTOCOL section 8).
const MOST_READS: usize = 4096;
/// Orders that are sent to readers in one round, about, so that memory stays bounded; the next round goes on, within a
/// heartbeat.
const MOST_ORDERS: usize = 10_000;

/// A request whose front-end waits for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Owed {
    pub(super) id: RequestId,
    pub(super) front_end: Contact,
    pub(super) traced: bool,
}

impl Owed {
    pub(super) fn reply(self, answer: Answer, view: ViewNumber, commit: OpNumber, effects: &mut Effects) {
        effects.send(self.front_end, self.traced, Message::Reply { id: self.id, answer, view, commit });
    }

    /// Answers with the outcome in the session table; not at all, if the customer has gone beyond this request.
    pub(super) fn reply_from_session(self, shared: &mut Shared, commit: OpNumber, effects: &mut Effects) {
        let session =
            shared.book.catch_up().session(self.id.customer).filter(|session| session.number == self.id.number);
        if let Some(session) = session {
            self.reply(Answer::Outcome(session.outcome), shared.view.number, commit, effects);
        }
    }

    pub(super) fn busy(self, effects: &mut Effects) {
        // Thousands of customers can be told so each second: where they are only counted, this is too.
        if self.traced {
            self.refused(Refusal::Busy, effects);
        }
        effects.send(self.front_end, self.traced, Message::Busy { id: self.id });
    }

    /// For observers: its message was refused.
    pub(super) fn refused(self, why: Refusal, effects: &mut Effects) {
        effects.trace(|| MachineEvent::Refused { from: self.front_end.id, why });
    }
}

/// A read that waits for its index to be committed and its barrier to be echoed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Read {
    owed: Owed,
    of: Sight,
    index: OpNumber,
    barrier: Barrier,
}

/// What was seen when a read arrived.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Sight {
    /// A page of a history, which had `length` orders. Within a view it only grows, so that this fixes the answer.
    Page { postcode: Postcode, page: u32, length: usize },
    /// That the customer's session was evicted: with the index committed, it is in every later view (rule R14).
    Evicted,
}

impl Sight {
    /// The answer, and how many orders are in it.
    fn answer(self, book: &OrderBook) -> (Answer, usize) {
        match self {
            Sight::Page { postcode, page, length } => {
                let page = book.earlier_history(postcode, page, length);
                let orders = page.orders.len();
                (Answer::History(page), orders)
            }
            Sight::Evicted => (Answer::Expired, 0),
        }
    }
}

/// All answers that wait, in this view.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Answers {
    /// By the entry that must be committed first.
    owed: BTreeMap<OpNumber, Owed>,
    /// In the order of arrival, hence of their barriers and indices.
    reads: VecDeque<Read>,
    /// The newest barrier that peers are asked to echo.
    barrier: Barrier,
}

impl Answers {
    pub(super) fn barrier(&self) -> Barrier {
        self.barrier
    }

    /// R7: what entry `op` holds, or held already, is answered once it is committed.
    pub(super) fn owe(&mut self, op: OpNumber, owed: Owed) {
        self.owed.insert(op, owed);
    }

    /// R9: the answer is fixed at arrival; taken later it could show younger orders that are not acknowledged yet.
    pub(super) fn on_history(
        &mut self,
        owed: Owed,
        postcode: Postcode,
        page: u32,
        shared: &mut Shared,
        effects: &mut Effects,
    ) {
        let length = shared.book.catch_up().length(postcode);
        self.read(owed, Sight::Page { postcode, page, length }, shared, effects);
    }

    /// R14: never executed (again). The customer hears of it only when it is certain, in this view and in all later ones.
    pub(super) fn expire(&mut self, owed: Owed, shared: &Shared, effects: &mut Effects) {
        owed.refused(Refusal::Expired, effects);
        self.read(owed, Sight::Evicted, shared, effects);
    }

    fn read(&mut self, owed: Owed, of: Sight, shared: &Shared, effects: &mut Effects) {
        if self.reads.len() >= MOST_READS {
            return owed.busy(effects);
        }
        // One barrier serves all reads of a round: `raise_barrier` raises it once.
        self.reads.push_back(Read { owed, of, index: shared.here().op, barrier: self.barrier.next() });
    }

    /// Whether somebody watches a read that is not confirmed.
    pub(super) fn has_traced_read(&self) -> bool {
        self.reads.iter().any(|read| read.owed.traced)
    }

    /// R9: whether reads arrived in this round. They get a barrier of their own, which is to be sent at once.
    pub(super) fn raise_barrier(&mut self) -> bool {
        let is_new = self.reads.back().is_some_and(|read| read.barrier > self.barrier);
        if is_new {
            self.barrier = self.barrier.next();
        }
        is_new
    }

    /// [13], of all whose turn has come. `confirmed`: the newest barrier that everybody in the ack set has echoed.
    pub(super) fn answer(&mut self, shared: &mut Shared, commit: OpNumber, confirmed: Barrier, effects: &mut Effects) {
        // R7: from the session table as from anywhere: only what is committed.
        while let Some(first) = self.owed.first_entry().filter(|first| *first.key() <= commit) {
            first.remove().reply_from_session(shared, commit, effects);
        }
        // R9: waits for its index to be committed, and for everybody's echo after it began. Planted: each bug skips one of the two waits.
        let [hasty, trusting] = [Plant::ReadBeforeCommit, Plant::ReadWithoutBarrier].map(|p| shared.plants(p));
        let ready = |read: &Read| (hasty || read.index <= commit) && (trusting || read.barrier <= confirmed);
        let mut sent = 0;
        while let Some(read) = self.reads.pop_front_if(|read| sent < MOST_ORDERS && ready(read)) {
            let (answer, orders) = read.of.answer(shared.book.catch_up());
            sent += orders;
            read.owed.reply(answer, shared.view.number, commit, effects);
        }
    }
}
