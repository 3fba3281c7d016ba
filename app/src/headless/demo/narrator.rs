//! How the demonstration is told: prints each fact in the order in which it happened, and waits for what the script waits for.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use protocol::ids::{CustomerId, MessageId, NodeId, RequestId, Role, ViewNumber};
use protocol::message::{Answer, Ask, Step};
use protocol::order_book::Outcome;
use protocol::trace::{Actor, Ending, MessageFacts, Standing, Started, TraceEvent, TraceRecord};

use crate::headless::{Failure, say};
use cluster::Cluster;
use cluster::interrupt::Interrupt;
use knowledge::picture::{Customer, Picture, Service};
use knowledge::user_command::UserCommand;

/// Facts are shown so much later than they happened, so that those of all processes are there.
const LATENESS: Duration = Duration::from_millis(30);
/// How often it is looked at whether the demonstration is to end.
const LOOK: Duration = Duration::from_millis(100);

/// The running cluster, what has been shown of it, and what the script waits for.
pub(super) struct Demo {
    pub cluster: Cluster,
    /// Of all that has been shown.
    pub picture: Picture,
    woken: Receiver<()>,
    patience: Duration,
    interrupt: Interrupt,
    names: HashMap<NodeId, String>,
    /// Customers that were told to ask, and have no answer yet.
    asking: BTreeSet<CustomerId>,
    /// Messages that were shown when they were sent.
    sent: HashSet<MessageId>,
    pub kill_at_update: bool,
    pub killed: Option<String>,
    refused: Option<String>,
    /// Facts that are not shown yet, by their time: they come from several processes, each a little late.
    waiting: BTreeMap<(u64, u64), TraceRecord>,
    taken: u64,
}

impl Demo {
    /// Nothing is known yet.
    pub fn new(cluster: Cluster, patience: Duration, interrupt: Interrupt) -> Self {
        Self {
            woken: cluster.woken(),
            patience,
            interrupt,
            cluster,
            picture: Picture::default(),
            names: HashMap::new(),
            asking: BTreeSet::new(),
            sent: HashSet::new(),
            kill_at_update: false,
            killed: None,
            refused: None,
            waiting: BTreeMap::new(),
            taken: 0,
        }
    }

    /// What comes next.
    pub fn chapter(&self, sentence: &str) -> Result<(), Failure> {
        say(format!("\n== {sentence}"))
    }

    /// Shows what happens until something is so.
    pub fn until(&mut self, what: &str, so: impl Fn(&Self) -> bool) -> Result<(), Failure> {
        let deadline = Instant::now() + self.patience;
        loop {
            self.take_facts()?;
            if so(self) {
                return Ok(());
            }
            if self.interrupt.is_asked() {
                return Err(Failure::Undecided("Undecided: the demonstration was stopped before its end.".into()));
            }
            if let Some(why) = self.refused.take() {
                return Err(Failure::Undecided(format!("The demonstration cannot go on: {why}")));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let waited = self.patience.as_secs();
                return Err(Failure::Undecided(format!(
                    "The demonstration stopped: {what} did not happen within {waited} s."
                )));
            }
            // A wake-up, the time to show something, the wish to end, or the end of the time: all are looked at above.
            let pause = left.min(if self.waiting.is_empty() { LOOK } else { LATENESS });
            let _ = self.woken.recv_timeout(pause);
        }
    }

    /// Acts at once where the script says so, but shows things in the order in which they happened.
    fn take_facts(&mut self) -> Result<(), Failure> {
        for record in self.cluster.take_facts() {
            self.kill_if_wanted(&record);
            if let TraceEvent::Started(started) = &record.event {
                // Its first words may be shown before its start: they come from different processes.
                self.names.insert(started.contact.id, started.name.clone());
            }
            self.taken += 1;
            self.waiting.insert((record.at, self.taken), record);
        }
        let until = self.cluster.now().saturating_sub(LATENESS.as_micros() as u64);
        while let Some(first) = self.waiting.first_entry().filter(|first| first.key().0 <= until) {
            let record = first.remove();
            self.show(&record)?;
        }
        Ok(())
    }

