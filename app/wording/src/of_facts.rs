//! The lines that facts leave in the log: sentences without their subject, speaker by speaker.

use protocol::ids::{NodeId, Role, View};
use protocol::message::Answer;
use protocol::order_book::Outcome;
use protocol::trace::{Actor, Ending, LauncherEvent, MachineEvent, NodeEvent, Note, Sign, Standing, TraceEvent};

use super::of_disks::{disk_is, disk_trouble};
use super::of_machines::machine_is;
use super::{
    EXPIRED, ask, count, denial, duration, label, link, loop_was_late, loss, outcome, refusal, rejection, sign, speed,
    timer_name, verdict,
};
use knowledge::picture::LogLine;

/// How a line of the log is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// A message, a command.
    Plain,
    /// Something was settled well.
    Good,
    /// Something ended, was refused or lost.
    Bad,
}

/// A line of the log: a sentence without its subject.
pub fn line_of_log(line: &LogLine) -> (Weight, String) {
    let name = |id: NodeId| line.other.as_deref().map_or_else(|| id.to_string(), str::to_owned);
    log_line(&line.event, &name).unwrap_or((Weight::Plain, String::new()))
}

/// The line that a fact leaves in the log, if any; `name` tells what people call a node.
pub fn log_line(event: &TraceEvent, name: &dyn Fn(NodeId) -> String) -> Option<(Weight, String)> {
    match event {
        TraceEvent::Launcher(event) => launcher_line(event, name),
        TraceEvent::Node(event) => node_line(event, name),
        TraceEvent::Machine(event) => Some(machine_line(event, name)),
    }
}

fn plain(text: String) -> (Weight, String) {
    (Weight::Plain, text)
}

fn good(text: String) -> (Weight, String) {
    (Weight::Good, text)
}

fn bad(text: String) -> (Weight, String) {
    (Weight::Bad, text)
}

fn launcher_line(event: &LauncherEvent, name: &dyn Fn(NodeId) -> String) -> Option<(Weight, String)> {
    Some(match event {
        LauncherEvent::Started(started) if started.actor == Actor::Role(Role::Customer) => return None,
        LauncherEvent::Started(started) => {
            good(format!("started as process {} at {}", started.pid, started.contact.address))
        }
        LauncherEvent::Ended { how: Ending::Crashed, words } => bad(with_words("crashed", words)),
        LauncherEvent::Ended { how: Ending::Removed, .. } => bad("was removed".into()),
        LauncherEvent::Ended { how: Ending::Exited, words } => bad(with_words("ended unexpectedly", words)),
        LauncherEvent::CustomerIs { postcode, .. } => plain(format!("lives at {postcode}")),
        LauncherEvent::HopIs { hop: 0 } => plain("messages travel without added delay".into()),
        LauncherEvent::HopIs { hop } => plain(format!("each hop lasts {}", duration(*hop))),
        LauncherEvent::ClockIs { rate, .. } => plain(speed(*rate)),
        LauncherEvent::LinkIs { from, to, rule } => plain(format!("the link from {from} to {to} {}", link(rule))),
        LauncherEvent::PlantIs { plant: Some(plant) } => bad(format!("injected bug: {}", super::plant(*plant))),
        LauncherEvent::PlantIs { plant: None } => good("the injected bug is off".into()),
        LauncherEvent::AcknowledgeIs { acknowledge } if acknowledge.is_safe() => {
            good(super::acknowledge(*acknowledge).into())
        }
        LauncherEvent::AcknowledgeIs { acknowledge } => bad(super::acknowledge(*acknowledge).into()),
        LauncherEvent::HeartbeatsAre { shown: true } => plain("each heartbeat is shown".into()),
        LauncherEvent::HeartbeatsAre { shown: false } => plain("heartbeats are only counted".into()),
        LauncherEvent::BombIs { bomb: Some(bomb) } => plain(format!("has a bomb at {}", bomb.at)),
        LauncherEvent::BombIs { bomb: None } => plain("no longer has a bomb".into()),
        LauncherEvent::DiskIs { fault: Some(fault) } => bad(disk_is(*fault).into()),
        LauncherEvent::DiskIs { fault: None } => good("its disk was mended".into()),
        LauncherEvent::CommandRefused { why } => bad(denial(why, name)),
        LauncherEvent::RunsOn { machine } => plain(format!("runs on {machine}")),
        LauncherEvent::MachineIs { machine, is } => machine_is(machine, is),
        LauncherEvent::CannotReach { peer, here, there } => {
            bad(super::cannot_reach(&name(*peer), here.as_deref(), there.as_deref()))
        }
        LauncherEvent::CanReach { peer } => good(format!("can reach {} again", name(*peer))),
        LauncherEvent::ListensOn { addresses } => plain(super::listens_on(addresses)),
        LauncherEvent::Stopping { waits_for } => plain(super::stopping(waits_for)),
        LauncherEvent::Log { text } => plain(text.clone()),
        LauncherEvent::Crowd(_) | LauncherEvent::Orders { .. } => return None,
    })
}

