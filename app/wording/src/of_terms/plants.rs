//! What an injected bug does, and what can go wrong because of it.

use protocol::plant::Plant;

/// What is wrong while it is on; then what that can lead to.
pub(super) fn definition(of: Plant) -> String {
    format!("{} {}", plant(of), consequence(of))
}

/// What is wrong while it is on.
pub fn plant(plant: Plant) -> &'static str {
    match plant {
        Plant::AckBeforeReplicate => "The primary answers the customer before the backups have the order.",
        Plant::SkipSlowBackup => "The primary skips a silent backup, but the backup stays a member.",
        Plant::PromoteFirstRegistered => {
            "The replica that registered first becomes primary, even if it is not a member."
        }
        Plant::RestartKeepsId => "A restarted replica is still counted as a member, although its memory is empty.",
        Plant::NoSessionTable => "Replicas do not remember which requests they have executed.",
        Plant::SessionNotReplicated => "Only the primary remembers which requests were executed.",
        Plant::NewIdOnRetry => "A customer repeats an unanswered order under a new number.",
        Plant::NoViewCheck => "Messages from an old view are accepted.",
        Plant::ReenterView => "A replica enters the same view again and forgets its ack set.",
        Plant::JoinerInEarly => "A joining replica counts as a full copy too early.",
        Plant::KeepOwnPreset => "Replicas compare histories by length, not by content.",
        Plant::StoredReplyEarly => "A repeated request is answered before every member has its order.",
        Plant::RejectionNotLogged => "A rejection is answered, but not recorded.",
        Plant::EvictedAreNew => "A late request from a forgotten customer is treated as a new customer's.",
        Plant::ReadWithoutBarrier => "A primary answers reads without checking that it is still the primary.",
        Plant::ReadBeforeCommit => "A read shows orders before every member has them.",
        Plant::AnnounceBeforeRecording => "The front-end announces a view before it is recorded.",
        Plant::NsForgetsView => "The name server records any view it is sent, and forgets it on a restart.",
        Plant::SyncAfterAck => "A durable replica acknowledges an order before it is on its disk.",
        Plant::ResumeViewAfterRestart => "A durable primary that was restarted goes on leading its old view.",
    }
}

fn consequence(plant: Plant) -> &'static str {
    match plant {
        Plant::AckBeforeReplicate => "If it crashes in between, an acknowledged order is lost.",
        Plant::SkipSlowBackup => "If that backup leads next, orders that were acknowledged meanwhile are lost.",
        Plant::PromoteFirstRegistered => "Acknowledged orders that it lacks are lost.",
        Plant::RestartKeepsId => "An empty memory then counts as a full copy, and acknowledged orders are lost.",
        Plant::NoSessionTable => "After a lost reply, the repeated request places the order twice.",
        Plant::SessionNotReplicated => "After a failover, a repeated request places the order twice.",
        Plant::NewIdOnRetry => "Replicas cannot see that both mean one order, and place it twice.",
        Plant::NoViewCheck => "A replaced primary goes on, and orders of the new view are lost.",
        Plant::ReenterView => "It then answers without a replica that may lead next, and the order is lost.",
        Plant::JoinerInEarly => "If it leads before it has everything, acknowledged orders are lost.",
        Plant::KeepOwnPreset => "Two different histories then count as equal.",
        Plant::StoredReplyEarly => "If the primary crashes then, an acknowledged order is lost.",
        Plant::RejectionNotLogged => "The same request may be accepted later, and the rejected order appears.",
        Plant::EvictedAreNew => "Its order is then placed again.",
        Plant::ReadWithoutBarrier => "A replaced primary then shows customers the past.",
        Plant::ReadBeforeCommit => "If the primary crashes then, an order that was seen is gone again.",
        Plant::AnnounceBeforeRecording => "The next front-end may never learn of that view, and its orders are lost.",
        Plant::NsForgetsView => "A second history can begin, without the orders of the first.",
        Plant::SyncAfterAck => "After a power cut, an acknowledged order is on no disk.",
        Plant::ResumeViewAfterRestart => "It has forgotten which replicas it had taken in, and answers without them.",
    }
}
