//! A cluster that is watched while it is measured: as the window does it, without painting.
//!
//! Every process reports, the facts are folded into a picture and kept on a tape as often as a window would, and some orders
//! of the window's own customers go along step by step. What that costs the others is what is measured.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use protocol::menu::menu;

use cluster::Cluster;
use knowledge::picture::Picture;
use knowledge::tape::{Entry, Tape};
use knowledge::user_command::CustomerCommand;

/// Between two looks: sixty a second, as a window paints.
const BETWEEN_LOOKS: Duration = Duration::from_micros(16_667);

/// Watches the cluster, and ends it when dropped.
pub(super) struct Watch {
    over: Sender<()>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    pub(super) fn begin(cluster: Cluster) -> anyhow::Result<Self> {
        let (over, end) = channel();
        let thread = std::thread::Builder::new().name("watch".into()).spawn(move || look_on(cluster, &end))?;
        Ok(Self { over, thread: Some(thread) })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // If it has ended, it needs no word.
        let _ = self.over.send(());
        drop(self.thread.take().map(JoinHandle::join));
    }
}

fn look_on(mut cluster: Cluster, end: &Receiver<()>) {
    let (mut picture, mut tape) = (Picture::default(), Tape::default());
    while let Err(RecvTimeoutError::Timeout) = end.recv_timeout(BETWEEN_LOOKS) {
        for fact in cluster.take_facts() {
            tape.take_in(&mut picture, Entry::Fact(fact));
        }
        picture.set_now(cluster.now());
        for customer in picture.customers.iter().filter(|customer| customer.waiting.is_none()) {
            let items = menu().iter().take(1).map(|dish| dish.name.to_owned()).collect();
            let (customer, postcode) = (customer.id, customer.postcode.to_string());
            cluster.perform(CustomerCommand::PlaceOrder { customer, postcode, items });
        }
    }
}
