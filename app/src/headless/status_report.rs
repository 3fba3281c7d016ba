//! What a cluster tells by its status socket: each node's belief and use, and how the cluster is steered, as it stands in JSON.
//!
//! Nothing is asked or printed here.

use protocol::acknowledge::Acknowledge;
use protocol::ids::Role;
use protocol::message::WaitReason;
use protocol::trace::{Actor, Bomb, Freezing, LinkRule, NodeState, Rate, Standing, Unchecked};
use serde::{Deserialize, Serialize};

use cluster::{Inquirer, NodeStatus, SteeringStatus};
use knowledge::user_command::LinkWay;

/// One node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::headless) struct StatusLine {
    pub(super) name: String,
    /// "replica", "front-end", "name-server", "postcodes.io", "getthedata.com".
    role: String,
    id: String,
    pub(super) pid: Option<u32>,
    /// The machine on which it runs, if that is not the launcher's.
    machine: Option<String>,
    /// The nodes on other machines that it tries to reach, and does not.
    cannot_reach: Vec<String>,
    addr: Option<String>,
    /// "primary", "backup" or "joining", of a replica.
    pub(super) standing: Option<String>,
    pub(super) view: Option<u64>,
    primary: Option<String>,
    members: Vec<String>,
    ack_set: Vec<String>,
    pub(super) op: Option<u64>,
    fingerprint: Option<String>,
    pub(super) commit: Option<u64>,
    orders: Option<u64>,
    /// Customers whose last request is remembered.
    sessions: Option<u64>,
    /// Customers whose last request was forgotten, to make room for others.
    evicted: Option<u64>,
    /// Of a replica that receives a state: bytes of it, and of all of it, about.
    receiving: Option<(u64, u64)>,
    /// How much longer it will, in microseconds of real time, if it goes on as it did between two looks.
    receiving_left_us: Option<u64>,
    /// Of a replica that keeps its orders on disk: how that goes.
    disk: Option<String>,
    /// Digest of orders and sessions.
    digest: Option<String>,
    /// Bytes of resident memory.
    pub(super) rss: Option<u64>,
    cpu_us: Option<u64>,
    connections: Option<u64>,
    refused_messages: Option<u64>,
    /// Of a front-end: its token; the newest one's can change the view.
    token: Option<u64>,
    /// Of a front-end: whether it was told that there is a newer one.
    retired: Option<bool>,
    /// Of a primary: orders that wait because nobody has told whether their postcodes exist.
    unchecked: Option<UncheckedLine>,
    /// Of a front-end without service.
    waits_for: Option<String>,
    /// Of a front-end: its last suspicions, each with its reason, oldest first.
    suspicions: Vec<String>,
    /// Of a name server with a store: how that goes.
    view_record: Option<String>,
    /// "cooperative" or "signal": it stands still, and was not asked.
    frozen: Option<String>,
    /// A failpoint: there it crashes or freezes.
    bomb: Option<String>,
    /// "full", "read-only" or "broken": its disk, because a person wants it so.
    disk_fault: Option<String>,
    timers_rung: Option<u64>,
    /// Messages held or slowed in its links.
    in_links: Option<u64>,
}

/// A cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::headless) struct StatusReport {
    pub(in crate::headless) nodes: Vec<StatusLine>,
    /// Cluster time, in microseconds since the run began.
    at_us: u64,
    /// 1: as fast as real time; 0: it stands still.
    rate: f64,
    hop_us: u64,
    acknowledge: Acknowledge,
    plant: Option<String>,
    /// Links that are not mended, one way each.
    links: Vec<LinkLine>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct UncheckedLine {
    orders: u64,
    /// How long the first of them has waited.
    waited_s: u64,
    why: String,
}

