//! Settings of connections.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// How connections are made, and to which hosts.
#[derive(Debug, Clone)]
pub struct Settings {
    /// PEM files with additional trusted certificates.
    pub ca_files: Vec<PathBuf>,
    /// Whether the system's certificates are trusted as well.
    pub system_roots: bool,
    /// Hosts (`host[:port]`) whose certificates are not checked, and which may use plain HTTP.
    pub insecure: Vec<String>,
    /// Hosts (`host[:port]`) to which a server may send us although their addresses are private.
    pub private_hosts: Vec<String>,
    /// The most idle connections that are kept open to one host.
    pub per_host: usize,
    pub limits: Limits,
    /// The variables, which name the proxies.
    pub environment: Environment,
}

impl Settings {
    /// Trusts the system's certificates and uses the environment's proxies.
    pub fn usual(environment: Environment) -> Self {
        Self {
            ca_files: Vec::new(),
            system_roots: true,
            insecure: Vec::new(),
            private_hosts: Vec::new(),
            per_host: 4,
            limits: Limits::default(),
            environment,
        }
    }
}

/// Timeouts and retries.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For a name lookup, and for connecting.
    pub connect: Duration,
    /// Between two reads of a response.
    pub read: Duration,
    /// For one request, from the lookup to the last byte.
    pub total: Duration,
    /// How many times a request is repeated if its connection failed.
    pub retries: u32,
    /// The longest that a server may ask us to wait. If it asks for more, we give up.
    pub wait: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            read: Duration::from_secs(15),
            total: Duration::from_secs(30),
            retries: 2,
            wait: Duration::from_secs(30),
        }
    }
}

/// The environment variables at the start of the run.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// Reads the variables of this process.
    pub fn here() -> Self {
        Self(std::env::vars_os().collect())
    }

    /// Holds only these variables.
    pub fn of(variables: &[(&str, &str)]) -> Self {
        let variables = variables.iter();
        Self(
            variables
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }

    pub fn get(&self, name: &str) -> Option<&OsString> {
        self.0.get(&OsString::from(name))
    }

    /// `None` also if the value is not UTF-8.
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name)?.to_str().map(str::to_owned)
    }

    /// Returns a path. An empty value counts as not set.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        let value = self.get(name).filter(|value| !value.is_empty())?;
        Some(PathBuf::from(value))
    }

    /// Returns the user's home folder.
    pub fn home(&self) -> Option<PathBuf> {
        self.path("HOME").or_else(|| self.path("USERPROFILE"))
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (&OsString, &OsString)> {
        self.0.iter()
    }
}

/// Shows only the number of variables, because values can be secrets.
impl std::fmt::Debug for Environment {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Environment({} variables)", self.0.len())
    }
}
