//! Pull secrets in a tree: which registries they have credentials for, and which moves leave them behind.
//!
//! Reads host names only. Credentials are never kept or shown.

use std::collections::BTreeSet;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::file_type::{self, FileType, Masks};
use crate::finding::Finding;
use crate::image::{self, ImageRef};
use crate::source::LineIndex;
use crate::syntax::yaml::{Map, Node};

/// The keys of a Secret that hold credentials for registries. In the older format the registries are the top-level keys.
pub const KEYS: [&str; 2] = [".dockerconfigjson", ".dockercfg"];

/// A Secret of type `kubernetes.io/dockerconfigjson` or `kubernetes.io/dockercfg`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullSecret {
    name: String,
    /// Its location, as `path:line`.
    location: String,
    /// Canonical hosts; `*` matches a part of a host.
    hosts: BTreeSet<String>,
}

/// Whether a file may hold a pull secret.
pub fn may_hold(bytes: &[u8]) -> bool {
    KEYS.iter()
        .any(|key| memchr::memmem::find(bytes, key.as_bytes()).is_some())
}

/// Returns the pull secrets of a file, without those that are encrypted or built by a template.
pub fn read(path: &Path, text: &str, file_type: &FileType) -> Vec<PullSecret> {
    let masks = Masks::default();
    let reading = file_type::read(text, file_type.parser, None, &masks);
    let documents = reading
        .layers
        .iter()
        .flat_map(|layer| &layer.parsed.documents);
    let lines = LineIndex::new(text);
    let secret = |document: &Node<'_>| {
        let map = document.as_map()?;
        let hosts = hosts(map)?;
        let metadata = map.map("metadata");
        Some(PullSecret {
            name: metadata
                .and_then(|map| map.text("name"))
                .unwrap_or("?")
                .to_owned(),
            location: format!("{}:{}", path.display(), lines.line(map.span.start) + 1),
            hosts,
        })
    };
    documents.filter_map(secret).collect()
}

/// Returns the hosts of a Secret, if it holds credentials for registries.
fn hosts(secret: &Map<'_>) -> Option<BTreeSet<String>> {
    if secret.text("kind") != Some("Secret") {
        return None;
    }
    KEYS.iter().find_map(|key| {
        let plain = |field: &str| Some(secret.map(field)?.text(key)?.to_owned());
        let decoded = || {
            let written: String = plain("data")?.split_whitespace().collect();
            String::from_utf8(STANDARD.decode(written).ok()?).ok()
        };
        let config = plain("stringData").or_else(decoded)?;
        let config: serde_json::Value = serde_json::from_str(&config).ok()?;
        let entries = config.get("auths").unwrap_or(&config).as_object()?;
        Some(entries.keys().map(|entry| host(entry)).collect())
    })
}

/// The host of an entry: `https://index.docker.io/v1/` is Docker Hub.
fn host(entry: &str) -> String {
    let rest = entry.split_once("://").map_or(entry, |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or_default();
    image::canonical_host(Some(host)).into_owned()
}

impl PullSecret {
    fn serves(&self, host: &str) -> bool {
        self.hosts.iter().any(|known| match known.split_once('*') {
            Some((start, end)) => {
                host.len() > start.len() + end.len()
                    && host.starts_with(start)
                    && host.ends_with(end)
            }
            None => known == host,
        })
    }
}

/// Adds a note to each finding that moves an image to a registry for which the tree has no credentials, if it has some for
/// the old one.
pub fn note(secrets: &[PullSecret], findings: &mut [Finding]) {
    if secrets.is_empty() {
        return;
    }
    for finding in findings.iter_mut().filter(|finding| !finding.mention) {
        let host = |reference: &str| {
            let host = ImageRef::parse(reference)?.host;
            Some(image::canonical_host(host).into_owned())
        };
        let (old, new) = (host(&finding.old), finding.new.as_deref().and_then(host));
        let (Some(old), Some(new)) = (old, new) else {
            continue;
        };
        if old == new || secrets.iter().any(|secret| secret.serves(&new)) {
            continue;
        }
        let left = secrets.iter().filter(|secret| secret.serves(&old));
        finding
            .notes
            .extend(left.map(|PullSecret { name, location, .. }| {
            format!(
                "the pull secret {name} ({location}) has credentials for {old}, but none for {new}"
            )
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts_of(text: &str) -> Vec<String> {
        let secrets = read(Path::new("a.yaml"), text, file_type::standard_input());
        secrets
            .into_iter()
            .flat_map(|secret| secret.hosts)
            .collect()
    }

    #[test]
    fn hosts_are_read_and_nothing_else() {
        let config =
            r#"{"auths":{"https://index.docker.io/v1/":{"auth":"c2VjcmV0"},"q.io/team":{}}}"#;
        let coded = STANDARD.encode(config);
        for text in [
            format!(
                "kind: Secret\nmetadata: {{name: a}}\nstringData:\n  .dockerconfigjson: '{config}'\n"
            ),
            format!("kind: Secret\ndata:\n  .dockerconfigjson: {coded}\n"),
            format!(
                "kind: Secret\ndata:\n  .dockerconfigjson: |\n    {}\n    {}\n",
                &coded[..20],
                &coded[20..]
            ),
        ] {
            assert_eq!(hosts_of(&text), ["docker.io", "q.io"], "{text}");
            let secrets = format!(
                "{:?}",
                read(Path::new("a"), &text, file_type::standard_input())
            );
            assert!(!secrets.contains("c2VjcmV0"), "{secrets}");
        }
        let old = "kind: Secret\nstringData: {.dockercfg: '{\"a.io\": {}}'}\n";
        assert_eq!(hosts_of(old), ["a.io"]);
        for none in [
            "kind: ConfigMap\nstringData: {.dockercfg: '{\"a.io\": {}}'}\n",
            "kind: Secret\ndata: {.dockerconfigjson: '{{ .Values.auth }}'}\n",
            "kind: Secret\ndata: {.dockerconfigjson: 'ENC[AES256]'}\n",
            "kind: Secret\nstringData: {.dockerconfigjson: '[]'}\n",
            "kind: Secret\ndata: [.dockerconfigjson]\n",
        ] {
            assert_eq!(hosts_of(none), Vec::<String>::new(), "{none}");
        }
    }

    #[test]
    fn hosts_with_globs() {
        let secret = PullSecret {
            name: String::new(),
            location: String::new(),
            hosts: BTreeSet::from(["*.azurecr.io".to_owned(), "q.io".to_owned()]),
        };
        assert!(secret.serves("a.azurecr.io") && secret.serves("q.io"));
        assert!(!secret.serves(".azurecr.io") && !secret.serves("x.q.io"));
    }
}
