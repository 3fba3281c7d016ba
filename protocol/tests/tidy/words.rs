//! Words that no reader is shown: in texts of the program, in `--help`, in scenario files and in documents.
//!
//! Each was once there and made a sentence hard to read. Comments keep to a part of the list.

/// Each with what to say in its place.
const BANNED: &[(&str, &str)] = &[
    ("in vain", "say what did not happen, and within which time"),
    ("shall", "will, must or is to"),
    ("so many", "this many, or the number"),
    ("whoever", "name who it is"),
    ("whomever", "name who it is"),
    ("of whom", "a sentence of its own"),
    ("comes to nothing", "say what happens instead"),
    ("nobody can say", "say what is not known, and why"),
    ("there is nobody", "no node, no replica, no customer"),
    ("there was nobody", "no node, no replica, no customer"),
    ("beside what is so", "next to the facts"),
    ("what is so", "the facts"),
    ("so it is:", "actually"),
    ("it is said", "say who says it"),
    ("of it.", "its"),
    ("of it,", "its"),
    ("of it;", "its"),
    ("as it really does", "at real speed"),
    ("before your eyes", "you see"),
    ("goes no further", "say where it stopped"),
    ("went no further", "say where it stopped"),
    ("is being settled", "finding out"),
    ("past others", "overtake"),
    ("lets past", "overtakes"),
    ("makes no sense", "is not valid"),
    ("somebody else", "another process, another customer, another user"),
    ("asked to end", "stopped"),
    ("not uncommon", "common"),
    ("not impossible", "possible"),
    ("not without", "with"),
    ("who ", "name who it is"),
];

/// Words of the program's own that newcomers did not know, once no code uses them. The list grows with each one that is renamed.
const PRIVATE: &[(&str, &str)] = &[
    ("errand", "request"),
    ("patron", "client"),
    ("reel", "entry log"),
    ("chronicle", "message index"),
    ("weather", "network conditions"),
    ("ledger", "stats"),
    ("deed", "resolved step"),
    ("house", "customer host"),
];

/// Lines with such a word.
pub fn offences(path: &str, text: &str) -> Vec<(usize, String)> {
    let shown = match path.rsplit('.').next() {
        Some("rs") => shown_by_rust(text),
        _ => text.lines().enumerate().map(|(at, line)| (at + 1, line.trim_start_matches("# ").to_owned())).collect(),
    };
    let found = shown.into_iter().flat_map(|(line, text)| {
        let banned = BANNED.iter().chain(PRIVATE).filter(move |(word, _)| has(&text, word));
        banned.map(move |(word, better)| (line, format!("`{word}`: {better}")))
    });
    found.collect()
}

/// A word that ends with a blank counts only where a sentence begins with it: "who" asks there, or stands for a name.
fn has(text: &str, word: &str) -> bool {
    let text = text.to_lowercase();
    let is_letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
    let begins = |before: &str| before.trim_end().is_empty() || before.ends_with([':', ';']) || before.ends_with(". ");
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + word.len()..]);
        match word.ends_with(' ') {
            true => begins(before.trim_end_matches(' ')) && !text.contains('?'),
            false => !is_letter(before.chars().next_back()) && !is_letter(after.chars().next()),
        }
    })
}

/// Of those, the ones that no comment has either.
const IN_COMMENTS: [&str; 7] =
    ["in vain", "shall", "so many", "whoever", "comes to nothing", "made on purpose", "mistake"];

/// A sentence that begins with "Who" and asks nothing: its subject has a better name.
fn begins_with_who(comment: &str) -> bool {
    let begins = comment.trim_start_matches(['/', '!']).trim_start().starts_with("Who ");
    (begins || comment.contains(". Who ")) && !comment.contains('?')
}

/// Lines with such a comment.
pub fn comments(path: &str, text: &str) -> Vec<(usize, String)> {
    if path.ends_with("tidy/words.rs") {
        return Vec::new();
    }
    let comments = text.lines().enumerate().filter_map(|(at, line)| Some((at + 1, line.split_once("//")?.1)));
    let found = comments.filter_map(|(at, comment)| {
        let word = IN_COMMENTS.into_iter().find(|word| has(comment, word));
        let word = word.or_else(|| begins_with_who(comment).then_some("Who"))?;
        Some((at, format!("`{word}` in a comment")))
    });
    found.collect()
}

