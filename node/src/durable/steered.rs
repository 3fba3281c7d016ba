//! What a person does to a disk: lets its calls fail, or stops the thread that writes at a failpoint.
//!
//! A fault is an error of the operating system, made where the real ones come from, so that everything above behaves as with
//! a real one. Deliberately absent: what a bomb does at a point; the event loop hears that it was reached, and decides.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use protocol::trace::{DiskFault, Failpoint};
use tokio::sync::mpsc::UnboundedSender;

use super::DiskAnswer;
use super::storage::{LogFile, Storage};

/// Shared by the thread that writes and the event loop.
#[derive(Debug, Default)]
pub(super) struct Steered {
    fault: Mutex<Option<DiskFault>>,
    stops_at: Mutex<Option<Failpoint>>,
    /// How many syncs have ended well, and microseconds in them.
    syncs: AtomicU64,
    syncing: AtomicU64,
}

impl Steered {
    pub fn with(fault: Option<DiskFault>) -> Self {
        Self { fault: Mutex::new(fault), ..Self::default() }
    }

    pub fn set_fault(&self, fault: Option<DiskFault>) {
        *locked(&self.fault) = fault;
    }

    /// How many syncs have ended well, and how long they took in all, in microseconds.
    pub fn syncs(&self) -> (u64, u64) {
        (self.syncs.load(Ordering::Relaxed), self.syncing.load(Ordering::Relaxed))
    }

    pub fn stop_at(&self, point: Option<Failpoint>) {
        *locked(&self.stops_at) = point;
    }

    /// Once.
    fn stops(&self, at: Failpoint) -> bool {
        locked(&self.stops_at).take_if(|point| *point == at).is_some()
    }

    /// Fails if one of these is wrong with the disk.
    fn check(&self, faults: &[DiskFault]) -> io::Result<()> {
        match locked(&self.fault).filter(|fault| faults.contains(fault)) {
            Some(fault) => Err(error(fault)),
            None => Ok(()),
        }
    }
}

/// Each value is whole between any two instructions that could panic.
fn locked<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the operating system says of such a disk.
pub(super) fn error(fault: DiskFault) -> io::Error {
    match fault {
        DiskFault::Full => io::ErrorKind::StorageFull.into(),
        DiskFault::ReadOnly => io::ErrorKind::ReadOnlyFilesystem.into(),
        DiskFault::Broken => io::Error::other("the disk has a fault (input/output error)"),
    }
}

/// The points of the thread's work.
pub(super) struct Points {
    pub steered: Arc<Steered>,
    /// The event loop hears that a point is reached.
    pub reached: UnboundedSender<DiskAnswer>,
    /// It lets the thread go on.
    pub go_on: Receiver<()>,
}

impl Points {
    /// Whether the thread is to stop here, for a moment at which things are to be arranged for that.
    pub fn stops(&self, at: Failpoint) -> bool {
        self.steered.stops(at)
    }

    /// The thread has come to this point.
    pub fn pass(&self, at: Failpoint) {
        if self.stops(at) {
            self.stand(at);
        }
    }

    /// Stands here until it may go on, or nobody waits for what it does.
    pub fn stand(&self, at: Failpoint) {
        if self.reached.send(DiskAnswer::Reached(at)).is_ok() {
            let _ = self.go_on.recv();
        }
    }
}

/// A folder that works as far as a person lets it.
pub(super) struct SteeredStorage<S> {
    pub storage: S,
    pub steered: Arc<Steered>,
}

impl<S: Storage> Storage for SteeredStorage<S> {
    fn create(&mut self) -> io::Result<Box<dyn LogFile>> {
        self.steered.check(&[DiskFault::ReadOnly])?;
        Ok(SteeredFile::of(self.storage.create()?, &self.steered))
    }

    fn replace(&mut self) -> io::Result<()> {
        self.steered.check(&[DiskFault::ReadOnly])?;
        self.storage.replace()
    }

    fn discard(&mut self) {
        self.storage.discard();
    }
}

/// A file on such a disk.
pub(super) struct SteeredFile {
    file: Box<dyn LogFile>,
    steered: Arc<Steered>,
}

impl SteeredFile {
    pub fn of(file: Box<dyn LogFile>, steered: &Arc<Steered>) -> Box<dyn LogFile> {
        Box::new(Self { file, steered: steered.clone() })
    }
}

impl LogFile for SteeredFile {
    fn put(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.steered.check(&[DiskFault::Full, DiskFault::ReadOnly])?;
        self.file.put(at, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.steered.check(&[DiskFault::Broken])?;
        let begun = Instant::now();
        self.file.sync()?;
        self.steered.syncs.fetch_add(1, Ordering::Relaxed);
        self.steered.syncing.fetch_add(begun.elapsed().as_micros() as u64, Ordering::Relaxed);
        Ok(())
    }
    fn shrink(&mut self, length: u64) -> io::Result<()> {
        self.file.shrink(length)
    }
}