    /// Shows what happens until this many members answer orders.
    pub fn until_members(&mut self, wanted: usize) -> Result<(), Failure> {
        let serve =
            |demo: &Self| matches!(demo.picture.service(), Service::Serving { members, .. } if members == wanted);
        self.until(&format!("{wanted} members serve"), serve)
    }

    /// That customer orders to its own postcode. Shows what happens until it has its answer.
    pub fn order(&mut self, name: &str, items: &[&str]) -> Result<(), Failure> {
        let items = items.iter().map(|item| (*item).to_owned()).collect();
        self.ask(name, |customer, postcode| UserCommand::PlaceOrder { customer, postcode, items })
    }

    /// That customer reads what was ordered to its postcode. Shows what happens until it has its answer.
    pub fn read(&mut self, name: &str) -> Result<(), Failure> {
        self.ask(name, |customer, postcode| UserCommand::ReadHistory { customer, postcode, page: 0 })
    }

    fn ask(&mut self, name: &str, what: impl FnOnce(CustomerId, String) -> UserCommand) -> Result<(), Failure> {
        let missing = || Failure::Fault(anyhow::anyhow!("there is no customer named {name}"));
        let customer = self.picture.customers.iter().find(|customer| customer.name == name).ok_or_else(missing)?;
        let (id, command) = (customer.id, what(customer.id, customer.postcode.to_string()));
        self.asking.insert(id);
        self.cluster.perform(command);
        self.until(&format!("{name} has an answer"), |demo| !demo.asking.contains(&id))
    }

    fn name(&self, id: NodeId) -> String {
        self.names.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }

    /// Prints a fact, and notes what the script waits for.
    fn show(&mut self, record: &TraceRecord) -> Result<(), Failure> {
        let who = self.name(record.node);
        match &record.event {
            TraceEvent::Started(started) => show_start(started)?,
            TraceEvent::Ended { how, words } => {
                let how = if *how == Ending::Crashed { "is killed" } else { "ends" };
                say(format!("  !  {who} {how} ({words})"))?;
            }
            TraceEvent::Sent { message, to, facts } => self.show_sent(&who, *message, *to, facts)?,
            TraceEvent::Lost { message, to, why } if self.sent.contains(message) => {
                let why = wording::loss(why);
                say(format!("     lost between {who} and {}: {why}", self.name(*to)))?;
            }
            TraceEvent::PostcodeAsked { service, postcode, .. } => {
                say(format!("[11] {who} → {service}: does {postcode} exist?"))?;
            }
            TraceEvent::PostcodeAnswered { from, verdict, .. } => {
                say(format!("[12] {} → {who}: {}", self.name(*from), verdict_words(verdict)))?;
            }
            TraceEvent::Became { standing, view } => show_standing(&who, *standing, view.number)?,
            TraceEvent::TookIn { replica } => {
                say(format!(
                    "     {who}: {} holds everything; from now on every answer needs it",
                    self.name(*replica)
                ))?;
            }
            TraceEvent::Suspects { replica, suspected: true, why } => {
                let sign = wording::sign(*why);
                say(format!("     {who} suspects {}: {sign}", self.name(*replica)))?;
            }
            TraceEvent::Answered { request, answer, took } => self.answered(*request, answer, *took)?,
            TraceEvent::CommandRefused { why } => {
                self.refused = Some(wording::denial(why, |id| self.name(id)));
            }
            TraceEvent::Suspects { suspected: false, .. }
            | TraceEvent::CustomerIs { .. }
            | TraceEvent::Asked { .. }
            | TraceEvent::Lost { .. }
            | TraceEvent::Delivered { .. }
            | TraceEvent::Stays { .. }
            | TraceEvent::Timers { .. }
            | TraceEvent::Rang { .. }
            | TraceEvent::Froze { .. }
            | TraceEvent::Woke
            | TraceEvent::BombIs { .. }
            | TraceEvent::Exploded { .. }
            | TraceEvent::ClockIs { .. }
            | TraceEvent::LinkIs { .. }
            | TraceEvent::PlantIs { .. }
            | TraceEvent::HeartbeatsAre { .. }
            | TraceEvent::Refused { .. }
            | TraceEvent::Committed { .. }
            | TraceEvent::State(_)
            | TraceEvent::Flow { .. }
            | TraceEvent::Crowd(_)
            | TraceEvent::Orders { .. }
            | TraceEvent::HopIs { .. }
            | TraceEvent::Log { .. } => {}
        }
        self.picture.apply(record);
        Ok(())
    }