impl UncheckedLine {
    fn of(Unchecked { orders, why, waited }: Unchecked) -> Self {
        let seconds = waited.0 / 1_000_000;
        let wait = wording::count(orders as usize, "order waits", "orders wait");
        let because = match why {
            WaitReason::Asked => "the postcode services have not answered yet",
            WaitReason::NobodyAnswers => "neither postcodes.io nor getthedata.com could check the postcode",
        };
        Self { orders, waited_s: seconds, why: format!("{wait}, the first for {seconds} s: {because}.") }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct LinkLine {
    from: String,
    to: String,
    cut: bool,
    hold: bool,
    delay_us: u64,
    jitter_us: u64,
    /// Of a thousand messages.
    loss: u16,
    doubling: u16,
}

impl StatusReport {
    /// Asks a cluster of this process.
    pub fn of(cluster: &Inquirer) -> anyhow::Result<Self> {
        Ok(Self::made_of(&cluster.status()?, cluster.steering()?))
    }

    /// From its parts.
    pub(in crate::headless) fn made_of(nodes: &[NodeStatus], steering: SteeringStatus) -> Self {
        let nodes = nodes.iter().map(StatusLine::of).collect();
        let SteeringStatus { at, rate, hop, acknowledge, plant, links } = steering;
        let rate = f64::from(rate.0) / f64::from(Rate::REAL.0);
        let plant = plant.map(|plant| plant.name().to_owned());
        Self {
            nodes,
            at_us: at,
            rate,
            hop_us: hop.0,
            acknowledge,
            plant,
            links: links.into_iter().map(LinkLine::of).collect(),
        }
    }

    /// With a node that has ended, or does not answer.
    pub(in crate::headless) fn with_unheard(mut self, name: String, role: Role, id: String) -> Self {
        self.nodes.push(StatusLine { name, role: self::role(Actor::Role(role)), id, ..StatusLine::default() });
        self
    }

    /// The nodes of both, steered as the other is.
    pub(in crate::headless) fn and(self, other: Self) -> Self {
        Self { nodes: [self.nodes, other.nodes].concat(), ..other }
    }

    /// Whether a replica receives a state.
    pub(super) fn receives(&self) -> bool {
        self.nodes.iter().any(|node| node.receiving.is_some())
    }

    /// How much longer that takes, by what came since an earlier report, `micros` of real time before.
    pub(super) fn since(mut self, earlier: &Self, micros: u64) -> Self {
        for node in &mut self.nodes {
            let before = earlier.nodes.iter().find(|it| it.id == node.id).and_then(|it| it.receiving);
            node.receiving_left_us = before.zip(node.receiving).and_then(|(before, now)| left(before, now, micros));
        }
        self
    }

    /// How it is steered, in sentences; none if it is not.
    pub(super) fn sentences(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        if self.rate == 0.0 {
            sentences.push("Time is stopped.".into());
        } else if self.rate < 1.0 {
            sentences.push(format!("Time runs {:.0} times slower than real time.", 1.0 / self.rate));
        }
        if !self.acknowledge.is_safe() {
            sentences.push(format!("UNSAFE: {}", wording::acknowledge(self.acknowledge)));
        }
        if let Some(plant) = &self.plant {
            sentences.push(format!("UNSAFE: the bug {plant} is on."));
        }
        let of_nodes = |node: &StatusLine| {
            let frozen = node.frozen.as_ref().map(|how| format!("{} is frozen ({how}).", node.name));
            let bomb = node.bomb.as_ref().map(|bomb| format!("{} has a bomb: {bomb}.", node.name));
            let disk = node.disk_fault.as_ref().map(|how| format!("The disk of {} was made {how} by hand.", node.name));
            frozen.into_iter().chain(bomb).chain(disk)
        };
        sentences.extend(self.nodes.iter().flat_map(of_nodes));
        let cut_off = |node: &StatusLine| {
            let here = node.machine.as_deref();
            let all = node.cannot_reach.iter();
            let words = all.map(|peer| format!("{} {}.", node.name, wording::cannot_reach(peer, here, None)));
            words.collect::<Vec<_>>()
        };
        sentences.extend(self.nodes.iter().flat_map(cut_off));
        let waits = |node: &StatusLine| node.waits_for.as_ref().map(|why| format!("{}: {why}", node.name));
        sentences.extend(self.nodes.iter().filter_map(waits));
        let received = |node: &StatusLine| Some(wording::receives(&node.name, node.receiving?, node.receiving_left_us));
        sentences.extend(self.nodes.iter().filter_map(received));
        let on_disk = |node: &StatusLine| Some(format!("{}: {}", node.name, node.disk.as_ref()?));
        sentences.extend(self.nodes.iter().filter_map(on_disk));
        let kept = |node: &StatusLine| {
            let words = node.view_record.as_ref()?;
            Some(format!("{} keeps the view record in {words}.", node.name))
        };
        sentences.extend(self.nodes.iter().filter_map(kept));
        sentences.extend(self.nodes.iter().filter_map(|node| node.unchecked.as_ref()).map(|line| line.why.clone()));
        let suspicions = |node: &StatusLine| {
            let name = node.name.clone();
            node.suspicions.clone().into_iter().map(move |suspicion| format!("{name} {suspicion}."))
        };
        sentences.extend(self.nodes.iter().flat_map(suspicions));
        sentences.extend(self.links.iter().map(LinkLine::sentence));
        if let Some(evicted) = self.nodes.iter().filter_map(|node| node.evicted).max().filter(|evicted| *evicted > 0) {
            let sessions = self.nodes.iter().filter_map(|node| node.sessions).max().unwrap_or_default();
            sentences.push(format!(
                "The replicas remember the last request of {sessions} customers and have forgotten {evicted} others, whose open requests are answered \"expired\" and never executed again."
            ));
        }
        sentences
    }
}

impl LinkLine {
    fn of((way, rule): (LinkWay, LinkRule)) -> Self {
        let LinkRule { cut, hold, delay, jitter, loss, doubling } = rule;
        Self { from: way.from, to: way.to, cut, hold, delay_us: delay.0, jitter_us: jitter.0, loss, doubling }
    }

    fn sentence(&self) -> String {
        let mut does = Vec::new();
        if self.cut {
            does.push("is cut".to_owned());
        }
        if self.hold {
            does.push("holds messages".into());
        }
        if self.delay_us + self.jitter_us > 0 {
            does.push(format!(
                "delays messages by {} ms and up to {} ms more",
                self.delay_us / 1000,
                self.jitter_us / 1000
            ));
        }
        if self.loss > 0 {
            does.push(format!("loses {} of 1000 messages", self.loss));
        }
        if self.doubling > 0 {
            does.push(format!("duplicates {} of 1000 messages", self.doubling));
        }
        format!("The link {} → {} {}.", self.from, self.to, does.join(", "))
    }
}

/// How a node stands still, on the command line.
fn freezing(how: Freezing) -> &'static str {
    match how {
        Freezing::Cooperative => "cooperative",
        Freezing::Signal => "signal",
    }
}

impl StatusLine {
    /// As the cluster tells it.
    pub fn of(node: &NodeStatus) -> Self {
        let mut line = Self {
            name: node.name.clone(),
            role: role(node.actor),
            id: node.id.to_string(),
            pid: node.pid,
            machine: node.machine.clone(),
            cannot_reach: node.unreached.clone(),
            addr: node.contact.map(|contact| contact.address.to_string()),
            rss: node.usage.map(|usage| usage.memory),
            cpu_us: node.usage.map(|usage| usage.processor),
            connections: node.usage.map(|usage| usage.connections),
            refused_messages: node.usage.map(|usage| usage.refused_messages),
            frozen: node.frozen.map(|how| freezing(how).to_owned()),
            bomb: node.bomb.map(|Bomb { at, .. }| at.name().to_owned()),
            disk_fault: node.disk_fault.map(|fault| fault.name().to_owned()),
            timers_rung: node.usage.map(|usage| usage.timers_rung),
            in_links: node.usage.map(|usage| usage.in_links),
            ..Self::default()
        };
        let view = match &node.state {
            Some(NodeState::NameServer { record, keeping, .. }) => {
                line.view_record = wording::keeping(*keeping).map(|(words, _)| words.to_owned());
                Some(record)
            }
            Some(NodeState::FrontEnd { token, retired, view, waits_for, suspicions, .. }) => {
                line.suspicions = suspicions.iter().map(wording::suspicion).collect();
                (line.token, line.retired) = (token.map(|token| token.0), Some(*retired));
                line.waits_for = waits_for.as_ref().map(|why| wording::no_service(why, |id| id.to_string()));
                Some(view)
            }
            Some(NodeState::Replica(replica)) => {
                line.standing = Some(standing(replica.standing).into());
                line.ack_set = replica.ack_set.iter().map(ToString::to_string).collect();
                line.op = replica.position.map(|position| position.op.0);
                line.fingerprint = replica.position.map(|position| format!("{:016x}", position.fingerprint.0));
                line.commit = Some(replica.commit.0);
                line.orders = Some(replica.orders.0);
                (line.sessions, line.evicted) = (Some(replica.sessions), Some(replica.evicted));
                line.receiving = replica.loading;
                line.disk = replica.disk.as_ref().map(wording::disk_state);
                line.digest = Some(format!("{:016x}", replica.digest.0));
                line.unchecked = replica.unchecked.map(UncheckedLine::of);
                Some(&replica.view)
            }
            Some(NodeState::Customer { .. }) | None => None,
        };
        if let Some(view) = view {
            line.view = Some(view.number.0);
            line.primary = (view.number.0 > 0).then(|| view.primary.to_string());
            line.members = view.members.iter().map(ToString::to_string).collect();
        }
        line
    }
}

/// How much longer a state comes, in microseconds: of `now`, bytes and bytes in all, what came since `before` took `micros`.
fn left((before, _): (u64, u64), (now, all): (u64, u64), micros: u64) -> Option<u64> {
    let came = now.checked_sub(before).filter(|came| *came > 0)?;
    u64::try_from(u128::from(micros) * u128::from(all.saturating_sub(now)) / u128::from(came)).ok()
}

/// What a replica is, on the command line.
pub(in crate::headless) fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Joining => "joining",
        Standing::Backup => "backup",
        Standing::Primary => "primary",
    }
}

