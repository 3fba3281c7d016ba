//! Every sentence of the window, in plain words: what happened, why, what to do.
//!
//! No drawing and no decisions; what the protocol and the launcher say in sentences of their own is shown as it is.

mod of_expectations;
mod of_files;
mod of_nodes;
mod of_past;
mod of_results;
mod of_service;
mod of_steering;
mod of_verdict;
pub mod search;

use protocol::ids::{NodeId, RequestNumber, Role, Span, View};
use protocol::machine::Timer;
use protocol::menu::menu;
use protocol::message::{Answer, Ask};
use protocol::order_book::Outcome;
use protocol::postcode::Verdict;
use protocol::trace::{Actor, Ending, LinkRule, Rate, Sign, Standing, Suspicion, TraceEvent};

use knowledge::picture::{LogLine, TotalLoss};

pub use of_expectations::{expected, seen, unmet};
pub use of_files::*;
pub use of_nodes::{
    concern, concern_in_short, customer_line, line, share_loaded, short_line, short_title, title, wait_reason,
    why_it_waits,
};
pub use of_past::{
    Light, ONLY_A_TAPE, PAST_REFUSES, PLAY_MEANS, SCRUB_HINT, SEARCH_HINT, TAPE_REFUSES, light_named, lights,
    shown_part,
};
pub use of_results::*;
pub use of_service::{denial, loss, no_service, orders_wait};
pub use of_steering::*;
pub use of_verdict::{ToldVerdict, contradiction, told_verdict};

/// Why they do is told where there is more room.
pub const ORDERS_WAIT: &str = "Orders wait";
/// All members of the newest view are gone, in as many words as there is room for.
pub const ALL_MEMBERS_GONE: [&str; 3] = ["All members of the view are gone", "All members gone", "All gone"];
/// A fresh start needs a replica.
pub const NOBODY_TO_BEGIN_WITH: &str = "No replica runs. Restart one first: the new history begins with what it holds.";
/// Explains a fresh start.
pub const FRESH_START_MEANS: &str = "Orders that only the crashed members held are lost, also those whose customers were \
                                     told that they are placed: the light “lost” turns red once somebody reads them. A new \
                                     history begins with what this replica holds; one that was restarted holds only its \
                                     pre-defined orders. Each customer’s first order afterwards is answered “expired”, \
                                     because nobody knows any more what it had ordered before.";

/// What is lost, and since when.
#[must_use]
pub fn total_loss(loss: &TotalLoss) -> String {
    let members = loss.members.iter().map(|name| &**name).collect::<Vec<_>>().join(", ");
    let orders = count(loss.acknowledged as usize, "acknowledged order", "acknowledged orders");
    format!(
        "All members of view {} ({members}) are gone since {} s. What only they held is lost: up to {orders}. Orders wait until \
         you begin a new history (fresh start).",
        loss.view.number,
        clock(loss.since)
    )
}

/// Nothing is known yet.
pub const STARTING: &str = "Starting";
/// What can be done with the canvas.
pub const CANVAS_HINT: &str =
    "Click a node to inspect it · right-click for more · drag to move · double-click the map to place a customer";
/// The same in a presentation, which has no inspector.
pub const CANVAS_HINT_PRESENTED: &str =
    "Click a node to choose it · right-click for more · drag to move · double-click the map to place a customer";
/// A customer was dropped beside the map.
pub const NO_ROOM_TO_ENLARGE: &str = "The window has no room for a larger size. Make the window larger first.";
/// The title of the page that takes the place of a window that cannot be drawn.
pub const BROKEN_TITLE: &str = "This window could not be drawn";
/// What that means.
pub const BROKEN_MEANS: &str = "This is a mistake in Just Hungry; please report it with the line below. The cluster goes on: all its processes run.";
/// Nothing had happened.
pub const NO_TAPE_SAVED: &str = "Nothing had happened yet, so no tape was saved.";

/// Where the tape of a window that broke down is.
#[must_use]
pub fn tape_saved(place: &std::path::Path) -> String {
    format!("Everything up to now is saved as {}. Open it with Menu, Open tape.", place.display())
}

/// Why it is nowhere.
#[must_use]
pub fn tape_not_saved(why: &str) -> String {
    format!("The tape could not be saved: {why}")
}

