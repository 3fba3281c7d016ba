//! The folder of one run: the name server's journal, and the credential of the door. Nobody else can look into it.
//!
//! It holds nothing that outlives the run, and is emptied at its end; keys of nodes are never in it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a folder cannot be that of a run. A sentence.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct NotUsable(String);

/// How the names of temporary folders begin.
const PREFIX: &str = "just-hungry-";
/// What this program may put into the folder; nothing else is ever deleted.
const OURS: [&str; 6] =
    ["name-server.journal", "name-server.journal.new", "name-server.journal.lock", "door.json", HISTORY, LOCK];
/// Where a command keeps a history that nobody asked to keep.
pub const HISTORY: &str = "history.jsonl";
const LOCK: &str = "lock";

/// A folder that exists as long as this value.
#[derive(Debug)]
pub struct RunDirectory {
    path: PathBuf,
    /// Held until the end, so that two runs never share a folder.
    _lock: File,
}

impl RunDirectory {
    /// A fresh folder among the temporary ones, or the wanted one.
    ///
    /// # Errors
    /// A sentence when it cannot be made, belongs to somebody else, is a symbolic link, or is in use by another run.
    pub fn open(wanted: Option<&Path>) -> anyhow::Result<Self> {
        let path = match wanted {
            Some(path) => path.to_owned(),
            None => {
                sweep(&std::env::temp_dir());
                std::env::temp_dir().join(format!("{PREFIX}{:016x}", super::random()?))
            }
        };
        create_private(&path)?;
        let lock = private_file(&path.join(LOCK))?;
        if lock.try_lock().is_err() {
            let why = format!("The folder {} is in use by another run. End it, or choose another.", path.display());
            return Err(NotUsable(why).into());
        }
        // Left by a run that was killed: a memory-mode run starts from nothing.
        for name in OURS.iter().filter(|name| **name != LOCK) {
            let _ = fs::remove_file(path.join(name));
        }
        Ok(Self { path, _lock: lock })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the name server keeps its journal.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.path.join("name-server.journal")
    }
}

impl Drop for RunDirectory {
    fn drop(&mut self) {
        empty(&self.path);
    }
}

/// Deletes what is ours, and then the folder.
fn empty(path: &Path) {
    for name in OURS {
        let _ = fs::remove_file(path.join(name));
    }
    // Fails, rightly, if somebody has put something else there.
    let _ = fs::remove_dir(path);
}

/// Deletes what runs have left behind that were killed: their folders are locked by nobody.
fn sweep(temporary: &Path) {
    for entry in fs::read_dir(temporary).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_ours && is_folder {
            // Without a lock it is being made, or somebody else's; with one that cannot be opened, another user's.
            let lock = OpenOptions::new().write(true).open(entry.path().join(LOCK));
            if lock.is_ok_and(|lock| lock.try_lock().is_ok()) {
                empty(&entry.path());
            }
        }
    }
}

/// Writes a file of the folder that only this user can read.
///
/// # Errors
/// A sentence.
pub fn write_private(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), NotUsable> {
    let path = folder.join(name);
    private_file(&path)?.write_all(bytes).map_err(because(&path, "cannot be written"))
}

fn create_private(path: &Path) -> Result<(), NotUsable> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(because(path, "cannot be made")(error));
        }
        Ok(()) | Err(_) => {}
    }
    let found = fs::symlink_metadata(path).map_err(because(path, "cannot be seen"))?;
    if !found.is_dir() {
        let why = "is not a folder of its own (a file, or a link to elsewhere). Choose another one.";
        return Err(NotUsable(format!("{} {why}", path.display())));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        if found.uid() != rustix::process::geteuid().as_raw() {
            let why = "belongs to another user. Choose a folder of your own.";
            return Err(NotUsable(format!("{} {why}", path.display())));
        }
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))
            .map_err(because(path, "cannot be made private"))?;
    }
    Ok(())
}

fn private_file(path: &Path) -> Result<File, NotUsable> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(because(path, "cannot be made"))
}

fn because(path: &Path, what: &'static str) -> impl FnOnce(std::io::Error) -> NotUsable {
    let path = path.to_owned();
    move |error| NotUsable(format!("{} {what}: {}", path.display(), node::plain_words::io(&error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_private_used_once_and_gone_afterwards() {
        let run = RunDirectory::open(None).unwrap();
        write_private(run.path(), "door.json", b"secret").unwrap();
        let path = run.path().to_owned();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&path), mode(&path.join("door.json"))), (0o700, 0o600));
        }
        let second = RunDirectory::open(Some(&path)).unwrap_err();
        assert!(second.to_string().contains("in use"), "{second}");
        drop(run);
        assert!(!path.exists());
    }

    #[test]
    fn what_a_killed_run_left_is_swept_away_and_nothing_else() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = |name: &str| temporary.path().join(format!("{PREFIX}{name}"));
        for name in ["left", "running", "unlocked"] {
            fs::create_dir(folder(name)).unwrap();
        }
        fs::write(folder("left").join(LOCK), b"").unwrap();
        fs::write(folder("left").join("door.json"), b"secret").unwrap();
        let running = File::create(folder("running").join(LOCK)).unwrap();
        running.lock().unwrap();
        sweep(temporary.path());
        assert!(!folder("left").exists() && folder("running").exists() && folder("unlocked").exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_its_place_is_refused() {
        let run = RunDirectory::open(None).unwrap();
        let link = run.path().with_extension("link");
        std::os::unix::fs::symlink(run.path(), &link).unwrap();
        let refused = RunDirectory::open(Some(&link)).unwrap_err();
        fs::remove_file(&link).unwrap();
        assert!(refused.to_string().contains("not a folder"), "{refused}");
    }
}
