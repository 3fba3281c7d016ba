//! The networks of this computer: the addresses at which others may reach it. Nothing is opened here.

use std::net::IpAddr;

/// One of this computer's addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    pub ip: IpAddr,
    /// As the system calls the network: "wlan0".
    pub name: String,
}

/// Those that others can reach: no loopback, and none that needs a scope or that the computer gave itself, because others cannot
/// name it. IPv4 first, private ones before public ones.
///
/// # Errors
/// The operating system's.
pub fn networks() -> std::io::Result<Vec<Network>> {
    let found = if_addrs::get_if_addrs()?.into_iter();
    let mut networks: Vec<Network> = found
        .filter(|found| !found.is_loopback() && !found.is_link_local() && !found.ip().is_unspecified())
        .map(|found| Network { ip: found.ip(), name: found.name })
        .collect();
    networks.sort_by_cached_key(|network| (rank(network.ip), network.name.clone()));
    networks.dedup_by_key(|network| network.ip);
    Ok(networks)
}

/// The likeliest first.
fn rank(ip: IpAddr) -> u8 {
    match ip {
        IpAddr::V4(ip) if ip.is_private() => 0,
        IpAddr::V4(_) => 1,
        IpAddr::V6(_) => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_room_comes_before_others() {
        let ranks = ["192.168.1.7", "10.0.0.1", "203.0.113.5", "2001:db8::1"].map(|ip| rank(ip.parse().unwrap()));
        assert_eq!(ranks, [0, 0, 1, 2]);
    }

    #[test]
    fn loopback_is_no_network() {
        assert!(networks().unwrap().iter().all(|network| !network.ip.is_loopback()));
    }
}
