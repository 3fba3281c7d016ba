//! The thread that writes: it takes all that waits, appends it, and one sync serves all of that.
//!
//! A file with which anything went wrong is never touched again. A new file is synced as it grows, and the one that it replaced is given
//! back to the system, a few megabytes at a time, so that entries in the present file never wait long for either.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use protocol::disk::Kept;
use protocol::disk::file::{Label, Writer};
use protocol::trace::Failpoint;

use super::DiskAnswer;
use super::steered::Points;
use super::storage::{LogFile, Storage, trouble};

/// A new file is synced each time it has grown by this much.
const SYNC_NEW_EVERY: u64 = 2 * 1024 * 1024;
/// This much of a replaced file is given back after each sync, and now and then when nothing is to be done: twice as much as a new one may have grown meanwhile. To close a file of
/// three gigabytes takes the system a second or more, and as long as that no entry would get to the disk.
const FREED_AT_ONCE: u64 = 4 * 1024 * 1024;
/// Bytes are handed to the system in parts of this size, or earlier.
const MOST_BUFFERED: usize = 1024 * 1024;
/// After so long without work, the newest mark goes to the disk by a sync of its own.
const QUIET: Duration = Duration::from_millis(500);

/// Records that belong together, as `protocol::machine::Effect::Keep` has them.
#[derive(Debug)]
pub(super) struct Batch {
    pub number: u64,
    pub new_file: bool,
    pub kept: Vec<Kept>,
}

/// A file that is written to.
struct Open {
    log: Box<dyn LogFile>,
    writer: Writer,
    /// Not handed to the system yet. Its first byte belongs where the file ends.
    buffer: Vec<u8>,
    /// Handed over and not synced.
    unsynced: u64,
    /// The newest mark was written and not synced.
    mark_waits: bool,
}

/// A file whose place another one has taken. It has no name any more.
struct Replaced {
    log: Box<dyn LogFile>,
    length: u64,
}

/// The work of the thread.
pub(super) struct Writing<S> {
    storage: S,
    /// Of all files that it begins, but for their own number.
    label: Label,
    random: fn() -> u64,
    present: Option<Open>,
    new: Option<Open>,
    replaced: Option<Replaced>,
    /// A file failed: everything is dropped until a new one begins.
    dropping: bool,
    /// The newest number that was answered.
    newest: u64,
    points: Points,
}

impl<S: Storage> Writing<S> {
    /// `present`: the file that was read, all of it on disk, to be continued.
    pub fn new(
        storage: S,
        label: Label,
        random: fn() -> u64,
        present: Option<(Box<dyn LogFile>, Writer)>,
        points: Points,
    ) -> Self {
        let present = present.map(|(log, writer)| Open::new(log, writer));
        Self { storage, label, random, present, new: None, replaced: None, dropping: false, newest: 0, points }
    }

