//! Verdicts that a primary remembers, bounded: beyond the limit, the oldest goes. It is not replicated and not kept.

use std::collections::{BTreeMap, VecDeque};

use protocol::postcode::{Postcode, Verdict};

/// How many verdicts are remembered.
const LIMIT: usize = 100_000;

#[derive(Debug)]
pub(super) struct VerdictCache {
    on: bool,
    verdicts: BTreeMap<Postcode, Verdict>,
    /// The same postcodes, oldest first.
    order: VecDeque<Postcode>,
}

impl VerdictCache {
    pub(super) fn new(on: bool) -> Self {
        Self { on, verdicts: BTreeMap::new(), order: VecDeque::new() }
    }

    pub(super) fn get(&self, postcode: &Postcode) -> Option<Verdict> {
        self.verdicts.get(postcode).cloned()
    }

    /// [`Verdict::NobodyAnswers`] is no verdict: it is never remembered.
    pub(super) fn put(&mut self, postcode: Postcode, verdict: &Verdict) {
        if !self.on || *verdict == Verdict::NobodyAnswers {
            return;
        }
        if self.verdicts.insert(postcode, verdict.clone()).is_none() {
            self.order.push_back(postcode);
        }
        if self.order.len() > LIMIT
            && let Some(oldest) = self.order.pop_front()
        {
            self.verdicts.remove(&oldest);
        }
    }

    /// Turning it off forgets everything.
    pub(super) fn switch(&mut self, on: bool) {
        *self = if on { Self { on, ..std::mem::replace(self, Self::new(on)) } } else { Self::new(false) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::postcode::PostcodeService;

    fn valid() -> Verdict {
        Verdict::Valid { place: None, by: PostcodeService::PostcodesIo }
    }

    #[test]
    fn verdicts_are_remembered_until_it_is_switched_off() {
        let mut cache = VerdictCache::new(true);
        let postcode = "DH1 3LE".parse().unwrap();
        cache.put(postcode, &Verdict::NobodyAnswers);
        assert_eq!(cache.get(&postcode), None);
        cache.put(postcode, &valid());
        cache.switch(true);
        assert_eq!(cache.get(&postcode), Some(valid()));
        cache.switch(false);
        cache.put(postcode, &valid());
        assert_eq!(cache.get(&postcode), None);
        cache.switch(true);
        assert_eq!(cache.get(&postcode), None);
    }

    #[test]
    fn the_oldest_goes_when_it_is_full() {
        let mut cache = VerdictCache::new(true);
        let all: Vec<Postcode> = crate::gazetteer::postcodes_from("S").take(LIMIT + 10).collect();
        assert_eq!(all.len(), LIMIT + 10);
        all.iter().for_each(|postcode| cache.put(*postcode, &valid()));
        all[10..].iter().for_each(|postcode| cache.put(*postcode, &valid()));
        assert_eq!((cache.verdicts.len(), cache.order.len()), (LIMIT, LIMIT));
        assert_eq!(cache.get(&all[9]), None);
        assert_eq!(cache.get(&all[10]), Some(valid()));
    }
}
