//! What a launcher and its node say to each other over the node's standard input and output.
//!
//! Standard input: one [`NodeConfig`], then [`ControlCommand`]s; its end means "exit". Standard output: [`NodeReport`]s,
//! [`NodeReport::Ready`] first. In a process that was started by hand the same is said within the process. Each is a frame: length as u32 (little-endian), then postcard. Secrets travel only here,
//! never in arguments, the environment or files, where other users of the machine could read them. A node
//! listens to none of this on the network; on another machine an agent passes it on from the launcher.

mod steering;

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};

pub use crate::etcd::EtcdAccess;
pub use crate::proof::StandInKey;
use protocol::ids::{Contact, NodeId};
use protocol::machine::Settings;
use protocol::postcode::{Postcode, PostcodeService};
use protocol::trace::{Bomb, Denial, DiskFault, Rate, TraceRecord};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::usage::Traffic;
pub use steering::{LinkSetting, SteeringCommand};

/// Everything a node is told before it starts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NodeConfig {
    /// "replica-2".
    pub name: String,
    /// What the process is to be.
    pub duty: Duty,
    /// Its incarnation, random; the launcher gives the name server the same one again.
    pub id: NodeId,
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Where the name servers are (without this one, if it is one; meaningless for stand-ins).
    pub name_servers: Vec<Contact>,
    /// Timers and limits.
    pub settings: Settings,
    /// Keys of this run; none for stand-ins, which speak plain HTTP. A name server that is started again is given the
    /// same ones: then it can tell its peers at once that their connections to its predecessor are gone.
    pub credentials: Option<Credentials>,
    /// What time it is in the cluster, and how fast it goes.
    pub clock: ClockReading,
    /// What its links do from the beginning; links that are not named do nothing.
    pub links: Vec<LinkSetting>,
    /// A bomb that lies in it from the beginning.
    pub bomb: Option<Bomb>,
    /// Whether the launcher wants trace events.
    pub observe: bool,
    /// How other machines are reached, and reach it.
    pub reach: Reach,
}

/// What a node knows of other machines. On one machine: nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// Of a node on another machine than the launcher's: where the launcher's machine is, the best address first. All
    /// loopback addresses are meant there.
    pub host: Vec<IpAddr>,
    /// Where it listens, too, at the port that it gets: other machines reach it there.
    pub also_listen: Vec<IpAddr>,
}

/// What cluster time was at a moment of the wall clock, which the processes of one machine share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockReading {
    /// The moment, in microseconds since 1970. Read when a process starts, and never again.
    pub wall: u64,
    /// Cluster time then, in microseconds since the run began.
    pub cluster: u64,
    /// How fast it has gone since.
    pub rate: Rate,
    /// It stops by itself at this cluster time.
    pub until: Option<u64>,
}

/// What a process can be.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Duty {
    /// The name server.
    NameServer {
        /// Where it keeps the view record.
        keeps: RecordPlace,
    },
    /// A front-end.
    FrontEnd,
    /// A replica.
    Replica {
        /// Which pre-defined order history it loads, 1 to 3.
        preset: u32,
        /// Where it asks about postcodes, in the order of asking.
        services: Vec<ServiceAddress>,
        /// Whether it remembers verdicts.
        verdict_cache: bool,
        /// Where it keeps its orders; none: in memory.
        durable: Option<DurablePlace>,
    },
    /// A postcode service without the internet.
    StandIn {
        /// The service that it stands in for.
        service: PostcodeService,
        /// With this key it proves that it is no stranger on its port.
        key: StandInKey,
    },
    /// Sends bytes back as they come, for benchmarks; its credentials may name any role.
    Echo,
}

/// Where a replica keeps its orders, as its launcher says it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DurablePlace {
    /// Its folder; made if it is missing. The path need not be text.
    pub folder: OsString,
    /// Which cluster it belongs to, if that has an identity. Another cluster's file is not used.
    pub cluster: Option<u64>,
    /// Its id if the file in the folder cannot be used: nobody may go on under an id without what it held (rule R11).
    pub spare: (NodeId, Option<Credentials>),
    /// What is wrong with its disk from the beginning, because a person wants it so.
    pub fault: Option<DiskFault>,
}

