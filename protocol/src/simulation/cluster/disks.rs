//! Durable replicas in a cluster in memory: their disks outlive their processes.

use super::{Cluster, Event};
use crate::disk::Kept;
use crate::machine::{Identity, Input, Settings};
use crate::order_book::OrderBook;
use crate::random::mix;
use crate::replica::Replica;
use crate::simulation::disk::{Disk, SyncFate};
use crate::simulation::environment::{Environment, Slot};

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
        let disk = self.disks.as_mut().and_then(|disks| disks.get_mut(&slot));
        let Some(disk) = disk.filter(|disk| disk.life() == life) else { return };
        let input = match fate.fails {
            None => disk.synced().map(|number| Input::Kept { number }),
            Some(why) => disk.fail().map(|number| Input::KeepFailed { number, why }),
        };
        if disk.begin_sync() {
            self.sync(slot, node);
        }
        if let Some(input) = input {
            self.arrived(node, input);
        }
    }
}
