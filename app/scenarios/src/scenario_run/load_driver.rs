//! The customers of a running scenario, and everything that takes long: what the cluster holds at first, the customers that
//! order all the time, the history, the last reads, and the verdict.
//!
//! A thread of its own does it, so that neither window nor script runner waits. What happens in the run is not decided here.

use std::cell::Cell;
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::time::{Duration, Instant};

use protocol::ids::{CustomerId, NodeId, RequestId};
use protocol::message::{Answer, Ask};
use protocol::order_book::OrderBook;
use protocol::postcode::Postcode;
use protocol::trace::{Crowd, CrowdJudged};

use super::{HURRY, QUIET, Trouble};
use crate::{Finished, Patience};
use cluster::load::ordering::OrderingLoad;
use cluster::load::settling::{agreement, postcodes, pre_defined};
use cluster::load::{Entry, Load};
use cluster::{ClusterClock, Inquirer};
use knowledge::history;
use knowledge::verdict::judge;

/// A customer that has no answer after this time counts as "unknown", and goes on as a new customer.
const DEADLINE: Duration = Duration::from_secs(10);
/// Between two reports of how far they are.
const BETWEEN_REPORTS: Duration = Duration::from_millis(200);
/// This many read everything once more in the end.
const LAST_READERS: u32 = 4;

/// What the run says to it. `at` counts from when the customers began.
#[derive(Clone, Debug, PartialEq)]
pub enum LoadCommand {
    /// See what the cluster holds before anybody orders.
    Look,
    /// This many customers begin, once the whole cluster has received the earlier commands.
    Enter {
        customers: u32,
        /// The seed of all random choices.
        seed: u64,
    },
    /// A fault, for the history.
    Fault { words: String, at: Duration },
    /// A customer with a name asked something.
    Asked {
        /// The number of the request.
        request: RequestId,
        ask: Ask,
        /// Its moment, or an earlier one.
        at: Duration,
    },
    /// A customer with a name was told something.
    Answered {
        /// The number of the request.
        request: RequestId,
        answer: Answer,
        /// Its moment, or a later one.
        at: Duration,
    },
    /// A customer with a name is no more.
    Gone {
        customer: CustomerId,
        /// The moment of its end.
        at: Duration,
    },
    /// Look at all processes.
    Measure,
    /// Ask for nothing more.
    Enough,
    /// From now on nothing may take long: the program was asked to end.
    Hurry,
    /// See that everybody is answered, read everything once more, and judge.
    Close { at: Duration },
}

/// What it says.
#[derive(Clone, Debug)]
pub enum LoadEvent {
    /// It knows what the cluster holds.
    Looked,
    /// They order, since this moment of the run's time.
    Here {
        begun: Duration,
    },
    /// A customer with a name has read a part of a long list, and must read on.
    ReadOn {
        customer: CustomerId,
        postcode: Postcode,
        page: u32,
    },
    /// What the processes say.
    Measured(Measures),
    /// How far those without a name are.
    Crowd {
        /// The first of them; the others follow it in number.
        first: NodeId,
        crowd: Crowd,
    },
    Over(Box<Finished>),
    /// It comes to no end.
    Failed(Trouble),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Measures {
    /// Memory of the largest, in bytes.
    pub largest: u64,
    /// How many timers have rung in each.
    pub rung: Vec<(NodeId, u64)>,
}

/// Watches, orders and judges. Nothing here may block.
pub trait LoadDriver {
    fn tell(&mut self, command: LoadCommand);
    /// What it has to say.
    fn events(&mut self) -> Vec<LoadEvent>;
}

/// The real one. Dropping it ends its customers.
pub struct LoadThread {
    commands: Sender<LoadCommand>,
    events: Receiver<LoadEvent>,
    /// Whether it has said its last word.
    over: bool,
}

impl LoadThread {
    /// Nobody has come yet. `epoch`: what the run's time counts from. `path`: where the history is written. `is_watched`:
    /// whether a person is there who can let time go on.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn begin(
        inquirer: Inquirer,
        clock: ClusterClock,
        is_watched: bool,
        epoch: Instant,
        path: &Path,
    ) -> anyhow::Result<Self> {
        let (commands, heard) = channel();
        let (told, events) = channel();
        let path = path.to_owned();
        let (hurries, is_left) = (Cell::new(false), Cell::new(false));
        let host = Host { inquirer, clock, is_watched, epoch, path, commands: heard, events: told, hurries, is_left };
        std::thread::Builder::new().name("load-driver".into()).spawn(move || {
            if let Err(trouble) = host.drive() {
                host.say(LoadEvent::Failed(trouble));
            }
        })?;
        Ok(Self { commands, events, over: false })
    }
}

