//! An order on its way: each step when it can be seen; when all goes fast, only what decides.

use protocol::ids::{MessageId, NodeId, OpNumber, RequestId, Role};
use protocol::message::{Ask, Summary};

use super::Narrator;
use super::known::{Known, Request};
use super::news::{Due, News, Sent};
use super::sentence::{Sentence, Weight, seconds};

/// Messages of one sender that leave within this time, in microseconds of real time, leave together.
const TOGETHER: u64 = 3_000;
/// A primary that has waited so long for a confirmation, in microseconds of cluster time, is spoken of.
const LONG: u64 = 300_000;

/// Messages that leave together.
#[derive(Debug)]
pub(super) struct Gathering {
    at: u64,
    from: NodeId,
    first: Sent,
    to: Vec<NodeId>,
}

impl Narrator {
    pub(super) fn asked(&mut self, at: u64, request: RequestId, ask: &Ask) {
        let name = self.known.customer(request);
        let what = match ask {
            Ask::Withdraw => format!("{name} wants to cancel the order."),
            Ask::Order { .. } | Ask::History { .. } => format!("{name} {}.", crate::ask(ask)),
        };
        let asked = Request::new(ask.clone(), at);
        self.known.requests.insert(request, asked);
        self.known.trim();
        let means = matches!(ask, Ask::Withdraw).then(|| crate::GIVE_UP_MEANS.to_owned());
        self.say(Sentence::answer(at, what).means(means));
    }

    /// A message entered its link.
    pub(super) fn sent(&mut self, at: u64, sent: Sent) {
        let from = sent.message.from;
        self.known.remember(sent.clone());
        if let Some(gathering) = &mut self.gathering
            && gathering.from == from
            && gathering.first.said == sent.said
            && matches!(sent.step, 4 | 5)
        {
            if !gathering.to.contains(&sent.to) {
                gathering.to.push(sent.to);
            }
            return;
        }
        match sent.step {
            4 | 5 => {
                // Links that change meanwhile still change together.
                self.finish_gathering();
                if let Summary::Update(_, last) = sent.said {
                    self.known.reaches(from, last);
                }
                let to = vec![sent.to];
                self.gathering = Some(Gathering { at, from, first: sent, to });
                self.wait(at + self.known.in_cluster_time(TOGETHER), News::Due(Due::Group));
            }
            6 => self.confirms(from, &sent),
            9 => self.customer_sends(at, &sent),
            10 => self.passes_on(at, &sent),
            11 if self.is_seen(&sent) => {
                let (who, whom) = (self.known.role(from), self.known.called(sent.to));
                let postcode = self.postcode(sent.request);
                let what = format!("{who} asks {whom} whether {postcode} exists.");
                let means =
                    "Only the primary asks: the backups get its answer with the order, so that all copies agree.";
                self.say(Sentence::step(at, 11, what).means(means.to_owned()));
            }
            13 => self.replies(at, &sent),
            14 if self.is_seen(&sent) => {
                let (who, whom) = (self.known.called(from), self.known.called(sent.to));
                let what = format!("{who} passes the answer on to {whom}.");
                let means = self.will_not_arrive(from, sent.to);
                self.say(Sentence::step(at, 14, what).means(means));
            }
            1..=3 | 7 | 8 => self.named_or_recorded(at, &sent),
            _ => {}
        }
    }

    /// Whether a person can follow a message, or it stays where it is.
    pub(super) fn is_seen(&self, sent: &Sent) -> bool {
        sent.slow || sent.held || self.known.hop > 0 || self.known.rate.is_slow()
    }

    pub(super) fn postcode(&self, request: Option<RequestId>) -> String {
        match request.and_then(|request| self.known.requests.get(&request)).map(|request| &request.ask) {
            Some(Ask::Order { postcode, .. } | Ask::History { postcode, .. }) => postcode.to_string(),
            Some(Ask::Withdraw) | None => "the postcode".into(),
        }
    }

