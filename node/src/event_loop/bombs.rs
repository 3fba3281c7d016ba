//! Bombs in the actors of a process: an actor whose failpoint is reached stands still at that very point.
//!
//! What it was about to do is kept, what comes to it waits: a freeze loses nothing. What the explosion does to the process, or to
//! a customer, is up to the host's owner, which hears of it after the round. Without a bomb every hook costs one branch.

use std::collections::VecDeque;

use protocol::ids::NodeId;
use protocol::machine::{Effect, Input, Machine};
use protocol::message::Envelope;
use protocol::trace::{Bomb, Failpoint, Loss, NodeState, Part};
use rustc_hash::FxHashMap;

use super::Host;
use super::failpoints::{Moment, Watch};

/// A bomb that went off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explosion {
    /// The actor in which it went off. It stands still until [`Host::resume`].
    pub node: NodeId,
    /// The bomb itself.
    pub bomb: Bomb,
}

/// The bombs of one process, by actor.
#[derive(Debug, Default)]
pub(super) struct Bombs {
    laid: FxHashMap<usize, (Bomb, Watch)>,
    halted: FxHashMap<usize, Halted>,
    explosions: Vec<Explosion>,
}

/// An actor in the middle of its work.
#[derive(Debug, Default)]
struct Halted {
    /// What it was about to do.
    effects: Vec<Effect>,
    /// What has come since, oldest first.
    inputs: VecDeque<Input>,
}

impl Bombs {
    /// Whether no hook has anything to do.
    pub(super) fn is_idle(&self) -> bool {
        self.laid.is_empty() && self.halted.is_empty()
    }

    /// Whether a bomb lies in this actor: then its traces are wanted even without an observer.
    pub(super) fn lies_in(&self, at: usize) -> bool {
        self.laid.contains_key(&at)
    }

    /// Whether the host's owner has to be told of an explosion.
    pub(super) fn went_off(&self) -> bool {
        !self.explosions.is_empty()
    }

    pub(super) fn forget(&mut self, at: usize) {
        self.laid.remove(&at);
        self.halted.remove(&at);
    }

    /// The bomb, if it goes off at this moment.
    fn see(&mut self, at: usize, moment: Moment<'_>, state: &dyn Fn() -> NodeState) -> Option<Bomb> {
        let (bomb, watch) = self.laid.get_mut(&at)?;
        watch.sees(moment, state).then_some(*bomb)
    }
}

impl<M: Machine> Host<M> {
    /// Lays a bomb in an actor in the place of any other, or takes it away. Nothing happens if no actor here has that id.
    pub fn lay_bomb(&mut self, node: NodeId, bomb: Option<Bomb>) {
        let Some((at, actor)) = self.by_id.get(&node).and_then(|at| Some((*at, self.actors[*at].as_mut()?))) else {
            return;
        };
        if let Some(disk) = &self.disk {
            disk.stop_at(bomb.map(|bomb| bomb.at).filter(|at| at.part() == Part::Disk));
        }
        match bomb {
            Some(bomb) => {
                let watch = Watch::new(bomb.at, node, &actor.state());
                self.bombs.laid.insert(at, (bomb, watch));
            }
            None => drop(self.bombs.laid.remove(&at)),
        }
        actor.effects.set_observed(bomb.is_some() || self.feed.is_observed());
    }

    /// The bombs that went off since the last call.
    pub fn take_explosions(&mut self) -> Vec<Explosion> {
        std::mem::take(&mut self.bombs.explosions)
    }

    /// An actor is about to die of its bomb: what is still in its links never leaves them, and observers hear of it now,
    /// because only this host can tell it from what has just left.
    pub fn lose_links(&mut self, node: NodeId) {
        for passing in self.links.take_from(node) {
            self.note_lost(&passing, Loss::SenderEnded);
        }
    }

    /// Lets everything leave that was sent before the point, and tells observers what happened up to it.
    pub async fn let_sent_leave(&mut self) {
        self.transport.flush();
        self.feed.flush_now();
        self.transport.written().await;
    }

