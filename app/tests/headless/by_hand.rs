//! Clusters whose processes are started by hand: in any order, killed, started again, apart from each other, and with
//! hostile files in their folder. All waits are for events.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::program::{Talking, command, program};

/// A user's folder for what runs, and everything that is started there.
pub(super) struct Hand {
    folder: tempfile::TempDir,
}

impl Hand {
    pub(super) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(arguments);
        command.env("XDG_RUNTIME_DIR", self.folder.path());
        command
    }

    pub(super) fn start(&self, arguments: &[&str]) -> Started {
        let mut command = self.command(arguments);
        command.arg("--json").stderr(Stdio::null());
        Started { talk: Talking::to(command), name: String::new() }
    }

    /// Starts it and waits until it runs.
    pub(super) fn runs(&self, arguments: &[&str]) -> Started {
        let mut started = self.start(arguments);
        started.is_there();
        started
    }

    pub(super) fn output(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.command(arguments).stdin(Stdio::null()).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(text).unwrap())
    }

    fn path(&self, cluster: &str) -> PathBuf {
        self.folder.path().join("just-hungry").join(cluster)
    }
}

/// A process of a terminal. Dropping it kills it.
pub(super) struct Started {
    pub(super) talk: Talking,
    pub(super) name: String,
}

impl Started {
    pub(super) fn until(&mut self, change: &str) -> Value {
        self.talk.hear_until(|line| line["change"] == change)
    }

    pub(super) fn is_there(&mut self) -> Value {
        let started = self.until("started");
        self.name = started["name"].as_str().unwrap().to_owned();
        started
    }

    pub(super) fn becomes(&mut self, standing: &str) {
        self.talk.hear_until(|line| line["change"] == "became" && line["standing"] == standing);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.talk.child.id().cast_signed()).unwrap(), signal).unwrap();
    }

    /// Sends a signal that ends it, and waits for its end.
    pub(super) fn ends_by(&mut self, signal: Signal) -> (Option<i32>, Option<i32>) {
        self.signal(signal);
        let status = self.talk.child.wait().unwrap();
        (status.code(), status.signal())
    }

    /// A customer asks something and is answered.
    pub(super) fn ask(&mut self, line: &str, judge: &mut Judge) -> Value {
        self.talk.say(line);
        self.answer(judge)
    }

    fn answer(&mut self, judge: &mut Judge) -> Value {
        loop {
            let line = self.talk.hear();
            judge.hear(&self.name, &line);
            if line["change"] == "answered" {
                return line;
            }
        }
    }

    /// A customer asks something, and its request is on its way.
    fn begin(&mut self, line: &str, judge: &mut Judge) {
        self.talk.say(line);
        loop {
            let line = self.talk.hear();
            judge.hear(&self.name, &line);
            if line["change"] == "asked" {
                return;
            }
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.talk.child.kill();
    }
}

/// Writes down what customers asked and were told, for the judge outside.
#[derive(Default)]
pub(super) struct Judge {
    lines: Vec<(u64, Value)>,
    customers: Vec<String>,
    open: Vec<(String, Value)>,
    begun: Vec<(String, Value)>,
    operations: u64,
}

impl Judge {
    pub(super) fn hear(&mut self, customer: &str, line: &Value) {
        let at = line["at"].as_u64().unwrap_or_default() * 1000;
        if line["change"] == "asked" && line["f"] != "withdraw" {
            if !self.customers.iter().any(|known| known == customer) {
                self.customers.push(customer.to_owned());
            }
            self.operations += 1;
            let process = self.customers.iter().position(|known| known == customer).unwrap();
            let value = if line["f"] == "place" { line["value"].clone() } else { Value::Null };
            let begun = json!({
                "process": process, "type": "invoke", "f": line["f"], "postcode": line["postcode"], "value": value,
                "time": at, "op": self.operations,
            });
            self.lines.push((at, begun.clone()));
            self.open.push((customer.to_owned(), begun));
        }
        if line["change"] == "answered" {
            let open = self.open.iter().position(|(who, _)| who == customer).unwrap();
            let (_, mut ended) = self.open.remove(open);
            (ended["type"], ended["time"]) = (line["type"].clone(), at.into());
            if line["f"] == "read" {
                ended["value"] = line["value"].clone();
                let postcode = ended["postcode"].as_str().unwrap().to_owned();
                if !self.begun.iter().any(|(known, _)| *known == postcode) {
                    self.begun.push((postcode, line["value"].clone()));
                }
            }
            self.lines.push((at, ended));
        }
    }

