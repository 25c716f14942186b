//! What a user can set about connections.

use std::path::PathBuf;
use std::time::Duration;

use super::location::Mirror;
use crate::http;
use crate::http::{Environment, Limits};

/// Everything that the client needs to be given.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Files with credentials, instead of those in their usual locations.
    pub auth_files: Vec<PathBuf>,
    pub mirrors: Vec<Mirror>,
    /// PEM files with certificates that are trusted beside those of the system.
    pub ca_files: Vec<PathBuf>,
    /// Registries, `host[:port]`, whose certificate is not checked, or that speak plain HTTP.
    pub insecure: Vec<String>,
    /// Hosts, `host[:port]`, to which a registry may send us though their addresses are private.
    pub private_hosts: Vec<String>,
    /// Concurrent requests to one registry. At least one.
    pub per_host: usize,
    pub limits: Limits,
    /// Answers are kept in this folder for as long.
    pub cache: Option<(PathBuf, Duration)>,
    pub environment: Environment,
}

impl Settings {
    /// Nothing is set; the environment is given.
    pub fn new(environment: Environment) -> Self {
        Self {
            auth_files: Vec::new(),
            mirrors: Vec::new(),
            ca_files: Vec::new(),
            insecure: Vec::new(),
            private_hosts: Vec::new(),
            per_host: 4,
            limits: Limits::default(),
            cache: None,
            environment,
        }
    }

    /// What concerns connections.
    pub(super) fn connections(&self) -> http::settings::Settings {
        http::settings::Settings {
            ca_files: self.ca_files.clone(),
            system_roots: true,
            insecure: self.insecure.clone(),
            private_hosts: self.private_hosts.clone(),
            per_host: self.per_host,
            limits: self.limits,
            environment: self.environment.clone(),
        }
    }
}
