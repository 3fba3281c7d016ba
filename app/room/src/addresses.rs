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
    let found = if_addrs::get_if_addrs().unwrap_or_default().into_iter();
    let mut others: Vec<_> = found
        .filter(|found| !found.is_loopback() && !found.is_link_local())
        .map(|found| Address { ip: found.ip(), network: found.name })
        .collect();
    others.sort_by_key(|address| (address.ip.is_ipv6(), address.network.clone()));
    std::iter::once(Address::loopback()).chain(others).collect()
}
