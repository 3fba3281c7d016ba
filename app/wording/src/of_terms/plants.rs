//! What an injected bug does, and what can go wrong because of it.

use protocol::plant::Plant;

/// What is wrong while it is on; then what that can lead to.
pub(super) fn definition(plant: Plant) -> String {
    format!("{} {}", plant.sentence(), consequence(plant))
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
    }
}
