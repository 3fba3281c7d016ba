//! Facts that wait until everybody concerned has done what they say: a link holds messages once its sender knows, not when somebody
//! asked for it.
//!
//! A process that is dead or stands still has nothing to confirm: it does what it was told before anything else, or nothing
//! any more. None is waited for longer than a while, in real time, because cluster time may stand still.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use node::control::{ControlCommand, SteeringCommand};
use protocol::ids::NodeId;
use protocol::trace::{LauncherEvent, MachineState};

use super::Supervisor;
use crate::hosts::Confirmation;
use crate::incoming::{Confirmer, Incoming, ProcessKey};

/// A process that has not confirmed after so long was stopped by somebody else.
const PATIENCE: Duration = Duration::from_secs(3);

/// Facts that are not so yet.
#[derive(Default)]
pub(super) struct Confirmations {
    last: u64,
    open: Vec<Open>,
}

struct Open {
    ticket: u64,
    waits_for: BTreeSet<Confirmer>,
    facts: Vec<(NodeId, LauncherEvent)>,
    /// When the last one had done it, in cluster time.
    at: u64,
    until: Instant,
}

/// Facts that are so, and since when in cluster time.
pub(super) type Ready = Vec<(u64, Vec<(NodeId, LauncherEvent)>)>;

/// Processes and hosts that have not confirmed in time.
type Silent = Vec<Confirmer>;

impl Confirmations {
    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    fn add(&mut self, ticket: u64, waits_for: BTreeSet<Confirmer>, facts: Vec<(NodeId, LauncherEvent)>, at: u64) {
        self.open.push(Open { ticket, waits_for, facts, at, until: Instant::now() + PATIENCE });
    }

    fn confirmed(&mut self, who: Confirmer, ticket: u64, at: u64) {
        if let Some(open) = self.open.iter_mut().find(|open| open.ticket == ticket) {
            open.waits_for.remove(&who);
            open.at = open.at.max(at);
        }
    }

    fn gone(&mut self, who: Confirmer) {
        for open in &mut self.open {
            open.waits_for.remove(&who);
        }
    }

    /// In the order in which they were asked for.
    fn ready(&mut self, now: Instant) -> (Ready, Silent) {
        let done = |open: &mut Open| open.waits_for.is_empty() || open.until <= now;
        let mut silent = Silent::new();
        let ready = self.open.extract_if(.., done).map(|open| {
            silent.extend(open.waits_for);
            (open.at, open.facts)
        });
        (ready.collect(), silent)
    }

    /// Whom the newest stop waits for; none: no stop is asked for.
    fn stop_waits_for(&self) -> Option<Vec<Confirmer>> {
        let is_stop = |(_, event): &(NodeId, LauncherEvent)| matches!(event, LauncherEvent::Stopping { .. });
        let stop = self.open.iter().rev().find(|open| open.facts.iter().any(is_stop))?;
        Some(stop.waits_for.iter().copied().collect())
    }

    /// How long until the next one is waited for no longer.
    pub fn patience(&self) -> Option<Duration> {
        self.open.iter().map(|open| open.until.saturating_duration_since(Instant::now())).min()
    }
}

impl Supervisor {
    /// Tells the host of each actor, and makes facts of it when all of them have done it.
    pub(super) fn steer_and_confirm(
        &mut self,
        told: Vec<(NodeId, SteeringCommand)>,
        facts: Vec<(NodeId, LauncherEvent)>,
    ) {
        let concerned: BTreeSet<Confirmer> = told.iter().filter_map(|(actor, _)| self.confirmer(*actor)).collect();
        for (actor, command) in told {
            // A process that does not run now is told when it starts.
            let _ = self.steer(actor, command);
        }
        self.when_confirmed(concerned, facts);
    }

    /// The same for everybody.
    pub(super) fn confirmed_by_all(&mut self, facts: Vec<(NodeId, LauncherEvent)>) {
        let processes = self.nodes.all.iter().filter_map(|node| node.process.as_ref());
        let processes = processes.map(|process| Confirmer::Process(process.key));
        let concerned = processes.chain(self.hosts.keys().map(Confirmer::Host)).collect();
        self.when_confirmed(concerned, facts);
    }

