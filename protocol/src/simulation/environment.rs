//! What a cluster in memory lives in: its network and the postcode services, as chance or a script decides.

use crate::ids::RequestId;
use crate::message::Message;
use crate::postcode::{Postcode, Verdict};

/// Place of an actor in the cluster; kept over restarts, as its address is.
pub type Slot = usize;

/// What becomes of a message. Delays in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It never arrives.
    Lost,
    /// It arrives after this.
    Arrives(u64),
    /// It arrives twice.
    Twice(u64, u64),
    /// It waits in its link until it is released.
    Held,
}

/// The world outside of the nodes.
pub trait Surroundings {
    /// Things the owner of the cluster wants to be reminded of.
    type Plan;

    /// What becomes of this message.
    fn fate(&mut self, now: u64, from: Slot, to: Slot, message: &Message) -> Fate;

    /// What a postcode service says, and after how long.
    fn verdict(&mut self, now: u64, request: RequestId, postcode: Postcode) -> (u64, Verdict);

    /// Whether somebody at `from` can prove that nobody holds the port at `to`, which is so.
    fn proves_death(&mut self, from: Slot, to: Slot) -> bool;

    /// How long what arrives at a node waits for company before it is handled; 0: not at all.
    fn company(&mut self) -> u64;
}
