//! What a durable replica writes to its disk (PROTOCOL section 9), as facts: which records, in which order.
//!
//! A replica's file begins with a whole state, in pieces, and goes on with views and entries. When it has grown enough, the
//! replica writes a new file in the same way, which then replaces the old one. The machine says what is to be written
//! ([`crate::machine::Effect::Keep`]) and waits with what it says to others until it is on disk
//! ([`crate::machine::Input::Kept`]). How records become bytes is said in [`mod@file`]. Deliberately absent: the file itself; the
//! driver has it.

pub mod file;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ids::{Position, View};
use crate::order_book::{Entry, Piece};

/// One record of a file, in the order of writing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Kept {
    /// A new file begins.
    Begins,
    /// The replica is about to enter this view, or is in it when the file begins.
    View(View),
    /// A piece of the whole state, only before [`Kept::Whole`].
    Piece(Box<Piece>),
    /// The file holds the whole state where it stood here, none if there is no history yet. From now on it is the replica's
    /// file, in place of the one before.
    Whole(Option<Position>),
    /// The history goes on with this.
    Entry(Arc<Entry>),
}

/// Why a disk cannot be used for now.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DiskTrouble {
    /// There is no room on it.
    Full,
    /// It, or the folder, cannot be written to.
    ReadOnly,
    /// It has not answered for longer than the replica waits.
    Slow,
    /// Anything else that the operating system says.
    Failed {
        /// In its words.
        why: String,
    },
}

/// What a durable replica tells observers about its disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskState {
    /// Entries that are not on disk yet.
    pub waiting: u64,
    /// Where a restart would begin.
    pub kept: Option<Position>,
    /// While it writes a new file: bytes written of bytes in all, about.
    pub copying: Option<(u64, u64)>,
    /// Why it cannot be used.
    pub trouble: Option<DiskTrouble>,
}
