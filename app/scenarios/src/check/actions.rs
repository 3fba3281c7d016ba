//! One step: its action with exactly the fields that belong to it, and each field within its limits.

use std::cmp::Ordering;

use protocol::ids::Span;
use protocol::menu::check_items;
use protocol::postcode::PostcodeService;
use protocol::trace::{Blast, Bomb, Freezing, LinkRule, MessageAct, Rate};
use toml::Spanned;

use super::reader::{LONGEST_WAIT, Reader, is_a_nodes_name, is_of_a_name};
use super::{
    Cast, MOST_FRONT_ENDS, MOST_REPLICAS, Refusal, acknowledge, fields, milliseconds, plant, refuse, shown, within,
};
use crate::file::FileStep;
use crate::words::{ACTS, DISKS, FREEZINGS, MISBEHAVIOURS, TIMERS};
use crate::{ALL_STORE_MEMBERS, Action, Goal, NodeName, TimerName, WaitFor, Which};

/// A link delays at most so long, in milliseconds.
const LONGEST_DELAY: i64 = 600_000;
/// How fast a step goes if it does not say: so slowly that messages stay in their links.
pub(crate) const STEP_RATE: Rate = Rate(100_000);
/// At most this many steps one after the other, messages that are waited for, and the like.
const MOST: i64 = 1000;
/// The longest name of a customer, in characters.
const LONGEST_NAME: usize = 40;
/// Characters of what is said.
const LONGEST_WORDS: usize = 300;

/// Checks a step. Later steps may name what it adds.
pub(super) fn action(step: &FileStep, cast: &mut Cast) -> Result<Action, Refusal> {
    let name = step.action.get_ref().as_str();
    if name.is_empty() {
        return Err((step.given().next().map_or(0, |(_, at)| at), "a step needs “do”".into()));
    }
    let Some((needed, allowed)) = fields::of_action(name) else {
        let known = fields::KNOWN;
        return refuse(&step.action, format!("“{}” is not an action; the actions are: {known}", shown(name)));
    };
    if let Some((field, at)) = step.given().find(|(field, _)| !needed.contains(field) && !allowed.contains(field)) {
        return Err((at, format!("“{name}” has no “{field}”")));
    }
    let read = Reader { step, cast };
    if let Some(action) = read.of_processes(name)? {
        return Ok(action);
    }
    if let Some(action) = read.of_time_and_links(name)? {
        return Ok(action);
    }
    if let Some(action) = read.of_customers(name)? {
        return Ok(action);
    }
    // What is left changes who there is.
    add_to_cast(step, cast)
}

/// What a customer may be called.
pub(crate) fn customer_name(written: &Spanned<String>) -> Result<String, Refusal> {
    let text = written.get_ref();
    if text.is_empty() || text.chars().count() > LONGEST_NAME || text.chars().any(|it| !is_of_a_name(it)) {
        let has = format!("a customer's name has 1 to {LONGEST_NAME} letters, digits, spaces or hyphens");
        return refuse(written, format!("{has}, but this one is “{}”", shown(text)));
    }
    if is_a_nodes_name(text) {
        return refuse(written, format!("“{text}” is already the name of a node"));
    }
    Ok(text.clone())
}

fn add_to_cast(step: &FileStep, cast: &mut Cast) -> Result<Action, Refusal> {
    if step.action.get_ref() == "customer" {
        let read = Reader { step, cast };
        let at = read.needed(&step.name, "name")?;
        let postcode = read.postcode(read.needed(&step.postcode, "postcode")?)?;
        let name = customer_name(at)?;
        cast.customers.insert(name.clone());
        return Ok(Action::Customer { name, postcode });
    }
    if step.action.get_ref() == "add-front-end" {
        // Those that were removed count, too: their names are not given again.
        if !cast.open && cast.front_ends >= MOST_FRONT_ENDS {
            return refuse(&step.action, format!("there are at most {MOST_FRONT_ENDS} front-ends"));
        }
        cast.front_ends += 1;
        return Ok(Action::AddFrontEnd);
    }
    if !cast.open {
        if cast.replicas >= MOST_REPLICAS {
            return refuse(&step.action, format!("there are at most {MOST_REPLICAS} replicas"));
        }
        cast.replicas += 1;
    }
    Ok(Action::AddReplica)
}

