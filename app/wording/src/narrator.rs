//! The narrator: what happens, told line by line in the order in which it happened.
//!
//! Facts come from several processes, each a little late; a line is told once those of the same moment must be there. Nothing is
//! invented: each line is a fact that a process reported.

use std::collections::{BTreeMap, HashMap, HashSet};

use knowledge::picture::{Customer, Picture};
use protocol::ids::{MessageId, NodeId, RequestId, Role, Span, ViewNumber};
use protocol::message::{Answer, Ask, Step};
use protocol::order_book::Outcome;
use protocol::postcode::Verdict;
use protocol::trace::{
    Actor, Ending, LauncherEvent, MachineEvent, MessageFacts, NodeEvent, Standing, TraceEvent, TraceRecord,
};

use super::{EXPIRED, denial, label, loss, sign, told};

/// Facts are told this much later than they happened, in cluster time, so that those of all processes are there.
const LATENESS: Span = Span::millis(30);

/// What has been told, and what will be.
#[derive(Debug, Default)]
pub struct Narrator {
    /// Of all that has been told.
    picture: Picture,
    names: HashMap<NodeId, String>,
    /// Messages that were told of when they were sent.
    sent: HashSet<MessageId>,
    /// What is not told yet, by its time and the order in which it came.
    waiting: BTreeMap<(u64, u64), Heard>,
    heard: u64,
}

#[derive(Debug)]
enum Heard {
    Fact(Box<TraceRecord>),
    /// What stands over the lines that follow.
    Title(String),
}

impl Narrator {
    /// From `at` on, in cluster time, the lines stand under this title.
    pub fn title(&mut self, words: &str, at: u64) {
        self.heard += 1;
        self.waiting.insert((at, self.heard), Heard::Title(words.to_owned()));
    }

    /// Takes in a fact.
    pub fn hear(&mut self, record: &TraceRecord) {
        if let TraceEvent::Launcher(LauncherEvent::Started(started)) = &record.event {
            // Its first words may be told before its start: they come from different processes.
            self.names.insert(started.contact.id, started.name.clone());
        }
        self.heard += 1;
        self.waiting.insert((record.at, self.heard), Heard::Fact(Box::new(record.clone())));
    }

    /// The lines of all that happened before `now`, less what may still be missing.
    pub fn tell(&mut self, now: u64) -> Vec<String> {
        self.tell_until(now.saturating_sub(LATENESS.0))
    }

    /// The lines of everything that is left.
    pub fn tell_the_rest(&mut self) -> Vec<String> {
        self.tell_until(u64::MAX)
    }

    fn tell_until(&mut self, until: u64) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(first) = self.waiting.first_entry().filter(|first| first.key().0 <= until) {
            match first.remove() {
                Heard::Title(words) => lines.push(format!("\n== {words}")),
                Heard::Fact(record) => {
                    lines.extend(self.line(&record));
                    self.picture.take(*record);
                }
            }
        }
        lines
    }

    /// What people call a node, as far as its start was heard of.
    #[must_use]
    pub fn name(&self, id: NodeId) -> String {
        self.names.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }

    fn line(&mut self, record: &TraceRecord) -> Option<String> {
        let who = self.name(record.node);
        if let Some(why) = record.event.denial() {
            return Some(format!("  !  not done: {}", denial(why, |id| self.name(id))));
        }
        match &record.event {
            TraceEvent::Launcher(event) => launcher_line(&who, event),
            TraceEvent::Node(event) => self.node_line(&who, event),
            TraceEvent::Machine(event) => self.machine_line(&who, event),
        }
    }

    fn node_line(&mut self, who: &str, event: &NodeEvent) -> Option<String> {
        match event {
            NodeEvent::Sent { message, to, facts } => self.sent(who, *message, *to, facts),
            NodeEvent::Lost { message, to, why } if self.sent.contains(message) => {
                Some(format!("     lost between {who} and {}: {}", self.name(*to), loss(why)))
            }
            NodeEvent::PostcodeAsked { service, postcode, .. } => {
                Some(format!("[11] {who} → {service}: does {postcode} exist?"))
            }
            NodeEvent::PostcodeAnswered { from, verdict, .. } => {
                Some(format!("[12] {} → {who}: {}", self.name(*from), verdict_words(verdict)))
            }
            NodeEvent::Answered { request, answer, took } => self.answered(*request, answer, *took),
            NodeEvent::Asked { .. }
            | NodeEvent::Lost { .. }
            | NodeEvent::Delivered { .. }
            | NodeEvent::Stays { .. }
            | NodeEvent::Timers { .. }
            | NodeEvent::Rang { .. }
            | NodeEvent::Froze { .. }
            | NodeEvent::Woke
            | NodeEvent::Exploded { .. }
            | NodeEvent::State(_)
            | NodeEvent::Flow { .. }
            | NodeEvent::Log { .. } => None,
        }
    }

    fn machine_line(&self, who: &str, event: &MachineEvent) -> Option<String> {
        match event {
            MachineEvent::Became { standing, view } if view.number > ViewNumber(0) => Some(match standing {
                Standing::Joining => format!("     {who} is joining"),
                Standing::Backup => format!("     {who} is a backup in view {}", view.number),
                Standing::Primary => format!("     {who} is the primary of view {} ♛", view.number),
            }),
            MachineEvent::TookIn { replica } => {
                let taken_in = self.name(*replica);
                Some(format!("     {who}: {taken_in} holds everything; from now on every answer needs it"))
            }
            MachineEvent::Suspects { replica, suspected: true, why } => {
                Some(format!("     {who} suspects {}: {}", self.name(*replica), sign(*why)))
            }
            MachineEvent::Became { .. }
            | MachineEvent::Suspects { .. }
            | MachineEvent::Refused { .. }
            | MachineEvent::Committed { .. }
            | MachineEvent::CommandRefused { .. }
            | MachineEvent::Noted(_) => None,
        }
    }

    fn sent(&mut self, who: &str, id: MessageId, to: NodeId, facts: &MessageFacts) -> Option<String> {
        // Steps 11 and 12 are told as a question and its verdict, in more words.
        let Step(step) = facts.step.filter(|step| !matches!(step.0, 11 | 12))?;
        self.sent.insert(id);
        Some(format!("[{step}] {who} → {}: {}", self.name(to), label(&facts.summary)))
    }

    fn answered(&self, request: RequestId, answer: &Answer, took: u64) -> Option<String> {
        let Customer { name, waiting, .. } = self.picture.customers.get(request.customer)?;
        let words = match (answer, waiting.as_ref().map(|waiting| &waiting.ask)) {
            (Answer::Outcome(Outcome::Placed { number }), Some(Ask::Order { items, .. })) => {
                format!("is told: order #{number} ({}) is placed", items.join(", "))
            }
            (Answer::Expired, _) => format!("is told: {EXPIRED}"),
            (Answer::Outcome(outcome), _) => format!("is told: {}", told(outcome)),
            (Answer::History(page), _) => {
                let orders: Vec<_> = page.orders.iter().map(|order| order.items.join(" + ")).collect();
                format!("reads {}: {}", page.postcode, orders.join("; "))
            }
        };
        Some(format!("  ✓  {name} {words} (after {} ms)", took / 1000))
    }
}