/// The role's name on the command line.
pub(in crate::headless) fn role(actor: Actor) -> String {
    match actor {
        Actor::Role(Role::NameServer) => "name-server".into(),
        Actor::Role(Role::FrontEnd) => "front-end".into(),
        Actor::Role(Role::Replica) => "replica".into(),
        Actor::Role(Role::Customer) => "customer".into(),
        Actor::Service(service) => service.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(receiving: Option<(u64, u64)>) -> StatusReport {
        let node = StatusLine { name: "replica-4".into(), id: "node-7".into(), receiving, ..StatusLine::default() };
        StatusReport { nodes: vec![node], rate: 1.0, ..StatusReport::default() }
    }

    #[test]
    fn two_looks_tell_how_much_longer_a_state_comes() {
        let words = |before, now, micros| report(now).since(&report(before), micros).sentences();
        let earlier = Some((10_000_000, 100_000_000));
        assert_eq!(
            words(earlier, Some((20_000_000, 100_000_000)), 250_000),
            ["replica-4 is receiving the state of the primary: 20.0 of 100.0 MB, about 2.0 s left."]
        );
        let unknown = "replica-4 is receiving the state of the primary: 10.0 of 100.0 MB.";
        for (before, micros) in [(None, 250_000), (earlier, 250_000), (Some((90_000_000, 100_000_000)), 250_000)] {
            assert_eq!(words(before, earlier, micros), [unknown], "nothing came, or it began again");
        }
        assert_eq!(words(earlier, None, 250_000), Vec::<String>::new());
    }
}
