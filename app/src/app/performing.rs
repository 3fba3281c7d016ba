//! A scenario performed on the cluster of the window: by the same engine as without a window, and watched by a person.
//!
//! The engine says what to do and when; customers that order all the time are those of the picture. Judging is left to the
//! lights. No clock here: the caller says what time it is.

use std::collections::BTreeMap;
use std::time::Duration;

use node::control::Misbehaviour;
use protocol::ids::{CustomerId, Role};
use protocol::menu::menu;
use protocol::postcode::PostcodeService;
use protocol::trace::{Actor, MessageAct, Rate, TraceRecord};

use super::{Beginning, Window, all_serve};
use crate::panels::banner::Performed;
use crate::panels::scenarios::Listed;
use crate::picture::{Node, Picture};
use crate::random::Random;
use crate::scenario::{self, Action, BUILT_IN, MUSEUM, Performance, Scenario, built_in};
use crate::tape::{Entry, Tape};
use crate::user_command::UserCommand;
use crate::wording;

/// How long the replicas may take to become members before it begins.
const PATIENCE: Duration = Duration::from_secs(20);
/// A customer that was told to ask and did not is told again after this.
const TOLD_AGAIN: Duration = Duration::from_secs(1);
/// More customers than this do not fit on the map for a scenario's sake.
const MOST_CUSTOMERS: usize = 12;

/// A performance, and how far it is.
pub(super) struct Performing {
    performance: Performance,
    phase: Phase,
    random: Random,
    told: BTreeMap<CustomerId, Duration>,
    planted: bool,
}

enum Phase {
    /// A cluster of its own is being started, since then.
    Starting(Duration),
    /// The replicas it needs are being started, since then.
    Preparing(Duration),
    /// It began then.
    Playing(Duration),
    /// It is over: whether it went to its end, and how it went.
    Over(bool, String),
}

/// The built-in scenarios, as the list shows them; those of the museum with the mistake they are about.
pub(super) fn listed() -> Vec<Listed> {
    let entry = |name: String, text: &str, plant| {
        let scenario = scenario::parse(text).ok()?;
        Some(Listed { name, title: scenario.title, plant })
    };
    let usual = BUILT_IN.into_iter().filter_map(|(name, text)| entry(name.to_owned(), text, None));
    let museum = MUSEUM.into_iter().filter_map(|(plant, text)| entry(format!("museum/{plant}"), text, Some(plant)));
    usual.chain(museum).collect()
}

impl Performing {
    fn begin(scenario: Scenario, now: Duration) -> Self {
        let planted = scenario.plants().next().is_some();
        let seed = now.as_micros() as u64;
        Self {
            performance: Performance::new(scenario, seed),
            phase: Phase::Starting(now),
            random: Random::new(seed),
            told: BTreeMap::new(),
            planted,
        }
    }

    fn go_on(&mut self, picture: &Picture, now: Duration) -> Vec<UserCommand> {
        match self.phase {
            Phase::Starting(since) => {
                if now.saturating_sub(since) >= PATIENCE {
                    self.phase = Phase::Over(false, wording::NOT_READY.into());
                }
                Vec::new()
            }
            Phase::Preparing(since) => self.prepare(picture, since, now),
            Phase::Playing(begun) => self.play(picture, now.saturating_sub(begun), now),
            Phase::Over(..) => Vec::new(),
        }
    }

    fn prepare(&mut self, picture: &Picture, since: Duration, now: Duration) -> Vec<UserCommand> {
        let needed = self.performance.scenario().replicas as usize;
        if all_serve(picture) && replicas(picture) >= needed {
            self.performance.begins(picture);
            self.phase = Phase::Playing(now);
            return self.performance.beginning();
        }
        if now.saturating_sub(since) >= PATIENCE {
            self.phase = Phase::Over(false, wording::NOT_READY.into());
        }
        Vec::new()
    }

    fn play(&mut self, picture: &Picture, elapsed: Duration, now: Duration) -> Vec<UserCommand> {
        let mut commands: Vec<UserCommand> =
            self.performance.go_on(picture, elapsed).into_iter().flat_map(|deed| deed.commands).collect();
        if let Some(why) = &self.performance.findings().in_vain {
            self.phase = Phase::Over(false, wording::in_vain(why));
        } else if self.performance.is_over(elapsed) {
            let findings = self.performance.findings();
            let words = wording::performed(findings.all_faults(), findings.view_changes, elapsed.as_secs());
            self.phase = Phase::Over(true, words);
            commands.extend(mended(picture));
            commands.extend(reads(picture));
        } else if self.performance.scenario().customers > 0 {
            commands.extend(self.orders(picture, now));
        }
        commands
    }

    /// Whoever waits for nothing orders something.
    fn orders(&mut self, picture: &Picture, now: Duration) -> Vec<UserCommand> {
        let wanted = (self.performance.scenario().customers as usize).min(MOST_CUSTOMERS);
        let mut commands = Vec::new();
        for customer in picture.customers.iter().take(wanted) {
            let told = self.told.get(&customer.id).is_some_and(|at| now < *at + TOLD_AGAIN);
            if customer.waiting.is_some() || told {
                continue;
            }
            self.told.insert(customer.id, now);
            let dish = menu().get(self.random.below(menu().len() as u64) as usize);
            let items = dish.map(|dish| dish.name.to_owned()).into_iter().collect();
            let postcode = customer.postcode.to_string();
            commands.push(UserCommand::PlaceOrder { customer: customer.id, postcode, items });
        }
        commands
    }

