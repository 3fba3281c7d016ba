//! The primary: executes requests, one after the other, and decides when a result counts.
//!
//! [10] in; [11] [12] for the postcode (`replica/checks.rs`); the result is an entry, which goes to the peers ([5],
//! `replica/peers.rs`); once everybody in the ack set holds it, it is committed and may be answered ([13],
//! `replica/answers.rs`).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::answers::{Answers, Owed};
use super::checks::{Check, Checks};
use super::peers::{Acknowledgement, Peers, Round};
use super::shared::Shared;
use crate::acknowledge::Acknowledge;
use crate::ids::{CustomerId, OpNumber, Position, ReplicaId, RequestId, RequestNumber, Span, Timestamp, View};
use crate::machine::Effects;
use crate::menu::check_items;
use crate::message::{Answer, Ask, Summary};
use crate::order_book::{Entry, EntryEffect, Outcome, Rejection, Session};
use crate::plant::Plant;
use crate::postcode::Verdict;
use crate::trace::{MachineEvent, Note, Refusal, Unchecked};

/// Limits of PROTOCOL section 8: entries that somebody in the ack set lacks.
const MOST_UNCOMMITTED: u64 = 4096;
/// Bytes of entries that a joiner may fall behind, at least; with a larger state, as many as that takes.
const KEPT_FOR_JOINERS: u64 = 64 * 1024 * 1024;

/// What only an acting primary has, made anew at every entry of a view (rule R3).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Primary {
    /// Where its history ended when it entered: may have been answered in an earlier view, so a joiner must hold it (R4).
    inherited: OpNumber,
    /// May be answered. With all copies awaited (the rule) it is what all of them hold.
    commit: OpNumber,
    /// What everybody in the ack set holds.
    held: OpNumber,
    peers: Peers,
    answers: Answers,
    checks: Checks,
    /// Entries that are shown step by step.
    traced_ops: BTreeSet<OpNumber>,
}

impl Primary {
    pub(super) fn of(view: &View, inherited: OpNumber, me: ReplicaId) -> Self {
        Self {
            inherited,
            commit: OpNumber(0),
            held: OpNumber(0),
            peers: Peers::of(view, me),
            answers: Answers::default(),
            checks: Checks::default(),
            traced_ops: BTreeSet::new(),
        }
    }

    #[cfg(feature = "simulation")]
    pub(super) fn inherited(&self) -> OpNumber {
        self.inherited
    }

    pub(super) fn commit(&self) -> OpNumber {
        self.commit
    }

    pub(super) fn peers(&self) -> &Peers {
        &self.peers
    }

    /// Orders that wait for their verdicts, for observers.
    pub(super) fn unchecked(&self) -> Option<Unchecked> {
        self.checks.report()
    }

