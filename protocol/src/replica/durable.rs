//! A durable replica and its disk (PROTOCOL section 9): nothing is said before it is on disk (rule R10).
//!
//! What is to be written is collected while inputs are handled and handed over once a round, so that one sync serves many
//! entries. A new file is written in pieces, a few a round, of what there is then, as a joiner would be sent them; entries go
//! to the old file meanwhile. Deliberately absent: the sync itself, which must not hold up the loop that handles messages.

use std::collections::VecDeque;
use std::sync::Arc;

use super::log;
use super::recovery::Recovered;
use crate::disk::{DiskState, DiskTrouble, Kept};
use crate::ids::{Barrier, Contact, OpNumber, Position, Span, View, ViewNumber};
use crate::machine::{Effect, Effects, Settings, Timer};
use crate::message::Message;
use crate::order_book::{Entry, OrderBook, Reached, Sweep};

/// Pieces of a new file that one round makes, at most.
const MOST_PIECES: usize = 8;
/// A new file is written when the old one has grown by this much, or by what the whole state takes if that is more. So the
/// file is never much more than twice as long as the state.
const GROWS_BY: u64 = 16 * 1024 * 1024;
/// Silence limits after which a disk that does not answer is too slow.
const PATIENCE: u64 = 5;
/// A disk that does not work is tried again after this.
pub(super) const TRY_AGAIN_AFTER: Span = Span::millis(1000);

/// What a replica knows of its disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Disk {
    /// Numbers what is handed over.
    number: u64,
    /// Everything up to this number is on disk.
    done: u64,
    /// Handed over, and not on disk yet.
    waiting: VecDeque<Handed>,
    /// To be handed over at the end of this round.
    unwritten: Vec<Kept>,
    /// Where a restart would begin.
    kept: Option<Position>,
    /// How much of the present history is on disk; nothing of one that was replaced.
    counts: Option<OpNumber>,
    /// The newest view on disk.
    view: ViewNumber,
    /// There is a file that can be written to.
    usable: bool,
    /// The file continues to the present position, so that entries can be added to it.
    fits: bool,
    /// A new file is being written.
    copy: Option<Copy>,
    /// The view that will be entered once it is on disk.
    next: Option<Next>,
    /// To whom an acknowledgement is owed once entries are on disk.
    owed: Option<OwedAck>,
    /// Bytes of entries and views in the file behind the whole state, about.
    since: u64,
    trouble: Option<DiskTrouble>,
    /// The number with which the newest file began: what is said of earlier numbers is of an earlier file.
    file: u64,
}

/// What a replica is, as far as it goes to its disk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now<'a> {
    pub(super) view: &'a View,
    pub(super) position: Option<Position>,
    pub(super) book: &'a OrderBook,
    pub(super) settings: &'a Settings,
}

/// What is true once a number is on disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Handed {
    number: u64,
    /// The history ends here, if this changes it.
    position: Option<Position>,
    /// The history was not replaced meanwhile.
    counts: bool,
    /// The newest view, if this changes it.
    view: Option<ViewNumber>,
    /// A new file is complete.
    whole: bool,
}

/// How far a new file has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Copy {
    has_begun: bool,
    reached: Reached,
    sweep: Sweep,
    bytes: u64,
    /// The number of its last pieces. The next ones are made once these are written.
    last: u64,
}

/// A view on its way to the disk, with the first message of each kind that belongs to it. All are repeated anyway.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Next {
    pub(super) view: View,
    pub(super) early: Vec<(Contact, bool, Message)>,
}

/// [6], once it is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct OwedAck {
    pub(super) to: Contact,
    pub(super) barrier: Barrier,
    pub(super) traced: bool,
}

impl Disk {
    pub(super) fn new(recovered: &Recovered) -> Self {
        let (kept, is_file) = (recovered.position, recovered.is_file());
        Self {
            number: 0,
            done: 0,
            waiting: VecDeque::new(),
            unwritten: Vec::new(),
            kept,
            counts: kept.map(|position| position.op),
            view: recovered.view.number,
            usable: is_file,
            fits: is_file,
            copy: (!is_file).then(Copy::default),
            next: None,
            owed: None,
            since: recovered.since,
            trouble: None,
            file: 0,
        }
    }

    /// R10: where this replica stands, as far as it may say.
    pub(super) fn kept(&self) -> Option<Position> {
        self.kept
    }

    /// R10: how much of the present history counts as held by this replica.
    pub(super) fn counts(&self) -> Option<OpNumber> {
        self.counts
    }

    /// The newest view on disk.
    pub(super) fn view(&self) -> ViewNumber {
        self.view
    }

