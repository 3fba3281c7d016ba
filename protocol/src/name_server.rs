//! The name server: who is where, and which view was recorded last.
//!
//! It keeps two things apart. The *registry* is soft: names come by registration, go by autoclean, and return by themselves
//! after a restart. The *record* (newest front-end's token, newest view) is what the chain of views hangs on: it is in the
//! journal before anybody hears of it (rule R12) and changes by compare-and-set only (rule R13). The name server is not on
//! the path of an order, and it neither suspects nor promotes anybody.

use std::collections::BTreeMap;

use crate::ids::{Contact, FrontEndToken, Role, View, ViewNumber};
use crate::machine::{Effect, Effects, Identity, Input, JournalRecord, Machine, Settings, Timer};
use crate::message::Message;
use crate::plant::Plant;
use crate::trace::{NodeState, Refusal, TraceEvent};

/// At most so many names are kept, each at most [`LONGEST_NAME`] bytes long.
const MOST_NAMES: usize = 4096;
/// See [`MOST_NAMES`].
const LONGEST_NAME: usize = 80;

/// The name server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NameServer {
    identity: Identity,
    settings: Settings,
    record: JournalRecord,
    names: BTreeMap<String, Registered>,
    registrations: u64,
}

/// One name in the registry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Registered {
    contact: Contact,
    role: Role,
    token: Option<FrontEndToken>,
    /// How many had registered before: "the first found" of the seed.
    order: u64,
    /// Whether it registered since the last cleaning.
    fresh: bool,
}

impl NameServer {
    /// Built from what its journal holds (the default, if it is new).
    #[must_use]
    pub fn new(identity: Identity, settings: Settings, journal: JournalRecord) -> Self {
        // Planted (R13): what was recorded before is forgotten.
        let record = if settings.plants(Plant::NsForgetsView) { JournalRecord::default() } else { journal };
        Self { identity, settings, record, names: BTreeMap::new(), registrations: 0 }
    }

    /// What is recorded now.
    #[must_use]
    pub fn record(&self) -> &JournalRecord {
        &self.record
    }

    fn on_message(&mut self, from: Contact, traced: bool, message: Message, effects: &mut Effects) {
        match message {
            Message::Register { name, role, token } => self.on_register(from, name, role, token),
            Message::Lookup { role } => self.on_lookup(from, traced, role, effects),
            Message::ClaimFrontEnd => self.on_claim(from, traced, effects),
            Message::ReadRecord => self.answer(from, traced, false, effects),
            Message::RecordView { token, expected, view } => {
                self.on_record_view(from, traced, (token, expected, view), effects);
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
                self.names.insert(name, Registered { contact: from, role, token, order, fresh: true });
            }
        }
    }

    fn on_lookup(&mut self, from: Contact, traced: bool, role: Role, effects: &mut Effects) {
        let mut found: Vec<_> = self.names.iter().filter(|(_, known)| known.role == role).collect();
        if role == Role::FrontEnd {
            found.sort_by_key(|(_, known)| std::cmp::Reverse((known.token, known.order)));
            found.truncate(1);
        } else {
            found.sort_by_key(|(_, known)| known.order);
        }
        let who = found.into_iter().map(|(name, known)| (name.clone(), known.contact)).collect();
        effects.send(from, traced, Message::Found { role, who });
    }

    fn on_claim(&mut self, from: Contact, traced: bool, effects: &mut Effects) {
        self.record.token = self.record.token.next();
        // From now on it is the front-end to be found, though it has not registered with its token yet.
        if let Some(known) = self.names.values_mut().find(|known| known.contact == from) {
            known.token = Some(self.record.token);
        }
        effects.push(Effect::Journal(self.record.clone()));
        self.answer(from, traced, true, effects);
    }

    /// R13: a view is recorded only by the newest front-end and only after the one it expects.
    /// R12: the journal comes before the answer in the list of effects.
    fn on_record_view(
        &mut self,
        from: Contact,
        traced: bool,
        (token, expected, view): (FrontEndToken, ViewNumber, View),
        effects: &mut Effects,
    ) {
        let follows =
            token == self.record.token && expected == self.record.view.number && view.number == expected.next();
        // Planted (R13): set, and compare nothing.
        if follows || self.settings.plants(Plant::NsForgetsView) {
            self.record.view = view;
            effects.push(Effect::Journal(self.record.clone()));
        } else if view != self.record.view {
            effects.trace(|| TraceEvent::Refused { from: from.id, why: Refusal::RecordMovedOn });
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
                let text = format!("{name} did not register again and was taken out of the registry.");
                effects.trace(|| TraceEvent::Log { text });
            }
            std::mem::take(&mut known.fresh)
        });
        effects.set_timer(Timer::Autoclean, self.settings.autoclean);
    }
}

impl Machine for NameServer {
    fn start(&mut self, effects: &mut Effects) {
        effects.set_timer(Timer::Autoclean, self.settings.autoclean);
    }

    fn handle(&mut self, input: Input, effects: &mut Effects) {
        match input {
            Input::Received { from, traced, message } => self.on_message(from, traced, message, effects),
            Input::Rang(Timer::Autoclean) => self.on_autoclean(effects),
            // Whoever could not register while this process slept gets another round.
            Input::Overslept => self.names.values_mut().for_each(|known| known.fresh = true),
            Input::Retimed(settings) => {
                let before = std::mem::replace(&mut self.settings, settings);
                if before.autoclean != self.settings.autoclean {
                    effects.set_timer(Timer::Autoclean, self.settings.autoclean);
                }
            }
            Input::Rang(_) | Input::ConnectionLost { .. } | Input::PostcodeChecked { .. } | Input::Wanted { .. } => {}
        }
    }

    fn settle(&mut self, _effects: &mut Effects) {}

    fn describe(&self) -> NodeState {
        let names = self.names.iter().map(|(name, known)| (name.clone(), known.role, known.contact)).collect();
        NodeState::NameServer { names, token: self.record.token, record: self.record.view.clone() }
    }
}
