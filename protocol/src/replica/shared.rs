//! What a replica has in every role: its id, its view, the replicated state, where the others listen.
//!
//! Each role is handed this to read and to change. Deliberately without a role: what only a primary has is in `primary.rs`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use super::durable::{Disk, Now};
use super::late_book::LateBook;
use super::log::Log;
use super::recovery::Recovered;
use crate::ids::{Contact, NodeId, OpNumber, Position, ReplicaId, Span, View, ViewNumber};
use crate::machine::{Effects, Identity, Settings};
use crate::message::Message;
use crate::order_book::{Entry, OrderBook};
use crate::plant::Plant;
use crate::trace::{MachineEvent, Refusal};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Shared {
    pub(super) identity: Identity,
    pub(super) settings: Settings,
    /// The newest view it has entered; number 0 before the first.
    pub(super) view: View,
    /// None until it is the very first primary or has installed a snapshot (rule R6).
    pub(super) position: Option<Position>,
    /// The replicated state; only the pre-defined data while there is no position.
    pub(super) book: LateBook,
    pub(super) log: Log,
    /// Where members, peers and the joiners that were named last listen.
    pub(super) addresses: BTreeMap<NodeId, SocketAddr>,
    /// How much longer than the silence limit a silence is borne now, as the front-end says.
    pub(super) patience: Span,
    /// The front-end must know at once what changed.
    pub(super) status_due: bool,
    /// Of a durable replica.
    pub(super) disk: Option<Box<Disk>>,
}

impl Shared {
    pub(super) fn new(identity: Identity, settings: Settings, book: OrderBook) -> Self {
        Self {
            identity,
            settings,
            view: View::default(),
            position: None,
            book: book.into(),
            log: Log::default(),
            addresses: BTreeMap::new(),
            patience: Span(0),
            status_due: false,
            disk: None,
        }
    }

    /// A durable replica begins where its file ends (PROTOCOL section 9).
    pub(super) fn recover(&mut self, recovered: Recovered) {
        self.disk = Some(Box::new(Disk::new(&recovered)));
        self.view = recovered.view;
        if recovered.position.is_some() {
            (self.position, self.book, self.log) = (recovered.position, recovered.book.into(), recovered.log);
        }
    }

    pub(super) fn id(&self) -> ReplicaId {
        self.identity.me.id
    }

    pub(super) fn plants(&self, plant: Plant) -> bool {
        self.settings.plants(plant)
    }

    /// Where the peer listens, if that was said.
    pub(super) fn contact(&self, id: ReplicaId) -> Option<Contact> {
        self.addresses.get(&id).map(|address| Contact { id, address: *address })
    }

    /// Where the history of an acting primary ends: it has one from the moment in which it enters its view.
    pub(super) fn here(&self) -> Position {
        self.position.unwrap_or_else(|| unreachable!("a primary and its entries follow a position"))
    }

    /// The same code on primary and backups: book and sessions, position, log.
    pub(super) fn append(&mut self, entry: Arc<Entry>) {
        let position = self.here();
        assert_eq!(entry.op, position.op.next(), "entries have no gaps");
        let after = position.after(&entry);
        self.book.append(entry.clone());
        if let Some(disk) = &mut self.disk {
            // What it says waits for its disk, which is longer.
            self.book.catch_up();
            disk.append(&entry);
        }
        self.log.push(entry, after);
        self.position = Some(after);
    }

    /// The history ends at `position`, and nothing before it can be sent to a peer entry by entry.
    pub(super) fn begin_log(&mut self, position: Position) {
        self.log = Log::starting_at(position);
        self.position = Some(position);
        if let Some(disk) = &mut self.disk {
            disk.history_is_replaced();
        }
    }

    /// R10: where this replica stands, as far as it may say so: what is not on disk does not count.
    pub(super) fn position_to_say(&self) -> Option<Position> {
        self.disk_that_counts().map_or(self.position, Disk::kept)
    }

    /// R10: the end of what a primary holds itself.
    pub(super) fn own_part(&self) -> Option<OpNumber> {
        self.disk_that_counts().map_or(self.position.map(|position| position.op), Disk::counts)
    }

    fn disk_that_counts(&self) -> Option<&Disk> {
        // Planted: it is said before it is on disk.
        self.disk.as_deref().filter(|_| !self.plants(Plant::SyncAfterAck))
    }

    /// The state, for the disk.
    pub(super) fn now(&self) -> Now<'_> {
        Now { view: &self.view, position: self.position, book: &self.book, settings: &self.settings }
    }

    /// Its disk does not work: it says nothing that others would rely on.
    pub(super) fn is_mute(&self) -> bool {
        self.disk.as_ref().is_some_and(|disk| disk.is_mute())
    }

    /// Base data become operation 0 of a history, if there is none yet (PROTOCOL section 5).
    pub(super) fn position_or_base(&mut self) -> Position {
        if self.position.is_none() {
            let base = self.book.as_base();
            self.begin_log(base);
        }
        self.here()
    }

    /// The operator's fresh start (PROTOCOL section 10): what this replica holds, its base data if it holds nothing, is the
    /// beginning of a new history. It begins with a number that no entry of the lost one had, so neither positions nor late
    /// requests of that one are taken for those of the new one.
    pub(super) fn begin_afresh(&mut self, at: OpNumber) -> Position {
        let at = self.position.map_or(at, |mine| at.max(mine.op.next()));
        let base = self.book.catch_up().begin_afresh(at);
        self.begin_log(base);
        base
    }

    /// R6: whether two histories are the same: by all that they hold.
    pub(super) fn is_same(&self, one: Position, other: Position) -> bool {
        // Planted: by their length.
        one == other || (self.plants(Plant::KeepOwnPreset) && one.op == other.op)
    }

    /// R1: whether the view `theirs` is over for somebody in `ours`.
    pub(super) fn is_over(&self, theirs: ViewNumber, ours: ViewNumber) -> bool {
        // Planted: views are not compared, on neither side.
        theirs < ours && !self.plants(Plant::NoViewCheck)
    }

    /// R1, the fence: a message from an old view is refused, and its sender is told.
    pub(super) fn refuse(&self, from: Contact, theirs: ViewNumber, traced: bool, effects: &mut Effects) {
        let ours = self.view.number;
        effects.trace(|| MachineEvent::Refused { from: from.id, why: Refusal::ViewIsOver { theirs, ours } });
        effects.send(from, traced, Message::Refused { view: ours });
    }
}
