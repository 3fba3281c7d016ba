//! What a phone is shown, as JSON: its customer's order and receipts as the picture has them, and what it may vote on.
//!
//! It is made anew only when something has changed: two hundred phones are looked at in each frame. Every text in it is shown as text
//! by the page, and never as markup.

use knowledge::picture::{Customer, Picture, Service};
use node::gazetteer::Gazetteer;
use protocol::ids::RequestId;
use protocol::message::{Ask, WaitReason};
use protocol::order_book::{OrderId, PAGE};
use protocol::postcode::Postcode;
use serde::Serialize;
use wording::Became;

use crate::phones::{Life, Phone};
use crate::{Ballot, LARGEST_NUMBER, Voting};

/// Receipts on a phone, the newest.
const MOST_RECEIPTS: usize = 12;

/// What holds for all phones in one frame.
pub(crate) struct Circumstances<'a> {
    orders: bool,
    stopped: bool,
    serves: bool,
    ballot: Option<&'a Ballot>,
}

impl<'a> Circumstances<'a> {
    pub fn of(picture: &Picture, orders: bool, ballot: Option<&'a Ballot>) -> Self {
        let serves = matches!(picture.service(), Service::Serving { .. });
        Self { orders, stopped: picture.steering.is_stopped(picture.now), serves, ballot }
    }
}

/// Everything that a page is made of: if none of it has changed, the page has not.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    life: Life,
    postcode: Postcode,
    orders: bool,
    pending: Option<Ask>,
    open: Option<(RequestId, Ask, bool, Option<WaitReason>)>,
    /// While it waits: whether time stands still, and whether orders are answered.
    around: Option<(bool, bool)>,
    receipts: (usize, Option<RequestId>),
    history: Option<(Postcode, u32, u64, Option<OrderId>)>,
    trouble: Option<&'static str>,
    ended: Option<String>,
    ballot: Option<(String, Voting, Option<u64>)>,
}

impl Seen {
    pub fn of(phone: &Phone, customer: Option<&Customer>, now: &Circumstances<'_>) -> Self {
        let waiting = customer.and_then(|customer| customer.waiting.as_ref());
        let open = |waiting: &knowledge::picture::Waiting| {
            (waiting.request, waiting.ask.clone(), waiting.giving_up, waiting.why.map(|(why, _)| why))
        };
        let receipts =
            customer.map(|customer| (customer.receipts.len(), customer.receipts.back().map(|receipt| receipt.request)));
        let history = customer.and_then(|customer| customer.history.as_ref());
        Self {
            life: phone.life,
            postcode: phone.postcode,
            orders: now.orders,
            pending: phone.pending.as_ref().map(|(ask, _)| ask.clone()),
            open: waiting.map(open),
            around: waiting.map(|_| (now.stopped, now.serves)),
            receipts: receipts.unwrap_or_default(),
            history: history.map(|it| (it.postcode, it.page, it.total, it.orders.last().map(|order| order.id))),
            trouble: phone.trouble,
            ended: phone.ended.clone(),
            ballot: now.ballot.map(|ballot| (ballot.id.clone(), ballot.standing, phone.choice)),
        }
    }

    /// What was waited for.
    pub fn open(self) -> Option<Ask> {
        self.open.map(|(_, ask, ..)| ask)
    }
}

#[derive(Serialize)]
struct Shown<'a> {
    version: u64,
    joined: bool,
    name: &'a str,
    postcode: String,
    place: String,
    /// Why there can be no order now.
    closed: Option<&'a str>,
    trouble: Option<&'a str>,
    open: Option<Open>,
    receipts: Vec<Told>,
    history: Option<History>,
    ballot: Option<Vote<'a>>,
}

#[derive(Serialize)]
struct Open {
    became: Became,
    words: String,
    why: String,
    /// Whether the person can cancel it.
    cancels: bool,
}

#[derive(Serialize)]
struct Told {
    became: Became,
    words: String,
}

#[derive(Serialize)]
struct History {
    postcode: String,
    words: String,
    lines: Vec<String>,
    page: u32,
    pages: u64,
}

