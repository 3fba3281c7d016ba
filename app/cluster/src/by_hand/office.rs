//! The members of a cluster that was started by hand: one place owns the certificate authority, decides names, and says
//! what each process needs to know.
//!
//! It lives in the name server's process. What it must still know when that process is killed and started again lies in
//! the cluster's private folder, and is used again only while nodes of that run live: they trust no other authority. When all
//! have ended, the next name server begins anew.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use node::control::{ClockReading, Credentials, DurablePlace, Duty, EtcdAccess, NodeConfig, Reach, RecordPlace};
use node::transport::identity::Authority;
use protocol::ids::{Contact, NodeId, Role, Span};
use protocol::machine::Settings;
use protocol::trace::Rate;
use serde::{Deserialize, Serialize};

use super::meeting_place::{Card, ClusterName, MeetingPlace, NAME_SERVER, Seat};
use super::services;
use super::{Guest, Knock, MOST_CUSTOMERS};
use crate::customers::NAMES;
use crate::durable_folder::{DurableFolder, OnDisk};
use crate::nodes::{MOST_FRONT_ENDS, MOST_NAME_SERVERS, front_end_name, name_server_name};
use crate::replica_names::{MOST_REPLICAS, name_of, number_of};
use crate::run_directory::JOURNAL;
use crate::{Admission, Postcodes, random, wall_clock};

/// What outlives a name server that is killed.
const KEPT: &str = "authority.json";
/// A name that was given away is not given again for so long, if nobody has taken it yet.
const PROMISED_FOR: Duration = Duration::from_secs(5);
/// The longest name of a customer, in characters.
const LONGEST_NAME: usize = 30;

/// What can be chosen.
#[derive(Clone, Debug)]
pub struct Choices {
    /// Between two cleanings of the registry.
    pub autoclean: Span,
    pub postcodes: Postcodes,
    /// The store in which name servers keep the view record; none: the only one has a journal.
    pub store: Option<EtcdAccess>,
    /// The folder in which what must survive the end of all processes is kept; none: nothing does.
    pub durable: Option<PathBuf>,
}

/// What is known of a run, also after the name server was killed.
#[derive(Clone, Serialize, Deserialize)]
struct Kept {
    run: u64,
    /// The wall clock when the run began.
    begun: u64,
    key: Vec<u8>,
    certificate: Vec<u8>,
    /// The name server's own, with which it proves that it is the same again.
    credentials: Credentials,
    contact: Contact,
    settings: Settings,
    live_postcodes: bool,
    /// The name servers beside the first one. Each keeps its place, so that those that know it find it again.
    #[serde(default)]
    others: BTreeMap<String, Contact>,
    /// Which durable cluster this is; none: it keeps everything in memory.
    #[serde(default)]
    durable: Option<u64>,
}

/// Whether the run is a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begins {
    Anew,
    /// Files of an earlier run were there; all its processes have ended.
    AfterOthers,
    /// These nodes have gone on without a name server.
    Again(Vec<String>),
}

/// Owns the authority, and admits.
pub struct Office {
    place: MeetingPlace,
    authority: Authority,
    kept: Kept,
    store: Option<EtcdAccess>,
    others: Mutex<BTreeMap<String, Contact>>,
    promised: Mutex<BTreeMap<String, (u32, Instant)>>,
    /// Ours as long as this lives.
    _durable: Option<DurableFolder>,
}

