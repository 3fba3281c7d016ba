//! The front-end: a stateless router, the failure detector, and the only proposer of views.
//!
//! It holds nothing that must survive: requests come again, views are recorded by the name server, and what it believes of
//! replicas they tell it each heartbeat. Any number of front-ends may live; the newest token alone can change the view.
//! How the next view is chosen stands in `front_end/views.rs`, how requests pass in `front_end/requests.rs`.

mod requests;
mod views;

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{Contact, CustomerId, FrontEndToken, ReplicaId, Role, View, ViewNumber};
use crate::machine::{Effects, Identity, Input, Machine, Settings, Timer};
use crate::message::{Message, Status};
use crate::trace::{NodeState, Refusal, TraceEvent};

use requests::Pending;

/// So many statuses in a row make up for all earlier suspicions: ten seconds of heartbeats.
const STEADY: u32 = 200;
/// At most so many in a row are wanted of a replica that was suspected again and again.
const LONGEST_TRIAL: u32 = 128;

/// A front-end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FrontEnd {
    identity: Identity,
    settings: Settings,
    /// None until the name server answered the claim.
    token: Option<FrontEndToken>,
    /// There is a newer front-end.
    retired: bool,
    /// The newest recorded view it knows.
    view: View,
    /// Whoever may be a member of the next view: members, and what the primary reported to be in sync (rule R5).
    candidates: BTreeSet<ReplicaId>,
    replicas: BTreeMap<ReplicaId, Known>,
    found: u64,
    pending: BTreeMap<CustomerId, Pending>,
    /// A read of the record is on its way.
    reading: bool,
    /// What it asked the name server to record.
    proposed: Option<View>,
    /// A second has passed since the last proposal.
    may_propose: bool,
    /// Something changed that the next view may depend on.
    reconsider: bool,
}

/// What a front-end knows of a replica.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Known {
    contact: Option<Contact>,
    /// How many were known before: "first found" (seed, [2, 3]).
    order: u64,
    health: Health,
    /// Statuses in a row since it was last suspected.
    steady: u32,
    /// How many in a row it takes before it may become a member (again): doubled by each suspicion, so that a flapping
    /// link does not change the view each second.
    trial: u32,
    status: Option<Status>,
    /// The newest view it was told of: repeating that is not shown.
    told: ViewNumber,
}

impl Known {
    fn heard(&mut self, status: Status) {
        self.health = Health::Alive;
        self.status = Some(status);
        self.steady = (self.steady + 1).min(STEADY);
        if self.steady == STEADY {
            self.trial = 1;
        }
    }

    fn suspected(&mut self) {
        self.health = Health::Silent;
        self.steady = 0;
        self.trial = (self.trial * 2).min(LONGEST_TRIAL);
    }

    /// Whether it may be taken in.
    fn is_reliable(&self) -> bool {
        self.health == Health::Alive && self.steady >= self.trial
    }
}

/// Whether a replica lives, as far as can be known from its silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Health {
    /// Never heard; its time is running.
    Unheard,
    /// Heard within the silence limit.
    Alive,
    /// Not heard for the silence limit.
    Silent,
}

impl FrontEnd {
    /// A front-end that has not claimed its token yet.
    #[must_use]
    pub fn new(identity: Identity, settings: Settings) -> Self {
        Self {
            identity,
            settings,
            token: None,
            retired: false,
            view: View::default(),
            candidates: BTreeSet::new(),
            replicas: BTreeMap::new(),
            found: 0,
            pending: BTreeMap::new(),
            reading: false,
            proposed: None,
            may_propose: true,
            reconsider: false,
        }
    }

    /// The newest recorded view it knows.
    #[must_use]
    pub fn view(&self) -> &View {
        &self.view
    }

    fn on_message(&mut self, from: Contact, traced: bool, message: Message, effects: &mut Effects) {
        match message {
            Message::Found { role: Role::Replica, who } => self.on_found(&who, effects),
            Message::Found { role: Role::FrontEnd, who } => self.on_successor_found(&who, effects),
            Message::Record { token, view, claimed } => self.on_record(token, view, claimed, effects),
            Message::Status(status) => self.on_status(from, status, effects),
            Message::Request { id, ask } => self.on_request(from, traced, id, ask, effects),
            Message::Reply { .. } => self.on_reply(traced, message, effects),
            Message::Busy { id } => self.on_busy(id, effects),
            Message::Waiting { id, .. } => self.on_waiting(traced, id, message, effects),
            Message::NotPrimary { .. } => self.read_record(effects),
            Message::Register { .. }
            | Message::Lookup { .. }
            | Message::Found { .. }
            | Message::ClaimFrontEnd
            | Message::ReadRecord
            | Message::RecordView { .. }
            | Message::ViewIs { .. }
            | Message::StateUpdate(_)
            | Message::Snapshot(_)
            | Message::Ack { .. }
            | Message::Refused { .. }
            | Message::LookUpAgain { .. } => {}
        }
    }

