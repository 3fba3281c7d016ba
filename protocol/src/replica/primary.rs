//! The primary: executes requests, one after the other, and decides when a result counts.
//!
//! [10] in; [11] [12] for the postcode (`replica/checks.rs`); the result is an entry, which goes to the peers ([5], `replica/peers.rs`); once
//! everybody in the ack set holds it, it is committed and may be answered ([13], `replica/answers.rs`).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::Replica;
use super::answers::{Owed, Read};
use super::checks::Checks;
use super::peers::Peer;
use crate::ids::{
    Barrier, Contact, CustomerId, OpNumber, Position, ReplicaId, RequestId, RequestNumber, Span, View, ViewNumber,
};
use crate::machine::{Effects, Settings};
use crate::message::{Answer, Ask, Message};
use crate::order_book::{Entry, EntryEffect, Outcome, Rejection, Session};
use crate::plant::Plant;
use crate::trace::{Refusal, TraceEvent};

/// Limits of PROTOCOL section 8: uncommitted entries.
const MOST_UNCOMMITTED: u64 = 4096;

/// What only an acting primary has, made anew at every entry of a view (rule R3).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Primary {
    /// Where its history ended when it entered: may have been answered in an earlier view, so a joiner must hold it (R4).
    pub(super) inherited: OpNumber,
    pub(super) commit: OpNumber,
    pub(super) ack_set: BTreeSet<ReplicaId>,
    pub(super) peers: BTreeMap<ReplicaId, Peer>,
    pub(super) barrier: Barrier,
    /// In the order of arrival, hence of their barriers and indices.
    pub(super) reads: VecDeque<Read>,
    /// Answers that wait for the commit of their entry.
    pub(super) owed: BTreeMap<OpNumber, Owed>,
    /// Entries that are shown step by step.
    pub(super) traced_ops: BTreeSet<OpNumber>,
    silent: Vec<ReplicaId>,
    pub(super) checks: Checks,
}

impl Primary {
    pub(super) fn of(view: &View, inherited: OpNumber, me: ReplicaId) -> Self {
        let ack_set: BTreeSet<_> = view.members.iter().copied().collect();
        let peers = ack_set.iter().filter(|id| **id != me).map(|id| (*id, Peer::default())).collect();
        Self {
            inherited,
            commit: OpNumber(0),
            ack_set,
            peers,
            barrier: Barrier(0),
            reads: VecDeque::new(),
            owed: BTreeMap::new(),
            traced_ops: BTreeSet::new(),
            silent: Vec::new(),
            checks: Checks::default(),
        }
    }

    pub(super) fn commit(&self) -> OpNumber {
        self.commit
    }

    pub(super) fn ack_set(&self) -> &BTreeSet<ReplicaId> {
        &self.ack_set
    }

    /// Ack set and silent peers, for the front-end.
    pub(super) fn report(&self) -> (Vec<ReplicaId>, Vec<ReplicaId>) {
        (self.ack_set.iter().copied().collect(), self.silent.clone())
    }

    /// R5: whoever is silent is reported, never skipped.
    pub(super) fn note_silent(&mut self, limit: u64, settings: &Settings) {
        let silent = self.peers.iter().filter(|(id, peer)| self.ack_set.contains(id) && peer.is_silent(limit));
        self.silent = silent.map(|(id, _)| *id).collect();
        // Planted: it is skipped and not reported, so that the recorded view goes on to count it as a full copy.
        if settings.plants(Plant::SkipSlowBackup) {
            self.ack_set.retain(|id| !self.silent.contains(id));
            self.silent.clear();
        }
    }

    /// Who is being brought up, and how far.
    pub(super) fn joiners(&self) -> Vec<(ReplicaId, u32, u32)> {
        let outside = self.peers.iter().filter(|(id, _)| !self.ack_set.contains(id));
        outside.map(|(id, peer)| (*id, peer.progress().0, peer.progress().1)).collect()
    }
}

impl Replica {
    // Messages.

