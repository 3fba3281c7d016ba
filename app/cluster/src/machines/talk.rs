//! What a machine that joins and the launcher say to each other, over one QUIC connection that the joining one dials.
//!
//! The first stream is the conversation of the two machines. Then the launcher opens a stream for each process that it
//! wants there: it says what it would say to a child, and hears what it would hear from one. For a customer of the person there
//! it opens one, too. All are frames as in [`node::control`].

use std::io::{self, Read, Write};
use std::net::IpAddr;

use anyhow::{Context, ensure};
use node::control::{ControlCommand, NodeConfig, NodeReport, Reach, SteeringCommand};
use protocol::ids::{CustomerId, NodeId, Role};
use protocol::postcode::Postcode;
use protocol::trace::{NoJoin, TraceRecord};
use quinn::{RecvStream, SendStream};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use super::code::Secret;
use crate::Admission;
use crate::child::{HowEnded, Signal};
use crate::durable_folder::OnDisk;
use knowledge::machines::ClockOffset;
use knowledge::user_command::CustomerCommand;

/// The longest word of the conversation, in bytes: it begins with a stranger.
const LONGEST_WORD: u32 = 16 * 1024;

/// Why a connection is closed, as the other side sees it.
pub const CLOSE_OVER: u32 = 0;
pub const CLOSE_LEFT: u32 = 1;
pub const CLOSE_MISBEHAVED: u32 = 2;

/// What a machine says that wants to join.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Knock {
    /// Of its code, or of its earlier stay.
    pub secret: Secret,
    /// What it calls itself.
    pub name: String,
    /// What it wants to be, if it matters to the person there.
    pub role: Option<Role>,
    /// Where its nodes can be reached.
    pub address: IpAddr,
    /// At which address it has reached the cluster.
    pub reached: IpAddr,
    /// If replicas may keep orders on its disk: those that it holds already.
    pub on_disk: Option<Vec<OnDisk>>,
}

/// The machine that joins, in the conversation.
#[derive(Debug, Serialize, Deserialize)]
pub enum FromGuest {
    Knock(Knock),
    /// Public keys for processes to come. The private ones stay there.
    Keys(Vec<Vec<u8>>),
    /// What time is it? Sent at this moment of its own clock, which comes back.
    AsksTime(u64),
    /// What it has found out about its own wall clock, for people to see.
    Clock(ClockOffset),
}

/// The launcher, in the conversation.
#[derive(Debug, Serialize, Deserialize)]
pub enum FromHost {
    /// A person decides.
    Wait,
    NotAdmitted(NoJoin),
    Admitted {
        /// What the machine is called here.
        name: String,
        /// With this it comes back after a loss.
        again: Secret,
    },
    /// Its wall clock, by which it tells the readings of the cluster clock.
    Time {
        asked: u64,
        wall: u64,
    },
}

/// The launcher, first on a stream that it opens: what the stream is for. Private keys are missing.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Begins {
    /// A process.
    Process {
        config: Box<NodeConfig>,
        /// The public key that is certified.
        key: Vec<u8>,
    },
    /// A customer of the person there.
    Customer(Box<CustomerThere>),
}

/// What a customer on another machine needs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CustomerThere {
    pub name: String,
    pub admission: Admission,
    /// The public key that is certified.
    pub key: Vec<u8>,
    pub home: Postcode,
    /// Where it listens.
    pub listen: IpAddr,
    pub reach: Reach,
}

/// The launcher, to a customer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToCustomer {
    Steer(SteeringCommand),
    /// It is to say when everything that was told before this is done.
    Confirm(u64),
    /// It goes on, if a bomb has frozen it.
    Wake,
    Perform(CustomerCommand),
}

/// A customer, to the launcher.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum FromCustomer {
    /// It is there. Said before any fact of it.
    Appeared { node: NodeId, customer: CustomerId },
    Facts {
        records: Vec<TraceRecord>,
        /// How many more there were than fit.
        dropped: u64,
    },
    Confirmed {
        ticket: u64,
        /// Since when, in cluster time.
        at: u64,
    },
}

/// The launcher, to a process.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToProcess {
    Tell(ControlCommand),
    Signal(Signal),
}

/// A process, to the launcher.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum FromProcess {
    Reports(NodeReport),
    /// The last thing, said for it.
    Ended(HowEnded),
}

/// Says something in the conversation.
pub(super) async fn say<T: Serialize>(stream: &mut SendStream, word: &T) -> anyhow::Result<()> {
    let mut frame = Vec::new();
    node::control::write_frame(&mut frame, word)?;
    stream.write_all(&frame).await?;
    Ok(())
}

/// Waits for the next word. None: the other side has nothing more to say.
pub(super) async fn hear<T: DeserializeOwned>(stream: &mut RecvStream) -> anyhow::Result<Option<T>> {
    let mut length = [0; 4];
    match stream.read_exact(&mut length).await {
        Ok(()) => {}
        Err(quinn::ReadExactError::FinishedEarly(0)) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let length = u32::from_le_bytes(length);
    ensure!(length <= LONGEST_WORD, "the other machine said something that is too long");
    let mut body = vec![0; length as usize];
    stream.read_exact(&mut body).await?;
    postcard::from_bytes(&body).map(Some).context("the other machine said something that is not valid")
}

/// A stream as a thread reads it.
pub(super) struct Reading(pub Handle, pub RecvStream);

impl Read for Reading {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.block_on(self.1.read(buffer)).map(Option::unwrap_or_default).map_err(io::Error::other)
    }
}

/// A stream as a thread writes it.
pub(super) struct Writing(pub Handle, pub SendStream);

impl Write for Writing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.block_on(self.1.write(bytes)).map_err(io::Error::other)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
