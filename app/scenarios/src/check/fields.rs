//! Which fields belong to which action.

/// The fields an action needs, and those it may have. None: there is no such action.
pub(super) fn of_action(name: &str) -> Option<(&'static [&'static str], &'static [&'static str])> {
    Some(match name {
        "crash" | "fresh-start" | "restart" | "remove" | "wake" => (&["node"], &[]),
        "crash-all" | "power-cut" | "power-on" | "add-replica" | "add-front-end" | "mend-all" | "go-on" => (&[], &[]),
        "misbehave" | "disk" => (&["node", "how"], &[]),
        "verdict-cache" => (&["on"], &[]),
        "store-members" => (&["members"], &[]),
        "hop" => (&[], &["ms"]),
        "speed" => (&["rate"], &[]),
        "run-until" => (&["until", "rate"], &["ms"]),
        "step" => (&[], &["count", "rate"]),
        "cut" | "cut-one-way" | "hold" | "mend" => (&["from", "to"], &[]),
        "slow" => (&["from", "to"], &["delay-ms", "jitter-ms", "loss", "doubling"]),
        "partition" => (&["side"], &[]),
        "message" => (&["act"], &["step", "from", "to", "which", "delay-ms", "within-ms"]),
        "ring" => (&["node", "timer"], &["of", "within-ms"]),
        "freeze" => (&["node"], &["how"]),
        "bomb" => (&["node", "at"], &["blast", "wakes-after-ms"]),
        "plant" => (&["plant"], &[]),
        "acknowledge" => (&["acknowledge"], &[]),
        "customer" => (&["name", "postcode"], &[]),
        "order" => (&["customer", "items"], &["postcode"]),
        "read" => (&["customer"], &["postcode"]),
        "give-up" => (&["customer"], &[]),
        "say" => (&["words"], &[]),
        "wait" => (&["for"], &["customer", "count", "step", "node", "ms", "within-ms"]),
        _ => return None,
    })
}

/// All actions, for the sentence that refuses another one.
pub(super) const KNOWN: &str = "crash, crash-all, power-cut, power-on, fresh-start, restart, remove, add-replica, add-front-end, misbehave, verdict-cache, store-members, hop, \
    speed, go-on, run-until, step, cut, cut-one-way, hold, slow, mend, mend-all, partition, message, ring, freeze, wake, bomb, disk, plant, \
    acknowledge, customer, order, read, give-up, say, wait";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_action_has_its_fields() {
        for name in KNOWN.split(", ") {
            assert!(of_action(name).is_some(), "{name}");
        }
        assert!(of_action("explode").is_none());
    }
}
