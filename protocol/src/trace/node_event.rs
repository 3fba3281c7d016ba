//! What a node's driver sees: what it does for its machines, and what they believe.

use serde::{Deserialize, Serialize};

use super::{Bomb, Freezing, Loss, MessageFacts, NodeState, Refusal, Stay};
use crate::ids::{CustomerId, MessageId, NodeId, RequestId};
use crate::message::{Answer, Ask};
use crate::postcode::{Postcode, PostcodeService, Verdict};
use crate::timer::Timer;

/// A fact of a driver, which runs one machine or many customers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum NodeEvent {
    /// A message entered its link. Only of traced messages.
    Sent {
        /// The message that was sent.
        message: MessageId,
        /// Its receiver.
        to: NodeId,
        /// What people are shown.
        facts: MessageFacts,
    },
    /// The sender: how long a message stays in its link has changed since it was sent.
    Stays {
        /// A message that is still in its link.
        message: MessageId,
        /// Its receiver.
        to: NodeId,
        /// How long it stays there from now on.
        stay: Stay,
    },
    /// The receiver: the message left its link and was handled.
    Delivered {
        /// The message that arrived.
        message: MessageId,
        /// Why the receiver did not do what it says; none: it did.
        refused: Option<Refusal>,
    },
    /// The message will never arrive.
    Lost {
        /// The message that was lost.
        message: MessageId,
        /// To whom it was sent.
        to: NodeId,
        /// What became of it.
        why: Loss,
    },
    /// A primary: a request to a postcode service leaves (\[11\]).
    PostcodeAsked {
        /// Which message of the driver's.
        message: MessageId,
        /// The service's process (its node id).
        to: NodeId,
        /// Primary or fallback: the service that this attempt goes to.
        service: PostcodeService,
        /// The postcode of the order that waits.
        postcode: Postcode,
        /// The order that waits.
        request: RequestId,
    },
    /// A primary: the answer is there (\[12\]), or the attempt is over.
    PostcodeAnswered {
        /// The request's message.
        message: MessageId,
        /// The service's process (its node id).
        from: NodeId,
        /// The verdict; or that no service answered.
        verdict: Verdict,
        /// How long it took, in microseconds of real time.
        took: u64,
    },
    /// What the node believes now; sent when it changed, at most some 20 times a second.
    State(NodeState),
    /// While time is slower than real time: the armed timers, each with the cluster time at which it rings.
    Timers {
        /// Timers with the moments at which they ring, in microseconds of cluster time, in the order of moments.
        armed: Vec<(Timer, u64)>,
    },
    /// While time is slower than real time: a timer rang (of heartbeats only those that were let ring by hand).
    Rang {
        /// The timer that rang.
        timer: Timer,
    },
    /// The process stands still from now on. If it was stopped by signal, the launcher says it in its place.
    Froze {
        /// By itself, or by the operating system.
        how: Freezing,
    },
    /// It goes on.
    Woke,
    /// The point was reached, the bomb goes off.
    Exploded {
        /// The bomb that went off.
        bomb: Bomb,
    },
    /// Untraced messages since the last such event, per receiver: shown as flow.
    Flow {
        /// Receiver, messages of orders, messages of control.
        sent: Vec<(NodeId, u64, u64)>,
    },
    /// A customer asked. The moment counts as the start of the operation.
    Asked {
        /// The customer, as it is known for ever.
        customer: CustomerId,
        /// The request, as in all messages about it.
        request: RequestId,
        /// An order, a history or a withdrawal.
        ask: Ask,
    },
    /// The customer's answer (a receipt, if it is a placed order).
    Answered {
        /// The request as the customer made it.
        request: RequestId,
        /// The outcome, or the history that was read.
        answer: Answer,
        /// Microseconds of cluster time since it was asked.
        took: u64,
    },
    /// A line for people.
    Log {
        /// A sentence for the log; nothing reads it.
        text: String,
    },
}
