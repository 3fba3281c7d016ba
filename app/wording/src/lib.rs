//! Every sentence of the window, in plain words: what happened, why, what to do.
//!
//! No drawing and no decisions; what the protocol and the launcher say in sentences of their own is shown as it is.

#![expect(missing_docs, reason = "a field or variant whose name says it all has no line")]

pub mod narrator;
mod of_copies;
mod of_disks;
mod of_expectations;
mod of_facts;
mod of_files;
mod of_lessons;
mod of_machines;
mod of_messages;
mod of_nodes;
mod of_past;
mod of_recording;
mod of_results;
mod of_room;
mod of_service;
mod of_set_ups;
mod of_steering;
mod of_terminals;
mod of_terms;
mod of_verdict;
pub mod own_steps;
pub mod search;

use protocol::ids::{NodeId, RequestNumber, Role, Span};
use protocol::machine::Timer;
use protocol::menu::menu;
use protocol::message::{Ask, Step};
use protocol::order_book::{Outcome, Rejection};
use protocol::postcode::Verdict;
use protocol::trace::{Actor, LinkRule, Rate, Sign, Standing, Suspicion};

use knowledge::picture::TotalLoss;

pub use of_copies::*;
pub use of_disks::{
    CUT_MEANS, CUT_THE_POWER, DISK_MENU, DISK_MENU_MEANS, DURABLE_CHOICE, POWER_ON, disk_line, disk_state,
    disk_trouble, make_disk, power_is_off,
};
pub use of_expectations::{expected, seen, unmet};
pub use of_facts::{Weight, line_of_log, log_line};
pub use of_files::*;
pub use of_lessons::*;
pub use of_machines::*;
pub use of_messages::{label, refusal, told};
pub use of_nodes::{
    concern, concern_in_short, customer_line, line, older_orders, receives, share_loaded, short_line, short_title,
    title, wait_reason, why_it_waits,
};
pub use of_past::{
    Light, ONLY_A_TAPE, PAST_REFUSES, PLAY_MEANS, SCRUB_HINT, SEARCH_HINT, TAPE_REFUSES, light_named, lights,
    shown_part,
};
pub use of_recording::*;
pub use of_results::*;
pub use of_room::*;
pub use of_service::{denial, keeping, loss, no_service, orders_wait};
pub use of_set_ups::{set_up_name, set_up_summary};
pub use of_steering::*;
pub use of_terminals::*;
pub use of_terms::{Term, Topic, capitalised, plant, step_name};
pub use of_verdict::{ToldVerdict, contradiction, told_verdict};

/// Why they do is told where there is more room.
pub const ORDERS_WAIT: &str = "Orders wait";
/// All members of the newest view are gone, in as many words as there is room for.
pub const ALL_MEMBERS_GONE: [&str; 3] = ["All members of the view are gone", "All members gone", "All gone"];
/// A fresh start needs a replica.
pub const NOBODY_TO_BEGIN_WITH: &str =
    "No replica is running. Restart one first: the new history begins with the orders it holds.";
/// Explains a fresh start.
pub const FRESH_START_MEANS: &str = "Orders that only the crashed members held are lost, even if their customers were told “placed”. The light “lost” turns red when a customer reads such a history. The new history begins with the orders this replica holds; a restarted replica holds only its pre-defined orders. Each customer’s first order afterwards is answered “expired”, because the record of earlier requests is lost too.";

/// What is lost, and since when.
pub fn total_loss(loss: &TotalLoss) -> String {
    let members = loss.members.iter().map(|name| &**name).collect::<Vec<_>>().join(", ");
    let orders = count(loss.acknowledged as usize, "acknowledged order", "acknowledged orders");
    format!(
        "All members of view {} ({members}) had ended by {} s. What only they held is lost: up to {orders}. Orders wait until you begin a new history (fresh start).",
        loss.view.number,
        clock(loss.since)
    )
}

/// What the narrator says before there is anything to tell.
pub const NOTHING_TOLD: &str = "The story appears here. Place an order to begin.";
/// What the time beside a sentence does.
pub const TO_ITS_MOMENT: &str = "Show this moment";
/// Nothing is known yet.
pub const STARTING: &str = "Starting";
/// What can be done with the canvas.
pub const CANVAS_HINT: &str =
    "Click a node to inspect it · right-click for more · drag to move · double-click the map to place a customer";
/// The same in a presentation, which has no inspector.
pub const CANVAS_HINT_PRESENTED: &str =
    "Click a customer to order, a node to choose it · right-click for more · double-click the map to place a customer";
/// A customer was dropped beside the map.
pub const NO_ROOM_TO_ENLARGE: &str = "There is no room for a larger size. Enlarge the window first.";
/// The title of the page that takes the place of a window that cannot be drawn.
pub const BROKEN_TITLE: &str = "This window could not be drawn";
/// What that means.
pub const BROKEN_MEANS: &str =
    "This is a fault in Just Hungry. Please report it with the line below. The cluster keeps running.";
