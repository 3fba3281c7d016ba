//! What was inflicted, by kind. An empty or thin simulation is a failure, not a pass: tests ask for floors.

use std::collections::BTreeMap;

use crate::trace::Failpoint;

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// A kind of fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Fault {
            $($(#[$doc])* $name,)*
        }

        impl Fault {
            /// All kinds, in the order of a summary.
            pub const ALL: &[Fault] = &[$(Fault::$name),*];

            /// As summaries name it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Fault::$name => $text,)*
                }
            }
        }
    };
}

faults! {
    /// A message was lost (other than by a cut).
    Lost = "message lost",
    /// A message took up to a thousand times as long, and others overtook it.
    Slow = "message slow, overtaken",
    /// A message arrived up to two minutes late.
    Late = "message minutes late",
    /// A message arrived twice.
    Doubled = "message doubled",
    /// Loss, doubling and slowness rose for a while.
    Storm = "storm",
    /// The actors were split in two groups.
    Partition = "partition",
    /// Each pair of actors was cut with some probability: rings, bridges, islands.
    Tangle = "tangled partition",
    /// A primary, an older front-end and some customers were cut off from all, or from all but the backups.
    Bridge = "primary alone with an older front-end",
    /// One actor was cut off from all others.
    Isolated = "actor cut off",
    /// One direction between two actors, or from one to all, was cut.
    OneWay = "one-way cut",
    /// A link came and went around the silence limit.
    Flap = "link flapping",
    /// A replica that acted as primary got SIGKILL.
    KillPrimary = "primary killed",
    /// A member that did not act as primary got SIGKILL.
    KillBackup = "backup killed",
    /// A replica outside of the view got SIGKILL.
    KillJoiner = "joiner killed",
    /// A front-end got SIGKILL.
    KillFrontEnd = "front-end killed",
    /// The name server got SIGKILL.
    KillNameServer = "name server killed",
    /// SIGKILL; its open request is abandoned.
    KillCustomer = "customer killed",
    /// SIGKILL; nobody ever comes back for its open request.
    Vanished = "customer gone for good",
    /// Killed with only some of a list of effects carried out.
    CutList = "killed between effects",
    /// Killed right before a journal entry.
    CutBeforeJournal = "killed before journal entry",
    /// Killed right after a journal entry, before anybody was told.
    CutAfterJournal = "killed after journal entry",
    /// A replica that acted as primary got SIGSTOP.
    FreezePrimary = "primary frozen",
    /// A replica that did not act as primary got SIGSTOP.
    FreezeBackup = "backup or joiner frozen",
    /// A front-end got SIGSTOP.
    FreezeFrontEnd = "front-end frozen",
    /// The name server got SIGSTOP.
    FreezeNameServer = "name server frozen",
    /// A customer got SIGSTOP.
    FreezeCustomer = "customer frozen",
    /// The whole machine slept.
    Sleep = "everything frozen",
    /// Woke without noticing that it was late.
    Unnoticed = "woke without noticing",
    /// The clock of the frozen stood still.
    StoodStill = "clock stood still",
    /// No postcode service answers.
    ServicesDown = "postcode services down",
    /// Postcode services take seconds.
    ServicesSlow = "postcode services slow",
    /// A second call gets another verdict.
    ServicesContradict = "postcode services contradict themselves",
    /// The store of the view record was out of reach.
    StoreDown = "store: down",
    /// The store lost operations and answers, or was late with them.
    StoreUnreliable = "store: unreliable",
    /// An operation of the store was carried out late, or never.
    StoreLate = "store: operation late or lost",
    /// What the store answered was lost.
    StoreMute = "store: answer lost",
    /// The store answered twice.
    StoreTwice = "store: answered twice",
    /// All processes were killed at once, and came back.
    PowerCut = "disk: power cut",
    /// A disk was full, could not be written to, or failed for a while.
    DiskFails = "disk: failing",
    /// A disk took seconds.
    DiskSlow = "disk: slow",
    /// A replica came back and could not read its disk.
    DiskLost = "disk: unreadable",
    /// A sync failed.
    SyncFailed = "disk: sync failed",
    /// Killed with half of what it wrote in its file.
    CutTornLog = "disk: killed with a torn log",
    /// Killed with everything in its file and nothing of that synced.
    CutBeforeSync = "disk: killed before a sync",
    /// Killed after a sync, before it could say what that made true.
    CutAfterSync = "disk: killed after a sync",
    /// Killed before a new file, which was whole, took the place of the old one.
    CutBeforeRename = "disk: killed before a rename",
    /// A replica appeared.
    Added = "replica added",
    /// A replica left for good.
    Removed = "replica removed",
    /// A second front-end appeared.
    SecondFrontEnd = "second front-end",
    /// A customer gave up.
    GaveUp = "customer gave up",
    /// Heartbeat and silence limit changed while running.
    Retimed = "retimed",
    /// A connection closed, or seemed to.
    ConnectionHint = "connection lost",
    /// Somebody proved that a process is gone.
    Proof = "death proved",
    /// Somebody believed to have a proof that a process is gone which lives.
    FalseProof = "death proved wrongly",
    /// A loop was late, though less than one that was frozen.
    Starved = "loop late",
    /// A node was started again.
    Restarted = "restarted",
}

/// The points of a disk's work, and how a death there is counted.
pub const AT_DISKS: [(Failpoint, Fault); 4] = [
    (Failpoint::DiskTornLog, Fault::CutTornLog),
    (Failpoint::DiskBeforeFsync, Fault::CutBeforeSync),
    (Failpoint::DiskAfterFsync, Fault::CutAfterSync),
    (Failpoint::DiskSnapshotRename, Fault::CutBeforeRename),
];

/// Counts by kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    counts: Vec<u64>,
}

impl Default for Counts {
    fn default() -> Self {
        Self { counts: vec![0; Fault::ALL.len()] }
    }
}

impl Counts {
    /// Counts one fault.
    pub fn count(&mut self, fault: Fault) {
        self.add(fault, 1);
    }

    /// Counts several faults of a kind.
    pub fn add(&mut self, fault: Fault, more: u64) {
        self.counts[fault as usize] += more;
    }

    /// Adds to the counts of a summary. Where there is no store, or no disk, there is nothing to say of its faults.
    pub fn add_to(&self, sum: &mut BTreeMap<String, u64>) {
        for fault in Fault::ALL {
            let count = self.counts[*fault as usize];
            let is_special = ["store: ", "disk: "].iter().any(|kind| fault.name().starts_with(kind));
            if count > 0 || !is_special {
                *sum.entry(fault.name().into()).or_default() += count;
            }
        }
    }
}
