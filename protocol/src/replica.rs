//! A replica: joining, backup or primary. Every change of role happens here, in a `become_*`.
//!
//! Here it is decided once, for each input, whether this replica acts as primary. If it does, `replica/primary.rs` executes,
//! with orders that wait for a postcode in `replica/checks.rs`, peers in `replica/peers.rs` and answers in
//! `replica/answers.rs`. What a backup does stands in `replica/backup.rs`, how a fresh process gets its state in
//! `replica/joining.rs`, and what a durable one has on disk in `replica/durable.rs`. What all of them share is in
//! `replica/shared.rs`.

mod answers;
mod backup;
mod checks;
mod durable;
#[cfg(feature = "simulation")]
mod inspection;
mod joining;
mod late_book;
mod log;
mod pace;
mod peers;
mod primary;
mod recovery;
mod shared;
mod transfer;
mod writing;

use crate::ids::{Contact, OpNumber, Position, ReplicaId, Role, Span, View, ViewNumber};
use crate::machine::{Effects, Identity, Input, Machine, Settings, Timer};
use crate::message::{Message, Status};
use crate::order_book::OrderBook;
use crate::plant::Plant;
use crate::trace::{MachineEvent, NodeState, Refusal, ReplicaState, Standing};

pub use recovery::{RecordError, Recovered};

use answers::Owed;
use joining::Loading;
use peers::Acknowledgement;
use primary::Primary;
use shared::Shared;

/// A replica.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Replica {
    shared: Shared,
    /// What makes it an acting primary; made anew at every entry (rule R3).
    primary: Option<Primary>,
    /// Of a backup: the highest commit number heard in this view, for show.
    commit: OpNumber,
    loading: Option<Loading>,
    /// The one that announced a view last.
    front_end: Option<Contact>,
    /// What is said each heartbeat was said since its timer rang last.
    spoke: bool,
    /// How late its own loop has been since its last status.
    late: Span,
}

impl Replica {
    /// A fresh process: `base` is its pre-defined history, which counts only if it becomes the very first primary.
    #[must_use]
    pub fn new(identity: Identity, settings: Settings, base: OrderBook) -> Self {
        let book = base.with_room_for(settings.most_sessions);
        Self {
            shared: Shared::new(identity, settings, book),
            primary: None,
            commit: OpNumber(0),
            loading: None,
            front_end: None,
            spoke: false,
            late: Span(0),
        }
    }

    /// A durable process: it is who it was, and goes on where its file ends, empty if that holds nothing. R11: whatever it
    /// was, it leads only in a newer view.
    #[must_use]
    pub fn durable(identity: Identity, settings: Settings, base: OrderBook, recovered: Recovered) -> Self {
        let mut replica = Self::new(identity, settings, base);
        replica.shared.recover(recovered);
        // Planted: if it was primary, it goes on as primary.
        let was_primary = replica.shared.view.primary == replica.shared.id() && replica.shared.position.is_some();
        if was_primary && replica.shared.plants(Plant::ResumeViewAfterRestart) {
            let (view, here) = (&replica.shared.view, replica.shared.here());
            replica.primary = Some(Primary::of(view, here.op, replica.shared.id()));
        }
        replica
    }

    /// The newest view it has entered.
    #[must_use]
    pub fn view(&self) -> &View {
        &self.shared.view
    }

    /// Whether it acts as primary of its view.
    #[must_use]
    pub fn acting(&self) -> bool {
        self.primary.is_some()
    }

