//! `client`: a customer at a prompt. Dishes are chosen by number; what becomes of each order is told in words.
//!
//! Which front-end there is, and which replica leads, is no matter here: the customer's program looks it up, and again
//! whenever one dies or moves.

mod conversation;
mod customer;
mod prompt;

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use protocol::ids::Role;

use super::{Common, Voice, admitted, log_level, meet};
use crate::headless::lines::Line;
use crate::headless::{Exit, Failure, status_socket};
use cluster::by_hand::guest;
use cluster::by_hand::meeting_place::MeetingPlace;
use cluster::interrupt::Interrupt;
use conversation::{Conversation, Heard, Wish};
use customer::Seated;
use prompt::Prompt;

/// How often it is looked at whether an open request still waits.
const TICK: Duration = Duration::from_millis(250);

/// A customer.
#[derive(Clone, Debug, clap::Args)]
pub struct ClientArguments {
    #[command(flatten)]
    common: Common,
    /// The customer's name. Default: the next free one, such as Muriel.
    #[arg(long)]
    name: Option<String>,
}

/// What wakes the command.
enum Woken {
    Line(Option<Line>),
    Facts,
    Interrupted,
}

pub(in crate::headless) fn perform(arguments: &ClientArguments, interrupt: &Interrupt) -> Result<Exit, Failure> {
    let Common { cluster, json, verbose } = &arguments.common;
    node::process::log_to_standard_error(log_level(*verbose));
    let place = meet(cluster)?;
    let (sender, woken) = channel();
    let Some(seated) = sit_down(&place, arguments, interrupt, &sender)? else { return Ok(Exit::Undecided) };
    let interrupted = sender.clone();
    interrupt.when_asked(move || {
        let _ = interrupted.send(Woken::Interrupted);
    });
    let mut client = Client {
        place,
        arguments: arguments.clone(),
        interrupt: interrupt.clone(),
        sender: sender.clone(),
        prompt: Prompt::Plain,
        voice: Voice { json: *json },
        talk: Conversation::default(),
        waiting: VecDeque::new(),
        over: false,
        seated,
    };
    if !json {
        client.prompt.say(&wording::welcome(&client.seated.name(), &cluster.to_string()))?;
        client.prompt.say(&wording::numbered_menu())?;
        client.prompt.say(wording::CLIENT_HINT)?;
    }
    client.seated.begins(client.voice)?;
    client.prompt = Prompt::begin(format!("{}> ", client.seated.name()), *json, move |line| {
        sender.send(Woken::Line(line)).is_ok()
    })?;
    client.live(&woken)
}

/// Joins the cluster, as soon as there is one. None: the person does not wait.
fn sit_down(
    place: &MeetingPlace,
    arguments: &ClientArguments,
    interrupt: &Interrupt,
    sender: &Sender<Woken>,
) -> Result<Option<Seated>, Failure> {
    let mut voice = Voice { json: arguments.common.json };
    let found = admitted(place, Role::Customer, &mut voice, interrupt, |name_server| {
        guest::join(name_server, arguments.name.clone(), |knock| status_socket::knock_as_guest(name_server, knock))
    })?;
    let Some((name_server, guest)) = found else { return Ok(None) };
    let facts = sender.clone();
    let seated = Seated::new(place, &name_server, guest, &arguments.common, move || {
        // Nobody listens any more only when this ends.
        let _ = facts.send(Woken::Facts);
    })?;
    Ok(Some(seated))
}

struct Client {
    place: MeetingPlace,
    arguments: ClientArguments,
    interrupt: Interrupt,
    sender: Sender<Woken>,
    prompt: Prompt,
    voice: Voice,
    talk: Conversation,
    /// Lines of a program that come while a request waits.
    waiting: VecDeque<String>,
    /// The input has ended.
    over: bool,
    seated: Seated,
}

