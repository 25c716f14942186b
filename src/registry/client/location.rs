//! Where to query an image: a repository on a registry, and a tag or digest.

use std::fmt;

use crate::image::{self, DOCKER_HUB, ImageRef};

/// The API host of Docker Hub; `docker.io` is its website.
const DOCKER_HUB_API: &str = "registry-1.docker.io";

/// A repository of a registry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Repository {
    /// `host[:port]` as in references and credentials; Docker Hub is `docker.io`.
    pub registry: String,
    /// The path below the registry: `library/nginx`.
    pub name: String,
}

impl Repository {
    /// `host[:port]` of the API.
    pub fn api(&self) -> &str {
        match self.registry.as_str() {
            DOCKER_HUB => DOCKER_HUB_API,
            host => host,
        }
    }

    /// Returns what follows `above` in `full`, if `above` ends at the end of a segment.
    fn below<'s>(&'s self, full: &'s str, above: &str) -> Option<&'s str> {
        let rest = full.strip_prefix(above)?;
        (rest.is_empty() || rest.starts_with('/')).then_some(rest)
    }

    /// Returns the repository at its mirror, or itself if no mirror is set. The longest matching name wins.
    #[must_use]
    pub fn through(&self, mirrors: &[Mirror]) -> Self {
        let full = self.to_string();
        let mirror = mirrors
            .iter()
            .filter_map(|mirror| Some((mirror, self.below(&full, &mirror.from)?)))
            .max_by_key(|(mirror, _)| mirror.from.len());
        let Some((mirror, rest)) = mirror else {
            return self.clone();
        };
        let (registry, path) = mirror.to.split_once('/').unwrap_or((&mirror.to, ""));
        let name = format!("{path}{rest}");
        Self {
            registry: registry.to_owned(),
            name: name.trim_start_matches('/').to_owned(),
        }
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.registry, self.name)
    }
}

/// A location that is queried instead of another: `--registry-mirror OLD=NEW`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// `host[/path]`, canonical.
    from: String,
    to: String,
}

impl Mirror {
    /// Parses `OLD=NEW`.
    ///
    /// # Errors
    /// If one side is not a location; the message says which.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (from, to) = text
            .split_once('=')
            .ok_or("write it as OLD=NEW, like `docker.io=mirror.example.com/hub`")?;
        Ok(Self {
            from: prefix(from)?,
            to: prefix(to)?,
        })
    }
}

/// Parses `host[/path]` into its canonical spelling.
fn prefix(text: &str) -> Result<String, String> {
    let name = text.trim_end_matches('/');
    let (host, path) = name.split_once('/').unwrap_or((name, ""));
    let whole = match path {
        "" => format!("{host}/x"),
        path => format!("{host}/{path}"),
    };
    match ImageRef::parse(&whole) {
        Some(image)
            if image.host == Some(host) && image.tag.is_none() && image.digest.is_none() =>
        {
            let host = image::canonical_host(Some(host));
            Ok(match path {
                "" => host.into_owned(),
                path => format!("{host}/{path}"),
            })
        }
        _ => Err(format!(
            "`{text}` is not a registry with or without a path, like `mirror.example.com/hub`"
        )),
    }
}

/// An image: a repository, and a tag or digest in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    pub repository: Repository,
    /// The digest if the reference has one, because that is what is pulled; otherwise the tag.
    pub reference: String,
}

impl Location {
    /// Parses a reference as manifests spell it. Without a tag and a digest, the tag is `latest`.
    ///
    /// # Errors
    /// If the text is not an image reference.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.strip_prefix("oci://").unwrap_or(text);
        let image = ImageRef::parse(text).ok_or("it is not an image reference")?;
        let full = image::canonical(image.host, image.path);
        let (registry, name) = full.split_once('/').unwrap_or((&full, ""));
        let reference = image.digest.or(image.tag).unwrap_or("latest");
        Ok(Self {
            repository: Repository {
                registry: registry.to_owned(),
                name: name.to_owned(),
            },
            reference: reference.to_owned(),
        })
    }

    /// The digest, if the reference has one.
    pub fn digest(&self) -> Option<&str> {
        Some(self.reference.as_str()).filter(|reference| reference.contains(':'))
    }
}

impl fmt::Display for Location {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.digest().is_some() { '@' } else { ':' };
        write!(out, "{}{mark}{}", self.repository, self.reference)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_located() {
        let digest = format!("sha256:{}", "0".repeat(64));
        for (text, expected) in [
            ("nginx", "docker.io/library/nginx:latest"),
            (
                "index.docker.io/bitnami/redis:7",
                "docker.io/bitnami/redis:7",
            ),
            ("K8S.gcr.io/pause:3.1", "k8s.gcr.io/pause:3.1"),
            ("localhost:5000/a/b:1", "localhost:5000/a/b:1"),
            (
                "oci://ghcr.io/org/charts/app:1.2.3",
                "ghcr.io/org/charts/app:1.2.3",
            ),
        ] {
            assert_eq!(Location::parse(text).unwrap().to_string(), expected);
        }
        let pinned = Location::parse(&format!("quay.io/a/b:1@{digest}")).unwrap();
        assert_eq!(pinned.to_string(), format!("quay.io/a/b@{digest}"));
        assert_eq!(pinned.digest(), Some(digest.as_str()));
        assert!(Location::parse("k8s.gcr.io/{{ .Values.image }}").is_err());
        assert_eq!(
            Location::parse("nginx").unwrap().repository.api(),
            DOCKER_HUB_API
        );
    }

    #[test]
    fn mirrors_take_whole_segments_and_the_longest_wins() {
        let mirrors = [
            "docker.io=m.io/hub",
            "docker.io/bitnami=m.io",
            "gcr.io=localhost:5000",
        ];
        let mirrors: Vec<Mirror> = mirrors
            .iter()
            .map(|text| Mirror::parse(text).unwrap())
            .collect();
        for (text, expected) in [
            ("nginx", "m.io/hub/library/nginx"),
            ("bitnami/redis", "m.io/redis"),
            ("bitnamilegacy/redis", "m.io/hub/bitnamilegacy/redis"),
            ("gcr.io/a/b", "localhost:5000/a/b"),
            ("k8s.gcr.io/a", "k8s.gcr.io/a"),
        ] {
            let repository = Location::parse(text).unwrap().repository;
            assert_eq!(repository.through(&mirrors).to_string(), expected);
        }
    }

    #[test]
    fn mirrors_that_are_none() {
        for text in [
            "",
            "docker.io",
            "docker.io=",
            "=m.io",
            "a=b",
            "docker.io=m.io/a:1",
            "docker.io=https://m.io",
        ] {
            assert!(Mirror::parse(text).is_err(), "{text}");
        }
    }
}
