//! Facts that several tests tell a picture, and a load driver that only notes what it is told.

use std::cell::RefCell;
use std::rc::Rc;

use protocol::ids::{Contact, NodeId, Role, View};
use protocol::trace::{Actor, ReplicaState, Standing, Started};

use crate::scenario_run::load_driver::{LoadCommand, LoadDriver, LoadEvent};

/// What was heard, and what is to be said next.
#[derive(Default)]
pub struct Notes {
    pub heard: Vec<LoadCommand>,
    pub says: Vec<LoadEvent>,
}

struct Noting(Rc<RefCell<Notes>>);

/// A load driver, and its notes.
pub fn noting() -> (Box<dyn LoadDriver>, Rc<RefCell<Notes>>) {
    let notes = Rc::new(RefCell::new(Notes::default()));
    (Box::new(Noting(notes.clone())), notes)
}

impl LoadDriver for Noting {
    fn tell(&mut self, command: LoadCommand) {
        self.0.borrow_mut().heard.push(command);
    }

    fn events(&mut self) -> Vec<LoadEvent> {
        std::mem::take(&mut self.0.borrow_mut().says)
    }
}

/// The start of "replica-2", whose node id is its number.
pub fn started(number: u64) -> Started {
    let contact = Contact { id: NodeId(number), address: ([127, 0, 0, 1], 9).into() };
    Started { name: format!("replica-{number}"), actor: Actor::Role(Role::Replica), pid: 1, contact }
}

/// What a member of a view says of itself while nothing has been ordered. The primary acts.
pub fn replica_state(number: u64, view: View) -> ReplicaState {
    let leads = view.primary == NodeId(number);
    let standing = if leads { Standing::Primary } else { Standing::Backup };
    ReplicaState { standing, view, acting: leads, ..ReplicaState::default() }
}