impl Reader<'_, '_> {
    fn of_processes(&self, name: &str) -> Result<Option<Action>, Refusal> {
        let node = |crowds: &[NodeName]| self.cast.node(self.needed(&self.step.node, "node")?, crowds);
        Ok(Some(match name {
            "crash" => Action::Crash(node(&[NodeName::Everybody])?),
            "crash-all" | "power-cut" => Action::CrashAll,
            "power-on" => Action::PowerOn,
            "fresh-start" => Action::FreshStart(node(&[])?),
            "restart" => Action::Restart(self.restartable()?),
            "remove" => Action::Remove(node(&[])?),
            "misbehave" => {
                let (service, how) = (self.needed(&self.step.node, "node")?, self.needed(&self.step.how, "how")?);
                Action::Misbehave(service_named(service)?, self.word(how, &MISBEHAVIOURS, "way to misbehave")?)
            }
            "verdict-cache" => Action::VerdictCache(*self.needed(&self.step.on, "on")?.get_ref()),
            "store-members" => {
                let wanted = self.needed(&self.step.members, "members")?;
                Action::StoreMembers(within(wanted, 0, i64::from(ALL_STORE_MEMBERS), "members")? as u32)
            }
            "freeze" => {
                let how = self.step.how.as_ref().map(|how| self.word(how, &FREEZINGS, "way to freeze"));
                Action::Freeze(node(&[NodeName::Everybody])?, how.transpose()?.unwrap_or(Freezing::Cooperative))
            }
            "wake" => Action::Wake(node(&[NodeName::Everybody, NodeName::Frozen])?),
            "bomb" => {
                let at = self.needed(&self.step.at, "at")?;
                let target = self.cast.actor(self.needed(&self.step.node, "node")?)?;
                Action::Bomb(target, self.bomb(at)?)
            }
            "disk" => {
                let how = self.needed(&self.step.how, "how")?;
                Action::Disk(node(&[NodeName::Everybody])?, self.word(how, &DISKS, "state of a disk")?)
            }
            "plant" => Action::Plant(plant(self.needed(&self.step.plant, "plant")?)?),
            "acknowledge" => Action::Acknowledge(acknowledge(self.needed(&self.step.acknowledge, "acknowledge")?)?),
            _ => return Ok(None),
        }))
    }

    fn of_time_and_links(&self, name: &str) -> Result<Option<Action>, Refusal> {
        let step = self.step;
        Ok(Some(match name {
            "hop" => Action::Hop(self.length(&step.ms, "ms", 0, 60_000)?),
            "speed" => Action::Speed(rate(self.needed(&step.rate, "rate")?, true)?),
            "go-on" => Action::GoOn,
            "run-until" => {
                let until = self.needed(&step.until, "until")?;
                Action::RunUntil(rate(self.needed(&step.rate, "rate")?, false)?, self.goal(until)?)
            }
            "step" => Action::Step {
                count: self.number(&step.count, "count", 1, MOST)?.unwrap_or(1) as u32,
                rate: step.rate.as_ref().map(|it| rate(it, false)).transpose()?.unwrap_or(STEP_RATE),
            },
            "cut" => self.links(true, LinkRule::CUT)?,
            "cut-one-way" => self.links(false, LinkRule::CUT)?,
            "hold" => self.links(false, LinkRule { hold: true, ..LinkRule::default() })?,
            "mend" => self.links(true, LinkRule::default())?,
            "slow" => self.links(false, self.slow()?)?,
            "mend-all" => Action::MendAll,
            "partition" => {
                let side = self.needed(&step.side, "side")?;
                if side.get_ref().is_empty() || side.get_ref().len() > 40 {
                    return refuse(side, "a side has 1 to 40 names".into());
                }
                Action::Partition(side.get_ref().iter().map(|end| self.cast.end(end)).collect::<Result<_, _>>()?)
            }
            "message" => Action::Message { act: self.message_act()?, which: self.which()?, within: self.patience()? },
            "ring" => {
                let node = self.cast.actor(self.needed(&step.node, "node")?)?;
                Action::Ring { node, timer: self.timer()?, within: self.patience()? }
            }
            _ => return Ok(None),
        }))
    }