/// Where a name server keeps the view record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum RecordPlace {
    /// In its journal. The path need not be text; the file is created if missing, and locked while in use.
    Journal(OsString),
    /// In etcd, which several name servers may use.
    Etcd(EtcdAccess),
}

/// One postcode service, as a replica is told about it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ServiceAddress {
    /// The service.
    pub service: PostcodeService,
    /// As it appears in traces.
    pub id: NodeId,
    /// "http://127.0.0.1:4321", without a path.
    pub base_url: String,
    /// Of a stand-in: what its answers must prove. A real service is known by its certificate.
    pub key: Option<StandInKey>,
}

/// Keys of one process in one run, all DER.
#[derive(Clone, Serialize, Deserialize)]
pub struct Credentials {
    /// The run's certificate authority.
    pub authority: Vec<u8>,
    /// This process's certificate; it names its role.
    pub certificate: Vec<u8>,
    /// The certificate's private key (PKCS #8).
    pub key: Vec<u8>,
}

impl std::fmt::Debug for Credentials {
    /// Shows no secret, not even in a crash text.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials")
    }
}

/// What a launcher can tell a running node.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ControlCommand {
    /// Steer the actor that lives here. What cannot be obeyed: [`NodeReport::Refused`].
    Steer(SteeringCommand),
    /// Send trace events, or stop sending them.
    Observe(bool),
    /// Stand still between two rounds, until [`ControlCommand::Wake`] or the end of standard input.
    Freeze,
    /// Go on.
    Wake,
    /// Report when everything that was told before this is done: [`NodeReport::Confirmed`].
    Confirm {
        /// The launcher's number for it.
        ticket: u64,
    },
    /// Report what the process uses and believes.
    ReportStatus,
    /// Replica: remember verdicts, or forget them all and ask each time.
    VerdictCache(bool),
    /// Replica: report order histories, from this postcode on.
    ShowOrders {
        /// The first postcode wanted; none: from the beginning.
        from: Option<Postcode>,
    },
    /// Stand-in: misbehave from now on.
    Misbehave(Misbehaviour),
    /// Beside its own address listen on these and on no others, at the same port. What cannot be opened: [`NodeReport::Refused`].
    ListenOn(Vec<IpAddr>),
    /// End in order: take nothing new, finish what is in hand if that takes only a moment, tell peers that the connections
    /// are over.
    Leave,
}

/// How a postcode stand-in answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Misbehaviour {
    /// As the real service does.
    #[default]
    None,
    /// Later by this many milliseconds.
    Slow(u64),
    /// "Not found" to everything.
    NotFound,
    /// 429 with Retry-After.
    TooManyRequests,
    /// 500.
    Broken,
    /// Accepts the connection and never answers.
    Hangs,
    /// Half a body.
    HalfBody,
    /// A body that is not JSON.
    NotJson,
}

/// What a node tells its launcher.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum NodeReport {
    /// It listens; nothing was said before this.
    Ready {
        /// Its operating-system process.
        pid: u32,
        /// Where it can be reached.
        contact: Contact,
    },
    /// It cannot go on; a sentence for people: what happened, why, what to do.
    Failed {
        /// The sentence.
        why: String,
    },
    /// Answer to [`ControlCommand::Confirm`]: what was told before it holds for whatever the actor does next.
    Confirmed {
        /// As in the command.
        ticket: u64,
        /// Since when, in cluster time.
        at: u64,
    },
    /// A peer on another machine has not been reached for some seconds, though it is tried; or it is reached again.
    Reach {
        /// That peer.
        peer: NodeId,
        /// Whether it is reached.
        reached: bool,
    },
    /// A command could not be obeyed.
    Refused {
        /// The reason.
        why: Denial,
    },
    /// Trace events since the last report, oldest first.
    Trace {
        /// The events.
        records: Vec<TraceRecord>,
        /// How many more there were than fit: observers must never slow a node down.
        dropped: u64,
    },
    /// Answer to [`ControlCommand::ReportStatus`].
    Status {
        /// What it believes; none for stand-ins.
        state: Option<protocol::trace::NodeState>,
        /// What it uses.
        usage: Box<Usage>,
    },
    /// Answer to [`ControlCommand::ShowOrders`], in the order of postcodes.
    Orders {
        /// A bounded number of histories, with a bounded number of orders in all.
        histories: Vec<ShownHistory>,
        /// How many postcodes have a history.
        postcodes: u64,
    },
}