    /// [10]
    pub(super) fn on_request(&mut self, owed: Owed, since: OpNumber, ask: Ask, effects: &mut Effects) {
        let Owed { id, front_end, traced } = owed;
        if !self.acting() {
            effects.trace(|| TraceEvent::Refused { from: front_end.id, why: Refusal::NotPrimary });
            return effects.send(front_end, traced, Message::NotPrimary { id, view: self.view.number });
        }
        match self.executed(id.customer).map(|session| (session.number, session.op)) {
            // R8: what the customer has gone beyond is never executed, and nobody waits for its answer.
            Some((number, _)) if number > id.number => {
                effects.trace(|| TraceEvent::Refused { from: front_end.id, why: Refusal::NumberUsed });
            }
            // R8: executed already.
            Some((number, op)) if number == id.number => self.owe_again(op, owed, effects),
            Some(_) | None => match ask {
                Ask::History { postcode, page } => self.on_history(owed, (postcode, page), effects),
                Ask::Order { .. } | Ask::Withdraw if self.may_be_forgotten(id, since) => self.expire(owed, effects),
                Ask::Withdraw => self.on_withdraw(owed, effects),
                Ask::Order { postcode, items } => self.on_order(owed, since, (postcode, items), effects),
            },
        }
    }

    pub(super) fn is_full(&self) -> bool {
        let Some((primary, position)) = self.primary.as_ref().zip(self.position) else { return true };
        self.view.members.len() < self.settings.min_members as usize
            || position.op.0.saturating_sub(primary.commit.max(primary.inherited).0) >= MOST_UNCOMMITTED
    }

    pub(super) fn busy(owed: &Owed, effects: &mut Effects) {
        let Owed { id, front_end, traced } = *owed;
        // A thousand customers are told so thousands of times a second: of who is only counted, this is too.
        if traced {
            effects.trace(|| TraceEvent::Refused { from: front_end.id, why: Refusal::Busy });
        }
        effects.send(front_end, traced, Message::Busy { id });
    }

    /// Makes the number before this one unusable, or tells what became of it.
    fn on_withdraw(&mut self, owed: Owed, effects: &mut Effects) {
        if self.is_full() {
            return Self::busy(&owed, effects);
        }
        let id = owed.id;
        let given_up = RequestNumber(id.number.0.saturating_sub(1));
        let executed = self.executed(id.customer).filter(|session| session.number == given_up);
        let outcome = executed.map_or(Outcome::NeverPlaced, |session| session.outcome);
        self.execute(owed, EntryEffect::Withdrawn, outcome, effects);
        if let Some(primary) = &mut self.primary {
            primary.checks.gone_beyond(id.customer, id.number, effects);
        }
    }

    /// [6]
    pub(super) fn on_ack(
        &mut self,
        from: Contact,
        view: ViewNumber,
        (at, barrier, part): (Option<Position>, Barrier, Option<(OpNumber, u32)>),
        effects: &mut Effects,
    ) {
        if self.is_over(self.view.number, view) {
            return self.on_refused(view, effects);
        }
        // R3: acknowledgements of earlier views do not count.
        if view < self.view.number {
            return;
        }
        // Where that is in this history, if it is a beginning of it (R6).
        let same = |at: Position| self.log.position_at(at.op).filter(|mine| self.is_same(*mine, at)).unwrap_or(at);
        let at = at.map(same);
        let (Some(primary), Some(here)) = (&mut self.primary, self.position) else { return };
        if let Some(peer) = primary.peers.get_mut(&from.id) {
            peer.on_ack(at, barrier, part, (&self.log, &self.book, here));
        }
    }

    /// R1 on the side of the primary: somebody has gone on to a newer view.
    pub(super) fn on_refused(&mut self, view: ViewNumber, effects: &mut Effects) {
        if self.is_over(self.view.number, view) && self.acting() {
            self.stand_down(effects);
        }
    }

    // Private steps.

    /// Where slowed messages are watched, the quiet answer to a heartbeat must not overtake the shown one: what is shown
    /// counts when it has arrived on the screen. (Were the shown one lost, the update is sent, and answered, again.)
    pub(super) fn as_shown(&self, traced: bool, at: Option<Position>) -> Option<Position> {
        let hidden = self.primary.as_ref().filter(|_| !traced && self.settings.hop > Span(0));
        let first_shown = hidden.and_then(|primary| primary.traced_ops.range(..=at?.op).next());
        let before = first_shown.and_then(|first| self.log.position_at(OpNumber(first.0 - 1)));
        before.filter(|_| at.is_some_and(|at| self.log.holds(at))).or(at)
    }

