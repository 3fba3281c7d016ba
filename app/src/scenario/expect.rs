//! What a scenario expects, compared with what came of it.
//!
//! A floor that was not reached is too little evidence; a ceiling that was broken is a broken promise. Whether the history
//! is linearizable is `verdict`'s matter.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Expectations, Findings, Light};

/// What came of it, beside the findings.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// Orders acknowledged.
    pub acknowledged: u64,
    /// The longest wait of a customer between two answers.
    pub longest_gap: Duration,
    /// How long after the last step half the calm rate was reached again; none: never, or there was no calm.
    pub recovery: Option<Duration>,
    /// Timers that rang while time stood still, by the processes' own count.
    pub rung_while_stopped: u64,
    /// Whether a mistake was made on purpose.
    pub planted: bool,
    /// Lights that are red.
    pub red: BTreeSet<Light>,
}

/// What is not as expected, in sentences.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unmet {
    /// Too little happened to say anything.
    pub too_little: Vec<String>,
    /// A promise was broken.
    pub broken: Vec<String>,
}

impl Expectations {
    /// Compares.
    #[must_use]
    pub fn compare(&self, findings: &Findings, evidence: &Evidence) -> Unmet {
        let mut unmet = Unmet::default();
        for (what, found, floor) in [
            ("orders acknowledged", evidence.acknowledged, self.acknowledged),
            ("failovers", findings.failovers, self.failovers),
            ("view changes", findings.view_changes, self.view_changes),
            ("faults", findings.all_faults(), self.faults),
            ("kinds of fault", findings.kinds(), self.kinds),
            ("bombs gone off", findings.failpoints.values().sum(), self.failpoints),
        ] {
            if found < floor {
                unmet.too_little.push(format!("{found} {what}, {floor} expected"));
            }
        }
        for (what, found, ceiling) in [
            ("view changes", findings.view_changes, self.at_most_view_changes),
            ("timers rung while time stood still", evidence.rung_while_stopped, self.timers_rung),
            ("suspicions", findings.suspicions, self.suspicions),
        ] {
            if let Some(ceiling) = ceiling.filter(|ceiling| found > *ceiling) {
                unmet.broken.push(format!("{found} {what}, at most {ceiling} expected"));
            }
        }
        if self.longest_gap.is_some_and(|longest| evidence.longest_gap > longest) {
            unmet.broken.push(format!("a customer waited {} ms", evidence.longest_gap.as_millis()));
        }
        if let Some(within) = self.recovers_within {
            match evidence.recovery {
                Some(recovery) if recovery <= within => {}
                Some(recovery) => {
                    let took = recovery.as_millis();
                    unmet.broken.push(format!("half the calm rate came back only after {took} ms"));
                }
                None => unmet.broken.push("half the calm rate did not come back".into()),
            }
        }
        let expected = |light: &Light| evidence.planted && self.red.contains(light);
        let dark = self.red.iter().filter(|light| evidence.planted && !evidence.red.contains(light));
        unmet.too_little.extend(dark.map(|light| format!("the light “{light}” did not turn red")));
        let bright = evidence.red.iter().filter(|light| !expected(light));
        unmet.broken.extend(bright.map(|light| format!("the light “{light}” is red")));
        unmet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floors_and_ceilings_are_told_apart() {
        let expect =
            Expectations { acknowledged: 5, suspicions: Some(0), red: vec![Light::Lost], ..Expectations::default() };
        let mut findings = Findings::default();
        findings.suspicions = 1;
        let evidence = Evidence { acknowledged: 4, planted: true, ..Evidence::default() };
        let unmet = expect.compare(&findings, &evidence);
        assert_eq!(unmet.too_little, ["4 orders acknowledged, 5 expected", "the light “lost” did not turn red"]);
        assert_eq!(unmet.broken, ["1 suspicions, at most 0 expected"]);
        let green = expect.compare(&Findings::default(), &Evidence { acknowledged: 5, ..Evidence::default() });
        assert_eq!(green, Unmet::default(), "without the mistake nothing must be red");
        let red = [Light::Lost].into();
        let alone = expect.compare(&Findings::default(), &Evidence { acknowledged: 5, red, ..Evidence::default() });
        assert_eq!(alone.broken, ["the light “lost” is red"]);
    }
}
