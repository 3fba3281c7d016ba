//! The port at which other machines knock, and the conversation with those that are admitted.
//!
//! Opened when a person invites for the first time. A stranger is listened to for a moment, and is told no more than
//! whether its code is good; the supervisor decides.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use anyhow::{Context, anyhow};
use node::transport::identity::Authority;
use node::transport::pinned;
use protocol::ids::{CustomerId, NodeId};
use protocol::trace::{LauncherEvent, NoJoin};
use quinn::{Connection, ConnectionError, Endpoint, EndpointConfig, RecvStream, SendStream, ServerConfig, VarInt};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Notify, Semaphore};
use tokio::time::timeout;

use super::MachineKey;
use super::afar::Machine;
use super::code::Secret;
use super::talk::{CLOSE_LEFT, CLOSE_MISBEHAVED, CLOSE_OVER, FromGuest, FromHost, Knock, hear, say};
use crate::wall_clock;

/// The most strangers that are listened to at a time; more are refused, and dial again.
const MOST_STRANGERS: usize = 64;
/// How long a stranger may take to say what it wants.
const SLOWEST: Duration = Duration::from_secs(5);
/// How long a person may take to decide.
const LONGEST_DECISION: Duration = Duration::from_secs(300);
/// How often another port is tried where one is taken at an address.
const MOST_TRIES: usize = 20;
/// The last words of all connections are sent within so long.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// The open port. Dropping it closes all conversations.
pub(crate) struct Door {
    pub addresses: Vec<IpAddr>,
    pub port: u16,
    stop: Arc<Notify>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// What is decided about a machine that knocks.
#[derive(Debug)]
pub(crate) enum Decision {
    Wait,
    No(NoJoin),
    Yes { key: MachineKey, name: String, again: Secret },
}

/// What happens at the door.
pub(crate) enum DoorNews {
    Knocked(Box<Knocking>),
    /// A machine that was admitted is ready to run processes.
    Joined(MachineKey, Arc<Machine>),
    /// Its person's customer is there.
    Orders(MachineKey, NodeId, CustomerId),
    /// It is there no more.
    OrdersNoMore(MachineKey, NodeId),
    /// What the launcher says of that customer.
    Said(NodeId, LauncherEvent),
    /// Its connection has ended; true: it has left, and nothing runs there any more.
    Gone(MachineKey, bool),
}

/// Where the news go. False: nobody wants to hear them.
pub(crate) type Tell = Arc<dyn Fn(DoorNews) -> bool + Send + Sync>;

/// A machine that knocks.
pub(crate) struct Knocking {
    pub knock: Knock,
    /// Where it really is.
    pub from: IpAddr,
    pub reply: UnboundedSender<Decision>,
}

impl Door {
    /// Listens on all the addresses, at one port.
    ///
    /// # Errors
    /// A sentence, when an address is none of this machine's.
    pub fn open(addresses: Vec<IpAddr>, authority: &Authority, tell: Tell) -> anyhow::Result<Self> {
        let (sockets, port) = sockets(&addresses)?;
        let config = pinned::door(authority)?;
        let stop = Arc::new(Notify::new());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (opened, open) = channel();
        let (stopped, all) = (stop.clone(), addresses.clone());
        let thread = std::thread::Builder::new().name("door".into()).spawn(move || {
            runtime.block_on(async move {
                let endpoints: anyhow::Result<Vec<Endpoint>> =
                    sockets.into_iter().map(|socket| endpoint(socket, config.clone())).collect();
                let endpoints = match endpoints {
                    Ok(endpoints) => endpoints,
                    Err(error) => return drop(opened.send(Err(error))),
                };
                let strangers = Arc::new(Semaphore::new(MOST_STRANGERS));
                for endpoint in &endpoints {
                    let listening = Listening { tell: tell.clone(), hosts: all.clone() };
                    tokio::spawn(listening.listen(endpoint.clone(), strangers.clone()));
                }
                let _ = opened.send(Ok(()));
                stopped.notified().await;
                for endpoint in &endpoints {
                    endpoint.close(VarInt::from_u32(CLOSE_OVER), b"the cluster has ended");
                    let _ = timeout(LAST_WORDS, endpoint.wait_idle()).await;
                }
            });
        })?;
        open.recv().map_err(|_| anyhow!("the thread that listens for other machines ended unexpectedly"))??;
        Ok(Self { addresses, port, stop, thread: Some(thread) })
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.stop.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// One port that is free at all addresses.
fn sockets(addresses: &[IpAddr]) -> anyhow::Result<(Vec<UdpSocket>, u16)> {
    let (first, rest) = addresses.split_first().context("there is no address to listen on")?;
    let mut last = None;
    for _ in 0..MOST_TRIES {
        let socket = UdpSocket::bind((*first, 0)).with_context(|| not_here(*first))?;
        let port = socket.local_addr()?.port();
        let others: Result<Vec<UdpSocket>, _> =
            rest.iter().map(|ip| UdpSocket::bind((*ip, port)).with_context(|| not_here(*ip))).collect();
        match others {
            Ok(others) => return Ok((std::iter::once(socket).chain(others).collect(), port)),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| anyhow!("no port is free at all of these addresses")))
}

fn not_here(ip: IpAddr) -> String {
    format!("This machine cannot listen on {ip}. Name one of its own addresses with --advertise")
}

fn endpoint(socket: UdpSocket, config: ServerConfig) -> anyhow::Result<Endpoint> {
    Ok(Endpoint::new(EndpointConfig::default(), Some(config), socket, Arc::new(quinn::TokioRuntime))?)
}

#[derive(Clone)]
struct Listening {
    tell: Tell,
    hosts: Vec<IpAddr>,
}

impl Listening {
    async fn listen(self, endpoint: Endpoint, strangers: Arc<Semaphore>) {
        while let Some(incoming) = endpoint.accept().await {
            let Ok(permit) = strangers.clone().try_acquire_owned() else {
                incoming.refuse();
                continue;
            };
            let listening = self.clone();
            tokio::spawn(async move {
                let Some((connection, streams, knock)) = knock(incoming).await else { return };
                let Some(admitted) = listening.ask(&connection, streams, &knock).await else { return };
                drop(permit);
                listening.converse(connection, admitted, &knock).await;
            });
        }
    }

    /// Has the supervisor decide. None: it is not admitted, or has gone.
    async fn ask(&self, connection: &Connection, streams: (SendStream, RecvStream), knock: &Knock) -> Option<Admitted> {
        let (mut to, from) = streams;
        let (reply, mut decided) = unbounded_channel();
        let address = connection.remote_address().ip();
        let knocking = Knocking { knock: knock.clone(), from: address, reply };
        (self.tell)(DoorNews::Knocked(Box::new(knocking))).then_some(())?;
        let refused = match timeout(LONGEST_DECISION, decision(&mut decided, &mut to, connection)).await {
            Ok(Some(Decision::Yes { key, name, again })) => {
                let word = FromHost::Admitted { name, again };
                if say(&mut to, &word).await.is_err() {
                    (self.tell)(DoorNews::Gone(key, false));
                    return None;
                }
                return Some(Admitted { key, to, from });
            }
            Ok(Some(Decision::No(why))) => why,
            Ok(Some(Decision::Wait)) | Err(_) => NoJoin::NoDecision,
            Ok(None) => return None,
        };
        let _ = say(&mut to, &FromHost::NotAdmitted(refused)).await;
        let _ = to.finish();
        // It closes the connection when it has read that.
        let _ = timeout(SLOWEST, connection.closed()).await;
        None
    }

    /// Until the connection ends.
    async fn converse(&self, connection: Connection, admitted: Admitted, knock: &Knock) {
        let Admitted { key, mut to, mut from } = admitted;
        let mut hosts = self.hosts.clone();
        hosts.sort_by_key(|host| *host != knock.reached);
        let mut address = knock.address;
        if knock.reached.is_loopback() || hosts.contains(&address) {
            // It is this very machine: its nodes are found where all others are.
            (address, hosts) = (Ipv4Addr::LOCALHOST.into(), Vec::new());
        }
        let machine = Machine::new(connection.clone(), Handle::current(), address, hosts);
        let machine = Arc::new(machine);
        let mut joined = false;
        let said = loop {
            match hear(&mut from).await {
                Ok(Some(FromGuest::Keys(keys))) => {
                    machine.add_keys(keys);
                    if !std::mem::replace(&mut joined, true) {
                        (self.tell)(DoorNews::Joined(key, machine.clone()));
                    }
                }
                Ok(Some(FromGuest::AsksTime(asked))) => {
                    let time = FromHost::Time { asked, wall: wall_clock() };
                    if say(&mut to, &time).await.is_err() {
                        break Ok(());
                    }
                }
                Ok(Some(FromGuest::Clock(offset))) => machine.set_clock(offset),
                Ok(Some(FromGuest::Knock(_))) => break Err(anyhow!("it knocked twice")),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        if said.is_err() && connection.close_reason().is_none() {
            connection.close(VarInt::from_u32(CLOSE_MISBEHAVED), b"this is not valid");
        }
        let left = match connection.closed().await {
            ConnectionError::ApplicationClosed(close) => close.error_code == VarInt::from_u32(CLOSE_LEFT),
            _ => false,
        };
        (self.tell)(DoorNews::Gone(key, left));
    }
}

struct Admitted {
    key: MachineKey,
    to: SendStream,
    from: RecvStream,
}

/// Listens to a stranger for a moment.
async fn knock(incoming: quinn::Incoming) -> Option<(Connection, (SendStream, RecvStream), Knock)> {
    let connection = timeout(SLOWEST, incoming.accept().ok()?).await.ok()?.ok()?;
    let heard = timeout(SLOWEST, async {
        let (to, mut from) = connection.accept_bi().await?;
        let word = hear(&mut from).await?;
        anyhow::Ok((to, from, word))
    });
    match heard.await {
        Ok(Ok((to, from, Some(FromGuest::Knock(knock))))) => Some((connection, (to, from), knock)),
        Ok(_) | Err(_) => {
            connection.close(VarInt::from_u32(CLOSE_MISBEHAVED), b"this is no knock");
            None
        }
    }
}

/// The final decision. None: the machine, or the cluster, has gone.
async fn decision(
    decided: &mut UnboundedReceiver<Decision>,
    to: &mut SendStream,
    connection: &Connection,
) -> Option<Decision> {
    loop {
        tokio::select! {
            decision = decided.recv() => match decision? {
                Decision::Wait => say(to, &FromHost::Wait).await.ok()?,
                decision => return Some(decision),
            },
            _ = connection.closed() => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::atomic::{AtomicU32, Ordering};

    use node::transport::identity::COMMON_NAME;
    use node::transport::pinned::{fingerprint, towards};
    use protocol::ids::Role;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    /// Says something to a door, and hears what it answers until the connection ends.
    async fn said(endpoint: &Endpoint, port: u16, bytes: &[u8]) -> Option<FromHost> {
        let connection = endpoint.connect((HERE, port).into(), COMMON_NAME).unwrap().await.ok()?;
        let (mut to, mut from) = connection.open_bi().await.ok()?;
        to.write_all(bytes).await.ok()?;
        let answer = hear(&mut from).await.ok().flatten();
        connection.close(VarInt::from_u32(CLOSE_LEFT), b"");
        answer
    }

    fn frame(word: &FromGuest) -> Vec<u8> {
        let mut frame = Vec::new();
        node::control::write_frame(&mut frame, word).unwrap();
        frame
    }

    #[test]
    fn a_thousand_knocks_and_nonsense_keep_nobody_out() {
        let authority = Authority::new().unwrap();
        let knocks = Arc::new(AtomicU32::new(0));
        let counted = knocks.clone();
        let tell: Tell = Arc::new(move |news| {
            if let DoorNews::Knocked(knocking) = news {
                counted.fetch_add(1, Ordering::Relaxed);
                let good = knocking.knock.secret == [7; 16];
                let yes = Decision::Yes { key: MachineKey(1), name: "anna".into(), again: [8; 16] };
                let _ = knocking.reply.send(if good { yes } else { Decision::No(NoJoin::UnknownCode) });
            }
            true
        });
        let door = Door::open(vec![HERE], &authority, tell).unwrap();
        let knock = |secret: u8| {
            let name = "anna".to_owned();
            frame(&FromGuest::Knock(Knock {
                secret: [secret; 16],
                name,
                role: Some(Role::Replica),
                address: HERE,
                reached: HERE,
                on_disk: None,
            }))
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut endpoint = Endpoint::client((HERE, 0).into()).unwrap();
            endpoint.set_default_client_config(towards(fingerprint(authority.certificate())).unwrap());
            // No knock: too long, not valid, a word that only an admitted machine may say.
            let hostile = [
                vec![0xff; 64],
                vec![3, 0, 0, 0, 9, 9, 9],
                frame(&FromGuest::AsksTime(1)),
                frame(&FromGuest::Keys(vec![vec![4; 65]; 10])),
            ];
            for words in hostile {
                assert!(said(&endpoint, door.port, &words).await.is_none());
            }
            assert_eq!(knocks.load(Ordering::Relaxed), 0);
            for _ in 0..1000 {
                let answer = said(&endpoint, door.port, &knock(1)).await;
                assert!(matches!(answer, Some(FromHost::NotAdmitted(NoJoin::UnknownCode))), "{answer:?}");
            }
            assert!(matches!(said(&endpoint, door.port, &knock(7)).await, Some(FromHost::Admitted { .. })));
            assert_eq!(knocks.load(Ordering::Relaxed), 1001);
            // Another authority than that of the code is told nothing.
            endpoint.set_default_client_config(towards([1; 32]).unwrap());
            assert!(said(&endpoint, door.port, &knock(7)).await.is_none());
            assert_eq!(knocks.load(Ordering::Relaxed), 1001);
        });
    }
}
