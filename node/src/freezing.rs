//! Standing still on purpose: the loop blocks between two rounds until it is woken.
//!
//! The thread that listens to the launcher never stands still: it hears "wake", and the end of the pipe. What a frozen process misses does
//! not concern this file; afterwards it is late, and knows it (PROTOCOL section 7).

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Shared by the loop, which stands still, and the thread that hears when to go on.
#[derive(Clone, Debug, Default)]
pub struct Standstill(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    frozen: Mutex<bool>,
    woken: Condvar,
}

impl Standstill {
    /// From now on [`Self::last`] stands still.
    pub fn begin(&self) {
        *self.frozen() = true;
    }

    /// Lets it go on, or not begin: a "wake" is heard at once, a "freeze" may wait in the loop's queue before it.
    pub fn end(&self) {
        *self.frozen() = false;
        self.0.woken.notify_all();
    }

    /// Stands still until the end; at most for this much real time.
    pub fn last(&self, at_most: Option<Duration>) {
        let frozen = self.frozen();
        match at_most {
            Some(at_most) => {
                let waited = self.0.woken.wait_timeout_while(frozen, at_most, |frozen| *frozen);
                *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
            }
            None => {
                let waited = self.0.woken.wait_while(frozen, |frozen| *frozen);
                drop(waited.unwrap_or_else(PoisonError::into_inner));
            }
        }
    }

    /// A flag is whole whatever panics.
    fn frozen(&self) -> MutexGuard<'_, bool> {
        self.0.frozen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{RecvTimeoutError, channel};

    #[test]
    fn it_lasts_until_it_is_ended_or_for_its_time() {
        let standstill = Standstill::default();
        standstill.last(None); // Nobody has frozen it.
        standstill.begin();
        let (sender, ended) = channel();
        let other = standstill.clone();
        let thread = std::thread::spawn(move || {
            other.last(None);
            let _ = sender.send(());
        });
        assert_eq!(ended.recv_timeout(Duration::from_millis(20)), Err(RecvTimeoutError::Timeout));
        standstill.end();
        assert_eq!(ended.recv_timeout(Duration::from_secs(20)), Ok(()));
        assert!(thread.join().is_ok());
        standstill.begin();
        standstill.last(Some(Duration::from_millis(1)));
        standstill.last(None); // Its time was over: it is frozen no more.
    }

    #[test]
    fn a_process_woken_before_it_stands_still_goes_on() {
        let standstill = Standstill::default();
        standstill.begin();
        standstill.end();
        standstill.last(None);
    }
}
