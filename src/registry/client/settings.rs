//! Settings of the registry client.

use std::path::PathBuf;
use std::time::Duration;

use super::location::Mirror;
use crate::http::Environment;
use crate::http::settings::Settings as Connection;

/// Everything that the client needs to be given.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Files with credentials, instead of those in their usual locations.
    pub auth_files: Vec<PathBuf>,
    pub mirrors: Vec<Mirror>,
    /// Answers are kept in this folder for as long.
    pub cache: Option<(PathBuf, Duration)>,
    pub connection: Connection,
}

impl Settings {
    /// Nothing is set; the environment is given.
    pub fn new(environment: Environment) -> Self {
        Self {
            auth_files: Vec::new(),
            mirrors: Vec::new(),
            cache: None,
            connection: Connection::usual(environment),
        }
    }
}
