//! Connections of browsers and other programs by HTTP: how many, how long a request may take, and which gives way.
//!
//! Anybody can connect without a key, so what one connection can hold is bounded. What is asked and answered is not known here.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tower_service::Service;

/// How long the head of a request may take to come (no body is read), and how long a connection may rest between two.
const SLOWEST: Duration = Duration::from_secs(5);
/// If no connection can be taken, because the process has no more handles, the next attempt comes after this.
const REST: Duration = Duration::from_millis(50);

/// Answers every request, on at most `most` connections at a time: when one more comes, that of least use gives way. It ends
/// with the runtime.
pub async fn receive_all(listener: TcpListener, site: Router, most: usize) -> Infallible {
    let connections = Connections::default();
    for number in 0.. {
        let stream = loop {
            match listener.accept().await {
                Ok((stream, _)) => break stream,
                // The other side has gone already.
                Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted) => {}
                Err(_) => tokio::time::sleep(REST).await,
            }
        };
        connections.make_room(most);
        connections.receive(number, stream, &site);
    }
    std::future::pending().await
}

/// What a connection is used for, the least useful first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Doing {
    /// Has never asked.
    Nothing,
    /// Has asked before.
    Resting,
    Asking,
}

struct Connection {
    doing: Doing,
    since: Instant,
    task: AbortHandle,
}

#[derive(Clone, Default)]
struct Connections(Arc<Mutex<BTreeMap<u64, Connection>>>);

impl Connections {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Connection>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn receive(&self, number: u64, stream: TcpStream, site: &Router) {
        let (connections, site) = (self.clone(), site.clone());
        let service = service_fn(move |request: Request<Incoming>| {
            connections.asks(number);
            let (connections, mut site) = (connections.clone(), site.clone());
            async move {
                let answer = site.call(request).await;
                connections.rests(number);
                answer
            }
        });
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(SLOWEST)
            .serve_connection(TokioIo::new(stream), service);
        let connections = self.clone();
        // It leaves the list only after it was put there.
        let mut all = self.lock();
        let task = tokio::spawn(async move {
            // How it ended does not matter.
            drop(served.await);
            connections.lock().remove(&number);
        });
        let (doing, since) = (Doing::Nothing, Instant::now());
        all.insert(number, Connection { doing, since, task: task.abort_handle() });
    }

    /// The oldest of those of least use gives way.
    fn make_room(&self, most: usize) {
        let mut all = self.lock();
        while all.len() >= most {
            let least = all.iter().min_by_key(|(number, connection)| (connection.doing, connection.since, **number));
            let Some(oldest) = least.map(|(number, _)| *number).and_then(|number| all.remove(&number)) else { break };
            oldest.task.abort();
        }
    }

    fn asks(&self, number: u64) {
        if let Some(connection) = self.lock().get_mut(&number) {
            connection.doing = Doing::Asking;
        }
    }

    fn rests(&self, number: u64) {
        if let Some(connection) = self.lock().get_mut(&number) {
            (connection.doing, connection.since) = (Doing::Resting, Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const MOST: usize = 64;

    async fn site() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let site = Router::new().route("/", get(async || "yes"));
        tokio::spawn(async move { match receive_all(listener, site, MOST).await {} });
        address
    }

    async fn connected(address: SocketAddr, says: &str) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(says.as_bytes()).await.unwrap();
        stream
    }

    /// What it is told until its connection ends.
    async fn told(mut stream: TcpStream) -> String {
        let mut answer = Vec::new();
        // One that gives way may be reset.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    #[tokio::test]
    async fn idle_connections_keep_no_other_out() {
        let address = site().await;
        let mut idle = Vec::new();
        for _ in 0..4 * MOST {
            idle.push(connected(address, "G").await);
        }
        let asked = connected(address, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
        assert!(told(asked).await.ends_with("yes"));
        // All but as many as may stay were shown out.
        for stream in idle.drain(..3 * MOST) {
            assert_eq!(told(stream).await, "");
        }
    }

    /// Time goes on by itself whenever nothing else happens.
    #[tokio::test(start_paused = true)]
    async fn what_is_not_there_in_time_is_not_waited_for() {
        let address = site().await;
        for half in [
            "",
            "GET / HTTP/1.1\r\nHost:",
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab",
            "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        ] {
            let begun = Instant::now();
            let answer = told(connected(address, half).await).await;
            assert!(begun.elapsed() < 3 * SLOWEST, "{half}: {answer}");
        }
    }

    #[tokio::test]
    async fn the_oldest_of_least_use_gives_way() {
        let (connections, now) = (Connections::default(), Instant::now());
        let add = |number: u64, doing: Doing| {
            let task = tokio::spawn(std::future::pending::<()>()).abort_handle();
            connections.lock().insert(number, Connection { doing, since: now, task });
        };
        let numbers = || connections.lock().keys().copied().collect::<Vec<_>>();
        for number in 0..MOST as u64 {
            add(number, if number % 2 == 0 { Doing::Nothing } else { Doing::Resting });
        }
        connections.asks(0);
        connections.asks(1);
        connections.make_room(MOST);
        assert_eq!(numbers(), (0..2).chain(3..MOST as u64).collect::<Vec<_>>(), "the first that never asked");
        connections.lock().retain(|number, _| *number < 4);
        (0..MOST as u64 - 3).for_each(|more| add(100 + more, Doing::Asking));
        connections.make_room(MOST);
        assert!(numbers().starts_with(&[0, 1, 100]), "those that ask stay, however old: {:?}", numbers());
    }
}
