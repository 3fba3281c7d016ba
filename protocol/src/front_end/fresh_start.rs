//! The operator's fresh start (PROTOCOL section 10): all members of the newest view are dead, and with them what only they
//! held. A new history begins with one replica that the operator names. Nothing ever begins so by itself.
//!
//! It is the one exception of the rule that a member of the next view was a member, or in step, in this one (I9). That the
//! members are dead is the operator's word; the front-end refuses if it hears one of them.

use super::{FrontEnd, Health};
use crate::ids::{OpNumber, ReplicaId, View, ViewNumber};
use crate::machine::Effects;
use crate::message::Message;
use crate::trace::TraceEvent;

impl FrontEnd {
    /// The operator wants it: refused with a sentence, or proposed like any other view, and announced once it is recorded.
    pub(super) fn order_fresh_start(&mut self, after: ViewNumber, primary: ReplicaId, effects: &mut Effects) {
        match self.fresh_view(after, primary) {
            Ok(view) => {
                self.afresh = Some(view);
                self.proposed = None;
                self.may_propose = true;
                self.reconsider = true;
            }
            Err(why) => effects.trace(|| TraceEvent::CommandRefused { why }),
        }
    }

    fn fresh_view(&self, after: ViewNumber, primary: ReplicaId) -> Result<View, String> {
        let is_heard = |id: &ReplicaId| self.replicas.get(id).is_some_and(|known| known.health == Health::Alive);
        if self.retired || self.token.is_none() {
            return Err(
                "This front-end cannot record a view now. Order the fresh start of the newest front-end.".into()
            );
        }
        if self.view.number == ViewNumber(0) {
            return Err("No history has begun yet, so there is none to begin afresh.".into());
        }
        if after != self.view.number {
            let newest = self.view.number;
            return Err(format!(
                "View {after} is not the newest, view {newest} is. Look again before you give its members up."
            ));
        }
        if let Some(alive) = self.view.members.iter().find(|id| **id != primary && !self.is_dead(id)) {
            return Err(format!(
                "{alive} is a member of view {after} and is not known to be dead: it may hold all orders. \
                 Restore it, or crash it first."
            ));
        }
        if self.status_in_view(&primary).is_some_and(|status| status.acting) {
            return Err("This replica serves, and holds all orders. Nothing is lost.".into());
        }
        if !is_heard(&primary) {
            return Err("This replica does not answer. Choose one that runs.".into());
        }
        Ok(View { number: after.next(), primary, members: vec![primary] })
    }

    /// What the operator ordered, until it is recorded or something else is.
    pub(super) fn fresh_view_to_record(&self) -> Option<View> {
        self.afresh.clone().filter(|view| view.number == self.view.number.next())
    }

    /// [4] R12: only once it is recorded. Again each heartbeat, until the replica acts.
    pub(super) fn announce_fresh_start(&mut self, effects: &mut Effects) {
        let Some(view) = self.afresh.take_if(|view| view.number <= self.view.number) else { return };
        let acts = self.status_in_view(&view.primary).is_some_and(|status| status.acting);
        if view != self.view || acts {
            return;
        }
        if let Some(contact) = self.replicas.get(&view.primary).and_then(|known| known.contact) {
            let at = self.newest.next();
            effects.send(contact, true, Message::BeginAfresh { view: view.clone(), at });
        }
        self.afresh = Some(view);
    }

    /// Any operation that somebody speaks of: a new history begins after it.
    pub(super) fn hear_of(&mut self, op: OpNumber) {
        self.newest = self.newest.max(op);
    }

    /// A fresh start was recorded, and the front-end that was to announce it is gone.
    pub(super) fn stopped_half_way(&self) -> Option<String> {
        let [only] = self.view.members[..] else { return None };
        let known = self.replicas.get(&only).filter(|known| known.health == Health::Alive)?;
        let status =
            known.status.as_ref().filter(|status| status.view < self.view.number && status.position.is_none())?;
        let unannounced = self.afresh.is_none() && self.view.number > ViewNumber(1);
        unannounced.then(|| {
            format!(
                "{only} was to begin a new history in view {}, is still in view {}, and the front-end that ordered it is \
                 gone. Order the fresh start again.",
                self.view.number, status.view
            )
        })
    }
}
