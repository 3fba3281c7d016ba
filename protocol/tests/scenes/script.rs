//! The language of scenes: one sentence a line (or a comment after `#`), performed on a cluster of real machines in
//! virtual time.
//!
//! | sentence | meaning |
//! |---|---|
//! | `cluster A B C` | name server NS, front-end FE and replicas start; goes on until A leads all of them, and they know |
//! | `start D`, `start FE2` | another replica; another front-end |
//! | `crash A`, `restart A`, `freeze A`, `wake A` | of any actor |
//! | `doom NS before journal`, `… after journal` | it dies right there, in the middle of what it was doing |
//! | `Ann orders to DH1 1AA`, `Ann orders 9 times to …`, `Ann reads DH1 1AA`, `Ann gives up` | Ann appears when she is first named |
//! | `hold ack B -> A`, `lose …`, `copy …` | what is said waits in its link; is lost; goes on, but a copy waits |
//! | `end ack B -> A` | the rule ends; what waits goes on waiting |
//! | `release ack B -> A`, `release one ack B -> A` | the rule ends and what waits arrives; one message arrives |
//! | `cut A B \| C D`, `mend` | nothing passes between the two sides; everything passes again |
//! | `verdicts take 2 s`, `verdicts say no`, `verdicts say yes`, `verdicts say nothing` | how postcode services answer from now on |
//! | `refuse after 10 s` | the setting `refuse_unchecked_after` of everybody who starts later |
//! | `at least 2 members` | the setting `min_members` of everybody who starts later |
//! | `room for 2 customers` | this many sessions are kept by replicas that start later |
//! | `order FE to begin afresh with B` | the operator's fresh start, after the newest view |
//! | `wait 300 ms` | virtual time passes |
//! | `expect …`, `until …` | must be so now; goes on until it is so, at most two minutes |
//!
//! What can be expected: `A leads A B` (recorded), `A acts`, `A does not act`, `A holds 3`, `A holds nothing`, `A same as B`,
//! `Ann waits`, `Ann knows why`, `A checks 2` (orders that wait for a verdict), `Ann told placed #1`, `Ann told 2 orders`,
//! `Ann told rejected`, `Ann told never placed`, `Ann told expired`, `FE refuses`,
//! `FE serves`, `NS is down`.

use std::collections::BTreeMap;

use protocol::customer::Customer;
use protocol::ids::{CustomerId, RequestId, Role, Span};
use protocol::machine::{Settings, Wish};
use protocol::message::{Answer, Ask, Message, WaitReason};
use protocol::order_book::Outcome;
use protocol::postcode::{Postcode, PostcodeService, Verdict};
use protocol::simulation::cluster::{Cluster, Flight, Stepped};
use protocol::simulation::disk::Disk;
use protocol::simulation::environment::{Environment, Fate, Slot};
use protocol::simulation::node::{Doom, Life};
use protocol::trace::NodeState;

/// A message's time on the way, in microseconds.
const HOP: u64 = 1000;
/// After this everybody knows the view that was just recorded.
const CALM: u64 = 200_000;
/// How long `until` waits, in microseconds.
const PATIENCE: u64 = 120_000_000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    Hold,
    Lose,
    Copy,
}

/// What a line says of messages: their kind, and both ends.
#[derive(Clone, PartialEq, Eq)]
struct Which {
    /// None: every kind.
    kind: Option<String>,
    from: Slot,
    to: Slot,
}

impl Which {
    fn is(&self, from: Slot, to: Slot, message: &Message) -> bool {
        self.from == from && self.to == to && self.kind.as_ref().is_none_or(|wanted| wanted == kind(message))
    }
}

/// A world in which everything is as the scene says.
struct Stage {
    rules: Vec<(Action, Which)>,
    sides: Option<(Vec<Slot>, Vec<Slot>)>,
    verdict_after: u64,
    /// None: nobody answers.
    valid: Option<bool>,
    proofs: bool,
    copies: Vec<(Slot, Slot, Message)>,
}

impl Environment for Stage {
    type Plan = ();

