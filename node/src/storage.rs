//! The name server's journal: one small file that always holds the newest record, whole.
//!
//! A new record is written beside the old one, synced, and renamed over it, so no crash leaves half a record; anything else
//! in the file is damage, and damage is never repaired by guessing: a record that is only probable could begin a
//! second history. A second name server on the same journal is refused by a lock. What replicas keep is in `durable`.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use protocol::fingerprint::digest_of;
use protocol::machine::JournalRecord;
use thiserror::Error;

/// First bytes of every journal; the digit is the version of what follows.
const HEAD: &[u8] = b"just-hungry journal 1\n";
const CHECKSUM: usize = 8;

/// Why a journal cannot be used. Each is a sentence that says what to do.
#[derive(Debug, Error)]
pub enum JournalError {
    /// Another process holds the lock.
    #[error("Another name server is using the journal {0}. End that name server first, or choose another journal.")]
    Locked(PathBuf),
    /// The content is not what was written.
    #[error(
        "The journal {0} is damaged: {1}. It holds the newest view, and a wrong guess could lose orders. Restore an undamaged copy, or delete it and start a new cluster."
    )]
    Damaged(PathBuf, &'static str),
    /// Made by another version of the program.
    #[error(
        "The journal {0} was written by another version of this program. Start that version, or use another journal."
    )]
    OtherVersion(PathBuf),
    /// The operating system refused.
    #[error("The journal {0} cannot be used: {1}. Check that the folder exists, is writable and is not full.")]
    Io(PathBuf, io::Error),
}

/// An open journal; no other process can open it until this is dropped.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    _lock: File,
}

impl Journal {
    /// Locks the journal and reads its record; the default record if there is no journal yet.
    ///
    /// # Errors
    /// When it is in use, damaged, or cannot be read.
    pub fn open(path: &Path) -> Result<(Self, JournalRecord), JournalError> {
        let io_error = |error| JournalError::Io(path.to_owned(), error);
        // A file of its own bears the lock, because the journal itself is replaced by every record.
        let lock = private().append(true).open(beside(path, ".lock")).map_err(io_error)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::Locked(path.to_owned())),
            Err(TryLockError::Error(error)) => return Err(io_error(error)),
        }
        let record = match std::fs::read(path) {
            Ok(bytes) => read(path, &bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => JournalRecord::default(),
            Err(error) => return Err(io_error(error)),
        };
        // The name server before this one may have died between renaming its record and this sync: what is told must not be
        // undone by a power cut.
        sync_folder_of(path).map_err(io_error)?;
        Ok((Self { path: path.to_owned(), _lock: lock }, record))
    }

    /// Puts `record` in the place of the one before. It is on disk when this returns (rule R12).
    ///
    /// # Errors
    /// When it may not be on disk; then the name server must not answer.
    pub fn write(&self, record: &JournalRecord) -> Result<(), JournalError> {
        self.replace(record).map_err(|error| JournalError::Io(self.path.clone(), error))
    }

    /// Leaves what a crash in the middle of [`Self::write`] would leave: half of the new record, beside the whole old one.
    ///
    /// # Errors
    /// When not even that can be written.
    pub fn write_half(&self, record: &JournalRecord) -> Result<(), JournalError> {
        let half = || {
            let bytes = encoded(record)?;
            let mut file = private().write(true).truncate(true).open(beside(&self.path, ".new"))?;
            file.write_all(&bytes[..bytes.len() / 2])?;
            file.sync_all()
        };
        half().map_err(|error| JournalError::Io(self.path.clone(), error))
    }

    fn replace(&self, record: &JournalRecord) -> io::Result<()> {
        let bytes = encoded(record)?;
        let new = beside(&self.path, ".new");
        let mut file = private().write(true).truncate(true).open(&new)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        std::fs::rename(&new, &self.path)?;
        sync_folder_of(&self.path)
    }
}

/// A new file with these words, private and on disk when this returns. Only its being there counts, so half of it is enough.
pub(crate) fn write_mark(path: &Path, words: &str) -> io::Result<()> {
    let mut file = private().write(true).open(path)?;
    file.write_all(words.as_bytes())?;
    file.sync_all()?;
    sync_folder_of(path)
}

/// The new name itself must survive a power cut. Other systems than Unix cannot sync a folder, and need not.
pub(crate) fn sync_folder_of(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

/// A file that only this user can read and write, whatever the mask; never one that a link leads to.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600).custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    }
    options
}

