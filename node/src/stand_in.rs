//! Stand-ins for the two postcode services: their paths, statuses and bodies, from the built-in data, without a network.
//!
//! Each runs in a process of its own, so that it can be crashed like any node. A stand-in can be told to misbehave while
//! it runs, as real services do. Every answer carries `X-Stand-In: 1`, and the proof that was asked for. It is for loopback: no HTTPS, no JSONP.

mod get_the_data;
mod misbehaviour;
mod postcodes_io;
pub mod proof;
mod visitors;

use std::convert::Infallible;

use axum::Json;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use protocol::postcode::PostcodeService;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::control::Misbehaviour;
use crate::gazetteer::Gazetteer;
use proof::{CHALLENGE, PROOF, StandInKey};

/// Largest request body that is read; a hundred postcodes have about 1 KiB.
const REQUEST_LIMIT: usize = 64 * 1024;

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
        .layer(DefaultBodyLimit::max(REQUEST_LIMIT))
        .layer(from_fn_with_state((service, behaviour), misbehaviour::perhaps))
        .layer(from_fn_with_state((service, key), label));
    // Read before the first question comes, or its answer would be late.
    Gazetteer::get();
    visitors::receive_all(listener, site).await
}

/// Says on every answer that it is a stand-in's, lets pages of any origin ask (as the real ones do), and answers the
/// question that browsers ask before they do.
async fn label(State((service, key)): State<(PostcodeService, StandInKey)>, request: Request, next: Next) -> Response {
    let challenge = request.headers().get(CHALLENGE).and_then(|challenge| challenge.to_str().ok());
    let proof = challenge.map(|challenge| key.proof(service, request.uri().path(), challenge));
    let mut response = match *request.method() {
        Method::OPTIONS => StatusCode::NO_CONTENT.into_response(),
        _ => next.run(request).await,
    };
    for (name, value) in [
        (HeaderName::from_static("x-stand-in"), "1"),
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (ACCESS_CONTROL_ALLOW_METHODS, "GET,POST,OPTIONS"),
        (ACCESS_CONTROL_ALLOW_HEADERS, "X-Requested-With, Content-Type, Accept, Origin"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
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
