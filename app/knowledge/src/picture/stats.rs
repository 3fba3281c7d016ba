//! Counts and latencies, and what replicas say of what they hold: derived from facts alone, and small.
//!
//! The verdict (linearizability, order by order) is not here: it is made from histories, by `verdict::evidence`.

use std::collections::VecDeque;

use protocol::ids::OrderNumber;
use protocol::message::Answer;
use protocol::order_book::Outcome;
use protocol::trace::{Crowd, CrowdTimes, ReplicaState, Standing};

use super::{KeepNewest, Node, Nodes};

/// Latencies that percentiles are taken of.
const MOST_TIMES: usize = 2000;

#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// Orders their customers know to be placed.
    pub placed: u64,
    /// Orders their customers know to be rejected.
    pub rejected: u64,
    /// Orders that were given up in time.
    pub never_placed: u64,
    /// Orders of which nothing is known any more.
    pub expired: u64,
    /// Histories that were read.
    pub read: u64,
    /// Commits of primaries that were seen.
    pub committed: u64,
    /// How long the newest failover took, from the primary's end to its successor, in microseconds of cluster time.
    pub failover: Option<u64>,
    pub failovers: u64,
    /// Acknowledged orders that the acting primary does not have.
    pub lost: u64,
    /// Whether replicas that stand at the same place hold the same.
    pub copies: Copies,
    primary_ended: Option<u64>,
    highest: Option<(OrderNumber, u64)>,
    times: VecDeque<u64>,
    /// Of those that are told of only together, which are most of them.
    crowd: Option<CrowdTimes>,
}

/// How the replicas' states compare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Copies {
    /// No replica that runs holds anything, and no disk does.
    #[default]
    Nowhere,
    /// No replica that runs holds anything, but a disk does.
    OnDiskOnly,
    Alone,
    /// All hold the same.
    Identical,
    /// Some are behind; those that are level hold the same.
    CatchingUp,
    /// Two stand at the same operation with different content: a fault.
    Differ,
}

impl Stats {
    pub(super) fn answered(&mut self, answer: &Answer, took: u64, at: u64) {
        self.times.push_back(took);
        self.times.keep_newest(MOST_TIMES);
        match answer {
            Answer::History(_) => self.read += 1,
            Answer::Expired => self.expired += 1,
            Answer::Outcome(Outcome::Rejected { .. }) => self.rejected += 1,
            Answer::Outcome(Outcome::NeverPlaced) => self.never_placed += 1,
            Answer::Outcome(Outcome::Placed { number }) => {
                self.placed += 1;
                if self.highest.is_none_or(|(highest, _)| *number > highest) {
                    self.highest = Some((*number, at));
                }
            }
        }
    }

    /// The newest order of which a customer knows that it is placed.
    pub(super) fn highest(&self) -> Option<OrderNumber> {
        self.highest.map(|(number, _)| number)
    }

    pub(super) fn primary_ended(&mut self, at: u64) {
        self.primary_ended = Some(at);
    }

    pub(super) fn became(&mut self, standing: Standing, at: u64) {
        if standing == Standing::Primary
            && let Some(ended) = self.primary_ended.take()
        {
            self.failover = Some(at.saturating_sub(ended));
            self.failovers += 1;
        }
    }

    /// Compares what is acknowledged with what replicas say they hold.
    pub(super) fn compare(&mut self, nodes: &Nodes) {
        let held = nodes.acting_primary().and_then(|node| Some((node.replica()?.orders, node.state_at)));
        if let (Some((highest, answered)), Some((orders, said))) = (self.highest, held) {
            // A primary that spoke before the answer may simply not have said yet that it has more.
            if orders >= highest {
                self.lost = 0;
            } else if said > answered {
                self.lost = highest.0 - orders.0;
            }
        }
        self.copies = copies(nodes);
    }

    pub(super) fn crowd(&mut self, crowd: &Crowd) {
        self.crowd = crowd.times;
    }

    /// This many in a hundred of the latest requests were answered within this many microseconds of cluster time: of the
    /// crowd's, if there is one.
    pub fn percentile(&self, percent: usize) -> Option<u64> {
        match (self.crowd, percent) {
            (None, percent) => self.own_percentile(percent),
            (Some(crowd), ..=50) => Some(crowd.median),
            (Some(crowd), 51..=90) => Some(crowd.ninety),
            (Some(crowd), 91..=99) => Some(crowd.ninety_nine),
            (Some(crowd), 100..) => Some(crowd.longest).max(self.own_percentile(100)),
        }
    }

    fn own_percentile(&self, percent: usize) -> Option<u64> {
        let mut times: Vec<u64> = self.times.iter().copied().collect();
        times.sort_unstable();
        times.get((times.len() * percent / 100).min(times.len().saturating_sub(1))).copied()
    }

    /// The latest answers' times, oldest first, in microseconds of cluster time.
    pub fn times(&self) -> impl ExactSizeIterator<Item = u64> {
        self.times.iter().copied()
    }
}

/// Whether two replicas that stand at the same operation hold different orders. At other operations they may.
pub fn contradict(one: &ReplicaState, other: &ReplicaState) -> bool {
    // Positions alone may differ in fingerprint: a left-out replica's uncommitted end is no fault.
    one.position.is_some() && one.position == other.position && one.digest != other.digest
}

fn copies(nodes: &Nodes) -> Copies {
    let running = nodes.iter().filter(|node| node.runs()).filter_map(Node::replica);
    let held: Vec<&ReplicaState> = running.filter(|replica| replica.position.is_some()).collect();
    let is_same =
        |one: &ReplicaState, other: &ReplicaState| one.position == other.position && one.digest == other.digest;
    match &held[..] {
        [] if nodes.iter().any(Node::is_on_disk) => Copies::OnDiskOnly,
        [] => Copies::Nowhere,
        [_] => Copies::Alone,
        [first, rest @ ..] if rest.iter().all(|other| is_same(first, other)) => Copies::Identical,
        _ if held.iter().any(|one| held.iter().any(|other| contradict(one, other))) => Copies::Differ,
        _ => Copies::CatchingUp,
    }
}