    /// Until nobody tells it anything any more.
    pub fn live(mut self, tasks: &Receiver<Batch>, answer: impl Fn(DiskAnswer)) {
        loop {
            match tasks.recv_timeout(QUIET) {
                Ok(first) => self.carry(std::iter::once(first).chain(tasks.try_iter()), &answer),
                Err(RecvTimeoutError::Timeout) => self.rest(&answer),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Everything that waits shares one sync.
    fn carry(&mut self, batches: impl Iterator<Item = Batch>, answer: &impl Fn(DiskAnswer)) {
        let (mut oldest, mut newest) = (None, None);
        for batch in batches {
            let number = batch.number;
            if batch.kept.first() == Some(&Kept::Begins) {
                self.dropping = false;
            }
            if self.dropping {
                continue;
            }
            let first = *oldest.get_or_insert(number);
            match self.take(batch) {
                Ok(()) => newest = Some(number),
                Err(error) => {
                    self.fail(first, &error, answer);
                    (oldest, newest) = (None, None);
                }
            }
        }
        if let (Some(first), Some(last)) = (oldest, newest) {
            match self.sync_present() {
                Ok(()) => {
                    self.newest = last;
                    answer(DiskAnswer::Kept(last));
                }
                Err(error) => return self.fail(first, &error, answer),
            }
        }
        if let Err(error) = self.new.as_mut().map_or(Ok(()), |new| new.sync_if_grown(&self.points)) {
            self.fail(self.newest + 1, &error, answer);
        }
        self.free_some();
    }

    /// The replaced file loses its end. If that fails, the system frees all of it at once.
    fn free_some(&mut self) {
        self.replaced = self.replaced.take().and_then(|Replaced { mut log, length }| {
            let length = length.checked_sub(FREED_AT_ONCE)?;
            log.shrink(length).ok().map(|()| Replaced { log, length })
        });
    }

    /// No file that is open is used again, and what comes next is dropped.
    fn fail(&mut self, number: u64, error: &io::Error, answer: &impl Fn(DiskAnswer)) {
        (self.present, self.new, self.dropping) = (None, None, true);
        // It is of no use, and takes room.
        self.storage.discard();
        answer(DiskAnswer::Failed(number, trouble(error)));
    }

    fn take(&mut self, batch: Batch) -> io::Result<()> {
        for kept in batch.kept {
            if batch.new_file && kept == Kept::Begins {
                self.new = None;
                self.begin()?;
            }
            let is_end = batch.new_file && matches!(kept, Kept::Whole(_));
            let open = if batch.new_file { &mut self.new } else { &mut self.present };
            let open = open.as_mut().ok_or_else(|| io::Error::other("there is no file to continue"))?;
            open.append(&kept, &self.points)?;
            if is_end {
                self.complete()?;
            }
        }
        Ok(())
    }

    fn begin(&mut self) -> io::Result<()> {
        let (writer, header) = Writer::begin(&Label { file: (self.random)(), ..self.label.clone() });
        let mut log = self.storage.create()?;
        log.put(0, &header)?;
        self.new = Some(Open { unsynced: header.len() as u64, ..Open::new(log, writer) });
        Ok(())
    }

    /// The new file is whole: it takes the place of the present one, of which nothing is needed any more.
    fn complete(&mut self) -> io::Result<()> {
        if let Some(new) = &mut self.new {
            new.sync(&self.points)?;
            // With the mark: all of it is promised.
            new.log.sync()?;
            new.mark_waits = false;
        }
        self.points.pass(Failpoint::DiskSnapshotRename);
        self.storage.replace()?;
        let replaced = std::mem::replace(&mut self.present, self.new.take());
        self.replaced = replaced.map(|Open { log, writer, .. }| Replaced { length: writer.length(), log });
        Ok(())
    }

    fn sync_present(&mut self) -> io::Result<()> {
        if let Some(new) = &mut self.new {
            new.hand_over(&self.points)?;
        }
        let Some(present) = &mut self.present else { return Ok(()) };
        present.hand_over(&self.points)?;
        if present.unsynced > 0 { present.sync(&self.points) } else { Ok(()) }
    }

    /// Nothing is to be done: a good moment for the mark, and for a replaced file.
    fn rest(&mut self, answer: &impl Fn(DiskAnswer)) {
        self.free_some();
        let Some(present) = self.present.as_mut().filter(|present| present.mark_waits) else { return };
        present.mark_waits = false;
        if let Err(error) = present.log.sync() {
            self.fail(self.newest + 1, &error, answer);
        }
    }
}

impl Open {
    fn new(log: Box<dyn LogFile>, writer: Writer) -> Self {
        Self { log, writer, buffer: Vec::new(), unsynced: 0, mark_waits: false }
    }

    fn append(&mut self, kept: &Kept, points: &Points) -> io::Result<()> {
        self.writer.append(kept, &mut self.buffer).map_err(io::Error::other)?;
        if self.buffer.len() > MOST_BUFFERED { self.hand_over(points) } else { Ok(()) }
    }

    /// To the system.
    fn hand_over(&mut self, points: &Points) -> io::Result<()> {
        if !self.buffer.is_empty() {
            let at = self.writer.length() - self.buffer.len() as u64;
            if points.stops(Failpoint::DiskTornLog) {
                self.log.put(at, &self.buffer[..self.buffer.len() / 2])?;
                points.stand(Failpoint::DiskTornLog);
            }
            self.log.put(at, &self.buffer)?;
            self.unsynced += self.buffer.len() as u64;
            self.buffer.clear();
        }
        Ok(())
    }

    /// Everything so far is on disk. The mark that says so goes there with the next sync.
    fn sync(&mut self, points: &Points) -> io::Result<()> {
        self.hand_over(points)?;
        points.pass(Failpoint::DiskBeforeFsync);
        self.log.sync()?;
        points.pass(Failpoint::DiskAfterFsync);
        self.unsynced = 0;
        let (at, mark) = self.writer.mark();
        self.log.put(at, &mark)?;
        self.mark_waits = true;
        Ok(())
    }

    fn sync_if_grown(&mut self, points: &Points) -> io::Result<()> {
        if self.unsynced >= SYNC_NEW_EVERY { self.sync(points) } else { Ok(()) }
    }
}
