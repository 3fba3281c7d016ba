//! Facts that several tests tell a picture.

use protocol::ids::{Contact, Fingerprint, NodeId, OpNumber, OrderNumber, Role, View};
use protocol::trace::{Actor, ReplicaState, Standing, Started};

/// The start of "replica-2", whose node id is its number.
pub fn started(number: u64) -> Started {
    let contact = Contact { id: NodeId(number), address: ([127, 0, 0, 1], 9).into() };
    Started { name: format!("replica-{number}"), actor: Actor::Role(Role::Replica), pid: 1, contact }
}

/// What a member of a view says of itself while nothing has been ordered. The primary acts.
pub fn replica_state(number: u64, view: View) -> ReplicaState {
    let leads = view.primary == NodeId(number);
    ReplicaState {
        standing: if leads { Standing::Primary } else { Standing::Backup },
        view,
        acting: leads,
        position: None,
        commit: OpNumber(0),
        ack_set: Vec::new(),
        silent: Vec::new(),
        joiners: Vec::new(),
        loading: None,
        orders: OrderNumber(0),
        postcodes: 0,
        sessions: 0,
        evicted: 0,
        digest: Fingerprint(0),
        unchecked: None,
    }
}
