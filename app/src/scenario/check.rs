//! From the file to the scenario: limits, names, and whether each step has what it needs and nothing else.
//!
//! A refusal is a place in the text and a sentence; turning the place into line and column is the caller's.

use std::time::Duration;

use node::control::Misbehaviour;
use protocol::postcode::PostcodeService;
use toml::Spanned;

use super::{Action, ActionLine, Expectations, File, FileStep, NodeName, Scenario, Step};

/// At most so many steps.
const MOST_STEPS: usize = 1000;
/// At most so many replicas, added ones included.
const MOST_REPLICAS: u32 = 20;
/// At most so many customers.
const MOST_CUSTOMERS: i64 = 1000;
/// A scenario lasts at most a day, in seconds.
const LONGEST: i64 = 24 * 3600;
/// The longest title, in characters.
const LONGEST_TITLE: usize = 200;

/// Byte position in the text, and what is wrong there.
type Refusal = (usize, String);

/// Checks a file as a whole.
pub(super) fn scenario(file: File) -> Result<Scenario, Refusal> {
    let title = file.title.get_ref().trim().to_owned();
    if title.chars().count() > LONGEST_TITLE || title.chars().any(char::is_control) {
        return refuse(&file.title, format!("a title is one line of at most {LONGEST_TITLE} characters"));
    }
    let replicas = within(&file.replicas, 1, i64::from(MOST_REPLICAS), "replicas")? as u32;
    let customers = within(&file.customers, 1, MOST_CUSTOMERS, "customers")? as u32;
    let seconds = within(&file.seconds, 1, LONGEST, "seconds")?;
    let again_after = file.again_after_ms.as_ref().map(|ms| within(ms, 100, LONGEST * 1000, "again-after-ms"));
    let again_after = again_after.transpose()?.map(milliseconds);
    if let Some(step) = file.step.get(MOST_STEPS) {
        return refuse(&step.at_ms, format!("a scenario has at most {MOST_STEPS} steps"));
    }
    let mut begun = replicas;
    let mut steps: Vec<Step> = Vec::new();
    for file_step in &file.step {
        let at = milliseconds(within(&file_step.at_ms, 0, LONGEST * 1000, "at-ms")?);
        if steps.last().is_some_and(|before| before.at > at) {
            return refuse(&file_step.at_ms, "this step is earlier than the one before it: put them in order".into());
        }
        if again_after.is_some_and(|period| at >= period) {
            return refuse(&file_step.at_ms, "this step comes after “again-after-ms”: it would never happen".into());
        }
        steps.push(Step { at, action: action(file_step, &mut begun)? });
    }
    let number = |number: &Option<Spanned<i64>>, name| match number {
        Some(number) => within(number, 0, i64::from(u32::MAX), name).map(|n| Some(n as u64)),
        None => Ok(None),
    };
    let expect = Expectations {
        acknowledged: number(&file.expect.acknowledged, "acknowledged")?.unwrap_or(0),
        failovers: number(&file.expect.failovers, "failovers")?.unwrap_or(0),
        longest_gap: number(&file.expect.longest_gap_ms, "longest-gap-ms")?.map(Duration::from_millis),
    };
    Ok(Scenario { title, replicas, customers, lasts: Duration::from_secs(seconds as u64), steps, again_after, expect })
}

/// Checks an action by itself.
pub(super) fn action_line(line: ActionLine) -> Result<Action, String> {
    fn unplaced<T>(value: T) -> Spanned<T> {
        Spanned::new(0..0, value)
    }
    let step = FileStep {
        at_ms: unplaced(0),
        action: unplaced(line.action),
        node: line.node.map(unplaced),
        how: line.how.map(unplaced),
        on: line.on.map(unplaced),
        ms: line.ms.map(unplaced),
    };
    let mut any_replica = u32::MAX - 1;
    if step.action.get_ref() == "add-replica" {
        any_replica = 0;
    }
    action(&step, &mut any_replica).map_err(|(_, why)| why)
}

