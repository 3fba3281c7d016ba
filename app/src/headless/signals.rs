//! Being asked to end by the operating system. Only waits; what is done about it is the command's.

/// Ends when SIGTERM, SIGINT or SIGHUP comes (Ctrl+C elsewhere); `armed` is called when they no longer kill.
///
/// # Errors
/// When they cannot be caught.
#[cfg(unix)]
pub(super) async fn ended(armed: impl FnOnce()) -> std::io::Result<()> {
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
pub(super) async fn ended(armed: impl FnOnce()) -> std::io::Result<()> {
    armed();
    tokio::signal::ctrl_c().await
}