    /// [3] Whoever is new is told of the view at once; the others hear of it each heartbeat.
    fn on_found(&mut self, who: &[(String, Contact)], effects: &mut Effects) {
        let mut news = false;
        for (_, contact) in who {
            news |= self.replicas.get(&contact.id).is_none_or(|known| known.contact != Some(*contact));
            self.meet(contact.id, Some(*contact), effects);
        }
        // Forgets the dead that nobody knows any more, so that restarts do not pile up.
        let known = |id: &ReplicaId| who.iter().any(|(_, contact)| contact.id == *id);
        let (members, candidates) = (&self.view.members, &self.candidates);
        self.replicas.retain(|id, replica| {
            replica.health != Health::Silent || members.contains(id) || candidates.contains(id) || known(id)
        });
        if news {
            self.announce(effects);
        }
        self.reconsider = true;
    }

    /// Makes a replica known; its silence is counted from now.
    fn meet(&mut self, id: ReplicaId, contact: Option<Contact>, effects: &mut Effects) -> &mut Known {
        let order = self.found;
        let known = self.replicas.entry(id).or_insert_with(|| {
            self.found += 1;
            effects.set_timer(Timer::Silence(id), self.settings.suspect_after);
            let (health, told) = (Health::Unheard, ViewNumber(0));
            Known { contact: None, order, health, steady: 0, trial: 1, status: None, told }
        });
        if contact.is_some() {
            known.contact = contact;
        }
        known
    }

    fn on_status(&mut self, from: Contact, status: Status, effects: &mut Effects) {
        let before = self.meet(from.id, Some(from), effects);
        let (was, changed) = ((before.health, before.is_reliable()), before.status.as_ref() != Some(&status));
        before.heard(status.clone());
        let is = (before.health, before.is_reliable());
        effects.set_timer(Timer::Silence(from.id), self.settings.suspect_after);
        if was.0 == Health::Silent {
            effects.trace(|| TraceEvent::Suspects { replica: from.id, suspected: false });
        }
        // R5: what is in sync counts only for the view in which it was reported, and only from its primary.
        if status.acting && status.view == self.view.number && from.id == self.view.primary {
            self.candidates.extend(status.ack_set);
        }
        if status.view > self.view.number {
            self.read_record(effects);
        }
        self.reconsider |= changed || was != is;
    }

    fn on_silence(&mut self, replica: ReplicaId, effects: &mut Effects) {
        if let Some(known) = self.replicas.get_mut(&replica) {
            if self.retired {
                // It says nothing any more, so nobody answers: that accuses nobody.
                known.health = Health::Silent;
                return;
            }
            known.suspected();
            self.reconsider = true;
            effects.trace(|| TraceEvent::Suspects { replica, suspected: true });
        }
    }

    /// It was itself late: whoever seemed silent gets a full silence limit from now (PROTOCOL section 7).
    fn on_overslept(&mut self, effects: &mut Effects) {
        for (id, known) in &self.replicas {
            if known.health != Health::Silent {
                effects.set_timer(Timer::Silence(*id), self.settings.suspect_after);
            }
        }
    }

    fn on_record(&mut self, token: FrontEndToken, view: View, claimed: bool, effects: &mut Effects) {
        self.reading = false;
        if claimed && !self.retired {
            self.token = self.token.max(Some(token));
        } else if self.token.is_some_and(|mine| token > mine) && !self.retired {
            self.retired = true;
            effects.trace(|| TraceEvent::Refused { from: self.identity.name_server.id, why: Refusal::Retired });
        }
        if self.proposed.as_ref().is_some_and(|proposed| proposed.number <= view.number) {
            self.proposed = None;
        }
        if view.number > self.view.number {
            self.adopt(view, effects);
        }
        self.reconsider = true;
    }

    /// The newest token is nobody's, if its front-end is gone, or claimed it with a message that came when it was gone.
    fn on_successor_found(&mut self, who: &[(String, Contact)], effects: &mut Effects) {
        let alone = who.first().is_none_or(|(_, newest)| *newest == self.identity.me);
        if self.retired && alone {
            self.retired = false;
            self.token = None;
            effects.send(self.identity.name_server, true, Message::ClaimFrontEnd);
            // While it was retired nobody answered it: that was no silence.
            for (id, known) in &mut self.replicas {
                known.health = Health::Unheard;
                effects.set_timer(Timer::Silence(*id), self.settings.suspect_after);
            }
            self.announce(effects);
        }
    }

    /// R12: only a view that the name server has recorded is ever announced.
    fn adopt(&mut self, view: View, effects: &mut Effects) {
        self.candidates = view.members.iter().copied().collect();
        self.view = view;
        for member in self.view.members.clone() {
            if self.meet(member, None, effects).contact.is_none() {
                effects.send(self.identity.name_server, false, Message::Lookup { role: Role::Replica });
            }
        }
        self.announce(effects);
        self.forward_all(effects);
    }

