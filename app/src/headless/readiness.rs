//! Tells a service manager that waits for it (systemd, `Type=notify`) that this process is ready, or about to end.
//!
//! One datagram to the socket that the environment names. Where nobody waits, nothing is sent; and nothing depends on it.

/// What a service manager can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readiness {
    /// It does what it was started for.
    Ready,
    /// It ends, in order.
    Stopping,
}

/// Tells it, if somebody waits for it.
pub(super) fn tell(readiness: Readiness) {
    let Some(socket) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let word = match readiness {
        Readiness::Ready => "READY=1",
        Readiness::Stopping => "STOPPING=1",
    };
    if let Err(error) = send(&socket, word) {
        super::warn(format!("The service manager was not told {word}: {}.", node::error_text::io(&error)));
    }
}

#[cfg(target_os = "linux")]
fn send(socket: &std::ffi::OsStr, word: &str) -> std::io::Result<()> {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};
    let address = match socket.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(socket)?,
    };
    UnixDatagram::unbound()?.send_to_addr(word.as_bytes(), &address)?;
    Ok(())
}

/// Other systems have no such manager.
#[cfg(not(target_os = "linux"))]
fn send(_: &std::ffi::OsStr, _: &str) -> std::io::Result<()> {
    Ok(())
}
