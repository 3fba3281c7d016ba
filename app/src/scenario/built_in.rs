//! The scenarios that are built in, by name. Nothing is read from a disk.

/// Name and text.
pub const BUILT_IN: [(&str, &str); 11] = [
    ("steady", include_str!("../../../resources/scenarios/steady.toml")),
    ("kill-primary", include_str!("../../../resources/scenarios/kill-primary.toml")),
    ("fe-ns", include_str!("../../../resources/scenarios/fe-ns.toml")),
    ("join-load", include_str!("../../../resources/scenarios/join-load.toml")),
    ("postcode-down", include_str!("../../../resources/scenarios/postcode-down.toml")),
    ("chaos", include_str!("../../../resources/scenarios/chaos.toml")),
    ("freeze", include_str!("../../../resources/scenarios/freeze.toml")),
    ("partitions", include_str!("../../../resources/scenarios/partitions.toml")),
    ("sleep", include_str!("../../../resources/scenarios/sleep.toml")),
    ("sleep-one", include_str!("../../../resources/scenarios/sleep-one.toml")),
    ("stopped", include_str!("../../../resources/scenarios/stopped.toml")),
];
