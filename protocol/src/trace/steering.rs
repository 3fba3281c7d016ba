//! The words in which time, links, messages and processes are steered. Drivers obey them, observers show them.
//!
//! No machine reads any of this: a protocol that knew that it is being slowed, held or frozen would be another protocol.

use serde::{Deserialize, Serialize};

use crate::ids::{Role, Span};

/// How fast cluster time goes, in millionths of real time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Rate(pub u32);

impl Rate {
    /// As fast as real time.
    pub const REAL: Self = Self(1_000_000);
    /// The slowest that still goes on: a thousandth of real time.
    pub const SLOWEST: Self = Self(1_000);
    /// Not at all.
    pub const STOPPED: Self = Self(0);

    /// Whether time goes, but slower than real time, or not at all.
    #[must_use]
    pub fn is_slow(self) -> bool {
        self < Self::REAL
    }
}

/// What a link does to messages that enter it, one way. The default does nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LinkRule {
    /// Nothing passes, not even heartbeats.
    pub cut: bool,
    /// What enters stays until it is let go. Control messages pass (PROTOCOL section 7).
    pub hold: bool,
    /// Each message stays so much longer, in cluster time. Control messages do not.
    pub delay: Span,
    /// … and up to so much longer again, at random; then messages may overtake each other.
    pub jitter: Span,
    /// So many messages of a thousand are lost, control messages too.
    pub loss: u16,
    /// So many messages of a thousand arrive twice.
    pub doubling: u16,
}

impl LinkRule {
    /// A rule that lets nothing pass.
    pub const CUT: Self = Self { cut: true, hold: false, delay: Span(0), jitter: Span(0), loss: 0, doubling: 0 };

    /// Whether it does nothing.
    #[must_use]
    pub fn is_mended(&self) -> bool {
        *self == Self::default()
    }
}

/// How long a message stays in its link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Stay {
    /// Until it is let go.
    Held,
    /// Until this moment of cluster time, in microseconds.
    Until(u64),
}

/// What can be done with a message that is in its link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MessageAct {
    /// It stays until it is let go; others pass it.
    Hold,
    /// It goes on its way, for as long as was left when it was held.
    LetGo,
    /// It leaves the link at once, past all others.
    LetPast,
    /// It will never arrive.
    Drop,
    /// It arrives twice: a copy enters the link now.
    Duplicate,
    /// It stays so much longer, in cluster time.
    Delay(Span),
}

/// How a process is frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Freezing {
    /// Its loop stands still, by itself, between two rounds.
    Cooperative,
    /// The operating system stops it (SIGSTOP); only on Unix.
    Signal,
}

/// Something that happens to a node at a very point of its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Bomb {
    /// Where.
    pub at: Failpoint,
    /// What.
    pub blast: Blast,
}

/// What a bomb does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Blast {
    /// The process kills itself, as SIGKILL does.
    Crash,
    /// The process freezes, cooperatively.
    Freeze {
        /// It wakes by itself after so much real time; none: when it is woken.
        wakes_after: Option<Span>,
    },
}

