//! What a scenario expects, compared with what happened: one line for each expectation.
//!
//! A floor that was not reached is too little evidence; a ceiling that was broken is a broken promise. Whether the history
//! is linearizable is `verdict`'s matter.

use std::time::Duration;

use super::{Expectations, Light, Outcome};
use cluster::load::Agreement;
use knowledge::verdict::Verdict;

/// How something expected compares with what was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Met {
    /// It is as expected.
    Yes,
    /// Too little happened to say anything.
    TooLittle,
    /// A promise was broken.
    Broken,
}

/// What is counted of a run and compared with a floor or a ceiling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Orders that their customers know to be placed.
    OrdersAcknowledged,
    Failovers,
    /// Views after the first.
    ViewChanges,
    /// Faults of all kinds.
    Faults,
    KindsOfFault,
    /// Bombs that went off.
    BombsGoneOff,
    /// Timers that rang while time stood still.
    TimersRungInStandstill,
    /// Nodes that the front-end suspected.
    Suspicions,
}

/// Why a light must turn red, or may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redness {
    /// A bug was injected, and must be caught.
    BugInjected,
    /// Orders were given up for lost, and that must show.
    OrdersGivenUp,
    /// Nothing was done that breaks a promise.
    NoReason,
}

/// What was expected, and what was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// A count and its floor.
    AtLeast(Counted, u64, Found),
    /// A count and its ceiling.
    AtMost(Counted, u64, Found),
    /// The longest wait that is allowed, and the longest there was.
    LongestWait(Duration, Duration),
    /// How soon half the calm rate must come back, and how soon it did.
    Recovery(Duration, Recovered),
    /// The least share of the calm rate, and the share there was, in percent; none: there was no calm.
    ShareOfCalm(u64, Option<u64>),
    /// A light of which something is expected, why, and whether it is red.
    LightNamed(Light, Redness, bool),
    /// A light that is red and was not expected to be.
    LightRed(Light),
    /// The replicas become equal.
    Copies(Agreement),
    /// Every step can be done: a sentence about the one that could not.
    StuckAt(String),
    /// What customers were told is linearizable; or, if the first is set, shows the injected bug.
    History(bool, Verdict),
}

/// What was counted.
pub type Found = u64;

/// How soon half the calm rate came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovered {
    /// So long after the last step.
    After(Duration),
    /// Not while the scenario lasted.
    Never,
    /// The scenario was ended before that could be seen.
    NotSeen,
}

/// One expectation, and whether it was met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    pub what: Comparison,
    pub met: Met,
}

fn ok_or(good: bool, otherwise: Met) -> Met {
    if good { Met::Yes } else { otherwise }
}

impl Expectations {
    /// Compares: floors, ceilings, then lights. A floor of nothing is no line.
    pub fn compare(&self, outcome: &Outcome) -> Vec<Compared> {
        let findings = &outcome.findings;
        let mut lines = Vec::new();
        for (what, found, floor) in [
            (Counted::OrdersAcknowledged, outcome.finished.counts.acknowledged, self.acknowledged),
            (Counted::Failovers, findings.failovers, self.failovers),
            (Counted::ViewChanges, findings.view_changes, self.view_changes),
            (Counted::Faults, findings.all_faults(), self.faults),
            (Counted::KindsOfFault, findings.kinds(), self.kinds),
            (Counted::BombsGoneOff, findings.failpoints.values().sum(), self.failpoints),
        ] {
            if floor > 0 {
                let met = ok_or(found >= floor, Met::TooLittle);
                lines.push(Compared { what: Comparison::AtLeast(what, floor, found), met });
            }
        }
        for (what, found, ceiling) in [
            (Counted::ViewChanges, findings.view_changes, self.at_most_view_changes),
            (Counted::TimersRungInStandstill, findings.rung_while_stopped, self.timers_rung),
            (Counted::Suspicions, findings.suspicions, self.suspicions),
        ] {
            if let Some(ceiling) = ceiling {
                let met = ok_or(found <= ceiling, Met::Broken);
                lines.push(Compared { what: Comparison::AtMost(what, ceiling, found), met });
            }
        }
        if let Some(longest) = self.longest_gap {
            let found = Duration::from_millis(outcome.gaps.max);
            let met = ok_or(found <= longest, Met::Broken);
            lines.push(Compared { what: Comparison::LongestWait(longest, found), met });
        }
        lines.extend(self.recovers_within.map(|within| recovering(within, outcome)));
        if let Some(least) = self.percent_of_calm {
            let share = outcome.share_of_calm;
            let met = share.map_or(Met::TooLittle, |share| ok_or(share >= least, Met::Broken));
            lines.push(Compared { what: Comparison::ShareOfCalm(least, share), met });
        }
        lines.extend(self.lights(outcome));
        lines
    }

