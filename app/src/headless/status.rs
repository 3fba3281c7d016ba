//! `status`: what each node of a cluster in another process believes and uses, and how the cluster is steered.
//!
//! It only looks: nothing can be steered from here.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::status_report::StatusReport;
use super::{Exit, Failure, by_hand, say, say_json, status_socket};
use cluster::by_hand::meeting_place::ClusterName;

/// Of which cluster.
#[derive(Debug, clap::Args)]
pub struct StatusArguments {
    /// The folder of the run, as given or printed by `cluster`. Without it: the cluster whose processes were started by hand.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// The name of a cluster that was started by hand.
    #[arg(long, value_name = "NAME", default_value_t, env = "JUST_HUNGRY_CLUSTER", conflicts_with = "dir")]
    cluster: ClusterName,
    /// Print the result as one JSON object.
    #[arg(long)]
    json: bool,
}

/// Between two looks at a cluster in which a replica receives a state.
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);

pub(super) fn perform(arguments: &StatusArguments) -> Result<Exit, Failure> {
    let mut report = ask(arguments)?;
    if report.receives() {
        // A second look tells how fast that goes.
        let first = Instant::now();
        std::thread::sleep(BETWEEN_LOOKS);
        let later = ask(arguments)?;
        report = later.since(&report, first.elapsed().as_micros() as u64);
    }
    if arguments.json {
        say_json(&report)?;
        return Ok(Exit::Holds);
    }
    say(format!("{:<16}{:<10}{:<10}{:>6}{:>10}{:>10}{:>12}", "node", "pid", "is", "view", "op", "commit", "memory"))?;
    for node in &report.nodes {
        let number = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
        let memory = node.rss.map_or_else(|| "-".into(), |bytes| format!("{:.1} MiB", bytes as f64 / 1_048_576.0));
        say(format!(
            "{:<16}{:<10}{:<10}{:>6}{:>10}{:>10}{:>12}",
            node.name,
            node.pid.map_or_else(|| "dead".into(), |pid| pid.to_string()),
            node.standing.as_deref().unwrap_or("-"),
            number(node.view),
            number(node.op),
            number(node.commit),
            memory
        ))?;
    }
    for sentence in report.sentences() {
        say(sentence)?;
    }
    Ok(Exit::Holds)
}

fn ask(arguments: &StatusArguments) -> Result<StatusReport, Failure> {
    match &arguments.dir {
        Some(dir) => status_socket::status(dir).map_err(|error| Failure::BadInput(node::error_text::chain(&error))),
        None => by_hand::status(&arguments.cluster),
    }
}
