//! The view record in a store that other name servers use as well (PROTOCOL section 10).
//!
//! Read, compute, replace if nobody else has: one operation at a time. What a front-end is told was in the store before it
//! is told (rule R12), and every change is made from the record that it replaces (rule R13). An operation without an answer
//! leaves a doubt, and a doubt is settled by reading: nothing is repeated that may have been done. Until the store answers
//! again, views cannot change, and nothing else is different.

use crate::ids::{Contact, FrontEndToken, View, ViewNumber};
use crate::machine::{Effect, Effects, JournalRecord, Timer};
use crate::trace::{MachineEvent, Note, Refusal};
use crate::view_record::{Keeping, Revision, StoreAnswer, StoreOperation};

use super::NameServer;

/// Questions that wait for the store, at most. Front-ends repeat them.
const MOST_QUESTIONS: usize = 64;
/// A store that has not answered is asked again after this number of heartbeats.
const ASK_AGAIN_AFTER: u64 = 2;

/// A bug that a name server could have, for simulations that must find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoreBug {
    /// A write without an answer is repeated, after whatever revision there is by then.
    RepeatsBlindly,
    /// A write without an answer counts as done.
    BelievesUnanswered,
}

/// What a name server knows of the store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Store {
    /// Of the record that was read or written last; none while there is a doubt.
    revision: Option<Revision>,
    /// How many operations it has begun: numbers them.
    begun: u64,
    under_way: Option<UnderWay>,
    /// Not answered, oldest first.
    questions: Vec<Question>,
    /// Whether anything was ever read.
    read: bool,
    /// The last operation had no answer.
    silent: bool,
    bug: Option<StoreBug>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum UnderWay {
    /// A read, and how many questions had come before it began.
    Read { covers: usize },
    /// A write for a question, which is not in the list meanwhile.
    Write { record: JournalRecord, question: Question },
}

/// What a front-end wants to know of the record.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Question {
    pub(super) from: Contact,
    pub(super) traced: bool,
    pub(super) wants: Wants,
}

/// See [`Question`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Wants {
    /// To be the newest front-end.
    Claim,
    /// To know what is recorded.
    Read,
    /// This view to be recorded, if that one is the newest.
    View { token: FrontEndToken, expected: ViewNumber, view: View },
}

impl Wants {
    fn same_kind(&self, other: &Wants) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

impl Store {
    pub(super) fn with_bug(bug: Option<StoreBug>) -> Self {
        Self { bug, ..Self::default() }
    }

    pub(super) fn keeping(&self) -> Keeping {
        match (self.silent, self.read) {
            (true, _) => Keeping::Silent,
            (false, false) => Keeping::Unread,
            (false, true) => Keeping::Store,
        }
    }

    /// Planted: whether a write is repeated that may have been done.
    fn repeats(&self) -> bool {
        self.silent && self.bug == Some(StoreBug::RepeatsBlindly)
    }

    /// A front-end repeats its questions, with what it wants by then.
    fn keep(&mut self, question: Question) {
        let known = |other: &Question| other.from == question.from && other.wants.same_kind(&question.wants);
        match self.questions.iter().position(known) {
            // In the place of the older one: else a slow store would never be asked for it.
            Some(place) => self.questions[place] = question,
            None if self.questions.len() < MOST_QUESTIONS => self.questions.push(question),
            None => {}
        }
    }
}

impl NameServer {
    /// A front-end asks about the record.
    pub(super) fn ask_store(&mut self, question: Question, effects: &mut Effects) {
        let Some(store) = &mut self.store else { return };
        store.keep(question);
        if !store.silent {
            self.go_on(effects);
        }
    }

    /// The record is read before anybody asks, so that the first question need not wait for it.
    pub(super) fn begin_with_store(&mut self, effects: &mut Effects) {
        if self.store.is_some() {
            self.begin(Begin::Read, effects);
        }
    }

    /// The next operation, if one is needed and none is under way. What changes the record is tried with what is known of
    /// it: if that is not the newest any more, the store says so.
    fn go_on(&mut self, effects: &mut Effects) {
        let Some(store) = &mut self.store else { return };
        if store.under_way.is_some() || store.questions.is_empty() {
            return;
        }
        let changes = |question: &Question| Self::changed(&self.record, &question.wants);
        let known = store.revision.is_some();
        let first = store.questions.iter().position(|question| known && changes(question).is_some());
        let Some(question) = first.map(|place| store.questions.remove(place)) else {
            return self.begin(Begin::Read, effects);
        };
        if let Some(record) = changes(&question) {
            self.begin(Begin::Write(question, record), effects);
        }
    }

    /// What the record would be; none where it would not change.
    fn changed(record: &JournalRecord, wants: &Wants) -> Option<JournalRecord> {
        match wants {
            Wants::Claim => Some(JournalRecord { token: record.token.next(), view: record.view.clone() }),
            Wants::Read => None,
            Wants::View { token, expected, view } => record
                .may_be_followed_by(*token, *expected, view)
                .then(|| JournalRecord { token: *token, view: view.clone() }),
        }
    }

