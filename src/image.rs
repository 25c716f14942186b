//! The grammar of image references, as the distribution project defines it.
//!
//! Knows nothing of YAML and of rules. The grammar and the rule for what counts as a host are those of
//! `reference.go` and `normalize.go` in <https://github.com/distribution/reference>.

use std::borrow::Cow;

use crate::source::Span;

/// The host that a reference without one is pulled from.
pub const DOCKER_HUB: &str = "docker.io";

/// `[host[:port]/]path[:tag][@digest]`: the pieces as written, nothing normalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageRef<'t> {
    pub host: Option<&'t str>,
    pub path: &'t str,
    pub tag: Option<&'t str>,
    pub digest: Option<&'t str>,
}

impl<'t> ImageRef<'t> {
    /// Parses a reference. `None` if the text does not follow the grammar, which allows no upper-case letters in a path.
    pub fn parse(text: &'t str) -> Option<Self> {
        let (named, digest) = match text.split_once('@') {
            Some((named, digest)) => (named, Some(digest)),
            None => (text, None),
        };
        let (name, tag) = match named.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (named, None),
        };
        let (host, path) = split_host(name);
        let good = path.split('/').all(is_path_component)
            && host.is_none_or(is_host)
            && tag.is_none_or(is_tag)
            && digest.is_none_or(is_digest)
            && path.len() + host.map_or(0, |host| host.len() + 1) <= 255
            && !(host.is_none() && is_hex_64(path));
        good.then_some(Self {
            host,
            path,
            tag,
            digest,
        })
    }

    /// Returns the span of host and path in the text that was parsed.
    pub fn name_span(&self) -> Span {
        Span::new(
            0,
            self.path.len() + self.host.map_or(0, |host| host.len() + 1),
        )
    }
}

/// Returns a reference without tag and digest.
pub fn name_of(reference: &str) -> &str {
    let name = reference.split('@').next().unwrap_or(reference);
    match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => name,
    }
}

/// Whether a reference has a tag or a digest.
pub fn is_tagged(reference: &str) -> bool {
    let last = reference.rsplit('/').next().unwrap_or_default();
    last.contains([':', '@'])
}

/// Splits a name at its first slash if what is before it is a host: it has a dot or a colon, is
/// `localhost`, or has an upper-case letter.
pub fn split_host(name: &str) -> (Option<&str>, &str) {
    match name.split_once('/') {
        Some((first, rest)) if looks_like_host(first) => (Some(first), rest),
        _ => (None, name),
    }
}

fn looks_like_host(text: &str) -> bool {
    text == "localhost"
        || text
            .bytes()
            .any(|byte| byte == b'.' || byte == b':' || byte.is_ascii_uppercase())
}

/// Returns a name with its host and Docker Hub's `library/` written out: `nginx` is `docker.io/library/nginx`.
/// Every spelling of Docker Hub becomes `docker.io`.
pub fn canonical(host: Option<&str>, path: &str) -> String {
    let host = canonical_host(host);
    if host == DOCKER_HUB && !path.contains('/') && !path.is_empty() {
        format!("{host}/library/{path}")
    } else {
        format!("{host}/{path}")
    }
}

/// Returns the canonical form of a host: in lower case, without the default port, and `docker.io` for any name of Docker Hub.
pub fn canonical_host(host: Option<&str>) -> Cow<'_, str> {
    match host {
        None
        | Some("" | "index.docker.io" | "registry-1.docker.io" | "registry.hub.docker.com") => {
            Cow::Borrowed(DOCKER_HUB)
        }
        Some(host) if host.bytes().any(|byte| byte.is_ascii_uppercase()) => {
            let lower = host.to_ascii_lowercase();
            Cow::Owned(canonical_host(Some(&lower)).into_owned())
        }
        // The default port.
        Some(host) => host
            .strip_suffix(":443")
            .map_or(Cow::Borrowed(host), |host| canonical_host(Some(host))),
    }
}

/// Whether a text is a host name with at least one dot, or `localhost`, with or without a port.
pub fn is_registry_host(text: &str) -> bool {
    let name = text.split_once(':').map_or(text, |(name, _)| name);
    (name.contains('.') || name == "localhost") && is_host(text)
}

/// Whether a name is an account of a registry that has no images outside of accounts: `gcr.io/acme`.
pub fn is_account(text: &str) -> bool {
    let Some((host, account)) = text.trim_end_matches('/').split_once('/') else {
        return false;
    };
    let host = canonical_host(Some(host));
    let has_accounts = matches!(&*host, "quay.io" | "ghcr.io" | "gcr.io")
        // `us.gcr.io` is Google's; `k8s.gcr.io` has images at its root.
        || matches!(&*host, "us.gcr.io" | "eu.gcr.io" | "asia.gcr.io");
    has_accounts && !account.is_empty() && !account.contains('/')
}

