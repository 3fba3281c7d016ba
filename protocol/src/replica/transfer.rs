//! A whole state on its way to a peer, while it goes on changing here [5] [6].
//!
//! Parts are made when they are sent, of what there is then, each where the one before it ended, and the receiver takes only
//! what continues its copy. So parts that were lost are made again and need not be kept, and no round makes more than a few.

use std::collections::VecDeque;

use crate::ids::{OpNumber, Position};
use crate::message::{Copied, SnapshotPart};
use crate::order_book::{Piece, Reached, Sweep};

use super::shared::Shared;

/// Parts on the way to a peer (PROTOCOL section 8).
pub(super) const WINDOW: usize = 8;

/// A place in a copy, and about how many bytes lie before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Place {
    reached: Reached,
    bytes: u64,
}

/// A snapshot on its way to a peer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Transfer {
    instead_of: Option<Position>,
    stage: Stage,
    all: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Stage {
    /// What it has of the state is not known: it is to be asked.
    Ask,
    /// It was asked.
    Asked,
    Send(Sending),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Sending {
    /// What the receiver has, as it said last.
    acked: Place,
    sent: Place,
    /// The ends of parts that are not acknowledged.
    on_the_way: VecDeque<Reached>,
    /// The last part was sent: nothing follows until it is known what became of it.
    is_whole: bool,
    /// Where the primary stood when it first sent a last part. The receiver may stand there since.
    is_whole_since: Option<OpNumber>,
    /// The receiver said last that it has nothing of this.
    has_nothing: bool,
    sweep: Sweep,
}

impl Transfer {
    /// R6: in this view, of the whole state, for the position that the receiver has.
    pub(super) fn new(instead_of: Option<Position>) -> Self {
        Self { instead_of, stage: Stage::Ask, all: 0 }
    }

    pub(super) fn is_instead_of(&self, position: Option<Position>) -> bool {
        self.instead_of == position
    }

    /// Bytes acknowledged of bytes in all, about.
    pub(super) fn progress(&self) -> (u64, u64) {
        match &self.stage {
            Stage::Ask | Stage::Asked => (0, self.all),
            Stage::Send(sending) => (sending.acked.bytes, self.all),
        }
    }

    /// The first place where the receiver may stand that has installed this and has not said so.
    pub(super) fn is_whole_since(&self) -> Option<OpNumber> {
        match &self.stage {
            Stage::Ask | Stage::Asked => None,
            Stage::Send(sending) => sending.is_whole_since,
        }
    }

    /// Whether that is more than was known.
    pub(super) fn on_copied(&mut self, copied: &Copied, shared: &Shared) -> bool {
        match &mut self.stage {
            Stage::Ask | Stage::Asked => {
                self.stage = Stage::Send(Sending::from(beginning(copied, shared)));
                true
            }
            Stage::Send(sending) => sending.on_copied(copied),
        }
    }

    /// What was not acknowledged is lost.
    pub(super) fn again(&mut self) {
        match &mut self.stage {
            // It says so before the first part is there; later, it has dropped its copy.
            Stage::Send(sending) if !sending.has_nothing => sending.again(),
            Stage::Ask | Stage::Asked | Stage::Send(_) => self.stage = Stage::Ask,
        }
    }

    /// The next part, if one may be sent now. The first one is empty and only asks what the receiver has.
    pub(super) fn next(&mut self, shared: &Shared) -> Option<SnapshotPart> {
        let (at, view, instead_of) = (shared.here(), shared.view.clone(), self.instead_of);
        self.all = shared.book.bytes();
        let (piece, before) = match &mut self.stage {
            Stage::Ask => {
                self.stage = Stage::Asked;
                (Piece::default(), 0)
            }
            Stage::Asked => return None,
            Stage::Send(sending) => sending.next(at.op, shared)?,
        };
        self.all = self.all.max(before + piece.bytes());
        Some(SnapshotPart { view, instead_of, at, piece, before, all: self.all })
    }
}

/// Where a copy goes on of which the receiver has so much.
fn beginning(copied: &Copied, shared: &Shared) -> Place {
    match copied {
        Copied::Reached { to, bytes, .. } => Place { reached: *to, bytes: *bytes },
        Copied::Before { orders, sessions } => {
            let common = orders.iter().filter(|beginning| shared.book.begins_with(**beginning));
            let orders = common.map(|(orders, _)| *orders).max().unwrap_or(0);
            // Whose sender stood on this history has sessions of this history.
            let of_this = sessions.filter(|(_, at)| shared.log.holds(*at));
            let reached = Reached { orders, sessions: of_this.map_or(OpNumber(0), |(up_to, _)| up_to) };
            Place { reached, bytes: shared.book.bytes_of_orders(orders) }
        }
    }
}

impl Sending {
    fn from(begins: Place) -> Self {
        Self {
            acked: begins,
            sent: begins,
            on_the_way: VecDeque::new(),
            is_whole: false,
            is_whole_since: None,
            has_nothing: false,
            sweep: Sweep::default(),
        }
    }

    fn on_copied(&mut self, copied: &Copied) -> bool {
        self.has_nothing = matches!(copied, Copied::Before { .. });
        let Copied::Reached { to, bytes, .. } = *copied else { return false };
        if to <= self.acked.reached {
            return false;
        }
        self.acked = Place { reached: to, bytes };
        if self.on_the_way.contains(&to) {
            while self.on_the_way.pop_front().is_some_and(|end| end < to) {}
        } else {
            // It took other parts than those sent last.
            self.again();
        }
        true
    }

    fn again(&mut self) {
        self.sent = self.acked;
        self.on_the_way.clear();
        self.is_whole = false;
    }

    /// The next piece, and how many bytes lie before it.
    fn next(&mut self, here: OpNumber, shared: &Shared) -> Option<(Piece, u64)> {
        if self.is_whole || self.on_the_way.len() >= WINDOW {
            return None;
        }
        let room = shared.settings.snapshot_part as usize;
        let piece = shared.book.piece(self.sent.reached, room, here, &mut self.sweep);
        let before = self.sent.bytes;
        self.sent = Place { reached: piece.to, bytes: before + piece.bytes() };
        self.on_the_way.push_back(piece.to);
        self.is_whole = piece.rest.is_some();
        self.is_whole_since = self.is_whole_since.or(self.is_whole.then_some(here));
        Some((piece, before))
    }
}
