//! What can be ordered, and how much at once.
//!
//! The menu is the same everywhere: it is built in, not replicated.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::text::with_invisible_named;

/// Items in one order, at most (PROTOCOL section 8).
pub const MOST_ITEMS: usize = 50;
/// Characters in the name of an item, at most (PROTOCOL section 8).
pub const LONGEST_ITEM: usize = 80;

/// A dish and its price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dish {
    /// As it stands in an order.
    pub name: &'static str,
    /// Price in pence.
    pub pence: u32,
}

/// All dishes, in the order of the menu.
pub fn menu() -> &'static [Dish] {
    static MENU: OnceLock<Vec<Dish>> = OnceLock::new();
    MENU.get_or_init(|| {
        include_str!("../../resources/menu.csv")
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(','))
            .filter_map(|(name, pence)| Some(Dish { name, pence: pence.trim().parse().ok()? }))
            .collect()
    })
}

/// Why a list of items is no order. Each is a sentence that can be shown.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Error, Serialize, Deserialize)]
pub enum ItemsError {
    /// No item at all.
    #[error("The order is empty. Choose at least one dish.")]
    Empty,
    /// More than [`MOST_ITEMS`].
    #[error("The order has {0} items, but one order can have at most 50. Split it in two.")]
    TooMany(u64),
    /// Not on the menu (also: longer than [`LONGEST_ITEM`]).
    #[error("“{0}” is not on the menu. Choose a dish from the menu.")]
    UnknownDish(String),
}

/// Whether these items may be ordered together: the customer checks before it asks, the primary before it believes.
///
/// # Errors
/// The first thing that is wrong with them.
pub fn check_items(items: &[String]) -> Result<(), ItemsError> {
    if items.is_empty() {
        return Err(ItemsError::Empty);
    }
    if items.len() > MOST_ITEMS {
        return Err(ItemsError::TooMany(items.len() as u64));
    }
    match items.iter().find(|item| !menu().iter().any(|dish| dish.name == **item)) {
        None => Ok(()),
        Some(unknown) => {
            let start: String = unknown.chars().take(LONGEST_ITEM).collect();
            Err(ItemsError::UnknownDish(with_invisible_named(&start)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_menu_is_a_dish() {
        assert_eq!(menu().len(), include_str!("../../resources/menu.csv").lines().count() - 1);
        assert!(menu().iter().all(|dish| dish.name.chars().count() <= LONGEST_ITEM && dish.pence > 0));
    }

    #[test]
    fn refusals_name_their_reason() {
        assert_eq!(check_items(&[]), Err(ItemsError::Empty));
        assert_eq!(check_items(&vec!["Pad thai".into(); 51]), Err(ItemsError::TooMany(51)));
        assert_eq!(check_items(&["Stone".into()]), Err(ItemsError::UnknownDish("Stone".into())));
        let named = ItemsError::UnknownDish("Pad[U+200B] thai".into());
        assert_eq!(check_items(&["Pad\u{200b} thai".into()]), Err(named));
        assert_eq!(check_items(&["Pad thai".into(), "Pad thai".into()]), Ok(()));
    }
}
