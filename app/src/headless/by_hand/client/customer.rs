//! The customer of a client: what it waits for, and what it is told.

use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::ids::{NodeId, RequestId, Role};
use protocol::message::{Answer, Ask, WaitReason};
use protocol::order_book::{Order, Outcome, PAGE};
use protocol::postcode::Postcode;
use protocol::trace::{Ending, LauncherEvent, NodeEvent, NodeState, TraceEvent, TraceRecord};
use serde_json::{Value, json};

use super::prompt::Prompt;
use crate::headless::by_hand::telling::Telling;
use crate::headless::by_hand::{Common, Voice};
use crate::headless::order_names::{name, order_name};
use crate::headless::{Failure, say_json};
use cluster::ClusterClock;
use cluster::by_hand::Guest;
use cluster::by_hand::meeting_place::{Card, MeetingPlace, Seat};
use cluster::lone_customer::Customer;
use knowledge::user_command::CustomerCommand;

/// Nobody likes to wait so long without a word.
const PATIENCE: Duration = Duration::from_secs(2);

/// A customer that has joined.
pub(super) struct Seated {
    customer: Arc<Customer>,
    /// Of a cluster whose processes were started by hand.
    run: u64,
    open: Option<Open>,
    /// Which front-end it knows.
    front_end: Option<NodeId>,
    receipts: Vec<String>,
    /// Only if more is to be told.
    telling: Option<Telling>,
    /// Shows the others who this is.
    seat: Option<Seat>,
    /// Why the customer is no more, if somebody has ended it.
    ended: Option<String>,
}

/// What it waits for.
struct Open {
    ask: Ask,
    request: Option<RequestId>,
    since: Instant,
    /// What the primary says of that.
    why: Option<WaitReason>,
    /// A withdrawal of the order is on its way.
    withdrawn: bool,
    said: Option<String>,
    /// Earlier pages of a long list.
    pages: Vec<Order>,
}

impl Open {
    fn new(ask: Ask) -> Self {
        let (request, why, withdrawn, said, pages) = (None, None, false, None, Vec::new());
        Self { ask, request, since: Instant::now(), why, withdrawn, said, pages }
    }
}

