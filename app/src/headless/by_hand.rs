//! `name-server`, `front-end`, `replica`, `client`: a cluster whose processes people start by hand, each in a terminal.
//!
//! They may be started in any order: who needs another waits, and says for whom. This file says how each is asked for and
//! how it waits for the name server; what it then does stands in the files below.

pub(super) mod client;
mod name_server;
mod node_here;
mod telling;

use std::path::{Path, PathBuf};
use std::time::Duration;

use node::control::{Duty, EtcdAccess, RecordPlace};
use protocol::ids::{Role, Span};

use super::status_report::StatusReport;
use super::status_socket::{self, Refused};
use super::view_record::StoreArguments;
use super::{Exit, Failure, say, say_json};
use cluster::by_hand::meeting_place::{Card, ClusterName, MeetingPlace, NAME_SERVER};
use cluster::by_hand::office::{Choices, Office};
use cluster::by_hand::{guest, here};
use cluster::interrupt::Interrupt;
use cluster::{Admission, Postcodes};

/// How often the folder is looked at for a name server that is not there yet.
const BETWEEN_GLANCES: Duration = Duration::from_millis(50);

/// What all four have in common.
#[derive(Clone, Debug, clap::Args)]
pub struct Common {
    /// Which cluster, if you run several on this machine: up to 40 letters, digits, - and _.
    #[arg(long, value_name = "NAME", default_value_t, env = "JUST_HUNGRY_CLUSTER")]
    pub cluster: ClusterName,
    /// Print one JSON object per line instead of sentences.
    #[arg(long)]
    pub json: bool,
    /// Print more: every fact that the process reports. Given twice, print its log, too (or set RUST_LOG).
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// A node.
#[derive(Clone, Debug, clap::Args)]
pub struct NodeArguments {
    #[command(flatten)]
    common: Common,
    /// On Ctrl+C, leave politely: finish what is in hand and tell the others. Without it, Ctrl+C ends the process as a crash
    /// does.
    #[arg(long)]
    leave: bool,
}

/// A replica.
#[derive(Clone, Debug, clap::Args)]
pub struct ReplicaArguments {
    #[command(flatten)]
    node: NodeArguments,
    /// Keep the orders in this folder, and acknowledge only what is on disk. Started again with it, the replica is the same one, with all
    /// its orders. Several replicas can use the same folder: each has one of its own in it. The name server needs --durable, too.
    #[arg(long, value_name = "DIR")]
    durable: Option<PathBuf>,
}

/// The name server.
#[derive(Clone, Debug, clap::Args)]
pub struct NameServerArguments {
    #[command(flatten)]
    node: NodeArguments,
    /// Interval at which the name server removes names that have not registered again, in seconds.
    #[arg(long, value_name = "S", default_value = "20", value_parser = autoclean, env = "JUST_HUNGRY_AUTOCLEAN")]
    autoclean: Span,
    /// Where the replicas check postcodes: stand-ins with built-in data, or the real services.
    #[arg(long, value_enum, default_value_t)]
    postcodes: Postcodes,
    /// Keep the record of views in this folder, where it survives the end of all processes. All replicas then need --durable, too; it
    /// can be the same folder. With --view-record, the folder only says which cluster it is.
    #[arg(long, value_name = "DIR")]
    durable: Option<PathBuf>,
    #[command(flatten)]
    store: StoreArguments,
}

/// Seconds, with a decimal point or without.
fn autoclean(words: &str) -> Result<Span, String> {
    match words.parse::<f64>() {
        Ok(seconds) if (1.0..=86_400.0).contains(&seconds) => Ok(Span((seconds * 1e6) as u64)),
        Ok(_) | Err(_) => Err("it must be a number of seconds from 1 to 86400".into()),
    }
}

pub(super) fn name_server(arguments: NameServerArguments, interrupt: &Interrupt) -> Result<Exit, Failure> {
    let store = arguments.store.access()?;
    let NameServerArguments { autoclean, postcodes, durable, .. } = arguments;
    let choices = Choices { autoclean, postcodes, store, durable };
    name_server::perform(&arguments.node, choices, interrupt)
}

pub(super) fn replica(arguments: &ReplicaArguments, interrupt: &Interrupt) -> Result<Exit, Failure> {
    node(Role::Replica, &arguments.node, arguments.durable.as_deref(), interrupt)
}

pub(super) fn front_end(arguments: &NodeArguments, interrupt: &Interrupt) -> Result<Exit, Failure> {
    node(Role::FrontEnd, arguments, None, interrupt)
}

fn node(role: Role, arguments: &NodeArguments, durable: Option<&Path>, interrupt: &Interrupt) -> Result<Exit, Failure> {
    let Common { cluster, json, verbose } = &arguments.common;
    node::process::log_to_standard_error(log_level(*verbose));
    let place = meet(cluster)?;
    let mut voice = Voice { json: *json };
    let Some((name_server, member)) = admitted(&place, role, &mut voice, interrupt, |name_server| {
        here::join(&place, name_server, role, durable, |knock| status_socket::knock(name_server, knock))
    })?
    else {
        return Ok(Exit::Holds);
    };
    node_here::run(&place, member, &name_server, arguments, interrupt)
}

/// A name server beside the first one: both keep the view record in the same store.
fn further_name_server(
    arguments: &NodeArguments,
    store: EtcdAccess,
    durable: Option<&Path>,
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    let Common { cluster, json, .. } = &arguments.common;
    let place = meet(cluster)?;
    let mut voice = Voice { json: *json };
    let joined = admitted(&place, Role::NameServer, &mut voice, interrupt, |name_server| {
        if let Some(folder) = durable {
            Office::has_folder(&place, folder).map_err(|why| Refused(why.to_string()))?;
        }
        here::join(&place, name_server, Role::NameServer, None, |knock| status_socket::knock(name_server, knock))
    })?;
    let Some((name_server, mut member)) = joined else { return Ok(Exit::Holds) };
    if let Duty::NameServer { keeps: RecordPlace::Etcd(access) } = &mut member.config.duty {
        // Which record it is, the first name server says; how to reach it and who it is there, the person.
        let EtcdAccess { key, cluster, mark, .. } = access.clone();
        *access = EtcdAccess { key, cluster, mark, ..store };
    }
    node_here::run(&place, member, &name_server, arguments, interrupt)
}

/// The tracing level for this number of `-v`.
fn log_level(verbose: u8) -> &'static str {
    match verbose {
        0 | 1 => "warn",
        2 => "debug",
        _ => "trace",
    }
}