fn is_host(text: &str) -> bool {
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (text, None),
    };
    let port_fits =
        port.is_none_or(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()));
    port_fits && (is_ipv6(name) || name.split('.').all(is_host_label))
}

fn is_ipv6(text: &str) -> bool {
    let inner = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    inner.is_some_and(|inner| {
        !inner.is_empty()
            && inner
                .bytes()
                .all(|byte| byte.is_ascii_hexdigit() || byte == b':')
    })
}

fn is_host_label(label: &str) -> bool {
    !label.is_empty()
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Whether a text is `[a-z0-9]+` joined by one dot, one or two underscores, or any number of dashes.
fn is_path_component(component: &str) -> bool {
    let alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = component.as_bytes();
    let framed = bytes.first().is_some_and(alphanumeric) && bytes.last().is_some_and(alphanumeric);
    framed
        && bytes
            .chunk_by(|one, other| alphanumeric(one) == alphanumeric(other))
            .filter(|run| !alphanumeric(&run[0]))
            .all(|run| {
                run == b"." || run == b"_" || run == b"__" || run.iter().all(|byte| *byte == b'-')
            })
}

/// Whether a text is a word character, followed by at most 127 word characters, dots and dashes.
pub fn is_tag(tag: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    tag.len() <= 128
        && tag.bytes().next().is_some_and(word)
        && tag
            .bytes()
            .all(|byte| word(byte) || byte == b'.' || byte == b'-')
}

fn is_digest(digest: &str) -> bool {
    let Some((algorithm, hex)) = digest.split_once(':') else {
        return false;
    };
    let algorithm_fits = algorithm.split(['+', '.', '-', '_']).all(|part| {
        part.bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_alphabetic())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    algorithm_fits && hex.len() >= 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_hex_64(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Pieces<'t> = (Option<&'t str>, &'t str, Option<&'t str>, Option<&'t str>);

    #[track_caller]
    fn check(text: &str, expected: Option<Pieces<'_>>) {
        let parsed = ImageRef::parse(text);
        let pieces = parsed.map(|image| (image.host, image.path, image.tag, image.digest));
        assert_eq!(pieces, expected, "{text}");
    }

    #[test]
    fn the_pieces_of_references() {
        let digest = "sha256:7df76a0f0a17294e86f691c81de6bbb7c04a1b4b3d4ea4e7e2cccdc42e1f6d63";
        check("nginx", Some((None, "nginx", None, None)));
        check(
            "bitnami/redis:7.2.4",
            Some((None, "bitnami/redis", Some("7.2.4"), None)),
        );
        check(
            "k8s.gcr.io/pause:3.1",
            Some((Some("k8s.gcr.io"), "pause", Some("3.1"), None)),
        );
        check(
            "localhost/foo",
            Some((Some("localhost"), "foo", None, None)),
        );
        check(
            "localhost:5000/a/b",
            Some((Some("localhost:5000"), "a/b", None, None)),
        );
        check("[::1]:5000/a", Some((Some("[::1]:5000"), "a", None, None)));
        check("UPPER/foo", Some((Some("UPPER"), "foo", None, None)));
        check(
            "gcr.io/google_containers/a",
            Some((Some("gcr.io"), "google_containers/a", None, None)),
        );
        check("a/b__c---d.e", Some((None, "a/b__c---d.e", None, None)));
        let pinned = format!("q.io/a:1@{digest}");
        check(&pinned, Some((Some("q.io"), "a", Some("1"), Some(digest))));
    }

    #[test]
    fn what_is_no_reference() {
        let long_tag = format!("a:{}", "t".repeat(129));
        let long_name = format!("q.io/{}", "a".repeat(251));
        for text in [
            "",
            "/a",
            "a/",
            "a//b",
            "a b",
            "k8s.gcr.io/",
            "k8s.gcr.io/*",
            "^k8s.gcr.io/pause:.+$",
            "k8s.gcr.io/Pause",
            "a:",
            "a:-1",
            "a@sha256:12",
            "https://k8s.gcr.io/pause",
            "a..b",
            "a_._b",
            "a___b",
            "-a",
            "k8s.gcr.io/pause:1:2",
            &long_tag,
            &long_name,
            &"a".repeat(64),
        ] {
            check(text, None);
        }
    }

    #[test]
    fn docker_hub_has_one_canonical_spelling() {
        assert_eq!(canonical(None, "vault"), "docker.io/library/vault");
        assert_eq!(
            canonical(Some("index.docker.io"), "bitnami/redis"),
            "docker.io/bitnami/redis"
        );
        assert_eq!(
            canonical(Some("registry-1.docker.io"), "library/vault"),
            "docker.io/library/vault"
        );
        assert_eq!(canonical(Some("quay.io"), "vault"), "quay.io/vault");
    }
}