impl LoadDriver for LoadThread {
    fn tell(&mut self, command: LoadCommand) {
        // If it is gone it has said why.
        let _ = self.commands.send(command);
    }

    fn events(&mut self) -> Vec<LoadEvent> {
        let mut events = Vec::new();
        loop {
            match self.events.try_recv() {
                Ok(said) => {
                    self.over |= matches!(said, LoadEvent::Over(_) | LoadEvent::Failed(_));
                    events.push(said);
                }
                Err(TryRecvError::Empty) => return events,
                Err(TryRecvError::Disconnected) => break,
            }
        }
        if !std::mem::replace(&mut self.over, true) {
            // Its thread is gone, and nobody else would ever say how it ends.
            events.push(LoadEvent::Failed(Trouble::Fault("the thread of the customers failed".into())));
        }
        events
    }
}

impl From<anyhow::Error> for Trouble {
    fn from(error: anyhow::Error) -> Self {
        Trouble::Fault(node::error_text::chain(&error))
    }
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Trouble::Fault(format!("the history cannot be written: {}", node::error_text::io(&error)))
    }
}

type Orders = Load<OrderingLoad<BufWriter<File>>>;

struct Host {
    inquirer: Inquirer,
    epoch: Instant,
    path: PathBuf,
    commands: Receiver<LoadCommand>,
    events: Sender<LoadEvent>,
    clock: ClusterClock,
    is_watched: bool,
    hurries: Cell<bool>,
    /// Nobody listens any more.
    is_left: Cell<bool>,
}

