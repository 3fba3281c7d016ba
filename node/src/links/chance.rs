//! What links leave to chance, from a seed: which message is lost, doubled, late. Not for secrets.

/// SplitMix64 (Steele, Lea, Flood 2014).
#[derive(Debug, Default)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// True so many times in a thousand.
    pub(super) fn strikes(&mut self, per_mille: u16) -> bool {
        per_mille > 0 && self.bits() % 1000 < u64::from(per_mille)
    }

    /// A number from 0 to `most`, both possible.
    pub(super) fn up_to(&mut self, most: u64) -> u64 {
        self.bits() % most.saturating_add(1).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_strikes_about_as_often_as_it_should_and_the_same_way_each_time() {
        let struck = |seed| {
            let mut chance = Chance::new(seed);
            (0..10_000).map(|_| chance.strikes(300)).collect::<Vec<_>>()
        };
        let often = struck(7).iter().filter(|struck| **struck).count();
        assert!((2_700..3_300).contains(&often), "{often}");
        assert_eq!(struck(7), struck(7));
        assert_ne!(struck(7), struck(8));
        let mut chance = Chance::new(1);
        assert!((0..100).all(|_| !chance.strikes(0) && chance.strikes(1000) && chance.up_to(3) <= 3));
    }
}
