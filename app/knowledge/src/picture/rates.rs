//! How many orders a second were acknowledged as time went on, by customers with a name and by the crowd together.
//!
//! Counted in spans of cluster time. A crowd is told of a few times a second only, so its orders are spread over the time since it was
//! told of last.

use std::collections::VecDeque;
use std::sync::Arc;

/// A span, in microseconds of cluster time.
const SPAN: u64 = 200_000;
/// At most this many spans are kept: two minutes.
const MOST_SPANS: usize = 600;

/// Orders acknowledged in each span. Clones share what does not change.
#[derive(Clone, Debug, Default)]
pub struct Rates {
    /// The number of the first span that is kept, and orders in it and those after it.
    spans: Arc<(u64, VecDeque<f64>)>,
    /// What the crowd had acknowledged when it was told of last, and when that was.
    crowd: (u64, u64),
}

impl Rates {
    pub(super) fn placed(&mut self, at: u64) {
        self.add(at / SPAN, 1.0);
    }

    pub(super) fn crowd(&mut self, acknowledged: u64, at: u64) {
        let (before, since) = std::mem::replace(&mut self.crowd, (acknowledged, at));
        let more = acknowledged.saturating_sub(before);
        if more == 0 {
            return;
        }
        let (first, last) = ((since / SPAN + 1).min(at / SPAN), at / SPAN);
        let first = first.max(last.saturating_sub(MOST_SPANS as u64));
        let share = more as f64 / (last - first + 1) as f64;
        (first..=last).for_each(|span| self.add(span, share));
    }

    fn add(&mut self, span: u64, orders: f64) {
        let (first, spans) = Arc::make_mut(&mut self.spans);
        if spans.is_empty() {
            *first = span;
        }
        let Some(place) = span.checked_sub(*first) else { return };
        while spans.len() as u64 <= place.min(MOST_SPANS as u64 * 2) {
            spans.push_back(0.0);
        }
        if place >= spans.len() as u64 {
            // Nothing was acknowledged for longer than is kept.
            spans.clear();
            spans.push_back(orders);
            *first = span;
            return;
        }
        spans[place as usize] += orders;
        while spans.len() > MOST_SPANS {
            spans.pop_front();
            *first += 1;
        }
    }

    /// Seconds of cluster time, and orders a second then, from the first span that is kept until `now`, in microseconds. The last
    /// span counts once it is over.
    pub fn per_second(&self, now: u64) -> Vec<[f64; 2]> {
        let (first, spans) = &*self.spans;
        let over = (now / SPAN).saturating_sub(*first) as usize;
        let rates = spans.iter().copied().chain(std::iter::repeat(0.0)).take(over.min(spans.len() + MOST_SPANS));
        let at = |number: usize| (first + number as u64) as f64 * SPAN as f64 / 1e6;
        rates.enumerate().map(|(number, orders)| [at(number), orders * 1e6 / SPAN as f64]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_counted_in_spans_and_silence_is_zero() {
        let mut rates = Rates::default();
        for at in [1_000_000, 1_100_000, 1_250_000, 1_900_000] {
            rates.placed(at);
        }
        let shown = rates.per_second(2_000_000);
        assert_eq!(shown, [[1.0, 10.0], [1.2, 5.0], [1.4, 0.0], [1.6, 0.0], [1.8, 5.0]]);
        assert_eq!(rates.per_second(2_400_000).len(), 7, "time goes on without orders");
    }

    #[test]
    fn a_crowds_orders_are_spread_over_the_time_since_it_was_told_of() {
        let mut rates = Rates::default();
        rates.crowd(0, 1_000_000);
        rates.crowd(100, 2_000_000);
        let shown = rates.per_second(2_200_000);
        let all: f64 = shown.iter().map(|[_, rate]| rate * 0.2).sum();
        assert!((all - 100.0).abs() < 1e-9 && shown.len() == 5, "{shown:?}");
    }

    #[test]
    fn only_the_latest_spans_are_kept() {
        let mut rates = Rates::default();
        rates.placed(0);
        rates.placed(3_600_000_000);
        rates.placed(3_600_100_000);
        assert_eq!(rates.per_second(3_600_200_000), [[3600.0, 10.0]]);
        for second in 0..300 {
            rates.placed(4_000_000_000 + second * 1_000_000);
        }
        assert!(rates.spans.1.len() <= MOST_SPANS);
    }
}
