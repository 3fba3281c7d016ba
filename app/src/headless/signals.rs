//! Being asked to end by the operating system, by SIGINT, SIGTERM or SIGHUP. Only listens; what is done about it is the
//! command's matter, and the launcher's while it starts a cluster.

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use anyhow::Context;

use super::{Exit, warn};
use cluster::interrupt::Interrupt;

/// A second signal within this time counts as the same: a closing terminal and `timeout` send theirs twice.
const SAME_WISH: Duration = Duration::from_secs(1);

/// Asks the interrupt when this process is asked to end. From the return of this on a signal alone kills no more; a second
/// one, later, ends the program wherever it is, and its processes notice that their input closes.
///
/// # Errors
/// When signals cannot be caught.
pub fn listen() -> anyhow::Result<Interrupt> {
    let interrupt = Interrupt::default();
    let asked = interrupt.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (ready, armed) = channel();
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        runtime.block_on(async {
            let Ok(mut signals) = Signals::catch() else { return };
            let _ = ready.send(());
            signals.next().await;
            asked.ask();
            let first = Instant::now();
            loop {
                signals.next().await;
                if first.elapsed() >= SAME_WISH {
                    warn("Interrupted a second time: stopped at once.");
                    std::process::exit(Exit::Undecided as i32);
                }
            }
        });
    })?;
    armed.recv().context("signals cannot be handled")?;
    Ok(interrupt)
}

/// For a command that holds nothing and has nothing to finish: it ends as soon as it is asked to.
pub(crate) fn end_when_asked(interrupt: &Interrupt, what: &'static str) {
    interrupt.when_asked(move || {
        warn(what);
        std::process::exit(Exit::Undecided as i32);
    });
}

#[cfg(unix)]
struct Signals([tokio::signal::unix::Signal; 3]);

#[cfg(unix)]
impl Signals {
    fn catch() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self([signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?, signal(SignalKind::hangup())?]))
    }

    async fn next(&mut self) {
        let [terminate, interrupt, hang_up] = &mut self.0;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hang_up.recv() => {}
        }
    }
}

/// Elsewhere only Ctrl+C is caught.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn catch() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
