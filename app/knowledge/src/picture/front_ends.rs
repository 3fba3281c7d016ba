//! Front-ends, where there are several: which of them has the newest token, and whether the others know.
//!
//! Told by what front-ends and name server say of themselves; which one customers find is the name server's business.

use protocol::ids::{FrontEndToken, Role};
use protocol::trace::{Actor, NodeState};

use super::{Node, Nodes, Picture};

/// Where a front-end stands among the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precedence {
    /// There never was another, or it has not claimed its token yet: nothing is to be said.
    Alone,
    /// Its token is the newest: it alone can change the view.
    Newest,
    /// There is a newer token, and it has not been told.
    Overtaken,
    /// There is a newer one, and it knows.
    Retired,
}

impl Nodes {
    /// All that are shown, by name.
    pub fn front_ends(&self) -> impl Iterator<Item = &Node> {
        self.iter().filter(|node| node.actor == Actor::Role(Role::FrontEnd))
    }

    /// The one that runs with the newest token of those that run; before any has one, the last by name.
    pub fn newest_front_end(&self) -> Option<&Node> {
        self.front_ends().filter(|node| node.runs()).max_by_key(|node| token(node))
    }

    /// The newest token that anybody has said: none falls.
    fn newest_token(&self) -> Option<FrontEndToken> {
        let recorded = self.iter().filter_map(|node| match &node.state {
            Some(NodeState::NameServer { token, .. }) => Some(*token),
            _ => None,
        });
        recorded.chain(self.front_ends().filter_map(token)).max()
    }
}

impl Picture {
    /// Where this front-end stands among the others.
    pub fn precedence(&self, node: &Node) -> Precedence {
        let several = self.nodes.front_ends().nth(1).is_some();
        match (node.front_end(), token(node)) {
            (Some(state), _) if state.retired => Precedence::Retired,
            (Some(_), Some(own)) if several && Some(own) < self.nodes.newest_token() => Precedence::Overtaken,
            (Some(_), Some(_)) if several => Precedence::Newest,
            _ => Precedence::Alone,
        }
    }
}

/// Of a process that has ended: its last.
fn token(node: &Node) -> Option<FrontEndToken> {
    match &node.state {
        Some(NodeState::FrontEnd { token, .. }) => *token,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use protocol::ids::{Contact, NodeId, View};
    use protocol::trace::{LauncherEvent, NodeEvent, Started, TraceEvent, TraceRecord};

    use super::*;
    use crate::picture::Cause;
    use crate::picture::Service;

    fn tell(picture: &mut Picture, node: u64, event: impl Into<TraceEvent>) {
        picture.apply(&TraceRecord { node: NodeId(node), at: node, event: event.into() });
    }

    fn starts(picture: &mut Picture, node: u64, name: &str, role: Role) {
        let contact = Contact { id: NodeId(node), address: "127.0.0.1:4000".parse().unwrap() };
        let started = Started { name: name.into(), actor: Actor::Role(role), pid: 7, contact };
        tell(picture, node, LauncherEvent::Started(started));
    }

    fn says(picture: &mut Picture, node: u64, token: u64, retired: bool) {
        let (token, view) = (Some(FrontEndToken(token)), View::default());
        let (alive, suspicions) = (Vec::new(), Vec::new());
        let state = NodeState::FrontEnd { token, retired, view, alive, pending: 0, waits_for: None, suspicions };
        tell(picture, node, NodeEvent::State(state));
    }

    fn precedences(picture: &Picture) -> Vec<(&str, Precedence)> {
        picture.nodes.front_ends().map(|node| (node.name.as_str(), picture.precedence(node))).collect()
    }

    #[test]
    fn the_newest_token_tells_who_can_change_the_view_and_who_does_not_know() {
        let mut picture = Picture::default();
        starts(&mut picture, 1, "front-end", Role::FrontEnd);
        says(&mut picture, 1, 1, false);
        assert_eq!(precedences(&picture), [("front-end", Precedence::Alone)]);
        starts(&mut picture, 2, "front-end-2", Role::FrontEnd);
        assert_eq!(precedences(&picture)[1].1, Precedence::Alone, "it has not claimed its token");
        assert_eq!(picture.nodes.newest_front_end().unwrap().name, "front-end");
        says(&mut picture, 2, 2, false);
        assert_eq!(precedences(&picture), [("front-end", Precedence::Overtaken), ("front-end-2", Precedence::Newest)]);
        assert_eq!(picture.nodes.newest_front_end().unwrap().name, "front-end-2");
        says(&mut picture, 1, 1, true);
        assert_eq!(precedences(&picture)[0].1, Precedence::Retired);
    }

    #[test]
    fn the_name_server_knows_of_a_token_before_its_front_end_does() {
        let mut picture = Picture::default();
        starts(&mut picture, 3, "name-server", Role::NameServer);
        starts(&mut picture, 1, "front-end", Role::FrontEnd);
        starts(&mut picture, 2, "front-end-2", Role::FrontEnd);
        says(&mut picture, 1, 1, false);
        let state = NodeState::NameServer {
            names: Vec::new(),
            token: FrontEndToken(2),
            record: View::default(),
            keeping: Default::default(),
        };
        tell(&mut picture, 3, NodeEvent::State(state));
        assert_eq!(precedences(&picture), [("front-end", Precedence::Overtaken), ("front-end-2", Precedence::Alone)]);
    }

    #[test]
    fn while_only_retired_front_ends_run_orders_wait() {
        let mut picture = Picture::default();
        starts(&mut picture, 1, "front-end", Role::FrontEnd);
        says(&mut picture, 1, 1, true);
        assert_eq!(picture.service(), Service::Waiting(Cause::OnlyRetired));
        starts(&mut picture, 2, "front-end-2", Role::FrontEnd);
        assert_eq!(picture.service(), Service::Starting, "the newer one has said nothing yet");
    }
}
