//! The addresses of this machine that a class can reach.

use anyhow::{Context, Result};
use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};

/// Where students find the post office.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reachable {
    /// The address and the port.
    pub(super) address: SocketAddr,
    /// The network interface, where the machine has several.
    pub(super) interface: Option<String>,
}

impl fmt::Display for Reachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.interface {
            Some(interface) => write!(f, "{} ({interface})", self.address),
            None => self.address.fmt(f),
        }
    }
}

/// The addresses that `listen` stands for: itself, or, where it means all of them, those of the machine's interfaces that
/// other machines can use.
///
/// The interfaces are asked, not the routes: a room without internet often has no route to ask about.
pub(super) fn reachable(listen: SocketAddr) -> Result<Vec<Reachable>> {
    if !listen.ip().is_unspecified() {
        return Ok(vec![Reachable { address: listen, interface: None }]);
    }
    let interfaces = if_addrs::get_if_addrs().context("can't list this machine's network addresses")?;
    let mut found: Vec<_> = interfaces
        .into_iter()
        .filter(|interface| interface.ip().is_ipv4() == listen.is_ipv4() && is_for_others(interface.ip()))
        .map(|interface| Reachable {
            address: SocketAddr::new(interface.ip(), listen.port()),
            interface: Some(interface.name),
        })
        .collect();
    found.sort_by_key(|reachable| !is_private(reachable.address.ip())); // a classroom's network is a private one
    Ok(found)
}

/// Neither this machine's own, nor one that only means something together with an interface.
fn is_for_others(ip: IpAddr) -> bool {
    let is_link_local = match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    !ip.is_loopback() && !ip.is_unspecified() && !is_link_local
}

fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private(),
        IpAddr::V6(ip) => ip.is_unique_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_stands_for_itself() {
        let address = "192.168.1.20:5672".parse().unwrap();
        assert_eq!(reachable(address).unwrap(), [Reachable { address, interface: None }]);
    }

    #[test]
    fn all_addresses_are_those_that_others_can_use() {
        for listen in ["0.0.0.0:5672", "[::]:5672"] {
            for found in reachable(listen.parse().unwrap()).unwrap() {
                assert!(is_for_others(found.address.ip()) && found.address.port() == 5672, "{found}");
            }
        }
    }

    #[test]
    fn loopback_and_link_local_addresses_are_for_nobody_else() {
        for ip in ["127.0.0.1", "::1", "169.254.3.4", "fe80::1", "0.0.0.0"] {
            assert!(!is_for_others(ip.parse().unwrap()), "{ip}");
        }
        for ip in ["192.168.1.20", "10.0.0.1", "203.0.113.9", "fd00::1", "2001:db8::1"] {
            assert!(is_for_others(ip.parse().unwrap()), "{ip}");
        }
    }
}
