//! The versions of public charts that name legacy images by default, and the first version that does not.
//!
//! A lookup in embedded facts (`charts.tsv`), compiled from the histories of chart repositories by `cargo xtask charts`.
//! The answers hold for the defaults of a chart; values can override them. Has no notion of files or documents: the caller
//! has read the repository, the name and the version.

use super::table::{RowFault, Table};
use crate::version::{Range, Version};

/// The table, with a row per chart and rule. The columns are those of `Advisory::parse`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charts(Table);

impl Charts {
    /// The table that is built into regfix.
    pub const EMBEDDED: Self = Self(Table::new(include_str!("charts.tsv")));
}

/// The chart name in a row about every chart of a repository, and the legacy versions in a row about every version.
pub const EVERY: &str = "*";

/// The legacy versions of a chart to which the row about every chart does not apply.
const NEVER: &str = "-";

/// The facts about a chart and a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advisory {
    /// `*` if it is about every chart of its repositories.
    pub chart: &'static str,
    /// Where the chart is published, separated by spaces: `https://…` and `oci://…` without a slash at the end.
    repositories: &'static str,
    /// The rule that applies to what the chart pulls.
    pub rule: &'static str,
    /// The legacy versions, as the first and last of each run: `1.0.0..1.4.2 2.0.0..2.0.3`.
    legacy: &'static str,
    /// The first version after the last legacy one, and the day of its release.
    pub first_clean: Option<&'static str>,
    pub since: Option<&'static str>,
    /// The newest version that was analyzed, if that is known.
    pub newest: Option<&'static str>,
    /// The images that the last legacy version names, separated by commas.
    pub images: &'static str,
    /// The subchart that pulls them, as `name@version`, unless the chart itself does.
    pub subchart: Option<&'static str>,
    /// The value that switches the subchart.
    pub condition: Option<&'static str>,
    /// Whether the subchart is on by default.
    pub enabled: Enabled,
    /// The name under which the chart continues.
    pub renamed_to: Option<&'static str>,
    /// `owner/repository@commit` on GitHub.
    pub evidence: &'static str,
    /// Whether the requested version is known to be legacy, or only lies between versions that are.
    pub certain: bool,
}

/// Whether a release pulls the images by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enabled {
    On,
    Off,
    Unknown,
}

/// The size of the step from the last legacy version to the first clean one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    Patch,
    Minor,
    Major,
}

impl Step {
    /// Returns the step from one version to a later one.
    pub fn between(from: &Version, to: &Version) -> Self {
        let ([major, minor, _], [to_major, to_minor, _]) = (from.numbers(), to.numbers());
        match (to_major > major, to_minor > minor) {
            (true, _) => Self::Major,
            (false, true) => Self::Minor,
            (false, false) => Self::Patch,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Patch => "patch",
            Self::Minor => "minor",
            Self::Major => "major",
        }
    }
}

/// A run of legacy versions.
struct Run {
    first: Version,
    last: Version,
    /// Whether some versions in between are clean, without it being known which.
    has_gaps: bool,
}

