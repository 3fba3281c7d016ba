//! `client`: a customer at a prompt. Dishes are chosen by number; what becomes of each order is told in words.
//!
//! Which front-end there is, and which replica leads, is no matter here: the customer's program looks it up, and again
//! whenever one dies or moves. The same prompt is that of a machine that has joined another one's cluster as a customer.

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
use cluster::machines::agent::{Here, News};
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
    /// Of the cluster on another machine; none: there are no more.
    News(Option<News>),
    Interrupted,
}

/// To which cluster the customer belongs.
enum Home {
    /// One whose processes meet in a folder.
    ByHand { place: MeetingPlace, arguments: ClientArguments },
    /// One on another machine. Nothing is asked while it is lost.
    Elsewhere { lost: bool },
}

pub(in crate::headless) fn perform(arguments: &ClientArguments, interrupt: &Interrupt) -> Result<Exit, Failure> {
    let Common { cluster, json, verbose } = &arguments.common;
    node::process::log_to_standard_error(log_level(*verbose));
    let place = meet(cluster)?;
    let (sender, woken) = channel();
    let Some(seated) = sit_down(&place, arguments, interrupt, &sender)? else { return Ok(Exit::Undecided) };
    let welcome = wording::welcome(&seated.name(), &cluster.to_string());
    let home = Home::ByHand { place, arguments: arguments.clone() };
    let client = Client::new(home, seated, Voice { json: *json }, (interrupt, &sender));
    client.converse(&welcome, &woken)
}

/// The customer of a machine that has joined another one's cluster; the news are what becomes of that.
pub(in crate::headless) fn joined(
    Here(customer): Here,
    news: Receiver<News>,
    json: bool,
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    let (sender, woken) = channel();
    let told = sender.clone();
    std::thread::Builder::new().name("news".into()).spawn(move || {
        let all = news.into_iter().map(Some).chain([None]);
        // Nobody listens any more only when this ends.
        all.map(Woken::News).try_for_each(|news| told.send(news)).ok()
    })?;
    let seated = Seated::elsewhere(customer, waker(&sender));
    let welcome = wording::welcome_elsewhere(&seated.name());
    let client = Client::new(Home::Elsewhere { lost: false }, seated, Voice { json }, (interrupt, &sender));
    client.converse(&welcome, &woken)
}

fn waker(sender: &Sender<Woken>) -> impl Fn() + Send + Sync + 'static {
    let facts = sender.clone();
    move || {
        // Nobody listens any more only when this ends.
        let _ = facts.send(Woken::Facts);
    }
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
    Ok(Some(Seated::new(place, &name_server, guest, &arguments.common, waker(sender))?))
}

struct Client {
    home: Home,
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
    fn new(home: Home, seated: Seated, voice: Voice, (interrupt, sender): (&Interrupt, &Sender<Woken>)) -> Self {
        let interrupted = sender.clone();
        interrupt.when_asked(move || {
            let _ = interrupted.send(Woken::Interrupted);
        });
        let (interrupt, sender) = (interrupt.clone(), sender.clone());
        let (talk, waiting) = (Conversation::default(), VecDeque::new());
        Self { home, interrupt, sender, prompt: Prompt::Plain, voice, talk, waiting, over: false, seated }
    }

    /// Greets, and begins to listen.
    fn converse(mut self, welcome: &str, woken: &Receiver<Woken>) -> Result<Exit, Failure> {
        if !self.voice.json {
            self.prompt.say(welcome)?;
            self.prompt.say(&wording::numbered_menu())?;
            self.prompt.say(wording::CLIENT_HINT)?;
        }
        self.seated.begins(self.voice)?;
        let (words, sender) = (format!("{}> ", self.seated.name()), self.sender.clone());
        self.prompt = Prompt::begin(words, self.voice.json, move |line| sender.send(Woken::Line(line)).is_ok())?;
        self.live(woken)
    }

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
                Ok(Woken::News(news)) => self.hear(news)?,
                Ok(Woken::Facts) | Err(RecvTimeoutError::Timeout) => {}
                Ok(Woken::Interrupted) | Err(RecvTimeoutError::Disconnected) => return self.leave(),
            }
            let place = match &self.home {
                Home::ByHand { place, .. } => Some(place),
                Home::Elsewhere { .. } => None,
            };
            self.seated.look(&mut self.prompt, self.voice, place)?;
            if let Some(words) = self.seated.ended() {
                self.say("ended", &words)?;
                return self.leave();
            }
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
        let lost = matches!(self.home, Home::Elsewhere { lost: true });
        match wish {
            Wish::Order { .. } | Wish::History(_) if lost => self.say("lost", wording::NOT_NOW),
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
        let Home::ByHand { place, arguments } = &self.home else { return Ok(()) };
        let (place, arguments) = (place.clone(), arguments.clone());
        let Some(card) = place.name_server() else { return Ok(()) };
        if card.run == self.seated.run() || card.socket.is_none() {
            return Ok(());
        }
        if let Some(words) = self.seated.lost() {
            self.say("unknown", &words)?;
        }
        self.say("begins", wording::CLUSTER_BEGAN_ANEW)?;
        let receipts = self.seated.receipts().to_vec();
        self.seated.vacate();
        if let Some(seated) = sit_down(&place, &arguments, &self.interrupt, &self.sender)? {
            self.seated = seated;
            self.seated.keep(receipts);
        }
        Ok(())
    }

    /// What becomes of this machine in another one's cluster.
    fn hear(&mut self, news: Option<News>) -> Result<(), Failure> {
        match news {
            Some(News::Lost) => {
                self.home = Home::Elsewhere { lost: true };
                if let Some(words) = self.seated.lost() {
                    self.say("unknown", &words)?;
                }
                self.say("lost", wording::CUSTOMER_LOST)
            }
            Some(News::Customer(Here(customer))) => {
                let receipts = self.seated.receipts().to_vec();
                self.seated = Seated::elsewhere(customer, waker(&self.sender));
                self.seated.keep(receipts);
                self.home = Home::Elsewhere { lost: false };
                self.seated.begins(self.voice)?;
                self.say("joined", wording::CUSTOMER_BACK)
            }
            Some(News::NoCustomer(why)) => self.say("lost", &wording::no_customer(&why)),
            Some(News::CustomerRemoved) => {
                self.over = true;
                self.waiting.clear();
                self.say("removed", wording::CUSTOMER_REMOVED)
            }
            // Why it is over is told at the end.
            None => {
                self.over = true;
                self.waiting.clear();
                let words = self.seated.lost();
                words.map_or(Ok(()), |words| self.say("unknown", &words))
            }
            Some(News::Waits | News::Joined { .. } | News::Runs { .. } | News::Ended { .. } | News::Slept) => Ok(()),
        }
    }

    fn leave(&mut self) -> Result<Exit, Failure> {
        let Some(words) = self.seated.lost() else { return Ok(Exit::Holds) };
        self.say("unknown", &words)?;
        Ok(Exit::Undecided)
    }
}