/// The points at which a node can be crashed or frozen (RELIABILITY section 2a), without those of the durable mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failpoint {
    /// An order has arrived \[10\], and nothing was done.
    PrimaryReceived,
    /// The postcode's verdict is here \[12\], and nothing was done.
    PrimaryValidated,
    /// The order is an entry, and nobody was told.
    PrimaryAssigned,
    /// One backup was told \[5\], the others were not.
    PrimarySentToOne,
    /// The last acknowledgement \[6\] is here.
    PrimaryAllAcked,
    /// The entry is committed, and the reply was not sent.
    PrimaryCommitted,
    /// The reply was sent \[13\].
    PrimaryReplied,
    /// A state update has arrived \[5\], and nothing was done.
    BackupBeforeApply,
    /// It is applied, and not acknowledged.
    BackupApplied,
    /// It is acknowledged \[6\].
    BackupAcked,
    /// A replica was silent for the silence limit.
    FrontEndSuspected,
    /// After that, one replica has reported.
    FrontEndSomeReports,
    /// All that can be known is known; the next view was not sent to the name server.
    FrontEndAllReports,
    /// The view is recorded \[3\], and nobody was told.
    FrontEndViewRecorded,
    /// The new primary was told \[4\], the others were not.
    FrontEndNewviewToPrimaryOnly,
    /// A request has arrived \[9\], and was not forwarded.
    FrontEndBeforeForward,
    /// A reply has arrived \[13\], and was not passed on.
    FrontEndReplyHeld,
    /// A record is to be written, and was not.
    NameServerBeforeJournal,
    /// Half of it is written.
    NameServerTornJournal,
    /// It is written, and nobody was answered.
    NameServerJournaledNotAnswered,
    /// The registry is about to be cleaned.
    NameServerCleaning,
    /// It has registered \[1\].
    JoinerRegistered,
    /// A part of the snapshot is here, others are missing.
    JoinerMidSnapshot,
    /// The snapshot is installed, and that was not said.
    JoinerSnapshotDone,
    /// It is needed for every answer, and not recorded as a member.
    JoinerInAckSet,
    /// The view in which it is a member has been announced to it.
    JoinerViewRecorded,
    /// A customer is about to ask \[9\].
    CustomerBeforeSend,
    /// It has asked.
    CustomerSent,
    /// The reply has arrived \[14\], and nobody has seen it.
    CustomerReplyUnseen,
    /// The launcher has started a process, and has not written that down.
    SupervisorChildSpawnedUnregistered,
    /// The launcher is ending its processes.
    SupervisorMidShutdown,
}

/// All of them, in the order of the catalogue.
pub const FAILPOINTS: [Failpoint; 31] = [
    Failpoint::PrimaryReceived,
    Failpoint::PrimaryValidated,
    Failpoint::PrimaryAssigned,
    Failpoint::PrimarySentToOne,
    Failpoint::PrimaryAllAcked,
    Failpoint::PrimaryCommitted,
    Failpoint::PrimaryReplied,
    Failpoint::BackupBeforeApply,
    Failpoint::BackupApplied,
    Failpoint::BackupAcked,
    Failpoint::FrontEndSuspected,
    Failpoint::FrontEndSomeReports,
    Failpoint::FrontEndAllReports,
    Failpoint::FrontEndViewRecorded,
    Failpoint::FrontEndNewviewToPrimaryOnly,
    Failpoint::FrontEndBeforeForward,
    Failpoint::FrontEndReplyHeld,
    Failpoint::NameServerBeforeJournal,
    Failpoint::NameServerTornJournal,
    Failpoint::NameServerJournaledNotAnswered,
    Failpoint::NameServerCleaning,
    Failpoint::JoinerRegistered,
    Failpoint::JoinerMidSnapshot,
    Failpoint::JoinerSnapshotDone,
    Failpoint::JoinerInAckSet,
    Failpoint::JoinerViewRecorded,
    Failpoint::CustomerBeforeSend,
    Failpoint::CustomerSent,
    Failpoint::CustomerReplyUnseen,
    Failpoint::SupervisorChildSpawnedUnregistered,
    Failpoint::SupervisorMidShutdown,
];

