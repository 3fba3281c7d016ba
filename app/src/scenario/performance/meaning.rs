//! What an action means at this moment: which nodes, links, messages and customers, and which user commands.
//!
//! Nothing is done here, and nothing remembered.

use node::control::Misbehaviour;
use node::gazetteer::{Finding, Gazetteer};
use protocol::ids::{NodeId, Role, Span};
use protocol::postcode::Postcode;
use protocol::trace::{Actor, Freezing, LinkRule, MessageAct, Rate, Standing};

use crate::cluster::hosts::CROWD;
use crate::picture::{Customer, Node, Passage, Picture};
use crate::scenario::words::timer_name;
use crate::scenario::{Action, EndName, Goal, NodeName, TimerName, WaitFor, Which};
use crate::user_command::{LinkWay, Until, UserCommand};

/// A step that is done: what is to be handed to the cluster, and what it is called.
#[derive(Clone, Debug, Default)]
pub struct Deed {
    /// Its line in the scenario; 0 if it has none.
    pub line: usize,
    /// Its faults by their kinds; none if it mends, orders or waits.
    pub faults: Vec<&'static str>,
    /// What was done, in a few words; empty for waiting.
    pub words: String,
    /// To be handed over in this order.
    pub commands: Vec<UserCommand>,
}

/// What an action means now. `draw` chooses where there is a choice; `crowd`: a load's customers are there.
///
/// # Errors
/// What there is not now, in a few words: it may be there later.
pub fn deeds(action: &Action, picture: &Picture, draw: u64, crowd: bool) -> Result<Deed, String> {
    let scene = Scene { picture, draw, crowd };
    match action {
        Action::Crash(name) => scene.each(name, "crash", |node| UserCommand::Crash { node }),
        Action::CrashAll => Ok(fault("crash-all", UserCommand::CrashAll)),
        Action::Restart(name) => scene.each(name, "", |node| UserCommand::Restart { node }),
        Action::AddReplica => Ok(no_fault("add-replica", UserCommand::AddReplica)),
        Action::Remove(name) => scene.each(name, "remove", |node| UserCommand::Remove { node }),
        Action::Misbehave(service, how) => {
            let command = UserCommand::Misbehave { service: *service, how: *how };
            let behaves = *how == Misbehaviour::None;
            Ok(if behaves { no_fault("behave", command) } else { fault("misbehave", command) })
        }
        Action::VerdictCache(on) => Ok(no_fault("verdict-cache", UserCommand::SetVerdictCache { on: *on })),
        Action::Hop(hop) => {
            let hop = hop.map(|hop| Span(hop.as_micros() as u64));
            Ok(no_fault("hop", UserCommand::SetHop { hop }))
        }
        Action::Speed(rate) => Ok(speed(*rate)),
        Action::RunUntil(rate, goal) => {
            let until = match goal {
                Goal::Later(later) => Until::Moment(picture.now + later.as_micros() as u64),
                Goal::NumberedStep => Until::NumberedStep,
                Goal::ViewChange => Until::ViewChange,
            };
            Ok(no_fault("run-until", UserCommand::RunUntil { rate: *rate, until }))
        }
        Action::Links { from, to, both_ways, rule } => scene.links(from, to, *both_ways, *rule),
        Action::MendAll => Ok(no_fault("mend-all", UserCommand::MendAll)),
        Action::Partition(side) => scene.partition(side),
        Action::Message { act, which, .. } => scene.messages(*act, which),
        Action::Ring { node, timer, .. } => scene.ring(node, timer),
        Action::Freeze(name, how) => scene.freeze(name, *how),
        Action::Wake(name) => scene.each(name, "", |node| UserCommand::Wake { node }),
        Action::Bomb(name, bomb) => {
            let node = scene.actor(name)?.0;
            Ok(no_fault(&format!("bomb {node}"), UserCommand::SetBomb { node, bomb: *bomb }))
        }
        Action::Plant(plant) => Ok(no_fault("plant", UserCommand::SetPlant { plant: *plant })),
        Action::Customer { name, postcode } => Ok(customer_appears(picture, name, *postcode)),
        Action::Order { customer, postcode, items } => {
            let who = scene.customer(customer)?;
            let postcode = postcode.unwrap_or(who.postcode).to_string();
            let command = UserCommand::PlaceOrder { customer: who.id, postcode, items: items.clone() };
            Ok(no_fault(&format!("{customer} orders"), command))
        }
        Action::Read { customer, postcode } => {
            let who = scene.customer(customer)?;
            let postcode = postcode.unwrap_or(who.postcode).to_string();
            let command = UserCommand::ReadHistory { customer: who.id, postcode, page: 0 };
            Ok(no_fault(&format!("{customer} reads"), command))
        }
        Action::GiveUp(name) => {
            let customer = scene.customer(name)?.id;
            Ok(no_fault(&format!("{name} gives up"), UserCommand::GiveUp { customer }))
        }
        // What takes several moments is not for one.
        Action::Wait { .. } | Action::Step { .. } => Err("that is done only within a scenario".into()),
    }
}

