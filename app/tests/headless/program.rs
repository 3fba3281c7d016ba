//! The real program as a child: lines in, lines out, exit status. Waits for events, never for a duration.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Nothing takes so long, unless it is broken: these machines are shared.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// Runs the program to its end, without a display.
pub fn program(arguments: &[&str]) -> Output {
    command(arguments).stdin(Stdio::null()).output().unwrap()
}

/// The program with these arguments, without a display.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_just-hungry"));
    command.args(arguments).env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").env_remove("WAYLAND_SOCKET");
    command
}

/// The last line of standard output, as JSON.
pub fn last_json(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().unwrap_or_else(|| panic!("no output: {output:?}"));
    serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A program that is talked to line by line. Dropping it closes its input and waits for its end.
pub struct Talking {
    pub child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Talking {
    pub fn start(arguments: &[&str]) -> Self {
        Self::to(command(arguments))
    }

    pub fn to(mut program: Command) -> Self {
        let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { input: child.stdin.take(), child, lines }
    }

    pub fn say(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Says what need not be a line, nor text.
    pub fn say_bytes(&mut self, bytes: &[u8]) {
        self.input.as_mut().unwrap().write_all(bytes).unwrap();
    }

    /// The next line, as JSON.
    pub fn hear(&mut self) -> Value {
        let line = self.lines.recv_timeout(PATIENCE).expect("a line in time");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// The next line of which this is so; others are passed over.
    pub fn hear_until(&mut self, so: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let line = self.hear();
            if so(&line) {
                return line;
            }
            assert!(Instant::now() < deadline, "waited in vain; last: {line}");
        }
    }

    /// Says a line and hears its answer.
    pub fn ask(&mut self, line: &str) -> Value {
        self.say(line);
        self.hear()
    }

    pub fn close_input(&mut self) {
        self.input = None;
    }

    /// All lines until its output ends.
    pub fn all_lines(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.lines.recv_timeout(PATIENCE).ok()).collect()
    }

    /// Closes its input and waits for its end.
    pub fn end(mut self) -> i32 {
        self.input = None;
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Talking {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.child.wait();
    }
}

/// A running cluster with what it said first.
pub struct RunningCluster {
    pub talk: Talking,
    pub first: Value,
    pub folder: PathBuf,
}

impl RunningCluster {
    pub fn start(replicas: &str) -> Self {
        Self::of(Talking::start(&["cluster", "--replicas", replicas]))
    }

    pub fn of(mut talk: Talking) -> Self {
        let first = talk.hear();
        let folder = PathBuf::from(first["dir"].as_str().unwrap());
        Self { talk, first, folder }
    }

    pub fn pids(&self) -> Vec<i32> {
        self.first["nodes"].as_array().unwrap().iter().map(|node| node["pid"].as_i64().unwrap() as i32).collect()
    }

    pub fn customer(&self) -> Talking {
        Talking::start(&["customer", "--dir", self.folder.to_str().unwrap(), "--lines", "--deadline", "60000"])
    }

    /// Asks for something in the words of a scenario.
    pub fn wants(&mut self, action: &str, node: &str) {
        self.talk.say(&format!("{{\"do\":\"{action}\",\"node\":\"{node}\"}}"));
    }

    /// Waits until that happened to a node.
    pub fn until(&mut self, change: &str, name: &str) -> Value {
        self.talk.hear_until(|line| line["change"] == change && line["node"]["name"] == name)
    }

    /// Waits until a node is a "primary" or "backup".
    pub fn until_is(&mut self, name: &str, standing: &str) -> Value {
        self.talk.hear_until(|line| line["standing"] == standing && line["node"]["name"] == name)
    }

    pub fn status(&self) -> Value {
        last_json(&program(&["status", "--dir", self.folder.to_str().unwrap(), "--json"]))
    }
}

/// A line of `customer --lines` that places an order.
pub fn order(op: u64, postcode: &str, items: &[&str]) -> String {
    serde_json::json!({"op": op, "f": "place", "postcode": postcode, "items": items}).to_string()
}

/// A line of `customer --lines` that reads a history.
pub fn read(op: u64, postcode: &str) -> String {
    serde_json::json!({"op": op, "f": "read", "postcode": postcode}).to_string()
}

/// Waits until processes that are not our children have ended.
#[cfg(target_os = "linux")]
pub fn wait_until_gone(pids: &[i32]) {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::process::{Pid, PidfdFlags, pidfd_open};
    for pid in pids {
        // An error: it is gone already.
        if let Ok(handle) = pidfd_open(Pid::from_raw(*pid).unwrap(), PidfdFlags::empty()) {
            let patience = Timespec { tv_sec: PATIENCE.as_secs() as i64, tv_nsec: 0 };
            let mut waits = [PollFd::new(&handle, PollFlags::IN)];
            assert_eq!(poll(&mut waits, Some(&patience)).unwrap(), 1, "process {pid} is left behind");
        }
    }
}