/// Why a customer was not moved.
pub const NOT_ON_THE_MAP: &str = "A customer lives on the map. Drop it there to move house.";
/// Nobody is chosen.
pub const NO_CUSTOMER: &str = "No customer yet. Double-click the map, or choose + Customer.";
/// Nothing is chosen.
pub const NOTHING_SELECTED: &str = "Click a node, a customer or a message to see what it says of itself.";
/// What the program is.
pub const ABOUT: &str = "Passive (primary-backup) replication on real processes, to be watched: order food, crash the \
                         primary, lose nothing.";
/// A postcode that was not asked about yet.
pub const POSTCODE_NOT_ASKED: &str = "The primary asks a postcode service when you order.";
/// What an order needs.
pub const ORDER_NEEDS: &str = "Choose at least one dish, and a postcode of the right shape.";
/// Why a customer that waits cannot order.
pub const ONE_AT_A_TIME: &str = "A customer has one order at a time. Wait for the answer, or give the order up.";
/// Explains giving up.
pub const GIVE_UP_MEANS: &str = "The order is settled: either it was placed, or it never will be.";
/// No notifications.
pub const NO_NOTICES: &str = "Nothing was refused so far.";
/// No order waits.
pub const NO_RECEIPTS: &str = "No orders yet.";
/// Explains the copies light.
pub const COPIES_MEANS: &str = "Replicas that stand at the same operation must hold the same: positions and digests, \
                                each computed by the replica itself, are compared.";
/// Explains the failover time.
pub const FAILOVER_MEANS: &str = "From the end of the last primary's process to the moment its successor acted.";
/// Explains the median.
pub const MEDIAN_MEANS: &str = "Half of the latest requests were answered within this time of the cluster's clock.";
/// All keys, each with what it does.
pub const SHORTCUTS: [(&str, &str); 29] = [
    ("Space", "let time go on, or stop it; play the past, or a tape"),
    ("→", "step: to the next message, else to the next timer"),
    ("Shift →", "run to the next numbered step"),
    ("Ctrl →", "run to the next view change"),
    ("1 2 3 4 5 6", "real time, 1/10, 1/30, 1/100, 1/300, 1/1000"),
    ("+, −", "faster, slower"),
    ("←, Home, End", "look back message by message, to the beginning, back to now"),
    ("Tab, Shift Tab", "go from one thing to the next"),
    ("Enter", "choose what has the focus"),
    ("Right click, Shift F10", "what can be done with a node, a customer, a message or a line"),
    ("Delete, C", "crash the selected node; Delete: drop a message, remove a customer"),
    ("R", "restart the selected node"),
    ("Z", "freeze or wake the selected node"),
    ("H", "hold the selected message, or let it go"),
    ("O, D", "let the selected message past others; duplicate it"),
    ("X, Alt drag", "draw a line that cuts every link it crosses"),
    ("M", "mend all links"),
    ("B", "truth and belief: what each node takes to be so"),
    ("L", "scenarios and unsafe lessons"),
    ("N", "one more replica"),
    ("Ctrl N", "new cluster: everything as it was when the program started"),
    ("Ctrl Enter", "place the order that is being put together"),
    ("F", "fit the map and put nodes back"),
    ("Arrows, Page up, Page down", "move and zoom the map while it has the focus"),
    ("P", "presentation"),
    ("T", "light, dark, or the system’s theme"),
    ("Ctrl +, Ctrl −, Ctrl 0", "larger, smaller, original size"),
    ("?, F1", "this list"),
    ("Esc", "close, leave a tool, or select nothing"),
];

/// "12.401": cluster time in seconds.
#[must_use]
pub fn clock(micros: u64) -> String {
    format!("{}.{:03}", micros / 1_000_000, micros / 1000 % 1000)
}

/// A length of time in the unit that suits it: "38 ms".
#[must_use]
pub fn duration(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..10_000 => format!("{:.1} ms", micros as f64 / 1e3),
        10_000..1_000_000 => format!("{} ms", micros / 1000),
        _ => format!("{:.1} s", micros as f64 / 1e6),
    }
}

/// How fast cluster time goes, as a sentence.
#[must_use]
pub fn speed(rate: Rate) -> String {
    match rate {
        Rate::STOPPED => "time stands still".into(),
        Rate::REAL => "time goes as it really does".into(),
        Rate(millionths) => format!("time goes at 1/{} of its speed", 1_000_000 / millionths.max(1)),
    }
}