    fn when_confirmed(&mut self, mut concerned: BTreeSet<Confirmer>, facts: Vec<(NodeId, LauncherEvent)>) {
        let ticket = self.confirmations.next();
        concerned.retain(|who| match who {
            Confirmer::Host(key) => {
                let (supervisor, host) = (self.sender.clone(), Confirmer::Host(*key));
                // Fails only while everything ends.
                let say = move |at| drop(supervisor.send(Incoming::Confirmed(host, ticket, at)));
                self.hosts.ask_to_confirm(*key, Confirmation::new(say))
            }
            Confirmer::Process(key) => self.nodes.of_process(*key).is_some_and(|node| {
                let confirm = ControlCommand::Confirm { ticket };
                node.frozen.is_none() && node.process.as_ref().is_some_and(|process| process.tell(confirm))
            }),
        });
        self.confirmations.add(ticket, concerned, facts, self.clock.now());
        self.report_confirmed();
    }

    fn confirmer(&self, actor: NodeId) -> Option<Confirmer> {
        match self.nodes.all.iter().find(|node| node.id == actor) {
            Some(node) => node.process.as_ref().map(|process| Confirmer::Process(process.key)),
            None => self.hosts.of(actor).map(Confirmer::Host),
        }
    }

    pub(super) fn on_confirmed(&mut self, who: Confirmer, ticket: u64, at: u64) {
        let before = self.confirmations.stop_waits_for();
        self.confirmations.confirmed(who, ticket, at);
        let after = self.confirmations.stop_waits_for();
        if let (Some(before), Some(after)) = (before, after)
            && before != after
        {
            let (before, waits_for) = (self.machines_of(&before), self.machines_of(&after));
            if before != waits_for && !waits_for.is_empty() {
                self.fact(NodeId(0), LauncherEvent::Stopping { waits_for });
            }
        }
        self.report_confirmed();
    }

    /// A process stands still or has ended.
    pub(super) fn confirms_nothing(&mut self, key: ProcessKey) {
        self.confirmations.gone(Confirmer::Process(key));
        self.report_confirmed();
    }

    /// Reports what is confirmed, or has waited long enough.
    pub(super) fn report_confirmed(&mut self) {
        let (ready, silent) = self.confirmations.ready(Instant::now());
        for machine in self.machines_of(&silent) {
            self.machine_is(machine, MachineState::DoesNotConfirm);
        }
        let rate = self.clock.rate();
        for (at, facts) in ready {
            // A stop that was taken back meanwhile is none any more.
            let holds = |(_, event): &(NodeId, LauncherEvent)| !matches!(event, LauncherEvent::ClockIs { rate: then, .. } if *then != rate);
            let facts = facts.into_iter().filter(holds).collect::<Vec<_>>();
            self.facts.push(facts.into_iter().map(|(node, event)| protocol::trace::TraceRecord {
                node,
                at,
                event: event.into(),
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(hop: u64) -> Vec<(NodeId, LauncherEvent)> {
        vec![(NodeId(0), LauncherEvent::HopIs { hop })]
    }

    #[test]
    fn a_fact_waits_for_all_who_live_and_for_nobody_else() {
        let mut confirmations = Confirmations::default();
        let [one, other] = [1, 2].map(|key| Confirmer::Process(ProcessKey(key)));
        let (first, second) = (confirmations.next(), confirmations.next());
        confirmations.add(first, [one, other].into(), fact(1), 10);
        confirmations.add(second, [one].into(), fact(2), 11);
        let now = Instant::now();
        assert!(confirmations.ready(now).0.is_empty());
        confirmations.confirmed(one, first, 15);
        assert!(confirmations.ready(now).0.is_empty());
        // Its death confirms nothing, and holds up nothing.
        confirmations.gone(other);
        assert_eq!(confirmations.ready(now), (vec![(15, fact(1))], vec![]));
        confirmations.confirmed(one, second, 9);
        assert_eq!(confirmations.ready(now).0, [(11, fact(2))], "not before it was asked for");
        assert!(confirmations.patience().is_none());
    }

    #[test]
    fn whoever_was_stopped_by_somebody_else_is_not_waited_for() {
        let mut confirmations = Confirmations::default();
        let ticket = confirmations.next();
        confirmations.add(ticket, [Confirmer::Process(ProcessKey(1))].into(), fact(1), 10);
        assert!(confirmations.patience().is_some_and(|patience| patience <= PATIENCE));
        let silent = vec![Confirmer::Process(ProcessKey(1))];
        assert_eq!(confirmations.ready(Instant::now() + PATIENCE), (vec![(10, fact(1))], silent));
    }
}
