//! A scenario performed without a window: facts go from the cluster to picture and run, wishes back.
//!
//! What happens when, and what came of it, is the run's matter, which the window uses too.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use anyhow::Context;
use protocol::trace::TraceRecord;

use crate::headless::Failure;
use cluster::Cluster;
use cluster::interrupt::Interrupt;
use knowledge::picture::Picture;
use scenarios::scenario_run::load_driver::LoadThread;
use scenarios::scenario_run::{Phase, ScenarioRun, Trouble};
use scenarios::{Outcome, ScriptRunner};

/// Between two looks at what only time brings about.
const TICK: Duration = Duration::from_millis(20);

/// Of the file of all facts.
const UNWRITTEN: &str = "the trace cannot be written to the file given by --trace";

/// Performs to the end. `history`: where it is written; `trace`: where all facts are. Also tells the memory of the largest
/// process, in bytes.
pub(super) fn play(
    mut cluster: Cluster,
    script_runner: ScriptRunner,
    history: &Path,
    mut trace: Option<BufWriter<File>>,
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
            take_in(&record, &mut picture, &mut trace)?;
        }
        picture.set_now(cluster.now());
        if interrupt.is_asked() && !std::mem::replace(&mut is_asked_to_end, true) {
            scenario_run.break_off(&picture, now);
        }
        let (commands, facts) = scenario_run.go_on(&picture, now);
        for fact in &facts {
            take_in(fact, &mut picture, &mut trace)?;
        }
        let idle = commands.is_empty();
        commands.into_iter().for_each(|command| cluster.perform(command));
        match scenario_run.phase() {
            Phase::Over(outcome) => {
                let outcome = outcome.as_ref().clone();
                if let Some(trace) = &mut trace {
                    trace.flush().context(UNWRITTEN)?;
                }
                return Ok((outcome, scenario_run.largest()));
            }
            Phase::Failed(trouble) => {
                if let Some(trace) = &mut trace {
                    trace.flush().context(UNWRITTEN)?;
                }
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

fn take_in(record: &TraceRecord, picture: &mut Picture, trace: &mut Option<BufWriter<File>>) -> Result<(), Failure> {
    picture.apply(record);
    if let Some(trace) = trace {
        serde_json::to_writer(&mut *trace, record).context(UNWRITTEN)?;
        trace.write_all(b"\n").context(UNWRITTEN)?;
    }
    Ok(())
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
