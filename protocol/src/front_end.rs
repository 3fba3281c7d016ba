//! The front-end: a stateless router, the failure detector, and the only proposer of views.
//!
//! It holds nothing that must survive: requests come again, views are recorded by the name server, and what it believes of
//! replicas they tell it each heartbeat. Any number of front-ends may live; the newest token alone can change the view.
//! Whom it believes
//! alive stands in `front_end/suspicion.rs`, how the next view is chosen in `front_end/views.rs`, how requests pass in
//! `front_end/requests.rs`, how an operator begins anew after the loss of all members in `front_end/fresh_start.rs`.

mod fresh_start;
mod requests;
mod suspicion;
mod views;

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{Contact, CustomerId, FrontEndToken, OpNumber, ReplicaId, Role, Span, View};
use crate::machine::{Effects, Identity, Input, Machine, Settings, Timer, Wish};
use crate::message::{Message, Status};
use crate::trace::{MachineEvent, NodeState, Refusal, Suspicion};

use requests::Pending;
use suspicion::{Health, Known, Trials};

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
    /// Those that may be members of the next view: members, and what the primary reported to be in sync (rule R5).
    candidates: BTreeSet<ReplicaId>,
    replicas: BTreeMap<ReplicaId, Known>,
    trials: Trials,
    /// The last suspicions, for show.
    suspicions: Vec<Suspicion>,
    /// How late somebody's loop has been lately, this one's or a replica's; it fades.
    late: Span,
    found: u64,
    pending: BTreeMap<CustomerId, Pending>,
    /// A read of the record is on its way.
    reading: bool,
    /// What it asked the name server to record.
    proposed: Option<View>,
    /// The view of a fresh start that the operator ordered, until it is recorded.
    afresh: Option<View>,
    /// The newest operation that it has heard of.
    newest: OpNumber,
    /// A second has passed since the last proposal.
    may_propose: bool,
    /// Something changed that the next view may depend on.
    reconsider: bool,
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
            trials: Trials::default(),
            suspicions: Vec::new(),
            late: Span(0),
            found: 0,
            pending: BTreeMap::new(),
            reading: false,
            proposed: None,
            afresh: None,
            newest: OpNumber(0),
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
            Message::Found { role: Role::Replica, who, commit } => {
                self.hear_of(commit);
                self.on_found(&who, effects);
            }
            Message::Found { role: Role::FrontEnd, who, .. } => {
                // A retired front-end asks nothing else.
                if self.retired {
                    self.identity.name_servers.answered(from);
                }
                self.on_successor_found(&who, effects);
            }
            Message::Record { token, view, claimed } => {
                self.identity.name_servers.answered(from);
                self.on_record(token, view, claimed, effects);
            }
            Message::Status(status) => self.on_status(from, status, effects),
            Message::Request { id, since, ask } => self.on_request(Pending::new(from, traced, id, since, ask), effects),
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

    /// [3] A new replica hears the view at once; the others hear it each heartbeat.
    fn on_found(&mut self, who: &[(String, Contact)], effects: &mut Effects) {
        let mut is_new = false;
        for (name, contact) in who {
            is_new |= self.replicas.get(&contact.id).is_none_or(|known| known.contact != Some(*contact));
            self.meet(contact.id, Some(*contact), effects);
            self.named(contact.id, name, effects);
        }
        self.forget(|id| who.iter().any(|(_, contact)| contact.id == *id));
        if is_new {
            self.announce(effects);
        }
        self.reconsider = true;
    }

    /// What a status says, other than that its sender lives.
    fn learn_from(&mut self, sender: ReplicaId, status: Status, effects: &mut Effects) {
        self.hear_of(status.position.map_or(status.commit, |position| position.op.max(status.commit)));
        // R5: what is in sync counts only for the view in which it was reported, and only from its primary.
        if status.acting && status.view == self.view.number && sender == self.view.primary {
            self.candidates.extend(status.ack_set);
        }
        if status.view > self.view.number {
            self.read_record(effects);
        }
    }

    fn on_record(&mut self, token: FrontEndToken, view: View, claimed: bool, effects: &mut Effects) {
        self.reading = false;
        if claimed && !self.retired {
            self.token = self.token.max(Some(token));
        } else if self.token.is_some_and(|mine| token > mine) && !self.retired {
            self.retired = true;
            let from = self.identity.name_servers.asked().id;
            effects.trace(|| MachineEvent::Refused { from, why: Refusal::Retired });
        }
        if self.proposed.as_ref().is_some_and(|proposed| proposed.number <= view.number) {
            self.proposed = None;
        }
        if view.number > self.view.number {
            self.adopt(view, effects);
        }
        self.reconsider = true;
    }

    /// The newest token is nobody's any more, if its front-end is silent or gone: the name server, which hears all
    /// front-ends, says that of all that live this one is the newest.
    fn on_successor_found(&mut self, who: &[(String, Contact)], effects: &mut Effects) {
        let alone = who.first().is_none_or(|(_, newest)| *newest == self.identity.me);
        if self.retired && alone {
            self.retired = false;
            self.token = None;
            effects.send(self.identity.name_servers.ask(), true, Message::ClaimFrontEnd);
            self.forgive_all(effects);
            self.announce(effects);
        }
    }

    /// R12: only a view that the name server has recorded is ever announced.
    fn adopt(&mut self, view: View, effects: &mut Effects) {
        self.candidates = view.members.iter().copied().collect();
        self.view = view;
        for member in self.view.members.clone() {
            if self.meet(member, None, effects).contact.is_none() {
                self.look_replicas_up(effects);
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
        let is_joiner = |id: &&ReplicaId| !members.contains(id) && self.is_reliable(id);
        let joiners: Vec<_> = self.replicas.keys().filter(is_joiner).copied().collect();
        let patience = self.patience();
        for contact in &contacts {
            let (view, joiners, contacts) = (self.view.clone(), joiners.clone(), contacts.clone());
            let announced = self.replicas.get(&contact.id).map_or(view.number, |known| known.announced);
            effects.send(*contact, announced < view.number, Message::ViewIs { view, joiners, contacts, patience });
        }
        for contact in &contacts {
            if let Some(known) = self.replicas.get_mut(&contact.id) {
                known.announced = self.view.number;
            }
        }
    }

    fn on_heartbeat(&mut self, effects: &mut Effects) {
        // Also a retired one: it may be the newest again, once the newer one falls silent.
        self.register(false, effects);
        if !self.retired {
            self.count_answers(effects);
            if self.hears_a_stranger() {
                self.look_replicas_up(effects);
            }
        }
        self.announce(effects);
        effects.set_timer(Timer::Heartbeat, self.settings.heartbeat);
    }

    /// [2]
    fn look_replicas_up(&self, effects: &mut Effects) {
        effects.send(self.identity.name_servers.asked(), false, Message::Lookup { role: Role::Replica });
    }

    /// A timer that runs is left alone by a change that has nothing to do with it; silence is counted anew if one has.
    fn retime(&mut self, settings: Settings, effects: &mut Effects) {
        let before = std::mem::replace(&mut self.settings, settings);
        let (heartbeat, suspect_after) = (self.settings.heartbeat, self.settings.suspect_after);
        if before.heartbeat != heartbeat {
            effects.set_timer(Timer::Heartbeat, heartbeat);
        }
        if (before.heartbeat, before.suspect_after) != (heartbeat, suspect_after) {
            self.count_all_silence(effects);
        }
    }

    fn register(&self, traced: bool, effects: &mut Effects) {
        let Identity { name, role, name_servers, .. } = &self.identity;
        for name_server in name_servers.all() {
            let (name, token) = (name.clone(), self.token);
            let register = Message::Register { name, role: *role, token, commit: OpNumber(0) };
            effects.send(*name_server, traced, register);
        }
    }

    /// [2]
    fn read_record(&mut self, effects: &mut Effects) {
        if !self.reading {
            self.reading = true;
            effects.send(self.identity.name_servers.ask(), false, Message::ReadRecord);
        }
    }

    /// [2] Whatever the name server has not answered is asked again.
    fn on_ask_name_server(&mut self, effects: &mut Effects) {
        self.identity.name_servers.go_on_if_unanswered();
        self.ask_name_server(effects);
    }

    fn ask_name_server(&mut self, effects: &mut Effects) {
        let name_server = self.identity.name_servers.ask();
        if self.token.is_none() {
            effects.send(name_server, false, Message::ClaimFrontEnd);
        } else if !self.retired {
            // A proposal can be recorded long after it was given up, and its answer lost: only asking tells.
            effects.send(name_server, false, Message::ReadRecord);
        }
        // New replicas may never have heard of this front-end, and those that are gone must be forgotten. A retired
        // front-end checks whether there is a newer one at all.
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
        let name_server = self.identity.name_servers.ask();
        effects.send(name_server, true, Message::ClaimFrontEnd);
        effects.send(name_server, true, Message::Lookup { role: Role::Replica });
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
            Input::Overslept { by } => self.on_overslept(by, effects),
            Input::Gone { peer } => self.on_gone(peer, effects),
            Input::Retimed(settings) => self.retime(settings, effects),
            Input::Wanted { wish: Wish::BeginAfresh { after, primary }, .. } => {
                self.order_fresh_start(after, primary, effects);
            }
            // A lost connection is no death: suspicion comes from silence, or from a proof. But of several name servers
            // another one can be asked at once.
            Input::ConnectionLost { peer } => {
                if self.identity.name_servers.lost(peer) {
                    self.ask_name_server(effects);
                }
            }
            Input::Rang(_)
            | Input::StoreAnswered { .. }
            | Input::Kept { .. }
            | Input::KeepFailed { .. }
            | Input::PostcodeChecked { .. }
            | Input::Wanted { .. } => {}
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
            suspicions: self.suspicions.clone(),
        }
    }
}
