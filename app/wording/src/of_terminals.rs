//! What processes say that people start by hand, each in a terminal: who waits for whom, how each ends.

use protocol::ids::{NodeId, OrderNumber, Role};
use protocol::message::WaitReason;
use protocol::order_book::{Order, Outcome};
use protocol::postcode::Postcode;
use protocol::trace::NoService;

/// For whom a process waits that is not admitted yet.
pub enum WaitsFor {
    /// For the first process of all.
    NameServer {
        /// One was there, as this process of the operating system, and was killed.
        killed: Option<u32>,
    },
    /// It is there, and does not answer.
    Answer { why: String },
}

/// The same as a sentence.
pub fn waits_for(role: Role, why: &WaitsFor, cluster: &str) -> String {
    let who = a_role(role);
    match why {
        WaitsFor::NameServer { killed: None } => format!(
            "Waiting for the name server of the cluster “{cluster}”, which tells {who} where the others are. Start it in another terminal:\n    just-hungry name-server{}{}",
            option(cluster),
            elsewhere(role)
        ),
        WaitsFor::NameServer { killed: Some(pid) } => format!(
            "Waiting for the name server of the cluster “{cluster}”: its process {pid} has ended. Start it again in another terminal:\n    just-hungry name-server{}",
            option(cluster)
        ),
        WaitsFor::Answer { why } => {
            format!("Waiting for the name server of the cluster “{cluster}”, which does not answer: {why}.")
        }
    }
}

/// What a person does who wants to join the cluster of another machine.
fn elsewhere(role: Role) -> &'static str {
    match role {
        Role::Replica => {
            "\nTo run a replica for a cluster on another machine, type on that machine:\n    just-hungry invite\nand on this one the line that it shows: just-hungry join CODE"
        }
        Role::Customer => {
            "\nTo order in a cluster on another machine, type on that machine:\n    just-hungry invite --as customer\nand on this one the line that it shows: just-hungry join CODE"
        }
        Role::NameServer | Role::FrontEnd => {
            "\nThe name server and the front-end run on one machine. To let others run replicas or customers, type: just-hungry invite"
        }
    }
}

/// How the cluster is named on a command line.
fn option(cluster: &str) -> String {
    if cluster == "default" { String::new() } else { format!(" --cluster {cluster}") }
}

fn a_role(role: Role) -> &'static str {
    match role {
        Role::NameServer => "a name server",
        Role::FrontEnd => "a front-end",
        Role::Replica => "a replica",
        Role::Customer => "a customer",
    }
}

/// For which nodes a process waits that was just started, with the role's name for programs.
pub fn waits_for_nodes(role: Role, no_front_end: bool, no_replica: bool, cluster: &str) -> Vec<(&'static str, String)> {
    let cluster = option(cluster);
    let front_end = |what: &str| {
        ("front-end", format!("{what} Start one in another terminal:\n    just-hungry front-end{cluster}"))
    };
    let replica =
        |what: &str| ("replica", format!("{what} Start one in another terminal:\n    just-hungry replica{cluster}"));
    let mut waits = Vec::new();
    if no_front_end {
        match role {
            Role::Replica => waits.push(front_end("Waiting for a front-end, which decides which replica leads.")),
            Role::Customer => waits.push(front_end("Orders wait for a front-end, which passes them on.")),
            Role::NameServer | Role::FrontEnd => {}
        }
    }
    if no_replica {
        match role {
            Role::FrontEnd => waits.push(replica("Waiting for a replica, which holds the orders.")),
            Role::Customer => waits.push(replica("Orders wait for a replica, which holds them.")),
            Role::NameServer | Role::Replica => {}
        }
    }
    waits
}

/// Why a front-end serves nobody, where only people can begin anew; none while that is a matter of a moment.
pub fn no_service_by_hand(why: &NoService, name: impl Fn(NodeId) -> String) -> Option<String> {
    match why {
        NoService::NoMember { awaited } => {
            let told = |(id, told): &(NodeId, Option<String>)| told.clone().unwrap_or_else(|| name(*id));
            let awaited: Vec<_> = awaited.iter().map(told).collect();
            Some(format!(
                "No member of the newest view answers, and no other replica holds all orders. Waiting for one of: {}. A replica that is started again has an empty memory. If all of these have ended, their orders are lost: end every process of this cluster and start it anew.",
                awaited.join(", ")
            ))
        }
        NoService::JournalLost { .. } | NoService::TooFew { .. } | NoService::Retired => {
            Some(crate::no_service(why, name))
        }
        NoService::NameServerSilent
        | NoService::ReportsMissing
        | NoService::NoReplica
        | NoService::FirstViewUnrecorded
        | NoService::ViewUnrecorded => None,
    }
}