    fn fate(&mut self, _now: u64, from: Slot, to: Slot, message: &Message) -> Fate {
        if let Some((one, other)) = &self.sides
            && (one.contains(&from) && other.contains(&to) || other.contains(&from) && one.contains(&to))
        {
            return Fate::Lost;
        }
        match self.rules.iter().find(|(_, which)| which.is(from, to, message)) {
            Some((Action::Hold, _)) => Fate::Held,
            Some((Action::Lose, _)) => Fate::Lost,
            Some((Action::Copy, _)) => {
                self.copies.push((from, to, message.clone()));
                Fate::Arrives(HOP)
            }
            None => Fate::Arrives(HOP),
        }
    }

    fn verdict(&mut self, _now: u64, _request: RequestId, _postcode: Postcode) -> (u64, Verdict) {
        let by = PostcodeService::PostcodesIo;
        let verdict = match self.valid {
            Some(true) => Verdict::Valid { place: None, by },
            Some(false) => Verdict::Invalid { why: "There is no such postcode.".into(), by },
            None => Verdict::NobodyAnswers,
        };
        (self.verdict_after, verdict)
    }

    fn proves_death(&mut self, _from: Slot, _to: Slot) -> bool {
        self.proofs
    }

    fn batching_delay(&mut self) -> u64 {
        0
    }
}

/// As scenes call messages.
fn kind(message: &Message) -> &'static str {
    match message {
        Message::Register { .. } => "registration",
        Message::Lookup { .. } => "lookup",
        Message::Found { .. } => "found",
        Message::ClaimFrontEnd => "claim",
        Message::ReadRecord => "reading",
        Message::RecordView { .. } => "proposal",
        Message::Record { .. } => "record",
        Message::ViewIs { .. } => "view",
        Message::Status(_) => "status",
        Message::Request { .. } => "request",
        Message::StateUpdate(update) if update.entries.is_empty() => "heartbeat",
        Message::StateUpdate(_) => "update",
        Message::Snapshot(_) => "snapshot",
        Message::Ack { .. } => "ack",
        Message::Reply { .. } => "reply",
        Message::Refused { .. } => "refusal",
        Message::NotPrimary { .. } | Message::Busy { .. } | Message::LookUpAgain { .. } => "deferral",
        Message::Waiting { .. } => "waiting",
    }
}

/// A scene being performed.
struct Scene {
    cluster: Cluster<Stage>,
    told: Vec<(Slot, RequestId, Answer)>,
}

/// Performs a scene.
///
/// # Panics
/// With the line that could not be performed or did not hold, and the last things that happened before.
pub fn perform(text: &str) {
    let (rules, copies) = (Vec::new(), Vec::new());
    let stage = Stage { rules, sides: None, verdict_after: HOP, valid: Some(true), proofs: false, copies };
    let mut cluster = Cluster::new(stage, Settings::default(), true);
    cluster.transcript = Some(Vec::new());
    let mut scene = Scene { cluster, told: Vec::new() };
    scene.add("NS", Role::NameServer);
    scene.add("FE", Role::FrontEnd);
    for (number, line) in text.lines().enumerate() {
        let words: Vec<_> = if line.starts_with('#') { Vec::new() } else { line.split_whitespace().collect() };
        scene.cluster.write(|_| format!("*** {line}"));
        let performed = if words.is_empty() { Ok(()) } else { scene.say(&words) };
        let broken = scene.cluster.checkers.violation.as_ref().map(ToString::to_string);
        if let Some(why) = performed.err().or(broken) {
            let transcript = scene.cluster.transcript.unwrap_or_default();
            let last = transcript[transcript.len().saturating_sub(60)..].join("\n");
            panic!("{last}\nline {}: {line}\n{why}", number + 1);
        }
    }
}

