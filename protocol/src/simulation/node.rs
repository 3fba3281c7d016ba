//! One incarnation of one actor: its machine, its timers, what waits for it.
//!
//! Knows nothing of other nodes: the cluster carries its effects out.

use crate::customer::Customer;
use crate::front_end::FrontEnd;
use crate::ids::NodeId;
use crate::machine::{Input, Machine, Timer};
use crate::name_server::NameServer;
use crate::replica::Replica;
use crate::trace::{Failpoint, NodeState};

/// Low bits of a [`NodeId`]: which of all incarnations it is. The high bits are random, so that ids order nothing.
const INCARNATION_BITS: u32 = 16;

/// The id of an incarnation.
#[must_use]
pub fn incarnation_id(incarnation: usize, entropy: u64) -> NodeId {
    NodeId((entropy << INCARNATION_BITS) | incarnation as u64)
}

/// Which of all incarnations has this id.
#[must_use]
pub fn incarnation(id: NodeId) -> usize {
    (id.0 & ((1 << INCARNATION_BITS) - 1)) as usize
}

/// A machine of any role.
#[derive(Clone, Debug)]
pub enum Actor {
    /// The well-known one.
    NameServer(Box<NameServer>),
    /// It passes requests to the primary, and changes views.
    FrontEnd(Box<FrontEnd>),
    /// A holder of orders.
    Replica(Box<Replica>),
    /// A person's program.
    Customer(Box<Customer>),
}

impl Actor {
    /// The machine, for its driver.
    pub fn machine(&mut self) -> &mut dyn Machine {
        match self {
            Actor::NameServer(machine) => &mut **machine,
            Actor::FrontEnd(machine) => &mut **machine,
            Actor::Replica(machine) => &mut **machine,
            Actor::Customer(machine) => &mut **machine,
        }
    }

    /// See [`Machine::describe`].
    #[must_use]
    pub fn describe(&self) -> NodeState {
        match self {
            Actor::NameServer(machine) => machine.describe(),
            Actor::FrontEnd(machine) => machine.describe(),
            Actor::Replica(machine) => machine.describe(),
            Actor::Customer(machine) => machine.describe(),
        }
    }
}

/// Whether a process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It handles inputs as they arrive.
    Running,
    /// It exists, keeps everything, and does nothing (SIGSTOP; a sleeping machine).
    Frozen,
    /// It is gone, and all it knew with it.
    Dead,
}

/// How a node will die in the middle of a list of effects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doom {
    /// When it has carried out this many more.
    After(u32),
    /// When it is about to write its next journal entry.
    BeforeJournal,
    /// When it has written its next journal entry and told nobody.
    AfterJournal,
    /// When its disk comes to this point of its work.
    AtDisk(Failpoint),
}

/// A timer of a node. Setting one again is frequent and ringing rare, so a ring that is planned too early stays
/// planned and is put off when it comes.
#[derive(Clone, Copy, Debug)]
struct Alarm {
    timer: Timer,
    due: Option<u64>,
    planned: Option<u64>,
}

/// One incarnation.
#[derive(Debug)]
pub struct Node {
    /// Whose incarnation: a place in the cluster's list of slots.
    pub slot: usize,
    /// Unique for ever, but for the name server's.
    pub id: NodeId,
    /// None once it is dead.
    pub actor: Option<Actor>,
    /// Whether it runs.
    pub life: Life,
    /// When it was frozen last.
    pub frozen_since: u64,
    /// Arrived, not handled.
    pub inbox: Vec<Input>,
    /// A run is planned that will handle the inbox.
    pub run_planned: bool,
    /// It will die in the middle of a list of effects.
    pub doom: Option<Doom>,
    alarms: Vec<Alarm>,
}

impl Node {
    /// A node that runs.
    #[must_use]
    pub fn new(slot: usize, id: NodeId, actor: Actor) -> Self {
        Self {
            slot,
            id,
            actor: Some(actor),
            life: Life::Running,
            frozen_since: 0,
            inbox: Vec::new(),
            run_planned: false,
            doom: None,
            alarms: Vec::new(),
        }
    }

    /// Sets a timer. Returns when a ring has to be planned, if none is planned early enough.
    pub fn set_timer(&mut self, timer: Timer, due: u64) -> Option<u64> {
        let place = self.alarms.iter().position(|alarm| alarm.timer == timer).unwrap_or_else(|| {
            self.alarms.push(Alarm { timer, due: None, planned: None });
            self.alarms.len() - 1
        });
        let alarm = &mut self.alarms[place];
        alarm.due = Some(due);
        if alarm.planned.is_some_and(|planned| planned <= due) {
            return None;
        }
        alarm.planned = Some(due);
        Some(due)
    }

    /// Cancels a timer, set or not.
    pub fn cancel_timer(&mut self, timer: Timer) {
        if let Some(alarm) = self.alarms.iter_mut().find(|alarm| alarm.timer == timer) {
            alarm.due = None;
        }
    }

    /// A planned ring came, at `now`. Whether the timer rings, and when to plan the next ring if it was put off.
    pub fn ring(&mut self, timer: Timer, now: u64) -> (bool, Option<u64>) {
        let Some(place) = self.alarms.iter().position(|alarm| alarm.timer == timer) else { return (false, None) };
        let alarm = &mut self.alarms[place];
        if alarm.planned != Some(now) {
            return (false, None);
        }
        alarm.planned = None;
        match alarm.due {
            None => {
                self.alarms.swap_remove(place);
                (false, None)
            }
            Some(due) if due > now => {
                alarm.planned = Some(due);
                (false, Some(due))
            }
            // It stays due, and is planned again on waking.
            Some(_) if self.life != Life::Running => (false, None),
            Some(_) => {
                self.alarms.swap_remove(place);
                (true, None)
            }
        }
    }

    /// It wakes at `now`; `stood`: its clock stood still meanwhile. All timers that are set, with the times to plan.
    pub fn wake(&mut self, now: u64, stood: bool) -> Vec<(Timer, u64)> {
        self.life = Life::Running;
        let stood = if stood { now - self.frozen_since } else { 0 };
        let mut rings = Vec::new();
        for alarm in &mut self.alarms {
            let Some(due) = alarm.due.as_mut() else { continue };
            *due = (*due + stood).max(now + 1);
            alarm.planned = Some(*due);
            rings.push((alarm.timer, *due));
        }
        rings
    }

    /// It is gone. Facts about it outlive it in the checkers only.
    pub fn die(&mut self) {
        self.life = Life::Dead;
        self.actor = None;
        self.inbox = Vec::new();
        self.alarms = Vec::new();
    }

    /// Its replica, if it is one and lives.
    #[must_use]
    pub fn replica(&self) -> Option<&Replica> {
        match &self.actor {
            Some(Actor::Replica(replica)) => Some(replica),
            _ => None,
        }
    }

    /// The timers that are set.
    pub fn armed(&self) -> impl Iterator<Item = Timer> + '_ {
        self.alarms.iter().filter(|alarm| alarm.due.is_some()).map(|alarm| alarm.timer)
    }
}