/// A node has begun.
pub fn runs_here(name: &str, pid: u32, port: u16, cluster: &str, leaves: bool) -> String {
    let end = match leaves {
        true => "Ctrl+C: it leaves politely",
        false => "Ctrl+C: it ends at once, as in a crash",
    };
    format!("{name} runs: process {pid}, port {port}, cluster “{cluster}”. {end}.")
}

/// A node ends because a person wants it to.
pub fn ends_here(name: &str, leaves: bool) -> String {
    match leaves {
        true => format!("{name} leaves: it finishes what it has in hand and tells the others."),
        false => format!("{name} ends at once, as in a crash. The others must notice it by themselves."),
    }
}

/// It has.
pub fn has_left(name: &str) -> String {
    format!("{name} has left.")
}

/// Two would give out different views.
pub fn second_name_server(cluster: &str, pid: Option<u32>) -> String {
    let process = pid.map_or_else(String::new, |pid| format!(" (process {pid})"));
    format!(
        "The cluster “{cluster}” has a name server already{process}, and without --view-record it can have only one. Use that one, or begin another cluster: just-hungry name-server --cluster NAME"
    )
}

/// Files of killed processes were there.
pub const BEGINS_AFTER_OTHERS: &str = "An earlier run of this cluster has ended without cleaning up. Its files are removed: a new cluster begins, without the earlier orders.";

/// Its name server was killed, and is back.
pub fn begins_again(nodes: &[String]) -> String {
    let (names, goes) = match nodes {
        [one] => (one.clone(), "goes"),
        [first @ .., last] => (format!("{} and {last}", first.join(", ")), "go"),
        [] => ("nobody".into(), "goes"),
    };
    format!(
        "The name server of this cluster ended while {names} still {goes} on. It returns as the same one: same port, same keys, and the record of views from its journal."
    )
}

/// Nobody has started anything.
pub fn no_cluster_by_hand(cluster: &str) -> String {
    format!(
        "No process of the cluster “{cluster}” runs on this machine. Start one: just-hungry name-server{}. For a cluster of the window or of another command, name its folder: --dir RUN",
        option(cluster)
    )
}

/// The terminal was too slow.
pub fn facts_dropped(number: u64) -> String {
    format!("{} came too fast and are not shown.", crate::count(number as usize, "fact", "facts"))
}

// Of a client.

/// A customer has come.
pub fn welcome(name: &str, cluster: &str) -> String {
    format!("Just Hungry, cluster “{cluster}”. You are {name}.")
}

/// All dishes with their numbers.
pub fn numbered_menu() -> String {
    let dish = |(at, dish): (usize, &protocol::menu::Dish)| {
        format!("{:>4}  {:<24}£{}.{:02}", at + 1, dish.name, dish.pence / 100, dish.pence % 100)
    };
    protocol::menu::menu().iter().enumerate().map(dish).collect::<Vec<_>>().join("\n")
}

/// What can be typed, in a line.
pub const CLIENT_HINT: &str = "To order, type dishes by number, then the postcode: 1 3 DH1 3LE. Also: help, quit.";
/// The same, all of it.
pub const CLIENT_HELP: &str = "1 3 3 DH1 3LE     order dishes 1, 3 and 3 again, to this postcode
1 3               choose dishes; the postcode follows in the next line
history DH1 3LE   read which orders were placed to a postcode
cancel            drop the chosen dishes, or try to withdraw the order that waits
receipts          show your orders that were placed
menu              show the dishes and their numbers
quit              leave (or Ctrl+D)";
/// Dishes are chosen.
pub const WHICH_POSTCODE: &str = "To which postcode?";
/// No postcode was named yet.
pub const WHOSE_HISTORY: &str = "Which postcode's history? For example: history DH1 3LE";
/// Chosen dishes are forgotten.
pub const CHOICE_DROPPED: &str = "The chosen dishes are dropped. Nothing was ordered.";
/// No order waits.
pub const NOTHING_TO_CANCEL: &str = "No order is waiting, so there is nothing to cancel.";
/// The name server is that of another run.
pub const CLUSTER_BEGAN_ANEW: &str = "A new cluster has begun: all processes of the old one had ended, and the orders they held are gone. You join the new one.";

