//! What steers actors, wherever they live: time, settings, links, what is in them, timers, bombs, and how much is shown.
//!
//! A node process is told over its standard input, a host of customers by the program that owns it, both by these commands;
//! [`Host::steer`](crate::event_loop::Host::steer) obeys. What concerns a process as a whole is no steering: see [`super::ControlCommand`].

use protocol::ids::{MessageId, NodeId, ViewNumber};
use protocol::machine::{Settings, Timer};
use protocol::trace::{Bomb, DiskFault, LinkRule, MessageAct, Rate};
use serde::{Deserialize, Serialize};

/// What a host can be told about its actors.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum SteeringCommand {
    /// Cluster time is, at the receipt of this, at least `at`, and goes at this rate.
    Clock {
        /// The launcher's reading; a clock that is ahead waits for it, and none goes back.
        at: u64,
        /// How fast it goes.
        rate: Rate,
        /// It stops by itself at this cluster time.
        until: Option<u64>,
    },
    /// Use these settings from now on; the hop goes to the links too.
    Retime(Settings),
    /// What a link does from now on.
    Link(LinkSetting),
    /// Do something with a message that is in one of the links here, or with a question to a postcode service, or with its
    /// verdict. Gone already: that is refused.
    Message {
        /// The message.
        message: MessageId,
        /// Its receiver.
        to: NodeId,
        /// What to do with it.
        act: MessageAct,
    },
    /// Let an armed timer ring now, whatever time it is. Not armed: that is refused.
    Ring {
        /// The actor.
        node: NodeId,
        /// The timer.
        timer: Timer,
    },
    /// Lay a bomb, or take it away.
    Bomb {
        /// The actor.
        node: NodeId,
        /// The bomb; none: it is taken away.
        bomb: Option<Bomb>,
    },
    /// Durable replica: what is wrong with its disk from now on; none: it works. A node without a disk refuses.
    Disk {
        /// The replica.
        node: NodeId,
        /// What its calls say; none: what they really say.
        fault: Option<DiskFault>,
    },
    /// Front-end: the operator orders a fresh start (`protocol/PROTOCOL.md`, section 10). The machine traces a refusal.
    BeginAfresh {
        /// The front-end.
        node: NodeId,
        /// The view whose members are dead.
        after: ViewNumber,
        /// The replica with whose data the new history begins.
        primary: NodeId,
    },
    /// Trace control messages one by one, too, or only count them.
    ObserveHeartbeats(bool),
}

/// What one link of a process does, one way. Both ways between a replica and a postcode service are the replica's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkSetting {
    /// Which of the process's actors sends (customers share a process), or which postcode service answers it.
    pub from: NodeId,
    /// The incarnation, or the postcode service, at the other end.
    pub to: NodeId,
    /// What the link does.
    pub rule: LinkRule,
}
