//! `invite`: a cluster in the terminal that other machines may join, and `join`: the other machine.
//!
//! A person types whom it admits, or it admits everybody. Besides, the cluster obeys the same lines as `cluster`.

use std::net::IpAddr;
use std::sync::mpsc::channel;

use anyhow::Context;
use protocol::ids::Role;
use protocol::trace::{LauncherEvent, MachineEvent, MachineState, TraceEvent, TraceRecord};
use serde_json::json;

use super::cluster_command::Woken;
use super::lines::Line;
use super::{ClusterKind, Exit, Failure, cluster_command, launch_open, say, say_json};
use cluster::interrupt::Interrupt;
use cluster::machines::agent::{self, News, Over, WhyNoWay, Wish};
use cluster::machines::code::Code;
use cluster::machines::{CODE_IS_GOOD, Invitation};
use cluster::{Cluster, ClusterOptions};
use knowledge::machines::{CodeIs, GivenCode};
use knowledge::picture::Picture;

/// What another machine can become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Guest {
    /// It runs a replica.
    Replica,
}

impl Guest {
    fn role(self) -> Role {
        match self {
            Guest::Replica => Role::Replica,
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
    #[arg(long, value_name = "IP", value_delimiter = ',')]
    advertise: Vec<IpAddr>,
    /// Admit each machine with a valid code, without a question.
    #[arg(long)]
    admit_all: bool,
    /// Print one JSON object per line instead of sentences.
    #[arg(long)]
    json: bool,
}

/// The machine that joins.
#[derive(Debug, clap::Args)]
pub struct JoinArguments {
    /// The code that the inviting cluster shows; `-` reads it from standard input.
    code: String,
    /// What this machine is to become. Default: what the code invites to.
    #[arg(long = "as", value_enum, value_name = "ROLE")]
    role: Option<Guest>,
    /// What this machine is called in the cluster. Default: its host name.
    #[arg(long)]
    name: Option<String>,
    /// Print one JSON object per line instead of sentences.
    #[arg(long)]
    json: bool,
}

pub(super) fn invite(arguments: &InviteArguments, interrupt: &Interrupt) -> Result<Exit, Failure> {
    let options =
        ClusterOptions { default_customers: false, interrupt: interrupt.clone(), ..arguments.kind.options()? };
    let cluster = launch_open(options)?;
    let mut host = Host { cluster, picture: Picture::default(), arguments };
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
    arguments: &'a InviteArguments,
}

impl Host<'_> {
    fn give_code(&self) -> Result<(), Failure> {
        let invitation = Invitation { role: self.arguments.role.role(), advertise: self.arguments.advertise.clone() };
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
        self.picture.apply(record);
        // A process has no name before this fact, and a removed one has none after it.
        let before = if before == record.node.to_string() { self.picture.name(record.node) } else { before };
        if !is_told(&record.event) {
            return Ok(());
        }
        let name = |id| self.picture.name(id);
        let Some((_, line)) = wording::log_line(&record.event, &name) else { return Ok(()) };
        if record.node.0 == 0 { say(line) } else { say(format!("{before} {line}")) }
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
            "code" => return self.give_code(),
            "admit" => inquirer.decide(rest.trim(), true),
            "refuse" => inquirer.decide(rest.trim(), false),
            "admit-all" => inquirer.admit_all(true),
            "ask" => inquirer.admit_all(false),
            "end-invitation" => inquirer.end_invitation(),
            _ => {
                self.picture.set_now(self.cluster.now());
                let obeyed = cluster_command::obey(line, &mut self.cluster, &self.picture, false);
                obeyed.map_err(anyhow::Error::msg)
            }
        };
        done.or_else(|error| self.refused(&node::error_text::chain(&error)))
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
        ),
        TraceEvent::Machine(event) => matches!(event, MachineEvent::Became { .. }),
        TraceEvent::Node(_) => false,
    }
}

pub(super) fn join(arguments: &JoinArguments, interrupt: &Interrupt) -> Result<Exit, Failure> {
    let text = match arguments.code.as_str() {
        "-" => std::io::read_to_string(std::io::Read::take(std::io::stdin(), 4096))?,
        code => code.to_owned(),
    };
    let code: Code =
        text.parse().map_err(|error: cluster::machines::code::NoCode| Failure::BadInput(error.to_string()))?;
    let program = std::env::current_exe().context("the program cannot find its own executable file")?;
    let role = arguments.role.map(Guest::role);
    let wish = Wish { code, name: arguments.name.clone(), role, program };
    let (sender, news) = channel();
    let as_json = arguments.json;
    let telling = std::thread::spawn(move || -> Result<(), Failure> {
        for news in news {
            tell(&news, as_json)?;
        }
        Ok(())
    });
    let over = agent::live(&wish, &sender, interrupt)?;
    drop(sender);
    // What it could not print does not change how this ends.
    drop(telling.join());
    match over {
        Over::Left => Ok(Exit::Holds),
        Over::ClusterEnded => {
            let sentence = "The cluster has ended, and so have the processes here.";
            if as_json {
                say_json(&json!({"change": "over", "what": sentence}))?
            } else {
                say(sentence)?
            }
            Ok(Exit::Holds)
        }
        Over::NotAdmitted(why) => Err(Failure::BadInput(wording::no_join(why))),
        Over::NoWay(why @ WhyNoWay::NoAnswer(_)) => Err(Failure::Undecided(why.to_string())),
        Over::NoWay(why) => Err(Failure::BadInput(why.to_string())),
    }
}

fn tell(news: &News, as_json: bool) -> Result<(), Failure> {
    let (change, sentence) = match news {
        News::Waits => {
            ("waits", "The code is valid. Waiting for the person at the cluster to admit this machine.".into())
        }
        News::Joined { name, .. } => ("joined", format!("This machine belongs to the cluster as {name}.")),
        News::Runs { name, pid } => ("runs", format!("{name} runs here as process {pid}.")),
        News::Ended { name } => ("ended", format!("{name} has ended here.")),
        News::Lost => ("lost", "The cluster cannot be reached. The processes here have ended; trying again.".into()),
        News::Slept => ("slept", "This machine was asleep. It joins again with new processes.".to_owned()),
    };
    if !as_json {
        return say(sentence);
    }
    let (name, pid) = match news {
        News::Joined { name, .. } | News::Ended { name } => (Some(name), None),
        News::Runs { name, pid } => (Some(name), Some(pid)),
        News::Waits | News::Lost | News::Slept => (None, None),
    };
    say_json(&json!({"change": change, "name": name, "pid": pid, "what": sentence}))
}