    fn of_customers(&self, name: &str) -> Result<Option<Action>, Refusal> {
        let step = self.step;
        let postcode = || step.postcode.as_ref().map(|it| self.postcode(it)).transpose();
        Ok(Some(match name {
            "order" => {
                let items = self.needed(&step.items, "items")?;
                if let Err(error) = check_items(items.get_ref()) {
                    return refuse(items, error.to_string());
                }
                let items = items.get_ref().clone();
                Action::Order { customer: self.customer()?, postcode: postcode()?, items }
            }
            "read" => Action::Read { customer: self.customer()?, postcode: postcode()? },
            "give-up" => Action::GiveUp(self.customer()?),
            "say" => Action::Say(self.words()?),
            "wait" => Action::Wait { for_what: self.wait()?, within: self.patience()? },
            _ => return Ok(None),
        }))
    }

    fn wait(&self) -> Result<WaitFor, Refusal> {
        let step = self.step;
        let what = self.needed(&step.for_what, "for")?;
        let count = |least| {
            let count = self.needed(&step.count, "count")?;
            within(count, least, MOST, "count").map(|count| count as u32)
        };
        let number = || within(self.needed(&step.step, "step")?, 1, 14, "step").map(|step| step as u8);
        let node = || self.cast.node(self.needed(&step.node, "node")?, &[]);
        let (waits, fields): (_, &[&str]) = match what.get_ref().as_str() {
            "answered" => (WaitFor::Answered(self.customer()?), &["customer"]),
            "asked" => (WaitFor::Asked(self.customer()?), &["customer"]),
            "placed" => {
                let count = step.count.as_ref().map_or(Ok(1), |_| count(0))?;
                (WaitFor::Placed { customer: self.customer()?, count }, &["customer", "count"])
            }
            "shows" => (WaitFor::Shows { customer: self.customer()?, count: count(0)? }, &["customer", "count"]),
            "shows-told" => (self.shows(Ordering::Equal)?, &["customer"]),
            "shows-more" => (self.shows(Ordering::Greater)?, &["customer"]),
            "shows-less" => (self.shows(Ordering::Less)?, &["customer"]),
            "copies" => (WaitFor::Copies(count(1)?), &["count"]),
            "refused" => (WaitFor::Refused, &[]),
            "serving" => (WaitFor::Serving, &[]),
            "members" => (WaitFor::Members(step.count.as_ref().map(|_| count(1)).transpose()?), &["count"]),
            "view-change" => (WaitFor::ViewChange, &[]),
            "held" => (WaitFor::Held(count(1)?), &["count"]),
            "failpoint" => (WaitFor::Failpoint, &[]),
            "step" => (WaitFor::StepArrived(number()?), &["step"]),
            "sent" => (WaitFor::StepSent(number()?), &["step"]),
            "stopped" => (WaitFor::Stopped, &[]),
            "goes" => (WaitFor::Goes, &[]),
            "leads" => (WaitFor::Leads(node()?), &["node"]),
            "suspected" => (WaitFor::Suspected, &[]),
            "frozen" => (WaitFor::Frozen(node()?), &["node"]),
            "ended" => (WaitFor::Ended(node()?), &["node"]),
            "a-while" => {
                let length = within(self.needed(&step.ms, "ms")?, 1, LONGEST_WAIT, "ms")?;
                (WaitFor::AWhile(milliseconds(length)), &["ms"])
            }
            "the-end" => {
                let before = self.length(&step.ms, "ms", 0, LONGEST_WAIT)?.unwrap_or_default();
                (WaitFor::TheEnd(before), &["ms"])
            }
            other => {
                let known = "answered, asked, placed, shows, shows-told, shows-more, shows-less, copies, refused, serving, members, view-change, held, failpoint, \
                             step, sent, stopped, goes, leads, suspected, frozen, ended, a-while, the-end";
                return refuse(what, format!("“{}” cannot be waited for; the choices are: {known}", shown(other)));
            }
        };
        let foreign = |name: &str| !["for", "within-ms"].contains(&name) && !fields.contains(&name);
        match step.given().find(|(name, _)| foreign(name)) {
            Some((name, at)) => Err((at, format!("waiting for “{}” has no “{name}”", what.get_ref()))),
            None => Ok(waits),
        }
    }