impl Office {
    /// Opens it, and says as what the name server of this process is to run.
    ///
    /// # Errors
    /// A sentence.
    pub fn open(place: &MeetingPlace, choices: Choices) -> anyhow::Result<(Self, NodeConfig, Begins)> {
        let durable = choices.durable.as_deref().map(DurableFolder::open).transpose()?;
        let identity = durable.as_ref().map(DurableFolder::identity);
        let living: Vec<String> = place.living_nodes().into_iter().map(|card| card.name).collect();
        let before = place.read::<Kept>(KEPT);
        let (kept, authority, begins) = match (living.is_empty(), before) {
            (false, Some(mut kept)) => {
                if kept.durable != identity {
                    bail!("{}", kept.needs_its_disk(&living));
                }
                let authority = Authority::kept(&kept.key, kept.certificate.clone())?;
                kept.settings.autoclean = choices.autoclean;
                (kept, authority, Begins::Again(living))
            }
            (false, None) => bail!(
                "{} of the cluster “{}” still run, but the authority that they trust is gone. End them first, then start the name server.",
                living.join(", "),
                place.name()
            ),
            (true, before) => {
                place.remove_cards();
                for file in [KEPT, JOURNAL, "name-server.journal.new", "name-server.journal.lock"] {
                    place.remove(file);
                }
                let authority = Authority::new()?;
                let begins = if before.is_some() { Begins::AfterOthers } else { Begins::Anew };
                (Kept { durable: identity, ..Kept::new(&authority, &choices)? }, authority, begins)
            }
        };
        let store = choices.store.map(|access| EtcdAccess { key: record_key(place.name()), ..access });
        let store = match &durable {
            Some(durable) => durable.keeps_record_in(store)?,
            None => store.map(|access| EtcdAccess { cluster: node::etcd::identity(authority.certificate()), ..access }),
        };
        let keeps = match &store {
            Some(access) => RecordPlace::Etcd(access.clone()),
            None => {
                let journal = durable.as_ref().map_or_else(|| place.path().join(JOURNAL), DurableFolder::journal);
                RecordPlace::Journal(journal.into_os_string())
            }
        };
        let others = Mutex::new(kept.others.clone());
        let promised = Mutex::default();
        let office = Self { place: place.clone(), authority, kept, store, others, promised, _durable: durable };
        let (contact, credentials) = (office.kept.contact, office.kept.credentials.clone());
        let mut config = office.config(NAME_SERVER.into(), contact.id, Duty::NameServer { keeps }, credentials);
        config.listen = contact.address;
        Ok((office, config, begins))
    }

    /// Whether one more name server may name this folder: the cluster's own, which the first one has, or none.
    ///
    /// # Errors
    /// A sentence why not.
    pub fn has_folder(place: &MeetingPlace, folder: &Path) -> anyhow::Result<()> {
        let cluster = place.name();
        match place.read::<Kept>(KEPT).and_then(|kept| kept.durable) {
            None => bail!(
                "The cluster “{cluster}” keeps everything in memory. Start this name server without --durable, too."
            ),
            own if DurableFolder::identity_in(folder) == own => Ok(()),
            Some(_) => bail!(
                "The folder {} is not the one of the cluster “{cluster}”. Start this name server without --durable, or with the folder of the first one.",
                folder.display()
            ),
        }
    }

