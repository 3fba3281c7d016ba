//! From the file to the scenario: limits, names, and whether each step has what it needs and nothing else.
//!
//! A refusal is a place in the text and a sentence; turning the place into line and column is the caller's.

pub(super) mod actions;
mod fields;
mod reader;

use std::collections::BTreeSet;
use std::time::Duration;

use protocol::acknowledge::Acknowledge;
use protocol::order_book::MOST_SESSIONS;
use protocol::plant::Plant;
use protocol::trace::Part;
use toml::Spanned;

pub(super) use self::reader::USUAL_WAIT;
use super::file::{File, FileExpectations, FileStep};
use super::words::{self, LIGHTS};
use super::{Action, Expectations, Scenario, Step, WaitFor};

const MOST_STEPS: usize = 1000;
/// At most this many replicas, added ones included.
pub(super) const MOST_REPLICAS: u32 = 20;
/// At most this many front-ends, the first one included.
const MOST_FRONT_ENDS: u32 = 3;
pub(super) const MOST_CUSTOMERS: i64 = 1000;
/// A scenario lasts at most a day, in seconds.
const LONGEST: i64 = 24 * 3600;
/// The longest title, in characters.
pub(super) const LONGEST_TITLE: usize = 200;

/// Byte position in the text, and what is wrong there.
pub(super) type Refusal = (usize, String);

/// The nodes and customers that a step can name: names are given in order, so only earlier steps count.
#[derive(Debug, Default)]
pub(super) struct Cast {
    replicas: u32,
    front_ends: u32,
    /// Customers with a name so far.
    customers: BTreeSet<String>,
    /// Anybody may be meant: seen when it is done.
    open: bool,
}

impl Cast {
    /// This many replicas, one front-end and no customer with a name.
    pub fn of(replicas: u32) -> Self {
        Self { replicas, front_ends: 1, ..Self::default() }
    }
}

pub(super) fn scenario(file: &File) -> Result<Scenario, Refusal> {
    let title = file.title.get_ref().trim().to_owned();
    if title.chars().count() > LONGEST_TITLE || title.chars().any(char::is_control) {
        return refuse(&file.title, format!("a title is one line of at most {LONGEST_TITLE} characters"));
    }
    let replicas = within(&file.replicas, 1, i64::from(MOST_REPLICAS), "replicas")? as u32;
    let customers = within(&file.customers, 0, MOST_CUSTOMERS, "customers")? as u32;
    let seconds = within(&file.seconds, 1, LONGEST, "seconds")?;
    let again_after = file.again_after_ms.as_ref().map(|ms| within(ms, 100, LONGEST * 1000, "again-after-ms"));
    let again_after = again_after.transpose()?.map(milliseconds);
    let most = i64::from(MOST_SESSIONS);
    let sessions = file.sessions.as_ref().map(|room| within(room, 1, most, "sessions")).transpose()?.unwrap_or(most);
    let etcd = file.view_record.as_ref().map(view_record).transpose()?.unwrap_or(false);
    let steps = steps(file, replicas, again_after)?;
    if let Some(at) = steps.iter().position(|step| matches!(step.action, Action::StoreMembers(_))).filter(|_| !etcd) {
        let why = "“store-members” needs view-record = \"etcd\" at the top of the scenario";
        return refuse(&file.step[at].action, why.into());
    }
    let needs_disk = |step: &Step| match step.action {
        Action::Disk(..) => true,
        Action::Bomb(_, bomb) => bomb.is_some_and(|bomb| bomb.at.part() == Part::Disk),
        _ => false,
    };
    if let Some(at) = steps.iter().position(needs_disk).filter(|_| !file.durable) {
        let why = "replicas that keep everything in memory have no disk; this needs durable = true at the top of the scenario";
        return refuse(&file.step[at].action, why.into());
    }
    if customers == 0 && !steps.iter().any(|step| matches!(step.action, Action::Order { .. })) {
        return refuse(&file.customers, "without “customers”, at least one step must place an order".into());
    }
    Ok(Scenario {
        title,
        replicas,
        customers,
        lasts: Duration::from_secs(seconds as u64),
        plant: file.plant.as_ref().map(plant).transpose()?.flatten(),
        acknowledge: file.acknowledge.as_ref().map(acknowledge).transpose()?.unwrap_or_default(),
        steps,
        again_after,
        sessions: sessions as u32,
        etcd,
        durable: file.durable,
        expect: expectations(&file.expect)?,
    })
}

fn steps(file: &File, replicas: u32, again_after: Option<Duration>) -> Result<Vec<Step>, Refusal> {
    if let Some(step) = file.step.get(MOST_STEPS) {
        return refuse(&step.action, format!("a scenario has at most {MOST_STEPS} steps"));
    }
    let mut cast = Cast::of(replicas);
    let mut steps: Vec<Step> = Vec::new();
    for step in &file.step {
        let before = steps.last().map_or(Duration::ZERO, |step| step.at);
        let mut at = before;
        if let Some(at_ms) = &step.at_ms {
            at = milliseconds(within(at_ms, 0, LONGEST * 1000, "at-ms")?);
            if at < before {
                return refuse(at_ms, "this step is earlier than the step before it: sort the steps by time".into());
            }
            let first = steps.first().map_or(at, |step| step.at);
            if again_after.is_some_and(|period| at - first >= period) {
                return refuse(at_ms, "this step comes after “again-after-ms”, so it would never run".into());
            }
        }
        steps.push(Step { at, line: 0, action: actions::action(step, &mut cast)? });
    }
    Ok(steps)
}

