//! The front-end: routes requests to the primary, suspects replicas, proposes views.

use crate::machine::{Effects, Identity, Input, Machine, Settings};
use crate::trace::NodeState;

/// The front-end: routes requests to the primary, suspects replicas, proposes views.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FrontEnd {
    identity: Identity,
}

impl FrontEnd {
    /// A front-end that has not claimed its token yet.
    #[must_use]
    pub fn new(identity: Identity, settings: Settings) -> Self {
        let _ = (settings);
        Self { identity }
    }
}

impl Machine for FrontEnd {
    fn start(&mut self, _effects: &mut Effects) {}
    fn handle(&mut self, _input: Input, _effects: &mut Effects) {}
    fn settle(&mut self, _effects: &mut Effects) {}
    fn describe(&self) -> NodeState {
        unreachable!("being written: {}", self.identity.name)
    }
}
