//! Which processes cannot reach each other over the network, as they say themselves. What the launcher knows better is no news:
//! a process that has ended or stands still answers nobody, and a link that a person has cut is not the network.

use protocol::ids::NodeId;
use protocol::trace::LauncherEvent;

use super::Supervisor;
use crate::nodes::Node;

impl Supervisor {
    /// A process says that it has not reached another one for some seconds, or that it does again.
    pub(super) fn on_reach(&mut self, from: NodeId, peer: NodeId, reached: bool) {
        if reached {
            return self.is_reached(from, peer);
        }
        let runs = |node: &&Node| node.process.is_some() && node.ready && node.frozen.is_none();
        let find = |id: NodeId| self.nodes.all.iter().filter(runs).find(|node| node.id == id);
        let (Some(one), Some(other)) = (find(from), find(peer)) else { return };
        if one.machine == other.machine {
            return;
        }
        let machine = |node: &Node| node.machine.and_then(|key| self.machines.name(key)).map(str::to_owned);
        let event = LauncherEvent::CannotReach { peer, here: machine(one), there: machine(other) };
        let one = self.nodes.all.iter_mut().find(|node| node.id == from);
        if one.is_some_and(|one| one.unreached.insert(peer)) {
            self.fact(from, event);
        }
    }

    fn is_reached(&mut self, from: NodeId, peer: NodeId) {
        let one = self.nodes.all.iter_mut().find(|node| node.id == from);
        if one.is_some_and(|one| one.unreached.remove(&peer)) {
            self.fact(from, LauncherEvent::CanReach { peer });
        }
    }

    /// A process has ended: nobody tries to reach it any more, and it tries to reach nobody.
    pub(super) fn is_reached_by_nobody(&mut self, id: NodeId) {
        let of = |node: &Node| node.unreached.iter().map(|peer| (node.id, *peer)).collect::<Vec<_>>();
        let all: Vec<(NodeId, NodeId)> = self.nodes.all.iter().flat_map(of).collect();
        for (from, peer) in all.into_iter().filter(|(from, peer)| *from == id || *peer == id) {
            self.is_reached(from, peer);
        }
    }
}
