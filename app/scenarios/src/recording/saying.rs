//! A command, said as steps of a lesson: by role where only one node plays that, else by name.
//!
//! Whether a step means the command, the scenarios' own resolver says: what it would ask for now is compared with what was asked
//! for. Whether a file can say it, the reader of files says.

mod links;

use protocol::ids::NodeId;
use protocol::machine::Timer;
use protocol::trace::{Freezing, MessageAct};

use super::{Unsaid, named};
use crate::check::USUAL_WAIT;
use crate::file::FileStep;
use crate::script_runner::resolved;
use crate::words::timer_name;
use crate::{Action, EndName, Goal, NodeName, Part, Spot, TimerName, WaitFor, Which, check, written};
use knowledge::picture::Picture;
use knowledge::user_command::{CustomerCommand, Until, UserCommand};
pub(super) use links::links_said;

/// A command in the words of lessons.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// None: it is said once a fact tells more.
    pub actions: Vec<Action>,
    /// Whether a reader can be asked for it, if something follows.
    pub is_task: bool,
    pub spots: Vec<Spot>,
    /// What could follow it, the most telling first. A number is filled in later.
    pub may_follow: Vec<WaitFor>,
    /// Replicas that are meant by name, because several are like them.
    pub named: Vec<String>,
}

/// Whether it changes nothing that happens.
pub(super) fn is_only_a_look(command: &UserCommand) -> bool {
    matches!(command, UserCommand::ShowOrders { .. } | UserCommand::ShowHeartbeats { .. })
}

/// Whether a file can say it, and means the same.
pub(super) fn is_sayable(action: &Action) -> bool {
    let text = written::lines(written::action(action));
    let read = toml::from_str::<FileStep>(&text).ok().and_then(|step| check::any_action(&step).ok());
    read.as_ref() == Some(action)
}

/// The word for a node or customer now: its role, if nobody else has that.
pub(super) fn node_name(name: &str, picture: &Picture) -> NodeName {
    let is_it = |role: &NodeName| {
        let asks = |draw| resolved(&Action::Crash(role.clone()), picture, draw, false).ok().map(|step| step.commands);
        let wanted = Some(vec![UserCommand::Crash { node: name.to_owned() }]);
        // Whichever way a choice falls.
        (0..3).all(|draw| asks(draw) == wanted)
    };
    [NodeName::Primary, NodeName::Backup].into_iter().find(is_it).unwrap_or_else(|| named(name))
}

fn end(name: &str, picture: &Picture) -> EndName {
    EndName::Node(node_name(name, picture))
}

/// The first of these steps that means exactly this command.
fn meant(choices: impl IntoIterator<Item = Action>, command: &UserCommand, picture: &Picture) -> Option<Action> {
    let means = |action: &Action| {
        let asks =
            |draw| resolved(action, picture, draw, false).is_ok_and(|step| step.commands[..] == [command.clone()]);
        (0..3).all(asks) && is_sayable(action)
    };
    choices.into_iter().find(means)
}

/// Says it.
pub(super) fn said(command: &UserCommand, picture: &Picture) -> Result<Said, Unsaid> {
    match command {
        UserCommand::Customer(command) => of_customer(command, picture),
        UserCommand::SetLinks { .. } => links::said(command, picture),
        UserCommand::Message { message, to, act } => {
            let flying = picture.traffic.find(*message, *to).ok_or(Unsaid::Message)?;
            let (from, to) = (picture.name(flying.id.from), picture.name(flying.to));
            let which = Which {
                step: flying.facts.step.map(|step| step.0),
                from: Some(end(&from, picture)),
                to: Some(end(&to, picture)),
                all: false,
            };
            let spots = which.step.map_or_else(Vec::new, |step| vec![Spot::Messages(step)]);
            let action = Action::Message { act: *act, which, within: USUAL_WAIT };
            let action = meant([action], command, picture).ok_or(Unsaid::Message)?;
            let first = if *act == MessageAct::Hold { WaitFor::Held(1) } else { WaitFor::StepArrived(1) };
            Ok(Said { spots, may_follow: vec![WaitFor::ViewChange, first], ..task(action) })
        }
        UserCommand::Ring { node, timer } => {
            let action = ring(*node, *timer, picture);
            let action = meant([action], command, picture).ok_or(Unsaid::Timer)?;
            Ok(Said { may_follow: vec![WaitFor::ViewChange, WaitFor::Suspected], ..task(action) })
        }
        UserCommand::RunUntil { rate, until } => {
            let action = match until {
                Until::Moment(_) => Action::Step { count: 1, rate: *rate },
                Until::NumberedStep => Action::RunUntil(*rate, Goal::NumberedStep),
                Until::ViewChange => Action::RunUntil(*rate, Goal::ViewChange),
            };
            let may_follow = vec![WaitFor::ViewChange, WaitFor::Failpoint, WaitFor::StepArrived(1)];
            Ok(Said { spots: vec![Spot::Part(Part::Speed)], may_follow, ..task(action) })
        }
        UserCommand::Crash { .. }
        | UserCommand::Restart { .. }
        | UserCommand::Remove { .. }
        | UserCommand::AddReplica
        | UserCommand::AddFrontEnd
        | UserCommand::CrashAll
        | UserCommand::PowerOn
        | UserCommand::FreshStart { .. }
        | UserCommand::MendAll
        | UserCommand::Freeze { .. }
        | UserCommand::Wake { .. } => of_processes(command, picture),
        UserCommand::SetRate { .. }
        | UserCommand::SetHop { .. }
        | UserCommand::SetBomb { .. }
        | UserCommand::SetDisk { .. }
        | UserCommand::SetPlant { .. }
        | UserCommand::SetAcknowledge { .. }
        | UserCommand::Misbehave { .. }
        | UserCommand::SetVerdictCache { .. }
        | UserCommand::KeepStoreMembers { .. }
        | UserCommand::ShowOrders { .. }
        | UserCommand::ShowHeartbeats { .. } => of_settings(command, picture),
    }
}

