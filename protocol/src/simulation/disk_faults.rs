//! Faults of durable replicas' disks: the power goes, a disk is full, slow or unreadable.

use crate::disk::DiskTrouble;
use crate::ids::Role;
use crate::simulation::counts::{AT_DISKS, Fault};
use crate::simulation::environment::Slot;
use crate::simulation::network_conditions::DiskHealth;
use crate::simulation::node::{Doom, Life};
use crate::simulation::plan::Plan;
use crate::simulation::trial::Trial;
use crate::trace::Failpoint;

impl Trial {
    /// One of the faults that only disks have.
    pub(super) fn inflict_on_disks(&mut self) {
        match self.random.below(5) {
            0 => self.cut_the_power(),
            1 => self.disturb_disk(),
            2 => self.slow_disk(),
            3 => self.kill_at_disk(),
            _ => self.lose_disk(),
        }
    }

    /// Every process dies at once, customers perhaps too, and each comes back when its machine has started.
    fn cut_the_power(&mut self) {
        let all = self.random.chance(300_000);
        let falls = |trial: &Self, slot: Slot| {
            trial.cluster.life(slot) != Life::Dead && (all || trial.cluster.seats[slot].role != Role::Customer)
        };
        for slot in self.slots(falls) {
            self.kill(slot, Fault::PowerCut);
        }
    }

    fn disturb_disk(&mut self) {
        let why = match self.random.below(3) {
            0 => DiskTrouble::Full,
            1 => DiskTrouble::ReadOnly,
            _ => DiskTrouble::Failed { why: "Input/output error".into() },
        };
        self.trouble_a_disk(DiskHealth::Fails(why), Fault::DiskFails);
    }

    fn slow_disk(&mut self) {
        self.trouble_a_disk(DiskHealth::Slow, Fault::DiskSlow);
    }

    fn trouble_a_disk(&mut self, health: DiskHealth, fault: Fault) {
        if let Some(slot) = self.one_of(Role::Replica, Life::Running) {
            self.trouble_disk_of(slot, health, fault);
        }
    }

    fn trouble_disk_of(&mut self, slot: Slot, health: DiskHealth, fault: Fault) {
        self.count(fault);
        self.cluster.environment.disks.insert(slot, health);
        let after = self.around_silence();
        self.cluster.plan(self.at(after), Plan::DiskWell(slot));
    }

    /// Its machine loses its power at a very point of the work of its disk.
    fn kill_at_disk(&mut self) {
        let Some(slot) = self.one_of(Role::Replica, Life::Running) else { return };
        let (at, _) = AT_DISKS[self.random.below(AT_DISKS.len() as u64) as usize];
        self.dies_and_comes_back(slot, Doom::AtDisk(at));
        if at == Failpoint::DiskSnapshotRename {
            // New files are rare. After a failure one is written.
            self.trouble_disk_of(slot, DiskHealth::Fails(DiskTrouble::Full), Fault::DiskFails);
        }
    }

    /// It comes back without its disk: as somebody else, with nothing.
    fn lose_disk(&mut self) {
        let Some(slot) = self.one_of(Role::Replica, Life::Running).filter(|slot| self.may_die(*slot)) else { return };
        self.kill(slot, Fault::DiskLost);
        if let Some(disk) = self.cluster.disks.as_mut().and_then(|disks| disks.get_mut(&slot)) {
            disk.become_unreadable();
        }
    }
}
