//! Which replicas are alive, as far as a front-end can tell: by messages, silence and proofs of death (PROTOCOL section 7).
//!
//! Nothing here decides what is right: a wrong suspicion costs a view change, and a copy for a while, never an order.

use std::collections::BTreeMap;

use super::FrontEnd;
use crate::ids::{Contact, ReplicaId, Span, ViewNumber};
use crate::machine::{Effects, Settings, Timer};
use crate::message::Status;
use crate::trace::{MachineEvent, Sign, Suspicion};

/// A replica that answered this many heartbeats has made up for all earlier suspicions: ten seconds.
const STEADY: u32 = 200;
/// A process that dies before it has answered this many heartbeats died soon: two seconds.
const SOON: u32 = 40;
/// A name whose processes die soon is tried for at most this many heartbeats, so that each death costs little of a trial.
const LONGEST_TRIAL_OF_THE_DYING: u32 = 32;
/// The same for a replica that falls silent again and again: that takes longer to notice than a death.
const LONGEST_TRIAL_OF_THE_SILENT: u32 = 128;
/// Suspicions that are remembered, for show.
const MOST_SUSPICIONS: usize = 8;

/// What a front-end knows of a replica.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Known {
    pub(super) contact: Option<Contact>,
    /// As the name server calls it; none until it has said so.
    pub(super) name: Option<String>,
    /// How many were known before: of equals, the first that was found leads.
    pub(super) order: u64,
    pub(super) health: Health,
    pub(super) status: Option<Status>,
    /// The newest view it was told of: repeating that is not shown.
    pub(super) announced: ViewNumber,
    /// It was heard since the last heartbeat.
    heard: bool,
    /// Heartbeats in a row that it has not answered.
    unanswered: u32,
    /// Heartbeats that it has answered since it was last suspected.
    steady: u32,
    /// How late the front-end's own loop has been since this replica was heard.
    own_late: Span,
    /// How far its silence is borne beyond the limit.
    granted: Span,
}

/// Whether a replica lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Health {
    /// Never heard; its time is running.
    Unheard,
    /// Heard within the silence limit.
    Alive,
    /// Not heard for the silence limit.
    Silent,
    /// Its process is proved to be gone.
    Gone,
}

impl Known {
    fn new(order: u64) -> Self {
        Self {
            contact: None,
            name: None,
            order,
            health: Health::Unheard,
            status: None,
            announced: ViewNumber(0),
            heard: false,
            unanswered: 0,
            steady: 0,
            own_late: Span(0),
            granted: Span(0),
        }
    }

    pub(super) fn is_dead(&self) -> bool {
        matches!(self.health, Health::Silent | Health::Gone)
    }

    /// Whether it has answered the last heartbeat that is over.
    pub(super) fn is_fresh(&self) -> bool {
        self.unanswered == 0
    }

    fn count_silence(&mut self, id: ReplicaId, settings: &Settings, effects: &mut Effects) {
        (self.own_late, self.granted) = (Span(0), Span(0));
        effects.set_timer(Timer::Silence(id), settings.suspect_after);
    }
}

/// For how many heartbeats a replica must be heard before it may become a member (again), by name: processes come and go,
/// names stay. Of names that need only one nothing is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Trials(BTreeMap<String, u32>);

impl Trials {
    fn of(&self, name: &str) -> u32 {
        self.0.get(name).copied().unwrap_or(1)
    }

    fn lengthen(&mut self, name: Option<&String>, longest: u32) {
        if let Some(name) = name {
            let trial = self.of(name);
            self.0.insert(name.clone(), (trial * 2).min(longest).max(trial));
        }
    }
}

impl FrontEnd {
    /// Makes a replica known; its silence is counted from now.
    pub(super) fn meet(&mut self, id: ReplicaId, contact: Option<Contact>, effects: &mut Effects) -> &mut Known {
        let order = self.found;
        let known = self.replicas.entry(id).or_insert_with(|| {
            self.found += 1;
            effects.set_timer(Timer::Silence(id), self.settings.suspect_after);
            Known::new(order)
        });
        if contact.is_some() {
            known.contact = contact;
        }
        known
    }