/// What a link does: "is cut".
#[must_use]
pub fn link(rule: &LinkRule) -> String {
    if rule.is_mended() {
        return "is mended".into();
    }
    if rule.cut {
        return "is cut".into();
    }
    let mut does = Vec::new();
    if rule.hold {
        does.push("holds messages".to_owned());
    }
    if rule.delay.0 > 0 {
        does.push(format!("delays them by {}", duration(rule.delay.0)));
    }
    if rule.jitter.0 > 0 {
        does.push(format!("and by up to {} more at random", duration(rule.jitter.0)));
    }
    if rule.loss > 0 {
        does.push(format!("loses {} of 1000", rule.loss));
    }
    if rule.doubling > 0 {
        does.push(format!("doubles {} of 1000", rule.doubling));
    }
    does.join(", ")
}

/// What a suspicion goes by: "silent for 270 ms; my own loop was late by 180 ms".
#[must_use]
pub fn sign(why: Option<Sign>) -> String {
    match why {
        None => "silent".into(),
        Some(Sign::Silent { silence, late: Span(0) }) => format!("silent for {}", duration(silence.0)),
        Some(Sign::Silent { silence, late }) => {
            format!("silent for {}; {}", duration(silence.0), loop_was_late("my own", late))
        }
        Some(Sign::Gone) => "its port is closed, so its process is gone".into(),
        Some(Sign::Heard { late }) => format!("it spoke; {}", loop_was_late("its", late)),
    }
}

fn heard_again(who: &str, why: Option<Sign>) -> String {
    match why {
        Some(Sign::Heard { late }) if late.0 > 0 => format!("hears {who} again; {}", loop_was_late("its", late)),
        _ => format!("hears {who} again"),
    }
}

/// A suspicion of a front-end, from beginning to end.
#[must_use]
pub fn suspicion(suspicion: &Suspicion) -> String {
    let name = suspicion.name.clone().unwrap_or_else(|| suspicion.of.to_string());
    let begin = format!("suspected {name}: {}", sign(Some(suspicion.why)));
    match suspicion.refuted {
        None => begin,
        Some(Span(0)) => format!("{begin}. It was heard again"),
        Some(late) => format!("{begin}. It was heard again; {}", loop_was_late("its", late)),
    }
}

fn loop_was_late(whose: &str, by: Span) -> String {
    format!("{whose} loop was late by {}", duration(by.0))
}

/// What a timer is for.
#[must_use]
pub fn timer_name(timer: Timer, name: &dyn Fn(NodeId) -> String) -> String {
    match timer {
        Timer::Heartbeat => "heartbeat".into(),
        Timer::Autoclean => "cleaning of the registry".into(),
        Timer::Silence(node) => format!("silence of {}", name(node)),
        Timer::AskNameServer => "ask the name server".into(),
        Timer::ForwardAgain => "forward requests again".into(),
        Timer::MayPropose => "another view may be proposed".into(),
        Timer::FrontEndSilence => "silence of the front-end".into(),
        Timer::CheckAgain(request) => format!("ask about the postcode of {request} again"),
        Timer::RetryRequest => "send the request again".into(),
    }
}

/// "3 items".
#[must_use]
pub fn count(number: usize, one: &str, several: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {several}") }
}

/// What a process is, in a word.
#[must_use]
pub fn actor(actor: Actor) -> String {
    match actor {
        Actor::Role(Role::NameServer) => "name server".into(),
        Actor::Role(Role::FrontEnd) => "front-end".into(),
        Actor::Role(Role::Replica) => "replica".into(),
        Actor::Role(Role::Customer) => "customer".into(),
        Actor::Service(service) => format!("stand-in for {service}"),
    }
}

/// What a replica is, in a word.
#[must_use]
pub fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Joining => "joining",
        Standing::Backup => "backup",
        Standing::Primary => "primary",
    }
}

/// "Margherita pizza, 2 × Garlic naan".
#[must_use]
pub fn dishes(items: &[String]) -> String {
    let mut counted: Vec<(&str, usize)> = Vec::new();
    for item in items {
        match counted.iter_mut().find(|(name, _)| name == item) {
            Some((_, number)) => *number += 1,
            None => counted.push((item, 1)),
        }
    }
    let words = counted.iter().map(|(name, number)| match number {
        1 => (*name).to_owned(),
        _ => format!("{number} × {name}"),
    });
    words.collect::<Vec<_>>().join(", ")
}

