//! What an action means at this moment: which nodes, links, messages and customers, and which user commands.
//!
//! Nothing is done here, and nothing remembered.

mod scene;

use std::cmp::Ordering;
use std::time::Duration;

use node::control::Misbehaviour;
use node::gazetteer::{Finding, Gazetteer};
use protocol::ids::{NodeId, Role, Span};
use protocol::postcode::{Postcode, PostcodeService};
use protocol::trace::{Actor, Freezing, Rate, Standing};

use crate::words::disk_fault;
use crate::{ALL_STORE_MEMBERS, Action, Goal, NodeName, WaitFor};
use knowledge::picture::{Customer, Node, Picture};
use knowledge::user_command::{CustomerCommand, Until, UserCommand};
use scene::Scene;

/// A step that is done: what is to be handed to the cluster, and what it is called.
#[derive(Clone, Debug, Default)]
pub struct ResolvedStep {
    /// Its line in the scenario; 0 if it has none.
    pub line: usize,
    /// Its faults by their kinds; none if it mends, orders or waits.
    pub faults: Vec<&'static str>,
    /// What was done, in a few words; empty for waiting.
    pub words: String,
    /// To be handed over in this order.
    pub commands: Vec<UserCommand>,
}

/// What an action means now. `draw` chooses where there is a choice; `crowd`: a load's customers are there.
///
/// # Errors
/// What there is not now, in a few words: it may be there later.
pub fn resolved(action: &Action, picture: &Picture, draw: u64, crowd: bool) -> Result<ResolvedStep, String> {
    let scene = Scene { picture, draw, crowd };
    match action {
        Action::Crash(name) => scene.each(name, "crash", |node| UserCommand::Crash { node }),
        Action::CrashAll => Ok(fault("crash-all", UserCommand::CrashAll)),
        Action::PowerOn => Ok(no_fault("power-on", UserCommand::PowerOn)),
        Action::FreshStart(name) => {
            let lost = picture.total_loss().ok_or("not all members of the newest view had ended")?;
            let replica = scene.actor(name)?.0;
            Ok(no_fault(&format!("fresh start with {replica}"), UserCommand::FreshStart { replica, after: lost.view }))
        }
        Action::Restart(name) => scene.each(name, "", |node| UserCommand::Restart { node }),
        Action::AddReplica => Ok(no_fault("add-replica", UserCommand::AddReplica)),
        Action::AddFrontEnd => Ok(no_fault("add-front-end", UserCommand::AddFrontEnd)),
        Action::Remove(name) => scene.each(name, "remove", |node| UserCommand::Remove { node }),
        Action::Misbehave(service, how) => Ok(misbehave(*service, *how)),
        Action::StoreMembers(members) => Ok(store_members(*members)),
        Action::Say(_) => Ok(ResolvedStep::default()),
        Action::VerdictCache(on) => Ok(no_fault("verdict-cache", UserCommand::SetVerdictCache { on: *on })),
        Action::Hop(hop) => Ok(no_fault("hop", UserCommand::SetHop { hop: hop.map(micros) })),
        Action::Speed(rate) => Ok(speed(*rate)),
        Action::GoOn => Ok(speed(Rate::REAL)),
        Action::RunUntil(rate, goal) => {
            let until = match goal {
                Goal::Later(later) => Until::Moment(picture.now + later.as_micros() as u64),
                Goal::NumberedStep => Until::NumberedStep,
                Goal::ViewChange => Until::ViewChange,
            };
            Ok(no_fault("run-until", UserCommand::RunUntil { rate: *rate, until }))
        }
        Action::Links { from, to, both_ways, rule } => scene.links(from, to, *both_ways, *rule),
        Action::MendAll => Ok(no_fault("mend-all", UserCommand::MendAll)),
        Action::Partition(side) => scene.partition(side),
        Action::Message { act, which, .. } => scene.messages(*act, which),
        Action::Ring { node, timer, .. } => scene.ring(node, timer),
        Action::Freeze(name, how) => scene.freeze(name, *how),
        Action::Wake(name) => scene.each(name, "", |node| UserCommand::Wake { node }),
        Action::Bomb(name, bomb) => {
            let node = scene.actor(name)?.0;
            Ok(no_fault(&format!("bomb {node}"), UserCommand::SetBomb { node, bomb: *bomb }))
        }
        Action::Disk(name, how) => scene.disks(name, *how),
        Action::Plant(plant) => Ok(no_fault("plant", UserCommand::SetPlant { plant: *plant })),
        Action::Acknowledge(choice) => {
            Ok(no_fault("acknowledge", UserCommand::SetAcknowledge { acknowledge: *choice }))
        }
        Action::Customer { name, postcode } => Ok(customer_appears(picture, name, *postcode)),
        Action::Order { customer, postcode, items } => {
            let who = scene.customer(customer)?;
            let postcode = postcode.unwrap_or(who.postcode).to_string();
            let command = CustomerCommand::PlaceOrder { customer: who.id, postcode, items: items.clone() };
            Ok(no_fault(&format!("{customer} orders"), UserCommand::Customer(command)))
        }
        Action::Read { customer, postcode } => {
            let who = scene.customer(customer)?;
            let postcode = postcode.unwrap_or(who.postcode).to_string();
            let command = CustomerCommand::ReadHistory { customer: who.id, postcode, page: 0 };
            Ok(no_fault(&format!("{customer} reads"), UserCommand::Customer(command)))
        }
        Action::GiveUp(name) => {
            let customer = scene.customer(name)?.id;
            Ok(no_fault(&format!("{name} cancels"), UserCommand::Customer(CustomerCommand::GiveUp { customer })))
        }
        // What takes several moments is not for one.
        Action::Wait { .. } | Action::Step { .. } => Err("only a scenario can do that".into()),
    }
}

