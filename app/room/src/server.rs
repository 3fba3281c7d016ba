//! The page over HTTP: its three files, what a phone is shown, and what it asks for.
//!
//! Everything is below the token of the link; elsewhere there is nothing. Every answer forbids the browser to load anything from
//! elsewhere, to be framed, and to keep it. News are waited for by one request that stays open until there are some.

use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use node::gazetteer::Gazetteer;
use node::http_connections;
use protocol::menu::menu;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::Shared;
use crate::limits::Bucket;
use crate::phones::{LONGEST_NAME, Refusal, Wish};

/// Fifty dishes with the longest names there may be.
const LONGEST_BODY: usize = 8 * 1024;
/// How long a body may take to come.
const SLOWEST_BODY: Duration = Duration::from_secs(5);
/// A request for news is answered after this, even if there are none: what lies between may cut a silent connection.
const NO_NEWS: Duration = Duration::from_secs(20);
/// Requests a second, of all phones together.
const MOST_REQUESTS: u32 = 4000;
/// In which a phone says who it is.
const SESSION: &str = "x-session";
/// In which it says what it has been shown already.
const AFTER: &str = "x-after";

/// What a browser may do with what it is sent.
const HEADERS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// A thread that serves the page. Dropping it ends all connections.
pub(crate) struct Server {
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub fn start(token: &str, shared: Arc<Shared>, listener: TcpListener, most: usize) -> anyhow::Result<Self> {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let site = site(token, shared);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("room".into()).spawn(move || {
            runtime.block_on(async {
                let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
                // Each phone waits for news on one connection and asks on another.
                let connections = 2 * most + 64;
                tokio::select! {
                    never = http_connections::receive_all(listener, site, connections) => match never {},
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn site(token: &str, shared: Arc<Shared>) -> Router {
    const HTML: &str = "text/html; charset=utf-8";
    const CSS: &str = "text/css; charset=utf-8";
    const JS: &str = "text/javascript; charset=utf-8";
    let at = |path: &str| format!("/{token}/{path}");
    let file =
        |kind: &'static str, text: &'static str| get(move || async move { ([(header::CONTENT_TYPE, kind)], text) });
    let all = Arc::new(Mutex::new(Bucket::full(MOST_REQUESTS, Duration::from_secs(1) / MOST_REQUESTS)));
    Router::new()
        .route(&at(""), file(HTML, include_str!("../../../resources/room/room.html")))
        .route(&at("room.css"), file(CSS, include_str!("../../../resources/room/room.css")))
        .route(&at("room.js"), file(JS, include_str!("../../../resources/room/room.js")))
        .route(&at("menu"), get(show_menu))
        .route(&at("news"), get(news))
        .route(&at("join"), post(join))
        .route(&at("order"), post(order))
        .route(&at("history"), post(history))
        .route(&at("cancel"), post(cancel))
        .route(&at("vote"), post(vote))
        .route(&at("leave"), post(leave))
        .fallback(async || Refusal(404, wording::ROOM_WRONG_LINK.into()))
        .layer(from_fn_with_state(all, not_too_many))
        .layer(from_fn(protect))
        .with_state(shared)
}

type Phones = State<Arc<Shared>>;

/// All phones together are too fast.
async fn not_too_many(State(all): State<Arc<Mutex<Bucket>>>, request: Request, next: Next) -> Response {
    let may = all.lock().unwrap_or_else(PoisonError::into_inner).takes(Instant::now());
    if may { next.run(request).await } else { Refusal(429, wording::ROOM_TOO_FAST.into()).into_response() }
}

async fn protect(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0).unwrap_or(StatusCode::BAD_REQUEST);
        (status, axum::Json(json!({"says": self.1}))).into_response()
    }
}

/// What can be ordered, and a postcode for who has no idea: nobody need type a real address.
async fn show_menu() -> axum::Json<Value> {
    let dishes: Vec<_> = menu().iter().map(|dish| json!({"name": dish.name, "pence": dish.pence})).collect();
    let listed = Gazetteer::get().listed();
    let places = listed.size_hint().0.max(1) as u64;
    let any = cluster::random().unwrap_or_default() % places;
    let suggestion = Gazetteer::get().listed().nth(any as usize).map(|postcode| postcode.to_string());
    axum::Json(json!({"dishes": dishes, "suggestion": suggestion, "longest_name": LONGEST_NAME}))
}

/// The present page of a phone, once it is newer than the one it has.
async fn news(State(shared): Phones, headers: HeaderMap) -> Result<Response, Refusal> {
    let after = headers.get(AFTER).and_then(|after| after.to_str().ok()?.parse().ok()).unwrap_or(0);
    let mut page = shared.phones().look(session(&headers)?, Instant::now())?;
    // What comes after the phone has gone is shown to nobody.
    let newer = tokio::time::timeout(NO_NEWS, page.wait_for(|page| page.version != after && page.version > 0)).await;
    let json = match newer {
        Ok(Ok(page)) => page.json.to_string(),
        Ok(Err(_)) | Err(_) => return Ok(StatusCode::NO_CONTENT.into_response()),
    };
    Ok(([(header::CONTENT_TYPE, "application/json")], json).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Joining {
    name: String,
    postcode: String,
}

async fn join(State(shared): Phones, request: Request) -> Result<axum::Json<Value>, Refusal> {
    let Joining { name, postcode } = body(request).await?;
    let session = shared.phones().join(&name, &postcode, Instant::now())?;
    shared.wake();
    Ok(axum::Json(json!({"session": session})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ordering {
    postcode: String,
    items: Vec<String>,
}

async fn order(State(shared): Phones, request: Request) -> Result<axum::Json<Value>, Refusal> {
    asked(&shared, request, |Ordering { postcode, items }| Wish::Order { postcode, items }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reading {
    postcode: String,
    #[serde(default)]
    page: u32,
}

async fn history(State(shared): Phones, request: Request) -> Result<axum::Json<Value>, Refusal> {
    asked(&shared, request, |Reading { postcode, page }| Wish::History { postcode, page }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Voted {
    ballot: String,
    choice: u64,
}

async fn vote(State(shared): Phones, request: Request) -> Result<axum::Json<Value>, Refusal> {
    asked(&shared, request, |Voted { ballot, choice }| Wish::Vote { ballot, choice }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

async fn cancel(State(shared): Phones, request: Request) -> Result<axum::Json<Value>, Refusal> {
    asked(&shared, request, |Nothing {}| Wish::Cancel).await
}

async fn leave(State(shared): Phones, request: Request) -> Result<axum::Json<Value>, Refusal> {
    asked(&shared, request, |Nothing {}| Wish::Leave).await
}

/// A phone that has joined asks for something.
async fn asked<T: DeserializeOwned>(
    shared: &Shared,
    request: Request,
    wish: impl FnOnce(T) -> Wish,
) -> Result<axum::Json<Value>, Refusal> {
    let session = session(request.headers())?.to_owned();
    let wish = wish(body(request).await?);
    shared.phones().ask(&session, wish, Instant::now())?;
    shared.wake();
    Ok(axum::Json(json!({})))
}

fn session(headers: &HeaderMap) -> Result<&str, Refusal> {
    let session = headers.get(SESSION).and_then(|session| session.to_str().ok());
    session.ok_or_else(|| Refusal(401, wording::ROOM_JOIN_FIRST.into()))
}

/// What the page sends: JSON, called so. A form of another site cannot call its text that.
async fn body<T: DeserializeOwned>(request: Request) -> Result<T, Refusal> {
    let not_understood = |status| Refusal(status, wording::ROOM_NOT_UNDERSTOOD.into());
    if request.headers().get(header::CONTENT_TYPE).is_none_or(|kind| kind != "application/json") {
        return Err(not_understood(415));
    }
    let bytes = in_time(axum::body::to_bytes(request.into_body(), LONGEST_BODY)).await;
    let bytes: Bytes = bytes.ok_or_else(|| not_understood(408))?.map_err(|_| not_understood(413))?;
    serde_json::from_slice(&bytes).map_err(|_| not_understood(400))
}

async fn in_time<T>(what: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(SLOWEST_BODY, what).await.ok()
}
