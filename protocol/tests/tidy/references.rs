//! What a file refers to must be in the repository: documents, and the sections, rules and invariants of the specification.

use std::collections::BTreeSet;

/// The specification is called by this word in comments.
const SPECIFICATION: &str = "PROTOCOL";

/// What may be referred to.
pub struct Known {
    /// Every file, as a path from the root.
    paths: BTreeSet<String>,
    /// Of the specification.
    sections: BTreeSet<u32>,
    /// "R1", "I9".
    rules: BTreeSet<String>,
}

impl Known {
    pub fn new(paths: impl Iterator<Item = String>, specification: &str) -> Self {
        let heading = |line: &str| line.strip_prefix("## ")?.split_once('.')?.0.parse().ok();
        let rule = |line: &str| {
            let name = line.trim_start_matches("- ").strip_prefix("**")?.split(['.', '*']).next()?;
            is_rule(name).then(|| name.to_owned())
        };
        let sections = specification.lines().filter_map(heading).collect();
        let rules = specification.lines().filter_map(rule).collect();
        Self { paths: paths.collect(), sections, rules }
    }

    /// Lines that refer to what is not there.
    pub fn ghosts(&self, path: &str, text: &str) -> Vec<(usize, String)> {
        let lines = text.lines().enumerate().map(|(at, line)| (at + 1, words_of(path, line)));
        lines.flat_map(|(at, words)| self.in_words(path, words).into_iter().map(move |ghost| (at, ghost))).collect()
    }

    fn in_words(&self, path: &str, words: &str) -> Vec<String> {
        let mut found = Vec::new();
        let tokens: Vec<_> = words.split(|c: char| c.is_whitespace() || "()[]`\"“”,;*|".contains(c)).collect();
        for (at, token) in tokens.iter().enumerate() {
            let token = token.trim_end_matches(['.', ':']);
            if is_file(token) && !self.has_file(path, token) {
                found.push(format!("{token} is not in the repository: name what is, or say the reason itself"));
            }
            if is_rule(token) && !self.rules.contains(token) {
                found.push(format!("the specification has no {token}"));
            }
            let next: Vec<_> = tokens[at + 1..].iter().filter(|token| !token.is_empty()).take(2).collect();
            match next[..] {
                [&"section", number] => found.extend(self.section(token, number)),
                [next, ..] if next.starts_with('§') => found.extend(self.section(token, next)),
                _ => {}
            }
            if is_former_document(token) {
                found.push(format!("{token} is a document that is not in the repository: say the reason itself"));
            }
        }
        found
    }

    fn section(&self, document: &str, number: &str) -> Option<String> {
        let is_name = document.len() > 3 && document.chars().all(|c| c.is_ascii_uppercase());
        let number: u32 = number.trim_matches(|c: char| !c.is_ascii_digit()).parse().ok().filter(|_| is_name)?;
        let there = document == SPECIFICATION && self.sections.contains(&number);
        (!there).then(|| format!("{document} has no section {number} in this repository"))
    }

    /// Beside the file that names it, as a path from the root, or as the end of one.
    fn has_file(&self, path: &str, name: &str) -> bool {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let name = name.trim_start_matches("../").rsplit('(').next().unwrap_or(name);
        let beside = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        let ends = format!("/{name}");
        name.contains("://")
            || self.paths.contains(&beside)
            || self.paths.iter().any(|path| path == name || path.ends_with(&ends))
    }
}

/// The prose of a line: of Rust only what stands in comments.
fn words_of<'a>(path: &str, line: &'a str) -> &'a str {
    match line.split_once("//") {
        Some((_, comment)) if path.ends_with(".rs") => comment,
        None if path.ends_with(".rs") => "",
        _ => line,
    }
}

/// Placeholders in capitals are none: `resources/scenarios/NAME.toml`.
fn is_file(name: &str) -> bool {
    let stem = [".md", ".rs", ".toml", ".scene"].iter().find_map(|end| name.strip_suffix(end));
    let last = stem.map(|stem| stem.rsplit('/').next().unwrap_or(stem));
    let is_placeholder = |last: &str| last == "NAME" || last.contains(['*', '{', '<', '…']);
    last.is_some_and(|last| !last.is_empty() && !is_placeholder(last))
}

fn is_rule(name: &str) -> bool {
    name.strip_prefix(['R', 'I']).is_some_and(|number| (1..3).contains(&number.len()) && number.parse::<u32>().is_ok())
}

/// Documents that guided the first versions and never were in the repository.
fn is_former_document(word: &str) -> bool {
    ["RELIABILITY", "DESIGN", "LOOK", "TECH", "STYLE", "ECOSYSTEM", "MACHINES"].contains(&word)
}

/// "The seed" is the number of a random run, and nothing else.
pub fn other_seeds(path: &str, text: &str) -> Vec<(usize, String)> {
    let phrases = ["the seed's", "the seed’s", "in the seed", "of the seed", "The seed says"];
    let wrong = |line: &str| phrases.iter().find(|phrase| line.contains(**phrase));
    let lines = text.lines().enumerate().filter(|_| !path.ends_with("tidy/references.rs"));
    let found =
        lines.filter_map(|(at, line)| Some((at + 1, format!("`{}`: a seed is a random run's number", wrong(line)?))));
    found.collect()
}

#[cfg(test)]
fn known() -> Known {
    let paths = ["protocol/PROTOCOL.md", "resources/data/SOURCE.md", "README.md"].map(String::from);
    Known::new(paths.into_iter(), "## The idea\n## 7. Clocks\n**R1. First.** Text.\n- **I9** Ninth.\n")
}

#[test]
fn references_to_what_is_not_there_are_found() {
    for line in [
        "// See DOCUMENTS.md.",
        "//! See `links/gone.rs` for more.",
        "/// A limit (PROTOCOL section 8).",
        "//! That is PROTOCOL §8, of course.",
        "// Never again (HANDBOOK section 7).",
        "// As RELIABILITY says.",
        "// R2 forbids it.",
        "// (I1, exact)",
    ] {
        assert_eq!(known().ghosts("node/src/links.rs", line).len(), 1, "{line}");
    }
    for line in [
        "// See protocol/PROTOCOL.md, section 8 of the law, and `resources/data/SOURCE.md`.",
        "/// A limit (PROTOCOL section 7, R1 and I9).",
        "//! See `data/SOURCE.md`, or FILE/NAME.toml.",
        "const LOOK: u32 = 8; // R1",
        "//! [9], [10]: R, I and R1st.",
    ] {
        assert_eq!(known().ghosts("node/src/links.rs", line), [], "{line}");
    }
    assert_eq!(known().ghosts("resources/data/x.toml", "# SOURCE.md").len(), 0);
}

#[test]
fn seeds_of_another_kind_are_found() {
    assert_eq!(other_seeds("a.rs", "// One of the seed's numbers.\n// Chosen by the seed.").len(), 1);
}