    /// What the first read of each postcode saw was there before; then no order may be lost or placed twice.
    pub(super) fn finds_nothing(mut self, folder: &Path) {
        self.lines.sort_by_key(|(at, _)| *at);
        let begun =
            self.begun.iter().map(|(postcode, list)| json!({"type": "init", "postcode": postcode, "value": list}));
        let all = begun.chain(self.lines.iter().map(|(_, line)| line.clone()));
        let text: String = all.map(|line| format!("{line}\n")).collect();
        let path = folder.join("history.jsonl");
        std::fs::write(&path, &text).unwrap();
        let judged = program(&["check", path.to_str().unwrap()]);
        let words = String::from_utf8_lossy(&judged.stdout);
        assert_eq!(judged.status.code(), Some(0), "{words}\n{text}");
    }
}

pub(super) const HOME: &str = "DH1 3LE";

#[test]
fn the_six_commands_without_an_argument_in_any_order_place_an_order() {
    let orders = [
        ["name-server", "front-end", "replica", "replica", "replica"],
        ["replica", "replica", "front-end", "replica", "name-server"],
        ["front-end", "replica", "name-server", "replica", "replica"],
    ];
    for order in orders {
        let hand = Hand::new();
        // The customer is there first, and waits.
        let mut client = hand.start(&["client"]);
        client.talk.say(&format!("4 {HOME}"));
        let waits = client.until("waits");
        assert!(waits["for"] == "name-server" && waits["what"].as_str().unwrap().contains("just-hungry name-server"));
        let mut nodes: Vec<Started> = order.iter().map(|command| hand.start(&[command])).collect();
        assert_eq!(client.is_there()["name"], "Muriel");
        let answered = client.until("answered");
        assert_eq!(answered["type"], "ok", "{answered}");
        assert!(answered["what"].as_str().unwrap().starts_with("Placed: order "), "{answered}");
        let names = nodes.iter_mut().map(|node| node.is_there()["name"].as_str().unwrap().to_owned());
        let mut names: Vec<String> = names.collect();
        names.sort_unstable();
        assert_eq!(names, ["front-end", "name-server", "replica-1", "replica-2", "replica-3"]);
        let (code, status) = hand.output(&["status"]);
        assert!(
            code == 0 && ["name-server", "front-end", "replica-3"].iter().all(|name| status.contains(name)),
            "{status}"
        );
        assert!(!status.contains("dead"), "{status}");
    }
}

#[test]
fn each_says_who_waits_for_whom_and_tells_its_steps_with_their_numbers() {
    let hand = Hand::new();
    let mut name_server = hand.runs(&["name-server"]);
    let mut replica = hand.runs(&["replica"]);
    let waits = replica.until("waits");
    assert!(
        waits["for"] == "front-end" && waits["what"].as_str().unwrap().contains("just-hungry front-end"),
        "{waits}"
    );
    let mut front_end = hand.runs(&["front-end"]);
    replica.becomes("primary");
    let mut client = hand.runs(&["client"]);
    let mut judge = Judge::default();
    assert_eq!(client.ask(&format!("4 {HOME}"), &mut judge)["type"], "ok");
    let tells = |who: &mut Started, step: u64| {
        let told = who.talk.hear_until(|line| line["change"] == "told" && line["step"] == step);
        told["what"].as_str().unwrap().to_owned()
    };
    let says = |who: &mut Started, step: u64, words: &str| {
        let told = tells(who, step);
        assert!(told.contains(words), "step {step}: {told}");
    };
    says(&mut name_server, 8, "Muriel");
    says(&mut front_end, 10, "Muriel's order");
    says(&mut front_end, 14, "Muriel");
    says(&mut replica, 11, HOME);
    says(&mut replica, 13, "is placed");
}