/// One step: its action with exactly the fields that belong to it. `begun`: how many replicas there have been; their names
/// are given in order, so these are the ones that can be meant.
fn action(step: &FileStep, begun: &mut u32) -> Result<Action, Refusal> {
    let name = step.action.get_ref().as_str();
    let fields = [
        ("node", step.node.as_ref().map(|field| field.span().start)),
        ("how", step.how.as_ref().map(|field| field.span().start)),
        ("on", step.on.as_ref().map(|field| field.span().start)),
        ("ms", step.ms.as_ref().map(|field| field.span().start)),
    ];
    let wanted: &[&str] = match name {
        "crash" | "restart" | "remove" => &["node"],
        "add-replica" => &[],
        "misbehave" => &["node", "how"],
        "verdict-cache" => &["on"],
        "hop" => &["ms"],
        other => {
            let known = "crash, restart, remove, add-replica, misbehave, verdict-cache, hop";
            return refuse(&step.action, format!("“{}” is not something that can be done: {known}", shown(other)));
        }
    };
    for (field, place) in fields {
        match place {
            Some(at) if !wanted.contains(&field) => return Err((at, format!("“{name}” has no “{field}”"))),
            None if wanted.contains(&field) => return refuse(&step.action, format!("“{name}” needs “{field}”")),
            Some(_) | None => {}
        }
    }
    Ok(match (name, &step.node, &step.how, &step.on, &step.ms) {
        ("crash", Some(node), ..) => Action::Crash(node_name(node, *begun, false)?),
        ("restart", Some(node), ..) => Action::Restart(node_name(node, *begun, true)?),
        ("remove", Some(node), ..) => Action::Remove(node_name(node, *begun, false)?),
        ("misbehave", Some(node), Some(how), ..) => Action::Misbehave(service(node)?, misbehaviour(how)?),
        ("verdict-cache", _, _, Some(on), _) => Action::VerdictCache(*on.get_ref()),
        ("hop", _, _, _, Some(ms)) => Action::Hop(milliseconds(within(ms, 0, 60_000, "ms")?)),
        _ => {
            if *begun >= MOST_REPLICAS {
                return refuse(&step.action, format!("there are at most {MOST_REPLICAS} replicas"));
            }
            *begun += 1;
            Action::AddReplica
        }
    })
}

/// A node that exists by then.
fn node_name(name: &Spanned<String>, begun: u32, crashed_allowed: bool) -> Result<NodeName, Refusal> {
    match name.get_ref().as_str() {
        "primary" if !crashed_allowed => Ok(NodeName::Primary),
        "backup" if !crashed_allowed => Ok(NodeName::Backup),
        "crashed" if crashed_allowed => Ok(NodeName::Crashed),
        known @ ("front-end" | "name-server" | "postcodes.io" | "getthedata.com") => Ok(NodeName::Named(known.into())),
        other => match other.strip_prefix("replica-").and_then(|number| number.parse::<u32>().ok()) {
            Some(number) if (1..=begun).contains(&number) && other == format!("replica-{number}") => {
                Ok(NodeName::Named(other.into()))
            }
            _ => refuse(name, format!("there is no node “{}” here", shown(other))),
        },
    }
}

fn service(name: &Spanned<String>) -> Result<PostcodeService, Refusal> {
    match name.get_ref().as_str() {
        "postcodes.io" => Ok(PostcodeService::PostcodesIo),
        "getthedata.com" => Ok(PostcodeService::GetTheData),
        _ => refuse(name, "only postcodes.io and getthedata.com can misbehave".into()),
    }
}

fn misbehaviour(how: &Spanned<String>) -> Result<Misbehaviour, Refusal> {
    match how.get_ref().as_str() {
        "none" => Ok(Misbehaviour::None),
        "slow" => Ok(Misbehaviour::Slow(400)),
        "not-found" => Ok(Misbehaviour::NotFound),
        "too-many-requests" => Ok(Misbehaviour::TooManyRequests),
        "broken" => Ok(Misbehaviour::Broken),
        "hangs" => Ok(Misbehaviour::Hangs),
        "half-body" => Ok(Misbehaviour::HalfBody),
        "not-json" => Ok(Misbehaviour::NotJson),
        other => {
            let known = "none, slow, not-found, too-many-requests, broken, hangs, half-body, not-json";
            refuse(how, format!("“{}” is not a way to misbehave: {known}", shown(other)))
        }
    }
}

fn within(number: &Spanned<i64>, least: i64, most: i64, name: &str) -> Result<i64, Refusal> {
    match *number.get_ref() {
        fits if (least..=most).contains(&fits) => Ok(fits),
        other => refuse(number, format!("“{name}” is {other}; it must be from {least} to {most}")),
    }
}

fn milliseconds(number: i64) -> Duration {
    Duration::from_millis(number.unsigned_abs())
}

/// A stranger's word, safe to show: no control characters, not long.
fn shown(word: &str) -> String {
    word.chars().take(40).flat_map(char::escape_debug).collect()
}

fn refuse<T, S>(at: &Spanned<S>, why: String) -> Result<T, Refusal> {
    Err((at.span().start, why))
}
