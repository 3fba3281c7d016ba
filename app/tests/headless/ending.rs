//! Every command ends in order when it is asked to, in whatever phase that finds it, and leaves no process and no folder.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getpgid, kill_process, kill_process_group};

use crate::program::{PATIENCE, RunningCluster, Talking, command, program, wait_until_gone};

/// The program in a process group of its own, as a shell starts it, with its own place for temporary folders.
fn start(arguments: &[&str], temporary: &Path) -> Child {
    let mut program = command(arguments);
    program.env("TMPDIR", temporary).process_group(0);
    program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id() as i32).unwrap()
}

/// Its end, within the time in which everything ends.
fn end(child: Child) -> Output {
    let (id, asked) = (child.id(), Instant::now());
    let (sender, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    let output = ended.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("process {id} does not end")).unwrap();
    assert!(asked.elapsed() < Duration::from_secs(30), "it took {:?}", asked.elapsed());
    output
}

fn assert_nothing_left(temporary: &Path, when: &str) {
    let left: Vec<_> = std::fs::read_dir(temporary).unwrap().flatten().map(|entry| entry.path()).collect();
    assert!(left.is_empty(), "{when}: {left:?} is left");
    let mine = format!("TMPDIR={}", temporary.display());
    let is_mine = |process: &std::fs::DirEntry| {
        std::fs::read(process.path().join("environ"))
            .is_ok_and(|all| all.split(|byte| *byte == 0).any(|it| it == mine.as_bytes()))
    };
    let pids: Vec<i32> = std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter(is_mine)
        .filter_map(|process| process.file_name().to_str()?.parse().ok())
        .collect();
    // Those that were just killed.
    wait_until_gone(&pids);
}

#[test]
fn a_cluster_that_is_asked_to_end_while_it_starts_ends() {
    for ms in (10..=120).step_by(10) {
        let temporary = tempfile::tempdir().unwrap();
        let child = start(&["cluster"], temporary.path());
        // The delay is what is tried: the signal finds the start in another phase each time.
        std::thread::sleep(Duration::from_millis(ms));
        kill_process_group(pid(&child), Signal::INT).unwrap();
        let output = end(child);
        // None: before it had begun to listen to signals, and so before it had started anything.
        assert!(matches!(output.status.code(), None | Some(0 | 3)), "after {ms} ms: {output:?}");
        assert_nothing_left(temporary.path(), &format!("after {ms} ms"));
    }
}

#[test]
fn what_a_terminal_sends_reaches_the_launcher_only() {
    let temporary = tempfile::tempdir().unwrap();
    let mut program = command(&["cluster", "--replicas", "1"]);
    program.env("TMPDIR", temporary.path()).process_group(0);
    let mut cluster = RunningCluster::of(Talking::to(program));
    let launcher = pid(&cluster.talk.child);
    for node in cluster.pids() {
        assert_ne!(getpgid(Pid::from_raw(node)).unwrap(), launcher, "process {node} hears the terminal, too");
    }
    kill_process_group(launcher, Signal::HUP).unwrap();
    assert_eq!(cluster.talk.child.wait().unwrap().code(), Some(0));
    assert_nothing_left(temporary.path(), "at the end");
}

#[test]
fn a_run_that_is_asked_to_end_judges_what_it_has() {
    let temporary = tempfile::tempdir().unwrap();
    let kept = tempfile::tempdir().unwrap();
    let history = kept.path().join("history");
    let name = history.to_str().unwrap();
    let child = start(&["run", "steady", "--secs", "600", "--history", name, "--json"], temporary.path());
    let deadline = Instant::now() + PATIENCE;
    while std::fs::metadata(&history).map_or(0, |file| file.len()) == 0 {
        assert!(Instant::now() < deadline, "nobody orders");
        std::thread::yield_now();
    }
    kill_process(pid(&child), Signal::TERM).unwrap();
    let output = end(child);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let report = crate::program::last_json(&output);
    assert_eq!(report["verdict"]["lost"], 0, "{report}");
    assert!(report["stuck"].as_str().unwrap().starts_with("the scenario was stopped after"), "{report}");
    assert_nothing_left(temporary.path(), "at the end");
    let checked = program(&["check", name, "--json"]);
    assert_eq!(crate::program::last_json(&checked)["acknowledged"], report["acknowledged"], "the history is whole");
}

#[test]
fn commands_without_a_scenario_say_that_they_were_ended() {
    for (arguments, first) in [
        (&["demo"][..], "Just Hungry"),
        (&["simulate", "--seeds", "1..1000000000", "--sim-secs", "1"], ""),
        (&["check", "-"], ""),
    ] {
        let temporary = tempfile::tempdir().unwrap();
        let mut child = start(arguments, temporary.path());
        let input = child.stdin.take();
        if first.is_empty() {
            until_it_listens(&child);
        } else {
            let mut byte = [0; 11];
            std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut byte).unwrap();
            assert_eq!(std::str::from_utf8(&byte).unwrap(), first);
        }
        kill_process(pid(&child), Signal::INT).unwrap();
        let output = end(child);
        drop(input);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}: {output:?}");
        assert!(!output.stdout.is_empty() || !output.stderr.is_empty(), "{arguments:?} says nothing");
        assert_nothing_left(temporary.path(), arguments[0]);
    }
}

/// Until a process catches SIGINT: it says so in its status.
fn until_it_listens(child: &Child) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim();
        if u64::from_str_radix(caught, 16).unwrap() & 0b10 != 0 {
            return;
        }
        assert!(Instant::now() < deadline, "it does not catch signals: {status}");
        std::thread::yield_now();
    }
}

#[test]
fn a_customer_that_is_asked_to_end_says_that_its_order_is_unknown() {
    let mut cluster = RunningCluster::start("1");
    cluster.wants("crash", "front-end");
    cluster.until("ended", "front-end");
    let mut idle = cluster.customer();
    let refused = idle.ask("{}");
    assert_eq!(refused["type"], "fail", "{refused}");
    kill_process(pid(&idle.child), Signal::INT).unwrap();
    assert_eq!(idle.child.wait().unwrap().code(), Some(0), "it has nothing to finish");
    let mut waiting = cluster.customer();
    assert_eq!(waiting.ask("{}")["type"], "fail");
    waiting.say(&crate::program::order(7, "M1 1AE", &["Pad thai"]));
    kill_process(pid(&waiting.child), Signal::INT).unwrap();
    let code = waiting.child.wait().unwrap().code();
    // The signal may come before the line was read: then nothing was asked.
    if code == Some(3) {
        let answer = waiting.hear();
        assert_eq!((&answer["op"], &answer["type"]), (&7.into(), &"info".into()), "{answer}");
    } else {
        assert_eq!(code, Some(0));
    }
}

#[test]
fn a_process_that_dies_while_starting_ends_the_start_with_its_last_words() {
    let folder = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_just-hungry");
    // The mark of the folder still fits, a journal does not, as on a disk that is nearly full.
    let full = "trap '' XFSZ; exec prlimit --fsize=24 \"$0\" \"$@\"";
    let run = folder.path().join("run");
    let output = std::process::Command::new("sh")
        .args(["-c", full, program, "cluster", "--dir", run.to_str().unwrap()])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{words}");
    assert!(words.contains("name-server ended while starting") && words.contains("journal"), "{words}");
}
