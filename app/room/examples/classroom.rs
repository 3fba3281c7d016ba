//! A class of phones at a page that is open: each orders again and again, and measures how long it waits for its receipt.
//!
//! Usage: `classroom LINK [PHONES] [SECONDS BETWEEN ORDERS] [ROUNDS]`. The first orders, while everyone joins, do not count.

#![expect(clippy::print_stdout, reason = "what was measured is printed")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
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

/// Two connections, as a browser has: one that waits for news, one that asks.
struct Phone {
    host: String,
    path: String,
    session: String,
    asks: BufReader<TcpStream>,
    hears: BufReader<TcpStream>,
    version: u64,
}

impl Phone {
    fn join(link: &str, number: u64) -> anyhow::Result<Self> {
        let (host, path) = link.strip_prefix("http://").and_then(|link| link.split_once('/')).context("no link")?;
        let connect = || -> anyhow::Result<_> {
            let stream = TcpStream::connect(host)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(Duration::from_secs(60)))?;
            Ok(BufReader::new(stream))
        };
        let (asks, hears) = (connect()?, connect()?);
        let (host, path, session) = (host.to_owned(), format!("/{path}"), String::new());
        let mut phone = Self { host, path, session, asks, hears, version: 0 };
        let home = ["DH1 3LE", "NE1 7RU", "EH1 1RE", "M1 1AE", "TA4 4JT", "AB54 7TA"][number as usize % 6];
        let joined = phone.post("join", &json!({"name": format!("Phone {number}"), "postcode": home}))?;
        phone.session = joined["session"].as_str().context("no session")?.to_owned();
        phone.news(|page| page["closed"].is_null())?;
        Ok(phone)
    }

    /// All phones together order once in each pause, spread over it.
    fn order(
        mut self,
        begun: Instant,
        number: u64,
        phones: u64,
        pause: Duration,
        rounds: u64,
    ) -> anyhow::Result<Vec<Duration>> {
        let mut waits = Vec::new();
        for round in 1..=rounds {
            let due = begun + pause * round as u32 + pause * number as u32 / phones as u32;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let asked = Instant::now();
            self.post("order", &json!({"postcode": "TA4 4JT", "items": ["Pad thai"]}))?;
            let placed =
                |page: &Value| page["receipts"].as_array().is_some_and(|all| all.len() as u64 >= round.min(12));
            self.news(|page| page["open"].is_null() && placed(page))?;
            waits.push(asked.elapsed());
        }
        Ok(waits)
    }

    fn post(&mut self, what: &str, body: &Value) -> anyhow::Result<Value> {
        let (body, Self { host, path, session, .. }) = (body.to_string(), &*self);
        let head = format!(
            "POST {path}{what} HTTP/1.1\r\nHost: {host}\r\nX-Session: {session}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let (status, answer) = exchange(&mut self.asks, &head)?;
        if status != 200 {
            bail!("{what}: {status} {answer}");
        }
        Ok(answer)
    }

    /// Hears news until they are these.
    fn news(&mut self, wanted: impl Fn(&Value) -> bool) -> anyhow::Result<()> {
        loop {
            let Self { host, path, session, version, .. } = &*self;
            let head = format!(
                "GET {path}news HTTP/1.1\r\nHost: {host}\r\nX-Session: {session}\r\nX-After: {version}\r\n\r\n"
            );
            let (status, page) = exchange(&mut self.hears, &head)?;
            match status {
                200 => self.version = page["version"].as_u64().unwrap_or_default(),
                204 => continue,
                _ => bail!("news: {status} {page}"),
            }
            if wanted(&page) {
                return Ok(());
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
