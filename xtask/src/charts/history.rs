//! The versions of the charts of a repository, and the commits that contain them.

use std::collections::BTreeMap;

use regfix::version::Version;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::Fault;
use crate::git::Git;

/// A version of a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    pub chart: String,
    pub version: String,
    pub commit: String,
    /// The day of the commit, `YYYY-MM-DD`.
    pub date: String,
    /// The folder of the chart, without a trailing slash.
    pub path: String,
}

impl Release {
    /// Returns chart and version. Helm reads `v1.2.3` as `1.2.3`, and a branch may have one spelling and the tag the other.
    fn key(&self) -> (String, String) {
        let version = self.version.trim_start_matches('v');
        (self.chart.clone(), version.to_owned())
    }
}

/// The fields that a `Chart.yaml` needs for a release.
#[derive(Deserialize)]
struct Head {
    name: String,
    version: serde_yaml::Value,
}

/// Parses the first document of a file; Helm reads no further.
pub fn first_document<T: DeserializeOwned>(text: &str) -> Option<T> {
    let document = serde_yaml::Deserializer::from_str(text).next()?;
    T::deserialize(document).ok()
}

/// The index of charts that a repository publishes from its own branch.
#[derive(Deserialize)]
struct Index {
    entries: BTreeMap<String, Vec<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    version: String,
}

/// The versions in an [`Index`], by chart, lowest first; empty if there is no such branch.
pub struct Published(BTreeMap<String, Vec<Version>>);

impl Published {
    pub fn new(git: &mut Git) -> Result<Self, Fault> {
        for branch in ["refs/heads/gh-pages", "refs/remotes/origin/gh-pages"] {
            let text = git.text(&format!("{branch}:index.yaml"))?;
            let index = text.and_then(|text| first_document::<Index>(&text));
            if let Some(Index { entries }) = index {
                let sorted = |all: Vec<Entry>| {
                    let read = all.iter().filter_map(|one| Version::parse(&one.version));
                    // 0.0.0 is the version of a chart before its first release, so it does not show when the index began.
                    let released = read.filter(|version| version.numbers() != [0; 3]);
                    let mut versions: Vec<Version> = released.collect();
                    versions.sort();
                    versions
                };
                let charts = entries.into_iter();
                return Ok(Self(
                    charts.map(|(chart, all)| (chart, sorted(all))).collect(),
                ));
            }
        }
        Ok(Self(BTreeMap::new()))
    }

    /// Whether the version may have been published. An index may start late, and may lack the newest releases. But a
    /// version between two others of the chart that it does not list under any name was never published.
    pub fn may_have(&self, chart: &str, version: &Version) -> bool {
        let of_chart = self.0.get(chart).map(Vec::as_slice).unwrap_or_default();
        let is_between = of_chart.first().is_some_and(|first| first < version)
            && of_chart.last().is_some_and(|last| version < last);
        !is_between
            || self
                .0
                .values()
                .any(|all| all.binary_search(version).is_ok())
    }
}

/// Folders with charts that are not published.
const NOT_PUBLISHED: [&str; 12] = [
    "testdata", "test", "tests", "e2e", "example", "examples", "docs", ".github", "fixtures",
    "hack", "sample", "samples",
];

/// Repositories that package charts with the version of the tag, whatever `Chart.yaml` says.
const VERSION_OF_TAG: [&str; 2] = ["kubernetes-sigs/node-feature-discovery", "rook/rook"];

/// Versions on a branch that are replaced by the tag or when the chart is packaged.
const PLACEHOLDERS: [&str; 5] = ["0.0.0", "0.0.1", "0.1.0", "0.1.1", "1.0.0"];

/// Returns every version of every chart of `owner/name`, as its tag has it, or else the first commit.
pub fn releases(git: &mut Git, name: &str) -> Result<Vec<Release>, Fault> {
    let mut found: BTreeMap<(String, String), (Release, bool)> = BTreeMap::new();
    let log = git.run(&[
        "log",
        "--first-parent",
        "--reverse",
        "-m",
        "--format=@%H %cs",
        "--name-only",
        "HEAD",
        "--",
        "Chart.yaml",
        "*/Chart.yaml",
    ])?;
    let mut commit = None;
    for line in log.lines() {
        if let Some(head) = line.strip_prefix('@') {
            commit = head.split_once(' ');
        } else if let (Some((commit, date)), true) = (commit, is_published(line)) {
            let release = release(git, commit, date, line)?;
            if let Some(release) = release {
                found.entry(release.key()).or_insert((release, false));
            }
        }
    }
    let mut paths: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (release, _) in found.values() {
        let all = paths.entry(release.chart.clone()).or_default();
        if !all.contains(&release.path) {
            all.push(release.path.clone());
        }
    }
    let format = "--format=%(refname:short) %(objectname) %(*objectname) | %(committerdate:short)%(*committerdate:short)";
    for line in git.run(&["for-each-ref", format, "refs/tags"])?.lines() {
        let Some((head, date)) = line.split_once(" | ") else {
            continue;
        };
        let words: Vec<&str> = head.split_whitespace().collect();
        let (Some(tag), Some(commit)) = (words.first(), words.last()) else {
            continue;
        };
        if let Some((chart, version)) = named_by(tag) {
            // A tag without a chart name belongs to every chart that has the version there.
            let candidates = paths
                .iter()
                .filter(|(own, _)| chart.is_empty() || *own == chart);
            for path in candidates.flat_map(|(_, paths)| paths) {
                let file = file_in(path);
                if let Some(mut release) = release(git, commit, date, &file)? {
                    let own = release.version.trim_start_matches('v');
                    let is_placeholder = PLACEHOLDERS.contains(&own) || own.ends_with("-dev");
                    if !chart.is_empty() && is_placeholder || VERSION_OF_TAG.contains(&name) {
                        version.clone_into(&mut release.version);
                    }
                    let same = release.version.trim_start_matches('v') == version;
                    let tagged = found.get(&release.key()).is_some_and(|(_, tagged)| *tagged);
                    if same && !tagged {
                        found.insert(release.key(), (release, true));
                    }
                }
            }
        }
    }
    Ok(found.into_values().map(|(release, _)| release).collect())
}

