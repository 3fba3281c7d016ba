//! Runs a scenario or a lesson without a window: facts go from the cluster to the picture and the run, commands go back.
//!
//! The run decides what happens when, and how it ended; the window uses the same run.

use std::path::Path;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use protocol::trace::TraceRecord;

use super::Failure;
use cluster::Cluster;
use cluster::interrupt::Interrupt;
use knowledge::picture::Picture;
use knowledge::user_command::UserCommand;
use scenarios::lesson_run::LessonRun;
use scenarios::scenario_run::load_driver::{LoadDriver, LoadThread};
use scenarios::scenario_run::{Phase, ScenarioRun, Trouble};
use scenarios::{Outcome, ScriptRunner};

/// Between two looks at what only time brings about.
const TICK: Duration = Duration::from_millis(20);

/// What is performed: a scenario, or a lesson.
pub(super) trait Performed {
    fn learn(&mut self, record: &TraceRecord, picture: &Picture, now: Duration);
    fn go_on(&mut self, picture: &Picture, now: Duration) -> (Vec<UserCommand>, Vec<TraceRecord>);
    fn break_off(&mut self, picture: &Picture, now: Duration);
    /// The run, or the run beneath it.
    fn run(&self) -> &ScenarioRun;
}

/// What else is done with the facts while it runs.
pub(super) trait Witness<P> {
    fn learn(&mut self, record: &TraceRecord) -> Result<(), Failure>;

    /// It has gone on until now.
    fn go_on(&mut self, performed: &mut P, picture: &Picture) -> Result<(), Failure>;

    fn end(&mut self) -> Result<(), Failure>;
}

impl Performed for ScenarioRun {
    fn learn(&mut self, record: &TraceRecord, picture: &Picture, now: Duration) {
        ScenarioRun::learn(self, record, picture, now);
    }

    fn go_on(&mut self, picture: &Picture, now: Duration) -> (Vec<UserCommand>, Vec<TraceRecord>) {
        ScenarioRun::go_on(self, picture, now)
    }

    fn break_off(&mut self, picture: &Picture, now: Duration) {
        ScenarioRun::break_off(self, picture, now);
    }

    fn run(&self) -> &ScenarioRun {
        self
    }
}

impl Performed for LessonRun {
    fn learn(&mut self, record: &TraceRecord, picture: &Picture, now: Duration) {
        LessonRun::learn(self, record, picture, now);
    }

    fn go_on(&mut self, picture: &Picture, now: Duration) -> (Vec<UserCommand>, Vec<TraceRecord>) {
        LessonRun::go_on(self, picture, now)
    }

    fn break_off(&mut self, picture: &Picture, now: Duration) {
        LessonRun::break_off(self, picture, now);
    }

    fn run(&self) -> &ScenarioRun {
        LessonRun::run(self)
    }
}

/// Runs a script to the end. `history`: where it is written. Also returns the memory of the largest process, in bytes.
pub(super) fn play(
    cluster: Cluster,
    script_runner: ScriptRunner,
    history: &Path,
    witness: &mut dyn Witness<ScenarioRun>,
    interrupt: &Interrupt,
) -> Result<(Outcome, u64), Failure> {
    let open = |load_driver, now| ScenarioRun::open(script_runner, load_driver, false, now);
    let (outcome, run) = perform(cluster, open, history, witness, interrupt)?;
    Ok((outcome, run.largest()))
}

/// Performs what `open` makes to the end, and returns it with how it ended.
pub(super) fn perform<P: Performed>(
    mut cluster: Cluster,
    open: impl FnOnce(Box<dyn LoadDriver>, Duration) -> P,
    history: &Path,
    witness: &mut dyn Witness<P>,
    interrupt: &Interrupt,
) -> Result<(Outcome, P), Failure> {
    let epoch = Instant::now();
    let woken = cluster.woken();
    let load_driver = LoadThread::begin(cluster.inquirer(), cluster.clock(), false, epoch, history)?;
    let mut performed = open(Box::new(load_driver), epoch.elapsed());
    let mut is_asked_to_end = false;
    let mut picture = Picture::default();
    loop {
        let now = epoch.elapsed();
        for record in cluster.take_facts() {
            performed.learn(&record, &picture, now);
            witness.learn(&record)?;
            picture.take(record);
        }
        picture.set_now(cluster.now());
        if interrupt.is_asked() && !std::mem::replace(&mut is_asked_to_end, true) {
            performed.break_off(&picture, now);
        }
        let (commands, facts) = performed.go_on(&picture, now);
        for fact in facts {
            witness.learn(&fact)?;
            picture.take(fact);
        }
        witness.go_on(&mut performed, &picture)?;
        let idle = commands.is_empty();
        commands.into_iter().for_each(|command| cluster.perform(command));
        match performed.run().phase() {
            Phase::Over(outcome) => {
                let outcome = outcome.as_ref().clone();
                witness.end()?;
                return Ok((outcome, performed));
            }
            Phase::Failed(trouble) => {
                witness.end()?;
                return Err(failure(trouble));
            }
            _ if !idle => continue,
            _ => {}
        }
        if let Err(RecvTimeoutError::Disconnected) = woken.recv_timeout(TICK) {
            return Err(anyhow::anyhow!("the cluster has ended").into());
        }
    }
}

fn failure(trouble: &Trouble) -> Failure {
    let undecided = |why: &str| Failure::Undecided(why.into());
    match trouble {
        Trouble::NotReady => {
            undecided("Not all replicas became members in time. Inspect them with “just-hungry status”.")
        }
        Trouble::NoAnswer => undecided("The cluster does not answer. Inspect its nodes with “just-hungry status”."),
        Trouble::BrokenOff => undecided("Undecided: the scenario was stopped before the first order."),
        Trouble::Fault(why) => Failure::Fault(anyhow::anyhow!(why.clone())),
    }
}