#[test]
fn no_order_is_lost_whoever_is_killed_and_the_customer_notices_nothing() {
    let hand = Hand::new();
    let mut judge = Judge::default();
    let mut name_server = hand.runs(&["name-server"]);
    let mut first = hand.runs(&["replica"]);
    let mut front_end = hand.runs(&["front-end"]);
    first.becomes("primary");
    let mut second = hand.runs(&["replica", "--leave"]);
    let mut third = hand.runs(&["replica"]);
    second.becomes("backup");
    third.becomes("backup");
    let mut client = hand.runs(&["client"]);
    let mut other = hand.runs(&["client", "--name", "Zoë"]);
    client.ask(&format!("history {HOME}"), &mut judge);
    let order = format!("4, 14 to {HOME}");
    assert_eq!(client.ask(&order, &mut judge)["type"], "ok");

    // In the middle of an order: while a backup stands still, nobody can be answered.
    third.signal(Signal::STOP);
    client.begin(&order, &mut judge);
    first.ends_by(Signal::KILL);
    third.signal(Signal::CONT);
    assert_eq!(client.answer(&mut judge)["type"], "ok");

    // A primary that comes back has its old name, and is a new replica.
    let mut first = hand.runs(&["replica"]);
    assert_eq!(first.name, "replica-1");
    first.becomes("backup");

    // The front-end in the middle of an order: another one, started by hand, is found.
    third.signal(Signal::STOP);
    client.begin(&order, &mut judge);
    front_end.ends_by(Signal::KILL);
    let _front_end = hand.runs(&["front-end"]);
    third.signal(Signal::CONT);
    assert_eq!(client.answer(&mut judge)["type"], "ok");

    assert_eq!(other.ask(&format!("history {HOME}"), &mut judge)["type"], "ok");

    // The name server: orders go on without it, `status` says that it is dead, and it returns as the same one.
    assert_eq!(name_server.ends_by(Signal::KILL).1, Some(9));
    assert_eq!(other.ask(&order, &mut judge)["type"], "ok");
    assert_eq!(client.ask(&order, &mut judge)["type"], "ok");
    let (_, status) = hand.output(&["status"]);
    assert!(status.lines().any(|line| line.starts_with("name-server") && line.contains("dead")), "{status}");
    let mut late = hand.start(&["replica"]);
    assert!(late.until("waits")["what"].as_str().unwrap().contains("its process"));
    let mut name_server = hand.start(&["name-server"]);
    assert!(name_server.until("begins")["what"].as_str().unwrap().contains("returns as the same one"));
    name_server.is_there();
    late.is_there();
    late.becomes("backup");

    // Politely, and not.
    assert_eq!(second.ends_by(Signal::INT), (Some(0), None));
    assert!(second.until("left")["what"].as_str().unwrap().contains("replica-2 has left"));
    assert!(!hand.path("default").join("replica-2.card").exists());
    assert_eq!(late.ends_by(Signal::INT), (Some(0), None));
    assert!(late.until("ends")["what"].as_str().unwrap().contains("as in a crash"));
    assert_eq!(client.ask(&order, &mut judge)["type"], "ok");
    // One of them was there before.
    assert_eq!(client.ask(&format!("history {HOME}"), &mut judge)["value"].as_array().unwrap().len(), 1 + 6);
    judge.finds_nothing(hand.folder.path());
}

