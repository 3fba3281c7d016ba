//! A customer on another machine, as the launcher has it: steered like those of this program, and ordering what the person there
//! wants.
//!
//! It is believed about itself only.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use node::control::read_frame;
use protocol::ids::{CustomerId, NodeId, Role};
use protocol::trace::{Actor, Ending, LauncherEvent, TraceEvent, TraceRecord};

use super::MachineKey;
use super::afar::{Machine, speak};
use super::door::{DoorNews, Tell};
use super::talk::{Begins, CustomerThere, FromCustomer, Reading, ToCustomer, Writing};
use crate::child::MOST_WAITING;
use crate::hosts::{Confirmation, TellHost, ToHost};
use crate::observer::Facts;

/// What it was asked to confirm, by number.
#[derive(Default)]
struct Confirming {
    last: u64,
    open: BTreeMap<u64, Confirmation>,
}

/// A customer there. Dropping it ends it.
pub(crate) struct CustomerAfar {
    told: SyncSender<ToCustomer>,
    confirming: Arc<Mutex<Confirming>>,
}

/// What the customer reads.
pub(crate) struct Waiting(Receiver<ToCustomer>);

impl CustomerAfar {
    /// Nobody is there yet, but what is said to it waits.
    pub fn new() -> (Self, Waiting) {
        let (told, waiting) = sync_channel(MOST_WAITING);
        (Self { told, confirming: Arc::default() }, Waiting(waiting))
    }

    /// How it is told what all customers' hosts are told.
    pub fn tell_host(&self) -> TellHost {
        let (told, confirming) = (self.told.clone(), Arc::downgrade(&self.confirming));
        Box::new(move |said| {
            let word = match said {
                ToHost::Steer(command) => ToCustomer::Steer(command),
                ToHost::Confirm(confirmation) => {
                    let Some(confirming) = confirming.upgrade() else { return false };
                    let mut confirming = lock(&confirming);
                    confirming.last += 1;
                    let ticket = confirming.last;
                    confirming.open.insert(ticket, confirmation);
                    ToCustomer::Confirm(ticket)
                }
            };
            told.try_send(word).is_ok()
        })
    }

    /// Without waiting. False: it is too far behind, or gone.
    pub fn tell(&self, word: ToCustomer) -> bool {
        self.told.try_send(word).is_ok()
    }

    /// Has the agent there start it.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(
        &self,
        machine: &Machine,
        there: CustomerThere,
        key: MachineKey,
        (Waiting(waiting), tell, facts): (Waiting, Tell, Facts),
    ) -> std::io::Result<()> {
        let (connection, runtime) = (machine.connection.clone(), machine.runtime.clone());
        let name = there.name.clone();
        let thread = |part: &str| thread::Builder::new().name(format!("{name} {part}"));
        let reports = thread("reports");
        let listening = Listening {
            name: name.clone(),
            key,
            who: None,
            tell,
            facts,
            confirming: self.confirming.clone(),
            has_ended: false,
        };
        thread("commands").spawn(move || {
            // Without a stream the connection is gone, which is reported for the whole machine.
            let Ok((say, hear)) = runtime.block_on(connection.open_bi()) else { return };
            let hear = Reading(runtime.clone(), hear);
            if reports.spawn(move || listening.listen(hear)).is_ok() {
                speak(Writing(runtime, say), &Begins::Customer(Box::new(there)), &waiting);
            }
        })?;
        Ok(())
    }
}

struct Listening {
    name: String,
    key: MachineKey,
    /// As it has said once.
    who: Option<(NodeId, CustomerId)>,
    tell: Tell,
    facts: Facts,
    confirming: Arc<Mutex<Confirming>>,
    has_ended: bool,
}

impl Listening {
    fn listen(mut self, mut stream: Reading) {
        // An error is the same as the end: the stream is of no more use.
        while let Ok(Some(word)) = read_frame(&mut stream) {
            match (word, self.who) {
                (FromCustomer::Appeared { node, customer }, None) => {
                    self.who = Some((node, customer));
                    // False, here and below: everything ends.
                    (self.tell)(DoorNews::Orders(self.key, node, customer));
                }
                (FromCustomer::Facts { records, dropped }, Some(who)) => {
                    self.facts.count_dropped(dropped);
                    self.take(records, who);
                }
                (FromCustomer::Confirmed { ticket, at }, _) => {
                    let confirmation = lock(&self.confirming).open.remove(&ticket);
                    confirmation.into_iter().for_each(|confirmation| confirmation.done(at));
                }
                (FromCustomer::Appeared { .. }, Some(_)) | (FromCustomer::Facts { .. }, None) => break,
            }
        }
        if let Some((node, _)) = self.who.filter(|_| !self.has_ended) {
            let ended = LauncherEvent::Ended { how: Ending::Removed, words: "its machine has gone".into() };
            self.say(node, ended);
        }
        if let Some((node, _)) = self.who {
            (self.tell)(DoorNews::OrdersNoMore(self.key, node));
        }
        // What is dropped here holds up nobody.
        lock(&self.confirming).open.clear();
    }

