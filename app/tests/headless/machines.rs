//! A cluster on several machines: who may join, what works there, and what is left when something dies.
//!
//! These join over loopback, where the other “machine” is another agent. In `network` there are three machines. All waits are for
//! events.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use cluster::machines::code::Code;
use protocol::ids::Role;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::program::{RunningCluster, Talking, command, order, program, wait_until_gone};

pub(super) fn kill(pid: i64) {
    kill_process(Pid::from_raw(pid as i32).unwrap(), Signal::KILL).unwrap();
}

/// A cluster that invites, and its newest code.
pub(super) struct Inviting {
    pub(super) cluster: RunningCluster,
    pub(super) code: String,
}

impl Inviting {
    pub(super) fn on_loopback(more: &[&str]) -> Self {
        let arguments = [&["invite", "--json", "--advertise", "127.0.0.1"], more].concat();
        Self::of(command(&arguments))
    }

    pub(super) fn of(command: Command) -> Self {
        let talk = Talking::to(command);
        let mut cluster = first_of(talk);
        let code = next_code(&mut cluster);
        Self { cluster, code }
    }

    pub(super) fn until_machine(&mut self, name: &str, is: &str) -> Value {
        self.cluster.talk.hear_until(|line| line["change"] == "machine" && line["machine"] == name && line["is"] == is)
    }

    pub(super) fn says(&mut self, line: &str) {
        self.cluster.talk.say(line);
    }

    pub(super) fn wants(&mut self, action: &Value) {
        self.cluster.talk.say(&action.to_string());
    }
}

/// Facts of the start come before the line that names the folder.
fn first_of(mut talk: Talking) -> RunningCluster {
    let first = talk.hear_until(|line| line["dir"].is_string());
    let folder = first["dir"].as_str().unwrap().into();
    RunningCluster { talk, first, folder }
}

pub(super) fn next_code(cluster: &mut RunningCluster) -> String {
    cluster.talk.hear_until(|line| line["change"] == "invited")["code"].as_str().unwrap().to_owned()
}

/// An agent. Dropping it kills it.
pub(super) struct Machine(pub(super) Talking);

impl Machine {
    pub(super) fn until(&mut self, change: &str) -> Value {
        self.0.hear_until(|line| line["change"] == change)
    }

    pub(super) fn kill(&self) {
        kill(i64::from(self.0.child.id()));
    }

    /// Waits for its end.
    pub(super) fn ends(&mut self) -> i32 {
        self.0.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.0.child.kill();
    }
}

fn join(code: &str, name: &str) -> Machine {
    let mut command = command(&["join", code, "--name", name, "--json"]);
    command.stderr(Stdio::null());
    Machine(Talking::to(command))
}

