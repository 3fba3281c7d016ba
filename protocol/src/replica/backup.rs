//! A backup: takes the primary's results, says where it stands. The primary judges.
//!
//! Updates are repeatable: entries are applied only by a replica that stands exactly where they begin, so nothing late,
//! doubled or out of order can do harm (PROTOCOL section 5, `StateUpdate`).

use super::Replica;
use crate::ids::{Barrier, Contact, OpNumber, View};
use crate::machine::Effects;
use crate::message::{Copied, Message, StateUpdate};
use crate::trace::{MachineEvent, Refusal};

impl Replica {
    /// [5]
    pub(super) fn on_state_update(&mut self, from: Contact, traced: bool, update: StateUpdate, effects: &mut Effects) {
        let StateUpdate { view, from: begins, entries, barrier, commit } = update;
        if !self.follow(from, view, traced, effects) {
            return;
        }
        let mut waits = false;
        if self.shared.position.is_some_and(|here| self.shared.is_same(here, begins)) {
            self.loading = None;
            waits = !entries.is_empty();
            for entry in entries {
                // A gap is a broken primary's doing: nothing behind it is believed.
                let next = self.shared.position.is_some_and(|position| entry.op == position.op.next());
                if !next || !self.shared.book.catch_up().fits(&entry) {
                    break;
                }
                self.shared.append(entry);
            }
            self.shared.log.trim(OpNumber(u64::MAX));
            self.commit = self.commit.max(commit);
        } else if !entries.is_empty() {
            let ours = self.shared.position;
            effects.trace(|| MachineEvent::Refused { from: from.id, why: Refusal::DoesNotFit { from: begins, ours } });
        }
        if waits && self.has_unkept() {
            self.acknowledge_later(from, barrier, traced);
        } else {
            self.acknowledge(from, barrier, None, traced, effects);
        }
    }

    /// R1 on the side of those who follow: false (and refused) if the sender's view is over; a newer one is entered.
    pub(super) fn follow(&mut self, from: Contact, view: View, traced: bool, effects: &mut Effects) -> bool {
        if self.shared.is_over(view.number, self.shared.view.number) {
            self.shared.refuse(from, view.number, traced, effects);
            return false;
        }
        self.shared.addresses.insert(from.id, from.address);
        let number = view.number;
        if number > self.shared.view.number {
            self.become_backup(view, effects);
        }
        // In one view one replica is primary, and it does not follow itself.
        !(self.acting() && number == self.shared.view.number)
    }

    /// [6]: where I am, whatever was said; a durable replica, where its disk is (rule R10).
    pub(super) fn acknowledge(
        &self,
        to: Contact,
        barrier: Barrier,
        copy: Option<Copied>,
        traced: bool,
        effects: &mut Effects,
    ) {
        if self.shared.is_mute() {
            return;
        }
        let (view, position) = (self.shared.view.number, self.shared.position_to_say());
        effects.send(to, traced, Message::Ack { view, position, barrier, copy });
    }
}
