//! A log in a real folder, and one on a disk in memory where each call in turn fails and unsynced bytes are lost.

mod anew;
mod points;

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use protocol::disk::file::{Label, Next, Reader};
use protocol::ids::{CustomerId, NodeId, OpNumber, OrderNumber, RequestId, RequestNumber, Timestamp, View, ViewNumber};
use protocol::order_book::{Entry, EntryEffect, OrderBook, Outcome, Reached, Sweep};
use protocol::replica::Recovered;

use super::storage::LogFile;
use super::*;
use crate::control::DurablePlace;

const ID: NodeId = NodeId(11);
const SPARE: NodeId = NodeId(99);

fn entry(op: u64) -> Kept {
    let request = RequestId { customer: CustomerId(7), number: RequestNumber(op) };
    let (number, at) = (OrderNumber(op), Timestamp(op));
    let postcode = "EH1 1RE".parse().unwrap();
    let effect = EntryEffect::Accepted { postcode, items: vec!["Pad thai".into()], number, at };
    let outcome = Outcome::Placed { number };
    Kept::Entry(Arc::new(Entry { op: OpNumber(op), view: ViewNumber(1), request, effect, outcome }))
}

/// A whole state, and a view.
fn beginning(view: u64) -> Vec<Kept> {
    let book = OrderBook::preset(1);
    let base = book.as_base();
    let piece = book.piece(Reached::default(), usize::MAX, base.op, &mut Sweep::default());
    let view = View::new(ViewNumber(view), ID, vec![ID]);
    vec![Kept::Begins, Kept::Piece(Box::new(piece)), Kept::View(view), Kept::Whole(Some(base))]
}

fn place(folder: &Path) -> DurablePlace {
    DurablePlace { folder: folder.into(), cluster: Some(5), spare: (SPARE, None), fault: None }
}

fn answer(log: &mut DurableLog) -> DiskAnswer {
    log.answers.blocking_recv().unwrap()
}

/// A folder with a log of `entries`.
fn written(folder: &Path, entries: u64) {
    let mut opened = opening::open(&place(folder), ID, "replica-1").unwrap();
    assert_eq!((opened.id, opened.recovered.position(), opened.notice), (ID, None, None));
    opened.log.keep(1, true, beginning(1));
    opened.log.keep(2, false, (1..=entries).map(entry).collect());
    while answer(&mut opened.log) != DiskAnswer::Kept(2) {}
}

/// The thread of the process before may hold the lock for a moment longer.
fn reopened(folder: &Path, name: &str) -> opening::Opened {
    loop {
        match opening::open(&place(folder), ID, name) {
            Err(opening::DurableError::Locked(_)) => std::thread::yield_now(),
            opened => return opened.unwrap(),
        }
    }
}

#[test]
fn what_was_said_to_be_on_disk_is_found_again_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("replica-1");
    written(&folder, 3);
    assert_eq!(opening::id_in(&folder, Some(5), "replica-1"), Some(ID));
    assert_eq!(opening::id_in(&folder, Some(6), "replica-1"), None);
    for round in 1..4 {
        let mut opened = reopened(&folder, "replica-1");
        assert_eq!((opened.id, opened.notice), (ID, None));
        assert_eq!(opened.recovered.position().unwrap().op, OpNumber(2 + round));
        assert_eq!(opened.recovered.view().number, ViewNumber(1));
        opened.log.keep(1, false, vec![entry(3 + round)]);
        assert_eq!(answer(&mut opened.log), DiskAnswer::Kept(1));
        let locked = opening::open(&place(&folder), ID, "replica-1").unwrap_err();
        assert!(matches!(locked, opening::DurableError::Locked(_)), "{locked}");
    }
}

