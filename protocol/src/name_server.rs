//! The name server: who is where, and which view was recorded last.

use crate::machine::{Effects, Identity, Input, JournalRecord, Machine, Settings};
use crate::trace::NodeState;

/// The name server: who is where, and which view was recorded last.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NameServer {
    identity: Identity,
}

impl NameServer {
    /// Built from what its journal holds (the default, if it is new).
    #[must_use]
    pub fn new(identity: Identity, settings: Settings, journal: JournalRecord) -> Self {
        let _ = (settings, journal);
        Self { identity }
    }
}

impl Machine for NameServer {
    fn start(&mut self, _effects: &mut Effects) {}
    fn handle(&mut self, _input: Input, _effects: &mut Effects) {}
    fn settle(&mut self, _effects: &mut Effects) {}
    fn describe(&self) -> NodeState {
        unreachable!("being written: {}", self.identity.name)
    }
}