impl Host {
    /// Says, again and again, whether it may still wait for something. Meanwhile it only hears the command to hurry.
    fn waits(&self) -> impl FnMut() -> bool + '_ {
        let mut patience = self.patience();
        move || {
            loop {
                match self.commands.try_recv() {
                    Ok(word) => self.hurries.set(self.hurries.get() || word == LoadCommand::Hurry),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => {
                        self.is_left.set(true);
                        break;
                    }
                }
            }
            !self.is_left.get() && self.has_patience(&mut patience)
        }
    }

    fn patience(&self) -> Patience {
        Patience::new(self.is_watched, self.clock.now(), self.epoch.elapsed())
    }

    fn has_patience(&self, patience: &mut Patience) -> bool {
        patience.count(self.clock.now(), self.epoch.elapsed()) < if self.hurries.get() { HURRY } else { QUIET }
    }

    /// If nobody listens any more, nothing needs to be said.
    fn say(&self, event: LoadEvent) {
        let _ = self.events.send(event);
    }

    /// From the first word to the verdict; ends early when nobody has anything more to say.
    fn drive(&self) -> Result<(), Trouble> {
        let mut base = None;
        while let Ok(command) = self.commands.recv() {
            match command {
                LoadCommand::Look => {
                    let entry = Entry::into_own(self.inquirer.clone())?;
                    let found = pre_defined(&entry, self.waits())?.ok_or(Trouble::NoAnswer)?;
                    base = Some((entry, found));
                    self.say(LoadEvent::Looked);
                }
                LoadCommand::Enter { customers, seed } => {
                    let Some((entry, base)) = base.take() else { continue };
                    return self.order(&entry, base, customers, seed);
                }
                LoadCommand::Measure => self.measure()?,
                // Nobody has come yet.
                LoadCommand::Fault { .. }
                | LoadCommand::Asked { .. }
                | LoadCommand::Answered { .. }
                | LoadCommand::Gone { .. }
                | LoadCommand::Enough
                | LoadCommand::Hurry
                | LoadCommand::Close { .. } => {}
            }
        }
        Ok(())
    }

    fn order(&self, entry: &Entry, base: OrderBook, customers: u32, seed: u64) -> Result<(), Trouble> {
        // A process that answers this has received everything sent before.
        self.measure()?;
        let file = File::create(&self.path)?;
        let sink = BufWriter::with_capacity(256 * 1024, file);
        // As long as steps are left, however long they take.
        let ordering = OrderingLoad::new(sink, seed, postcodes(&base), base, Duration::MAX);
        let begun = Instant::now();
        let load = Load::start(entry.clone(), customers, Some(DEADLINE), begun, ordering)?;
        self.say(LoadEvent::Here { begun: begun.saturating_duration_since(self.epoch) });
        let mut reported = None;
        let mut closing: Option<Patience> = None;
        while closing.as_mut().is_none_or(|it| self.has_patience(it) && load.with(|ordering| ordering.named_wait())) {
            match self.commands.recv_timeout(BETWEEN_REPORTS) {
                Ok(LoadCommand::Close { .. }) => closing = Some(self.patience()),
                Ok(word) => self.obey(word, &load)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            if reported.is_none_or(|at: Instant| at.elapsed() >= BETWEEN_REPORTS) && customers > 0 {
                reported = Some(Instant::now());
                self.report(&load, customers);
            }
        }
        load.with(|ordering| ordering.forget_named(begun.elapsed()));
        self.close(load, entry, customers, begun)
    }

    fn obey(&self, word: LoadCommand, load: &Orders) -> Result<(), Trouble> {
        match word {
            LoadCommand::Fault { words, at } => load.with(|ordering| ordering.fault(&words, at)),
            LoadCommand::Asked { request, ask, at } => load.with(|ordering| ordering.named_asked(request, &ask, at)),
            LoadCommand::Answered { request, answer, at } => {
                if let Some((postcode, page)) = load.with(|ordering| ordering.named_answered(request, &answer, at)) {
                    self.say(LoadEvent::ReadOn { customer: request.customer, postcode, page });
                }
            }
            LoadCommand::Gone { customer, at } => load.with(|ordering| ordering.named_is_gone(customer, at)),
            LoadCommand::Measure => self.measure()?,
            LoadCommand::Enough => load.with(OrderingLoad::end),
            LoadCommand::Hurry => self.hurries.set(true),
            // Once only; or heard by who waits for the end.
            LoadCommand::Look | LoadCommand::Enter { .. } | LoadCommand::Close { .. } => {}
        }
        Ok(())
    }

    fn report(&self, load: &Orders, customers: u32) {
        let crowd = Crowd { customers, ..load.with(|ordering| ordering.crowd()) };
        self.say(LoadEvent::Crowd { first: load.first(), crowd });
    }

    fn close(&self, load: Orders, entry: &Entry, customers: u32, begun: Instant) -> Result<(), Trouble> {
        let first = load.first();
        let ordering = load.finish(self.waits())?;
        let reads = ordering.finish_with_reads();
        let reads = Load::start(entry.clone(), LAST_READERS, Some(DEADLINE), begun, reads)?.finish(self.waits())?;
        let crowd = Crowd { customers, ..reads.crowd() };
        let counts = reads.finish()?;
        let history = history::read(BufReader::new(File::open(&self.path)?));
        let verdict = judge(&history.map_err(|error| Trouble::Fault(error.to_string()))?);
        let agreement = agreement(&self.inquirer, self.waits())?;
        if self.is_left.get() {
            return Ok(());
        }
        self.measure()?;
        if customers > 0 {
            let crowd = Crowd { judged: Some(CrowdJudged::new(verdict.covered, verdict.contradictions)), ..crowd };
            self.say(LoadEvent::Crowd { first, crowd });
        }
        self.say(LoadEvent::Over(Box::new(Finished { counts, verdict, agreement })));
        Ok(())
    }

    fn measure(&self) -> Result<(), Trouble> {
        let all = self.inquirer.status()?;
        let largest = all.iter().filter_map(|node| node.usage).map(|usage| usage.memory).max().unwrap_or(0);
        let rung = all.iter().filter_map(|node| Some((node.id, node.usage?.timers_rung))).collect();
        self.say(LoadEvent::Measured(Measures { largest, rung }));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_thread(says: Vec<LoadEvent>) -> LoadThread {
        let (commands, _) = channel();
        let (told, events) = channel();
        says.into_iter().for_each(|said| told.send(said).unwrap());
        LoadThread { commands, events, over: false }
    }

    #[test]
    fn a_thread_that_is_gone_without_a_last_word_has_failed() {
        let mut gone = load_thread(vec![LoadEvent::Looked]);
        let events = gone.events();
        assert!(matches!(&events[..], [LoadEvent::Looked, LoadEvent::Failed(Trouble::Fault(_))]), "{events:?}");
        assert!(gone.events().is_empty(), "said once");
        let mut over = load_thread(vec![LoadEvent::Over(Box::default())]);
        assert!(matches!(&over.events()[..], [LoadEvent::Over(_)]));
        assert!(over.events().is_empty());
    }
}
