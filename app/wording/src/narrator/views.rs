//! Views: their members and primaries, suspicions, and replicas that join.

use std::collections::BTreeSet;

use protocol::ids::{NodeId, OpNumber, RequestId, Role, View};
use protocol::message::Summary;
use protocol::trace::{NoService, NodeState, Note, ReplicaState, Sign, Standing};

use super::Narrator;
use super::known::Request;
use super::links::named;
use super::news::{Due, News, Sent};
use super::sentence::{Sentence, Weight, seconds};
use crate::of_facts::{STORE_ANSWERS, STORE_SILENT, STORE_SILENT_MEANS};

/// A front-end that serves nobody for so long, in microseconds of cluster time, is spoken of.
const LONG: u64 = 600_000;
/// What a node says of itself may come so much later.
const LATE: u64 = 150_000;

impl Narrator {
    /// Registration and look-ups [1] to [3], [7] and [8].
    pub(super) fn named_or_recorded(&mut self, at: u64, sent: &Sent) {
        let (from, to) = (sent.message.from, sent.to);
        let (who, whom) = (self.known.called(from), self.known.called(to));
        match &sent.said {
            Summary::ClaimFrontEnd
                if self.front_ends().iter().any(|id| *id != from) && self.known.is_new(format!("claims {from}")) =>
            {
                let what = format!("{who} asks {whom} to be the newest front-end.");
                self.known.newest_front_end = Some(from);
                let means = "From now on only the newest may change the view.".to_owned();
                self.say(Sentence::step(at, 2, what).means(means).of_weight(Weight::Event));
            }
            Summary::RecordView(number) => {
                let (number, primary, members) = (number.0, sent.primary, sent.members.clone());
                if self.known.is_new(format!("record {number} {from}")) && number > 1 {
                    let leads = primary.map_or("nobody".into(), |id| self.known.called(id));
                    let others: Vec<NodeId> = members.iter().copied().filter(|id| Some(*id) != primary).collect();
                    let with = if others.is_empty() {
                        " alone".into()
                    } else {
                        format!(", with {}", self.known.names(others))
                    };
                    let what = format!("{who} asks {whom} to record view {number}: {leads} leads{with}.");
                    let means = self.will_not_arrive(from, to).or_else(|| self.why_left_out(&members));
                    self.say(Sentence::step(at, 2, what).means(means));
                }
            }
            Summary::Record(number) => {
                let number = number.0;
                self.known.recorded.insert(number);
                if number > 1 && self.is_seen(sent) && self.known.is_new(format!("recorded {number}")) {
                    let what = format!("{who} has recorded view {number} and says so.");
                    let means =
                        "A view counts only once it is recorded: then no other view can have this number.".to_owned();
                    self.say(Sentence::step(at, 3, what).means(means));
                }
            }
            Summary::Register(name) if self.known.is_new(format!("registers {from}")) => {
                // Its launcher may say later that it has started.
                let who = named(name);
                self.say(Sentence::step(at, 1, format!("{who} registers with {whom}.")));
            }
            _ if sent.step == 7 && self.is_seen(sent) => {
                let has_sent = |(_, known): &(&RequestId, &Request)| known.sent > 0 && !known.told;
                let of =
                    |(request, _): &(&RequestId, &Request)| self.known.customer(**request) == self.known.name(from);
                let again = self.known.requests.iter().filter(has_sent).any(|request| of(&request));
                let means = again.then(|| "It has no answer from the one that it knew.".to_owned());
                self.say(Sentence::step(at, 7, format!("{who} asks {whom} where the front-end is.")).means(means));
            }
            _ if sent.step == 8 && self.is_seen(sent) => {
                self.say(Sentence::step(at, 8, format!("{who} tells {whom} where the front-end is.")));
            }
            _ => {}
        }
    }

    /// [4]
    pub(super) fn announces(
        &mut self,
        at: u64,
        from: NodeId,
        sent: &Sent,
        to: &[NodeId],
        number: u64,
    ) -> Option<Sentence> {
        let to: Vec<NodeId> = to
            .iter()
            .copied()
            .filter(|to| self.known.runs(*to) && self.known.is_new(format!("view {number} {to}")))
            .collect();
        if to.is_empty() || !self.is_seen(sent) {
            return None;
        }
        let what =
            format!("{} announces view {number} to {}.", self.known.called(from), self.known.names(to.iter().copied()));
        let means = to.iter().find_map(|to| self.will_not_arrive(from, *to));
        Some(Sentence::step(at, 4, what).means(means))
    }

    /// All name servers use one store, so what one says is told once.
    pub(super) fn store(&mut self, at: u64, note: &Note) {
        let silent = matches!(note, Note::StoreSilent);
        if std::mem::replace(&mut self.known.store_silent, silent) == silent {
            return;
        }
        self.say(match silent {
            true => Sentence::event(at, STORE_SILENT.to_owned()).means(STORE_SILENT_MEANS.to_owned()),
            false => Sentence::event(at, STORE_ANSWERS.to_owned()),
        });
    }