fn misbehave(service: PostcodeService, how: Misbehaviour) -> ResolvedStep {
    let command = UserCommand::Misbehave { service, how };
    if how == Misbehaviour::None { no_fault("behave", command) } else { fault("misbehave", command) }
}

fn store_members(members: u32) -> ResolvedStep {
    let command = UserCommand::KeepStoreMembers { members };
    if members < ALL_STORE_MEMBERS { fault("store-members-killed", command) } else { no_fault("store-back", command) }
}

/// What a person does to the cluster beside a script, by the kinds of fault that it is. How fast time goes is their own matter.
pub fn faults_by_hand(command: &UserCommand) -> Vec<&'static str> {
    match command {
        UserCommand::Crash { .. } => vec!["crash"],
        UserCommand::CrashAll => vec!["crash-all"],
        UserCommand::Freeze { how: Freezing::Cooperative, .. } => vec!["freeze"],
        UserCommand::Freeze { how: Freezing::Signal, .. } => vec!["freeze-by-signal"],
        UserCommand::SetLinks { links, rule } => {
            let both_ways = links.iter().any(|way| links.iter().any(|it| it.from == way.to && it.to == way.from));
            scene::kinds_of(*rule, both_ways)
        }
        UserCommand::Message { act, .. } => {
            let (kind, is_fault) = scene::kind_of(*act);
            if is_fault { vec![kind] } else { Vec::new() }
        }
        UserCommand::Ring { .. } => vec!["timer-rung"],
        UserCommand::Misbehave { how, .. } if *how != Misbehaviour::None => vec!["misbehave"],
        UserCommand::KeepStoreMembers { members } if *members < ALL_STORE_MEMBERS => vec!["store-members-killed"],
        UserCommand::SetDisk { fault: Some(fault), .. } => vec![disk_fault(*fault)],
        // A bomb counts when it goes off.
        UserCommand::SetBomb { .. }
        | UserCommand::SetDisk { .. }
        | UserCommand::Misbehave { .. }
        | UserCommand::PowerOn
        | UserCommand::AddReplica
        | UserCommand::AddFrontEnd
        | UserCommand::Remove { .. }
        | UserCommand::Restart { .. }
        | UserCommand::FreshStart { .. }
        | UserCommand::ShowOrders { .. }
        | UserCommand::SetVerdictCache { .. }
        | UserCommand::KeepStoreMembers { .. }
        | UserCommand::SetRate { .. }
        | UserCommand::RunUntil { .. }
        | UserCommand::SetHop { .. }
        | UserCommand::MendAll
        | UserCommand::Wake { .. }
        | UserCommand::SetPlant { .. }
        | UserCommand::SetAcknowledge { .. }
        | UserCommand::ShowHeartbeats { .. }
        | UserCommand::Customer(_) => Vec::new(),
    }
}