impl Seated {
    pub fn new(
        place: &MeetingPlace,
        name_server: &Card,
        guest: Guest,
        common: &Common,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, Failure> {
        let clock = ClusterClock::at(guest.admission.clock);
        let home: Postcode = "EH1 1RE".parse().map_err(|error| Failure::Fault(anyhow::Error::new(error)))?;
        let customer = Arc::new(Customer::start(guest.name, guest.admission, home, wake)?);
        let pid = std::process::id();
        // By it the others know its name. Without one it orders all the same.
        let seat = place.take(&format!("customer-{pid}")).ok().flatten();
        let card = Card {
            name: customer.name.clone(),
            role: Role::Customer,
            id: customer.node,
            customer: Some(customer.id),
            pid,
            run: name_server.run,
            socket: None,
            authority: None,
        };
        if let Some(seat) = &seat {
            seat.show(&card)?;
        }
        let telling = (common.verbose > 0).then(|| {
            let voice = Voice { json: common.json };
            let mut telling = Telling::new(place.clone(), voice, common.verbose > 1, clock);
            telling.knows(name_server);
            telling
        });
        let (run, open, front_end, receipts, ended) = (name_server.run, None, None, Vec::new(), None);
        Ok(Self { customer, run, open, front_end, receipts, telling, seat, ended })
    }

    /// The customer of a machine that has joined a cluster elsewhere.
    pub fn elsewhere(customer: Arc<Customer>, wake: impl Fn() + Send + Sync + 'static) -> Self {
        customer.wake_with(wake);
        let (run, open, front_end, receipts) = (0, None, None, Vec::new());
        let (telling, seat, ended) = (None, None, None);
        Self { customer, run, open, front_end, receipts, telling, seat, ended }
    }

    /// Somebody has ended it: a sentence, said once.
    pub fn ended(&mut self) -> Option<String> {
        self.ended.take()
    }

    pub fn name(&self) -> String {
        self.customer.name.clone()
    }

    pub fn run(&self) -> u64 {
        self.run
    }

    pub fn receipts(&self) -> &[String] {
        &self.receipts
    }

    pub fn keep(&mut self, receipts: Vec<String>) {
        self.receipts = receipts;
    }

    pub fn waits(&self) -> bool {
        self.open.is_some()
    }

    /// For programs: who it is.
    pub fn begins(&self, voice: Voice) -> Result<(), Failure> {
        match voice.json {
            true => say_json(
                &json!({"change": "started", "name": self.customer.name, "id": self.customer.id.to_string(), "pid": std::process::id()}),
            ),
            false => Ok(()),
        }
    }

    pub fn order(&mut self, postcode: Postcode, items: Vec<String>) {
        self.open = Some(Open::new(Ask::Order { postcode, items: items.clone() }));
        let (customer, postcode) = (self.customer.id, postcode.to_string());
        self.customer.perform(CustomerCommand::PlaceOrder { customer, postcode, items });
    }

    pub fn read(&mut self, postcode: Postcode) {
        self.open = Some(Open::new(Ask::History { postcode, page: 0 }));
        self.read_page(postcode, 0);
    }

    fn read_page(&self, postcode: Postcode, page: u32) {
        let (customer, postcode) = (self.customer.id, postcode.to_string());
        self.customer.perform(CustomerCommand::ReadHistory { customer, postcode, page });
    }

    /// An order is withdrawn, and the answer tells what became of it; a question is just not waited for any longer.
    pub fn cancel(&mut self) {
        let Some(open) = &mut self.open else { return };
        open.said = None;
        let is_read = matches!(open.ask, Ask::History { .. });
        if !std::mem::replace(&mut open.withdrawn, true) {
            self.customer.perform(CustomerCommand::GiveUp { customer: self.customer.id });
        }
        if is_read {
            self.open = None;
        }
    }

    /// The person leaves, or the cluster is gone: what is said of the request that waits.
    pub fn lost(&mut self) -> Option<String> {
        match self.open.take()?.ask {
            Ask::Order { postcode, items } => Some(wording::left_before_the_answer(&items, postcode)),
            Ask::History { .. } | Ask::Withdraw => None,
        }
    }

    /// Tells what has happened, and if nothing has for long, why.
    pub fn look(&mut self, prompt: &mut Prompt, voice: Voice, place: Option<&MeetingPlace>) -> Result<(), Failure> {
        let facts = self.customer.take_facts();
        for record in &facts {
            self.fact(record, prompt, voice)?;
        }
        if let Some(telling) = &mut self.telling {
            telling.hear(facts, 0)?;
            telling.tell()?;
        }
        self.speak_of_waiting(prompt, voice, place)
    }

    fn fact(&mut self, record: &TraceRecord, prompt: &mut Prompt, voice: Voice) -> Result<(), Failure> {
        match &record.event {
            TraceEvent::Node(NodeEvent::Asked { request, ask, .. }) => {
                if let Some(open) = self.open.as_mut().filter(|_| *ask != Ask::Withdraw) {
                    open.request = Some(*request);
                }
                if voice.json {
                    say_json(&asked(*request, ask, record.at))?;
                }
                Ok(())
            }
            TraceEvent::Node(NodeEvent::Answered { answer, took, .. }) => {
                self.answered(answer, *took, record.at, prompt, voice)
            }
            TraceEvent::Node(NodeEvent::State(NodeState::Customer { front_end, why, .. })) => {
                self.front_end = *front_end;
                if let Some(open) = &mut self.open {
                    open.why = why.map(|(why, _)| why);
                }
                Ok(())
            }
            TraceEvent::Launcher(LauncherEvent::CommandRefused { why }) => {
                self.open = None;
                let words = wording::denial(why, |id| id.to_string());
                say_as("refused", &words, prompt, voice)
            }
            TraceEvent::Launcher(LauncherEvent::Ended { how: Ending::Crashed, .. }) => {
                self.ended = Some(wording::CUSTOMER_CRASHED.to_owned());
                Ok(())
            }
            TraceEvent::Launcher(_) | TraceEvent::Node(_) | TraceEvent::Machine(_) => Ok(()),
        }
    }

    fn answered(
        &mut self,
        answer: &Answer,
        took: u64,
        at: u64,
        prompt: &mut Prompt,
        voice: Voice,
    ) -> Result<(), Failure> {
        let Some(mut open) = self.open.take() else { return Ok(()) };
        let (kind, words, value) = match (answer, &open.ask) {
            (Answer::History(page), Ask::History { postcode, .. }) => {
                open.pages.extend(page.orders.iter().cloned());
                // Full pages never change again, so the last one decides when the whole list was read.
                if page.orders.len() == PAGE && (open.pages.len() as u64) < page.total {
                    self.read_page(*postcode, (open.pages.len() / PAGE) as u32);
                    self.open = Some(open);
                    return Ok(());
                }
                let names: Vec<String> = open.pages.iter().map(name).collect();
                ("ok", wording::history_of(*postcode, &open.pages), json!(names))
            }
            (Answer::Outcome(outcome), Ask::Order { postcode, items }) => {
                if let Outcome::Placed { number } = outcome {
                    self.receipts.push(wording::receipt(*number, items, *postcode));
                }
                let kind = if matches!(outcome, Outcome::Placed { .. }) { "ok" } else { "fail" };
                (kind, wording::what_became(outcome, items, *postcode, took, open.withdrawn), order_value(&open))
            }
            (Answer::Expired, Ask::Order { items, postcode }) => {
                ("info", wording::forgotten(items, *postcode), order_value(&open))
            }
            // No primary answers so.
            (Answer::History(_) | Answer::Outcome(_) | Answer::Expired, _) => return Ok(()),
        };
        match voice.json {
            true => {
                let f = if matches!(open.ask, Ask::History { .. }) { "read" } else { "place" };
                say_json(&json!({"change": "answered", "type": kind, "f": f, "value": value, "at": at, "what": words}))
            }
            false => prompt.say(&words),
        }
    }

    fn speak_of_waiting(
        &mut self,
        prompt: &mut Prompt,
        voice: Voice,
        place: Option<&MeetingPlace>,
    ) -> Result<(), Failure> {
        let Some(open) = self.open.as_mut().filter(|open| open.since.elapsed() >= PATIENCE) else { return Ok(()) };
        let words = match (&open.ask, open.why, self.front_end) {
            (Ask::Order { postcode, .. }, Some(why), _) => wording::still_waits_because(why, *postcode),
            (_, _, front_end) => {
                let lacking = place.map(lacking).unwrap_or_default();
                wording::still_waits(&lacking, front_end.is_some(), open.withdrawn)
            }
        };
        if open.said.as_ref() == Some(&words) {
            return Ok(());
        }
        open.said = Some(words.clone());
        say_as("waits", &words, prompt, voice)
    }
}

impl Seated {
    /// Its card goes; another customer of this process may show one.
    pub fn vacate(&mut self) {
        if let Some(seat) = self.seat.take() {
            seat.leave_for_good();
        }
    }
}

impl Drop for Seated {
    fn drop(&mut self) {
        self.vacate();
    }
}

/// The nodes that are missing, though without them nobody is served.
fn lacking(place: &MeetingPlace) -> Vec<String> {
    let others = place.living_nodes();
    let lacks = |role| others.iter().all(|card| card.role != role);
    let cluster = place.name().to_string();
    let lacking = wording::waits_for_nodes(Role::Customer, lacks(Role::FrontEnd), lacks(Role::Replica), &cluster);
    lacking.into_iter().map(|(_, words)| words).collect()
}

fn say_as(change: &str, words: &str, prompt: &mut Prompt, voice: Voice) -> Result<(), Failure> {
    if voice.json { voice.say(change, words) } else { prompt.say(words) }
}

fn asked(request: RequestId, ask: &Ask, at: u64) -> Value {
    let f = match ask {
        Ask::Order { .. } => "place",
        Ask::History { .. } => "read",
        Ask::Withdraw => "withdraw",
    };
    let postcode = match ask {
        Ask::Order { postcode, .. } | Ask::History { postcode, .. } => Some(postcode.to_string()),
        Ask::Withdraw => None,
    };
    json!({"change": "asked", "f": f, "value": order_name(request), "postcode": postcode, "at": at})
}

fn order_value(open: &Open) -> Value {
    open.request.map_or(Value::Null, |request| order_name(request).into())
}
