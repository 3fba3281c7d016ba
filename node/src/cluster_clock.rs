//! Cluster time, on which every timer and every delay of a run lives: real time × rate, the same on all nodes.
//!
//! No machine knows of it; machines name timers and lengths. A frozen clock (rate 0) lets nothing ring, whatever is held.
//! The wall clock is read once, to agree on when the run began, and never again.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use protocol::machine::Timer;
use rustc_hash::FxHashMap;
use tokio::time::Instant;

/// How fast cluster time goes, in millionths of real time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate(pub u32);

impl Rate {
    /// As fast as real time.
    pub const REAL: Self = Self(1_000_000);
    /// Not at all.
    pub const FROZEN: Self = Self(0);
}

/// Tells cluster time, in microseconds since the run began.
#[derive(Clone, Copy, Debug)]
pub struct ClusterClock {
    /// When the rate was set last, in both times.
    real: Instant,
    cluster: u64,
    rate: Rate,
}

impl ClusterClock {
    /// Of a run whose time began so many microseconds after 1970 by the launcher's wall clock.
    #[must_use]
    pub fn since(epoch: u64) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { real: Instant::now(), cluster: micros(now).saturating_sub(epoch), rate: Rate::REAL }
    }

    /// Cluster time now.
    #[must_use]
    pub fn now(&self) -> u64 {
        let real = micros(self.real.elapsed());
        let passed = match self.rate {
            Rate::REAL => real,
            Rate(rate) => (u128::from(real) * u128::from(rate) / 1_000_000) as u64,
        };
        self.cluster + passed
    }

    /// Goes on at another rate; nothing jumps.
    pub fn set_rate(&mut self, rate: Rate) {
        *self = Self { cluster: self.now(), real: Instant::now(), rate };
    }

    /// Whether time stands still.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.rate == Rate::FROZEN
    }

    /// The real moment at which cluster time will be `at`; none while it stands still.
    #[must_use]
    pub fn real_moment(&self, at: u64) -> Option<Instant> {
        let ahead = u128::from(at.saturating_sub(self.cluster));
        let Rate(rate) = self.rate;
        let real = (ahead * 1_000_000).div_ceil(u128::from(rate).max(1)) as u64;
        (rate > 0).then(|| self.real + Duration::from_micros(real))
    }
}

fn micros(duration: Duration) -> u64 {
    duration.as_micros() as u64
}

/// The armed timers of a process, by actor: setting one again replaces it.
#[derive(Debug, Default)]
pub struct Timers {
    deadlines: FxHashMap<(usize, Timer), u64>,
    queue: BTreeSet<(u64, usize, Timer)>,
}

impl Timers {
    /// Lets `timer` of `actor` ring at cluster time `at`, and only then.
    pub fn set(&mut self, actor: usize, timer: Timer, at: u64) {
        if let Some(before) = self.deadlines.insert((actor, timer), at) {
            self.queue.remove(&(before, actor, timer));
        }
        self.queue.insert((at, actor, timer));
    }

    /// Forgets a timer.
    pub fn cancel(&mut self, actor: usize, timer: Timer) {
        if let Some(before) = self.deadlines.remove(&(actor, timer)) {
            self.queue.remove(&(before, actor, timer));
        }
    }

    /// Forgets all timers of an actor.
    pub fn cancel_all(&mut self, actor: usize) {
        self.deadlines.retain(|(of, _), _| *of != actor);
        self.queue.retain(|(_, of, _)| *of != actor);
    }

    /// When the next one rings.
    #[must_use]
    pub fn next(&self) -> Option<u64> {
        self.queue.first().map(|(at, _, _)| *at)
    }

    /// Takes out one that is due, the earliest first.
    pub fn take_due(&mut self, now: u64) -> Option<(usize, Timer)> {
        let (at, actor, timer) = *self.queue.first().filter(|(at, _, _)| *at <= now)?;
        self.queue.remove(&(at, actor, timer));
        self.deadlines.remove(&(actor, timer));
        Some((actor, timer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_set_again_rings_once_and_later() {
        let mut timers = Timers::default();
        timers.set(0, Timer::Heartbeat, 10);
        timers.set(0, Timer::Heartbeat, 20);
        timers.set(1, Timer::Heartbeat, 15);
        timers.set(1, Timer::MayPropose, 5);
        timers.cancel(1, Timer::MayPropose);
        assert_eq!(timers.next(), Some(15));
        assert_eq!(timers.take_due(30), Some((1, Timer::Heartbeat)));
        assert_eq!(timers.take_due(19), None);
        assert_eq!(timers.take_due(20), Some((0, Timer::Heartbeat)));
        assert_eq!(timers.take_due(u64::MAX), None);
    }

    #[test]
    fn a_removed_actor_rings_no_more() {
        let mut timers = Timers::default();
        timers.set(0, Timer::Heartbeat, 10);
        timers.set(1, Timer::Heartbeat, 11);
        timers.cancel_all(0);
        assert_eq!(timers.take_due(u64::MAX), Some((1, Timer::Heartbeat)));
        assert_eq!(timers.take_due(u64::MAX), None);
    }

    #[test]
    fn moments_follow_the_rate_and_a_frozen_clock_has_none() {
        let mut clock = ClusterClock::since(0);
        let at = clock.now() + 1_000_000;
        let wait = |clock: &ClusterClock| clock.real_moment(at).map(|moment| moment - clock.real);
        assert!(wait(&clock).is_some_and(|wait| wait <= Duration::from_secs(2)));
        clock.set_rate(Rate(1000));
        assert!(wait(&clock).is_some_and(|wait| wait > Duration::from_secs(900)));
        clock.set_rate(Rate::FROZEN);
        let frozen_at = clock.now();
        assert_eq!(wait(&clock), None);
        assert_eq!(clock.now(), frozen_at);
        clock.set_rate(Rate::REAL);
        assert!(clock.now() >= frozen_at);
    }
}