    fn begin(&mut self, what: Begin, effects: &mut Effects) {
        let Some(store) = &mut self.store else { return };
        store.begun += 1;
        let (under_way, operation) = match (what, store.revision) {
            (Begin::Write(question, record), Some(after)) => {
                let operation = StoreOperation::Write { after, record: record.clone() };
                (UnderWay::Write { record, question }, operation)
            }
            (Begin::Read, _) | (Begin::Write(..), None) => {
                (UnderWay::Read { covers: store.questions.len() }, StoreOperation::Read)
            }
        };
        store.under_way = Some(under_way);
        effects.push(Effect::Store { number: store.begun, operation });
    }

    /// An answer to an operation that is over already is not looked at.
    pub(super) fn on_store(&mut self, number: u64, answer: StoreAnswer, effects: &mut Effects) {
        let Some(store) = &mut self.store else { return };
        let Some(under_way) = store.under_way.take_if(|_| number == store.begun) else { return };
        match (under_way, answer) {
            (under_way, StoreAnswer::Unanswered) => return self.on_unanswered(under_way, effects),
            (UnderWay::Read { covers }, StoreAnswer::Holds { revision, record }) => {
                self.learn(revision, record, effects);
                self.decide(covers, effects);
            }
            // Planted: the same again, whatever is there by now.
            (UnderWay::Write { record, question }, StoreAnswer::Holds { revision, .. }) if store.repeats() => {
                store.revision = Some(revision);
                return self.begin(Begin::Write(question, record), effects);
            }
            // Somebody else has changed it meanwhile: the question is decided anew, by what it is now.
            (UnderWay::Write { question, .. }, StoreAnswer::Holds { revision, record }) => {
                store.questions.insert(0, question);
                self.learn(revision, record, effects);
                self.decide(1, effects);
            }
            (UnderWay::Write { record, question }, StoreAnswer::Written(revision)) => {
                self.learn(revision, record, effects);
                self.tell(&question, matches!(question.wants, Wants::Claim), effects);
            }
            // A read writes nothing. Only a broken driver says so.
            (UnderWay::Read { .. }, StoreAnswer::Written(_)) => store.revision = None,
        }
        self.go_on(effects);
    }

    /// What the store holds.
    fn learn(&mut self, revision: Revision, record: JournalRecord, effects: &mut Effects) {
        self.record = record;
        // What others have recorded since is seen before long, even if nobody asks: the token tells who must take over.
        effects.set_timer(Timer::AskStore, self.settings.suspect_after);
        let Some(store) = &mut self.store else { return };
        (store.revision, store.read) = (Some(revision), true);
        if std::mem::take(&mut store.silent) {
            effects.trace(|| MachineEvent::Noted(Note::StoreAnswers));
        }
    }

    /// Answers the first questions, all of which came before the record was as it is known. One that changes the record
    /// becomes a write, and the others wait for what comes of that.
    fn decide(&mut self, covers: usize, effects: &mut Effects) {
        for _ in 0..covers {
            let Some(store) = self.store.as_mut().filter(|store| !store.questions.is_empty()) else { return };
            let question = store.questions.remove(0);
            if let Some(record) = Self::changed(&self.record, &question.wants) {
                return self.begin(Begin::Write(question, record), effects);
            }
            if let Wants::View { view, .. } = &question.wants
                && *view != self.record.view
            {
                effects.trace(|| MachineEvent::Refused { from: question.from.id, why: Refusal::RecordMovedOn });
            }
            self.tell(&question, false, effects);
        }
    }

    /// R12: what is told here was read from the store, or written to it.
    fn tell(&mut self, question: &Question, claimed: bool, effects: &mut Effects) {
        if claimed {
            self.is_claimed_by(question.from);
        }
        self.answer(question.from, question.traced, claimed, effects);
    }

    /// It may have been done, or not, or it will be. So the record is read before anything else is. A view is recorded only
    /// if it is still wanted: its front-end is told what is recorded, and asks again.
    fn on_unanswered(&mut self, under_way: UnderWay, effects: &mut Effects) {
        let again = self.settings.heartbeat.times(ASK_AGAIN_AFTER);
        let Some(store) = &mut self.store else { return };
        // Planted: it will have been done.
        if let (Some(StoreBug::BelievesUnanswered), UnderWay::Write { record, question }) = (store.bug, &under_way) {
            self.record = record.clone();
            return self.tell(question, matches!(question.wants, Wants::Claim), effects);
        }
        if !std::mem::replace(&mut store.silent, true) {
            effects.trace(|| MachineEvent::Noted(Note::StoreSilent));
        }
        match under_way {
            UnderWay::Read { .. } => {}
            // Planted: it will not have been done.
            UnderWay::Write { record, question } if store.repeats() => {
                return self.begin(Begin::Write(question, record), effects);
            }
            UnderWay::Write { question, .. } => store.questions.insert(0, question),
        }
        for question in &mut store.questions {
            if matches!(question.wants, Wants::View { .. }) {
                question.wants = Wants::Read;
            }
        }
        store.revision = None;
        effects.set_timer(Timer::AskStore, again);
    }

    /// Is the store there, and what does it hold now?
    pub(super) fn on_ask_store(&mut self, effects: &mut Effects) {
        if self.store.as_ref().is_some_and(|store| store.under_way.is_none()) {
            self.begin(Begin::Read, effects);
        }
    }
}

enum Begin {
    Read,
    Write(Question, JournalRecord),
}
