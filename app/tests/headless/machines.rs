//! A cluster on several machines: who may join, what works there, and what is left when something dies.
//!
//! Most runs join over loopback, where the other “machine” is another agent. The last one has three machines of its own, made of
//! network namespaces, which takes root and `ip`; where CI runs, that is required. All waits are for events.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use cluster::machines::code::Code;
use protocol::ids::Role;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::program::{RunningCluster, Talking, command, order, program, read, wait_until_gone};

fn kill(pid: i64) {
    kill_process(Pid::from_raw(pid as i32).unwrap(), Signal::KILL).unwrap();
}

/// A cluster that invites, and its newest code.
struct Inviting {
    cluster: RunningCluster,
    code: String,
}

impl Inviting {
    fn on_loopback(more: &[&str]) -> Self {
        let arguments = [&["invite", "--json", "--advertise", "127.0.0.1"], more].concat();
        Self::of(command(&arguments))
    }

    fn of(command: Command) -> Self {
        let talk = Talking::to(command);
        let mut cluster = first_of(talk);
        let code = next_code(&mut cluster);
        Self { cluster, code }
    }

    fn until_machine(&mut self, name: &str, is: &str) -> Value {
        self.cluster.talk.hear_until(|line| line["change"] == "machine" && line["machine"] == name && line["is"] == is)
    }

    fn says(&mut self, line: &str) {
        self.cluster.talk.say(line);
    }

    fn wants(&mut self, action: &Value) {
        self.cluster.talk.say(&action.to_string());
    }
}

/// Facts of the start come before the line that names the folder.
fn first_of(mut talk: Talking) -> RunningCluster {
    let first = talk.hear_until(|line| line["dir"].is_string());
    let folder = first["dir"].as_str().unwrap().into();
    RunningCluster { talk, first, folder }
}

fn next_code(cluster: &mut RunningCluster) -> String {
    cluster.talk.hear_until(|line| line["change"] == "invited")["code"].as_str().unwrap().to_owned()
}

/// An agent. Dropping it kills it.
struct Machine(Talking);

impl Machine {
    fn until(&mut self, change: &str) -> Value {
        self.0.hear_until(|line| line["change"] == change)
    }

    fn kill(&self) {
        kill(i64::from(self.0.child.id()));
    }

    /// Waits for its end.
    fn ends(&mut self) -> i32 {
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
fn refused(code: &str, more: &[&str]) -> (i32, String) {
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
        (host.code.replacen("JH2", "JH1", 1), "another version"),
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

/// Three machines and the network between them. Dropping it takes all away.
struct Network {
    begins: String,
}

const MACHINES: [&str; 3] = ["host", "anna", "ben"];

impl Network {
    /// None: that cannot be done here.
    fn new() -> Option<Self> {
        let network = Self { begins: format!("jh{}", std::process::id()) };
        network.make().then_some(network)
    }

    fn make(&self) -> bool {
        let net = self.name("net");
        let mut done = ip(&["netns", "add", &net]) && ip(&["-n", &net, "link", "add", "br0", "type", "bridge"]);
        done &= ip(&["-n", &net, "link", "set", "br0", "up"]);
        for (at, machine) in MACHINES.iter().enumerate() {
            let (name, address) = (self.name(machine), format!("10.77.0.{}/24", at + 1));
            done &= ip(&["netns", "add", &name])
                && ip(&["-n", &net, "link", "add", machine, "type", "veth", "peer", "name", "eth0", "netns", &name])
                && ip(&["-n", &net, "link", "set", machine, "master", "br0", "up"])
                && ip(&["-n", &name, "address", "add", &address, "dev", "eth0"])
                && ip(&["-n", &name, "link", "set", "eth0", "up"])
                && ip(&["-n", &name, "link", "set", "lo", "up"]);
        }
        done
    }

    fn name(&self, machine: &str) -> String {
        format!("{}-{machine}", self.begins)
    }

    /// The program on one of the machines.
    fn on(&self, machine: &str, arguments: &[&str]) -> Command {
        let inside = command(arguments);
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name(machine)]).arg(inside.get_program()).args(inside.get_args());
        command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").stderr(Stdio::null());
        command
    }

    fn link(&self, machine: &str, state: &str) {
        assert!(ip(&["-n", &self.name("net"), "link", "set", machine, state]));
    }

    /// What one machine sends to another is lost, or not any more; the other way is open.
    fn one_way(&self, from: &str, to: &str, what: &str) {
        assert!(ip(&["-n", &self.name(from), "route", what, "blackhole", to]));
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for machine in MACHINES.iter().chain(&["net"]) {
            ip(&["netns", "del", &self.name(machine)]);
        }
    }
}

fn ip(arguments: &[&str]) -> bool {
    let done = Command::new("ip").args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    done.is_ok_and(|status| status.success())
}

/// A customer who asks one thing after another, and what it was told.
struct Asking {
    talk: Talking,
    history: Vec<Value>,
    operations: u64,
}

impl Asking {
    fn new(talk: Talking) -> Self {
        Self { talk, history: Vec::new(), operations: 0 }
    }

