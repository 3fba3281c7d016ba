//! The name server: which processes are where, and which view was recorded last.
//!
//! It keeps two things apart. The *registry* is soft: names come by registration, go by autoclean, and return by themselves
//! after a restart. The *record* (newest front-end's token, newest view) is what the chain of views hangs on: it is in the
//! journal before anybody hears of it (rule R12) and changes by compare-and-set only (rule R13). It may instead be in a store
//! that several name servers use (`name_server/store.rs`). The name server is not on the path of an order, and it suspects no replica. Of front-ends it hears which ones live: the newest of those is the one
//! to be found, and is asked to take over where a newer one has fallen silent.

mod store;

use std::collections::BTreeMap;

use crate::ids::{Contact, FrontEndToken, NodeId, OpNumber, Role, Span, ViewNumber};
use crate::machine::{Effect, Effects, Identity, Input, JournalRecord, Machine, Settings, Timer};
use crate::message::Message;
use crate::plant::Plant;
use crate::trace::{MachineEvent, NodeState, Note, Refusal, Sign};
use crate::view_record::Keeping;

pub use store::StoreBug;
use store::{Question, Store, Wants};

/// Names that are kept, at most; each has at most [`LONGEST_NAME`] bytes.
const MOST_NAMES: usize = 4096;
/// See [`MOST_NAMES`].
const LONGEST_NAME: usize = 80;

/// The name server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NameServer {
    identity: Identity,
    settings: Settings,
    /// What is recorded; with a store, what it held when it answered last.
    record: JournalRecord,
    /// None: the record is in a journal of its own.
    store: Option<Store>,
    names: BTreeMap<String, Registered>,
    registrations: u64,
    /// It runs for longer than the silence limit: a front-end that it has not heard by now is silent.
    listened: bool,
    /// The newest operation that was ever said to be on every member. Soft, like the names: customers begin with it (R14).
    commit: OpNumber,
}

/// One name in the registry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Registered {
    contact: Contact,
    role: Role,
    token: Option<FrontEndToken>,
    /// How many had registered before: replicas are found in this order.
    order: u64,
    /// Whether it registered since the last cleaning.
    fresh: bool,
    /// For how many heartbeats it has not registered.
    unheard: u64,
    /// How late this process was meanwhile.
    late: Span,
    /// A front-end that has been silent for the silence limit, or is proved to be gone.
    silent: bool,
}

impl Registered {
    /// Of those that live the newest, else of all.
    fn rank(&self) -> (bool, Option<FrontEndToken>, u64) {
        (!self.silent, self.token, self.order)
    }
}

impl NameServer {
    /// Built from what its journal holds (the default, if it is new).
    #[must_use]
    pub fn new(identity: Identity, settings: Settings, journal: JournalRecord) -> Self {
        // Planted (R13): what was recorded before is forgotten.
        let record = if settings.plants(Plant::NsForgetsView) { JournalRecord::default() } else { journal };
        Self {
            identity,
            settings,
            record,
            store: None,
            names: BTreeMap::new(),
            registrations: 0,
            listened: false,
            commit: OpNumber(0),
        }
    }

    /// Keeps the record in a store that other name servers may use as well.
    #[must_use]
    pub fn with_store(identity: Identity, settings: Settings) -> Self {
        Self::with_store_and_bug(identity, settings, None)
    }

    /// The same with a bug, which a simulation must find.
    #[must_use]
    pub fn with_store_and_bug(identity: Identity, settings: Settings, bug: Option<StoreBug>) -> Self {
        Self { store: Some(Store::with_bug(bug)), ..Self::new(identity, settings, JournalRecord::default()) }
    }

    /// Where the record is kept, and how that goes.
    #[must_use]
    pub fn keeping(&self) -> Keeping {
        self.store.as_ref().map_or(Keeping::Journal, Store::keeping)
    }

    /// What is recorded now.
    #[must_use]
    pub fn record(&self) -> &JournalRecord {
        &self.record
    }

    fn on_message(&mut self, from: Contact, traced: bool, message: Message, effects: &mut Effects) {
        match message {
            Message::Register { name, role, token, commit } => {
                self.commit = self.commit.max(commit);
                self.on_register(from, name, role, token);
                if role == Role::FrontEnd {
                    self.hear_front_end(from, effects);
                }
            }
            Message::Lookup { role } => self.on_lookup(from, traced, role, effects),
            Message::ClaimFrontEnd if self.store.is_some() => {
                self.ask_store(Question { from, traced, wants: Wants::Claim }, effects);
            }
            Message::ReadRecord if self.store.is_some() => {
                self.ask_store(Question { from, traced, wants: Wants::Read }, effects);
            }
            Message::RecordView { token, expected, view } if self.store.is_some() => {
                let wants = Wants::View { token, expected, view };
                self.ask_store(Question { from, traced, wants }, effects);
            }
            Message::ClaimFrontEnd => self.on_claim(from, traced, effects),
            Message::ReadRecord => self.answer(from, traced, false, effects),
            Message::RecordView { token, expected, view } => {
                self.on_record_view(from, traced, expected, JournalRecord { token, view }, effects);
            }
            // Answers and the talk of replicas are not for a name server.
            Message::Found { .. }
            | Message::Record { .. }
            | Message::ViewIs { .. }
            | Message::Status(_)
            | Message::Request { .. }
            | Message::StateUpdate(_)
            | Message::Snapshot(_)
            | Message::Ack { .. }
            | Message::Reply { .. }
            | Message::Refused { .. }
            | Message::NotPrimary { .. }
            | Message::Busy { .. }
            | Message::LookUpAgain { .. }
            | Message::Waiting { .. } => {}
        }
    }