    fn show_sent(&mut self, who: &str, id: MessageId, to: NodeId, facts: &MessageFacts) -> Result<(), Failure> {
        let to = self.name(to);
        // Steps 11 and 12 are told as a question and its verdict, in more words.
        let Some(Step(step)) = facts.step.filter(|step| !matches!(step.0, 11 | 12)) else { return Ok(()) };
        self.sent.insert(id);
        say(format!("[{step}] {who} → {to}: {}", facts.label))
    }

    /// Between [10] and [6]: the update has left the primary, no acknowledgement has come back.
    fn kill_if_wanted(&mut self, record: &TraceRecord) {
        let TraceEvent::Sent { facts, .. } = &record.event else { return };
        let is_primary = self.picture.nodes.acting_primary().is_some_and(|primary| primary.id == record.node);
        if self.kill_at_update && facts.step == Some(Step(5)) && is_primary {
            self.kill_at_update = false;
            let node = self.name(record.node);
            self.killed = Some(node.clone());
            self.cluster.perform(UserCommand::Crash { node });
        }
    }

    fn answered(&mut self, request: RequestId, answer: &Answer, took: u64) -> Result<(), Failure> {
        self.asking.remove(&request.customer);
        let Some(Customer { name, waiting, .. }) = self.picture.customers.get(request.customer) else { return Ok(()) };
        let words = match (answer, waiting.as_ref().map(|waiting| &waiting.ask)) {
            (Answer::Outcome(Outcome::Placed { number }), Some(Ask::Order { items, .. })) => {
                format!("is told: order #{number} ({}) is placed", items.join(", "))
            }
            (Answer::Expired, _) => format!("is told: {}", wording::EXPIRED),
            (Answer::Outcome(outcome), _) => format!("is told: {}", outcome.label()),
            (Answer::History(page), _) => {
                let orders: Vec<_> = page.orders.iter().map(|order| order.items.join(" + ")).collect();
                format!("reads {}: {}", page.postcode, orders.join("; "))
            }
        };
        say(format!("  ✓  {name} {words} (after {} ms)", took / 1000))
    }
}

fn show_start(started: &Started) -> Result<(), Failure> {
    if started.actor == Actor::Role(Role::Customer) {
        return Ok(());
    }
    say(format!("     {} runs as process {} on {}", started.name, started.pid, started.contact.address))
}

fn show_standing(who: &str, standing: Standing, view: ViewNumber) -> Result<(), Failure> {
    if view == ViewNumber(0) {
        return Ok(());
    }
    match standing {
        Standing::Joining => say(format!("     {who} is joining")),
        Standing::Backup => say(format!("     {who} is a backup in view {view}")),
        Standing::Primary => say(format!("     {who} is the primary of view {view} ♛")),
    }
}

fn verdict_words(verdict: &protocol::postcode::Verdict) -> String {
    use protocol::postcode::Verdict;
    match verdict {
        Verdict::Valid { place: Some(place), .. } => format!("yes, in {place}"),
        Verdict::Valid { place: None, .. } => "yes".into(),
        Verdict::Invalid { why, .. } => why.clone(),
        Verdict::NobodyAnswers => "no answer".into(),
    }
}
