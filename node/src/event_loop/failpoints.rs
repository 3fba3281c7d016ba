//! Where the failpoints lie: recognised by what comes to a machine, what it asks for, and what leaves.
//!
//! No machine knows them. Nothing is done here: what happens at a point, and to what is left undone, is up to `bombs`. The
//! points of the launcher and of a disk are their own, and a joiner cannot know that it is in the ack set: its launcher hears
//! that.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use protocol::ids::{NodeId, OpNumber, Position, ReplicaId, View, ViewNumber};
use protocol::machine::{Effect, Input, Timer};
use protocol::message::{Answer, Envelope, Message, StateUpdate};
use protocol::postcode::Verdict;
use protocol::trace::{Failpoint, MachineEvent, NodeState, ReplicaState, Standing};

/// A moment in the work of an actor, between two things that it does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Moment<'a> {
    /// This has come, and nothing was done.
    Before(&'a Input),
    /// The effects before `next` have been carried out, and the rest has not.
    Between {
        /// All that the machine asked for in one go.
        effects: &'a [Effect],
        /// At most their number.
        next: usize,
    },
    /// This has just left its link.
    Left(&'a Envelope),
}

/// Looks out for one point in one actor.
#[derive(Debug)]
pub(super) struct Watch {
    at: Failpoint,
    me: NodeId,
    /// Front-end: the replicas that it suspects, as far as that was heard.
    suspected: BTreeSet<ReplicaId>,
    /// Front-end: the newest view when the watch began.
    announced: ViewNumber,
    /// Primary: the end of what some backup was sent. Backup: the end of what it was sent last.
    update: Option<OpNumber>,
    /// Joiner: the state it is sent parts of.
    snapshot: Option<Position>,
}

impl Watch {
    /// `state`: what the actor believes now.
    pub(super) fn new(at: Failpoint, me: NodeId, state: &NodeState) -> Self {
        let mut watch =
            Self { at, me, suspected: BTreeSet::new(), announced: ViewNumber(0), update: None, snapshot: None };
        if let NodeState::FrontEnd { view, alive, .. } = state {
            watch.announced = view.number;
            watch.suspected = view.members.iter().filter(|member| !alive.contains(member)).copied().collect();
        }
        watch
    }

    /// Whether the point is reached at this moment. Every moment must be shown, in order. `state` tells what the actor
    /// believes then; it is asked only where it matters.
    pub(super) fn sees(&mut self, moment: Moment<'_>, state: &dyn Fn() -> NodeState) -> bool {
        let reached = self.is_reached(moment, state);
        self.remember(moment);
        reached
    }

    /// A new view is announced to its primary first: only then is there a moment at which no other node has been told.
    pub(super) fn arrange(&self, effects: &mut [Effect]) {
        if self.at == Failpoint::FrontEndNewviewToPrimaryOnly
            && let Some(first) = effects.iter().position(|effect| self.announces(sent(effect)))
            && let Some(to_primary) = effects.iter().position(|effect| {
                matches!(effect, Effect::Send { to, message: Message::ViewIs { view, .. }, .. } if to.id == view.primary)
            })
            && first < to_primary
        {
            effects[first..=to_primary].rotate_right(1);
        }
    }

    fn is_reached(&self, moment: Moment<'_>, state: &dyn Fn() -> NodeState) -> bool {
        match self.at {
            Failpoint::PrimaryReceived => moment.brings(is_request) && acts(state),
            Failpoint::PrimaryValidated => moment.is_before(is_verdict) && acts(state),
            Failpoint::PrimaryAssigned => moment.begins_to_send(|message| entries(message).is_some()) && acts(state),
            Failpoint::PrimarySentToOne => {
                let newer = |envelope: &Envelope| entries(&envelope.message) > self.update;
                moment.has_left(newer) && acts(state)
            }
            Failpoint::PrimaryAllAcked => moment.commits_and_replies(),
            Failpoint::PrimaryCommitted => moment.is_about_to_send(is_outcome) && acts(state),
            Failpoint::PrimaryReplied => moment.has_left(|envelope| is_outcome(&envelope.message)) && acts(state),
            Failpoint::BackupBeforeApply => moment.brings(|message| entries(message).is_some()) && follows(state),
            Failpoint::BackupApplied => moment.is_about_to_send(|message| self.acks_update(message)) && follows(state),
            Failpoint::BackupAcked => moment.has_left(|envelope| self.acks_update(&envelope.message)) && follows(state),
            Failpoint::FrontEndSuspected => {
                moment.has_noted(|event| suspicion(event).is_some_and(|(_, begins)| begins))
            }
            Failpoint::FrontEndSomeReports => moment.brings(is_status) && !self.suspected.is_empty(),
            Failpoint::FrontEndAllReports => moment.is_about_to_send(is_proposal),
            Failpoint::FrontEndViewRecorded => moment.brings(|message| is_record_after(message, state)),
            Failpoint::FrontEndNewviewToPrimaryOnly => {
                moment.has_left(|envelope| self.announces(Some(&envelope.message)) && is_for_its_primary(envelope))
            }
            Failpoint::FrontEndBeforeForward => moment.brings(is_request),
            Failpoint::FrontEndReplyHeld => moment.brings(is_reply),
            Failpoint::NameServerBeforeJournal | Failpoint::NameServerTornJournal => moment.is_before_journal(),
            Failpoint::NameServerJournaledNotAnswered => moment.is_after_journal(),
            Failpoint::NameServerCleaning => moment.is_before(|input| matches!(input, Input::Rang(Timer::Autoclean))),
            Failpoint::JoinerRegistered => moment.has_left(is_registration) && joins(state),
            Failpoint::JoinerMidSnapshot => moment.brings(is_snapshot) && is_loading(state),
            Failpoint::JoinerSnapshotDone => moment.is_about_to_send(|message| self.acks_snapshot(message)),
            Failpoint::JoinerViewRecorded => moment.brings(|message| takes_in(message, self.me, state)),
            Failpoint::CustomerBeforeSend => moment.is_about_to_send(is_request),
            Failpoint::CustomerSent => moment.has_left(|envelope| is_request(&envelope.message)),
            Failpoint::CustomerReplyUnseen => moment.brings(is_reply),
            // The launcher lays it only after it has heard from the primary that the point is reached.
            Failpoint::JoinerInAckSet => true,
            // The disk says itself that it has come there.
            Failpoint::DiskTornLog
            | Failpoint::DiskBeforeFsync
            | Failpoint::DiskAfterFsync
            | Failpoint::DiskSnapshotRename
            | Failpoint::SupervisorChildSpawnedUnregistered
            | Failpoint::SupervisorMidShutdown => false,
        }
    }

    fn remember(&mut self, moment: Moment<'_>) {
        match moment {
            Moment::Before(Input::Received { message, .. }) => {
                self.update = entries(message).or(self.update);
                if let Message::Snapshot(part) = message {
                    self.snapshot = Some(part.at);
                }
            }
            Moment::Before(_) => {}
            Moment::Between { .. } => {
                if let Some(Effect::Trace(event)) = moment.last()
                    && let Some((replica, begins)) = suspicion(event)
                {
                    if begins {
                        self.suspected.insert(replica)
                    } else {
                        self.suspected.remove(&replica)
                    };
                }
            }
            Moment::Left(envelope) => self.update = self.update.max(entries(&envelope.message)),
        }
    }

    /// Whether this says that the update that came last is applied.
    fn acks_update(&self, message: &Message) -> bool {
        matches!((message, self.update), (Message::Ack { position: Some(position), copy: None, .. }, Some(end))
            if position.op >= end)
    }

    /// Whether this says that the snapshot is installed.
    fn acks_snapshot(&self, message: &Message) -> bool {
        matches!(message, Message::Ack { position: Some(position), .. }
            if Some(*position) == self.snapshot)
    }

    /// Whether this tells of a view that no node had been told of when the watch began.
    fn announces(&self, message: Option<&Message>) -> bool {
        matches!(message, Some(Message::ViewIs { view, .. }) if view.number > self.announced)
    }
}

impl Moment<'_> {
    fn is_before(self, so: impl Fn(&Input) -> bool) -> bool {
        matches!(self, Moment::Before(input) if so(input))
    }

    fn brings(self, so: impl Fn(&Message) -> bool) -> bool {
        matches!(self, Moment::Before(Input::Received { message, .. }) if so(message))
    }

    fn has_left(self, so: impl Fn(&Envelope) -> bool) -> bool {
        matches!(self, Moment::Left(envelope) if so(envelope))
    }

    /// The effect that was carried out last.
    fn last(&self) -> Option<&Effect> {
        match self {
            Moment::Between { effects, next } => effects.get(next.checked_sub(1)?),
            Moment::Before(_) | Moment::Left(_) => None,
        }
    }

    /// The effect that would be carried out now.
    fn next(&self) -> Option<&Effect> {
        match self {
            Moment::Between { effects, next } => effects.get(*next),
            Moment::Before(_) | Moment::Left(_) => None,
        }
    }

    fn is_about_to_send(&self, so: impl Fn(&Message) -> bool) -> bool {
        self.next().and_then(sent).is_some_and(so)
    }

    /// … and nothing of this kind was sent before.
    fn begins_to_send(&self, so: impl Fn(&Message) -> bool) -> bool {
        let Moment::Between { effects, next } = self else { return false };
        self.is_about_to_send(&so) && !effects[..*next].iter().filter_map(sent).any(so)
    }

    fn has_noted(&self, so: impl Fn(&MachineEvent) -> bool) -> bool {
        matches!(self.last(), Some(Effect::Trace(event)) if so(event))
    }

    fn is_before_journal(&self) -> bool {
        matches!(self.next(), Some(Effect::Journal(_)))
    }

    fn is_after_journal(&self) -> bool {
        matches!(self.last(), Some(Effect::Journal(_)))
    }

    /// Whether all of this is still to be done: a primary has heard what it waited for.
    fn commits_and_replies(&self) -> bool {
        let Moment::Between { effects, next: 0 } = self else { return false };
        let commits = effects.iter().any(|effect| matches!(effect, Effect::Trace(MachineEvent::Committed { .. })));
        commits && effects.iter().filter_map(sent).any(is_outcome)
    }
}

