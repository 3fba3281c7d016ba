//! The other machine's part: it dials, is admitted, and then starts and kills real processes as the launcher says.
//!
//! It obeys the launcher of its code and nobody else: it listens nowhere. When the connection or the launcher dies, when
//! the machine has slept, and when the agent itself is killed, its processes end. After a loss it dials again.

mod children;
mod customer;
mod dialling;
mod outgoing;
mod time;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use protocol::ids::Role;
use protocol::trace::NoJoin;
use quinn::{Connection, ConnectionError, RecvStream, SendStream, VarInt};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{Instant, interval, sleep, timeout};

use super::LONGEST_LOSS;
use super::code::{Code, Secret};
use super::talk::{CLOSE_LEFT, CLOSE_OVER, FromGuest, FromHost, Knock, hear, say};
use crate::durable_folder::OnDisk;
use crate::interrupt::Interrupt;
use crate::lone_customer::Customer;
use children::Children;
use dialling::{Dialled, NoWay, dial};
use time::{HostTime, Wakefulness};

/// Between two looks at the host's clock, and at whether this machine has slept.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);
/// The first looks come faster: a process that is to start needs the time.
const FIRST_LOOKS: usize = 5;
const BETWEEN_DIALS: Duration = Duration::from_millis(500);
/// The host answers a question within so long.
const SLOWEST: Duration = Duration::from_secs(5);
/// The last words are sent within so long.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// Keys that wait at the host for processes to come.
const KEYS: usize = 4;

/// What this machine wants.
#[derive(Clone, Debug)]
pub struct Wish {
    pub code: Code,
    /// What this machine is called; none: as the system calls it.
    pub name: Option<String>,
    /// What it is to become; none: as the code says.
    pub role: Option<Role>,
    /// The program that becomes a node.
    pub program: PathBuf,
    /// Where replicas may keep their orders; none: nowhere, so that a durable cluster does not admit it.
    pub durable: Option<PathBuf>,
}

/// What happens, for the person at this machine.
#[derive(Clone, Debug)]
pub enum News {
    /// A person at the cluster decides.
    Waits,
    /// This machine belongs to the cluster, under this name; where the cluster was reached.
    Joined { name: String, at: IpAddr },
    /// A process runs here.
    Runs { name: String, pid: u32 },
    /// It has ended.
    Ended { name: String },
    /// The person here has a customer now. It lives until the connection is lost.
    Customer(Here),
    /// It cannot be here: a sentence says why.
    NoCustomer(String),
    /// The launcher has taken it away.
    CustomerRemoved,
    /// The cluster cannot be reached any more; the processes here have ended, and it is tried again.
    Lost,
    /// This machine has slept.
    Slept,
}

/// A customer at this machine.
#[derive(Clone)]
pub struct Here(pub Arc<Customer>);

impl std::fmt::Debug for Here {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.name)
    }
}

/// How it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Over {
    /// The person here wanted it.
    Left,
    /// The cluster has ended.
    ClusterEnded,
    /// It is not admitted.
    NotAdmitted(NoJoin),
    /// It could not be reached, or not any more.
    NoWay(NoWay),
}

pub use dialling::NoWay as WhyNoWay;

/// Lives until it is over. Its processes end with it. The thread that calls this must last as long as the program, because
/// the system ends the processes with the threads that started them.
///
/// # Errors
/// When the operating system refuses what is needed.
pub fn live(wish: &Wish, news: &Sender<News>, interrupt: &Interrupt) -> anyhow::Result<Over> {
    // Fails only if there is one already, which does as well.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (asked, mut stop) = unbounded_channel();
    interrupt.when_asked(move || {
        let _ = asked.send(());
    });
    let over = runtime.block_on(Agent { wish, news, secret: wish.code.secret, last: None }.live(&mut stop))?;
    // What is still read from ended processes has nowhere to go.
    runtime.shutdown_timeout(LAST_WORDS);
    Ok(over)
}

struct Agent<'a> {
    wish: &'a Wish,
    news: &'a Sender<News>,
    /// Of the code, later of this stay.
    secret: Secret,
    /// Since when it has been lost.
    last: Option<Instant>,
}

/// Why a stay is over.
enum Stay {
    Over(Over),
    Lost,
}

