//! The folder of one run: the name server's journal, and the password of the status socket. No other user can look into
//! these files.
//!
//! A folder is taken only if it is new, empty, or bears the mark of an earlier run of this user; anything else is left as
//! it is. The mark is also the lock. It is empty until its maker has locked it, so a folder with a mark that says something
//! and is not locked belonged to a run that was killed. Nothing here outlives the run; keys of nodes are never in it.

pub(crate) mod folder;

use std::ffi::OsStr;
use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use thiserror::Error;

use folder::{Folder, Owner};

/// Why a folder cannot be that of a run. A sentence.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct NotUsable(pub(crate) String);

/// How the names of temporary folders begin.
const PREFIX: &str = "just-hungry-";
/// What this program may put into the folder beside its mark; nothing else is ever deleted.
const OURS: [&str; 5] = [JOURNAL, "name-server.journal.new", "name-server.journal.lock", STATUS_SOCKET, HISTORY];
pub(crate) const JOURNAL: &str = "name-server.journal";
/// Where a command keeps a history that nobody asked to keep.
pub const HISTORY: &str = "history.jsonl";
/// Says where the status socket of the run is, and its password.
pub const STATUS_SOCKET: &str = "status-socket.json";
/// The mark, and the lock.
const MARK: &str = "just-hungry.lock";
/// What the mark says in a folder that a run has made, and removes.
const MADE: &str = "Made by Just Hungry.\n";
/// What it says in a folder that was there, empty, and stays.
const FOUND: &str = "Used by Just Hungry.\n";
/// Why a folder that holds something is not taken.
const NOT_OURS: &str =
    "contains files that Just Hungry did not create, and leaves them alone. Choose a new or empty folder.";
/// The file may be gone, or another one, by the time it is locked.
const MOST_ATTEMPTS: usize = 20;
/// Somebody who only looks whether a run lives holds its lock for a moment.
const GLANCE: Duration = Duration::from_millis(5);

/// A folder that is this run's as long as this value exists.
#[derive(Debug)]
pub struct RunDirectory {
    path: PathBuf,
    claim: Claim,
}

/// A folder with our mark, locked.
#[derive(Debug)]
struct Claim {
    folder: Folder,
    /// Held until the end, so that two runs never share a folder.
    mark: File,
    /// Whether the folder goes, too.
    made: bool,
}

impl RunDirectory {
    /// A fresh folder among the temporary ones, or the wanted one.
    ///
    /// # Errors
    /// A sentence when it cannot be made, holds what is not ours, belongs to another user, is a symbolic link, or is in
    /// use by another run.
    pub fn open(wanted: Option<&Path>) -> anyhow::Result<Self> {
        match wanted {
            Some(path) => Ok(Self::take(path)?),
            None => {
                let temporary = std::env::temp_dir();
                sweep(&temporary);
                Ok(Self::fresh(&temporary)?)
            }
        }
    }

    /// A folder of a name that nobody has thought of before. One that exists is never taken.
    fn fresh(temporary: &Path) -> anyhow::Result<Self> {
        loop {
            let path = temporary.join(format!("{PREFIX}{:016x}", super::random()?));
            match Folder::make(&path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(because(&path, "cannot be made", &error).into()),
                Ok(()) => {
                    if let Attempt::Claimed(claim) = attempt(&path, true)? {
                        return Ok(Self { path, claim });
                    }
                }
            }
        }
    }

    fn take(path: &Path) -> Result<Self, NotUsable> {
        for _ in 0..MOST_ATTEMPTS {
            let made = match Folder::make(path) {
                Ok(()) => true,
                Err(error) if error.kind() == ErrorKind::AlreadyExists => false,
                Err(error) => return Err(because(path, "cannot be made", &error)),
            };
            match attempt(path, made)? {
                Attempt::Claimed(claim) => return Ok(Self { path: path.to_owned(), claim }),
                Attempt::InUse => break,
                Attempt::Gone => {}
            }
        }
        let why =
            format!("Another run is using the folder {}. End that run, or choose another folder.", path.display());
        Err(NotUsable(why))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the name server keeps its journal.
    pub fn journal(&self) -> PathBuf {
        self.path.join(JOURNAL)
    }
}

impl Drop for RunDirectory {
    fn drop(&mut self) {
        self.claim.leave(&self.path);
    }
}

/// What came of taking a folder.
enum Attempt {
    Claimed(Claim),
    InUse,
    /// A run that ends has taken mark or folder away in the meantime.
    Gone,
}

/// Takes the folder at a path if it may be taken.
fn attempt(path: &Path, made: bool) -> Result<Attempt, NotUsable> {
    let folder = match Folder::open(path) {
        Ok(folder) => folder,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Attempt::Gone),
        Err(_) if !path.symlink_metadata().is_ok_and(|found| found.is_dir()) => {
            return Err(refusal(path, "is a file or a link, not a folder. Choose another one."));
        }
        Err(error) => return Err(because(path, "cannot be opened", &error)),
    };
    let cannot = |error: io::Error| because(path, "cannot be used", &error);
    if folder.owner().map_err(cannot)? == Owner::Other {
        return Err(refusal(path, "belongs to another user. Choose a folder of your own."));
    }
    if folder.is_open_to_all().map_err(cannot)? {
        return Err(refusal(path, "can be written to by every user of this machine. Choose another one."));
    }
    let mut mark = match marked(&folder) {
        Ok(Some(mark)) => mark,
        Ok(None) => return Err(refusal(path, NOT_OURS)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::AlreadyExists) => {
            return Ok(Attempt::Gone);
        }
        Err(error) => return Err(cannot(error)),
    };
    if !locks(&mark).map_err(cannot)? {
        return Ok(Attempt::InUse);
    }
    if !folder.still_has(MARK, &mark).map_err(cannot)? {
        return Ok(Attempt::Gone);
    }
    let Some(words) = says(&mut mark).map_err(cannot)? else { return Err(refusal(path, NOT_OURS)) };
    // What a killed run made goes with the run that takes it over.
    let mut claim = Claim { folder, mark, made: made || words == Words::Made };
    claim.clean();
    if let Err(error) = claim.say() {
        claim.leave(path);
        return Err(cannot(error));
    }
    Ok(Attempt::Claimed(claim))
}

