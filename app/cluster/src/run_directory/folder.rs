//! A folder by its handle: whatever happens to its path afterwards, only what is in this folder is touched.
//!
//! No link is followed, nothing that is opened can make the program wait, and the owner is that of the open handle. What
//! the folder is for is not known here.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::Path;

#[cfg(not(unix))]
pub(crate) use by_path::Folder;
#[cfg(unix)]
pub(crate) use on_unix::Folder;

/// The identity of this process's user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The user who runs this program.
    Us,
    Other,
}

#[cfg(unix)]
mod on_unix {
    use rustix::fs::{
        AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, fstat, mkdirat, openat, renameat, statat, unlinkat,
    };

    use super::{File, OsStr, Owner, Path, io};

    const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
    const FILE: OFlags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

    /// An open folder.
    #[derive(Debug)]
    pub(crate) struct Folder(File);

    impl Folder {
        /// Makes a folder that only this user can enter.
        pub fn make(path: &Path) -> io::Result<()> {
            Ok(mkdirat(CWD, path, Mode::RWXU)?)
        }

        /// Opens a folder, never through a link in its last place.
        pub fn open(path: &Path) -> io::Result<Self> {
            Ok(Self(openat(CWD, path, FOLDER.union(OFlags::RDONLY), Mode::empty())?.into()))
        }

        pub fn inner(&self, name: &OsStr) -> io::Result<Self> {
            Ok(Self(openat(&self.0, name, FOLDER.union(OFlags::RDONLY), Mode::empty())?.into()))
        }

        pub fn owner(&self) -> io::Result<Owner> {
            Ok(owner(&fstat(&self.0)?))
        }

        /// Whether everybody on the machine may put files into it, and take them away.
        pub(crate) fn is_open_to_all(&self) -> io::Result<bool> {
            Ok(Mode::from_raw_mode(fstat(&self.0)?.st_mode).contains(Mode::WOTH))
        }

        /// Whether another user may look into it.
        pub(crate) fn is_private(&self) -> io::Result<bool> {
            Ok(!Mode::from_raw_mode(fstat(&self.0)?.st_mode).intersects(Mode::RWXG.union(Mode::RWXO)))
        }

        /// Calls for each name until it says that it has seen enough.
        pub fn names(&self, mut see: impl FnMut(&OsStr) -> bool) -> io::Result<()> {
            use std::os::unix::ffi::OsStrExt;
            for entry in Dir::read_from(&self.0)? {
                let entry = entry?;
                let name = entry.file_name().to_bytes();
                if name != b"." && name != b".." && !see(OsStr::from_bytes(name)) {
                    break;
                }
            }
            Ok(())
        }

        /// Opens a file that is a plain one, has one name only, and is this user's. None: it is something else.
        pub(crate) fn own_file(&self, name: &str) -> io::Result<Option<File>> {
            let file = File::from(openat(&self.0, name, FILE.union(OFlags::RDWR), Mode::empty())?);
            let found = fstat(&file)?;
            let plain = FileType::from_raw_mode(found.st_mode).is_file() && found.st_nlink == 1;
            Ok((plain && owner(&found) == Owner::Us).then_some(file))
        }

        /// Makes a file that only this user can read. It fails if there is anything of that name.
        pub(crate) fn make_file(&self, name: &str) -> io::Result<File> {
            let flags = FILE.union(OFlags::RDWR).union(OFlags::CREATE).union(OFlags::EXCL);
            Ok(openat(&self.0, name, flags, Mode::RUSR.union(Mode::WUSR))?.into())
        }

        /// Whether a file is still the one of that name.
        pub(crate) fn still_has(&self, name: &str, file: &File) -> io::Result<bool> {
            match statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(found) => Ok(is_same(&found, &fstat(file)?)),
                Err(rustix::io::Errno::NOENT) => Ok(false),
                Err(error) => Err(error.into()),
            }
        }

        /// Takes a name away; a link loses itself, not what it names. A folder stays.
        pub fn remove(&self, name: &str) -> io::Result<()> {
            Ok(unlinkat(&self.0, name, AtFlags::empty())?)
        }

        /// A file takes another name, and the place of what had it.
        pub(crate) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
            Ok(renameat(&self.0, from, &self.0, to)?)
        }

        /// Removes the folder at this path if it is this one, and empty.
        pub(crate) fn remove_itself(&self, path: &Path) -> io::Result<()> {
            if is_same(&statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW)?, &fstat(&self.0)?) {
                unlinkat(CWD, path, AtFlags::REMOVEDIR)?;
            }
            Ok(())
        }
    }

    fn owner(found: &Stat) -> Owner {
        if found.st_uid == rustix::process::geteuid().as_raw() { Owner::Us } else { Owner::Other }
    }

    fn is_same(one: &Stat, other: &Stat) -> bool {
        (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
    }
}

/// Where folders of the temporary files are each user's own anyway, and files cannot be opened relative to a handle.
#[cfg(not(unix))]
mod by_path {
    use std::path::PathBuf;

    use super::{File, OsStr, Owner, Path, io};

    #[derive(Debug)]
    pub(crate) struct Folder(PathBuf);

    impl Folder {
        pub fn make(path: &Path) -> io::Result<()> {
            std::fs::create_dir(path)
        }

        pub fn open(path: &Path) -> io::Result<Self> {
            match std::fs::symlink_metadata(path)?.is_dir() {
                true => Ok(Self(path.to_owned())),
                false => Err(io::ErrorKind::NotADirectory.into()),
            }
        }

        pub fn inner(&self, name: &OsStr) -> io::Result<Self> {
            Self::open(&self.0.join(name))
        }

        pub fn owner(&self) -> io::Result<Owner> {
            Ok(Owner::Us)
        }

        pub(crate) fn is_open_to_all(&self) -> io::Result<bool> {
            Ok(false)
        }

        pub(crate) fn is_private(&self) -> io::Result<bool> {
            Ok(true)
        }

        pub fn names(&self, mut see: impl FnMut(&OsStr) -> bool) -> io::Result<()> {
            for entry in std::fs::read_dir(&self.0)? {
                if !see(&entry?.file_name()) {
                    break;
                }
            }
            Ok(())
        }

        pub(crate) fn own_file(&self, name: &str) -> io::Result<Option<File>> {
            let path = self.0.join(name);
            if !std::fs::symlink_metadata(&path)?.is_file() {
                return Ok(None);
            }
            File::options().read(true).write(true).open(path).map(Some)
        }

        pub(crate) fn make_file(&self, name: &str) -> io::Result<File> {
            File::options().read(true).write(true).create_new(true).open(self.0.join(name))
        }

        pub(crate) fn still_has(&self, name: &str, _: &File) -> io::Result<bool> {
            self.0.join(name).try_exists()
        }

        pub fn remove(&self, name: &str) -> io::Result<()> {
            std::fs::remove_file(self.0.join(name))
        }

        pub(crate) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
            std::fs::rename(self.0.join(from), self.0.join(to))
        }

        pub(crate) fn remove_itself(&self, path: &Path) -> io::Result<()> {
            std::fs::remove_dir(path)
        }
    }
}
