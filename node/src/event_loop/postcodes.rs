//! How a replica's questions about postcodes ([11], [12]) reach the services, and their verdicts the machine.
//!
//! What is remembered is answered on the spot. Of the other questions only a few are under way at once, the rest wait for
//! their turns in order. A question passes the link to the service; when it leaves it, the request is made, in a task of its
//! own and in real time; the verdict passes the link back. What a link loses counts as no answer, and the next service is
//! asked. `postcode_services` decides which service to ask, and what an answer means.

use std::collections::VecDeque;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use protocol::ids::{MessageId, RequestId, Timestamp};
use protocol::machine::{Input, Machine};
use protocol::message::{Step, Summary};
use protocol::postcode::{Postcode, Verdict};
use protocol::trace::{Loss, MessageFacts, NodeEvent};
use rustc_hash::FxHashMap;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::Host;
use crate::links::{Fate, Passing, Question, ServiceAnswer};
use crate::postcode_services::{Attempt, PostcodeServices};

/// How many postcodes are asked about at once (PROTOCOL section 8).
const MOST_AT_ONCE: usize = 32;

/// What a task that asks tells the loop.
type EndedAttempt = (Box<Question>, Attempt);

/// What an actor wants to know.
struct Check {
    actor: usize,
    request: RequestId,
    postcode: Postcode,
    traced: bool,
}

/// The question that is under way for a check.
struct UnderWay {
    question: MessageId,
    /// Once it is with the service.
    task: Option<AbortHandle>,
}

pub(super) struct Inquirer {
    services: PostcodeServices,
    sender: mpsc::UnboundedSender<EndedAttempt>,
    /// At most [`MOST_AT_ONCE`], and what ended at the very moment at which it was not needed any more.
    receiver: mpsc::UnboundedReceiver<EndedAttempt>,
    waiting: VecDeque<EndedAttempt>,
    under_way: FxHashMap<RequestId, UnderWay>,
    /// Checks whose turn has not come, oldest first; bounded by the machine, which has one for each customer.
    queue: VecDeque<Check>,
}

impl Inquirer {
    pub(super) fn new(services: PostcodeServices) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        let (waiting, under_way, queue) = (VecDeque::new(), FxHashMap::default(), VecDeque::new());
        Self { services, sender, receiver, waiting, under_way, queue }
    }

    pub(super) fn set_cache(&mut self, on: bool) {
        self.services.set_cache(on);
    }

    /// Whether an attempt has ended; wakes the loop when one does.
    pub(super) fn poll_ended(&mut self, context: &mut Context<'_>) -> bool {
        if let Poll::Ready(Some(ended)) = self.receiver.poll_recv(context) {
            self.waiting.push_back(ended);
        }
        !self.waiting.is_empty()
    }

    fn next_ended(&mut self) -> Option<EndedAttempt> {
        self.waiting.pop_front().or_else(|| self.receiver.try_recv().ok())
    }

    /// Makes the request, in a task of its own. False: the answer is not needed any more.
    fn ask(&mut self, question: Box<Question>) -> bool {
        let Some(under_way) = self.under_way.get_mut(&question.request).filter(|it| it.question == question.id) else {
            return false;
        };
        let inquiry = self.services.inquiry();
        let sender = self.sender.clone();
        let task = tokio::spawn(async move {
            let said = inquiry.ask(question.turn, question.postcode).await;
            drop(sender.send((question, said)));
        });
        under_way.task = Some(task.abort_handle());
        true
    }

    /// Whether the check still waits for this question.
    fn needs(&self, question: &Question) -> bool {
        self.under_way.get(&question.request).is_some_and(|it| it.question == question.id)
    }

    /// The check whose turn it is.
    fn next_check(&mut self) -> Option<Check> {
        self.queue.pop_front_if(|_| self.under_way.len() < MOST_AT_ONCE)
    }
}

