//! What each failpoint means: whose work it interrupts and where, and what a crash there leads to.

use protocol::trace::{Failpoint, Part};

use crate::failpoint;

/// Whose point it is and when it is reached; then what follows from a crash there.
pub(super) fn definition(at: Failpoint) -> String {
    format!("{}, {}. {}", part(at.part()), failpoint(at), consequence(at))
}

fn part(part: Part) -> &'static str {
    match part {
        Part::Primary => "The primary",
        Part::Backup => "A backup",
        Part::Joiner => "A joining replica",
        Part::Disk => "A durable replica",
        Part::FrontEnd => "The front-end",
        Part::NameServer => "The name server",
        Part::Customer => "A customer",
        Part::Launcher => "The launcher",
    }
}

fn consequence(at: Failpoint) -> &'static str {
    match at {
        Failpoint::PrimaryReceived => {
            "No other replica knows of the order; the front-end sends it to the next primary."
        }
        Failpoint::PrimaryValidated => "The answer about the postcode is lost with it; the next primary asks again.",
        Failpoint::PrimaryAssigned => {
            "Its copy is the only one and nobody was told, so the next primary executes the repeated request."
        }
        Failpoint::PrimarySentToOne => {
            "Whether or not the next primary has the order, the repeated request places it exactly once."
        }
        Failpoint::PrimaryAllAcked => "Every member holds the order, so the next primary can answer for it.",
        Failpoint::PrimaryCommitted => "The order is safe and nobody was told; the next primary answers the retry.",
        Failpoint::PrimaryReplied => {
            "If the reply is lost with its sender, the next primary gives the same answer to the retry."
        }
        Failpoint::BackupBeforeApply | Failpoint::BackupApplied => {
            "The primary waits for its acknowledgement until a view without this backup is recorded."
        }
        Failpoint::BackupAcked => {
            "If the acknowledgement is lost with its sender, the primary waits for a view without this backup."
        }
        Failpoint::FrontEndSuspected => "After a crash, no view changes until a front-end runs again.",
        Failpoint::FrontEndSomeReports => {
            "It needs the other reports, too, because the replica with the longest history must lead."
        }
        Failpoint::FrontEndAllReports => "Its choice is lost with it; the next front-end chooses again.",
        Failpoint::FrontEndViewRecorded => {
            "The view counts; the next front-end reads it from the record and announces it."
        }
        Failpoint::FrontEndNewviewToPrimaryOnly => {
            "The new primary leads; the backups learn of the view from its first update."
        }
        Failpoint::FrontEndBeforeForward => "The request is lost with it; the customer sends it to the next front-end.",
        Failpoint::FrontEndReplyHeld => {
            "The order is decided; the customer repeats its request and gets the same answer."
        }
        Failpoint::NameServerBeforeJournal => "The old view remains recorded, and the front-end proposes again.",
        Failpoint::NameServerTornJournal => "Half a record is ignored after a restart; the old view remains recorded.",
        Failpoint::NameServerJournaledNotAnswered => {
            "The new view counts; the front-end learns this when it asks again."
        }
        Failpoint::NameServerCleaning => "Names are soft state: each process that runs registers again.",
        Failpoint::JoinerRegistered => "No answer depends on it yet, so a crash here delays no order.",
        Failpoint::JoinerMidSnapshot => "A state that is incomplete is never used; a restarted replica begins anew.",
        Failpoint::JoinerSnapshotDone => "It holds the state, and the primary does not count on it yet.",
        Failpoint::JoinerInAckSet => "After a crash, answers wait until the next view is recorded without it.",
        Failpoint::JoinerViewRecorded => "It is a full copy now; after a crash, answers wait for a view without it.",
        Failpoint::DiskTornLog => {
            "After a restart, half a record is cut off: it was not acknowledged, so nothing is missed."
        }
        Failpoint::DiskBeforeFsync => "If its power goes too, these orders are gone: it had not acknowledged them.",
        Failpoint::DiskAfterFsync => "The orders are on its disk, and nobody was told; the primary sends them again.",
        Failpoint::DiskSnapshotRename => "The old file is still whole, and a restart goes on with it.",
        Failpoint::CustomerBeforeSend => "No other process has heard of the order, so it is never placed.",
        Failpoint::CustomerSent => "The order may be placed, and nobody is told: the light “unknown” counts it.",
        Failpoint::CustomerReplyUnseen => "The order is decided, and its customer never learns how.",
        Failpoint::SupervisorChildSpawnedUnregistered | Failpoint::SupervisorMidShutdown => {
            "If the launcher dies here, no process may be left running."
        }
    }
}
