//! Whether two files that a command was given are one, however they are named: then nothing is read or written.
//!
//! Devices and pipes are not files in this sense: several may write to them.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

use super::Failure;

/// Links that may follow one another.
const MOST_LINKS: usize = 40;

/// Where a file is, whatever it is called.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// There is one: device and number.
    #[cfg(unix)]
    Known(u64, u64),
    /// None yet, or the system has no numbers: folder and name.
    Named(PathBuf),
}

/// Refuses what is one file under two names. Each is told with what it is for; standard output is one of them, too.
pub(super) fn must_differ<'a>(files: impl IntoIterator<Item = (&'static str, &'a Path)>) -> Result<(), Failure> {
    let mut seen: Vec<(&str, Place)> =
        output().map(|place| ("the output of this command", place)).into_iter().collect();
    for (what, path) in files {
        let Some(place) = place(path) else { continue };
        if let Some((other, _)) = seen.iter().find(|(_, other)| *other == place) {
            let path = path.display();
            let why = format!("{path} is named as both {other} and {what}. Choose another file for one of them.");
            return Err(Failure::BadInput(why));
        }
        seen.push((what, place));
    }
    Ok(())
}

/// None: it is no file, or cannot be one.
fn place(path: &Path) -> Option<Place> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match path.metadata() {
            Ok(found) => return found.is_file().then(|| known(&found, &path)).flatten(),
            // A link to a file that is not there yet leads to where it will be.
            Err(_) => match path.read_link() {
                Ok(target) => path = path.parent().unwrap_or(Path::new("")).join(target),
                Err(_) => break,
            },
        }
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Some(Place::Named(folder.canonicalize().ok()?.join(path.file_name()?)))
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems may not know")]
fn known(found: &Metadata, _: &Path) -> Option<Place> {
    use std::os::unix::fs::MetadataExt;
    Some(Place::Known(found.dev(), found.ino()))
}

#[cfg(not(unix))]
fn known(_: &Metadata, path: &Path) -> Option<Place> {
    path.canonicalize().ok().map(Place::Named)
}

/// The file to which standard output leads, if it does.
#[cfg(unix)]
fn output() -> Option<Place> {
    use std::os::fd::AsFd;
    let handle = std::io::stdout().as_fd().try_clone_to_owned().ok()?;
    let found = std::fs::File::from(handle).metadata().ok()?;
    found.is_file().then(|| known(&found, Path::new(""))).flatten()
}

#[cfg(not(unix))]
fn output() -> Option<Place> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(one: &Path, other: &Path) -> bool {
        must_differ([("the scenario", one), ("the history", other)]).is_err()
    }

    #[test]
    fn a_file_is_the_same_under_every_name() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("there"), "").unwrap();
        std::fs::create_dir(at("inner")).unwrap();
        for name in ["there", "not-yet"] {
            for other in [at(name), folder.path().join(".").join(name), at("inner").join("..").join(name)] {
                assert!(refused(&at(name), &other), "{other:?}");
            }
        }
        assert!(!refused(&at("there"), &at("not-yet")) && !refused(&at("not-yet"), &at("nor-this")));
        #[cfg(unix)]
        {
            use std::os::unix::fs::symlink;
            std::fs::hard_link(at("there"), at("hard")).unwrap();
            symlink("there", at("soft")).unwrap();
            symlink("inner/../not-yet", at("ahead")).unwrap();
            symlink("around", at("around")).unwrap();
            assert!(refused(&at("there"), &at("hard")) && refused(&at("soft"), &at("hard")));
            assert!(refused(&at("ahead"), &at("not-yet")) && !refused(&at("ahead"), &at("soft")));
            assert!(!refused(&at("around"), &at("soft")));
            assert!(!refused(Path::new("/dev/null"), Path::new("/dev/null")), "everybody may write there");
        }
    }
}
