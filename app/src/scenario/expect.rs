//! What a scenario expects, compared with what came of it: one line for each expectation.
//!
//! A floor that was not reached is too little evidence; a ceiling that was broken is a broken promise. Whether the history
//! is linearizable is `verdict`'s matter.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Expectations, Findings, Light};
use crate::wording::{count, light_named};

/// What came of it, beside the findings.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// Orders acknowledged.
    pub acknowledged: u64,
    /// The longest wait of a customer between two answers.
    pub longest_gap: Duration,
    /// How long after the last step half the calm rate was reached again; none: never, or there was no calm.
    pub recovery: Option<Duration>,
    /// Orders a second from the first fault on, in percent of those before; none: there was no calm.
    pub share_of_calm: Option<u64>,
    /// Timers that rang while time stood still, by the processes' own count.
    pub rung_while_stopped: u64,
    /// Whether a mistake was made on purpose.
    pub planted: bool,
    /// Whether orders were given up for lost.
    pub loses_orders: bool,
    /// Whether it was ended before its time.
    pub broken_off: bool,
    /// Lights that are red.
    pub red: BTreeSet<Light>,
}

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

/// One expectation: what was expected, and what was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// "at least 5 failovers".
    pub expected: String,
    /// "3 failovers".
    pub seen: String,
    /// How they compare.
    pub met: Met,
    /// Both in one sentence, for a list of what is not as expected.
    pub sentence: String,
}

impl Compared {
    fn new(expected: String, seen: String, met: Met) -> Self {
        let sentence = format!("{seen}, {expected} expected");
        Self { expected, seen, met, sentence }
    }

    fn said(self, sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), ..self }
    }
}

const STILL: [&str; 2] = ["timer rung while time stood still", "timers rung while time stood still"];

fn ok_or(good: bool, otherwise: Met) -> Met {
    if good { Met::Yes } else { otherwise }
}

impl Expectations {
    /// Compares: floors, ceilings, then lights. A floor of nothing is no line.
    #[must_use]
    pub fn compare(&self, findings: &Findings, evidence: &Evidence) -> Vec<Compared> {
        let mut lines = Vec::new();
        for (what, found, floor) in [
            (["order acknowledged", "orders acknowledged"], evidence.acknowledged, self.acknowledged),
            (["failover", "failovers"], findings.failovers, self.failovers),
            (["view change", "view changes"], findings.view_changes, self.view_changes),
            (["fault", "faults"], findings.all_faults(), self.faults),
            (["kind of fault", "kinds of fault"], findings.kinds(), self.kinds),
            (["bomb gone off", "bombs gone off"], findings.failpoints.values().sum(), self.failpoints),
        ] {
            if floor > 0 {
                let words = |number: u64| count(number as usize, what[0], what[1]);
                let met = ok_or(found >= floor, Met::TooLittle);
                let line = Compared::new(format!("at least {}", words(floor)), words(found), met);
                lines.push(line.said(format!("{}, {floor} expected", words(found))));
            }
        }
        for (what, found, ceiling) in [
            (["view change", "view changes"], findings.view_changes, self.at_most_view_changes),
            (STILL, evidence.rung_while_stopped, self.timers_rung),
            (["suspicion", "suspicions"], findings.suspicions, self.suspicions),
        ] {
            if let Some(ceiling) = ceiling {
                let words = |number: u64| count(number as usize, what[0], what[1]);
                let met = ok_or(found <= ceiling, Met::Broken);
                let line = Compared::new(format!("at most {}", words(ceiling)), words(found), met);
                lines.push(line.said(format!("{}, at most {ceiling} expected", words(found))));
            }
        }
        lines.extend(self.longest_gap.map(|longest| waiting(longest, evidence.longest_gap)));
        lines.extend(self.recovers_within.map(|within| recovering(within, evidence)));
        lines.extend(self.percent_of_calm.map(|least| sharing(least, evidence.share_of_calm)));
        lines.extend(self.lights(evidence));
        lines
    }

    /// Lights that must be red, and those that are and must not be.
    fn lights(&self, evidence: &Evidence) -> Vec<Compared> {
        let is = |red: bool| if red { "it is red" } else { "it is green" }.to_owned();
        let mut lines = Vec::new();
        for light in &self.red {
            let red = evidence.red.contains(light);
            let name = light_named(*light);
            let (words, otherwise) = match (evidence.planted, evidence.loses_orders) {
                (true, _) => ("turns red: the mistake is caught", Met::TooLittle),
                (false, true) => ("turns red: the loss shows", Met::TooLittle),
                (false, false) => ("stays green: no mistake is made", Met::Broken),
            };
            let met = ok_or(red == (evidence.planted || evidence.loses_orders), otherwise);
            let line = Compared::new(format!("the light {name} {words}"), is(red), met);
            let sentence = if red { "is red" } else { "did not turn red" };
            lines.push(line.said(format!("the light {name} {sentence}")));
        }
        for light in evidence.red.iter().filter(|light| !self.red.contains(light)) {
            let name = light_named(*light);
            let line = Compared::new(format!("the light {name} stays green"), is(true), Met::Broken);
            lines.push(line.said(format!("the light {name} is red")));
        }
        lines
    }
}