impl Client {
    fn live(&mut self, woken: &Receiver<Woken>) -> Result<Exit, Failure> {
        loop {
            // A person has left; a program has asked, and waits for the answer.
            let done = self.waiting.is_empty() && !self.seated.waits();
            if self.over && (done || self.prompt.is_terminal()) || self.interrupt.is_asked() {
                return self.leave();
            }
            match woken.recv_timeout(TICK) {
                Ok(Woken::Line(None)) => self.over = true,
                Ok(Woken::Line(Some(Line::Words(words)))) => self.line(words)?,
                Ok(Woken::Line(Some(Line::Blank))) => self.line(String::new())?,
                Ok(Woken::Line(Some(Line::Bad(why)))) => self.prompt.say(&wording::not_a_line(&why))?,
                Ok(Woken::Facts) | Err(RecvTimeoutError::Timeout) => {}
                Ok(Woken::Interrupted) | Err(RecvTimeoutError::Disconnected) => return self.leave(),
            }
            self.seated.look(&mut self.prompt, self.voice, &self.place)?;
            self.follow_a_new_cluster()?;
            while !self.seated.waits()
                && !self.over_at_once()
                && let Some(line) = self.waiting.pop_front()
            {
                self.do_line(&line)?;
            }
        }
    }

    fn over_at_once(&self) -> bool {
        self.over && self.prompt.is_terminal()
    }

    /// A line of a program waits for the answer to the one before, unless it is about that.
    fn line(&mut self, line: String) -> Result<(), Failure> {
        let urgent = self.prompt.is_terminal() || line.trim().eq_ignore_ascii_case("cancel");
        if self.seated.waits() && !urgent || !self.waiting.is_empty() {
            self.waiting.push_back(line);
            return Ok(());
        }
        self.do_line(&line)
    }

    fn do_line(&mut self, line: &str) -> Result<(), Failure> {
        let wish = match self.talk.hear(line) {
            Heard::Nothing => return Ok(()),
            Heard::Say(words) => return self.say("understood", &words),
            Heard::Wish(wish) => wish,
        };
        match wish {
            Wish::Order { .. } | Wish::History(_) if self.seated.waits() => self.say("waits", wording::ONE_AT_A_TIME),
            Wish::Order { postcode, items } => {
                self.seated.order(postcode, items);
                Ok(())
            }
            Wish::History(postcode) => {
                self.seated.read(postcode);
                Ok(())
            }
            Wish::Cancel if self.seated.waits() => {
                self.seated.cancel();
                Ok(())
            }
            Wish::Cancel => self.say("nothing", wording::NOTHING_TO_CANCEL),
            Wish::Receipts => self.say("receipts", &wording::receipts(self.seated.receipts())),
            Wish::Menu => self.say("menu", &wording::numbered_menu()),
            Wish::Help => self.say("help", wording::CLIENT_HELP),
            Wish::Quit => {
                self.over = true;
                self.waiting.clear();
                Ok(())
            }
        }
    }

    fn say(&mut self, change: &str, words: &str) -> Result<(), Failure> {
        if self.voice.json { self.voice.say(change, words) } else { self.prompt.say(words) }
    }

    /// The name server of another run cannot know this customer: it takes a seat there.
    fn follow_a_new_cluster(&mut self) -> Result<(), Failure> {
        let Some(card) = self.place.name_server() else { return Ok(()) };
        if card.run == self.seated.run() || card.socket.is_none() {
            return Ok(());
        }
        if let Some(words) = self.seated.lost() {
            self.say("unknown", &words)?;
        }
        self.say("begins", wording::CLUSTER_BEGAN_ANEW)?;
        let receipts = self.seated.receipts().to_vec();
        self.seated.vacate();
        if let Some(seated) = sit_down(&self.place, &self.arguments, &self.interrupt, &self.sender)? {
            self.seated = seated;
            self.seated.keep(receipts);
        }
        Ok(())
    }

    fn leave(&mut self) -> Result<Exit, Failure> {
        let Some(words) = self.seated.lost() else { return Ok(Exit::Holds) };
        self.say("unknown", &words)?;
        Ok(Exit::Undecided)
    }
}
