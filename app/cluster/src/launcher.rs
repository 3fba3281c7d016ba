//! One process: started, told its settings and keys over its standard input, listened to, killed, waited for.
//!
//! What the reports mean, and which processes there are, is the supervisor's business. All processes are started by the
//! supervisor's thread: on Linux the parent of a child is the *thread* that started it, and with that thread the child is
//! killed.

use std::io::{BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::Context;
use node::arguments::NodeRole;
use node::control::{ControlCommand, NodeConfig, NodeReport, read_frame, write_frame};
use protocol::trace::{MachineEvent, NodeEvent, TraceEvent};

use super::incoming::{Incoming, ProcessKey};
use super::observer::Facts;

/// The most commands that may wait for a process that does not read.
const MOST_WAITING: usize = 256;
/// So much of a process's last words is kept, in bytes.
const MOST_WORDS: usize = 4096;

/// A running process. Dropping it kills it and waits for it.
#[derive(Debug)]
pub(super) struct Process {
    pub key: ProcessKey,
    child: Child,
    commands: Option<SyncSender<ControlCommand>>,
    words: Arc<Mutex<Vec<u8>>>,
}

impl Process {
    /// Starts `program node` and hands it its configuration. Its reports and its end come to `incoming`, its trace
    /// events go straight to `facts`. `spawned` is called when it lives and nobody knows.
    pub fn start(
        program: &Path,
        key: ProcessKey,
        config: NodeConfig,
        incoming: Sender<Incoming>,
        facts: Facts,
        spawned: impl FnOnce(),
    ) -> anyhow::Result<Self> {
        let name = config.name.clone();
        let mut command = Command::new(program);
        apart_from_the_terminal(&mut command);
        let mut child = command
            .arg("node")
            .arg(NodeRole::of(&config.duty).to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("{name} cannot be started from {}", program.display()))?;
        spawned();
        let (commands, waiting) = sync_channel(MOST_WAITING);
        let words = Arc::new(Mutex::new(Vec::new()));
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let process = Self { key, child, commands: Some(commands), words: words.clone() };
        if let (Some(stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) {
            let thread = |part: &str| thread::Builder::new().name(format!("{name} {part}"));
            thread("commands").spawn(move || speak(stdin, &config, &waiting))?;
            thread("words").spawn(move || keep_words(stderr, &words))?;
            thread("reports").spawn(move || listen(stdout, key, &incoming, &facts))?;
        }
        Ok(process)
    }

    /// Of the operating system.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Tells the process something, without waiting. False: it has not read for long, and is not told.
    pub fn tell(&self, command: ControlCommand) -> bool {
        self.commands.as_ref().is_some_and(|commands| commands.try_send(command).is_ok())
    }

    /// SIGSTOP: the process stands still, whatever it does.
    ///
    /// # Errors
    /// A sentence, where there is no such signal, or the process has just ended.
    pub fn stop(&self) -> anyhow::Result<()> {
        signal(&self.child, Standstill::Begins)
    }

    /// SIGCONT.
    ///
    /// # Errors
    /// As [`Self::stop`].
    pub fn go_on(&self) -> anyhow::Result<()> {
        signal(&self.child, Standstill::Ends)
    }

    /// SIGKILL, TerminateProcess. Its end is reported like any other.
    pub fn kill(&mut self) {
        // Fails only if it is dead already.
        let _ = self.child.kill();
    }

    /// After its standard output has ended: what became of it. A process that closed it but lives is of no use.
    pub(crate) fn reap(mut self) -> (Option<ExitStatus>, String) {
        let status = match self.child.try_wait() {
            Ok(Some(status)) => Some(status),
            Ok(None) | Err(_) => wait_briefly(&mut self.child),
        };
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        (status, String::from_utf8_lossy(&words).trim().to_owned())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.commands = None;
        self.kill();
        let _ = self.child.wait();
    }
}

/// In a process group of its own: what a terminal sends (Ctrl+C, its end) reaches the launcher only, which ends in order.
#[cfg(unix)]
pub fn apart_from_the_terminal(command: &mut Command) {
    std::os::unix::process::CommandExt::process_group(command, 0);
}

/// As on Unix.
#[cfg(windows)]
pub fn apart_from_the_terminal(command: &mut Command) {
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;
    std::os::windows::process::CommandExt::creation_flags(command, CREATE_NEW_PROCESS_GROUP);
}

enum Standstill {
    Begins,
    Ends,
}

#[cfg(unix)]
fn signal(child: &Child, standstill: Standstill) -> anyhow::Result<()> {
    use rustix::process::{Pid, Signal, kill_process};
    let signal = match standstill {
        Standstill::Begins => Signal::STOP,
        Standstill::Ends => Signal::CONT,
    };
    let pid = Pid::from_raw(child.id().cast_signed()).context("the process has no pid")?;
    // Not reaped yet, so nobody else has that number.
    kill_process(pid, signal).context("the signal cannot be sent")
}

#[cfg(not(unix))]
fn signal(_: &Child, _: Standstill) -> anyhow::Result<()> {
    anyhow::bail!("This operating system cannot suspend a process by signal. Use Freeze instead.")
}

/// The end of the output comes a moment before the end of the process: killing it at once would hide how it ended.
fn wait_briefly(child: &mut Child) -> Option<ExitStatus> {
    for _ in 0..100 {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        thread::sleep(std::time::Duration::from_millis(1));
    }
    let _ = child.kill();
    child.wait().ok()
}

/// Writes to the process until nobody has anything to tell it: dropping the pipe is its sign to end.
fn speak(mut stdin: ChildStdin, config: &NodeConfig, waiting: &Receiver<ControlCommand>) {
    // A write fails only when the process is gone; the listener reports that.
    if write_frame(&mut stdin, config).is_err() {
        return;
    }
    while let Ok(command) = waiting.recv() {
        if write_frame(&mut stdin, &command).is_err() {
            return;
        }
    }
}

fn listen(stdout: ChildStdout, key: ProcessKey, incoming: &Sender<Incoming>, facts: &Facts) {
    let mut pipe = BufReader::with_capacity(64 * 1024, stdout);
    // An error is the same as the end: the pipe is of no more use.
    while let Ok(Some(report)) = read_frame(&mut pipe) {
        match report {
            NodeReport::Trace { records, dropped } => {
                for event in records.iter().map(|record| &record.event).filter(|event| is_of_steering(event)) {
                    let _ = incoming.send(Incoming::Steered(key, event.clone()));
                }
                facts.count_dropped(dropped);
                facts.push(records);
            }
            report => {
                if incoming.send(Incoming::Reported(key, report)).is_err() {
                    return;
                }
            }
        }
    }
    let _ = incoming.send(Incoming::Ended(key));
}

/// Whether the launcher, too, has to remember it.
fn is_of_steering(event: &TraceEvent) -> bool {
    matches!(
        event,
        TraceEvent::Node(NodeEvent::Froze { .. } | NodeEvent::Woke | NodeEvent::Exploded { .. })
            | TraceEvent::Machine(MachineEvent::TookIn { .. })
    )
}

/// Reads the log so that the process never waits, and keeps its end.
fn keep_words(mut stderr: ChildStderr, words: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 1024];
    while let Ok(length @ 1..) = stderr.read(&mut buffer) {
        let mut words = words.lock().unwrap_or_else(PoisonError::into_inner);
        words.extend_from_slice(&buffer[..length]);
        let surplus = words.len().saturating_sub(MOST_WORDS);
        words.drain(..surplus);
    }
}