fn file_in(path: &str) -> String {
    match path {
        "" => "Chart.yaml".to_owned(),
        path => format!("{path}/Chart.yaml"),
    }
}

/// Whether a `Chart.yaml` belongs to a chart that is published on its own.
fn is_published(path: &str) -> bool {
    let folders: Vec<&str> = path.split('/').rev().skip(1).collect();
    let charts = folders.iter().filter(|folder| **folder == "charts").count();
    !folders.iter().any(|folder| NOT_PUBLISHED.contains(folder)) && charts < 2
}

fn release(git: &mut Git, commit: &str, date: &str, file: &str) -> Result<Option<Release>, Fault> {
    let Some(text) = git.text(&format!("{commit}:{file}"))? else {
        return Ok(None);
    };
    let Some(Head { name, version }) = first_document(&text) else {
        return Ok(None);
    };
    let version = match version {
        serde_yaml::Value::String(version) => version,
        _ => return Ok(None),
    };
    Ok(Some(Release {
        chart: name,
        version: version.trim().to_owned(),
        commit: commit.to_owned(),
        date: date.to_owned(),
        path: file
            .strip_suffix("Chart.yaml")
            .unwrap_or_default()
            .trim_end_matches('/')
            .to_owned(),
    }))
}

/// Splits a tag such as `app-1.2.3` or `app/v1.2.3` into chart and version. The chart is empty for `v1.2.3`.
fn named_by(tag: &str) -> Option<(&str, &str)> {
    let digits = tag.match_indices(|letter: char| letter.is_ascii_digit());
    let mut starts = digits.map(|(at, _)| at);
    let start = starts.find(|start| {
        let before = tag[..*start].trim_end_matches('v');
        let rest = &tag[*start..];
        (before.is_empty() || before.ends_with(['-', '/', '_', '@']))
            && rest
                .split(['-', '+'])
                .next()
                .is_some_and(|core| core.matches('.').count() == 2)
    })?;
    let chart = tag[..start]
        .trim_end_matches('v')
        .trim_end_matches(['-', '/', '_', '@']);
    let chart = chart.rsplit('/').next().unwrap_or(chart);
    let chart = chart
        .trim_end_matches("-helm-chart")
        .trim_end_matches("-chart");
    let chart = chart.trim_start_matches("helm-chart-");
    Some((
        if ["helm", "chart", "helm-chart"].contains(&chart) {
            ""
        } else {
            chart
        },
        &tag[start..],
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_ends_with_its_document() {
        let head: Head = first_document("---\nname: app\nversion: 0.0.11\n---\n").unwrap();
        assert_eq!(head.name, "app");
        assert_eq!(head.version.as_str(), Some("0.0.11"));
        assert!(first_document::<Head>("name: [\n").is_none());
        assert!(first_document::<Head>("").is_none());
    }

    #[test]
    fn tags_name_charts_and_versions() {
        for (tag, expected) in [
            ("app-1.2.3", Some(("app", "1.2.3"))),
            ("app-v2-1.2.3-rc.1", Some(("app-v2", "1.2.3-rc.1"))),
            ("charts/app/v1.2.3", Some(("app", "1.2.3"))),
            ("v1.2.3", Some(("", "1.2.3"))),
            ("helm-chart-1.2.3", Some(("", "1.2.3"))),
            ("app-chart-1.2.3", Some(("app", "1.2.3"))),
            ("helm-chart-app-1.2.3", Some(("app", "1.2.3"))),
            ("latest", None),
            ("v1.2", None),
        ] {
            assert_eq!(named_by(tag), expected, "{tag}");
        }
    }

    #[test]
    fn charts_that_nobody_publishes_are_left_out() {
        for (path, expected) in [
            ("Chart.yaml", true),
            ("charts/app/Chart.yaml", true),
            ("charts/app/charts/sub/Chart.yaml", false),
            ("charts/app/tests/Chart.yaml", false),
            ("test/app/Chart.yaml", false),
        ] {
            assert_eq!(is_published(path), expected, "{path}");
        }
    }
}
