//! The scenarios that are built in, by name. Nothing is read from a disk.

/// Name and text.
pub const BUILT_IN: [(&str, &str); 5] = [
    ("steady", include_str!("../../../resources/scenarios/steady.toml")),
    ("kill-primary", include_str!("../../../resources/scenarios/kill-primary.toml")),
    ("fe-ns", include_str!("../../../resources/scenarios/fe-ns.toml")),
    ("join-load", include_str!("../../../resources/scenarios/join-load.toml")),
    ("postcode-down", include_str!("../../../resources/scenarios/postcode-down.toml")),
];
