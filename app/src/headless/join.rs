//! `join`: this machine in a cluster on another one, by a code. It runs a replica there, or the person here is a customer.

use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::thread;

use anyhow::Context;
use protocol::ids::Role;
use protocol::trace::NoJoin;
use serde_json::json;

use super::by_hand::client;
use super::invite::Guest;
use super::{Exit, Failure, say, say_json};
use cluster::interrupt::Interrupt;
use cluster::machines::agent::{self, News, Over, WhyNoWay, Wish};
use cluster::machines::code::Code;

/// The machine that joins.
#[derive(Debug, clap::Args)]
pub struct JoinArguments {
    /// The code that the inviting cluster shows; `-` reads it from standard input.
    code: String,
    /// What this machine is to become. Default: what the code was made for.
    #[arg(long = "as", value_enum, value_name = "ROLE")]
    role: Option<Guest>,
    /// Where the replicas that run here keep their orders, if the cluster keeps them on disk. Started again with the same folder, a
    /// replica is the same one as before.
    #[arg(long, value_name = "DIR")]
    durable: Option<PathBuf>,
    /// What this machine is called in the cluster. Default: its host name.
    #[arg(long)]
    name: Option<String>,
    /// Print one JSON object per line instead of sentences.
    #[arg(long)]
    json: bool,
}

pub(super) fn perform(arguments: &JoinArguments, interrupt: &Interrupt) -> Result<Exit, Failure> {
    let text = match arguments.code.as_str() {
        "-" => std::io::read_to_string(std::io::Read::take(std::io::stdin(), 4096))?,
        code => code.to_owned(),
    };
    let code: Code =
        text.parse().map_err(|error: cluster::machines::code::NoCode| Failure::BadInput(error.to_string()))?;
    let role = arguments.role.map(Guest::role);
    if role.is_some_and(|role| role != code.role) {
        return Err(Failure::BadInput(wording::no_join(NoJoin::OtherRole { invited: code.role })));
    }
    let orders = code.role == Role::Customer;
    let program = std::env::current_exe().context("the program cannot find its own executable file")?;
    let (name, durable) = (arguments.name.clone(), arguments.durable.clone());
    let wish = Wish { code, name, role, program, durable };
    if orders { as_customer(wish, arguments.json, interrupt) } else { with_processes(&wish, arguments.json, interrupt) }
}

/// Runs what the cluster wants here, until it is over.
fn with_processes(wish: &Wish, as_json: bool, interrupt: &Interrupt) -> Result<Exit, Failure> {
    let (sender, news) = channel();
    let telling = thread::spawn(move || -> Result<(), Failure> {
        for news in news {
            tell(&news, as_json)?;
        }
        Ok(())
    });
    let over = agent::live(wish, &sender, interrupt)?;
    drop(sender);
    // What it could not print does not change how this ends.
    drop(telling.join());
    ended(over, as_json)
}

/// Has the person here order at a prompt, until that person leaves or it is over.
fn as_customer(wish: Wish, as_json: bool, interrupt: &Interrupt) -> Result<Exit, Failure> {
    let (sender, news) = channel();
    let asked = interrupt.clone();
    let agent = thread::Builder::new().name("guest".into()).spawn(move || agent::live(&wish, &sender, &asked))?;
    let first = loop {
        match news.recv() {
            Ok(News::Customer(here)) => break Some(here),
            Ok(news) => tell(&news, as_json)?,
            Err(_) => break None,
        }
    };
    let left = first.map(|here| client::joined(here, news, as_json, interrupt)).transpose()?;
    // The person has left, or there is nothing to leave any more.
    interrupt.ask();
    let over = agent.join().map_err(|_| anyhow::anyhow!("the thread that talks to the cluster ended unexpectedly"))?;
    match (over?, left) {
        (Over::Left | Over::ClusterEnded, Some(Exit::Undecided)) => Ok(Exit::Undecided),
        (over, _) => ended(over, as_json),
    }
}

fn ended(over: Over, as_json: bool) -> Result<Exit, Failure> {
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
        News::NoCustomer(why) => ("no-customer", wording::no_customer(why)),
        News::CustomerRemoved => ("removed", wording::CUSTOMER_REMOVED.to_owned()),
        News::Customer(_) => return Ok(()),
    };
    if !as_json {
        return say(sentence);
    }
    let (name, pid) = match news {
        News::Joined { name, .. } | News::Ended { name } => (Some(name), None),
        News::Runs { name, pid } => (Some(name), Some(pid)),
        News::Waits | News::Lost | News::Slept | News::NoCustomer(_) | News::CustomerRemoved | News::Customer(_) => {
            (None, None)
        }
    };
    say_json(&json!({"change": change, "name": name, "pid": pid, "what": sentence}))
}
