//! The running cluster: the only owner of its processes, and the only thing that acts on user commands.
//!
//! What a person asks for goes in, facts come out; nothing here waits for a process, and nothing draws. Dropping the
//! [`Cluster`] ends every process it started; should this program be killed, the processes notice that their standard
//! input closed and end by themselves.

#![expect(missing_docs, reason = "what its name says has no line")]

pub mod by_hand;
mod child;
mod customers;
mod durable_folder;
pub mod hosts;
mod incoming;
mod inquiry;
pub mod interrupt;
pub mod launcher;
pub mod load;
pub mod lone_customer;
pub mod machines;
pub mod networks;
mod nodes;
mod observer;
pub mod own_etcd;
mod question;
mod replica_names;
pub mod run_directory;
mod supervisor;
mod watch;

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, anyhow};
use node::cluster_clock::ClusterClock as NodeClock;
use node::control::{ClockReading, EtcdAccess, RecordPlace, StandInKey};
use node::transport::identity::Authority;
use protocol::machine::Settings;
use protocol::trace::{Bomb, Rate, TraceRecord};

use durable_folder::DurableFolder;
use incoming::Incoming;
pub use inquiry::Inquirer;
use observer::Facts;
use own_etcd::OwnEtcd;
pub use question::{Admission, NodeStatus, SteeringStatus};
use run_directory::{NotUsable, RunDirectory};
use supervisor::Supervisor;
use watch::Watch;

use crate::interrupt::Interrupt;
use knowledge::user_command::UserCommand;

/// What kind of cluster is started.
#[derive(Clone, Debug)]
pub struct ClusterOptions {
    /// The program that becomes a node when it is started with the argument `node`; usually this one.
    pub program: PathBuf,
    /// How many replicas begin, 1 to 20.
    pub replicas: u32,
    /// Whether Muriel, Grace and Alan live here from the beginning.
    pub default_customers: bool,
    /// The folder of the run; none: a temporary one. It is private, and emptied at the end.
    pub directory: Option<PathBuf>,
    /// Timers and limits.
    pub settings: Settings,
    /// Whether facts are wanted. Without, only processes that start and end are reported.
    pub observe: bool,
    /// Whether primaries remember verdicts on postcodes.
    pub verdict_cache: bool,
    /// Where postcodes are checked.
    pub postcodes: Postcodes,
    /// How many name servers there are: one, or with a store up to three.
    pub name_servers: u32,
    pub view_record: ViewRecord,
    /// Where replicas and the name server keep what must survive the end of all processes; none: nothing does.
    pub durable: Option<PathBuf>,
    /// They keep it in the folder of the run, where no other folder is named: it survives its processes, but not the run.
    pub durable_in_run: bool,
    /// A bomb in this program itself, once the cluster runs: for tests of what it leaves behind.
    pub bomb: Option<Bomb>,
    /// Asked: a start is broken off at once. What runs already is for the caller to end.
    pub interrupt: Interrupt,
}

/// How many name servers a script gets that wants an etcd of its own.
pub const NAME_SERVERS_WITH_ETCD: u32 = 2;

/// Where the name servers keep the view record.
#[derive(Clone, Debug, Default)]
pub enum ViewRecord {
    /// The only one, in a journal in the folder of the run.
    #[default]
    Journal,
    /// In an etcd that somebody runs.
    Etcd(EtcdAccess),
    /// In an etcd that is started for this run, and ends with it.
    OwnEtcd,
}

/// Why a cluster did not start, where more than the words matter. A sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotStarted {
    /// The interrupt was asked.
    #[error("The start was cancelled. All processes that had been started have ended.")]
    BrokenOff,
    /// A script wants an etcd of its own.
    #[error(
        "This needs etcd, which is not installed here, so it was skipped. Install it (Debian: apt-get install etcd-server), then run this again."
    )]
    NoEtcd,
    /// A process found that it cannot be what it was told here: a full disk, a port in use.
    #[error("The cluster cannot start: {0}")]
    NotHere(String),
}

/// Where postcodes are checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Postcodes {
    /// Two processes that answer as the services do, from built-in data, without the internet.
    #[default]
    StandIn,
    /// The real postcodes.io and getthedata.com.
    Live,
}

