//! What a script may switch on that is unsafe: an injected bug, or answers that wait for fewer copies. Never without consent.

use protocol::acknowledge::Acknowledge;
use protocol::plant::Plant;

use crate::Action;

/// One unsafe switch, switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsafe {
    /// The bug that is injected.
    Plant(Plant),
    /// The copies that answers wait for: fewer than all.
    Acknowledge(Acknowledge),
}

impl Unsafe {
    /// What an action switches on, if that is unsafe.
    pub(crate) fn of(action: &Action) -> Option<Self> {
        match action {
            Action::Plant(plant) => plant.map(Unsafe::Plant),
            Action::Acknowledge(acknowledge) => Self::fewer(*acknowledge),
            _ => None,
        }
    }

    /// None: answers wait for all copies.
    #[must_use]
    pub fn fewer(acknowledge: Acknowledge) -> Option<Self> {
        (!acknowledge.is_safe()).then_some(Unsafe::Acknowledge(acknowledge))
    }
}

impl std::fmt::Display for Unsafe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unsafe::Plant(plant) => plant.fmt(f),
            Unsafe::Acknowledge(acknowledge) => write!(f, "acknowledge {acknowledge}"),
        }
    }
}

impl serde::Serialize for Unsafe {
    /// By its name.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
