//! A scenario or a lesson that runs on the window's cluster, with the same code as in the terminal, while a person watches.
//!
//! `ScenarioRun` and `LessonRun` say what to do, when, and how it ended. This file only begins it, ends it and reports it; what
//! a lesson shows is `lessons`'s. No clock here: the caller says what time it is.

use std::time::Duration;

use protocol::acknowledge::Acknowledge;
use protocol::trace::TraceRecord;

use super::{Beginning, Window};
use crate::arrangement::Side;
use crate::panels::banner::{Performed, PerformedClick};
use crate::panels::consent::{Asked, Wanted};
use crate::panels::result::{ResultClick, Told};
use crate::panels::scenarios::Listed;
use knowledge::picture::Picture;
use knowledge::tape::{Entry, Tape};
use knowledge::user_command::{CustomerCommand, UserCommand};
use scenarios::lesson_run::LessonRun;
use scenarios::scenario_run::load_driver::LoadDriver;
use scenarios::scenario_run::{Phase, ScenarioRun, Trouble, mended};
use scenarios::{
    self, Action, BUILT_IN, Conclusion, Lesson, MUSEUM, Outcome, Scenario, ScriptRunner, Unsafe, built_in,
};

/// How long a cluster of its own may take to start.
const PATIENCE: Duration = Duration::from_secs(20);

/// A script, and how far it is.
pub(crate) struct Performing {
    /// What was asked for, to ask for it again.
    wanted: Wanted,
    /// As it is written, with the bugs it injects.
    written: Scenario,
    pub(super) course: Course,
    shows_result: bool,
}

pub(super) enum Course {
    /// A cluster of its own is being started, since then, for this.
    Starting(Duration, Script),
    /// It runs, or has run.
    Staged(Run),
    /// It did not begin: a sentence why.
    Failed(String),
}

/// What is to be performed.
pub(super) enum Script {
    Scenario(Box<Scenario>),
    /// From this page on.
    Lesson(Box<Lesson>, usize),
}

/// What is performed.
pub(super) enum Run {
    Scenario(Box<ScenarioRun>),
    Lesson(Box<LessonRun>),
}

impl Script {
    fn world(&self) -> &Scenario {
        match self {
            Script::Scenario(scenario) => scenario,
            Script::Lesson(lesson, _) => &lesson.world,
        }
    }

    fn open(self, load_driver: Box<dyn LoadDriver>, now: Duration) -> Run {
        match self {
            Script::Scenario(scenario) => {
                let script_runner = ScriptRunner::new(*scenario, now.as_micros() as u64);
                Run::Scenario(Box::new(ScenarioRun::open(script_runner, load_driver, true, now)))
            }
            Script::Lesson(lesson, page) => {
                Run::Lesson(Box::new(LessonRun::open(*lesson, load_driver, true, page, now)))
            }
        }
    }
}

impl Run {
    fn learn(&mut self, fact: &TraceRecord, picture: &Picture, now: Duration) {
        match self {
            Run::Scenario(run) => run.learn(fact, picture, now),
            Run::Lesson(run) => run.learn(fact, picture, now),
        }
    }

    fn go_on(&mut self, picture: &Picture, now: Duration) -> (Vec<UserCommand>, Vec<TraceRecord>) {
        match self {
            Run::Scenario(run) => run.go_on(picture, now),
            Run::Lesson(run) => run.go_on(picture, now),
        }
    }

    fn asked_beside(&mut self, command: &UserCommand, now: Duration) {
        match self {
            Run::Scenario(run) => run.asked_beside(command, now),
            Run::Lesson(run) => run.asked_beside(command, now),
        }
    }

    fn scenario_run(&self) -> &ScenarioRun {
        match self {
            Run::Scenario(run) => run,
            Run::Lesson(run) => run.run(),
        }
    }
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
    fn begin(wanted: Wanted, script: Script, now: Duration) -> Self {
        let written = script.world().clone();
        let script = match script {
            Script::Scenario(scenario) if !wanted.with_bug => Script::Scenario(Box::new(scenario.made_safe())),
            script => script,
        };
        Self { wanted, written, course: Course::Starting(now, script), shows_result: false }
    }

