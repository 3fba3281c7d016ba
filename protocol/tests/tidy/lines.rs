//! Rules that one file keeps by itself. Each returns the lines that break it, counted from 1, with a sentence.

const LONGEST_FILE: usize = 500;
const LONGEST_FUNCTION: usize = 70;

/// The first line says what the file is for.
pub fn purpose(text: &str) -> Vec<(usize, String)> {
    let first = text.lines().next().unwrap_or_default();
    let says = first.strip_prefix("//! ").is_some_and(|purpose| purpose.len() > 8);
    if says { vec![] } else { vec![(1, "begin with `//! ` and what this file is for".into())] }
}

/// 500 lines at most (100 to 300 as a rule).
pub fn file_length(text: &str) -> Vec<(usize, String)> {
    let lines = text.lines().count();
    let sentence = format!("{lines} lines, at most {LONGEST_FILE}: move a part into a sub-module");
    if lines > LONGEST_FILE { vec![(lines, sentence)] } else { vec![] }
}

/// 70 lines at most, from `fn` to the closing brace. Relies on rustfmt: that brace stands where the `fn` line began.
pub fn function_lengths(text: &str) -> Vec<(usize, String)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut offences = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let indent = &line[..line.len() - line.trim_start().len()];
        let ends = |line: &&&str| {
            let rest = line.strip_prefix(indent).unwrap_or_default();
            rest.starts_with('}') || (!rest.starts_with(' ') && (rest.ends_with(';') || rest.ends_with('}')))
        };
        let length = 1 + lines[start..].iter().position(|line| ends(&line)).unwrap_or_default();
        if length > LONGEST_FUNCTION {
            let sentence = format!("`{name}` has {length} lines, at most {LONGEST_FUNCTION}: give its parts names");
            offences.push((start + 1, sentence));
        }
    }
    offences
}

fn function_name(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("fn ")?;
    let qualifiers = ["pub", "const", "async", "extern", "default"];
    let begins = before.split_whitespace().all(|word| qualifiers.iter().any(|known| word.starts_with(known)));
    if begins { after.split(['(', '<']).next() } else { None }
}

/// No note about work that is not done.
pub fn left_overs(text: &str) -> Vec<(usize, String)> {
    // In halves, so that this file may be read too.
    let words = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X"), concat!("HA", "CK")];
    let notes = text.lines().enumerate().filter_map(|(at, line)| {
        let word = line.split(|c: char| !c.is_alphanumeric()).find(|token| words.contains(token))?;
        Some((at + 1, format!("{word}: do it, or propose an issue")))
    });
    notes.collect()
}

/// No folder that exists on one machine only.
pub fn machine_paths(text: &str) -> Vec<(usize, String)> {
    let folders = [
        concat!("/wo", "rk/"),
        concat!("/ho", "me/"),
        concat!("/ro", "ot/"),
        concat!("/tmp", "/w/"),
        concat!("C:", "\\Users"),
    ];
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        for folder in folders.iter().filter(|folder| line.contains(*folder)) {
            found.push((at + 1, format!("{folder}: a path of one machine; make it relative or a parameter")));
        }
    }
    found
}

#[test]
fn a_purpose_is_a_sentence_at_the_very_top() {
    assert!(purpose("//! Counts orders.\nfn main() {}").is_empty());
    for bad in ["", "fn main() {}", "//!\n", "\n//! Counts orders.", "// Counts orders."] {
        assert_eq!(purpose(bad).len(), 1, "{bad:?}");
    }
}

#[test]
fn long_functions_are_found() {
    let function = |lines: usize, head: &str| format!("{head} {{\n{}}}\n", "        work();\n".repeat(lines - 2));
    assert!(function_lengths(&function(70, "fn short()")).is_empty());
    for head in
        ["fn long()", "pub fn long<T>()", "pub(super) const fn long()", "    pub async fn long()", "fn long(\n)"]
    {
        let text = function(75, head).replace("\n}", if head.starts_with(' ') { "\n    }" } else { "\n}" });
        assert_eq!(function_lengths(&text).len(), 1, "{head}");
    }
    assert!(function_lengths(&format!("trait T {{\n    fn declared(&self);\n{}}}\n", "\n".repeat(99))).is_empty());
    assert_eq!(file_length(&"\n".repeat(500)).len(), 0);
    assert_eq!(file_length(&"\n".repeat(501)).len(), 1);
}

#[test]
fn notes_and_paths_are_found() {
    assert_eq!(
        left_overs(concat!("fine\n// TO", "DO later\n")),
        [(2, concat!("TO", "DO: do it, or propose an issue").into())]
    );
    assert!(left_overs("a mastodon, METHODOLOGY").is_empty());
    assert_eq!(machine_paths(concat!("cd /wo", "rk/main")).len(), 1);
    assert!(machine_paths("target/debug, ./scenarios, network/").is_empty());
}