    /// "Ada's order", "Ada's question".
    pub(super) fn thing(&self, request: RequestId) -> String {
        let name = self.known.customer(request);
        match self.known.requests.get(&request).map(|request| &request.ask) {
            Some(Ask::History { .. }) => format!("{name}'s question"),
            Some(Ask::Withdraw) => format!("{name}'s cancellation"),
            Some(Ask::Order { .. }) | None => format!("{name}'s order"),
        }
    }

    fn customer_sends(&mut self, at: u64, sent: &Sent) {
        let Some(request) = sent.request else { return };
        let (name, front_end) = (self.known.customer(request), self.known.called(sent.to));
        let thing = self.thing(request);
        let Some(known) = self.known.requests.get_mut(&request) else { return self.asks_anew(at, request) };
        known.sent += 1;
        let (is_again, waited) = (known.sent > 1, at.saturating_sub(known.asked));
        if is_again && known.sent == 2 {
            let (waited, number) = (seconds(waited), request.number);
            let what = format!("{name}'s program has heard nothing for {waited}, so it repeats request {number}.");
            let means = match self.known.plant {
                None => "By that number the replicas recognise a request that they have already executed.",
                Some(_) => "By that number the replicas should recognise a request that they have already executed.",
            };
            self.say(Sentence::step(at, 9, what).means(means.to_owned()).of_weight(Weight::Answer));
        } else if !is_again && self.is_seen(sent) {
            let means = self.will_not_arrive(sent.message.from, sent.to);
            let what = match thing.strip_prefix(&format!("{name}'s ")) {
                Some(what) => format!("{name} sends the {what} to {front_end}."),
                None => format!("{name} sends a request to {front_end}."),
            };
            self.say(Sentence::step(at, 9, what).means(means));
        }
    }

    /// A customer sends what it has sent before, under another number.
    fn asks_anew(&mut self, at: u64, request: RequestId) {
        let earlier = |(id, _): &(&RequestId, &Request)| id.customer == request.customer;
        let Some((_, before)) = self.known.requests.iter().rfind(earlier) else { return };
        let (ask, asked) = (before.ask.clone(), before.asked);
        let anew = Request { sent: 1, ..Request::new(ask, asked) };
        self.known.requests.insert(request, anew);
        let (name, waited) = (self.known.customer(request), seconds(at.saturating_sub(asked)));
        let what = format!("{name} has heard nothing for {waited} and asks again, under another number.");
        let means = "So the replicas cannot recognise that it is the same order.".to_owned();
        self.say(Sentence::step(at, 9, what).means(means).of_weight(Weight::Event));
    }

    fn passes_on(&mut self, at: u64, sent: &Sent) {
        let Some(request) = sent.request else { return };
        let (who, whom) = (self.known.called(sent.message.from), self.known.called(sent.to));
        let thing = self.thing(request);
        let blocked = self.will_not_arrive(sent.message.from, sent.to);
        let seen = self.is_seen(sent);
        let Some(known) = self.known.requests.get_mut(&request) else { return };
        let is_order = known.is_order();
        let times = known.passed_to.iter().filter(|to| **to == sent.to).count();
        let is_first = known.passed_to.is_empty();
        known.passed_to.push(sent.to);
        if is_first {
            if seen || blocked.is_some() {
                let what = format!("{who} passes {thing} on to the primary, {whom}.");
                self.say(Sentence::step(at, 10, what).means(blocked));
            }
        } else if times == 0 {
            let what = format!("{who} passes {thing} on to {whom}, the new primary.");
            let once =
                is_order.then(|| "It carries the same number as before, so that it is not placed twice.".to_owned());
            let means = blocked.or(once);
            self.say(Sentence::step(at, 10, what).means(means).of_weight(Weight::Answer));
        } else if times == 1 {
            let what = format!("{who} has no answer and passes {thing} on to {whom} again.");
            self.say(Sentence::step(at, 10, what).means(blocked));
        }
    }

    /// A message arrived.
    pub(super) fn arrived(&mut self, node: NodeId, at: u64, message: MessageId) {
        self.known.hears(node, message.from, at);
    }

