//! How many copies there are before a customer is told "placed": all (the rule), one backup's, or none beside the primary's own.
//!
//! Anything but `all` is unsafe (PROTOCOL section 11): an answered order can be lost. The primary reads the setting where it
//! decides what is committed, and nobody else does.

use crate::named::named;

named! {
    /// Whose copies an answer waits for, beside the primary's own.
    #[derive(Default)]
    pub enum Acknowledge;
    /// All of them, the safest first.
    pub const ALL;
    what: "setting";

    /// Those of all other members: the rule.
    #[default]
    All = "all";
    /// That of one backup, whichever is the first.
    One = "one";
    /// Nobody's: the backups get the order when they get it (asynchronous replication).
    None = "none";
}

impl Acknowledge {
    /// Whether every answered order is on every member.
    #[must_use]
    pub fn is_safe(self) -> bool {
        self == Acknowledge::All
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_rule_is_safe_and_names_come_back() {
        assert!(Acknowledge::default().is_safe());
        for acknowledge in ALL {
            assert_eq!(acknowledge.name().parse(), Ok(acknowledge));
            assert_eq!(acknowledge.is_safe(), acknowledge == Acknowledge::All);
        }
        assert!("two".parse::<Acknowledge>().is_err());
    }
}
