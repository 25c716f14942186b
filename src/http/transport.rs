//! Sends one request and returns its response: connections, TLS, proxies, time and size limits, and which hosts are allowed.
//!
//! Follows no redirects, answers no challenges and retries nothing: `exchange` does that.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use ureq::http::Request as HttpRequest;
use ureq::tls::{Certificate, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, Timeout};

use super::address::{Addresses, Pinned, Reach};
use super::message::{Body, Fault, NamedBy, Request, Response, is_too_much};
use super::proxy::Proxies;
use super::settings::{Limits, Settings};
use super::url::Url;
use crate::open;
use crate::parallel::lock;
use crate::printable;

/// The size limit of the headers. No registry sends more.
const LARGEST_HEADER: usize = 64 << 10;
/// The size limit for the body of an error response.
const LARGEST_FAILURE: u64 = 64 << 10;
/// The size limit of a PEM file. All authorities of a system together take a quarter of a MiB.
const LARGEST_BUNDLE: usize = 16 << 20;
const USER_AGENT: &str = concat!("regfix/", env!("CARGO_PKG_VERSION"));

/// Makes connections and keeps them for later requests.
pub(crate) struct Transport {
    limits: Limits,
    proxies: Proxies,
    addresses: Arc<Addresses>,
    /// One agent for each combination of proxy and certificate check. Connections are shared only within an agent.
    agents: Mutex<HashMap<(Option<ureq::Proxy>, bool), Agent>>,
    own_roots: Vec<Certificate<'static>>,
    system_roots: bool,
    roots: OnceLock<RootCerts>,
    insecure: Vec<String>,
    private_hosts: Vec<String>,
    idle_per_host: usize,
}

impl Transport {
    /// # Errors
    /// If a proxy variable is malformed, or a certificate file cannot be used. The message names it.
    pub(crate) fn new(settings: &Settings) -> Result<Self, String> {
        let mut own_roots = Vec::new();
        for path in &settings.ca_files {
            own_roots.extend(certificates(path)?);
        }
        let lower = |hosts: &[String]| hosts.iter().map(|host| host.to_ascii_lowercase()).collect();
        Ok(Self {
            limits: settings.limits,
            proxies: Proxies::new(&settings.environment)?,
            addresses: Arc::default(),
            agents: Mutex::default(),
            own_roots,
            system_roots: settings.system_roots,
            roots: OnceLock::new(),
            insecure: lower(&settings.insecure),
            private_hosts: lower(&settings.private_hosts),
            idle_per_host: settings.per_host.max(1),
        })
    }

    /// Whether the user allows plain HTTP and unchecked certificates for this host.
    pub(crate) fn is_insecure(&self, url: &Url) -> bool {
        lists(&self.insecure, url)
    }

    /// Returns the reach of a host. A host behind a proxy, or one that cannot be looked up, counts as public.
    pub(crate) fn reach(&self, url: &Url) -> Reach {
        if self.proxies.of(url).is_some() {
            return Reach::Public;
        }
        let addresses = self.look_up(url);
        addresses.map_or(Reach::Public, |addresses| Reach::outermost(&addresses))
    }

    fn look_up(&self, url: &Url) -> Result<Vec<std::net::SocketAddr>, String> {
        self.addresses.of(&url.host, url.port, self.limits.connect)
    }

    /// Sends a request and reads the whole response.
    pub(crate) fn send(&self, request: &Request<'_>, named_by: NamedBy) -> Result<Response, Fault> {
        let Response {
            status,
            headers,
            body,
        } = self.open(request, named_by)?;
        let mut bytes = Vec::new();
        let mut body = body;
        let read = body.read_to_end(&mut bytes);
        match read {
            Ok(_) => {}
            // The status is enough.
            Err(_) if status >= 400 => bytes.clear(),
            Err(error) if is_too_much(&error) => return Err(Fault::Unusable(error.to_string())),
            Err(error) => return Err(self.fault(request.url, &ureq::Error::from(error))),
        }
        Ok(Response {
            status,
            headers,
            body: bytes,
        })
    }

