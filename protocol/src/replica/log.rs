//! The tail of a replica's log: enough to bring a peer in step without a snapshot.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::ids::{Fingerprint, OpNumber, Position, View};
use crate::order_book::{Entry, EntryEffect};

/// Entries that are kept, at most, for peers that may never ask (PROTOCOL section 8).
const MOST_ENTRIES: usize = 4096;
/// Bytes of entries that are kept, at most.
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

    /// Whether it has no entry.
    #[cfg(feature = "simulation")]
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
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
        self.trim_but(needed, OpNumber(u64::MAX), 0);
    }

    /// The same; those after `wanted` stay as well, while all together have at most this number of bytes.
    pub(super) fn trim_but(&mut self, needed: OpNumber, wanted: OpNumber, room: u64) {
        while self.entries.len() > MOST_ENTRIES || self.bytes > MOST_BYTES {
            let is_free = |entry: &Entry| entry.op <= needed && (entry.op <= wanted || self.bytes as u64 > room);
            let Some((entry, fingerprint)) = self.entries.front().filter(|(entry, _)| is_free(entry)) else {
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

/// About how many bytes a view takes in a file. A cluster without orders may change its view for months.
pub(super) fn view_size(view: &View) -> u64 {
    40 + 10 * view.members.len() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{CustomerId, OrderNumber, RequestId, RequestNumber, Timestamp, ViewNumber};
    use crate::order_book::Outcome;

    fn entry(op: u64, effect: EntryEffect) -> Arc<Entry> {
        let request = RequestId { customer: CustomerId(1), number: RequestNumber(op) };
        Arc::new(Entry { op: OpNumber(op), view: ViewNumber(1), request, effect, outcome: Outcome::NeverPlaced })
    }

    /// A log that begins after operation 10 and has this many entries.
    fn log(entries: u64, effect: &EntryEffect) -> Log {
        let mut position = Position { op: OpNumber(10), fingerprint: Fingerprint(0) };
        let mut log = Log::starting_at(position);
        for op in 11..11 + entries {
            let entry = entry(op, effect.clone());
            position = position.after(&entry);
            log.push(entry, position);
        }
        log
    }

    fn kept(log: &Log) -> (usize, Option<u64>) {
        (log.entries.len(), log.base.map(|base| base.op.0))
    }

    /// As large as an order may be: 50 items of 80 characters.
    fn large() -> EntryEffect {
        let (postcode, items) = ("DH1 3LE".parse().unwrap(), vec!["x".repeat(80); 50]);
        EntryEffect::Accepted { postcode, items, number: OrderNumber(1), at: Timestamp(0) }
    }

    #[test]
    fn of_small_entries_the_last_4096_are_kept() {
        let mut log = log(5000, &EntryEffect::Withdrawn);
        let before = log.position_at(OpNumber(914));
        log.trim(OpNumber(u64::MAX));
        assert_eq!(kept(&log), (4096, Some(10 + 904)));
        assert_eq!((log.position_at(OpNumber(914)), log.position_at(OpNumber(913))), (before, None));
        assert_eq!(log.after(OpNumber(5008)).map(|entry| entry.op.0).collect::<Vec<_>>(), [5009, 5010]);
        log.trim(OpNumber(u64::MAX));
        assert_eq!(kept(&log), (4096, Some(914)), "what fits stays");
    }

    #[test]
    fn what_a_joiner_will_want_is_kept_while_there_is_room() {
        let mut log = log(5000, &EntryEffect::Withdrawn);
        let all = log.bytes as u64;
        log.trim_but(OpNumber(u64::MAX), OpNumber(100), all);
        assert_eq!(kept(&log), (4910, Some(100)));
        log.trim_but(OpNumber(u64::MAX), OpNumber(100), all / 10);
        assert_eq!(kept(&log), (4096, Some(914)), "it is sent a state again");
    }

    #[test]
    fn of_large_entries_8_mib_are_kept() {
        let each = size(&entry(11, large()));
        assert_eq!(each, 60 + 50 * 81);
        let mut log = log(3000, &large());
        assert_eq!(log.bytes, 3000 * each);
        log.trim(OpNumber(u64::MAX));
        assert_eq!(log.entries.len(), MOST_BYTES / each);
        assert_eq!(log.bytes, log.entries.len() * each);
    }

    #[test]
    fn nothing_that_somebody_needs_is_cut() {
        for effect in [EntryEffect::Withdrawn, large()] {
            let mut log = log(5000, &effect);
            log.trim(OpNumber(100));
            assert_eq!(kept(&log), (4910, Some(100)));
        }
    }
}
