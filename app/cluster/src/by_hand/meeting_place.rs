//! The private folder in which the processes of a cluster find each other.
//!
//! Each process has a *card* here, which says who it is and where it answers, and a lock that it holds as long as it lives.
//! The system takes the lock away when the process ends, however that happens. So a card without a lock is that of a
//! process that was killed: it is told, and never trusted. No other user can look into the folder, and one that belongs to
//! somebody else is refused.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use protocol::ids::{CustomerId, NodeId, Role};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::run_directory::folder::{Folder, Owner};
use crate::run_directory::{NotUsable, because, locks, refusal};

/// The name of a cluster that nobody has named.
pub const USUAL: &str = "default";
/// How the name server is called, and its card.
pub const NAME_SERVER: &str = "name-server";
/// The longest name of a cluster, in characters.
const LONGEST_NAME: usize = 40;
/// The largest file that is read, in bytes.
const LARGEST: u64 = 256 * 1024;
const CARD: &str = ".card";
const LOCK: &str = ".lock";

/// The name of a cluster: it becomes the name of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterName(String);

impl std::str::FromStr for ClusterName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let fits = (1..=LONGEST_NAME).contains(&name.len()) && name.chars().all(plain) && !name.starts_with('-');
        if fits {
            return Ok(Self(name.to_owned()));
        }
        Err(format!(
            "“{}” cannot be the name of a cluster. Use up to {LONGEST_NAME} letters, digits, - and _, and no - at the beginning.",
            crate::shown(name)
        ))
    }
}

impl Default for ClusterName {
    fn default() -> Self {
        Self(USUAL.into())
    }
}

impl std::fmt::Display for ClusterName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The identity of a process, and where it answers. Only its user can read it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Card {
    /// "replica-2".
    pub name: String,
    pub role: Role,
    /// Its incarnation.
    pub id: NodeId,
    /// Of a customer: as all requests name it.
    pub customer: Option<CustomerId>,
    /// Of the operating system.
    pub pid: u32,
    /// Of which run of the cluster it is part.
    pub run: u64,
    /// Where its status socket is; none while it has none.
    pub socket: Option<SocketFile>,
    /// Of the name server's: the certificate of the authority that everybody must be certified by.
    pub authority: Option<Vec<u8>>,
}

/// Where a status socket is, and its password.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SocketFile {
    pub address: SocketAddr,
    pub password: String,
}

/// A cluster's folder.
#[derive(Clone, Debug)]
pub struct MeetingPlace {
    path: PathBuf,
    name: ClusterName,
}