impl Advisory {
    pub fn repositories(&self) -> impl Iterator<Item = &'static str> {
        self.repositories.split(' ')
    }

    fn is_in(&self, repository: &str) -> bool {
        let mut repositories = self.repositories();
        repositories.any(|one| one.eq_ignore_ascii_case(repository))
    }

    /// Returns the last legacy version.
    pub fn last_legacy(&self) -> &'static str {
        let last = self.legacy.rsplit("..").next().unwrap_or_default();
        last.trim_end_matches('?')
    }

    /// Returns the step from the last legacy version to the first clean one.
    pub fn step(&self) -> Option<Step> {
        let [from, to] = [Some(self.last_legacy()), self.first_clean]
            .map(|version| version.and_then(Version::parse));
        Some(Step::between(&from?, &to?))
    }

    /// Returns the URL of the source of the facts.
    pub fn source(&self) -> String {
        let (repository, commit) = self.evidence.split_once('@').unwrap_or((self.evidence, ""));
        format!("https://github.com/{repository}/tree/{commit}")
    }

    fn parse(line: &'static str) -> Option<Self> {
        let cells: Vec<&'static str> = line.split('\t').collect();
        let cell = |index: usize| Some(cells[index]).filter(|cell| *cell != "-");
        (cells.len() == COLUMNS).then(|| Self {
            chart: cells[0],
            repositories: cells[1],
            rule: cells[2],
            legacy: cells[3],
            first_clean: cell(4),
            since: cell(5),
            newest: cell(6),
            images: cells[7],
            subchart: cell(8),
            condition: cell(9),
            enabled: match cells[10] {
                "off" => Enabled::Off,
                "unknown" => Enabled::Unknown,
                _ => Enabled::On,
            },
            renamed_to: cell(11),
            evidence: cells[12],
            certain: true,
        })
    }

    /// Whether its versions and its date are valid.
    fn is_sound(&self) -> bool {
        let runs = self.legacy.split(' ').count();
        let is_version =
            |text: Option<&str>| text.is_none_or(|text| Version::parse(text).is_some());
        let is_day = |text: &str| text.parse::<jiff::civil::Date>().is_ok();
        ([EVERY, NEVER].contains(&self.legacy) || self.runs().count() == runs)
            && is_version(self.first_clean)
            && is_version(self.newest)
            && self.since.is_none_or(is_day)
    }

    fn runs(&self) -> impl Iterator<Item = Run> {
        self.legacy.split(' ').filter_map(|run| {
            let (first, last) = run.split_once("..")?;
            Some(Run {
                first: Version::parse(first)?,
                last: Version::parse(last.trim_end_matches('?'))?,
                has_gaps: last.ends_with('?'),
            })
        })
    }

    /// Whether the version is legacy, or everything a range can resolve to. `None` if not; otherwise whether that is certain.
    fn covers(&self, wanted: &Wanted<'_>) -> Option<bool> {
        if self.legacy == EVERY {
            return Some(true);
        }
        match wanted {
            Wanted::Version(version) => {
                let mut runs = self.runs();
                let run = runs.find(|run| run.first <= *version && *version <= run.last)?;
                let at_an_end = *version == run.first || *version == run.last;
                Some(!run.has_gaps || at_an_end)
            }
            Wanted::Range(range) => {
                // Helm picks the highest version that a range admits.
                let clean = self.first_clean.and_then(Version::parse);
                if clean.is_some_and(|clean| range.admits_between(&clean, None)) {
                    return None;
                }
                let runs = self.runs();
                let met: Vec<Run> = runs
                    .filter(|run| range.admits_between(&run.first, Some(&run.last)))
                    .collect();
                let last = met.last()?;
                Some(met.len() == 1 && !last.has_gaps || range.admits(&last.last))
            }
        }
    }
}

const COLUMNS: usize = 13;

enum Wanted<'v> {
    Version(Version),
    Range(Range<'v>),
}

impl Charts {
    /// Reads another table with the same columns.
    ///
    /// # Errors
    /// The first invalid row, and what is wrong with it.
    pub(super) fn read(text: &'static str) -> Result<Self, RowFault> {
        let is_sound = |line| Advisory::parse(line).is_some_and(|row| row.is_sound());
        let table = Table::read(text, COLUMNS)?;
        table.of_sound(is_sound, "a version or a day").map(Self)
    }

    /// Returns the number of charts in the table.
    pub fn count(self) -> usize {
        let lines = self.0.lines();
        let mut names: Vec<&str> = lines.filter_map(|line| line.split('\t').next()).collect();
        names.dedup();
        names.len()
    }

    /// Returns the advisories for a version of a chart, one per rule.
    ///
    /// `repository` is the URL that a document names, `https://` or `oci://`, with or without the chart's name at its end. If
    /// it is `None`, every repository with a chart of this name counts. `version` is a version or a range in Helm's syntax. A
    /// range is legacy only if it admits no clean version. An empty version is not legacy, because Helm would pick the
    /// newest.
    pub fn advisories(self, repository: Option<&str>, chart: &str, version: &str) -> Vec<Advisory> {
        let version = version.trim();
        let wanted = match (Version::exact(version), Range::parse(version)) {
            (Some(version), _) => Wanted::Version(version),
            (None, Some(range)) => Wanted::Range(range),
            (None, None) => return Vec::new(),
        };
        let mut found = self.of_chart(repository, chart);
        found.retain_mut(|advisory| match advisory.covers(&wanted) {
            Some(certain) => {
                advisory.certain = certain;
                true
            }
            None => false,
        });
        found
    }

