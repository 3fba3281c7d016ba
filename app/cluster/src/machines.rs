//! Other machines in the cluster.
//!
//! A person invites: the cluster gives out a [`code`], opens its `door` on addresses that others reach, and its nodes listen there,
//! too. On the other machine an [`agent`] dials, is admitted, and from then on starts and kills real processes as the
//! launcher says; for the launcher they are processes `afar`, with the same commands and reports as its own children.
//! What both machines say to each other stands in `talk`. The supervisor decides whom it admits.

pub(crate) mod afar;
pub mod agent;
pub mod code;
pub(crate) mod customer_afar;
pub mod desk;
pub(crate) mod door;
pub mod stay;
pub(crate) mod talk;

use std::net::IpAddr;
use std::time::Duration;

use protocol::ids::Role;

/// The most machines beside the launcher's.
pub const MOST_MACHINES: usize = 16;
/// The most nodes on all machines, dead or alive.
pub const MOST_NODES: usize = 64;
/// How long a code is good, in real time.
pub const CODE_IS_GOOD: Duration = Duration::from_secs(600);

/// After a loss, a machine tries this long to come back.
pub(crate) const LONGEST_LOSS: Duration = Duration::from_secs(60);

/// Counts machines; one is never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MachineKey(pub u64);

/// What a person invites to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    pub role: Role,
    /// Where others reach this machine; none: all its addresses.
    pub advertise: Vec<IpAddr>,
}
