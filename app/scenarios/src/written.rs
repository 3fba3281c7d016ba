//! Steps and conditions as they are written: what `check` reads back.
//!
//! What a file cannot say (a link that delays and loses only one of its ways at once with a cut, say) is written as far as it can be;
//! the caller that must know reads it back and compares.

use std::cmp::Ordering;
use std::time::Duration;

use protocol::ids::Span;
use protocol::postcode::Postcode;
use protocol::trace::{Blast, Bomb, Freezing, LinkRule, MessageAct, Rate};
use toml::Value;

use crate::check::USUAL_WAIT;
use crate::check::actions::STEP_RATE;
use crate::words::{ACTS, DISKS, FREEZINGS, MISBEHAVIOURS};
use crate::{Action, EndName, Goal, NodeName, WaitFor, Which};

/// Keys and values, in the order in which people write them.
pub(crate) type Fields = Vec<(&'static str, Value)>;

/// One line for each.
pub(crate) fn lines(fields: Fields) -> String {
    fields.into_iter().map(|(key, value)| format!("{key} = {value}\n")).collect()
}

/// A step: its "do" and what belongs to it.
pub(crate) fn action(action: &Action) -> Fields {
    let (name, mut fields) = parts(action);
    fields.insert(0, ("do", text(name)));
    fields
}

fn parts(action: &Action) -> (&'static str, Fields) {
    let on_node = |node: &NodeName| vec![("node", text(node_name(node)))];
    match action {
        Action::Crash(node) => ("crash", on_node(node)),
        Action::CrashAll => ("crash-all", Fields::new()),
        Action::PowerOn => ("power-on", Fields::new()),
        Action::FreshStart(node) => ("fresh-start", on_node(node)),
        Action::Restart(node) => ("restart", on_node(node)),
        Action::AddReplica => ("add-replica", Fields::new()),
        Action::AddFrontEnd => ("add-front-end", Fields::new()),
        Action::Remove(node) => ("remove", on_node(node)),
        Action::Misbehave(service, how) => {
            let how = MISBEHAVIOURS.iter().find(|(_, known)| known == how).map_or("slow", |(word, _)| word);
            ("misbehave", vec![("node", text(service)), ("how", text(how))])
        }
        Action::StoreMembers(members) => ("store-members", vec![("members", number(*members))]),
        Action::VerdictCache(on) => ("verdict-cache", vec![("on", Value::Boolean(*on))]),
        Action::Hop(length) => ("hop", length.map(|length| ("ms", millis(length))).into_iter().collect()),
        Action::Speed(speed) => ("speed", vec![("rate", rate(*speed))]),
        Action::GoOn => ("go-on", Fields::new()),
        Action::RunUntil(speed, goal) => ("run-until", run_until(*speed, *goal)),
        Action::Step { count, rate: speed } => {
            let mut fields = vec![("count", number(*count))];
            fields.extend((*speed != STEP_RATE).then(|| ("rate", rate(*speed))));
            ("step", fields)
        }
        Action::Links { from, to, both_ways, rule } => links(from, to, *both_ways, *rule),
        Action::MendAll => ("mend-all", Fields::new()),
        Action::Partition(side) => {
            ("partition", vec![("side", Value::Array(side.iter().map(|end| text(end_name(end))).collect()))])
        }
        Action::Message { act, which, within } => ("message", message(*act, which, *within)),
        Action::Ring { node, timer, within } => {
            let mut fields = on_node(node);
            fields.push(("timer", text(timer.name)));
            fields.extend(timer.of.as_ref().map(|of| ("of", text(node_name(of)))));
            fields.extend(patience(*within));
            ("ring", fields)
        }
        Action::Freeze(node, how) => {
            let word = FREEZINGS.iter().find(|(_, known)| known == how).map_or("cooperative", |(word, _)| word);
            let mut fields = on_node(node);
            fields.extend((*how != Freezing::Cooperative).then(|| ("how", text(word))));
            ("freeze", fields)
        }
        Action::Wake(node) => ("wake", on_node(node)),
        Action::Bomb(node, bomb) => {
            let mut fields = on_node(node);
            fields.extend(bomb_fields(*bomb));
            ("bomb", fields)
        }
        Action::Disk(node, how) => {
            let word = DISKS.iter().find(|(_, known)| known == how).map_or("works", |(word, _)| word);
            let mut fields = on_node(node);
            fields.push(("how", text(word)));
            ("disk", fields)
        }
        Action::Plant(plant) => {
            ("plant", vec![("plant", text(plant.map_or_else(|| "none".to_owned(), |plant| plant.to_string())))])
        }
        Action::Acknowledge(choice) => ("acknowledge", vec![("acknowledge", text(choice))]),
        Action::Customer { .. } | Action::Order { .. } | Action::Read { .. } | Action::GiveUp(_) => of_customer(action),
        Action::Say(words) => ("say", vec![("words", text(words))]),
        Action::Wait { for_what, within } => {
            let mut fields = condition(for_what);
            fields.extend(patience(*within));
            ("wait", fields)
        }
    }
}

/// What a customer does.
fn of_customer(action: &Action) -> (&'static str, Fields) {
    let at = |postcode: &Option<Postcode>| postcode.map(|postcode| ("postcode", text(postcode)));
    match action {
        Action::Customer { name, postcode } => ("customer", vec![("name", text(name)), ("postcode", text(postcode))]),
        Action::Order { customer, postcode, items } => {
            let mut fields = vec![("customer", text(customer))];
            fields.extend(at(postcode));
            fields.push(("items", Value::Array(items.iter().map(text).collect())));
            ("order", fields)
        }
        Action::Read { customer, postcode } => {
            let mut fields = vec![("customer", text(customer))];
            fields.extend(at(postcode));
            ("read", fields)
        }
        Action::GiveUp(customer) => ("give-up", vec![("customer", text(customer))]),
        _ => ("", Fields::new()),
    }
}

/// A condition: its "for" and what belongs to it.
pub(crate) fn condition(what: &WaitFor) -> Fields {
    let (name, fields): (_, Fields) = match what {
        WaitFor::Answered(customer) => ("answered", vec![("customer", text(customer))]),
        WaitFor::Asked(customer) => ("asked", vec![("customer", text(customer))]),
        WaitFor::Placed { customer, count: 1 } => ("placed", vec![("customer", text(customer))]),
        WaitFor::Placed { customer, count } => {
            ("placed", vec![("customer", text(customer)), ("count", number(*count))])
        }
        WaitFor::Shows { customer, count } => ("shows", vec![("customer", text(customer)), ("count", number(*count))]),
        WaitFor::ShowsTold { customer, than } => {
            let word = match than {
                Ordering::Equal => "shows-told",
                Ordering::Greater => "shows-more",
                Ordering::Less => "shows-less",
            };
            (word, vec![("customer", text(customer))])
        }
        WaitFor::Copies(count) => ("copies", vec![("count", number(*count))]),
        WaitFor::Refused => ("refused", Fields::new()),
        WaitFor::Goes => ("goes", Fields::new()),
        WaitFor::Serving => ("serving", Fields::new()),
        WaitFor::Members(count) => ("members", count.map(|count| ("count", number(count))).into_iter().collect()),
        WaitFor::ViewChange => ("view-change", Fields::new()),
        WaitFor::Held(count) => ("held", vec![("count", number(*count))]),
        WaitFor::Failpoint => ("failpoint", Fields::new()),
        WaitFor::StepArrived(step) => ("step", vec![("step", number(*step))]),
        WaitFor::StepSent(step) => ("sent", vec![("step", number(*step))]),
        WaitFor::Stopped => ("stopped", Fields::new()),
        WaitFor::Leads(node) => ("leads", vec![("node", text(node_name(node)))]),
        WaitFor::Suspected => ("suspected", Fields::new()),
        WaitFor::Frozen(node) => ("frozen", vec![("node", text(node_name(node)))]),
        WaitFor::Ended(node) => ("ended", vec![("node", text(node_name(node)))]),
        WaitFor::AWhile(length) => ("a-while", vec![("ms", millis(*length))]),
        WaitFor::TheEnd(before) => ("the-end", vec![("ms", millis(*before))]),
    };
    std::iter::once(("for", text(name))).chain(fields).collect()
}

fn run_until(speed: Rate, goal: Goal) -> Fields {
    let (word, length) = match goal {
        Goal::Later(later) => ("moment", Some(later)),
        Goal::NumberedStep => ("numbered-step", None),
        Goal::ViewChange => ("view-change", None),
    };
    let mut fields = vec![("until", text(word)), ("rate", rate(speed))];
    fields.extend(length.map(|length| ("ms", millis(length))));
    fields
}

fn links(from: &EndName, to: &EndName, both_ways: bool, rule: LinkRule) -> (&'static str, Fields) {
    let mut fields = vec![("from", text(end_name(from))), ("to", text(end_name(to)))];
    let name = match rule {
        mended if mended.is_mended() => "mend",
        LinkRule::CUT if both_ways => "cut",
        LinkRule { cut: true, .. } => "cut-one-way",
        LinkRule { hold: true, .. } => "hold",
        LinkRule { delay, jitter, loss, doubling, .. } => {
            let span = |name, span: Span| (span > Span(0)).then(|| (name, number(span.0 / 1000)));
            let share = |name, share: u16| (share > 0).then(|| (name, number(share)));
            let all =
                [span("delay-ms", delay), span("jitter-ms", jitter), share("loss", loss), share("doubling", doubling)];
            fields.extend(all.into_iter().flatten());
            "slow"
        }
    };
    (name, fields)
}

fn message(act: MessageAct, which: &Which, within: Duration) -> Fields {
    let mut fields = match (act, ACTS.iter().find(|(_, known)| *known == act)) {
        (_, Some((word, _))) => vec![("act", text(word))],
        (MessageAct::Delay(length), None) => vec![("act", text("delay")), ("delay-ms", number(length.0 / 1000))],
        (_, None) => Fields::new(),
    };
    fields.extend(which.step.map(|step| ("step", number(step))));
    fields.extend(which.from.as_ref().map(|from| ("from", text(end_name(from)))));
    fields.extend(which.to.as_ref().map(|to| ("to", text(end_name(to)))));
    fields.extend(which.all.then(|| ("which", text("all"))));
    fields.extend(patience(within));
    fields
}

fn bomb_fields(bomb: Option<Bomb>) -> Fields {
    let Some(Bomb { at, blast }) = bomb else { return vec![("at", text("none"))] };
    let mut fields = vec![("at", text(at))];
    if let Blast::Freeze { wakes_after } = blast {
        fields.push(("blast", text("freeze")));
        fields.extend(wakes_after.map(|after| ("wakes-after-ms", number(after.0 / 1000))));
    }
    fields
}

/// How long it waits, unless that is as usual.
fn patience(within: Duration) -> Option<(&'static str, Value)> {
    (within != USUAL_WAIT).then(|| ("within-ms", millis(within)))
}

/// The word for a node.
pub(crate) fn node_name(name: &NodeName) -> &str {
    match name {
        NodeName::Primary => "primary",
        NodeName::Backup => "backup",
        NodeName::Crashed => "crashed",
        NodeName::Frozen => "frozen",
        NodeName::Everybody => "everybody",
        NodeName::SomeReplica => "some-replica",
        NodeName::Named(name) => name,
    }
}

/// The word for an end of a link.
pub(crate) fn end_name(name: &EndName) -> &str {
    match name {
        EndName::Node(node) => node_name(node),
        EndName::Backups => "backups",
        EndName::Customers => "customers",
    }
}

pub(crate) fn text(words: impl ToString) -> Value {
    Value::String(words.to_string())
}

pub(crate) fn number(number: impl TryInto<i64>) -> Value {
    Value::Integer(number.try_into().unwrap_or(i64::MAX))
}

fn millis(length: Duration) -> Value {
    number(length.as_millis())
}

/// As a share of real time.
pub(crate) fn rate(rate: Rate) -> Value {
    Value::Float(f64::from(rate.0) / f64::from(Rate::REAL.0))
}
