//! The scenarios that are built in, by name, and the bug museum. Nothing is read from a disk.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use protocol::plant::Plant;

/// Name and text.
pub const BUILT_IN: [(&str, &str); 20] = [
    ("demo", include_str!("../../../resources/scenarios/demo.toml")),
    ("steady", include_str!("../../../resources/scenarios/steady.toml")),
    ("kill-primary", include_str!("../../../resources/scenarios/kill-primary.toml")),
    ("fe-ns", include_str!("../../../resources/scenarios/fe-ns.toml")),
    ("two-front-ends", include_str!("../../../resources/scenarios/two-front-ends.toml")),
    ("crash-loop", include_str!("../../../resources/scenarios/crash-loop.toml")),
    ("join-load", include_str!("../../../resources/scenarios/join-load.toml")),
    ("one-per-failpoint", include_str!("../../../resources/scenarios/one-per-failpoint.toml")),
    ("postcode-down", include_str!("../../../resources/scenarios/postcode-down.toml")),
    ("chaos", include_str!("../../../resources/scenarios/chaos.toml")),
    ("freeze", include_str!("../../../resources/scenarios/freeze.toml")),
    ("partitions", include_str!("../../../resources/scenarios/partitions.toml")),
    ("sleep", include_str!("../../../resources/scenarios/sleep.toml")),
    ("sleep-one", include_str!("../../../resources/scenarios/sleep-one.toml")),
    ("stopped", include_str!("../../../resources/scenarios/stopped.toml")),
    ("etcd-down", include_str!("../../../resources/scenarios/etcd-down.toml")),
    ("disk-full", include_str!("../../../resources/scenarios/disk-full.toml")),
    ("one-per-disk-failpoint", include_str!("../../../resources/scenarios/one-per-disk-failpoint.toml")),
    ("power-cut", include_str!("../../../resources/scenarios/power-cut.toml")),
    ("total-loss", include_str!("../../../resources/scenarios/total-loss.toml")),
];

/// One script for each injected bug: with it a light turns red, without it all stay green. By name: "museum/reenter-view".
pub const MUSEUM: [(Plant, &str); 20] = [
    (Plant::AckBeforeReplicate, include_str!("../../../resources/scenarios/museum/ack-before-replicate.toml")),
    (Plant::SkipSlowBackup, include_str!("../../../resources/scenarios/museum/skip-slow-backup.toml")),
    (Plant::PromoteFirstRegistered, include_str!("../../../resources/scenarios/museum/promote-first-registered.toml")),
    (Plant::RestartKeepsId, include_str!("../../../resources/scenarios/museum/restart-keeps-id.toml")),
    (Plant::NoSessionTable, include_str!("../../../resources/scenarios/museum/no-session-table.toml")),
    (Plant::SessionNotReplicated, include_str!("../../../resources/scenarios/museum/session-not-replicated.toml")),
    (Plant::NewIdOnRetry, include_str!("../../../resources/scenarios/museum/new-id-on-retry.toml")),
    (Plant::NoViewCheck, include_str!("../../../resources/scenarios/museum/no-view-check.toml")),
    (Plant::ReenterView, include_str!("../../../resources/scenarios/museum/reenter-view.toml")),
    (Plant::JoinerInEarly, include_str!("../../../resources/scenarios/museum/joiner-in-early.toml")),
    (Plant::KeepOwnPreset, include_str!("../../../resources/scenarios/museum/keep-own-preset.toml")),
    (Plant::StoredReplyEarly, include_str!("../../../resources/scenarios/museum/stored-reply-early.toml")),
    (Plant::RejectionNotLogged, include_str!("../../../resources/scenarios/museum/rejection-not-logged.toml")),
    (Plant::EvictedAreNew, include_str!("../../../resources/scenarios/museum/evicted-are-new.toml")),
    (Plant::ReadBeforeCommit, include_str!("../../../resources/scenarios/museum/read-before-commit.toml")),
    (Plant::ReadWithoutBarrier, include_str!("../../../resources/scenarios/museum/read-without-barrier.toml")),
    (
        Plant::AnnounceBeforeRecording,
        include_str!("../../../resources/scenarios/museum/announce-before-recording.toml"),
    ),
    (Plant::NsForgetsView, include_str!("../../../resources/scenarios/museum/ns-forgets-view.toml")),
    (Plant::SyncAfterAck, include_str!("../../../resources/scenarios/museum/sync-after-ack.toml")),
    (Plant::ResumeViewAfterRestart, include_str!("../../../resources/scenarios/museum/resume-view-after-restart.toml")),
];

/// The text of a built-in scenario, those of the museum included.
pub fn built_in(name: &str) -> Option<&'static str> {
    let shown = || {
        let plant = name.strip_prefix("museum/")?;
        MUSEUM.iter().find(|(known, _)| known.name() == plant).map(|(_, text)| *text)
    };
    BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text).or_else(shown)
}

/// What a built-in scenario is about, those of the museum included. All are read once, when the first is asked for.
pub fn built_in_title(name: &str) -> Option<&'static str> {
    static TITLES: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    let titles = TITLES.get_or_init(|| {
        let museum = MUSEUM.iter().map(|(plant, text)| (format!("museum/{}", plant.name()), *text));
        let all = BUILT_IN.iter().map(|(name, text)| ((*name).to_owned(), *text)).chain(museum);
        all.filter_map(|(name, text)| Some((name, crate::parse(text).ok()?.title))).collect()
    });
    titles.get(name).map(String::as_str)
}
