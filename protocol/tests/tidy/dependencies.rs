//! What the program may be built from: `.cargo/deny.toml` compared with what Cargo.lock and `cargo metadata` say.
//!
//! The same rules as cargo-deny's, as far as they can be read without a network: sources, banned crates, crates that must be
//! there once, lowest versions, licences.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use super::tree;

/// One table of `.cargo/deny.toml`, without comments: what stands between two lines with brackets.
fn section(rules: &str, name: &str) -> String {
    let (_, rest) = rules.split_once(&format!("\n[{name}]\n")).unwrap_or_else(|| panic!("[{name}] is missing"));
    let lines = rest.lines().take_while(|line| !line.starts_with('['));
    lines.filter(|line| !line.trim_start().starts_with('#')).map(|line| format!("{line}\n")).collect()
}

/// All texts in quotes.
fn quoted(text: &str) -> Vec<&str> {
    text.split('"').skip(1).step_by(2).collect()
}

/// A crate of Cargo.lock.
struct Locked<'a> {
    name: &'a str,
    version: &'a str,
    source: Option<&'a str>,
}

fn locked(lock: &str) -> Vec<Locked<'_>> {
    let packages = lock.split("[[package]]").skip(1).map(|package| {
        let value = |name: &str| package.split_once(&format!("\n{name} = \""))?.1.split('"').next();
        let part = |name: &str| value(name).unwrap_or_else(|| panic!("a package without {name}"));
        Locked { name: part("name"), version: part("version"), source: value("source") }
    });
    packages.collect()
}

/// "1.10.0-beta" is 1, 10, 0.
fn numbers(version: &str) -> Vec<u64> {
    let digits = version.split(['-', '+']).next().unwrap_or_default();
    digits.split('.').map(|number| number.parse().unwrap_or(0)).collect()
}

/// What Cargo.lock has and `[bans]` and `[sources]` do not allow.
fn offences(rules: &str, lock: &str) -> Vec<String> {
    let packages = locked(lock);
    let registries =
        quoted(&section(rules, "sources")).into_iter().map(|url| format!("registry+{url}")).collect::<Vec<_>>();
    let foreign =
        packages.iter().filter(|package| package.source.is_some_and(|from| !registries.contains(&from.into())));
    let mut found: Vec<_> = foreign.map(|package| format!("{} is from elsewhere", package.name)).collect();
    let bans = section(rules, "bans");
    for rule in bans.lines().filter(|line| line.contains("crate = ")) {
        let (name, below) =
            quoted(rule)[0].split_once(":<").map_or((quoted(rule)[0], None), |(name, v)| (name, Some(v)));
        let versions: Vec<_> = packages.iter().filter(|package| package.name == name).map(|it| it.version).collect();
        if rule.contains("deny-multiple-versions = true") {
            found.extend((versions.len() != 1).then(|| format!("{name} must be there once: {versions:?}")));
        } else {
            let is_denied = |version: &&&str| below.is_none_or(|below| numbers(version) < numbers(below));
            found.extend(versions.iter().filter(is_denied).map(|version| format!("{name} {version}: {rule}")));
        }
    }
    found
}

/// Whether a licence expression can be kept with what is allowed: any side of an OR, every side of an AND.
fn is_allowed(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    let expression = expression.replace(" / ", " OR ").replace('/', " OR ");
    let mut depth = 0;
    let mut parts = vec![(String::new(), String::new())];
    for word in expression.replace('(', "( ").replace(')', " )").split_whitespace() {
        match word {
            "(" => depth += 1,
            ")" => depth -= 1,
            "AND" | "OR" if depth == 0 => {
                parts.push((word.to_owned(), String::new()));
                continue;
            }
            _ => {}
        }
        if let Some((_, text)) = parts.last_mut() {
            let outer = matches!((word, depth), ("(", 1) | (")", 0));
            text.push_str(&if outer { String::new() } else { format!("{word} ") });
        }
    }
    let holds = |text: &str| match text.contains(" AND ") || text.contains(" OR ") {
        true => is_allowed(text, allowed),
        false => allowed.contains(text.trim()),
    };
    // AND binds closer than OR.
    let mut any = false;
    let mut all = true;
    for (joined_by, text) in &parts {
        if joined_by == "OR" {
            any |= all;
            all = true;
        }
        all &= holds(text);
    }
    any || all
}

