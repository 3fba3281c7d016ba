//! A process on another machine, as the launcher has it: a child of the agent there.
//!
//! What it is told and what it reports are what a child here is told and reports. It is believed about itself only.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::Context;
use node::control::{ControlCommand, Duty, NodeConfig, NodeReport, read_frame, write_frame};
use protocol::ids::NodeId;
use protocol::trace::{LauncherEvent, TraceEvent};
use quinn::Connection;
use serde::Serialize;
use tokio::runtime::Handle;

use super::talk::{Begins, FromProcess, Reading, ToProcess, Writing};
use crate::child::{HowEnded, MOST_WAITING, Signal};
use knowledge::machines::ClockOffset;

/// Keys that a machine may have sent for processes to come.
const MOST_KEYS: usize = 64;

/// Another machine, connected.
#[derive(Debug)]
pub(crate) struct Machine {
    pub connection: Connection,
    pub runtime: Handle,
    /// Public keys that were made there, for processes to come.
    keys: Mutex<VecDeque<Vec<u8>>>,
    clock: Mutex<Option<ClockOffset>>,
    /// Where its nodes can be reached.
    pub address: IpAddr,
    /// Where it reaches this machine, the best address first.
    pub hosts: Vec<IpAddr>,
}

impl Machine {
    pub fn new(connection: Connection, runtime: Handle, address: IpAddr, hosts: Vec<IpAddr>) -> Self {
        Self { connection, runtime, keys: Mutex::default(), clock: Mutex::default(), address, hosts }
    }

    /// What it says of its wall clock.
    pub fn clock(&self) -> Option<ClockOffset> {
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set_clock(&self, offset: ClockOffset) {
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner) = Some(offset);
    }

    pub fn add_keys(&self, new: Vec<Vec<u8>>) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.extend(new);
        keys.truncate(MOST_KEYS);
    }

    pub fn take_key(&self) -> Option<Vec<u8>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

/// A process there. Dropping it has it killed.
#[derive(Debug)]
pub(crate) struct Afar {
    told: Option<SyncSender<ToProcess>>,
    pid: Arc<AtomicU32>,
    ended: Arc<Mutex<Option<HowEnded>>>,
}

impl Afar {
    /// Has the agent there start a process, for whose public key `config` is certified. `hear` is given each report, then
    /// none at the end, and returns false when nobody wants to hear more.
    pub fn start(
        machine: &Machine,
        key: Vec<u8>,
        config: NodeConfig,
        hear: impl FnMut(Option<NodeReport>) -> bool + Send + 'static,
    ) -> anyhow::Result<Self> {
        let (told, waiting) = sync_channel(MOST_WAITING);
        let (pid, ended) = (Arc::new(AtomicU32::new(0)), Arc::new(Mutex::new(None)));
        let spare = match &config.duty {
            Duty::Replica { durable: Some(place), .. } => Some(place.spare.0),
            _ => None,
        };
        let (id, hear) = (config.id, Box::new(hear));
        let mut process = Listening { id, spare, pid: pid.clone(), ended: ended.clone(), hear };
        let (connection, runtime) = (machine.connection.clone(), machine.runtime.clone());
        let name = config.name.clone();
        let thread = |part: &str| thread::Builder::new().name(format!("{name} {part}"));
        let reports = thread("reports");
        thread("commands").spawn(move || {
            let Ok((say, hear)) = runtime.block_on(connection.open_bi()) else {
                (process.hear)(None);
                return;
            };
            let hear = Reading(runtime.clone(), hear);
            if reports.spawn(move || process.listen(hear)).is_ok() {
                let start = Begins::Process { config: Box::new(config), key };
                speak(Writing(runtime, say), &start, &waiting);
            }
        })?;
        Ok(Self { told: Some(told), pid, ended })
    }

    /// Of the operating system there, once it has said so.
    pub fn pid(&self) -> Option<u32> {
        Some(self.pid.load(Ordering::Relaxed)).filter(|pid| *pid > 0)
    }

    /// Tells the process something, without waiting. False: it is too far behind, and is not told.
    pub fn tell(&self, command: ControlCommand) -> bool {
        self.say(ToProcess::Tell(command))
    }

    /// Has the agent send it a signal.
    ///
    /// # Errors
    /// A sentence when the machine is too far behind.
    pub fn signal(&mut self, signal: Signal) -> anyhow::Result<()> {
        let told = self.say(ToProcess::Signal(signal));
        if !told && signal == Signal::Kill {
            self.told = None; // The end of the stream kills it, too.
        }
        told.then_some(()).context("its machine does not take the command")
    }

