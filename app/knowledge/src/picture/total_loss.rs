//! Whether all members of the newest view are gone, and with them what only they held.

use std::sync::Arc;

use protocol::ids::{NodeId, View, ViewNumber};

use super::{Node, Picture};

/// All members of a view are gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TotalLoss {
    pub view: View,
    /// What its members were called.
    pub members: Vec<Arc<str>>,
    /// When the last of them ended, in cluster time.
    pub since: u64,
    /// Orders whose customers had been told that they are placed.
    pub acknowledged: u64,
}

impl Picture {
    /// None while one of them runs, also if it stands still: it may go on.
    pub fn total_loss(&self) -> Option<TotalLoss> {
        // The last primary may be gone before a front-end reports its view.
        let is_newest = |view: &&View| view.number > ViewNumber(0) && view.number.0 >= self.newest_led;
        let view = self.nodes.newest_view().filter(is_newest)?;
        let runs = |id: &NodeId| self.nodes.of(*id).is_some_and(Node::runs);
        // One with its disk comes back with all that it held.
        let comes_back = |id: &NodeId| self.nodes.of(*id).is_some_and(Node::is_on_disk);
        if view.members.iter().any(|id| runs(id) || comes_back(id)) {
            return None;
        }
        // A member that was never heard of may run somewhere.
        let names = view.members.iter().map(|id| self.nodes.shared_name_of(*id));
        let mut members = names.collect::<Option<Vec<_>>>()?;
        members.sort();
        let ends = view.members.iter().map(|id| self.ends.iter().find(|(ended, _)| ended == id));
        let since = ends.map(|end| end.map(|(_, at)| *at)).collect::<Option<Vec<_>>>()?.into_iter().max()?;
        let crowd = self.crowd.map_or(0, |(_, crowd)| crowd.acknowledged);
        Some(TotalLoss { view: view.clone(), members, since, acknowledged: self.stats.placed + crowd })
    }

    /// The replicas that have ended and keep their state on disk, if no replica runs: the power is off.
    pub fn waits_for_power(&self) -> Option<Vec<Arc<str>>> {
        let replicas = || self.nodes.iter().filter(|node| node.replica().is_some());
        let on_disk = replicas().filter(|node| node.is_on_disk()).filter_map(|node| self.nodes.shared_name_of(node.id));
        let on_disk: Vec<_> = on_disk.collect();
        (!on_disk.is_empty() && !replicas().any(Node::runs)).then_some(on_disk)
    }
}