    /// The name server listens here: now others can be admitted.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn name_server_listens(&mut self, contact: Contact) -> anyhow::Result<()> {
        self.kept.contact = contact;
        self.keep()
    }

    fn keep(&self) -> anyhow::Result<()> {
        let others = self.others().clone();
        self.place.write(KEPT, &Kept { others, ..self.kept.clone() })
    }

    fn others(&self) -> MutexGuard<'_, BTreeMap<String, Contact>> {
        self.others.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where all name servers are.
    fn name_servers(&self) -> Vec<Contact> {
        [self.kept.contact].into_iter().chain(self.others().values().copied()).collect()
    }

    /// The name server's card, without its socket.
    pub fn card(&self) -> Card {
        Card {
            name: NAME_SERVER.into(),
            role: Role::NameServer,
            id: self.kept.contact.id,
            customer: None,
            pid: std::process::id(),
            run: self.kept.run,
            socket: None,
            authority: Some(self.kept.certificate.clone()),
        }
    }

    /// What time it is in the cluster.
    pub fn clock(&self) -> ClockReading {
        ClockReading { wall: self.kept.begun, cluster: 0, rate: Rate::REAL, until: None }
    }

    /// The configuration of a node that has knocked. Its private key is missing.
    ///
    /// # Errors
    /// A sentence why it is not admitted.
    pub fn admit(&self, knock: &Knock) -> anyhow::Result<NodeConfig> {
        match knock.role {
            Role::FrontEnd => {
                let name = self.free_name(front_end_name, MOST_FRONT_ENDS, "front-ends", knock.pid)?.1;
                self.certified(name, NodeId(random()?), Duty::FrontEnd, knock)
            }
            Role::Replica => self.admit_replica(knock),
            Role::Customer => bail!("A customer is admitted as a guest, not as a node."),
            Role::NameServer => self.admit_name_server(knock),
        }
    }

    fn certified(&self, name: String, id: NodeId, duty: Duty, knock: &Knock) -> anyhow::Result<NodeConfig> {
        let credentials = self.authority.certify(knock.role, Some(id), &knock.public_key)?;
        Ok(self.config(name, id, duty, credentials))
    }

    /// A durable replica goes on as one whose orders its folder holds, if no other process is that one; else it is a new one.
    fn admit_replica(&self, knock: &Knock) -> anyhow::Result<NodeConfig> {
        match (self.kept.durable, &knock.on_disk) {
            (Some(_), None) => bail!(
                "The cluster “{}” keeps its orders on disk. Start the replica with --durable and a folder.",
                self.place.name()
            ),
            (None, Some(_)) => bail!(
                "The cluster “{}” keeps everything in memory, and so do its replicas. For orders on disk, start its name server with --durable, too.",
                self.place.name()
            ),
            (Some(_), Some(_)) | (None, None) => {}
        }
        let ours = |it: &&OnDisk| Some(it.cluster) == self.kept.durable;
        let mut before = knock.on_disk.iter().flatten().filter(ours);
        let is_free = |name: &str| !self.place.is_alive(name) && self.promise(name, knock.pid);
        let may_be = |name: &str| number_of(name).is_some_and(|number| number <= MOST_REPLICAS as u32);
        let (name, id) = match before.find(|it| may_be(&it.name) && is_free(&it.name)) {
            Some(before) => (before.name.clone(), before.id),
            None => {
                // A name that another folder may hold is given only if there is no other.
                let name = |number| name_of(number as u32);
                (self.free_name(name, MOST_REPLICAS, "replicas", knock.pid)?.1, NodeId(random()?))
            }
        };
        let preset = (number_of(&name).unwrap_or(1) - 1) % 3 + 1;
        let services = if self.kept.live_postcodes { services::live()? } else { Vec::new() };
        let spare = NodeId(random()?);
        let certified = self.authority.certify(Role::Replica, Some(spare), &knock.public_key)?;
        let durable = self.kept.durable.map(|cluster| DurablePlace {
            // The process knows where its disk is.
            folder: OsString::new(),
            cluster: Some(cluster),
            spare: (spare, Some(certified)),
            fault: None,
        });
        self.certified(name, id, Duty::Replica { preset, services, verdict_cache: true, durable }, knock)
    }

    /// One more name server. It has its place from now on, so that everybody who is admitted after it knows it.
    fn admit_name_server(&self, knock: &Knock) -> anyhow::Result<NodeConfig> {
        let access = self.store.clone().context(
            "The name server of this cluster keeps the view record in its own journal, so it is the only one. For several, start each with --view-record.",
        )?;
        let (_, name) = self.free_name(name_server_name, MOST_NAME_SERVERS as usize, "name servers", knock.pid)?;
        let before = self.others().get(&name).copied();
        let contact = match before {
            Some(contact) => contact,
            None => Contact { id: NodeId(random()?), address: UdpSocket::bind(anywhere())?.local_addr()? },
        };
        self.others().insert(name.clone(), contact);
        self.keep()?;
        let credentials = self.authority.certify(Role::NameServer, Some(contact.id), &knock.public_key)?;
        // It has the secrets from the person who has started it.
        let keeps = RecordPlace::Etcd(access.without_secrets());
        let config = self.config(name, contact.id, Duty::NameServer { keeps }, credentials);
        Ok(NodeConfig { listen: contact.address, ..config })
    }

    /// What a customer needs that has knocked. Its private key is missing.
    ///
    /// # Errors
    /// A sentence why it is not admitted.
    pub fn admit_guest(&self, knock: &Knock) -> anyhow::Result<Guest> {
        if knock.role != Role::Customer {
            bail!("Only a customer is admitted as a guest.");
        }
        let credentials = self.authority.certify(Role::Customer, None, &knock.public_key)?;
        let customers = self.place.cards().into_iter().filter(|(_, card)| card.role == Role::Customer);
        let here = customers.filter(|(file, _)| self.place.is_alive(file));
        let taken: Vec<String> = here.map(|(_, card)| card.name).collect();
        if taken.len() >= MOST_CUSTOMERS {
            bail!("There are already {MOST_CUSTOMERS} customers. End one first.");
        }
        let name = match &knock.name {
            None => self.customer_name(&taken, knock.pid)?,
            Some(name) if taken.contains(name) => {
                bail!("There is already a customer called {name}. Choose another name.")
            }
            Some(name) => {
                let fits = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '\'');
                if name.trim() != name || !(1..=LONGEST_NAME).contains(&name.chars().count()) || !name.chars().all(fits)
                {
                    bail!(
                        "“{}” cannot be a customer's name. Use up to {LONGEST_NAME} letters, digits and spaces.",
                        crate::shown(name)
                    );
                }
                name.clone()
            }
        };
        let (name_servers, settings, clock) = (self.name_servers(), self.kept.settings.clone(), self.clock());
        Ok(Guest { name, admission: Admission { credentials, name_servers, settings, clock } })
    }

    /// The first name of its kind that no living process has, with its number.
    fn free_name(
        &self,
        name: impl Fn(usize) -> String,
        most: usize,
        kind: &str,
        pid: u32,
    ) -> anyhow::Result<(usize, String)> {
        let numbered = (1..=most).map(|number| (number, name(number)));
        let free = |(_, name): &(usize, String)| !self.place.is_alive(name) && self.promise(name, pid);
        let found = { numbered }.find(free);
        found.with_context(|| format!("There are already {most} {kind}. End one first."))
    }

    fn customer_name(&self, taken: &[String], pid: u32) -> anyhow::Result<String> {
        let names = (0..).flat_map(|round| {
            NAMES.iter().map(move |name| if round == 0 { (*name).to_owned() } else { format!("{name} {}", round + 1) })
        });
        let free = |name: &String| !taken.contains(name) && self.promise(&format!("customer {name}"), pid);
        { names }.find(free).context("There is no name left.")
    }

    /// Promises a name to a process, unless it was just promised to another that still lives.
    fn promise(&self, name: &str, pid: u32) -> bool {
        let mut promised = self.promised.lock().unwrap_or_else(PoisonError::into_inner);
        promised.retain(|_, (pid, at)| at.elapsed() < PROMISED_FOR && lives(*pid));
        if promised.get(name).is_some_and(|(other, _)| *other != pid) {
            return false;
        }
        promised.insert(name.to_owned(), (pid, Instant::now()));
        true
    }

    fn config(&self, name: String, id: NodeId, duty: Duty, credentials: Credentials) -> NodeConfig {
        NodeConfig {
            name,
            duty,
            id,
            listen: anywhere(),
            name_servers: self.name_servers(),
            settings: self.kept.settings.clone(),
            credentials: Some(credentials),
            clock: self.clock(),
            links: Vec::new(),
            bomb: None,
            observe: true,
            reach: Reach::default(),
        }
    }

    /// The name server leaves. If no node goes on without it, nothing of the run is kept.
    pub fn close(&self, seat: Seat) {
        if self.place.living_nodes().is_empty() {
            for file in [KEPT, JOURNAL] {
                self.place.remove(file);
            }
        }
        seat.leave();
    }
}

