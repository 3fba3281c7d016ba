//! Which request of each customer was executed last, of as many customers as there is room for (rules R8 and R14).
//!
//! The table is replicated state, so that every replica evicts the same customers: the longest silent ones, counted by
//! entries and never by a clock. What is left of the evicted is one number, the *horizon*: the newest entry whose session
//! is gone. A request that was made when the horizon's entry was already known to be settled cannot have been executed
//! before it; any other may have been, and is never executed again if its customer has no session.

mod table;

use serde::{Deserialize, Serialize};

use super::{Outcome, Rest};
use crate::fingerprint::digest_of;
use crate::ids::{CustomerId, Fingerprint, OpNumber, RequestNumber};
pub use table::Sweep;
use table::Table;

/// How many sessions there is room for (PROTOCOL section 8); a rejection takes the room of several, for its reason.
pub const MOST_SESSIONS: u32 = 1_000_000;

/// The last request of a customer that was executed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Session {
    /// Its number; this and lower ones are never executed (again).
    pub number: RequestNumber,
    /// What the customer was, or will be, told.
    pub outcome: Outcome,
    /// The entry that settled it: the answer waits for its commit (rule R7).
    pub op: OpNumber,
}

/// The session table: the last request of each customer that is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Sessions {
    room: u32,
    horizon: OpNumber,
    evicted: u64,
    table: Table,
}

impl Sessions {
    pub(super) fn with_room_for(room: u32) -> Self {
        Self { room, horizon: OpNumber(0), evicted: 0, table: Table::default() }
    }

