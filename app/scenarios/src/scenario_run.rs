//! A scenario on a running cluster, from the moment its replicas are members to the judgement: facts and elapsed time go
//! in, user commands come out.
//!
//! The window and `run` use the same run, so that a scenario ends in both as it does in the other. It waits for nothing
//! and knows no cluster: its customers, and whatever takes long, are an [`LoadDriver`]'s. What happens when is the
//! the script runner's matter.

pub mod load_driver;
mod measuring;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use node::control::Misbehaviour;
use protocol::ids::{CustomerId, NodeId, Role};
use protocol::postcode::PostcodeService;
use protocol::trace::{Actor, LauncherEvent, MessageAct, NodeEvent, Rate, TraceEvent, TraceRecord};

use crate::{Clocks, Finished, Outcome, ResolvedStep, ScriptRunner, Times};
use knowledge::picture::{Copies, Customer, Node, Picture, Service};
use knowledge::user_command::{CustomerCommand, UserCommand};
use load_driver::{LoadCommand, LoadDriver, LoadEvent};
use measuring::Measuring;

/// How long the cluster may take to begin, to answer everybody, and to agree once nothing goes wrong any more: in cluster
/// time, like all patience.
pub const QUIET: Duration = Duration::from_secs(20);
/// How long it may take when the program was asked to end, for each of these.
pub(crate) const HURRY: Duration = Duration::from_secs(2);

pub struct ScenarioRun {
    script_runner: ScriptRunner,
    load_driver: Box<dyn LoadDriver>,
    phase: Phase,
    /// Customers with a name that were told to ask, as long as nothing says that they did.
    told: BTreeMap<CustomerId, Told>,
    /// Commands that wait until it is known how many timers rang before them.
    waiting: VecDeque<UserCommand>,
    /// Incarnations that were woken or restarted at the end.
    mended: BTreeSet<NodeId>,
    measuring: Measuring,
    clocks: Clocks,
    /// When the customers began.
    begun: Times,
    /// When the last fact was seen.
    learned: Duration,
    largest: u64,
    /// The program was asked to end.
    hurries: bool,
}

#[derive(Clone, Copy)]
struct Told {
    since: Duration,
    /// Something was refused since then: it was that, or it comes still, so nobody waits for it.
    perhaps_refused: bool,
}

#[derive(Debug)]
pub enum Phase {
    /// The replicas that it needs become members, since then (patience counts).
    Gathering(Duration),
    /// The load driver looks what the cluster holds before anybody orders.
    Looking,
    /// What is wished for at the beginning is handed to the cluster.
    Beginning,
    /// The load driver comes in.
    Entering,
    /// Steps are done, customers order.
    Playing,
    /// Everything was mended then (patience counts); those that were told to ask something will have asked.
    Mending(Duration),
    /// Everybody is answered, everything is read once more, and judged.
    Judging,
    Over(Box<Outcome>),
    /// It came to no end.
    Failed(Trouble),
}

/// Why it came to no end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The replicas did not become members in time.
    NotReady,
    NoAnswer,
    /// The program was asked to end before anybody had ordered.
    BrokenOff,
    /// The machine does not do what it must: a sentence.
    Fault(String),
}

impl ScenarioRun {
    /// Nothing has happened yet, and cluster time begins. All moments count from the same beginning as the load driver's.
    /// `is_watched`: whether a person is there who can let time go on.
    pub fn open(
        script_runner: ScriptRunner,
        load_driver: Box<dyn LoadDriver>,
        is_watched: bool,
        now: Duration,
    ) -> Self {
        Self {
            script_runner,
            load_driver,
            phase: Phase::Gathering(Duration::ZERO),
            told: BTreeMap::new(),
            waiting: VecDeque::new(),
            mended: BTreeSet::new(),
            measuring: Measuring::default(),
            clocks: Clocks::new(is_watched, 0, now),
            begun: Times::default(),
            learned: Duration::ZERO,
            largest: 0,
            hurries: false,
        }
    }

    pub fn phase(&self) -> &Phase {
        &self.phase
    }

    /// The script, and its findings so far.
    pub fn script_runner(&self) -> &ScriptRunner {
        &self.script_runner
    }

    /// The same, for a lesson that says what comes next.
    pub(crate) fn script_runner_mut(&mut self) -> &mut ScriptRunner {
        &mut self.script_runner
    }

    /// Whether all is done that was asked for, as far as facts say.
    pub(crate) fn is_idle(&mut self) -> bool {
        let times = self.clocks.now().since(self.begun);
        self.waiting.is_empty() && self.script_runner.is_idle(times)
    }

    /// What counts for patience.
    pub(crate) fn patience(&self) -> Duration {
        self.clocks.now().patience
    }

