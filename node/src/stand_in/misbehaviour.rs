//! The ways in which a service can fail its clients, so that an audience can see how the primary reacts.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use protocol::postcode::PostcodeService;
use serde_json::json;
use tokio::sync::watch;

use super::Reply;
use crate::control::Misbehaviour;

/// What a service that has too much to do asks for, in seconds.
const REST: HeaderValue = HeaderValue::from_static("1");

/// More than any answer of a stand-in.
const LONGEST_BODY: usize = 1024 * 1024;

/// Answers properly, or as the present behaviour demands.
pub(super) async fn perhaps(
    State((service, behaviour)): State<(PostcodeService, watch::Receiver<Misbehaviour>)>,
    request: Request,
    next: Next,
) -> Response {
    let behaviour = *behaviour.borrow();
    match behaviour {
        Misbehaviour::None => next.run(request).await,
        Misbehaviour::Slow(milliseconds) => {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            next.run(request).await
        }
        Misbehaviour::NotFound => not_found(service, &request).into_response(),
        Misbehaviour::TooManyRequests => {
            let body = json!({ "status": 429, "error": "Too many requests" });
            ([(RETRY_AFTER, REST)], Reply(StatusCode::TOO_MANY_REQUESTS, body)).into_response()
        }
        Misbehaviour::Broken => {
            let body = json!({ "status": 500, "error": "500 Server Error.\n" });
            Reply(StatusCode::INTERNAL_SERVER_ERROR, body).into_response()
        }
        // Dropped when the client gives up.
        Misbehaviour::Hangs => std::future::pending().await,
        Misbehaviour::HalfBody => half(next.run(request).await).await,
        Misbehaviour::NotJson => {
            ([(CONTENT_TYPE, "text/html")], "<html><body>Welcome! Please accept our terms.</body></html>")
                .into_response()
        }
    }
}

/// "No" in the words of each service: a wrong answer, not a missing one.
fn not_found(service: PostcodeService, request: &Request) -> Reply {
    let asked = request.uri().path().rsplit('/').next().unwrap_or_default().replace("%20", " ");
    Reply(
        StatusCode::NOT_FOUND,
        match service {
            PostcodeService::PostcodesIo => json!({ "status": 404, "error": "Postcode not found" }),
            PostcodeService::GetTheData => json!({ "status": "no_match", "input": asked }),
        },
    )
}

/// Announces the whole body, sends its first half, and breaks the connection.
async fn half(whole: Response) -> Response {
    let (mut head, body) = whole.into_parts();
    let body = to_bytes(body, LONGEST_BODY).await.unwrap_or_default();
    head.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    let half = body.slice(..body.len() / 2);
    let pieces = stream::unfold(Some(half), |piece| async move {
        match piece {
            Some(half) if !half.is_empty() => Some((Ok(half), Some(Bytes::new()))),
            Some(_) => {
                // Lets the first half leave before the connection breaks.
                tokio::task::yield_now().await;
                Some((Err(io::Error::other("half a body")), None))
            }
            None => None,
        }
    });
    Response::from_parts(head, Body::from_stream(pieces))
}
