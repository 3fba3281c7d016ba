//! The invariants I1-I9 of PROTOCOL section 13, checked after every input of every machine.
//!
//! The checkers know more than any node: they see all machines from inside, and remember what the dead had said. They look
//! at states, not at traces, so that a machine that says one thing and does another is found out.

mod answers;
mod chain;
mod fresh_start;
#[cfg(test)]
mod tests;

use crate::acknowledge::Acknowledge;
use crate::ids::{FrontEndToken, NodeId, OpNumber, Position, RequestId, View, ViewNumber};
use crate::machine::{JournalRecord, Wish};
use crate::message::{Answer, Message};
use crate::replica::Replica;
use crate::simulation::broken_rule::BrokenRule;
use crate::simulation::node::incarnation;
use answers::{Answers, check_page};
use chain::{Chain, Place};

/// What is known of an incarnation of a replica; kept when it is dead.
#[derive(Clone, Debug, Default)]
struct Facts {
    id: NodeId,
    dead: bool,
    view: ViewNumber,
    acting: bool,
    position: Option<Position>,
    place: Option<Place>,
    /// Its book was looked at there.
    counted: bool,
    commit: OpNumber,
    ack_set: Vec<NodeId>,
}

/// All that the checkers remember of a cluster, and what they found out first.
#[derive(Debug, Default)]
pub struct Checkers {
    /// Whose copies answers wait for. Unless all are, what only all promise is not looked at: that everybody holds what was
    /// answered (I4, I6, I8 of joiners).
    acknowledge: Acknowledge,
    /// The first rule that did not hold.
    pub violation: Option<BrokenRule>,
    chain: Chain,
    answers: Answers,
    facts: Vec<Facts>,
    /// Incarnations that act as primary.
    acting: Vec<usize>,
    /// All recorded views; the index is the number.
    record: Vec<View>,
    token: FrontEndToken,
    /// In-sync(v): everybody who was ever in the ack set of the primary of each view.
    in_sync: Vec<Vec<NodeId>>,
    /// The highest op answered in each view.
    answered_in: Vec<OpNumber>,
    answered: OpNumber,
    /// The view that the operator ordered and that is not recorded yet, and the histories that are lost.
    afresh: Option<(ViewNumber, NodeId)>,
    lost: Vec<Chain>,
    /// The view in which the newest history began, if not the first of all.
    begun_anew: Option<ViewNumber>,
    /// Moments in which two primaries acted.
    pub two_primaries: u64,
}

impl Checkers {
    /// Of a cluster in which answers wait for these copies.
    #[must_use]
    pub fn of(acknowledge: Acknowledge) -> Self {
        Self { acknowledge, ..Self::default() }
    }

    /// Something that must never be.
    pub fn violate(&mut self, broken: BrokenRule) {
        self.violation.get_or_insert(broken);
    }

    /// Must hold; else this rule is broken.
    pub fn expect(&mut self, holds: bool, broken: impl FnOnce() -> BrokenRule) {
        if !holds && self.violation.is_none() {
            self.violation = Some(broken());
        }
    }

    fn check(&mut self, result: Result<(), BrokenRule>) {
        if let Err(broken) = result {
            self.violate(broken);
        }
    }