impl Failpoint {
    /// Its name on the command line and in scenarios: the actor, then the point.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Failpoint::PrimaryReceived => "primary-received",
            Failpoint::PrimaryValidated => "primary-validated",
            Failpoint::PrimaryAssigned => "primary-assigned",
            Failpoint::PrimarySentToOne => "primary-sent-to-one",
            Failpoint::PrimaryAllAcked => "primary-all-acked",
            Failpoint::PrimaryCommitted => "primary-committed",
            Failpoint::PrimaryReplied => "primary-replied",
            Failpoint::BackupBeforeApply => "backup-before-apply",
            Failpoint::BackupApplied => "backup-applied",
            Failpoint::BackupAcked => "backup-acked",
            Failpoint::FrontEndSuspected => "front-end-suspected",
            Failpoint::FrontEndSomeReports => "front-end-some-reports",
            Failpoint::FrontEndAllReports => "front-end-all-reports",
            Failpoint::FrontEndViewRecorded => "front-end-view-recorded",
            Failpoint::FrontEndNewviewToPrimaryOnly => "front-end-newview-to-primary-only",
            Failpoint::FrontEndBeforeForward => "front-end-before-forward",
            Failpoint::FrontEndReplyHeld => "front-end-reply-held",
            Failpoint::NameServerBeforeJournal => "name-server-before-journal",
            Failpoint::NameServerTornJournal => "name-server-torn-journal",
            Failpoint::NameServerJournaledNotAnswered => "name-server-journaled-not-answered",
            Failpoint::NameServerCleaning => "name-server-cleaning",
            Failpoint::JoinerRegistered => "joiner-registered",
            Failpoint::JoinerMidSnapshot => "joiner-mid-snapshot",
            Failpoint::JoinerSnapshotDone => "joiner-snapshot-done",
            Failpoint::JoinerInAckSet => "joiner-in-ack-set",
            Failpoint::JoinerViewRecorded => "joiner-view-recorded",
            Failpoint::CustomerBeforeSend => "customer-before-send",
            Failpoint::CustomerSent => "customer-sent",
            Failpoint::CustomerReplyUnseen => "customer-reply-unseen",
            Failpoint::SupervisorChildSpawnedUnregistered => "supervisor-child-spawned-unregistered",
            Failpoint::SupervisorMidShutdown => "supervisor-mid-shutdown",
        }
    }

    /// Whose work leads past it; none: the launcher's.
    #[must_use]
    pub fn role(self) -> Option<Role> {
        match self {
            Failpoint::PrimaryReceived
            | Failpoint::PrimaryValidated
            | Failpoint::PrimaryAssigned
            | Failpoint::PrimarySentToOne
            | Failpoint::PrimaryAllAcked
            | Failpoint::PrimaryCommitted
            | Failpoint::PrimaryReplied
            | Failpoint::BackupBeforeApply
            | Failpoint::BackupApplied
            | Failpoint::BackupAcked
            | Failpoint::JoinerRegistered
            | Failpoint::JoinerMidSnapshot
            | Failpoint::JoinerSnapshotDone
            | Failpoint::JoinerInAckSet
            | Failpoint::JoinerViewRecorded => Some(Role::Replica),
            Failpoint::FrontEndSuspected
            | Failpoint::FrontEndSomeReports
            | Failpoint::FrontEndAllReports
            | Failpoint::FrontEndViewRecorded
            | Failpoint::FrontEndNewviewToPrimaryOnly
            | Failpoint::FrontEndBeforeForward
            | Failpoint::FrontEndReplyHeld => Some(Role::FrontEnd),
            Failpoint::NameServerBeforeJournal
            | Failpoint::NameServerTornJournal
            | Failpoint::NameServerJournaledNotAnswered
            | Failpoint::NameServerCleaning => Some(Role::NameServer),
            Failpoint::CustomerBeforeSend | Failpoint::CustomerSent | Failpoint::CustomerReplyUnseen => {
                Some(Role::Customer)
            }
            Failpoint::SupervisorChildSpawnedUnregistered | Failpoint::SupervisorMidShutdown => None,
        }
    }
}

impl std::fmt::Display for Failpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Failpoint {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = FAILPOINTS.into_iter().find(|failpoint| failpoint.name() == name);
        known.ok_or_else(|| "there is no such failpoint".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failpoints_are_found_by_their_names() {
        for failpoint in FAILPOINTS {
            assert_eq!(failpoint.name().parse(), Ok(failpoint));
        }
        assert!("primary-at-lunch".parse::<Failpoint>().is_err());
    }
}