    /// Sends a request. The caller reads the body, which ends with an error if it exceeds the limit.
    pub(crate) fn open(
        &self,
        request: &Request<'_>,
        named_by: NamedBy,
    ) -> Result<Response<Body>, Fault> {
        let url = request.url;
        self.check(url, named_by)?;
        let agent = self.agent(url);
        let mut builder = HttpRequest::builder()
            .method(request.method.clone())
            .uri(url.full())
            .header("accept", request.accept);
        if let Some(authorization) = request.authorization {
            builder = builder.header("authorization", authorization.expose());
        }
        let sent = match request.form {
            None => builder.body(()).map(|request| agent.run(request)),
            Some(form) => builder
                .header("content-type", "application/x-www-form-urlencoded")
                .body(form.expose())
                .map(|request| agent.run(request)),
        };
        let response = sent
            // A token that contains a line break, for example.
            .map_err(|_| {
                Fault::Unusable("cannot be asked: a header or the URL is malformed".to_owned())
            })?
            .map_err(|error| self.fault(url, &error))?;
        let (parts, body) = response.into_parts();
        let status = parts.status.as_u16();
        let largest = match status >= 400 {
            true => LARGEST_FAILURE,
            false => request.largest,
        };
        Ok(Response {
            status,
            headers: parts.headers,
            body: Body {
                reader: body.into_reader(),
                left: largest,
                largest,
                authority: url.authority(),
            },
        })
    }

    /// Checks whether we may connect to this host.
    fn check(&self, url: &Url, named_by: NamedBy) -> Result<(), Fault> {
        if self.is_insecure(url) {
            return Ok(());
        }
        let is_proxied = self.proxies.of(url).is_some();
        // A proxy looks up names itself, so only a literal address can be judged.
        let reach = match is_proxied && !is_address(&url.host) {
            true => Reach::Public,
            false => Reach::innermost(&self.look_up(url).map_err(Fault::Unconnected)?),
        };
        let (farthest, may_be_plain) = match named_by {
            NamedBy::User => (Reach::Loopback, false),
            NamedBy::Registry {
                reach: from,
                insecure,
            } => (
                from.min(Reach::Loopback),
                insecure && from == Reach::Loopback,
            ),
        };
        let is_fine = url.secure || (may_be_plain && reach == Reach::Loopback);
        if !is_fine {
            return Err(Fault::Refused(format!(
                "{} is not https: `--insecure-registry {}` would allow it",
                url.origin(),
                url.authority()
            )));
        }
        match reach <= farthest || lists(&self.private_hosts, url) {
            true => Ok(()),
            false => Err(Fault::Refused(format!(
                "{} has a {} address: `--allow-private-host {}` would allow it",
                url.host,
                reach.name(),
                url.authority()
            ))),
        }
    }

    fn agent(&self, url: &Url) -> Agent {
        let proxy = self.proxies.of(url);
        let checks = !self.is_insecure(url);
        let key = (proxy.cloned(), checks);
        let mut agents = lock(&self.agents);
        let agent = agents
            .entry(key)
            .or_insert_with(|| self.new_agent(proxy, checks));
        agent.clone()
    }

    fn new_agent(&self, proxy: Option<&ureq::Proxy>, checks: bool) -> Agent {
        let tls = TlsConfig::builder();
        let tls = match checks {
            true => tls.root_certs(self.roots().clone()),
            false => tls.disable_verification(true),
        };
        let limits = self.limits;
        let config = Agent::config_builder()
            .tls_config(tls.build())
            .proxy(proxy.cloned())
            .user_agent(USER_AGENT)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .max_response_header_size(LARGEST_HEADER)
            .max_idle_connections(64)
            .max_idle_connections_per_host(self.idle_per_host)
            .max_idle_age(Duration::from_secs(10))
            .timeout_global(Some(limits.total))
            .timeout_connect(Some(limits.connect))
            .timeout_recv_response(Some(limits.read))
            .timeout_per_read(Some(limits.read))
            .timeout_per_write(Some(limits.read))
            .build();
        let resolver = Pinned {
            addresses: Arc::clone(&self.addresses),
            timeout: limits.connect,
        };
        Agent::with_parts(config, DefaultConnector::default(), resolver)
    }