    fn on_register(&mut self, from: Contact, name: String, role: Role, token: Option<FrontEndToken>) {
        if name.len() > LONGEST_NAME {
            return;
        }
        let full = self.names.len() >= MOST_NAMES;
        match self.names.get_mut(&name) {
            Some(known) if known.contact == from => {
                known.fresh = true;
                known.token = known.token.max(token);
            }
            // The name is in the hands of a newer front-end.
            Some(known) if role == Role::FrontEnd && known.token > token => {}
            None if full => {}
            Some(_) | None => {
                let order = self.registrations;
                self.registrations += 1;
                let (fresh, unheard, late, silent) = (true, 0, Span(0), false);
                let known = Registered { contact: from, role, token, order, fresh, unheard, late, silent };
                self.names.insert(name, known);
            }
        }
    }

    // Front-ends that live.

    /// Its silence is counted from now. If it is the newest that lives, it hears so again and again, until it is the newest.
    fn hear_front_end(&mut self, from: Contact, effects: &mut Effects) {
        let matters = self.front_ends().count() > 1;
        let Some(known) = self.names.values_mut().find(|known| known.contact == from) else { return };
        if std::mem::take(&mut known.silent) && matters {
            let why = Some(Sign::Heard { late: Span(0) });
            effects.trace(|| MachineEvent::Suspects { replica: from.id, suspected: false, why });
        }
        self.count_silence(from.id, effects);
        let newest = self.front_ends().max_by_key(|(_, known)| known.rank());
        let Some((name, known)) = newest.filter(|(_, known)| known.contact == from) else { return };
        if self.listened && known.token.is_some_and(|token| token < self.record.token) {
            let who = vec![(name.clone(), from)];
            effects.send(from, false, Message::Found { role: Role::FrontEnd, who, commit: self.commit });
        }
    }

    fn front_ends(&self) -> impl Iterator<Item = (&String, &Registered)> {
        self.names.iter().filter(|(_, known)| known.role == Role::FrontEnd)
    }

    /// From now. The next registration is due in a heartbeat, so there is nothing to count before a second one is over.
    fn count_silence(&mut self, front_end: NodeId, effects: &mut Effects) {
        let two = self.settings.heartbeat.times(2);
        if let Some(known) = self.front_end(front_end) {
            (known.unheard, known.late) = (0, Span(0));
            effects.set_timer(Timer::Silence(front_end), two);
        }
    }

    fn front_end(&mut self, id: NodeId) -> Option<&mut Registered> {
        self.names.values_mut().find(|known| known.role == Role::FrontEnd && known.contact.id == id)
    }

    fn on_silence(&mut self, id: NodeId, effects: &mut Effects) {
        if id == self.identity.me.id {
            self.listened = true;
            return;
        }
        let Settings { heartbeat, suspect_after, .. } = self.settings;
        let Some(known) = self.front_end(id).filter(|known| !known.silent) else { return };
        known.unheard = (known.unheard + 1).max(2);
        let (contact, silence, late) = (known.contact, heartbeat.times(known.unheard), known.late);
        if silence.0 >= suspect_after.0 + late.0 {
            return self.believe_silent(id, Sign::Silent { silence, late }, effects);
        }
        effects.probe(contact);
        effects.set_timer(Timer::Silence(id), heartbeat);
    }

    fn believe_silent(&mut self, id: NodeId, why: Sign, effects: &mut Effects) {
        // Of one alone nothing follows from its silence: it is the one to be found anyway, and nobody is told.
        let matters = self.front_ends().count() > 1;
        let Some(known) = self.front_end(id).filter(|known| !known.silent) else { return };
        known.silent = true;
        effects.cancel_timer(Timer::Silence(id));
        if !matters {
            return;
        }
        effects.trace(|| MachineEvent::Suspects { replica: id, suspected: true, why: Some(why) });
    }

