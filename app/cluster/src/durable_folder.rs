//! The folder of a durable cluster: who it is, the name server's journal, and a folder for each replica.
//!
//! It outlives every run, and one run at a time has it. What a replica's folder holds is its process's business; here only
//! its header is read, because a process must be certified under the id that stands there. With the view record in a store, the
//! folder says so: a run that looked for the record elsewhere would find none, and could not go on.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use node::control::{Credentials, DurablePlace, Duty, EtcdAccess, NodeConfig};
use node::durable::opening::{id_in, owner_in};
use node::durable::storage::make_private;
use protocol::ids::NodeId;
use serde::{Deserialize, Serialize};

use super::random;
use super::replica_names::{MOST_REPLICAS, number_of};
use super::run_directory::JOURNAL;

/// Says which cluster it is, and is the lock.
const IDENTITY: &str = "cluster";
const WORDS: &str = "just-hungry cluster ";
/// Is there for a moment.
const TRIAL: &str = "trial";
/// Is there once the view record has been in a store.
const STORE: &str = "view-record.elsewhere";

/// A replica whose orders lie in a folder, as the header of its file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnDisk {
    /// "replica-2".
    pub name: String,
    /// Of which cluster.
    pub cluster: u64,
    /// Its id.
    pub id: NodeId,
}

impl OnDisk {
    /// All in this folder, in the order of their numbers. The folder is made if it is missing.
    ///
    /// # Errors
    /// When it cannot be made, read or written to.
    pub fn all_in(folder: &Path) -> anyhow::Result<Vec<Self>> {
        let usable = make_private(folder).and_then(|()| can_be_written(folder));
        usable.with_context(|| format!("The folder {} cannot be used for durable orders", folder.display()))?;
        let read = |number: usize| {
            let name = format!("replica-{number}");
            let (cluster, id) = owner_in(&folder.join(&name), &name)?;
            Some(Self { name, cluster: cluster?, id })
        };
        Ok((1..=MOST_REPLICAS).filter_map(read).collect())
    }
}

/// Makes a file in this folder, and removes it again: a replica that finds out later has already been counted on.
fn can_be_written(folder: &Path) -> std::io::Result<()> {
    let trial = folder.join(TRIAL);
    private().open(&trial)?;
    std::fs::remove_file(trial)
}

/// A folder that is this run's as long as this value exists.
#[derive(Debug)]
pub(super) struct DurableFolder {
    path: PathBuf,
    identity: u64,
    _lock: File,
}

