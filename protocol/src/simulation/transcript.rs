//! What happened in a cluster: as a digest, always; and in words, if anybody wants to know.
//!
//! Two runs of a seed are the same if their digests are. Words cost much and change nothing.

use crate::machine::Input;
use crate::message::{Message, Summary};
use crate::random::mix;
use crate::simulation::cluster::{Cluster, FIRST_PORT};
use crate::simulation::environment::Environment;

impl<S: Environment> Cluster<S> {
    /// Folds an input into the hash of the run, and into its transcript.
    pub(super) fn note(&mut self, node: usize, input: &Input) {
        let kind = match input {
            Input::Received { message, .. } => match message {
                Message::Ack { position, .. } => position.map_or(1, |position| position.fingerprint.0),
                Message::StateUpdate(update) => update.from.fingerprint.0 ^ update.entries.len() as u64,
                other => other.request().map_or(2, |id| id.number.0),
            },
            Input::Rang(_) => 3,
            Input::Kept { number } | Input::KeepFailed { number, .. } => number + 5,
            Input::Overslept { .. }
            | Input::ConnectionLost { .. }
            | Input::Gone { .. }
            | Input::StoreAnswered { .. }
            | Input::PostcodeChecked { .. }
            | Input::Retimed(_)
            | Input::Wanted { .. } => 4,
        };
        self.hash = mix(self.hash.wrapping_add(mix(self.now ^ kind) ^ node as u64));
        self.write(|cluster| match input {
            Input::Received { from, message, .. } => {
                let sender = usize::from(from.address.port() - FIRST_PORT);
                format!("{} ← {}: {:?}", cluster.name(node), cluster.seats[sender].name, Summary::from(message))
            }
            other => format!("{}: {other:?}", cluster.name(node)),
        });
    }

    pub(super) fn name(&self, node: usize) -> &str {
        &self.seats[self.nodes[node].slot].name
    }

    /// Adds to the transcript, if it is being written.
    pub fn write(&mut self, line: impl FnOnce(&Self) -> String) {
        if self.transcript.is_some() {
            let line = format!("{:>12.6} {}", self.now as f64 / 1e6, line(self));
            self.transcript.get_or_insert_default().push(line);
        }
    }
}