    /// An actor that stood still goes on where it stopped. Nothing happens to one that did not.
    ///
    /// # Errors
    /// As [`Host::round`].
    pub fn resume(&mut self, node: NodeId) -> anyhow::Result<()> {
        let Some(at) = self.by_id.get(&node).copied() else { return Ok(()) };
        let Some(Halted { effects, inputs }) = self.bombs.halted.remove(&at) else { return Ok(()) };
        if let Some(disk) = &mut self.disk {
            disk.go_on();
        }
        self.now = self.clock.now();
        if let Some(actor) = self.actors[at].as_mut() {
            let later: Vec<Effect> = actor.effects.drain().collect();
            effects.into_iter().chain(later).for_each(|effect| actor.effects.push(effect));
        }
        self.touch(at);
        self.carry_out(at)?;
        inputs.into_iter().for_each(|input| self.handle(at, input));
        Ok(())
    }

    /// The input, if the actor may handle it now; else it waits.
    pub(super) fn admit(&mut self, at: usize, input: Input) -> Option<Input> {
        if !self.bombs.halted.contains_key(&at) {
            let actor = self.actors[at].as_ref()?;
            let bomb = self.bombs.see(at, Moment::Before(&input), &|| actor.machine.describe());
            match bomb {
                None => return Some(input),
                Some(bomb) => self.go_off(at, bomb),
            }
        }
        self.bombs.halted.get_mut(&at)?.inputs.push_back(input);
        None
    }

    /// As `carry_out`, where a bomb lies or went off.
    pub(super) fn carry_out_warily(&mut self, at: usize) -> anyhow::Result<()> {
        let Some(actor) = self.actors[at].as_mut().filter(|_| !self.bombs.halted.contains_key(&at)) else {
            return Ok(());
        };
        let node = actor.id;
        let mut effects: Vec<Effect> = actor.effects.drain().collect();
        if let Some((_, watch)) = self.bombs.laid.get(&at) {
            watch.arrange(&mut effects);
        }
        for next in 0..=effects.len() {
            let Some(actor) = self.actors[at].as_ref() else { return Ok(()) };
            let moment = Moment::Between { effects: &effects, next };
            if let Some(bomb) = self.bombs.see(at, moment, &|| actor.machine.describe()) {
                self.go_off(at, bomb);
                self.tear_journal(bomb, effects.get(next))?;
            }
            // Here, or just before when a message left.
            if let Some(halted) = self.bombs.halted.get_mut(&at) {
                halted.effects = effects.split_off(next);
                return Ok(());
            }
            if let Some(effect) = effects.get(next) {
                self.carry_out_one(at, node, effect.clone())?;
            }
        }
        Ok(())
    }

    /// The disk stands at a point where a bomb lay. If that was taken away meanwhile, it goes on.
    pub(super) fn disk_has_reached(&mut self, point: Failpoint) {
        let bomb = self.bombs.laid.get(&self.keeps).map(|(bomb, _)| *bomb).filter(|bomb| bomb.at == point);
        match (bomb, &mut self.disk) {
            (Some(bomb), _) => self.go_off(self.keeps, bomb),
            (None, Some(disk)) => disk.go_on(),
            (None, None) => {}
        }
    }

    /// A message has left its link, and the process as soon as [`Self::let_sent_leave`] is over.
    pub(super) fn has_left(&mut self, envelope: &Envelope) {
        let Some((at, actor)) = self.by_id.get(&envelope.from).and_then(|at| Some((*at, self.actors[*at].as_ref()?)))
        else {
            return;
        };
        if let Some(bomb) = self.bombs.see(at, Moment::Left(envelope), &|| actor.machine.describe()) {
            self.go_off(at, bomb);
        }
    }

    /// A bomb goes off once.
    fn go_off(&mut self, at: usize, bomb: Bomb) {
        self.bombs.laid.remove(&at);
        self.bombs.halted.entry(at).or_default();
        if let Some(actor) = self.actors[at].as_mut() {
            actor.effects.set_observed(self.feed.is_observed());
            self.bombs.explosions.push(Explosion { node: actor.id, bomb });
        }
    }

    fn tear_journal(&mut self, bomb: Bomb, next: Option<&Effect>) -> anyhow::Result<()> {
        if bomb.at == Failpoint::NameServerTornJournal
            && let (Some(Effect::Journal(record)), Some(journal)) = (next, &mut self.record)
        {
            journal.keep_half(record)?;
        }
        Ok(())
    }
}
