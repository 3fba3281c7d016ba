//! The fields of one step: whether a needed one is there, and whom a name means.
//!
//! Which fields an action needs, and what it does, is not known here.

use std::time::Duration;

use protocol::postcode::Postcode;
use toml::Spanned;

use super::{Cast, Refusal, milliseconds, refuse, shown, within};
use crate::file::FileStep;
use crate::words;
use crate::{EndName, NodeName};

/// A script waits at most so long for one thing, in milliseconds.
pub(super) const LONGEST_WAIT: i64 = 900_000;
/// How long it waits if it does not say.
pub(crate) const USUAL_WAIT: Duration = Duration::from_secs(20);

/// Names that customers cannot have, because others do.
const RESERVED: [&str; 12] = [
    "some-replica",
    "primary",
    "backup",
    "backups",
    "crashed",
    "frozen",
    "everybody",
    "customers",
    "front-end",
    "name-server",
    "postcodes.io",
    "getthedata.com",
];

/// Whether a customer's name may hold it.
pub(super) fn is_of_a_name(character: char) -> bool {
    character.is_alphanumeric() || [' ', '-', '\''].contains(&character)
}

/// Whether a node is called so, or could be.
pub(super) fn is_a_nodes_name(name: &str) -> bool {
    RESERVED.contains(&name) || ["replica-", "front-end-"].iter().any(|begin| name.starts_with(begin))
}

pub(super) struct Reader<'a, 'c> {
    pub step: &'a FileStep,
    pub cast: &'c Cast,
}

impl Cast {
    /// A node that exists by then, or one of these crowds.
    pub fn node(&self, name: &Spanned<String>, crowds: &[NodeName]) -> Result<NodeName, Refusal> {
        let crowd = match name.get_ref().as_str() {
            "primary" => return Ok(NodeName::Primary),
            "backup" => return Ok(NodeName::Backup),
            "some-replica" => return Ok(NodeName::SomeReplica),
            "crashed" => NodeName::Crashed,
            "frozen" => NodeName::Frozen,
            "everybody" => NodeName::Everybody,
            known @ ("front-end" | "name-server" | "postcodes.io" | "getthedata.com") => {
                return Ok(NodeName::Named(known.into()));
            }
            other => {
                let exists = |prefix: &str, first: u32, so_far: u32| {
                    let number = other.strip_prefix(prefix).and_then(|number| number.parse::<u32>().ok());
                    let last = if self.open { u32::MAX } else { so_far };
                    number.is_some_and(|it| (first..=last).contains(&it) && other == format!("{prefix}{it}"))
                };
                let replicas = || exists("replica-", 1, self.replicas);
                // The first front-end has no number.
                return match replicas() || exists("front-end-", 2, self.front_ends) {
                    true => Ok(NodeName::Named(other.into())),
                    false => refuse(name, format!("there is no node “{}” in this scenario", shown(other))),
                };
            }
        };
        match crowds.contains(&crowd) {
            true => Ok(crowd),
            false => refuse(name, format!("“{}” cannot be used here", name.get_ref())),
        }
    }

    /// A node or a customer with a name.
    pub fn actor(&self, name: &Spanned<String>) -> Result<NodeName, Refusal> {
        match self.is_customer(name.get_ref()) {
            true => Ok(NodeName::Named(name.get_ref().clone())),
            false => self.node(name, &[]),
        }
    }

    pub fn end(&self, name: &Spanned<String>) -> Result<EndName, Refusal> {
        match name.get_ref().as_str() {
            "customers" => Ok(EndName::Customers),
            "backups" => Ok(EndName::Backups),
            customer if self.is_customer(customer) => Ok(EndName::Node(NodeName::Named(customer.into()))),
            _ => self.node(name, &[NodeName::Everybody]).map(EndName::Node),
        }
    }

    pub(crate) fn is_customer(&self, name: &str) -> bool {
        let can_be = !is_a_nodes_name(name) && name.chars().all(is_of_a_name);
        self.customers.contains(name) || (self.open && can_be)
    }
}

impl<'a> Reader<'a, '_> {
    pub fn customer(&self) -> Result<String, Refusal> {
        let name = self.needed(&self.step.customer, "customer")?;
        match self.cast.is_customer(name.get_ref()) {
            true => Ok(name.get_ref().clone()),
            false => refuse(name, format!("there is no customer “{}” at this step", shown(name.get_ref()))),
        }
    }

    pub fn patience(&self) -> Result<Duration, Refusal> {
        Ok(self.length(&self.step.within_ms, "within-ms", 1, LONGEST_WAIT)?.unwrap_or(USUAL_WAIT))
    }

    pub fn postcode(&self, text: &Spanned<String>) -> Result<Postcode, Refusal> {
        text.get_ref().parse().or_else(|error| refuse(text, format!("{error}")))
    }

    pub fn length(
        &self,
        ms: &Option<Spanned<i64>>,
        name: &str,
        least: i64,
        most: i64,
    ) -> Result<Option<Duration>, Refusal> {
        Ok(self.number(ms, name, least, most)?.map(milliseconds))
    }

    pub fn number(
        &self,
        field: &Option<Spanned<i64>>,
        name: &str,
        least: i64,
        most: i64,
    ) -> Result<Option<i64>, Refusal> {
        field.as_ref().map(|number| within(number, least, most, name)).transpose()
    }

    pub fn word<T: Clone>(
        &self,
        word: &Spanned<String>,
        known: &[(&'static str, T)],
        what: &str,
    ) -> Result<T, Refusal> {
        words::resolving(known, word.get_ref()).or_else(|known| {
            refuse(word, format!("“{}” is not a {what}; the choices are: {known}", shown(word.get_ref())))
        })
    }

    pub fn needed<T>(&self, field: &'a Option<Spanned<T>>, name: &str) -> Result<&'a Spanned<T>, Refusal> {
        match field {
            Some(field) => Ok(field),
            None => refuse(&self.step.action, format!("“{}” needs “{name}”", self.step.action.get_ref())),
        }
    }
}