/// The conditions of a lesson: what stands in "wait", without it.
pub(super) fn conditions(written: &mut [FileStep], cast: &mut Cast) -> Result<Vec<WaitFor>, Refusal> {
    let condition = |written: &mut FileStep| {
        let at = written.given().next().map_or(0, |(_, at)| at);
        if !written.action.get_ref().is_empty() {
            return refuse(&written.action, "a condition has “for”, not “do”".into());
        }
        written.action = Spanned::new(at..at, "wait".into());
        match actions::action(written, cast)? {
            Action::Wait { for_what: WaitFor::TheEnd(_), .. } => Err((at, "a lesson has no end to wait for".into())),
            Action::Wait { for_what, .. } => Ok(for_what),
            _ => Err((at, "a condition has “for”".into())),
        }
    };
    written.iter_mut().map(condition).collect()
}

/// The steps of a lesson: they come one after the other, at once.
pub(super) fn immediate(written: &[FileStep], cast: &mut Cast) -> Result<Vec<Action>, Refusal> {
    let step = |step: &FileStep| match &step.at_ms {
        Some(at_ms) => refuse(at_ms, "a step of a lesson runs at once: leave out “at-ms”".into()),
        None => actions::action(step, cast),
    };
    written.iter().map(step).collect()
}

pub(super) fn expectations(file: &FileExpectations) -> Result<Expectations, Refusal> {
    let number = |number: &Option<Spanned<i64>>, name| match number {
        Some(number) => within(number, 0, i64::from(u32::MAX), name).map(|n| Some(n as u64)),
        None => Ok(None),
    };
    let light = |word: &Spanned<String>| {
        words::resolving(&LIGHTS, word.get_ref()).or_else(|known| {
            refuse(word, format!("“{}” is not a light; the lights are: {known}", shown(word.get_ref())))
        })
    };
    Ok(Expectations {
        acknowledged: number(&file.acknowledged, "acknowledged")?.unwrap_or(0),
        failovers: number(&file.failovers, "failovers")?.unwrap_or(0),
        view_changes: number(&file.view_changes, "view-changes")?.unwrap_or(0),
        at_most_view_changes: number(&file.at_most_view_changes, "at-most-view-changes")?,
        longest_gap: number(&file.longest_gap_ms, "longest-gap-ms")?.map(Duration::from_millis),
        timers_rung: number(&file.timers_rung, "timers-rung")?,
        suspicions: number(&file.suspicions, "suspicions")?,
        faults: number(&file.faults, "faults")?.unwrap_or(0),
        kinds: number(&file.kinds, "kinds")?.unwrap_or(0),
        failpoints: number(&file.failpoints, "failpoints")?.unwrap_or(0),
        recovers_within: number(&file.recovers_within_ms, "recovers-within-ms")?.map(Duration::from_millis),
        percent_of_calm: number(&file.percent_of_calm, "percent-of-calm")?,
        red: file.red.iter().map(light).collect::<Result<_, _>>()?,
    })
}

pub(super) fn any_action(step: &FileStep) -> Result<Action, Refusal> {
    if let Some(at_ms) = &step.at_ms {
        return refuse(at_ms, "a single action runs at once: leave out “at-ms”".into());
    }
    actions::action(step, &mut Cast { open: true, ..Cast::default() })
}

#[cfg(test)]
pub(super) fn known_actions() -> impl Iterator<Item = &'static str> {
    fields::KNOWN.split(", ")
}

/// "none", or one of the injected bugs.
pub(super) fn plant(name: &Spanned<String>) -> Result<Option<Plant>, Refusal> {
    match name.get_ref().as_str() {
        "none" => Ok(None),
        other => match other.parse() {
            Ok(plant) => Ok(Some(plant)),
            Err(why) => refuse(name, format!("“{}”: {why}", shown(other))),
        },
    }
}

/// "journal", as usual, or "etcd".
fn view_record(word: &Spanned<String>) -> Result<bool, Refusal> {
    match word.get_ref().as_str() {
        "journal" => Ok(false),
        "etcd" => Ok(true),
        other => refuse(word, format!("“{}” is no place for the view record; use “journal” or “etcd”", shown(other))),
    }
}

/// "all", "one" or "none".
pub(super) fn acknowledge(name: &Spanned<String>) -> Result<Acknowledge, Refusal> {
    let word = name.get_ref();
    word.parse().or_else(|why| refuse(name, format!("“{}”: {why}", shown(word))))
}

pub(super) fn within(number: &Spanned<i64>, least: i64, most: i64, name: &str) -> Result<i64, Refusal> {
    match *number.get_ref() {
        fits if (least..=most).contains(&fits) => Ok(fits),
        other => refuse(number, format!("“{name}” is {other}; it must be from {least} to {most}")),
    }
}

fn milliseconds(number: i64) -> Duration {
    Duration::from_millis(number.unsigned_abs())
}

/// A stranger's word, safe to show.
pub(super) fn shown(word: &str) -> String {
    protocol::text::shown(word, 40)
}

pub(super) fn refuse<T, S>(at: &Spanned<S>, why: String) -> Result<T, Refusal> {
    Err((at.span().start, why))
}