    /// A replica changed its role.
    pub(super) fn became(&mut self, node: NodeId, at: u64, standing: Standing, view: &View) {
        let before = self.known.stands.insert(node, (standing, view.clone()));
        if view.number.0 == 0 {
            return;
        }
        self.finish_groups();
        match standing {
            Standing::Primary => self.leads(node, at, view),
            Standing::Backup => self.takes_note(view),
            Standing::Joining => {
                let was_member = before.is_some_and(|(standing, _)| standing != Standing::Joining);
                if was_member {
                    let what = format!(
                        "{} learns of view {}, which is without it, and joins again.",
                        self.known.called(node),
                        view.number
                    );
                    let means = match self.known.plant {
                        None => "It gives up what only it holds: no customer was told about that.",
                        Some(_) => "It gives up what only it holds.",
                    };
                    let means = means.to_owned();
                    self.say(Sentence::event(at, what).means(means));
                }
            }
        }
    }

    /// A backup may hear of a view before its primary does.
    fn takes_note(&mut self, view: &View) {
        if view.number > self.known.newest.number && self.known.newest.number.0 == 0 {
            self.known.newest = view.clone();
        }
    }

    fn leads(&mut self, node: NodeId, at: u64, view: &View) {
        if view.number <= self.known.newest.number && self.known.newest.number.0 > 0 {
            return self.leads_again(node, at, view);
        }
        let left_out = self.why_left_out(&view.members);
        let before = std::mem::replace(&mut self.known.newest, view.clone());
        self.known.backups = view.members.iter().copied().filter(|id| *id != node).collect();
        if before.primary != node {
            // What it holds is settled; what only others held is not its history's.
            self.known.committed = self.known.last_op.get(&node).copied().unwrap_or_default();
        }
        self.known.led.insert(view.number.0, node);
        let others = self.known.names(self.known.backups.iter().copied());
        let (name, number) = (self.known.called(node), view.number);
        let sentence = if view.begins_at.is_some() {
            let what = format!("{name} begins a new history, as the primary of view {number}.");
            Sentence::event(at, what).means("Orders that only the crashed members held are lost.".to_owned())
        } else if before.number.0 == 0 {
            let alone = self.known.backups.is_empty();
            let means = if alone {
                "It is alone so far: there is no other copy yet.".into()
            } else {
                format!("Its backups: {others}.")
            };
            Sentence::event(at, format!("{name} is the primary of view {number}.")).means(means)
        } else if before.primary == node {
            let new: BTreeSet<NodeId> =
                view.members.iter().copied().filter(|id| !before.members.contains(id)).collect();
            let what = match (new.len(), left_out.is_some()) {
                (0, _) => format!("View {number} begins, still led by {name}{}.", with(&others)),
                (1, _) => {
                    format!("View {number} begins, still led by {name}: {} is a member now.", self.known.names(new))
                }
                _ => format!("View {number} begins, still led by {name}: {} are members now.", self.known.names(new)),
            };
            let safe = match self.known.acknowledge.is_safe() {
                true => format!("If {name} crashes, any backup can take over without losing an order."),
                false => format!("If {name} crashes, a backup takes over with the orders that reached it."),
            };
            Sentence::event(at, what).means(left_out.unwrap_or(safe))
        } else {
            self.takes_over(at, node, &before)
        };
        self.say(sentence);
    }

    fn takes_over(&mut self, at: u64, node: NodeId, before: &View) -> Sentence {
        let former = before.primary;
        let since = self.known.ended.get(&former).or_else(|| self.known.frozen.get(&former));
        let after = since.map(|since| at.saturating_sub(*since));
        let name = self.known.called(node);
        self.pace.takeover = Some((name.clone(), after));
        let what = match after {
            Some(after) => format!(
                "{name} takes over as the primary of view {}, after {}.",
                self.known.newest.number,
                seconds(after)
            ),
            None => format!("{name} takes over as the primary of view {}.", self.known.newest.number),
        };
        let follows = before.number.next() == self.known.newest.number;
        if follows && !before.members.contains(&node) {
            let means = format!("It was not a member of view {}, so orders may be missing there.", before.number);
            return Sentence::event(at, what).means(means);
        }
        let holds = match self.known.plant {
            _ if !self.known.recorded.contains(&self.known.newest.number.0) => {
                "But the name server has not recorded this view: another one may get the same number."
            }
            _ if !self.known.acknowledge.is_safe() => {
                "It was a member, but a customer may have been told of an order that had not reached it yet."
            }
            None => "It was a member, so it holds every order that a customer was told about.",
            Some(_) => "It was a member, so it should hold every order that a customer was told about.",
        };
        Sentence::event(at, what).means(holds.to_owned())
    }

