//! Which proxy a request goes through: `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, as the programs that pull images read them.
//!
//! Those programs are written in Go, so the variables mean what they mean in Go's `httpproxy` package: loopback is never
//! proxied, a name in `NO_PROXY` covers its subdomains, and addresses can be ranges.

use std::net::IpAddr;

use super::settings::Environment;
use super::url::Url;

/// The proxies of this run.
#[derive(Debug, Default)]
pub(crate) struct Proxies {
    /// Used for `https` URLs; `plain` is used for `http` URLs.
    secure: Option<ureq::Proxy>,
    plain: Option<ureq::Proxy>,
    exceptions: Vec<Exception>,
}

#[derive(Debug, PartialEq)]
enum Exception {
    All,
    /// Covers the subdomains of a name, and the name too if `itself` is set. With a port, covers only that port.
    Name {
        name: String,
        itself: bool,
        port: Option<u16>,
    },
    Address {
        address: IpAddr,
        port: Option<u16>,
    },
    Range {
        network: IpAddr,
        bits: u8,
    },
}

impl Proxies {
    /// # Errors
    /// If a variable is not the URL of an HTTP proxy. The message shows only its name, because the value can hold a password.
    pub(crate) fn new(environment: &Environment) -> Result<Self, String> {
        let value = |names: [&str; 2]| {
            let found = names.iter().find_map(|name| {
                let value = environment.text(name)?;
                (!value.is_empty()).then_some((*name, value))
            });
            found.map(|(name, value)| (name.to_owned(), value))
        };
        let proxy = |names| match value(names) {
            None => Ok(None),
            Some((name, text)) => {
                let text = match text.contains("://") {
                    true => text,
                    false => format!("http://{text}"),
                };
                let is_http = text.starts_with("http://") || text.starts_with("https://");
                let proxy = ureq::Proxy::new(&text).ok().filter(|_| is_http);
                let proxy = proxy.ok_or(format!("{name} is not the URL of an HTTP proxy"))?;
                Ok::<_, String>(Some(proxy))
            }
        };
        // A web server passes a client's `Proxy:` header to its CGI programs as `HTTP_PROXY`.
        let is_cgi = environment.text("REQUEST_METHOD").is_some();
        Ok(Self {
            secure: proxy(["HTTPS_PROXY", "https_proxy"])?,
            plain: match is_cgi {
                true => None,
                false => proxy(["HTTP_PROXY", "http_proxy"])?,
            },
            exceptions: value(["NO_PROXY", "no_proxy"])
                .map(|(_, list)| exceptions(&list))
                .unwrap_or_default(),
        })
    }

    pub(crate) fn of(&self, url: &Url) -> Option<&ureq::Proxy> {
        let proxy = match url.secure {
            true => self.secure.as_ref(),
            false => self.plain.as_ref(),
        };
        proxy.filter(|_| !self.excepts(url))
    }

    fn excepts(&self, url: &Url) -> bool {
        let host = url.host.trim_start_matches('[').trim_end_matches(']');
        let address: Option<IpAddr> = host.parse().ok();
        let is_here = host == "localhost" || address.is_some_and(|address| address.is_loopback());
        is_here
            || self
                .exceptions
                .iter()
                .any(|exception| exception.covers(host, address, url.port))
    }
}

impl Exception {
    fn covers(&self, host: &str, address: Option<IpAddr>, port: u16) -> bool {
        match self {
            Self::All => true,
            Self::Name {
                name,
                itself,
                port: only,
            } => {
                let below = host
                    .strip_suffix(name.as_str())
                    .is_some_and(|rest| rest.ends_with('.'));
                only.is_none_or(|only| only == port) && (below || (*itself && host == name))
            }
            Self::Address {
                address: excepted,
                port: only,
            } => only.is_none_or(|only| only == port) && address == Some(*excepted),
            Self::Range { network, bits } => {
                address.is_some_and(|address| is_within(address, *network, *bits))
            }
        }
    }
}

