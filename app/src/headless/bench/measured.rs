//! The customers of a measurement: they order all the time, and how long that took is noted, and the history if it is wanted.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use cluster::Admission;
use cluster::load::ordering::OrderingLoad;
use cluster::load::{Endless, Load, Moment, Workload, usual_postcodes};
use hdrhistogram::Histogram;
use knowledge::history;
use knowledge::verdict::{Verdict, judge};
use protocol::ids::RequestId;
use protocol::message::{Answer, Ask};
use protocol::order_book::{OrderBook, Outcome};

use super::WARM_UP;

/// How long the last answers may take.
const LAST_ANSWERS: Duration = Duration::from_secs(10);
/// Customers that read everything at the end.
const LAST_READERS: u32 = 16;

type Recorded = OrderingLoad<BufWriter<File>>;

/// Orders all the time, and notes how long those took that ended within the measured time.
pub(super) struct Measured {
    asks: Asks,
    pub latencies: Histogram<u64>,
    asked: Vec<Moment>,
    /// With those before and after the measured time.
    pub placed: u64,
    pub until: Moment,
}

enum Asks {
    Endless(Endless),
    Recorded(Box<Recorded>),
}

impl Measured {
    pub(super) fn new(customers: u32, measured: Duration, history: Option<BufWriter<File>>) -> anyhow::Result<Self> {
        let latencies = Histogram::new_with_bounds(1, 60_000_000_000, 3)?;
        let (asked, until) = (vec![Duration::ZERO; customers as usize], WARM_UP + measured);
        let asks = match history {
            None => Asks::Endless(Endless::default()),
            Some(sink) => {
                // What the first primary holds: of presets, it is the first.
                let base = OrderBook::preset(1);
                let load = OrderingLoad::new(sink, 1, usual_postcodes(), base, Duration::MAX);
                Asks::Recorded(Box::new(load.without_reads()))
            }
        };
        Ok(Self { asks, latencies, asked, placed: 0, until })
    }

    fn workload(&mut self) -> &mut dyn Workload {
        match &mut self.asks {
            Asks::Endless(asks) => asks,
            Asks::Recorded(asks) => asks.as_mut(),
        }
    }

    /// Ends the history; reads everything before, and judges it, if it is to be judged.
    pub(super) fn judged(
        self,
        admission: &Admission,
        path: &Path,
        begun: Instant,
        check: bool,
    ) -> anyhow::Result<Option<Verdict>> {
        let Asks::Recorded(ordering) = self.asks else { return Ok(None) };
        if !check {
            ordering.finish().context("The history cannot be written.")?;
            return Ok(None);
        }
        let reads = Load::start(admission.clone(), LAST_READERS, None, begun, ordering.finish_with_reads())?;
        reads.finish(last_answers())?.finish().context("The history cannot be written.")?;
        let file = File::open(path).context("The history cannot be read.")?;
        Ok(Some(judge(&history::read(BufReader::new(file))?)))
    }
}

/// As long as the last answers may come.
pub(super) fn last_answers() -> impl FnMut() -> bool {
    let until = Instant::now() + LAST_ANSWERS;
    move || Instant::now() < until
}

impl Workload for Measured {
    fn next(&mut self, place: usize, id: RequestId, now: Moment) -> Option<Ask> {
        if now >= self.until {
            return None;
        }
        *self.asked.get_mut(place)? = now;
        self.workload().next(place, id, now)
    }

    fn answered(&mut self, place: usize, answer: Answer, now: Moment) {
        let placed = matches!(answer, Answer::Outcome(Outcome::Placed { .. }));
        self.placed += u64::from(placed);
        if placed && now >= WARM_UP && now < self.until {
            let took = self.asked.get(place).map_or(Duration::ZERO, |asked| now.saturating_sub(*asked));
            self.latencies.saturating_record(took.as_nanos() as u64);
        }
        self.workload().answered(place, answer, now);
    }

    fn unknown(&mut self, place: usize, now: Moment) {
        self.workload().unknown(place, now);
    }
}