fn task(action: Action) -> Said {
    Said { actions: vec![action], is_task: true, ..Said::default() }
}

/// What the lesson does itself: nothing follows it that a reader could be asked for.
fn setting(action: Action) -> Said {
    Said { actions: vec![action], ..Said::default() }
}

fn ring(node: NodeId, timer: Timer, picture: &Picture) -> Action {
    let of = match timer {
        Timer::Silence(of) => Some(node_name(&picture.name(of), picture)),
        _ => None,
    };
    let timer = TimerName { name: timer_name(timer), of };
    Action::Ring { node: node_name(&picture.name(node), picture), timer, within: USUAL_WAIT }
}

fn of_customer(command: &CustomerCommand, picture: &Picture) -> Result<Said, Unsaid> {
    let name = |customer| picture.customers.get(customer).map(|it| it.name.clone()).ok_or(Unsaid::Other);
    let whole = UserCommand::Customer(command.clone());
    let customer_of = |name: &str| Spot::End(EndName::Node(named(name)));
    match command {
        // A fact tells the name and the place.
        CustomerCommand::AddCustomer { .. } | CustomerCommand::MoveCustomer { .. } => Ok(Said::default()),
        CustomerCommand::RemoveCustomer { .. } => Err(Unsaid::CustomerLeft),
        CustomerCommand::PlaceOrder { customer, postcode, items } => {
            let customer = name(*customer)?;
            let order = |postcode| Action::Order { customer: customer.clone(), postcode, items: items.clone() };
            let choices = [order(None), order(postcode.parse().ok())];
            let action = meant(choices, &whole, picture).ok_or(Unsaid::Other)?;
            let placed = WaitFor::Placed { customer: customer.clone(), count: 1 };
            let may_follow = vec![placed, WaitFor::Failpoint, WaitFor::Held(1), WaitFor::Asked(customer.clone())];
            let spots = vec![Spot::Part(Part::OrderForm), customer_of(&customer)];
            Ok(Said { spots, may_follow, ..task(action) })
        }
        CustomerCommand::ReadHistory { customer, postcode, .. } => {
            let customer = name(*customer)?;
            let read = |postcode| Action::Read { customer: customer.clone(), postcode };
            let action = meant([read(None), read(postcode.parse().ok())], &whole, picture).ok_or(Unsaid::Other)?;
            let spots = vec![customer_of(&customer)];
            Ok(Said { spots, may_follow: vec![WaitFor::Asked(customer)], ..task(action) })
        }
        CustomerCommand::GiveUp { customer } => {
            let customer = name(*customer)?;
            let spots = vec![customer_of(&customer)];
            let action = Action::GiveUp(customer.clone());
            Ok(Said { spots, may_follow: vec![WaitFor::Answered(customer)], ..task(action) })
        }
    }
}

/// A step that is about one node, and its page's light.
fn on(
    name: &str,
    others: &[NodeName],
    action: fn(NodeName) -> Action,
    command: &UserCommand,
    picture: &Picture,
) -> Result<Said, Unsaid> {
    let role = Some(node_name(name, picture)).filter(|it| *it != named(name));
    let names = role.into_iter().chain(others.iter().cloned()).chain([named(name)]);
    let action = meant(names.map(action), command, picture).ok_or(Unsaid::Other)?;
    let is_replica = picture.nodes.get(name).is_some_and(|node| node.replica().is_some());
    let is_by_name = is_replica && node_of(&action) == Some(&named(name));
    let spots = vec![Spot::End(end(name, picture))];
    Ok(Said { spots, named: is_by_name.then(|| name.to_owned()).into_iter().collect(), ..task(action) })
}

/// The node that a step is about.
fn node_of(action: &Action) -> Option<&NodeName> {
    match action {
        Action::Crash(node)
        | Action::Freeze(node, _)
        | Action::Wake(node)
        | Action::Restart(node)
        | Action::Remove(node) => Some(node),
        _ => None,
    }
}

