//! What this process uses of the machine, by its own account. Where the system does not tell, the figure is 0.

use serde::{Deserialize, Serialize};

/// Processor time so far, in microseconds, of all threads.
#[must_use]
pub fn processor() -> u64 {
    #[cfg(unix)]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        time.tv_sec as u64 * 1_000_000 + time.tv_nsec as u64 / 1000
    }
    #[cfg(not(unix))]
    0
}

/// Resident memory, in bytes.
#[must_use]
pub fn memory() -> u64 {
    #[cfg(target_os = "linux")]
    {
        // Pages: all, resident, …
        let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
        let resident = pages.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or_default();
        resident * rustix::param::page_size() as u64
    }
    #[cfg(not(target_os = "linux"))]
    0
}

/// How often a thread of this process went to sleep because it had nothing to do.
#[must_use]
pub fn sleeps() -> u64 {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let status = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("status")).ok());
    let count = |status: String| {
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
        line.trim().parse::<u64>().ok()
    };
    status.filter_map(count).sum()
}

/// All counts of an endpoint so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Datagrams that were sent.
    pub sent: u64,
    /// Those of them that carry no message: acknowledgements and the like.
    pub sent_bare: u64,
    /// Bytes of the datagrams that were sent, without the heads of UDP and IP.
    pub sent_bytes: u64,
    /// Datagrams that were received.
    pub received: u64,
    /// Bytes of the datagrams that were received.
    pub received_bytes: u64,
    /// System calls that send; one may send several datagrams.
    pub sends: u64,
    /// System calls that receive, also those that found nothing. Not counted except on Unix.
    pub receives: u64,
}

impl Traffic {
    /// What was counted since `before`.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            sent: self.sent.saturating_sub(before.sent),
            sent_bare: self.sent_bare.saturating_sub(before.sent_bare),
            sent_bytes: self.sent_bytes.saturating_sub(before.sent_bytes),
            received: self.received.saturating_sub(before.received),
            received_bytes: self.received_bytes.saturating_sub(before.received_bytes),
            sends: self.sends.saturating_sub(before.sends),
            receives: self.receives.saturating_sub(before.receives),
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_running_process_uses_something() {
        let before = processor();
        let work = (0..1_000_000u64).fold(0, |sum: u64, next| std::hint::black_box(sum.wrapping_mul(31) + next));
        assert!(processor() > before, "{work}");
        assert!((100 * 1024..1 << 40).contains(&memory()), "{}", memory());
    }
}
