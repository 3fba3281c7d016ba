//! What a file of a durable replica holds, record by record (PROTOCOL section 9).

use crate::disk::Kept;
use crate::ids::{OpNumber, Position, View};
use crate::order_book::{OrderBook, PieceError, Reached};

use super::log::Log;

/// Why the records of a file are no replica's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The first record, and no other, begins a file.
    #[error("the file does not begin where a file begins")]
    Beginning,
    /// A view that is not newer than the one before.
    #[error("a view in it is not newer than the view before")]
    View,
    /// A piece of the whole state.
    #[error("the state in it cannot be put together: {0}")]
    Piece(PieceError),
    /// Pieces behind the whole state, entries before it, or two ends of it.
    #[error("a record in it is in the wrong place")]
    Place,
    /// An entry that does not continue the history.
    #[error("an entry in it does not continue the history")]
    Entry,
    /// The whole state is not in it.
    #[error("the state in it is not complete")]
    Incomplete,
}

/// A replica's state as its file tells it. Read it record by record with [`Recovered::take`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Recovered {
    stage: Stage,
    pub(super) view: View,
    pub(super) position: Option<Position>,
    pub(super) book: OrderBook,
    pub(super) log: Log,
    /// Bytes of entries and views behind the whole state, about.
    pub(super) since: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum Stage {
    #[default]
    Nothing,
    /// Pieces are read, and the last one was read or not.
    Pieces(Reached, bool),
    Whole,
}

impl Recovered {
    /// Reads the next record.
    ///
    /// # Errors
    /// The record does not follow: then nothing of this file may be used.
    pub fn take(&mut self, kept: Kept) -> Result<(), RecordError> {
        match (kept, self.stage) {
            (Kept::Begins, Stage::Nothing) => self.stage = Stage::Pieces(Reached::default(), false),
            (Kept::Begins, _) | (_, Stage::Nothing) => return Err(RecordError::Beginning),
            (Kept::View(view), stage) if view.number > self.view.number => {
                self.since += if stage == Stage::Whole { super::log::view_size(&view) } else { 0 };
                self.view = view;
            }
            (Kept::View(_), _) => return Err(RecordError::View),
            (Kept::Piece(piece), Stage::Pieces(reached, false)) if piece.from == reached => {
                self.book.take_in(&piece).map_err(RecordError::Piece)?;
                self.stage = Stage::Pieces(piece.to, piece.rest.is_some());
            }
            (Kept::Whole(position), Stage::Pieces(_, has_end)) if position.is_some() == has_end => {
                self.stage = Stage::Whole;
                self.position = position;
                self.log = position.map(Log::starting_at).unwrap_or_default();
            }
            (Kept::Entry(entry), Stage::Whole) => {
                let here = self.position.filter(|here| entry.op == here.op.next() && self.book.fits(&entry));
                let after = here.ok_or(RecordError::Entry)?.after(&entry);
                self.book.apply(&entry);
                self.since += super::log::size(&entry) as u64;
                self.log.push(entry, after);
                self.log.trim(OpNumber(u64::MAX));
                self.position = Some(after);
            }
            (Kept::Piece(_) | Kept::Whole(_), _) | (Kept::Entry(_), _) => return Err(RecordError::Place),
        }
        Ok(())
    }

    /// All records were read.
    ///
    /// # Errors
    /// The file ends before the whole state does.
    pub fn complete(self) -> Result<Self, RecordError> {
        if self.stage == Stage::Whole { Ok(self) } else { Err(RecordError::Incomplete) }
    }

    /// Whether there was a file.
    pub(super) fn is_file(&self) -> bool {
        self.stage == Stage::Whole
    }

    /// The newest view that the replica had entered or was about to enter.
    #[must_use]
    pub fn view(&self) -> &View {
        &self.view
    }

    /// Where its history ends.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.position
    }

    /// Its state.
    #[must_use]
    pub fn book(&self) -> &OrderBook {
        &self.book
    }
}
