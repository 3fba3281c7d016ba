//! The log of a durable replica: one file in a folder of its own, written by a thread of its own (PROTOCOL section 9).
//!
//! How the file looks is said in `protocol::disk::file`. [`opening`] reads it when the process starts, `writing` is the
//! thread, [`storage`] the folder below both, `steered` what a person does to them. The event loop hands over records and hears
//! later what is on disk; it never waits for a disk. Deliberately absent: what is written, and what a replica says when: its
//! machine decides that.

pub mod opening;
mod steered;
pub mod storage;
#[cfg(test)]
mod tests;
mod writing;

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::task::{Context, Poll};

use protocol::disk::file::{Label, Writer};
use protocol::disk::{DiskTrouble, Kept};
use protocol::trace::{DiskFault, Failpoint};
use tokio::sync::mpsc;

use steered::{Points, Steered, SteeredFile, SteeredStorage};
use storage::{LogFile, Storage};
use writing::{Batch, Writing};

/// What the thread says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiskAnswer {
    /// `protocol::machine::Input::Kept`.
    Kept(u64),
    /// `protocol::machine::Input::KeepFailed`.
    Failed(u64, DiskTrouble),
    /// It has come to this point, where a bomb lay, and stands there until it may go on.
    Reached(Failpoint),
}

/// What is to be written, and where: of a file that was read, all of it is on disk, and it is continued.
pub(crate) struct Begins<S> {
    storage: S,
    /// Of all files that are begun, but for their own number.
    label: Label,
    /// Their own numbers.
    random: fn() -> u64,
    present: Option<(Box<dyn LogFile>, Writer)>,
}

/// The way to the thread that writes. When it is dropped, the thread ends after what it is doing.
#[derive(Debug)]
pub struct DurableLog {
    told: Sender<Batch>,
    answers: mpsc::UnboundedReceiver<DiskAnswer>,
    steered: Arc<Steered>,
    goes_on: Sender<()>,
    /// Whether the thread stands at a point.
    stands: bool,
}

impl DurableLog {
    /// `fault`: what is wrong with the disk from the beginning.
    fn start(begins: Begins<impl Storage + 'static>, fault: Option<DiskFault>) -> std::io::Result<Self> {
        let Begins { storage, label, random, present } = begins;
        let (told, tasks) = std::sync::mpsc::channel();
        let (goes_on, go_on) = std::sync::mpsc::channel();
        let (sender, answers) = mpsc::unbounded_channel();
        let steered = Arc::new(Steered::with(fault));
        let present = present.map(|(log, writer)| (SteeredFile::of(log, &steered), writer));
        let storage = SteeredStorage { storage, steered: steered.clone() };
        let points = Points { steered: steered.clone(), reached: sender.clone(), go_on };
        let writing = Writing::new(storage, label, random, present, points);
        // Fails only when nobody listens any more.
        let answer = move |answer| drop(sender.send(answer));
        std::thread::Builder::new().name("disk".into()).spawn(move || writing.live(&tasks, answer))?;
        Ok(Self { told, answers, steered, goes_on, stands: false })
    }

    /// What is wrong with the disk from now on; none: it works.
    pub(crate) fn set_fault(&self, fault: Option<DiskFault>) {
        self.steered.set_fault(fault);
    }

    /// The thread stands still when it next comes to this point; none: at no point.
    pub(crate) fn stop_at(&self, point: Option<Failpoint>) {
        self.steered.stop_at(point);
    }

    /// How many syncs have ended well, and how long they took in all, in microseconds of real time.
    pub(crate) fn syncs(&self) -> (u64, u64) {
        self.steered.syncs()
    }

    /// If the thread stands at a point, it goes on.
    pub(crate) fn go_on(&mut self) {
        if std::mem::take(&mut self.stands) {
            // Fails only when the thread has ended.
            let _ = self.goes_on.send(());
        }
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
            Poll::Ready(Some(answer)) => {
                self.stands |= matches!(answer, DiskAnswer::Reached(_));
                Poll::Ready(answer)
            }
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}
