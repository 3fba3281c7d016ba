//! Disks of durable replicas: what was read from them, and when they do not work.

use protocol::ids::NodeId;
use protocol::trace::{DiskFault, Note};

use super::Narrator;
use super::sentence::Sentence;
use crate::of_disks::{disk_is, disk_trouble};

impl Narrator {
    /// A person has done something to a disk.
    pub(super) fn disk_is(&mut self, node: NodeId, at: u64, fault: Option<DiskFault>) {
        let name = self.known.called(node);
        let what = match fault {
            Some(fault) => format!("{name}: {}.", disk_is(fault)),
            None => format!("The disk of {name} was mended."),
        };
        self.say(Sentence::event(at, what));
    }

    /// What a durable replica says of its disk.
    pub(super) fn disk(&mut self, node: NodeId, at: u64, note: &Note) {
        self.finish_groups();
        let name = self.name(node);
        let sentence = match note {
            Note::Recovered { .. } => {
                let what = format!("{name} has read its disk: it is the replica that it was, with its orders.");
                Sentence::event(at, what).means("Even if it led, it leads only in a newer view.".to_owned())
            }
            Note::DiskFails { why } => {
                let what = format!("{name} cannot use its disk. {}", disk_trouble(why));
                Sentence::event(at, what).means("It acknowledges nothing, so the others go on without it.".to_owned())
            }
            Note::DiskWorks => Sentence::event(at, format!("The disk of {name} works again.")),
            Note::Removed { .. }
            | Note::StoreSilent
            | Note::StoreAnswers
            | Note::LooksUp { .. }
            | Note::Executed { .. }
            | Note::Installed { .. }
            | Note::Undecodable { .. } => return,
        };
        self.say(sentence);
    }
}