fn encoded(record: &JournalRecord) -> io::Result<Vec<u8>> {
    let mut bytes = HEAD.to_vec();
    bytes.extend_from_slice(&digest_of(record).0.to_le_bytes());
    postcard::to_extend(record, bytes).map_err(io::Error::other)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn read(path: &Path, bytes: &[u8]) -> Result<JournalRecord, JournalError> {
    let damaged = |what| JournalError::Damaged(path.to_owned(), what);
    let Some(rest) = bytes.strip_prefix(HEAD) else {
        let version_at = HEAD.len() - 2;
        return Err(if bytes.len() > HEAD.len() && bytes[..version_at] == HEAD[..version_at] {
            JournalError::OtherVersion(path.to_owned())
        } else {
            damaged("it does not begin like a journal")
        });
    };
    let (checksum, body) = rest.split_first_chunk::<CHECKSUM>().ok_or_else(|| damaged("it is cut off"))?;
    let (record, left) =
        postcard::take_from_bytes::<JournalRecord>(body).map_err(|_| damaged("its record cannot be decoded"))?;
    // The digest is of the value; encoding it again shows that the bytes are the only ones for it.
    let again = postcard::to_stdvec(&record).map_err(|_| damaged("its record cannot be decoded"))?;
    if !left.is_empty() || again != body || digest_of(&record).0 != u64::from_le_bytes(*checksum) {
        return Err(damaged("its checksum is wrong"));
    }
    Ok(record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::ids::{FrontEndToken, NodeId, View, ViewNumber};

    fn record(number: u64) -> JournalRecord {
        let members = vec![NodeId(11), NodeId(22)];
        let view = View::new(ViewNumber(number), NodeId(11), members);
        JournalRecord { token: FrontEndToken(3), view }
    }

    fn journal_with(folder: &Path, number: u64) -> (PathBuf, Vec<u8>) {
        let path = folder.join("names.journal");
        let (journal, _) = Journal::open(&path).unwrap();
        journal.write(&record(number)).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        (path, bytes)
    }

    #[test]
    fn the_newest_record_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("names.journal");
        let (journal, first) = Journal::open(&path).unwrap();
        assert_eq!(first, JournalRecord::default());
        journal.write(&record(1)).unwrap();
        journal.write(&record(2)).unwrap();
        drop(journal);
        assert_eq!(Journal::open(&path).unwrap().1, record(2));
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_the_journal_and_no_link_leads_elsewhere() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (path, _) = journal_with(folder.path(), 7);
        for path in [path.clone(), beside(&path, ".lock")] {
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{path:?}");
        }
        let elsewhere = folder.path().join("thesis.txt");
        std::fs::write(&elsewhere, "mine").unwrap();
        symlink(&elsewhere, beside(&path, ".new")).unwrap();
        let (journal, _) = Journal::open(&path).unwrap();
        assert!(journal.write(&record(8)).is_err());
        assert_eq!(std::fs::read(&elsewhere).unwrap(), b"mine");
    }

    #[test]
    fn a_second_name_server_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("names.journal");
        let first = Journal::open(&path).unwrap();
        let refusal = Journal::open(&path).unwrap_err();
        assert!(matches!(refusal, JournalError::Locked(_)), "{refusal}");
        drop(first);
        Journal::open(&path).unwrap();
    }

    #[test]
    fn every_truncation_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (path, bytes) = journal_with(folder.path(), 7);
        for length in 0..bytes.len() {
            std::fs::write(&path, &bytes[..length]).unwrap();
            assert!(matches!(Journal::open(&path), Err(JournalError::Damaged(..))), "cut to {length} bytes");
        }
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (path, bytes) = journal_with(folder.path(), 7);
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, &flipped).unwrap();
            assert!(Journal::open(&path).is_err(), "bit {bit} flipped");
        }
    }

    #[test]
    fn a_crash_between_writing_and_renaming_leaves_the_record_before() {
        let folder = tempfile::tempdir().unwrap();
        let (path, _) = journal_with(folder.path(), 7);
        Journal::open(&path).unwrap().0.write_half(&record(8)).unwrap();
        let (journal, found) = Journal::open(&path).unwrap();
        assert_eq!(found, record(7));
        journal.write(&record(8)).unwrap();
        drop(journal);
        assert_eq!(Journal::open(&path).unwrap().1, record(8));
    }
}
