//! Customers that order without being told to: each has one request under way and sends the next when it is answered.
//!
//! Real machines on one endpoint, in a thread of their own, in this process or in another than the cluster's. What they
//! ask for is a [`Workload`]'s matter. Nothing is traced: this is for measuring and for judging, not for looking.

mod counts;
pub mod ordering;
pub mod settling;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use node::cluster_clock::ClusterClock;
use node::event_loop::{Answered, Host};
use node::observation::Feed;
use node::transport::Transport;
use node::transport::traffic::Counters;
use protocol::customer::Customer;
use protocol::ids::{Contact, CustomerId, NodeId, RequestId, RequestNumber, Role, Span};
use protocol::machine::{Identity, Input, Wish};
use protocol::menu::menu;
use protocol::message::{Answer, Ask, WaitReason};
use protocol::name_servers::NameServers;
use protocol::postcode::Postcode;
use protocol::trace::Rate;
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::hosts::{Confirmation, ToHost};
use crate::{Admission, Inquirer, random};
pub use counts::Counts;
pub use settling::Agreement;

/// Since the moment the load counts from, on a clock that never goes back.
pub type Moment = Duration;

/// How often the load looks for overdue requests, and whether it is to end.
const TICK: Duration = Duration::from_millis(20);

/// What the customers of a load do. A *place* is a customer's seat, from 0: a customer that loses patience leaves it to a
/// new one.
pub trait Workload: Send + 'static {
    /// What the customer at this place asks next, under which id; none: it has nothing more to ask.
    fn next(&mut self, place: usize, id: RequestId, now: Moment) -> Option<Ask>;
    /// An answer took so long, in microseconds of cluster time.
    fn took(&mut self, _micros: u64) {}
    /// Its answer.
    fn answered(&mut self, place: usize, answer: Answer, now: Moment);
    /// It has waited too long; this is what the primary said of that. What became of its request is not known.
    fn waited_because(&mut self, _place: usize, _why: WaitReason, _waited: Span) {}
    /// It has waited too long, and nobody knows what became of its request.
    fn unknown(&mut self, place: usize, now: Moment);
    /// Whether the customer at this place waits no longer, whatever the load's own deadline.
    fn is_out_of_patience(&self, _place: usize, _now: Moment) -> bool {
        false
    }
    /// Whether more may come after all have nothing to ask; then [`Load::nudge`] says when.
    fn waits_for_more(&self) -> bool {
        false
    }
}

/// How customers get into a cluster, and whether they follow its clock, settings and links: those of another process
/// live in real time.
#[derive(Clone)]
pub struct Entry {
    admission: Admission,
    inquirer: Option<Inquirer>,
}

impl From<Admission> for Entry {
    /// Nobody would tell it that time goes on again, so its own time always goes.
    fn from(mut admission: Admission) -> Self {
        (admission.clock.rate, admission.clock.until) = (Rate::REAL, None);
        Self { admission, inquirer: None }
    }
}

impl Entry {
    /// Into a cluster of this process.
    ///
    /// # Errors
    /// When the cluster has ended.
    pub fn into_own(inquirer: Inquirer) -> anyhow::Result<Self> {
        Ok(Self { admission: inquirer.admission()?, inquirer: Some(inquirer) })
    }
}

/// A running load. Dropping it ends it at once.
pub struct Load<W> {
    workload: Arc<Mutex<W>>,
    over: Arc<AtomicBool>,
    nudged: Arc<Notify>,
    first: NodeId,
    counters: Arc<Counters>,
    thread: Option<JoinHandle<anyhow::Result<()>>>,
    idle: std::sync::mpsc::Receiver<()>,
}

