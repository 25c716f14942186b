//! The addresses of a host, and whether a registry may send us to them.
//!
//! Each host is looked up once per run. The connection goes to the address that was checked, so a name cannot point elsewhere
//! in between.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use crate::parallel::lock;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// The most addresses that ureq can hold.
const MOST_ADDRESSES: usize = 16;

/// How far from the public internet an address is, ordered from public to forbidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    Public,
    /// Someone's own network.
    Private,
    /// This machine.
    Loopback,
    /// Link-local and similar ranges, where clouds serve the credentials of machines. No registry is there.
    Forbidden,
}

impl Reach {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::Loopback => "loopback",
            Self::Forbidden => "link-local or reserved",
        }
    }

    fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }

    /// Returns the farthest reach of a host's addresses, which decides whether we may be sent there.
    pub(crate) fn innermost(addresses: &[SocketAddr]) -> Self {
        let reaches = addresses.iter().map(|address| Self::of(address.ip()));
        reaches.max().unwrap_or(Self::Forbidden)
    }

    /// Returns the nearest reach of a registry's addresses, which limits where that registry may send us. A host with a public
    /// address is public.
    pub(crate) fn outermost(addresses: &[SocketAddr]) -> Self {
        let reaches = addresses.iter().map(|address| Self::of(address.ip()));
        reaches.min().unwrap_or(Self::Public)
    }
}

fn of_v4(address: Ipv4Addr) -> Reach {
    /// Azure's "wire server": a public address, but it belongs to the machine itself.
    const WIRE_SERVER: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);
    /// Alibaba's metadata service, in the range of carrier-grade NAT.
    const METADATA: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);
    let [first, second, third, _] = address.octets();
    match (first, second) {
        _ if address == WIRE_SERVER || address == METADATA => Reach::Forbidden,
        (127, _) => Reach::Loopback,
        // Some systems connect to this machine for 0.0.0.0.
        (0 | 224..=255, _) | (169, 254) => Reach::Forbidden,
        (10, _) | (172, 16..=31) | (192, 168) | (100, 64..=127) | (198, 18 | 19) => Reach::Private,
        (192, 0) if third == 0 => Reach::Private,
        _ => Reach::Public,
    }
}

fn of_v6(address: Ipv6Addr) -> Reach {
    let segments = address.segments();
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        of_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 1] => Reach::Loopback,
        [0, 0, 0, 0, 0, 0, 0, 0] => Reach::Forbidden,
        // Mapped, compatible and translated IPv4, NAT64 and 6to4: the connection goes to the embedded IPv4 address.
        [0, 0, 0, 0, 0, 0xffff | 0, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => embedded(high, low),
        // AWS's metadata service.
        [0xfd00, 0xec2, ..] => Reach::Forbidden,
        [0x64, 0xff9b, 1, ..] | [0x2001, 0, ..] => Reach::Private,
        [first, ..] => match first >> 8 {
            0xff => Reach::Forbidden,
            0xfe if first & 0x00c0 == 0x0080 => Reach::Forbidden,
            0xfc..=0xfe => Reach::Private,
            _ => Reach::Public,
        },
    }
}

type Found = Arc<Mutex<Option<Result<Vec<SocketAddr>, String>>>>;

/// The addresses of all hosts that this run looked up.
#[derive(Debug, Default)]
pub(crate) struct Addresses {
    known: Mutex<HashMap<(String, u16), Found>>,
}

impl Addresses {
    /// Looks up a host, once per run. A failure is kept too: another attempt for each of a thousand images would
    /// take as long each time.
    pub(crate) fn of(
        &self,
        host: &str,
        port: u16,
        timeout: Duration,
    ) -> Result<Vec<SocketAddr>, String> {
        let found = {
            let mut known = lock(&self.known);
            Arc::clone(known.entry((host.to_owned(), port)).or_default())
        };
        let mut found = lock(&found);
        found
            .get_or_insert_with(|| look_up(host, port, timeout))
            .clone()
    }
}

