//! The stage of the demonstration: prints each fact in the order in which it happened, and waits for what the script waits for.

use std::collections::{BTreeMap, HashMap};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use protocol::ids::{CustomerId, MessageId, NodeId, RequestId, Role, ViewNumber};
use protocol::message::{Answer, Ask};
use protocol::order_book::{HistoryPage, Outcome};
use protocol::trace::{Actor, Ending, MessageFacts, Standing, Started, Step, TraceEvent, TraceRecord};

use crate::cluster::Cluster;
use crate::headless::known::Known;
use crate::headless::{Failure, say};
use crate::user_command::UserCommand;

/// Nothing in the demonstration takes longer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Facts are shown so much later than they happened, so that those of all processes are there.
const LATENESS: Duration = Duration::from_millis(30);

/// A customer of the demonstration.
pub(super) struct Customer {
    id: CustomerId,
    postcode: String,
    waiting: Option<RequestId>,
    /// Asked for, but not yet known to be asked.
    asking: bool,
}

/// The running cluster, what is known of it, and what the script has asked for.
pub(super) struct Demo {
    pub cluster: Cluster,
    pub known: Known,
    woken: Receiver<()>,
    pub customers: BTreeMap<String, Customer>,
    names: HashMap<NodeId, String>,
    pub orders: HashMap<RequestId, (String, Ask)>,
    pub receipts: Vec<RequestId>,
    pub pages: Vec<HistoryPage>,
    sent: HashMap<MessageId, (String, String)>,
    pub kill_at_update: bool,
    pub killed: Option<String>,
    refused: Option<String>,
    /// Facts that are not shown yet, by their time: they come from several processes, each a little late.
    waiting: BTreeMap<(u64, u64), TraceRecord>,
    taken: u64,
}

