//! A replica: joining, backup or primary.

use crate::machine::{Effects, Identity, Input, Machine, Settings};
use crate::order_book::OrderBook;
use crate::trace::NodeState;

/// A replica: joining, backup or primary.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Replica {
    identity: Identity,
}

impl Replica {
    /// A fresh process: `base` is its pre-defined history, which counts only if it becomes the very first primary.
    #[must_use]
    pub fn new(identity: Identity, settings: Settings, base: OrderBook) -> Self {
        let _ = (settings, base);
        Self { identity }
    }
}

impl Machine for Replica {
    fn start(&mut self, _effects: &mut Effects) {}
    fn handle(&mut self, _input: Input, _effects: &mut Effects) {}
    fn settle(&mut self, _effects: &mut Effects) {}
    fn describe(&self) -> NodeState {
        unreachable!("being written: {}", self.identity.name)
    }
}
