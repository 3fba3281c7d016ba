//! What is in a folder, for the window's file dialog: read on a thread of its own, because a disk, or a folder on another
//! machine, may take its time or never answer. Nothing is drawn here, and no file is opened.

use std::cmp::Reverse;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, channel};

/// Entries of one folder that are listed.
const MOST_ITEMS: usize = 100_000;
/// Folders that may be asked for at once, those that never answer among them.
const MOST_READERS: usize = 8;

/// What the window can open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    Tape,
    Scenario,
    SetUp,
    Lesson,
}

impl Sort {
    /// How the names of such files end.
    #[must_use]
    pub fn end(self) -> &'static str {
        match self {
            Sort::Tape => "jhtape",
            Sort::Scenario | Sort::SetUp => "toml",
            Sort::Lesson => "md",
        }
    }

    /// What a name promises; none: nothing that can be opened here, but the content decides.
    pub(crate) fn by_name(path: &Path) -> Option<Self> {
        let end = path.extension()?;
        [Sort::Tape, Sort::Scenario, Sort::Lesson].into_iter().find(|sort| end.eq_ignore_ascii_case(sort.end()))
    }
}

/// Where set-ups that have a name are kept, each as NAME.toml; none: this system has no place for it.
pub fn set_up_folder() -> Option<PathBuf> {
    Some(eframe::storage_dir(crate::NAME)?.join("set-ups"))
}

/// A folder or file in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its name, which may be no text.
    pub name: OsString,
    /// Its name as it can be shown.
    pub shown: String,
    /// The same in small letters, to be searched.
    pub lower: String,
    /// Whether it is a folder, or leads to one.
    pub is_folder: bool,
}

impl Item {
    /// Of this name.
    pub fn new(name: OsString, is_folder: bool) -> Self {
        let shown = called(&name, 200);
        Self { lower: shown.to_lowercase(), shown, name, is_folder }
    }

    /// Whether its name hides it, by a dot before it.
    pub(crate) fn is_hidden(&self) -> bool {
        self.shown.starts_with('.')
    }

    /// Whether it can be shown as it is called.
    pub(crate) fn is_text(&self) -> bool {
        self.name.to_str().is_some()
    }
}

/// A stranger's name as it can be shown, cut after `most` letters; bytes that are not text are written as escapes.
pub fn called(name: &OsStr, most: usize) -> String {
    let mut shown = String::new();
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        shown.push_str(&protocol::text::shown(chunk.valid(), most.saturating_sub(shown.len())));
        if shown.len() < most {
            shown.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
        }
    }
    shown
}

/// What is in a folder: folders first, each by name. Pipes, sockets and devices are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    pub items: Vec<Item>,
    /// Whether there is more than is listed.
    pub is_cut: bool,
}

/// Lists a folder.
///
/// # Errors
/// A sentence: why it cannot be listed, and what to do.
pub fn list(folder: &Path) -> Result<Listing, String> {
    let called = called(folder.as_os_str(), 200);
    let why = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            format!("There is no folder {called}. Choose another one: Up, or Home.")
        }
        _ => {
            format!("{called} cannot be listed: {}. Choose another folder: Up, or Home.", node::error_text::io(&error))
        }
    };
    let mut listing = Listing::default();
    let entries = match fs::read_dir(folder) {
        // Until the first one is saved.
        Err(_) if is_missing_home_of_set_ups(folder) => return Ok(listing),
        entries => entries.map_err(why)?,
    };
    for entry in entries {
        if listing.items.len() == MOST_ITEMS {
            listing.is_cut = true;
            break;
        }
        // What vanishes meanwhile is not listed.
        let Ok(entry) = entry else { continue };
        let Ok(mut kind) = entry.file_type() else { continue };
        if kind.is_symlink() {
            let Ok(found) = fs::metadata(entry.path()) else { continue };
            kind = found.file_type();
        }
        if kind.is_dir() || kind.is_file() {
            listing.items.push(Item::new(entry.file_name(), kind.is_dir()));
        }
    }
    listing.items.sort_by(|one, other| {
        (Reverse(one.is_folder), &one.lower, &one.name).cmp(&(Reverse(other.is_folder), &other.lower, &other.name))
    });
    Ok(listing)
}

fn is_missing_home_of_set_ups(folder: &Path) -> bool {
    !folder.exists() && set_up_folder().is_some_and(|home| home == folder)
}

pub type Listed = Result<Listing, String>;

/// Reads folders one after the other; only the answer about the newest counts.
#[derive(Debug, Default)]
pub struct Reader {
    newest: Option<(PathBuf, Receiver<Listed>)>,
    /// As many clones as there are threads.
    threads: Arc<()>,
}

