//! Who may see whom: protocol ← node ← app, and inside the app, panels see only what is drawn.

/// What the protocol may be built from.
const PURE: [&str; 3] = ["postcard", "serde", "thiserror"];

/// For files whose path begins with the first: words that must not stand in their code, and why.
const FORBIDDEN: [(&str, &[&str], &str); 6] = [
    ("protocol/src/", &["node::", "app::"], "the protocol is the lowest layer"),
    (
        "protocol/src/",
        &[
            "std::fs",
            "std::io",
            "std::env",
            "std::thread",
            "std::process",
            "UdpSocket",
            "TcpStream",
            "Instant::now",
            "SystemTime",
        ],
        "the protocol does no input or output and has no clock: push an effect",
    ),
    ("node/src/", &["app::", "egui", "eframe"], "a node knows no window"),
    (
        "app/src/panels/",
        &[
            "crate::cluster",
            "crate::headless",
            "node::",
            "std::process",
            "TcpStream",
            "TcpListener",
            "UdpSocket",
            "std::fs",
            "tokio::",
            "quinn",
        ],
        "panels draw the picture and queue commands: only the cluster acts",
    ),
    (
        "app/src/picture/",
        &[
            "egui",
            "eframe",
            "crate::cluster",
            "crate::panels",
            "node::",
            "std::process",
            "TcpStream",
            "TcpListener",
            "UdpSocket",
            "std::fs",
            "tokio::",
        ],
        "the picture is a fold of trace events: no window, no input or output",
    ),
    ("app/src/cluster/", &["egui", "eframe", "crate::panels"], "the cluster acts, it does not draw"),
];

/// The one part of `node` that is data and no process: the map is drawn from it.
const DATA_OF_NODE: &str = "node::gazetteer";

/// Lines that look in a forbidden direction.
pub fn offences(path: &str, text: &str) -> Vec<(usize, String)> {
    let rules = FORBIDDEN.iter().filter(|(place, ..)| path.starts_with(place) || module_file(place) == path);
    let mut found: Vec<_> = rules
        .flat_map(|(_, words, why)| words.iter().map(move |word| (*word, *why)))
        .flat_map(|(word, why)| uses(text, word).map(move |line| (line, format!("`{word}`: {why}"))))
        .collect();
    let arranges =
        ["app/src/app.rs", "app/src/lib.rs", "app/src/main.rs"].contains(&path) || path.starts_with("app/src/app/");
    if path.starts_with("app/src/") && !arranges && uses(text, "crate::panels").next().is_some() {
        let both =
            uses(text, "crate::cluster").map(|line| (line, "only app.rs sees both panels and cluster".to_owned()));
        found.extend(both);
    }
    found
}

/// "app/src/panels/" is headed by "app/src/panels.rs".
fn module_file(folder: &str) -> String {
    format!("{}.rs", folder.trim_end_matches('/'))
}

/// Colours are made in the theme only; naming their type is harmless.
pub fn colours(path: &str, text: &str) -> Vec<(usize, String)> {
    if !path.starts_with("app/src/") || path.starts_with("app/src/theme") {
        return Vec::new();
    }
    let made =
        |word: &'static str| uses(text, word).map(move |line| (line, format!("`{word}`: take a colour of theme.rs")));
    let lines: Vec<&str> = text.lines().collect();
    let mut found: Vec<_> =
        made("Color32::").chain(made("Rgba::")).chain(made("Hsva::")).chain(made("hex_color!")).collect();
    found.retain(|(line, _)| !lines[line - 1].contains("Color32::TRANSPARENT"));
    found
}

/// Dependencies of a manifest (not those of its tests) that are not pure.
pub fn foreign_dependencies(manifest: &str) -> Vec<&str> {
    let (_, rest) =
        manifest.split_once("\n[dependencies]\n").or(manifest.split_once("[dependencies]\n")).unwrap_or_default();
    let table = rest.lines().take_while(|line| !line.starts_with('['));
    let names = table.filter_map(|line| line.split(['.', ' ', '=']).next());
    names.filter(|name| !name.is_empty() && !name.starts_with('#') && !PURE.contains(name)).collect()
}

/// Lines, counted from 1, whose code (comments left out) has a path that begins with `word`.
fn uses<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.lines().enumerate().filter_map(move |(at, line)| {
        let code = line.split("//").next().unwrap_or_default().replace(DATA_OF_NODE, "");
        // "use crate::{picture, theme}" names both from the crate's root.
        let code = match code.split_once("use crate::{") {
            Some((_, list)) => format!("crate::{}", list.replace(", ", ", crate::")),
            None => code,
        };
        // A crate or root stands at the beginning of its path, a type or function may stand anywhere in it.
        let root = word.starts_with(char::is_lowercase);
        let begins = |at: usize| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || (root && c == ':'));
        code.match_indices(word).any(|(at, _)| begins(at)).then_some(at + 1)
    })
}

#[test]
fn wrong_directions_are_found() {
    for (path, line) in [
        ("protocol/src/replica.rs", "use node::links::Link;"),
        ("protocol/src/simulation/faults.rs", "let now = std::time::Instant::now();"),
        ("node/src/event_loop.rs", "use app::picture::Picture;"),
        ("app/src/panels/log.rs", "use crate::cluster::Cluster;"),
        ("app/src/panels.rs", "std::process::exit(1)"),
        ("app/src/panels/log.rs", "    node::control::ControlCommand::Observe(true)"),
        ("app/src/picture/nodes.rs", "use egui::Ui;"),
        ("app/src/cluster/launcher.rs", "use crate::panels::log;"),
        ("app/src/panels/log.rs", "use crate::{theme, cluster};"),
        ("app/src/wording.rs", "use crate::panels::log; use crate::cluster::Cluster;"),
    ] {
        assert!(!offences(path, line).is_empty(), "{path}: {line}");
    }
    for (path, line) in [
        ("protocol/src/replica.rs", "/// The driver (`node::event_loop`) does this."),
        ("protocol/src/ids.rs", "use std::net::SocketAddr;"),
        ("protocol/src/simulation/faults.rs", "use super::node::Node;"),
        ("app/src/picture/nodes.rs", "use std::net::SocketAddr;"),
        ("node/src/event_loop.rs", "use protocol::machine::Machine;"),
        ("app/src/panels/map.rs", "use node::gazetteer::Gazetteer;"),
        ("app/src/cluster.rs", "use node::control::ControlCommand;"),
        ("app/src/app.rs", "use crate::cluster::Cluster; use crate::panels::log;"),
    ] {
        assert!(offences(path, line).is_empty(), "{path}: {line}");
    }
}

#[test]
fn colours_elsewhere_are_found() {
    assert_eq!(colours("app/src/widgets.rs", "let ink = Color32::from_rgb(1, 2, 3);").len(), 1);
    assert!(colours("app/src/theme.rs", "let ink = Color32::from_rgb(1, 2, 3);").is_empty());
    assert!(colours("app/src/widgets.rs", "fn pill(ink: Color32) { fill(Color32::TRANSPARENT) }").is_empty());
}

#[test]
fn dependencies_are_read() {
    let manifest = "[package]\nname = \"x\"\n\n[dependencies]\n# why\nserde = \"1\"\ntokio.workspace = true\n\n[dev-dependencies]\nquinn = \"1\"\n";
    assert_eq!(foreign_dependencies(manifest), ["tokio"]);
}
