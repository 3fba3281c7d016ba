//! `invite`: a cluster in the terminal that other machines may join.
//!
//! A person types whom it admits, or it admits everybody. Besides, the cluster obeys the same lines as `cluster`.

use std::net::IpAddr;
use std::sync::mpsc::channel;

use clap::ValueEnum;
use protocol::ids::Role;
use protocol::trace::{LauncherEvent, MachineEvent, MachineState, TraceEvent, TraceRecord};
use serde_json::json;

use super::cluster_command::Woken;
use super::lines::Line;
use super::{ClusterKind, Exit, Failure, cluster_command, launch_open, say, say_json};
use cluster::interrupt::Interrupt;
use cluster::machines::{CODE_IS_GOOD, Invitation};
use cluster::{Cluster, ClusterOptions};
use knowledge::machines::{CodeIs, GivenCode};
use knowledge::picture::Picture;
use knowledge::user_command::UserCommand;

/// What another machine can become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Guest {
    /// It runs a replica.
    Replica,
    /// The person there orders.
    Customer,
}

impl Guest {
    pub(super) fn role(self) -> Role {
        match self {
            Guest::Replica => Role::Replica,
            Guest::Customer => Role::Customer,
        }
    }
}

/// The cluster that invites.
#[derive(Debug, clap::Args)]
pub struct InviteArguments {
    #[command(flatten)]
    kind: ClusterKind,
    /// What the other machine becomes.
    #[arg(long = "as", value_enum, value_name = "ROLE", default_value = "replica")]
    role: Guest,
    /// The addresses of this machine at which others reach it, separated by commas. Default: all.
    #[arg(long, value_name = "IP", value_delimiter = ',', value_parser = address)]
    advertise: Vec<IpAddr>,
    /// Admit each machine with a valid code, without asking.
    #[arg(long)]
    admit_all: bool,
    /// Print one JSON object per line instead of sentences.
    #[arg(long)]
    json: bool,
}

/// An address, an IPv6 one in brackets or without.
fn address(words: &str) -> Result<IpAddr, String> {
    let bare = words.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(words);
    let ip: IpAddr = bare.parse().map_err(|_| "it must be an address such as 192.168.1.5 or [fd00::5]".to_owned())?;
    match ip {
        IpAddr::V6(ip) if ip.is_unicast_link_local() => {
            Err("this address is known on one link only: name another one".into())
        }
        ip => Ok(ip),
    }
}

pub(super) fn invite(arguments: &InviteArguments, interrupt: &Interrupt) -> Result<Exit, Failure> {
    let options =
        ClusterOptions { default_customers: false, interrupt: interrupt.clone(), ..arguments.kind.options()? };
    let cluster = launch_open(options)?;
    let mut host = Host { cluster, picture: Picture::default(), role: arguments.role.role(), arguments };
    host.facts()?;
    if arguments.json {
        cluster_command::say_first(&host.cluster, &host.picture, None)?;
    }
    let inquirer = host.cluster.inquirer();
    inquirer.admit_all(arguments.admit_all)?;
    host.give_code()?;
    let (sender, woken) = channel();
    Woken::send(sender, &host.cluster, interrupt)?;
    host.facts()?;
    for woken in woken {
        match woken {
            Woken::Over => break,
            Woken::Facts => host.facts()?,
            Woken::Line(line) => host.obey(&line)?,
        }
    }
    Ok(Exit::Holds)
}

struct Host<'a> {
    cluster: Cluster,
    picture: Picture,
    /// Of the newest code.
    role: Role,
    arguments: &'a InviteArguments,
}

