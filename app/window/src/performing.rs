//! A scenario that runs on the window's cluster, with the same code as in the terminal, while a person watches.
//!
//! `ScenarioRun` says what to do, when, and how it ended. This file only begins it, ends it and reports it. No clock here: the
//! caller says what time it is.

use std::time::Duration;

use protocol::plant::Plant;
use protocol::trace::TraceRecord;

use super::{Beginning, Window};
use crate::panels::banner::{Performed, PerformedClick};
use crate::panels::consent::{Asked, Wanted};
use crate::panels::result::{ResultClick, Told};
use crate::panels::scenarios::Listed;
use knowledge::picture::Picture;
use knowledge::tape::{Entry, Tape};
use knowledge::user_command::{CustomerCommand, UserCommand};
use scenarios::scenario_run::load_driver::LoadDriver;
use scenarios::scenario_run::{Phase, ScenarioRun, Trouble, mended};
use scenarios::{self, Action, BUILT_IN, Conclusion, MUSEUM, Outcome, Scenario, ScriptRunner, built_in};

/// How long a cluster of its own may take to start.
const PATIENCE: Duration = Duration::from_secs(20);

/// A script, and how far it is.
pub(super) struct Performing {
    /// What was asked for, to ask for it again.
    wanted: Wanted,
    /// As it is written, with the bugs it injects.
    written: Scenario,
    course: Course,
    shows_result: bool,
}

enum Course {
    /// A cluster of its own is being started, since then, for this.
    Starting(Duration, Box<Scenario>),
    /// It runs, or has run.
    Staged(Box<ScenarioRun>),
    /// It did not begin: a sentence why.
    Failed(String),
}

/// The built-in scenarios, as the list shows them; those of the museum with the injected bug they are about.
pub(super) fn listed() -> Vec<Listed> {
    let entry = |name: String, text: &str, plant| {
        let scenario = scenarios::parse(text).ok()?;
        Some(Listed { name, title: scenario.title, plant })
    };
    let usual = BUILT_IN.into_iter().filter_map(|(name, text)| entry(name.to_owned(), text, None));
    let museum = MUSEUM.into_iter().filter_map(|(plant, text)| entry(format!("museum/{plant}"), text, Some(plant)));
    usual.chain(museum).collect()
}

impl Performing {
    fn begin(wanted: Wanted, written: Scenario, now: Duration) -> Self {
        let performed = if wanted.with_bug { written.clone() } else { written.clone().without_plants() };
        Self { wanted, written, course: Course::Starting(now, Box::new(performed)), shows_result: false }
    }

    /// Whether something may still happen by itself.
    fn goes_on(&self) -> bool {
        match &self.course {
            Course::Starting(..) => true,
            Course::Staged(scenario_run) => !matches!(scenario_run.phase(), Phase::Over(_) | Phase::Failed(_)),
            Course::Failed(_) => false,
        }
    }

    fn scenario_run(&self) -> Option<&ScenarioRun> {
        if let Course::Staged(scenario_run) = &self.course { Some(scenario_run) } else { None }
    }

    fn outcome(&self) -> Option<&Outcome> {
        if let Phase::Over(outcome) = self.scenario_run()?.phase() { Some(outcome) } else { None }
    }

    fn told(&self, picture: &Picture) -> Performed {
        let (progress, ended) = match &self.course {
            Course::Starting(..) => (wording::PREPARING.to_owned(), None),
            Course::Failed(why) => (why.clone(), Some(false)),
            Course::Staged(scenario_run) => staged(scenario_run, self.written.plants().next()),
        };
        let chosen = self.scenario_run().and_then(ScenarioRun::chosen);
        let stands_still = ended.is_none() && chosen.is_some() && picture.steering.is_stopped(picture.now);
        let progress = if stands_still { wording::SCENARIO_STANDS_STILL.to_owned() } else { progress };
        let has_result = self.outcome().is_some();
        Performed { title: self.written.title.clone(), progress, ended, has_result }
    }

    /// What is wished for when nobody wants to see it any more.
    fn stopped(self, picture: &Picture) -> Vec<UserCommand> {
        let mut commands = mended(picture, self.scenario_run().and_then(ScenarioRun::chosen));
        if self.wanted.with_bug && self.written.plants().next().is_some() {
            commands.push(UserCommand::SetPlant { plant: None });
        }
        commands
    }
}

/// How far a run is, and whether it ended well. `lesson`: the injected bug that the scenario is about.
fn staged(scenario_run: &ScenarioRun, lesson: Option<Plant>) -> (String, Option<bool>) {
    match scenario_run.phase() {
        Phase::Gathering(_) => (wording::PREPARING.to_owned(), None),
        Phase::Looking | Phase::Beginning | Phase::Entering => (wording::ENTERING.to_owned(), None),
        Phase::Playing => (progress(scenario_run.script_runner()), None),
        Phase::Mending(_) | Phase::Judging => (wording::JUDGING.to_owned(), None),
        Phase::Over(outcome) => {
            let good = outcome.caught || outcome.conclusion == Conclusion::Holds;
            (wording::result(outcome, lesson), Some(good))
        }
        Phase::Failed(trouble) => (trouble_words(trouble), Some(false)),
    }
}

