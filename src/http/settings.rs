//! Settings of connections.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// How connections are made, and to which hosts.
#[derive(Debug, Clone)]
pub struct Settings {
    /// PEM files with certificates that are trusted.
    pub ca_files: Vec<PathBuf>,
    /// Whether those of the system are trusted, too.
    pub system_roots: bool,
    /// Hosts, `host[:port]`, whose certificate is not checked, or that speak plain HTTP.
    pub insecure: Vec<String>,
    /// Hosts, `host[:port]`, to which a server may send us though their addresses are private.
    pub private_hosts: Vec<String>,
    /// Connections to one host that are kept open.
    pub per_host: usize,
    pub limits: Limits,
    /// Names the proxies.
    pub environment: Environment,
}

impl Settings {
    /// What the system trusts, and the proxies that the environment names.
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

/// How long and how often.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// To look up a name, and to connect.
    pub connect: Duration,
    /// Between two pieces of an answer.
    pub read: Duration,
    /// One request, from looking up to the last byte.
    pub total: Duration,
    /// How often a request that failed on the way is made again.
    pub retries: u32,
    /// A server that wants us to wait longer than this is not waited for.
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

/// The environment variables, as they were when the run began.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// Of this process.
    pub fn here() -> Self {
        Self(std::env::vars_os().collect())
    }

    /// Only these.
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

    /// `None` where it is not UTF-8, too.
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name)?.to_str().map(str::to_owned)
    }

    /// A path, if it is set to one; an empty value counts as not set.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        let value = self.get(name).filter(|value| !value.is_empty())?;
        Some(PathBuf::from(value))
    }

    /// The user's home folder.
    pub fn home(&self) -> Option<PathBuf> {
        self.path("HOME").or_else(|| self.path("USERPROFILE"))
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (&OsString, &OsString)> {
        self.0.iter()
    }
}

/// The values can be secrets.
impl std::fmt::Debug for Environment {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Environment({} variables)", self.0.len())
    }
}