fn fault(kind: &'static str, command: UserCommand) -> Deed {
    Deed { line: 0, faults: vec![kind], words: kind.into(), commands: vec![command] }
}

fn no_fault(words: &str, command: UserCommand) -> Deed {
    Deed { line: 0, faults: Vec::new(), words: words.into(), commands: vec![command] }
}

fn speed(rate: Rate) -> Deed {
    let command = UserCommand::SetRate { rate };
    match rate {
        Rate::STOPPED => fault("stopped-time", command),
        rate if rate.is_slow() => fault("slow-motion", command),
        _ => no_fault("real time", command),
    }
}

fn customer_appears(picture: &Picture, name: &str, postcode: Postcode) -> Deed {
    let place = match Gazetteer::get().find(postcode) {
        Finding::Live(unit) => unit.point.map_or((0, 0), |point| point.in_millionths()),
        Finding::Closed(_) | Finding::Unknown => (0, 0),
    };
    let command = match customer(picture, name) {
        Some(known) => UserCommand::MoveCustomer { customer: known.id, postcode, place },
        None => UserCommand::AddCustomer { name: Some(name.to_owned()), postcode, place },
    };
    no_fault(&format!("{name} appears"), command)
}

/// The customer of that name.
pub(super) fn customer<'a>(picture: &'a Picture, name: &str) -> Option<&'a Customer> {
    picture.customers.iter().find(|customer| customer.name == name)
}

/// How many members the acting primary's view has.
pub(super) fn members(picture: &Picture) -> Option<usize> {
    Some(picture.nodes.acting_primary()?.replica()?.view.members.len())
}

/// Which nodes are meant now.
pub(super) fn nodes<'a>(picture: &'a Picture, name: &NodeName, draw: u64) -> Vec<&'a Node> {
    let all = || picture.nodes.iter();
    match name {
        NodeName::Primary => picture.nodes.acting_primary().into_iter().collect(),
        NodeName::Backup => chosen(backups(picture), draw),
        NodeName::SomeReplica => {
            let replica = |node: &&Node| node.runs() && node.actor == Actor::Role(Role::Replica);
            chosen(all().filter(replica).collect(), draw)
        }
        NodeName::Crashed => all().filter(|node| !node.runs()).collect(),
        NodeName::Frozen => all().filter(|node| picture.steering.frozen.contains_key(&node.id)).collect(),
        NodeName::Everybody => all().filter(|node| node.runs()).collect(),
        NodeName::Named(name) => picture.nodes.get(name).into_iter().collect(),
    }
}

fn chosen(among: Vec<&Node>, draw: u64) -> Vec<&Node> {
    let which = draw as usize % among.len().max(1);
    among.into_iter().nth(which).into_iter().collect()
}

