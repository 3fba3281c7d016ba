//! The view record in etcd (version 3), through its JSON gateway: one key, read and replaced if its revision is still the same.
//!
//! There is no watch, no lock and no lease: the protocol needs none of them. Several endpoints are tried in turn, each for a
//! bounded time. A write that may have reached etcd is given up, not sent to another endpoint: the machine reads what
//! became of it. The messages of the gateway stand in `etcd/gateway.rs`, the record as it is stored in `etcd/content.rs`,
//! and what a wrong setting looks like in `etcd/mistakes.rs`.

mod access;
mod content;
mod gateway;
mod mistakes;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::task::{Context, Poll};

use protocol::machine::JournalRecord;
use protocol::view_record::{StoreAnswer, StoreOperation};
use tokio::sync::mpsc;

pub use access::EtcdAccess;
pub use content::identity;
use gateway::Gateway;

use crate::view_record::{StoreError, ViewRecord};

type Answered = Result<(u64, StoreAnswer), StoreError>;

/// Keeps the record in etcd.
pub struct Etcd {
    gateway: Arc<tokio::sync::Mutex<Gateway>>,
    sender: mpsc::UnboundedSender<Answered>,
    /// One operation is under way at a time, so this stays short.
    receiver: mpsc::UnboundedReceiver<Answered>,
}

impl Etcd {
    /// Nothing is asked yet.
    ///
    /// # Errors
    /// When an address, or a certificate, cannot be used.
    pub fn new(access: &EtcdAccess) -> Result<Self, StoreError> {
        let gateway = Arc::new(tokio::sync::Mutex::new(Gateway::new(access)?));
        let (sender, receiver) = mpsc::unbounded_channel();
        Ok(Self { gateway, sender, receiver })
    }
}

impl ViewRecord for Etcd {
    fn keep(&mut self, _record: &JournalRecord) -> anyhow::Result<()> {
        anyhow::bail!("A store is only changed by compare-and-set.")
    }

    fn keep_half(&mut self, _record: &JournalRecord) -> anyhow::Result<()> {
        anyhow::bail!("A store cannot be left half written.")
    }

    fn begin(&mut self, number: u64, operation: StoreOperation) {
        let (gateway, sender) = (self.gateway.clone(), self.sender.clone());
        tokio::spawn(async move {
            let answer = gateway.lock().await.carry_out(&operation).await;
            drop(sender.send(answer.map(|answer| (number, answer))));
        });
    }

    fn poll_answer(&mut self, context: &mut Context<'_>) -> Poll<Answered> {
        match self.receiver.poll_recv(context) {
            Poll::Ready(Some(answered)) => Poll::Ready(answered),
            // This side holds a sender, so the channel does not end.
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}