    /// Returns the advisories for a chart, whatever its version.
    pub fn of_chart(self, repository: Option<&str>, chart: &str) -> Vec<Advisory> {
        let repository = repository.map(|url| normal(url, chart));
        let rows = self.0.rows(chart).filter_map(Advisory::parse);
        let rows = rows.filter(|row| repository.as_ref().is_none_or(|one| row.is_in(one)));
        let own: Vec<Advisory> = rows.collect();
        let of_every = |repository: &String| {
            let every = self.0.rows(EVERY).filter_map(Advisory::parse);
            let every = every.filter(|row| {
                let known = own.iter().any(|one| one.rule == row.rule);
                !known && row.is_in(repository)
            });
            every.collect::<Vec<_>>()
        };
        let every = repository.as_ref().map(of_every).unwrap_or_default();
        let own = own.into_iter().filter(|row| row.legacy != NEVER);
        own.chain(every).collect()
    }

    /// Returns the known repository with the same last path segment as `repository`, which may be an unknown URL or just a
    /// name: probably the one it is, or copies. Considers only repositories with a row about every chart.
    pub fn namesake(self, repository: &str, chart: &str) -> Option<&'static str> {
        if repository.starts_with("file:") {
            return None;
        }
        let url = normal(repository, chart);
        let name = url.rsplit('/').next()?;
        // Helm's alias of a repository.
        let name = name.trim_start_matches('@');
        let name = name.strip_prefix("alias:").unwrap_or(name);
        let every = self.0.rows(EVERY).filter_map(Advisory::parse);
        let mut repositories = every.flat_map(|row| row.repositories.split(' '));
        repositories.find(|one| one.rsplit('/').next() == Some(name))
    }
}

/// Returns the first version after `version` that no advisory covers, and its date.
pub fn first_clean_after(
    advisories: &[Advisory],
    version: &Version,
) -> Option<(&'static str, &'static str)> {
    let clean = advisories.iter().filter_map(|advisory| {
        let text = advisory.first_clean?;
        Some((Version::parse(text)?, (text, advisory.since?)))
    });
    let mut later: Vec<_> = clean.filter(|(clean, _)| clean > version).collect();
    later.sort();
    let mut later = later.into_iter();
    let is_clean = |version: &Version| {
        let wanted = Wanted::Version(version.clone());
        let mut all = advisories.iter();
        all.all(|advisory| advisory.covers(&wanted).is_none())
    };
    later.find_map(|(version, found)| is_clean(&version).then_some(found))
}