fn backups(picture: &Picture) -> Vec<&Node> {
    let newest = picture.nodes.newest_view().map(|view| view.number);
    let follows = |node: &&Node| {
        let state = node.replica().filter(|_| node.runs());
        state.is_some_and(|state| state.standing == Standing::Backup && Some(state.view.number) == newest)
    };
    picture.nodes.iter().filter(follows).collect()
}

/// What is waited for, in words for the sentence that it was in vain.
pub(super) fn waited_for(what: &WaitFor) -> String {
    match what {
        WaitFor::Answered(name) => format!("{name}'s answer"),
        WaitFor::Asked(name) => format!("{name} to ask"),
        WaitFor::Serving => "the cluster to serve".into(),
        WaitFor::Members(count) => format!("a view of {count} members"),
        WaitFor::ViewChange => "a view change".into(),
        WaitFor::Held(count) => format!("{count} messages that are held"),
        WaitFor::Failpoint => "a bomb to go off".into(),
        WaitFor::StepArrived(step) => format!("the arrival of a message [{step}]"),
        WaitFor::StepSent(step) => format!("a message [{step}]"),
        WaitFor::Stopped => "time to stand still".into(),
        WaitFor::Leads(name) => format!("{} to lead", node_words(name)),
        WaitFor::Suspected => "a suspicion".into(),
        WaitFor::Frozen(name) => format!("{} to stand still", node_words(name)),
        WaitFor::Ended(name) => format!("the end of {}", node_words(name)),
        WaitFor::AWhile(_) | WaitFor::TheEnd(_) => "the time to pass".into(),
    }
}

fn node_words(name: &NodeName) -> &str {
    match name {
        NodeName::Primary => "a primary",
        NodeName::Backup => "a backup",
        NodeName::Crashed => "a crashed node",
        NodeName::Frozen => "a frozen node",
        NodeName::Everybody => "any node",
        NodeName::SomeReplica => "a replica that runs",
        NodeName::Named(name) => name,
    }
}

/// The moment at which an action gets its meaning.
struct Scene<'a> {
    picture: &'a Picture,
    draw: u64,
    crowd: bool,
}

