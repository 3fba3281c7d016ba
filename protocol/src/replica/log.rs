//! The tail of a replica's log: enough to bring a peer in step without a snapshot.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::ids::{Fingerprint, OpNumber, Position};
use crate::order_book::{Entry, EntryEffect};

/// At most so many entries are kept for peers that may never ask (PROTOCOL section 8).
const MOST_ENTRIES: usize = 4096;
/// At most so many bytes of entries, likewise.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// Entries in a row, each with the fingerprint of the history that ends in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Log {
    /// Where the first kept entry begins; none in a fresh process.
    base: Option<Position>,
    entries: VecDeque<(Arc<Entry>, Fingerprint)>,
    bytes: usize,
}

impl Log {
    /// An empty log of a history that is known up to `base`.
    pub(super) fn starting_at(base: Position) -> Self {
        Self { base: Some(base), ..Self::default() }
    }

    pub(super) fn push(&mut self, entry: Arc<Entry>, after: Position) {
        self.bytes += size(&entry);
        self.entries.push_back((entry, after.fingerprint));
    }

    /// The position after `op`, if the log reaches back to it.
    pub(super) fn position_at(&self, op: OpNumber) -> Option<Position> {
        let base = self.base?;
        match op.0.checked_sub(base.op.0)? {
            0 => Some(base),
            place => {
                let (_, fingerprint) = self.entries.get(usize::try_from(place - 1).ok()?)?;
                Some(Position { op, fingerprint: *fingerprint })
            }
        }
    }

    /// Whether a history that ends at `position` is a beginning of this one, and the rest is here.
    pub(super) fn holds(&self, position: Position) -> bool {
        self.position_at(position.op) == Some(position)
    }

    /// The entries after `op`, which must be a place that [`Log::position_at`] knows.
    pub(super) fn after(&self, op: OpNumber) -> impl Iterator<Item = &Arc<Entry>> {
        let skipped = op.0.saturating_sub(self.base.map_or(0, |base| base.op.0));
        self.entries.iter().skip(usize::try_from(skipped).unwrap_or(usize::MAX)).map(|(entry, _)| entry)
    }

    /// Forgets the oldest entries beyond the limits, but none after `needed`.
    pub(super) fn trim(&mut self, needed: OpNumber) {
        while self.entries.len() > MOST_ENTRIES || self.bytes > MOST_BYTES {
            let Some((entry, fingerprint)) = self.entries.front().filter(|(entry, _)| entry.op <= needed) else {
                break;
            };
            self.bytes -= size(entry);
            self.base = Some(Position { op: entry.op, fingerprint: *fingerprint });
            self.entries.pop_front();
        }
    }
}

/// About how many bytes an entry takes on the wire.
pub(super) fn size(entry: &Entry) -> usize {
    let items = match &entry.effect {
        EntryEffect::Accepted { items, .. } => items.iter().map(|item| item.len() + 1).sum(),
        EntryEffect::Rejected | EntryEffect::Withdrawn => 100,
    };
    60 + items
}