/// Normalizes the URL of a repository to the spelling of the table.
fn normal(url: &str, chart: &str) -> String {
    let url = url.trim();
    let url = url.strip_suffix("/index.yaml").unwrap_or(url);
    let url = url.trim_end_matches('/');
    let url = match url.strip_prefix("http://") {
        Some(rest) => format!("https://{rest}"),
        None => url.to_owned(),
    };
    let parent = url.rsplit_once('/').filter(|(_, name)| *name == chart);
    match parent {
        Some((parent, _)) if url.starts_with("oci://") => parent.to_owned(),
        _ => url,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RuleSet;

    const PROMETHEUS: &str = "https://prometheus-community.github.io/helm-charts";

    /// Checks the last legacy version and the first clean one, verified by hand.
    #[test]
    fn boundaries() {
        for (repository, chart, rule, last, clean, date, step) in [
            (
                PROMETHEUS,
                "kube-state-metrics",
                "k8s-gcr-io",
                "4.7.0",
                "4.8.0",
                "2022-06-07",
                Step::Minor,
            ),
            (
                PROMETHEUS,
                "kube-prometheus-stack",
                "k8s-gcr-io",
                "44.2.0",
                "44.2.1",
                "2023-01-16",
                Step::Patch,
            ),
            (
                "https://kubernetes-sigs.github.io/metrics-server",
                "metrics-server",
                "k8s-gcr-io",
                "3.8.3",
                "3.8.4",
                "2023-03-05",
                Step::Patch,
            ),
            (
                "https://kubernetes-sigs.github.io/external-dns",
                "external-dns",
                "k8s-gcr-io",
                "1.12.0",
                "1.12.1",
                "2023-02-06",
                Step::Patch,
            ),
            (
                "https://kubernetes.github.io/ingress-nginx",
                "ingress-nginx",
                "k8s-gcr-io",
                "4.1.3",
                "4.1.4",
                "2022-06-10",
                Step::Patch,
            ),
            (
                "https://kubernetes.github.io/autoscaler",
                "cluster-autoscaler",
                "k8s-gcr-io",
                "9.23.2",
                "9.24.0",
                "2023-02-14",
                Step::Minor,
            ),
            (
                "https://kyverno.github.io/kyverno",
                "kyverno",
                "bitnami-versioned",
                "3.5.0",
                "3.5.1",
                "2025-08-15",
                Step::Patch,
            ),
            (
                "https://argoproj.github.io/argo-helm",
                "argo-cd",
                "bitnami-ecr-public",
                "7.8.18",
                "7.8.19",
                "2025-04-01",
                Step::Patch,
            ),
            (
                "https://metallb.github.io/metallb",
                "metallb",
                "kubebuilder-kube-rbac-proxy",
                "0.15.3",
                "0.16.0",
                "2026-05-20",
                Step::Minor,
            ),
            (
                "https://vmware-tanzu.github.io/helm-charts",
                "velero",
                "bitnamilegacy",
                "11.4.0",
                "12.0.0",
                "2026-03-16",
                Step::Major,
            ),
            (
                "https://kubernetes-sigs.github.io/descheduler",
                "descheduler",
                "k8s-gcr-io",
                "0.25.2",
                "0.26.0",
                "2023-01-13",
                Step::Minor,
            ),
            (
                "https://coredns.github.io/helm",
                "coredns",
                "k8s-gcr-io",
                "1.19.8",
                "1.19.9",
                "2023-03-23",
                Step::Patch,
            ),
            (
                "https://helm.releases.hashicorp.com",
                "vault",
                "vault-official",
                "0.13.0",
                "0.14.0",
                "2021-07-28",
                Step::Minor,
            ),
            (
                "https://kubernetes-sigs.github.io/node-feature-discovery/charts",
                "node-feature-discovery",
                "k8s-gcr-io",
                "0.11.3",
                "0.12.0",
                "2022-12-21",
                Step::Minor,
            ),
        ] {
            let of_rule = |version: &str| {
                let found = Charts::EMBEDDED.advisories(Some(repository), chart, version);
                found.into_iter().find(|one| one.rule == rule)
            };
            let advisory = of_rule(last).unwrap_or_else(|| panic!("{chart} {last}"));
            assert_eq!(
                (advisory.first_clean, advisory.since, advisory.step()),
                (Some(clean), Some(date), Some(step)),
                "{chart}"
            );
            assert!(
                advisory.certain && advisory.last_legacy() == last,
                "{chart}"
            );
            assert!(of_rule(clean).is_none(), "{chart} {clean}");
            assert!(of_rule(&format!("v{last}")).is_some(), "{chart}");
            assert!(of_rule(&format!("={last}")).is_some(), "{chart}");
            assert!(of_rule(&format!("<={last}")).is_some(), "{chart}");
            assert!(of_rule(&format!(">={last}")).is_none(), "{chart}");
            assert!(of_rule("*").is_none() && of_rule("").is_none(), "{chart}");
        }
    }

    #[test]
    fn a_range_is_legacy_only_if_nothing_that_it_admits_is_clean() {
        let found = |range: &str| {
            let found = Charts::EMBEDDED.advisories(Some(PROMETHEUS), "kube-state-metrics", range);
            found.first().map(|one| one.certain)
        };
        for (range, expected) in [
            ("~4.7.0", Some(true)),
            ("4.7.x", Some(true)),
            ("^3.0.0", Some(true)),
            (">=3.0.0, <4.8.0", Some(true)),
            ("^4.0.0", None),
            (">=4.7.0", None),
            ("4.9.x", None),
            ("0.x", None),
            ("latest", None),
            ("not a version", None),
        ] {
            assert_eq!(found(range), expected, "{range}");
        }
    }

    #[test]
    fn repositories_have_several_spellings() {
        for repository in [
            PROMETHEUS,
            "https://prometheus-community.github.io/helm-charts/",
            "https://prometheus-community.github.io/helm-charts/index.yaml",
            "http://Prometheus-Community.github.io/helm-charts",
            "oci://ghcr.io/prometheus-community/charts",
            "oci://ghcr.io/prometheus-community/charts/kube-state-metrics",
        ] {
            let found =
                Charts::EMBEDDED.advisories(Some(repository), "kube-state-metrics", "4.7.0");
            assert_eq!(found.len(), 1, "{repository}");
        }
        for repository in [
            "https://charts.example.com",
            "https://prometheus-community.github.io",
            "oci://registry.example.com/prometheus-community/charts",
            "",
        ] {
            let found =
                Charts::EMBEDDED.advisories(Some(repository), "kube-state-metrics", "4.7.0");
            assert!(found.is_empty(), "{repository}");
        }
        // Two repositories have a chart of this name.
        let by_name = Charts::EMBEDDED.of_chart(None, "kube-state-metrics");
        assert_eq!(by_name.len(), 2);
        assert!(Charts::EMBEDDED.of_chart(None, "made-up").is_empty());
    }

    #[test]
    fn bitnami_charts_are_never_clean() {
        for repository in [
            "https://charts.bitnami.com/bitnami",
            "oci://registry-1.docker.io/bitnamicharts",
            "oci://registry-1.docker.io/bitnamicharts/redis",
        ] {
            for version in ["1.0.0", "23.0.0", "*", "^20.0.0"] {
                let found = Charts::EMBEDDED.advisories(Some(repository), "redis", version);
                let [advisory] = found.as_slice() else {
                    panic!("{repository} {version}: {found:?}");
                };
                assert_eq!(
                    (advisory.rule, advisory.first_clean),
                    ("bitnami-versioned", None)
                );
            }
        }
        for chart in ["common", "sealed-secrets"] {
            let found =
                Charts::EMBEDDED.of_chart(Some("https://charts.bitnami.com/bitnami"), chart);
            assert!(found.is_empty(), "{found:?}");
        }
    }

    #[test]
    fn between_clean_versions_nothing_is_certain() {
        let repository = Some("https://opencost.github.io/opencost-helm-chart");
        let certain =
            |version: &str| Charts::EMBEDDED.advisories(repository, "opencost", version)[0].certain;
        assert!(certain("0.0.1") && certain("1.29.1"));
        assert!(!certain("1.24.0") && !certain("~1.20.0"));
    }

    #[test]
    fn switched_off_by_default() {
        let repository = Some("https://kubernetes.github.io/dashboard");
        let found = Charts::EMBEDDED.advisories(repository, "kubernetes-dashboard", "6.0.6");
        let one = found.iter().find(|one| one.rule == "k8s-gcr-io").unwrap();
        assert_eq!(one.enabled, Enabled::Off);
        assert_eq!(one.condition, Some("metrics-server.enabled"));
        assert_eq!(one.subchart, Some("metrics-server@3.8.3"));
    }

    #[test]
    fn the_table_is_sound() {
        Charts::EMBEDDED.0.assert_sound(COLUMNS);
        let known = RuleSet::with_own(&[]).unwrap();
        let mut seen = std::collections::HashSet::new();
        for line in Charts::EMBEDDED.0.lines() {
            let row = Advisory::parse(line).unwrap();
            assert!(known.iter().any(|rule| rule.id == row.rule), "{line}");
            for repository in row.repositories() {
                assert_eq!(normal(repository, row.chart), repository, "{line}");
                assert!(seen.insert((row.chart, repository, row.rule)), "{line}");
            }
            let evidence = row.evidence.split_once('@');
            assert!(
                evidence.is_some_and(|(name, commit)| name.contains('/') && commit.len() == 12)
            );
            if [EVERY, NEVER].contains(&row.legacy) {
                continue;
            }
            assert_eq!(row.runs().count(), row.legacy.split(' ').count(), "{line}");
            let ends: Vec<Version> = row.runs().flat_map(|run| [run.first, run.last]).collect();
            assert!(ends.is_sorted(), "{line}");
            assert_eq!(row.first_clean.is_some(), row.since.is_some(), "{line}");
            assert_eq!(row.first_clean.is_some(), row.step().is_some(), "{line}");
            if let Some(clean) = row.first_clean {
                assert!(Version::parse(clean).as_ref() > ends.last(), "{line}");
            }
            let [newest, last] = [row.newest.unwrap(), row.last_legacy()].map(Version::parse);
            assert!(newest >= last, "{line}");
            if let Some(date) = row.since {
                date.parse::<jiff::civil::Date>().unwrap();
            }
        }
    }
}