/// The mark of a folder; a new one if the folder is empty. None: the folder is somebody's, and not a run's.
fn marked(folder: &Folder) -> io::Result<Option<File>> {
    let (mut marked, mut empty) = (false, true);
    folder.names(|name| {
        empty = false;
        marked = name == OsStr::new(MARK);
        !marked
    })?;
    match (marked, empty) {
        (true, _) => match folder.own_file(MARK) {
            Err(error) if error.kind() != ErrorKind::NotFound => Ok(None), // A link, or nothing that can be read.
            mark => mark,
        },
        (false, true) => folder.make_file(MARK).map(Some),
        (false, false) => Ok(None),
    }
}

impl Claim {
    fn say(&mut self) -> io::Result<()> {
        self.mark.set_len(0)?;
        self.mark.rewind()?;
        self.mark.write_all(if self.made { MADE } else { FOUND }.as_bytes())
    }

    /// Deletes what is ours beside the mark: left by a run that was killed, or by this one.
    fn clean(&self) {
        for name in OURS {
            let _ = self.folder.remove(name);
        }
    }

    /// Deletes what is ours, and the folder if it is ours.
    fn leave(&self, path: &Path) {
        self.clean();
        if self.folder.still_has(MARK, &self.mark).unwrap_or(false) {
            let _ = self.folder.remove(MARK);
        }
        if self.made {
            // Fails, rightly, if somebody has put something else there.
            let _ = self.folder.remove_itself(path);
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Words {
    /// Its maker has not locked it yet, or was killed before.
    Nothing,
    Made,
    Found,
}

/// None: this is no mark of ours.
fn says(mark: &mut File) -> io::Result<Option<Words>> {
    let mut words = Vec::new();
    mark.rewind()?;
    mark.take(1024).read_to_end(&mut words)?;
    Ok(match words {
        words if words.is_empty() => Some(Words::Nothing),
        words if words == MADE.as_bytes() => Some(Words::Made),
        words if words == FOUND.as_bytes() => Some(Words::Found),
        _ => None,
    })
}

pub(crate) fn locks(mark: &File) -> io::Result<bool> {
    for _ in 0..MOST_ATTEMPTS {
        match mark.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) => thread::sleep(GLANCE),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(false)
}

/// Deletes what runs of this user have left behind that were killed. Whatever else has such a name is left alone.
fn sweep(temporary: &Path) {
    let Ok(temporary) = temporary.canonicalize() else { return };
    let Ok(all) = Folder::open(&temporary) else { return };
    // Fails only if the temporary folder cannot be read; then there is nothing to tidy.
    let _ = all.names(|name| {
        if name.to_str().is_some_and(|name| name.starts_with(PREFIX))
            && let Ok(folder) = all.inner(name)
            && let Some(claim) = left_behind(folder)
        {
            claim.leave(&temporary.join(name));
        }
        true
    });
}

/// A folder that a killed run of this user has made.
fn left_behind(folder: Folder) -> Option<Claim> {
    if folder.owner().ok()? == Owner::Other {
        return None;
    }
    let mut mark = folder.own_file(MARK).ok()??;
    // What says nothing yet is being made. Looked at before it is locked: its maker must find it free.
    if says(&mut mark).ok()? != Some(Words::Made) || mark.try_lock().is_err() {
        return None;
    }
    folder.still_has(MARK, &mark).ok()?.then_some(Claim { folder, mark, made: true })
}

/// Writes a file of a run's folder that only this user can read.
///
/// # Errors
/// A sentence.
pub fn write_private(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), NotUsable> {
    let write = || Folder::open(folder)?.make_file(name)?.write_all(bytes);
    write().map_err(|error| because(&folder.join(name), "cannot be written", &error))
}

/// Reads a file of a run's folder, if it was this user who wrote it.
///
/// # Errors
/// Whatever the operating system says, or that it belongs to another user.
pub fn read_private(folder: &Path, name: &str) -> io::Result<Vec<u8>> {
    let file = Folder::open(&folder.canonicalize()?)?.own_file(name)?;
    let file = file.ok_or_else(|| io::Error::new(ErrorKind::PermissionDenied, "it belongs to another user"))?;
    let mut bytes = Vec::new();
    file.take(64 * 1024).read_to_end(&mut bytes)?;
    Ok(bytes)
}

pub(crate) fn because(path: &Path, what: &str, error: &io::Error) -> NotUsable {
    match error.kind() {
        ErrorKind::NotFound => refusal(path, &format!("{what}: its parent folder does not exist.")),
        _ => refusal(path, &format!("{what}: {}.", node::error_text::io(error))),
    }
}

pub(crate) fn refusal(path: &Path, why: &str) -> NotUsable {
    NotUsable(format!("{} {why}", path.display()))
}

#[cfg(test)]
mod tests;
