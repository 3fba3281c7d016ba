//! A scenario as it runs: facts and times go in, user commands and findings come out.
//!
//! One engine for the window and for `run`. It is pure: no cluster, no clock, no waiting; the caller calls
//! [`ScriptRunner::learn`] for each fact and [`ScriptRunner::go_on`] again and again. A step is done when a fact has said so,
//! only then comes the next one.

mod answers;
mod findings;
mod resolving;
mod since;
#[cfg(test)]
mod tests;
mod times;

use std::time::Duration;

use protocol::random::Random;
use protocol::trace::{Rate, TraceRecord};

use super::{Action, NodeName, Scenario, Step, WaitFor};
use answers::Open;
pub use findings::Findings;
use knowledge::picture::Picture;
use knowledge::user_command::{Until, UserCommand};
pub(crate) use resolving::place_of;
pub use resolving::{ResolvedStep, resolved};
pub(crate) use since::{Noted, Since, equal_copies};
pub use times::{Clocks, Patience, Times};

/// How long a step waits for somebody who could be meant by it ("primary"), and for a word that it was done.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long after a single step the facts about it may take.
const LATE_FACTS: Duration = Duration::from_millis(300);

#[derive(Clone, Debug)]
pub struct ScriptRunner {
    scenario: Scenario,
    seed: u64,
    random: Random,
    /// Which step is next, and in which repetition.
    next: usize,
    round: u32,
    /// The choice of the next step, drawn once.
    draw: u64,
    /// Since when the next step could have been done.
    due_since: Option<Times>,
    /// What was done and is not confirmed yet.
    open: Open,
    stepping: Option<Stepping>,
    /// The words of the latest "say".
    said: Option<String>,
    /// Since the last step that was no waiting.
    since: Since,
    /// Since the owner set a mark.
    since_mark: Since,
    findings: Findings,
}

/// Single steps that are under way.
#[derive(Clone, Copy, Debug)]
struct Stepping {
    left: u32,
    rate: Rate,
    /// Where time stops, once it goes.
    until: Option<u64>,
    /// When it had stopped there, in real time.
    stopped: Option<Duration>,
    /// Since when no message is under way, in real time.
    quiet: Option<Duration>,
}

/// What became of an attempt to do the next step.
enum Attempt {
    Done(ResolvedStep),
    /// Not now; it is tried again for this long, and then the script stops.
    NotYet {
        within: Duration,
        what: String,
    },
    /// It is not complete yet.
    Underway(Vec<UserCommand>),
}

impl Attempt {
    fn waiting(waits: bool) -> Self {
        if waits { Attempt::Underway(Vec::new()) } else { Attempt::Done(ResolvedStep::default()) }
    }
}

