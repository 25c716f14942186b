//! Where an image is asked for: the host whose API it is, the repository there, and a tag or a digest.

use std::fmt;

use crate::image::{self, DOCKER_HUB, ImageRef};

/// The host of Docker Hub's API: `docker.io` itself is a web page.
const DOCKER_HUB_API: &str = "registry-1.docker.io";

/// A repository of a registry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Repository {
    /// `host[:port]` as references and credentials name it; Docker Hub is `docker.io`.
    pub registry: String,
    /// The path below it: `library/nginx`.
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

    /// Whether the text is this repository or what lies above it, by whole segments.
    fn below<'s>(&'s self, full: &'s str, above: &str) -> Option<&'s str> {
        let rest = full.strip_prefix(above)?;
        (rest.is_empty() || rest.starts_with('/')).then_some(rest)
    }

    /// The same repository at the mirror that is set for it, if one is. The longest name wins.
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

/// Another location that is asked instead: `--registry-mirror OLD=NEW`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// `host[/path]`, canonical.
    from: String,
    to: String,
}

impl Mirror {
    /// # Errors
    /// Says which side is no location.
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

/// `host[/path]` in canonical spelling.
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

/// An image: a repository, and what is meant in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    pub repository: Repository,
    /// A tag, or a digest where the reference has one: that is what is pulled then.
    pub reference: String,
}

impl Location {
    /// A reference as manifests have it; without a tag and a digest, `latest` is meant.
    ///
    /// # Errors
    /// Where the text is no image reference.
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

    /// The digest that is asked for, if the reference has one.
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
