//! The environment of a cluster in memory: its network and the postcode services, as chance or a script decides.

use crate::ids::RequestId;
use crate::message::Message;
use crate::postcode::{Postcode, Verdict};
use crate::simulation::disk::SyncFate;
use crate::simulation::store::StoreFate;

/// Place of an actor in the cluster; kept over restarts, as its address is.
pub type Slot = usize;

/// What becomes of a message. Delays in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is lost in its link.
    Lost,
    /// It arrives after this.
    Arrives(u64),
    /// It arrives after both of these, and is handled twice.
    Twice(u64, u64),
    /// It waits in its link until it is released.
    Held,
}

/// All that is outside of the nodes: the network and the postcode services.
pub trait Environment {
    /// Things the owner of the cluster wants to be reminded of.
    type Plan;

    /// What becomes of this message.
    fn fate(&mut self, now: u64, from: Slot, to: Slot, message: &Message) -> Fate;

    /// What a postcode service says, and after how long.
    fn verdict(&mut self, now: u64, request: RequestId, postcode: Postcode) -> (u64, Verdict);

    /// Whether somebody at `from` can prove that nobody holds the port at `to`, which is so.
    fn proves_death(&mut self, from: Slot, to: Slot) -> bool;

    /// What becomes of an operation of a name server at the store that keeps the view record.
    fn store(&mut self) -> StoreFate {
        StoreFate::PROMPT
    }

    /// What becomes of the next sync of a durable replica's disk.
    fn sync(&mut self, _slot: Slot) -> SyncFate {
        SyncFate::PROMPT
    }

    /// How long an input waits at its node, in microseconds, to be handled together with later ones; 0: not at all.
    fn batching_delay(&mut self) -> u64;
}