    /// Nothing more is to happen: it is judged.
    pub(crate) fn close(&mut self, picture: &Picture, now: Duration) {
        if let Phase::Playing = self.phase {
            self.end(picture, now);
        }
    }

    /// Memory of the largest process, in bytes.
    pub fn largest(&self) -> u64 {
        self.largest
    }

    /// Takes in a fact, before the picture does. `now`: when it was seen.
    pub fn learn(&mut self, record: &TraceRecord, picture: &Picture, now: Duration) {
        self.script_runner.learn(record);
        self.learned = now;
        self.look_at_copies(picture);
        if !matches!(self.phase, Phase::Playing | Phase::Mending(_) | Phase::Judging) {
            return;
        }
        if record.event.denial().is_some() {
            self.told.values_mut().for_each(|told| told.perhaps_refused = true);
        }
        let at = now.saturating_sub(self.begun.real);
        match &record.event {
            TraceEvent::Launcher(event) => self.learn_of_launcher(event, picture.customers.of(record.node), at),
            TraceEvent::Node(event) => self.learn_of_node(event, now, at),
            TraceEvent::Machine(_) => {}
        }
    }

    fn learn_of_launcher(&mut self, event: &LauncherEvent, of: Option<&Customer>, at: Duration) {
        if let LauncherEvent::ClockIs { rate, .. } = event
            && *rate != Rate::STOPPED
        {
            self.measuring.time_goes();
        } else if let (LauncherEvent::Ended { .. }, Some(customer)) = (event, of) {
            // Nobody waits for an answer of a customer that is gone.
            self.load_driver.tell(LoadCommand::Gone { customer: customer.id, at });
        }
    }

    fn learn_of_node(&mut self, event: &NodeEvent, now: Duration, at: Duration) {
        if let NodeEvent::Asked { customer, request, ask } = event {
            let since = self.told.remove(customer).map_or(now, |told| told.since);
            let at = since.saturating_sub(self.begun.real);
            self.load_driver.tell(LoadCommand::Asked { request: *request, ask: ask.clone(), at });
        } else if let NodeEvent::Answered { request, answer, .. } = event {
            self.load_driver.tell(LoadCommand::Answered { request: *request, answer: answer.clone(), at });
        }
    }

    /// Whether an order or a read from outside the scenario has a place in the history now: from when customers have
    /// begun until it is judged, and again afterwards.
    #[must_use]
    pub fn takes_orders(&self) -> bool {
        match self.phase {
            Phase::Gathering(_) | Phase::Looking | Phase::Beginning | Phase::Entering | Phase::Judging => false,
            Phase::Playing | Phase::Mending(_) | Phase::Over(_) | Phase::Failed(_) => true,
        }
    }

    /// A person asked for something beside the scenario, at `now` or later. A speed that was chosen stays.
    pub fn asked_beside(&mut self, command: &UserCommand, now: Duration) {
        if let UserCommand::SetRate { rate } = command {
            self.clocks.choose(Some(*rate));
        } else if let UserCommand::RunUntil { .. } = command {
            self.clocks.choose(Some(Rate::STOPPED));
        }
        self.script_runner_mut().done_beside(command);
        self.told_to_ask(command, now);
    }

    /// The speed that a person has chosen, until the script says another.
    pub fn chosen(&self) -> Option<Rate> {
        self.clocks.chosen()
    }

    fn told_to_ask(&mut self, command: &UserCommand, now: Duration) {
        let UserCommand::Customer(command) = command else { return };
        if let CustomerCommand::PlaceOrder { customer, .. } | CustomerCommand::ReadHistory { customer, .. } = command {
            // What is asked for because of an answer comes after it, if only by as little as can be written down.
            let after = self.learned + Duration::from_nanos(1);
            let told = Told { since: now.max(after), perhaps_refused: false };
            self.told
                .entry(*customer)
                .and_modify(|old| {
                    if old.perhaps_refused {
                        *old = told
                    }
                })
                .or_insert(told);
        }
    }

