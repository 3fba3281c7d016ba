//! What has come of a script so far: counts, folded from facts and resolved steps.
//!
//! Whether that is as expected is judged elsewhere.

use std::collections::BTreeMap;
use std::time::Duration;

use protocol::ids::{NodeId, View};
use protocol::trace::{Denial, LauncherEvent, MachineEvent, NodeEvent, Standing, TraceEvent, TraceRecord};

use super::since::{Noted, Place};

use knowledge::numbered_steps::{NumberedSteps, Passed};
use serde::{Serialize, Serializer};

/// At most this many refusals and skipped steps are listed one by one.
const MOST_TOLD: usize = 50;

/// What has happened since the script began. Moments count from when the customers began.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Findings {
    /// Faults, by kind. Mending is none.
    pub faults: BTreeMap<&'static str, u64>,
    /// Bombs that went off, by failpoint.
    pub failpoints: BTreeMap<&'static str, u64>,
    /// Timers that rang while time stood still, by the processes' own count.
    #[serde(rename = "timers_rung")]
    pub rung_while_stopped: u64,
    /// Timers that rang while time was slower than real time.
    pub timers_rung_slowly: u64,
    /// Replicas that a front-end began to suspect.
    pub suspicions: u64,
    pub view_changes: u64,
    /// Newer views with another primary.
    pub failovers: u64,
    /// Why commands were refused, the first of them.
    #[serde(skip)]
    pub refused: Vec<Denial>,
    /// Steps that were not done because they meant nothing that was there.
    #[serde(skip)]
    pub skipped: Vec<String>,
    /// The step at which the script stopped, because what it waits for did not happen: a sentence.
    pub stuck: Option<String>,
    /// The number of the step at which it stopped, from 1; 0: it did not stop at a step.
    #[serde(skip)]
    pub stopped_at: usize,
    /// Whether it was ended before its time.
    #[serde(skip)]
    pub broken_off: bool,
    /// When nodes were crashed.
    #[serde(skip)]
    pub crashes: Vec<Duration>,
    /// Whether two replicas stood at the same place and did not hold the same, at any time.
    #[serde(skip)]
    pub copies_differed: bool,
    /// How long customers ordered.
    #[serde(rename = "secs", serialize_with = "seconds")]
    pub lasted: Duration,
    /// When the first fault was asked for.
    #[serde(skip)]
    pub first_fault: Option<Duration>,
    /// When the last step was done.
    #[serde(skip)]
    pub last_step: Option<Duration>,
    #[serde(skip)]
    newest: Option<View>,
    #[serde(skip)]
    numbered: NumberedSteps,
}

fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(time.as_secs())
}

impl Findings {
    pub fn all_faults(&self) -> u64 {
        self.faults.values().sum::<u64>() + self.failpoints.values().sum::<u64>()
    }

    /// Kinds of fault; each failpoint is one.
    pub fn kinds(&self) -> u64 {
        (self.faults.len() + self.failpoints.len()) as u64
    }

    /// Takes a fact in, and passes on what scripts wait for.
    pub(crate) fn learn(&mut self, record: &TraceRecord, mut pass_on: impl FnMut(Noted)) {
        for passed in self.numbered.learn(record) {
            pass_on(match passed {
                Passed::Sent(step) => Noted::Sent(step.0),
                Passed::Arrived(step, _) => Noted::Arrived(step.0),
            });
        }
        if let Some(why) = record.event.denial().filter(|_| self.refused.len() < MOST_TOLD) {
            self.refused.push(why.clone());
        }
        match &record.event {
            TraceEvent::Launcher(event) => {
                if let LauncherEvent::Ended { .. } = event {
                    pass_on(Noted::Ended(self.place_of(record.node)));
                }
            }
            TraceEvent::Node(event) => {
                self.learn_of_node(event);
                Noted::of_node(event, || self.place_of(record.node)).into_iter().for_each(pass_on);
            }
            TraceEvent::Machine(event) => {
                self.learn_of_machine(event).or(Noted::of_machine(event)).into_iter().for_each(pass_on);
            }
        }
    }

    fn learn_of_node(&mut self, event: &NodeEvent) {
        if let NodeEvent::Rang { .. } = event {
            self.timers_rung_slowly += 1;
        } else if let NodeEvent::Exploded { bomb } = event {
            *self.failpoints.entry(bomb.at.name()).or_default() += 1;
        }
    }

    fn learn_of_machine(&mut self, event: &MachineEvent) -> Option<Noted> {
        if let MachineEvent::Became { standing: Standing::Primary | Standing::Backup, view } = event {
            return self.entered(view).then_some(Noted::ViewChange);
        } else if let MachineEvent::Suspects { suspected: true, .. } = event {
            self.suspicions += 1;
        }
        None
    }

    /// What a node was in the newest view.
    fn place_of(&self, node: NodeId) -> Place {
        match &self.newest {
            Some(view) if view.primary == node => Place::Primary,
            Some(view) if view.members.contains(&node) => Place::Backup,
            Some(_) | None => Place::Other,
        }
    }

    /// Somebody entered a view: a change, if nobody has entered one as new. The first one seen was there before.
    fn entered(&mut self, view: &View) -> bool {
        let is_change = match &self.newest {
            Some(newest) if view.number <= newest.number => return false,
            Some(newest) => {
                self.view_changes += 1;
                self.failovers += u64::from(newest.primary != view.primary);
                true
            }
            None => false,
        };
        self.newest = Some(view.clone());
        is_change
    }

    /// The view there was when the script began.
    pub(crate) fn begins_in(&mut self, view: View) {
        self.newest = Some(view);
    }
}
