//! What a measurement waits for: every replica is a member. Views that are recorded later have other reasons than the start.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::seen::Seen;
use cluster::Inquirer;
use cluster::interrupt::Interrupt;

/// Between two looks at the replicas.
const LOOK: Duration = Duration::from_millis(5);
/// A cluster whose replicas are not all members after this long is measured as it is.
const LONGEST: Duration = Duration::from_secs(60);

/// A cluster that was started on disks with orders.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Recovered {
    pub orders: u64,
    /// From the start of the launcher until a primary leads with those orders, the start of all processes included.
    pub seconds: f64,
}

/// Waits for all members; gives what was there before anybody ordered. `begun`: when the launcher was started.
pub(super) fn wait_for_all(
    inquirer: &Inquirer,
    replicas: u32,
    begun: Instant,
    interrupt: &Interrupt,
) -> anyhow::Result<Option<Recovered>> {
    let mut recovered = None;
    loop {
        let seen = Seen::of(inquirer)?;
        if seen.members > 0 && seen.orders > 0 {
            let seconds = begun.elapsed().as_secs_f64();
            recovered = recovered.or(Some(Recovered { orders: seen.orders, seconds }));
        }
        if seen.members >= replicas as usize || begun.elapsed() > LONGEST || interrupt.wait(LOOK) {
            return Ok(recovered);
        }
    }
}
