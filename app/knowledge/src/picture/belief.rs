//! The facts, and what each node believes, to be shown side by side.
//!
//! The facts are not guessed: processes that run, the primary that acts by its own account, and the view that the name
//! server has recorded. In a distributed system only an observer from outside sees them all.

use protocol::ids::{NodeId, Role, View, ViewNumber};
use protocol::trace::{Actor, NodeState};

use super::{Node, Picture};

/// The facts that beliefs are compared with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    /// The view that is recorded; before any is, or without a name server, the newest that anybody believes in.
    pub view: Option<View>,
    /// The replica that acts as primary.
    pub primary: Option<NodeId>,
    /// Replicas whose processes run and are not frozen, sorted.
    pub alive: Vec<NodeId>,
}

/// What one node believes. What it has no opinion on is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Belief {
    /// The node that believes it.
    pub node: NodeId,
    /// What people call it.
    pub name: String,
    /// The newest view it knows.
    pub view: ViewNumber,
    /// Whom it takes for primary.
    pub primary: Option<NodeId>,
    /// Whom it takes for members, sorted.
    pub members: Vec<NodeId>,
    /// Whom it takes for alive, sorted.
    pub alive: Option<Vec<NodeId>>,
}

impl Belief {
    /// Whether the primary it believes in is not the one that acts.
    pub fn errs_in_primary(&self, truth: &Truth) -> bool {
        self.primary != truth.primary
    }

    /// Whether its view is not the recorded one.
    pub fn errs_in_view(&self, truth: &Truth) -> bool {
        truth.view.as_ref().is_some_and(|view| view.number != self.view || view.members != self.members)
    }

    /// Whether it takes a dead replica for alive, or a living one for dead. What it has no opinion on is no error.
    pub fn errs_in_alive(&self, truth: &Truth) -> bool {
        self.alive.as_ref().is_some_and(|alive| *alive != truth.alive)
    }

    /// Whether anything is not as it believes.
    pub fn errs(&self, truth: &Truth) -> bool {
        self.errs_in_primary(truth) || self.errs_in_view(truth) || self.errs_in_alive(truth)
    }
}

impl Picture {
    /// What is so.
    pub fn truth(&self) -> Truth {
        let recorded = self.nodes.iter().filter(|node| node.runs()).find_map(|node| match &node.state {
            Some(NodeState::NameServer { record, .. }) if record.number.0 > 0 => Some(record),
            _ => None,
        });
        let replica = |node: &&Node| node.actor == Actor::Role(Role::Replica);
        let goes = |node: &&Node| node.runs() && !self.steering.frozen.contains_key(&node.id);
        let mut alive: Vec<NodeId> = self.nodes.iter().filter(replica).filter(goes).map(|node| node.id).collect();
        alive.sort_unstable();
        Truth {
            view: recorded.or_else(|| self.nodes.newest_view()).cloned(),
            primary: self.nodes.acting_primary().map(|node| node.id),
            alive,
        }
    }

    /// What each living node believes, in the order in which nodes are shown. Nodes that have not said anything yet,
    /// and postcode services, are left out.
    pub fn beliefs(&self) -> impl Iterator<Item = Belief> {
        self.nodes.iter().filter(|node| node.runs()).filter_map(belief)
    }
}

fn belief(node: &Node) -> Option<Belief> {
    let (view, alive) = match node.state.as_ref()? {
        NodeState::NameServer { record, names, .. } => {
            let replicas = names.iter().filter(|(_, role, _)| *role == Role::Replica);
            (record, Some(replicas.map(|(_, _, contact)| contact.id).collect()))
        }
        NodeState::FrontEnd { view, alive, .. } => (view, Some(alive.clone())),
        NodeState::Replica(state) => {
            // Only a primary watches the others: those whose answers it needs and hears.
            let heard = state.ack_set.iter().filter(|id| !state.silent.contains(id)).copied();
            (&state.view, state.acting.then(|| heard.collect()))
        }
        NodeState::Customer { .. } => return None,
    };
    let sorted = |mut ids: Vec<NodeId>| {
        ids.sort_unstable();
        ids
    };
    Some(Belief {
        node: node.id,
        name: node.name.clone(),
        view: view.number,
        primary: (view.number.0 > 0).then_some(view.primary),
        members: sorted(view.members.clone()),
        alive: alive.map(sorted),
    })
}