    /// A name is in the hands of this process now. The process that had it before is probably dead.
    pub(super) fn named(&mut self, id: ReplicaId, name: &str, effects: &mut Effects) {
        for (other, known) in &mut self.replicas {
            if *other == id {
                known.name = Some(name.to_owned());
            } else if known.name.as_deref() == Some(name) && known.health != Health::Gone {
                known.contact.into_iter().for_each(|former| effects.probe(former));
            }
        }
    }

    /// Forgets the dead that nobody knows any more, so that restarts do not pile up.
    pub(super) fn forget(&mut self, is_registered: impl Fn(&ReplicaId) -> bool) {
        let (members, candidates) = (&self.view.members, &self.candidates);
        self.replicas.retain(|id, known| {
            !known.is_dead() || members.contains(id) || candidates.contains(id) || is_registered(id)
        });
        let replicas = &self.replicas;
        self.trials.0.retain(|name, _| replicas.values().any(|known| known.name.as_ref() == Some(name)));
    }

    /// Whether a living node has no name yet from the name server.
    pub(super) fn hears_a_stranger(&self) -> bool {
        self.replicas.values().any(|known| known.health == Health::Alive && known.name.is_none())
    }

    /// Whether it may be taken in: what comes and goes must first have stayed for a while.
    pub(super) fn is_reliable(&self, id: &ReplicaId) -> bool {
        self.replicas.get(id).is_some_and(|known| {
            let trial = known.name.as_ref().map(|name| self.trials.of(name));
            known.health == Health::Alive && trial.is_some_and(|trial| known.steady >= trial)
        })
    }

    pub(super) fn on_status(&mut self, from: Contact, status: Status, effects: &mut Effects) {
        let is_new = !self.replicas.contains_key(&from.id);
        self.note_late(status.late);
        let known = self.meet(from.id, Some(from), effects);
        let (was, changed) = (known.health, known.status.as_ref() != Some(&status));
        (known.health, known.heard, known.unanswered) = (Health::Alive, true, 0);
        known.status = Some(status.clone());
        let settings = &self.settings;
        if let Some(known) = self.replicas.get_mut(&from.id) {
            known.count_silence(from.id, settings, effects);
        }
        if matches!(was, Health::Silent | Health::Gone) {
            self.refuted(from.id, status.late, effects);
        }
        self.reconsider |= changed || was != Health::Alive;
        if is_new {
            self.look_replicas_up(effects);
        }
        // Whom the primary misses may be dead; if that can be proved, then at once.
        for missed in status.silent.iter().filter_map(|id| self.replicas.get(id)) {
            missed.contact.filter(|_| !missed.is_dead()).into_iter().for_each(|missed| effects.probe(missed));
        }
        self.learn_from(from.id, status, effects);
    }

    /// Once a heartbeat: which replicas have answered the last one, and which have not.
    pub(super) fn count_answers(&mut self, effects: &mut Effects) {
        for known in self.replicas.values_mut() {
            if std::mem::take(&mut known.heard) {
                known.steady = (known.steady + 1).min(STEADY);
                if let Some(name) = known.name.as_ref().filter(|_| known.steady == STEADY) {
                    self.trials.0.remove(name);
                }
                // It may have become reliable.
                self.reconsider |= known.steady <= LONGEST_TRIAL_OF_THE_SILENT;
            } else {
                known.unanswered = known.unanswered.saturating_add(1);
                let living = known.contact.filter(|_| known.health != Health::Gone);
                living.into_iter().for_each(|silent| effects.probe(silent));
            }
        }
        self.late.0 -= self.late.0.div_ceil(64);
    }