/// What the dishes cost: "£12.50".
#[must_use]
pub fn price(items: &[String]) -> String {
    let pence: u32 =
        items.iter().filter_map(|item| menu().iter().find(|dish| dish.name == item)).map(|d| d.pence).sum();
    format!("£{}.{:02}", pence / 100, pence % 100)
}

/// What a customer is told whose session was evicted.
pub const EXPIRED: &str = "expired: whether it was placed is not known any more";

/// The same, of the customer's order with this number.
#[must_use]
pub fn expired(order: RequestNumber) -> String {
    format!(
        "expired: whether order {order} was placed is not known any more. Read the history of the postcode; if it is not \
         there, order again"
    )
}

/// What became of an order; none: that is not known any more.
#[must_use]
pub fn outcome(outcome: Option<&Outcome>) -> String {
    let Some(outcome) = outcome else { return EXPIRED.into() };
    match outcome {
        Outcome::Placed { number } => format!("#{number} placed"),
        Outcome::Rejected { why } => format!("rejected: {why}"),
        Outcome::NeverPlaced => "given up, never placed".into(),
    }
}

/// What a service said of a postcode.
#[must_use]
pub fn verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Valid { place: Some(place), .. } => place.clone(),
        Verdict::Valid { place: None, by } => format!("exists ({by})"),
        Verdict::Invalid { why, .. } => why.clone(),
        Verdict::NobodyAnswers => "No postcode service answers; the primary goes on asking.".into(),
    }
}

/// What a customer asks for, briefly.
#[must_use]
pub fn ask(ask: &Ask) -> String {
    match ask {
        Ask::Order { postcode, items } => format!("orders {} to {postcode}", dishes(items)),
        Ask::History { postcode, .. } => format!("asks for the history of {postcode}"),
        Ask::Withdraw => "gives its order up".into(),
    }
}

/// How a line of the log is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// A message, a wish.
    Plain,
    /// Something was settled well.
    Good,
    /// Something ended, was refused or lost.
    Bad,
}

/// A line of the log: a sentence without its subject.
#[must_use]
pub fn line_of_log(line: &LogLine) -> (Weight, String) {
    let name = |id: NodeId| line.other.as_deref().map_or_else(|| id.to_string(), str::to_owned);
    log_line(&line.event, &name).unwrap_or((Weight::Plain, String::new()))
}

