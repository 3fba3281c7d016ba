//! What an endpoint hands to the system and gets from it, counted where that happens: datagrams, bytes, system calls.
//!
//! How long something takes depends on the machine, these counts hardly. They cost a few additions for each system call.

use std::sync::atomic::{AtomicU64, Ordering};

use quinn::udp::{RecvMeta, Transmit};

use crate::usage::Traffic;

/// A datagram that is no longer carries no message: a message takes at least 60 bytes with the heads of QUIC and its seal,
/// an acknowledgement alone about 35.
const LARGEST_BARE: usize = 50;

/// Counts as it goes.
#[derive(Debug, Default)]
pub struct Counters {
    sent: AtomicU64,
    sent_bare: AtomicU64,
    sent_bytes: AtomicU64,
    received: AtomicU64,
    received_bytes: AtomicU64,
    sends: AtomicU64,
    receives: AtomicU64,
}

fn add(counter: &AtomicU64, more: usize) {
    counter.fetch_add(more as u64, Ordering::Relaxed);
}

impl Counters {
    pub(super) fn sent(&self, transmit: &Transmit<'_>) {
        let all = transmit.contents.len();
        let each = transmit.segment_size.unwrap_or(all).max(1);
        let last = all - all.saturating_sub(1) / each * each;
        add(&self.sends, 1);
        add(&self.sent, all.div_ceil(each));
        add(&self.sent_bytes, all);
        let bare = if each <= LARGEST_BARE { all.div_ceil(each) } else { usize::from(last <= LARGEST_BARE) };
        add(&self.sent_bare, bare);
    }

    pub(super) fn received(&self, facts: &[RecvMeta]) {
        for fact in facts {
            add(&self.received, fact.len.div_ceil(fact.stride.max(1)));
            add(&self.received_bytes, fact.len);
        }
    }

    #[cfg(unix)]
    pub(super) fn asked_for_more(&self) {
        add(&self.receives, 1);
    }

    /// What was counted so far.
    #[must_use]
    pub fn so_far(&self) -> Traffic {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Traffic {
            sent: read(&self.sent),
            sent_bare: read(&self.sent_bare),
            sent_bytes: read(&self.sent_bytes),
            received: read(&self.received),
            received_bytes: read(&self.received_bytes),
            sends: read(&self.sends),
            receives: read(&self.receives),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_call_may_send_several_datagrams() {
        let counters = Counters::default();
        let transmit = |contents, segment_size| {
            let destination = ([127, 0, 0, 1], 9).into();
            counters.sent(&Transmit { destination, ecn: None, contents, segment_size, src_ip: None });
        };
        transmit(&[0; 35], None);
        transmit(&[0; 2440], Some(1200));
        transmit(&[0; 2400], Some(1200));
        let Traffic { sent, sent_bare, sent_bytes, sends, .. } = counters.so_far();
        assert_eq!((sent, sent_bare, sent_bytes, sends), (6, 2, 4875, 3));
    }
}
