//! Planted bugs: the mistakes that each rule prevents, as switches of the real program ("unsafe lessons").
//!
//! At most one is on, never unless a person asked for it, and each is read at the one place where its rule lives. What
//! becomes visible when it is on is the lesson's matter. The two of the durable mode are not here, as it is not built.

use serde::{Deserialize, Serialize};

/// One mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Plant {
    /// Asynchronous: the customer is answered before the backups have the entry.
    AckBeforeReplicate,
    /// R5: a silent backup is skipped by the primary itself, not left out by a recorded view.
    SkipSlowBackup,
    /// A replica that is no member may lead, if it was registered first (as in the seed).
    PromoteFirstRegistered,
    /// R11, memory mode: a restarted process comes back as the member it was, with empty memory.
    RestartKeepsId,
    /// R8: no session table; a repeated request is executed again.
    NoSessionTable,
    /// R8: the session table is the primary's own; backups do not have it.
    SessionNotReplicated,
    /// The customer repeats its request under a new number.
    NewIdOnRetry,
    /// R1: what is said in a view that is over is not refused.
    NoViewCheck,
    /// R2: a view that is heard again is entered again.
    ReenterView,
    /// R4: a joiner enters the ack set before it holds everything.
    JoinerInEarly,
    /// R6: histories are compared by operation number, not by fingerprint: a replica keeps its own pre-defined data.
    KeepOwnPreset,
    /// R7: a stored reply is given before its entry is committed.
    StoredReplyEarly,
    /// R8: a rejection is only said, it is no entry.
    RejectionNotLogged,
    /// R14: a customer without a session counts as new, also if its session was evicted.
    EvictedAreNew,
    /// R9: a read is answered without asking whether this is still the primary.
    ReadWithoutBarrier,
    /// R9: a read shows what is not committed yet.
    ReadBeforeCommit,
    /// R12: a view is announced before it is recorded.
    AnnounceBeforeRecording,
    /// R13: the name server answers before its journal is written, or compares nothing.
    NsForgetsView,
}

/// All of them, in the order of RELIABILITY's list.
pub const ALL: [Plant; 18] = [
    Plant::AckBeforeReplicate,
    Plant::SkipSlowBackup,
    Plant::PromoteFirstRegistered,
    Plant::RestartKeepsId,
    Plant::NoSessionTable,
    Plant::SessionNotReplicated,
    Plant::NewIdOnRetry,
    Plant::NoViewCheck,
    Plant::ReenterView,
    Plant::JoinerInEarly,
    Plant::KeepOwnPreset,
    Plant::StoredReplyEarly,
    Plant::RejectionNotLogged,
    Plant::EvictedAreNew,
    Plant::ReadWithoutBarrier,
    Plant::ReadBeforeCommit,
    Plant::AnnounceBeforeRecording,
    Plant::NsForgetsView,
];

impl Plant {
    /// Its name on the command line and in scenarios.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Plant::AckBeforeReplicate => "ack-before-replicate",
            Plant::SkipSlowBackup => "skip-slow-backup",
            Plant::PromoteFirstRegistered => "promote-first-registered",
            Plant::RestartKeepsId => "restart-keeps-id",
            Plant::NoSessionTable => "no-session-table",
            Plant::SessionNotReplicated => "session-not-replicated",
            Plant::NewIdOnRetry => "new-id-on-retry",
            Plant::NoViewCheck => "no-view-check",
            Plant::ReenterView => "reenter-view",
            Plant::JoinerInEarly => "joiner-in-early",
            Plant::KeepOwnPreset => "keep-own-preset",
            Plant::StoredReplyEarly => "stored-reply-early",
            Plant::RejectionNotLogged => "rejection-not-logged",
            Plant::EvictedAreNew => "evicted-are-new",
            Plant::ReadWithoutBarrier => "read-without-barrier",
            Plant::ReadBeforeCommit => "read-before-commit",
            Plant::AnnounceBeforeRecording => "announce-before-recording",
            Plant::NsForgetsView => "ns-forgets-view",
        }
    }

    /// What is wrong when it is on, in a sentence.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Plant::AckBeforeReplicate => "The customer is answered before the backups have the order.",
            Plant::SkipSlowBackup => "The primary itself skips a silent backup, which stays a member.",
            Plant::PromoteFirstRegistered => "The first registered replica leads, even if it is no member.",
            Plant::RestartKeepsId => "A restarted replica comes back as the member it was, with empty memory.",
            Plant::NoSessionTable => "Nobody remembers which requests were executed.",
            Plant::SessionNotReplicated => "Only the primary remembers which requests were executed.",
            Plant::NewIdOnRetry => "A customer that hears nothing sends its order again as a new one.",
            Plant::NoViewCheck => "What is said in a view that is over is not refused.",
            Plant::ReenterView => "A view that is heard again is entered again, and the ack set is forgotten.",
            Plant::JoinerInEarly => "A joining replica counts as a full copy before it is one.",
            Plant::KeepOwnPreset => "Histories are compared by their length, not by what they hold.",
            Plant::StoredReplyEarly => "A repeated request is answered before its order is on every member.",
            Plant::RejectionNotLogged => "A rejection is only said, and forgotten.",
            Plant::EvictedAreNew => "A forgotten customer's late request is taken for a new customer's.",
            Plant::ReadWithoutBarrier => "A read is answered without asking whether this is still the primary.",
            Plant::ReadBeforeCommit => "A read shows orders that are not on every member yet.",
            Plant::AnnounceBeforeRecording => "The front-end announces a view that is not recorded.",
            Plant::NsForgetsView => "The name server compares nothing, and forgets its record when it is restarted.",
        }
    }
}

impl std::fmt::Display for Plant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Plant {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = || ALL.map(Plant::name).join(", ");
        ALL.into_iter()
            .find(|plant| plant.name() == name)
            .ok_or_else(|| format!("there is no such plant; known: {}", known()))
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
