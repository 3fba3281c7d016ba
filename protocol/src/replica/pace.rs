//! How fast states are copied while customers order: orders pay for parts.
//!
//! A part costs all processes together about as much as some forty orders do. While nobody orders, a copy goes as fast as its
//! receiver answers. While customers order, each 40 orders earn one part, so that a newcomer takes at most about half of what
//! there is. Heartbeats earn parts as well: with few orders there is time for more.

use crate::ids::OpNumber;

use super::shared::Shared;

/// Parts that one round makes, at most: orders come between the rounds.
const MOST_PARTS: u32 = 2;
/// Parts that a heartbeat earns, and that may be saved up.
const A_HEARTBEAT: u32 = 16;

/// What copies may cost now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Pace {
    /// Parts that were earned and not made.
    saved: u32,
    /// Orders up to here have earned theirs.
    counted: OpNumber,
    /// The newest order at the last heartbeat.
    at_heartbeat: OpNumber,
    /// There were orders between the last two heartbeats.
    busy: bool,
}

impl Default for Pace {
    /// A new primary need not wait for its first heartbeat.
    fn default() -> Self {
        Self { saved: A_HEARTBEAT, counted: OpNumber(0), at_heartbeat: OpNumber(0), busy: false }
    }
}

impl Pace {
    pub(super) fn heartbeat(&mut self, shared: &Shared) {
        if shared.settings.orders_a_part > 0 {
            let here = shared.here().op;
            self.saved = A_HEARTBEAT;
            self.busy = here > self.at_heartbeat;
            self.at_heartbeat = here;
        }
    }

    /// How many parts this round may make.
    pub(super) fn parts(&mut self, shared: &Shared) -> u32 {
        let (price, here) = (u64::from(shared.settings.orders_a_part), shared.here().op);
        let is_free = price == 0 || (!self.busy && here <= self.at_heartbeat);
        if is_free {
            return MOST_PARTS;
        }
        let orders = here.0.saturating_sub(self.counted.0);
        if orders >= price {
            let earned = u32::try_from(orders / price).unwrap_or(A_HEARTBEAT);
            self.saved = self.saved.saturating_add(earned).min(A_HEARTBEAT);
            self.counted = here;
        }
        self.saved.min(MOST_PARTS)
    }

    pub(super) fn made(&mut self, parts: u32, shared: &Shared) {
        if shared.settings.orders_a_part > 0 {
            self.saved = self.saved.saturating_sub(parts);
        }
    }
}
