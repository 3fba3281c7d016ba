//! Replicas of a durable cluster on other machines: each machine has a disk for them, or none runs there.

use protocol::ids::{NodeId, Role};
use protocol::trace::{LauncherEvent, NoJoin};

use crate::durable_folder::OnDisk;
use crate::replica_names::number_of;
use crate::supervisor::Supervisor;

impl Supervisor {
    /// Why a machine cannot run replicas here, as far as disks go. `offered`: whether it has a disk for them.
    pub(super) fn disk_speaks_against(&self, role: Role, offered: bool) -> Option<NoJoin> {
        match (self.common.durable.is_some(), offered) {
            _ if role != Role::Replica => None,
            (true, false) => Some(NoJoin::NeedsDisk),
            (false, true) => Some(NoJoin::InMemory),
            (true, true) | (false, false) => None,
        }
    }

    /// The replica of this cluster that a machine's disk holds, unless there is one of that name; else a new one.
    pub(super) fn replica_of(&mut self, on_disk: &[OnDisk]) -> usize {
        let Some(durable) = &self.common.durable else { return self.nodes.add_replica() };
        let is_ours = |it: &&OnDisk| it.cluster == durable.identity() && self.nodes.named(&it.name).is_none();
        let ours = on_disk.iter().filter(is_ours).find_map(|it| Some((number_of(&it.name)?, it.id)));
        let at = match ours {
            Some((number, id)) => {
                let at = self.nodes.add_replica_with(number);
                self.nodes.all[at].id = id;
                at
            }
            None => self.nodes.add_replica(),
        };
        if let Some(number) = number_of(&self.nodes.all[at].name)
            && let Err(error) = durable.is_elsewhere(number)
        {
            self.fact(NodeId(0), LauncherEvent::Log { text: node::error_text::chain(&error) });
        }
        at
    }
}