#[test]
fn a_file_that_cannot_be_used_is_kept_aside_and_the_replica_begins_empty_under_another_id() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("replica-1");
    written(&folder, 3);
    let file = folder.join(storage::LOG);
    let good = std::fs::read(&file).unwrap();
    let mut flipped = good.clone();
    flipped[4200] ^= 1;
    let mut other_version = good.clone();
    other_version[16] = 9;
    let cases = [
        ("replica-1", flipped.clone(), "damaged"),
        ("replica-1", good[..good.len() - 3].to_vec(), "damaged-2"),
        ("replica-1", Vec::new(), "damaged-3"),
        ("replica-1", other_version, "other-version"),
        ("replica-2", good.clone(), "other-replica"),
    ];
    for (name, bytes, suffix) in cases {
        std::fs::write(&file, &bytes).unwrap();
        let opened = reopened(&folder, name);
        assert_eq!((opened.id, opened.recovered.position()), (SPARE, None), "{suffix}");
        let notice = opened.notice.unwrap();
        assert!(notice.contains(&format!("{}.{suffix}. ", storage::LOG)), "{notice}");
        assert_eq!(std::fs::read(folder.join(format!("{}.{suffix}", storage::LOG))).unwrap(), bytes);
        assert!(!file.exists());
    }
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_a_log_and_no_link_leads_elsewhere() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("replica-1");
    written(&folder, 1);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&folder.join(storage::LOG))), (0o700, 0o600));
    let (thesis, other) = (parent.path().join("thesis.txt"), parent.path().join("replica-2"));
    std::fs::write(&thesis, "mine").unwrap();
    symlink(&folder, &other).unwrap();
    assert!(opening::open(&place(&other), ID, "replica-2").is_err());
    std::fs::remove_file(folder.join(storage::LOG)).unwrap();
    symlink(&thesis, folder.join(storage::LOG)).unwrap();
    let opened = loop {
        match opening::open(&place(&folder), ID, "replica-1") {
            Err(opening::DurableError::Locked(_)) => std::thread::yield_now(),
            opened => break opened,
        }
    };
    assert!(opened.is_err());
    assert_eq!(std::fs::read(&thesis).unwrap(), b"mine");
}

/// A disk in memory. Files are numbered; `synced` is what a power cut leaves of each.
#[derive(Clone, Default)]
struct Disk(Arc<Mutex<Content>>);

#[derive(Default)]
struct Content {
    files: Vec<(Vec<u8>, Vec<u8>)>,
    present: Option<usize>,
    successor: Option<usize>,
    /// This many calls work, and the next one does not.
    good: u64,
    /// The next sync does not work.
    sync_fails: bool,
    failed_file: Option<usize>,
    /// The lengths to which files were shrunk.
    shrunk: Vec<(usize, u64)>,
}

struct OnDisk(Disk, usize);

