//! When the primary answers, and what: never anything uncommitted (rule R7), and a read only after everybody who could
//! have gone on without this primary has confirmed that it has not (rule R9).

use super::Replica;
use super::primary::Primary;
use crate::ids::{Barrier, Contact, OpNumber, RequestId, ViewNumber};
use crate::machine::Effects;
use crate::message::{Answer, Message};
use crate::order_book::OrderBook;
use crate::plant::Plant;
use crate::postcode::Postcode;
use crate::trace::{Refusal, TraceEvent};

/// At most so many reads wait (PROTOCOL section 8).
const MOST_READS: usize = 4096;
/// About so many orders are told in one round, so that memory stays bounded; the next round goes on, within a heartbeat.
const MOST_TOLD: usize = 10_000;

/// An answer that waits for the commit of its entry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Owed {
    pub(super) id: RequestId,
    pub(super) front_end: Contact,
    pub(super) traced: bool,
}

impl Owed {
    /// Tells what the session table says of the request; nothing, if its customer has gone beyond it.
    fn tell(self, book: &OrderBook, (view, commit): (ViewNumber, OpNumber), effects: &mut Effects) {
        let Owed { id, front_end, traced } = self;
        if let Some(session) = book.session(id.customer).filter(|session| session.number == id.number) {
            let answer = Answer::Outcome(session.outcome);
            effects.send(front_end, traced, Message::Reply { id, answer, view, commit });
        }
    }
}

/// A read that waits for its index to be committed and its barrier to be echoed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Read {
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
    /// The answer, and how many orders it tells.
    fn told(self, book: &OrderBook) -> (Answer, usize) {
        match self {
            Sight::Page { postcode, page, length } => {
                let page = book.earlier_history(postcode, page, length);
                let told = page.orders.len();
                (Answer::History(page), told)
            }
            Sight::Evicted => (Answer::Expired, 0),
        }
    }
}

impl Primary {
    /// Whether somebody watches a read that is not confirmed.
    pub(super) fn has_traced_read(&self) -> bool {
        self.reads.iter().any(|read| read.owed.traced)
    }

    /// The newest barrier that everybody in the ack set has echoed.
    fn confirmed(&self) -> Barrier {
        let echoed = self.ack_set.iter().filter_map(|id| self.peers.get(id)).map(|peer| peer.echoed);
        echoed.min().unwrap_or(Barrier(u64::MAX))
    }
}

impl Replica {
    /// R9: the answer is fixed at arrival; taken later it could show younger orders that are not acknowledged yet.
    pub(super) fn on_history(&mut self, owed: Owed, (postcode, page): (Postcode, u32), effects: &mut Effects) {
        let length = self.book.length(postcode);
        self.read(owed, Sight::Page { postcode, page, length }, effects);
    }

    /// R14: never executed (again). Told only when it is certain, in this view and in all later ones.
    pub(super) fn expire(&mut self, owed: Owed, effects: &mut Effects) {
        effects.trace(|| TraceEvent::Refused { from: owed.front_end.id, why: Refusal::Expired });
        self.read(owed, Sight::Evicted, effects);
    }

    fn read(&mut self, owed: Owed, of: Sight, effects: &mut Effects) {
        let (Some(primary), Some(position)) = (&mut self.primary, self.position) else { return };
        if primary.reads.len() >= MOST_READS {
            return Self::busy(&owed, effects);
        }
        // One barrier serves all reads of a round: `confirm_reads` raises it once.
        let (index, barrier) = (position.op, primary.barrier.next());
        primary.reads.push_back(Read { owed, of, index, barrier });
    }

    /// R7: what was executed already as op `op` is answered once it is committed, like everything else.
    pub(super) fn owe_again(&mut self, op: OpNumber, owed: Owed, effects: &mut Effects) {
        let Some(primary) = &mut self.primary else { return };
        // Planted: its outcome is known, so why wait?
        if self.settings.plants(Plant::StoredReplyEarly) {
            return owed.tell(&self.book, (self.view.number, primary.commit), effects);
        }
        primary.owed.insert(op, owed);
    }

    /// [13]
    pub(super) fn answer(&mut self, effects: &mut Effects) {
        self.confirm_reads(effects);
        let Some(primary) = &mut self.primary else { return };
        let (view, commit, confirmed) = (self.view.number, primary.commit, primary.confirmed());
        // R7: from the session table as from anywhere: only what is committed.
        while let Some(first) = primary.owed.first_entry().filter(|first| *first.key() <= commit) {
            first.remove().tell(&self.book, (view, commit), effects);
        }
        // R9: waits for its index to be committed, and for everybody's word given after it began. Planted: for only one.
        let [hasty, trusting] = [Plant::ReadBeforeCommit, Plant::ReadWithoutBarrier].map(|p| self.settings.plants(p));
        let ready = |read: &Read| (hasty || read.index <= commit) && (trusting || read.barrier <= confirmed);
        let mut told = 0;
        while let Some(read) = primary.reads.pop_front_if(|read| told < MOST_TOLD && ready(read)) {
            let Read { owed: Owed { id, front_end, traced }, of, .. } = read;
            let (answer, orders) = of.told(&self.book);
            told += orders;
            effects.send(front_end, traced, Message::Reply { id, answer, view, commit });
        }
    }

    /// R9: reads that arrived in this round get a barrier of their own, at once.
    fn confirm_reads(&mut self, effects: &mut Effects) {
        let Some(primary) = &mut self.primary else { return };
        if primary.reads.back().is_some_and(|read| read.barrier > primary.barrier) {
            primary.barrier = primary.barrier.next();
            self.beat(effects);
        }
    }
}
