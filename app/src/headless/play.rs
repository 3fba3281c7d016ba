//! Runs a scenario without a window: facts go from the cluster to the picture and the run, commands go back.
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
use scenarios::scenario_run::load_driver::LoadThread;
use scenarios::scenario_run::{Phase, ScenarioRun, Trouble};
use scenarios::{Outcome, ScriptRunner};

/// Between two looks at what only time brings about.
const TICK: Duration = Duration::from_millis(20);

/// What else is done with the facts while a scenario runs.
pub(super) trait Witness {
    /// A fact was learned.
    fn learn(&mut self, record: &TraceRecord) -> Result<(), Failure>;

    /// Cluster time is `now`, and the script says this of what happens.
    fn go_on(&mut self, now: u64, said: Option<&str>) -> Result<(), Failure>;

    /// It is over.
    fn end(&mut self) -> Result<(), Failure>;
}

/// Runs it to the end. `history`: where it is written. Also returns the memory of the largest process, in bytes.
pub(super) fn play(
    mut cluster: Cluster,
    script_runner: ScriptRunner,
    history: &Path,
    witness: &mut dyn Witness,
    interrupt: &Interrupt,
) -> Result<(Outcome, u64), Failure> {
    let epoch = Instant::now();
    let woken = cluster.woken();
    let load_driver = LoadThread::begin(cluster.inquirer(), cluster.clock(), false, epoch, history)?;
    let mut scenario_run = ScenarioRun::open(script_runner, Box::new(load_driver), false, epoch.elapsed());
    let mut is_asked_to_end = false;
    let mut picture = Picture::default();
    loop {
        let now = epoch.elapsed();
        for record in cluster.take_facts() {
            scenario_run.learn(&record, &picture, now);
            witness.learn(&record)?;
            picture.take(record);
        }
        picture.set_now(cluster.now());
        if interrupt.is_asked() && !std::mem::replace(&mut is_asked_to_end, true) {
            scenario_run.break_off(&picture, now);
        }
        let (commands, facts) = scenario_run.go_on(&picture, now);
        for fact in facts {
            witness.learn(&fact)?;
            picture.take(fact);
        }
        witness.go_on(picture.now, scenario_run.script_runner().said())?;
        let idle = commands.is_empty();
        commands.into_iter().for_each(|command| cluster.perform(command));
        match scenario_run.phase() {
            Phase::Over(outcome) => {
                let outcome = outcome.as_ref().clone();
                witness.end()?;
                return Ok((outcome, scenario_run.largest()));
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