#[test]
fn what_a_customer_types_wrong_is_told_and_a_waiting_order_can_be_cancelled() {
    let hand = Hand::new();
    let mut judge = Judge::default();
    let _name_server = hand.runs(&["name-server"]);
    let mut client = hand.runs(&["client", "--name", "Ada"]);
    // No front-end and no replica: it waits, and says for whom.
    client.begin(&format!("4 {HOME}"), &mut judge);
    let waits = client.until("waits")["what"].as_str().unwrap().to_owned();
    assert!(waits.contains("front-end") && waits.contains("replica"), "{waits}");
    client.talk.say("cancel");
    let _replica = hand.runs(&["replica"]);
    let _front_end = hand.runs(&["front-end"]);
    let cancelled = client.answer(&mut judge);
    assert_eq!(cancelled["type"], "fail", "{cancelled}");
    assert!(cancelled["what"].as_str().unwrap().starts_with("Cancelled"), "{cancelled}");
    for (line, words) in [
        ("99 DH1 3LE", "There is no dish 99"),
        ("order me something", "is not understood"),
        ("cancel", "nothing to cancel"),
        ("receipts", "None of your orders"),
    ] {
        client.talk.say(line);
        let said = client.talk.hear();
        assert!(said["what"].as_str().unwrap().contains(words), "{line}: {said}");
    }
    let rejected = client.ask("4 ZZ99 9ZZ", &mut judge);
    assert_eq!(rejected["type"], "fail");
    assert!(rejected["what"].as_str().unwrap().starts_with("Not placed: "), "{rejected}");
    assert_eq!(client.ask(&format!("4 {HOME}"), &mut judge)["type"], "ok");
    client.talk.close_input();
    assert_eq!(client.talk.child.wait().unwrap().code(), Some(0));
    // Without a terminal and without --json: plain lines.
    let mut plain = Talking::to(hand.command(&["client"]));
    plain.say(&format!("1 1\n{HOME}\nreceipts"));
    plain.close_input();
    let lines: Vec<String> = plain.all_lines();
    assert!(lines[0].starts_with("Just Hungry, cluster “default”. You are "), "{lines:?}");
    assert!(
        lines.iter().any(|line| line.starts_with("Placed: order ") && line.contains("2 × Margherita")),
        "{lines:?}"
    );
    assert!(lines.last().unwrap().starts_with("order "), "{lines:?}");
}

#[test]
fn a_client_follows_a_cluster_that_begins_anew_and_other_commands_find_it() {
    let hand = Hand::new();
    let mut name_server = hand.runs(&["name-server"]);
    let replica = hand.runs(&["replica", "-v"]);
    let front_end = hand.runs(&["front-end"]);
    let mut client = hand.runs(&["client"]);
    let mut judge = Judge::default();
    assert_eq!(client.ask(&format!("4 {HOME}"), &mut judge)["type"], "ok");
    let mut lines = Talking::to(hand.command(&["customer", "--lines"]));
    let answer = lines.ask(&super::program::order(1, HOME, &["Pad thai"]));
    assert_eq!((answer["type"].as_str(), answer["number"].as_u64()), (Some("ok"), Some(2)), "{answer}");
    // All of it is killed; the name server comes last, so that nothing of the run lives.
    drop((replica, front_end));
    name_server.ends_by(Signal::KILL);
    client.begin(&format!("14 {HOME}"), &mut judge);
    let _name_server = hand.runs(&["name-server"]);
    let unknown = client.until("unknown");
    assert!(unknown["what"].as_str().unwrap().contains("may or may not be placed"), "{unknown}");
    assert!(client.until("begins")["what"].as_str().unwrap().contains("new cluster has begun"));
    let (_replica, _front_end) = (hand.runs(&["replica"]), hand.runs(&["front-end"]));
    client.talk.say(&format!("14 {HOME}"));
    let answered = client.until("answered");
    assert!(answered["what"].as_str().unwrap().starts_with("Placed: order 1, Lemonade"), "{answered}");
    // A name that is taken is not given again.
    let (code, why) = hand.output(&["client", "--name", "Muriel"]);
    assert!(code == 2 && why.contains("already a customer called Muriel"), "{why}");
}

