//! A replica: joining, backup or primary. Every change of role happens here, in a `become_*`.
//!
//! What the roles share is the replicated state (order book, its position, the tail of the log) and the view. What a backup
//! does stands in `replica/backup.rs`, how a fresh process gets its state in `replica/joining.rs`; the primary executes in
//! `replica/primary.rs`, looks postcodes up in `replica/checks.rs`, keeps its peers in step in `replica/peers.rs` and answers in
//! `replica/answers.rs`.

mod answers;
mod backup;
mod checks;
#[cfg(feature = "simulation")]
mod inspection;
mod joining;
mod log;
mod peers;
mod primary;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::ids::{Contact, NodeId, OpNumber, Position, ReplicaId, Role, Span, View, ViewNumber};
use crate::machine::{Effects, Identity, Input, Machine, Settings, Timer};
use crate::message::{Message, Status};
use crate::order_book::OrderBook;
use crate::plant::Plant;
use crate::trace::{NodeState, Refusal, ReplicaState, Standing, TraceEvent};

use answers::Owed;
use joining::Loading;
use log::Log;
use primary::Primary;

/// A replica.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Replica {
    identity: Identity,
    settings: Settings,
    /// The newest view it has entered; number 0 before the first.
    view: View,
    /// What makes it an acting primary; made anew at every entry (rule R3).
    primary: Option<Primary>,
    /// None until it is the very first primary or has installed a snapshot (rule R6).
    position: Option<Position>,
    /// The replicated state; only the pre-defined data while there is no position.
    book: OrderBook,
    log: Log,
    /// The highest commit number heard in this view, for show.
    commit: OpNumber,
    loading: Option<Loading>,
    /// Whoever announced a view last.
    front_end: Option<Contact>,
    addresses: BTreeMap<NodeId, SocketAddr>,
    /// The front-end should know at once what changed.
    status_due: bool,
    /// What is said each heartbeat was said since its timer rang last.
    spoke: bool,
    /// How late its own loop has been since its last status.
    late: Span,
    /// How much longer than the silence limit a silence is borne now, as the front-end says.
    patience: Span,
}

impl Replica {
    /// A fresh process: `base` is its pre-defined history, which counts only if it becomes the very first primary.
    #[must_use]
    pub fn new(identity: Identity, settings: Settings, base: OrderBook) -> Self {
        let book = base.with_room_for(settings.most_sessions);
        Self {
            identity,
            settings,
            view: View::default(),
            primary: None,
            position: None,
            book,
            log: Log::default(),
            commit: OpNumber(0),
            loading: None,
            front_end: None,
            addresses: BTreeMap::new(),
            status_due: false,
            spoke: false,
            late: Span(0),
            patience: Span(0),
        }
    }

    /// The newest view it has entered.
    #[must_use]
    pub fn view(&self) -> &View {
        &self.view
    }

    /// Whether it acts as primary of its view.
    #[must_use]
    pub fn acting(&self) -> bool {
        self.primary.is_some()
    }