    /// A primary enters a view that is not new.
    fn leads_again(&mut self, node: NodeId, at: u64, view: &View) {
        let is_same = view.number == self.known.newest.number && self.known.newest.primary == node;
        let name = self.known.called(node);
        if is_same {
            let forgets = self.known.backups.iter().any(|id| !view.members.contains(id));
            self.known.backups = view.members.iter().copied().filter(|id| *id != node).collect();
            if forgets && self.known.is_new(format!("enters {node} {}", view.number)) {
                let what =
                    format!("{name} enters view {} a second time, and forgets who else must confirm.", view.number);
                self.say(Sentence::event(at, what));
            }
        } else if view.number == self.known.newest.number {
            let what = format!(
                "{name} is the primary of view {}, and so is {}.",
                view.number,
                self.known.called(self.known.newest.primary)
            );
            self.known.newest = view.clone();
            self.known.backups = view.members.iter().copied().filter(|id| *id != node).collect();
            self.say(
                Sentence::event(at, what)
                    .means("Two views have the same number, so neither can refuse the other.".to_owned()),
            );
        } else if self.known.is_new(format!("late {node} {}", view.number)) {
            let what =
                format!("{name} now leads view {}, although view {} has begun.", view.number, self.known.newest.number);
            self.say(Sentence::event(at, what));
        }
    }

    /// Why a view with these members leaves somebody out.
    fn why_left_out(&self, members: &[NodeId]) -> Option<String> {
        let gone: Vec<NodeId> = self.known.newest.members.iter().copied().filter(|id| !members.contains(id)).collect();
        let first = *gone.first()?;
        let names = self.known.names(gone.iter().copied());
        let is = if gone.len() == 1 { "is" } else { "are" };
        let sign = self.known.suspected.get(&first).map(|(by, sign)| (self.known.called(*by), sign));
        Some(match sign {
            Some((by, Sign::Silent { silence, .. })) => {
                format!("{names} {is} left out: {by} has heard nothing from it for {}.", seconds(silence.0))
            }
            Some((_, Sign::Gone)) => format!("{names} {is} left out: its process has ended."),
            Some((_, Sign::Heard { .. })) | None => {
                let silent = self.known.ended.contains_key(&first) || self.known.frozen.contains_key(&first);
                let why = if silent { "it does not answer" } else { "it does not confirm" };
                format!("{names} {is} left out: {why}.")
            }
        })
    }

    pub(super) fn suspects(&mut self, node: NodeId, at: u64, whom: NodeId, suspected: bool, why: Option<Sign>) {
        let (who, name) = (self.known.called(node), self.known.called(whom));
        if !suspected {
            self.known.suspected.remove(&whom);
            return self.say(
                Sentence::event(at, format!("{who} hears {name} again.")).means(
                    (!self.known.newest.members.contains(&whom) && self.known.is_replica(whom))
                        .then(|| format!("{name} is no longer a member; it must join again.")),
                ),
            );
        }
        if let Some(why) = why {
            self.known.suspected.insert(whom, (node, why));
        }
        let what = match why {
            Some(Sign::Gone) => format!("{who} notices that {name} is gone: nothing answers at its port."),
            Some(Sign::Silent { silence, .. }) => {
                format!("{who} suspects {name}: it has heard nothing for {}.", seconds(silence.0))
            }
            Some(Sign::Heard { .. }) | None => format!("{who} suspects {name}."),
        };
        let runs = self.known.runs(whom);
        let means = match why {
            Some(Sign::Silent { .. }) if self.known.alone => {
                Some(format!("It may have crashed, or be frozen or cut off: {who} cannot tell."))
            }
            Some(Sign::Silent { .. }) if runs => {
                Some(format!("{name} has not crashed, but {who} cannot tell silence from a crash."))
            }
            _ if self.known.newest.primary == whom => Some("Another member must lead, in a new view.".to_owned()),
            _ => None,
        };
        self.say(Sentence::event(at, what).means(means));
    }

    /// What a node says of itself.
    pub(super) fn believes(&mut self, node: NodeId, at: u64, state: &NodeState) {
        match state {
            NodeState::Replica(replica) => {
                if let (true, Some(position)) = (replica.standing == Standing::Backup, replica.position) {
                    let confirmed = self.known.confirmed.entry(node).or_default();
                    *confirmed = position.op.max(*confirmed);
                }
                self.takes_up(node, replica);
                self.silent(node, at, &replica.silent);
                self.forgets(node, at, replica.evicted);
                self.receives(node, at, replica.loading);
                self.known.states.insert(node, (**replica).clone());
                self.compare_copies(at);
            }
            NodeState::FrontEnd { retired, waits_for, .. } => {
                if *retired && self.known.is_new(format!("retired {node}")) {
                    let what = format!(
                        "{} learns that a newer front-end exists, and serves nobody any more.",
                        self.known.called(node)
                    );
                    self.say(Sentence::event(at, what));
                }
                self.waits_for(node, at, waits_for.as_ref());
            }
            NodeState::Customer { waiting: Some(request), why: Some((why, _)), .. } => {
                self.customer_waits(at, *request, *why);
            }
            NodeState::Customer { .. } | NodeState::NameServer { .. } => {}
        }
    }