impl DurableFolder {
    /// Makes the folder if it is missing, and takes it.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let cannot = || format!("The folder {} cannot be used for durable orders", path.display());
        make_private(path).with_context(cannot)?;
        let path = path.canonicalize().with_context(cannot)?;
        let mut file = private().open(path.join(IDENTITY)).with_context(cannot)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!(
                "Another cluster is using the folder {}. End that cluster first, or choose another folder.",
                path.display()
            ),
            Err(TryLockError::Error(error)) => return Err(error).with_context(cannot),
        }
        let mut words = String::new();
        (&file).take(100).read_to_string(&mut words).with_context(cannot)?;
        let identity = match words.is_empty() {
            true => begin(&mut file, &path).with_context(cannot)?,
            false => identity_of(&words).with_context(|| {
                format!(
                    "The file {} does not say which cluster this is, so nothing in its folder is used. Restore it, or choose another folder.",
                    path.join(IDENTITY).display()
                )
            })?,
        };
        Ok(Self { path, identity, _lock: file })
    }

    /// Which cluster has this folder, whether or not a run of it has it now.
    pub fn identity_in(path: &Path) -> Option<u64> {
        let mut words = String::new();
        File::open(path.join(IDENTITY)).ok()?.take(100).read_to_string(&mut words).ok()?;
        identity_of(&words)
    }

    /// Which cluster this is.
    pub fn identity(&self) -> u64 {
        self.identity
    }

    /// The view record is kept in this store, or if there is none, in the journal; and so it stays. The store is told who this is.
    ///
    /// # Errors
    /// When an earlier run has kept it in the other of the two.
    pub fn keeps_record_in(&self, store: Option<EtcdAccess>) -> anyhow::Result<Option<EtcdAccess>> {
        let mark = self.path.join(STORE);
        let folder = self.path.display();
        match store {
            None if mark.exists() => bail!(
                "The cluster in the folder {folder} keeps its view record in etcd, so it cannot go on without it. Say where etcd answers, with --view-record, or choose another folder for a new cluster."
            ),
            Some(_) if self.journal().exists() => bail!(
                "The cluster in the folder {folder} keeps its view record there, not in etcd. Start it without --view-record, or choose another folder for a new cluster."
            ),
            Some(access) => {
                let cluster = format!("{:016x}", self.identity);
                Ok(Some(EtcdAccess { cluster, mark: Some(mark.into_os_string()), ..access }))
            }
            None => Ok(None),
        }
    }

    /// Where the name server keeps its journal.
    pub fn journal(&self) -> PathBuf {
        self.path.join(JOURNAL)
    }

    /// The id that a replica goes on with, if it was here before.
    pub fn replica(&self, name: &str) -> Option<NodeId> {
        id_in(&self.path.join(name), Some(self.identity), name)
    }

    /// What a replica is told.
    pub fn place(&self, name: &str, spare: (NodeId, Option<Credentials>)) -> DurablePlace {
        let folder = self.path.join(name).into_os_string();
        DurablePlace { folder, cluster: Some(self.identity), spare, fault: None }
    }

    /// The numbers of the replicas that have been on this disk.
    pub fn replicas(&self) -> Vec<u32> {
        (1..=MOST_REPLICAS as u32).filter(|number| self.path.join(format!("replica-{number}")).is_dir()).collect()
    }

    /// How many bytes its replicas have on this disk; what cannot be read is left out.
    pub fn bytes(&self) -> u64 {
        let files = |number: u32| std::fs::read_dir(self.path.join(format!("replica-{number}")));
        let all = self.replicas().into_iter().filter_map(|number| files(number).ok()).flatten().flatten();
        all.filter_map(|file| Some(file.metadata().ok()?.len())).sum()
    }

    /// The lowest numbers that no replica of this cluster has, wherever its disk is.
    pub fn free_numbers(&self) -> impl Iterator<Item = u32> {
        let here = self.replicas();
        let is_taken = move |number: &u32| here.contains(number) || self.path.join(elsewhere(*number)).exists();
        (1..=MOST_REPLICAS as u32).filter(move |number| !is_taken(number))
    }

    /// The highest number of a replica of this cluster, wherever its disk is; 0 if there was none.
    pub fn highest(&self) -> u32 {
        let is_somewhere = |number: &u32| self.path.join(elsewhere(*number)).exists();
        let far = (1..=MOST_REPLICAS as u32).rev().find(is_somewhere);
        far.max(self.replicas().last().copied()).unwrap_or(0)
    }

    /// The replica of this number has its disk on another machine: no other one gets its name.
    ///
    /// # Errors
    /// When that cannot be written down.
    pub fn is_elsewhere(&self, number: u32) -> anyhow::Result<()> {
        let path = self.path.join(elsewhere(number));
        private().open(&path).with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(())
    }
}

fn identity_of(words: &str) -> Option<u64> {
    u64::from_str_radix(words.strip_prefix(WORDS)?.trim_end(), 16).ok()
}

fn elsewhere(number: u32) -> String {
    format!("replica-{number}.elsewhere")
}

/// What the machine adds that has the disk, when a replica with orders in `folder` is to start there: its own folder, and
/// whether it is who its launcher takes it for. Nobody goes on under an id without what it held (rule R11).
///
/// # Errors
/// When its name could be the name of another folder.
pub(super) fn settle(config: &mut NodeConfig, folder: &Path) -> anyhow::Result<()> {
    let Duty::Replica { durable: Some(place), .. } = &mut config.duty else { return Ok(()) };
    number_of(&config.name)
        .with_context(|| format!("“{}” is not the name of a replica", super::shown(&config.name)))?;
    place.folder = folder.join(&config.name).into_os_string();
    if id_in(Path::new(&place.folder), place.cluster, &config.name) != Some(config.id) {
        (config.id, config.credentials) = place.spare.clone();
    }
    Ok(())
}

