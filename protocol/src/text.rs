//! Text that people type or paste: it can hold characters that no screen shows.
//!
//! Where they mean nothing they are dropped; where a text is refused because of them they are named.

/// Whether no screen shows the character: it takes no room, or only changes how others are shown.
#[must_use]
pub fn is_invisible(character: char) -> bool {
    (character.is_control() && !character.is_whitespace())
        || matches!(
            character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Whether it turns text around, so that what is read is not what is there: it is never dropped in silence.
#[must_use]
pub fn turns_text(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text without what nobody sees.
#[must_use]
pub fn without_invisible(text: &str) -> String {
    text.chars().filter(|character| !is_invisible(*character)).collect()
}

/// The text with a name for each character that nobody would see: "Pad[U+200B] thai".
#[must_use]
pub fn with_invisible_named(text: &str) -> String {
    let named = |character: char| match is_invisible(character) || character.is_control() {
        true => format!("[U+{:04X}]", u32::from(character)),
        false => character.into(),
    };
    text.chars().map(named).collect()
}

/// A stranger's text, safe to show: no control characters, and `most` characters at most.
#[must_use]
pub fn shown(text: &str, most: usize) -> String {
    text.chars().take(most).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_screen_shows_is_dropped_or_named() {
        let text = "\u{feff}Pad\u{200b} th\u{ad}ai\u{2060}";
        assert_eq!(without_invisible(text), "Pad thai");
        assert_eq!(with_invisible_named("Pad\u{200b} thai\n"), "Pad[U+200B] thai[U+000A]");
        assert_eq!(shown("a\u{1b}[2Jb", 4), "a\\u{1b}[2");
        assert_eq!(without_invisible("Müller’s Łódź — 東京 \t"), "Müller’s Łódź — 東京 \t");
    }
}
