//! What a durable replica does with its disk: it writes before it speaks (PROTOCOL section 9).
//!
//! A replica that keeps everything in memory passes through here without an effect.

use super::Replica;
use super::durable::{Next, OwedAck};
use crate::disk::DiskTrouble;
use crate::ids::{Barrier, Contact, View};
use crate::machine::Effects;
use crate::message::Message;
use crate::trace::{MachineEvent, Note};

impl Replica {
    pub(super) fn note_recovery(&self, effects: &mut Effects) {
        if let (Some(_), Some(at)) = (&self.shared.disk, self.shared.position) {
            effects.trace(|| MachineEvent::Noted(Note::Recovered { at, view: self.shared.view.clone() }));
        }
    }

    /// At the end of a round.
    pub(super) fn write(&mut self, effects: &mut Effects) {
        // The disk looks at everything else, so it is taken out meanwhile.
        if let Some(mut disk) = self.shared.disk.take() {
            disk.write(&self.shared.now(), effects);
            self.shared.disk = Some(disk);
        }
    }

    /// R10: whether this message belongs to a view that must be on disk first. It is then looked at again.
    pub(super) fn waits_for_disk(
        &mut self,
        from: Contact,
        traced: bool,
        message: &Message,
        effects: &mut Effects,
    ) -> bool {
        let Some(view) = view_of(message) else { return false };
        if self.shared.disk.as_ref().is_none_or(|disk| view.number <= disk.view()) || !self.may_lead(view) {
            return false;
        }
        let is_new = self.shared.disk.as_ref().is_some_and(|disk| disk.is_new(view.number));
        let has_none = view.begins_at.is_some() || self.shared.position.is_none();
        let begins = is_new && has_none && view.primary == self.shared.id();
        if begins {
            // The view and the history that begins with it get to the disk together.
            if self.acting() {
                self.stand_down(effects);
            }
            self.loading = None;
            self.begin(view);
        }
        self.shared.disk.as_mut().is_some_and(|disk| disk.holds_back(view, begins, (from, traced, message)))
    }

    pub(super) fn on_kept(&mut self, number: u64, effects: &mut Effects) {
        let Some(mut disk) = self.shared.disk.take() else { return };
        let before = disk.kept();
        let works = disk.on_kept(number, &self.shared.now(), effects);
        let (next, is_more) = (disk.take_next(), disk.kept() != before);
        self.shared.disk = Some(disk);
        if works {
            self.shared.status_due = true;
            effects.trace(|| MachineEvent::Noted(Note::DiskWorks));
        }
        if let Some(Next { view, early }) = next {
            for (from, traced, message) in early {
                self.on_message(from, traced, message, effects);
            }
            self.enter(view, effects);
        }
        if is_more {
            self.acknowledge_what_is_kept(effects);
        }
    }

    pub(super) fn on_keep_failed(&mut self, why: DiskTrouble, effects: &mut Effects) {
        let Some(disk) = &mut self.shared.disk else { return };
        let is_news = disk.on_failed(why.clone(), effects);
        self.fall_silent(is_news.then_some(why), effects);
    }

    pub(super) fn on_disk_timer(&mut self, effects: &mut Effects) {
        let Some(disk) = &mut self.shared.disk else { return };
        let is_slow = disk.on_timer();
        self.fall_silent(is_slow.then_some(DiskTrouble::Slow), effects);
    }

    /// A process that stood still did not hear what its disk said meanwhile: that time does not count against the disk.
    pub(super) fn wait_anew_for_disk(&mut self, effects: &mut Effects) {
        if let Some(disk) = &self.shared.disk {
            disk.wait_anew(&self.shared.now(), effects);
        }
    }

    /// With such a disk it cannot answer for anything: it leads no more, and others leave it out.
    fn fall_silent(&mut self, news: Option<DiskTrouble>, effects: &mut Effects) {
        if let Some(why) = news {
            effects.trace(|| MachineEvent::Noted(Note::DiskFails { why }));
        }
        if self.shared.is_mute() && self.acting() {
            self.stand_down(effects);
        }
    }

    /// [6], later: what it says is not on disk yet.
    pub(super) fn acknowledge_later(&mut self, to: Contact, barrier: Barrier, traced: bool) {
        if let Some(disk) = &mut self.shared.disk {
            disk.owe(OwedAck { to, barrier, traced });
        }
    }

    fn acknowledge_what_is_kept(&mut self, effects: &mut Effects) {
        let here = self.shared.position;
        let owed = self.shared.disk.as_mut().and_then(|disk| disk.take_owed(here));
        if let Some(OwedAck { to, barrier, traced }) = owed {
            self.acknowledge(to, barrier, None, traced, effects);
        }
    }

    /// Whether entries that came are not on disk, so that saying so must wait.
    pub(super) fn has_unkept(&self) -> bool {
        self.shared.position_to_say() != self.shared.position
    }

    /// Nobody of an earlier view is owed anything.
    pub(super) fn forget_owed(&mut self) {
        if let Some(disk) = &mut self.shared.disk {
            disk.forget_owed();
        }
    }
}

/// The view that a message announces or belongs to, if its receiver is to enter it.
fn view_of(message: &Message) -> Option<&View> {
    match message {
        Message::ViewIs { view, .. } => Some(view),
        Message::StateUpdate(update) => Some(&update.view),
        Message::Snapshot(part) => Some(&part.view),
        Message::Register { .. }
        | Message::Lookup { .. }
        | Message::Found { .. }
        | Message::ClaimFrontEnd
        | Message::ReadRecord
        | Message::RecordView { .. }
        | Message::Record { .. }
        | Message::Status(_)
        | Message::Request { .. }
        | Message::Ack { .. }
        | Message::Refused { .. }
        | Message::Reply { .. }
        | Message::NotPrimary { .. }
        | Message::Busy { .. }
        | Message::LookUpAgain { .. }
        | Message::Waiting { .. } => None,
    }
}
