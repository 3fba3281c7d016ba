//! Disks that do not work: full, read-only, broken, by a person's wish and really; and replicas that die or stand still at each
//! point of the work of their disks.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use cluster::{Cluster, ClusterOptions};
use knowledge::user_command::{CustomerCommand, UserCommand};
use protocol::disk::DiskTrouble;
use protocol::ids::{CustomerId, NodeId};
use protocol::message::Answer;
use protocol::order_book::Outcome;
use protocol::trace::{
    Blast, Bomb, DiskFault, Ending, FAILPOINTS, Failpoint, LauncherEvent, MachineEvent, NodeEvent, Note, Part,
    Standing, TraceEvent,
};

use crate::program::{last_json, program};
use crate::scenario_run::{ScenarioRun, order};

fn options(folder: &Path) -> ClusterOptions {
    let program = env!("CARGO_BIN_EXE_just-hungry").into();
    ClusterOptions { program, durable: Some(folder.to_owned()), ..ClusterOptions::usual().unwrap() }
}

/// Until a view with this many members begins.
fn until_members(run: &mut ScenarioRun, members: usize) -> NodeId {
    run.until_event(&format!("a view with {members} members"), |event| {
        matches!(event, TraceEvent::Machine(MachineEvent::Became { standing: Standing::Primary, view }) if view.members.len() == members)
    })
}

fn until_note(run: &mut ScenarioRun, wanted: &Note) -> NodeId {
    run.until_event(
        &format!("{wanted:?}"),
        |event| matches!(event, TraceEvent::Machine(MachineEvent::Noted(note)) if note == wanted),
    )
}

fn places(run: &mut ScenarioRun, grace: CustomerId) {
    run.perform(order(grace, &["Pad thai"]));
    let request = run.asked();
    assert!(matches!(run.answer(request), Answer::Outcome(Outcome::Placed { .. })));
}

/// How many orders there are where Grace lives, the pre-defined ones included.
fn reads(run: &mut ScenarioRun, grace: CustomerId) -> u64 {
    let (customer, postcode) = (grace, "ne1 7ru".into());
    run.perform(UserCommand::Customer(CustomerCommand::ReadHistory { customer, postcode, page: 0 }));
    let request = run.asked();
    let Answer::History(page) = run.answer(request) else { panic!("no history") };
    page.total
}

#[test]
fn disks_fail_in_turn_and_at_once_and_no_acknowledged_order_is_lost() {
    let output = program(&["run", "disk-full", "--json"]);
    let report = last_json(&output);
    assert_eq!(output.status.code(), Some(0), "{report:#}");
    for kind in ["disk-full", "disk-read-only", "disk-broken"] {
        assert!(report["faults"][kind].as_u64() >= Some(1), "{report:#}");
    }
    for what in ["lost", "doubled", "reordered", "stale", "invented"] {
        assert_eq!(report["verdict"][what], 0, "{report:#}");
    }
    assert_eq!(report["replicas_equal"], true, "{report:#}");
    assert_eq!(report["not_done"], serde_json::json!([]), "{report:#}");
}

#[test]
fn whoever_dies_or_freezes_at_whatever_point_of_a_disk_nothing_is_lost_and_nothing_is_there_twice() {
    let output = program(&["run", "one-per-disk-failpoint", "--json"]);
    let report = last_json(&output);
    assert_eq!(output.status.code(), Some(0), "{report:#}");
    let of_disks = FAILPOINTS.into_iter().filter(|at| at.part() == Part::Disk);
    let each_with_crash_and_freeze: BTreeMap<String, u64> = of_disks.map(|at| (at.name().to_owned(), 2)).collect();
    assert_eq!(each_with_crash_and_freeze.len(), 4);
    assert_eq!(report["failpoints"], serde_json::json!(each_with_crash_and_freeze), "{report:#}");
    for what in ["lost", "doubled", "reordered", "stale", "invented"] {
        assert_eq!(report["verdict"][what], 0, "{report:#}");
    }
    assert_eq!(report["replicas_equal"], true, "{report:#}");
    assert_eq!(report["not_done"], serde_json::json!([]), "{report:#}");
}

