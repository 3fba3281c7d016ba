//! A customer: one outstanding request, repeated until it is answered.

use crate::ids::{CustomerId, RequestNumber};
use crate::machine::{Effects, Identity, Input, Machine, Settings};
use crate::trace::NodeState;

/// A customer: one outstanding request, repeated until it is answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Customer {
    identity: Identity,
}

impl Customer {
    /// `last`: the number of its last request, 0 for a new customer.
    #[must_use]
    pub fn new(identity: Identity, settings: Settings, customer: CustomerId, last: RequestNumber) -> Self {
        let _ = (settings, customer, last);
        Self { identity }
    }
}

impl Machine for Customer {
    fn start(&mut self, _effects: &mut Effects) {}
    fn handle(&mut self, _input: Input, _effects: &mut Effects) {}
    fn settle(&mut self, _effects: &mut Effects) {}
    fn describe(&self) -> NodeState {
        unreachable!("being written: {}", self.identity.name)
    }
}
