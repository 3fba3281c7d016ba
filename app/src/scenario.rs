//! Scenarios: what happens to a cluster at which moment, and what must come of it. A TOML file that is only data.
//!
//! A stranger's file is read within limits and refused with line and column (RELIABILITY A9, S12): nothing it says opens
//! another file, nothing is allocated for what it merely claims, and no mistake is planted without a person's consent.
//! [`Performance`] turns its steps into user commands; who hands these on is the caller's.

mod built_in;
mod check;
mod expect;
mod file;
mod performance;
mod words;

#[cfg(test)]
mod tests;

use std::time::Duration;

use node::control::Misbehaviour;
use protocol::plant::Plant;
use protocol::postcode::{Postcode, PostcodeService};
use protocol::trace::{Bomb, Freezing, LinkRule, MessageAct, Rate};
use thiserror::Error;

pub use built_in::{BUILT_IN, MUSEUM, built_in};
pub use expect::{Evidence, Unmet};
pub use performance::{Deed, Findings, Performance, deeds};
pub use words::timer_name;

/// A larger file is refused unread, in bytes.
pub const LARGEST_FILE: u64 = 256 * 1024;

/// A script of faults, orders and expectations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// One sentence for people.
    pub title: String,
    /// How many replicas begin, 1 to 20.
    pub replicas: u32,
    /// How many customers order all the time, 0 to 1000; those with a name are the steps' own.
    pub customers: u32,
    /// How long customers order.
    pub lasts: Duration,
    /// The mistake that is made on purpose from the beginning. Never without consent.
    pub plant: Option<Plant>,
    /// What happens, in the order of time.
    pub steps: Vec<Step>,
    /// The steps begin again after so long; none: they happen once.
    pub again_after: Option<Duration>,
    /// What must come of it, beside the verdict.
    pub expect: Expectations,
}

/// Something that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The earliest moment, in real time since the customers began, or since the steps began again. It comes after the
    /// step before it in any case.
    pub at: Duration,
    /// Its line in the file.
    pub line: usize,
    /// What.
    pub action: Action,
}

/// What can happen. Each has a name in the file, under `do`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// "crash": kill a process.
    Crash(NodeName),
    /// "crash-all": kill every replica, the front-end and the name server.
    CrashAll,
    /// "restart": start a crashed process again.
    Restart(NodeName),
    /// "add-replica": one more.
    AddReplica,
    /// "remove": take a process away.
    Remove(NodeName),
    /// "misbehave": a stand-in answers badly from now on.
    Misbehave(PostcodeService, Misbehaviour),
    /// "verdict-cache": primaries remember verdicts, or ask each time.
    VerdictCache(bool),
    /// "hop": each hop takes so long; none ("auto"): as the speed wants it.
    Hop(Option<Duration>),
    /// "speed": how fast cluster time goes from now on.
    Speed(Rate),
    /// "run-until": time goes until something has happened, then it stops.
    RunUntil(Rate, Goal),
    /// "step": so many times, the next message leaves its link, or else the next timer rings; time stops after each.
    Step {
        /// How often.
        count: u32,
        /// How fast time goes meanwhile.
        rate: Rate,
    },
    /// "cut", "cut-one-way", "hold", "slow", "mend": what links do from now on.
    Links {
        /// Who sends.
        from: EndName,
        /// Who receives.
        to: EndName,
        /// The other direction, too.
        both_ways: bool,
        /// What they do.
        rule: LinkRule,
    },
    /// "mend-all": every link does nothing again.
    MendAll,
    /// "partition": cut everything between these and the rest, both ways.
    Partition(Vec<EndName>),
    /// "message": do something with messages that are in their links; waits for one.
    Message {
        /// What.
        act: MessageAct,
        /// With which.
        which: Which,
        /// How long one is waited for.
        within: Duration,
    },
    /// "ring": let an armed timer ring; waits until it is armed.
    Ring {
        /// Whose; a customer's too.
        node: NodeName,
        /// Which.
        timer: TimerName,
        /// How long it is waited for.
        within: Duration,
    },
    /// "freeze": a process stands still.
    Freeze(NodeName, Freezing),
    /// "wake": it goes on.
    Wake(NodeName),
    /// "bomb": a node crashes or freezes at a very point of its work.
    Bomb(NodeName, Option<Bomb>),
    /// "plant": a mistake is made on purpose from now on, or none.
    Plant(Option<Plant>),
    /// "customer": one with a name appears, or moves house.
    Customer {
        /// Its name.
        name: String,
        /// Where it lives.
        postcode: Postcode,
    },
    /// "order": a customer with a name places an order.
    Order {
        /// Who.
        customer: String,
        /// Where to; none: to its own postcode.
        postcode: Option<Postcode>,
        /// Names of dishes.
        items: Vec<String>,
    },
    /// "read": it asks what was ordered to a postcode.
    Read {
        /// Who.
        customer: String,
        /// Where; none: its own.
        postcode: Option<Postcode>,
    },
    /// "give-up": it settles the order it waits for.
    GiveUp(String),
    /// "wait": nothing more happens until something is so.
    Wait {
        /// What.
        for_what: WaitFor,
        /// Else the scenario is broken.
        within: Duration,
    },
}

