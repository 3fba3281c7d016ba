//! `demo`: the scenario of that name, told by the narrator: each numbered step is printed as it happens.

use protocol::trace::{Ending, LauncherEvent, TraceEvent, TraceRecord};
use serde_json::json;

use super::play::{Witness, play};
use super::run::exit;
use super::{ClusterKind, Exit, Failure, launch_open, say, say_json};
use cluster::ClusterOptions;
use cluster::interrupt::Interrupt;
use cluster::run_directory::HISTORY;
use knowledge::picture::Picture;
use scenarios::scenario_run::ScenarioRun;
use scenarios::{Conclusion, ScriptRunner};
use wording::narrator::Narrator;

const SCENARIO: &str = "demo";

/// The demonstration.
#[derive(Clone, Debug, clap::Args)]
pub struct DemoArguments {
    /// The cluster to start.
    #[command(flatten)]
    pub cluster: ClusterKind,
    /// Print the result as one JSON object.
    #[arg(long)]
    pub json: bool,
}

pub(crate) fn perform(arguments: &DemoArguments, interrupt: &Interrupt) -> Result<Exit, Failure> {
    let options = arguments.cluster.options()?;
    let options = ClusterOptions { interrupt: interrupt.clone(), default_customers: false, ..options };
    let replicas = options.replicas;
    if replicas < 2 {
        let why = "The demonstration kills the primary, so it needs at least two replicas. Use --replicas 2 or more.";
        return Err(Failure::BadInput(why.into()));
    }
    say(format!(
        "Just Hungry: passive replication on real processes. Name server, front-end, {replicas} replicas, two postcode \
         services."
    ))?;
    let text = scenarios::built_in(SCENARIO).unwrap_or_default();
    let mut scenario = scenarios::parse(text).map_err(anyhow::Error::from)?;
    scenario.replicas = replicas;
    let cluster = launch_open(options)?;
    let history = cluster.directory().join(HISTORY);
    let mut told = Told::default();
    let (outcome, _) = play(cluster, ScriptRunner::new(scenario, 1), &history, &mut told, interrupt)?;
    say(format!("\n{}", wording::told_verdict(outcome.finished.verdict.clone())))?;
    say(match &told.killed {
        Some(killed) if outcome.conclusion == Conclusion::Holds => format!(
            "Verdict: {killed} was killed in the middle of an order and another replica took over. No order is lost, and none is \
             stored twice."
        ),
        _ => format!("Verdict: {}", wording::result(&outcome, None)),
    })?;
    if arguments.json {
        say_json(&json!({
            "verdict": outcome.conclusion,
            "acknowledged": outcome.finished.counts.acknowledged,
            "failovers": outcome.findings.failovers,
            "killed": told.killed,
        }))?;
    }
    Ok(exit(outcome.conclusion))
}

/// The narrator's lines, printed.
#[derive(Default)]
struct Told {
    narrator: Narrator,
    said: Option<String>,
    /// Which process was killed.
    killed: Option<String>,
}

impl Witness<ScenarioRun> for Told {
    fn learn(&mut self, record: &TraceRecord) -> Result<(), Failure> {
        self.narrator.hear(record);
        if let TraceEvent::Launcher(LauncherEvent::Ended { how: Ending::Crashed, .. }) = record.event {
            self.killed.get_or_insert_with(|| self.narrator.name(record.node));
        }
        Ok(())
    }

    fn go_on(&mut self, run: &mut ScenarioRun, picture: &Picture) -> Result<(), Failure> {
        let now = picture.now;
        if let Some(words) = run.script_runner().said().filter(|words| self.said.as_deref() != Some(words)) {
            self.said = Some(words.to_owned());
            self.narrator.title(words, now);
        }
        self.narrator.tell(now).iter().try_for_each(say)?;
        Ok(())
    }

    fn end(&mut self) -> Result<(), Failure> {
        self.narrator.tell_the_rest().iter().try_for_each(say)?;
        Ok(())
    }
}
