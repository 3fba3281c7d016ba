//! Answers: what a primary tells, what a postcode service tells, what a customer is told at the end.

use protocol::ids::{MessageId, NodeId, OrderNumber, RequestId};
use protocol::message::{Answer, Ask, Summary, WaitReason};
use protocol::order_book::Outcome;
use protocol::plant::Plant;
use protocol::postcode::Verdict;

use super::Narrator;
use super::news::Sent;
use super::sentence::{Sentence, Weight, seconds};

impl Narrator {
    /// A primary answers.
    pub(super) fn replies(&mut self, at: u64, sent: &Sent) {
        let from = sent.message.from;
        let Some(request) = sent.request else { return };
        let Summary::Placed(number) = &sent.said else { return self.shows_history(at, from, request) };
        let (who, name, number) = (self.known.role(from), self.known.customer(request), *number);
        let Some(known) = self.known.requests.get_mut(&request) else { return };
        let before = known.number.replace(number);
        let by_another = !known.executed.is_empty() && known.executed.iter().all(|(by, _)| *by != from);
        let op = known.op();
        let is_again = known.answered_by.contains(&from);
        known.answered_by.push(from);
        if let Some(before) = before.filter(|before| *before != number) {
            return self.say(placed_twice(at, &who, &name, before, number));
        }
        let blocked = self.will_not_arrive(from, sent.to);
        if is_again || by_another {
            let what = match is_again {
                true => format!("{who} already holds order {number}, so it repeats its answer and executes nothing."),
                false => format!(
                    "{} already holds order {number}, so it answers {name} without executing it again.",
                    self.known.called(from)
                ),
            };
            let means = "The number of the request was in the update, so every copy recognises it.".to_owned();
            if !is_again || self.known.is_new(format!("held {request} {from}")) {
                self.say(Sentence::step(at, 13, what).means(means).of_weight(Weight::Answer));
            }
            return;
        }
        let lacking = op.map(|op| self.known.lacking(from, op)).unwrap_or_default();
        if !lacking.is_empty() {
            let names = self.known.names(lacking.iter().map(|(id, _)| *id));
            let what = format!("{who} answers {name} before {names} has confirmed: order {number} is placed.");
            let others = self.known.backups.iter().filter(|id| **id != from).count();
            let when = match lacking.len() < others {
                true => format!("If {names} leads next"),
                false => format!("If {} crashes now", self.known.called(from)),
            };
            let means = format!("{when}, the order is gone although {name} is told “placed”.");
            self.say(Sentence::step(at, 13, what).means(means).of_weight(Weight::Event));
        } else if self.is_seen(sent) || blocked.is_some() {
            let what = format!("{who} answers: order {number} is placed.");
            self.say(Sentence::step(at, 13, what).means(blocked.or_else(|| self.copies(from))));
        }
    }

    /// A primary answers a read.
    fn shows_history(&mut self, at: u64, from: NodeId, request: RequestId) {
        let Some(known) = self.known.requests.get_mut(&request) else { return };
        known.answered_by.push(from);
        let reads = known.is_read();
        let newest = &self.known.newest;
        if reads && newest.primary != from && self.known.believes_it_leads(from) {
            let (who, leader) = (self.known.called(from), self.known.called(newest.primary));
            let what = format!("{who} answers {} as if it still led.", self.known.customer(request));
            let means = format!(
                "Meanwhile {leader} leads view {}, and {who} does not know what happened there.",
                newest.number
            );
            return self.say(Sentence::step(at, 13, what).means(means).of_weight(Weight::Event));
        }
        let last = self.known.last_op.get(&from).copied().unwrap_or_default();
        let lacking = self.known.lacking(from, last);
        if reads && self.known.plant == Some(Plant::ReadBeforeCommit) && !lacking.is_empty() {
            let orders = self.known.orders(&self.known.became_of(from, last, last));
            let names = self.known.names(lacking.iter().map(|(id, _)| *id));
            let name = self.known.customer(request);
            let what = format!("{} shows {name} {orders}, which {names} has not confirmed.", self.known.role(from));
            let means = format!("If {names} leads next, {name} has seen an order that is gone.");
            self.say(Sentence::step(at, 13, what).means(means).of_weight(Weight::Event));
        }
    }

    /// How many replicas hold what is answered.
    fn copies(&self, primary: NodeId) -> Option<String> {
        let copies = self.known.backups.iter().filter(|id| **id != primary).count() + 1;
        (copies == 1).then(|| format!("Only {} holds it: there is no other copy.", self.known.called(primary)))
    }

