//! The points of a node's work at which it can be crashed or frozen.

use crate::ids::Role;
use crate::named::named;

/// Whose work leads past a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// A replica, while it leads.
    Primary,
    /// A replica, while it follows.
    Backup,
    /// A replica, while it joins.
    Joiner,
    /// The disk of a durable replica.
    Disk,
    /// The front-end.
    FrontEnd,
    /// The name server.
    NameServer,
    /// A customer.
    Customer,
    /// The launcher: none of the cluster's nodes.
    Launcher,
}

named! {
    /// A point between two things that a node does. The simulator and the launcher reach each of them. Only a durable replica
    /// reaches those of a disk.
    pub enum Failpoint;
    /// All of them, by the part that reaches them, in the order of its work.
    pub const FAILPOINTS;
    /// Whose work leads past it.
    pub fn part -> Part;
    what: "failpoint";

    /// An order has arrived \[10\], and nothing was done.
    PrimaryReceived = "primary-received", Part::Primary;
    /// The postcode's verdict is here \[12\], and nothing was done.
    PrimaryValidated = "primary-validated", Part::Primary;
    /// The order is an entry, and nobody was told.
    PrimaryAssigned = "primary-assigned", Part::Primary;
    /// One backup was told \[5\], the others were not.
    PrimarySentToOne = "primary-sent-to-one", Part::Primary;
    /// The last acknowledgement \[6\] is here.
    PrimaryAllAcked = "primary-all-acked", Part::Primary;
    /// The entry is committed, and the reply was not sent.
    PrimaryCommitted = "primary-committed", Part::Primary;
    /// The reply was sent \[13\].
    PrimaryReplied = "primary-replied", Part::Primary;

    /// A state update has arrived \[5\], and nothing was done.
    BackupBeforeApply = "backup-before-apply", Part::Backup;
    /// It is applied, and not acknowledged.
    BackupApplied = "backup-applied", Part::Backup;
    /// It is acknowledged \[6\].
    BackupAcked = "backup-acked", Part::Backup;

    /// A replica was silent for the silence limit.
    FrontEndSuspected = "front-end-suspected", Part::FrontEnd;
    /// After that, one replica has reported.
    FrontEndSomeReports = "front-end-some-reports", Part::FrontEnd;
    /// All that can be known is known; the next view was not sent to the name server.
    FrontEndAllReports = "front-end-all-reports", Part::FrontEnd;
    /// The view is recorded \[3\], and nobody was told.
    FrontEndViewRecorded = "front-end-view-recorded", Part::FrontEnd;
    /// The new primary was told \[4\], the others were not.
    FrontEndNewviewToPrimaryOnly = "front-end-newview-to-primary-only", Part::FrontEnd;
    /// A request has arrived \[9\], and was not forwarded.
    FrontEndBeforeForward = "front-end-before-forward", Part::FrontEnd;
    /// A reply has arrived \[13\], and was not passed on.
    FrontEndReplyHeld = "front-end-reply-held", Part::FrontEnd;

    /// A record is to be written, and was not.
    NameServerBeforeJournal = "name-server-before-journal", Part::NameServer;
    /// Half of it is written.
    NameServerTornJournal = "name-server-torn-journal", Part::NameServer;
    /// It is written, and nobody was answered.
    NameServerJournaledNotAnswered = "name-server-journaled-not-answered", Part::NameServer;
    /// The registry is about to be cleaned.
    NameServerCleaning = "name-server-cleaning", Part::NameServer;

    /// It has registered \[1\].
    JoinerRegistered = "joiner-registered", Part::Joiner;
    /// A part of the snapshot is here, others are missing.
    JoinerMidSnapshot = "joiner-mid-snapshot", Part::Joiner;
    /// The snapshot is installed, and that was not said.
    JoinerSnapshotDone = "joiner-snapshot-done", Part::Joiner;
    /// It is needed for every answer, and not recorded as a member.
    JoinerInAckSet = "joiner-in-ack-set", Part::Joiner;
    /// The view in which it is a member has been announced to it.
    JoinerViewRecorded = "joiner-view-recorded", Part::Joiner;

    /// Half of what is to be written is in the file.
    DiskTornLog = "disk-torn-log", Part::Disk;
    /// All of it is in the file, and was not synced.
    DiskBeforeFsync = "disk-before-fsync", Part::Disk;
    /// It is synced, and the replica was not told.
    DiskAfterFsync = "disk-after-fsync", Part::Disk;
    /// A new file is whole and synced, and has not taken the place of the old one.
    DiskSnapshotRename = "disk-snapshot-rename", Part::Disk;

    /// A customer is about to ask \[9\].
    CustomerBeforeSend = "customer-before-send", Part::Customer;
    /// It has asked.
    CustomerSent = "customer-sent", Part::Customer;
    /// The reply has arrived \[14\], and nobody has seen it.
    CustomerReplyUnseen = "customer-reply-unseen", Part::Customer;

    /// The launcher has started a process, and has not written that down.
    SupervisorChildSpawnedUnregistered = "supervisor-child-spawned-unregistered", Part::Launcher;
    /// The launcher is ending its processes.
    SupervisorMidShutdown = "supervisor-mid-shutdown", Part::Launcher;
}

impl Failpoint {
    /// The role of that part; none: the launcher's.
    #[must_use]
    pub fn role(self) -> Option<Role> {
        match self.part() {
            Part::Primary | Part::Backup | Part::Joiner | Part::Disk => Some(Role::Replica),
            Part::FrontEnd => Some(Role::FrontEnd),
            Part::NameServer => Some(Role::NameServer),
            Part::Customer => Some(Role::Customer),
            Part::Launcher => None,
        }
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