    /// It says nothing to front-ends and primaries, who then leave it out.
    pub(super) fn is_mute(&self) -> bool {
        self.trouble.is_some()
    }

    pub(super) fn append(&mut self, entry: &Arc<Entry>) {
        if self.fits {
            self.since += log::size(entry) as u64;
            self.unwritten.push(Kept::Entry(entry.clone()));
        }
    }

    /// The history is another one: what is on disk of the one before does not count, and a new file is needed.
    pub(super) fn history_is_replaced(&mut self) {
        self.waiting.iter_mut().for_each(|handed| handed.counts = false);
        self.unwritten.retain(|kept| !matches!(kept, Kept::Entry(_)));
        (self.counts, self.fits, self.copy) = (None, false, Some(Copy::default()));
    }

    /// An acknowledgement waits until what it says is on disk.
    pub(super) fn owe(&mut self, owed: OwedAck) {
        let before = self.owed.filter(|before| before.to == owed.to);
        let barrier = before.map_or(owed.barrier, |before| before.barrier.max(owed.barrier));
        self.owed =
            Some(OwedAck { barrier, traced: owed.traced || before.is_some_and(|before| before.traced), ..owed });
    }

    /// A view that is to be entered goes to the disk first (rule R10). `begins`: together with the history that begins with it.
    fn prepare(&mut self, view: View, begins: bool) {
        if self.usable && !begins {
            self.since += log::view_size(&view);
            self.unwritten.push(Kept::View(view.clone()));
        }
        self.next = Some(Next { view, early: Vec::new() });
    }

    /// Hands over what is to be written, and the next pieces of a new file.
    pub(super) fn write(&mut self, now: &Now<'_>, effects: &mut Effects) {
        if !self.unwritten.is_empty() {
            let kept = std::mem::take(&mut self.unwritten);
            self.hand_over(false, kept, now, effects);
        }
        if self.copy.is_none() && self.fits && self.since > now.book.bytes().max(GROWS_BY) {
            self.copy = Some(Copy::default());
        }
        if let Some(mut copy) = self.copy.take_if(|copy| copy.last <= self.done) {
            let (kept, is_whole) = self.pieces(&mut copy, now);
            if !copy.has_begun {
                (copy.has_begun, self.file) = (true, self.number + 1);
            }
            self.hand_over(true, kept, now, effects);
            copy.last = self.number;
            if is_whole {
                (self.usable, self.fits, self.since) = (true, true, 0);
            } else {
                self.copy = Some(copy);
            }
        }
    }

    /// The next records of a new file, and whether they are the last before entries.
    fn pieces(&self, copy: &mut Copy, now: &Now<'_>) -> (Vec<Kept>, bool) {
        let mut kept = Vec::new();
        if !copy.has_begun {
            kept.push(Kept::Begins);
        }
        let here = now.position.map_or(OpNumber(0), |position| position.op);
        let mut is_whole = now.position.is_none();
        while !is_whole && kept.len() < MOST_PIECES {
            let room = now.settings.snapshot_part as usize;
            let piece = now.book.piece(copy.reached, room, here, &mut copy.sweep);
            copy.reached = piece.to;
            copy.bytes += piece.bytes();
            is_whole = piece.rest.is_some();
            kept.push(Kept::Piece(Box::new(piece)));
        }
        if is_whole {
            let view = self.next.as_ref().map_or(now.view, |next| &next.view);
            if view.number > ViewNumber(0) {
                kept.push(Kept::View(view.clone()));
            }
            kept.push(Kept::Whole(now.position));
        }
        (kept, is_whole)
    }

    fn hand_over(&mut self, new_file: bool, kept: Vec<Kept>, now: &Now<'_>, effects: &mut Effects) {
        self.number += 1;
        let whole = kept.iter().any(|kept| matches!(kept, Kept::Whole(_)));
        let has_entries = kept.iter().any(|kept| matches!(kept, Kept::Entry(_)));
        // What a new file holds is worth nothing before it is whole.
        let view = kept.iter().filter_map(|kept| if let Kept::View(view) = kept { Some(view.number) } else { None });
        let view = view.max().filter(|_| whole || !new_file);
        let position = now.position.filter(|_| whole || has_entries);
        if self.waiting.is_empty() && self.trouble.is_none() {
            effects.set_timer(Timer::Disk, patience(now));
        }
        self.waiting.push_back(Handed { number: self.number, position, counts: true, view, whole });
        effects.push(Effect::Keep { number: self.number, new_file, kept });
    }

