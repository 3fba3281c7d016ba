//! What a durable replica finds in its folder when it starts: who it was and what it held, or nothing that it may use.
//!
//! Damage is never repaired by guessing: such a file is moved aside, and the replica begins empty, under another id. What was
//! read is synced before anything of it is said: the process before this one may have died in between.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use protocol::disk::file::{FileError, HEADER, Label, Next, Reader};
use protocol::ids::NodeId;
use protocol::replica::{RecordError, Recovered};
use protocol::trace::DiskFault;
use ring::rand::{SecureRandom, SystemRandom};
use thiserror::Error;

use super::storage::{Folder, LOG, LogFile, private};
use super::{Begins, DurableLog, steered};
use crate::control::DurablePlace;
use crate::error_text;

/// Why a folder cannot be used. Each is a sentence that says what to do.
#[derive(Debug, Error)]
pub enum DurableError {
    /// Another process holds the lock.
    #[error("Another replica is using the folder {0}. End that replica first, or choose another folder.")]
    Locked(PathBuf),
    /// The operating system refused.
    #[error(
        "The folder {0} cannot be used: {why}. Check that it exists, belongs to you, is writable and is not full.",
        why = error_text::io(.1)
    )]
    Io(PathBuf, io::Error),
}

/// Why a file is of no use.
#[derive(Debug, Error)]
enum Unusable {
    #[error("{0}")]
    File(#[from] FileError),
    #[error("{0}")]
    Content(#[from] RecordError),
    #[error("the disk cannot read it")]
    Unreadable,
}

/// What was found.
#[derive(Debug)]
pub struct Opened {
    /// The way to the disk.
    pub log: DurableLog,
    /// What the replica begins with.
    pub recovered: Recovered,
    /// Under which id.
    pub id: NodeId,
    /// Why a file that was there is not used: a sentence.
    pub notice: Option<String>,
}

/// The id under which a replica of this name goes on with the file in its folder, if that has one for it. Whether the rest of
/// the file is good is only known when it is opened.
#[must_use]
pub fn id_in(folder: &Path, cluster: Option<u64>, name: &str) -> Option<NodeId> {
    owner_in(folder, name).filter(|(of, _)| *of == cluster).map(|(_, id)| id)
}

/// The cluster and the id of the replica of this name whose file lies in the folder, as its header says.
#[must_use]
pub fn owner_in(folder: &Path, name: &str) -> Option<(Option<u64>, NodeId)> {
    let mut file = private().read(true).open(folder.join(LOG)).ok()?;
    let label = header(&mut file).ok()?.ok()?.1;
    label.check(label.cluster, name).is_ok().then_some((label.cluster, label.node))
}

/// Opens the folder of the replica with this id and name.
///
/// # Errors
/// When it is in use, or cannot be read or written.
pub fn open(place: &DurablePlace, id: NodeId, name: &str) -> Result<Opened, DurableError> {
    let path = Path::new(&place.folder);
    let failed = |error| DurableError::Io(path.to_owned(), error);
    // A full disk can be read, and a broken one looks well until it is written to.
    if place.fault == Some(DiskFault::ReadOnly) {
        return Err(failed(steered::error(DiskFault::ReadOnly)));
    }
    let folder = Folder::lock(path).map_err(failed)?.ok_or_else(|| DurableError::Locked(path.to_owned()))?;
    let file = match private().read(true).write(true).open(folder.log()) {
        Ok(file) => Some(file),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(failed(error)),
    };
    let mut found = (id, Recovered::default(), None, None);
    if let Some(mut file) = file {
        match read(&mut file, (place.cluster, id, name)).map_err(failed)? {
            Ok((recovered, reader)) => {
                // What follows was never promised, and must not be taken for a record later.
                file.set_len(reader.at()).map_err(failed)?;
                put_again(&mut file, reader.promised(), reader.at()).map_err(failed)?;
                let mut writer = reader.into_writer();
                file.sync_all().map_err(failed)?;
                let (at, mark) = writer.mark();
                file.put(at, &mark).and_then(|()| file.sync_all()).map_err(failed)?;
                folder.sync_folder().map_err(failed)?;
                let log: Box<dyn LogFile> = Box::new(file);
                found = (id, recovered, Some((log, writer)), None);
            }
            Err(why) => {
                let aside = folder.move_aside(why.suffix()).map_err(failed)?;
                let notice = format!(
                    "The file {} cannot be used: {why}. It was moved to {}. This replica begins without orders, under a new id, and gets them from the others.",
                    folder.log().display(),
                    aside.display()
                );
                found = (place.spare.0, Recovered::default(), None, Some(notice));
            }
        }
    }
    let (id, recovered, present, notice) = found;
    let label = Label { cluster: place.cluster, node: id, name: name.to_owned(), file: 0 };
    let begins = Begins { storage: folder, label, random, present };
    let log = DurableLog::start(begins, place.fault).map_err(failed)?;
    Ok(Opened { log, recovered, id, notice })
}

/// The outer error: the system does not let this process read. The inner one: what was read is of no use.
fn read(
    file: &mut File,
    (cluster, id, name): (Option<u64>, NodeId, &str),
) -> io::Result<Result<(Recovered, Reader), Unusable>> {
    let (mut reader, label) = match header(file) {
        Ok(Ok(found)) => found,
        Ok(Err(why)) => return Ok(Err(why.into())),
        Err(error) => return unreadable(error),
    };
    if let Err(why) = label.check(cluster, name) {
        return Ok(Err(why.into()));
    }
    if label.node != id {
        return Ok(Err(FileError::OtherNode.into()));
    }
    let mut recovered = Recovered::default();
    let mut bytes = Bytes { file, buffer: Vec::new(), from: 0 };
    loop {
        match reader.next(bytes.unread()) {
            Ok(Next::Record(kept, size)) => {
                bytes.from += size;
                if let Err(why) = recovered.take(kept) {
                    return Ok(Err(why.into()));
                }
            }
            Ok(Next::Needs(size)) => match bytes.get(size) {
                Ok(()) => {}
                Err(error) => return unreadable(error),
            },
            Ok(Next::Ends) => break,
            Err(why) => return Ok(Err(why.into())),
        }
    }
    Ok(recovered.complete().map(|recovered| (recovered, reader)).map_err(Unusable::Content))
}

/// A sync of the process before may have failed for these bytes: then the system holds them, takes them for written, and a
/// sync alone would not write them. So they are written once more.
fn put_again(file: &mut File, from: u64, to: u64) -> io::Result<()> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(from))?;
    Read::by_ref(file).take(to.saturating_sub(from)).read_to_end(&mut bytes)?;
    file.put(from, &bytes)
}

