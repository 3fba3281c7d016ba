//! A bare QUIC round trip between two processes, to measure the cluster against: same endpoint, same keys, no protocol.
//!
//! Bytes come back as they are; there are no frames, no envelopes and no loop.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context;
use quinn::Endpoint;

use super::identity::COMMON_NAME;

/// Sends everything back that peers of this run send, until the endpoint closes.
pub async fn echo(endpoint: Endpoint) {
    while let Some(incoming) = endpoint.accept().await {
        tokio::spawn(async move {
            // The echo ends with its peer, however that ended.
            drop(echo_to(incoming).await);
        });
    }
}

async fn echo_to(incoming: quinn::Incoming) -> anyhow::Result<()> {
    let connection = incoming.await?;
    let mut from = connection.accept_uni().await?;
    let mut back = connection.open_uni().await?;
    let mut bytes = vec![0; 64 * 1024];
    while let Some(length) = from.read(&mut bytes).await? {
        back.write_all(&bytes[..length]).await?;
    }
    Ok(())
}

/// How long `times` round trips of `length` bytes to a process that echoes take, one after the other, each after a pause;
/// fewer, if `goes_on` says no before the next.
///
/// # Errors
/// When the process cannot be reached or goes away.
pub async fn measure(
    endpoint: &Endpoint,
    to: SocketAddr,
    length: usize,
    times: usize,
    pause: Duration,
    goes_on: impl Fn() -> bool,
) -> anyhow::Result<Vec<Duration>> {
    let connection = endpoint.connect(to, COMMON_NAME)?.await.context("the echo process cannot be reached")?;
    let mut there = connection.open_uni().await?;
    let message = vec![0x5a; length.max(1)];
    let mut answer = vec![0; message.len()];
    there.write_all(&message).await?;
    let mut back = connection.accept_uni().await?;
    back.read_exact(&mut answer).await?;
    let mut taken = Vec::with_capacity(times);
    for _ in 0..times {
        if !goes_on() {
            break;
        }
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        let begun = Instant::now();
        there.write_all(&message).await?;
        back.read_exact(&mut answer).await?;
        taken.push(begun.elapsed());
    }
    Ok(taken)
}
