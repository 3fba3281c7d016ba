//! Cluster time, on which every timer and every delay of a run lives: real time × rate, the same on all nodes.
//!
//! Machines do not know it; they name timers and lengths. A frozen clock (rate 0) lets nothing ring.
//! The wall clock is read once, to agree on when the run began, and never again.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use protocol::machine::Timer;
use protocol::trace::Rate;
use rustc_hash::FxHashMap;
use tokio::time::Instant;

use crate::control::ClockReading;

/// Tells cluster time, in microseconds since the run began.
#[derive(Clone, Copy, Debug)]
pub struct ClusterClock {
    /// When the rate was set last, in both times.
    real: Instant,
    cluster: u64,
    rate: Rate,
    /// It stops by itself here.
    until: Option<u64>,
    /// It never shows less: a clock that was ahead when the rate was set waits for the others.
    least: u64,
}

impl ClusterClock {
    /// As a launcher tells it to a process that starts. The wall clock is read here, once.
    #[must_use]
    pub fn started_at(reading: ClockReading) -> Self {
        let ClockReading { wall, cluster, rate, until } = reading;
        let mut clock = Self { real: Instant::now(), cluster, rate, until: None, least: 0 };
        let since = micros(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()).saturating_sub(wall);
        clock.cluster = until.unwrap_or(u64::MAX).min(cluster + clock.rated(since));
        clock.until = until;
        clock
    }

    /// Cluster time now.
    #[must_use]
    pub fn now(&self) -> u64 {
        let free = self.cluster + self.rated(micros(self.real.elapsed()));
        free.min(self.until.unwrap_or(u64::MAX)).max(self.least)
    }

    /// Goes on at another rate, from the launcher's reading `at` on; stops by itself at `until`. Nothing goes back.
    pub fn set(&mut self, at: u64, rate: Rate, until: Option<u64>) {
        self.set_after(self.now(), at, rate, until);
    }

    /// As [`Self::set`], if no more than `seen` of this clock was looked at: what it showed while its process
    /// slept and could not hear the launcher does not count.
    pub fn set_after(&mut self, seen: u64, at: u64, rate: Rate, until: Option<u64>) {
        *self = Self { real: Instant::now(), cluster: at, rate, until, least: seen };
    }

    /// How fast it goes. While it rests at the moment where it was to stop by itself: not at all.
    #[must_use]
    pub fn rate(&self) -> Rate {
        if self.until.is_some_and(|until| self.now() >= until) { Rate::STOPPED } else { self.rate }
    }

    /// Where it stops by itself.
    #[must_use]
    pub fn until(&self) -> Option<u64> {
        self.until
    }

    /// Whether time stands still.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.rate() == Rate::STOPPED
    }

    /// The real moment at which cluster time will be `at`; none if it stops before.
    #[must_use]
    pub fn real_moment(&self, at: u64) -> Option<Instant> {
        if at <= self.least {
            return Some(self.real);
        }
        let Rate(rate) = self.rate;
        if rate == 0 || self.until.is_some_and(|until| at > until) {
            return None;
        }
        let ahead = u128::from(at.saturating_sub(self.cluster));
        Some(self.real + Duration::from_micros((ahead * 1_000_000).div_ceil(u128::from(rate)) as u64))
    }

    fn rated(&self, real: u64) -> u64 {
        match self.rate {
            Rate::REAL => real,
            Rate(rate) => (u128::from(real) * u128::from(rate) / 1_000_000) as u64,
        }
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

    /// Whether it is set.
    #[must_use]
    pub fn is_set(&self, actor: usize, timer: Timer) -> bool {
        self.deadlines.contains_key(&(actor, timer))
    }

    /// All that are set, with their actors and moments, the earliest first.
    pub fn armed(&self) -> impl Iterator<Item = (usize, Timer, u64)> + '_ {
        self.queue.iter().map(|(at, actor, timer)| (*actor, *timer, *at))
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
    fn moments_follow_the_rate_and_a_stopped_clock_has_none() {
        let mut clock = ClusterClock::started_at(ClockReading { wall: 0, cluster: 0, rate: Rate::REAL, until: None });
        let at = clock.now() + 1_000_000;
        let wait = |clock: &ClusterClock| clock.real_moment(at).map(|moment| moment - clock.real);
        assert!(wait(&clock).is_some_and(|wait| wait <= Duration::from_secs(2)));
        clock.set(clock.now(), Rate(1000), None);
        assert!(wait(&clock).is_some_and(|wait| wait > Duration::from_secs(900)));
        clock.set(clock.now(), Rate::STOPPED, None);
        let stopped_at = clock.now();
        assert_eq!(wait(&clock), None);
        assert_eq!(clock.now(), stopped_at);
        clock.set(stopped_at, Rate::REAL, None);
        assert!(clock.now() >= stopped_at);
    }

    #[test]
    fn a_clock_that_is_ahead_waits_and_none_goes_back() {
        let mut clock =
            ClusterClock::started_at(ClockReading { wall: 0, cluster: 0, rate: Rate::STOPPED, until: None });
        clock.set(500, Rate::STOPPED, None);
        assert_eq!(clock.now(), 500);
        clock.set(400, Rate::STOPPED, None);
        assert_eq!(clock.now(), 500, "it does not go back");
        clock.set(600, Rate::STOPPED, None);
        assert_eq!(clock.now(), 600, "the drift does not add up");
    }

    #[test]
    fn it_stops_by_itself_at_the_very_moment() {
        let reading = ClockReading { wall: 0, cluster: 0, rate: Rate::REAL, until: Some(1000) };
        let mut clock = ClusterClock::started_at(reading);
        assert_eq!(clock.now(), 1000);
        assert!(clock.is_stopped());
        assert_eq!(clock.real_moment(1001), None);
        clock.set(1000, Rate::REAL, Some(50_000_000_000));
        assert!(!clock.is_stopped());
        assert!(clock.real_moment(1001).is_some());
    }
}