    /// A primary has executed a request.
    pub(super) fn executes(&mut self, node: NodeId, request: RequestId, op: OpNumber) {
        self.known.reaches(node, op);
        self.known.ops.entry(op).or_default().push((node, request));
        if let Some(known) = self.known.requests.get_mut(&request) {
            known.executed.push((node, op));
        }
    }

    /// Messages that left together, as one sentence.
    pub(super) fn gathered(&mut self, gathering: Gathering) {
        let Gathering { at, from, first: sent, mut to } = gathering;
        to.sort_unstable_by_key(|id| self.known.name(*id));
        let sentence = match sent.said {
            Summary::Update(first, last) => self.update(at, from, &sent, &to, (first, last.max(first))),
            Summary::Snapshot(..) => self.snapshot(at, from, &to),
            Summary::Heartbeat => self.barrier(at, from, &sent, &to),
            Summary::ViewIs(number) => self.announces(at, from, &sent, &to, number.0),
            _ => None,
        };
        self.told.extend(sentence);
    }

    /// "both backups", "its only backup, replica-2".
    fn whom(&self, primary: NodeId, to: &[NodeId]) -> String {
        let backups: Vec<NodeId> = self.known.backups.iter().copied().filter(|id| *id != primary).collect();
        match (backups.len(), backups.iter().all(|id| to.contains(id)) && to.len() == backups.len()) {
            (1, true) => format!("its only backup, {}", self.known.names(to.iter().copied())),
            (2, true) => "both backups".into(),
            (number, true) if number > 2 => format!("all {number} backups"),
            _ => self.known.names(to.iter().copied()),
        }
    }

    fn update(
        &mut self,
        at: u64,
        from: NodeId,
        sent: &Sent,
        to: &[NodeId],
        (first, last): (OpNumber, OpNumber),
    ) -> Option<Sentence> {
        let requests = self.known.became_of(from, first, last);
        let is_new = self.known.is_new(format!("update {from} {first} {last}"));
        let is_again = !is_new && self.is_seen(sent) && self.known.is_new(format!("again {from} {first} {last}"));
        if !is_new && !is_again {
            return None;
        }
        let (who, orders, whom) = (self.known.role(from), self.known.orders(&requests), self.whom(from, to));
        if is_again {
            let what = format!("{who} sends {orders} again, to {}.", self.known.names(to.iter().copied()));
            return Some(Sentence::step(at, 5, what).means("It repeats an update until it is confirmed.".to_owned()));
        }
        self.wait(at + LONG.max(self.known.hop * 4), News::Due(Due::Confirmed(last)));
        let blocked = to.iter().find_map(|to| self.will_not_arrive(from, *to));
        let untold = self.known.untold(&requests);
        let over = self.its_view_is_over(from);
        let what = format!("{who} sends {orders} to {whom}.");
        Some(Sentence::step(at, 5, what).means(blocked.or(over).or(untold)))
    }

    /// Of a primary that another one follows already.
    fn its_view_is_over(&self, primary: NodeId) -> Option<String> {
        let newest = &self.known.newest;
        let (view, _) = self.known.led.iter().rfind(|(_, by)| **by == primary).filter(|_| newest.primary != primary)?;
        Some(format!("But view {view} is over: {} leads view {}.", self.known.called(newest.primary), newest.number))
    }

    fn barrier(&mut self, at: u64, from: NodeId, sent: &Sent, to: &[NodeId]) -> Option<Sentence> {
        let reads = |known: &Request| known.is_read() && !known.told && known.passed_to.contains(&from);
        let reader = self.known.requests.iter().find(|(_, known)| reads(known) && known.answered_by.is_empty());
        let request = *reader?.0;
        if !self.known.is_new(format!("barrier {request} {from}")) {
            return None;
        }
        self.wait(at + LONG.max(self.known.hop * 4), News::Due(Due::Read(request, from)));
        if !self.is_seen(sent) {
            return None;
        }
        let name = self.known.customer(request);
        let what = format!(
            "before {} answers {name}, it asks {} whether it still leads.",
            self.known.role(from),
            self.known.names(to.iter().copied())
        );
        let means = self.will_not_arrive(from, to[0]);
        let means =
            means.unwrap_or_else(|| "Otherwise it might show an old history, if another one leads by now.".into());
        Some(Sentence::step(at, 5, what).means(means))
    }

