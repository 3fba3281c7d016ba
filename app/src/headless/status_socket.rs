//! The status socket of a running cluster, by which `status` and `customer` in other processes come to know it. Where people
//! start the processes by hand, each has one, and at the name server's others also knock to be admitted.
//!
//! Loopback only, and only for those that can read the run's private folder: the password stands in a file of mode 0600.
//! One JSON request a line, one JSON answer. What is said is little and bounded. It cannot steer
//! anything, not even for the user who started the run: a request without the password, or for anything but the status
//! and being admitted, is refused, and that is shown.

mod connections;

use std::io::{BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use node::bounded_lines::BoundedLines;
use node::control::NodeConfig;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::status_report::StatusReport;
use cluster::by_hand::meeting_place::{Card, SocketFile};
use cluster::by_hand::{Guest, Knock};
use cluster::run_directory::{STATUS_SOCKET, read_private, write_private};
use cluster::{Admission, Cluster, Inquirer};
use connections::TimeLimited;

/// The longest answer that is read, in bytes.
const LONGEST_LINE: usize = 1024 * 1024;
/// How long a connection may take for its whole request, and then again for its answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a program waits that was not heard before it asks again.
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(20);
/// Refusals are shown at most this often: they must not fill the tape.
const BETWEEN_NOTICES: Duration = Duration::from_secs(1);

#[derive(Serialize, Deserialize)]
struct Request<W> {
    password: String,
    wants: W,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Wants {
    Status,
    /// A customer of a launcher's cluster.
    Admission,
    /// A node that a person started.
    Node(Knock),
    /// A customer that a person started.
    Guest(Knock),
}

/// The other side understood, and does not want to.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(in crate::headless) struct Refused(pub(in crate::headless) String);

/// What a status socket speaks for.
pub(in crate::headless) trait Host: Send + Sync + 'static {
    fn status(&self) -> anyhow::Result<StatusReport>;

    /// Keys for customers of a launcher's cluster.
    fn admission(&self) -> anyhow::Result<Admission> {
        bail!("only the name server's process issues keys, and only to a process that brings its own public key")
    }

    fn admit(&self, _: &Knock) -> anyhow::Result<NodeConfig> {
        bail!("a launcher starts all nodes of this cluster, so no other is admitted")
    }

    fn admit_guest(&self, _: &Knock) -> anyhow::Result<Guest> {
        bail!("only the name server's process admits customers")
    }

    /// Somebody was refused something.
    fn notice(&self, sentence: &str);
}

impl Host for Inquirer {
    fn status(&self) -> anyhow::Result<StatusReport> {
        StatusReport::of(self)
    }

    fn admission(&self) -> anyhow::Result<Admission> {
        Inquirer::admission(self)
    }

    fn notice(&self, sentence: &str) {
        self.turned_away(sentence);
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Response<T> {
    Ok(T),
    Refused(String),
}

/// Opens the status socket of a cluster and writes into its folder where it is. It stays open as long as this process lives.
///
/// # Errors
/// When no port is free, or the folder cannot be written.
pub fn open(cluster: &Cluster) -> anyhow::Result<()> {
    let file = open_for(cluster.inquirer())?;
    write_private(cluster.directory(), STATUS_SOCKET, &serde_json::to_vec(&file)?)?;
    Ok(())
}

/// Opens a status socket that stays open as long as this process lives; says where it is.
pub(super) fn open_for(host: impl Host) -> anyhow::Result<SocketFile> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free on the loopback address")?;
    let password = format!("{:016x}{:016x}", cluster::random()?, cluster::random()?);
    let file = SocketFile { address: listener.local_addr()?, password: password.clone() };
    let door = Door { host, password, noticed: Mutex::default() };
    thread::Builder::new()
        .name("status socket".into())
        .spawn(move || connections::receive_all(&listener, PATIENCE, door))?;
    Ok(file)
}

/// Answers those that know the password.
struct Door<H> {
    host: H,
    password: String,
    /// When a refusal was shown last.
    noticed: Mutex<Option<Instant>>,
}

impl<H: Host> connections::Respondent for Door<H> {
    fn knows(&self, line: &str) -> bool {
        self.request(line).is_some()
    }

    fn answer(&self, line: &str) -> String {
        let answer = match self.request(line).map(serde_json::from_value) {
            None => {
                self.notice("A program came to the status socket of this run without its password, and was refused.");
                refusal("the password is wrong")
            }
            Some(Ok(Wants::Status)) => answer(self.host.status()),
            Some(Ok(Wants::Admission)) => answer(self.host.admission()),
            Some(Ok(Wants::Node(knock))) => answer(self.host.admit(&knock)),
            Some(Ok(Wants::Guest(knock))) => answer(self.host.admit_guest(&knock)),
            Some(Err(_)) => {
                self.notice("A program wanted to steer this run through its status socket, and was refused.");
                refusal("the status socket is for reading and ordering; only the launcher can steer its cluster")
            }
        };
        // What cannot be written as JSON is not among the answers.
        answer.unwrap_or_default()
    }
}

impl<H: Host> Door<H> {
    /// What a line with the right password wants.
    fn request(&self, line: &str) -> Option<serde_json::Value> {
        let request = serde_json::from_str::<Request<serde_json::Value>>(line).ok()?;
        is_same(&request.password, &self.password).then_some(request.wants)
    }

    fn notice(&self, sentence: &str) {
        let mut noticed = self.noticed.lock().unwrap_or_else(PoisonError::into_inner);
        if noticed.is_none_or(|at| at.elapsed() >= BETWEEN_NOTICES) {
            *noticed = Some(Instant::now());
            self.host.notice(sentence);
        }
    }
}

fn answer<T: Serialize>(value: anyhow::Result<T>) -> serde_json::Result<String> {
    serde_json::to_string(&value.map_or_else(|error| Response::Refused(node::error_text::chain(&error)), Response::Ok))
}

fn refusal(why: &str) -> serde_json::Result<String> {
    serde_json::to_string(&Response::<()>::Refused(why.into()))
}

/// Takes as long for a nearly right password as for a wrong one.
fn is_same(one: &str, other: &str) -> bool {
    one.len() == other.len() && one.bytes().zip(other.bytes()).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

/// Asks a cluster in another process what its nodes are doing.
pub(super) fn status(run: &Path) -> anyhow::Result<StatusReport> {
    ask(&of_run(run)?, &format!("the cluster in {}", run.display()), Wants::Status)
}

/// Asks a cluster in another process for a customer's keys.
pub(super) fn admission(run: &Path) -> anyhow::Result<Admission> {
    ask(&of_run(run)?, &format!("the cluster in {}", run.display()), Wants::Admission)
}

/// Asks a process that a person started what it does.
pub(super) fn status_of(card: &Card) -> anyhow::Result<StatusReport> {
    ask(of_card(card)?, &card.name, Wants::Status)
}

/// Knocks at a name server's process, for a node.
pub(super) fn knock(name_server: &Card, knock: Knock) -> anyhow::Result<NodeConfig> {
    ask(of_card(name_server)?, "the name server", Wants::Node(knock))
}

/// Knocks at a name server's process, for a customer.
pub(super) fn knock_as_guest(name_server: &Card, knock: Knock) -> anyhow::Result<Guest> {
    ask(of_card(name_server)?, "the name server", Wants::Guest(knock))
}

fn of_run(run: &Path) -> anyhow::Result<SocketFile> {
    let bytes = read_private(run, STATUS_SOCKET).with_context(|| {
        format!("no cluster is running in {}: its file {STATUS_SOCKET} cannot be read", run.display())
    })?;
    serde_json::from_slice(&bytes).context("the status socket's file is damaged")
}

fn of_card(card: &Card) -> anyhow::Result<&SocketFile> {
    card.socket.as_ref().with_context(|| format!("{} cannot be asked yet", card.name))
}

fn ask<T: DeserializeOwned>(socket: &SocketFile, whom: &str, wants: Wants) -> anyhow::Result<T> {
    if !socket.address.ip().is_loopback() {
        bail!("the status socket's file names an address that is not on this machine");
    }
    let request = serde_json::to_string(&Request { password: socket.password.clone(), wants })?;
    let until = Instant::now() + 2 * PATIENCE;
    let line = loop {
        let mut stream =
            TcpStream::connect_timeout(&socket.address, PATIENCE).with_context(|| format!("{whom} has ended"))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let left = until.saturating_duration_since(Instant::now());
        let sent = stream.write_all(format!("{request}\n").as_bytes());
        let mut lines = BoundedLines::new(BufReader::new(TimeLimited::new(&stream, left)), LONGEST_LINE);
        match (sent, lines.next_text()) {
            (Ok(()), Ok(Some(line))) => break line.to_owned(),
            // Shown out before it was heard: many others came at the same time.
            _ if Instant::now() < until => thread::sleep(BETWEEN_ATTEMPTS),
            (sent, heard) => {
                sent.and(heard.map(drop)).with_context(|| format!("{whom} does not answer"))?;
                bail!("{whom} does not answer: too many programs are connected at the same time");
            }
        }
    };
    match serde_json::from_str(&line).with_context(|| format!("the answer of {whom} is not valid"))? {
        Response::Ok(value) => Ok(value),
        Response::Refused(why) => Err(Refused(why).into()),
    }
}
