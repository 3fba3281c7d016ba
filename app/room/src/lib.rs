//! The room orders by phone: a web page, served by this program, on which each phone is a customer of the running cluster and has
//! one vote in a lesson.
//!
//! **Reading order.** [`Room`] (what the program does with it), `phones` (what a phone may ask, and how it becomes a user command),
//! `shown` (what a phone is shown, made of the picture), `limits` (how much and how often), `server` (addresses, headers, bodies). The page
//! itself stands in `resources/room/`.
//!
//! Nothing is open until [`Room::open`]. A phone acts only by the commands that a click gives too: the caller takes them
//! ([`Room::take_commands`]) and hands the facts and the picture back ([`Room::learn`], [`Room::follow`]). The cluster is not known here.

#![expect(missing_docs, reason = "what its name says has no line")]

mod addresses;
mod limits;
mod phones;
mod server;
mod shown;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use knowledge::picture::Picture;
use knowledge::user_command::UserCommand;
use protocol::trace::{LauncherEvent, NodeEvent, TraceEvent, TraceRecord};

pub use addresses::{Address, addresses};
use phones::Phones;
use server::Server;

/// Phones at a time, unless the person chooses otherwise.
pub const USUAL_PHONES: usize = 200;
/// More would need more open connections than a program may have on many systems.
pub const MOST_PHONES: usize = 400;

/// The largest number that a phone can vote for, where a question asks for a number. Up to it, browsers keep whole numbers exactly
/// (`Number.MAX_SAFE_INTEGER`), and nothing that a lesson counts comes near it.
pub const LARGEST_NUMBER: u64 = (1 << 53) - 1;

/// A question that phones vote on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ballot {
    /// Another page or another round has another one.
    pub id: String,
    pub question: String,
    /// What stands below it.
    pub text: String,
    /// Letter and text of each choice; none: a number is asked for, from 0 to [`LARGEST_NUMBER`].
    pub choices: Vec<(String, String)>,
    pub standing: Voting,
}

impl Ballot {
    fn asks_for_a_number(&self) -> bool {
        self.choices.is_empty()
    }

    /// Whether somebody can vote for this: the place of a choice, or the number itself.
    fn takes(&self, vote: u64) -> bool {
        if self.asks_for_a_number() { vote <= LARGEST_NUMBER } else { vote < self.choices.len() as u64 }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voting {
    Open,
    Closed,
    /// What the processes did: one of the choices or the number, or something else.
    Happened(Option<u64>),
}

/// How the room is, for the dialog.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Set while the page is open.
    pub link: Option<String>,
    /// Where it is then.
    pub address: Option<IpAddr>,
    pub phones: usize,
    /// Of those, how many have asked for news lately.
    pub in_touch: usize,
    pub most: usize,
}

/// The page, open or not, with its phones. Its link is the same as long as the program runs.
pub struct Room {
    token: String,
    shared: Arc<Shared>,
    server: Option<Server>,
    /// Where it was open last: there it opens again, so that a link stays good.
    port: u16,
}

/// What the page's threads and the program share.
pub(crate) struct Shared {
    phones: Mutex<Phones>,
    wake: Box<dyn Fn() + Send + Sync>,
}

impl Shared {
    /// Each change of it is whole before anything can panic.
    pub(crate) fn phones(&self) -> MutexGuard<'_, Phones> {
        self.phones.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn wake(&self) {
        (self.wake)();
    }
}

impl Room {
    /// Closed. `wake` is called, from any thread, when there are commands to be taken.
    ///
    /// # Errors
    /// When the operating system has no random numbers.
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared { phones: Mutex::new(Phones::new(USUAL_PHONES)), wake: Box::new(wake) });
        Ok(Self { token: phones::secret()?, shared, server: None, port: 0 })
    }

    /// Opens the page at this address, for this many phones, and says its link. It is at the port at which it was before, if that is free.
    ///
    /// # Errors
    /// When the system does not let this program listen there.
    pub fn open(&mut self, address: IpAddr, port: Option<u16>, most: usize) -> anyhow::Result<String> {
        self.close();
        let wanted = SocketAddr::new(address, port.unwrap_or(self.port));
        let listener = match (TcpListener::bind(wanted), port) {
            (Err(_), None) => TcpListener::bind(SocketAddr::new(address, 0))?,
            (bound, _) => bound?,
        };
        self.port = listener.local_addr()?.port();
        let most = most.clamp(1, MOST_PHONES);
        self.shared.phones().most = most;
        self.server = Some(Server::start(&self.token, self.shared.clone(), listener, most)?);
        Ok(self.link().unwrap_or_default())
    }

    /// Nobody can reach it any more. Its phones are remembered.
    pub fn close(&mut self) {
        self.server = None;
    }

    fn link(&self) -> Option<String> {
        Some(format!("http://{}/{}/", self.server.as_ref()?.address, self.token))
    }

    pub fn is_open(&self) -> bool {
        self.server.is_some()
    }

    pub fn standing(&self) -> Standing {
        let phones = self.shared.phones();
        let (phones, in_touch, most) = (phones.len(), phones.in_touch(), phones.most);
        let address = self.server.as_ref().map(|server| server.address.ip());
        Standing { link: self.link(), address, phones, in_touch, most }
    }

    /// What phones have asked for since the last call.
    pub fn take_commands(&mut self) -> Vec<UserCommand> {
        if self.is_open() { self.shared.phones().take_commands() } else { Vec::new() }
    }

    /// Takes in a fact.
    pub fn learn(&mut self, record: &TraceRecord) {
        match &record.event {
            TraceEvent::Launcher(LauncherEvent::CustomerIs { customer, name, postcode, .. }) => {
                self.shared.phones().lives(*customer, name, *postcode);
            }
            TraceEvent::Node(NodeEvent::Asked { customer, .. }) => self.shared.phones().was_sent(*customer),
            TraceEvent::Launcher(_) | TraceEvent::Node(_) | TraceEvent::Machine(_) => {}
        }
    }

    /// Another cluster has taken the place of this one: phones get new customers.
    pub fn begins_again(&mut self) {
        self.shared.phones().begins_again();
    }

    /// Shows the phones how things are. `orders`: whether they may order now; `ballot`: what they vote on. Returns whether it must be
    /// called again soon, even if nothing happens.
    pub fn follow(&mut self, picture: &Picture, orders: bool, ballot: Option<&Ballot>) -> bool {
        self.is_open() && self.shared.phones().follow(picture, orders, ballot)
    }

    /// How many phones voted for each choice, by its place, or for each number; what nobody voted for is left out.
    pub fn tally(&self) -> BTreeMap<u64, u32> {
        self.shared.phones().tally()
    }
}