    /// Lights that must be red, and those that are and must not be.
    fn lights(&self, outcome: &Outcome) -> Vec<Compared> {
        let (why, otherwise) = match (outcome.plants.is_empty(), outcome.loses_orders) {
            (false, _) => (Redness::BugInjected, Met::TooLittle),
            (true, true) => (Redness::OrdersGivenUp, Met::TooLittle),
            (true, false) => (Redness::NoReason, Met::Broken),
        };
        let expected = self.red.iter().map(|light| {
            let red = outcome.red.contains(light);
            let met = ok_or(red == (why != Redness::NoReason), otherwise);
            Compared { what: Comparison::LightNamed(*light, why, red), met }
        });
        let others = outcome.red.iter().filter(|light| !self.red.contains(light));
        let others = others.map(|light| Compared { what: Comparison::LightRed(*light), met: Met::Broken });
        expected.chain(others).collect()
    }
}

fn recovering(within: Duration, outcome: &Outcome) -> Compared {
    let (found, met) = match outcome.recovery {
        Some(took) => (Recovered::After(took), ok_or(took <= within, Met::Broken)),
        None if outcome.findings.broken_off => (Recovered::NotSeen, Met::TooLittle),
        None => (Recovered::Never, Met::Broken),
    };
    Compared { what: Comparison::Recovery(within, found), met }
}

#[cfg(test)]
mod tests {
    use protocol::judge::ContradictionKind;
    use protocol::plant::Plant;

    use super::*;
    use crate::Gaps;

    const LOST: Light = Light::Shows(ContradictionKind::Lost);

    fn those(lines: &[Compared], met: Met) -> Vec<Comparison> {
        lines.iter().filter(|line| line.met == met).map(|line| line.what.clone()).collect()
    }

    fn acknowledged(orders: u64) -> Outcome {
        let mut outcome = Outcome::default();
        outcome.finished.counts.acknowledged = orders;
        outcome
    }

    #[test]
    fn floors_and_ceilings_are_told_apart() {
        let expect = Expectations { acknowledged: 5, suspicions: Some(0), red: vec![LOST], ..Expectations::default() };
        let mut outcome = Outcome { plants: vec![crate::Unsafe::Plant(Plant::NoViewCheck)], ..acknowledged(4) };
        outcome.findings.suspicions = 1;
        let lines = expect.compare(&outcome);
        let not_red = Comparison::LightNamed(LOST, Redness::BugInjected, false);
        let too_little = [Comparison::AtLeast(Counted::OrdersAcknowledged, 5, 4), not_red];
        assert_eq!(those(&lines, Met::TooLittle), too_little);
        assert_eq!(those(&lines, Met::Broken), [Comparison::AtMost(Counted::Suspicions, 0, 1)]);
        let green = expect.compare(&acknowledged(5));
        assert!(green.iter().all(|line| line.met == Met::Yes), "without the injected bug nothing must be red");
        assert_eq!(green.len(), 3, "what was met is told, too: {green:?}");
        let red = [LOST].into();
        let alone = expect.compare(&Outcome { red, ..acknowledged(5) });
        let red = Comparison::LightNamed(LOST, Redness::NoReason, true);
        assert_eq!(those(&alone, Met::Broken), [red]);
    }

    #[test]
    fn every_floor_and_ceiling_has_a_line() {
        let expect = Expectations {
            acknowledged: 1,
            failovers: 1,
            view_changes: 1,
            at_most_view_changes: Some(2),
            longest_gap: Some(Duration::from_millis(500)),
            timers_rung: Some(0),
            suspicions: Some(0),
            faults: 1,
            kinds: 1,
            failpoints: 1,
            recovers_within: Some(Duration::from_secs(5)),
            percent_of_calm: Some(60),
            red: vec![Light::Shows(ContradictionKind::Doubled)],
        };
        let mut outcome = Outcome {
            gaps: Gaps { max: 501, ..Gaps::default() },
            share_of_calm: Some(13),
            red: [Light::Shows(ContradictionKind::Stale)].into(),
            ..Outcome::default()
        };
        outcome.findings.rung_while_stopped = 1;
        let lines = expect.compare(&outcome);
        assert_eq!(those(&lines, Met::TooLittle).len(), 6, "{lines:?}");
        let (longest, waited) = (Duration::from_millis(500), Duration::from_millis(501));
        let within = Duration::from_secs(5);
        let broken = [
            Comparison::AtMost(Counted::TimersRungInStandstill, 0, 1),
            Comparison::LongestWait(longest, waited),
            Comparison::Recovery(within, Recovered::Never),
            Comparison::ShareOfCalm(60, Some(13)),
            Comparison::LightRed(Light::Shows(ContradictionKind::Stale)),
        ];
        assert_eq!(those(&lines, Met::Broken), broken);
        assert_eq!(lines.len(), 6 + 3 + 3 + 2);
        let late = Outcome { recovery: Some(Duration::from_secs(6)), ..outcome };
        let lines = expect.compare(&late);
        let found = Recovered::After(Duration::from_secs(6));
        assert!(those(&lines, Met::Broken).contains(&Comparison::Recovery(within, found)));
    }
}
