//! The way to one process: to tell it what it is told, to hear its reports, to kill it, to learn how it ended.
//!
//! There are two makes: a child of this program, and a child of an agent on another machine. The same is said to both. What
//! the reports mean, and which processes there are, is the supervisor's business. All children are started by the
//! supervisor's thread.

use std::path::Path;
use std::sync::mpsc::Sender;

use node::control::{ControlCommand, NodeConfig, NodeReport};
use protocol::trace::{MachineEvent, NodeEvent, TraceEvent};

pub use super::child::apart_from_the_terminal;
use super::child::{Child, HowEnded, Signal};
use super::incoming::{Incoming, ProcessKey};
use super::machines::afar::{Afar, Machine};
use super::observer::Facts;

/// A running process. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Process {
    pub key: ProcessKey,
    way: Way,
}

#[derive(Debug)]
enum Way {
    Here(Child),
    Afar(Afar),
}

impl Process {
    /// Starts a child. Its reports and its end come to `incoming`, its trace events go straight to `facts`. `spawned` is
    /// called when it lives and nobody knows.
    pub fn start(
        program: &Path,
        key: ProcessKey,
        config: NodeConfig,
        (incoming, facts): (Sender<Incoming>, Facts),
        spawned: impl FnOnce(),
    ) -> anyhow::Result<Self> {
        let child = Child::start(program, config, move |report| hear(key, report, &incoming, &facts), spawned)?;
        Ok(Self { key, way: Way::Here(child) })
    }

    /// The same on another machine, for whose public key `config` is certified.
    pub fn start_afar(
        machine: &Machine,
        key: ProcessKey,
        (public_key, config): (Vec<u8>, NodeConfig),
        (incoming, facts): (Sender<Incoming>, Facts),
    ) -> anyhow::Result<Self> {
        let afar = Afar::start(machine, public_key, config, move |report| hear(key, report, &incoming, &facts))?;
        Ok(Self { key, way: Way::Afar(afar) })
    }

    /// Of the operating system of its machine.
    pub fn pid(&self) -> Option<u32> {
        match &self.way {
            Way::Here(child) => Some(child.pid()),
            Way::Afar(afar) => afar.pid(),
        }
    }

    /// Tells the process something, without waiting. False: it has not read for long, and is not told.
    pub fn tell(&self, command: ControlCommand) -> bool {
        match &self.way {
            Way::Here(child) => child.tell(command),
            Way::Afar(afar) => afar.tell(command),
        }
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// A sentence, where there is no such signal, or the process has just ended.
    pub fn signal(&mut self, signal: Signal) -> anyhow::Result<()> {
        match &mut self.way {
            Way::Here(child) => child.signal(signal),
            Way::Afar(afar) => afar.signal(signal),
        }
    }

    /// Its end is reported like any other.
    pub fn kill(&mut self) {
        // Fails only if it is dead already.
        let _ = self.signal(Signal::Kill);
    }

    /// After its end was reported: what became of it.
    pub(crate) fn reap(self) -> HowEnded {
        match self.way {
            Way::Here(child) => child.reap(),
            Way::Afar(afar) => afar.reap(),
        }
    }
}

/// What a process says, sorted. None: it has ended. False: nobody wants to hear more.
fn hear(key: ProcessKey, report: Option<NodeReport>, incoming: &Sender<Incoming>, facts: &Facts) -> bool {
    match report {
        Some(NodeReport::Trace { records, dropped }) => {
            for event in records.iter().map(|record| &record.event).filter(|event| is_of_steering(event)) {
                let _ = incoming.send(Incoming::Steered(key, event.clone()));
            }
            facts.count_dropped(dropped);
            facts.push(records);
            true
        }
        Some(report) => incoming.send(Incoming::Reported(key, report)).is_ok(),
        None => incoming.send(Incoming::Ended(key)).is_ok(),
    }
}

/// Whether the launcher, too, has to remember it.
fn is_of_steering(event: &TraceEvent) -> bool {
    matches!(
        event,
        TraceEvent::Node(NodeEvent::Froze { .. } | NodeEvent::Woke | NodeEvent::Exploded { .. })
            | TraceEvent::Machine(MachineEvent::TookIn { .. })
    )
}
