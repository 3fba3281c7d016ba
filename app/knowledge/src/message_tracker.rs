//! Pairs sendings with their ends. Sender and receiver report through different pipes, so an end may be heard of before its
//! sending.
//!
//! Bounded on both sides: whatever waits longest for its other half goes first. What is kept of a message, and what an end
//! says, is up to the caller.

use std::collections::{BTreeMap, VecDeque};

/// Messages on their way, at most `OPEN`, and ends whose sending is still to come, at most `EARLY`.
#[derive(Clone, Debug)]
pub struct MessageTracker<K, T, E, const OPEN: usize, const EARLY: usize> {
    /// What is kept of each, with its place in the order of sendings.
    open: BTreeMap<K, (u64, T)>,
    sent: u64,
    early: VecDeque<(K, E)>,
}

impl<K, T, E, const OPEN: usize, const EARLY: usize> Default for MessageTracker<K, T, E, OPEN, EARLY> {
    fn default() -> Self {
        Self { open: BTreeMap::new(), sent: 0, early: VecDeque::new() }
    }
}

impl<K: Copy + Ord, T, E, const OPEN: usize, const EARLY: usize> MessageTracker<K, T, E, OPEN, EARLY> {
    /// A message was sent. Gives it back with its end, if that was heard of already; else keeps it.
    pub fn sent(&mut self, key: K, message: T) -> Option<(T, E)> {
        let early = self.early.iter().position(|(early, _)| *early == key);
        if let Some((_, end)) = early.and_then(|at| self.early.remove(at)) {
            return Some((message, end));
        }
        self.sent += 1;
        self.open.insert(key, (self.sent, message));
        if self.open.len() > OPEN
            && let Some(oldest) = self.open.iter().min_by_key(|(_, (sent, _))| *sent).map(|(key, _)| *key)
        {
            self.open.remove(&oldest);
        }
        None
    }

    /// A message was delivered. Gives it back with its end, if its sending was heard of; else keeps the end.
    pub fn delivered(&mut self, key: K, end: E) -> Option<(T, E)> {
        if let Some(message) = self.take(key) {
            return Some((message, end));
        }
        self.early.push_back((key, end));
        self.early.drain(..self.early.len().saturating_sub(EARLY));
        None
    }

    /// A message will never arrive. Its sender says so, after it has told of the sending.
    pub fn take(&mut self, key: K) -> Option<T> {
        self.open.remove(&key).map(|(_, message)| message)
    }

    pub fn get(&self, key: K) -> Option<&T> {
        self.open.get(&key).map(|(_, message)| message)
    }

    pub fn get_mut(&mut self, key: K) -> Option<&mut T> {
        self.open.get_mut(&key).map(|(_, message)| message)
    }

    /// Messages on their way, in the order of their keys.
    pub fn open(&self) -> impl ExactSizeIterator<Item = (K, &T)> {
        self.open.iter().map(|(key, (_, message))| (*key, message))
    }

    /// Lets go of messages on their way.
    pub fn retain(&mut self, so: impl Fn(&T) -> bool) {
        self.open.retain(|_, (_, message)| so(message));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Tracker = MessageTracker<u64, char, u64, 3, 2>;

    fn open(tracker: &Tracker) -> String {
        tracker.open().map(|(_, message)| *message).collect()
    }

    #[test]
    fn an_end_finds_its_sending_whichever_is_heard_of_first() {
        let mut tracker = Tracker::default();
        assert_eq!(tracker.sent(1, 'a'), None);
        assert_eq!(tracker.delivered(1, 10), Some(('a', 10)));
        assert_eq!(tracker.delivered(2, 20), None);
        assert_eq!(tracker.sent(2, 'b'), Some(('b', 20)));
        assert_eq!(open(&tracker), "");
    }

    #[test]
    fn what_is_lost_is_no_longer_on_its_way() {
        let mut tracker = Tracker::default();
        tracker.sent(1, 'a');
        assert_eq!(tracker.take(1), Some('a'));
        assert_eq!(tracker.take(1), None);
        assert_eq!(tracker.take(2), None, "and nobody waits for its sending");
        assert_eq!(tracker.sent(2, 'b'), None);
    }

    #[test]
    fn a_doubled_message_ends_once_for_each_sending() {
        let mut tracker = Tracker::default();
        tracker.sent(1, 'a');
        assert_eq!(tracker.delivered(1, 10), Some(('a', 10)));
        assert_eq!(tracker.delivered(1, 11), None);
        assert_eq!(tracker.sent(1, 'a'), Some(('a', 11)));
        assert_eq!(tracker.sent(1, 'a'), None);
    }

    #[test]
    fn what_waits_longest_goes_first() {
        let mut tracker = Tracker::default();
        for (key, message) in [(9, 'a'), (1, 'b'), (5, 'c'), (2, 'd')] {
            tracker.sent(key, message);
        }
        assert_eq!(open(&tracker), "bdc", "in the order of their keys, without the oldest");
        for key in [11, 12, 13] {
            tracker.delivered(key, key);
        }
        assert_eq!(tracker.sent(11, 'e'), None);
        assert_eq!(tracker.sent(12, 'f'), Some(('f', 12)));
    }
}
