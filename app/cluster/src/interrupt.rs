//! Being asked to end from outside: everything that starts, waits or measures for long looks here, or is told at once.
//!
//! Nothing ends here and no signal is caught here (`headless::signals` does that).

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Whether the program was asked to end. Clones share it; by default nothing ever asks.
#[derive(Clone, Default)]
pub struct Interrupt(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    asked: Condvar,
}

#[derive(Default)]
struct State {
    asked: bool,
    tell: Vec<Box<dyn FnOnce() + Send>>,
}

impl Interrupt {
    /// Asks. A second time changes nothing.
    pub fn ask(&self) {
        let mut state = self.state();
        state.asked = true;
        let tell = std::mem::take(&mut state.tell);
        drop(state);
        self.0.asked.notify_all();
        tell.into_iter().for_each(|tell| tell());
    }

    pub fn is_asked(&self) -> bool {
        self.state().asked
    }

    /// Calls `tell` when it is asked, from any thread; now, if it was asked before.
    pub fn when_asked(&self, tell: impl FnOnce() + Send + 'static) {
        let mut state = self.state();
        if !state.asked {
            state.tell.push(Box::new(tell));
            return;
        }
        drop(state);
        tell();
    }

    /// Waits for so long, or until it is asked. True: it was asked.
    pub fn wait(&self, at_most: Duration) -> bool {
        let state = self.state();
        let (state, _) = self
            .0
            .asked
            .wait_timeout_while(state, at_most, |state| !state.asked)
            .unwrap_or_else(PoisonError::into_inner);
        state.asked
    }

    /// The state is whole between any two instructions that could panic.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Interrupt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Interrupt").field(&self.is_asked()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn everybody_is_told_once_and_latecomers_at_once() {
        let interrupt = Interrupt::default();
        let (told, heard) = channel();
        let early = told.clone();
        interrupt.when_asked(move || early.send("early").unwrap());
        assert!(!interrupt.wait(Duration::ZERO) && heard.try_recv().is_err());
        interrupt.ask();
        interrupt.ask();
        interrupt.when_asked(move || told.send("late").unwrap());
        assert!(interrupt.is_asked() && interrupt.wait(Duration::MAX));
        assert_eq!(heard.iter().collect::<Vec<_>>(), ["early", "late"]);
    }
}
