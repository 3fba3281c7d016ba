//! Three members of etcd on this machine, for one run: what tests and scenarios kill and freeze.
//!
//! Their data lie in a temporary folder. They end with this program, however it ends: each has a shell for a parent that
//! waits for the end of its input. This is no way to run etcd for anything else.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use node::control::EtcdAccess;

use crate::NotStarted;
use crate::launcher::apart_from_the_terminal;

/// How many there are: one may die.
pub const MEMBERS: usize = 3;
/// The shell tells the process it has started, and kills it when nobody is there any more to tell it anything.
const KEEPER: &str = r#"log="$1"; shift; etcd "$@" >>"$log" 2>&1 & echo $!; read -r _; kill -9 $!; wait"#;
/// They have elected a leader within so long, usually in a second.
const LONGEST_START: Duration = Duration::from_secs(15);
const BETWEEN_GLANCES: Duration = Duration::from_millis(20);
/// A sign that a port that was free a moment ago is taken now.
const ATTEMPTS: usize = 3;

/// All three.
pub struct OwnEtcd {
    members: [Member; MEMBERS],
    // Last: it goes when they are gone.
    folder: tempfile::TempDir,
}

struct Member {
    client: u16,
    peer: u16,
    running: Option<Running>,
}

/// One process of etcd, which ends when this is dropped.
pub struct Running {
    keeper: Child,
    /// As long as it is open, the member lives.
    input: Option<ChildStdin>,
    pid: i32,
}

impl Running {
    /// Starts etcd with these arguments; what it says goes to the end of the file `log`.
    ///
    /// # Errors
    /// When it cannot be started. One that ends at once says why in the log.
    pub fn start<S: AsRef<OsStr>>(log: &Path, arguments: impl IntoIterator<Item = S>) -> anyhow::Result<Self> {
        let mut command = Command::new("sh");
        apart_from_the_terminal(&mut command);
        command.args(["-c", KEEPER, "etcd-keeper"]).arg(log).args(arguments);
        let mut keeper = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let (input, said) = (keeper.stdin.take(), keeper.stdout.take());
        let mut line = String::new();
        BufReader::new(said.context("the shell has no output")?).read_line(&mut line)?;
        let Ok(pid) = line.trim().parse() else { bail!("etcd cannot be started.") };
        Ok(Self { keeper, input, pid })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.keeper.wait();
    }
}

impl OwnEtcd {
    /// Starts them and waits until they can keep a record.
    ///
    /// # Errors
    /// [`NotStarted::NoEtcd`] where it is not installed.
    pub fn start() -> anyhow::Result<Self> {
        let version = Command::new("etcd").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if version.is_err() {
            return Err(NotStarted::NoEtcd.into());
        }
        let mut attempt = 1;
        loop {
            match Self::try_start() {
                Err(_) if attempt < ATTEMPTS => attempt += 1,
                outcome => return outcome,
            }
        }
    }

