//! What stands on the cards of nodes and customers.

use protocol::ids::{OpNumber, Role};
use protocol::message::{Ask, WaitReason};
use protocol::order_book::Outcome;
use protocol::postcode::Postcode;
use protocol::trace::{Actor, NodeState, ReplicaState, Standing};
use protocol::view_record::Keeping;

use super::of_disks::disk_trouble_in_short;
use super::{count, duration, name_now, no_service, standing};
use knowledge::picture::{Concern, Customer, Life, Node, Picture, Precedence, Waiting};

/// Bytes, as people count them.
const MEGABYTE: u64 = 1_000_000;

/// "replica-2 · primary".
pub fn title(node: &Node) -> String {
    match (&node.life, node.replica()) {
        (Life::Crashed, _) => format!("{} · crashed", node.name),
        (Life::Exited(_), _) => format!("{} · ended", node.name),
        (Life::Runs, Some(replica)) => format!("{} · {}", node.name, standing(replica.standing)),
        (Life::Runs, None) if node.actor == Actor::Role(Role::Replica) => format!("{} · starting", node.name),
        (Life::Runs, None) => name_of_card(&node.name),
    }
}

/// The same without what it is, where there is little room.
pub fn short_title(node: &Node) -> String {
    if node.actor == Actor::Role(Role::Replica) { node.name.clone() } else { name_of_card(&node.name) }
}

fn name_of_card(name: &str) -> String {
    if let Some(number) = name.strip_prefix("front-end-") {
        return format!("Front-end {number}");
    }
    match name {
        "front-end" => "Front-end".into(),
        "name-server" | "name server" => "Name server".into(),
        _ => match name.strip_prefix("name-server-") {
            Some(number) => format!("Name server {number}"),
            None => name.to_owned(),
        },
    }
}

/// The second line of a node's card: what it is at.
pub fn line(node: &Node, picture: &Picture) -> String {
    if !node.runs() {
        return match node.replica().map(|replica| (replica.standing, replica.view.number)) {
            Some((Standing::Primary | Standing::Backup, _)) if on_disk(node).is_some() => {
                format!("on disk: up to {}", on_disk(node).unwrap_or_default())
            }
            Some((Standing::Primary, view)) => format!("was primary of view {view}"),
            Some((Standing::Backup, view)) => format!("was backup in view {view}"),
            Some((Standing::Joining, _)) => "was joining".into(),
            None => "click to restart".into(),
        };
    }
    match &node.state {
        Some(NodeState::NameServer { keeping: Keeping::Silent, record, .. }) => {
            format!("store silent · view {}", record.number)
        }
        Some(NodeState::NameServer { names, record, .. }) => {
            format!("{} · view {}", count(names.len(), "name", "names"), record.number)
        }
        Some(NodeState::FrontEnd { waits_for, view, alive, .. }) => {
            let at = || format!("view {} · hears {}", view.number, alive.len());
            let at = || waits_for.as_ref().map_or_else(at, |why| no_service(why, |id| name_now(id, picture)));
            match picture.precedence(node) {
                Precedence::Retired => "retired: a newer one runs".into(),
                Precedence::Overtaken => format!("older, unaware · {}", at()),
                Precedence::Newest => format!("newest · {}", at()),
                Precedence::Alone => at(),
            }
        }
        Some(NodeState::Replica(_)) if picture.is_left_out(node) => LEFT_OUT.into(),
        Some(NodeState::Replica(replica)) => replica_line(replica, node.receives_for(), picture),
        Some(NodeState::Customer { .. }) | None => match (node.actor, node.answered_in) {
            (Actor::Service(_), Some(took)) => format!("answered in {}", duration(took)),
            (Actor::Service(_), None) => "ready".into(),
            (Actor::Role(_), _) => "starting".into(),
        },
    }
}

/// Of a durable replica: how much of its history outlives its process.
fn on_disk(node: &Node) -> Option<OpNumber> {
    node.replica()?.disk.as_ref()?.kept.map(|at| at.op)
}

/// A replica that a newer view is without, and does not know it.
const LEFT_OUT: &str = "left out of the view";