    /// What it is about.
    pub(super) fn title(&self) -> &str {
        &self.written.title
    }

    /// Why it did not begin or came to no end.
    pub(super) fn failure(&self) -> Option<String> {
        match &self.course {
            Course::Failed(why) => Some(why.clone()),
            Course::Staged(run) => match run.scenario_run().phase() {
                Phase::Failed(trouble) => Some(trouble_words(trouble)),
                _ => None,
            },
            Course::Starting(..) => None,
        }
    }

    /// By which name it was asked for.
    pub(super) fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// The lesson under way, if it is one.
    pub(super) fn lesson_run(&self) -> Option<&LessonRun> {
        match &self.course {
            Course::Staged(Run::Lesson(run)) => Some(run),
            Course::Staged(Run::Scenario(_)) | Course::Starting(..) | Course::Failed(_) => None,
        }
    }

    /// The same, to turn its pages.
    pub(super) fn lesson_run_mut(&mut self) -> Option<&mut LessonRun> {
        match &mut self.course {
            Course::Staged(Run::Lesson(run)) => Some(run),
            Course::Staged(Run::Scenario(_)) | Course::Starting(..) | Course::Failed(_) => None,
        }
    }

    /// Whether something may still happen by itself.
    fn goes_on(&self) -> bool {
        match &self.course {
            Course::Starting(..) => true,
            Course::Staged(run) => !matches!(run.scenario_run().phase(), Phase::Over(_) | Phase::Failed(_)),
            Course::Failed(_) => false,
        }
    }

    fn scenario_run(&self) -> Option<&ScenarioRun> {
        if let Course::Staged(run) = &self.course { Some(run.scenario_run()) } else { None }
    }

    pub(super) fn outcome(&self) -> Option<&Outcome> {
        if let Phase::Over(outcome) = self.scenario_run()?.phase() { Some(outcome) } else { None }
    }

    fn told(&self, picture: &Picture) -> Performed {
        let (progress, ended) = match &self.course {
            Course::Starting(..) => (wording::PREPARING.to_owned(), None),
            Course::Failed(why) => (why.clone(), Some(false)),
            Course::Staged(run) => staged(run.scenario_run(), self.written.unsafe_switches().next()),
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
        if self.wanted.with_bug && self.written.unsafe_switches().next().is_some() {
            commands.push(UserCommand::SetPlant { plant: None });
            commands.push(UserCommand::SetAcknowledge { acknowledge: Acknowledge::All });
        }
        commands
    }
}

/// How far a run is, and whether it ended well. `lesson`: the injected bug that the scenario is about.
fn staged(scenario_run: &ScenarioRun, lesson: Option<Unsafe>) -> (String, Option<bool>) {
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
        if let Some(Performing { course: Course::Staged(run), .. }) = &mut self.performing {
            run.learn(fact, &self.picture, now);
        }
    }

