//! Everything that can be done without a window: what is asked on the command line, and how it ends.
//!
//! Each command has a file below; how each may end stands in [`Exit`]. Nothing here opens a display.

mod bench;
mod by_hand;
mod check;
mod cluster_command;
mod customer_lines;
pub(crate) mod demo;
mod invite;
mod join;
mod lesson;
mod lines;
mod order_names;
mod output;
mod places;
mod play;
mod pulse;
mod readiness;
mod replay;
mod run;
pub(crate) mod signals;
mod simulate;
mod status;
mod status_report;
mod status_socket;
mod trace_file;
mod validate;
mod view_record;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use protocol::acknowledge::Acknowledge;
use protocol::ids::Span;
use protocol::machine::Settings;
use protocol::order_book::MOST_SESSIONS;

use cluster::run_directory::NotUsable;
use cluster::{Cluster, ClusterOptions, NotStarted, Postcodes};
#[cfg(feature = "window")]
use knowledge::recognition::Kind;
use knowledge::verdict::Judgement;
#[cfg(feature = "window")]
use scenarios::{SetUp, read_set_up};

pub(crate) use output::say_json;
pub use output::{Closed, say, warn};
use pulse::Pulse;
pub use replay::replay;
pub use status_socket::open as open_status_socket;
use view_record::NameServersArguments;

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

impl From<Judgement> for Exit {
    fn from(judgement: Judgement) -> Self {
        match judgement {
            Judgement::Holds => Exit::Holds,
            Judgement::Violation => Exit::Violation,
            Judgement::TooLittleEvidence => Exit::TooLittleEvidence,
        }
    }
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

/// Watch passive replication on real processes. Without a command, this opens the window.
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

const EXIT_STATUSES: &str = "Exit status: 0 all promises hold, 1 violation, 2 wrong use or bad input, 3 undecided or stopped, 4 too little evidence, 70 internal fault.";

/// What can be asked for.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start a cluster and open the window (the default without a command).
    #[cfg(feature = "window")]
    Gui(WindowKind),
    /// Start a cluster and list its processes as JSON lines. It ends when its input closes, or on Ctrl+C.
    Cluster(cluster_command::ClusterArguments),
    /// Start a cluster that other machines may join: it shows a code, and asks whom to admit. It ends when its input closes,
    /// or on Ctrl+C.
    Invite(invite::InviteArguments),
    /// Join a cluster on another machine, by its code: this machine runs a replica, or you order as a customer at a prompt.
    Join(join::JoinArguments),
    /// By hand, with one process in each terminal: the name server, which the others look for.
    NameServer(by_hand::NameServerArguments),
    /// By hand: a front-end, which passes orders on to the primary.
    FrontEnd(by_hand::NodeArguments),
    /// By hand: a replica, which holds the orders.
    Replica(by_hand::ReplicaArguments),
    /// By hand: order food as a customer, at a prompt.
    Client(by_hand::client::ClientArguments),
    /// Order from a running cluster: JSON requests in, JSON answers out, one per line.
    Customer(customer_lines::CustomerArguments),
    /// Show what each node of a running cluster believes, and how much memory and processor time it uses.
    Status(status::StatusArguments),
    /// Run a scenario on real processes and judge the result.
    Run(run::RunArguments),
    /// Run the demonstration in the terminal: the primary is killed in the middle of an order.
    Demo(demo::DemoArguments),
    /// Take a lesson in the terminal: read pages, predict, and see what the processes do (`--list` names the lessons).
    Lesson(lesson::LessonArguments),
    /// Measure orders per second, latency and processor time, and a bare QUIC round trip for comparison.
    Bench(bench::BenchArguments),
    /// Run clusters in memory on virtual time, one per seed, and check every invariant after every step.
    Simulate(simulate::SimulateArguments),
    /// Judge a history: is it linearizable?
    Check(check::CheckArguments),
    /// Print a tape line by line, without a cluster. (`gui --tape FILE` shows it in the window.)
    Replay(replay::ReplayArguments),
    /// Check that a file is a valid scenario, lesson, set-up, history or tape; if not, say where it is wrong.
    Validate {
        /// The file.
        file: PathBuf,
        /// Print the result as one JSON object.
        #[arg(long)]
        json: bool,
    },
}