    /// Where its history ends.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.shared.position
    }

    /// The replicated state.
    ///
    /// # Panics
    /// Between an input and [`Machine::finish`].
    #[must_use]
    pub fn book(&self) -> &OrderBook {
        &self.shared.book
    }

    /// The position after `op`, if its log still reaches that far back.
    #[must_use]
    pub fn position_at(&self, op: OpNumber) -> Option<Position> {
        self.shared.log.position_at(op)
    }

    /// Whose acknowledgement each answer needs; nobody's, unless it acts.
    pub fn ack_set(&self) -> impl Iterator<Item = ReplicaId> + '_ {
        self.primary.iter().flat_map(|primary| primary.peers().ack_set())
    }

    /// The highest operation it knows to be on every member.
    #[must_use]
    pub fn commit(&self) -> OpNumber {
        self.primary.as_ref().map_or(self.commit, Primary::commit)
    }

    /// Members of the ack set that it has not heard for the silence limit; nobody, unless it acts.
    fn silent(&self) -> Vec<ReplicaId> {
        self.primary.as_ref().map_or_else(Vec::new, |primary| primary.peers().silent().to_vec())
    }

    fn standing(&self) -> Standing {
        match (&self.primary, self.shared.view.members.contains(&self.shared.id())) {
            (Some(_), _) => Standing::Primary,
            (None, true) => Standing::Backup,
            (None, false) => Standing::Joining,
        }
    }

    // Roles.

    /// R2: a view is entered only if it is strictly newer than mine; hearing it again changes nothing.
    fn enter(&mut self, view: View, effects: &mut Effects) {
        // Planted: a primary that hears of its view again begins it again, and forgets whom it has taken in.
        let again =
            self.shared.plants(Plant::ReenterView) && view == self.shared.view && view.primary == self.shared.id();
        if !(view.number > self.shared.view.number || again) || !self.may_lead(&view) {
            return;
        }
        if view.primary == self.shared.id() {
            self.become_primary(view, effects)
        } else {
            self.become_backup(view, effects)
        }
    }

    /// False of a view that makes this replica primary without being a member (I9), or without a history: only the first
    /// view ever, and a fresh start, begin with base data (R6). No honest front-end proposes such a view.
    fn may_lead(&self, view: &View) -> bool {
        // Planted: a replica that came back under its old name, or registered first, may begin with base data as well.
        let planted = self.shared.plants(Plant::RestartKeepsId) || self.shared.plants(Plant::PromoteFirstRegistered);
        let begins = view.number == ViewNumber(1) || view.begins_at.is_some();
        let has_history = self.shared.position.is_some() || begins || planted;
        view.primary != self.shared.id() || (has_history && view.members.contains(&self.shared.id()))
    }

    /// R3: nothing of an earlier view counts: the ack set is the members, and nobody has acknowledged anything.
    fn become_primary(&mut self, view: View, effects: &mut Effects) {
        // A durable replica has begun already: it entered the view when the beginning was on disk.
        let position = if self.shared.disk.is_some() { self.shared.here() } else { self.begin(&view) };
        // Planted (R8): as if backups were not sent the session table, so that a new primary begins without one.
        if self.shared.plants(Plant::SessionNotReplicated) && !self.acting() {
            self.shared.book.catch_up().forget_sessions();
        }
        self.leave_role(effects);
        self.loading = None;
        self.primary = Some(Primary::of(&view, position.op, self.shared.id()));
        self.shared.view = view;
        self.entered(effects);
        self.beat(effects);
    }

    /// The history that this primary goes on with: its own, its base data as the very first primary, or at a fresh start
    /// what it holds.
    fn begin(&mut self, view: &View) -> Position {
        match view.begins_at {
            Some(at) => self.shared.begin_afresh(at),
            None => self.shared.position_or_base(),
        }
    }

    /// Also of a replica that is not a member: then it is joining.
    fn become_backup(&mut self, view: View, effects: &mut Effects) {
        // Planted: its own base data count as the beginning of everybody's history.
        if self.shared.plants(Plant::KeepOwnPreset) {
            self.shared.position_or_base();
        }
        self.leave_role(effects);
        self.shared.view = view;
        self.entered(effects);
    }

    /// Somebody in the ack set is in a newer view: this one is over, whatever the newer one is (rule R1).
    fn stand_down(&mut self, effects: &mut Effects) {
        self.leave_role(effects);
        self.entered(effects);
    }

    fn leave_role(&mut self, effects: &mut Effects) {
        if let Some(primary) = self.primary.take() {
            primary.end(effects);
        }
        self.forget_owed();
        self.commit = OpNumber(0);
    }

    fn entered(&mut self, effects: &mut Effects) {
        self.shared.status_due = true;
        effects.trace(|| MachineEvent::Became { standing: self.standing(), view: self.shared.view.clone() });
    }

    // Messages.

    fn on_message(&mut self, from: Contact, traced: bool, message: Message, effects: &mut Effects) {
        if self.waits_for_disk(from, traced, &message, effects) {
            return;
        }
        match message {
            Message::ViewIs { view, joiners, contacts, patience } => {
                self.shared.patience = patience.min(self.shared.settings.most_patience());
                self.on_view_is(from, view, &joiners, &contacts, effects);
            }
            Message::Found { role: Role::FrontEnd, who, .. } => self.on_front_end_found(from, &who, effects),
            Message::StateUpdate(update) => self.on_state_update(from, traced, update, effects),
            Message::Snapshot(part) => self.on_snapshot(from, traced, *part, effects),
            Message::Request { id, since, ask } => {
                let owed = Owed { id, front_end: from, traced };
                match &mut self.primary {
                    Some(primary) => primary.on_request(&mut self.shared, owed, since, ask, effects),
                    None => self.not_primary(owed, effects),
                }
            }
            Message::Ack { view, position, barrier, copy } => {
                self.on_refused(view, effects);
                if let Some(primary) = &mut self.primary {
                    let ack = Acknowledgement { view, position, barrier, copy };
                    primary.on_ack(&self.shared, from.id, traced, ack);
                }
            }
            Message::Refused { view } => self.on_refused(view, effects),
            Message::Register { .. }
            | Message::Lookup { .. }
            | Message::Found { .. }
            | Message::ClaimFrontEnd
            | Message::ReadRecord
            | Message::RecordView { .. }
            | Message::Record { .. }
            | Message::Status(_)
            | Message::Reply { .. }
            | Message::NotPrimary { .. }
            | Message::Busy { .. }
            | Message::LookUpAgain { .. }
            | Message::Waiting { .. } => {}
        }
    }

    /// [4]
    fn on_view_is(&mut self, from: Contact, view: View, joiners: &[ReplicaId], all: &[Contact], effects: &mut Effects) {
        self.shared.addresses.extend(all.iter().map(|contact| (contact.id, contact.address)));
        self.front_end = Some(from);
        effects.set_timer(Timer::FrontEndSilence, self.shared.settings.suspect_after.times(2));
        let number = view.number;
        self.enter(view, effects);
        if let Some(primary) = self.primary.as_mut().filter(|_| number == self.shared.view.number) {
            primary.on_joiners(&self.shared, joiners, effects);
        }
        self.forget_addresses(all);
        self.send_status(from, effects);
        self.speak(effects);
    }

    /// R1 on the side of the primary: somebody has gone on to a newer view.
    fn on_refused(&mut self, view: ViewNumber, effects: &mut Effects) {
        if self.shared.is_over(self.shared.view.number, view) && self.acting() {
            self.stand_down(effects);
        }
    }

    fn not_primary(&self, owed: Owed, effects: &mut Effects) {
        owed.refused(Refusal::NotPrimary, effects);
        let message = Message::NotPrimary { id: owed.id, view: self.shared.view.number };
        effects.send(owed.front_end, owed.traced, message);
    }

    /// Keeps where members, peers and those that were just named listen: the incarnations that are gone must not pile up.
    fn forget_addresses(&mut self, named: &[Contact]) {
        let (members, primary) = (&self.shared.view.members, &self.primary);
        self.shared.addresses.retain(|id, _| {
            let is_peer = primary.as_ref().is_some_and(|primary| primary.peers().contains(*id));
            is_peer || members.contains(id) || named.iter().any(|contact| contact.id == *id)
        });
    }

    fn send_status(&mut self, to: Contact, effects: &mut Effects) {
        self.shared.status_due = false;
        if self.shared.is_mute() {
            return;
        }
        let status = Status {
            view: self.shared.view.number,
            acting: self.acting(),
            position: self.shared.position,
            commit: self.commit(),
            ack_set: self.ack_set().collect(),
            silent: self.silent(),
            late: std::mem::take(&mut self.late),
        };
        effects.send(to, false, Message::Status(status));
    }

    // Timers.

    /// Silence is counted by this clock alone, however often or rarely front-ends are heard (PROTOCOL section 7).
    fn on_heartbeat(&mut self, effects: &mut Effects) {
        if let Some(primary) = &mut self.primary {
            primary.on_heartbeat(&mut self.shared, effects);
        }
        self.speak(effects);
        self.spoke = false;
        effects.set_timer(Timer::Heartbeat, self.shared.settings.heartbeat);
    }

    /// What is said each heartbeat, once. A front-end's view sets the beat for the whole cluster, so that all nodes wake
    /// once for all that is due; where none was heard in a heartbeat, the timer does.
    fn speak(&mut self, effects: &mut Effects) {
        if !std::mem::replace(&mut self.spoke, true) {
            self.register(false, effects);
            self.beat(effects);
        }
    }

    fn beat(&mut self, effects: &mut Effects) {
        if let Some(primary) = &mut self.primary {
            primary.beat(&self.shared, effects);
        }
    }

    /// The front-end is told at once, for it has not been answered; and nobody is accused for the silence.
    fn on_overslept(&mut self, by: Span, effects: &mut Effects) {
        self.late = self.late.max(by);
        self.shared.status_due = true;
        if let Some(primary) = self.primary.as_mut().filter(|_| by >= self.shared.settings.frozen_from()) {
            primary.on_frozen(&mut self.shared);
        }
        if by >= self.shared.settings.frozen_from() {
            self.wait_anew_for_disk(effects);
        }
    }

    /// A timer that runs is left alone by a change that has nothing to do with it.
    fn retime(&mut self, settings: Settings, effects: &mut Effects) {
        let before = std::mem::replace(&mut self.shared.settings, settings);
        if before.heartbeat != self.shared.settings.heartbeat {
            effects.set_timer(Timer::Heartbeat, self.shared.settings.heartbeat);
        }
    }
}