impl Scene {
    fn say(&mut self, words: &[&str]) -> Result<(), String> {
        match words {
            ["cluster", names @ ..] => self.begin(names),
            ["start", name] => {
                self.add(name, if name.starts_with("FE") { Role::FrontEnd } else { Role::Replica });
                Ok(())
            }
            ["crash", name] => self.slot(name).map(|slot| self.cluster.kill(slot)),
            ["restart", name] => self.slot(name).map(|slot| self.cluster.start(slot, 77 + slot as u64)),
            ["freeze", name] => self.slot(name).map(|slot| self.cluster.freeze(slot)),
            ["wake", name] => self.slot(name).map(|slot| self.cluster.wake(slot, false, false)),
            ["doom", name, "before", "journal"] => self.doom(name, Doom::BeforeJournal),
            ["doom", name, "after", "journal"] => self.doom(name, Doom::AfterJournal),
            ["hold", kind, from, "->", to] => self.rule(Action::Hold, kind, from, to),
            ["lose", kind, from, "->", to] => self.rule(Action::Lose, kind, from, to),
            ["copy", kind, from, "->", to] => self.rule(Action::Copy, kind, from, to),
            ["end", kind, from, "->", to] => self.end(kind, from, to).map(|_| ()),
            ["release", "one", kind, from, "->", to] => self.release(kind, from, to, 1),
            ["release", kind, from, "->", to] => {
                self.end(kind, from, to)?;
                self.release(kind, from, to, usize::MAX)
            }
            ["cut", sides @ ..] => self.cut(sides),
            ["mend"] => {
                self.cluster.environment.sides = None;
                Ok(())
            }
            ["wait", amount, unit] => self.wait(span(amount, unit)?),
            ["expect", fact @ ..] => self.is(fact)?.then_some(()).ok_or_else(|| "It is not so.".into()),
            ["until", fact @ ..] => self.until(fact),
            [name, "orders", "to", rest @ ..] => self.order(name, rest),
            [name, "orders", times, "times", "to", rest @ ..] => self.order_often(name, times, rest),
            [name, "reads", rest @ ..] => {
                let postcode = postcode(rest)?;
                self.wish(name, Wish::Ask(Ask::History { postcode, page: 0 }))
            }
            [name, "gives", "up"] => self.wish(name, Wish::GiveUp),
            ["order", front_end, "to", "begin", "afresh", "with", primary] => {
                let (front_end, primary) = (self.slot(front_end)?, self.slot(primary)?);
                self.cluster.order_fresh_start(front_end, primary);
                Ok(())
            }
            _ => self.set(words),
        }
    }

    /// How the world is from now on.
    fn set(&mut self, words: &[&str]) -> Result<(), String> {
        match words {
            ["verdicts", "take", amount, unit] => {
                self.cluster.environment.verdict_after = span(amount, unit)?;
                Ok(())
            }
            ["verdicts", "say", word] => {
                self.cluster.environment.valid = match *word {
                    "yes" => Some(true),
                    "no" => Some(false),
                    "nothing" => None,
                    _ => return Err("yes, no or nothing?".into()),
                };
                Ok(())
            }
            ["refuse", "after", amount, unit] => {
                self.cluster.settings.refuse_unchecked_after = Some(Span(span(amount, unit)?));
                Ok(())
            }
            ["replicas", "are", "durable"] => {
                self.cluster.disks = Some(BTreeMap::new());
                Ok(())
            }
            ["disk", "of", name, "is", "unreadable"] => {
                let slot = self.slot(name)?;
                let disk = self.cluster.disks.as_mut().and_then(|disks| disks.get_mut(&slot));
                disk.map(Disk::become_unreadable).ok_or_else(|| "It has no disk.".into())
            }
            ["deaths", "are", "proved"] => {
                self.cluster.environment.proofs = true;
                Ok(())
            }
            ["at", "least", number, "members"] => {
                self.cluster.settings.min_members = number.parse().map_err(|_| "how many?")?;
                Ok(())
            }
            ["room", "for", number, "customers"] => {
                self.cluster.settings.most_sessions = number.parse().map_err(|_| "for how many?")?;
                Ok(())
            }
            _ => Err("A scene has no such sentence.".into()),
        }
    }

    // Actors.

    fn add(&mut self, name: &str, role: Role) -> Slot {
        let number = self.cluster.seats.len();
        let slot = self.cluster.seat(name.into(), role, CustomerId(number as u128), number as u32);
        self.cluster.start(slot, slot as u64);
        slot
    }

    fn slot(&self, name: &str) -> Result<Slot, String> {
        let found = self.cluster.seats.iter().position(|seat| seat.name == name);
        found.ok_or_else(|| format!("Nobody is called {name}."))
    }

