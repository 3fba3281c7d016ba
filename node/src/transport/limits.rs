//! The QUIC endpoint of a process, with every limit set explicitly: the defaults let any process on the machine
//! open tens of thousands of handshakes.
//!
//! Only configuration; connections are made in `connections`. Benchmarks measure a bare round trip on the same endpoint.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use quinn::congestion::CubicConfig;
use quinn::{ClientConfig, Endpoint, EndpointConfig, MtuDiscoveryConfig, ServerConfig, TransportConfig, VarInt};

use super::identity;
use super::lanes::Lane;
use super::outlets::{LARGEST_DATAGRAM, Outlets};
#[cfg(unix)]
use super::quiet_runtime::QuietRuntime;
use super::traffic::Counters;
use crate::control::{Credentials, Reach};

/// Handshakes that may wait for this process; more are ignored, and dial again.
pub(crate) const WAITING_HANDSHAKES: usize = 256;
/// From this many unfinished handshakes on, a peer must first prove that it receives at its address.
pub(crate) const RETRY_FROM: usize = 32;
/// Connections beyond this are refused.
pub(crate) const MOST_CONNECTIONS: usize = 512;
/// How long a handshake may take when others dial us, and how long a frame may stay unfinished: slow peers
/// must not tie up others.
pub(crate) const SLOWEST: Duration = Duration::from_secs(5);
/// How long we try to reach a peer. QUIC never learns that no process listens there.
pub(crate) const DIAL: Duration = Duration::from_millis(300);

/// After this much silence a connection is gone. Only a backstop: suspicion comes from the protocol's own heartbeats.
const IDLE: Duration = Duration::from_secs(1);
const KEEP_ALIVE: Duration = Duration::from_millis(250);
/// Loopback and classroom networks; the default of a third of a second makes a lost first packet cost a second.
const INITIAL_RTT: Duration = Duration::from_millis(10);
/// Of each of the two streams that a peer may open, one for each lane. An envelope has at most half of this.
const WINDOW: u32 = 2 * 1024 * 1024;

#[cfg(unix)]
fn runtime(counters: &Arc<Counters>) -> QuietRuntime {
    QuietRuntime::new(counters.clone())
}

/// Sockets cannot be watched in one direction only through tokio there.
#[cfg(not(unix))]
fn runtime(_: &Arc<Counters>) -> quinn::TokioRuntime {
    quinn::TokioRuntime
}

/// One endpoint that both listens and dials, so that a peer's address is where it can be reached.
///
/// # Errors
/// A sentence when the port is taken, or the credentials do not fit together.
pub fn endpoint(listen: SocketAddr, credentials: &Credentials) -> anyhow::Result<Endpoint> {
    endpoint_with(listen, credentials, &Reach::default()).map(|(endpoint, _)| endpoint)
}

/// The same in a cluster on several machines, with its sockets.
pub(super) fn endpoint_with(
    listen: SocketAddr,
    credentials: &Credentials,
    reach: &Reach,
) -> anyhow::Result<(Endpoint, Arc<Outlets>)> {
    let transport = Arc::new(limits()?);
    let mut server = ServerConfig::with_crypto(Arc::new(identity::accepting(credentials)?));
    server
        .transport_config(transport.clone())
        .migration(false)
        .max_incoming(WAITING_HANDSHAKES)
        .incoming_buffer_size(64 * 1024)
        .incoming_buffer_size_total(4 * 1024 * 1024);
    let mut client = ClientConfig::new(Arc::new(identity::dialling(credentials)?));
    client.transport_config(transport);

    // An actor with the same private key is the same one, restarted: it can tell its peers at once that their old
    // connections are gone (a name server comes back at its address; its peers need not wait for the idle time-out).
    let reset_key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &credentials.key);
    let socket = UdpSocket::bind(listen).with_context(|| {
        format!(
            "UDP port {listen} cannot be opened. Another program may be using it: end that program or choose another port"
        )
    })?;
    let mut config = EndpointConfig::new(Arc::new(reset_key));
    config.max_udp_payload_size(LARGEST_DATAGRAM)?;
    let counters = Arc::default();
    let runtime = Arc::new(runtime(&counters));
    let outlets = Outlets::open(socket, runtime.clone(), reach, counters)?;
    let mut endpoint = Endpoint::new_with_abstract_socket(config, Some(server), outlets.clone(), runtime)?;
    endpoint.set_default_client_config(client);
    Ok((endpoint, outlets))
}

fn limits() -> anyhow::Result<TransportConfig> {
    let mut congestion = CubicConfig::default();
    congestion.initial_window(128 * 1024);
    let mut discovery = MtuDiscoveryConfig::default();
    discovery.upper_bound(LARGEST_DATAGRAM);
    let mut limits = TransportConfig::default();
    limits
        .mtu_discovery_config(Some(discovery))
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .max_concurrent_uni_streams(VarInt::from_u32(Lane::ALL.len() as u32))
        .stream_receive_window(VarInt::from_u32(WINDOW))
        .receive_window(VarInt::from_u32(WINDOW * Lane::ALL.len() as u32))
        .send_window(u64::from(WINDOW) * 2)
        .datagram_receive_buffer_size(None)
        .max_idle_timeout(Some(IDLE.try_into()?))
        .keep_alive_interval(Some(KEEP_ALIVE))
        .initial_rtt(INITIAL_RTT)
        .congestion_controller_factory(Arc::new(congestion));
    Ok(limits)
}