/// Joins and is refused: the exit status and the sentence.
pub(super) fn refused(code: &str, more: &[&str]) -> (i32, String) {
    let output = program(&[&["join", code], more].concat());
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_machine_joins_and_everything_works_on_its_process() {
    let mut host = Inviting::on_loopback(&[]);
    let mut anna = join(&host.code, "anna-laptop");
    anna.until("waits");
    host.until_machine("anna-laptop", "knocks");
    host.says("admit anna-laptop");
    assert_eq!(anna.until("joined")["name"], "anna-laptop");
    let pid = anna.until("runs")["pid"].as_i64().unwrap();
    let there = host.cluster.talk.hear_until(|line| line["change"] == "runs-on");
    assert_eq!((&there["machine"], &there["node"]["name"]), (&"anna-laptop".into(), &"replica-4".into()));
    assert_eq!(there["node"]["pid"], pid, "it is the process there");
    host.cluster.until_is("replica-4", "backup");

    // A stop counts when the other machine has confirmed it.
    host.wants(&json!({"do": "speed", "rate": 0}));
    let stopping = host.cluster.talk.hear_until(|line| line["change"] == "stopping");
    assert_eq!(stopping["waits_for"], json!(["anna-laptop"]));
    host.cluster.talk.hear_until(|line| line["change"] == "clock" && line["rate"] == 0.0);
    host.wants(&json!({"do": "speed", "rate": 1.0}));
    host.cluster.talk.hear_until(|line| line["change"] == "clock" && line["rate"] == 1.0);

    let mut customer = host.cluster.customer();
    customer.ask(&order(1, "DH1 3LE", &["Pad thai"]));
    // By signal it stands still, and the others go on; afterwards it takes part again.
    host.wants(&json!({"do": "freeze", "node": "replica-4", "how": "signal"}));
    host.cluster.talk.hear_until(|line| line["change"] == "became" && line["standing"] == "primary");
    assert_eq!(customer.ask(&order(2, "DH1 3LE", &["Lemonade"]))["type"], "ok");
    host.wants(&json!({"do": "wake", "node": "replica-4"}));
    host.cluster.until_is("replica-4", "backup");

    // A crash kills the process there, and it starts again there.
    host.cluster.wants("crash", "replica-4");
    let ended = host.cluster.until("ended", "replica-4");
    assert_eq!((&ended["how"], &ended["words"]), (&"crashed".into(), &"signal: 9 (SIGKILL)".into()));
    wait_until_gone(&[pid as i32]);
    host.cluster.wants("restart", "replica-4");
    assert_eq!(host.cluster.until("started", "replica-4")["node"]["pid"], anna.until("runs")["pid"]);
    host.cluster.until_is("replica-4", "backup");
    assert_eq!(customer.ask(&order(3, "DH1 3LE", &["Lemonade"]))["type"], "ok");

    // It leaves politely: what ran there has ended before that.
    kill_process(Pid::from_raw(anna.0.child.id().cast_signed()).unwrap(), Signal::INT).unwrap();
    host.until_machine("anna-laptop", "left");
    assert_eq!(anna.ends(), 0);
}

/// At the inviting terminal, without --json: it says what to type, and what it does not understand.
#[test]
fn the_inviting_terminal_takes_plain_words() {
    let mut host = command(&["invite", "--replicas", "2", "--advertise", "127.0.0.1"]);
    let mut host = host.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = host.stdin.take().unwrap();
    let mut lines = BufReader::new(host.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut until = |words: &str| {
        let mut found = { &mut lines }.find(|line| line.contains(words)).unwrap_or_else(|| panic!("no “{words}”"));
        found.drain(..found.find(words).unwrap() + words.len());
        found
    };
    let mut type_in = |line: &str| writeln!(input, "{line}").unwrap();
    let anna = join(until("just-hungry join ").trim(), "anna");
    until("anna has a valid code and waits to be admitted");
    until("Type: admit anna, or: refuse anna.");
    type_in("admit hanna");
    until("No machine named “hanna” waits to be admitted. anna waits.");
    type_in("admit anna");
    until("replica-3 runs on anna");
    type_in("crash replica-3");
    until("replica-3 crashed");
    type_in("restart replica-3");
    until("replica-3 started");
    type_in("crash nobody");
    until("nobody");
    type_in("dance \u{1b}[2J");
    assert!(!until("“dance ").contains('\u{1b}'));
    type_in("help");
    until("crash NAME, restart NAME");
    let folder = until("just-hungry status --dir ");
    let status = program(&["status", "--dir", folder.trim()]);
    assert!(String::from_utf8_lossy(&status.stdout).contains("replica-3"), "{status:?}");
    drop(input);
    assert_eq!(host.wait().unwrap().code(), Some(0));
    drop(anna);
}

#[test]
fn nothing_is_left_when_the_agent_or_the_launcher_is_killed() {
    let mut host = Inviting::on_loopback(&["--admit-all"]);
    let mut anna = join(&host.code, "anna-laptop");
    let replica = anna.until("runs")["pid"].as_i64().unwrap();
    let code = next_code(&mut host.cluster);
    let mut ben = join(&code, "anna-laptop");
    assert_eq!(ben.until("joined")["name"], "anna-laptop-2", "no two machines have one name");
    let other = ben.until("runs")["pid"].as_i64().unwrap();
    host.cluster.until_is("replica-5", "backup");

    anna.kill();
    wait_until_gone(&[replica as i32]);
    host.until_machine("anna-laptop", "lost");
    // Nobody here has seen it end.
    host.wants(&json!({"do": "restart", "node": "replica-4"}));
    let cannot = |line: &Value| line["why"].as_str().is_some_and(|why| why.contains("cannot be reached"));
    host.cluster.talk.hear_until(cannot);

    kill(i64::from(host.cluster.talk.child.id()));
    wait_until_gone(&[other as i32]);
    ben.until("lost");
    ben.kill();
}

#[test]
fn after_the_invitation_has_ended_the_cluster_listens_on_this_machine_only() {
    let mut host = Inviting::on_loopback(&["--admit-all"]);
    let mut anna = join(&host.code, "anna");
    let replica = anna.until("runs")["pid"].as_i64().unwrap();
    let code = next_code(&mut host.cluster);
    host.cluster.until_is("replica-4", "backup");
    host.says("end-invitation");
    // The machine that has joined stays, and no other one comes in.
    let (status, said) = refused(&code, &[]);
    assert!(status == 2 && said.contains("This code has expired"), "{status} {said}");
    assert!(Path::new(&format!("/proc/{replica}")).exists());
    kill_process(Pid::from_raw(anna.0.child.id().cast_signed()).unwrap(), Signal::INT).unwrap();
    host.until_machine("anna", "left");
    host.cluster.talk.hear_until(|line| line["change"] == "listens" && line["addresses"] == json!([]));
    let (status, said) = refused(&code, &[]);
    assert!(status == 3 && said.contains("did not answer"), "{status} {said}");
    // It can invite again.
    host.says("code");
    let code = next_code(&mut host.cluster);
    let (status, said) = refused(&code[..code.len() - 1], &[]);
    assert!(status == 2 && said.contains("Copy it again"), "{status} {said}");
}

#[test]
fn whoever_has_no_good_code_is_told_why_and_is_not_admitted() {
    let mut host = Inviting::on_loopback(&[]);
    let good: Code = host.code.parse().unwrap();
    let with = |change: fn(&mut Code)| {
        let mut code = good.clone();
        change(&mut code);
        code.to_string()
    };
    for (code, why) in [
        ("hello".to_owned(), "This is not a code"),
        (host.code.replacen("JH3", "JH2", 1), "another version"),
        (host.code[..host.code.len() - 1].to_owned(), "Copy it again"),
        (with(|code| code.secret[0] ^= 1), "not one of this cluster's invitations"),
        (with(|code| code.authority[0] ^= 1), "Another cluster answers"),
    ] {
        let (status, said) = refused(&code, &[]);
        assert!(status == 2 && said.contains(why), "{status} {said}");
    }
    // Where nobody listens, there is nothing to judge.
    let (status, said) = refused(&with(|code| code.port = 9), &[]);
    assert!(status == 3 && said.contains("did not answer"), "{status} {said}");

    // A person refuses; the code is good once.
    let mut anna = join(&host.code, "anna");
    anna.until("waits");
    host.until_machine("anna", "knocks");
    host.says("refuse anna");
    host.until_machine("anna", "turned-away");
    assert_eq!(anna.ends(), 2);
    host.says("admit-all");
    let mut ben = join(&host.code, "ben");
    ben.until("runs");
    let (status, said) = refused(&host.code, &[]);
    assert!(status == 2 && said.contains("Another machine has joined"), "{status} {said}");

    // A thousand knocks of a stranger neither fill the log nor keep others out.
    let code = next_code(&mut host.cluster);
    for _ in 0..20 {
        refused(&with(|code| code.secret[1] ^= 7), &[]);
    }
    let mut cara = join(&code, "cara");
    cara.until("runs");
    ben.kill();
    cara.kill();
    assert_eq!(good.role, Role::Replica);
}

/// Stands still, as its lid was closed, with what runs there.
fn stops(pids: &[i64], signal: Signal) {
    for pid in pids {
        kill_process(Pid::from_raw(*pid as i32).unwrap(), signal).unwrap();
    }
}

#[test]
fn a_machine_that_slept_longer_than_the_suspicion_comes_back_with_a_new_process() {
    let mut host = Inviting::on_loopback(&["--admit-all"]);
    let mut anna = join(&host.code, "anna");
    let replica = anna.until("runs")["pid"].as_i64().unwrap();
    host.cluster.until_is("replica-4", "backup");
    let all = [replica, i64::from(anna.0.child.id())];
    stops(&all, Signal::STOP);
    let mut customer = host.cluster.customer();
    assert_eq!(customer.ask(&order(1, "DH1 3LE", &["Pad thai"]))["type"], "ok", "the others go on");
    host.until_machine("anna", "lost");
    stops(&all, Signal::CONT);
    anna.until("lost");
    wait_until_gone(&[replica as i32]);
    host.until_machine("anna", "joined");
    assert_ne!(anna.until("runs")["pid"], replica, "it is another process, and joins like any other");
    host.cluster.until_is("replica-4", "backup");
    assert_eq!(customer.ask(&order(2, "DH1 3LE", &["Lemonade"]))["type"], "ok");
}

#[test]
fn no_fresh_start_while_the_machine_of_a_member_is_out_of_sight() {
    let mut host = Inviting::on_loopback(&["--admit-all", "--replicas", "1"]);
    let mut anna = join(&host.code, "anna");
    let replica = anna.until("runs")["pid"].as_i64().unwrap();
    host.cluster.until_is("replica-2", "backup");
    let all = [replica, i64::from(anna.0.child.id())];
    // The last member runs where nobody sees it.
    host.cluster.wants("crash", "replica-1");
    host.cluster.until_is("replica-2", "primary");
    stops(&all, Signal::STOP);
    host.until_machine("anna", "lost");
    host.cluster.wants("restart", "replica-1");
    host.cluster.until("started", "replica-1");
    let refused = |line: &Value| line["change"] == "refused";
    host.cluster.wants("fresh-start", "replica-1");
    let why = host.cluster.talk.hear_until(refused)["why"].as_str().unwrap().to_owned();
    assert!(why.contains("replica-2 is a member of view") && why.contains("cannot be reached"), "{why}");
    // It is back, with a new process: the member is known to be dead, and a person may begin anew.
    stops(&all, Signal::CONT);
    host.until_machine("anna", "joined");
    wait_until_gone(&[replica as i32]);
    host.cluster.wants("fresh-start", "replica-1");
    host.cluster.until_is("replica-1", "primary");
}