    fn begin(&mut self, names: &[&str]) -> Result<(), String> {
        names.iter().for_each(|name| {
            self.add(name, Role::Replica);
        });
        self.until(&[&[names[0], "leads"], names].concat())?;
        self.wait(CALM)
    }

    fn doom(&mut self, name: &str, doom: Doom) -> Result<(), String> {
        self.slot(name).map(|slot| self.cluster.doom(slot, doom))
    }

    fn wish(&mut self, name: &str, wish: Wish) -> Result<(), String> {
        let slot = self.slot(name).unwrap_or_else(|_| self.add(name, Role::Customer));
        self.cluster.wish(slot, wish, true).map(|_| ()).ok_or_else(|| format!("{name} cannot do that now."))
    }

    fn order(&mut self, name: &str, place: &[&str]) -> Result<(), String> {
        let postcode = postcode(place)?;
        self.wish(name, Wish::Ask(Ask::Order { postcode, items: vec!["Pad thai".into()] }))
    }

    fn order_often(&mut self, name: &str, times: &str, place: &[&str]) -> Result<(), String> {
        for _ in 0..times.parse().map_err(|_| "how often?")? {
            self.order(name, place)?;
            let slot = self.slot(name)?;
            self.run_until(|scene| {
                Ok(scene.cluster.customer(slot).is_some_and(|customer| customer.waiting().is_none()))
            })?;
        }
        Ok(())
    }

    // Links.

    fn which(&self, kind: &str, from: &str, to: &str) -> Result<Which, String> {
        Ok(Which { kind: (kind != "everything").then(|| kind.into()), from: self.slot(from)?, to: self.slot(to)? })
    }

    fn rule(&mut self, action: Action, kind: &str, from: &str, to: &str) -> Result<(), String> {
        // A customer may be held back before it ever spoke.
        for name in [from, to] {
            if self.slot(name).is_err() {
                self.add(name, Role::Customer);
            }
        }
        let which = self.which(kind, from, to)?;
        self.cluster.environment.rules.push((action, which));
        Ok(())
    }

    fn end(&mut self, kind: &str, from: &str, to: &str) -> Result<(), String> {
        let which = self.which(kind, from, to)?;
        self.cluster.environment.rules.retain(|(_, other)| *other != which);
        Ok(())
    }