    fn take(&mut self, records: Vec<TraceRecord>, who: (NodeId, CustomerId)) {
        for record in records {
            let Some(record) = of_itself(record, who, &self.name) else { continue };
            let event = &record.event;
            let introduces = matches!(event, TraceEvent::Launcher(LauncherEvent::CustomerIs { .. }));
            self.has_ended |= matches!(event, TraceEvent::Launcher(LauncherEvent::Ended { .. }));
            self.facts.push([record]);
            if introduces {
                self.say(who.0, LauncherEvent::RunsOn { machine: self.name.clone() });
            }
        }
    }

    /// A fact of the launcher.
    fn say(&self, node: NodeId, event: LauncherEvent) {
        (self.tell)(DoorNews::Said(node, event));
    }
}

/// What it says of others, or as somebody else, is not believed.
fn of_itself(mut record: TraceRecord, (node, customer): (NodeId, CustomerId), name: &str) -> Option<TraceRecord> {
    if let TraceEvent::Launcher(LauncherEvent::CommandRefused { .. } | LauncherEvent::Log { .. }) = &record.event {
        // Its host says this under nobody's id.
        record.node = node;
    }
    let believed = match &record.event {
        TraceEvent::Node(_) | TraceEvent::Machine(_) => true,
        TraceEvent::Launcher(event) => may_say(event, (node, customer), name),
    };
    (believed && record.node == node).then_some(record)
}

fn may_say(event: &LauncherEvent, (node, customer): (NodeId, CustomerId), name: &str) -> bool {
    if let LauncherEvent::Started(started) = event {
        let is_customer = started.actor == Actor::Role(Role::Customer);
        return is_customer && started.name == name && started.contact.id == node;
    }
    if let LauncherEvent::CustomerIs { customer: said, name: called, .. } = event {
        return *said == customer && called == name;
    }
    matches!(event, LauncherEvent::Ended { .. } | LauncherEvent::CommandRefused { .. } | LauncherEvent::Log { .. })
}

/// What is in here is whole whatever panics.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use protocol::trace::{NodeEvent, Rate, Started};

    use super::*;

    #[test]
    fn a_customer_elsewhere_is_believed_about_itself_only() {
        let who = (NodeId(7), CustomerId(9));
        let said =
            |node: u64, event: TraceEvent| of_itself(TraceRecord { node: NodeId(node), at: 1, event }, who, "ben");
        let contact = protocol::ids::Contact { id: NodeId(7), address: ([127, 0, 0, 1], 1).into() };
        let started = |name: &str, role: Role| {
            let (name, actor) = (name.to_owned(), Actor::Role(role));
            TraceEvent::from(LauncherEvent::Started(Started { name, actor, pid: 1, contact }))
        };
        let is = |customer: u128, name: &str| {
            let (name, postcode, place) = (name.to_owned(), "DH1 3LE".parse().unwrap(), (0, 0));
            TraceEvent::from(LauncherEvent::CustomerIs { customer: CustomerId(customer), name, postcode, place })
        };
        assert!(said(7, started("ben", Role::Customer)).is_some() && said(7, is(9, "ben")).is_some());
        assert!(said(7, NodeEvent::Woke.into()).is_some());
        for lie in [
            started("replica-1", Role::Customer),
            started("ben", Role::Replica),
            is(8, "ben"),
            is(9, "Muriel"),
            LauncherEvent::ClockIs { rate: Rate::STOPPED, until: None }.into(),
        ] {
            assert!(said(7, lie).is_none());
        }
        assert!(said(8, NodeEvent::Woke.into()).is_none());
        let refused = LauncherEvent::CommandRefused { why: "no".to_owned().into() };
        assert_eq!(said(0, refused.into()).unwrap().node, NodeId(7), "it is said in its own name");
    }
}