/// The line that a fact leaves in the log, if any; `name` tells what people call a node.
pub fn log_line(event: &TraceEvent, name: &dyn Fn(NodeId) -> String) -> Option<(Weight, String)> {
    let plain = |text: String| Some((Weight::Plain, text));
    let good = |text: String| Some((Weight::Good, text));
    let bad = |text: String| Some((Weight::Bad, text));
    match event {
        TraceEvent::Started(started) if started.actor == Actor::Role(Role::Customer) => None,
        TraceEvent::Started(started) => {
            good(format!("started as process {} at {}", started.pid, started.contact.address))
        }
        TraceEvent::Ended { how: Ending::Crashed, words } => bad(with_words("crashed", words)),
        TraceEvent::Ended { how: Ending::Removed, .. } => bad("was removed".into()),
        TraceEvent::Ended { how: Ending::Exited, words } => bad(with_words("ended by itself", words)),
        TraceEvent::Sent { to, facts, .. } => {
            let step = facts.step.map_or_else(String::new, |step| format!("[{}] ", step.0));
            plain(format!("{step}{} → {}", facts.label, name(*to)))
        }
        TraceEvent::Lost { to, why, .. } => bad(format!("message to {} lost: {}", name(*to), loss(why))),
        TraceEvent::Refused { from, why } => bad(format!("from {}: {why}", name(*from))),
        TraceEvent::Became { standing, view } => Some(became(*standing, view)),
        TraceEvent::Committed { op } => good(format!("committed operation {op}")),
        TraceEvent::TookIn { replica } => good(format!("took {} in: answers now need it", name(*replica))),
        TraceEvent::Suspects { replica, suspected: true, why } => {
            bad(format!("suspects {}: {}", name(*replica), sign(*why)))
        }
        TraceEvent::Suspects { replica, suspected: false, why } => plain(heard_again(&name(*replica), *why)),
        TraceEvent::PostcodeAnswered { from, verdict: said, took, .. } => {
            plain(format!("{} said in {}: {}", name(*from), duration(*took), verdict(said)))
        }
        TraceEvent::Asked { ask: asked, .. } => plain(ask(asked)),
        TraceEvent::Answered { answer: Answer::Outcome(Outcome::Rejected { why }), .. } => {
            bad(format!("order rejected: {why}"))
        }
        TraceEvent::Answered { answer: Answer::Outcome(became), took, .. } => {
            good(format!("{} after {}", outcome(Some(became)), duration(*took)))
        }
        TraceEvent::Answered { answer: Answer::Expired, .. } => bad(EXPIRED.into()),
        TraceEvent::Answered { answer: Answer::History(page), .. } => {
            plain(format!("read the history of {}: {}", page.postcode, count(page.total as usize, "order", "orders")))
        }
        TraceEvent::CustomerIs { postcode, .. } => plain(format!("lives at {postcode}")),
        TraceEvent::HopIs { hop: 0 } => plain("messages travel in real time".into()),
        TraceEvent::HopIs { hop } => plain(format!("each hop lasts {}", duration(*hop))),
        TraceEvent::ClockIs { rate, .. } => plain(speed(*rate)),
        TraceEvent::LinkIs { from, to, rule } => plain(format!("the link from {from} to {to} {}", link(rule))),
        TraceEvent::PlantIs { plant: Some(plant) } => bad(format!("unsafe lesson: {}", plant.sentence())),
        TraceEvent::PlantIs { plant: None } => good("no mistake is made on purpose any more".into()),
        TraceEvent::HeartbeatsAre { shown: true } => plain("heartbeats are shown one by one".into()),
        TraceEvent::HeartbeatsAre { shown: false } => plain("heartbeats are only counted".into()),
        TraceEvent::Froze { .. } => bad("is frozen".into()),
        TraceEvent::Woke => plain("wakes".into()),
        TraceEvent::BombIs { bomb: Some(bomb) } => plain(format!("a bomb waits at {}", bomb.at)),
        TraceEvent::BombIs { bomb: None } => plain("no bomb waits here any more".into()),
        TraceEvent::Exploded { bomb } => bad(format!("the bomb went off at {}", bomb.at)),
        TraceEvent::Rang { timer } => plain(format!("timer rang: {}", timer_name(*timer, name))),
        TraceEvent::CommandRefused { why } => bad(denial(why, name)),
        TraceEvent::Log { text } => plain(text.clone()),
        // Its sending says it.
        TraceEvent::PostcodeAsked { .. }
        | TraceEvent::Delivered { .. }
        | TraceEvent::Stays { .. }
        | TraceEvent::Timers { .. }
        | TraceEvent::State(_)
        | TraceEvent::Crowd(_)
        | TraceEvent::Flow { .. }
        | TraceEvent::Orders { .. } => None,
    }
}

fn became(standing: Standing, view: &View) -> (Weight, String) {
    match standing {
        Standing::Primary if view.begins_at.is_some() => {
            let lost = "what only the lost members held is gone";
            (Weight::Bad, format!("begins a new history as primary of view {}: {lost}", view.number))
        }
        Standing::Primary => (Weight::Good, format!("is primary of view {}", view.number)),
        Standing::Backup => (Weight::Plain, format!("is backup in view {}", view.number)),
        Standing::Joining => (Weight::Plain, "is joining".into()),
    }
}

fn with_words(what: &str, words: &str) -> String {
    if words.is_empty() { what.to_owned() } else { format!("{what}: {words}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dishes_are_counted_and_priced() {
        let items = ["Garlic naan", "Pad thai", "Garlic naan"].map(String::from);
        assert_eq!(dishes(&items), "2 × Garlic naan, Pad thai");
        assert_eq!(price(&items), "£16.90");
    }

    #[test]
    fn times_have_the_unit_that_suits_them() {
        assert_eq!([640, 1_500, 38_000, 1_250_000].map(duration), ["640 µs", "1.5 ms", "38 ms", "1.2 s"]);
        assert_eq!(clock(12_401_900), "12.401");
    }
}