    fn shows(&self, than: Ordering) -> Result<WaitFor, Refusal> {
        Ok(WaitFor::ShowsTold { customer: self.customer()?, than })
    }

    /// What stands over the steps that follow.
    fn words(&self) -> Result<String, Refusal> {
        let words = self.needed(&self.step.words, "words")?;
        let text = words.get_ref();
        if text.trim().is_empty() || text.chars().count() > LONGEST_WORDS || text.chars().any(char::is_control) {
            return refuse(words, format!("words are one line of 1 to {LONGEST_WORDS} characters"));
        }
        Ok(text.clone())
    }

    fn restartable(&self) -> Result<NodeName, Refusal> {
        let node = self.needed(&self.step.node, "node")?;
        match self.cast.node(node, &[NodeName::Crashed])? {
            NodeName::Primary | NodeName::Backup | NodeName::SomeReplica => {
                refuse(node, "a primary or backup is already running: name the node, or use “crashed”".into())
            }
            named => Ok(named),
        }
    }

    fn links(&self, both_ways: bool, rule: LinkRule) -> Result<Action, Refusal> {
        let (from, to) = (self.needed(&self.step.from, "from")?, self.needed(&self.step.to, "to")?);
        Ok(Action::Links { from: self.cast.end(from)?, to: self.cast.end(to)?, both_ways, rule })
    }

    fn slow(&self) -> Result<LinkRule, Refusal> {
        let step = self.step;
        let span = |field: &Option<Spanned<i64>>, name| {
            let length = self.number(field, name, 0, LONGEST_DELAY)?.unwrap_or(0);
            Ok(Span::millis(length.unsigned_abs()))
        };
        let share = |field: &Option<Spanned<i64>>, name| Ok(self.number(field, name, 0, 1000)?.unwrap_or(0) as u16);
        let rule = LinkRule {
            delay: span(&step.delay_ms, "delay-ms")?,
            jitter: span(&step.jitter_ms, "jitter-ms")?,
            loss: share(&step.loss, "loss")?,
            doubling: share(&step.doubling, "doubling")?,
            ..LinkRule::default()
        };
        match rule.is_mended() {
            true => refuse(&step.action, "“slow” needs “delay-ms”, “jitter-ms”, “loss” or “doubling”".into()),
            false => Ok(rule),
        }
    }

    fn message_act(&self) -> Result<MessageAct, Refusal> {
        let act = self.needed(&self.step.act, "act")?;
        match (act.get_ref().as_str(), &self.step.delay_ms) {
            ("delay", Some(length)) => {
                let length = within(length, 1, LONGEST_DELAY, "delay-ms")?;
                Ok(MessageAct::Delay(Span::millis(length.unsigned_abs())))
            }
            ("delay", None) => refuse(act, "“delay” needs “delay-ms”".into()),
            (_, Some(length)) => refuse(length, format!("“{}” has no “delay-ms”", shown(act.get_ref()))),
            (_, None) => self.word(act, &ACTS, "thing to do with a message"),
        }
    }

