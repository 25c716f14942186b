//! Files with credentials: docker's `config.json`, podman's `auth.json`, `.dockercfg`, and pull secrets of Kubernetes.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;

use super::{Credentials, Secret};
use crate::open;
use crate::printable;

/// Larger files are not credential files.
const LARGEST: usize = 4 << 20;

/// Some tools omit the padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The contents of one file.
#[derive(Debug, Default)]
pub(super) struct AuthFile {
    /// Entries by registry or by registry and path, spelled as in the file.
    pub(super) entries: BTreeMap<String, Entry>,
    /// Helpers for single registries.
    pub(super) helpers: BTreeMap<String, String>,
    /// The helper for all other registries.
    pub(super) store: Option<String>,
    /// Whether `*` in a host is a wildcard, as in pull secrets.
    pub(super) has_globs: bool,
}

/// A login. `None` if the file only records that there is one and a helper has the credentials.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) credentials: Option<Credentials>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DockerConfig {
    #[serde(default)]
    auths: BTreeMap<String, RawEntry>,
    #[serde(default)]
    cred_helpers: BTreeMap<String, String>,
    #[serde(default)]
    creds_store: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawEntry {
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
    registrytoken: String,
}

/// A Kubernetes Secret. `data` is base64, `stringData` is not.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PullSecret {
    kind: String,
    #[serde(default)]
    data: BTreeMap<String, String>,
    #[serde(default)]
    string_data: BTreeMap<String, String>,
}

impl AuthFile {
    /// Reads a file. `None` if it does not exist.
    ///
    /// # Errors
    /// If the file cannot be read or parsed. The message quotes no secrets.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, String> {
        let text = match open::read_named(path, LARGEST) {
            Ok(bytes) => String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => Err(error.to_string()),
        };
        let file = text.and_then(|text| Self::parse(&text));
        let file = file.map_err(|problem| format!("{}: {problem}", printable::path(path)))?;
        Ok(Some(file))
    }

    /// Parses a file; the content decides which kind it is.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        if let Ok(value) = serde_json::from_str::<serde_json::Value>(text)
            && value.get("kind").is_none()
        {
            return Self::of_json(value);
        }
        Self::of_secrets(text)
    }

    /// Parses `{"auths": {…}}`, or the older form with the registries at the top level.
    fn of_json(value: serde_json::Value) -> Result<Self, String> {
        let is_config = ["auths", "credHelpers", "credsStore"]
            .iter()
            .any(|key| value.get(key).is_some());
        let is_old = || {
            let entries = value.as_object();
            entries.is_some_and(|entries| {
                !entries.is_empty() && entries.values().all(|entry| entry.get("auth").is_some())
            })
        };
        if is_config {
            let config: DockerConfig = serde_json::from_value(value)
                .map_err(|_| "is not a docker config with `auths`".to_owned())?;
            return Ok(Self {
                entries: entries(config.auths)?,
                helpers: config.cred_helpers,
                store: Some(config.creds_store).filter(|store| !store.is_empty()),
                has_globs: false,
            });
        }
        if is_old() {
            let old =
                serde_json::from_value(value).map_err(|_| "is not a .dockercfg".to_owned())?;
            return Ok(Self {
                entries: entries(old)?,
                ..Self::default()
            });
        }
        match value.is_object() {
            // The docker config of a user who never logged in.
            true => Ok(Self::default()),
            false => Err("is not a JSON object".to_owned()),
        }
    }

    /// Collects the entries of all pull secrets in the documents.
    fn of_secrets(text: &str) -> Result<Self, String> {
        let mut file = Self {
            has_globs: true,
            ..Self::default()
        };
        let mut seen = false;
        for document in serde_yaml::Deserializer::from_str(text) {
            let secret = Option::<PullSecret>::deserialize(document).map_err(|_| {
                "is neither a docker config in JSON nor a Secret of Kubernetes".to_owned()
            })?;
            let Some(secret) = secret else {
                continue;
            };
            if secret.kind != "Secret" {
                return Err(format!(
                    "is a {}, not a Secret",
                    printable::brief(&secret.kind)
                ));
            }
            for key in [".dockerconfigjson", ".dockercfg"] {
                let text = match (secret.string_data.get(key), secret.data.get(key)) {
                    (Some(text), _) => text.clone(),
                    (None, Some(data)) => {
                        decode(data).ok_or_else(|| format!("`data.{key}` is not base64"))?
                    }
                    (None, None) => continue,
                };
                let value = serde_json::from_str(&text)
                    .map_err(|_| format!("`{key}` does not contain JSON"))?;
                // Helpers in a Secret are ignored: content from a cluster must not start programs.
                file.entries.extend(Self::of_json(value)?.entries);
                seen = true;
            }
        }
        match seen {
            true => Ok(file),
            false => Err("has no `.dockerconfigjson` and no `.dockercfg`".to_owned()),
        }
    }
}

fn entries(raw: BTreeMap<String, RawEntry>) -> Result<BTreeMap<String, Entry>, String> {
    let entry = |(key, raw): (String, RawEntry)| {
        let credentials = credentials(raw).map_err(|problem| {
            let key = printable::brief(&key);
            format!("`auth` of {key} {problem}")
        })?;
        Ok((key, Entry { credentials }))
    };
    raw.into_iter().map(entry).collect()
}

fn credentials(raw: RawEntry) -> Result<Option<Credentials>, String> {
    if !raw.registrytoken.is_empty() {
        return Ok(Some(Credentials::RegistryToken(Secret::new(
            raw.registrytoken,
        ))));
    }
    if !raw.identitytoken.is_empty() {
        return Ok(Some(Credentials::IdentityToken(Secret::new(
            raw.identitytoken,
        ))));
    }
    let (user, password) = match raw.auth.is_empty() {
        true => (raw.username, raw.password),
        false => {
            let pair = decode(&raw.auth).ok_or("is not base64")?;
            let (user, password) = pair.split_once(':').ok_or("has no colon in it")?;
            // docker pads with zero bytes.
            (user.to_owned(), password.trim_end_matches('\0').to_owned())
        }
    };
    if user.is_empty() && password.is_empty() {
        return Ok(None);
    }
    Ok(Some(password_or_token(user, password)))
}

/// In files and helpers, the user name `<token>` marks an identity token.
pub(super) fn password_or_token(user: String, password: String) -> Credentials {
    match user.as_str() {
        "<token>" => Credentials::IdentityToken(Secret::new(password)),
        _ => Credentials::Password {
            user,
            password: Secret::new(password),
        },
    }
}

fn decode(text: &str) -> Option<String> {
    let text: String = text.split_ascii_whitespace().collect();
    String::from_utf8(BASE64.decode(text).ok()?).ok()
}