    fn say(&self, word: ToProcess) -> bool {
        self.told.as_ref().is_some_and(|told| told.try_send(word).is_ok())
    }

    /// After its end was reported: what became of it. Without a status, nobody knows whether it has ended.
    pub fn reap(self) -> HowEnded {
        let known = self.ended.lock().unwrap_or_else(PoisonError::into_inner).take();
        known.unwrap_or_else(|| HowEnded { code: None, status: None, words: "its machine cannot be reached".into() })
    }
}

/// Writes until nobody has anything to tell it: the end of the stream is its end, too.
pub(super) fn speak(mut stream: Writing, start: &Begins, waiting: &Receiver<impl Serialize>) {
    // A write fails only when the connection is gone; the listener reports that.
    if write_frame(&mut stream, start).is_err() {
        return;
    }
    while let Ok(word) = waiting.recv() {
        if write_frame(&mut stream, &word).is_err() {
            return;
        }
    }
    // Fails only if the other side has closed it.
    let _ = stream.1.finish();
}

struct Listening {
    id: NodeId,
    /// Its id if it does not find on its disk who it was.
    spare: Option<NodeId>,
    pid: Arc<AtomicU32>,
    ended: Arc<Mutex<Option<HowEnded>>>,
    hear: Box<dyn FnMut(Option<NodeReport>) -> bool + Send>,
}

impl Listening {
    fn listen(&mut self, mut stream: Reading) {
        // An error is the same as the end: the stream is of no more use.
        while let Ok(Some(word)) = read_frame(&mut stream) {
            match word {
                FromProcess::Reports(report) => {
                    let Some(report) = self.of_itself(report) else { continue };
                    if !(self.hear)(Some(report)) {
                        return;
                    }
                }
                FromProcess::Ended(how) => {
                    *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(how);
                }
            }
        }
        (self.hear)(None);
    }

    /// What it says of others, or in the launcher's name, is not believed.
    fn of_itself(&mut self, mut report: NodeReport) -> Option<NodeReport> {
        match &mut report {
            NodeReport::Ready { contact, .. } if contact.id != self.id && Some(contact.id) != self.spare => {
                return None;
            }
            NodeReport::Ready { pid, contact } => {
                self.id = contact.id;
                self.pid.store(*pid, Ordering::Relaxed);
            }
            NodeReport::Trace { records, .. } => {
                records.retain(|record| record.node == self.id && is_of_a_process(&record.event));
            }
            NodeReport::Failed { .. }
            | NodeReport::Confirmed { .. }
            | NodeReport::Reach { .. }
            | NodeReport::Refused { .. }
            | NodeReport::Status { .. }
            | NodeReport::Orders { .. } => {}
        }
        Some(report)
    }
}

/// A launcher's facts come from the launcher only.
fn is_of_a_process(event: &TraceEvent) -> bool {
    match event {
        TraceEvent::Launcher(event) => {
            matches!(event, LauncherEvent::Log { .. } | LauncherEvent::CommandRefused { .. })
        }
        TraceEvent::Node(_) | TraceEvent::Machine(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use protocol::ids::Contact;
    use protocol::trace::{NodeEvent, Rate, TraceRecord};

    use super::*;

    #[test]
    fn a_process_elsewhere_is_believed_about_itself_only() {
        let (pid, ended) = (Arc::default(), Arc::default());
        let mut process = Listening { id: NodeId(7), spare: None, pid, ended, hear: Box::new(|_| true) };
        let address = ([10, 0, 0, 1], 1).into();
        let ready = |id: u64| NodeReport::Ready { pid: 1, contact: Contact { id: NodeId(id), address } };
        assert!(process.of_itself(ready(7)).is_some() && process.of_itself(ready(8)).is_none());
        let record = |node: u64, event: TraceEvent| TraceRecord { node: NodeId(node), at: 0, event };
        let records = vec![
            record(7, NodeEvent::Woke.into()),
            record(8, NodeEvent::Woke.into()),
            record(7, LauncherEvent::ClockIs { rate: Rate::STOPPED, until: None }.into()),
            record(7, LauncherEvent::Log { text: "mine".into() }.into()),
        ];
        let believed = process.of_itself(NodeReport::Trace { records: records.clone(), dropped: 0 });
        let Some(NodeReport::Trace { records: believed, .. }) = believed else { unreachable!("they are facts") };
        assert_eq!(believed, [records[0].clone(), records[3].clone()]);
    }
}
