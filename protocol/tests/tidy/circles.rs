//! Neighbouring modules do not use each other in a circle, so that each can be read after those that it uses.
//!
//! Neighbours are modules with the same parent; what a module's children use, the module uses. A parent and its children
//! may use each other: children work on the parent's types, and the parent hands out the work. Tests may use everything.

use std::collections::{BTreeMap, BTreeSet};

use super::tree::{self, SourceFile};

/// Where this holds.
const FOLDERS: [&str; 8] = [
    "protocol/src/",
    "node/src/",
    "app/cluster/src/",
    "app/src/",
    "app/knowledge/src/",
    "app/scenarios/src/",
    "app/window/src/",
    "app/wording/src/",
];

/// A module by the names on the way to it; empty: the crate's root.
type Module = Vec<String>;

/// The first circle among the files of one crate, as the modules on it.
fn circle(folder: &str, files: &[SourceFile]) -> Option<Vec<String>> {
    let of_crate = files.iter().filter_map(|file| Some((module(file.path.strip_prefix(folder)?)?, file)));
    let texts: BTreeMap<Module, &str> = of_crate.map(|(module, file)| (module, file.text.as_str())).collect();
    let mut uses: BTreeMap<Module, BTreeSet<Module>> = BTreeMap::new();
    for (module, text) in &texts {
        for path in paths(module, text) {
            let known = (0..=path.len()).rev().map(|length| &path[..length]).find(|path| texts.contains_key(*path));
            let used = known.unwrap_or_default();
            let common = module.iter().zip(used).take_while(|(one, other)| one == other).count();
            if let (Some(one), Some(other)) = (module.get(..=common), used.get(..=common)) {
                uses.entry(one.to_vec()).or_default().insert(other.to_vec());
            }
        }
    }
    let mut done = BTreeSet::new();
    uses.keys().find_map(|module| follow(module, &uses, &mut Vec::new(), &mut done))
}

fn follow(
    module: &Module,
    uses: &BTreeMap<Module, BTreeSet<Module>>,
    way: &mut Vec<Module>,
    done: &mut BTreeSet<Module>,
) -> Option<Vec<String>> {
    way.push(module.clone());
    if let Some(begin) = way[..way.len() - 1].iter().position(|before| before == module) {
        return Some(way[begin..].iter().map(|module| module.join("::")).collect());
    }
    if !done.contains(module) {
        let next = uses.get(module).into_iter().flatten();
        let found = next.into_iter().find_map(|next| follow(next, uses, way, done));
        if found.is_some() {
            return found;
        }
        done.insert(module.clone());
    }
    way.pop();
    None
}

/// The module of a file; none: a test.
fn module(path: &str) -> Option<Module> {
    let mut module: Module = path.strip_suffix(".rs")?.split('/').map(str::to_owned).collect();
    module.pop_if(|last| ["lib", "main", "mod"].contains(&last.as_str()));
    (!module.contains(&"tests".to_owned())).then_some(module)
}

/// All paths in a file's code that begin with `crate` or `super`, from the crate's root. Its tests are left out.
fn paths(module: &Module, text: &str) -> Vec<Module> {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let code: String = text.lines().map(|line| format!("{}\n", line.split("//").next().unwrap_or_default())).collect();
    let mut found = Vec::new();
    for root in ["crate::", "super::"] {
        for (at, _) in code.match_indices(root) {
            // "super::super::" is read from its first word on, and `$crate` is another crate's.
            if !code[..at].ends_with(|c: char| c.is_alphanumeric() || [':', '_', '$'].contains(&c)) {
                let start = if root == "crate::" { Vec::new() } else { parent(module) };
                branches(start, &code[at + root.len()..], &mut found);
            }
        }
    }
    found
}

fn parent(module: &Module) -> Module {
    module[..module.len().saturating_sub(1)].to_vec()
}

/// Reads "a::{b, c::d}" as two paths below `start`. Returns what follows.
fn branches<'a>(start: Module, text: &'a str, found: &mut Vec<Module>) -> &'a str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        while !rest.trim_start().is_empty() && !rest.trim_start().starts_with('}') {
            rest = branches(start.clone(), rest, found).trim_start();
            rest = rest.strip_prefix(',').unwrap_or(rest);
        }
        return rest.trim_start().strip_prefix('}').unwrap_or_default();
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let here = match name {
        "super" => parent(&start),
        "self" => start,
        _ => [start, vec![name.to_owned()]].concat(),
    };
    match rest.strip_prefix("::") {
        Some(rest) => branches(here, rest, found),
        None => {
            found.push(here);
            // A new name, or the "*" of all names.
            let end = rest.find([',', '}', ';', '\n']).unwrap_or(rest.len());
            &rest[end..]
        }
    }
}

#[test]
fn neighbours_do_not_use_each_other_in_a_circle() {
    let files = tree::rust_files();
    let found = FOLDERS.iter().filter_map(|folder| Some(format!("{folder}: {}", circle(folder, &files)?.join(" → "))));
    let found: Vec<_> = found.collect();
    assert!(found.is_empty(), "move what they share below both:\n{}", found.join("\n"));
}

#[test]
fn circles_are_found() {
    let file = |path: &str, text: &str| SourceFile { path: format!("x/src/{path}.rs"), text: text.to_owned() };
    let circle_of = |files: &[SourceFile]| circle("x/src/", files).map(|circle| circle.join(" "));
    let root = || file("lib", "mod a; mod b;");
    let found = |a: &str, b: &str| circle_of(&[root(), file("a", a), file("b", b)]);
    assert_eq!(found("use crate::b::B;", "use crate::a::A;").as_deref(), Some("a b a"));
    assert_eq!(found("fn f() { crate::b::f() }", "use crate::{a::{self, A}, c};").as_deref(), Some("a b a"));
    assert_eq!(found("use crate::b::B;", "use super::{c, a};").as_deref(), Some("a b a"));
    for (a, b) in [
        ("use crate::b::B;", "// use crate::a::A;"),
        ("use crate::b::B;", "#[cfg(test)]\nmod tests {\nuse crate::a::A;"),
        ("use crate::b::B;", "use crate::B; use std::a;"),
        ("use crate::{b::{B, c}, d};", "use other::crate_a::A;"),
    ] {
        assert_eq!(found(a, b), None, "{a} {b}");
    }
    // A child's use is its parent's; parent and child may use each other; a tests file is none of them.
    let family = [
        root(),
        file("a", "use crate::a::c::C;"),
        file("a/c", "use super::A;\nuse crate::b::B;"),
        file("b", ""),
        file("b/tests", "use crate::a;"),
    ];
    assert_eq!(circle_of(&family), None);
    let back = file("b/d", "use crate::\n    a;");
    assert_eq!(circle_of(&[&family[..3], &[back, file("b", "")]].concat()).as_deref(), Some("a b a"));
    let cousins = [file("a/c", "use super::d::e::E;"), file("a/d", "use super::c;"), file("a/d/e", "")];
    assert_eq!(circle_of(&cousins).as_deref(), Some("a::c a::d a::c"));
}
