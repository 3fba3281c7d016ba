//! A process on this machine: started, told its settings and keys over its standard input, listened to, killed, waited for.
//!
//! On Linux the parent of a child is the *thread* that started it, and with that thread the child is killed. What the
//! reports mean is not known here.

use std::io::{BufReader, Read};
use std::path::Path;
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::Context;
use node::arguments::NodeRole;
use node::control::{ControlCommand, NodeConfig, NodeReport, read_frame, write_frame};

use serde::{Deserialize, Serialize};

/// The most commands that may wait for a process that does not read.
pub(crate) const MOST_WAITING: usize = 256;

/// What the operating system does to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Signal {
    /// SIGSTOP: the process stands still, whatever it does.
    Stop,
    /// SIGCONT.
    GoOn,
    /// SIGKILL, TerminateProcess.
    Kill,
}

/// What became of a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HowEnded {
    /// Its exit status; none if it was killed.
    pub code: Option<i32>,
    /// The same in the system's words; none if nobody knows.
    pub status: Option<String>,
    /// The end of its log.
    pub words: String,
}

/// How glibc is told what its allocator is to do.
const TUNABLES: &str = "GLIBC_TUNABLES";
/// How many freed pieces of each size it keeps at hand: a round of a busy node frees hundreds of an order's, and of seven, as is usual,
/// most went through the heap. It saves an eighth of the processor time of an order with 64 or more customers, and costs no memory
/// that was not in use before. Other C libraries do not read this.
const PIECES_AT_HAND: &str = "glibc.malloc.tcache_count=2000";

/// So much of a process's last words is kept, in bytes.
const MOST_WORDS: usize = 4096;

/// A running child. Dropping it kills it and waits for it.
#[derive(Debug)]
pub(crate) struct Child {
    child: std::process::Child,
    commands: Option<SyncSender<ControlCommand>>,
    words: Arc<Mutex<Vec<u8>>>,
}

impl Child {
    /// Starts `program node` and hands it its configuration. `hear` is given each report, then none at the end; it
    /// returns false when nobody wants to hear more. `spawned` is called when the child lives and nobody knows.
    pub fn start(
        program: &Path,
        config: NodeConfig,
        hear: impl FnMut(Option<NodeReport>) -> bool + Send + 'static,
        spawned: impl FnOnce(),
    ) -> anyhow::Result<Self> {
        let name = config.name.clone();
        let mut command = Command::new(program);
        apart_from_the_terminal(&mut command);
        if std::env::var_os(TUNABLES).is_none() {
            command.env(TUNABLES, PIECES_AT_HAND);
        }
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
        let process = Self { child, commands: Some(commands), words: words.clone() };
        if let (Some(stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) {
            let thread = |part: &str| thread::Builder::new().name(format!("{name} {part}"));
            thread("commands").spawn(move || speak(stdin, &config, &waiting))?;
            thread("words").spawn(move || keep_words(stderr, &words))?;
            thread("reports").spawn(move || listen(stdout, hear))?;
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

    /// Sends it a signal. A kill is reported like any other end.
    ///
    /// # Errors
    /// A sentence, where there is no such signal, or the process has just ended.
    pub fn signal(&mut self, signal: Signal) -> anyhow::Result<()> {
        match signal {
            Signal::Kill => {
                // Fails only if it is dead already.
                let _ = self.child.kill();
                Ok(())
            }
            Signal::Stop | Signal::GoOn => send_signal(&self.child, signal),
        }
    }

    /// After its standard output has ended: what became of it. A process that closed it but lives is of no use.
    pub fn reap(mut self) -> HowEnded {
        let status = match self.child.try_wait() {
            Ok(Some(status)) => Some(status),
            Ok(None) | Err(_) => wait_briefly(&mut self.child),
        };
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        HowEnded {
            code: status.and_then(|status| status.code()),
            status: status.map(|status| status.to_string()),
            words: String::from_utf8_lossy(&words).trim().to_owned(),
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.commands = None;
        let _ = self.child.kill();
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

#[cfg(unix)]
fn send_signal(child: &std::process::Child, signal: Signal) -> anyhow::Result<()> {
    use rustix::process::{Pid, kill_process};
    let signal = match signal {
        Signal::Stop => rustix::process::Signal::STOP,
        Signal::GoOn => rustix::process::Signal::CONT,
        Signal::Kill => rustix::process::Signal::KILL,
    };
    let pid = Pid::from_raw(child.id().cast_signed()).context("the process has no pid")?;
    // Not reaped yet, so nobody else has that number.
    kill_process(pid, signal).context("the signal cannot be sent")
}

#[cfg(not(unix))]
fn send_signal(_: &std::process::Child, _: Signal) -> anyhow::Result<()> {
    anyhow::bail!("This operating system cannot suspend a process by signal. Use Freeze instead.")
}

/// The end of the output comes a moment before the end of the process: killing it at once would hide how it ended.
fn wait_briefly(child: &mut std::process::Child) -> Option<std::process::ExitStatus> {
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

fn listen(stdout: ChildStdout, mut hear: impl FnMut(Option<NodeReport>) -> bool) {
    let mut pipe = BufReader::with_capacity(64 * 1024, stdout);
    // An error is the same as the end: the pipe is of no more use.
    while let Ok(Some(report)) = read_frame(&mut pipe) {
        if !hear(Some(report)) {
            return;
        }
    }
    hear(None);
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
