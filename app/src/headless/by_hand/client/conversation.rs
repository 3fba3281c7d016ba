//! What a line means that a customer types. Nothing is asked of a cluster here.

use protocol::menu::{check_items, menu};
use protocol::postcode::Postcode;

/// What the person wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Order { postcode: Postcode, items: Vec<String> },
    History(Postcode),
    Cancel,
    Receipts,
    Menu,
    Help,
    Quit,
}

/// What came of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Wish(Wish),
    /// More is needed, or it means nothing.
    Say(String),
    Nothing,
}

/// What was said before.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    /// Dishes that are chosen, and have no postcode yet.
    chosen: Vec<String>,
    /// Where the last order or question went.
    last: Option<Postcode>,
}

impl Conversation {
    /// Takes in a line.
    pub fn hear(&mut self, line: &str) -> Heard {
        let line = line.trim();
        let (first, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        match first.to_ascii_lowercase().as_str() {
            "" => self.empty_line(),
            "cancel" => self.cancel(),
            "receipts" => Heard::Wish(Wish::Receipts),
            "menu" => Heard::Wish(Wish::Menu),
            "help" | "?" => Heard::Wish(Wish::Help),
            "quit" | "exit" => Heard::Wish(Wish::Quit),
            "history" => self.history(rest),
            first if first.starts_with(|c: char| c.is_ascii_digit()) => self.dishes(line),
            _ => self.postcode(line),
        }
    }

    fn empty_line(&mut self) -> Heard {
        match (self.chosen.is_empty(), self.last) {
            (true, _) => Heard::Nothing,
            (false, Some(postcode)) => self.order(postcode),
            (false, None) => Heard::Say(wording::WHICH_POSTCODE.into()),
        }
    }

    fn cancel(&mut self) -> Heard {
        if std::mem::take(&mut self.chosen).is_empty() {
            Heard::Wish(Wish::Cancel)
        } else {
            Heard::Say(wording::CHOICE_DROPPED.into())
        }
    }

    fn history(&mut self, of: &str) -> Heard {
        let found = if of.is_empty() { self.last.ok_or_else(|| wording::WHOSE_HISTORY.to_owned()) } else { read(of) };
        match found {
            Ok(postcode) => {
                self.last = Some(postcode);
                Heard::Wish(Wish::History(postcode))
            }
            Err(why) => Heard::Say(why),
        }
    }

    /// "1 3, 3 DH1 3LE"
    fn dishes(&mut self, line: &str) -> Heard {
        let is_dish = |word: &&str| !word.is_empty() && word.chars().all(|c| c.is_ascii_digit());
        let mut left = line;
        let mut items = Vec::new();
        loop {
            left = left.trim_start_matches(|c: char| c.is_whitespace() || c == ',' || c == '+');
            let word = left.split(|c: char| c.is_whitespace() || c == ',' || c == '+').next().filter(is_dish);
            let Some(word) = word else { break };
            let dish = word.parse::<usize>().ok().and_then(|number| menu().get(number.checked_sub(1)?));
            let Some(dish) = dish else { return Heard::Say(wording::no_such_dish(word)) };
            items.push(dish.name.to_owned());
            left = &left[word.len()..];
        }
        if items.is_empty() {
            return self.postcode(line);
        }
        if let Err(error) = check_items(&items) {
            return Heard::Say(error.to_string());
        }
        self.chosen = items;
        let left = ["to ", "for "].iter().find_map(|word| left.strip_prefix(word)).unwrap_or(left).trim();
        if left.is_empty() { Heard::Say(wording::chosen(&self.chosen, self.last)) } else { self.postcode(left) }
    }

    fn postcode(&mut self, line: &str) -> Heard {
        match (read(line), self.chosen.is_empty()) {
            (Ok(postcode), false) => self.order(postcode),
            (Ok(postcode), true) => Heard::Say(wording::dishes_first(postcode)),
            (Err(why), false) => Heard::Say(format!("{why} {}", wording::WHICH_POSTCODE)),
            (Err(_), true) => Heard::Say(wording::not_understood(line)),
        }
    }

    fn order(&mut self, postcode: Postcode) -> Heard {
        self.last = Some(postcode);
        Heard::Wish(Wish::Order { postcode, items: std::mem::take(&mut self.chosen) })
    }
}

fn read(words: &str) -> Result<Postcode, String> {
    words.parse::<Postcode>().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(postcode: &str, items: &[&str]) -> Heard {
        let items = items.iter().map(|item| (*item).to_owned()).collect();
        Heard::Wish(Wish::Order { postcode: postcode.parse().unwrap(), items })
    }

    #[test]
    fn dishes_and_postcode_come_in_one_line_or_in_two() {
        let mut talk = Conversation::default();
        assert_eq!(talk.hear("4 dh1 3le"), order("DH1 3LE", &["Pad thai"]));
        assert_eq!(
            talk.hear(" 1, 1+2  to  EH1 1RE "),
            order("EH1 1RE", &["Margherita pizza", "Margherita pizza", "Chicken korma"])
        );
        let Heard::Say(asks) = talk.hear("14") else { panic!() };
        assert!(asks.contains("Lemonade") && asks.contains("EH1 1RE"), "{asks}");
        assert_eq!(talk.hear("NE1 7RU"), order("NE1 7RU", &["Lemonade"]));
        talk.hear("14");
        assert_eq!(talk.hear(""), order("NE1 7RU", &["Lemonade"]), "Enter takes the last postcode");
        assert_eq!(talk.hear(""), Heard::Nothing);
    }

    #[test]
    fn a_mistake_is_told_and_keeps_the_dishes() {
        let mut talk = Conversation::default();
        for (line, words) in [
            ("0", "no dish 0"),
            ("99 DH1 3LE", "no dish 99"),
            ("1 1 1 99999999999999999999", "no dish 999"),
            ("DH1 3LE", "choose dishes"),
            ("history", "Which postcode"),
            ("history hell", "postcode"),
            ("\u{1b}[2Jrm -rf /", "Type help"),
            (&"1 ".repeat(51), "at most 50"),
        ] {
            let Heard::Say(said) = talk.hear(line) else { panic!("{line}") };
            assert!(said.contains(words) && !said.contains('\u{1b}'), "{line}: {said}");
        }
        let Heard::Say(said) = talk.hear("4 nowhere") else { panic!() };
        assert!(said.contains("postcode"), "{said}");
        assert_eq!(talk.hear("DH1 3LE"), order("DH1 3LE", &["Pad thai"]));
    }

    #[test]
    fn words_are_commands_and_cancel_first_drops_a_choice() {
        let mut talk = Conversation::default();
        for (line, wish) in
            [("MENU", Wish::Menu), ("?", Wish::Help), ("quit", Wish::Quit), ("receipts", Wish::Receipts)]
        {
            assert_eq!(talk.hear(line), Heard::Wish(wish));
        }
        talk.hear("3");
        assert!(matches!(talk.hear("cancel"), Heard::Say(_)));
        assert_eq!(talk.hear("cancel"), Heard::Wish(Wish::Cancel));
        assert_eq!(talk.hear("history DH1 3LE"), Heard::Wish(Wish::History("DH1 3LE".parse().unwrap())));
        assert_eq!(talk.hear("history"), Heard::Wish(Wish::History("DH1 3LE".parse().unwrap())));
    }
}
