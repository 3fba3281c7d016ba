//! How time counts for a scenario: three counts, because a person who watches may slow time or stop it, and so may the script.
//!
//! Pure: the caller says what time it is.

use std::time::Duration;

use protocol::trace::Rate;

/// Where nobody watches, at least this share of real time counts for patience.
const SLOWEST_ALONE: u32 = 20;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// Real time: histories and findings count in it, and facts are late by it.
    pub real: Duration,
    /// In which a script's moments count: real time, but while a person has chosen the speed it goes no faster than that. A
    /// speed that the script chose changes nothing: "stop, go on after 3 s" must come to its end.
    pub script: Duration,
    /// In which everything counts that is waited for: cluster time.
    pub patience: Duration,
}

/// Cluster time, as patience counts it.
///
/// Where nobody watches, nobody would let time go on for a script that stopped it and then waits for a process that hangs:
/// there a small share of real time counts, too.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    is_watched: bool,
    cluster: u64,
    real: Duration,
    counted: Duration,
}

impl Patience {
    /// Counts from this reading of the cluster's clock, in microseconds, and this moment.
    pub fn new(is_watched: bool, cluster: u64, real: Duration) -> Self {
        Self { is_watched, cluster, real, counted: Duration::ZERO }
    }

    /// How much has passed.
    pub fn count(&mut self, cluster: u64, real: Duration) -> Duration {
        let went = Duration::from_micros(cluster.saturating_sub(self.cluster));
        let passed = real.saturating_sub(self.real);
        self.counted += if self.is_watched { went } else { went.max(passed / SLOWEST_ALONE) };
        (self.cluster, self.real) = (cluster, real);
        self.counted
    }
}

/// All three, and who chose the speed.
#[derive(Clone, Debug)]
pub struct Clocks {
    now: Times,
    cluster: u64,
    patience: Patience,
    chosen: Option<Rate>,
}

impl Clocks {
    /// Nothing has passed of script and patience yet.
    pub fn new(is_watched: bool, cluster: u64, real: Duration) -> Self {
        let now = Times { real, ..Times::default() };
        Self { now, cluster, patience: Patience::new(is_watched, cluster, real), chosen: None }
    }

    /// Goes on to this reading of the cluster's clock, in microseconds, and this moment.
    pub fn go_on(&mut self, cluster: u64, real: Duration) {
        let went = Duration::from_micros(cluster.saturating_sub(self.cluster));
        let passed = real.saturating_sub(self.now.real);
        self.now.script += if self.chosen.is_some() { passed.min(went) } else { passed };
        (self.now.real, self.cluster) = (real, cluster);
        self.now.patience = self.patience.count(cluster, real);
    }

    /// As it stands.
    pub fn now(&self) -> Times {
        self.now
    }

    /// As it stood at a moment a little earlier.
    pub fn at(&self, real: Duration) -> Times {
        let ago = self.now.real.saturating_sub(real);
        let Times { script, patience, .. } = self.now;
        Times { real, script: script.saturating_sub(ago), patience: patience.saturating_sub(ago) }
    }

    /// The speed that a person has chosen, until the script says another.
    pub fn chosen(&self) -> Option<Rate> {
        self.chosen
    }

    /// A person chose the speed, or (none) the script did.
    pub fn choose(&mut self, chosen: Option<Rate>) {
        self.chosen = chosen;
    }
}

impl Times {
    /// Counted from another moment.
    #[must_use]
    pub fn since(self, begun: Self) -> Self {
        Self {
            real: self.real.saturating_sub(begun.real),
            script: self.script.saturating_sub(begun.script),
            patience: self.patience.saturating_sub(begun.patience),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_person_slows_the_script_and_the_script_does_not() {
        let mut clocks = Clocks::new(true, 0, ms(0));
        clocks.go_on(1_000_000, ms(1000));
        assert_eq!(clocks.now(), Times { real: ms(1000), script: ms(1000), patience: ms(1000) });
        clocks.go_on(1_000_000, ms(2000));
        assert_eq!(
            clocks.now(),
            Times { real: ms(2000), script: ms(2000), patience: ms(1000) },
            "the script stopped it"
        );
        clocks.choose(Some(Rate::STOPPED));
        clocks.go_on(1_000_000, ms(9000));
        assert_eq!(clocks.now(), Times { real: ms(9000), script: ms(2000), patience: ms(1000) }, "a person stopped it");
        clocks.choose(Some(Rate(100_000)));
        clocks.go_on(1_100_000, ms(10_000));
        assert_eq!(clocks.now(), Times { real: ms(10_000), script: ms(2100), patience: ms(1100) });
    }

    #[test]
    fn where_nobody_watches_a_share_of_real_time_counts() {
        let mut patience = Patience::new(false, 0, ms(0));
        assert_eq!(patience.count(0, ms(2000)), ms(100));
        assert_eq!(patience.count(1_000_000, ms(3000)), ms(1100));
    }
}
