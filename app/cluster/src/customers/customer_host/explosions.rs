//! What a bomb does to a customer: it is gone, and nobody will know what became of its order; or it does nothing for a time.
//!
//! The others in the same host go on all the while.

use std::time::{Duration, Instant};

use node::event_loop::Explosion;
use protocol::ids::{CustomerId, NodeId};
use protocol::trace::{Blast, Ending, Freezing, LauncherEvent, NodeEvent};

use super::CustomerHost;
use crate::hosts::Moved;

impl CustomerHost {
    /// Whose bombs went off in this round.
    pub(super) async fn explode(&mut self) {
        let explosions = self.host.take_explosions();
        if explosions.is_empty() {
            return;
        }
        for Explosion { node, .. } in explosions.iter().filter(|explosion| explosion.bomb.blast == Blast::Crash) {
            self.host.lose_links(*node);
        }
        self.host.let_sent_leave().await;
        for Explosion { node, bomb } in explosions {
            self.fact(node, NodeEvent::Exploded { bomb });
            match bomb.blast {
                Blast::Crash => self.dies(node),
                Blast::Freeze { wakes_after } => {
                    let until = wakes_after.map(|after| Instant::now() + Duration::from_micros(after.0));
                    self.frozen.insert(node, until);
                    self.fact(node, NodeEvent::Froze { how: Freezing::Cooperative });
                }
            }
        }
    }

    fn dies(&mut self, node: NodeId) {
        let found = self.residents.iter().find(|(_, resident)| resident.node == node);
        if let Some(customer) = found.map(|(customer, _)| *customer) {
            self.forget(customer, node);
            self.fact(node, LauncherEvent::Ended { how: Ending::Crashed, words: "its bomb went off".into() });
        }
    }

    /// Nobody of that id lives here any more.
    pub(super) fn forget(&mut self, customer: CustomerId, node: NodeId) {
        self.host.remove(node);
        self.residents.remove(&customer);
        self.frozen.remove(&node);
        self.register(Moved::Out(self.registry.0, node));
    }

    /// A frozen customer goes on where it stopped; anybody else does anyway.
    pub(super) fn wake(&mut self, node: NodeId) -> anyhow::Result<()> {
        if self.frozen.remove(&node).is_some() {
            self.fact(node, NodeEvent::Woke);
            self.host.resume(node)?;
        }
        Ok(())
    }

    /// Those whose time is over.
    pub(super) fn wake_due(&mut self) -> anyhow::Result<()> {
        let now = Instant::now();
        let due = |(node, until): (&NodeId, &Option<Instant>)| until.filter(|until| *until <= now).map(|_| *node);
        let due: Vec<NodeId> = self.frozen.iter().filter_map(due).collect();
        due.into_iter().try_for_each(|node| self.wake(node))
    }

    /// When somebody wakes next.
    pub(super) fn next_waking(&self) -> Option<Instant> {
        self.frozen.values().flatten().min().copied()
    }
}
