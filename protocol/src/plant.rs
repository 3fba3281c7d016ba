//! Planted bugs: the mistakes that each rule prevents, as switches of the real program ("unsafe lessons").
//!
//! At most one is on, never unless a person asked for it, and each is read at the one place where its rule lives. What
//! becomes visible when it is on is the lesson's matter. The two of the durable mode are not here, as it is not built.

use crate::named::named;

named! {
    /// One mistake.
    pub enum Plant;
    /// All of them, in the order of the rules that they break.
    pub const ALL;
    /// What is wrong when it is on, in a sentence.
    pub fn sentence -> &'static str;
    what: "plant";

    /// Asynchronous: the customer is answered before the backups have the entry.
    AckBeforeReplicate = "ack-before-replicate",
        "The customer is answered before the backups have the order.";
    /// R5: a silent backup is skipped by the primary itself, not left out by a recorded view.
    SkipSlowBackup = "skip-slow-backup",
        "The primary itself skips a silent backup, which stays a member.";
    /// A replica that is no member may lead, if it was registered first.
    PromoteFirstRegistered = "promote-first-registered",
        "The first registered replica leads, even if it is no member.";
    /// R11, memory mode: a restarted process comes back as the member it was, with empty memory.
    RestartKeepsId = "restart-keeps-id",
        "A restarted replica comes back as the member it was, with empty memory.";
    /// R8: no session table; a repeated request is executed again.
    NoSessionTable = "no-session-table",
        "Nobody remembers which requests were executed.";
    /// R8: the session table is the primary's own; backups do not have it.
    SessionNotReplicated = "session-not-replicated",
        "Only the primary remembers which requests were executed.";
    /// The customer repeats its request under a new number.
    NewIdOnRetry = "new-id-on-retry",
        "A customer that hears nothing sends its order again as a new one.";
    /// R1: what is said in a view that is over is not refused.
    NoViewCheck = "no-view-check",
        "What is said in a view that is over is not refused.";
    /// R2: a view that is heard again is entered again.
    ReenterView = "reenter-view",
        "A view that is heard again is entered again, and the ack set is forgotten.";
    /// R4: a joiner enters the ack set before it holds everything.
    JoinerInEarly = "joiner-in-early",
        "A joining replica counts as a full copy before it is one.";
    /// R6: histories are compared by operation number, not by fingerprint: a replica keeps its own pre-defined data.
    KeepOwnPreset = "keep-own-preset",
        "Histories are compared by their length, not by what they hold.";
    /// R7: a stored reply is given before its entry is committed.
    StoredReplyEarly = "stored-reply-early",
        "A repeated request is answered before its order is on every member.";
    /// R8: a rejection is only said, it is no entry.
    RejectionNotLogged = "rejection-not-logged",
        "A rejection is only said, and forgotten.";
    /// R14: a customer without a session counts as new, also if its session was evicted.
    EvictedAreNew = "evicted-are-new",
        "A forgotten customer's late request is taken for a new customer's.";
    /// R9: a read is answered without asking whether this is still the primary.
    ReadWithoutBarrier = "read-without-barrier",
        "A read is answered without asking whether this is still the primary.";
    /// R9: a read shows what is not committed yet.
    ReadBeforeCommit = "read-before-commit",
        "A read shows orders that are not on every member yet.";
    /// R12: a view is announced before it is recorded.
    AnnounceBeforeRecording = "announce-before-recording",
        "The front-end announces a view that is not recorded.";
    /// R13: the name server answers before its journal is written, or compares nothing.
    NsForgetsView = "ns-forgets-view",
        "The name server compares nothing, and forgets its record when it is restarted.";
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
