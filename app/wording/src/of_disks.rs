//! Disks of durable replicas, in words.

use std::sync::Arc;

use protocol::disk::{DiskState, DiskTrouble};
use protocol::trace::DiskFault;

use super::count;

/// A choice for a new cluster.
pub const DURABLE_CHOICE: &str = "Keep orders on disk (durable)";
/// Kills every process of the cluster.
pub const CUT_THE_POWER: &str = "Cut the power…";
/// Starts every process again.
pub const POWER_ON: &str = "Power on";
/// Before the power is cut.
pub const CUT_MEANS: &str = "This kills all replicas, all front-ends and the name server at once. What is in their memory is gone. Orders that were acknowledged are on disk: switch the power on, and they are there again.";

/// What a person sees while every durable replica is down.
pub fn power_is_off(replicas: &[Arc<str>]) -> String {
    let names = replicas.iter().map(|name| &**name).collect::<Vec<_>>().join(", ");
    format!(
        "The power is off. Every acknowledged order is on disk ({names}). Customers wait until the power is on again."
    )
}

/// What a person has made of a replica's disk, without "the disk of".
pub fn disk_is(fault: DiskFault) -> &'static str {
    match fault {
        DiskFault::Full => "its disk is full from now on",
        DiskFault::ReadOnly => "its disk is read-only from now on",
        DiskFault::Broken => "its disk is broken from now on",
    }
}

/// An entry of a replica's menu.
pub const DISK_MENU: &str = "Disk";
/// What that menu does.
pub const DISK_MENU_MEANS: &str =
    "The calls to the disk fail as they do on a disk that is really full, read-only or broken.";

/// Asks for a disk like this; none: for one that works.
pub fn make_disk(name: &str, fault: Option<DiskFault>) -> String {
    match fault {
        Some(DiskFault::Full) => format!("Fill the disk of {name}"),
        Some(DiskFault::ReadOnly) => format!("Make the disk of {name} read-only"),
        Some(DiskFault::Broken) => format!("Break the disk of {name}: no sync succeeds"),
        None => format!("Mend the disk of {name}"),
    }
}

/// Why a disk cannot be used, as a sentence.
pub fn disk_trouble(why: &DiskTrouble) -> String {
    match why {
        DiskTrouble::Full => "The disk is full.".into(),
        DiskTrouble::ReadOnly => "The disk cannot be written to.".into(),
        DiskTrouble::Slow => "The disk does not answer.".into(),
        DiskTrouble::Failed { why } => format!("The disk does not work: {why}."),
    }
}

/// The same in two or three words.
pub fn disk_trouble_in_short(why: &DiskTrouble) -> &'static str {
    match why {
        DiskTrouble::Full => "disk full",
        DiskTrouble::ReadOnly => "disk read-only",
        DiskTrouble::Slow => "disk too slow",
        DiskTrouble::Failed { .. } => "disk broken",
    }
}

/// How the disk of a replica does, as a sentence.
#[must_use]
pub fn disk_state(disk: &DiskState) -> String {
    match (&disk.trouble, disk.waiting) {
        (Some(why), _) => format!("{} It says nothing until the disk works again.", disk_trouble(why)),
        (None, 0) => "All its orders are on disk.".into(),
        (None, 1) => "1 operation is not on disk yet.".into(),
        (None, waiting) => format!("{waiting} operations are not on disk yet."),
    }
}

/// What the inspector says of a disk: "up to 12 · 3 waiting".
pub fn disk_line(state: &DiskState) -> String {
    if let Some(why) = &state.trouble {
        return disk_trouble(why);
    }
    if let Some((bytes, all)) = state.copying.filter(|(_, all)| *all > 0) {
        return format!("writing a new file · {:.0}\u{a0}%", bytes as f64 / all as f64 * 100.0);
    }
    let kept = state.kept.map_or_else(|| "nothing yet".into(), |at| format!("up to {}", at.op));
    match state.waiting {
        0 => kept,
        waiting => format!("{kept} · {} waiting", count(waiting as usize, "entry", "entries")),
    }
}

#[cfg(test)]
mod tests {
    use protocol::ids::{Fingerprint, OpNumber, Position};

    use super::*;

    #[test]
    fn a_disk_says_what_it_holds_what_waits_and_what_is_wrong() {
        let kept = Some(Position { op: OpNumber(12), fingerprint: Fingerprint(0) });
        let mut state = DiskState { kept, ..DiskState::default() };
        assert_eq!(disk_line(&DiskState::default()), "nothing yet");
        assert_eq!(disk_line(&state), "up to 12");
        state.waiting = 3;
        assert_eq!(disk_line(&state), "up to 12 · 3 entries waiting");
        state.copying = Some((25, 100));
        assert_eq!(disk_line(&state), "writing a new file · 25\u{a0}%");
        state.trouble = Some(DiskTrouble::Full);
        assert_eq!(disk_line(&state), "The disk is full.");
    }
}
