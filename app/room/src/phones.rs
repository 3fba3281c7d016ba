//! The phones of a room: who may join, what each may ask for, and the user command that comes of it.
//!
//! Whatever a phone sends is checked here before anything is asked of the cluster; what a phone is shown is made in `shown`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use knowledge::picture::{Customer, Picture};
use knowledge::user_command::{CustomerCommand, UserCommand};
use node::gazetteer::{Finding, Gazetteer};
use protocol::ids::CustomerId;
use protocol::menu::check_items;
use protocol::message::Ask;
use protocol::postcode::Postcode;
use protocol::text::is_invisible;
use tokio::sync::watch;

use crate::limits::Bucket;
use crate::shown::{Circumstances, Seen, goodbye, shown};
use crate::{Ballot, Voting};

/// Characters in a name.
pub(crate) const LONGEST_NAME: usize = 30;
/// How long a command may take until its fact is there; it is the program's own way, and no message's.
const SLOWEST_FACT: Duration = Duration::from_secs(5);
/// A phone that asks for nothing for so long has gone: its place is free again.
const SILENT: Duration = Duration::from_secs(20 * 60);
/// A phone that is open asks for news at least this often.
const IN_TOUCH: Duration = Duration::from_secs(45);
/// Commands that wait for the program. Each phone has one or two; more come only while the program does not take them.
const MOST_COMMANDS: usize = 2000;
/// What begins the name of a process.
const NAMES_OF_NODES: [&str; 6] = ["replica", "front-end", "name-server", "name server", "postcodes.io", "getthedata"];

/// Why a phone does not get what it asks for: a status of HTTP, and a sentence.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal(pub u16, pub String);

fn refused<T>(status: u16, why: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal(status, why.into()))
}

/// What a phone asks for once it has joined.
#[derive(Debug)]
pub(crate) enum Wish {
    Order { postcode: String, items: Vec<String> },
    History { postcode: String, page: u32 },
    Cancel,
    Vote { ballot: String, choice: u64 },
    Leave,
}

/// Whether its customer is on the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// It is to be added when orders are open.
    Wanted,
    AskedFor(Instant),
    Lives(CustomerId),
}

pub(crate) struct Phone {
    pub name: String,
    pub postcode: Postcode,
    pub life: Life,
    /// What was asked of the cluster, until a fact says that it is under way.
    pub pending: Option<(Ask, Instant)>,
    /// Whether it waits for an answer.
    busy: bool,
    /// Why its last request came to an end before it was sent.
    pub trouble: Option<&'static str>,
    /// What it waited for when its cluster ended.
    pub ended: Option<String>,
    /// Of the present ballot.
    pub choice: Option<u64>,
    heard: Instant,
    asks: Bucket,
    looks: Bucket,
    /// What was made into the page that it is shown.
    seen: Option<Seen>,
    page: watch::Sender<Page>,
}

/// What a phone is shown, as JSON; each one has a higher number than the one before.
#[derive(Clone, Debug, Default)]
pub(crate) struct Page {
    pub version: u64,
    pub json: Arc<str>,
}

/// All of them, by the secret that each was given.
pub(crate) struct Phones {
    pub most: usize,
    all: BTreeMap<String, Phone>,
    joins: Bucket,
    commands: Vec<UserCommand>,
    /// Names of customers and nodes, in small letters; and how many there were when they were noted.
    taken: (BTreeSet<String>, (usize, usize)),
    orders: bool,
    ballot: Option<Ballot>,
}

/// 128 bits that cannot be guessed.
pub(crate) fn secret() -> anyhow::Result<String> {
    Ok(format!("{:016x}{:016x}", cluster::random()?, cluster::random()?))
}

