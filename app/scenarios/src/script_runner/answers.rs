//! What was asked for and is not a fact yet: the next step waits for it, else it would act on what is over already.
//!
//! A refusal is an answer too. Nothing is waited for longer than a short while.

use std::time::Duration;

use protocol::ids::{CustomerId, MessageId, NodeId, Role};
use protocol::trace::{Actor, LauncherEvent, MessageAct, NodeEvent, TraceEvent, TraceRecord};

use knowledge::picture::Picture;
use knowledge::user_command::{CustomerCommand, LinkWay, UserCommand};

/// A fact that says that a command was carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fact {
    Ended(NodeId),
    Started(String),
    /// Its name is given when it is added.
    FrontEndStarted,
    Clock,
    Hop,
    Plant,
    Acknowledge,
    Link(LinkWay),
    Froze(NodeId),
    Woke(NodeId),
    Bomb(NodeId),
    Disk(NodeId),
    Customer(String),
    Asked(CustomerId),
    Message(MessageId),
}

/// Words that are waited for.
#[derive(Clone, Debug, Default)]
pub(super) struct Open {
    words: Vec<Fact>,
    until: Duration,
}

impl Open {
    /// Whether the next step has to wait.
    pub(crate) fn is_waiting(&mut self, elapsed: Duration) -> bool {
        if elapsed >= self.until {
            self.words.clear();
        }
        !self.words.is_empty()
    }

    /// These were asked for.
    pub fn expect(&mut self, commands: &[UserCommand], picture: &Picture, until: Duration) {
        self.until = until;
        self.words.extend(commands.iter().flat_map(|command| words_about(command, picture)));
    }

    pub fn learn(&mut self, record: &TraceRecord) {
        if self.words.is_empty() {
            return;
        }
        if record.event.denial().is_some() {
            self.words.clear();
            return;
        }
        let said = word_of(record);
        let added = is_front_end(record);
        self.words.retain(|word| said.as_ref() != Some(word) && !(added && *word == Fact::FrontEndStarted));
    }
}

fn is_front_end(record: &TraceRecord) -> bool {
    matches!(&record.event, TraceEvent::Launcher(LauncherEvent::Started(started)) if started.actor == Actor::Role(Role::FrontEnd))
}

/// The fact that a record reports; none: it answers no command.
fn word_of(record: &TraceRecord) -> Option<Fact> {
    let node = record.node;
    Some(match &record.event {
        TraceEvent::Launcher(LauncherEvent::Ended { .. }) => Fact::Ended(node),
        TraceEvent::Launcher(LauncherEvent::Started(started)) => Fact::Started(started.name.clone()),
        TraceEvent::Launcher(LauncherEvent::ClockIs { .. }) => Fact::Clock,
        TraceEvent::Launcher(LauncherEvent::HopIs { .. }) => Fact::Hop,
        TraceEvent::Launcher(LauncherEvent::PlantIs { .. }) => Fact::Plant,
        TraceEvent::Launcher(LauncherEvent::AcknowledgeIs { .. }) => Fact::Acknowledge,
        TraceEvent::Launcher(LauncherEvent::LinkIs { from, to, .. }) => {
            Fact::Link(LinkWay { from: from.clone(), to: to.clone() })
        }
        TraceEvent::Launcher(LauncherEvent::BombIs { .. }) => Fact::Bomb(node),
        TraceEvent::Launcher(LauncherEvent::DiskIs { .. }) => Fact::Disk(node),
        TraceEvent::Launcher(LauncherEvent::CustomerIs { name, .. }) => Fact::Customer(name.clone()),
        TraceEvent::Node(NodeEvent::Froze { .. }) => Fact::Froze(node),
        TraceEvent::Node(NodeEvent::Woke) => Fact::Woke(node),
        TraceEvent::Node(NodeEvent::Asked { customer, .. }) => Fact::Asked(*customer),
        TraceEvent::Node(
            NodeEvent::Stays { message, .. } | NodeEvent::Lost { message, .. } | NodeEvent::Delivered { message, .. },
        ) => Fact::Message(*message),
        TraceEvent::Launcher(_) | TraceEvent::Node(_) | TraceEvent::Machine(_) => return None,
    })
}

/// The facts that say that a command was carried out; none, if no fact says so or no step needs to wait for it.
fn words_about(command: &UserCommand, picture: &Picture) -> Vec<Fact> {
    let node = |name: &String, word: fn(NodeId) -> Fact| {
        let node = picture.nodes.get(name).map(|node| node.id);
        let customer = picture.customers.iter().find(|customer| customer.name == *name).map(|customer| customer.node);
        node.or(customer).map(word).into_iter().collect()
    };
    match command {
        UserCommand::Crash { node: name } | UserCommand::Remove { node: name } => node(name, Fact::Ended),
        UserCommand::Restart { node } => vec![Fact::Started(node.clone())],
        UserCommand::AddFrontEnd => vec![Fact::FrontEndStarted],
        UserCommand::CrashAll => {
            let running = picture.nodes.iter().filter(|node| node.runs() && matches!(node.actor, Actor::Role(_)));
            running.map(|node| Fact::Ended(node.id)).collect()
        }
        UserCommand::PowerOn => {
            let ended = picture.nodes.iter().filter(|node| !node.runs() && matches!(node.actor, Actor::Role(_)));
            ended.map(|node| Fact::Started(node.name.clone())).collect()
        }
        UserCommand::SetRate { .. } | UserCommand::RunUntil { .. } => vec![Fact::Clock],
        UserCommand::SetHop { .. } => vec![Fact::Hop],
        UserCommand::SetPlant { .. } => vec![Fact::Plant],
        UserCommand::SetAcknowledge { .. } => vec![Fact::Acknowledge],
        UserCommand::SetLinks { links, .. } => links.iter().cloned().map(Fact::Link).collect(),
        UserCommand::MendAll => {
            let broken = picture.steering.links.keys();
            broken.map(|(from, to)| Fact::Link(LinkWay { from: from.clone(), to: to.clone() })).collect()
        }
        UserCommand::Freeze { node: name, .. } => node(name, Fact::Froze),
        UserCommand::Wake { node: name } => node(name, Fact::Woke),
        UserCommand::SetBomb { node: name, .. } => node(name, Fact::Bomb),
        UserCommand::SetDisk { node: name, .. } => node(name, Fact::Disk),
        UserCommand::Customer(command) => words_about_customer(command),
        // The copy has a number of its own, which nobody knows yet.
        UserCommand::Message { act: MessageAct::Duplicate, .. } => Vec::new(),
        UserCommand::Message { message, .. } => vec![Fact::Message(*message)],
        UserCommand::AddReplica
        | UserCommand::FreshStart { .. }
        | UserCommand::ShowOrders { .. }
        | UserCommand::Ring { .. }
        | UserCommand::Misbehave { .. }
        | UserCommand::ShowHeartbeats { .. }
        | UserCommand::KeepStoreMembers { .. }
        | UserCommand::SetVerdictCache { .. } => Vec::new(),
    }
}

fn words_about_customer(command: &CustomerCommand) -> Vec<Fact> {
    match command {
        CustomerCommand::AddCustomer { name, .. } => name.iter().cloned().map(Fact::Customer).collect(),
        CustomerCommand::PlaceOrder { customer, .. } | CustomerCommand::ReadHistory { customer, .. } => {
            vec![Fact::Asked(*customer)]
        }
        CustomerCommand::MoveCustomer { .. }
        | CustomerCommand::RemoveCustomer { .. }
        | CustomerCommand::GiveUp { .. } => Vec::new(),
    }
}