    fn places(&mut self, items: &[&str]) {
        self.operations += 1;
        let answer = self.talk.ask(&order(self.operations, "DH1 3LE", items));
        self.note("place", &answer, answer["value"].clone());
    }

    fn reads(&mut self) {
        self.operations += 1;
        let answer = self.talk.ask(&read(self.operations, "DH1 3LE"));
        if self.history.is_empty() {
            self.history.push(json!({"type": "init", "postcode": "DH1 3LE", "value": answer["value"]}));
        }
        self.note("read", &answer, Value::Null);
    }

    fn note(&mut self, f: &str, answer: &Value, asked: Value) {
        assert_eq!(answer["type"], "ok", "{answer}");
        let line = |kind: &str, time: u64, value: &Value| json!({"process": 0, "type": kind, "f": f, "postcode": "DH1 3LE", "value": value, "time": time, "op": self.operations});
        let at = self.operations * 1000;
        let lines = [line("invoke", at, &asked), line("ok", at + 1, &answer["value"])];
        self.history.extend(lines);
    }

    fn judge(&self, folder: &Path) {
        let path = folder.join("outside.jsonl");
        let text: String = self.history.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(&path, &text).unwrap();
        let judged = program(&["check", path.to_str().unwrap()]);
        assert_eq!(judged.status.code(), Some(0), "{}\n{text}", String::from_utf8_lossy(&judged.stdout));
    }
}

/// How many timers have rung on each replica.
fn rung(network: &Network, folder: &Path) -> Vec<Value> {
    let output = network.on("host", &["status", "--dir", folder.to_str().unwrap(), "--json"]).output().unwrap();
    let status = super::program::last_json(&output);
    let all = status["nodes"].as_array().unwrap().iter().filter(|node| node["role"] == "replica");
    all.map(|node| json!([node["name"], node["timers_rung"]])).collect()
}

/// Stopped on all three: not one timer rings any more. A part of a second slowly, and they go on.
fn stop_and_go_on(network: &Network, host: &mut Inviting, folder: &Path) {
    host.wants(&json!({"do": "speed", "rate": 0}));
    let stopping = host.cluster.talk.hear_until(|line| line["change"] == "stopping");
    assert_eq!(stopping["waits_for"], json!(["anna", "ben"]));
    host.cluster.talk.hear_until(|line| line["change"] == "clock" && line["rate"] == 0.0);
    let before = rung(network, folder);
    assert_eq!(before.len(), 5);
    for _ in 0..5 {
        assert_eq!(rung(network, folder), before);
    }
    host.wants(&json!({"do": "run-until", "until": "moment", "ms": 100, "rate": 0.1}));
    host.cluster.talk.hear_until(|line| line["change"] == "clock" && line["rate"] == 0.1);
    host.wants(&json!({"do": "speed", "rate": 1.0}));
    host.cluster.talk.hear_until(|line| line["change"] == "clock" && line["rate"] == 1.0);
}

/// Pulls the link of one machine, and one way of that of another. Returns the process that runs on the first one afterwards.
fn lose_links(
    network: &Network,
    host: &mut Inviting,
    (anna, of_anna): (&mut Machine, i64),
    of_ben: i64,
    customer: &mut Asking,
) -> i64 {
    // A link is pulled: the others go on. Plugged in again, the machine comes back with a new process.
    network.link("anna", "down");
    customer.places(&["Lemonade"]);
    host.until_machine("anna", "lost");
    anna.until("lost");
    wait_until_gone(&[of_anna as i32]);
    network.link("anna", "up");
    host.until_machine("anna", "joined");
    let of_anna = anna.until("runs")["pid"].as_i64().unwrap();
    host.cluster.until_is("replica-4", "backup");
    customer.places(&["Pad thai"]);

    // One way only: what the host sends does not arrive, what it hears does.
    network.one_way("host", "10.77.0.3", "add");
    customer.places(&["Lemonade"]);
    host.until_machine("ben", "lost");
    wait_until_gone(&[of_ben as i32]);
    network.one_way("host", "10.77.0.3", "del");
    host.until_machine("ben", "joined");
    host.cluster.until_is("replica-5", "backup");
    customer.places(&["Pad thai"]);
    of_anna
}

#[test]
fn three_machines_lose_links_agents_and_the_launcher_but_no_order() {
    let Some(network) = Network::new() else {
        assert!(std::env::var_os("JUST_HUNGRY_CI").is_none(), "CI must be able to make network namespaces");
        let _ = writeln!(std::io::stderr(), "skipped: network namespaces need root and the program ip");
        return;
    };
    let mut host = Inviting::of(network.on("host", &["invite", "--json", "--admit-all"]));
    let folder = host.cluster.folder.clone();
    let join = |machine: &str, code: &str| {
        Machine(Talking::to(network.on(machine, &["join", code, "--name", machine, "--json"])))
    };
    let mut anna = join("anna", &host.code);
    let of_anna = anna.until("runs")["pid"].as_i64().unwrap();
    let code = next_code(&mut host.cluster);
    let mut ben = join("ben", &code);
    let of_ben = ben.until("runs")["pid"].as_i64().unwrap();
    host.cluster.until_is("replica-5", "backup");
    let customer =
        network.on("host", &["customer", "--dir", folder.to_str().unwrap(), "--lines", "--deadline", "60000"]);
    let mut customer = Asking::new(Talking::to(customer));
    customer.reads();
    customer.places(&["Pad thai"]);

    stop_and_go_on(&network, &mut host, &folder);
    customer.places(&["Lemonade"]);

    // What two of the machines say to each other is held, both ways.
    for (from, to) in [("replica-4", "replica-5"), ("replica-5", "replica-4")] {
        host.wants(&json!({"do": "hold", "from": from, "to": to}));
    }
    customer.places(&["Pad thai"]);
    host.wants(&json!({"do": "mend-all"}));

    let of_anna = lose_links(&network, &mut host, (&mut anna, of_anna), of_ben, &mut customer);

    // The agent is killed, and its process with it.
    anna.kill();
    wait_until_gone(&[of_anna as i32]);
    customer.places(&["Lemonade"]);
    customer.reads();
    customer.judge(tempfile::tempdir().unwrap().path());

    // The launcher is killed: nothing of the cluster lives on anywhere.
    let of_ben = ben.until("runs")["pid"].as_i64().unwrap();
    kill(i64::from(host.cluster.talk.child.id()));
    wait_until_gone(&[of_ben as i32]);
    ben.kill();
}
