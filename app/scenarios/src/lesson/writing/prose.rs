//! Words as Markdown, both ways: a lesson's prose is written so that it is read back as it was, and what a person types is
//! prose if it can be, else it stands as it was typed.

use super::super::markdown as reading;
use super::super::prose::{Prose, Run};

/// What a person has typed: paragraphs with **bold**, *italic* and links to terms. What Markdown would take for anything
/// else (a heading, a list, a fence, HTML) stands there letter by letter.
#[must_use]
pub fn typed(text: &str) -> Prose {
    let text: String = text.chars().filter(|it| *it == '\n' || !it.is_control()).collect();
    reading::prose(&text).unwrap_or_else(|| literal(&text))
}

/// Paragraphs without looks; a line that is empty parts them.
fn literal(text: &str) -> Prose {
    let lines = text.lines().map(str::trim).collect::<Vec<_>>();
    let paragraphs = lines.split(|line| line.is_empty()).filter(|lines| !lines.is_empty());
    let run = |lines: &[&str]| vec![Run { text: lines.join(" "), ..Run::default() }];
    Prose { paragraphs: paragraphs.map(run).collect() }
}

/// Prose as Markdown, each line after this beginning: "> " for a quotation.
#[must_use]
pub fn markdown(prose: &Prose, begin: &str) -> String {
    let paragraphs = prose.paragraphs.iter().filter(|runs| !runs.is_empty());
    let lines = paragraphs.map(|runs| format!("{begin}{}", line(runs)));
    lines.collect::<Vec<_>>().join(&format!("\n{}\n", begin.trim_end()))
}

fn line(runs: &[Run]) -> String {
    let mut line = String::new();
    for run in runs {
        // Next to a bold word, a star would belong to that.
        let slant = if line.ends_with('*') { "_" } else { "*" };
        let marks = match (run.strong, run.emphasis) {
            (true, true) => "***",
            (true, false) => "**",
            (false, true) => slant,
            (false, false) => "",
        };
        let inside = run.text.trim();
        let (before, after) = match inside.is_empty() {
            true => (run.text.as_str(), ""),
            false => run.text.split_once(inside).unwrap_or_default(),
        };
        let inside = escaped_from(inside, line.is_empty() && marks.is_empty() && run.term.is_none());
        // Marks do not stand beside a space.
        let marked = if inside.is_empty() { String::new() } else { format!("{marks}{inside}{marks}") };
        line.push_str(&match &run.term {
            Some(term) => format!("{before}[{marked}]({}){after}", target(term)),
            None => format!("{before}{marked}{after}"),
        });
    }
    line
}

/// Where a link to a term goes.
fn target(term: &str) -> String {
    let is_plain = term.chars().all(|it| it.is_ascii_alphanumeric() || it == '-');
    match is_plain {
        true => format!("term:{term}"),
        false => format!("<term:{}>", escaped(term)),
    }
}

/// A line that stands as it is, wherever a line begins.
#[must_use]
pub fn escaped(text: &str) -> String {
    escaped_from(text.trim(), true)
}

fn escaped_from(text: &str, at_start: bool) -> String {
    let mut line = String::new();
    let mut before = None;
    let mut rest = text.chars().peekable();
    // Digits, up to a point, would begin a numbered list.
    let mut only_digits = at_start;
    while let Some(it) = rest.next() {
        let is_first = before.is_none() && at_start;
        let in_word =
            before.is_some_and(char::is_alphanumeric) && rest.peek().is_some_and(|next| next.is_alphanumeric());
        let is_special = match it {
            '\\' | '`' | '*' | '[' | ']' | '<' | '&' => true,
            '_' => !in_word,
            '#' => before.is_none_or(char::is_whitespace),
            '+' | '-' | '=' | '~' | '>' => is_first,
            '.' | ')' => only_digits && before.is_some(),
            _ => false,
        };
        if is_special {
            line.push('\\');
        }
        only_digits &= it.is_ascii_digit();
        before = Some(it);
        line.push(if it.is_control() { ' ' } else { it });
    }
    line
}
