//! A node in the program that a person started: the same node as a launcher's child, in a thread of this process.

use std::path::Path;
use std::sync::mpsc::{Sender, SyncSender};
use std::thread;

use node::control::{ControlCommand, DurablePlace, Duty, NodeConfig, NodeReport};
use node::observation::Reports;
use node::process::Failed;
use node::transport::identity::OwnKey;
use protocol::ids::{NodeId, Role};
use protocol::postcode::PostcodeService;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::meeting_place::{Card, MeetingPlace, Seat};
use super::{Knock, made_whole, services};
use crate::NodeStatus;
use crate::durable_folder::{OnDisk, settle};

/// What the program around a node has to look at, in the order in which it came.
#[derive(Debug)]
pub enum News {
    /// The node says something.
    Reported(NodeReport),
    /// The node has ended.
    Ended(Result<(), Failed>),
    /// Somebody asks what it believes.
    Asked(Sender<NodeStatus>),
    /// A person, or the system, wants this to end.
    Interrupted,
}

/// What a node is before it runs: its configuration, its place among the others, the card that it shows there.
pub struct Member {
    pub config: NodeConfig,
    pub seat: Seat,
    pub card: Card,
}

/// Makes a key, knocks at the name server's process and takes the place that it gives. `ask` carries the knock there.
/// `durable`: a replica keeps its orders in this folder, in one of its own that is named after it.
///
/// # Errors
/// A sentence, when it is not admitted.
pub fn join(
    place: &MeetingPlace,
    name_server: &Card,
    role: Role,
    durable: Option<&Path>,
    ask: impl FnOnce(Knock) -> anyhow::Result<NodeConfig>,
) -> anyhow::Result<Member> {
    let own = OwnKey::new()?;
    let pid = std::process::id();
    let on_disk = durable.map(OnDisk::all_in).transpose()?;
    let mut config = ask(Knock { role, public_key: own.public(), pid, name: None, on_disk })?;
    let authority = name_server.authority.clone().unwrap_or_default();
    config.credentials = config.credentials.map(|given| made_whole(&own, given, &authority)).transpose()?;
    if let (Duty::Replica { durable: Some(DurablePlace { spare: (_, given), .. }), .. }, Some(folder)) =
        (&mut config.duty, durable)
    {
        *given = given.take().map(|given| made_whole(&own, given, &authority)).transpose()?;
        settle(&mut config, folder)?;
    }
    let seat = place.take(&config.name)?;
    let seat = seat.ok_or_else(|| anyhow::anyhow!("The place of {} is taken. Start this again.", config.name))?;
    let (name, id, run) = (config.name.clone(), config.id, name_server.run);
    Ok(Member { config, seat, card: Card { name, role, id, customer: None, pid, run, socket: None, authority: None } })
}

/// The postcode services that a replica asks, as the narrator must know them.
pub type Services = Vec<(NodeId, PostcodeService)>;

/// Starts the node. What happens to it comes to `news`; what it is told goes into the sender that is returned.
///
/// # Errors
/// When the operating system gives no thread or port.
pub fn start(
    mut config: NodeConfig,
    news: SyncSender<News>,
) -> anyhow::Result<(UnboundedSender<ControlCommand>, Services)> {
    let mut known = Services::new();
    if let Duty::Replica { services, .. } = &mut config.duty {
        if services.is_empty() {
            *services = services::stand_ins()?;
        }
        known.extend(services.iter().map(|address| (address.id, address.service)));
    }
    let (commands, waiting) = unbounded_channel();
    let told = news.clone();
    // A program that reads no news any more is ending.
    let reports = Reports::to(move |report| told.send(News::Reported(report)).is_ok())?;
    thread::Builder::new().name(config.name.clone()).spawn(move || {
        let ended = node::process::run_here(config, reports, waiting);
        let _ = news.send(News::Ended(ended));
    })?;
    Ok((commands, known))
}