fn is_within(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let bytes = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(u32::from(address)) << 96,
        IpAddr::V6(address) => u128::from(address),
    };
    let differing = (bytes(address) ^ bytes(network)).leading_zeros();
    address.is_ipv4() == network.is_ipv4() && differing >= u32::from(bits)
}

fn exceptions(list: &str) -> Vec<Exception> {
    let parts = list.split([',', ' ']).map(str::trim);
    let parts = parts.filter(|part| !part.is_empty());
    parts
        .filter_map(|part| exception(&part.to_ascii_lowercase()))
        .collect()
}

fn exception(part: &str) -> Option<Exception> {
    if part == "*" {
        return Some(Exception::All);
    }
    if let Some((network, bits)) = part.split_once('/') {
        let (network, bits): (IpAddr, u8) = (network.parse().ok()?, bits.parse().ok()?);
        let most = if network.is_ipv4() { 32 } else { 128 };
        return (bits <= most).then_some(Exception::Range { network, bits });
    }
    let (name, port) = match part.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => {
            (name, Some(port.parse().ok()?))
        }
        _ => (part, None),
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse() {
        return Some(Exception::Address { address, port });
    }
    let below_only = name.strip_prefix("*.").or_else(|| name.strip_prefix('.'));
    Some(Exception::Name {
        name: below_only.unwrap_or(name).to_owned(),
        itself: below_only.is_none(),
        port,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Proxies {
        Proxies::new(&Environment::of(variables)).unwrap()
    }

    #[track_caller]
    fn check(proxies: &Proxies, url: &str, expected: Option<&str>) {
        let url = Url::parse(url).unwrap();
        assert_eq!(proxies.of(&url).map(ureq::Proxy::host), expected, "{url}");
    }

    #[test]
    fn each_scheme_has_its_proxy() {
        let proxies = proxies(&[
            ("HTTPS_PROXY", "http://s.proxy:3128"),
            ("http_proxy", "p.proxy:80"),
        ]);
        check(&proxies, "https://r.io/", Some("s.proxy"));
        check(&proxies, "http://r.io/", Some("p.proxy"));
        check(&proxies, "http://127.0.0.1:5000/", None);
        check(&proxies, "https://localhost/", None);
        check(&proxies, "https://[::1]/", None);
    }

    #[test]
    fn what_goes_past_the_proxy() {
        let list =
            "r.io, .only.below,*.star.io,10.0.0.0/8,192.0.2.1,p.io:5000,[2001:db8::1]:443,fd00::/8";
        let proxies = proxies(&[("HTTPS_PROXY", "http://x"), ("NO_PROXY", list)]);
        for url in [
            "https://r.io/",
            "https://R.IO./",
            "https://a.r.io/",
            "https://a.only.below/",
            "https://a.star.io/",
            "https://10.9.8.7/",
            "https://192.0.2.1:5000/",
            "https://p.io:5000/",
            "https://[2001:db8::1]/",
            "https://[fd12::1]/",
        ] {
            check(&proxies, url, None);
        }
        for url in [
            "https://other-r.io/",
            "https://only.below/",
            "https://star.io/",
            "https://11.0.0.1/",
            "https://192.0.2.2/",
            "https://p.io/",
            "https://[2001:db8::1]:5000/",
        ] {
            check(&proxies, url, Some("x"));
        }
        let all = self::proxies(&[("HTTPS_PROXY", "http://x"), ("NO_PROXY", "*")]);
        check(&all, "https://r.io/", None);
    }

    #[test]
    fn a_header_of_a_web_server_is_no_proxy() {
        let proxies = proxies(&[("HTTP_PROXY", "http://x"), ("REQUEST_METHOD", "GET")]);
        check(&proxies, "http://r.io/", None);
    }

    #[test]
    fn a_password_is_not_shown() {
        let environment = Environment::of(&[("HTTPS_PROXY", "socks5://user:secret@x")]);
        let error = Proxies::new(&environment).unwrap_err();
        assert_eq!(error, "HTTPS_PROXY is not the URL of an HTTP proxy");
        let proxies = proxies(&[("HTTPS_PROXY", "http://user:secret@x")]);
        assert!(!format!("{proxies:?}").contains("secret"));
    }
}
