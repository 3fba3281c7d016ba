//! Choices that follow from a seed: which fault, which message is lost, which customer orders. The same seed, the same
//! choices, on every machine. No machine of the protocol chooses anything; those that test, load or steer it do.
//!
//! SplitMix64 (Steele, Lea, Flood 2014): fast, and good enough for this. Not for secrets, and not for ids.

/// A stream of random numbers. The same seed gives the same stream on every machine.
#[derive(Clone, Debug, Default)]
pub struct Random {
    state: u64,
}

impl Random {
    /// The stream of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        // Neighbouring seeds must not give neighbouring streams.
        Self { state: mix(seed ^ 0x6a09_e667_f3bc_c908) }
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// A number below `end`; 0 if there is none.
    pub fn below(&mut self, end: u64) -> u64 {
        // The high half of a product (Lemire 2019): its bias is below 2^-32 for all ends used here.
        ((u128::from(self.bits()) * u128::from(end)) >> 64) as u64
    }

    /// A number of `low..=high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below((high - low).saturating_add(1))
    }

    /// True this many times in a million.
    pub fn chance(&mut self, per_million: u32) -> bool {
        per_million > 0 && self.below(1_000_000) < u64::from(per_million)
    }

    /// One of them; none of an empty list.
    pub fn pick<T: Copy>(&mut self, list: &[T]) -> Option<T> {
        list.get(self.below(list.len() as u64) as usize).copied()
    }
}

/// The finisher of SplitMix64: a bijection in which each input bit moves about half of the output. Digests use it too.
#[must_use]
pub fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_stream() {
        let (mut one, mut same, mut other) = (Random::new(1), Random::new(1), Random::new(2));
        let stream: Vec<_> = (0..100).map(|_| one.bits()).collect();
        assert_eq!(stream, (0..100).map(|_| same.bits()).collect::<Vec<_>>());
        assert_ne!(stream, (0..100).map(|_| other.bits()).collect::<Vec<_>>());
    }

    #[test]
    fn ranges_are_kept_and_filled() {
        let mut random = Random::new(7);
        let mut seen = [0u32; 10];
        for _ in 0..10_000 {
            seen[random.below(10) as usize] += 1;
            assert!((5..=6).contains(&random.between(5, 6)));
        }
        assert!(seen.iter().all(|n| (800..1200).contains(n)), "{seen:?}");
        assert!(!random.chance(0) && random.chance(1_000_000));
        assert_eq!(random.pick::<u8>(&[]), None);
    }
}
