//! A message of the model, which stays deliverable for ever.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use protocol::fingerprint::digest_of;
use protocol::ids::OpNumber;
use protocol::message::{Copied, Message};

/// A message on its way, for ever. Told apart by its digest: sets of them are compared and hashed all the time.
#[derive(Clone, Debug)]
pub struct Packet {
    digest: u64,
    /// Index of the sender.
    pub from: usize,
    /// Index of the receiver.
    pub to: usize,
    /// What it says.
    pub message: Arc<Message>,
}

impl PartialEq for Packet {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}
impl Eq for Packet {}
impl PartialOrd for Packet {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Packet {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.digest.cmp(&other.digest)
    }
}
impl Hash for Packet {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.digest.hash(state);
    }
}

impl Packet {
    /// `from` and `to`: indices of nodes.
    pub fn new(from: usize, to: usize, mut message: Message) -> Self {
        // For show: no rule reads it, and it would only multiply messages that mean the same.
        match &mut message {
            Message::StateUpdate(update) => update.commit = OpNumber(0),
            Message::Snapshot(part) => (part.before, part.all) = (0, 0),
            Message::Ack { copy: Some(Copied::Reached { bytes, at, .. }), .. } => (*bytes, *at) = (0, OpNumber(0)),
            _ => {}
        }
        let digest = digest_of(&(from as u64, to as u64, &message)).0;
        Self { digest, from, to, message: Arc::new(message) }
    }
}