#[test]
fn what_needs_a_disk_is_refused_where_there_is_none() {
    let mut run = ScenarioRun::open();
    let primary = run.primary();
    let full = UserCommand::SetDisk { node: primary.clone(), fault: Some(DiskFault::Full) };
    let refusal = run.refusal(full);
    assert!(refusal.contains("keeps its orders in memory, so it has no disk that could fail"), "{refusal}");
    let bomb = Some(Bomb { at: Failpoint::DiskTornLog, blast: Blast::Crash });
    let refusal = run.refusal(UserCommand::SetBomb { node: primary, bomb });
    assert!(refusal.contains("it has no disk at which a bomb could go off"), "{refusal}");
}

/// All members are off, and their orders are on their disks: a new history would throw them away.
#[test]
fn a_fresh_start_is_refused_while_a_member_is_merely_off() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = ScenarioRun::open_as(options(&folder.path().join("durable")));
    until_members(&mut run, 3);
    let view = run.until("the view", |record| match &record.event {
        TraceEvent::Machine(MachineEvent::Became { standing: Standing::Primary, view }) if view.members.len() == 3 => {
            Some(view.clone())
        }
        _ => None,
    });
    let grace = run.customer("Grace");
    places(&mut run, grace);
    let before = reads(&mut run, grace);
    run.perform(UserCommand::AddReplica);
    let (newcomer, _) = run.until_started();
    // Before it is a member, all others are off.
    for node in ["replica-1", "replica-2", "replica-3"] {
        run.ends(UserCommand::Crash { node: node.into() });
    }
    let refusal = run.refusal(UserCommand::FreshStart { replica: newcomer, after: view });
    assert!(refusal.contains("but its orders are on its disk. Restart it, and nothing is lost."), "{refusal}");
    run.perform(UserCommand::PowerOn);
    assert_eq!(reads(&mut run, grace), before);
}

/// A customer is known by random bits, which no disk keeps and none needs to: after the power was away, the same name is another
/// customer, and no number is given twice.
#[test]
fn customers_of_two_lives_of_a_cluster_are_never_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("durable");
    let mut seen = Vec::new();
    let mut placed = 0;
    for life in 0..3 {
        let mut run = ScenarioRun::open_as(options(&folder));
        let all = run.until_all("the usual customers", |facts| {
            let customers = facts.iter().filter_map(|record| match &record.event {
                TraceEvent::Launcher(LauncherEvent::CustomerIs { customer, .. }) => Some(*customer),
                _ => None,
            });
            let customers: Vec<CustomerId> = customers.collect();
            (customers.len() == 3).then_some(customers)
        });
        assert!(all.iter().all(|customer| !seen.contains(customer)), "life {life}: {all:?} in {seen:?}");
        seen.extend(all);
        // Her first number again: with the id of her earlier life, she would be told of the earlier order.
        let grace = run.customer("Grace");
        let before = reads(&mut run, grace);
        assert!(life == 0 || before == placed, "life {life}");
        places(&mut run, grace);
        placed = reads(&mut run, grace);
        assert_eq!(placed, before + 1, "life {life}");
    }
}

/// A small disk of its own, mounted here; it goes when this is dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// None where this user may not mount anything, which is said. In CI that is no excuse.
    #[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
    fn mount(at: &Path) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=512k,mode=700", "just-hungry-test"]).arg(at);
        let mounted = mount.status().is_ok_and(|status| status.success());
        if mounted {
            return Some(Self(at.to_owned()));
        }
        assert!(std::env::var_os("JUST_HUNGRY_CI").is_none(), "CI must be able to mount a small disk");
        eprintln!("skipped: a small disk can only be mounted by root");
        None
    }

    fn remount(&self, how: &str) {
        let mut mount = Command::new("mount");
        let status = mount.args(["-o", &format!("remount,{how}")]).arg(&self.0).status().unwrap();
        assert!(status.success(), "{how}");
    }

    /// Writes until there is no room.
    fn fill(&self) -> PathBuf {
        let path = self.0.join("ballast");
        let mut file = std::fs::File::create(&path).unwrap();
        while file.write_all(&[0x5a; 1024]).is_ok() {}
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // If it stays, the test's folder cannot be removed, which the next look at it shows.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_replica_on_a_disk_that_is_really_full_is_left_out_and_comes_back_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("durable");
    // Before the cluster uses its folder, that has an identity and nothing else.
    drop(Cluster::launch(ClusterOptions { replicas: 1, ..options(&folder) }).unwrap());
    let Some(disk) = SmallDisk::mount(&folder.join("replica-3")) else { return };
    let mut run = ScenarioRun::open_as(options(&folder));
    until_members(&mut run, 3);
    let grace = run.customer("Grace");
    places(&mut run, grace);
    let mut acknowledged = reads(&mut run, grace);

    let ballast = disk.fill();
    run.facts.clear();
    // One page of the file may still have room for some of them.
    let why = loop {
        places(&mut run, grace);
        acknowledged += 1;
        let failed = run.facts.iter().find_map(|record| match &record.event {
            TraceEvent::Machine(MachineEvent::Noted(Note::DiskFails { why })) => Some(why.clone()),
            _ => None,
        });
        if let Some(why) = failed {
            break why;
        }
        assert!(acknowledged < 500, "the disk never becomes full");
    };
    assert_eq!(why, DiskTrouble::Full);
    until_members(&mut run, 2);
    places(&mut run, grace);
    acknowledged += 1;

    std::fs::remove_file(ballast).unwrap();
    run.facts.clear();
    until_note(&mut run, &Note::DiskWorks);
    until_members(&mut run, 3);
    places(&mut run, grace);
    acknowledged += 1;
    assert_eq!(reads(&mut run, grace), acknowledged);
    // Now the two others go, and it has everything.
    for node in ["replica-1", "replica-2"] {
        run.ends(UserCommand::Crash { node: node.into() });
    }
    assert_eq!(reads(&mut run, grace), acknowledged);
    drop(run);
    drop(disk);
}

