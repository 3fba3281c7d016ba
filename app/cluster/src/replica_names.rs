//! The names of replicas, and how many there can be.

/// The most replicas at once. The numbers of those with disks go no higher.
pub(super) const MOST_REPLICAS: usize = 20;

/// "replica-2".
pub(super) fn name_of(number: u32) -> String {
    format!("replica-{number}")
}

/// The number in the name of a replica.
pub(super) fn number_of(name: &str) -> Option<u32> {
    let number = name.strip_prefix("replica-")?.parse().ok()?;
    (number > 0 && name == name_of(number)).then_some(number)
}