    /// Whether a primary still does not know that it may answer a read.
    pub(super) fn read_still_waits(&mut self, at: u64, request: RequestId, primary: NodeId) {
        let waits = self.known.requests.get(&request).is_some_and(|known| !known.told && known.answered_by.is_empty());
        if !waits || !self.known.believes_it_leads(primary) {
            return;
        }
        let hindered = |id: &NodeId| Some((*id, self.known.hinders(primary, *id)?));
        let hindered: Vec<(NodeId, String)> = self.known.asked_by(primary).iter().filter_map(hindered).collect();
        let Some((_, why)) = hindered.first() else { return };
        let names = self.known.names(hindered.iter().map(|(id, _)| *id));
        let (who, name) = (self.known.called(primary), self.known.customer(request));
        let what = format!("{who} cannot answer {name}: it does not know from {names} whether it still leads.");
        self.say(Sentence::event(at, what).means(format!("{why}, and there may be a newer view.")));
    }

    fn confirms(&mut self, from: NodeId, sent: &Sent) {
        if let Some(op) = sent.holds {
            let confirmed = self.known.confirmed.entry(from).or_default();
            *confirmed = op.max(*confirmed);
            self.known.reaches(from, op);
        }
    }

    /// A primary says that all members hold everything up to here.
    pub(super) fn committed(&mut self, node: NodeId, at: u64, op: OpNumber) {
        let first = self.known.committed.next();
        if op < first {
            return;
        }
        self.finish_groups();
        self.known.committed = op;
        self.known.reaches(node, op);
        let requests = self.known.became_of(node, first, op);
        if self.known.backups.iter().all(|id| *id == node) {
            return;
        }
        let (who, orders) = (self.known.role(node), self.known.orders(&requests));
        let lacking = self.known.lacking(node, op);
        if let Some((backup, why)) = lacking.first() {
            let names = self.known.names(lacking.iter().map(|(id, _)| *id));
            let what = format!("{who} goes on with {orders} without {names}.");
            let counts = self.known.newest.members.contains(backup);
            let means = counts.then(|| {
                format!("{names} has not confirmed it ({why}), but the view still counts {names} as a full copy.")
            });
            self.say(Sentence::step(at, 6, what).means(means).of_weight(Weight::Event));
            return;
        }
        let whom = match self.known.backups.iter().filter(|id| **id != node).count() {
            1 => format!(
                "{} has confirmed {orders}",
                self.known.names(self.known.backups.iter().copied().filter(|id| *id != node))
            ),
            2 => format!("both backups have confirmed {orders}"),
            number => format!("all {number} backups have confirmed {orders}"),
        };
        let copies = self.known.backups.iter().filter(|id| **id != node).count() + 1;
        let means = format!("{copies} of {copies} replicas hold it: now it is committed, and {who} may answer.");
        self.say(Sentence::step(at, 6, whom + ".").means(means));
    }

    /// Whether somebody still does not confirm.
    pub(super) fn still_waits(&mut self, at: u64, op: OpNumber) {
        let Some(primary) = self.known.primary().filter(|_| self.known.committed < op) else { return };
        let lacking = self.known.behind(primary, op, Known::delays);
        let Some((_, why)) = lacking.first() else { return };
        let requests = self.known.became_of(primary, op, op);
        let names = self.known.names(lacking.iter().map(|(id, _)| *id));
        let what = format!(
            "{} still waits for {names} to confirm {}.",
            self.known.role(primary),
            self.known.orders(&requests)
        );
        let told = requests.first().map(|request| format!(", so {} is not told yet", self.known.customer(*request)));
        let means = format!("{why}{}.", told.unwrap_or_default());
        self.say(Sentence::event(at, what).means(means));
    }

    /// Front-ends that run, to say who has noticed what.
    pub(super) fn front_ends(&self) -> Vec<NodeId> {
        self.known.of_role(Role::FrontEnd).collect()
    }
}
