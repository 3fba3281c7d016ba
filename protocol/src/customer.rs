//! A customer: one outstanding request, sent again and again under the same id until it is answered.
//!
//! A customer never gives up by itself and never turns a retry into a new request: that alone makes "exactly once" possible
//! (rule R8). A person who does not want to wait gives up by a withdrawal, which is a request too: its answer tells
//! whether the order was placed or never will be.

use crate::ids::{Contact, CustomerId, OpNumber, RequestId, RequestNumber, Role, Span};
use crate::machine::{Effect, Effects, Identity, Input, Machine, Settings, Timer, Wish};
use crate::message::{Answer, Ask, Message, WaitReason};
use crate::plant::Plant;
use crate::trace::{MachineEvent, NodeState, Note};

/// Unanswered attempts after which the front-end is looked up again (PROTOCOL section 5, customer).
const MISSES_BEFORE_LOOKUP: u32 = 2;
/// Hops that a slowed order passes, at most, before its answer is there: [7] to [14], with a snapshot's room to spare.
const HOPS_OF_AN_ORDER: u64 = 16;

/// A customer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Customer {
    identity: Identity,
    settings: Settings,
    customer: CustomerId,
    number: RequestNumber,
    /// The newest operation it knows to be committed: what it asks from now on is younger (rule R14).
    commit: OpNumber,
    front_end: Option<Contact>,
    waiting: Option<Waiting>,
}

/// The request that is not answered yet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Waiting {
    /// The same in every attempt.
    id: RequestId,
    /// The id its person knows it by: the same.
    wanted_as: RequestId,
    /// The same in every attempt, none before the first (rule R14).
    since: Option<OpNumber>,
    ask: Ask,
    traced: bool,
    misses: u32,
    /// What the primary said about it last, and whether that was since the last attempt.
    why: Option<(WaitReason, Span)>,
    fresh: bool,
}

impl Customer {
    /// `last`: the number of its last request, 0 for a new customer.
    #[must_use]
    pub fn new(identity: Identity, settings: Settings, customer: CustomerId, last: RequestNumber) -> Self {
        Self { identity, settings, customer, number: last, commit: OpNumber(0), front_end: None, waiting: None }
    }

    /// The request it waits for.
    #[must_use]
    pub fn waiting(&self) -> Option<RequestId> {
        self.waiting.as_ref().map(|waiting| waiting.id)
    }

    /// Why it waits, as the primary says, and for how long it had waited when that was said.
    #[must_use]
    pub fn why(&self) -> Option<(WaitReason, Span)> {
        self.waiting.as_ref().and_then(|waiting| waiting.why)
    }

    /// The id its next request will have.
    #[must_use]
    pub fn next_request(&self) -> RequestId {
        RequestId { customer: self.customer, number: self.number.next() }
    }

    fn on_wish(&mut self, wish: Wish, traced: bool, effects: &mut Effects) {
        let (ask, since) = match (wish, &self.waiting) {
            (Wish::Ask(ask), None) => (ask, None),
            // R14: what it knows by now says nothing of the order it gives up.
            (Wish::GiveUp, Some(Waiting { ask: Ask::Order { .. }, since, .. })) => (Ask::Withdraw, *since),
            // A read changes nothing: giving it up needs nobody's consent.
            (Wish::GiveUp, Some(Waiting { ask: Ask::History { .. }, .. })) => return self.stop_waiting(effects),
            (Wish::Ask(_), Some(_)) | (Wish::GiveUp | Wish::BeginAfresh { .. }, _) => return,
        };
        let id = self.next_request();
        self.number = id.number;
        self.waiting = Some(Waiting { id, wanted_as: id, since, ask, traced, misses: 0, why: None, fresh: false });
        self.ask(effects);
    }

    /// [9], or [7] if it does not know whom to ask. The front-end it knows may be silent: the name server hears that sooner
    /// than a retry would tell.
    fn ask(&mut self, effects: &mut Effects) {
        let Some(waiting) = &mut self.waiting else { return };
        match self.front_end {
            Some(front_end) => {
                let since = *waiting.since.get_or_insert(self.commit);
                let message = Message::Request { id: waiting.id, since, ask: waiting.ask.clone() };
                effects.send(front_end, waiting.traced, message);
                let after = self.settings.patient(self.settings.retry_after, HOPS_OF_AN_ORDER);
                effects.set_timer(Timer::RetryRequest, after);
                self.doubt_later(effects);
            }
            None => self.look_up(effects),
        }
    }

    fn look_up(&mut self, effects: &mut Effects) {
        let Some(waiting) = &self.waiting else { return };
        self.front_end = None;
        effects.cancel_timer(Timer::RetryRequest);
        effects.send(self.identity.name_servers.ask(), waiting.traced, Message::Lookup { role: Role::FrontEnd });
        self.look_up_again_after(self.settings.retry_after, effects);
    }

    fn doubt_later(&self, effects: &mut Effects) {
        let after = self.settings.patient(self.settings.suspect_after, HOPS_OF_AN_ORDER);
        effects.set_timer(Timer::AskNameServer, after);
    }

    /// No front-end is known, or the one that is known has not answered for the silence limit: is it still the one to ask?
    fn on_ask_name_server(&mut self, effects: &mut Effects) {
        self.identity.name_servers.go_on_if_unanswered();
        if self.front_end.is_none() {
            return self.look_up(effects);
        }
        if self.waiting.is_some() {
            effects.send(self.identity.name_servers.ask(), false, Message::Lookup { role: Role::FrontEnd });
            self.doubt_later(effects);
        }
    }

    fn look_up_again_after(&self, after: Span, effects: &mut Effects) {
        effects.set_timer(Timer::AskNameServer, self.settings.patient(after, 3));
    }

