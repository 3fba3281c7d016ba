//! The sockets of one endpoint: the one it was opened with, and those on which other machines reach it.
//!
//! A cluster begins on one machine, so every node is known by a loopback address. When people on other machines are
//! invited, a node also listens on the addresses that they reach, at the same port, and keeps its name. A node on another
//! machine knows where the first machine is: it sends there what is meant for a loopback address, and takes what comes from there as if
//! it came from that address. QUIC and the protocol see one address for each node, on every machine.
//!
//! An endpoint of quinn that begins with IPv4 speaks nothing else. So all addresses are IPv6 to it, IPv4 ones in their mapped form;
//! every socket here, and everybody else, has them as they are.

use std::fmt::{self, Debug};
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use anyhow::Context as _;
use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, Runtime, UdpPoller};
use rustc_hash::FxHashMap;
use tokio::time::{Sleep, sleep};

use super::traffic::Counters;
use crate::control::Reach;

/// Within one machine a datagram may be this large, and what one round has for a peer fits into one: half as many datagrams
/// with 16 customers, a quarter with 256, and no acknowledgement alone after every second one. QUIC finds out what a network
/// lets through; more than this saves little, and takes room for what arrives.
pub(super) const LARGEST_DATAGRAM: u16 = 8192;
/// Datagrams that one system call sends, at most. The kernel takes at most 65 507 bytes in a call (an IPv4 packet without its
/// heads); of more it sends nothing, and quinn takes the error for that of a probe that was too large, and waits until all count as lost.
const MOST_TOGETHER: usize = 65_507 / LARGEST_DATAGRAM as usize;

/// An address as everybody but quinn knows it.
#[must_use]
pub fn plain(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        // Whole: it may name a network interface.
        IpAddr::V6(_) => address,
        ip @ IpAddr::V4(_) => SocketAddr::new(ip, address.port()),
    }
}

/// An address as quinn knows it.
fn mapped(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(address) => SocketAddr::new(address.ip().to_ipv6_mapped().into(), address.port()),
        SocketAddr::V6(_) => address,
    }
}

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// After this long a full socket is tried again.
const UNTIL_WRITABLE: Duration = Duration::from_millis(1);
/// How many peers' ways out are remembered; when there are more, all are found again.
const MOST_WAYS: usize = 256;
/// Too short for any packet of QUIC: it only wakes the endpoint, which then listens on its new socket, too.
const WAKE: [u8; 1] = [0];

/// All sockets of an endpoint.
pub struct Outlets {
    runtime: Arc<dyn Runtime>,
    first: Arc<dyn AsyncUdpSocket>,
    address: SocketAddr,
    /// Where the first machine is, if this is another one.
    host: Vec<IpAddr>,
    others: RwLock<Vec<(IpAddr, Arc<dyn AsyncUdpSocket>)>>,
    /// Whether there are others: without, a packet costs no lock.
    has_others: AtomicBool,
    /// Which socket is read first, in turn.
    turn: AtomicUsize,
    /// The last packet did not fit into one of the others.
    full: AtomicBool,
    /// From which address the system reaches a peer.
    ways: Mutex<FxHashMap<IpAddr, IpAddr>>,
    counters: Arc<Counters>,
}

impl Outlets {
    pub(super) fn open(
        socket: UdpSocket,
        runtime: Arc<dyn Runtime>,
        reach: &Reach,
        counters: Arc<Counters>,
    ) -> io::Result<Arc<Self>> {
        let address = socket.local_addr()?;
        let first = runtime.wrap_udp_socket(socket)?;
        Ok(Arc::new(Self {
            runtime,
            first,
            address,
            host: reach.host.clone(),
            others: RwLock::default(),
            has_others: AtomicBool::new(false),
            turn: AtomicUsize::new(0),
            full: AtomicBool::new(false),
            ways: Mutex::default(),
            counters,
        }))
    }

    /// Listens there, too, at the same port.
    ///
    /// # Errors
    /// A sentence when that port is taken.
    pub fn listen_on(&self, ip: IpAddr) -> anyhow::Result<()> {
        let mut others = self.others.write().unwrap_or_else(PoisonError::into_inner);
        if ip == self.address.ip() || others.iter().any(|(other, _)| *other == ip) {
            return Ok(());
        }
        let there = SocketAddr::new(ip, self.address.port());
        let socket = UdpSocket::bind(there).with_context(|| {
            format!("UDP port {there} cannot be opened, so other machines cannot reach this node. Restart the node, or invite from another address")
        })?;
        others.push((ip, self.runtime.wrap_udp_socket(socket)?));
        self.has_others.store(true, Ordering::Release);
        let waker = UdpSocket::bind((self.address.ip(), 0))?;
        waker.send_to(&WAKE, self.address)?;
        Ok(())
    }

    /// What was sent and received through all of them.
    pub(super) fn counters(&self) -> Arc<Counters> {
        self.counters.clone()
    }

    /// Closes the sockets of other addresses. Whatever was on its way to them is lost.
    pub fn listen_only_on(&self, addresses: &[IpAddr]) {
        let mut others = self.others.write().unwrap_or_else(PoisonError::into_inner);
        others.retain(|(ip, _)| addresses.contains(ip));
        self.has_others.store(!others.is_empty(), Ordering::Release);
    }

