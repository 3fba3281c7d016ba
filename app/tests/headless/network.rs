//! A cluster on three machines, made of network namespaces: that takes root and `ip`, and where CI runs, it is required. Links are
//! pulled, cut and slowed; no order is lost. All waits are for events.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::machines::{Inviting, Machine, kill, next_code};
use super::program::{Talking, command, order, program, read, wait_until_gone};

/// Three machines and the network between them. Dropping it takes all away.
struct Network {
    begins: String,
}

/// The number of networks that this process has made.
static NETWORKS: AtomicU32 = AtomicU32::new(0);
const MACHINES: [&str; 3] = ["host", "anna", "ben"];

impl Network {
    /// None: that cannot be done here.
    fn new() -> Option<Self> {
        let nth = NETWORKS.fetch_add(1, Ordering::Relaxed);
        let network = Self { begins: format!("jh{}-{nth}", std::process::id()) };
        network.make().then_some(network)
    }

    /// None, with a sentence; but CI must be able to.
    fn or_say_why() -> Option<Self> {
        let network = Self::new();
        if network.is_none() {
            assert!(std::env::var_os("JUST_HUNGRY_CI").is_none(), "CI must be able to make network namespaces");
            let _ = writeln!(std::io::stderr(), "skipped: network namespaces need root and the program ip");
        }
        network
    }