fn node_line(event: &NodeEvent, name: &dyn Fn(NodeId) -> String) -> Option<(Weight, String)> {
    Some(match event {
        NodeEvent::Sent { to, facts, .. } => {
            let step = facts.step.map_or_else(String::new, |step| format!("[{}] ", step.0));
            plain(format!("{step}{} → {}", label(&facts.summary), name(*to)))
        }
        NodeEvent::Lost { to, why, .. } => bad(format!("message to {} lost: {}", name(*to), loss(why))),
        NodeEvent::PostcodeAnswered { from, verdict: said, took, .. } => {
            plain(format!("{} answered in {}: {}", name(*from), duration(*took), verdict(said)))
        }
        NodeEvent::Asked { ask: asked, .. } => plain(ask(asked)),
        NodeEvent::Answered { answer: Answer::Outcome(Outcome::Rejected { why }), .. } => {
            bad(format!("order rejected: {}", rejection(why)))
        }
        NodeEvent::Answered { answer: Answer::Outcome(became), took, .. } => {
            good(format!("{} after {}", outcome(Some(became)), duration(*took)))
        }
        NodeEvent::Answered { answer: Answer::Expired, .. } => bad(EXPIRED.into()),
        NodeEvent::Answered { answer: Answer::History(page), .. } => {
            plain(format!("read the history of {}: {}", page.postcode, count(page.total as usize, "order", "orders")))
        }
        NodeEvent::Froze { .. } => bad("is frozen".into()),
        NodeEvent::Woke => plain("wakes".into()),
        NodeEvent::Exploded { bomb } => bad(format!("the bomb went off at {}", bomb.at)),
        NodeEvent::Rang { timer } => plain(format!("timer rang: {}", timer_name(*timer, name))),
        NodeEvent::Log { text } => plain(text.clone()),
        // Its sending says it.
        NodeEvent::PostcodeAsked { .. }
        | NodeEvent::Delivered { .. }
        | NodeEvent::Stays { .. }
        | NodeEvent::Timers { .. }
        | NodeEvent::State(_)
        | NodeEvent::Flow { .. } => return None,
    })
}

fn machine_line(event: &MachineEvent, name: &dyn Fn(NodeId) -> String) -> (Weight, String) {
    match event {
        MachineEvent::Refused { from, why } => bad(format!("from {}: {}", name(*from), refusal(why))),
        MachineEvent::Became { standing, view } => became(*standing, view),
        MachineEvent::Committed { op } => good(format!("committed operation {op}")),
        MachineEvent::TookIn { replica } => {
            good(format!("added {} to its ack set: every answer now needs it", name(*replica)))
        }
        MachineEvent::Suspects { replica, suspected: true, why } => {
            bad(format!("suspects {}: {}", name(*replica), sign(*why)))
        }
        MachineEvent::Suspects { replica, suspected: false, why } => plain(heard_again(&name(*replica), *why)),
        MachineEvent::CommandRefused { why } => bad(denial(why, name)),
        MachineEvent::Noted(note) => plain(noted(note)),
    }
}

fn became(standing: Standing, view: &View) -> (Weight, String) {
    match standing {
        Standing::Primary if view.begins_at.is_some() => {
            let lost = "orders that only the crashed members held are lost";
            (Weight::Bad, format!("begins a new history as primary of view {}: {lost}", view.number))
        }
        Standing::Primary => (Weight::Good, format!("is primary of view {}", view.number)),
        Standing::Backup => (Weight::Plain, format!("is a backup in view {}", view.number)),
        Standing::Joining => (Weight::Plain, "is joining".into()),
    }
}

/// What a name server says of the store that keeps its record.
pub(crate) const STORE_SILENT: &str = "The store of the view record does not answer.";
pub(crate) const STORE_SILENT_MEANS: &str =
    "The present view goes on serving, and nobody is demoted. A change of the view waits for the store.";
pub(crate) const STORE_ANSWERS: &str = "The store of the view record answers again: the view can change.";

fn noted(note: &Note) -> String {
    match note {
        Note::Removed { name } => format!("{name} did not register again and was removed from the registry."),
        Note::StoreSilent => format!("{STORE_SILENT} {STORE_SILENT_MEANS}"),
        Note::StoreAnswers => STORE_ANSWERS.into(),
        Note::LooksUp { request, heard: true } => {
            format!("Request {request} has no answer yet. Checking whether there is a newer front-end.")
        }
        Note::LooksUp { request, heard: false } => {
            format!("Request {request} has no answer. Looking up the front-end again.")
        }
        Note::Executed { request, op, outcome } => {
            format!("Request {request} is op {op}: {}, once every member has it.", label(outcome))
        }
        Note::Installed { at } => format!("Installed the whole state at {at}, in place of the old state."),
        Note::Recovered { at, view } => format!("Started again from its disk, at {at} in {}.", view.number),
        Note::DiskFails { why } => format!("{} It says nothing until the disk works again.", disk_trouble(why)),
        Note::DiskWorks => "The disk works again.".into(),
        Note::Undecodable { at, error } => {
            format!("The snapshot at {at} cannot be decoded ({error}). Waiting for another one.")
        }
    }
}

fn with_words(what: &str, words: &str) -> String {
    if words.is_empty() { what.to_owned() } else { format!("{what}: {words}") }
}

fn heard_again(who: &str, why: Option<Sign>) -> String {
    match why {
        Some(Sign::Heard { late }) if late.0 > 0 => format!("hears {who} again; {}", loop_was_late("its", late)),
        _ => format!("hears {who} again"),
    }
}