    pub(super) fn get(&self, customer: CustomerId) -> Option<Session> {
        self.table.get(customer)
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// R14: the newest entry whose session was evicted; 0 while none was.
    pub(super) fn horizon(&self) -> OpNumber {
        self.horizon
    }

    /// How many sessions were evicted so far.
    pub(super) fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Sessions whose last entries are newer than `op`, longest silent first, until there is no `room` left.
    pub(super) fn after(&self, op: OpNumber, room: u64, sweep: &mut Sweep) -> Vec<(CustomerId, Session)> {
        self.table.after(op, room, sweep)
    }

    /// The newest entry whose session is remembered.
    pub(super) fn newest(&self) -> Option<OpNumber> {
        self.table.newest()
    }

    /// What there is besides the sessions that are remembered.
    pub(super) fn rest(&self) -> Rest {
        Rest { room: self.room, horizon: self.horizon, evicted: self.evicted, ..Rest::default() }
    }

    /// A copy's next session: nobody is evicted before the copy is complete.
    pub(super) fn put(&mut self, customer: CustomerId, session: &Session) {
        self.table.put(customer, session);
    }

    /// All sessions were put. What was evicted meanwhile goes.
    pub(super) fn complete(&mut self, rest: &Rest) {
        Rest { room: self.room, horizon: self.horizon, evicted: self.evicted, .. } = *rest;
        while self.table.oldest().is_some_and(|oldest| oldest <= self.horizon) {
            self.table.take_oldest();
        }
    }

    /// Remembers a customer's newest request, and evicts the longest silent ones until there is room: never the newest
    /// itself. Gives a digest of what was evicted.
    pub(super) fn remember(&mut self, customer: CustomerId, session: &Session) -> Fingerprint {
        self.table.put(customer, session);
        let mut gone = Fingerprint::default();
        while self.table.room() > u64::from(self.room) && self.table.len() > 1 {
            let Some((customer, op)) = self.table.take_oldest() else { break };
            self.horizon = self.horizon.max(op);
            self.evicted += 1;
            gone.0 ^= digest_of(&(customer, op)).0;
        }
        gone
    }

    /// Everybody's last request is settled no later than `at`, and not remembered.
    pub(super) fn evict_all(&mut self, at: OpNumber) {
        self.evicted += self.table.len() as u64;
        self.table = Table::default();
        self.horizon = self.horizon.max(at);
    }

    /// Only a planted bug forgets everybody (rule R8).
    pub(super) fn clear(&mut self) {
        self.table = Table::default();
    }
}

impl Default for Sessions {
    fn default() -> Self {
        Self::with_room_for(MOST_SESSIONS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::OrderNumber;
    use crate::order_book::Rejection;
    use crate::postcode::PostcodeService;

    fn placed(op: u64) -> Session {
        let outcome = Outcome::Placed { number: OrderNumber(op) };
        Session { number: RequestNumber(1), outcome, op: OpNumber(op) }
    }

    fn rejected(op: u64, length: usize) -> Session {
        let why = Rejection::Postcode { why: "x".repeat(length), by: PostcodeService::PostcodesIo };
        Session { outcome: Outcome::Rejected { why }, ..placed(op) }
    }

    #[test]
    fn whoever_was_silent_longest_goes() {
        let mut sessions = Sessions::with_room_for(2);
        for (customer, op) in [(1, 1), (2, 2), (1, 3), (3, 4)] {
            sessions.remember(CustomerId(customer), &placed(op));
        }
        let left = [1, 2, 3].map(|customer| sessions.get(CustomerId(customer)).map(|session| session.op.0));
        assert_eq!(left, [Some(3), None, Some(4)]);
        assert_eq!((sessions.len(), sessions.horizon(), sessions.evicted()), (2, OpNumber(2), 1));
    }

    #[test]
    fn reasons_take_room_and_the_newest_always_stays() {
        let mut sessions = Sessions::with_room_for(10);
        for n in 1..=10 {
            sessions.remember(CustomerId(n.into()), &placed(n));
        }
        let gone = sessions.remember(CustomerId(11), &rejected(11, 100));
        let each = (1..=4).map(|n| digest_of(&(CustomerId(n.into()), OpNumber(n))).0);
        assert_eq!(gone.0, each.fold(0, |all, one| all ^ one), "a digest of all four that had to go");
        assert_eq!((sessions.len(), sessions.horizon()), (7, OpNumber(4)));
        sessions.remember(CustomerId(12), &rejected(12, 100_000));
        assert_eq!((sessions.len(), sessions.get(CustomerId(12))), (1, Some(rejected(12, 100_000))));
    }

    #[test]
    fn a_table_is_the_same_after_it_was_copied_and_however_it_came_about() {
        let mut sessions = Sessions::with_room_for(700);
        // Customers come in an order of their own, and come again.
        for op in 1..=3000_u64 {
            let customer = CustomerId(u128::from(op.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54) << 64);
            let session = if op % 97 == 0 { rejected(op, 30) } else { placed(op) };
            sessions.remember(customer, &session);
            assert_eq!(sessions.get(customer), Some(session));
        }
        let mut loaded = Sessions::default();
        let (mut op, mut sweep) = (OpNumber(0), Sweep::default());
        while sessions.newest() > Some(op) {
            for (customer, session) in sessions.after(op, 100, &mut sweep) {
                loaded.put(customer, &session);
                op = session.op;
            }
        }
        loaded.complete(&sessions.rest());
        assert_eq!(loaded, sessions);
        for op in 3001..=4000 {
            let customer = CustomerId(u128::from(op) << 100);
            assert_eq!(sessions.remember(customer, &placed(op)), loaded.remember(customer, &placed(op)));
        }
        assert_eq!(loaded, sessions);
        assert!(sessions.len() <= 700 && sessions.evicted() > 1000);
    }

    #[test]
    fn tables_are_equal_if_they_hold_the_same_in_the_same_order() {
        let table = |customers: &[u128]| {
            let mut sessions = Sessions::default();
            for (op, customer) in (1..).zip(customers) {
                sessions.remember(CustomerId(*customer), &placed(op));
            }
            sessions
        };
        assert_eq!(table(&[1, 2]), table(&[1, 2]));
        for other in [&[1][..], &[1, 3], &[2, 1], &[1, 2, 3]] {
            assert_ne!(table(&[1, 2]), table(other), "{other:?}");
        }
    }
}
