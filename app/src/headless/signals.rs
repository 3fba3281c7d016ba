//! Being asked to end by the operating system. Only listens; what is done about it is the command's.

use std::sync::mpsc::{Sender, channel};

use anyhow::Context;

/// Says `over` when this process is asked to end, which kills it no more from the return of this on.
///
/// # Errors
/// When that cannot be caught.
pub(super) fn watch<T: Send + 'static>(sender: Sender<T>, over: T) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (ready, armed) = channel();
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        runtime.block_on(async {
            // Not caught: then they kill, and the processes notice that their input closes.
            let _ = ended(|| {
                let _ = ready.send(());
            })
            .await;
        });
        let _ = sender.send(over);
    })?;
    armed.recv().context("signals cannot be caught")
}

/// Ends when SIGTERM, SIGINT or SIGHUP comes (Ctrl+C elsewhere); `armed` is called when they no longer kill.
///
/// # Errors
/// When they cannot be caught.
#[cfg(unix)]
async fn ended(armed: impl FnOnce()) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    armed();
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        _ = hang_up.recv() => {}
    }
    Ok(())
}

/// Ends when Ctrl+C comes; `armed` is called when it no longer kills.
///
/// # Errors
/// When it cannot be caught.
#[cfg(not(unix))]
async fn ended(armed: impl FnOnce()) -> std::io::Result<()> {
    armed();
    tokio::signal::ctrl_c().await
}