    /// R8: the newest request of a customer that was executed. Whoever is about to execute another one asks here first.
    fn executed(&self, customer: CustomerId) -> Option<Session> {
        // Planted: nobody looks, and a repeated request is executed again.
        self.book.session(customer).filter(|_| !self.settings.plants(Plant::NoSessionTable))
    }

    /// R14: the customer has no session, and this request may be older than what was evicted. What is executed is younger than
    /// all that was committed when its customer sent it for the first time; so whoever knew the horizon then was not evicted
    /// since, if its request was executed.
    pub(super) fn may_be_forgotten(&self, request: RequestId, since: OpNumber) -> bool {
        // Planted: whoever has no session is new.
        let trusting = self.settings.plants(Plant::EvictedAreNew);
        since < self.book.horizon() && self.executed(request.customer).is_none() && !trusting
    }

    pub(super) fn last_number(&self, request: RequestId) -> RequestNumber {
        self.executed(request.customer).map_or(RequestNumber(0), |session| session.number)
    }

    /// R8: a rejection is an entry as well. Were it only said, a second copy of the request could still be accepted.
    pub(super) fn execute_rejection(&mut self, owed: Owed, why: Rejection, effects: &mut Effects) {
        let outcome = Outcome::Rejected { why };
        // Planted: only said, and forgotten.
        if self.settings.plants(Plant::RejectionNotLogged) {
            let Owed { id, front_end, traced } = owed;
            let (answer, view, commit) = (Answer::Outcome(outcome), self.view.number, self.commit());
            return effects.send(front_end, traced, Message::Reply { id, answer, view, commit });
        }
        self.execute(owed, EntryEffect::Rejected, outcome, effects);
    }

    /// The result becomes the next entry. Its answer is owed until it is committed.
    pub(super) fn execute(&mut self, owed: Owed, effect: EntryEffect, outcome: Outcome, effects: &mut Effects) {
        let (Some(primary), Some(position)) = (&mut self.primary, self.position) else { return };
        let op = position.op.next();
        if owed.traced {
            primary.traced_ops.insert(op);
            let (id, label) = (owed.id, outcome.label());
            effects
                .trace(|| TraceEvent::Log { text: format!("Request {id} is op {op}: {label} once everybody has it.") });
        }
        let entry = Entry { op, view: self.view.number, request: owed.id, effect, outcome };
        primary.owed.insert(op, owed);
        self.append(Arc::new(entry));
    }

    /// Everything that follows from what is known now: commit, take joiners in, answer, send on.
    pub(super) fn advance(&mut self, effects: &mut Effects) {
        let (Some(primary), Some(here)) = (&mut self.primary, self.position) else { return };
        let acked = |id: &ReplicaId| match primary.peers.get(id) {
            Some(peer) => peer.acked,
            None => Some(here.op),
        };
        // Write-all: committed is what everybody in the ack set holds.
        let least = primary.ack_set.iter().map(acked).min().flatten();
        // Planted: committed is what the primary itself holds; the others get it when they get it.
        let committed = if self.settings.plants(Plant::AckBeforeReplicate) { Some(here.op) } else { least };
        if let Some(op) = committed.filter(|op| *op > primary.commit) {
            primary.commit = op;
            effects.trace(|| TraceEvent::Committed { op });
        }
        // R4: a joiner that holds everything that can have been answered is needed for every answer from now on.
        // Planted: whoever has installed any beginning of the history is enough of a copy.
        let early = self.settings.plants(Plant::JoinerInEarly);
        let enough = if early { OpNumber(0) } else { primary.commit.max(primary.inherited) };
        let Primary { peers, ack_set, .. } = primary;
        let in_step = peers.iter().filter(|(_, peer)| peer.acked.is_some_and(|acked| acked >= enough));
        for replica in in_step.map(|(id, _)| *id) {
            if ack_set.insert(replica) {
                self.status_due = true;
                effects.trace(|| TraceEvent::TookIn { replica });
            }
        }
        let needed = least.unwrap_or(OpNumber(0));
        self.answer(effects);
        self.push_updates(effects);
        self.log.trim(needed);
        // What everybody has is not sent any more, so it needs not be shown.
        if let Some(primary) = self.primary.as_mut().filter(|primary| !primary.traced_ops.is_empty()) {
            primary.traced_ops = primary.traced_ops.split_off(&needed.next());
        }
    }
}