#[test]
fn two_clusters_are_apart_and_one_cluster_has_one_name_server() {
    let hand = Hand::new();
    let _one = hand.runs(&["name-server"]);
    let mut other = hand.runs(&["name-server", "--cluster", "other", "--autoclean", "20.0"]);
    let (code, why) = hand.output(&["name-server"]);
    assert!(code == 2 && why.contains("has a name server already (process "), "{code}: {why}");
    let _replica = hand.runs(&["replica"]);
    let theirs = hand.runs(&["replica", "--cluster", "other"]);
    assert_eq!(theirs.name, "replica-1", "each cluster counts for itself");
    let (_, status) = hand.output(&["status", "--cluster", "other"]);
    assert_eq!(status.lines().filter(|line| line.contains("replica-")).count(), 1, "{status}");
    // Killed, with everything: the next one begins anew and says so.
    other.ends_by(Signal::KILL);
    drop(theirs);
    let mut again = hand.start(&["name-server", "--cluster", "other"]);
    assert!(again.until("begins")["what"].as_str().unwrap().contains("without cleaning up"));
    let (code, why) = hand.output(&["status", "--cluster", "nobody"]);
    assert!(code == 2 && why.contains("No process of the cluster “nobody” runs"), "{why}");
}

#[test]
fn hostile_names_numbers_and_files_end_in_a_sentence() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let hand = Hand::new();
    for name in ["../up", "a b", "", "x\u{1b}[2J"] {
        let (code, why) = hand.output(&["replica", "--cluster", name]);
        assert!(code == 2 && why.contains("cannot be the name of a cluster") && !why.contains('\u{1b}'), "{why}");
    }
    for seconds in ["0", "-1", "x", "1e9", "NaN"] {
        let mut command = hand.command(&["name-server"]);
        command.env("JUST_HUNGRY_AUTOCLEAN", seconds);
        let output = command.output().unwrap();
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && why.contains("a number of seconds from 1 to 86400"), "{why}");
    }
    // Where the folder would be: nowhere, or among everybody's.
    let open = hand.folder.path().join("open");
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).unwrap();
    for (base, words) in [(hand.folder.path().join("nowhere"), "is no folder"), (open, "by every user of this machine")]
    {
        let mut command = hand.command(&["name-server"]);
        let output = command.env("XDG_RUNTIME_DIR", base).output().unwrap();
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && why.contains(words) && why.contains("XDG_RUNTIME_DIR"), "{why}");
    }
    let _name_server = hand.runs(&["name-server"]);
    let (code, why) = hand.output(&["client", "--name", "<b>\u{1b}[2J"]);
    assert!(code == 2 && why.contains("cannot be a customer's name") && !why.contains('\u{1b}'), "{why}");
    // A card that points elsewhere, one that is no card, and a lock that is a link.
    let place = hand.path("default");
    std::fs::write(place.join("replica-7.card"), "{\"name\":").unwrap();
    symlink("/etc/passwd", place.join("replica-8.card")).unwrap();
    let (code, status) = hand.output(&["status"]);
    assert!(code == 0 && !status.contains("replica-7") && !status.contains("replica-8"), "{status}");
    // A folder that others can look into, or that is a link.
    std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o755)).unwrap();
    let (code, why) = hand.output(&["replica"]);
    assert!(code == 2 && why.contains("is open to other users. Close it: chmod 700"), "{why}");
    symlink(&place, hand.path("link")).unwrap();
    let (code, why) = hand.output(&["replica", "--cluster", "link"]);
    assert!(code == 2 && why.contains("is a file or a link, not a folder"), "{why}");
}

#[test]
fn a_service_manager_is_told_when_a_process_is_ready_and_when_it_ends() {
    let hand = Hand::new();
    let path = hand.folder.path().join("notify");
    let socket = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(crate::program::PATIENCE)).unwrap();
    let mut command = hand.command(&["name-server", "--leave", "--json"]);
    command.env("NOTIFY_SOCKET", &path).stderr(Stdio::null());
    let mut started = Started { talk: Talking::to(command), name: String::new() };
    let heard = || {
        let mut word = [0; 64];
        let length = socket.recv(&mut word).unwrap();
        String::from_utf8(word[..length].to_vec()).unwrap()
    };
    assert_eq!(heard(), "READY=1");
    started.is_there();
    assert_eq!(started.ends_by(Signal::TERM), (Some(0), None));
    assert_eq!(heard(), "STOPPING=1");
}