impl MeetingPlace {
    /// The folder of the cluster of that name, made if there is none.
    ///
    /// # Errors
    /// A sentence, when it belongs to another user or others can look into it.
    pub fn of(name: &ClusterName) -> Result<Self, NotUsable> {
        let clusters = match std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute()) {
            Some(base) => {
                check_base(&base)?;
                base.join("just-hungry")
            }
            None => without_runtime_folder(),
        };
        Self::in_folder(&clusters, name)
    }

    /// The same, where all clusters of this user have this folder.
    pub(super) fn in_folder(clusters: &Path, name: &ClusterName) -> Result<Self, NotUsable> {
        let path = clusters.join(&name.0);
        for folder in [clusters, &path] {
            match Folder::make(folder) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                    return Err(because(folder, "cannot be made", &error));
                }
                Ok(()) | Err(_) => check(folder)?,
            }
        }
        Ok(Self { path, name: name.clone() })
    }

    pub fn name(&self) -> &ClusterName {
        &self.name
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    fn folder(&self) -> io::Result<Folder> {
        Folder::open(&self.path)
    }

    /// Takes the place of that name for as long as this process lives. None: a living process has it.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn take(&self, name: &str) -> Result<Option<Seat>, NotUsable> {
        let cannot = |error: io::Error| because(&self.path, "cannot be used", &error);
        let lock = self.lock_file(name).map_err(cannot)?;
        let free = locks(&lock).map_err(cannot)?;
        Ok(free.then(|| Seat { place: self.clone(), name: name.to_owned(), _lock: lock }))
    }

    /// The file whose lock says that a process lives. It is never removed, so that two never lock two files of one name.
    fn lock_file(&self, name: &str) -> io::Result<File> {
        let (folder, file) = (self.folder()?, format!("{name}{LOCK}"));
        match folder.make_file(&file) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => folder.own_file(&file)?.ok_or_else(|| {
                io::Error::new(ErrorKind::PermissionDenied, format!("{file} is a link, or belongs to another user"))
            }),
            made => made,
        }
    }

    /// Whether a living process has the place of that name.
    pub fn is_alive(&self, name: &str) -> bool {
        let file = self.folder().and_then(|folder| folder.own_file(&format!("{name}{LOCK}")));
        // Shared: two that only look do not disturb each other.
        file.is_ok_and(|file| file.is_some_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))))
    }

    /// The card of that name, whether its process lives or not.
    pub fn card(&self, name: &str) -> Option<Card> {
        self.read(&format!("{name}{CARD}"))
    }

    /// The name server's card, if its process lives.
    pub fn name_server(&self) -> Option<Card> {
        self.card(NAME_SERVER).filter(|_| self.is_alive(NAME_SERVER))
    }

    /// All cards with the names of their files; what is no card is passed over.
    pub fn cards(&self) -> Vec<(String, Card)> {
        let mut names = Vec::new();
        let seen = self.folder().and_then(|folder| {
            folder.names(|name| {
                names.extend(name.to_str().and_then(|name| name.strip_suffix(CARD)).map(str::to_owned));
                true
            })
        });
        // A folder that has just gone has no cards.
        drop(seen);
        names.sort_unstable();
        names.into_iter().filter_map(|name| Some((name.clone(), self.card(&name)?))).collect()
    }

    /// Nodes, without the name server, whose processes live.
    pub fn living_nodes(&self) -> Vec<Card> {
        let is_node = |card: &Card| matches!(card.role, Role::FrontEnd | Role::Replica);
        self.cards()
            .into_iter()
            .filter(|(file, card)| is_node(card) && self.is_alive(file))
            .map(|(_, card)| card)
            .collect()
    }

    /// What a private file of this folder says; none, if there is none that could be trusted.
    pub(super) fn read<T: DeserializeOwned>(&self, file: &str) -> Option<T> {
        let file = self.folder().ok()?.own_file(file).ok()??;
        let mut bytes = Vec::new();
        file.take(LARGEST).read_to_end(&mut bytes).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Writes a private file as a whole: nobody reads half of it.
    pub(super) fn write(&self, file: &str, value: &impl Serialize) -> anyhow::Result<()> {
        let write = || {
            let (folder, new) = (self.folder()?, format!("{file}.{}.new", std::process::id()));
            // What a killed process of the same number has left.
            let _ = folder.remove(&new);
            folder.make_file(&new)?.write_all(&serde_json::to_vec(value).map_err(io::Error::other)?)?;
            folder.rename(&new, file)
        };
        Ok(write().map_err(|error| because(&self.path.join(file), "cannot be written", &error))?)
    }

    /// Takes files away; those that are not there are no matter.
    pub(super) fn remove(&self, file: &str) {
        let _ = self.folder().and_then(|folder| folder.remove(file));
    }

    /// Takes away what processes have left that have ended. The locks of nodes stay, but each customer has one of its own.
    pub(super) fn remove_cards(&self) {
        for (file, card) in self.cards().into_iter().filter(|(file, _)| !self.is_alive(file)) {
            self.remove(&format!("{file}{CARD}"));
            if card.role == Role::Customer {
                self.remove(&format!("{file}{LOCK}"));
            }
        }
    }
}

/// A place in a cluster's folder that this process holds. When it ends, the lock goes; the card stays, unless the process
/// takes it with it.
#[derive(Debug)]
pub struct Seat {
    place: MeetingPlace,
    name: String,
    _lock: File,
}

impl Seat {
    /// # Errors
    /// When the card cannot be written.
    pub fn show(&self, card: &Card) -> anyhow::Result<()> {
        self.place.write(&format!("{}{CARD}", self.name), card)
    }

    /// Takes the card away.
    pub fn leave(self) {
        self.place.remove(&format!("{}{CARD}", self.name));
    }

    /// The same, where no other process ever takes this place: then its lock goes, too.
    pub fn leave_for_good(self) {
        self.place.remove(&format!("{}{LOCK}", self.name));
        self.leave();
    }
}

/// Where there is no folder for what runs: a folder of this user's among the temporary ones.
fn without_runtime_folder() -> PathBuf {
    #[cfg(unix)]
    let name = format!("just-hungry-of-{}", rustix::process::geteuid().as_raw());
    #[cfg(not(unix))]
    let name = "just-hungry-by-hand";
    std::env::temp_dir().join(name)
}

/// The folder that the environment names: in one of another user, ours could be taken away and replaced.
fn check_base(path: &Path) -> Result<(), NotUsable> {
    let refused = |why: &str| {
        refusal(
            path,
            &format!("{why} The variable XDG_RUNTIME_DIR names it: unset it, or set it to a folder of your own."),
        )
    };
    match Folder::open(&path.canonicalize().unwrap_or_else(|_| path.to_owned())) {
        Ok(folder) if folder.owner().is_ok_and(|owner| owner == Owner::Us) => match folder.is_open_to_all() {
            Ok(false) => Ok(()),
            Ok(true) | Err(_) => Err(refused("can be written to by every user of this machine.")),
        },
        Ok(_) => Err(refused("belongs to another user.")),
        Err(_) => Err(refused("is no folder that can be opened.")),
    }
}

