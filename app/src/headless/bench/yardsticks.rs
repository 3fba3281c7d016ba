//! What a run is measured against on the same machine: bare QUIC round trips between two processes, and a sync of its disk.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use cluster::Admission;
use cluster::interrupt::Interrupt;
use cluster::launcher::apart_from_the_terminal;
use node::control::{Duty, NodeConfig, NodeReport, Reach, read_frame, write_frame};
use node::transport::{limits, round_trip};
use protocol::ids::{Contact, NodeId};
use protocol::machine::Settings;

/// About the size of an order on the wire, in bytes.
const MESSAGE: usize = 140;
/// Syncs of the disk that are measured.
const SYNCS: usize = 31;
/// Written before each sync, in bytes: about what a round of orders would be.
const WRITTEN: usize = 4096;

/// In microseconds.
pub(super) fn median(mut trips: Vec<Duration>) -> f64 {
    trips.sort_unstable();
    trips.get(trips.len() / 2).map_or(0.0, |trip| (trip.as_nanos() as f64 / 100.0).round() / 10.0)
}

/// Measures bare round trips with a process that only sends back, over the same kind of endpoint.
/// Fewer, if the program is interrupted.
pub(super) fn round_trips(
    admission: &Admission,
    times: usize,
    pause: Duration,
    interrupt: &Interrupt,
) -> anyhow::Result<Vec<Duration>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut echo, contact) = start_echo(admission)?;
    let measured = runtime.block_on(async {
        let endpoint = limits::endpoint(([127, 0, 0, 1], 0).into(), &admission.credentials)?;
        round_trip::measure(&endpoint, contact.address, MESSAGE, times, pause, || !interrupt.is_asked()).await
    });
    let _ = echo.kill();
    echo.wait()?;
    measured
}

fn start_echo(admission: &Admission) -> anyhow::Result<(Child, Contact)> {
    let Admission { credentials, name_servers, clock, .. } = admission.clone();
    let program = std::env::current_exe().context("the program cannot find its own executable file")?;
    let mut command = Command::new(program);
    apart_from_the_terminal(&mut command);
    let mut echo = command
        .args(["node", "echo"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("the echo process cannot be started")?;
    let config = NodeConfig {
        name: "echo".into(),
        duty: Duty::Echo,
        id: NodeId(cluster::random()?),
        listen: ([127, 0, 0, 1], 0).into(),
        name_servers,
        settings: Settings::default(),
        credentials: Some(credentials),
        clock,
        links: Vec::new(),
        bomb: None,
        observe: false,
        reach: Reach::default(),
    };
    let (stdin, stdout) = (echo.stdin.as_mut(), echo.stdout.as_mut());
    let (stdin, stdout) = stdin.zip(stdout).context("the echo process has no pipes")?;
    write_frame(stdin, &config)?;
    match read_frame(stdout)? {
        Some(NodeReport::Ready { contact, .. }) => Ok((echo, contact)),
        other => {
            echo.kill()?;
            echo.wait()?;
            anyhow::bail!("the echo process did not start: {other:?}")
        }
    }
}

/// The median time of a sync of a file in this folder, in microseconds; none: the disk cannot be written to.
pub(super) fn sync(folder: &Path) -> Option<f64> {
    let path = folder.join("sync-to-measure");
    let measured = syncs(&path);
    // It is in the run's own folder: if it stays, that is no harm.
    let _ = std::fs::remove_file(&path);
    measured.ok().map(median)
}

fn syncs(path: &Path) -> std::io::Result<Vec<Duration>> {
    let mut file = File::create(path)?;
    let mut taken = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        file.write_all(&[0x5a; WRITTEN])?;
        let begun = Instant::now();
        file.sync_data()?;
        taken.push(begun.elapsed());
    }
    Ok(taken)
}