    /// [8]
    fn on_found(&mut self, who: &[(String, Contact)], commit: OpNumber, effects: &mut Effects) {
        self.commit = self.commit.max(commit);
        let found = who.first().map(|(_, front_end)| *front_end);
        // An answer that names nobody else changes nothing.
        if self.waiting.is_none() || self.front_end.is_some() && (found.is_none() || found == self.front_end) {
            return;
        }
        match who.first() {
            Some((_, front_end)) => {
                self.front_end = Some(*front_end);
                effects.cancel_timer(Timer::AskNameServer);
                self.ask(effects);
            }
            // Nobody plays front-end now. It registers each heartbeat, so ask soon.
            None => self.look_up_again_after(self.settings.heartbeat.times(2), effects),
        }
    }

    /// [14]
    fn on_reply(&mut self, id: RequestId, answer: Answer, effects: &mut Effects) {
        if let Some(Waiting { wanted_as: request, .. }) = self.waiting.take_if(|waiting| waiting.id == id) {
            self.stop_waiting(effects);
            effects.push(Effect::Answered { request, answer });
        }
    }

    /// Not an answer. What the primary does not say again is not so any more.
    fn on_waiting(&mut self, id: RequestId, why: WaitReason, waited: Span) {
        if let Some(waiting) = self.waiting.as_mut().filter(|waiting| waiting.id == id) {
            (waiting.why, waiting.fresh) = (Some((why, waited)), true);
        }
    }

    fn stop_waiting(&mut self, effects: &mut Effects) {
        self.waiting = None;
        effects.cancel_timer(Timer::RetryRequest);
        effects.cancel_timer(Timer::AskNameServer);
    }

    fn on_retry(&mut self, effects: &mut Effects) {
        let next = self.next_request();
        let Some(waiting) = &mut self.waiting else { return };
        // Planted (R8): the first attempt is believed to be lost, and the order is sent as a new one.
        if self.settings.plants(Plant::NewIdOnRetry) && matches!(waiting.ask, Ask::Order { .. }) {
            waiting.id = next;
            self.number = next.number;
        }
        waiting.misses += 1;
        if !std::mem::take(&mut waiting.fresh) {
            waiting.why = None;
        }
        if waiting.misses >= MISSES_BEFORE_LOOKUP {
            waiting.misses = 0;
            let (request, heard) = (waiting.id, waiting.why.is_some());
            effects.trace(|| MachineEvent::Noted(Note::LooksUp { request, heard }));
            self.look_up(effects);
        } else {
            self.ask(effects);
        }
    }

    fn on_message(&mut self, from: Contact, message: Message, effects: &mut Effects) {
        match message {
            Message::Found { role: Role::FrontEnd, who, commit } => {
                self.identity.name_servers.answered(from);
                self.on_found(&who, commit, effects);
            }
            Message::Reply { id, answer, commit, .. } => {
                self.commit = self.commit.max(commit);
                self.on_reply(id, answer, effects);
            }
            Message::Busy { id } if self.waiting() == Some(id) => {
                effects.set_timer(Timer::RetryRequest, self.settings.heartbeat.times(2));
            }
            Message::LookUpAgain { id } if self.waiting() == Some(id) && self.front_end == Some(from) => {
                // Not at once: until the newer front-end has registered, the name server would name this one again.
                self.front_end = None;
                effects.cancel_timer(Timer::RetryRequest);
                self.look_up_again_after(self.settings.heartbeat, effects);
            }
            Message::Waiting { id, why, waited } => self.on_waiting(id, why, waited),
            Message::Register { .. }
            | Message::Lookup { .. }
            | Message::Found { .. }
            | Message::ClaimFrontEnd
            | Message::ReadRecord
            | Message::RecordView { .. }
            | Message::Record { .. }
            | Message::ViewIs { .. }
            | Message::Status(_)
            | Message::Request { .. }
            | Message::StateUpdate(_)
            | Message::Snapshot(_)
            | Message::Ack { .. }
            | Message::Refused { .. }
            | Message::NotPrimary { .. }
            | Message::Busy { .. }
            | Message::LookUpAgain { .. } => {}
        }
    }
}

impl Machine for Customer {
    fn start(&mut self, _effects: &mut Effects) {}

    fn handle(&mut self, input: Input, effects: &mut Effects) {
        match input {
            Input::Received { from, message, .. } => self.on_message(from, message, effects),
            Input::Wanted { wish, traced } => self.on_wish(wish, traced, effects),
            Input::Rang(Timer::RetryRequest) => self.on_retry(effects),
            Input::Rang(Timer::AskNameServer) => self.on_ask_name_server(effects),
            Input::ConnectionLost { peer } if self.front_end.is_some_and(|front_end| front_end == peer) => {
                self.front_end = None;
                self.look_up(effects);
            }
            Input::ConnectionLost { peer } if self.identity.name_servers.lost(peer) && self.front_end.is_none() => {
                self.look_up(effects);
            }
            Input::Retimed(settings) => self.settings = settings,
            Input::Rang(_)
            | Input::Overslept { .. }
            | Input::ConnectionLost { .. }
            | Input::Gone { .. }
            | Input::StoreAnswered { .. }
            | Input::Kept { .. }
            | Input::KeepFailed { .. }
            | Input::PostcodeChecked { .. } => {}
        }
    }

    fn settle(&mut self, _effects: &mut Effects) {}

    fn describe(&self) -> NodeState {
        let front_end = self.front_end.map(|contact| contact.id);
        NodeState::Customer { front_end, waiting: self.waiting(), why: self.why() }
    }
}
