//! Joining: [1] register, find the front-end, receive a whole state [5] and acknowledge its parts [6].
//!
//! A snapshot is a compare-and-set on the receiver's position: it is installed in one go, and only instead of the position
//! it was made for (rule R6), so nothing old can set a replica back. A left-out member comes back the same way.

use crate::ids::{Barrier, Contact, OpNumber, Position, Role, ViewNumber};
use crate::machine::{Effects, Identity, Timer};
use crate::message::{Message, SnapshotPart};
use crate::order_book::OrderBook;
use crate::trace::{MachineEvent, Note, Refusal};

use super::Replica;
use super::peers::PART;

/// Parts in a snapshot, at most.
const MOST_PARTS: u32 = 16_384;

/// A snapshot that is not complete yet. The old state stays until it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Loading {
    view: ViewNumber,
    at: Position,
    parts: Vec<Option<Vec<u8>>>,
    missing: u32,
}

impl Loading {
    fn of(part: &SnapshotPart) -> Self {
        Self { view: part.view.number, at: part.at, parts: vec![None; part.parts as usize], missing: part.parts }
    }

    fn belongs(&self, part: &SnapshotPart) -> bool {
        self.view == part.view.number && self.at == part.at && self.parts.len() == part.parts as usize
    }

    /// Parts received of parts in all.
    pub(super) fn progress(&self) -> (u32, u32) {
        let all = self.parts.len() as u32;
        (all - self.missing, all)
    }
}

impl Replica {
    /// [1]
    pub(super) fn register(&self, traced: bool, effects: &mut Effects) {
        let Identity { name, role, name_servers, .. } = &self.shared.identity;
        for name_server in name_servers.all() {
            let register = Message::Register { name: name.clone(), role: *role, token: None, commit: self.commit() };
            effects.send(*name_server, traced, register);
        }
    }

    /// Nobody announces views: perhaps there is a new front-end that does not know this replica. Drawn quietly: [7] and [8]
    /// are a customer's.
    pub(super) fn look_front_end_up(&mut self, effects: &mut Effects) {
        self.shared.identity.name_servers.go_on_if_unanswered();
        effects.send(self.shared.identity.name_servers.ask(), false, Message::Lookup { role: Role::FrontEnd });
        effects.set_timer(Timer::FrontEndSilence, self.shared.settings.suspect_after.times(2));
    }

    /// A status makes this replica known to a front-end, which then lists it as a joiner. A front-end that has spoken knows
    /// it already: if it is not heard any more, telling it "I am alive" each time would only hide the broken link.
    pub(super) fn on_front_end_found(&mut self, from: Contact, who: &[(String, Contact)], effects: &mut Effects) {
        self.shared.identity.name_servers.answered(from);
        if let Some((_, found)) = who.first().filter(|(_, found)| self.front_end != Some(*found)) {
            self.send_status(*found, effects);
        }
    }

    /// [5]
    pub(super) fn on_snapshot(&mut self, from: Contact, traced: bool, part: SnapshotPart, effects: &mut Effects) {
        if !self.follow(from, part.view.clone(), traced, effects) {
            return;
        }
        let bounded = part.parts <= MOST_PARTS && part.part < part.parts && part.bytes.len() <= PART;
        if !bounded || part.instead_of != self.shared.position {
            effects.trace(|| MachineEvent::Refused { from: from.id, why: Refusal::StaleSnapshot });
            return self.acknowledge(from, Barrier(0), None, traced, effects);
        }
        let of = (part.at.op, part.part);
        self.keep(part);
        self.install_when_complete(effects);
        self.acknowledge(from, Barrier(0), Some(of), traced, effects);
    }

    /// Parts of another view or state than the newest are discarded.
    fn keep(&mut self, part: SnapshotPart) {
        let loading = match self.loading.take() {
            Some(loading) if loading.belongs(&part) => loading,
            // An older state of the same primary comes late.
            Some(loading) if loading.view == part.view.number && loading.at.op > part.at.op => {
                self.loading = Some(loading);
                return;
            }
            Some(_) | None => Loading::of(&part),
        };
        let loading = self.loading.insert(loading);
        if let Some(place @ None) = loading.parts.get_mut(part.part as usize) {
            *place = Some(part.bytes);
            loading.missing -= 1;
        }
    }

    /// R6: everything is replaced in one go.
    fn install_when_complete(&mut self, effects: &mut Effects) {
        let Some(Loading { at, parts, .. }) = self.loading.take_if(|loading| loading.missing == 0) else { return };
        let bytes: Vec<u8> = parts.into_iter().flatten().flatten().collect();
        match postcard::from_bytes::<OrderBook>(&bytes) {
            Ok(book) => {
                self.shared.book = book;
                self.shared.begin_log(at);
                self.commit = OpNumber(0);
                effects.trace(|| MachineEvent::Noted(Note::Installed { at }));
            }
            // Only a broken primary makes such a snapshot; asking again is all that can be done.
            Err(error) => effects.trace(|| MachineEvent::Noted(Note::Undecodable { at, error: error.to_string() })),
        }
    }
}