fn micros(length: Duration) -> Span {
    Span(length.as_micros() as u64)
}

fn fault(kind: &'static str, command: UserCommand) -> ResolvedStep {
    ResolvedStep { line: 0, faults: vec![kind], words: kind.into(), commands: vec![command] }
}

fn no_fault(words: &str, command: UserCommand) -> ResolvedStep {
    ResolvedStep { line: 0, faults: Vec::new(), words: words.into(), commands: vec![command] }
}

fn speed(rate: Rate) -> ResolvedStep {
    let command = UserCommand::SetRate { rate };
    match rate {
        Rate::STOPPED => fault("stopped-time", command),
        rate if rate.is_slow() => fault("slow-motion", command),
        _ => no_fault("real time", command),
    }
}

/// Where a postcode is on the map, in millionths of a degree: latitude and longitude.
pub(crate) fn place_of(postcode: Postcode) -> (i32, i32) {
    match Gazetteer::get().find(postcode) {
        Finding::Live(unit) => unit.point.map_or((0, 0), |point| point.in_millionths()),
        Finding::Closed(_) | Finding::Unknown => (0, 0),
    }
}

fn customer_appears(picture: &Picture, name: &str, postcode: Postcode) -> ResolvedStep {
    let place = place_of(postcode);
    let command = match customer(picture, name) {
        Some(known) => UserCommand::Customer(CustomerCommand::MoveCustomer { customer: known.id, postcode, place }),
        None => UserCommand::Customer(CustomerCommand::AddCustomer { name: Some(name.to_owned()), postcode, place }),
    };
    no_fault(&format!("{name} appears"), command)
}

pub(super) fn customer<'a>(picture: &'a Picture, name: &str) -> Option<&'a Customer> {
    picture.customers.iter().find(|customer| customer.name == name)
}

/// How many members the newest view has, if its primary acts; none while one of them is dead or stands still: it will be
/// left out.
pub(super) fn members(picture: &Picture) -> Option<usize> {
    let newest = picture.nodes.newest_view()?.number;
    let view = picture.nodes.acting_primary()?.view().filter(|view| view.number == newest)?;
    let works = |id: &NodeId| {
        let runs = picture.nodes.iter().any(|node| node.id == *id && node.runs());
        runs && !picture.steering.frozen.contains_key(id)
    };
    view.members.iter().all(works).then_some(view.members.len())
}

pub(super) fn running_replicas(picture: &Picture) -> usize {
    picture.nodes.iter().filter(|node| node.actor == Actor::Role(Role::Replica) && node.runs()).count()
}

/// Which nodes are meant now.
pub(super) fn nodes<'a>(picture: &'a Picture, name: &NodeName, draw: u64) -> Vec<&'a Node> {
    let all = || picture.nodes.iter();
    match name {
        NodeName::Primary => picture.nodes.acting_primary().into_iter().collect(),
        NodeName::Backup => chosen(backups(picture), draw),
        NodeName::SomeReplica => {
            let replica = |node: &&Node| node.runs() && node.actor == Actor::Role(Role::Replica);
            chosen(all().filter(replica).collect(), draw)
        }
        NodeName::Crashed => all().filter(|node| !node.runs()).collect(),
        NodeName::Frozen => all().filter(|node| picture.steering.frozen.contains_key(&node.id)).collect(),
        NodeName::Everybody => all().filter(|node| node.runs()).collect(),
        NodeName::Named(name) => picture.nodes.get(name).into_iter().collect(),
    }
}

fn chosen(among: Vec<&Node>, draw: u64) -> Vec<&Node> {
    let which = draw as usize % among.len().max(1);
    among.into_iter().nth(which).into_iter().collect()
}

