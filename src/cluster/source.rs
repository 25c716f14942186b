//! The source from which an object of Flux or Argo CD takes other objects: a repository, a path in it, a chart.
//!
//! Reads only those objects; makes no requests.

use std::collections::HashMap;

use serde_json::Value;

use super::chart::Chart;
use super::identity::Identity;

/// The location of the files that produce objects of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Location {
    /// A URL, without a user or a password.
    pub repository: String,
    pub revision: String,
    pub path: String,
    /// The chart at that location.
    pub chart: Option<Chart>,
}

impl Location {
    /// Returns the known parts, like `github.com/example/platform, path apps/dns, main`.
    pub fn shown(&self) -> String {
        let chart = self
            .chart
            .as_ref()
            .map(|chart| format!("chart {}", chart.shown()));
        let path = (!self.path.is_empty()).then(|| format!("path {}", self.path));
        let known = |text: &String| (!text.is_empty()).then(|| text.clone());
        let repository = known(&self.repository).map(|url| {
            let short = url.strip_prefix("https://").unwrap_or(&url).to_owned();
            short.strip_suffix(".git").unwrap_or(&short).to_owned()
        });
        let revision = known(&self.revision).filter(|_| chart.is_none());
        let parts = [chart, repository, path, revision];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// The source of an object of Flux or Argo CD, as it names it.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// An Argo CD application: its source, and the objects that it made.
    Application(Location, Vec<Identity>),
    /// A Kustomization or HelmRelease: the object with its source, and the location in that.
    Refers(Identity, Location),
    /// A repository of Flux.
    Repository(Location),
}

const ARGO: &str = "argoproj.io";
const SOURCES: &str = "source.toolkit.fluxcd.io";

impl Source {
    pub(super) fn of(value: &Value, identity: &Identity) -> Option<Self> {
        let spec = value.get("spec")?;
        match (identity.group.as_str(), identity.kind.as_str()) {
            (ARGO, "Application") => Some(Self::Application(
                of_application(spec),
                resources(value).unwrap_or_default(),
            )),
            ("kustomize.toolkit.fluxcd.io", "Kustomization") => {
                let refers = reference(spec.get("sourceRef")?, identity)?;
                let path = text(spec, "path").trim_start_matches("./").to_owned();
                let location = Location {
                    path,
                    ..Location::default()
                };
                Some(Self::Refers(refers, location))
            }
            ("helm.toolkit.fluxcd.io", "HelmRelease") => of_release(spec, identity),
            (SOURCES, _) => Some(Self::Repository(Location {
                repository: without_user(text(spec, "url")),
                revision: revision(spec),
                ..Location::default()
            })),
            _ => None,
        }
    }

    /// Returns the location, completed with that of the repository that it refers to.
    pub(super) fn location(&self, all: &HashMap<Identity, Source>) -> Location {
        match self {
            Self::Application(location, _) | Self::Repository(location) => location.clone(),
            Self::Refers(identity, location) => {
                let known = all.get(identity);
                let Some(Self::Repository(repository)) = known else {
                    return location.clone();
                };
                Location {
                    path: location.path.clone(),
                    chart: location.chart.clone(),
                    ..repository.clone()
                }
            }
        }
    }
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn of_application(spec: &Value) -> Location {
    let first = || {
        spec.get("sources")?
            .as_array()?
            .iter()
            .max_by_key(|one| one.get("chart").is_some())
    };
    let Some(source) = spec.get("source").or_else(first) else {
        return Location::default();
    };
    let revision = text(source, "targetRevision").to_owned();
    let chart = source.get("chart").and_then(Value::as_str);
    Location {
        repository: without_user(text(source, "repoURL")),
        path: text(source, "path").to_owned(),
        chart: chart.map(|name| Chart {
            name: name.to_owned(),
            version: revision.clone(),
        }),
        revision,
    }
}

/// Returns the objects that an application made, according to its status.
fn resources(value: &Value) -> Option<Vec<Identity>> {
    let resources = value.pointer("/status/resources")?.as_array()?;
    let identity = |one: &Value| Identity {
        namespace: text(one, "namespace").to_owned(),
        kind: text(one, "kind").to_owned(),
        name: text(one, "name").to_owned(),
        group: text(one, "group").to_owned(),
    };
    Some(resources.iter().map(identity).collect())
}

fn of_release(spec: &Value, identity: &Identity) -> Option<Source> {
    if let Some(reference_to_chart) = spec.get("chartRef") {
        let refers = reference(reference_to_chart, identity)?;
        return Some(Source::Refers(refers, Location::default()));
    }
    let chart = spec.pointer("/chart/spec")?;
    let refers = reference(chart.get("sourceRef")?, identity)?;
    let location = Location {
        chart: Some(Chart {
            name: text(chart, "chart").to_owned(),
            version: text(chart, "version").to_owned(),
        }),
        ..Location::default()
    };
    Some(Source::Refers(refers, location))
}

fn reference(reference: &Value, from: &Identity) -> Option<Identity> {
    let namespace = match text(reference, "namespace") {
        "" => &from.namespace,
        other => other,
    };
    Some(Identity {
        namespace: namespace.to_owned(),
        kind: reference.get("kind")?.as_str()?.to_owned(),
        name: reference.get("name")?.as_str()?.to_owned(),
        group: SOURCES.to_owned(),
    })
}

/// Returns a branch, a tag, a version range or a commit.
fn revision(spec: &Value) -> String {
    let Some(reference) = spec.get("ref") else {
        return String::new();
    };
    let ways = ["commit", "tag", "semver", "name", "branch", "digest"];
    let found = ways
        .iter()
        .map(|way| text(reference, way))
        .find(|text| !text.is_empty());
    found.unwrap_or_default().to_owned()
}

/// Removes the user from a URL, which may contain a token that must not be shown.
pub(super) fn without_user(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let end = rest.find('/').unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_token_is_shown() {
        for (url, expected) in [
            (
                "https://x:secret@github.com/a/b.git",
                "https://github.com/a/b.git",
            ),
            ("https://secret@github.com", "https://github.com"),
            ("https://github.com/a@b", "https://github.com/a@b"),
            ("git@github.com:a/b.git", "git@github.com:a/b.git"),
        ] {
            assert_eq!(without_user(url), expected);
        }
    }
}