    pub(super) fn answered(&mut self, at: u64, request: RequestId, answer: &Answer, took: u64) {
        let name = self.known.customer(request);
        if let Some(known) = self.known.requests.get_mut(&request) {
            known.told = true;
        }
        let what = match answer {
            Answer::Outcome(Outcome::Placed { number }) => {
                let known = self.known.requests.get(&request).map(|known| &known.ask);
                let dishes = match known {
                    Some(Ask::Order { items, .. }) => format!(" ({})", crate::dishes(items)),
                    Some(Ask::History { .. } | Ask::Withdraw) | None => String::new(),
                };
                format!("{name} is told: order {number}{dishes} is placed. It took {}.", seconds(took))
            }
            Answer::Outcome(Outcome::Rejected { .. }) => format!("{name} is told that the order is rejected."),
            Answer::Outcome(Outcome::NeverPlaced) => {
                format!("{name} is told: the order is cancelled and will never be placed.")
            }
            Answer::Expired => format!("{name} is told that the order may or may not have been placed."),
            Answer::History(page) => {
                let orders: Vec<String> = page.orders.iter().map(|order| crate::dishes(&order.items)).collect();
                match page.total {
                    0 => format!("{name} reads that there are no orders to {}.", page.postcode),
                    1 => format!("{name} reads one order to {}: {}.", page.postcode, orders.join("; ")),
                    total => format!("{name} reads {total} orders to {}: {}.", page.postcode, orders.join("; ")),
                }
            }
        };
        let means = match answer {
            Answer::Outcome(Outcome::Rejected { why }) => Some(format!("{}.", first_sentence(&crate::rejection(why)))),
            Answer::Expired => Some(
                "The replicas have forgotten this customer's requests, so nobody knows what became of the order."
                    .to_owned(),
            ),
            Answer::Outcome(Outcome::Placed { .. } | Outcome::NeverPlaced) | Answer::History(_) => None,
        };
        self.say(Sentence::answer(at, what).means(means));
    }

    pub(super) fn postcode_answered(
        &mut self,
        node: NodeId,
        at: u64,
        message: MessageId,
        from: NodeId,
        verdict: &Verdict,
    ) {
        let sent = self.known.messages.get(&message);
        let (request, seen) = (sent.and_then(|sent| sent.request), sent.is_some_and(|sent| self.is_seen(sent)));
        let (service, postcode) = (self.known.called(from), self.postcode(request));
        match verdict {
            Verdict::Valid { place, .. } if seen => {
                let place = place.as_ref().map_or(String::new(), |place| format!(", in {place}"));
                self.say(Sentence::step(at, 12, format!("{service} answers: {postcode} exists{place}.")));
            }
            Verdict::Valid { .. } => {}
            Verdict::Invalid { why, .. } => {
                let why = first_sentence(why);
                let why = why.strip_prefix(&format!("{service} says that ")).unwrap_or(why);
                let what = format!("{service} answers: {why}.");
                self.say(Sentence::step(at, 12, what).means("The primary rejects the order.".to_owned()));
            }
            Verdict::NobodyAnswers => self.service_is_silent(node, at, from, request),
        }
    }

    /// A service has not told whether a postcode exists: the other one is asked, unless it was.
    fn service_is_silent(&mut self, node: NodeId, at: u64, service: NodeId, request: Option<RequestId>) {
        let (who, postcode) = (self.known.role(node), self.postcode(request));
        let first = self.known.is_new(format!("silent service {request:?}"));
        if first {
            self.known.is_new(format!("silent service {request:?} {service}"));
            let what = format!("{} does not tell {who} whether {postcode} exists.", self.known.called(service));
            return self.say(Sentence::event(at, what).means("The other postcode service is asked.".to_owned()));
        }
        if self.known.is_new(format!("silent service {request:?} {service}")) {
            let what = format!("no postcode service tells {who} whether {postcode} exists.");
            let means = request.map(|request| format!("{} waits until one answers.", self.thing(request)));
            self.say(Sentence::event(at, what).means(means));
        }
    }

    /// Why a customer's order waits, as its primary says.
    pub(super) fn customer_waits(&mut self, at: u64, request: RequestId, why: WaitReason) {
        if !self.known.is_new(format!("waits {request} {why:?}")) {
            return;
        }
        let Some(Ask::Order { postcode, .. }) = self.known.requests.get(&request).map(|known| known.ask.clone()) else {
            return;
        };
        let what = format!(
            "{} is told why the order waits: {}.",
            self.known.customer(request),
            crate::wait_reason(why, postcode)
        );
        self.say(Sentence::answer(at, what));
    }
}

/// Without its full stop.
fn first_sentence(words: &str) -> &str {
    words.split(". ").next().unwrap_or(words).trim_end_matches('.')
}

fn placed_twice(at: u64, who: &str, name: &str, before: OrderNumber, number: OrderNumber) -> Sentence {
    let what = format!("{who} executes {name}'s request a second time: now it is order {number}, too.");
    let means = format!("The same request was order {before} before, but {who} did not recognise its number.");
    Sentence::step(at, 13, what).means(means).of_weight(Weight::Event)
}
