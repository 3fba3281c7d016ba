//! A node in its terminal: it runs in a thread of this process, and what it does is told here until it ends.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, channel, sync_channel};
use std::time::Duration;

use anyhow::Context;
use node::control::{ClockReading, ControlCommand, NodeReport};
use node::process::Failed;
use protocol::ids::{Contact, NodeId, Role};
use protocol::machine::Settings;
use protocol::trace::{Actor, Rate};
use tokio::sync::mpsc::UnboundedSender;

use super::telling::Telling;
use super::{NodeArguments, Voice};
use crate::headless::readiness::{self, Readiness};
use crate::headless::status_report::StatusReport;
use crate::headless::status_socket::{self, Host};
use crate::headless::{Exit, Failure};
use cluster::by_hand::here::{self, Member, News, Services};
use cluster::by_hand::meeting_place::{Card, MeetingPlace};
use cluster::interrupt::Interrupt;
use cluster::{ClusterClock, NodeStatus, SteeringStatus};

/// News that wait for a terminal that does not read; then the node counts what it does not report.
const MOST_NEWS: usize = 256;
/// A node that runs says what it believes within so long.
const LONGEST_ANSWER: Duration = Duration::from_secs(2);
/// The longest wait without a look at whether something is to be told.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// The way to a terminal, and its end.
pub(super) fn news(interrupt: &Interrupt) -> (SyncSender<News>, Receiver<News>) {
    let (sender, heard) = sync_channel(MOST_NEWS);
    let interrupted = sender.clone();
    // If there is no room, there is something to wake up for.
    interrupt.when_asked(move || drop(interrupted.try_send(News::Interrupted)));
    (sender, heard)
}

/// Runs a node that was admitted, until it ends.
pub(super) fn run(
    place: &MeetingPlace,
    member: Member,
    name_server: &Card,
    arguments: &NodeArguments,
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    let Member { config, seat, card } = member;
    let (news, heard) = news(interrupt);
    let socket = status_socket::open_for(Answering { news: news.clone(), name: card.name.clone() })?;
    // Before anybody can hear of it, so that everybody can know its name.
    seat.show(&Card { socket: Some(socket.clone()), ..card.clone() })?;
    let clock = config.clock;
    let (commands, services) = here::start(config, news)?;
    let mut running = Running::new(place, &card, (commands, services), arguments, clock, interrupt);
    running.telling.knows(name_server);
    let Some(contact) = running.until_it_listens(&heard)? else { return Ok(Exit::Holds) };
    if contact.id != card.id {
        // What its disk holds cannot be used, so it has begun as another one.
        running.is_another(contact.id);
        seat.show(&Card { id: contact.id, socket: Some(socket), ..card })?;
    }
    running.is_there(contact)?;
    let exit = running.run(&heard)?;
    if running.has_left {
        seat.leave();
    }
    Ok(exit)
}

/// A node that runs here, and what is to be told of it.
pub(super) struct Running {
    place: MeetingPlace,
    name: String,
    role: Role,
    id: NodeId,
    contact: Option<Contact>,
    commands: UnboundedSender<ControlCommand>,
    leaves: bool,
    pub(super) has_left: bool,
    interrupt: Interrupt,
    voice: Voice,
    telling: Telling,
    /// Those that have asked what it believes, and wait.
    asked: Vec<std::sync::mpsc::Sender<NodeStatus>>,
}

impl Running {
    pub fn new(
        place: &MeetingPlace,
        card: &Card,
        (commands, services): (UnboundedSender<ControlCommand>, Services),
        arguments: &NodeArguments,
        clock: ClockReading,
        interrupt: &Interrupt,
    ) -> Self {
        let voice = Voice { json: arguments.common.json };
        let mut telling = Telling::new(place.clone(), voice, arguments.common.verbose > 0, ClusterClock::at(clock));
        telling.knows(card);
        services.into_iter().for_each(|(id, service)| telling.knows_service(id, service));
        Self {
            place: place.clone(),
            name: card.name.clone(),
            role: card.role,
            id: card.id,
            contact: None,
            commands,
            leaves: arguments.leave,
            has_left: false,
            interrupt: interrupt.clone(),
            voice,
            telling,
            asked: Vec::new(),
        }
    }

    fn is_another(&mut self, id: NodeId) {
        self.id = id;
        let card = self.place.card(&self.name).map(|card| Card { id, ..card });
        card.iter().for_each(|card| self.telling.knows(card));
    }

    /// Waits for the node to open its port. None: a person wanted it to end before.
    pub fn until_it_listens(&mut self, heard: &Receiver<News>) -> Result<Option<Contact>, Failure> {
        loop {
            match heard.recv().context("the node's thread ended unexpectedly")? {
                News::Reported(NodeReport::Ready { contact, .. }) => {
                    self.contact = Some(contact);
                    return Ok(Some(contact));
                }
                News::Interrupted => return Ok(None),
                News::Ended(ended) => return self.ended(ended).map(|_| None),
                News::Reported(report) => self.reported(report)?,
                News::Asked(reply) => self.asked.push(reply),
            }
        }
    }