/// The orders to one postcode, as far as a report shows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownHistory {
    /// Where they go.
    pub postcode: Postcode,
    /// How many orders are older than those that are shown.
    pub older: u64,
    /// The newest ones, oldest first.
    pub newest: Vec<protocol::order_book::Order>,
}

/// What a process uses, by its own account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Processor time so far, in microseconds.
    pub processor: u64,
    /// Resident memory, in bytes.
    pub memory: u64,
    /// Open connections to peers.
    pub connections: u64,
    /// Messages refused because they did not decode, were not meant for this incarnation, or came from the wrong role.
    pub refused_messages: u64,
    /// Timers that rang so far, by themselves or by hand.
    pub timers_rung: u64,
    /// Messages that are held or slowed in its links now.
    pub in_links: u64,
    /// How often its threads went to sleep. Only Linux tells.
    pub sleeps: u64,
    /// What its endpoint has sent and received.
    pub traffic: Traffic,
    /// How many syncs of its disk have ended well, and how long they took in all, in microseconds. Only a durable replica has some.
    pub syncs: (u64, u64),
}

/// The largest frame either side accepts, in bytes: what is larger is damage, not a command.
const LARGEST_FRAME: u32 = 16 * 1024 * 1024;

/// Writes one frame and flushes.
///
/// # Errors
/// When the pipe fails, because the other side is gone. Also when `value` is larger than a frame may be.
pub fn write_frame<T: Serialize>(pipe: &mut impl Write, value: &T) -> io::Result<()> {
    let mut frame = vec![0; 4];
    frame = postcard::to_extend(value, frame).map_err(io::Error::other)?;
    let length = u32::try_from(frame.len() - 4).ok().filter(|length| *length <= LARGEST_FRAME);
    let length = length.ok_or_else(|| io::Error::other("the command is too large for the control pipe"))?;
    frame[..4].copy_from_slice(&length.to_le_bytes());
    pipe.write_all(&frame)?;
    pipe.flush()
}

/// Waits for one frame. None: the other side closed the pipe between two frames.
///
/// # Errors
/// When the pipe breaks within a frame, or says what is no `T`.
pub fn read_frame<T: DeserializeOwned>(pipe: &mut impl Read) -> io::Result<Option<T>> {
    let mut length = [0; 4];
    loop {
        match pipe.read(&mut length[..1]) {
            Ok(0) => return Ok(None),
            Ok(_) => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    pipe.read_exact(&mut length[1..])?;
    let length = u32::from_le_bytes(length);
    if length > LARGEST_FRAME {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the control pipe sent invalid data"));
    }
    let mut body = Vec::new();
    pipe.take(u64::from(length)).read_to_end(&mut body)?;
    if body.len() < length as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    postcard::from_bytes(&body).map(Some).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_and_damage_is_noticed() {
        let mut pipe = Vec::new();
        write_frame(&mut pipe, &ControlCommand::Observe(true)).unwrap();
        write_frame(&mut pipe, &ControlCommand::ReportStatus).unwrap();
        let mut reader = &pipe[..];
        assert!(matches!(read_frame(&mut reader), Ok(Some(ControlCommand::Observe(true)))));
        assert!(matches!(read_frame(&mut reader), Ok(Some(ControlCommand::ReportStatus))));
        assert!(matches!(read_frame::<ControlCommand>(&mut reader), Ok(None)));
        assert!(read_frame::<ControlCommand>(&mut &pipe[..3]).is_err());
        assert!(read_frame::<ControlCommand>(&mut &pipe[..5]).is_err());
        assert!(read_frame::<ControlCommand>(&mut &b"just text, no frames"[..]).is_err());
    }
}