/// Dishes are chosen, and a postcode is missing.
pub fn chosen(items: &[String], usual: Option<Postcode>) -> String {
    let (dishes, price) = (crate::dishes(items), crate::price(items));
    match usual {
        Some(postcode) => format!("{dishes}, {price}. {WHICH_POSTCODE} (Enter: {postcode})"),
        None => format!("{dishes}, {price}. {WHICH_POSTCODE}"),
    }
}

/// A number that is not on the menu.
pub fn no_such_dish(number: &str) -> String {
    let number = protocol::text::shown(number, 12);
    format!("There is no dish {number}: the menu goes from 1 to {}. Type menu to see it.", protocol::menu::menu().len())
}

/// A postcode without dishes.
pub fn dishes_first(postcode: Postcode) -> String {
    format!(
        "To order to {postcode}, choose dishes by number first. To read what was ordered there, type: history {postcode}"
    )
}

/// A line that means nothing.
pub fn not_understood(line: &str) -> String {
    format!("“{}” is not understood. Type help to see what can be typed.", protocol::text::shown(line, 40))
}

/// A line that is not even text.
pub fn not_a_line(why: &str) -> String {
    format!("This line cannot be read: {why}.")
}

/// What became of an order, for the person who placed it.
pub fn what_became(outcome: &Outcome, items: &[String], postcode: Postcode, took: u64, withdrawn: bool) -> String {
    let dishes = crate::dishes(items);
    match outcome {
        Outcome::Placed { number } if withdrawn => {
            format!("Too late to cancel: order {number} ({dishes}) to {postcode} was placed already.")
        }
        Outcome::Placed { number } => {
            format!(
                "Placed: order {number}, {dishes}, {}, to {postcode}. It took {:.2} s.",
                crate::price(items),
                took as f64 / 1e6
            )
        }
        Outcome::Rejected { why } => format!("Not placed: {}", ended(&crate::rejection(why))),
        Outcome::NeverPlaced => format!("Cancelled: the order ({dishes}) to {postcode} will never be placed."),
    }
}

/// With its full stop.
fn ended(words: &str) -> String {
    if words.ends_with(['.', '!', '?']) { words.to_owned() } else { format!("{words}.") }
}

/// The replicas do not know it any more.
pub fn forgotten(items: &[String], postcode: Postcode) -> String {
    format!(
        "Unknown: the replicas have forgotten your earlier requests, so the order ({}) may or may not have been placed. To check, type: history {postcode}. If it is missing there, order again.",
        crate::dishes(items)
    )
}

/// The customer did not wait for the answer.
pub fn left_before_the_answer(items: &[String], postcode: Postcode) -> String {
    format!(
        "Unknown: you leave before the answer, so the order ({}) may or may not be placed. To check later, type: history {postcode}.",
        crate::dishes(items)
    )
}

/// An order that was placed.
pub fn receipt(number: OrderNumber, items: &[String], postcode: Postcode) -> String {
    format!("order {number}: {}, {}, to {postcode}", crate::dishes(items), crate::price(items))
}

/// All of them.
pub fn receipts(all: &[String]) -> String {
    if all.is_empty() { "None of your orders has been placed yet.".into() } else { all.join("\n") }
}

/// What was ordered to a postcode.
pub fn history_of(postcode: Postcode, orders: &[Order]) -> String {
    let line = |order: &Order| {
        let number =
            order.number.map_or_else(|| "  earlier".into(), |number| format!("{:>9}", format!("order {number}")));
        format!("{number}  {}", crate::dishes(&order.items))
    };
    match orders {
        [] => format!("No orders to {postcode}."),
        orders => {
            let count = crate::count(orders.len(), "order", "orders");
            let lines: Vec<String> = orders.iter().map(line).collect();
            format!("{count} to {postcode}, oldest first:\n{}", lines.join("\n"))
        }
    }
}

/// An order waits, and its primary says why.
pub fn still_waits_because(why: WaitReason, postcode: Postcode) -> String {
    format!("Still waiting: {}. Type cancel to withdraw the order.", crate::wait_reason(why, postcode))
}

/// A request waits, and nobody says why.
pub fn still_waits(lacking: &[String], knows_front_end: bool, withdrawn: bool) -> String {
    let why = match (lacking, knows_front_end) {
        ([_, ..], _) => String::new(),
        ([], true) => " The front-end has not answered yet. The request is repeated under the same number, so it cannot be placed twice.".into(),
        ([], false) => " The name server has not said yet where the front-end is.".into(),
    };
    let cancel = if withdrawn { "The cancellation waits, too." } else { "Type cancel to withdraw it." };
    let lacking: String = lacking.iter().map(|words| format!("\n{words}")).collect();
    format!("Still waiting.{why} {cancel}{lacking}")
}
