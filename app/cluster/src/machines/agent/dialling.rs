//! Reaching the cluster at one of the addresses of its code: all are tried together, and the first that answers is kept.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use node::transport::identity::COMMON_NAME;
use node::transport::outlets::own_address_towards;
use node::transport::pinned::{Fingerprint, towards};
use quinn::{Connection, ConnectionError, Endpoint};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::machines::code::Code;

/// How long an address is tried.
const DIAL: Duration = Duration::from_secs(4);

/// IPv4 has this much of a lead, if the cluster has both.
const IPV4_FIRST: Duration = Duration::from_millis(500);

/// TLS alerts, as QUIC reports them.
const ALERT: u64 = 0x100;
const UNKNOWN_AUTHORITY: u64 = ALERT + 48;
const OTHER_VERSION: u64 = ALERT + 120;

/// Why the cluster was not reached. A sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoWay {
    #[error(
        "The cluster did not answer at {0}. Both machines must be on the same network; a guest network often keeps its machines apart. Try a phone's hotspot, or ask for a code with another address (--advertise)."
    )]
    NoAnswer(String),
    #[error(
        "Another cluster answers at {0}: its authority is not the one in the code. The code may be from an earlier run; ask for a new one. Nothing was said to it."
    )]
    OtherAuthority(String),
    #[error("The program at {0} is another version of Just Hungry. Use the same version on both machines.")]
    OtherVersion(String),
}

/// A connection to the cluster that the code means.
pub(super) struct Dialled {
    pub connection: Connection,
    /// Where this machine can be reached from there.
    pub address: IpAddr,
    /// Where the cluster was reached.
    pub reached: IpAddr,
    pub endpoint: Endpoint,
}

pub(super) async fn dial(code: &Code) -> anyhow::Result<Result<Dialled, NoWay>> {
    let mut dials = JoinSet::new();
    let has_ipv4 = code.addresses.iter().any(IpAddr::is_ipv4);
    for ip in code.addresses.clone() {
        // Machines that are reached by one kind of address reach each other.
        let first = if has_ipv4 && ip.is_ipv6() { IPV4_FIRST } else { Duration::ZERO };
        let (at, authority) = (SocketAddr::new(ip, code.port), code.authority);
        dials.spawn(async move {
            sleep(first).await;
            dial_at(at, authority).await
        });
    }
    let mut worst = None;
    while let Some(done) = dials.join_next().await {
        match done.map_err(anyhow::Error::from)?? {
            Ok(dialled) => return Ok(Ok(dialled)),
            // That somebody else answers says more than that nobody does.
            Err(NoWay::NoAnswer(_)) if worst.is_some() => {}
            Err(why) => worst = Some(why),
        }
    }
    let all: Vec<String> = code.addresses.iter().map(|ip| SocketAddr::new(*ip, code.port).to_string()).collect();
    Ok(Err(match worst {
        Some(NoWay::NoAnswer(_)) | None => NoWay::NoAnswer(all.join(" or ")),
        Some(other) => other,
    }))
}

async fn dial_at(at: SocketAddr, authority: Fingerprint) -> anyhow::Result<Result<Dialled, NoWay>> {
    let nobody = NoWay::NoAnswer(at.to_string());
    // Without a way there, nothing can be sent.
    let Ok(address) = own_address_towards(at.ip()) else { return Ok(Err(nobody)) };
    let any: IpAddr = if at.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let mut endpoint = Endpoint::client((any, 0).into())?;
    endpoint.set_default_client_config(towards(authority)?);
    let Ok(connecting) = endpoint.connect(at, COMMON_NAME) else { return Ok(Err(nobody)) };
    let error = match timeout(DIAL, connecting).await {
        Ok(Ok(connection)) => return Ok(Ok(Dialled { connection, address, reached: at.ip(), endpoint })),
        Ok(Err(error)) => error,
        Err(_) => return Ok(Err(nobody)),
    };
    let code = match &error {
        ConnectionError::TransportError(error) => u64::from(error.code),
        ConnectionError::ConnectionClosed(close) => u64::from(close.error_code),
        _ => 0,
    };
    Ok(Err(match code {
        UNKNOWN_AUTHORITY => NoWay::OtherAuthority(at.to_string()),
        OTHER_VERSION => NoWay::OtherVersion(at.to_string()),
        _ => nobody,
    }))
}