impl Machine for Replica {
    /// \[1\]
    fn start(&mut self, effects: &mut Effects) {
        self.note_recovery(effects);
        self.register(true, effects);
        self.look_front_end_up(effects);
        effects.set_timer(Timer::Heartbeat, self.shared.settings.heartbeat);
    }

    fn handle(&mut self, input: Input, effects: &mut Effects) {
        self.finish();
        match (input, &mut self.primary) {
            (Input::Received { from, traced, message }, _) => self.on_message(from, traced, message, effects),
            (Input::Rang(Timer::Heartbeat), _) => self.on_heartbeat(effects),
            (Input::Rang(Timer::FrontEndSilence), _) => self.look_front_end_up(effects),
            (Input::Rang(Timer::Disk), _) => self.on_disk_timer(effects),
            (Input::Kept { number }, _) => self.on_kept(number, effects),
            (Input::KeepFailed { why, .. }, _) => self.on_keep_failed(why, effects),
            (Input::Overslept { by }, _) => self.on_overslept(by, effects),
            (Input::Retimed(settings), _) => self.retime(settings, effects),
            (Input::Rang(Timer::CheckAgain(request)), Some(primary)) => primary.on_check_again(request, effects),
            (Input::PostcodeChecked { request, verdict, at }, Some(primary)) => {
                primary.on_verdict(&mut self.shared, request, verdict, at, effects);
            }
            (Input::Gone { peer }, Some(primary)) => primary.on_gone(&mut self.shared, peer),
            (Input::PostcodeChecked { .. } | Input::Gone { .. }, None)
            | (Input::Rang(_) | Input::ConnectionLost { .. } | Input::StoreAnswered { .. } | Input::Wanted { .. }, _) =>
                {}
        }
    }

