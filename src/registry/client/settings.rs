//! Settings of the registry client.

use std::path::PathBuf;
use std::time::Duration;

use super::location::Mirror;
use crate::http::Environment;
use crate::http::settings::Settings as Connection;

/// The inputs of the client.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Credential files that replace those in the usual locations.
    pub auth_files: Vec<PathBuf>,
    pub mirrors: Vec<Mirror>,
    /// Folder of the cache, and the maximum age of an answer.
    pub cache: Option<(PathBuf, Duration)>,
    pub connection: Connection,
}

impl Settings {
    /// Default settings for an environment.
    pub fn new(environment: Environment) -> Self {
        Self {
            auth_files: Vec::new(),
            mirrors: Vec::new(),
            cache: None,
            connection: Connection::usual(environment),
        }
    }
}