/// Until when time goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// So much later in cluster time.
    Later(Duration),
    /// A message with a number has arrived.
    NumberedStep,
    /// A replica has entered a newer view than any before.
    ViewChange,
}

/// Which messages are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Which {
    /// Its number in the seed's workflow; none: any.
    pub step: Option<u8>,
    /// Who sent it; none: anybody.
    pub from: Option<EndName>,
    /// Whom it is for; none: anybody.
    pub to: Option<EndName>,
    /// All that are there, not only the one that was sent first.
    pub all: bool,
}

/// Which timer is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimerName {
    /// Its short name: "heartbeat", "silence", … ([`timer_name`]).
    pub name: &'static str,
    /// Of a silence: whose.
    pub of: Option<NodeName>,
}

/// What a script can wait for. "Since" means: since the last thing that was done and no waiting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaitFor {
    /// "answered": this customer waits for nothing.
    Answered(String),
    /// "asked": this customer waits for an answer.
    Asked(String),
    /// "serving": orders are answered, as far as front-end and primary say.
    Serving,
    /// "members": the newest view has so many members, and all hold all.
    Members(u32),
    /// "view-change": a newer view, since.
    ViewChange,
    /// "held": so many messages are held in links.
    Held(u32),
    /// "failpoint": a bomb went off, since.
    Failpoint,
    /// "step": a message with this number has arrived, since.
    StepArrived(u8),
    /// "sent": a message with this number has entered its link, since.
    StepSent(u8),
    /// "stopped": time stands still.
    Stopped,
    /// "leads": this replica acts as primary.
    Leads(NodeName),
    /// "suspected": a front-end suspects a replica, since.
    Suspected,
    /// "frozen": this process stands still.
    Frozen(NodeName),
    /// "ended": this process does not run.
    Ended(NodeName),
    /// "a-while": so long, from when it is reached.
    AWhile(Duration),
    /// "the-end": so long before the time is over; in vain never.
    TheEnd(Duration),
}

/// Which node is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeName {
    /// Whichever replica is the primary then.
    Primary,
    /// One of the backups then, chosen by the seed.
    Backup,
    /// Every node that is crashed then.
    Crashed,
    /// Every node that stands still then.
    Frozen,
    /// Every process.
    Everybody,
    /// One of the replicas that run then, chosen by the seed.
    SomeReplica,
    /// This one: "front-end", "name-server", "replica-2", "postcodes.io", "getthedata.com", or a customer.
    Named(String),
}

/// Which ends of links are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndName {
    /// Like a node.
    Node(NodeName),
    /// Every backup then.
    Backups,
    /// Every customer.
    Customers,
}