/// What the window shows.
#[cfg(feature = "window")]
#[derive(Clone, Debug, clap::Args)]
pub struct WindowKind {
    /// The cluster to start.
    #[command(flatten)]
    pub cluster: ClusterKind,
    /// Show this tape instead of starting a cluster.
    #[arg(long, value_name = "FILE")]
    pub tape: Option<PathBuf>,
    /// Start the cluster of a set-up: the name under which the window saved it, or a file.
    #[arg(long, value_name = "NAME|FILE", conflicts_with_all = ["tape", "replicas", "acknowledge", "heartbeat", "suspect_after", "autoclean", "unchecked", "sessions"])]
    pub set_up: Option<PathBuf>,
}

#[cfg(feature = "window")]
impl WindowKind {
    /// The set-up that was asked for.
    ///
    /// # Errors
    /// When there is none of this name, or the file holds none: then where it is wrong.
    pub fn set_up(&self) -> Result<Option<SetUp>, Failure> {
        let Some(asked) = &self.set_up else { return Ok(None) };
        let is_a_name = asked.components().count() == 1 && asked.extension().is_none();
        let named =
            is_a_name.then(window::set_up_folder).flatten().map(|folder| folder.join(asked).with_extension("toml"));
        let path = named.as_deref().filter(|path| path.is_file()).unwrap_or(asked);
        if is_a_name && !path.exists() {
            let folder = window::set_up_folder().map_or_else(String::new, |folder| format!(" in {}", folder.display()));
            let why = format!(
                "There is no set-up {}{folder}. Save one in the window (Menu, Set-up), or name a file.",
                asked.display()
            );
            return Err(Failure::BadInput(why));
        }
        let read = read_set_up(check::open_as(Kind::SetUp, path)?)?;
        read.map(Some).map_err(|error| Failure::BadInput(format!("{} is not a valid set-up: {error}.", path.display())))
    }
}

/// What a person can choose about the cluster that is started.
#[derive(Clone, Debug, clap::Args)]
pub struct ClusterKind {
    /// The folder of the run, by which `status` and `customer` find it from other terminals. It must be new, empty, or left
    /// over from a killed run, and is emptied at the end. Default: a temporary folder.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Keep all orders in this folder: replicas write each order to their disks before it counts. Started again with the same
    /// folder, a cluster goes on where it was, even if all processes were killed at once. Default: orders live in memory.
    #[arg(long, value_name = "DIR")]
    durable: Option<PathBuf>,
    /// Number of replicas at the start.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20))]
    replicas: u32,
    /// Where postcodes are checked: stand-ins with built-in data, or the real services.
    #[arg(long, value_enum, default_value_t)]
    postcodes: Postcodes,
    /// Interval at which the name server cleans its registry, in seconds.
    #[arg(long, value_name = "S", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    autoclean: u64,
    #[command(flatten)]
    pulse: Pulse,
    /// How many copies there are before a customer is told “placed”: all, one or none. UNSAFE unless all: answered orders can be lost.
    #[arg(long, value_name = "COPIES", default_value_t)]
    acknowledge: Acknowledge,
    /// What happens to an order while no postcode service answers: it waits, or it is refused after some time.
    #[arg(long, value_enum, default_value_t)]
    unchecked: Unchecked,
    /// With `--unchecked refuse`: refuse the order after this many seconds.
    #[arg(long, value_name = "S", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    refuse_after: u64,
    /// How many customers the replicas remember. The customer that has been silent longest is forgotten first.
    #[arg(long, value_name = "N", default_value_t = MOST_SESSIONS, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_SESSIONS)))]
    sessions: u32,
    #[command(flatten)]
    store: NameServersArguments,
}

