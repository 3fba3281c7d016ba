//! Joining: [1] register, find the front-end, receive a whole state [5] and acknowledge its parts [6].
//!
//! A snapshot is a compare-and-set on the receiver's position: it is installed in one go, and only instead of the position
//! it was made for (rule R6), so nothing old can set a replica back. A left-out member comes back the same way.

use crate::ids::{Barrier, Contact, OpNumber, Position, Role, ViewNumber};
use crate::machine::{Effects, Identity, Timer};
use crate::message::{Copied, Message, SnapshotPart};
use crate::order_book::{OrderBook, Piece, PieceError, Reached};
use crate::trace::{MachineEvent, Note, Refusal};

use super::Replica;
use super::transfer::WINDOW;

/// The longest part that is looked at.
const MOST_BYTES: u64 = 512 * 1024;
/// Parts that may overtake others, at most.
const MOST_EARLY: usize = 2 * WINDOW;

/// A snapshot that is not complete yet. The old state stays until it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Loading {
    /// In whose view the newest part came. What an earlier primary sent may still be of use to the next.
    view: ViewNumber,
    instead_of: Option<Position>,
    /// The newest place where the sender stood when it made a part.
    at: Position,
    copy: OrderBook,
    reached: Reached,
    /// Bytes that have come, of bytes in all, about.
    bytes: (u64, u64),
    /// Parts that overtook others.
    early: Vec<SnapshotPart>,
}

impl Loading {
    /// Bytes received of bytes in all, about.
    pub(super) fn progress(&self) -> (u64, u64) {
        self.bytes
    }

    /// The window's worth of parts may come in any order.
    fn keep(&mut self, part: SnapshotPart) {
        if part.piece.from < self.reached || self.early.contains(&part) {
            return;
        }
        let place = self.early.partition_point(|early| (early.piece.from, early.at) <= (part.piece.from, part.at));
        self.early.insert(place, part);
        self.early.truncate(MOST_EARLY);
    }

    /// The part that continues the copy, taken out. Those that can do so no more go.
    ///
    /// A part with sessions must not be older than what comes before it: a session that was before it when that was made,
    /// and had changed when this was made, would be in neither.
    fn next(&mut self) -> Option<SnapshotPart> {
        let (reached, at) = (self.reached, self.at.op);
        self.early.retain(|part| part.piece.from >= reached && (part.piece.is_of_orders() || part.at.op >= at));
        self.early.first().is_some_and(|part| part.piece.from == reached).then(|| self.early.remove(0))
    }

    fn take_in(&mut self, part: &SnapshotPart) -> Result<(), PieceError> {
        self.copy.take_in(&part.piece)?;
        let bytes = part.before + part.piece.bytes();
        (self.reached, self.bytes) = (part.piece.to, (bytes, part.all.max(bytes)));
        if part.at.op >= self.at.op {
            self.at = part.at;
        }
        Ok(())
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
        let instead_of = part.instead_of;
        if self.has_unkept() && instead_of == self.shared.position_to_say() {
            // What stands instead of that is on its way to the disk.
        } else if instead_of != self.shared.position || part.piece.bytes() > MOST_BYTES {
            effects.trace(|| MachineEvent::Refused { from: from.id, why: Refusal::StaleSnapshot });
        } else {
            self.load(part, effects);
        }
        if self.has_unkept() {
            // Installed, and not on disk.
            self.acknowledge_later(from, Barrier(0), traced);
        }
        // One that stands elsewhere by now says only where.
        let copy = (instead_of == self.shared.position).then(|| self.copied());
        self.acknowledge(from, Barrier(0), copy, traced, effects);
    }

    /// What this replica has of the state that is sent to it.
    fn copied(&self) -> Copied {
        let before = |book: &OrderBook, sessions| Copied::Before { orders: book.beginnings(), sessions };
        match &self.loading {
            Some(loading) if loading.view == self.shared.view.number && loading.instead_of == self.shared.position => {
                Copied::Reached { to: loading.reached, bytes: loading.bytes.0, at: loading.at.op }
            }
            Some(loading) => before(&loading.copy, Some((loading.reached.sessions, loading.at))),
            None if self.shared.position.is_some() => before(&self.shared.book, None),
            None => Copied::Before { orders: Vec::new(), sessions: None },
        }
    }

    fn load(&mut self, part: SnapshotPart, effects: &mut Effects) {
        if part.piece.is_empty() || !self.has_begun(&part) {
            return;
        }
        let Some(loading) = &mut self.loading else { return };
        loading.keep(part);
        while let Some(part) = loading.next() {
            match loading.take_in(&part) {
                Ok(()) if part.piece.rest.is_some() => return self.install(part.at, effects),
                Ok(()) => {}
                // Only a broken primary makes such a part; asking again is all that can be done.
                Err(why) => {
                    self.loading = None;
                    let (at, error) = (part.at, why.to_string());
                    return effects.trace(|| MachineEvent::Noted(Note::Undecodable { at, error }));
                }
            }
        }
    }

    /// Whether there is a copy to which this part may belong. The first part of a view's primary that continues what this
    /// replica has begins it.
    fn has_begun(&mut self, part: &SnapshotPart) -> bool {
        let (view, instead_of, at) = (part.view.number, part.instead_of, part.at);
        if self.loading.as_ref().is_some_and(|it| it.view == view && it.instead_of == instead_of) {
            return true;
        }
        let Ok(copy) = self.before(&part.piece) else { return false };
        let (reached, bytes) = (part.piece.from, (part.before, part.all));
        self.loading = Some(Loading { view, instead_of, at, copy, reached, bytes, early: Vec::new() });
        true
    }

    /// As [`Replica::copied`] told it.
    fn before(&self, piece: &Piece) -> Result<OrderBook, PieceError> {
        let sessions = piece.from.sessions;
        match &self.loading {
            Some(loading) if [OpNumber(0), loading.reached.sessions].contains(&sessions) => loading.copy.before(piece),
            None if sessions == OpNumber(0) => self.shared.book.before(piece),
            Some(_) | None => Err(PieceError::DoesNotFollow),
        }
    }

    /// R6: everything is replaced in one go.
    fn install(&mut self, at: Position, effects: &mut Effects) {
        let Some(Loading { copy, .. }) = self.loading.take() else { return };
        self.shared.book = copy.into();
        self.shared.begin_log(at);
        self.commit = OpNumber(0);
        effects.trace(|| MachineEvent::Noted(Note::Installed { at }));
    }
}