#[derive(Serialize)]
struct Vote<'a> {
    id: &'a str,
    question: &'a str,
    text: &'a str,
    choices: Vec<Choice<'a>>,
    /// Where a number is asked for: the largest one.
    largest: Option<u64>,
    open: bool,
    mine: Option<u64>,
    outcome: Option<String>,
}

#[derive(Serialize)]
struct Choice<'a> {
    letter: &'a str,
    text: &'a str,
}

/// The page of a phone.
pub(crate) fn shown(
    version: u64,
    phone: &Phone,
    customer: Option<&Customer>,
    picture: &Picture,
    now: &Circumstances<'_>,
) -> String {
    let closed = match phone.life {
        _ if !now.orders => Some(wording::ROOM_LESSON_RUNS),
        Life::Lives(_) => None,
        Life::Wanted | Life::AskedFor(_) => Some(wording::ROOM_COMING),
    };
    let shown = Shown {
        version,
        joined: true,
        name: &phone.name,
        postcode: phone.postcode.to_string(),
        place: Gazetteer::get().place_name(phone.postcode),
        closed,
        trouble: phone.trouble,
        open: open(phone, customer, picture),
        receipts: receipts(phone, customer),
        history: customer.and_then(history),
        ballot: now.ballot.map(|ballot| vote(ballot, phone.choice)),
    };
    written(&shown)
}

/// The last page of a phone that has to join again.
pub(crate) fn goodbye(version: u64, why: &str) -> String {
    written(&serde_json::json!({"version": version, "joined": false, "trouble": why}))
}

/// Texts and numbers always can be written.
fn written(shown: &impl Serialize) -> String {
    serde_json::to_string(shown).unwrap_or_default()
}

fn open(phone: &Phone, customer: Option<&Customer>, picture: &Picture) -> Option<Open> {
    let became = Became::Waiting;
    if let Some((ask, _)) = &phone.pending {
        return Some(Open { became, words: wording::phone_asked(ask), why: String::new(), cancels: false });
    }
    let waiting = customer?.waiting.as_ref()?;
    let (words, why) = (wording::phone_asked(&waiting.ask), wording::phone_waits(waiting, picture));
    Some(Open { became, words, why, cancels: !waiting.giving_up })
}

fn receipts(phone: &Phone, customer: Option<&Customer>) -> Vec<Told> {
    let ended = phone
        .ended
        .as_ref()
        .map(|order| Told { became: Became::Unknown, words: format!("{order}: {}", wording::ROOM_CLUSTER_ENDED) });
    let of_customer = customer.into_iter().flat_map(|customer| customer.receipts.iter().rev());
    let told = of_customer.take(MOST_RECEIPTS).map(|receipt| {
        let (became, words) = wording::phone_receipt(receipt);
        Told { became, words }
    });
    ended.into_iter().chain(told).collect()
}

fn history(customer: &Customer) -> Option<History> {
    let page = customer.history.as_ref()?;
    Some(History {
        postcode: page.postcode.to_string(),
        words: wording::phone_history(page),
        lines: page.orders.iter().map(wording::phone_history_line).collect(),
        page: page.page,
        pages: page.total.div_ceil(PAGE as u64),
    })
}

fn vote(ballot: &Ballot, mine: Option<u64>) -> Vote<'_> {
    let name = |vote: u64| match ballot.asks_for_a_number() {
        true => Some(vote.to_string()),
        false => ballot.choices.get(usize::try_from(vote).ok()?).map(|(letter, _)| letter.clone()),
    };
    let outcome = match ballot.standing {
        Voting::Open => None,
        Voting::Closed => Some(wording::ROOM_VOTE_CLOSED.to_owned()),
        Voting::Happened(what) => {
            Some(wording::phone_outcome(mine.and_then(name).as_deref(), what.and_then(name).as_deref()))
        }
    };
    Vote {
        id: &ballot.id,
        question: &ballot.question,
        text: &ballot.text,
        choices: ballot.choices.iter().map(|(letter, text)| Choice { letter, text }).collect(),
        largest: ballot.asks_for_a_number().then_some(LARGEST_NUMBER),
        open: ballot.standing == Voting::Open,
        mine,
        outcome,
    }
}