    /// Goes on: what is to be handed to the cluster now, in this order, and facts about the load driver. `picture` holds all
    /// facts that were learned.
    pub fn go_on(&mut self, picture: &Picture, now: Duration) -> (Vec<UserCommand>, Vec<TraceRecord>) {
        self.look_at_copies(picture);
        self.clocks.go_on(picture.now, now);
        let (mut commands, mut facts) = (Vec::new(), Vec::new());
        if let Phase::Beginning = self.phase {
            let (customers, seed) = (self.script_runner.scenario().customers, self.script_runner.seed());
            self.load_driver.tell(LoadCommand::Enter { customers, seed });
            self.phase = Phase::Entering;
        }
        for event in self.load_driver.events() {
            self.hear(event, picture, &mut commands, &mut facts);
        }
        match self.phase {
            Phase::Gathering(since) => self.gather(picture, since),
            Phase::Playing => self.play(picture, now),
            Phase::Mending(since) => {
                let late = self.mend_late(picture);
                self.ask_for(late, picture, now);
                let all_asked = self.told.values().all(|told| told.perhaps_refused) && self.waiting.is_empty();
                let all_up = standing(picture).next().is_none() && picture.steering.bombs.is_empty();
                let patience = if self.hurries { HURRY } else { QUIET };
                let is_late = self.clocks.now().patience.saturating_sub(since) >= patience;
                if (all_asked && all_up) || is_late {
                    self.load_driver.tell(LoadCommand::Close { at: now.saturating_sub(self.begun.real) });
                    self.phase = Phase::Judging;
                }
            }
            Phase::Looking
            | Phase::Beginning
            | Phase::Entering
            | Phase::Judging
            | Phase::Over(_)
            | Phase::Failed(_) => {}
        }
        let stopped = self.waiting.is_empty() && picture.steering.rate == Rate::STOPPED;
        if self.measuring.is_due(now, stopped) && matches!(self.phase, Phase::Playing | Phase::Mending(_)) {
            self.measure(picture, now);
        }
        if !self.measuring.is_under_way() {
            commands.extend(self.waiting.drain(..));
        }
        (commands, facts)
    }

    fn hear(
        &mut self,
        event: LoadEvent,
        picture: &Picture,
        commands: &mut Vec<UserCommand>,
        facts: &mut Vec<TraceRecord>,
    ) {
        match event {
            LoadEvent::Looked => {
                commands.extend(self.script_runner.beginning());
                self.phase = Phase::Beginning;
            }
            LoadEvent::Here { begun } => {
                self.begun = self.clocks.at(begun);
                self.phase = Phase::Playing;
            }
            LoadEvent::ReadOn { customer, postcode, page } => {
                commands.push(CustomerCommand::ReadHistory { customer, postcode: postcode.to_string(), page }.into());
            }
            LoadEvent::Measured(measures) => {
                self.largest = self.largest.max(measures.largest);
                let stopped = picture.steering.rate == Rate::STOPPED;
                let rung = self.measuring.take(&measures.rung, stopped);
                self.script_runner.findings_mut().rung_while_stopped += rung;
            }
            LoadEvent::Crowd { first, crowd } => {
                facts.push(TraceRecord { node: first, at: picture.now, event: LauncherEvent::Crowd(crowd).into() });
            }
            LoadEvent::Over(finished) => self.judge(*finished),
            LoadEvent::Failed(trouble) => self.phase = Phase::Failed(trouble),
        }
    }

    /// Until all replicas that begin are members: what happens before does not count.
    fn gather(&mut self, picture: &Picture, since: Duration) {
        let replicas = self.script_runner.scenario().replicas as usize;
        if matches!(picture.service(), Service::Serving { members, .. } if members == replicas) {
            self.script_runner.begins(picture);
            self.load_driver.tell(LoadCommand::Look);
            self.phase = Phase::Looking;
        } else if self.clocks.now().patience.saturating_sub(since) >= QUIET {
            self.phase = Phase::Failed(Trouble::NotReady);
        }
    }

    fn play(&mut self, picture: &Picture, now: Duration) {
        if !self.waiting.is_empty() {
            return;
        }
        let times = self.clocks.now().since(self.begun);
        if self.script_runner.is_over(times.script) {
            return self.end(picture, now);
        }
        for step in self.script_runner.go_on(picture, times) {
            self.do_it(step, picture, now);
        }
    }

    /// No more orders and steps; everything is mended, so that it can be judged.
    fn end(&mut self, picture: &Picture, now: Duration) {
        self.load_driver.tell(LoadCommand::Enough);
        self.script_runner.findings_mut().lasted = now.saturating_sub(self.begun.real);
        self.ask_for(mended(picture, self.chosen()), picture, now);
        self.mended = standing(picture).map(|(id, _)| id).collect();
        self.phase = Phase::Mending(self.clocks.now().patience);
    }

    /// The program was asked to end: no more steps, and what was gathered is judged as far as that goes quickly.
    pub fn break_off(&mut self, picture: &Picture, now: Duration) {
        match self.phase {
            Phase::Gathering(_) | Phase::Looking | Phase::Beginning | Phase::Entering => {
                self.phase = Phase::Failed(Trouble::BrokenOff);
            }
            Phase::Playing => {
                let lasted = now.saturating_sub(self.begun.real).as_millis();
                self.script_runner.break_off(format!("the scenario was stopped after {lasted} ms"));
                // What waits for a look at the timers waits no longer.
                self.waiting.clear();
                self.end(picture, now);
            }
            Phase::Mending(_) | Phase::Judging | Phase::Over(_) | Phase::Failed(_) => {}
        }
        self.hurries = true;
        self.load_driver.tell(LoadCommand::Hurry);
    }

