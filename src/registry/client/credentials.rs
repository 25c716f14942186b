//! Credentials: where they are stored, and which registry they are for.
//!
//! They are read from where docker and podman keep them, never from the tree that is checked. They are never printed:
//! [`Secret`] has no `Display`, and its `Debug` hides the value.

mod file;
mod helper;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Mutex;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::location::Repository;
use super::settings::Settings;
use crate::http::Environment;
use crate::http::secret::Secret;
use crate::image::{self, DOCKER_HUB};
use crate::parallel::lock;
use crate::printable;

use file::{AuthFile, Entry};
use helper::Helper;

/// The key under which docker stores the credentials for Docker Hub.
const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";

/// Credentials for a registry.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Credentials {
    Password {
        user: String,
        password: Secret,
    },
    /// A refresh token, which a token service exchanges for an access token.
    IdentityToken(Secret),
    /// A token that is sent to the registry as it is.
    RegistryToken(Secret),
}

impl Credentials {
    /// The value of an `Authorization` header; `None` unless this is a password.
    pub(super) fn basic(&self) -> Option<Secret> {
        match self {
            Self::Password { user, password } => {
                let pair = STANDARD.encode(format!("{user}:{}", password.expose()));
                Some(Secret::new(format!("Basic {pair}")))
            }
            _ => None,
        }
    }
}

/// All credentials of a run.
pub(super) struct Keyring {
    files: Vec<AuthFile>,
    environment: Environment,
    /// Answers of helpers by helper and server, so that each helper runs once per registry.
    said: Mutex<HashMap<(String, String), Said>>,
}

/// The answer of a helper, or why it gave none.
type Said = Result<Option<Credentials>, String>;

impl Keyring {
    /// Reads the files. Also returns problems with files in their usual locations: nobody named these, so the run goes on.
    ///
    /// # Errors
    /// If a file that the user named cannot be read.
    pub(super) fn open(settings: &Settings) -> Result<(Self, Vec<String>), String> {
        let mut files = Vec::new();
        let mut problems = Vec::new();
        for path in &settings.auth_files {
            files.push(
                AuthFile::read(path)?
                    .ok_or_else(|| format!("{}: there is no such file", printable::path(path)))?,
            );
        }
        if settings.auth_files.is_empty() {
            for path in usual(&settings.connection.environment) {
                match AuthFile::read(&path) {
                    Ok(file) => files.extend(file),
                    Err(problem) => {
                        problems.push(format!("{problem}; its credentials are not used"))
                    }
                }
            }
        }
        let keyring = Self {
            files,
            environment: settings.connection.environment.clone(),
            said: Mutex::default(),
        };
        Ok((keyring, problems))
    }

    /// Returns the credentials for a repository, if there are any.
    ///
    /// # Errors
    /// If a credential helper fails.
    pub(super) fn of(&self, repository: &Repository) -> Result<Option<Credentials>, String> {
        for file in &self.files {
            if let Some(found) = self.in_file(file, repository)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn in_file(
        &self,
        file: &AuthFile,
        repository: &Repository,
    ) -> Result<Option<Credentials>, String> {
        let server = match repository.registry.as_str() {
            DOCKER_HUB => DOCKER_HUB_KEY,
            host => host,
        };
        let is_for = |(key, _): &(&String, &String)| key_of(key) == repository.registry;
        if let Some((_, helper)) = file.helpers.iter().find(is_for) {
            return self.ask(helper, server);
        }
        let full = repository.to_string();
        let fits = |key: &str| covers(key, &full, file.has_globs);
        let entries = file.entries.iter();
        let best = entries
            .filter(|(_, entry)| entry.credentials.is_some())
            .filter(|(key, _)| fits(&key_of(key)))
            .max_by_key(|(key, _)| (!key.contains('*'), key_of(key).len()));
        match (best, &file.store) {
            (Some((_, Entry { credentials })), _) => Ok(credentials.clone()),
            (None, Some(store)) => self.ask(store, server),
            (None, None) => Ok(None),
        }
    }

    fn ask(&self, helper: &str, server: &str) -> Result<Option<Credentials>, String> {
        let key = (helper.to_owned(), server.to_owned());
        // Locked while the helper runs: it may prompt the user and must not do so twice.
        let mut said = lock(&self.said);
        let answer = said.entry(key).or_insert_with(|| {
            let helper = Helper::find(helper, &self.environment)?;
            helper.get(server, &self.environment)
        });
        answer.clone()
    }
}

/// The files that podman and docker use, in the order in which podman looks.
fn usual(environment: &Environment) -> Vec<PathBuf> {
    let home = environment.home();
    let below_home = |path: &str| home.as_ref().map(|home| home.join(path));
    let auth_file = environment.path("REGISTRY_AUTH_FILE");
    let runtime = environment.path("XDG_RUNTIME_DIR");
    let config = environment.path("XDG_CONFIG_HOME");
    let docker = environment.path("DOCKER_CONFIG");
    [
        auth_file.or_else(|| runtime.map(|folder| folder.join("containers/auth.json"))),
        config
            .or_else(|| below_home(".config"))
            .map(|folder| folder.join("containers/auth.json")),
        docker
            .or_else(|| below_home(".docker"))
            .map(|folder| folder.join("config.json")),
        below_home(".dockercfg"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Converts a key of a file to the spelling of references: `https://index.docker.io/v1/` is `docker.io`.
fn key_of(key: &str) -> String {
    let key = key
        .strip_prefix("https://")
        .or_else(|| key.strip_prefix("http://"))
        .unwrap_or(key)
        .trim_end_matches('/');
    let key = ["/v1", "/v2"]
        .iter()
        .find_map(|version| key.strip_suffix(version))
        .unwrap_or(key);
    let (host, path) = key.split_once('/').unwrap_or((key, ""));
    let host = image::canonical_host(Some(host));
    match path {
        "" => host.into_owned(),
        path => format!("{host}/{path}"),
    }
}

/// Whether a key covers a repository. Compares whole segments; in pull secrets, `*` matches within one label of the host.
fn covers(key: &str, repository: &str, has_globs: bool) -> bool {
    let (host, path) = key.split_once('/').unwrap_or((key, ""));
    let (asked_host, asked_path) = repository.split_once('/').unwrap_or((repository, ""));
    let is_below = asked_path
        .strip_prefix(path)
        .is_some_and(|rest| path.is_empty() || rest.is_empty() || rest.starts_with('/'));
    let is_host = match has_globs && host.contains('*') {
        false => host == asked_host,
        true => {
            let labels: Vec<&str> = host.split('.').collect();
            let asked: Vec<&str> = asked_host.split('.').collect();
            // `*` must not match a whole host, or everything below `.com`.
            let literal = labels.iter().filter(|label| !label.contains('*')).count();
            literal >= 2
                && labels.len() == asked.len()
                && labels
                    .iter()
                    .zip(asked)
                    .all(|(label, asked)| glob(label, asked))
        }
    };
    is_host && is_below
}

/// Whether a label matches a pattern with `*`.
fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            (0..=text.len())
                .filter(|at| text.is_char_boundary(*at))
                .any(|at| glob(rest, &text[at..]))
        }),
    }
}

#[cfg(test)]
mod tests;