    /// Orders whose customers were told that they are placed.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        self.answers.acknowledged
    }

    /// The newest recorded view.
    #[must_use]
    pub fn newest_view(&self) -> Option<&View> {
        self.record.last()
    }

    /// Whether this incarnation may be a member of the view after the newest: it is one now, or was seen in sync.
    #[must_use]
    pub fn may_follow(&self, id: NodeId) -> bool {
        let in_sync = |view: &View| self.in_sync.get(view.number.0 as usize).is_some_and(|ids| ids.contains(&id));
        self.record.last().is_some_and(|view| view.members.contains(&id) || in_sync(view))
    }

    /// How often a customer was told that nothing is known of its request any more.
    #[must_use]
    pub fn expired(&self) -> u64 {
        self.answers.expired
    }

    /// Highest committed op.
    #[must_use]
    pub fn committed(&self) -> OpNumber {
        self.chain.committed()
    }

    // What happens to nodes.

    /// An incarnation starts.
    pub fn started(&mut self, node: usize, id: NodeId) {
        self.facts.resize_with(self.facts.len().max(node + 1), Facts::default);
        self.facts[node] = Facts { id, ..Facts::default() };
    }

    /// An incarnation is killed.
    pub fn died(&mut self, node: usize) {
        self.facts[node].dead = true;
        self.facts[node].acting = false;
        self.acting.retain(|acting| *acting != node);
    }

    // What customers see.

    /// A customer asks for the first time.
    pub fn asked(&mut self, now: u64, request: RequestId, wish: &Wish) {
        self.answers.asked(now, request, wish);
    }

    /// A customer has its answer. I1.
    pub fn customer_answered(&mut self, now: u64, request: RequestId, answer: &Answer) {
        let result = self.answers.customer_answered(now, request, answer, &self.chain);
        self.check(result);
    }

    /// All is quiet, and every postcode was read once more. I1 from the customers' words alone.
    pub fn at_the_end(&mut self) {
        let result = self.answers.at_the_end();
        self.check(result);
    }

    // What the name server writes.

    /// R12, R13, I7, I9.
    pub fn journaled(&mut self, record: &JournalRecord) {
        let newest = self.token;
        self.expect(record.token >= newest, || BrokenRule::TokenFell(record.token, newest));
        self.token = self.token.max(record.token);
        if self.record.is_empty() {
            self.record.push(View::default());
        }
        let old = &self.record[self.record.len() - 1];
        let new = &record.view;
        if old == new {
            return;
        }
        let allowed = |id: &NodeId| {
            old.number == ViewNumber(0)
                || old.members.contains(id)
                || self.in_sync.get(old.number.0 as usize).is_some_and(|in_sync| in_sync.contains(id))
        };
        let is_ordered = self.is_ordered(new);
        let fits = new.number == old.number.next()
            && new.members.contains(&new.primary)
            && (is_ordered || (new.begins_at.is_none() && new.members.iter().all(allowed)));
        let broken = if fits { None } else { Some(BrokenRule::DoesNotFollow(new.clone(), old.clone())) };
        self.record.push(new.clone());
        if is_ordered {
            self.begin_anew(new.number);
        }
        match broken {
            Some(broken) => self.violate(broken),
            None => self.members_hold_all_answered(),
        }
    }

    fn is_recorded(&self, view: &View) -> bool {
        self.record.get(view.number.0 as usize).is_some_and(|recorded| recorded == view)
            || (view.number == ViewNumber(0) && view.members.is_empty())
    }

    // What nodes say.

    /// A node sends a message. `journal`: what the name server has on disk at this moment; none, if there is a store that
    /// others may have changed since it was read.
    pub fn sent(&mut self, node: usize, journal: Option<&JournalRecord>, message: &Message) {
        match message {
            Message::ViewIs { view, .. } => {
                let recorded = self.is_recorded(view);
                self.expect(recorded, || BrokenRule::AnnouncedUnrecorded(view.clone()));
            }
            Message::Record { token, view, .. } => {
                let newest = || self.record.last().cloned().unwrap_or_default();
                let (is_true, on_disk) = match journal {
                    Some(journal) => (*token == journal.token && *view == journal.view, journal.view.clone()),
                    None => (*token <= self.token && self.is_recorded(view), newest()),
                };
                self.expect(is_true, || BrokenRule::ToldUnjournaled(view.clone(), on_disk));
            }
            Message::StateUpdate(update) => {
                let recorded = self.is_recorded(&update.view);
                self.expect(recorded, || BrokenRule::UpdateUnrecorded(update.view.clone()));
            }
            Message::Reply { id, answer, view, commit } if self.facts[node].view != ViewNumber(0) => {
                let known = self.chain.committed();
                self.expect(*commit <= known, || BrokenRule::CommitTooHigh(*commit, known));
                self.replied(*id, answer, *view);
            }
            Message::Register { .. }
            | Message::Lookup { .. }
            | Message::Found { .. }
            | Message::ClaimFrontEnd
            | Message::ReadRecord
            | Message::RecordView { .. }
            | Message::Status(_)
            | Message::Request { .. }
            | Message::Snapshot(_)
            | Message::Ack { .. }
            | Message::Reply { .. }
            | Message::Refused { .. }
            | Message::NotPrimary { .. }
            | Message::Busy { .. }
            | Message::LookUpAgain { .. }
            | Message::Waiting { .. } => {}
        }
    }

    /// A primary answers. I6: nothing is answered above commit.
    fn replied(&mut self, request: RequestId, answer: &Answer, view: ViewNumber) {
        let op = match answer {
            Answer::Outcome(outcome) => match self.chain.outcome(request) {
                Some((op, truth)) if truth == outcome => op,
                _ => return self.violate(BrokenRule::AnsweredUncommitted(request, outcome.clone())),
            },
            Answer::Expired => {
                let orders = [Some(request), self.answers.withdrawn_by(request)];
                return orders.into_iter().flatten().for_each(|order| self.chain.expire(order));
            }
            Answer::History(page) => {
                let truth = self.chain.history(page.postcode);
                let last = page.total.checked_sub(1).and_then(|last| truth.get(last as usize));
                let op = last.map_or(OpNumber(0), |(_, op)| *op);
                let result = check_page(page, truth);
                self.check(result);
                op
            }
        };
        let number = view.0 as usize;
        self.answered_in.resize(self.answered_in.len().max(number + 1), OpNumber(0));
        self.answered_in[number] = self.answered_in[number].max(op);
        if op > self.answered {
            self.answered = op;
            self.members_hold_all_answered();
        }
    }

    // What replicas are.

    /// A replica has handled something.
    pub fn observe(&mut self, node: usize, replica: &Replica) {
        let facts = &self.facts[node];
        let same_role = facts.view == replica.view().number && facts.acting == replica.acting();
        let same = same_role
            && facts.position == replica.position()
            && (facts.counted || replica.counts().is_none())
            && (!facts.acting || facts.commit == replica.commit() && facts.ack_set.len() == replica.ack_set().count());
        if same || self.violation.is_some() {
            return;
        }
        let before = std::mem::take(&mut self.facts[node]);
        let facts = Facts {
            id: before.id,
            dead: false,
            view: replica.view().number,
            acting: replica.acting(),
            position: replica.position(),
            place: None,
            counted: replica.counts().is_some(),
            commit: replica.commit(),
            ack_set: replica.ack_set().collect(),
        };
        let result = self.stand(node, replica, &before, facts);
        self.check(result);
        if self.facts[node].acting && !self.is_over(replica.view().number) {
            let result = self.lead(node, replica, &before);
            self.check(result);
        }
        self.acting.retain(|acting| *acting != node);
        if self.facts[node].acting {
            self.acting.push(node);
        }
        self.one_able_primary();
        self.hold_all_answered(node);
    }

    /// Where a replica stands: I5, I7, I9.
    fn stand(&mut self, node: usize, replica: &Replica, before: &Facts, mut facts: Facts) -> Result<(), BrokenRule> {
        let known = self.is_recorded(replica.view());
        facts.place = if facts.position == before.position { before.place } else { None };
        let grown = match (facts.position, facts.place) {
            (Some(position), None) if self.is_of_the_past(position, replica) => Ok(None),
            // A durable replica writes the beginning of a history before it leads it.
            (Some(position), None) if replica.only_begins() && self.chain.find(position).is_none() => Ok(None),
            (Some(position), None) => self.find_or_grow(position, replica, before).map(Some),
            (_, place) => Ok(place),
        };
        let (view, commit) = (facts.view, facts.commit);
        let again = facts.acting && before.acting && view == before.view;
        facts.place = *grown.as_ref().unwrap_or(&None);
        self.facts[node] = facts;
        if let Some(place) = grown? {
            replica.counts().map_or(Ok(()), |counts| self.chain.digest(place, counts))?;
        }
        if view < before.view {
            return Err(BrokenRule::ViewFell(before.view, view));
        }
        if !known {
            return Err(BrokenRule::EnteredUnrecorded(replica.view().clone()));
        }
        if again && commit < before.commit {
            return Err(BrokenRule::CommitFell(before.commit, commit));
        }
        if view == before.view && replica.acting() && !before.acting {
            return Err(BrokenRule::EnteredAgain(view));
        }
        Ok(())
    }

    /// I5: only a primary grows the tree of histories; all others stand on it.
    fn find_or_grow(&mut self, position: Position, replica: &Replica, before: &Facts) -> Result<Place, BrokenRule> {
        if let Some(place) = self.chain.find(position) {
            return Ok(place);
        }
        if !replica.acting() {
            return Err(BrokenRule::BackupStandsApart(position));
        }
        let mut place = match before.place {
            Some(place) => place,
            None => {
                let base = self.first_position(position, replica).ok_or(BrokenRule::NoHistory())?;
                self.chain.begin(replica.book(), base, !self.lost.is_empty())?
            }
        };
        for entry in replica.entries_after(self.chain.op(place)) {
            place = self.chain.grow(place, entry, replica.view().number)?;
        }
        match self.chain.find(position) {
            Some(found) if found == place => Ok(place),
            _ => Err(BrokenRule::EntriesLeadElsewhere(position)),
        }
    }

    /// What an acting primary does: I2, I6, I8, R3, R5.
    fn lead(&mut self, node: usize, replica: &Replica, before: &Facts) -> Result<(), BrokenRule> {
        let facts = &self.facts[node];
        let place = facts.place.ok_or(BrokenRule::NoHistory())?;
        let (view, number) = (facts.view, facts.view.0 as usize);
        let entered = !before.acting || before.view != facts.view;
        self.in_sync.resize(self.in_sync.len().max(number + 1), Vec::new());
        if entered {
            // The ack set may have grown in the same handling; what counts is that all members are in it.
            let all = replica.view().members.iter().all(|member| facts.ack_set.contains(member));
            self.expect(all, BrokenRule::AckSetLacksMember);
            let below = self.answered_in.iter().take(number).max().copied().unwrap_or_default();
            if self.chain.op(place) < below || !self.chain.holds(place, below) {
                return Err(BrokenRule::PrimaryLacks(view, below));
            }
        } else if before.ack_set.iter().any(|id| !facts.ack_set.contains(id)) {
            return Err(BrokenRule::AckSetShrinks(view));
        }
        let was: &[NodeId] = if entered { &replica.view().members } else { &before.ack_set };
        let answered = if self.acknowledge.is_safe() { replica.commit() } else { OpNumber(0) };
        let enough = answered.max(replica.inherited().unwrap_or_default());
        let facts = &self.facts[node];
        for id in facts.ack_set.iter().filter(|id| !was.contains(id)) {
            if replica.acked_by(*id).is_none_or(|acked| acked < enough) {
                return Err(BrokenRule::TakenInEarly(*id, enough));
            }
        }
        self.in_sync[number].clone_from(&facts.ack_set);
        let (commit, grew) = (facts.commit, entered || facts.commit > before.commit);
        if !grew || commit == OpNumber(0) {
            return Ok(());
        }
        self.chain.commit(place, commit)?;
        if self.acknowledge.is_safe() { self.everybody_holds(node, place, commit) } else { Ok(()) }
    }

    /// I6: what is committed is on everybody in the ack set, or that one has gone to a newer view since.
    fn everybody_holds(&self, node: usize, place: Place, commit: OpNumber) -> Result<(), BrokenRule> {
        let facts = &self.facts[node];
        let here = self.chain.ancestor(place, commit);
        for id in facts.ack_set.iter().filter(|id| **id != facts.id) {
            let peer = &self.facts[incarnation(*id)];
            let there = peer.place.and_then(|place| self.chain.ancestor(place, commit));
            if peer.view <= facts.view && there != here {
                return Err(BrokenRule::CommittedNotHeld(facts.view, commit, *id));
            }
        }
        Ok(())
    }

    /// I3: at most one acting primary whose ack set has not gone to a newer view.
    fn one_able_primary(&mut self) {
        if self.acting.len() < 2 {
            return;
        }
        self.two_primaries += 1;
        let gone_on = |id: &NodeId, view| self.facts[incarnation(*id)].view > view;
        let able = self.acting.iter().map(|node| &self.facts[*node]);
        let able = able.filter(|facts| !facts.ack_set.iter().any(|id| gone_on(id, facts.view))).count();
        self.expect(able < 2, || BrokenRule::AblePrimaries(able));
    }

    /// I4 of one replica.
    fn hold_all_answered(&mut self, node: usize) {
        let facts = &self.facts[node];
        let Some(newest) = self.record.last() else { return };
        if !self.acknowledge.is_safe()
            || facts.dead
            || self.answered == OpNumber(0)
            || !newest.members.contains(&facts.id)
        {
            return;
        }
        let holds = facts.place.is_some_and(|place| self.chain.holds(place, self.answered));
        let (id, number, answered) = (facts.id, newest.number, self.answered);
        self.expect(holds, || BrokenRule::MemberLacks(id, number, answered));
    }

    /// I4.
    fn members_hold_all_answered(&mut self) {
        let members = self.record.last().map(|view| view.members.clone()).unwrap_or_default();
        for member in members {
            self.hold_all_answered(incarnation(member));
        }
    }
}