/// Nothing had happened.
pub const NO_TAPE_SAVED: &str = "Nothing has happened yet, so no tape was saved.";

/// Where the tape of a window that broke down is.
pub fn tape_saved(place: &std::path::Path) -> String {
    format!("The run so far is saved as {}. To see it, choose Menu, Open tape.", place.display())
}

/// Why it is nowhere.
pub fn tape_not_saved(why: &str) -> String {
    format!("The tape could not be saved: {why}")
}

/// Why a customer was not moved.
pub const NOT_ON_THE_MAP: &str = "Drop the customer on the map to move it.";
/// Nobody is chosen.
pub const NO_CUSTOMER: &str = "There are no customers yet. Double-click the map, or choose + Customer.";
/// Nothing is chosen.
pub const NOTHING_SELECTED: &str = "Click a node, a customer or a message to inspect it.";
/// What the program is.
pub const ABOUT: &str =
    "Watch passive (primary-backup) replication on real processes: order food, crash the primary, lose nothing.";
/// A postcode that was not asked about yet.
pub const POSTCODE_NOT_ASKED: &str = "The primary checks the postcode when you order.";
/// What an order needs.
pub const ORDER_NEEDS: &str = "Choose at least one dish and enter a valid postcode.";
/// Why a customer that waits cannot order.
pub const ONE_AT_A_TIME: &str = "A customer has one order at a time. Wait for the answer, or cancel the order.";
/// Explains giving up.
pub const GIVE_UP_MEANS: &str = "Ends the order for certain: either it was placed, or it never will be.";
/// No notifications.
pub const NO_NOTICES: &str = "Nothing has been refused yet.";
/// What a click on a number of a line does.
pub const BADGE_MEANS: &str = "Click: show the last message of this step on this line.";
/// A search of the glossary found nothing.
pub const NO_SUCH_WORD: &str = "No word of the glossary has this in its name or definition.";
/// No order waits.
pub const NO_RECEIPTS: &str = "No orders yet.";
/// Explains the median.
pub const MEDIAN_MEANS: &str = "Half of the latest requests were answered within this time, on the cluster clock.";
/// All keys, each with what it does.
pub const SHORTCUTS: [(&str, &str); 37] = [
    ("Space", "run or stop time; play the past or a tape"),
    ("→", "step to the next message, or else to the next timer"),
    ("Shift →", "run to the next numbered step"),
    ("Ctrl →", "run to the next view change"),
    ("1 2 3 4 5 6", "real time, 1/10, 1/30, 1/100, 1/300, 1/1000"),
    ("+, −", "faster, slower"),
    ("←, Home, End", "go back one message, go to the beginning, go to now"),
    ("Tab, Shift Tab", "move the focus to the next item, to the previous one"),
    ("Enter", "choose the item with the focus"),
    ("Right click, Shift F10", "open the menu of a node, a customer, a message or a line"),
    ("Delete, C", "crash the selected node; Delete: drop a message, remove a customer"),
    ("R", "restart the selected node"),
    ("Z", "freeze or wake the selected node"),
    ("H", "hold or release the selected message"),
    ("O, D", "let the selected message overtake; duplicate it"),
    ("X, Alt drag", "draw a line; it cuts every link it crosses"),
    ("M", "mend all links"),
    ("B", "compare the truth with what each node believes"),
    ("L", "scenarios and unsafe lessons"),
    ("N", "add a replica"),
    ("Ctrl N", "start a new cluster"),
    ("Ctrl Shift N", "start over: the last cluster begins again"),
    ("Ctrl Enter", "place the order"),
    ("F", "fit the map and move the nodes back"),
    ("Arrows, Page up, Page down", "move and zoom the map (when it has the focus)"),
    ("P", "presentation"),
    ("F11", "full screen"),
    (
        "Page down, Page up, full stop",
        "in a lesson or presentation, as a clicker sends them: next page, page before, run or stop",
    ),
    ("G", "the same order again"),
    ("J", "show or hide timeline, log and measurements"),
    ("W", "a ring around the pointer"),
    ("K", "lessons"),
    ("T", "light, dark or the system’s theme"),
    ("Ctrl +, Ctrl −, Ctrl 0", "larger, smaller, normal size"),
    ("F1", "help: the steps, the words, the keys"),
    ("?", "this list"),
    ("Esc", "close, leave a tool, clear the selection, or leave the presentation"),
];

/// "12.401": cluster time in seconds.
pub fn clock(micros: u64) -> String {
    format!("{}.{:03}", micros / 1_000_000, micros / 1000 % 1000)
}

/// A length of time in the unit that suits it: "38 ms".
pub fn duration(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..10_000 => format!("{:.1} ms", micros as f64 / 1e3),
        10_000..1_000_000 => format!("{} ms", micros / 1000),
        _ => format!("{:.1} s", micros as f64 / 1e6),
    }
}

