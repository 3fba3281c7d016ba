//! What links do, said by the ends that the diagram shows: one step for many links where it means exactly those.

use std::collections::BTreeSet;

use super::{Said, end, is_sayable, setting, task};
use crate::recording::Unsaid;
use crate::script_runner::resolved;
use crate::{Action, EndName, Spot, WaitFor};
use knowledge::picture::Picture;
use knowledge::user_command::{LinkWay, UserCommand};
use protocol::trace::LinkRule;

/// Cutting is a task where something follows; what merely holds or slows, the lesson does.
pub(super) fn said(command: &UserCommand, picture: &Picture) -> Result<Said, Unsaid> {
    let actions = links_said(command, picture).ok_or(Unsaid::Links)?;
    let spots = match &actions[..] {
        [Action::Links { from, to, .. }] => vec![Spot::Link(from.clone(), to.clone())],
        _ => Vec::new(),
    };
    let is_task = matches!(command, UserCommand::SetLinks { rule: LinkRule { hold: false, cut: true, .. }, .. })
        || matches!(command, UserCommand::SetLinks { rule, .. } if rule.is_mended());
    let said = actions.first().cloned().map_or_else(Said::default, if is_task { task } else { setting });
    Ok(Said { actions, spots, may_follow: vec![WaitFor::ViewChange, WaitFor::Suspected, WaitFor::Refused], ..said })
}

/// The fewest steps that mean exactly this; none: a file cannot say it.
pub(in crate::recording) fn links_said(command: &UserCommand, picture: &Picture) -> Option<Vec<Action>> {
    let UserCommand::SetLinks { links, rule } = command else { return None };
    let wanted: BTreeSet<&LinkWay> = links.iter().collect();
    let names: BTreeSet<&str> = links.iter().flat_map(|way| [way.from.as_str(), way.to.as_str()]).collect();
    let (senders, receivers) =
        (ends(links.iter().map(|way| &way.from), picture), ends(links.iter().map(|way| &way.to), picture));
    let step = |from: &EndName, to: &EndName, both_ways| Action::Links {
        from: from.clone(),
        to: to.clone(),
        both_ways,
        rule: *rule,
    };
    let mut choices = Vec::new();
    for from in &senders {
        for to in &receivers {
            choices.extend([step(from, to, true), step(from, to, false)]);
        }
    }
    if *rule == LinkRule::CUT {
        choices.extend(names.iter().map(|name| Action::Partition(vec![end(name, picture)])));
    }
    if let Some(whole) = choices.into_iter().find(|action| is_sayable(action) && means(action, &wanted, *rule, picture))
    {
        return Some(vec![whole]);
    }
    if links.len() < 2 {
        return None;
    }
    // A part of them that one step says, and the rest.
    let (first, rest) = part(links, picture);
    let said = |links| links_said(&UserCommand::SetLinks { links, rule: *rule }, picture);
    let mut steps = said(first)?;
    steps.extend(said(rest)?);
    Some(steps)
}

/// All of one pair of ends, where one end may be the backups; then the others.
fn part(links: &[LinkWay], picture: &Picture) -> (Vec<LinkWay>, Vec<LinkWay>) {
    let Some(LinkWay { from, to }) = links.first() else { return Default::default() };
    let backups = resolved_names(&EndName::Backups, picture);
    let of = |name: &String| if backups.contains(name) { backups.clone() } else { BTreeSet::from([name.clone()]) };
    let (one, other) = (of(from), of(to));
    let is_between = |way: &LinkWay| {
        (one.contains(&way.from) && other.contains(&way.to)) || (other.contains(&way.from) && one.contains(&way.to))
    };
    let (first, rest): (Vec<_>, Vec<_>) = links.iter().cloned().partition(is_between);
    if !rest.is_empty() {
        return (first, rest);
    }
    let same = |way: &LinkWay| (&way.from, &way.to) == (from, to) || (&way.from, &way.to) == (to, from);
    let (first, rest): (Vec<_>, Vec<_>) = links.iter().cloned().partition(same);
    if !rest.is_empty() {
        return (first, rest);
    }
    (links[..1].to_vec(), links[1..].to_vec())
}

/// What such a set of names can be called: a node by its role or name, the backups, the customers.
fn ends<'a>(names: impl Iterator<Item = &'a String>, picture: &Picture) -> Vec<EndName> {
    let names: BTreeSet<String> = names.cloned().collect();
    let mut all = Vec::new();
    for crowd in [EndName::Backups, EndName::Customers] {
        let its = resolved_names(&crowd, picture);
        if its.len() > 1 && its.is_subset(&names) {
            all.push(crowd);
        }
    }
    all.extend(names.iter().map(|name| end(name, picture)));
    all
}

/// The names at that end, as its links to the name server or the front-end tell.
fn resolved_names(crowd: &EndName, picture: &Picture) -> BTreeSet<String> {
    let hub = EndName::Node(super::named(if *crowd == EndName::Backups { "name-server" } else { "front-end" }));
    let action = Action::Links { from: crowd.clone(), to: hub, both_ways: false, rule: LinkRule::CUT };
    let commands = resolved(&action, picture, 0, false).map(|step| step.commands).unwrap_or_default();
    let links = commands
        .into_iter()
        .flat_map(|command| if let UserCommand::SetLinks { links, .. } = command { links } else { Vec::new() });
    links.map(|way| way.from).collect()
}

/// Whether a step means exactly these links, whichever way a choice falls. Mending what is whole changes nothing.
fn means(action: &Action, wanted: &BTreeSet<&LinkWay>, rule: LinkRule, picture: &Picture) -> bool {
    let is_whole = |way: &LinkWay| rule.is_mended() && picture.steering.link(&way.from, &way.to).is_mended();
    (0..3).all(|draw| {
        let Ok(step) = resolved(action, picture, draw, false) else { return false };
        let [UserCommand::SetLinks { links, .. }] = &step.commands[..] else { return false };
        let asks: BTreeSet<&LinkWay> = links.iter().collect();
        asks.is_superset(wanted) && asks.difference(wanted).all(|way| is_whole(way))
    })
}