    fn settle(&mut self, effects: &mut Effects) {
        if let Some(primary) = &mut self.primary {
            primary.advance(&mut self.shared, effects);
        }
        self.write(effects);
        if let (true, Some(front_end)) = (self.shared.status_due, self.front_end) {
            self.send_status(front_end, effects);
        }
    }

    fn has_put_off(&self) -> bool {
        self.shared.book.is_late()
    }

    fn finish(&mut self) {
        self.shared.book.catch_up();
    }

    fn describe(&self) -> NodeState {
        NodeState::Replica(Box::new(ReplicaState {
            standing: self.standing(),
            view: self.shared.view.clone(),
            acting: self.acting(),
            position: self.shared.position,
            commit: self.commit(),
            ack_set: self.ack_set().collect(),
            silent: self.silent(),
            joiners: self.primary.as_ref().map_or_else(Vec::new, |primary| primary.peers().joiners()),
            loading: self.loading.as_ref().map(Loading::progress),
            orders: self.shared.book.accepted(),
            postcodes: self.shared.book.postcodes() as u64,
            sessions: self.shared.book.sessions() as u64,
            evicted: self.shared.book.evicted(),
            digest: self.shared.book.digest(),
            unchecked: self.primary.as_ref().and_then(Primary::unchecked),
            disk: self.shared.disk.as_ref().map(|disk| disk.state(&self.shared.now())),
        }))
    }
}