    /// Whether the loopback addresses of the cluster are those of another machine.
    pub(super) fn are_elsewhere(&self) -> bool {
        !self.host.is_empty()
    }

    /// Where the endpoint was opened.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether a peer is on another machine than this endpoint.
    pub(super) fn is_elsewhere(&self, peer: SocketAddr) -> bool {
        let is_loopback = peer.ip().is_loopback();
        peer.ip() != self.address.ip() && (self.are_elsewhere() || !is_loopback)
    }

    /// Where a packet really goes.
    fn real(&self, to: SocketAddr) -> SocketAddr {
        match self.host.first() {
            Some(host) if to.ip().is_loopback() => SocketAddr::new(*host, to.port()),
            Some(_) | None => to,
        }
    }

    /// The socket from which a peer on another machine is reached.
    fn towards(&self, peer: IpAddr, from: Option<IpAddr>) -> Arc<dyn AsyncUdpSocket> {
        let others = self.others.read().unwrap_or_else(PoisonError::into_inner);
        let at = |ip: IpAddr| others.iter().find(|(other, _)| *other == ip).map(|(_, socket)| socket.clone());
        let found = from.and_then(at).or_else(|| self.way(peer).and_then(at));
        found.or_else(|| others.first().map(|(_, socket)| socket.clone())).unwrap_or_else(|| self.first.clone())
    }

    fn way(&self, peer: IpAddr) -> Option<IpAddr> {
        let mut ways = self.ways.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(way) = ways.get(&peer) {
            return Some(*way);
        }
        let way = own_address_towards(peer).ok()?;
        if ways.len() >= MOST_WAYS {
            ways.clear();
        }
        ways.insert(peer, way);
        Some(way)
    }
}

/// From which address of this machine the system would send to a peer. Nothing is sent.
///
/// # Errors
/// When it knows no way there.
pub fn own_address_towards(peer: IpAddr) -> io::Result<IpAddr> {
    let any: IpAddr =
        if peer.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { std::net::Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect((peer, 9))?;
    Ok(socket.local_addr()?.ip())
}

impl Debug for Outlets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outlets").field("address", &self.address).field("host", &self.host).finish_non_exhaustive()
    }
}

impl AsyncUdpSocket for Outlets {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        let first = self.first.clone().create_io_poller();
        Box::pin(Writable { outlets: self, first, pause: None })
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        let destination = self.real(plain(transmit.destination));
        let moved = Transmit {
            destination,
            ecn: transmit.ecn,
            contents: transmit.contents,
            segment_size: transmit.segment_size,
            src_ip: transmit.src_ip,
        };
        self.counters.sent(&moved);
        if destination.ip().is_loopback() || !self.has_others.load(Ordering::Acquire) {
            return self.first.try_send(&moved);
        }
        let sent = self.towards(destination.ip(), transmit.src_ip).try_send(&moved);
        if matches!(&sent, Err(error) if error.kind() == io::ErrorKind::WouldBlock) {
            self.full.store(true, Ordering::Relaxed);
        }
        sent
    }

    fn poll_recv(
        &self,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        facts: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        if !self.has_others.load(Ordering::Acquire) {
            let received = ready!(self.first.poll_recv(context, buffers, facts))?;
            self.counters.received(&facts[..received]);
            for fact in facts.iter_mut().take(received) {
                if self.host.contains(&fact.addr.ip()) {
                    fact.addr.set_ip(LOOPBACK);
                }
                fact.addr = mapped(fact.addr);
            }
            return Poll::Ready(Ok(received));
        }
        let others = self.others.read().unwrap_or_else(PoisonError::into_inner);
        let all = 1 + others.len();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        for at in (0..all).map(|step| (turn + step) % all) {
            let socket = others.get(at.wrapping_sub(1)).map_or(&self.first, |(_, socket)| socket);
            if let Poll::Ready(received) = socket.poll_recv(context, buffers, facts) {
                let facts = &mut facts[..received.as_ref().map_or(0, |received| *received)];
                self.counters.received(facts);
                facts.iter_mut().for_each(|fact| fact.addr = mapped(fact.addr));
                return Poll::Ready(received);
            }
        }
        Poll::Pending
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(mapped(self.address))
    }

    fn max_transmit_segments(&self) -> usize {
        self.first.max_transmit_segments().min(MOST_TOGETHER)
    }

    fn max_receive_segments(&self) -> usize {
        self.first.max_receive_segments()
    }

    fn may_fragment(&self) -> bool {
        self.first.may_fragment()
    }
}

/// A writer waits for the first socket, or a little if another one was full.
struct Writable {
    outlets: Arc<Outlets>,
    first: Pin<Box<dyn UdpPoller>>,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Debug for Writable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writable")
    }
}

impl UdpPoller for Writable {
    fn poll_writable(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.pause.is_none() && !self.outlets.full.load(Ordering::Relaxed) {
            return self.first.as_mut().poll_writable(context);
        }
        let pause = self.pause.get_or_insert_with(|| Box::pin(sleep(UNTIL_WRITABLE)));
        ready!(Future::poll(pause.as_mut(), context));
        self.pause = None;
        self.outlets.full.store(false, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}
