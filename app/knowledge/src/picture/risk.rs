//! What could be lost: answered orders that a member does not hold which may lead next.

use super::{Node, Picture};

impl Picture {
    /// Answered orders that the least advanced member does not hold, of those that could lead next, by what all said of
    /// themselves last. None: no other member runs. Of customers that are told of only together, operations are counted.
    pub fn at_risk(&self) -> Option<u64> {
        let leads = self.nodes.acting_primary();
        let is_other = |node: &&Node| node.runs() && leads.is_none_or(|primary| primary.id != node.id);
        let members = self.nodes.newest_view()?.members.iter();
        let others = members.filter_map(|id| self.nodes.of(*id)).filter(is_other).filter_map(Node::replica);
        let primary = leads.and_then(Node::replica);
        if self.crowd.is_some() {
            let end = |position: Option<protocol::ids::Position>| position.map_or(0, |position| position.op.0);
            let answered = primary.map_or(0, |primary| primary.commit.0.min(end(primary.position)));
            return others.map(|other| answered.saturating_sub(end(other.position))).max();
        }
        // What the primary lacks itself is lost, not at risk.
        let held = primary.map_or(u64::MAX, |primary| primary.orders.0);
        let answered = self.stats.highest().map_or(0, |highest| highest.0.min(held));
        others.map(|other| answered.saturating_sub(other.orders.0)).max()
    }
}