impl Agent<'_> {
    async fn live(mut self, stop: &mut UnboundedReceiver<()>) -> anyhow::Result<Over> {
        loop {
            let dialled = tokio::select! {
                dialled = dial(&self.wish.code) => dialled?,
                _ = stop.recv() => return Ok(Over::Left),
            };
            let stay = match dialled {
                Ok(dialled) => self.stay(dialled, stop).await?,
                Err(why) if self.last.is_none_or(|lost| lost.elapsed() >= LONGEST_LOSS) => {
                    return Ok(Over::NoWay(why));
                }
                Err(_) => Stay::Lost,
            };
            match stay {
                Stay::Over(over) => return Ok(over),
                Stay::Lost => {
                    if self.last.is_none() {
                        self.tell(News::Lost);
                        self.last = Some(Instant::now());
                    }
                }
            }
            tokio::select! {
                () = sleep(BETWEEN_DIALS) => {}
                _ = stop.recv() => return Ok(Over::Left),
            }
        }
    }

    fn tell(&self, news: News) {
        // Nobody reads it only while the program ends.
        let _ = self.news.send(news);
    }

    /// From the knock to the end of the connection.
    async fn stay(&mut self, dialled: Dialled, stop: &mut UnboundedReceiver<()>) -> anyhow::Result<Stay> {
        let Dialled { connection, address, reached, endpoint } = dialled;
        let (over, children) = match self.knock(&connection, (address, reached), stop).await? {
            Err(stay) => (stay, None),
            Ok((to, from)) => {
                let to_host = (Handle::current(), connection.clone());
                let children = Children::new(self.wish, self.news.clone(), to_host);
                (self.belong(&connection, (to, from), &children, stop).await?, Some(children))
            }
        };
        // Before the host hears that this machine has left, its processes have ended.
        if let Some(children) = children {
            children.end();
        }
        connection.close(VarInt::from_u32(CLOSE_LEFT), b"this machine leaves");
        let _ = timeout(LAST_WORDS, endpoint.wait_idle()).await;
        Ok(over)
    }

    async fn knock(
        &mut self,
        connection: &Connection,
        (address, reached): (IpAddr, IpAddr),
        stop: &mut UnboundedReceiver<()>,
    ) -> anyhow::Result<Result<(SendStream, RecvStream), Stay>> {
        let Ok((mut to, mut from)) = connection.open_bi().await else { return Ok(Err(Stay::Lost)) };
        let name = self.wish.name.clone().unwrap_or_else(|| gethostname::gethostname().to_string_lossy().into_owned());
        let on_disk = self.wish.durable.as_deref().map(OnDisk::all_in).transpose()?;
        let knock = Knock { secret: self.secret, name, role: self.wish.role, address, reached, on_disk };
        if say(&mut to, &FromGuest::Knock(knock)).await.is_err() {
            return Ok(Err(Stay::Lost));
        }
        loop {
            let word = tokio::select! {
                word = hear(&mut from) => word,
                _ = stop.recv() => return Ok(Err(Stay::Over(Over::Left))),
            };
            match word {
                Ok(Some(FromHost::Wait)) => self.tell(News::Waits),
                Ok(Some(FromHost::NotAdmitted(why))) => return Ok(Err(Stay::Over(Over::NotAdmitted(why)))),
                Ok(Some(FromHost::Admitted { name, again })) => {
                    self.secret = again;
                    self.last = None;
                    self.tell(News::Joined { name, at: reached });
                    return Ok(Ok((to, from)));
                }
                Ok(Some(FromHost::Time { .. }) | None) | Err(_) => return Ok(Err(lost(connection).await)),
            }
        }
    }

    /// Part of the cluster.
    async fn belong(
        &self,
        connection: &Connection,
        (mut to, mut from): (SendStream, RecvStream),
        children: &Children,
        stop: &mut UnboundedReceiver<()>,
    ) -> anyhow::Result<Stay> {
        let (heard, mut words) = unbounded_channel();
        let reading = tokio::spawn(async move {
            while let Ok(Some(word)) = hear::<FromHost>(&mut from).await {
                if heard.send(word).is_err() {
                    return;
                }
            }
        });
        let time = children.time();
        for _ in 0..FIRST_LOOKS {
            say_or_lose(&mut to, &FromGuest::AsksTime(time.own())).await;
            let Ok(Some(word)) = timeout(SLOWEST, words.recv()).await else { return Ok(lost(connection).await) };
            time.take(&word);
        }
        say_or_lose(&mut to, &FromGuest::Keys(children.new_keys(KEYS)?)).await;
        let mut look = interval(BETWEEN_LOOKS);
        let mut wakefulness = Wakefulness::new();
        let stay = loop {
            tokio::select! {
                stream = connection.accept_bi() => match stream {
                    Ok((say, hear)) => {
                        children.begin(say, hear)?;
                        say_or_lose(&mut to, &FromGuest::Keys(children.new_keys(1)?)).await;
                    }
                    Err(_) => break lost(connection).await,
                },
                word = words.recv() => match word {
                    Some(word) => {
                        time.take(&word);
                        if let Some(offset) = time.offset() {
                            say_or_lose(&mut to, &FromGuest::Clock(offset)).await;
                        }
                    }
                    None => break lost(connection).await,
                },
                _ = look.tick() => {
                    if wakefulness.has_slept() {
                        self.tell(News::Slept);
                        break Stay::Lost;
                    }
                    say_or_lose(&mut to, &FromGuest::AsksTime(time.own())).await;
                }
                _ = stop.recv() => break Stay::Over(Over::Left),
            }
        };
        reading.abort();
        Ok(stay)
    }
}

/// A connection that is lost is noticed where it is read.
async fn say_or_lose(to: &mut SendStream, word: &FromGuest) {
    let _ = say(to, word).await;
}

/// Why the connection has ended, or is of no more use.
async fn lost(connection: &Connection) -> Stay {
    match timeout(SLOWEST, connection.closed()).await {
        Ok(ConnectionError::ApplicationClosed(close)) if close.error_code == VarInt::from_u32(CLOSE_OVER) => {
            Stay::Over(Over::ClusterEnded)
        }
        Ok(_) | Err(_) => Stay::Lost,
    }
}

/// The time of the host, shared with the threads of the processes.
pub(super) type SharedTime = Arc<HostTime>;
