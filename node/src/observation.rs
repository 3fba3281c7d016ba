//! What leaves a process for its observers, and what its launcher tells it: trace feed out, control commands in.
//!
//! The feed never slows the loop: it is bounded, what does not fit is counted, and a thread of its own writes it. Without an
//! observer each possible event costs one branch. What the events mean is not known here.

use std::io::{self, IsTerminal};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context;
use protocol::ids::NodeId;
use protocol::trace::{NodeEvent, TraceEvent, TraceRecord};
use rustc_hash::FxHashMap;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::control::{self, ControlCommand, NodeConfig, NodeReport};
use crate::freezing::Standstill;

/// Between two reports of events: a few to each picture, even at 60 pictures a second.
const BETWEEN_REPORTS: Duration = Duration::from_millis(5);
/// Between two counts of untraced messages.
const BETWEEN_FLOWS: Duration = Duration::from_millis(100);
/// What is not urgent may wait this much longer for a round that takes place anyway: a process at rest is not woken for it.
pub(crate) const LEEWAY: Duration = Duration::from_millis(25);
/// Events that may wait for the sink; more are counted and thrown away.
const MOST_RECORDS: usize = 4096;
/// Reports that may wait for the launcher.
const MOST_REPORTS: usize = 16;
/// How long to wait for a report to be written: after that the launcher does not read.
const LONGEST_WRITE: Duration = Duration::from_secs(1);

/// How often a feed that must not wait for later offers its events.
const MOST_TRIES: u32 = 100;

/// Where a feed's events go. Takes all records and the count of those that did not fit, and leaves nothing; if it has no
/// room now, it leaves both as they are and is offered them again.
pub type Sink = Box<dyn FnMut(&mut Vec<TraceRecord>, &mut u64) + Send>;

/// Collects the trace events of all actors of a process.
pub struct Feed {
    sink: Sink,
    observed: bool,
    records: Vec<TraceRecord>,
    dropped: u64,
    /// By sender and receiver: messages of orders, messages of control.
    flows: FxHashMap<(NodeId, NodeId), (u64, u64)>,
    reported: Instant,
    counted: Instant,
}

impl Feed {
    /// A feed into `sink`.
    #[must_use]
    pub fn new(observed: bool, sink: Sink) -> Self {
        let now = Instant::now();
        let (records, flows) = (Vec::new(), FxHashMap::default());
        Self { sink, observed, records, dropped: 0, flows, reported: now, counted: now }
    }

    /// Whether an observer wants events.
    #[must_use]
    pub fn is_observed(&self) -> bool {
        self.observed
    }

    /// Begins, or ends and forgets what waits.
    pub fn set_observed(&mut self, observed: bool) {
        self.observed = observed;
        self.records.clear();
        self.flows.clear();
    }

    /// One event that `node` saw at cluster time `at`. Ask [`Self::is_observed`] before making it.
    pub fn note(&mut self, node: NodeId, at: u64, event: impl Into<TraceEvent>) {
        if !self.observed {
        } else if self.records.len() < MOST_RECORDS {
            self.records.push(TraceRecord { node, at, event: event.into() });
        } else {
            self.dropped += 1;
        }
    }

    /// An untraced message left.
    pub fn count(&mut self, from: NodeId, to: NodeId, control: bool) {
        let (orders, controls) = self.flows.entry((from, to)).or_default();
        *(if control { controls } else { orders }) += 1;
    }

