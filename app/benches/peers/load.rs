//! Customers of other servers: each has a connection of its own, and asks again when it is answered.

use std::future::Future;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::Found;

/// Before anything is measured.
const WARM_UP: Duration = Duration::from_millis(500);
/// About as long as an order is in this program's order book.
pub const ORDER: usize = 100;

/// Ends a server when it is dropped.
pub struct Server(pub std::process::Child);

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// One customer's connection.
pub trait Customer: Sized + 'static {
    /// Places one order, and comes back when it is acknowledged.
    fn order(&mut self, number: u64) -> impl Future<Output = ()>;
}

/// Has them all order, and measures. `servers`: whose processor time is counted beside this process's.
pub fn measure<C: Customer>(
    customers: u32,
    lasts: Duration,
    servers: &[u32],
    connect: impl AsyncFn(u32) -> C + 'static,
) -> Found {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let tasks = tokio::task::LocalSet::new();
    let used = || servers.iter().copied().chain([std::process::id()]).map(processor).sum::<Option<f64>>();
    let (times, processor) = tasks.block_on(&runtime, async {
        let mut all = Vec::new();
        let mut connected = Vec::new();
        for place in 0..customers {
            connected.push(connect(place).await);
        }
        let begun = Instant::now();
        for (place, mut customer) in (0_u64..).zip(connected) {
            all.push(tokio::task::spawn_local(async move {
                let mut times = Histogram::<u64>::new_with_bounds(1, 60_000_000_000, 3).unwrap();
                for number in 0.. {
                    let asked = Instant::now();
                    customer.order(place << 32 | number).await;
                    let since = begun.elapsed();
                    if since >= WARM_UP + lasts {
                        break;
                    }
                    if since >= WARM_UP {
                        times.saturating_record(asked.elapsed().as_nanos() as u64);
                    }
                }
                times
            }));
        }
        tokio::time::sleep(WARM_UP).await;
        let before = used();
        tokio::time::sleep(lasts).await;
        let processor = used().zip(before).map(|(after, before)| after - before);
        let mut times = Histogram::<u64>::new_with_bounds(1, 60_000_000_000, 3).unwrap();
        for customer in all {
            times.add(customer.await.unwrap()).unwrap();
        }
        (times, processor)
    });
    let micros = |share: f64| times.value_at_quantile(share) as f64 / 1000.0;
    Found {
        per_s: times.len() as f64 / lasts.as_secs_f64(),
        median: micros(0.5),
        p99: micros(0.99),
        processor: processor.map(|processor| processor / times.len().max(1) as f64),
        trips: None,
    }
}

/// Processor time of a process so far, in microseconds. Only Linux tells, in hundredths of a second.
fn processor(process: u32) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) * 10_000.0)
}

/// A port that is free now.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}
