//! The host's clock, as far as it is known here, and whether this machine has slept.
//!
//! This machine's own wall clock is not trusted: it may be a year off. What the host's says is measured against the time since
//! this program began. The answer that came fastest is the best one.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use node::control::ClockReading;

use crate::machines::talk::FromHost;
use crate::wall_clock;
use knowledge::machines::ClockOffset;

/// The newest answers, this many, are compared.
const MOST_LOOKS: usize = 16;
/// A gap between the clock that goes on in sleep and the one that does not.
const SLEPT: Duration = Duration::from_secs(1);

/// What the host's wall clock shows.
pub(crate) struct HostTime {
    begun: Instant,
    /// How long an answer took, and how far the host's clock is ahead of the time since the beginning, in microseconds.
    looks: Mutex<VecDeque<(u64, i128)>>,
}

impl HostTime {
    pub fn new() -> Self {
        Self { begun: Instant::now(), looks: Mutex::default() }
    }

    /// Microseconds since this began.
    pub fn own(&self) -> u64 {
        self.begun.elapsed().as_micros() as u64
    }

    /// Takes the answer to a look.
    pub fn take(&self, word: &FromHost) {
        if let FromHost::Time { asked, wall } = word {
            self.note(self.own(), *asked, *wall);
        }
    }

    fn note(&self, now: u64, asked: u64, wall: u64) {
        let took = now.saturating_sub(asked);
        let ahead = i128::from(wall) + i128::from(took / 2) - i128::from(now);
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        looks.push_back((took, ahead));
        if looks.len() > MOST_LOOKS {
            looks.pop_front();
        }
    }

    /// How far this machine's wall clock is ahead of the host's. None: nothing is known of it.
    pub fn offset(&self) -> Option<ClockOffset> {
        let looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        let (took, there) = *looks.iter().min_by_key(|(took, _)| *took)?;
        let ahead = i128::from(wall_clock()) - i128::from(self.own()) - there;
        Some(ClockOffset { ahead: ahead.clamp(i64::MIN.into(), i64::MAX.into()) as i64, within: took / 2 + 1 })
    }

    /// A reading of the cluster clock by the host's wall clock, as a process here must be told it.
    pub fn translated(&self, reading: ClockReading) -> ClockReading {
        let age = self.age(self.own(), reading.wall);
        ClockReading { wall: wall_clock().saturating_sub(age), ..reading }
    }

    /// How long ago the host's wall clock showed this.
    fn age(&self, now: u64, wall: u64) -> u64 {
        let looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        let best = looks.iter().min_by_key(|(took, _)| *took).map(|(_, ahead)| *ahead);
        let there = best.map_or(i128::from(wall), |ahead| i128::from(now) + ahead);
        u64::try_from(there - i128::from(wall)).unwrap_or(0)
    }
}

/// Notices that this machine has slept: its monotonic clock stands still meanwhile, another one does not.
pub(super) struct Wakefulness {
    gap: Duration,
}

impl Wakefulness {
    pub fn new() -> Self {
        Self { gap: gap() }
    }

    pub fn has_slept(&mut self) -> bool {
        let before = std::mem::replace(&mut self.gap, gap());
        self.gap.saturating_sub(before) > SLEPT
    }
}

/// How much longer the machine has been running than awake.
#[cfg(target_os = "linux")]
fn gap() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    let at = |id| {
        let time = clock_gettime(id);
        Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
    };
    let awake = at(ClockId::Monotonic);
    at(ClockId::Boottime).saturating_sub(awake)
}

/// Elsewhere the connection is found lost after the sleep, which ends in the same.
#[cfg(not(target_os = "linux"))]
fn gap() -> Duration {
    Duration::ZERO
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEAR: u64 = 365 * 86_400 * 1_000_000;

    #[test]
    fn the_fastest_answer_decides_and_this_machines_date_does_not() {
        let time = HostTime::new();
        assert_eq!(time.age(1_000, YEAR), 0, "nothing is known yet");
        // Sent at 100, the host's clock shows a year and 150, back at 200.
        time.note(200, 100, YEAR + 150);
        time.note(90_000, 10_000, YEAR);
        assert_eq!(time.age(1_200, YEAR + 200), 1_000);
        assert_eq!(time.age(100, YEAR + 5_000), 0, "it lies ahead");
        let rate = protocol::trace::Rate::REAL;
        let told = time.translated(ClockReading { wall: YEAR, cluster: 5, rate, until: Some(9) });
        assert!(wall_clock() - told.wall < 60_000_000, "it is told by the clock here");
        assert_eq!((told.cluster, told.until), (5, Some(9)));
    }

    #[test]
    fn the_offset_is_that_of_the_two_dates() {
        let time = HostTime::new();
        assert_eq!(time.offset(), None);
        // Back after 40 microseconds: the host's date is that of here, and a year.
        let now = time.own();
        time.note(now + 40, now, wall_clock() + YEAR);
        let offset = time.offset().unwrap();
        assert!((offset.ahead + YEAR as i64).abs() < 60_000_000, "{offset:?}");
        assert_eq!(offset.within, 21);
    }

    #[test]
    fn only_the_newest_answers_count() {
        let time = HostTime::new();
        time.note(10, 10, 1_000);
        for _ in 0..MOST_LOOKS {
            time.note(30, 10, 2_020);
        }
        assert_eq!(time.age(100, 2_000), 100);
    }

    #[test]
    fn a_machine_that_did_not_sleep_is_awake() {
        let mut wakefulness = Wakefulness::new();
        assert!(!wakefulness.has_slept());
        wakefulness.gap = wakefulness.gap.saturating_sub(Duration::from_secs(2));
        assert_eq!(wakefulness.has_slept(), gap() >= Duration::from_secs(2));
    }
}
