//! What a stranger wrote is shown, never obeyed: control characters, and those that turn the direction of writing, become
//! visible before a line is read.

use std::borrow::Cow;
use std::fmt::Write;

/// Longer explanations than this are cut, in characters.
const LONGEST: usize = 160;

/// A line of JSON in which no text holds a character that is not for people.
pub(super) fn escaped(line: &str) -> Cow<'_, str> {
    // Most lines have neither escapes nor any but ASCII letters.
    if !line.bytes().any(|byte| byte == b'\\' || byte == 0x7f || byte >= 0x80) {
        return Cow::Borrowed(line);
    }
    let mut out = String::with_capacity(line.len() + 16);
    let mut rest = line.chars();
    while let Some(character) = rest.next() {
        if character != '\\' {
            push(&mut out, character);
            continue;
        }
        match rest.next() {
            Some(short @ ('n' | 't' | 'r' | 'b' | 'f')) => {
                out.push_str("\\\\");
                out.push(short);
            }
            Some('u') => {
                let hex = rest.as_str().get(..4).unwrap_or_default();
                match u32::from_str_radix(hex, 16).ok().and_then(char::from_u32) {
                    Some(meant) if is_harmful(meant) => push(&mut out, meant),
                    _ => {
                        out.push_str("\\u");
                        out.push_str(hex);
                    }
                }
                rest = rest.as_str().get(hex.len()..).unwrap_or_default().chars();
            }
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    Cow::Owned(out)
}

fn push(out: &mut String, character: char) {
    match character {
        // White space between the values of a line.
        '\n' | '\r' | '\t' => out.push(character),
        harmful if is_harmful(harmful) => {
            // Writing into a text cannot fail.
            let _ = write!(out, "\\\\u{{{:x}}}", u32::from(harmful));
        }
        other => out.push(other),
    }
}

fn is_harmful(character: char) -> bool {
    let turns = matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    character.is_control() || turns
}

/// What a library said of a line, in one line without its position, which is told apart.
pub(super) fn for_people(words: &str) -> String {
    let words = words.split(" at line ").next().unwrap_or_default();
    words
        .chars()
        .take(LONGEST)
        .flat_map(|character| {
            match is_harmful(character) {
                true => character.escape_unicode().collect::<String>(),
                false => character.to_string(),
            }
            .chars()
            .collect::<Vec<_>>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_do_something_become_visible() {
        for (line, text) in [
            (r#""plain""#, "plain"),
            (r#""a\nb\tc""#, "a\\nb\\tc"),
            (r#""\u001b[31mred""#, "\\u{1b}[31mred"),
            (r#""\u202Eevil""#, "\\u{202e}evil"),
            ("\"\u{9b}31m\u{202e}\"", "\\u{9b}31m\\u{202e}"),
            (
                r#""quote \" backslash \\ slash \/ Grüße → \u00e9 \ud83c\udf55""#,
                "quote \" backslash \\ slash / Grüße → é 🍕",
            ),
            (r#""\\n stays""#, "\\n stays"),
        ] {
            assert_eq!(serde_json::from_str::<String>(&escaped(line)).unwrap(), text, "{line}");
        }
        assert!(serde_json::from_str::<String>(&escaped(r#""\u00"#)).is_err());
        assert_eq!(for_people("unknown variant `\u{1b}x` at line 1 column 9"), "unknown variant `\\u{1b}x`");
    }
}