    /// Nodes that could not register while this process slept get another round, and are not suspected.
    fn on_overslept(&mut self, by: Span, effects: &mut Effects) {
        let frozen = by >= self.settings.frozen_from();
        for known in self.names.values_mut() {
            known.late.0 += by.0;
            known.fresh |= frozen;
        }
        let front_ends: Vec<_> = self.front_ends().filter(|(_, known)| frozen && !known.silent).collect();
        let ids: Vec<_> = front_ends.into_iter().map(|(_, known)| known.contact.id).collect();
        ids.into_iter().for_each(|id| self.count_silence(id, effects));
    }

    // Looking up, claiming, recording.

    fn on_lookup(&mut self, from: Contact, traced: bool, role: Role, effects: &mut Effects) {
        let mut found: Vec<_> = self.names.iter().filter(|(_, known)| known.role == role).collect();
        if role == Role::FrontEnd {
            found.sort_by_key(|(_, known)| std::cmp::Reverse(known.rank()));
            found.truncate(1);
        } else {
            found.sort_by_key(|(_, known)| known.order);
        }
        let who = found.into_iter().map(|(name, known)| (name.clone(), known.contact)).collect();
        effects.send(from, traced, Message::Found { role, who, commit: self.commit });
    }

    fn on_claim(&mut self, from: Contact, traced: bool, effects: &mut Effects) {
        self.record.token = self.record.token.next();
        self.is_claimed_by(from);
        effects.push(Effect::Journal(self.record.clone()));
        self.answer(from, traced, true, effects);
    }

    /// From now on it is the front-end to be found, though it has not registered with its token yet.
    fn is_claimed_by(&mut self, front_end: Contact) {
        if let Some(known) = self.names.values_mut().find(|known| known.contact == front_end) {
            known.token = Some(self.record.token);
        }
    }

    /// R13: a view is recorded only by the newest front-end and only after the one it expects.
    /// R12: the journal comes before the answer in the list of effects.
    fn on_record_view(
        &mut self,
        from: Contact,
        traced: bool,
        expected: ViewNumber,
        proposed: JournalRecord,
        effects: &mut Effects,
    ) {
        let JournalRecord { token, view } = proposed;
        let follows = self.record.may_be_followed_by(token, expected, &view);
        // Planted (R13): set, and compare nothing.
        if follows || self.settings.plants(Plant::NsForgetsView) {
            self.record.view = view;
            effects.push(Effect::Journal(self.record.clone()));
        } else if view != self.record.view {
            effects.trace(|| MachineEvent::Refused { from: from.id, why: Refusal::RecordMovedOn });
        }
        self.answer(from, traced, false, effects);
    }

    fn answer(&self, to: Contact, traced: bool, claimed: bool, effects: &mut Effects) {
        let JournalRecord { token, view } = self.record.clone();
        effects.send(to, traced, Message::Record { token, view, claimed });
    }

    fn on_autoclean(&mut self, effects: &mut Effects) {
        self.names.retain(|name, known| {
            if !known.fresh {
                effects.trace(|| MachineEvent::Noted(Note::Removed { name: name.clone() }));
            }
            std::mem::take(&mut known.fresh)
        });
        effects.set_timer(Timer::Autoclean, self.settings.autoclean);
    }
}

impl Machine for NameServer {
    fn start(&mut self, effects: &mut Effects) {
        effects.set_timer(Timer::Autoclean, self.settings.autoclean);
        effects.set_timer(Timer::Silence(self.identity.me.id), self.settings.suspect_after);
        self.begin_with_store(effects);
    }

    fn handle(&mut self, input: Input, effects: &mut Effects) {
        match input {
            Input::Received { from, traced, message } => self.on_message(from, traced, message, effects),
            Input::Rang(Timer::Autoclean) => self.on_autoclean(effects),
            Input::Rang(Timer::Silence(front_end)) => self.on_silence(front_end, effects),
            Input::Rang(Timer::AskStore) => self.on_ask_store(effects),
            Input::StoreAnswered { number, answer } => self.on_store(number, answer, effects),
            Input::Gone { peer } => self.believe_silent(peer, Sign::Gone, effects),
            Input::Overslept { by } => self.on_overslept(by, effects),
            Input::Retimed(settings) => {
                let before = std::mem::replace(&mut self.settings, settings);
                if before.autoclean != self.settings.autoclean {
                    effects.set_timer(Timer::Autoclean, self.settings.autoclean);
                }
            }
            Input::Rang(_)
            | Input::ConnectionLost { .. }
            | Input::Kept { .. }
            | Input::KeepFailed { .. }
            | Input::PostcodeChecked { .. }
            | Input::Wanted { .. } => {}
        }
    }

    fn settle(&mut self, _effects: &mut Effects) {}

    fn describe(&self) -> NodeState {
        let names = self.names.iter().map(|(name, known)| (name.clone(), known.role, known.contact)).collect();
        let JournalRecord { token, view: record } = self.record.clone();
        NodeState::NameServer { names, token, record, keeping: self.keeping() }
    }
}