/// What the pill says of a service that is not quite safe: in a few words, and in full.
pub fn concern(concern: &Concern) -> (String, String) {
    match concern {
        Concern::Blocked { customer, from, to } => (
            format!("{customer}'s order is stuck"),
            format!(
                "{customer}'s order is stuck: the link from {from} to {to} is blocked. Mend it, or wait until the view changes."
            ),
        ),
        Concern::Hangs { customer, waited } => (
            format!("{customer} waits {}", duration(*waited)),
            format!("{customer} has waited {} for an answer. Click the customer to see why.", duration(*waited)),
        ),
        Concern::Silent(members) => {
            let names = members.join(", ");
            let words = format!("{names} silent");
            (words, format!("Every answer waits for {names} until the front-end removes it from the view."))
        }
        Concern::NoCopy { last } => (
            "no other copy".into(),
            format!("Only {last} holds the orders. If it crashes, all orders are lost. Add or restart a replica."),
        ),
        Concern::NoViewChange => (
            "view cannot change".into(),
            "The store of the view record does not answer. Orders are placed as before, but if a member dies, answers wait until the store is back. Restart the store.".into(),
        ),
        Concern::Fewer { members, replicas } => (
            format!("{members} of {replicas} replicas"),
            format!(
                "Only {members} of {replicas} replicas are members and hold all orders. Restart the others, or remove them."
            ),
        ),
    }
}

/// The same in two or three words, where there is room for no more.
pub fn concern_in_short(concern: &Concern) -> String {
    match concern {
        Concern::Blocked { .. } => "An order is stuck".into(),
        Concern::Hangs { waited, .. } => format!("Waits {}", duration(*waited)),
        Concern::Silent(members) => format!("{} silent", members.len()),
        Concern::NoCopy { .. } => "No other copy".into(),
        Concern::NoViewChange => "Store silent".into(),
        Concern::Fewer { members, replicas } => format!("{members} of {replicas}"),
    }
}

/// `left`: how much longer it receives a state, in microseconds, if that is known.
fn replica_line(replica: &ReplicaState, left: Option<u64>, picture: &Picture) -> String {
    if let Some(why) = replica.disk.as_ref().and_then(|disk| disk.trouble.as_ref()) {
        return disk_trouble_in_short(why).into();
    }
    let Some(position) = replica.position else {
        return receiving(replica, left).unwrap_or_else(|| "holds nothing yet".into());
    };
    match replica.standing {
        Standing::Primary => format!("applied {} · committed {}", position.op, replica.commit),
        Standing::Joining => {
            receiving(replica, left).unwrap_or_else(|| format!("joining with {} applied", position.op))
        }
        Standing::Backup => {
            let primary = picture.nodes.acting_primary().and_then(Node::replica);
            let level = primary.is_some_and(|primary| primary.position == replica.position);
            format!("applied {}{}", position.op, if level { " · in step" } else { "" })
        }
    }
}

/// Of a replica that receives a state: how much has arrived, and how much longer it will take.
fn receiving(replica: &ReplicaState, left: Option<u64>) -> Option<String> {
    let (percent, all) = (share_loaded(replica)? * 100.0, replica.loading?.1);
    let megabytes = all / MEGABYTE;
    if megabytes == 0 {
        return Some(format!("receiving state · {percent:.0}\u{a0}%"));
    }
    let share = format!("{percent:.0}\u{a0}% of {megabytes}\u{a0}MB");
    Some(match left.map(|micros| micros.div_ceil(1_000_000)) {
        None => format!("receiving · {share}"),
        Some(seconds) => format!("{share} · {seconds}\u{a0}s left"),
    })
}

/// The same as a sentence. `left`: how much longer it will take, in microseconds, if that is known.
pub fn receives(name: &str, (bytes, all): (u64, u64), left: Option<u64>) -> String {
    let left = left.map_or_else(String::new, |micros| format!(", about {} left", super::duration(micros)));
    format!("{name} is receiving the state of the primary: {:.1} of {}{left}.", tenths(bytes), megabytes(all))
}

/// "12.3 MB".
pub(super) fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", tenths(bytes))
}

fn tenths(bytes: u64) -> f64 {
    (bytes * 10 / MEGABYTE) as f64 / 10.0
}

/// How much of a snapshot a joiner has, from 0 to 1.
pub fn share_loaded(replica: &ReplicaState) -> Option<f32> {
    let (parts, all) = replica.loading.filter(|(_, all)| *all > 0)?;
    Some(parts as f32 / all as f32)
}

/// The second line where there is little room.
pub fn short_line(node: &Node, picture: &Picture) -> String {
    if node.runs() && picture.is_left_out(node) {
        return "left out".into();
    }
    let replica = node.replica().filter(|_| node.runs());
    match replica.and_then(|replica| Some((replica.standing, replica.position?.op))) {
        Some((of, op)) => format!("{} · {op}", standing(of)),
        None if !node.runs() => line(node, picture),
        None => match picture.precedence(node) {
            Precedence::Retired => "retired".into(),
            Precedence::Overtaken => "older, unaware".into(),
            Precedence::Newest => "newest".into(),
            Precedence::Alone => line(node, picture),
        },
    }
}