/// Lines that look for a sentence, or a part of one, in what was said to people: what a program asks is a type.
pub fn sentences_read(path: &str, text: &str) -> Vec<(usize, String)> {
    if !path.contains("/src/") || path.ends_with("tests.rs") || path.contains("/tests/") {
        return Vec::new();
    }
    let code = text.split("\nmod tests {").next().unwrap_or(text);
    let searches = ["starts_with(\"", "ends_with(\"", "contains(\"", "strip_prefix(\"", "== \"", "!= \""];
    let is_sentence = |text: &str| text.trim().contains(' ');
    let reads = |line: &str| {
        let line = line.split("//").next().unwrap_or_default();
        searches
            .iter()
            .any(|search| line.split(search).skip(1).filter_map(|rest| rest.split('"').next()).any(is_sentence))
    };
    let lines = code.lines().enumerate().filter(|(_, line)| reads(line));
    lines
        .map(|(at, _)| (at + 1, "a sentence is read: give the fact a type, and make the words at the edge".into()))
        .collect()
}

/// Texts between quotes, and the comments from which `--help` is made.
pub fn shown_by_rust(text: &str) -> Vec<(usize, String)> {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    let is_help = text.contains("clap::");
    let mut shown = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (at, line) in text.lines().enumerate() {
        if open.is_none() && line.trim_start().starts_with("//") {
            let help = line.trim_start().strip_prefix("///").filter(|_| is_help);
            shown.extend(help.map(|help| (at + 1, help.to_owned())));
            continue;
        }
        let mut before = ' ';
        let mut escaped = false;
        for c in line.chars() {
            match &mut open {
                Some((_, text)) if c == '"' && !escaped => {
                    shown.push((at + 1, std::mem::take(text)));
                    open = None;
                }
                Some((_, text)) => text.push(c),
                // '"' is a character.
                None if c == '"' && before != '\'' => open = Some((at + 1, String::new())),
                None => {}
            }
            escaped = c == '\\' && !escaped;
            before = c;
        }
        // A text goes on in the next line after a backslash, where its blanks do not count.
        if let Some((_, text)) = &mut open {
            let end = text.trim_end_matches('\\').trim_end().len();
            text.truncate(end);
            text.push(' ');
        }
    }
    shown
}

#[test]
fn banned_words_are_found_where_a_reader_meets_them() {
    for text in [
        "    bail!(\"It waited in vain.\");",
        "const TEXT: &str = \"It stands, or it never \\\n    shall.\";",
        "use clap::Args;\n/// For so many seconds.",
        "if c == '\"' {}\nlet text = \"Whoever comes.\";",
    ] {
        assert_eq!(offences("app/src/a.rs", text).len(), 1, "{text}");
    }
    for text in ["// It waited in vain.", "/// For so many seconds.", "let shall = \"A shallow text, so manyfold.\";"] {
        assert_eq!(offences("app/src/a.rs", text), [], "{text}");
    }
    assert_eq!(offences("a.toml", "# shall\ntitle = \"It shall be\"").len(), 2);
    for (text, found) in [
        ("Who waits is told.", 1),
        ("It is late: who waits is told.", 1),
        ("Who is told?", 0),
        ("The customer who waits is told.", 0),
        ("A copy of it. A part of items.", 1),
        ("The patron of a patronising weatherman.", 1),
    ] {
        assert_eq!(offences("a.md", text).len(), found, "{text}");
    }
}

#[test]
fn comments_are_plain_too() {
    assert_eq!(comments("app/src/a.rs", "let a = 1; // Whoever comes.\n/// It shall be.\n// Fine.").len(), 2);
    assert_eq!(comments("app/src/a.rs", "/// Who waits.\n//! Late. Who waits is told.\n// Who waits?").len(), 2);
    assert_eq!(comments("app/src/a.rs", "let shall = 1;\n/// Those\n/// who wait, who order."), []);
}

#[test]
fn sentences_that_are_read_are_found() {
    let found = |text: &str| sentences_read("app/src/a.rs", text).len();
    assert_eq!(found("if why.starts_with(\"view of\") || why == \"not acting\" {}\nwhy.contains(\"it is\")"), 2);
    assert_eq!(found("if name == \"front-end\" || text.contains(\"://\") {} // why == \"it is\""), 0);
    assert_eq!(found("#[cfg(test)]\nmod tests {\nassert!(why.contains(\"it is\"));"), 0);
}