impl<M: Machine> Host<M> {
    /// Answers at once from what is remembered; else the check waits for its turn.
    pub(super) fn check_postcode(&mut self, actor: usize, request: RequestId, postcode: Postcode, traced: bool) {
        let check = Check { actor, request, postcode, traced };
        match &mut self.inquirer {
            Some(inquirer) if inquirer.services.cached(&postcode).is_none() => inquirer.queue.push_back(check),
            _ => self.ask_for(check),
        }
    }

    /// This verdict is not needed any more: its place is free at once.
    pub(super) fn end_check(&mut self, request: RequestId) {
        let Some(inquirer) = &mut self.inquirer else { return };
        match inquirer.under_way.remove(&request) {
            Some(UnderWay { task, .. }) => drop(task.inspect(AbortHandle::abort)),
            None => inquirer.queue.retain(|check| check.request != request),
        }
    }

    /// Asks for the checks whose turn has come. Some have been answered meanwhile by what others learned.
    pub(super) fn ask_waiting(&mut self) {
        while let Some(check) = self.inquirer.as_mut().and_then(Inquirer::next_check) {
            self.ask_for(check);
        }
    }

    fn ask_for(&mut self, check: Check) {
        let Check { actor, request, postcode, traced } = check;
        match self.inquirer.as_ref().and_then(|inquirer| inquirer.services.cached(&postcode)) {
            Some(verdict) => self.give_verdict(actor, request, verdict),
            None => self.ask_next(actor, request, postcode, traced, 0),
        }
    }

    /// Asks the first service that can be asked, from a place in the order of asking on.
    fn ask_next(&mut self, at: usize, request: RequestId, postcode: Postcode, traced: bool, from: usize) {
        let turn = self.inquirer.as_ref().and_then(|inquirer| inquirer.services.inquiry().next(from));
        let (Some(turn), Some(Some(actor))) = (turn, self.actors.get_mut(at)) else {
            // No service is left to ask: the machine asks again later.
            return self.give_verdict(at, request, Verdict::NobodyAnswers);
        };
        actor.sent += 1;
        let id = MessageId { from: actor.id, number: actor.sent };
        if let Some(inquirer) = &mut self.inquirer {
            inquirer.under_way.insert(request, UnderWay { question: id, task: None });
        }
        let question = Question { id, to: turn.id, traced, actor: at, turn, request, postcode };
        if traced {
            let (to, service) = (turn.id, turn.service);
            self.trace(id.from, || NodeEvent::PostcodeAsked { message: id, to, service, postcode, request });
        }
        self.enter_service(Passing::Question(Box::new(question)));
    }

    /// A question or a verdict enters its link. Nothing is doubled here: HTTP asks once.
    fn enter_service(&mut self, passing: Passing) {
        let fate = match self.links.are_at_rest() {
            true => Fate::Passes,
            false => self.links.fate(passing.way(), false, self.now),
        };
        let (delay, held) = match fate {
            Fate::Passes | Fate::Lost(_) => (0, false),
            Fate::Stays { left, held } => (left, held),
        };
        if passing.is_traced()
            && self.feed.is_observed()
            && let Some(facts) = facts(&passing, delay, held)
        {
            let (message, (from, to)) = (passing.id(), passing.way());
            self.feed.note(from, self.clock.now(), NodeEvent::Sent { message, to, facts });
        }
        match fate {
            Fate::Passes => self.leaves(passing),
            Fate::Stays { left, held } => self.links.keep(passing, left, held, self.now),
            Fate::Lost(why) => self.is_lost(passing, why),
        }
    }

    /// Step 11 is with the service, which sees it now.
    pub(super) fn question_is_there(&mut self, question: Box<Question>) {
        let (id, to, traced) = (question.id, question.to, question.traced);
        let is_asked = self.inquirer.as_mut().is_some_and(|inquirer| inquirer.ask(question));
        if traced && is_asked {
            self.trace(to, || NodeEvent::Delivered { message: id, refused: None });
        } else if traced {
            self.trace(id.from, || NodeEvent::Lost { message: id, to, why: Loss::NotNeeded });
        }
    }

