//! What only the checkers of the simulation may look at. Nothing here is part of the protocol.

use std::sync::Arc;

use super::Replica;
use super::primary::Primary;
use crate::ids::{Fingerprint, OpNumber, ReplicaId, RequestId};
use crate::order_book::Entry;

impl Replica {
    /// Of an acting primary: where its history ended when it entered its view.
    #[must_use]
    pub fn inherited(&self) -> Option<OpNumber> {
        self.primary.as_ref().map(Primary::inherited)
    }

    /// Of an acting primary: the end of what this peer is known to hold of its history.
    #[must_use]
    pub fn acked_by(&self, peer: ReplicaId) -> Option<OpNumber> {
        self.primary.as_ref()?.peers().acked_by(peer)
    }

    /// The entries after `op`, as far as the log reaches back.
    pub fn entries_after(&self, op: OpNumber) -> impl Iterator<Item = &Arc<Entry>> {
        self.shared.log.after(op)
    }

    /// Digest of all that can be counted in its book; none while its newest entry is put off.
    #[must_use]
    pub fn counts(&self) -> Option<Fingerprint> {
        (!self.shared.book.is_late()).then(|| self.shared.book.counts())
    }

    /// Of a durable replica that does not act: it stands at the beginning of a history, perhaps of one that nobody leads yet.
    #[must_use]
    pub fn only_begins(&self) -> bool {
        self.shared.disk.is_some() && !self.acting() && self.shared.log.is_empty()
    }

    /// Of an acting primary: the orders that wait for their verdicts.
    pub fn unchecked(&self) -> impl Iterator<Item = RequestId> + '_ {
        self.primary.iter().flat_map(|primary| primary.unchecked_requests())
    }
}
