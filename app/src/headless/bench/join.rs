//! `bench --join N`: a newcomer joins a history of N orders, while nobody orders and while customers do.
//!
//! Time runs from the command that adds the replica until the front-end lists it as a member, its process's start included.

use std::time::{Duration, Instant};

use protocol::ids::RequestId;
use protocol::message::{Answer, Ask};
use protocol::order_book::Outcome;
use serde::Serialize;

use super::seen::{Seen, Troubles};
use crate::headless::{Exit, Failure, launch, say, say_json};
use cluster::interrupt::Interrupt;
use cluster::load::{Endless, Load, Moment, Workload};
use cluster::{Cluster, ClusterOptions};
use knowledge::user_command::UserCommand;

/// Customers that place the orders there are.
const FILLING: u32 = 256;
/// Between two looks at the newcomer.
const LOOK: Duration = Duration::from_millis(10);
/// Customers order for this long before the newcomer comes, to compare with.
const CALM: Duration = Duration::from_secs(3);
/// A newcomer that is not a member after this long will not be one.
const LONGEST: Duration = Duration::from_secs(120);
/// How long the last answers may take.
const LAST_ANSWERS: Duration = Duration::from_secs(10);

/// One newcomer.
#[derive(Serialize)]
struct Joined {
    /// Orders in the book when it came.
    orders: u64,
    /// Of the state, about.
    bytes: u64,
    seconds: f64,
    /// With its own view change, one.
    #[serde(flatten)]
    troubles: Troubles,
}

/// What customers noticed.
#[derive(Serialize)]
struct Noticed {
    calm_per_s: u64,
    meanwhile_per_s: u64,
    calm_longest_gap_ms: u64,
    longest_gap_ms: u64,
}

#[derive(Serialize)]
struct Figures {
    without_load: Joined,
    under_load: Joined,
    customers: u32,
    noticed: Noticed,
}

/// `customers`: how many order while the second newcomer joins.
pub(super) fn perform(
    options: ClusterOptions,
    orders: u64,
    customers: u32,
    json: bool,
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    let mut cluster = launch(options)?;
    let admission = cluster.inquirer().admission()?;
    let filling = Load::start(admission.clone(), FILLING, None, Instant::now(), Gaps::up_to(orders))?;
    let is_early = wait_for(interrupt, || filling.with(|gaps| gaps.left == 0));
    filling.finish(last_answers())?;
    let without_load = joins(&mut cluster, interrupt)?;

    let begun = Instant::now();
    let load = Load::start(admission, customers, None, begun, Gaps::up_to(u64::MAX))?;
    interrupt.wait(CALM);
    let calm = load.with(|gaps| gaps.take(begun.elapsed()));
    let under_load = joins(&mut cluster, interrupt)?;
    let meanwhile = load.with(|gaps| gaps.take(begun.elapsed()));
    load.with(|gaps| gaps.left = 0);
    load.finish(last_answers())?;

    let (Some(without_load), Some(under_load)) = (without_load, under_load) else { return Ok(Exit::Undecided) };
    let noticed = Noticed {
        calm_per_s: calm.per_s,
        meanwhile_per_s: meanwhile.per_s,
        calm_longest_gap_ms: calm.longest.as_millis() as u64,
        longest_gap_ms: meanwhile.longest.as_millis() as u64,
    };
    let figures = Figures { without_load, under_load, customers, noticed };
    if json {
        say_json(&figures)?
    } else {
        say_figures(&figures)?
    }
    Ok(if is_early { Exit::Undecided } else { Exit::Holds })
}

fn say_figures(figures: &Figures) -> Result<(), Failure> {
    let Figures { without_load, under_load, customers, noticed } = figures;
    let rows =
        [(without_load, "while nobody orders".to_owned()), (under_load, format!("while {customers} customers order"))];
    for (joined, when) in rows {
        let Joined { orders, bytes, seconds, troubles: Troubles { view_changes, suspicions } } = joined;
        let megabytes = *bytes as f64 / 1e6;
        say(format!(
            "a newcomer to {orders} orders ({megabytes:.1} MB) {when}: a member after {seconds:.2} s; \
             {view_changes} view changes, {suspicions} suspicions"
        ))?;
    }
    let Noticed { calm_per_s, meanwhile_per_s, calm_longest_gap_ms, longest_gap_ms } = noticed;
    say(format!("orders a second: {calm_per_s} before, {meanwhile_per_s} meanwhile"))?;
    say(format!("longest time without an answer: {calm_longest_gap_ms} ms before, {longest_gap_ms} ms meanwhile"))
}

fn last_answers() -> impl FnMut() -> bool {
    let until = Instant::now() + LAST_ANSWERS;
    move || Instant::now() < until
}

/// Whether the program was interrupted before it came true.
fn wait_for(interrupt: &Interrupt, mut is_true: impl FnMut() -> bool) -> bool {
    while !is_true() {
        if interrupt.wait(LOOK) {
            return true;
        }
    }
    false
}

/// Adds a replica and waits until it is a member; none: it never was, or the program was interrupted.
fn joins(cluster: &mut Cluster, interrupt: &Interrupt) -> Result<Option<Joined>, Failure> {
    let inquirer = cluster.inquirer();
    let before = Seen::of(&inquirer)?;
    let begun = Instant::now();
    cluster.perform(UserCommand::AddReplica);
    let mut bytes = 0;
    loop {
        if interrupt.wait(LOOK) || begun.elapsed() > LONGEST {
            return Ok(None);
        }
        let now = Seen::of(&inquirer)?;
        bytes = bytes.max(now.bytes);
        if now.members > before.members {
            let (orders, seconds) = (before.orders, begun.elapsed().as_secs_f64());
            return Ok(Some(Joined { orders, bytes, seconds, troubles: Troubles::between(&before, &now) }));
        }
    }
}

/// Orders without end, or up to a number, and the longest time in which nobody had an answer.
struct Gaps {
    asks: Endless,
    /// Orders that are still to be placed.
    left: u64,
    placed: u64,
    since: Moment,
    last: Moment,
    longest: Duration,
}

/// Of a time.
struct Taken {
    per_s: u64,
    longest: Duration,
}

impl Gaps {
    fn up_to(orders: u64) -> Self {
        let (since, last, longest) = Default::default();
        Self { asks: Endless::default(), left: orders, placed: 0, since, last, longest }
    }

    /// What was noticed since the last time.
    fn take(&mut self, now: Moment) -> Taken {
        let longest = self.longest.max(now.saturating_sub(self.last));
        let seconds = now.saturating_sub(self.since).as_secs_f64().max(0.001);
        let taken = Taken { per_s: (self.placed as f64 / seconds) as u64, longest };
        (self.since, self.placed, self.longest) = (now, 0, Duration::ZERO);
        taken
    }
}

impl Workload for Gaps {
    fn next(&mut self, place: usize, id: RequestId, now: Moment) -> Option<Ask> {
        if self.left == 0 {
            return None;
        }
        self.asks.next(place, id, now)
    }

    fn answered(&mut self, _place: usize, answer: Answer, now: Moment) {
        if matches!(answer, Answer::Outcome(Outcome::Placed { .. })) {
            self.placed += 1;
            self.left = self.left.saturating_sub(1);
            // The first one waits for the load to start.
            if self.last > Duration::ZERO {
                self.longest = self.longest.max(now.saturating_sub(self.last));
            }
            self.last = now;
        }
    }

    fn unknown(&mut self, _place: usize, _now: Moment) {}
}