fn progress(script_runner: &ScriptRunner) -> String {
    if let Some(why) = &script_runner.findings().stuck {
        return wording::stuck(why);
    }
    if let Some(said) = script_runner.said() {
        return said.to_owned();
    }
    let steps = &script_runner.scenario().steps;
    let next = script_runner.next_step();
    let number = |line: usize| steps.iter().position(|step| step.line == line).map_or(0, |at| at + 1);
    let waits = next.is_some_and(|step| matches!(step.action, Action::Wait { .. }));
    wording::next_step(next.map(|step| number(step.line)), steps.len(), waits)
}

fn trouble_words(trouble: &Trouble) -> String {
    match trouble {
        Trouble::NotReady => wording::NOT_READY.to_owned(),
        Trouble::NoAnswer => wording::NO_ANSWER.to_owned(),
        Trouble::BrokenOff => "The scenario was stopped before the first order.".to_owned(),
        Trouble::Fault(why) => format!("The scenario was stopped: {why}."),
    }
}

/// Every customer that waits for nothing reads its own history: so that the lights can judge what was acknowledged.
fn reads(picture: &Picture) -> impl Iterator<Item = UserCommand> {
    let idle = picture.customers.iter().filter(|customer| customer.waiting.is_none());
    idle.map(|customer| {
        UserCommand::Customer(CustomerCommand::ReadHistory {
            customer: customer.id,
            postcode: customer.postcode.to_string(),
            page: 0,
        })
    })
}

impl Window {
    /// Lets the script take in a fact, before the picture does. `now` is real time since the window opened.
    pub fn learn(&mut self, fact: &TraceRecord, now: Duration) {
        if let Some(Performing { course: Course::Staged(scenario_run), .. }) = &mut self.performing {
            scenario_run.learn(fact, &self.picture, now);
        }
    }

    /// Does what the scenario wants done now: to be handed to the cluster. `now` is real time since the window opened.
    pub fn play(&mut self, now: Duration) -> Vec<UserCommand> {
        self.played = now;
        let mut commands = Vec::new();
        if let Some(wanted) = self.scenarios.wanted.take()
            && let Some(scenario) = self.find(&wanted)
        {
            self.beginning = Some(Beginning::Empty { replicas: scenario.replicas, sessions: scenario.sessions });
            self.performing = Some(Performing::begin(wanted, scenario, now));
        }
        if std::mem::take(&mut self.stops_performing)
            && let Some(performing) = self.performing.take()
        {
            commands.extend(performing.stopped(&self.picture));
        }
        if std::mem::take(&mut self.scenarios.begins_new) {
            // It ends together with its customers, faults and injected bug.
            self.performing = None;
            self.beginning = Some(Beginning::Usual);
            self.notices.announce(wording::NEW_CLUSTER_STARTS.into());
        }
        let mut facts = Vec::new();
        if let Some(performing) = &mut self.performing {
            match &mut performing.course {
                Course::Starting(since, _) if now.saturating_sub(*since) >= PATIENCE => {
                    performing.course = Course::Failed(wording::NOT_READY.into());
                }
                Course::Staged(scenario_run) => {
                    let was_over = matches!(scenario_run.phase(), Phase::Over(_));
                    let (more, told) = scenario_run.go_on(&self.picture, now);
                    commands.extend(more);
                    facts = told;
                    if !was_over && matches!(scenario_run.phase(), Phase::Over(_)) {
                        commands.extend(reads(&self.picture));
                        performing.shows_result = true;
                    }
                }
                Course::Starting(..) | Course::Failed(_) => {}
            }
        }
        for fact in facts {
            self.take_in(Entry::Fact(fact));
        }
        for command in &commands {
            let at = self.picture.now;
            self.take_in(Entry::Command { at, command: command.clone() });
        }
        commands
    }

    fn find(&self, wanted: &Wanted) -> Option<Scenario> {
        match (&self.opened_scenario, wanted.opened) {
            (Some((name, scenario)), true) if *name == wanted.name => Some(scenario.clone()),
            (_, true) => None,
            (_, false) => built_in(&wanted.name).and_then(|text| scenarios::parse(text).ok()),
        }
    }

    /// A scenario was read from a file: a person is asked whether to run it, and how.
    pub fn show_scenario(&mut self, name: String, scenario: Scenario) {
        let (title, plant) = (scenario.title.clone(), scenario.plants().next());
        self.scenarios.asked = Some(Asked::Scenario { name: name.clone(), title, plant, opened: true });
        self.opened_scenario = Some((name, scenario));
    }