fn look_up(host: &str, port: u16, timeout: Duration) -> Result<Vec<SocketAddr>, String> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    // The system's resolver cannot be interrupted. If it takes too long, its thread is left behind.
    let (sender, receiver) = mpsc::sync_channel(1);
    let asked = (bare.to_owned(), port);
    let ask = move || {
        let found = asked.to_socket_addrs().map(Iterator::collect::<Vec<_>>);
        let _ = sender.send(found);
    };
    std::thread::Builder::new()
        .spawn(ask)
        .map_err(|error| format!("{host} cannot be looked up: {error}"))?;
    match receiver.recv_timeout(timeout) {
        Ok(Ok(mut addresses)) if !addresses.is_empty() => {
            addresses.truncate(MOST_ADDRESSES);
            Ok(addresses)
        }
        Ok(Ok(_)) => Err(format!("{host} has no address")),
        Ok(Err(error)) => Err(format!("{host} cannot be looked up: {error}")),
        Err(_) => Err(format!("looking up {host} took too long")),
    }
}

/// Gives ureq the addresses that were checked before.
#[derive(Debug)]
pub(crate) struct Pinned {
    pub(crate) addresses: Arc<Addresses>,
    pub(crate) timeout: Duration,
}

impl Resolver for Pinned {
    fn resolve(
        &self,
        uri: &Uri,
        _: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().ok_or(ureq::Error::HostNotFound)?;
        let port = match (uri.port_u16(), uri.scheme_str()) {
            (Some(port), _) => port,
            (None, Some("https")) => 443,
            (None, _) => 80,
        };
        let host = host.to_ascii_lowercase();
        let found = self.addresses.of(&host, port, self.timeout);
        let found = found.map_err(|error| ureq::Error::Io(io::Error::other(error)))?;
        let mut addresses = self.empty();
        found
            .into_iter()
            .for_each(|address| addresses.push(address));
        Ok(addresses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_addresses_are() {
        for (reach, addresses) in [
            (
                Reach::Public,
                &[
                    "8.8.8.8",
                    "172.32.0.1",
                    "100.128.0.1",
                    "2606:4700::1",
                    "64:ff9b::808:808",
                ][..],
            ),
            (
                Reach::Private,
                &[
                    "10.0.0.1",
                    "172.16.0.1",
                    "172.31.255.255",
                    "192.168.1.1",
                    "100.64.0.1",
                    "198.18.0.1",
                    "192.0.0.1",
                    "fc00::1",
                    "fd12::1",
                    "fec0::1",
                    "::ffff:10.0.0.1",
                    "64:ff9b::a00:1",
                    "2002:a00:1::",
                    "2001::1",
                    "64:ff9b:1::1",
                ],
            ),
            (
                Reach::Loopback,
                &[
                    "127.0.0.1",
                    "127.9.9.9",
                    "::1",
                    "::ffff:127.0.0.1",
                    "::127.0.0.1",
                    "2002:7f00:1::",
                ],
            ),
            (
                Reach::Forbidden,
                &[
                    "0.0.0.0",
                    "0.1.2.3",
                    "169.254.169.254",
                    "::ffff:169.254.169.254",
                    "64:ff9b::a9fe:a9fe",
                    "fe80::1",
                    "febf::1",
                    "::",
                    "ff02::1",
                    "224.0.0.1",
                    "255.255.255.255",
                    "168.63.129.16",
                    "100.100.100.200",
                    "fd00:ec2::254",
                    "::ffff:0:169.254.169.254",
                ],
            ),
        ] {
            for address in addresses {
                let parsed: IpAddr = address.parse().unwrap();
                assert_eq!(Reach::of(parsed), reach, "{address}");
            }
        }
    }

    #[test]
    fn a_host_with_two_faces() {
        let addresses = ["8.8.8.8:1", "127.0.0.1:1"].map(|address| address.parse().unwrap());
        assert_eq!(Reach::innermost(&addresses), Reach::Loopback);
        assert_eq!(Reach::outermost(&addresses), Reach::Public);
        assert_eq!(Reach::innermost(&[]), Reach::Forbidden);
    }

    #[test]
    fn what_was_found_is_kept() {
        let addresses = Addresses::default();
        let timeout = Duration::from_secs(5);
        let found = addresses.of("[::1]", 80, timeout).unwrap();
        assert_eq!(found, ["[::1]:80".parse().unwrap()]);
        let pinned = vec!["127.0.0.1:9".parse().unwrap()];
        let key = ("host.invalid".to_owned(), 9);
        addresses
            .known
            .lock()
            .unwrap()
            .insert(key, Arc::new(Mutex::new(Some(Ok(pinned.clone())))));
        assert_eq!(addresses.of("host.invalid", 9, timeout).unwrap(), pinned);
    }
}
