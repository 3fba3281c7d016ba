//! Handshakes that others have begun and not ended: a bounded number, of which the oldest gives way.
//!
//! Until its end the peer of a handshake is unknown. What it leads to is not known here.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::task::AbortHandle;

/// Handshakes at a time.
const MOST: usize = 64;

/// All that are under way, oldest first.
#[derive(Debug, Default)]
pub(super) struct Handshakes(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    begun: u64,
    under_way: VecDeque<(u64, AbortHandle)>,
}

impl Handshakes {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn count(&self) -> usize {
        self.lock().under_way.len()
    }

    /// Begins one more, which is told its number. It ends with [`Self::end`], or by giving way: then it goes no further.
    pub fn begin<F: Future<Output = ()> + Send + 'static>(&self, one: impl FnOnce(u64) -> F) {
        let mut all = self.lock();
        if all.under_way.len() >= MOST
            && let Some((_, oldest)) = all.under_way.pop_front()
        {
            oldest.abort();
        }
        all.begun += 1;
        let number = all.begun;
        let task = tokio::spawn(one(number));
        all.under_way.push_back((number, task.abort_handle()));
    }

    /// It has ended. False: it had given way.
    pub fn end(&self, number: u64) -> bool {
        let under_way = &mut self.lock().under_way;
        let place = under_way.iter().position(|(other, _)| *other == number);
        place.is_some_and(|at| under_way.remove(at).is_some())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn the_oldest_gives_way_and_the_newest_goes_on() {
        let handshakes = Arc::new(Handshakes::default());
        let (sender, mut over) = mpsc::unbounded_channel();
        let begin = |never: bool| {
            let (all, sender) = (handshakes.clone(), sender.clone());
            handshakes.begin(|number| async move {
                // Closed when it is given up.
                let _held = sender.clone();
                if never {
                    std::future::pending::<()>().await;
                }
                let _ = sender.send((number, all.end(number)));
            });
        };
        (0..3 * MOST).for_each(|_| begin(true));
        assert_eq!(handshakes.count(), MOST);
        begin(false);
        assert_eq!(over.recv().await, Some((3 * MOST as u64 + 1, true)));
        assert_eq!(handshakes.count(), MOST - 1);
        // Those that gave way hold nothing any more.
        while sender.strong_count() > 2 * MOST {
            tokio::task::yield_now().await;
        }
        assert!(!handshakes.end(1) && handshakes.end(3 * MOST as u64));
    }
}