    fn told(&self) -> Performed {
        let scenario = self.performance.scenario();
        let (progress, ended) = match &self.phase {
            Phase::Starting(_) | Phase::Preparing(_) => (wording::PREPARING.to_owned(), None),
            Phase::Over(good, words) => (words.clone(), Some(*good)),
            Phase::Playing(_) => {
                let next = self.performance.next_step();
                let number =
                    |line: usize| scenario.steps.iter().position(|step| step.line == line).map_or(0, |at| at + 1);
                let waits = next.is_some_and(|step| matches!(step.action, Action::Wait { .. }));
                (wording::next_step(next.map(|step| number(step.line)), scenario.steps.len(), waits), None)
            }
        };
        Performed { title: scenario.title.clone(), progress, ended }
    }

    /// What is wished for when nobody wants to see it any more.
    fn stopped(self, picture: &Picture) -> Vec<UserCommand> {
        let mut commands = mended(picture);
        if self.planted {
            commands.push(UserCommand::SetPlant { plant: None });
        }
        commands
    }
}

fn replicas(picture: &Picture) -> usize {
    let replica = |node: &&Node| node.runs() && node.actor == Actor::Role(Role::Replica);
    picture.nodes.iter().filter(replica).count()
}

/// Time goes, links and services are as they should be, nobody stands still, and what is no replica runs.
fn mended(picture: &Picture) -> Vec<UserCommand> {
    let mut commands = vec![UserCommand::SetRate { rate: Rate::REAL }, UserCommand::SetHop { hop: None }];
    commands.push(UserCommand::MendAll);
    for service in [PostcodeService::PostcodesIo, PostcodeService::GetTheData] {
        commands.push(UserCommand::Misbehave { service, how: Misbehaviour::None });
    }
    let held = picture.traffic.flying().filter(|passage| passage.is_held());
    commands.extend(held.map(|it| UserCommand::Message { message: it.id, to: it.to, act: MessageAct::LetGo }));
    let steering = &picture.steering;
    commands.extend(steering.bombs.keys().map(|id| UserCommand::SetBomb { node: picture.name(*id), bomb: None }));
    commands.extend(steering.frozen.keys().map(|id| UserCommand::Wake { node: picture.name(*id) }));
    let dead = |node: &&Node| !node.runs() && node.actor != Actor::Role(Role::Replica);
    commands.extend(picture.nodes.iter().filter(dead).map(|node| UserCommand::Restart { node: node.name.clone() }));
    commands
}

/// Every customer that waits for nothing reads its own history: what was acknowledged shall be seen.
fn reads(picture: &Picture) -> Vec<UserCommand> {
    let idle = picture.customers.iter().filter(|customer| customer.waiting.is_none());
    let read = idle.map(|customer| UserCommand::ReadHistory {
        customer: customer.id,
        postcode: customer.postcode.to_string(),
        page: 0,
    });
    read.collect()
}

impl Window {
    /// Lets the performance take in a fact.
    pub fn learn(&mut self, fact: &TraceRecord) {
        if let Some(performing) = &mut self.performing {
            performing.performance.learn(fact);
        }
    }

    /// Does what the scenario wants done now: to be handed to the cluster. `now` is real time since the window opened.
    pub fn play(&mut self, now: Duration) -> Vec<UserCommand> {
        let mut commands = Vec::new();
        if let Some((name, with_mistake)) = self.scenarios.wanted.take()
            && let Some(scenario) = built_in(&name).and_then(|text| scenario::parse(text).ok())
        {
            let scenario = if with_mistake { scenario } else { scenario.without_plants() };
            let customers = scenario.customers > 0;
            self.beginning = Some(Beginning { replicas: scenario.replicas, customers });
            self.performing = Some(Performing::begin(scenario, now));
        }
        if std::mem::take(&mut self.stops_performing)
            && let Some(performing) = self.performing.take()
        {
            commands.extend(performing.stopped(&self.picture));
        }
        if let Some(performing) = &mut self.performing {
            commands.extend(performing.go_on(&self.picture, now));
        }
        for command in &commands {
            let at = self.picture.now;
            self.take_in(Entry::Command { at, command: command.clone() });
        }
        commands
    }

    /// The cluster that a scenario wants to begin with.
    pub fn take_beginning(&mut self) -> Option<Beginning> {
        self.beginning.take()
    }

    /// Another cluster runs from now on: another tape, and nothing of the one before is true any more.
    pub fn begin_again(&mut self, now: Duration) {
        self.picture = Picture::default();
        self.tape = Tape::default();
        self.past = None;
        self.bottom.timeline = Default::default();
        self.focus = Default::default();
        if let Some(performing) = &mut self.performing {
            performing.phase = Phase::Preparing(now);
        }
    }

    /// There is no cluster to perform on.
    pub(super) fn cannot_begin(&mut self, why: &str) {
        if let Some(performing) = &mut self.performing {
            performing.phase = Phase::Over(false, why.to_owned());
        }
    }

    /// Whether a scenario is under way, so that time alone can bring something about.
    pub(super) fn performs(&self) -> bool {
        self.scenarios.wanted.is_some()
            || self.stops_performing
            || self.performing.as_ref().is_some_and(|performing| !matches!(performing.phase, Phase::Over(..)))
    }

    /// What the banner tells of it.
    pub(super) fn performed(&self) -> Option<Performed> {
        self.performing.as_ref().map(Performing::told)
    }
}
