//! What a person can ask for, by a click or from a script. Asking changes nothing: the screen changes when a trace event
//! says so.

use protocol::ids::{CustomerId, Span};
use protocol::postcode::Postcode;

/// One wish of a person.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum UserCommand {
    /// A new customer at a postcode; the panel has found the nearest one to where the person clicked.
    AddCustomer {
        /// None: the next free one of a list.
        name: Option<String>,
        /// Where it lives.
        postcode: Postcode,
        /// Latitude and longitude in millionths of a degree.
        place: (i32, i32),
    },
    /// The customer moves house.
    MoveCustomer {
        /// Who.
        customer: CustomerId,
        /// Where to.
        postcode: Postcode,
        /// Latitude and longitude in millionths of a degree.
        place: (i32, i32),
    },
    /// The customer goes away; its open request is abandoned.
    RemoveCustomer {
        /// Who.
        customer: CustomerId,
    },
    /// The customer places an order.
    PlaceOrder {
        /// Who.
        customer: CustomerId,
        /// Where to deliver, as typed: the command is refused with a sentence if it is no postcode.
        postcode: String,
        /// Names of dishes.
        items: Vec<String>,
    },
    /// The customer asks what was ordered to a postcode.
    ReadHistory {
        /// Who.
        customer: CustomerId,
        /// As typed.
        postcode: String,
        /// From 0.
        page: u32,
    },
    /// The customer settles the order it waits for: it stands, or it never shall.
    GiveUp {
        /// Who.
        customer: CustomerId,
    },
    /// One more replica.
    AddReplica,
    /// Kill the process (SIGKILL, TerminateProcess).
    Crash {
        /// The node's name.
        node: String,
    },
    /// Start a crashed or removed node again.
    Restart {
        /// The node's name.
        node: String,
    },
    /// Take a node out of the picture, killing it if it runs.
    Remove {
        /// The node's name.
        node: String,
    },
    /// Ask a replica for its order histories (answered by a `TraceEvent::Orders`).
    ShowOrders {
        /// The node's name.
        node: String,
        /// The first postcode wanted; none: from the beginning.
        from: Option<Postcode>,
    },
    /// How long each hop of a message takes; 0 is real time.
    SetHop {
        /// In cluster time.
        hop: Span,
    },
    /// Whether primaries remember verdicts on postcodes.
    SetVerdictCache {
        /// Whether they do.
        on: bool,
    },
}

/// Where panels put commands; `app.rs` hands them to the cluster once a frame.
#[derive(Debug, Default)]
pub struct CommandQueue(Vec<UserCommand>);

impl CommandQueue {
    /// Asks for something.
    pub fn push(&mut self, command: UserCommand) {
        self.0.push(command);
    }

    /// Takes everything that was asked for, in order.
    pub fn take(&mut self) -> Vec<UserCommand> {
        std::mem::take(&mut self.0)
    }
}