fn of_processes(command: &UserCommand, picture: &Picture) -> Result<Said, Unsaid> {
    let on = |name: &str, others: &[NodeName], action| on(name, others, action, command, picture);
    let joins = || vec![WaitFor::Members(None), WaitFor::ViewChange];
    let (said, may_follow) = match command {
        UserCommand::Crash { node } => {
            let ended = WaitFor::Ended(node_name(node, picture));
            (on(node, &[], Action::Crash)?, vec![WaitFor::ViewChange, ended])
        }
        UserCommand::Freeze { node, how } => {
            let action = match how {
                Freezing::Cooperative => |node| Action::Freeze(node, Freezing::Cooperative),
                Freezing::Signal => |node| Action::Freeze(node, Freezing::Signal),
            };
            let frozen = WaitFor::Frozen(node_name(node, picture));
            (on(node, &[], action)?, vec![WaitFor::ViewChange, frozen])
        }
        UserCommand::Wake { node } => {
            let may_follow = vec![WaitFor::Refused, WaitFor::ViewChange, WaitFor::Members(None)];
            (on(node, &[NodeName::Frozen], Action::Wake)?, may_follow)
        }
        UserCommand::Restart { node } => (on(node, &[NodeName::Crashed], Action::Restart)?, joins()),
        UserCommand::Remove { node } => (on(node, &[], Action::Remove)?, vec![WaitFor::ViewChange]),
        UserCommand::FreshStart { replica, .. } => {
            let action = meant([Action::FreshStart(named(replica))], command, picture).ok_or(Unsaid::Other)?;
            (task(action), vec![WaitFor::ViewChange, WaitFor::Serving])
        }
        UserCommand::CrashAll => (task(Action::CrashAll), vec![WaitFor::Ended(named("front-end"))]),
        UserCommand::PowerOn => (task(Action::PowerOn), vec![WaitFor::ViewChange, WaitFor::Serving]),
        UserCommand::AddReplica => (task(Action::AddReplica), joins()),
        UserCommand::MendAll => {
            (task(Action::MendAll), vec![WaitFor::ViewChange, WaitFor::Refused, WaitFor::Members(None)])
        }
        UserCommand::AddFrontEnd => return Ok(setting(Action::AddFrontEnd)),
        UserCommand::SetRate { .. }
        | UserCommand::SetHop { .. }
        | UserCommand::SetBomb { .. }
        | UserCommand::SetDisk { .. }
        | UserCommand::SetPlant { .. }
        | UserCommand::SetAcknowledge { .. }
        | UserCommand::Misbehave { .. }
        | UserCommand::SetVerdictCache { .. }
        | UserCommand::KeepStoreMembers { .. }
        | UserCommand::Customer(_)
        | UserCommand::SetLinks { .. }
        | UserCommand::Message { .. }
        | UserCommand::Ring { .. }
        | UserCommand::RunUntil { .. }
        | UserCommand::ShowOrders { .. }
        | UserCommand::ShowHeartbeats { .. } => return Err(Unsaid::Other),
    };
    Ok(Said { may_follow, ..said })
}

/// What is set: nothing follows it that a reader could be asked for.
fn of_settings(command: &UserCommand, picture: &Picture) -> Result<Said, Unsaid> {
    let action = match command {
        UserCommand::SetBomb { node, bomb } => {
            let names = [node_name(node, picture), named(node)];
            let laid = names.map(|name| Action::Bomb(name, *bomb));
            meant(laid, command, picture).ok_or(Unsaid::Other)?
        }
        UserCommand::SetDisk { node, fault } => {
            let names = [node_name(node, picture), named(node)];
            let meant_by = names.map(|name| Action::Disk(name, *fault));
            meant(meant_by, command, picture).ok_or(Unsaid::Other)?
        }
        UserCommand::SetRate { rate } => Action::Speed(*rate),
        UserCommand::SetHop { hop } => Action::Hop(hop.map(|hop| std::time::Duration::from_micros(hop.0))),
        UserCommand::SetPlant { plant } => Action::Plant(*plant),
        UserCommand::SetAcknowledge { acknowledge } => Action::Acknowledge(*acknowledge),
        UserCommand::Misbehave { service, how } => Action::Misbehave(*service, *how),
        UserCommand::SetVerdictCache { on } => Action::VerdictCache(*on),
        UserCommand::KeepStoreMembers { members } => Action::StoreMembers(*members),
        UserCommand::Crash { .. }
        | UserCommand::Restart { .. }
        | UserCommand::Remove { .. }
        | UserCommand::AddReplica
        | UserCommand::AddFrontEnd
        | UserCommand::CrashAll
        | UserCommand::PowerOn
        | UserCommand::FreshStart { .. }
        | UserCommand::MendAll
        | UserCommand::Freeze { .. }
        | UserCommand::Wake { .. }
        | UserCommand::Customer(_)
        | UserCommand::SetLinks { .. }
        | UserCommand::Message { .. }
        | UserCommand::Ring { .. }
        | UserCommand::RunUntil { .. }
        | UserCommand::ShowOrders { .. }
        | UserCommand::ShowHeartbeats { .. } => return Err(Unsaid::Other),
    };
    if is_sayable(&action) { Ok(setting(action)) } else { Err(Unsaid::Other) }
}