impl Host<'_> {
    fn give_code(&self) -> Result<(), Failure> {
        let invitation = Invitation { role: self.role, advertise: self.arguments.advertise.clone() };
        let invited = self.cluster.inquirer().invite(invitation);
        let code = invited.map_err(|error| Failure::BadInput(node::error_text::chain(&error)))?;
        let seconds = CODE_IS_GOOD.as_secs();
        if self.arguments.json {
            let addresses: Vec<String> = code.addresses.iter().map(IpAddr::to_string).collect();
            return say_json(&json!({
                "change": "invited", "code": code.to_string(), "role": code.role.to_string(), "addresses": addresses,
                "port": code.port, "good_for_s": seconds,
            }));
        }
        say(wording::how_to_join(&code.to_string(), code.role, seconds / 60))
    }

    fn facts(&mut self) -> Result<(), Failure> {
        let mut joined = false;
        for record in self.cluster.take_facts() {
            let is = |event: &TraceEvent| {
                matches!(event, TraceEvent::Launcher(LauncherEvent::MachineIs { is: MachineState::Joined { .. }, .. }))
            };
            joined |= is(&record.event);
            self.fact(&record)?;
        }
        // The code is used: the next machine needs another one.
        let is_good = |given: GivenCode| matches!(given.is, CodeIs::Good(_));
        if joined && !self.cluster.inquirer().machines()?.newest.is_some_and(is_good) {
            self.give_code()?;
        }
        Ok(())
    }

    fn fact(&mut self, record: &TraceRecord) -> Result<(), Failure> {
        if self.arguments.json {
            return cluster_command::say_change(&mut self.picture, record);
        }
        let before = self.picture.name(record.node);
        // It is called as its machine is, of which all is told.
        let is_customer = self.picture.customers.of(record.node).is_some();
        self.picture.apply(record);
        // A process has no name before this fact, and a removed one has none after it.
        let before = if before == record.node.to_string() { self.picture.name(record.node) } else { before };
        if is_customer || !is_told(&record.event) {
            return Ok(());
        }
        let name = |id| self.picture.name(id);
        let Some((_, line)) = wording::log_line(&record.event, &name) else { return Ok(()) };
        if record.node.0 == 0 {
            say(line)?
        } else {
            say(format!("{before} {line}"))?
        }
        match &record.event {
            TraceEvent::Launcher(LauncherEvent::MachineIs { machine, is: MachineState::Knocks }) => {
                say(wording::decide_about(machine))
            }
            TraceEvent::Launcher(_) | TraceEvent::Machine(_) | TraceEvent::Node(_) => Ok(()),
        }
    }

    fn obey(&mut self, line: &Line) -> Result<(), Failure> {
        let words = match line {
            Line::Words(words) => words.as_str(),
            Line::Blank => return Ok(()),
            Line::Bad(why) => return self.refused(why),
        };
        let inquirer = self.cluster.inquirer();
        let (verb, rest) = words.split_once(' ').unwrap_or((words, ""));
        let done = match verb {
            "code" => match Guest::from_str(rest.trim(), true) {
                Ok(guest) => {
                    self.role = guest.role();
                    return self.give_code();
                }
                Err(_) if rest.trim().is_empty() => return self.give_code(),
                Err(_) => Err(anyhow::Error::msg(wording::CODE_FOR_WHOM)),
            },
            "admit" => inquirer.decide(rest.trim(), true),
            "refuse" => inquirer.decide(rest.trim(), false),
            "admit-all" => inquirer.admit_all(true),
            "ask" => inquirer.admit_all(false),
            "end-invitation" => inquirer.end_invitation(),
            "help" => return self.help(),
            "heartbeats" => match rest.trim() {
                "on" | "off" => {
                    self.cluster.perform(UserCommand::ShowHeartbeats { on: rest.trim() == "on" });
                    Ok(())
                }
                _ => Err(anyhow::Error::msg(wording::HEARTBEATS_ON_OR_OFF)),
            },
            "crash" | "restart" | "freeze" | "wake" | "remove" if !rest.trim().is_empty() => {
                self.act(&json!({"do": verb, "node": rest.trim()}).to_string())
            }
            _ if words.trim_start().starts_with('{') => self.act(words),
            _ => Err(anyhow::Error::msg(wording::not_understood_by_host(words))),
        };
        done.or_else(|error| self.refused(&node::error_text::chain(&error)))
    }

    /// Does one step of a scenario.
    fn act(&mut self, step: &str) -> Result<(), anyhow::Error> {
        self.picture.set_now(self.cluster.now());
        let line = Line::Words(step.to_owned());
        let obeyed = cluster_command::obey(&line, &mut self.cluster, &self.picture, false);
        obeyed.map_err(anyhow::Error::msg)
    }

    fn help(&self) -> Result<(), Failure> {
        let text = wording::help_for_host(&self.cluster.directory().display().to_string());
        if self.arguments.json { say_json(&json!({"change": "help", "what": text})) } else { say(text) }
    }

    fn refused(&self, why: &str) -> Result<(), Failure> {
        if self.arguments.json { say_json(&json!({"change": "refused", "why": why})) } else { say(why) }
    }
}

/// What a person at the inviting terminal wants to know.
fn is_told(event: &TraceEvent) -> bool {
    match event {
        TraceEvent::Launcher(event) => matches!(
            event,
            LauncherEvent::Started(_)
                | LauncherEvent::Ended { .. }
                | LauncherEvent::ClockIs { .. }
                | LauncherEvent::CommandRefused { .. }
                | LauncherEvent::RunsOn { .. }
                | LauncherEvent::MachineIs { .. }
                | LauncherEvent::ListensOn { .. }
                | LauncherEvent::Stopping { .. }
                | LauncherEvent::CannotReach { .. }
                | LauncherEvent::CanReach { .. }
        ),
        TraceEvent::Machine(event) => matches!(event, MachineEvent::Became { .. }),
        TraceEvent::Node(_) => false,
    }
}
