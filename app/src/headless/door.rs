//! The door of a running cluster: how `status` and `customer` in other processes come to know it.
//!
//! Loopback only, and only for who can read the run's private folder: the password stands in a file of mode 0600
//! (RELIABILITY S17). One JSON request a line, one JSON answer. What is said is little and bounded. It cannot steer
//! anything, not even for the user who started the run: whoever knocks without the password, or wants something else than
//! to look or to order, is refused, and that is shown.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::status::report::StatusReport;
use crate::cluster::run_directory::write_private;
use crate::cluster::{Admission, Cluster, Inquirer};

/// The file in the run's folder that says where the door is.
const FILE: &str = "door.json";
/// The longest line either side accepts, in bytes.
const LONGEST_LINE: u64 = 1024 * 1024;
/// So many may stand in the door at once.
const MOST_VISITORS: usize = 16;
/// Who says nothing for so long is shown out.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the file says.
#[derive(Serialize, Deserialize)]
struct DoorFile {
    address: SocketAddr,
    password: String,
}

#[derive(Serialize, Deserialize)]
struct Request<W> {
    password: String,
    wants: W,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Wants {
    Status,
    Admission,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Response<T> {
    Ok(T),
    Refused(String),
}

/// Opens the door of a cluster and says in its folder where it is. It stays open as long as this process lives.
///
/// # Errors
/// When no port is free, or the folder cannot be written.
pub fn open(cluster: &Cluster) -> anyhow::Result<()> {
    let inquirer = cluster.inquirer();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port of the loopback is free")?;
    let password = format!("{:016x}{:016x}", crate::cluster::random()?, crate::cluster::random()?);
    let file = DoorFile { address: listener.local_addr()?, password: password.clone() };
    let visitors = Arc::new(AtomicUsize::new(0));
    thread::Builder::new().name("door".into()).spawn(move || {
        for visitor in listener.incoming().flatten() {
            if visitors.fetch_add(1, Ordering::Relaxed) >= MOST_VISITORS {
                visitors.fetch_sub(1, Ordering::Relaxed);
                continue;
            }
            let (inquirer, password, visitors) = (inquirer.clone(), password.clone(), visitors.clone());
            let _ = thread::Builder::new().name("visitor".into()).spawn(move || {
                // A visitor that goes away in the middle is nobody's problem.
                let _ = receive(&visitor, &inquirer, &password);
                visitors.fetch_sub(1, Ordering::Relaxed);
            });
        }
    })?;
    write_private(cluster.directory(), FILE, &serde_json::to_vec(&file)?)?;
    Ok(())
}

fn receive(visitor: &TcpStream, inquirer: &Inquirer, password: &str) -> anyhow::Result<()> {
    visitor.set_read_timeout(Some(PATIENCE))?;
    visitor.set_write_timeout(Some(PATIENCE))?;
    let mut line = String::new();
    BufReader::new(visitor.take(4096)).read_line(&mut line)?;
    let request = serde_json::from_str::<Request<serde_json::Value>>(&line).ok();
    let answer = match request.filter(|request| is_same(&request.password, password)) {
        None => {
            inquirer.turned_away("Somebody came to the door of this run without its password, and was refused.");
            serde_json::to_string(&Response::<()>::Refused("the password is wrong".into()))?
        }
        Some(request) => match serde_json::from_value(request.wants) {
            Ok(Wants::Status) => answer(StatusReport::of(inquirer))?,
            Ok(Wants::Admission) => answer(inquirer.admission())?,
            Err(_) => {
                inquirer.turned_away("Somebody wanted to steer this run from its door, and was refused.");
                let why = "the door is for looking and for ordering; only the launcher steers its cluster";
                serde_json::to_string(&Response::<()>::Refused(why.into()))?
            }
        },
    };
    let mut visitor = visitor;
    visitor.write_all(answer.as_bytes())?;
    visitor.write_all(b"\n")?;
    Ok(())
}

fn answer<T: Serialize>(value: anyhow::Result<T>) -> anyhow::Result<String> {
    let response = value.map_or_else(|error| Response::Refused(node::plain_words::chain(&error)), Response::Ok);
    Ok(serde_json::to_string(&response)?)
}

/// Takes as long for a nearly right password as for a wrong one.
fn is_same(one: &str, other: &str) -> bool {
    one.len() == other.len() && one.bytes().zip(other.bytes()).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

/// Asks a cluster in another process what its nodes are doing.
pub(super) fn status(run: &Path) -> anyhow::Result<StatusReport> {
    ask(run, Wants::Status)
}

/// Asks a cluster in another process for a customer's keys.
pub(super) fn admission(run: &Path) -> anyhow::Result<Admission> {
    ask(run, Wants::Admission)
}

fn ask<T: DeserializeOwned>(run: &Path, wants: Wants) -> anyhow::Result<T> {
    let path = run.join(FILE);
    let bytes = std::fs::read(&path)
        .with_context(|| format!("no cluster runs in {}: {} cannot be read", run.display(), path.display()))?;
    let door: DoorFile = serde_json::from_slice(&bytes).context("the door's file is damaged")?;
    if !door.address.ip().is_loopback() {
        bail!("the door's file names an address that is not on this machine");
    }
    let mut stream = TcpStream::connect_timeout(&door.address, PATIENCE)
        .with_context(|| format!("the cluster in {} has ended", run.display()))?;
    stream.set_read_timeout(Some(2 * PATIENCE))?;
    let request = serde_json::to_string(&Request { password: door.password, wants })?;
    stream.write_all(format!("{request}\n").as_bytes())?;
    let mut line = String::new();
    BufReader::new(stream.take(LONGEST_LINE)).read_line(&mut line)?;
    match serde_json::from_str(&line).context("the cluster's answer cannot be understood")? {
        Response::Ok(value) => Ok(value),
        Response::Refused(why) => Err(anyhow!("the cluster refused: {why}")),
    }
}
