//! How often something may happen: a bucket that fills with time, and is emptied by what happens.

use std::time::{Duration, Instant};

/// Lets `most` things happen at once, and then one each `refill`.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    most: u32,
    refill: Duration,
    /// When it is full again, if nothing happens until then.
    full_at: Instant,
}

impl Bucket {
    pub fn full(most: u32, refill: Duration) -> Self {
        Self { most, refill, full_at: Instant::now() }
    }

    /// Whether it may happen now. What may not does not count.
    pub fn takes(&mut self, now: Instant) -> bool {
        let full_at = self.full_at.max(now) + self.refill;
        let may = full_at <= now + self.refill * self.most;
        if may {
            self.full_at = full_at;
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_one_each_time() {
        let second = Duration::from_secs(1);
        let (mut bucket, now) = (Bucket::full(3, second), Instant::now() + second);
        let taken = |bucket: &mut Bucket, now| (0..10).filter(|_| bucket.takes(now)).count();
        assert_eq!(taken(&mut bucket, now), 3);
        assert_eq!(taken(&mut bucket, now + second), 1, "refused ones did not count");
        assert_eq!(taken(&mut bucket, now + 100 * second), 3, "it holds no more than it may");
    }
}
