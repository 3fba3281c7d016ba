//! What a trial has planned for later: faults and their ends, and what customers will do.

use crate::ids::RequestId;
use crate::simulation::environment::Slot;

/// What a trial wants to be reminded of.
#[derive(Clone, Copy, Debug)]
pub enum Plan {
    /// Inflict another fault.
    Fault,
    /// Start this actor again, unless it runs.
    Restart(Slot),
    /// A second front-end appears, unless there is one. Customers that have found the first go on with it.
    SecondFrontEnd,
    /// Wake this incarnation.
    Wake(Slot, usize),
    /// Mend this cut.
    Mend(u32),
    /// A link comes or goes.
    Flap(Flapping),
    /// The storm is over.
    Calm,
    /// The postcode services are well.
    ServicesWell,
    /// Something happens to the store of the view record, for a while.
    StoreFault,
    /// This disk is well.
    DiskWell(Slot),
    /// The store is well.
    StoreWell,
    /// This customer may want something.
    Think(Slot),
    /// This customer gives up, if it still waits for this.
    GiveUp(Slot, RequestId),
}

/// A link that comes and goes.
#[derive(Clone, Copy, Debug)]
pub struct Flapping {
    /// How often it will still change.
    pub times: u32,
    /// Microseconds between two changes.
    pub period: u64,
    /// The actors at its ends.
    pub ends: (Slot, Slot),
    /// The number of its cut, while it is cut.
    pub cut: Option<u32>,
}