impl ScriptRunner {
    /// Nothing has happened yet. Everything random follows from the seed.
    pub fn new(scenario: Scenario, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let draw = random.bits();
        Self {
            scenario,
            seed,
            random,
            next: 0,
            round: 0,
            draw,
            due_since: None,
            open: Open::default(),
            stepping: None,
            said: None,
            since: Since::default(),
            since_mark: Since::default(),
            findings: Findings::default(),
        }
    }

    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// From what everything random follows.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    pub fn findings(&self) -> &Findings {
        &self.findings
    }

    /// The same, for what is seen outside the script.
    pub(crate) fn findings_mut(&mut self) -> &mut Findings {
        &mut self.findings
    }

    /// A person did this beside the script: a fault counts, also when it is done by hand.
    pub(crate) fn done_beside(&mut self, command: &UserCommand) {
        for fault in resolving::faults_by_hand(command) {
            *self.findings.faults.entry(fault).or_default() += 1;
        }
    }

    /// What stands over what happens now, if the script says something.
    pub fn said(&self) -> Option<&str> {
        self.said.as_deref()
    }

    /// The step that comes next, or is waited for; none: all are done.
    pub fn next_step(&self) -> Option<&Step> {
        self.scenario.steps.get(self.next).filter(|_| self.findings.stuck.is_none())
    }

    /// The cluster is ready, and the script begins: earlier facts do not count.
    pub fn begins(&mut self, picture: &Picture) {
        self.findings = Findings::default();
        if let Some(view) = picture.nodes.newest_view() {
            self.findings.begins_in(view.clone());
        }
    }

    /// What is done before the first order: what is unsafe from the beginning is switched on.
    #[must_use]
    pub fn beginning(&self) -> Vec<UserCommand> {
        let Scenario { plant, acknowledge, .. } = self.scenario;
        let planted = plant.map(|plant| UserCommand::SetPlant { plant: Some(plant) });
        let fewer = (!acknowledge.is_safe()).then_some(UserCommand::SetAcknowledge { acknowledge });
        planted.into_iter().chain(fewer).collect()
    }

    pub fn learn(&mut self, record: &TraceRecord) {
        self.open.learn(record);
        self.findings.learn(record, |noted| {
            self.since.note(&noted);
            self.since_mark.note(&noted);
        });
    }

    /// These steps come next, after those that are left.
    pub fn append(&mut self, steps: impl IntoIterator<Item = Action>) {
        self.scenario.steps.extend(steps.into_iter().map(crate::step));
    }

    /// Whether all steps are done, as far as facts say.
    pub fn is_idle(&mut self, now: Times) -> bool {
        self.next >= self.scenario.steps.len() && !self.open.is_waiting(now.script)
    }

    /// Goes on after a step that could not be done: it and those after it are left out. Says which it was.
    pub fn leave_out(&mut self) -> Option<String> {
        let stuck = self.findings.stuck.take()?;
        (self.next, self.findings.stopped_at, self.due_since) = (self.scenario.steps.len(), 0, None);
        self.stepping = None;
        Some(stuck)
    }

    /// From now on [`ScriptRunner::holds`] counts what happens.
    pub fn mark(&mut self) {
        self.since_mark = Since::default();
    }

    /// Whether this is so, or has happened since the mark.
    #[must_use]
    pub fn holds(&self, what: &WaitFor, picture: &Picture) -> bool {
        self.since_mark.holds(what, picture, self.draw)
    }

    /// How many messages with a number of the workflow were sent since the mark.
    #[must_use]
    pub fn messages_since_mark(&self) -> u64 {
        self.since_mark.messages()
    }

    /// What people call the node that is meant now, if it is one.
    #[must_use]
    pub fn node_named(&self, name: &NodeName, picture: &Picture) -> Option<String> {
        resolving::nodes(picture, name, self.draw).first().map(|node| node.name.clone())
    }

    /// Whether everything has happened that is to happen by this moment of the script: its time is over and no step is left,
    /// or one could not be done.
    pub fn is_over(&self, script: Duration) -> bool {
        let over = script >= self.scenario.lasts;
        over && (self.next_step().is_none_or(|step| self.moment(step) >= self.scenario.lasts) || self.repeats())
    }

    /// Ends it early: no step follows, and nothing is concluded from those that are left.
    pub fn break_off(&mut self, why: String) {
        if self.findings.stuck.is_none() && self.next < self.scenario.steps.len() {
            self.findings.stopped_at = self.next + 1;
        }
        self.findings.stuck.get_or_insert(why);
        self.findings.broken_off = true;
    }

    fn repeats(&self) -> bool {
        self.scenario.again_after.is_some()
    }

    fn moment(&self, step: &Step) -> Duration {
        self.scenario.again_after.unwrap_or_default() * self.round + step.at
    }

    /// Does what is due: everything to be handed to the cluster now, in this order. `picture` holds all facts that were
    /// learned; times count since the customers began.
    pub fn go_on(&mut self, picture: &Picture, now: Times) -> Vec<ResolvedStep> {
        let mut done = Vec::new();
        loop {
            if self.open.is_waiting(now.script) {
                return done;
            }
            let Some(step) = self.next_step().cloned() else { return done };
            let at = self.moment(&step);
            if now.script < at || at >= self.scenario.lasts {
                return done;
            }
            let since = *self.due_since.get_or_insert(now);
            match self.attempt(&step.action, picture, now) {
                Attempt::Done(mut resolved) => {
                    resolved.line = step.line;
                    self.open.expect(&resolved.commands, picture, now.script + PATIENCE);
                    self.note(&resolved, &step.action, now.real);
                    done.push(resolved);
                    self.advance();
                }
                Attempt::Underway(commands) => {
                    if commands.is_empty() {
                        return done;
                    }
                    let resolved = ResolvedStep { line: step.line, commands, ..ResolvedStep::default() };
                    self.open.expect(&resolved.commands, picture, now.script + PATIENCE);
                    done.push(resolved);
                }
                Attempt::NotYet { within, what } => {
                    if now.patience < since.patience + within {
                        return done;
                    }
                    if let Action::Wait { .. } | Action::Message { .. } | Action::Ring { .. } = step.action {
                        let what = format!("{what} within {} of cluster time", seconds(within));
                        self.findings.stuck = Some(at_line(step.line, what));
                        self.findings.stopped_at = self.next + 1;
                        return done;
                    }
                    // The step has no target, so it is skipped.
                    self.findings.skipped.push(at_line(step.line, what));
                    self.advance();
                }
            }
        }
    }

    fn attempt(&mut self, action: &Action, picture: &Picture, now: Times) -> Attempt {
        match action {
            Action::Wait { for_what: WaitFor::TheEnd(before), .. } => {
                Attempt::waiting(now.script + *before < self.scenario.lasts)
            }
            Action::Wait { for_what: WaitFor::AWhile(length), .. } => {
                Attempt::waiting(self.due_since.is_none_or(|since| now.script < since.script + *length))
            }
            Action::Wait { for_what, within } => match self.since.holds(for_what, picture, self.draw) {
                true => Attempt::Done(ResolvedStep::default()),
                false => Attempt::NotYet { within: *within, what: resolving::missing(for_what) },
            },
            Action::Step { count, rate } => self.step_on(*count, *rate, picture, now.real),
            Action::Message { within, .. } | Action::Ring { within, .. } => self.act(action, *within, picture),
            action => self.act(action, PATIENCE, picture),
        }
    }

    fn act(&self, action: &Action, within: Duration, picture: &Picture) -> Attempt {
        match resolved(action, picture, self.draw, self.scenario.customers > 0) {
            Ok(step) => Attempt::Done(step),
            Err(what) => Attempt::NotYet { within, what },
        }
    }

    fn note(&mut self, step: &ResolvedStep, action: &Action, elapsed: Duration) {
        for fault in &step.faults {
            *self.findings.faults.entry(fault).or_default() += 1;
        }
        if !step.faults.is_empty() {
            self.findings.first_fault.get_or_insert(elapsed);
        }
        if let Action::Say(words) = action {
            self.said = Some(words.clone());
        } else if !matches!(action, Action::Wait { .. }) {
            self.findings.last_step = Some(elapsed);
            self.since = Since::default();
        }
    }

    fn advance(&mut self) {
        self.due_since = None;
        self.draw = self.random.bits();
        self.next += 1;
        if self.next >= self.scenario.steps.len() && self.repeats() {
            (self.next, self.round) = (0, self.round + 1);
        }
    }

    /// Single steps: time stands still, goes on until the next message leaves its link (or else the next timer rings),
    /// stands still, and so on.
    fn step_on(&mut self, count: u32, rate: Rate, picture: &Picture, elapsed: Duration) -> Attempt {
        let Some(stepping) = self.stepping.as_mut() else {
            self.stepping = Some(Stepping { left: count, rate, until: None, stopped: None, quiet: None });
            let stop = UserCommand::SetRate { rate: Rate::STOPPED };
            return Attempt::Underway(vec![stop]);
        };
        if let Some(until) = stepping.until {
            if !picture.steering.is_stopped(picture.now) {
                return Attempt::Underway(Vec::new());
            }
            let stopped = *stepping.stopped.get_or_insert(elapsed);
            let left_its_link = picture.traffic.departures(until.saturating_sub(1)).all(|(at, _)| at > until);
            if !left_its_link && elapsed < stopped + LATE_FACTS {
                return Attempt::Underway(Vec::new());
            }
            (stepping.until, stepping.stopped) = (None, None);
            stepping.left = stepping.left.saturating_sub(1);
        }
        if stepping.left == 0 {
            self.stepping = None;
            return Attempt::Done(ResolvedStep { words: format!("{count} single steps"), ..ResolvedStep::default() });
        }
        let message = picture.traffic.departures(picture.now).map(|(at, _)| at).min();
        // A question [11] is answered in real time: its verdict comes before any timer.
        if message.is_none() && elapsed < *stepping.quiet.get_or_insert(elapsed) + LATE_FACTS {
            return Attempt::Underway(Vec::new());
        }
        let next = message.or_else(|| picture.steering.next_timer(picture.now).map(|(_, _, at)| at));
        let Some(at) = next else {
            return Attempt::NotYet {
                within: PATIENCE,
                what: "no message was in a link and no timer was armed".into(),
            };
        };
        (stepping.until, stepping.quiet) = (Some(at), None);
        Attempt::Underway(vec![UserCommand::RunUntil { rate: stepping.rate, until: Until::Moment(at) }])
    }
}

/// "line 12: there was no primary"; the steps of a lesson's pages have no line.
fn at_line(line: usize, what: String) -> String {
    if line == 0 { what } else { format!("line {line}: {what}") }
}

/// "10 s", "300 ms".
fn seconds(span: Duration) -> String {
    match span.as_millis() {
        millis if millis % 1000 == 0 => format!("{} s", millis / 1000),
        millis => format!("{millis} ms"),
    }
}