#[test]
fn a_replica_whose_disk_cannot_be_written_to_says_so_when_it_starts_and_the_others_serve() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("durable");
    drop(Cluster::launch(ClusterOptions { replicas: 1, ..options(&folder) }).unwrap());
    let Some(disk) = SmallDisk::mount(&folder.join("replica-3")) else { return };
    let mut run = ScenarioRun::open_as(options(&folder));
    until_members(&mut run, 3);
    let grace = run.customer("Grace");
    places(&mut run, grace);
    run.ends(UserCommand::Crash { node: "replica-3".into() });
    disk.remount("ro");
    let told = |run: &mut ScenarioRun| {
        run.until("its last words", |record| match &record.event {
            TraceEvent::Launcher(LauncherEvent::Ended { how: Ending::Exited, words }) => Some(words.clone()),
            _ => None,
        })
    };
    run.perform(UserCommand::Restart { node: "replica-3".into() });
    let words = told(&mut run);
    assert!(words.contains("replica-3 cannot be used") && words.contains("read-only"), "{words}");
    assert!(words.contains("Check that it exists, belongs to you, is writable and is not full."), "{words}");
    places(&mut run, grace);

    disk.remount("rw");
    run.perform(UserCommand::Restart { node: "replica-3".into() });
    until_members(&mut run, 3);
    places(&mut run, grace);
    drop(run);

    // From the beginning: the person who starts the cluster is told, and nothing is left running.
    disk.remount("ro");
    let refused = Cluster::launch(options(&folder)).err().unwrap().to_string();
    assert!(refused.contains("replica-3 ended while starting") && refused.contains("read-only"), "{refused}");
    disk.remount("rw");
    drop(disk);
}

#[test]
fn a_crash_at_a_point_of_the_disk_leaves_what_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = ScenarioRun::open_as(options(&folder.path().join("durable")));
    let primary = until_members(&mut run, 3);
    let name = run.until("its name", |record| match &record.event {
        TraceEvent::Launcher(LauncherEvent::Started(started)) if record.node == primary => Some(started.name.clone()),
        _ => None,
    });
    let grace = run.customer("Grace");
    places(&mut run, grace);
    let before = reads(&mut run, grace);
    let bomb = Bomb { at: Failpoint::DiskTornLog, blast: Blast::Crash };
    run.perform(UserCommand::SetBomb { node: name.clone(), bomb: Some(bomb) });
    run.until_fact(LauncherEvent::BombIs { bomb: Some(bomb) });
    // Its primary dies with half of it on its disk, and the next one places it.
    places(&mut run, grace);
    run.until_event(
        "the bomb",
        |event| matches!(event, TraceEvent::Node(NodeEvent::Exploded { bomb: it }) if *it == bomb),
    );
    run.perform(UserCommand::Restart { node: name });
    assert_eq!(run.until_started().1, primary, "it is who it was");
    assert_eq!(reads(&mut run, grace), before + 1);
}
