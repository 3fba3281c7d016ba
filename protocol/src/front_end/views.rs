//! Which view comes next, and who gets to know (PROTOCOL section 5, `next_view`; section 6, removal).
//!
//! A proposal is only a wish: the name server's compare-and-set decides (rule R13), and nothing is announced before its
//! record is back (rule R12).

use std::collections::BTreeSet;

use super::{FrontEnd, Health, Known};
use crate::ids::{ReplicaId, Span, View, ViewNumber};
use crate::machine::{Effects, Timer};
use crate::message::{Message, Status};
use crate::plant::Plant;
use crate::trace::NoService;

/// At most one proposal in this time, unless somebody whom answers need is dead (PROTOCOL section 6).
const BETWEEN_PROPOSALS: Span = Span::millis(1000);

impl FrontEnd {
    pub(super) fn propose(&mut self, effects: &mut Effects) {
        self.drop_overtaken_order();
        if self.proposed.is_some() || !(self.may_propose || self.is_urgent()) {
            return;
        }
        let (Some(token), Ok(Some(view))) = (self.token, self.next_view()) else { return };
        let (name_server, expected) = (self.identity.name_servers.ask(), self.view.number);
        effects.send(name_server, true, Message::RecordView { token, expected, view: view.clone() });
        self.proposed = Some(view.clone());
        // An urgent one does not put off the others, however often somebody dies.
        if std::mem::take(&mut self.may_propose) {
            effects.set_timer(Timer::MayPropose, BETWEEN_PROPOSALS);
        }
        // Planted (R12): why wait for the record?
        if self.settings.plants(Plant::AnnounceBeforeRecording) {
            self.adopt(view, effects);
        }
        self.ask_name_server_later(effects);
    }

    /// Whether customers wait until the view changes: for the primary, or for an acknowledgement of the certainly dead.
    /// A replica that may only be slow must wait its turn, so that a flapping link does not change the view all the time.
    fn is_urgent(&self) -> bool {
        let is_gone = |id: &ReplicaId| self.replicas.get(id).is_some_and(|known| known.health == Health::Gone);
        self.is_dead(&self.view.primary) || self.candidates.iter().any(is_gone)
    }

    /// The answer is overdue. The world may have changed since: what is proposed is chosen anew.
    pub(super) fn propose_again(&mut self, effects: &mut Effects) {
        if self.proposed.take().is_some() {
            self.may_propose = true;
            self.propose(effects);
        }
    }

    /// The view to record next, none if the present one is right; or why there can be none.
    fn next_view(&self) -> Result<Option<View>, NoService> {
        if self.retired {
            return Err(NoService::Retired);
        }
        if self.token.is_none() {
            return Err(NoService::NameServerSilent);
        }
        if self.view.number == ViewNumber(0) {
            return self.first_view().map(Some);
        }
        if let Some(view) = self.fresh_view_to_record() {
            return Ok(Some(view));
        }
        let mut members = self.next_members();
        // Planted: the first registered that lives leads, whether it is a member or not.
        let seeks = self.settings.plants(Plant::PromoteFirstRegistered) && self.is_dead(&self.view.primary);
        if let Some(first) = self.first_registered().filter(|_| seeks) {
            members.insert(first);
            let (number, members) = (self.view.number.next(), members.into_iter().collect());
            return Ok(Some(View::new(number, first, members)));
        }
        if members.is_empty() {
            let name = |id: &ReplicaId| self.replicas.get(id).and_then(|known| known.name.clone());
            let awaited = self.view.members.iter().map(|id| (*id, name(id))).collect();
            return Err(NoService::NoMember { awaited });
        }
        // Growing is always right; shrinking below the wanted number of copies is not (PROTOCOL section 6).
        if members.len() < self.settings.min_members as usize && members.len() < self.view.members.len() {
            let (answer, wanted) = (members.len() as u32, self.settings.min_members);
            return Err(NoService::TooFew { answer, wanted });
        }
        let primary = self.next_primary(&members);
        // One that no longer acts may lead again only in a newer view, even if nothing else changes (rules R2, R11).
        let same = primary == self.view.primary
            && !self.stands_down(&primary)
            && members.iter().eq(&self.view.members)
            && members == self.candidates;
        let next = View::new(self.view.number.next(), primary, members.into_iter().collect());
        Ok((!same).then_some(next))
    }