    /// That machine joins, under its name.
    fn joins(&self, machine: &str, code: &str) -> Machine {
        Machine(Talking::to(self.on(machine, &["join", code, "--name", machine, "--json"])))
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
                && ip(&["-n", &name, "address", "add", &format!("fd77::{}/64", at + 1), "dev", "eth0", "nodad"])
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

    /// Several customers at the host.
    fn customers(&self, folder: &str) -> Vec<Talking> {
        let one = || self.on("host", &["customer", "--dir", folder, "--lines", "--deadline", "60000"]);
        (0..ALL).map(|_| Talking::to(one())).collect()
    }

    /// What that machine sends goes no faster.
    fn slow(&self, machine: &str, rate: &str) {
        let name = self.name(machine);
        let limits = ["-n", &name, "qdisc", "replace", "dev", "eth0", "root", "tbf", "rate", rate];
        let more = ["burst", "16kb", "latency", "400ms"];
        assert!(Command::new("tc").args(limits).args(more).status().unwrap().success());
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
    let Some(network) = Network::or_say_why() else { return };
    let mut host = Inviting::of(network.on("host", &["invite", "--json", "--admit-all"]));
    let folder = host.cluster.folder.clone();
    let mut anna = network.joins("anna", &host.code);
    let of_anna = anna.until("runs")["pid"].as_i64().unwrap();
    let code = next_code(&mut host.cluster);
    let mut ben = network.joins("ben", &code);
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

#[test]
fn peers_that_the_network_keeps_apart_are_named_until_they_reach_each_other() {
    let Some(network) = Network::or_say_why() else { return };
    let mut host = Inviting::of(network.on("host", &["invite", "--json", "--admit-all", "--replicas", "1"]));
    let _anna = network.joins("anna", &host.code);
    let code = next_code(&mut host.cluster);
    host.cluster.until_is("replica-2", "backup");
    let _ben = network.joins("ben", &code);
    host.cluster.until_is("replica-3", "backup");
    // As in a guest network: the host reaches both, and they do not reach each other. One of them is to lead the other.
    network.one_way("anna", "10.77.0.3", "add");
    network.one_way("ben", "10.77.0.2", "add");
    host.cluster.wants("crash", "replica-1");
    let named = host.cluster.talk.hear_until(|line| line["change"] == "cannot-reach");
    let (name, here, there) = (&named["node"]["name"], &named["here"], &named["there"]);
    let pairs = [("replica-2", "anna", "ben"), ("replica-3", "ben", "anna")];
    assert!(
        pairs.iter().any(|(node, on, other)| (name, here, there) == (&json!(node), &json!(on), &json!(other))),
        "{named}"
    );
    let what = named["what"].as_str().unwrap();
    assert!(what.contains("cannot reach") && what.contains("firewall") && what.contains("hotspot"), "{what}");
    let folder = host.cluster.folder.to_str().unwrap().to_owned();
    let status = network.on("host", &["status", "--dir", &folder]).output().unwrap();
    let status = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(status.contains(&format!("{} on ", name.as_str().unwrap())) && status.contains("cannot reach"), "{status}");
    // The way is free again: that is told, too, and both are members.
    network.one_way("anna", "10.77.0.3", "del");
    network.one_way("ben", "10.77.0.2", "del");
    host.cluster.talk.hear_until(|line| line["change"] == "can-reach" && line["node"]["name"] == *name);
    let customer = network.on("host", &["customer", "--dir", &folder, "--lines", "--deadline", "60000"]);
    let mut customer = Asking::new(Talking::to(customer));
    customer.places(&["Pad thai"]);
    customer.reads();
}

#[test]
fn a_machine_joins_and_its_process_lives_on_ipv6_addresses() {
    let Some(network) = Network::or_say_why() else { return };
    let mut host = Inviting::of(network.on("host", &["invite", "--json", "--admit-all", "--advertise", "[fd77::1]"]));
    let _anna = network.joins("anna", &host.code);
    let there = host.cluster.talk.hear_until(|line| line["change"] == "runs-on");
    assert!(there["node"]["addr"].as_str().unwrap().starts_with("[fd77::2]:"), "{there}");
    host.cluster.until_is("replica-4", "backup");
    // It leads, too: the front-end and the others reach it there.
    for replica in ["replica-1", "replica-2", "replica-3"] {
        host.cluster.wants("crash", replica);
        host.cluster.until("ended", replica);
    }
    host.cluster.until_is("replica-4", "primary");
    let folder = host.cluster.folder.to_str().unwrap().to_owned();
    let customer = network.on("host", &["customer", "--dir", &folder, "--lines", "--deadline", "60000"]);
    let mut customer = Asking::new(Talking::to(customer));
    customer.places(&["Pad thai"]);
    customer.reads();
    // A person orders from there, too.
    host.says("code customer");
    let code = next_code(&mut host.cluster);
    let mut ben = network.joins("ben", &code);
    ben.until("started");
    ben.0.say("14 DH1 3LE");
    assert_eq!(ben.until("answered")["type"], "ok");
}

/// The bits a second of a bad classroom network, one way.
const SLOW: &str = "1mbit";
const SLOWER: &str = "128kbit";

#[test]
fn over_a_slow_network_facts_give_way_and_the_cluster_goes_on() {
    let Some(network) = Network::or_say_why() else { return };
    let mut host = Inviting::of(network.on("host", &["invite", "--json", "--admit-all"]));
    let _anna = network.joins("anna", &host.code);
    host.cluster.until_is("replica-4", "backup");
    let folder = host.cluster.folder.to_str().unwrap().to_owned();
    let customers = || network.customers(&folder);
    let before = order_together(customers(), ORDERS);
    network.slow("anna", SLOW);
    let slowly = order_together(customers(), ORDERS);
    network.slow("anna", SLOWER);
    // At first the network lets 16 KiB through at full speed.
    order_together(customers(), ORDERS);
    let slower = order_together(customers(), ORDERS);
    // Each message is a fact now: what does not fit is counted and said.
    host.says("heartbeats on");
    let watched = order_together(customers(), ORDERS);
    let is_counted = |line: &Value| line["what"].as_str().is_some_and(|what| what.contains("events came too fast"));
    host.cluster.talk.hear_until(is_counted);
    let _ = writeln!(
        std::io::stderr(),
        "{ALL} customers, orders/s: {before:.0}; one replica at {SLOW}: {slowly:.0}; at {SLOWER}: {slower:.0}, each message told: {watched:.0}"
    );
    assert!(
        watched > slower * 0.7,
        "facts of each message have taken the network from orders: {slower:.0} and {watched:.0}"
    );
    // A stop is confirmed in time, though facts wait.
    host.wants(&json!({"do": "speed", "rate": 0}));
    let is_late = |line: &Value| line["is"] == "does-not-confirm";
    let stopped = host.cluster.talk.hear_until(|line| {
        assert!(!is_late(line), "{line}");
        line["change"] == "clock" && line["rate"] == 0.0
    });
    assert_eq!(stopped["change"], "clock");
    host.wants(&json!({"do": "speed", "rate": 1.0}));
    // It is still a member: nobody has suspected it.
    let status = network.on("host", &["status", "--dir", &folder, "--json"]).output().unwrap();
    let status = super::program::last_json(&status);
    let there = status["nodes"].as_array().unwrap().iter().find(|node| node["name"] == "replica-4").unwrap().clone();
    assert_eq!((&there["standing"], &there["view"]), (&json!("backup"), &json!(2)), "{there}");
}

const ALL: usize = 8;
/// Of each customer.
const ORDERS: u64 = 60;

/// All order at the same time, one order after the other. Returns orders a second.
fn order_together(customers: Vec<Talking>, orders: u64) -> f64 {
    let begun = Instant::now();
    let number = customers.len() as u64;
    std::thread::scope(|scope| {
        for mut talk in customers {
            scope.spawn(move || {
                for at in 1..=orders {
                    let answer = talk.ask(&order(at, "DH1 3LE", &["Pad thai"]));
                    assert_eq!(answer["type"], "ok", "{answer}");
                }
            });
        }
    });
    (number * orders) as f64 / begun.elapsed().as_secs_f64()
}

/// With the bounds that a release build on quiet machines keeps ten times over.
#[test]
fn how_long_a_join_and_a_stop_take() {
    let Some(network) = Network::or_say_why() else { return };
    let mut host = Inviting::of(network.on("host", &["invite", "--json", "--admit-all"]));
    let folder = host.cluster.folder.to_str().unwrap().to_owned();
    order_together(network.customers(&folder), 10_000 / ALL as u64);
    let begun = Instant::now();
    let mut anna = network.joins("anna", &host.code);
    anna.until("runs");
    let runs = begun.elapsed();
    let code = next_code(&mut host.cluster);
    host.cluster.until_is("replica-4", "backup");
    let member = begun.elapsed();
    let mut ben = network.joins("ben", &code);
    ben.until("runs");
    host.cluster.until_is("replica-5", "backup");
    let mut stops: Vec<Duration> = (0..20).map(|_| stop_takes(&mut host)).collect();
    stops.sort_unstable();
    let _ = writeln!(
        std::io::stderr(),
        "with 10000 orders: join → runs {runs:.2?}, member {member:.2?}; stop → all of three machines {:.1?} (median of 20, longest {:.1?})",
        stops[10],
        stops[19]
    );
    assert!(runs < Duration::from_secs(10) && member < Duration::from_secs(20) && stops[10] < Duration::from_secs(1));
}

/// Until all have confirmed that time stands still. Then it goes on.
fn stop_takes(host: &mut Inviting) -> Duration {
    let begun = Instant::now();
    host.wants(&json!({"do": "speed", "rate": 0}));
    host.cluster.talk.hear_until(|line| line["change"] == "clock" && line["rate"] == 0.0);
    let took = begun.elapsed();
    host.wants(&json!({"do": "speed", "rate": 1.0}));
    host.cluster.talk.hear_until(|line| line["change"] == "clock" && line["rate"] == 1.0);
    took
}