    /// The orders that wait for their verdicts.
    #[cfg(feature = "simulation")]
    pub(super) fn unchecked_requests(&self) -> impl Iterator<Item = RequestId> + '_ {
        self.checks.requests()
    }

    /// It leads no more. Reads and orders that wait are dropped: the front-end still has the requests.
    pub(super) fn end(&self, effects: &mut Effects) {
        self.checks.end(effects);
    }

    // Messages.

    /// [10]
    pub(super) fn on_request(
        &mut self,
        shared: &mut Shared,
        owed: Owed,
        since: OpNumber,
        ask: Ask,
        effects: &mut Effects,
    ) {
        let id = owed.id;
        match executed(shared, id.customer).map(|session| (session.number, session.op)) {
            // R8: what the customer has gone beyond is never executed, and nobody waits for its answer.
            Some((number, _)) if number > id.number => owed.refused(Refusal::NumberUsed, effects),
            // R8: executed already.
            Some((number, op)) if number == id.number => self.owe_again(shared, op, owed, effects),
            Some(_) | None => match ask {
                Ask::History { postcode, page } => self.answers.on_history(owed, postcode, page, shared, effects),
                Ask::Order { .. } | Ask::Withdraw if may_be_forgotten(shared, id, since) => {
                    self.answers.expire(owed, shared, effects);
                }
                Ask::Withdraw => self.on_withdraw(shared, owed, effects),
                Ask::Order { postcode, items } => {
                    self.on_order(shared, Check::new(owed, since, postcode, items), effects);
                }
            },
        }
    }

    /// R7: what was executed already as op `op` is answered once it is committed, like everything else.
    fn owe_again(&mut self, shared: &mut Shared, op: OpNumber, owed: Owed, effects: &mut Effects) {
        // Planted: its outcome is known, so why wait?
        if shared.plants(Plant::StoredReplyEarly) {
            return owed.reply_from_session(shared, self.commit, effects);
        }
        self.answers.owe(op, owed);
    }

    /// Makes the number before this one unusable, or answers with its outcome.
    fn on_withdraw(&mut self, shared: &mut Shared, owed: Owed, effects: &mut Effects) {
        if self.is_full(shared) {
            return owed.busy(effects);
        }
        let id = owed.id;
        let given_up = RequestNumber(id.number.0.saturating_sub(1));
        let executed = executed(shared, id.customer).filter(|session| session.number == given_up);
        let outcome = executed.map_or(Outcome::NeverPlaced, |session| session.outcome);
        self.execute(shared, owed, EntryEffect::Withdrawn, outcome, effects);
        self.checks.gone_beyond(id.customer, id.number, effects);
    }

    /// An order that was not executed yet.
    fn on_order(&mut self, shared: &mut Shared, order: Check, effects: &mut Effects) {
        if self.checks.repeated(order.owed, effects) {
            return;
        }
        if self.is_full(shared) {
            return order.owed.busy(effects);
        }
        match check_items(&order.items) {
            Ok(()) => self.checks.begin(order, effects),
            Err(error) => self.execute_rejection(shared, order.owed, Rejection::Items(error), effects),
        }
    }

    /// [12]
    pub(super) fn on_verdict(
        &mut self,
        shared: &mut Shared,
        request: RequestId,
        verdict: Verdict,
        at: Timestamp,
        effects: &mut Effects,
    ) {
        let verdict = match verdict {
            Verdict::NobodyAnswers => return self.checks.on_no_verdict(request, &shared.settings, effects),
            Verdict::Valid { .. } => Ok(()),
            Verdict::Invalid { why, by } => Err(Rejection::Postcode { why, by }),
        };
        let Some(Check { owed, since, postcode, items, .. }) = self.checks.take(request, effects) else { return };
        if is_beyond(shared, request) {
            return owed.refused(Refusal::NumberUsed, effects);
        }
        if may_be_forgotten(shared, request, since) {
            // Its customer went beyond it meanwhile, and was then evicted.
            return self.answers.expire(owed, shared, effects);
        }
        match verdict {
            Ok(()) => {
                let number = shared.book.catch_up().accepted().next();
                let effect = EntryEffect::Accepted { postcode, items, number, at };
                self.execute(shared, owed, effect, Outcome::Placed { number }, effects);
            }
            Err(why) => self.execute_rejection(shared, owed, why, effects),
        }
    }

    /// [6]
    pub(super) fn on_ack(&mut self, shared: &Shared, from: ReplicaId, traced: bool, ack: Acknowledgement) {
        // R3: acknowledgements of earlier views do not count.
        if ack.view < shared.view.number {
            return;
        }
        // Where that is in this history, if it is a beginning of it (R6).
        let here = |at: Position| shared.log.position_at(at.op).filter(|mine| shared.is_same(*mine, at)).unwrap_or(at);
        let position = self.as_shown(shared, traced, ack.position).map(here);
        self.peers.on_ack(from, Acknowledgement { position, ..ack }, shared);
    }

    /// [4]: the replicas to be brought up.
    pub(super) fn on_joiners(&mut self, shared: &Shared, joiners: &[ReplicaId], effects: &mut Effects) {
        if self.peers.bring_up(joiners, shared) {
            self.beat(shared, effects);
        }
    }

    // Timers.

    /// Looks for silent peers, and for orders that have waited too long.
    pub(super) fn on_heartbeat(&mut self, shared: &mut Shared, effects: &mut Effects) {
        self.peers.watch(shared, effects);
        for check in self.checks.count(&shared.settings, effects) {
            let id = check.owed.id;
            if !is_beyond(shared, id) && !may_be_forgotten(shared, id, check.since) {
                self.execute_rejection(shared, check.owed, Rejection::Unchecked { waited: check.waited }, effects);
            }
        }
    }

    pub(super) fn on_check_again(&mut self, request: RequestId, effects: &mut Effects) {
        self.checks.on_check_again(request, effects);
    }

    /// This process was itself frozen: it accuses nobody (PROTOCOL section 7).
    pub(super) fn on_frozen(&mut self, shared: &mut Shared) {
        self.peers.forgive(shared);
    }

    /// A proof of death: the front-end hears of it at once.
    pub(super) fn on_gone(&mut self, shared: &mut Shared, peer: ReplicaId) {
        self.peers.on_gone(peer, shared);
    }

    // Steps.

    /// The heartbeat: "where are you?", with the newest barrier.
    pub(super) fn beat(&mut self, shared: &Shared, effects: &mut Effects) {
        let traced = self.answers.has_traced_read();
        let (peers, round) = self.round(shared);
        peers.beat(&round, traced, effects);
    }

    /// Everything that follows from what is known now: commit, take joiners in, answer, send on.
    pub(super) fn advance(&mut self, shared: &mut Shared, effects: &mut Effects) {
        let here = shared.here().op;
        let own = shared.own_part();
        let least = self.peers.held_by_all(own);
        self.held = self.held.max(least.unwrap_or_default());
        let committed = match shared.settings.acknowledge {
            // Planted: committed is what the primary itself holds; the others get it when they get it.
            _ if shared.plants(Plant::AckBeforeReplicate) => Some(here),
            // Write-all: committed is what everybody in the ack set holds.
            Acknowledge::All => least,
            // Unsafe modes (PROTOCOL section 11).
            Acknowledge::One => self.peers.held_by_one(own),
            Acknowledge::None => Some(here),
        };
        if let Some(op) = committed.filter(|op| *op > self.commit) {
            self.commit = op;
            effects.trace(|| MachineEvent::Committed { op });
        }
        // R4: a joiner that holds everything that can have been answered is needed for every answer from now on.
        // Planted: any installed beginning of the history is enough of a copy.
        let early = shared.plants(Plant::JoinerInEarly);
        // In an unsafe mode, what all hold is enough: beyond it, a joiner might chase the newest orders for ever.
        let answered = if shared.settings.acknowledge.is_safe() { self.commit } else { self.held };
        let enough = if early { OpNumber(0) } else { answered.max(self.inherited) };
        shared.status_due |= self.peers.take_in(enough, effects);
        let needed = least.unwrap_or(OpNumber(0));
        if self.answers.raise_barrier() {
            self.beat(shared, effects);
        }
        self.answers.answer(shared, self.commit, self.peers.confirmed(), effects);
        if self.peers.are_sent_state() {
            shared.book.catch_up();
        }
        let (peers, round) = self.round(shared);
        peers.push(&round, effects);
        // A durable joiner says where it stands only when its whole file is written. Had it fallen behind the log by then, it would
        // need a copy again, for ever. As much as the state itself takes is enough if its disk writes faster than orders come.
        shared.log.trim_but(needed, self.peers.wanted_by_joiners(), shared.book.bytes().max(KEPT_FOR_JOINERS));
        // What everybody has is not sent any more, so it need not be shown.
        if !self.traced_ops.is_empty() {
            self.traced_ops = self.traced_ops.split_off(&needed.next());
        }
    }

    /// The peers, and what is common to everything that is sent to them now.
    fn round<'a>(&'a mut self, shared: &'a Shared) -> (&'a mut Peers, Round<'a>) {
        let (barrier, commit, traced_ops) = (self.answers.barrier(), self.commit, &self.traced_ops);
        (&mut self.peers, Round { shared, here: shared.here(), barrier, commit, traced_ops })
    }

    fn is_full(&self, shared: &Shared) -> bool {
        shared.view.members.len() < shared.settings.min_members as usize
            || shared.here().op.0.saturating_sub(self.held.max(self.inherited).0) >= MOST_UNCOMMITTED
    }

    /// Where slowed messages are watched, the quiet answer to a heartbeat must not overtake the shown one: what is shown
    /// counts when it has arrived on the screen. (Were the shown one lost, the update is sent, and answered, again.)
    fn as_shown(&self, shared: &Shared, traced: bool, at: Option<Position>) -> Option<Position> {
        let hidden = !traced && shared.settings.hop > Span(0);
        let first_shown = self.traced_ops.range(..=at?.op).next().filter(|_| hidden);
        let before = first_shown.and_then(|first| shared.log.position_at(OpNumber(first.0 - 1)));
        before.filter(|_| at.is_some_and(|at| shared.log.holds(at))).or(at)
    }

    /// R8: a rejection is an entry as well. Were it only said, a second copy of the request could still be accepted.
    fn execute_rejection(&mut self, shared: &mut Shared, owed: Owed, why: Rejection, effects: &mut Effects) {
        let outcome = Outcome::Rejected { why };
        // Planted: only said, and forgotten.
        if shared.plants(Plant::RejectionNotLogged) {
            return owed.reply(Answer::Outcome(outcome), shared.view.number, self.commit, effects);
        }
        self.execute(shared, owed, EntryEffect::Rejected, outcome, effects);
    }

    /// The result becomes the next entry. Its answer is owed until it is committed.
    fn execute(
        &mut self,
        shared: &mut Shared,
        owed: Owed,
        effect: EntryEffect,
        outcome: Outcome,
        effects: &mut Effects,
    ) {
        let (op, request) = (shared.here().op.next(), owed.id);
        if owed.traced {
            self.traced_ops.insert(op);
            let outcome = Summary::from(&outcome);
            effects.trace(|| MachineEvent::Noted(Note::Executed { request, op, outcome }));
        }
        self.answers.owe(op, owed);
        shared.append(Arc::new(Entry { op, view: shared.view.number, request, effect, outcome }));
    }
}

/// R8: the newest request of a customer that was executed. Before another one is executed, this is asked.
fn executed(shared: &mut Shared, customer: CustomerId) -> Option<Session> {
    // Planted: nobody looks, and a repeated request is executed again.
    let session = shared.book.catch_up().session(customer);
    session.filter(|_| !shared.plants(Plant::NoSessionTable))
}

/// R8: the order waited for its verdict, and meanwhile a later request of its customer was executed: the one of a restarted
/// customer that has forgotten the order, and was rejected for its items without waiting.
fn is_beyond(shared: &mut Shared, request: RequestId) -> bool {
    executed(shared, request.customer).map_or(RequestNumber(0), |session| session.number) >= request.number
}

/// R14: the customer has no session, and this request may be older than what was evicted. What is executed is younger than
/// all that was committed when its customer sent it for the first time; a customer that knew the horizon then was not evicted
/// since, if its request was executed.
fn may_be_forgotten(shared: &mut Shared, request: RequestId, since: OpNumber) -> bool {
    // Planted: every customer without a session is new.
    let trusting = shared.plants(Plant::EvictedAreNew);
    since < shared.book.catch_up().horizon() && executed(shared, request.customer).is_none() && !trusting
}
