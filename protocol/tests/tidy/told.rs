//! Below the wording, nothing speaks to people: what is told travels as a type, and its words are made in `app/wording`.
//!
//! Errors are sentences at their own edge, and the simulator tells a developer what broke: neither counts.

use super::words::shown_by_rust;

/// Words in a row that make a sentence.
const A_SENTENCE: usize = 3;

/// What a name has to be: an error of the command line and of scenario files.
const EDGES: [&str; 1] = ["protocol/src/named.rs"];

/// Lines of the protocol that hold a sentence, outside errors, assertions and tests.
pub fn of_the_protocol(path: &str, text: &str) -> Vec<(usize, String)> {
    let may_speak = path.contains("/simulation/") || path.ends_with("tests.rs") || EDGES.contains(&path);
    if may_speak || !path.starts_with("protocol/src/") { Vec::new() } else { sentences(text, |_| true) }
}

/// Lines of a floor below the wording that hold a sentence in a `Display` or in a function that is there for words.
pub fn of_a_floor(path: &str, text: &str) -> Vec<(usize, String)> {
    let floors = ["app/knowledge/src/", "app/cluster/src/", "app/scenarios/src/"];
    if floors.iter().any(|floor| path.starts_with(floor)) { sentences(text, |tells| tells) } else { Vec::new() }
}

fn sentences(text: &str, counts: impl Fn(bool) -> bool) -> Vec<(usize, String)> {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    let lines: Vec<&str> = code.lines().collect();
    let found = shown_by_rust(code).into_iter().filter(|(line, text)| {
        words_in_a_row(text) >= A_SENTENCE && counts(tells(&lines, line - 1)) && !is_for_a_developer(&lines, line - 1)
    });
    found.map(|(line, text)| (line, format!("“{text}” is a sentence: make its words in app/wording"))).collect()
}

/// How many words follow each other, with values in their places: "op {op} is committed" has four.
fn words_in_a_row(text: &str) -> usize {
    let is_word = |word: &&str| {
        let word = word.trim_matches(['.', ',', ':', ';', '?', '!', '“', '”', '(', ')']);
        !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "{}'’-#_".contains(c))
    };
    let is_plain = |word: &&str| word.chars().any(char::is_lowercase) && !word.contains('{');
    let rows = text.split(' ').collect::<Vec<_>>();
    let rows = rows.split(|word| !is_word(word)).filter(|row| row.iter().filter(|word| is_plain(word)).count() > 1);
    rows.map(<[&str]>::len).max().unwrap_or(0)
}

/// Whether the line stands in a `Display`, or in a function that is called after words.
fn tells(lines: &[&str], at: usize) -> bool {
    let heads = ["fn label(", "fn sentence(", "fn words("];
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut depth = usize::MAX;
    lines[..=at].iter().rev().filter(|line| !line.trim().is_empty()).any(|line| {
        let outer = indent(line) < depth;
        depth = depth.min(indent(line));
        let returns_words = !line.contains("Result<") && line.contains("->");
        outer && (line.contains("Display for") || returns_words && heads.iter().any(|head| line.contains(head)))
    })
}

/// An attribute (errors have theirs), an assertion, what can never happen, or an error of a decoder.
fn is_for_a_developer(lines: &[&str], at: usize) -> bool {
    const BEGIN: [&str; 9] = [
        "#[",
        "assert!(",
        "assert_eq!(",
        "debug_assert",
        "unreachable!(",
        "panic!(",
        ".expect(",
        "::custom(",
        "fn expecting(",
    ];
    let of_one = |line: &&str| BEGIN.iter().any(|begin| line.contains(begin));
    lines[at.saturating_sub(2)..=at].iter().any(of_one)
}

#[test]
fn sentences_are_found_where_none_belongs() {
    let found = |text: &str| of_the_protocol("protocol/src/a.rs", text).len();
    for text in [
        "Refusal::Busy => f.write_str(\"refused: busy, try again later\"),",
        "format!(\"Request {id} has no answer.\")",
        "    text: format!(\"Installed the whole state at {at}.\"),",
        "Plant::A => \"Messages from an old view are accepted.\",",
        "Message::LookUpAgain { .. } => \"look up again\".into(),",
    ] {
        assert_eq!(found(text), 1, "{text}");
    }
    for text in [
        "#[error(\"the envelope has {0} bytes too many\")]",
        "#[error(\n    \"A postcode has only letters.\"\n)]",
        "assert!(fits, \"order numbers have no gaps\");",
        "// \"Messages from an old view are accepted.\"",
        "#[cfg(test)]\nmod tests {\nlet text = \"This is a test.\";",
    ] {
        assert_eq!(found(text), 0, "{text}");
    }
    let floor = |text: &str| of_a_floor("app/knowledge/src/a.rs", text).len();
    assert_eq!(floor("impl fmt::Display for A {\n    fn fmt() {\n        f.write_str(\"this is bad\")\n    }\n}"), 1);
    assert_eq!(floor("fn label() -> String {\n    \"a few words\".into()\n}"), 1);
    assert_eq!(floor("fn label() -> u8 {\n    1\n}\nfn open() {\n    bail!(\"It is no tape.\")\n}"), 0);
}
