//! An alarm that is put off again and again, and wakes this process only when it is due.
//!
//! Tokio puts a sleep off without taking it out of its wheel: cheap, but the process wakes at each earlier moment, too, for
//! nothing. That is right under load, when it is awake anyway, and most of what a cluster at rest would do. So an alarm
//! that is set rarely is set exactly, and one that is set often is set cheaply.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// How often within [`MOMENT`] an alarm is set exactly.
const EXACT: u32 = 4;
/// See [`EXACT`]: shorter than the pause between two bursts of messages of a cluster at rest.
const MOMENT: Duration = Duration::from_millis(5);

/// One alarm. Must be made and used within a tokio runtime.
#[derive(Debug)]
pub(crate) struct Alarm {
    sleep: Pin<Box<Sleep>>,
    /// When the present moment began, and how often it was set in it.
    since: Instant,
    set: u32,
}

impl Alarm {
    /// An alarm at this moment.
    pub(crate) fn at(moment: Instant) -> Self {
        Self { sleep: Box::pin(sleep_until(moment)), since: Instant::now(), set: 1 }
    }

    /// At this moment instead.
    pub(crate) fn ring_at(&mut self, moment: Instant) {
        if self.sleep.deadline() == moment {
            return;
        }
        if self.set >= EXACT {
            let now = Instant::now();
            if now - self.since < MOMENT {
                return self.sleep.as_mut().reset(moment);
            }
            (self.since, self.set) = (now, 0);
        }
        self.set += 1;
        self.sleep.set(sleep_until(moment));
    }

    /// Whether it is due; wakes the task if not, when it is.
    pub(crate) fn poll_due(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.sleep.as_mut().poll(context)
    }
}

/// Waits for this moment; none never comes. For a wait that is begun anew in each round, and mostly is for nothing.
pub async fn passed(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    /// Real time: sooner than this nothing may ring, later than this it must have rung.
    const SOON: Duration = Duration::from_millis(30);

    async fn rings(alarm: &mut Alarm) -> Duration {
        let begun = Instant::now();
        poll_fn(|context| alarm.poll_due(context)).await;
        begun.elapsed()
    }

    #[tokio::test]
    async fn an_alarm_rings_when_it_was_set_last_however_often_that_was() {
        let begun = Instant::now();
        for times in [1, 3, 100] {
            let mut alarm = Alarm::at(begun);
            let moment = Instant::now() + SOON;
            (0..times).for_each(|step| alarm.ring_at(moment + SOON * (times - 1 - step)));
            assert!(rings(&mut alarm).await >= SOON - Duration::from_millis(2), "set {times} times");
            assert!(Instant::now() >= moment, "set {times} times");
        }
    }

    #[tokio::test]
    async fn an_alarm_that_rang_can_be_set_again() {
        let mut alarm = Alarm::at(Instant::now());
        rings(&mut alarm).await;
        let moment = Instant::now() + SOON;
        alarm.ring_at(moment);
        rings(&mut alarm).await;
        assert!(Instant::now() >= moment);
    }
}