/// How fast cluster time goes, as a sentence.
pub fn speed(rate: Rate) -> String {
    match rate {
        Rate::STOPPED => "time is stopped".into(),
        Rate::REAL => "time runs at real speed".into(),
        Rate(millionths) => format!("time runs at 1/{} of real speed", 1_000_000 / millionths.max(1)),
    }
}

/// What a link does: "is cut".
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
        does.push(format!("delays messages by {}", duration(rule.delay.0)));
    }
    if rule.jitter.0 > 0 {
        does.push(format!("adds up to {} at random", duration(rule.jitter.0)));
    }
    if rule.loss > 0 {
        does.push(format!("loses {} of 1000 messages", rule.loss));
    }
    if rule.doubling > 0 {
        does.push(format!("duplicates {} of 1000 messages", rule.doubling));
    }
    does.join(", ")
}

/// What a suspicion goes by: "silent for 270 ms; my own loop was late by 180 ms".
pub fn sign(why: Option<Sign>) -> String {
    match why {
        None => "silent".into(),
        Some(Sign::Silent { silence, late: Span(0) }) => format!("silent for {}", duration(silence.0)),
        Some(Sign::Silent { silence, late }) => {
            format!("silent for {}; {}", duration(silence.0), loop_was_late("my own", late))
        }
        Some(Sign::Gone) => "its port is closed, so its process has ended".into(),
        Some(Sign::Heard { late }) => format!("it was heard; {}", loop_was_late("its", late)),
    }
}

/// A suspicion of a front-end, from beginning to end.
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
pub fn timer_name(timer: Timer, name: &dyn Fn(NodeId) -> String) -> String {
    match timer {
        Timer::Heartbeat => "heartbeat".into(),
        Timer::Autoclean => "clean the registry".into(),
        Timer::Silence(node) => format!("suspect {} if silent", name(node)),
        Timer::AskNameServer => "ask the name server".into(),
        Timer::ForwardAgain => "forward requests again".into(),
        Timer::AskStore => "read the view record's store again".into(),
        Timer::MayPropose => "allow the next view proposal".into(),
        Timer::FrontEndSilence => "suspect the front-end if silent".into(),
        Timer::CheckAgain(request) => format!("check the postcode of {request} again"),
        Timer::RetryRequest => "send the request again".into(),
        Timer::Disk => "give up on the disk, or try it again".into(),
    }
}

/// Nothing has passed on a line in this step.
#[must_use]
pub fn none_of_step(step: Step, one: &str, other: &str) -> String {
    format!("No message of step {} ({}) has passed between {one} and {other} yet.", step.0, step_name(step))
}

/// "3 items".
pub fn count(number: usize, one: &str, several: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {several}") }
}

/// What a process is, in a word.
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
pub fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Joining => "joining",
        Standing::Backup => "backup",
        Standing::Primary => "primary",
    }
}

/// "Margherita pizza, 2 × Garlic naan".
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
pub fn price(items: &[String]) -> String {
    let pence: u32 =
        items.iter().filter_map(|item| menu().iter().find(|dish| dish.name == item)).map(|d| d.pence).sum();
    format!("£{}.{:02}", pence / 100, pence % 100)
}

/// What a customer is told whose session was evicted.
pub const EXPIRED: &str = "expired: it may or may not have been placed";

/// The same, of the customer's order with this number.
pub fn expired(order: RequestNumber) -> String {
    format!(
        "expired: order {order} may or may not have been placed. Read the history of the postcode; if the order is missing, order again"
    )
}

/// What became of an order; none: that is not known any more.
pub fn outcome(outcome: Option<&Outcome>) -> String {
    let Some(outcome) = outcome else { return EXPIRED.into() };
    match outcome {
        Outcome::Placed { number } => format!("#{number} placed"),
        Outcome::Rejected { why } => format!("rejected: {}", rejection(why)),
        Outcome::NeverPlaced => "cancelled, never placed".into(),
    }
}

/// Why an order was rejected.
pub fn rejection(why: &Rejection) -> String {
    match why {
        // The sentence names who said so.
        Rejection::Postcode { why, .. } => why.clone(),
        Rejection::Items(error) => error.to_string(),
        Rejection::Unchecked { waited } => format!(
            "The postcode could not be checked within {} s: neither postcodes.io nor getthedata.com answers. Order again later.",
            waited.0 / 1_000_000
        ),
    }
}

/// What a service said of a postcode.
pub fn verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Valid { place: Some(place), .. } => place.clone(),
        Verdict::Valid { place: None, by } => format!("exists ({by})"),
        Verdict::Invalid { why, .. } => why.clone(),
        Verdict::NobodyAnswers => "No postcode service answers. The primary keeps asking.".into(),
    }
}

/// What a customer asks for, briefly.
pub fn ask(ask: &Ask) -> String {
    match ask {
        Ask::Order { postcode, items } => format!("orders {} for {postcode}", dishes(items)),
        Ask::History { postcode, .. } => format!("reads the history of {postcode}"),
        Ask::Withdraw => "cancels its order".into(),
    }
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
