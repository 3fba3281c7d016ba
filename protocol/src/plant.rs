//! Injected bugs: each breaks one rule and is a switch of the real program ("unsafe lessons").
//!
//! At most one is on, and only if a person asked for it. Each is read at the one place where its rule lives. What a person sees
//! while it is on is up to its lesson. The durable mode is not built, so its two bugs are not here.

use crate::named::named;

named! {
    /// One injected bug.
    pub enum Plant;
    /// All of them, in the order of the rules that they break.
    pub const ALL;
    /// What is wrong when it is on, in a sentence.
    pub fn sentence -> &'static str;
    what: "injected bug";

    /// Asynchronous: the customer is answered before the backups have the entry.
    AckBeforeReplicate = "ack-before-replicate",
        "The primary answers the customer before the backups have the order.";
    /// R5: a silent backup is skipped by the primary itself, not left out by a recorded view.
    SkipSlowBackup = "skip-slow-backup",
        "The primary skips a silent backup, but the backup stays a member.";
    /// A replica that is no member may lead, if it was registered first.
    PromoteFirstRegistered = "promote-first-registered",
        "The replica that registered first becomes primary, even if it is not a member.";
    /// R11, memory mode: a restarted process comes back as the member it was, with empty memory.
    RestartKeepsId = "restart-keeps-id",
        "A restarted replica is still counted as a member, although its memory is empty.";
    /// R8: no session table; a repeated request is executed again.
    NoSessionTable = "no-session-table",
        "Replicas do not remember which requests they have executed.";
    /// R8: the session table is the primary's own; backups do not have it.
    SessionNotReplicated = "session-not-replicated",
        "Only the primary remembers which requests were executed.";
    /// The customer repeats its request under a new number.
    NewIdOnRetry = "new-id-on-retry",
        "A customer repeats an unanswered order under a new number.";
    /// R1: messages from an old view are accepted.
    NoViewCheck = "no-view-check",
        "Messages from an old view are accepted.";
    /// R2: a replica that hears of its view again enters it again.
    ReenterView = "reenter-view",
        "A replica enters the same view again and forgets its ack set.";
    /// R4: a joiner enters the ack set before it holds everything.
    JoinerInEarly = "joiner-in-early",
        "A joining replica counts as a full copy too early.";
    /// R6: histories are compared by operation number, not by fingerprint: a replica keeps its own pre-defined data.
    KeepOwnPreset = "keep-own-preset",
        "Replicas compare histories by length, not by content.";
    /// R7: a stored reply is given before its entry is committed.
    StoredReplyEarly = "stored-reply-early",
        "A repeated request is answered before every member has its order.";
    /// R8: a rejection is answered without becoming an entry.
    RejectionNotLogged = "rejection-not-logged",
        "A rejection is answered, but not recorded.";
    /// R14: a customer without a session counts as new, even if its session was evicted.
    EvictedAreNew = "evicted-are-new",
        "A late request from a forgotten customer is treated as a new customer's.";
    /// R9: a read is answered without asking whether this is still the primary.
    ReadWithoutBarrier = "read-without-barrier",
        "A primary answers reads without checking that it is still the primary.";
    /// R9: a read shows what is not committed yet.
    ReadBeforeCommit = "read-before-commit",
        "A read shows orders before every member has them.";
    /// R12: a view is announced before it is recorded.
    AnnounceBeforeRecording = "announce-before-recording",
        "The front-end announces a view before it is recorded.";
    /// R13: the name server answers before its journal is written, or compares nothing.
    NsForgetsView = "ns-forgets-view",
        "The name server records any view it is sent, and forgets it on a restart.";
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