    fn try_start() -> anyhow::Result<Self> {
        let listeners: Vec<TcpListener> =
            (0..2 * MEMBERS).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).collect::<Result<_, _>>()?;
        let ports: Vec<u16> =
            listeners.iter().map(|free| free.local_addr().map(|at| at.port())).collect::<Result<_, _>>()?;
        drop(listeners);
        let member = |at: usize| Member { client: ports[2 * at], peer: ports[2 * at + 1], running: None };
        let folder = tempfile::Builder::new().prefix("just-hungry-etcd-").tempdir()?;
        let mut all = Self { members: std::array::from_fn(member), folder };
        for at in 0..MEMBERS {
            all.restart(at)?;
        }
        let begun = std::time::Instant::now();
        while all.leader().is_none() {
            ensure!(begun.elapsed() < LONGEST_START, "The members of etcd have elected no leader in time.");
            std::thread::sleep(BETWEEN_GLANCES);
        }
        Ok(all)
    }

    /// How name servers reach them; the key and the cluster are missing.
    #[must_use]
    pub fn access(&self) -> EtcdAccess {
        let endpoints = self.members.iter().map(|member| format!("http://127.0.0.1:{}", member.client)).collect();
        EtcdAccess::at(endpoints)
    }

    /// Where a member answers.
    #[must_use]
    pub fn address(&self, at: usize) -> (Ipv4Addr, u16) {
        (Ipv4Addr::LOCALHOST, self.members[at].client)
    }

    /// The first `wanted` of them run from now on, and the others are killed.
    ///
    /// # Errors
    /// When one cannot be started.
    pub fn keep(&mut self, wanted: usize) -> anyhow::Result<()> {
        for at in 0..MEMBERS {
            match at < wanted {
                true if self.members[at].running.is_none() => self.restart(at)?,
                true => {}
                false => self.kill(at),
            }
        }
        Ok(())
    }

    /// Kills a member (SIGKILL).
    pub fn kill(&mut self, at: usize) {
        self.members[at].running = None;
    }

    /// Starts a member, with what it had.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn restart(&mut self, at: usize) -> anyhow::Result<()> {
        self.kill(at);
        let url = |port: u16| format!("http://127.0.0.1:{port}");
        let (name, folder) = (format!("m{at}"), self.folder.path().join(format!("m{at}")).display().to_string());
        let all = self.members.iter().enumerate();
        let all: Vec<String> = all.map(|(at, member)| format!("m{at}={}", url(member.peer))).collect();
        let Member { client, peer, .. } = &self.members[at];
        let (client, peer, log) = (url(*client), url(*peer), self.folder.path().join(format!("m{at}.log")));
        let arguments = [
            ["--name", &name],
            ["--data-dir", &folder],
            ["--listen-client-urls", &client],
            ["--advertise-client-urls", &client],
            ["--listen-peer-urls", &peer],
            ["--initial-advertise-peer-urls", &peer],
            ["--initial-cluster", &all.join(",")],
            ["--logger", "zap"],
            ["--heartbeat-interval", "50"],
            ["--election-timeout", "500"],
        ];
        self.members[at].running = Some(Running::start(&log, arguments.as_flattened())?);
        Ok(())
    }

    /// A member stands still (SIGSTOP).
    ///
    /// # Errors
    /// When it does not run.
    pub fn freeze(&self, at: usize) -> anyhow::Result<()> {
        self.signal(at, Sign::Stop)
    }

    /// A member goes on.
    ///
    /// # Errors
    /// When it does not run.
    pub fn wake(&self, at: usize) -> anyhow::Result<()> {
        self.signal(at, Sign::GoOn)
    }

    #[cfg(unix)]
    fn signal(&self, at: usize, sign: Sign) -> anyhow::Result<()> {
        use rustix::process::{Pid, Signal, kill_process};
        let pid = self.members[at].running.as_ref().and_then(|running| Pid::from_raw(running.pid));
        let signal = match sign {
            Sign::Stop => Signal::STOP,
            Sign::GoOn => Signal::CONT,
        };
        kill_process(pid.context("that member of etcd does not run")?, signal).context("the signal cannot be sent")
    }

    #[cfg(not(unix))]
    fn signal(&self, _: usize, _: Sign) -> anyhow::Result<()> {
        bail!("This operating system cannot suspend a process by signal.")
    }

    /// The member that leads; none while there is an election, or no majority.
    #[must_use]
    pub fn leader(&self) -> Option<usize> {
        (0..MEMBERS).find(|at| self.members[*at].running.is_some() && self.leads(*at))
    }

    fn leads(&self, at: usize) -> bool {
        let said = ask(self.address(at), "GET /metrics HTTP/1.0\r\n\r\n").unwrap_or_default();
        let is = |name: &str| said.lines().any(|line| line == format!("{name} 1"));
        is("etcd_server_is_leader") && is("etcd_server_has_leader")
    }

    /// Where their logs are, for people who look for a fault.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

enum Sign {
    Stop,
    GoOn,
}

/// One question over HTTP, in clear text and without a client: for a member that may stand still.
fn ask(address: (Ipv4Addr, u16), request: &str) -> std::io::Result<String> {
    use std::io::{Read, Write};
    let patience = Duration::from_millis(500);
    let mut stream = std::net::TcpStream::connect_timeout(&address.into(), patience)?;
    stream.set_read_timeout(Some(patience))?;
    stream.write_all(request.as_bytes())?;
    let mut said = String::new();
    stream.take(4 * 1024 * 1024).read_to_string(&mut said)?;
    Ok(said)
}