    /// The first registered living replica alone, unless somebody remembers a view: then the record was lost, and
    /// starting again would begin a second history.
    fn first_view(&self) -> Result<View, NoService> {
        let seen = self.replicas.values().filter_map(|known| known.status.as_ref()).map(|status| status.view).max();
        if let Some(seen) = seen.filter(|seen| *seen > ViewNumber(0)) {
            return Err(NoService::JournalLost { seen });
        }
        if self.replicas.values().any(|known| known.health == Health::Unheard) {
            return Err(NoService::ReportsMissing);
        }
        let first = self.first_registered().ok_or(NoService::NoReplica)?;
        Ok(View::new(ViewNumber(1), first, vec![first]))
    }

    fn first_registered(&self) -> Option<ReplicaId> {
        let alive = self.replicas.iter().filter(|(_, known)| known.health == Health::Alive);
        alive.min_by_key(|(_, known)| known.order).map(|(id, _)| *id)
    }

    /// Candidates without the dead, without joiners that come and go, and without those whom the primary cannot reach.
    /// Where the primary misses two or more whom the front-end hears, the primary is the odd one out.
    fn next_members(&self) -> BTreeSet<ReplicaId> {
        let stays =
            |id: &ReplicaId| if self.view.members.contains(id) { !self.is_dead(id) } else { self.is_reliable(id) };
        let mut members: BTreeSet<_> = self.candidates.iter().copied().filter(stays).collect();
        let primary = self.view.primary;
        if let Some(status) = self.status_in_view(&primary).filter(|_| !self.is_dead(&primary)) {
            // What counts is that they were heard just now: else they may have died at the same time, and without the
            // primary nobody would be left.
            let is_fresh = |id: &&ReplicaId| self.replicas.get(id).is_some_and(Known::is_fresh);
            let heard = status.silent.iter().filter(|id| members.contains(id)).filter(is_fresh).count();
            if heard >= 2 {
                members.remove(&primary);
            } else {
                members.retain(|id| !status.silent.contains(id));
            }
        }
        members
    }

    /// The present one, if it acts or has not entered yet; else who holds the most, else who was found first.
    fn next_primary(&self, members: &BTreeSet<ReplicaId>) -> ReplicaId {
        let present = self.view.primary;
        if members.contains(&present) && !self.stands_down(&present) {
            return present;
        }
        let rank = |id: &ReplicaId| {
            let known = self.replicas.get(id);
            let op = known.and_then(|known| known.status.as_ref()?.position).map(|position| position.op);
            (op, std::cmp::Reverse(known.map(|known| known.order)))
        };
        members.iter().copied().max_by_key(rank).unwrap_or(present)
    }

    fn stands_down(&self, primary: &ReplicaId) -> bool {
        self.status_in_view(primary).is_some_and(|status| !status.acting)
    }

    pub(super) fn status_in_view(&self, replica: &ReplicaId) -> Option<&Status> {
        let status = self.replicas.get(replica)?.status.as_ref()?;
        (status.view == self.view.number).then_some(status)
    }

    pub(super) fn is_dead(&self, replica: &ReplicaId) -> bool {
        self.replicas.get(replica).is_some_and(Known::is_dead)
    }

    /// Why no customer can be served; none while every replica answers that an answer needs.
    pub(super) fn waits_for(&self) -> Option<NoService> {
        let next = match self.next_view() {
            Err(why) => return Some(why),
            Ok(next) => next?,
        };
        if next.number == ViewNumber(1) {
            return Some(NoService::FirstViewUnrecorded);
        }
        // Until then the present primary awaits each replica that is to be left out, member or in step.
        let left_out = self.candidates.iter().any(|id| !next.members.contains(id));
        let waits = left_out || self.stands_down(&self.view.primary);
        waits.then_some(NoService::ViewUnrecorded)
    }
}