impl Phones {
    pub fn new(most: usize) -> Self {
        Self {
            most,
            all: BTreeMap::new(),
            // A whole room may come at once; after that, one by one.
            joins: Bucket::full(crate::MOST_PHONES as u32, Duration::from_millis(200)),
            commands: Vec::new(),
            taken: Default::default(),
            orders: false,
            ballot: None,
        }
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    pub fn in_touch(&self) -> usize {
        self.all.values().filter(|phone| phone.heard.elapsed() < IN_TOUCH).count()
    }

    pub fn take_commands(&mut self) -> Vec<UserCommand> {
        std::mem::take(&mut self.commands)
    }

    /// A new phone. Returns its secret.
    pub fn join(&mut self, name: &str, postcode: &str, now: Instant) -> Result<String, Refusal> {
        if !self.joins.takes(now) || self.commands.len() >= MOST_COMMANDS {
            return refused(429, wording::ROOM_TOO_FAST);
        }
        let name = self.checked_name(name)?;
        let postcode: Postcode = postcode.parse().or_else(|why| refused(400, format!("{why}")))?;
        if !matches!(Gazetteer::get().find(postcode), Finding::Live(unit) if unit.point.is_some()) {
            return refused(400, wording::room_unknown_postcode(postcode));
        }
        if self.all.len() >= self.most {
            return refused(503, wording::ROOM_FULL);
        }
        let secret = secret().or_else(|why| refused(503, format!("{why}.")))?;
        let phone = Phone {
            name,
            postcode,
            life: Life::Wanted,
            pending: None,
            busy: false,
            trouble: None,
            ended: None,
            choice: None,
            heard: now,
            asks: Bucket::full(8, Duration::from_millis(500)),
            looks: Bucket::full(30, Duration::from_millis(100)),
            seen: None,
            page: watch::Sender::new(Page::default()),
        };
        self.all.insert(secret.clone(), phone);
        Ok(secret)
    }

    fn checked_name(&self, name: &str) -> Result<String, Refusal> {
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        if name.is_empty() {
            return refused(400, wording::ROOM_NO_NAME);
        }
        if name.chars().count() > LONGEST_NAME {
            return refused(400, wording::room_name_too_long(LONGEST_NAME));
        }
        if name.chars().any(|letter| is_invisible(letter) || letter.is_control()) {
            return refused(400, wording::ROOM_NAME_HIDDEN);
        }
        let small = name.to_lowercase();
        if NAMES_OF_NODES.iter().any(|node| small.starts_with(node)) {
            return refused(409, wording::ROOM_NAME_OF_NODE);
        }
        let is_a_phones = self.all.values().any(|phone| phone.name.to_lowercase() == small);
        if is_a_phones || self.taken.0.contains(&small) {
            return refused(409, wording::ROOM_NAME_TAKEN);
        }
        Ok(name)
    }

    /// What a phone is shown from now on.
    pub fn look(&mut self, secret: &str, now: Instant) -> Result<watch::Receiver<Page>, Refusal> {
        let phone = self.all.get_mut(secret).ok_or_else(unknown)?;
        if !phone.looks.takes(now) {
            return refused(429, wording::ROOM_TOO_FAST);
        }
        phone.heard = now;
        Ok(phone.page.subscribe())
    }

    /// A phone that has joined asks for something.
    pub fn ask(&mut self, secret: &str, wish: Wish, now: Instant) -> Result<(), Refusal> {
        let is_full = self.commands.len() >= MOST_COMMANDS;
        let phone = self.all.get_mut(secret).ok_or_else(unknown)?;
        if !phone.asks.takes(now) || is_full {
            return refused(429, wording::ROOM_TOO_FAST);
        }
        phone.heard = now;
        match wish {
            Wish::Order { postcode, items } => {
                let customer = phone.may_ask(self.orders)?;
                check_items(&items).or_else(|why| refused(400, why.to_string()))?;
                let postcode = typed(&postcode)?;
                let ask = Ask::Order { postcode, items: items.clone() };
                let postcode = postcode.to_string();
                self.commands.push(CustomerCommand::PlaceOrder { customer, postcode, items }.into());
                phone.begin(ask, now);
            }
            Wish::History { postcode, page } => {
                let customer = phone.may_ask(self.orders)?;
                let postcode = typed(&postcode)?;
                let ask = Ask::History { postcode, page };
                let postcode = postcode.to_string();
                self.commands.push(CustomerCommand::ReadHistory { customer, postcode, page }.into());
                phone.begin(ask, now);
            }
            Wish::Cancel => {
                let Life::Lives(customer) = phone.life else { return refused(409, wording::ROOM_NOTHING_TO_CANCEL) };
                if !phone.busy || phone.pending.is_some() {
                    return refused(409, wording::ROOM_NOTHING_TO_CANCEL);
                }
                self.commands.push(CustomerCommand::GiveUp { customer }.into());
            }
            Wish::Vote { ballot, choice } => {
                let open = self.ballot.as_ref().filter(|open| open.id == ballot && open.standing == Voting::Open);
                match open {
                    Some(open) if open.takes(choice) => phone.choice = Some(choice),
                    Some(_) => return refused(400, wording::ROOM_NOT_UNDERSTOOD),
                    None => return refused(409, wording::ROOM_VOTE_CLOSED),
                }
            }
            Wish::Leave => {
                let gone = self.all.remove(secret);
                self.commands.extend(gone.and_then(|phone| phone.removal()));
            }
        }
        Ok(())
    }

    /// A customer is on the map: perhaps one that was asked for here.
    pub fn lives(&mut self, customer: CustomerId, name: &str, postcode: Postcode) {
        let mut all = self.all.values_mut();
        if let Some(phone) = all.find(|phone| matches!(phone.life, Life::AskedFor(_)) && phone.name == name) {
            phone.life = Life::Lives(customer);
        } else if let Some(phone) = self.all.values_mut().find(|phone| phone.life == Life::Lives(customer)) {
            phone.postcode = postcode;
        }
    }

    /// What this customer asked for is under way.
    pub fn was_sent(&mut self, customer: CustomerId) {
        if let Some(phone) = self.all.values_mut().find(|phone| phone.life == Life::Lives(customer)) {
            (phone.pending, phone.busy) = (None, true);
        }
    }

    pub fn begins_again(&mut self) {
        self.commands.clear();
        self.taken = Default::default();
        for phone in self.all.values_mut() {
            let waited_for = phone.pending.take().map(|(ask, _)| ask).or(phone.seen.take().and_then(Seen::open));
            let order = waited_for.filter(|ask| matches!(ask, Ask::Order { .. }));
            phone.ended = order.map(|ask| wording::phone_asked(&ask)).or(phone.ended.take());
            (phone.life, phone.busy, phone.choice) = (Life::Wanted, false, None);
        }
    }

    /// Adds customers that are wanted, lets those go that have gone, and makes the pages of those for whom something has changed.
    pub fn follow(&mut self, picture: &Picture, orders: bool, ballot: Option<&Ballot>) -> bool {
        let now = Instant::now();
        self.orders = orders;
        if self.ballot.as_ref() != ballot {
            if self.ballot.as_ref().map(|before| &before.id) != ballot.map(|ballot| &ballot.id) {
                self.all.values_mut().for_each(|phone| phone.choice = None);
            }
            self.ballot = ballot.cloned();
        }
        self.note_names(picture);
        let circumstances = Circumstances::of(picture, orders, self.ballot.as_ref());
        let mut gone = Vec::new();
        for (secret, phone) in &mut self.all {
            if let Some(why) = phone.go_on(picture, orders, &mut self.commands, now) {
                phone.dismiss(why);
                gone.push(secret.clone());
            } else {
                phone.show(picture, &circumstances);
            }
        }
        for secret in gone {
            self.commands.extend(self.all.remove(&secret).and_then(|phone| phone.removal()));
        }
        self.all.values().any(|phone| phone.pending.is_some() || matches!(phone.life, Life::AskedFor(_)))
    }

    fn note_names(&mut self, picture: &Picture) {
        let known = (picture.customers.len(), picture.nodes.iter().count());
        if self.taken.1 != known {
            let names = picture.customers.iter().map(|customer| &customer.name);
            let names = names.chain(picture.nodes.iter().map(|node| &node.name));
            self.taken = (names.map(|name| name.to_lowercase()).collect(), known);
        }
    }

    pub fn tally(&self) -> BTreeMap<u64, u32> {
        let mut counts = BTreeMap::new();
        for choice in self.all.values().filter_map(|phone| phone.choice) {
            *counts.entry(choice).or_default() += 1;
        }
        counts
    }
}

fn unknown() -> Refusal {
    Refusal(401, wording::ROOM_JOIN_FIRST.into())
}

fn typed(postcode: &str) -> Result<Postcode, Refusal> {
    postcode.parse::<Postcode>().or_else(|why| refused(400, why.to_string()))
}

impl Phone {
    fn may_ask(&self, orders: bool) -> Result<CustomerId, Refusal> {
        if !orders {
            return refused(409, wording::ROOM_LESSON_RUNS);
        }
        let Life::Lives(customer) = self.life else { return refused(409, wording::ROOM_COMING) };
        if self.busy || self.pending.is_some() { refused(409, wording::ROOM_STILL_WAITING) } else { Ok(customer) }
    }

