//! How a replica's questions about postcodes ([11], [12]) reach the services, and their verdicts the machine.
//!
//! Asking takes real time and runs in a task of its own; the two hops of a slowed link come on top, in cluster time. Whom to
//! ask, and what an answer means, is `postcode_services`' matter.

use std::collections::VecDeque;
use std::task::{Context, Poll};
use std::time::{SystemTime, UNIX_EPOCH};

use protocol::ids::{MessageId, NodeId, RequestId, Timestamp};
use protocol::machine::{Input, Machine};
use protocol::postcode::{Postcode, Verdict};
use protocol::trace::TraceEvent;
use tokio::sync::mpsc;

use super::Host;
use crate::links::Passing;
use crate::postcode_services::{Attempt, PostcodeServices};

/// More services than anybody is told of; each attempt of one question has a message number of its own.
const MOST_ATTEMPTS: u64 = 4;

/// What asking about a postcode came to.
#[derive(Clone, Debug, PartialEq)]
pub struct VerdictArrived {
    actor: usize,
    request: RequestId,
    postcode: Postcode,
    verdict: Verdict,
    /// Of the last attempt; shown when the verdict leaves its link.
    ended: Option<TraceEvent>,
}

/// What a task that asks tells the loop.
enum News {
    Fact(NodeId, TraceEvent),
    Verdict(Box<VerdictArrived>),
}

pub(super) struct Inquirer {
    services: PostcodeServices,
    sender: mpsc::UnboundedSender<News>,
    /// Bounded by the machine, which asks about few postcodes at once.
    receiver: mpsc::UnboundedReceiver<News>,
    waiting: VecDeque<News>,
}

impl Inquirer {
    pub(super) fn new(services: PostcodeServices) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        Self { services, sender, receiver, waiting: VecDeque::new() }
    }

    pub(super) fn set_cache(&mut self, on: bool) {
        self.services.set_cache(on);
    }

    /// Whether there is news; wakes the loop when some comes.
    pub(super) fn poll_news(&mut self, context: &mut Context<'_>) -> bool {
        if let Poll::Ready(Some(news)) = self.receiver.poll_recv(context) {
            self.waiting.push_back(news);
        }
        !self.waiting.is_empty()
    }

    fn next_news(&mut self) -> Option<News> {
        self.waiting.pop_front().or_else(|| self.receiver.try_recv().ok())
    }

    /// Asks in a task of its own. `first` and the numbers after it name the attempts, if they are shown.
    fn ask(&self, actor: usize, first: MessageId, shown: bool, request: RequestId, postcode: Postcode) {
        let inquiry = self.services.inquiry();
        let news = self.sender.clone();
        tokio::spawn(async move {
            let mut message = first;
            let mut ended = None;
            let verdict = inquiry
                .ask(postcode, |attempt| match attempt {
                    _ if !shown => {}
                    Attempt::Begins { service, id: to } => {
                        if let Some(event) = ended.take() {
                            drop(news.send(News::Fact(first.from, event)));
                            message.number += 1;
                        }
                        let asked = TraceEvent::PostcodeAsked { message, to, service, postcode, request };
                        drop(news.send(News::Fact(first.from, asked)));
                    }
                    Attempt::Ends { service, id: from, verdict, failure, took } => {
                        if let Some(why) = failure {
                            let text = format!("{service} gave no answer about {postcode}: {why}");
                            drop(news.send(News::Fact(first.from, TraceEvent::Log { text })));
                        }
                        let took = took.as_micros() as u64;
                        ended = Some(TraceEvent::PostcodeAnswered { message, from, verdict, took });
                    }
                })
                .await;
            drop(news.send(News::Verdict(Box::new(VerdictArrived { actor, request, postcode, verdict, ended }))));
        });
    }
}

impl<M: Machine> Host<M> {
    /// Answers at once from what is remembered, else asks.
    pub(super) fn check_postcode(&mut self, at: usize, request: RequestId, postcode: Postcode, traced: bool) {
        let (Some(inquirer), Some(actor)) = (&self.inquirer, self.actors[at].as_mut()) else {
            // No services were named: nobody can tell, and the machine asks again.
            return self.give_verdict(at, request, Verdict::NobodyAnswers);
        };
        match inquirer.services.cached(&postcode) {
            Some(verdict) => self.give_verdict(at, request, verdict),
            None => {
                let first = MessageId { from: actor.id, number: actor.sent + 1 };
                actor.sent += MOST_ATTEMPTS;
                let shown = traced && self.feed.is_observed();
                inquirer.ask(at, first, shown, request, postcode);
            }
        }
    }

    pub(super) fn take_news_of_postcodes(&mut self) {
        while let Some(news) = self.inquirer.as_mut().and_then(Inquirer::next_news) {
            match news {
                News::Fact(node, event) => self.trace(node, || event),
                News::Verdict(arrived) => {
                    if let Some(inquirer) = &mut self.inquirer {
                        inquirer.services.remember(arrived.postcode, &arrived.verdict);
                    }
                    // There and back: the question's hop and the verdict's.
                    if let Some(Passing::Verdict(arrived)) =
                        self.links.enter_service(Passing::Verdict(arrived), self.now)
                    {
                        self.verdict_is_here(*arrived);
                    }
                }
            }
        }
    }

    pub(super) fn verdict_is_here(&mut self, arrived: VerdictArrived) {
        let VerdictArrived { actor, request, verdict, ended, .. } = arrived;
        if let (Some(event), Some(Some(asker))) = (ended, self.actors.get(actor)) {
            let node = asker.id;
            self.trace(node, || event);
        }
        self.give_verdict(actor, request, verdict);
    }

    fn give_verdict(&mut self, at: usize, request: RequestId, verdict: Verdict) {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let at_wall_clock = Timestamp(since_1970.as_millis() as u64);
        self.given.push_back((at, Input::PostcodeChecked { request, verdict, at: at_wall_clock }));
    }
}