/// A new cluster. It has its identity on disk before anybody uses it.
fn begin(file: &mut File, folder: &Path) -> io::Result<u64> {
    if std::fs::read_dir(folder)?.any(|entry| entry.is_ok_and(|entry| entry.file_name() != IDENTITY)) {
        let why = "it contains files that Just Hungry did not create. Choose a new or empty folder";
        return Err(io::Error::new(ErrorKind::DirectoryNotEmpty, why));
    }
    let identity = random().map_err(io::Error::other)?;
    file.rewind()?;
    file.write_all(format!("{WORDS}{identity:016x}\n").as_bytes())?;
    file.sync_all()?;
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(identity)
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600).custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_keeps_its_identity_and_serves_one_cluster_at_a_time() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("durable");
        let first = DurableFolder::open(&path).unwrap();
        let refusal = DurableFolder::open(&path).unwrap_err().to_string();
        assert!(refusal.starts_with("Another cluster is using the folder"), "{refusal}");
        let identity = first.identity;
        assert_eq!((first.replicas(), first.highest(), first.replica("replica-1")), (vec![], 0, None));
        std::fs::create_dir(path.join("replica-3")).unwrap();
        first.is_elsewhere(5).unwrap();
        assert_eq!((first.replicas(), first.highest()), (vec![3], 5));
        assert_eq!(first.free_numbers().take(4).collect::<Vec<_>>(), [1, 2, 4, 6]);
        drop(first);
        assert_eq!(DurableFolder::open(&path).unwrap().identity, identity);
    }

    #[test]
    fn a_folder_knows_how_much_its_replicas_have_in_it() {
        let parent = tempfile::tempdir().unwrap();
        let folder = DurableFolder::open(parent.path()).unwrap();
        assert_eq!(folder.bytes(), 0);
        for (replica, bytes) in [("replica-1", 1000), ("replica-3", 234)] {
            std::fs::create_dir(parent.path().join(replica)).unwrap();
            std::fs::write(parent.path().join(replica).join("orders.log"), vec![0; bytes]).unwrap();
        }
        assert_eq!(folder.bytes(), 1234);
    }

    #[test]
    fn the_view_record_stays_where_it_is() {
        let etcd = || Some(EtcdAccess::at(vec!["http://127.0.0.1:2379".into()]));
        let parent = tempfile::tempdir().unwrap();
        let in_etcd = DurableFolder::open(&parent.path().join("etcd")).unwrap();
        let told = in_etcd.keeps_record_in(etcd()).unwrap().unwrap();
        assert!(in_etcd.keeps_record_in(None).unwrap().is_none(), "nothing has been recorded there yet");
        std::fs::write(told.mark.as_ref().unwrap(), "recorded").unwrap();
        let refusal = in_etcd.keeps_record_in(None).unwrap_err().to_string();
        assert!(refusal.contains("Say where etcd answers, with --view-record"), "{refusal}");
        assert_eq!(in_etcd.keeps_record_in(etcd()).unwrap().unwrap().cluster, told.cluster);
        let beside = DurableFolder::open(&parent.path().join("journal")).unwrap();
        std::fs::write(beside.journal(), "a journal").unwrap();
        assert!(beside.keeps_record_in(None).unwrap().is_none());
        let refusal = beside.keeps_record_in(etcd()).unwrap_err().to_string();
        assert!(refusal.contains("Start it without --view-record"), "{refusal}");
        assert_ne!(beside.identity, in_etcd.identity);
    }

    #[test]
    fn what_belongs_to_others_is_left_alone() {
        let parent = tempfile::tempdir().unwrap();
        std::fs::write(parent.path().join("thesis.txt"), "mine").unwrap();
        assert!(DurableFolder::open(parent.path()).is_err());
        let other = tempfile::tempdir().unwrap();
        std::fs::write(other.path().join(IDENTITY), "just text").unwrap();
        assert!(DurableFolder::open(other.path()).is_err());
    }
}
