//! The processes of an agent: each has a stream to the launcher, and a thread here that starts and attends it.
//!
//! The system ends a process with the thread that started it, so these threads last as long as their processes, and end with the
//! agent however it ends.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::Context;
use node::control::{DurablePlace, Duty, NodeConfig, NodeReport, read_frame};
use node::transport::identity::OwnKey;
use quinn::{Connection, RecvStream, SendStream};
use tokio::runtime::Handle;

use super::outgoing::Outgoing;
use super::time::HostTime;
use super::{News, SharedTime, Wish, customer};
use crate::child::{Child, HowEnded};
use crate::durable_folder::settle;
use crate::machines::talk::{Begins, FromProcess, Reading, ToProcess, Writing};

type Slot = Arc<Mutex<Option<Child>>>;

/// All of them.
pub(super) struct Children(Arc<Shared>);

struct Shared {
    program: PathBuf,
    /// Where replicas may keep their orders.
    durable: Option<PathBuf>,
    news: Sender<News>,
    runtime: Handle,
    connection: Connection,
    time: SharedTime,
    /// By their public halves. They stay here.
    keys: Mutex<BTreeMap<Vec<u8>, OwnKey>>,
    slots: Mutex<Vec<Slot>>,
}

impl Children {
    pub fn new(wish: &Wish, news: Sender<News>, (runtime, connection): (Handle, Connection)) -> Self {
        let (keys, slots) = Default::default();
        let time = Arc::new(HostTime::new());
        let (program, durable) = (wish.program.clone(), wish.durable.clone());
        Self(Arc::new(Shared { program, durable, news, runtime, connection, time, keys, slots }))
    }

    pub fn time(&self) -> SharedTime {
        self.0.time.clone()
    }

    /// Makes keys for processes to come; returns the public halves.
    ///
    /// # Errors
    /// When the operating system gives no random numbers.
    pub fn new_keys(&self, number: usize) -> anyhow::Result<Vec<Vec<u8>>> {
        let mut keys = lock(&self.0.keys);
        let make = |_| {
            let own = OwnKey::new()?;
            let public = own.public();
            keys.insert(public.clone(), own);
            Ok(public)
        };
        (0..number).map(make).collect()
    }

    /// Attends a stream of the launcher, which says what process it is for.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn begin(&self, say: SendStream, hear: RecvStream) -> anyhow::Result<()> {
        let shared = self.0.clone();
        thread::Builder::new().name("process".into()).spawn(move || {
            let hear = Reading(shared.runtime.clone(), hear);
            shared.attend(Writing(shared.runtime.clone(), say), hear);
        })?;
        Ok(())
    }

    /// Kills all, and waits for their ends.
    pub fn end(&self) {
        for slot in lock(&self.0.slots).drain(..) {
            lock(&slot).take();
        }
    }
}

impl Shared {
    fn attend(&self, to: Writing, mut from: Reading) {
        let (config, key) = match read_frame(&mut from) {
            Ok(Some(Begins::Process { config, key })) => (config, key),
            Ok(Some(Begins::Customer(there))) => {
                let Some(own) = lock(&self.keys).remove(&there.key) else { return };
                return customer::attend(*there, &own, (&self.time, &self.news), (to, from));
            }
            Ok(None) | Err(_) => return,
        };
        let outgoing = Arc::new(Outgoing::default());
        let (sending, connection) = (outgoing.clone(), self.connection.clone());
        // Without a thread nothing can be said: the launcher sees the end of the stream.
        let sender = thread::Builder::new().name("sending".into()).spawn(move || sending.send(to, &connection));
        if sender.is_err() {
            return;
        }
        let name = config.name.clone();
        let slot = Slot::default();
        lock(&self.slots).push(slot.clone());
        let started = self.started(*config, &key, &slot, &outgoing);
        if let Err(error) = started {
            let words = node::error_text::chain(&error);
            let ended = HowEnded { code: Some(node::EXIT_BAD_INPUT.into()), status: None, words };
            outgoing.end(Some(FromProcess::Ended(ended)));
        } else {
            // An error is the same as the end: without its launcher the process ends.
            while let Ok(Some(word)) = read_frame(&mut from) {
                match (word, lock(&slot).as_mut()) {
                    (ToProcess::Tell(command), Some(child)) => drop(child.tell(command)),
                    (ToProcess::Signal(signal), Some(child)) => drop(child.signal(signal)),
                    (_, None) => {}
                }
            }
            lock(&slot).take();
        }
        lock(&self.slots).retain(|other| !Arc::ptr_eq(other, &slot));
        let _ = self.news.send(News::Ended { name });
    }

    fn started(&self, mut config: NodeConfig, key: &[u8], slot: &Slot, outgoing: &Arc<Outgoing>) -> anyhow::Result<()> {
        let keys = lock(&self.keys);
        let own = keys.get(key).context("the launcher names a key that was not made here")?;
        config.credentials = config.credentials.map(|given| own.with(given));
        if let Duty::Replica { durable: Some(DurablePlace { spare: (_, given), .. }), .. } = &mut config.duty {
            *given = given.take().map(|given| own.with(given));
            let folder = self.durable.as_deref();
            settle(&mut config, folder.context("this machine has not been told of a folder for orders")?)?;
        }
        drop(keys);
        config.clock = self.time.translated(config.clock);
        let (name, news) = (config.name.clone(), self.news.clone());
        let (outgoing, mine) = (outgoing.clone(), slot.clone());
        // Its reports find it here only when it is.
        let mut child = lock(slot);
        *child = Some(Child::start(
            &self.program,
            config,
            move |report| {
                let Some(report) = report else {
                    let ended = lock(&mine).take().map(|child| FromProcess::Ended(child.reap()));
                    outgoing.end(ended);
                    return false;
                };
                if let NodeReport::Ready { pid, .. } = report {
                    let _ = news.send(News::Runs { name: name.clone(), pid });
                }
                outgoing.put(report)
            },
            || {},
        )?);
        Ok(())
    }
}

/// What is in here is whole whatever panics.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
