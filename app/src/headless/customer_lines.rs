//! `customer --lines`: a customer of a cluster in another process, for programs that know nothing but JSON lines.
//!
//! A line in is a request, {"op":1,"f":"place","postcode":"DH1 3LE","items":["Pad thai"]} or {"op":2,"f":"read",…}; a line out
//! its answer: ok (done), fail (certainly not done), info (nobody knows, with what is known of why). One request at a time,
//! like any customer.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::time::{Duration, Instant};

use protocol::ids::{RequestId, Span};
use protocol::menu::check_items;
use protocol::message::{Answer, Ask, WaitReason};
use protocol::order_book::{Outcome, PAGE};
use protocol::postcode::Postcode;
use protocol::text::without_invisible;
use serde::Deserialize;
use serde_json::{Value, json};

use super::lines::{self, Line};
use super::order_names::{name, order_name};
use super::{Exit, Failure, by_hand, say_json, status_socket};
use cluster::by_hand::meeting_place::ClusterName;
use cluster::interrupt::Interrupt;
use cluster::load::{Load, Moment, Workload};
use wording::{self, wait_reason};

/// This many lines are read before the first of them is answered.
const READ_AHEAD: usize = 16;

/// Of which cluster.
#[derive(Debug, clap::Args)]
pub struct CustomerArguments {
    /// The folder of the run, as given or printed by `cluster`. Without it: the cluster whose processes were started by hand.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// The name of a cluster that was started by hand.
    #[arg(long, value_name = "NAME", default_value_t, env = "JUST_HUNGRY_CLUSTER", conflicts_with = "dir")]
    cluster: ClusterName,
    /// Requests and answers are JSON lines. This option is required.
    #[arg(long)]
    lines: bool,
    /// Wait this long for an answer, in milliseconds; after that, the answer is "info" (unknown). A history of several pages
    /// counts as one request.
    #[arg(long, value_name = "MS", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=3_600_000))]
    deadline: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestLine {
    op: u64,
    f: Function,
    postcode: String,
    #[serde(default)]
    items: Vec<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Function {
    Place,
    Read,
}

pub(super) fn perform(arguments: &CustomerArguments, interrupt: &Interrupt) -> Result<Exit, Failure> {
    if !arguments.lines {
        return Err(Failure::BadInput("Add --lines: requests and answers are JSON, one per line.".into()));
    }
    let mut customer = Customer::new(arguments, interrupt)?;
    let (sender, lines) = sync_channel(READ_AHEAD);
    let end = sender.clone();
    // If there is no room, there is a line to wake up for.
    interrupt.when_asked(move || drop(end.try_send(None)));
    lines::of_standard_input(move |line| sender.send(line).is_ok())?;
    while !interrupt.is_asked()
        && let Ok(Some(line)) = lines.recv()
    {
        let answer = match line {
            Line::Words(words) => customer.answer(&words)?,
            Line::Blank => continue,
            Line::Bad(why) => no_request(Value::Null, &why),
        };
        say_json(&answer)?;
        if interrupt.is_asked() && answer["type"] == "info" {
            return Ok(Exit::Undecided);
        }
    }
    Ok(Exit::Holds)
}

/// `op`: as the line says, if it says that much.
fn no_request(op: Value, why: &str) -> Value {
    json!({"op": op, "type": "fail", "why": format!("not a request: {why}")})
}

fn op_of(words: &str) -> Value {
    let line = serde_json::from_str::<Value>(words).unwrap_or_default();
    line.get("op").filter(|op| op.is_u64()).cloned().unwrap_or_default()
}

/// One customer; after an unknown outcome it goes on as a new customer.
struct Customer {
    load: Load<OneByOne>,
    orders: Sender<(Ask, Moment)>,
    events: Receiver<Event>,
    begun: Instant,
    deadline: Duration,
}

enum Event {
    Asked(RequestId),
    Answered(Answer),
    WaitedBecause(WaitReason, Span),
    Unknown,
    /// The program was interrupted.
    Interrupted,
}

struct Exchanged {
    id: Option<RequestId>,
    /// None: it took too long.
    answer: Option<Answer>,
    /// What the primary said of that.
    why: Option<(WaitReason, Span)>,
}

impl Exchanged {
    /// Why there is no answer.
    fn why(&self, postcode: Postcode) -> String {
        match self.why {
            Some((why, waited)) => format!("{}, for {} s", wait_reason(why, postcode), waited.0 / 1_000_000),
            None => "no answer in time, and no reason is known".into(),
        }
    }
}

impl Customer {
    fn new(arguments: &CustomerArguments, interrupt: &Interrupt) -> Result<Self, Failure> {
        let admission = match &arguments.dir {
            Some(dir) => {
                status_socket::admission(dir).map_err(|error| Failure::BadInput(node::error_text::chain(&error)))?
            }
            None => by_hand::admission(&arguments.cluster)?,
        };
        let (orders, waiting) = channel();
        let (tell, events) = channel();
        let interrupted = tell.clone();
        // Nobody listens any more only when the command ends.
        interrupt.when_asked(move || drop(interrupted.send(Event::Interrupted)));
        let workload = OneByOne { waiting, until: Moment::MAX, tell };
        let begun = Instant::now();
        let load = Load::start(admission, 1, None, begun, workload)?;
        Ok(Self { load, orders, events, begun, deadline: Duration::from_millis(arguments.deadline) })
    }

    fn answer(&mut self, words: &str) -> Result<Value, Failure> {
        let until = self.begun.elapsed() + self.deadline;
        match serde_json::from_str(words) {
            Ok(request) => self.ask(request, until),
            Err(error) => Ok(no_request(op_of(words), &error.to_string())),
        }
    }

    fn ask(&mut self, request: RequestLine, until: Moment) -> Result<Value, Failure> {
        let op = request.op;
        let refuse = |why: String| Ok(json!({"op": op, "type": "fail", "why": why}));
        let postcode: Postcode = match request.postcode.parse() {
            Ok(postcode) => postcode,
            Err(error) => return refuse(error.to_string()),
        };
        match request.f {
            Function::Place => {
                let items: Vec<_> = request.items.iter().map(|item| without_invisible(item)).collect();
                match check_items(&items) {
                    Err(error) => refuse(error.to_string()),
                    Ok(()) => self.place(op, postcode, items, until),
                }
            }
            Function::Read => self.read(op, postcode, until),
        }
    }

    fn place(&mut self, op: u64, postcode: Postcode, items: Vec<String>, until: Moment) -> Result<Value, Failure> {
        let exchanged = self.exchange(Ask::Order { postcode, items }, until)?;
        let value = exchanged.id.map(order_name);
        Ok(match exchanged.answer {
            Some(Answer::Outcome(Outcome::Placed { number })) => {
                json!({"op": op, "type": "ok", "f": "place", "value": value, "number": number.0})
            }
            Some(Answer::Outcome(Outcome::Rejected { why })) => {
                json!({"op": op, "type": "fail", "f": "place", "value": value, "why": wording::rejection(&why)})
            }
            Some(Answer::Outcome(Outcome::NeverPlaced) | Answer::History(_)) => {
                json!({"op": op, "type": "fail", "f": "place", "value": value, "why": "never placed"})
            }
            Some(Answer::Expired) => {
                let why = exchanged.id.map_or_else(|| wording::EXPIRED.into(), |id| wording::expired(id.number));
                json!({"op": op, "type": "info", "f": "place", "value": value, "why": why})
            }
            None => json!({"op": op, "type": "info", "f": "place", "value": value, "why": exchanged.why(postcode)}),
        })
    }

    fn read(&mut self, op: u64, postcode: Postcode, until: Moment) -> Result<Value, Failure> {
        let mut value = Vec::new();
        for page in 0.. {
            let exchanged = self.exchange(Ask::History { postcode, page }, until)?;
            let Some(Answer::History(page)) = exchanged.answer else {
                return Ok(json!({"op": op, "type": "info", "f": "read", "why": exchanged.why(postcode)}));
            };
            value.extend(page.orders.iter().map(name));
            // Full pages never change again, so the last one decides when the whole list was read.
            if page.orders.len() < PAGE || value.len() as u64 >= page.total {
                return Ok(json!({"op": op, "type": "ok", "f": "read", "value": value}));
            }
        }
        Ok(json!({"op": op, "type": "info", "f": "read"}))
    }

    /// Asks, and waits for the answer until that moment at most.
    fn exchange(&mut self, ask: Ask, until: Moment) -> Result<Exchanged, Failure> {
        let gone = || Failure::Fault(anyhow::anyhow!("the customer's thread ended unexpectedly"));
        self.orders.send((ask, until)).map_err(|_| gone())?;
        self.load.nudge();
        let mut exchanged = Exchanged { id: None, answer: None, why: None };
        loop {
            match self.events.recv().map_err(|_| gone())? {
                Event::Asked(request) => exchanged.id = Some(request),
                Event::WaitedBecause(why, waited) => exchanged.why = Some((why, waited)),
                Event::Answered(answer) => return Ok(Exchanged { answer: Some(answer), ..exchanged }),
                Event::Unknown | Event::Interrupted => return Ok(exchanged),
            }
        }
    }
}

/// Asks what comes in, and passes on what is answered.
struct OneByOne {
    waiting: Receiver<(Ask, Moment)>,
    /// How long the customer waits for what it asked last.
    until: Moment,
    tell: Sender<Event>,
}

impl OneByOne {
    fn tell(&self, event: Event) {
        // Nobody listens any more only when the command ends.
        let _ = self.tell.send(event);
    }
}

impl Workload for OneByOne {
    fn next(&mut self, _place: usize, id: RequestId, _now: Moment) -> Option<Ask> {
        let (ask, until) = self.waiting.try_recv().ok()?;
        self.until = until;
        self.tell(Event::Asked(id));
        Some(ask)
    }

    fn answered(&mut self, _place: usize, answer: Answer, _now: Moment) {
        self.tell(Event::Answered(answer));
    }

    fn waited_because(&mut self, _place: usize, why: WaitReason, waited: Span) {
        self.tell(Event::WaitedBecause(why, waited));
    }

    fn unknown(&mut self, _place: usize, _now: Moment) {
        self.tell(Event::Unknown);
    }

    fn is_out_of_patience(&self, _place: usize, now: Moment) -> bool {
        now > self.until
    }

    fn waits_for_more(&self) -> bool {
        true
    }
}