    fn begin(&mut self, ask: Ask, now: Instant) {
        self.pending = Some((ask, now));
        (self.trouble, self.ended) = (None, None);
    }

    /// Its customer leaves the map.
    fn removal(&self) -> Option<UserCommand> {
        match self.life {
            Life::Lives(customer) => Some(CustomerCommand::RemoveCustomer { customer }.into()),
            Life::Wanted | Life::AskedFor(_) => None,
        }
    }

    /// Asks for its customer when it may. If it must leave: why.
    fn go_on(
        &mut self,
        picture: &Picture,
        orders: bool,
        commands: &mut Vec<UserCommand>,
        now: Instant,
    ) -> Option<&'static str> {
        match self.life {
            Life::Wanted if orders => {
                let (name, postcode) = (Some(self.name.clone()), self.postcode);
                let place = match Gazetteer::get().find(postcode) {
                    Finding::Live(unit) => unit.point.map_or((0, 0), |point| point.in_millionths()),
                    Finding::Closed(_) | Finding::Unknown => (0, 0),
                };
                commands.push(CustomerCommand::AddCustomer { name, postcode, place }.into());
                self.life = Life::AskedFor(now);
            }
            Life::Wanted => {}
            Life::AskedFor(since) if now.duration_since(since) > SLOWEST_FACT => return Some(wording::ROOM_NOT_ADDED),
            Life::AskedFor(_) => {}
            Life::Lives(customer) => {
                let Some(customer) = picture.customers.get(customer) else {
                    self.life = Life::Wanted;
                    return Some(wording::ROOM_REMOVED);
                };
                self.busy = customer.waiting.is_some();
            }
        }
        if self.pending.as_ref().is_some_and(|(_, since)| now.duration_since(*since) > SLOWEST_FACT) {
            (self.pending, self.trouble) = (None, Some(wording::ROOM_NOT_SENT));
        }
        let is_silent = !self.busy && now.saturating_duration_since(self.heard) > SILENT;
        is_silent.then_some(wording::ROOM_JOIN_FIRST)
    }

    fn customer<'a>(&self, picture: &'a Picture) -> Option<&'a Customer> {
        match self.life {
            Life::Lives(customer) => picture.customers.get(customer),
            Life::Wanted | Life::AskedFor(_) => None,
        }
    }

    fn show(&mut self, picture: &Picture, circumstances: &Circumstances<'_>) {
        let customer = self.customer(picture);
        let seen = Seen::of(self, customer, circumstances);
        if self.seen.as_ref() == Some(&seen) {
            return;
        }
        let version = self.page.borrow().version + 1;
        let json = shown(version, self, customer, picture, circumstances);
        self.seen = Some(seen);
        self.page.send_replace(Page { version, json: json.into() });
    }

    /// The last thing that it is shown.
    fn dismiss(&mut self, why: &str) {
        let version = self.page.borrow().version + 1;
        self.page.send_replace(Page { version, json: goodbye(version, why).into() });
    }
}