impl Content {
    fn call(&mut self, file: Option<usize>) -> io::Result<()> {
        assert!(file.is_none() || file != self.failed_file, "a file that failed is never touched again");
        self.good = self.good.wrapping_sub(1);
        if self.good == u64::MAX {
            self.failed_file = file;
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

impl Storage for Disk {
    fn create(&mut self) -> io::Result<Box<dyn LogFile>> {
        let mut content = self.0.lock().unwrap();
        content.call(None)?;
        content.files.push(Default::default());
        let number = content.files.len() - 1;
        content.successor = Some(number);
        Ok(Box::new(OnDisk(self.clone(), number)))
    }

    fn replace(&mut self) -> io::Result<()> {
        let mut content = self.0.lock().unwrap();
        content.call(None)?;
        content.present = content.successor.take();
        Ok(())
    }

    fn discard(&mut self) {
        self.0.lock().unwrap().successor = None;
    }
}

impl LogFile for OnDisk {
    fn put(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let mut content = self.0.0.lock().unwrap();
        content.call(Some(self.1))?;
        let (written, at) = (&mut content.files[self.1].0, at as usize);
        written.resize(written.len().max(at + bytes.len()), 0);
        written[at..at + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut content = self.0.0.lock().unwrap();
        content.good = if std::mem::take(&mut content.sync_fails) { 0 } else { content.good };
        content.call(Some(self.1))?;
        let (written, synced) = &mut content.files[self.1];
        synced.clone_from(written);
        Ok(())
    }

    fn shrink(&mut self, length: u64) -> io::Result<()> {
        let mut content = self.0.0.lock().unwrap();
        assert_ne!(content.present, Some(self.1), "the present file is needed");
        content.shrunk.push((self.1, length));
        Ok(())
    }
}

impl Disk {
    /// What is found after the power went.
    fn recover(&self) -> Option<Recovered> {
        let content = self.0.lock().unwrap();
        let bytes = &content.files[content.present?].1;
        let (mut reader, _) = Reader::open(&bytes[..bytes.len().min(4096)], bytes.len() as u64).unwrap();
        let mut recovered = Recovered::default();
        while let Next::Record(kept, _) = reader.next(&bytes[reader.at() as usize..]).unwrap() {
            recovered.take(kept).unwrap();
        }
        Some(recovered.complete().unwrap())
    }
}

fn numbers() -> u64 {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

/// To free all of a large file at once takes the system longer than an entry may wait.
#[test]
fn a_replaced_file_is_given_back_a_few_megabytes_at_a_time() {
    let disk = Disk::default();
    disk.0.lock().unwrap().good = u64::MAX - 1;
    let label = Label { cluster: None, node: ID, name: "replica-1".into(), file: 0 };
    let begins = Begins { storage: disk.clone(), label, random: numbers, present: None };
    let mut log = DurableLog::start(begins, None).unwrap();
    let mut keeps = |number, new_file, records| {
        log.keep(number, new_file, records);
        assert_eq!(answer(&mut log), DiskAnswer::Kept(number));
    };
    keeps(1, true, beginning(1));
    keeps(2, false, (1..=200_000).map(entry).collect());
    keeps(3, true, beginning(2));
    (4..=9).for_each(|number| keeps(number, false, vec![entry(number)]));
    drop(log);
    let content = disk.0.lock().unwrap();
    let all = content.files[0].0.len() as u64;
    const STEP: u64 = 4 * 1024 * 1024;
    let steps: Vec<(usize, u64)> = (1..=all / STEP).map(|step| (0, all - step * STEP)).take(6).collect();
    assert!(steps.len() >= 2 && content.shrunk.starts_with(&steps[..2]), "{all}: {:?}", content.shrunk);
}

/// What is said to be on disk is there after a power cut, whichever call fails; and after it, a new file helps.
#[test]
fn each_call_in_turn_fails() {
    let mut failures = 0;
    for good in 0.. {
        let disk = Disk::default();
        disk.0.lock().unwrap().good = good;
        let label = Label { cluster: None, node: ID, name: "replica-1".into(), file: 0 };
        let begins = Begins { storage: disk.clone(), label, random: numbers, present: None };
        let mut log = DurableLog::start(begins, None).unwrap();
        let steps =
            [(true, beginning(1)), (false, vec![entry(1)]), (false, vec![entry(2), entry(3)]), (true, beginning(2))];
        let mut failed = None;
        let mut kept = 0;
        for (number, (new_file, records)) in (1..).zip(steps) {
            log.keep(number, new_file, records);
            match answer(&mut log) {
                DiskAnswer::Kept(newest) => kept = newest,
                DiskAnswer::Failed(from, why) => {
                    assert_eq!(why, DiskTrouble::Full);
                    assert!(from > kept);
                    failed = Some(number);
                    break;
                }
                DiskAnswer::Reached(at) => panic!("no bomb lies at {at}"),
            }
            let position = disk.recover().unwrap().position().unwrap();
            assert_eq!(position.op, OpNumber([0, 0, 1, 3, 0][number as usize]), "call {good} fails");
        }
        let Some(number) = failed else { break };
        failures += 1;
        // What was kept before is still there, unless the new file had taken its place.
        if kept > 0 {
            let op = disk.recover().unwrap().position().unwrap().op;
            assert!(op >= OpNumber([0, 0, 1, 3][kept as usize]) || number == 4, "call {good} fails");
        }
        // Dropped without an answer, until a new file begins.
        log.keep(10, false, vec![entry(9)]);
        log.keep(11, true, beginning(3));
        assert_eq!(answer(&mut log), DiskAnswer::Kept(11));
        assert_eq!(disk.recover().unwrap().view().number, ViewNumber(3));
    }
    assert!(failures > 15, "{failures}");
}
