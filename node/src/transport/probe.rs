//! Whether a port on this very machine is closed: then the process that held it is gone for certain.
//!
//! QUIC never learns that no process listens at an address; the system says so, but only on a socket that is connected to it.
//! On other machines a refusal proves nothing (a firewall may speak), so none is asked.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, UdpSocket};

use rustc_hash::FxHashMap;

/// Sockets that are kept for the next question to the same address; when there are more, all are closed.
const MOST_SOCKETS: usize = 64;
/// Too short for any packet of QUIC: a peer that lives drops it.
const QUESTION: [u8; 1] = [0];

/// The sockets to ask with, by the address they ask.
#[derive(Debug, Default)]
pub(super) struct Probes {
    sockets: FxHashMap<SocketAddr, UdpSocket>,
}

impl Probes {
    /// Whether no process listens at `address`, as far as can be proved here, at `own`. Never waits; where the system takes its
    /// time to refuse, the next call tells.
    pub(super) fn is_closed(&mut self, address: SocketAddr, own: IpAddr) -> bool {
        if !address.ip().is_loopback() && address.ip() != own {
            return false;
        }
        let asked = self.ask(address);
        if asked.is_err() {
            self.sockets.remove(&address);
        }
        asked.is_err_and(|error| matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset))
    }

    fn ask(&mut self, address: SocketAddr) -> io::Result<()> {
        if self.sockets.len() >= MOST_SOCKETS && !self.sockets.contains_key(&address) {
            self.sockets.clear();
        }
        let socket = match self.sockets.get(&address) {
            Some(socket) => socket,
            None => self.sockets.entry(address).insert_entry(connected(address)?).into_mut(),
        };
        // The answer to the question before this one comes first.
        socket.send(&QUESTION)?;
        match socket.recv(&mut [0]) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

fn connected(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((address.ip(), 0))?;
    socket.set_nonblocking(true)?;
    socket.connect(address)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    /// The system may take a moment.
    fn is_found_closed(probes: &mut Probes, address: SocketAddr) -> bool {
        (0..1000).any(|_| {
            std::thread::yield_now();
            probes.is_closed(address, HERE)
        })
    }

    #[test]
    fn a_port_is_closed_when_its_holder_is_gone_and_not_before() {
        let holder = UdpSocket::bind((HERE, 0)).unwrap();
        let address = holder.local_addr().unwrap();
        let mut probes = Probes::default();
        assert!(!is_found_closed(&mut probes, address), "it is held, though nobody reads it");
        drop(holder);
        assert!(is_found_closed(&mut probes, address));
        assert!(is_found_closed(&mut probes, address), "it stays closed");
    }

    #[test]
    fn nothing_is_proved_of_other_machines() {
        let elsewhere = (Ipv4Addr::new(192, 0, 2, 1), 9).into();
        assert!(!is_found_closed(&mut Probes::default(), elsewhere));
    }
}
