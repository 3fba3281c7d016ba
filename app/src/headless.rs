//! Everything that can be done without a window: what is asked on the command line, and how it ends.
//!
//! Each command has a file below; how each may end stands in [`Exit`]. Nothing here opens a display.

mod bench;
mod check;
mod cluster_command;
mod customer_lines;
pub(crate) mod demo;
mod lines;
mod output;
mod places;
mod replay;
mod run;
pub(crate) mod signals;
mod simulate;
mod status;
mod status_socket;
mod validate;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use protocol::ids::Span;
use protocol::machine::Settings;
use protocol::order_book::MOST_SESSIONS;

use cluster::run_directory::NotUsable;
use cluster::{Cluster, ClusterOptions, NotStarted, Postcodes};

pub use output::{Closed, say, say_json, warn};
pub use replay::replay;
pub use status_socket::open as open_status_socket;

/// How a command ends, as an exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It holds; it is done.
    Holds = 0,
    /// A promise was broken.
    Violation = 1,
    /// What was given or asked for is no good.
    BadInput = 2,
    /// Time ran out before there was a verdict.
    Undecided = 3,
    /// Too little happened to say anything.
    TooLittleEvidence = 4,
    /// This program is broken.
    InternalFault = 70,
}

/// Why a command did not come to its end. Displayed as a sentence.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// What was given is no good.
    #[error("{0}")]
    BadInput(String),
    /// Something took too long.
    #[error("{0}")]
    Undecided(String),
    /// The machine or the cluster does not do what it must.
    #[error("{}", node::error_text::chain(.0))]
    Fault(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Failure::Fault(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Failure::Fault(error.into())
    }
}

/// Passive replication on real processes, to be watched. Without a command it opens the window.
#[derive(Debug, Parser)]
#[command(name = "just-hungry", version, about, after_help = EXIT_STATUSES, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Of the window.
    #[cfg(feature = "window")]
    #[command(flatten)]
    pub gui: WindowKind,
}

const EXIT_STATUSES: &str = "Exit status: 0 holds, 1 violation, 2 bad input or use, 3 undecided or out of time, \
                             4 too little evidence, 70 internal fault.";

/// What can be asked for.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Open the window on a running cluster (this is what no command means).
    #[cfg(feature = "window")]
    Gui(WindowKind),
    /// Start a cluster and say as JSON lines what runs where; ends when its input closes, or on a signal to end.
    Cluster(cluster_command::ClusterArguments),
    /// Order from a running cluster: JSON requests in, one a line, JSON answers out.
    Customer(customer_lines::CustomerArguments),
    /// Show what each node of a running cluster believes and uses.
    Status(status::StatusArguments),
    /// Perform a scenario on real processes, and judge what came of it.
    Run(run::RunArguments),
    /// The classroom demonstration, in the terminal: the primary is killed in the middle of an order.
    Demo(demo::DemoArguments),
    /// Measure orders a second, latency, cost, and a bare QUIC round trip beside them.
    Bench(bench::BenchArguments),
    /// Run whole clusters in memory, on virtual time, each from one seed, and check every invariant after every step.
    Simulate(simulate::SimulateArguments),
    /// Judge a history: is it linearizable?
    Check(check::CheckArguments),
    /// Tell what a tape holds, line by line, without a cluster. (The window shows one with `gui --tape FILE`.)
    Replay(replay::ReplayArguments),
    /// Say whether a file is a scenario, a history or a tape, or where it is wrong.
    Validate {
        /// The file.
        file: PathBuf,
        /// End with one JSON object.
        #[arg(long)]
        json: bool,
    },
}

/// What the window shows.
#[cfg(feature = "window")]
#[derive(Clone, Debug, clap::Args)]
pub struct WindowKind {
    /// The cluster that is started.
    #[command(flatten)]
    pub cluster: ClusterKind,
    /// Show this tape instead, and start no cluster.
    #[arg(long, value_name = "FILE")]
    pub tape: Option<PathBuf>,
}

/// What a person can choose about the cluster that is started.
#[derive(Clone, Debug, clap::Args)]
pub struct ClusterKind {
    /// The folder of the run, for `status` and `customer` in other terminals: a new or an empty one, or one that a killed run
    /// has left. A temporary one if none is given. What the run puts there goes at its end.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// How many replicas begin.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20))]
    replicas: u32,
    /// Who is asked about postcodes: stand-ins with built-in data, or the real services.
    #[arg(long, value_enum, default_value_t)]
    postcodes: Postcodes,
    /// Time between two cleanings of the name server's registry, in seconds.
    #[arg(long, value_name = "S", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    autoclean: u64,
    /// Time between two heartbeats, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=60_000))]
    heartbeat: u64,
    /// Silence after which a node is suspected, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 400, value_parser = clap::value_parser!(u64).range(2..=600_000))]
    suspect_after: u64,
    /// What becomes of an order while no postcode service answers: it waits, or it is refused after a while.
    #[arg(long, value_enum, default_value_t)]
    unchecked: Unchecked,
    /// With `--unchecked refuse`: after this many seconds.
    #[arg(long, value_name = "S", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    refuse_after: u64,
    /// How many customers' last requests the replicas remember; the customer that has been silent longest is forgotten first.
    #[arg(long, value_name = "N", default_value_t = MOST_SESSIONS, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_SESSIONS)))]
    sessions: u32,
}