    /// Returns the trusted certificates: the system's and the user's, or only the user's if the settings say so. Falls back
    /// to Mozilla's if there are none.
    fn roots(&self) -> &RootCerts {
        self.roots.get_or_init(|| {
            if !self.system_roots {
                return RootCerts::new_with_certs(&self.own_roots);
            }
            let system = rustls_native_certs::load_native_certs().certs;
            let system = system
                .iter()
                .map(|der| Certificate::from_der(der).to_owned());
            let mut all: Vec<Certificate<'static>> = system.collect();
            all.extend(self.own_roots.iter().cloned());
            match all.is_empty() {
                true => RootCerts::WebPki,
                false => RootCerts::new_with_certs(&all),
            }
        })
    }

    fn fault(&self, url: &Url, error: &ureq::Error) -> Fault {
        use std::io::ErrorKind;
        let host = url.authority();
        match error {
            ureq::Error::Io(error) => {
                // This kind wraps errors of rustls.
                let is_tls = error.kind() == ErrorKind::InvalidData && url.secure;
                let text = printable::brief(&error.to_string());
                let reason = format!("{host}: {text}");
                match error.kind() {
                    _ if is_tls => untrusted(&host, &text),
                    ErrorKind::ConnectionReset
                    | ErrorKind::ConnectionAborted
                    | ErrorKind::BrokenPipe
                    | ErrorKind::UnexpectedEof => Fault::Broken(reason),
                    _ => Fault::Unconnected(reason),
                }
            }
            ureq::Error::Timeout(Timeout::Connect | Timeout::Resolve) => {
                Fault::Unconnected(format!("{host} did not answer in time"))
            }
            ureq::Error::Timeout(_) => Fault::Unusable(format!("{host} took too long to answer")),
            ureq::Error::Rustls(_) | ureq::Error::Tls(_) => {
                let text = printable::brief(&error.to_string());
                untrusted(&host, &text)
            }
            ureq::Error::ConnectProxyFailed(reason) => {
                let reason = printable::brief(reason);
                Fault::Unconnected(format!(
                    "{host} cannot be reached through the proxy: {reason}"
                ))
            }
            ureq::Error::LargeResponseHeader(..) => {
                Fault::Unusable(format!("{host} sends more than 64 KiB of headers"))
            }
            ureq::Error::HostNotFound => Fault::Unconnected(format!("{host} has no address")),
            _ => {
                let reason = printable::brief(&error.to_string());
                Fault::Unusable(format!("{host} does not answer in HTTP: {reason}"))
            }
        }
    }
}

/// Whether a list of `host[:port]` contains the host of a URL. An entry without a port covers all ports.
fn lists(hosts: &[String], url: &Url) -> bool {
    let with_port = format!("{}:{}", url.host, url.port);
    hosts
        .iter()
        .any(|host| *host == url.host || *host == with_port)
}

/// Returns the fault of a TLS failure, with advice.
fn untrusted(host: &str, text: &str) -> Fault {
    let advice = match text {
        // The error of rustls if the answer is not TLS.
        text if text.contains("InvalidContentType") => {
            return Fault::Untrusted(format!(
                "{host} does not answer in TLS; `--insecure-registry {host}` allows plain HTTP"
            ));
        }
        text if text.contains("UnknownIssuer") => {
            "; `--ca-file` names an authority that is trusted"
        }
        text if text.contains("CaUsedAsEndEntity") => {
            "; an authority (CA:TRUE) must not be a server's own certificate: let it sign one"
        }
        _ => "",
    };
    Fault::Untrusted(format!("{host}: {text}{advice}"))
}

fn is_address(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<std::net::IpAddr>().is_ok()
}

fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>, String> {
    let shown = printable::path(path);
    let pem =
        open::read_named(path, LARGEST_BUNDLE).map_err(|error| format!("{shown}: {error}"))?;
    let mut found = Vec::new();
    for item in parse_pem(&pem) {
        match item {
            Ok(ureq::tls::PemItem::Certificate(certificate)) => found.push(certificate),
            Ok(_) => {}
            Err(_) => return Err(format!("{shown}: is not a PEM file")),
        }
    }
    match found.is_empty() {
        true => Err(format!("{shown}: has no certificate in it")),
        false => Ok(found),
    }
}

#[cfg(test)]
mod tests;
