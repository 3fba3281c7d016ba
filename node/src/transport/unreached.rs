//! Which peers on other machines this process tries to reach, and does not: a firewall, or a network that keeps its devices apart.
//!
//! A fact for people. No machine is told, and nothing is suspected: the protocol has heartbeats for that. A peer on this
//! machine is not looked at: it is dead or frozen, which its launcher knows.

use std::time::Duration;

use rustc_hash::FxHashMap;
use tokio::time::Instant;

use super::peers::PeerKey;

/// A peer that is not reached for this long is told of. A launcher that has lost the peer's machine knows it before that.
const TOLD_AFTER: Duration = Duration::from_secs(4);
/// Between two tries, if nobody sends anything to the peer.
pub(super) const BETWEEN_TRIES: Duration = Duration::from_millis(500);
/// After this long it is tried only when something is sent to it.
const TRIED_FOR: Duration = Duration::from_secs(120);
/// More are not kept.
const MOST: usize = 256;

#[derive(Debug)]
struct Failing {
    since: Instant,
    told: bool,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Unreached(FxHashMap<PeerKey, Failing>);

/// What follows from one more failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Next {
    /// The peer is to be told of, this once.
    pub tell: bool,
    /// It is to be tried again after [`BETWEEN_TRIES`].
    pub again: bool,
}

impl Unreached {
    /// The connection was silent and is lost, or a dial got no answer.
    pub fn failed(&mut self, key: PeerKey, now: Instant) -> Next {
        if self.0.len() >= MOST {
            self.0.retain(|_, failing| now - failing.since < TRIED_FOR);
        }
        if self.0.len() >= MOST && !self.0.contains_key(&key) {
            return Next { tell: false, again: false };
        }
        let failing = self.0.entry(key).or_insert(Failing { since: now, told: false });
        let lasts = now - failing.since;
        let tell = lasts >= TOLD_AFTER && !failing.told;
        failing.told |= tell;
        Next { tell, again: lasts < TRIED_FOR }
    }

    /// A connection is there. True: it was told that there is none.
    pub fn reached(&mut self, key: PeerKey) -> bool {
        self.0.remove(&key).is_some_and(|failing| failing.told)
    }

    /// Whether it is still not reached.
    pub fn has(&self, key: PeerKey) -> bool {
        self.0.contains_key(&key)
    }
}

#[cfg(test)]
mod tests {
    use protocol::ids::NodeId;

    use super::*;

    #[test]
    fn a_peer_is_told_of_once_after_a_while_and_when_it_is_reached() {
        let key = |number: u64| PeerKey { address: ([10, 0, 0, 1], 7).into(), id: Some(NodeId(number)) };
        let begun = Instant::now();
        let mut unreached = Unreached::default();
        let quiet = Next { tell: false, again: true };
        assert_eq!(unreached.failed(key(1), begun), quiet);
        assert_eq!(unreached.failed(key(1), begun + TOLD_AFTER / 2), quiet);
        assert!(!unreached.reached(key(1)) && !unreached.has(key(1)), "it was not told of");
        assert_eq!(unreached.failed(key(1), begun + TOLD_AFTER), quiet, "it begins anew");
        assert_eq!(unreached.failed(key(1), begun + 2 * TOLD_AFTER), Next { tell: true, again: true });
        assert_eq!(unreached.failed(key(1), begun + 3 * TOLD_AFTER), quiet);
        assert!(unreached.reached(key(1)) && !unreached.reached(key(1)));
        // It is not tried for ever, and there are not many.
        unreached.failed(key(2), begun);
        assert_eq!(unreached.failed(key(2), begun + TRIED_FOR), Next { tell: true, again: false });
        let all = (0..2 * MOST as u64).filter(|number| unreached.failed(key(*number), begun).again).count();
        assert!(all <= MOST && unreached.0.len() <= MOST, "{all}");
    }
}
