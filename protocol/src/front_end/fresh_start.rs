//! The operator's fresh start (PROTOCOL section 10): all members of the newest view are dead, and with them what only they
//! held. A new history begins with one replica that the operator names. Nothing ever begins so by itself.
//!
//! It is the one exception of the rule that a member of the next view was a member, or in step, in this one (I9). That the
//! members are dead is what the operator says; the front-end refuses if it hears one of them.

use super::{FrontEnd, Health};
use crate::ids::{OpNumber, ReplicaId, View, ViewNumber};
use crate::machine::Effects;
use crate::trace::{Denial, MachineEvent, NoFreshStart};

impl FrontEnd {
    /// The operator wants it: refused with a reason, or proposed like any other view: recorded by
    /// compare-and-set (R13), and announced only then (R12).
    pub(super) fn order_fresh_start(&mut self, after: ViewNumber, primary: ReplicaId, effects: &mut Effects) {
        if self.retired {
            // The newest front-end hears it too.
            return;
        }
        match self.fresh_view(after, primary) {
            Ok(view) => {
                self.afresh = Some(view);
                self.proposed = None;
                self.may_propose = true;
                self.reconsider = true;
            }
            Err(why) => effects.trace(|| MachineEvent::CommandRefused { why: Denial::FreshStart(why) }),
        }
    }

    fn fresh_view(&self, after: ViewNumber, primary: ReplicaId) -> Result<View, NoFreshStart> {
        let is_heard = |id: &ReplicaId| self.replicas.get(id).is_some_and(|known| known.health == Health::Alive);
        if self.token.is_none() {
            return Err(NoFreshStart::NameServerSilent);
        }
        if self.view.number == ViewNumber(0) {
            return Err(NoFreshStart::NoHistory);
        }
        if after != self.view.number {
            return Err(NoFreshStart::NotTheNewest { after, newest: self.view.number });
        }
        if let Some(member) = self.view.members.iter().find(|id| **id != primary && !self.is_dead(id)) {
            return Err(NoFreshStart::MayLive { member: *member, view: after });
        }
        if self.status_in_view(&primary).is_some_and(|status| status.acting) {
            return Err(NoFreshStart::Serves);
        }
        if !is_heard(&primary) {
            return Err(NoFreshStart::DoesNotAnswer);
        }
        let begins_at = Some(self.newest.next());
        Ok(View { number: after.next(), primary, members: vec![primary], begins_at })
    }

    /// What the operator ordered, while it may still follow: nothing was recorded meanwhile, and no member was heard.
    pub(super) fn fresh_view_to_record(&self) -> Option<View> {
        let may_follow = |view: &&View| {
            let lost = |id: &ReplicaId| *id == view.primary || self.is_dead(id);
            view.number == self.view.number.next() && self.view.members.iter().all(lost)
        };
        self.afresh.as_ref().filter(may_follow).cloned()
    }

    /// An order is for what the operator saw: it does not wait for the same loss to happen again.
    pub(super) fn drop_overtaken_order(&mut self) {
        if self.fresh_view_to_record().is_none() {
            self.afresh = None;
        }
    }

    /// Any operation that somebody speaks of: a new history begins after it.
    pub(super) fn hear_of(&mut self, op: OpNumber) {
        self.newest = self.newest.max(op);
    }
}