impl<W: Workload> Load<W> {
    /// Starts this many customers. `deadline`: how long one waits for an answer, in cluster time; none: for ever. `begun`:
    /// what moments count from.
    ///
    /// # Errors
    /// When no port can be opened.
    pub fn start(
        entry: impl Into<Entry>,
        places: u32,
        deadline: Option<Duration>,
        begun: Instant,
        workload: W,
    ) -> anyhow::Result<Self> {
        let Entry { admission, inquirer } = entry.into();
        let workload = Arc::new(Mutex::new(workload));
        let over = Arc::new(AtomicBool::new(false));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (ready, opened) = std::sync::mpsc::channel();
        let (done, idle) = std::sync::mpsc::channel();
        let nudged = Arc::new(Notify::new());
        let shared: Arc<Mutex<dyn Workload>> = workload.clone();
        let (ends, nudges) = (over.clone(), nudged.clone());
        let thread = std::thread::Builder::new().name("load".into()).spawn(move || {
            // As a task: waking the future that the runtime blocks on costs two system calls more each time.
            let life = runtime.spawn(async move {
                let mut crowd = Crowd::new(admission, deadline, begun, shared, ends)?;
                let _ = ready.send((crowd.first, crowd.host.transport().counters()));
                crowd.order(places as usize, inquirer.as_ref(), &nudges).await
            });
            let outcome = runtime.block_on(life).unwrap_or_else(|failed| Err(failed.into()));
            let _ = done.send(());
            outcome
        })?;
        let opened = opened.recv();
        let (first, counters) = opened.clone().unwrap_or_default();
        let load = Self { workload, over, nudged, first, counters, thread: Some(thread), idle };
        match opened {
            Ok(_) => Ok(load),
            Err(_) => Err(load.join().err().unwrap_or_else(|| anyhow!("the customers could not start"))),
        }
    }

    /// Under which id the first customer sends; the others follow it in number.
    pub fn first(&self) -> NodeId {
        self.first
    }

    /// What the customers' endpoint counts.
    pub fn counters(&self) -> Arc<Counters> {
        self.counters.clone()
    }

    /// Looks at the workload, or tells it something.
    pub fn with<T>(&self, act: impl FnOnce(&mut W) -> T) -> T {
        act(&mut lock(&self.workload))
    }

    /// Customers without a request are to look again.
    pub fn nudge(&self) {
        self.nudged.notify_one();
    }

