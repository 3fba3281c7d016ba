//! The words in which time, links, messages and processes are steered. Drivers obey them, observers show them.
//!
//! No machine reads any of this: a protocol that knew that it is being slowed, held or frozen would be another protocol.

use serde::{Deserialize, Serialize};

use super::Failpoint;
use crate::ids::Span;
use crate::named::named;

/// How fast cluster time goes, in millionths of real time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Rate(pub u32);

impl Rate {
    /// As fast as real time.
    pub const REAL: Self = Self(1_000_000);
    /// The slowest that still goes on: a thousandth of real time.
    pub const SLOWEST: Self = Self(1_000);
    /// Time stands still.
    pub const STOPPED: Self = Self(0);

    /// Whether time goes, but slower than real time, or not at all.
    #[must_use]
    pub fn is_slow(self) -> bool {
        self < Self::REAL
    }
}

/// What a link does to messages that enter it, one way. The default does nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LinkRule {
    /// Nothing passes, not even heartbeats.
    pub cut: bool,
    /// What enters stays until it is let go. Control messages pass (PROTOCOL section 7).
    pub hold: bool,
    /// Each message stays so much longer, in cluster time. Control messages do not.
    pub delay: Span,
    /// … and up to so much longer again, at random; then messages may overtake each other.
    pub jitter: Span,
    /// How many messages of a thousand are lost, control messages too.
    pub loss: u16,
    /// How many messages of a thousand arrive twice.
    pub doubling: u16,
}

impl LinkRule {
    /// A rule that lets nothing pass.
    pub const CUT: Self = Self { cut: true, hold: false, delay: Span(0), jitter: Span(0), loss: 0, doubling: 0 };

    /// Whether it does nothing.
    #[must_use]
    pub fn is_mended(&self) -> bool {
        *self == Self::default()
    }
}

/// How long a message stays in its link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Stay {
    /// Until it is let go.
    Held,
    /// Until this moment of cluster time, in microseconds.
    Until(u64),
}

/// What can be done with a message that is in its link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MessageAct {
    /// It stays until it is let go; others pass it.
    Hold,
    /// It goes on its way, for as long as was left when it was held.
    LetGo,
    /// It leaves the link at once, past all others.
    LetPast,
    /// It will never arrive.
    Drop,
    /// It arrives twice: a copy enters the link now.
    Duplicate,
    /// It stays so much longer, in cluster time.
    Delay(Span),
}

/// How a process is frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Freezing {
    /// Its loop stands still, by itself, between two rounds.
    Cooperative,
    /// The operating system stops it (SIGSTOP); only on Unix.
    Signal,
}

/// Something that happens to a node at a very point of its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Bomb {
    /// The point of its work at which it happens.
    pub at: Failpoint,
    /// What happens to the node there.
    pub blast: Blast,
}

/// What a bomb does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Blast {
    /// The process kills itself, as SIGKILL does.
    Crash,
    /// The process freezes, cooperatively.
    Freeze {
        /// It wakes by itself after so much real time; none: when it is woken.
        wakes_after: Option<Span>,
    },
}

named! {
    /// What is wrong with a durable replica's disk because a person wants it so. The replica learns of it as of a real fault:
    /// from the calls that fail.
    pub enum DiskFault;
    /// All of them.
    pub const DISK_FAULTS;
    what: "disk fault";

    /// There is no room: every write fails.
    Full = "full";
    /// Nothing can be written, made or renamed.
    ReadOnly = "read-only";
    /// Writes reach the operating system, but not the disk: every sync fails.
    Broken = "broken";
}