    /// What is open makes way for the question.
    pub(super) fn ask_for_new_cluster(&mut self) {
        self.scenarios.asked = Some(Asked::NewCluster);
        if let Some(performing) = &mut self.performing {
            performing.shows_result = false;
        }
    }

    /// The cluster that a scenario, or a person, wants to begin with.
    pub fn take_beginning(&mut self) -> Option<Beginning> {
        self.beginning.take()
    }

    /// Another cluster runs from now on, and who watches it: another tape, and nothing of the one before is true any more.
    pub fn begin_again(&mut self, now: Duration, load_driver: Result<Box<dyn LoadDriver>, String>) {
        self.picture = Picture::default();
        self.tape = Tape::default();
        (self.past, self.alone) = (None, false);
        self.bottom.timeline = Default::default();
        self.focus = Default::default();
        self.order_form = Default::default();
        self.inspector = Default::default();
        self.toolbar.pace = Default::default();
        self.commands.take();
        self.notices.retract(wording::NEW_CLUSTER_STARTS);
        if let Some(performing) = &mut self.performing
            && let Course::Starting(_, scenario) = &performing.course
        {
            performing.course = match load_driver {
                Ok(load_driver) => {
                    let script_runner = ScriptRunner::new(scenario.as_ref().clone(), now.as_micros() as u64);
                    Course::Staged(Box::new(ScenarioRun::open(script_runner, load_driver, true, now)))
                }
                Err(why) => Course::Failed(why),
            };
        }
    }

    /// There is no cluster to run it on.
    pub fn cannot_begin(&mut self, why: &str) {
        match &mut self.performing {
            Some(performing) => performing.course = Course::Failed(why.to_owned()),
            None => self.notices.announce(format!("{why}. Try again (Ctrl N).")),
        }
    }

    /// A person asks for something while a scenario runs. False: not now, because customers are not there yet, or it
    /// is being judged.
    pub(super) fn may_ask(&mut self, command: &UserCommand) -> bool {
        let Some(Performing { course: Course::Staged(scenario_run), .. }) = &mut self.performing else { return true };
        let orders = matches!(
            command,
            UserCommand::Customer(CustomerCommand::PlaceOrder { .. } | CustomerCommand::ReadHistory { .. })
        );
        if orders && !scenario_run.takes_orders() {
            return false;
        }
        scenario_run.asked_beside(command, self.played);
        true
    }

    /// Whether a scenario is under way, so that time alone can bring something about.
    pub(super) fn performs(&self) -> bool {
        self.scenarios.wanted.is_some()
            || self.stops_performing
            || self.performing.as_ref().is_some_and(Performing::goes_on)
    }

    pub(super) fn performed(&self) -> Option<Performed> {
        self.performing.as_ref().map(|performing| performing.told(&self.picture))
    }

    pub(super) fn follow_performed(&mut self, click: Option<PerformedClick>) {
        match (click, &mut self.performing) {
            (Some(PerformedClick::Stop), _) => self.stops_performing = true,
            (Some(PerformedClick::Result), Some(performing)) => performing.shows_result = true,
            (Some(PerformedClick::Result), None) | (None, _) => {}
        }
    }

    /// How it ended, while a person wants to see that.
    pub(super) fn result(&self) -> Option<Told> {
        let performing = self.performing.as_ref().filter(|performing| performing.shows_result)?;
        let outcome = performing.outcome()?.clone();
        Some(Told { title: performing.written.title.clone(), outcome, lesson: performing.written.plants().next() })
    }

    pub(super) fn follow_result(&mut self, click: Option<ResultClick>) {
        let (Some(click), Some(performing)) = (click, &mut self.performing) else { return };
        performing.shows_result = false;
        let again = |with_bug: bool| Wanted { with_bug, ..performing.wanted.clone() };
        if performing.wanted.opened {
            // Another file may have been opened meanwhile; what is meant is what stands on the card.
            self.opened_scenario = Some((performing.wanted.name.clone(), performing.written.clone()));
        }
        match click {
            ResultClick::Close => {}
            ResultClick::Again => self.scenarios.wanted = Some(again(performing.wanted.with_bug)),
            ResultClick::Without => self.scenarios.wanted = Some(again(false)),
            // A person who agreed to this bug in this scenario before is not asked again.
            ResultClick::With if performing.wanted.with_bug => self.scenarios.wanted = Some(again(true)),
            ResultClick::With => {
                let (title, plant) = (performing.written.title.clone(), performing.written.plants().next());
                let Wanted { name, opened, .. } = performing.wanted.clone();
                self.scenarios.asked = Some(Asked::Scenario { name, title, plant, opened });
            }
        }
    }
}

impl Window {
    pub(super) fn show_lesson(&mut self, _name: String, _lesson: scenarios::Lesson) {}
}