/// Names and licences of all crates that are built on this platform.
fn licences() -> BTreeMap<String, String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let host = Command::new("rustc").arg("-vV").output().unwrap_or_else(|error| panic!("rustc: {error}"));
    let host =
        String::from_utf8_lossy(&host.stdout).lines().find_map(|line| Some(line.strip_prefix("host: ")?.to_owned()));
    let host = host.unwrap_or_else(|| panic!("rustc does not say its host"));
    let arguments = ["metadata", "--locked", "--format-version", "1", "--filter-platform", &host];
    let output = Command::new(cargo).args(arguments).output().unwrap_or_else(|error| panic!("cargo metadata: {error}"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // Each package begins with its name, version and id, and its licence is next.
    let packages = text.split("{\"name\":\"").filter_map(|package| {
        let (head, rest) = package.split_once(",\"license\":")?;
        let is_package = head.contains("\"version\":\"") && head.contains("\"id\":\"") && head.len() < 400;
        let licence = rest.strip_prefix('"').and_then(|rest| rest.split('"').next()).unwrap_or("none");
        is_package.then(|| (head.split('"').next().unwrap_or_default().to_owned(), licence.to_owned()))
    });
    packages.collect()
}

#[test]
fn only_what_is_allowed_is_built_in() {
    let found = offences(&tree::read(".cargo/deny.toml"), &tree::read("Cargo.lock"));
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn licences_are_those_that_are_allowed() {
    let rules = section(&tree::read(".cargo/deny.toml"), "licenses");
    let (allow, exceptions) = rules.split_once("exceptions").unwrap_or((&rules, ""));
    let allowed = quoted(allow).into_iter().collect();
    let excepted: BTreeSet<_> = quoted(exceptions).into_iter().collect();
    let licences = licences();
    assert!(licences.len() > 200, "only {} crates were found", licences.len());
    let wrong = licences.iter().filter(|(name, licence)| {
        !(is_allowed(licence, &allowed) || excepted.contains(name.as_str()) && excepted.contains(licence.as_str()))
    });
    let wrong: Vec<_> = wrong.collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn crates_that_are_not_allowed_are_found() {
    let rules = "\n[sources]\nallow-registry = [\"https://here\"]\n[bans]\n\
        { crate = \"once\", deny-multiple-versions = true },\n{ crate = \"banned\" },\n{ crate = \"old:<1.10.2\", reason = \"\" },\n";
    let package = |name: &str, version: &str, source: &str| {
        format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"registry+https://{source}\"\n")
    };
    let fine = package("once", "1.0.0", "here")
        + &package("old", "1.10.2", "here")
        + "[[package]]\nname = \"own\"\nversion = \"1.0.0\"\n";
    assert_eq!(offences(rules, &fine), Vec::<String>::new());
    for (name, version, source) in
        [("once", "2.0.0", "here"), ("banned", "1.0.0", "here"), ("old", "1.9.7", "here"), ("other", "1.0.0", "there")]
    {
        assert_eq!(offences(rules, &(fine.clone() + &package(name, version, source))).len(), 1, "{name}");
    }
}

#[test]
fn licence_expressions_are_understood() {
    let allowed: BTreeSet<_> = ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].into();
    for fine in ["MIT", "MIT/X", "GPL OR MIT", "MIT AND ISC", "(GPL OR MIT) AND ISC", "Apache-2.0 WITH LLVM-exception"]
    {
        assert!(is_allowed(fine, &allowed), "{fine}");
    }
    for wrong in ["GPL", "MIT AND GPL", "GPL AND MIT OR GPL", "(MIT OR ISC) AND GPL", "none"] {
        assert!(!is_allowed(wrong, &allowed), "{wrong}");
    }
}
