//! Stand-ins for the two postcode services: what they say of one postcode, from the built-in data, without a network.
//!
//! Each runs in a process of its own, so that it can be crashed like any node. A stand-in can be told to misbehave while
//! it runs, as real services do. Every answer carries `X-Stand-In: 1`, and the proof that was asked for. Only what a
//! replica asks is answered; the services' other paths, HTTPS and access from web pages are left out.

mod get_the_data;
mod misbehaviour;
mod postcodes_io;

use std::convert::Infallible;
use std::net::SocketAddr;

use anyhow::Context;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use protocol::postcode::PostcodeService;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::control::Misbehaviour;
use crate::gazetteer::Gazetteer;
use crate::http_connections;
use crate::proof::{CHALLENGE, PROOF, StandInKey};

/// A replica needs one or two.
const MOST_CONNECTIONS: usize = 64;

/// Answers as `service` as long as it is awaited, and proves by `key` that it does; `behaviour` may change at any time and
/// holds for requests that come after that. Runs on whatever runtime it is awaited on, and answers several requests at once.
pub async fn serve(
    service: PostcodeService,
    key: StandInKey,
    listener: TcpListener,
    behaviour: watch::Receiver<Misbehaviour>,
) -> Infallible {
    let routes = match service {
        PostcodeService::PostcodesIo => postcodes_io::routes(),
        PostcodeService::GetTheData => get_the_data::routes(),
    };
    let site = routes
        .layer(from_fn_with_state((service, behaviour), misbehaviour::perhaps))
        .layer(from_fn_with_state((service, key), label));
    // Read before the first question comes, or its answer would be late.
    Gazetteer::get();
    http_connections::receive_all(listener, site, MOST_CONNECTIONS).await
}

/// Opens a port for [`serve`]. Must be called within a runtime.
///
/// # Errors
/// A sentence when the port is taken.
pub fn listener(listen: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener = std::net::TcpListener::bind(listen).with_context(|| {
        format!(
            "TCP port {listen} cannot be opened. Another program may be using it: end that program or choose another port"
        )
    })?;
    listener.set_nonblocking(true)?;
    Ok(TcpListener::from_std(listener)?)
}

/// Says on every answer that it is a stand-in's, and proves whose if the question has a challenge.
async fn label(State((service, key)): State<(PostcodeService, StandInKey)>, request: Request, next: Next) -> Response {
    let challenge = request.headers().get(CHALLENGE).and_then(|challenge| challenge.to_str().ok());
    let proof = challenge.map(|challenge| key.proof(service, request.uri().path(), challenge));
    let mut response = next.run(request).await;
    response.headers_mut().insert("x-stand-in", HeaderValue::from_static("1"));
    if let Some(proof) = proof.and_then(|proof| HeaderValue::try_from(proof).ok()) {
        response.headers_mut().insert(PROOF, proof);
    }
    response
}

/// A status and a JSON body.
struct Reply(StatusCode, Value);

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        (self.0, Json(self.1)).into_response()
    }
}

#[cfg(test)]
mod tests;