fn backups(picture: &Picture) -> Vec<&Node> {
    let newest = picture.nodes.newest_view().map(|view| view.number);
    let follows = |node: &&Node| {
        let state = node.replica().filter(|_| node.runs());
        state.is_some_and(|state| state.standing == Standing::Backup && Some(state.view.number) == newest)
    };
    picture.nodes.iter().filter(follows).collect()
}

/// What did not happen, as the beginning of a sentence: "there was no view change".
pub(super) fn missing(what: &WaitFor) -> String {
    match what {
        WaitFor::Answered(name) => format!("{name} got no answer"),
        WaitFor::Asked(name) => format!("{name} sent no request"),
        WaitFor::Placed { customer, count: 0 } => format!("{customer} was told “placed”"),
        WaitFor::Placed { customer, count: 1 } => format!("{customer} was not told “placed”"),
        WaitFor::Placed { customer, count } => format!("{customer} was not told “placed” {count} times"),
        WaitFor::Shows { customer, count: 1 } => format!("{customer} was not shown one order"),
        WaitFor::Shows { customer, count } => format!("{customer} was not shown {count} orders"),
        WaitFor::ShowsTold { customer, than: Ordering::Equal } => {
            format!("{customer} was not shown as many orders as were placed")
        }
        WaitFor::ShowsTold { customer, than: Ordering::Greater } => {
            format!("{customer} was not shown more orders than were placed")
        }
        WaitFor::ShowsTold { customer, than: Ordering::Less } => {
            format!("{customer} was not shown fewer orders than were placed")
        }
        WaitFor::Copies(1) => "there was not one full copy".into(),
        WaitFor::Copies(count) => format!("there were not {} equal copies", spelled(*count as usize)),
        WaitFor::Refused => "no message was refused".into(),
        WaitFor::Goes => "time did not go on".into(),
        WaitFor::Serving => "no order was answered".into(),
        WaitFor::Members(Some(1)) => "there was no view with one member".into(),
        WaitFor::Members(None) => "there was no view with all replicas".into(),
        WaitFor::Members(Some(count)) => format!("there was no view with {} members", spelled(*count as usize)),
        WaitFor::ViewChange => "there was no view change".into(),
        WaitFor::Held(1) => "no message was held".into(),
        WaitFor::Held(count) => format!("fewer than {} messages were held", spelled(*count as usize)),
        WaitFor::Failpoint => "no bomb went off".into(),
        WaitFor::StepArrived(step) => format!("no message [{step}] arrived"),
        WaitFor::StepSent(step) => format!("no message [{step}] was sent"),
        WaitFor::Stopped => "time did not stop".into(),
        WaitFor::Leads(name) => did_not(name, "become primary", "became primary"),
        WaitFor::Suspected => "no replica was suspected".into(),
        WaitFor::Frozen(name) => did_not(name, "freeze", "froze"),
        WaitFor::Ended(name) => did_not(name, "end", "ended"),
        WaitFor::AWhile(_) | WaitFor::TheEnd(_) => "the time did not pass".into(),
    }
}

fn did_not(name: &NodeName, verb: &str, past: &str) -> String {
    match name {
        NodeName::Named(name) => format!("{name} did not {verb}"),
        _ => format!("no {} {past}", node_words(name)),
    }
}

/// "two": small numbers as words.
fn spelled(number: usize) -> String {
    const WORDS: [&str; 9] = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    number.checked_sub(1).and_then(|at| WORDS.get(at)).map_or_else(|| number.to_string(), |word| (*word).to_owned())
}

fn node_words(name: &NodeName) -> &str {
    match name {
        NodeName::Primary => "primary",
        NodeName::Backup => "backup",
        NodeName::Crashed => "crashed node",
        NodeName::Frozen => "frozen node",
        NodeName::Everybody => "node",
        NodeName::SomeReplica => "running replica",
        NodeName::Named(name) => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_told_otherwise_than_several() {
        let placed = |count| missing(&WaitFor::Placed { customer: "Grace".into(), count });
        assert_eq!(placed(1), "Grace was not told “placed”");
        assert_eq!(placed(2), "Grace was not told “placed” 2 times");
        let copies = [missing(&WaitFor::Copies(1)), missing(&WaitFor::Copies(2))];
        assert_eq!(copies, ["there was not one full copy", "there were not two equal copies"]);
    }
}
