//! The log of a durable replica: one file in a folder of its own, written by a thread of its own (PROTOCOL section 9).
//!
//! How the file looks is said in `protocol::disk::file`. [`opening`] reads it when the process starts, `writing` is the
//! thread, [`storage`] the folder below both. The event loop hands over records and hears later what is on disk; it never
//! waits for a disk. Deliberately absent: what is written, and what a replica says when: its machine decides that.

pub mod opening;
pub mod storage;
#[cfg(test)]
mod tests;
mod writing;

use std::sync::mpsc::Sender;
use std::task::{Context, Poll};

use protocol::disk::{DiskTrouble, Kept};
use protocol::machine::Input;
use tokio::sync::mpsc;

use storage::Storage;
use writing::{Batch, Writing};

/// What the thread says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiskAnswer {
    /// [`Input::Kept`].
    Kept(u64),
    /// [`Input::KeepFailed`].
    Failed(u64, DiskTrouble),
}

impl DiskAnswer {
    /// What a machine hears of it.
    pub(crate) fn input(self) -> Input {
        match self {
            DiskAnswer::Kept(number) => Input::Kept { number },
            DiskAnswer::Failed(number, why) => Input::KeepFailed { number, why },
        }
    }
}

/// The way to the thread that writes. When it is dropped, the thread ends after what it is doing.
#[derive(Debug)]
pub struct DurableLog {
    told: Sender<Batch>,
    answers: mpsc::UnboundedReceiver<DiskAnswer>,
}

impl DurableLog {
    fn start(writing: Writing<impl Storage + 'static>) -> std::io::Result<Self> {
        let (told, tasks) = std::sync::mpsc::channel();
        let (sender, answers) = mpsc::unbounded_channel();
        // Fails only when nobody listens any more.
        let answer = move |answer| drop(sender.send(answer));
        std::thread::Builder::new().name("disk".into()).spawn(move || writing.live(&tasks, answer))?;
        Ok(Self { told, answers })
    }

    /// Has these records written; see `protocol::machine::Effect::Keep`.
    pub(crate) fn keep(&self, number: u64, new_file: bool, kept: Vec<Kept>) {
        // Without its thread, no answer comes: the machine then finds the disk slow.
        if self.told.send(Batch { number, new_file, kept }).is_err() {
            tracing::error!("the thread that writes the log has ended");
        }
    }

    /// The next answer; wakes the loop when there is one.
    pub(crate) fn poll_answer(&mut self, context: &mut Context<'_>) -> Poll<DiskAnswer> {
        match self.answers.poll_recv(context) {
            Poll::Ready(Some(answer)) => Poll::Ready(answer),
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}
