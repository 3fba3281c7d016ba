//! A backup: takes the primary's results, says where it stands. The primary judges.
//!
//! Updates are repeatable: entries are applied only by a replica that stands exactly where they begin, so nothing late,
//! doubled or out of order can do harm (PROTOCOL section 5, `StateUpdate`).

use std::sync::Arc;

use super::Replica;
use crate::ids::{Barrier, Contact, OpNumber, View};
use crate::machine::Effects;
use crate::message::{Message, StateUpdate};
use crate::order_book::Entry;
use crate::trace::{Refusal, TraceEvent};

impl Replica {
    /// [5]
    pub(super) fn on_state_update(&mut self, from: Contact, traced: bool, update: StateUpdate, effects: &mut Effects) {
        let StateUpdate { view, from: begins, entries, barrier, commit } = update;
        if !self.follow(from, view, traced, effects) {
            return;
        }
        if self.position.is_some_and(|here| self.is_same(here, begins)) {
            for entry in entries {
                // A gap is a broken primary's doing: nothing behind it is believed.
                let next = self.position.is_some_and(|position| entry.op == position.op.next());
                if !next || !self.book.fits(&entry) {
                    break;
                }
                self.append(entry);
            }
            self.log.trim(OpNumber(u64::MAX));
            self.commit = self.commit.max(commit);
        } else if !entries.is_empty() {
            let ours = self.position;
            effects.trace(|| TraceEvent::Refused { from: from.id, why: Refusal::DoesNotFit { from: begins, ours } });
        }
        self.acknowledge(from, barrier, None, traced, effects);
    }

    /// R1 on the side of those who follow: false (and refused) if the sender's view is over; a newer one is entered.
    pub(super) fn follow(&mut self, from: Contact, view: View, traced: bool, effects: &mut Effects) -> bool {
        if self.is_over(view.number, self.view.number) {
            self.refuse(from, view.number, traced, effects);
            return false;
        }
        self.addresses.insert(from.id, from.address);
        let number = view.number;
        if number > self.view.number {
            self.become_backup(view, effects);
        }
        // In one view one replica is primary, and it does not follow itself.
        !(self.acting() && number == self.view.number)
    }

    /// [6]: where I am, whatever was said.
    pub(super) fn acknowledge(
        &self,
        to: Contact,
        barrier: Barrier,
        part: Option<(OpNumber, u32)>,
        traced: bool,
        effects: &mut Effects,
    ) {
        let (view, position) = (self.view.number, self.position);
        effects.send(to, traced, Message::Ack { view, position, barrier, part });
    }

    /// The same code on primary and backups: book and sessions, position, log.
    pub(super) fn append(&mut self, entry: Arc<Entry>) {
        let Some(position) = self.position else { unreachable!("entries follow a position") };
        assert_eq!(entry.op, position.op.next(), "entries have no gaps");
        let after = position.after(&entry);
        self.book.apply(&entry);
        self.log.push(entry, after);
        self.position = Some(after);
    }
}