    /// When [`Self::flush`] must be called at the latest.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        let report = (!self.records.is_empty()).then(|| self.reported + BETWEEN_REPORTS);
        let flow = (!self.flows.is_empty()).then(|| self.counted + BETWEEN_FLOWS + LEEWAY);
        report.into_iter().chain(flow).min()
    }

    /// Offers the sink what is due; `at` is cluster time now.
    pub fn flush(&mut self, at: u64) {
        if self.records.is_empty() && self.flows.is_empty() {
            return;
        }
        let now = Instant::now();
        if !self.flows.is_empty() && now >= self.counted + BETWEEN_FLOWS {
            self.counted = now;
            self.note_flows(at);
        }
        if !self.records.is_empty() && now >= self.reported + BETWEEN_REPORTS {
            self.reported = now;
            (self.sink)(&mut self.records, &mut self.dropped);
        }
    }

    /// Gives the sink all that waits, however long it takes to make room (some milliseconds): for a process that is about to stand still.
    pub fn flush_now(&mut self) {
        for _ in 0..MOST_TRIES {
            if self.records.is_empty() {
                return;
            }
            (self.sink)(&mut self.records, &mut self.dropped);
            if !self.records.is_empty() {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }

    fn note_flows(&mut self, at: u64) {
        let mut by_sender = FxHashMap::<NodeId, Vec<(NodeId, u64, u64)>>::default();
        for ((from, to), (orders, controls)) in self.flows.drain() {
            by_sender.entry(from).or_default().push((to, orders, controls));
        }
        for (from, mut sent) in by_sender {
            sent.sort_unstable();
            self.note(from, at, NodeEvent::Flow { sent });
        }
    }
}

/// The way to the launcher: a thread that writes reports to standard output.
#[derive(Debug)]
pub struct Reports {
    sender: SyncSender<Said>,
    writer: JoinHandle<()>,
}

/// A report, and the waiter that wants to know when it is written.
#[derive(Debug)]
struct Said(NodeReport, Option<SyncSender<()>>);

impl Reports {
    /// Starts the writer to the launcher.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start() -> io::Result<Self> {
        // False: the launcher is gone; the end of standard input ends this process.
        Self::to(|report| control::write_frame(&mut io::stdout().lock(), &report).is_ok())
    }

    /// Starts a thread that hands over each report, until that returns false: nobody wants to hear any more.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn to(mut hand_over: impl FnMut(NodeReport) -> bool + Send + 'static) -> io::Result<Self> {
        let (sender, receiver) = sync_channel::<Said>(MOST_REPORTS);
        let write = move || {
            while let Ok(Said(report, waiting)) = receiver.recv() {
                if !hand_over(report) {
                    return;
                }
                if let Some(waiting) = waiting {
                    let _ = waiting.try_send(());
                }
            }
        };
        Ok(Self { sender, writer: std::thread::Builder::new().name("reports".into()).spawn(write)? })
    }

    /// Says something, unless the launcher is too far behind: then it is only logged.
    pub fn tell(&self, report: NodeReport) {
        if let Err(TrySendError::Full(_)) = self.sender.try_send(Said(report, None)) {
            tracing::warn!("the launcher does not read the reports of this node");
        }
    }

    /// Says something, unless there is no room for it now. Whether there was.
    #[must_use]
    pub fn offer(&self, report: NodeReport) -> bool {
        !matches!(self.sender.try_send(Said(report, None)), Err(TrySendError::Full(_)))
    }

    /// Says something and waits until it is written, but not for ever: the launcher may have stopped reading.
    pub fn tell_now(&self, report: NodeReport) {
        let (writer, written) = sync_channel(1);
        drop(self.sender.send(Said(report, Some(writer))));
        let _ = written.recv_timeout(LONGEST_WRITE);
    }

    /// Says the last thing and waits until it is written.
    pub fn tell_last(self, report: NodeReport) {
        drop(self.sender.send(Said(report, None)));
        drop(self.sender);
        drop(self.writer.join());
    }

    /// For a [`Feed`] that goes to the launcher.
    #[must_use]
    pub fn sink(&self) -> Sink {
        let sender = self.sender.clone();
        Box::new(move |records, dropped| {
            let report = NodeReport::Trace { records: std::mem::take(records), dropped: *dropped };
            match sender.try_send(Said(report, None)) {
                Ok(()) => *dropped = 0,
                Err(TrySendError::Full(Said(NodeReport::Trace { records: back, .. }, _))) => *records = back,
                Err(_) => {}
            }
        })
    }
}

/// Reads what the process is to be: the first frame of standard input.
///
/// # Errors
/// A sentence when standard input ends first, or makes no sense.
pub fn first_word() -> anyhow::Result<NodeConfig> {
    let mut input = io::stdin().lock();
    anyhow::ensure!(
        !input.is_terminal(),
        "This command runs one node of a cluster and gets its settings from a launcher over standard input. To start a cluster, run `just-hungry` instead."
    );
    control::read_frame(&mut input)
        .context("Standard input is not a valid configuration of a node. The launcher must have the same version as this program.")?
        .context("Standard input ended before the configuration of this node was complete.")
}

/// Starts to listen to the launcher. When the launcher closes the pipe, or dies, this process ends at once, in the middle of
/// anything; "freeze" and "wake" are heard here even while the loop stands still.
///
/// # Errors
/// When the operating system gives no thread.
pub fn listen(standstill: Standstill) -> io::Result<mpsc::UnboundedReceiver<ControlCommand>> {
    let (sender, receiver) = mpsc::unbounded_channel();
    let read = move || {
        let mut pipe = io::stdin().lock();
        let status = loop {
            match control::read_frame(&mut pipe) {
                Ok(Some(command)) => {
                    match command {
                        ControlCommand::Freeze => standstill.begin(),
                        ControlCommand::Wake => standstill.end(),
                        _ => {}
                    }
                    // The loop does not receive while the process ends; then only the end of the pipe still matters.
                    drop(sender.send(command));
                }
                Ok(None) => break 0,
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    tracing::error!("the launcher sent an invalid command: {error}");
                    break crate::EXIT_BAD_INPUT;
                }
                Err(_) => break 0,
            }
        };
        std::process::exit(status.into());
    };
    std::thread::Builder::new().name("control".into()).spawn(read)?;
    Ok(receiver)
}
