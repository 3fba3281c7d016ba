//! The moment at which an action gets its meaning: which nodes, customers, links and messages there are.
//! The picture is only read; the resulting commands go back to the caller.

use protocol::ids::{NodeId, Role, Span};
use protocol::machine::Timer;
use protocol::trace::{Actor, DiskFault, Freezing, LinkRule, MessageAct};

use super::{ResolvedStep, backups, customer, fault, node_words, nodes};
use crate::words::{disk_fault, timer_name};
use crate::{EndName, NodeName, TimerName, Which};
use cluster::hosts::CROWD;
use knowledge::picture::{Customer, MessageInFlight, Node, Picture};
use knowledge::user_command::{LinkWay, UserCommand};

/// The moment at which an action gets its meaning.
pub(super) struct Scene<'a> {
    pub picture: &'a Picture,
    /// Chooses where there is a choice.
    pub draw: u64,
    /// Whether a load's customers are there.
    pub crowd: bool,
}

impl<'a> Scene<'a> {
    fn nodes(&self, name: &NodeName) -> Result<Vec<&'a Node>, String> {
        match nodes(self.picture, name, self.draw) {
            none if none.is_empty() => Err(format!("there was no {}", node_words(name))),
            meant => Ok(meant),
        }
    }

    /// One command for each; no kind: it is no fault.
    pub fn each(
        &self,
        name: &NodeName,
        kind: &'static str,
        command: fn(String) -> UserCommand,
    ) -> Result<ResolvedStep, String> {
        let meant = self.nodes(name)?;
        let names: Vec<&str> = meant.iter().map(|node| node.name.as_str()).collect();
        let faults = if kind.is_empty() { Vec::new() } else { vec![kind; meant.len()] };
        let commands: Vec<_> = meant.iter().map(|node| command(node.name.clone())).collect();
        let verb = commands.first().map_or("", |command| if kind.is_empty() { verb(command) } else { kind });
        Ok(ResolvedStep { line: 0, faults, words: format!("{verb} {}", names.join(", ")), commands })
    }

    pub fn freeze(&self, name: &NodeName, how: Freezing) -> Result<ResolvedStep, String> {
        let kind = match how {
            Freezing::Cooperative => "freeze",
            Freezing::Signal => "freeze-by-signal",
        };
        let mut step = match how {
            Freezing::Cooperative => {
                self.each(name, kind, |node| UserCommand::Freeze { node, how: Freezing::Cooperative })?
            }
            Freezing::Signal => self.each(name, kind, |node| UserCommand::Freeze { node, how: Freezing::Signal })?,
        };
        if how == Freezing::Cooperative && *name == NodeName::Everybody {
            // Postcode services do not freeze by themselves.
            let service =
                |name: &str| self.picture.nodes.get(name).is_some_and(|node| matches!(node.actor, Actor::Service(_)));
            step.commands.retain(|it| !matches!(it, UserCommand::Freeze { node, .. } if service(node)));
            step.faults.truncate(step.commands.len());
        }
        Ok(step)
    }

    /// Disks become like this: of replicas only, because nobody else has one.
    pub fn disks(&self, name: &NodeName, how: Option<DiskFault>) -> Result<ResolvedStep, String> {
        let mut replicas = self.nodes(name)?;
        replicas.retain(|node| node.actor == Actor::Role(Role::Replica));
        if replicas.is_empty() {
            return Err("there was no replica".into());
        }
        let names: Vec<&str> = replicas.iter().map(|node| node.name.as_str()).collect();
        let words = format!("{} {}", how.map_or("disk-works", disk_fault), names.join(", "));
        let faults = replicas.iter().filter_map(|_| how.map(disk_fault)).collect();
        let disk = |node: &&Node| UserCommand::SetDisk { node: node.name.clone(), fault: how };
        Ok(ResolvedStep { line: 0, faults, words, commands: replicas.iter().map(disk).collect() })
    }

    pub fn customer(&self, name: &str) -> Result<&'a Customer, String> {
        customer(self.picture, name).ok_or_else(|| format!("there was no customer “{name}”"))
    }

    /// A node or a customer: its name and what it sends under.
    pub fn actor(&self, name: &NodeName) -> Result<(String, NodeId), String> {
        if let NodeName::Named(name) = name
            && let Some(customer) = customer(self.picture, name)
        {
            return Ok((name.clone(), customer.node));
        }
        let meant = self.nodes(name)?;
        let first = meant.first().map(|node| (node.name.clone(), node.id));
        first.ok_or_else(|| "there was no such node".to_owned())
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

    /// Whether anything ever goes from one to the other: services talk to replicas only, customers to neither, and neither
    /// customers nor front-ends to each other.
    fn is_link(&self, from: &str, to: &str) -> bool {
        let actor = |name: &str| self.picture.nodes.get(name).map(|node| node.actor);
        let talks_to_service = |other: Option<Actor>| other == Some(Actor::Role(Role::Replica));
        match (actor(from), actor(to)) {
            _ if from == to => false,
            (Some(Actor::Service(_)), other) | (other, Some(Actor::Service(_))) => talks_to_service(other),
            (Some(Actor::Role(Role::FrontEnd)), Some(Actor::Role(Role::FrontEnd))) | (None, None) => false,
            (Some(Actor::Role(Role::Replica)), None) | (None, Some(Actor::Role(Role::Replica))) => false,
            (Some(_), _) | (_, Some(_)) => true,
        }
    }

    fn ways(&self, from: &[String], to: &[String]) -> Vec<LinkWay> {
        let pairs = from.iter().flat_map(|from| to.iter().map(move |to| (from, to)));
        let links = pairs.filter(|(from, to)| self.is_link(from, to));
        links.map(|(from, to)| LinkWay { from: from.clone(), to: to.clone() }).collect()
    }

    pub fn links(&self, from: &EndName, to: &EndName, both_ways: bool, rule: LinkRule) -> Result<ResolvedStep, String> {
        let (senders, receivers) = (self.ends(from), self.ends(to));
        let mut links = self.ways(&senders, &receivers);
        if both_ways {
            links.extend(self.ways(&receivers, &senders));
        }
        links.sort();
        links.dedup();
        if links.is_empty() {
            return Err("there was no such link".into());
        }
        let faults = kinds_of(rule, both_ways);
        let verb = if faults.is_empty() { "mend".to_owned() } else { faults.join(" and ") };
        let words = format!("{verb} {} → {}", senders.join(", "), receivers.join(", "));
        Ok(ResolvedStep { line: 0, faults, words, commands: vec![UserCommand::SetLinks { links, rule }] })
    }

    pub fn partition(&self, side: &[EndName]) -> Result<ResolvedStep, String> {
        let one: Vec<String> = side.iter().flat_map(|end| self.ends(end)).collect();
        let other: Vec<String> = self.everybody().into_iter().filter(|name| !one.contains(name)).collect();
        let mut links = self.ways(&one, &other);
        links.extend(self.ways(&other, &one));
        if links.is_empty() {
            return Err("one side of the partition was empty".into());
        }
        let words = format!("partition {} from {}", one.join(", "), other.join(", "));
        let commands = vec![UserCommand::SetLinks { links, rule: LinkRule::CUT }];
        Ok(ResolvedStep { line: 0, faults: vec!["partition"], words, commands })
    }

    pub fn messages(&self, act: MessageAct, which: &Which) -> Result<ResolvedStep, String> {
        let is_end = |end: &Option<EndName>, id: NodeId| match end {
            Some(end) => self.ends(end).contains(&self.picture.name(id)),
            None => true,
        };
        let fits = |flying: &&MessageInFlight| {
            let number = flying.facts.step.map(|step| step.0);
            (which.step.is_none() || number == which.step)
                && is_end(&which.from, flying.id.from)
                && is_end(&which.to, flying.to)
                && match act {
                    MessageAct::LetGo => flying.is_held(),
                    MessageAct::Hold => !flying.is_held(),
                    MessageAct::LetPast | MessageAct::Drop | MessageAct::Duplicate | MessageAct::Delay(_) => true,
                }
        };
        let mut meant: Vec<&MessageInFlight> = self.picture.traffic.flying().filter(fits).collect();
        meant.sort_by_key(|flying| (flying.sent, flying.id, flying.to));
        if !which.all {
            meant.truncate(1);
        }
        if meant.is_empty() {
            let number = which.step.map_or_else(String::new, |step| format!(" [{step}]"));
            return Err(format!("no message{number} was in its link"));
        }
        let (kind, is_fault) = kind_of(act);
        let command = |flying: &&MessageInFlight| UserCommand::Message { message: flying.id, to: flying.to, act };
        let summaries: Vec<_> = meant.iter().map(|flying| format!("{:?}", flying.facts.summary)).collect();
        Ok(ResolvedStep {
            line: 0,
            faults: if is_fault { vec![kind; meant.len()] } else { Vec::new() },
            words: format!("{kind}: {}", summaries.join(", ")),
            commands: meant.iter().map(command).collect(),
        })
    }

    pub fn ring(&self, node: &NodeName, timer: &TimerName) -> Result<ResolvedStep, String> {
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
        let timer = armed.ok_or_else(|| format!("{name}'s timer “{}” was not armed", timer.name))?;
        Ok(fault("timer-rung", UserCommand::Ring { node: id, timer }))
    }
}

/// What is done to a node, if that is no fault.
fn verb(command: &UserCommand) -> &'static str {
    if let UserCommand::Restart { .. } = command { "restart" } else { "wake" }
}

/// What it is called, and whether it is a fault.
pub(super) fn kind_of(act: MessageAct) -> (&'static str, bool) {
    match act {
        MessageAct::Hold => ("message-held", true),
        MessageAct::LetGo => ("let-go", false),
        MessageAct::LetPast => ("message-let-past", true),
        MessageAct::Drop => ("message-dropped", true),
        MessageAct::Duplicate => ("message-doubled", true),
        MessageAct::Delay(_) => ("message-delayed", true),
    }
}

pub(super) fn kinds_of(rule: LinkRule, both_ways: bool) -> Vec<&'static str> {
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
