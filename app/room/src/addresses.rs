//! Where this computer can be reached: the addresses of its networks.

use std::net::{IpAddr, Ipv4Addr};

/// One that a page can be opened at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub ip: IpAddr,
    /// Of the network, as the system calls it: "wlan0".
    pub network: String,
}

impl Address {
    /// The one that only this computer reaches.
    pub fn loopback() -> Self {
        Self { ip: Ipv4Addr::LOCALHOST.into(), network: String::new() }
    }

    pub fn is_loopback(&self) -> bool {
        self.ip.is_loopback()
    }
}

/// Loopback first, then those of networks; addresses that need a scope are left out, because no link can name one.
pub fn addresses() -> Vec<Address> {
    // A system that does not say has loopback.
    let others = cluster::networks::networks().unwrap_or_default().into_iter();
    let others = others.map(|network| Address { ip: network.ip, network: network.name });
    std::iter::once(Address::loopback()).chain(others).collect()
}
