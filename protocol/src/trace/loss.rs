//! Why a message never arrives.

use serde::{Deserialize, Serialize};

/// Why a message, or a question to a postcode service, never arrives.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Loss {
    /// Its link is cut.
    Cut,
    /// Its link loses some of what it carries, by chance.
    Chance,
    /// There is no room for it in the links of its sender's process.
    LinksFull,
    /// A person dropped it.
    Dropped,
    /// Its sender ended while it was in its link.
    SenderEnded,
    /// Its receiver ended.
    ReceiverEnded,
    /// When the question left its link, its answer was not needed any more.
    NotNeeded,
    /// Nothing answers at the receiver's address.
    NoAnswer,
    /// Another process answers at the receiver's address.
    AnotherAnswers,
    /// Too much waits for the receiver already.
    ReceiverFull,
    /// It is larger than a message may be.
    TooLarge,
    /// The receiver ended its stream.
    StreamEnded,
    /// There is no connection, or there is none any more.
    NoConnection {
        /// What the network says of that.
        said: String,
    },
}
