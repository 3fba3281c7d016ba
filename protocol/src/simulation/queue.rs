//! What will happen, ordered by virtual time; what was planned first comes first among equals.
//!
//! A heap of small keys beside a store of events: keys are moved often, events never.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Events of type `T` at virtual times in microseconds.
#[derive(Debug)]
pub struct Queue<T> {
    /// Time, count of plans, place in the store: 64, 40 and 24 bits.
    keys: BinaryHeap<Reverse<u128>>,
    store: Vec<Option<T>>,
    free: Vec<u32>,
    planned: u64,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { keys: BinaryHeap::new(), store: Vec::new(), free: Vec::new(), planned: 0 }
    }
}

impl<T> Queue<T> {
    /// Plans `event` for the moment `at`.
    pub fn plan(&mut self, at: u64, event: T) {
        let place = if let Some(place) = self.free.pop() {
            self.store[place as usize] = Some(event);
            place
        } else {
            self.store.push(Some(event));
            self.store.len() as u32 - 1
        };
        self.planned += 1;
        self.keys.push(Reverse(u128::from(at) << 64 | u128::from(self.planned) << 24 | u128::from(place)));
    }

    /// The next event with its time.
    pub fn take_next(&mut self) -> Option<(u64, T)> {
        let Reverse(key) = self.keys.pop()?;
        let place = (key & 0xff_ffff) as u32;
        self.free.push(place);
        Some(((key >> 64) as u64, self.store[place as usize].take()?))
    }

    /// When the next event happens.
    #[must_use]
    pub fn next_at(&self) -> Option<u64> {
        self.keys.peek().map(|Reverse(key)| (key >> 64) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_then_plan_order() {
        let mut queue = Queue::default();
        for (at, name) in [(5, "c"), (3, "a"), (5, "d"), (4, "b")] {
            queue.plan(at, name);
        }
        assert_eq!(queue.next_at(), Some(3));
        let order: Vec<_> = std::iter::from_fn(|| queue.take_next()).collect();
        assert_eq!(order, [(3, "a"), (4, "b"), (5, "c"), (5, "d")]);
        assert_eq!(queue.next_at(), None);
    }
}
