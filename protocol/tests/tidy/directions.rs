//! What each floor may use: the protocol is pure, the picture is a fold, panels only draw, and nothing below the window can.

/// What the protocol may be built from.
const PURE: [&str; 4] = ["crc32fast", "postcard", "serde", "thiserror"];

/// Libraries and crates that draw.
const DRAWS: [&str; 5] = ["eframe", "egui", "earcut", "winit", "window"];

/// For files whose path begins with the first: words that must not stand in their code, and why. Which crate may use which other
/// stands in their manifests, and cargo sees to it.
const FORBIDDEN: [(&str, &[&str], &str); 3] = [
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
    (
        "app/window/src/panels/",
        &["node::", "std::process", "TcpStream", "TcpListener", "UdpSocket", "std::fs"],
        "panels draw the picture and queue commands: only the cluster acts",
    ),
    (
        "app/knowledge/src/picture/",
        &["node::", "std::process", "TcpStream", "TcpListener", "UdpSocket", "std::fs"],
        "the picture is a fold of trace events: no input or output",
    ),
];

/// The one part of `node` that is data and no process: the map is drawn from it.
const DATA_OF_NODE: &str = "node::gazetteer";

/// Lines that do what their floor must not.
pub fn offences(path: &str, text: &str) -> Vec<(usize, String)> {
    let rules = FORBIDDEN.iter().filter(|(place, ..)| path.starts_with(place) || module_file(place) == path);
    rules
        .flat_map(|(_, words, why)| words.iter().map(move |word| (*word, *why)))
        .flat_map(|(word, why)| uses(text, word).map(move |line| (line, format!("`{word}`: {why}"))))
        .collect()
}

/// "protocol/src/" has no file above it; "app/window/src/panels/" is headed by "app/window/src/panels.rs".
fn module_file(folder: &str) -> String {
    format!("{}.rs", folder.trim_end_matches('/'))
}

/// Colours are made in the theme only; naming their type is harmless.
pub fn colours(path: &str, text: &str) -> Vec<(usize, String)> {
    if !path.starts_with("app/window/src/") || path.starts_with("app/window/src/theme") {
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

/// Dependencies of a manifest that draw, other than those left out where the window is.
pub fn of_the_window(manifest: &str) -> Vec<&str> {
    let (_, rest) = manifest.split_once("[dependencies]\n").unwrap_or_default();
    let table = rest.lines().take_while(|line| !line.starts_with('['));
    let needed = table.filter(|line| !line.contains("optional = true"));
    needed.filter_map(|line| line.split(['.', ' ', '=']).next()).filter(|name| DRAWS.contains(name)).collect()
}

/// Lines, counted from 1, whose code (comments left out) has a path that begins with `word`.
fn uses<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.lines().enumerate().filter_map(move |(at, line)| {
        let code = line.split("//").next().unwrap_or_default().replace(DATA_OF_NODE, "");
        // A crate or root stands at the beginning of its path, a type or function may stand anywhere in it.
        let root = word.starts_with(char::is_lowercase);
        let begins = |at: usize| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || (root && c == ':'));
        code.match_indices(word).any(|(at, _)| begins(at)).then_some(at + 1)
    })
}

#[test]
fn wrong_directions_are_found() {
    for (path, line) in [
        ("protocol/src/simulation/faults.rs", "let now = std::time::Instant::now();"),
        ("app/window/src/panels.rs", "std::process::exit(1)"),
        ("app/window/src/panels/log.rs", "    node::control::ControlCommand::Observe(true)"),
        ("app/knowledge/src/picture/nodes.rs", "use std::fs::File;"),
    ] {
        assert!(!offences(path, line).is_empty(), "{path}: {line}");
    }
    for (path, line) in [
        ("protocol/src/replica.rs", "/// The driver reads with `std::fs`."),
        ("protocol/src/ids.rs", "use std::net::SocketAddr;"),
        ("protocol/src/simulation/faults.rs", "use super::node::Node;"),
        ("app/knowledge/src/picture/nodes.rs", "use std::net::SocketAddr;"),
        ("app/window/src/panels/map.rs", "use node::gazetteer::Gazetteer;"),
        ("app/cluster/src/lib.rs", "use std::process::Command;"),
    ] {
        assert!(offences(path, line).is_empty(), "{path}: {line}");
    }
}

#[test]
fn colours_elsewhere_are_found() {
    assert_eq!(colours("app/window/src/widgets.rs", "let ink = Color32::from_rgb(1, 2, 3);").len(), 1);
    assert!(colours("app/window/src/theme.rs", "let ink = Color32::from_rgb(1, 2, 3);").is_empty());
    assert!(colours("app/window/src/widgets.rs", "fn pill(ink: Color32) { fill(Color32::TRANSPARENT) }").is_empty());
}

#[test]
fn dependencies_are_read() {
    let manifest = "[package]\nname = \"x\"\n\n[dependencies]\n# why\nserde = \"1\"\ntokio.workspace = true\n\n[dev-dependencies]\nquinn = \"1\"\n";
    assert_eq!(foreign_dependencies(manifest), ["tokio"]);
}
