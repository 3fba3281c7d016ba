//! A class of phones at a page that is open: each orders again and again, and measures how long it waits for its receipt.
//!
//! Usage: `classroom LINK [PHONES] [SECONDS BETWEEN ORDERS] [ROUNDS]`. The first orders, while everyone joins, do not count.

#![expect(clippy::print_stdout, reason = "what was measured is printed")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::{Value, json};

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let link = arguments.next().context("Usage: classroom LINK [PHONES] [SECONDS] [ROUNDS]")?;
    let mut number = |usual: u64| arguments.next().map_or(Ok(usual), |text| text.parse());
    let (phones, pause, rounds) = (number(200)?, Duration::from_secs(number(5)?), number(5)?);
    let begun = Instant::now();
    let threads: Vec<_> = (0..phones)
        .map(|phone| {
            let link = link.clone();
            std::thread::spawn(move || Phone::join(&link, phone)?.order(begun, phone, phones, pause, rounds))
        })
        .collect();
    let mut waits = Vec::new();
    let mut failed = 0;
    for thread in threads {
        match thread.join() {
            Ok(Ok(measured)) => waits.extend(measured),
            Ok(Err(why)) => {
                failed += 1;
                println!("a phone gave up: {why:#}");
            }
            Err(_) => failed += 1,
        }
    }
    waits.sort();
    let at = |part: usize| waits.get(waits.len() * part / 100).or(waits.last()).copied().unwrap_or_default();
    let (median, most, longest) = (at(50), at(95), waits.last().copied().unwrap_or_default());
    println!(
        "{} orders of {phones} phones, {failed} phones failed; wait: median {median:?}, 95 % {most:?}, longest {longest:?}",
        waits.len()
    );
    Ok(())
}

/// As a browser, it always waits for news on one connection, and asks on others.
struct Phone {
    asks: Asks,
    news: Receiver<Value>,
}

#[derive(Clone)]
struct Asks {
    host: String,
    path: String,
    session: String,
}

impl Phone {
    fn join(link: &str, number: u64) -> anyhow::Result<Self> {
        let (host, path) = link.strip_prefix("http://").and_then(|link| link.split_once('/')).context("no link")?;
        let mut asks = Asks { host: host.to_owned(), path: format!("/{path}"), session: String::new() };
        let home = ["DH1 3LE", "NE1 7RU", "EH1 1RE", "M1 1AE", "TA4 4JT", "AB54 7TA"][number as usize % 6];
        let joined = asks.post("join", &json!({"name": format!("Phone {number}"), "postcode": home}))?;
        asks.session = joined["session"].as_str().context("no session")?.to_owned();
        let (sender, news) = channel();
        let hears = asks.clone();
        // It ends when nobody wants to know any more, or when there is no page any more.
        std::thread::spawn(move || hears.hear(&sender));
        let phone = Self { asks, news };
        phone.until(|page| page["closed"].is_null())?;
        Ok(phone)
    }

    /// All phones together order once in each pause, spread over it.
    fn order(
        self,
        begun: Instant,
        number: u64,
        phones: u64,
        pause: Duration,
        rounds: u64,
    ) -> anyhow::Result<Vec<Duration>> {
        let mut waits = Vec::new();
        let mut last = Value::Null;
        for round in 1..=rounds {
            let due = begun + pause * round as u32 + pause * number as u32 / phones as u32;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let asked = Instant::now();
            self.asks.post("order", &json!({"postcode": "TA4 4JT", "items": ["Pad thai"]}))?;
            last = self.until(|page| page["open"].is_null() && page["receipts"][0] != last)?["receipts"][0].clone();
            waits.push(asked.elapsed());
        }
        Ok(waits)
    }

    fn until(&self, wanted: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        loop {
            let page = self.news.recv_timeout(Duration::from_secs(30)).context("no news")?;
            if wanted(&page) {
                return Ok(page);
            }
        }
    }
}

impl Asks {
    fn connect(&self) -> anyhow::Result<BufReader<TcpStream>> {
        let stream = TcpStream::connect(&self.host)?;
        stream.set_nodelay(true)?;
        Ok(BufReader::new(stream))
    }

    fn post(&self, what: &str, body: &Value) -> anyhow::Result<Value> {
        let (body, Self { host, path, session }) = (body.to_string(), self);
        let head = format!(
            "POST {path}{what} HTTP/1.1\r\nHost: {host}\r\nX-Session: {session}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let (status, answer) = exchange(&mut self.connect()?, &head)?;
        if status != 200 {
            bail!("{what}: {status} {answer}");
        }
        Ok(answer)
    }

    fn hear(&self, told: &Sender<Value>) -> anyhow::Result<()> {
        let (mut stream, mut version) = (self.connect()?, 0);
        loop {
            let Self { host, path, session } = self;
            let head = format!(
                "GET {path}news HTTP/1.1\r\nHost: {host}\r\nX-Session: {session}\r\nX-After: {version}\r\n\r\n"
            );
            match exchange(&mut stream, &head)? {
                (200, page) => {
                    version = page["version"].as_u64().unwrap_or_default();
                    told.send(page)?;
                }
                (204, _) => {}
                (status, page) => bail!("news: {status} {page}"),
            }
        }
    }
}

fn exchange(stream: &mut BufReader<TcpStream>, request: &str) -> anyhow::Result<(u16, Value)> {
    stream.get_mut().write_all(request.as_bytes())?;
    let (mut line, mut length) = (String::new(), 0);
    stream.read_line(&mut line)?;
    let status = line.split(' ').nth(1).context("no answer")?.parse()?;
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(number) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = number.trim().parse()?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
}
