//! What all nodes say before and after something is measured.

use protocol::trace::{NodeState, Standing};
use serde::Serialize;

use cluster::{Inquirer, NodeStatus};

/// What all nodes say.
#[derive(Default)]
pub(super) struct Seen {
    /// Of the newest view.
    pub members: usize,
    pub view: u64,
    /// In the fullest book.
    pub orders: u64,
    /// Of front-ends, until now.
    pub suspicions: u64,
    /// Of a state on its way, about.
    pub bytes: u64,
}

impl Seen {
    pub(super) fn of(inquirer: &Inquirer) -> anyhow::Result<Self> {
        let mut seen = Self::default();
        let all: Vec<NodeStatus> = inquirer.status()?;
        for state in all.iter().filter_map(|node| node.state.as_ref()) {
            match state {
                NodeState::Replica(replica) => {
                    seen.orders = seen.orders.max(replica.orders.0);
                    seen.bytes = seen.bytes.max(replica.loading.map_or(0, |(_, all)| all));
                    if replica.standing == Standing::Primary && replica.view.number.0 >= seen.view {
                        (seen.view, seen.members) = (replica.view.number.0, replica.view.members.len());
                    }
                }
                NodeState::FrontEnd { suspicions, .. } => seen.suspicions += suspicions.len() as u64,
                NodeState::NameServer { .. } | NodeState::Customer { .. } => {}
            }
        }
        Ok(seen)
    }
}

/// What nothing but load must not cause.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Troubles {
    /// Views that were recorded meanwhile.
    pub view_changes: u64,
    /// Suspicions of front-ends meanwhile.
    pub suspicions: u64,
}

impl Troubles {
    pub(super) fn between(before: &Seen, after: &Seen) -> Self {
        Self {
            view_changes: after.view.saturating_sub(before.view),
            suspicions: after.suspicions.saturating_sub(before.suspicions),
        }
    }
}