impl Demo {
    /// Nothing is known yet.
    pub fn new(cluster: Cluster) -> Self {
        let (sender, woken) = channel();
        cluster.wake_with(move || {
            let _ = sender.send(());
        });
        Self {
            cluster,
            known: Known::default(),
            woken,
            customers: BTreeMap::new(),
            names: HashMap::new(),
            orders: HashMap::new(),
            receipts: Vec::new(),
            pages: Vec::new(),
            sent: HashMap::new(),
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
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.take_facts()?;
            if so(self) {
                return Ok(());
            }
            if let Some(why) = self.refused.take() {
                return Err(Failure::Undecided(format!("The demonstration cannot go on: {why}")));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Failure::Undecided(format!("Waited {} s in vain until: {what}.", PATIENCE.as_secs())));
            }
            // A wake-up, the time to show something, or the end of the time: all are looked at above.
            let pause = if self.waiting.is_empty() { left } else { LATENESS };
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

    /// Shows what happens until that customer has its answer.
    pub fn until_answered(&mut self, name: &str) -> Result<(), Failure> {
        let waits = |demo: &Self| demo.customers.get(name).is_some_and(|it| it.asking || it.waiting.is_some());
        self.until(&format!("{name} has an answer"), |demo| !waits(demo))
    }

    fn customer(&mut self, name: &str) -> Result<&mut Customer, Failure> {
        let missing = || Failure::Fault(anyhow::anyhow!("there is no customer called {name}"));
        self.customers.get_mut(name).ok_or_else(missing)
    }

    /// That customer orders to its own postcode.
    pub fn order(&mut self, name: &str, items: &[&str]) -> Result<(), Failure> {
        let it = self.customer(name)?;
        it.asking = true;
        let (customer, postcode) = (it.id, it.postcode.clone());
        let items = items.iter().map(|item| (*item).to_owned()).collect();
        self.cluster.perform(UserCommand::PlaceOrder { customer, postcode, items });
        Ok(())
    }

    /// That customer reads what was ordered to its postcode.
    pub fn read(&mut self, name: &str) -> Result<(), Failure> {
        let it = self.customer(name)?;
        it.asking = true;
        let (customer, postcode) = (it.id, it.postcode.clone());
        self.cluster.perform(UserCommand::ReadHistory { customer, postcode, page: 0 });
        Ok(())
    }

    fn name(&self, id: NodeId) -> String {
        self.names.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }

    /// Prints a fact, and notes what the script waits for.
    fn show(&mut self, record: &TraceRecord) -> Result<(), Failure> {
        let who = self.name(record.node);
        match &record.event {
            TraceEvent::Started(started) => show_start(started)?,
            TraceEvent::CustomerIs { customer, name, postcode, .. } => {
                let (id, postcode) = (*customer, postcode.to_string());
                self.customers.insert(name.clone(), Customer { id, postcode, waiting: None, asking: false });
            }
            TraceEvent::Ended { how, words } => {
                let how = if *how == Ending::Crashed { "is killed" } else { "ends" };
                say(format!("  !  {who} {how} ({words})"))?;
            }
            TraceEvent::Sent { message, to, facts } => self.show_sent(who, *message, *to, facts)?,
            TraceEvent::Lost { message, why, .. } => {
                if let Some((from, to)) = self.sent.get(message) {
                    say(format!("     lost between {from} and {to}: {why}"))?;
                }
            }
            TraceEvent::PostcodeAsked { service, postcode, .. } => {
                say(format!("[11] {who} → {service}: does {postcode} exist?"))?;
            }
            TraceEvent::PostcodeAnswered { from, verdict, .. } => {
                say(format!("[12] {} → {who}: {}", self.name(*from), verdict_words(verdict)))?;
            }
            TraceEvent::Became { standing, view } => show_standing(&who, *standing, view.number)?,
            TraceEvent::TookIn { replica } => {
                say(format!("     {who}: {} holds everything; from now on its word is needed", self.name(*replica)))?;
            }
            TraceEvent::Suspects { replica, suspected: true } => {
                say(format!("     {who} has not heard {} and suspects it", self.name(*replica)))?;
            }
            TraceEvent::Asked { customer, request, ask } => self.asked(*customer, *request, ask),
            TraceEvent::Answered { request, answer, took } => self.answered(*request, answer, *took)?,
            TraceEvent::CommandRefused { why } => self.refused = Some(why.clone()),
            TraceEvent::Suspects { suspected: false, .. }
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
            | TraceEvent::Orders { .. }
            | TraceEvent::HopIs { .. }
            | TraceEvent::Log { .. } => {}
        }
        self.known.learn(record);
        Ok(())
    }

    fn show_sent(&mut self, who: String, id: MessageId, to: NodeId, facts: &MessageFacts) -> Result<(), Failure> {
        let to = self.name(to);
        // Steps 11 and 12 are told as a question and its verdict, in more words.
        let Some(Step(step)) = facts.step.filter(|step| !matches!(step.0, 11 | 12)) else { return Ok(()) };
        say(format!("[{step}] {who} → {to}: {}", facts.label))?;
        self.sent.insert(id, (who, to));
        Ok(())
    }

    fn asked(&mut self, customer: CustomerId, request: RequestId, ask: &Ask) {
        if let Some((name, it)) = self.customers.iter_mut().find(|(_, it)| it.id == customer) {
            (it.asking, it.waiting) = (false, Some(request));
            self.orders.insert(request, (name.clone(), ask.clone()));
        }
    }

    /// Between [10] and [6]: the update has left the primary, no acknowledgement has come back.
    fn kill_if_wanted(&mut self, record: &TraceRecord) {
        let TraceEvent::Sent { facts, .. } = &record.event else { return };
        let is_primary = self.known.primary().is_some_and(|primary| primary.started.contact.id == record.node);
        if self.kill_at_update && facts.step == Some(Step(5)) && is_primary {
            self.kill_at_update = false;
            let node = self.name(record.node);
            self.killed = Some(node.clone());
            self.cluster.perform(UserCommand::Crash { node });
        }
    }

    fn answered(&mut self, request: RequestId, answer: &Answer, took: u64) -> Result<(), Failure> {
        let Some((name, ask)) = self.orders.get(&request).cloned() else { return Ok(()) };
        if let Some(it) = self.customers.get_mut(&name).filter(|it| it.waiting == Some(request)) {
            it.waiting = None;
        }
        let words = match (answer, &ask) {
            (Answer::Outcome(Outcome::Placed { number }), Ask::Order { items, .. }) => {
                self.receipts.push(request);
                format!("is told: order #{number} ({}) is placed", items.join(", "))
            }
            (Answer::Outcome(outcome), _) => format!("is told: {}", outcome.label()),
            (Answer::History(page), _) => {
                self.pages.push(page.clone());
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