impl ClusterOptions {
    /// As the window starts it: three replicas, three customers, everything observed.
    ///
    /// # Errors
    /// When the operating system does not say where this program's file is.
    pub fn usual() -> anyhow::Result<Self> {
        Ok(Self {
            program: std::env::current_exe().context("the program cannot find its own executable file")?,
            replicas: 3,
            default_customers: true,
            directory: None,
            settings: Settings::default(),
            observe: true,
            verdict_cache: true,
            postcodes: Postcodes::StandIn,
            name_servers: 1,
            view_record: ViewRecord::Journal,
            durable: None,
            durable_in_run: false,
            bomb: None,
            interrupt: Interrupt::default(),
        })
    }
}

/// Each run is a cluster of its own, with a key of its own in the store; but a durable cluster is the same in every run.
fn record_place(
    options: &ClusterOptions,
    own: Option<&OwnEtcd>,
    authority: &Authority,
    run: &RunDirectory,
    durable: Option<&DurableFolder>,
) -> anyhow::Result<RecordPlace> {
    let access = match &options.view_record {
        ViewRecord::Etcd(access) => Some(access.clone()),
        ViewRecord::Journal | ViewRecord::OwnEtcd => own.map(OwnEtcd::access),
    };
    let access = match durable {
        Some(durable) => durable.keeps_record_in(access).map_err(|error| NotUsable(node::error_text::chain(&error)))?,
        None => access.map(|access| EtcdAccess { cluster: node::etcd::identity(authority.certificate()), ..access }),
    };
    let Some(access) = access else {
        anyhow::ensure!(
            options.name_servers == 1,
            "Several name servers need a store for the view record that all of them use. Name one with --view-record."
        );
        let journal = durable.map_or_else(|| run.journal(), DurableFolder::journal);
        return Ok(RecordPlace::Journal(journal.into_os_string()));
    };
    anyhow::ensure!(
        (1..=nodes::MOST_NAME_SERVERS).contains(&options.name_servers),
        "There can be 1 to {} name servers.",
        nodes::MOST_NAME_SERVERS
    );
    let kind = if durable.is_some() { "durable" } else { "run" };
    let key = match access.key.is_empty() {
        true => format!("just-hungry/{kind}-{}/view-record", access.cluster),
        false => access.key.clone(),
    };
    Ok(RecordPlace::Etcd(EtcdAccess { key, ..access }))
}

pub struct Cluster {
    sender: Sender<Incoming>,
    supervisor: Option<JoinHandle<()>>,
    facts: Facts,
    clock: ClusterClock,
    directory: PathBuf,
    watch: Watch,
}

impl Cluster {
    /// Starts all processes and returns when they listen, usually within a tenth of a second.
    ///
    /// # Errors
    /// A sentence, when a process cannot be started or ends while it starts, or [`NotStarted`]. Then nothing is left running.
    pub fn launch(options: ClusterOptions) -> anyhow::Result<Self> {
        let clock = ClusterClock::start();
        let facts = Facts::default();
        let run = RunDirectory::open(options.directory.as_deref())?;
        let directory = run.path().to_owned();
        let in_run = options.durable_in_run.then(|| directory.join("durable"));
        let durable = options.durable.clone().or(in_run).as_deref().map(DurableFolder::open).transpose();
        let durable = durable.map_err(|error| NotUsable(node::error_text::chain(&error)))?;
        let authority = Authority::new()?;
        let own_etcd = matches!(options.view_record, ViewRecord::OwnEtcd).then(OwnEtcd::start).transpose()?;
        let keeps = record_place(&options, own_etcd.as_ref(), &authority, &run, durable.as_ref())?;
        let common = nodes::Common {
            authority,
            keeps,
            stand_in_key: StandInKey::random()?,
            listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
            settings: options.settings.clone(),
            verdict_cache: options.verdict_cache,
            clock: clock.clone(),
            observe: options.observe,
            durable,
            also_listen: Vec::new(),
        };
        let channels = channel();
        let sender = channels.0.clone();
        let interrupted = sender.clone();
        // Fails only when that start is long over.
        options.interrupt.when_asked(move || drop(interrupted.send(Incoming::Interrupted)));
        let mut supervisor = Supervisor::new(options, (run, own_etcd), common, clock.clone(), facts.clone(), channels);
        let (started, start) = channel();
        let thread = std::thread::Builder::new().name("supervisor".into()).spawn(move || {
            let outcome = supervisor.start();
            let failed = outcome.is_err();
            if started.send(outcome).is_ok() && !failed {
                supervisor.run();
            }
        })?;
        let cluster = Self { sender, supervisor: Some(thread), facts, clock, directory, watch: Watch::default() };
        start.recv().map_err(|_| anyhow!("the thread that supervises the processes ended unexpectedly"))??;
        Ok(cluster)
    }