    /// Everything up to `number` is on disk. Whether there is no trouble any more.
    pub(super) fn on_kept(&mut self, number: u64, now: &Now<'_>, effects: &mut Effects) -> bool {
        if number < self.file && self.trouble.is_some() {
            return false;
        }
        self.done = self.done.max(number);
        let mut works = self.trouble == Some(DiskTrouble::Slow);
        while let Some(handed) = self.waiting.pop_front_if(|handed| handed.number <= number) {
            self.kept = handed.position.or(self.kept);
            if let Some(position) = handed.position.filter(|_| handed.counts) {
                self.counts = Some(position.op);
            }
            self.view = self.view.max(handed.view.unwrap_or_default());
            works |= handed.whole && self.trouble.is_some();
        }
        if works {
            self.trouble = None;
        }
        if self.trouble.is_none() {
            match self.waiting.is_empty() {
                true => effects.cancel_timer(Timer::Disk),
                false => effects.set_timer(Timer::Disk, patience(now)),
            }
        }
        works
    }

    /// A write or a sync has failed: of what is not known to be on disk, nothing counts, and no file is used again. That is so
    /// even if a new file had begun by then: what failed may be in neither, and the new one may have failed with the old one.
    /// Whether this was not known.
    pub(super) fn on_failed(&mut self, why: DiskTrouble, effects: &mut Effects) -> bool {
        let is_news = self.trouble.as_ref() != Some(&why);
        self.trouble = Some(why);
        (self.usable, self.fits) = (false, false);
        (self.copy, self.next) = (None, None);
        self.waiting.clear();
        self.unwritten.clear();
        effects.set_timer(Timer::Disk, TRY_AGAIN_AFTER);
        is_news
    }

    /// The time that it may still take begins again.
    pub(super) fn wait_anew(&self, now: &Now<'_>, effects: &mut Effects) {
        if !self.waiting.is_empty() && self.trouble.is_none() {
            effects.set_timer(Timer::Disk, patience(now));
        }
    }

    /// Its timer rang. Whether the disk has just become too slow; if it failed earlier, a new file is begun.
    pub(super) fn on_timer(&mut self) -> bool {
        match &self.trouble {
            None if self.waiting.is_empty() => false,
            None => {
                self.trouble = Some(DiskTrouble::Slow);
                true
            }
            Some(DiskTrouble::Slow) => false,
            Some(DiskTrouble::Full | DiskTrouble::ReadOnly | DiskTrouble::Failed { .. }) => {
                self.copy = Some(Copy::default());
                false
            }
        }
    }

    /// Whether a message of this view must wait until the view is on disk. It is then kept, and the view is written.
    pub(super) fn holds_back(&mut self, view: &View, begins: bool, early: (Contact, bool, &Message)) -> bool {
        if view.number <= self.view {
            return false;
        }
        if self.next.as_ref().is_none_or(|next| next.view.number < view.number) {
            self.prepare(view.clone(), begins);
        }
        let (from, traced, message) = early;
        let is_same = |known: &Message| std::mem::discriminant(known) == std::mem::discriminant(message);
        if let Some(next) = self.next.as_mut().filter(|next| next.view == *view)
            && !next.early.iter().any(|(_, _, known)| is_same(known))
        {
            next.early.push((from, traced, message.clone()));
        }
        true
    }

    /// Whether this view is not on disk, and not on its way there.
    pub(super) fn is_new(&self, view: ViewNumber) -> bool {
        view > self.view && self.next.as_ref().is_none_or(|next| next.view.number < view)
    }

    /// The view that is on disk now and may be entered, with the messages that waited.
    pub(super) fn take_next(&mut self) -> Option<Next> {
        self.next.take_if(|next| next.view.number <= self.view)
    }

    /// The acknowledgement that has become true, at least in part.
    pub(super) fn take_owed(&mut self, here: Option<Position>) -> Option<OwedAck> {
        let owed = self.owed?;
        if self.kept == here {
            self.owed = None;
        }
        Some(owed)
    }

    pub(super) fn forget_owed(&mut self) {
        self.owed = None;
    }

    pub(super) fn state(&self, now: &Now<'_>) -> DiskState {
        let here = now.position.map_or(0, |position| position.op.0);
        let counts = self.counts.map_or(0, |op| op.0);
        let copying = self.copy.as_ref().map(|copy| (copy.bytes, copy.bytes.max(now.book.bytes())));
        DiskState { waiting: here.saturating_sub(counts), kept: self.kept, copying, trouble: self.trouble.clone() }
    }
}

fn patience(now: &Now<'_>) -> Span {
    now.settings.patient(now.settings.suspect_after.times(PATIENCE), PATIENCE)
}