fn sent(effect: &Effect) -> Option<&Message> {
    if let Effect::Send { message, .. } = effect { Some(message) } else { None }
}

/// The end of an update that is no mere heartbeat.
fn entries(message: &Message) -> Option<OpNumber> {
    if let Message::StateUpdate(StateUpdate { entries, .. }) = message { Some(entries.last()?.op) } else { None }
}

fn suspicion(event: &MachineEvent) -> Option<(ReplicaId, bool)> {
    if let MachineEvent::Suspects { replica, suspected, .. } = event { Some((*replica, *suspected)) } else { None }
}

fn is_request(message: &Message) -> bool {
    matches!(message, Message::Request { .. })
}

fn is_reply(message: &Message) -> bool {
    matches!(message, Message::Reply { .. })
}

fn is_outcome(message: &Message) -> bool {
    matches!(message, Message::Reply { answer: Answer::Outcome(_), .. })
}

fn is_status(message: &Message) -> bool {
    matches!(message, Message::Status(_))
}

fn is_proposal(message: &Message) -> bool {
    matches!(message, Message::RecordView { .. })
}

fn is_snapshot(message: &Message) -> bool {
    matches!(message, Message::Snapshot(_))
}

fn is_registration(envelope: &Envelope) -> bool {
    matches!(envelope.message, Message::Register { .. })
}

