//! People on other machines who order as customers, at the prompt of `join`. The other “machine” is another agent here. All waits
//! are for events.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::by_hand::Judge;
use super::machines::{Inviting, next_code};
use super::program::{Talking, command, program};

/// The person at another machine.
struct Person {
    talk: Talking,
    name: String,
    judge: Judge,
}

impl Person {
    fn joins(code: &str, more: &[&str]) -> Self {
        let mut command = command(&[&["join", code, "--json"], more].concat());
        command.stderr(Stdio::null());
        Self { talk: Talking::to(command), name: String::new(), judge: Judge::default() }
    }

    fn until(&mut self, change: &str) -> Value {
        loop {
            let said = self.talk.hear();
            self.judge.hear(&self.name, &said);
            if said["change"] == change {
                return said;
            }
        }
    }

    fn is_there(&mut self) -> String {
        self.name = self.until("started")["name"].as_str().unwrap().to_owned();
        self.name.clone()
    }

    fn asks(&mut self, line: &str) -> Value {
        self.talk.say(line);
        self.until("answered")
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        let _ = self.talk.child.kill();
    }
}

#[test]
fn a_person_at_another_machine_orders_and_the_launcher_steers_that_customer() {
    let mut host = Inviting::on_loopback(&["--as", "customer"]);
    let mut ben = Person::joins(&host.code, &["--as", "customer", "--name", "ben"]);
    ben.until("waits");
    host.until_machine("ben", "knocks");
    host.says("admit ben");
    assert_eq!(ben.until("joined")["name"], "ben");
    assert_eq!(ben.is_there(), "ben");
    let there = host.cluster.talk.hear_until(|line| line["change"] == "customer");
    assert_eq!((&there["name"], &there["machine"]), (&json!("ben"), &json!("ben")));
    let placed = ben.asks("4 DH1 3LE");
    assert_eq!(placed["type"], "ok", "{placed}");
    let history = ben.asks("history DH1 3LE");
    assert_eq!(history["value"].as_array().unwrap().last(), Some(&placed["value"]), "{history}");

    // A stop counts when that machine has confirmed it; a held link keeps the order, and a mended one lets it go.
    host.wants(&json!({"do": "speed", "rate": 0}));
    let stopping = host.cluster.talk.hear_until(|line| line["change"] == "stopping");
    assert_eq!(stopping["waits_for"], json!(["ben"]));
    host.cluster.talk.hear_until(|line| line["change"] == "clock" && line["rate"] == 0.0);
    host.wants(&json!({"do": "speed", "rate": 1.0}));
    host.wants(&json!({"do": "hold", "from": "ben", "to": "front-end"}));
    host.cluster.talk.hear_until(|line| line["change"] == "link");
    ben.talk.say("14 DH1 3LE");
    ben.until("waits");
    host.wants(&json!({"do": "mend-all"}));
    assert_eq!(ben.until("answered")["type"], "ok");

    // A second one with the same name has another; a crash ends that one only.
    host.says("admit-all");
    host.says("code customer");
    let code = next_code(&mut host.cluster);
    let mut other = Person::joins(&code, &["--name", "ben"]);
    assert_eq!(other.is_there(), "ben-2");
    host.cluster.talk.hear_until(|line| line["change"] == "customer" && line["name"] == "ben-2");
    host.wants(&json!({"do": "bomb", "node": "ben-2", "at": "customer-sent"}));
    host.cluster.talk.hear_until(|line| line["change"] == "bomb");
    other.talk.say("14 NE1 7RU");
    other.until("ended");
    assert_eq!(other.talk.child.wait().unwrap().code(), Some(3), "what became of the order is not known");
    assert_eq!(ben.asks("history DH1 3LE")["type"], "ok");
    ben.judge_finds_nothing();

    // The person leaves.
    ben.talk.say("quit");
    host.until_machine("ben", "left");
    assert_eq!(ben.talk.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_role_that_was_not_invited_is_refused() {
    let host = Inviting::on_loopback(&["--as", "customer", "--admit-all"]);
    for (role, why) in
        [("replica", "This code invites a customer"), ("front-end", "invalid value"), ("name-server", "invalid value")]
    {
        let output = program(&["join", &host.code, "--as", role]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains(why), "{said}");
    }
    let host = Inviting::on_loopback(&["--admit-all"]);
    let output = program(&["join", &host.code, "--as", "customer"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && said.contains("This code invites a replica"), "{said}");
}

#[test]
fn a_customer_whose_machine_slept_or_whose_cluster_has_ended_is_told_so() {
    let mut host = Inviting::on_loopback(&["--as", "customer", "--admit-all"]);
    let mut ben = Person::joins(&host.code, &["--name", "ben"]);
    ben.is_there();
    assert_eq!(ben.asks("4 DH1 3LE")["type"], "ok");
    let pid = Pid::from_raw(ben.talk.child.id().cast_signed()).unwrap();
    kill_process(pid, Signal::STOP).unwrap();
    host.until_machine("ben", "lost");
    kill_process(pid, Signal::CONT).unwrap();
    ben.until("lost");
    host.until_machine("ben", "joined");
    ben.until("joined");
    assert_eq!(ben.asks("14 DH1 3LE")["type"], "ok", "it orders again, under its own name");
    assert_eq!(ben.asks("history DH1 3LE")["type"], "ok");
    ben.judge_finds_nothing();
    // The receipts of before are kept.
    ben.talk.say("receipts");
    let receipts = ben.until("receipts")["what"].as_str().unwrap().lines().count();
    assert_eq!(receipts, 2);

    host.cluster.talk.close_input();
    ben.until("over");
    assert_eq!(ben.talk.child.wait().unwrap().code(), Some(0));
}

impl Person {
    fn judge_finds_nothing(&mut self) {
        let folder = tempfile::tempdir().unwrap();
        std::mem::take(&mut self.judge).finds_nothing(folder.path());
    }
}

#[test]
fn a_machine_joins_over_the_loopback_address_of_ipv6() {
    let mut host =
        Inviting::of(command(&["invite", "--json", "--admit-all", "--advertise", "[::1]", "--as", "customer"]));
    let mut ben = Person::joins(&host.code, &["--name", "ben"]);
    ben.is_there();
    assert_eq!(ben.asks("4 DH1 3LE")["type"], "ok");
    host.until_machine("ben", "joined");
    let output = program(&["invite", "--advertise", "fe80::1"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && said.contains("known on one link only"), "{said}");
}