/// Floors and ceilings. Fewer acknowledged orders or faults than expected is too little evidence, not success.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectations {
    /// At least so many orders acknowledged.
    pub acknowledged: u64,
    /// At least so many changes of primary.
    pub failovers: u64,
    /// At least so many view changes.
    pub view_changes: u64,
    /// At most so many.
    pub at_most_view_changes: Option<u64>,
    /// No customer waited longer between two answers.
    pub longest_gap: Option<Duration>,
    /// At most so many timers rang while time stood still.
    pub timers_rung: Option<u64>,
    /// At most so many suspicions.
    pub suspicions: Option<u64>,
    /// At least so many faults.
    pub faults: u64,
    /// Of at least so many kinds.
    pub kinds: u64,
    /// At least so many bombs went off.
    pub failpoints: u64,
    /// At most so long after the last step, half as many orders a second are acknowledged as before the first one.
    pub recovers_within: Option<Duration>,
    /// These lights turn red while a mistake is planted; without, all stay green.
    pub red: Vec<Light>,
}

/// What can come out wrong, each with a light of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Light {
    /// An acknowledged order is not there any more.
    Lost,
    /// An order is there twice.
    Twice,
    /// Orders stand in another order than they were placed in.
    Reordered,
    /// A read shows less than was known before it began.
    Stale,
    /// A list shows an order that nobody placed.
    Invented,
    /// Replicas that stand at the same place do not hold the same.
    ReplicasDiffer,
}

/// Why a file is no scenario.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: {why}")]
pub struct ScenarioError {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// A sentence.
    pub why: String,
}

impl std::fmt::Display for Light {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = words::LIGHTS.iter().find(|(_, light)| light == self).map_or("", |(word, _)| word);
        f.write_str(word)
    }
}

impl Scenario {
    /// Every mistake it wants to be made on purpose.
    pub fn plants(&self) -> impl Iterator<Item = Plant> + '_ {
        let planted = |step: &Step| if let Action::Plant(plant) = step.action { plant } else { None };
        self.plant.into_iter().chain(self.steps.iter().filter_map(planted))
    }

    /// The same without any mistake on purpose.
    #[must_use]
    pub fn without_plants(mut self) -> Self {
        self.plant = None;
        self.steps.retain(|step| !matches!(step.action, Action::Plant(_)));
        self
    }
}

/// Reads a scenario.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn parse(text: &str) -> Result<Scenario, ScenarioError> {
    if text.len() as u64 > LARGEST_FILE {
        return Err(ScenarioError { line: 1, column: 1, why: too_large() });
    }
    let file: file::File = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        located(text, at, error.message().to_owned())
    })?;
    let mut scenario = check::scenario(&file).map_err(|(at, why)| located(text, at, why))?;
    for (step, written) in scenario.steps.iter_mut().zip(&file.step) {
        step.line = located(text, written.action.span().start, String::new()).line;
    }
    Ok(scenario)
}

/// Reads one action as a line of JSON with the words of a step: {"do":"crash","node":"primary"}. Replicas of any number
/// and any customers may be named; whether they exist is seen when it is done.
///
/// # Errors
/// A sentence.
pub fn parse_action(line: &str) -> Result<Action, String> {
    let step: toml::Table = serde_json::from_str(line).map_err(|error| format!("not an action: {error}"))?;
    let step = toml::to_string(&step).map_err(|error| format!("not an action: {error}"))?;
    let step: file::FileStep = toml::from_str(&step).map_err(|error| format!("not an action: {}", error.message()))?;
    check::any_action(&step).map_err(|(_, why)| why)
}

/// The sentence for a file that is too large.
#[must_use]
pub fn too_large() -> String {
    format!("a scenario has at most {} KiB", LARGEST_FILE / 1024)
}

fn located(text: &str, at: usize, why: String) -> ScenarioError {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    ScenarioError { line, column, why }
}