    /// Does what the scenario wants done now: to be handed to the cluster. `now` is real time since the window opened.
    pub fn play(&mut self, now: Duration) -> Vec<UserCommand> {
        self.played = now;
        let mut commands = Vec::new();
        if let Some(wanted) = self.scenarios.wanted.take()
            && let Some(script) = self.find(&wanted)
        {
            let Scenario { replicas, sessions, etcd, durable, .. } = *script.world();
            self.beginning = Some(Beginning::Empty { replicas, sessions, etcd, durable });
            self.lessons.begins(&wanted);
            self.side = if wanted.page.is_some() { Side::Lesson } else { Side::Order };
            self.performing = Some(Performing::begin(wanted, script, now));
        }
        if std::mem::take(&mut self.stops_performing)
            && let Some(performing) = self.performing.take()
        {
            commands.extend(performing.stopped(&self.picture));
        }
        if let Some(set_up) = self.scenarios.begins_new.take() {
            self.begin_with(*set_up);
        }
        commands.extend(self.take_furnishing());
        let mut facts = Vec::new();
        if let Some(performing) = &mut self.performing {
            match &mut performing.course {
                Course::Starting(since, _) if now.saturating_sub(*since) >= PATIENCE => {
                    performing.course = Course::Failed(wording::NOT_READY.into());
                }
                Course::Staged(run) => {
                    let is_over = |run: &Run| matches!(run.scenario_run().phase(), Phase::Over(_));
                    let was_over = is_over(run);
                    let (more, told) = run.go_on(&self.picture, now);
                    commands.extend(more);
                    facts = told;
                    if !was_over && is_over(run) {
                        commands.extend(reads(&self.picture));
                        // A lesson tells how it ended on its last page.
                        performing.shows_result = matches!(run, Run::Scenario(_));
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

    fn find(&self, wanted: &Wanted) -> Option<Script> {
        if let Some(page) = wanted.page {
            return Some(Script::Lesson(Box::new(self.lessons.find(wanted)?), page));
        }
        let scenario = match (&self.opened_scenario, wanted.opened) {
            (Some((name, scenario)), true) if *name == wanted.name => scenario.clone(),
            (_, true) => return None,
            (_, false) => scenarios::parse(built_in(&wanted.name)?).ok()?,
        };
        Some(Script::Scenario(Box::new(scenario)))
    }

    /// A scenario was read from a file: a person is asked whether to run it, and how.
    pub fn show_scenario(&mut self, name: String, scenario: Scenario) {
        let (title, switch) = (scenario.title.clone(), scenario.unsafe_switches().next());
        self.scenarios.asked = Some(Asked::Scenario { name: name.clone(), title, switch, opened: true, page: None });
        self.opened_scenario = Some((name, scenario));
    }

    /// What is open makes way for a question.
    pub(super) fn hide_result(&mut self) {
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
        self.end_recording();
        self.picture = Picture::default();
        self.tape = Tape::default();
        self.narration = Default::default();
        (self.past, self.alone) = (None, false);
        self.bottom.timeline = Default::default();
        self.focus = Default::default();
        self.order_form = Default::default();
        self.inspector = Default::default();
        self.toolbar.pace = Default::default();
        self.commands.take();
        self.notices.retract(wording::NEW_CLUSTER_STARTS);
        let Some(performing) = self.performing.as_mut() else { return self.furnish_current() };
        self.toolbar.asks_each_time = false;
        let course = std::mem::replace(&mut performing.course, Course::Failed(String::new()));
        performing.course = match (course, load_driver) {
            (Course::Starting(_, script), Ok(load_driver)) => Course::Staged(script.open(load_driver, now)),
            (Course::Starting(..), Err(why)) => Course::Failed(why),
            (course, _) => course,
        };
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
        let Some(Performing { course: Course::Staged(run), .. }) = &mut self.performing else { return true };
        let orders = matches!(
            command,
            UserCommand::Customer(CustomerCommand::PlaceOrder { .. } | CustomerCommand::ReadHistory { .. })
        );
        if orders && !run.scenario_run().takes_orders() {
            return false;
        }
        run.asked_beside(command, self.played);
        true
    }

    /// Whether a scenario is under way, so that time alone can bring something about.
    pub(super) fn performs(&self) -> bool {
        self.scenarios.wanted.is_some()
            || self.stops_performing
            || self.performing.as_ref().is_some_and(Performing::goes_on)
    }

    pub(super) fn performed(&self) -> Option<Performed> {
        let scenario = self.performing.as_ref().filter(|performing| performing.wanted.page.is_none());
        scenario.map(|performing| performing.told(&self.picture))
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
        Some(Told {
            title: performing.written.title.clone(),
            outcome,
            lesson: performing.written.unsafe_switches().next(),
        })
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
                let (title, switch) = (performing.written.title.clone(), performing.written.unsafe_switches().next());
                let Wanted { name, opened, page, .. } = performing.wanted.clone();
                self.scenarios.asked = Some(Asked::Scenario { name, title, switch, opened, page });
            }
        }
    }
}
