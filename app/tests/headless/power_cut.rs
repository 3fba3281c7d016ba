//! Everything is killed at one moment while customers order, the launcher and the customers, too; started again on the same disks, the
//! cluster gives no number twice, and every order that was acknowledged is there once.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Sender, channel};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::Value;

use crate::by_hand::HOME;
use crate::program::{PATIENCE, RunningCluster, Talking, command, order, read, wait_until_gone};

const CUSTOMERS: usize = 4;
/// The power goes when each customer has had this many answers in a run, and is on to the next order.
const ORDERS: usize = 12;
const CUTS: usize = 3;

/// One acknowledged order: the name under which it is known, which begins with its customer's number, and its own number.
#[derive(Clone, Debug)]
struct Placed {
    name: String,
    number: u64,
}

/// A customer of a process of its own, who orders as fast as there are answers, until it is killed.
fn orders(folder: &Path, which: usize, told: Sender<(usize, Placed)>) -> Child {
    let mut program = command(&["customer", "--dir", folder.to_str().unwrap(), "--lines", "--deadline", "60000"]);
    let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let (mut input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    std::thread::spawn(move || {
        let mut answers = output.lines();
        for op in 1.. {
            // Either fails when it is killed.
            if writeln!(input, "{}", order(op, HOME, &["Pad thai"])).is_err() {
                return;
            }
            let Some(Ok(line)) = answers.next() else { return };
            let answer: Value = serde_json::from_str(&line).unwrap();
            assert_eq!(answer["type"], "ok", "{answer}");
            let name = answer["value"].as_str().unwrap().to_owned();
            let placed = Placed { name, number: answer["number"].as_u64().unwrap() };
            if told.send((which, placed)).is_err() {
                return;
            }
        }
    });
    child
}

fn launch(durable: &Path, temporary: &Path) -> RunningCluster {
    let mut program = command(&["cluster", "--replicas", "3", "--durable", durable.to_str().unwrap()]);
    program.env("TMPDIR", temporary).process_group(0).stderr(Stdio::null());
    RunningCluster::of(Talking::to(program))
}

/// The token of its front-end, once it serves.
fn token(cluster: &RunningCluster) -> u64 {
    let status = cluster.status();
    let nodes = status["nodes"].as_array().unwrap();
    nodes.iter().find_map(|node| node["token"].as_u64()).unwrap()
}

/// The ids of those of its processes whose name begins so.
fn ids(cluster: &RunningCluster, name: &str) -> Vec<String> {
    let nodes = cluster.first["nodes"].as_array().unwrap().iter();
    let named = nodes.filter(|node| node["name"].as_str().unwrap().starts_with(name));
    let mut ids: Vec<String> = named.map(|node| node["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

#[test]
fn no_number_is_given_twice_when_everything_is_killed_at_one_moment() {
    let parent = tempfile::tempdir().unwrap();
    let (durable, temporary) = (parent.path().join("durable"), parent.path().join("temporary"));
    std::fs::create_dir(&temporary).unwrap();
    let mut acknowledged: Vec<Placed> = Vec::new();
    let (mut tokens, mut front_ends, mut customers) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    let mut replicas = None;
    for cut in 1..=CUTS {
        let mut cluster = launch(&durable, &temporary);
        let (sender, told) = channel();
        let mut running: Vec<Child> =
            (0..CUSTOMERS).map(|which| orders(&cluster.folder, which, sender.clone())).collect();
        drop(sender);
        let (mut counts, mut now) = ([0; CUSTOMERS], Vec::new());
        while counts.iter().any(|count| *count < ORDERS) {
            let (which, placed) = told.recv_timeout(PATIENCE).expect("an answer in time");
            counts[which] += 1;
            now.push(placed);
        }
        tokens.push(token(&cluster));
        // The launcher's group, its processes, and the customers, each in the middle of an order.
        let pids = cluster.pids();
        let launcher = Pid::from_raw(cluster.talk.child.id().cast_signed()).unwrap();
        kill_process_group(launcher, Signal::KILL).unwrap();
        for pid in &pids {
            // One that has noticed the end of its launcher may be gone.
            let _ = kill_process(Pid::from_raw(*pid).unwrap(), Signal::KILL);
        }
        running.iter_mut().for_each(|customer| customer.kill().unwrap());
        for mut customer in running {
            customer.wait().unwrap();
        }
        cluster.talk.child.wait().unwrap();
        wait_until_gone(&pids);
        // What was answered in the last moment counts, too.
        now.extend(told.iter().map(|(_, placed)| placed));

        assert!(front_ends.insert(ids(&cluster, "front-end")), "cut {cut}: a front-end has the id of an earlier one");
        let here: BTreeSet<_> = now.iter().map(|placed| placed.name.split('-').next().unwrap().to_owned()).collect();
        assert_eq!(here.len(), CUSTOMERS, "cut {cut}: {here:?}");
        assert!(customers.is_disjoint(&here), "cut {cut}: a customer has the number of an earlier one");
        customers.extend(here);
        let highest = acknowledged.iter().map(|placed| placed.number).max().unwrap_or(0);
        assert!(now.iter().all(|placed| placed.number > highest), "cut {cut}: after {highest} came {now:?}");
        acknowledged.extend(now);
        let these = ids(&cluster, "replica");
        assert_eq!(*replicas.get_or_insert(these.clone()), these, "cut {cut}");
    }
    let cluster = launch(&durable, &temporary);
    let found = cluster.customer().ask(&read(1, HOME));
    let found: Vec<&str> = found["value"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    tokens.push(token(&cluster));
    assert!(tokens.is_sorted_by(|before, after| before < after), "{tokens:?}");
    assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), found.len(), "an order is there twice: {found:?}");
    let numbers: BTreeSet<u64> = acknowledged.iter().map(|placed| placed.number).collect();
    assert_eq!(numbers.len(), acknowledged.len(), "a number was given twice: {acknowledged:?}");
    for placed in &acknowledged {
        assert!(found.contains(&placed.name.as_str()), "{placed:?} is lost");
    }
    // Orders that were not acknowledged may be there: at most one of each customer that was killed.
    let surplus = found.iter().filter(|name| !name.starts_with("seed-")).count() - acknowledged.len();
    assert!(surplus <= CUTS * CUSTOMERS, "{surplus} orders that nobody was told of");
}