    pub(super) fn on_silence(&mut self, replica: ReplicaId, effects: &mut Effects) {
        let patience = self.patience();
        let Some(known) = self.replicas.get_mut(&replica).filter(|known| !known.is_dead()) else { return };
        if self.retired {
            // It says nothing any more, so nobody answers: that accuses nobody.
            known.health = Health::Silent;
            return;
        }
        // While its own loop was late it asked nobody; and where nodes are slow, an answer is.
        let borne = Span(known.own_late.0 + patience.0);
        if borne > known.granted {
            let more = Span(borne.0 - known.granted.0);
            known.granted = borne;
            return effects.set_timer(Timer::Silence(replica), more);
        }
        let silence = Span(self.settings.suspect_after.0 + known.granted.0);
        let sign = Sign::Silent { silence, late: known.own_late };
        known.health = Health::Silent;
        known.steady = 0;
        self.trials.lengthen(known.name.as_ref(), LONGEST_TRIAL_OF_THE_SILENT);
        self.suspected(replica, sign, effects);
    }

    /// A proof of death: nobody need wait for the silence limit.
    pub(super) fn on_gone(&mut self, replica: ReplicaId, effects: &mut Effects) {
        let Some(known) = self.replicas.get_mut(&replica).filter(|known| known.health != Health::Gone) else { return };
        if self.retired {
            return;
        }
        let was_silent = known.health == Health::Silent;
        known.health = Health::Gone;
        effects.cancel_timer(Timer::Silence(replica));
        self.reconsider = true;
        if !was_silent {
            if std::mem::take(&mut known.steady) < SOON {
                self.trials.lengthen(known.name.as_ref(), LONGEST_TRIAL_OF_THE_DYING);
            }
            self.suspected(replica, Sign::Gone, effects);
        }
    }

    fn suspected(&mut self, of: ReplicaId, why: Sign, effects: &mut Effects) {
        self.reconsider = true;
        if self.suspicions.len() >= MOST_SUSPICIONS {
            self.suspicions.remove(0);
        }
        let name = self.replicas.get(&of).and_then(|known| known.name.clone());
        self.suspicions.push(Suspicion { of, name, why, refuted: None });
        effects.trace(|| MachineEvent::Suspects { replica: of, suspected: true, why: Some(why) });
    }

    fn refuted(&mut self, of: ReplicaId, late: Span, effects: &mut Effects) {
        let last = self.suspicions.iter_mut().rev().find(|suspicion| suspicion.of == of);
        if let Some(suspicion) = last.filter(|suspicion| suspicion.refuted.is_none()) {
            suspicion.refuted = Some(late);
        }
        effects.trace(|| MachineEvent::Suspects { replica: of, suspected: false, why: Some(Sign::Heard { late }) });
    }

    /// Its own loop was late: silent replicas get that time back; all of it, if it was frozen (PROTOCOL section 7).
    pub(super) fn on_overslept(&mut self, by: Span, effects: &mut Effects) {
        self.note_late(by);
        if by >= self.settings.frozen_from() {
            self.count_all_silence(effects);
            // Perhaps there is a newer front-end by now.
            self.reading = false;
            self.read_record(effects);
        } else {
            self.replicas.values_mut().for_each(|known| known.own_late.0 += by.0);
        }
    }

    /// Every replica that is not dead gets a full silence limit from now.
    pub(super) fn count_all_silence(&mut self, effects: &mut Effects) {
        for (id, known) in &mut self.replicas {
            if !known.is_dead() {
                known.count_silence(*id, &self.settings, effects);
            }
        }
    }

    /// While it was retired nobody answered it: that was no silence.
    pub(super) fn forgive_all(&mut self, effects: &mut Effects) {
        for (id, known) in &mut self.replicas {
            known.health = Health::Unheard;
            known.count_silence(*id, &self.settings, effects);
        }
    }

    /// Somebody got no processor time for so long; so may others soon, on the same machine.
    fn note_late(&mut self, by: Span) {
        let most = Span(self.settings.most_patience().0 / 2);
        self.late = self.late.max(by.min(most));
    }

    /// How much longer than the silence limit a silence is borne now: twice as late as anybody was lately.
    pub(super) fn patience(&self) -> Span {
        self.late.times(2).min(self.settings.most_patience())
    }
}