fn is_for_its_primary(envelope: &Envelope) -> bool {
    matches!(&envelope.message, Message::ViewIs { view: View { primary, .. }, .. } if *primary == envelope.to)
}

fn is_verdict(input: &Input) -> bool {
    matches!(input, Input::PostcodeChecked { verdict, .. } if *verdict != Verdict::NobodyAnswers)
}

/// Whether this comes from a newer view in which the joiner is a member.
fn takes_in(message: &Message, me: NodeId, state: &dyn Fn() -> NodeState) -> bool {
    let newer = |view: &View| replica(state, |it| it.standing == Standing::Joining && view.number > it.view.number);
    let takes_in = |view: &View| view.members.contains(&me) && newer(view);
    matches!(message, Message::ViewIs { view, .. } | Message::StateUpdate(StateUpdate { view, .. }) if takes_in(view))
        || matches!(message, Message::Snapshot(part) if takes_in(&part.view))
}

fn is_record_after(message: &Message, state: &dyn Fn() -> NodeState) -> bool {
    let Message::Record { view: recorded, .. } = message else { return false };
    matches!(state(), NodeState::FrontEnd { view, .. } if recorded.number > view.number)
}

fn replica(state: &dyn Fn() -> NodeState, so: impl Fn(&ReplicaState) -> bool) -> bool {
    matches!(state(), NodeState::Replica(replica) if so(&replica))
}

fn acts(state: &dyn Fn() -> NodeState) -> bool {
    replica(state, |it| it.acting)
}

fn follows(state: &dyn Fn() -> NodeState) -> bool {
    replica(state, |it| it.standing == Standing::Backup)
}

fn joins(state: &dyn Fn() -> NodeState) -> bool {
    replica(state, |it| it.standing == Standing::Joining)
}

fn is_loading(state: &dyn Fn() -> NodeState) -> bool {
    replica(state, |it| it.loading.is_some())
}
