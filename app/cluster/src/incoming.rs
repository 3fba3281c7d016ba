//! What comes to the supervisor: through one channel, from a person, from processes, and from customers' hosts.

use node::control::NodeReport;
use protocol::trace::TraceEvent;

use super::hosts::{HostKey, Moved};
use super::machines::door::DoorNews;
use super::question::Question;
use knowledge::user_command::UserCommand;

/// Counts processes; one is never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ProcessKey(pub u64);

/// A process or a host, which does what the supervisor says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Confirmer {
    Process(ProcessKey),
    Host(HostKey),
}

pub(super) enum Incoming {
    /// A person asked for something.
    Wanted(UserCommand),
    /// Another part of the app wants to know something.
    Asked(Question),
    /// A process said something.
    Reported(ProcessKey, NodeReport),
    /// A process said of itself that it froze, woke, or that its bomb went off.
    Steered(ProcessKey, TraceEvent),
    /// Somebody has done what it was told, at this cluster time.
    Confirmed(Confirmer, u64, u64),
    /// Another machine knocks, joins or goes.
    AtTheDoor(DoorNews),
    /// A process closed its output: it is dead, or as good as dead.
    Ended(ProcessKey),
    /// A customer lives in a host from now on, or does not any more.
    Moved(Moved),
    /// Somebody who may not was refused something: a sentence.
    TurnedAway(String),
    /// The program was asked to end.
    Interrupted,
    /// The app is done with the cluster.
    Stop,
}