/// What a customer is at: "placed #17".
pub fn customer_line(customer: &Customer) -> String {
    if let Some(waiting) = &customer.waiting {
        return match (&waiting.ask, waiting.giving_up) {
            (_, true) => "cancelling…".into(),
            (Ask::History { .. }, false) => "reading…".into(),
            (Ask::Order { .. }, false) if waiting.why.is_some() => "not checked yet".into(),
            (Ask::Order { .. } | Ask::Withdraw, false) => "ordering…".into(),
        };
    }
    match customer.receipts.back().map(|receipt| receipt.outcome.as_ref()) {
        Some(Some(Outcome::Placed { number })) => format!("placed #{number}"),
        Some(Some(Outcome::Rejected { .. })) => "rejected".into(),
        Some(Some(Outcome::NeverPlaced)) => "cancelled".into(),
        Some(None) => "order expired".into(),
        None => "browsing".into(),
    }
}

/// Why an order waits, for people: as the end of a sentence about it.
pub fn wait_reason(why: WaitReason, postcode: Postcode) -> String {
    match why {
        WaitReason::Asked => format!("the postcode services have not answered about {postcode} yet"),
        WaitReason::NobodyAnswers => format!("neither postcodes.io nor getthedata.com could check {postcode}"),
    }
}

/// Why a customer's order waits and for how long, as a sentence; none if nothing is known of that.
pub fn why_it_waits(waiting: &Waiting, now: u64) -> Option<String> {
    let ((why, since), Ask::Order { postcode, .. }) = (waiting.why?, &waiting.ask) else { return None };
    let seconds = now.saturating_sub(since) / 1_000_000;
    Some(format!("Waiting: {}, for {seconds} s.", wait_reason(why, *postcode)))
}

/// Orders of a history that a page does not show.
pub fn older_orders(older: u64) -> String {
    format!("… {} before these", count(older as usize, "older order", "older orders"))
}

#[cfg(test)]
mod tests {
    use protocol::ids::{CustomerId, RequestId, RequestNumber};

    use super::*;

    #[test]
    fn a_waiting_order_says_why_and_for_how_long() {
        let request = RequestId { customer: CustomerId(1), number: RequestNumber(1) };
        let ask = Ask::Order { postcode: "NE1 7RU".parse().unwrap(), items: vec!["Pad thai".into()] };
        let mut waiting = Waiting { request, ask, since: 1, giving_up: false, why: None };
        assert_eq!(why_it_waits(&waiting, 9_000_000), None);
        waiting.why = Some((WaitReason::NobodyAnswers, 3_000_000));
        let sentence = "Waiting: neither postcodes.io nor getthedata.com could check NE1 7RU, for 6 s.";
        assert_eq!(why_it_waits(&waiting, 9_000_000).as_deref(), Some(sentence));
        waiting.why = Some((WaitReason::Asked, 3_000_000));
        assert!(why_it_waits(&waiting, 9_000_000).unwrap().contains("have not answered about NE1 7RU yet"));
    }

    #[test]
    fn a_blocked_link_is_named() {
        let [customer, from, to] = ["Grace", "replica-2", "replica-1"].map(str::to_owned);
        assert!(concern(&Concern::Blocked { customer, from, to }).1.contains("from replica-2 to replica-1"));
    }

    #[test]
    fn a_large_state_is_told_in_megabytes() {
        let of = |loading| receiving(&ReplicaState { loading, ..ReplicaState::default() }, None);
        assert_eq!(of(None), None);
        assert_eq!(of(Some((0, 0))), None);
        assert_eq!(of(Some((16, 25))).unwrap(), "receiving state · 64\u{a0}%");
        assert_eq!(of(Some((30_000_000, 120_400_000))).unwrap(), "receiving · 25\u{a0}% of 120\u{a0}MB");
        let state = ReplicaState { loading: Some((30_000_000, 120_400_000)), ..ReplicaState::default() };
        let words = receiving(&state, Some(2_100_000)).unwrap();
        assert_eq!(words, "25\u{a0}% of 120\u{a0}MB · 3\u{a0}s left");
        let sentence = |left| receives("replica-4", (30_440_000, 120_400_000), left);
        assert_eq!(sentence(None), "replica-4 is receiving the state of the primary: 30.4 of 120.4 MB.");
        let words = "replica-4 is receiving the state of the primary: 30.4 of 120.4 MB, about 2.1 s left.";
        assert_eq!(sentence(Some(2_100_000)), words);
    }
}