/// What happens to an order while its postcode cannot be checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Unchecked {
    /// It waits until a service answers.
    #[default]
    Wait,
    /// It is refused after some time, and stays refused.
    Refuse,
}

impl ClusterKind {
    /// The cluster that was chosen; everything else as usual.
    ///
    /// # Errors
    /// When the choices contradict each other.
    pub fn options(&self) -> Result<ClusterOptions, Failure> {
        let autoclean = Span::millis(self.autoclean * 1000);
        let refuse_unchecked_after =
            (self.unchecked == Unchecked::Refuse).then(|| Span::millis(self.refuse_after * 1000));
        let most_sessions = self.sessions;
        let settings = Settings {
            autoclean,
            refuse_unchecked_after,
            most_sessions,
            acknowledge: self.acknowledge,
            ..self.pulse.settings()?
        };
        let directory = self.dir.clone();
        let view_record = self.store.place()?;
        Ok(ClusterOptions {
            directory,
            durable: self.durable.clone(),
            replicas: self.replicas,
            postcodes: self.postcodes,
            settings,
            name_servers: self.store.name_servers()?,
            view_record,
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
        Some(NotStarted::BrokenOff | NotStarted::NoEtcd) => Failure::Undecided(error.to_string()),
        Some(NotStarted::NotHere(_)) => Failure::BadInput(error.to_string()),
        None if error.is::<NotUsable>() => Failure::BadInput(node::error_text::chain(&error)),
        None => Failure::Fault(error),
    }
}

/// Runs a command that needs no window. `Gui` is not one of them.
///
/// # Errors
/// See [`Failure`].
pub fn perform(command: Command) -> Result<Exit, Failure> {
    let interrupt = signals::listen()?;
    let end = |what| signals::end_when_asked(&interrupt, what);
    match &command {
        Command::Status(_) => end("Stopped before the nodes had answered."),
        Command::Check(_) => end("Undecided: stopped before the history was judged."),
        Command::Replay(_) => end("Stopped before the end of the tape."),
        Command::Validate { .. } => end("Undecided: stopped before the file was read."),
        // These finish what they have begun.
        #[cfg(feature = "window")]
        Command::Gui(_) => {}
        Command::Cluster(_)
        | Command::Invite(_)
        | Command::Join(_)
        | Command::NameServer(_)
        | Command::FrontEnd(_)
        | Command::Replica(_)
        | Command::Client(_)
        | Command::Customer(_)
        | Command::Run(_)
        | Command::Demo(_)
        | Command::Lesson(_)
        | Command::Bench(_)
        | Command::Simulate(_) => {}
    }
    match command {
        #[cfg(feature = "window")]
        Command::Gui(_) => Err(Failure::BadInput("this command needs a window".into())),
        Command::Cluster(arguments) => cluster_command::perform(arguments, interrupt),
        Command::Invite(arguments) => invite::invite(&arguments, &interrupt),
        Command::Join(arguments) => join::perform(&arguments, &interrupt),
        Command::NameServer(arguments) => by_hand::name_server(arguments, &interrupt),
        Command::FrontEnd(arguments) => by_hand::front_end(&arguments, &interrupt),
        Command::Replica(arguments) => by_hand::replica(&arguments, &interrupt),
        Command::Client(arguments) => by_hand::client::perform(&arguments, &interrupt),
        Command::Customer(arguments) => customer_lines::perform(&arguments, &interrupt),
        Command::Status(arguments) => status::perform(&arguments),
        Command::Run(arguments) => run::perform(&arguments, &interrupt),
        Command::Demo(arguments) => demo::perform(&arguments, &interrupt),
        Command::Lesson(arguments) => lesson::perform(&arguments, &interrupt),
        Command::Bench(arguments) => bench::perform(&arguments, &interrupt),
        Command::Simulate(arguments) => simulate::perform(&arguments, &interrupt),
        Command::Check(arguments) => check::perform(&arguments),
        Command::Replay(arguments) => replay::perform(&arguments),
        Command::Validate { file, json } => validate::perform(&file, json),
    }
}