    /// Where its history ends.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.position
    }

    /// The replicated state.
    #[must_use]
    pub fn book(&self) -> &OrderBook {
        &self.book
    }

    /// The position after `op`, if its log still reaches that far back.
    #[must_use]
    pub fn position_at(&self, op: OpNumber) -> Option<Position> {
        self.log.position_at(op)
    }

    /// Whose acknowledgement each answer needs; nobody's, unless it acts.
    pub fn ack_set(&self) -> impl Iterator<Item = ReplicaId> + '_ {
        self.primary.iter().flat_map(|primary| primary.ack_set().iter().copied())
    }

    /// The highest operation it knows to be on every member.
    #[must_use]
    pub fn commit(&self) -> OpNumber {
        self.primary.as_ref().map_or(self.commit, Primary::commit)
    }

    fn id(&self) -> ReplicaId {
        self.identity.me.id
    }

    fn standing(&self) -> Standing {
        match (&self.primary, self.view.members.contains(&self.id())) {
            (Some(_), _) => Standing::Primary,
            (None, true) => Standing::Backup,
            (None, false) => Standing::Joining,
        }
    }

    // Roles.

    /// R2: a view is entered only if it is strictly newer than mine; hearing it again changes nothing.
    fn enter(&mut self, view: View, effects: &mut Effects) {
        // Planted: a primary that hears of its view again begins it again, and forgets whom it has taken in.
        let again = self.settings.plants(Plant::ReenterView) && view == self.view && view.primary == self.id();
        if !(view.number > self.view.number || again) || !self.may_lead(&view) {
            return;
        }
        if view.primary == self.id() { self.become_primary(view, effects) } else { self.become_backup(view, effects) }
    }

    /// False of a view that makes this replica primary without being a member (I9), or without a history: only the first
    /// view ever, and a fresh start, begin with base data (R6). No honest front-end proposes such a view.
    fn may_lead(&self, view: &View) -> bool {
        // Planted: whoever came back under its old name, or registered first, may begin with base data as well.
        let planted =
            self.settings.plants(Plant::RestartKeepsId) || self.settings.plants(Plant::PromoteFirstRegistered);
        let begins = view.number == ViewNumber(1) || view.begins_at.is_some();
        let has_history = self.position.is_some() || begins || planted;
        view.primary != self.id() || (has_history && view.members.contains(&self.id()))
    }

    /// R3: nothing of an earlier view counts: the ack set is the members, and nobody has acknowledged anything.
    fn become_primary(&mut self, view: View, effects: &mut Effects) {
        let position = match view.begins_at {
            Some(at) => self.begin_afresh(at),
            None => self.position_or_base(),
        };
        // Planted (R8): as if backups were not sent the session table, so that a new primary begins without one.
        if self.settings.plants(Plant::SessionNotReplicated) && !self.acting() {
            self.book.forget_sessions();
        }
        self.leave_role(effects);
        self.primary = Some(Primary::of(&view, position.op, self.id()));
        self.view = view;
        self.entered(effects);
        self.beat(effects);
    }

    /// The operator's fresh start (PROTOCOL section 10): what this replica holds, its base data if it holds nothing, is the
    /// beginning of a new history. It begins with a number that no entry of the lost one had, so neither positions nor late
    /// requests of that one are taken for those of the new one.
    fn begin_afresh(&mut self, at: OpNumber) -> Position {
        let at = self.position.map_or(at, |mine| at.max(mine.op.next()));
        let base = self.book.begin_afresh(at);
        self.position = Some(base);
        self.log = Log::starting_at(base);
        base
    }

    /// Also of a replica that is not a member: then it is joining.
    fn become_backup(&mut self, view: View, effects: &mut Effects) {
        // Planted: its own base data count as the beginning of everybody's history.
        if self.settings.plants(Plant::KeepOwnPreset) {
            self.position_or_base();
        }
        self.leave_role(effects);
        self.view = view;
        self.entered(effects);
    }

    /// Base data become operation 0 of a history, if there is none yet (PROTOCOL section 5).
    fn position_or_base(&mut self) -> Position {
        *self.position.get_or_insert_with(|| {
            let base = self.book.as_base();
            self.log = Log::starting_at(base);
            base
        })
    }

    /// R6: whether two histories are the same: by all that they hold.
    fn is_same(&self, one: Position, other: Position) -> bool {
        // Planted: by their length.
        one == other || (self.settings.plants(Plant::KeepOwnPreset) && one.op == other.op)
    }

    /// Somebody in the ack set is in a newer view: this one is over, whatever the newer one is (rule R1).
    fn stand_down(&mut self, effects: &mut Effects) {
        self.leave_role(effects);
        self.entered(effects);
    }

    /// Reads and orders being validated are dropped: the front-end still has the requests.
    fn leave_role(&mut self, effects: &mut Effects) {
        if let Some(primary) = self.primary.take() {
            primary.checks.end(effects);
        }
        self.loading = None;
        self.commit = OpNumber(0);
    }

    fn entered(&mut self, effects: &mut Effects) {
        self.status_due = true;
        effects.trace(|| TraceEvent::Became { standing: self.standing(), view: self.view.clone() });
    }

    // Messages.

    fn on_message(&mut self, from: Contact, traced: bool, message: Message, effects: &mut Effects) {
        match message {
            Message::ViewIs { view, joiners, contacts, patience } => {
                self.patience = patience.min(self.settings.most_patience());
                self.on_view_is(from, view, &joiners, &contacts, effects);
            }
            Message::Found { role: Role::FrontEnd, who, .. } => self.on_front_end_found(&who, effects),
            Message::StateUpdate(update) => self.on_state_update(from, traced, update, effects),
            Message::Snapshot(part) => self.on_snapshot(from, traced, part, effects),
            Message::Request { id, since, ask } => {
                self.on_request(Owed { id, front_end: from, traced }, since, ask, effects);
            }
            Message::Ack { view, position, barrier, part } => {
                self.on_ack(from, view, (self.as_shown(traced, position), barrier, part), effects);
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
        self.addresses.extend(all.iter().map(|contact| (contact.id, contact.address)));
        self.front_end = Some(from);
        effects.set_timer(Timer::FrontEndSilence, self.settings.suspect_after.times(2));
        let number = view.number;
        self.enter(view, effects);
        if number == self.view.number {
            self.bring_up(joiners, effects);
        }
        self.forget_addresses(all);
        self.send_status(from, effects);
        self.speak(effects);
    }

    /// Keeps where members, peers and whoever was just named listen: the incarnations that are gone must not pile up.
    fn forget_addresses(&mut self, named: &[Contact]) {
        let (members, primary) = (&self.view.members, &self.primary);
        self.addresses.retain(|id, _| {
            let is_peer = primary.as_ref().is_some_and(|primary| primary.peers.contains_key(id));
            is_peer || members.contains(id) || named.iter().any(|contact| contact.id == *id)
        });
    }

    fn send_status(&mut self, to: Contact, effects: &mut Effects) {
        self.status_due = false;
        let (ack_set, silent) = self.primary.as_ref().map_or_else(Default::default, Primary::report);
        let status = Status {
            view: self.view.number,
            acting: self.acting(),
            position: self.position,
            commit: self.commit(),
            ack_set,
            silent,
            late: std::mem::take(&mut self.late),
        };
        effects.send(to, false, Message::Status(status));
    }

    // Timers.

    /// Silence is counted by this clock alone, however often or rarely front-ends are heard (PROTOCOL section 7).
    fn on_heartbeat(&mut self, effects: &mut Effects) {
        self.watch_peers(effects);
        self.count_checks(effects);
        self.speak(effects);
        self.spoke = false;
        effects.set_timer(Timer::Heartbeat, self.settings.heartbeat);
    }

    /// What is said each heartbeat, once. A front-end's word sets the beat for the whole cluster, so that everybody wakes
    /// once for all that is due; where none was heard in a heartbeat, the timer does.
    fn speak(&mut self, effects: &mut Effects) {
        if !std::mem::replace(&mut self.spoke, true) {
            self.register(false, effects);
            self.beat(effects);
        }
    }

    /// The front-end is told at once, for it has not been answered; and nobody is accused for the silence.
    fn on_overslept(&mut self, by: Span) {
        self.late = self.late.max(by);
        self.status_due = true;
        if by >= self.settings.frozen_from() {
            self.forgive_peers();
        }
    }

    /// A timer that runs is left alone by a change that has nothing to do with it.
    fn retime(&mut self, settings: Settings, effects: &mut Effects) {
        let before = std::mem::replace(&mut self.settings, settings);
        if before.heartbeat != self.settings.heartbeat {
            effects.set_timer(Timer::Heartbeat, self.settings.heartbeat);
        }
    }

    /// R1: whether the view `theirs` is over for whoever is in `ours`.
    fn is_over(&self, theirs: ViewNumber, ours: ViewNumber) -> bool {
        // Planted: views are not compared, on neither side.
        theirs < ours && !self.settings.plants(Plant::NoViewCheck)
    }

    /// R1, the fence: what is said in a view that is over is refused, and the sender is told.
    fn refuse(&self, from: Contact, theirs: ViewNumber, traced: bool, effects: &mut Effects) {
        let ours = self.view.number;
        effects.trace(|| TraceEvent::Refused { from: from.id, why: Refusal::ViewIsOver { theirs, ours } });
        effects.send(from, traced, Message::Refused { view: ours });
    }
}

impl Machine for Replica {
    /// \[1\]
    fn start(&mut self, effects: &mut Effects) {
        self.register(true, effects);
        self.look_front_end_up(effects);
        effects.set_timer(Timer::Heartbeat, self.settings.heartbeat);
    }

    fn handle(&mut self, input: Input, effects: &mut Effects) {
        match input {
            Input::Received { from, traced, message } => self.on_message(from, traced, message, effects),
            Input::Rang(Timer::Heartbeat) => self.on_heartbeat(effects),
            Input::Rang(Timer::FrontEndSilence) => self.look_front_end_up(effects),
            Input::Rang(Timer::CheckAgain(request)) => self.on_check_again(request, effects),
            Input::PostcodeChecked { request, verdict, at } => self.on_verdict(request, verdict, at, effects),
            Input::Overslept { by } => self.on_overslept(by),
            Input::Gone { peer } => self.on_gone(peer),
            Input::Retimed(settings) => self.retime(settings, effects),
            Input::Rang(_) | Input::ConnectionLost { .. } | Input::Wanted { .. } => {}
        }
    }

    fn settle(&mut self, effects: &mut Effects) {
        self.advance(effects);
        if let (true, Some(front_end)) = (self.status_due, self.front_end) {
            self.send_status(front_end, effects);
        }
    }

    fn describe(&self) -> NodeState {
        NodeState::Replica(Box::new(ReplicaState {
            standing: self.standing(),
            view: self.view.clone(),
            acting: self.acting(),
            position: self.position,
            commit: self.commit(),
            ack_set: self.ack_set().collect(),
            silent: self.primary.as_ref().map_or_else(Vec::new, |primary| primary.report().1),
            joiners: self.primary.as_ref().map_or_else(Vec::new, Primary::joiners),
            loading: self.loading.as_ref().map(Loading::progress),
            orders: self.book.accepted(),
            postcodes: self.book.postcodes() as u64,
            sessions: self.book.sessions() as u64,
            evicted: self.book.evicted(),
            digest: self.book.digest(),
            unchecked: self.primary.as_ref().and_then(|primary| primary.checks.report()),
        }))
    }
}