impl Reader {
    /// Begins to read a folder; `wake` is called once its answer is there.
    ///
    /// # Errors
    /// A sentence, if it cannot even be begun.
    pub fn begin(&mut self, folder: PathBuf, wake: impl FnOnce() + Send + 'static) -> Result<(), String> {
        self.begin_with(list, folder, wake)
    }

    fn begin_with(
        &mut self,
        list: impl FnOnce(&Path) -> Listed + Send + 'static,
        folder: PathBuf,
        wake: impl FnOnce() + Send + 'static,
    ) -> Result<(), String> {
        self.newest = None;
        if Arc::strong_count(&self.threads) > MOST_READERS {
            return Err(format!(
                "{MOST_READERS} folders have not answered yet. Type the whole path of the file above."
            ));
        }
        let (sender, receiver) = channel();
        let (counted, asked) = (self.threads.clone(), folder.clone());
        let work = move || {
            let listed = list(&asked);
            drop(counted);
            // Nobody waits for it once another folder is looked at.
            let _ = sender.send(listed);
            wake();
        };
        let begun = std::thread::Builder::new().name("folder".into()).spawn(work);
        begun.map_err(|error| {
            format!(
                "The operating system did not provide a thread for reading the folder: {}.",
                node::error_text::io(&error)
            )
        })?;
        self.newest = Some((folder, receiver));
        Ok(())
    }

    /// The answer about the folder that was asked for last, once.
    pub fn take(&mut self) -> Option<(PathBuf, Listed)> {
        let (folder, receiver) = self.newest.as_ref()?;
        let listed = match receiver.try_recv() {
            Ok(listed) => listed,
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Disconnected) => Err("Reading the folder failed unexpectedly. Choose it again.".into()),
        };
        let folder = folder.clone();
        self.newest = None;
        Some((folder, listed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(listing: &Listing) -> Vec<&str> {
        listing.items.iter().map(|item| item.shown.as_str()).collect()
    }

    #[test]
    fn folders_come_first_and_only_what_can_be_opened_or_entered() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["b.jhtape", "A.toml", ".hidden"] {
            fs::write(at(name), "").unwrap();
        }
        fs::create_dir(at("zoo")).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStringExt;
            std::os::unix::fs::symlink(at("zoo"), at("link")).unwrap();
            std::os::unix::fs::symlink(at("nowhere"), at("dead")).unwrap();
            rustix::fs::mknodat(rustix::fs::CWD, at("pipe"), rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0)
                .unwrap();
            fs::write(folder.path().join(OsString::from_vec(b"caf\xe9.jhtape".to_vec())), "").unwrap();
            let listing = list(folder.path()).unwrap();
            assert_eq!(names(&listing), ["link", "zoo", ".hidden", "A.toml", "b.jhtape", "caf\\xe9.jhtape"]);
            assert!(listing.items[1].is_folder && listing.items[2].is_hidden() && !listing.items[5].is_text());
        }
        let missing = list(&at("nowhere")).unwrap_err();
        assert!(missing.contains("There is no folder") && missing.contains("Up, or Home"), "{missing}");
        let file = list(&at("b.jhtape")).unwrap_err();
        assert!(file.contains("cannot be listed: part of its path is a file"), "{file}");
    }

    #[test]
    fn a_folder_that_never_answers_holds_up_nobody() {
        let mut reader = Reader::default();
        let (ends, waits) = std::sync::mpsc::channel::<()>();
        let waits = Arc::new(std::sync::Mutex::new(waits));
        for at in 0..MOST_READERS {
            let waits = waits.clone();
            let dead = move |_: &Path| {
                let _ = waits.lock().unwrap().recv();
                Ok(Listing::default())
            };
            assert_eq!(reader.begin_with(dead, format!("/dead/{at}").into(), || ()), Ok(()));
            assert_eq!(reader.take(), None);
        }
        let why = reader.begin_with(|_| Ok(Listing::default()), "/".into(), || ()).unwrap_err();
        assert!(why.contains("have not answered"), "{why}");
        drop(ends);
        let here = std::env::temp_dir();
        let (woken, wakes) = std::sync::mpsc::channel();
        let wake = move || woken.send(()).unwrap_or_default();
        while reader.begin(here.clone(), wake.clone()).is_err() {
            std::thread::yield_now();
        }
        wakes.recv().unwrap();
        let (folder, listed) = reader.take().unwrap();
        assert_eq!((folder, listed.is_ok(), reader.take()), (here, true, None));
    }

    #[test]
    fn a_name_promises_what_a_file_is() {
        let sort = |name: &str| Sort::by_name(Path::new(name));
        assert_eq!(sort("c.md"), Some(Sort::Lesson));
        assert_eq!([sort("a.JHTAPE"), sort("b.toml"), sort("toml")], [Some(Sort::Tape), Some(Sort::Scenario), None]);
    }
}