    /// A recording may begin in the middle of a run: who leads is known from what a replica says of itself.
    fn takes_up(&mut self, node: NodeId, replica: &ReplicaState) {
        self.known.stands.entry(node).or_insert_with(|| (replica.standing, replica.view.clone()));
        if replica.acting && self.known.newest.number.0 == 0 {
            self.known.newest = replica.view.clone();
            self.known.backups = replica.ack_set.iter().copied().filter(|id| *id != node).collect();
            self.known.committed = replica.commit;
            self.known.last_op.entry(node).or_insert(replica.position.map_or(OpNumber(0), |position| position.op));
        }
    }

    fn forgets(&mut self, node: NodeId, at: u64, evicted: u64) {
        if evicted > 0 && self.known.primary() == Some(node) && self.known.is_new("forgets".into()) {
            let what =
                format!("the table of requests is full: {} forgets those that are oldest.", self.known.role(node));
            let means = "It no longer recognises a repetition of them.".to_owned();
            self.say(Sentence::event(at, what).means(means));
        }
    }

    fn silent(&mut self, node: NodeId, at: u64, silent: &[NodeId]) {
        let view = self.known.newest.number;
        let mut is_fresh = |id: &&NodeId| self.known.is_new(format!("silent {node} {id} {view}"));
        let fresh: Vec<NodeId> = silent.iter().filter(&mut is_fresh).copied().collect();
        if !fresh.is_empty() {
            let names = self.known.names(fresh);
            let what = format!("{} does not hear {names} and tells the front-end.", self.known.role(node));
            let means = format!("Every answer waits for {names} until a new view leaves it out.");
            self.say(Sentence::event(at, what).means(means));
        }
    }

    fn waits_for(&mut self, node: NodeId, at: u64, why: Option<&NoService>) {
        match why {
            Some(why) if self.known.newest.number.0 > 0 && *why != NoService::Retired => {
                self.known.waits.entry(node).or_insert_with(|| (at, why.clone())).1 = why.clone();
                self.wait(at + LONG + LATE, News::Due(Due::Serves(node)));
            }
            Some(_) | None => drop(self.known.waits.remove(&node)),
        }
    }

    /// Whether a front-end still serves nobody.
    pub(super) fn still_serves_nobody(&mut self, at: u64, node: NodeId) {
        let Some((since, why)) = self.known.waits.get(&node).cloned() else { return };
        let waited = at.saturating_sub(since);
        let told = format!("serves {node} {since} {:?}", std::mem::discriminant(&why));
        if waited < LONG || !self.known.runs(node) || self.known.frozen.contains_key(&node) || !self.known.is_new(told)
        {
            return;
        }
        let what = format!("{} has served nobody for {}.", self.known.called(node), seconds(waited));
        let why = crate::no_service(&why, |id| self.known.called(id));
        let first = why.split_inclusive(". ").next().unwrap_or(&why).trim().to_owned();
        self.say(Sentence::event(at, what).means(first));
    }

    /// Which front-end has not noticed yet that a node is silent, and since when it last heard it.
    pub(super) fn unaware(&self, node: NodeId, at: u64) -> Option<String> {
        // Heartbeats are counted, and told of so often: the last one may have come as much later.
        let counted = self.known.in_cluster_time(100_000);
        let front_ends: Vec<NodeId> = self.known.of_role(Role::FrontEnd).filter(|id| *id != node).collect();
        let Some(listener) = front_ends.iter().copied().find(|id| !self.known.frozen.contains_key(id)) else {
            let frozen = front_ends.first()?;
            return Some(format!("Nobody notices, because {} is frozen.", self.known.called(*frozen)));
        };
        let last = self.known.last_heard(listener, node)?;
        let ago = (at.saturating_sub(last) + counted).div_ceil(100_000) * 100_000;
        let who = self.known.called(listener);
        Some(format!(
            "{who} does not know yet: it last heard from {} at most {} ago.",
            self.known.called(node),
            tenths(ago)
        ))
    }
}

fn tenths(micros: u64) -> String {
    format!("{:.1} s", micros as f64 / 1e6)
}

fn with(others: &str) -> String {
    if others == "nobody" { ", alone".into() } else { format!(", with {others}") }
}