    /// Waits until nobody has anything more to ask, as long as `waits` says so; what is under way then stays unknown.
    ///
    /// # Errors
    /// When the customers' thread failed.
    pub fn finish(self, mut waits: impl FnMut() -> bool) -> anyhow::Result<W> {
        while let Err(RecvTimeoutError::Timeout) = self.idle.recv_timeout(TICK)
            && waits()
        {}
        let workload = self.workload.clone();
        self.join()?;
        let workload = Arc::try_unwrap(workload).map_err(|_| anyhow!("the workload is still in use"))?;
        Ok(workload.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    fn join(mut self) -> anyhow::Result<()> {
        self.over.store(true, Ordering::Relaxed);
        let thread = self.thread.take().context("the customers have already ended")?;
        thread.join().map_err(|_| anyhow!("the thread of the customers failed"))?
    }
}

impl<W> Drop for Load<W> {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn lock<W: ?Sized>(workload: &Mutex<W>) -> MutexGuard<'_, W> {
    workload.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All customers of a load. The same for all workloads, so that it is optimised with the rest of an order's way, and not in
/// the crate that names one.
struct Crowd {
    host: Host<Customer>,
    name_servers: Vec<Contact>,
    deadline: Option<Duration>,
    begun: Instant,
    workload: Arc<Mutex<dyn Workload>>,
    over: Arc<AtomicBool>,
    /// Node ids are given out in sequence, so that the place follows from the id.
    first: NodeId,
    places: Vec<Place>,
    /// What is done once the next round is over.
    confirmations: Vec<Confirmation>,
}

struct Place {
    node: NodeId,
    /// When it asked what it waits for, in cluster time: while time stands still nobody loses patience.
    asked: Option<u64>,
}

impl Crowd {
    fn new(
        admission: Admission,
        deadline: Option<Duration>,
        begun: Instant,
        workload: Arc<Mutex<dyn Workload>>,
        over: Arc<AtomicBool>,
    ) -> anyhow::Result<Self> {
        let transport = Transport::open(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), &admission.credentials)?;
        let feed = Feed::new(false, Box::new(|records, _| records.clear()));
        let host = Host::new(transport, ClusterClock::started_at(admission.clock), &admission.settings, feed);
        let (name_servers, first) = (admission.name_servers, NodeId(random()?));
        let (places, confirmations) = (Vec::new(), Vec::new());
        Ok(Self { host, name_servers, deadline, begun, workload, over, first, places, confirmations })
    }

    async fn order(&mut self, places: usize, cluster: Option<&Inquirer>, nudged: &Notify) -> anyhow::Result<()> {
        for place in 0..places {
            self.seat(place)?;
        }
        let here = self.places.iter().map(|place| place.node).collect();
        let mut steered = cluster.map(|cluster| cluster.follow(here)).transpose()?;
        // What is so already must hold for the first order, too.
        while let Some(command) = steered.as_mut().and_then(|commands| commands.try_recv().ok()) {
            self.obey(command);
        }
        let workload = self.workload.clone();
        self.ask_all(&mut *lock(&workload), 0..places);
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let waits_for_more = lock(&workload).waits_for_more();
        let mut nudge = std::pin::pin!(nudged.notified());
        while waits_for_more || self.places.iter().any(|place| place.asked.is_some()) {
            tokio::select! {
                () = self.host.ready() => {}
                Some(command) = next_of(&mut steered) => self.obey(command),
                () = &mut nudge => {
                    nudge.set(nudged.notified());
                    self.ask_all(&mut *lock(&workload), 0..places);
                }
                _ = tick.tick() => {
                    if self.over.load(Ordering::Relaxed) {
                        break;
                    }
                    self.replace_impatient()?;
                }
            }
            while self.round(&workload)? {}
        }
        let now = self.begun.elapsed();
        for (place, _) in self.places.iter().enumerate().filter(|(_, seat)| seat.asked.is_some()) {
            lock(&workload).unknown(place, now);
        }
        Ok(())
    }

    /// Whether customers have asked anew, for which no turn of the runtime is needed.
    fn round(&mut self, workload: &Mutex<dyn Workload>) -> anyhow::Result<bool> {
        self.host.round()?;
        let now = self.host.clock().now();
        self.confirmations.drain(..).for_each(|confirmation| confirmation.done(now));
        let answers = self.host.take_answers();
        if answers.is_empty() {
            return Ok(false);
        }
        self.take(answers, &mut *lock(workload));
        Ok(true)
    }

    fn obey(&mut self, told: ToHost) {
        match told {
            // Messages of a load are not shown, so nobody can have meant one.
            ToHost::Steer(command) => drop(self.host.steer(command)),
            ToHost::Confirm(confirmation) => self.confirmations.push(confirmation),
        }
    }

    /// A new customer takes this place.
    fn seat(&mut self, place: usize) -> anyhow::Result<()> {
        let node = NodeId(self.first.0.wrapping_add(place as u64));
        if self.places.get(place).is_some() {
            self.host.remove(node);
        }
        let identity = Identity {
            me: self.host.contact(node),
            name: format!("customer-{}", place + 1),
            role: Role::Customer,
            name_servers: NameServers::of(&self.name_servers).context("no name server is known")?,
        };
        let customer = CustomerId(u128::from(random()?) << 64 | u128::from(random()?));
        let machine = Customer::new(identity, self.host.settings().clone(), customer, RequestNumber(0));
        self.host.add(node, Role::Customer, machine);
        match self.places.get_mut(place) {
            Some(seat) => seat.asked = None,
            None => self.places.push(Place { node, asked: None }),
        }
        Ok(())
    }

    fn take(&mut self, answers: Vec<Answered>, workload: &mut dyn Workload) {
        for Answered { customer, answer, .. } in answers {
            let place = customer.0.wrapping_sub(self.first.0) as usize;
            if let Some(seat) = self.places.get_mut(place)
                && let Some(asked) = seat.asked.take()
            {
                workload.took(self.host.clock().now().saturating_sub(asked));
                workload.answered(place, answer, self.begun.elapsed());
                self.ask_all(workload, place..place + 1);
            }
        }
    }

    fn ask_all(&mut self, workload: &mut dyn Workload, places: std::ops::Range<usize>) {
        for place in places {
            let seat = &mut self.places[place];
            if seat.asked.is_some() {
                continue;
            }
            let Some(id) = self.host.machine(seat.node).map(Customer::next_request) else { continue };
            let now = self.begun.elapsed();
            if let Some(ask) = workload.next(place, id, now) {
                seat.asked = Some(self.host.clock().now());
                self.host.give(seat.node, Input::Wanted { wish: Wish::Ask(ask), traced: false });
            }
        }
    }

    /// A customer that has waited longer than the deadline leaves, and a new one takes its place.
    fn replace_impatient(&mut self) -> anyhow::Result<()> {
        let now = self.begun.elapsed();
        let cluster_time = self.host.clock().now();
        let deadline = self.deadline.map_or(u64::MAX, |deadline| deadline.as_micros() as u64);
        let overdue = |asked: u64| cluster_time.saturating_sub(asked) > deadline;
        let workload = self.workload.clone();
        let is_over = |(place, seat): &(usize, &Place)| {
            seat.asked.is_some_and(|asked| overdue(asked) || lock(&workload).is_out_of_patience(*place, now))
        };
        let places: Vec<usize> = self.places.iter().enumerate().filter(is_over).map(|(place, _)| place).collect();
        for place in places {
            let why = self.host.machine(self.places[place].node).and_then(Customer::why);
            if let Some((why, waited)) = why {
                lock(&workload).waited_because(place, why, waited);
            }
            lock(&workload).unknown(place, now);
            self.seat(place)?;
            self.ask_all(&mut *lock(&workload), place..place + 1);
        }
        Ok(())
    }
}

/// The next command; never, if nobody commands (any more).
async fn next_of(commands: &mut Option<UnboundedReceiver<ToHost>>) -> Option<ToHost> {
    match commands {
        Some(receiver) => receiver.recv().await,
        None => std::future::pending().await,
    }
}

/// Letters in the names of the dishes of an order that takes about 100 bytes in a replica's order book.
const LETTERS: usize = 56;

/// The postcodes of a measurement: so few that what the postcode services said of them is remembered.
pub fn usual_postcodes() -> Vec<Postcode> {
    node::gazetteer::Gazetteer::get().listed().step_by(97).take(64).collect()
}

/// Dishes for an order of about 100 bytes, which differ from place to place.
pub fn usual_dishes(place: usize) -> Vec<String> {
    let mut dishes = Vec::new();
    let mut letters = 0;
    for dish in menu().iter().cycle().skip(place % menu().len().max(1)) {
        dishes.push(dish.name.to_owned());
        letters += dish.name.len();
        if letters >= LETTERS {
            break;
        }
    }
    dishes
}

/// Orders for ever, to a few postcodes, without writing anything down.
#[derive(Debug, Default)]
pub struct Endless {
    postcodes: Vec<Postcode>,
}

impl Workload for Endless {
    fn next(&mut self, place: usize, _id: RequestId, _now: Moment) -> Option<Ask> {
        if self.postcodes.is_empty() {
            self.postcodes = usual_postcodes();
        }
        let postcode = *self.postcodes.get(place % self.postcodes.len().max(1))?;
        Some(Ask::Order { postcode, items: usual_dishes(place) })
    }

    fn answered(&mut self, _place: usize, _answer: Answer, _now: Moment) {}

    fn unknown(&mut self, _place: usize, _now: Moment) {}
}