    /// Says who it is, how it ends, and for whom it waits.
    pub fn is_there(&mut self, contact: Contact) -> Result<(), Failure> {
        let (cluster, pid) = (self.place.name().to_string(), std::process::id());
        if self.voice.json {
            super::say_json(&serde_json::json!({
                "change": "started", "name": self.name, "role": crate::headless::status_report::role(Actor::Role(self.role)),
                "id": self.id.to_string(), "pid": pid, "addr": contact.address.to_string(), "cluster": cluster,
            }))?;
        } else {
            super::say(wording::runs_here(&self.name, pid, contact.address.port(), &cluster, self.leaves))?;
        }
        readiness::tell(Readiness::Ready);
        let others = self.place.living_nodes();
        let lacks = |role| others.iter().all(|card| card.role != role);
        for (whom, sentence) in
            wording::waits_for_nodes(self.role, lacks(Role::FrontEnd), lacks(Role::Replica), &cluster)
        {
            self.voice.waits(whom, &sentence)?;
        }
        Ok(())
    }

    /// Tells what happens until the node ends, or is to end.
    pub fn run(&mut self, heard: &Receiver<News>) -> Result<Exit, Failure> {
        loop {
            match heard.recv_timeout(self.telling.wait().unwrap_or(LONGEST_WAIT)) {
                Ok(News::Reported(report)) => self.reported(report)?,
                Ok(News::Asked(reply)) => {
                    self.asked.push(reply);
                    // A node that has ended is noticed below.
                    let _ = self.commands.send(ControlCommand::ReportStatus);
                }
                Ok(News::Ended(ended)) => return self.ended(ended),
                Ok(News::Interrupted) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(anyhow::anyhow!("the node's thread ended unexpectedly").into());
                }
            }
            self.telling.tell()?;
            if self.interrupt.is_asked() && !self.has_left {
                self.telling.tell_the_rest()?;
                self.voice.say("ends", &wording::ends_here(&self.name, self.leaves))?;
                readiness::tell(Readiness::Stopping);
                if !self.leaves {
                    return Ok(Exit::Holds);
                }
                self.has_left = true;
                let _ = self.commands.send(ControlCommand::Leave);
            }
        }
    }

    fn reported(&mut self, report: NodeReport) -> Result<(), Failure> {
        match report {
            NodeReport::Trace { records, dropped } => self.telling.hear(records, dropped)?,
            NodeReport::Status { state, usage } => {
                let status = NodeStatus {
                    machine: None,
                    unreached: Vec::new(),
                    name: self.name.clone(),
                    actor: Actor::Role(self.role),
                    id: self.id,
                    pid: Some(std::process::id()),
                    contact: self.contact,
                    frozen: None,
                    bomb: None,
                    disk_fault: None,
                    state,
                    usage: Some(*usage),
                };
                for asked in self.asked.drain(..) {
                    // It may have waited long enough.
                    let _ = asked.send(status.clone());
                }
            }
            NodeReport::Failed { why } => self.voice.say("failed", &why)?,
            NodeReport::Ready { .. }
            | NodeReport::Confirmed { .. }
            | NodeReport::Reach { .. }
            | NodeReport::Refused { .. }
            | NodeReport::Orders { .. } => {}
        }
        Ok(())
    }

    fn ended(&mut self, ended: Result<(), Failed>) -> Result<Exit, Failure> {
        self.telling.tell_the_rest()?;
        match ended {
            Ok(()) => {
                self.voice.say("left", &wording::has_left(&self.name))?;
                Ok(Exit::Holds)
            }
            Err(Failed { why, status: node::EXIT_BAD_INPUT }) => Err(Failure::BadInput(why)),
            Err(Failed { why, .. }) => Err(anyhow::anyhow!(why).into()),
        }
    }
}

/// Answers what a node believes, over its process's socket.
pub(super) struct Answering {
    pub news: SyncSender<News>,
    pub name: String,
}

impl Host for Answering {
    fn status(&self) -> anyhow::Result<StatusReport> {
        let (reply, answer) = channel();
        let busy = || format!("{} is busy", self.name);
        self.news.try_send(News::Asked(reply)).ok().with_context(busy)?;
        let status = answer.recv_timeout(LONGEST_ANSWER).with_context(busy)?;
        let settings = Settings::default();
        let steering = SteeringStatus {
            at: 0,
            rate: Rate::REAL,
            hop: settings.hop,
            acknowledge: settings.acknowledge,
            plant: None,
            links: Vec::new(),
        };
        Ok(StatusReport::made_of(&[status], steering))
    }

    fn notice(&self, sentence: &str) {
        // Not part of the story that is told on standard output.
        crate::headless::warn(sentence);
    }
}
