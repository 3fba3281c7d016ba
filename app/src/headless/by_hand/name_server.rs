//! `name-server`: the first process of a cluster. It registers names, keeps the record of views, and admits the others.

use std::sync::Arc;

use node::control::NodeConfig;

use super::node_here::{self, Answering, Running};
use super::{NodeArguments, Voice, further_name_server, log_level, meet};
use crate::headless::status_report::StatusReport;
use crate::headless::status_socket::{self, Host};
use crate::headless::{Exit, Failure};
use cluster::by_hand::meeting_place::{Card, NAME_SERVER};
use cluster::by_hand::office::{Begins, Choices, Office};
use cluster::by_hand::{Guest, Knock, here};
use cluster::interrupt::Interrupt;

pub(super) fn perform(arguments: &NodeArguments, choices: Choices, interrupt: &Interrupt) -> Result<Exit, Failure> {
    let common = &arguments.common;
    node::process::log_to_standard_error(log_level(common.verbose));
    let voice = Voice { json: common.json };
    let place = meet(&common.cluster)?;
    let cluster = common.cluster.to_string();
    let seat = place.take(NAME_SERVER).map_err(|error| Failure::BadInput(error.to_string()))?;
    let Some(seat) = seat else {
        if let Some(store) = choices.store {
            return further_name_server(arguments, store, choices.durable.as_deref(), interrupt);
        }
        let pid = place.card(NAME_SERVER).map(|card| card.pid);
        return Err(Failure::BadInput(wording::second_name_server(&cluster, pid)));
    };
    let opened = Office::open(&place, choices).map_err(|error| Failure::BadInput(node::error_text::chain(&error)))?;
    let (mut office, config, begins) = opened;
    match begins {
        Begins::Anew => {}
        Begins::AfterOthers => voice.say("begins", wording::BEGINS_AFTER_OTHERS)?,
        Begins::Again(nodes) => voice.say("begins", &wording::begins_again(&nodes))?,
    }
    let card = office.card();
    let (news, heard) = node_here::news(interrupt);
    let started = here::start(config, news.clone())?;
    let mut running = Running::new(&place, &card, started, arguments, office.clock(), interrupt);
    let Some(contact) = running.until_it_listens(&heard)? else { return Ok(Exit::Holds) };
    office.name_server_listens(contact)?;
    let office = Arc::new(office);
    let asked = Answering { news, name: NAME_SERVER.into() };
    let socket = status_socket::open_for(Admitting { office: office.clone(), asked })?;
    seat.show(&Card { socket: Some(socket), ..card })?;
    running.is_there(contact)?;
    let exit = running.run(&heard)?;
    if running.has_left {
        office.close(seat);
    }
    Ok(exit)
}

/// The name server's socket: others are admitted here.
struct Admitting {
    office: Arc<Office>,
    asked: Answering,
}

impl Host for Admitting {
    fn status(&self) -> anyhow::Result<StatusReport> {
        self.asked.status()
    }

    fn admit(&self, knock: &Knock) -> anyhow::Result<NodeConfig> {
        self.office.admit(knock)
    }

    fn admit_guest(&self, knock: &Knock) -> anyhow::Result<Guest> {
        self.office.admit_guest(knock)
    }

    fn notice(&self, sentence: &str) {
        self.asked.notice(sentence);
    }
}