/// A part of the disk that cannot be read is damage like any other; a permission that is missing is not.
fn unreadable<T>(error: io::Error) -> io::Result<Result<T, Unusable>> {
    if error.kind() == ErrorKind::PermissionDenied { Err(error) } else { Ok(Err(Unusable::Unreadable)) }
}

fn header(file: &mut File) -> io::Result<Result<(Reader, Label), FileError>> {
    let mut header = Vec::with_capacity(HEADER);
    let length = file.metadata()?.len();
    file.by_ref().take(HEADER as u64).read_to_end(&mut header)?;
    Ok(Reader::open(&header, length))
}

/// A file that is read from its records on.
struct Bytes<'a> {
    file: &'a mut File,
    buffer: Vec<u8>,
    /// What lies before this was read already.
    from: usize,
}

impl Bytes<'_> {
    fn unread(&self) -> &[u8] {
        &self.buffer[self.from..]
    }

    /// At least this many.
    fn get(&mut self, size: usize) -> io::Result<()> {
        const PART: usize = 1024 * 1024;
        self.buffer.drain(..self.from);
        self.from = 0;
        while self.buffer.len() < size {
            let wanted = PART.max(size - self.buffer.len()) as u64;
            if self.file.by_ref().take(wanted).read_to_end(&mut self.buffer)? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }
}

impl Unusable {
    /// Under which name such a file is kept.
    fn suffix(&self) -> &'static str {
        match self {
            Unusable::File(FileError::OtherVersion(_)) => "other-version",
            Unusable::File(FileError::OtherNode) => "other-replica",
            Unusable::File(FileError::OtherCluster) => "other-cluster",
            Unusable::File(
                FileError::NoLog
                | FileError::Header
                | FileError::Mark
                | FileError::Truncated { .. }
                | FileError::Record(_),
            )
            | Unusable::Content(_)
            | Unusable::Unreadable => "damaged",
        }
    }
}

/// No two files have the same; without a source of randomness they differ by their records.
fn random() -> u64 {
    let mut bytes = [0; 8];
    let _ = SystemRandom::new().fill(&mut bytes);
    u64::from_le_bytes(bytes)
}