    /// [4], to all who are registered or members, as a heartbeat: they answer with their status. Also to the silent: only so
    /// can they be heard again. A retired front-end leaves it to the newer one.
    fn announce(&mut self, effects: &mut Effects) {
        if self.retired {
            return;
        }
        let members = &self.view.members;
        let contacts: Vec<_> = self.replicas.values().filter_map(|known| known.contact).collect();
        let is_joiner = |id: &ReplicaId, known: &Known| known.is_reliable() && !members.contains(id);
        let joiners = self.replicas.iter().filter(|(id, known)| is_joiner(id, known)).map(|(id, _)| *id);
        let joiners: Vec<_> = joiners.collect();
        for contact in &contacts {
            let (view, joiners, contacts) = (self.view.clone(), joiners.clone(), contacts.clone());
            let told = self.replicas.get(&contact.id).map_or(view.number, |known| known.told);
            effects.send(*contact, told < view.number, Message::ViewIs { view, joiners, contacts });
        }
        for contact in &contacts {
            if let Some(known) = self.replicas.get_mut(&contact.id) {
                known.told = self.view.number;
            }
        }
    }

    fn on_heartbeat(&mut self, effects: &mut Effects) {
        if !self.retired {
            self.register(false, effects);
        }
        self.announce(effects);
        effects.set_timer(Timer::Heartbeat, self.settings.heartbeat);
    }

    /// A timer that runs is left alone by a change that has nothing to do with it; silence is counted anew if one has.
    fn retime(&mut self, settings: Settings, effects: &mut Effects) {
        let before = std::mem::replace(&mut self.settings, settings);
        let (heartbeat, suspect_after) = (self.settings.heartbeat, self.settings.suspect_after);
        if before.heartbeat != heartbeat {
            effects.set_timer(Timer::Heartbeat, heartbeat);
        }
        if (before.heartbeat, before.suspect_after) != (heartbeat, suspect_after) {
            self.on_overslept(effects);
        }
    }

    fn register(&self, traced: bool, effects: &mut Effects) {
        let Identity { name, role, name_server, .. } = self.identity.clone();
        effects.send(name_server, traced, Message::Register { name, role, token: self.token });
    }

    /// [2]
    fn read_record(&mut self, effects: &mut Effects) {
        if !self.reading {
            self.reading = true;
            effects.send(self.identity.name_server, false, Message::ReadRecord);
        }
    }

    /// [2] Whatever the name server has not answered is asked again.
    fn on_ask_name_server(&mut self, effects: &mut Effects) {
        let name_server = self.identity.name_server;
        if self.token.is_none() {
            effects.send(name_server, false, Message::ClaimFrontEnd);
        } else if !self.retired {
            // A proposal can be recorded long after it was given up, and its answer lost: only asking tells.
            effects.send(name_server, false, Message::ReadRecord);
        }
        // Who came meanwhile may never have heard of this front-end, and who is gone must be forgotten. A retired one looks
        // whether there is a newer one at all.
        let role = if self.retired { Role::FrontEnd } else { Role::Replica };
        effects.send(name_server, false, Message::Lookup { role });
        self.propose_again(effects);
        self.ask_name_server_later(effects);
    }

    fn ask_name_server_later(&self, effects: &mut Effects) {
        let again = self.settings.patient(self.settings.forward_again_after, 3);
        effects.set_timer(Timer::AskNameServer, again);
    }
}

impl Machine for FrontEnd {
    /// \[2\]: claims the token, looks replicas up.
    fn start(&mut self, effects: &mut Effects) {
        self.register(true, effects);
        effects.send(self.identity.name_server, true, Message::ClaimFrontEnd);
        effects.send(self.identity.name_server, true, Message::Lookup { role: Role::Replica });
        effects.set_timer(Timer::Heartbeat, self.settings.heartbeat);
        self.ask_name_server_later(effects);
        self.forward_later(effects);
    }

    fn handle(&mut self, input: Input, effects: &mut Effects) {
        match input {
            Input::Received { from, traced, message } => self.on_message(from, traced, message, effects),
            Input::Rang(Timer::Heartbeat) => self.on_heartbeat(effects),
            Input::Rang(Timer::Silence(replica)) => self.on_silence(replica, effects),
            Input::Rang(Timer::AskNameServer) => self.on_ask_name_server(effects),
            Input::Rang(Timer::ForwardAgain) => self.on_forward_again(effects),
            Input::Rang(Timer::MayPropose) => {
                self.may_propose = true;
                self.reconsider = true;
            }
            Input::Overslept => self.on_overslept(effects),
            Input::Retimed(settings) => self.retime(settings, effects),
            // A lost connection is no death: suspicion comes from silence alone (RELIABILITY H12).
            Input::Rang(_) | Input::ConnectionLost { .. } | Input::PostcodeChecked { .. } | Input::Wanted { .. } => {}
        }
    }

    fn settle(&mut self, effects: &mut Effects) {
        if std::mem::take(&mut self.reconsider) {
            self.propose(effects);
        }
    }

    fn describe(&self) -> NodeState {
        let alive = self.replicas.iter().filter(|(_, known)| known.health == Health::Alive).map(|(id, _)| *id);
        NodeState::FrontEnd {
            token: self.token,
            retired: self.retired,
            view: self.view.clone(),
            alive: alive.collect(),
            pending: self.pending.len() as u64,
            waits_for: self.waits_for(),
        }
    }
}