/// The folder of a cluster.
fn meet(cluster: &ClusterName) -> Result<MeetingPlace, Failure> {
    MeetingPlace::of(cluster).map_err(|error| Failure::BadInput(error.to_string()))
}

/// Waits until a name server lives that admits this process; none: a person wanted it to end before.
fn admitted<T>(
    place: &MeetingPlace,
    role: Role,
    voice: &mut Voice,
    interrupt: &Interrupt,
    mut knock: impl FnMut(&Card) -> anyhow::Result<T>,
) -> Result<Option<(Card, T)>, Failure> {
    let mut said = None;
    loop {
        let why = match place.name_server() {
            Some(card) if card.socket.is_some() => match knock(&card) {
                Ok(admitted) => return Ok(Some((card, admitted))),
                Err(error) if error.is::<Refused>() => return Err(Failure::BadInput(capital(&error.to_string()))),
                Err(error) => wording::WaitsFor::Answer { why: node::error_text::chain(&error) },
            },
            Some(_) => wording::WaitsFor::NameServer { killed: None },
            None => wording::WaitsFor::NameServer { killed: place.card(NAME_SERVER).map(|card| card.pid) },
        };
        let sentence = wording::waits_for(role, &why, place.name().to_string().as_str());
        if said.as_ref() != Some(&sentence) {
            voice.waits("name-server", &sentence)?;
            said = Some(sentence);
        }
        if interrupt.wait(BETWEEN_GLANCES) {
            return Ok(None);
        }
    }
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// How a process of a terminal speaks.
#[derive(Clone, Copy, Debug)]
struct Voice {
    json: bool,
}

impl Voice {
    /// A sentence, or for programs an object.
    fn say(self, change: &str, sentence: &str) -> Result<(), Failure> {
        if self.json { say_json(&serde_json::json!({"change": change, "what": sentence})) } else { say(sentence) }
    }

    fn waits(self, whom: &str, sentence: &str) -> Result<(), Failure> {
        match self.json {
            true => say_json(&serde_json::json!({"change": "waits", "for": whom, "what": sentence})),
            false => say(sentence),
        }
    }
}

/// What each process of a cluster that was started by hand believes.
pub(super) fn status(cluster: &ClusterName) -> Result<StatusReport, Failure> {
    let place = meet(cluster)?;
    let mut all = StatusReport::default();
    for (file, card) in place.cards() {
        if card.role == Role::Customer {
            continue;
        }
        let heard = place.is_alive(&file).then(|| status_socket::status_of(&card));
        all = match heard {
            Some(Ok(report)) => all.and(report),
            Some(Err(_)) | None => all.with_unheard(card.name, card.role, card.id.to_string()),
        };
    }
    if all.nodes.is_empty() {
        let why = wording::no_cluster_by_hand(&cluster.to_string());
        return Err(Failure::BadInput(why));
    }
    Ok(all)
}

/// What a customer needs that is another program's.
pub(super) fn admission(cluster: &ClusterName) -> Result<Admission, Failure> {
    let place = meet(cluster)?;
    let none = || Failure::BadInput(wording::no_cluster_by_hand(&cluster.to_string()));
    let name_server = place.name_server().ok_or_else(none)?;
    let knock = |knock| status_socket::knock_as_guest(&name_server, knock);
    let guest = guest::join(&name_server, None, knock);
    Ok(guest.map_err(|error| Failure::BadInput(node::error_text::chain(&error)))?.admission)
}