    /// Asks for something. What comes of it is a fact, a refusal too; nothing waits.
    pub fn perform(&mut self, command: impl Into<UserCommand>) {
        let command = command.into();
        self.watch.asked(&command, self.clock.now());
        // The supervisor lives as long as this.
        let _ = self.sender.send(Incoming::Wanted(command));
    }

    /// Takes the facts that have come since the last time, oldest first as far as one node goes. Time is stopped here if
    /// it was to go until something happened, and one of them says that it has.
    pub fn take_facts(&mut self) -> Vec<TraceRecord> {
        let records = self.facts.take(self.clock.now());
        if self.watch.has_happened(&records) {
            self.perform(UserCommand::SetRate { rate: Rate::STOPPED });
        }
        records
    }

    /// Calls `wake`, from any thread, when facts are there to be taken.
    pub fn wake_with(&self, wake: impl Fn() + Send + Sync + 'static) {
        self.facts.wake_with(Arc::new(wake));
    }

    /// As [`Self::wake_with`], for who has nothing else to wait for: a word comes when facts are there to be taken.
    pub fn woken(&self) -> Receiver<()> {
        let (sender, woken) = channel();
        self.wake_with(move || {
            // Nobody waits any more only when nobody takes facts any more.
            let _ = sender.send(());
        });
        woken
    }

    /// Cluster time, in microseconds since the run began.
    pub fn now(&self) -> u64 {
        self.clock.now()
    }

    pub fn clock(&self) -> ClusterClock {
        self.clock.clone()
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What can be asked of the cluster from other threads.
    pub fn inquirer(&self) -> Inquirer {
        Inquirer::new(self.sender.clone())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.sender.send(Incoming::Stop);
        if let Some(thread) = self.supervisor.take() {
            // A panic there was shown when it happened; its processes were ended as its stack unwound.
            let _ = thread.join();
        }
    }
}

/// Cluster time as the launcher sees it; all others follow it. Clones share it.
#[derive(Clone, Debug)]
pub struct ClusterClock(Arc<Mutex<NodeClock>>);

impl ClusterClock {
    fn start() -> Self {
        Self::at(ClockReading { wall: wall_clock(), cluster: 0, rate: Rate::REAL, until: None })
    }

    /// As a process is told it.
    pub fn at(reading: ClockReading) -> Self {
        Self(Arc::new(Mutex::new(NodeClock::started_at(reading))))
    }

    /// Microseconds since the run began.
    pub fn now(&self) -> u64 {
        self.clock().now()
    }

    /// How fast it goes now; not at all once it has stopped by itself.
    pub fn rate(&self) -> Rate {
        self.clock().rate()
    }

    /// What a process that starts now is told.
    pub fn reading(&self) -> ClockReading {
        let clock = self.clock();
        ClockReading { wall: wall_clock(), cluster: clock.now(), rate: clock.rate(), until: clock.until() }
    }

    /// Goes on at another rate, up to `until`; returns the reading at which it does.
    fn set(&self, rate: Rate, until: Option<u64>) -> u64 {
        let mut clock = self.clock();
        let at = clock.now();
        clock.set(at, rate, until);
        at
    }

    /// A clock is whole between any two instructions that could panic.
    fn clock(&self) -> MutexGuard<'_, NodeClock> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wall_clock() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as u64
}

/// How many characters are shown of a word that is not known.
const LONGEST_WORD: usize = 40;

/// A stranger's word, safe to show.
fn shown(word: &str) -> String {
    protocol::text::shown(word, LONGEST_WORD)
}

/// A random number from the operating system.
///
/// # Errors
/// When it has none to give.
pub fn random() -> anyhow::Result<u64> {
    getrandom::u64().map_err(|error| anyhow!("the operating system did not provide random numbers: {error}"))
}