fn waiting(longest: Duration, found: Duration) -> Compared {
    let expected = format!("no customer waits longer than {} ms", longest.as_millis());
    let seen = format!("the longest wait was {} ms", found.as_millis());
    let sentence = format!("a customer waited {} ms", found.as_millis());
    Compared::new(expected, seen, ok_or(found <= longest, Met::Broken)).said(sentence)
}

fn recovering(within: Duration, evidence: &Evidence) -> Compared {
    let found = evidence.recovery;
    let expected = format!("half the calm rate again within {} ms after the last step", within.as_millis());
    let met = ok_or(found.is_some_and(|took| took <= within), Met::Broken);
    match found.map(|took| took.as_millis()) {
        Some(took) => Compared::new(expected, format!("after {took} ms"), met)
            .said(format!("half the calm rate came back only after {took} ms")),
        None if evidence.broken_off => Compared::new(expected, "it was broken off before".into(), Met::TooLittle),
        None => {
            Compared::new(expected, "it did not come back".into(), met).said("half the calm rate did not come back")
        }
    }
}

fn sharing(least: u64, found: Option<u64>) -> Compared {
    let expected = format!("at least {least} % of the calm rate from the first fault on");
    match found {
        Some(share) => {
            let met = ok_or(share >= least, Met::Broken);
            Compared::new(expected, format!("{share} % of it"), met)
                .said(format!("{share} % of the calm rate was left from the first fault on, {least} % expected"))
        }
        None => Compared::new(expected, "there was no calm".into(), Met::TooLittle)
            .said("there was no calm to compare with"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentences(lines: &[Compared], met: Met) -> Vec<&str> {
        lines.iter().filter(|line| line.met == met).map(|line| line.sentence.as_str()).collect()
    }

    #[test]
    fn floors_and_ceilings_are_told_apart() {
        let expect =
            Expectations { acknowledged: 5, suspicions: Some(0), red: vec![Light::Lost], ..Expectations::default() };
        let mut findings = Findings::default();
        findings.suspicions = 1;
        let evidence = Evidence { acknowledged: 4, planted: true, ..Evidence::default() };
        let lines = expect.compare(&findings, &evidence);
        let too_little = ["4 orders acknowledged, 5 expected", "the light “lost” did not turn red"];
        assert_eq!(sentences(&lines, Met::TooLittle), too_little);
        assert_eq!(sentences(&lines, Met::Broken), ["1 suspicion, at most 0 expected"]);
        let green = expect.compare(&Findings::default(), &Evidence { acknowledged: 5, ..Evidence::default() });
        assert!(green.iter().all(|line| line.met == Met::Yes), "without the mistake nothing must be red");
        assert_eq!(green.len(), 3, "what was met is told, too: {green:?}");
        let red = [Light::Lost].into();
        let alone = expect.compare(&Findings::default(), &Evidence { acknowledged: 5, red, ..Evidence::default() });
        assert_eq!(sentences(&alone, Met::Broken), ["the light “lost” is red"]);
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
            red: vec![Light::Twice],
        };
        let evidence = Evidence {
            longest_gap: Duration::from_millis(501),
            rung_while_stopped: 1,
            share_of_calm: Some(13),
            red: [Light::Stale].into(),
            ..Evidence::default()
        };
        let lines = expect.compare(&Findings::default(), &evidence);
        assert_eq!(sentences(&lines, Met::TooLittle).len(), 6, "{lines:?}");
        let broken = [
            "1 timer rung while time stood still, at most 0 expected",
            "a customer waited 501 ms",
            "half the calm rate did not come back",
            "13 % of the calm rate was left from the first fault on, 60 % expected",
            "the light “read stale” is red",
        ];
        assert_eq!(sentences(&lines, Met::Broken), broken);
        assert_eq!(lines.len(), 6 + 3 + 3 + 2);
        let late = Evidence { recovery: Some(Duration::from_secs(6)), ..evidence };
        let lines = expect.compare(&Findings::default(), &late);
        assert!(sentences(&lines, Met::Broken).contains(&"half the calm rate came back only after 6000 ms"));
    }
}
