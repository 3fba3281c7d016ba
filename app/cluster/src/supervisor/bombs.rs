//! Bombs as the launcher lays them: in a process that runs, in one that will start, in a customer, in itself.
//!
//! Where a point lies, and what happens there, nodes and customers' hosts know. The launcher knows two points of its own,
//! and hears of one for a joining replica, which is not told that every answer needs it.

use anyhow::{bail, ensure};
use node::control::{NodeConfig, SteeringCommand};
use protocol::ids::{NodeId, ReplicaId, Role};
use protocol::trace::{Actor, Blast, Bomb, Failpoint, LauncherEvent, NodeEvent, Part};

use super::Supervisor;
use crate::hosts::CROWD;

impl Supervisor {
    /// Lays a bomb in a node or customer, or takes it away. In a node that does not run it waits for the next start.
    pub(crate) fn set_bomb(&mut self, name: &str, bomb: Option<Bomb>) -> anyhow::Result<()> {
        let Some(at) = self.nodes.named(name).filter(|at| !self.nodes.all[*at].removed) else {
            return self.set_bomb_in_customer(name, bomb);
        };
        let node = &self.nodes.all[at];
        let Actor::Role(role) = node.kind.actor() else {
            bail!("A postcode service has no failpoints. Choose another node.")
        };
        ensure_passes(name, role, bomb)?;
        ensure!(
            self.common.durable.is_some() || bomb.is_none_or(|bomb| bomb.at.part() != Part::Disk),
            "{name} keeps its orders in memory, so it has no disk at which a bomb could go off. Start a durable cluster."
        );
        let id = node.id;
        let told = match is_heard_of_here(bomb) {
            true => Vec::new(),
            false => vec![(id, SteeringCommand::Bomb { node: id, bomb })],
        };
        self.nodes.all[at].bomb = bomb;
        self.steer_and_confirm(told, vec![(id, LauncherEvent::BombIs { bomb })]);
        Ok(())
    }

    fn set_bomb_in_customer(&mut self, name: &str, bomb: Option<Bomb>) -> anyhow::Result<()> {
        let node = self.customer_named(name)?;
        ensure_passes(name, Role::Customer, bomb)?;
        self.steer_and_confirm(
            vec![(node, SteeringCommand::Bomb { node, bomb })],
            vec![(node, LauncherEvent::BombIs { bomb })],
        );
        Ok(())
    }

    pub(crate) fn customer_named(&self, name: &str) -> anyhow::Result<NodeId> {
        let shown = crate::shown(name);
        ensure!(name != CROWD, "This stands for all customers. Name one of them.");
        let mut found = self.hosts.named(name);
        match (found.next(), found.next()) {
            (Some(node), None) => Ok(node),
            (Some(_), Some(_)) => bail!("There are several nodes or customers named “{shown}”."),
            (None, _) => bail!("There is no node or customer named “{shown}”."),
        }
    }

    /// What a process that is started is told of the bomb that waits for it. `before`: the incarnation before this one.
    pub(crate) fn arm(&mut self, at: usize, before: NodeId, config: &mut NodeConfig) {
        let Some(bomb) = self.nodes.all[at].bomb else { return };
        config.bomb = Some(bomb).filter(|_| !is_heard_of_here(Some(bomb)));
        if before != config.id {
            self.fact(before, LauncherEvent::BombIs { bomb: None });
        }
    }

    /// A primary said that it needs this replica for every answer from now on.
    pub(crate) fn on_taken_in(&self, replica: ReplicaId) {
        let mined = |bomb: Option<Bomb>| bomb.is_some_and(|bomb| bomb.at == Failpoint::JoinerInAckSet);
        if let Some(node) = self.nodes.all.iter().find(|node| node.id == replica && mined(node.bomb)) {
            // Laid now, it goes off at once. Fails only if the joiner has just died.
            let _ = self.steer(replica, SteeringCommand::Bomb { node: replica, bomb: node.bomb });
        }
    }

    /// The launcher has come to one of its own points.
    pub(crate) fn reach(&mut self, at: Failpoint) {
        if let Some(bomb) = self.bomb.take_if(|bomb| bomb.at == at) {
            self.fact_for(NodeId(0), NodeEvent::Exploded { bomb });
            go_off(bomb.blast);
        }
    }

    /// Ends half of the processes, and comes to the point in the middle if a bomb lies there.
    pub(crate) fn begin_shutdown(&mut self) {
        if self.bomb.is_some_and(|bomb| bomb.at == Failpoint::SupervisorMidShutdown) {
            let half = self.nodes.all.len() / 2;
            self.nodes.all.iter_mut().take(half).for_each(|node| node.process = None);
            self.reach(Failpoint::SupervisorMidShutdown);
        }
    }
}

/// Whether the launcher must lay it when the point is reached.
fn is_heard_of_here(bomb: Option<Bomb>) -> bool {
    bomb.is_some_and(|bomb| bomb.at == Failpoint::JoinerInAckSet)
}

fn ensure_passes(name: &str, role: Role, bomb: Option<Bomb>) -> anyhow::Result<()> {
    let Some(Bomb { at, .. }) = bomb else { return Ok(()) };
    let Some(of) = at.role() else {
        bail!("The failpoint {at} is in the launcher itself. Start the program with --bomb {at}.")
    };
    ensure!(of == role, "A {of} passes the failpoint {at}, but {name} is a {role}, so the bomb would never go off.");
    Ok(())
}

/// Of this program: it dies as if killed from outside, or the thread that attends the processes stands still.
fn go_off(blast: Blast) {
    match blast {
        Blast::Crash => node::process::die(),
        // Nothing could wake it: this is the thread that wakes others.
        Blast::Freeze { wakes_after } => {
            std::thread::sleep(std::time::Duration::from_micros(wakes_after.unwrap_or_default().0));
        }
    }
}
