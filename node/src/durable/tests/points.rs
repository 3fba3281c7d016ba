//! A thread that stands at each point of its work: what a process finds that starts after a death there, and what comes of it
//! if the thread goes on.

use protocol::trace::{DiskFault, Failpoint};

use super::*;

/// What a process finds that starts on a copy of this folder as it is now.
fn found(folder: &Path) -> Recovered {
    let copy = tempfile::tempdir().unwrap();
    let copied = copy.path().join("replica-1");
    std::fs::create_dir(&copied).unwrap();
    for file in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        std::fs::copy(file.path(), copied.join(file.file_name())).unwrap();
    }
    let opened = opening::open(&place(&copied), ID, "replica-1").unwrap();
    assert_eq!(opened.notice, None);
    opened.recovered
}

fn op(recovered: &Recovered) -> OpNumber {
    recovered.position().unwrap().op
}

#[test]
fn the_thread_stands_at_each_point_once_and_a_death_there_loses_nothing_that_was_said() {
    // What is handed over after entry 3, and the last entry that is found there.
    let points = [
        (Failpoint::DiskTornLog, false, 3),
        (Failpoint::DiskBeforeFsync, false, 4),
        (Failpoint::DiskAfterFsync, false, 4),
        (Failpoint::DiskSnapshotRename, true, 3),
    ];
    for (point, new_file, last) in points {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("replica-1");
        written(&folder, 3);
        let mut opened = reopened(&folder, "replica-1");
        opened.log.stop_at(Some(point));
        let kept = if new_file { beginning(2) } else { vec![entry(4)] };
        opened.log.keep(1, new_file, kept);
        assert_eq!(answer_through(&mut opened.log), DiskAnswer::Reached(point));
        assert_eq!(op(&found(&folder)), OpNumber(last), "{point}");
        opened.log.go_on();
        assert_eq!(answer(&mut opened.log), DiskAnswer::Kept(1), "{point}");
        let after = found(&folder);
        assert_eq!((op(&after), after.view().number.0), if new_file { (OpNumber(0), 2) } else { (OpNumber(4), 1) });
        // Only once.
        opened.log.keep(2, true, beginning(3));
        assert_eq!(answer(&mut opened.log), DiskAnswer::Kept(2), "{point}");
    }
}

/// As the event loop hears it, which lets the thread go on.
fn answer_through(log: &mut DurableLog) -> DiskAnswer {
    let answer = answer(log);
    log.stands = matches!(answer, DiskAnswer::Reached(_));
    answer
}

#[test]
fn a_bomb_that_is_taken_away_stops_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let mut opened = opening::open(&place(&folder.path().join("replica-1")), ID, "replica-1").unwrap();
    opened.log.stop_at(Some(Failpoint::DiskBeforeFsync));
    opened.log.stop_at(None);
    opened.log.keep(1, true, beginning(1));
    assert_eq!(answer(&mut opened.log), DiskAnswer::Kept(1));
}

#[test]
fn a_fault_that_a_person_wants_is_met_as_a_real_one_and_ends_when_they_want() {
    let cases = [
        (DiskFault::Full, DiskTrouble::Full),
        (DiskFault::ReadOnly, DiskTrouble::ReadOnly),
        (DiskFault::Broken, DiskTrouble::Failed { why: "the disk has a fault (input/output error)".into() }),
    ];
    for (fault, trouble) in cases {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("replica-1");
        written(&folder, 3);
        let mut opened = reopened(&folder, "replica-1");
        opened.log.set_fault(Some(fault));
        opened.log.keep(1, false, vec![entry(4)]);
        assert_eq!(answer(&mut opened.log), DiskAnswer::Failed(1, trouble.clone()));
        opened.log.keep(2, true, beginning(2));
        assert_eq!(answer(&mut opened.log), DiskAnswer::Failed(2, trouble));
        // The file from before is still there.
        assert!(op(&found(&folder)) >= OpNumber(3), "{fault}");
        opened.log.set_fault(None);
        opened.log.keep(3, true, beginning(2));
        assert_eq!(answer(&mut opened.log), DiskAnswer::Kept(3));
        assert_eq!(found(&folder).view().number.0, 2, "{fault}");
    }
}

#[test]
fn a_read_only_folder_ends_the_start_with_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("replica-1");
    written(&folder, 1);
    let place = DurablePlace { fault: Some(DiskFault::ReadOnly), ..place(&folder) };
    let sentence = opening::open(&place, ID, "replica-1").unwrap_err().to_string();
    assert!(sentence.contains("read-only") && sentence.contains("Check that it exists"), "{sentence}");
}