impl<'a> Scene<'a> {
    fn nodes(&self, name: &NodeName) -> Result<Vec<&'a Node>, String> {
        match nodes(self.picture, name, self.draw) {
            nobody if nobody.is_empty() => Err(format!("there is not {} now", node_words(name))),
            meant => Ok(meant),
        }
    }

    /// One command for each; no kind: it is no fault.
    fn each(&self, name: &NodeName, kind: &'static str, command: fn(String) -> UserCommand) -> Result<Deed, String> {
        let meant = self.nodes(name)?;
        let names: Vec<&str> = meant.iter().map(|node| node.name.as_str()).collect();
        let faults = if kind.is_empty() { Vec::new() } else { vec![kind; meant.len()] };
        let commands: Vec<_> = meant.iter().map(|node| command(node.name.clone())).collect();
        let verb = commands.first().map_or("", |command| if kind.is_empty() { verb(command) } else { kind });
        Ok(Deed { line: 0, faults, words: format!("{verb} {}", names.join(", ")), commands })
    }

    fn freeze(&self, name: &NodeName, how: Freezing) -> Result<Deed, String> {
        let kind = match how {
            Freezing::Cooperative => "freeze",
            Freezing::Signal => "freeze-by-signal",
        };
        let mut deed = match how {
            Freezing::Cooperative => {
                self.each(name, kind, |node| UserCommand::Freeze { node, how: Freezing::Cooperative })?
            }
            Freezing::Signal => self.each(name, kind, |node| UserCommand::Freeze { node, how: Freezing::Signal })?,
        };
        if how == Freezing::Cooperative && *name == NodeName::Everybody {
            // Postcode services do not freeze by themselves.
            let service =
                |name: &str| self.picture.nodes.get(name).is_some_and(|node| matches!(node.actor, Actor::Service(_)));
            deed.commands.retain(|it| !matches!(it, UserCommand::Freeze { node, .. } if service(node)));
            deed.faults.truncate(deed.commands.len());
        }
        Ok(deed)
    }

    fn customer(&self, name: &str) -> Result<&'a Customer, String> {
        customer(self.picture, name).ok_or_else(|| format!("there is no customer “{name}” now"))
    }

    /// A node or a customer: its name and what it sends under.
    fn actor(&self, name: &NodeName) -> Result<(String, NodeId), String> {
        if let NodeName::Named(name) = name
            && let Some(customer) = customer(self.picture, name)
        {
            return Ok((name.clone(), customer.node));
        }
        let meant = self.nodes(name)?;
        let first = meant.first().map(|node| (node.name.clone(), node.id));
        first.ok_or_else(|| "nobody is meant".to_owned())
    }

    /// Names of all that are at that end.
    fn ends(&self, name: &EndName) -> Vec<String> {
        let names = |nodes: Vec<&Node>| nodes.into_iter().map(|node| node.name.clone()).collect();
        match name {
            EndName::Customers => self.customers(),
            EndName::Backups => names(backups(self.picture)),
            EndName::Node(NodeName::Everybody) => self.everybody(),
            EndName::Node(NodeName::Named(name)) => vec![name.clone()],
            EndName::Node(name) => names(nodes(self.picture, name, self.draw)),
        }
    }

    fn customers(&self) -> Vec<String> {
        let named = self.picture.customers.iter().map(|customer| customer.name.clone());
        named.chain(self.crowd.then(|| CROWD.to_owned())).collect()
    }

    fn everybody(&self) -> Vec<String> {
        let nodes = self.picture.nodes.iter().map(|node| node.name.clone());
        nodes.chain(self.customers()).collect()
    }

    /// Whether anything ever goes from one to the other: services talk to replicas only, customers not to each other.
    fn is_link(&self, from: &str, to: &str) -> bool {
        let actor = |name: &str| self.picture.nodes.get(name).map(|node| node.actor);
        let talks_to_service = |other: Option<Actor>| other == Some(Actor::Role(Role::Replica));
        match (actor(from), actor(to)) {
            _ if from == to => false,
            (Some(Actor::Service(_)), other) | (other, Some(Actor::Service(_))) => talks_to_service(other),
            (None, None) => false,
            (Some(_), _) | (_, Some(_)) => true,
        }
    }

    fn ways(&self, from: &[String], to: &[String]) -> Vec<LinkWay> {
        let pairs = from.iter().flat_map(|from| to.iter().map(move |to| (from, to)));
        let links = pairs.filter(|(from, to)| self.is_link(from, to));
        links.map(|(from, to)| LinkWay { from: from.clone(), to: to.clone() }).collect()
    }

    fn links(&self, from: &EndName, to: &EndName, both_ways: bool, rule: LinkRule) -> Result<Deed, String> {
        let (senders, receivers) = (self.ends(from), self.ends(to));
        let mut links = self.ways(&senders, &receivers);
        if both_ways {
            links.extend(self.ways(&receivers, &senders));
        }
        links.sort();
        links.dedup();
        if links.is_empty() {
            return Err("there is no such link now".into());
        }
        let faults = kinds_of(rule, both_ways);
        let verb = if faults.is_empty() { "mend".to_owned() } else { faults.join(" and ") };
        let words = format!("{verb} {} → {}", senders.join(", "), receivers.join(", "));
        Ok(Deed { line: 0, faults, words, commands: vec![UserCommand::SetLinks { links, rule }] })
    }

    fn partition(&self, side: &[EndName]) -> Result<Deed, String> {
        let one: Vec<String> = side.iter().flat_map(|end| self.ends(end)).collect();
        let other: Vec<String> = self.everybody().into_iter().filter(|name| !one.contains(name)).collect();
        let mut links = self.ways(&one, &other);
        links.extend(self.ways(&other, &one));
        if links.is_empty() {
            return Err("there is nobody on one of the sides now".into());
        }
        let words = format!("partition {} from {}", one.join(", "), other.join(", "));
        let commands = vec![UserCommand::SetLinks { links, rule: LinkRule::CUT }];
        Ok(Deed { line: 0, faults: vec!["partition"], words, commands })
    }

    fn messages(&self, act: MessageAct, which: &Which) -> Result<Deed, String> {
        let is_end = |end: &Option<EndName>, id: NodeId| match end {
            Some(end) => self.ends(end).contains(&self.picture.name(id)),
            None => true,
        };
        let fits = |passage: &&Passage| {
            let number = passage.facts.step.map(|step| step.0);
            (which.step.is_none() || number == which.step)
                && is_end(&which.from, passage.id.from)
                && is_end(&which.to, passage.to)
                && match act {
                    MessageAct::LetGo => passage.is_held(),
                    MessageAct::Hold => !passage.is_held(),
                    MessageAct::LetPast | MessageAct::Drop | MessageAct::Duplicate | MessageAct::Delay(_) => true,
                }
        };
        let mut meant: Vec<&Passage> = self.picture.traffic.flying().filter(fits).collect();
        meant.sort_by_key(|passage| (passage.sent, passage.id, passage.to));
        if !which.all {
            meant.truncate(1);
        }
        if meant.is_empty() {
            let number = which.step.map_or_else(String::new, |step| format!(" [{step}]"));
            return Err(format!("a message{number} in its link"));
        }
        let (kind, is_fault) = match act {
            MessageAct::Hold => ("message-held", true),
            MessageAct::LetGo => ("let-go", false),
            MessageAct::LetPast => ("message-let-past", true),
            MessageAct::Drop => ("message-dropped", true),
            MessageAct::Duplicate => ("message-doubled", true),
            MessageAct::Delay(_) => ("message-delayed", true),
        };
        let command = |passage: &&Passage| UserCommand::Message { message: passage.id, to: passage.to, act };
        let labels: Vec<&str> = meant.iter().map(|passage| passage.facts.label.as_str()).collect();
        Ok(Deed {
            line: 0,
            faults: if is_fault { vec![kind; meant.len()] } else { Vec::new() },
            words: format!("{kind}: {}", labels.join(", ")),
            commands: meant.iter().map(command).collect(),
        })
    }

    fn ring(&self, node: &NodeName, timer: &TimerName) -> Result<Deed, String> {
        use protocol::machine::Timer;
        let (name, id) = self.actor(node)?;
        let of = timer.of.as_ref().map(|of| self.actor(of)).transpose()?.map(|(_, id)| id);
        let is_meant = |armed: &Timer| {
            let about = match armed {
                Timer::Silence(of) => Some(*of),
                _ => None,
            };
            timer_name(*armed) == timer.name && (of.is_none() || about == of)
        };
        let armed = self.picture.steering.timers.get(&id).into_iter().flatten();
        let armed = armed.map(|(timer, _)| *timer).find(is_meant);
        let timer = armed.ok_or_else(|| format!("{name}'s timer “{}” to be armed", timer.name))?;
        Ok(fault("timer-rung", UserCommand::Ring { node: id, timer }))
    }
}

/// What is done to a node, if that is no fault.
fn verb(command: &UserCommand) -> &'static str {
    if let UserCommand::Restart { .. } = command { "restart" } else { "wake" }
}

fn kinds_of(rule: LinkRule, both_ways: bool) -> Vec<&'static str> {
    let cut = if both_ways { "cut" } else { "cut-one-way" };
    let all = [
        (rule.cut, cut),
        (rule.hold, "hold"),
        (rule.delay > Span(0), "delay"),
        (rule.jitter > Span(0), "jitter"),
        (rule.loss > 0, "loss"),
        (rule.doubling > 0, "doubling"),
    ];
    all.into_iter().filter(|(is_so, _)| *is_so).map(|(_, kind)| kind).collect()
}
