//! Durable replicas in a cluster in memory: their disks outlive their processes.

use super::{Cluster, Event};
use crate::disk::Kept;
use crate::machine::{Identity, Input, Settings};
use crate::order_book::OrderBook;
use crate::random::mix;
use crate::replica::Replica;
use crate::simulation::disk::{Disk, SyncFate};
use crate::simulation::environment::{Environment, Slot};
use crate::simulation::node::Doom;
use crate::trace::Failpoint;

impl<S: Environment> Cluster<S> {
    /// Whether a replica that starts here finds out who it was.
    #[must_use]
    pub fn has_file(&self, slot: Slot) -> bool {
        self.disk(slot).is_some_and(|disk| disk.recover().is_some())
    }

    fn disk(&self, slot: Slot) -> Option<&Disk> {
        self.disks.as_ref()?.get(&slot)
    }

    pub(super) fn replica(&self, slot: Slot, identity: Identity, settings: Settings) -> Replica {
        let base = OrderBook::preset(self.seats[slot].preset);
        if self.disks.is_none() {
            return Replica::new(identity, settings, base);
        }
        let recovered = self.disk(slot).and_then(Disk::recover).unwrap_or_default();
        Replica::durable(identity, settings, base, recovered)
    }

    pub(super) fn keep(&mut self, node: usize, number: u64, new_file: bool, kept: Vec<Kept>) {
        let slot = self.nodes[node].slot;
        let Some(disks) = &mut self.disks else { return };
        if disks.entry(slot).or_default().write(number, new_file, kept) {
            self.sync(slot, node);
        }
    }

    fn sync(&mut self, slot: Slot, node: usize) {
        let unsynced = self.disk(slot).map_or(0, Disk::unsynced);
        // Half of it was written; or all, but nothing of that had left the system's memory when the power went.
        for (at, written) in [(Failpoint::DiskTornLog, unsynced / 2), (Failpoint::DiskBeforeFsync, 0)] {
            if self.is_doomed_at(node, at) {
                return self.dies_at_disk(slot, at, written);
            }
        }
        let fate = self.environment.sync(slot);
        let life = self.disk(slot).map_or(0, Disk::life);
        self.queue.plan(self.now + fate.after, Event::Sync { slot, node, life, fate });
    }

    /// What was not synced is lost, but for what chance has written already.
    pub(super) fn disk_loses_power(&mut self, slot: Slot) {
        let chance = mix(self.hash ^ self.now) as usize;
        if let Some(disk) = self.disks.as_mut().and_then(|disks| disks.get_mut(&slot)) {
            disk.lose_power(chance);
        }
    }

    /// A process that died meanwhile hears nothing of it, nor does the one that came after it.
    pub(super) fn synced(&mut self, (slot, node, life): (Slot, usize, u64), fate: SyncFate) {
        let Some(completes) = self.disk(slot).filter(|disk| disk.life() == life).map(Disk::completes) else { return };
        if let Some(before) = completes.filter(|_| self.is_doomed_at(node, Failpoint::DiskSnapshotRename)) {
            return self.dies_at_disk(slot, Failpoint::DiskSnapshotRename, before);
        }
        let ends_well = fate.fails.is_none();
        let Some(disk) = self.disks.as_mut().and_then(|disks| disks.get_mut(&slot)) else { return };
        let input = match fate.fails {
            None => disk.synced().map(|number| Input::Kept { number }),
            Some(why) => disk.fail().map(|number| Input::KeepFailed { number, why }),
        };
        if ends_well && self.is_doomed_at(node, Failpoint::DiskAfterFsync) {
            return self.dies_at_disk(slot, Failpoint::DiskAfterFsync, 0);
        }
        if self.disks.as_mut().and_then(|disks| disks.get_mut(&slot)).is_some_and(Disk::begin_sync) {
            self.sync(slot, node);
        }
        if let Some(input) = input {
            self.arrived(node, input);
        }
    }

    fn is_doomed_at(&self, node: usize, at: Failpoint) -> bool {
        self.nodes[node].doom == Some(Doom::AtDisk(at))
    }

    /// The machine of this replica loses its power. Of what was being synced, this many records are on its disk.
    fn dies_at_disk(&mut self, slot: Slot, at: Failpoint, written: usize) {
        *self.cut_lists.at_disk.entry(at).or_default() += 1;
        if let Some(disk) = self.disks.as_mut().and_then(|disks| disks.get_mut(&slot)) {
            disk.lose_power(written);
        }
        self.kill(slot);
    }
}
