//! Redis and etcd, each as three processes on this machine, without a disk.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Found;
use crate::load::{Customer, ORDER, Server, free_port, measure};

/// How long a server may take to start.
const START: Duration = Duration::from_secs(20);

/// None: it is not installed.
fn start(program: &str, arguments: &[String], folder: &Path) -> Option<Server> {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().ok().map(Server)
}

/// A folder in memory, where there is one.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

/// A connection, and what was read and not used.
struct Line {
    stream: TcpStream,
    bytes: Vec<u8>,
}

impl Line {
    async fn to(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, bytes: Vec::new() }
    }

    /// Asks, and reads until the answer is whole.
    async fn ask(&mut self, question: &[u8], is_whole: impl Fn(&[u8]) -> bool) {
        self.stream.write_all(question).await.unwrap();
        self.bytes.clear();
        while !is_whole(&self.bytes) {
            let read = self.stream.read_buf(&mut self.bytes).await.unwrap();
            assert!(read > 0, "the server has closed the connection");
        }
    }
}

/// An order is a key of its own, and waits for both replicas.
struct OfRedis(Line);

impl Customer for OfRedis {
    async fn order(&mut self, number: u64) {
        let value = "x".repeat(ORDER - 16);
        let question = format!("SET {number:016x} {value}\r\nWAIT 2 0\r\n");
        self.0.ask(question.as_bytes(), |answer| answer.ends_with(b":2\r\n")).await;
    }
}

pub fn redis(customers: u32, lasts: Duration) -> Option<Found> {
    let folder = folder();
    let ports = [free_port(), free_port(), free_port()];
    let mut servers = Vec::new();
    for port in ports {
        let own = folder.path().join(port.to_string());
        std::fs::create_dir(&own).unwrap();
        let mut arguments =
            words(&format!("--port {port} --bind 127.0.0.1 --appendonly no --repl-diskless-sync-delay 0"));
        arguments.extend(["--save".into(), String::new()]);
        if port != ports[0] {
            arguments.extend(words(&format!("--replicaof 127.0.0.1 {}", ports[0])));
        }
        servers.push(start("redis-server", &arguments, &own)?);
    }
    until(|| {
        let asked = Command::new("redis-cli").args(words(&format!("-p {} info replication", ports[0]))).output();
        String::from_utf8_lossy(&asked.unwrap().stdout).matches("state=online").count() == 2
    });
    let processes: Vec<u32> = servers.iter().map(|server| server.0.id()).collect();
    Some(measure(customers, lasts, &processes, async move |_| OfRedis(Line::to(ports[0]).await)))
}

fn until(is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < START, "the server has not started");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// An order is a key of its own, acknowledged by most members.
struct OfEtcd(Line);

impl Customer for OfEtcd {
    async fn order(&mut self, number: u64) {
        // Key and value in base64, as the gateway wants them.
        let body = format!("{{\"key\":\"{number:016x}\",\"value\":\"{}\"}}", "eHh4".repeat((ORDER - 16) / 3));
        let head = format!("POST /v3/kv/put HTTP/1.1\r\nHost: etcd\r\nContent-Length: {}\r\n\r\n", body.len());
        let is_whole = |answer: &[u8]| {
            assert!(answer.len() < 12 || answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(answer));
            answer.ends_with(b"}}") || answer.ends_with(b"}}\n")
        };
        self.0.ask(format!("{head}{body}").as_bytes(), is_whole).await;
    }
}

pub fn etcd(customers: u32, lasts: Duration) -> Option<Found> {
    let folder = folder();
    let ports = [(); 3].map(|()| (free_port(), free_port()));
    let name = |at: usize| format!("member-{at}");
    let peers: Vec<String> =
        ports.iter().enumerate().map(|(at, (_, peer))| format!("{}=http://127.0.0.1:{peer}", name(at))).collect();
    let mut servers = Vec::new();
    for (at, (client, peer)) in ports.iter().enumerate() {
        let (client, peer) = (format!("http://127.0.0.1:{client}"), format!("http://127.0.0.1:{peer}"));
        let arguments = words(&format!(
            "--name {} --data-dir data-{at} --listen-client-urls {client} --advertise-client-urls {client} \
             --listen-peer-urls {peer} --initial-advertise-peer-urls {peer} --initial-cluster {} --log-level error",
            name(at),
            peers.join(","),
        ));
        servers.push(start("etcd", &arguments, folder.path())?);
    }
    let port = ports[0].0;
    until(|| {
        use std::io::{Read, Write};
        let asked = std::net::TcpStream::connect(("127.0.0.1", port)).and_then(|mut stream| {
            stream.write_all(b"GET /health HTTP/1.0\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).map(|_| answer)
        });
        asked.is_ok_and(|answer| answer.contains("\"true\""))
    });
    let processes: Vec<u32> = servers.iter().map(|server| server.0.id()).collect();
    Some(measure(customers, lasts, &processes, async move |_| OfEtcd(Line::to(port).await)))
}