fn launcher_line(who: &str, event: &LauncherEvent) -> Option<String> {
    match event {
        LauncherEvent::Started(started) if started.actor != Actor::Role(Role::Customer) => {
            Some(format!("     {} runs as process {} on {}", started.name, started.pid, started.contact.address))
        }
        LauncherEvent::Ended { how, words } => {
            let how = if *how == Ending::Crashed { "is killed" } else { "ends" };
            Some(format!("  !  {who} {how} ({words})"))
        }
        LauncherEvent::Started(_)
        | LauncherEvent::CustomerIs { .. }
        | LauncherEvent::Crowd(_)
        | LauncherEvent::Orders { .. }
        | LauncherEvent::HopIs { .. }
        | LauncherEvent::ClockIs { .. }
        | LauncherEvent::LinkIs { .. }
        | LauncherEvent::PlantIs { .. }
        | LauncherEvent::HeartbeatsAre { .. }
        | LauncherEvent::BombIs { .. }
        | LauncherEvent::CommandRefused { .. }
        | LauncherEvent::Log { .. } => None,
    }
}

fn verdict_words(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Valid { place: Some(place), .. } => format!("yes, in {place}"),
        Verdict::Valid { place: None, .. } => "yes".into(),
        Verdict::Invalid { why, .. } => why.clone(),
        Verdict::NobodyAnswers => "no answer".into(),
    }
}

#[cfg(test)]
mod tests {
    use protocol::ids::Contact;
    use protocol::trace::Started;

    use super::*;

    fn starts(node: u64, at: u64, name: &str) -> TraceRecord {
        let contact = Contact { id: NodeId(node), address: "127.0.0.1:4000".parse().unwrap() };
        let started = Started { name: name.into(), actor: Actor::Role(Role::Replica), pid: 7, contact };
        TraceRecord { node: NodeId(node), at, event: LauncherEvent::Started(started).into() }
    }

    #[test]
    fn lines_come_in_the_order_of_time_and_late_facts_in_their_place() {
        let mut narrator = Narrator::default();
        narrator.hear(&starts(2, 20_000, "replica-2"));
        narrator.title("Then", 15_000);
        narrator.hear(&starts(1, 10_000, "replica-1"));
        assert_eq!(narrator.tell(30_000), Vec::<String>::new(), "another fact of that time may still come");
        let told = narrator.tell(60_000);
        let heads: Vec<&str> = told.iter().map(|line| line.trim().split(" runs").next().unwrap()).collect();
        assert_eq!(heads, ["replica-1", "== Then", "replica-2"]);
        assert!(narrator.tell_the_rest().is_empty());
    }
}
