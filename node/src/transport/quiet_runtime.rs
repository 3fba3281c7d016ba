//! The runtime QUIC runs on: tokio's, but woken only for what there is to do, so that a cluster at rest costs little.
//!
//! Tokio's own adapter wakes a process once more after each burst of packets (the socket can be written to again, which it
//! nearly always can) and once more for each alarm that was put off (QUIC puts alarms off with every packet). Here the
//! socket is only watched for what arrives, and an alarm that is put off is forgotten. What QUIC does is not changed.

use std::future::Future;
use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use quinn::udp::{RecvMeta, Transmit, UdpSocketState};
use quinn::{AsyncTimer, AsyncUdpSocket, Runtime, UdpPoller};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::{Sleep, sleep};

use super::traffic::Counters;
use crate::alarm::Alarm;

/// After this long a full socket is tried again: it takes the system much less to empty one.
const UNTIL_WRITABLE: Duration = Duration::from_millis(1);

/// Datagrams (or rows of them that the system has joined) that one system call receives, at most. Quinn offers room for 32, and
/// preparing it costs as much as receiving one.
const MOST_AT_ONCE: usize = 8;

/// The runtime that this file describes.
#[derive(Debug)]
pub(super) struct QuietRuntime {
    counters: Arc<Counters>,
}

impl QuietRuntime {
    /// Its sockets count how often they are asked for more.
    pub(super) fn new(counters: Arc<Counters>) -> Self {
        Self { counters }
    }
}

impl Runtime for QuietRuntime {
    fn new_timer(&self, at: Instant) -> Pin<Box<dyn AsyncTimer>> {
        Box::pin(Alarm::at(at.into()))
    }

    fn spawn(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>) {
        tokio::spawn(future);
    }

    fn wrap_udp_socket(&self, socket: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let state = UdpSocketState::new((&socket).into())?;
        socket.set_nonblocking(true)?;
        #[expect(
            deprecated,
            reason = "sound for an owned socket of the standard library; its successor is unsafe to call"
        )]
        let socket = AsyncFd::with_interest(socket, Interest::READABLE)?;
        let counters = self.counters.clone();
        Ok(Arc::new(QuietSocket { socket, state, full: AtomicBool::new(false), counters }))
    }
}

impl AsyncTimer for Alarm {
    fn reset(mut self: Pin<&mut Self>, at: Instant) {
        self.ring_at(at.into());
    }

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.poll_due(context)
    }
}

#[derive(Debug)]
struct QuietSocket {
    socket: AsyncFd<UdpSocket>,
    state: UdpSocketState,
    /// The last packet did not fit in.
    full: AtomicBool,
    counters: Arc<Counters>,
}

impl AsyncUdpSocket for QuietSocket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(Pause { socket: self, until: None })
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        let sent = self.state.send(self.socket.get_ref().into(), transmit);
        let full = matches!(&sent, Err(error) if error.kind() == io::ErrorKind::WouldBlock);
        self.full.store(full, Ordering::Relaxed);
        sent
    }

    fn poll_recv(
        &self,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        facts: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let room = buffers.len().min(MOST_AT_ONCE);
        let buffers = &mut buffers[..room];
        loop {
            let mut readable = ready!(self.socket.poll_read_ready(context))?;
            self.counters.asked_for_more();
            match readable.try_io(|socket| self.state.recv(socket.get_ref().into(), buffers, facts)) {
                Ok(Ok(received)) => {
                    if received < room {
                        // That was all; what comes later is announced anew, so there is no need to ask again.
                        readable.clear_ready();
                    }
                    return Poll::Ready(Ok(received));
                }
                Ok(Err(error)) => return Poll::Ready(Err(error)),
                Err(_would_block) => {}
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.get_ref().local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        self.state.max_gso_segments()
    }

    fn max_receive_segments(&self) -> usize {
        self.state.gro_segments()
    }

    fn may_fragment(&self) -> bool {
        self.state.may_fragment()
    }
}

/// A writer to a full socket tries again a little later.
#[derive(Debug)]
struct Pause {
    socket: Arc<QuietSocket>,
    until: Option<Pin<Box<Sleep>>>,
}

impl UdpPoller for Pause {
    fn poll_writable(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.until.is_none() && !self.socket.full.load(Ordering::Relaxed) {
            return Poll::Ready(Ok(()));
        }
        let until = self.until.get_or_insert_with(|| Box::pin(sleep(UNTIL_WRITABLE)));
        ready!(Future::poll(until.as_mut(), context));
        self.until = None;
        Poll::Ready(Ok(()))
    }
}
