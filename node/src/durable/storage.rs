//! The folder of a replica's log: the present file, its successor while that is written, and a lock.
//!
//! Everything that touches the disk while a replica runs passes through two traits, so that tests can let each call fail, be
//! slow, or lose what was not synced. Files are private, and no link is followed. What the bytes mean is not known here.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use protocol::disk::DiskTrouble;

use crate::storage::sync_folder_of;

/// The present file.
pub(super) const LOG: &str = "orders.log";
/// Its successor.
const NEW: &str = "orders.log.new";
const LOCK: &str = "lock";

/// A folder with a log in it.
pub trait Storage: Send {
    /// Makes the successor anew, empty.
    ///
    /// # Errors
    /// Whatever the operating system says; this holds for all of these.
    fn create(&mut self) -> io::Result<Box<dyn LogFile>>;
    /// The successor, which is synced, becomes the present file. That is on disk when this returns.
    ///
    /// # Errors
    /// See [`Self::create`].
    fn replace(&mut self) -> io::Result<()>;
    /// The successor will not be one.
    fn discard(&mut self);
}

/// A file that is written to.
pub trait LogFile: Send {
    /// Writes at this place.
    ///
    /// # Errors
    /// Whatever the operating system says. Then the file must not be used any more.
    fn put(&mut self, at: u64, bytes: &[u8]) -> io::Result<()>;
    /// Everything that was written is on disk when this returns.
    ///
    /// # Errors
    /// See [`Self::put`]. A second attempt proves nothing: the system may have forgotten what it could not write.
    fn sync(&mut self) -> io::Result<()>;
    /// Gives back the room beyond this length, of a file that nobody reads again.
    ///
    /// # Errors
    /// Whatever the operating system says.
    fn shrink(&mut self, length: u64) -> io::Result<()>;
}

/// A real one; no other process can have it until this is dropped.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes the folder if it is missing, and locks it. None: another process has it.
    pub(super) fn lock(path: &Path) -> io::Result<Option<Self>> {
        make_private(path)?;
        let lock = private().create(true).append(true).open(path.join(LOCK))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let mut folder = Self { path: path.to_owned(), _lock: lock };
        // Of a process that died in the middle of it.
        folder.discard();
        Ok(Some(folder))
    }

    pub(super) fn log(&self) -> PathBuf {
        self.path.join(LOG)
    }

    /// The present file gets out of the way, under a name that says why and that no other file has.
    pub(super) fn move_aside(&self, why: &str) -> io::Result<PathBuf> {
        let mut number = 1;
        let aside = loop {
            let aside = self.path.join(match number {
                1 => format!("{LOG}.{why}"),
                _ => format!("{LOG}.{why}-{number}"),
            });
            match aside.symlink_metadata() {
                Err(error) if error.kind() == ErrorKind::NotFound => break aside,
                Err(error) => return Err(error),
                Ok(_) => number += 1,
            }
        };
        std::fs::rename(self.log(), &aside)?;
        self.sync_folder()?;
        Ok(aside)
    }

    /// The names in the folder are on disk.
    pub(super) fn sync_folder(&self) -> io::Result<()> {
        sync_folder_of(&self.log())
    }
}

impl Storage for Folder {
    fn create(&mut self) -> io::Result<Box<dyn LogFile>> {
        self.discard();
        Ok(Box::new(private().create_new(true).write(true).open(self.path.join(NEW))?))
    }

    fn replace(&mut self) -> io::Result<()> {
        std::fs::rename(self.path.join(NEW), self.log())?;
        self.sync_folder()
    }

    fn discard(&mut self) {
        // Usually there is none.
        let _ = std::fs::remove_file(self.path.join(NEW));
    }
}

impl LogFile for File {
    fn put(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.seek(SeekFrom::Start(at))?;
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn shrink(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }
}

/// Options for a file that only this user can read and write, whatever the mask; never one that a link leads to.
pub(super) fn private() -> OpenOptions {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes"))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600).custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    }
    options
}

/// A folder that only this user can look into. One that exists is taken as it is, but no link to one. The name of a new one is
/// on disk when this returns: what is synced into a folder is lost if the power takes the folder.
pub fn make_private(path: &Path) -> io::Result<()> {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes"))]
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    match builder.create(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => match path.symlink_metadata()?.is_dir() {
            true => Ok(()),
            false => Err(io::Error::new(ErrorKind::NotADirectory, "it is a file or a link, not a folder")),
        },
        made => made.and_then(|()| sync_folder_of(path)),
    }
}

/// What a replica makes of an error.
pub(super) fn trouble(error: &io::Error) -> DiskTrouble {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => DiskTrouble::Full,
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => DiskTrouble::ReadOnly,
        _ => DiskTrouble::Failed { why: crate::error_text::io(error) },
    }
}
