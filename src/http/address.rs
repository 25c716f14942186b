//! Which addresses a host has, and which of them a registry may send us to.
//!
//! Addresses are looked up once a run. What was checked is what is connected to: a name cannot point elsewhere in between.

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

/// As many as ureq holds.
const MOST_ADDRESSES: usize = 16;

/// How far from the public internet an address is, the nearest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    Public,
    /// Somebody's own network.
    Private,
    /// This machine.
    Loopback,
    /// Link-local and the like: where clouds keep the credentials of machines. Nobody has a registry there.
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

    /// Of a host with several addresses, the one that matters when we are sent there: the farthest inside.
    pub(crate) fn innermost(addresses: &[SocketAddr]) -> Self {
        let reaches = addresses.iter().map(|address| Self::of(address.ip()));
        reaches.max().unwrap_or(Self::Forbidden)
    }

    /// The one that says what a registry may send us to: a host with a public address is a public one.
    pub(crate) fn outermost(addresses: &[SocketAddr]) -> Self {
        let reaches = addresses.iter().map(|address| Self::of(address.ip()));
        reaches.min().unwrap_or(Self::Public)
    }
}

fn of_v4(address: Ipv4Addr) -> Reach {
    /// Azure's "wire server": public by its number, but the machine's own by what it is.
    const WIRE_SERVER: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);
    /// Alibaba's metadata, within the range of carriers.
    const METADATA: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);
    let [first, second, third, _] = address.octets();
    match (first, second) {
        _ if address == WIRE_SERVER || address == METADATA => Reach::Forbidden,
        (127, _) => Reach::Loopback,
        // 0.0.0.0 is this machine to some systems.
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
        // Mapped, compatible and translated IPv4, NAT64 and 6to4: the address inside is what is reached.
        [0, 0, 0, 0, 0, 0xffff | 0, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => embedded(high, low),
        // AWS's metadata.
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

/// The addresses of the hosts of this run.
#[derive(Debug, Default)]
pub(crate) struct Addresses {
    known: Mutex<HashMap<(String, u16), Found>>,
}

impl Addresses {
    /// Looks a host up, or says what was found before. A failure is kept too: asking again for each of a thousand images would
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
    // The system's resolver cannot be interrupted; it is left behind when it takes too long.
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

/// Gives ureq the addresses that were checked.
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
