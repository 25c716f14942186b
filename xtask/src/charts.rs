//! Finds the chart versions that pull legacy images by default, in the histories of the repositories that contain the
//! charts.
//!
//! The content of a version is that of its tag, or else of the first commit with its number. A version that the
//! repository's index lacks, although it has older and newer ones of the chart, does not count. Results are cached by tree,
//! so that a second run reads only what is new. For subcharts, the existing table is used.

mod history;
mod table;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use regfix::artifact::Artifact;
use regfix::rules::{RuleSet, catalogue};
use regfix::version::Version;

use crate::git::Git;
use crate::{Fault, read, write};
use history::Release;
use table::Row;
use tree::{Found, Trees};

#[derive(clap::Args)]
pub struct Arguments {
    /// The git directories of clones
    #[arg(required = true)]
    git_dirs: Vec<PathBuf>,
    /// `owner/name` on GitHub, if the folder is not called `owner+name`
    #[arg(long)]
    name: Option<String>,
    /// Where the charts are published, for a repository that no row is about yet
    #[arg(long)]
    url: Vec<String>,
    /// Only say what differs
    #[arg(long)]
    check: bool,
    /// Only these charts
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

const FILE: &str = "src/rules/charts.tsv";

/// Rules for which the history of a repository is wrong, because its charts are patched when they are packaged.
const UNRELIABLE: [(&str, &str); 1] = [("kubernetes-sigs/kueue", "k8s-staging")];

/// The state of rules whose images have not moved: no later version of a chart is clean.
const RETIRED: &str = "retired";

pub fn run(root: &Path, arguments: &Arguments) -> Result<(), Fault> {
    let path = root.join(FILE);
    let mut table = table::parsed(&read(&path)?);
    for git_dir in &arguments.git_dirs {
        let name = match &arguments.name {
            Some(name) => name.clone(),
            None => name_of(git_dir)?,
        };
        let urls = match arguments.url.is_empty() {
            true => table.urls_of(&name),
            false => arguments.url.clone(),
        };
        if urls.is_empty() {
            return Err(format!(
                "where are the charts of {name} published? Say so with --url"
            ));
        }
        let cache = root
            .join("target/xtask-charts")
            .join(name.replace('/', "+"));
        let rows = rows_of(git_dir, &name, &urls, &cache, &arguments.only)?;
        table.replace(&name, &arguments.only, rows);
    }
    match arguments.check {
        true => Ok(()),
        false => write(&path, &table.written()),
    }
}

/// Returns `owner/name` from `owner+name` in the path of a clone.
fn name_of(git_dir: &Path) -> Result<String, Fault> {
    let full = git_dir
        .canonicalize()
        .map_err(|error| format!("{}: {error}", git_dir.display()))?;
    let mut folders = full.iter().rev().filter_map(|folder| folder.to_str());
    let name = folders.find_map(|folder| folder.split_once('+'));
    name.map(|(owner, name)| format!("{owner}/{}", name.trim_end_matches(".git")))
        .ok_or_else(|| {
            format!(
                "{}: say with --name which repository that is",
                git_dir.display()
            )
        })
}

/// A version of a chart, with the images that it pulls by rule.
struct Known {
    release: Release,
    version: Version,
    found: BTreeMap<String, Found>,
}

fn rows_of(
    git_dir: &Path,
    name: &str,
    urls: &[String],
    cache: &Path,
    only: &[String],
) -> Result<Vec<Row>, Fault> {
    let mut git = Git::new(git_dir)?;
    let rules = RuleSet::with_own(&[]).map_err(|(_, why)| why)?;
    let images: BTreeSet<String> = rules
        .iter()
        .filter(|rule| rule.artifact == Artifact::Image && rule.state() != RETIRED)
        .map(|rule| rule.id.clone())
        .collect();
    let rules = RuleSet::new(rules);
    let mut trees = Trees::new(&rules, cache, &catalogue().as_of)?;
    let mut charts: BTreeMap<String, Vec<Known>> = BTreeMap::new();
    let published = history::Published::new(&mut git)?;
    for release in history::releases(&mut git, name)? {
        // 0.0.0 is the version of a chart before its first release.
        let is_released = |version: &Version| !version.is_early() && version.numbers() != [0; 3];
        let version = Version::parse(&release.version)
            .filter(is_released)
            .filter(|version| published.may_have(&release.chart, version));
        let wanted = only.is_empty() || only.contains(&release.chart);
        let (Some(version), true) = (version, wanted) else {
            continue;
        };
        let mut found = trees.found(&mut git, &release)?;
        found.retain(|rule, _| images.contains(rule));
        let known = Known {
            release,
            version,
            found,
        };
        charts
            .entry(known.release.chart.clone())
            .or_default()
            .push(known);
    }
    trees.keep()?;
    let versions: usize = charts.values().map(Vec::len).sum();
    println!(
        "{name}: {} charts with {versions} versions, {} trees read",
        charts.len(),
        trees.read
    );
    let mut rows = Vec::new();
    for (chart, mut versions) in charts {
        drop_out_of_line(&mut versions)?;
        versions.sort_by(|one, other| one.version.cmp(&other.version));
        let ids: BTreeSet<String> = versions
            .iter()
            .flat_map(|one| one.found.keys().cloned())
            .collect();
        let ids = ids
            .iter()
            .filter(|rule| !UNRELIABLE.contains(&(name, rule.as_str())));
        rows.extend(ids.map(|rule| row(&chart, name, urls, rule, &versions)));
    }
    Ok(rows)
}

/// A version is dropped if at least `SEVERAL` versions are more than `LATER` days younger, all of them are lower, and one
/// of them is more than `MUCH_LATER` days younger.
const LATER: i32 = 30;
const MUCH_LATER: i32 = 365;
const SEVERAL: usize = 3;

/// Drops versions such as the 1.0.0 of a branch whose releases are 0.20 and 0.21.
fn drop_out_of_line(versions: &mut Vec<Known>) -> Result<(), Fault> {
    loop {
        let dated: Result<Vec<(jiff::civil::Date, Version)>, Fault> = versions
            .iter()
            .map(|one| {
                let day = one.release.date.parse();
                let day = day.map_err(|error| format!("{}: {error}", one.release.date))?;
                Ok((day, one.version.clone()))
            })
            .collect();
        let dated = dated?;
        let is_out = |(day, version): &(jiff::civil::Date, Version)| {
            let after = |other: &jiff::civil::Date| (*other - *day).get_days();
            let later = dated.iter().filter(|(other, _)| after(other) > LATER);
            let later: Vec<_> = later.collect();
            later.len() >= SEVERAL
                && later.iter().all(|(_, other)| other < version)
                && later.iter().any(|(other, _)| after(other) > MUCH_LATER)
        };
        let mut out = dated.iter().map(is_out);
        let before = versions.len();
        versions.retain(|_| out.next() != Some(true));
        if versions.len() == before {
            return Ok(());
        }
    }
}

/// Returns the row of a chart for a rule that applies to at least one of its versions. The versions are sorted, lowest
/// first.
fn row(chart: &str, name: &str, urls: &[String], rule: &str, versions: &[Known]) -> Row {
    let is_legacy = |known: &&Known| known.found.contains_key(rule);
    let mut runs: Vec<(&str, &str)> = Vec::new();
    let mut open = false;
    for known in versions {
        let version = known.release.version.as_str();
        match (is_legacy(&known), open) {
            (true, false) => runs.push((version, version)),
            (true, true) => {
                if let Some(run) = runs.last_mut() {
                    run.1 = version;
                }
            }
            (false, _) => {}
        }
        open = is_legacy(&known);
    }
    let last = versions
        .iter()
        .rposition(|known| is_legacy(&known))
        .unwrap_or_default();
    let (worst, clean) = (&versions[last], versions.get(last + 1));
    let found = &worst.found[rule];
    let newest = versions.last().map(|known| known.release.version.clone());
    let runs: Vec<String> = runs
        .iter()
        .map(|(first, last)| format!("{first}..{last}"))
        .collect();
    let commit = &clean.unwrap_or(worst).release.commit;
    Row {
        chart: chart.to_owned(),
        repositories: urls.join(" "),
        rule: rule.to_owned(),
        legacy: runs.join(" "),
        first_clean: clean.map(|known| known.release.version.clone()),
        since: clean.map(|known| known.release.date.clone()),
        newest,
        images: found
            .images
            .iter()
            .take(2)
            .cloned()
            .collect::<Vec<_>>()
            .join(", "),
        subchart: found.subchart.clone(),
        condition: found.condition.clone(),
        by_default: found.by_default.map(str::to_owned),
        renamed_to: None,
        evidence: format!("{name}@{}", &commit[..commit.len().min(12)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::tests::repository;

    fn chart(version: &str) -> String {
        format!("apiVersion: v2\nname: app\nversion: {version}\n")
    }

    const LEGACY: &str = "image: {repository: k8s.gcr.io/pause, tag: 3.6}\n";
    const CLEAN: &str = "image: {repository: registry.k8s.io/pause, tag: 3.6}\n";

    #[test]
    fn versions_are_read_and_a_second_run_reads_only_new_trees() {
        let (one, two, three, four) = (
            chart("1.0.0"),
            chart("1.1.0"),
            chart("1.2.0"),
            chart("2.0.0"),
        );
        let folder = repository(&[
            (
                "2022-01-01",
                None,
                &[
                    ("charts/app/Chart.yaml", &one),
                    ("charts/app/values.yaml", CLEAN),
                ],
            ),
            (
                "2022-02-01",
                None,
                &[
                    ("charts/app/Chart.yaml", &two),
                    ("charts/app/values.yaml", LEGACY),
                ],
            ),
            (
                "2022-03-01",
                Some("app-1.2.0"),
                &[("charts/app/Chart.yaml", &three)],
            ),
            ("2022-04-01", None, &[("charts/app/values.yaml", CLEAN)]),
            ("2022-05-01", None, &[("charts/app/Chart.yaml", &four)]),
            (
                "2022-05-02",
                None,
                &[
                    ("tests/app/Chart.yaml", &one),
                    ("tests/app/values.yaml", LEGACY),
                ],
            ),
        ]);
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("src/rules")).unwrap();
        let head = "# chart\n";
        let other = "other\thttps://a.example.com\tk8s-gcr-io\t1.0.0..1.0.0\t-\t-\t1.0.0\tk8s.gcr.io/a\t-\t-\t-\t-\tx/y@000000000000\n";
        std::fs::write(root.path().join(FILE), format!("{head}{other}")).unwrap();
        let arguments = Arguments {
            git_dirs: vec![folder.path().join(".git")],
            name: Some("owner/charts".to_owned()),
            url: vec!["https://charts.example.com".to_owned()],
            check: false,
            only: Vec::new(),
        };
        run(root.path(), &arguments).unwrap();
        let text = read(&root.path().join(FILE)).unwrap();
        let row = text.lines().nth(1).unwrap();
        assert!(
            row.starts_with(
                "app\thttps://charts.example.com\tk8s-gcr-io\t1.1.0..1.2.0\t2.0.0\t2022-05-01\t2.0.0\tk8s.gcr.io/pause:3.6\t-\t-\t-\t-\towner/charts@"
            ),
            "{text}"
        );
        assert!(text.starts_with(head) && text.ends_with(other));
        // A person may choose the images of a row; the choice stays as long as the versions do.
        let chosen = text.replace("k8s.gcr.io/pause:3.6", "k8s.gcr.io/chosen:1");
        write(&root.path().join(FILE), &chosen).unwrap();
        run(root.path(), &arguments).unwrap();
        assert_eq!(read(&root.path().join(FILE)).unwrap(), chosen);
        let rows =
            |cache: &Path| rows_of(&folder.path().join(".git"), "a/b", &[], cache, &[]).unwrap();
        let cache = root.path().join("cache");
        assert_eq!(rows(&cache).len(), 1);
        let rules = RuleSet::new(RuleSet::with_own(&[]).unwrap());
        let mut git = Git::new(&folder.path().join(".git")).unwrap();
        let mut trees = Trees::new(&rules, &cache, &catalogue().as_of).unwrap();
        for release in history::releases(&mut git, "a/b").unwrap() {
            trees.found(&mut git, &release).unwrap();
        }
        assert_eq!(trees.read, 0, "a tree was read again");
    }

    #[test]
    fn a_subchart_counts_by_what_is_known_of_it() {
        let umbrella = "apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies:\n- name: kube-state-metrics\n  version: ^4.0.0\n  \
            repository: https://prometheus-community.github.io/helm-charts\n  condition: metrics.enabled\n";
        let lock = "dependencies:\n- name: kube-state-metrics\n  version: 4.7.0\n";
        let folder = repository(&[(
            "2022-01-01",
            None,
            &[
                ("Chart.yaml", umbrella),
                ("Chart.lock", lock),
                ("values.yaml", "metrics: {enabled: false}\n"),
            ],
        )]);
        let root = tempfile::tempdir().unwrap();
        let rows = rows_of(
            &folder.path().join(".git"),
            "a/b",
            &[],
            &root.path().join("cache"),
            &[],
        )
        .unwrap();
        let [row] = rows.as_slice() else {
            panic!("{}", rows.len());
        };
        assert_eq!(row.rule, "k8s-gcr-io");
        assert_eq!(row.subchart.as_deref(), Some("kube-state-metrics@4.7.0"));
        assert_eq!(row.condition.as_deref(), Some("metrics.enabled"));
        assert_eq!(row.by_default.as_deref(), Some("off"));
    }

    #[test]
    fn a_tag_without_a_name_is_of_each_chart_that_has_the_version() {
        let named = |name: &str, version: &str| format!("name: {name}\nversion: {version}\n");
        let (one, old, new) = (
            named("one", "3.0.0"),
            named("two", "1.0.0"),
            named("two", "1.0.1"),
        );
        let folder = repository(&[
            (
                "2022-01-01",
                None,
                &[
                    ("charts/one/Chart.yaml", &one),
                    ("charts/two/Chart.yaml", &old),
                    ("charts/two/values.yaml", CLEAN),
                ],
            ),
            (
                "2022-02-01",
                Some("v1.0.0"),
                &[("charts/two/values.yaml", LEGACY)],
            ),
            (
                "2022-03-01",
                None,
                &[
                    ("charts/two/Chart.yaml", &new),
                    ("charts/two/values.yaml", CLEAN),
                ],
            ),
        ]);
        let cache = tempfile::tempdir().unwrap();
        let rows = rows_of(&folder.path().join(".git"), "a/b", &[], cache.path(), &[]).unwrap();
        let [row] = rows.as_slice() else {
            panic!("{}", rows.len());
        };
        assert_eq!(
            (row.chart.as_str(), row.legacy.as_str()),
            ("two", "1.0.0..1.0.0")
        );
        assert_eq!(row.first_clean.as_deref(), Some("1.0.1"));
    }

    #[test]
    fn versions_that_the_index_does_not_list_were_not_published() {
        let named = |version: &str| format!("name: app\nversion: {version}\n");
        let (one, two, three) = (named("1.0.0"), named("1.9.9"), named("2.0.0"));
        let early = named("0.9.0");
        let folder = repository(&[
            (
                "2021-12-01",
                None,
                &[("Chart.yaml", &early), ("values.yaml", LEGACY)],
            ),
            (
                "2022-01-01",
                None,
                &[("Chart.yaml", &one), ("values.yaml", LEGACY)],
            ),
            ("2022-02-01", None, &[("Chart.yaml", &two)]),
            (
                "2022-03-01",
                None,
                &[("Chart.yaml", &three), ("values.yaml", CLEAN)],
            ),
        ]);
        let git = |arguments: &[&str]| {
            let done = std::process::Command::new("git")
                .args(["-c", "user.name=a", "-c", "user.email=a@example.com"])
                .args(arguments)
                .current_dir(folder.path())
                .status();
            assert!(done.unwrap().success(), "{arguments:?}");
        };
        let runs = || {
            let cache = tempfile::tempdir().unwrap();
            let rows = rows_of(&folder.path().join(".git"), "a/b", &[], cache.path(), &[]);
            let rows = rows.unwrap().into_iter();
            rows.map(|row| (row.legacy, row.first_clean))
                .collect::<Vec<_>>()
        };
        let all = ("0.9.0..1.9.9".to_owned(), Some("2.0.0".to_owned()));
        assert_eq!(runs(), [all]);
        git(&["checkout", "-q", "--orphan", "gh-pages"]);
        let index = "apiVersion: v1\nentries:\n  app:\n  - {version: 2.0.0}\n  - {version: v1.0.0}\n  - {version: 0.0.0}\n";
        std::fs::write(folder.path().join("index.yaml"), index).unwrap();
        git(&["add", "index.yaml"]);
        git(&["commit", "-q", "-m", "a"]);
        git(&["checkout", "-q", "-f", "main"]);
        let expected = ("0.9.0..1.0.0".to_owned(), Some("2.0.0".to_owned()));
        assert_eq!(runs(), [expected]);
    }

    #[test]
    fn a_version_with_a_v_is_the_one_without() {
        let named = |version: &str| format!("name: app\nversion: {version}\n");
        let (branch, tag, next) = (named("v1.0.0"), named("1.0.0"), named("1.0.1"));
        let folder = repository(&[
            (
                "2022-01-01",
                None,
                &[
                    ("charts/app/Chart.yaml", &branch),
                    ("charts/app/values.yaml", CLEAN),
                ],
            ),
            (
                "2022-02-01",
                Some("app-chart-1.0.0"),
                &[
                    ("charts/app/Chart.yaml", &tag),
                    ("charts/app/values.yaml", LEGACY),
                ],
            ),
            (
                "2022-03-01",
                Some("app-chart-1.0.1"),
                &[("charts/app/Chart.yaml", &next)],
            ),
        ]);
        let cache = tempfile::tempdir().unwrap();
        let rows = rows_of(&folder.path().join(".git"), "a/b", &[], cache.path(), &[]).unwrap();
        let runs: Vec<&str> = rows.iter().map(|row| row.legacy.as_str()).collect();
        assert_eq!(runs, ["1.0.0..1.0.1"]);
    }
}
