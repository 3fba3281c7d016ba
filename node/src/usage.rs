//! What this process uses of the machine, by its own account. Where the system does not tell, the figure is 0.

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
