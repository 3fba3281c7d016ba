//! Bombs: at every point of nodes and customers, while others order; and in the launcher itself, which must leave nobody
//! behind.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use protocol::trace::{FAILPOINTS, Part};

use crate::program::{RunningCluster, Talking, command, last_json, program};

/// After the death of the launcher, no process lives longer than this.
const LONGEST_LIFE: Duration = Duration::from_secs(2);

/// A cluster in a session of its own, so that all of its processes can be found: each is a process group of its own.
struct Group {
    cluster: RunningCluster,
    _folder: tempfile::TempDir,
}

impl Group {
    fn start(bomb: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("run");
        let arguments = ["cluster", "--replicas", "2", "--dir", directory.to_str().unwrap(), "--bomb"];
        let direct = command(&[&arguments[..], bomb].concat());
        let mut program = std::process::Command::new("setsid");
        program.arg(direct.get_program()).args(direct.get_args());
        Self { cluster: RunningCluster::of(Talking::to(program)), _folder: folder }
    }

    /// How many processes of the session live, the launcher included. A dead process that is not waited for does not count.
    fn living(&self) -> usize {
        let session = self.cluster.talk.child.id().to_string();
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let of_session = processes.filter(|process| {
            let Ok(stat) = std::fs::read_to_string(process.path().join("stat")) else { return false };
            // After the name, which may hold anything: state, parent, group, session.
            let after_name: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().take(4).collect();
            after_name.get(3) == Some(&&*session) && !["Z", "X"].contains(&after_name[0])
        });
        of_session.count()
    }

    /// The launcher dies of its bomb, and everybody with it.
    fn dies(mut self) {
        let ended = self.cluster.talk.child.wait().unwrap();
        assert_eq!(ended.signal(), Some(9), "{ended}");
        let begun = Instant::now();
        while self.living() > 0 {
            assert!(begun.elapsed() < LONGEST_LIFE, "{} processes are left behind", self.living());
            std::thread::yield_now();
        }
    }
}

#[test]
fn whoever_dies_or_freezes_at_whatever_point_nothing_is_lost_and_nothing_is_there_twice() {
    let output = program(&["run", "one-per-failpoint", "--json"]);
    let report = last_json(&output);
    assert_eq!(output.status.code(), Some(0), "{report}");
    // Those of a disk have a scenario of their own.
    let of_machines = FAILPOINTS.into_iter().filter(|at| at.role().is_some() && at.part() != Part::Disk);
    let each_with_crash_and_freeze: BTreeMap<String, u64> = of_machines.map(|at| (at.name().to_owned(), 2)).collect();
    assert_eq!(each_with_crash_and_freeze.len(), 29);
    assert_eq!(report["failpoints"], serde_json::json!(each_with_crash_and_freeze), "{report}");
    for what in ["lost", "doubled", "reordered", "stale", "invented"] {
        assert_eq!(report["verdict"][what], 0, "{report}");
    }
    assert_eq!(report["replicas_equal"], true, "{report}");
    assert_eq!(report["not_done"], serde_json::json!([]), "{report}");
}

#[test]
fn a_launcher_that_dies_while_it_starts_a_process_leaves_nobody_behind() {
    let mut group = Group::start(&["supervisor-child-spawned-unregistered"]);
    assert!(group.living() >= 7, "launcher, name server, front-end, two services, two replicas");
    group.cluster.talk.say(r#"{"do":"add-replica"}"#);
    group.dies();
}

#[test]
fn a_launcher_that_dies_while_it_ends_its_processes_leaves_nobody_behind() {
    let mut group = Group::start(&["supervisor-mid-shutdown"]);
    group.cluster.talk.close_input();
    group.dies();
}

#[test]
fn a_launcher_that_stands_still_at_its_points_goes_on_afterwards() {
    let mut group = Group::start(&["supervisor-child-spawned-unregistered", "--freezes-ms", "1000"]);
    let begun = Instant::now();
    group.cluster.talk.say(r#"{"do":"add-replica"}"#);
    group.cluster.until_is("replica-3", "backup");
    assert!(begun.elapsed() >= Duration::from_secs(1), "it stood still");

    let mut group = Group::start(&["supervisor-mid-shutdown", "--freezes-ms", "1000"]);
    let begun = Instant::now();
    group.cluster.talk.close_input();
    assert_eq!(group.cluster.talk.child.wait().unwrap().code(), Some(0));
    assert!(begun.elapsed() >= Duration::from_secs(1), "it stood still");
    assert_eq!(group.living(), 0);
}