    /// What broke down or stood still only after everything was mended: its last fault was under way then.
    fn mend_late(&mut self, picture: &Picture) -> Vec<UserCommand> {
        let late = standing(picture).filter(|(id, _)| self.mended.insert(*id));
        late.map(|(_, command)| command).collect()
    }

    fn do_it(&mut self, step: ResolvedStep, picture: &Picture, now: Duration) {
        let at = now.saturating_sub(self.begun.real);
        let is_crash = |it: &&UserCommand| matches!(it, UserCommand::Crash { .. } | UserCommand::CrashAll);
        let crashes = step.commands.iter().filter(is_crash);
        self.script_runner.findings_mut().crashes.extend(crashes.map(|_| at));
        if !step.words.is_empty() {
            self.load_driver.tell(LoadCommand::Fault { words: step.words, at });
        }
        self.ask_for(step.commands, picture, now);
    }

    /// Before time goes on it is counted how many timers have rung since it was stopped.
    fn ask_for(&mut self, commands: Vec<UserCommand>, picture: &Picture, now: Duration) {
        for command in commands {
            self.told_to_ask(&command, now);
            if let UserCommand::SetRate { .. } | UserCommand::RunUntil { .. } = command {
                // From now on the speed is the script's.
                self.clocks.choose(None);
            }
            if let UserCommand::SetRate { .. } | UserCommand::RunUntil { .. } = command
                && self.measuring.ends_standstill()
            {
                self.measure(picture, now);
            }
            self.waiting.push_back(command);
        }
    }

    fn measure(&mut self, picture: &Picture, now: Duration) {
        self.measuring.begin(now, picture.steering.rate == Rate::STOPPED);
        self.load_driver.tell(LoadCommand::Measure);
    }

    fn look_at_copies(&mut self, picture: &Picture) {
        let begun = !matches!(self.phase, Phase::Gathering(_) | Phase::Over(_) | Phase::Failed(_));
        self.script_runner.findings_mut().copies_differed |= begun && picture.stats.copies == Copies::Differ;
    }

    fn judge(&mut self, finished: Finished) {
        let (scenario, findings) = (self.script_runner.scenario(), self.script_runner.findings().clone());
        let outcome = Outcome::of(scenario, findings, finished);
        self.phase = Phase::Over(Box::new(outcome));
    }
}

/// Ends all faults, so that what was acknowledged can be read: time goes, links and services are as they should be, nobody
/// stands still, and what is no replica runs. An injected bug stays on, and so does the speed that a person
/// has chosen: then it is judged when that person lets time go.
#[must_use]
pub fn mended(picture: &Picture, chosen: Option<Rate>) -> Vec<UserCommand> {
    let real = chosen.is_none().then_some(UserCommand::SetRate { rate: Rate::REAL });
    let mut commands: Vec<UserCommand> = real.into_iter().collect();
    commands.extend([UserCommand::SetHop { hop: None }, UserCommand::MendAll]);
    for service in [PostcodeService::PostcodesIo, PostcodeService::GetTheData] {
        commands.push(UserCommand::Misbehave { service, how: Misbehaviour::None });
    }
    let held = picture.traffic.flying().filter(|flying| flying.is_held());
    commands.extend(held.map(|it| UserCommand::Message { message: it.id, to: it.to, act: MessageAct::LetGo }));
    let steering = &picture.steering;
    let name = |id: &NodeId| picture.name(*id);
    commands.extend(steering.bombs.keys().map(|id| UserCommand::SetBomb { node: name(id), bomb: None }));
    commands.extend(steering.disks.keys().map(|id| UserCommand::SetDisk { node: name(id), fault: None }));
    commands.extend(standing(picture).map(|(_, command)| command));
    commands
}

/// Each process that is frozen, or has ended and is not a replica, with the command that brings it back.
fn standing(picture: &Picture) -> impl Iterator<Item = (NodeId, UserCommand)> {
    let frozen = picture.steering.frozen.keys().map(|id| (*id, UserCommand::Wake { node: picture.name(*id) }));
    let dead = |node: &&Node| !node.runs() && node.actor != Actor::Role(Role::Replica);
    let dead = picture.nodes.iter().filter(dead);
    frozen.chain(dead.map(|node| (node.id, UserCommand::Restart { node: node.name.clone() })))
}