    pub(super) fn take_ended_attempts(&mut self) {
        while let Some((question, said)) = self.inquirer.as_mut().and_then(Inquirer::next_ended) {
            let Attempt { verdict, failure, ask_another, took } = said;
            match failure {
                Some(why) => self.attempt_failed(*question, &why, ask_another, took),
                None => {
                    let answer = ServiceAnswer { question: *question, verdict, took };
                    self.enter_service(Passing::Verdict(Box::new(answer)));
                }
            }
        }
    }

    /// A link lost the question, or its verdict.
    pub(super) fn question_is_lost(&mut self, question: Question) {
        self.attempt_failed(question, "the question or its answer was lost on its way", true, Duration::ZERO);
    }

    /// A service gave no answer that could be used, or none came through: the next one is asked.
    fn attempt_failed(&mut self, question: Question, why: &str, ask_another: bool, took: Duration) {
        let is_needed = self.inquirer.as_ref().is_some_and(|inquirer| inquirer.needs(&question));
        let Question { id, to, traced, actor, turn, request, postcode } = question;
        if traced {
            let text = || format!("{} gave no answer about {postcode}: {why}", turn.service);
            self.trace(id.from, || NodeEvent::Log { text: text() });
            let (verdict, took) = (Verdict::NobodyAnswers, took.as_micros() as u64);
            self.trace(id.from, || NodeEvent::PostcodeAnswered { message: id, from: to, verdict, took });
        }
        if !is_needed {
            return;
        }
        match ask_another {
            true => self.ask_next(actor, request, postcode, traced, turn.place + 1),
            false => self.give_verdict(actor, request, Verdict::NobodyAnswers),
        }
    }

    pub(super) fn verdict_is_here(&mut self, answer: ServiceAnswer) {
        let ServiceAnswer { question, verdict, took } = answer;
        let is_needed = self.inquirer.as_ref().is_some_and(|inquirer| inquirer.needs(&question));
        if let Some(inquirer) = &mut self.inquirer {
            inquirer.services.remember(question.postcode, &verdict);
        }
        if question.traced {
            let (id, from) = (question.id, question.to);
            let message = MessageId { from, number: id.number };
            self.trace(id.from, || NodeEvent::Delivered { message, refused: None });
            let (verdict, took) = (verdict.clone(), took.as_micros() as u64);
            self.trace(id.from, || NodeEvent::PostcodeAnswered { message: id, from, verdict, took });
        }
        if is_needed {
            self.give_verdict(question.actor, question.request, verdict);
        }
    }

    /// The check is over: its place is free.
    fn give_verdict(&mut self, at: usize, request: RequestId, verdict: Verdict) {
        if let Some(inquirer) = &mut self.inquirer {
            inquirer.under_way.remove(&request);
        }
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let at_wall_clock = Timestamp(since_1970.as_millis() as u64);
        self.given.push_back((at, Input::PostcodeChecked { request, verdict, at: at_wall_clock }));
    }
}

/// Steps 11 and 12 as the picture shows them; none of messages, which say it themselves.
fn facts(passing: &Passing, delay: u64, held: bool) -> Option<MessageFacts> {
    let of = |question: &Question, step, summary: Summary, said: Vec<(&'static str, String)>| {
        let mut fields =
            vec![("postcode", question.postcode.to_string()), ("service", question.turn.service.to_string())];
        fields.extend(said);
        let fields = fields.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        MessageFacts { step: Some(Step(step)), summary, request: Some(question.request), fields, delay, held }
    };
    match passing {
        Passing::Message { .. } => None,
        Passing::Question(question) => Some(of(question, 11, Summary::DoesExist(question.postcode), Vec::new())),
        Passing::Verdict(answer) => {
            let took = ("took", format!("{} µs", answer.took.as_micros()));
            let (summary, said) = match &answer.verdict {
                Verdict::Valid { place, .. } => (Summary::Exists, ("place", place.clone().unwrap_or_default())),
                Verdict::Invalid { why, .. } => (Summary::DoesNotExist, ("why", why.clone())),
                Verdict::NobodyAnswers => (Summary::NobodyAnswers, ("why", String::new())),
            };
            Some(of(&answer.question, 12, summary, vec![said, took]))
        }
    }
}