    fn which(&self) -> Result<Which, Refusal> {
        let step = self.step;
        let all = match step.which.as_ref().map(|which| (which, which.get_ref().as_str())) {
            None | Some((_, "oldest")) => false,
            Some((_, "all")) => true,
            Some((which, other)) => {
                return refuse(which, format!("“{}” does not select messages; use “oldest” or “all”", shown(other)));
            }
        };
        let end = |field: &Option<Spanned<String>>| field.as_ref().map(|end| self.cast.end(end)).transpose();
        let number = self.number(&step.step, "step", 1, 14)?.map(|step| step as u8);
        Ok(Which { step: number, from: end(&step.from)?, to: end(&step.to)?, all })
    }

    fn timer(&self) -> Result<TimerName, Refusal> {
        let timer = self.needed(&self.step.timer, "timer")?;
        let Some(name) = TIMERS.into_iter().find(|known| known == timer.get_ref()) else {
            return refuse(
                timer,
                format!("“{}” is not a timer; the timers are: {}", shown(timer.get_ref()), TIMERS.join(", ")),
            );
        };
        let of = self.step.of.as_ref().map(|of| self.cast.node(of, &[])).transpose()?;
        Ok(TimerName { name, of })
    }

    /// "none", or a failpoint with what the bomb does.
    fn bomb(&self, at: &Spanned<String>) -> Result<Option<Bomb>, Refusal> {
        let step = self.step;
        if at.get_ref() == "none" {
            return Ok(None);
        }
        let failpoint = match at.get_ref().parse() {
            Ok(failpoint) => failpoint,
            Err(why) => return refuse(at, format!("“{}”: {why}", shown(at.get_ref()))),
        };
        let wakes_after = self.number(&step.wakes_after_ms, "wakes-after-ms", 1, LONGEST_WAIT)?;
        let wakes_after = wakes_after.map(|ms| Span::millis(ms.unsigned_abs()));
        let blast = match step.blast.as_ref().map(|blast| (blast, blast.get_ref().as_str())) {
            None | Some((_, "crash")) if wakes_after.is_some() => {
                return refuse(at, "a crashed node does not wake: use “wakes-after-ms” only with “freeze”".into());
            }
            None | Some((_, "crash")) => Blast::Crash,
            Some((_, "freeze")) => Blast::Freeze { wakes_after },
            Some((blast, other)) => {
                return refuse(
                    blast,
                    format!("“{}” is not an effect of a bomb; use “crash” or “freeze”", shown(other)),
                );
            }
        };
        Ok(Some(Bomb { at: failpoint, blast }))
    }

    fn goal(&self, until: &Spanned<String>) -> Result<Goal, Refusal> {
        match (until.get_ref().as_str(), self.length(&self.step.ms, "ms", 1, LONGEST_WAIT)?) {
            ("moment", Some(later)) => Ok(Goal::Later(later)),
            ("moment", None) => refuse(until, "“moment” needs “ms”: how much later it is, in cluster time".into()),
            (_, Some(_)) => refuse(until, "only “moment” has “ms”".into()),
            ("numbered-step", None) => Ok(Goal::NumberedStep),
            ("view-change", None) => Ok(Goal::ViewChange),
            (other, None) => refuse(
                until,
                format!("“{}” is not a goal; use “moment”, “numbered-step” or “view-change”", shown(other)),
            ),
        }
    }
}

/// From a share of real time to a rate; nothing between 0 and the slowest.
pub(crate) fn rate(share: &Spanned<f64>, may_stop: bool) -> Result<Rate, Refusal> {
    match *share.get_ref() {
        0.0 if may_stop => Ok(Rate::STOPPED),
        share if (0.001..=1.0).contains(&share) => Ok(Rate((share * f64::from(Rate::REAL.0)).round() as u32)),
        other => {
            let stop = if may_stop { ", or 0" } else { "" };
            refuse(share, format!("“rate” is {other}; it must be from 0.001 to 1.0{stop}"))
        }
    }
}

fn service_named(name: &Spanned<String>) -> Result<PostcodeService, Refusal> {
    match name.get_ref().as_str() {
        "postcodes.io" => Ok(PostcodeService::PostcodesIo),
        "getthedata.com" => Ok(PostcodeService::GetTheData),
        _ => refuse(name, "only postcodes.io and getthedata.com can misbehave".into()),
    }
}