fn check(path: &Path) -> Result<(), NotUsable> {
    let folder = match Folder::open(path) {
        Ok(folder) => folder,
        Err(_) if !path.symlink_metadata().is_ok_and(|found| found.is_dir()) => {
            return Err(refusal(path, "is a file or a link, not a folder. Remove it, then try again."));
        }
        Err(error) => return Err(because(path, "cannot be opened", &error)),
    };
    let cannot = |error: io::Error| because(path, "cannot be used", &error);
    if folder.owner().map_err(cannot)? == Owner::Other {
        let why = "belongs to another user, so nothing in it is trusted. Set XDG_RUNTIME_DIR to a folder of your own.";
        return Err(refusal(path, why));
    }
    if !folder.is_private().map_err(cannot)? {
        return Err(refusal(path, &format!("is open to other users. Close it: chmod 700 {}", path.display())));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(base: &Path, name: &str) -> MeetingPlace {
        MeetingPlace::in_folder(&base.join("just-hungry"), &name.parse().unwrap()).unwrap()
    }

    fn card(name: &str) -> Card {
        let (role, id, pid) = (Role::Replica, NodeId(7), std::process::id());
        Card { name: name.into(), role, id, customer: None, pid, run: 1, socket: None, authority: None }
    }

    #[test]
    fn names_that_could_lead_elsewhere_are_none() {
        for bad in ["", "..", "a/b", "-x", "a b", "ä", "a\u{1b}[2J", &"x".repeat(41)] {
            let why = bad.parse::<ClusterName>().unwrap_err();
            assert!(!why.contains('\u{1b}') && why.contains("cannot be the name"), "{why}");
        }
        assert_eq!("lecture_2-a".parse::<ClusterName>().unwrap().to_string(), "lecture_2-a");
    }

    #[test]
    fn a_place_is_held_by_one_and_a_card_without_its_process_is_known_as_such() {
        let base = tempfile::tempdir().unwrap();
        let (here, there) = (place(base.path(), "one"), place(base.path(), "other"));
        let seat = here.take("replica-1").unwrap().unwrap();
        seat.show(&card("replica-1")).unwrap();
        assert!(here.is_alive("replica-1") && !there.is_alive("replica-1"), "two clusters are apart");
        assert!(there.take("replica-1").unwrap().is_some());
        assert!(here.take("replica-1").unwrap().is_none());
        assert_eq!(here.living_nodes().len(), 1);
        // As a killed process leaves it.
        drop(seat);
        assert!(!here.is_alive("replica-1") && here.living_nodes().is_empty());
        assert_eq!(here.cards().len(), 1);
        here.take("replica-1").unwrap().unwrap().leave();
        assert!(here.cards().is_empty());
        let files = || std::fs::read_dir(here.path()).unwrap().count();
        let before = files();
        let seat = here.take("customer-7").unwrap().unwrap();
        seat.show(&Card { role: Role::Customer, ..card("Ada") }).unwrap();
        assert_eq!(files(), before + 2);
        seat.leave_for_good();
        assert_eq!(files(), before, "a customer leaves nothing behind");
    }

    #[test]
    fn what_is_no_card_is_passed_over() {
        let base = tempfile::tempdir().unwrap();
        let here = place(base.path(), "one");
        for (name, words) in [("a.card", "no JSON"), ("b.card", "{}"), ("c.card", ""), ("notes.txt", "mine")] {
            std::fs::write(here.path().join(name), words).unwrap();
        }
        assert!(here.cards().is_empty() && here.name_server().is_none());
    }

    #[cfg(unix)]
    #[test]
    fn folder_and_files_are_private_and_what_is_not_is_refused() {
        use std::fs::{Permissions, metadata, set_permissions};
        use std::os::unix::fs::{PermissionsExt, symlink};
        let base = tempfile::tempdir().unwrap();
        let here = place(base.path(), "one");
        let seat = here.take("replica-1").unwrap().unwrap();
        seat.show(&card("replica-1")).unwrap();
        let mode = |path: &Path| metadata(path).unwrap().permissions().mode() & 0o777;
        let files = ["replica-1.card", "replica-1.lock"].map(|file| mode(&here.path().join(file)));
        assert_eq!((mode(here.path()), files), (0o700, [0o600; 2]));
        let clusters = base.path().join("just-hungry");
        let refused = |name: &str| MeetingPlace::in_folder(&clusters, &name.parse().unwrap()).unwrap_err().to_string();
        set_permissions(here.path(), Permissions::from_mode(0o755)).unwrap();
        assert!(refused("one").contains("is open to other users. Close it: chmod 700"));
        symlink(base.path(), clusters.join("link")).unwrap();
        assert!(refused("link").contains("is a file or a link"));
        std::fs::write(clusters.join("file"), "").unwrap();
        assert!(refused("file").contains("is a file or a link"));
        // A lock that leads elsewhere is not taken.
        let other = place(base.path(), "two");
        symlink(base.path().join("elsewhere"), other.path().join("replica-1.lock")).unwrap();
        assert!(other.take("replica-1").is_err() && !other.is_alive("replica-1"));
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(clusters.join("two"), Some(12345), None).unwrap();
            assert!(refused("two").contains("belongs to another user"));
        }
    }
}