    fn release(&mut self, kind: &str, from: &str, to: &str, at_most: usize) -> Result<(), String> {
        let which = self.which(kind, from, to)?;
        let waits = |flight: &Flight| which.is(flight.from_slot, flight.to_slot, &flight.message);
        let (mut released, held): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.cluster.held).into_iter().partition(|flight| waits(flight));
        self.cluster.held = held;
        let rest = released.split_off(at_most.min(released.len()));
        self.cluster.held.extend(rest);
        let (from, to) = (self.cluster.contact(which.from), self.cluster.contact(which.to));
        for (from_slot, to_slot, message) in std::mem::take(&mut self.cluster.environment.copies) {
            if which.is(from_slot, to_slot, &message) {
                released.push(Flight { from, from_slot, to_slot, to: to.id, traced: false, message });
            } else {
                self.cluster.environment.copies.push((from_slot, to_slot, message));
            }
        }
        if released.is_empty() {
            return Err("Nothing of that kind waits.".into());
        }
        released.into_iter().for_each(|flight| self.cluster.release(flight));
        Ok(())
    }

    fn cut(&mut self, sides: &[&str]) -> Result<(), String> {
        let mut sides = sides.split(|word| *word == "|").map(|side| side.iter().map(|name| self.slot(name)).collect());
        let (one, other): (Option<Result<Vec<_>, _>>, Option<Result<Vec<_>, _>>) = (sides.next(), sides.next());
        self.cluster.environment.sides = Some((one.ok_or("Two sides, please.")??, other.ok_or("Two sides, please.")??));
        Ok(())
    }

    // Time.

    fn step(&mut self) -> bool {
        let stepped = self.cluster.step();
        self.told.append(&mut self.cluster.answered);
        matches!(stepped, Stepped::Happened) && self.cluster.checkers.violation.is_none()
    }

    fn wait(&mut self, span: u64) -> Result<(), String> {
        self.cluster.plan(self.cluster.now + span, ());
        while self.step() {}
        Ok(())
    }

    fn until(&mut self, fact: &[&str]) -> Result<(), String> {
        self.run_until(|scene| scene.is(fact))
    }

    fn run_until(&mut self, done: impl Fn(&Self) -> Result<bool, String>) -> Result<(), String> {
        let end = self.cluster.now + PATIENCE;
        while !done(self)? {
            if self.cluster.now > end || !self.step() {
                return Err("It does not come to that.".into());
            }
        }
        Ok(())
    }

    // Facts.

    fn is(&self, fact: &[&str]) -> Result<bool, String> {
        let replica = |name: &str| Ok::<_, String>(self.cluster.node(self.slot(name)?).replica());
        let position = |name: &str| Ok::<_, String>(replica(name)?.and_then(|replica| replica.position()));
        Ok(match fact {
            [primary, "leads", members @ ..] => {
                let view = self.cluster.checkers.newest_view().cloned().unwrap_or_default();
                let id = |name: &str| self.slot(name).map(|slot| self.cluster.node(slot).id);
                let mut wanted = members.iter().map(|name| id(name)).collect::<Result<Vec<_>, _>>()?;
                wanted.sort();
                view.primary == id(primary)? && view.members == wanted
            }
            [name, "acts"] => replica(name)?.is_some_and(|replica| replica.acting()),
            [name, "does", "not", "act"] => replica(name)?.is_none_or(|replica| !replica.acting()),
            [name, "holds", "nothing"] => position(name)?.is_none(),
            [name, "holds", op] => position(name)?.is_some_and(|position| position.op.to_string() == *op),
            [name, "same", "as", other] => position(name)?.is_some() && position(name)? == position(other)?,
            [name, "waits"] => {
                self.cluster.customer(self.slot(name)?).is_some_and(|customer| customer.waiting().is_some())
            }
            [name, "knows", "why"] => {
                let why = self.cluster.customer(self.slot(name)?).and_then(Customer::why);
                why.is_some_and(|(why, _)| why == WaitReason::NobodyAnswers)
            }
            [name, "checks", number] => {
                replica(name)?.is_some_and(|replica| replica.unchecked().count().to_string() == *number)
            }
            [name, "told", what @ ..] => self.last_told(self.slot(name)?) == Some(what.join(" ")),
            [name, "refuses"] => self.front_end_waits(name)?,
            [name, "serves"] => !self.front_end_waits(name)?,
            [name, "is", "down"] => self.cluster.life(self.slot(name)?) == Life::Dead,
            _ => return Err("A scene knows no such fact.".into()),
        })
    }

    fn last_told(&self, slot: Slot) -> Option<String> {
        let (_, _, answer) = self.told.iter().rev().find(|(told, _, _)| *told == slot)?;
        Some(match answer {
            Answer::Outcome(Outcome::Placed { number }) => format!("placed #{number}"),
            Answer::Outcome(Outcome::Rejected { .. }) => "rejected".into(),
            Answer::Outcome(Outcome::NeverPlaced) => "never placed".into(),
            Answer::History(page) => format!("{} orders", page.total),
            Answer::Expired => "expired".into(),
        })
    }

    fn front_end_waits(&self, name: &str) -> Result<bool, String> {
        let node = self.cluster.node(self.slot(name)?);
        match node.actor.as_ref().map(|actor| actor.describe()) {
            Some(NodeState::FrontEnd { waits_for, .. }) => Ok(waits_for.is_some()),
            _ => Err(format!("{name} is no front-end that runs.")),
        }
    }
}

fn span(amount: &str, unit: &str) -> Result<u64, String> {
    let amount: u64 = amount.parse().map_err(|_| "How long?")?;
    match unit {
        "ms" => Ok(amount * 1000),
        "s" => Ok(amount * 1_000_000),
        _ => Err("ms or s, please.".into()),
    }
}

fn postcode(words: &[&str]) -> Result<Postcode, String> {
    words.join(" ").parse().map_err(|error| format!("{error}"))
}