impl Kept {
    fn new(authority: &Authority, choices: &Choices) -> anyhow::Result<Self> {
        let id = NodeId(random()?);
        Ok(Self {
            run: random()?,
            begun: wall_clock(),
            key: authority.key(),
            certificate: authority.certificate().to_vec(),
            credentials: authority.issue(Role::NameServer, Some(id))?,
            contact: Contact { id, address: anywhere() },
            settings: Settings { autoclean: choices.autoclean, ..Settings::default() },
            live_postcodes: choices.postcodes == Postcodes::Live,
            others: BTreeMap::new(),
            durable: None,
        })
    }

    /// Its journal lies elsewhere than where this name server would look.
    fn needs_its_disk(&self, living: &[String]) -> String {
        let how = match self.durable {
            Some(_) => "with --durable and the same folder as before",
            None => "without --durable, as before",
        };
        format!(
            "{} still run, and belong to a cluster whose record is kept elsewhere. Start the name server {how}.",
            living.join(", ")
        )
    }
}

/// Under which a cluster of this name keeps its view record. Another cluster of the same name is refused there.
#[must_use]
pub fn record_key(name: &ClusterName) -> String {
    format!("just-hungry/{name}/view-record")
}

/// Any free port, for this machine only.
fn anywhere() -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0)
}

#[cfg(unix)]
fn lives(pid: u32) -> bool {
    use rustix::process::{Pid, test_kill_process};
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    // One that may not be signalled lives.
    pid.is_some_and(|pid| test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

#[cfg(not(unix))]
fn lives(_: u32) -> bool {
    true
}

#[cfg(test)]
mod tests;
