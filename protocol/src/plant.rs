//! Injected bugs: each breaks one rule and is a switch of the real program ("unsafe lessons").
//!
//! At most one is on, and only if a person asked for it. Each is read where its rule lives, usually in one place. What a person sees
//! while it is on is up to its lesson.

use crate::named::named;

named! {
    /// One injected bug.
    pub enum Plant;
    /// All of them, in the order of the table in PROTOCOL section 11.
    pub const ALL;
    what: "injected bug";

    /// Asynchronous: the customer is answered before the backups have the entry.
    AckBeforeReplicate = "ack-before-replicate";
    /// R5: a silent backup is skipped by the primary itself, not left out by a recorded view.
    SkipSlowBackup = "skip-slow-backup";
    /// A replica that is no member may lead, if it was registered first.
    PromoteFirstRegistered = "promote-first-registered";
    /// R11, memory mode: a restarted process comes back as the member it was, with empty memory.
    RestartKeepsId = "restart-keeps-id";
    /// R8: no session table; a repeated request is executed again.
    NoSessionTable = "no-session-table";
    /// R8: the session table is the primary's own; backups do not have it.
    SessionNotReplicated = "session-not-replicated";
    /// The customer repeats its request under a new number.
    NewIdOnRetry = "new-id-on-retry";
    /// R1: messages from an old view are accepted.
    NoViewCheck = "no-view-check";
    /// R2: a replica that hears of its view again enters it again.
    ReenterView = "reenter-view";
    /// R4: a joiner enters the ack set before it holds everything.
    JoinerInEarly = "joiner-in-early";
    /// R6: histories are compared by operation number, not by fingerprint: a replica keeps its own pre-defined data.
    KeepOwnPreset = "keep-own-preset";
    /// R7: a stored reply is given before its entry is committed.
    StoredReplyEarly = "stored-reply-early";
    /// R8: a rejection is answered without becoming an entry.
    RejectionNotLogged = "rejection-not-logged";
    /// R14: a customer without a session counts as new, even if its session was evicted.
    EvictedAreNew = "evicted-are-new";
    /// R9: a read is answered without asking whether this is still the primary.
    ReadWithoutBarrier = "read-without-barrier";
    /// R9: a read shows what is not committed yet.
    ReadBeforeCommit = "read-before-commit";
    /// R12: a view is announced before it is recorded.
    AnnounceBeforeRecording = "announce-before-recording";
    /// R12, R13: the name server forgets its record at a restart, and records any view that it is asked to.
    NsForgetsView = "ns-forgets-view";
    /// R10, durable mode: an entry is acknowledged, and counts for the primary itself, before it is on disk.
    SyncAfterAck = "sync-after-ack";
    /// R11, durable mode: a primary that was started again goes on in its view.
    ResumeViewAfterRestart = "resume-view-after-restart";
}

impl Plant {
    /// Whether only a durable replica can have it (PROTOCOL section 9).
    #[must_use]
    pub fn needs_disk(self) -> bool {
        matches!(self, Plant::SyncAfterAck | Plant::ResumeViewAfterRestart)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back() {
        for plant in ALL {
            assert_eq!(plant.name().parse(), Ok(plant));
        }
        assert!("ack-after-lunch".parse::<Plant>().is_err());
    }
}