/// What becomes of an order while nobody can check its postcode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Unchecked {
    /// It waits until somebody can.
    #[default]
    Wait,
    /// It is refused, for good.
    Refuse,
}

impl ClusterKind {
    /// The cluster that was chosen; everything else as usual.
    ///
    /// # Errors
    /// When the choices contradict each other.
    pub fn options(&self) -> Result<ClusterOptions, Failure> {
        if self.suspect_after < 2 * self.heartbeat {
            let why = "--suspect-after must be at least twice --heartbeat, or everybody suspects everybody";
            return Err(Failure::BadInput(why.into()));
        }
        let (heartbeat, suspect_after) = (Span::millis(self.heartbeat), Span::millis(self.suspect_after));
        let autoclean = Span::millis(self.autoclean * 1000);
        let refuse_unchecked_after =
            (self.unchecked == Unchecked::Refuse).then(|| Span::millis(self.refuse_after * 1000));
        let most_sessions = self.sessions;
        let settings = Settings {
            heartbeat,
            suspect_after,
            autoclean,
            refuse_unchecked_after,
            most_sessions,
            ..Settings::default()
        };
        let directory = self.dir.clone();
        Ok(ClusterOptions {
            directory,
            replicas: self.replicas,
            postcodes: self.postcodes,
            settings,
            ..ClusterOptions::usual()?
        })
    }
}

/// Starts a cluster. A folder that cannot be used is the caller's matter, everything else a fault.
fn launch(options: ClusterOptions) -> Result<Cluster, Failure> {
    Cluster::launch(options).map_err(not_started)
}

/// Starts a cluster that is found by its folder.
fn launch_open(options: ClusterOptions) -> Result<Cluster, Failure> {
    let cluster = launch(options)?;
    status_socket::open(&cluster).map_err(not_started)?;
    Ok(cluster)
}

/// What it means for a command that a cluster did not start.
pub(crate) fn not_started(error: anyhow::Error) -> Failure {
    match error.downcast_ref::<NotStarted>() {
        Some(NotStarted::BrokenOff) => Failure::Undecided(error.to_string()),
        Some(NotStarted::NotHere(_)) => Failure::BadInput(error.to_string()),
        None if error.is::<NotUsable>() => Failure::BadInput(node::error_text::chain(&error)),
        None => Failure::Fault(error),
    }
}

/// Performs a command that needs no window. `Gui` is not one of them.
///
/// # Errors
/// See [`Failure`].
pub fn perform(command: Command) -> Result<Exit, Failure> {
    let interrupt = signals::listen()?;
    let end = |what| signals::end_when_asked(&interrupt, what);
    match &command {
        Command::Status(_) => end("Asked to end before the nodes had answered."),
        Command::Check(_) => end("Undecided: asked to end before the history was judged."),
        Command::Replay(_) => end("Asked to end before the end of the tape."),
        Command::Validate { .. } => end("Undecided: asked to end before the file was read."),
        // These finish what they have begun.
        #[cfg(feature = "window")]
        Command::Gui(_) => {}
        Command::Cluster(_)
        | Command::Customer(_)
        | Command::Run(_)
        | Command::Demo(_)
        | Command::Bench(_)
        | Command::Simulate(_) => {}
    }
    match command {
        #[cfg(feature = "window")]
        Command::Gui(_) => Err(Failure::BadInput("the window is not a command without a window".into())),
        Command::Cluster(arguments) => cluster_command::perform(arguments, interrupt),
        Command::Customer(arguments) => customer_lines::perform(&arguments, &interrupt),
        Command::Status(arguments) => status::perform(&arguments),
        Command::Run(arguments) => run::perform(&arguments, &interrupt),
        Command::Demo(arguments) => demo::perform(&arguments, &interrupt),
        Command::Bench(arguments) => bench::perform(&arguments, &interrupt),
        Command::Simulate(arguments) => simulate::perform(&arguments, &interrupt),
        Command::Check(arguments) => check::perform(&arguments),
        Command::Replay(arguments) => replay::perform(&arguments),
        Command::Validate { file, json } => validate::perform(&file, json),
    }
}
